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

from .arguments import checked
from .derivations.derivation import Derivation, Derivations
from .derivations.latex import _formula, _heading, derivation_latex, domain_latex
from .derivations.node_table import node_table
from .derivations.stages import stage_table
from .equations.latex import latex_equation
from .errors import FieldError
from .formulas.forms import Form, as_form
from .formulas.latex import escaped, formula_latex
from .formulas.table_latex import table_latex
from .networks.layer import Layer
from .networks.network import Graph, Input, Network
from .networks.notation import network_latex

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
def latex(obj: Any, form: str = "shortest", by: Any = None) -> str:
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
    return formula_latex(obj, as_form(form, by))


@checked
def report_latex(
    derivations: Derivation | Derivations,
    named: Mapping[str, Network] | None = None,
    form: str = "shortest",
    by: Any = None,
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
    heading = rf"\begin{{center}}\Large {escaped(title)}\end{{center}}" + "\n" if title else ""
    return f"{PREAMBLE}{heading}{body}\n\\end{{document}}\n"
