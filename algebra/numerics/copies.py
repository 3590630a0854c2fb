"""A network at literal sizes, walked copy by copy: what `run` and `weights` share.

The evaluator folds symbolic repetitions; numbers need every copy apart. Shapes and their errors are the evaluator's
own, asked for beforehand, so that nothing here decides what fits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sympy import Expr, Integer, Symbol

from ..equations.instance import Instance
from ..errors import BudgetError, FieldError, GraphError, ShapeError
from ..networks.carrier import ShapeCarrier
from ..networks.evaluator import evaluate_network
from ..networks.layer import Layer
from ..networks.network import Graph, Input, Join, Network, Repeat, Selected, Series, Shared, Walk, as_network
from ..networks.steps import Steps
from ..records import dataclass
from ..sizes.dims import are_sizes

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Scope:
    """Where the walk is: the path from the top, and the path below the innermost shared network, if it is in one."""

    path: str = ""
    shared: str | None = None
    below: str = ""

    def under(self, name: object) -> "Scope":
        return Scope(
            _joined(self.path, name), self.shared, _joined(self.below, name) if self.shared is not None else ""
        )

    def within(self, shared: str) -> "Scope":
        return Scope(self.path, shared, "")


def _joined(path: str, name: object) -> str:
    return f"{path}.{name}" if path else str(name)


@dataclass(frozen=True)
class Arrived:
    """What arrives at a node: its shape, where its channels are, and its numbers if there are any."""

    shape: Shape
    channels: str | None = None
    values: Any = None


MOST_COPIES = 100_000
"""Layers that are walked one by one."""


class Unrolled(Walk[Any]):
    """A walk through a network at literal sizes; subclasses say what a layer and a join do.

    What leaves a node is an `Arrived`, or a tuple of them where it has several outputs, without values where nothing reads them.
    """

    def __init__(self, given: Sequence[Arrived]):
        self.visited = 0
        self.read: dict[str, tuple[str, ...]] = {}
        """By the path of a node of several outputs, those that are read, where that is not all of them."""
        self.unread = False
        """Whether nothing reads what is walked."""
        self.given = tuple(given)
        self.inputs: dict[str, Arrived] = {}

    def computed(self, layer: Layer, instance: Instance, arrived: Sequence[Arrived], scope: Scope) -> Any:
        """The values that a layer makes; a mapping of names to them where several of its outputs are read."""
        raise NotImplementedError

    def held(self, layer: Layer, instance: Instance, scope: Scope) -> None:
        """A layer that nothing reads."""

    def combined(self, node: Join, arrived: Sequence[Arrived], axis: int | None) -> Any:
        """The values joined, one after the other along an axis, or element by element."""
        raise NotImplementedError

    def walk(self, net: Network) -> Any:
        places = input_paths(net)
        self.inputs = dict(zip(places, self.given))
        return self.of(net, () if places else self.given, Scope())

    def input(self, node: Input, arrived: tuple[Arrived, ...], scope: Scope) -> Arrived:
        return self.inputs[scope.path]

    def layer(self, node: Layer, arrived: tuple[Arrived, ...], scope: Scope) -> Any:
        self.visited += 1
        if self.visited > MOST_COPIES:
            raise BudgetError(f"more than {MOST_COPIES} layers, which are computed one by one; repeat less often")
        arrived = arrived if node.input_names else ()
        instance = node.instance(*(part.shape for part in arrived))
        before = arrived[0].channels if arrived else None
        wanted = (
            () if self.unread else self.read.pop(scope.path, node.output_names) if node.several else node.output_names
        )
        instance = instance.showing(*wanted)
        values: Any = {}
        if wanted:
            made = self.computed(node, instance, arrived, scope)
            values = (made or {}) if len(wanted) > 1 else {wanted[0]: made}
        else:
            self.held(node, instance, scope)
        leaving = tuple(
            Arrived(tuple(map(int, instance.shapes[name])), node.layout_of(name) or before, values.get(name))
            for name in node.output_names
        )
        return leaving if node.several else leaving[0]

    def select(self, node: Selected, arrived: tuple[Arrived, ...], scope: Scope) -> Steps[Any]:
        self.read.setdefault(scope.path, node.names)
        made = yield node.body.accept(self, arrived, scope)
        found = tuple(made[node.body.several.index(name)] for name in node.names)
        return found if node.several else found[0]

    def series(self, node: Series, arrived: tuple[Arrived, ...], scope: Scope) -> Steps[Any]:
        if scope.path in self.read:
            self.read[scope.under(len(node.parts) - 1).path] = self.read.pop(scope.path)
        for place, part in enumerate(node.parts):
            arrived = _each((yield part.accept(self, arrived, scope.under(place))))
        return arrived if node.several else arrived[0]

    def repeat(self, node: Repeat, arrived: tuple[Arrived, ...], scope: Scope) -> Steps[Any]:
        if node.times > MOST_COPIES:
            raise BudgetError(
                f"{node.times} copies are more than the {MOST_COPIES} that are computed one by one; repeat less often"
            )
        read = self.read.pop(scope.path, None)
        for number in range(int(node.times)):
            if read is not None and number == node.times - 1:
                self.read[scope.under(number).path] = read
            arrived = _each((yield node.copy(number).accept(self, arrived, scope.under(number))))
        return arrived if node.several else arrived[0]

    def shared(self, node: Shared, arrived: tuple[Arrived, ...], scope: Scope) -> Any:
        return node.body.accept(self, arrived, scope.within(node.name))

    def graph(self, node: Graph, arrived: tuple[Arrived, ...], scope: Scope) -> Steps[Any]:
        nodes, before = node.nodes, node.sources()
        needed = node.needed(self.read.pop(scope.path, node.several))
        made: dict[tuple[str, str | None], Any] = {}
        for name in node.order():
            incoming = [made[source] for source in before[name]]
            if not before[name] and not input_paths(nodes[name]):
                incoming = list(arrived)
            several, where = nodes[name].several, scope.under(name)
            if several and name in needed and needed[name] != several:
                self.read[where.path] = needed[name]
            outer, self.unread = self.unread, self.unread or name not in needed
            try:
                leaving = yield nodes[name].accept(self, tuple(incoming), where)
            finally:
                self.unread = outer
            made |= zip(((name, port) for port in several or (None,)), _each(leaving))
        found = tuple(made[one.node, one.port] for one in node.outputs)
        return found if node.several else found[0]

    def join(self, node: Join, arrived: tuple[Arrived, ...], scope: Scope) -> Steps[Arrived]:
        parts = []
        for place, branch in enumerate(node.branches):
            parts.append((yield branch.accept(self, arrived, scope.under(place))))
        parts = parts or list(arrived)
        channels = next((part.channels for part in parts if part.channels), None)
        shape, axis = joined_shape(node, [part.shape for part in parts], channels)
        return Arrived(shape, channels, None if self.unread else self.combined(node, parts, axis))


def _each(leaving: Any) -> tuple[Arrived, ...]:
    """What enters the next part."""
    return leaving if isinstance(leaving, tuple) else (leaving,)


def joined_shape(node: Join, shapes: Sequence[Shape], channels: str | None) -> tuple[Shape, int | None]:
    """What a join makes of shapes that fit, and the axis along which it stacks, if it does."""
    if not shapes:
        raise ShapeError(f"nothing arrives at {type(node).__name__}(), which joins branches or what edges lead to it")
    axis = node.stacked_axis(len(shapes[0]), channels)
    if axis is None:
        return tuple(max(column) for column in zip(*shapes)), None
    if not shapes[0]:
        raise ShapeError(f"{type(node).__name__} puts its inputs one after the other along an axis, and they have none")
    axis %= len(shapes[0])
    return tuple(sum(column) if place == axis else column[0] for place, column in enumerate(zip(*shapes))), axis


class _Inputs(Walk[list[tuple[str, Input]]]):
    """The inputs that a network begins with, each with its path, in the order in which they are written."""

    def input(self, node: Input, path: str) -> list[tuple[str, Input]]:
        return [(path, node)]

    def series(self, node: Series, path: str) -> Any:
        return node.parts[0].accept(self, _joined(path, 0))

    def shared(self, node: Shared, path: str) -> Any:
        return node.body.accept(self, path)

    def select(self, node: Selected, path: str) -> Any:
        return node.body.accept(self, path)

    def join(self, node: Join, path: str) -> Steps[list[tuple[str, Input]]]:
        return self._all(enumerate(node.branches), path)

    def graph(self, node: Graph, path: str) -> Steps[list[tuple[str, Input]]]:
        return self._all(node.nodes.items(), path)

    def _all(self, parts: Iterable[tuple[object, Network]], path: str) -> Steps[list[tuple[str, Input]]]:
        found: list[tuple[str, Input]] = []
        for name, part in parts:
            if part.has_input:
                found += yield part.accept(self, _joined(path, name))
        return found

    def otherwise(self, node: Network, *carried: Any, **named: Any) -> list[tuple[str, Input]]:
        return []


def _inputs(net: Network, path: str = "") -> list[tuple[str, Input]]:
    return _Inputs().of(net, path) if net.has_input else []


def input_paths(net: Network) -> list[str]:
    """The paths of the inputs that a network begins with, in the order in which they are written."""
    return [path for path, _ in _inputs(net)]


def input_nodes(net: Network) -> list[Input]:
    """The inputs that a network begins with, in the order of `input_paths`."""
    return [node for _, node in _inputs(net)]


def inputs_of(net: Network) -> int:
    """How many arrays a network takes."""
    inputs = input_nodes(net)
    return len(inputs) if inputs else _taken(net)


class _Taken(Walk[int]):
    """How many arrays a network without `Input` takes: those of its first layer, all branches taking the same ones."""

    def layer(self, node: Layer) -> int:
        return len(node.input_names)

    def series(self, node: Series) -> Any:
        return node.parts[0].accept(self)

    def shared(self, node: Shared) -> Any:
        return node.body.accept(self)

    def select(self, node: Selected) -> Any:
        return node.body.accept(self)

    def repeat(self, node: Repeat) -> Any:
        return node.body.accept(self) if node.several else self.otherwise(node)

    def join(self, node: Join) -> Steps[int]:
        return self._most(node.branches)

    def graph(self, node: Graph) -> Steps[int]:
        targets = {target for _, target in node.edges}
        return self._most([part for name, part in node.nodes.items() if name not in targets])

    def _most(self, parts: Sequence[Network]) -> Steps[int]:
        most = 0 if parts else 1
        for part in parts:
            most = max(most, (yield part.accept(self)))
        return most

    def otherwise(self, node: Network, *carried: Any, **named: Any) -> int:
        return 1


def _taken(net: Network) -> int:
    return _Taken().of(net)


def at_literal_sizes(net: object, shapes: Sequence[Shape] | None) -> tuple[Network, list[Shape]]:
    """A network without symbols, and the shapes of its inputs; errors say which symbols are left or what does not fit.

    A size of `Input` that is a symbol takes its value from the shape that is given.
    """
    network = as_network(net, "la.run")
    inputs = input_nodes(network)
    if inputs and shapes is not None:
        network = _bound(network, inputs, shapes)
        inputs = input_nodes(network)
    symbols = sorted({symbol.name for symbol in network.free_symbols if isinstance(symbol, Symbol)})
    if symbols:
        what = f"the size {symbols[0]} is" if len(symbols) == 1 else f"the sizes {', '.join(symbols)} are"
        raise FieldError(
            f"numbers need literal sizes, and {what} symbolic; "
            f"write net.subs({{{symbols[0]}: 8, ...}}) with a number for each"
        )
    if inputs:
        literal = [tuple(int(size) for size in node.shape) for node in inputs]
        evaluate_network(network, ShapeCarrier())
        return network, literal
    if shapes is None and inputs_of(network):
        raise ShapeError("the network has no input; begin it with Input(...), or pass on=(...), as in on=(3, 32, 32)")
    given = list(shapes or ())
    if any(size < 1 for shape in given for size in shape):
        raise ShapeError(f"an input of shape {given[0] if len(given) == 1 else given} has no elements")
    evaluate_network(network, ShapeCarrier(), [are_sizes(shape, "shape") for shape in given] or None)
    return network, given


def _bound(network: Network, inputs: Sequence[Input], shapes: Sequence[Shape]) -> Network:
    """The network with the symbols in the shapes of its inputs set to the sizes that arrive."""
    values: dict[Symbol, Expr] = {}
    for node, shape in zip(inputs, shapes):
        if len(node.shape) != len(shape):
            raise ShapeError(f"{node} takes {len(node.shape)} axes, the array has shape {shape}")
        for wanted, size in zip(node.shape, shape):
            if isinstance(wanted, Symbol) and size >= 1:
                values.setdefault(wanted, Integer(size))
    for node, shape in zip(inputs, shapes):
        wanted = tuple(size.xreplace(values) for size in node.shape)
        if any(not size.free_symbols and size != given for size, given in zip(wanted, shape)):
            raise ShapeError(f"{node} takes ({', '.join(map(str, wanted))}), the array has shape {shape}")
    return network.xreplace(values) if values else network


def input_count_error(net: Network, got: str) -> GraphError:
    """The error for a wrong number of arrays."""
    count = inputs_of(net)
    paths = [path for path in input_paths(net) if path]
    names = f" ({', '.join(paths)})" if paths else ""
    return GraphError(
        f"this network takes {count} inputs{names}, got {got}; pass a list of {count} arrays in that order"
    )
