"""Exact arithmetic at numbers: what one node of a formula is worth when its arguments are known.

Integers and fractions are Python's; a number that is neither rational is SymPy's.

>>> from sympy import Mod, Symbol
>>> numeric(Symbol("x") + 1, [Fraction(1, 2), 1])
Fraction(3, 2)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, TypeAlias

import sympy
from sympy import Basic, Expr, Integer, Rational, S, Symbol
from sympy.core.relational import Equality, GreaterThan, LessThan, StrictGreaterThan, StrictLessThan, Unequality
from sympy.functions.elementary.miscellaneous import Max, Min
from sympy.logic.boolalg import Boolean, Not

from ..arguments import shown
from ..errors import BudgetError, DomainError, FieldError, UnsupportedError

#: A power or product with more bits than this is refused.
BIT_BUDGET = 1_000_000

Value: TypeAlias = int | Fraction | Expr


def assigned(
    wanted: set[Symbol], values: Mapping[Symbol | str, int | Fraction], unused: bool
) -> dict[Symbol, int | Fraction]:
    """The value of every wanted symbol, from values by symbol or by name."""
    if not isinstance(values, Mapping):
        raise FieldError(f"values must be a mapping from symbols or names to integers, got {shown(values)}")
    by_name: dict[str, list[Symbol]] = {}
    for symbol in wanted:
        by_name.setdefault(symbol.name, []).append(symbol)
    found: dict[Symbol, int | Fraction] = {}
    unknown = []
    for key, value in values.items():
        if isinstance(key, Symbol) and key in wanted:
            meant = [key]
        elif isinstance(key, Symbol | str):
            meant = by_name.get(key if isinstance(key, str) else key.name, [])
        else:
            raise FieldError(f"values are given by symbol or name, got the key {shown(key)}")
        if not meant:
            unknown.append(str(key))
        for symbol in meant:
            number = _checked(symbol, value)
            if found.setdefault(symbol, number) != number:
                raise FieldError(f"{symbol} is given twice, as {found[symbol]} and as {number}")
    if unknown and not unused:
        known = ", ".join(sorted(by_name)) or "none"
        raise FieldError(f"the expression has no symbol {', '.join(sorted(unknown))}; its symbols are: {known}")
    missing = sorted(symbol.name for symbol in wanted - found.keys())
    if missing:
        raise FieldError(f"no value for {', '.join(missing)}; give one for each of: {', '.join(sorted(by_name))}")
    return found


def _checked(symbol: Symbol, value: object) -> int | Fraction:
    if isinstance(value, Fraction) or (isinstance(value, Rational) and value.q != 1):
        number: int | Fraction = Fraction(int(value.numerator), int(value.denominator))
        number = int(number) if number.denominator == 1 else number
    elif hasattr(value, "__index__") and not isinstance(value, bool) and not getattr(value, "ndim", 0):
        number = value.__index__()
    else:
        raise FieldError(f"the value of {symbol} must be an integer, got {shown(value)} of type {type(value).__name__}")
    wrong = (
        "an integer" if symbol.is_integer and not isinstance(number, int)
        else "positive" if symbol.is_positive and number <= 0
        else "at least zero" if symbol.is_nonnegative and number < 0
        else "negative" if symbol.is_negative and number >= 0
        else "at most zero" if symbol.is_nonpositive and number > 0
        else "other than zero" if symbol.is_nonzero and number == 0
        else "even" if symbol.is_even and number % 2
        else "odd" if symbol.is_odd and number % 2 != 1
        else ""
    )  # fmt: skip
    if wrong:
        raise DomainError(f"{symbol} stands for a number that is {wrong}, and was given {number}")
    return number


def _plain(value: Any) -> Value:
    """Integers and fractions as Python's, and other numbers as SymPy's."""
    if isinstance(value, Fraction):
        return value.numerator if value.denominator == 1 else value
    if isinstance(value, Expr) and value.is_Rational:
        return int(value.p) if value.q == 1 else Fraction(int(value.p), int(value.q))
    return value


def total_of(values: Any) -> Value:
    """The sum of numbers; integers first, fractions by their denominators."""
    whole, parts, other = 0, [], []
    for value in values:
        if type(value) is int:
            whole += value
        elif isinstance(value, Fraction):
            parts.append(value)
        else:
            other.append(value)
    total: Value = whole
    if parts:
        by_denominator: dict[int, int] = {}
        for part in parts:
            by_denominator[part.denominator] = by_denominator.get(part.denominator, 0) + part.numerator
        total = _plain(whole + sum(Fraction(over, under) for under, over in by_denominator.items()))
    return _plain(sympy.Add(_symbolic(total), *other)) if other else total


def product_of(values: Any) -> Value:
    """The product of numbers, if it is not too large."""
    numbers = [value for value in values if isinstance(value, int | Fraction)]
    other = [value for value in values if not isinstance(value, int | Fraction)]
    bits = sum(max(abs(n.numerator), n.denominator).bit_length() for n in numbers)
    if bits > BIT_BUDGET + len(numbers):
        raise BudgetError(f"a product would have more than {BIT_BUDGET} bits")
    result = _plain(math.prod(numbers))
    return _plain(sympy.Mul(_symbolic(result), *other)) if other else result


def power_of(node: Basic, base: Value, exponent: Value) -> Value:
    """A power of numbers, exact where it is rational."""
    if isinstance(base, Expr) or not isinstance(exponent, int):
        if isinstance(exponent, Fraction) and isinstance(base, int) and base >= 0 and exponent.denominator == 2:
            root = math.isqrt(base)
            if root * root == base:
                return power_of(node, root, exponent.numerator)
        if not base and isinstance(exponent, Fraction) and exponent < 0:
            raise DomainError(f"{short(node)} divides by zero")
        return numeric(node, [base, exponent])
    if exponent < 0:
        if not base:
            raise DomainError(f"{short(node)} divides by zero")
        base, exponent = Fraction(1) / base, -exponent
    size = max(abs(base.numerator), base.denominator)
    if size > 1 and size.bit_length() * exponent > BIT_BUDGET:
        raise BudgetError(f"{short(node)} is a power with more than {BIT_BUDGET} bits")
    return _plain(base**exponent)


def _remainder(node: Basic, value: Any, modulus: Any) -> Value:
    if not modulus:
        raise DomainError(f"{short(node)} is a remainder modulo zero")
    return _plain(value % modulus)


def _factorial(node: Basic, value: Any) -> Value:
    if value > 20_000:
        raise BudgetError(f"{short(node)} is a factorial of {value}; the limit is 20000")
    return numeric(node, [value])


def _binomial(node: Basic, upper: Any, lower: Any) -> Value:
    if abs(upper) > 1_000_000 or min(abs(lower), abs(upper - lower)) > 20_000:
        raise BudgetError(f"{short(node)} is a binomial coefficient of {upper} and {lower}; it is too large")
    return numeric(node, [upper, lower])


def _symbolic(value: Any) -> Basic:
    if isinstance(value, bool):
        return S.true if value else S.false
    if isinstance(value, int):
        return Integer(value)
    return Rational(value.numerator, value.denominator) if isinstance(value, Fraction) else value


def numeric(node: Basic, arguments: list[Any]) -> Any:
    """What SymPy makes of a function of numbers, or an arithmetic with some that are not rational."""
    if isinstance(node, sympy.Add):
        return total_of(arguments)
    if isinstance(node, sympy.Mul):
        return product_of(arguments)
    if not node.args and isinstance(node, Expr) and node.is_number:
        return node
    made = node.func(*(_symbolic(argument) for argument in arguments))
    if isinstance(made, Boolean) and made in (S.true, S.false):
        return made is S.true
    if not isinstance(made, Expr) or not made.is_number or isinstance(made, sympy.core.function.AppliedUndef):
        raise UnsupportedError(f"{short(node)} has no number as its value; got {short(made)}")
    if made in (S.ComplexInfinity, S.NaN):
        raise DomainError(f"{short(node)} has no value there")
    if isinstance(made, sympy.floor | sympy.ceiling):
        raise UnsupportedError(f"{short(made)} could not be rounded")
    return _plain(made)


def short(node: Basic) -> str:
    """An expression for a message; a long one is cut, and a very deep one is not printed."""
    size, stack = 0, [node]
    while stack and size < 200:
        size += 1
        stack.extend(stack.pop().args)
    return str(node) if size < 200 else f"a {type(node).__name__} of more than 200 parts"


def sizes_in_words(values: Mapping[Symbol, object]) -> str:
    """The values of symbols, for a message."""
    texts = sorted(f"{symbol} = {value}" for symbol, value in values.items())
    return ", ".join(texts[:12]) + (", ..." if len(texts) > 12 else "")


EXACT: dict[type, Callable[..., Any]] = {
    sympy.Add: lambda node, *values: total_of(values),
    sympy.Mul: lambda node, *values: product_of(values),
    sympy.Pow: power_of,
    sympy.floor: lambda node, value: math.floor(value),
    sympy.ceiling: lambda node, value: math.ceil(value),
    sympy.Mod: _remainder,
    sympy.Abs: lambda node, value: abs(value),
    sympy.factorial: _factorial,
    sympy.binomial: _binomial,
    Max: lambda node, *values: max(values),
    Min: lambda node, *values: min(values),
    Equality: lambda node, left, right: left == right,
    Unequality: lambda node, left, right: left != right,
    LessThan: lambda node, left, right: left <= right,
    StrictLessThan: lambda node, left, right: left < right,
    GreaterThan: lambda node, left, right: left >= right,
    StrictGreaterThan: lambda node, left, right: left > right,
    Not: lambda node, value: not value,
    type(S.true): lambda node: True,
    type(S.false): lambda node: False,
}
