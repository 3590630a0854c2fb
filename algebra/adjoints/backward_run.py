"""The backward pass of a network in numbers: its forward pass, then the equations of `backward` one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy

from ..errors import ShapeError, UnsupportedError
from ..networks.layer import Layer
from ..networks.network import Join, Network
from ..networks.steps import Steps
from ..numerics.arrays import as_numbers, as_result, of_one_kind
from ..numerics.copies import Arrived, Scope, at_literal_sizes, input_count_error, input_nodes, inputs_of, joined_shape
from ..numerics.run import _Numbers
from ..numerics.weights import drawn, fitting, inventory
from .backward_steps import BackwardStep, Gradient, LoopStep, Step, SumStep

if TYPE_CHECKING:
    from numpy import ndarray


class _Recording(_Numbers):
    """The forward pass, which leaves behind what every layer and join reads, by its path."""

    def __init__(self, *given: Any):
        super().__init__(*given)
        self.met: dict[str, dict[str, ndarray]] = {}

    def computed(self, layer: Layer, instance: Any, arrived: Sequence[Arrived], scope: Scope) -> Any:
        own = dict(zip(layer.input_names, (part.values for part in arrived)))
        for name, role in instance.roles.items():
            if role in ("weight", "buffer"):
                shape = tuple(int(size) for size in instance.shapes[name])
                own[name] = self.tensors[self.needed.names[scope.path, name]].reshape(shape)
        self.met[scope.path] = own
        return super().computed(layer, instance, arrived, scope)

    def join(self, node: Join, arrived: tuple[Arrived, ...], scope: Scope) -> Steps[Arrived]:
        parts = []
        for place, branch in enumerate(node.branches):
            parts.append((yield branch.accept(self, arrived, scope.under(place))))
        parts = parts or list(arrived)
        channels = next((part.channels for part in parts if part.channels), None)
        shape, axis = joined_shape(node, [part.shape for part in parts], channels)
        if self.unread:
            return Arrived(shape, channels, None)
        self.met[scope.path] = {f"x{place + 1}": part.values for place, part in enumerate(parts)}
        return Arrived(shape, channels, self.combined(node, parts, axis))


class _Carried:
    """The steps of a backward pass, carried out."""

    def __init__(self, forward: _Recording):
        self.forward = forward
        self.values: dict[int, ndarray | None] = {}
        self.copies: dict[str, int] = {}
        self.learned: dict[str, ndarray] = {}

    def value(self, gradient: Gradient | None) -> "ndarray | None":
        return None if gradient is None else self.values.get(gradient.number)

    def steps(self, steps: Sequence[Step]) -> None:
        for step in steps:
            if isinstance(step, BackwardStep):
                self.layer(step)
            elif isinstance(step, SumStep):
                found = [self.values[one.number] for one in step.parts]
                self.values[step.made.number] = _added([one for one in found if one is not None])
            else:
                self.loop(step)

    def layer(self, step: BackwardStep) -> None:
        path = step.path
        for index, number in self.copies.items():
            path = path.replace(f"[{index}]", f".{number}")
        path = path.lstrip(".")
        if path not in self.forward.met:
            raise UnsupportedError(
                f"at {step.path}: shapes come back after several copies, and such are not carried out; repeat less often"
            )
        found, own = step.adjoint, self.forward.met[path]
        tensors = found.values({name: array for name, array in own.items() if name in found.forward.roles})
        for name, gradient in step.arriving.items():
            array = self.value(gradient)
            if array is None:
                array = numpy.zeros([int(size) for size in found.program.shapes[name]], dtype=int)
            tensors[name] = array
        made = found.evaluate(tensors)
        names = {seed: name for name, seed in found.gradients.items()}
        for seed, gradient in step.leaving.items():
            self.values[gradient.number] = made[names[seed]]
        for name in step.learned:
            slot = self.forward.needed.names[path, name]
            shape = self.forward.tensors[slot].shape
            parts = [made[name].reshape(shape), *([self.learned[slot]] if slot in self.learned else [])]
            self.learned[slot] = _added(parts)

    def loop(self, step: LoopStep) -> None:
        arriving = [self.value(one) for one in step.begin]
        for number in range(int(step.times) - 1, step.first - 1, -1):
            self.copies[step.index.name] = number
            for gradient, array in zip(step.entering, arriving):
                self.values[gradient.number] = array
            self.steps(step.steps)
            arriving = [self.value(one) for one in step.leaving]
        self.copies.pop(step.index.name, None)
        for made, array in zip(step.made, arriving):
            if made is not None:
                self.values[made.number] = array


def _added(arrays: Sequence["ndarray"]) -> "ndarray":
    first, *others = of_one_kind(list(arrays))
    for other in others:
        first = first + other
    made: ndarray = first
    return made


def carried_out(
    net: Network, inputs: bool, backward: Callable[..., Any], x: Any, weights: Mapping[str, Any] | None, gradients: Any, seed: int
) -> dict[str, Any]:  # fmt: skip
    """The gradients of all that is learned, and of what enters if `inputs` asks for that; `backward` makes the steps of a network."""
    count = inputs_of(net)
    if count != 1 and (not isinstance(x, (list, tuple)) or len(x) != count):
        raise input_count_error(net, f"{len(x)}" if isinstance(x, (list, tuple)) else type(x).__name__)
    arrays = [as_numbers(array, "x") for array in ([x] if count == 1 else x)]
    network, shapes = at_literal_sizes(net, [array.shape for array in arrays])
    needed = inventory(network, shapes)
    tensors = drawn(needed.slots.values(), seed) if weights is None else fitting(needed.slots, weights)
    forward = _Recording([Arrived(shape, None, array) for shape, array in zip(shapes, arrays)], needed, tensors)
    made = forward.walk(network)
    left = made if isinstance(made, tuple) else (made,)
    own = backward(
        network, None if input_nodes(network) or not shapes else [tuple(map(int, shape)) for shape in shapes], inputs
    )
    carried = _Carried(forward)
    given = _seeds(gradients, [part.values for part in left])
    for place, gradient in zip(own.places, own.seeds):
        carried.values[gradient.number] = given[place]
    carried.steps(own.steps)
    answer = {name: as_result(array) for name, array in carried.learned.items()}
    for name, slot in needed.slots.items():
        if slot.learned and name not in answer:
            answer[name] = numpy.zeros(slot.shape)
    for place, (one, array) in enumerate(zip(own.returned, arrays)) if inputs else ():
        value = carried.value(one)
        answer["x" if count == 1 else f"x[{place}]"] = numpy.zeros(array.shape) if value is None else as_result(value)
    return answer


def _seeds(gradients: Any, outputs: Sequence["ndarray"]) -> list["ndarray"]:
    """The gradients with which a pass begins; ones, where none are given."""
    if gradients is None:
        return [as_numbers(numpy.ones(output.shape, dtype=int), "gradients") for output in outputs]
    given = [gradients] if len(outputs) == 1 else gradients
    if not isinstance(given, (list, tuple)) or len(given) != len(outputs):
        raise ShapeError(f"the network has {len(outputs)} outputs; pass a list with a gradient of each")
    arrays = [as_numbers(one, "gradients") for one in given]
    for array, output in zip(arrays, outputs):
        if array.shape != output.shape:
            raise ShapeError(f"a gradient of an output has its shape {output.shape}, got {array.shape}")
    return arrays
