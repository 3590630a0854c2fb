"""Tables about networks: node by node, and several networks side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sympy import Expr, Integer

from ..errors import FieldError
from ..formulas.latex import formula_latex
from ..formulas.records import expressions
from ..formulas.table import Marked, Table, evaluated
from ..formulas.text import formula_text
from ..networks.carrier import Loop
from ..networks.layer import Layer
from ..networks.network import Network, as_network
from .derivation import Derivation, Derivations
from .metric import derive

__all__ = ["compare", "derivation_table", "node_table"]

LONGEST_LIST = 40


def node_table(derivations: Derivations, total: bool = True) -> Table:
    """Several derivations of one network, node by node, with or without a line for the whole.

    Nodes inside a symbolic repetition stand once, with the number of copies; in a long list, equal rows are put
    together (``5.0.0 (+2)`` is that node and two others).
    """
    parts = list(derivations)
    if any(part.net != parts[0].net for part in parts):
        raise FieldError("a table of nodes is about one network; for several use compare")
    shown = [part for part in parts if part.metric.name != "output_shape"]
    nodes: dict[str, list[Any]] = {}
    for part in parts:
        for term in part.terms:
            nodes.setdefault(term.path, [term, {}])[1][part.metric.name] = term.value
    rows = []
    for path, (term, values) in nodes.items():
        cells = [values.get(part.metric.name, "") for part in shown]
        copies, where = _copies(term.loops, [*term.output, *(e for cell in cells for e in expressions(cell))])
        rows.append(
            (
                path or ".",
                term.node if isinstance(term.node, Layer) else type(term.node).__name__,
                copies,
                where,
                term.output,
                *cells,
            )
        )
    rows = _put_together(rows) if len(rows) > LONGEST_LIST else rows
    described = [
        (path, node, where or (copies if copies != 1 else ""), *cells) for path, node, copies, where, *cells in rows
    ]
    repeats = any(row[2] for row in described)
    if not repeats:
        described = [(path, node, *cells) for path, node, _, *cells in described]
    columns = (
        "node",
        "layer",
        *(["copies"] if repeats else []),
        "output shape",
        *(part.metric.title for part in shown),
    )
    if not total:
        return Table(columns, tuple(described))
    last = next((part.formula for part in parts if part.metric.name == "output_shape"), "")
    whole = ("total", "", *([""] if repeats else []), last, *(part.formula for part in shown))
    return Table(columns, (*described, whole), last=1)


def derivation_table(derivations: Derivations) -> str:
    """`node_table` as text."""
    return node_table(derivations).text()


def _copies(loops: Sequence[Loop], values: Sequence[Expr]) -> tuple[Expr, str]:
    """How many copies a node has, and the range of an index on which its values depend."""
    copies: Expr = Integer(1)
    ranges, marks = [], []
    for loop in loops:
        copies = copies * loop.times
        if any(value.has(loop.index) for value in values):
            ranges.append(f"{loop.index} = 0..{formula_text(loop.times - 1)}")
            marks.append(rf"$0 \le {formula_latex(loop.index)} < {formula_latex(loop.times)}$")
    return copies, Marked(", ".join(ranges), ", ".join(marks))


def _put_together(rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Rows that differ in their path alone as one, with their copies added."""
    found: dict[tuple[Any, ...], list[Any]] = {}
    for path, node, copies, where, *cells in rows:
        key = (str(node), where, *(str(cell) for cell in cells))
        known = found.setdefault(key, [path, node, Integer(0), where, cells, 0])
        known[2], known[5] = known[2] + copies, known[5] + 1
    return [
        (path if count == 1 else f"{path} (+{count - 1})", node, copies, where, *cells)
        for path, node, copies, where, cells, count in found.values()
    ]


def compare(
    nets: Mapping[str, Network],
    metrics: Sequence[Any] = ("parameters", "macs", "activations"),
    at: Mapping[Any, int] | None = None,
    on: Any = None,
) -> Table:
    """A table of networks and metrics, as formulas or at given sizes.

    Parameters
    ----------
    nets : mapping of str to Network
    metrics : sequence of Metric or str
    at : mapping of name or symbol to int, optional
        Sizes at which everything is evaluated.
    on : shape, optional
        What enters open networks.

    Returns
    -------
    Table
        With `text`, `latex`, `csv`; iterating gives a dict for each row.

    Raises
    ------
    DomainError
        If one of the networks does not exist at the given sizes.

    Examples
    --------
    >>> from layeralgebra import Conv, Linear, dims
    >>> H, c = dims("H c")
    >>> nets = {"full": Conv(c, 3, padding=1), "depthwise": Conv(c, 3, padding=1, groups=c)}
    >>> print(compare(nets, metrics=["parameters", "macs"], on=(c, H, H)))
    network    parameters  MACs
    ---------  ----------  -----------
    full       9*c**2 + c  9*H**2*c**2
    depthwise  10*c        9*H**2*c
    >>> print(compare(nets, metrics=["parameters", "macs"], on=(c, H, H), at={"H": 56, "c": 64}).csv())
    network,parameters,MACs
    full,36928,115605504
    depthwise,640,1806336
    <BLANKLINE>
    """
    if not isinstance(nets, Mapping) or not nets:
        raise FieldError(f"compare takes a mapping of names to networks, got {nets!r}")
    if isinstance(metrics, str) or not metrics:
        raise FieldError(f"compare takes a list of metrics, got {metrics!r}; write metrics=['parameters', 'macs']")
    found = {
        str(name): [derive(metric, as_network(net, f"compare, {name},"), on) for metric in metrics]
        for name, net in nets.items()
    }
    columns = [derivation.metric.title for derivation in next(iter(found.values()))]
    rows: list[tuple[Any, ...]] = [(name, *(part.formula for part in parts)) for name, parts in found.items()]
    if at is not None:
        known = {symbol for parts in found.values() for part in parts for symbol in part.symbols}
        rows = evaluated(rows, known, at)
        _check_domains(found, at)
    notes = tuple(
        f"{title}: {kind} for {_those(found, place, kind)}."
        for place, title in enumerate(columns)
        for kind in dict.fromkeys(parts[place].kind for parts in found.values()) if kind != "exact"
    )  # fmt: skip
    return Table(("network", *columns), tuple(rows), notes=notes)


def _check_domains(found: Mapping[str, Sequence[Derivation]], at: Mapping[Any, int]) -> None:
    """Every network has to exist at the sizes; one that has fewer symbols than the others takes those it has."""
    by_name = {getattr(key, "name", str(key)): value for key, value in at.items()}
    for parts in found.values():
        for part in parts:
            part.domain.check({symbol: by_name[symbol.name] for symbol in part.symbols if symbol.name in by_name})


def _those(found: Mapping[str, Sequence[Derivation]], place: int, kind: str) -> str:
    names = [name for name, parts in found.items() if parts[place].kind == kind]
    return "all" if len(names) == len(found) > 1 else ", ".join(names)
