"""Conditions of an equation: ``b[o] if bias else 0`` is one of its two sides once the fields are known."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from functools import lru_cache
from typing import TypeVar

from sympy.logic.boolalg import BooleanAtom

from .syntax import ParsedEquation, ParsedStatement

Tree = TypeVar("Tree", bound=ast.expr)


def chosen(parsed: ParsedEquation, fields: Mapping[str, object]) -> ParsedEquation:
    """The equation in which every condition is replaced by the side that the fields choose.

    >>> from sympy import false
    >>> from layeralgebra.algebra.equations.syntax import parse
    >>> [made] = chosen(parse("y[o] = x[o] + (b[o] if bias else 0)"), {"bias": false}).statements
    >>> ast.unparse(made.value)
    'x[o] + 0'
    """
    names = _deciding(parsed)
    return _chosen(parsed, tuple((name, fields[name]) for name in names if name in fields)) if names else parsed


@lru_cache(maxsize=4096)
def _deciding(parsed: ParsedEquation) -> tuple[str, ...]:
    """The names on which conditions depend, or one that no field has where a condition depends on none."""
    trees = [*(tree for _, tree in parsed.scalars), *parsed.bounds]
    trees += [tree for statement in parsed.statements for tree in (statement.target, statement.value)]
    tests = [node.test for tree in trees for node in ast.walk(tree) if isinstance(node, ast.IfExp)]
    names = {part.id for test in tests for part in ast.walk(test) if isinstance(part, ast.Name)}
    return tuple(sorted(names)) or ("",) * bool(tests)


@lru_cache(maxsize=4096)
def _chosen(parsed: ParsedEquation, fields: tuple[tuple[str, object], ...]) -> ParsedEquation:
    chooser = _Chooser(parsed, dict(fields))
    return replace(
        parsed,
        scalars=tuple((name, chooser.choose(tree)) for name, tree in parsed.scalars),
        statements=tuple(
            ParsedStatement(chooser.choose(statement.target), chooser.choose(statement.value))
            for statement in parsed.statements
        ),
        bounds=tuple(chooser.choose(bound) for bound in parsed.bounds),
    )


class _Chooser(ast.NodeTransformer):
    def __init__(self, parsed: ParsedEquation, fields: Mapping[str, object]):
        self.parsed, self.fields = parsed, fields

    def choose(self, tree: Tree) -> Tree:
        if not any(isinstance(node, ast.IfExp) for node in ast.walk(tree)):
            return tree
        made: Tree = self.visit(deepcopy(tree))
        return made

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        made: ast.AST = self.visit(node.body if self.holds(node.test) else node.orelse)
        return made

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
                equal = str(value) == str(other.value)
                if isinstance(node.ops[0], (ast.Eq, ast.Is)):
                    return equal
                if isinstance(node.ops[0], (ast.NotEq, ast.IsNot)):
                    return not equal
        raise self.parsed.error(
            "a condition must be a yes-or-no field, or a field compared with a literal", node, "... if bias else 0"
        )
