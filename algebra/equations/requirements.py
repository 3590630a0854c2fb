"""What must hold of sizes: what is known to fail is raised, what is not decided is noted as a condition."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sympy import Eq, Expr, Ge, Integer, Mod, false, floor, fraction, together, true
from sympy.logic.boolalg import Boolean

from ..errors import ShapeError
from ..formulas.conditions import Condition
from ..sizes.normal_form import is_nonnegative, same, simplify
from .protocol import StatesEquation
from .statements import Statement

Shape = tuple[Expr, ...]


class Requirements:
    """The conditions of one layer at the shapes of its inputs."""

    def __init__(self, layer: StatesEquation, inputs: Sequence[Shape]):
        self.layer, self.inputs = layer, inputs
        self.conditions: list[Condition] = []

    def error(self, problem: str, statement: Statement, kind: type[Exception] = ShapeError) -> Exception:
        shapes = ", ".join(f"{name} {shape_text(shape)}" for name, shape in zip(self.layer.input_names, self.inputs))
        line = self.layer.parsed.text.splitlines()[statement.number - 1].strip()
        return kind(f"{self.layer} on {shapes}: {problem}\n  in: {line}")

    def require(self, relation: Boolean | bool, meaning: Callable[[], str], statement: Statement) -> None:
        """Note a condition, unless it is known to hold; fail at once if it is known not to."""
        if relation in (True, true):
            return
        if relation in (False, false):
            raise self.error(meaning(), statement)
        condition = Condition(relation, meaning())
        if condition not in self.conditions:
            self.conditions.append(condition)

    def at_least(self, value: Expr, least: Expr, meaning: Callable[[], str], statement: Statement) -> None:
        if value.is_Integer and least.is_Integer and value >= least:
            return
        known = is_nonnegative(simplify(value - least))
        if known is False:
            raise self.error(f"{meaning()}, but {value} < {least}", statement)
        if known is None:
            self.require(Ge(value, least), meaning, statement)

    def equal(self, left: Expr, right: Expr, meaning: Callable[[], str], statement: Statement) -> None:
        if left == right:
            return
        known = same(left, right)
        if known is False:
            raise self.error(f"{meaning()}, but {left} is not {right}", statement)
        if known is None:
            self.require(Eq(left, right), meaning, statement)

    def whole(self, value: Expr, meaning: Callable[[], str], statement: Statement) -> None:
        """Require that a number made of sizes is an integer."""
        if value.is_Integer or value.is_integer:
            return
        if value.is_number:  # also one that is infinite or not rational
            raise self.error(f"{meaning()}, but it is {value}", statement)
        over, under = fraction(together(value))
        if (
            under == 1
            and over.is_polynomial()
            and not any(symbol.is_integer is None and symbol.is_real for symbol in over.free_symbols)
        ):
            return
        if under == 1:
            self.require(Eq(over, floor(over)), lambda: f"{meaning()}, and {over} need not be one", statement)
            return
        self.require(Eq(Mod(over, under), 0), lambda: f"{meaning()}: {over} must be divisible by {under}", statement)

    def size(self, value: Expr, whole: Callable[[], str], least: Callable[[], str], statement: Statement) -> None:
        """Require that a number made of sizes is an integer of at least 1."""
        self.whole(value, whole, statement)
        over, under = fraction(together(value))
        if under == 1 or not (
            over.is_positive and under.is_positive
        ):  # such a quotient, if it is an integer, is at least 1
            self.at_least(simplify(value), Integer(1), least, statement)


def shape_text(shape: Shape) -> str:
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"
