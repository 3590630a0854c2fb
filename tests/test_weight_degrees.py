"""Degrees in the weights against exact differences: scaled weights near one stay in a region, where a polynomial is what it is."""

from __future__ import annotations

from fractions import Fraction
from math import comb
from random import Random
from typing import Any

import numpy as np
import pytest
from conftest import PROFILE
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable

import layeralgebra as la
from layeralgebra.algebra.errors import LayerAlgebraError, UnsupportedError
from layeralgebra.algebra.regions.weight_degrees import Degree
from layeralgebra.proofs.enumeration import Impossible, Undefined
from layeralgebra.proofs.samples.counted_regions import Written
from layeralgebra.proofs.samples.structural import Inapplicable
from oracles.polynomials import NoPolynomial, Polynomial

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


# polynomials in a common factor of all weights -----------------------------------------------------------------------

SHAPE = (2, 4)
L = la.dims("L")
#: What has no polynomial value, or none at all.
NONE = (NoPolynomial, Inapplicable, Undefined, Impossible, OverflowError, ZeroDivisionError)


def enumerated(net: la.Network, shapes: tuple[tuple[int, ...], ...], seed: int) -> int:
    """The degree of what leaves, from what the equations mean, at weights in general position."""
    random, made = Random(seed), Written(net, shapes)

    def number() -> int:
        return random.choice((-1, 1)) * random.randint(1, 10**6)

    weights = {}
    for key, slot in made.slots.items():
        weights[key] = array = np.empty(slot.shape, dtype=object)
        for at in np.ndindex(*slot.shape):
            value = number()
            array[at] = (
                Polynomial(value, value) if slot.learned and slot.rows is None else abs(value) % 4 + (slot.rows is None)
            )
            if slot.rows is not None:
                array[at] = random.randrange(slot.rows)
    known: list[dict[tuple[int, ...], Any]] = [{at: number() for at in np.ndindex(*shape)} for shape in shapes]
    for stage in made.stages(weights):
        known.append(stage.value([known[source] for source in stage.sources]))
    return max((value.degree for value in known[-1].values() if isinstance(value, Polynomial)), default=0)


class Twice(la.Layer):
    """Two learned factors of each number."""

    equation = "y[c, *i] = a[c] * b[c] * x[c, *i]"


class Squared(la.Layer):
    """A factor that stands in twice, and a shift of degree three."""

    equation = "y[c, *i] = a[c]**2 * x[c, *i] + b[c]**3"


class LowRank(la.Layer):
    """A product of two learned matrices."""

    equation = """
        y[o, *i] = U[o, r] * V[r, c] * x[c, *i]
        where o < size(c), r < 2
    """


class Inside(la.Layer):
    """A factor inside of a bend and one outside."""

    equation = "y[c, *i] = a[c] * relu(b[c] * x[c, *i] + d[c]) - max(x[c, *i], e[c])"


class AllFactors(la.Layer):
    """A product over an index."""

    equation = """
        y[c, *i] = prod[k](a[c, k]) * x[c, *i]
        where k < 3
    """


class Steps(la.Layer):
    """Lines after each other."""

    equation = """
        h[c, *i] = a[c] * x[c, *i] + b[c]
        g[c, *i] = max(h[c, *i], a[c] * h[c, *i])
        y[c, *i] = g[c, *i] + abs(h[c, *i])
    """


WRITTEN = (Twice, Squared, LowRank, Inside, AllFactors, Steps)


def keeping(random: Random, depth: int, deep: bool = True) -> la.Network:
    """A network that keeps channels and places: convolutions, norms at fixed statistics, pools, learned products, branches, copies."""
    leaves = [
        la.Conv(2, 3, padding=1), la.Conv(2, 1, bias=False), la.Conv(2, 3, padding=1, groups=2), la.BatchNorm(),
        la.BatchNorm(affine=False), la.MaxPool(3, stride=1, padding=1), la.AvgPool(3, stride=1, padding=1), la.ChannelScale(),
        la.ReLU(), la.PReLU(), la.PReLU(per_channel=True), la.Hardtanh(), la.Flip(), *(cls() for cls in WRITTEN),
    ]  # fmt: skip
    kind = random.choice(["leaf", "sum", "around", "stack", "copies", "same", "row", "row"]) if depth else "leaf"
    if kind == "leaf":
        return random.choice(leaves)

    def again() -> la.Network:
        return keeping(random, depth - 1, deep)

    if kind == "sum":
        return again() + again()
    if kind == "around":
        return la.Identity() + again()
    if kind == "stack":
        return (again() | again()) >> la.Conv(2, 1)
    if kind == "copies":
        return again() ** (L if deep and random.random() < 0.5 else random.choice([2, 3]))
    if kind == "same":
        body = again().shared(f"again{random.randrange(10**9)}")
        return body >> la.ReLU() >> body
    return again() >> again()


