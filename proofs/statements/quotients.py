"""Relations of exact quotients as relations of integers, with the denominators multiplied away.

>>> from layeralgebra.proofs.statements.term import Var, eq
>>> n, s, d = Var("n", least=0), Var("s", least=1), Var("d")
>>> cleared(eq(n / 2 + n / s, n))
n*s + n*2 = n*(2*s)
>>> cleared(n / d <= 1)                    # d may be negative: both sides times a square
n*d <= d*d
"""

from __future__ import annotations

from .polynomial import MAX_EXPONENT
from .term import Add, Const, Div, Formula, Mul, Pow, Relation, Term, Var, walk

_ONE = Const(1)


class NotLowered(Exception):
    """A term that provers of integer arithmetic have no counterpart for."""


def cleared(formula: Formula) -> Formula:
    """The formula without exact quotients, the same wherever every quotient has a value.

    Raises
    ------
    NotLowered
        If a quotient stands below a rounding, an extremum or a sum.
    """
    if not isinstance(formula, Relation):
        return formula.with_parts(*(cleared(part) for part in formula.parts()))  # type: ignore[return-value,arg-type]
    (a, b), (c, d) = fraction(formula.left), fraction(formula.right)
    if (b, d) == (_ONE, _ONE):
        return formula
    if formula.relation in ("=", "!=") or (is_positive(b) and is_positive(d)):
        return Relation(formula.relation, times(a, d), times(c, b))
    return Relation(formula.relation, times(times(a, b), times(d, d)), times(times(c, d), times(b, b)))


def fraction(term: Term) -> tuple[Term, Term]:
    """Numerator and denominator of a term, without exact quotients in either."""
    if not any(isinstance(one, Div) for one in walk(term)):
        return term, _ONE
    match term:
        case Div(above, below):
            (a, b), (c, d) = fraction(above), fraction(below)
            return times(a, d), times(b, c)
        case Add(args):
            numerator, denominator = fraction(args[0])
            for other in args[1:]:
                c, d = fraction(other)
                if d == denominator:
                    numerator = numerator + c
                else:
                    numerator, denominator = times(numerator, d) + times(c, denominator), times(denominator, d)
            return numerator, denominator
        case Mul(args):
            numerator, denominator = _ONE, _ONE
            for other in args:
                c, d = fraction(other)
                numerator, denominator = times(numerator, c), times(denominator, d)
            return numerator, denominator
        case Pow(base, Const(value)) if 0 < value <= MAX_EXPONENT:
            c, d = fraction(base)
            return Pow(c, Const(value)), Pow(d, Const(value))
    raise NotLowered(f"{term!r} has an exact quotient where only an integer can stand")


def times(left: Term, right: Term) -> Term:
    """The product, without factors one."""
    if left == _ONE:
        return right
    return left if right == _ONE else left * right


def is_positive(term: Term) -> bool:
    """Whether a term is at least one because of its variables' domains alone, without any proof."""
    match term:
        case Const(value):
            return value > 0
        case Var(_, least):
            return least is not None and least > 0
        case Mul(args):
            return all(map(is_positive, args))
        case Pow(base, _):
            return is_positive(base)
        case Add(args):
            return any(map(is_positive, args)) and all(map(is_natural, args))
    return False


def is_natural(term: Term) -> bool:
    """Whether a term is at least zero because of its variables' domains alone."""
    match term:
        case Mul(args) | Add(args):
            return all(map(is_natural, args))
        case Pow(base, _):
            return is_natural(base)
        case Var(_, least):
            return least is not None and least >= 0
    return isinstance(term, Const) and term.value >= 0
