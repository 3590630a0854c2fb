"""The tree of an expression as a text of the language."""

from __future__ import annotations

import ast
from copy import copy
from typing import Any

from .syntax import subscript_items
from .trees import rebuilt_tree


def as_text(tree: ast.expr) -> str:
    """A tree as text, groups in square brackets with their round ones, tensors without axes without brackets."""

    def visit(node: Any) -> Any:
        if isinstance(node, ast.Tuple):
            return ast.Tuple(list(map(visit, node.elts)), node.ctx)  # a group too, which Python does not print
        if not isinstance(node, ast.Subscript):
            return rebuilt_tree(node, visit)
        if not (items := subscript_items(node)):
            return node.value
        made = copy(node)
        made.slice = ast.Name(", ".join(map(as_text, items)), ast.Load())  # which is printed as it is
        return made

    return ast.unparse(visit(tree))
