"""The public strategies: everything drawn fits, is bounded, shrinks to something small, and nothing registered is left out."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from sympy import preorder_traversal

import layeralgebra as la
from layeralgebra.proofs.samples import strategies
from layeralgebra.proofs.samples.hints import HINTS, LITERAL
from layeralgebra.proofs.samples.strategies import MOST_ELEMENTS, dims, graphs, layers, networks

NAMES = sorted(layer.__name__ for layer in la.registered_layers())
OPERATORS = (la.Series, la.Add, la.Mul, la.Concat, la.Repeat, la.Shared)

quiet = settings(suppress_health_check=list(HealthCheck), database=None)


def classes(net):
    return Counter(type(node) for node in preorder_traversal(net) if isinstance(node, la.Network))


def elements(shape):
    product = 1
    for size in shape:
        product *= size
    return product


@pytest.mark.parametrize("name", NAMES)
def test_every_registered_layer_is_drawn(name):
    kind, shapes = getattr(la, name), []

    @settings(quiet, max_examples=3, derandomize=True, phases=[Phase.generate])
    @given(layers(kind))
    def fits(sample):
        net, on = sample
        assert type(net) is kind
        made = la.output_shape(net, on=on)
        shapes.extend(made.values() if net.several else [made])

    fits()
    assert shapes and all(elements(shape) >= 1 for shape in shapes)


def test_a_layer_shrinks_to_small_sizes():
    net, on = find(layers(la.Conv), lambda sample: sample.net.stride == 2, settings=settings(quiet, max_examples=400))
    assert elements(on) <= 4 and net.out_channels == 1, (net, on)


@pytest.mark.parametrize("operator", OPERATORS)
def test_every_operator_is_drawn_and_shrinks(operator):
    net, on = find(
        networks(most=3), lambda sample: operator in classes(sample.net), settings=settings(quiet, max_examples=400)
    )
    assert sum(classes(net).values()) <= 4, net
    assert elements(on) <= 4, on


def test_several_inputs_are_drawn():
    net, on = find(
        graphs(), lambda sample: classes(sample.net)[la.Input] > 1, settings=settings(quiet, max_examples=400)
    )
    assert on is None and la.output_shape(net) is not None


@pytest.mark.slow
def test_all_together_leave_nothing_out():
    """How many of the registered layers and operators occur in what networks() and graphs() draw at once."""
    seen = Counter()

    @settings(quiet, max_examples=6000, derandomize=True)
    @given(st.one_of(networks(), graphs()))
    def collect(sample):
        seen.update(classes(sample.net))

    collect()
    missing = {getattr(la, name) for name in NAMES} | {*OPERATORS, la.Graph, la.Input} - set(seen)
    missing -= set(seen)
    assert not missing, sorted(one.__name__ for one in missing)


@quiet
@given(networks())
def test_networks_fit_and_are_bounded(sample):
    net, on = sample
    assert 1 <= elements(la.output_shape(net, on=on)) <= MOST_ELEMENTS * 3
    assert net.func(*net.args) == net and not net.free_symbols


@quiet
@given(networks(closed=True, most=3))
def test_closed_networks_need_no_shape(sample):
    assert sample.on is None
    assert la.output_shape(sample.net) is not None


@quiet
@given(networks(on=(2, 4), keeps_shape=True, most=3))
def test_shapes_are_kept_where_that_is_asked_for(sample):
    assert sample.on == (2, 4) and tuple(la.output_shape(sample.net, on=sample.on)) == (2, 4)


@quiet
@given(networks(operators=("series",), kinds=[la.ReLU, la.Linear], most=4))
def test_only_what_was_asked_for_is_drawn(sample):
    assert set(classes(sample.net)) <= {la.Series, la.ReLU, la.Linear}


@quiet
@given(graphs(most=4))
def test_graphs_fit(sample):
    assert isinstance(sample.net, la.Graph)
    assert la.output_shape(sample.net) is not None


@quiet
@given(dims("H W", least=2, most=5))
def test_sizes_have_bounds(sizes):
    assert sorted(symbol.name for symbol in sizes) == ["H", "W"] and all(2 <= size <= 5 for size in sizes.values())


def test_sizes_shrink():
    assert find(dims(), lambda size: True) == 1
    assert find(dims("n"), lambda sizes: sum(sizes.values()) > 2) == {la.dims("n"): 3}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: dims(least=3, most=2), "write 0 <= least <= most"),
        (lambda: networks(operators=("plus",)), "no operator is called 'plus'"),
        (lambda: networks(most=0), "at least one layer"),
        (lambda: layers(int), "classes of layers"),
        (lambda: layers([]), "classes of layers"),
    ],
)
def test_wrong_arguments_are_refused(call, message):
    with pytest.raises(la.FieldError, match=message):
        call()


def test_hints_belong_to_layers():
    assert set(HINTS) | set(LITERAL) <= set(NAMES), "a hint for a layer that is not registered"
    assert la.proofs.strategies is strategies
