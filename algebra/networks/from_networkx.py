"""Networks read from `networkx.DiGraph`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..arguments import checked
from ..errors import GraphError
from .network import Graph, Network

if TYPE_CHECKING:
    import networkx


@checked
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
