"""Statements made of heads, masks over their points, and Einstein's sums made explicit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from sympy import Expr, Ge, Gt, Le, Lt
from sympy.core.relational import Relational

from ..sizes.dims import Index
from .heads import (
    Address,
    Apply,
    Constant,
    Head,
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
)


@dataclass(frozen=True)
class InitialStep:
    """What an initial line gives: one step, at a place along an axis, of a tensor that another line goes on with."""

    tensor: str
    axis: int
    at: Expr


@dataclass(frozen=True)
class Statement:
    """One line of an equation: ``target[address] = value``, summed over whatever the address does not name.

    The step that an initial line gives is a tensor of its own, without the axis of the steps; `gives` says which step it is.
    """

    target: str
    address: tuple[Address, ...]
    value: Head
    number: int = 0
    gives: InitialStep | None = None

    @cached_property
    def scoped(self) -> tuple[tuple[Head, frozenset[Index]], ...]:
        """Every head, parents first, with the indices of the target and of the reductions around it."""
        start: frozenset[Index] = frozenset().union(*map(address_indices, self.address))
        return tuple(_scoped(self.value, start))

    @cached_property
    def reads(self) -> tuple[Read, ...]:
        """Every read of a tensor, lookups' inner reads included."""
        return tuple(head for head, _ in self.scoped if isinstance(head, Read))


def _scoped(head: Head, scope: frozenset[Index]) -> Iterator[tuple[Head, frozenset[Index]]]:
    yield head, scope
    inner = scope | frozenset(getattr(head, "indices", ()))
    for child in children(head):
        yield from _scoped(child, inner)


@dataclass(frozen=True)
class Mask:
    """Points of the iteration domain that count: ``left relation right``, an inequality between index expressions."""

    left: Expr
    relation: str
    right: Expr

    @property
    def indices(self) -> frozenset[Index]:
        return address_indices(self.left) | address_indices(self.right)


@dataclass
class Elaborated:
    """Statements and bounds of a layer at one rank."""

    statements: list[Statement]
    bounds: dict[Index, Expr] = field(default_factory=dict)
    ranges: dict[Index, tuple[Expr, Expr]] = field(default_factory=dict)
    masks: list[Mask] = field(default_factory=list)
    requirements: list[Mask] = field(default_factory=list)
    lookups: dict[str, Expr] = field(default_factory=dict)
    declared: dict[str, tuple[Expr | None, ...]] = field(default_factory=dict)


def close(head: Head, bound: frozenset[Index]) -> Head:
    """Make Einstein's sums explicit: an index that nothing binds is summed in the smallest term that holds all of it."""
    if isinstance(head, Constant):
        return head
    if isinstance(head, Plus):
        return Plus(tuple(close(term, bound) for term in head.terms))
    if isinstance(head, Reduce):
        return Reduce(head.operation, head.indices, close(head.body, bound | frozenset(head.indices)))
    if isinstance(head, Softmax):
        made_softmax = Softmax(head.indices, close(head.body, bound | frozenset(head.indices)))
        loose = tuple(index for index in head.indices if index not in bound)  # it has a value for each of them
        return Reduce("sum", loose, made_softmax) if loose else made_softmax
    if isinstance(head, Pad):
        return head
    here: frozenset[Index] = frozenset()
    if isinstance(head, Read):
        here = free_indices(head) - bound
        made: Head = head
    else:
        parts = children(head)
        for index in free_indices(head) - bound:
            holders = [part for part in parts if index in free_indices(part)]
            if len(holders) > 1 or (isinstance(holders[0], Read) and isinstance(head, Times)):
                here |= {index}
        closed = tuple(close(part, bound | here) for part in parts)
        made = Times(closed) if isinstance(head, Times) else Apply(head.function, closed)
    if not here:
        return made
    ordered = tuple(sorted(here, key=lambda index: index.name))
    return Reduce("sum", ordered, made)


def is_contraction(head: Head) -> bool:
    """A product of two tensors or more, summed over an index: what a multiply-accumulate unit does."""
    if not (isinstance(head, Reduce) and head.operation == "sum" and isinstance(head.body, Times)):
        return False
    return sum(not is_constant(factor) for factor in head.body.factors) >= 2


def relational(mask: Mask) -> Relational:
    """A mask as a SymPy relation."""
    return {"<": Lt, "<=": Le, ">": Gt, ">=": Ge}[mask.relation](mask.left, mask.right)
