"""The holes between the positions that one output reads."""

from __future__ import annotations

from collections.abc import Mapping

from sympy import Expr, Integer

from ...sizes.normal_form import simplify
from .axis import AxisReach, Values, period_of
from .ends import Digit, added, falls, is_counted
from .order import at_least

_ZERO, _ONE = Integer(0), Integer(1)


def holes(own: AxisReach, values: Mapping[Digit, Values]) -> tuple[Expr | None, Expr | None]:
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
    if len(order) > 1:
        order.sort(
            key=lambda item: (
                not item[1].single,
                not item[0].is_Integer,
                item[0] if item[0].is_Integer else 0,
                str(item[0]),
            )
        )
    for step, value in order:
        if value.single:
            continue
        if gap is None or value.gap is None:
            return None, None
        count = added([(_ONE, value.high), (-_ONE, value.low)], _ZERO)
        way = simplify(step * value.gap)
        if gap == 1:
            if at_least(width + 1, way):
                run = None
            elif at_least(way, width + 2):
                gap, run = simplify(way - width), simplify(width + 1)
            else:
                return None, None
        elif simplify(way / gap).is_integer:
            if not at_least(width + gap, way):
                gap = simplify(way - width) if at_least(way, width + gap) else None
        elif way == 1 and count is not None and not count.steps and count.straight and at_least(count.offset + 1, gap):
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
    if not (is_counted(own.low) and is_counted(own.high)) or own.low.rises() is None or own.high.rises() is None:
        return None, None
    next_one = int(value.gap)
    low, high = own.low, own.high
    close = all(
        low.at(place + next_one) <= high.at(place) + 1 and low.at(place) <= high.at(place + next_one) + 1
        for place in range(period_of(own))
    )
    return (_ONE, None) if close else (None, None)
