"""Whether the fields that the engine claims of a recurrent equation are those that a change of each number of the input shows.

``PYTHONPATH=tests python -P tests/recurrence_agreement.py FIRST COUNT`` compares engine, enumeration and perturbation on COUNT draws of
`random_recurrences` and prints those on which they differ.
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

import numpy as np
from language_agreement import as_layer, disagreement
from random_equations import Draw
from random_recurrences import drawn_recurrence

import layeralgebra as la
from layeralgebra.algebra.equations.receptive_field import layer_reach


def seen(layer: la.Layer, shape: tuple[int, ...]) -> np.ndarray:
    """For every output and every element of the input whether a change of the one changes the other; all numbers are positive."""
    generator = np.random.default_rng(7)
    weights = {
        name: generator.integers(1, 9, [int(size) for size in sizes])
        for name, sizes in layer.instance(shape).weights().items()
    }
    x = generator.integers(1, 9, shape)
    before = np.asarray(la.run(layer, x, weights), dtype=object)
    changed = np.zeros((*before.shape, *shape), dtype=bool)
    for where in np.ndindex(*shape):
        other = x.copy()
        other[where] += 1
        changed[(..., *where)] = np.asarray(la.run(layer, other, weights), dtype=object) != before
    return changed


def field_disagreement(draw: Draw) -> str | None:
    """In words, or None; ``"refused"`` if the equation has no meaning."""
    layer, (shape,) = as_layer(draw), draw.shapes
    try:
        reach = layer_reach(layer.instance(shape))
    except la.UnsupportedError:
        return "refused"
    changed = seen(layer, shape)
    outputs = changed.shape[: changed.ndim - len(shape)]
    claims = {where: [tuple(map(int, own.at(where))) for own in reach] for where in np.ndindex(*outputs)}
    # An output whose field lies beyond the border along one axis sees nothing along any.
    seeing = {
        where
        for where, ends in claims.items()
        if all(max(low, 0) <= min(high, size - 1) for (low, high), size in zip(ends, shape))
    }
    masked = bool(layer.instance(shape).elaborated.masks)  # outputs that a mask leaves out see nothing, and are said to
    for axis, (claimed, size) in enumerate(zip(reach, shape)):
        others = tuple(len(outputs) + other for other in range(len(shape)) if other != axis)
        along = changed.any(axis=others)
        widest = {"claimed": 0, "seen": 0}
        for where in np.ndindex(*outputs):
            places, (low, high) = np.flatnonzero(along[where]), claims[where][axis]
            if len(places) and (places[0] < low or places[-1] > high or where not in seeing):
                return f"output {where} sees {places} along axis {axis}, claimed {claims[where]}"
            if where in seeing:
                widest["claimed"] = max(widest["claimed"], min(high, size - 1) - max(low, 0) + 1)
            if len(places):
                widest["seen"] = max(widest["seen"], int(places[-1] - places[0] + 1))
        if claimed.even and not masked and widest["claimed"] != widest["seen"]:
            return (
                f"along axis {axis} the widest field is {widest['seen']}, claimed {widest['claimed']} exactly: {claims}"
            )
        reading = along[along.any(axis=-1)]  # outputs that read nothing of the input are not spoken of
        if claimed.whole is not None and not masked and reading.size and claimed.whole is not bool(reading.all()):
            return f"whether all of axis {axis} is seen: claimed {claimed.whole}, and it is not so"
    return None


def compared(seed: int) -> str | None:
    """The disagreement on one draw, in words."""
    draw = drawn_recurrence(seed)
    found = disagreement(draw, symbolic=seed % 10 == 0)
    return found if found is not None else field_disagreement(draw)


def main(first: int, count: int) -> int:
    """Compare many; the number of those on which the two differ."""
    became: Counter[str] = Counter()
    for seed in range(first, first + count):
        try:
            found: Any = compared(seed)
        except Exception as error:  # whatever it is, it is a fault
            found = f"raw {type(error).__name__}: {error}"
        kind = found if found in ("refused", "too large") else "agreed" if found is None else "differed"
        became[kind] += 1
        if kind == "differed":
            draw = drawn_recurrence(seed)
            print(f"--- {seed}\n{draw.text}\non {draw.shapes}\n    {found}", flush=True)
    print(dict(became))
    return became["differed"]


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])) > 0)
