"""Conditions of an equation: ``b[o] if bias else 0`` is one of its two sides once the fields are known."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from functools import lru_cache
from typing import TypeVar

from sympy import Expr, Not, false, true
from sympy.logic.boolalg import Boolean, BooleanAtom

from ..sizes.decisions import equal as equal_sizes
from .syntax import ParsedEquation, ParsedStatement
from .trees import parts

Tree = TypeVar("Tree", bound=ast.expr)


def chosen(parsed: ParsedEquation, fields: Mapping[str, object]) -> ParsedEquation:
    """The equation in which every condition is replaced by the side that the fields choose.

    >>> from sympy import false
    >>> from layeralgebra.algebra.equations.syntax import parse
    >>> [made] = chosen(parse("y[o] = x[o] + (b[o] if bias else 0)"), {"bias": false}).statements
    >>> ast.unparse(made.value)
    'x[o] + 0'
    """
    names = deciding(parsed)
    return _chosen(parsed, tuple((name, fields[name]) for name in names if name in fields)) if names else parsed


def sides_taken(parsed: ParsedEquation, fields: Mapping[str, object]) -> list[tuple[Boolean, str]]:
    """What must hold for the sides that were chosen: a size that is not known to be a literal is taken for another number.

    >>> from sympy import symbols
    >>> from layeralgebra.algebra.equations.syntax import parse
    >>> s = symbols("s", integer=True, positive=True)
    >>> sides_taken(parse("y[o] = x[o] if shift == 0 else 2*x[o]"), {"shift": s - 1})
    [(Ne(s, 1), 'shift must not be 0')]
    """
    found = []
    for test in _tests(parsed):
        for node in parts(test):
            if not isinstance(node, ast.Compare) or not isinstance(node.left, ast.Name) or node.left.id not in fields:
                continue
            other = node.comparators[0]
            if isinstance(other, ast.Constant):
                relation = compared(fields[node.left.id], other.value)
                if relation not in (true, false):
                    found.append((Not(relation), f"{node.left.id} must not be {other.value!r}"))
    return list(dict.fromkeys(found))


def compared(value: object, literal: object) -> Boolean:
    """Whether a field is a literal; of a size that may be, a relation."""
    if isinstance(value, Expr) and isinstance(literal, int) and not isinstance(literal, bool):
        return equal_sizes(value, literal)
    return true if str(value) == str(literal) else false


@lru_cache(maxsize=4096)
def _tests(parsed: ParsedEquation) -> tuple[ast.expr, ...]:
    """The tests of all conditions of an equation."""
    trees = [*(tree for _, tree in parsed.scalars), *parsed.bounds]
    trees += [tree for statement in parsed.statements for tree in (statement.target, statement.value)]
    return tuple(node.test for tree in trees for node in parts(tree) if isinstance(node, ast.IfExp))


@lru_cache(maxsize=4096)
def deciding(parsed: ParsedEquation) -> tuple[str, ...]:
    """The names on which conditions depend, or one that no field has where a condition depends on none."""
    tests = _tests(parsed)
    names = {part.id for test in tests for part in parts(test) if isinstance(part, ast.Name)}
    return tuple(sorted(names)) or ("",) * bool(tests)


@lru_cache(maxsize=4096)
def _chosen(parsed: ParsedEquation, fields: tuple[tuple[str, object], ...]) -> ParsedEquation:
    chooser = Chooser(parsed, dict(fields))
    return replace(
        parsed,
        scalars=tuple((name, chooser.choose(tree)) for name, tree in parsed.scalars),
        statements=tuple(
            ParsedStatement(chooser.choose(statement.target), chooser.choose(statement.value))
            for statement in parsed.statements
        ),
        bounds=tuple(chooser.choose(bound) for bound in parsed.bounds),
    )


class Chooser:
    """Chooses the sides of conditions by the values of fields."""

    def __init__(self, parsed: ParsedEquation, fields: Mapping[str, object]):
        self.parsed, self.fields = parsed, fields

    def choose(self, tree: Tree) -> Tree:
        """A tree without conditions; parts that hold none are shared with the tree as it was, which nobody changes."""
        made: ast.AST = tree
        while isinstance(made, ast.IfExp):
            made = made.body if self.holds(made.test) else made.orelse
        if not any(isinstance(node, ast.IfExp) for node in parts(made)):
            return made  # type: ignore[return-value]
        changed: dict[str, object] = {}
        for name, value in ast.iter_fields(made):
            chosen = self._part(value)
            if chosen is not value:
                changed[name] = chosen
        if changed:
            made = copy(made)
            for name, value in changed.items():
                setattr(made, name, value)
        return made  # type: ignore[return-value]

    def _part(self, value: object) -> object:
        if isinstance(value, ast.expr | ast.keyword):
            return self.choose(value)  # type: ignore[type-var]
        if isinstance(value, list):
            parts = [self._part(part) for part in value]
            return parts if any(part is not old for part, old in zip(parts, value)) else value
        return value

    def holds(self, node: ast.expr) -> bool:
        """A condition on fields: a yes-or-no field, or a field compared with a literal."""
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return not self.holds(node.operand)
        if isinstance(node, ast.BoolOp):
            join = all if isinstance(node.op, ast.And) else any
            return join(self.holds(value) for value in node.values)
        if isinstance(node, ast.Constant) and isinstance(node.value, bool):
            return node.value
        if isinstance(node, ast.Name) and node.id in self.fields:
            value = self.fields[node.id]
            if isinstance(value, BooleanAtom):
                return bool(value)
        if (
            isinstance(node, ast.Compare)
            and len(node.ops) == 1
            and isinstance(node.left, ast.Name)
            and node.left.id in self.fields
        ):
            value, other = self.fields[node.left.id], node.comparators[0]
            if isinstance(other, ast.Constant):
                equal = compared(value, other.value) == true
                if isinstance(node.ops[0], (ast.Eq, ast.Is)):
                    return equal
                if isinstance(node.ops[0], (ast.NotEq, ast.IsNot)):
                    return not equal
        raise self.parsed.error(
            "a condition must be a yes-or-no field, or a field compared with a literal", node, "... if bias else 0"
        )
