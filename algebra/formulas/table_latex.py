r"""Tables as LaTeX, with the rules of booktabs: formulas in math mode, cells that may be broken, pages too.

>>> from layeralgebra import dims
>>> from layeralgebra.algebra.formulas.table import Table
>>> print(table_latex(Table(("layer", "parameters"), (("first", 3*dims("c")),))))
\begingroup\small\centering
\begin{tabular}{@{}ll@{}}
\toprule
layer & parameters \\
\midrule
first & $3 c$ \\
\bottomrule
\end{tabular}\par\endgroup
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sympy import Add, Basic, Tuple

from .cells import Marked, Rows, fitted, leading_part
from .forms import SHORTEST, Form
from .latex import escaped, flat_latex, formula_latex, summands_latex, visible_length
from .records import writes_itself

SIZES = (("small", 90, 1.0), ("footnotesize", 99, 0.9), ("scriptsize", 110, 0.8))
"""Sizes of type, about how many characters of each stand on a line of 160 mm, and how high a line is."""
WORTH = 0.92
"""A smaller size is taken where it makes the table this much shorter."""
LONGEST_TABULAR = 24
GAP = 2


def table_latex(table: Rows, form: Form = SHORTEST) -> str:
    """A table; needs the packages array, booktabs and longtable.

    A narrow and short table is a ``tabular``; else it is a ``longtable`` with columns of fixed width, which one run of
    LaTeX sets right.
    """
    cells = [[cell_latex(cell, form) for cell in row] for row in table.rows]
    natural = [max(visible_length(_shown(text)) for text in column) for column in zip(table.columns, *cells)]
    least = [max(_longest_piece(text) for text in column) for column in zip(table.columns, *cells)]
    gaps = GAP * (len(natural) - 1)
    size, room = _size(cells, natural, least, gaps)
    broken = sum(natural) + gaps > room
    short = not broken and len(cells) <= LONGEST_TABULAR
    shape = "l" * len(natural) if short else _paragraphs(fitted(natural, least, room - gaps), room)
    header = [r"\toprule", f"{' & '.join(map(escaped, table.columns))} \\\\", r"\midrule"]
    rows = []
    for place, row in enumerate(cells):
        if table.last and place == len(cells) - table.last:
            rows.append(r"\midrule")
        elif broken and place:
            rows.append(r"\addlinespace[2pt]")
        rows.append(f"{' & '.join(row)} \\\\")
    lines = [rf"\begingroup\{size}" + (r"\centering" if short else r"\setlength{\tabcolsep}{4pt}")]
    if table.title:
        lines.append(rf"\textbf{{{escaped(table.title)}}}\par\smallskip")
    if short:
        lines += [
            rf"\begin{{tabular}}{{@{{}}{shape}@{{}}}}",
            *header,
            *rows,
            r"\bottomrule",
            r"\end{tabular}\par\endgroup",
        ]
    else:
        lines += [
            rf"\begin{{longtable}}[l]{{@{{}}{shape}@{{}}}}",
            *header,
            r"\endhead",
            r"\bottomrule",
            r"\endlastfoot",
            *rows,
        ]
        lines += [r"\end{longtable}", r"\endgroup"]
    lines += [rf"{{\footnotesize {escaped(note)}\par}}" for note in table.notes]
    return "\n".join(lines)


def _size(cells: Sequence[Sequence[str]], natural: Sequence[int], least: Sequence[int], gaps: int) -> tuple[str, int]:
    """The size of type: the largest in which nothing is broken, or else one that keeps the table short."""
    for size, room, _ in SIZES:
        if sum(natural) + gaps <= room:
            return size, room
    possible = [entry for entry in SIZES if sum(least) + gaps <= entry[1]] or [SIZES[-1]]
    if len(cells) <= LONGEST_TABULAR:  # the smallest size only where a table would fill pages
        possible = [entry for entry in possible if entry is not SIZES[-1]] or possible
    chosen, shortest = possible[0], float("inf")
    for entry in possible:
        widths = fitted(natural, least, entry[1] - gaps)
        lines = sum(max(-(-visible_length(_shown(text)) // width) for text, width in zip(row, widths)) for row in cells)
        if lines * entry[2] < WORTH * shortest:
            chosen, shortest = entry, lines * entry[2]
    return chosen[0], chosen[1]


def _paragraphs(widths: Sequence[int], room: int) -> str:
    """Columns of fixed widths, in parts of the line."""
    whole = max(room, sum(widths) + GAP * (len(widths) - 1))
    return "".join(rf">{{\raggedright\arraybackslash}}p{{{width / whole:.3f}\linewidth}}" for width in widths)


def cell_latex(cell: Any, form: Form = SHORTEST) -> str:
    """One cell, for text mode; sums and tuples may be broken between their parts."""
    if isinstance(cell, Marked):
        return cell.latex
    if isinstance(cell, str):
        return _breakable(escaped(cell))
    if writes_itself(cell):
        return f"${formula_latex(cell, form)}$".replace(", ", r", \allowbreak ")
    cell = leading_part(cell)
    if isinstance(cell, (tuple, list, Tuple)):
        inside = [flat_latex(part, form) if isinstance(part, Basic) else formula_latex(part, form) for part in cell]
        ending = "{,}" if len(inside) == 1 else ""
        return "$(" + r", \allowbreak ".join(inside) + f"{ending})$"
    if isinstance(cell, Add):
        return f"${' '.join(summands_latex(cell, flat=True, form=form))}$"
    return f"${formula_latex(cell, form)}$"


def _breakable(text: str) -> str:
    """A path such as ``5.0.1`` may be broken at its dots."""
    return re.sub(r"(?<=[\w\]])\.(?=\w)", r".\\allowbreak{}", text) if re.fullmatch(r"[\w.\[\]\\+() ]+", text) else text


def _shown(text: str) -> str:
    """What takes up space: in mathematics, blanks do around signs only."""
    shown = text.replace(r"\allowbreak{}", "").replace(r"\allowbreak ", "")
    if text.startswith("$"):
        shown = re.sub(r"(\\[A-Za-z]+) ", r"\1{}", shown)
        shown = re.sub(r"(?<![-+=,]) (?![-+=])", "", shown)
    return shown.replace("$", "")


def _longest_piece(text: str) -> int:
    """The length of the longest part of a cell that LaTeX does not break: signs between brackets hold."""
    pieces, depth = [""], 0
    mathematics = text.startswith("$")
    words = re.split(r"\\allowbreak(?:\{\})?|( )", text)
    for word in words:
        if word is None or not mathematics:
            pieces.append(word or "")
            continue
        depth += sum(word.count(bracket) for bracket in "({") - sum(word.count(bracket) for bracket in ")}")
        if word in ("+", "-", r"\to") and depth <= 1 - (not text.startswith("$(")):
            pieces.append("")
        elif word.endswith(",") and r"\allowbreak" in text:
            pieces[-1] += word
            pieces.append("")
        else:
            pieces[-1] += word
    return max(visible_length(_shown(piece)) for piece in pieces)
