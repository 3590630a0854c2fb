"""Sizes that an equation asks for before they are known: ``size(i)`` of an index whose extent follows from other lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from sympy import Expr, Symbol

from ..sizes.dims import Index
from .heads import Address, Constant, Group, IndexValue, Pad, Read, Select, rebuilt, walk
from .statements import Elaborated, Mask, Statement, masks_of, with_numbers


class SizeOf(Symbol):
    """The extent of an index as long as it is not known."""

    index: Index

    def __new__(cls, index: Index) -> SizeOf:
        made = Symbol.__new__(cls, f"size({index})", integer=True, positive=True)
        made.index = index
        return made


def asked_in(made: Elaborated) -> set[SizeOf]:
    """The sizes that the bounds and statements of an equation ask for."""
    return {size for expression in expressions(made) for size in expression.atoms(SizeOf)}


def with_sizes(made: Elaborated, put: Callable[[Expr], Expr]) -> Elaborated:
    """The same equation with sizes put into its numbers."""

    def address(part: Address) -> Address:
        if isinstance(part, (Index, Group)):
            return part
        return read(part) if isinstance(part, Read) else put(part)

    def read(one: Read) -> Read:
        return Read(one.tensor, tuple(map(address, one.address)))

    def statement(one: Statement) -> Statement:
        gives = one.gives and replace(one.gives, at=put(one.gives.at))
        made = replace(one, address=tuple(map(address, one.address)), value=rebuilt(one.value, read, put), gives=gives)
        return one if made == one else made

    return Elaborated(
        list(map(statement, made.statements)),
        {index: put(extent) for index, extent in made.bounds.items()},
        {index: (put(low), put(high)) for index, (low, high) in made.ranges.items()},
        [with_numbers(mask, put) for mask in made.masks],
        [Mask(put(asked.left), asked.relation, put(asked.right)) for asked in made.requirements],
        {name: put(size) for name, size in made.lookups.items()},
        {name: tuple(size and put(size) for size in sizes) for name, sizes in made.declared.items()},
    )


def expressions(made: Elaborated) -> Iterator[Expr]:
    """All numbers of an equation."""
    yield from made.bounds.values()
    for ends in made.ranges.values():
        yield from ends
    for mask in (*(mask for limit in made.masks for mask in masks_of(limit)), *made.requirements):
        yield from (mask.left, mask.right)
    yield from made.lookups.values()
    for sizes in made.declared.values():
        yield from (size for size in sizes if size is not None)
    for statement in made.statements:
        yield from _addressed(statement.address)
        for head in walk(statement.value):
            if isinstance(head, (Constant, IndexValue)):
                yield head.value
            elif isinstance(head, Read):
                yield from _addressed(head.address)
            elif isinstance(head, Select):
                yield head.rank
            elif isinstance(head, Pad):
                yield from (width for pair in head.widths for width in pair)


def _addressed(address: tuple[Address, ...]) -> Iterator[Expr]:
    for part in address:
        if isinstance(part, Read):
            yield from _addressed(part.address)
        elif not isinstance(part, Group):
            yield part
