"""Networks as `networkx.DiGraph`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import networkx

from ..arguments import answer_of, checked, shown
from ..errors import FieldError
from .steps import Steps, carried_out


class _Builder:
    """Draws each node after the nodes that feed it; what comes back is the name of the node that holds its output."""

    def __init__(self, identity: Callable[[], Any]):
        self.made, self.identity = networkx.DiGraph(), identity

    def node(self, name: str, layer: Any, sources: list[str]) -> str:
        self.made.add_node(name, layer=layer)
        for order, source in enumerate(sources):
            self.made.add_edge(source, name, order=order)
        return name

    def layer(self, net: Any, sources: list[str], path: str) -> str:
        return self.node(path or "0", net, sources)

    input = repeat = shared = otherwise = layer

    def series(self, net: Any, sources: list[str], path: str) -> Steps[str]:
        for place, part in enumerate(net.parts):
            sources = [(yield part.accept(self, sources, _under(path, place)))]
        return sources[0]

    def join(self, net: Any, sources: list[str], path: str) -> Steps[str]:
        if not net.branches:
            return self.layer(net, sources, path)
        if not sources:
            sources = [
                self.node(_under(path, "in"), answer_of(self.identity, "the maker of identities of to_networkx"), [])
            ]
        ends = []
        for place, branch in enumerate(net.branches):
            ends.append((yield branch.accept(self, sources, _under(path, place))))
        return self.node(_under(path, "join"), net.without_branches(), ends)

    def graph(self, net: Any, sources: list[str], path: str) -> Steps[str]:
        nodes, before = net.nodes, net.predecessors()
        ends: dict[str, str] = {}
        for name in net.order():
            incoming = [ends[source] for source in before[name]] or sources
            ends[name] = yield nodes[name].accept(self, incoming, _under(path, name))
        return ends[net.sink]


def _under(path: str, name: object) -> str:
    return f"{path}.{name}" if path else str(name)


@checked
def to_networkx(net: Any, identity: Callable[[], Any]) -> networkx.DiGraph:
    """The graph of a network: a node for each layer, repetition or join (attribute ``layer``), edges with their ``order``.

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
    carried_out(net.accept(builder, [], ""))
    return builder.made
