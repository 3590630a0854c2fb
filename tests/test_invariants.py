"""What is told of networks for all weights holds with drawn ones, and networks that no map makes equal are told apart."""

from __future__ import annotations

import math

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

import layeralgebra as la
from layeralgebra.algebra.errors import LayerAlgebraError
from layeralgebra.algebra.numerics.weights import inventory
from layeralgebra.proofs.samples.strategies import networks
from layeralgebra.proofs.saturation.equality import _drawn
from layeralgebra.proofs.saturation.invariants import apart, tells

CONV, POINT = la.Conv(3, 3, padding=1), la.Conv(3, 1)


@given(networks(most=4), st.integers(0, 10**6))
def test_what_is_told_holds(sample, seed):
    net, on = sample
    told, generator = tells(net, on), numpy.random.default_rng(seed)
    weights = _drawn(inventory(net, [on]).slots, generator)
    x, along = (generator.integers(-3, 4, on) for _ in range(2))
    try:
        with numpy.errstate(all="ignore"):
            values = [numpy.asarray(la.run(net, x + k * along, weights), float) for k in range((told.degree or 0) + 2)]
    except LayerAlgebraError:  # opaque, or a word outside a vocabulary
        return
    known = [value[numpy.isfinite(value)] for value in values]
    room = 1e-6 * (1 + max(abs(value).max(initial=0) for value in known))
    assert all((value >= told.low - room).all() and (value <= told.high + room).all() for value in known)
    if told.degree is not None and all(numpy.isfinite(value).all() for value in values):
        count = told.degree + 1
        terms = [(-1) ** k * math.comb(count, k) * value for k, value in enumerate(values)]
        size = max(abs(term).max(initial=0) for term in terms)
        assert abs(sum(terms)).max(initial=0) <= 1e-6 * (1 + size)


def test_bounds_hold_far_away():
    for net in (la.Tanh() >> POINT, la.Sigmoid() + la.ReLU6(), la.Tanh() * la.Sigmoid() >> la.BatchNorm()):
        assert tells(net, (3, 4, 4)).bounded
    for net in (POINT, la.ReLU(), la.Abs() >> POINT, la.Tanh() + la.Identity(), la.Tanh() * CONV):
        assert not tells(net, (3, 4, 4)).bounded


APART = {
    "bounds": (CONV, la.Tanh()),
    "no weights": (POINT, la.Abs() + la.Identity()),
    "degree": (POINT >> la.Tanh(), POINT >> CONV),
    "degree of a product": (POINT * POINT * POINT, POINT * CONV),
    "growth": (POINT >> la.BatchNorm(), CONV >> la.Tanh() >> la.BatchNorm()),
    "what is forgotten": (POINT, la.Abs() >> CONV),
}


@pytest.mark.parametrize("reason", APART)
def test_no_map_makes_them_equal(reason):
    pytest.importorskip("egglog")
    f, g = APART[reason]
    for meaning in ("function", "class"):
        found = la.equal(f, g, on=(3, 5, 4), meaning=meaning)
        assert found.verdict == "different" and found.map == "whatever the weights of the second"
        assert found.witness.why and found.witness.outputs[1] is None
        given_weights, x = found.witness.weights[0], found.witness.x
        assert numpy.allclose(la.run(f, x, given_weights).astype(float), found.witness.outputs[0].astype(float))


@pytest.mark.parametrize(
    ("f", "g"),
    [
        (POINT, CONV),
        (la.Conv(3, 1, bias=False), POINT),
        (POINT >> la.ReLU(), CONV >> la.ReLU()),
        (la.Identity(), CONV),
        (la.ReLU(), la.ReLU() >> POINT),
        (la.Tanh(), la.Tanh() >> la.BatchNorm()),
        (la.Abs() >> POINT, la.Abs() >> CONV),
    ],
)
def test_what_a_map_could_make_equal_is_not_called_different(f, g):
    shape = (3, 5, 4)
    for trial in range(6):
        generator = numpy.random.default_rng(trial)
        weights = _drawn(inventory(f, [shape]).slots, generator)
        assert apart(f, g, shape, weights, generator.integers(-3, 4, shape), generator) is None
