"""Zaslavsky's function: integers against binomial sums, logarithms against mpmath, and the symbolic face."""

from __future__ import annotations

import pickle
from fractions import Fraction
from math import comb

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import Add, Float, Integer, Max, Min, Rational, S, Sum, exp, floor, hyper, latex, log, oo, pi, symbols

from layeralgebra.algebra.errors import BudgetError, DomainError, LayerAlgebraError, UnsupportedError
from layeralgebra.algebra.formulas import log2_enclosure as enclosure
from layeralgebra.algebra.formulas import zaslavsky_numbers as hyperplane_counts
from layeralgebra.algebra.formulas.enclosed_values import bits, enclose
from layeralgebra.algebra.formulas.log2_enclosure import Enclosure, log2_enclosure, log2_of_e
from layeralgebra.algebra.formulas.zaslavsky import BinaryEntropy, Log2Zaslavsky, Zaslavsky
from layeralgebra.algebra.formulas.zaslavsky_numbers import log2_zaslavsky, zaslavsky_number

n, d = symbols("n d", integer=True, positive=True)
VGG = (802816, 150528)  # units of the first convolution at 224 x 224, and values of the image


def by_definition(hyperplanes: int, dimension: int) -> int:
    return sum(comb(hyperplanes, j) for j in range(min(hyperplanes, dimension) + 1))


def true_log2(value: int) -> mpmath.mpf:
    with mpmath.workdps(150):
        return mpmath.log(mpmath.mpf(value), 2)


def hypergeometric_log2(hyperplanes: int, dimension: int) -> mpmath.mpf:
    """log2 of C(n, d) 2F1(1, -d; n-d+1; -1), by mpmath alone."""
    with mpmath.workdps(120):
        top = (
            mpmath.loggamma(hyperplanes + 1)
            - mpmath.loggamma(dimension + 1)
            - mpmath.loggamma(hyperplanes - dimension + 1)
        )
        ratio = mpmath.hyp2f1(1, -dimension, hyperplanes - dimension + 1, -1)
        return (top + mpmath.log(ratio)) / mpmath.log(2)


def holds(enclosure: Enclosure, value: mpmath.mpf) -> bool:
    """Whether the enclosure holds a number that is itself known to 100 digits."""
    with mpmath.workdps(150):
        slack = mpmath.mpf(10) ** -90
        low, high = (mpmath.mpf(end.numerator) / end.denominator for end in (enclosure.lower, enclosure.upper))
        return bool(low - slack <= value <= high + slack)


@pytest.mark.parametrize(
    "hyperplanes, dimension, regions",
    [
        (7, 3, 64),
        (20, 5, 21700),
        (50, 20, 114075475473136),
        (6, 2, 22),
        (128, 2, 8257),
        (64, 2, 2081),
        (0, 0, 1),
        (9, -1, 0),
    ],
)
def test_golden(hyperplanes: int, dimension: int, regions: int) -> None:
    assert zaslavsky_number(hyperplanes, dimension) == regions
    assert Zaslavsky(hyperplanes, dimension) == regions


@given(st.integers(0, 300), st.integers(0, 320))
def test_exact_binomial_sum_and_recurrence(hyperplanes: int, dimension: int) -> None:
    value = zaslavsky_number(hyperplanes, dimension)
    assert value == by_definition(hyperplanes, dimension)
    if hyperplanes and dimension:
        # One more hyperplane is itself cut into Z(n-1, d-1) pieces, each of which halves a region.
        assert value == by_definition(hyperplanes - 1, dimension) + by_definition(hyperplanes - 1, dimension - 1)


@given(st.integers(1025, 5000), st.fractions(0, 1), st.sampled_from([8, 64, 200]))
def test_exact_logarithm_encloses_the_integer(hyperplanes: int, share: Fraction, places: int) -> None:
    dimension = int(hyperplanes * share)
    enclosure = log2_zaslavsky(hyperplanes, dimension, places)
    assert holds(enclosure, true_log2(by_definition(hyperplanes, dimension)))
    assert enclosure.radius < Fraction(1, 2**places)
    assert abs(float(enclosure) - float(true_log2(by_definition(hyperplanes, dimension)))) < 1e-2


@pytest.mark.parametrize(
    "hyperplanes, dimension", [VGG, (802816, 300), (10**6, 3 * 10**5), (10**9, 257), (5 * 10**7, 10**7)]
)
def test_large_logarithm_against_the_hypergeometric_function(hyperplanes: int, dimension: int) -> None:
    enclosure = log2_zaslavsky(hyperplanes, dimension)
    assert holds(enclosure, hypergeometric_log2(hyperplanes, dimension))
    assert enclosure.radius < Fraction(1, 2**64)


