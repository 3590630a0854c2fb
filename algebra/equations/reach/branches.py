"""The reach of several branches of one input."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from sympy import Expr, Integer, Max, Min

from ...errors import UnsupportedError
from ...sizes.normal_form import simplify
from .axis import AxisReach, Reach
from .borders import span
from .ends import End, added, constant
from .order import at_least, holds_everywhere, outermost

_ZERO, _ONE = Integer(0), Integer(1)


def union(reaches: Sequence[Reach], positions: Sequence[Expr] | None = None, stacked: bool = False) -> Reach:
    """The smallest intervals that hold what any of several branches of one input sees; `positions` are the sizes of their output.

    Branches that are stacked keep their channels apart: what all of them see is noted beside what any of them does.
    """
    if positions is not None:
        reaches = [tuple(_sized(own, positions) for own in reach) for reach in reaches]
    if len(reaches) == 1:
        return tuple(reaches[0])
    return tuple(_union_of(parts, _of_one(parts, positions), stacked) for parts in zip(*reaches))


def _of_one(parts: Sequence[AxisReach], positions: Sequence[Expr] | None) -> frozenset[int] | None:
    """The axes of one position among those that branches follow; None where the sizes of axes are not known."""
    if positions is None:
        return None
    axes: set[int] = set()
    for part in parts:
        told: AxisReach | None = part
        while told is not None:
            axes.update(digit.axis for digit in told.digits)
            told = told.last
    return frozenset(axis for axis in axes if axis < len(positions) and positions[axis] == 1)


@lru_cache(maxsize=20_000)  # as for series
def _union_of(parts: tuple[AxisReach, ...], ones: frozenset[int] | None, stacked: bool) -> AxisReach:
    made = _union_axis(parts, ones)
    return made.changed(core=_core(parts)) if stacked and any(part != made for part in parts) else made


def _core(parts: Sequence[AxisReach]) -> AxisReach:
    """What every one of several branches sees; nothing is said of it where they advance differently."""
    inner = [part.core or part for part in parts]
    low, high = (outermost([getattr(part, name) for part in inner], name != "low") for name in ("low", "high"))
    plain = all(part.gap == 1 and part.clean and part.border == inner[0].border for part in inner)
    if low is None or high is None or not plain:
        return inner[0].changed(
            clean=False, covered=True if all(part.whole and part.always_reads for part in parts) else None
        )
    return AxisReach(low, high, inner[0].extent, all(part.exact for part in inner), _ONE, None, inner[0].border)


def _sized(own: AxisReach, positions: Sequence[Expr]) -> AxisReach:
    """A reach in whose digits the sizes of axes are written as those of the join are."""
    if all(digit.size == positions[digit.axis] for digit in own.digits if digit.whole):
        return own
    low, high = (
        End(tuple((d.changed(size=positions[d.axis]) if d.whole else d, step) for d, step in end.steps), end.offsets)
        for end in (own.low, own.high)
    )
    return own.changed(low=low, high=high)


def _union_axis(parts: Sequence[AxisReach], ones: frozenset[int] | None) -> AxisReach:
    parts = list(dict.fromkeys(parts))
    if len(parts) == 1:
        return parts[0]
    size = next((part.extent for part in parts if part.extent is not None), None)
    parts = [
        part
        for place, part in enumerate(parts)
        if not any(
            _holds(other, part) and (before < place or not _holds(part, other))
            for before, other in enumerate(parts)
            if before != place
        )
    ]
    if len(parts) == 1:
        return parts[0]
    seeing = [part for part in parts if part.moves or part.high.offset != -1 or part.low.offset != 0] or parts
    if len(seeing) == 1:
        return seeing[0]
    # What is told is what the branches with positions see; a branch without them can see all there is.
    told_by = [part if part.last is None else part.last for part in seeing if part.last is None or part.gated]
    if not told_by:
        last = _hull([part.last for part in seeing if part.last is not None], ones, size)
        return _hull(seeing, ones, size).changed(last=last)
    if any(part.last is not None for part in seeing):
        whole = next(
            (p for p in seeing if p.whole is True and not p.moves and p.always_reads and p.last is not None), None
        )
        told = _union_axis(told_by, ones)
        return (whole or _hull(seeing, ones, size)).changed(last=told, gated=True)
    return _hull(seeing, ones, size)


def _holds(outer: AxisReach, inner: AxisReach) -> bool:
    """Whether what one branch sees is, for every output, all that the other sees, and more; of ends that advance differently."""
    if outer.gap != 1 or not outer.clean or outer.last is not None or inner.last is not None:
        return False
    if outer.moves and outer.low.steps == outer.high.steps:  # of two windows that advance differently, the span is told
        return False
    if inner.limits is not None and not outer.moves:
        first, last = span(inner)
        if at_least(first, outer.low.offset) and at_least(outer.high.offset, last):
            return True
    ways = [
        added([(_ONE, inner.low), (-_ONE, outer.low)], _ZERO),
        added([(_ONE, outer.high), (-_ONE, inner.high)], _ZERO),
    ]
    return all(way is not None and holds_everywhere(way, lambda value: at_least(value, _ZERO)) is True for way in ways)


def _hull(parts: Sequence[AxisReach], ones: frozenset[int] | None, size: Expr | None) -> AxisReach:
    if len(parts) == 1:
        return parts[0]
    wholes = [part.whole for part in parts]
    covered = True if any(whole is True and part.always_reads for whole, part in zip(wholes, parts)) else None
    exact = all(part.exact for part in parts)
    border = parts[0].border if all(part.border == parts[0].border for part in parts) else None
    low, high = (outermost([getattr(part, name) for part in parts], name == "low") for name in ("low", "high"))
    if low is not None and high is not None:
        largest = next((part for part in parts if part.low == low and part.high == high), None)
        if border is None and largest is not None and largest.gap == 1 and largest.clean:
            border = largest.border
        dense = largest is not None and largest.gap == 1 or all(part.gap == 1 for part in parts) and _touching(parts)
        clean = all(part.clean and part.always_reads for part in parts)
        limits = parts[0].limits
        alike = all(part.limits == limits for part in parts)
        made = AxisReach(low, high, size, exact and alike, _ONE if dense else None, None, border, clean)
        made = made.changed(limits=limits if alike else None)
        return made.changed(covered=covered if made.whole is not True else None)
    if size is None:
        raise UnsupportedError("branches that advance at different steps have no common receptive field")
    return _span_of(parts, ones, size, covered, exact)


def _span_of(
    parts: Sequence[AxisReach], ones: frozenset[int] | None, size: Expr, covered: bool | None, exact: bool
) -> AxisReach:
    """Fields that advance differently have one interval that holds them all, from the first output to the last.

    Margins count, as in a single field. Where the number of outputs is not known, it holds the axis and what the first output sees.
    """
    spans = [span(part) if ones is not None else (part.low.offset, part.high.offset) for part in parts]
    axis = [(_ZERO, size - 1)] if ones is None or any(low is None or high is None for low, high in spans) else []
    known = [(low, high) for low, high in spans if low is not None and high is not None]
    low = simplify(Min(*(one[0] for one in (*axis, *known))))
    high = simplify(Max(*(one[1] for one in (*axis, *known))))
    digits = {digit for part in parts for digit in part.digits}
    single = ones is not None and all(digit.axis in ones for digit in digits)
    fits = low == 0 and simplify(high - size + 1) == 0
    if covered is None and _some_output_misses(parts, size):
        covered = False
    sharp = exact and (single or (fits and covered is True))
    return AxisReach(constant(low), constant(high), size, sharp, None, None, None, False, covered)


def _some_output_misses(parts: Sequence[AxisReach], size: Expr) -> bool:
    """Whether the first or the last output does not see an end of the axis through any branch."""
    if not all(part.always_reads for part in parts):
        return False
    firsts = [at_least(part.high.first(), size - 1) is False for part in parts]
    lasts = [(value := part.low.last()) is not None and at_least(_ZERO, value) is False for part in parts]
    starts = [at_least(_ZERO, part.low.first()) is False for part in parts]
    return all(firsts) or all(lasts) or all(starts)


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
    return tuple(own.changed(low=_without(own.low, still), high=_without(own.high, still)) for own in reach)


def _without(end: End, axes: set[int]) -> End:
    steps = tuple((digit, step) for digit, step in end.steps if digit.axis not in axes)
    return End(steps, end.offsets if len(steps) == len(end.steps) else end.offsets[:1])
