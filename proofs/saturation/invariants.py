"""What holds of all functions that a network computes, whatever its weights: reasons why no map of weights makes another network equal.

>>> from layeralgebra import Abs, Conv, Tanh
>>> tells(Conv(2, 3) >> Abs(), (1, 5, 5)).low
0
>>> tells(Conv(2, 3) >> Conv(2, 1), (1, 5, 5)).degree, tells(Conv(2, 3) >> Tanh(), (1, 5, 5)).degree
(1, None)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from math import comb, inf, isnan
from typing import Any

import numpy
from sympy import Expr, Symbol

from ...algebra.equations.heads import Apply, Constant, Head, Pad, Plus, Read, Reduce, Softmax, Times, children
from ...algebra.errors import LayerAlgebraError, UnsupportedError
from ...algebra.networks.carrier import PathCarrier, Site
from ...algebra.networks.evaluator import evaluate_network
from ...algebra.networks.joins import Add, Concat, Mul
from ...algebra.networks.network import Network, Series
from ...algebra.numerics.run import run
from ...algebra.numerics.weights import inventory
from ...algebra.records import dataclass

#: Highest degree of polynomials that differences are taken of.
MOST_DEGREE = 4
#: What two numbers differ by at least, of their size, where they are called different.
APART = 1e-4


@dataclass(frozen=True)
class Kind:
    """What a network's output is, for all weights: as a polynomial in what enters, and between which bounds.

    Attributes
    ----------
    degree : int or None
        Of the polynomial, at most; None where it is not known to be one.
    low, high : float
        No output is less or more, whatever enters and whatever the weights.
    bounded : bool
        Whether, with any weights, the outputs stay between bounds, whatever enters.
    """

    degree: int | None
    low: float = -inf
    high: float = inf
    bounded: bool = False


_ENTERS = Kind(1)
_FIXED = Kind(0, bounded=True)
_UNKNOWN = Kind(None)
#: Between which bounds functions of one number stay, and that those without both are continuous.
_BOUNDS = {"relu": (0, inf), "abs": (0, inf), "sigmoid": (0, 1), "tanh": (-1, 1)}

Function = Callable[[Kind], Kind]


def tells(net: Network, on: Any) -> Kind:
    """What is known of a network's outputs; nothing, where it has a part of which nothing is known."""
    try:
        function = evaluate_network(net, _Kinds(), None if net.has_input else on).value
        return function(_ENTERS)
    except UnsupportedError:
        return _UNKNOWN


class _Kinds(PathCarrier[Function]):
    def leaf(self, site: Site, port: int) -> Function:
        instance = site.instance
        if instance is None or len(site.inputs) != 1 or instance.recurrent or len(instance.outputs) != 1:
            return lambda kind: _UNKNOWN
        names = {name for name, role in instance.roles.items() if role == "input"}

        def through(kind: Kind) -> Kind:
            known: dict[str, Kind] = {}
            for name in instance.roles:
                known[name] = kind if name in names else _FIXED
            for statement in instance.statements:
                plain = not statement.scatters and statement.gives is None
                known[statement.target] = _of(statement.value, known) if plain else _UNKNOWN
            return known[instance.root]

        return through

    def series(self, values: Sequence[Function]) -> Function:
        def through(kind: Kind) -> Kind:
            for value in values:
                kind = value(kind)
            return kind

        return through

    def join(self, site: Site, values: Sequence[Function]) -> Function:
        join = {Add: _sum, Mul: _product, Concat: _either}.get(type(site.node))
        if join is None:
            return lambda kind: _UNKNOWN
        return lambda kind: join([value(kind) for value in values])

    def source(self, site: Site) -> Function:
        return lambda kind: _FIXED

    def repeat(self, value: Function, times: Expr, index: Symbol | None) -> Function:
        if index is not None or not times.is_Integer:
            return lambda kind: _UNKNOWN
        return self.series([value] * int(times))


def _of(head: Head, known: dict[str, Kind]) -> Kind:
    """What a head is, from what the tensors are that it reads."""
    if isinstance(head, Constant):
        if head.value.is_extended_real and head.value.is_number:
            number = float(head.value)
            return Kind(0, number, number, True)
        return _FIXED
    parts = [_of(part, known) for part in children(head)]
    fixed = all(part.degree == 0 for part in parts)
    if isinstance(head, Read):
        return known.get(head.tensor, _UNKNOWN) if fixed else _UNKNOWN
    if isinstance(head, Plus):
        return _sum(parts)
    if isinstance(head, Times):
        return _product(parts)
    if isinstance(head, Pad):
        return _either(parts)
    if isinstance(head, Reduce):
        (part,) = parts
        if head.operation == "sum":
            return replace(part, low=0 if part.low >= 0 else -inf, high=0 if part.high <= 0 else inf)
        if head.operation == "mean":
            return part
        if head.operation in ("max", "min"):
            return replace(part, degree=0 if fixed else None)
        return replace(_FIXED) if fixed else _UNKNOWN
    if isinstance(head, Softmax):
        return Kind(0 if fixed else None, 0, 1, True)
    if isinstance(head, Apply):
        return _applied(head.function, parts, fixed)
    return _FIXED if not parts else _UNKNOWN


