"""Minimum vertex cuts against brute force and against networkx on random graphs; symbols against numbers."""

from __future__ import annotations

from itertools import combinations

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import Min, oo, symbols

from layeralgebra.algebra.errors import BudgetError, FieldError, GraphError
from layeralgebra.algebra.regions.vertex_cuts import minimum_vertex_cut

a, b, c, e = symbols("a b c e", integer=True, positive=True)


def separates(edges: list[tuple[int, int]], removed: set[int], source: int, sink: int) -> bool:
    found, waiting = set(), [] if source in removed else [source]
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting += [v for u, v in edges if u == node and v not in removed]
    return sink not in found


def by_brute_force(edges: list[tuple[int, int]], sizes: dict[int, int], source: int, sink: int) -> int:
    """The least size over all sets of nodes that separate."""
    return min(
        sum(sizes[node] for node in removed)
        for count in range(len(sizes) + 1)
        for removed in combinations(sizes, count)
        if separates(edges, set(removed), source, sink)
    )


@st.composite
def graphs(draw: st.DrawFn, most: int = 7) -> tuple[list[tuple[int, int]], dict[int, int]]:
    """A directed acyclic graph on 0..k-1, edges upward, with sizes; not all nodes need lie between the ends."""
    size = draw(st.integers(2, most))
    pairs = list(combinations(range(size), 2))
    chosen = draw(st.lists(st.booleans(), min_size=len(pairs), max_size=len(pairs)))
    return [pair for pair, used in zip(pairs, chosen) if used], {v: draw(st.integers(0, 9)) for v in range(size)}


def successors(edges: list[tuple[int, int]], sizes: dict[int, int]) -> dict[int, list[int]]:
    return {node: [v for u, v in edges if u == node] for node in sizes}


@given(graphs())
def test_numbers_exact_against_brute_force(drawn) -> None:
    edges, sizes = drawn
    sink = len(sizes) - 1
    cut = minimum_vertex_cut(successors(edges, sizes), 0, sink, sizes)
    assert cut.value == by_brute_force(edges, sizes, 0, sink)
    assert separates(edges, set(cut.nodes), 0, sink)
    assert sum(sizes[node] for node in cut.nodes) == cut.value


@given(graphs())
def test_symbols_exact_against_brute_force(drawn) -> None:
    """Every node has a symbol of its own; the formula is right for the numbers drawn."""
    edges, sizes = drawn
    names = dict(zip(sizes, symbols(f"s:{len(sizes)}", integer=True, nonnegative=True)))
    sink = len(sizes) - 1
    value = minimum_vertex_cut(successors(edges, sizes), 0, sink, names).value
    assert value.subs({names[node]: size for node, size in sizes.items()}) == by_brute_force(edges, sizes, 0, sink)


@given(graphs(most=14))
def test_exact_against_networkx_flow(drawn) -> None:
    edges, sizes = drawn
    sink = len(sizes) - 1
    flow = nx.DiGraph()
    for node, size in sizes.items():
        flow.add_edge(f"{node}-", f"{node}+", capacity=size)
    flow.add_edges_from((f"{u}+", f"{v}-") for u, v in edges)
    graph = nx.DiGraph()
    graph.add_nodes_from(sizes)
    graph.add_edges_from(edges)
    assert minimum_vertex_cut(graph, 0, sink, sizes).value == nx.maximum_flow_value(flow, "0-", f"{sink}+")


@given(graphs(), st.randoms(use_true_random=False))
def test_exact_invariance_under_relabelling(drawn, random) -> None:
    edges, sizes = drawn
    places = list(sizes)
    random.shuffle(places)
    names = [f"node {place}" for place in places]
    shuffled = [(names[u], names[v]) for u, v in edges]
    random.shuffle(shuffled)
    moved = {name: [v for u, v in shuffled if u == name] for name in names}
    before = minimum_vertex_cut(successors(edges, sizes), 0, len(sizes) - 1, sizes).value
    assert minimum_vertex_cut(moved, names[0], names[-1], {names[v]: size for v, size in sizes.items()}).value == before


