"""An end of an interval where its digits take the values of another reach."""

from __future__ import annotations

from collections.abc import Mapping

from sympy import Integer

from .axis import Values
from .ends import Digit, End, added, falls, loosened, substituted
from .order import WIDEST_WINDOW

_ZERO, _ONE = Integer(0), Integer(1)


def end_through(end: End, values: Mapping[Digit, Values], lower: bool) -> tuple[End, bool]:
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
        end = loosened(end, lower)
    made = added(
        ((step, loosened(values[d].high, False) if falls(step) is lower else loosened(values[d].low, True)) for d, step in end.steps),
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
