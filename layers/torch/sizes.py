"""Sizes of an exported graph as SymPy expressions in the user's symbols."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sympy import Expr, Integer, Le, Lt, Max, Min, Mod, Rational, Symbol, ceiling, floor, true
from sympy.logic.boolalg import Boolean

from ...algebra.errors import UnsupportedError

_FUNCTIONS = {
    "FloorDiv": lambda a, b: floor(a / b), "CleanDiv": lambda a, b: floor(a / b), "CeilDiv": lambda a, b: ceiling(a / b),
    "IntTrueDiv": lambda a, b: a / b, "FloatTrueDiv": lambda a, b: a / b, "FloorToInt": floor, "CeilToInt": ceiling, "ToFloat": lambda a: a,
    "Identity": lambda a: a, "PowByNatural": lambda a, b: a**b, "ModularIndexing": lambda a, b, c: Mod(floor(a / b), c), "Mod": Mod,
    "PythonMod": Mod, "Max": Max, "Min": Min,
}  # fmt: skip
"""PyTorch's own functions of sizes."""

_FINEST = 2**20
"""A float that is a fraction with a denominator of at most this is taken for what was meant; others stand for something they are near."""


class Sizes:
    """Translates sizes; raises for one that depends on the data, or on an axis without a name.

    `known` are quotients of sizes that are one number wherever the program applies: PyTorch says of an axis of a view how many elements are
    left for it, although the view itself says a number.
    """

    def __init__(self, symbols: Mapping[str, Symbol], known: Mapping[Any, int] | None = None):
        self.symbols, self.known = dict(symbols), dict(known or {})
        self.relied_on: list[Boolean] = []
        """What holds wherever a quotient is the known number in whose place it stands."""

    def __call__(self, size: Any) -> Expr:
        if isinstance(size, int):
            return Integer(size)
        expression = size.node.expr if hasattr(size, "node") else size.meta["val"].node.expr
        return self.translated(expression)

    def translated(self, expression: Any) -> Expr:
        """An expression of PyTorch's."""
        name = type(expression).__name__
        if expression.is_Symbol:
            if str(expression) not in self.symbols:
                raise UnsupportedError(
                    f"the size {expression} depends on the data or on an unnamed axis; name it in dynamic={{axis: 'name'}}"
                )
            return self.symbols[str(expression)]
        if not expression.args:
            return self._number(expression)
        if expression in self.known:
            return self._as_known(expression, Integer(self.known[expression]))
        parts = [self.translated(part) for part in expression.args]
        if name == "TruncToInt":
            return floor(parts[0]) if parts[0].is_nonnegative else self._refused(expression)
        if name in _FUNCTIONS:
            return _FUNCTIONS[name](*parts)
        return (
            expression.func(*parts) if type(expression).__module__.startswith("sympy.") else self._refused(expression)
        )

    def _as_known(self, expression: Any, number: Integer) -> Expr:
        over, under = map(self.translated, expression.args)
        least = true if under == floor(over / number) else Le(number * under, over)
        for relation in (least, Lt(over, (number + 1) * under)):
            if relation != true and relation not in self.relied_on:
                self.relied_on.append(relation)
        return number

    def _number(self, expression: Any) -> Expr:
        if not expression.is_Float:
            return Integer(int(expression)) if expression.is_Integer else expression
        exact = Rational(float(expression))
        return exact if exact.q <= _FINEST else self._refused(expression)

    @staticmethod
    def _refused(expression: Any) -> Expr:
        raise UnsupportedError(f"the model computes a size as {expression}, for which no formula is known")
