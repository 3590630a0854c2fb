r"""Neural persistence: how unevenly the weights of a layer connect it.

Edges enter from the strongest, ``w = |W| / max |W|``, down; every edge of the maximum spanning tree ends a component
that entered at 1. The p-norm of the lifespans ``1 - w``, divided by what it could be at most, ``(rows + cols -
1)^(1/p)``, lies between 0 and 1: all weights equal give 0.

>>> import numpy as np
>>> neural_persistence([np.ones((3, 2)), np.ones((2, 3))]).mean
0.0
>>> round(neural_persistence([[[1.0, 0.0], [0.0, 0.5]]]).mean, 6)
0.645497

References
----------
Rieck, B., Togninalli, M., Bock, C., Moor, M., Horn, M., Gumbsch, T., Borgwardt, K. (2019). Neural persistence: a
complexity measure for deep neural networks using algebraic topology. ICLR. arXiv:1812.09764.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arguments import as_array, as_elements, shown
from ..errors import DomainError, FieldError
from ..records import dataclass
from .diagrams import spanning_forest


@dataclass(frozen=True)
class NeuralPersistence:
    """Neural persistence of the layers of a network.

    Attributes
    ----------
    layers : tuple of float
        Normalised, unless asked otherwise.
    mean : float
    """

    layers: tuple[float, ...]

    kind = "exact"
    source = "Rieck et al. 2019, arXiv:1812.09764"

    @property
    def mean(self) -> float:
        return sum(self.layers) / len(self.layers)


def neural_persistence(weights: Sequence[Any], *, power: float = 2.0, normalised: bool = True) -> NeuralPersistence:
    """The neural persistence of every layer.

    Parameters
    ----------
    weights : sequence of matrices
        Biases do not enter. The strongest weight of the whole network is the unit.
    power : float
        p of the norm.
    normalised : bool

    Raises
    ------
    DomainError
        If all weights are zero.
    """
    matrices = [np.abs(as_array(matrix, "a matrix of weights")) for matrix in as_elements(weights, "the weights")]
    if not matrices or any(matrix.ndim != 2 or matrix.size == 0 for matrix in matrices):
        raise FieldError("neural persistence needs a matrix of weights for each layer")
    if not power >= 1:
        raise FieldError(f"a norm has a power of at least 1, got {shown(power)}")
    if not all(np.all(np.isfinite(matrix)) for matrix in matrices):
        raise FieldError("weights must be finite")
    largest = max(float(matrix.max()) for matrix in matrices)
    if largest == 0:
        raise DomainError("a network whose weights are all zero has no neural persistence")
    found = []
    for matrix in matrices:
        rows, columns = matrix.shape
        to, origin = np.indices(matrix.shape)
        ends = np.stack([origin.ravel(), columns + to.ravel()], axis=1)
        lifespans = 1 - matrix.ravel() / largest
        tree = lifespans[spanning_forest(rows + columns, ends, lifespans)]
        norm = float((tree**power).sum() ** (1 / power))
        found.append(norm / (rows + columns - 1) ** (1 / power) if normalised else norm)
    return NeuralPersistence(tuple(found))
