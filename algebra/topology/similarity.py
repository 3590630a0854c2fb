r"""How similar two networks are, by the distance of their vectorised persistence diagrams.

The distance is that of the sampled functions in L^p, for each dimension of homology apart and together. It sees neither
the names of the neurons nor their order inside a layer.

>>> import numpy as np
>>> from layeralgebra.algebra.topology.graph import NetworkGraph
>>> one = NetworkGraph.of_perceptron([[[1.0, 0.5], [0.25, 0.5], [0.1, 0.9]]])
>>> other = NetworkGraph.of_perceptron([[[0.5, 0.25], [1.0, 0.5], [0.1, 0.9]]])
>>> topological_similarity(one, other).distance
0.0
"""

from __future__ import annotations

from collections.abc import Sequence
from inspect import signature
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arguments import shown
from ..errors import FieldError
from ..records import dataclass
from .diagrams import ETA, PersistenceDiagrams, persistent_homology
from .graph import NetworkGraph
from .vectorisation import VECTORISATIONS

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class TopologicalSimilarity:
    """The distance of two networks.

    Attributes
    ----------
    distance : float
        Over all dimensions together: the root of the sum of the p-th powers.
    by_dimension : tuple of float
    vectorisation : str
    """

    distance: float
    by_dimension: tuple[float, ...]
    vectorisation: str

    kind = "exact"
    source = "Perez-Fernandez et al. 2021, arXiv:2101.07752"


def diagram_vectors(
    network: NetworkGraph | PersistenceDiagrams,
    vectorisation: str = "heat",
    *,
    dimensions: Sequence[int] = (0, 1, 2, 3),
    eta: float = ETA,
    **options: Any,
) -> tuple[NDArray[Any], ...]:
    """The vectorised diagrams of a network, one for each dimension.

    Parameters
    ----------
    network : NetworkGraph or PersistenceDiagrams
    vectorisation : str
        ``landscape``, ``silhouette`` or ``heat``.
    dimensions : sequence of int
    eta : float
        Lifespans below it are dropped.
    **options
        Of the vectorisation, such as ``bins``.
    """
    if vectorisation not in VECTORISATIONS:
        raise FieldError(f"a vectorisation is one of {', '.join(VECTORISATIONS)}, got {shown(vectorisation)}")
    known = [
        name
        for name, each in signature(VECTORISATIONS[vectorisation]).parameters.items()
        if each.kind is each.KEYWORD_ONLY or each.default is not each.empty
    ]
    if unknown := sorted(set(options) - set(known)):
        raise FieldError(f"{vectorisation} has no option {unknown[0]!r}; it has {', '.join(known) or 'none'}")
    diagrams = persistent_homology(network) if isinstance(network, NetworkGraph) else network
    return tuple(VECTORISATIONS[vectorisation](diagrams.cleaned(d, eta), **options) for d in dimensions)


def topological_similarity(
    one: NetworkGraph | PersistenceDiagrams,
    other: NetworkGraph | PersistenceDiagrams,
    vectorisation: str = "heat",
    *,
    power: float = 2.0,
    **options: Any,
) -> TopologicalSimilarity:
    """The distance of two networks by their persistence diagrams.

    Parameters
    ----------
    one, other : NetworkGraph or PersistenceDiagrams
    vectorisation : str
        ``landscape``, ``silhouette`` or ``heat``.
    power : float
        p of the norm.
    **options
        As for `diagram_vectors`.
    """
    if not power >= 1:
        raise FieldError(f"a norm has a power of at least 1, got {shown(power)}")
    mine, yours = (diagram_vectors(network, vectorisation, **options) for network in (one, other))
    return _compare(mine, yours, vectorisation, power)


def _compare(mine: Sequence[Any], yours: Sequence[Any], vectorisation: str, power: float) -> TopologicalSimilarity:
    powers = []
    for left, right in zip(mine, yours, strict=True):
        # Each axis of the grid spans [0, 1]; the layers of a landscape are no axis, but add up.
        axes = 2 if vectorisation == "heat" else 1
        cell = (1.0 / (left.shape[-1] - 1)) ** axes
        powers.append(float((np.abs(left - right) ** power).sum() * cell))
    distances = tuple(value ** (1 / power) for value in powers)
    return TopologicalSimilarity(sum(powers) ** (1 / power), distances, vectorisation)


def distance_matrix(
    networks: Sequence[NetworkGraph | PersistenceDiagrams],
    vectorisation: str = "heat",
    *,
    power: float = 2.0,
    **options: Any,
) -> NDArray[Any]:
    """The distances of all pairs of networks; every diagram is computed once."""
    vectors = [diagram_vectors(network, vectorisation, **options) for network in networks]
    matrix = np.zeros((len(vectors), len(vectors)))
    for row in range(len(vectors)):
        for column in range(row):
            found = _compare(vectors[row], vectors[column], vectorisation, power).distance
            matrix[row, column] = matrix[column, row] = found
    return matrix
