"""Inequalities at every point of a box of indices: decided where they can be, noted as a condition otherwise.

An expression here is integer-valued, so that it is at least 0 where it is more than -1. An affine form is smallest in a corner of the box;
floors and ceilings are replaced by their argument and the error of rounding; where nothing is symbolic and the box is small, every point is
looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from math import prod

from sympy import (
    And,
    Expr,
    Ge,
    Gt,
    Integer,
    Max,
    Min,
    Not,
    Or,
    Piecewise,
    Sum,
    Symbol,
    ceiling,
    floor,
    fraction,
    together,
)
from sympy.logic.boolalg import Boolean

from ..formulas.conditions import Condition
from ..sizes.dims import Index
from ..sizes.evaluate import evaluate_condition
from ..sizes.normal_form import is_nonnegative, simplify
from .affine import affine
from .heads import address_indices
from .requirements import Requirements
from .statements import Limit, Mask, Statement, each_option, relational

MOST_POINTS = 1_000
"""How many points of a box are looked at one by one."""

MOST_WITNESSES = 50
"""How many points are tried as the one that is always there."""

_ZERO = Integer(0)


def slack(mask: Mask) -> Expr:
    """What is at least 0 where a mask holds; masks compare integers."""
    difference = mask.left - mask.right if mask.relation in (">", ">=") else mask.right - mask.left
    return difference - 1 if mask.relation in ("<", ">") else difference


def require_everywhere(
    expression: Expr,
    extents: Mapping[Index, Expr],
    given: Sequence[Limit],
    meaning: Callable[[], str],
    statement: Statement,
    requirements: Requirements,
) -> None:
    """Require that an integer-valued expression is at least 0 at all points of a box where the given masks hold."""
    requirements.ask(_everywhere, expression, extents, given, meaning, statement)


def _everywhere(
    requirements: Requirements,
    expression: Expr,
    extents: Mapping[Index, Expr],
    given: Sequence[Limit],
    meaning: Callable[[], str],
    statement: Statement,
) -> None:
    for masks in each_option(given):
        _with_masks(requirements, expression, extents, masks, meaning, statement)


def _with_masks(
    requirements: Requirements,
    expression: Expr,
    extents: Mapping[Index, Expr],
    given: Sequence[Mask],
    meaning: Callable[[], str],
    statement: Statement,
) -> None:
    if _is_shown_by_numbers(expression, extents):
        return
    expression = simplify(expression)
    if not address_indices(expression):
        if not given:
            requirements.at_least(expression, _ZERO, meaning, statement)
            return
    elif not given and (form := affine(expression)) is not None:
        lowest = _corner(form, extents, requirements)
        if lowest is not None:
            requirements.at_least(simplify(lowest), _ZERO, meaning, statement)
            return
    if any(is_shown(bound, extents) for bound in (expression, *(expression - slack(mask) for mask in given))):
        return
    relation = Or(*(Not(relational(mask)) for mask in given), Ge(expression, 0))
    require_at_points(relation, extents, meaning, statement, requirements)


def require_at_points(
    relation: Boolean,
    extents: Mapping[Index, Expr],
    meaning: Callable[[], str],
    statement: Statement,
    requirements: Requirements,
) -> None:
    """Require a relation at all points of a box: point by point if there are few, and as a condition otherwise."""
    requirements.ask(_at_points, relation, extents, meaning, statement)


def _at_points(
    requirements: Requirements,
    relation: Boolean,
    extents: Mapping[Index, Expr],
    meaning: Callable[[], str],
    statement: Statement,
) -> None:
    if relation in (True, False):
        requirements.require(relation, meaning, statement)
        return
    box = {
        index: extents[index]
        for index in sorted((symbol for symbol in relation.free_symbols if isinstance(symbol, Index)), key=str)
    }
    if relation.free_symbols <= set(box) and all(extent.is_Integer for extent in box.values()):
        if prod(int(extent) for extent in box.values()) <= MOST_POINTS:
            for point in _points(box):
                if not evaluate_condition(relation, point):
                    at = ", ".join(f"{index} = {value}" for index, value in point.items())
                    raise requirements.error(f"{meaning()}, but it fails{f' at {at}' if at else ''}", statement)
            return
    condition = Condition(relation, meaning(), tuple(box.items()))
    requirements.note(condition)


def _points(box: Mapping[Index, Expr]) -> Iterator[dict[Symbol | str, int]]:
    for values in product(*(range(int(extent)) for extent in box.values())):
        yield dict(zip(box, values))


def _is_shown_by_numbers(expression: Expr, extents: Mapping[Index, Expr]) -> bool:
    """Whether an affine form of numbers is at least 0 in each corner of a box of numbers, which is told without any algebra."""
    if any(not isinstance(symbol, Index) for symbol in expression.free_symbols):
        return False
    form = affine(expression)
    if form is None or not form[1].is_Rational:
        return False
    lowest = form[1]
    for index, step in form[0].items():
        extent = extents.get(index)
        if extent is None or not (step.is_Rational and extent.is_Integer):
            return False
        if step < 0:
            lowest += step * (extent - 1)
    return bool(lowest >= 0)


def _corner(
    form: tuple[dict[Index, Expr], Expr], extents: Mapping[Index, Expr], requirements: Requirements | None = None
) -> Expr | None:
    """The smallest value of an affine form over a box; None if the sign of a step is not known."""
    lowest = form[1]
    for index, step in form[0].items():
        if step.is_nonnegative or is_nonnegative(step) or (requirements and requirements.is_positive(step)):
            continue
        if not (step.is_nonpositive or is_nonnegative(-step) or (requirements and requirements.is_positive(-step))):
            return None
        lowest = lowest + step * (extents[index] - 1)
    return lowest


def is_shown(expression: Expr, extents: Mapping[Index, Expr]) -> bool:
    """Whether an integer-valued expression is found to be at least 0 over a box; SymPy's assumptions, which take longest, are asked last."""
    return (
        _is_shown_by_numbers(expression, extents) or _is_bounded(expression, extents) or bool(expression.is_nonnegative)
    )


