"""For which arguments a function is defined: what its symbols assume, and conditions that the caller gives.

A condition on one symbol is an interval, which proves more about sizes; every other one is checked point by point.

>>> from sympy import symbols
>>> from layeralgebra.algebra.formulas.conditions import conditions_of
>>> H, k = symbols("H k", integer=True, positive=True)
>>> ranges, others = split(conditions_of([H >= 7, k <= H]), [H, k])
>>> ranges[H], [condition.meaning for condition in others]
((7, inf), ['k <= H'])
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any

import sympy
from sympy import Integer, Poly, S, Symbol
from sympy.core.relational import Relational
from sympy.logic.boolalg import Boolean
from sympy.polys.polyerrors import PolynomialError

from ...errors import DomainError
from ...formulas.conditions import Condition
from .integer_bounds import Interval


def assumed(symbol: Symbol) -> Interval:
    """The integers that a symbol stands for, by its assumptions."""
    low = 1 if symbol.is_positive else 0 if symbol.is_nonnegative else -inf
    high = -1 if symbol.is_negative else 0 if symbol.is_nonpositive else inf
    return low, high


def without_indices(condition: Condition) -> Boolean | None:
    """A condition for every value of an index as one without indices, if it is affine in each: then both ends decide.

    >>> from sympy import symbols
    >>> H, L = symbols("H L", integer=True, positive=True)
    >>> i = symbols("i", integer=True, nonnegative=True)
    >>> without_indices(Condition(H >= 2*i + 3, "", ((i, L),)))
    (H >= 3) & (H >= 2*L + 1)
    """
    relation = condition.relation
    for index, times in reversed(condition.loops):
        parts = relation.args if isinstance(relation, (sympy.And, sympy.Or)) else (relation,)
        if isinstance(relation, sympy.Or) or not all(_is_affine(part, index) for part in parts):
            return None
        ends = sympy.And(relation.xreplace({index: S.Zero}), relation.xreplace({index: times - 1}))
        relation = ends if times.is_positive else sympy.Or(times <= 0, ends)
    return relation


def _is_affine(relation: Any, index: Symbol) -> bool:
    if not relation.has(index):
        return True
    if not isinstance(relation, (sympy.Ge, sympy.Gt, sympy.Le, sympy.Lt)):
        return False
    try:
        poly = Poly(relation.lhs - relation.rhs, index)
    except PolynomialError:
        return False
    return poly.degree() <= 1 and not any(index in coefficient.free_symbols for coefficient in poly.all_coeffs())


def split(domain: Sequence[Condition], symbols: Sequence[Symbol]) -> tuple[dict[Symbol, Interval], list[Condition]]:
    """An interval for every symbol, and the conditions that are not intervals."""
    ranges = {symbol: assumed(symbol) for symbol in symbols}
    others = []
    for condition in domain:
        if condition.relation is S.true:
            continue
        if condition.relation is S.false:
            raise DomainError(f"nothing is in the domain: {condition.meaning} never holds")
        interval = None if condition.loops else _as_interval(condition.relation)
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
