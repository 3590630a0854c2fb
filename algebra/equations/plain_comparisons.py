"""Comparisons with an extremum or a distance, as comparisons without: ``abs(i - j) <= w`` is ``i - j <= w and j - i <= w``."""

from __future__ import annotations

import ast
from itertools import pairwise

from .trees import parts

_TURNED: dict[type[ast.cmpop], type[ast.cmpop]] = {ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE}
_BELOW = (ast.Lt, ast.LtE)
_WITHIN = (ast.LtE, ast.GtE)
_APART = (ast.Lt, ast.Gt)


def without_extrema(tree: ast.expr, indices: frozenset[str]) -> ast.expr:
    """A condition in which no side of a comparison is an extremum of what holds indices, or a distance of that from 0.

    >>> made = without_extrema(ast.parse("abs(i - j) <= w", mode="eval").body, frozenset("ij"))
    >>> ast.unparse(made)
    'i - j <= w and -(i - j) <= w'
    >>> made = without_extrema(ast.parse("not n < min(i, 2*j)", mode="eval").body, frozenset("ij"))
    >>> ast.unparse(made)
    'not (n < i and n < 2 * j)'
    """
    if isinstance(tree, ast.BoolOp):
        return _placed(ast.BoolOp(tree.op, [without_extrema(part, indices) for part in tree.values]), tree)
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Not):
        return _placed(ast.UnaryOp(tree.op, without_extrema(tree.operand, indices)), tree)
    if not isinstance(tree, ast.Compare):
        return tree
    sides = [tree.left, *tree.comparators]
    if not any(_compared(side, indices) for side in sides):
        return tree
    pairs = [_pair(*ends, sign, tree, indices) for ends, sign in zip(pairwise(sides), tree.ops)]
    return _joined(ast.And(), pairs, tree)


def _pair(left: ast.expr, right: ast.expr, sign: ast.cmpop, tree: ast.expr, indices: frozenset[str]) -> ast.expr:
    """One comparison, by the members of an extremum on either of its sides."""
    if not (_compared(left, indices) or _compared(right, indices)):
        return _placed(ast.Compare(left, [sign], [right]), tree)
    if isinstance(sign, (ast.Eq, ast.NotEq)):
        join, signs = (ast.And(), _WITHIN) if isinstance(sign, ast.Eq) else (ast.Or(), _APART)
        return _joined(join, [_pair(left, right, each(), tree, indices) for each in signs], tree)
    if type(sign) not in _TURNED:
        return _placed(ast.Compare(left, [sign], [right]), tree)
    if not (members := _compared(left, indices)):
        return _turned(_pair(right, left, _TURNED[type(sign)](), tree, indices))
    largest = left.func.id != "min"  # type: ignore[attr-defined]
    join = ast.And() if largest is isinstance(sign, _BELOW) else ast.Or()
    return _joined(join, [_pair(member, right, sign, tree, indices) for member in members], tree)


def _turned(tree: ast.expr) -> ast.expr:
    """The same condition with the sides of its comparisons in the order in which they were written."""
    if isinstance(tree, ast.BoolOp):
        return _placed(ast.BoolOp(tree.op, list(map(_turned, tree.values))), tree)
    assert isinstance(tree, ast.Compare)
    return _placed(ast.Compare(tree.comparators[0], [_TURNED[type(tree.ops[0])]()], [tree.left]), tree)


def _compared(side: ast.expr, indices: frozenset[str]) -> list[ast.expr]:
    """What an extremum or a distance is the largest or the smallest of, if an index stands in each of them."""
    if not isinstance(side, ast.Call) or not isinstance(side.func, ast.Name) or side.keywords:
        return []
    if not all(any(isinstance(part, ast.Name) and part.id in indices for part in parts(each)) for each in side.args):
        return []
    if side.func.id == "abs" and len(side.args) == 1:
        return [side.args[0], _placed(ast.UnaryOp(ast.USub(), side.args[0]), side)]
    return list(side.args) if side.func.id in ("max", "min") and len(side.args) > 1 else []


def _joined(join: ast.boolop, values: list[ast.expr], tree: ast.expr) -> ast.expr:
    """Conditions as one; what is joined in the same way already is part of it."""
    flat = [
        part for value in values
        for part in (value.values if isinstance(value, ast.BoolOp) and type(value.op) is type(join) else [value])
    ]  # fmt: skip
    return flat[0] if len(flat) == 1 else _placed(ast.BoolOp(join, flat), tree)


def _placed(made: ast.expr, tree: ast.expr) -> ast.expr:
    return ast.copy_location(made, tree)
