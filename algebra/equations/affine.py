"""Addresses that are affine in their indices."""

from __future__ import annotations

from functools import lru_cache

from sympy import Add, Dummy, Expr, Integer, Mul, ceiling, floor

from ..sizes.dims import Index
from .heads import address_indices

_ZERO = Integer(0)
_ONE = Integer(1)


def affine(expression: Expr) -> tuple[dict[Index, Expr], Expr] | None:
    """The coefficients of an index expression and its constant, or None if it is not affine in the indices.

    >>> i, u = Index("i"), Index("u")
    >>> affine(2*i + u - 3)
    ({i: 2, u: 1}, -3)
    """
    form = _affine(expression)
    return None if form is None else (dict(form[0]), form[1])


@lru_cache(maxsize=20_000)
def _affine(expression: Expr) -> tuple[dict[Index, Expr], Expr] | None:
    coefficients: dict[Index, Expr] = {}
    constant: list[Expr] = []
    for term in Add.make_args(expression):
        if isinstance(term, Index):
            coefficients[term] = coefficients.get(term, _ZERO) + 1
        elif not address_indices(term):
            constant.append(term)
        else:
            factors = Mul.make_args(term)
            held = [factor for factor in factors if isinstance(factor, Index)]
            rest = Mul(*(factor for factor in factors if not isinstance(factor, Index)))
            if len(held) != 1 or address_indices(rest):
                if _stays_rounded(expression):
                    return None
                return _affine(expanded) if (expanded := expression.expand()) != expression else None
            coefficients[held[0]] = coefficients.get(held[0], _ZERO) + rest
    return coefficients, Add(*constant)


def _stays_rounded(expression: Expr) -> bool:
    """Whether an expression has one rounding with an index that is there after expanding, which takes long where it is done again."""
    found = [part for part in expression.atoms(floor, ceiling) if address_indices(part)]
    if len(found) != 1 or not _keeps_indices(found[0]):
        return False
    rounded = Dummy()
    return bool(expression.xreplace({found[0]: rounded}).expand().has(rounded))


@lru_cache(maxsize=20_000)
def _keeps_indices(rounding: Expr) -> bool:
    """Whether an index stands in a rounding with a step that is not known to be an integer, so that it is not taken out of it."""
    form = _affine(rounding.args[0])
    return form is not None and any(not (step * index).is_integer for index, step in form[0].items())
