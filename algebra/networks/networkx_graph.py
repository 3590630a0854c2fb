"""Networks as `networkx.DiGraph`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import networkx

from ..arguments import answer_of, checked, shown
from ..errors import FieldError
from .steps import Steps, carried_out

End = tuple[str, str | None]


class _Builder:
    """Draws each node after the nodes that feed it; what comes back are the nodes that hold its outputs, with names where there are several."""

    def __init__(self, identity: Callable[[], Any]):
        self.made, self.identity = networkx.DiGraph(), identity

    def node(self, name: str, layer: Any, sources: list[End]) -> list[End]:
        self.made.add_node(name, layer=layer)
        for order, (source, port) in enumerate(sources):
            if not self.made.has_edge(source, name):
                self.made.add_edge(source, name, order=order)
            if port is not None:
                self.made.edges[source, name].setdefault("outputs", []).append((port, order))
        return [(name, port) for port in layer.several or (None,)]

    def layer(self, net: Any, sources: list[End], path: str) -> list[End]:
        return self.node(path or "0", net, sources)

    input = repeat = shared = otherwise = layer

    def series(self, net: Any, sources: list[End], path: str) -> Steps[list[End]]:
        for place, part in enumerate(net.parts):
            sources = yield part.accept(self, sources, _under(path, place))
        return sources

    def join(self, net: Any, sources: list[End], path: str) -> Steps[list[End]]:
        if not net.branches:
            return self.layer(net, sources, path)
        if not sources:
            sources = self.node(
                _under(path, "in"), answer_of(self.identity, "the maker of identities of to_networkx"), []
            )
        ends: list[End] = []
        for place, branch in enumerate(net.branches):
            ends += yield branch.accept(self, sources, _under(path, place))
        return self.node(_under(path, "join"), net.without_branches(), ends)

    def graph(self, net: Any, sources: list[End], path: str) -> Steps[list[End]]:
        nodes, before = net.nodes, net.sources()
        ends: dict[End, End] = {}
        for name in net.order():
            incoming = [ends[source] for source in before[name]] or sources
            made = yield nodes[name].accept(self, incoming, _under(path, name))
            ends |= zip(((name, port) for port in nodes[name].several or (None,)), made)
        return [ends[one.node, one.port] for one in net.outputs]

    def select(self, net: Any, sources: list[End], path: str) -> Steps[list[End]]:
        made = yield net.body.accept(self, sources, path)
        return [made[net.body.several.index(name)] for name in net.names]


def _under(path: str, name: object) -> str:
    return f"{path}.{name}" if path else str(name)


@checked
def to_networkx(net: Any, identity: Callable[[], Any]) -> networkx.DiGraph:
    """The graph of a network: a node for each layer, repetition or join (attribute ``layer``), edges with their ``order``.

    An edge from a node of several outputs has ``outputs``: the name of each that it stands for, with its order. What comes out is in
    ``graph.graph["outputs"]``, as `Graph` takes it, where it is not the one node without successor.

    Parameters
    ----------
    net : Network
    identity : callable
        Makes the layer that stands for an input on which branches draw.

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
    if isinstance(net, type) or not hasattr(net, "accept"):
        raise FieldError(f"to_networkx takes a layer or a network, got {shown(net)} of type {type(net).__name__}")
    builder = _Builder(identity)
    ends = carried_out(net.accept(builder, [], ""))
    sinks = [name for name in builder.made if not builder.made.out_degree(name)]
    if ends != [(name, None) for name in sinks] or net.several:
        names = net.several or ("output",)
        builder.made.graph["outputs"] = {
            name: node if port is None else (node, port) for name, (node, port) in zip(names, ends)
        }
    return builder.made
