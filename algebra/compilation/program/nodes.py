"""Nodes of expressions in a list, equal ones once, operands before the nodes that use them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sympy import Rational, S, Symbol


class Node(NamedTuple):
    """One subexpression: what it is, the numbers of its operands, and what the operands do not say."""

    op: str
    args: tuple[int, ...]
    value: Any


class Nodes:
    """A growing list of nodes in which equal nodes are the same node."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._number: dict[tuple, int] = {}

    def node(self, op: str, args: tuple[int, ...] = (), value: Any = None) -> int:
        """The number of the node, made if it is not there yet."""
        key = (op, args, value)
        number = self._number.get(key)
        if number is None:
            number = self._number[key] = len(self.nodes)
            self.nodes.append(Node(op, args, value))
        return number

    # -- arithmetic with the little folding that keeps derivatives short ------------------------------------------

    def const(self, value: Any) -> int:
        return self.node("const", (), Rational(value))

    def symbol(self, symbol: Symbol) -> int:
        return self.node("symbol", (), symbol)

    def is_const(self, number: int, value: int) -> bool:
        node = self.nodes[number]
        return node.op == "const" and node.value == value

    def add(self, terms: Sequence[int]) -> int:
        kept = [term for term in terms if not self.is_const(term, 0)]
        if len(kept) == 1:
            return kept[0]
        return self.node("add", tuple(kept)) if kept else self.const(0)

    def mul(self, factors: Sequence[int]) -> int:
        coefficient = S.One
        kept: list[int] = []
        for factor in factors:
            op, args, value = self.nodes[factor]
            if op == "const":
                coefficient *= value
            elif op == "mul" and len(args) <= 8:
                inner = self.nodes[args[0]]
                if inner.op == "const":
                    coefficient *= inner.value
                    args = args[1:]
                kept.extend(args)
            else:
                kept.append(factor)
        if coefficient is S.Zero:
            return self.const(0)
        if coefficient is not S.One:
            kept.insert(0, self.const(coefficient))
        if len(kept) == 1:
            return kept[0]
        return self.node("mul", tuple(kept)) if kept else self.const(1)

    def pow(self, base: int, exponent: int) -> int:
        if exponent == 1:
            return base
        return self.node("pow", (base,), exponent) if exponent else self.const(1)

    def subtract(self, left: int, right: int) -> int:
        return self.add([left, self.mul([self.const(-1), right])])

    def below(self, tops: Iterable[int]) -> list[int]:
        """Every node that these nodes need, operands first."""
        needed = set()
        stack = list(tops)
        while stack:
            number = stack.pop()
            if number not in needed:
                needed.add(number)
                stack.extend(self.nodes[number].args)
        return sorted(needed)
