"""How ends of intervals compare for all sizes, and their least and largest values over all outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import lcm

from sympy import Expr, Integer, Max, Min

from ...sizes.normal_form import is_nonnegative, simplify
from .ends import LONGEST_PERIOD, End, falls, is_counted, repeating

_ZERO = Integer(0)
WIDEST_WINDOW = 4096


def at_least(left: Expr, right: Expr) -> bool | None:
    """Whether left >= right for all sizes; False only if it holds for none."""
    return int(left) >= int(right) if left.is_Integer and right.is_Integer else _at_least(left, right)


@lru_cache(maxsize=10_000)
def _at_least(left: Expr, right: Expr) -> bool | None:
    difference = simplify(left - right)
    known = is_nonnegative(difference)
    if known or difference.is_integer:  # an integer that is never at least 0 is at most -1
        return known
    return False if is_nonnegative(-difference - 1) else None


@lru_cache(maxsize=10_000)
def larger(left: Expr, right: Expr) -> Expr:
    return left if at_least(left, right) else right if at_least(right, left) else simplify(Max(left, right))


@lru_cache(maxsize=10_000)
def smaller(left: Expr, right: Expr) -> Expr:
    return right if at_least(left, right) else left if at_least(right, left) else simplify(Min(left, right))


def extreme_value(end: End, largest: bool) -> Expr | None:
    """The largest or least value of an end over all outputs."""
    if not end.straight:
        ((digit, _),) = end.steps
        if digit.size is None or not digit.size.is_Integer or digit.size > WIDEST_WINDOW:
            return None
        return Integer(end.between(int(digit.size))[largest])
    total = end.offset
    for digit, step in end.steps:
        if digit.size is None:
            return None
        total = total + (step * (digit.size - 1) if falls(step) is not largest else _ZERO)
    return simplify(total)


def holds_everywhere(end: End, holds: Callable[[Expr], bool | None]) -> bool | None:
    """Whether a condition that holds between two values if it holds at both does so at both extremes of an end."""
    if not end.straight:
        ((digit, _),) = end.steps
        if digit.size is None or not digit.size.is_Integer:
            return None
        answers = [holds(Integer(value)) for value in end.between(int(digit.size))]
        return False if False in answers else None if None in answers else True
    least = most = end.offset
    for digit, step in end.steps:
        if digit.size is None:
            return None
        way = step * (digit.size - 1)
        least, most = (least + way, most) if falls(step) else (least, most + way)
    answers = [holds(least), holds(most)]
    return False if False in answers else None if None in answers else True


def outermost(ends: Sequence[End], lower: bool) -> End | None:
    """The least or largest of ends that advance alike."""
    if all(end == ends[0] for end in ends):
        return ends[0]
    if any(end.steps != ends[0].steps for end in ends):
        return None
    if all(end.straight for end in ends):
        return End(ends[0].steps, (_extremum([end.offset for end in ends], lower),))
    period = lcm(*(len(end.offsets) for end in ends))
    if period > LONGEST_PERIOD or not all(map(is_counted, ends)):
        return None
    ((digit, step),) = ends[0].steps
    choose = min if lower else max
    return repeating(digit, step, [choose(end.at(place) for end in ends) for place in range(period)])


def _extremum(values: Sequence[Expr], least: bool) -> Expr:
    """The least or the largest of sizes: one of them, where their order is known."""
    for value in values:
        if all(at_least(other, value) if least else at_least(value, other) for other in values):
            return simplify(value)
    return simplify((Min if least else Max)(*values))
