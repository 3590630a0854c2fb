"""SymPy expressions and relations of sizes as terms and formulas, so that what the engine derives can be stated.

>>> from layeralgebra import dims
>>> from sympy import floor
>>> n, k = dims("n k")
>>> variables = {n: Var("n", 1), k: Var("k", 1)}
>>> term_of(floor((n - k)/2) + 1, variables)
(-k + n)//2 + 1
>>> formula_of(n >= k, variables)
n >= k
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import add, mul

from sympy import Add as SymAdd
from sympy import And as SymAnd
from sympy import Basic, Eq, Expr, Ge, Gt, Integer, Le, Lt, Ne, Symbol, ceiling, false, floor, fraction, together, true
from sympy import Max as SymMax
from sympy import Min as SymMin
from sympy import Mod as SymMod
from sympy import Mul as SymMul
from sympy import Not as SymNot
from sympy import Or as SymOr
from sympy import Pow as SymPow

from .quotients import NotLowered
from .term import And, Const, Formula, Not, Or, Pow, Relation, Term, Var, ceil_div, max_, min_

_RELATIONS = {Eq: "=", Ne: "!=", Ge: ">=", Gt: ">", Le: "<=", Lt: "<"}

Variables = Mapping[Symbol, Var]


def variable_of(symbol: Symbol, name: str) -> Var:
    """The variable for a symbol, with the domain that its assumptions give.

    Raises
    ------
    NotLowered
        If it is not known to be an integer.
    """
    if not symbol.is_integer:
        raise NotLowered(f"{symbol} is not known to be an integer")
    return Var(name, 1 if symbol.is_positive else 0 if symbol.is_nonnegative else None)


def term_of(expression: Basic, variables: Variables) -> Term:
    """An expression without quotients but rounded ones, as a term.

    Raises
    ------
    NotLowered
        If it has something else than sums, products, powers, rounded quotients, remainders, minima and maxima of sizes.
    """
    parts = expression.args
    if isinstance(expression, Integer):
        return Const(int(expression))
    if isinstance(expression, Symbol):
        return variables[expression]
    if isinstance(expression, SymAdd):
        terms = [term_of(part, variables) for part in _ordered(expression)]
        return reduce(add, terms)
    if isinstance(expression, SymMul):
        return reduce(mul, (term_of(part, variables) for part in parts))
    if isinstance(expression, SymPow) and parts[1].is_integer and parts[1].is_nonnegative:
        return Pow(term_of(parts[0], variables), term_of(parts[1], variables))
    if isinstance(expression, (floor, ceiling)):
        above, below = (term_of(part, variables) for part in fraction(together(parts[0])))
        return above // below if isinstance(expression, floor) else ceil_div(above, below)
    if isinstance(expression, SymMod):
        return term_of(parts[0], variables) % term_of(parts[1], variables)
    if isinstance(expression, (SymMin, SymMax)):
        choose = min_ if isinstance(expression, SymMin) else max_
        return choose(*(term_of(part, variables) for part in parts))
    raise NotLowered(
        f"{expression} is no sum, product, power, rounded quotient, remainder, minimum or maximum of sizes"
    )


def _ordered(expression: SymAdd) -> list[Expr]:
    return list(expression.as_ordered_terms())


def sides_of(left: Expr, right: Expr, variables: Variables) -> tuple[Term, Term]:
    """Two sides of an equation, both multiplied with what they are divided by."""
    (over, under), (above, below) = (fraction(together(side, deep=False)) for side in (left, right))
    if under == below:
        return term_of(over, variables), term_of(above, variables)
    return term_of(over, variables) * term_of(below, variables), term_of(above, variables) * term_of(under, variables)


def formula_of(relation: Basic, variables: Variables) -> Formula:
    """A relation of sizes as a formula.

    Raises
    ------
    NotLowered
        If it is neither a comparison nor made of comparisons.
    """
    if relation in (true, false):
        return Relation("=", Const(0), Const(0 if relation == true else 1))
    if isinstance(relation, (SymAnd, SymOr)):
        parts = tuple(formula_of(part, variables) for part in sorted(relation.args, key=str))
        return And(parts) if isinstance(relation, SymAnd) else Or(parts)
    if isinstance(relation, SymNot):
        return Not(formula_of(relation.args[0], variables))
    for kind, sign in _RELATIONS.items():
        if isinstance(relation, kind):
            left, right = relation.args
            return Relation(sign, *sides_of(left, right, variables))
    raise NotLowered(f"{relation} is no comparison of sizes")
