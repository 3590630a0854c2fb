"""Exact values of symbolic sizes at given numbers, without SymPy's substitution.

Every node is computed once, in Python's integers and fractions, on a stack of our own; so formulas of ten thousand
terms and formulas nested thousands deep are evaluated alike. Branches of a `Piecewise` that are not taken are not
looked at.

>>> from sympy import floor, symbols
>>> H, k = symbols("H k", integer=True, positive=True)
>>> evaluate(floor((H - k) / 2) + 1, {H: 224, "k": 7})
109
>>> evaluate_condition(k <= H, {"H": 224, "k": 7})
True
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import sympy
from sympy import Basic, Expr, Rational, S, Symbol
from sympy.logic.boolalg import And, Boolean, Or

from ..arguments import shown
from ..errors import BudgetError, DomainError, FieldError, UnsupportedError
from .exact_arithmetic import EXACT, Value, assigned, numeric, power_of, product_of, short, sizes_in_words, total_of

#: So many terms of sums are computed by one evaluation, unless told otherwise.
SUM_BUDGET = 1_000_000


def evaluate(
    expr: Expr | int, values: Mapping[Symbol | str, int | Fraction], *, terms: int = SUM_BUDGET, unused: bool = False
) -> Value:
    """The value of an expression at given numbers.

    Parameters
    ----------
    expr : sympy.Expr or int
        Sums, products, powers, floors, ceilings, remainders, minima, maxima, finite sums and products over an index,
        cases by `sympy.Piecewise`, and functions that SymPy evaluates at numbers.
    values : mapping
        A number for every symbol, by the symbol or by its name: integers (or fractions, for symbols that are not
        integers).
    terms : int
        How many terms of sums may be computed altogether.
    unused : bool
        Whether `values` may name symbols that the expression does not have.

    Returns
    -------
    int, fractions.Fraction or sympy.Expr
        An integer where the value is one, a fraction where it is rational, and a SymPy number (``log(3)``) where it
        is neither.

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
        raise FieldError(f"evaluate takes an expression, got {shown(expr)} of type {type(expr).__name__}")
    return _Evaluation(expr, values, terms, unused).value(expr)


def evaluate_condition(
    condition: Boolean | bool,
    values: Mapping[Symbol | str, int | Fraction],
    *,
    terms: int = SUM_BUDGET,
    unused: bool = False,
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
        raise FieldError(
            f"evaluate_condition takes a relation, got {shown(condition)} of type {type(condition).__name__}"
        )
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

    def __init__(self, root: Basic, values: Mapping[Symbol | str, int | Fraction], terms: int, unused: bool):
        self.symbols = assigned(free_symbols(root), values, unused)
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
                        raise UnsupportedError(f"{short(node)} is nothing that can be evaluated at numbers")
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
            exact = EXACT.get(type(node))
            if exact is not None:
                return exact(node, *arguments)
        return numeric(node, arguments)

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
        raise DomainError(f"no case of {short(node)} applies at {sizes_in_words(self.symbols)}")

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
            raise UnsupportedError(f"{short(node)} has no limits; write Sum(f, (i, first, last))")
        index, *ends = limit
        for end in ends:
            if id(end) not in self.done:
                return end
        first, last = (self.done[id(end)] for end in ends)
        if not isinstance(first, int) or not isinstance(last, int):
            raise DomainError(f"the limits of {short(node)} are {first} and {last}, and must be integers")
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
        total = total_of(results) if adds else product_of(results)
        if turned:
            total = -total if adds else power_of(node, total, -1)
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


_LAZY: dict[type, Callable[[_Evaluation, Any], Basic | None]] = {
    sympy.Piecewise: _Evaluation.cases,
    And: _Evaluation.either,
    Or: _Evaluation.either,
    sympy.Sum: _Evaluation.indexed,
    sympy.Product: _Evaluation.indexed,
}
