"""The values that a digit of a position takes, where the positions are those that an output reads."""

from __future__ import annotations

from sympy import Expr, Integer, floor

from ...sizes.normal_form import simplify
from .axis import AxisReach, Values
from .ends import LONGEST_PERIOD, Digit, End, added, constant, loosened, straight
from .order import at_least, larger, smaller
from .values_through import end_through

_ZERO, _ONE = Integer(0), Integer(1)


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
        (low, sharp), (high, clear) = (end_through(outer, value, lower) for lower in (True, False))
        if sharp and clear:
            dense = digit.leads and axis.gap is not None and bool(at_least(digit.under, axis.gap))
            return Values(low, high, axis.exact, _ONE if dense or low == high else None)
    if digit.leads:
        below = added([(_ONE / digit.under, loosened(axis.low, True))], -(digit.under - 1) / digit.under)
        above = added([(_ONE / digit.under, loosened(axis.high, False))], _ZERO)
        assert below is not None and above is not None
        return Values(below, above, False, None)
    return Values(constant(_ZERO), constant(digit.size - 1), False, None)


def _digit_of_interval(axis: AxisReach, digit: Digit) -> Values:
    """A digit of positions that are the same for all outputs."""
    assert digit.size is not None
    low, high = axis.low.offset, axis.high.offset
    if axis.extent is not None and not (low == 0 and high == -1):  # what lies beyond is on no digit
        low, high = larger(low, _ZERO), smaller(high, axis.extent - 1)
        if at_least(low, high + 1):
            low, high = _ZERO, -_ONE
    period = simplify(digit.under * digit.size)
    close = axis.gap is not None and bool(at_least(digit.under, axis.gap))
    if low == 0 and high == -1:
        return Values(constant(low), constant(high), axis.exact)
    if not digit.leads and axis.gap == 1 and at_least(high - low, period - 1):
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
