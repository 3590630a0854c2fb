"""Counts the linear regions of a small ReLU network exactly, by linear programming; shares nothing with the library.

A network is a list of units in an order in which each may read the inputs and all units before it, so that plain,
residual and concatenating networks (any directed acyclic one) are written alike. A region is a set of inputs with
non-empty interior on which every unit is on, or off, throughout. The search fixes the units one by one; on the inputs
that remain each unit is an affine function, and two linear programs say whether it takes both signs there.

Weights are integers, so that the affine functions are exact; a cell counts when a ball of radius over `WIDE` fits
into it, and an answer between `NARROW` and `WIDE` is refused (`NotGeneric`) instead of guessed.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog

WIDE, NARROW = 1e-6, 1e-9


class NotGeneric(Exception):
    """A cell is so thin that floating-point linear programming cannot say whether it has an interior."""


@dataclass(frozen=True)
class Unit:
    """``max(0, weights . (inputs, earlier units) + bias)``; the weights may be shorter than all there is to read."""

    weights: tuple[int, ...]
    bias: int


def inner_ball(constraints: list[tuple[np.ndarray, float]], dimension: int) -> tuple[float, np.ndarray]:
    """The largest ball, of radius at most 1, in ``{x : a x + b >= 0 for all (a, b)}``; a negative radius for none."""
    normals = np.array([a for a, _ in constraints], dtype=float)
    offsets = np.array([b for _, b in constraints], dtype=float)
    lengths = np.linalg.norm(normals, axis=1)
    normals, offsets = normals / lengths[:, None], offsets / lengths
    # Maximize r subject to a x + b >= r for unit normals a.
    answer = linprog(
        c=[0.0] * dimension + [-1.0],
        A_ub=np.hstack([-normals, np.ones((len(offsets), 1))]),
        b_ub=offsets,
        bounds=[(None, None)] * dimension + [(None, 1.0)],
        method="highs",
    )
    if answer.status != 0:
        raise NotGeneric(f"the linear program ended with status {answer.status}: {answer.message}")
    return float(answer.x[-1]), answer.x[:-1]


def count_regions(units: list[Unit], inputs: int) -> int:
    """How many activation patterns of the network have inputs in an open set."""
    known = [(tuple(int(i == j) for j in range(inputs)), 0) for i in range(inputs)]
    return _count(units, inputs, known, [], np.zeros(inputs))


def _count(
    units: list[Unit],
    inputs: int,
    known: list[tuple[tuple[int, ...], int]],
    constraints: list[tuple[np.ndarray, float]],
    inside: np.ndarray,
) -> int:
    """Patterns of the units that remain, on the cell of the constraints; ``inside`` is a point well inside of it."""
    place = len(known) - inputs
    if place == len(units):
        return 1
    unit = units[place]
    slope = tuple(sum(w * form[0][i] for w, form in zip(unit.weights, known)) for i in range(inputs))
    height = unit.bias + sum(w * form[1] for w, form in zip(unit.weights, known))
    off = ((0,) * inputs, 0)
    if not any(slope):
        return _count(units, inputs, [*known, (slope, height) if height > 0 else off], constraints, inside)
    total = 0
    for sign, value in ((1, (slope, height)), (-1, off)):
        normal, offset = sign * np.array(slope, dtype=float), float(sign * height)
        side = [*constraints, (normal, offset)]
        center = inside
        if (normal @ inside + offset) / np.linalg.norm(normal) < WIDE:
            radius, center = inner_ball(side, inputs)
            if NARROW < abs(radius) < WIDE:
                raise NotGeneric(f"a cell of inner radius {radius}")
            if radius < WIDE:
                continue
        total += _count(units, inputs, [*known, value], side, center)
    return total


def layer(generator: random.Random, reads: list[int], count: int, largest: int = 9) -> list[Unit]:
    """Units with random integer weights on the given places (inputs first, then units in order), zero elsewhere."""
    made = []
    for _ in range(count):
        weights = [0] * (max(reads) + 1)
        for place in reads:
            weights[place] = generator.choice([-1, 1]) * generator.randint(1, largest)
        made.append(Unit(tuple(weights), generator.randint(-largest, largest)))
    return made


def plain(generator: random.Random, inputs: int, widths: list[int]) -> list[Unit]:
    """A multilayer perceptron: each layer reads the one before."""
    units: list[Unit] = []
    reads = list(range(inputs))
    for width in widths:
        start = inputs + len(units)
        units += layer(generator, reads, width)
        reads = list(range(start, start + width))
    return units


def concatenating(generator: random.Random, inputs: int, widths: list[int]) -> list[Unit]:
    """Each layer reads the input and all layers before, as in a dense block."""
    units: list[Unit] = []
    for width in widths:
        units += layer(generator, list(range(inputs + len(units))), width)
    return units


def residual(generator: random.Random, inputs: int, widths: list[int], largest: int = 4) -> list[Unit]:
    """Blocks ``x <- x + V relu(U x + b)`` with random integers ``U``, ``V``; the stream ``x`` is written out."""
    units: list[Unit] = []
    # Row i of the stream: its coefficients on (inputs, units so far).
    stream = [[int(i == j) for j in range(inputs)] for i in range(inputs)]
    for width in widths:
        start = inputs + len(units)
        for _ in range(width):
            mixed = [generator.choice([-1, 1]) * generator.randint(1, largest) for _ in range(inputs)]
            row = [sum(m * line[place] for m, line in zip(mixed, stream)) for place in range(start)]
            units.append(Unit(tuple(row), generator.randint(-9, 9)))
        stream = [
            [*line, *(generator.choice([-1, 1]) * generator.randint(1, largest) for _ in range(width))]
            for line in stream
        ]
    return units
