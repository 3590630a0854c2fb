"""Layers as Coq reads them: the equation as it is written, and what a proof needs to be told of it at given sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import Symbol

from ...algebra.equations.affine import affine
from ...algebra.equations.definitions import all_indices
from ...algebra.equations.heads import (
    PLACES,
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
    free_indices,
)  # fmt: skip
from ...algebra.equations.instance import Instance, instantiate
from ...algebra.equations.statements import Statement
from ...algebra.errors import UnsupportedError
from ...algebra.networks.layer import Layer
from ...algebra.sizes.dims import Index
from .expressions import Written, listing, names, quoted

_RELATIONS = {"==": "=", "!=": "<>"}
_REDUCTIONS = {"sum": "Sum", "mean": "Mean", "prod": "Product", "max": "Extremum", "min": "Extremum"}


def refused(layer: Layer, reason: str) -> UnsupportedError:
    """The error for a layer of which there is no certificate."""
    return UnsupportedError(f"{layer} cannot be certified: {reason}")


def equation(layer: Layer, ranks: Sequence[int], symbols: Sequence[Symbol]) -> tuple[str, list[str]]:
    """The equation as a Coq term, and patterns for the shapes that enter; sizes of these are symbols of their own."""
    generic = [
        tuple(Symbol(f"size_{place}_{axis}", integer=True, positive=True) for axis in range(rank))
        for place, rank in enumerate(ranks)
    ]
    own = [size for shape in generic for size in shape]
    written = Written(symbols)
    written.names |= {size: size.name for size in own}
    if layer.opaque:
        raise refused(layer, "no equation says what it computes")
    if len(layer.output_names) > 1:
        raise refused(layer, "it has several outputs")
    instance = instantiate(layer, *generic)
    made = instance.elaborated
    clock = _clock(layer, instance)
    written.lookups = {**_places(instance), **made.lookups}
    lines = [_line(layer, statement, instance, written) for statement in made.statements]
    bounds = [f"({quoted(index)}, {written(extent)})" for index, extent in made.bounds.items()]
    declared = [
        f"({quoted(name)}, {listing('None' if size is None else f'Some {written(size)}' for size in sizes)})"
        for name, sizes in made.declared.items()
    ]
    ties = [names(sorted(map(str, mask.indices))) for mask in made.masks]
    ties += [names(sorted({str(index), *_indices(ends)})) for index, ends in made.ranges.items()]
    needs = [
        f"({written(one.left)} {_RELATIONS.get(one.relation, one.relation)} {written(one.right)})"
        for one in made.requirements
    ] or ["True"]
    ranges = [
        f"({quoted(index)}, {names(sorted(_indices(ends)))}, fun at_ => {_at(low, written)}, fun at_ => {_at(high, written)})"
        for index, ends in made.ranges.items()
        for low, high in [ends]
    ]
    whole = [f"({over}, {under})" for over, under in written.exact]
    body, asked = ";\n     ".join(lines), " /\\ ".join(needs)
    text = (
        f"Equation {names(layer.input_names)} {names(layer.buffers)}\n    [{body}]\n"
        f"    {quoted(instance.root)} {quoted(clock)} {listing(bounds)} {listing(ranges)} {listing(ties)} {listing(declared)}\n    {listing(whole)} ({asked})"
    )
    return text, [listing(size.name for size in shape) for shape in generic]


def _places(instance: Instance) -> dict[str, Any]:
    """How many places there are to select, for the tensors that hold selected ones."""
    found = {}
    for number, statement in enumerate(instance.statements):
        value = statement.value
        if isinstance(value, Select) and value.operation in PLACES and len(value.indices) == 1:
            found[statement.target] = instance.extents[number][value.indices[0]]
    return found


def _clock(layer: Layer, instance: Instance) -> str:
    """The index along which a recurrence runs, the same for all; an empty name where there is none."""
    running = {index for one in instance.recurrent.values() for index in one.running}
    if instance.own_ranges or instance.given:
        raise refused(layer, "lines of their own give the first steps of a recurrence")
    if len(running) > 1 or any(one.down for one in instance.recurrent.values()):
        raise refused(layer, "it has a recurrence along several indices, or one that runs down")
    return str(next(iter(running), ""))


def _at(size: Any, written: Written) -> str:
    """What is computed of indices, at the point ``at_``."""
    inner = Written(())
    inner.names = written.names | {
        index: f"(at_ {quoted(index)})" for index in size.free_symbols if isinstance(index, Index)
    }
    text = inner(size)
    if inner.exact:
        raise UnsupportedError(f"certificates have no quotients of indices that are not rounded, as in {size}")
    return text


def _indices(sizes: Sequence[Any]) -> set[str]:
    """The indices on which they depend."""
    return {str(index) for size in sizes for index in size.free_symbols if isinstance(index, Index)}


def _line(layer: Layer, statement: Statement, instance: Instance, written: Written) -> str:
    if statement.scatters:
        raise refused(layer, "a line writes at places that are looked up")
    indices = names(all_indices(statement))
    value = statement.value
    if isinstance(value, Pad):
        margins = listing(f"({written(before)}, {written(after)})" for before, after in value.widths)
        fill = [] if isinstance(value.fill, Constant) else [value.fill]
        filled = listing(f"({quoted(one.tensor)}, {_place(layer, one.address, written)})" for one in fill)
        return (
            f"Pad {names(statement.address)} {quoted(statement.target)} {margins} {quoted(value.body.tensor)} {filled}"
        )
    place = _place(layer, statement.address, written)
    return f"Line {indices} {quoted(statement.target)} {place}\n       ({_head(layer, value, written)})"


def _place(layer: Layer, address: Sequence[Address], written: Written) -> str:
    return listing(_address(layer, part, written) for part in address)


def _address(layer: Layer, part: Address, written: Written) -> str:
    if isinstance(part, Index):
        return f"At {quoted(part)}"
    if isinstance(part, Group):
        return f"Group {names(part.parts)}"
    if isinstance(part, Read):
        if not all(isinstance(inner, Index) for inner in part.address):
            raise refused(layer, "a lookup's place is itself computed")
        rows = written.lookups.get(part.tensor)
        if rows is None:
            raise refused(layer, f"where does not say how many values {part.tensor} can take")
        return f"Chosen {written(rows)} {quoted(part.tensor)} {names(part.address)}"
    form = affine(part)
    if form is None:
        return f"Computed {names(sorted(_indices([part])))} (fun at_ => {_at(part, written)})"
    steps = listing(f"({written(step)}, {quoted(index)})" for index, step in form[0].items())
    return f"Affine {written(form[1])} {steps}"


def _head(layer: Layer, head: Head, written: Written) -> str:
    def several(name: str, parts: Sequence[Head]) -> str:
        return f"{name} [{'; '.join(_head(layer, part, written) for part in parts)}]"

    if isinstance(head, Constant):
        sign = head.literal and abs(head.value) == 1
        return f"Number {'true' if sign else 'false'} []"
    if isinstance(head, IndexValue):
        return f"Number false {names(sorted(map(str, free_indices(head))))}"
    if isinstance(head, Read):
        return f"Read {quoted(head.tensor)} {_place(layer, head.address, written)}"
    if isinstance(head, Plus):
        return several("Plus", head.terms)
    if isinstance(head, Times):
        return several("Times", head.factors)
    if isinstance(head, Apply):
        if head.function == "power" and isinstance(exponent := head.arguments[1], Constant):
            if exponent.value.is_integer and exponent.value.is_positive:
                return f"Power {written(exponent.value)} ({_head(layer, head.arguments[0], written)})"
        return several("Function", head.arguments)
    if isinstance(head, Reduce):
        return f"Reduce {_REDUCTIONS[head.operation]} {names(head.indices)} ({_head(layer, head.body, written)})"
    if isinstance(head, Select):
        ranked = f"Number false {names(sorted(_indices([head.rank])))}"
        return f"Reduce Extremum {names(head.indices)} (Function [{_head(layer, head.body, written)}; {ranked}])"
    if isinstance(head, Softmax):
        return f"Softmax {names(head.indices)} ({_head(layer, head.body, written)})"
    raise refused(layer, f"certificates have no head of kind {type(head).__name__}")


def table(instance: Instance, written: Written) -> str:
    """What is known of a layer at given sizes, for Coq to compare with what follows from its equation."""

    def entry(name: str, sizes: Sequence[Any]) -> str:
        return f"({quoted(name)}, {listing(map(written, sizes))})"

    known = [entry(name, shape) for name, shape in zip(instance.layer.input_names, instance.inputs)]
    held: dict[str, str] = {}
    spans = []
    for place, statement in enumerate(instance.statements):
        known.append(entry(statement.target, instance.shapes[statement.target]))
        for read in statement.reads:
            if instance.roles[read.tensor] in ("weight", "buffer"):
                held.setdefault(read.tensor, entry(read.tensor, instance.shapes[read.tensor]))
        order = statement.address if isinstance(statement.value, Pad) else all_indices(statement)
        extents = instance.extents[place]
        spans.append(listing(f"({quoted(i)}, {written(extents[i])})" for i in order))  # type: ignore[index]
    return f"(Table {listing(known)}\n    {listing(held.values())}\n    {listing(spans)})"
