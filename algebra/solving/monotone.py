"""Whether a formula can only grow with a size, and between which values it lies: a certificate for bisection.

>>> from sympy import symbols, floor, Rational
>>> c = symbols("c", integer=True, positive=True)
>>> trend(9*c**2 + floor(c/2), c, 1).direction
1
>>> trend(c*(10 - c), c, 1).direction is None
True
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor, inf
from typing import Any

from sympy import Expr, Function, Symbol

from ..compilation.program.expressions import Dag
from ..errors import UnsupportedError
from ..formulas.function import FormulaFunction
from ..sizes.intervals import Interval, largest, product, smallest, total

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


def trend(e: Expr, c: Symbol, low: int, high: Bound = inf) -> Trend:
    """How a formula in one symbol changes when the symbol runs from ``low`` to ``high``."""
    dag = Dag()
    try:
        top = dag.read(e)
    except UnsupportedError:
        return Trend(None)
    return _trends(dag, top, {c: Trend(1, low, high)})


def trends(e: Expr, box: Mapping[Symbol, tuple[Any, Any]]) -> dict[Symbol, int | None]:
    """For every symbol of a box, the direction in which a formula moves with it, wherever in the box the others are.

    >>> from sympy import symbols
    >>> c, L = symbols("c L", integer=True, positive=True)
    >>> trends(c**2 * L - L * (L - 5), {c: (1, 100), L: (5, 50)})
    {c: 1, L: None}
    """
    dag = Dag()
    try:
        top = dag.read(e)
    except UnsupportedError:
        return dict.fromkeys(box)
    found = {}
    for moving in box:
        known = {symbol: Trend(int(symbol == moving), *ends) for symbol, ends in box.items()}
        found[moving] = _trends(dag, top, known).direction
    return found


def _trends(dag: Dag, top: int, known: Mapping[Symbol, Trend]) -> Trend:
    found: dict[int, Trend] = {}
    needed, stack = set(), [top]
    while stack:
        number = stack.pop()
        if number not in needed:
            needed.add(number)
            op, args, _ = dag.nodes[number]
            stack.extend(args[:2] if op in ("sum", "product") else args)
    for number in sorted(needed):
        op, args, value = dag.nodes[number]
        if op == "symbol":
            found[number] = known.get(value, Trend(0))
        elif op in ("sum", "product"):
            low, high = found[args[0]], found[args[1]]
            index = Trend(0, low.low, high.high)
            found[number] = _of_sum(op, low, high, _trends(dag, args[2], {**known, value: index}))
        else:
            rule = _RULES.get(op)
            found[number] = rule(value, [found[arg] for arg in args]) if rule else Trend(None)
    return found[top]


def _together(parts: Sequence[Trend]) -> int | None:
    """The common direction of several formulas that are put together by something that grows in each."""
    directions = {part.direction for part in parts} - {0}
    if None in directions or len(directions) > 1:
        return None
    return directions.pop() if directions else 0


def _turned(direction: int | None) -> int | None:
    return None if direction is None else -direction


def _const(value: Any, parts: Sequence[Trend]) -> Trend:
    number = Fraction(int(value.p), int(value.q))
    return Trend(0, number, number)


def _real(value: Any, parts: Sequence[Trend]) -> Trend:
    return Trend(0, floor(value), ceil(value))


def _add(value: Any, parts: Sequence[Trend]) -> Trend:
    return Trend(_together(parts), total(part.low for part in parts), total(part.high for part in parts))


def _mul(value: Any, parts: Sequence[Trend]) -> Trend:
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
            Trend(part.direction if sign > 0 else _turned(part.direction))
            for part, sign in zip((left, right), signs, strict=True)
        ]
        direction = _together(sizes)
        if signs[0] * signs[1] < 0:
            direction = _turned(direction)
    elif right.direction == 0 and signs[1] or left.direction == 0 and signs[0]:
        moving, sign = (left, signs[1]) if right.direction == 0 and signs[1] else (right, signs[0])
        direction = moving.direction if sign > 0 else _turned(moving.direction)
    return Trend(direction, *product(left.bounds, right.bounds))


def _pow(exponent: int, parts: Sequence[Trend]) -> Trend:
    (base,) = parts
    if exponent < 0:
        if base.low <= 0:
            return Trend(0 if base.direction == 0 else None)
        inverse = Trend(
            _turned(base.direction), 0 if base.high == inf else Fraction(1) / base.high, Fraction(1) / base.low
        )
        return _pow(-exponent, [inverse])
    result = base
    for _ in range(exponent - 1 if exponent <= 64 else 0):
        result = _product(result, base)
    if exponent > 64:
        result = Trend(base.direction if base.low >= 0 else None, 0 if base.low >= 0 else -inf)
    if exponent % 2 and base.low < 0 < base.high:
        return Trend(base.direction, result.low, result.high)
    return result


def _power(value: Any, parts: Sequence[Trend]) -> Trend:
    base, exponent = parts
    if exponent.direction == 0 and exponent.low > 0 and base.low >= 0:
        return Trend(base.direction, 0)
    if base.direction == 0 and base.low >= 1:
        return Trend(exponent.direction, 1 if exponent.low >= 0 else 0)
    if base.low >= 1 and exponent.low >= 0:
        return Trend(_together(parts), 1)
    return Trend(None)


def _floor(value: Any, parts: Sequence[Trend]) -> Trend:
    (part,) = parts
    return Trend(part.direction, *(end if end in (inf, -inf) else floor(end) for end in (part.low, part.high)))


def _ceiling(value: Any, parts: Sequence[Trend]) -> Trend:
    (part,) = parts
    return Trend(part.direction, *(end if end in (inf, -inf) else ceil(end) for end in (part.low, part.high)))


def _max(value: Any, parts: Sequence[Trend]) -> Trend:
    return Trend(_together(parts), *largest([part.bounds for part in parts]))


def _min(value: Any, parts: Sequence[Trend]) -> Trend:
    return Trend(_together(parts), *smallest([part.bounds for part in parts]))


def _abs(value: Any, parts: Sequence[Trend]) -> Trend:
    (part,) = parts
    if part.low >= 0:
        return part
    if part.high <= 0:
        return Trend(_turned(part.direction), -part.high, -part.low)
    return Trend(0 if part.direction == 0 else None, 0, max(-part.low, part.high))


def _mod(value: Any, parts: Sequence[Trend]) -> Trend:
    left, right = parts
    return Trend(0 if left.direction == right.direction == 0 else None, 0 if right.low > 0 else -inf)


def _function(name: str, parts: Sequence[Trend]) -> Trend:
    (part,) = parts
    if name == "log" and part.low > 0:
        return Trend(part.direction, 0 if part.low >= 1 else -inf)
    if name == "exp":
        return Trend(part.direction, 0)
    return Trend(0 if part.direction == 0 else None)


def _call(cls: type[Function], parts: Sequence[Trend]) -> Trend:
    if not issubclass(cls, FormulaFunction):
        return _unchanged(None, parts)
    original = cls.log2_of or cls
    rule = original.rule
    low, high = rule.bounds(*(_whole(part) for part in parts))
    if cls.log2_of is not None:
        low, high = (0 if low >= 1 else -inf), inf
    directions = rule.directions
    if directions is None or any(part.low < 0 for part in parts):
        return Trend(_unchanged(None, parts).direction, low, high)
    turned = (
        Trend(part.direction if sign > 0 else _turned(part.direction))
        for part, sign in zip(parts, directions, strict=True)
    )
    return Trend(_together(list(turned)), low, high)


def _whole(part: Trend) -> Interval:
    """The integers between the bounds, which are all that a function of integers is given."""
    low, high = part.bounds
    return (low if low == -inf else ceil(low)), (high if high == inf else floor(high))


def _factorial(value: Any, parts: Sequence[Trend]) -> Trend:
    (part,) = parts
    return Trend(part.direction, 1) if part.low >= 0 else Trend(None)


def _of_sum(op: str, low: Trend, high: Trend, body: Trend) -> Trend:
    """Terms that are not negative: more of them and larger ones make a larger sum."""
    least = 0 if op == "sum" else 1
    if low.direction != 0 or body.low < least:
        return Trend(0 if low.direction == high.direction == body.direction == 0 else None)
    return Trend(_together([high, body]), least)


def _unchanged(value: Any, parts: Sequence[Trend]) -> Trend:
    """Anything of what does not change does not change."""
    return Trend(0 if all(part.direction == 0 for part in parts) else None)


_RULES: dict[str, Callable[[Any, Sequence[Trend]], Trend]] = {
    "const": _const, "real": _real, "add": _add, "mul": _mul, "pow": _pow, "power": _power, "floor": _floor,
    "ceiling": _ceiling, "max": _max, "min": _min, "abs": _abs, "mod": _mod, "function": _function,
    "call": _call,
    "factorial": _factorial, "binomial": _unchanged, "sign": _unchanged,
    "heaviside": _unchanged, "piecewise": _unchanged, "bool": _unchanged, "lt": _unchanged, "le": _unchanged,
    "eq": _unchanged, "ne": _unchanged, "and": _unchanged, "or": _unchanged, "not": _unchanged,
}  # fmt: skip
