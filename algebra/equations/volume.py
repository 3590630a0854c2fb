"""How many points of a product of index ranges a statement visits, under masks and margins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import combinations
from typing import Any

from sympy import Add, Expr, Integer, Max, Min, Mul, Piecewise, Sum, ceiling, floor

from ..errors import BudgetError
from ..records import dataclass
from ..sizes.dims import Index
from ..sizes.evaluate import evaluate
from ..sizes.normal_form import is_nonnegative, simplify
from ..sizes.summation import lattice_count, summation
from .affine import affine
from .heads import Group, Head, Read, address_indices, reads
from .instance import Instance
from .statements import AnyOf, Mask, relational

_ZERO = Integer(0)
_ONE = Integer(1)


@dataclass(frozen=True)
class Slab:
    """Points between two parallel lines: ``low <= form <= high``, either end may be None."""

    form: Expr
    low: Expr | None
    high: Expr | None

    @property
    def indices(self) -> frozenset[Index]:
        return address_indices(self.form)


def volume(indices: frozenset[Index], head: Head, place: int, instance: Instance, effective: bool) -> Expr:
    """The number of points over which a head is evaluated.

    Without constraints this is the product of the extents. Ranges are summed; effective slabs (margins and masks) are counted
    in closed form for one or two indices and as an unevaluated sum otherwise.
    """
    extents = instance.extents[place]
    ranges: dict[Any, Any] = {}
    for index, ends in instance.ranges(place).items():
        # An end that speaks of other indices bounds nothing here; the other one may.
        known = [address_indices(end) <= indices for end in ends]
        if index in indices and any(known):
            whole = (Integer(0), extents[index])
            low, high = (end if is_known else none for end, is_known, none in zip(ends, known, whole))
            ranges |= {index: (low, high)} if (low, high) != whole else {}
    masks = [mask for mask in instance.masks(place) if mask.indices <= indices] if effective else []
    plain = [mask for mask in masks if isinstance(mask, Mask)]
    either = [mask for mask in masks if isinstance(mask, AnyOf)]
    if not either:
        slabs = _slabs(indices, head, place, instance, plain) if effective else []
        return _box_volume(indices, extents, ranges, slabs)
    counted: Expr = _ZERO
    for sign, chosen in _included(either):
        slabs = _slabs(indices, head, place, instance, [*plain, *chosen])
        counted = counted + sign * _box_volume(indices, extents, ranges, slabs)
    return simplify(counted)


def _included(either: Sequence[AnyOf]) -> Iterator[tuple[int, list[Mask]]]:
    """The masks whose points are added or taken away, so that a point in several options counts once."""
    first, *rest = either
    for several in range(1, len(first.options) + 1):
        for options in combinations(first.options, several):
            here = [mask for option in options for mask in option]
            for sign, others in _included(rest) if rest else ((1, []),):
                yield sign * (-1) ** (several + 1), [*here, *others]


def _box_volume(
    indices: frozenset[Index], extents: dict[Index, Expr], ranges: dict[Any, Any], slabs: list[Slab]
) -> Expr:
    """The points of a box within its ranges and between all slabs."""
    if not ranges and not slabs:
        return Mul(*(extents[index] for index in sorted(indices, key=lambda index: index.name)))
    factors: list[Expr] = []
    left = set(indices)
    for group in _groups(ranges, slabs):
        left -= group
        inside = {index: ranges[index] for index in group if index in ranges}
        factors.append(_group_volume(group, extents, inside, [slab for slab in slabs if slab.indices <= group]))
    return Mul(*(extents[index] for index in sorted(left, key=lambda index: index.name)), *factors)


def _groups(ranges: dict[Index, tuple[Expr, Expr]], slabs: list[Slab]) -> list[frozenset[Index]]:
    """The indices that constraints tie together, as connected components."""
    ties = [slab.indices for slab in slabs]
    ties += [frozenset({index}) | address_indices(low) | address_indices(high) for index, (low, high) in ranges.items()]
    groups: list[frozenset[Index]] = []
    for tie in ties:
        touching = [group for group in groups if group & tie]
        groups = [group for group in groups if not group & tie] + [tie.union(*touching)]
    return sorted(groups, key=lambda group: sorted(index.name for index in group))


def _slabs(indices: frozenset[Index], head: Head, place: int, instance: Instance, masks: Sequence[Mask]) -> list[Slab]:
    found: dict[Expr, Slab] = {}

    def add(form: Expr, low: Expr | None, high: Expr | None) -> None:
        parts = affine(form)
        if parts is not None and parts[0]:
            leading = min(parts[0], key=lambda index: index.name)
            if parts[0][leading].is_negative:
                form, low, high = -form, None if high is None else -high, None if low is None else -low
            constant = affine(form)[1]  # type: ignore[index]
            form = form - constant
            low = None if low is None else low - constant
            high = None if high is None else high - constant
        old = found.get(form, Slab(form, None, None))
        if low is not None:
            low = low if old.low is None else Max(low, old.low)
        if high is not None:
            high = high if old.high is None else Min(high, old.high)
        found[form] = Slab(form, low if low is not None else old.low, high if high is not None else old.high)

    for mask in masks:
        add(*_mask_slab(mask))
    for read in reads(head):
        for address, margin in zip(read.address, instance.margins.get(read.tensor, ())):
            if margin is None or isinstance(address, Read):
                continue
            here = address_indices(address)
            if here and here <= indices:
                form = _position(address, instance.extents[place]) if isinstance(address, Group) else address
                add(form, margin.before, margin.before + margin.inner - 1)
    return list(found.values())


def _position(group: Group, extents: dict[Index, Expr]) -> Expr:
    """Where a group of indices points to: the last one runs fastest."""
    position: Expr = _ZERO
    for index in group.parts:
        position = position * extents[index] + index
    return position.expand()


def _mask_slab(mask: Mask) -> tuple[Expr, Expr | None, Expr | None]:
    difference = mask.left - mask.right
    if mask.relation in ("<=", "<"):
        return difference, None, _ZERO if mask.relation == "<=" else -_ONE
    return difference, _ZERO if mask.relation == ">=" else _ONE, None


def _group_volume(
    group: frozenset[Index], extents: dict[Index, Expr], ranges: dict[Index, tuple[Expr, Expr]], slabs: list[Slab]
) -> Expr:
    if not slabs and len(ranges) == 1:
        ((index, (low, high)),) = ranges.items()
        return _summed(_from_zero(high - low), sorted(group - {index}, key=str), extents)
    if (
        not ranges
        and 1 < len(slabs) != len(oblique := [slab for slab in slabs if not isinstance(slab.form, Index)]) > 0
    ):
        box, start = _within([slab for slab in slabs if isinstance(slab.form, Index)], extents)
        return _group_volume(group, box, ranges, [_moved(slab, start) for slab in oblique])
    if not ranges and len(slabs) == 1:
        form = affine(slabs[0].form)
        if form is not None and len(form[0]) == len(group) <= 2:
            counted = _slab_volume(slabs[0], form[0], extents)
            if counted is not None:
                return counted
    conditions = [relational(Mask(slab.form, ">=", slab.low)) for slab in slabs if slab.low is not None]
    conditions += [relational(Mask(slab.form, "<=", slab.high)) for slab in slabs if slab.high is not None]
    for index, (low, high) in ranges.items():
        conditions += [relational(Mask(index, ">=", low)), relational(Mask(index, "<", high))]
    from sympy import And

    return _summed(Piecewise((1, And(*conditions)), (0, True)), sorted(group, key=str), extents)


@lru_cache(maxsize=4096)
def _from_zero(count: Expr) -> Expr:
    """A number of values, none where it is negative."""
    return Max(0, count)


def _within(slabs: list[Slab], extents: dict[Index, Expr]) -> tuple[dict[Index, Expr], dict[Index, Expr]]:
    """The box that is left between bounds on single indices: its extents, and where it starts."""
    box, start = dict(extents), {}
    for slab in slabs:
        index = slab.form
        assert isinstance(index, Index)
        first = _ZERO if slab.low is None else Max(0, slab.low)
        after = extents[index] if slab.high is None else Min(extents[index], slab.high + 1)
        box[index], start[index] = simplify(Max(0, after - first)), simplify(first)
    return box, start


def _moved(slab: Slab, start: dict[Index, Expr]) -> Slab:
    """A slab in a box that starts elsewhere."""
    by = (slab.form.xreplace({index: index + first for index, first in start.items()}) - slab.form).expand()
    return Slab(slab.form, *(None if end is None else end - by for end in (slab.low, slab.high)))


def _summed(summand: Expr, indices: list[Index], extents: dict[Index, Expr]) -> Expr:
    """The sum over a box, one index after the other; exact whatever the summand."""
    for index in indices:
        extent = extents[index]
        if not summand.has(index):
            summand = extent * summand
        elif extent.is_Integer and (extent <= 3 or (extent <= 4096 and summand.free_symbols == {index})):
            summand = Add(*(summand.xreplace({index: Integer(value)}) for value in range(int(extent))))
        elif summand.has(floor, ceiling, Max, Min, Piecewise):
            summand = Add(*(_sum_of(term, (index, 0, extent - 1)) for term in Add.make_args(summand)))
        else:
            summand = summation(summand, index, _ZERO, extent - 1)
    if summand.has(Sum) and not summand.free_symbols:
        try:
            return Integer(evaluate(summand, {}))
        except BudgetError:
            return summand
    return simplify(summand)


def _sum_of(term: Expr, limit: tuple[Index, int, Expr]) -> Expr:
    """A sum around a sum as one with several limits: SymPy takes cases out of an inner sum, with the index that they speak of."""
    inner = [factor for factor in Mul.make_args(term) if isinstance(factor, Sum)]
    if len(inner) != 1:
        return Sum(term, limit)
    rest = Mul(*(factor for factor in Mul.make_args(term) if factor is not inner[0]))
    return Sum(rest * inner[0].function, *inner[0].limits, limit)


def _slab_volume(slab: Slab, coefficients: dict[Index, Expr], extents: dict[Index, Expr]) -> Expr | None:
    """The box without the points below and the points above the slab; the two never meet, so that nothing is counted twice."""
    box = Mul(*(extents[index] for index in coefficients))
    low = slab.low
    if low is not None and slab.high is not None and not is_nonnegative(simplify(slab.high + 1 - low)):
        low = Min(low, slab.high + 1)  # a mask and a margin may leave nothing, and no less than that
    below = _ZERO if low is None else _half_space(coefficients, extents, low - 1)
    above = (
        _ZERO if slab.high is None else _half_space({i: -c for i, c in coefficients.items()}, extents, -slab.high - 1)
    )
    if below is None or above is None:
        return None
    return simplify(box - below - above)


def _half_space(coefficients: dict[Index, Expr], extents: dict[Index, Expr], bound: Expr) -> Expr | None:
    """The number of points of a box at which a linear form is at most `bound`; indices with a negative step are reflected."""
    steps: list[tuple[Expr, Expr]] = []
    for index, step in sorted(coefficients.items(), key=lambda item: item[0].name):
        if step.is_negative:
            bound = bound - step * (extents[index] - 1)
            step = -step
        if not step.is_positive:
            return None
        steps.append((step, extents[index]))
    if len(steps) == 1:
        step, extent = steps[0]
        return Max(0, Min(extent, floor(simplify(bound) / step) + 1))
    (s, n), (d, k) = steps
    return lattice_count(simplify(bound), s, n, d, k)
