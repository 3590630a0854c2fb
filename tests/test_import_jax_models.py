"""Models written with Equinox and Flax against JAX itself: counts at five sizes, equal blocks, names."""

from __future__ import annotations

import pytest
from sympy import Integer, Symbol

import layeralgebra as la

pytest.importorskip("jax")
cases = pytest.importorskip("oracles.jax_models")

from oracles.jaxpr_count import count_learned, count_macs, shapes_made  # noqa: E402

MODELS = cases.models()
pytestmark = pytest.mark.skipif(not MODELS, reason="neither Equinox nor Flax is installed")
BLOCKS = {
    "equinox: residual blocks": 3, "equinox: vision transformer": 3, "equinox: language model": 2, "equinox: mixer": 2, "linen: convnext": 3,
    "linen: generative transformer": 2, "nnx: encoders": 3, "nnx: bottlenecks": 2,
}  # fmt: skip
"""Equal blocks one after the other, and how many."""


def imported(name):
    model, case = MODELS[name]
    return la.from_jax(model, *case.structs(case.sizes()[0]), dynamic=case.names), case


@pytest.mark.parametrize("name", MODELS)
def test_counts_at_five_sizes_are_those_of_the_jaxpr_there(name):
    net, case = imported(name)
    shape, macs = la.output_shape(net), la.macs(net)
    learned = count_learned(case.function, case.tree, *case.structs(case.sizes()[0]), buffers=case.buffers)
    assert la.parameters(net) == learned
    for sizes in case.sizes():
        at = {Symbol(key, integer=True, positive=True): Integer(size) for key, size in sizes.items()}
        if any(relation.subs(at) == False for relation in net.imported.where):  # noqa: E712  # SymPy's false
            continue
        structs = case.structs(sizes)
        assert macs.subs(at) == count_macs(case.function, case.tree, *structs), sizes
        assert tuple(size.subs(at) for size in shape) == shapes_made(case.function, case.tree, *structs)[0], sizes


@pytest.mark.parametrize("name", [name for name in BLOCKS if name in MODELS])
def test_equal_blocks_are_one_that_is_repeated(name):
    net, _ = imported(name)
    assert BLOCKS[name] in [node.times for node in net.atoms(la.Repeat)]
