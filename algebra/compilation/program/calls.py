"""Functions of integers that have no operation of their own: SymPy evaluates them, one point after the other."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

from sympy import Function, Integer

from ...errors import UnsupportedError


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
