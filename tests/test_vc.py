"""VC-dimension bounds: golden numbers, the monoid of sums, and the implicit bound against high-precision arithmetic."""

from __future__ import annotations

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import symbols

from layeralgebra.algebra.errors import DomainError, FieldError, UnsupportedError
from layeralgebra.algebra.regions.vc_bounds import (
    KINDS,
    LayerSums,
    beside,
    explicit_upper,
    implicit_upper,
    lower,
    lower_conditions,
)

n, L, p = symbols("n L p", integer=True, positive=True)

Levels = list[tuple[int, int]]
levels_lists = st.lists(st.tuples(st.integers(1, 50), st.integers(1, 3000)), min_size=1, max_size=6)


def perceptron(widths: list[int]) -> Levels:
    """Units and parameters (with biases) of each layer."""
    return [(after, after * (before + 1)) for before, after in zip(widths, widths[1:])]


def implicit_gap(levels: Levels, breakpoints: int, m: int) -> mpmath.mpf:
    """Right side minus left side of the implicit bound, to 60 digits, from the formula as printed."""
    with mpmath.workdps(60):
        right, so_far = mpmath.mpf(0), 0
        for level, (units, parameters) in enumerate(levels, start=1):
            so_far += parameters
            right += 1 + so_far * mpmath.log(2 * mpmath.e * m * units * breakpoints * level / mpmath.mpf(so_far), 2)
        return right - m


@pytest.mark.parametrize("widths, explicit, implicit", [([2, 3, 1], 178.37, 169), ([10, 20, 20, 1], 19006.06, 16571)])
def test_golden(widths: list[int], explicit: float, implicit: int) -> None:
    levels = perceptron(widths)
    assert round(float(explicit_upper(levels).evalf(15)), 2) == explicit
    assert implicit_upper(levels) == implicit


def test_golden_sums() -> None:
    small = LayerSums.of_levels(perceptron([2, 3, 1]))
    assert (small.parameters, small.weighted_units, small.depth) == (13, 5, 2)
    assert LayerSums.of_levels(perceptron([10, 20, 20, 1])).parameters == 661
    assert KINDS == {"explicit": "upper", "implicit": "upper", "lower": "lower"}


@given(levels_lists, st.integers(1, 3))
def test_exact_implicit_is_the_largest(levels: Levels, breakpoints: int) -> None:
    m = implicit_upper(levels, breakpoints)
    assert implicit_gap(levels, breakpoints, m) >= 0 > implicit_gap(levels, breakpoints, m + 1)
    # Concave: once negative, negative for good.
    assert implicit_gap(levels, breakpoints, 2 * m) < 0 and implicit_gap(levels, breakpoints, 100 * m) < 0


@given(levels_lists, st.integers(1, 3))
def test_bound_implicit_under_explicit(levels: Levels, breakpoints: int) -> None:
    if sum(units for units, _ in levels) > 2:
        assert implicit_upper(levels, breakpoints) <= explicit_upper(levels, breakpoints).evalf(30)


@given(levels_lists, st.integers(1, 3), st.data())
def test_bound_monotone_in_units_and_breakpoints(levels: Levels, breakpoints: int, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(levels) - 1))
    more = [(units + (i == place), parameters) for i, (units, parameters) in enumerate(levels)]
    assert implicit_upper(levels, breakpoints) <= implicit_upper(more, breakpoints)
    assert implicit_upper(levels, breakpoints) <= implicit_upper(levels, breakpoints + 1)


@given(levels_lists, levels_lists, levels_lists)
def test_exact_monoid(one: Levels, two: Levels, three: Levels) -> None:
    a, b, c = map(LayerSums.of_levels, (one, two, three))
    assert (a @ b) @ c == a @ (b @ c) == LayerSums.of_levels(one + two + three)
    assert a @ LayerSums.empty() == LayerSums.empty() @ a == a
    so_far = [sum(w for _, w in one[: i + 1]) for i in range(len(one))]
    assert a.prefix_sum == sum(so_far) and a.weighted_units == sum(
        i * units for i, (units, _) in enumerate(one, start=1)
    )


@given(levels_lists, st.integers(0, 5))
def test_exact_powers_and_symbolic_depth(levels: Levels, times: int) -> None:
    block = LayerSums.of_levels(levels)
    written = LayerSums.of_levels(levels * times)
    assert block**times == written
    symbolic = block**L
    if times:
        for name in ("depth", "parameters", "prefix_sum", "units", "weighted_units"):
            assert getattr(symbolic, name).subs(L, times) == getattr(written, name)


def test_symbols() -> None:
    formula = explicit_upper(LayerSums.of_layer(n, n**2 + n) ** L, p)
    assert formula.free_symbols == {n, L, p}
    written = explicit_upper([(20, 420)] * 3, 2)
    assert abs(formula.subs({n: 20, L: 3, p: 2}).evalf(20) - written.evalf(20)) < 1e-12
    assert lower(LayerSums.of_layer(n, n**2 + n) ** L).free_symbols == {n, L}


def test_lower_needs_depth() -> None:
    deep = [(10**6, 10**9)] * 1000
    assert lower_conditions(deep) == (True, True)
    assert 0 < lower(deep).evalf() < explicit_upper(deep).evalf()
    assert lower_conditions(perceptron([10, 20, 20, 1])) == (False, False)
    assert all(condition.free_symbols for condition in lower_conditions([(n, n**2)] * 2)[:1])


@given(st.lists(levels_lists, min_size=1, max_size=3))
def test_exact_parallel_stacks_keep_totals(stacks: list[Levels]) -> None:
    joined = beside(*stacks)
    assert len(joined) == max(map(len, stacks))
    assert sum(k for k, _ in joined) == sum(k for stack in stacks for k, _ in stack)
    assert sum(w for _, w in joined) == sum(w for stack in stacks for _, w in stack)
    assert beside(*stacks[::-1]) == joined


def test_large_networks_are_decided_quickly(time_limit) -> None:
    with time_limit(10):
        m = implicit_upper([(10**6, 10**9)] * 150)
        assert implicit_gap([(10**6, 10**9)] * 150, 1, m) >= 0 > implicit_gap([(10**6, 10**9)] * 150, 1, m + 1)


def test_layers_without_parameters_add_only_their_one() -> None:
    assert implicit_upper([(5, 0)] * 3) == 3
    assert implicit_upper([(5, 0), (3, 9)]) >= implicit_upper([(3, 9)])


def test_errors() -> None:
    with pytest.raises(DomainError, match="more than two units"):
        explicit_upper([(1, 5), (1, 2)])
    with pytest.raises(UnsupportedError, match="explicit"):
        implicit_upper([(n, 5)])
    with pytest.raises(UnsupportedError, match="breakpoints"):
        implicit_upper([(2, 5)], p)
    for wrong in (lambda: implicit_upper([]), lambda: implicit_upper([(0, 4)]), lambda: implicit_upper([(3, -1)]),
                  lambda: explicit_upper([(3, 9), (1, 4)], 0), lambda: LayerSums.of_layer(3, 2.5)):  # fmt: skip
        with pytest.raises(FieldError):
            wrong()
