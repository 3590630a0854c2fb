"""The best sizes against trying all of them; Lagrange's conditions; Pareto fronts against comparing all pairs."""

from __future__ import annotations

import itertools
import math
import random
import time

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from sympy import Eq, Max, Min, Mod, Rational, ceiling, floor, log, sqrt, symbols

import layeralgebra as la
from layeralgebra.algebra.compilation import compile
from layeralgebra.algebra.compilation.program.float_bounds import float_bounds
from layeralgebra.algebra.errors import DomainError, FieldError, UnsupportedError
from layeralgebra.algebra.formulas.zaslavsky import Zaslavsky
from layeralgebra.algebra.sizes.dims import dims
from layeralgebra.algebra.solving.optimize import optimize
from layeralgebra.algebra.solving.pareto import pareto, undominated
from layeralgebra.algebra.solving.posynomials import lagrange
from layeralgebra.algebra.sweeps.sweep import sweep
from oracles.formula_value import value

c, L, k = dims("c L k")
P, M = symbols("P M", positive=True)
GRID = {c: (1, 40), L: (1, 30)}


def best_by_trying(objective, constraints, grid, maximise=True):
    found = []
    for point in itertools.product(*(range(low, high + 1) for low, high in grid.values())):
        at = dict(zip(grid, point, strict=True))
        if all(value(constraint, at) for constraint in constraints):
            found.append(value(objective, at))
    return None if not found else max(found) if maximise else min(found)


PROBLEMS = [
    (c**2 * L, [9 * c**2 * L + 4 * c <= 5000]),
    (c * L, [9 * c**2 * L <= 4000, c * L**2 <= 900]),
    (L * floor(c / 4), [c**2 * L <= 3000, Eq(Mod(c, 3), 0)]),
    (c * (25 - c) + L * (17 - L), [c + L <= 25]),
    (c * L - floor(c**2 / 7), [c >= 5, L <= 2 * c]),
    (Max(c, 2 * L) - Min(c, L), [c * L <= 100, c + L >= 12]),
    (-((c - 13) ** 2) - (L - 7) ** 2, [c * L <= 60]),
    (c + L, [Eq(c * L, 36)]),
    (ceiling(c / 3) * L, [c * L < 50]),
    (c / (L + 1), [c <= 3 * L]),
    (L * log(c) / log(2), [9 * c**2 * L <= 5000]),
    (log(Zaslavsky(c, 3)) * L, [c * L <= 100]),
    (sqrt(c * L) - c / 7, []),
]  # fmt: skip


@pytest.mark.parametrize(("objective", "constraints"), PROBLEMS, ids=[str(problem[0]) for problem in PROBLEMS])
@pytest.mark.parametrize("maximise", [True, False])
def test_no_point_of_the_grid_is_better(objective, constraints, maximise):
    if objective.has(Zaslavsky):
        regions = {size: math.log(1 + size + math.comb(size, 2) + math.comb(size, 3)) for size in range(1, 41)}
        found = [regions[a] * b for a in range(1, 41) for b in range(1, 31) if a * b <= 100]
        want = max(found) if maximise else min(found)
    else:
        want = best_by_trying(objective, constraints, GRID, maximise)
    best = optimize(objective, constraints, GRID, maximise)
    assert best.certified and float(best.value) == pytest.approx(float(want), rel=1e-9)
    at = {symbol: int(size) for symbol, size in best.at.items()}
    assert all(value(constraint, at) for constraint in constraints)


def test_random_problems():
    r = random.Random(11)
    for _ in range(20):
        objective = sum(r.randint(-3, 9) * c ** r.randint(0, 2) * L ** r.randint(0, 2) for _ in range(3))
        constraints = [r.randint(1, 9) * c ** r.randint(0, 2) * L + r.randint(0, 5) * c <= r.randint(50, 3000)]
        grid = {c: (1, r.randint(2, 30)), L: (1, r.randint(2, 30))}
        want = best_by_trying(objective, constraints, grid)
        if want is None:
            with pytest.raises(DomainError):
                optimize(objective, constraints, grid)
        else:
            best = optimize(objective, constraints, grid)
            assert best.certified and best.value == want


def test_large_grids_are_decided_without_trying_them():
    start = time.perf_counter()
    best = optimize(
        c * L, [9 * c**2 * L + 4 * c <= 10**9, 9 * c**2 * L * 196 + c <= 10**11], {c: (1, 10**5), L: (1, 10**4)}
    )
    assert best.certified and time.perf_counter() - start < 20
    at = {symbol: int(size) for symbol, size in best.at.items()}
    for copies in range(1, 10**4 + 1):  # for every depth the widest network that fits
        width = max(0, int((math.sqrt(16 + 36 * copies * 10**9) - 4) / (18 * copies)) + 1)
        while width and not (9 * width**2 * copies + 4 * width <= 10**9 and 1764 * width**2 * copies + width <= 10**11):
            width -= 1
        assert width * copies <= best.value
    assert at[c] * at[L] == best.value


