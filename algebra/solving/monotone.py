"""Whether a formula can only grow with a size, and between which values it lies: a certificate for bisection.

>>> from sympy import symbols, floor, Rational
>>> c = symbols("c", integer=True, positive=True)
>>> trend(9*c**2 + floor(c/2), c, 1).direction
1
>>> trend(c*(10 - c), c, 1).direction is None
True
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any

from sympy import Expr, Symbol

from ..compilation.program.expressions import Dag
from ..compilation.program.operations import NODES
from ..compilation.program.trends import Bound, Trend, together
from ..errors import UnsupportedError


def trend(e: Expr, c: Symbol, low: int, high: Bound = inf) -> Trend:
    """How a formula in one symbol changes when the symbol runs from ``low`` to ``high``."""
    dag = Dag()
    try:
        top = dag.read(e)
    except UnsupportedError:
        return Trend(None)
    return _trends(dag, top, {c: Trend(1, low, high)})


def trends(e: Expr, box: Mapping[Symbol, tuple[Any, Any]]) -> dict[Symbol, int | None]:
    """For every symbol of a box, the direction in which a formula moves with it, wherever in the box the others are.

    >>> from sympy import symbols
    >>> c, L = symbols("c L", integer=True, positive=True)
    >>> trends(c**2 * L - L * (L - 5), {c: (1, 100), L: (5, 50)})
    {c: 1, L: None}
    """
    dag = Dag()
    try:
        top = dag.read(e)
    except UnsupportedError:
        return dict.fromkeys(box)
    found = {}
    for moving in box:
        known = {symbol: Trend(int(symbol == moving), *ends) for symbol, ends in box.items()}
        found[moving] = _trends(dag, top, known).direction
    return found


def _trends(dag: Dag, top: int, known: Mapping[Symbol, Trend]) -> Trend:
    found: dict[int, Trend] = {}
    needed, stack = set(), [top]
    while stack:
        number = stack.pop()
        if number not in needed:
            needed.add(number)
            op, args, _ = dag.nodes[number]
            stack.extend(args[:2] if op in ("sum", "product") else args)
    for number in sorted(needed):
        op, args, value = dag.nodes[number]
        if op == "symbol":
            found[number] = known.get(value, Trend(0))
        elif op in ("sum", "product"):
            low, high = found[args[0]], found[args[1]]
            index = Trend(0, low.low, high.high)
            found[number] = _of_sum(op, low, high, _trends(dag, args[2], {**known, value: index}))
        else:
            found[number] = NODES[op].trend(value, [found[arg] for arg in args])
    return found[top]


def _of_sum(op: str, low: Trend, high: Trend, body: Trend) -> Trend:
    """Terms that are not negative: more of them and larger ones make a larger sum."""
    least = 0 if op == "sum" else 1
    if low.direction != 0 or body.low < least:
        return Trend(0 if low.direction == high.direction == body.direction == 0 else None)
    return Trend(together([high, body]), least)
