"""What `where` says: extents of indices, ranges, masks, sizes of tables, shapes of learned tensors."""

from __future__ import annotations

import ast
from itertools import pairwise, product

from sympy import Expr, Integer, ceiling, fraction, together

from ..sizes.dims import Index
from .heads import address_indices
from .integrality import is_whole
from .plain_comparisons import without_extrema
from .scalars import Scalars
from .setting import names_in
from .statements import AnyOf, Elaborated, Mask
from .syntax import subscript_items

MOST_OPTIONS = 6
EQUATIONS = (ast.Eq, ast.NotEq)
_DENIED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
}  # fmt: skip
_WAYS: dict[type[ast.cmpop], tuple[tuple[str, ...], ...]] = {
    ast.Lt: (("<",),), ast.LtE: (("<=",),), ast.Gt: ((">",),), ast.GtE: ((">=",),), ast.Eq: (("<=", ">="),), ast.NotEq: (("<",), (">",)),
}  # fmt: skip
"""A comparison as inequalities, of which all of one group hold."""
_RELATIONS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
_COMPARED = _RELATIONS | {ast.Eq: "==", ast.NotEq: "!="}


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
        sizes = tuple(
            None if isinstance(item, ast.Name) and item.id == "_" else scalars.number(item)
            for item in subscript_items(tree)
        )
        if made.declared.setdefault(tree.value.id, sizes) != sizes:
            raise scalars.fail(f"{tree.value.id} has two shapes", tree)
        return
    if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And):
        for part in tree.values:
            _read(part, scalars, made)
        return
    is_equation = isinstance(tree, ast.Compare) and any(isinstance(op, EQUATIONS) for op in tree.ops)
    plain = tree if _is_range(tree, scalars) else _plain(tree, scalars)
    if isinstance(tree, ast.Compare) and (is_equation or plain is not tree) and _is_of_sizes(tree, scalars):
        sides = [scalars.arithmetic(side) for side in (tree.left, *tree.comparators)]
        signs = [_COMPARED[type(op)] for op in tree.ops]
        made.requirements += [Mask(left, sign, right) for left, sign, right in zip(sides, signs, sides[1:])]
        return
    if is_equation or isinstance(plain, (ast.BoolOp, ast.UnaryOp)):
        made.masks.append(AnyOf(tuple(map(tuple, _options(plain, scalars, True)))))
        return
    if not isinstance(tree, ast.Compare):
        raise scalars.fail("where holds inequalities", tree, "where i < extent")
    if isinstance(tree.left, ast.Name) and tree.left.id in scalars.setting.names.tensors:
        rows = scalars.number(tree.comparators[0])
        if (other := made.lookups.setdefault(tree.left.id, rows)) != rows:
            if not scalars.ranks.schematic:
                raise scalars.fail(f"{tree.left.id} is bounded twice", tree)
            made.requirements.append(Mask(other, "==", rows))  # at the sizes of some shapes they are one
        return
    ranks = scalars.ranks
    stars = sorted(
        {name for name in scalars.setting.names_through(tree) if name in ranks.stars and name in ranks.ranks}
    )
    if stars:
        scalars.must_have_values(tree, ranks.ranks[stars[0]])
    for axis in range(ranks.ranks[stars[0]]) if stars else [None]:
        _read_on(tree, axis, scalars, made)


def _is_of_sizes(tree: ast.Compare, scalars: Scalars) -> bool:
    """Whether a comparison has names and no index: it is asked of the sizes, not of points."""
    if not names_in(tree) or scalars.setting.names_through(tree) & scalars.ranks.stars:
        return False
    if not all(type(op) in _COMPARED for op in tree.ops):
        return False
    return not any(address_indices(scalars.arithmetic(side)) for side in (tree.left, *tree.comparators))


def _is_range(tree: ast.expr, scalars: Scalars) -> bool:
    """Whether a condition has the form of an extent or of a range, ``i < high`` or ``low <= i < high``."""
    if not isinstance(tree, ast.Compare) or scalars.setting.names_through(tree) & scalars.ranks.stars:
        return False
    signs = [type(op) for op in tree.ops]
    if len(signs) == 1 and signs[0] in (ast.Lt, ast.LtE):
        return isinstance(scalars.arithmetic(tree.left), Index)
    return signs == [ast.LtE, ast.Lt] and isinstance(scalars.arithmetic(tree.comparators[0]), Index)


def _plain(tree: ast.expr, scalars: Scalars) -> ast.expr:
    """A condition without extrema of indices that have no star."""
    indices = {name for name in names_in(tree) if scalars.setting.is_index(name)}
    return without_extrema(tree, frozenset(indices - scalars.ranks.stars))


