"""Statements made of heads, masks over their points, and Einstein's sums made explicit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

from sympy import And, Expr, Ge, Gt, Le, Lt, Or
from sympy.logic.boolalg import Boolean

from ..sizes.dims import Index
from .heads import (
    Address,
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

    A lookup in the address scatters: where several points fall on one element they are `joined` by a sum, a mean or an extremum, and an
    element on which none falls is 0.
    The step that an initial line gives is a tensor of its own, without the axis of the steps; `gives` says which step it is.
    """

    target: str
    address: tuple[Address, ...]
    value: Head
    number: int = 0
    joined: str = "sum"
    gives: InitialStep | None = None

    @property
    def scatters(self) -> bool:
        """Whether the elements on the left are looked up."""
        return any(isinstance(part, Read) for part in self.address)

    @cached_property
    def scattered(self) -> frozenset[Index]:
        """The indices that stand on the left within lookups alone: any of their values may fall on an element."""
        return scattered(self.address)

    @cached_property
    def scoped(self) -> tuple[tuple[Head, frozenset[Index]], ...]:
        """Every head, parents first, with the indices of the target and of the reductions around it."""
        start: frozenset[Index] = frozenset().union(*map(address_indices, self.address))
        lookups = [part for part in self.address if isinstance(part, Read)]
        return tuple(found for head in (*lookups, self.value) for found in _scoped(head, start))

    @cached_property
    def reads(self) -> tuple[Read, ...]:
        """Every read of a tensor, lookups' inner reads and those on the left included."""
        return tuple(head for head, _ in self.scoped if isinstance(head, Read))


def scattered(address: tuple[Address, ...]) -> frozenset[Index]:
    """The indices of an address that stand within its lookups alone."""
    inside = (address_indices(part) for part in address if isinstance(part, Read))
    others = (address_indices(part) for part in address if not isinstance(part, Read))
    return frozenset().union(*inside) - frozenset().union(*others)


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


@dataclass(frozen=True)
class AnyOf:
    """Points of the iteration domain at which all masks of one of several options hold: ``j <= i or j < g``."""

    options: tuple[tuple[Mask, ...], ...]

    @property
    def indices(self) -> frozenset[Index]:
        return frozenset().union(*(mask.indices for mask in masks_of(self)))


Limit = Mask | AnyOf


@dataclass
class Elaborated:
    """Statements and bounds of a layer at one rank."""

    statements: list[Statement]
    bounds: dict[Index, Expr] = field(default_factory=dict)
    ranges: dict[Index, tuple[Expr, Expr]] = field(default_factory=dict)
    masks: list[Limit] = field(default_factory=list)
    requirements: list[Mask] = field(default_factory=list)
    lookups: dict[str, Expr] = field(default_factory=dict)
    declared: dict[str, tuple[Expr | None, ...]] = field(default_factory=dict)
    asked: dict[Index, Expr] = field(default_factory=dict)


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
    if isinstance(head, Select):
        loose = tuple(sorted(address_indices(head.rank) - bound, key=lambda index: index.name))
        made_select = replace(head, body=close(head.body, bound.union(head.indices, loose)))
        return Reduce("sum", loose, made_select) if loose else made_select
    if isinstance(head, Pad):
        return head
    here: frozenset[Index] = frozenset()
    if isinstance(head, (Read, IndexValue)):
        here = free_indices(head) - bound
        made: Head = head
    else:
        parts = children(head)
        for index in free_indices(head) - bound:
            holders = [part for part in parts if index in free_indices(part)]
            if len(holders) > 1 or (isinstance(holders[0], (Read, IndexValue)) and isinstance(head, Times)):
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


def masks_of(limit: Limit) -> tuple[Mask, ...]:
    """A mask by itself, or those of all options of a disjunction."""
    return tuple(mask for option in limit.options for mask in option) if isinstance(limit, AnyOf) else (limit,)


def with_numbers(limit: Limit, number: Callable[[Expr], Expr]) -> Limit:
    """The same mask or disjunction with every number in it changed."""
    if isinstance(limit, AnyOf):
        return AnyOf(tuple(tuple(_changed(mask, number) for mask in option) for option in limit.options))
    return _changed(limit, number)


def _changed(mask: Mask, number: Callable[[Expr], Expr]) -> Mask:
    return Mask(number(mask.left), mask.relation, number(mask.right))


def relational(mask: Limit) -> Boolean:
    """A mask as a SymPy relation."""
    if isinstance(mask, AnyOf):
        return Or(*(And(*map(relational, option)) for option in mask.options))
    made: Boolean = {"<": Lt, "<=": Le, ">": Gt, ">=": Ge}[mask.relation](mask.left, mask.right)
    return made


def each_option(limits: Iterable[Limit]) -> list[list[Mask]]:
    """The masks of every choice of one option from each disjunction: one of these lists holds where all limits do."""
    made: list[list[Mask]] = [[]]
    for limit in limits:
        options = limit.options if isinstance(limit, AnyOf) else ((limit,),)
        made = [[*before, *option] for before in made for option in options]
    return made
