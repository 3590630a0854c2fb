"""Intrinsic power: golden numbers, telescoping, and cuts against brute force and against networkx on random graphs."""

from __future__ import annotations

from math import log2

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import log

import layeralgebra as la

c, n, m, H, L, d = la.dims("c n m H L d")


def numbers(net: la.Network, on=None) -> tuple[float, ...]:
    found = la.intrinsic_power(net, on=on)
    return tuple(float(part) for part in (found.net, found.expansion, found.compression, found.bottleneck))


def test_golden_autoencoder() -> None:
    assert [round(x, 4) for x in numbers(la.Linear(32) >> la.Linear(784), (784,))] == [0, 4.6147, 4.6147, -4.6147]
    assert numbers(la.Identity(), (784,)) == (0, 0, 0, 0)


def test_golden_vgg16() -> None:
    assert [round(x, 4) for x in numbers(la.zoo.build("vgg16"))[:3]] == [-7.2339, 7.4150, 14.6489]


def test_profile_follows_the_network() -> None:
    found = la.intrinsic_power(la.Linear(8) >> la.ReLU() >> la.Linear(1), on=(4,))
    assert found.profile == (("0", 1), ("1", 1), ("2", -2))


def test_branches_by_hand() -> None:
    """A concatenation adds ratios; the branches of a sum have one; a shortcut widens the passage."""
    squeezed = la.Linear(2) >> la.Linear(8)
    assert numbers(squeezed, (8,)) == (0, 2, 2, -2)
    assert numbers(la.Identity() + squeezed, (8,)) == (0, 2, 2, 0)
    assert numbers(squeezed + (la.Linear(3) >> la.Linear(8)), (8,)) == pytest.approx((0, 2, 2, log2(5 / 8)))
    assert numbers(la.Linear(4) | la.Linear(4), (8,)) == (0, 1, 1, 0)
    assert numbers(la.Linear(2) | la.Linear(4), (8,)) == pytest.approx((log2(6 / 8), log2(6 / 2), 2, log2(6 / 8)))


def test_symbols() -> None:
    found = la.intrinsic_power(la.Linear(m) >> la.Linear(n), on=(n,))
    assert found.net == 0
    for values in ({n: 5, m: 20}, {n: 20, m: 5}):
        part = numbers(la.Linear(values[m]) >> la.Linear(values[n]), (values[n],))
        assert [
            float(x.subs(values)) for x in (found.net, found.expansion, found.compression, found.bottleneck)
        ] == pytest.approx(part)
    deep = la.intrinsic_power((la.Linear(2 * n) >> la.Linear(n)) ** L, on=(n,))
    assert (deep.expansion, deep.compression, deep.bottleneck) == (log(2**L) / log(2), log(2**L) / log(2), 0)


@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 4))
def test_formula_first_and_numbers_afterwards_agree(channels: int, side: int, depth: int) -> None:
    body = la.Conv(2 * c, 3, padding=1) >> la.ReLU() >> la.Conv(c, 3, padding=1)
    net = la.Conv(c, 1) >> (la.Identity() + body) ** L >> la.MaxPool(2) >> la.Flatten() >> la.Linear(10)
    values = {c: channels, H: side, L: depth}
    found = la.intrinsic_power(net, on=(3, 2 * H, 2 * H))
    expected = numbers(net.subs(values), (3, 2 * side, 2 * side))
    assert [
        float(x.subs(values)) for x in (found.net, found.expansion, found.compression, found.bottleneck)
    ] == pytest.approx(expected)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[int], list[tuple[int, int]]]:
    """Widths of the nodes, and edges from earlier to later ones; the first is the input, the last the output."""
    size = draw(st.integers(3, 8))
    widths = draw(st.lists(st.integers(1, 9), min_size=size, max_size=size))
    edges = [(a, b) for b in range(1, size) for a in range(b) if draw(st.integers(0, 2)) == 0]
    edges += [(draw(st.integers(0, b - 1)), b) for b in range(1, size) if all(target != b for _, target in edges)]
    edges += [(a, size - 1) for a in range(size - 1) if all(source != a for source, _ in edges)]
    return widths, sorted(set(edges), key=lambda edge: (edge[1], edge[0]))


def as_network(widths: list[int], edges: list[tuple[int, int]]) -> la.Network:
    """The same graph of layers; where several arrows arrive they are concatenated first."""
    nodes: dict[str, la.Network] = {"0": la.Input(widths[0])}
    arrows = []
    for place in range(1, len(widths)):
        before = [str(a) for a, b in edges if b == place]
        nodes[str(place)] = la.Linear(widths[place])
        if len(before) > 1:
            nodes[f"cat {place}"] = la.Concat()
            arrows += [(a, f"cat {place}") for a in before] + [(f"cat {place}", str(place))]
        else:
            arrows += [(before[0], str(place))]
    return la.Graph(nodes, arrows)


@given(graphs())
def test_bottleneck_is_the_maximum_flow_and_the_least_of_all_cuts(
    graph: tuple[list[int], list[tuple[int, int]]],
) -> None:
    widths, edges = graph
    last = len(widths) - 1
    split = nx.DiGraph()
    for node, width in enumerate(widths):
        split.add_edge(("in", node), ("out", node), capacity=width)
    for a, b in edges:
        split.add_edge(("out", a), ("in", b))
    flow = nx.maximum_flow_value(split, ("in", 0), ("out", last))

    def separates(removed: int) -> bool:
        reached = {0} if not removed & 1 else set()
        for a, b in edges:  # in topological order of their targets
            if a in reached and not removed >> b & 1:
                reached.add(b)
        return last not in reached

    least = min(
        sum(w for place, w in enumerate(widths) if removed >> place & 1)
        for removed in range(1, 1 << len(widths))
        if separates(removed)
    )
    assert flow == least
    assert numbers(as_network(widths, edges))[3] == pytest.approx(log2(flow / widths[0]))


@given(graphs())
def test_net_is_expansion_less_compression(graph: tuple[list[int], list[tuple[int, int]]]) -> None:
    net, expansion, compression, bottleneck = numbers(as_network(*graph))
    assert net == pytest.approx(expansion - compression)
    assert expansion >= 0 and compression >= -1e-12 and bottleneck <= min(0, net) + 1e-12


@given(st.lists(st.integers(1, 30), min_size=1, max_size=6), st.integers(1, 30))
def test_series_by_definition(widths: list[int], inputs: int) -> None:
    steps = [log2(b / a) for a, b in zip([inputs, *widths], widths)]
    net, expansion, compression, bottleneck = numbers(la.Series(*map(la.Linear, widths)), (inputs,))
    assert net == pytest.approx(sum(steps), abs=1e-9)
    assert expansion == pytest.approx(sum(s for s in steps if s > 0), abs=1e-9)
    assert compression == pytest.approx(-sum(s for s in steps if s < 0), abs=1e-9)
    assert bottleneck == pytest.approx(log2(min([inputs, *widths]) / inputs), abs=1e-9)
