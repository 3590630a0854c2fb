"""Intervals of floats: what operations on floats give, rounding left out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from math import inf
from typing import Any

from ...sizes.intervals import ANYTHING, Interval, product
from . import functions as runtime

_INCREASING = {"exp", "sqrt", "arctan", "sinh", "arcsinh", "tanh", "erf", "log"}


def _float(end: Any) -> float:
    return end if end in (inf, -inf) else runtime.ratio(end, 1)


def ratio(value: Any, parts: Sequence[Interval]) -> Interval:
    (low, high), (least, most) = parts
    least = max(least, 1)  # a denominator is positive
    over = [_float(end) / _float(by) if abs(_float(end)) < inf else end for end in (low, high) for by in (least,)]
    under = [
        (_float(end) / _float(most) if most < inf else 0.0) if abs(_float(end)) < inf else end for end in (low, high)
    ]
    return min(over[0], under[0]), max(over[1], under[1])


def logratio(value: Any, parts: Sequence[Interval]) -> Interval:
    (low, high), (least, most) = parts
    least = max(least, 1)
    bottom = -inf if low <= 0 or most == inf else runtime.logratio(low, most)
    return bottom, (inf if high == inf else -inf if high <= 0 else runtime.logratio(high, least))


def add(value: Any, parts: Sequence[Interval]) -> Interval:
    return sum(part[0] for part in parts), sum(part[1] for part in parts)


def mul(value: Any, parts: Sequence[Interval]) -> Interval:
    total = parts[0]
    for part in parts[1:]:
        total = product(total, part)
    return total


def pow(value: Any, parts: Sequence[Interval]) -> Interval:
    (low, high), (least, most) = parts
    if least == most == -1 and low > 0:
        return (1 / high if high < inf else 0.0), 1 / low
    if least == most and least == int(least) and least > 0 and abs(least) < 64:
        total = (low, high)
        for _ in range(int(least) - 1):
            total = product(total, (low, high))
        return total
    if low < 0:
        return ANYTHING
    ends = [
        (inf if exponent > 0 else 0.0)
        if base == inf
        else (inf if not base and exponent < 0 else runtime.floatpow(base, exponent))
        for base in (low, high)
        for exponent in (least, most)
    ]
    if low < 1 < high:
        ends.append(1.0)
    return min(ends), max(ends)


def func(name: str, parts: Sequence[Interval]) -> Interval:
    (low, high) = parts[0]
    if name == "sqrt":
        return math.sqrt(max(low, 0)) if low < inf else inf, (inf if high == inf else math.sqrt(max(high, 0)))
    if name == "log":
        return -inf if low <= 0 else math.log(low), (inf if high == inf else -inf if high <= 0 else math.log(high))
    if name in _INCREASING:
        ends = [
            runtime.function(name, end) if abs(end) < inf else (end if name in ("sinh", "arcsinh") else None)
            for end in (low, high)
        ]
        lowest = {"exp": 0.0, "arctan": -1.6, "tanh": -1.0, "erf": -1.0}.get(name, -inf)
        highest = {"arctan": 1.6, "tanh": 1.0, "erf": 1.0}.get(name, inf)
        return (lowest if ends[0] is None else ends[0]), (highest if ends[1] is None else ends[1])
    if name in ("sin", "cos"):
        return -1.0, 1.0
    if name == "binaryentropy":
        return 0.0, 1.0
    return ANYTHING
