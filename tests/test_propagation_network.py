"""Capacity propagation, scaling and the deep limit of networks."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import Rational, symbols

import layeralgebra as la
from layeralgebra import RNN, Abs, Conv, Identity, LeakyReLU, Linear, MaxPool, ReLU, Repeat, Sine

pytest.importorskip("scipy")

A, B, Z = symbols("a b z", positive=True)


def rule(weights, bias):
    """The Markov rule, written out."""
    squares = np.square(weights)
    return squares / (np.square(bias)[:, None] + squares.sum(axis=1, keepdims=True))


def linear_part(layer, shape, weights):
    """The matrix and the offset of a layer, from its outputs."""
    size = int(np.prod(shape))
    start = np.asarray(la.run(layer, np.zeros(shape), weights), dtype=float).ravel()
    columns = [np.asarray(la.run(layer, e.reshape(shape), weights), dtype=float).ravel() - start for e in np.eye(size)]
    return np.array(columns).T, start


@st.composite
def chains(draw, bias=None):
    """Layers of one axis with two channels, each with the shape that enters it."""
    shape, found = (2, draw(st.integers(5, 7))), []
    for _ in range(draw(st.integers(1, 3))):
        has_bias = draw(st.booleans()) if bias is None else bias
        layer = draw(
            st.sampled_from(
                [
                    Conv(2, 3, padding=1, bias=has_bias),
                    Conv(3, 2, dilation=2, bias=has_bias),
                    Conv(2, 1, bias=has_bias),
                    la.AvgPool(2, stride=1),
                ]
            )
        )
        found.append((layer, shape))
        shape = tuple(int(size) for size in la.output_shape(layer, on=shape))
        if shape[1] < 4:
            break
    return found


@given(chains(), st.integers(0, 100))
def test_series_is_the_product_of_the_rule(chain, seed):
    net = la.Series(*(part for layer, _ in chain for part in (layer, ReLU())))
    weights = la.weights(net, on=chain[0][1], seed=seed)
    expected = np.eye(int(np.prod(chain[0][1])))
    for place, (layer, shape) in enumerate(chain):
        own = {name.split(".")[1]: w for name, w in weights.items() if name.startswith(f"{2 * place}.")}
        expected = rule(*linear_part(layer, shape, own)) @ expected
    found = la.capacity_propagation(net, weights, on=chain[0][1])
    assert found.transition.dense() == pytest.approx(expected, abs=1e-12)


@given(chains(bias=False), st.integers(0, 100))
def test_without_bias_no_capacity_is_lost(chain, seed):
    net = la.Series(*(layer for layer, _ in chain))
    dense = la.capacity_propagation(net, seed, on=chain[0][1]).transition.dense()
    assert dense.sum(axis=1) == pytest.approx(np.ones(len(dense)), abs=1e-12) and dense.min() >= 0


@given(st.lists(st.integers(1, 4), min_size=2, max_size=4), st.data())
def test_series_is_the_product_exactly(widths, data):
    """In rational arithmetic, against fractions multiplied by hand."""
    net = la.Series(*(Linear(width) for width in widths[1:])) if len(widths) > 2 else Linear(widths[1])
    numbers = st.integers(1, 5).map(lambda n: Fraction(n, 3))
    weights, expected = {}, None
    for place, (before, width) in enumerate(zip(widths, widths[1:], strict=False)):
        key = f"{place}." if len(widths) > 2 else ""
        matrix = data.draw(
            st.lists(st.lists(numbers, min_size=before, max_size=before), min_size=width, max_size=width)
        )
        bias = data.draw(st.lists(numbers, min_size=width, max_size=width))
        weights[f"{key}W"], weights[f"{key}b"] = np.array(matrix, dtype=object), np.array(bias, dtype=object)
        own = [[w**2 / (b**2 + sum(v**2 for v in row)) for w in row] for row, b in zip(matrix, bias, strict=True)]
        expected = own if expected is None else [
            [sum(row[m] * expected[m][i] for m in range(len(expected))) for i in range(len(expected[0]))] for row in own
        ]  # fmt: skip
    found = la.capacity_propagation(net, weights, on=(widths[0],))
    assert found.transition.exact
    assert [[Fraction(int(v.p), int(v.q)) for v in row] for row in found.matrix.tolist()] == expected


def test_sampled_walks_agree():
    net = Conv(2, 3, padding=1) >> ReLU() >> Conv(1, 3, padding=1)
    shape = (1, 6)
    weights = la.weights(net, on=shape, seed=4)
    second, first = (
        linear_part(Conv(1, 3, padding=1), (2, 6), {"W": weights["2.W"], "b": weights["2.b"]}),
        linear_part(Conv(2, 3, padding=1), shape, {"W": weights["0.W"], "b": weights["0.b"]}),
    )
    draw, walks, start = np.random.default_rng(0), 40_000, 3
    ends = np.zeros(7)
    places = np.full(walks, start)
    for matrix, bias in (second, first):
        table = np.hstack([matrix**2, bias[:, None] ** 2])
        table = np.vstack([table / table.sum(axis=1, keepdims=True), np.eye(table.shape[1])[-1]]).cumsum(axis=1)
        places = (draw.random(walks)[:, None] > table[places]).sum(axis=1)
    for place in range(7):
        ends[place] = (places == place).mean()
    capacities = np.zeros(6)
    capacities[start] = 1
    expected = np.array(la.capacity_propagation(net, weights, on=shape).propagate(capacities))
    spread = np.sqrt(expected * (1 - expected) / walks)
    assert np.all(np.abs(ends[:6] - expected) < 4.5 * spread + 1e-9)
    assert ends[6] == pytest.approx(1 - expected.sum(), abs=4.5 / walks**0.5)


def test_branches():
    net = Identity() + Conv(1, 3, padding=1, bias=False)
    weights = {"1.W": np.array([[[[1, 2, 3]]]])}
    found = la.capacity_propagation(net, weights, on=(1, 3))
    # The middle row: the identity has weight one, the branch 14 in all.
    assert [Fraction(int(v.p), int(v.q)) for v in found.matrix.row(1)] == [
        Fraction(1, 15),
        Fraction(5, 15),
        Fraction(9, 15),
    ]
    both = Conv(1, 1, bias=False) | Conv(1, 3, padding=1, bias=False)
    dense = la.capacity_propagation(both, 1, on=(2, 4)).transition.dense()
    assert dense.shape == (8, 8) and np.count_nonzero(dense[1]) == 2 and np.count_nonzero(dense[5]) == 6
    pooled = la.capacity_propagation(MaxPool(2), 0, on=(1, 4)).transition.dense()
    assert pooled.tolist() == [[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]]


def test_attention_with_a_given_pattern():
    pattern = np.array([[1.0, 0, 0], [0.5, 0.5, 0], [0.2, 0.2, 0.6]])
    layer = la.MultiHeadAttention(1, bias=False)
    weights = la.weights(layer, on=(3, 2), seed=1)
    found = la.capacity_propagation(layer, weights, on=(3, 2), pattern=pattern).transition.dense()
    positions = found.reshape(3, 2, 3, 2).sum(axis=3)
    assert positions == pytest.approx(
        np.repeat((pattern**2 / (pattern**2).sum(axis=1, keepdims=True))[:, None], 2, axis=1)
    )


def test_walks_agree_with_matrices_away_from_the_margins():
    net = (
        Conv(1, 3, padding=1)
        >> ReLU()
        >> Conv(1, 4, padding="causal", dilation=2)
        >> (Identity() + Conv(1, 3, padding=1))
    )
    taps = {
        "0.W": [[[[2, 1, 3]]]],
        "0.b": [[1]],
        "2.W": [[[[1, 1, 2, 1]]]],
        "2.b": [[2]],
        "3.1.W": [[[[1, 3, 1]]]],
        "3.1.b": [[1]],
    }
    shape = (1, 21)
    at = {name: np.array(value).reshape(la.weights(net, on=shape)[name].shape) for name, value in taps.items()}
    row = la.capacity_propagation(net, at, on=shape).matrix.row(12)
    walk = la.capacity_propagation(net, on=(1, la.dims("N")), taps=taps)
    assert {(place - 12,): row[place] for place in range(21) if row[place] != 0} == walk.walk.shares
    offsets = np.arange(21) - 12
    shares = np.array([float(v) for v in row])
    mean = (offsets * shares).sum() / shares.sum()
    assert float(walk.mean[0]) == pytest.approx(mean)
    assert float(walk.variance[0]) == pytest.approx((offsets**2 * shares).sum() / shares.sum() - mean**2)
    assert float(walk.mass) == pytest.approx(shares.sum())


def test_symbolic_depth_and_strides():
    L, k, s, N = la.dims("L k s N")
    layer = symbols("l", integer=True, nonnegative=True)
    plain = la.capacity_propagation(Conv(8, k, padding="same") ** L, on=(8, N, N))
    assert [v.equals(L * (k**2 - 1) / 12) for v in plain.variance] == [True, True]
    golden = la.capacity_propagation((Conv(4, 5, padding=2) >> ReLU()) ** 10, on=(4, 30))
    assert float(golden.sigma[0]) == pytest.approx(4.4721, abs=1e-4)
    dilated = la.capacity_propagation(Repeat(Conv(1, 2, dilation=2**layer, padding="causal"), L, layer), on=(1, N))
    assert [dilated.variance[0].doit().subs(L, depth) for depth in (1, 4)] == [Rational(1, 4), Rational(255, 12)]
    pyramid = la.capacity_propagation(
        Conv(4, 3, padding=1) >> MaxPool(2) >> Conv(4, 3, padding=1) >> MaxPool(2), on=(3, 16)
    )
    assert pyramid.jump == (4,) and pyramid.variance[0] == Rational(2, 3) + Rational(1, 4) + 4 * Rational(
        2, 3
    ) + 4 * Rational(1, 4)
    block = la.capacity_propagation(
        (Identity() + Conv(1, 3, padding=1, bias=False)) ** L, on=(1, N), taps={"*.1.W": [[[[A, B, A]]]]}
    )
    assert (block.variance[0] - L * 2 * A**2 / (1 + 2 * A**2 + B**2)).cancel() == 0
    leaking = la.capacity_propagation(Conv(4, 3, padding=1) ** L, on=(4, N), bias=B)
    assert (leaking.mass * (1 + B) ** L).simplify() == 1


def test_generating_functions_with_symbolic_taps():
    found = la.capacity_propagation(
        Conv(1, 2, bias=False) >> Conv(1, 2), on=(1, 5), taps={"0.W": [[[[A, 1]]]], "1.W": [[[[1, B]]]], "1.b": [[1]]}
    )
    expected = (A**2 + Z) / (A**2 + 1) * (1 + B**2 * Z) / (2 + B**2)
    assert (found.generating_function(Z) - expected).cancel() == 0


# The deep limit and scaling -------------------------------------------------------------------------------------------

KERNEL = {"1.W": [[[[Rational(1, 2), Rational(7, 10), Rational(1, 2)]]]]}
BLOCK = Identity() + Conv(1, 3, padding=1, bias=False)


def test_deep_limit_golden():
    limit = la.capacity_deep_limit(BLOCK, 3, on=(1, 9), taps=KERNEL)
    assert limit.variance() == Rational(9, 2)
    for depth, wanted in ((10, 2.380), (100, 4.132), (1000, 4.460)):
        scale = 3 / depth**0.5
        taps = {"1.W": [[[[scale * float(v) for v in KERNEL["1.W"][0][0][0]]]]]}
        found = la.capacity_propagation(BLOCK**depth, on=(1, 9), taps={"*.1.W": taps["1.W"]})
        assert float(found.variance[0]) == pytest.approx(wanted, abs=6e-4)
    assert limit.error(100, reach=60).jump < limit.error(10, reach=60).jump


@pytest.mark.parametrize(
    ("alpha", "verdict", "variances"),
    [("1/4", "shatters", (3.7, 23.8, 111)), ("1/2", "converges", None), (1, "vanishes", (0.413, 0.045, 0.0045))],
)
def test_scaling_golden(alpha, verdict, variances):
    found = la.scaling_exponent(BLOCK, alpha, on=(1, 9), taps=KERNEL)
    assert (found.verdict, found.deciding, found.exponent) == (verdict, "variance", Rational(str(alpha)))
    derived = la.scaling_exponent(BLOCK, on=(1, 9), taps=KERNEL)
    assert (derived.exponent, derived.verdict) == (Rational(1, 2), "converges")
    assert derived.limits["variance"].subs(derived.scaling.constant, 3) == Rational(9, 2)
    for depth, wanted in zip((10, 100, 1000), variances or (), strict=False):
        scale = 3 * depth ** -float(Fraction(alpha))
        taps = {"*.1.W": [[[[scale * float(v) for v in KERNEL["1.W"][0][0][0]]]]]}
        measured = la.capacity_propagation(BLOCK**depth, on=(1, 9), taps=taps)
        assert float(measured.variance[0]) == pytest.approx(wanted, rel=0.02)


def test_scaling_of_other_blocks():
    n, m, c = la.dims("n m c")
    epsilon = symbols("epsilon", positive=True)
    assert la.scaling_exponent(Linear(m), on=(n,)).variance == 1 / n
    assert la.scaling_exponent(Linear(m) >> ReLU(), on=(n,)).variance == 2 / n
    assert la.scaling_exponent(Conv(c, 3), on=(n, 9, 9)).variance == 1 / (9 * n)
    assert la.scaling_exponent(Conv(4 * c, 3, groups=c, padding=1), on=(2 * c, 9)).variance == Rational(1, 6)
    recurrent = la.scaling_exponent(RNN(8), on=(50, 8))
    assert (recurrent.over, recurrent.exponent, recurrent.mean_lag) == ("memory", Rational(1, 2), 1 / epsilon**2)
    biased = la.scaling_exponent(Identity() + Conv(1, 3, padding=1), on=(1, 9))
    assert biased.exponent == Rational(1, 2) and biased.limits["leak"] != 0
    wide = la.scaling_exponent(Identity() + (Linear(n) >> ReLU()), on=(n,))
    assert (wide.over, wide.exponent) == ("depth", Rational(1, 2))
    with pytest.raises(la.UnsupportedError, match="one layer with weights"):
        la.scaling_exponent(Linear(3) >> Linear(3), on=(3,))


def test_decoupling_from_equations():
    assert la.activation_decoupling(Abs()).value == 1
    assert la.activation_decoupling(ReLU()).value == Rational(1, 2)
    assert float(la.activation_decoupling(LeakyReLU(Rational(1, 10))).value) == pytest.approx(0.81 / 2.02)
    assert float(la.activation_decoupling(Sine(2)).value) == pytest.approx(1 - 1 / np.cosh(4))
    with pytest.raises(la.UnsupportedError):
        la.activation_decoupling(Linear(2))


def test_what_is_refused():
    n = la.dims("n")
    with pytest.raises(la.UnsupportedError, match="product of branches"):
        la.capacity_propagation(Linear(2) * Linear(2), 0, on=(2,))
    with pytest.raises(la.FieldError, match="no layer"):
        la.capacity_propagation(Conv(1, 3), on=(1, 9), taps={"V": [[[[1]]]]})
    with pytest.raises(la.FieldError, match="symbolic"):
        la.capacity_propagation(Linear(n), 0, on=(3,))
    with pytest.raises(la.UnsupportedError, match="at="):
        _ = la.capacity_propagation(Linear(3), on=(3,)).matrix
    with pytest.raises(la.UnsupportedError, match="pattern="):
        la.capacity_propagation(la.MultiHeadAttention(1), 0, on=(3, 2))
    with pytest.raises(la.UnsupportedError, match="Identity"):
        la.capacity_deep_limit(Conv(1, 3), 1, on=(1, 9))
