"""Derivatives by the backward pass against SymPy's own, and what is said about floors."""

from __future__ import annotations

import random
import time

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from sympy import Max, Min, Mod, Piecewise, Product, Sum, binomial, ceiling, exp, floor, log, sqrt, symbols
from sympy.core.cache import clear_cache

from layeralgebra.algebra.compilation import compile
from layeralgebra.algebra.compilation.program.gradient import gradient
from layeralgebra.algebra.errors import FieldError, UnsupportedError
from layeralgebra.algebra.sizes.dims import dims

H, W, c, L = dims("H W c L")
x, y = symbols("x y", positive=True)


def same(left, right):
    return sympy.expand(left - right) == 0


@st.composite
def smooth(draw, depth=3):
    """Formulas without floors."""
    if depth == 0 or draw(st.integers(0, 5)) == 0:
        return draw(st.sampled_from([H, W, c, x, sympy.Integer(3), sympy.Rational(2, 5)]))
    kind = draw(st.sampled_from(["add", "mul", "pow", "inverse", "log", "exp", "sqrt"]))
    part = smooth(depth=depth - 1)
    if kind == "add":
        return draw(part) + draw(part)
    if kind == "mul":
        return draw(part) * draw(part)
    if kind == "pow":
        return draw(part) ** draw(st.integers(2, 3))
    if kind == "inverse":
        return 1 / (draw(part) + 7)
    return {"log": log, "exp": exp, "sqrt": sqrt}[kind](draw(part) + 5)


@given(smooth())
def test_smooth_formulas(e):
    wanted = [H, W, c, x]
    at = {H: sympy.Rational(7, 3), W: sympy.Rational(5, 4), c: sympy.Rational(1, 2), x: sympy.Rational(9, 8)}
    for ours, symbol in zip(gradient(e, wanted), wanted, strict=True):
        theirs = e.diff(symbol)
        values = [part.xreplace(at).evalf(30) for part in (ours, theirs)]
        assert abs(values[0] - values[1]) <= sympy.Float(10) ** -20 * (1 + abs(values[1])), (e, symbol, ours, theirs)


def test_polynomials_are_structurally_those_of_sympy_once_expanded():
    e = (H * W * c + 3) ** 3 * (H + c) + H * W**2 / (1 + c)
    for ours, symbol in zip(gradient(e, [H, W, c]), [H, W, c], strict=True):
        assert same(sympy.together(ours - e.diff(symbol)), 0)
    assert gradient(H**3, [H, L]) == (3 * H**2, 0)
    assert gradient(sympy.Integer(4), [H]) == (0,)


def test_long_products_cost_their_length():
    widths = dims(" ".join(f"c{i}" for i in range(60)))
    product = sympy.Mul(*widths)
    found = gradient(product, widths)
    assert (
        found[0] == sympy.Mul(*widths[1:])
        and found[31] == product / widths[31]
        and found[-1] == sympy.Mul(*widths[:-1])
    )


def test_functions_with_cases():
    assert gradient(Max(x, y), [x])[0] == sympy.Heaviside(x - y)
    assert gradient(Min(x, y, 3), [x])[0] == sympy.Heaviside(Min(3, y) - x)
    assert gradient(abs(x - y), [y])[0] == -sympy.sign(x - y)
    e = Piecewise((x**2, x > y), (x * y, True))
    (found,) = gradient(e, [x])
    assert found.subs({x: 3, y: 1}) == 6 and found.subs({x: 1, y: 3}) == 3
    assert gradient(binomial(x, 2), [x])[0].subs(x, 5).evalf() == pytest.approx(4.5)


def test_sums_and_products_over_an_index():
    i = symbols("i", integer=True, positive=True)
    assert same(gradient(Sum(c * i**2 + c**2, (i, 1, L)), [c])[0].doit(), Sum(i**2 + 2 * c, (i, 1, L)).doit())
    (found,) = gradient(Product(c + i, (i, 1, 3)), [c])
    assert same(found.doit().together().cancel(), sympy.diff((c + 1) * (c + 2) * (c + 3), c))
    with pytest.raises(UnsupportedError, match="number of terms"):
        gradient(Sum(Mod(i, 3), (i, 1, L)), [L])


def test_floors_are_refused_smoothed_or_constant():
    e = c**2 * floor((H - 7) / 2) + ceiling(H / 3) * c
    assert gradient(e, [c]) == (2 * c * floor((H - 7) / 2) + ceiling(H / 3),)
    with pytest.raises(UnsupportedError, match="floors='smooth'"):
        gradient(e, [H])
    assert same(gradient(e, [H], floors="smooth")[0], c**2 / 2 + c / 3)
    assert gradient(e, [H], floors="constant") == (0,)
    assert gradient(Mod(x, y), [x, y], floors="constant") == (1, -floor(x / y))
    assert gradient(Mod(x, y), [x, y], floors="smooth") == (0, 0)
    with pytest.raises(UnsupportedError):
        gradient(Mod(x, y), [x])


def test_requests_that_make_no_sense():
    with pytest.raises(FieldError, match="floors"):
        gradient(c, [c], floors="ignore")
    with pytest.raises(FieldError, match="symbols"):
        gradient(c, ["c"])


def chain(count):
    widths = dims(" ".join(f"c{i}" for i in range(count + 1)))
    return widths, sympy.Add(*[9 * a * b * floor(H / 2) ** 2 + b for a, b in zip(widths, widths[1:], strict=False)])


def test_the_gradient_in_hundreds_of_symbols_equals_that_of_sympy():
    widths, e = chain(120)
    assert gradient(e, widths) == tuple(e.diff(width) for width in widths)


@pytest.mark.slow
def test_a_thousand_symbols_a_hundred_times_faster_than_sympy():
    """Derivatives and their compilation; of SymPy's thousand derivatives fifty are timed, and it needs all of them."""
    widths, e = chain(1000)
    arguments = {width.name: random.Random(1).randint(1, 99) for width in widths}
    ratios = []
    for _ in range(3):
        clear_cache()  # neither may find what it computed in the round before
        start = time.perf_counter()
        found = gradient(e, widths)
        compiled = compile(
            {"value": e, **{width.name: part for width, part in zip(widths, found, strict=True)}}, "python"
        )
        ours = compiled(H=14, **arguments)
        own = time.perf_counter() - start
        clear_cache()
        start = time.perf_counter()
        theirs = [e.diff(width) for width in widths[:50]]
        derivatives = (time.perf_counter() - start) / 50 * len(widths)
        assert theirs == list(found[:50])
        start = time.perf_counter()
        function = sympy.lambdify([H, *widths], [e, *found])
        lambdified = time.perf_counter() - start
        assert function(14, *arguments.values()) == list(ours.values())
        ratios.append((derivatives + lambdified) / own)
    print("ratios to SymPy:", [round(ratio) for ratio in ratios])
    assert sorted(ratios)[1] > 100
