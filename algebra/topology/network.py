"""Persistent homology of networks: their graph of neurons, read from the equations of their layers.

A layer that is affine in its input gives edges, weighted by the map that its equation defines; a bias is one more vertex.
Activations, reshapes and whatever else only renames or rescales numbers one by one make no neurons. Branches that are
added meet in the same neurons; an identity among them is an edge of weight one.

>>> from layeralgebra import Linear, ReLU, neural_persistence, persistent_homology, weights
>>> net = Linear(3, bias=False) >> ReLU() >> Linear(2, bias=False)
>>> found = persistent_homology(net, weights(net, on=(2,)), on=(2,))
>>> found.betti, found.route
((1, 6, 0, 0), 'kruskal')
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arguments import MOST_ELEMENTS, as_integer, checked
from ..equations.heads import Read, address_indices, reads
from ..equations.instance import Instance
from ..errors import BudgetError, FieldError, UnsupportedError
from ..linear.layer_maps import layer_maps
from ..linear.monomials import LINEAR, kinds_of_tensors
from ..linear.network_maps import activates
from ..networks.arity import must_have_one
from ..networks.evaluator import input_flows
from ..networks.layer import Layer
from ..networks.network import Join, Network, as_network
from ..numerics.copies import Arrived, Scope, Unrolled, at_literal_sizes
from ..numerics.weights import Inventory, drawn, fitting, inventory
from ..records import dataclass
from .diagrams import PersistenceDiagrams
from .diagrams import persistent_homology as homology_of_graph
from .graph import ZETA, NetworkGraph
from .neural_persistence import NeuralPersistence
from .neural_persistence import neural_persistence as persistence_of_matrices
from .similarity import TopologicalSimilarity
from .similarity import topological_similarity as similarity_of_diagrams

if TYPE_CHECKING:
    from numpy import ndarray


@dataclass
class Pending:
    """Numbers that have no neurons of their own yet: edges from neurons that have, into so many rows, and offsets.

    Each part holds rows, neurons and weights; `renamed` says that there is one part, with one neuron for each row and all
    weights one.
    """

    parts: list[tuple[ndarray, ndarray, ndarray]]
    offsets: list[tuple[ndarray, ndarray]]
    renamed: bool


class _Neurons(Unrolled):
    """The walk that collects neurons and edges."""

    def __init__(self, needed: Inventory, tensors: Mapping[str, ndarray], shape: tuple[int, ...]):
        self.needed, self.tensors = needed, tensors
        self.vertices = 0
        self.edges: list[tuple[ndarray, ndarray]] = []
        self.matrices: list[ndarray] = []
        self.seen: set[str] = set()
        size = int(np.prod(shape))
        super().__init__([Arrived(shape, None, self._renamed(self._fresh(size)))])

    def _fresh(self, count: int) -> ndarray:
        if self.vertices + count > MOST_ELEMENTS:
            raise BudgetError(f"the graph has more than {MOST_ELEMENTS} neurons; take smaller sizes")
        self.vertices += count
        return np.arange(self.vertices - count, self.vertices)

    @staticmethod
    def _renamed(neurons: ndarray) -> Pending:
        return Pending([(np.arange(len(neurons)), neurons, np.ones(len(neurons)))], [], True)

    def settle(self, pending: Pending, size: int) -> ndarray:
        """The neurons of some numbers; new ones, with their edges, where they have none."""
        if pending.renamed:
            return pending.parts[0][1]
        neurons = self._fresh(size)
        for rows, sources, values in pending.parts:
            self.edges.append((np.stack([sources, neurons[rows]], axis=1), values))
        for rows, values in pending.offsets:
            self.edges.append((np.stack([np.full(len(rows), self._fresh(1)[0]), neurons[rows]], axis=1), values))
        # In place: another branch that sees the same numbers sees the same neurons.
        settled = self._renamed(neurons)
        pending.parts, pending.offsets, pending.renamed = settled.parts, [], True
        return neurons

    def computed(self, layer: Layer, instance: Instance, arrived: Sequence[Arrived], scope: Scope) -> Pending:
        _ = instance.root  # or an error that says to choose an output
        if activates(instance):
            return arrived[0].values
        if len(arrived) != 1:
            raise UnsupportedError(f"{layer} has {len(arrived)} inputs, so it has no graph of neurons here")
        own = {}
        for name, role in instance.roles.items():
            if role in ("weight", "buffer"):
                shape = tuple(int(size) for size in instance.shapes[name])
                own[name] = np.asarray(self.tensors[self.needed.names[scope.path, name]], dtype=float).reshape(shape)
        try:
            rows, columns, values, offsets = composed(instance, own)
        except UnsupportedError as error:
            raise UnsupportedError(
                f"{layer} is neither affine nor an activation, so it has no graph of neurons: {error}"
            ) from None
        self._remember(instance, own, scope)
        size = int(np.prod([int(extent) for extent in instance.output]))
        before = arrived[0]
        if not offsets and len(rows) == size == len(np.unique(rows)) and np.all(values == 1):
            order = columns[np.argsort(rows)]
            if np.array_equal(order, np.arange(int(np.prod(before.shape)))):
                return before.values
            return self._renamed(self.settle(before.values, int(np.prod(before.shape)))[order])
        neurons = self.settle(before.values, int(np.prod(before.shape)))
        return Pending([(rows, neurons[columns], values)], offsets, False)

    def _remember(self, instance: Instance, own: Mapping[str, ndarray], scope: Scope) -> None:
        """The matrices of neural persistence: learned tensors that the input is multiplied by, outputs first."""
        for statement in instance.statements:
            target = {index for part in statement.address for index in address_indices(part)}
            for read in reads(statement.value):
                slot = self.needed.names.get((scope.path, read.tensor))
                if slot is None or instance.roles[read.tensor] != "weight" or slot in self.seen:
                    continue
                kept = [axis for axis, part in enumerate(read.address) if _within(part, target)]
                rest = [axis for axis in range(len(read.address)) if axis not in kept]
                if not rest:
                    continue
                self.seen.add(slot)
                array = own[read.tensor].transpose(kept + rest)
                rows = 1
                for axis in kept:
                    rows *= own[read.tensor].shape[axis]
                self.matrices.append(array.reshape(rows, -1))

    def combined(self, node: Join, arrived: Sequence[Arrived], axis: int | None) -> Pending:
        factors = node.coefficients(len(arrived))
        if factors is None or any(factor != 1 for factor in factors):
            raise UnsupportedError(f"{node.noun} has no graph of neurons")
        if axis is not None:
            shapes = [part.shape for part in arrived]
            total = list(shapes[0])
            total[axis] = sum(shape[axis] for shape in shapes)
            places = np.split(
                np.arange(int(np.prod(total))).reshape(total), np.cumsum([s[axis] for s in shapes])[:-1], axis
            )
            parts, offsets = [], []
            for part, place in zip(arrived, places):
                flat = place.reshape(-1)
                parts += [(flat[rows], neurons, values) for rows, neurons, values in part.values.parts]
                offsets += [(flat[rows], values) for rows, values in part.values.offsets]
            if all(part.values.renamed for part in arrived):
                neurons = np.empty(int(np.prod(total)), dtype=np.int64)
                for rows, sources, _ in parts:
                    neurons[rows] = sources
                return self._renamed(neurons)
            return Pending(parts, offsets, False)
        if len({part.shape for part in arrived}) > 1:
            raise UnsupportedError("a sum that is broadcast has no graph of neurons here")
        return Pending(
            [item for part in arrived for item in part.values.parts],
            [item for part in arrived for item in part.values.offsets],
            False,
        )


def _within(part: Any, target: set[Any]) -> bool:
    return not isinstance(part, Read) and bool(address_indices(part)) and address_indices(part) <= target


def composed(
    instance: Instance, tensors: Mapping[str, ndarray]
) -> tuple[ndarray, ndarray, ndarray, list[tuple[ndarray, ndarray]]]:
    """One affine layer as rows, columns and values, zeros that the equation has included, and its offsets."""
    import scipy.sparse as sp

    maps, shapes = layer_maps(instance, tensors)
    sizes = {name: int(np.prod(shape)) if shape else 1 for name, shape in shapes.items()}
    kinds = kinds_of_tensors(instance)
    (entry,) = instance.layer.input_names
    last = instance.root
    if kinds[last] != LINEAR:
        raise UnsupportedError(f"{instance.layer} does not depend on its input")
    eye = sp.csr_array(sp.eye_array(sizes[entry]))
    found: dict[str, Any] = {entry: eye}
    pattern: dict[str, Any] = {entry: eye}
    offsets: dict[str, list[tuple[ndarray, ndarray]]] = {entry: []}
    for item in maps:
        if kinds[item.target] != LINEAR:
            continue
        size = sizes[item.target]
        mine = offsets.setdefault(item.target, [])
        values = np.asarray(item.values, dtype=float)
        if item.source is None:
            mine.append((item.rows, values))
            continue
        shape = (size, sizes[item.source])
        step = sp.csr_array(sp.coo_array((values, (item.rows, item.columns)), shape=shape))
        reach = sp.csr_array(sp.coo_array((np.ones(len(values)), (item.rows, item.columns)), shape=shape))
        for store, matrix in ((found, step), (pattern, reach)):
            made = matrix @ store.get(item.source, sp.csr_array((sizes[item.source], sizes[entry])))
            store[item.target] = made if item.target not in store else store[item.target] + made
        if offsets.get(item.source):
            raise UnsupportedError(f"{instance.layer}: a line behind a bias has no graph of neurons")
    none = sp.csr_array((sizes[last], sizes[entry]))  # of what reads nothing of its input, at these sizes
    where = sp.coo_array(pattern.setdefault(last, none))
    found.setdefault(last, none)
    rows, columns = where.coords
    values = np.asarray(sp.csr_array(found[last])[rows, columns]).reshape(-1)
    given = offsets.get(last, [])
    if given:
        # One source for all that a layer adds to an output.
        seen, place = np.unique(np.concatenate([rows_ for rows_, _ in given]), return_inverse=True)
        given = [(seen, np.bincount(place, weights=np.concatenate([values_ for _, values_ in given])))]
    return rows.astype(np.int64), columns.astype(np.int64), values, given


@checked
def network_graph(net: Network, weights: Any = None, on: Any = None) -> NetworkGraph:
    """The weighted directed graph of a network's neurons.

    Parameters
    ----------
    net : Network
        Of affine layers and activations.
    weights : mapping of str to array, or int, optional
        As `la.weights` names them; or the seed of random ones.
    on : shape, optional

    Returns
    -------
    NetworkGraph

    Raises
    ------
    UnsupportedError
        For layers that are neither affine nor an activation, such as attention.
    FieldError
        If `net` is no network, has no weights or symbolic sizes, or weights are missing or unknown.
    ShapeError
        If nothing enters an open network, or sizes do not fit.

    Examples
    --------
    >>> from layeralgebra import Linear, network_graph
    >>> found = network_graph(Linear(3, bias=False), on=(2,))
    >>> found.vertices, found.edges
    (5, 6)

    References
    ----------
    Perez-Fernandez et al., "Characterizing and measuring the similarity of neural networks with persistent
    homology", arXiv 2101.07752 (2021).
    """
    return _walked(net, weights, on)[0]


def _walked(net: Network, weights: Any, on: Any) -> tuple[NetworkGraph, list[Any]]:
    as_network(net, "la.persistent_homology")
    shapes = (
        None
        if on is None
        else [
            tuple(as_integer(size, "a size of on=, of a network with weights,") for size in flow.shape)
            for flow in input_flows(on)
        ]
    )
    network, sizes = at_literal_sizes(net, shapes)
    if len(sizes) != 1:
        raise UnsupportedError(f"the graph is that of a network with one input, this one takes {len(sizes)}")
    needed = inventory(network, sizes)
    slots = needed.slots
    tensors = (
        fitting(slots, weights)
        if isinstance(weights, Mapping)
        else drawn(slots.values(), 0 if weights is None else weights)
    )
    must_have_one(network, "the graph of neurons")
    walker = _Neurons(needed, tensors, sizes[0])
    final = walker.walk(network)
    walker.settle(final.values, int(np.prod(final.shape)))
    if not walker.edges:
        raise FieldError("a network without weights has no graph")
    ends = np.concatenate([pair for pair, _ in walker.edges])
    values = np.concatenate([value for _, value in walker.edges])
    # Two maps between the same neurons, as in x + W x, are one edge; a zero weight stays an edge.
    keys = ends[:, 0] * walker.vertices + ends[:, 1]
    unique, place = np.unique(keys, return_inverse=True)
    summed = np.bincount(place, weights=values, minlength=len(unique))
    return NetworkGraph(walker.vertices, np.stack(np.divmod(unique, walker.vertices), axis=1), summed), walker.matrices


@checked
def persistent_homology(
    net: Network | NetworkGraph, weights: Any = None, on: Any = None, *, zeta: float = ZETA, route: str | None = None
) -> PersistenceDiagrams:
    """The persistence diagrams of a network's graph, H_0 to H_3 over the field of two elements.

    Parameters
    ----------
    net : Network or NetworkGraph
    weights : mapping of str to array, or int, optional
    on : shape, optional
    zeta : float
        The least value at which an edge enters.
    route : {"kruskal", "flag complex"}, optional
        By default Kruskal's pass where the graph has no triangle, a library elsewhere; the result says which.

    Returns
    -------
    PersistenceDiagrams

    Raises
    ------
    FieldError
        If `net` is no network, has no weights or symbolic sizes, weights are missing or unknown, or the route is
        unknown or does not give the homology of this graph.
    ShapeError
        If nothing enters an open network, or sizes do not fit.
    DomainError
        If all weights are zero.
    UnsupportedError
        For layers that are neither affine nor an activation; for a graph with triangles where gudhi is not installed.

    References
    ----------
    Perez-Fernandez et al., "Characterizing and measuring the similarity of neural networks with persistent
    homology", arXiv 2101.07752 (2021).

    Examples
    --------
    >>> from layeralgebra import Linear, persistent_homology
    >>> persistent_homology(Linear(3, bias=False) >> Linear(3, bias=False) >> Linear(2, bias=False), on=(4,)).betti[1]
    16
    """
    graph = net if isinstance(net, NetworkGraph) else network_graph(net, weights, on)
    return homology_of_graph(graph, zeta=zeta, route=route)


@checked
def topological_similarity(
    a: Any, b: Any, vectorisation: str = "heat", *, on: Any = None, **options: Any
) -> TopologicalSimilarity:
    """The distance of two networks by their vectorised persistence diagrams; zero for the same network.

    Parameters
    ----------
    a, b : PersistenceDiagrams, NetworkGraph, Network, or pair of a Network and its weights
    vectorisation : {"heat", "landscape", "silhouette"}
    on : shape, optional
        What enters networks without Input.
    **options
        ``power``, ``eta``, ``dimensions``, ``bins``.

    Returns
    -------
    TopologicalSimilarity
        With ``distance`` and ``by_dimension``.

    Raises
    ------
    FieldError
        If one of them is no network, or the vectorisation, the power of the norm or a number of its grid is impossible.
    ShapeError
        If nothing enters an open network, or sizes do not fit.
    UnsupportedError
        For layers that are neither affine nor an activation.

    Examples
    --------
    >>> from layeralgebra import Linear, topological_similarity, weights
    >>> net = Linear(3)
    >>> topological_similarity((net, weights(net, (2,), 0)), (net, weights(net, (2,), 0)), on=(2,)).distance
    0.0

    References
    ----------
    Perez-Fernandez et al., "Characterizing and measuring the similarity of neural networks with persistent
    homology", arXiv 2101.07752 (2021).
    """
    return similarity_of_diagrams(_diagrams(a, on), _diagrams(b, on), vectorisation, **options)


def _diagrams(given: Any, on: Any) -> PersistenceDiagrams:
    if isinstance(given, PersistenceDiagrams):
        return given
    if isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], Network):
        return persistent_homology(given[0], given[1], on)
    if isinstance(given, (Network, NetworkGraph)):
        return persistent_homology(given, None, on)
    raise FieldError(f"a network, or a pair of a network and its weights, got {type(given).__name__}")


@checked
def neural_persistence(
    net: Any, weights: Any = None, on: Any = None, *, power: float = 2.0, normalised: bool = True
) -> NeuralPersistence:
    """Neural persistence of each layer and in the mean: how unevenly its weights connect it.

    Parameters
    ----------
    net : Network, or sequence of matrices
        Of a network, the learned tensors that multiply an input, as matrices with a row for each output (channel).
    weights : mapping of str to array, or int, optional
    on : shape, optional
    power : float
    normalised : bool

    Returns
    -------
    NeuralPersistence

    Raises
    ------
    FieldError
        If there is no matrix, weights are not finite, missing or unknown, a size is symbolic, or `power` is below 1.
    ShapeError
        If nothing enters an open network, or sizes do not fit.
    DomainError
        If all weights are zero.
    UnsupportedError
        For layers that are neither affine nor an activation.

    References
    ----------
    Rieck et al., "Neural persistence: a complexity measure for deep neural networks using algebraic topology",
    ICLR 2019, arXiv 1812.09764.

    Examples
    --------
    >>> from layeralgebra import Linear, neural_persistence
    >>> neural_persistence(Linear(2, bias=False), {"W": [[1, 1], [1, 1]]}, (2,)).mean
    0.0
    """
    if not isinstance(net, Network):
        return persistence_of_matrices(net, power=power, normalised=normalised)
    return persistence_of_matrices(_walked(net, weights, on)[1], power=power, normalised=normalised)