def test_values_beyond_64_bits():
    best = optimize(c**7 * L, [c**6 * L <= 10**30], {c: (1, 10**6), L: (1, 100)})
    wanted = max(
        (size**7 * copies, size, copies)
        for copies in range(1, 101)
        for size in [
            min(10**6, next(s for s in range(int((10**30 / copies) ** (1 / 6)) + 2, 0, -1) if s**6 * copies <= 10**30))
        ]
    )
    assert (best.value, best.at[c], best.at[L]) == wanted


def test_sizes_may_be_ranges_and_lists():
    best = optimize(c * L, [c * L <= 100], {c: range(8, 65, 8), L: [1, 5, 7, 11]})
    assert best.value == 88 and best.at == {c: 8, L: 11}
    best = optimize(c * L, [c * L <= 100], {c: range(64, 0, -16), L: [3, 1, 2]})
    assert best.value == 96


def test_derivations_bring_their_domain():
    net = la.Input(3, 64, 64) >> la.Conv(c, k) >> la.ReLU()
    parameters, macs = la.derive(la.parameters, net), la.derive(la.macs, net)
    best = optimize(parameters, [macs.formula <= 10**9], {c: (1, 500), k: (1, 100)})
    assert best.at[k] <= 64 and best.certified
    wanted = max(
        (3 * k_**2 + 1) * c_ for c_ in range(1, 501) for k_ in range(1, 65) if 3 * k_**2 * c_ * (65 - k_) ** 2 <= 10**9
    )
    assert best.value == wanted


def test_domains_with_a_condition_for_every_copy():
    macs = la.derive(la.macs, la.Input(c, 40) >> la.Conv(c, 3) ** L)
    best = optimize(macs, [c * L <= 100], {c: (1, 30), L: (1, 30)})
    assert best.certified and best.at[L] <= 19, "after 19 convolutions two positions are left"
    wanted = max(macs(c=width, L=copies) for width in range(1, 31) for copies in range(1, 20) if width * copies <= 100)
    assert best.value == wanted


def test_a_search_that_is_cut_short_says_so():
    best = optimize(c * L - Mod(c * L, 7), [Mod(c**2 + L, 11) <= 3], {c: (1, 3000), L: (1, 3000)}, boxes=5000)
    assert best.certified or best.bound >= best.value
    short = optimize(Mod(c * L, 97) * Mod(c + L, 89), [], {c: (1, 3000), L: (1, 3000)}, boxes=3000)
    assert not short.certified and short.bound >= short.value


# Lagrange's conditions


def test_closed_forms_satisfy_the_conditions():
    for objective, budgets, variables in [
        (c * L, [(9 * c**2 * L + 4 * L, P)], [c, L]),
        (c**2 * L**3, [(9 * c**2 * L, P), (c * L**2, M)], [c, L]),
        (c * L * k, [(c * k**2, P), (c**2 * L + 5 * k * L, M)], [c, L, k]),
        (sqrt(c) * L, [(c + L, P)], [c, L]),
    ]:
        points = lagrange(objective, budgets, variables)
        assert points, (objective, budgets)
        for point in points:
            numbers = {P: 10**6, M: 5 * 10**5}
            at = {variable: size.subs(numbers).evalf(40) for variable, size in point.at.items()}
            for number in point.active:
                formula, limit = budgets[number]
                assert abs(formula.subs(at) / limit.subs(numbers) - 1) < 1e-30, "the budget is used up"
            # The gradient of the objective is a combination of those of the budgets.
            rows = [
                [sympy.diff(f, v).subs(at).evalf(40) * at[v] for v in variables]
                for f in (objective, *(budgets[n][0] for n in point.active))
            ]
            matrix = np.array(rows, dtype=float)
            weights, *_ = np.linalg.lstsq(matrix[1:].T, matrix[0], rcond=None)
            assert np.allclose(matrix[1:].T @ weights, matrix[0], rtol=1e-9) and (weights > 0).all()


def test_budgets_may_be_symbols():
    best = optimize(c**2 * L**3, [9 * c**2 * L <= P, c * L**2 <= M], {c: (1, 10**6), L: (1, 10**6)})
    assert not best.certified and set(best.at) == {c, L}
    (point,) = best.stationary
    assert point.active == (0, 1) and point.exponents == (Rational(1, 3), Rational(4, 3))
    with pytest.raises(UnsupportedError, match="closed form"):
        optimize(c * L, [c * L + c + L <= P], {c: (1, 10), L: (1, 10)})


def test_the_integer_answer_is_next_to_the_closed_form():
    budget = 10**7
    best = optimize(c * L, [9 * c**2 * L + 400 * L <= budget], {c: (1, 10**4), L: (1, 10**5)})
    (point,) = best.stationary
    assert float(point.at[c]) == pytest.approx(math.sqrt(400 / 9)) and abs(float(point.at[c]) - best.at[c]) < 1


