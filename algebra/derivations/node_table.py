"""Derivations of one network as a table, node by node."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sympy import Expr, Integer

from ..arguments import checked, shown
from ..errors import FieldError
from ..formulas.cells import Marked
from ..formulas.latex import formula_latex
from ..formulas.records import expressions
from ..formulas.table import Table
from ..formulas.text import formula_text
from ..networks.carrier import Loop
from ..networks.layer import Layer
from .terms import Derived

__all__ = ["derivation_table", "node_table"]

LONGEST_LIST = 40


@checked
def node_table(derivations: Derived | Iterable[Derived], total: bool = True) -> Table:
    """Several derivations of one network, node by node, with or without a line for the whole.

    Nodes inside a symbolic repetition stand once, with the number of copies; in a long list, equal rows are put
    together (``5.0.0 (+2)`` is that node and two others).

    Parameters
    ----------
    derivations : Derivation, Derivations or sequence of Derivation
        Of one network.
    total : bool
        Whether the last line is the whole.

    Returns
    -------
    Table

    Raises
    ------
    FieldError
        If there is no derivation, or they are of different networks.

    Examples
    --------
    >>> from layeralgebra import Input, Linear, ReLU, derive
    >>> net = Input(3) >> Linear(4) >> ReLU()
    >>> print(node_table(derive("parameters", net) + derive("macs", net)))
    node   layer      output shape  parameters  MACs
    -----  ---------  ------------  ----------  ----
    1      Linear(4)  (4,)          16          12
    2      ReLU()     (4,)          0           0
    -----  ---------  ------------  ----------  ----
    total                           16          12
    """
    parts = [derivations] if isinstance(derivations, Derived) else list(derivations)
    if not parts:
        raise FieldError("a table of nodes needs a derivation; write node_table(derive(macs, net))")
    if not all(isinstance(part, Derived) for part in parts):
        raise FieldError(f"node_table takes derivations, got {shown(derivations)}")
    if any(part.net != parts[0].net for part in parts):
        raise FieldError("a table of nodes is about one network; for several use compare")
    columns_of = [part for part in parts if part.metric.name != "output_shape"]
    nodes: dict[str, list[Any]] = {}
    for part in parts:
        for term in part.terms:
            nodes.setdefault(term.path, [term, {}])[1][part.metric.name] = term.value
    rows = []
    for path, (term, values) in nodes.items():
        cells = [values.get(part.metric.name, "") for part in columns_of]
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
        *(part.metric.title for part in columns_of),
    )
    if not total:
        return Table(columns, tuple(described))
    last = next((part.formula for part in parts if part.metric.name == "output_shape"), "")
    whole = ("total", "", *([""] if repeats else []), last, *(part.formula for part in columns_of))
    return Table(columns, (*described, whole), last=1)


def derivation_table(derivations: Iterable[Derived], form: str = "shortest", by: Any = None) -> str:
    """`node_table` as text."""
    return node_table(derivations).text(form=form, by=by)


def _copies(loops: Sequence[Loop], values: Sequence[Expr]) -> tuple[Expr, str]:
    """How many copies a node has, and the range of an index on which its values depend."""
    copies: Expr = Integer(1)
    ranged: list[Loop] = []
    for loop in loops:
        copies = copies * loop.times
        if any(value.has(loop.index) for value in values):
            ranged.append(loop)

    def mark(loop: Loop) -> str:
        return rf"$0 \le {formula_latex(loop.index)} < {formula_latex(loop.times)}$"

    text = ", ".join(f"{loop.index} = 0..{formula_text(loop.times - 1)}" for loop in ranged)
    return copies, Marked(text, lambda: ", ".join(map(mark, ranged)))


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
