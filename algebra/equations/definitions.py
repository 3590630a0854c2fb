"""What each tensor of an equation is, and which statements make up its recurrences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..errors import EquationError
from ..records import dataclass
from ..sizes.dims import Index
from .heads import IndexValue, Read, Select, address_indices, free_indices, walk
from .initial_lines import require_states
from .recurrences import Recurrence, find_recurrences
from .requirements import Requirements
from .statements import Statement


@dataclass(frozen=True)
class Definitions:
    """The role of every tensor, the statement that defines it, and the recurrences.

    `indices[k]` are the indices of statement k; `recurrent` maps the number of a statement to its recurrence.
    """

    roles: Mapping[str, str]
    places: Mapping[str, int]
    indices: Sequence[Sequence[Index]]
    recurrent: Mapping[int, Recurrence]


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
    indices = [all_indices(statement) for statement in statements]
    recurrent = find_recurrences(statements, places, requirements)
    require_states(statements, places, recurrent, requirements)
    return Definitions(roles, places, indices, recurrent)


def all_indices(statement: Statement) -> list[Index]:
    """The indices of a line."""
    found: dict[Index, None] = {}
    for part in statement.address:
        for index in address_indices(part):
            found[index] = None
    for head in walk(statement.value):
        for index in (
            *getattr(head, "indices", ()),
            *(free_indices(head) if isinstance(head, (Read, IndexValue, Select)) else ()),
        ):
            found[index] = None
    return sorted(found, key=lambda index: index.name)
