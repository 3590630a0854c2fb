"""Capacity propagation: the Markov rule as matrices and generating functions, the deep limit, and sampled oracles."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import Derivative, Eq, Function, Matrix, Rational, Symbol, exp, expand, log, pi, sqrt, symbols

from layeralgebra.algebra.capacity.propagation.generating_functions import KernelWalk
from layeralgebra.algebra.capacity.propagation.spread import Spread, stacked, uniform
from layeralgebra.algebra.capacity.propagation.transitions import (
    affine,
    attention,
    convolution,
    identity,
    pooling,
    series,
)
from layeralgebra.algebra.capacity.scaling.deep_limit import DeepLimit
from layeralgebra.algebra.errors import DomainError, FieldError, LayerAlgebraError, ShapeError, UnsupportedError

HALF, SEVEN = Rational(1, 2), Rational(7, 10)


def rule(weights, bias):
    """The Markov rule, entry by entry, in plain fractions."""
    rows = []
    for row, offset in zip(weights, bias, strict=True):
        total = Fraction(offset) ** 2 + sum(Fraction(w) ** 2 for w in row)
        rows.append([Fraction(w) ** 2 / total for w in row])
    return rows


def times(left, right):
    return [
        [sum(left[i][k] * right[k][j] for k in range(len(right))) for j in range(len(right[0]))]
        for i in range(len(left))
    ]


def as_fractions(matrix):
    return [[Fraction(int(v.p), int(v.q)) for v in matrix.row(i)] for i in range(matrix.rows)]


numbers = st.integers(-5, 5)


@st.composite
def networks(draw, biased=False):
    """Integer weights (and biases) of two or three layers, no output of which depends on nothing."""
    widths = draw(st.lists(st.integers(1, 4), min_size=3, max_size=4))
    layers = []
    for fan_in, fan_out in zip(widths, widths[1:], strict=False):
        rows = st.lists(numbers, min_size=fan_in, max_size=fan_in).filter(any)
        weights = draw(st.lists(rows, min_size=fan_out, max_size=fan_out))
        bias = draw(st.lists(numbers, min_size=fan_out, max_size=fan_out)) if biased else [0] * fan_out
        layers.append((weights, bias))
    return layers


@given(networks())
def test_without_bias_matrices_are_stochastic(layers):
    for weights, bias in layers:
        part = affine(weights, bias)
        assert as_fractions(part.matrix) == rule(weights, bias)
        assert part.leaks == (0,) * part.outputs
    whole = series(*[affine(weights) for weights, _ in layers])
    assert all(sum(whole.matrix.row(i)) == 1 for i in range(whole.outputs))
    ones = [1] * whole.outputs
    assert sum(whole.propagate(ones)) == whole.outputs


@given(networks(biased=True))
def test_series_is_the_product_exactly(layers):
    expected = rule(*layers[0])
    for layer in layers[1:]:
        expected = times(rule(*layer), expected)
    whole = series(*[affine(*layer) for layer in layers])
    assert whole.exact and as_fractions(whole.matrix) == expected
    assert [1 - sum(row) for row in expected] == [Fraction(int(v.p), int(v.q)) for v in whole.leaks]
    numeric = series(*[affine(np.array(w, float), np.array(b, float)) for w, b in layers])
    assert not numeric.exact
    np.testing.assert_allclose(numeric.dense(), np.array(expected, dtype=float), atol=1e-12)


@given(networks(biased=True), networks(biased=True), st.integers(1, 4))
def test_branches_mix_by_variance_and_blocks_stay_apart(one, two, scale):
    (left, left_bias), (right, right_bias) = one[0], two[0]
    disjoint = affine(left, left_bias).disjoint(affine(right, right_bias)).matrix
    assert disjoint == Matrix.diag(affine(left, left_bias).matrix, affine(right, right_bias).matrix)
    if np.shape(left) == np.shape(right):
        both = affine(left, left_bias) + affine(right, right_bias).scaled(scale)
        # The sum of independent branches has the squared weights of both, so it is one affine map of stacked weights.
        for j in range(both.outputs):
            total = sum(w * w for w in [*left[j], left_bias[j]]) + scale**2 * sum(
                w * w for w in [*right[j], right_bias[j]]
            )
            for i in range(both.inputs):
                assert both.matrix[j, i] == Rational(left[j][i] ** 2 + scale**2 * right[j][i] ** 2, total)
        # Mixing is commutative and associative.
        assert both.matrix == (affine(right, right_bias).scaled(scale) + affine(left, left_bias)).matrix


def test_sampled_walks_agree():
    """A walker that chooses an input with the share of its squared weight, or dies in the bias."""
    draw = np.random.default_rng(1)
    layers = [
        (draw.integers(-4, 5, (5, 6)) + 0.5, draw.integers(0, 3, 5)),
        (draw.integers(-4, 5, (4, 5)) + 0.5, draw.integers(0, 3, 4)),
    ]
    walkers = 40_000
    place = np.full(walkers, 2)
    for weights, bias in reversed(layers):
        squares = np.hstack([weights**2, np.asarray(bias)[:, None] ** 2]) * 1.0
        cumulative = np.cumsum(squares / squares.sum(axis=1, keepdims=True), axis=1)
        dead = place == -1
        step = (draw.random(walkers)[:, None] > cumulative[place]).sum(axis=1)
        step[step == weights.shape[1]] = -1
        place = np.where(dead, -1, step)
    counts = np.array([(place == i).mean() for i in range(6)])
    whole = series(*[affine(w, b) for w, b in layers])
    expected = np.array(whole.propagate([0, 0, 1, 0]))
    error = np.sqrt(expected * (1 - expected) / walkers)
    assert np.all(np.abs(counts - expected) < 4.5 * error + 1e-12)
    assert (place == -1).mean() == pytest.approx(1 - expected.sum(), abs=0.015)


def test_residual_block():
    q = convolution([HALF, SEVEN, HALF], 9, padding=1)
    block = q.residual(Rational(1, 3))
    strength = 2 * HALF**2 + SEVEN**2
    interior = block.matrix.row(4)
    inner = Rational(1, 9) * strength
    assert interior[4] == (1 + inner * SEVEN**2 / strength) / (1 + inner)
    assert interior[3] == interior[5] == inner * HALF**2 / strength / (1 + inner)
    assert sum(interior) == 1


def test_pooling_and_attention():
    pool = pooling([[0, 1, 2], [3, 4]], 5)
    assert pool.matrix[0, 1] == Rational(1, 3) and pool.matrix[1, 4] == HALF
    heads = attention([[1, 0], [HALF, HALF]], [[1, 2], [3, 0], [0, 1]])
    assert (heads.outputs, heads.inputs) == (6, 4)
    # Second position, first feature: half from each position, 1/5 and 4/5 from the features.
    assert list(heads.matrix.row(3)) == [Rational(1, 10), Rational(2, 5), Rational(1, 10), Rational(2, 5)]
    causal = attention([[1, 0, 0], [1, 1, 0], [1, 1, 1]])
    assert causal.power(2).matrix == Matrix(causal.matrix) ** 2


def test_power_is_the_product():
    block = affine([[1, 2], [3, 1]], [1, 0])
    expected = Matrix.eye(2)
    for count in range(1, 6):
        expected = expected * block.matrix
        assert block.power(count).matrix == expected


@given(
    st.lists(st.integers(-4, 4), min_size=1, max_size=4).filter(any),
    st.lists(st.integers(-4, 4), min_size=1, max_size=4).filter(any),
    st.integers(1, 3),
    st.integers(0, 2),
)
def test_generating_functions_multiply_like_matrices(first, second, stride, bias):
    near = KernelWalk.from_taps(first, origin=0, stride=stride, bias=bias)
    far = KernelWalk.from_taps(second, origin=0)
    whole = near >> far
    z = Symbol("z", positive=True)
    product = near.generating_function(z) * far.generating_function(z**stride)
    assert expand(whole.generating_function(z) - product) == 0
    # One output of the two convolutions as matrices.
    extent = (len(second) - 1) * stride + len(first)
    one = convolution(first, extent, stride=stride, bias=bias)
    matrix = (one >> convolution(second, one.outputs)).matrix
    assert [whole.shares.get((place,), 0) for place in map(Rational, range(extent))] == list(matrix.row(0))
    spread = near.spread() >> far.spread()
    assert spread == Spread(whole.mean(), whole.variance(), whole.jump[0], whole.mass)


def test_symbolic_taps_and_depth():
    a, b, c, L = symbols("a b c L", positive=True, integer=True)
    walk = KernelWalk.from_taps([a, b, c])
    total = a**2 + b**2 + c**2
    assert (walk.mean() - (c**2 - a**2) / total).cancel() == 0
    assert (walk.variance() - ((a**2 + c**2) / total - ((c**2 - a**2) / total) ** 2)).cancel() == 0
    deep = walk.spread().power(L)
    assert (deep.variance - L * walk.variance()).cancel() == 0
    for count in (1, 2, 3):
        assert (walk.power(count).variance() - deep.variance.subs(L, count)).cancel() == 0


def test_two_dimensional_walks():
    a, b = symbols("a b", positive=True)
    walk = KernelWalk.from_taps([[a, b], [b, a]], origin=(0, 0), stride=(2, 1))
    y, x = symbols("y x", positive=True)
    twice = walk >> walk
    product = walk.generating_function(y, x) * walk.generating_function(y**2, x)
    assert (twice.generating_function(y, x) - product).expand().cancel() == 0
    assert twice.variance(0) == 5 * walk.variance(0) and twice.variance(1) == 2 * walk.variance(1)


def test_effective_receptive_field_golden():
    for kernel, depth, sigma in ((3, 5, 1.8257), (5, 10, 4.4721)):
        assert float(uniform(kernel).power(depth).sigma) == pytest.approx(sigma, abs=5e-5)
        walk = KernelWalk.from_taps([1] * kernel)
        assert float(sqrt(walk.power(depth).variance())) == pytest.approx(sigma, abs=5e-5)


def test_strided_and_dilated_depth():
    k, s, L = symbols("k s L", integer=True, positive=True)
    symbolic = uniform(k, stride=s).power(L)
    for kernel, stride, depth in ((3, 1, 4), (3, 2, 3), (5, 3, 2)):
        walk = KernelWalk.still()
        for _ in range(depth):
            walk = walk >> KernelWalk.from_taps([1] * kernel, stride=stride)
        found = symbolic.variance.subs({k: kernel, s: stride, L: depth})
        assert found == walk.variance() and symbolic.jump.subs({s: stride, L: depth}) == walk.jump[0]
    layer = Symbol("l", integer=True, nonnegative=True)
    # WaveNet: 2 taps, dilation 2^l. The variance of the layer is 4^l/4.
    stack = stacked(Rational(1, 4) * 4**layer, 1, layer, L)
    assert [stack.variance.subs(L, n).doit() for n in (1, 2, 3)] == [Rational(1, 4), Rational(5, 4), Rational(21, 4)]
    # Strides that change from layer to layer.
    grown = stacked(Rational(2, 3), 1 + layer, layer, 4)
    assert grown.variance == Rational(2, 3) * (1 + 1 + 4 + 36) and grown.jump == 24


def test_plain_stack_grows_as_the_square_root_of_depth():
    L = Symbol("L", positive=True, integer=True)
    assert (log(uniform(3).power(L).sigma ** 2).diff(L) * L).simplify() == 1


def test_leaking_bias():
    a, b, L = symbols("a b L", positive=True)
    walk = KernelWalk.from_taps([a, a], bias=b)
    assert (walk.mass - 2 * a**2 / (2 * a**2 + b**2)).cancel() == 0
    n = Symbol("n", integer=True, positive=True)
    assert walk.spread().power(n).mass == walk.mass**n


def golden_block():
    return DeepLimit.of_block([HALF, SEVEN, HALF], 3)


@pytest.mark.parametrize(
    ("alpha", "expected"), [(0.5, (2.380, 4.132, 4.460)), (0.25, (3.7, 23.8, 111)), (1.0, (0.413, 0.045, 0.0045))]
)
def test_residual_variance_golden(alpha, expected):
    for depth, value in zip((10, 100, 1000), expected, strict=True):
        block = KernelWalk.from_taps([0.5, 0.7, 0.5]).residual(3 * depth**-alpha)
        found = float(block.spread().power(depth).variance)
        digits = len(str(value).split(".")[1]) if "." in str(value) else 0
        assert found == pytest.approx(value, abs=0.51 * 10**-digits)


def test_deep_limit_is_the_limit_of_the_layers():
    limit = golden_block()
    assert limit.variance() == Rational(9, 2) and limit.mean() == 0
    w, c, L = symbols("w c L", positive=True)
    v = Symbol("v", positive=True)
    symbolic = DeepLimit.of_block([w, v, w], c)
    layers = KernelWalk.from_taps([w, v, w]).residual(c / sqrt(L)).spread()
    assert ((L * layers.variance).cancel().limit(L, float("inf")) - symbolic.variance()).cancel() == 0
    z = Symbol("z", positive=True)
    # T^L -> exp(c^2 s (q - 1)).
    expected = exp(c**2 * (2 * w**2 + v**2) * (KernelWalk.from_taps([w, v, w]).generating_function(z) - 1))
    assert (log(symbolic.generating_function(z)) - log(expected)).expand(force=True).cancel() == 0


def test_kramers_moyal_coefficients():
    a, b, c = symbols("a b c", positive=True)
    skew = DeepLimit.of_block([a, b], c)  # offsets 0 and 1
    for order in range(1, 5):
        moment = c**2 * b**2 / [1, 1, 2, 6, 24][order]
        assert (skew.kramers_moyal(order) - moment).cancel() == 0
    assert skew.drift == c**2 * b**2 and skew.killing == 0
    biased = DeepLimit.of_block([a], c, bias=b)
    assert (biased.killing - c**2 * b**2).cancel() == 0
    x, t = Symbol("x", real=True), Symbol("t", nonnegative=True)
    kappa = Function("kappa")(t, x)
    assert golden_block().forward_equation() == Eq(Derivative(kappa, t), Rational(9, 4) * Derivative(kappa, (x, 2)))


@pytest.mark.parametrize(("taps", "bias"), [([HALF, SEVEN, HALF], 0), ([Rational(1, 5), SEVEN, HALF, 1], HALF)])
def test_distributions_and_errors(taps, bias):
    limit = DeepLimit.of_block(taps, Rational(3, 2), bias)
    walk, reach = limit.walk, 60
    # The layers: a binomial number of moves; the limit: a Poisson one. Both summed by hand.
    shares = np.zeros(2 * reach + 1)
    for (offset,), share in walk.shares.items():
        shares[reach + int(offset)] = float(share)
    depth, rate = 12, float(limit.rate)
    moved = rate / depth / (1 + rate / depth)
    state = np.zeros(2 * reach + 1)
    state[reach] = 1.0
    layers, jumps, weight = np.zeros_like(state), np.zeros_like(state), np.exp(-rate)
    for count in range(60):
        if count <= depth:
            layers += comb(depth, count) * moved**count * (1 - moved) ** (depth - count) * state
        jumps += weight * state
        weight *= rate / (count + 1)
        state = np.convolve(state, shares)[reach : 3 * reach + 1]
    np.testing.assert_allclose(limit.layer_distribution(depth, reach), layers, atol=1e-12)
    np.testing.assert_allclose(limit.jump_distribution(reach), jumps, atol=1e-12)
    assert limit.jump_distribution(reach).sum() == pytest.approx(float(exp(-limit.killing)))
    errors = [limit.error(depth) for depth in (10, 100, 1000)]
    assert all(error.jump <= error.bound for error in errors)
    assert errors[0].jump > 5 * errors[1].jump > 25 * errors[2].jump  # of order 1/L
    # The diffusion is an approximation that depth does not improve.
    assert errors[2].diffusion == pytest.approx(errors[2].jump_to_diffusion, rel=0.2)
    assert errors[2].jump_to_diffusion > 3 * errors[2].jump


# The pseudo-random limit itself ---------------------------------------------------------------------------------------


def energies(layers, slopes, samples, seed):
    """Mean squared derivatives of the output by inputs and by unit bias inputs, with their standard errors.

    Layers are ``y = f(W x + b)`` with rows scaled so that ``b^2 + ||w||^2 = 1``; `slopes` gives f and f'.
    """
    activation, slope = slopes
    draw = np.random.default_rng(seed)
    values = draw.standard_normal((samples, layers[0][0].shape[1]))
    before = []
    for weights, bias in layers:
        before.append(values @ weights.T + bias)
        values = activation(before[-1])
    back = np.ones((samples, 1))
    leaked = []
    for (weights, bias), pre in zip(reversed(layers), reversed(before), strict=True):
        back = back * slope(pre)
        leaked.append(back * bias)
        back = back @ weights
    squares = np.hstack([back, *leaked]) ** 2
    return squares.mean(axis=0), squares.std(axis=0) / samples**0.5


def normalised_layers(seed, widths, biased):
    draw = np.random.default_rng(seed)
    layers = []
    for fan_in, fan_out in zip(widths, widths[1:], strict=False):
        weights = draw.standard_normal((fan_out, fan_in))
        bias = draw.standard_normal(fan_out) * biased
        norm = np.sqrt((weights**2).sum(axis=1) + bias**2)
        layers.append((weights / norm[:, None], bias / norm))
    return layers


def test_pseudo_random_limit_of_a_perceptron():
    """sqrt(2) sin(omega x) / omega with omega = 60: slopes of unit energy whose signs say nothing of the input.

    20000 samples; agreement is asked to 4.5 standard errors of each of the 6 + 16 + 16 + 1 shares, which are about
    1.5 % of the share. The coupled network, with a linear activation and the same weights, fails the same test by
    far.
    """
    omega = 60.0
    layers = normalised_layers(0, [6, 16, 16, 1], biased=1.0)
    wild = (lambda v: 2**0.5 * np.sin(omega * v), lambda v: 2**0.5 * np.cos(omega * v))
    parts = [affine(weights, bias) for weights, bias in layers]
    arriving, leaking = [1.0], []
    for part in reversed(parts):
        leaking += [float(k) * leak for k, leak in zip(arriving, part.leaks, strict=True)]
        arriving = part.propagate(arriving)
    expected = np.array([*arriving, *leaking])
    assert expected.sum() == pytest.approx(1)
    measured, error = energies(layers, wild, 20_000, seed=1)
    assert np.all(np.abs(measured - expected) < 4.5 * error)
    assert np.median(error / expected) < 0.05
    coupled, _ = energies(layers, (lambda v: v, np.ones_like), 10, seed=1)
    assert np.sum(np.abs(coupled - expected) > 10 * error) > 10


def test_pseudo_random_limit_of_residual_blocks():
    """Four blocks ``x + eps f(conv x)`` on a ring of 15 positions; 20000 samples, 4.5 standard errors.

    The frequencies of the blocks are unrelated: a residual block changes the next argument little, so that two blocks
    of one frequency would have nearly the same slope, and would not be decoupled however high it is.
    """
    scale, taps, depth, ring = 0.6, np.array([0.5, 0.7, 0.5]), 4, 15
    draw = np.random.default_rng(3)
    values = draw.standard_normal((20_000, ring))
    slopes = []

    def mix(signal, kernel):
        return sum(w * np.roll(signal, shift, axis=1) for w, shift in zip(kernel, (1, 0, -1), strict=True))

    for omega in 80 * np.sqrt([1, 2, 3, 5]):
        phase = draw.uniform(0, 2 * np.pi, ring)
        before = mix(values, taps)
        slopes.append(2**0.5 * np.cos(omega * before + phase))
        values = values + scale * 2**0.5 * np.sin(omega * before + phase) / omega
    back = np.zeros_like(values)
    back[:, 7] = 1.0
    for slope in reversed(slopes):
        back = back + scale * mix(back * slope, taps[::-1])
    energy = back**2
    block = KernelWalk.from_taps([HALF, SEVEN, HALF]).residual(Rational(3, 5))
    gain = (1 + 0.36 * float((taps**2).sum())) ** depth
    expected = np.zeros(ring)
    for (offset,), share in block.power(depth).shares.items():
        expected[7 + int(offset)] += float(share)
    error = energy.std(axis=0) / len(values) ** 0.5 / gain
    measured = energy.mean(axis=0) / gain
    assert np.all(np.abs(measured - expected) < 4.5 * error + 1e-12)
    assert error.max() < 0.02


@pytest.mark.parametrize(
    "call",
    [
        lambda: affine([[0, 0]]),
        lambda: affine([[1, 2], [3]]),
        lambda: affine([[1]], [1, 2]),
        lambda: affine(np.array([[0.0, 0.0]])),
        lambda: affine([["x"]]),
        lambda: affine([[1, 2]]) >> affine([[1, 2]]),
        lambda: affine([[1, 2]]) + affine([[1]]),
        lambda: affine([[1]]).propagate([1, 2]),
        lambda: affine([[1]]).scaled(0),
        lambda: affine([[1]]).power(0),
        lambda: pooling([[]], 3),
        lambda: pooling([[5]], 3),
        lambda: convolution([1, 1, 1], 2),
        lambda: KernelWalk({}),
        lambda: KernelWalk.from_taps([0, 0]),
        lambda: KernelWalk.from_taps([[1, 2], [3]]),
        lambda: KernelWalk.from_taps([1]) >> KernelWalk.from_taps([[1]]),
        lambda: KernelWalk.from_taps([1], stride=2) + KernelWalk.still(),
        lambda: KernelWalk.still().power(-1),
        lambda: DeepLimit.of_block([[1]], 1),
        lambda: DeepLimit.of_block([Symbol("a", positive=True), 1], 1).error(10),
        lambda: uniform(0),
        lambda: stacked(1, 1, 3, 4),
    ],
)
def test_impossible_requests_are_refused(call):
    with pytest.raises(LayerAlgebraError):
        call()


def test_errors_are_of_the_right_kind():
    with pytest.raises(DomainError, match="nowhere to go"):
        affine([[1], [0]])
    with pytest.raises(ShapeError, match="does not fit"):
        affine([[1, 2]]) >> affine([[1, 2]])
    with pytest.raises(FieldError, match=r"spread\(\).power"):
        KernelWalk.still().power(Symbol("L"))
    with pytest.raises(UnsupportedError):
        DeepLimit.of_block([[1, 2], [3, 4]], 1)
    assert identity(2).leaks == (0, 0) and pi.is_number
