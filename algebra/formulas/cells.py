"""What stands in a table: texts, numbers, formulas, records and networks, and how wide their columns are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from .forms import SHORTEST, Form
from .records import Formula, record_parts, writes_itself
from .text import text_of


class Rows(Protocol):
    """What a table is to those who write it."""

    @property
    def columns(self) -> tuple[str, ...]: ...
    @property
    def rows(self) -> tuple[tuple[Any, ...], ...]: ...
    @property
    def title(self) -> str: ...
    @property
    def notes(self) -> tuple[str, ...]: ...
    @property
    def last(self) -> int: ...


class Marked(str):
    """A text that has a form of its own in LaTeX; a function makes it when it is typeset, so that sizes have the letters of that document."""

    _made: str | Callable[[], str]

    def __new__(cls, text: str, made: str | Callable[[], str]) -> "Marked":
        self = super().__new__(cls, text)
        self._made = made
        return self

    @property
    def latex(self) -> str:
        return self._made if isinstance(self._made, str) else self._made()


def cell_text(cell: Any, form: Form = SHORTEST) -> str:
    """A cell as one line of text; of a record, its first part (the size of a receptive field)."""
    if isinstance(cell, str):
        return cell
    if writes_itself(cell):
        return str(cell)
    return text_of(leading_part(cell), form)


def leading_part(cell: Any) -> Any:
    """What a table shows of a record: its total if it has one, else its first part."""
    if isinstance(cell, Formula):
        return leading_part(cell.body)
    if hasattr(cell, "map_expressions"):
        return cell.total if hasattr(cell, "total") else record_parts(cell)[0][1]
    return cell


def fitted(natural: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Widths of columns: as they ask for where that fits; else the widest give way, down to what they need at least.

    >>> fitted([30, 10], [5, 10], 20)
    [10, 10]
    """
    widths = list(natural)
    while sum(widths) > room:
        giving = [place for place in range(len(widths)) if widths[place] > least[place]]
        if not giving:
            break
        widths[max(giving, key=lambda place: widths[place])] -= 1
    return widths