def test_largest_layers_take_milliseconds(time_limit) -> None:
    with time_limit(2):
        for dimension in (1, 150528, 401000, 401408, 402000, 700000, 802815):
            log2_zaslavsky.__wrapped__(VGG[0], dimension)
    assert round(float(log2_zaslavsky(*VGG)), 6) == 558920.94453


@given(st.integers(2, 10**6), st.fractions(0, 1))
def test_exact_complement(hyperplanes: int, share: Fraction) -> None:
    """Z(n, d) + Z(n, n-d-1) = 2^n, seen through the two logarithms."""
    dimension = min(int(hyperplanes * share), hyperplanes - 1)
    one, other = log2_zaslavsky(hyperplanes, dimension), log2_zaslavsky(hyperplanes, hyperplanes - dimension - 1)
    with mpmath.workdps(60):
        two = mpmath.mpf(2)
        total = two ** (mpmath.mpf(float(one.midpoint - hyperplanes))) + two ** mpmath.mpf(
            float(other.midpoint - hyperplanes)
        )
        assert abs(total - 1) < 1e-12


def test_logarithm_near_half_of_a_huge_arrangement_is_wide_but_true() -> None:
    half = log2_zaslavsky(10**12 + 1, 5 * 10**11)  # exactly 2^(10^12)
    assert 10**12 in half and 2**-64 < half.radius < 3


@given(st.integers(1, 400), st.integers(0, 400))
def test_bound_entropy(hyperplanes: int, dimension: int) -> None:
    with mpmath.workdps(40):
        x = mpmath.mpf(min(Fraction(1, 2), Fraction(dimension, hyperplanes)).numerator)
        x /= min(Fraction(1, 2), Fraction(dimension, hyperplanes)).denominator
        entropy = 0 if x == 0 else -(x * mpmath.log(x, 2) + (1 - x) * mpmath.log(1 - x, 2))
        assert true_log2(by_definition(hyperplanes, dimension)) <= hyperplanes * entropy + mpmath.mpf(10) ** -30
        formula = Zaslavsky(n, d).entropy_bound().subs({n: hyperplanes, d: dimension})
        assert abs(mpmath.mpf(formula.evalf(30)) - hyperplanes * entropy) < mpmath.mpf(10) ** -25


@given(st.fractions(min_value=Fraction(1, 10**30), max_value=10**30), st.sampled_from([4, 64, 300]))
def test_exact_logarithm_of_a_fraction(value: Fraction, places: int) -> None:
    if value:
        enclosure = log2_enclosure(value, places)
        with mpmath.workdps(150):
            assert holds(enclosure, mpmath.log(mpmath.mpf(value.numerator) / value.denominator, 2))
        assert enclosure.radius < Fraction(1, 2**places)


@given(st.integers(1, 2**80), st.integers(0, 5000), st.integers(-3, 3))
def test_exact_logarithm_of_long_integers(odd: int, shift: int, nudge: int) -> None:
    value = (odd << shift) + nudge
    if value > 0:
        with mpmath.workdps(2000):
            true = mpmath.log(mpmath.mpf(value), 2)
        assert holds(log2_enclosure(value, 80), true)


def between(low: int, high: int, places: int, true: mpmath.mpf) -> bool:
    return bool(low <= true * 2**places <= high)