def degree_fault(net: la.Network, on: tuple[int, ...], depth: int, seed: int) -> str | None:
    """A derived degree below the one that is there."""
    said = la.vc_dimension.evaluate(net, on=on).value.degree.at_input().subs(L, depth)
    found = enumerated(net.subs({L: depth}), (on,), seed)
    return None if found <= said else f"degree {found} of {net} at L = {depth}, said to be {said}"


@given(st.integers(0, 10**6), st.integers(1, 3))
def test_no_degree_of_channels_is_above_the_derived_one(seed: int, depth: int) -> None:
    random = Random(seed)
    net = keeping(random, 3 if PROFILE == "full" else 2)
    said = la.vc_dimension.evaluate(net, on=SHAPE).value.degree.at_input().subs(L, depth)
    assume(said <= 20)
    assert degree_fault(net, SHAPE, depth, seed) is None


@pytest.mark.parametrize("cls", [*WRITTEN, la.BatchNorm, la.PReLU, la.ChannelScale], ids=lambda cls: cls.__name__)
def test_degrees_of_learned_products_are_reached(cls: type[la.Layer]) -> None:
    """Alone and in copies of a number that is a symbol."""
    net = (la.Conv(2, 1) >> cls()) ** L
    said = la.vc_dimension.evaluate(net, on=SHAPE).value.degree.at_input()
    for copies in (1, 2):
        written = net.subs({L: copies})
        assert max(enumerated(written, (SHAPE,), seed) for seed in range(6)) == said.subs(L, copies)


def test_a_degree_that_is_too_small_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    net = la.Conv(2, 1) >> Twice() >> la.ReLU() >> la.Conv(2, 1)
    assert degree_fault(net, SHAPE, 1, 0) is None
    monkeypatch.setattr(Degree, "then", lambda self, after: self.beside(after))
    assert "said to be" in (degree_fault(net, SHAPE, 1, 0) or "")


def test_gates_have_no_degree() -> None:
    """A product of two branches of the input is refused, whatever the branches are."""
    for gate in (la.AdaptiveAvgPool(1) >> la.Conv(2, 1) >> la.Hardsigmoid(), la.Conv(2, 1), la.Identity()):
        with pytest.raises(UnsupportedError, match="product of branches"):
            la.vc_dimension(la.Identity() * gate >> la.Flatten() >> la.Linear(3), on=SHAPE)
    for layer in (la.Hardswish(), la.LayerNorm(), la.MultiHeadAttention(1), la.LSTM(2)):
        with pytest.raises(UnsupportedError):
            la.vc_dimension(layer, on=SHAPE)


TAKING = [cls for cls in la.registered_layers() if cls not in (la.Parameter, la.Buffer)]


@pytest.mark.parametrize("cls", sorted(TAKING, key=lambda cls: cls.__name__), ids=lambda c: c.__name__)
def test_no_registered_layer_has_a_higher_degree_than_is_derived(cls: type[la.Layer]) -> None:
    from strategies_layers import cases

    refused = 0

    @settings(max_examples=2 if PROFILE == "fast" else 60, suppress_health_check=list(HealthCheck))
    @given(cases(cls), st.integers(0, 10**6))
    def check(case: Any, seed: int) -> None:
        nonlocal refused
        assume(case.on is not None and sum(map(len, case.shapes)) <= 6)
        try:
            said = la.vc_dimension.evaluate(case.layer, on=case.on).value.degree.at_input()
            found = enumerated(case.layer, case.shapes, seed)
        except (LayerAlgebraError, *NONE):
            refused += 1
            assume(refused > 2)  # what was refused so often is so in general, as attention is
            return
        assert found <= said, (case.layer, case.shapes)

    try:
        check()
    except Unsatisfiable:
        pass  # no degree, or none that is enumerated
