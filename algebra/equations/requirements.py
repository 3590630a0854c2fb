"""What must hold of sizes: what is known to fail is raised, what is not decided is noted as a condition."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from sympy import Eq, Expr, Gt, Integer, Mul, Not, false, fraction, together, true
from sympy.logic.boolalg import Boolean

from ..errors import ShapeError
from ..formulas.conditions import Condition
from ..sizes.decisions import at_least, equal, size_conditions, whole
from ..sizes.normal_form import is_nonnegative, is_positive, same, simplify
from .conditions import sides_taken
from .fields import sizes_of
from .protocol import StatesEquation
from .statements import Mask, Statement

Shape = tuple[Expr, ...]


class Requirements:
    """The conditions of one layer at the shapes of its inputs; `positive` are the fields that are greater than zero."""

    def __init__(
        self,
        layer: StatesEquation,
        inputs: Sequence[Shape],
        conditions: Iterable[Condition] = (),
        positive: Iterable[Expr] = (),
    ):
        self.layer, self.inputs = layer, inputs
        self.conditions: list[Condition] = list(conditions)
        self.positive: set[Expr] = set(positive)

    def error(self, problem: str, statement: Statement | None, kind: type[Exception] = ShapeError) -> Exception:
        shapes = ", ".join(f"{name} {shape_text(shape)}" for name, shape in zip(self.layer.input_names, self.inputs))
        said = f"{self.layer} on {shapes}: {problem}"
        if statement is None:
            return kind(said)
        return kind(f"{said}\n  in: {self.layer.parsed.text.splitlines()[statement.number - 1].strip()}")

    def require(self, relation: Boolean | bool, meaning: Callable[[], str], statement: Statement | None) -> None:
        """Note a condition, unless it is known to hold; fail at once if it is known not to."""
        if relation in (True, true):
            return
        if relation in (False, false):
            raise self.error(meaning(), statement)
        self.note(Condition(relation, meaning()))

    def note(self, condition: Condition) -> None:
        """Note a condition that is not known yet."""
        if all((condition.relation, condition.loops) != (known.relation, known.loops) for known in self.conditions):
            self.conditions.append(condition)

    def at_least(self, value: Expr, least: Expr, meaning: Callable[[], str], statement: Statement | None) -> None:
        known = at_least(value, least)
        if known == false:
            raise self.error(f"{meaning()}, but {value} < {least}", statement)
        self.require(known, meaning, statement)

    def equal(self, left: Expr, right: Expr, meaning: Callable[[], str], statement: Statement) -> None:
        if left is right:
            return
        known = same(left, right)
        if known is False:
            raise self.error(f"{meaning()}, but {left} is not {right}", statement)
        if known is None:
            self.require(Eq(left, right), meaning, statement)

    def whole(self, value: Expr, meaning: Callable[[], str], statement: Statement | None) -> None:
        """Require that a number made of sizes is an integer."""
        known = whole(value)
        if known == true:
            return
        if known == false:
            raise self.error(f"{meaning()}, but it is {value}", statement)
        over, under = fraction(together(value))
        self.require(
            known, lambda: f"{meaning()}: {over} must be divisible by {under}" if under != 1 else meaning(), statement
        )

    def size(self, value: Expr, whole: Callable[[], str], least: Callable[[], str], statement: Statement) -> None:
        """Require that a number made of sizes is an integer of at least 1."""
        self.whole(value, whole, statement)
        if not is_positive(simplify(value)):  # an integer that is, is at least 1
            self.at_least(simplify(value), Integer(1), least, statement)

    def fields(self) -> None:
        """Every field holds sizes of its kind."""
        for name, kinds in self.layer.fields.items():
            for value, least in sizes_of(kinds, self.layer.values[name]):
                if least:
                    self.positive.add(value)
                for relation, words in size_conditions(value, least):
                    self.require(relation, partial("the field {} must {}".format, name, words), None)
        for relation, words in sides_taken(self.layer.parsed, self.layer.values):
            self.require(relation, partial("the side of a condition is chosen: {}".format, words), None)

    def comparisons(self, asked: Sequence[Mask]) -> None:
        """What `where` asks of sizes alone."""
        for each in asked:
            low, high = (each.left, each.right) if each.relation in ("<", "<=") else (each.right, each.left)
            meaning = partial("the equation needs {} {} {}".format, each.left, each.relation, each.right)
            if each.relation in ("==", "!="):
                known = equal(each.left, each.right)
                self.require(known if each.relation == "==" else Not(known), meaning, None)
            elif each.relation in ("<=", ">="):
                self.require(at_least(high, low), meaning, None)
            elif low.is_integer and high.is_integer:
                self.require(at_least(high, low + 1), meaning, None)
            else:  # between fractions there is no next one
                self.require(Gt(high, low), meaning, None)

    def is_positive(self, step: Expr) -> bool:
        """Whether a step is known to be greater than zero, by itself or as a product of fields that are."""
        return bool(step.is_positive or is_nonnegative(step - 1)) or all(
            factor in self.positive or factor.is_positive for factor in Mul.make_args(step)
        )


def shape_text(shape: Shape) -> str:
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"
