"""The rules of functions of integers: those of ours, those of SymPy that are computed here, and all others of SymPy,
which evaluates them, one point after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from math import comb, factorial, inf
from typing import Any

import sympy
from sympy import Function, Integer

from ...errors import UnsupportedError
from ...formulas.function import FormulaFunction, Rule
from ...sizes.intervals import ANYTHING, Interval
from . import functions as runtime
from .program import Program


def _of_binomial(n: Interval, k: Interval) -> Interval:
    (low, high), (_, most) = n, k
    if low < 0:
        return ANYTHING
    if most < 0:
        return 0, 0
    if high == inf or high > 1024:
        return 0, inf
    return 0, comb(high, max(0, min(most, high // 2)))


def _of_factorial(n: Interval) -> Interval:
    return 1, (factorial(max(n[1], 0)) if n[1] <= 200 else inf)


_OF_SYMPY = {
    sympy.binomial: Rule(
        runtime.comb,
        _of_binomial,
        on_integers="a binomial coefficient can be compiled where both its arguments are integers",
    ),
    sympy.factorial: Rule(
        runtime.factorial,
        _of_factorial,
        least=((0, "the argument of a factorial is not negative"),),
        on_integers="a factorial can be compiled where its argument is an integer",
    ),
}


def rule_of(cls: Any) -> Rule:
    """How a class of functions is computed."""
    if issubclass(cls, FormulaFunction):
        return cls.rule
    return _OF_SYMPY.get(cls) or _evaluated(cls)


@cache
def _evaluated(cls: Any) -> Rule:
    whole = cls.is_integer is True
    low = -inf if not whole else 1 if cls.is_positive is True else 0 if cls.is_nonnegative is True else -inf
    return Rule(caller(cls), lambda *parts: (low, inf), whole=whole, stands_alone=False)


@cache
def caller(cls: type[Function]) -> Callable[..., Any]:
    """A function of Python integers that gives an integer if the class always does, else a float.

    >>> from sympy import bell
    >>> caller(bell)(10)
    115975.0
    """
    whole = cls.is_integer is True

    @lru_cache(maxsize=2**16)
    def call(*sizes: int) -> Any:
        value = cls(*map(Integer, sizes)).doit()
        if whole and value.is_Integer:
            return int(value)
        number = value.evalf(17)
        if whole or not number.is_Float and not number.is_Rational:
            raise UnsupportedError(f"{value} could not be evaluated")
        return float(number)

    return call


def rules_in(program: Program) -> Iterator[Rule]:
    """The rules that a program calls, also in its sums."""
    for op, value in zip(program.ops, program.values, strict=True):
        if op == "call":
            yield value
        elif op == "loop":
            yield from rules_in(value.program)
