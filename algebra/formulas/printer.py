"""How formulas are printed as text: one quotient inside a rounding, ceilings where they are shorter, relations balanced.

>>> from sympy import floor
>>> from layeralgebra import dims
>>> N, p, s = dims("N p s")
>>> FormulaPrinter().doprint(3*floor((N + 2*p - 3)/s) + 3)
'3*floor((N + 2*p - 3)/s) + 3'
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sympy import Add, Basic, Eq, Expr, Mod, Mul, Ne, Pow, S, ceiling, fraction, log, together
from sympy.core.relational import Relational
from sympy.printing.precedence import PRECEDENCE
from sympy.printing.str import StrPrinter

from ..errors import BudgetError
from .display import RoundedDown, log2

LONGEST_QUOTIENT = 200


def rounded(expr: Expr) -> tuple[str, Expr, Expr]:
    """A floor or a ceiling as a direction, a numerator and a denominator.

    ``floor((A + n - 1)/n)`` is ``ceil(A/n)`` for integers A and n >= 1; the ceiling is taken where
    its numerator has fewer terms.
    """
    (inside,) = expr.args
    over, under = fraction(together(inside)) if inside.count_ops() <= LONGEST_QUOTIENT else (inside, inside.one)
    if isinstance(expr, ceiling):
        return "ceil", over, under
    if under != 1 and over.is_integer and under.is_integer and under.is_positive:
        shorter = over - under + 1
        if len(Add.make_args(shorter)) < len(Add.make_args(over)):
            return "ceil", shorter, under
    return "floor", over, under


def balanced(relation: Relational) -> Relational:
    """A relation with every term on the side where it is positive, a bare number on the right.

    >>> from layeralgebra import dims
    >>> H, k = dims("H k")
    >>> balanced(H - k >= 0)
    H >= k
    >>> balanced(H*1 - 7 >= 0)
    H >= 7
    """
    terms = [*Add.make_args(relation.lhs), *(-term for term in Add.make_args(relation.rhs))]
    left = Add(*(term for term in terms if not term.could_extract_minus_sign()))
    right = Add(*(-term for term in terms if term.could_extract_minus_sign()))
    made = relation.func(left, right, evaluate=False)
    return made.reversed if left.is_number and not right.is_number else made


def divisibility(relation: Basic) -> tuple[Expr, Expr] | None:
    """What must divide what, if a relation says that a remainder is 0."""
    if isinstance(relation, Eq) and isinstance(relation.lhs, Mod) and relation.rhs.is_zero:
        return relation.lhs.args[1], relation.lhs.args[0]
    return None


def binary_logarithms(product: Expr) -> Expr | None:
    """A product that holds ``log(a)/log(2)`` with a binary logarithm in its place, or None.

    >>> from sympy import log
    >>> from layeralgebra import dims
    >>> c = dims("c")
    >>> binary_logarithms(3*c*log(c + 1)/log(2))
    3*c*log2(c + 1)
    """
    if not product.has(log) or Pow(log(2), -1) not in product.args:
        return None
    logarithms = [factor for factor in product.args if isinstance(factor, log)]
    if len(logarithms) != 1:
        return None
    rest = [factor for factor in product.args if factor != logarithms[0] and factor != Pow(log(2), -1)]
    return Mul(*rest, log2(logarithms[0].args[0]))


def positive_first(terms: Sequence[Expr]) -> list[Expr]:
    """The terms of a sum in their order, but for a positive one at the front if there is any."""
    place = next((place for place, term in enumerate(terms) if not term.could_extract_minus_sign()), 0)
    return [terms[place], *terms[:place], *terms[place + 1 :]]


@contextmanager
def digits_in_full() -> Iterator[None]:
    """Refuse what Python does not write in full."""
    try:
        yield
    except ValueError as error:
        if "integer string conversion" not in str(error):
            raise
        limit = sys.get_int_max_str_digits()
        raise BudgetError(
            f"an integer of the formula has more than {limit} digits, which is as many as are written; write its "
            "logarithm, or allow more with sys.set_int_max_str_digits(...)"
        ) from None


class FormulaPrinter(StrPrinter):
    """Python's spelling, with ``ceil``, ``floor``, ``max`` and ``min``."""

    def doprint(self, expr: Any) -> str:
        with digits_in_full():
            return super().doprint(expr)

    def parenthesize(self, item: Any, level: int, strict: bool = False) -> str:
        return self._print(item) if isinstance(item, Mod) else super().parenthesize(item, level, strict)

    def _as_ordered_terms(self, expr: Expr, order: Any = None) -> list[Expr]:
        return positive_first(super()._as_ordered_terms(expr, order=order))

    def _print_floor(self, expr: Expr) -> str:
        direction, over, under = rounded(expr)
        return self._print_RoundedDown(RoundedDown(over, under), direction)

    _print_ceiling = _print_floor

    def _print_RoundedDown(self, expr: Expr, direction: str = "floor") -> str:
        over, under = expr.args
        if under == 1:
            return f"{direction}({self._print(over)})"
        return f"{direction}({self.parenthesize(over, PRECEDENCE['Add'])}/{self._factor(under)})"

    def _print_RoundedUp(self, expr: Expr) -> str:
        return self._print_RoundedDown(expr, "ceil")

    def _print_Mul(self, expr: Expr) -> str:
        rest = binary_logarithms(expr)
        return super()._print_Mul(expr) if rest is None else self._print(rest)

    def _print_Max(self, expr: Expr) -> str:
        return f"max({', '.join(self._print(part) for part in expr.args)})"

    def _print_Min(self, expr: Expr) -> str:
        return f"min({', '.join(self._print(part) for part in expr.args)})"

    def _print_Mod(self, expr: Expr) -> str:
        return f"({self._factor(expr.args[0])} mod {self._factor(expr.args[1])})"

    def _factor(self, expr: Expr) -> str:
        """In brackets unless it is one symbol, number, power or call."""
        return self.parenthesize(expr, PRECEDENCE["Mul"])

    def _print_Sum(self, expr: Any) -> str:
        ranges = ", ".join(f"{index} = {self._print(low)}..{self._print(high)}" for index, low, high in expr.limits)
        return f"sum({self._print(expr.function)}, {ranges})"

    def _print_Piecewise(self, expr: Any) -> str:
        """Python's conditional expression."""
        cases = [
            self._print(value) if condition is S.true else f"{self._print(value)} if {self._print(condition)}"
            for value, condition in expr.args
        ]
        return f"({' else '.join(cases)})"

    def _print_Relational(self, expr: Any) -> str:
        pair = divisibility(expr)
        if pair is not None:
            return f"{self._print(pair[0])} divides {self._print(pair[1])}"
        shown = balanced(expr)
        sign = {Eq: "=", Ne: "!="}.get(type(shown), shown.rel_op)
        return f"{self._print(shown.lhs)} {sign} {self._print(shown.rhs)}"


PRINTER = FormulaPrinter()
