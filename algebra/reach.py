"""Which input positions an output position depends on: receptive fields as an affine monoid, read off the access maps.

An output at position p reads, along one input axis, the positions ``jump * p + [low, high]``. One layer's reach follows from the
addresses in its equation; reaches compose by substitution, and that composition is associative.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from sympy import Expr, Integer, Max, Min, ceiling, floor, fraction, together

from .elaborate import Statement
from .errors import UnsupportedError
from .heads import Address, Group, Index, Pad, Read, address_indices, reads
from .instance import Instance, affine, is_recurrent_address
from .normal_form import is_nonnegative, simplify
from .summation import summation

_ZERO, _ONE = Integer(0), Integer(1)


@dataclass(frozen=True)
class AxisReach:
    """Along one input axis: ``sum(jump * position) + [low, high]``, positions on the axes of the output.

    `frozen`: the output has no position left along this axis; what is kept is the reach of the last map that had.
    `covers`: some layer joined all positions of the axis, so that the output depends on all of it.
    """

    jumps: tuple[tuple[int, Expr], ...]
    low: Expr
    high: Expr
    frozen: bool = False
    covers: bool = False
    exact: bool = True

    @property
    def size(self) -> Expr:
        if self.low.is_integer and self.high.is_integer:
            return simplify(self.high - self.low + 1)
        return simplify(floor(self.high) - ceiling(self.low) + 1)

    def jump(self, axis: int) -> Expr:
        """The step between the fields of neighbours; 0 where all outputs see the same."""
        jumps = dict(self.jumps)
        if axis in jumps:
            return jumps[axis]
        return next(iter(jumps.values())) if len(jumps) == 1 else _ZERO


Reach = tuple[AxisReach, ...]
"""One `AxisReach` for each input axis."""


def identity(rank: int) -> Reach:
    """Every output position is the input position."""
    return tuple(AxisReach(((axis, _ONE),), _ZERO, _ZERO) for axis in range(rank))


def _axis(jumps: dict[int, Expr], low: Expr, high: Expr, **flags: bool) -> AxisReach:
    kept = tuple(sorted((axis, jump) for axis, jump in ((a, simplify(j)) for a, j in jumps.items()) if jump != 0))
    return AxisReach(kept, simplify(low), simplify(high), **flags)


def compose(first: Reach, then: Reach) -> Reach:
    """The reach of one network after another: `then` is applied to the output of `first`."""
    made = []
    for own in first:
        if own.frozen or not own.jumps:
            made.append(own)
            continue
        following = [(jump, then[axis]) for axis, jump in own.jumps]
        if all(other.frozen for _, other in following):
            made.append(AxisReach(own.jumps, own.low, own.high, True, True, own.exact))
            continue
        jumps: dict[int, Expr] = {}
        low, high = own.low, own.high
        for jump, other in following:
            ends = (jump * other.low, jump * other.high)
            low, high = (low + ends[1], high + ends[0]) if jump.is_negative else (low + ends[0], high + ends[1])
            for axis, further in other.jumps:
                jumps[axis] = jumps.get(axis, _ZERO) + jump * further
        covers = own.covers or any(other.covers for _, other in following)
        exact = own.exact and all(other.exact for _, other in following)
        made.append(_axis(jumps, low, high, covers=covers, exact=exact))
    return tuple(made)


def union(reaches: Sequence[Reach], sizes: Sequence[Expr | None]) -> Reach:
    """The smallest intervals that hold what any of several branches sees; `sizes` are those of the common input."""
    return tuple(_union_axis([reach[axis] for reach in reaches], size) for axis, size in enumerate(sizes))


def _union_axis(parts: Sequence[AxisReach], size: Expr | None) -> AxisReach:
    live = [part for part in parts if not part.frozen] or list(parts)
    covers = any(part.covers for part in parts)
    exact = all(part.exact for part in parts)
    frozen = live[0].frozen
    if all(part.jumps == live[0].jumps for part in live):
        low = simplify(Min(*(part.low for part in live)))
        high = simplify(Max(*(part.high for part in live)))
        return AxisReach(live[0].jumps, low, high, frozen, covers, exact)
    if size is None:
        raise UnsupportedError("branches that advance at different steps have no common receptive field")
    still = [part for part in live if not part.jumps]
    low = simplify(Min(_ZERO, *(part.low for part in still)))
    high = simplify(Max(size - 1, *(part.high for part in still)))
    return AxisReach((), low, high, frozen, True, exact and bool(still))


def power(reach: Reach, times: Expr, index: object = None) -> Reach:
    """The reach of `times` copies in series; with an `index`, copy `index` has the given reach."""
    made = []
    for axis, own in enumerate(reach):
        if own.frozen or not own.jumps:
            made.append(own)
            continue
        jumps = dict(own.jumps)
        if set(jumps) != {axis}:
            raise UnsupportedError("a repeated network that moves positions to another axis has no closed receptive field")
        step = jumps[axis]
        if index is not None and step.has(index):
            raise UnsupportedError("a repeated network whose stride changes from copy to copy has no closed receptive field")
        counter = index if index is not None else Index("copy")
        scale = step**counter  # type: ignore[operator]
        low, high = (summation(end * scale, counter, _ZERO, times - 1) for end in (own.low, own.high))
        made.append(_axis({axis: step**times}, low, high, covers=own.covers, exact=own.exact))
    return tuple(made)


@lru_cache(maxsize=20_000)
def layer_reach(instance: Instance, port: int = 0) -> Reach:
    """The reach of one layer, from the addresses in its equation."""
    source = instance.layer.input_names[port]
    sizes = instance.inputs[port]
    known: dict[str, Reach] = {source: identity(len(sizes))}
    for place, statement in enumerate(instance.statements):
        parts = [
            _through(statement, place, read, known[read.tensor], instance, sizes)
            for read in reads(statement.value) if read.tensor in known and not _is_recurrent(read, place, instance)
        ]  # fmt: skip
        if not parts:
            continue
        reach = union(parts, sizes)
        if place in instance.recurrent:
            reach = _accumulated(reach, statement, instance.recurrent[place][2], sizes)
        known[statement.target] = reach
    output = instance.statements[-1].target
    if output not in known:
        return tuple(AxisReach((), _ZERO, -_ONE) for _ in sizes)
    collapsed = len(instance.output) == 1 and len(sizes) > 1 or not instance.output
    return tuple(
        AxisReach(own.jumps, own.low, own.high, True, True, own.exact) if collapsed and not own.jumps else own for own in known[output]
    )


def _is_recurrent(read: Read, place: int, instance: Instance) -> bool:
    return place in instance.recurrent and instance.roles[read.tensor] == "defined" and any(
        is_recurrent_address(address, own)
        for statement in instance.statements if statement.target == read.tensor
        for address, own in zip(read.address, statement.address)
    )  # fmt: skip


def _accumulated(reach: Reach, statement: Statement, running: Index, sizes: Sequence[Expr]) -> Reach:
    """A recurrence has seen every earlier step: along its axis the last output depends on everything."""
    where = [axis for axis, address in enumerate(statement.address) if address == running]
    return tuple(
        AxisReach((), _ZERO, simplify(size - 1), False, True, own.exact) if any(a in where for a, _ in own.jumps) else own
        for own, size in zip(reach, sizes)
    )


def _through(
    statement: Statement, place: int, read: Read, known: Reach, instance: Instance, sizes: Sequence[Expr]
) -> Reach:
    """The reach of a target through one read of a tensor whose reach is known."""
    shifts = [before for before, _ in statement.value.widths] if isinstance(statement.value, Pad) else None
    seen = []
    for axis, own in enumerate(known):
        jumps: dict[int, Expr] = {}
        low, high, exact, covers = own.low, own.high, own.exact, own.covers
        for at, jump in own.jumps:
            part = _place(read.address[at], statement, place, instance)
            if part is None:
                part = AxisReach((), _ZERO, instance.shapes[read.tensor][at] - 1, covers=True)
            shift = shifts[at] if shifts is not None else _ZERO
            ends = (jump * (part.low - shift), jump * (part.high - shift))
            low, high = (low + ends[1], high + ends[0]) if jump.is_negative else (low + ends[0], high + ends[1])
            for target, further in part.jumps:
                jumps[target] = jumps.get(target, _ZERO) + jump * further
            exact, covers = exact and part.exact, covers or part.covers
        seen.append(_axis(jumps, low, high, frozen=own.frozen, covers=covers, exact=exact))
    return tuple(seen)


def _place(address: Address, statement: Statement, place: int, instance: Instance) -> AxisReach | None:
    """An address as a function of the position in the target; None if it is known from data only, so that it can be anything."""
    if isinstance(address, Read):
        return None
    if isinstance(address, Group):
        parts: list[tuple[Expr, Index]] = []
        scale: Expr = _ONE
        for index in reversed(address.parts):
            parts.append((scale, index))
            scale = scale * instance.extents[place][index]
        return _combined(dict((i, s) for s, i in parts), _ZERO, _ZERO, True, statement, place, instance)
    relaxed = _relaxed(address)
    if relaxed is None:
        return None
    coefficients, low, high, exact = relaxed
    return _combined(coefficients, low, high, exact, statement, place, instance)


def _relaxed(address: Expr) -> tuple[dict[Index, Expr], Expr, Expr, bool] | None:
    """An address between two parallel affine forms: floors and ceilings are replaced by their argument and its rounding error."""
    form = affine(address)
    if form is not None:
        return form[0], form[1], form[1], True
    low = high = address
    for rounding in sorted(address.atoms(floor, ceiling), key=str):
        if not address_indices(rounding):
            continue
        inner = rounding.args[0]
        under = fraction(together(inner))[1]
        error = (under - 1) / under
        low = low.xreplace({rounding: inner - error if isinstance(rounding, floor) else inner})
        high = high.xreplace({rounding: inner if isinstance(rounding, floor) else inner + error})
    below, above = affine(low), affine(high)
    if below is None or above is None or below[0] != above[0]:
        return None
    return below[0], below[1], above[1], False


def _combined(
    coefficients: dict[Index, Expr], low: Expr, high: Expr, exact: bool, statement: Statement, place: int, instance: Instance
) -> AxisReach:
    jumps: dict[int, Expr] = {}
    for index, step in coefficients.items():
        part = _index_reach(index, statement, place, instance)
        ends = (step * part.low, step * part.high)
        if step.is_negative or (not step.is_nonnegative and is_nonnegative(step) is None and is_nonnegative(-step)):
            ends = (ends[1], ends[0])
        low, high, exact = low + ends[0], high + ends[1], exact and part.exact
        for axis, jump in part.jumps:
            jumps[axis] = jumps.get(axis, _ZERO) + step * jump
    return _axis(jumps, low, high, exact=exact)


def _index_reach(index: Index, statement: Statement, place: int, instance: Instance) -> AxisReach:
    """The values that an index takes while the target's position is fixed."""
    extents = instance.extents[place]
    for axis, address in enumerate(statement.address):
        if address == index:
            return AxisReach(((axis, _ONE),), _ZERO, _ZERO)
        if isinstance(address, Group) and index in address.parts:
            if index != address.parts[0]:
                continue
            rest: Expr = _ONE
            for other in address.parts[1:]:
                rest = rest * extents[other]
            return AxisReach(((axis, 1 / rest),), simplify((1 - rest) / rest), _ZERO, exact=rest == 1)
        if not isinstance(address, (Index, Group, Read)) and index in address_indices(address):
            form = affine(address)
            if form is None:
                continue
            step = form[0][index]
            others = sum((c * (extents[i] - 1) for i, c in form[0].items() if i != index), _ZERO)
            return AxisReach(
                ((axis, 1 / step),), simplify(-(others + form[1]) / step), simplify(-form[1] / step), exact=step == 1
            )
    if index in instance.elaborated.ranges:
        return _range_reach(index, statement, place, instance)
    return AxisReach((), _ZERO, extents[index] - 1)


def _range_reach(index: Index, statement: Statement, place: int, instance: Instance) -> AxisReach:
    first, after = instance.elaborated.ranges[index]
    single = {i: _ZERO for i in address_indices(first) | address_indices(after) if instance.extents[place][i] == 1}
    ends = [_relaxed(end.xreplace(single)) for end in (first, after)]
    if ends[0] is None or ends[1] is None or ends[0][0] != ends[1][0]:
        # The two ends advance alike, if at all: otherwise anything can be read.
        return AxisReach((), _ZERO, instance.extents[place][index] - 1, exact=False)
    coefficients, low, _, sharp = ends[0]
    return _combined(coefficients, low, ends[1][2] - 1, sharp and ends[1][3], statement, place, instance)
