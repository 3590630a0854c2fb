"""Counts the affine regions of a small network exactly, at given weights, from what its equations mean.

A network is a list of stages, each after those that it reads: an equation with numbers for its weights, or a joining
of tensors. It is followed on a polytope, split wherever a comparison splits it. Two things are counted, on the whole
input or on a slice of it:

activation patterns
    How many affine functions the outputs of all layers together are. For layers of ReLUs these are the sets of units
    that are on.
affine pieces
    How many affine functions the output is: two neighbouring patterns on which it is the same are one piece. On a line
    pieces that lie apart count each; in more dimensions those with the same function count once.

>>> from layeralgebra.proofs.enumeration import Equation
>>> dense = Equation("h[o] = W[o, i]*x[i] + b[o]\\ny[o] = relu(h[o])\\nwhere o < n", {"n": 3}, {"x": (1,)})
>>> last = Equation("h[o] = W[o, i]*x[i] + b[o]\\ny[o] = relu(h[o])\\nwhere o < n", {"n": 1}, {"x": (3,)})
>>> import numpy
>>> stages = [
...     Layered(dense, {"W": numpy.array([[-1], [1], [1]]), "b": numpy.array([4, 0, -2])}, (0,)),
...     Layered(last, {"W": numpy.array([[-2, -3, 2]]), "b": numpy.array([9])}, (1,)),
... ]
>>> counted = count([(1,)], stages, whole([(1,)]))
>>> counted.patterns, counted.pieces
(8, 7)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any

from .cells import Cell, Form, cube, followed
from .meaning import Equation

Values = dict[tuple[int, ...], Any]
Map = tuple[tuple[Any, ...], ...]
#: For each input, for each element in order, its coefficients on (1, coordinates).
Slice = Sequence[Sequence[tuple[int, ...]]]


@dataclass(frozen=True)
class Layered:
    """A layer: its equation, its learned tensors and buffers, and the numbers of the values that it reads."""

    equation: Equation
    tensors: Mapping[str, Any]
    sources: tuple[int, ...]

    def value(self, arriving: Sequence[Values]) -> Values:
        inputs = {name: _Array(values) for name, values in zip(self.equation.inputs, arriving)}
        return self.equation.run({**self.tensors, **inputs})


@dataclass(frozen=True)
class Added:
    """A sum of tensors, each times a number; an axis of size 1 is repeated."""

    factors: tuple[Any, ...]
    sources: tuple[int, ...]

    def value(self, arriving: Sequence[Values]) -> Values:
        shapes = [tuple(1 + last for last in max(values)) for values in arriving]
        return {
            where: sum(
                factor * values[tuple(min(at, size - 1) for at, size in zip(where, shape))]
                for factor, values, shape in zip(self.factors, arriving, shapes)
            )
            for where in product(*(range(max(sizes)) for sizes in zip(*shapes)))
        }


@dataclass(frozen=True)
class Stacked:
    """Tensors one after the other along an axis."""

    axis: int
    sources: tuple[int, ...]

    def value(self, arriving: Sequence[Values]) -> Values:
        made: Values = {}
        offset = 0
        for values in arriving:
            for where, value in values.items():
                made[(*where[: self.axis], where[self.axis] + offset, *where[self.axis + 1 :])] = value
            offset += 1 + max(where[self.axis] for where in values)
        return made


Stage = Layered | Added | Stacked


class _Array:
    """Values as a tensor that an equation reads."""

    def __init__(self, values: Values):
        self.values = values

    def __getitem__(self, where: tuple[int, ...]) -> Any:
        return self.values[where]


@dataclass(frozen=True)
class Region:
    """One cell: where it is, what the output is there, and what all layers are."""

    cell: Cell
    output: Map
    layers: tuple[Map, ...]


@dataclass(frozen=True)
class Counted:
    """What was counted.

    Attributes
    ----------
    patterns, pieces : int
        As in the module's head.
    ranks : tuple of int
        How many patterns have an output of dimension 0, 1, ...
    """

    patterns: int
    pieces: int
    ranks: tuple[int, ...]


def whole(shapes: Sequence[Sequence[int]]) -> Slice:
    """All of the input, a coordinate for each element."""
    sizes = [prod(shape) for shape in shapes]
    units = iter([tuple(int(place == axis) for place in range(-1, sum(sizes))) for axis in range(sum(sizes))])
    return [[next(units) for _ in range(size)] for size in sizes]


def regions(shapes: Sequence[Sequence[int]], stages: Sequence[Stage], where: Slice) -> Iterator[Region]:
    """The cells of a network on a slice of its input; a joining adds nothing to what is told apart."""
    start = cube(len(where[0][0]) - 1)

    def inputs(path: Any) -> list[Values]:
        return [
            {place: Form(path, row) for place, row in zip(product(*map(range, shape)), rows)}
            for shape, rows in zip(shapes, where)
        ]

    def after(cell: Cell, known: list[dict[tuple[int, ...], tuple[Any, ...]]], number: int) -> Iterator[Region]:
        if number == len(stages):
            kept = [tuple(value.values()) for value in known[len(shapes) :]]
            layers = tuple(value for value, stage in zip(kept, stages) if isinstance(stage, Layered))
            yield Region(cell, kept[-1], layers)
            return
        stage = stages[number]

        def made(path: Any) -> Values:
            read = [{at: Form(path, parts) for at, parts in known[source].items()} for source in stage.sources]
            return stage.value(read)

        width = 1 + cell.dimension
        for part, values in followed(cell, made):
            parts = {
                at: value.parts if isinstance(value, Form) else _constant(value, width) for at, value in values.items()
            }
            yield from after(part, [*known, parts], number + 1)

    first = [{at: form.parts for at, form in values.items()} for values in inputs(None)]
    yield from after(start, first, 0)


def _constant(value: Any, width: int) -> tuple[Any, ...]:
    return (Fraction(value) if isinstance(value, float) else value, *(0,) * (width - 1))


def count(shapes: Sequence[Sequence[int]], stages: Sequence[Stage], where: Slice) -> Counted:
    """Activation patterns and affine pieces of a network on a slice of its input."""
    found = list(regions(shapes, stages, where))
    patterns: dict[tuple[Map, ...], int] = {}
    outputs: dict[Map, None] = {}
    for region in found:
        patterns.setdefault(region.layers, rank([row[1:] for row in region.output]))
        outputs.setdefault(region.output)
    dimensions = list(patterns.values())
    ranks = tuple(dimensions.count(dimension) for dimension in range(max(dimensions) + 1))
    pieces = _runs(found) if len(where[0][0]) == 2 else len(outputs)
    return Counted(len(patterns), pieces, ranks)


def _runs(found: Sequence[Region]) -> int:
    """Pieces on a line, from left to right."""

    def left(region: Region) -> Fraction:
        return min(Fraction(corner[1], corner[0]) for corner, _ in region.cell.corners)

    ordered = [region.output for region in sorted(found, key=left)]
    return 1 + sum(one != other for one, other in zip(ordered, ordered[1:]))


def rank(rows: Sequence[Sequence[Any]]) -> int:
    """The rank of a matrix of fractions, by elimination."""
    matrix = [[Fraction(value) for value in row] for row in rows]
    found = 0
    for column in range(len(matrix[0]) if matrix else 0):
        pivot = next((place for place in range(found, len(matrix)) if matrix[place][column]), None)
        if pivot is None:
            continue
        matrix[found], matrix[pivot] = matrix[pivot], matrix[found]
        for place in range(found + 1, len(matrix)):
            factor = matrix[place][column] / matrix[found][column]
            if factor:
                matrix[place] = [a - factor * b for a, b in zip(matrix[place], matrix[found])]
        found += 1
    return found
