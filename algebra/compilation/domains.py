"""For which arguments a compiled function is defined: the assumptions of its symbols, and conditions that the caller gives.

A condition on one symbol is an interval, which proves more about sizes; every other one is checked point by point.

>>> from sympy import symbols
>>> H, k = symbols("H k", integer=True, positive=True)
>>> ranges, others = split([H >= 7, k <= H], [H, k])
>>> ranges[H], others
((7, inf), [k <= H])
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf
from typing import Any

import sympy
from sympy import Integer, S, Symbol
from sympy.core.relational import Relational
from sympy.logic.boolalg import Boolean

from ..errors import DomainError, FieldError
from .bounds import Interval


def assumed(symbol: Symbol) -> Interval:
    """The integers that a symbol stands for, by its assumptions."""
    low = 1 if symbol.is_positive else 0 if symbol.is_nonnegative else -inf
    high = -1 if symbol.is_negative else 0 if symbol.is_nonpositive else inf
    return low, high


def conditions_of(domain: Any) -> list[Any]:
    """A domain as a list of conditions: one condition, several, or an object that has ``conditions``."""
    if domain is None:
        return []
    if isinstance(domain, (bool, Boolean)):
        domain = [domain]
    elif not isinstance(domain, Iterable):
        raise FieldError(f"domain must be a list of conditions such as [H >= 7], got {domain!r}")
    found: list[Any] = []
    for condition in domain:
        if isinstance(condition, bool):
            condition = S.true if condition else S.false
        if not isinstance(condition, Boolean) or isinstance(condition, Symbol):
            raise FieldError(f"a condition of the domain must be a relation such as H >= 7, got {condition!r}")
        found.extend(condition.args if isinstance(condition, sympy.And) else [condition])
    return found


def split(domain: Any, symbols: Sequence[Symbol]) -> tuple[dict[Symbol, Interval], list[Any]]:
    """An interval for every symbol, and the conditions that are not intervals."""
    ranges = {symbol: assumed(symbol) for symbol in symbols}
    others = []
    for condition in conditions_of(domain):
        if condition is S.true:
            continue
        interval = _as_interval(condition)
        if interval is None or interval[0] not in ranges:
            others.append(condition)
            continue
        symbol, (low, high) = interval
        ranges[symbol] = (max(ranges[symbol][0], low), min(ranges[symbol][1], high))
    for symbol, (low, high) in ranges.items():
        if low > high:
            raise DomainError(f"no {symbol} is in the domain: it would have to be at least {low} and at most {high}")
    return ranges, others


def _as_interval(condition: Any) -> tuple[Symbol, Interval] | None:
    """``symbol <= number`` and the like, for symbols that are integers."""
    if not isinstance(condition, Relational):
        return None
    left, right = condition.lhs, condition.rhs
    relation = condition.func
    if isinstance(right, Symbol):
        left, right = right, left
        relation = _REVERSED.get(relation, relation)
    if not (isinstance(left, Symbol) and left.is_integer and isinstance(right, Integer)):
        return None
    number = int(right)
    bounds = {
        sympy.StrictLessThan: (-inf, number - 1),
        sympy.LessThan: (-inf, number),
        sympy.StrictGreaterThan: (number + 1, inf),
        sympy.GreaterThan: (number, inf),
        sympy.Equality: (number, number),
    }.get(relation)
    return (left, bounds) if bounds else None


_REVERSED = {
    sympy.StrictLessThan: sympy.StrictGreaterThan,
    sympy.LessThan: sympy.GreaterThan,
    sympy.StrictGreaterThan: sympy.StrictLessThan,
    sympy.GreaterThan: sympy.LessThan,
}


def parity(symbol: Symbol) -> int | None:
    """0 for a symbol that is even, 1 for an odd one, None for any other."""
    return 0 if symbol.is_even else 1 if symbol.is_odd else None


def outside(symbol: Symbol, value: Any, bounds: Interval) -> str:
    """The message for an argument outside of its interval."""
    low, high = bounds
    if value < low:
        wanted = "positive" if low == 1 and symbol.is_positive else f"at least {low}"
    else:
        wanted = f"at most {high}"
    return f"{symbol} must be {wanted}, got {symbol}={value}"


def nearest(bounds: Interval) -> int:
    """Some integer of an interval, to compute with where the argument given is not admissible."""
    low, high = bounds
    return low if low != -inf else min(high, 0) if high != inf else 0
