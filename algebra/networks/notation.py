"""Layers and networks as the Python text that builds them again."""

from __future__ import annotations

from sympy import Basic, Rational, Tuple
from sympy.core.symbol import Str
from sympy.logic.boolalg import BooleanAtom

from .layer import NOTHING, Layer
from .network import Add, Concat, Graph, Input, Mul, Network, Repeat, Series, Shared

_LEVELS = {Concat: 0, Series: 1, Add: 2, Mul: 3}
_SIGNS = {Concat: " | ", Series: " >> ", Add: " + ", Mul: " * "}
_ATOM = 9


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


def layer_text(layer: Layer) -> str:
    """A call of the class, fields at their defaults left out."""
    parts, positional = [], True
    for name, value in layer.values.items():
        if name in layer.defaults and type(layer)._field(name, layer.defaults[name]) == value:
            positional = False
            continue
        parts.append(value_text(value) if positional else f"{name}={value_text(value)}")
    return f"{type(layer).__name__}({', '.join(parts)})"


def network_text(net: Network) -> str:
    """A network as it would be written; `eval` of the text, in a namespace with the names, gives the network."""
    return _text(net)[0]


def _text(net: Network) -> tuple[str, int]:
    if isinstance(net, Layer):
        return layer_text(net), _ATOM
    if isinstance(net, Input):
        return f"Input({', '.join(map(str, net.shape))})", _ATOM
    if isinstance(net, Shared):
        return f"{_within(net.body, _ATOM)}.shared({net.name!r})", _ATOM
    if isinstance(net, Repeat):
        if net.index is not None:
            return f"Repeat({network_text(net.body)}, {net.times}, {net.index})", _ATOM
        times = str(net.times)
        return f"{_within(net.body, 5)} ** {times if times.isalnum() else f'({times})'}", 4
    if isinstance(net, Graph):
        nodes = ", ".join(f"{name!r}: {network_text(node)}" for name, node in net.nodes.items())
        return f"Graph({{{nodes}}}, {net.edges})", _ATOM
    if isinstance(net, (Add, Mul, Concat, Series)):
        parts = net.parts if isinstance(net, Series) else net.branches
        special = isinstance(net, Concat) and net.axis is not None
        if special or len(parts) < 2:
            inside = ", ".join(network_text(part) for part in parts)
            axis = f"{', ' if inside else ''}axis={net.axis}" if special else ""  # type: ignore[attr-defined]
            return f"{type(net).__name__}({inside}{axis})", _ATOM
        level = _LEVELS[type(net)]
        return _SIGNS[type(net)].join(_within(part, level + 1) for part in parts), level
    return f"{type(net).__name__}({', '.join(map(str, net.args))})", _ATOM


def _within(net: Network, level: int) -> str:
    text, own = _text(net)
    return text if own >= level else f"({text})"
