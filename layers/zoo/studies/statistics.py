"""Rank correlations with bootstrap intervals.

>>> spearman([1, 2, 3, 4], [10, 20, 40, 30])
0.8
>>> round(kendall([1, 2, 3, 4], [10, 20, 40, 30]), 4)
0.6667
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....algebra.errors import FieldError

FEWEST = 4  # points below which a correlation of ranks says nothing


@dataclass(frozen=True)
class Correlation:
    """A correlation with a bootstrap interval.

    Attributes
    ----------
    value : float
    low, high : float
        Percentiles of the bootstrap distribution.
    points : int
    """

    value: float
    low: float
    high: float
    points: int

    def __str__(self) -> str:
        return f"{self.value:+.2f} [{self.low:+.2f}, {self.high:+.2f}]"

    @property
    def is_decided(self) -> bool:
        """Whether the interval has one sign."""
        return self.low > 0 or self.high < 0


def ranks(values: Sequence[float]) -> Any:
    """Ranks from 1, the mean rank where values are equal.

    Examples
    --------
    >>> ranks([30, 10, 10]).tolist()
    [3.0, 1.5, 1.5]
    """
    array = np.asarray(values, dtype=float)
    _, place, count = np.unique(array, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return (last - (count - 1) / 2)[place]


def spearman(one: Sequence[float], other: Sequence[float]) -> float:
    """Spearman's rank correlation: Pearson's, of the ranks; nan where one side is constant."""
    first, second = (r - r.mean() for r in (ranks(one), ranks(other)))
    scale = np.sqrt((first @ first) * (second @ second))
    return float(first @ second / scale) if scale else float("nan")


def kendall(one: Sequence[float], other: Sequence[float]) -> float:
    """Kendall's tau-b: pairs in equal order less those in opposite order, corrected for ties; nan for a "
    "constant side."""
    signs = [np.sign(np.subtract.outer(a, a)) for a in (np.asarray(one, dtype=float), np.asarray(other, dtype=float))]
    scale = np.sqrt((signs[0] ** 2).sum() * (signs[1] ** 2).sum())
    return float((signs[0] * signs[1]).sum() / scale) if scale else float("nan")


STATISTICS: dict[str, Callable[[Sequence[float], Sequence[float]], float]] = {"spearman": spearman, "kendall": kendall}


def correlate(
    one: Sequence[float],
    other: Sequence[float],
    statistic: str = "spearman",
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> Correlation:
    """A rank correlation with a percentile bootstrap interval.

    Parameters
    ----------
    one, other : sequence of float
    statistic : {'spearman', 'kendall'}
    level : float
    resamples, seed : int
        Points are drawn with replacement; a sample in which one side is constant is left out.

    Returns
    -------
    Correlation
        The interval is (nan, nan) for fewer than 4 points.

    Examples
    --------
    >>> found = correlate(range(20), [x**2 for x in range(20)])
    >>> found.value, found.is_decided
    (1.0, True)
    """
    return _bootstrapped(lambda a, b, c: _statistic(statistic)(a, b), one, other, one, level, resamples, seed)


def correlation_gain(
    one: Sequence[float],
    than: Sequence[float],
    other: Sequence[float],
    statistic: str = "spearman",
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> Correlation:
    """By how much `one` correlates better with `other` than `than` does; both are taken from the same resamples."""
    measure = _statistic(statistic)
    return _bootstrapped(lambda a, b, c: measure(a, b) - measure(c, b), one, other, than, level, resamples, seed)


def _statistic(name: str) -> Callable[[Sequence[float], Sequence[float]], float]:
    if name not in STATISTICS:
        raise FieldError(f"statistic={name!r}: there are {', '.join(STATISTICS)}")
    return STATISTICS[name]


def _bootstrapped(
    measure: Callable[[Any, Any, Any], float],
    one: Sequence[float],
    other: Sequence[float],
    third: Sequence[float],
    level: float,
    resamples: int,
    seed: int,
) -> Correlation:
    a, b, c = (np.asarray(list(values), dtype=float) for values in (one, other, third))
    if not (a.shape == b.shape == c.shape and a.ndim == 1):
        raise FieldError(f"a correlation takes equally many values on both sides, got {len(a)} and {len(b)}")
    if not 0 < level < 1:
        raise FieldError(f"level is between 0 and 1, got {level}")
    if len(a) < 2:
        raise FieldError(f"a correlation needs two points or more, got {len(a)}")
    value = measure(a, b, c)
    nothing = float("nan")
    if len(a) < FEWEST or value != value:
        return Correlation(value, nothing, nothing, len(a))
    draw = np.random.default_rng(seed)
    found = [measure(a[chosen], b[chosen], c[chosen]) for chosen in draw.integers(0, len(a), (resamples, len(a)))]
    kept = np.array([f for f in found if f == f])
    low, high = np.quantile(kept, [(1 - level) / 2, (1 + level) / 2])
    return Correlation(value, float(low), float(high), len(a))
