"""What `where` says: extents of indices, ranges, masks, sizes of tables, shapes of learned tensors."""

from __future__ import annotations

import ast

from sympy import Expr

from ..sizes.dims import Index
from .heads import address_indices
from .scalars import Scalars
from .setting import names_in
from .statements import Elaborated, Mask
from .syntax import subscript_items

_RELATIONS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}


def read_bounds(scalars: Scalars) -> Elaborated:
    """The bounds of an equation, without its statements."""
    made = Elaborated([])
    for bound in scalars.setting.parsed.bounds:
        _read(bound, scalars, made)
    return made


def _read(tree: ast.expr, scalars: Scalars, made: Elaborated) -> None:
    if isinstance(tree, ast.Constant) and tree.value is True:
        return
    if isinstance(tree, ast.Subscript) and isinstance(tree.value, ast.Name):
        sizes: list[Expr | None] = []
        for item in subscript_items(tree):
            blank = isinstance(item, ast.Name) and item.id == "_"
            sizes.append(None if blank else scalars.arithmetic(item))
        made.declared[tree.value.id] = tuple(sizes)
        return
    if not isinstance(tree, ast.Compare):
        raise scalars.fail("where holds inequalities", tree, "where i < extent")
    ranks = scalars.ranks
    stars = sorted({name for name in names_in(tree) if name in ranks.stars and name in ranks.ranks})
    for axis in range(ranks.ranks[stars[0]]) if stars else [None]:
        _read_on(tree, axis, scalars, made)


def _read_on(tree: ast.Compare, axis: int | None, scalars: Scalars, made: Elaborated) -> None:
    relations = [_RELATIONS[type(op)] for op in tree.ops]
    first = tree.left
    if isinstance(first, ast.Name) and first.id in scalars.setting.inputs and relations == ["<"]:
        made.lookups[first.id] = scalars.arithmetic(tree.comparators[0], axis)
        return
    sides = [scalars.arithmetic(side, axis) for side in (tree.left, *tree.comparators)]
    if len(sides) == 3 and relations == ["<=", "<"] and isinstance(sides[1], Index):
        made.ranges[sides[1]] = (sides[0], sides[2])
        return
    if (
        len(sides) == 2
        and isinstance(sides[0], Index)
        and not address_indices(sides[1])
        and relations[0] in ("<", "<=")
    ):
        extent = sides[1] if relations[0] == "<" else sides[1] + 1
        if sides[0] in made.bounds and made.bounds[sides[0]] != extent:
            raise scalars.fail(f"{sides[0]} is bounded twice", tree)
        made.bounds[sides[0]] = extent
        return
    for left, relation, right in zip(sides, relations, sides[1:]):
        if relation in ("==", "!="):
            raise scalars.fail("a mask is an inequality", tree, "where j <= i")
        mask = Mask(left, relation, right)
        if not mask.indices:
            raise scalars.fail("a bound needs an index", tree, "where i < extent")
        made.masks.append(mask)
