"""Bounds on the VC dimension of networks, against the theorem's formula evaluated here over hand-made levels."""

from __future__ import annotations

from math import log2
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import layeralgebra as la
from layeralgebra.algebra.errors import DomainError, FieldError, UnsupportedError
from oracles.vc_theorem import explicit, implicit

n, L, d = la.dims("n L d")


def perceptron(widths: list[int]) -> la.Network:
    parts = [part for width in widths[:-1] for part in (la.Linear(width), la.ReLU())]
    return la.Series(*parts, la.Linear(widths[-1]))


@pytest.mark.parametrize("widths, upper, tighter", [([2, 3, 1], 178.37, 169), ([10, 20, 20, 1], 19006.06, 16571)])
def test_golden(widths: list[int], upper: float, tighter: int) -> None:
    net = perceptron(widths[1:])
    assert round(float(la.vc_dimension(net, on=(widths[0],))), 2) == upper
    assert la.vc_dimension(net, on=(widths[0],), bound="implicit") == tighter


@given(st.integers(1, 6), st.lists(st.integers(2, 9), min_size=1, max_size=4))
def test_plain_networks_by_the_theorem(inputs: int, widths: list[int]) -> None:
    sizes = [inputs, *widths, 1]
    levels = [(b, (a + 1) * b) for a, b in zip(sizes, sizes[1:])]
    net = perceptron(sizes[1:])
    assert float(la.vc_dimension(net, on=(inputs,))) == pytest.approx(explicit(levels))
    assert la.vc_dimension(net, on=(inputs,), bound="implicit") == implicit(levels) <= explicit(levels)
    with pytest.raises(DomainError, match="W > 640 L"):
        la.vc_dimension(net, on=(inputs,), bound="lower")


def test_lower_bound_where_its_theorem_is_stated() -> None:
    """W > 640 L and L > 640: as conditions on symbols, and by numbers."""
    body = (la.Linear(n) >> la.ReLU()) ** L
    found = la.derive("vc_dimension", body, on=(n,), bound="lower")
    total = 641 * 30 * 31
    assert found.kind == "lower" and len(found.domain) == 2
    with pytest.raises(DomainError, match="W > 640 L"):
        found(n=3, L=2)
    assert not found.domain.holds({n: 30, L: 640}) and found.domain.holds({n: 30, L: 641})
    numbers = la.vc_dimension(body.subs({n: 30, L: 641}), on=(30,), bound="lower")
    assert float(numbers) == pytest.approx(total * 641 * log2(total / 641) / 640)


def test_shared_weights_count_once() -> None:
    """A layer that stands 50 times has the parameters of one, at numbers and at a symbolic depth."""
    one = (la.Linear(4) >> la.ReLU()).shared("f")
    levels = [(4, 20)] + [(4, 0)] * 49
    for net in (one**50, la.Series(*[one] * 50)):
        assert float(la.vc_dimension(net, on=(4,))) == pytest.approx(explicit(levels))
        assert la.vc_dimension(net, on=(4,), bound="implicit") == implicit(levels)
        with pytest.raises(DomainError, match="W = 20, L = 50"):
            la.vc_dimension(net, on=(4,), bound="lower")
    assert float(la.vc_dimension(one**L, on=(4,)).subs(L, 50)) == pytest.approx(explicit(levels))
    joined = (one + one) >> la.Linear(1)
    assert la.vc_dimension(joined, on=(4,), bound="implicit") == implicit([(8, 20), (1, 5)])


def test_levels_by_hand() -> None:
    """Where units stand in networks with branches, pools and kinks of other kinds."""
    pair = la.Linear(3) >> la.ReLU()
    cases: list[tuple[la.Network, Any, list[tuple[int, ...]], int]] = [
        ((la.Identity() + (pair >> la.Linear(4))) >> la.ReLU(), (4,), [(3, 15), (4, 16)], 1),
        (
            (pair | (la.Linear(2) >> la.ReLU() >> la.Linear(5) >> la.ReLU())) >> la.Linear(1),
            (4,),
            [(5, 25), (5, 15), (1, 9)],
            1,
        ),
        (
            la.Conv(2, 3) >> la.ReLU() >> la.MaxPool(2) >> la.Flatten() >> la.Linear(1),
            (1, 6),
            [(8, 8, 1), (4, 0, 1), (1, 5, 2)],
            1,
        ),
        (la.Linear(3) >> la.Hardtanh() >> la.Linear(2), (4,), [(3, 15), (2, 8)], 2),
        (
            la.Graph(
                {"x": la.Input(4), "a": pair, "b": pair, "c": la.Linear(3) >> la.ReLU(), "s": la.Add()},
                [("x", "a"), ("a", "b"), ("x", "c"), ("b", "s"), ("c", "s")],
            ),
            None,
            [(6, 30), (3, 12)],
            1,
        ),
    ]
    for net, on, levels, breakpoints in cases:
        assert float(la.vc_dimension(net, on=on)) == pytest.approx(explicit(levels, breakpoints)), net
        assert la.vc_dimension(net, on=on, bound="implicit") == implicit(levels, breakpoints), net


