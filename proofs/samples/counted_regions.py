"""Networks whose affine regions are counted, at weights that are searched for the most of them.

>>> import layeralgebra as la
>>> found = most(Written(la.Linear(3) >> la.ReLU(), ((1,),)), 1, attempts=30)
>>> found.patterns, found.pieces
(4, 4)
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from ...algebra.errors import LayerAlgebraError
from ...algebra.networks.layer import Layer
from ...algebra.networks.network import Graph, Input, Join, Network, Repeat, Series, Shared
from ...algebra.records import dataclass
from ...algebra.regions.transfer import transfer
from ..enumeration import Impossible, Undefined
from ..enumeration.cells import NotPiecewiseLinear, TooManyCells
from ..enumeration.regions import Added, Counted, Layered, Slice, Stacked, Stage, count, whole
from .meanings import meaning, one_or_list
from .structural import Inapplicable

Shape = tuple[int, ...]
Key = tuple[str, str]
#: More regions than this are not counted for comparison.
MOST_REGIONS = 300
#: What has no piecewise-linear value at some weights.
UNCOUNTED = (NotPiecewiseLinear, TooManyCells, Undefined, Impossible, OverflowError, ZeroDivisionError)


@dataclass(frozen=True)
class Slot:
    """A tensor of numbers that a network has: its shape, whether it is learned, and below what its entries lie."""

    shape: Shape
    learned: bool
    rows: int | None


class Written:
    """A network as stages that are counted, with slots for its weights; weights shared under a name have one slot.

    Parameters
    ----------
    net : Network
    shapes : tuple of shapes
        What enters, one for each input.
    """

    def __init__(self, net: Network, shapes: tuple[Shape, ...]):
        self.net, self.shapes = net, shapes
        self.slots: dict[Key, Slot] = {}
        self._stages: list[tuple[Any, ...]] = []
        self._sizes: list[Shape] = list(shapes)
        self._channels: list[str | None] = [None] * len(
            shapes
        )  # where they are, which says how outputs are concatenated
        self._names: tuple[str, str] | None = None
        last = self._visit(net, tuple(range(len(shapes))), "")
        if last != len(self._sizes) - 1:
            self._put(("add", (1,), (last,)), self._sizes[last], self._channels[last])

    def stages(self, weights: Mapping[Key, Any]) -> list[Stage]:
        """The stages at these weights."""
        made: list[Stage] = []
        for kind, *rest in self._stages:
            if kind == "layer":
                equation, keys, sources = rest
                made.append(Layered(equation, {name: weights[key] for name, key in keys.items()}, sources))
            else:
                made.append((Added if kind == "add" else Stacked)(*rest))
        return made

    def counted(self, weights: Mapping[Key, Any], where: Slice | None = None) -> Counted:
        """Patterns and pieces at these weights, on a slice or on the whole input."""
        return count(self.shapes, self.stages(weights), whole(self.shapes) if where is None else where)

    # the network -----------------------------------------------------------------------------------------------------

    def _put(self, stage: tuple[Any, ...], size: Shape, channels: str | None) -> int:
        self._stages.append(stage)
        self._sizes.append(size)
        self._channels.append(channels)
        return len(self._sizes) - 1

    def _visit(self, node: Network, sources: tuple[int, ...], path: str) -> int:
        if isinstance(node, Layer):
            return self._layer(node, sources, path)
        if isinstance(node, Series):
            for place, part in enumerate(node.parts):
                sources = (self._visit(part, sources, f"{path}.{place}"),)
            return sources[0]
        if isinstance(node, Repeat) and node.times.is_Integer:
            for place in range(int(node.times)):
                sources = (self._visit(node.copy(place), sources, f"{path}.{place}"),)
            return sources[0]
        if isinstance(node, Shared):
            outer, self._names = self._names, self._names or (node.name, path)
            try:
                return self._visit(node.body, sources, path)
            finally:
                self._names = outer
        if isinstance(node, Join) and node.branches:
            arrived = tuple(
                self._visit(branch, sources, f"{path}.{place}") for place, branch in enumerate(node.branches)
            )
            return self._join(node, arrived)
        if isinstance(node, Input):
            return sources[0]
        if isinstance(node, Graph):
            return self._graph(node, sources, path)
        raise Inapplicable

    def _graph(self, node: Graph, sources: tuple[int, ...], path: str) -> int:
        arrived: dict[str, int] = {}
        before = node.predecessors()
        for name in node.order():
            part, incoming = node.nodes[name], tuple(arrived[source] for source in before[name])
            if isinstance(part, Join) and not part.branches:
                arrived[name] = self._join(part, incoming)
            else:
                arrived[name] = self._visit(part, incoming or sources, f"{path}.{name}")
        return arrived[node.sink]

    def _layer(self, layer: Layer, sources: tuple[int, ...], path: str) -> int:
        equation = meaning(layer, tuple(self._sizes[source] for source in sources))
        keys: dict[str, Key] = {}
        for name, shape in equation.shapes.items():
            if name in equation.inputs or name in equation.defined:
                continue
            key = (path, name)
            if self._names is not None:
                key = (self._names[0] + path.removeprefix(self._names[1]), name)
            keys[name] = key
            self.slots[key] = Slot(shape, name not in equation.buffers, equation.rows(name))
        arriving = self._channels[sources[0]] if sources else None
        return self._put(("layer", equation, keys, sources), equation.output, layer.layout[1] or arriving)

    def _join(self, join: Join, sources: tuple[int, ...]) -> int:
        sizes = [self._sizes[source] for source in sources]
        channels = next((self._channels[source] for source in sources if self._channels[source]), None)
        axis = join.stacked_axis(len(sizes[0]), channels)
        if axis is not None:
            axis %= len(sizes[0])
            along = sum(size[axis] for size in sizes)
            return self._put(("stack", axis, sources), (*sizes[0][:axis], along, *sizes[0][axis + 1 :]), channels)
        factors = join.coefficients(len(sources))
        if factors is None:
            raise Inapplicable
        numbers = tuple(int(factor) if factor.is_Integer else _fraction(factor) for factor in factors)
        return self._put(("add", numbers, sources), tuple(map(max, zip(*sizes))), channels)

    # weights ---------------------------------------------------------------------------------------------------------

    def drawn(self, generator: random.Random, largest: int = 4) -> dict[Key, Any]:
        """Integers for all slots: of both signs, and zero now and then, where something is learned."""
        return {key: _drawn(slot, generator, largest) for key, slot in self.slots.items()}

    def changed(self, weights: Mapping[Key, Any], generator: random.Random, largest: int = 8) -> dict[Key, Any]:
        """The same weights with a few learned numbers replaced or moved."""
        made = dict(weights)
        learned = [
            key for key, slot in self.slots.items() if slot.learned and slot.rows is None and 0 not in slot.shape
        ]
        if not learned:
            return self.drawn(generator)
        for _ in range(generator.choice((1, 1, 2, 3))):
            key = generator.choices(learned, [int(prod(self.slots[key].shape)) for key in learned])[0]
            array = made[key] = made[key].copy()
            at = tuple(generator.randrange(size) for size in array.shape)
            step = generator.choice((-2, -1, 1, 2))
            array[at] = generator.randint(-largest, largest) if generator.random() < 0.5 else array[at] + step
        return made

    def slice(self, generator: random.Random, dimension: int) -> Slice:
        """The whole input, or a slice of this dimension in general position."""
        sizes = [prod(shape) for shape in self.shapes]
        if sum(sizes) == dimension:
            return whole(self.shapes)
        return [[tuple(generator.randint(-5, 5) for _ in range(dimension + 1)) for _ in range(size)] for size in sizes]


def _fraction(value: Any) -> Any:
    from fractions import Fraction

    return Fraction(int(value.p), int(value.q))


def _drawn(slot: Slot, generator: random.Random, largest: int) -> Any:
    array = np.zeros(slot.shape, dtype=object)
    for at in np.ndindex(*slot.shape):
        if slot.rows is not None:
            array[at] = generator.randrange(slot.rows)
        elif not slot.learned:
            array[at] = generator.randint(1, 4)
        else:
            array[at] = 0 if generator.random() < 0.05 else generator.choice((-1, 1)) * generator.randint(1, largest)
    return array


@dataclass(frozen=True)
class Most:
    """The most that was found, and the weights at which the last of them was."""

    patterns: int
    pieces: int
    weights: Mapping[Key, Any]


def most(
    written: Written, dimension: int, attempts: int = 100, seed: int = 0, stop: Callable[[Counted], bool] | None = None
) -> Most:
    """Climb from random integer weights to those with the most regions on slices of a dimension.

    Parameters
    ----------
    written : Written
    dimension : int
    attempts : int
        How often is counted.
    seed : int
    stop : callable, optional
        Of what was counted: whether that is enough.
    """
    best = Most(0, 0, {})
    for counted, weights, _ in climbing(written, dimension, attempts, seed):
        if counted.patterns > best.patterns or counted.pieces > best.pieces:
            best = Most(max(best.patterns, counted.patterns), max(best.pieces, counted.pieces), weights)
        if stop is not None and stop(counted):
            break
    return best


def climbing(
    written: Written, dimension: int, attempts: int, seed: int = 0
) -> Iterator[tuple[Counted, Mapping[Key, Any], Slice]]:
    """What is counted on the way: a few climbs, each from other weights and on another slice."""
    generator = random.Random(seed)
    climbs = max(1, attempts // 60)
    for _ in range(climbs):
        where = written.slice(generator, dimension)
        weights, height = written.drawn(generator), (-1, -1)
        for _ in range(attempts // climbs):
            tried = weights if height[0] < 0 else written.changed(weights, generator)
            try:
                counted = written.counted(tried, where)
            except UNCOUNTED:
                weights = weights if height[0] >= 0 else written.drawn(generator)
                continue
            yield counted, tried, where
            if (counted.pieces, counted.patterns) >= height:
                weights, height = tried, (counted.pieces, counted.patterns)


def written(net: Network, shapes: Sequence[Shape]) -> Written:
    """A network as it is counted; `Inapplicable` if enumeration does not know what it means."""
    try:
        return Written(net, tuple(map(tuple, shapes)))
    except (LayerAlgebraError, *UNCOUNTED, ArithmeticError, AssertionError, LookupError, TypeError, ValueError):
        raise Inapplicable from None


@dataclass(frozen=True)
class Excess:
    """Weights at which more is counted than a bound allows."""

    counted: Counted
    bound: tuple[int, ...]
    weights: Mapping[Key, Any]
    dimension: int

    def __str__(self) -> str:
        numbers = {".".join(filter(None, key)): array.tolist() for key, array in self.weights.items()}
        return f"on a slice of dimension {self.dimension}, at the weights {numbers}"


def excess(
    net: Network, shapes: Sequence[Shape], attempts: int = 12, seed: int = 0, most_regions: int = MOST_REGIONS
) -> Excess | None:
    """Weights, if any are found, at which a network has more regions than its transfer function says.

    Slices of one and two dimensions are counted, and inputs of three. The regions are compared by the dimension of their images
    too: none of these may be larger than the histogram allows.

    Raises
    ------
    Inapplicable
        If the network has no affine pieces, is not understood by enumeration, or has too many regions to be counted.
    """
    return excess_over(net, shapes, histograms(net, shapes), attempts, seed, most_regions)


def histograms(net: Network, shapes: Sequence[Shape]) -> Callable[[int], tuple[int, ...]]:
    """How many regions a network's transfer function allows on a slice of a dimension, by the dimension of their images."""
    try:
        found = transfer(net, on=one_or_list(tuple(shapes)))
    except LayerAlgebraError:
        raise Inapplicable from None
    return lambda dimension: found.histogram(dimension).counts


def excess_over(
    net: Network, shapes: Sequence[Shape], allowed: Callable[[int], tuple[int, ...]], attempts: int = 12, seed: int = 0,
    most_regions: int = MOST_REGIONS,
) -> Excess | None:  # fmt: skip
    """The same for any bound: of a dimension, how many regions there may be by the dimension of their images."""
    network, size, spoken = written(net, shapes), sum(map(prod, shapes)), False
    for dimension in (1, 2, 3):
        if dimension > size or (dimension == 3 and size > 3):
            break
        bound = allowed(dimension)
        if sum(bound) > most_regions:
            continue
        for counted, weights, _ in climbing(network, dimension, attempts, seed):
            spoken = True
            if max(counted.pieces, counted.patterns) > sum(bound) or not dominated(counted.ranks, bound):
                return Excess(counted, bound, weights, dimension)
    if not spoken:
        raise Inapplicable
    return None


def dominated(ranks: Sequence[int], bound: Sequence[int]) -> bool:
    """Whether for every dimension no more regions have an image of that dimension or above than the bound has."""
    return all(sum(ranks[least:]) <= sum(bound[least:]) for least in range(len(ranks)))
