"""A derivation as LaTeX: the formula, its domain, and the steps that lead to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import Basic, Expr, Symbol, Tuple

from ..formulas.forms import GIVEN, SHORTEST, Form
from ..formulas.latex import display_latex, escaped, flat_latex, formula_latex
from ..formulas.records import expressions, record_parts
from ..formulas.styled_table import styled_table
from ..formulas.table_latex import table_latex
from ..networks.layer import Layer
from ..typesetting.bibliography import keys_in
from ..typesetting.displays import display, math_paragraph
from ..typesetting.style import Style, current
from .domain import Domain
from .least_sizes import least_size
from .line_by_line import counts_latex, equation_latex, equation_lines, line_counts
from .node_table import node_table
from .plain_conditions import plain
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
    style = current()
    if style is not None:
        return _styled(derivation, form, style)
    title = derivation.metric.title
    lines = [_heading(derivation), _formula(title, derivation.formula, form), rf"Source: {escaped(derivation.source)}."]
    lines.append(domain_latex(derivation.domain, derivation.symbols))
    if not isinstance(derivation.net, Layer):
        lines.append(table_latex(node_table([derivation], total=False), form))
    lines += [_step(step) for step in derivation.steps if _is_short(step, derivation, form)]
    return "\n\n".join(line for line in lines if line)


def _styled(derivation: Derived, form: Form, style: Style) -> str:
    """A derivation in a style: of a layer line by line of its equation, of a network node by node."""
    paragraphs = []
    if isinstance(derivation.net, Layer):
        shapes = list(derivation.inputs)
        lines, conditions = equation_lines(derivation.net, shapes, style)
        paragraphs.append(equation_latex(lines, conditions, style))
        counted = line_counts(derivation, lines)
        parts = [(rf"\eqref{{{line.label}}}", value) for line, value in counted or []]
    else:
        parts = []
    if isinstance(derivation.formula, Expr):
        paragraphs.append(counts_latex(derivation, parts, form, style))
    else:
        paragraphs.append(record_latex(derivation, form, style))
    paragraphs.append(source_latex(derivation, style))
    paragraphs.append(plain_domain(derivation.domain, derivation.symbols, style))
    if not isinstance(derivation.net, Layer):
        table = node_table([derivation], total=False)
        paragraphs.append(styled_table(table, form, style))
    return "\n\n".join(part for part in paragraphs if part)


def record_latex(derivation: Derived, form: Form, style: Style) -> str:
    """A record or a tuple of formulas as a display, a line for each part."""
    title = derivation.metric.title
    head = f"{escaped(_capital(title))}{'' if derivation.kind == 'exact' else f' ({escaped(derivation.kind)})'}:"
    if hasattr(derivation.formula, "map_expressions"):
        rows = [
            rf"\text{{{escaped(name)}}} &= {sizes_latex(value, form)}"
            for name, value in record_parts(derivation.formula)
        ]
    else:
        rows = [f"& {sizes_latex(derivation.formula, form)}"]
    return f"{head}\n{display(rows, style)}"


def sizes_latex(value: Any, form: Form) -> str:
    """A formula, or several with crosses between them as the size of a tensor."""
    if not isinstance(value, (tuple, list, Tuple)):
        return formula_latex(value, form)
    return r" \times ".join(
        f"({formula_latex(part, form)})"
        if isinstance(part, Expr) and part.is_Add and len(value) > 1
        else formula_latex(part, form)
        for part in value
    )


def source_latex(derivation: Derived, style: Style) -> str:
    """Where a formula comes from, with the keys of the bibliography where the style cites."""
    keys = keys_in(derivation.source) if style.cite else []
    return rf"Source: {escaped(derivation.source)}" + (rf"~\cite{{{','.join(keys)}}}." if keys else ".")


def plain_domain(domain: Domain, symbols: Sequence[Symbol], style: Style) -> str:
    """Where a formula holds, as mathematics: bounds on one size joined, everything that others imply left out."""
    if not symbols:
        return ""
    conditions = domain_parts(domain, style)
    said = f"Valid for positive integers {math_paragraph([formula_latex(symbol) for symbol in symbols], style)}"
    if not conditions:
        return f"{said}."
    return f"{said} with {math_paragraph(conditions, style)}."


def domain_parts(domain: Domain, style: Style) -> list[str]:
    """The conditions of a domain as mathematics."""
    bounds: dict[int, list[str]] = {}
    others: dict[str, None] = {}
    for item in plain(domain):
        bound = None if item.all_loops else least_size(item.condition.relation)
        if bound is not None:
            bounds.setdefault(bound[1], []).append(formula_latex(bound[0]))
            continue
        loops = "".join(
            rf" \text{{ for }} 0 \le {formula_latex(loop.index)} < {flat_latex(loop.times)}"
            for loop in item.all_loops if item.condition.relation.has(loop.index)
        )  # fmt: skip
        others[formula_latex(item.condition.relation) + loops] = None
    conditions = [f"{', '.join(sorted(set(names)))} \\ge {least}" for least, names in sorted(bounds.items())]
    return conditions + list(others)


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
    for item in plain(domain):
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
