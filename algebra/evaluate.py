"""Exact values of symbolic sizes at given numbers, without SymPy's substitution.

Every node is computed once, in Python's integers and fractions, on a stack of our own; so formulas of ten thousand terms and
formulas nested thousands deep are evaluated alike. Branches of a `Piecewise` that are not taken are not looked at.

>>> from sympy import floor, symbols
>>> H, k = symbols("H k", integer=True, positive=True)
>>> evaluate(floor((H - k) / 2) + 1, {H: 224, "k": 7})
109
>>> evaluate_condition(k <= H, {"H": 224, "k": 7})
True
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import sympy
from sympy import Basic, Expr, Integer, Rational, S, Symbol
from sympy.core.relational import Equality, GreaterThan, LessThan, Relational, StrictGreaterThan, StrictLessThan, Unequality
from sympy.functions.elementary.miscellaneous import Max, Min
from sympy.logic.boolalg import And, Boolean, Not, Or

from .errors import BudgetError, DomainError, FieldError, UnsupportedError

#: A power or product with more bits than this is refused.
BIT_BUDGET = 1_000_000
#: So many terms of sums are computed by one evaluation, unless told otherwise.
SUM_BUDGET = 1_000_000

Value = int | Fraction | Expr


def evaluate(
    expr: Expr | int, values: Mapping[Symbol | str, int], *, terms: int = SUM_BUDGET, unused: bool = False
) -> Value:
    """The value of an expression at given numbers.

    Parameters
    ----------
    expr : sympy.Expr or int
        Sums, products, powers, floors, ceilings, remainders, minima, maxima, finite sums and products over an index, cases by
        `sympy.Piecewise`, and functions that SymPy evaluates at numbers.
    values : mapping
        A number for every symbol, by the symbol or by its name: integers (or fractions, for symbols that are not integers).
    terms : int
        How many terms of sums may be computed altogether.
    unused : bool
        Whether `values` may name symbols that the expression does not have.

    Returns
    -------
    int, fractions.Fraction or sympy.Expr
        An integer where the value is one, a fraction where it is rational, and a SymPy number (``log(3)``) where it is neither.

    Raises
    ------
    FieldError
        If a symbol has no value, or a value no symbol.
    DomainError
        If a value is outside of what its symbol stands for, or the formula has no value there (a division by zero).
    BudgetError
        If a sum has too many terms, or a number more than a million bits.
    UnsupportedError
        If something in the expression has no number as its value.

    Examples
    --------
    >>> from sympy import Mod, Sum, symbols
    >>> n, i = symbols("n i", integer=True)
    >>> evaluate(Sum(Mod(i, 3), (i, 0, n)), {"n": 10})
    10
    >>> evaluate(n / 4, {n: 6})
    Fraction(3, 2)
    """
    if isinstance(expr, int | Fraction) and not isinstance(expr, bool):
        expr = Rational(expr)
    if not isinstance(expr, Expr):
        raise FieldError(f"evaluate takes an expression, got {expr!r} of type {type(expr).__name__}")
    return _Evaluation(expr, values, terms, unused).value(expr)


def evaluate_condition(
    condition: Boolean | bool, values: Mapping[Symbol | str, int], *, terms: int = SUM_BUDGET, unused: bool = False
) -> bool:
    """Whether a relation, or a logical combination of relations, holds at given numbers.

    Parameters and errors are those of `evaluate`.

    Examples
    --------
    >>> from sympy import symbols
    >>> n = symbols("n", integer=True)
    >>> evaluate_condition((n > 2) & (n < 5), {"n": 5})
    False
    """
    if isinstance(condition, bool):
        condition = S.true if condition else S.false
    if not isinstance(condition, Boolean) or isinstance(condition, Symbol):
        raise FieldError(f"evaluate_condition takes a relation, got {condition!r} of type {type(condition).__name__}")
    return bool(_Evaluation(condition, values, terms, unused).value(condition))


def free_symbols(expr: Basic) -> set[Symbol]:
    """The symbols an expression depends on, found without recursion into its depth.

    Examples
    --------
    >>> from sympy import Sum, symbols
    >>> n, i = symbols("n i", integer=True)
    >>> free_symbols(Sum(i, (i, 0, n)))
    {n}
    """
    found: set[Symbol] = set()
    seen: set[int] = set()
    stack = [expr]
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, Symbol):
            found.add(node)
        elif isinstance(node, sympy.Sum | sympy.Product):
            inside = free_symbols(node.function)
            for limit in node.limits:  # the first is the innermost, and its ends may depend on the others
                inside.discard(limit[0])
                for end in limit[1:]:
                    inside |= free_symbols(end)
            found |= inside
        else:
            stack.extend(node.args)
    return found


class _Evaluation:
    """One evaluation: the values of the symbols, and of the nodes computed so far by their addresses."""

    def __init__(self, root: Basic, values: Mapping[Symbol | str, int], terms: int, unused: bool):
        self.symbols = _assigned(free_symbols(root), values, unused)
        self.done: dict[int, Any] = {}
        self.made: list[Basic] = []  # what lives as long as its address is in use
        self.terms, self.limit = terms, terms

    def value(self, root: Basic) -> Any:
        """The value of a node, computed from the leaves up."""
        done, stack = self.done, [root]
        while stack:
            node = stack[-1]
            if id(node) in done:
                stack.pop()
                continue
            if node.is_Rational:
                done[id(node)] = int(node.p) if node.q == 1 else Fraction(int(node.p), int(node.q))
            elif node.is_Symbol:
                done[id(node)] = self.symbols[node]
            else:
                lazy = _LAZY.get(type(node))
                if lazy is not None:
                    wanted = lazy(self, node)
                    if wanted is not None:
                        stack.append(wanted)
                        continue
                else:
                    missing = [child for child in node.args if id(child) not in done]
                    if not all(isinstance(child, Expr | Boolean) for child in missing):
                        raise UnsupportedError(f"{_short(node)} is nothing that can be evaluated at numbers")
                    if missing:
                        stack.extend(missing)
                        continue
                    done[id(node)] = self.combined(node)
            stack.pop()
        return done[id(root)]

    def combined(self, node: Basic) -> Any:
        """The value of a node whose arguments are known."""
        arguments = [self.done[id(child)] for child in node.args]
        if all(isinstance(argument, int | Fraction) for argument in arguments):
            exact = _EXACT.get(type(node))
            if exact is not None:
                return exact(node, *arguments)
        return _numeric(node, arguments)

    # Nodes that do not want all of their arguments: each handler returns what it needs next, or None when it is done.

    def cases(self, node: Basic) -> Basic | None:
        for value, condition in node.args:
            if id(condition) not in self.done:
                return condition
            if self.done[id(condition)]:
                if id(value) not in self.done:
                    return value
                self.done[id(node)] = self.done[id(value)]
                return None
        raise DomainError(f"no case of {_short(node)} applies at {_shown(self.symbols)}")

    def either(self, node: Basic) -> Basic | None:
        decisive = isinstance(node, Or)
        for part in node.args:
            if id(part) not in self.done:
                return part
            if self.done[id(part)] is decisive:
                self.done[id(node)] = decisive
                return None
        self.done[id(node)] = not decisive
        return None

    def indexed(self, node: Basic) -> Basic | None:
        """A finite sum or product; its outermost index is the last of its limits."""
        *inner, limit = node.limits
        if len(limit) != 3:
            raise UnsupportedError(f"{_short(node)} has no limits; write Sum(f, (i, first, last))")
        index, *ends = limit
        for end in ends:
            if id(end) not in self.done:
                return end
        first, last = (self.done[id(end)] for end in ends)
        if not isinstance(first, int) or not isinstance(last, int):
            raise DomainError(f"the limits of {_short(node)} are {first} and {last}, and must be integers")
        adds = isinstance(node, sympy.Sum)
        if last < first - 1:  # the convention of Karr, as in SymPy
            first, last, turned = last + 1, first - 1, True
        else:
            turned = False
        self.terms -= last - first + 1
        if self.terms < 0:
            raise BudgetError(
                f"the sums have more than {self.limit} terms; give evaluate(..., terms=...) a larger number, "
                "or sum in closed form with summation(...)"
            )
        body = node.func(node.function, *inner) if inner else node.function
        self.made.append(body)
        results = self.repeated(body, index, range(first, last + 1))
        total = _total(results) if adds else _product(results)
        if turned:
            total = -total if adds else _power(node, total, -1)
        self.done[id(node)] = total
        return None

    def repeated(self, body: Basic, index: Symbol, places: range) -> list[Value]:
        """The values of a body at all places of an index; what does not depend on it is computed once."""
        varying = _depending(body, index)
        outside = self.symbols.get(index)
        found = []
        for place in places:
            for address in varying:
                self.done.pop(address, None)
            self.symbols[index] = place
            found.append(self.value(body))
        for address in varying:
            self.done.pop(address, None)
        self.symbols.pop(index, None)
        if outside is not None:
            self.symbols[index] = outside
        return found


def _depending(body: Basic, index: Symbol) -> list[int]:
    """The addresses of the nodes that contain the index."""
    order: list[Basic] = []
    seen: set[int] = set()
    stack = [body]
    while stack:
        node = stack.pop()
        if id(node) not in seen:
            seen.add(id(node))
            order.append(node)
            stack.extend(node.args)
    # A parent can be met before or after its children, so that the marks are spread upwards until they stay.
    parents: dict[int, list[int]] = {}
    for node in order:
        for child in node.args:
            parents.setdefault(id(child), []).append(id(node))
    marked = {id(node) for node in order if node == index}
    spread = list(marked)
    while spread:
        for parent in parents.get(spread.pop(), ()):
            if parent not in marked:
                marked.add(parent)
                spread.append(parent)
    return list(marked)


# Values of symbols


def _assigned(wanted: set[Symbol], values: Mapping[Symbol | str, int], unused: bool) -> dict[Symbol, int | Fraction]:
    if not isinstance(values, Mapping):
        raise FieldError(f"values must be a mapping from symbols or names to integers, got {values!r}")
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
            raise FieldError(f"values are given by symbol or name, got the key {key!r}")
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
    elif hasattr(value, "__index__") and not isinstance(value, bool):
        number = value.__index__()
    else:
        raise FieldError(f"the value of {symbol} must be an integer, got {value!r} of type {type(value).__name__}")
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


# Arithmetic


def _plain(value: Any) -> Value:
    """Integers and fractions as Python's, and other numbers as SymPy's."""
    if isinstance(value, Fraction):
        return value.numerator if value.denominator == 1 else value
    if isinstance(value, Expr) and value.is_Rational:
        return int(value.p) if value.q == 1 else Fraction(int(value.p), int(value.q))
    return value


def _total(values: Any) -> Value:
    whole, parts, other = 0, [], []
    for value in values:
        if type(value) is int:
            whole += value
        elif isinstance(value, Fraction):
            parts.append(value)
        else:
            other.append(value)
    if parts:
        by_denominator: dict[int, int] = {}
        for part in parts:
            by_denominator[part.denominator] = by_denominator.get(part.denominator, 0) + part.numerator
        whole = _plain(whole + sum(Fraction(over, under) for under, over in by_denominator.items()))
    return _plain(sympy.Add(_symbolic(whole), *other)) if other else whole


def _product(values: Any) -> Value:
    numbers = [value for value in values if isinstance(value, int | Fraction)]
    other = [value for value in values if not isinstance(value, int | Fraction)]
    bits = sum(max(abs(n.numerator), n.denominator).bit_length() for n in numbers)
    if bits > BIT_BUDGET + len(numbers):
        raise BudgetError(f"a product would have more than {BIT_BUDGET} bits")
    result = _plain(math.prod(numbers))
    return _plain(sympy.Mul(_symbolic(result), *other)) if other else result


def _power(node: Basic, base: Value, exponent: Value) -> Value:
    if isinstance(base, Expr) or not isinstance(exponent, int):
        if isinstance(exponent, Fraction) and isinstance(base, int) and base >= 0 and exponent.denominator == 2:
            root = math.isqrt(base)
            if root * root == base:
                return _power(node, root, exponent.numerator)
        if not base and isinstance(exponent, Fraction) and exponent < 0:
            raise DomainError(f"{_short(node)} divides by zero")
        return _numeric(node, [base, exponent])
    if exponent < 0:
        if not base:
            raise DomainError(f"{_short(node)} divides by zero")
        base, exponent = Fraction(1) / base, -exponent
    size = max(abs(base.numerator), base.denominator)
    if size > 1 and size.bit_length() * exponent > BIT_BUDGET:
        raise BudgetError(f"{_short(node)} is a power with more than {BIT_BUDGET} bits")
    return _plain(base**exponent)


def _remainder(node: Basic, value: Any, modulus: Any) -> Value:
    if not modulus:
        raise DomainError(f"{_short(node)} is a remainder modulo zero")
    return _plain(value % modulus)


def _factorial(node: Basic, value: Any) -> Value:
    if value > 20_000:
        raise BudgetError(f"{_short(node)} is a factorial of {value}; the limit is 20000")
    return _numeric(node, [value])


def _binomial(node: Basic, upper: Any, lower: Any) -> Value:
    if abs(upper) > 1_000_000 or min(abs(lower), abs(upper - lower)) > 20_000:
        raise BudgetError(f"{_short(node)} is a binomial coefficient of {upper} and {lower}; it is too large")
    return _numeric(node, [upper, lower])


def _symbolic(value: Any) -> Basic:
    if isinstance(value, bool):
        return S.true if value else S.false
    if isinstance(value, int):
        return Integer(value)
    return Rational(value.numerator, value.denominator) if isinstance(value, Fraction) else value


def _numeric(node: Basic, arguments: list[Any]) -> Any:
    """What SymPy makes of a function of numbers, or an arithmetic with some that are not rational."""
    if isinstance(node, sympy.Add):
        return _total(arguments)
    if isinstance(node, sympy.Mul):
        return _product(arguments)
    if not node.args and isinstance(node, Expr) and node.is_number:
        return node
    made = node.func(*(_symbolic(argument) for argument in arguments))
    if isinstance(made, Boolean) and made in (S.true, S.false):
        return made is S.true
    if not isinstance(made, Expr) or not made.is_number or isinstance(made, sympy.core.function.AppliedUndef):
        raise UnsupportedError(f"{_short(node)} has no number as its value; got {_short(made)}")
    if made in (S.ComplexInfinity, S.NaN):
        raise DomainError(f"{_short(node)} has no value there")
    if isinstance(made, sympy.floor | sympy.ceiling):
        raise UnsupportedError(f"{_short(made)} could not be rounded")
    return _plain(made)


def _short(node: Basic) -> str:
    """An expression for a message; a long one is cut, and a very deep one is not printed."""
    size, stack = 0, [node]
    while stack and size < 200:
        size += 1
        stack.extend(stack.pop().args)
    return str(node) if size < 200 else f"a {type(node).__name__} of more than 200 parts"


def _shown(values: Mapping[Symbol, object]) -> str:
    shown = sorted(f"{symbol} = {value}" for symbol, value in values.items())
    return ", ".join(shown[:12]) + (", ..." if len(shown) > 12 else "")


_EXACT: dict[type, Callable[..., Any]] = {
    sympy.Add: lambda node, *values: _total(values),
    sympy.Mul: lambda node, *values: _product(values),
    sympy.Pow: _power,
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

_LAZY: dict[type, Callable[[_Evaluation, Any], Basic | None]] = {
    sympy.Piecewise: _Evaluation.cases,
    And: _Evaluation.either,
    Or: _Evaluation.either,
    sympy.Sum: _Evaluation.indexed,
    sympy.Product: _Evaluation.indexed,
}
