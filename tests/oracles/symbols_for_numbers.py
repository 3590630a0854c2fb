"""The same network with symbols and with numbers: sizes of a network that fits are replaced by formulas in symbols, and put back.

The network on numbers knows nothing of symbols, so that it is the oracle: at every point of the symbols both have one value, or
both are refused. What only the formula refuses is told apart, since a domain may be narrower than it needs to be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from sympy import Integer, Symbol, Tuple, floor

import layeralgebra as la
from layeralgebra.algebra.networks.layer import Layer
from layeralgebra.algebra.networks.network import Input, Network, Repeat
from layeralgebra.proofs.samples.hints import LITERAL

SYMBOLS = la.dims("a b c d e")
Point = dict[Symbol, int]

#: A formula in one symbol, and the places at which it is a given number.
FORMS: tuple[tuple[Callable[[Any], Any], Callable[[int], list[int]]], ...] = (
    (lambda s: s, lambda v: [v]),
    (lambda s: s, lambda v: [v]),
    (lambda s: s - 1, lambda v: [v + 1]),
    (lambda s: s - 3, lambda v: [v + 3]),
    (lambda s: s + 1, lambda v: [v - 1]),
    (lambda s: 5 - s, lambda v: [5 - v]),
    (lambda s: 2 * s, lambda v: [v // 2] if v % 2 == 0 else []),
    (lambda s: 6 / s, lambda v: [6 // v] if v and 6 % v == 0 else []),
    (lambda s: s / 2, lambda v: [2 * v]),
    (lambda s: s / 3, lambda v: [3 * v]),
    (lambda s: (s - 1) / 2, lambda v: [2 * v + 1]),
    (lambda s: (s + 1) / 2, lambda v: [2 * v - 1]),
    (lambda s: s * (s - 1) / 2, lambda v: [n for n in range(1, 6) if n * (n - 1) == 2 * v]),
    (lambda s: s**2, lambda v: [n for n in range(1, 4) if n * n == v]),
    (lambda s: floor(s / 2), lambda v: [2 * v, 2 * v + 1]),
    (lambda s: floor((s + 2) / 3), lambda v: [3 * v, 3 * v - 1]),
)


class Symbolised:
    """A network in which sizes became formulas, what enters it, and where the formulas are the sizes that there were."""

    def __init__(self, net: Network, on: Any, random: Random, share: float = 0.5):
        self.random, self.share = random, share
        self.home: Point = {}
        self.known: dict[tuple[int, int], Any] = {}
        self.on = on if on is None else self._entering(on)
        self.net = self._node(net)

    def _entering(self, on: Any) -> Any:
        if isinstance(on, list):
            return [self._entering(shape) for shape in on]
        return tuple(self._size(size, 1) for size in on)

    def _node(self, node: Any) -> Any:
        if isinstance(node, Layer):
            literal = LITERAL.get(type(node).__name__, ())
            return type(node)(
                *(arg if name in literal else self._field(node, name, arg) for name, arg in node.values.items())
            )
        if isinstance(node, Input):
            return Input(*(self._size(size, 1) for size in node.shape))
        if isinstance(node, Repeat):
            return Repeat(self._node(node.body), self._size(node.times, 0), node.index)
        if isinstance(node, Tuple):
            return Tuple(*map(self._node, node.args))
        return node.func(*map(self._node, node.args)) if isinstance(node, Network) else node

    def _field(self, node: Layer, name: str, value: Any) -> Any:
        kinds = {kind.__name__ for kind in node.fields[name]}
        if not kinds & {"Dim", "Size", "Sizes"}:
            return value
        least = 0 if "Size" in kinds else 1
        if isinstance(value, Tuple):
            return Tuple(*(self._size(part, least) for part in value))
        return self._size(value, least) if isinstance(value, Integer) else value

    def _size(self, value: Any, least: int) -> Any:
        """The number itself, the formula that stands for it elsewhere, or a new one."""
        chance, number = self.random.random(), int(value)
        if chance < 0.35 or number > 60:
            return Integer(number)
        if chance < 0.35 + self.share and (number, least) in self.known:
            return self.known[number, least]
        for _ in range(6):
            form, places = self.random.choice(FORMS)
            symbol = self.random.choice(SYMBOLS)
            place = self.random.choice(places(number) or [0])
            if place < 1 or self.home.setdefault(symbol, place) != place:
                continue
            self.known[number, least] = form(symbol)
            return form(symbol)
        return Integer(number)

    def points(self, count: int) -> Iterator[Point]:
        """Where the sizes are those that there were, and near that."""
        yield dict(self.home)
        for _ in range(count - 1):
            spread = self.random.choice((1, 2, 4))
            yield {
                symbol: max(1, place + self.random.randint(-spread, spread)) if self.random.random() < 0.7 else place
                for symbol, place in self.home.items()
            }

    def at(self, point: Point) -> tuple[Network, Any]:
        """The network of numbers; raises what its constructors raise."""
        values = {symbol: Integer(value) for symbol, value in point.items()}
        return self.net.xreplace(values), _replaced(self.on, values)


def _replaced(on: Any, values: Mapping[Any, Any]) -> Any:
    if on is None:
        return None
    if isinstance(on, list):
        return [_replaced(shape, values) for shape in on]
    return tuple(size.xreplace(values) for size in on)


@dataclass
class Tally:
    """What comparisons found: how many points of each outcome, and why only the formula was refused."""

    outcomes: Counter[str] = field(default_factory=Counter)
    narrow: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def compare(self, what: str, derivation: la.Derivation, point: Point, numbers: Callable[[], la.Derivation]) -> None:
        """One point: the value of the formula, and that of the network of numbers."""
        own = {symbol: value for symbol, value in point.items() if symbol.name in derivation.known}
        try:
            found: Any = shown(derivation(own))
        except la.DomainError as error:
            found, reason = None, str(error)
        try:
            wanted: Any = shown(numbers().formula)
        except la.UnsupportedError:
            self.outcomes["numbers not supported"] += 1
            return
        except la.LayerAlgebraError:
            wanted = None
        if found == wanted:
            self.outcomes["refused" if found is None else "equal"] += 1
        elif found is None:
            self.outcomes["narrow"] += 1
            self.narrow[reason.split(": ")[1]] += 1
        else:
            self.outcomes["accepted" if wanted is None else "different"] += 1
            self.faults.append(f"{what} at {point}: {found} by the formula, {wanted} on numbers")


def shown(value: Any) -> Any:
    """A value as text; of a receptive field only the numbers, since what else is said of it may be undecided."""
    if hasattr(value, "size") and hasattr(value, "jump"):
        return shown((value.size, value.jump, value.start))
    return tuple(map(shown, value)) if isinstance(value, (tuple, list, Tuple)) else str(value)
