"""The first and the last position of an axis that any output reads, where maps follow each other."""

from __future__ import annotations

from collections.abc import Mapping

from sympy import Expr, Integer, Max, Min

from ...sizes.normal_form import simplify
from .axis import AxisReach
from .ends import Digit, added, constant, falls, substituted
from .order import at_least, holds_everywhere, larger, smaller

_ZERO = Integer(0)


def borders(own: AxisReach, following: Mapping[Digit, AxisReach]) -> tuple[tuple[Expr, Expr] | None, bool]:
    """The first and the last position that is read at all; and whether the maps between have no border that is overstepped."""
    inside = True
    for other in following.values():
        if other.border is None or other.extent is None:
            return None, False
        inside = inside and within(other, *other.border)
    if own.border is None or any(border.has(Max, Min) for border in own.border):
        return None, inside  # where the order was not known before, it is not known further on
    full = all(map(_covers, following.values()))
    if full:
        ends: tuple[Expr | None, Expr | None]
        ends = span(own)
    elif len(following) == 1 and next(iter(following)).whole:
        ((digit, other),) = following.items()
        ends = _clipped(own, other)
    else:
        return None, inside
    if ends[0] is None or ends[1] is None:
        return None, inside
    return (larger(own.border[0], ends[0]), smaller(own.border[1], ends[1])), inside


def within(reach: AxisReach, first: Expr, last: Expr) -> bool:
    """Whether no output reads beyond two positions."""
    below = holds_everywhere(reach.low, lambda value: at_least(value, first))
    return below is True and holds_everywhere(reach.high, lambda value: at_least(last, value)) is True


def _covers(other: AxisReach) -> bool:
    return other.border is not None and other.extent is not None and bool(
        at_least(_ZERO, other.border[0]) and at_least(other.border[1], other.extent - 1)
    )  # fmt: skip


def reads_all(reach: AxisReach) -> bool:
    """Whether every position of an axis is read by some output; False where that is not known."""
    first, last = span(reach)
    if reach.extent is None or reach.gap != 1 or not reach.clean or first is None or last is None:
        return False
    if reach.moves:
        low, high = reach.low, reach.high
        if not (low.straight and high.straight) or low.steps != high.steps or len(low.steps) != 1:
            return False
        step = low.steps[0][1]
        if not at_least(high.offset - low.offset + 1, -step if falls(step) else step):
            return False
    return bool(at_least(_ZERO, first) and at_least(last, reach.extent - 1))


def span(own: AxisReach) -> tuple[Expr | None, Expr | None]:
    """The least first position and the largest last one over all positions of the output.

    Where fields also tell of what is no position of the axis, the limits are those of what is one, and of what maps since have
    left of it.
    """
    first, last = _reached(own)
    if own.limits is None:
        return first, last
    limits = own.limits
    return (
        first if first is not None and at_least(first, limits.first) else limits.first,
        last if last is not None and at_least(limits.last, last) else limits.last,
    )


def _reached(own: AxisReach) -> tuple[Expr | None, Expr | None]:
    """The least value of the first end and the largest of the last one."""
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


def _clipped(own: AxisReach, other: AxisReach) -> tuple[Expr | None, Expr | None]:
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
