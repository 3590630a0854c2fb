"""What stands in a formula that is written and in none that is computed with: roundings of one quotient, binary logarithms.

Sums and products are built here as they are to be read; SymPy would multiply out ``2*(x + 1)`` and put ``2*x/2`` together.

>>> from sympy import symbols
>>> x, y = symbols("x y")
>>> product(2, [(x + 1, 1), (y, -1)]), product(-1, [(x, 2)]), product(3, [])
(2*(x + 1)/y, -x**2, 3)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from sympy import Add, Expr, Function, Integer, Mul, Pow, Rational

from ..sizes.polynomial import Coefficient, whole


class log2(Function):
    """A binary logarithm, for printing alone."""


class RoundedDown(Function):
    """The floor of the quotient of two expressions, for printing alone."""

    nargs = 2


class RoundedUp(Function):
    """The ceiling of the quotient of two expressions, for printing alone."""

    nargs = 2


def number(value: Coefficient) -> Rational:
    """A coefficient as SymPy's number."""
    return Integer(value) if type(value) is int else Rational(value.numerator, value.denominator)


def power(base: Expr, exponent: Expr) -> Expr:
    """A power as it stands."""
    return base if exponent == 1 else Pow(base, exponent, evaluate=False)


def product(coefficient: Coefficient, factors: Iterable[tuple[Expr, Expr | int]]) -> Expr:
    """A number times powers, with nothing multiplied out."""
    made = []
    for base, given in factors:
        exponent = Integer(given) if isinstance(given, int) else given
        if base.is_Rational and exponent.is_Integer:
            coefficient = whole(coefficient * Fraction(int(base.p), int(base.q)) ** int(exponent))
        else:
            made.append(power(base, exponent))
    if not coefficient:
        return Integer(0)
    if coefficient != 1 or not made:
        made = [number(coefficient), *made]
    return made[0] if len(made) == 1 else Mul(*made, evaluate=False)


def total(terms: Sequence[Expr]) -> Expr:
    """A sum with nothing put together."""
    kept = [part for term in terms for part in (term.args if term.is_Add else [term]) if part != 0]
    if not kept:
        return Integer(0)
    return kept[0] if len(kept) == 1 else Add(*kept, evaluate=False)
