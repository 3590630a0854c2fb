"""Tables of formulas: as text for a terminal, as LaTeX (booktabs), as CSV and as HTML for a notebook.

>>> from layeralgebra import dims
>>> c = dims("c")
>>> print(Table(("layer", "parameters"), (("first", 3*c), ("second", c**2 + c))))
layer   parameters
------  ----------
first   3*c
second  c**2 + c
"""

from __future__ import annotations

import csv
import html
import io
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sympy import Symbol

from ..arguments import as_integer, checked
from ..errors import FieldError
from ..records import dataclass
from ..sizes.evaluate import evaluate
from ..typesetting.style import current, typeset
from .cells import cell_text, fitted, leading_part
from .forms import SHORTEST, Form, as_form
from .records import expressions, mapped, writes_itself
from .styled_table import styled_table
from .table_latex import table_latex

NARROWEST = 8
LONGEST_LIST = 40
GAP = "  "
HARD = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class Table:
    """Rows of texts, numbers and formulas.

    Attributes
    ----------
    columns : tuple of str
    rows : tuple of tuples
        A cell is a text, a number, a formula, a tuple or record of formulas, or a network.
    title : str
    notes : tuple of str
        What a reader has to know, below the table.
    last : int
        How many rows at the end are totals, below a rule.

    Examples
    --------
    >>> table = Table(("layer", "parameters"), (("first", 3), ("second", 4)))
    >>> [row["parameters"] for row in table], table.csv()
    ([3, 4], 'layer,parameters\\nfirst,3\\nsecond,4\\n')
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    title: str = ""
    notes: tuple[str, ...] = ()
    last: int = 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (dict(zip(self.columns, row)) for row in self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __str__(self) -> str:
        return self.text()

    @checked
    def text(self, width: int = 100, form: str = "shortest", by: Any = None) -> str:
        """Columns of text; cells are wrapped where the table would be wider than `width`, and where that is not enough the columns
        stand in several blocks, each beginning with the first column.

        Parameters
        ----------
        width : int
            Characters in a line.
        form : str
            How formulas are written, as in `layeralgebra.formula_text`.
        by : Symbol or sequence of Symbol, optional

        Returns
        -------
        str

        Raises
        ------
        FieldError
            If there is no such form, or `by` does not go with it.
        """
        chosen = as_form(form, by)
        cells = [[cell_text(cell, chosen) for cell in row] for row in self.rows]
        lines = [self.title, ""] if self.title else []
        for number, group in enumerate(_groups(self.columns, cells, width)):
            lines += [""] * bool(number) + self._block(group, cells, width)
        for note in self.notes:
            lines += (
                ["", *textwrap.wrap(note, width, subsequent_indent="  ")]
                if note == self.notes[0]
                else textwrap.wrap(note, width)
            )
        return "\n".join(line.rstrip() for line in lines)

    def _block(self, group: Sequence[int], cells: Sequence[Sequence[str]], width: int) -> list[str]:
        """The lines of some of the columns."""
        columns, cells = [self.columns[place] for place in group], [[row[place] for place in group] for row in cells]
        widths = _widths(columns, cells, width)
        right = [bool(self.rows) and all(_is_number(row[place]) for row in self.rows) for place in group]
        lines = _row_lines(columns, widths, right)
        rule = GAP.join("-" * size for size in widths)
        lines.append(rule)
        body = cells[: len(cells) - self.last]
        wrapped = any(len(_wrapped(cell, size)) > 1 for row in body for cell, size in zip(row, widths))
        for place, row in enumerate(cells):
            if self.last and place == len(cells) - self.last:
                lines.append(rule)
            elif wrapped and place:
                lines.append("")
            lines += _row_lines(row, widths, right)
        return lines

    @checked
    def latex(self, form: str = "shortest", by: Any = None, style: Any = None) -> str:
        """A ``longtable`` with the rules of booktabs, or in a `Style` what fits its width; for `layeralgebra.latex_document`."""
        with typeset(style) as chosen:
            return self._written(as_form(form, by, chosen))

    def _latex(self, printer: Any) -> str:
        return self._written(getattr(printer, "form", SHORTEST))

    def _written(self, form: Form) -> str:
        style = current()
        return table_latex(self, form) if style is None else styled_table(self, form, style)

    @checked
    def csv(self, form: str = "shortest", by: Any = None) -> str:
        """Comma-separated values with a line of column names; formulas in Python's spelling."""
        chosen = as_form(form, by)
        made = io.StringIO()
        writer = csv.writer(made, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows(
            [cell if isinstance(cell, (int, float)) else cell_text(cell, chosen) for cell in row] for row in self.rows
        )
        return made.getvalue()

    def _repr_html_(self) -> str:
        def cells(row: Sequence[Any], tag: str) -> str:
            return "".join(f"<{tag} style='text-align: left'>{html.escape(cell_text(cell))}</{tag}>" for cell in row)

        body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in self.rows)
        caption = f"<caption>{html.escape(self.title)}</caption>" if self.title else ""
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self.notes)
        return (
            f"<table>{caption}<thead><tr>{cells(self.columns, 'th')}</tr></thead><tbody>{body}</tbody></table>{notes}"
        )


