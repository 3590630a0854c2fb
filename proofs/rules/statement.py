"""The two sides of a law about small networks, written as calls: ``norm(conv(x)) = folded(x)``.

A name that is called is a layer, a bare name is what enters; ``f(x) + g(x)`` joins as networks do, with ``|`` for a concatenation
and ``*`` for a product. A layer that is called twice is the same layer with the same weights.

>>> left, right = parse_sides("norm(conv(x)) = folded(x)")
>>> left
Call(layer='norm', arguments=(Call(layer='conv', arguments=(Variable(name='x'),)),))
>>> layers_in(left), variables_in(right)
(('norm', 'conv'), ('x',))
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sympy import Expr

from ...algebra.errors import FieldError
from ...algebra.networks.network import Add, Concat, Graph, Input, Mul, Network
from ...algebra.records import dataclass

Shape = tuple[Expr, ...]
#: What the signs between calls make.
JOINS: Mapping[str, Callable[..., Network]] = {"+": Add, "*": Mul, "|": Concat}
_SIGNS = {ast.Add: "+", ast.Mult: "*", ast.BitOr: "|"}
LONGEST = 400


@dataclass(frozen=True)
class Variable:
    """What enters."""

    name: str


@dataclass(frozen=True)
class Call:
    """A layer on what enters it."""

    layer: str
    arguments: tuple["Side", ...]


@dataclass(frozen=True)
class Joined:
    """Several values joined by one sign."""

    sign: str
    parts: tuple["Side", ...]


Side = Variable | Call | Joined


def parse_sides(text: str) -> tuple[Side, Side]:
    """Both sides of a statement.

    Raises
    ------
    FieldError
        If it is none.
    """
    left, sign, right = text.partition("=")
    if not sign or len(text) > LONGEST:
        raise FieldError(f"a law about networks reads 'norm(conv(x)) = folded(x)', got {text[:80]!r}")
    sides = _read(left, text), _read(right, text)
    if isinstance(sides[0], Variable):
        raise FieldError(f"{text!r}: the left side needs a layer or a join")
    unknown = set(variables_in(sides[1])) - set(variables_in(sides[0]))
    if unknown:
        raise FieldError(f"{text!r}: {', '.join(sorted(unknown))} enters the right side and not the left one")
    return sides


def _read(text: str, whole: str) -> Side:
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise FieldError(f"{whole!r}: {text.strip()[:80]!r} cannot be read; write calls, as in norm(conv(x))") from None
    return _side(tree, whole)


def _side(node: ast.expr, whole: str) -> Side:
    if isinstance(node, ast.Name):
        return Variable(node.id)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args and not node.keywords:
        return Call(node.func.id, tuple(_side(argument, whole) for argument in node.args))
    if isinstance(node, ast.BinOp) and type(node.op) in _SIGNS:
        sign = _SIGNS[type(node.op)]
        parts: list[Side] = []
        for part in (_side(node.left, whole), _side(node.right, whole)):
            parts += part.parts if isinstance(part, Joined) and part.sign == sign else (part,)
        return Joined(sign, tuple(parts))
    raise FieldError(f"{whole!r}: only calls of layers, names of what enters, and the signs + * | stand in a side")


def parts_of(side: Side) -> Iterator[Side]:
    """A side and all that stands in it, what is nearer to the output first."""
    yield side
    for part in side.arguments if isinstance(side, Call) else side.parts if isinstance(side, Joined) else ():
        yield from parts_of(part)


def layers_in(side: Side) -> tuple[str, ...]:
    """The names of the layers, each once."""
    return tuple(dict.fromkeys(part.layer for part in parts_of(side) if isinstance(part, Call)))


def variables_in(side: Side) -> tuple[str, ...]:
    """The names of what enters, each once."""
    return tuple(dict.fromkeys(part.name for part in parts_of(side) if isinstance(part, Variable)))


def as_text(side: Side, names: Mapping[str, str] | None = None) -> str:
    """A side as it is written, with other names for its layers if there are some."""
    if isinstance(side, Variable):
        return side.name
    if isinstance(side, Call):
        called = (names or {}).get(side.layer, side.layer)
        return f"{called}({', '.join(as_text(part, names) for part in side.arguments)})"
    words = [f"({as_text(p, names)})" if isinstance(p, Joined) else as_text(p, names) for p in side.parts]
    return f" {side.sign} ".join(words)


def as_latex(side: Side, names: Mapping[str, str] | None = None) -> str:
    """A side in LaTeX; names are LaTeX already."""
    if isinstance(side, Variable):
        return side.name
    if isinstance(side, Call):
        called = (names or {}).get(side.layer) or rf"\mathrm{{{side.layer}}}".replace("_", r"\_")
        return rf"{called}\left({', '.join(as_latex(part, names) for part in side.arguments)}\right)"
    sign = {"+": "+", "*": r"\odot", "|": r"\mathbin{\Vert}"}[side.sign]
    words = [
        rf"\left({as_latex(part, names)}\right)" if isinstance(part, Joined) else as_latex(part, names)
        for part in side.parts
    ]
    return f" {sign} ".join(words)


@dataclass(frozen=True)
class SideNetwork:
    """A side as a network: its graph, and for each layer the places where it stands."""

    net: Network
    places: Mapping[str, tuple[str, ...]]

    def named(self, arrays: Mapping[str, Mapping[str, Any]], wanted: Sequence[str]) -> dict[str, Any]:
        """Weights of the graph, as `la.weights` calls them, from those of each layer."""
        found = {f"{place}.{tensor}": array for layer, own in arrays.items() for tensor, array in own.items()
                 for place in (layer, *self.places.get(layer, ()))}  # fmt: skip
        return {name: found[name] for name in wanted if name in found}


def network_of(side: Side, layers: Mapping[str, Network], shapes: Mapping[str, Shape], axis: int = 0) -> SideNetwork:
    """A side as a graph that begins with its inputs; a layer that stands twice has one set of weights."""
    nodes: dict[str, Network] = {name: Input(*shapes[name]) for name in shapes}
    edges: list[tuple[str, str]] = []
    places: dict[str, list[str]] = {}
    often = {layer: sum(isinstance(p, Call) and p.layer == layer for p in parts_of(side)) for layer in layers_in(side)}

    def placed(part: Side) -> str:
        if isinstance(part, Variable):
            return f"in_{part.name}"
        below = [placed(inner) for inner in (part.arguments if isinstance(part, Call) else part.parts)]
        if isinstance(part, Call):
            node = layers[part.layer]
            name = part.layer if often[part.layer] == 1 else f"{part.layer}_{len(places.get(part.layer, ())) + 1}"
            places.setdefault(part.layer, []).append(name)
            nodes[name] = node if often[part.layer] == 1 else node.shared(part.layer)
        else:
            name = f"join_{len(nodes)}"
            nodes[name] = Concat(axis=axis) if part.sign == "|" else JOINS[part.sign]()
        for source in below:
            if (source, name) in edges:  # an arrow stands once; a copy of what arrives carries the second
                again = f"again_{len(nodes)}"
                nodes[again] = _copy()
                edges.append((source, again))
                source = again
            edges.append((source, name))
        return name

    nodes = {f"in_{name}": Input(*shape) for name, shape in shapes.items()}
    last = placed(side)
    unused = [name for name in nodes if name.startswith("in_") and name != last and all(name != a for a, _ in edges)]
    for name in unused:
        del nodes[name]
    if last.startswith("in_"):
        return SideNetwork(nodes[last], {})
    return SideNetwork(Graph(nodes, edges), {name: tuple(found) for name, found in places.items()})


def _copy() -> Network:
    from ...layers import REGISTRY

    copy: type[Any] = REGISTRY["Dropout"]
    made: Network = copy(0)
    return made


__all__ = ["Call", "Joined", "Side", "Variable", "parse_sides"]
