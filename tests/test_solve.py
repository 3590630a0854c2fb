"""Sizes that meet budgets, against trying all of them; elasticities and leading terms, against numbers."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from sympy import Abs, EmptySet, FiniteSet, Max, Min, Mod, Piecewise, Range, S, Sum, ceiling, floor, log, sqrt, symbols

import layeralgebra as la
from layeralgebra.algebra.errors import DomainError, FieldError, UnsupportedError
from layeralgebra.algebra.formulas.zaslavsky import Zaslavsky
from layeralgebra.algebra.sizes.dims import dims
from layeralgebra.algebra.solving.monotone import trend
from layeralgebra.algebra.solving.quasi_polynomials import quasi_polynomial, signs, solutions, value_at
from layeralgebra.algebra.solving.solve import elasticity, leading_term, sensitivity, solve_for
from oracles.formula_value import Undefined, value

c, H, L, n = dims("c H L n")
x = symbols("x", integer=True)
FAR = 400  # brute force looks this far


def sizes_where(e, symbol, holds, first=1, last=FAR):
    return [size for size in range(first, last + 1) if holds(value(e, {symbol: size}))]


# Budgets


GROWING = [
    9 * c**2, 9 * c**2 * floor(c / 2) + 3, floor((c - 7) / 2) + 1, ceiling(c / 3) * c, c * (c + 1) / 2,
    Max(c, 50) * c, Min(c, 50) * c + c, 2**c, Sum(L**2 * c, (L, 1, c)), 3 * c - floor(c / 2), floor(c**2 / 7) + c,
    Zaslavsky(c, 3), c**3 - c, (c + 1) ** 2 * floor((c + 3) / 4),
]  # fmt: skip


@pytest.mark.parametrize("e", GROWING, ids=str)
@pytest.mark.parametrize("budget", [5, 36, 37, 1000, 12345])
def test_the_largest_size_within_a_budget(e, budget):
    count = (lambda size: e.subs(c, size)) if e.has(Zaslavsky) else (lambda size: value(e, {c: size}))
    within = [size for size in range(1, 250) if count(size) <= budget]
    if not within:
        with pytest.raises(DomainError, match="no c from 1 on meets"):
            solve_for(e, c, at_most=budget)
        return
    if max(within) < 249:
        assert solve_for(e, c, at_most=budget) == max(within)


def test_huge_budgets_are_met_exactly():
    for exponent in (20, 60, 300):
        found = solve_for(9 * c**2 + c, c, at_most=10**exponent)
        assert 9 * found**2 + found <= 10**exponent < 9 * (found + 1) ** 2 + found + 1
    assert solve_for(2**c, c, at_most=10**100) == 332
    assert solve_for(c * log(c), c, at_most=1000) == 190  # 190 log 190 = 996.96, 191 log 191 = 1003.2
    assert solve_for(sqrt(c), c, at_most=10) == 100
    assert solve_for(c**2, c, at_most=S(50) / 3) == 4


WAVY = [
    c * (20 - c), (c - 10) ** 2, Mod(c, 7) * 3 + c, c - 5 * floor(c / 4), Abs(c - 30), Max(40 - c, c - 8),
    floor((c - 30) / 2) ** 2, c**3 - 40 * c**2 + 400 * c, Min(c, 9) * Mod(c, 4) + floor(c / 3), 60 / c + c,
    floor(c**2 / 4) - 3 * c,
]  # fmt: skip


@pytest.mark.parametrize("e", WAVY, ids=str)
@pytest.mark.parametrize("budget", [-3, 0, 12, 23, 96])
def test_formulas_that_rise_and_fall(e, budget):
    below = sizes_where(e, c, lambda found: found <= budget)
    if below and below[-1] == FAR:
        with pytest.raises(DomainError, match="no largest"):
            solve_for(e, c, at_most=budget)
    elif not below:
        with pytest.raises(DomainError, match="no c"):
            solve_for(e, c, at_most=budget)
    else:
        assert solve_for(e, c, at_most=budget) == below[-1]
    above = sizes_where(e, c, lambda found: found >= budget)
    if above:
        assert solve_for(e, c, at_least=budget) == above[0]
    equal = sizes_where(e, c, lambda found: found == budget)
    found = solve_for(e, c, equals=budget)
    assert [size for size in range(1, FAR + 1) if size in found] == equal


@st.composite
def wavy(draw, depth=3):
    if depth == 0:
        return draw(st.sampled_from([c, c, sympy.Integer(2), sympy.Integer(-3), c + 5]))
    part = wavy(depth=depth - 1)
    kind = draw(st.sampled_from(["add", "mul", "floor", "ceiling", "mod", "max", "min", "abs", "leaf"]))
    if kind == "add":
        return draw(part) + draw(part)
    if kind == "mul":
        return draw(part) * draw(part)
    if kind == "floor":
        return floor(draw(part) / draw(st.sampled_from([2, 3])))
    if kind == "ceiling":
        return ceiling(draw(part) / 2)
    if kind == "mod":
        return Mod(draw(part), draw(st.sampled_from([2, 3])))
    if kind == "max":
        return Max(draw(part), draw(part))
    if kind == "min":
        return Min(draw(part), draw(part))
    return Abs(draw(part)) if kind == "abs" else draw(wavy(depth=0))


@given(wavy(), st.integers(-20, 60))
def test_quasi_polynomials_decide_what_trying_decides(e, budget):
    try:
        form = quasi_polynomial(e, c, 1)
    except UnsupportedError:
        return
    for relation, holds in (
        ("le", lambda found: found <= budget),
        ("eq", lambda found: found == budget),
        ("ge", lambda found: found >= budget),
    ):  # fmt: skip
        found = solutions(form, budget, relation)
        listed = {size for first, last, step in found.stretches for size in range(first, min(last, 80) + 1, step)}
        assert listed == set(sizes_where(e, c, holds, last=80)), (e, budget, relation)


@given(wavy())
def test_what_is_shown_to_grow_grows(e):
    found = trend(e, c, 1)
    values = [value(e, {c: size}) for size in range(1, 60)]
    assert all(found.low <= number <= found.high for number in values)
    steps = {(later > earlier) - (later < earlier) for earlier, later in zip(values, values[1:], strict=False)}
    if found.direction is not None:
        assert steps <= {0, found.direction}


@given(st.lists(st.integers(-30, 30), min_size=1, max_size=5), st.integers(-20, 20))
def test_signs_of_polynomials_at_all_integers(coefficients, first):
    runs = signs(tuple(coefficients) if coefficients[-1] else (*coefficients, 1), first, first + 60)
    p = tuple(coefficients) if coefficients[-1] else (*coefficients, 1)
    signed = {q: sign for a, b, sign in runs for q in range(a, b + 1)}
    assert signed == {q: (value_at(p, q) > 0) - (value_at(p, q) < 0) for q in range(first, first + 61)}


def test_integers_of_both_signs():
    assert solve_for(x**2 + x, x, equals=6) == FiniteSet(-3, 2)
    assert solve_for(x**2 - 4 * x, x, at_most=5) == 5 and solve_for(-(x**2), x, at_least=-9) == -3
    assert solve_for(x**3, x, at_least=-30) == -3
    with pytest.raises(DomainError, match="no smallest"):
        solve_for(-x, x, at_least=3)
    with pytest.raises(DomainError, match="no largest"):
        solve_for(-x, x, at_most=3)


def test_sets():
    assert solve_for(9 * c**2, c, equals=36) == FiniteSet(2) and solve_for(9 * c**2, c, equals=35) == EmptySet
    assert solve_for(floor((H - 7) / 2) + 1, H, equals=112) == FiniteSet(229, 230)
    assert solve_for(Min(c, 5), c, equals=5) == Range(5, S.Infinity)
    evens = solve_for(Mod(c, 2), c, equals=0)
    assert 10**20 in evens and 10**20 + 1 not in evens
    assert solve_for(floor(c / 5000), c, equals=3) == Range(15000, 20000)


def test_bounds_and_domains():
    assert solve_for(c * (20 - c), c, at_most=50, within=(1, 10)) == 2
    assert solve_for(9 * c**2, c, at_most=10**6, domain=[sympy.Eq(Mod(c, 32), 0)]) == 320
    assert solve_for(9 * c**2, c, at_least=10**6, domain=[sympy.Eq(Mod(c, 32), 0)]) == 352
    assert solve_for(c, c, at_most=100, domain=[c <= 60]) == 60
    with pytest.raises(DomainError, match="in the domain"):
        solve_for(c, c, at_most=20, domain=[sympy.Eq(Mod(c, 32), 0)])
    grouped = Piecewise((c**2, c < 40), (c, True))
    assert solve_for(grouped, c, at_most=100, within=(1, 1000)) == 100
    with pytest.raises(UnsupportedError, match="within="):
        solve_for(grouped, c, at_most=100)


def test_derivations_bring_their_domain():
    net = (
        la.Input(3, 32, 32)
        >> la.Conv(c, 3, padding=1, bias=False)
        >> la.ReLU()
        >> la.Conv(2 * c, 3, padding=1, bias=False)
    )
    derivation = la.derive(la.parameters, net)
    found = solve_for(derivation, c, at_most=10**6)
    assert 27 * found + 18 * found**2 <= 10**6 < 27 * (found + 1) + 18 * (found + 1) ** 2
    size = la.derive(la.macs, la.Input(3, H, H) >> la.Conv(1, 7))
    assert solve_for(size, H, at_most=147) == 7
    with pytest.raises(DomainError):
        solve_for(size, H, at_most=146)


def test_other_symbols_stay():
    assert solve_for(9 * c**2, c, at_most=n) == floor(sqrt(n) / 3)
    answer = solve_for(9 * c**2 * L + 3 * c, c, at_most=n)
    for copies, budget in [(1, 100), (3, 12345), (7, 10**12), (2, 42)]:
        number = int(answer.subs({L: copies, n: budget}))
        assert 9 * number**2 * copies + 3 * number <= budget < 9 * (number + 1) ** 2 * copies + 3 * (number + 1)
    linear = solve_for(c * L + H, c, at_most=n)
    assert linear.subs({L: 3, H: 4, n: 30}) == 8
    least = solve_for(c * L, c, at_least=n)
    assert least.subs({L: 3, n: 30}) == 10 and least.subs({L: 3, n: 31}) == 11
    exact = solve_for(c**2 * L, c, equals=n)
    assert exact.subs({L: 2, n: 50}) == FiniteSet(5) and exact.subs({L: 2, n: 51}) == EmptySet
    with pytest.raises(UnsupportedError, match="no polynomial in c"):
        solve_for(floor(c / 2) * L, c, at_most=n)
    with pytest.raises(UnsupportedError, match="degree 3"):
        solve_for(c**3 + c * L, c, at_most=n)
    with pytest.raises(UnsupportedError, match="can only grow"):
        solve_for(c**2 - c * L, c, at_most=n)


def test_requests_that_make_no_sense():
    with pytest.raises(FieldError, match="exactly one"):
        solve_for(c, c)
    with pytest.raises(FieldError, match="exactly one"):
        solve_for(c, c, at_most=1, equals=2)
    with pytest.raises(FieldError, match="does not depend"):
        solve_for(H, c, at_most=5)
    with pytest.raises(FieldError, match="symbol"):
        solve_for(c, "c", at_most=5)
    with pytest.raises(FieldError, match="rational"):
        solve_for(c, c, at_most=sqrt(2))
    with pytest.raises(DomainError, match="there is no c"):
        solve_for(c, c, at_most=5, within=(5, 3))
    with pytest.raises(DomainError, match="no c"):
        solve_for(5 - S.One / (c + 1), c, at_least=5)
    with pytest.raises(UnsupportedError, match="4096 bits"):
        solve_for(log(log(c + 1) + 1), c, at_least=50)


# How formulas depend on sizes


@pytest.mark.parametrize(
    ("e", "symbol", "want"),
    [
        (9 * c**2 * floor(H / 2), c, 2), (9 * c**2 * floor(H / 2), H, 1), (c**3 * L / H, H, -1), (5 * c + 3 * c, c, 1),
        (floor((H - 7) / 2) + 1, H, H / (H - 5)), (12 * L * c**2, L, 1), (H, c, 0), (2**L, L, L * log(2)),
    ],
)  # fmt: skip
def test_elasticities(e, symbol, want):
    assert sympy.simplify(elasticity(e, symbol) - want) == 0


@given(st.integers(2, 30), st.integers(2, 30), st.integers(1, 5))
def test_elasticities_are_logarithmic_derivatives(size, copies, power):
    e = (9 * c**power + 4 * c) * L + 100 * c / (L + c)
    at = {c: size, L: copies}
    step = Fraction(1, 10**6)
    up, down = (value(e, {**at, c: size + sign * step}) for sign in (1, -1))
    numeric = float((up - down) / (2 * step) * size / value(e, at))
    assert float(elasticity(e, c).subs(at)) == pytest.approx(numeric, rel=1e-6)


LEADING = [
    ((9 * c**2 + 2 * c) * L + 1000 * c, c, 9 * L * c**2), ((L + 1) ** 2 - L**2, L, 2 * L),
    (9 * c**2 * floor((H - 1) / 2) ** 2 * L + 1000 * c, H, 9 * H**2 * L * c**2 / 4),
    (2**L * L + 3**L + log(L), L, 3**L),
    (Max(3 * L, L**2 / 100), L, L**2 / 100), (Min(3 * L, L**2), L, 3 * L), (sqrt(L**2 + L), L, L),
    (L * log(L) + 100 * L, L, L * log(L)),
    (ceiling(L / 3) * floor(L / 2), L, L**2 / 6), ((L + c) / (2 * L**2 + 1), L, 1 / (2 * L)),
    (log(3 * L**2 + 1), L, 2 * log(L)),
    (2 ** (3 * L + 1) + 7**L, L, 2 * 8**L), (Min(-L, 5), L, -L), (Max(c, 3), L, Max(c, 3)),
]  # fmt: skip


@pytest.mark.parametrize(("e", "symbol", "want"), LEADING, ids=[str(case[0]) for case in LEADING])
def test_leading_terms(e, symbol, want):
    found = leading_term(e, symbol)
    assert found == want or sympy.simplify(found - want) == 0
    others = {other: 3 for other in e.free_symbols - {symbol}}
    exponential = any(symbol in power.exp.free_symbols for power in e.atoms(sympy.Pow))
    ratios = [
        float((e.subs(others).subs(symbol, size) / found.subs(others).subs(symbol, size)).evalf(30))
        for size in ((40, 400) if exponential else (10**3, 10**6))
    ]
    assert abs(ratios[1] - 1) <= max(abs(ratios[0] - 1), 1e-9), "the ratio to the formula tends to 1"


def test_leading_terms_that_are_not_known():
    for e, reason in [
        (floor(L / 2) - L / 2, "cancel"), (L**c + L**H, "grows faster"), (Mod(L, 3), "no leading term"),
        (floor(3 + 1 / L), "rounding is not negligible"), (L**L, "exponent"),
    ]:  # fmt: skip
        with pytest.raises(UnsupportedError, match=reason):
            leading_term(e, L)


def test_tables_of_sensitivities():
    table = sensitivity(9 * c**2 * floor(H / 2) + 10 * c, at={"c": 64, H: 56})
    rows = {str(row[0]): row for row in table.rows}
    assert sympy.simplify(rows["H"][2] - 9 * H * c / (9 * H * c + 20)) == 0
    numeric = float(rows["c"][4])
    assert numeric == pytest.approx((2 * 9 * 64**2 * 28 + 640) / (9 * 64**2 * 28 + 640), abs=1e-4)
    assert "surrogate" in table.notes[0] and "9*H*c**2/2" in str(table)
    with pytest.raises(FieldError, match="a number for each of"):
        sensitivity(c * H, at={"c": 3})
    with pytest.raises(FieldError, match="formula"):
        sensitivity("c")
    with pytest.raises(FieldError, match="symbol"):
        elasticity(c, "c")
    with pytest.raises(FieldError, match="symbol"):
        leading_term(c, "c")


def test_random_growing_formulas_are_solved_as_by_trying():
    r = random.Random(4)
    for _ in range(25):
        e = sum(r.randint(0, 9) * c**k for k in range(3)) + r.randint(1, 9) * floor(
            (c + r.randint(0, 5)) / r.randint(1, 4)
        )
        budget = r.randint(20, 1000)
        try:
            within = [size for size in range(1, 600) if value(e, {c: size}) <= budget]
        except Undefined:
            continue
        if within and within[-1] < 599:
            assert solve_for(e, c, at_most=budget) == within[-1]
