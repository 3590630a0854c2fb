"""Lagrange's conditions in closed form, for products of powers under budgets that are sums of products of powers.

For ``f = k x^a`` under ``g_j = sum of terms m_jk <= P_j`` the condition ``grad log f = sum of mu_j grad g_j`` reads
``a = sum of mu_j m_jk p_jk`` with the exponents ``p_jk`` of the terms: linear in ``u_jk = mu_j m_jk``. With as many
terms as variables it determines every ``u_jk``, each budget splits as ``m_jk = P_j u_jk / sum of u_jk``, and
logarithms of the variables solve a linear system (geometric programs without degrees of difficulty; Duffin, Peterson
and Zener 1967).

>>> from sympy import symbols
>>> c, L, P = symbols("c L P", positive=True)
>>> best = lagrange(c * L, [(9*c**2*L + 4*L, P)], [c, L])
>>> best[0].at
{c: 2/3, L: P/8}
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

from sympy import Expr, Matrix, Mul, Poly, Rational, S, Symbol
from sympy.polys.polyerrors import PolynomialError

from ..records import dataclass

MAX_TERMS = 12


@dataclass(frozen=True)
class Stationary:
    """A point that satisfies Lagrange's conditions for continuous sizes.

    Attributes
    ----------
    at : dict
        The sizes.
    active : tuple of int
        The numbers of the budgets that are used up.
    exponents : tuple
        For each of them, by how many percent the objective grows when the budget grows by one percent.
    """

    at: dict[Symbol, Expr]
    active: tuple[int, ...]
    exponents: tuple[Expr, ...]


def terms_of(e: Expr, variables: Sequence[Symbol]) -> list[tuple[Expr, tuple[Any, ...]]] | None:
    """The terms of a sum of products of powers, as coefficients and exponents; None if it is something else."""
    try:
        poly = Poly(e, *variables)
    except PolynomialError:
        return _products(e, variables)
    if any(coefficient.free_symbols & set(variables) for coefficient in poly.coeffs()):
        return _products(e, variables)
    return [(coefficient, tuple(map(Rational, exponents))) for exponents, coefficient in poly.terms()]


def _products(e: Expr, variables: Sequence[Symbol]) -> list[tuple[Expr, tuple[Any, ...]]] | None:
    found = []
    for term in e.as_ordered_terms():
        coefficient, exponents = S.One, dict.fromkeys(variables, S.Zero)
        for factor in Mul.make_args(term):
            base, exponent = factor.as_base_exp()
            if base in exponents and exponent.is_Rational:
                exponents[base] += exponent
            elif factor.free_symbols & set(variables):
                return None
            else:
                coefficient *= factor
        found.append((coefficient, tuple(exponents.values())))
    return found


def lagrange(objective: Expr, budgets: Sequence[tuple[Expr, Expr]], variables: Sequence[Symbol]) -> list[Stationary]:
    """The points that satisfy Lagrange's conditions, for a maximum of a product of powers; [] where they do not solve.

    Parameters
    ----------
    objective : sympy.Expr
    budgets : sequence of (formula, limit)
        Each formula is to be at most its limit.
    variables : sequence of sympy.Symbol
    """
    goal = terms_of(objective, variables)
    if goal is None or len(goal) != 1:
        return []
    exponents = Matrix(goal[0][1])
    sums: list[Any] = []
    for formula, limit in budgets:
        terms = terms_of(formula, variables)
        if terms is None or limit.free_symbols & set(variables):
            sums.append(None)
            continue
        constant = sum((coefficient for coefficient, powers in terms if not any(powers)), S.Zero)
        sums.append(([term for term in terms if any(term[1])], limit - constant))
    found = []
    for count in range(1, len(variables) + 1):
        for active in combinations(range(len(budgets)), count):
            point = _stationary(exponents, [sums[number] for number in active], active, variables)
            if point is not None:
                found.append(point)
    return found


def _stationary(exponents: Any, sums: Sequence[Any], active: tuple[int, ...], variables: Sequence[Symbol]) -> Any:
    if any(part is None for part in sums):
        return None
    terms = [(number, *term) for number, (parts, _) in enumerate(sums) for term in parts]
    if len(terms) != len(variables) or len(terms) > MAX_TERMS:
        return None
    powers = Matrix([list(term[2]) for term in terms])  # a row for each term
    if powers.det() == 0:
        return None
    shares = list(powers.T.LUsolve(exponents))
    if not all(share.is_positive for share in shares):
        return None
    totals = [
        sum((share for share, term in zip(shares, terms, strict=True) if term[0] == number), S.Zero)
        for number in range(len(sums))
    ]
    values = [
        sums[number][1] * share / (totals[number] * coefficient)
        for share, (number, coefficient, _) in zip(shares, terms, strict=True)
    ]
    if any(value.is_positive is False for value in values):
        return None
    inverse = powers.inv()
    at = {
        variable: Mul(*(value ** inverse[row, column] for column, value in enumerate(values)))
        for row, variable in enumerate(variables)
    }
    return Stationary(at, active, tuple(totals))
