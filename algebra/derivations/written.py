"""Derivations as text, as tables and as LaTeX; loaded when one is first written, since counting needs nothing of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..formulas.forms import SHORTEST, as_form
from ..formulas.latex import formula_latex
from ..formulas.text import text_of
from ..typesetting.style import typeset
from .latex import derivation_latex
from .node_table import derivation_table as table
from .terms import Derived

__all__ = ["display", "displays", "latex", "printed", "table", "text"]


def text(formula: Any, form: str, by: Any) -> str:
    """A formula as text, in a form."""
    return text_of(formula, as_form(form, by))


def latex(derivation: Derived, form: str, by: Any, style: Any) -> str:
    """A formula and its reasons as LaTeX, in a form and a style."""
    with typeset(style) as chosen:
        return derivation_latex(derivation, as_form(form, by, chosen))


def printed(derivations: Sequence[Derived], printer: Any) -> str:
    """What SymPy's LaTeX printer writes for derivations, one after the other."""
    return "\n\n".join(derivation_latex(one, getattr(printer, "form", SHORTEST)) for one in derivations)


def display(formula: Any) -> str:
    """A formula as a notebook shows it."""
    return f"$\\displaystyle {formula_latex(formula)}$"


def displays(derivations: Sequence[Derived]) -> str:
    """The formulas of derivations below each other, as a notebook shows them."""
    rows = r" \\ ".join(rf"\text{{{one.metric.title}}} &= {formula_latex(one.formula)}" for one in derivations)
    return rf"$\displaystyle \begin{{aligned}} {rows} \end{{aligned}}$"
