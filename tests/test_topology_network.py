"""Persistent homology of networks: graphs from equations, golden Betti numbers, skips, digits; and fits to tasks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import layeralgebra as la
from layeralgebra import AvgPool, BatchNorm, Conv, Flatten, Graph, Identity, Linear, ReLU, Tanh
from layeralgebra.algebra.topology.graph import NetworkGraph

pytest.importorskip("scipy")


def edges(graph):
    """Edges by weight, which identifies them for random weights; with the degrees of their ends."""
    degree = np.bincount(graph.ends.ravel(), minlength=graph.vertices)
    return sorted((float(w), *degree[pair].tolist()) for w, pair in zip(graph.weights, graph.ends, strict=True))


@given(st.lists(st.integers(1, 4), min_size=2, max_size=5), st.booleans(), st.integers(0, 1000))
def test_perceptrons_have_the_graph_of_their_matrices(sizes, biased, seed):
    net = la.Series(*(part for size in sizes[1:] for part in (Linear(size, bias=biased), Tanh())))
    weights = la.weights(net, on=(sizes[0],), seed=seed)
    found = la.network_graph(net, weights, on=(sizes[0],))
    matrices = [weights[f"{2 * place}.W"] for place in range(len(sizes) - 1)]
    biases = [weights[f"{2 * place}.b"] for place in range(len(sizes) - 1)] if biased else None
    wanted = NetworkGraph.of_perceptron(matrices, biases)
    assert found.vertices == wanted.vertices and edges(found) == edges(wanted)
    one, two = la.persistent_homology(found), la.persistent_homology(wanted)
    assert one.route == "kruskal"
    for mine, yours in zip(one.points, two.points, strict=True):
        assert np.array_equal(mine, yours)


@pytest.mark.parametrize(("sizes", "wanted"), [((3, 2), 2), ((2, 3, 2), 6), ((4, 3, 3, 2), 16)])
def test_betti_golden(sizes, wanted):
    net = la.Series(*(Linear(size, bias=False) for size in sizes[1:]))
    assert la.persistent_homology(net, on=(sizes[0],)).betti == (1, wanted, 0, 0)


@given(st.integers(0, 1000))
def test_kruskal_equals_the_library(seed):
    pytest.importorskip("gudhi")
    net = Linear(3) >> ReLU() >> Linear(3) >> Linear(2)
    weights = la.weights(net, on=(3,), seed=seed)
    one, two = (la.persistent_homology(net, weights, (3,), route=route) for route in ("kruskal", "flag complex"))
    for mine, yours in zip(one.points, two.points, strict=True):
        order = [block[np.lexsort(block.T[::-1])] for block in (mine, yours)]
        assert order[0] == pytest.approx(order[1])


def test_a_skip_of_equal_parity_takes_the_library():
    """Layers 0, 1, 2 joined pairwise, all weights positive: the join of three sets, with prod (n - 1) voids."""
    pytest.importorskip("gudhi")
    net = Graph(
        {
            "x": Identity(),
            "f": Linear(2, bias=False),
            "g": Linear(3, bias=False),
            "skip": Linear(3, bias=False),
            "sum": la.Add(),
        },
        [("x", "f"), ("f", "g"), ("x", "skip"), ("g", "sum"), ("skip", "sum")],
    )
    weights = {name: np.abs(array) + 0.1 for name, array in la.weights(net, on=(2,)).items()}
    found = la.persistent_homology(net, weights, (2,))
    assert found.route == "flag complex" and found.betti == (1, 0, 1 * 1 * 2, 0)
    with pytest.raises(la.FieldError, match="Kruskal"):
        la.persistent_homology(net, weights, (2,), route="kruskal")


def test_residual_blocks_share_their_neurons():
    net = Linear(3, bias=False) >> (Identity() + (Linear(4, bias=False) >> ReLU() >> Linear(3, bias=False)))
    graph = la.network_graph(net, 0, (2,))
    assert graph.vertices == 2 + 3 + 4 + 3
    assert graph.edges == 6 + 12 + 12 + 3  # the last ones are the identity's
    assert (graph.weights == 1).sum() == 3 and graph.has_triangle()


def test_convolutions_have_an_edge_for_each_product():
    net = Conv(2, 3, padding=1) >> BatchNorm() >> ReLU() >> AvgPool(2) >> Flatten() >> Linear(2)
    graph = la.network_graph(net, 0, (1, 4))
    # 4 inputs; 8 outputs of the convolution, with 10 products each channel; 8 of the normalisation; 4 of the pool; 2 of the end.
    neurons, biases = 4 + 8 + 8 + 4 + 2, 3
    assert graph.vertices == neurons + biases
    assert graph.edges == (20 + 8) + (8 + 8) + 8 + (8 + 2)


def test_concatenated_branches():
    net = (Linear(2, bias=False) | Linear(3, bias=False)) >> Linear(1, bias=False)
    graph = la.network_graph(net, 0, (2,))
    assert (graph.vertices, graph.edges) == (2 + 5 + 1, 10 + 5)
    both = la.network_graph(Identity() + Linear(2, bias=False), {"1.W": [[1.0, 2.0], [3.0, 4.0]]}, (2,))
    assert sorted(both.weights) == [2, 2, 3, 5]  # the identity and the diagonal are one edge


def test_similarity_is_blind_to_the_order_of_neurons():
    net = Linear(4) >> ReLU() >> Linear(2)
    weights = la.weights(net, on=(3,), seed=1)
    order = [2, 0, 3, 1]
    turned = {
        "0.W": weights["0.W"][order],
        "0.b": weights["0.b"][order],
        "2.W": weights["2.W"][:, order],
        "2.b": weights["2.b"],
    }
    other = la.weights(net, on=(3,), seed=2)
    assert la.topological_similarity((net, weights), (net, turned), on=(3,)).distance == pytest.approx(0, abs=1e-12)
    assert la.topological_similarity((net, weights), (net, other), on=(3,)).distance > 0


def test_neural_persistence():
    equal = {"0.W": np.ones((3, 2)), "0.b": np.zeros(3), "1.W": np.ones((2, 3)), "1.b": np.zeros(2)}
    assert la.neural_persistence(Linear(3) >> Linear(2), equal, (2,)).layers == (0, 0)
    net = Linear(2, bias=False)
    assert la.neural_persistence(net, {"W": [[1.0, 0.0], [0.0, 0.5]]}, (2,)).mean == pytest.approx((1.25 / 3) ** 0.5)
    net = Conv(3, 2, bias=False)
    kernel = la.weights(net, on=(2, 5))["W"]
    as_matrix = kernel.reshape(3, 4)
    assert la.neural_persistence(net, {"W": kernel}, (2, 5)).mean == pytest.approx(
        la.neural_persistence([as_matrix]).mean
    )


def test_what_is_refused():
    for net, shape in ((la.MultiHeadAttention(1), (3, 2)), (la.MaxPool(2), (1, 4)), (Linear(2) * Linear(2), (2,))):
        with pytest.raises(la.UnsupportedError, match="graph of neurons"):
            la.persistent_homology(net, on=shape)
    with pytest.raises(la.FieldError, match="symbolic"):
        la.persistent_homology(Linear(la.dims("n")), on=(3,))
    with pytest.raises(la.FieldError, match="pair"):
        la.topological_similarity(3, 4)


@pytest.mark.slow
def test_perceptrons_on_digits_are_close_within_a_block():
    """Blocks of perceptrons that differ in the seed alone are closer to each other than blocks of other widths."""
    sklearn = pytest.importorskip("sklearn.datasets")
    from sklearn.neural_network import MLPClassifier

    images, labels = sklearn.load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(64)
    diagrams = []
    for width, shuffled in ((8, False), (8, True), (48, False)):
        for seed in range(3):
            inputs = images[:, order] / 16 if shuffled else images / 16
            model = MLPClassifier((width,), max_iter=12, random_state=seed, learning_rate_init=0.01)
            model.fit(inputs[:1000], labels[:1000])
            trained = {
                "0.W": model.coefs_[0].T,
                "0.b": model.intercepts_[0],
                "2.W": model.coefs_[1].T,
                "2.b": model.intercepts_[1],
            }
            diagrams.append(la.persistent_homology(Linear(width) >> ReLU() >> Linear(10), trained, (64,)))
    from layeralgebra.algebra.topology.similarity import distance_matrix

    distances = distance_matrix(diagrams).reshape(3, 3, 3, 3)
    within = max(distances[block, :, block, :].max() for block in range(3))
    assert distances[0, :, 2, :].min() > within and distances[1, :, 2, :].min() > within
