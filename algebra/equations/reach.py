"""Reaches: along every input axis the interval of positions that an output position depends on, and how reaches compose.

Both ends of an interval follow the digits of the output's positions. A digit is a position itself, or, where axes were merged or
split, ``floor(position / under)`` modulo the digit's size; between digits a reach is affine, and where floors make it jump (after
upsampling, or a window over merged axes), it is affine but for offsets that repeat.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import gcd, lcm
from typing import TypeAlias

from sympy import Expr, Integer, Max, Min, floor

from ..errors import UnsupportedError
from ..sizes.dims import Index
from ..sizes.normal_form import is_nonnegative, simplify
from ..sizes.summation import summation

_ZERO, _ONE = Integer(0), Integer(1)
LONGEST_PERIOD, WIDEST_WINDOW, MOST_COPIES = 1024, 4096, 64


@dataclass(frozen=True)
class Digit:
    """``floor(position / under)`` on an axis of the output, modulo `size` unless it is the first digit of that axis."""

    axis: int
    size: Expr | None
    under: Expr = _ONE
    leads: bool = True

    @property
    def whole(self) -> bool:
        return self.leads and self.under == 1


@dataclass(frozen=True)
class End:
    """One end of an interval: ``sum(step * digit) + offset``.

    With P offsets there is one digit, and at its value p the end is ``step * (p - r) + offsets[r]``, with r = p mod P.
    """

    steps: tuple[tuple[Digit, Expr], ...]
    offsets: tuple[Expr, ...] = (_ZERO,)

    @property
    def offset(self) -> Expr:
        return self.offsets[0]

    @property
    def straight(self) -> bool:
        return len(self.offsets) == 1

    def at(self, position: int) -> int:
        """The value at a position; of an end of integers that follows one digit, or none."""
        if not self.steps:
            return int(self.offset)
        period = len(self.offsets)
        turns, rest = divmod(position, period)
        return int(self.steps[0][1] * period) * turns + int(self.offsets[rest])

    def first(self) -> Expr:
        """The value where all digits are zero."""
        return self.offset

    def last(self) -> Expr | None:
        """The value where all digits are largest, or None where that is not known."""
        total = self.offset
        for digit, step in self.steps:
            if digit.size is None:
                return None
            if not self.straight:
                return Integer(self.at(int(digit.size) - 1)) if digit.size.is_Integer else None
            total = total + step * (digit.size - 1)
        return simplify(total)

    def rises(self) -> bool | None:
        """Whether it never falls (True) or never rises (False) as its digits grow."""
        if self.straight:
            falling = {falls(step) for _, step in self.steps}
            return not falling.pop() if len(falling) == 1 else (True if not falling else None)
        values = [self.at(place) for place in range(len(self.offsets) + 1)]
        if all(a <= b for a, b in zip(values, values[1:])):
            return True
        return False if all(a >= b for a, b in zip(values, values[1:])) else None


def falls(step: Expr) -> bool:
    """Whether a step goes backwards; a step whose sign is not known is a product of sizes."""
    return bool(
        step.is_negative or (not step.is_nonnegative and is_nonnegative(step) is None and is_nonnegative(-step))
    )


def constant(value: Expr) -> End:
    return End((), (value,))


def straight(steps: Mapping[Digit, Expr], offset: Expr) -> End:
    """An end without repeating offsets; digits that make up one larger digit are written as that one."""
    kept = {digit: made for digit, step in steps.items() if (made := simplify(step)) != 0}
    if len(kept) > 1:  # a digit of one value is nothing beside others
        kept = {digit: step for digit, step in kept.items() if digit.size != 1} or dict([next(iter(kept.items()))])
    merged = True
    while merged and len(kept) > 1:
        merged = False
        for low, step in list(kept.items()):
            for high, further in list(kept.items()):
                if low.size is None or low == high or low.axis != high.axis or low not in kept or high not in kept:
                    continue
                if simplify(low.under * low.size - high.under) == 0 and simplify(step * low.size - further) == 0:
                    size = None if high.size is None else simplify(low.size * high.size)
                    del kept[low], kept[high]
                    kept[Digit(low.axis, size, low.under, high.leads)] = step
                    merged = True
    ordered = sorted(kept.items(), key=lambda item: (item[0].axis, str(item[0].under), str(item[0].size)))
    return End(tuple(ordered), (simplify(offset),))


def repeating(digit: Digit, step: Expr, offsets: Sequence[int]) -> End:
    """An end with offsets that repeat, by the shortest period that tells them."""
    period = len(offsets)
    for shorter in range(1, period + 1):
        advance = step * shorter
        if period % shorter or not advance.is_Integer:
            continue
        if all(
            offsets[place] == offsets[place % shorter] + int(advance) * (place // shorter) for place in range(period)
        ):
            break
    if shorter == 1:
        return straight({digit: step}, Integer(offsets[0]))
    return End(((digit, step),), tuple(map(Integer, offsets[:shorter])))


def added(parts: Iterable[tuple[Expr, End]], more: Expr) -> End | None:
    """``sum(factor * end) + more``, or None where that follows several digits and repeats."""
    parts = list(parts)
    if all(end.straight for _, end in parts):
        steps: dict[Digit, Expr] = {}
        offset = more
        for factor, end in parts:
            offset = offset + factor * end.offset
            for digit, step in end.steps:
                steps[digit] = steps.get(digit, _ZERO) + factor * step
        return straight(steps, offset)
    digits = {digit for _, end in parts for digit, _ in end.steps}
    period = lcm(*(len(end.offsets) for _, end in parts))
    if len(digits) != 1 or period > LONGEST_PERIOD or not more.is_Integer:
        return None
    if not all(factor.is_Integer and _counts(end) for factor, end in parts):
        return None
    digit = digits.pop()
    step = sum((factor * dict(end.steps).get(digit, _ZERO) for factor, end in parts), _ZERO)
    offsets = [sum(int(f) * end.at(place) for f, end in parts) + int(more) for place in range(period)]
    return repeating(digit, step, offsets)


def _counts(end: End) -> bool:
    """Whether an end is known at every position: it follows at most one digit, and all in it are integers."""
    whole = all((step * len(end.offsets)).is_Integer for _, step in end.steps)
    return len(end.steps) <= 1 and whole and all(offset.is_Integer for offset in end.offsets)


def substituted(outer: End, inner: End) -> End | None:
    """The end `outer` of one digit where the digit is `inner`."""
    if not (_counts(outer) and _counts(inner)):
        return None
    if not inner.steps:
        return constant(Integer(outer.at(int(inner.offset))))
    ((digit, step),) = inner.steps
    advance = int(step * len(inner.offsets))
    period = len(inner.offsets) * (len(outer.offsets) // gcd(len(outer.offsets), advance))
    if period > LONGEST_PERIOD:
        return None
    return repeating(digit, outer.steps[0][1] * step, [outer.at(inner.at(place)) for place in range(period)])


def relaxed(end: End, lower: bool) -> End:
    """A straight end that is nowhere inside of a given one."""
    if end.straight:
        return end
    ((digit, step),) = end.steps
    choose = min if lower else max
    return straight({digit: step}, choose(offset - step * place for place, offset in enumerate(end.offsets)))


@dataclass(frozen=True)
class Values:
    """The values that a digit takes for one output: an interval, the largest distance of neighbours in it, and whether it is exact."""

    low: End
    high: End
    exact: bool = True
    gap: Expr | None = _ONE

    @property
    def single(self) -> bool:
        return self.low == self.high


@dataclass(frozen=True)
class AxisReach:
    """Along one input axis: from `low` to `high`, borders not counted, as functions of the output's position.

    `extent`: the size of the input axis, where it is known.
    `exact`: the ends are read by every output, but for what lies beyond a border.
    `gap`, `run`: the largest distance of neighbours among the positions that one output reads, and the longest stretch of them
    without a hole; None where unknown.
    `border`: the first and the last position that any output reads, borders of all maps between counted.
    `clean`: between the borders, an output reads what it would read if there were none.
    `covered`: whether all outputs depend on the whole axis, where that is known otherwise than by the interval.
    `last`: where no position is left in the output, the reach of the last map that had some.
    `gated`: positions are left, and `last` is the reach beside branches that have none.
    """

    low: End
    high: End
    extent: Expr | None = None
    exact: bool = True
    gap: Expr | None = _ONE
    run: Expr | None = _ONE
    border: tuple[Expr, Expr] | None = None
    clean: bool = True
    covered: bool | None = None
    last: "AxisReach | None" = None
    gated: bool = False

    @property
    def digits(self) -> tuple[Digit, ...]:
        return tuple(dict.fromkeys(digit for end in (self.low, self.high) for digit, _ in end.steps))

    @property
    def moves(self) -> bool:
        return bool(self.digits)

    @property
    def still(self) -> bool:
        """Whether an output at a position reads that position alone."""
        return (
            self.low == self.high
            and self.low.straight
            and self.low.offset == 0
            and all(s == 1 for _, s in self.low.steps)
        )

    @property
    def shown(self) -> "AxisReach":
        """What is told of it: the last map that had positions, unless that is the input itself and all of it is joined."""
        if self.last is not None and self.gated:
            return self.last.shown
        return self if self.last is None or (self.last.still and not self.moves) else self.last

    @property
    def size(self) -> Expr:
        """How many positions the widest field holds, from its first to its last."""
        width = _width(self)
        if width is not None:
            return simplify(floor(width) + 1)
        # Neighbours' fields lie differently between the integers; this is the most that any of them holds.
        low, high = relaxed(self.low, True), relaxed(self.high, False)
        steps = {digit for digit, _ in (*low.steps, *high.steps)}
        total = high.offset - low.offset
        for digit in steps:
            wider = dict(high.steps).get(digit, _ZERO) - dict(low.steps).get(digit, _ZERO)
            total = total + (
                wider * (digit.size - 1) if wider != 0 and digit.size is not None and not falls(wider) else _ZERO
            )
        return simplify(floor(total) + 1)

    @property
    def even(self) -> bool:
        """Whether the field of every output is exactly that of the first one, moved on by as many jumps."""
        return self.exact and self.low.straight and self.high.straight and all(digit.whole for digit in self.digits)

    def jump(self, axis: int) -> Expr:
        """The step between the fields of neighbours; 0 where all outputs see the same from the start."""
        steps = [(digit.axis, step / digit.under if digit.leads else step) for digit, step in self.low.steps]
        for own, step in steps:
            if own == axis:
                return step
        return steps[0][1] if len(steps) == 1 else _ZERO

    @property
    def whole(self) -> bool | None:
        """Whether every output depends on the whole axis; None if that depends on the sizes, or is not known."""
        if self.covered is not None:
            return self.covered
        if self.extent is None or not self.moves and self.low.offset == 0 and self.high.offset == -1:
            return False
        if self.extent == 1 and self.exact and self.border is not None:
            return self._reaches()
        reaches = self._reaches()
        if reaches is False:
            return False
        if self.gap is not None and self.gap != 1 and self.run is not None and _at_least(self.extent - 1, self.run):
            return False if self.gap.is_Integer or _at_least(self.gap, Integer(2)) else None
        return reaches if reaches and self.gap == 1 and self.clean and self.exact else None

    def _reaches(self) -> bool | None:
        """Whether the intervals of all outputs, borders counted, go from the first position of the axis to the last."""
        assert self.extent is not None
        end = self.extent - 1
        answers: list[bool | None] = [None if self.border is None else _at_least(_ZERO, self.border[0])]
        answers.append(None if self.border is None else _at_least(self.border[1], end))
        answers += [_every(self.low, lambda value: _at_least(_ZERO, value))]
        answers += [_every(self.high, lambda value: _at_least(value, end))]
        return False if False in answers else None if None in answers else True

    def at(self, where: Sequence[int]) -> tuple[Expr, Expr]:
        """The first and the last position that the output at a position reads; of a network with numbers for sizes."""
        return _value(self.low, where), _value(self.high, where)


Reach: TypeAlias = tuple[AxisReach, ...]
"""One `AxisReach` for each input axis."""


def _value(end: End, where: Sequence[int]) -> Expr:
    total = end.offset
    for digit, step in end.steps:
        value = where[digit.axis] // int(digit.under)
        if not digit.leads and digit.size is not None:
            value %= int(digit.size)
        total = total + step * value if end.straight else Integer(end.at(value))
    return total


def _at_least(left: Expr, right: Expr) -> bool | None:
    """Whether left >= right for all sizes; False only if it holds for none."""
    difference = simplify(left - right)
    if is_nonnegative(difference):
        return True
    return False if is_nonnegative(-difference - 1) else None


def _not_below(least: Expr, value: Expr) -> bool | None:
    return _at_least(value, least)


def _every(end: End, holds: Callable[[Expr], bool | None]) -> bool | None:
    """Whether a condition holds at both extremes of an end."""
    if not end.straight:
        ((digit, _),) = end.steps
        if digit.size is None or not digit.size.is_Integer:
            return None
        answers = [holds(Integer(end.at(place))) for place in range(min(int(digit.size), 2 * WIDEST_WINDOW))]
        return False if False in answers else None if None in answers else True
    least = most = end.offset
    for digit, step in end.steps:
        if digit.size is None:
            return None
        way = step * (digit.size - 1)
        least, most = (least + way, most) if falls(step) else (least, most + way)
    answers = [holds(least), holds(most)]
    return False if False in answers else None if None in answers else True


def _period(reach: AxisReach) -> int:
    return lcm(len(reach.low.offsets), len(reach.high.offsets))


def _width(reach: AxisReach) -> Expr | None:
    """The largest distance of the two ends, where both follow the same digit."""
    if reach.low.straight and reach.high.straight:
        low, high = dict(reach.low.steps), dict(reach.high.steps)
        integral = all(step.is_integer for step in (*low.values(), *high.values()))
        return simplify(reach.high.offset - reach.low.offset) if low == high and integral else None
    if len(reach.digits) != 1 or not (_counts(reach.low) and _counts(reach.high)):
        return None
    if dict(reach.low.steps) != dict(reach.high.steps):
        return None
    (digit,) = reach.digits
    places = _period(reach) if digit.size is None or not digit.size.is_Integer else min(_period(reach), int(digit.size))
    return Integer(max(reach.high.at(place) - reach.low.at(place) for place in range(places)))


def identity(rank: int, sizes: Sequence[Expr] | None = None) -> Reach:
    """Every output position is the input position."""
    return tuple(identity_of(axis, None if sizes is None else sizes[axis]) for axis in range(rank))


def identity_of(axis: int, size: Expr | None) -> AxisReach:
    end = straight({Digit(axis, size): _ONE}, _ZERO)
    return AxisReach(end, end, size, border=None if size is None else (_ZERO, size - 1))


def joined(size: Expr, exact: bool = True) -> AxisReach:
    """All of an axis, wherever the output."""
    return AxisReach(constant(_ZERO), constant(simplify(size - 1)), size, exact, _ONE, size, (_ZERO, size - 1))


# composition ---------------------------------------------------------------------------------------------------------


def compose(first: Reach, then: Reach) -> Reach:
    """The reach of one network after another: `then` is applied to the output of `first`."""
    return tuple(_composed(own, then) for own in first)


def _composed(own: AxisReach, then: Reach) -> AxisReach:
    if own.gated and own.last is not None:
        return replace(
            _composed(replace(own, last=None, gated=False), then), last=_composed(own.last, then), gated=True
        )
    if not own.moves:
        return own
    made = _through(own, {digit: then[digit.axis] for digit in own.digits})
    kept = {digit: one for digit in own.digits if (one := then[digit.axis].last) is not None}
    gated = any(then[digit.axis].gated for digit in own.digits)
    if len(kept) < len(own.digits):  # there are positions, or there are again
        return made
    last = own.last if own.last is not None else _through(replace(own, covered=None), kept)
    return replace(made, last=last, gated=gated)


def _through(own: AxisReach, following: Mapping[Digit, AxisReach]) -> AxisReach:
    values = {digit: digit_values(other, digit) for digit, other in following.items()}
    low, low_exact = _end_through(own.low, values, True)
    high, high_exact = _end_through(own.high, values, False)
    exact = own.exact and low_exact and high_exact and all(value.exact for value in values.values())
    gap, run = _holes(own, values)
    border, inside = _borders(own, following)
    plain = own.gap == 1 and all(value.gap == 1 for value in values.values())
    clean = own.clean and all(other.clean for other in following.values()) and (plain or inside)
    reads_nothing = any(value.low.offset == 0 and value.high == constant(-_ONE) for value in values.values())
    return AxisReach(
        low, high, own.extent, exact, gap, run, border, clean, True if own.covered and not reads_nothing else None
    )


def _end_through(end: End, values: Mapping[Digit, Values], lower: bool) -> tuple[End, bool]:
    """One end with the digits' values put in, and whether nothing was given away."""
    if not end.steps:
        return end, True
    if end.straight:
        made = added(
            ((step, values[d].high if falls(step) is lower else values[d].low) for d, step in end.steps), end.offset
        )
        apart = len({digit.axis for digit, _ in end.steps}) == len(end.steps)
        if made is not None:
            return made, apart or all(values[digit].single for digit, _ in end.steps)
    else:
        ((digit, _),) = end.steps
        value, rising = values[digit], end.rises()
        if rising is not None:
            made = substituted(end, value.low if rising is lower else value.high)
        else:
            made = _extreme(end, value, lower)
        if made is not None:
            return made, True
        end = relaxed(end, lower)
    made = added(
        ((step, relaxed(values[d].high, False) if falls(step) is lower else relaxed(values[d].low, True)) for d, step in end.steps),
        end.offset,
    )  # fmt: skip
    assert made is not None
    return made, False


