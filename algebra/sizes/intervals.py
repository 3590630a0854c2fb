"""Interval arithmetic: between which numbers a result lies, from the intervals of the operands.

An end is an integer, a fraction, a float, or infinite; integers and fractions stay exact, whatever their length.

>>> product((-2, 3), (1, inf)), absolute((-2, 3)), largest([(0, 5), (3, 4)])
((-inf, inf), (0, 3), (3, 5))
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil, floor, inf
from typing import Any

Interval = tuple[Any, Any]  # two ends, numbers or -inf and inf

ANYTHING: Interval = (-inf, inf)
_ENDLESS = (inf, -inf)


def plus(left: Any, right: Any) -> Any:
    """The sum of two ends, not infinite on different sides; a long integer never becomes a float."""
    if isinstance(left, float) and left in _ENDLESS:
        return left
    return right if isinstance(right, float) and right in _ENDLESS else left + right


def times(left: Any, right: Any) -> Any:
    """The product of two ends, 0 times anything being 0; a long integer never becomes a float."""
    if not left or not right:
        return 0
    if (isinstance(left, float) or isinstance(right, float)) and (left in _ENDLESS or right in _ENDLESS):
        return inf if (left > 0) == (right > 0) else -inf
    return left * right


def total(ends: Iterable[Any]) -> Any:
    """The sum of several ends, all lower ones or all upper ones."""
    result = 0
    for end in ends:
        result = plus(result, end)
    return result


def product(left: Interval, right: Interval) -> Interval:
    """The interval of the product of two numbers."""
    if left[0] >= 0 and right[0] >= 0:
        return times(left[0], right[0]), times(left[1], right[1])
    corners = [times(x, y) for x in left for y in right]
    return min(corners), max(corners)


def hull(parts: Sequence[Interval]) -> Interval:
    """The smallest interval around several."""
    return min(part[0] for part in parts), max(part[1] for part in parts)


def largest(parts: Sequence[Interval]) -> Interval:
    """The interval of the largest of several numbers."""
    return max(part[0] for part in parts), max(part[1] for part in parts)


def smallest(parts: Sequence[Interval]) -> Interval:
    """The interval of the least of several numbers."""
    return min(part[0] for part in parts), min(part[1] for part in parts)


def absolute(part: Interval) -> Interval:
    """The interval of the size of a number."""
    low, high = part
    return max(low, -high, 0), max(abs(low), abs(high))


def rounded_down(part: Interval) -> Interval:
    """The interval of a number rounded down."""
    low, high = part
    return (low if low in _ENDLESS else floor(low)), (high if high in _ENDLESS else floor(high))


def rounded_up(part: Interval) -> Interval:
    """The interval of a number rounded up."""
    low, high = part
    return (low if low in _ENDLESS else ceil(low)), (high if high in _ENDLESS else ceil(high))


def whole(part: Interval) -> Interval:
    """The interval of the integers within another."""
    return rounded_up(part)[0], rounded_down(part)[1]


def at_most(left: Interval, right: Interval) -> Interval:
    """Whether a number is at most another, as a truth value; the ends may be arrays.

    Where an end is not a number nothing is shown: the answer may be either.

    >>> at_most((0, 1), (1, 2)), at_most((3, 4), (1, 2)), at_most((0, 5), (1, 2))
    ((True, True), (False, False), (False, True))
    """
    return left[1] <= right[0], (left[0] > right[1]) ^ True


def same(left: Interval, right: Interval) -> Interval:
    """Whether two numbers are equal, as a truth value; the ends may be arrays, and not numbers as in `at_most`."""
    surely = (left[0] == left[1]) & (right[0] == right[1]) & (left[0] == right[0])
    return surely, ((left[0] > right[1]) | (left[1] < right[0])) ^ True


def chosen(test: Interval, first: Interval, second: Interval) -> Interval:
    """The interval of the first number where a truth value is 1, of the second where it is 0."""
    return first if test[0] else second if not test[1] else hull((first, second))


def power(base: Any, exponent: Any) -> Any:
    """base**exponent for ends with base >= 0 and exponent >= 0, without making a number of more than 960 bits."""
    if exponent == 0 or base == 1:
        return 1
    if base == 0:
        return 0
    if base == inf or exponent == inf or base.bit_length() > 1 and (base.bit_length() - 1) * exponent > 960:
        return inf
    return base**exponent
