"""Closed sums and lattice counts against adding and counting one by one."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import Add, Eq, Integer, Max, Min, Piecewise, Rational, Sum, Symbol, floor, symbols

from layeralgebra.algebra.errors import FieldError
from layeralgebra.algebra.sizes.normal_form import same, simplify
from layeralgebra.algebra.sizes.summation import lattice_count, summation
from oracles.formula_value import Undefined, value
from oracles.size_formulas import POINTS, formulas

c, g, s, t, L, K, H, n, k, d = symbols("c g s t L K H n k d", integer=True, positive=True)
i, u, m, first, last = symbols("i u m first last", integer=True)

RATIOS = [
    Integer(2),
    Integer(3),
    Integer(-1),
    Integer(-2),
    Rational(1, 2),
    Rational(-2, 3),
    s,
    s + 1,
    2 * s,
    s * t,
    1 / s,
]


def added(summand, index, low, high, at):
    return sum(value(summand, {**at, index: number}) for number in range(low, high + 1))


@given(
    st.lists(
        st.tuples(st.integers(-4, 4), st.integers(0, 6), st.sampled_from([1, c, g, c * g])), min_size=1, max_size=4
    )
)
def test_polynomials_close_for_all_limits(terms):
    summand = Add(*(factor * symbol * i**power for factor, power, symbol in terms))
    closed = summation(summand, i, first, last)
    assert not closed.has(Sum)
    for low, length in product(range(-3, 4), range(5)):
        point = {first: low, last: low + length - 1, c: 2, g: 3}
        assert value(closed, point) == added(summand, i, low, low + length - 1, point)


@given(st.sampled_from(RATIOS), st.integers(0, 3), st.integers(1, 2), st.integers(-1, 2))
def test_geometric_sums_close_for_all_ratios(ratio, power, step, shift):
    summand = c * i**power * ratio ** (step * i + shift) + g
    closed = summation(summand, i, 0, L - 1)
    assert not closed.has(Sum)
    for length, base, other in product(range(1, 5), (1, 2, 3), (1, 2)):
        point = {L: length, s: base, t: other, c: 2, g: 3}
        assert value(closed, point) == added(summand, i, 0, length - 1, point), (closed, point)


@pytest.mark.parametrize("ratio", [s, s * t, s**2, 1 / s])
def test_a_symbolic_ratio_keeps_the_branch_of_one(ratio):
    closed = summation(i * ratio**i, i, 0, L)
    assert closed.has(Piecewise)
    for length in range(1, 5):
        assert value(closed, {s: 1, t: 1, L: length}) == length * (length + 1) // 2


@pytest.mark.parametrize("ratio", [s, s * t, 1 / s])
def test_cases_that_do_not_depend_on_the_index_stand_outside(ratio):
    """The sum of a geometric sum, whose branch for a ratio of one is a polynomial."""
    inner = summation(ratio**u, u, 0, i - 1)
    for summand in (inner, i * inner, c * inner + ratio**i, inner**2):
        closed = summation(summand, i, 0, L - 1)
        assert not closed.has(Sum)
        for length, base, other in product(range(1, 5), (1, 2, 3), (1, 2)):
            point = {L: length, s: base, t: other, c: 2}
            assert value(closed, point) == added(summand, i, 0, length - 1, point), (closed, point)


def test_a_ratio_that_cannot_be_one_has_no_cases():
    for ratio in (s + 1, 2 * s, Integer(3), -s):
        assert not summation(ratio**i, i, 0, L - 1).has(Piecewise)


def test_the_sum_is_empty_one_below_its_first_place():
    for summand in (i**3 + c, 2**i * i, s**i, (s + 1) ** i * i**2):
        closed = summation(summand, i, first, last)
        for low, base in product(range(4), (1, 2, 3)):
            assert value(closed, {first: low, last: low - 1, s: base, c: 5}) == 0


@given(formulas(6), POINTS, st.integers(0, 2), st.integers(-1, 4))
def test_any_summand(formula, point, low, length):
    """Whatever does not close stays a sum, and all together has the value of adding."""
    z = next(symbol for symbol in point if symbol.name == "z")
    try:
        wanted = added(formula, z, low, low + length, point)
    except Undefined:
        return
    for high in (Integer(low + length), last):
        closed = summation(formula, z, low, high)
        assert value(closed, {**point, last: low + length}) == wanted, closed


def test_known_sums():
    assert summation(i, i, 1, n) == simplify(n * (n + 1) / 2)
    assert summation(i**3, i, 1, n) == simplify((n * (n + 1) / 2) ** 2)
    assert summation(1, i, 1, n) == n and summation(0, i, 1, n) == 0
    assert summation(2**i, i, 0, L - 1) == 2**L - 1
    assert summation(s**i, i, 0, L - 1).args[0] == (L, Eq(s, 1))
    assert summation((c + i * g) * (c + (i + 1) * g), i, 0, L - 1).is_polynomial(L)
    assert summation(floor(i / 2), i, 0, 5) == 0 + 0 + 1 + 1 + 2 + 2
    assert same(summation(i**12, i, 1, n) - summation(i**12, i, 1, n - 1), n**12) is True


def test_the_rest_stays_a_sum_of_its_own():
    total = summation(i * g + c * floor(i / 2), i, 0, L - 1)
    (rest,) = total.atoms(Sum)
    assert rest == Sum(c * floor(i / 2), (i, 0, L - 1))
    assert same(total - rest, g * L * (L - 1) / 2) is True
    assert summation(1 / i, i, 1, n) == Sum(1 / i, (i, 1, n))


def test_the_index_is_an_integer_whatever_its_symbol_says():
    positive = Symbol("j", integer=True, positive=True)
    summand = Max(positive, 1, evaluate=False)
    assert summation(summand, positive, 0, 3) == 1 + 1 + 2 + 3
    assert value(summation(summand, positive, 0, L), {L: 3}) == 7
    unknown = Symbol("q")
    assert summation(unknown, unknown, 0, n) == simplify(n * (n + 1) / 2)


def test_a_sum_with_two_thousand_terms(time_limit):
    names = symbols("q0:200", integer=True, positive=True)
    summand = Add(*(names[j % 200] * c**j * i ** (j % 5) for j in range(2000)))
    with time_limit(30):
        closed = summation(summand, i, 0, L - 1)
    point = {L: 3, c: 1, **{name: j + 1 for j, name in enumerate(names)}}
    assert value(closed, point) == added(summand, i, 0, 2, point)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((i, 3, 0, 1), "symbol"),
        ((i, i, 0, i), "upper limit i contains"),
        ((i, i, i - 1, 4), "lower limit"),
        (("i", i, 0, 1), "takes expressions"),
        ((i, i, 0, 1.5), "takes expressions"),
        ((i, i, 0, -2), "backwards"),
        ((i, i, n, n - 5), "backwards"),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(FieldError, match=message):
        summation(*arguments)


# Lattice points


def counted(bound, step, extent, other, count):
    return sum(step * a + other * b <= bound for a in range(extent) for b in range(count))


CONFIGURATIONS = [
    (m, 1, n, 1, k),
    (m, s, n, 1, k),
    (m, 1, n, d, k),
    (m, s, n, s, k),
    (m, s, n, 2 * s, k),
    (m, 2, n, 4, k),
    (m, 2, n, 3, 5),
    (m, s, 4, d, k),
    (m, s, n, d, k),
    (m, 3, 7, 2, 6),
    (H + 1, 1, H, 1, 3),
    (H - 1, 2, floor((H - 1) / 2) + 1, 1, 3),
    (floor(H / 2) - n, s, n, 1, k),
]


@pytest.mark.parametrize("configuration", CONFIGURATIONS, ids=str)
@given(data=st.data())
def test_lattice_counts_agree_with_counting(configuration, data):
    small = {s: 4, d: 4, n: 7, k: 7, H: 15}
    point = {symbol: data.draw(st.integers(1, top), label=symbol.name) for symbol, top in small.items()}
    point[m] = data.draw(st.integers(-8, 45), label="m")
    numbers = [value(Integer(0) + argument, point) for argument in configuration]
    assert value(lattice_count(*configuration), point) == counted(*numbers)


@given(st.integers(-5, 60), st.integers(1, 5), st.integers(0, 9), st.integers(1, 5), st.integers(0, 9))
def test_lattice_counts_of_numbers_are_numbers(bound, step, extent, other, count):
    assert lattice_count(bound, step, extent, other, count) == counted(bound, step, extent, other, count)


@pytest.mark.parametrize("pad", range(5))
def test_products_of_a_same_padded_convolution(pad):
    """``H k - p (p+1)`` for ``k = 2 p + 1 < 2 H``, and the true number for all H."""
    width = 2 * pad + 1
    touched = lattice_count(H + pad - 1, 1, H, 1, width) - lattice_count(pad - 1, 1, H, 1, width)
    for size in range(1, 12):
        true = sum(0 <= place + tap - pad < size for place in range(size) for tap in range(width))
        assert value(touched, {H: size}) == true
        if width < 2 * size:
            assert true == size * width - pad * (pad + 1)


def test_causal_attention_touches_a_triangle():
    assert lattice_count(H - 1, 1, H, 1, H) == simplify(H * (H + 1) / 2)


def test_closed_forms_are_closed():
    for configuration in CONFIGURATIONS[:8]:
        assert not lattice_count(*configuration).has(Sum)
    assert lattice_count(m, 1, n, 1, k).atoms(Max) and not lattice_count(m, 1, n, 1, k).atoms(Min)
    assert lattice_count(s * n + d * k, s, n, d, k) == n * k
    assert lattice_count(-n, s, n, d, k) == 0
    rest = lattice_count(m, s, n, d, k)
    assert isinstance(rest, Sum) and rest.free_symbols == {m, s, n, d, k}


@pytest.mark.parametrize("arguments", [(m, 0, n, 1, k), (m, 1, n, -s, k), (m, 1, -1, 1, k), (m, 1, n, 1, -k)])
def test_impossible_steps_and_extents_are_refused(arguments):
    with pytest.raises(FieldError):
        lattice_count(*arguments)


def test_fractions_in_the_summand():
    closed = summation(Rational(1, 3) * i**2 + Rational(1, 2) ** i, i, 0, 4)
    assert Fraction(int(closed.p), int(closed.q)) == sum(Fraction(j * j, 3) + Fraction(1, 2**j) for j in range(5))


@pytest.mark.parametrize("degree", [0, 1, 3])
@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("cut", [Max(0, i + u), Max(0, u - i), Min(c, u + i), Min(i - u, c), Max(u, i)], ids=str)
def test_what_is_cut_off_closes(cut, degree, power):
    """Windows that are not yet full, as those of a sliding attention over the first tokens, for all limits."""
    closed = summation(g * i**degree * cut**power, i, first, last)
    assert not closed.has(Sum)
    for low, length, shift in product((-3, 0, 2), (0, 1, 4, 7), (-4, -1, 0, 3)):
        at = {first: low, last: low + length - 1, u: shift, c: 2, g: 3}
        assert value(closed, at) == added(g * i**degree * cut**power, i, low, low + length - 1, at)


def test_what_is_cut_off_at_no_integer_stays_a_sum():
    assert summation(Max(0, i - Rational(1, 2)), i, 0, n).has(Sum)
    assert summation(Max(0, 2 * i - u), i, 0, n).has(Sum)
