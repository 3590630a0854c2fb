"""The upper bounds on the VC dimension of Bartlett, Harvey, Liaw & Mehrabian (2019), written out in floating point."""

from __future__ import annotations

from math import e, log2


def explicit(levels: list[tuple[int, ...]], p: int = 1) -> float:
    """The theorem, written out; levels of (units, parameters), and the degree where it is not the number of the level."""
    so_far = [sum(level[1] for level in levels[: place + 1]) for place in range(len(levels))]
    total, depth = so_far[-1], len(levels)
    weighted = sum(([place, *level[2:]])[-1] * level[0] for place, level in enumerate(levels, start=1))
    return depth + sum(so_far) / total * total * log2(4 * e * p * weighted * log2(2 * e * p * weighted))


def implicit(levels: list[tuple[int, ...]], p: int = 1) -> int:
    """The largest m of the theorem, by doubling and bisection in floating point."""
    so_far = [sum(level[1] for level in levels[: place + 1]) for place in range(len(levels))]

    def holds(m: int) -> bool:
        return m <= sum(
            1 + w * log2(2 * e * m * level[0] * p * ([place, *level[2:]])[-1] / w)
            for place, (level, w) in enumerate(zip(levels, so_far), start=1)
        )

    low = high = max(so_far[-1], 2)
    while holds(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
