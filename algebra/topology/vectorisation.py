r"""Persistence diagrams as vectors: landscape, silhouette, heat.

All three sample a function of the diagram on a fixed grid of [0, 1], where the filtration of a normalised network
lives, so that the vectors of different networks compare entry by entry. A point (b, d) stands for the tent ``max(0,
min(t - b, d - t))`` in the first two, for a bump less its mirror image in the diagonal in the third.

>>> import numpy as np
>>> points = np.array([[0.0, 1.0], [0.0, 0.5]])
>>> landscape(points, bins=5, layers=2).tolist()
[[0.0, 0.25, 0.5, 0.25, 0.0], [0.0, 0.25, 0.0, 0.0, 0.0]]
>>> silhouette(points, bins=5).round(3).tolist()
[0.0, 0.25, 0.333, 0.167, 0.0]

References
----------
Bubenik, P. (2015). Statistical topological data analysis using persistence landscapes. JMLR 16. Chazal, F., Fasy, B.,
Lecci, F., Rinaldo, A., Wasserman, L. (2014). Stochastic convergence of persistence landscapes and silhouettes. SoCG.
Reininghaus, J., Huber, S., Bauer, U., Kwitt, R. (2015). A stable multi-scale kernel for topological machine learning.
CVPR.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arguments import shown
from ..errors import FieldError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CHUNK = 20_000


def _checked(points: Any, bins: int) -> tuple[NDArray[Any], NDArray[Any]]:
    block = np.asarray(points, dtype=float).reshape(-1, 2)
    if not np.all(np.isfinite(block)) or np.any(block[:, 1] < block[:, 0]):
        raise FieldError("a diagram to be vectorised has finite deaths, none before its birth; use cleaned(dimension)")
    if not isinstance(bins, int) or bins < 2:
        raise FieldError(f"a grid needs at least two points, got {shown(bins)}")
    return block, np.linspace(0.0, 1.0, bins)


def landscape(points: Any, *, bins: int = 100, layers: int = 1) -> NDArray[Any]:
    """The persistence landscape: at each t the largest tents, the second largest, ...; shape (layers, bins)."""
    block, grid = _checked(points, bins)
    if not isinstance(layers, int) or layers < 1:
        raise FieldError(f"a landscape needs at least one layer, got {shown(layers)}")
    best = np.zeros((layers, bins))
    for start in range(0, len(block), _CHUNK):
        part = block[start : start + _CHUNK]
        tents = np.maximum(0.0, np.minimum(grid - part[:, :1], part[:, 1:] - grid))
        stacked = np.vstack([best, tents])
        best = -np.sort(np.partition(-stacked, layers - 1, axis=0)[:layers], axis=0)
    return best


def silhouette(points: Any, *, bins: int = 100, power: float = 1.0) -> NDArray[Any]:
    """The mean of the tents, weighted by their lifespans to a power; shape (bins,)."""
    block, grid = _checked(points, bins)
    total, mass = np.zeros(bins), 0.0
    for start in range(0, len(block), _CHUNK):
        part = block[start : start + _CHUNK]
        weight = (part[:, 1] - part[:, 0]) ** power
        tents = np.maximum(0.0, np.minimum(grid - part[:, :1], part[:, 1:] - grid))
        total, mass = total + weight @ tents, mass + float(weight.sum())
    return total / mass if mass > 0 else total


def heat(points: Any, *, bins: int = 100, sigma: float = 0.1) -> NDArray[Any]:
    """Heat sources at the points and sinks at their mirror images in the diagonal, after a while; shape (bins, bins).

    ``sum_(b, d) N(x - b, y - d) - N(x - d, y - b)``, N the normal density of standard deviation sigma; zero on the
    diagonal.
    """
    block, grid = _checked(points, bins)
    if not sigma > 0:
        raise FieldError(f"the width of a heat kernel must be positive, got {shown(sigma)}")
    total = np.zeros((bins, bins))
    for start in range(0, len(block), _CHUNK):
        births, deaths = block[start : start + _CHUNK].T
        one = np.exp(-((grid[:, None] - births) ** 2) / (2 * sigma**2))
        two = np.exp(-((grid[:, None] - deaths) ** 2) / (2 * sigma**2))
        product = one @ two.T
        total += product - product.T
    return total / (2 * np.pi * sigma**2)


VECTORISATIONS: dict[str, Callable[..., Any]] = {"landscape": landscape, "silhouette": silhouette, "heat": heat}
"""The vectorisations by name."""
