"""Terms as SymPy expressions. SymPy evaluates while it builds, so this direction is for comparing, not for stating.

>>> from layeralgebra.proofs.statements.term import Var, ceil_div
>>> n = Var("n", least=1)
>>> sorted(map(str, to_sympy(ceil_div(n, 2) + n % 3).args))
['-3*floor(n/3)', 'ceiling(n/2)', 'n']
"""

from __future__ import annotations

from functools import reduce
from operator import mul

from sympy import Expr, Integer, Max, Min, Symbol, ceiling, floor

from ..statements import term as t


class NotInSympy(Exception):
    """A term that has no counterpart among the expressions that the engine simplifies."""


def symbol(variable: t.Var) -> Symbol:
    """The symbol for a variable, with the assumptions that its domain gives."""
    least = variable.least
    if least is not None and least >= 1:
        return Symbol(variable.name, integer=True, positive=True)
    if least == 0:
        return Symbol(variable.name, integer=True, nonnegative=True)
    return Symbol(variable.name, integer=True)


def to_sympy(node: t.Term) -> Expr:
    """The term as an expression.

    Raises
    ------
    NotInSympy
        For choices, sums and unknown sequences.
    """
    match node:
        case t.Const(value):
            return Integer(value)
        case t.Var():
            return symbol(node)
        case t.Add(args):
            return sum((to_sympy(one) for one in args), Integer(0))
        case t.Mul(args):
            return reduce(mul, (to_sympy(one) for one in args), Integer(1))
        case t.Pow(base, exponent):
            return to_sympy(base) ** to_sympy(exponent)
        case t.Div(numerator, denominator):
            return to_sympy(numerator) / to_sympy(denominator)
        case t.FloorDiv(numerator, denominator):
            return floor(to_sympy(numerator) / to_sympy(denominator))
        case t.CeilDiv(numerator, denominator):
            return ceiling(to_sympy(numerator) / to_sympy(denominator))
        case t.Mod(numerator, denominator):
            above, below = to_sympy(numerator), to_sympy(denominator)
            return above - below * floor(above / below)
        case t.Min(args):
            return Min(*map(to_sympy, args))
        case t.Max(args):
            return Max(*map(to_sympy, args))
    raise NotInSympy(f"{node!r} has no counterpart among the expressions that are simplified")
