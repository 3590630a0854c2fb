"""One layer as sparse linear maps between its tensors, with their derivatives by its weights: read from its equation.

Every monomial of every statement becomes a `LinearMap`: entries ``(row, column, value)`` from the tensor that it reads
to the tensor that it defines, and for each learned factor the derivative of every entry. Steps of a recurrence become
maps of their own, in the order in which they are computed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any

import numpy

from ..equations.heads import Constant, Pad, Read, Softmax, address_indices
from ..equations.initial_lines import without
from ..equations.instance import Instance
from ..equations.recurrences import Recurrence
from ..equations.statements import Limit, Statement
from ..errors import BudgetError, ShapeError, UnsupportedError
from ..numerics.arrays import Labelled, aligned, as_numbers, constant, of_one_kind, spread, united
from ..numerics.layer_run import _LayerRun
from ..numerics.steps import given_at, steps_of, with_given_steps
from ..records import dataclass
from ..sizes.dims import Index
from .monomials import COEFFICIENT, KNOWN, LINEAR, Monomial, expand, kinds_of_tensors, not_linear

if TYPE_CHECKING:
    from numpy import ndarray

LARGEST_BOX = 60_000_000


@dataclass
class LinearMap:
    """``target[row] += value * source[column]``; a source of None is a constant, an offset.

    `derivatives` holds, for each learned factor, the tensor, the place of its element and the derivative by it, an
    entry each; `scale` the part of the values that no weight changes.
    """

    target: str
    source: str | None
    rows: ndarray
    columns: ndarray
    values: ndarray
    derivatives: list[tuple[str, ndarray, ndarray]] = field(default_factory=list)
    scale: ndarray | None = None


class Linearised(_LayerRun):
    """The maps of one layer at literal sizes, with numbers for its weights and buffers.

    With a `pattern`, the softmaxes of the equation are taken as given by it, so that attention is linear.
    """

    def __init__(self, instance: Instance, tensors: Mapping[str, ndarray], pattern: ndarray | None = None):
        super().__init__(instance, tensors)
        self.given = attended(instance) if pattern is not None else frozenset()
        for name in self.given:
            self.tensors[name] = _broadcast(pattern, self._shape(name), instance)
        self.kinds = kinds_of_tensors(instance, self.given)
        self.live = _live(instance, self.given)
        self.maps: list[LinearMap] = []
        self.where = str(instance.layer)

    def linearise(self) -> list[LinearMap]:
        """All maps, in the order of computation."""
        for first, last, recurrence in self.instance.order:
            if recurrence is not None:
                self._recurrence([place for place in range(first, last + 1) if place in self.live], recurrence)
            elif first in self.live:
                self._maps_of(first)
        return self.maps

    def _recurrence(self, places: list[int], recurrence: Recurrence) -> None:
        """The maps of all steps; what has no steps of its own comes before, since it reads nothing of them."""
        statements, extents = self.instance.statements, self.instance.extents
        stepped = [place for place in places if recurrence.covers(statements[place])]
        for place in places:
            if place not in stepped:
                self._maps_of(place)
            elif self.kinds[statements[place].target] in (KNOWN, COEFFICIENT):
                self.tensors[statements[place].target] = numpy.full(
                    self._shape(statements[place].target), 0, dtype=object
                )
        for step in steps_of(self.instance, stepped, recurrence):
            self.step = step
            for place in stepped:
                if all(at < int(extents[place][index]) for index, at in step.items()):
                    self._maps_of(place)
        self.step = {}

    def masks(self) -> list[Limit]:
        """Those of a line; what a line of its own gives was masked there."""
        return [] if self.step and given_at(self.instance, self.place, self.step) is not None else super().masks()

    def _maps_of(self, place: int) -> None:
        self.place = place
        statement = self.instance.statements[place]
        given = given_at(self.instance, place, self.step) if self.step else None
        if self.kinds[statement.target] == KNOWN:
            if given is None:
                self._statement(place)
            else:
                self._copy(place, given)
        elif given is not None:
            read = Read(given.tensor, without(statement.address, given.axis))
            for monomial in expand(read, lambda name: self.kinds[name], self.where):
                self._map(statement, monomial)
        elif isinstance(statement.value, Pad):
            self._padded(statement, statement.value)
        else:
            self._refuse_given(statement)
            value = with_given_steps(self.instance, statement.value, self.step)
            for monomial in expand(value, lambda name: self.kinds[name], self.where):
                self._map(statement, monomial)

    def _refuse_given(self, statement: Statement) -> None:
        """A line behind a recurrence that reads the step before its first one, which another line gives."""
        for read in statement.reads:
            place = self.instance.places.get(read.tensor, -1)
            recurrence = self.instance.recurrent.get(place)
            if recurrence is None or not any(given.number < 0 for given in self.instance.given.get(read.tensor, ())):
                continue
            pairs = zip(read.address, self.instance.statements[place].address)
            if any(recurrence.is_earlier(part, of) and of not in self.step for part, of in pairs):
                raise UnsupportedError(
                    f"{self.where}: {statement.target} reads earlier steps of {read.tensor}, of which a line gives the first, "
                    f"behind its recurrence, which has no linear map here; define {statement.target} within it, before {read.tensor}"
                )

    def _padded(self, statement: Statement, pad: Pad) -> None:
        """The shift of a tensor into its margin; a margin of zeros adds nothing."""
        if not (isinstance(pad.fill, Constant) and pad.fill.value == 0):
            bare = all(int(before) <= 0 and int(after) <= 0 for before, after in pad.widths)
            if not bare:
                raise not_linear(self.where, "a margin that is not zero")
        shape, there = self._shape(statement.target), self._shape(pad.body.tensor)
        rows, columns = numpy.zeros(1, dtype=numpy.int64), numpy.zeros(1, dtype=numpy.int64)
        for index, (before, _), size, extent in zip(statement.address, pad.widths, shape, there):
            into = numpy.arange(max(int(before), 0), min(size, extent + int(before)))
            if index in self.step:  # there is no margin along the steps of a recurrence
                into = numpy.array([self.step[index]])
            rows = (rows[..., None] * size + into).reshape(-1)
            columns = (columns[..., None] * extent + into - int(before)).reshape(-1)
        ones = numpy.full(rows.shape, 1, dtype=object)
        self.maps.append(LinearMap(statement.target, pad.body.tensor, rows, columns, ones))

    def _map(self, statement: Statement, monomial: Monomial) -> None:
        linear = [read for read in monomial.reads if self.kinds[read.tensor] == LINEAR]
        factors = [read for read in monomial.reads if self.kinds[read.tensor] == COEFFICIENT]
        if len(linear) > 1:
            names = " * ".join(read.tensor for read in linear)
            raise not_linear(self.where, f"the product {names}, of second order")
        bound = united(*(sorted(address_indices(part), key=str) for part in statement.address))
        box = united(bound, sorted(monomial.indices() | frozenset(monomial.sums), key=str))
        sizes = [len(self.points(index)) for index in box]
        count = 1
        for size in sizes:
            count *= size
        if count > LARGEST_BOX:
            raise BudgetError(f"{self.where}: {count} products in one line pass the limit of {LARGEST_BOX}")
        held = self.permitted(frozenset(box), only_within=True)
        keep = numpy.ones(sizes, dtype=bool) if held is None else numpy.broadcast_to(aligned(held, box), sizes).copy()
        rows = self._flat(statement.target, statement.address, box, sizes, keep)
        columns = self._flat(linear[0].tensor, linear[0].address, box, sizes, keep) if linear else None
        places = [self._flat(read.tensor, read.address, box, sizes, keep) for read in factors]
        scale = self._scale(monomial, box, sizes)
        chosen = keep.reshape(-1).nonzero()[0]
        rows, scale = rows[chosen], scale.reshape(-1)[chosen]
        columns = numpy.zeros(len(chosen), dtype=numpy.int64) if columns is None else columns[chosen]
        places = [place[chosen] for place in places]
        numbers = [self.tensors[read.tensor].reshape(-1)[place] for read, place in zip(factors, places)]
        made = LinearMap(
            statement.target, linear[0].tensor if linear else None, rows, columns, _product(scale, numbers)
        )
        made.scale = scale
        for number, (read, place) in enumerate(zip(factors, places)) if len(chosen) else ():
            rest = [values for other, values in enumerate(numbers) if other != number]
            made.derivatives.append((read.tensor, place, _product(scale, rest)))
        self.maps.append(made)
        if self.kinds[statement.target] == COEFFICIENT:
            self._add_to_coefficient(statement.target, made)

    def _add_to_coefficient(self, target: str, made: LinearMap) -> None:
        """A tensor made of weights alone has numbers, since others are multiplied by them."""
        values = made.values
        known = self.tensors.get(target)
        if known is None:
            known = numpy.full(self._shape(target), 0, dtype=object)
        known, values = of_one_kind([known, values])
        total = known.reshape(-1).copy()
        numpy.add.at(total, made.rows, values)
        self.tensors[target] = total.reshape(self._shape(target))

    def _scale(self, monomial: Monomial, box: Sequence[Index], sizes: Sequence[int]) -> ndarray:
        """The constant factors at all points: numbers, known tensors, and one over the sizes of means."""
        parts: list[Labelled] = [constant(monomial.constant)]
        parts += [self._fold(head) for head in monomial.known]
        for group in monomial.means:
            parts.append(self._one_over_count(group, box, sizes))
        arrays = [spread(part, tuple(box), list(sizes)) for part in parts]
        return _product(arrays[0], arrays[1:])

    def _one_over_count(self, group: Sequence[Index], box: Sequence[Index], sizes: Sequence[int]) -> Labelled:
        from fractions import Fraction

        held = self.permitted(frozenset(group))
        points = 1
        for index in group:
            points *= len(self.points(index))
        if held is None:
            return Labelled((), numpy.array(Fraction(1, points), dtype=object))
        outer = tuple(index for index in box if index in held.indices and index not in group)
        inner = tuple(index for index in group)
        extents = [sizes[list(box).index(index)] for index in outer] + [len(self.points(index)) for index in inner]
        counts = numpy.broadcast_to(aligned(held, (*outer, *inner)), extents).sum(
            axis=tuple(range(len(outer), len(extents)))
        )
        inverse = numpy.frompyfunc(lambda count: Fraction(1, max(int(count), 1)), 1, 1)
        return Labelled(outer, numpy.asarray(inverse(counts), dtype=object))

    def _flat(
        self, tensor: str, address: Sequence[Any], box: Sequence[Index], sizes: Sequence[int], keep: ndarray
    ) -> ndarray:
        """The flat place of an element at all points; points outside of the tensor are dropped from `keep`.

        The instance has made sure that only masked points and steps before the first one lie outside.
        """
        shape = self._shape(tensor)
        flat = numpy.zeros([1] * len(box), dtype=numpy.int64)
        for part, size in zip(address, shape):
            if isinstance(part, Read):
                raise UnsupportedError(f"{self.where}: the lookup {tensor} is not linear in the numbers of its rows")
            values = aligned(self.address(part), tuple(box))
            if values.min(initial=0) < 0 or values.max(initial=0) >= size:
                keep &= (values >= 0) & (values < size)
            flat = flat * size + values
        return numpy.broadcast_to(flat, sizes).reshape(-1)


def _product(first: ndarray, others: Sequence[ndarray]) -> ndarray:
    """The elementwise product, exact where all factors are."""
    arrays = of_one_kind([first, *others])
    made = arrays[0]
    for array in arrays[1:]:
        made = made * array
    return made


def attended(instance: Instance) -> frozenset[str]:
    """The tensors that are a softmax of others."""
    return frozenset(s.target for s in instance.statements if isinstance(s.value, Softmax))


def _broadcast(pattern: Any, shape: tuple[int, ...], instance: Instance) -> ndarray:
    made = as_numbers(pattern, "the pattern of attention")
    try:
        return numpy.broadcast_to(made, shape)
    except ValueError:
        raise ShapeError(
            f"{instance.layer}: a pattern of attention needs the shape {shape}, or its last axes; got {made.shape}"
        ) from None


def _live(instance: Instance, given: frozenset[str]) -> frozenset[int]:
    """The statements that the output needs when some tensors are given."""
    if not given:
        return frozenset(instance.live)
    defined = {statement.target: place for place, statement in enumerate(instance.statements)}
    found: set[int] = set()
    waiting = [defined[name] for name in instance.outputs]
    while waiting:
        place = waiting.pop()
        if place in found or instance.statements[place].target in given:
            continue
        found.add(place)
        waiting += [defined[tensor] for tensor in instance.read_by(place) if tensor in defined]
    return frozenset(found)


def layer_maps(
    instance: Instance, tensors: Mapping[str, ndarray], pattern: Any = None
) -> tuple[list[LinearMap], dict[str, tuple[int, ...]]]:
    """The maps of a layer, and the shapes of its tensors.

    Parameters
    ----------
    instance : Instance
        At literal sizes.
    tensors : mapping of str to array
        Weights and buffers, as `arrays.as_numbers` makes them.
    pattern : array, optional
        What the softmaxes of the equation are; for attention, a row for each query.

    Raises
    ------
    UnsupportedError
        If the layer is not linear in its input.
    """
    made = Linearised(instance, tensors, pattern)
    maps = made.linearise()
    return maps, {name: tuple(int(size) for size in shape) for name, shape in instance.shapes.items()}
