"""Degrees in the weights against exact differences: scaled weights near one stay in a region, where a polynomial is what it is."""

from __future__ import annotations

from fractions import Fraction
from math import comb
from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import layeralgebra as la

WIDTH = 3


def drawn(random: Random, depth: int) -> la.Network:
    """A small network that keeps its width, of layers with and without weights, sums, copies and shared weights."""
    leaves = [la.Linear(WIDTH), la.Linear(WIDTH, bias=False), la.ReLU(), la.PReLU(), la.LeakyReLU(), la.Hardtanh()]
    kind = random.randrange(5) if depth else 0
    if kind == 0:
        return random.choice(leaves)
    if kind == 1:
        return drawn(random, depth - 1) + drawn(random, depth - 1)
    if kind == 2:
        return drawn(random, depth - 1) ** random.choice([2, 3])
    if kind == 3:
        body = drawn(random, depth - 1).shared(f"again{random.randrange(10**9)}")
        return body >> la.ReLU() >> body
    return drawn(random, depth - 1) >> drawn(random, depth - 1)


def difference(net: la.Network, seed: int, order: int) -> list[Fraction]:
    """The difference of this order of the outputs along weights scaled by 1, 1 + h, 1 + 2 h, ..."""
    random = Random(seed)

    def number() -> Fraction:
        return Fraction(random.randint(-(10**6), 10**6) | 1, 10**6)

    weights = {
        name: np.array([number() for _ in range(value.size)], dtype=object).reshape(value.shape)
        for name, value in la.weights(net, on=(WIDTH,)).items()
    }
    x = [number() for _ in range(WIDTH)]
    total = [Fraction(0)] * WIDTH
    for step in range(order + 1):
        scale = 1 + Fraction(step, 10**20)
        found = la.run(net, x, {name: value * scale for name, value in weights.items()})
        sign = (-1) ** (order - step) * comb(order, step)
        total = [before + sign * Fraction(value) for before, value in zip(total, found)]
    return total


def claimed(net: la.Network) -> int:
    return int(la.vc_dimension.evaluate(net, on=(WIDTH,)).value.degree.at_input())


@given(st.integers(0, 10**6))
def test_no_degree_is_above_the_claimed_one(seed: int) -> None:
    net = drawn(Random(seed), 3)
    degree = claimed(net)
    if degree <= 24:
        assert not any(difference(net, seed, degree + 1)), (net, degree)


def test_the_differences_tell_the_degree() -> None:
    for net, degree in ((la.Linear(3) ** 4, 4), (la.Linear(3) >> la.PReLU() >> la.Linear(3), 3), (la.Identity(), 0)):
        assert claimed(net) == degree
        assert any(any(difference(net, seed, degree)) for seed in range(8)) and not any(difference(net, 1, degree + 1))


class Recurrent(la.Layer):
    """States of ReLUs: each turn has one learned factor more than the one before."""

    equation = """
        h[t, k] = relu(W[k, c] * x[t, c] + U[k, j] * h[t-1, j] + b[k])
        where k < 2
    """


def test_a_recurrence_adds_its_degree_at_each_turn() -> None:
    found = la.vc_dimension.evaluate(Recurrent(), on=(4, 3)).value
    assert [level[2].at_input() for level in found.levels] == [1, 2, 3, 4] and found.degree.at_input() == 4