@given(st.integers(1, 10**6), st.fractions(0, 1), st.integers(6, 40))
def test_exact_fixed_point_steps_are_rounded_outward(base: int, share: Fraction, places: int) -> None:
    """With few places the guard digits are gone, so that every missing unit of rounding would show."""
    top = base + int(base * share)
    with mpmath.workdps(60):
        assert between(*enclosure.log_of_ratio(top, base, places), places, mpmath.log(mpmath.mpf(top) / base))
        assert between(
            *enclosure.log2_of_ratio(top**3, base, places), places, mpmath.log(mpmath.mpf(top) ** 3 / base, 2)
        )
        assert between(*enclosure.log2_of_pi(places + 4), places + 4, mpmath.log(mpmath.pi, 2))
        exponent = int(share * 2**places) - 2**places
        for x in (exponent, exponent - 3 * 2**places, -exponent // 2):
            assert between(*enclosure.power_of_two(x, places), places, mpmath.mpf(2) ** (mpmath.mpf(x) / 2**places))


@given(st.integers(258, 10**5), st.integers(6, 40))
def test_exact_stirling_and_tail_are_rounded_outward(half: int, places: int) -> None:
    with mpmath.workdps(60):
        z = mpmath.mpf(half)
        rest = mpmath.loggamma(z + 1) - (z * mpmath.log(z) - z + mpmath.log(2 * mpmath.pi * z) / 2)
        assert between(*hyperplane_counts._stirling_correction(half, places), places, rest)
        n, d = 3 * half, half
        top = (mpmath.loggamma(n + 1) - mpmath.loggamma(d + 1) - mpmath.loggamma(n - d + 1)) / mpmath.log(2)
        assert between(*hyperplane_counts._log2_of_binomial(n, d, places), places, top)
        ratio = mpmath.hyp2f1(1, -d, n - d + 1, -1)
        assert between(*hyperplane_counts._sum_below_top(n, d, max(places - 12, 0), places), places, ratio)


def test_constants() -> None:
    with mpmath.workdps(150):
        assert holds(log2_of_e(200), 1 / mpmath.log(2))
    assert log2_of_e(200).radius < Fraction(1, 2**200)
    for power in range(-5, 6):
        assert Fraction(power) in log2_enclosure(Fraction(2) ** power)


def test_domain() -> None:
    for call in (
        lambda: log2_enclosure(0),
        lambda: log2_enclosure(-1),
        lambda: log2_zaslavsky(-1, 2),
        lambda: Zaslavsky(-2, 3),
        lambda: log2_zaslavsky(3, -1),
        lambda: zaslavsky_number(-1, 0),
        lambda: Zaslavsky(Rational(1, 2), 1),
        lambda: Zaslavsky(5, Float(1.5)),
        lambda: bits(S(-3)),
        lambda: Enclosure(Fraction(-1), Fraction(1)).inverse(),
    ):
        with pytest.raises(DomainError):
            call()
    with pytest.raises(BudgetError, match="log2_zaslavsky"):
        zaslavsky_number(*VGG)
    with pytest.raises(UnsupportedError, match="substitute numbers"):
        enclose(Zaslavsky(n, d))
    with pytest.raises(UnsupportedError, match="exp"):
        enclose(exp(pi))
    with pytest.raises(LayerAlgebraError, match="bits"):
        enclose(Zaslavsky(*VGG))


def test_simplifications() -> None:
    assert Zaslavsky(n, n + d) == Zaslavsky(n, n) == Zaslavsky(n, oo) == 2**n
    assert Zaslavsky(n, 0) == Zaslavsky(0, d) == 1
    assert Zaslavsky(n, 1) == n + 1
    assert Zaslavsky(n, n - 1) == 2**n - 1
    assert Zaslavsky(n, -1) == Zaslavsky(n, -d) == 0
    assert Zaslavsky(1, d) == 2
    assert Zaslavsky(n, d).args == (n, d)
    assert Zaslavsky(*VGG).args == VGG
    assert Zaslavsky(n, d).is_positive and Zaslavsky(n, d).is_integer
    assert Zaslavsky(n, d).subs({n: 50, d: 20}) == 114075475473136
    assert Zaslavsky(3000, 1000).doit() == by_definition(3000, 1000)
    assert Zaslavsky(*VGG).doit() == Zaslavsky(*VGG)


def test_logarithm_as_a_function() -> None:
    assert (
        Log2Zaslavsky(n, n + d) == n and Log2Zaslavsky(n, 0) == Log2Zaslavsky(0, d) == 0 and Log2Zaslavsky(n, oo) == n
    )
    assert Log2Zaslavsky(n, d).rewrite(Zaslavsky) == log(Zaslavsky(n, d)) / log(2)
    assert Log2Zaslavsky(n, d).rewrite(BinaryEntropy) == Zaslavsky(n, d).entropy_bound()
    assert Log2Zaslavsky(n, d).diff(d) == log(Zaslavsky(n, d), 2).diff(d)
    assert Log2Zaslavsky(n, d).is_nonnegative and Log2Zaslavsky(n, d).is_real
    assert latex(Log2Zaslavsky(n, d)) == r"\log_{2} \binom{n}{\leq d}"
    assert pickle.loads(pickle.dumps(Log2Zaslavsky(n, d))) == Log2Zaslavsky(n, d)
    large = Log2Zaslavsky(*VGG)
    assert abs(large.evalf(30) - Float(hypergeometric_log2(*VGG), 60)) < 1e-22
    assert enclose(3 * large) == log2_zaslavsky(*VGG).times(3)
    assert Min(large, 12544 * Log2Zaslavsky(64, 27)) == large and not large.is_Float
    with pytest.raises(DomainError):
        Log2Zaslavsky(n, -1)


def test_object() -> None:
    z = Zaslavsky(n, d)
    assert z.func(*z.args) == z and pickle.loads(pickle.dumps(z)) == z and z.free_symbols == {n, d}
    assert latex(z) == r"\binom{n}{\leq d}" and latex(z**2) == r"\binom{n}{\leq d}^{2}"
    assert latex(BinaryEntropy(d / n)) == r"H_{2}\left(\frac{d}{n}\right)"


@given(st.integers(1, 40), st.integers(1, 40))
def test_rewrites_are_exact(hyperplanes: int, dimension: int) -> None:
    z, sizes = Zaslavsky(n, d), {n: hyperplanes, d: dimension}
    true = by_definition(hyperplanes, dimension)
    assert z.rewrite(Sum).subs(sizes).doit() == true
    assert abs(z.rewrite(hyper).subs(sizes).evalf(40) - true) < Rational(1, 10**9)
    if dimension <= 9:
        assert Zaslavsky(n, dimension).expand(func=True).subs(n, hyperplanes) == true


def test_rewrite_to_entropy_is_an_upper_bound_and_says_so() -> None:
    bound = Zaslavsky(n, d).rewrite(BinaryEntropy)
    assert bound.subs({n: 20, d: 5}).evalf() > by_definition(20, 5)
    assert "upper bound" in Zaslavsky.__doc__


@pytest.mark.parametrize("hyperplanes, dimension", [(20, 5), (100, 49), (30, 25)])
def test_derivative_is_that_of_the_entropy_relaxation(hyperplanes: int, dimension: int) -> None:
    x, y = mpmath.mpf(hyperplanes), mpmath.mpf(dimension)

    def relaxed(a: mpmath.mpf, b: mpmath.mpf) -> mpmath.mpf:
        share = min(mpmath.mpf(1) / 2, b / a)
        return -a * (share * mpmath.log(share) + (1 - share) * mpmath.log(1 - share))

    logarithm = log(Zaslavsky(n, d))
    sizes = {n: hyperplanes, d: dimension}
    assert abs(logarithm.diff(n).subs(sizes).evalf() - mpmath.diff(lambda t: relaxed(t, y), x)) < 1e-9
    assert abs(logarithm.diff(d).subs(sizes).evalf() - mpmath.diff(lambda t: relaxed(x, t), y)) < 1e-9


def test_evalf_at_any_size() -> None:
    assert abs(log(Zaslavsky(*VGG), 2).evalf(30) - Float(hypergeometric_log2(*VGG), 60)) < 1e-22
    assert abs(Zaslavsky(3000, 1000).evalf(40) / by_definition(3000, 1000) - 1) < 1e-38
    assert Zaslavsky(n, d).evalf() == Zaslavsky(n, d)
    assert Log2Zaslavsky(10**9, 5 * 10**8 - 7).evalf().is_Float
    unknown = Log2Zaslavsky(10**12, 5 * 10**11)
    assert unknown.evalf() == unknown  # its enclosure is three bits wide: eleven digits, not fifteen


def test_bits_and_enclose_agree_with_integers() -> None:
    a, b = Zaslavsky(3000, 700), Zaslavsky(2000, 500)
    x, y = by_definition(3000, 700), by_definition(2000, 500)
    for formula, value in [
        (a * b**3, x * y**3),
        (a + b, x + y),
        (3 * a + 5, 3 * x + 5),
        (Min(a, b), min(x, y)),
        (Max(a, b), max(x, y)),
        (a**2 + b, x * x + y),
        (S(7), 7),
    ]:
        assert holds(bits(formula), true_log2(value)) and bits(formula).radius < Fraction(1, 2**40)
    complexity = log(a) / log(2) + Min(5 * log(b) / log(2), log(a) / log(2)) - 3
    with mpmath.workdps(150):
        true = true_log2(x) + min(5 * true_log2(y), true_log2(x)) - 3
    assert holds(enclose(complexity), true) and enclose(complexity).radius < Fraction(1, 2**40)
    assert enclose(floor(Integer(7) / 2) + Float(0.5)).midpoint == Fraction(7, 2)
    assert Fraction(1, 9) in enclose(Add(2, 1, evaluate=False) ** -2)
