"""What is drawn of a network: boxes, columns of them, branches, frames, and graphs; no places yet.

Levels: at ``node`` every layer has a box; at ``block`` what follows a learned map without learning a map itself (a
normalisation, a function) stands in its box; at ``stage`` a named part of the network is one box.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy.logic.boolalg import BooleanAtom, false

from ..derivations.stages import FOLDED, Stage, outline
from ..equations.fields import Number
from ..formulas.table import HARD
from ..formulas.text import formula_text
from ..networks.layer import Layer
from ..networks.network import Graph, Input, Join, Network, Repeat, Selected, Series, Shared, Walk
from ..networks.notation import value_text
from ..networks.steps import Steps
from ..records import dataclass
from .roles import role_of

LEVELS = ("stage", "block", "node", "equation")
LONGEST = 28  # characters of a line
MOST_LINES = 5
WRAPPED = 18


@dataclass(frozen=True)
class Plain:
    """A box with lines; `layers` says how many layers stand in it."""

    lines: tuple[str, ...]
    role: str
    named: bool = False
    of_layers: bool = False


@dataclass(frozen=True)
class Sided:
    """A box, and boxes beside it from which arrows lead to it."""

    box: Plain
    beside: tuple[Plain, ...]


@dataclass(frozen=True)
class Column:
    parts: tuple["Scheme", ...]


@dataclass(frozen=True)
class Branches:
    """Branches of one input and what joins them; None is the input itself."""

    parts: tuple["Scheme | None", ...]
    sign: str


@dataclass(frozen=True)
class Framed:
    part: "Scheme"
    label: str
    kind: str


@dataclass(frozen=True)
class Connected:
    """Nodes of a graph by name, and its edges; nodes in `entries` read what enters the graph.

    Edges of `loops` lead back from below. Nodes that read nothing stand on top, those of `late` over what reads them; `most` limits
    the nodes of a row.
    """

    nodes: tuple[tuple[str, "Scheme"], ...]
    edges: tuple[tuple[str, str], ...]
    entries: tuple[str, ...]
    loops: tuple[tuple[str, str], ...] = ()
    late: frozenset[str] = frozenset()
    most: int | None = None


Scheme = Plain | Sided | Column | Branches | Framed | Connected


def shortened(text: str, longest: int = LONGEST) -> str:
    """A text for a line of a box: printable, and not too long."""
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    return text if len(text) <= longest else text[: longest - 1].rstrip(" ,") + "…"


def shape_text(shape: Sequence[Any]) -> str:
    return " × ".join(formula_text(size) for size in shape)


def layer_lines(layer: Layer) -> tuple[str, ...]:
    """A layer in a line or two: its class, and the fields that are not at their defaults.

    Flags that are off and numbers such as an epsilon are left out.

    >>> from layeralgebra import Conv, LayerNorm
    >>> layer_lines(Conv(64, 7, 2, 3, bias=False)), layer_lines(LayerNorm())
    (('Conv(64, 7, 2, 3)',), ('LayerNorm',))
    """
    words = []
    for name, value, positional in layer.given_fields:
        if value == false or (layer.fields[name] == (Number,) and not positional and name in layer.defaults):
            continue
        if isinstance(value, BooleanAtom):
            words.append(name)
        else:
            words.append(value_text(value) if positional else f"{name} {value_text(value)}")
    name, fields = type(layer).__name__, ", ".join(words)
    whole = f"{name}({fields})" if fields else name
    if len(whole) <= WRAPPED or not fields:
        return (shortened(whole),)
    return shortened(name), shortened(fields)


def _sign(join: Join) -> str:
    if join.has_sign and join.sign in ("+", "-", "*"):
        return {"*": "×", "-": "−"}.get(join.sign, "+")
    return shortened(type(join).__name__.lower(), 12)


class Reading(Walk[Scheme]):
    """Reads a network as a scheme; what is nested deeper than `depth` becomes a box."""

    def __init__(self, level: str, depth: int):
        self.level, self.depth = level, depth

    def summary(self, net: Network) -> Scheme:
        return Plain(_summary(net), "several")

    def layer(self, net: Any, depth: int = 0) -> Scheme:
        return Plain(layer_lines(net), role_of(net), of_layers=True)

    def input(self, net: Input, depth: int = 0) -> Scheme:
        return Plain((shortened(shape_text(net.shape), LONGEST),), "input")

    def series(self, net: Series, depth: int = 0) -> Steps[Scheme]:
        made: list[Scheme] = []
        for part in net.parts:
            made.append((yield part.accept(self, depth)))
        return column(made, merge=self.level != "node")

    def join(self, net: Join, depth: int = 0) -> Steps[Scheme]:
        if not net.branches:
            return Plain((_sign(net),), "joint")
        if depth >= self.depth:
            return self.summary(net)
        made: list[Scheme | None] = []
        for branch in net.branches:
            made.append(None if branch.is_identity else (yield branch.accept(self, depth + 1)))
        return Branches(tuple(made), _sign(net))

    def repeat(self, net: Repeat, depth: int = 0) -> Steps[Scheme]:
        if depth >= self.depth + 2:
            return self.summary(net)
        body = yield net.body.accept(self, depth)
        return Framed(body, shortened(f"× {formula_text(net.times)}", 24), "repeat")

    def shared(self, net: Shared, depth: int = 0) -> Steps[Scheme]:
        return noted((yield net.body.accept(self, depth)), f"weights: {net.name}")

    def select(self, net: Selected, depth: int = 0) -> Steps[Scheme]:
        return noted((yield net.body.accept(self, depth)), f"output: {', '.join(net.names)}")

    def graph(self, net: Graph, depth: int = 0) -> Steps[Scheme]:
        if depth >= self.depth:
            return self.summary(net)
        nodes, before, sources = net.nodes, net.predecessors(), net.sources()
        made = []
        for name in net.order():
            own = yield nodes[name].accept(self, depth + 1)
            if any(port is not None for _, port in sources[name]):
                own = noted(
                    own,
                    "of " + ", ".join(source if port is None else f"{source}.{port}" for source, port in sources[name]),
                )
            if net.several and (ends := [one for one in net.outputs if one.node == name]):
                own = noted(
                    own,
                    "output: "
                    + ", ".join(one.name if one.port is None else f"{one.port} as {one.name}" for one in ends),
                )
            made.append((name, own))
        entries = tuple(name for name in nodes if not before[name] and not nodes[name].has_input)
        edges = tuple((source, name) for name in net.order() for source, _ in sources[name])
        return Connected(tuple(made), edges, entries)

    def otherwise(self, node: Network, *carried: Any, **named: Any) -> Scheme:
        return Plain((shortened(type(node).__name__),), "function")


def noted(scheme: Scheme, note: str) -> Scheme:
    """A scheme with a note: in its box, or in a frame around it.

    >>> noted(Plain(("LSTM(8)",), "map"), "output: c").lines
    ('LSTM(8)', 'output: c')
    """
    if isinstance(scheme, Plain) and scheme.role != "joint" and len(scheme.lines) < MOST_LINES:
        return Plain((*scheme.lines, shortened(note)), scheme.role, scheme.named)
    return Framed(scheme, shortened(note), "shared")


def _summary(net: Network) -> tuple[str, ...]:
    """A network in a few words, in lines; what is nothing but folded stands without its brackets.

    >>> from layeralgebra import Linear, ReLU
    >>> branch = Linear(8) >> ReLU()
    >>> _summary(branch + branch), _summary(branch >> branch >> ReLU())
    (('[2 layers] +', '[2 layers]'), ('5 layers',))
    """
    text = outline(net)
    return _wrapped(text[1:-1] if FOLDED.fullmatch(text) else text)


def _wrapped(text: str) -> tuple[str, ...]:
    """An outline in lines of about the same length; where it is cut short, brackets that are open are closed.

    >>> _wrapped("A + (BatchNorm >> Convolution >> [5 layers] >> BatchNorm >> Convolution >> Hardswish >> Dropout) >> B")
    ('A + (BatchNorm >>', 'Convolution >>', '[5 layers] >>', 'BatchNorm >>', '…)')
    """
    lines = [""]
    for word in FOLDED.sub(lambda found: found[0].replace(" ", HARD), text).split(" "):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > WRAPPED + 4:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    if len(lines) > MOST_LINES:
        lines = [*lines[: MOST_LINES - 1], "…"]
    whole = [line.replace(HARD, " ") for line in lines]
    made = [shortened(line) for line in whole]
    if lines[-1] == "…" or made != whole:
        made[-1] += _closing(" ".join(made))
    return tuple(made)


def _closing(text: str) -> str:
    """The brackets that close what is open.

    >>> _closing("(f + (g >> [3 layers]) | [h")
    '])'
    """
    still: list[str] = []
    for letter in text:
        if letter in "([":
            still.append({"(": ")", "[": "]"}[letter])
        elif still and letter == still[-1]:
            still.pop()
    return "".join(reversed(still))


def column(parts: Sequence[Scheme], merge: bool) -> Scheme:
    """One below the other; with `merge`, what learns no map stands in the box before it."""
    made: list[Scheme] = []
    for part in (inner for given in parts for inner in (given.parts if isinstance(given, Column) else (given,))):
        last = made[-1] if made else None
        if (
            merge
            and isinstance(last, Plain)
            and isinstance(part, Plain)
            and last.of_layers
            and part.of_layers
            and part.role in ("scale", "function", "arrangement")
            and len(last.lines) + len(part.lines) <= MOST_LINES
        ):
            made[-1] = Plain((*last.lines, *part.lines), last.role, of_layers=True)
        else:
            made.append(part)
    return made[0] if len(made) == 1 else Column(tuple(made))


def scheme_of(net: Network, level: str, stages: Sequence[Stage] | None, depth: int) -> Scheme:
    """The scheme of a network at a level, with the stages named if there are any."""
    reading = Reading(level, depth)
    if not stages:
        return reading.of(net, 0)
    parts: list[Scheme] = []
    first = stages[0].upto
    if isinstance(first, Series) and isinstance(first.parts[0], Input):
        parts.append(reading.of(first.parts[0], 0))
    for stage in stages:
        inner = reading.of(stage.part, 0) if level != "stage" else stage_box(stage)
        parts.append(inner if level == "stage" else Framed(inner, shortened(stage.name, 20), "stage"))
    return Column(tuple(parts)) if len(parts) != 1 else parts[0]


def stage_box(stage: Stage) -> Plain:
    """A stage in one box: its name, and in a few words what it is."""
    return Plain((shortened(stage.name), *_summary(stage.part)), "several", named=True)
