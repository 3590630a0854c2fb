"""A network as a graph of values: what each layer makes of what, and which weights it has.

A value is a number; a node says which operation makes it of which values. Weights are named as `la.weights` names them, or are made of
other weights by the step of a law.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import Any

from sympy import Expr

from ...algebra.derivations.metric import METRICS
from ...algebra.errors import GraphError, UnsupportedError
from ...algebra.networks.layer import Layer
from ...algebra.networks.network import Graph, Input, Join, Network, Repeat, Selected, Series, Shared, Walk
from ...algebra.networks.steps import Steps
from ...algebra.numerics.copies import Scope, input_nodes, input_paths
from ...algebra.records import dataclass
from ...algebra.sizes.normal_form import simplify

Shape = tuple[Expr, ...]
#: Copies that are read one by one; of more, or of a symbolic number, the body is one operation.
MOST_COPIES = 64


@dataclass(frozen=True)
class Slot:
    """A tensor of the network that was given; of a part that is not taken apart, all below a path (then `tensor` is empty)."""

    name: str


@dataclass(frozen=True)
class FromStep:
    """A tensor that a step of a law makes."""

    step: int
    layer: str
    tensor: str


Weight = Slot | FromStep


@dataclass(frozen=True)
class Operation:
    """A layer with its weights, or a join, or a part that is not taken apart."""

    network: Network
    weights: tuple[tuple[str, Weight], ...] = ()

    @property
    def kind(self) -> str:
        return type(self.network).__name__


@dataclass(frozen=True)
class Node:
    """An operation on values; `step` is the step that made it, None for what was read."""

    operation: int
    arguments: tuple[int, ...]
    value: int
    step: int | None = None


@dataclass
class Values:
    """Everything known of the values: operations, nodes, shapes and where the channels are."""

    operations: list[Operation] = field(default_factory=list)
    numbers: dict[Operation, int] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)
    shapes: list[Shape] = field(default_factory=list)
    layouts: list[str | None] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)
    known: dict[tuple[int, tuple[int, ...]], int] = field(default_factory=dict)

    def operation(self, network: Network, weights: Sequence[tuple[str, Weight]] = ()) -> int:
        """The number of an operation."""
        made = Operation(network, tuple(weights))
        if made not in self.numbers:
            self.numbers[made] = len(self.operations)
            self.operations.append(made)
        return self.numbers[made]

    def value(self, shape: Shape, layout: str | None) -> int:
        """A new value."""
        self.shapes.append(tuple(shape))
        self.layouts.append(layout)
        return len(self.shapes) - 1

    def node(self, operation: int, arguments: Sequence[int], step: int | None = None, value: int | None = None) -> int:
        """The value that an operation makes of others: a given one, a known one, or a new one."""
        key = (operation, tuple(arguments))
        if value is None and key in self.known:
            return self.known[key]
        if value is None:
            network = self.operations[operation].network
            value = self.value(
                *made_of(network, [self.shapes[a] for a in arguments], [self.layouts[a] for a in arguments])
            )
        self.known.setdefault(key, value)
        self.nodes.append(Node(operation, tuple(arguments), value, step))
        return value


def made_of(network: Network, shapes: Sequence[Shape], layouts: Sequence[str | None]) -> tuple[Shape, str | None]:
    """The shape that an operation makes, and where its channels are."""
    said = next((layout for layout in layouts if layout), None)
    if isinstance(network, Join):
        axis = network.stacked_axis(len(shapes[0]), said)
        if axis is None:
            return tuple(next((size for size in column if size != 1), column[0]) for column in zip(*shapes)), said
        axis %= len(shapes[0])
        return tuple(simplify(sum(c)) if place == axis else c[0] for place, c in enumerate(zip(*shapes))), said
    if isinstance(network, Layer):
        return network.instance(*shapes).output, network.layout[1] or said
    return tuple(METRICS["output_shape"](network, on=shapes[0] if len(shapes) == 1 else list(shapes))), said


class Reading(Walk[int]):
    """The walk that reads a network; sharing and paths are as `la.weights` has them."""

    def __init__(self, on: Any = None):
        self.values = Values()
        self.on = on
        self.shared_names: dict[tuple[str, str, int], str] = {}
        self.by_path: dict[str, int] = {}

    def read(self, net: Network, shapes: Sequence[Shape]) -> int:
        """The value that the network makes."""
        paths = input_paths(net)
        given = [node.shape for node in input_nodes(net)] if paths else shapes
        self.values.inputs = [self.values.value(tuple(shape), None) for shape in given]
        self.by_path = dict(zip(paths, self.values.inputs))
        return self.of(net, () if paths else tuple(self.values.inputs), Scope())

    def input(self, node: Input, arrived: tuple[int, ...], scope: Scope) -> int:
        return self.by_path[scope.path]

    def layer(self, node: Layer, arrived: tuple[int, ...], scope: Scope) -> int:
        if node.several:
            raise UnsupportedError(
                f"{scope.path or node} has several outputs ({', '.join(node.several)}), and a network of one is rewritten; write "
                f"net[{node.several[0]!r}]"
            )
        if node.is_identity:
            return arrived[0]
        arrived = arrived if node.input_names else ()
        instance = node.instance(*(self.values.shapes[value] for value in arrived))
        learned = [name for name, role in instance.roles.items() if role == "weight"]
        weights: list[tuple[str, Weight]] = []
        for name, role in instance.roles.items():
            if role in ("weight", "buffer"):
                own = f"{scope.path}.{name}" if scope.path else name
                if role == "weight" and scope.shared is not None:
                    below = f"{scope.shared}.{scope.below}" if scope.below else scope.shared
                    key = (scope.shared, scope.below, learned.index(name))
                    own = self.shared_names.setdefault(key, f"{below}.{name}")
                weights.append((name, Slot(own)))
        return self.values.node(self.values.operation(node, weights), arrived)

    def series(self, node: Series, arrived: tuple[int, ...], scope: Scope) -> Steps[int]:
        for place, part in enumerate(node.parts):
            arrived = ((yield part.accept(self, arrived, scope.under(place))),)
        return arrived[0]

    def repeat(self, node: Repeat, arrived: tuple[int, ...], scope: Scope) -> Any:
        if node.times.is_Integer and int(node.times) <= MOST_COPIES:
            return self._copies(node, arrived, scope)
        if scope.shared is not None:
            raise UnsupportedError(f"{scope.path}: a symbolic number of copies that share weights is not rewritten")
        return self._whole(node, arrived, scope)

    def select(self, node: Selected, arrived: tuple[int, ...], scope: Scope) -> int:
        if node.several or node.has_input or scope.shared is not None:
            raise UnsupportedError(
                f"{scope.path or node}: of several outputs one is rewritten, of a part that is neither shared nor begins with an "
                "input; write net['h'] for the one that is wanted"
            )
        return self._whole(node, arrived, scope)

    def _whole(self, node: Network, arrived: tuple[int, ...], scope: Scope) -> int:
        """A part that is not taken apart; what it holds goes with it."""
        return self.values.node(self.values.operation(node, [("", Slot(scope.path))]), arrived)

    def _copies(self, node: Repeat, arrived: tuple[int, ...], scope: Scope) -> Steps[int]:
        for number in range(int(node.times)):
            arrived = ((yield node.copy(number).accept(self, arrived, scope.under(number))),)
        return arrived[0]

    def shared(self, node: Shared, arrived: tuple[int, ...], scope: Scope) -> Any:
        return node.body.accept(self, arrived, scope.within(node.name))

    def graph(self, node: Graph, arrived: tuple[int, ...], scope: Scope) -> Steps[int]:
        nodes, before = node.nodes, node.predecessors()
        made: dict[str, int] = {}
        for name in node.order():
            incoming = tuple(made[source] for source in before[name])
            if not before[name] and not input_paths(nodes[name]):
                incoming = arrived
            made[name] = yield nodes[name].accept(self, incoming, scope.under(name))
        return made[node.sink]

    def join(self, node: Join, arrived: tuple[int, ...], scope: Scope) -> Steps[int]:
        parts = []
        for place, branch in enumerate(node.branches):
            parts.append((yield branch.accept(self, arrived, scope.under(place))))
        return joined(self.values, node, tuple(parts or arrived))

    def otherwise(self, node: Network, *carried: Any, **named: Any) -> int:
        raise GraphError(f"{type(node).__name__} is neither a layer nor a composition that can be rewritten")


def joined(
    values: Values, node: Join, parts: tuple[int, ...], step: int | None = None, value: int | None = None
) -> int:
    """The value of a join; a concatenation says along which axis, and what is alone stands for itself."""
    if len(parts) == 1 and node.associative:
        return parts[0]
    bare = node.without_branches()
    if node.stacks:
        said = next((values.layouts[part] for part in parts if values.layouts[part]), None)
        rank = len(values.shapes[parts[0]])
        axis = node.stacked_axis(rank, said)
        assert axis is not None
        along: Any = type(node)
        bare = along(axis=axis % rank)
    return values.node(values.operation(bare), parts, step, value)
