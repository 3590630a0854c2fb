"""Capacity propagation and scaling exponents of random branches against Monte Carlo."""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Rational, Symbol, sqrt

import layeralgebra as la
from layeralgebra import Abs, Conv, Identity, ReLU
from layeralgebra.algebra.networks.joins import Join
from oracles.random_branches import energies, shares, variance

FULL = os.environ.get("LAYERALGEBRA_PROFILE") == "full"


class Weighed(Join):
    """A sum with coefficients 2, -1, 1/2."""

    def coefficients(self, count):
        return (Rational(2), Rational(-1), Rational(1, 2))[:count]


def convolution(taps):
    return Conv(1, len(taps), padding=(len(taps) - 1) // 2, bias=False)


def as_network(tree):
    """The network that a tree describes, and its kernels by name: roots of the variances."""
    kind = tree[0]
    if kind == "identity":
        return Identity(), {}
    if kind == "conv":
        return convolution(tree[1]), {"W": [[[[sqrt(Rational(v)) for v in tree[1]]]]]}
    if kind in ("relu", "abs"):
        return (ReLU() if kind == "relu" else Abs()), {}
    parts = tree[1] if kind == "series" else [part for _, part in tree[1]]
    made, taps = [], {}
    for place, part in enumerate(parts):
        net, own = as_network(part)
        made.append(net)
        taps |= {f"{place}.{name}": value for name, value in own.items()}
    if kind == "series":
        return la.Series(*made), taps
    return (la.Add if all(c == 1 for c, _ in tree[1]) else Weighed)(*made), taps


VARIANCES = st.fractions(min_value=Rational(1, 9), max_value=3, max_denominator=9).map(str)
CONVOLUTION = st.one_of(st.lists(VARIANCES, min_size=3, max_size=3), st.lists(VARIANCES, min_size=1, max_size=1)).map(
    lambda taps: ("conv", [Rational(v) for v in taps])
)


@st.composite
def branches(draw, depth=1):
    """Convolutions with activations between them, and perhaps a sum inside."""
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        parts.append(draw(CONVOLUTION))
        choice = draw(st.sampled_from(["none", "relu", "abs", "sum" if depth else "none"]))
        if choice in ("relu", "abs"):
            parts.append((choice,))
        elif choice == "sum":
            parts.append(("sum", [(1, ("identity",)), (1, draw(branches(0)))]))
    return ("series", parts) if len(parts) > 1 else parts[0]


def numbers(tree):
    if tree[0] == "conv":
        return ("conv", [float(v) for v in tree[1]])
    if tree[0] == "series":
        return ("series", [numbers(part) for part in tree[1]])
    if tree[0] == "sum":
        return ("sum", [(float(c), numbers(part)) for c, part in tree[1]])
    return tree


@given(st.lists(branches(), min_size=1, max_size=2), st.booleans(), st.booleans(), st.integers(0, 10**6))
def test_a_sum_of_branches_is_a_mixture_by_second_moments(found, identity, weighed, seed):
    terms = ([("identity",)] if identity or len(found) == 1 else []) + found
    tree = (
        "sum",
        [(c, part) for c, part in zip((2, -1, Rational(1, 2)) if weighed else (1, 1, 1), terms, strict=False)],
    )
    net, taps = as_network(tree)
    walk = la.capacity_propagation(net, on=(1, 99), taps=taps).walk
    measured, errors = shares(energies(numbers(tree), seed, networks=600 if FULL else 120))
    reach = (len(measured) - 1) // 2
    predicted = np.array([float(walk.shares.get((offset,), 0)) for offset in range(-reach, reach + 1)])
    # Eight channels are not infinitely many: squares of sums deviate from their mean by some percent.
    assert np.abs(measured - predicted).max() < 0.02 + 6 * errors.max()


@given(st.lists(branches(), min_size=1, max_size=2), st.integers(0, 10**6))
def test_matrices_and_walks_weigh_branches_alike(found, seed):
    """The same network at given weights of one channel: rows away from the margins are the shares of the walk."""
    tree = ("sum", [(1, ("identity",)), *((1, part) for part in found)])
    net, taps = as_network(tree)
    shape = (1, 41)
    at = {
        name: np.array(v, dtype=object).reshape(np.shape(la.weights(net, on=shape)[name])) for name, v in taps.items()
    }
    at = {name: array.astype(float) for name, array in at.items()}
    row = la.capacity_propagation(net, at, on=shape).transition.dense()[20]
    walk = la.capacity_propagation(net, on=shape, taps=taps).walk
    for offset in range(-12, 13):
        assert row[20 + offset] == pytest.approx(float(walk.shares.get((offset,), 0)), abs=1e-9)


def test_a_faint_branch_moves_next_to_nothing():
    net = Conv(1, 1, bias=False) + (Conv(1, 1, bias=False) >> Conv(1, 3, padding=1, bias=False))
    kernel = [Rational(1, 2), Rational(7, 10), Rational(1, 2)]
    taps = {"0.W": [[[[1]]]], "1.0.W": [[[[Rational(1, 1000)]]]], "1.1.W": [[[kernel]]]}
    walk = la.capacity_propagation(net, on=(1, 9), taps=taps).walk
    moved = 1 - walk.shares[(0,)]
    assert moved == Rational(1, 2) / 10**6 / (1 + Rational(99, 100) / 10**6)
    at = {name: np.array(v, dtype=object).reshape(la.weights(net, on=(1, 9))[name].shape) for name, v in taps.items()}
    row = la.capacity_propagation(net, at, on=(1, 9)).matrix.row(4)
    assert 1 - row[4] == moved


# Scaling --------------------------------------------------------------------------------------------------------------

THREE = ("conv", [1 / 3, 1 / 3, 1 / 3])
BLOCKS = {
    "one": ([THREE], Rational(1, 2)),
    "two": ([("series", [THREE, ("relu",), THREE])], Rational(1, 4)),
    "three": ([("series", [THREE, ("relu",), THREE, ("relu",), THREE])], Rational(1, 6)),
    "one and two": ([THREE, ("series", [THREE, ("relu",), THREE])], Rational(1, 2)),
    "nested": ([("series", [("sum", [(1, ("identity",)), (1, THREE)]), ("relu",), THREE])], Rational(1, 2)),
    "parallel inside": ([("series", [("sum", [(1, THREE), (1, THREE)]), THREE])], Rational(1, 4)),
}


def scaled(tree, factor):
    """All variances times a factor."""
    if tree[0] == "conv":
        return ("conv", [v * factor for v in tree[1]])
    if tree[0] == "series":
        return ("series", [scaled(part, factor) for part in tree[1]])
    if tree[0] == "sum":
        return ("sum", [(c, scaled(part, factor)) for c, part in tree[1]])
    return tree


@pytest.mark.parametrize("name", BLOCKS)
def test_exponents_against_deep_random_networks(name):
    found, exponent = BLOCKS[name]
    block = ("sum", [(1, ("identity",)), *((1, part) for part in found)])
    net, _ = as_network(block)
    derived = la.scaling_exponent(net, on=(1, 99))
    assert (derived.exponent, derived.verdict) == (exponent, "converges")
    limit = float(derived.limits["variance"].subs(derived.scaling.constant, 1))
    for alpha, wanted in ((float(exponent), "converges"), (2 * float(exponent), "vanishes")):
        assert la.scaling_exponent(net, Rational(alpha).limit_denominator(100), on=(1, 99)).verdict == wanted
        measured = []
        for depth in (10, 100, 400) if FULL else (10, 40):
            deep = ("series", [scaled(block, depth ** (-2 * alpha))] * depth)
            value, error = variance(energies(deep, depth, channels=6, networks=60 if FULL else 25))
            measured.append(value)
            if wanted == "converges":
                assert abs(value - limit) < 0.25 * limit + 5 * error
        if wanted == "vanishes":
            assert measured[-1] < 0.5 * measured[0]


def degree(tree):
    """The power of the amplitude with which a branch goes: convolutions in a row add up, of a sum the least decides."""
    if tree[0] == "sum":
        return min(degree(part) for _, part in tree[1])
    if tree[0] == "series":
        return sum(degree(part) for part in tree[1])
    return int(tree[0] == "conv")


@settings(max_examples=settings().max_examples if FULL else 6)
@given(st.lists(branches(), min_size=1, max_size=3))
def test_the_branch_of_least_degree_decides(found):
    net, taps = as_network(("sum", [(1, ("identity",)), *((1, part) for part in found)]))
    derived = la.scaling_exponent(net, on=(1, 99), taps=taps)
    assert derived.exponent == Rational(1, 2 * min(map(degree, found))) and derived.verdict == "converges"


def test_which_weights_are_scaled():
    same = Conv(1, 3, padding=1, bias=False)
    block = Identity() + (same >> ReLU() >> same)
    everything = la.scaling_exponent(block, on=(1, 32))
    assert (everything.exponent, everything.scaled) == (Rational(1, 4), ("1.0.W", "1.2.W"))
    assert la.scaling_exponent(block, Rational(1, 2), on=(1, 32)).verdict == "vanishes"
    for choice, names in (("last", ("1.2.W",)), ("first", ("1.0.W",)), ("1.0", ("1.0.W",)), (["1.2.W"], ("1.2.W",))):
        found = la.scaling_exponent(block, on=(1, 32), scaled=choice)
        assert (found.exponent, found.scaled) == (Rational(1, 2), names)
    for depth in range(1, 5):
        deep = Identity() + la.Series(*[part for _ in range(depth) for part in (same, ReLU())])
        assert la.scaling_exponent(deep, on=(1, 32)).exponent == Rational(1, 2 * depth)
        assert la.scaling_exponent(Identity() + same**depth, on=(1, 32)).exponent == Rational(1, 2 * depth)
    biased = Identity() + (Conv(1, 3, padding=1) >> ReLU() >> Conv(1, 3, padding=1))
    assert la.scaling_exponent(biased, on=(1, 32)).exponent == Rational(1, 4)
    # A bias of its own size, not relative to what arrives, is brought by the last layer alone.
    taps = {"1.2.W": [[[[1, 1, 1]]]], "1.2.b": [[1]]}
    own = la.scaling_exponent(biased, on=(1, 32), taps=taps)
    assert (own.exponent, own.deciding) == (Rational(1, 2), "leak")
    with pytest.raises(la.FieldError, match="1.0.W, 1.2.W"):
        la.scaling_exponent(block, on=(1, 32), scaled="middle")


def test_blocks_that_have_laws_of_their_own_are_refused():
    same = Conv(2, 3, padding=1)
    for block, on, reason in (
        (la.Concat(Identity(), same), (2, 9), "concatenates its input"),
        (same >> la.AvgPool(3, stride=1, padding=1), (2, 9), "law of its own"),
        (same >> la.MaxPool(3, stride=1, padding=1), (2, 9), "law of its own"),
        (la.LSTM(3), (9, 2), "gates"),
        (la.GRU(3), (9, 2), "gates"),
        (Identity() + (same >> la.MaxPool(3, stride=1, padding=1)), (2, 9), "largest in a window"),
        (Identity() + (same >> ReLU() >> la.AvgPool(3, stride=1, padding=1)), (2, 9), "mean is not zero"),
        (Identity() + (same >> la.BatchNorm() >> ReLU() >> same), (2, 9), "running statistics"),
        (Identity() + (same >> la.LayerNorm()), (2, 9), "not linear"),
        (Identity() + ReLU(), (2, 9), "learn nothing"),
        (same * same, (2, 9), "joined"),
    ):
        with pytest.raises(la.UnsupportedError, match=reason):
            la.scaling_exponent(block, on=on)
    normed = Identity() + (same >> la.BatchNorm() >> ReLU() >> Conv(2, 3, padding=1))
    assert la.scaling_exponent(normed, on=(2, 9), scaled="last").exponent == Rational(1, 2)


def test_sums_that_are_no_mixture_are_refused():
    same = Conv(2, 3, padding=1, bias=False)
    shared = same.shared("f")
    for net, reason in (
        (Identity() + ReLU(), "learn nothing"),
        (shared + (shared >> shared), "same weights"),
        (same + (same >> la.MaxPool(3, stride=1, padding=1)), "not known"),
        (same * same, "product of branches"),
    ):
        for at in (None, 0):
            with pytest.raises(la.UnsupportedError, match=reason):
                la.capacity_propagation(net, at, on=(2, 9))
    # Twice the same is the same, and counts with the square of two.
    double = la.capacity_propagation(la.Add(Identity(), Identity(), same), on=(2, 9)).walk
    assert double.shares[(0,)] == Rational(4, 5) + Rational(1, 15)
    with pytest.raises(la.DomainError, match="cancel"):
        la.capacity_propagation(Difference(Identity(), Identity()), on=(2, 9))


class Difference(Join):
    """The first less the second."""

    def coefficients(self, count):
        return (Rational(1), Rational(-1))


def test_the_deep_limit_of_a_branch_of_two_layers():
    same = Conv(1, 3, padding=1, bias=False)
    one = la.capacity_deep_limit(Identity() + same, 3, on=(1, 32), taps={"1.W": [[[[1, 2, 1]]]]})
    taps = {"1.0.W": [[[[1, 2, 1]]]], "1.2.W": [[[[1, 1, 1]]]]}
    two = la.capacity_deep_limit(Identity() + (same >> ReLU() >> same), 3, on=(1, 32), taps=taps)
    assert (one.rate, two.rate) == (54, 9 * 6 * Rational(1, 2) * 3)


def test_positions_that_become_features_and_windows_that_move_in_steps():
    flat = la.capacity_propagation(Conv(1, 3, padding=1) >> la.Flatten() >> la.Linear(1), on=(1, 9))
    assert (flat.mean, flat.variance) == ((4,), (Rational(20, 3) + Rational(2, 3),))
    for output, size in ((7, 7), (7, 14), (3, 6)):
        adaptive = la.capacity_propagation(la.AdaptiveAvgPool(output), on=(1, size))
        plain = la.capacity_propagation(la.AvgPool(size // output), on=(1, size))
        assert (adaptive.variance, adaptive.jump) == (plain.variance, plain.jump)
    with pytest.raises(la.UnsupportedError, match="other inputs at every place"):
        la.capacity_propagation(la.AdaptiveAvgPool(3), on=(1, 7))
    for layer in (la.ConvTranspose(1, 3, stride=2), la.Upsample(2)):
        with pytest.raises(la.UnsupportedError, match="rearranges positions"):
            la.capacity_propagation(layer, on=(1, 7))


def test_copies_are_what_is_written_out():
    bare, biased = Conv(1, 3, padding=1, bias=False), Conv(1, 3, padding=1)
    depth = la.dims("m")
    options = {"on": (1, 9), "bias": Rational(1, 3)}
    for body in (bare, bare >> ReLU(), ReLU() >> biased, bare >> Abs(), biased >> ReLU()):
        for times in (1, 2, 3):
            written = Identity() + la.Series(*[body] * times)
            one, other = (la.capacity_propagation(net, **options) for net in (Identity() + body**times, written))
            assert (one.walk, one.variance, one.mass) == (other.walk, other.variance, other.mass)
            first, second = (la.scaling_exponent(net, on=(1, 9)) for net in (Identity() + body**times, written))
            assert (first.exponent, first.limits) == (second.exponent, second.limits)
            symbolic = la.capacity_propagation(Identity() + body**depth, **options)
            assert (symbolic.variance[0].subs(depth, times) - other.variance[0]).simplify() == 0
            assert la.scaling_exponent(Identity() + body**depth, on=(1, 9)).exponent == 1 / (2 * depth)
    with pytest.raises(la.UnsupportedError, match="give the branch a depth"):
        la.scaling_exponent(Identity() + bare**depth, Rational(1, 2), on=(1, 9))


def test_stacks_whose_layers_differ_keep_mean_and_mass():
    depth, layer = la.dims("m"), Symbol("l", integer=True, nonnegative=True)

    def stack(times):
        net = la.Repeat(Conv(1, 2, dilation=2**layer, padding="causal"), times, layer)
        return la.capacity_propagation(net, on=(1, 99), bias=Rational(1, 2))

    symbolic = stack(depth)
    for times in (1, 2, 4):
        one = stack(times)
        for part, other in ((symbolic.mean, one.mean), (symbolic.variance, one.variance)):
            assert part[0].doit().subs(depth, times) == other[0]
        assert symbolic.mass.subs(depth, times) == one.mass == Rational(2, 3) ** times
    pools = la.Repeat(la.AvgPool(2 * layer + 1, stride=1, padding=layer), depth, layer)
    with pytest.raises(la.UnsupportedError, match="from one to the next"):
        la.capacity_propagation(Identity() + (Conv(1, 1) >> pools), on=(1, 99))


def test_arguments_that_are_impossible():
    block = Identity() + Conv(1, 3, padding=1, bias=False)
    on = (1, 9)
    for call, words in (
        (lambda: la.scaling_exponent(block, "x", on=on), "real number"),
        (lambda: la.scaling_exponent(block, on=on, taps={"9.W": [[[[1, 2, 1]]]]}), "there are 1.W"),
        (lambda: la.scaling_exponent(block, on=on, axis=3), "no axis 3"),
        (lambda: la.scaling_exponent(block, on=on, bias=-1), "at least 0"),
        (lambda: la.capacity_deep_limit(block, 1, on=on, taps={"9.W": [1]}), "there are 1.W"),
        (lambda: la.capacity_deep_limit(block, "c", on=on), "constant of a deep limit"),
        (lambda: la.capacity_propagation(block, on=on, bias="z"), "squared bias"),
        (lambda: la.capacity_propagation(block, on=on, taps=[1]), "mapping of names"),
        (lambda: la.functional_dimension([2, 3, 1], samples=-1), "samples"),
        (lambda: la.functional_dimension(3), "list of integers"),
        (lambda: la.linear_predictor(3), "takes a layer or a network"),
        (lambda: la.linear_predictor(block, -1, on=on), "la.linear_predictor"),
        (lambda: la.capacity_allocation(block, 3, on=on), "partition"),
        (lambda: la.capacity_allocation(block, covariance="x", on=on), "covariance"),
        (lambda: la.capacity_allocation(block, tolerance="x", on=on), "tolerance"),
        (lambda: la.capacity_allocation(block, around="x", on=on), "around"),
    ):
        with pytest.raises(la.FieldError, match=words):
            call()
    assert la.activation_decoupling(ReLU() >> ReLU()).value == Rational(1, 2)