@given(st.integers(1, 5), st.integers(2, 6), st.integers(1, 5))
def test_symbolic_depth_agrees_with_literal_depth(inputs: int, width: int, depth: int) -> None:
    for body in (
        la.Linear(n) >> la.ReLU(),
        la.ReLU() >> la.Linear(n),
        la.Identity() + (la.Linear(n) >> la.ReLU() >> la.Linear(n)),
    ):
        net = la.Linear(n) >> body**L >> la.Linear(1)
        values = {n: width, L: depth}
        formula = la.vc_dimension(net, on=(inputs,))
        try:
            expected = float(la.vc_dimension(net.subs(values), on=(inputs,)))
        except DomainError:
            continue
        assert float(formula.subs(values)) == pytest.approx(expected)


def test_kinds_and_what_is_refused() -> None:
    net = perceptron([8, 1])
    kinds = [la.derive("vc_dimension", net, on=(4,), bound=bound).kind for bound in ("explicit", "implicit")]
    assert kinds == ["upper", "upper"]
    with pytest.raises(FieldError, match="explicit, implicit, lower"):
        la.vc_dimension(net, on=(4,), bound="tight")
    with pytest.raises(UnsupportedError, match="explicit"):
        la.vc_dimension((la.Linear(n) >> la.ReLU()) ** L, on=(4,), bound="implicit")
    with pytest.raises(UnsupportedError, match="surrogate"):
        la.vc_dimension(la.Linear(4) >> la.Tanh(), on=(4,))
    assert la.derive("vc_dimension", la.Linear(4) >> la.Tanh(), on=(4,), surrogate="hard_tanh").kind == "surrogate"
    with pytest.raises(DomainError):
        la.vc_dimension(la.Linear(2), on=(4,))


def test_degrees_by_hand() -> None:
    """More learned factors than levels: a slope, a scale, two maps in a row; none before the first weight."""
    pair = la.Linear(4)
    cases: list[tuple[la.Network, tuple[int, ...], list[tuple[int, ...]]]] = [
        (pair >> la.Linear(3) >> la.ReLU() >> la.Linear(1), (4,), [(3, 35, 2), (1, 4, 3)]),
        (pair >> la.PReLU() >> la.Linear(1), (4,), [(4, 21, 1), (1, 5, 3)]),
        (la.Conv(2, 3) >> la.BatchNorm() >> la.ReLU() >> la.Flatten() >> la.Linear(1), (1, 6), [(8, 12, 2), (1, 9, 3)]),
        (pair >> la.ReLU() >> la.ReLU() >> la.Linear(1), (4,), [(4, 20, 1), (4, 0, 1), (1, 5, 2)]),
        (la.ReLU() >> pair >> la.ReLU() >> la.Linear(1), (4,), [(4, 20, 1), (1, 5, 2)]),
    ]
    for net, on, levels in cases:
        assert float(la.vc_dimension(net, on=on)) == pytest.approx(explicit(levels)), net
        assert la.vc_dimension(net, on=on, bound="implicit") == implicit(levels), net


def test_the_output_is_a_level_unless_its_sign_is_told() -> None:
    """After a ReLU the comparisons tell where the output is positive; after a residual sum or a clip at -1 they do not."""
    body = la.Linear(4) >> la.ReLU()
    for net, levels, breakpoints in (
        (body, [(4, 20)], 1),
        (la.Identity() + body, [(4, 20, 1), (4, 0, 1)], 1),
        (la.Linear(4) >> la.Hardtanh(), [(4, 20, 1), (4, 0, 1)], 2),
    ):
        assert la.vc_dimension(net, on=(4,), bound="implicit") == implicit(levels, breakpoints), net


class LearnedExponential(la.Layer):
    """A weight that no polynomial is of."""

    equation = "y[i] = exp(w[i]) * x[i]"


class LearnedDivisor(la.Layer):
    """A weight below a fraction."""

    equation = "y[i] = x[i] / w[i]"


class LearnedBend(la.Layer):
    """A comparison of weights alone."""

    equation = "y[i] = relu(w[i]) * x[i]"


def test_what_is_no_polynomial_in_the_weights_is_refused() -> None:
    for layer in (LearnedExponential(), LearnedDivisor(), LearnedBend()):
        with pytest.raises(UnsupportedError, match="surrogate"):
            la.vc_dimension(layer >> la.Linear(3), on=(4,))
    with pytest.raises(UnsupportedError, match="product of branches"):
        la.vc_dimension(la.Linear(3) * la.Linear(3), on=(4,))


def test_more_than_two_units_is_a_condition_where_a_size_is_a_symbol() -> None:
    found = la.derive("vc_dimension", la.Linear(n), on=(4,))
    assert len(found.domain) == 1 and found.domain.holds({n: 3}) and not found.domain.holds({n: 2})