@pytest.mark.parametrize(
    ("constraints", "over", "error", "message"),
    [
        ([c <= 0], GRID, DomainError, "never holds"), ([c * L >= 10**9], GRID, DomainError, "no sizes satisfy"),
        ([c + 1], GRID, FieldError, "relation"), ([], {}, FieldError, "over"),
        ([], {"c": (1, 2)}, FieldError, "symbols"),
        ([], {c: (1.5, 2), L: (1, 2)}, FieldError, "must be an integer"), ([], {c: (3, 2), L: (1, 2)}, FieldError, "no sizes"),
        ([], {c: (0, 2), L: (1, 2)}, DomainError, "positive"),
        ([], {c: "12", L: (1, 2)}, FieldError, "range or a list"),
        ([sympy.Ne(c, 3)], GRID, FieldError, "relation"), ([log(c) < L], GRID, FieldError, "strict"),
    ],
)  # fmt: skip
def test_requests_that_make_no_sense(constraints, over, error, message):
    with pytest.raises(error, match=message):
        optimize(c * L, constraints, over)


@given(st.integers(1, 50), st.integers(0, 20), st.integers(1, 50), st.integers(0, 20))
def test_bounds_of_floats_contain_every_value(a, b, x, y):
    e = L * log(c / 3) / log(2) + sqrt(c * L) - 5 / (c + L) + log(Zaslavsky(c, L)) + abs(c - L) ** Rational(3, 2)
    program = compile(e).program
    boxes = dict(zip(program.inputs, [None, None], strict=True))
    ends = {c: (a, a + b), L: (x, x + y)}
    low, high = float_bounds(program, [ends[symbol] for symbol in boxes])
    sizes = compile(e)(c=np.arange(a, a + b + 1)[:, None], L=np.arange(x, x + y + 1)[None, :])
    assert low <= sizes.min() and sizes.max() <= high


# Pareto fronts


@given(
    st.integers(1, 4).flatmap(lambda width: st.lists(st.tuples(*[st.integers(0, 6)] * width), min_size=1, max_size=40))
)
def test_undominated_rows_against_all_pairs(rows):
    table = np.array(rows)
    want = [
        place
        for place, row in enumerate(table)
        if not any((other >= row).all() and (other > row).any() for other in table)
    ]
    assert undominated(table).tolist() == want


def test_fronts_of_sweeps():
    pytest.importorskip("xarray")
    data = sweep({"capacity": c * L, "macs": c**2 * L, "memory": c + 3 * L}, {c: range(1, 30), L: range(1, 20)})
    found = pareto(data, maximise="capacity", minimise=["macs", "memory"])
    got = {(int(a), int(b)) for a, b in zip(found["c"].values, found["L"].values, strict=True)}
    points = {(a, b): (a * b, -(a**2) * b, -(a + 3 * b)) for a in range(1, 30) for b in range(1, 20)}
    want = {
        place for place, mine in points.items()
        if not any(all(x >= y for x, y in zip(other, mine, strict=True)) and other != mine for other in points.values())
    }  # fmt: skip
    assert got == want and found["capacity"].values.tolist() == sorted(found["capacity"].values.tolist())
    assert found["macs"].attrs["formula"] == str(c**2 * L)


def test_fronts_compare_large_integers_exactly_and_leave_out_what_is_missing():
    pytest.importorskip("xarray")
    data = sweep({"a": 2**70 + c, "b": -c}, {c: [1, 2, 3]}, mode="zip")
    assert pareto(data, maximise=["a", "b"]).sizes["point"] == 3
    assert pareto(data, maximise="a")["c"].values.tolist() == [3]
    assert pareto(data, minimise="a")["c"].values.tolist() == [1]
    masked = sweep({"a": c * L, "b": -c}, {c: [1, 2], L: [1, 2]}, domain=[L <= c], on_invalid="mask")
    assert not np.isnan(pareto(masked, maximise=["a", "b"])["a"].values).any()
    for call, message in [
        (lambda: pareto(data), "objectives"), (lambda: pareto(data, maximise="z"), "no variable z"),
        (lambda: pareto([1], maximise="a"), "dataset"), (lambda: pareto(data, "a", "a"), "twice"),
    ]:  # fmt: skip
        with pytest.raises(FieldError, match=message):
            call()


def test_a_front_of_a_million_points_takes_seconds():
    pytest.importorskip("xarray")
    rng = np.random.default_rng(0)
    start = time.perf_counter()
    assert len(undominated(rng.integers(0, 10**6, (10**6, 2)))) > 3
    assert len(undominated(rng.integers(0, 10**6, (10**5, 3)))) > 10
    assert time.perf_counter() - start < 20
