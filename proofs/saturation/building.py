"""A network from the nodes that were chosen: series and joins where the graph has them, a `Graph` elsewhere; and where each layer stands in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

import networkx

from ...algebra.errors import UnsupportedError
from ...algebra.networks.layer import Layer
from ...algebra.networks.network import Add, Concat, Graph, Input, Join, Network, Series
from ...algebra.records import dataclass
from .extraction import Chosen
from .saturate import Saturated
from .values import Node, Operation, Weight


@dataclass(frozen=True)
class Leaf:
    """A layer of a network under construction."""

    network: Network
    operation: int | None = None


@dataclass(frozen=True)
class Tree:
    """Parts in series, joined, or in a graph (then with their names and edges)."""

    kind: str
    parts: tuple[Any, ...]
    join: Any = None
    names: tuple[str, ...] = ()
    edges: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Place:
    """Where an operation stands in the network that was built: its path, and the name under which it shares weights."""

    path: str
    operation: int
    shared: str | None = None


@dataclass
class Built:
    """A network and the places of its operations."""

    network: Network
    places: list[Place] = field(default_factory=list)


class Builder:
    """Writes the chosen nodes as a network; a closed one begins with its inputs."""

    def __init__(self, saturated: Saturated, chosen: Chosen, closed: Mapping[int, Network], identity: Network):
        self.saturated, self.chosen, self.closed, self.identity = saturated, chosen, closed, identity
        self.values = saturated.values
        self.inputs = [saturated.find(value) for value in self.values.inputs]
        self.often: dict[int, int] = {}
        for node in chosen.nodes.values():
            self.often[node.operation] = self.often.get(node.operation, 0) + 1
        self.names = self._shared_names()
        self.written: set[int] = set()

    def _shared_names(self) -> dict[int, str]:
        """Operations that stand twice, or that have tensors in common, share them under a name."""
        users: dict[Weight, set[int]] = {}
        for number in self.often:
            operation = self.values.operations[number]
            for tensor, weight in operation.weights:
                if tensor in self._learned(operation):
                    users.setdefault(weight, set()).add(number)
        groups = networkx.Graph()
        groups.add_nodes_from(
            number
            for number, times in self.often.items()
            if times > 1 and self._learned(self.values.operations[number])
        )
        for together in users.values():
            if len(together) > 1:
                networkx.add_path(groups, sorted(together))
        names: dict[int, str] = {}
        for place, group in enumerate(networkx.connected_components(groups)):
            rows = [
                [w for t, w in self.values.operations[n].weights if t in self._learned(self.values.operations[n])]
                for n in group
            ]
            longest = max(rows, key=len)
            if any(row != longest[: len(row)] for row in rows):
                raise UnsupportedError("tensors are shared by some layers in part, which sharing by name cannot say")
            names |= dict.fromkeys(group, f"shared{place}")
        return names

    def _learned(self, operation: Operation) -> tuple[str, ...]:
        if not isinstance(operation.network, Layer):
            return ()
        return _learned(operation.network, self._arguments(operation))

    def _arguments(self, operation: Operation) -> tuple[Any, ...]:
        number = self.values.numbers[operation]
        node = next(node for node in self.chosen.nodes.values() if node.operation == number)
        return tuple(self.values.shapes[a] for a in node.arguments)

    def build(self) -> Built:
        """The network."""
        tree = flattened(self._tree())
        built = Built(self.identity)
        built.network = self._network(tree, "", built.places)
        return built

    def _tree(self) -> Any:
        root = self.chosen.root
        if root in self.inputs and len(self.inputs) == 1:
            return Leaf(self.closed.get(root, self.identity))
        try:
            if len(self.inputs) != 1 or any(not node.arguments for node in self.chosen.nodes.values()):
                raise _NotInSeries
            tree = self._series_parallel(root)
            first = [Leaf(self.closed[self.inputs[0]])] if self.closed else []
            return _series([*first, tree])
        except _NotInSeries:
            return self._graph(root)

    def _leaf(self, node: Node) -> Leaf:
        return Leaf(self.values.operations[node.operation].network, node.operation)

    def _series_parallel(self, root: int) -> Any:
        source = self.inputs[0]
        arrows = networkx.DiGraph([(a, node.value) for node in self.chosen.nodes.values() for a in node.arguments])
        if source not in arrows:
            raise _NotInSeries
        above = networkx.immediate_dominators(arrows, source)
        written: set[int] = set()

        def path(start: int, end: int) -> list[int]:
            found = []
            while end != start:
                found.append(end)
                if above.get(end, end) == end:
                    raise _NotInSeries
                end = above[end]
            return found[::-1]

        def segment(value: int) -> Any:
            node = self.chosen.nodes[value]
            if value in written:
                raise _NotInSeries
            written.add(value)
            network = self.values.operations[node.operation].network
            if isinstance(network, Join):
                return Tree(
                    "join", tuple(_series([segment(v) for v in path(above[value], a)]) for a in node.arguments), network
                )
            if len(node.arguments) != 1:
                raise _NotInSeries
            return self._leaf(node)

        return _series([segment(value) for value in path(source, root)])

    def _graph(self, root: int) -> Any:
        names: dict[int, str] = {}
        parts: dict[str, Any] = {}
        edges: list[tuple[str, str]] = []
        reached = networkx.DiGraph()
        reached.add_node(root)
        reached.add_edges_from((a, node.value) for node in self.chosen.nodes.values() for a in node.arguments)
        for value in [
            *self.inputs,
            *(v for v in networkx.lexicographical_topological_sort(reached) if v not in self.inputs),
        ]:
            if value in self.inputs:
                names[value] = f"x{self.inputs.index(value)}" if len(self.inputs) > 1 else "x"
                parts[names[value]] = Leaf(self.closed.get(value, self.identity))
                continue
            node = self.chosen.nodes[value]
            names[value] = name = f"n{len(parts)}"
            network = self.values.operations[node.operation].network
            parts[name] = Leaf(network) if isinstance(network, Join) else self._leaf(node)
            for argument in node.arguments:
                start = names[argument]
                if (start, name) in edges:
                    again = f"n{len(parts)}"
                    parts[again] = Leaf(self.identity)
                    edges.append((start, again))
                    start = again
                edges.append((start, name))
        if len(self.inputs) > 1 and not self.closed:
            raise UnsupportedError("a network of several open inputs is not written anew; begin it with Input for each")
        used = {a for a, _ in edges} | {names[root]}
        parts = {name: part for name, part in parts.items() if name in used or name in names.values()}
        dead = [name for name in parts if name not in used]
        if dead:
            raise UnsupportedError(f"the input {dead[0]} would not be used any more, and a network keeps its inputs")
        return Tree("graph", tuple(parts.values()), None, tuple(parts), tuple(edges))

    def _network(self, tree: Any, path: str, places: list[Place]) -> Network:
        under = lambda name: f"{path}.{name}" if path else str(name)  # noqa: E731
        if isinstance(tree, Leaf):
            if tree.operation is None:
                return tree.network
            name = self.names.get(tree.operation)
            places.append(Place(path, tree.operation, name))
            return tree.network.shared(name) if name is not None else tree.network
        below = [
            self._network(part, under(name), places)
            for name, part in zip(tree.names or range(len(tree.parts)), tree.parts)
        ]
        if tree.kind == "series":
            return Series(*below)
        if tree.kind == "join":
            return Concat(*below, axis=tree.join.axis) if isinstance(tree.join, Concat) else type(tree.join)(*below)
        return Graph(dict(zip(tree.names, below)), tree.edges)


class _NotInSeries(Exception):
    """A part of the graph that is made of no series and joins."""


def _series(parts: list[Any]) -> Any:
    """Parts in series; nested ones flatten, what is alone stands for itself, and nothing is the identity."""
    flat: list[Any] = []
    for part in parts:
        flat += part.parts if isinstance(part, Tree) and part.kind == "series" else [part]
    flat = [part for part in flat if not (isinstance(part, Leaf) and part.network.is_identity)] or flat[:1]
    if not flat:
        return Leaf(_identity())
    return flat[0] if len(flat) == 1 else Tree("series", tuple(flat))


def _identity() -> Network:
    from ...layers.activation import Identity

    return Identity()


def _learned(layer: Layer, shapes: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(name for name, role in layer.instance(*shapes).roles.items() if role == "weight")


def flattened(tree: Any) -> Any:
    """Joins of joins as the constructors of networks write them."""
    if isinstance(tree, Leaf):
        return tree
    parts = tuple(flattened(part) for part in tree.parts)
    if tree.kind == "join":
        flat: list[Any] = []
        for part in parts:
            same = isinstance(part, Tree) and part.kind == "join" and part.join == tree.join
            flat += part.parts if same and (tree.join.associative or isinstance(tree.join, Concat)) else [part]
        parts = tuple(flat)
    return Tree(tree.kind, parts, tree.join, tree.names, tree.edges)


__all__ = ["Add", "Built", "Builder", "Input", "Place"]
