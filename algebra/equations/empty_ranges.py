"""What a maximum, a mean or a softmax needs: at every point at least one value of the indices that it runs over.

Masks and ranges may leave none, and a maximum over nothing, or a mean of nothing, is no number. For one index between bounds that
are integers, something is left exactly if no upper bound is below a lower one; that has to hold at the worst point of the box of
the other indices. Where the bounds are of another form, one value that is always admitted is looked for, such as ``j = i`` for
``j <= i``. What neither decides is stated as a condition for every point.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from sympy import And, Expr, Ge, Integer, Mul, Or, Piecewise, S, Sum, false, true
from sympy.logic.boolalg import Boolean

from ..formulas.conditions import Condition
from ..sizes.decisions import at_least
from ..sizes.dims import Index
from ..sizes.evaluate import evaluate_condition
from ..sizes.normal_form import is_nonnegative, simplify
from .affine import affine
from .heads import Head, Reduce, Softmax, address_indices, children
from .statements import Mask, Statement

#: So many points are looked at one by one where all sizes are numbers.
MOST_POINTS = 10_000
_NEEDY = ("mean", "max", "min")


@dataclass(frozen=True)
class Room:
    """What confines the indices of a statement: extents, masks that speak of reduced indices, and those that do not."""

    extents: Mapping[Index, Expr]
    gaps: tuple[Expr, ...]
    premises: tuple[Expr, ...]


class Needs:
    """What one statement needs: `of` walks a head with the indices that are fixed around it."""

    def __init__(
        self, extents: Mapping[Index, Expr], masks: Sequence[Mask], ranges: Mapping[Index, tuple[Expr, Expr]]
    ) -> None:
        self.extents, self.ranges = extents, ranges
        self.gaps = [(mask.indices, _gap(mask)) for mask in masks]

    def of_statement(self, statement: Statement) -> Iterator[Condition]:
        """The conditions under which no reduction that needs a value runs over nothing; also false ones."""
        scope = frozenset().union(*map(address_indices, statement.address))
        yield from self._of(statement.value, scope, [gap for indices, gap in self.gaps if indices <= scope])

    def _of(self, head: Head, scope: frozenset[Index], premises: list[Expr]) -> Iterator[Condition]:
        if isinstance(head, (Reduce, Softmax)):
            reduced, scope = frozenset(head.indices), scope | frozenset(head.indices)
            gaps = [gap for indices, gap in self.gaps if indices & reduced and indices <= scope]
            for index in reduced & set(self.ranges):
                low, high = self.ranges[index]
                gaps += [index - low, high - 1 - index]
            outside = [gap for gap in premises if not address_indices(gap) & reduced]
            if isinstance(head, Softmax) or head.operation in _NEEDY:
                for component in _components(head.indices, gaps):
                    confining = tuple(gap for gap in gaps if address_indices(gap) & component)
                    if confining:
                        room = Room(self.extents, confining, tuple(outside))
                        yield from _needed(sorted(component, key=str), room, head)
            premises = [*premises, *gaps]
        for child in children(head):
            yield from self._of(child, scope, premises)


def _gap(mask: Mask) -> Expr:
    """What is at least zero where a mask holds."""
    low, high = (mask.left, mask.right) if mask.relation in ("<", "<=") else (mask.right, mask.left)
    return high - low - (1 if mask.relation in ("<", ">") else 0)


def _components(indices: Sequence[Index], gaps: Sequence[Expr]) -> list[frozenset[Index]]:
    """The reduced indices that constraints tie together."""
    parts = [frozenset({index}) for index in indices]
    for gap in gaps:
        tied = address_indices(gap) & set(indices)
        touching = [part for part in parts if part & tied]
        parts = [part for part in parts if not part & tied] + [frozenset().union(*touching)]
    return parts


def _needed(indices: list[Index], room: Room, head: Head) -> Iterator[Condition]:
    what = "softmax" if isinstance(head, Softmax) else head.operation  # type: ignore[union-attr]
    meaning = f"{what}[{', '.join(map(str, indices))}] must run over something at every point"
    if _has_witness(indices, room):
        return
    widths = _widths(indices[0], room) if len(indices) == 1 else None
    if widths is None:
        counted = Sum(Piecewise((1, And(*(Ge(gap, 0) for gap in room.gaps))), (0, True)),
                      *((index, 0, room.extents[index] - 1) for index in indices))  # fmt: skip
        yield _for_all(Ge(counted, 1), room, meaning)
        return
    for width in widths:
        worst = None if room.premises else _least(width, room.extents)
        if worst is not None:
            relation = at_least(simplify(worst), 0)
            if relation != true:
                yield Condition(relation, meaning)
        elif not _is_nowhere_negative(width, room.extents):
            yield _for_all(Ge(width, 0), room, meaning)


def _widths(index: Index, room: Room) -> list[Expr] | None:
    """Upper bounds minus lower bounds of one index, None where one is not an integer by itself."""
    lower, upper = [Integer(0)], [room.extents[index] - 1]
    for gap in room.gaps:
        rest = gap.xreplace({index: Integer(0)})
        step = simplify(gap - rest)
        if step == index:
            lower.append(-rest)
        elif step == -index:
            upper.append(rest)
        else:
            return None
    return [high - low for low, high in product(lower, upper)]


def _has_witness(indices: Sequence[Index], room: Room) -> bool:
    """Whether some values, made of the other indices, are always admitted."""
    others = set().union(*(address_indices(gap) for gap in room.gaps)) - set(indices)
    choices = []
    for index in indices:
        extent = room.extents[index]
        fitting = [other for other in sorted(others, key=str) if room.extents.get(other) == extent]
        choices.append([Integer(0), extent - 1, *fitting][:4])
    for values in product(*choices) if len(indices) <= 3 else ():
        chosen = dict(zip(indices, values))
        if all(_holds(gap.xreplace(chosen), room) for gap in room.gaps):
            return True
    return False


def _holds(gap: Expr, room: Room) -> bool:
    worst = _least(gap, room.extents)
    return bool(is_nonnegative(simplify(gap if worst is None else worst)))


def _least(form: Expr, extents: Mapping[Index, Expr]) -> Expr | None:
    """The least value of an affine form over the box of its indices, None where signs are not known."""
    parts = affine(form)
    if parts is None:
        return None
    least = parts[1]
    for index, step in parts[0].items():
        if is_nonnegative(step):
            continue
        if not is_nonnegative(-step):
            return None
        least = least + step * (extents[index] - 1)
    return least


def _is_nowhere_negative(form: Expr, extents: Mapping[Index, Expr]) -> bool:
    """Whether a form is shown to be at least zero over the box of its indices, each of them counted from either end."""
    indices = sorted(address_indices(form), key=str)
    if len(indices) > 3:
        return False
    ends = product(*((index, extents[index] - 1 - index) for index in indices))
    return any(is_nonnegative(simplify(form.xreplace(dict(zip(indices, counted))))) for counted in ends)


def _for_all(relation: Boolean, room: Room, meaning: str) -> Condition:
    """The relation at every point at which the masks on the others hold; decided at once where all sizes are numbers."""
    stated = Or(relation, *(Ge(-1, premise) for premise in room.premises))
    indices = sorted((s for s in stated.free_symbols if isinstance(s, Index)), key=str)
    loops = tuple((index, room.extents[index]) for index in indices)
    if stated.free_symbols <= set(indices) and all(extent.is_Integer for _, extent in loops):
        if Mul(*(extent for _, extent in loops)) <= MOST_POINTS:
            points = product(*(range(int(extent)) for _, extent in loops))
            held = all(evaluate_condition(stated, dict(zip(indices, point)), unused=True) for point in points)
            return Condition(S.true if held else false, meaning)
    return Condition(stated, meaning, loops)
