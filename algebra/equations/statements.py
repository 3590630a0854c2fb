"""Statements made of heads, masks over their points, and Einstein's sums made explicit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import field, replace
from functools import cached_property

from sympy import And, Expr, Ge, Gt, Le, Lt, Or
from sympy.logic.boolalg import Boolean

from ..records import dataclass
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


LINEAR = ("sum", "mean")
"""Reductions of which it does not matter whether a sum is taken inside or around."""

Alone = Callable[[Head, tuple[Index, ...], Head], None]
"""Told of a head over which indices are summed that stand in one factor only, and of the function around it."""


def close(head: Head, bound: frozenset[Index], alone: Alone, around: Head | None = None) -> Head:
    """Make Einstein's sums explicit: an index that nothing binds is summed in the smallest term that holds all of it.

    `around` is the innermost head that does another thing with a sum than with its terms. Within it a product of two factors with the
    index is an inner product; what else would be summed there is told to `alone`.
    """
    if isinstance(head, Constant):
        return head
    if isinstance(head, Plus):
        return Plus(tuple(close(term, bound, alone, around) for term in head.terms))
    if isinstance(head, Reduce):
        inside = around if head.operation in LINEAR else head
        return Reduce(head.operation, head.indices, close(head.body, bound.union(head.indices), alone, inside))
    if isinstance(head, Softmax):
        made_softmax = Softmax(head.indices, close(head.body, bound.union(head.indices), alone, head))
        loose = tuple(index for index in head.indices if index not in bound)  # it has a value for each of them
        return _summed(made_softmax, head, loose, loose, alone, around)
    if isinstance(head, Select):
        loose = tuple(sorted(address_indices(head.rank) - bound, key=lambda index: index.name))
        made_select = replace(head, body=close(head.body, bound.union(head.indices, loose), alone, head))
        return _summed(made_select, head, loose, loose, alone, around)
    if isinstance(head, Pad):
        return head
    if isinstance(head, (Read, IndexValue)):
        here = free_indices(head) - bound
        return _summed(head, head, here, here, alone, around)
    parts = children(head)
    holders = {index: [part for part in parts if index in free_indices(part)] for index in free_indices(head) - bound}
    here = frozenset(
        index for index, held in holders.items()
        if len(held) > 1 or (isinstance(held[0], (Read, IndexValue)) and isinstance(head, Times))
    )  # fmt: skip
    closed = [
        close(part, bound | here, alone, around if _is_linear_in(head, place) else head)
        for place, part in enumerate(parts)
    ]
    made = Times(tuple(closed)) if isinstance(head, Times) else Apply(head.function, tuple(closed))
    return _summed(made, head, here, [index for index in here if not _is_multiplied(head, index)], alone, around)


def _summed(
    made: Head, written: Head, here: Iterable[Index], single: Iterable[Index], alone: Alone, around: Head | None
) -> Head:
    """A closed head summed over some indices, `single` those that no product holds twice."""
    if around is not None and (told := _in_order(single)):
        alone(written, told, around)
    return Reduce("sum", ordered, made) if (ordered := _in_order(here)) else made


def _in_order(indices: Iterable[Index]) -> tuple[Index, ...]:
    return tuple(sorted(indices, key=lambda index: index.name))


def _is_linear_in(head: Head, place: int) -> bool:
    """Whether a sum in one part of a product, quotient or function may as well be taken around it."""
    return isinstance(head, Times) or (isinstance(head, Apply) and head.function == "divide" and place == 0)


def _is_multiplied(head: Head, index: Index) -> bool:
    """Whether two factors above the line hold an index."""
    while isinstance(head, Apply) and head.function == "divide":
        head = head.arguments[0]
    return isinstance(head, Times) and sum(index in free_indices(factor) for factor in head.factors) > 1


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
