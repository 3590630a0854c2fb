r"""Networks as LaTeX: an arrow for series, signs for what branches do, an exponent for repetition.

>>> from layeralgebra import Conv, Identity, Linear, ReLU, dims
>>> c, L = dims("c L")
>>> print(network_latex(Linear(c) >> ReLU()))
\operatorname{Linear}(c) \to \operatorname{ReLU}
>>> print(network_latex((Identity() + Linear(c)) ** L))
\left(\operatorname{id} + \operatorname{Linear}(c)\right)^{L}
"""

from __future__ import annotations

from typing import Any

from sympy.core.symbol import Str
from sympy.logic.boolalg import BooleanAtom

from ..formulas.latex import escaped, formula_latex, name_latex, visible_length
from .layer import NOTHING, Layer
from .network import Add, Concat, Graph, Input, Mul, Network, Repeat, Series, Shared

WIDEST = 80
_LEVELS = {Concat: 0, Series: 1, Add: 2, Mul: 3}
_SIGNS = {Concat: r"\mathbin{\Vert}", Series: r"\to", Add: "+", Mul: r"\odot"}
_POWER, _ATOM = 4, 9


def network_latex(net: Network) -> str:
    """A network for math mode; long ones are broken into aligned lines.

    Parameters
    ----------
    net : Network

    Returns
    -------
    str
    """
    return _block(net, WIDEST)


def layer_latex(layer: Layer) -> str:
    r"""A layer with its fields, those at their defaults left out.

    >>> from layeralgebra import Conv
    >>> print(layer_latex(Conv(8, 3, padding=1)))
    \operatorname{Conv}(8, 3, \mathrm{padding}{=}1)
    """
    name = {"Identity": "id"}.get(type(layer).__name__, escaped(type(layer).__name__))
    parts, positional = [], True
    for field, value in layer.values.items():
        if field in layer.defaults and type(layer)._field(field, layer.defaults[field]) == value:
            positional = False
            continue
        shown = field_latex(value)
        word = escaped(field).replace(r"\_", r"\,")
        parts.append(shown if positional and not isinstance(value, BooleanAtom) else rf"\mathrm{{{word}}}{{=}}{shown}")
    return rf"\operatorname{{{name}}}" + (f"({', '.join(parts)})" if parts else "")


def field_latex(value: Any) -> str:
    """The value of a field, for math mode."""
    if value == NOTHING:
        return r"\text{none}"
    if isinstance(value, Str):
        return rf"\text{{{escaped(value.name)}}}"
    return formula_latex(value)


def _line(net: Network) -> tuple[str, int]:
    """A network on one line, and how tightly it binds."""
    if isinstance(net, Layer):
        return layer_latex(net), _ATOM
    if isinstance(net, Input):
        return rf"\operatorname{{Input}}({', '.join(map(formula_latex, net.shape))})", _ATOM
    if isinstance(net, Shared):
        return rf"{_bracketed(net.body, _ATOM)}_{{\text{{{escaped(net.name)}}}}}", _ATOM
    if isinstance(net, Repeat):
        return f"{_bracketed(net.body, _ATOM)}{_times(net)}", _POWER
    if isinstance(net, Graph):
        return _graph(net), _ATOM
    if isinstance(net, (Add, Mul, Concat, Series)):
        parts = net.parts if isinstance(net, Series) else net.branches
        if len(parts) < 2:
            inside = ", ".join(_line(part)[0] for part in parts)
            return rf"\operatorname{{{type(net).__name__}}}({inside})", _ATOM
        level = _LEVELS[type(net)]
        return f" {_sign(net)} ".join(_bracketed(part, level + 1) for part in parts), level
    return rf"\text{{{escaped(str(net))}}}", _ATOM


def _sign(net: Network) -> str:
    """The sign between parts; a concatenation along a numbered axis says which."""
    if isinstance(net, Concat) and net.axis is not None:
        return rf"\mathbin{{\Vert_{{{net.axis}}}}}"
    return _SIGNS[type(net)]


def _times(net: Repeat) -> str:
    if net.index is None:
        return f"^{{{formula_latex(net.times)}}}"
    return f"^{{{formula_latex(net.times)}}}_{{{formula_latex(net.index)} = 0}}"


def _bracketed(net: Network, level: int) -> str:
    text, own = _line(net)
    return text if own >= level else rf"\left({text}\right)"


def _block(net: Network, width: int) -> str:
    """A network on one line if it fits, else as an array of lines."""
    line = _line(net)[0]
    if visible_length(line) <= width or isinstance(net, (Layer, Input, Graph)):
        return line
    if isinstance(net, Repeat):
        return rf"\left({_block(net.body, width - 4)}\right){_times(net)}"
    if isinstance(net, Shared):
        return rf"\left({_block(net.body, width - 4)}\right)_{{\text{{{escaped(net.name)}}}}}"
    parts = net.parts if isinstance(net, Series) else net.branches  # type: ignore[attr-defined]
    sign = _sign(net)
    level = _LEVELS[type(net)] + 1
    lines: list[str] = []
    for part in parts:
        short = _bracketed(part, level)
        fits = visible_length(short) <= width - 4
        made = short if fits else _block(part, width - 4)
        if not fits and isinstance(part, (Add, Mul, Concat, Series)):
            made = rf"\left({made}\right)"
        if lines and fits and visible_length(f"{lines[-1]} xx {made}") <= width and r"\begin" not in lines[-1]:
            lines[-1] += f" {sign} {made}"
        else:
            lines.append(made if not lines else f"{{}} {sign} {made}")
    body = " \\\\\n".join(f"& {line}" for line in lines)
    return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"


def _graph(net: Graph) -> str:
    """The nodes of a graph, each with what it is applied to."""
    before, nodes = net.predecessors(), net.nodes
    rows = []
    for name in net.order():
        sources = [node_latex(source) for source in before[name]]
        node = nodes[name]
        if isinstance(node, (Add, Mul, Concat)) and not node.branches:
            made = f" {_sign(node)} ".join(sources)
        else:
            entering = (
                "" if not sources else rf"{sources[0]} \to " if len(sources) == 1 else rf"({', '.join(sources)}) \to "
            )
            made = entering + _block(node, WIDEST - 20)
        rows.append(f"{node_latex(name)} &= {made}")
    body = " \\\\\n".join(rows)
    return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"


def node_latex(name: str) -> str:
    """The name of a node of a graph."""
    return name_latex(name) if len(name) == 1 else rf"\texttt{{{escaped(name)}}}"
