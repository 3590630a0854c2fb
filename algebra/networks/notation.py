r"""Layers and networks written down, in two notations: the Python text that builds them again, and LaTeX.

>>> from layeralgebra import Identity, Linear, ReLU, dims
>>> c, L = dims("c L")
>>> print(network_latex(Linear(c) >> ReLU()))
\operatorname{Linear}(c) \to \operatorname{ReLU}
>>> print(network_latex((Identity() + Linear(c)) ** L))
\left(\operatorname{id} + \operatorname{Linear}(c)\right)^{L}

This file knows signs, levels and brackets and no class; each node says its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sympy import Basic, Rational, Tuple
from sympy.core.symbol import Str
from sympy.logic.boolalg import BooleanAtom

from ..equations.fields import NOTHING
from ..formulas.latex import escaped, flat_latex, formula_latex, name_latex, visible_length
from ..typesetting.displays import aligned, folded
from ..typesetting.measured import width_of
from ..typesetting.style import current
from .steps import Steps, carried_out

WIDEST = 80
_POWER, _ATOM = (
    4,
    9,
)  # how tightly a power and a name bind; signs bind less, each as tightly as the `level` of its node says
Written = tuple[str, int]
"""A text and how tightly it binds."""


def value_text(value: Basic) -> str:
    """The value of a field as Python would be given it."""
    if value == NOTHING:
        return "None"
    if isinstance(value, BooleanAtom):
        return str(bool(value))
    if isinstance(value, Str):
        return repr(value.name)
    if isinstance(value, Tuple):
        return "(" + ", ".join(map(value_text, value)) + ("," if len(value) == 1 else "") + ")"
    if isinstance(value, Rational) and not value.is_Integer:
        as_float = float(value)
        return repr(as_float) if Rational(repr(as_float)) == value else f"Rational({value.p}, {value.q})"
    return str(value)


def layer_text(layer: Any) -> str:
    """A call of the class, fields at their defaults left out."""
    return _Text().line(layer)


def network_text(net: Any) -> str:
    """A network as it would be written; `eval` of the text, in a namespace with the names, gives the network."""
    return _Text().line(net)


def network_latex(net: Any) -> str:
    """A network for math mode; long ones are broken into aligned lines.

    Parameters
    ----------
    net : Network

    Returns
    -------
    str
    """
    style = current()
    if style is not None:
        rows = network_rows(net, style.points)
        return rows[0].removeprefix("& ") if len(rows) == 1 else aligned(folded(rows, style.points))
    made: str = carried_out(_block(_Latex(), net, WIDEST))
    return made


MOST_DIRECT = 260.0
"""Points: parts of a network that are wider than this, or than a line, have a name and a row of their own."""


def network_rows(net: Any, width: float) -> list[str]:
    """A network as rows, each ``name &= ...``, in which parts that are too wide for a line have names."""
    writer = _Named(min(MOST_DIRECT, 0.9 * width))
    first = carried_out(writer.whole(net))
    if first is not None:
        writer.rows.insert(0, first)
    return writer.rows


def field_latex(value: Any) -> str:
    """The value of a field, for math mode."""
    if value == NOTHING:
        return r"\text{none}"
    if isinstance(value, Str):
        return rf"\text{{{escaped(value.name)}}}"
    if current() is not None and isinstance(value, Rational):
        return flat_latex(value)
    return formula_latex(value)


class _Notation:
    """What both notations share: signs between parts, brackets by levels. Each network is written once."""

    brackets = ("(", ")")

    def __init__(self) -> None:
        self.known: dict[Any, Written] = {}

    def written(self, net: Any) -> Steps[Written]:
        if net not in self.known:
            self.known[net] = yield net.accept(self)
        return self.known[net]

    def line(self, net: Any) -> str:
        made: Written = carried_out(self.written(net))
        return made[0]

    def lines(self, nets: Iterable[Any]) -> Steps[list[str]]:
        made = []
        for net in nets:
            text, _ = yield self.written(net)
            made.append(text)
        return made

    def bracketed(self, net: Any, level: int) -> Steps[str]:
        text, own = yield self.written(net)
        return text if own >= level else text.join(self.brackets)

    def between(self, net: Any, sign: str) -> Steps[Written]:
        made = []
        for part in net.parts:
            made.append((yield self.bracketed(part, net.level + 1)))
        return f" {sign} ".join(made), net.level


class _Text(_Notation):
    def layer(self, net: Any) -> Written:
        fields = [
            value_text(value) if positional else f"{name}={value_text(value)}"
            for name, value, positional in net.given_fields
        ]
        return f"{type(net).__name__}({', '.join(fields)})", _ATOM

    def input(self, net: Any) -> Written:
        stated = [f"where={net.where[0] if len(net.where) == 1 else list(net.where)}"] if net.where else []
        return f"Input({', '.join([*map(str, net.shape), *stated])})", _ATOM

    def series(self, net: Any) -> Steps[Written]:
        if net.has_sign and len(net.parts) > 1:
            return (yield self.between(net, net.sign))
        inside = [*(yield self.lines(net.parts)), *([net.options] if net.options else [])]
        return f"{type(net).__name__}({', '.join(inside)})", _ATOM

    join = series

    def repeat(self, net: Any) -> Steps[Written]:
        if net.index is not None:
            (body,) = yield self.lines([net.body])
            return f"Repeat({body}, {net.times}, {net.index})", _ATOM
        times = str(net.times)
        body = yield self.bracketed(net.body, _POWER + 1)
        return f"{body} ** {times if times.isalnum() else f'({times})'}", _POWER

    def shared(self, net: Any) -> Steps[Written]:
        return f"{(yield self.bracketed(net.body, _ATOM))}.shared({net.name!r})", _ATOM

    def graph(self, net: Any) -> Steps[Written]:
        texts = yield self.lines(net.nodes.values())
        nodes = ", ".join(f"{name!r}: {text}" for name, text in zip(net.nodes, texts))
        outputs = f", outputs={_outputs_text(net)}" if len(net.args) > 2 else ""
        return f"Graph({{{nodes}}}, {net.edges}{outputs})", _ATOM

    def select(self, net: Any) -> Steps[Written]:
        return f"{(yield self.bracketed(net.body, _ATOM))}[{', '.join(map(repr, net.names))}]", _ATOM

    def otherwise(self, net: Any) -> Written:
        return f"{type(net).__name__}({', '.join(map(str, net.args))})", _ATOM


class _Latex(_Notation):
    brackets = (r"\left(", r"\right)")

    def layer(self, net: Any) -> Written:
        fields = []
        for name, value, positional in net.given_fields:
            shown, word = field_latex(value), escaped(name).replace(r"\_", r"\,")
            plain = positional and not isinstance(value, BooleanAtom)
            fields.append(shown if plain else rf"\mathrm{{{word}}}{{=}}{shown}")
        named = {"Identity": "id"}.get(type(net).__name__, escaped(type(net).__name__))
        return rf"\operatorname{{{named}}}" + (f"({', '.join(fields)})" if fields else ""), _ATOM

    def input(self, net: Any) -> Written:
        stated = rf";\ {', '.join(map(formula_latex, net.where))}" if net.where else ""
        return rf"\operatorname{{Input}}({', '.join(map(formula_latex, net.shape))}{stated})", _ATOM

    def series(self, net: Any) -> Steps[Written]:
        if net.latex_sign and len(net.parts) > 1:
            return (yield self.between(net, net.latex_sign))
        return _call(net, (yield self.lines(net.parts))), _ATOM

    join = series

    def repeat(self, net: Any) -> Steps[Written]:
        return f"{(yield self.bracketed(net.body, _ATOM))}{_times(net)}", _POWER

    def shared(self, net: Any) -> Steps[Written]:
        return rf"{(yield self.bracketed(net.body, _ATOM))}_{{\text{{{escaped(net.name)}}}}}", _ATOM

    def select(self, net: Any) -> Steps[Written]:
        names = ", ".join(map(node_latex, net.names))
        return f"{(yield self.bracketed(net.body, _ATOM))}_{{{names}}}", _POWER

    def graph(self, net: Any) -> Steps[Written]:
        """The nodes of a graph, each with what it is applied to."""
        before, nodes = net.sources(), net.nodes
        rows = []
        for name in net.order():
            sources = [_port_latex(source, port) for source, port in before[name]]
            applied = yield nodes[name].accept(_Applied(self), sources)
            rows.append(f"{node_latex(name)} &= {applied}")
        rows += _outputs_row(net)
        body = " \\\\\n".join(rows)
        return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}", _ATOM

    def otherwise(self, net: Any) -> Written:
        return rf"\text{{{escaped(str(net))}}}", _ATOM


class _Named(_Latex):
    """Writes what is too wide for a line in rows of their own, under names that equal parts share."""

    def __init__(self, room: float) -> None:
        super().__init__()
        self.room = room
        self.rows: list[str] = []
        self.names: dict[Any, str] = {}

    def whole(self, net: Any) -> Steps[str | None]:
        """The row of the whole network; None where its rows are there already."""
        if hasattr(net, "predecessors"):
            yield self.nodes(net)
            return None
        made: Written = yield net.accept(self)
        return f"& {made[0]}"

    def written(self, net: Any) -> Steps[Written]:
        if net in self.names:
            return f"{{{self.names[net]}}}", _ATOM
        if net not in self.known:
            if hasattr(net, "predecessors"):
                place = len(self.rows)
                name = self.name(net)
                yield self.nodes(net)
                self.rows.insert(
                    place,
                    rf"{name} &= \text{{the graph }} {node_latex(net.order()[0])}, \ldots, {node_latex(net.order()[-1])}:",
                )
                self.known[net] = (f"{{{name}}}", _ATOM)
            else:
                made: Written = yield net.accept(self)
                if (hasattr(net, "parts") or hasattr(net, "body")) and width_of(made[0]) > self.room:
                    name = self.name(net)
                    self.rows.append(f"{name} &= {made[0]}")
                    made = f"{{{name}}}", _ATOM
                self.known[net] = made
        return self.known[net]

    def name(self, net: Any) -> str:
        style = current()
        letter = "B" if style is None else style.letters.tensor("networks", "block", "B", "a part of the network")
        self.names[net] = f"{letter}_{{{len(self.names) + 1}}}"
        return self.names[net]

    def nodes(self, net: Any) -> Steps[None]:
        before, nodes = net.sources(), net.nodes
        rows = []
        for name in net.order():
            sources = [_port_latex(source, port) for source, port in before[name]]
            own = nodes[name]
            joins = len(sources) > 1 and hasattr(own, "parts") and not own.parts and hasattr(own, "latex_sign")
            if joins:
                applied = f" {own.latex_sign} ".join(sources) if own.latex_sign else _call(own, sources)
            else:
                text, _ = yield self.written(own)
                entering = (
                    f"{sources[0]} \\to " if len(sources) == 1 else f"({', '.join(sources)}) \\to " if sources else ""
                )
                applied = entering + text
            rows.append(f"{node_latex(name)} &= {applied}")
        self.rows += rows + _outputs_row(net)
        return None


class _Applied:
    """The node of a graph after the names of the nodes that feed it."""

    def __init__(self, notation: _Latex):
        self.notation = notation

    def layer(self, net: Any, sources: list[str]) -> Steps[str]:
        entering = ""
        if sources:
            entering = rf"{sources[0]} \to " if len(sources) == 1 else rf"({', '.join(sources)}) \to "
        return entering + (yield _block(self.notation, net, WIDEST - 20))

    input = series = repeat = shared = select = graph = otherwise = layer

    def join(self, net: Any, sources: list[str]) -> str | Steps[str]:
        if net.parts:
            return self.layer(net, sources)
        return f" {net.latex_sign} ".join(sources) if net.latex_sign else _call(net, sources)


class _Broken:
    """A network too wide for a line, as an array of lines."""

    def __init__(self, notation: _Latex):
        self.notation = notation

    def layer(self, net: Any, width: int) -> Steps[str]:
        (line,) = yield self.notation.lines([net])
        return line

    input = graph = select = otherwise = layer

    def repeat(self, net: Any, width: int) -> Steps[str]:
        return rf"\left({(yield _block(self.notation, net.body, width - 4))}\right){_times(net)}"

    def shared(self, net: Any, width: int) -> Steps[str]:
        return rf"\left({(yield _block(self.notation, net.body, width - 4))}\right)_{{\text{{{escaped(net.name)}}}}}"

    def series(self, net: Any, width: int) -> Steps[str]:
        sign = net.latex_sign
        if not sign:
            return (yield self.layer(net, width))
        lines: list[str] = []
        for part in net.parts:
            short = yield self.notation.bracketed(part, net.level + 1)
            fits = visible_length(short) <= width - 4
            made = short if fits else (yield _block(self.notation, part, width - 4))
            if not fits and hasattr(part, "latex_sign"):
                made = rf"\left({made}\right)"
            if lines and fits and visible_length(f"{lines[-1]} xx {made}") <= width and r"\begin" not in lines[-1]:
                lines[-1] += f" {sign} {made}"
            else:
                lines.append(made if not lines else f"{{}} {sign} {made}")
        body = " \\\\\n".join(f"& {line}" for line in lines)
        return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"

    join = series


def _block(notation: _Latex, net: Any, width: int) -> Steps[str]:
    """A network on one line if it fits, else as an array of lines."""
    (line,) = yield notation.lines([net])
    if visible_length(line) <= width:
        return line
    made: str = yield net.accept(_Broken(notation), width)
    return made


def _call(net: Any, parts: Iterable[str]) -> str:
    return rf"\operatorname{{{escaped(type(net).__name__)}}}({', '.join(parts)})"


def _times(net: Any) -> str:
    below = "" if net.index is None else f"_{{{formula_latex(net.index)} = 0}}"
    return f"^{{{formula_latex(net.times)}}}{below}"


def _outputs_text(net: Any) -> str:
    ends = {one.name: one.node if one.port is None else (one.node, one.port) for one in net.outputs}
    return str(list(ends) if all(name == end for name, end in ends.items()) else ends)


def _outputs_row(net: Any) -> list[str]:
    """What comes out of a graph of several outputs, as a row."""
    if not net.several:
        return []
    made = (_port_latex(one.node, one.port) for one in net.outputs)
    return [rf"({', '.join(map(node_latex, net.several))}) &= ({', '.join(made)})"]


def _port_latex(node: str, port: str | None) -> str:
    """A node of a graph, or one of its outputs."""
    return node_latex(node) if port is None else f"{node_latex(node)}_{{{node_latex(port)}}}"


def node_latex(name: str) -> str:
    """The name of a node of a graph."""
    return name_latex(name) if len(name) == 1 else rf"\texttt{{{escaped(name)}}}"
