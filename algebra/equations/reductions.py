"""Reductions that need a point: a mean, an extremum or a softmax over a range that is empty for some row has no value.

Masks and ranges limit what is reduced. For one reduced index they are bounds from below and from above, and there is a point where every
lower bound is at most every upper bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from sympy import Expr, Integer, Not, Or, ceiling, floor

from ..sizes.dims import Index
from .affine import affine
from .everywhere import has_witness, is_shown, require_at_points, require_everywhere, slack, some_point
from .heads import Reduce, Softmax, address_indices
from .requirements import Requirements
from .statements import AnyOf, Limit, Statement, relational

NEEDS_A_POINT = ("mean", "max", "min")

_ZERO = Integer(0)


def require_points(
    statement: Statement, masks: Sequence[Limit], extents: Mapping[Index, Expr], requirements: Requirements
) -> None:
    """Require that every reduction of a statement that needs a point has one, wherever it is computed."""
    for head, scope in statement.scoped:
        if isinstance(head, Softmax) or (isinstance(head, Reduce) and head.operation in NEEDS_A_POINT):
            name = "softmax" if isinstance(head, Softmax) else head.operation
            own = frozenset(head.indices)
            around = scope - own
            limits = [mask for mask in masks if mask.indices & own and mask.indices <= around | own]
            given = [mask for mask in masks if mask.indices <= around]
            for reduced, limited in _apart(own, limits):
                requirements.ask(_point, name, reduced, limited, given, statement, extents)


def _apart(own: frozenset[Index], limits: Sequence[Limit]) -> Iterator[tuple[list[Index], list[Limit]]]:
    """The reduced indices that masks tie together, each group with its masks; what no mask limits is left out."""
    groups: list[frozenset[Index]] = []
    for mask in limits:
        tie = mask.indices & own
        touching = [group for group in groups if group & tie]
        groups = [group for group in groups if not group & tie] + [tie.union(*touching)]
    for group in groups:
        yield sorted(group, key=str), [mask for mask in limits if mask.indices & group]


def _point(
    requirements: Requirements,
    name: str,
    reduced: Sequence[Index],
    limits: Sequence[Limit],
    given: Sequence[Limit],
    statement: Statement,
    extents: Mapping[Index, Expr],
) -> None:
    meaning = partial(
        "a {} over {} needs at least one value that no mask and no range excludes".format,
        name, ", ".join(map(str, reduced)),
    )  # fmt: skip
    bounds = _bounds(reduced[0], limits, extents) if len(reduced) == 1 else None
    if bounds is None:
        around = sorted(frozenset().union(*(mask.indices for mask in limits)) - set(reduced), key=str)
        if has_witness(limits, reduced, around, extents):
            return
        relation = Or(*(Not(relational(mask)) for mask in given), some_point(limits, reduced, extents))
        require_at_points(relation, extents, meaning, statement, requirements)
        return
    (first, *lows), (last, *highs) = bounds
    if not any(is_shown(low - first, extents) for low in lows):
        lows = [first, *lows]
    if not any(is_shown(last - high, extents) for high in highs):
        highs = [last, *highs]
    for low in lows:
        for high in highs:
            if (low, high) != (first, last):
                require_everywhere(high - low, extents, given, meaning, statement, requirements)


def _bounds(
    index: Index, limits: Sequence[Limit], extents: Mapping[Index, Expr]
) -> tuple[list[Expr], list[Expr]] | None:
    """The lower and the upper bounds of one index, those of its extent first; None if a mask is no bound."""
    lows: list[Expr] = [_ZERO]
    highs: list[Expr] = [extents[index] - 1]
    for mask in limits:
        if isinstance(mask, AnyOf):
            return None
        form = affine(slack(mask))
        step = form[0].get(index, _ZERO) if form is not None else slack(mask).expand().coeff(index)
        rest = slack(mask).expand() - step * index
        if rest.expand().has(index) or address_indices(step):
            return None
        if step.is_positive:
            lows.append(ceiling(-rest / step))
        elif step.is_negative:
            highs.append(floor(rest / -step))
        else:
            return None
    return lows, highs
