"""What must hold of sizes: what is known to fail is raised, what is not decided is noted as a condition."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial, wraps
from typing import Any, Concatenate, ParamSpec

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
About = ParamSpec("About")
Question = Callable[Concatenate["Requirements", About], None]
"""What notes conditions, or raises, where it is not known to hold; its first argument are the requirements."""


def question(method: Question[About]) -> Question[About]:
    """A method that asks whether something holds, of which may be kept what it is asked about."""

    @wraps(method)
    def asked(requirements: Requirements, *about: About.args, **named: About.kwargs) -> None:
        requirements.ask(method, *about, **named)

    return asked


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

    def ask(self, question: Callable[..., None], *about: Any) -> None:
        """Ask a question about sizes, and words for what it means."""
        question(self, *about)

    def normal(self, size: Expr) -> Expr:
        """The normal form of a size that is made of others."""
        return simplify(size)

    def mark(self) -> None:
        """The end of one part of what is asked: of the fields, and of what does not ask for extents."""

    @question
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

    @question
    def at_least(self, value: Expr, least: Expr, meaning: Callable[[], str], statement: Statement | None) -> None:
        known = at_least(value, least)
        if known == false:
            raise self.error(f"{meaning()}, but {value} < {least}", statement)
        self.require(known, meaning, statement)

    @question
    def equal(self, left: Expr, right: Expr, meaning: Callable[[], str], statement: Statement) -> None:
        if left is right:
            return
        known = same(left, right)
        if known is False:
            raise self.error(f"{meaning()}, but {left} is not {right}", statement)
        if known is None:
            self.require(Eq(left, right), meaning, statement)

    @question
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

    @question
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
                self.field(name, value, least)
        for relation, words in sides_taken(self.layer.parsed, self.layer.values):
            self.require(relation, partial("the side of a condition is chosen: {}".format, words), None)

    @question
    def field(self, name: str, value: Expr, least: int) -> None:
        """A field holds a size of its kind."""
        for relation, words in size_conditions(value, least):
            self.require(relation, partial("the field {} must {}".format, name, words), None)

    @question
    def comparison(self, asked: Mask) -> None:
        """What `where` asks of sizes alone."""
        low, high = (asked.left, asked.right) if asked.relation in ("<", "<=") else (asked.right, asked.left)
        meaning = partial("the equation needs {} {} {}".format, asked.left, asked.relation, asked.right)
        if asked.relation in ("==", "!="):
            known = equal(asked.left, asked.right)
            self.require(known if asked.relation == "==" else Not(known), meaning, None)
        elif asked.relation in ("<=", ">="):
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
