r"""The notation of a document as a table: every symbol that was written in a style, what it means, and its size.

>>> import layeralgebra as la
>>> H, W, c = la.dims("H W c")
>>> style = la.Style(meanings={c: "channels"})
>>> _ = la.latex_equation(la.Conv(c, 1, bias=False), (3, H, W), style=style)
>>> print("\n".join(line for line in notation_latex(style).splitlines() if "learned" in line or "channels" in line))
$c$ & channels & positive integer \\
$w$ & learned, Conv & $c \times 3$ \\
"""

from __future__ import annotations

from typing import Any

from ..arguments import checked, shown
from ..errors import FieldError
from ..typesetting.style import Style, typeset
from .cells import Marked
from .forms import SHORTEST
from .styled_table import styled_table
from .table import Table

__all__ = ["notation_latex"]

_ORDER = {"size": 0, "tensor": 1, "index": 2}


@checked
def notation_latex(style: Any) -> str:
    """The table of notation of a document: what was written in its style so far.

    Parameters
    ----------
    style : Style

    Returns
    -------
    str

    Raises
    ------
    FieldError
        If it is no style, or nothing has been written in it.

    Examples
    --------
    >>> from layeralgebra import Linear, Style, dims, latex, notation_latex
    >>> style = Style(meanings={"n": "features"})
    >>> latex(dims("n")**2, style=style)
    'n^{2}'
    >>> print(notation_latex(style).splitlines()[5])
    $n$ & features & positive integer \\\\
    """
    if not isinstance(style, Style):
        raise FieldError(f"notation_latex takes a Style, got {shown(style)}; write notation_latex(style)")
    entries = sorted(style.letters.entries.values(), key=lambda entry: (_ORDER[entry.kind], entry.scope))
    rows: dict[tuple[str, str, str], tuple[Marked, ...]] = {}
    bound: dict[str, list[str]] = {}
    for entry in entries:
        if entry.kind == "index":
            if entry.latex not in bound.setdefault(entry.scope, []):
                bound[entry.scope].append(entry.latex)
            continue
        meaning = entry.meaning or (
            entry.name.replace("_", " ") if len(entry.name) > 1 else "size" if entry.kind == "size" else entry.scope
        )
        size = (
            f"${entry.size}$" if entry.size else "positive integer" if entry.kind == "size" and not entry.size else ""
        )
        key = (entry.latex, meaning, size)
        rows[key] = (Marked(entry.name, f"${entry.latex}$"), meaning, Marked(size, size))  # type: ignore[assignment]
    found = list(rows.values())
    for scope, names in bound.items():
        found.append((Marked("", ", ".join(f"${name}$" for name in names)), f"indices, {scope}", ""))  # type: ignore[arg-type]
    if not found:
        raise FieldError("nothing has been written in this style; typeset something first")
    with typeset(style):
        return styled_table(Table(("symbol", "meaning", "size"), tuple(found)), SHORTEST, style)
