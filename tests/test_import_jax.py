"""JAX functions against JAX itself: counts at other sizes, shapes, numbers, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from sympy import Eq, Integer, Le, Mod, Ne, Symbol

import layeralgebra as la
from layeralgebra import FieldError, UnsupportedError

jax = pytest.importorskip("jax")
jnp = jax.numpy
functions = pytest.importorskip("oracles.jax_functions")
from conftest import PROFILE  # noqa: E402

from oracles.jaxpr_count import count_learned, count_macs  # noqa: E402

CASES = functions.functions()
T, S = (Symbol(name, integer=True, positive=True) for name in "TS")


def imported(case, sizes=None, **options):
    names = case.names if sizes is None else {}
    tree = () if case.tree is None else case.tree
    return la.from_jax(case.function, *case.structs(sizes or case.sizes()[0]), params=tree, dynamic=names, **options)


QUICK = (
    "mlp with gelu",
    "causal attention",
    "conv same",
    "embedding",
    "gated recurrence",
    "long short-term memory",
    "stacked layers",
    "layer norm",
    "every second",
)
"""One of each kind; all of them in the full profile."""


@pytest.mark.parametrize("name", list(CASES) if PROFILE == "full" else QUICK)
def test_counts_at_five_sizes_are_those_of_the_jaxpr_there(name):
    case = CASES[name]
    net = imported(case)
    shape, macs = la.output_shape(net), la.macs(net)
    assert la.parameters(net) == count_learned(case.function, case.tree, *case.structs(case.sizes()[0]))
    for sizes in case.sizes():
        at = {Symbol(key, integer=True, positive=True): Integer(size) for key, size in sizes.items()}
        structs = case.structs(sizes)
        if any(relation.subs(at) == False for relation in net.imported.where):  # noqa: E712  # SymPy's false
            continue
        assert macs.subs(at) == count_macs(case.function, case.tree, *structs), sizes
        (out,) = jax.tree_util.tree_leaves(jax.eval_shape(case.function, case.tree, *structs))
        assert tuple(size.subs(at) for size in shape) == (tuple(out.shape) or (1,)), sizes


def delayed(x):
    """Each turn sees the last three examples."""

    def step(before, now):
        before = jnp.concatenate([now[None], before[:-1]])
        return before, before.sum(0)

    return jax.lax.scan(step, jnp.zeros((3, x.shape[1])), x)[1]


def test_what_has_no_equation_at_symbolic_sizes_is_written_out_at_literal_ones():
    with pytest.raises(UnsupportedError, match="scan at .*concatenate in its step"):
        la.from_jax(delayed, (8, 6), dynamic={0: "T"})
    x = np.arange(48.0).reshape(8, 6)
    assert np.allclose(la.run(la.from_jax(delayed, (8, 6)), x), delayed(jnp.asarray(x)))


def test_what_a_function_asks_of_sizes_is_stated():
    def function(x):
        return x[::2] if x.shape[0] % 8 == 0 else x

    net = la.from_jax(function, (64,), dynamic={0: "T"})
    assert net.imported.where == (Eq(Mod(T, 8), 0),)
    with pytest.raises(la.DomainError):
        la.derive(la.macs, net)(T=12)
    net = la.from_jax(lambda x: x[: x.shape[0]] * jnp.arange(96.0)[: x.shape[0]], (64,), dynamic={0: "T"})
    assert net.imported.where == (Le(T, 96),)


def test_a_size_that_is_asked_for_and_changes_nothing_is_not_stated():
    def function(p, x):
        return x @ p["w"] if x.shape != p["w"].shape else x @ p["w"]

    def other(p, x):
        return x @ p["w"] if x.shape != p["w"].shape else x @ p["v"]

    params = functions.tree_of(w=(16, 16), v=(16, 16))
    net = la.from_jax(function, (12, 16), params=params, dynamic={0: "T"})
    assert net.imported.where == () and net == la.Input(T, 16) >> la.Linear(16, False)
    net = la.from_jax(other, (12, 16), params=params, dynamic={0: "T"})
    assert net.imported.where == (Ne(T, 16),)
    net = la.from_jax(
        lambda x, y: x.sum() * y if x.shape != y.shape else x.sum() * y, (3,), (4,), dynamic={(0, 0): "T", (1, 0): "S"}
    )
    assert net.imported.where == ()


def test_a_function_that_works_for_one_size_only_is_refused():
    with pytest.raises(UnsupportedError, match="works only where T is 64"):
        la.from_jax(lambda x: x * 2 if x.shape[0] == 64 else x, (64,), dynamic={0: "T"})
    with pytest.raises(UnsupportedError, match="works only where S is T|works only where T is S"):
        la.from_jax(lambda x, y: x + y if x.shape == y.shape else x, (4,), (4,), dynamic={(0, 0): "T", (1, 0): "S"})


def test_an_axis_may_be_a_multiple():
    h = la.dims("h")
    net = la.from_jax(lambda x: x.reshape(-1, 8).sum(1), (64,), dynamic={0: 8 * h})
    assert la.output_shape(net) == (h,)


def test_scanning_over_stacked_weights_is_a_block_repeated():
    net = imported(CASES["stacked layers"])
    assert [node.times for node in net.atoms(la.Repeat)] == [5]


def test_equal_blocks_without_names_are_one_that_is_repeated():
    def deep(params, x):
        for block in params:
            x = x + jnp.tanh(x @ block["w"] + block["b"]) @ block["v"]
        return x

    def plain(params, x):
        for layer in params:
            x = jnp.tanh(x @ layer["w"] + layer["b"])
        return x

    blocks = [functions.tree_of(w=(8, 16), b=(16,), v=(16, 8)) for _ in range(4)]
    net = la.from_jax(deep, (5, 8), params=blocks, dynamic={0: "T"})
    assert [node.times for node in net.atoms(la.Repeat)] == [4] and la.parameters(net) == 4 * (2 * 8 * 16 + 16)
    net = la.from_jax(deep, (5, 8), params=[*blocks, functions.tree_of(w=(8, 4), b=(4,), v=(4, 8))])
    assert [node.times for node in net.atoms(la.Repeat)] == [4]
    net = la.from_jax(plain, (5, 8), params=[functions.tree_of(w=(8, 8), b=(8,)) for _ in range(3)])
    assert net == la.Input(5, 8) >> (la.Linear(8) >> la.Tanh()) ** 3


def test_a_bias_is_that_of_its_linear_layer_where_it_is_one_for_each_feature():
    params = functions.tree_of(w=(6, 4), b=(4,), many=(5, 4), v=(4, 3), k=(3, 3, 6, 2), c=(2,))
    x = jnp.ones((5, 6))

    def of(function, *shapes):
        return la.from_jax(function, *shapes, params=params)

    assert of(lambda p, x: x @ p["w"] + p["b"], x) == la.Input(5, 6) >> la.Linear(4)
    assert of(lambda p, x: p["b"] + x @ p["w"], x) == la.Input(5, 6) >> la.Linear(4)
    heads = of(lambda p, x: (x @ p["w"]).reshape(5, 2, 2) + p["b"].reshape(2, 2), x)
    assert la.Linear(4) in heads.atoms(la.Linear) and not heads.atoms(la.Parameter)

    def conv(p, x):
        return (
            jax.lax.conv_general_dilated(x, p["k"], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")) + p["c"]
        )

    (made,) = of(conv, (1, 8, 8, 6)).atoms(la.Conv)
    assert made.bias
    for other in (
        lambda p, x: x @ p["w"] + p["many"],  # another one at every position
        lambda p, x: (x @ p["w"]).reshape(5, 2, 2) + p["b"].reshape(2, 2).T,  # in another order
        lambda p, x: (lambda y: y.sum() + (y + p["b"]))(x @ p["w"]),  # also used without it
    ):
        net = of(other, x)
        assert net.atoms(la.Parameter) and not any(layer.bias for layer in net.atoms(la.Linear))


def test_several_outputs_and_those_that_are_asked_for():
    def function(params, x):
        return {"a": x @ params["a"], "b": x @ params["b"]}

    params = functions.tree_of(a=(8, 3), b=(8, 5))
    assert la.output_shape(la.from_jax(function, (8,), params=params)) == (8,)
    net = la.from_jax(function, (8,), params=params, outputs="b")
    assert la.output_shape(net) == (5,) and net.imported.unused == {"a": 24}
    with pytest.raises(FieldError, match="no output 'c'; it has 'a', 'b'"):
        la.from_jax(function, (8,), params=params, outputs="c")


def test_what_depends_on_the_data_is_refused_with_its_line():
    def branches(x):
        return jax.lax.cond(x.sum() > 0, jnp.sin, jnp.cos, x)

    with pytest.raises(
        UnsupportedError, match="cond at .*test_import_jax.py:.*which branch is taken depends on the data"
    ):
        la.from_jax(branches, (8,))
    with pytest.raises(UnsupportedError, match="while at .*how often it turns depends on the data"):
        la.from_jax(lambda x: jax.lax.while_loop(lambda x: x.sum() < 9, lambda x: x + 1, x), (8,))


def test_all_unknown_primitives_are_named_at_once():
    with pytest.raises(UnsupportedError, match="(?s)cholesky: 1 time.*fft: 1 time"):
        la.from_jax(lambda x: jnp.linalg.cholesky(x) + jnp.fft.fft(x).real, (4, 4))
    net = la.from_jax(jnp.linalg.cholesky, (4, 4), operators={"cholesky": lambda shapes, params: la.Abs()}, outputs=0)
    assert la.output_shape(net) == (4, 4)


def test_bad_arguments_are_refused():
    with pytest.raises(FieldError, match="takes a function of arrays"):
        la.from_jax(3, (3,))
    with pytest.raises(FieldError, match="takes shapes"):
        la.from_jax(jnp.sin, 3)
    with pytest.raises(FieldError, match="axes 0 to 0"):
        la.from_jax(jnp.sin, (3,), dynamic={1: "T"})
    with pytest.raises(FieldError, match="have the sizes 3 and 4 in the example"):
        la.from_jax(jnp.outer, (3,), (4,), dynamic={(0, 0): "T", (1, 0): "T"})
    with pytest.raises(UnsupportedError, match="JAX cannot trace this function: .*T"):
        la.from_jax(lambda x: jnp.stack([x[place] for place in range(x.shape[0])]), (3,), dynamic={0: "T"})


NUMBERS = {"T": 4, "S": 3, "H": 6, "W": 5, "B": 2}
PLAIN = [name for name, case in CASES.items() if case.tree is None]
WEIGHTED = [name for name, case in CASES.items() if case.tree is not None and case.numbers]


def numbers_agree(case, function):
    drawn = np.random.default_rng(0)
    arrays = [
        drawn.integers(0, 3, shape) if place in case.integers else drawn.normal(size=shape).astype("float32")
        for place, shape in enumerate(case.shapes(NUMBERS))
    ]
    net = la.from_jax(function, *case.structs(NUMBERS))
    if net.atoms(la.Opaque):
        pytest.skip("an opaque step has no numbers")
    wanted = np.asarray(function(*map(jnp.asarray, arrays)))
    found = np.asarray(la.run(net, arrays[0] if len(arrays) == 1 else arrays)).astype(float)
    assert found.shape == (wanted.shape or (1,))
    assert np.allclose(found, wanted, atol=1e-4)


@pytest.mark.parametrize(
    "name", PLAIN if PROFILE == "full" else ("where", "take along", "max pool", "rotary positions", "flip", "argmax")
)
def test_numbers_are_those_of_jax(name):
    numbers_agree(CASES[name], lambda *arrays: CASES[name].function(None, *arrays))


@pytest.mark.parametrize("name", WEIGHTED if PROFILE == "full" else ("gated recurrence", "long short-term memory"))
def test_numbers_with_given_weights_are_those_of_jax(name):
    numbers_agree(CASES[name], lambda *arrays: CASES[name].function(CASES[name].tree, *arrays))


def test_the_command_reads_a_function(tmp_path):
    from layeralgebra.commands.import_model import run

    (tmp_path / "model.py").write_text("import jax.numpy as jnp\n\ndef cube(x):\n    return (x @ x.T) @ x\n")
    shown = "\n".join(str(block) for block in run(f"{tmp_path / 'model.py'}:cube", on="T,8", metrics=["macs"]))
    assert "16*T**2" in shown
