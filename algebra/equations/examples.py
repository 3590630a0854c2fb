"""Several examples at once: what depends on an example is computed for each of them, what does not once for all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from sympy import Expr, Integer

from ..sizes.dims import Index
from .definitions import all_indices
from .heads import Address, Head, Pad, Plus, Read, Reduce, rebuilt
from .instance import Instance
from .work import Work, work

EXAMPLE = Index("number of the example")
"""No name that an equation can have."""


def drawn(instance: Instance) -> frozenset[str]:
    """The buffers that training draws anew for every example."""
    layer: Any = instance.layer
    return frozenset(layer.drawn)


def made_of(tensors: Iterable[str], instance: Instance) -> frozenset[str]:
    """These tensors and all that are computed from them."""
    found, before = set(tensors), -1
    while len(found) != before:
        before = len(found)
        for place, statement in enumerate(instance.statements):
            if not found.isdisjoint(instance.read_by(place)):
                found.add(statement.target)
    return frozenset(found)


def of_examples(instance: Instance, inputs: Iterable[str]) -> frozenset[str]:
    """The tensors of which every example has its own, where it has these of the inputs."""
    return made_of({*inputs, *drawn(instance)}, instance)


def with_examples(
    instance: Instance, tensors: frozenset[str], number: Expr, added: Mapping[int, tuple[Head, ...]] | None = None
) -> Instance:
    """The same lines for so many examples: one index more of these tensors; over it, `added` are the terms of a line that are summed."""

    def address_of(address: tuple[Address, ...], tensor: str) -> tuple[Address, ...]:
        inside = tuple(read(part) if isinstance(part, Read) else part for part in address)
        return (*inside, EXAMPLE) if tensor in tensors else inside

    def read(one: Read) -> Read:
        return Read(one.tensor, address_of(one.address, one.tensor))

    def head(one: Head) -> Head:
        made = rebuilt(one, read, part=head)
        if isinstance(made, Pad) and made.body.tensor in tensors:
            return replace(made, widths=(*made.widths, (Integer(0), Integer(0))))
        return made

    def term(one: Head, is_added: bool) -> Head:
        made = head(one)
        if not is_added:
            return made
        if isinstance(made, Reduce) and made.operation == "sum":
            return replace(made, indices=(*made.indices, EXAMPLE))
        return Reduce("sum", (EXAMPLE,), made)

    statements, extents = [], []
    for place, statement in enumerate(instance.statements):
        summed = (added or {}).get(place, ())
        terms = statement.value.terms if isinstance(statement.value, Plus) else (statement.value,)
        made = tuple(term(one, one in summed) for one in terms)
        line = replace(
            statement, address=address_of(statement.address, statement.target),
            value=Plus(made) if isinstance(statement.value, Plus) else made[0],
        )  # fmt: skip
        statements.append(line)
        own = {EXAMPLE: number} if EXAMPLE in all_indices(line) else {}
        extents.append({**instance.extents[place], **own})
    shapes = {name: (*shape, number) if name in tensors else shape for name, shape in instance.shapes.items()}
    elaborated = replace(instance.elaborated, statements=statements)
    return replace(instance, elaborated=elaborated, extents=extents, shapes=shapes)


@lru_cache(maxsize=20_000)
def work_of_examples(instance: Instance, inputs: frozenset[str], number: Expr) -> Work:
    """The work of a layer on so many examples, of which each has these of the inputs to itself."""
    if number == 1 or instance.layer.opaque:
        return work(instance)
    return work(with_examples(instance, of_examples(instance, inputs), number))
