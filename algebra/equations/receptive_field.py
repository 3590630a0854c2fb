"""Which input positions an output position depends on: receptive fields as an affine monoid, read off the access maps.

An output at position p reads, along one input axis, the positions ``jump * p + [low, high]``. One layer's reach follows from the
addresses in its equation; reaches compose by substitution, and that composition is associative.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from sympy import Expr, Integer, Max, Min, ceiling, floor, fraction, together

from ..errors import UnsupportedError
from ..sizes.dims import Index
from ..sizes.normal_form import is_nonnegative, simplify
from ..sizes.summation import summation
from .affine import affine, is_recurrent_address
from .heads import Address, Group, Head, Pad, Read, Softmax, address_indices, children
from .instance import Instance
from .statements import Statement

_ZERO, _ONE = Integer(0), Integer(1)


@dataclass(frozen=True)
class AxisReach:
    """Along one input axis: ``sum(jump * position) + [low, high]``, positions on the axes of the output.

    `extent`: the size of the input axis, where it is known.
    `frozen`: the output has no position left along this axis; what is kept is the reach of the last map that had.
    `covers`: some layer joined all positions of the axis, so that the output depends on all of it.
    """

    jumps: tuple[tuple[int, Expr], ...]
    low: Expr
    high: Expr
    frozen: bool = False
    covers: bool = False
    exact: bool = True
    extent: Expr | None = None

    @property
    def size(self) -> Expr:
        if not all(jump.is_integer for _, jump in self.jumps):
            # Neighbours' fields lie differently between the integers; this is the most that any of them holds.
            return simplify(floor(self.high - self.low) + 1)
        if self.low.is_integer and self.high.is_integer:
            return simplify(self.high - self.low + 1)
        return simplify(floor(self.high) - ceiling(self.low) + 1)

    @property
    def whole(self) -> bool:
        """Whether every output depends on the whole axis: a layer joined it, or one interval that does not move is all of it."""
        if self.covers or self.jumps or self.extent is None or not self.exact:
            return self.covers
        return self.low == 0 and simplify(self.high - self.extent + 1) == 0

    def jump(self, axis: int) -> Expr:
        """The step between the fields of neighbours; 0 where all outputs see the same."""
        jumps = dict(self.jumps)
        if axis in jumps:
            return jumps[axis]
        return next(iter(jumps.values())) if len(jumps) == 1 else _ZERO


Reach = tuple[AxisReach, ...]
"""One `AxisReach` for each input axis."""


def identity(rank: int, sizes: Sequence[Expr] | None = None) -> Reach:
    """Every output position is the input position."""
    extents = sizes if sizes is not None else (None,) * rank
    return tuple(AxisReach(((axis, _ONE),), _ZERO, _ZERO, extent=extent) for axis, extent in enumerate(extents))


def _axis(jumps: dict[int, Expr], low: Expr, high: Expr, **flags: Any) -> AxisReach:
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
            # What is kept is the last map with positions; the input itself, where nothing has looked around yet, sees what is joined.
            trivial = own.low == own.high == 0 and all(jump == 1 for jump, _ in following)
            covers = own.covers or _joined([(other.whole, other.extent) for _, other in following])
            made.append(
                replace(following[0][1], extent=own.extent) if trivial else replace(own, frozen=True, covers=covers)
            )
            continue
        jumps: dict[int, Expr] = {}
        low, high = own.low, own.high
        for jump, other in following:
            ends = (jump * other.low, jump * other.high)
            low, high = (low + ends[1], high + ends[0]) if jump.is_negative else (low + ends[0], high + ends[1])
            for axis, further in other.jumps:
                jumps[axis] = jumps.get(axis, _ZERO) + jump * further
        covers = own.covers or _joined([(other.whole, other.extent) for _, other in following])
        exact = own.exact and all(other.exact for _, other in following)
        made.append(_axis(jumps, low, high, covers=covers, exact=exact, extent=own.extent))
    return tuple(made)


def _joined(spread: Sequence[tuple[bool, Expr | None]]) -> bool:
    """Whether an axis that is spread over several is joined: all of these are, but for those of size one (given as whole, size)."""
    return any(whole for whole, _ in spread) and all(whole or size == 1 for whole, size in spread)


def union(reaches: Sequence[Reach], positions: Sequence[Expr] | None = None) -> Reach:
    """The smallest intervals that hold what any of several branches of one input sees; `positions` are the sizes of their output."""
    return tuple(_union_axis(parts, positions) for parts in zip(*reaches))


def _union_axis(parts: Sequence[AxisReach], positions: Sequence[Expr] | None) -> AxisReach:
    size = next((part.extent for part in parts if part.extent is not None), None)
    # Of a branch without positions, the interval that it keeps counts; that it joined the whole axis is told by `covers`.
    live = [part for part in parts if not part.frozen or not (part.covers or part.jumps)] or list(parts)
    covers = any(part.covers for part in parts)
    exact = all(part.exact for part in parts)
    frozen = all(part.frozen for part in live)
    if all(part.jumps == live[0].jumps for part in live):
        low = simplify(Min(*(part.low for part in live)))
        high = simplify(Max(*(part.high for part in live)))
        return AxisReach(live[0].jumps, low, high, frozen, covers, exact, size)
    if size is None:
        raise UnsupportedError("branches that advance at different steps have no common receptive field")
    # Fields that advance differently have one interval that holds them all, from the first output to the last: margins count, as in
    # a single field. Where the number of outputs is not known, it holds the axis and what the first output sees.
    spans = (
        [_span(part, positions) for part in live] if positions is not None else [(part.low, part.high) for part in live]
    )
    axis = [(_ZERO, size - 1)] if positions is None else []
    low = simplify(Min(*(span[0] for span in (*axis, *spans))))
    high = simplify(Max(*(span[1] for span in (*axis, *spans))))
    whole = any(part.whole for part in parts)
    single = positions is not None and all(positions[at] == 1 for part in live for at, _ in part.jumps)
    fits = low == 0 and simplify(high - size + 1) == 0
    return AxisReach((), low, high, False, whole, exact and (single or (fits and whole)), size)


def broadcast(reach: Reach, positions: Sequence[Expr], wanted: Sequence[Expr]) -> Reach:
    """A branch of one position along an axis where the join has more: every output sees what that one position sees."""
    still = {axis for axis, (own, size) in enumerate(zip(positions, wanted)) if own == 1 != size}
    if not still:
        return reach
    return tuple(
        replace(own, jumps=tuple((axis, jump) for axis, jump in own.jumps if axis not in still)) for own in reach
    )


def _span(reach: AxisReach, positions: Sequence[Expr]) -> tuple[Expr, Expr]:
    """What all outputs together see, from the first position to the last."""
    low, high = reach.low, reach.high
    for axis, jump in reach.jumps:
        way = jump * (positions[axis] - 1)
        low, high = (low + way, high) if jump.is_negative else (low, high + way)
    return low, high


def power(reach: Reach, times: Expr, index: object = None) -> Reach:
    """The reach of `times` copies in series; with an `index`, copy `index` has the given reach."""
    made = []
    for axis, own in enumerate(reach):
        if own.frozen or not own.jumps:
            made.append(own)
            continue
        jumps = dict(own.jumps)
        if set(jumps) != {axis}:
            raise UnsupportedError(
                "a repeated network that moves positions to another axis has no closed receptive field"
            )
        step = jumps[axis]
        if index is not None and step.has(index):
            raise UnsupportedError(
                "a repeated network whose stride changes from copy to copy has no closed receptive field"
            )
        counter = index if index is not None else Index("copy")
        scale = step**counter
        low, high = (summation(end * scale, counter, _ZERO, times - 1) for end in (own.low, own.high))
        made.append(_axis({axis: step**times}, low, high, covers=own.covers, exact=own.exact, extent=own.extent))
    return tuple(made)


@lru_cache(maxsize=20_000)
def layer_reach(instance: Instance, port: int = 0) -> Reach:
    """The reach of one layer, from the addresses in its equation.

    A tensor can depend on the input in several ways that no one interval describes (an attention score reads two positions); such
    pieces are kept apart until the end.
    """
    source = instance.layer.input_names[port]
    sizes = instance.inputs[port]
    known: dict[str, list[Reach]] = {source: [identity(len(sizes), sizes)]}
    for place, statement in enumerate(instance.statements):
        parts: dict[Reach, None] = {}
        for read, joined in _reads(statement.value, frozenset()):
            if read.tensor in known and not _is_recurrent(read, place, instance):
                for before in known[read.tensor]:
                    parts[_through(statement, place, read, joined, before, instance)] = None
        if not parts:
            continue
        pieces = list(parts)
        if place in instance.recurrent:
            running = instance.recurrent[place][2]
            pieces = [_accumulated(piece, statement, running, sizes) for piece in pieces]
        known[statement.target] = pieces
    output = instance.statements[-1].target
    if output not in known:
        return tuple(AxisReach((), _ZERO, -_ONE, extent=size) for size in sizes)
    collapsed = len(sizes) > 1 and not _has_positions(instance)
    return tuple(
        replace(own, frozen=True, covers=own.whole) if collapsed and not own.jumps else own
        for own in union(known[output], instance.output)
    )


def _has_positions(instance: Instance) -> bool:
    """Whether the output has an axis besides that of the channels along which there is more than one position."""
    channels = len(instance.output) - 1 if instance.layer.layout[1] == "last" else 0
    return any(size != 1 for axis, size in enumerate(instance.output) if axis != channels)


def _reads(head: Head, joined: frozenset[Index]) -> Iterator[tuple[Read, frozenset[Index]]]:
    """Every read below a head, with the indices along which a softmax joins all values."""
    if isinstance(head, Read):
        yield head, joined
    if isinstance(head, Softmax):
        joined = joined | frozenset(head.indices)
    for child in children(head):
        yield from _reads(child, joined)


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
        AxisReach((), _ZERO, simplify(size - 1), False, True, own.exact, size)
        if any(a in where for a, _ in own.jumps)
        else own
        for own, size in zip(reach, sizes)
    )


def _through(
    statement: Statement, place: int, read: Read, joined: frozenset[Index], known: Reach, instance: Instance
) -> Reach:
    """The reach of a target through one read of a tensor whose reach is known."""
    shifts = [before for before, _ in statement.value.widths] if isinstance(statement.value, Pad) else None
    seen = []
    for own in known:
        jumps: dict[int, Expr] = {}
        low, high, exact, covers = own.low, own.high, own.exact, own.covers
        spread: list[tuple[bool, Expr | None]] = []
        for at, jump in own.jumps:
            part = _place(read.address[at], _Where(statement, place, joined, instance))
            if part is None:
                part = AxisReach((), _ZERO, instance.shapes[read.tensor][at] - 1, covers=True)
            shift = shifts[at] if shifts is not None else _ZERO
            ends = (jump * (part.low - shift), jump * (part.high - shift))
            low, high = (low + ends[1], high + ends[0]) if jump.is_negative else (low + ends[0], high + ends[1])
            for target, further in part.jumps:
                jumps[target] = jumps.get(target, _ZERO) + jump * further
            exact = exact and part.exact
            spread.append((part.covers, instance.shapes[read.tensor][at]))
        covers = covers or _joined(spread)
        seen.append(_axis(jumps, low, high, frozen=own.frozen, covers=covers, exact=exact, extent=own.extent))
    return tuple(seen)


@dataclass(frozen=True)
class _Where:
    """The statement in which an address stands, and the indices that a softmax around it joins."""

    statement: Statement
    place: int
    joined: frozenset[Index]
    instance: Instance

    @property
    def extents(self) -> dict[Index, Expr]:
        return self.instance.extents[self.place]


def _place(address: Address, where: _Where) -> AxisReach | None:
    """An address as a function of the position in the target; None if it is known from data only, so that it can be anything."""
    if isinstance(address, Read):
        return None
    if isinstance(address, Group):
        parts: list[tuple[Expr, Index]] = []
        scale: Expr = _ONE
        for index in reversed(address.parts):
            parts.append((scale, index))
            scale = scale * where.extents[index]
        return _combined({index: step for step, index in parts}, _ZERO, _ZERO, True, where)
    relaxed = _relaxed(address)
    if relaxed is None:
        return None
    coefficients, low, high, exact = relaxed
    return _combined(coefficients, low, high, exact, where)


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
        ends = (inner - error, inner) if isinstance(rounding, floor) else (inner, inner + error)
        # Where it is taken away, as in i - n*floor(i/n), the larger one gives the lower end.
        factor = address.coeff(rounding)
        if factor.is_negative or (not factor.is_nonnegative and is_nonnegative(-factor)):
            ends = ends[::-1]
        low, high = low.xreplace({rounding: ends[0]}), high.xreplace({rounding: ends[1]})
    below, above = affine(low), affine(high)
    if below is None or above is None or below[0] != above[0]:
        return None
    return below[0], below[1], above[1], False


def _combined(coefficients: dict[Index, Expr], low: Expr, high: Expr, exact: bool, where: _Where) -> AxisReach:
    jumps: dict[int, Expr] = {}
    for index, step in coefficients.items():
        part = _index_reach(index, where)
        ends = (step * part.low, step * part.high)
        if step.is_negative or (not step.is_nonnegative and is_nonnegative(step) is None and is_nonnegative(-step)):
            ends = (ends[1], ends[0])
        low, high, exact = low + ends[0], high + ends[1], exact and part.exact
        for axis, jump in part.jumps:
            jumps[axis] = jumps.get(axis, _ZERO) + step * jump
    return _axis(jumps, low, high, exact=exact)


def _index_reach(index: Index, where: _Where) -> AxisReach:
    """The values that an index takes while the target's position is fixed."""
    extents = where.extents
    remainder = False
    for axis, address in enumerate(where.statement.address if index not in where.joined else ()):
        if address == index:
            return AxisReach(((axis, _ONE),), _ZERO, _ZERO)
        if isinstance(address, Group) and index in address.parts:
            if index != address.parts[0]:
                remainder = extents[index] != 1
                continue
            if extents[index] == 1:
                break  # the only value there is, wherever the position
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
    if index in where.instance.elaborated.ranges:
        return _range_reach(index, where)
    # A remainder of the position settles it; no affine interval is as narrow.
    return AxisReach((), _ZERO, extents[index] - 1, exact=not remainder)


def _range_reach(index: Index, where: _Where) -> AxisReach:
    first, after = where.instance.elaborated.ranges[index]
    single = {i: _ZERO for i in address_indices(first) | address_indices(after) if where.extents[i] == 1}
    ends = [_relaxed(end.xreplace(single)) for end in (first, after)]
    if ends[0] is None or ends[1] is None or ends[0][0] != ends[1][0]:
        # The two ends advance alike, if at all: otherwise anything can be read.
        return AxisReach((), _ZERO, where.extents[index] - 1, exact=False)
    coefficients, low, _, sharp = ends[0]
    return _combined(coefficients, low, ends[1][2] - 1, sharp and ends[1][3], where)
