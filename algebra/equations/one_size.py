"""What an equation asks the size of has one size: the lines in which its letter stands agree on it.

A letter may run over as many values as each line says, since a line that determines an extent needs no other; but ``size(c)`` says nothing of
the line that it means.
"""

from __future__ import annotations

from ..errors import EquationError
from ..sizes.dims import Index
from ..sizes.normal_form import simplify
from .extents import Extents
from .heads import Pad
from .requirements import Requirements
from .scalars import sized
from .statements import Elaborated, Statement


def require_one_size(made: Elaborated, found: Extents, requirements: Requirements) -> None:
    """Refuse ``size(c)`` where two lines give `c` different extents."""
    for name in sized(requirements.layer.parsed):
        extents = [
            (statement, simplify(extent))
            for statement, of in zip(made.statements, found.of)
            for index, extent in of.items()
            if index.name == name and not _is_padded(index, statement, found)
        ]
        for statement, extent in extents[1:]:
            first, other = extents[0]
            if simplify(extent - other) != 0:
                raise requirements.error(
                    f"size({name}) is asked for, and {name} has {other} values in the line of {first.target} and {extent} in that of "
                    f"{statement.target}; take another letter in one of them, or write size({requirements.layer.input_names[0]}, 0) for an axis "
                    "of an input",
                    statement, EquationError,
                )  # fmt: skip


def _is_padded(index: Index, statement: Statement, found: Extents) -> bool:
    """Whether an index runs over a margin in this line, and over what is inside of it elsewhere."""
    margins = found.margins.get(statement.target, ())
    return isinstance(statement.value, Pad) and any(
        margin is not None and part == index for part, margin in zip(statement.address, margins)
    )
