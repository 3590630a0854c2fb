"""Networks on a directed acyclic graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from sympy import Tuple
from sympy.core.symbol import Str

from ..arguments import as_elements, shown
from ..errors import FieldError, GraphError
from ..records import dataclass
from .arity import inputs_taken
from .node import Composition, Network, as_network

Port = tuple[str, str | None]
"""A node, and which of its outputs where it has several."""
End = str | tuple[str, str]
"""A node, or a node and one of its outputs, as an edge names it."""


class Graph(Composition):
    """Any directed acyclic graph of networks.

    An edge begins at a node, or at one output of a node that has several: ``(("cell", "h"), "sum")``. An edge that names such a node alone
    stands for all of its outputs, in order, and leads to a node that takes so many inputs.

    Parameters
    ----------
    nodes : mapping of str to Network
        `Add()`, `Mul()` and `Concat(axis=...)` without branches join whatever arrives; every other node takes one input, or as many as
        its equation names, in the order of the edges.
    edges : iterable of (str, str) or ((str, str), str)
        From, to; from a node, or from a node and the name of its output.
    outputs : iterable of str or (str, str), or mapping of str to one of them, optional
        The nodes whose outputs come out, in order, every one without successor among them; a mapping gives them names. Left out, they are
        the nodes without successor, named after themselves.

    Raises
    ------
    GraphError
        If an edge or an output names no node or no output of it, or stands twice; if there is a cycle, or a node without successor is
        not among the outputs; if an edge stands for several outputs, and its end does not take so many inputs.
    FieldError
        If a node is no network.

    Examples
    --------
    >>> from layeralgebra import Graph, Add, Linear, output_shape, parameters
    >>> net = Graph({"f": Linear(4), "g": Linear(4), "sum": Add()}, [("f", "g"), ("f", "sum"), ("g", "sum")])
    >>> parameters(net, on=(4,))
    40
    >>> both = Graph({"f": Linear(4), "g": Linear(2)}, [("f", "g")], outputs=("f", "g"))
    >>> output_shape(both, on=(3,))
    {'f': (4,), 'g': (2,)}
    >>> output_shape(both["g"], on=(3,))
    (2,)
    """

    def __new__(cls, nodes: object, edges: object = (), outputs: object = None) -> "Graph":
        pairs = _node_pairs(nodes)
        parts = dict(pairs)
        arrows: dict[tuple[End, str], None] = {}
        for edge in as_elements(edges, "the edges of a Graph"):
            arrow = _edge(edge, parts)
            if arrow in arrows:
                raise GraphError(f"the edge {_said(arrow[0])} -> {arrow[1]} stands twice")
            arrows[arrow] = None
        _topological_order(list(parts), [(_node_of(source), target) for source, target in arrows])
        sources = {_node_of(source) for source, _ in arrows}
        sinks = [name for name in parts if name not in sources]
        common = _named([(None, sink) for sink in sinks], parts)
        asked = None if isinstance(outputs, (tuple, Tuple)) and not outputs else outputs
        found = common if asked is None else _outputs(asked, parts, sinks)
        made = cls._of(
            list(parts.values()),
            Tuple(*(Tuple(Str(n), node) for n, node in pairs)),
            Tuple(*(Tuple(_as_basic(a), Str(b)) for a, b in arrows)),
            *([] if found == common else [Tuple(*(Tuple(Str(one.name), _reference(one)) for one in found))]),
        )
        made.several = tuple(one.name for one in found) if len(found) > 1 else ()
        if any(part.several for part in parts.values()):
            made._must_fit()
        return made

    kind = "graph"

    @property
    def nodes(self) -> dict[str, Network]:
        return {pair[0].name: pair[1] for pair in self.args[0]}

    @property
    def edges(self) -> list[tuple[End, str]]:
        return [(_as_end(pair[0]), pair[1].name) for pair in self.args[1]]

    @property
    def outputs(self) -> "tuple[GraphOutput, ...]":
        """What comes out, in order."""
        nodes = self.nodes
        if len(self.args) > 2:
            return tuple(GraphOutput(name.name, *(part.name for part in reference)) for name, reference in self.args[2])
        sources = {_node_of(source) for source, _ in self.edges}
        return _named([(None, name) for name in nodes if name not in sources], nodes)

    def order(self) -> list[str]:
        """The names of the nodes, each after everything it needs."""
        return _topological_order(list(self.nodes), [(_node_of(source), target) for source, target in self.edges])

    def predecessors(self) -> dict[str, list[str]]:
        """For every node the names of its predecessors, in the order of the edges; one from which several outputs come as often."""
        return {name: [node for node, _ in sources] for name, sources in self.sources().items()}

    def sources(self) -> dict[str, list[Port]]:
        """For every node what arrives at it, in the order of the edges: from which node, and which of its outputs where it has several."""
        nodes = self.nodes
        found: dict[str, list[Port]] = {name: [] for name in nodes}
        for source, target in self.edges:
            node, port = _port(source)
            whole = nodes[node].several if port is None else ()
            found[target] += [(node, one) for one in whole] or [(node, port)]
        return found

    def needed(self, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """The nodes on which these outputs depend, and which of its outputs are read of one that has several."""
        names = as_elements(names, "the names of outputs")
        for name in names:
            if not isinstance(name, str) or name not in self.several:
                raise GraphError(
                    f"this graph has no output {shown(name)} among several; it has {', '.join(self.several) or 'one'}"
                )
        sources, nodes = self.sources(), self.nodes
        found: dict[str, set[str | None]] = {}
        waiting = [(one.node, one.port) for one in self.outputs if one.name in names or not self.several]
        while waiting:
            node, port = waiting.pop()
            if node not in found:
                found[node] = set()
                waiting += sources[node]
            found[node].add(port)
        return {node: tuple(port for port in nodes[node].several if port in ports) for node, ports in found.items()}

    @property
    def sink(self) -> str:
        """The node whose output comes out, where there is one output."""
        found = self.outputs
        if len(found) > 1:
            raise GraphError(
                f"this graph has several outputs ({', '.join(one.name for one in found)}), and one is asked for; write net[{found[0].name!r}]"
            )
        return found[0].node

    def _must_fit(self) -> None:
        """An edge that stands for several outputs leads to a node that takes so many inputs."""
        nodes, sources = self.nodes, self.sources()
        for source, target in self.edges:
            names = nodes[source].several if isinstance(source, str) else ()
            end = nodes[target]
            joins = isinstance(end, Composition) and end.kind == "join" and not end.args
            if names and (joins or inputs_taken(nodes[target]) not in (None, len(sources[target]))):
                takes = "joins what arrives" if joins else f"takes {inputs_taken(nodes[target])}"
                raise GraphError(
                    f"the edge {source} -> {target} stands for the {len(names)} outputs of {source} ({', '.join(names)}), and {target} {takes}\n"
                    f"  write instead: (({source!r}, {names[0]!r}), {target!r}), an edge for each output that is meant"
                )
            if len(set(sources[target])) < len(sources[target]) and names:
                raise GraphError(
                    f"an output of {source} arrives at {target} twice; write an edge for each output that is meant"
                )


@dataclass(frozen=True)
class GraphOutput:
    """One output of a graph: its name, the node that gives it, and which of its outputs where it has several."""

    name: str
    node: str
    port: str | None = None


# what is written -----------------------------------------------------------------------------------------------------


def _node_of(end: End) -> str:
    return end if isinstance(end, str) else end[0]


def _port(end: End) -> Port:
    return (end, None) if isinstance(end, str) else end


def _said(end: End) -> str:
    return end if isinstance(end, str) else f"{end[1]} of {end[0]}"


def _as_basic(end: End) -> Any:
    return Str(end) if isinstance(end, str) else Tuple(*map(Str, end))


def _as_end(value: Any) -> End:
    return (value[0].name, value[1].name) if isinstance(value, Tuple) else value.name


def _reference(one: GraphOutput) -> Any:
    return Tuple(Str(one.node)) if one.port is None else Tuple(Str(one.node), Str(one.port))


def _edge(edge: object, parts: Mapping[str, Network]) -> tuple[End, str]:
    """One edge, whose ends are there."""
    ends = as_elements(edge, "an edge") if not isinstance(edge, str) else [edge]
    if len(ends) != 2:
        raise GraphError(f"an edge is a pair of names, got {shown(edge)}")
    source, target = _end(ends[0]), _end(ends[1])
    if not isinstance(target, str):
        raise GraphError(
            f"an edge leads to a node, got {shown(ends[1])}; inputs of a node are in the order of the edges"
        )
    for node in (_node_of(source), target):
        if node not in parts:
            known = ", ".join(list(parts)[:20])
            raise GraphError(f"the edge {_said(source)} -> {target} names {node!r}; the nodes are {known}")
    if not isinstance(source, str):
        _must_have(parts, *source)
    return source, target


def _end(value: object) -> End:
    """A node, or a node and one of its outputs."""
    if isinstance(value, (tuple, list, Tuple)):
        found = tuple(str(part) if isinstance(part, (str, Str)) else shown(part) for part in value)
        if len(found) != 2:
            raise GraphError(f"an output of a node is written as a pair ('node', 'output'), got {shown(value)}")
        return found[0], found[1]
    return value if isinstance(value, str) else value.name if isinstance(value, Str) else shown(value)


def _must_have(parts: Mapping[str, Network], node: str, port: str) -> None:
    """A node has an output of that name, among several."""
    names = parts[node].several
    if port in names:
        return
    if not names:
        raise GraphError(f"the node {node!r} has one output, and {port!r} of it is asked for; write {node!r} alone")
    near = get_close_matches(port, names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise GraphError(f"the node {node!r} has no output {port!r}, it has {', '.join(names)}{hint}")


def _outputs(given: Any, parts: Mapping[str, Network], sinks: Sequence[str]) -> tuple[GraphOutput, ...]:
    """What comes out, as it is asked for."""
    if isinstance(given, (str, Str)):
        given = [given]
    asked: list[tuple[str | None, End]] = []
    for entry in given.items() if isinstance(given, Mapping) else as_elements(given, "the outputs of a Graph"):
        pair = list(entry) if isinstance(entry, (tuple, list, Tuple)) else []
        if isinstance(given, Mapping) or (len(pair) == 2 and isinstance(pair[1], (tuple, list, Tuple))):
            name, reference = pair
            if not isinstance(name, (str, Str)) or not str(name):
                raise GraphError(f"an output has a name, got {shown(name)}")
            alone = isinstance(reference, (tuple, list, Tuple)) and len(reference) == 1
            asked.append((str(name), _end(reference[0] if alone else reference)))
        else:
            asked.append((None, _end(entry)))
    if not asked:
        raise GraphError("a network has an output, and outputs is empty; leave it out for the nodes without successor")
    for _, end in asked:
        if _node_of(end) not in parts:
            raise GraphError(f"outputs names {_node_of(end)!r}; the nodes are {', '.join(list(parts)[:20])}")
        if not isinstance(end, str):
            _must_have(parts, *end)
    missing = [sink for sink in sinks if all(_node_of(end) != sink for _, end in asked)]
    if missing:
        raise GraphError(
            f"nothing reads the node {missing[0]!r}, and it is not among the outputs; name it there, or take one output of the whole: "
            f"Graph(...)[{str(asked[0][0] or _node_of(asked[0][1]))!r}]"
        )
    found = _named(asked, parts)
    if len({one.name for one in found}) < len(found):
        raise GraphError(
            f"two outputs are called alike: {', '.join(one.name for one in found)}; give names with a mapping"
        )
    return found


def _named(asked: Sequence[tuple[str | None, End]], parts: Mapping[str, Network]) -> tuple[GraphOutput, ...]:
    """Outputs with names: that of the node, of node and output where there are several, of the output where the node stands alone."""
    found = []
    for name, end in asked:
        node, port = _port(end)
        ports = parts[node].several if port is None else (port,)
        for one in ports or (None,):
            if name is not None:
                own = name if port is not None or one is None else f"{name}.{one}"
            elif one is None:
                own = node
            else:
                own = one if len(asked) == 1 and port is None else f"{node}.{one}"
            found.append(GraphOutput(own, node, one))
    return tuple(found)


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