def _extreme(end: End, value: Values, lower: bool) -> End | None:
    """The least or largest of an end that goes up and down, over the values that its digit takes."""
    span = added([(_ONE, value.high), (-_ONE, value.low)], _ZERO)
    if (
        span is None
        or span.steps
        or not span.straight
        or not span.offset.is_Integer
        or value.gap is None
        or not value.gap.is_Integer
    ):
        return None
    width, gap = int(span.offset), int(value.gap)
    # Over a whole period all residues occur; where the end has a slope beside, all values are looked at.
    if width > WIDEST_WINDOW:
        return None
    choose = min if lower else max
    ((digit, step),) = end.steps
    period = len(end.offsets)
    window = End(
        ((digit, step),),
        tuple(Integer(choose(end.at(place + way) for way in range(0, width + 1, gap))) for place in range(period)),
    )
    return substituted(window, value.low)


def _holes(own: AxisReach, values: Mapping[Digit, Values]) -> tuple[Expr | None, Expr | None]:
    """The gap and the run of what is read: every digit puts copies of what was read so far side by side."""
    gap, run = own.gap, own.run
    if all(value.single for value in values.values()):
        return gap, run
    if not (own.low.straight and own.high.straight):
        return _holes_repeating(own, values)
    if own.low.steps != own.high.steps:  # it grows from a fixed end
        return (_ONE, None) if gap == 1 else (None, None)
    width = simplify(own.high.offset - own.low.offset)
    order = [(step if not falls(step) else -step, values[digit]) for digit, step in own.low.steps]
    order = sorted(
        order,
        key=lambda item: (
            not item[1].single,
            not item[0].is_Integer,
            item[0] if item[0].is_Integer else 0,
            str(item[0]),
        ),
    )
    for step, value in order:
        if value.single:
            continue
        if gap is None or value.gap is None:
            return None, None
        count = added([(_ONE, value.high), (-_ONE, value.low)], _ZERO)
        way = simplify(step * value.gap)
        if gap == 1:
            if _at_least(width + 1, way):
                run = None
            elif _at_least(way, width + 2):
                gap, run = simplify(way - width), simplify(width + 1)
            else:
                return None, None
        elif simplify(way / gap).is_integer:
            if not _at_least(width + gap, way):
                gap = simplify(way - width) if _at_least(way, width + gap) else None
        elif way == 1 and count is not None and not count.steps and count.straight and _at_least(count.offset + 1, gap):
            gap, run = _ONE, None
        else:
            return None, None
        if count is None or count.steps or not count.straight:
            return (gap, run) if len(order) == 1 else (None, None)
        width = simplify(width + step * count.offset)
    return gap, run


