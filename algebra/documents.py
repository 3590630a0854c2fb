r"""Everything as LaTeX: formulas, layers, networks, equations, tables and derivations; and a document around it.

>>> from layeralgebra import Conv, dims, latex, macs
>>> H, c = dims("H c")
>>> print(latex(macs(Conv(c, 3, stride=2, padding=1), on=(3, H))))
9 c \lceil H/2 \rceil

What comes back needs amsmath and amssymb; tables need booktabs, longtable and array. `latex_document` loads them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sympy import Basic, Symbol

from .derivations.derivation import Derivation, Derivations, Step, expressions
from .derivations.domain import Domain
from .derivations.stages import stage_table
from .derivations.tables import node_table
from .equations.latex import latex_equation
from .formulas.latex import display_latex, escaped, flat_latex, formula_latex
from .formulas.table import Table
from .formulas.table_latex import table_latex
from .formulas.text import record_parts
from .networks.latex import network_latex
from .networks.layer import Layer
from .networks.network import Graph, Input, Network

__all__ = [
    "derivation_latex", "latex", "latex_document", "latex_equation", "network_latex", "report_latex", "section_latex",
    "table_latex",
]  # fmt: skip

LONGEST_STEP, MOST_PATHS, MOST_STAGES = 4000, 4, 60
NEW_PART = r"\par\vskip 0pt plus .2\textheight \penalty-200 \vskip 0pt plus -.2\textheight"
"""A page may end here, and does if little of it is left; so that no heading stands alone."""
_PREAMBLE = r"""\documentclass[a4paper]{article}
\usepackage[utf8]{inputenc}
\usepackage[margin=25mm]{geometry}
\usepackage{amsmath, amssymb, array, booktabs, longtable}
\setlength{\LTpre}{6pt plus 2pt} \setlength{\LTpost}{6pt plus 2pt}
\setlength{\parindent}{0pt} \setlength{\parskip}{4pt plus 2pt}
\allowdisplaybreaks
\emergencystretch=2em
\begin{document}
"""


def latex(obj: Any) -> str:
    """Anything of this library, or of SymPy, as LaTeX.

    Parameters
    ----------
    obj : Expr, tuple, record, Layer, Network, Table, Derivation or Derivations
        Formulas, layers and networks are for math mode; tables and derivations are paragraphs.

    Returns
    -------
    str

    Examples
    --------
    >>> from layeralgebra import Conv, latex
    >>> print(latex(Conv(8, 3) >> Conv(8, 3)))
    \\operatorname{Conv}(8, 3) \\to \\operatorname{Conv}(8, 3)
    """
    if isinstance(obj, Table):
        return table_latex(obj)
    if isinstance(obj, (Derivation, Derivations)):
        return obj.latex()
    return formula_latex(obj)


def derivation_latex(derivation: Derivation) -> str:
    """A derivation as paragraphs: the formula, its kind and source, the domain, what each node adds, and how it ends.

    Parameters
    ----------
    derivation : Derivation

    Returns
    -------
    str
    """
    title = derivation.metric.title
    lines = [_heading(derivation), _formula(title, derivation.formula), rf"Source: {escaped(derivation.source)}."]
    lines.append(domain_latex(derivation.domain, derivation.symbols))
    if not isinstance(derivation.net, Layer):
        lines.append(table_latex(node_table(Derivations((derivation,)), total=False)))
    lines += [_step(step) for step in derivation.steps if _is_short(step, derivation)]
    return "\n\n".join(line for line in lines if line)


def _heading(derivation: Derivation) -> str:
    title, unit = derivation.metric.title, derivation.metric.unit
    counted = "" if unit == title else f", in {escaped(unit)}"
    return rf"\medskip\noindent\textbf{{{escaped(_capital(title))}}}{counted} ({escaped(derivation.kind)})."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _formula(title: str, formula: Any) -> str:
    """The formula on display; a record has a line for each of its parts."""
    if hasattr(formula, "map_expressions"):
        rows = [
            rf"\text{{{escaped(title)}, {escaped(name)}}} &= {formula_latex(value)}"
            for name, value in record_parts(formula)
        ]
        body = " \\\\[3pt]\n".join(rows)
        return f"\\[\n\\begin{{aligned}}\n{body}\n\\end{{aligned}}\n\\]"
    name = rf"\text{{{escaped(title)}}}"
    return f"\\[\n{display_latex(name, formula)}\n\\]"


def domain_latex(domain: Domain, symbols: Sequence[Symbol]) -> str:
    """Where a formula holds: the symbols, and each condition once, with the nodes that need it."""
    if not symbols:
        return ""
    names = ", ".join(f"${formula_latex(symbol)}$" for symbol in symbols)
    found: dict[str, tuple[str, list[str]]] = {}
    for item in domain:
        loops = "".join(
            rf" for $0 \le {formula_latex(loop.index)} < {flat_latex(loop.times)}$"
            for loop in item.loops if item.condition.relation.has(loop.index)
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


def _is_short(step: Step, derivation: Derivation) -> bool:
    """Steps about one node are in the table; of the others, what is not the formula once more and not a page of it."""
    shown = expressions(step.expression) if step.expression is not None else []
    return (
        bool(shown) and step.text in ("composed",) and step.expression != derivation.formula
        and sum(len(str(part)) for part in shown) <= LONGEST_STEP
    )  # fmt: skip


def _step(step: Step) -> str:
    expression = step.expression
    made = (
        display_latex(rf"\text{{{escaped(step.text)}}}", expression)
        if isinstance(expression, Basic)
        else formula_latex(expression)
    )
    return f"\\[\n{made}\n\\]"


def report_latex(derivations: Derivations, named: Mapping[str, Network] | None = None) -> str:
    """Several derivations of one network as one report: the network, its stages, its formulas, its nodes.

    Parameters
    ----------
    derivations : Derivations
    named : mapping of str to Network, optional
        The stages; found, if left out.

    Returns
    -------
    str
    """
    parts = list(derivations)
    net = parts[0].net
    lines = [r"\subsection*{Network}", f"\\[\n{network_latex(net)}\n\\]"]
    if isinstance(net, Layer):
        lines = [r"\subsection*{Equation}", f"\\[\n{latex_equation(net)}\n\\]"]
    elif not isinstance(net, Graph) or len(net.nodes) <= MOST_STAGES:
        lines += [NEW_PART, r"\subsection*{Stages}", table_latex(stage_table(derivations, named))]
    if parts[0].terms and not net.atoms(Input):
        shapes = ", ".join(f"${formula_latex(shape)}$" for shape in parts[0].terms[0].inputs)
        lines.append(rf"Input: {shapes}.")
    lines.append(r"\subsection*{Formulas}")
    for part in parts:
        lines += [_heading(part), _formula(part.metric.title, part.formula), rf"Source: {escaped(part.source)}."]
    symbols = sorted({symbol for part in parts for symbol in part.symbols}, key=lambda symbol: symbol.name)
    lines.append(domain_latex(sum((part.domain for part in parts[1:]), start=parts[0].domain), symbols))
    if not isinstance(net, Layer):
        lines += [NEW_PART, r"\subsection*{Nodes}", table_latex(node_table(derivations, total=False))]
    return "\n\n".join(line for line in lines if line)


def section_latex(title: str, *parts: str) -> str:
    """A section of a document."""
    return "\n\n".join([rf"\section*{{{escaped(title)}}}", *parts])


def latex_document(body: str, title: str | None = None) -> str:
    r"""A complete document for pdflatex.

    Parameters
    ----------
    body : str
        What `latex` gives of tables and derivations, or text. Formulas stand in ``\[ ... \]``.
    title : str, optional

    Returns
    -------
    str

    Examples
    --------
    >>> from layeralgebra import Linear, latex_document, latex_equation
    >>> print(latex_document("\\[" + latex_equation(Linear(10)) + "\\]", title="A linear map").splitlines()[0])
    \documentclass[a4paper]{article}
    """
    heading = rf"\begin{{center}}\Large {escaped(title)}\end{{center}}" + "\n" if title else ""
    return f"{_PREAMBLE}{heading}{body}\n\\end{{document}}\n"
