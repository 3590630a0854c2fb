"""Scaling exponents, decoupling of activations, and the functional dimension of ReLU perceptrons."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import (
    Abs,
    Heaviside,
    Max,
    Min,
    Piecewise,
    Rational,
    Symbol,
    cos,
    erf,
    exp,
    log,
    sign,
    sin,
    sqrt,
    symbols,
    tanh,
)

from layeralgebra.algebra.capacity.allocation.functional_dimension import functional_dimension
from layeralgebra.algebra.capacity.propagation.generating_functions import KernelWalk
from layeralgebra.algebra.capacity.scaling.decoupling import decoupling, named_activation
from layeralgebra.algebra.capacity.scaling.gaussian_integrals import gaussian_mean
from layeralgebra.algebra.capacity.scaling.laws import (
    bias_scaling,
    leading_power,
    memory_scaling,
    propagation_moments,
    residual_scaling,
    scaling_exponent,
    width_scaling,
)
from layeralgebra.algebra.errors import BudgetError, DomainError, FieldError, LayerAlgebraError, UnsupportedError

EPS = Symbol("epsilon", positive=True)
X = Symbol("x", real=True)
HALF = Rational(1, 2)


# Scaling --------------------------------------------------------------------------------------------------------------


def test_residual_blocks_scale_with_the_square_root_of_depth():
    a, b = symbols("a b", positive=True)
    found = residual_scaling([a, b, a], EPS)
    assert (found.exponent, found.verdict, found.deciding) == (HALF, "converges", "variance")
    assert (found.limits["variance"] - 2 * a**2 * found.constant**2).cancel() == 0
    golden = residual_scaling([HALF, Rational(7, 10), HALF], EPS)
    assert golden.limits["variance"].subs(golden.constant, 3) == Rational(9, 2)


@pytest.mark.parametrize(
    ("alpha", "verdict"), [(Rational(1, 4), "shatters"), (HALF, "converges"), (1, "vanishes"), (0, "shatters")]
)
def test_verdicts_agree_with_deep_networks(alpha, verdict):
    """The verdict against the variance of networks of growing depth, run layer by layer in numbers."""
    assert residual_scaling([HALF, Rational(7, 10), HALF], EPS).at(alpha).verdict == verdict
    block = [
        float(depth * KernelWalk.from_taps([0.5, 0.7, 0.5]).residual(3 * depth ** -float(alpha)).variance())
        for depth in (10**4, 10**6)
    ]
    ratio = block[1] / block[0]
    assert verdict == ("shatters" if ratio > 2 else "vanishes" if ratio < 0.5 else "converges")


def test_biases_scale_with_the_square_root_of_depth():
    s, b = symbols("s b", positive=True)
    found = bias_scaling(s, EPS)
    assert (found.exponent, found.deciding) == (HALF, "leak")
    # Weights and biases together: the leak of the whole network is c^2 b^2.
    both = residual_scaling([1, 1], EPS, bias=b)
    assert both.exponent == HALF and (both.limits["leak"] - b**2 * both.constant**2).cancel() == 0


def test_recurrent_networks_scale_with_the_square_root_of_memory():
    found = memory_scaling(EPS)
    assert found.scaling.exponent == HALF
    assert found.share == EPS**2 / (1 + EPS**2) and found.mean_lag == 1 / EPS**2
    # The mean lag of the walk, sampled: geometric with p = 1/5.
    lags = np.random.default_rng(0).geometric(0.2, 200_000) - 1
    assert float(found.mean_lag.subs(EPS, HALF)) == pytest.approx(lags.mean(), abs=4.5 * lags.std() / 200_000**0.5)


def test_xavier_and_he_are_derived():
    n = Symbol("n", integer=True, positive=True)
    assert width_scaling(n).variance == 1 / n and width_scaling(n).scaling.exponent == HALF
    energy = gaussian_mean(Max(0, X) ** 2, X)
    assert width_scaling(n, energy).variance == 2 / n
    # Depth 40, width 300, weights of that variance: the signal keeps its size; of half, it does not.
    draw = np.random.default_rng(1)
    for factor, low, high in ((2.0, 0.2, 5.0), (1.0, 0.0, 1e-9)):
        signal = draw.standard_normal(300)
        start = (signal**2).mean()
        for _ in range(40):
            signal = np.maximum(0, draw.standard_normal((300, 300)) @ signal * (factor / 300) ** 0.5)
        assert low <= (signal**2).mean() / start <= high


def test_other_generators_have_other_exponents():
    c = Symbol("c", positive=True)
    assert scaling_exponent({"variance": EPS**3 / (1 + EPS)}, EPS).exponent == Rational(1, 3)
    assert scaling_exponent({"variance": c * sqrt(EPS)}, EPS).exponent == 2
    found = scaling_exponent({"drift": EPS, "variance": EPS**2}, EPS)
    assert (found.exponent, found.deciding, found.limits["variance"]) == (1, "drift", 0)
    assert found.at(HALF).deciding == "drift" and found.at(HALF).orders["variance"] == 0
    # The name of the constant does not clash with a symbol of the moments.
    assert scaling_exponent({"variance": c * EPS**2}, EPS).constant != c


def test_blocks_without_an_exponent():
    a = Symbol("a", positive=True)
    z = Symbol("z", positive=True)
    plain = KernelWalk.from_taps([EPS * a, EPS * a])  # no identity beside it: normalisation undoes the amplitude
    found = scaling_exponent(propagation_moments(plain.generating_function(z), z), EPS)
    assert (found.exponent, found.verdict) == (None, "shatters")
    assert found.at(100).verdict == "shatters"
    still = scaling_exponent({"variance": EPS * 0}, EPS)
    assert (still.exponent, still.verdict) == (None, "vanishes")


@given(st.integers(1, 9), st.integers(0, 4), st.integers(1, 4), st.integers(1, 9), st.integers(1, 9))
def test_leading_power_against_small_numbers(factor, low, step, first, second):
    expression = factor * EPS**low * (first + EPS**step) / (second + EPS)
    coefficient, power = leading_power(expression, EPS)
    assert (coefficient, power) == (Rational(factor * first, second), low)
    tiny = 1e-9
    assert float(expression.subs(EPS, tiny)) == pytest.approx(float(coefficient) * tiny ** int(power), rel=1e-6)


# Decoupling -----------------------------------------------------------------------------------------------------------


def measured(function, samples=480_000):
    """D(f) from the definition, by quadrature on a grid of step 1/20000 that has the kinks among its points."""
    grid = np.linspace(-12, 12, samples + 1)
    middle = (grid[1:] + grid[:-1]) / 2
    slope = np.diff(function(grid)) / np.diff(grid)
    density = np.exp(-(middle**2) / 2) / (2 * np.pi) ** 0.5 * np.diff(grid)
    return 1 - (slope * density).sum() ** 2 / (slope**2 * density).sum()


def erf_array(values):
    from math import erf as scalar

    return np.array([scalar(value) for value in values])


ACTIVATIONS = {
    "identity": (lambda v: v, 0),
    "relu": (lambda v: np.maximum(v, 0), HALF),
    "abs": (np.abs, 1),
    "erf": (erf_array, 1 - sqrt(5) / 3),
    "sin": (np.sin, 1 - 1 / ((exp(1) + exp(-1)) / 2)),
    "tanh": (np.tanh, None),
    "sigmoid": (lambda v: 1 / (1 + np.exp(-v)), None),
    "softplus": (lambda v: np.log1p(np.exp(v)), None),
    "gelu": (lambda v: v * (1 + erf_array(v / 2**0.5)) / 2, None),
    "silu": (lambda v: v / (1 + np.exp(-v)), None),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_decoupling_of_common_activations(name):
    function, closed = ACTIVATIONS[name]
    found = decoupling(*named_activation(name))
    assert float(found.value) == pytest.approx(measured(function), abs=1e-6)
    if closed is not None:
        assert found.value.equals(closed) and found.error == 0
    else:
        assert 0 < found.error < 1e-9


def test_leaky_relu_with_a_symbolic_slope():
    a = Symbol("a", positive=True)
    expected = (1 - a) ** 2 / (2 * (1 + a**2))
    for written in (
        Max(0, X) + a * Min(0, X),
        Piecewise((X, X > 0), (a * X, True)),
        X * Heaviside(X) + a * X * Heaviside(-X),
    ):
        assert (decoupling(written, X).value - expected).cancel() == 0
    assert float(decoupling(*named_activation("leaky_relu", Rational(1, 10))).value) == pytest.approx(
        measured(lambda v: np.where(v > 0, v, v / 10)), abs=1e-6
    )


def test_a_wave_decouples_completely_as_its_frequency_grows():
    w = Symbol("omega", positive=True)
    value = decoupling(sin(w * X), X).value
    assert float(value.subs(w, 3)) == pytest.approx(measured(lambda v: np.sin(3 * v)), abs=1e-6)
    assert float(value.subs(w, 5)) == pytest.approx(1, abs=1e-9)
    assert (value - (1 - 2 / (exp(w**2) + exp(-(w**2))))).subs(w, 2).evalf() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("written", "function"),
    [
        (Max(0, X - 1), lambda v: np.maximum(0, v - 1)),
        (Min(1, Max(-1, X)), lambda v: np.clip(v, -1, 1)),
        (X**3 - X, lambda v: v**3 - v),
        (Abs(X - HALF) + X, lambda v: np.abs(v - 0.5) + v),
        (X * exp(-(X**2)), lambda v: v * np.exp(-(v**2))),
        (cos(2 * X + 1), lambda v: np.cos(2 * v + 1)),
        (Max(0, X) ** 2, lambda v: np.maximum(0, v) ** 2),
        (X * tanh(log(1 + exp(X))), lambda v: v * np.tanh(np.log1p(np.exp(v)))),
        (Max(0, X) * exp(-X), lambda v: np.maximum(0, v) * np.exp(-v)),
    ],
)
def test_decoupling_of_other_activations(written, function):
    assert float(decoupling(written, X).value) == pytest.approx(measured(function), abs=1e-6)


def test_decoupling_is_between_zero_and_one_and_scale_free():
    for name in ACTIVATIONS:
        expression, variable = named_activation(name)
        value = float(decoupling(expression, variable).value)
        assert -1e-12 <= value <= 1
        assert float(decoupling(3 * expression + 2, variable).value) == pytest.approx(value, abs=1e-9)


def test_without_ball_arithmetic_the_error_is_an_estimate(monkeypatch):
    from layeralgebra.algebra.capacity.scaling import decoupling as module

    pytest.importorskip("flint")
    exact = decoupling(tanh(X), X)
    assert exact.bounded and exact.how == "ball arithmetic"

    def absent(*_):
        raise ImportError

    monkeypatch.setattr(module, "_rigorous", absent)
    estimated = decoupling(tanh(X), X)
    assert not estimated.bounded and float(abs(exact.value - estimated.value)) < 1e-12


def test_what_has_no_decoupling():
    with pytest.raises(DomainError, match="jumps"):
        decoupling(sign(X), X)
    with pytest.raises(DomainError, match="constant"):
        decoupling(X * 0 + 3, X)
    with pytest.raises(UnsupportedError, match="give them values"):
        decoupling(tanh(Symbol("a", positive=True) * X), X)
    with pytest.raises(FieldError, match="real symbol"):
        decoupling(Symbol("y") ** 2, Symbol("y"))
    with pytest.raises(FieldError, match="no activation"):
        named_activation("nothing")
    with pytest.raises(UnsupportedError):
        gaussian_mean(exp(X**2), X)
    with pytest.raises(UnsupportedError):
        gaussian_mean(Abs(sin(X)), X)


def test_gaussian_means_by_quadrature():
    grid = np.linspace(-14, 14, 400_001)
    density = np.exp(-(grid**2) / 2) / (2 * np.pi) ** 0.5 * (grid[1] - grid[0])
    for written, function in (
        (X**6, lambda v: v**6),
        (Max(1, X) ** 3, lambda v: np.maximum(1, v) ** 3),
        (X**2 * cos(X), lambda v: v**2 * np.cos(v)),
        (exp(X / 2 - X**2 / 4) * Abs(X), lambda v: np.exp(v / 2 - v**2 / 4) * np.abs(v)),
    ):
        assert float(gaussian_mean(written, X)) == pytest.approx((function(grid) * density).sum(), rel=1e-7)
    assert gaussian_mean(erf(X) * 0 + 1, X) == 1


# Functional dimension -------------------------------------------------------------------------------------------------


def numeric_dimension(widths, seed):
    """The rank of the Jacobian in floating point, by finite differences of the forward pass."""
    draw = np.random.default_rng(seed)
    shapes = list(zip(widths, widths[1:], strict=False))
    theta = np.concatenate([draw.standard_normal(a * b + b) for a, b in shapes])
    points = draw.standard_normal((40 * len(theta), widths[0])) * 3

    def run(flat):
        values, start = points, 0
        for place, (a, b) in enumerate(shapes):
            weights = flat[start : start + a * b].reshape(b, a)
            values = values @ weights.T + flat[start + a * b : start + a * b + b]
            start += a * b + b
            if place < len(shapes) - 1:
                values = np.maximum(values, 0)
        return values.ravel()

    step = 1e-6
    columns = [(run(theta + step * unit) - run(theta - step * unit)) / (2 * step) for unit in np.eye(len(theta))]
    values = np.linalg.svd(np.array(columns), compute_uv=False)
    return int((values > 1e-5 * values[0]).sum())


@pytest.mark.parametrize("widths", [(2, 3, 1), (1, 4, 1), (3, 2, 2), (2, 4, 1), (4, 3, 2)])
def test_functional_dimension_of_shallow_perceptrons(widths):
    found = functional_dimension(widths)
    parameters = sum(a * b + b for a, b in zip(widths, widths[1:], strict=False))
    assert found.proved and found.kind == "exact"
    assert found.lower == found.upper == parameters - sum(widths[1:-1])
    # Random parameters reach it, if none of the units is dead.
    assert max(numeric_dimension(widths, seed) for seed in range(4)) == found.lower


def test_functional_dimension_golden():
    assert functional_dimension((2, 3, 1)).lower == 10


@given(st.lists(st.integers(1, 5), min_size=2, max_size=5), st.booleans(), st.integers(0, 100))
def test_functional_dimension_never_passes_its_bound(widths, bias, seed):
    found = functional_dimension(widths, bias=bias, seed=seed, trials=2)
    assert 0 <= found.lower <= found.upper == found.parameters - found.hidden
    assert found.kind in ("exact", "lower")


def test_deep_perceptrons_attain_it_as_well():
    for widths in ((3, 5, 4, 2), (4, 8, 8, 1), (2, 4, 4, 4, 1)):
        assert functional_dimension(widths).proved


@pytest.mark.parametrize(
    "call",
    [
        lambda: functional_dimension([3]),
        lambda: functional_dimension([3, 0, 1]),
        lambda: functional_dimension([100, 100, 1]),
        lambda: scaling_exponent({}, EPS),
        lambda: scaling_exponent({"variance": EPS}, 3),
        lambda: scaling_exponent({"variance": log(EPS)}, EPS),
        lambda: scaling_exponent({"variance": EPS ** Symbol("beta", positive=True)}, EPS),
    ],
)
def test_impossible_requests_are_refused(call):
    with pytest.raises(LayerAlgebraError):
        call()


def test_the_limit_of_an_exact_rank_is_named():
    with pytest.raises(BudgetError, match="3000"):
        functional_dimension([100, 100, 1])