def _holes_repeating(own: AxisReach, values: Mapping[Digit, Values]) -> tuple[Expr | None, Expr | None]:
    """Whether fields that lie at repeating offsets leave no hole between neighbours."""
    ((_, value),) = values.items() if len(values) == 1 else ((None, None),)
    if value is None or own.gap != 1 or value.gap is None or not value.gap.is_Integer:
        return None, None
    if not (_counts(own.low) and _counts(own.high)) or own.low.rises() is None or own.high.rises() is None:
        return None, None
    next_one = int(value.gap)
    low, high = own.low, own.high
    close = all(
        low.at(place + next_one) <= high.at(place) + 1 and low.at(place) <= high.at(place + next_one) + 1
        for place in range(_period(own))
    )
    return (_ONE, None) if close else (None, None)


def _borders(own: AxisReach, following: Mapping[Digit, AxisReach]) -> tuple[tuple[Expr, Expr] | None, bool]:
    """The first and the last position that is read at all; and whether the maps between have no border that is overstepped."""
    inside = True
    for other in following.values():
        if other.border is None or other.extent is None:
            return None, False
        first, last = other.border
        within = (_every(other.low, partial(_not_below, first)), _every(other.high, partial(_at_least, last)))
        inside = inside and within == (True, True)
    if own.border is None:
        return None, inside
    full = all(
        (other.extent is not None and other.border == (_ZERO, other.extent - 1)) or _covers(other)
        for other in following.values()
    )
    if full:
        ends: tuple[Expr | None, Expr | None]
        ends = _extremes(own)
    elif len(following) == 1 and next(iter(following)).whole:
        ((digit, other),) = following.items()
        ends = _clipped(own, digit, other)
    else:
        return None, inside
    if ends[0] is None or ends[1] is None:
        return None, inside
    return (_larger(own.border[0], ends[0]), _smaller(own.border[1], ends[1])), inside


