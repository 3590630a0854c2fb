"""Exact evaluation: against a plain recursive evaluator, at large and at deep formulas, and its errors."""

from __future__ import annotations

from fractions import Fraction
from math import log2

import pytest
from hypothesis import given
from sympy import (
    Add,
    Eq,
    Function,
    Integral,
    Max,
    Min,
    Mod,
    Mul,
    Piecewise,
    Product,
    Rational,
    Sum,
    Symbol,
    binomial,
    ceiling,
    factorial,
    floor,
    log,
    sqrt,
    symbols,
)

from layeralgebra.algebra.errors import BudgetError, DomainError, FieldError, UnsupportedError
from layeralgebra.algebra.sizes.evaluate import evaluate, evaluate_condition, free_symbols
from oracles.formula_value import Undefined, value
from oracles.size_formulas import POINTS, formulas

H, n, s, L = symbols("H n s L", integer=True, positive=True)
u, v, i, j = symbols("u v i j", integer=True)
HALF = Rational(1, 2)


@given(formulas(12), POINTS)
def test_agrees_with_the_plain_evaluator(formula, point):
    try:
        wanted = value(formula, point)
    except Undefined:
        with pytest.raises(DomainError):
            evaluate(formula, point, unused=True)
        return
    found = evaluate(formula, point, unused=True)
    assert found == wanted and type(found) is (int if Fraction(wanted).denominator == 1 else Fraction)
    by_name = {symbol.name: number for symbol, number in point.items()}
    assert evaluate(formula, by_name, unused=True) == wanted
    assert evaluate_condition(Eq(formula, wanted, evaluate=False), point, unused=True)


