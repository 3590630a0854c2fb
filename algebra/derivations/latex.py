"""A derivation as LaTeX: the formula, its domain, and the steps that lead to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import Basic, Symbol

from ..formulas.forms import GIVEN, SHORTEST, Form
from ..formulas.latex import display_latex, escaped, flat_latex, formula_latex
from ..formulas.records import expressions, record_parts
from ..formulas.table_latex import table_latex
from ..networks.layer import Layer
from .domain import Domain
from .least_sizes import strongest
from .node_table import node_table
from .terms import Derived, Step

LONGEST_STEP, MOST_PATHS = 4000, 4


def derivation_latex(derivation: Derived, form: Form = SHORTEST) -> str:
    """A derivation as paragraphs: the formula, its kind and source, the domain, what each node adds, and how it ends.

    Parameters
    ----------
    derivation : Derivation
    form : Form
        In which formulas are written.

    Returns
    -------
    str
    """
    title = derivation.metric.title
    lines = [_heading(derivation), _formula(title, derivation.formula, form), rf"Source: {escaped(derivation.source)}."]
    lines.append(domain_latex(derivation.domain, derivation.symbols))
    if not isinstance(derivation.net, Layer):
        lines.append(table_latex(node_table([derivation], total=False), form))
    lines += [_step(step) for step in derivation.steps if _is_short(step, derivation, form)]
    return "\n\n".join(line for line in lines if line)


def _heading(derivation: Derived) -> str:
    title, unit = derivation.metric.title, derivation.metric.unit
    counted = "" if unit == title else f", in {escaped(unit)}"
    return rf"\medskip\noindent\textbf{{{escaped(_capital(title))}}}{counted} ({escaped(derivation.kind)})."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _formula(title: str, formula: Any, form: Form = SHORTEST) -> str:
    """The formula on display; a record has a line for each of its parts."""
    if hasattr(formula, "map_expressions"):
        rows = [
            rf"\text{{{escaped(title)}, {escaped(name)}}} &= {formula_latex(value, form)}"
            for name, value in record_parts(formula)
        ]
        body = " \\\\[3pt]\n".join(rows)
        return f"\\[\n\\begin{{aligned}}\n{body}\n\\end{{aligned}}\n\\]"
    name = rf"\text{{{escaped(title)}}}"
    return f"\\[\n{display_latex(name, formula, form=form)}\n\\]"


def domain_latex(domain: Domain, symbols: Sequence[Symbol]) -> str:
    """Where a formula holds: the symbols, and each condition once, with the nodes that need it."""
    if not symbols:
        return ""
    names = ", ".join(f"${formula_latex(symbol)}$" for symbol in symbols)
    found: dict[str, tuple[str, list[str]]] = {}
    for item in strongest(domain):
        loops = "".join(
            rf" for $0 \le {formula_latex(loop.index)} < {flat_latex(loop.times)}$"
            for loop in item.all_loops if item.condition.relation.has(loop.index)
        )  # fmt: skip
        shown = f"${formula_latex(item.condition.relation)}${loops}"
        found.setdefault(shown, (item.condition.meaning, []))[1].append(item.path)
    if not found:
        return f"Valid for all positive integers {names}."
    items = []
    for shown, (meaning, paths) in found.items():
        where = ", ".join(rf"\texttt{{{escaped(path)}}}" for path in paths[:MOST_PATHS] if path)
        more = f" and {len(paths) - MOST_PATHS} more" if len(paths) > MOST_PATHS else ""
        items.append(rf"\item {shown}: {escaped(meaning)}{f' (at {where}{more})' if where else ''}")
    return "\n".join(
        [
            f"Valid for positive integers {names} with",
            r"\begin{itemize}\setlength{\itemsep}{0pt}",
            *items,
            r"\end{itemize}",
        ]
    )


def _is_short(step: Step, derivation: Derived, form: Form) -> bool:
    """Steps about one node are in the table; of the others, what is not the formula once more and not a page of it."""
    shown = expressions(step.expression) if step.expression is not None else []
    return (
        bool(shown) and step.text in ("composed",) and step.expression != derivation.formula
        and sum(len(str(part)) for part in shown) <= LONGEST_STEP
        and formula_latex(step.expression, GIVEN) != formula_latex(derivation.formula, form)
    )  # fmt: skip


def _step(step: Step) -> str:
    expression = step.expression
    made = (
        display_latex(rf"\text{{{escaped(step.text)}}}", expression, form=GIVEN)
        if isinstance(expression, Basic)
        else formula_latex(expression, GIVEN)
    )
    return f"\\[\n{made}\n\\]"
