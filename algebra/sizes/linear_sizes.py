"""Sizes that are numbers times symbols, added up, such as ``2*L + 3``: they are their own normal form, and their least and largest values
are those at the ends of what the symbols may be, so that their signs are known without a polynomial.

>>> from sympy import symbols
>>> L, n = symbols("L n", integer=True, positive=True)
>>> bounds_of_linear(2*L + n - 3), bounds_of_linear(3 - L), bounds_of_linear(L - n), bounds_of_linear(L*n)
((0, inf), (-inf, 2), (-inf, inf), None)
"""

from __future__ import annotations

from math import inf
from typing import Any

from sympy import Add, Basic, Expr, Mul, Symbol

from .polynomial import from_number


def linear_terms(expr: Basic) -> tuple[tuple[Expr, Symbol | None], ...] | None:
    """The numbers and their symbols, None beside a number alone; None for what is no such sum, or has a symbol that is no size."""
    found: list[tuple[Expr, Symbol | None]] = []
    met: set[Symbol | None] = set()
    for term in expr.args if isinstance(expr, Add) else (expr,):
        number, symbol = term.args if isinstance(term, Mul) and len(term.args) == 2 else (None, term)
        if isinstance(symbol, Symbol):
            if symbol.is_integer is not True or symbol.is_nonnegative is not True or symbol.is_zero:
                return None
            if number is not None and (not number.is_Rational or number == 0 or number == 1):
                return None
        elif number is None and term.is_Rational and term != 0:
            number, symbol = term, None
        else:
            return None
        if symbol in met:
            return None
        met.add(symbol)
        found.append((number, symbol))
    return tuple(found)


def bounds_of_linear(expr: Basic) -> tuple[Any, Any] | None:
    """The least and the largest value over all sizes that the symbols may be, infinite where there is none; None for what is no such sum."""
    terms = linear_terms(expr)
    if terms is None:
        return None
    low: Any = 0
    high: Any = 0
    for number, symbol in terms:
        value = 1 if number is None else from_number(number)
        if symbol is None:
            low, high = low + value, high + value
            continue
        least = value if symbol.is_positive else 0
        low, high = (low + least, inf) if value > 0 else (-inf, high + least)
    return low, high
