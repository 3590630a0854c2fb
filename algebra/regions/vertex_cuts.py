"""Minimum vertex cuts of a network graph, with capacities that may be symbols: how wide the narrowest passage is.

A node stands for a tensor and its capacity for the tensor's size. Whatever a later layer sees has passed every cut,
so that the smallest sum of sizes over a cut bounds the dimension of what arrives there.

>>> from sympy import symbols
>>> a, b, c = symbols("a b c", integer=True, positive=True)
>>> minimum_vertex_cut({"x": ["f"], "f": ["y"]}, "x", "y", {"x": 784, "f": 32, "y": 784})
Cut(value=32, nodes=frozenset({'f'}))
>>> minimum_vertex_cut({"x": ["f", "y"], "f": ["y"]}, "x", "y", {"x": a, "f": b, "y": c}).value == Min(a, c)
True
>>> minimum_vertex_cut({"x": ["f", "g"], "f": ["y"], "g": ["y"]}, "x", "y", {"f": a, "g": b}).value
a + b
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from functools import lru_cache
from heapq import heapify, heappop, heappush
from typing import Any

from sympy import Expr, Integer, Min, oo

from ..errors import BudgetError, GraphError
from ..records import dataclass
from ..sizes.dims import as_size
from ..sizes.normal_form import is_nonnegative

Node = Hashable
Edges = dict[Any, dict[Any, "Least"]]

# Sizes are compared by the rules of the normal form while they are few; more of them by coefficients only.
_DEEPLY_COMPARED = 16
# A sum of minima is the minimum of all sums while these are few; more of them stay as they are written.
_MOST_SUMS = 36

# A core of this many inner nodes that is not series-parallel has at most 2^12 cuts to compare.
_LARGEST_CORE = 12
# The cuts before all nodes are found in one pass where at most so many nodes wait for a later reader at once.
_MOST_OPEN = 8
_MOST_CUTS = 200


@dataclass(frozen=True)
class Least:
    """The minimum of several sizes, kept as the set of those that may be smallest; the empty set is ``oo``.

    With `series` (minimum) and `parallel` (sum) these are the capacities of series-parallel graphs, a semiring: what a
    chain lets through is its narrowest passage, what branches let through adds up.

    Examples
    --------
    >>> from sympy import floor, symbols
    >>> a, b = symbols("a b", integer=True, positive=True)
    >>> Least.of(a, 3 * b, b, a * floor(b / 2)).expr()
    Min(a, b, a*floor(b/2))
    >>> Least.of(a).series(Least.of(b)).parallel(Least.of(b)).expr()
    Min(2*b, a + b)
    >>> Least().expr(), Least().parallel(Least.of(a)) == Least(), Least().series(Least.of(a)).expr()
    (oo, True, a)
    """

    sizes: frozenset[Expr] = frozenset()

    @classmethod
    def of(cls, *sizes: Expr) -> Least:
        """The minimum of these sizes."""
        return cls().series(cls(frozenset(size for size in sizes if size != oo)))

    def expr(self) -> Expr:
        """As an expression."""
        # They have been compared already, with more success than `Min` would have.
        return Min(*self.sizes, evaluate=False) if self.sizes else oo

    def series(self, other: Least) -> Least:
        """The smaller one."""
        kept = set(self.sizes)
        for size in other.sizes - self.sizes:
            deeply = len(kept) <= _DEEPLY_COMPARED
            if not any(_at_least(size, least, deeply) for least in kept):
                kept = {least for least in kept if not _at_least(least, size, deeply)} | {size}
        return Least(frozenset(kept))

    def parallel(self, other: Least) -> Least:
        """The sum."""
        if not self.sizes or not other.sizes:
            return Least()
        if len(self.sizes) * len(other.sizes) > _MOST_SUMS:
            return Least(frozenset({self.expr() + other.expr()}))
        return Least().series(Least(frozenset(a + b for a in self.sizes for b in other.sizes)))


@lru_cache(maxsize=1 << 16)
def _at_least(large: Expr, small: Expr, deeply: bool) -> bool:
    """Whether one size is known to be at least another; sizes are not negative."""
    one, what = large.as_coeff_Mul()
    other, that = small.as_coeff_Mul()
    if what == that:
        return bool(one >= other)
    if what.is_Symbol and that.is_Symbol:
        return False
    return deeply and is_nonnegative(large - small) is True


@dataclass(frozen=True)
class Cut:
    """A least cut: its capacity, and where all capacities are numbers the nodes of one such cut.

    Parameters
    ----------
    value : sympy.Expr
        ``oo`` if no finite set of nodes separates the two; 0 if nothing leads from one to the other.
    nodes : frozenset or None
        None where capacities are symbols (which cut is least then depends on them), or where none is finite.
    """

    value: Expr
    nodes: frozenset[Any] | None = None


def minimum_vertex_cut(graph: Any, source: Node, sink: Node, capacity: Mapping[Any, Any]) -> Cut:
    """The least total capacity of nodes that every path from source to sink meets; both ends count as such nodes.

    With numbers by maximum flow (networkx). With symbols by series reduction (minimum), parallel reduction (sum) and
    contraction of edges that no least cut separates; that is all for a series-parallel graph, and what remains of
    another one is cut in every possible way.

    Parameters
    ----------
    graph : networkx.DiGraph or mapping
        A directed graph, or the successors of each node.
    source, sink : node
    capacity : mapping
        Node to size, a nonnegative integer, an expression or ``oo``; a node that is missing cannot be cut.

    Returns
    -------
    Cut

    Raises
    ------
    GraphError
        If source or sink is not in the graph, or, with symbols, the part between them has a cycle.
    BudgetError
        If, with symbols, a part that is not series-parallel has more than 12 nodes.

    References
    ----------
    L. R. Ford & D. R. Fulkerson, Maximal flow through a network, 1956; J. Valdes, R. E. Tarjan & E. L. Lawler, The
    recognition of series parallel digraphs, 1982.
    """
    nodes, edges = _read(graph)
    for name, end in (("source", source), ("sink", sink)):
        if end not in nodes:
            raise GraphError(
                f"a cut from {source!r} to {sink!r}: the graph has no node {end!r} ({name}); it has {_some(nodes)}"
            )
    between = _reached(edges, source) & _reached([(v, u) for u, v in edges], sink)
    if sink not in between:
        return Cut(Integer(0), frozenset())
    sizes = {node: _size(capacity.get(node, oo), node) for node in between}
    inner = [(u, v) for u, v in edges if u in between and v in between]
    if all(size.is_Integer or size == oo for size in sizes.values()):
        return _by_flow(inner, source, sink, sizes)
    _refuse_cycles(between, inner)
    return Cut(_by_reduction(inner, source, sink, {node: Least.of(size) for node, size in sizes.items()}).expr())


def least_cuts(nodes: Sequence[tuple[str, Sequence[str], Least]]) -> dict[str, Least]:
    """The least cut between the input and each node of a graph, the node itself not counted, for all nodes at once.

    Nodes on the input's side of a cut, among those with a later reader, are the state of one pass through the graph, level by level; a
    node that is read from the input's side and stands on the other has been cut. Where many nodes wait for readers at once, the cuts are
    found one by one.

    Parameters
    ----------
    nodes : sequence of (name, sources, size)
        Each after its sources; the source ``""`` is the input.

    Examples
    --------
    >>> from sympy import symbols
    >>> a, b = symbols("a b", integer=True, positive=True)
    >>> found = least_cuts([("f", [""], Least.of(a)), ("g", [""], Least.of(b)), ("sum", ["f", "g"], Least())])
    >>> {name: least.expr() for name, least in found.items()}
    {'f': oo, 'g': oo, 'sum': a + b}
    """
    order = _narrow_order(nodes)
    last = {source: place for place, (_, sources, _) in enumerate(order) for source in sources}
    leaving: dict[int, list[str]] = {}
    for source, place in last.items():
        leaving.setdefault(place, []).append(source)
    open_, most = 1, 1
    for place, (name, _, _) in enumerate(order):
        open_ += (name in last) - len(leaving.get(place, ()))
        most = max(most, open_)
    if most > _MOST_OPEN:
        return _cuts_one_by_one(nodes)
    # From the nodes on the input's side, among those with a later reader, to the least that has been cut.
    states: dict[frozenset[str], Least] = {frozenset([""]): Least.of(Integer(0))}
    found: dict[str, Least] = {}
    for place, (name, sources, size) in enumerate(order):
        done = leaving.get(place, [])
        found[name] = Least()
        following: dict[frozenset[str], Least] = {}
        for state, cost in states.items():
            kept = state.difference(done)
            if state.isdisjoint(sources):
                found[name] = found[name].series(cost)
                choices = [(kept, cost)]
            else:
                choices = [(kept | {name} if name in last else kept, cost)]
                if size.sizes:
                    choices.append((kept, cost.parallel(size)))
            for chosen, value in choices:
                following[chosen] = following[chosen].series(value) if chosen in following else value
                if len(following[chosen].sizes) > _MOST_CUTS:
                    raise BudgetError(
                        f"more than {_MOST_CUTS} cuts before {name!r} may be the least one, since sizes are symbols that cannot be "
                        "compared; substitute numbers, which have no such limit"
                    )
        states = following
    return found


def _narrow_order(nodes: Sequence[tuple[str, Sequence[str], Least]]) -> list[tuple[str, Sequence[str], Least]]:
    """The nodes, each after its sources; first those that are the last readers of more nodes, so that few wait for a reader at once."""
    readers: dict[str, set[int]] = {"": set(), **{name: set() for name, _, _ in nodes}}
    missing = []
    for place, (_, sources, _) in enumerate(nodes):
        missing.append(len(set(sources) - {""}))
        for source in sources:
            readers[source].add(place)

    def waiting(place: int) -> tuple[int, int]:
        name, sources, _ = nodes[place]
        return bool(readers[name]) - sum(len(readers[source]) == 1 for source in set(sources)), place

    ready = [waiting(place) for place, count in enumerate(missing) if not count]
    heapify(ready)
    order: list[tuple[str, Sequence[str], Least]] = []
    done: set[int] = set()
    while ready:
        _, place = heappop(ready)
        if place in done:
            continue
        done.add(place)
        name, sources, _ = nodes[place]
        order.append(nodes[place])
        for source in set(sources):
            readers[source].discard(place)
            if len(readers[source]) == 1:  # its last reader ends more than before
                (reader,) = readers[source]
                if not missing[reader]:
                    heappush(ready, waiting(reader))
        for reader in readers[name]:
            missing[reader] -= 1
            if not missing[reader]:
                heappush(ready, waiting(reader))
    return order


def _cuts_one_by_one(nodes: Sequence[tuple[str, Sequence[str], Least]]) -> dict[str, Least]:
    after: dict[Any, list[Any]] = {}
    for name, sources, _ in nodes:
        for source in sources:
            after.setdefault(source, []).append(name)
    capacity = {name: least.expr() for name, _, least in nodes if least.sizes}
    found: dict[str, Least] = {}
    for name, sources, _ in nodes:
        graph = {source: list(names) for source, names in after.items()}
        for source in sources:
            graph.setdefault(source, []).append(("entry", name))
        found[name] = Least.of(*Min.make_args(minimum_vertex_cut(graph, "", ("entry", name), capacity).value))
    return found


def _size(value: Any, node: Node) -> Expr:
    return oo if value is None or value == oo else as_size(value, f"capacity[{node!r}]", least=0)


def _some(nodes: Iterable[Node]) -> str:
    names = sorted(map(repr, nodes))
    return ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")


def _read(graph: Any) -> tuple[set[Any], list[tuple[Any, Any]]]:
    if isinstance(graph, Mapping):
        edges = [(u, v) for u, successors in graph.items() for v in successors]
        return set(graph) | {v for _, v in edges}, list(dict.fromkeys(edges))
    if not (hasattr(graph, "nodes") and hasattr(graph, "edges") and graph.is_directed()):
        raise GraphError(f"a cut needs a networkx.DiGraph or a mapping of successors, got {type(graph).__name__}")
    return set(graph.nodes), list(dict.fromkeys((u, v) for u, v, *_ in graph.edges))


def _reached(edges: Iterable[tuple[Any, Any]], start: Node) -> set[Any]:
    after: dict[Any, list[Any]] = {}
    for u, v in edges:
        after.setdefault(u, []).append(v)
    found, waiting = {start}, [start]
    while waiting:
        for v in after.get(waiting.pop(), ()):
            if v not in found:
                found.add(v)
                waiting.append(v)
    return found


def _refuse_cycles(nodes: set[Any], edges: list[tuple[Any, Any]]) -> None:
    waiting = Counter(v for _, v in edges)
    after: dict[Any, list[Any]] = {}
    for u, v in edges:
        after.setdefault(u, []).append(v)
    free = [node for node in nodes if not waiting[node]]
    done = 0
    while free:
        done += 1
        for v in after.get(free.pop(), ()):
            waiting[v] -= 1
            if not waiting[v]:
                free.append(v)
    if done < len(nodes):
        cyclic = [node for node in nodes if waiting[node] > 0]
        raise GraphError(f"a symbolic cut needs a graph without cycles; one runs through some of {_some(cyclic)}")


def _by_flow(edges: list[tuple[Any, Any]], source: Node, sink: Node, sizes: Mapping[Any, Expr]) -> Cut:
    import networkx as nx

    flow = nx.DiGraph()
    for node, size in sizes.items():
        # An edge without the attribute has infinite capacity in networkx.
        flow.add_edge((node, 0), (node, 1), **({} if size == oo else {"capacity": int(size)}))
    flow.add_edges_from(((u, 1), (v, 0)) for u, v in edges)
    try:
        value, (near, _) = nx.minimum_cut(flow, (source, 0), (sink, 1))
    except nx.NetworkXUnbounded:
        return Cut(oo)
    return Cut(Integer(value), frozenset(node for node in sizes if (node, 0) in near and (node, 1) not in near))


def _by_reduction(edges: list[tuple[Any, Any]], source: Node, sink: Node, sizes: Mapping[Any, Least]) -> Least:
    """Each node becomes an edge of its capacity; edges between nodes are infinite; then the graph shrinks."""
    after: Edges = {}
    before: Edges = {}

    def join(u: Any, v: Any, size: Least) -> None:
        if v in after.get(u, {}):
            size = size.parallel(after[u][v])
        after.setdefault(u, {})[v] = before.setdefault(v, {})[u] = size
        after.setdefault(v, {})
        before.setdefault(u, {})

    def part(u: Any, v: Any) -> Least:
        del before[v][u]
        return after[u].pop(v)

    def contract(gone: Any, kept: Any) -> None:
        """Put one node in the place of another, which is then no more."""
        if gone in after[kept]:
            part(kept, gone)
        if kept in after[gone]:
            part(gone, kept)
        for v in list(after[gone]):
            join(kept, v, part(gone, v))
        for u in list(before[gone]):
            join(u, kept, part(u, gone))
        del after[gone], before[gone]

    for node, size in sizes.items():
        join((node, 0), (node, 1), size)
    for u, v in edges:
        join((u, 1), (v, 0), Least())
    start, end = (source, 0), (sink, 1)
    waiting = list(after)
    while waiting:
        node = waiting.pop()
        if node not in after or node in (start, end):
            continue
        touched = [*before[node], *after[node]]
        if len(before[node]) == 1:
            (u,) = before[node]
            if before[node][u] == Least():
                # Its only entry is uncuttable: some least cut has both on one side.
                contract(node, u)
            elif len(after[node]) == 1:
                (v,) = after[node]
                one, other = part(u, node), part(node, v)
                del after[node], before[node]
                join(u, v, one.series(other))
            else:
                continue
        elif len(after[node]) == 1:
            (v,) = after[node]
            if after[node][v] != Least():
                continue
            contract(node, v)
        else:
            continue
        waiting.extend(other for other in touched if other in after)
    inner = [node for node in after if node not in (start, end)]
    if not inner:
        return after[start][end]
    return _every_cut(after, start, inner)


def _every_cut(after: Edges, start: Any, inner: list[Any]) -> Least:
    if len(inner) > _LARGEST_CORE:
        raise BudgetError(
            f"a part of the graph with {len(inner)} inner nodes is not series-parallel, and symbolic "
            f"cuts are compared one by one up to {_LARGEST_CORE}; substitute numbers, which have no such limit"
        )
    # Cuts as multisets of edges' sizes: one that contains another cannot be smaller.
    found: list[Counter[Least]] = []
    for chosen in range(1 << len(inner)):
        near = {start, *(node for place, node in enumerate(inner) if chosen >> place & 1)}
        cut = Counter(size for u in near for v, size in after[u].items() if v not in near)
        if Least() in cut or any(other <= cut for other in found):
            continue
        found = [other for other in found if not cut <= other]
        found.append(cut)
    smallest = Least()
    for cut in found:
        total, *others = cut.elements()
        for size in others:
            total = total.parallel(size)
        smallest = smallest.series(total)
    return smallest
