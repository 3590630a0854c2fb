"""The lines of a backward pass put in order: copies left out, what nobody asks for left out, and as an instance that can be counted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..equations.definitions import all_indices
from ..equations.extents import Margin
from ..equations.heads import Pad, Read, address_indices
from ..equations.instance import Instance
from ..equations.recurrences import find_recurrences
from ..equations.requirements import Requirements
from ..equations.statements import Elaborated
from .letters import renamed, renamed_read
from .reverse import Program, is_plain


def pruned(program: Program, outputs: Iterable[str]) -> Program:
    """The lines on which some tensors depend, and what these read."""
    needed = set(outputs)
    by_name = {statement.target: statement for statement in program.statements}
    waiting = [name for name in needed if name in by_name]
    while waiting:
        for read in by_name[waiting.pop()].reads:
            if read.tensor not in needed:
                needed.add(read.tensor)
                waiting += [read.tensor] if read.tensor in by_name else []
    return replace(
        program, statements=[statement for statement in program.statements if statement.target in needed],
        saved={name: shape for name, shape in program.saved.items() if name in needed},
        given={name: role for name, role in program.given.items() if name in needed},
        parts={name: part for name, part in program.parts.items() if name in needed},
    )  # fmt: skip


def without_copies(program: Program, outputs: Iterable[str]) -> Program:
    """The same lines, where a tensor that is another one goes by one name."""
    kept = set(outputs)
    names: dict[str, str] = {}

    def final(name: str) -> str:
        while name in names:
            name = names[name]
        return name

    defined = {statement.target for statement in program.statements}
    dropped = set()
    for statement in program.statements:
        value = statement.value
        if not isinstance(value, Read) or value.address != statement.address or not is_plain(statement.address):
            continue
        source, target = final(value.tensor), final(statement.target)
        letters = frozenset().union(*map(address_indices, statement.address))
        bounded = any(mask.indices <= letters for mask in program.masks) or letters & set(program.ranges)
        if bounded or source == target or program.shapes[source] != program.shapes[target]:
            continue
        if target not in kept:
            names[target] = source
        elif source in defined and source not in kept:
            names[source] = target
        else:
            continue
        dropped.add(statement.target)

    statements = [
        replace(
            statement, target=final(statement.target), value=renamed(statement.value, final),
            address=renamed_read(Read(statement.target, statement.address), final).address,
        )
        for statement in program.statements if statement.target not in dropped
    ]  # fmt: skip
    return replace(
        program,
        statements=statements,
        gradients={name: final(made) for name, made in program.gradients.items()},
        learned={final(name) for name in program.learned},
    )


def instance_of(program: Program, forward: Instance, outputs: tuple[str, ...]) -> Instance:
    """The lines as an equation at its shapes, for whatever folds over such."""
    places = {statement.target: place for place, statement in enumerate(program.statements)}
    roles = {name: "input" for name in (*program.given, *program.saved)} | dict.fromkeys(places, "defined")
    margins = {
        statement.target: tuple(
            None if before.is_zero and after.is_zero else Margin(before, size)
            for (before, after), size in zip(statement.value.widths, program.shapes[statement.value.body.tensor])
        )
        for statement in program.statements if isinstance(statement.value, Pad)
    }  # fmt: skip
    letters = [all_indices(statement) for statement in program.statements]
    extents = [{index: program.extents[index] for index in here} for here in letters]
    made = Elaborated(
        list(program.statements), ranges=program.ranges, masks=list(program.masks), lookups=dict(program.rows)
    )
    recurrent = find_recurrences(program.statements, places, Requirements(forward.layer, forward.inputs))
    return replace(
        forward, elaborated=made, extents=extents, shapes=program.shapes, roles=roles, places=places, margins=margins, recurrent=recurrent,
        given={}, own_ranges={}, outputs=tuple(name for name in outputs if name in places),
    )  # fmt: skip