def _applied(function: str, parts: Sequence[Kind], fixed: bool) -> Kind:
    degree = 0 if fixed else None
    if function in _BOUNDS:
        low, high = _BOUNDS[function]
        return Kind(degree, low, high, fixed or high < inf or parts[0].bounded)
    if function in ("max", "min"):
        least = max if function == "max" else min
        low, high = (least(getattr(part, side) for part in parts) for side in ("low", "high"))
        return Kind(degree, low, high, all(part.bounded for part in parts) or -inf < low <= high < inf)
    if function == "divide" and parts[1].degree == 0:
        return Kind(parts[0].degree, bounded=parts[0].bounded)
    return _FIXED if fixed else _UNKNOWN


def _degree(parts: Sequence[Kind], join: Callable[[list[int]], int]) -> int | None:
    degrees = [part.degree for part in parts if part.degree is not None]
    return join(degrees) if len(degrees) == len(parts) else None


def _sum(parts: Sequence[Kind]) -> Kind:
    low, high = sum(part.low for part in parts), sum(part.high for part in parts)
    if isnan(low) or isnan(high):
        low, high = -inf, inf
    return Kind(_degree(parts, max), low, high, all(part.bounded for part in parts))


def _product(parts: Sequence[Kind]) -> Kind:
    low, high = parts[0].low, parts[0].high
    for part in parts[1:]:
        ends = [0 if 0 in (a, b) else a * b for a in (low, high) for b in (part.low, part.high)]
        low, high = min(ends), max(ends)
    return Kind(_degree(parts, sum), low, high, all(part.bounded for part in parts))


def _either(parts: Sequence[Kind]) -> Kind:
    low, high = min(part.low for part in parts), max(part.high for part in parts)
    return Kind(_degree(parts, max), low, high, all(part.bounded for part in parts))


# differences -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Apart:
    """Weights of a network and what enters it, where it does what another one never does."""

    why: str
    x: Any
    output: Any


def apart(f: Network, g: Network, shape: tuple[int, ...], weights: Any, x: Any, generator: Any) -> Apart | None:
    """Why no weights of `g` give what `f` gives with these weights; `x` enters."""

    def gives(entering: Any) -> Any:
        return numpy.asarray(run(f, entering, weights), float)

    try:
        output = gives(x)
        if not numpy.isfinite(output).all():
            return None
        for why in _reasons(f, g, shape, gives, x, output, generator):
            return Apart(why, x, output)
    except LayerAlgebraError:
        pass
    return None


def _reasons(f: Network, g: Network, shape: Any, gives: Any, x: Any, output: Any, generator: Any) -> Iterator[str]:
    mine, other = tells(f, shape), tells(g, shape)
    room = APART * (1 + abs(output).max(initial=0))
    if (output < other.low - room).any():
        yield f"no output of the second is below {other.low}, whatever its weights; one of the first is"
    if (output > other.high + room).any():
        yield f"no output of the second is above {other.high}, whatever its weights; one of the first is"
    if not inventory(g, [shape]).slots and _differ(output, numpy.asarray(run(g, x, {}), float)):
        yield "the second has no weights, and gives something else"
    along = generator.integers(-3, 4, x.shape)
    if other.degree is not None and other.degree <= MOST_DEGREE:
        count = other.degree + 1
        values = [comb(count, k) * gives(x + k * along) for k in range(count + 1)]
        total = sum((-1) ** k * value for k, value in enumerate(values))
        if _differ(total, 0 * total, max(abs(value).max(initial=0) for value in values)):
            yield f"the second is a polynomial of degree {other.degree} in what enters, whatever its weights; the first is not"
    if mine.degree is not None and other.bounded and _differ(output, gives(x + along)):
        yield "the first grows beyond all bounds, and the second stays between some, whatever its weights"
    first = _without_weights(g, shape)
    if first is not None:
        for same in (-x, abs(x), numpy.maximum(x, 0), numpy.minimum(numpy.maximum(x, 0), 6)):
            if (run(first, x, {}) == run(first, same, {})).all() and _differ(output, gives(same)):
                yield f"the second begins with {first}, which makes the same of two inputs of which the first makes different things"


def _differ(one: Any, other: Any, size: float = 0.0) -> bool:
    if not (numpy.isfinite(one).all() and numpy.isfinite(other).all()):
        return False
    largest = max(size, abs(one).max(initial=0), abs(other).max(initial=0))
    return bool(abs(one - other).max(initial=0) > APART * (1 + largest))


def _without_weights(g: Network, shape: tuple[int, ...]) -> Network | None:
    """The longest beginning of a network that has no weights."""
    parts = g.parts if isinstance(g, Series) else (g,)
    found = None
    for count in range(1, len(parts) + 1):
        first = Series(*parts[:count])
        if inventory(first, [shape]).slots:
            break
        found = first
    return found
