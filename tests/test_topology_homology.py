"""Persistent homology of network graphs: two routes, closed forms, vectors and distances."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import symbols

from layeralgebra.algebra.errors import DomainError, FieldError, GraphError, LayerAlgebraError, UnsupportedError
from layeralgebra.algebra.topology.betti import deep_perceptron_betti, glued_betti, joined_betti, perceptron_betti
from layeralgebra.algebra.topology.diagrams import PersistenceDiagrams, persistent_homology
from layeralgebra.algebra.topology.graph import NetworkGraph
from layeralgebra.algebra.topology.neural_persistence import neural_persistence
from layeralgebra.algebra.topology.similarity import distance_matrix, topological_similarity
from layeralgebra.algebra.topology.vectorisation import heat, landscape, silhouette

pytest.importorskip("scipy")


def perceptron(seed, widths, biased=False, skips=(), positive=False):
    draw = np.random.default_rng(seed)

    def matrix(rows, columns):
        values = draw.standard_normal((rows, columns))
        return np.abs(values) if positive else values

    weights = [matrix(b, a) for a, b in zip(widths, widths[1:], strict=False)]
    biases = [draw.standard_normal(b) for b in widths[1:]] if biased else None
    over = [(a, b, matrix(widths[b], widths[a])) for a, b in skips]
    return NetworkGraph.of_perceptron(weights, biases, over)


def sorted_points(points):
    block = np.asarray(points, dtype=float).reshape(-1, 2)
    block = block[block[:, 1] > block[:, 0]]
    return block[np.lexsort((block[:, 1], block[:, 0]))]


def ranks_over_two(matrix):
    """Rank over the field of two elements, by elimination on Python integers as bit rows."""
    rows = [int("".join(map(str, row)), 2) for row in matrix.astype(int).tolist()] if matrix.size else []
    rank = 0
    while rows:
        pivot = rows.pop()
        if pivot:
            rank += 1
            low = pivot & -pivot
            rows = [row ^ pivot if row & low else row for row in rows]
    return rank


def betti_by_definition(graph, value):
    """Betti numbers 0 to 3 of the flag complex of the edges up to a value: cliques by brute force, ranks over Z_2."""
    kept = graph.filtration() <= value
    arrows = {tuple(pair) for pair in graph.directed()[kept].tolist()}
    cells = [[(v,) for v in range(graph.vertices)]]
    for size in range(2, 6):
        found = []
        for chosen in itertools.combinations(range(graph.vertices), size):
            if any(
                all((one, two) in arrows for one, two in itertools.combinations(order, 2))
                for order in itertools.permutations(chosen)
            ):
                found.append(chosen)
        cells.append(found)
    ranks = [0]
    for low, high in itertools.pairwise(cells):
        place = {cell: i for i, cell in enumerate(low)}
        boundary = np.zeros((len(low), len(high)), dtype=int)
        for column, cell in enumerate(high):
            for face in itertools.combinations(cell, len(cell) - 1):
                boundary[place[face], column] = 1
        ranks.append(ranks_over_two(boundary))
    return tuple(len(cells[d]) - ranks[d] - ranks[d + 1] for d in range(4))


def flagser(graph):
    library = pytest.importorskip("pyflagser")
    weights = np.full((graph.vertices, graph.vertices), np.inf)
    np.fill_diagonal(weights, 0.0)
    ends = graph.directed()
    weights[ends[:, 0], ends[:, 1]] = graph.filtration()
    found = library.flagser_weighted(weights, max_dimension=3, directed=True, coeff=2)["dgms"]
    return [sorted_points(block) for block in found] + [np.empty((0, 2))] * (4 - len(found))


widths = st.lists(st.integers(1, 4), min_size=2, max_size=4)


@given(widths, st.integers(0, 10**6), st.booleans())
def test_kruskal_equals_the_library_on_perceptrons(sizes, seed, biased):
    pytest.importorskip("gudhi")
    graph = perceptron(seed, sizes, biased)
    short = persistent_homology(graph)
    long = persistent_homology(graph, route="flag complex")
    assert (short.route, long.route) == ("kruskal", "flag complex") and "bipartite" in short.reason
    for dimension in range(4):
        np.testing.assert_allclose(sorted_points(short.points[dimension]), long.points[dimension], atol=1e-12)
    assert len(short.points[2]) == len(short.points[3]) == 0
    assert short.betti[:2] == tuple(int(b) for b in perceptron_betti(sizes, bias=biased)[:2])


@given(widths, st.integers(0, 10**6), st.booleans())
def test_both_routes_equal_flagser(sizes, seed, skipped):
    pytest.importorskip("gudhi")
    skips = [(0, 2)] if skipped and len(sizes) > 2 else []
    if skipped and len(sizes) > 3:
        skips += [(1, 3), (0, 3)]
    graph = perceptron(seed, sizes, skips=skips)
    found = persistent_homology(graph)
    for mine, theirs in zip(found.points, flagser(graph), strict=True):
        np.testing.assert_allclose(sorted_points(mine), theirs, atol=1e-6)  # flagser computes in single precision


def test_large_perceptron_in_one_pass():
    graph = perceptron(0, [60, 40, 30, 10])
    found = persistent_homology(graph)
    assert found.route == "kruskal" and found.betti[1] == graph.edges - graph.vertices + 1
    # Against the spanning tree of another library.
    networkx = pytest.importorskip("networkx")
    other = networkx.Graph()
    for (a, b), value in zip(graph.ends.tolist(), graph.filtration().tolist(), strict=True):
        other.add_edge(a, b, weight=value)
    tree = sorted(d["weight"] for _, _, d in networkx.minimum_spanning_tree(other).edges(data=True))
    np.testing.assert_allclose(found.points[0][:-1, 1], tree)


@pytest.mark.parametrize("seed", range(4))
def test_homology_by_definition(seed):
    """Ranks of boundary matrices over Z_2, at several values, with skips that make triangles and tetrahedra."""
    pytest.importorskip("gudhi")
    graph = perceptron(seed, [2, 2, 2, 2], skips=[(0, 2), (1, 3), (0, 3)][: 1 + seed], positive=seed == 3)
    found = persistent_homology(graph)
    assert found.route == "flag complex"
    for value in [*np.quantile(graph.filtration(), [0.2, 0.5, 0.8]), 1.0]:
        assert found.betti_at(value) == betti_by_definition(graph, value)


def test_a_skip_of_equal_parity_makes_a_hole_of_dimension_two():
    pytest.importorskip("gudhi")
    # Two neurons in each of three layers, all joined: an octahedron, that is a sphere.
    ones = np.ones((2, 2))
    sphere = NetworkGraph.of_perceptron([ones, ones], skips=[(0, 2, ones)])
    found = persistent_homology(sphere)
    assert found.route == "flag complex" and "pairwise" in found.reason
    assert found.betti == (1, 0, 1, 0) == (*map(int, joined_betti([2, 2, 2])), 0)
    with pytest.raises(FieldError, match="Kruskal"):
        persistent_homology(sphere, route="kruskal")
    # A skip from odd to even parity (layer 0 to 3) leaves the graph bipartite.
    odd = perceptron(1, [2, 2, 2, 2], skips=[(0, 3)])
    assert persistent_homology(odd).route == "kruskal" and not odd.has_triangle()


def test_joins_have_the_closed_form():
    pytest.importorskip("gudhi")
    for sizes in ([3, 2, 4], [2, 3, 2], [1, 3, 2], [2, 2, 2, 2], [3, 2, 2, 2]):
        pairs = [(a, b) for a in range(len(sizes)) for b in range(a + 2, len(sizes))]
        graph = perceptron(5, sizes, skips=pairs, positive=True)
        expected = [int(b) for b in joined_betti(sizes)]
        assert persistent_homology(graph).betti == tuple(expected + [0] * (4 - len(expected)))


def test_a_triangle_that_runs_in_a_circle_is_not_filled():
    """Reversed edges: a -> b -> c -> a is no simplex."""
    pytest.importorskip("gudhi")
    circle = NetworkGraph.of_perceptron([[[1.0]], [[1.0]]], skips=[(0, 2, [[-1.0]])])
    filled = NetworkGraph.of_perceptron([[[1.0]], [[1.0]]], skips=[(0, 2, [[1.0]])])
    assert persistent_homology(circle).betti == (1, 1, 0, 0)
    assert persistent_homology(filled).betti == (1, 0, 0, 0)


def test_betti_golden():
    for sizes, beta in (([3, 2], 2), ([2, 3, 2], 6), ([4, 3, 3, 2], 16)):
        assert perceptron_betti(sizes)[1] == beta
        assert persistent_homology(perceptron(0, sizes)).betti == (1, beta, 0, 0)


def test_symbolic_betti_numbers_and_the_gluing_law():
    a, n, b, L = symbols("a n b L", integer=True, positive=True)
    glued = glued_betti(perceptron_betti([a, n])[1], perceptron_betti([n, b])[1], n)
    assert (glued - perceptron_betti([a, n, b])[1]).expand() == 0
    for bias in (False, True):
        deep = deep_perceptron_betti(a, n, L, b, bias=bias)
        assert deep[0] == 1 and deep[2:] == (0, 0)
        for depth in (1, 2, 3):
            listed = perceptron_betti([a, *[n] * depth, b], bias=bias)
            assert (deep[1].subs(L, depth) - listed[1]).expand() == 0
            sizes = [3, *[2] * depth, 4]
            assert (
                int(deep[1].subs({a: 3, n: 2, b: 4, L: depth}))
                == persistent_homology(perceptron(2, sizes, bias)).betti[1]
            )


def test_normalisation_and_orientation():
    graph = NetworkGraph.of_perceptron([[[2.0, -4.0]]], [[1.0]])
    assert graph.filtration().tolist() == [0.5, 1e-6, 0.75]
    assert graph.directed().tolist() == [[0, 2], [2, 1], [3, 2]]
    assert graph.layers.tolist() == [0, 0, 1, 0] and graph.vertices == 4
    # The same network with all weights scaled is the same.
    scaled = NetworkGraph.of_perceptron([[[20.0, -40.0]]], [[10.0]])
    assert topological_similarity(graph, scaled).distance == 0


def test_lifespans():
    diagrams = PersistenceDiagrams(
        (
            np.array([[0.0, 0.005], [0.0, 0.5], [0.0, np.inf]]),
            np.array([[0.25, np.inf]]),
            np.empty((0, 2)),
            np.empty((0, 2)),
        ),
        "kruskal",
        "",
    )
    assert diagrams.lifespans(0).tolist() == [1.0, 0.5] and diagrams.lifespans(1).tolist() == [0.75]
    assert diagrams.lifespans(0, eta=0).tolist() == [1.0, 0.5, 0.005]
    assert diagrams.betti == (1, 1, 0, 0) and diagrams.betti_at(0.3) == (2, 1, 0, 0)
    with pytest.raises(FieldError):
        diagrams.lifespans(4)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=8), st.integers(1, 4))
def test_vectors_by_their_definitions(drawn, layers):
    points = np.array([sorted(pair) for pair in drawn]).reshape(-1, 2)
    grid = [i / 20 for i in range(21)]
    tents = [[max(0.0, min(t - b, d - t)) for b, d in points] for t in grid]
    expected = [
        [sorted(values, reverse=True)[k] if k < len(values) else 0.0 for values in tents] for k in range(layers)
    ]
    np.testing.assert_allclose(landscape(points, bins=21, layers=layers), expected, atol=1e-12)
    mass = sum(d - b for b, d in points)
    mean = [sum((d - b) * tent for (b, d), tent in zip(points, values, strict=True)) for values in tents]
    np.testing.assert_allclose(
        silhouette(points, bins=21), np.array(mean) / mass if mass else 0 * np.array(mean), atol=1e-12
    )
    sigma = 0.2
    bumps = np.array(
        [
            [
                sum(
                    np.exp(-((x - b) ** 2 + (y - d) ** 2) / (2 * sigma**2))
                    - np.exp(-((x - d) ** 2 + (y - b) ** 2) / (2 * sigma**2))
                    for b, d in points
                )
                for y in grid[::5]
            ]
            for x in grid[::5]
        ]
    ) / (2 * np.pi * sigma**2)
    np.testing.assert_allclose(heat(points, bins=5, sigma=sigma), bumps, atol=1e-9)


def test_vectors_of_many_points_are_taken_in_parts(monkeypatch):
    from layeralgebra.algebra.topology import vectorisation

    points = np.sort(np.random.default_rng(3).random((50, 2)), axis=1)
    whole = [landscape(points, layers=3), silhouette(points), heat(points)]
    monkeypatch.setattr(vectorisation, "_CHUNK", 7)
    for one, other in zip(whole, [landscape(points, layers=3), silhouette(points), heat(points)], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)


@pytest.mark.parametrize("vectorisation", ["landscape", "silhouette", "heat"])
def test_similarity_is_a_distance_and_blind_to_the_order_of_neurons(vectorisation):
    graphs = [perceptron(seed, [4, 5, 3]) for seed in range(4)]
    matrix = distance_matrix(graphs, vectorisation)
    assert np.all(matrix == matrix.T) and np.all(np.diag(matrix) == 0) and np.all(matrix[~np.eye(4, dtype=bool)] > 0)
    for i, j, k in itertools.permutations(range(4), 3):
        assert matrix[i, j] <= matrix[i, k] + matrix[k, j] + 1e-12
    assert topological_similarity(graphs[0], graphs[1], vectorisation).distance == pytest.approx(matrix[0, 1])
    draw = np.random.default_rng(9)
    first, second = draw.standard_normal((5, 4)), draw.standard_normal((3, 5))
    order = draw.permutation(5)
    one = NetworkGraph.of_perceptron([first, second])
    other = NetworkGraph.of_perceptron([first[order], second[:, order]])
    assert topological_similarity(one, other, vectorisation).distance == pytest.approx(0, abs=1e-12)


def test_distance_of_two_tents_by_hand():
    """Landscapes of (0, 1) and of nothing: the L^2 norm of a tent of height 1/2 is sqrt(1/12)."""
    empty = np.empty((0, 2))
    one = PersistenceDiagrams((np.array([[0.0, np.inf]]), empty, empty, empty), "kruskal", "")
    none = PersistenceDiagrams((empty, empty, empty, empty), "kruskal", "")
    found = topological_similarity(one, none, "landscape", bins=2001)
    assert found.distance == pytest.approx((1 / 12) ** 0.5, abs=1e-4) and found.by_dimension[1:] == (0, 0, 0)


def test_neural_persistence():
    assert neural_persistence([np.ones((3, 4)), np.ones((2, 3))]).layers == (0.0, 0.0)
    assert neural_persistence([-2 * np.ones((3, 4))]).mean == 0.0
    # By hand: the strongest edge is 1, the tree takes 1, 0.6 and 0.5 of a 2 x 2 layer.
    found = neural_persistence([[[1.0, 0.6], [0.5, 0.2]]])
    assert found.mean == pytest.approx(((0 + 0.4**2 + 0.5**2) / 3) ** 0.5)
    assert neural_persistence([[[1.0, 0.6], [0.5, 0.2]]], power=1, normalised=False).mean == pytest.approx(0.9)
    networkx = pytest.importorskip("networkx")
    draw = np.random.default_rng(4)
    weights = [draw.standard_normal((6, 5)), draw.standard_normal((3, 6))]
    largest = max(np.abs(matrix).max() for matrix in weights)
    for matrix, value in zip(weights, neural_persistence(weights).layers, strict=True):
        graph = networkx.Graph()
        for i, j in np.ndindex(matrix.shape):
            graph.add_edge(("out", i), ("in", j), weight=abs(matrix[i, j]) / largest)
        tree = networkx.maximum_spanning_tree(graph).edges(data=True)
        norm = sum((1 - data["weight"]) ** 2 for _, _, data in tree) ** 0.5
        assert value == pytest.approx(norm / (sum(matrix.shape) - 1) ** 0.5) and 0 <= value <= 1


def test_without_the_library_a_triangle_is_refused(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "gudhi", None)
    graph = perceptron(0, [2, 2, 2], skips=[(0, 2)])
    with pytest.raises(UnsupportedError, match="topology"):
        persistent_homology(graph)
    assert persistent_homology(perceptron(0, [2, 2, 2])).route == "kruskal"


def test_graphs_that_are_not_layered():
    five = NetworkGraph(5, np.array([[i, (i + 1) % 5] for i in range(5)]), np.arange(1.0, 6.0))
    found = persistent_homology(five)
    assert not five.is_bipartite() and found.route == "kruskal" and "not bipartite" in found.reason
    assert found.betti == (1, 1, 0, 0)
    apart = NetworkGraph(4, np.array([[0, 1], [2, 3]]), np.array([1.0, -2.0]))
    assert apart.is_bipartite() and persistent_homology(apart).betti == (2, 0, 0, 0)


@pytest.mark.parametrize(
    "call",
    [
        lambda: NetworkGraph.of_perceptron([]),
        lambda: NetworkGraph.of_perceptron([np.ones((2, 3)), np.ones((2, 3))]),
        lambda: NetworkGraph.of_perceptron([np.ones((2, 3))], [[1.0]]),
        lambda: NetworkGraph.of_perceptron([np.ones((2, 3))], []),
        lambda: NetworkGraph.of_perceptron([np.ones((2, 2))] * 2, skips=[(0, 1, np.ones((2, 2)))]),
        lambda: NetworkGraph.of_perceptron([np.ones((2, 2))] * 2, skips=[(0, 2, np.ones((3, 2)))]),
        lambda: NetworkGraph.of_perceptron([[[np.nan]]]),
        lambda: NetworkGraph(2, np.array([[0, 1], [1, 0]]), np.ones(2)),
        lambda: NetworkGraph(2, np.array([[0, 0]]), np.ones(1)),
        lambda: NetworkGraph(2, np.array([[0, 5]]), np.ones(1)),
        lambda: persistent_homology(perceptron(0, [2, 2]), route="magic"),
        lambda: topological_similarity(perceptron(0, [2, 2]), perceptron(1, [2, 2]), "magic"),
        lambda: landscape([[0.0, np.inf]]),
        lambda: landscape([[1.0, 0.0]]),
        lambda: heat([[0.0, 1.0]], sigma=0),
        lambda: perceptron_betti([3]),
        lambda: neural_persistence([]),
    ],
)
def test_impossible_requests_are_refused(call):
    with pytest.raises(LayerAlgebraError):
        call()


def test_errors_are_of_the_right_kind():
    with pytest.raises(GraphError, match="same two neurons"):
        NetworkGraph(2, np.array([[0, 1], [1, 0]]), np.ones(2))
    for call in (
        lambda: persistent_homology(NetworkGraph.of_perceptron([np.zeros((2, 2))])),
        lambda: neural_persistence([np.zeros((2, 2))]),
    ):
        with pytest.raises(DomainError, match="zero"):
            call()
