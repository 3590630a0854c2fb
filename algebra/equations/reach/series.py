"""The reach of networks in series."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from sympy import Integer

from .axis import AxisReach, Limits, Reach, on_axis
from .borders import borders, reads_all, span, within
from .digit_values import digit_values
from .ends import Digit, constant, falls
from .holes import holes
from .order import at_least, larger, smaller
from .values_through import end_through

_ZERO, _ONE = Integer(0), Integer(1)


def compose(first: Reach, then: Reach) -> Reach:
    """The reach of one network after another: `then` is applied to the output of `first`."""
    return tuple(_composed(own, then) for own in first)


@lru_cache(maxsize=20_000)  # equal blocks follow each other, and a network is asked for several times
def _composed(own: AxisReach, then: Reach) -> AxisReach:
    if own.core is None and all(then[digit.axis].core is None for digit in own.digits):
        return _told(own, then)
    # What every channel sees it sees through what every channel of the maps between sees.
    made = _told(_seen_by_any(own), tuple(map(_seen_by_any, then))).changed(
        core=_told(own.core or own, tuple(other.core or other for other in then))
    )
    if own.core is None:
        return made
    # Where channels are taken apart, an output may see through some branches only.
    followed = {digit.axis for digit in own.digits}
    whole = all(other.still or not other.moves for axis, other in enumerate(then) if axis not in followed)
    return made if whole else made.changed(exact=False)


def _seen_by_any(own: AxisReach) -> AxisReach:
    return own if own.core is None else own.changed(core=None)


def _told(own: AxisReach, then: Reach) -> AxisReach:
    if own.gated and own.last is not None:
        told = tuple(other.last if other.gated and other.last is not None else other for other in then)
        return _told(own.changed(last=None, gated=False), then).changed(last=_composed(own.last, told), gated=True)
    if not own.moves:
        return own if own.covered is not False else own.changed(covered=None)
    made = _through(own, tuple((digit, then[digit.axis]) for digit in own.digits))
    kept = tuple((digit, one) for digit in own.digits if (one := then[digit.axis].last) is not None)
    gated = any(then[digit.axis].gated for digit in own.digits)
    if len(kept) < len(own.digits):  # there are positions, or there are again
        return made
    last = own.last if own.last is not None else _through(own.changed(covered=None), kept)
    return made.changed(last=last, gated=gated)


def _through(own: AxisReach, pairs: tuple[tuple[Digit, AxisReach], ...]) -> AxisReach:
    """What is seen through maps of the axes of `own`; which numbers these axes have does not matter to one that follows another."""
    if len(pairs) == 1:
        ((digit, other),) = pairs
        own_plain, plain = own.on_first_axis, other.on_first_axis
        if own_plain is not None and plain is not None:
            made = _followed(own_plain, ((digit if digit.axis == 0 else digit.changed(axis=0), plain),))
            return on_axis(made, other.digits[0].axis) if other.moves else made
    return _followed(own, pairs)


@lru_cache(maxsize=20_000)  # equal blocks follow each other, and axes are often alike
def _followed(own: AxisReach, pairs: tuple[tuple[Digit, AxisReach], ...]) -> AxisReach:
    following = dict(pairs)
    values = {digit: digit_values(other, digit) for digit, other in following.items()}
    low, low_exact = end_through(own.low, values, True)
    high, high_exact = end_through(own.high, values, False)
    exact = own.exact and low_exact and high_exact and all(value.exact for value in values.values())
    gap, run = holes(own, values)
    border, inside = borders(own, following)
    plain = own.gap == 1 and all(value.gap == 1 for value in values.values())
    # A window that lies beyond a border reads nothing; its field must not reach over that border either.
    plain = plain and len(own.digits) == 1 and (_apart(own) or all(other.always_reads for other in following.values()))
    clean = own.clean and all(other.clean for other in following.values()) and (plain or inside)
    limits = _limits(own, following)
    if limits is not None and not (low.steps or high.steps):
        low, high = constant(larger(limits.first, low.offset)), constant(smaller(limits.last, high.offset))
        exact = exact and limits.full
        if limits.full and own.border is not None:
            border = larger(own.border[0], low.offset), smaller(own.border[1], high.offset)
        limits = None
    reads_nothing = any(value.low.offset == 0 and value.high == constant(-_ONE) for value in values.values())
    covered = True if own.covered and not reads_nothing else None
    return AxisReach(low, high, own.extent, exact, gap, run, border, clean, covered, limits=limits)


def _limits(own: AxisReach, following: Mapping[Digit, AxisReach]) -> Limits | None:
    """Those of fields, if what follows reads what is no position of this axis, or has done so."""
    others = following.values()
    split = any(not digit.whole for digit in own.digits)
    if own.limits is None and not any(other.limits is not None or split and _oversteps(other) for other in others):
        return None
    first, last = span(own)
    if first is None or last is None:
        return None
    known = [one.limits for one in (own, *others) if one.limits is not None]
    return Limits(first, last, all(map(reads_all, others)) and all(limits.full for limits in known))


def _oversteps(other: AxisReach) -> bool:
    return other.extent is not None and not within(other, _ZERO, other.extent - 1)


def _apart(own: AxisReach) -> bool:
    """Whether the fields of neighbours do not overlap."""
    if not (own.low.straight and own.high.straight) or own.low.steps != own.high.steps or len(own.low.steps) != 1:
        return False
    step = own.low.steps[0][1]
    return at_least(-step if falls(step) else step, own.high.offset - own.low.offset + 1) is True
