r"""Rows of mathematics as displays: aligned at their first relation, broken to the width of the style, over pages too.

>>> print(aligned(["y &= x + b", r"& \text{where } b < m"]))
\begin{aligned}
y &= x + b \\
& \text{where } b < m
\end{aligned}
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from .lines import broken
from .measured import width_of
from .style import Style

INDENT = r"\quad "
LONGEST_LEFT = 0.4
"""The part of a line that a left side may have; what is longer stands on a line of its own."""
#: What is measured here is right but for some points.
CAUTIOUS = 0.965
NUMBER = 24.0
"""Points for the number of an equation."""


def aligned(rows: Sequence[str]) -> str:
    """Rows for math mode, in one box."""
    return "\n".join([r"\begin{aligned}", " \\\\\n".join(rows), r"\end{aligned}"])


def folded(rows: Sequence[str], width: float) -> list[str]:
    """Rows ``left &= right``, none wider than so many points."""
    return [line for group in folded_groups(rows, width) for line in group]


def folded_groups(rows: Sequence[str], width: float) -> list[list[str]]:
    """The lines of each row."""
    width = width * CAUTIOUS
    split = [_split(row) for row in rows]
    lefts = [width_of(left) for left, _ in split]
    short = [size for size in lefts if size <= LONGEST_LEFT * width]
    left_room = max(short, default=0.0)
    room = width - left_room - 6
    found = []
    for (left, right), size in zip(split, lefts):
        if size > LONGEST_LEFT * width:
            first, *rest = broken(left, room)
            lines = [f"& {first}", *(f"& {INDENT}{line}" for line in rest)]
            lines += [f"& {INDENT}{line}" for line in broken(right, room - 10)]
        else:
            first, *rest = broken(right, room - 10, room)
            lines = [f"{left} &{' ' if not first.startswith('=') else ''}{first}".lstrip()]
            lines += [f"&{INDENT}{line}" for line in rest]
        found.append(lines)
    return found


def _split(row: str) -> tuple[str, str]:
    left, sign, right = row.partition("&")
    return (left.strip(), right.strip()) if sign else ("", row.strip())


def display(
    rows: Sequence[str], style: Style, numbers: Sequence[str | None] | None = None, *, width: float | None = None
) -> str:
    r"""Rows as a display that goes on over pages; the last line of a row has its label, if it has one.

    Parameters
    ----------
    rows : sequence of str
        Each ``left &= right``.
    style : Style
    numbers : sequence of str or None, optional
        A label for each row, as of ``\label``; rows without one have no number.
    width : float, optional
        In points.
    """
    named = numbers is not None and any(numbers)
    room = (style.points if width is None else width) - (NUMBER if named else 0)
    lines = []
    for place, group in enumerate(folded_groups(rows, room)):
        label = numbers[place] if numbers is not None else None
        if named:
            group = [line + r" \notag" for line in group[:-1]] + [
                group[-1] + (rf" \label{{{label}}}" if label else r" \notag")
            ]
        lines += group
    star = "" if named else "*"
    body = " \\\\\n".join(lines)
    return f"\\begingroup\\allowdisplaybreaks\n\\begin{{align{star}}}\n{body}\n\\end{{align{star}}}\n\\endgroup"


def math_paragraph(pieces: Sequence[str], style: Style) -> str:
    """Formulas in running text, one after the other; those that are too wide for a line are broken."""
    return ", ".join(in_text(piece, style) for piece in pieces)


def in_text(latex: str, style: Style) -> str:
    """A formula in running text."""
    if width_of(latex) <= 0.5 * style.points * CAUTIOUS:
        return f"${latex}$"
    return " ".join(f"${line}$" for line in broken(latex, 0.6 * style.points * CAUTIOUS))


def label(text: str) -> str:
    """What a label may be made of.

    >>> label("gated hybrid's 2nd")
    'gated-hybrid-s-2nd'
    """
    return re.sub(r"[^A-Za-z0-9:]+", "-", text).strip("-")
