"""The predictor of one output of a layer that is linear in its input, and the rank of its Jacobian, by enumeration.

>>> from layeralgebra.proofs.enumeration import Equation
>>> meant = Equation("y[i] = w[u]*x[i + u]\\nwhere u < k", {"k": 2}, {"x": (3,)})
>>> predictor_rank(meant, "x", {"w": {(0,): 1, (1,): 2}}, (0,))
2
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import product
from typing import Any

from .meaning import Equation

Tensor = Mapping[tuple[int, ...], Any]


class NotLinear(Exception):
    """The layer is not linear in its input, or not of the first degree in every single weight."""


class _Array(dict[tuple[int, ...], Any]):
    """A tensor by its places."""


def predictor_rank(equation: Equation, entry: str, weights: Mapping[str, Tensor], place: tuple[int, ...]) -> int:
    """In how many directions the weights move the predictor of one output, at given weights.

    Parameters
    ----------
    equation : Equation
    entry : str
        The input.
    weights : mapping of str to tensor
        Integers or fractions by place, for weights and buffers.
    place : tuple of int
        Of the output.

    Raises
    ------
    NotLinear
    """
    shape = equation.shapes[entry]
    units = list(product(*map(range, shape)))

    def output(values: Tensor, given: Mapping[str, Tensor]) -> Fraction:
        return Fraction(equation.run({entry: _Array(values), **given})[place])

    def predictor(given: Mapping[str, Tensor]) -> list[Fraction]:
        zero: Tensor = dict.fromkeys(units, 0)
        start = output(zero, given)
        row = [output({**zero, unit: 1}, given) - start for unit in units]
        mixed = {unit: number % 5 - 2 for number, unit in enumerate(units)}
        if output(mixed, given) - start != sum(mixed[unit] * one for unit, one in zip(units, row)):
            raise NotLinear
        return row

    here = predictor(weights)
    columns = []
    for name in equation.weights:
        for where in weights[name]:
            moved = [
                predictor({**weights, name: _Array({**weights[name], where: weights[name][where] + step})})
                for step in (1, 2)
            ]
            column = [one - zero for one, zero in zip(moved[0], here)]
            if any(two - one != first for two, one, first in zip(moved[1], moved[0], column)):
                raise NotLinear
            columns.append(column)
    return rank(columns)


def rank(rows: Sequence[Sequence[Fraction]]) -> int:
    """The rank of a matrix of fractions, by elimination."""
    left = [list(row) for row in rows]
    found = 0
    for column in range(len(left[0]) if left else 0):
        chosen = next((place for place in range(found, len(left)) if left[place][column]), None)
        if chosen is None:
            continue
        left[found], left[chosen] = left[chosen], left[found]
        pivot = left[found]
        for place in range(found + 1, len(left)):
            factor = left[place][column] / pivot[column]
            if factor:
                left[place] = [one - factor * two for one, two in zip(left[place], pivot)]
        found += 1
    return found
