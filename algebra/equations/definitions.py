"""What each tensor of an equation is, and which statements make up its recurrences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..errors import EquationError
from ..sizes.dims import Index
from .affine import is_recurrent_address
from .heads import Group, IndexValue, Pad, Read, Select, address_indices, free_indices, walk
from .requirements import Requirements
from .statements import Statement


@dataclass(frozen=True)
class Definitions:
    """The role of every tensor, the statement that defines it, and the recurrences.

    `indices[k]` are the indices of statement k; `recurrent` maps the number of a statement to the numbers of the first and the last
    statement of its recurrence and the running index.
    """

    roles: Mapping[str, str]
    places: Mapping[str, int]
    indices: Sequence[Sequence[Index]]
    recurrent: Mapping[int, tuple[int, int, Index]]


def definitions(statements: Sequence[Statement], requirements: Requirements) -> Definitions:
    """What the statements of a layer define."""
    places: dict[str, int] = {}
    roles = {name: "input" for name in requirements.layer.input_names}
    for place, statement in enumerate(statements):
        if statement.target in places:
            raise requirements.error(f"{statement.target} is defined twice", statement, EquationError)
        places[statement.target] = place
        roles[statement.target] = "defined"
    for statement in statements:
        for read in statement.reads:
            roles.setdefault(read.tensor, "buffer" if read.tensor in requirements.layer.buffers else "weight")
    indices = [_all_indices(statement) for statement in statements]
    return Definitions(roles, places, indices, _recurrences(statements, places, requirements))


def _all_indices(statement: Statement) -> list[Index]:
    found: dict[Index, None] = {}
    for part in statement.address:
        for index in address_indices(part):
            found[index] = None
    for head in (*statement.reads, *walk(statement.value)):
        for index in (
            *getattr(head, "indices", ()),
            *(free_indices(head) if isinstance(head, (Read, IndexValue, Select)) else ()),
        ):
            found[index] = None
    return sorted(found, key=lambda index: index.name)


def _recurrences(
    statements: Sequence[Statement], places: Mapping[str, int], requirements: Requirements
) -> dict[int, tuple[int, int, Index]]:
    spans: list[tuple[int, int, Index]] = []
    for place, statement in enumerate(statements):
        for read in statement.reads:
            defined = places.get(read.tensor)
            if defined is None or defined < place:
                continue
            own = statements[defined].address
            running = [o for a, o in zip(read.address, own) if isinstance(o, Index) and is_recurrent_address(a, o)]
            if len(running) != 1 or len(own) != len(read.address):
                raise requirements.error(
                    f"{read.tensor} is read before it is defined; only an earlier step of a running index can be "
                    f"read there, as in {read.tensor}[t-1]", statement, EquationError,
                )  # fmt: skip
            spans.append((place, defined, running[0]))
    found: dict[int, tuple[int, int, Index]] = {}
    for first, last, index in _merged(spans, statements, requirements):
        for place in range(first, last + 1):
            found[place] = (first, last, index)
            _check_step(statements, places, place, (first, last, index), requirements)
    return found


def _merged(
    spans: Sequence[tuple[int, int, Index]], statements: Sequence[Statement], requirements: Requirements
) -> list[tuple[int, int, Index]]:
    """Recurrences that share a statement are one."""
    found: list[tuple[int, int, Index]] = []
    for first, last, index in sorted(spans, key=lambda span: span[:2]):
        if not found or first > found[-1][1]:
            found.append((first, last, index))
            continue
        if found[-1][2] != index:
            raise requirements.error(
                "two recurrences that cross must share their index", statements[first], EquationError
            )
        found[-1] = (found[-1][0], max(last, found[-1][1]), index)
    return found


def _check_step(
    statements: Sequence[Statement],
    places: Mapping[str, int],
    place: int,
    span: tuple[int, int, Index],
    requirements: Requirements,
) -> None:
    """One statement of a recurrence can be computed step by step."""
    first, last, running = span
    statement = statements[place]

    def fail(problem: str) -> Exception:
        return requirements.error(problem, statement, EquationError)

    if statement.scatters:
        raise fail(f"a recurrence along {running} scatters; give that a line of its own before or behind it")
    if any(running in getattr(head, "indices", ()) for head in walk(statement.value)):
        raise fail(
            f"a recurrence along {running} cannot reduce over {running}, which it takes step by step; give the "
            "reduction another letter, or a line of its own before"
        )
    if any(running in address_indices(part) and part != running for part in statement.address):
        raise fail(f"a recurrence along {running} has a line whose left side does not stand at {running} alone")
    if isinstance(statement.value, Pad):
        body = statement.value.body
        if any(part == running and widths != (0, 0) for part, widths in zip(body.address, statement.value.widths)):
            raise fail(
                f"a recurrence along {running} cannot put a margin along {running}; pad a tensor before or behind it"
            )
    for read in statement.reads:
        defined = places.get(read.tensor, -1)
        if first <= defined <= last and running not in statement.address:
            raise fail(
                f"{statement.target} is defined within the recurrence along {running}, reads {read.tensor} of it and has no "
                f"{running} itself; write {statement.target}[{running}, ...] or move the line out of it"
            )
        own = statements[defined].address if first <= defined <= last else ()
        for part, of in zip(read.address, own):
            if of == running and isinstance(part, (Group, Read)):
                raise fail(
                    f"{read.tensor} is read within its recurrence at a step that is not known to be an earlier one"
                )
