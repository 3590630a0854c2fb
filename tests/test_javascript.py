"""JavaScript that `codegen` writes, run in node, against exact Python and the library's Python functions."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import pytest
import sympy
from javascript import Thrown, needs_node, run
from sympy import (
    Max,
    Piecewise,
    Product,
    Sum,
    binomial,
    erf,
    exp,
    factorial,
    floor,
    gamma,
    log,
    loggamma,
    sqrt,
    symbols,
)

import layeralgebra as la
from layeralgebra import codegen
from layeralgebra.algebra.compilation.program.operations import OPERATIONS, Operation, add_operation
from layeralgebra.algebra.errors import DomainError, UnsupportedError
from layeralgebra.algebra.formulas.function import FormulaFunction, Rule
from layeralgebra.algebra.formulas.zaslavsky import Log2Zaslavsky, Zaslavsky
from layeralgebra.layers.zoo.families import families
from oracles.formula_value import Undefined, value
from oracles.random_formulas import formulas, sizes

H, W, c, g, L = la.dims("H W c g L")
n, m = symbols("n m", integer=True)
METRICS = ("parameters", "macs", "flops", "activations")


def expected(e, at):
    try:
        return value(e, at)
    except Undefined:
        return None


def same(got, want):
    """Equal, and of one kind; nothing where Python has nothing; doubles but for their last digits."""
    if want is None:
        return isinstance(got, Thrown) and got.name == "RangeError"
    if isinstance(want, float):
        if math.isnan(want):
            return isinstance(got, float) and math.isnan(got)
        return isinstance(got, float) and (got == want or abs(got - want) <= 1e-13 * max(abs(want), 1e-300))
    return type(got) is type(want) and got == want


@needs_node
def test_random_formulas_are_exact():
    r = random.Random(41)
    chosen = list(formulas(r, 150))
    cases, wanted = [], []
    for e in chosen:
        columns = sizes(r, e, 6)
        points = list(zip(*columns.values(), strict=True))
        cases.append((codegen(e, "javascript"), points))
        wanted.append([expected(e, dict(zip(columns, point, strict=True))) for point in points])
    for e, (_, points), got, want in zip(chosen, cases, run(cases), wanted, strict=True):
        for point, found, right in zip(points, got, want, strict=True):
            assert same(found, right), (e, point, found, right)
    kinds = [type(right) for want in wanted for right in want]
    assert kinds.count(int) > 300 and kinds.count(Fraction) > 50 and kinds.count(type(None)) > 0


def _points(r, derivation, published, count):
    """Published sizes, small ones, and ones of many digits."""
    compiled = la.compile(derivation, "python")
    symbols_of = [next(x for x in (*compiled.symbols,) if x.name == name) for name in compiled.arguments]
    yield [published.get(symbol, 3) for symbol in symbols_of]
    for place in range(count):
        scale = [4, 64, 10**6, 10**30][place % 4]
        yield [
            max(1, published.get(symbol, 3) + r.randint(-2, 2)) if r.random() < 0.5 else r.randint(1, scale)
            for symbol in symbols_of
        ]


@needs_node
def test_every_family_of_the_zoo(request):
    """All of them in the full profile, every third one in the quick one."""
    r, step = random.Random(42), 1 if request.config.getoption("--slow") else 3
    cases, wanted, names = [], [], []
    for family in list(families().values())[::step]:
        name = next(iter(family.published))
        net, published = la.zoo.symbolic(name)
        for metric in METRICS:
            derivation = la.derive(metric, net)
            compiled = la.compile(derivation, "python")
            points = list(_points(r, derivation, published, 8))
            cases.append((codegen(derivation, "javascript"), points))
            names.append(f"{metric} of {name}")
            want = []
            for point in points:
                try:
                    want.append(compiled(**dict(zip(compiled.arguments, point, strict=True))))
                except DomainError:
                    want.append(None)
            wanted.append(want)
    for name, (_, points), got, want in zip(names, cases, run(cases), wanted, strict=True):
        for point, found, right in zip(points, got, want, strict=True):
            assert same(found, right), (name, point, found, right)
    assert len(names) >= 4 * 28 // step
    assert sum(right is not None for want in wanted for right in want) > 4 * len(names)


REAL = [
    log(c) + sqrt(H) * c, c ** sympy.Rational(1, 3), exp(-c / H), log(factorial(c) / H), sympy.sin(c) * sympy.tan(H),
    sympy.atan(c / H) + sympy.asinh(c) - sympy.acosh(H), erf(c / H) + erf(-c / (3 * H)), gamma(c / H + 1), loggamma(c / H),
    sympy.digamma(c / H), Log2Zaslavsky(H, c), Max(log(c), sqrt(H)), Piecewise((log(c), log(c) < 2), (sqrt(c), True)),
    Sum(log(n + c), (n, 1, g)), Product(sqrt(n), (n, 1, g)), sympy.tanh(c / H) * sympy.cosh(c / H) + sympy.sinh(-c),
    log(c**400 * H**300), sympy.Abs(log(c) - H), sympy.sign(log(c) - log(H)), sympy.pi * c, c**sympy.pi / H, 2.5 * c + H,
]  # fmt: skip


@needs_node
def test_logarithms_roots_and_the_like_are_doubles():
    r = random.Random(43)
    cases, wanted = [], []
    for e in REAL:
        compiled = la.compile(e, "python")
        points = [
            [r.randint(1, r.choice([4, 40, 400]) if name != "g" else 9) for name in compiled.arguments]
            for _ in range(25)
        ]
        cases.append((codegen(e, "javascript"), points))
        wanted.append([compiled(**dict(zip(compiled.arguments, point, strict=True))) for point in points])
    for e, (_, points), got, want in zip(REAL, cases, run(cases), wanted, strict=True):
        for point, found, right in zip(points, got, want, strict=True):
            close = isinstance(found, float) and math.isclose(found, right, rel_tol=2e-12, abs_tol=1e-13)
            assert same(found, right) or close, (e, point, found, right)


@needs_node
def test_quotients_are_rounded_to_the_nearest_double():
    r = random.Random(44)
    points = [
        (
            r.getrandbits(r.choice([5, 54, 64, 1000, 1100, 2000])) + 1,
            r.getrandbits(r.choice([5, 54, 64, 1000, 1100, 2000])) + 1,
        )
        for _ in range(2000)
    ]
    points += [(1, 2**k) for k in (1022, 1023, 1074, 1075, 1076)] + [
        (3, 2**1075),
        (5, 2**1076),
        (2**1024 - 1, 1),
        (2**53 + 1, 1),
    ]
    points += [(2**54 + 1 + 2 * k, 2**1077) for k in range(9)] + [(2**k + 1, 2**1130) for k in range(50, 62)]
    (got,) = run([(codegen(log(c / H), "javascript"), points)], name="ratio")
    for (top, bottom), found in zip(points, got, strict=True):
        try:
            right = top / bottom
        except OverflowError:
            right = math.inf
        assert found == right, (top, bottom)


@needs_node
def test_integers_of_any_length():
    e = {
        "power": 2**c, "choices": binomial(H, g), "factorial": factorial(g), "regions": Zaslavsky(H, g), "root": floor(sqrt(H)),
        "logarithm": floor(log(H, 2)), "cube root": floor(H ** sympy.Rational(1, 3)),
    }  # fmt: skip
    points = [(h, k, d) for h in (7, 10**20, 2**200, 2**200 - 1, 27, 64) for k in (1, 300) for d in (1, 5, 40)]
    (got,) = run([(codegen(e, "javascript"), points)])
    compiled = la.compile(e, "python")
    assert compiled.arguments == ("H", "c", "g")
    for (h, k, d), found in zip(points, got, strict=True):
        assert found == compiled(H=h, c=k, g=d)
        assert found["root"] == math.isqrt(h) and found["logarithm"] == h.bit_length() - 1


@needs_node
def test_arguments_are_checked():
    source = codegen(floor((H - 3) / 2) + 1, "javascript", domain=[H >= 3])
    results = run([(source, [(3,), (2,), (1.5,), (None,), (True,), (2.0**60,), (10**40,)])])[0]
    assert results[0] == 1 and results[-1] == (10**40 - 3) // 2 + 1
    assert [error.name for error in results[1:-1]] == ["RangeError", "TypeError", "TypeError", "TypeError", "TypeError"]
    (value_of,) = run([(codegen(c + H, "javascript"), [(2, 3.0)])])
    assert value_of == [5], "a safe integer may be a number"


HOSTILE = ["</script><script>alert(1)</script>", "a'b", 'a"b', "a\\", "`${x}`", "*/ alert(1) /*", "\u2028x", "<!--", "class",
           "__proto__", "formula", "plus", "Math", "BigInt", "1", "Ωλ"]  # fmt: skip


@needs_node
@pytest.mark.parametrize("name", HOSTILE)
def test_names_from_outside_are_text(name):
    symbol = sympy.Symbol(name, integer=True, positive=True)
    source = codegen({name: symbol**2 / 2 + 1}, "javascript", domain=[symbol >= 2])
    assert "</" not in source and "<!--" not in source
    (results,) = run([(source, [(4,), (5,), (1,)])])
    assert results[:2] == [{name: 9}, {name: Fraction(27, 2)}]
    assert isinstance(results[2], Thrown) and results[2].name == "RangeError"


def test_what_has_no_javascript_is_refused_by_name():
    class Halved(FormulaFunction):
        nargs = 1
        is_integer = True
        rule = Rule(lambda n: n // 2, lambda n: (-math.inf, math.inf), stands_alone=False)

    with pytest.raises(UnsupportedError, match="JavaScript"):
        codegen(Halved(c), "javascript")
    with pytest.raises(UnsupportedError, match="SymPy"):
        codegen(floor(sqrt(H) + sqrt(c)), "javascript")
    with pytest.raises(UnsupportedError, match="another name"):
        codegen(c, "javascript", name="delete")


def doubled(k):
    return 2 * k


class Doubled(FormulaFunction):
    nargs = 1
    is_integer = True
    rule = Rule(doubled, lambda k: (2 * k[0], 2 * k[1]), javascript_source="function doubled(k) { return 2n * k; }")


class BitwiseAnd(sympy.Function):
    nargs = 2
    is_integer = True


@needs_node
def test_functions_and_operations_of_users_bring_their_text(monkeypatch):
    from layeralgebra.algebra.compilation.program import operations

    monkeypatch.setattr(operations, "READ_AS", operations.READ_AS)
    add_operation(
        "bitwise_and_of_a_test",
        Operation(reads=BitwiseAnd, whole=True, python="({} & {})".format, javascript="({} & {})".format),
    )
    try:
        (results,) = run([(codegen(Doubled(c) + BitwiseAnd(c, H), "javascript"), [(12, 10), (10**30, 7)])])
    finally:
        del OPERATIONS["bitwise_and_of_a_test"], operations.READ_AS[BitwiseAnd]
    assert results == [20 + (12 & 10), 14 + (10**30 & 7)]


@needs_node
def test_long_formulas():
    widths = la.dims(" ".join(f"c{i}" for i in range(301)))
    e = sympy.Add(*[9 * a * b * floor(W / 2) + b for a, b in zip(widths, widths[1:], strict=False)])
    numbers = [random.Random(5).randint(1, 10**12) for _ in widths]
    compiled = la.compile(e, "python")
    arguments = {"W": 15, **{width.name: number for width, number in zip(widths, numbers, strict=True)}}
    (results,) = run([(codegen(e, "javascript"), [[arguments[name] for name in compiled.arguments]])])
    assert results == [compiled(**arguments)]


def test_overflow_keeps_its_sign():
    from layeralgebra.algebra.compilation.program import functions

    assert functions.floatpow(-10.0, 401.0) == -math.inf and functions.floatpow(-10.0, 402.0) == math.inf
    assert functions.function("sinh", -1000.0) == -math.inf and functions.function("cosh", -1000.0) == math.inf