def test_rounding_follows_the_mathematics_for_negative_numbers():
    for number in range(-7, 8):
        assert evaluate(floor(u / 2), {u: number}) == number // 2
        assert evaluate(ceiling(u / 2), {u: number}) == -(-number // 2)
        assert evaluate(Mod(u, 3), {u: number}) == number % 3
        assert evaluate(Mod(u, -3), {u: number}) == number % -3
        assert evaluate(Max(u, 2) + Min(u, -1), {u: number}) == max(number, 2) + min(number, -1)


def test_exact_results_have_exact_types():
    assert evaluate(n / 4, {n: 6}) == Fraction(3, 2)
    assert type(evaluate(n / 3, {n: 6})) is int
    assert evaluate(7, {}) == 7 and evaluate(Rational(6, 4), {}) == Fraction(3, 2)
    assert evaluate(sqrt(n), {n: 49}) == 7 and type(evaluate(sqrt(n), {n: 49})) is int
    assert evaluate(sqrt(n), {n: 3}) == sqrt(3)
    assert evaluate(log(n), {n: 3}) == log(3)
    assert float(evaluate(log(n) / log(2) + HALF, {n: 10})) == pytest.approx(log2(10) + 0.5, rel=1e-15)
    assert evaluate(floor(log(n) / log(2)), {n: 1024}) == 10
    assert evaluate(Max(log(n), 1), {n: 3}) == log(3)
    assert evaluate_condition(log(n) > 1, {n: 3}) is True


def test_a_formula_of_ten_thousand_terms(time_limit):
    names = symbols("q0:1000", integer=True, positive=True)
    halves = [floor(Mul(HALF, Add(name, 3, evaluate=False), evaluate=False), evaluate=False) for name in names]
    terms = [names[k % 1000] * names[k * 7 % 1000] * halves[k * 13 % 1000] for k in range(10_000)]
    numbers = {name: k % 9 + 1 for k, name in enumerate(names)}
    with time_limit(30):
        found = evaluate(Add(*terms, evaluate=False), numbers)
    q = [k % 9 + 1 for k in range(1000)]
    assert found == sum(q[k % 1000] * q[k * 7 % 1000] * ((q[k * 13 % 1000] + 3) // 2) for k in range(10_000))


def test_a_formula_five_thousand_levels_deep(time_limit):
    size, wanted = H, 10**1600
    for _ in range(5000):
        size = floor(Mul(HALF, Add(size, 3, evaluate=False), evaluate=False), evaluate=False)
        wanted = (wanted + 3) // 2
    with time_limit(30):
        assert evaluate(size, {H: 10**1600}) == wanted
        assert evaluate_condition(Eq(size, wanted, evaluate=False), {"H": 10**1600})
        with pytest.raises(FieldError, match="H"):
            evaluate(size, {})


def test_common_parts_are_computed_once(time_limit):
    shared = H
    for _ in range(200):  # written out, this has 2**200 leaves
        shared = Mod(Add(shared, Mul(shared, shared, evaluate=False), evaluate=False), 10007, evaluate=False)
    number = 3
    for _ in range(200):
        number = (number + number * number) % 10007
    with time_limit(10):
        assert evaluate(shared, {H: 3}) == number


def test_sums_and_products_over_an_index():
    assert evaluate(Sum(i * j + u, (j, 1, i), (i, 1, n)), {n: 4, u: 1}) == sum(
        a * b + 1 for a in range(1, 5) for b in range(1, a + 1)
    )
    assert evaluate(i + Sum(i, (i, 1, n)), {i: 100, n: 3}) == 106
    assert evaluate(Sum(i, (i, i, n)), {i: 2, n: 4}) == 2 + 3 + 4
    assert evaluate(Sum(u, (i, 1, 0)), {u: 5}) == 0 and evaluate(Product(u, (i, 1, 0)), {u: 5}) == 1
    assert evaluate(Product(i + u, (i, 1, n)), {n: 3, u: 1}) == 24
    inner = Sum(floor((i + j) / 2), (j, 0, i))
    assert evaluate(Sum(inner * u, (i, 0, n)), {n: 6, u: 2}) == sum(
        2 * ((a + b) // 2) for a in range(7) for b in range(a + 1)
    )
    backwards = Sum(i, (i, 0, u))  # the convention of SymPy: from 5 to 1 is minus the sum from 2 to 4
    for last in range(-6, 3):
        assert evaluate(backwards, {u: last}) == backwards.subs(u, last).doit()


def test_only_the_case_that_applies_is_looked_at():
    closed = Piecewise((L, Eq(s, 1)), ((s**L - 1) / (s - 1), True))
    assert [evaluate(closed, {s: number, L: 4}) for number in (1, 2, 3)] == [4, 15, 40]
    either = Piecewise((1, Eq(u, 0) | (1 / u > 2)), (2, True))
    assert evaluate(either, {u: 0}) == 1
    with pytest.raises(DomainError, match="no case"):
        evaluate(Piecewise((n, n > 3)), {n: 2})


def test_conditions():
    both = (n > 2) & (n < 5) & ~Eq(n, 4)
    assert [evaluate_condition(both, {n: number}) for number in range(1, 6)] == [False, False, True, False, False]
    assert evaluate_condition(True, {}) is True and evaluate_condition(Eq(n, n), {}, unused=True) is True
    for nothing in (n, 3, "n > 2", None):
        with pytest.raises(FieldError, match="relation"):
            evaluate_condition(nothing, {n: 1})


@pytest.mark.parametrize(
    "formula, numbers, error, message",
    [
        (n + s, {n: 1}, FieldError, "no value for s"),
        (n, {"n": 1, "m": 2}, FieldError, "no symbol m; its symbols are: n"),
        (n, {n: 1, "n": 2}, FieldError, "twice"),
        (n, {n: 1.0}, FieldError, "must be an integer"),
        (n, {n: True}, FieldError, "must be an integer"),
        (n, {n: "1"}, FieldError, "must be an integer"),
        (n, {3: 1}, FieldError, "by symbol or name"),
        (n, [1], FieldError, "mapping"),
        ("n", {"n": 1}, FieldError, "takes an expression"),
        (True, {}, FieldError, "takes an expression"),
        (n, {n: 0}, DomainError, "positive"),
        (n, {n: Fraction(1, 2)}, DomainError, "an integer"),
        (1 / (u - 1), {u: 1}, DomainError, "divides by zero"),
        (Mod(n, u), {n: 1, u: 0}, DomainError, "modulo zero"),
        (n**n, {n: 10**6}, BudgetError, "bits"),
        (2 ** (2**n), {n: 60}, BudgetError, "bits"),
        (factorial(n), {n: 10**9}, BudgetError, "factorial"),
        (binomial(n, s), {n: 10**9, s: 10**8}, BudgetError, "too large"),
        (Sum(i**2, (i, 1, n)), {n: 10**9}, BudgetError, "terms"),
        (Sum(Sum(i * j, (i, 1, n)), (j, 1, n)), {n: 10**6 - 1}, BudgetError, "terms"),
        (Sum(i, (i, 1, n / 2)), {n: 3}, DomainError, "integers"),
        (Function("f")(n), {n: 1}, UnsupportedError, "no number"),
        (Integral(n, n), {n: 1}, UnsupportedError, "Integral"),
    ],
)
def test_errors_say_what_is_wrong(formula, numbers, error, message):
    with pytest.raises(error, match=message):
        evaluate(formula, numbers)


def test_symbols_of_one_name():
    plain = Symbol("n")
    assert evaluate(n, {plain: 3}) == 3
    assert evaluate(n + plain, {"n": 3}) == 6
    assert evaluate(n - plain, {n: 3, plain: 1}) == 2
    assert evaluate(n, {"n": 3, "other": 1}, unused=True) == 3


def test_the_number_of_terms_can_be_raised():
    with pytest.raises(BudgetError, match="terms="):
        evaluate(Sum(i, (i, 1, n)), {n: 11}, terms=10)
    assert evaluate(Sum(i, (i, 1, n)), {n: 11}, terms=11) == 66


def test_free_symbols_are_those_of_sympy():
    for formula in (
        Sum(i * u, (i, 1, i)) + j,
        Sum(i * j, (j, 1, i), (i, 1, n)),
        Piecewise((n, s > 1), (L, True)),
        Product(Sum(i + v, (v, 0, i)), (i, u, n)),
        Mod(H, s) ** L,
    ):
        assert free_symbols(formula) == formula.free_symbols
