"""How many characters an expression takes as text, found without printing it.

>>> from sympy import symbols
>>> x, y = symbols("x y")
>>> text_length(3*x*(y + 1)**2 - x/y), len("3*x*(y + 1)**2 - x/y")
(20, 20)
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sympy import Add, Expr, Max, Min, Mul, Pow, S, log
from sympy.printing.precedence import PRECEDENCE, precedence

from .display import RoundedDown, RoundedUp, log2
from .printer import PRINTER

_SUM, _PRODUCT, _POWER, _ATOM = (PRECEDENCE[name] for name in ("Add", "Mul", "Pow", "Atom"))
_CALLED = {RoundedDown: "floor()", RoundedUp: "ceil()", Max: "max()", Min: "min()", log2: "log2()"}
Measured = tuple[int, bool, int]
"""The length without a sign in front, whether there is one, and how tightly it binds."""


@lru_cache(maxsize=4096)
def plain_text(expr: Any) -> str:
    """An expression as text, as it stands."""
    return PRINTER.doprint(expr)


def text_length(expr: Any) -> int:
    """How many characters an expression takes as text."""
    length, negative, _ = _measured(expr)
    return length + negative


def _within(expr: Expr, level: int) -> int:
    """The length with brackets where it binds no tighter than `level`."""
    length, negative, binds = _measured(expr)
    return length + negative + (2 if binds <= level or negative else 0)


@lru_cache(maxsize=16384)
def _measured(expr: Any) -> Measured:
    if expr.is_Symbol:
        return len(expr.name), False, _ATOM
    if expr.is_Integer:
        return _digits(expr.p), expr.p < 0, _ATOM
    if isinstance(expr, Add):
        return _of_sum(expr)
    if isinstance(expr, Mul):
        return _of_product(expr)
    if isinstance(expr, Pow):
        return _of_power(expr)
    called = _CALLED.get(type(expr), "")
    if isinstance(expr, (RoundedDown, RoundedUp)):
        over, under = expr.args
        if under == 1:
            return len(called) + text_length(over), False, _ATOM
        return len(called) + _within(over, _SUM) + 1 + _within(under, _PRODUCT), False, _ATOM
    if called:
        return len(called) + sum(text_length(part) + 2 for part in expr.args) - 2, False, _ATOM
    text = plain_text(expr)
    return len(text) - text.startswith("-"), text.startswith("-"), precedence(expr)


def _digits(number: int) -> int:
    """How many digits a number has; of one that Python does not write, about as many."""
    return len(str(abs(number))) if number.bit_length() < 10_000 else number.bit_length() * 3 // 10


def _of_sum(expr: Add) -> Measured:
    parts = [_measured(term) for term in expr.args]
    length = sum(length + (2 if binds <= _SUM and not negative else 0) for length, negative, binds in parts)
    return length + 3 * (len(parts) - 1), all(negative for _, negative, _ in parts), _SUM


def _of_product(expr: Mul) -> Measured:
    number, *factors = expr.args if expr.args[0].is_Rational else (S.One, *expr.args)
    if expr.args[0] is S.One or any(factor.is_number for factor in factors) or expr.has(log):
        text = plain_text(expr)
        return len(text) - text.startswith("-"), text.startswith("-"), precedence(expr)
    over = [_digits(number.p)] if abs(number.p) != 1 else []
    under = [_digits(number.q)] if number.q != 1 else []
    for factor in factors:
        if isinstance(factor, Pow) and factor.exp.as_coeff_Mul()[0] < 0:
            raised = Pow(factor.base, -factor.exp, evaluate=False) if factor.exp != -1 else factor.base
            under.append(_within(raised, _PRODUCT))
        else:
            over.append(_within(factor, _PRODUCT))
    length = sum(over or [1]) + max(len(over), 1) - 1
    if under:
        length += 1 + sum(under) + len(under) - 1 + (2 if len(under) > 1 else 0)
    return length, number.p < 0, _SUM if number.p < 0 else _PRODUCT


def _of_power(expr: Pow) -> Measured:
    base, exponent = expr.args
    if abs(exponent) == S.Half:
        return text_length(base) + len("sqrt()") + (2 if exponent < 0 else 0), False, _POWER
    if exponent == -1:
        return _within(base, _POWER) + 2, False, _POWER
    return _within(base, _POWER) + 2 + _within(exponent, _POWER), False, _POWER