def _is_number(cell: Any) -> bool:
    return isinstance(cell, (int, float)) or getattr(leading_part(cell), "is_number", False)


def _groups(columns: Sequence[str], cells: Sequence[Sequence[str]], width: int) -> list[list[int]]:
    """The columns of each block: all of them where they fit, else as many as do beside the first one."""
    everything = list(range(len(columns)))
    least = [sum(_widths([columns[place]], [[row[place]] for row in cells], 1)) for place in everything]
    if len(columns) < 3 or sum(least) + len(GAP) * (len(columns) - 1) <= width:
        return [everything]
    found: list[list[int]] = [[0]]
    for place in everything[1:]:
        if len(found[-1]) > 1 and sum(least[each] + len(GAP) for each in found[-1]) + least[place] > width:
            found.append([0])
        found[-1].append(place)
    return found


def _widths(columns: Sequence[str], cells: Sequence[Sequence[str]], width: int) -> list[int]:
    """Natural widths where they fit; else the widest give way, down to the longest piece that cannot be broken."""
    natural = [max([len(name), *(len(row[place]) for row in cells)]) for place, name in enumerate(columns)]
    room = width - len(GAP) * (len(columns) - 1)
    least = [
        min(size, max([NARROWEST, *(len(piece) for row in [columns, *cells] for piece in _pieces(row[place]))]))
        for place, size in enumerate(natural)
    ]
    if sum(least) > room:  # then products are broken as well
        least = [
            min(
                size,
                max([NARROWEST, *(len(part) for row in [columns, *cells] for part in re.split("[ *,/]", row[place]))]),
            )
            for place, size in enumerate(natural)
        ]
    return fitted(natural, least, room)


def _bound(text: str) -> str:
    """The text with blanks that must not be broken: after a sign, so that a line begins with it."""
    for sign in ("+", "-", ">>"):
        text = text.replace(f" {sign} ", f" {sign}{HARD}")
    text = text.replace(" ** ", f"{HARD}**{HARD}")
    return re.sub(r"\[(\d+) layers\]", rf"[\1{HARD}layers]", text)


def _pieces(text: str) -> list[str]:
    return _bound(text).split(" ")


def _wrapped(text: str, width: int) -> list[str]:
    """The lines of a cell: broken at blanks, before signs; a long piece at a comma or a sign of product."""
    if len(text) <= width:
        return [text]
    lines = [""]
    for piece in _pieces(text):
        if len(lines[-1]) + 1 + len(piece) <= width and lines[-1]:
            lines[-1] += f" {piece}"
            continue
        while len(piece) > width:
            cut = _cut(piece, width)
            lines, piece = [*lines, piece[:cut].strip(HARD)], piece[cut:]
        lines.append(piece)
    return [line.replace(HARD, " ") for line in lines if line] or [""]


def _cut(piece: str, width: int) -> int:
    """Where to break a piece that is too long: after a sign of product or a comma, at a bound blank, after a slash."""
    for marks in ("*,", HARD, "/"):
        places = [
            place
            for place in range(2, width + 1)
            if piece[place - 1] in marks and piece[place] != "*" and piece[place - 2 : place] != "**"
        ]
        if places:
            return places[-1]
    return width


def _row_lines(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> list[str]:
    columns = [_wrapped(cell, size) for cell, size in zip(row, widths)]
    height = max(map(len, columns))
    lines = []
    for number in range(height):
        parts = [column[number] if number < len(column) else "" for column in columns]
        lines.append(
            GAP.join(
                part.rjust(size) if flush else part.ljust(size) for part, size, flush in zip(parts, widths, right)
            ).rstrip()
        )
    return lines


def sizes(known: Iterable[Symbol], at: Mapping[Any, int]) -> dict[Symbol, int]:
    """Symbols and their values, from names or symbols; each has to be one that is known."""
    by_name = {symbol.name: symbol for symbol in known}
    found = {}
    for key, value in at.items():
        name = key.name if isinstance(key, Symbol) else str(key)
        if name not in by_name:
            raise FieldError(f"there is no symbol {name}; there are {', '.join(sorted(by_name)) or 'none'}")
        found[by_name[name]] = as_integer(value, name)
    return found


def evaluated(rows: Sequence[Sequence[Any]], known: Iterable[Symbol], at: Mapping[Any, int]) -> list[tuple[Any, ...]]:
    """Rows with every formula at given sizes."""
    values = sizes(known, at)

    def cell(content: Any) -> Any:
        if isinstance(content, str) or writes_itself(content):
            return content
        needed = {symbol for part in expressions(content) for symbol in part.free_symbols}
        if missing := sorted(symbol.name for symbol in needed - set(values)):
            raise FieldError(f"the table needs {', '.join(missing)}; pass {missing[0]}=...")
        return mapped(content, lambda part: evaluate(part, {s: values[s] for s in part.free_symbols}))

    return [tuple(map(cell, row)) for row in rows]
