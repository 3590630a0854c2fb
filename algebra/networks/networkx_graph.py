"""Networks to and from `networkx.DiGraph`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import GraphError
from .network import Add, Concat, Graph, Mul, Network, Series

if TYPE_CHECKING:
    import networkx

_JOINS = (Add, Mul, Concat)


class _Builder:
    def __init__(self, graph: "networkx.DiGraph"):
        self.graph = graph

    def node(self, name: str, layer: Network) -> str:
        self.graph.add_node(name, layer=layer)
        return name

    def draw(self, net: Network, sources: list[str], path: str) -> str:
        """Draw a network after the nodes that feed it; the name of the node that holds its output."""
        if isinstance(net, Series):
            for place, part in enumerate(net.parts):
                sources = [self.draw(part, sources, f"{path}.{place}" if path else str(place))]
            return sources[0]
        if isinstance(net, _JOINS) and net.branches:
            if not sources:
                sources = [self.node(f"{path}.in" if path else "in", _identity())]
            ends = [
                self.draw(branch, sources, f"{path}.{place}" if path else str(place))
                for place, branch in enumerate(net.branches)
            ]
            empty = Concat(axis=net.axis) if isinstance(net, Concat) else type(net)()
            own = self.node(f"{path}.join" if path else "join", empty)
            for order, end in enumerate(ends):
                self.graph.add_edge(end, own, order=order)
            return own
        if isinstance(net, Graph):
            return self._graph(net, sources, path)
        own = self.node(path or "0", net)
        for order, source in enumerate(sources):
            self.graph.add_edge(source, own, order=order)
        return own

    def _graph(self, net: Graph, sources: list[str], path: str) -> str:
        nodes, before = net.nodes, net.predecessors()
        ends: dict[str, str] = {}
        for name in net.order():
            incoming = [ends[source] for source in before[name]] or sources
            where = f"{path}.{name}" if path else name
            part = nodes[name]
            if isinstance(part, _JOINS) and not part.branches:
                ends[name] = self.node(where, part)
                for order, source in enumerate(incoming):
                    self.graph.add_edge(source, where, order=order)
            else:
                ends[name] = self.draw(part, incoming, where)
        return ends[net.sink]


def _identity() -> Network:
    from .layer import Layer

    found = next(
        (cls for cls in Layer.__subclasses__() if cls.__dict__.get("equation") == "y[*i] = x[*i]" and not cls.fields),
        None,
    )
    if found is None:
        raise GraphError("there is no identity layer to stand for the common input of the branches")
    return found()


def to_networkx(net: Network) -> "networkx.DiGraph":
    """The graph of a network: a node for each layer, repetition or join (attribute ``layer``), edges with their ``order``.

    Parameters
    ----------
    net : Network

    Returns
    -------
    networkx.DiGraph

    Examples
    --------
    >>> from layeralgebra import Linear, ReLU
    >>> graph = (Linear(4) >> (ReLU() + Linear(4))).to_networkx()
    >>> sorted(graph.nodes)
    ['0', '1.0', '1.1', '1.join']
    """
    import networkx

    graph = networkx.DiGraph()
    _Builder(graph).draw(net, [], "")
    return graph


def from_networkx(graph: "networkx.DiGraph") -> Graph:
    """A network from a directed graph whose nodes carry a network in the attribute ``layer``.

    Parameters
    ----------
    graph : networkx.DiGraph
        Edges may carry ``order``, the number of the input at which they arrive; otherwise they arrive in the order of the graph.

    Returns
    -------
    Graph

    Raises
    ------
    GraphError
        If a node has no layer, or the graph is no network.

    Examples
    --------
    >>> from layeralgebra import Linear, ReLU, from_networkx, parameters
    >>> net = Linear(4) >> (ReLU() + Linear(4))
    >>> parameters(from_networkx(net.to_networkx()), on=(4,)) == parameters(net, on=(4,))
    True
    """
    if not hasattr(graph, "nodes") or not hasattr(graph, "edges") or not getattr(graph, "is_directed", lambda: False)():
        raise GraphError(f"from_networkx takes a networkx.DiGraph, got {type(graph).__name__}")
    nodes: dict[str, Network] = {}
    for name, data in graph.nodes(data=True):
        if not isinstance(data.get("layer"), Network):
            raise GraphError(f"the node {name!r} has no layer; set graph.nodes[{name!r}]['layer'] = la.ReLU()")
        if str(name) in nodes:
            raise GraphError(f"two nodes are called {str(name)!r}")
        nodes[str(name)] = data["layer"]
    edges = [(str(a), str(b), data.get("order", place)) for place, (a, b, data) in enumerate(graph.edges(data=True))]
    return Graph(nodes, [(a, b) for a, b, _ in sorted(edges, key=lambda edge: edge[2])])
