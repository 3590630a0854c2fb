"""Walks through the syntax trees of equations, which are read many times and, once they are parsed, changed by nobody."""

from __future__ import annotations

import ast
from collections.abc import Callable
from copy import copy
from functools import lru_cache
from typing import Any


def branches(node: ast.AST) -> list[ast.AST]:
    """What stands directly below a node, in the order of `ast.iter_child_nodes`, which takes several times as long.

    >>> [type(part).__name__ for part in branches(ast.parse("f(a, -b)", mode="eval").body)]
    ['Name', 'Name', 'UnaryOp']
    """
    kind = type(node)
    if kind is ast.Constant or not kind._fields:  # as most nodes are, or a name
        return []
    if kind is ast.Name:
        return [node.ctx]  # type: ignore[attr-defined]
    found: list[ast.AST] = []
    for name in node._fields:
        value = getattr(node, name, None)
        if isinstance(value, list):
            found += [part for part in value if isinstance(part, ast.AST)]
        elif isinstance(value, ast.AST):
            found.append(value)
    return found


def walked(tree: ast.AST) -> list[ast.AST]:
    """A tree and all below it, in the order of `ast.walk`, as it is now."""
    found = [tree]
    for node in found:
        found += branches(node)
    return found


@lru_cache(maxsize=50_000)
def subscripted(tree: ast.AST) -> frozenset[str]:
    """The names that have square brackets in a tree that nobody changes any more; those of functions are among them."""
    return frozenset(
        part.value.id for part in parts(tree) if isinstance(part, ast.Subscript) and isinstance(part.value, ast.Name)
    )


@lru_cache(maxsize=50_000)
def parts(tree: ast.AST) -> tuple[ast.AST, ...]:
    """The same of a tree that nobody changes any more: it is walked once."""
    return tuple(walked(tree))


def rebuilt_tree(node: Any, visit: Callable[[Any], Any], skip_function: bool = False) -> Any:
    """A node with other parts."""
    made = copy(node)
    for name, value in ast.iter_fields(node):
        if skip_function and name == "func" and isinstance(node, ast.Call):
            continue
        if isinstance(value, list):
            setattr(made, name, [visit(part) if isinstance(part, ast.expr | ast.keyword) else part for part in value])
        elif isinstance(value, ast.expr | ast.keyword):
            setattr(made, name, visit(value))
    return made
