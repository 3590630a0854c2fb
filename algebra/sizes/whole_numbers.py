"""Formulas of integers as functions of Python's integers: exact, and refused where a formula has another form.

>>> from sympy import floor, symbols
>>> H, c, g = symbols("H c g", integer=True, positive=True)
>>> at = of_whole_numbers([H, c, g], [floor((H - 3)/2) + 1, c/g])
>>> at([8, 12, 4]), at([8, 12, 5])
([3, 3], None)
>>> of_whole_numbers([H], [2**H]) is None
True
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from math import prod

from sympy import Add, Expr, Mul, Pow, Symbol, ceiling, floor, fraction, together
from sympy.functions.elementary.miscellaneous import Max, Min

Function = Callable[[Sequence[int]], list[int] | None]
_Step = Callable[[list[int]], int]

LARGEST_POWER = 64


class _OtherForm(Exception):
    """A formula that is not made of what is known here."""


class _NotWhole(ArithmeticError):
    """A quotient that is no integer."""


def of_whole_numbers(symbols: Sequence[Symbol], formulas: Sequence[Expr]) -> Function | None:
    """A function from the values of symbols to those of formulas, all of them integers.

    Parameters
    ----------
    symbols : sequence of Symbol
        What the function takes the values of, in this order.
    formulas : sequence of Expr
        Sums, products, quotients, powers by numbers, floors, ceilings, maxima and minima of them and of integers.

    Returns
    -------
    callable or None
        It gives a list, and None where a value is no integer or there is none; None where a formula has another form.
    """
    program = _Program(symbols)
    try:
        wanted = [program.whole(formula) for formula in formulas]
    except _OtherForm:
        return None
    count, start, steps = len(symbols), program.start[len(symbols) :], program.steps

    def at(numbers: Sequence[int]) -> list[int] | None:
        assert len(numbers) == count
        values = [*numbers, *start]
        try:
            for place, function, parts in steps:
                values[place] = function([values[part] for part in parts])
        except ArithmeticError:
            return None
        return [values[place] for place in wanted]

    return at


def _divided(parts: list[int]) -> int:
    over, under = parts
    whole, rest = divmod(over, under)
    if rest:
        raise _NotWhole
    return whole


def _powered(parts: list[int]) -> int:
    return int(parts[0] ** parts[1])


_ROUNDED: dict[type[Expr], _Step] = {
    floor: lambda parts: operator.floordiv(*parts),
    ceiling: lambda parts: -(-parts[0] // parts[1]),
}
_JOINED: dict[type[Expr], _Step] = {Add: sum, Mul: prod, Max: max, Min: min}


class _Program:
    """One step after the other, what stands in several places once; constants are steps that have their value already."""

    def __init__(self, symbols: Sequence[Symbol]):
        self.places: dict[Expr, int] = {symbol: place for place, symbol in enumerate(symbols)}
        self.start: list[int] = [0] * len(self.places)
        self.steps: list[tuple[int, _Step, tuple[int, ...]]] = []

    def whole(self, formula: Expr) -> int:
        """The place of a formula that is an integer."""
        over, under = self.quotient(formula)
        return self.place(over) if under == 1 else self.added(formula, _divided, over, under)

    def quotient(self, formula: Expr) -> tuple[Expr, Expr]:
        return fraction(together(formula))

    def place(self, formula: Expr) -> int:
        """The place of a formula without quotients but inside of what is rounded."""
        if formula in self.places:
            return self.places[formula]
        if formula.is_Integer:
            return self.kept(formula, int(formula))
        kind = type(formula)
        if kind in _ROUNDED:
            return self.added(formula, _ROUNDED[kind], *self.quotient(formula.args[0]))
        if kind in (Max, Min):
            return self.step(formula, _JOINED[kind], [self.whole(part) for part in formula.args])
        if kind in (Add, Mul):
            return self.added(formula, _JOINED[kind], *formula.args)
        if isinstance(formula, Pow) and formula.exp.is_Integer and 0 < formula.exp <= LARGEST_POWER:
            return self.added(formula, _powered, *formula.args)
        raise _OtherForm

    def added(self, formula: Expr, function: _Step, *parts: Expr) -> int:
        return self.step(formula, function, [self.place(part) for part in parts])

    def step(self, formula: Expr, function: _Step, parts: Sequence[int]) -> int:
        self.steps.append((self.kept(formula, 0), function, tuple(parts)))
        return self.places[formula]

    def kept(self, formula: Expr, value: int) -> int:
        self.places[formula] = len(self.start)
        self.start.append(value)
        return self.places[formula]
