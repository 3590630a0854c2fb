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


def inner_radius(constraints: list[tuple[np.ndarray, float]], dimension: int) -> float:
    """The radius, at most 1, of the largest ball in ``{x : a x + b >= 0 for all (a, b)}``; negative for none."""
    if not constraints:
        return 1.0
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
    return float(answer.x[-1])


def count_regions(units: list[Unit], inputs: int) -> int:
    """How many activation patterns of the network have inputs in an open set."""
    identity = [tuple(int(i == j) for j in range(inputs)) for i in range(inputs)]

    def has_interior(constraints: list[tuple[np.ndarray, float]]) -> bool:
        radius = inner_radius(constraints, inputs)
        if NARROW < abs(radius) < WIDE:
            raise NotGeneric(f"a cell of inner radius {radius}")
        return radius >= WIDE

    def search(
        place: int, known: list[tuple[tuple[int, ...], int]], constraints: list[tuple[np.ndarray, float]]
    ) -> int:
        if place == len(units):
            return 1
        unit = units[place]
        slope = tuple(sum(w * form[0][i] for w, form in zip(unit.weights, known)) for i in range(inputs))
        height = unit.bias + sum(w * form[1] for w, form in zip(unit.weights, known))
        if not any(slope):
            on = height > 0
            return search(place + 1, [*known, (slope, height) if on else ((0,) * inputs, 0)], constraints)
        total = 0
        for sign in (1, -1):
            side = (sign * np.array(slope, dtype=float), float(sign * height))
            if has_interior([*constraints, side]):
                value = (slope, height) if sign > 0 else ((0,) * inputs, 0)
                total += search(place + 1, [*known, value], [*constraints, side])
        return total

    return search(0, [(row, 0) for row in identity], [])


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
    """Blocks ``x <- x + V relu(U x + b)`` with random integers ``U``, ``V``; the stream ``x`` is written out in the units."""
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
