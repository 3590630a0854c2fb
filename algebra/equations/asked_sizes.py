"""Sizes that an equation asks for before they are known: ``size(i)`` of an index whose extent follows from other lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from sympy import Basic, Expr, Symbol

from ..sizes.dims import Index
from .heads import (
    Address,
    Apply,
    Constant,
    Group,
    Head,
    IndexValue,
    Pad,
    Plus,
    Read,
    Reduce,
    Select,
    Softmax,
    Times,
    unknown_head,
    walk,
)
from .statements import AnyOf, Elaborated, Limit, Mask, Statement


class SizeOf(Symbol):
    """The extent of an index as long as it is not known."""

    index: Index

    def __new__(cls, index: Index) -> SizeOf:
        made = Symbol.__new__(cls, f"size({index})", integer=True, positive=True)
        made.index = index
        return made


def asked_in(made: Elaborated) -> set[SizeOf]:
    """The sizes that the bounds and statements of an equation ask for."""
    return {size for expression in _expressions(made) for size in expression.atoms(SizeOf)}


def with_sizes(made: Elaborated, known: Mapping[Basic, Expr]) -> Elaborated:
    """The same equation with sizes put in."""

    def put(expression: Expr) -> Expr:
        return expression.xreplace(known)

    def limit(one: Limit) -> Limit:
        return AnyOf(tuple(tuple(map(mask, option)) for option in one.options)) if isinstance(one, AnyOf) else mask(one)

    def mask(one: Mask) -> Mask:
        return Mask(put(one.left), one.relation, put(one.right))

    def address(part: Address) -> Address:
        if isinstance(part, (Index, Group)):
            return part
        return read(part) if isinstance(part, Read) else put(part)

    def read(one: Read) -> Read:
        return Read(one.tensor, tuple(map(address, one.address)))

    def head(one: Head) -> Head:
        if isinstance(one, Constant):
            return Constant(put(one.value))
        if isinstance(one, IndexValue):
            return IndexValue(put(one.value))
        if isinstance(one, Read):
            return read(one)
        if isinstance(one, Plus):
            return Plus(tuple(map(head, one.terms)))
        if isinstance(one, Times):
            return Times(tuple(map(head, one.factors)))
        if isinstance(one, Apply):
            return Apply(one.function, tuple(map(head, one.arguments)))
        if isinstance(one, (Reduce, Softmax)):
            return replace(one, body=head(one.body))
        if isinstance(one, Select):
            return replace(one, rank=put(one.rank), body=head(one.body))
        if isinstance(one, Pad):
            widths = tuple((put(before), put(after)) for before, after in one.widths)
            return Pad(widths, read(one.body), head(one.fill))  # type: ignore[arg-type]
        raise unknown_head(one, "given its sizes")

    return Elaborated(
        [
            Statement(s.target, tuple(map(address, s.address)), head(s.value), s.number, s.joined)
            for s in made.statements
        ],
        {index: put(extent) for index, extent in made.bounds.items()},
        {index: (put(low), put(high)) for index, (low, high) in made.ranges.items()},
        list(map(limit, made.masks)),
        list(map(mask, made.requirements)),
        {name: put(size) for name, size in made.lookups.items()},
        {name: tuple(size and put(size) for size in sizes) for name, sizes in made.declared.items()},
    )


def _expressions(made: Elaborated) -> Iterator[Expr]:
    yield from made.bounds.values()
    for ends in made.ranges.values():
        yield from ends
    limits = (option for limit in made.masks for option in (limit.options if isinstance(limit, AnyOf) else ((limit,),)))
    for mask in (*(mask for option in limits for mask in option), *made.requirements):
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
