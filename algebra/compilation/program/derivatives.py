"""Derivatives of one operation by its operands, as nodes beside it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

from sympy import Symbol

from ...errors import UnsupportedError
from ...records import dataclass
from .nodes import Nodes


@dataclass(frozen=True)
class Differentiated:
    """A node whose derivatives are asked for.

    Attributes
    ----------
    nodes : Nodes
        The list that it stands in, to which the derivatives are added.
    number : int
        Which of them it is.
    wanted : collection of int
        The nodes that depend on what is differentiated by; derivatives by other operands are not needed.
    floors : {"raise", "smooth", "constant"}
        What to do with jumps.
    inside : callable
        The derivatives of another node by the symbols, for what binds an index.
    shown : callable
        The node as text.
    """

    nodes: Nodes
    number: int
    wanted: Collection[int]
    floors: str
    inside: Callable[[int], Iterable[tuple[Symbol, int]]]
    shown: Callable[[], str]

    @property
    def args(self) -> tuple[int, ...]:
        return self.nodes.nodes[self.number].args

    @property
    def value(self) -> Any:
        return self.nodes.nodes[self.number].value


Derivatives = list[tuple[int, int]]  # an operand, and the derivative by it


def none(of: Differentiated) -> Derivatives:
    """What is constant but for its jumps."""
    return []


def add(of: Differentiated) -> Derivatives:
    one = of.nodes.const(1)
    return [(arg, one) for arg in of.args if arg in of.wanted]


def mul(of: Differentiated) -> Derivatives:
    nodes, args = of.nodes, of.args
    if len(args) <= 8:
        return [
            (arg, nodes.mul(args[:place] + args[place + 1 :])) for place, arg in enumerate(args) if arg in of.wanted
        ]
    # The products of what comes before and after each factor, so that a long product costs its length and not its
    # square.
    before = [nodes.const(1)]
    for arg in args[:-1]:
        before.append(nodes.node("mul", (before[-1], arg)))
    after = [nodes.const(1)]
    for arg in reversed(args[1:]):
        after.append(nodes.node("mul", (after[-1], arg)))
    after.reverse()
    return [
        (arg, nodes.node("mul", (before[place], after[place]))) for place, arg in enumerate(args) if arg in of.wanted
    ]


def pow(of: Differentiated) -> Derivatives:
    (base,) = of.args
    return [(base, of.nodes.mul([of.nodes.const(of.value), of.nodes.pow(base, of.value - 1)]))]


def rounded(of: Differentiated) -> Derivatives:
    """A floor or a ceiling."""
    if of.floors == "constant":
        return []
    if of.floors == "smooth":
        return [(of.args[0], of.nodes.const(1))]
    raise UnsupportedError(
        f"{of.shown()} has no derivative at its jumps and 0 between them; write floors='smooth' to differentiate what "
        "stands inside, floors='constant' for 0"
    )


def mod(of: Differentiated) -> Derivatives:
    """Mod(a, b) = a - b floor(a/b): the floor is treated as every other floor."""
    nodes, (left, right) = of.nodes, of.args
    if of.floors == "raise":
        rounded(of)
    if of.floors == "smooth":
        return []
    found = [(left, nodes.const(1))] if left in of.wanted else []
    if right in of.wanted:
        ratio = nodes.mul([left, nodes.pow(right, -1)])
        found.append((right, nodes.mul([nodes.const(-1), nodes.node("floor", (ratio,))])))
    return found


def absolute(of: Differentiated) -> Derivatives:
    return [(of.args[0], of.nodes.node("sign", of.args))]


def maximum(of: Differentiated) -> Derivatives:
    return [(arg, of.nodes.node("heaviside", (of.nodes.subtract(arg, rest),))) for arg, rest in _against(of)]


def minimum(of: Differentiated) -> Derivatives:
    return [(arg, of.nodes.node("heaviside", (of.nodes.subtract(rest, arg),))) for arg, rest in _against(of)]


def _against(of: Differentiated) -> Iterable[tuple[int, int]]:
    """Each operand, and the same extremum of the others."""
    op, args, _ = of.nodes.nodes[of.number]
    for place, arg in enumerate(args):
        if arg in of.wanted:
            others = args[:place] + args[place + 1 :]
            yield arg, others[0] if len(others) == 1 else of.nodes.node(op, others)


def piecewise(of: Differentiated) -> Derivatives:
    nodes, args = of.nodes, of.args
    zero, one = nodes.const(0), nodes.const(1)
    found = []
    for place in range(0, len(args), 2):
        if args[place] in of.wanted:
            chosen = [one if other == place else zero for other in range(0, len(args), 2)]
            pairs = [part for pair in zip(chosen, args[1::2], strict=True) for part in pair]
            found.append((args[place], nodes.node("piecewise", tuple(pairs))))
    return found


def sum(of: Differentiated) -> Derivatives:
    nodes, (low, high, _) = of.nodes, of.args
    return [(nodes.symbol(symbol), nodes.node("sum", (low, high, local), of.value)) for symbol, local in _terms(of)]


def product(of: Differentiated) -> Derivatives:
    """The product times the sum of the relative derivatives of its factors."""
    nodes, (low, high, body) = of.nodes, of.args
    found = []
    for symbol, local in _terms(of):
        ratio = nodes.mul([local, nodes.pow(body, -1)])
        found.append((nodes.symbol(symbol), nodes.mul([of.number, nodes.node("sum", (low, high, ratio), of.value)])))
    return found


def _terms(of: Differentiated) -> Iterable[tuple[Symbol, int]]:
    """The derivatives of what stands under an index."""
    low, high, body = of.args
    if low in of.wanted or high in of.wanted:
        raise UnsupportedError(
            f"the number of terms of {of.shown()} depends on a symbol to differentiate by; close the sum first"
        )
    for symbol, local in of.inside(body):
        if not of.nodes.is_const(local, 0) and symbol != of.value:
            yield symbol, local
