r"""The weighted directed graph of a network's neurons, and its normalisation.

Vertices are neurons, and for every layer with biases one more vertex, a source that feeds the layer. Activations are
ignored. A negative weight points backwards; an edge enters at ``max(1 - |w| / max |W|, zeta)``, the maximum taken over
the whole network, so that strong connections come first.

>>> graph = NetworkGraph.of_perceptron([[[0.5, -2.0], [1.0, 0.25], [0.0, 1.0]]])
>>> graph.vertices, graph.edges
(5, 6)
>>> [float(value) for value in graph.filtration()]
[0.75, 1e-06, 0.5, 0.875, 1.0, 0.5]
>>> graph.directed()[1].tolist()  # the second edge, of weight -2, is turned round
[2, 1]

References
----------
Perez-Fernandez, D., Gutierrez-Fandino, A., Armengol-Estape, J., Villegas, M. (2021). Characterizing and measuring the
similarity of neural networks with persistent homology. arXiv:2101.07752.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arguments import as_array, as_integer, checked
from ..errors import DomainError, FieldError, GraphError
from ..records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

ZETA = 1e-6
"""The least value at which an edge enters, so that even the strongest comes after the vertices."""


@dataclass(frozen=True)
class NetworkGraph:
    """A directed graph with real weights, without loops and without two edges between the same vertices.

    Attributes
    ----------
    vertices : int
    ends : array of shape (edges, 2)
        From and to, in the direction of computation.
    weights : array of shape (edges,)
    layers : array of shape (vertices,), or None
        The layer of each neuron; a bias belongs to the layer before the one it feeds.
    """

    vertices: int
    ends: NDArray[Any]
    weights: NDArray[Any]
    layers: NDArray[Any] | None = None

    def __post_init__(self) -> None:
        ends, weights = (
            as_array(self.ends, "the ends of edges", np.int64),
            as_array(self.weights, "the weights of edges"),
        )
        if ends.size % 2 or weights.ndim != 1:
            raise GraphError("a graph of weights has two ends and one weight for each edge")
        ends = ends.reshape(-1, 2)
        object.__setattr__(self, "vertices", as_integer(self.vertices, "the number of vertices"))
        object.__setattr__(self, "ends", ends)
        object.__setattr__(self, "weights", weights)
        if len(ends) != len(weights):
            raise FieldError(f"{len(ends)} edges need as many weights, got {len(weights)}")
        if not np.all(np.isfinite(weights)):
            raise FieldError("the weights of a graph must be finite")
        if len(ends) and (ends.min() < 0 or ends.max() >= self.vertices):
            raise GraphError(f"vertices are numbered 0 to {self.vertices - 1}, found {ends.min()} to {ends.max()}")
        if np.any(ends[:, 0] == ends[:, 1]):
            raise GraphError("a neuron that feeds itself has no place in a flag complex; unroll the recurrence")
        low, high = ends.min(axis=1, initial=self.vertices), ends.max(axis=1, initial=0)
        keys = low * self.vertices + high
        if len(np.unique(keys)) != len(keys):
            raise GraphError("two edges join the same two neurons; add their weights, or put a layer between them")

    @classmethod
    @checked
    def of_perceptron(
        cls,
        weights: Sequence[Any],
        biases: Sequence[Any] | None = None,
        skips: Iterable[tuple[int, int, Any]] = (),
    ) -> NetworkGraph:
        """The graph of a sequence of fully connected layers.

        Parameters
        ----------
        weights : sequence of matrices
            A row for each output, the first layer next to the inputs.
        biases : sequence of vectors or None, optional
        skips : iterable of (from, to, matrix)
            More connections, from the neurons of one layer to those of a later one; layer 0 are the inputs. A skip to
            the next layer would double its edges and is refused.

        Raises
        ------
        GraphError
            If sizes do not fit.
        """
        matrices = [as_array(matrix, "a matrix of weights") for matrix in weights]
        if not matrices or any(matrix.ndim != 2 or 0 in matrix.shape for matrix in matrices):
            raise GraphError("a perceptron needs a matrix of weights for each layer")
        widths = [matrices[0].shape[1], *[matrix.shape[0] for matrix in matrices]]
        for place, matrix in enumerate(matrices):
            if matrix.shape[1] != widths[place]:
                raise GraphError(
                    f"layer {place + 1} takes {matrix.shape[1]} inputs, but {widths[place]} units come before it"
                )
        starts = np.concatenate([[0], np.cumsum(widths)])
        vertices = int(starts[-1])
        layers = [np.full(width, place) for place, width in enumerate(widths)]
        ends, values = [], []

        def connect(matrix: NDArray[Any], sources: NDArray[Any], targets: NDArray[Any]) -> None:
            to, origin = np.indices(matrix.shape)
            ends.append(np.stack([sources[origin.ravel()], targets[to.ravel()]], axis=1))
            values.append(matrix.ravel())

        def units(layer: int) -> NDArray[Any]:
            return np.arange(starts[layer], starts[layer + 1])

        for place, matrix in enumerate(matrices):
            connect(matrix, units(place), units(place + 1))
        for origin, target, skip in skips:
            matrix = np.asarray(skip, dtype=float)
            if not 0 <= origin < target < len(widths) or target == origin + 1:
                raise GraphError(f"a skip leads from a layer over at least one other, got {origin} to {target}")
            if matrix.shape != (widths[target], widths[origin]):
                raise GraphError(
                    f"a skip from layer {origin} to {target} has the shape {(widths[target], widths[origin])}, "
                    f"got {matrix.shape}"
                )
            connect(matrix, units(origin), units(target))
        if biases is not None and len(biases) != len(matrices):
            raise GraphError(
                f"{len(matrices)} layers need as many biases (None for a layer without), got {len(biases)}"
            )
        for place, bias in enumerate(biases or ()):
            if bias is None:
                continue
            vector = np.asarray(bias, dtype=float)
            if vector.shape != (widths[place + 1],):
                raise GraphError(f"the bias of layer {place + 1} needs {widths[place + 1]} numbers, got {vector.shape}")
            connect(vector[:, None], np.array([vertices]), units(place + 1))
            layers.append(np.array([place]))
            vertices += 1
        return cls(vertices, np.concatenate(ends), np.concatenate(values), np.concatenate(layers))

    @property
    def edges(self) -> int:
        return len(self.weights)

    @checked
    def filtration(self, zeta: float = ZETA) -> NDArray[Any]:
        """When each edge enters: ``max(1 - |w| / max |W|, zeta)``.

        Raises
        ------
        DomainError
            If all weights are zero.
        """
        largest = float(np.abs(self.weights).max(initial=0.0))
        if self.edges and largest == 0:
            raise DomainError("a network whose weights are all zero cannot be normalised")
        if not self.edges:
            return np.zeros(0)
        return np.maximum(1 - np.abs(self.weights) / largest, zeta)

    def directed(self) -> NDArray[Any]:
        """From and to of each edge, those of negative weight turned round."""
        return np.where((self.weights < 0)[:, None], self.ends[:, ::-1], self.ends)

    def is_bipartite(self) -> bool:
        """Whether two colours suffice, so that there is no triangle."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import breadth_first_order, connected_components

        if self.layers is not None and self.edges:
            # A colouring by the parity of layers is found without a search.
            sides = np.asarray(self.layers) % 2
            if np.all(sides[self.ends[:, 0]] != sides[self.ends[:, 1]]):
                return True
        ones = np.ones(2 * self.edges)
        both = np.concatenate([self.ends, self.ends[:, ::-1]])
        adjacency = coo_array((ones, (both[:, 0], both[:, 1])), shape=(self.vertices, self.vertices)).tocsr()
        count, label = connected_components(adjacency, directed=False)
        depth = np.zeros(self.vertices, dtype=np.int64)
        for component in range(count):
            order, before = breadth_first_order(adjacency, int(np.argmax(label == component)), directed=False)
            for vertex in order[1:]:
                depth[vertex] = depth[before[vertex]] + 1
        return bool(np.all((depth[self.ends[:, 0]] - depth[self.ends[:, 1]]) % 2 == 1))

    def has_triangle(self) -> bool:
        """Whether three neurons are joined pairwise, in any directions."""
        from scipy.sparse import coo_array

        low, high = self.ends.min(axis=1), self.ends.max(axis=1)
        up = coo_array((np.ones(self.edges), (low, high)), shape=(self.vertices, self.vertices)).tocsr()
        # low < middle < high: a path of two edges whose ends are joined as well.
        return bool((up @ up).multiply(up).nnz)
