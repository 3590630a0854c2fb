"""A vector as a non-negative combination of others, exactly: the first phase of the simplex method over the rationals.

By Farkas' lemma this decides whether linear inequalities contradict each other; Bland's rule makes it end.

>>> [str(weight) for weight in combination([{"x": 1, "": -1}, {"x": -2}], {"": -2})]
['2', '1']
>>> combination([{"x": 1}, {"x": 2}], {"x": -1}) is None
True
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from sympy import QQ

#: Bland's rule ends, but it may take long; after so many pivots none is said to be found.
_MOST_PIVOTS = 200
#: A vector by its non-zero entries.
Vector = Mapping[Any, Any]


def combination(vectors: Sequence[Vector], target: Vector) -> list[Any] | None:
    """Weights, none negative, with which the vectors add up to the target; None if there are none.

    Parameters
    ----------
    vectors : sequence of mapping
    target : mapping
        Entries are rational numbers.
    """
    places: list[Hashable] = list(dict.fromkeys([*target, *(place for vector in vectors for place in vector)]))
    width = len(vectors)
    # One row for each place, made non-negative on the right; an artificial variable starts as its basic one.
    rows, basis = [], []
    for number, place in enumerate(places):
        row = [_exact(vector.get(place, 0)) for vector in vectors] + [_exact(target.get(place, 0))]
        rows.append([-one for one in row] if row[-1] < 0 else row)
        basis.append(width + number)
    cost = [sum((row[column] for row in rows), QQ(0)) for column in range(width + 1)]
    for _ in range(_MOST_PIVOTS):
        if cost[-1] <= 0:
            break
        entering = next((column for column in range(width) if cost[column] > 0), None)
        if entering is None:
            return None
        leaving = min(
            (number for number, row in enumerate(rows) if row[entering] > 0),
            key=lambda number: (rows[number][-1] / rows[number][entering], basis[number]),
        )
        pivot = rows[leaving][entering]
        rows[leaving] = [one / pivot for one in rows[leaving]]
        for row in (*(row for number, row in enumerate(rows) if number != leaving), cost):
            factor = row[entering]
            if factor:
                row[:] = [a - factor * b if b else a for a, b in zip(row, rows[leaving], strict=True)]
        basis[leaving] = entering
    else:
        return None
    weights = [QQ(0)] * width
    for row, column in zip(rows, basis, strict=True):
        if column < width:
            weights[column] = row[-1]
    return weights


def _exact(value: Any) -> Any:
    return QQ(value) if isinstance(value, int) else value
