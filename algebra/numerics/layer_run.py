"""What the heads of an equation compute, in numbers: one layer at literal sizes.

Every statement is evaluated over the whole box of its indices at once, except in a recurrence, which goes step by step:

- a sum, mean, maximum, minimum, product or softmax runs over the points that no mask and no range excludes, as far as these
  speak of its own indices, of those around it and of those of the target;
- a softmax is zero at an excluded point; an element of a target that a mask excludes is not computed and stays zero;
- a mean, an extremum or a softmax over no point at all is refused when the layer meets its input, before anything is computed;
- a step of a recurrence before the first one is zero, unless a line of its own gives it; indices that run down begin at the last step;
- where several points of a left side fall on one element, they are added, or joined as a lookup on the left says;
- an element of a target on which no point falls is zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy

from ..equations.heads import (
    Apply,
    Constant,
    Head,
    IndexValue,
    Pad,
    Plus,
    Read,
    Reduce,
    Select,
    Softmax,
    Times,
    address_indices,
    unknown_head,
)
from ..equations.initial_lines import Given
from ..equations.instance import Instance
from ..equations.recurrences import Recurrence
from ..equations.statements import Statement
from ..errors import DomainError, UnsupportedError
from ..sizes.dims import Index
from .addresses import Addresses
from .arrays import (
    Labelled,
    aligned,
    apply,
    constant,
    contracted,
    floats,
    is_exact,
    is_finite,
    of_one_kind,
    plus,
    short_enough,
    spread,
    times,
    united,
    within_budget,
)
from .steps import given_at, place_of, steps_of

if TYPE_CHECKING:
    from numpy import ndarray


def compute(instance: Instance, tensors: Mapping[str, "ndarray"]) -> Any:
    """The output of a layer; of several, a mapping of their names to arrays.

    Parameters
    ----------
    instance : Instance
        A layer at literal sizes.
    tensors : mapping of str to array
        The inputs, the learned tensors and the buffers by their names in the equation, each exact or floats
        (`arrays.as_numbers`).
    """
    if instance.layer.opaque:
        raise UnsupportedError(f"{instance.layer} is opaque: no equation says what it computes")
    return _LayerRun(instance, tensors).run()


def every_tensor(instance: Instance, tensors: Mapping[str, "ndarray"]) -> dict[str, "ndarray"]:
    """All tensors of a layer by their names, given its inputs, learned tensors and buffers."""
    found = _LayerRun(instance, tensors)
    found.run()
    return found.tensors


class _LayerRun(Addresses):
    def __init__(self, instance: Instance, tensors: Mapping[str, "ndarray"]):
        super().__init__(instance)
        self.tensors = dict(tensors)
        self.scope: frozenset[Index] = frozenset()

    def look_up(self, read: Read) -> Labelled:
        return self._fold(read)

    def run(self) -> Any:
        for first, last, recurrence in self.instance.order:
            if recurrence is None:
                self._statement(first)
            else:
                self._recur([other for other in range(first, last + 1) if other in self.instance.live], recurrence)
        made = {name: self.tensors[name] for name in self.instance.outputs}
        return made[self.instance.root] if len(made) == 1 else made

    def _recur(self, places: Sequence[int], recurrence: Recurrence) -> None:
        statements = self.instance.statements
        for place in places:
            if not recurrence.covers(statements[place]):
                self._statement(place)  # it reads nothing of the recurrence
        places = [place for place in places if recurrence.covers(statements[place])]
        for place in places:
            target = statements[place].target
            self.tensors[target] = numpy.full(self._shape(target), 0, dtype=object)
        for step in steps_of(self.instance, places, recurrence):
            self.step = step
            for place in places:
                if all(at < int(self.instance.extents[place][index]) for index, at in step.items()):
                    given = given_at(self.instance, place, step)
                    if given is None:
                        self._statement(place)
                    else:
                        self._copy(place, given)
        self.step = {}

    def _copy(self, place: int, given: Given) -> None:
        """A step that a line of its own gives."""
        statement = self.instance.statements[place]
        where = tuple(
            self.step[part] if isinstance(part, Index) and part in self.step else slice(None)
            for part in statement.address
        )
        source, target = of_one_kind([self.tensors[given.tensor], self.tensors[statement.target]])
        if target is not self.tensors[statement.target]:
            self.tensors[statement.target] = target
        target[where] = source[(*where[: given.axis], *where[given.axis + 1 :])]

    # statements ------------------------------------------------------------------------------------------------------

    def _statement(self, place: int) -> None:
        """Compute one tensor, or one step of it."""
        self.place = place
        statement = self.instance.statements[place]
        bound = united(*(sorted(address_indices(part), key=str) for part in statement.address))
        self.scope = frozenset(bound)
        made = self._fold(statement.value)
        short_enough(made.values)
        permitted = self.permitted(frozenset(bound), only_within=True)
        if permitted is not None:
            made = _where(permitted, made, 0)
        sizes = [len(self.points(index)) for index in bound]
        values = spread(made, bound, sizes)
        if self.step:
            target = self.tensors[statement.target]
            if is_exact(target) and not is_exact(values):
                target = self.tensors[statement.target] = floats(target)
            values = floats(values) if not is_exact(target) else values
        else:
            within_budget(self._shape(statement.target), f"the tensor {statement.target}")
            target = numpy.full(self._shape(statement.target), 0, dtype=object if is_exact(values) else float)
            self.tensors[statement.target] = target
        if tuple(statement.address) == bound and not self.step:
            target[...] = values
            return
        addresses = [aligned(self.address(part), bound) for part in statement.address]
        places = tuple(numpy.broadcast_arrays(*addresses)) if addresses else ()
        for address, size in zip(places, target.shape) if statement.scatters else ():
            if numpy.any((address < 0) | (address >= size)):
                raise DomainError(
                    f"{self.instance.layer}: a lookup on the left of {statement.target} leaves its {target.shape}"
                )
        if statement.joined in ("sum", "mean"):
            numpy.add.at(target, places, values)
        if statement.joined == "sum":
            return
        points = numpy.full(sizes, True) if permitted is None else spread(permitted, bound, sizes)
        if statement.joined == "mean":
            counts = numpy.zeros(target.shape, dtype=object)
            numpy.add.at(counts, places, numpy.asarray(points, dtype=object) * 1)
            axes = tuple(Index(f"axis {axis}") for axis in range(target.ndim))
            divided = apply("divide", [Labelled(axes, target), Labelled(axes, numpy.where(counts == 0, 1, counts))])
            self.tensors[statement.target] = divided.values
        else:
            self._extremum_at(target, places, values, points, statement.joined)

    def _extremum_at(
        self, target: "ndarray", places: tuple["ndarray", ...], values: "ndarray", points: "ndarray", which: str
    ) -> None:
        """Set the elements on which values fall to the largest or the smallest of them."""
        none = -numpy.inf if which == "max" else numpy.inf
        made = numpy.full(target.shape, none, dtype=target.dtype)
        join = numpy.maximum if which == "max" else numpy.minimum
        join.at(made, places, numpy.where(points, values, none))
        reached = numpy.zeros(target.shape, dtype=bool)
        reached[tuple(place[points] for place in places)] = True
        target[reached] = made[reached]

    def _shape(self, tensor: str) -> tuple[int, ...]:
        return tuple(int(size) for size in self.instance.shapes[tensor])

    # heads -----------------------------------------------------------------------------------------------------------

    def _fold(self, head: Head) -> Labelled:
        if isinstance(head, Constant):
            return constant(head.value)
        if isinstance(head, IndexValue):
            return self.integers(head.value)
        if isinstance(head, Read):
            return self._read(head)
        if isinstance(head, Plus):
            return plus([self._fold(term) for term in head.terms])
        if isinstance(head, Times):
            return times([self._fold(factor) for factor in head.factors])
        if isinstance(head, Apply):
            return apply(head.function, [self._fold(argument) for argument in head.arguments])
        if isinstance(head, Reduce):
            return self._reduce(head)
        if isinstance(head, Softmax):
            return self._softmax(head)
        if isinstance(head, Select):
            return self._select(head)
        if isinstance(head, Pad):
            return self._pad(head)
        raise unknown_head(head, "computed")

    def _read(self, head: Read) -> Labelled:
        """The elements of a tensor at all points: gathered over the read's own indices and no others."""
        tensor = self.tensors[head.tensor]
        parts = [self.address(part) for part in head.address]
        indices = united(*(part.indices for part in parts))
        addresses = numpy.broadcast_arrays(*(aligned(part, indices) for part in parts)) if parts else []
        outside = numpy.zeros(addresses[0].shape, dtype=bool) if parts else numpy.zeros((), dtype=bool)
        for address, size in zip(addresses, tensor.shape):
            outside = outside | (address < 0) | (address >= size)
        if not outside.any():
            return Labelled(indices, tensor[tuple(addresses)])
        before = outside & self._before_first_step(head, addresses)
        self._must_be_masked(head, indices, outside & ~before, addresses, tensor.shape)
        inside = tuple(numpy.clip(address, 0, size - 1) for address, size in zip(addresses, tensor.shape))
        values = numpy.where(before, tensor.dtype.type(0) if not is_exact(tensor) else 0, tensor[inside])
        for given in self.instance.given.get(head.tensor, ()):
            at = place_of(self.instance, head.tensor, given)
            here = before & (addresses[given.axis] == at)
            for axis, (address, size) in enumerate(zip(addresses, tensor.shape)):
                if axis != given.axis:
                    here = here & (address >= 0) & (address < size)
            if here.any():
                state, values = of_one_kind([self.tensors[given.tensor], values])
                values = numpy.where(here, state[(*inside[: given.axis], *inside[given.axis + 1 :])], values)
        return Labelled(indices, values)

    def _before_first_step(self, head: Read, addresses: Sequence["ndarray"]) -> "ndarray":
        """Where a read of a state goes back behind the first step of its recurrence."""
        found = numpy.zeros(addresses[0].shape, dtype=bool)
        place = self.instance.places.get(head.tensor, -1)
        recurrence = self.instance.recurrent.get(place)
        if recurrence is None or not recurrence.covers(self.instance.statements[place]):
            return found
        shape = self._shape(head.tensor)
        for address, part, own, size in zip(addresses, head.address, self.instance.statements[place].address, shape):
            if recurrence.is_earlier(part, own):
                found = found | (address >= size if own in recurrence.down else address < 0)
        return found

    def _must_be_masked(
        self,
        head: Read,
        indices: tuple[Index, ...],
        outside: "ndarray",
        addresses: Sequence["ndarray"],
        shape: tuple[int, ...],
    ) -> None:
        """An element outside of its tensor may be asked for only at points that a mask excludes."""
        permitted = self.permitted(frozenset(indices), scope=self.scope)
        if permitted is not None:
            both = united(indices, permitted.indices)
            needed = aligned(Labelled(indices, outside), both) & aligned(permitted, both)
            outside = needed.any(axis=tuple(range(len(indices), len(both))))
        if not outside.any():
            return
        first = numpy.argmax(outside)
        point = tuple(int(numpy.broadcast_to(address, outside.shape).flat[first]) for address in addresses)
        raise DomainError(f"{self.instance.layer}: {head.tensor} has shape {shape} and is read at {point}")

    def _reduce(self, head: Reduce) -> Labelled:
        permitted = self.permitted(frozenset(head.indices), scope=self.scope)
        if head.operation == "sum" and isinstance(head.body, Times):
            return self._contraction(head, permitted)
        body = self._over(self._inside(head.body, head.indices), head.indices, permitted)
        kept = tuple(index for index in body.indices if index not in head.indices)
        values = aligned(body, (*kept, *head.indices))
        axes = tuple(range(len(kept), len(kept) + len(head.indices)))
        if head.operation in ("sum", "mean"):
            if permitted is not None:
                values = aligned(_where(permitted, body, 0), (*kept, *head.indices))
            total = Labelled(kept, values.sum(axis=axes))
            return total if head.operation == "sum" else self._divided_by_count(total, body, head.indices, permitted)
        neutral = {"max": -numpy.inf, "min": numpy.inf, "prod": 1}[head.operation]
        if permitted is not None:
            values = aligned(_where(permitted, body, neutral), (*kept, *head.indices))
        join = {"max": numpy.maximum, "min": numpy.minimum, "prod": numpy.multiply}[head.operation]
        for axis in reversed(axes):
            values = join.reduce(values, axis=axis)
        return Labelled(kept, values)

    def _inside(self, head: Head, indices: Sequence[Index]) -> Labelled:
        """A head within a reduction, whose indices masks may speak of there."""
        outer, self.scope = self.scope, self.scope | frozenset(indices)
        try:
            return self._fold(head)
        finally:
            self.scope = outer

    def _over(self, body: Labelled, reduced: Sequence[Index], permitted: Labelled | None) -> Labelled:
        """A body with an axis of full size for every reduced index and for what the permitted points depend on."""
        indices = united(body.indices, reduced, permitted.indices if permitted is not None else ())
        return Labelled(indices, spread(body, indices, [len(self.points(index)) for index in indices]))

    def _divided_by_count(
        self, total: Labelled, body: Labelled, reduced: Sequence[Index], permitted: Labelled | None
    ) -> Labelled:
        points = 1
        for index in reduced:
            points *= len(self.points(index))
        if permitted is None:
            return apply("divide", [total, Labelled((), numpy.full((), points, dtype=object))])
        order = (*total.indices, *reduced)
        held = numpy.broadcast_to(aligned(permitted, order), aligned(body, order).shape)
        count = held.sum(axis=tuple(range(len(total.indices), len(order))))
        counts = Labelled(total.indices, numpy.asarray(numpy.maximum(count, 1), dtype=object))
        return apply("divide", [total, counts])

    def _contraction(self, head: Reduce, permitted: Labelled | None) -> Labelled:
        """A sum of products; one factor takes the mask if it can, and no array over all indices is made."""
        assert isinstance(head.body, Times)
        factors = [self._inside(factor, head.indices) for factor in head.body.factors]
        if permitted is not None:
            finite = all(is_finite(factor.values) for factor in factors)
            holder = next(
                (place for place, factor in enumerate(factors) if set(permitted.indices) <= set(factor.indices)), None
            )
            if finite and holder is not None:
                factors[holder] = _where(permitted, factors[holder], 0)
            else:
                with numpy.errstate(invalid="ignore"):  # what is none stands at points that are left out
                    product = times(factors)
                factors = [_where(permitted, self._over(product, head.indices, permitted), 0)]
        present = united(*(factor.indices for factor in factors))
        absent = [index for index in head.indices if index not in present]
        made = contracted(factors, [index for index in head.indices if index in present])
        for index in absent:
            made = times([made, Labelled((), numpy.full((), len(self.points(index)), dtype=object))])
        return made

    def _softmax(self, head: Softmax) -> Labelled:
        permitted = self.permitted(frozenset(head.indices), scope=self.scope)
        body = self._over(self._inside(head.body, head.indices), head.indices, permitted)
        axes = tuple(body.indices.index(index) for index in head.indices)
        values = floats(body.values)
        if permitted is not None:
            values = numpy.where(aligned(permitted, body.indices), values, -numpy.inf)
        highest = values.max(axis=axes, keepdims=True)
        raised = numpy.exp(values - numpy.where(numpy.isfinite(highest), highest, 0.0))
        total = raised.sum(axis=axes, keepdims=True)
        return Labelled(body.indices, raised / numpy.where(total == 0, 1.0, total))

    def _select(self, head: Select) -> Labelled:
        body = self._over(self._inside(head.body, head.indices), head.indices, None)
        kept = tuple(index for index in body.indices if index not in head.indices)
        values = aligned(body, (*kept, *head.indices))
        order = numpy.argsort(-values if head.operation in ("argmax", "top") else values, axis=-1, kind="stable")
        found = numpy.take_along_axis(values, order, axis=-1) if head.operation == "sort" else order.astype(object)
        ranks = self.address(head.rank)
        both = united(kept, ranks.indices)
        box = [len(self.points(index)) for index in both]
        rows = aligned(Labelled((*kept, *head.indices), found), (*both, *head.indices))
        chosen = numpy.broadcast_to(aligned(ranks, both), box)[..., None]
        return Labelled(
            both, numpy.take_along_axis(numpy.broadcast_to(rows, (*box, rows.shape[-1])), chosen, axis=-1)[..., 0]
        )

    def _pad(self, head: Pad) -> Labelled:
        """The target of a pad statement, or a step of it: the margin's filling, with the tensor set into it or cut by it."""
        statement: Statement = self.instance.statements[self.place]
        indices = tuple(part for part in statement.address if isinstance(part, Index))
        shape = tuple(len(self.points(index)) for index in indices)
        source, filling = of_one_kind([self.tensors[head.body.tensor], spread(self._fold(head.fill), indices, shape)])
        values = numpy.array(filling)
        into, out_of = [], []
        for index, (before, _), size, there in zip(indices, head.widths, shape, source.shape):
            if index in self.step:  # there is no margin along the steps of a recurrence
                into.append(slice(0, 1))
                out_of.append(slice(self.step[index], self.step[index] + 1))
                continue
            start = max(int(before), 0)
            skip = max(-int(before), 0)
            length = max(min(size - start, there - skip), 0)
            into.append(slice(start, start + length))
            out_of.append(slice(skip, skip + length))
        values[tuple(into)] = source[tuple(out_of)]
        return Labelled(indices, values)


def _where(permitted: Labelled, part: Labelled, otherwise: float) -> Labelled:
    """The values where permitted, a number elsewhere."""
    indices = united(part.indices, permitted.indices)
    held, values = aligned(permitted, indices), aligned(part, indices)
    made = numpy.where(held, values, numpy.asarray(otherwise, dtype=values.dtype))
    return Labelled(indices, made)