def _is_bounded(expression: Expr, extents: Mapping[Index, Expr]) -> bool:
    """Whether what an expression is at least, without extrema and roundings of indices, is found to be at least 0 in each corner."""
    if (extreme := _extreme(expression)) is not None:
        each = (is_shown(simplify(expression.xreplace({extreme: part})), extents) for part in extreme.args)
        return any(each) if isinstance(extreme, Max) is _is_at_least_zero(expression.coeff(extreme)) else all(each)
    form = affine(_relaxed(expression))
    lowest = _corner(form, extents) if form is not None else None
    if lowest is None:
        return False
    lowest = simplify(lowest)
    return bool(is_nonnegative(lowest) or together(simplify(lowest + 1)).is_positive)


def _extreme(expression: Expr) -> Expr | None:
    """The outermost maximum or minimum with an index, if it is added with a factor of known sign and stands nowhere else."""
    found = [part for part in expression.atoms(Max, Min) if address_indices(part)]
    if not found:
        return None
    outermost = max(found, key=lambda part: (part.count_ops(), str(part)))
    factor = expression.coeff(outermost)
    if (expression - factor * outermost).expand().has(outermost) or address_indices(factor):
        return None
    return outermost if _is_at_least_zero(factor) or _is_at_least_zero(-factor) else None


def _relaxed(expression: Expr) -> Expr:
    """At most the expression, without floors and ceilings of indices as far as these have known factors."""
    found = [part for part in expression.atoms(floor, ceiling) if address_indices(part)]
    for rounding in sorted(found, key=lambda part: (-part.count_ops(), str(part))) if len(found) > 1 else found:
        factor = expression.coeff(rounding)
        inner = rounding.args[0]
        under = fraction(together(inner))[1]
        error = (under - 1) / under
        if _is_at_least_zero(factor):
            end = inner - error if isinstance(rounding, floor) else inner
        elif _is_at_least_zero(-factor):
            end = inner if isinstance(rounding, floor) else inner + error
        else:
            continue
        expression = (expression - factor * rounding + factor * end).expand()
    return expression


def _is_at_least_zero(expression: Expr) -> bool:
    return bool(expression.is_nonnegative or is_nonnegative(expression))


def has_witness(
    limits: Sequence[Limit], reduced: Sequence[Index], around: Sequence[Index], extents: Mapping[Index, Expr]
) -> bool:
    """Whether one point of the reduced indices is found that the masks permit everywhere: where another index is, or an end."""
    choices = [
        (*(other for other in around if extents[other] == extents[index]), _ZERO, extents[index] - 1)
        for index in reduced
    ]
    if prod(map(len, choices)) > MOST_WITNESSES:
        return False
    return any(
        all(is_shown(simplify(slack(mask).xreplace(dict(zip(reduced, point)))), extents) for mask in masks)
        for point in product(*choices)
        for masks in each_option(limits)
    )


def some_point(masks: Sequence[Limit], reduced: Sequence[Index], extents: Mapping[Index, Expr]) -> Boolean:
    """That some point of the reduced indices is permitted, as a relation in the other indices: the points are counted."""
    ranges = [(index, 0, extents[index] - 1) for index in reduced]
    return Gt(Sum(Piecewise((1, And(*map(relational, masks))), (0, True)), *ranges), 0)
