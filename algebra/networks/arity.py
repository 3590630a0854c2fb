"""How many inputs a network takes, as far as its first layers tell, and whether outputs fit them."""

from __future__ import annotations

from typing import Any

from ..errors import GraphError, UnsupportedError


def inputs_taken(net: Any) -> int | None:
    """The number of inputs of whatever a network begins with; None where that is a join of all that arrives, or several nodes.

    >>> from layeralgebra import CrossAttention, Linear, ReLU
    >>> inputs_taken(Linear(2) >> ReLU()), inputs_taken(CrossAttention(3))
    (1, 2)
    """
    while True:
        if hasattr(net, "input_names"):
            return len(net.input_names)
        if net.kind in ("series", "join") and net.args:
            net = net.args[0]
        elif net.kind in ("shared", "repeat", "select"):
            net = net.body
        else:
            return None


def must_fit(before: Any, after: Any) -> None:
    """Outputs enter a network by position, if it takes so many; else one has to be chosen."""
    taken = inputs_taken(after) if before.several else None
    if taken is None or taken == len(before.several):
        return
    names = before.several
    raise GraphError(
        f"{_short(before)} has {len(names)} outputs ({', '.join(names)}), and {_short(after)} takes {taken}\n"
        f"  write instead: f[{names[0]!r}] >> g, with the output that it takes"
    )


def must_be_one(branches: Any, sign: str) -> None:
    """What is joined has one output each."""
    for branch in branches:
        if branch.several:
            names = branch.several
            raise GraphError(
                f"{_short(branch)} has {len(names)} outputs ({', '.join(names)}), and {sign} joins branches of one output each\n"
                f"  write instead: f[{names[0]!r}] in its place, or a Graph with an edge for each output"
            )


def must_have_one(net: Any, what: str) -> None:
    """For what follows one output of a whole network."""
    if net.several:
        raise UnsupportedError(
            f"this network has several outputs ({', '.join(net.several)}), and {what} is that of one; write net[{net.several[0]!r}]"
        )


def _short(net: Any) -> str:
    text = str(net)
    return text if len(text) <= 80 else f"{text[:77]}..."
