r"""Everything as LaTeX: formulas, layers, networks, equations, tables and derivations; and a document around it.

>>> from layeralgebra import Conv, dims, latex, macs
>>> H, c = dims("H c")
>>> print(latex(macs(Conv(c, 3, stride=2, padding=1), on=(3, H))))
9 c \lceil H/2 \rceil

What comes back needs amsmath and amssymb; tables need booktabs, longtable and array. `latex_document` loads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch
from typing import Any

from sympy import Add, Expr

from .arguments import checked
from .derivations.derivation import Derivation, Derivations
from .derivations.latex import (
    _formula,
    _heading,
    derivation_latex,
    domain_latex,
    plain_domain,
    record_latex,
    sizes_latex,
    source_latex,
)
from .derivations.line_by_line import MOST_PARTS, counts_latex, equation_latex, equation_lines, line_counts
from .derivations.node_table import node_table
from .derivations.stages import stage_table
from .equations.latex import latex_equation
from .errors import FieldError
from .formulas.forms import Form, as_form
from .formulas.latex import escaped, formula_latex
from .formulas.styled_latex import styled_latex
from .formulas.styled_table import styled_table
from .formulas.table import Table
from .formulas.table_latex import table_latex
from .networks.layer import Layer
from .networks.network import Graph, Input, Network
from .networks.notation import network_latex, network_rows
from .sizes.normal_form import simplify
from .typesetting.displays import display
from .typesetting.preamble import styled_document
from .typesetting.style import Style, typeset

__all__ = [
    "derivation_latex", "latex", "latex_document", "latex_equation", "network_latex", "report_latex", "section_latex",
    "table_latex",
]  # fmt: skip

MOST_STAGES = 60
NEW_PART = r"\par\vskip 0pt plus .2\textheight \penalty-200 \vskip 0pt plus -.2\textheight"
"""A page may end here, and does if little of it is left; so that no heading stands alone."""
PREAMBLE = r"""\documentclass[a4paper]{article}
\usepackage[utf8]{inputenc}
\usepackage[margin=25mm]{geometry}
\usepackage{amsmath, amssymb, array, booktabs, longtable}
\setlength{\LTpre}{6pt plus 2pt} \setlength{\LTpost}{6pt plus 2pt}
\setlength{\parindent}{0pt} \setlength{\parskip}{4pt plus 2pt}
\allowdisplaybreaks
\emergencystretch=2em
\begin{document}
"""


@checked
def latex(obj: Any, form: str = "shortest", by: Any = None, style: Any = None) -> str:
    """Anything of this library, or of SymPy, as LaTeX.

    Parameters
    ----------
    obj : Expr, tuple, record, Layer, Network, Table, Derivation or Derivations
        Formulas, layers and networks are for math mode; tables and derivations are paragraphs.
    form : str
        How formulas are written, those of tables and derivations too: ``"expanded"``, ``"factored"``, ``"collected"``,
        ``"given"`` as the expression is, or ``"shortest"``, which is never longer than any of these, but for what has
        more than some hundred terms. The value is the same in all of them.
    by : Symbol or sequence of Symbol, optional
        By what formulas are collected, the first outermost; if left out, by the symbol that leaves it shortest.
    style : Style, optional
        Notation, width and form of the document that it is for.

    Returns
    -------
    str

    Raises
    ------
    FieldError
        If there is no such form, or `by` is no symbol or goes with another form than ``"collected"``.
    BudgetError
        If a number has more digits than Python writes (`sys.set_int_max_str_digits`).

    Examples
    --------
    >>> from layeralgebra import Conv, dims, latex
    >>> print(latex(Conv(8, 3) >> Conv(8, 3)))
    \\operatorname{Conv}(8, 3) \\to \\operatorname{Conv}(8, 3)
    >>> H, k = dims("H k")
    >>> latex(H**2 - k**2), latex(H**2 + 2*H*k + k**2), latex((H + k)**2, form="expanded")
    ('H^{2} - k^{2}', '{(H + k)}^{2}', 'H^{2} + 2 H k + k^{2}')
    """
    with typeset(style) as chosen:
        form_ = as_form(form, by, chosen)
        return formula_latex(obj, form_) if chosen is None else styled_latex(obj, form_, chosen)


@checked
def report_latex(
    derivations: Derivation | Derivations,
    named: Mapping[str, Network] | None = None,
    form: str = "shortest",
    by: Any = None,
    style: Any = None,
) -> str:
    """Several derivations of one network as one report: the network, its stages, its formulas, its nodes.

    Parameters
    ----------
    derivations : Derivation or Derivations
    named : mapping of str to Network, optional
        The stages; found, if left out.
    form : str
    by : Symbol or sequence of Symbol, optional
        How formulas are written, as in `latex`.
    style : Style, optional
        Notation, width and form of the document that it is for.

    Returns
    -------
    str

    Raises
    ------
    FieldError
        If the derivations are of different networks, the named parts in series are not the network, or there is no such
        form.

    Examples
    --------
    >>> from layeralgebra import Input, Linear, derive, report_latex
    >>> net = Input(3) >> Linear(4)
    >>> print(report_latex(derive("parameters", net) + derive("macs", net)).splitlines()[0])
    \\subsection*{Network}
    """
    parts = [derivations] if isinstance(derivations, Derivation) else list(derivations)
    if not parts:
        raise FieldError("a report needs a derivation; write report_latex(derive(macs, net))")
    net = parts[0].net
    with typeset(style) as around:
        if around is not None:
            return _styled_report(parts, named, as_form(form, by, around), around)
    chosen = as_form(form, by)
    lines = _what_is_counted(net, derivations, named, chosen)
    if parts[0].terms and not net.atoms(Input):
        shapes = ", ".join(f"${formula_latex(shape)}$" for shape in parts[0].terms[0].inputs)
        lines.append(rf"Input: {shapes}.")
    lines.append(r"\subsection*{Formulas}")
    for part in parts:
        lines += [
            _heading(part),
            _formula(part.metric.title, part.formula, chosen),
            rf"Source: {escaped(part.source)}.",
        ]
    symbols = sorted({symbol for part in parts for symbol in part.symbols}, key=lambda symbol: symbol.name)
    lines.append(domain_latex(sum((part.domain for part in parts[1:]), start=parts[0].domain), symbols))
    lines += _nodes(net, derivations, chosen)
    return "\n\n".join(line for line in lines if line)


def _styled_report(parts: list[Derivation], named: Any, form: Form, style: Style) -> str:
    """The report in a style: displays and tables that fit its width and go on over pages."""
    net, together = parts[0].net, Derivations(tuple(parts))
    paragraphs: list[str] = []
    if isinstance(net, Layer):
        lines, conditions = equation_lines(net, list(parts[0].inputs), style)
        paragraphs += [r"\subsection*{Equation}", equation_latex(lines, conditions, style)]
    else:
        lines = []
        paragraphs += [r"\subsection*{Network}", display(network_rows(net, style.points), style)]
    with_stages = not isinstance(net, (Layer, Graph)) or isinstance(net, Graph) and len(net.nodes) <= MOST_STAGES
    stages = stage_table(together, named) if with_stages else None
    if stages is not None:
        paragraphs += [r"\subsection*{Stages}", table_latex_in(stages, form, style)]
    if parts[0].terms and not net.atoms(Input):
        shapes = ", ".join(f"${sizes_latex(shape, form)}$" for shape in parts[0].terms[0].inputs)
        paragraphs.append(rf"Input: {shapes}.")
    paragraphs.append(r"\subsection*{Formulas}")
    for part in parts:
        if isinstance(part.formula, Expr):
            if isinstance(net, Layer):
                summands = [(rf"\eqref{{{line.label}}}", value) for line, value in line_counts(part, lines) or []]
            else:
                summands = _by_stage(part, stages)
            paragraphs.append(counts_latex(part, summands, form, style))
        else:
            paragraphs.append(record_latex(part, form, style))
        paragraphs.append(source_latex(part, style))
    symbols = sorted({symbol for part in parts for symbol in part.symbols}, key=lambda symbol: symbol.name)
    paragraphs.append(plain_domain(sum((part.domain for part in parts[1:]), start=parts[0].domain), symbols, style))
    if not isinstance(net, Layer):
        paragraphs += [r"\subsection*{Nodes}", table_latex_in(node_table(together, total=False), form, style)]
    return "\n\n".join(part for part in paragraphs if part)


def _by_stage(part: Derivation, stages: Any) -> list[tuple[str, Expr]]:
    """What each stage adds, where that makes up the formula."""
    if stages is None or part.metric.title not in stages.columns or not 1 < len(stages.rows) - 1 <= MOST_PARTS:
        return []
    place = stages.columns.index(part.metric.title)
    rows = [(row[0], row[place]) for row in stages.rows[:-1]]
    if (
        not all(isinstance(value, Expr) for _, value in rows)
        or simplify(Add(*(value for _, value in rows)) - part.formula) != 0
    ):
        return []
    return [(rf"\text{{{escaped(name)}}}", value) for name, value in rows if value != 0]


def table_latex_in(table: Table, form: Form, style: Style) -> str:
    """A table in a style."""
    return styled_table(table, form, style)


@singledispatch
def _what_is_counted(net: Network, derivations: Any, named: Any, form: Form) -> list[str]:
    stages = [NEW_PART, r"\subsection*{Stages}", table_latex(stage_table(derivations, named), form)]
    return [*_drawn(net), *stages]


@_what_is_counted.register
def _counted_graph(net: Graph, derivations: Any, named: Any, form: Form) -> list[str]:
    stages = [NEW_PART, r"\subsection*{Stages}", table_latex(stage_table(derivations, named), form)]
    return [*_drawn(net), *stages] if len(net.nodes) <= MOST_STAGES else _drawn(net)


@_what_is_counted.register
def _counted_layer(net: Layer, derivations: Any, named: Any, form: Form) -> list[str]:
    return [r"\subsection*{Equation}", f"\\[\n{latex_equation(net)}\n\\]"]


def _drawn(net: Network) -> list[str]:
    return [r"\subsection*{Network}", f"\\[\n{network_latex(net)}\n\\]"]


@singledispatch
def _nodes(net: Network, derivations: Any, form: Form) -> list[str]:
    """The table of the nodes."""
    return [NEW_PART, r"\subsection*{Nodes}", table_latex(node_table(derivations, total=False), form)]


@_nodes.register
def _node(net: Layer, derivations: Any, form: Form) -> list[str]:
    return []


@checked
def section_latex(title: str, *parts: str) -> str:
    """A section of a document.

    Parameters
    ----------
    title : str
    *parts : str
        LaTeX of its paragraphs.

    Returns
    -------
    str

    Raises
    ------
    FieldError
        If a part is no text.

    Examples
    --------
    >>> from layeralgebra import section_latex
    >>> print(section_latex("Cost & size", "Words."))
    \\section*{Cost \\& size}
    <BLANKLINE>
    Words.
    """
    return "\n\n".join([rf"\section*{{{escaped(title)}}}", *parts])


@checked
def latex_document(body: str, title: str | None = None, style: Any = None) -> str:
    r"""A complete document for pdflatex.

    Parameters
    ----------
    body : str
        What `latex` gives of tables and derivations, or text. Formulas stand in ``\[ ... \]``.
    title : str, optional
    style : Style, optional
        For its width: two columns, slides, or a page around the length that it has.

    Returns
    -------
    str

    Raises
    ------
    FieldError
        If the title or the body is no text.

    Examples
    --------
    >>> from layeralgebra import Linear, latex_document, latex_equation
    >>> print(latex_document("\\[" + latex_equation(Linear(10)) + "\\]", title="A linear map").splitlines()[0])
    \documentclass[a4paper]{article}
    """
    if style is not None:
        with typeset(style):
            return styled_document(body, escaped(title) if title else None, style)
    heading = rf"\begin{{center}}\Large {escaped(title)}\end{{center}}" + "\n" if title else ""
    return f"{PREAMBLE}{heading}{body}\n\\end{{document}}\n"
