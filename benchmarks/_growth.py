"""The exponent with which something grows."""

from __future__ import annotations

import math
import statistics


def exponent(sizes: tuple[int, ...], values: list[float]) -> float:
    """The slope of the least-squares line through the logarithms."""
    xs, ys = [math.log(size) for size in sizes], [math.log(max(value, 1e-9)) for value in values]
    return statistics.linear_regression(xs, ys).slope
