"""Networks read from `networkx.DiGraph`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
        Edges may carry ``order``, the number of the input at which they arrive; otherwise they arrive in the order of the graph. An
        edge from a node of several outputs carries ``outputs``, pairs of a name and an order; what comes out is in
        ``graph.graph["outputs"]``, as `Graph` takes it, or left to the nodes without successor.

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
    edges: list[tuple[Any, str, Any]] = []
    for place, (a, b, data) in enumerate(graph.edges(data=True)):
        ports = data.get("outputs") or ()
        edges += [((str(a), port), str(b), order) for port, order in ports] or [
            (str(a), str(b), data.get("order", place))
        ]
    arrows = [(a, b) for a, b, _ in sorted(edges, key=lambda edge: edge[2])]
    return _with_outputs(nodes, arrows, graph.graph.get("outputs"))


def _with_outputs(nodes: dict[str, Network], arrows: list[tuple[Any, str]], outputs: Any) -> Any:
    """The graph; nodes without successor that do not come out are only held."""
    if outputs is None:
        return Graph(nodes, arrows)
    read = {a if isinstance(a, str) else a[0] for a, _ in arrows}
    read |= {end if isinstance(end, str) else end[0] for end in outputs.values()}
    held = [name for name in nodes if name not in read]
    if not held:
        return Graph(nodes, arrows, outputs)
    made = Graph(nodes, arrows, {**outputs, **{f"held {name}": name for name in held}})
    return made[tuple(outputs)]
