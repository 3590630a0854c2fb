r"""Persistent homology of a directed flag complex, by gudhi.

A simplex is a set of neurons that can be ordered so that every earlier one points to every later one; it enters with
its last edge. Without two edges between the same neurons a set has at most one such order, so the simplices form an
ordinary simplicial complex, which gudhi's simplex tree takes.

Why gudhi, of the libraries that know persistent homology: it has wheels for CPython 3.11 to 3.13 and its simplex tree
is under the MIT licence; pyflagser and giotto-ph, which know directed flag complexes as such, have none for 3.13 and
are under the AGPL; ripser knows metric spaces only. pyflagser, which shares no code with this, checks it in the
tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import BudgetError, GraphError, UnsupportedError

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIMPLICES = 3_000_000


def directed_cliques(vertices: int, ends: NDArray[Any], most: int) -> Iterator[tuple[int, ...]]:
    """Sets of 3 to `most` vertices in which every earlier one points to every later one, in that order."""
    following: list[set[int]] = [set() for _ in range(vertices)]
    for origin, target in ends.tolist():
        following[origin].add(target)
    for origin, target in ends.tolist():
        stack: list[tuple[tuple[int, ...], set[int]]] = [((origin, target), following[origin] & following[target])]
        while stack:
            clique, common = stack.pop()
            for vertex in common:
                longer = (*clique, vertex)
                yield longer
                if len(longer) < most:
                    rest = common & following[vertex]
                    if rest:
                        stack.append((longer, rest))


def flag_complex_diagrams(
    vertices: int, ends: NDArray[Any], values: NDArray[Any], highest: int
) -> tuple[NDArray[Any], ...]:
    """Persistence diagrams over the field of two elements, for dimensions 0 to `highest`.

    Parameters
    ----------
    vertices : int
    ends : array of shape (edges, 2)
        From and to, directed.
    values : array of shape (edges,)
        When each edge enters; vertices enter at 0.
    highest : int

    Raises
    ------
    UnsupportedError
        If gudhi is not installed.
    BudgetError
        For more than three million simplices.
    GraphError
        If two edges join the same neurons.
    """
    try:
        import gudhi
    except ImportError:
        raise UnsupportedError(
            "the homology of a graph with triangles needs gudhi; install it with pip install 'layeralgebra[topology]'"
        ) from None
    enters = {(origin, target): value for (origin, target), value in zip(ends.tolist(), values.tolist(), strict=True)}
    if any((target, origin) in enters for origin, target in enters):
        raise GraphError("two neurons point to each other, so one set of neurons would be more than one simplex")
    tree = gudhi.SimplexTree()
    for vertex in range(vertices):
        tree.insert([vertex], 0.0)
    for (origin, target), value in enters.items():
        tree.insert([origin, target], value)
    count = vertices + len(enters)
    for clique in directed_cliques(vertices, ends, highest + 2):
        count += 1
        if count > SIMPLICES:
            raise BudgetError(f"the directed flag complex has more than {SIMPLICES} simplices")
        last = max(enters[one, two] for place, two in enumerate(clique) for one in clique[:place])
        tree.insert(list(clique), last)
    tree.compute_persistence(homology_coeff_field=2, min_persistence=0, persistence_dim_max=True)
    found = []
    for dimension in range(highest + 1):
        block = np.asarray(tree.persistence_intervals_in_dimension(dimension), dtype=float).reshape(-1, 2)
        found.append(block[np.lexsort((block[:, 1], block[:, 0]))])
    return tuple(found)
