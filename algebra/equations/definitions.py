"""What each tensor of an equation is, and which statements make up its recurrences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..errors import EquationError
from ..sizes.dims import Index
from .affine import is_recurrent_address
from .heads import Read, address_indices, free_indices, reads, walk
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
        for read in reads(statement.value):
            roles.setdefault(read.tensor, "buffer" if read.tensor in requirements.layer.buffers else "weight")
    indices = [_all_indices(statement) for statement in statements]
    return Definitions(roles, places, indices, _recurrences(statements, places, requirements))


def _all_indices(statement: Statement) -> list[Index]:
    found: dict[Index, None] = {}
    for part in statement.address:
        for index in address_indices(part):
            found[index] = None
    for head in walk(statement.value):
        for index in (*getattr(head, "indices", ()), *(free_indices(head) if isinstance(head, Read) else ())):
            found[index] = None
    return sorted(found, key=lambda index: index.name)


def _recurrences(
    statements: Sequence[Statement], places: Mapping[str, int], requirements: Requirements
) -> dict[int, tuple[int, int, Index]]:
    spans: list[tuple[int, int, Index]] = []
    for place, statement in enumerate(statements):
        for read in reads(statement.value):
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
    while spans:
        first, last, index = spans.pop()
        for other in [span for span in spans if span[0] <= last and first <= span[1]]:
            spans.remove(other)
            first, last = min(first, other[0]), max(last, other[1])
            if other[2] != index:
                raise requirements.error(
                    "two recurrences that cross must share their index", statements[first], EquationError
                )
        for place in range(first, last + 1):
            found[place] = (first, last, index)
            if any(index in getattr(head, "indices", ()) for head in walk(statements[place].value)):
                raise requirements.error(
                    f"a recurrence along {index} cannot reduce over {index}, which it takes step by step; give the "
                    "reduction another letter, or a line of its own before", statements[place], EquationError,
                )  # fmt: skip
    return found
