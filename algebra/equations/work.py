"""How much an equation computes: multiplies, adds and other operations, read off the iteration domains.

Conventions, all of them here:

- an operation is done once for every point of the indices on which its value depends;
- a sum over K points costs K adds (the accumulator starts at zero), a product of n tensors n - 1 multiplies a point, as written;
- a *contraction* is a product of two tensors or more summed over at least one index; each of its points is one MAC;
- a mean is a sum and one division; a maximum over K points K comparisons; a softmax an exponential, an add and a division a point;
- the place of an extremum over K points costs K comparisons; values or places of the ranks 0 to R - 1 cost ceil(log2(R + 1)) for each of the
  K points, all ranks together;
- a lookup on the left costs one add for every point, for an extremum one comparison, for a mean a division for every element besides;
- a comparison, a division, a root or a transcendental function is one `other` operation;
- signs, literal ones, reads and lookups cost nothing, and what does not depend on a tensor is computed beforehand;
- a statement on which the output does not depend is not computed at all (its weights are held, as an auxiliary classifier's are).

*Nominal* work counts whole boxes, margins and masked points included, as the common counters do. *Effective* work counts the
points that read real elements and that no mask excludes. A range ``low <= j < high`` is the index's own extent and always counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple
from functools import lru_cache

from sympy import Add, Expr, Integer, Mul, ceiling, log

from ..records import dataclass
from ..sizes.dims import Index
from .heads import (
    Apply,
    Constant,
    Head,
    IndexValue,
    Pad,
    Plus,
    Read,
    Reduce,
    Select,
    Softmax,
    Times,
    address_indices,
    children,
    free_indices,
    is_constant,
    unknown_head,
)
from .instance import Instance, InstanceAtNumbers
from .statements import Statement, is_contraction
from .volume import volume

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
    if instance.layer.opaque:
        return Work()
    if isinstance(instance, InstanceAtNumbers):
        known = instance.counted(("work", effective), lambda lettered: astuple(work(lettered, effective)))
        if known is not None:
            return Work(*map(Integer, known))
    return Work.total(part for place in instance.live for part in _statement_parts(instance, place, effective))


def statement_work(instance: Instance, place: int, effective: bool = False) -> Work:
    """The work of one statement of a layer."""
    return Work.total(_statement_parts(instance, place, effective))


def _statement_parts(instance: Instance, place: int, effective: bool) -> list[Work]:
    statement = instance.statements[place]
    scope = frozenset().union(*map(address_indices, statement.address))
    line = _Line(place, instance, effective)
    return [*_fold(statement.value, line, scope), *_scattered(statement, line, scope)]


def _scattered(statement: Statement, line: _Line, scope: frozenset[Index]) -> list[Work]:
    """What joins the points that a lookup on the left brings to one element."""
    if not statement.scatters:
        return []
    points = line.points(scope, statement.value)
    if statement.joined == "sum":
        return [Work(adds=points)]
    if statement.joined == "mean":
        return [Work(adds=points, other=Mul(*line.instance.shapes[statement.target]))]
    return [Work(other=points)]


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
    if isinstance(head, Select):
        return [*below, _selected(head, line, scope)]
    raise unknown_head(head, "counted")


def _counted_factors(head: Times) -> int:
    signs = sum(isinstance(factor, Constant) and factor.literal and abs(factor.value) == 1 for factor in head.factors)
    return max(1, len(head.factors) - signs)


def _applied(head: Apply, points: Expr) -> Work:
    if head.function == "power":
        exponent = head.arguments[1]
        assert isinstance(exponent, Constant)
        power = exponent.value
        if power.is_integer and power.is_positive:
            return Work(multiplies=(power - 1) * points)
    return Work(other=points)


def _selected(head: Select, line: _Line, scope: frozenset[Index]) -> Work:
    """All ranks are found at once, by as many comparisons for each candidate as a heap of those that are wanted is deep."""
    points = line.points(depends(head.body, line.place, line.instance, scope) | frozenset(head.indices), head.body)
    wanted = 1 + line.instance.largest(head.rank, line.place)
    return Work(other=points * (_ONE if wanted == 1 else ceiling(log(wanted + 1, 2))))


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
    if isinstance(head, (Read, IndexValue)):
        return free_indices(head)
    own = frozenset(getattr(head, "indices", ()))
    below: frozenset[Index] = frozenset().union(
        *(depends(child, place, instance, scope | own) for child in children(head))
    )
    for mask in instance.masks(place) if own else ():
        below |= mask.indices if mask.indices & own and mask.indices <= scope | own else frozenset()
    for index, ends in instance.ranges(place).items():
        for tied in (address_indices(end) | {index} for end in ends):
            below |= tied if own & tied and tied <= scope | own else frozenset()
    if isinstance(head, Select):
        return below - own | address_indices(head.rank)
    return below - own if isinstance(head, Reduce) else below


# volumes -------------------------------------------------------------------------------------------------------------
