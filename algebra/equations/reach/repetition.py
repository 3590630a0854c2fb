"""The reach of copies of a network in series."""

from __future__ import annotations

from functools import lru_cache

from sympy import Expr, Integer

from ...errors import UnsupportedError
from ...sizes.dims import Index
from ...sizes.normal_form import simplify
from ...sizes.summation import summation
from .axis import AxisReach, Limits, Reach, Values, on_axis
from .ends import Digit, End, loosened, straight
from .order import at_least, larger, smaller
from .series import compose

_ZERO, _ONE = Integer(0), Integer(1)
MOST_COPIES = 64


def power(reach: Reach, times: Expr, index: Index | None = None) -> Reach:
    """The reach of `times` copies in series; with an `index`, copy `index` has the given reach."""
    if times.is_Integer and index is None and 1 <= times <= MOST_COPIES and any(_is_bent(own) for own in reach):
        made = reach
        for _ in range(int(times) - 1):
            made = compose(made, reach)
        return made
    return tuple(_power_along(axis, own, times, index) for axis, own in enumerate(reach))


def _power_along(axis: int, own: AxisReach, times: Expr, index: Index | None) -> AxisReach:
    """Along one axis; axes that are alike are seen once."""
    alone = own.last is None and own.core is None and not own.gated
    if alone and own.moves and own.on_first_axis is not None and own.digits[0].axis == axis:
        return on_axis(_power_axis(0, own.on_first_axis, times, index), axis)
    return _power_axis(axis, own, times, index)


def _is_bent(own: AxisReach) -> bool:
    return own.moves and not (own.low.straight and own.high.straight and all(digit.whole for digit in own.digits))


@lru_cache(maxsize=10_000)
def _power_axis(axis: int, own: AxisReach, times: Expr, index: Index | None) -> AxisReach:
    if own.gated and own.last is not None:
        made = _power_axis(axis, own.changed(last=None, gated=False), times, index)
        return made.changed(last=_power_axis(axis, own.last, times, index), gated=True)
    if own.core is not None:  # which channels of the copies before a channel sees is not followed
        made = _power_axis(axis, own.changed(core=None), times, index)
        return made.changed(core=own.core.changed(exact=False, clean=False, covered=None))
    if not times.is_positive:
        own = own.changed(covered=None)
    if not own.moves:
        return _if_any(own, times)
    low, high, exact = loosened(own.low, True), loosened(own.high, False), own.exact and not _is_bent(own)
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
        return _if_any(_grown(own, low, high), times)
    step = low.steps[0][1]
    if index is not None and step.has(index):
        raise UnsupportedError(
            "a repeated network whose stride changes from copy to copy has no closed receptive field"
        )
    counter = index if index is not None else Index("copy")
    scale = step**counter
    ends = [summation(end.offset * scale, counter, _ZERO, times - 1) for end in (low, high)]
    border = _fixed_border(own, low.offset, high.offset, step)
    close = own.gap == 1 and bool(at_least(high.offset - low.offset + 1, step))
    single = low.offset == high.offset
    whole = Digit(axis, digit.size if step == 1 else None)
    return AxisReach(
        straight({whole: step**times}, ends[0]), straight({whole: step**times}, ends[1]), own.extent, exact,
        _ONE if close or single else None, None, border, own.clean and close, own.covered, own.last,
        limits=_limits(own, times, index),
    )  # fmt: skip


def _limits(own: AxisReach, times: Expr, index: Index | None) -> Limits | None:
    """What copies see of the input lies where the first of them sees it; where there may be none, on the whole axis."""
    if own.limits is None or own.extent is None:
        return None
    first, last, end = own.limits.first, own.limits.last, simplify(own.extent - 1)
    if not times.is_positive:
        first, last = smaller(first, _ZERO), larger(last, end)
    if index is not None:
        first, last = first.xreplace({index: _ZERO}), last.xreplace({index: _ZERO})
    return Limits(first, last, own.limits.full and (times.is_positive is True or (first, last) == (_ZERO, end)))


def _if_any(own: AxisReach, times: Expr) -> AxisReach:
    """What any number of copies see, where there may be none, which see one position."""
    if times.is_positive:
        return own
    return own.changed(exact=False, last=None if own.last is None else own.last.changed(exact=False))


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
    if at_least(first, step * first + low) and at_least(step * last + high, last):
        return own.border
    return None