def _covers(other: AxisReach) -> bool:
    return other.border is not None and other.extent is not None and bool(
        _at_least(_ZERO, other.border[0]) and _at_least(other.border[1], other.extent - 1)
    )  # fmt: skip


def _extremes(own: AxisReach) -> tuple[Expr | None, Expr | None]:
    """The least first position and the largest last one over all positions of the output."""
    found: list[Expr | None] = []
    for end, lower in ((own.low, True), (own.high, False)):
        rising = end.rises() if end.steps else True
        if rising is None and end.straight:
            total: Expr | None = end.offset
            for digit, step in end.steps:
                if digit.size is None:
                    total = None
                    break
                total = (
                    total + (step * (digit.size - 1) if falls(step) is lower else _ZERO) if total is not None else None
                )
            found.append(None if total is None else simplify(total))
        elif rising is None:
            found.append(Integer((min if lower else max)(map(int, end.offsets))) if end.steps[0][1] == 0 else None)
        else:
            found.append(end.first() if rising is lower else end.last())
    return found[0], found[1]


def _clipped(own: AxisReach, digit: Digit, other: AxisReach) -> tuple[Expr | None, Expr | None]:
    assert other.border is not None
    found: list[Expr | None] = []
    for end, lower in ((own.low, True), (own.high, False)):
        rising = end.rises() if end.steps else True
        if rising is None:
            return None, None
        made = (
            substituted(end, constant(other.border[0] if rising is lower else other.border[1]))
            if not end.straight
            else None
        )
        if end.straight:
            made = added(
                [(step, constant(other.border[0] if rising is lower else other.border[1])) for _, step in end.steps],
                end.offset,
            )
        found.append(None if made is None else made.offset)
    return found[0], found[1]


