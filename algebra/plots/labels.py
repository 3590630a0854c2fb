"""What axes and curves are called: names, units, and formulas where they are short."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sympy import Basic, Symbol

from ..formulas.latex import formula_latex

LONGEST_LABEL = 60
"""Characters of LaTeX; what is longer is called by its name."""
UPWARDS = 36
"""Characters beside the vertical axis of a column's figure."""
TALL = ("\\frac", "\\binom", "\\substack", "\\sum", "\\begin")


def label(name: str, formula: Any = None, unit: str = "", room: int = 100) -> str:
    r"""A label for an axis: the name, the formula if it is short and matplotlib can typeset it, and the unit; of these what there is room for.

    >>> from sympy import symbols
    >>> c = symbols("c", integer=True, positive=True)
    >>> label("parameters", 9*c**2)
    'parameters $9 c^{2}$'
    >>> label("parameters", unit="bits")
    'parameters [bits]'
    """
    text = formula_latex(formula) if isinstance(formula, Basic) else ""
    shown = f"${text}$" if fits(text) else ""
    for parts in ((name, shown, f"[{unit}]" if unit else ""), (name, f"[{unit}]" if unit else ""), (name,)):
        found = " ".join(part for part in parts if part)
        if len(found) <= room:
            break
    return found


def fits(text: str) -> bool:
    """Whether LaTeX is short and low, and matplotlib's own typesetting knows everything in it (it has neither cases nor matrices)."""
    if not text or len(text) > LONGEST_LABEL or any(word in text for word in TALL):
        return False
    from matplotlib.mathtext import MathTextParser

    try:
        MathTextParser("path").parse(f"${text}$")
    except (ValueError, RuntimeError):
        return False
    return True


def data_label(array: Any, name: str) -> str:
    """A label from the attributes that a sweep leaves."""
    text, unit = array.attrs.get("latex", ""), array.attrs.get("units", "")
    title = array.attrs.get("long_name", "") or name
    if fits(text):
        title = f"${text}$" if text == name else f"{title} ${text}$"
    return title + (f" [{unit}]" if unit and unit not in title else "")


def sizes_text(sizes: Mapping[str, Any]) -> str:
    """Sizes that are held fixed, typeset.

    >>> sizes_text({"d": 512, "k": 7})
    '$d = 512$, $k = 7$'
    """
    return ", ".join(f"${formula_latex(Symbol(name))} = {value}$" for name, value in sizes.items())


def by_name(at: Mapping[Any, Any] | None) -> dict[str, Any]:
    return {getattr(key, "name", str(key)): value for key, value in (at or {}).items()}
