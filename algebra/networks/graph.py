"""Networks on a directed acyclic graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sympy import Tuple
from sympy.core.symbol import Str

from ..arguments import as_elements, shown
from ..errors import FieldError, GraphError
from .node import Composition, Network, as_network


class Graph(Composition):
    """Any directed acyclic graph of networks.

    Parameters
    ----------
    nodes : mapping of str to Network
        `Add()`, `Mul()` and `Concat(axis=...)` without branches join whatever arrives; every other node takes one input, or as many as
        its equation names, in the order of the edges.
    edges : iterable of (str, str)
        From, to.

    Raises
    ------
    GraphError
        If an edge names no node, there is a cycle, or not exactly one node without successor.
    FieldError
        If a node is no network.

    Examples
    --------
    >>> from layeralgebra import Graph, Add, Linear, parameters
    >>> net = Graph({"f": Linear(4), "g": Linear(4), "sum": Add()}, [("f", "g"), ("f", "sum"), ("g", "sum")])
    >>> parameters(net, on=(4,))
    40
    """

    def __new__(cls, nodes: object, edges: object = ()) -> "Graph":
        pairs = _node_pairs(nodes)
        names = [name for name, _ in pairs]
        known = set(names)
        arrows: dict[tuple[str, str], None] = {}
        for edge in as_elements(edges, "the edges of a Graph"):
            ends = tuple(end if isinstance(end, str) else shown(end) for end in as_elements(edge, "an edge"))
            if len(ends) != 2:
                raise GraphError(f"an edge is a pair of names, got {shown(edge)}")
            for end in ends:
                if end not in known:
                    raise GraphError(
                        f"the edge {ends[0]} -> {ends[1]} names {end!r}; the nodes are {', '.join(names[:20])}"
                    )
            if ends in arrows:
                raise GraphError(f"the edge {ends[0]} -> {ends[1]} stands twice")
            arrows[ends] = None
        _topological_order(names, arrows)
        sources = {source for source, _ in arrows}
        sinks = [name for name in names if name not in sources]
        if len(sinks) != 1:
            raise GraphError(f"a network has one output, this graph has {len(sinks)}: {', '.join(sinks[:10])}")
        return cls._of(
            [node for _, node in pairs],
            Tuple(*(Tuple(Str(n), node) for n, node in pairs)),
            Tuple(*(Tuple(Str(a), Str(b)) for a, b in arrows)),
        )

    kind = "graph"

    @property
    def nodes(self) -> dict[str, Network]:
        return {pair[0].name: pair[1] for pair in self.args[0]}

    @property
    def edges(self) -> list[tuple[str, str]]:
        return [(pair[0].name, pair[1].name) for pair in self.args[1]]

    def order(self) -> list[str]:
        """The names of the nodes, each after everything it needs."""
        return _topological_order(list(self.nodes), self.edges)

    def predecessors(self) -> dict[str, list[str]]:
        """For every node the names of its predecessors, in the order of the edges."""
        found: dict[str, list[str]] = {name: [] for name in self.nodes}
        for source, target in self.edges:
            found[target].append(source)
        return found

    @property
    def sink(self) -> str:
        sources = {source for source, _ in self.edges}
        return next(name for name in self.nodes if name not in sources)


def _node_pairs(nodes: object) -> list[tuple[str, Network]]:
    items: Iterable[Any] = nodes.items() if isinstance(nodes, Mapping) else nodes  # type: ignore[assignment]
    pairs: list[tuple[str, Network]] = []
    try:
        for name, node in items:
            if not isinstance(name, (str, Str)) or not str(name):
                raise GraphError(f"a node has a name, got {shown(name)}")
            pairs.append((str(name), as_network(node, f"the node {name}")))
    except (TypeError, ValueError) as error:
        if isinstance(error, (GraphError, FieldError)):
            raise
        raise GraphError("the nodes of a graph are given as a mapping of names to layers") from None
    if not pairs:
        raise GraphError("a graph needs at least one node")
    if len({name for name, _ in pairs}) != len(pairs):
        raise GraphError("two nodes have the same name")
    return pairs


def _topological_order(names: list[str], edges: Iterable[tuple[str, str]]) -> list[str]:
    """Kahn's order, in linear time; a cycle is reported by the names in it."""
    waiting = {name: 0 for name in names}
    following: dict[str, list[str]] = {name: [] for name in names}
    for source, target in edges:
        waiting[target] += 1
        following[source].append(target)
    ready = [name for name in names if not waiting[name]]
    order: list[str] = []
    while ready:
        name = ready.pop()
        order.append(name)
        for target in following[name]:
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    if len(order) != len(names):
        done = set(order)
        left = [name for name in names if name not in done]
        raise GraphError(
            f"the graph has a cycle among {', '.join(left[:10])}; a recurrence belongs inside a layer's equation"
        )
    return order
