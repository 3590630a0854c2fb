"""Small classes of piecewise-linear functions: points that one of them shatters, found by search, and what their units compare.

A class is a tree of parts. It is worked out here and shares nothing with the library. With integers, weights are searched that give
a set of points all patterns of signs; integers are exact, so that a set which was found is shattered, and the VC dimension is at least
its size. With traces, every value says in which weights it is a polynomial and of which degree, and behind how many comparisons.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np

Key = tuple[Any, ...]


class Weights:
    """Integers for all weights of a class, many settings of them at once; what is asked for first is drawn then."""

    def __init__(self, generator: np.random.Generator, count: int, largest: int = 6):
        self.generator, self.count, self.largest = generator, count, largest
        self.known: dict[Key, np.ndarray] = {}

    def __call__(self, key: Key, shape: tuple[int, ...]) -> np.ndarray:
        if key not in self.known:
            drawn = self.generator.integers(-self.largest, self.largest + 1, (self.count, *shape))
            self.known[key] = drawn
        return self.known[key][:, None]  # the second axis is that of the points

    @staticmethod
    def larger(one: np.ndarray, other: Any) -> np.ndarray:
        return np.maximum(one, other)

    @staticmethod
    def largest_of(parts: Sequence[np.ndarray]) -> np.ndarray:
        return np.maximum.reduce(list(parts))

    def changed(self, rows: np.ndarray) -> Weights:
        """Some of the settings again, with a few numbers moved in each."""
        made = Weights(self.generator, len(rows), self.largest)
        for key, array in self.known.items():
            moved = array[rows].copy()
            places = self.generator.random(moved.shape) < 0.25
            steps = self.generator.integers(-2, 3, moved.shape)
            made.known[key] = np.where(places, np.clip(moved + steps, -12, 12), moved)
        return made


@dataclass(frozen=True)
class Trace:
    """A polynomial: its weights, a bound on its degree in them, and behind how many comparisons it stands."""

    weights: frozenset[Key] = frozenset()
    degree: int = 0
    behind: int = 0

    def __add__(self, other: Trace | int) -> Trace:
        if not isinstance(other, Trace):
            return self
        deepest = max(self.behind, other.behind)
        return Trace(self.weights | other.weights, max(self.degree, other.degree), deepest)

    def __mul__(self, other: Trace | int) -> Trace:
        if not isinstance(other, Trace):
            return self
        deepest = max(self.behind, other.behind)
        return Trace(self.weights | other.weights, self.degree + other.degree, deepest)

    __radd__, __rmul__ = __add__, __mul__


class Traces:
    """Weights as traces, and a list of all comparisons that are made of them."""

    def __init__(self) -> None:
        self.compared: list[Trace] = []

    def __call__(self, key: Key, shape: tuple[int, ...]) -> np.ndarray:
        made = np.empty(shape, dtype=object)
        for at in np.ndindex(*shape):
            made[at] = Trace(frozenset({(key, at)}), 1)
        return made

    def larger(self, one: np.ndarray, other: int) -> np.ndarray:
        self.compared += list(one.ravel())
        return self.chosen(one)

    def largest_of(self, parts: Sequence[np.ndarray]) -> np.ndarray:
        """All pairs are compared."""
        for one, other in combinations(parts, 2):
            self.compared += list((one + other).ravel())
        return self.chosen(sum(parts[1:], parts[0])) if len(parts) > 1 else parts[0]

    @staticmethod
    def chosen(values: np.ndarray) -> np.ndarray:
        """Values behind one comparison more."""
        made = np.empty(values.shape, dtype=object)
        for at in np.ndindex(*values.shape):
            made[at] = Trace(values[at].weights, values[at].degree, values[at].behind + 1)
        return made


# parts ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Dense:
    """``W x + b`` of a vector."""

    width: int
    bias: bool = True

    def value(self, x: np.ndarray, of: Any, key: Key) -> np.ndarray:
        matrix = of((*key, "W"), (self.width, x.shape[-1]))
        made = (matrix * x[..., None, :]).sum(-1)
        return made + of((*key, "b"), (self.width,)) if self.bias else made


@dataclass(frozen=True)
class Convolution:
    """A convolution without margins of channels and places."""

    channels: int
    kernel: int

    def value(self, x: np.ndarray, of: Any, key: Key) -> np.ndarray:
        kernel = of((*key, "W"), (self.channels, x.shape[-2], self.kernel))
        shift = of((*key, "b"), (self.channels,))
        places = range(x.shape[-1] - self.kernel + 1)
        windows = [(kernel * x[..., None, :, at : at + self.kernel]).sum(-1).sum(-1) + shift for at in places]
        return np.stack(windows, axis=-1)


@dataclass(frozen=True)
class Pool:
    """The largest of neighbouring places; all pairs in a window are compared."""

    window: int

    def value(self, x: np.ndarray, of: Any, key: Key) -> np.ndarray:
        starts = range(0, x.shape[-1] - self.window + 1, self.window)
        return np.stack(
            [of.largest_of([x[..., start + step] for step in range(self.window)]) for start in starts], axis=-1
        )


@dataclass(frozen=True)
class Flat:
    """All numbers as one vector."""

    axes: int = 2

    def value(self, x: np.ndarray, of: Any, key: Key) -> np.ndarray:
        return x.reshape(*x.shape[: x.ndim - self.axes], -1)


@dataclass(frozen=True)
class Rectified:
    """``max(x, 0)``."""

    def value(self, x: np.ndarray, of: Any, key: Key) -> np.ndarray:
        return of.larger(x, 0)


@dataclass(frozen=True)
class Absolute:
    """``|x| = max(x, 0) + max(-x, 0)``, of which both tell the same."""

    def value(self, x: np.ndarray, of: Any, key: Key) -> np.ndarray:
        return np.abs(x) if not isinstance(of, Traces) else of.larger(x, 0)


@dataclass(frozen=True)
class Clipped:
    """Between -1 and 1."""

    def value(self, x: np.ndarray, of: Any, key: Key) -> np.ndarray:
        if isinstance(of, Traces):
            of.larger(x, 1)  # where x is above 1, told by a comparison of x itself
            return of.larger(x, -1)
        return np.clip(x, -1, 1)


@dataclass(frozen=True)
class Sloped:
    """``max(x, 0) + a min(x, 0)`` with one slope for all."""

    def value(self, x: np.ndarray, of: Any, key: Key) -> np.ndarray:
        slope = of((*key, "a"), (1,))
        if isinstance(of, Traces):
            bent = of.larger(x, 0)
            return bent + slope * bent
        return np.maximum(x, 0) + slope * np.minimum(x, 0)


@dataclass(frozen=True)
class Row:
    """Parts one after the other."""

    parts: tuple[Any, ...]

    def value(self, x: np.ndarray, of: Any, key: Key = ()) -> np.ndarray:
        for place, part in enumerate(self.parts):
            x = part.value(x, of, (*key, place))
        return x


@dataclass(frozen=True)
class Sum:
    """Parts of one input, added; no part is the input itself."""

    parts: tuple[Any, ...]

    def value(self, x: np.ndarray, of: Any, key: Key) -> np.ndarray:
        made = [part.value(x, of, (*key, place)) for place, part in enumerate(self.parts)]
        return sum(made[1:], made[0])


@dataclass(frozen=True)
class Stack:
    """Parts of one input, one after the other in one vector."""

    parts: tuple[Any, ...]

    def value(self, x: np.ndarray, of: Any, key: Key) -> np.ndarray:
        return np.concatenate([part.value(x, of, (*key, place)) for place, part in enumerate(self.parts)], axis=-1)


@dataclass(frozen=True)
class Itself:
    """The input."""

    def value(self, x: np.ndarray, of: Any, key: Key) -> np.ndarray:
        return x


@dataclass(frozen=True)
class Copies:
    """A part several times in a row, with weights of their own or with the same."""

    part: Any
    times: int
    tied: bool

    def value(self, x: np.ndarray, of: Any, key: Key) -> np.ndarray:
        for place in range(self.times):
            x = self.part.value(x, of, key if self.tied else (*key, place))
        return x


# what is compared ----------------------------------------------------------------------------------------------------


def levels(tree: Any, shape: Sequence[int]) -> list[tuple[int, int, int]]:
    """For each number of comparisons that lie before: how many are made, in how many weights up to here, and of which degree.

    The output is compared with zero as well, if it depends on weights.
    """
    of, x = Traces(), np.empty(tuple(shape), dtype=object)
    for at in np.ndindex(*shape):
        x[at] = Trace()
    for last in tree.value(x, of, ()).ravel():
        of.compared.append(last)
    made: list[tuple[int, int, int]] = []
    so_far: set[Key] = set()
    for behind in range(1 + max(trace.behind for trace in of.compared)):
        here = [trace for trace in of.compared if trace.behind == behind and trace.degree]
        so_far.update(key for trace in here for key in trace.weights)
        if here:
            made.append((len(here), len(so_far), max(trace.degree for trace in here)))
    return made


# shattering ----------------------------------------------------------------------------------------------------------


@dataclass
class Shattered:
    """Points, and for every pattern of signs, as a number in base two, weights that give it."""

    points: np.ndarray
    weights: dict[int, dict[Key, np.ndarray]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return len(self.points)


def shattered(tree: Any, shape: Sequence[int], most: int, seed: int, tries: int = 6, rounds: int = 12) -> Shattered:
    """The largest set of points of at most so many that is found to be shattered.

    Sets grow by one point: the next one is drawn a few times, and for each the weights are searched, from those of the patterns that
    are known already.
    """
    generator = np.random.default_rng(seed)
    best = Shattered(np.zeros((0, *shape), dtype=np.int64), {0: {}})
    while best.size < most:
        for number in range(tries):
            new = generator.integers(-5, 6, (1, *shape))
            points = np.concatenate([best.points, new]) if number % 2 == 0 else None
            if points is None:
                points = generator.integers(-5, 6, (best.size + 1, *shape))
            found = _patterns(tree, points, generator, rounds)
            if len(found) == 2 ** len(points):
                best = Shattered(points, found)
                break
        else:
            return best
    return best


def signs(tree: Any, weights: Weights, points: np.ndarray) -> np.ndarray:
    """Patterns of signs at the points, one number for each setting."""
    everywhere = np.broadcast_to(points, (weights.count, *points.shape))
    values = tree.value(everywhere, weights, ())[..., 0]
    assert np.abs(values.astype(float)).max(initial=0) < 2**60, "integers that may have run over"
    return ((values > 0) << np.arange(len(points))).sum(-1)


def _patterns(tree: Any, points: np.ndarray, generator: np.random.Generator, rounds: int) -> dict[int, Any]:
    found: dict[int, dict[Key, np.ndarray]] = {}
    weights = Weights(generator, 800)
    for _ in range(rounds):
        codes = signs(tree, weights, points)
        kept = np.unique(codes, return_index=True)
        for code, row in zip(*kept):
            found.setdefault(int(code), {key: array[row] for key, array in weights.known.items()})
        if len(found) == 2 ** len(points):
            break
        # From patterns next to one that is missing, as often as there are such.
        missing = [code for code in range(2 ** len(points)) if code not in found]
        near = [code ^ (1 << place) for code in missing for place in range(len(points))]
        starts = [code for code in near if code in found] or list(found)
        pool = Weights(generator, len(starts))
        pool.known = {key: np.stack([found[code][key] for code in starts]) for key in found[starts[0]]}
        weights = pool.changed(generator.integers(0, len(starts), 800))
        if generator.random() < 0.3:
            weights = Weights(generator, 800)
    return found
