r"""Persistence diagrams of a network's graph, by the shorter of two routes.

*Theorem.* A graph without triangles has no cell beyond its edges in its flag complex. So ``H_2 = H_3 = 0``, every
edge either joins two components or closes a cycle that nothing ever fills, and Kruskal's algorithm sees which:
``H_0`` is ``(0, w_e)`` for the edges of the minimum spanning forest, and ``(0, inf)`` for each component; ``H_1`` is
``(w_e, inf)`` for all other edges. The graph of a sequence of layers is bipartite by the parity of the layers, so it
qualifies. A skip between layers of equal parity makes triangles; then a library computes the homology of the directed
flag complex.

>>> from layeralgebra.algebra.topology.graph import NetworkGraph
>>> import numpy as np
>>> graph = NetworkGraph.of_perceptron([np.ones((3, 2)), np.ones((2, 3))])
>>> diagrams = persistent_homology(graph)
>>> diagrams.route, diagrams.betti
('kruskal', (1, 6, 0, 0))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..arguments import checked, shown
from ..errors import FieldError
from ..records import dataclass
from .flag_complex import flag_complex_diagrams
from .graph import ZETA, NetworkGraph

if TYPE_CHECKING:
    from numpy.typing import NDArray

ETA = 0.01
"""Lifespans below it are taken for noise."""

DIMENSIONS = 4


@dataclass(frozen=True)
class PersistenceDiagrams:
    """When holes of each dimension open and close.

    Attributes
    ----------
    points : tuple of arrays of shape (count, 2)
        Birth and death for dimensions 0 to 3, infinity for what never dies; in order.
    route : str
        ``kruskal`` or ``flag complex``.
    reason : str
        Why that route is right for this graph.
    """

    points: tuple[NDArray[Any], ...]
    route: str
    reason: str

    kind = "exact"
    source = "Perez-Fernandez et al. 2021, arXiv:2101.07752"

    @property
    def betti(self) -> tuple[int, ...]:
        """How many holes of each dimension never close."""
        return tuple(int(np.isinf(block[:, 1]).sum()) for block in self.points)

    @checked
    def cleaned(self, dimension: int, eta: float = ETA) -> NDArray[Any]:
        """Birth and death with infinity set to 1, lifespans below eta dropped."""
        if not 0 <= dimension < len(self.points):
            raise FieldError(f"there are diagrams of dimension 0 to {len(self.points) - 1}, not {dimension!r}")
        block = self.points[dimension]
        finite = np.where(np.isinf(block), 1.0, block)
        return finite[finite[:, 1] - finite[:, 0] >= eta]

    @checked
    def lifespans(self, dimension: int, eta: float = ETA) -> NDArray[Any]:
        """Death minus birth, infinity set to 1, those below eta dropped; the longest first."""
        cleaned = self.cleaned(dimension, eta)
        return np.sort(cleaned[:, 1] - cleaned[:, 0])[::-1]

    @checked
    def betti_at(self, value: float) -> tuple[int, ...]:
        """How many holes of each dimension are open when edges up to a value have entered."""
        return tuple(int(((block[:, 0] <= value) & (block[:, 1] > value)).sum()) for block in self.points)


def persistent_homology(graph: NetworkGraph, *, zeta: float = ZETA, route: str | None = None) -> PersistenceDiagrams:
    """The persistence diagrams of the directed flag complex of a network's graph, over the field of two elements.

    Parameters
    ----------
    graph : NetworkGraph
    zeta : float
        The least value at which an edge enters.
    route : str, optional
        ``kruskal`` or ``flag complex`` to insist on one; by default Kruskal where the theorem holds.

    Returns
    -------
    PersistenceDiagrams

    Raises
    ------
    FieldError
        If Kruskal's route is insisted on where the theorem does not hold.
    UnsupportedError
        If a library is needed and not installed.
    BudgetError
        If the flag complex is too large.
    """
    if route not in (None, "kruskal", "flag complex"):
        raise FieldError(f"a route is 'kruskal' or 'flag complex', got {shown(route)}")
    if graph.is_bipartite():
        flat, reason = True, "the graph is bipartite, so it has no triangle and no cell beyond its edges"
    elif not graph.has_triangle():
        flat, reason = True, "the graph is not bipartite but has no triangle, so it has no cell beyond its edges"
    else:
        flat, reason = False, "three neurons are joined pairwise, so the flag complex may have cells beyond the edges"
    if route == "kruskal" and not flat:
        raise FieldError(f"Kruskal's route does not give the homology of this graph: {reason}")
    values = graph.filtration(zeta)
    if flat and route != "flag complex":
        return PersistenceDiagrams(_kruskal(graph, values), "kruskal", reason)

    found = flag_complex_diagrams(graph.vertices, graph.directed(), values, DIMENSIONS - 1)
    return PersistenceDiagrams(found, "flag complex", reason if not flat else "asked for")


def spanning_forest(vertices: int, ends: NDArray[Any], values: NDArray[Any]) -> NDArray[Any]:
    """Which edges belong to the minimum spanning forest: one pass in the order of their values (Kruskal 1956)."""
    parent = list(range(vertices))
    chosen = np.zeros(len(values), dtype=bool)
    left = vertices - 1
    origins, targets = ends[:, 0].tolist(), ends[:, 1].tolist()
    for edge in np.argsort(values, kind="stable").tolist():
        one, other = origins[edge], targets[edge]
        while parent[one] != one:
            parent[one] = one = parent[parent[one]]
        while parent[other] != other:
            parent[other] = other = parent[parent[other]]
        if one != other:
            parent[one] = other
            chosen[edge] = True
            left -= 1
            if not left:
                break
    return chosen


def _kruskal(graph: NetworkGraph, values: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    tree = spanning_forest(graph.vertices, graph.ends, values)
    joined = np.sort(values[tree])
    components = graph.vertices - len(joined)
    deaths = np.concatenate([joined, np.full(components, np.inf)])
    births = np.sort(values[~tree])
    empty = np.empty((0, 2))
    return (
        np.stack([np.zeros(len(deaths)), deaths], axis=1),
        np.stack([births, np.full(len(births), np.inf)], axis=1),
        empty,
        empty,
    )