def _options(tree: ast.expr, scalars: Scalars, holds: bool) -> list[list[Mask]]:
    """The ways in which a condition holds, or does not hold: the masks of one of these lists."""
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Not):
        return _options(tree.operand, scalars, not holds)
    if isinstance(tree, ast.BoolOp):
        parts = [_options(part, scalars, holds) for part in tree.values]
        if isinstance(tree.op, ast.Or) is holds:
            found = [option for part in parts for option in part]
        else:
            found = [[mask for option in chosen for mask in option] for chosen in product(*parts)]
        if len(found) > MOST_OPTIONS:
            raise scalars.fail(f"a condition has more than {MOST_OPTIONS} ways to hold", tree, "a sum of several lines")
        return found
    if not isinstance(tree, ast.Compare) or not all(type(op) in (*_RELATIONS, *EQUATIONS) for op in tree.ops):
        raise scalars.fail("a mask compares indices", tree, "where j <= i or j < first")
    if scalars.setting.names_through(tree) & scalars.ranks.stars:
        raise scalars.fail("a condition with or and not speaks of indices without a star", tree)
    sides = [scalars.arithmetic(side) for side in (tree.left, *tree.comparators)]
    pairs = list(pairwise(sides))
    if any(not address_indices(left - right) for left, right in pairs):
        raise scalars.fail("each part of a condition with or and not needs an index", tree, "where j <= i or j < first")

    def mask(left: Expr, relation: str, right: Expr) -> Mask:
        made = Mask(left, relation, right)
        return made if scalars.ranks.schematic else _between_integers(made, tree, scalars)

    signs = [type(op) if holds else _DENIED[type(op)] for op in tree.ops]
    every = [
        [[mask(left, relation, right) for relation in way] for way in _WAYS[sign]]
        for sign, (left, right) in zip(signs, pairs)
    ]
    if not holds:
        return [option for options in every for option in options]
    return [[one for option in chosen for one in option] for chosen in product(*every)]


def _read_on(tree: ast.Compare, axis: int | None, scalars: Scalars, made: Elaborated) -> None:
    relations = [_RELATIONS.get(type(op), "") for op in tree.ops]
    if not all(relations):
        raise scalars.fail("a mask is an inequality", tree, "where j <= i")
    ranks = scalars.ranks
    sides = [scalars.arithmetic(side, axis) for side in (tree.left, *tree.comparators)]
    if len(sides) == 3 and relations == ["<=", "<"] and isinstance(sides[1], Index):
        ends = (_rounded_up(sides[0]), _rounded_up(sides[2]))
        if sides[1] in address_indices(ends[0]) | address_indices(ends[1]):
            raise scalars.fail(f"the range of {sides[1]} depends on {sides[1]} itself", tree)
        if made.ranges.setdefault(sides[1], ends) != ends:
            raise scalars.fail(f"{sides[1]} has two ranges", tree)
        return
    if (
        len(sides) == 2
        and isinstance(sides[0], Index)
        and not address_indices(sides[1])
        and relations[0] in ("<", "<=")
    ):
        extent = sides[1] if relations[0] == "<" else sides[1] + 1
        if made.bounds.setdefault(sides[0], extent) != extent:
            if ranks.schematic:  # at other shapes they may be one
                made.requirements.append(Mask(sides[0], relations[0], sides[1]))
                return
            raise scalars.fail(f"{sides[0]} is bounded twice", tree)
        return
    if names_in(tree) and not any(address_indices(side) for side in sides):
        made.requirements += [Mask(left, relation, right) for left, relation, right in zip(sides, relations, sides[1:])]
        return
    for left, relation, right in zip(sides, relations, sides[1:]):
        mask = Mask(left, relation, right)
        if not scalars.ranks.schematic:  # what is only read is left as it was written
            mask = _between_integers(mask, tree, scalars)
        if not address_indices(mask.left - mask.right):
            raise scalars.fail("a bound needs an index", tree, "where i < extent")
        made.masks.append(mask)


def _rounded_up(end: Expr) -> Expr:
    """The first integer that is not below an end of a range."""
    return end if end.is_integer else ceiling(end)


def _between_integers(mask: Mask, tree: ast.expr, scalars: Scalars) -> Mask:
    """The same mask as an inequality between integers: both sides are multiplied with what is below their fractions."""
    if is_whole(mask.left) and is_whole(mask.right):
        return mask
    over, under = fraction(together(mask.left - mask.right))
    if not (over.is_integer and (under.is_positive or under.is_negative)):
        raise scalars.fail(
            "a mask compares integers, or fractions of them with a known sign below", tree, "where j <= floor(...)"
        )
    relation = mask.relation if under.is_positive else mask.relation.translate(str.maketrans("<>", "><"))
    return Mask(over, relation, Integer(0))
