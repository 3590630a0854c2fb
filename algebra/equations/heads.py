"""The closed list of heads that equations are built from.

An equation is a list of statements; the right side of a statement is a tree of these heads and of nothing else:

========== ==============================================================================
Constant   a number, or a scalar made of the layer's fields
IndexValue a number made of indices, as in ``exp(-(i - j))``
Read       one element of a tensor, at an address made of index symbols
Plus       sum of terms
Times      product of factors
Apply      an elementwise function (`FUNCTIONS`)
Reduce     sum, mean, max, min or product over indices (an implicit Einstein sum is one)
Softmax    normalised exponentials along indices
Select     the place of the largest or the smallest along an index, the value or the place of a given rank
Pad        a tensor surrounded by a margin of a number or of a learned tensor, or cut where a width is negative
========== ==============================================================================

A lookup is a `Read` one of whose addresses is itself a `Read`; a recurrence is a `Read` of a tensor that the same or a
later statement defines. Whatever folds over an equation (work, receptive field, LaTeX, numbers) handles these ten and
refuses everything else by name, so that nothing is counted as zero in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import field, replace
from functools import lru_cache
from typing import Union

from sympy import Expr

from ..errors import UnsupportedError
from ..records import dataclass
from ..sizes.dims import Index


@dataclass(frozen=True)
class Group:
    """Several indices that together address one axis, the last one running fastest."""

    parts: tuple[Index, ...]


Address = Union[Expr, Group, "Read"]


@dataclass(frozen=True)
class Constant:
    """A number; what is made of fields or sizes is not `literal`, and costs at 1 what it costs at any other value."""

    value: Expr
    literal: bool = field(default=True, compare=False)


@dataclass(frozen=True)
class IndexValue:
    value: Expr


@dataclass(frozen=True)
class Read:
    tensor: str
    address: tuple[Address, ...]


@dataclass(frozen=True)
class Plus:
    terms: tuple["Head", ...]


@dataclass(frozen=True)
class Times:
    factors: tuple["Head", ...]


@dataclass(frozen=True)
class Apply:
    function: str
    arguments: tuple["Head", ...]


@dataclass(frozen=True)
class Reduce:
    operation: str
    indices: tuple[Index, ...]
    body: "Head"


@dataclass(frozen=True)
class Softmax:
    indices: tuple[Index, ...]
    body: "Head"


@dataclass(frozen=True)
class Select:
    """`rank` counts from 0; of equal values the one that comes first goes first."""

    operation: str
    indices: tuple[Index, ...]
    rank: Expr
    body: "Head"


@dataclass(frozen=True)
class Pad:
    widths: tuple[tuple[Expr, Expr], ...]
    body: Read
    fill: "Constant | Read"


Head = Constant | IndexValue | Read | Plus | Times | Apply | Reduce | Softmax | Select | Pad


REDUCTIONS = ("sum", "mean", "max", "min", "prod")
SELECTIONS = {"argmax": 1, "argmin": 1, "top": 2, "sort": 2, "argsort": 2}
"""Selections, and how many arguments they take: with two, the second is the rank, from the largest down for `top`, from the smallest up else."""
PLACES = ("argmax", "argmin", "top", "argsort")
"""Selections that give a place along their index, at which a tensor can be read."""


def children(head: Head) -> tuple[Head, ...]:
    """The heads directly below a head; the reads inside a lookup's address count as its children."""
    if isinstance(head, (Constant, IndexValue)):
        return ()
    if isinstance(head, Read):
        return tuple(part for part in head.address if isinstance(part, Read))
    if isinstance(head, Plus):
        return head.terms
    if isinstance(head, Times):
        return head.factors
    if isinstance(head, Apply):
        return head.arguments
    if isinstance(head, Pad):
        return (head.body, head.fill)
    if isinstance(head, (Reduce, Softmax, Select)):
        return (head.body,)
    raise unknown_head(head, "walked")


def rebuilt(
    head: Head,
    read: Callable[[Read], Read],
    number: Callable[[Expr], Expr] = lambda value: value,
    part: Callable[[Head], Head] | None = None,
) -> Head:
    """The same head with every read and every number in it changed; the reads within an address are the part of `read`.

    `part` rebuilds the heads below, which are rebuilt in the same way without it.
    """
    below = part or (lambda inner: rebuilt(inner, read, number))

    if isinstance(head, (Constant, IndexValue)):
        return replace(head, value=number(head.value))
    if isinstance(head, Read):
        return read(head)
    if isinstance(head, Plus):
        return Plus(tuple(map(below, head.terms)))
    if isinstance(head, Times):
        return Times(tuple(map(below, head.factors)))
    if isinstance(head, Apply):
        return Apply(head.function, tuple(map(below, head.arguments)))
    if isinstance(head, (Reduce, Softmax)):
        return replace(head, body=below(head.body))
    if isinstance(head, Select):
        return replace(head, rank=number(head.rank), body=below(head.body))
    if isinstance(head, Pad):
        fill = replace(head.fill, value=number(head.fill.value)) if isinstance(head.fill, Constant) else read(head.fill)
        return Pad(tuple((number(before), number(after)) for before, after in head.widths), read(head.body), fill)
    raise unknown_head(head, "rebuilt")


def walk(head: Head) -> Iterator[Head]:
    """A head and everything below it, parents first."""
    yield head
    for child in children(head):
        yield from walk(child)


def reads(head: Head) -> Iterator[Read]:
    """Every read of a tensor below a head, lookups' inner reads included."""
    return (found for found in walk(head) if isinstance(found, Read))


def address_indices(address: Address) -> frozenset[Index]:
    """The indices in one component of an address."""
    if isinstance(address, Index):
        return frozenset((address,))
    if isinstance(address, Group):
        return frozenset(address.parts)
    if isinstance(address, Read):
        return free_indices(address)
    return _indices_in(address) if address.args else frozenset()


@lru_cache(maxsize=20_000)
def _indices_in(address: Expr) -> frozenset[Index]:
    return frozenset(symbol for symbol in address.free_symbols if isinstance(symbol, Index))


def free_indices(head: Head) -> frozenset[Index]:
    """The indices on which the value of a head depends."""
    if isinstance(head, Read):
        return frozenset().union(*map(address_indices, head.address)) if head.address else frozenset()
    if isinstance(head, IndexValue):
        return address_indices(head.value)
    below = frozenset().union(*(free_indices(child) for child in children(head))) if children(head) else frozenset()
    if isinstance(head, Softmax):  # it has a value for each of its indices
        return below | frozenset(head.indices)
    if isinstance(head, Select):
        return below - frozenset(head.indices) | address_indices(head.rank)
    return below - frozenset(head.indices) if isinstance(head, Reduce) else below


def is_constant(head: Head) -> bool:
    """Whether a head reads no tensor at all, so that its value is known before anything is computed."""
    return next(reads(head), None) is None


def unknown_head(head: object, verb: str) -> UnsupportedError:
    """The error for a head that a fold has no rule for; there is no default rule."""
    name = type(head).__name__
    return UnsupportedError(
        f"a head of kind {name} cannot be {verb}: the closed list is "
        "Constant, IndexValue, Read, Plus, Times, Apply, Reduce, Softmax, Select, Pad"
    )
