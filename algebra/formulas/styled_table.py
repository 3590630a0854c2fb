"""Tables in a style: as wide as a column, folded where they are wider, in pieces that fit on a page.

A table whose columns fit side by side is a ``tabular``; one that is too wide is set in both columns (``table*``) where the style says so, or its
wide columns are broken, or, where not even that fits, every row is a small paragraph with the names of the columns.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sympy import Basic, Expr, Tuple

from ..typesetting.displays import CAUTIOUS, in_text
from ..typesetting.lines import broken
from ..typesetting.measured import text_width
from ..typesetting.style import Style
from .cells import Marked, Rows, leading_part
from .forms import Form
from .latex import escaped, flat_latex, formula_latex
from .numbers_latex import column_format, number_latex, scaled
from .records import writes_itself

SMALL = 9.0
"""The size of type in tables, in points."""
GAP = 10.0
"""Between two columns, in points."""
ROWS_PER_PAGE = 34
"""Of a tabular, so that it is never higher than what is left of a page of any of the formats."""
ROWS_PER_SLIDE = 11
APART = 0.25
"""Between two rows of which one may have several lines, in lines."""
LEAST = 34.0


def styled_table(table: Rows, form: Form, style: Style) -> str:
    """The LaTeX of a table in a style."""
    made = _Styled(table, form, style)
    return made.text()


class _Styled:
    def __init__(self, table: Rows, form: Form, style: Style):
        self.table, self.form, self.style = table, form, style
        columns = range(len(table.columns))
        self.numeric = [self.is_numeric(place) for place in columns]
        self.heads = [self.head(place) for place in columns]
        self.cells = [[self.cell(row, place) for place in columns] for row in table.rows]

    def is_numeric(self, place: int) -> bool:
        values = [leading_part(row[place]) for row in self.table.rows]
        return (
            bool(values)
            and all(scaled(value, "", self.style) is not None or value == "" for value in values)
            and any(value != "" for value in values)
        )

    def head(self, place: int) -> str:
        title = self.table.columns[place]
        prefix = self.style.units.get(title, "")
        named = escaped(title[:1].upper() + title[1:])
        return named + (rf" ({prefix})" if prefix and self.numeric[place] else "")

    def cell(self, row: Sequence[Any], place: int) -> str:
        content, title = row[place], self.table.columns[place]
        if self.numeric[place]:
            value = leading_part(content)
            if value == "":
                return ""
            if self.style.siunitx:
                number = scaled(value, title, self.style)
                text = f"{number:f}"
                return rf"\bfseries {text}" if self.is_best(value, place) else text
            text = number_latex(value, title, self.style)
            return rf"$\mathbf{{{text}}}$" if self.is_best(value, place) else f"${text}$"
        return self.written(content)

    def is_best(self, value: Any, place: int) -> bool:
        which = self.style.best.get(self.table.columns[place])
        if which is None:
            return False
        rows = self.table.rows[: len(self.table.rows) - self.table.last]
        values = [leading_part(row[place]) for row in rows if leading_part(row[place]) != ""]
        return bool(value == (min(values) if which == "least" else max(values)))

    def written(self, content: Any) -> str:
        """A cell that is no number, for text mode, on one line."""
        if isinstance(content, Marked):
            return content.latex
        if isinstance(content, str):
            return escaped(content)
        if writes_itself(content):
            return f"${formula_latex(content, self.form)}$"
        content = leading_part(content)
        if isinstance(content, (tuple, list, Tuple)):
            return f"${self.size(content)}$"
        return f"${formula_latex(content, self.form)}$"

    def size(self, shape: Sequence[Any]) -> str:
        """A shape as its sizes with crosses between them."""
        parts = [
            flat_latex(part, self.form) if isinstance(part, Basic) else formula_latex(part, self.form) for part in shape
        ]
        if len(parts) == 1:
            return parts[0]
        sums = [isinstance(part, Expr) and part.is_Add for part in shape]
        return r" \times ".join(f"({text})" if is_sum else text for text, is_sum in zip(parts, sums))

    # shapes of tables ----------------------------------------------------------------------------------------------------

    def text(self) -> str:
        natural = [
            max(text_width(text, SMALL) for text in (self.heads[place], *(row[place] for row in self.cells)))
            for place in range(len(self.heads))
        ]
        room = self.style.points * CAUTIOUS
        gaps = GAP * (len(natural) - 1)
        if sum(natural) + gaps <= room:
            return self.tabular(self.simple(), self.cells)
        if self.style.span and sum(natural) + gaps <= self.style.page_points * CAUTIOUS:
            return self.tabular(self.simple(), self.cells, star=True)
        widths = self.widths(natural, room - gaps)
        if widths is not None:
            shape = "".join(
                ("r" if numeric else "l") if wide >= own else rf">{{\raggedright\arraybackslash}}p{{{wide:.1f}pt}}"
                for wide, own, numeric in zip(widths, natural, self.numeric)
            )
            cells = [
                [self.folded(text, wide) if wide < own else text for text, wide, own in zip(row, widths, natural)]
                for row in self.cells
            ]
            if all(cell is not None for row in cells for cell in row):
                made = [[cell or "" for cell in row] for row in cells]
                heights = [APART + max(map(lines_of, row, widths)) for row in made]
                if max(heights, default=0.0) <= self.most_lines:
                    return self.tabular(shape, made, heights=heights)
        return self.paragraphs()

    def simple(self) -> str:
        shape = ""
        for place, numeric in enumerate(self.numeric):
            values = [leading_part(row[place]) for row in self.table.rows]
            shape += (
                "l"
                if not numeric
                else column_format(values, self.table.columns[place], self.style)
                if self.style.siunitx
                else "r"
            )
        return shape

    def widths(self, natural: Sequence[float], room: float) -> list[float] | None:
        """Widths that fit: the widest columns give way, numbers do not."""
        found = list(natural)
        least = [own if numeric else min(own, max(LEAST, 0.12 * room)) for own, numeric in zip(natural, self.numeric)]
        while sum(found) > room:
            giving = [place for place in range(len(found)) if found[place] > least[place]]
            if not giving:
                return None
            widest = max(giving, key=lambda place: found[place])
            found[widest] = max(least[widest], found[widest] - 5)
        return found

    def folded(self, text: str, width: float) -> str | None:
        """A cell on lines of a width; None if it has a part that is wider."""
        if text_width(text, SMALL) <= width:
            return text
        if text.startswith("$") and text.endswith("$") and text.count("$") == 2:
            lines = broken(text[1:-1], width * 0.97 * 10 / SMALL)
            if any(text_width(f"${line}$", SMALL) > width + 4 for line in lines):
                return None
            return r"\newline ".join(f"${line}$" for line in lines)
        if "$" in text:  # signs between words, each by itself
            return text if all(text_width(word, SMALL) <= width for word in text.split(" ")) else None
        words = text.replace(".", r".\allowbreak{}").replace(r"\_", r"\_\allowbreak{}").replace(" ", " ")
        longest = max(
            (text_width(word, SMALL) for part in words.split(" ") for word in part.split(r"\allowbreak{}")), default=0
        )
        return None if longest > width else words

    def tabular(
        self, shape: str, cells: Sequence[Sequence[str]], star: bool = False, heights: Sequence[float] | None = None
    ) -> str:
        """The rows as tabulars; those of several lines, whose `heights` are given in lines, stand apart."""
        heads = [
            f"{{{head}}}" if numeric and self.style.siunitx else head for head, numeric in zip(self.heads, self.numeric)
        ]
        header = [r"\toprule", f"{' & '.join(heads)} \\\\", r"\midrule"]
        rows = []
        for place, row in enumerate(cells):
            rule = [r"\midrule"] if self.table.last and place == len(cells) - self.table.last else []
            space = [r"\addlinespace[2pt]"] if heights is not None and place and not rule else []
            rows.append("\n".join([*rule, *space, f"{' & '.join(row)} \\\\"]))
        if self.style.longtable and len(rows) > ROWS_PER_PAGE:
            return "\n".join([
                r"\begingroup\small\setlength{\tabcolsep}{5pt}", *self.title(),
                rf"\begin{{longtable}}[l]{{@{{}}{shape}@{{}}}}", *header, r"\endhead", r"\bottomrule", r"\endlastfoot", *rows,
                r"\end{longtable}", r"\endgroup", *self.notes(),
            ])  # fmt: skip
        pages = self.pages(rows, [1.0] * len(rows) if heights is None else heights)
        found = []
        for number, page in enumerate(pages):
            tabular = "\n".join(
                [rf"\begin{{tabular}}{{@{{}}{shape}@{{}}}}", *header, *page, r"\bottomrule", r"\end{tabular}"]
            )
            last = self.notes() if number == len(pages) - 1 else []
            inner = rf"\small\setlength{{\tabcolsep}}{{{GAP / 2:.0f}pt}}"
            if self.table.title or star:
                more = "" if number == 0 else " (continued)"
                caption = [rf"\caption{{{escaped(self.table.title)}{more}}}"] if self.table.title else []
                environment = "table*" if star else "table"
                where = "" if star else "[h]"
                found.append(
                    "\n".join(
                        [
                            rf"\begin{{{environment}}}{where}\centering{inner}",
                            *caption,
                            tabular,
                            *last,
                            rf"\end{{{environment}}}",
                        ]
                    )
                )
            else:
                found.append("\n".join([rf"\par\noindent\begingroup{inner}", tabular + r"\par\endgroup", *last]))
        return "\n".join(found)

    def pages(self, rows: Sequence[str], heights: Sequence[float]) -> list[list[str]]:
        """Rows in pieces that are no higher than a page."""
        found: list[list[str]] = [[]]
        height = 0.0
        for row, own in zip(rows, heights, strict=True):
            if found[-1] and height + own > self.most_lines:
                found.append([])
                height = 0.0
            found[-1].append(row)
            height += own
        return found

    @property
    def most_lines(self) -> int:
        """How many lines a tabular may have."""
        return ROWS_PER_PAGE if self.style.width != "slides" else ROWS_PER_SLIDE

    def title(self) -> list[str]:
        return [rf"\textbf{{{escaped(self.table.title)}}}\par\smallskip"] if self.table.title else []

    def notes(self) -> list[str]:
        return [rf"{{\footnotesize {escaped(note)}\par}}" for note in self.table.notes]

    def paragraphs(self) -> str:
        """Every row as a paragraph: the first cell, then the names of the columns with their values."""
        found = [r"\begingroup\small\raggedright\hbadness=10000 ", *self.title()]
        for place, row in enumerate(self.cells):
            if self.table.last and place == len(self.cells) - self.table.last:
                found.append(r"\par\smallskip\hrule\smallskip")
            name, *others = [self.flowing(text) for text in row]
            said = [
                rf"\emph{{{head}}}~{text}" if not text.startswith("$") or len(text) < 25 else rf"\emph{{{head}}} {text}"
                for head, text in zip(self.heads[1:], others)
                if text
            ]
            found.append(
                rf"\par\noindent\hangindent=1em\hangafter=1 \textbf{{{name}}}"
                + (r"\enspace " if said else "")
                + "; ".join(said)
                + "."
            )
        return "\n".join([*found, r"\par\endgroup", *self.notes()])

    def flowing(self, text: str) -> str:
        """A cell in running text."""
        if text.startswith("$") and text.endswith("$") and text.count("$") == 2:
            return in_text(text[1:-1], self.style)
        return text if "$" in text else text.replace(".", r".\allowbreak{}").replace(r"\_", r"\_\allowbreak{}")


def lines_of(text: str, width: float) -> int:
    r"""How many lines a cell of a table takes in a column of so many points, where it is not justified.

    >>> lines_of("one two three four", 40), lines_of(r"$x$\newline $+ y$", 40)
    (3, 2)
    """
    count = 0
    for paragraph in text.split(r"\newline "):
        count += 1
        if paragraph.startswith("$"):
            continue
        line = ""
        for piece in re.split(r"(?<= )|\\allowbreak\{\}", paragraph):
            if line and text_width((line + piece).rstrip(), SMALL) > width * CAUTIOUS:
                count, line = count + 1, ""
            line += piece
    return count
