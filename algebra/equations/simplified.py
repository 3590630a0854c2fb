"""Equations as a reader wants them: without margins of width 0, and without indices that have one value only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from sympy import Expr, Integer

from ..sizes.dims import Index
from .heads import (
    Address,
    Constant,
    Group,
    Head,
    IndexValue,
    Pad,
    Read,
    Reduce,
    Select,
    Softmax,
    free_indices,
    reads,
    rebuilt,
    walk,
)
from .recurrences import shift_of
from .statements import Elaborated, Statement, with_numbers

_ZERO = Integer(0)


def tidied(made: Elaborated, inputs: Sequence[str], outputs: Sequence[str]) -> tuple[Elaborated, frozenset[Index]]:
    """The same equation, easier to read, and the indices that were left out."""
    statements = without_empty_margins(made.statements, outputs)
    single = _single_valued(replace(made, statements=statements), inputs, outputs)
    drop = {index: _ZERO for index in single}

    def leave_out(read: Read) -> Read:
        return Read(
            read.tensor, tuple(kept for part in read.address if (kept := _left(part, drop, leave_out)) is not None)
        )

    shorter = [
        replace(s, address=leave_out(Read(s.target, s.address)).address, value=_mapped(s.value, leave_out, drop))
        for s in statements
    ]
    masks = [with_numbers(mask, lambda value: value.xreplace(drop)) for mask in made.masks]
    return (
        replace(
            made, statements=shorter,
            bounds={index: extent for index, extent in made.bounds.items() if index not in single},
            masks=[mask for mask in masks if mask.indices],
        ),
        single,
    )  # fmt: skip


def without_empty_margins(statements: Sequence[Statement], outputs: Sequence[str]) -> list[Statement]:
    """A tensor that is another one with margins of width 0 goes by that one's name."""
    names = {
        statement.target: statement.value.body.tensor
        for statement in statements
        if isinstance(statement.value, Pad)
        and all(width.is_zero for pair in statement.value.widths for width in pair)
        and statement.target not in outputs
    }

    def renamed(read: Read) -> Read:
        address = tuple(renamed(part) if isinstance(part, Read) else part for part in read.address)
        name = read.tensor
        while name in names:
            name = names[name]
        return Read(name, address)

    kept = [statement for statement in statements if statement.target not in names]
    return [replace(statement, value=_mapped(statement.value, renamed, {})) for statement in kept]


def _single_valued(made: Elaborated, inputs: Sequence[str], outputs: Sequence[str]) -> frozenset[Index]:
    """The indices whose only value is 0 and that no axis of an input or of an output needs for itself."""
    found = {index for index, extent in made.bounds.items() if extent == 1}
    made_by = [
        statement.address for statement in made.statements if statement.gives is None and statement.target in outputs
    ]
    outer = [*made_by, *(read.address for s in made.statements for read in reads(s.value) if read.tensor in inputs)]
    needed = {part for address in outer for part in address if isinstance(part, Index)}
    needed |= {
        index
        for address in outer
        for part in address
        if isinstance(part, Group) and set(part.parts) <= found
        for index in part.parts
    }
    needed |= _steps(made.statements)
    for statement in made.statements:
        needed |= {i for head in walk(statement.value) if isinstance(head, (Softmax, Select)) for i in head.indices}
    return frozenset(found - needed)


def _steps(statements: Sequence[Statement]) -> set[Index]:
    """The indices of tensors that are read some steps away from them."""
    own = {statement.target: statement.address for statement in statements if statement.gives is None}
    pairs = [
        pair
        for statement in statements
        for read in reads(statement.value)
        if read.tensor in own
        for pair in zip(read.address, own[read.tensor])
    ]
    return {of for part, of in pairs if isinstance(of, Index) and shift_of(part, of)}


def _left(part: Address, drop: dict[Index, Expr], read: Callable[[Read], Read]) -> Address | None:
    if isinstance(part, Read):
        return read(part)
    if isinstance(part, Group):
        kept = tuple(index for index in part.parts if index not in drop)
        if len(kept) == len(part.parts):
            return part
        return None if not kept else kept[0] if len(kept) == 1 else Group(kept)
    if isinstance(part, Index):
        return None if part in drop else part
    return part.xreplace(drop)


def _mapped(head: Head, read: Callable[[Read], Read], drop: dict[Index, Expr]) -> Head:
    """A head with every read changed, and sums over dropped indices without these."""
    if isinstance(head, Reduce):
        indices = tuple(index for index in head.indices if index not in drop)
        body = _mapped(head.body, read, drop)
        return Reduce(head.operation, indices, body) if indices else body
    if isinstance(head, IndexValue) and not free_indices(head) - drop.keys():
        return Constant(head.value.xreplace(drop))
    return rebuilt(head, read, lambda value: value.xreplace(drop), lambda part: _mapped(part, read, drop))
