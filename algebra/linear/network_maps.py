r"""A network that is linear in its input, as a tape of sparse maps, and the Jacobian of its predictor by its weights.

The predictor of one output is ``w^T = u^T M_L ... M_1``; a weight that stands in map l moves it by ``g_l dM_l P_l``,
where ``g_l = u^T M_L ... M_(l+1)`` is carried backwards and ``P_l = M_(l-1) ... M_1`` forwards along the tape, both
sparse. So the Jacobian ``dw/dtheta`` is exact (no differences), sparse, and never needs a product of the size inputs
x inputs.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arguments import as_array, shown
from ..equations.heads import Apply, Read, walk
from ..equations.instance import Instance
from ..errors import FieldError, UnsupportedError
from ..networks.arity import must_have_one
from ..networks.evaluator import input_flows
from ..networks.layer import Layer
from ..networks.network import Join, Network, as_network
from ..numerics.arrays import as_numbers
from ..numerics.copies import Arrived, Scope, Unrolled, at_literal_sizes
from ..numerics.layer_run import compute
from ..numerics.run import _Numbers
from ..numerics.weights import Inventory, drawn, fitting, inventory
from ..records import dataclass
from .layer_maps import attended, layer_maps
from .monomials import COEFFICIENT, LINEAR, is_elementwise, kinds_of_tensors
from .number_systems import Floats, NumberSystem

if TYPE_CHECKING:
    from numpy import ndarray


@dataclass
class Step:
    """``target += map @ source`` on the tape, with what the weights do to the entries of the map.

    Where the factors of the entries are weights themselves, `weights` holds their places among all parameters and
    `scale` what they multiply; None where they are made of weights.
    """

    target: int
    source: int
    matrix: Any
    rows: ndarray
    columns: ndarray
    derivatives: list[tuple[Any, ndarray, ndarray]] = field(default_factory=list)
    scale: ndarray | None = None
    weights: list[ndarray] | None = None


@dataclass(frozen=True)
class Jacobian:
    """A predictor and its derivatives.

    Attributes
    ----------
    predictor : array
        w, one number for each input (for each output and input, if the whole map was asked for).
    matrix : scipy.sparse.csr_array
        ``dw/dtheta``, a row for each of these.
    grid : tuple of int
        The shape of w.
    parameters : mapping of str to (start, stop)
        The columns of each learned tensor.
    """

    predictor: ndarray
    matrix: Any
    grid: tuple[int, ...]
    parameters: Mapping[str, tuple[int, int]]


class LinearNetwork(Unrolled):
    """The tape of a network at literal sizes.

    Parameters
    ----------
    net : Network
    on : shape, optional
    at : mapping of str to array, or int, optional
        Weights as `la.weights` names them, or the seed of random ones.
    around : array, optional
        An input; piecewise linear activations are replaced by the pieces that it lies in.
    pattern : array, optional
        What the softmaxes of attention layers are.
    system : NumberSystem, optional
        The numbers in which it is computed; floats by default.
    asked : str
        What the caller asked for, for messages.
    """

    def __init__(
        self,
        net: Network,
        on: Any = None,
        at: Any = None,
        around: Any = None,
        pattern: Any = None,
        system: NumberSystem | None = None,
        asked: str = "la.capacity_allocation",
    ):
        as_network(net, asked)
        self.system = Floats() if system is None else system
        shapes = None
        if on is not None:
            flows = input_flows(on)
            symbols = sorted({str(s) for flow in flows for size in flow.shape for s in size.free_symbols})
            if symbols:
                raise FieldError(f"numbers need literal sizes, and on={shown(on)} has {', '.join(symbols)}")
            shapes = [tuple(int(size) for size in flow.shape) for flow in flows]
        self.net, sizes = at_literal_sizes(net, shapes)
        if len(sizes) != 1:
            raise UnsupportedError(f"a predictor has one input, this network takes {len(sizes)}")
        self.needed: Inventory = inventory(self.net, sizes)
        slots = self.needed.slots
        self.tensors = fitting(slots, at) if isinstance(at, Mapping) else drawn(slots.values(), seed_of(at, asked))
        self.own = {name: self.system.weights(values) for name, values in self.tensors.items()}
        self.columns: dict[str, tuple[int, int]] = {}
        count = 0
        for slot in slots.values():
            if slot.learned:
                size = 1
                for extent in slot.shape:
                    size *= extent
                self.columns[slot.name] = (count, count + size)
                count += size
        self.parameters = count
        self.pattern = None
        if pattern is not None:
            given = as_numbers(pattern, "the pattern of attention")
            if not np.all(np.isfinite(given.astype(float))):
                raise FieldError(f"a pattern of attention is finite, got {shown(pattern)}")
            self.pattern = self.system.weights(given)
        self.steps: list[Step] = []
        self.sizes: list[int] = []
        self.slopes = _Slopes(self, sizes[0], around) if around is not None else None
        self.input_shape = sizes[0]
        source = self.new(sizes[0])
        super().__init__([Arrived(sizes[0], None, source)])
        must_have_one(self.net, "a linear predictor")
        found = self.walk(self.net)
        self.output, self.output_shape = found.values, found.shape

    def new(self, shape: Sequence[int]) -> int:
        """A place on the tape for a tensor."""
        size = 1
        for extent in shape:
            size *= extent
        self.sizes.append(size)
        return len(self.sizes) - 1

    # the walk --------------------------------------------------------------------------------------------------------

    def computed(self, layer: Layer, instance: Instance, arrived: Sequence[Arrived], scope: Scope) -> int:
        _ = instance.root  # or an error that says to choose an output
        if len(arrived) != 1:
            raise UnsupportedError(f"{layer} has {len(arrived)} inputs; a linear predictor has layers with one")
        if self.slopes is not None and activates(instance):
            target = self.new(arrived[0].shape)
            slopes = self.system.vector(self.slopes.of(scope.path))
            places = np.arange(self.sizes[target])
            matrix = self.system.matrix(slopes, places, places, (self.sizes[target],) * 2)
            self.steps.append(Step(target, arrived[0].values, matrix, places, places))
            return target
        own: dict[str, ndarray] = {}
        names = {name: role for name, role in instance.roles.items() if role in ("weight", "buffer")}
        for name in names:
            shape = tuple(int(size) for size in instance.shapes[name])
            own[name] = self.own[self.needed.names[scope.path, name]].reshape(shape)
        maps, shapes = layer_maps(instance, own, self.pattern if attended(instance) else None)
        (entry,) = layer.input_names
        ids = {entry: arrived[0].values}
        moved: dict[str, Any] = {}
        for name, role in names.items():
            if role == "weight":
                start, stop = self.columns[self.needed.names[scope.path, name]]
                places = np.arange(stop - start)
                moved[name] = self._ones(places, places + start, (stop - start, self.parameters))
        kinds = kinds_of_tensors(instance, attended(instance) if self.pattern is not None else frozenset())
        for item in maps:
            if kinds[item.target] == COEFFICIENT:
                self._move(item, moved, shapes)
                continue
            if kinds[item.target] != LINEAR or item.source is None:
                continue
            if item.target not in ids:
                ids[item.target] = self.new(shapes[item.target])
            target, source = ids[item.target], ids.setdefault(item.source, -1)
            if source < 0:  # an earlier step of a recurrence that has not begun
                source = ids[item.source] = self.new(shapes[item.source])
            if not len(item.rows):
                continue
            shape = (self.sizes[target], self.sizes[source])
            matrix = self.system.matrix(self.system.numbers(item.values), item.rows, item.columns, shape)
            derivatives = [
                (moved[name], place, self.system.numbers(values)) for name, place, values in item.derivatives
            ]
            step = Step(target, source, matrix, item.rows, item.columns, derivatives)
            if item.scale is not None and all(name in names for name, _, _ in item.derivatives):
                step.scale = self.system.numbers(item.scale)
                step.weights = [
                    place + self.columns[self.needed.names[scope.path, name]][0] for name, place, _ in item.derivatives
                ]
            self.steps.append(step)
        last = instance.root
        if last not in ids:
            raise UnsupportedError(f"{layer} does not depend on its input")
        return ids[last]

    def _move(self, item: Any, moved: dict[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> None:
        """The derivatives of a tensor that is made of weights alone."""
        size = 1
        for extent in shapes[item.target]:
            size *= extent
        system = self.system
        total = moved.get(item.target, self._zeros((size, self.parameters)))
        for name, place, values in item.derivatives:
            spread = system.matrix(system.numbers(values), item.rows, place, (size, moved[name].shape[0]))
            total = system.plus(total, system.times(spread, moved[name]))
        moved[item.target] = total

    def _ones(self, rows: ndarray, columns: ndarray, shape: tuple[int, int]) -> Any:
        return self.system.matrix(self.system.vector(np.ones(len(rows))), rows, columns, shape)

    def _zeros(self, shape: tuple[int, int]) -> Any:
        none = np.arange(0)
        return self._ones(none, none, shape)

    def combined(self, node: Join, arrived: Sequence[Arrived], axis: int | None) -> int:
        factors = node.coefficients(len(arrived))
        if factors is None:
            raise UnsupportedError(f"{node.noun} is not linear in the input")
        rank = len(arrived[0].shape)
        shape = [max(column) for column in zip(*(part.shape for part in arrived))]
        if axis is not None:
            shape[axis] = sum(part.shape[axis] for part in arrived)
        target = self.new(shape)
        places = np.arange(self.sizes[target]).reshape(shape)
        start = 0
        for part, factor in zip(arrived, factors):
            if axis is not None:
                cut = [slice(None)] * rank
                cut[axis] = slice(start, start + part.shape[axis])
                start += part.shape[axis]
                rows = places[tuple(cut)]
            else:
                rows = places
            columns = np.broadcast_to(np.arange(self.sizes[part.values]).reshape(part.shape), rows.shape).reshape(-1)
            rows = rows.reshape(-1)
            values = self.system.numbers(np.full(len(rows), Fraction(int(factor.p), int(factor.q)), dtype=object))
            matrix = self.system.matrix(values, rows, columns, (self.sizes[target], self.sizes[part.values]))
            self.steps.append(Step(target, part.values, matrix, rows, columns))
        return target

    # the predictor ---------------------------------------------------------------------------------------------------

    def forward(self) -> list[Any]:
        """``P`` of every tensor: how it depends on the input."""
        inputs = self.sizes[0]
        found: list[Any] = [None] * len(self.sizes)
        found[0] = self._ones(np.arange(inputs), np.arange(inputs), (inputs, inputs))
        for step in self.steps:
            if found[step.source] is None:
                continue
            made = self.system.times(step.matrix, found[step.source])
            found[step.target] = made if found[step.target] is None else self.system.plus(found[step.target], made)
        return found

    def jacobian(self, output: Any = None) -> Jacobian:
        """The predictor of one output, of a weighted sum of outputs, or of all of them, with its derivatives.

        Parameters
        ----------
        output : int, tuple of int, array, or "all", optional
            The place of an output; or weights in the shape of the output. The middle of the output by default.
        """
        reached = self.forward()
        if isinstance(output, str):
            if output != "all":
                raise FieldError(f"an output is a place, an array of weights, or 'all', got {shown(output)}")
            parts = [self._one(unit, reached) for unit in np.eye(self.sizes[self.output])]
            matrix = self.system.stacked([part[1] for part in parts])
            grid = (*self.output_shape, *self.input_shape)
            return Jacobian(np.concatenate([part[0] for part in parts]).reshape(grid), matrix, grid, self.columns)
        predictor, matrix = self._one(self._unit(output), reached)
        return Jacobian(predictor.reshape(self.input_shape), matrix, self.input_shape, self.columns)

    def _unit(self, output: Any) -> ndarray:
        made = np.zeros(self.output_shape)
        if output is None:
            place = tuple((extent - 1) // 2 for extent in self.output_shape)
            made[place] = 1.0
        elif isinstance(output, np.ndarray) and output.shape == made.shape and output.dtype.kind == "f":
            made = output.astype(float)
        else:
            try:
                place = tuple(output) if isinstance(output, (tuple, list)) else (int(output),)
                if len(place) == 1 and made.ndim > 1:
                    made.reshape(-1)[place[0]] = 1.0
                else:
                    made[place] = 1.0
            except (IndexError, TypeError, ValueError, OverflowError) as problem:
                raise FieldError(
                    f"{output!r} is no place in an output of shape {self.output_shape}: {problem}"
                ) from None
        return made.reshape(-1)

    def _one(self, unit: ndarray, reached: Sequence[Any]) -> tuple[ndarray, Any]:
        inputs, system = self.sizes[0], self.system
        back: list[Any] = [None] * len(self.sizes)
        back[self.output] = system.vector(unit)
        total = self._zeros((inputs, self.parameters))
        for step in reversed(self.steps):
            given = back[step.target]
            if given is None or reached[step.source] is None:
                continue
            if step.derivatives:
                here = given[step.rows]
                seen = here.nonzero()[0]
                for moved, place, values in step.derivatives:
                    spread = system.matrix(
                        system.scaled(here[seen], values[seen]),
                        step.columns[seen],
                        place[seen],
                        (self.sizes[step.source], moved.shape[0]),
                    )
                    total = system.plus(total, system.times(reached[step.source].T, system.times(spread, moved)))
            carried = system.times(step.matrix.T, given)
            back[step.source] = carried if back[step.source] is None else system.plus(back[step.source], carried)
        predictor = back[0] if back[0] is not None else system.vector(np.zeros(inputs))
        return predictor, total


def seed_of(at: Any, asked: str) -> int:
    """The seed of random weights."""
    try:
        seed = 0 if at is None else None if isinstance(at, bool) else operator.index(at)
    except TypeError:
        seed = None
    if seed is None or seed < 0:
        raise FieldError(
            f"at= of {asked} is a mapping of weights, as la.weights gives it, or a seed of at least 0, got {shown(at)}"
        )
    return seed


def activates(instance: Instance) -> bool:
    """Whether a layer is one elementwise function of its input, such as a ReLU."""
    if instance.weights() or len(instance.statements) != 1 or "buffer" in instance.roles.values():
        return False
    statement = instance.statements[0]
    applied = [head for head in walk(statement.value) if isinstance(head, Apply)]
    read = [head for head in walk(statement.value) if isinstance(head, Read)]
    return bool(applied) and is_elementwise(statement.value) and all(r.address == statement.address for r in read)


class _Slopes:
    """The slopes of piecewise linear activations around an input."""

    def __init__(self, tape: LinearNetwork, shape: tuple[int, ...], around: Any):
        point = as_array(around, f"around=, an input of shape {shape},")
        if point.shape != shape or not np.all(np.isfinite(point)):
            raise FieldError(f"around= needs finite numbers of the shape {shape}, got {shown(around)}")
        found: dict[str, ndarray] = {}

        class Watch(_Numbers):
            def computed(self, layer: Layer, instance: Instance, arrived: Sequence[Arrived], scope: Scope) -> Any:
                made = super().computed(layer, instance, arrived, scope)
                if activates(instance):
                    found[scope.path] = _slopes(layer, instance, np.asarray(arrived[0].values, dtype=float))
                return made

        tensors = {name: np.asarray(array, dtype=float) for name, array in tape.tensors.items()}
        Watch([Arrived(shape, None, point)], tape.needed, tensors).walk(tape.net)
        self.found = found

    def of(self, path: str) -> ndarray:
        return self.found[path].reshape(-1)


def _slopes(layer: Layer, instance: Instance, values: ndarray) -> ndarray:
    """The slope at each number, from two steps to either side inside one piece."""
    allowed = {"relu", "abs", "max", "min"}
    used = {head.function for head in walk(instance.statements[0].value) if isinstance(head, Apply)}
    if not used <= allowed:
        raise UnsupportedError(
            f"{layer} has no affine pieces ({', '.join(sorted(used - allowed))}), so no predictor is linear around an input"
        )
    (name,) = layer.input_names
    step = 1e-6 * max(1.0, float(np.abs(values).max(initial=0.0)))
    up, here, down = (np.asarray(compute(instance, {name: values + d}), float) for d in (step, 0.0, -step))
    right, left = (up - here) / step, (here - down) / step
    if np.abs(right - left).max(initial=0.0) > 1e-4:
        raise UnsupportedError(f"the input lies on the edge between two pieces of {layer}; take another around=")
    return np.round((right + left) / 2, 9)
