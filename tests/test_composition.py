"""Every way to put networks together: what it computes, what it counts, and what symbolic depth stands for.

Numbers are compared with plain NumPy on the outputs of the parts; counts with sums over the parts, or with copies
written out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import Integer, Symbol, Tuple, floor

import layeralgebra as la
from layeralgebra.algebra.equations.reach.branches import union
from layeralgebra.algebra.equations.receptive_field import layer_reach

H, W, c, g, k, s, L, n = la.dims("H W c g k s L n")
l = Symbol("l", integer=True, nonnegative=True)  # noqa: E741

METRICS = ("parameters", "macs", "flops", "activations", "depth")
WIDTHS = st.integers(1, 3)


def parts(net: la.Network, weights: dict[str, Any], path: str) -> dict[str, Any]:
    """The weights of the part at a path, under the names that it has alone."""
    assert isinstance(net, la.Network)
    return {name.removeprefix(path + "."): array for name, array in weights.items() if name.startswith(path + ".")}


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-3, 4, shape)


def at_integers(net: la.Network, on: Any, seed: int = 1) -> dict[str, np.ndarray]:
    """Integer weights, so that every comparison below is exact."""
    found = la.weights(net, on=on)
    return {name: numbers(*array.shape, seed=seed + place) for place, (name, array) in enumerate(found.items())}


def total(metric: str, nets: list[tuple[la.Network, Any]]) -> Any:
    return sum((getattr(la, metric)(net, on=on) for net, on in nets), Integer(0))


# series --------------------------------------------------------------------------------------------------------------


@given(a=WIDTHS, b=WIDTHS, d=WIDTHS)
def test_series_is_composition(a: int, b: int, d: int) -> None:
    f, h = la.Linear(b), la.Linear(d)
    net, x = f >> la.ReLU() >> h, numbers(a)
    weights = at_integers(net, (a,))
    middle = np.maximum(la.run(f, x, parts(f, weights, "0")), 0)
    assert (la.run(net, x, weights) == la.run(h, middle, parts(h, weights, "2"))).all()
    pieces = [(f, (a,)), (la.ReLU(), (b,)), (h, (b,))]
    for metric in METRICS:
        assert getattr(la, metric)(net, on=(a,)) == total(metric, pieces)


def test_series_flattens_and_drops_identities() -> None:
    f, h = la.Linear(2), la.ReLU()
    assert f >> (h >> f) == (f >> h) >> f and len((f >> (h >> f)).parts) == 3
    assert f >> la.Identity() == f == la.Identity() >> f
    assert la.Identity() >> la.Identity() == la.Identity()
    assert (la.run(la.Identity() >> la.Identity(), [1, 2]) == [1, 2]).all()


# sums, products, concatenations --------------------------------------------------------------------------------------

JOINS = {
    "Add": (lambda f, h: f + h, lambda a, b: a + b),
    "Mul": (lambda f, h: f * h, lambda a, b: a * b),
    "Concat": (lambda f, h: f | h, lambda a, b: np.concatenate([a, b], axis=0)),
}


@pytest.mark.parametrize("name", sorted(JOINS))
@given(channels=WIDTHS, size=st.integers(1, 4))
def test_joins_see_one_input(name: str, channels: int, size: int) -> None:
    join, expected = JOINS[name]
    f, h = la.Conv(2, 3, padding=1), la.Conv(2, 1) >> la.ReLU()
    net, on = join(f, h), (channels, size)
    x, weights = numbers(*on), at_integers(net, on)
    outputs = [la.run(branch, x, parts(branch, weights, str(place))) for place, branch in enumerate((f, h))]
    found = la.run(net, x, weights)
    assert (found == expected(*outputs)).all()
    assert tuple(la.output_shape(net, on=on)) == found.shape
    for metric in ("parameters", "macs"):
        assert getattr(la, metric)(net, on=on) == total(metric, [(f, on), (h, on)])
    own = total("flops", [(f, on), (h, on)])
    assert la.flops(net, on=on) == own + (0 if name == "Concat" else 2 * size)
    made = total("activations", [(f, on), (h, on)])
    assert la.activations(net, on=on) == made + (0 if name == "Concat" else 2 * size)
    assert la.depth(net, on=on) == 1


@pytest.mark.parametrize("name", ["Add", "Mul"])
def test_axes_of_one_element_are_spread(name: str) -> None:
    join, expected = JOINS[name]
    net = join(la.Identity(), la.AdaptiveAvgPool(1))
    x = numbers(3, 2, 4)
    assert (la.run(net, x) == expected(x, x.mean(axis=(1, 2), keepdims=True))).all()
    assert la.output_shape(net, on=(c, H, W)) == Tuple(c, H, W)


def test_three_branches_at_once() -> None:
    f = la.Identity() + la.ReLU() + la.Abs()
    assert len(f.branches) == 3
    assert la.run(f, [-2, 3]).tolist() == [0, 9]
    assert la.flops(f, on=(n,)) == 2 * n + 2 * n  # two adds an element, and the two functions
    assert la.run(la.Identity() | la.ReLU() | la.Abs(), [[-2, 3]]).tolist() == [[-2, 3], [0, 3], [2, 3]]


def test_concatenation_goes_along_the_channels_unless_told() -> None:
    x = numbers(3, 4)
    both = la.ReLU() | la.Abs()
    assert la.run(both, x).shape == (6, 4)  # nothing says otherwise: channels first
    sequences = la.Linear(2, bias=False) | la.Linear(5, bias=False)
    assert la.run(sequences, x, at_integers(sequences, (3, 4))).shape == (3, 7)  # features last
    assert la.run(la.Concat(la.ReLU(), la.Abs(), axis=1), x).shape == (3, 8)
    assert la.run(la.Concat(la.ReLU(), la.Abs(), axis=-1), x).shape == (3, 8)
    assert la.output_shape(sequences, on=(n, c)) == Tuple(n, 7)


def test_squeeze_and_excite() -> None:
    net, x = la.squeeze_excite(4, 2), np.random.default_rng(3).standard_normal((4, 3, 3))
    weights = la.weights(net, on=x.shape)
    hidden = np.maximum(weights["1.1.W"].reshape(2, 4) @ x.mean(axis=(1, 2)) + weights["1.1.b"].ravel(), 0)
    gate = 1 / (1 + np.exp(-(weights["1.3.W"].reshape(4, 2) @ hidden + weights["1.3.b"].ravel())))
    np.testing.assert_allclose(la.run(net, x, weights), x * gate[:, None, None], rtol=1e-12)


# repetition ----------------------------------------------------------------------------------------------------------


@given(times=st.integers(0, 4), width=WIDTHS)
def test_copies_have_weights_of_their_own(times: int, width: int) -> None:
    block = la.Identity() + (la.Linear(width) >> la.ReLU())
    net, x = block**times, numbers(width)
    weights = at_integers(net, (width,))
    expected = x
    for copy in range(times):
        expected = la.run(block, expected, parts(block, weights, str(copy)))
    assert (la.run(net, x, weights) == expected).all()
    assert la.parameters(net, on=(width,)) == times * la.parameters(block, on=(width,))


@given(times=st.integers(1, 6), channels=st.integers(1, 4), growth=WIDTHS, size=st.integers(1, 3))
def test_dense_blocks_close_to_polynomials(times: int, channels: int, growth: int, size: int) -> None:
    """Every copy sees all earlier ones, so that the widths grow; the closed forms equal copies written out."""
    block = la.Identity() | (la.BatchNorm() >> la.ReLU() >> la.Conv(g, 3, padding=1, bias=False))
    on = (c, H)
    values = {"L": times, "c": channels, "g": growth, "H": size}
    written = la.Identity()
    for _ in range(times):
        written = written >> block.subs(g, growth)
    assert la.output_shape(block**L, on=on) == Tuple(c + L * g, H)
    for metric in METRICS:
        derived = la.derive(metric, block**L, on=on)
        literal = getattr(la, metric)(written, on=(channels, size))
        needed = {str(symbol) for symbol in derived.symbols}
        assert derived(**{name: value for name, value in values.items() if name in needed}) == literal
    x = numbers(channels, size)
    literal = block.subs(g, growth) ** times
    assert la.run(literal, x, seed=2).shape == (channels + times * growth, size)
    assert la.parameters(block**L, on=on).as_poly(L).degree() == 2


@given(times=st.integers(1, 5), first=WIDTHS)
def test_widths_may_be_functions_of_the_copy(times: int, first: int) -> None:
    """A pyramid: copy l has 2 (l + 1) units."""
    pyramid = la.Repeat(la.Linear(2 * (l + 1)) >> la.ReLU(), L, l)
    widths = [first, *(2 * (copy + 1) for copy in range(times))]
    expected = sum(b * a + b for a, b in zip(widths, widths[1:]))
    derived = la.derive(la.parameters, pyramid, on=(c,))
    assert derived(L=times, c=first) == expected
    literal = pyramid.subs(L, times)
    assert la.parameters(literal, on=(first,)) == expected
    weights = at_integers(literal, (first,))
    found = numbers(first)
    for copy in range(times):
        found = np.maximum(weights[f"{copy}.0.W"] @ found + weights[f"{copy}.0.b"], 0)
    assert (la.run(literal, numbers(first), weights) == found).all()


def test_growing_by_a_factor_closes_to_a_geometric_series() -> None:
    doubling = la.Repeat(la.Linear(c * 2 ** (l + 1), bias=False), L, l)
    derived = la.derive(la.parameters, doubling, on=(c,))
    for times in (1, 2, 5):
        assert derived(L=times, c=3) == sum(9 * 2 ** (2 * copy + 1) for copy in range(times))


def test_a_repetition_binds_its_index() -> None:
    pyramid = la.Repeat(la.Linear(c + l), L, l)
    assert pyramid.free_symbols == {c, L}
    assert pyramid.subs(l, 5) == pyramid
    assert pyramid.subs(L, 2).copy(1) == la.Linear(c + 1)


# strides -------------------------------------------------------------------------------------------------------------


@given(times=st.integers(0, 6), size=st.integers(1, 200), stride=st.integers(2, 4))
def test_strided_chains_have_one_floor(times: int, size: int, stride: int) -> None:
    chain = la.MaxPool(s) ** L
    shape = la.derive(la.output_shape, chain, on=(c, H))
    assert len(shape.formula[1].atoms(floor)) == 1
    expected = size
    for _ in range(times):
        expected //= stride
    if expected < 1 or not times:
        return
    assert shape(c=1, H=size, L=times, s=stride) == (1, expected)
    assert tuple(la.output_shape(la.MaxPool(stride) ** times, on=(1, size))) == (1, expected)
    assert la.run(la.MaxPool(stride) ** times, numbers(1, size)).shape == (1, expected)


@given(times=st.integers(1, 4), size=st.integers(1, 64))
def test_strided_convolutions_with_padding(times: int, size: int) -> None:
    block = la.Conv(c, 3, stride=2, padding=1)
    shape = la.derive(la.output_shape, block**L, on=(c, H))
    expected = size
    for _ in range(times):
        expected = (expected - 1) // 2 + 1
    assert shape(c=2, H=size, L=times) == (2, expected)
    assert tuple(la.output_shape(la.Conv(2, 3, stride=2, padding=1) ** times, on=(2, size))) == (2, expected)
    field = la.derive(la.receptive_field, block**L, on=(c, H))(c=2, L=times)
    assert field.size == (2 ** (times + 1) - 1,) and field.jump == (2**times,)


# sharing -------------------------------------------------------------------------------------------------------------


def test_a_linear_map_tied_to_an_embedding() -> None:
    vocabulary, features = 5, 3
    table = la.Embedding(vocabulary, features).shared("table")
    head = la.Linear(vocabulary, bias=False).shared("table")
    net = table >> la.LayerNorm(affine=False) >> head
    assert la.parameters(net, on=(4,)) == vocabulary * features
    V, d, T = la.dims("V d T")
    tied = la.Embedding(V, d).shared("table") >> la.Linear(V, bias=False).shared("table")
    assert la.parameters(tied, on=(T,)) == V * d
    assert la.macs(tied, on=(T,)) == T * V * d
    weights = {"table.E": numbers(vocabulary, features, seed=4)}
    assert list(la.weights(net, on=(4,))) == ["table.E"]
    words = [0, 4, 2]
    E = weights["table.E"]
    plain = la.Embedding(vocabulary, features).shared("table") >> head
    assert (la.run(plain, words, weights) == E[words] @ E.T).all()


def test_shared_copies_are_one_tensor() -> None:
    f = la.Linear(3).shared("f")
    net = f >> la.ReLU() >> f >> f
    weights = at_integers(net, (3,))
    assert list(weights) == ["f.W", "f.b"]
    x = numbers(3)
    once = weights["f.W"] @ x + weights["f.b"]
    twice = weights["f.W"] @ np.maximum(once, 0) + weights["f.b"]
    assert (la.run(net, x, weights) == weights["f.W"] @ twice + weights["f.b"]).all()
    assert la.parameters(net, on=(3,)) == 12 and la.macs(net, on=(3,)) == 27
    assert la.parameters(f**L, on=(3,)) == 12
    assert la.macs(f**L, on=(3,)) == 9 * L
    assert list(la.weights(f**4, on=(3,))) == ["f.W", "f.b"]


def test_what_is_shared_must_fit() -> None:
    with pytest.raises(la.ShapeError, match="shared under 'f'"):
        la.parameters(la.Linear(3).shared("f") >> la.Linear(4).shared("f"), on=(2,))
    with pytest.raises(la.ShapeError, match="f.W"):
        la.run(la.Linear(3, bias=False).shared("f") >> la.Linear(2, bias=False).shared("f"), [1, 2])
    with pytest.raises(la.FieldError):
        la.Linear(3).shared("")


# graphs --------------------------------------------------------------------------------------------------------------


def test_a_graph_computes_what_its_arrows_say() -> None:
    """Two towers that cross; every node is computed once, and joins take what arrives in the order of the arrows."""
    net = la.Graph(
        {
            "stem": la.Linear(2),
            "left": la.Linear(3),
            "right": la.ReLU() >> la.Linear(3),
            "sum": la.Add(),
            "product": la.Mul(),
            "all": la.Concat(),
        },
        [
            ("stem", "left"), ("stem", "right"), ("left", "sum"), ("right", "sum"),
            ("left", "product"), ("sum", "product"), ("product", "all"), ("sum", "all"),
        ],
    )  # fmt: skip
    x, weights = numbers(4), at_integers(net, (4,))
    stem = weights["stem.W"] @ x + weights["stem.b"]
    left = weights["left.W"] @ stem + weights["left.b"]
    right = weights["right.1.W"] @ np.maximum(stem, 0) + weights["right.1.b"]
    both = left + right
    assert (la.run(net, x, weights) == np.concatenate([left * both, both])).all()
    assert la.parameters(net, on=(n,)) == 2 * n + 2 + 2 * 9
    assert la.macs(net, on=(n,)) == 2 * n + 12
    assert la.depth(net, on=(n,)) == 2
    assert la.flops(net, on=(n,), apart=True).multiplies == 2 * n + 12 + 3
    assert la.output_shape(net, on=(n,)) == Tuple(6)


def test_graphs_equal_operators() -> None:
    f, h = la.Conv(3, 3, padding=1), la.Conv(3, 1)
    drawn = la.Graph(
        {"f": f, "h": h, "skip": la.Identity(), "sum": la.Add()}, [("f", "h"), ("h", "sum"), ("skip", "sum")]
    )
    written = (f >> h) + la.Identity()
    on = (3, H)
    for metric in (*METRICS, "output_shape"):
        assert getattr(la, metric)(drawn, on=on) == getattr(la, metric)(written, on=on)
    assert la.receptive_field(drawn, on=on) == la.receptive_field(written, on=on)
    x = numbers(3, 5)
    weights = at_integers(written, x.shape)
    renamed = {name.replace("0.0.", "f.").replace("0.1.", "h."): array for name, array in weights.items()}
    assert (la.run(drawn, x, renamed) == la.run(written, x, weights)).all()


def test_graphs_inside_networks() -> None:
    inner = la.Graph({"a": la.ReLU(), "b": la.Abs(), "sum": la.Add()}, [("a", "sum"), ("b", "sum")])
    assert la.run(inner >> inner, [-1, 2]).tolist() == [2, 8]
    assert la.run(inner**3, [1]).tolist() == [8]
    assert la.run(la.Identity() + inner, [-3]).tolist() == [0]


def test_nodes_with_several_inputs_take_their_arrows_in_order() -> None:
    net = la.Graph(
        {"q": la.Linear(2, bias=False), "m": la.Linear(2, bias=False), "both": la.Subtract()},
        [("q", "both"), ("m", "both")],
    )
    weights = {"q.W": [[1, 0], [0, 1]], "m.W": [[0, 1], [1, 0]]}
    assert la.run(net, [5, 1], weights).tolist() == [4, -4]


@given(depth=st.integers(1, 6), width=WIDTHS, data=st.data())
def test_random_graphs(depth: int, width: int, data: st.DataObject) -> None:
    """Sums of random subsets of earlier nodes, against plain NumPy."""
    nodes: dict[str, la.Network] = {"n0": la.Identity()}
    edges: list[tuple[str, str]] = []
    x = numbers(width, seed=depth)
    values = {"n0": x}
    for place in range(1, depth + 1):
        sources = data.draw(st.lists(st.sampled_from(sorted(values)), min_size=1, unique=True))
        if place == depth:
            sources = sorted({*sources, *(set(values) - {a for a, _ in edges})})  # one output: nothing else ends here
        name = f"n{place}"
        if len(sources) == 1:
            nodes[name], values[name] = la.Abs(), np.abs(values[sources[0]])
        else:
            nodes[name], values[name] = la.Add(), sum(values[source] for source in sources)
        edges += [(source, name) for source in sources]
    net = la.Graph(nodes, edges)
    assert (la.run(net, x) == values[f"n{depth}"]).all()
    arriving = {name: sum(target == name for _, target in edges) for name in nodes}
    adds = sum(arriving[name] - 1 for name, node in nodes.items() if isinstance(node, la.Add))
    functions = sum(isinstance(node, la.Abs) for node in nodes.values())
    assert la.flops(net, on=(width,)) == width * (adds + functions)


# what does not fit ---------------------------------------------------------------------------------------------------

MISMATCHES = {
    "added channels": (lambda: la.Linear(2) + la.Linear(3), (4,), "axis 0"),
    "multiplied sizes": (lambda: la.Conv(1, 1) * la.Conv(1, 2), (1, 5), "axis 1"),
    "concatenated sizes": (lambda: la.Conv(1, 1) | la.Conv(1, 2), (1, 5), "axis 1"),
    "added ranks": (lambda: la.Identity() + la.GlobalAvgPool(), (1, 5), "equally many axes"),
    "concatenated ranks": (lambda: la.Identity() | la.GlobalAvgPool(), (1, 5), "equally many axes"),
    "an axis that is not there": (lambda: la.Concat(la.ReLU(), la.ReLU(), axis=4), (1, 5), "no axis 4"),
    "series": (lambda: la.Conv(3, 1) >> la.PixelShuffle(2), (1, 5), "at 1"),
    "a copy that does not fit the next": (lambda: la.Conv(2, 3) ** 3, (2, 5), "window"),
    "a join in a graph": (
        lambda: la.Graph({"f": la.Linear(2), "g": la.Linear(3), "sum": la.Add()}, [("f", "sum"), ("g", "sum")]),
        (4,),
        "axis 0",
    ),
}


@pytest.mark.parametrize("what", sorted(MISMATCHES))
def test_shapes_that_do_not_fit_are_refused(what: str) -> None:
    build, on, words = MISMATCHES[what]
    net = build()
    for ask in (lambda: la.output_shape(net, on=on), lambda: la.macs(net, on=on), lambda: la.run(net, np.ones(on))):
        with pytest.raises(la.ShapeError, match=words):
            ask()


def test_a_closed_network_takes_no_other_input() -> None:
    net = la.Input(3, 8) >> la.Conv(2, 3)
    assert la.output_shape(net) == Tuple(2, 6)
    with pytest.raises(la.LayerAlgebraError):
        la.output_shape(net, on=(3, 8))
    with pytest.raises(la.GraphError):
        la.ReLU() >> net


def test_arrows_that_cannot_be() -> None:
    with pytest.raises(la.GraphError, match="cycle"):
        la.Graph({"a": la.ReLU(), "b": la.ReLU(), "c": la.ReLU()}, [("a", "b"), ("b", "a"), ("a", "c")])
    with pytest.raises(la.GraphError, match="names 'z'"):
        la.Graph({"a": la.ReLU()}, [("a", "z")])
    with pytest.raises(la.GraphError, match="not among the outputs"):
        la.Graph({"a": la.ReLU(), "b": la.ReLU()}, [], outputs="a")
    twice = la.Graph({"a": la.ReLU(), "b": la.ReLU(), "c": la.ReLU()}, [("a", "c"), ("b", "c")])
    for ask in (lambda: la.output_shape(twice, on=(2,)), lambda: la.run(twice, [1, 2])):
        with pytest.raises(la.GraphError, match="join them first"):
            ask()


# receptive fields of networks ----------------------------------------------------------------------------------------

DIGIT = 64  # bits for each input position: all weights are 1, so that digits add without a carry


@st.composite
def windows(draw: Any) -> la.Network:
    """A part of a network over one axis that reads windows: convolutions, residual and parallel branches, upsampling."""
    kernel, dilation = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    kind = draw(st.integers(0, 5))
    odd = 2 * draw(st.integers(0, 2)) + 1
    same = la.Conv(1, odd, padding=dilation * (odd - 1) // 2, dilation=dilation, bias=False)
    if kind <= 1:
        stride, padding = draw(st.integers(1, 3)), draw(st.integers(0, 2))
        return la.Conv(1, kernel, stride=stride, padding=padding, dilation=dilation, bias=False)
    if kind == 2:
        return la.Identity() + same
    if kind == 3:
        return (same | la.Conv(1, 1, bias=False)) >> la.Conv(1, 1, bias=False)
    if kind == 4:
        return (la.Identity() + same) ** draw(st.integers(1, 2))
    return draw(st.sampled_from([la.Upsample(2), la.ConvTranspose(1, kernel, stride=2, bias=False)]))


def positions_read(net: la.Network, size: int) -> list[list[int]]:
    """For every output position the input positions that it depends on, by one run in which every input has a digit of its own."""
    x = [[1 << (DIGIT * place) for place in range(size)]]
    ones = {name: np.ones(array.shape, dtype=int) for name, array in la.weights(net, on=(1, size)).items()}
    values = la.run(net, x, ones).reshape(-1)
    return [[place for place in range(size) if int(value) >> (DIGIT * place) & ((1 << DIGIT) - 1)] for value in values]


@given(stages=st.lists(windows(), min_size=1, max_size=4), size=st.integers(8, 40))
def test_receptive_fields_are_what_outputs_depend_on(stages: list[la.Network], size: int) -> None:
    net = la.Series(*stages)
    try:
        derived = la.derive(la.receptive_field, net, on=(1, size))
    except la.ShapeError:
        return
    (width,), (jump,), (start,) = derived.formula.size, derived.formula.jump, derived.formula.start
    for output, read in enumerate(positions_read(net, size)):
        if not read:  # a window that lies in the padding
            continue
        assert read[-1] - read[0] < width
        if derived.kind == "exact":
            first, last = jump * output + start, jump * output + start + width - 1
            assert first <= read[0] and read[-1] <= last
            if 0 <= first and last < size:
                assert (read[0], read[-1]) == (first, last)


@given(stage=windows(), times=st.integers(1, 3))
def test_receptive_fields_at_symbolic_depth(stage: la.Network, times: int) -> None:
    """The field of L copies is that of copies written out."""
    try:
        written = la.receptive_field(la.Series(*[stage] * times), on=(1, 1000))
    except la.ShapeError:
        return
    derived = la.derive(la.receptive_field, stage**L, on=(1, H))
    found = derived.formula.map_expressions(lambda part: part.subs(L, times))
    assert (found.size, found.jump, found.start) == (written.size, written.jump, written.start)


class Rows(la.Layer):
    """The mean along the first axis."""

    equation = "y[c, j] = mean[i](x[c, i, j])"


class Columns(la.Layer):
    """The maximum along the second axis."""

    equation = "y[c, i] = max[j](x[c, i, j])"


class Split(la.Layer):
    """Every axis of even size as two, the second of size 2."""

    equation = "y[c, a, b] = x[c, (a, b)]\nwhere b < 2"


class Apart(la.Layer):
    """An axis of one position put after another one."""

    equation = "y[c, a, b] = x[c, (a, b)]\nwhere b < 1"


POOL = la.GlobalAvgPool()
FIELDS = {
    # a network over two axes of 8 and 10; size, step, start and whether the whole axis is seen, for each axis
    "all of it": (POOL, (8, 10), (0, 0), (0, 0), (True, True)),
    "all of it after nothing": (la.ReLU() >> POOL, (8, 10), (0, 0), (0, 0), (True, True)),
    "the windows before the end": (la.Conv(2, 3) >> POOL >> la.Linear(3), (3, 3), (1, 1), (0, 0), (True, True)),
    "the first axis is gone": (Rows() >> la.Conv(2, 3), (8, 3), (0, 1), (0, 0), (True, False)),
    "the first axis is gone after windows": (la.Conv(2, 3) >> Rows() >> la.Conv(2, 3, stride=2), (8, 5), (0, 2), (0, 0), (True, False)),
    "the second axis is gone": (Columns() >> la.Conv(2, 3, stride=2), (3, 10), (2, 0), (0, 0), (False, True)),
    "both, one after the other": (Columns() >> la.Conv(2, 3) >> POOL, (3, 10), (1, 0), (0, 0), (True, True)),
    "axes exchanged": (
        la.Permute((0, 2, 1)) >> la.Conv(2, (3, 1), stride=(2, 1)) >> la.Permute((0, 2, 1)) >> la.Conv(2, (5, 1)),
        (5, 3), (1, 2), (0, 0), (False, False),
    ),
    "a gate of everything": (
        la.Conv(2, 3, padding=1) >> la.squeeze_excite(2, 1), (3, 3), (1, 1), (-1, -1), (True, True),
    ),
    "a skip along one axis": (la.Identity() + la.Conv(2, (3, 1), padding=(1, 0)), (3, 1), (1, 1), (-1, 0), (False, False)),
    "up and down": (la.Upsample(2) >> la.MaxPool(2), (1, 1), (1, 1), None, (False, False)),
    "three up and two down": (la.Upsample(3) >> la.MaxPool(6, stride=6), (2, 2), (2, 2), None, (False, False)),
    "branches of unequal margins": (
        la.Conv(2, 3, stride=2, padding=1) + la.MaxPool(2, stride=2), (3, 3), (2, 2), (-1, -1), (False, False),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", sorted(FIELDS))
def test_receptive_fields_over_two_axes(what: str) -> None:
    net, size, jump, start, covers = FIELDS[what]
    found = la.receptive_field(net, on=(2, 8, 10))
    assert (found.size, found.jump, found.covers_input) == (size, jump, covers)
    assert start is None or found.start == start
    symbolic = la.derive(la.receptive_field, net, on=(2, H, W))
    at = symbolic.formula.map_expressions(lambda part: part.subs({H: 8, W: 10}))
    assert (at.size, at.jump) == (size, jump)


def test_branches_at_different_steps_hold_the_axis_where_their_outputs_are_not_known() -> None:
    strided, still = (layer_reach(net.instance((2, 12))) for net in (la.Conv(2, 3, stride=3, padding=1), la.ReLU()))
    joined = union([strided, still])[1]
    assert joined.low.offset == -1 and joined.high.offset == 11 and not joined.moves
    assert union([strided, strided])[1] == strided[1]
    known = union([strided, still], (2, 4))[1]
    assert known.low.offset == -1 and known.high.offset == 10  # the fourth window ends at 3 * 3 + 1


@pytest.mark.parametrize(
    "net, size, jump, covers",
    [
        (Split() >> POOL, 1, 2, True),
        (Split() >> Columns(), 2, 2, False),  # pairs of neighbours
        (Split() >> Rows(), 11, 1, False),  # every second element
        (Split() >> la.Conv(2, (2, 1)) >> Columns(), 4, 2, False),
        (Apart() >> Rows(), 12, 0, True),
        (Apart() >> Columns(), 1, 1, False),
    ],
)
def test_an_axis_that_is_split_is_seen_as_a_whole_only_if_both_parts_are(
    net: la.Network, size: int, jump: int, covers: bool
) -> None:
    found = la.receptive_field(net, on=(2, 12))
    assert found.size == (size,) and found.covers_input == (covers,)
    assert la.derive(la.receptive_field, net, on=(2, 12)).kind == "exact"
    weights = {name: np.ones(array.shape) for name, array in la.weights(net, on=(2, 12)).items()}
    reads = [
        la.run(net, np.eye(12)[[place, place]], weights)[-1] != la.run(net, np.zeros((2, 12)), weights)[-1]
        for place in range(12)
    ]
    assert np.all(reads) == covers
