"""Intervals of integers: what proves that a result fits into 64 bits.

Every rule gives an interval that holds whatever the operands are within theirs; it may be too wide, never too narrow.
An end is an integer or infinite; ends beyond 960 bits are rounded outwards, so that the bounds of ``2**L`` stay cheap.

>>> add(((9, -1), 5), [(1, 10), (0, 3)])
(11, 95)
>>> floordiv(None, [(-7, 7), (2, 3)])
(-4, 3)
>>> mod(None, [(-100, 100), (1, 8)])
(0, 7)
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any

from ...sizes.intervals import Interval, at_most, plus, power, product, same, times

TRUTH: Interval = (0, 1)
INT64: Interval = (-(2**63), 2**63 - 1)
_LARGEST = 2**960


def fits(bounds: Interval, within: Interval = INT64) -> bool:
    """Whether one interval lies inside another."""
    return within[0] <= bounds[0] and bounds[1] <= within[1]


def rounded_outwards(low: Any, high: Any) -> Interval:
    """The same interval, ends of more than 960 bits given up."""
    if low > _LARGEST:
        low = _LARGEST
    elif low < -_LARGEST:
        low = -inf
    if high > _LARGEST:
        high = inf
    elif high < -_LARGEST:
        high = -_LARGEST
    return low, high


def add(value: Any, args: Sequence[Interval]) -> Interval:
    coefficients, low = value
    high = low
    for coefficient, (least, most) in zip(coefficients, args, strict=True):
        if coefficient >= 0:
            low, high = plus(low, times(coefficient, least)), plus(high, times(coefficient, most))
        else:
            low, high = plus(low, times(coefficient, most)), plus(high, times(coefficient, least))
    return low, high


def mul(value: Any, args: Sequence[Interval]) -> Interval:
    result = (value, value)
    for part in args:
        result = rounded_outwards(*product(result, part))
    return result


def square(value: Any, args: Sequence[Interval]) -> Interval:
    low, high = args[0]
    ends = sorted((power(abs(low), 2), power(abs(high), 2)))
    return (ends[0] if low > 0 or high < 0 else 0), ends[1]


def _quotient_corner(left: Any, right: Any) -> Any:
    if right == inf:
        return 0 if left >= 0 else -1
    if left in (inf, -inf):
        return left
    return left // right


def floordiv(value: Any, args: Sequence[Interval]) -> Interval:
    left, (low, high) = args
    if low == 0:  # a divisor is never 0: the program puts another number there and calls the result invalid
        low = 1
    if high == 0:
        high = -1
    if low > 0:
        corners = [_quotient_corner(x, y) for x in left for y in (low, high)]
        if left[1] == inf:
            corners.append(0)
        if left[0] == -inf:
            corners.append(-1)
        return min(corners), max(corners)
    if high < 0:
        return floordiv(None, [(-left[1], -left[0]), (-high, -low)])
    most = max(abs(left[0]), abs(left[1]))
    return -most, most


def mod(value: Any, args: Sequence[Interval]) -> Interval:
    left, (low, high) = args
    if low >= 0:
        if left[0] >= 0:
            return left if left[1] < low else (0, min(left[1], max(high - 1, 0)))
        return 0, max(high - 1, 0)
    return low + 1, max(high - 1, 0)


def quotient(value: Any, args: Sequence[Interval]) -> Interval:
    low, high = floordiv(value, args)
    return low, high + 1


def sign(value: Any, args: Sequence[Interval]) -> Interval:
    low, high = args[0]
    return (low > 0) - (low < 0), (high > 0) - (high < 0)


def intpow(value: Any, args: Sequence[Interval]) -> Interval:
    (low, high), (least, most) = args
    least = max(least, 0)
    most = max(most, 0)
    if low >= 1:
        return power(low, least), power(high, most)
    size = max(abs(low), abs(high), 1)
    top = power(size, most)
    return (0 if low >= 0 else -top), top


def compare(op: str):
    def rule(value: Any, args: Sequence[Interval]) -> Interval:
        left, right = args
        if op in ("eq", "ne"):
            surely, maybe = same(left, right)
        else:
            surely, maybe = at_most(left, right) if op == "le" else at_most(right, left)
        return (int(surely), int(maybe)) if op in ("eq", "le") else (int(not maybe), int(not surely))

    return rule


def loop(value: Any, args: Sequence[Interval]) -> Interval:
    """A sum or product of (most terms) x (bounds of one term), the index between its limits."""
    (low, _), (_, high), *captured = args
    if value.kind == "all":
        return TRUTH
    terms = max(high - low + 1, 0)
    least, most = value.program.output_bounds([(low, max(low, high)), *captured])
    if value.kind == "sum":
        return times(terms, min(least, 0)), times(terms, max(most, 0))
    size = power(max(abs(least), abs(most), 1), terms)
    return (0 if least >= 0 else -size), size


def ilog(value: Any, args: Sequence[Interval]) -> Interval:
    high = args[0][1]
    return 0, (high.bit_length() if high not in (inf, -inf) else inf)
