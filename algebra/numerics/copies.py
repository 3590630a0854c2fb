"""A network at literal sizes, walked copy by copy: what `run` and `weights` share.

The evaluator folds symbolic repetitions; numbers need every copy apart. Shapes and their errors are the evaluator's
own, asked for beforehand, so that nothing here decides what fits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Expr, Integer, Symbol

from ..equations.instance import Instance
from ..errors import FieldError, GraphError, ShapeError
from ..networks.carrier import ShapeCarrier
from ..networks.evaluator import evaluate_network
from ..networks.layer import Layer
from ..networks.network import Add, Concat, Graph, Input, Mul, Network, Repeat, Series, Shared, as_network
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


class Unrolled:
    """A walk through a network at literal sizes; subclasses say what a layer and a join do."""

    def __init__(self, given: Sequence[Arrived]):
        self.given = tuple(given)
        self.inputs: dict[str, Arrived] = {}

    def leaf(self, layer: Layer, instance: Instance, arrived: Sequence[Arrived], scope: Scope) -> Any:
        """The values that a layer makes."""
        raise NotImplementedError

    def join(self, node: Network, arrived: Sequence[Arrived], axis: int) -> Any:
        """The values of a sum, a product, or a concatenation along an axis."""
        raise NotImplementedError

    def walk(self, net: Network) -> Arrived:
        places = input_paths(net)
        if places:
            self.inputs = dict(zip(places, self.given))
            return self._visit(net, (), Scope())
        return self._visit(net, self.given, Scope())

    def _visit(self, node: Network, arrived: tuple[Arrived, ...], scope: Scope) -> Arrived:
        if isinstance(node, Input):
            return self.inputs[scope.path]
        if isinstance(node, Layer):
            arrived = arrived if node.input_names else ()
            instance = node.instance(*(part.shape for part in arrived))
            shape = tuple(int(size) for size in instance.output)
            channels = node.layout[1] or (arrived[0].channels if arrived else None)
            return Arrived(shape, channels, self.leaf(node, instance, arrived, scope))
        if isinstance(node, Series):
            for place, part in enumerate(node.parts):
                arrived = (self._visit(part, arrived, scope.under(place)),)
            return arrived[0]
        if isinstance(node, (Add, Mul, Concat)):
            parts = [self._visit(branch, arrived, scope.under(place)) for place, branch in enumerate(node.branches)]
            return self._join(node, parts)
        if isinstance(node, Repeat):
            for number in range(int(node.times)):
                arrived = (self._visit(node.copy(number), arrived, scope.under(number)),)
            return arrived[0]
        if isinstance(node, Shared):
            return self._visit(node.body, arrived, scope.within(node.name))
        if isinstance(node, Graph):
            return self._graph(node, arrived, scope)
        raise FieldError(f"{type(node).__name__} is neither a layer nor a composition that can be run")

    def _graph(self, node: Graph, arrived: tuple[Arrived, ...], scope: Scope) -> Arrived:
        nodes, before, made = node.nodes, node.predecessors(), {}
        for name in node.order():
            part, sources = nodes[name], before[name]
            incoming = tuple(made[source] for source in sources) if sources else arrived
            if not sources and input_paths(part):
                incoming = ()
            if isinstance(part, (Add, Mul, Concat)) and not part.branches:
                made[name] = self._join(part, incoming)
            else:
                made[name] = self._visit(part, incoming, scope.under(name))
        return made[node.sink]

    def _join(self, node: Network, parts: Sequence[Arrived]) -> Arrived:
        channels = next((part.channels for part in parts if part.channels), None)
        rank, axis = len(parts[0].shape), 0
        if isinstance(node, Concat):
            axis = (node.axis if node.axis is not None else rank - 1 if channels == "last" else 0) % rank
            shape = list(parts[0].shape)
            shape[axis] = sum(part.shape[axis] for part in parts)
        else:
            shape = [max(column) for column in zip(*(part.shape for part in parts))]
        return Arrived(tuple(shape), channels, self.join(node, parts, axis))


def input_paths(net: Network, path: str = "") -> list[str]:
    """The paths of the inputs that a network begins with, in the order in which they are written."""
    if isinstance(net, Input):
        return [path]
    if isinstance(net, Series):
        return input_paths(net.parts[0], _joined(path, 0))
    if isinstance(net, Shared):
        return input_paths(net.body, path)
    if isinstance(net, (Add, Mul, Concat)):
        return [
            found for place, branch in enumerate(net.branches) for found in input_paths(branch, _joined(path, place))
        ]
    if isinstance(net, Graph):
        return [found for name, node in net.nodes.items() for found in input_paths(node, _joined(path, name))]
    return []


def input_nodes(net: Network) -> list[Input]:
    """The inputs that a network begins with, in the order of `input_paths`."""
    if isinstance(net, Input):
        return [net]
    if isinstance(net, Series):
        return input_nodes(net.parts[0])
    if isinstance(net, Shared):
        return input_nodes(net.body)
    if isinstance(net, (Add, Mul, Concat)):
        return [found for branch in net.branches for found in input_nodes(branch)]
    if isinstance(net, Graph):
        return [found for node in net.nodes.values() for found in input_nodes(node)]
    return []


def inputs_of(net: Network) -> int:
    """How many arrays a network takes."""
    inputs = input_nodes(net)
    return len(inputs) if inputs else _taken(net)


def _taken(net: Network) -> int:
    """How many arrays a network without `Input` takes: those of its first layer, all branches taking the same ones."""
    if isinstance(net, Layer):
        return len(net.input_names)
    if isinstance(net, Series):
        return _taken(net.parts[0])
    if isinstance(net, Shared):
        return _taken(net.body)
    if isinstance(net, (Add, Mul, Concat)) and net.branches:
        return max(map(_taken, net.branches))
    if isinstance(net, Graph):
        targets = {target for _, target in net.edges}
        return max(_taken(node) for name, node in net.nodes.items() if name not in targets)
    return 1


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
