"""Questions about sizes that have three answers: yes, no, or a relation that decides.

Python's ``if`` knows two answers, and takes a symbolic comparison by ``==`` for no. Whoever chooses by a size asks here: what
is undecided comes back as a relation, which becomes a condition of the domain or the case of a formula.

>>> from sympy import symbols
>>> k, n = symbols("k n", integer=True, positive=True)
>>> equal(k, k + n), at_least(k, n), whole(k / 2)
(False, k >= n, Eq(Mod(k, 2), 0))
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sympy import Add, Eq, Expr, Ge, Mod, Mul, Not, Piecewise, S, floor, fraction, gcd_terms, sympify, together
from sympy.logic.boolalg import Boolean

from .normal_form import is_integer, is_nonnegative, is_positive, same, simplify


def whole(value: Expr) -> Boolean:
    """Whether a size is an integer.

    >>> from sympy import symbols
    >>> k = symbols("k", integer=True, positive=True)
    >>> whole(k * (k + 1) / 2), whole(k + S.Half)
    (True, False)
    """
    return S.true if value.is_Integer else _whole(value)


@lru_cache(maxsize=4096)
def _whole(value: Expr) -> Boolean:
    if value.is_integer:
        return S.true
    if value.is_number or value.is_integer is False:  # also one that is infinite or not rational
        return S.false
    if is_integer(value):
        return S.true
    known = same(value, floor(value))
    if known is not None:
        return S.true if known else S.false
    over, under = fraction(together(value))
    if under != 1 and is_integer(over) and is_integer(under):
        found: Boolean = Eq(Mod(over, under), 0)
        return found
    return Eq(value, floor(value))


def at_least(value: Expr, least: Expr | int) -> Boolean:
    """Whether a size is at least another one."""
    least = sympify(least)
    if value.is_Integer and least.is_Integer:
        return S(value >= least)
    return _at_least(value, least)


@lru_cache(maxsize=4096)
def _at_least(value: Expr, least: Expr) -> Boolean:
    known = is_nonnegative(simplify(value - least))
    if known is not None:
        return S.true if known else S.false
    found: Boolean = Ge(value, least)
    return found


def equal(left: Any, right: Any) -> Boolean:
    """Whether two sizes are equal; positive factors that they share are left out of the relation.

    >>> from sympy import symbols
    >>> c, x = symbols("c x", integer=True, positive=True)
    >>> equal(c * x, c), equal(2 * c, 4), equal(2 * c, 3)
    (Eq(x, 1), Eq(c, 2), False)
    """
    left, right = sympify(left), sympify(right)
    if left == right:
        return S.true
    known = same(left, right)
    if known is not None:
        return S.true if known else S.false
    difference = gcd_terms(simplify(left - right))
    left_over = [factor for factor in Mul.make_args(difference) if not is_positive(factor) and not is_positive(-factor)]
    terms = Add.make_args(simplify(Mul(*left_over)))
    taken = [term for term in terms if term.could_extract_minus_sign()]
    first, second = sorted((Add(*(term for term in terms if term not in taken)), -Add(*taken)), key=_written)
    found: Boolean = Eq(first, second)
    return found


def _written(size: Expr) -> tuple[bool, int, str]:
    """The order of two sides: what has symbols first, then what is shorter."""
    return size.is_number, size.count_ops(), str(size)


def indicator(relation: Boolean) -> Expr:
    """1 where a relation holds and 0 elsewhere: how often a part stands in a network that depends on it.

    >>> from sympy import symbols
    >>> k, n = symbols("k n", integer=True, positive=True)
    >>> indicator(equal(k, n)), indicator(equal(k, k + 1))
    (Piecewise((1, Eq(k, n)), (0, True)), 0)
    """
    found: Expr = simplify(Piecewise((1, relation), (0, True)))
    return found


def where_one(times: Expr) -> tuple[Boolean, dict[Expr, Expr]]:
    """Where a size that is 0 or 1 is 1, and what the cases in it are there.

    >>> from sympy import symbols
    >>> k, n = symbols("k n", integer=True, positive=True)
    >>> where_one(1 - indicator(equal(k, n)))
    (Ne(k, n), {Piecewise((1, Eq(k, n)), (0, True)): 0})
    """
    for case in times.atoms(Piecewise):
        if len(case.args) == 2 and case.args[0].expr == 1 and case.args[1].expr == 0:
            if times == case:
                return case.args[0].cond, {case: S.One}
            if times == 1 - case:
                return Not(case.args[0].cond), {case: S.Zero}
    return Ge(times, 1), {}


def size_conditions(value: Expr, least: int | None) -> tuple[tuple[Boolean, str], ...]:
    """What must hold for an expression to be a size of at least `least`, each with words; nothing that is known to hold.

    >>> from sympy import symbols
    >>> k = symbols("k", integer=True, positive=True)
    >>> size_conditions(k / 2, 1)
    ((Eq(Mod(k, 2), 0), 'be an integer'),)
    >>> size_conditions(k - 3, 0)
    ((k - 3 >= 0, 'be at least 0'),)
    """
    if value.is_Integer and (least is None or value >= least):
        return ()
    found = [(whole(value), "be an integer")]
    # An integer is at least 1 already when it is greater than 0.
    if least is not None and not is_positive(simplify(value - least + 1)):
        found.append((at_least(value, least), f"be at least {least}"))
    return tuple((relation, words) for relation, words in found if relation != S.true)
