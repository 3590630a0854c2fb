"""Where a term has a value: divisors are not zero, exponents are not negative. A proof owes this beside its goal.

>>> from layeralgebra.proofs.statements.term import Integer, Var, sum_
>>> n, s = Var("n"), Var("s")
>>> for path, condition in conditions(sum_(lambda i: (n + i) // s, n) + 2 ** n):
...     print(path, condition)
(0 <= i, i < n) s != 0
() n >= 0
"""

from __future__ import annotations

from collections.abc import Iterator

from .term import (
    CeilDiv,
    Const,
    Div,
    FloorDiv,
    Formula,
    Ite,
    Mod,
    Node,
    Not,
    Pow,
    Sum,
    Var,
    free_names,
    fresh_name,
    ne,
    substitute,
)


def conditions(node: Node, taken: frozenset[str] = frozenset()) -> Iterator[tuple[tuple[Formula, ...], Formula]]:
    """Pairs of a path and a condition: the node has a value where each condition holds whose path does.

    A path holds what may be assumed at that place: which branch was taken, and between which bounds an index runs.
    Indices are renamed where they would meet a name in ``taken``.
    """
    if isinstance(node, (Div, FloorDiv, CeilDiv, Mod)):
        divisor = node.denominator
        if not (isinstance(divisor, Const) and divisor.value != 0):
            yield (), ne(divisor, 0)
    if isinstance(node, Pow) and not (isinstance(node.exponent, Const) and node.exponent.value >= 0):
        yield (), node.exponent >= 0
    if isinstance(node, Ite):
        yield from conditions(node.condition, taken)
        for path, branch in ((node.condition, node.then), (Not(node.condition), node.otherwise)):
            yield from _under((path,), branch, taken)
    elif isinstance(node, Sum):
        yield from conditions(node.low, taken)
        yield from conditions(node.high, taken)
        taken = taken | free_names(node)
        index = Var(fresh_name(node.index.name, taken))
        body = substitute(node.body, {node.index.name: index})
        yield from _under((node.low <= index, index < node.high), body, taken | {index.name})
    else:
        for part in node.parts():
            yield from conditions(part, taken)


def _under(
    path: tuple[Formula, ...], node: Node, taken: frozenset[str]
) -> Iterator[tuple[tuple[Formula, ...], Formula]]:
    for inner, condition in conditions(node, taken):
        yield path + inner, condition
