"""Rooflines, against the two bounds node by node with numbers."""

import pytest
from sympy import Max, symbols

import layeralgebra as la

n, m, L = la.dims("n m L")
P, W = symbols("P W", positive=True)


def test_each_node_takes_the_longer_of_two_times():
    net = la.Linear(8) >> la.ReLU() >> la.Linear(3)
    found = la.roofline(net, P, W, on=(4, 6), batch=2, itemsize={"activations": 2, "weights": 1})
    work = [2 * 4 * (2 * 6 * 8 + 8) - 2 * 4 * 8 + 0, 2 * 4 * 8, 2 * 4 * (2 * 8 * 3 + 3) - 2 * 4 * 3]
    work[0] += 2 * 4 * 8  # adds of a sum of K products: K, as they are counted
    work[2] += 2 * 4 * 3
    moves = [2 * 2 * 4 * (6 + 8) + 6 * 8 + 8, 2 * 2 * 4 * 16, 2 * 2 * 4 * (8 + 3) + 8 * 3 + 3]
    assert [node.operations for node in found.nodes] == work
    assert [node.moved for node in found.nodes] == moves
    for rates in ((1, 1), (1000, 1), (1, 1000), (50, 7)):
        expected = sum(max(w / rates[0], b / rates[1]) for w, b in zip(work, moves))
        assert float(found.time.subs({P: rates[0], W: rates[1]})) == pytest.approx(expected)
    assert found.kind == "lower"


def test_copies_in_closed_form():
    one = la.roofline(la.Linear(n), P, W, on=(n,)).time
    assert la.roofline(la.Linear(n) ** L, P, W, on=(n,)).time == L * one
    assert one.has(Max)


def test_the_figure_is_a_column_wide_and_labels_what_it_shows():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    found = la.roofline(la.Linear(m) >> la.ReLU(), P, W, on=(n, m))
    axes = found.plot(at={n: 64, "m": 512, "P": 10**12, W: 10**10})
    assert axes.figure.get_size_inches()[0] * 25.4 == pytest.approx(84)
    assert {text.get_text() for text in axes.texts} == {"ReLU", "Linear"}
    with pytest.raises(la.FieldError, match="no value is given for"):
        found.plot(at={n: 64})
    matplotlib.pyplot.close("all")


def test_refusals():
    for rate in (0, -1, "fast", symbols("r")):
        with pytest.raises(la.FieldError):
            la.roofline(la.Linear(n), rate, W, on=(n,))
    with pytest.raises(la.FieldError, match="fuse"):
        la.roofline(la.Linear(n), P, W, on=(n,), fuse="network")
