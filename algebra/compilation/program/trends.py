"""How the result of an operation moves with one size, from how its operands move and between which values they lie."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from math import inf
from typing import Any

from sympy import Function

from ...formulas.function import FormulaFunction
from ...records import dataclass
from ...sizes.intervals import Interval, absolute, largest, product, rounded_down, rounded_up, smallest, total, whole

Bound = Any  # an integer, a fraction, or infinite


@dataclass(frozen=True)
class Trend:
    """How a formula moves with a size: 1 it never falls, -1 it never rises, 0 it stays, None not shown; its bounds."""

    direction: int | None
    low: Bound = -inf
    high: Bound = inf

    @property
    def bounds(self) -> Interval:
        return self.low, self.high


def together(parts: Sequence[Trend]) -> int | None:
    """The common direction of several formulas that are put together by something that grows in each."""
    directions = {part.direction for part in parts} - {0}
    if None in directions or len(directions) > 1:
        return None
    return directions.pop() if directions else 0


def turned(direction: int | None) -> int | None:
    return None if direction is None else -direction


def const(value: Any, parts: Sequence[Trend]) -> Trend:
    number = Fraction(int(value.p), int(value.q))
    return Trend(0, number, number)


def real(value: Any, parts: Sequence[Trend]) -> Trend:
    return Trend(0, math.floor(value), math.ceil(value))


def add(value: Any, parts: Sequence[Trend]) -> Trend:
    return Trend(together(parts), total(part.low for part in parts), total(part.high for part in parts))


def mul(value: Any, parts: Sequence[Trend]) -> Trend:
    result = parts[0]
    for part in parts[1:]:
        result = _product(result, part)
    return result


def _product(left: Trend, right: Trend) -> Trend:
    direction: int | None = None
    signs = [(1 if part.low >= 0 else -1 if part.high <= 0 else 0) for part in (left, right)]
    if left.direction == right.direction == 0:
        direction = 0
    elif all(signs):
        # |left| |right| up to a sign: each factor's size grows as the factor does, or the other way round.
        sizes = [
            Trend(part.direction if sign > 0 else turned(part.direction))
            for part, sign in zip((left, right), signs, strict=True)
        ]
        direction = together(sizes)
        if signs[0] * signs[1] < 0:
            direction = turned(direction)
    elif right.direction == 0 and signs[1] or left.direction == 0 and signs[0]:
        moving, sign = (left, signs[1]) if right.direction == 0 and signs[1] else (right, signs[0])
        direction = moving.direction if sign > 0 else turned(moving.direction)
    return Trend(direction, *product(left.bounds, right.bounds))


def pow(exponent: int, parts: Sequence[Trend]) -> Trend:
    (base,) = parts
    if exponent < 0:
        if base.low <= 0:
            return Trend(0 if base.direction == 0 else None)
        inverse = Trend(
            turned(base.direction), 0 if base.high == inf else Fraction(1) / base.high, Fraction(1) / base.low
        )
        return pow(-exponent, [inverse])
    result = base
    for _ in range(exponent - 1 if exponent <= 64 else 0):
        result = _product(result, base)
    if exponent > 64:
        result = Trend(base.direction if base.low >= 0 else None, 0 if base.low >= 0 else -inf)
    if exponent % 2 and base.low < 0 < base.high:
        return Trend(base.direction, result.low, result.high)
    return result


def power(value: Any, parts: Sequence[Trend]) -> Trend:
    base, exponent = parts
    if exponent.direction == 0 and exponent.low > 0 and base.low >= 0:
        return Trend(base.direction, 0)
    if base.direction == 0 and base.low >= 1:
        return Trend(exponent.direction, 1 if exponent.low >= 0 else 0)
    if base.low >= 1 and exponent.low >= 0:
        return Trend(together(parts), 1)
    return Trend(None)


def floor(value: Any, parts: Sequence[Trend]) -> Trend:
    (part,) = parts
    return Trend(part.direction, *rounded_down(part.bounds))


def ceiling(value: Any, parts: Sequence[Trend]) -> Trend:
    (part,) = parts
    return Trend(part.direction, *rounded_up(part.bounds))


def maximum(value: Any, parts: Sequence[Trend]) -> Trend:
    return Trend(together(parts), *largest([part.bounds for part in parts]))


def minimum(value: Any, parts: Sequence[Trend]) -> Trend:
    return Trend(together(parts), *smallest([part.bounds for part in parts]))


def absolute_value(value: Any, parts: Sequence[Trend]) -> Trend:
    (part,) = parts
    if part.low >= 0:
        return part
    if part.high <= 0:
        return Trend(turned(part.direction), -part.high, -part.low)
    return Trend(0 if part.direction == 0 else None, *absolute(part.bounds))


def mod(value: Any, parts: Sequence[Trend]) -> Trend:
    left, right = parts
    return Trend(0 if left.direction == right.direction == 0 else None, 0 if right.low > 0 else -inf)


def function(name: str, parts: Sequence[Trend]) -> Trend:
    (part,) = parts
    if name == "log" and part.low > 0:
        return Trend(part.direction, 0 if part.low >= 1 else -inf)
    if name == "exp":
        return Trend(part.direction, 0)
    return Trend(0 if part.direction == 0 else None)


def call(cls: type[Function], parts: Sequence[Trend]) -> Trend:
    if not issubclass(cls, FormulaFunction):
        return unchanged(None, parts)
    original = cls.log2_of or cls
    rule = original.rule
    low, high = rule.bounds(*(whole(part.bounds) for part in parts))
    if cls.log2_of is not None:
        low, high = (0 if low >= 1 else -inf), inf
    directions = rule.directions
    if directions is None or any(part.low < 0 for part in parts):
        return Trend(unchanged(None, parts).direction, low, high)
    moved = [
        Trend(part.direction if sign > 0 else turned(part.direction))
        for part, sign in zip(parts, directions, strict=True)
    ]
    return Trend(together(moved), low, high)


def factorial(value: Any, parts: Sequence[Trend]) -> Trend:
    (part,) = parts
    return Trend(part.direction, 1) if part.low >= 0 else Trend(None)


def unchanged(value: Any, parts: Sequence[Trend]) -> Trend:
    """Anything of what does not change does not change."""
    return Trend(0 if all(part.direction == 0 for part in parts) else None)