def test_series_is_minimum_and_parallel_is_sum() -> None:
    chain = {"x": ["f"], "f": ["g"], "g": ["y"], "y": []}
    assert minimum_vertex_cut(chain, "x", "y", {"x": a, "f": b, "g": c, "y": e}).value == Min(a, b, c, e)
    both = {"x": ["f", "g"], "f": ["y"], "g": ["y"]}
    assert minimum_vertex_cut(both, "x", "y", {"x": a, "f": b, "g": c, "y": e}).value == Min(a, b + c, e)


def test_skip_around_a_bottleneck() -> None:
    """Widths 3-2-5 where the last layer also reads the input: a running minimum would say 2."""
    graph = {"x": ["h", "joined"], "h": ["joined"]}
    assert minimum_vertex_cut(graph, "x", "joined", {"x": 3, "h": 2, "joined": 5}).value == 3
    assert minimum_vertex_cut(graph, "x", "joined", {"x": a, "h": b, "joined": a + b}).value == a


def test_bridge_is_not_series_parallel_and_still_exact() -> None:
    bridge = {"x": ["a", "b"], "a": ["b", "y"], "b": ["y"]}
    sizes = {"a": a, "b": b, "x": c, "y": e}
    assert minimum_vertex_cut(bridge, "x", "y", sizes).value == Min(a + b, c, e)
    # Two rows of two, each of the first feeding both of the second but one.
    rows = {"x": ["p", "q"], "p": ["r", "s"], "q": ["s"], "r": ["y"], "s": ["y"]}
    value = minimum_vertex_cut(rows, "x", "y", {"p": a, "q": b, "r": c, "s": e}).value
    assert value == Min(a + b, c + e, a + e)


def test_ends_and_unbounded() -> None:
    line = {"x": ["y"]}
    assert minimum_vertex_cut(line, "x", "y", {}).value == oo
    assert minimum_vertex_cut(line, "x", "y", {"y": 4}).value == 4
    assert minimum_vertex_cut(line, "x", "x", {"x": 7}).value == 7
    assert minimum_vertex_cut(line, "x", "y", {"x": a, "y": oo}).value == a
    nothing = minimum_vertex_cut({"x": [], "y": ["x"]}, "x", "y", {"x": a})
    assert nothing.value == 0 and nothing.nodes == frozenset()


def test_parts_beside_the_paths_do_not_count() -> None:
    graph = {"x": ["f", "dead"], "f": ["y"], "loop": ["loop"], "y": ["after"]}
    assert minimum_vertex_cut(graph, "x", "y", {"x": a, "f": b, "dead": 1, "loop": 1, "after": 1}).value == Min(a, b)


def test_errors() -> None:
    with pytest.raises(GraphError, match="no node 'z'"):
        minimum_vertex_cut({"x": ["y"]}, "x", "z", {})
    with pytest.raises(GraphError, match="cycle"):
        minimum_vertex_cut({"x": ["f"], "f": ["g"], "g": ["f", "y"]}, "x", "y", {"f": a})
    with pytest.raises(GraphError, match="DiGraph"):
        minimum_vertex_cut(nx.Graph([(1, 2)]), 1, 2, {})
    with pytest.raises(FieldError, match="capacity"):
        minimum_vertex_cut({"x": ["y"]}, "x", "y", {"x": -1})
    # Ladders in which everything of one layer feeds everything of the next have no series-parallel part.
    layers = [[f"{level}.{i}" for i in range(4)] for level in range(4)]
    dense = {"x": layers[0], **{node: nxt for this, nxt in zip(layers, [*layers[1:], ["y"]]) for node in this}}
    names = {
        node: symbols(f"n_{node.replace('.', '_')}", positive=True, integer=True) for row in layers for node in row
    }
    with pytest.raises(BudgetError, match="not series-parallel"):
        minimum_vertex_cut(dense, "x", "y", names)
    assert minimum_vertex_cut(dense, "x", "y", dict.fromkeys(names, 3)).value == 12


def test_two_hundred_residual_blocks_in_symbols(time_limit) -> None:
    graph: dict[object, list[object]] = {}
    sizes = {}
    for block in range(200):
        graph[("x", block)] = [("f", block), ("x", block + 1)]
        graph[("f", block)] = [("x", block + 1)]
        sizes["x", block], sizes["f", block] = a, b
    sizes["x", 200] = a
    with time_limit(5):
        assert minimum_vertex_cut(graph, ("x", 0), ("x", 200), sizes).value == a
