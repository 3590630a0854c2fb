"""Networks as drawings in the languages of other tools: DOT, Mermaid and GraphML.

A repetition is one node with the number of its copies. Names and labels are text for the language at hand, whatever they hold:
nothing in them can end a label or begin a command.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..arguments import checked
from ..errors import FieldError
from ..formulas.text import formula_text
from ..writing import write_text
from .network import Input, Join, Network, Repeat, Selected, Series, Shared, Walk
from .steps import Steps

if TYPE_CHECKING:
    import networkx

MOST_LINES = 6
LONGEST_LINE = 60


def _printable(text: str) -> str:
    """Without characters that control something, and without halves of surrogate pairs."""
    return "".join(character if character.isprintable() else " " for character in text)


def _line(text: str) -> str:
    text = _printable(text)
    return text if len(text) <= LONGEST_LINE else text[: LONGEST_LINE - 3] + "..."


def label_lines(net: Network) -> list[str]:
    """What stands on the node of a network: one line for each of its parts, and last the number of copies.

    Parameters
    ----------
    net : Network

    Returns
    -------
    list of str

    Examples
    --------
    >>> from layeralgebra import Linear, ReLU, dims
    >>> label_lines((Linear(4) >> ReLU()) ** dims("L"))
    ['Linear(4)', 'ReLU()', 'x L']
    """
    return _Labels().of(net)


class _Labels(Walk[list[str]]):
    """The lines on a node."""

    def otherwise(self, net: Network, *carried: object) -> list[str]:
        return [_line(str(net))]

    def input(self, net: Input) -> list[str]:
        return [_line(f"Input({', '.join(map(formula_text, net.shape))})"), *map(_line, map(str, net.where))]

    def series(self, net: Series) -> Steps[list[str]]:
        lines: list[str] = []
        for part in net.parts:
            lines += yield part.accept(self)
        if len(lines) > MOST_LINES:
            lines = [*lines[: MOST_LINES - 2], f"... {len(lines) - MOST_LINES + 1} more ...", lines[-1]]
        return lines

    def join(self, net: Join) -> list[str]:
        return self.otherwise(net) if net.branches else [net.label]

    def repeat(self, net: Repeat) -> Steps[list[str]]:
        return [*(yield net.body.accept(self)), _line(f"x {formula_text(net.times)}")]

    def select(self, net: Selected) -> Steps[list[str]]:
        return [*(yield net.body.accept(self)), _line(f"gives {', '.join(net.names)}")]

    def shared(self, net: Shared) -> Steps[list[str]]:
        return [*(yield net.body.accept(self)), _line(f"shared: {net.name}")]


class _Attributes(Walk[dict[str, str]]):
    """What GraphML keeps of a node besides its kind and its text."""

    def repeat(self, net: Repeat) -> dict[str, str]:
        return {"times": _printable(str(net.times))}

    def otherwise(self, net: Network, *carried: object) -> dict[str, str]:
        return {}


def _numbered(graph: "networkx.DiGraph") -> dict[str, str]:
    """Names that every language takes."""
    return {name: f"n{place}" for place, name in enumerate(graph.nodes)}


def _arrows(graph: "networkx.DiGraph") -> list[tuple[str, str]]:
    """Edges in the order in which they arrive at their nodes."""
    return [
        (a, b)
        for node in graph.nodes
        for a, b, _ in sorted(graph.in_edges(node, data="order"), key=lambda edge: edge[2])
    ]


def _of(net: object, asked: str) -> "networkx.DiGraph":
    if not isinstance(net, Network):
        raise FieldError(f"{asked} draws a network, got {type(net).__name__}; write {asked}(la.Linear(4) >> la.ReLU())")
    return net.to_networkx()


@checked
def to_dot(net: Network) -> str:
    r"""A network in the language of Graphviz.

    Parameters
    ----------
    net : Network

    Returns
    -------
    str

    Raises
    ------
    FieldError
        If `net` is no network.

    Examples
    --------
    >>> from layeralgebra import Linear, ReLU
    >>> print(to_dot(Linear(4) >> ReLU()))
    digraph network {
      node [shape=box, fontname="Helvetica"];
      n0 [label="Linear(4)", tooltip="0"];
      n1 [label="ReLU()", tooltip="1"];
      n0 -> n1;
    }

    References
    ----------
    Graphviz, "DOT language", https://graphviz.org/doc/info/lang.html
    """
    graph = _of(net, "to_dot")
    numbers = _numbered(graph)
    lines = ["digraph network {", '  node [shape=box, fontname="Helvetica"];']
    for name, layer in graph.nodes(data="layer"):
        label = "\\n".join(map(_dot, label_lines(layer)))
        lines.append(f'  {numbers[name]} [label="{label}", tooltip="{_dot(_line(name))}"];')
    lines += [f"  {numbers[a]} -> {numbers[b]};" for a, b in _arrows(graph)]
    return "\n".join([*lines, "}"])


_DOT = {"\\": "\\\\", '"': '\\"', "&": "&amp;", "<": "&lt;", ">": "&gt;"}


def _dot(text: str) -> str:
    """Inside quotation marks; Graphviz reads entities of HTML there as well."""
    return "".join(_DOT.get(character, character) for character in text)


@checked
def to_mermaid(net: Network) -> str:
    """A network as a Mermaid flowchart, which many viewers of Markdown draw.

    Parameters
    ----------
    net : Network

    Returns
    -------
    str

    Raises
    ------
    FieldError
        If `net` is no network.

    Examples
    --------
    >>> from layeralgebra import Linear, ReLU
    >>> print(to_mermaid(Linear(4) >> ReLU()))
    flowchart TD
      n0["Linear#40;4#41;"]
      n1["ReLU#40;#41;"]
      n0 --> n1

    References
    ----------
    Mermaid, "Flowcharts: special characters", https://mermaid.js.org/syntax/flowchart.html
    """
    graph = _of(net, "to_mermaid")
    numbers = _numbered(graph)
    lines = ["flowchart TD"]
    for name, layer in graph.nodes(data="layer"):
        lines.append(f'  {numbers[name]}["{"<br/>".join(map(_mermaid, label_lines(layer)))}"]')
    lines += [f"  {numbers[a]} --> {numbers[b]}" for a, b in _arrows(graph)]
    return "\n".join(lines)


def _mermaid(text: str) -> str:
    """Letters and digits as they are; every other character by its number, since Mermaid has several ways to read most of them."""
    return "".join(c if c.isalnum() or c in " ,._" else f"#{ord(c)};" for c in text)


@checked
def to_graphml(net: Network, path: str | Path | None = None, *, overwrite: bool = False) -> str:
    """A network as GraphML: nodes with ``kind`` and ``layer``, edges with ``order``, all as text.

    Parameters
    ----------
    net : Network
    path : str or Path, optional
        Where to write it.
    overwrite : bool
        Whether what is there already is replaced.

    Returns
    -------
    str
        The text, whether written or not.

    Raises
    ------
    FileError
        If the file cannot be written, or is there already.
    FieldError
        If `net` is no network.

    Examples
    --------
    >>> import networkx
    >>> from layeralgebra import Linear, ReLU
    >>> back = networkx.parse_graphml(to_graphml(Linear(4) >> ReLU()))
    >>> [back.nodes[name]["layer"] for name in back]
    ['Linear(4)', 'ReLU()']
    """
    import networkx

    graph = _of(net, "to_graphml")
    plain = networkx.DiGraph()
    numbers = _numbered(graph)
    for name, layer in graph.nodes(data="layer"):
        repeated = _Attributes().of(layer)
        plain.add_node(
            numbers[name], name=_printable(name), kind=type(layer).__name__, layer=_printable(str(layer)), label="\n".join(label_lines(layer)),
            **repeated,
        )  # fmt: skip
    for a, b, order in graph.edges(data="order"):
        plain.add_edge(numbers[a], numbers[b], order=str(order))
    text = "\n".join(networkx.generate_graphml(plain))
    if path is not None:
        write_text(path, text, overwrite=overwrite)
    return text
