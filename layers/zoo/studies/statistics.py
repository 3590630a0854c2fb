"""Rank correlations with bootstrap intervals.

>>> spearman([1, 2, 3, 4], [10, 20, 40, 30])
0.8
>>> round(kendall([1, 2, 3, 4], [10, 20, 40, 30]), 4)
0.6667
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ....algebra.arguments import checked
from ....algebra.errors import FieldError
from ....algebra.records import dataclass

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


def spearman(one: Any, other: Any) -> Any:
    """Spearman's rank correlation of rows: Pearson's, of the ranks; nan where one side is constant or has a nan."""
    from scipy.stats import rankdata

    first, second = (rankdata(side, axis=-1) for side in np.broadcast_arrays(one, other))
    first, second = (side - side.mean(axis=-1, keepdims=True) for side in (first, second))
    return _ratio((first * second).sum(axis=-1), (first**2).sum(axis=-1) * (second**2).sum(axis=-1))


def kendall(one: Any, other: Any) -> Any:
    """Kendall's tau-b of rows: pairs in equal order less those in opposite order, corrected for ties; nan as above.

    `scipy.stats.kendalltau` works out how significant each value is, and so takes ten times as long.
    """
    one, other = np.broadcast_arrays(one, other)
    if one.ndim > 1:  # a matrix of pairs for each row, not for all rows at once
        return np.array([kendall(*rows) for rows in zip(one, other, strict=True)])
    first, second = (np.sign(np.subtract.outer(side, side, dtype=float)) for side in (one, other))
    return _ratio((first * second).sum(), (first**2).sum() * (second**2).sum())


def _ratio(top: Any, square: Any) -> Any:
    """The quotient by a root, of numbers or arrays."""
    with np.errstate(invalid="ignore"):
        found = top / np.sqrt(square)
    return found if np.ndim(found) else float(found)


STATISTICS: dict[str, Callable[[Any, Any], Any]] = {"spearman": spearman, "kendall": kendall}


@checked
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


@checked
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


def _statistic(name: str) -> Callable[[Any, Any], Any]:
    if name not in STATISTICS:
        raise FieldError(f"statistic={name!r}: there are {', '.join(STATISTICS)}")
    return STATISTICS[name]


def _bootstrapped(
    measure: Callable[[Any, Any, Any], Any],
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
    value = float(measure(a, b, c))
    nothing = float("nan")
    if len(a) < FEWEST or value != value:
        return Correlation(value, nothing, nothing, len(a))
    draw = np.random.default_rng(seed)
    chosen = draw.integers(0, len(a), (resamples, len(a)))
    found = measure(a[chosen], b[chosen], c[chosen])
    low, high = np.quantile(found[~np.isnan(found)], [(1 - level) / 2, (1 + level) / 2])
    return Correlation(value, float(low), float(high), len(a))