def _larger(left: Expr, right: Expr) -> Expr:
    return left if _at_least(left, right) else right if _at_least(right, left) else simplify(Max(left, right))


def _smaller(left: Expr, right: Expr) -> Expr:
    return right if _at_least(left, right) else left if _at_least(right, left) else simplify(Min(left, right))


# digits --------------------------------------------------------------------------------------------------------------


def digit_values(axis: AxisReach, digit: Digit) -> Values:
    """The values of a digit of a position that an output reads, where `axis` says which positions those are."""
    if digit.whole:
        return Values(axis.low, axis.high, axis.exact, axis.gap)
    assert digit.size is not None
    if not axis.moves:
        return _digit_of_interval(axis, digit)
    if axis.low == axis.high and axis.low.straight and axis.low.offset == 0 and axis.exact:
        aligned = _aligned(axis.low, digit)
        if aligned is not None:
            return Values(aligned, aligned)
    period = digit.under if digit.leads else simplify(digit.under * digit.size)
    if period.is_Integer and period <= LONGEST_PERIOD:
        whole = Digit(0, None)
        if digit.leads:
            outer = End(((whole, _ONE / digit.under),), (_ZERO,) * int(period))
        else:
            outer = End(((whole, _ZERO),), tuple(Integer(p // int(digit.under)) for p in range(int(period))))
        value = {whole: Values(axis.low, axis.high, axis.exact, axis.gap)}
        (low, sharp), (high, clear) = (_end_through(outer, value, lower) for lower in (True, False))
        if sharp and clear:
            dense = digit.leads and axis.gap is not None and bool(_at_least(digit.under, axis.gap))
            return Values(low, high, axis.exact, _ONE if dense or low == high else None)
    if digit.leads:
        below = added([(_ONE / digit.under, relaxed(axis.low, True))], -(digit.under - 1) / digit.under)
        above = added([(_ONE / digit.under, relaxed(axis.high, False))], _ZERO)
        assert below is not None and above is not None
        return Values(below, above, False, None)
    return Values(constant(_ZERO), constant(digit.size - 1), False, None)


def _digit_of_interval(axis: AxisReach, digit: Digit) -> Values:
    """A digit of positions that are the same for all outputs."""
    assert digit.size is not None
    low, high = axis.low.offset, axis.high.offset
    period = simplify(digit.under * digit.size)
    close = axis.gap is not None and bool(_at_least(digit.under, axis.gap))
    if low == 0 and high == -1:
        return Values(axis.low, axis.high, axis.exact)
    if not digit.leads and axis.gap == 1 and _at_least(high - low, period - 1):
        return Values(constant(_ZERO), constant(simplify(digit.size - 1)), axis.exact)
    if digit.leads and low.is_integer and high.is_integer:
        ends = [simplify(floor(end / digit.under)) for end in (low, high)]
        return Values(constant(ends[0]), constant(ends[1]), axis.exact, _ONE if close else None)
    if low.is_Integer and high.is_Integer and period.is_Integer and digit.under.is_Integer:
        if int(low) // int(period) == int(high) // int(period):
            ends = [Integer(int(end) % int(period) // int(digit.under)) for end in (low, high)]
            return Values(constant(ends[0]), constant(ends[1]), axis.exact, _ONE if close or low == high else None)
    return Values(constant(_ZERO), constant(simplify(digit.size - 1)), False, None)


def _aligned(position: End, digit: Digit) -> End | None:
    """A digit of a position that is a number written with digits, where the borders of digits agree."""
    assert digit.size is not None
    above = None if digit.leads else simplify(digit.under * digit.size)
    steps: dict[Digit, Expr] = {}
    places = position.steps
    for one, step in places:
        if one.size is None:
            return None
        for other, further in places:
            if other.size is None or other == one:
                continue
            if not (_divides(step * one.size, further) or _divides(further * other.size, step)):
                return None
    for one, step in places:
        assert one.size is not None
        top = simplify(step * one.size)
        if _divides(top, digit.under) or (above is not None and _divides(above, step)):
            continue  # all of it lies below the digit, or above
        lowest = step if _divides(digit.under, step) else digit.under
        highest = top if above is None or _divides(top, above) else above
        if not (
            _divides(step, lowest)
            and _divides(lowest, highest)
            and _divides(highest, top)
            and _divides(digit.under, lowest)
        ):
            return None
        part = Digit(
            one.axis, simplify(highest / lowest), simplify(one.under * lowest / step), one.leads and highest == top
        )
        steps[part] = simplify(lowest / digit.under)
    return straight(steps, _ZERO)


def _divides(small: Expr, large: Expr) -> bool:
    return bool(simplify(large / small).is_integer)


# union ---------------------------------------------------------------------------------------------------------------


def union(reaches: Sequence[Reach], positions: Sequence[Expr] | None = None) -> Reach:
    """The smallest intervals that hold what any of several branches of one input sees; `positions` are the sizes of their output."""
    if positions is not None:
        reaches = [tuple(_sized(own, positions) for own in reach) for reach in reaches]
    return tuple(_union_axis(parts, positions) for parts in zip(*reaches))


def _sized(own: AxisReach, positions: Sequence[Expr]) -> AxisReach:
    """A reach in whose digits the sizes of axes are written as those of the join are."""
    low, high = (
        End(tuple((replace(d, size=positions[d.axis]) if d.whole else d, step) for d, step in end.steps), end.offsets)
        for end in (own.low, own.high)
    )
    return replace(own, low=low, high=high)


def _union_axis(parts: Sequence[AxisReach], positions: Sequence[Expr] | None) -> AxisReach:
    parts = list(dict.fromkeys(parts))
    if len(parts) == 1:
        return parts[0]
    size = next((part.extent for part in parts if part.extent is not None), None)
    seeing = [part for part in parts if part.moves or part.high.offset != -1 or part.low.offset != 0] or parts
    if len(seeing) == 1:
        return seeing[0]
    last = None
    if all(part.last is not None for part in seeing):
        last = _hull([part.last for part in seeing if part.last is not None], positions, size)
        return replace(_hull(seeing, positions, size), last=last, gated=any(part.gated for part in seeing))
    moving = [part for part in seeing if part.last is None]
    if len(moving) < len(seeing):
        # What is told is what the branches with positions see; a branch without them can see all there is.
        whole = next((part for part in seeing if part.whole is True and not part.moves), None)
        told = _hull(moving, positions, size)
        return replace(whole if whole is not None else _hull(seeing, positions, size), last=told, gated=True)
    return _hull(seeing, positions, size)


def _hull(parts: Sequence[AxisReach], positions: Sequence[Expr] | None, size: Expr | None) -> AxisReach:
    if len(parts) == 1:
        return parts[0]
    wholes = [part.whole for part in parts]
    covered = True if True in wholes else None
    exact = all(part.exact for part in parts)
    border = parts[0].border if all(part.border == parts[0].border for part in parts) else None
    low, high = (_outermost([getattr(part, name) for part in parts], name == "low") for name in ("low", "high"))
    if low is not None and high is not None:
        largest = next((part for part in parts if part.low == low and part.high == high), None)
        if border is None and largest is not None and largest.gap == 1 and largest.clean:
            border = largest.border
        dense = largest is not None and largest.gap == 1 or all(part.gap == 1 for part in parts) and _touching(parts)
        clean = all(part.clean for part in parts)
        made = AxisReach(low, high, size, exact, _ONE if dense else None, None, border, clean)
        return replace(made, covered=covered if made.whole is not True else None)
    if size is None:
        raise UnsupportedError("branches that advance at different steps have no common receptive field")
    return _span_of(parts, positions, size, covered, exact)


def _span_of(
    parts: Sequence[AxisReach], positions: Sequence[Expr] | None, size: Expr, covered: bool | None, exact: bool
) -> AxisReach:
    """Fields that advance differently have one interval that holds them all, from the first output to the last.

    Margins count, as in a single field. Where the number of outputs is not known, it holds the axis and what the first output sees.
    """
    spans = [span(part) if positions is not None else (part.low.offset, part.high.offset) for part in parts]
    axis = [(_ZERO, size - 1)] if positions is None or any(low is None or high is None for low, high in spans) else []
    known = [(low, high) for low, high in spans if low is not None and high is not None]
    low = simplify(Min(*(one[0] for one in (*axis, *known))))
    high = simplify(Max(*(one[1] for one in (*axis, *known))))
    digits = {digit for part in parts for digit in part.digits}
    single = positions is not None and all(positions[digit.axis] == 1 for digit in digits)
    fits = low == 0 and simplify(high - size + 1) == 0
    if covered is None and _some_output_misses(parts, size):
        covered = False
    sharp = exact and (single or (fits and covered is True))
    return AxisReach(constant(low), constant(high), size, sharp, None, None, None, False, covered)


def _some_output_misses(parts: Sequence[AxisReach], size: Expr) -> bool:
    """Whether the first or the last output does not see an end of the axis through any branch."""
    firsts = [_at_least(part.high.first(), size - 1) is False for part in parts]
    lasts = [(value := part.low.last()) is not None and _at_least(_ZERO, value) is False for part in parts]
    starts = [_at_least(_ZERO, part.low.first()) is False for part in parts]
    return all(firsts) or all(lasts) or all(starts)


def span(reach: AxisReach) -> tuple[Expr | None, Expr | None]:
    """What all outputs together see, from the first position to the last."""
    return _extremes(reach)


def _outermost(ends: Sequence[End], lower: bool) -> End | None:
    """The least or largest of ends that advance alike."""
    if all(end == ends[0] for end in ends):
        return ends[0]
    if any(end.steps != ends[0].steps for end in ends):
        return None
    if all(end.straight for end in ends):
        return End(ends[0].steps, (simplify((Min if lower else Max)(*(end.offset for end in ends))),))
    period = lcm(*(len(end.offsets) for end in ends))
    if period > LONGEST_PERIOD or not all(map(_counts, ends)):
        return None
    ((digit, step),) = ends[0].steps
    choose = min if lower else max
    return repeating(digit, step, [choose(end.at(place) for end in ends) for place in range(period)])


def _touching(parts: Sequence[AxisReach]) -> bool:
    """Whether intervals that advance alike overlap or touch, so that together they have no hole."""
    if not all(part.low.straight and part.high.straight and part.low.steps == part.high.steps for part in parts):
        return False
    if not all(part.low.offset.is_Integer and part.high.offset.is_Integer for part in parts):
        return False
    ordered = sorted((int(part.low.offset), int(part.high.offset)) for part in parts)
    reached = ordered[0][1]
    for low, high in ordered[1:]:
        if low > reached + 1:
            return False
        reached = max(reached, high)
    return True


def broadcast(reach: Reach, positions: Sequence[Expr], wanted: Sequence[Expr]) -> Reach:
    """A branch of one position along an axis where the join has more: every output sees what that one position sees."""
    still = {axis for axis, (own, size) in enumerate(zip(positions, wanted)) if own == 1 != size}
    if not still:
        return reach
    return tuple(replace(own, low=_without(own.low, still), high=_without(own.high, still)) for own in reach)


def _without(end: End, axes: set[int]) -> End:
    steps = tuple((digit, step) for digit, step in end.steps if digit.axis not in axes)
    return End(steps, end.offsets if len(steps) == len(end.steps) else end.offsets[:1])


# repetition ----------------------------------------------------------------------------------------------------------


def power(reach: Reach, times: Expr, index: Index | None = None) -> Reach:
    """The reach of `times` copies in series; with an `index`, copy `index` has the given reach."""
    if times.is_Integer and index is None and 1 <= times <= MOST_COPIES and any(_is_bent(own) for own in reach):
        made = reach
        for _ in range(int(times) - 1):
            made = compose(made, reach)
        return made
    return tuple(_power_axis(axis, own, times, index) for axis, own in enumerate(reach))


def _is_bent(own: AxisReach) -> bool:
    return own.moves and not (own.low.straight and own.high.straight and all(digit.whole for digit in own.digits))


def _power_axis(axis: int, own: AxisReach, times: Expr, index: Index | None) -> AxisReach:
    if not own.moves:
        return own
    low, high, exact = relaxed(own.low, True), relaxed(own.high, False), own.exact and not _is_bent(own)
    if {digit.axis for digit in own.digits} != {axis} or len(own.digits) != 1:
        raise UnsupportedError("a repeated network that moves positions to another axis has no closed receptive field")
    (digit,) = own.digits
    if not digit.whole:
        if not digit.leads:
            raise UnsupportedError("a repeated network that splits an axis has no closed receptive field")
        values = Values(low, high)
        whole = Digit(axis, None)
        low, high = (
            straight(
                dict.fromkeys([whole], end.steps[0][1] / digit.under) if end.steps else {},
                end.offset - (more if end.steps else 0),
            )
            for end, more in ((values.low, _slack(values.low, digit)), (values.high, _ZERO))
        )
        digit = whole
    if low.steps != high.steps:
        return _grown(own, low, high)
    step = low.steps[0][1]
    if index is not None and step.has(index):
        raise UnsupportedError(
            "a repeated network whose stride changes from copy to copy has no closed receptive field"
        )
    counter = index if index is not None else Index("copy")
    scale = step**counter
    ends = [summation(end.offset * scale, counter, _ZERO, times - 1) for end in (low, high)]
    border = _fixed_border(own, low.offset, high.offset, step)
    close = own.gap == 1 and bool(_at_least(high.offset - low.offset + 1, step))
    single = low.offset == high.offset
    whole = Digit(axis, digit.size if step == 1 else None)
    return AxisReach(
        straight({whole: step**times}, ends[0]), straight({whole: step**times}, ends[1]), own.extent, exact,
        _ONE if close or single else None, None, border, own.clean and close, own.covered, own.last,
    )  # fmt: skip


def _slack(end: End, digit: Digit) -> Expr:
    return end.steps[0][1] * (digit.under - 1) / digit.under


def _grown(own: AxisReach, low: End, high: End) -> AxisReach:
    """Copies of a map that sees everything up to its position see the same."""
    still = [end for end in (low, high) if end.steps]
    if len(still) == 1 and still[0].steps[0][1] == 1 and still[0].offset == 0:
        return own
    raise UnsupportedError(
        "repeated copies of a map whose field grows with the position have no closed receptive field"
    )


def _fixed_border(own: AxisReach, low: Expr, high: Expr, step: Expr) -> tuple[Expr, Expr] | None:
    """The border of any number of copies, where a copy does not move it."""
    if own.border is None:
        return None
    first, last = own.border
    if _at_least(first, step * first + low) and _at_least(step * last + high, last):
        return own.border
    return None
