"""How much an equation computes: multiplies, adds and other operations, read off the iteration domains.

Conventions, all of them here:

- an operation is done once for every point of the indices on which its value depends;
- a sum over K points costs K adds (the accumulator starts at zero), a product of n tensors n - 1 multiplies a point, as written;
- a *contraction* is a product of two tensors or more summed over at least one index; each of its points is one MAC;
- a mean is a sum and one division; a maximum over K points K comparisons; a softmax an exponential, an add and a division a point;
- a comparison, a division, a root or a transcendental function is one `other` operation;
- signs, literal ones, reads and lookups cost nothing, and what does not depend on a tensor is computed beforehand;
- a statement on which the output does not depend is not computed at all (its weights are held, as an auxiliary classifier's are).

*Nominal* work counts whole boxes, margins and masked points included, as the common counters do. *Effective* work counts the
points that read real elements and that no mask excludes. A range ``low <= j < high`` is the index's own extent and always counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from sympy import Add, Expr, Integer, Max, Min, Mul, Piecewise, Sum, ceiling, floor

from ..errors import BudgetError
from ..sizes.evaluate import evaluate
from ..sizes.normal_form import is_nonnegative, simplify
from ..sizes.summation import lattice_count, summation
from .heads import (
    Apply,
    Constant,
    Group,
    Head,
    Index,
    Pad,
    Plus,
    Read,
    Reduce,
    Softmax,
    Times,
    address_indices,
    children,
    free_indices,
    is_constant,
    reads,
    unknown_head,
)
from .instance import Instance, affine
from .statements import Mask, is_contraction, relational

_ZERO, _ONE = Integer(0), Integer(1)


@dataclass(frozen=True)
class Work:
    """Operations of a layer: `macs` are among the `multiplies` and `adds`."""

    macs: Expr = _ZERO
    multiplies: Expr = _ZERO
    adds: Expr = _ZERO
    other: Expr = _ZERO

    @staticmethod
    def total(parts: Iterable["Work"]) -> "Work":
        parts = list(parts)
        if not parts:
            return Work()
        columns = zip(*((part.macs, part.multiplies, part.adds, part.other) for part in parts))
        return Work(*(Add(*column) for column in columns))

    @property
    def flops(self) -> Expr:
        return self.multiplies + self.adds + self.other


@lru_cache(maxsize=20_000)
def work(instance: Instance, effective: bool = False) -> Work:
    """The work of a layer at its input shapes.

    Parameters
    ----------
    instance : Instance
    effective : bool
        Count only points that read real elements and that no mask excludes.
    """
    return Work.total(part for place in instance.live for part in _statement_parts(instance, place, effective))


def statement_work(instance: Instance, place: int, effective: bool = False) -> Work:
    """The work of one statement of a layer."""
    return Work.total(_statement_parts(instance, place, effective))


def _statement_parts(instance: Instance, place: int, effective: bool) -> list[Work]:
    statement = instance.statements[place]
    scope = frozenset().union(*map(address_indices, statement.address))
    return _fold(statement.value, _Line(place, instance, effective), scope)


@dataclass(frozen=True)
class _Line:
    """A statement and what is counted of it."""

    place: int
    instance: Instance
    effective: bool

    def points(self, indices: frozenset[Index], head: Head) -> Expr:
        return volume(indices, head, self.place, self.instance, self.effective)


def _fold(head: Head, line: _Line, scope: frozenset[Index]) -> list[Work]:
    """The operations of a head and of all below it; `scope` has the indices of the target and of the reductions around it."""
    if isinstance(head, (Constant, Read, Pad)) or is_constant(head):
        return []
    own = frozenset(getattr(head, "indices", ()))
    points = line.points(depends(head, line.place, line.instance, scope) | own, head)
    below = [part for child in children(head) for part in _fold(child, line, scope | own)]
    if isinstance(head, Plus):
        return [*below, Work(adds=(len(head.terms) - 1) * points)]
    if isinstance(head, Times):
        return [*below, Work(multiplies=(_counted_factors(head) - 1) * points)]
    if isinstance(head, Apply):
        return [*below, _applied(head, points)]
    if isinstance(head, Reduce):
        return [*below, _reduced(head, points, line, scope)]
    if isinstance(head, Softmax):
        return [*below, Work(adds=points, other=2 * points)]
    raise unknown_head(head, "counted")


def _counted_factors(head: Times) -> int:
    signs = sum(isinstance(factor, Constant) and abs(factor.value) == 1 for factor in head.factors)
    return max(1, len(head.factors) - signs)


def _applied(head: Apply, points: Expr) -> Work:
    if head.function == "power":
        exponent = head.arguments[1]
        assert isinstance(exponent, Constant)
        power = exponent.value
        if power.is_Integer and power > 0:
            return Work(multiplies=(int(power) - 1) * points)
    return Work(other=points)


def _reduced(head: Reduce, points: Expr, line: _Line, scope: frozenset[Index]) -> Work:
    if head.operation == "sum":
        return Work(macs=points if is_contraction(head) else _ZERO, adds=points)
    if head.operation == "mean":
        return Work(adds=points, other=line.points(depends(head, line.place, line.instance, scope), head))
    if head.operation == "prod":
        return Work(multiplies=points)
    return Work(other=points)


def depends(head: Head, place: int, instance: Instance, scope: frozenset[Index]) -> frozenset[Index]:
    """The indices on which the value of a head depends: those it names, and those that bound what it reduces.

    A mask or a range bounds a reduction if it speaks of an index of it, and otherwise only of those in `scope`, the indices of the
    target and of the reductions around the head.
    """
    if isinstance(head, Read):
        return free_indices(head)
    own = frozenset(getattr(head, "indices", ()))
    below: frozenset[Index] = frozenset().union(
        *(depends(child, place, instance, scope | own) for child in children(head))
    )
    for mask in instance.masks(place) if own else ():
        below |= mask.indices if mask.indices & own and mask.indices <= scope | own else frozenset()
    for index, (low, high) in instance.elaborated.ranges.items():
        ends = address_indices(low) | address_indices(high)
        below |= ends if index in own and ends <= scope | own else frozenset()
    return below - own if isinstance(head, Reduce) else below


# volumes -------------------------------------------------------------------------------------------------------------


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
    ranges = {index: bounds for index, bounds in instance.elaborated.ranges.items() if index in indices}
    slabs = _slabs(indices, head, place, instance) if effective else []
    if not ranges and not slabs:
        return Mul(*(extents[index] for index in sorted(indices, key=lambda index: index.name)))
    factors: list[Expr] = []
    left = set(indices)
    for group in _groups(indices, ranges, slabs):
        left -= group
        inside = {index: ranges[index] for index in group if index in ranges}
        factors.append(_group_volume(group, extents, inside, [slab for slab in slabs if slab.indices <= group]))
    return Mul(*(extents[index] for index in sorted(left, key=lambda index: index.name)), *factors)


def _groups(
    indices: frozenset[Index], ranges: dict[Index, tuple[Expr, Expr]], slabs: list[Slab]
) -> list[frozenset[Index]]:
    """The indices that constraints tie together, as connected components."""
    ties = [slab.indices for slab in slabs]
    ties += [frozenset({index}) | address_indices(low) | address_indices(high) for index, (low, high) in ranges.items()]
    groups: list[frozenset[Index]] = []
    for tie in ties:
        touching = [group for group in groups if group & tie]
        groups = [group for group in groups if not group & tie] + [tie.union(*touching)]
    return sorted(groups, key=lambda group: sorted(index.name for index in group))


def _slabs(indices: frozenset[Index], head: Head, place: int, instance: Instance) -> list[Slab]:
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

    for mask in instance.masks(place):
        if mask.indices <= indices:
            add(*_mask_slab(mask))
    for read in reads(head):
        for address, margin in zip(read.address, instance.margins.get(read.tensor, ())):
            if margin is None or isinstance(address, (Group, Read)):
                continue
            here = address_indices(address)
            if here and here <= indices:
                add(address, margin.before, margin.before + margin.inner - 1)
    return list(found.values())


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
        return _summed(Max(0, high - low), sorted(group - {index}, key=str), extents)
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


def _summed(summand: Expr, indices: list[Index], extents: dict[Index, Expr]) -> Expr:
    """The sum over a box, one index after the other; exact whatever the summand."""
    for index in indices:
        extent = extents[index]
        if not summand.has(index):
            summand = extent * summand
        elif extent.is_Integer and (extent <= 3 or (extent <= 4096 and summand.free_symbols == {index})):
            summand = Add(*(summand.xreplace({index: Integer(value)}) for value in range(int(extent))))
        elif summand.has(floor, ceiling, Max, Min, Piecewise):
            summand = Sum(summand, (index, 0, extent - 1))
        else:
            summand = summation(summand, index, _ZERO, extent - 1)
    if summand.has(Sum) and not summand.free_symbols:
        try:
            return Integer(evaluate(summand, {}))
        except BudgetError:
            return summand
    return simplify(summand)


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
