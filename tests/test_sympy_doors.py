"""Formulas that leave through SymPy's own doors: `lambdify`, its printers with the compilers behind them, `evalf` and `subs`.

What is right comes from `oracles.formula_value`, which evaluates SymPy's trees with integers and fractions.
"""

from __future__ import annotations

import functools
import json
import math
import pickle
import random
import shutil
import subprocess
from fractions import Fraction

import numpy as np
import pytest
import sympy
from sympy import Eq, Integer, Max, Min, Mod, Piecewise, Rational, ceiling, floor

import layeralgebra as la
from layeralgebra.algebra.formulas.zaslavsky import BinaryEntropy, Log2Zaslavsky, Zaslavsky
from layeralgebra.algebra.regions.published_bounds import PerceptronRegions
from oracles.formula_value import Undefined, value

SYMBOLS = N, H, k, s, c = la.dims("N H k s c")


def part(r: random.Random, depth: int) -> sympy.Expr:
    """An integer: a size, or something rounded."""
    if depth == 0 or r.random() < 0.2:
        return r.choice(SYMBOLS) * r.choice([1, 1, 2, 3, -1]) + r.randint(-4, 9)
    inside, other = part(r, depth - 1), part(r, depth - 1)
    over = r.choice([2, 3, 4, 5, 7, 10, s, k, 2 * s, s * k, s + 1])
    kind = r.choice("floor ceiling fraction mod max cases sum product".split())
    if kind == "floor":
        return floor(inside / over)
    if kind == "ceiling":
        return ceiling(inside / over)
    if kind == "fraction":
        return floor(inside / r.choice([2, 3, 6, s]) + Rational(r.randint(-7, 7), r.randint(1, 9)))
    if kind == "mod":
        return Mod(inside, over)
    if kind == "max":
        return r.choice([Max, Min])(inside, other)
    if kind == "cases":
        return Piecewise((inside, r.choice([inside > other, Eq(Mod(N, k), 0), N >= k])), (other, True))
    return inside + other if kind == "sum" else inside * r.choice(SYMBOLS)


def formulas(r: random.Random, count: int) -> list[sympy.Expr]:
    """Sums of products of sizes and roundings, as the metrics give them."""
    found: list[sympy.Expr] = []
    while len(found) < count:
        try:
            made = sum(
                (c ** r.randint(0, 2) * r.randint(1, 9) * part(r, r.randint(1, 3)) for _ in range(r.randint(1, 3))),
                Integer(0),
            )
        except RecursionError:  # SymPy's remainders of some products take one out of the other without end
            continue
        if made.free_symbols:
            found.append(made)
    return found


def points(r: random.Random, count: int) -> list[dict[sympy.Symbol, int]]:
    return [{symbol: r.randint(1, r.choice([9, 60, 400])) for symbol in SYMBOLS} for _ in range(count)]


@pytest.fixture
def cases(request):
    """Formulas, points and the right values; many in the full profile."""
    many = request.config.getoption("--slow")
    return known(600 if many else 60, 170 if many else 8)


@functools.cache
def known(count, at_each):
    """So many formulas, with points and the values there."""
    r = random.Random(20261128)
    made = [(e, points(r, at_each)) for e in formulas(r, count)]
    return [(e, at, [value(e, one) for one in at]) for e, at in made]


def divides(e: sympy.Expr) -> bool:
    """Whether there is a division besides those that are rounded: a float is then as near as floats are."""
    outside = e.replace(lambda part: isinstance(part, (floor, ceiling, Mod)), lambda part: Integer(1))
    return any(not number.is_Integer for number in outside.atoms(Rational))


def agree(found: float, expected: int | Fraction) -> bool:
    """Equal; where the exact value is beyond what a float holds, up to rounding."""
    return found == expected or (abs(expected) > 2**52 and math.isclose(found, expected, rel_tol=1e-12))


@pytest.mark.parametrize("module", ["math", "numpy", "mpmath", "sympy"])
def test_lambdify(cases, module):
    for e, at, expected in cases:
        called = sympy.lambdify(SYMBOLS, e, module)
        for one, right in zip(at, expected):
            found = called(*(one[symbol] for symbol in SYMBOLS))
            near = module == "sympy" and divides(e) and math.isclose(found, right, rel_tol=1e-12)
            assert near or agree(found, right), (e, one, found, right)


def test_lambdify_of_arrays(cases):
    for e, at, expected in cases:
        called = sympy.lambdify(SYMBOLS, e, "numpy")
        found = called(*(np.array([one[symbol] for one in at]) for symbol in SYMBOLS))
        assert all(map(agree, np.broadcast_to(found, len(at)).tolist(), expected)), e


def test_subs_and_evalf(cases):
    for e, at, expected in cases[:300]:
        for one, right in zip(at[:3], expected):
            assert e.subs(one) == right and int(e.evalf(60, subs=one)) == right


def printed(cases, write):
    """The right values, and for each formula its text and its points."""
    expected = [right for _, _, values in cases for right in values]
    return expected, [(write(e), [[one[symbol] for symbol in SYMBOLS] for one in at]) for e, at, _ in cases]


def check(program: list[str], expected, cases):
    lines = subprocess.run(program, check=True, capture_output=True, text=True, timeout=250).stdout.split()
    places = [(e, one) for e, at, _ in cases for one in at]
    assert len(lines) == len(expected)
    for found, right, place in zip(lines, expected, places):
        assert agree(float(found), right), (place, found, right)


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not on the path")
def test_c(cases, tmp_path):
    cases = cases[:400]
    expected, texts = printed(cases, sympy.ccode)
    names = ", ".join(f"long long {symbol}" for symbol in SYMBOLS)
    source = ["#include <math.h>", "#include <stdio.h>"]
    source += [f"static double f{place}({names}) {{ return {text}; }}" for place, (text, _) in enumerate(texts)]
    source += ["int main(void) {"]
    for place, (_, at) in enumerate(texts):
        source += [f'printf("%.17g\\n", f{place}({", ".join(map(str, one))}));' for one in at]
    (tmp_path / "formulas.c").write_text("\n".join([*source, "return 0; }"]), encoding="utf-8")
    subprocess.run(["gcc", "-O0", "-o", "formulas", "formulas.c", "-lm"], cwd=tmp_path, check=True, timeout=250)
    check([str(tmp_path / "formulas")], expected, cases)


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not on the path")
def test_javascript(cases, tmp_path):
    expected, texts = printed(cases, sympy.jscode)
    names = ", ".join(map(str, SYMBOLS))
    source = [f"for (const [{names}] of {json.dumps(at)}) {{ console.log({text}); }}" for text, at in texts]
    (tmp_path / "formulas.js").write_text("\n".join(source), encoding="utf-8")
    check(["node", str(tmp_path / "formulas.js")], expected, cases)


@pytest.mark.skipif(shutil.which("rustc") is None, reason="rustc is not on the path")
def test_rust(cases, tmp_path):
    # Of cases SymPy makes branches of different types, which the compiler refuses.
    cases = [case for case in cases[:250] if not case[0].has(Piecewise, Max, Min)]
    expected, texts = printed(cases, sympy.rust_code)
    names = ", ".join(f"{symbol}: i64" for symbol in SYMBOLS)
    source = ["#![allow(warnings)]"]
    source += [f"fn f{place}({names}) -> f64 {{ ({text}) as f64 }}" for place, (text, _) in enumerate(texts)]
    source += ["fn main() {"]
    for place, (_, at) in enumerate(texts):
        source += [f'println!("{{}}", f{place}({", ".join(map(str, one))}));' for one in at]
    (tmp_path / "formulas.rs").write_text("\n".join([*source, "}"]), encoding="utf-8")
    subprocess.run(["rustc", "formulas.rs"], cwd=tmp_path, check=True, capture_output=True, timeout=250)
    check([str(tmp_path / "formulas")], expected, cases)


def test_formulas_stay_sympys():
    e = 2 * floor(N / 3 + Rational(2, 3)) + Mod(N, k)
    assert e == pickle.loads(pickle.dumps(e)) and e.has(sympy.floor)
    assert sympy.pycode(floor(sympy.Symbol("x") / 3)) == "math.floor((1/3)*x)", "a number that may be broken"
    assert sympy.pycode(floor(sympy.log(N))) == "math.floor(math.log(N))"


def test_our_functions_in_lambdify():
    r = random.Random(3)
    for _ in range(50):
        n, d = r.randint(1, 60), r.randint(1, 60)
        regions = sum(math.comb(n, j) for j in range(min(n, d) + 1))
        for module in ("math", "numpy"):
            assert sympy.lambdify((N, k), Zaslavsky(N, k), module)(n, d) == regions
            bits = sympy.lambdify((N, k), Log2Zaslavsky(N, k), module)(n, d)
            assert math.isclose(bits, math.log2(regions), rel_tol=1e-12)
        assert sympy.lambdify((N, k), Zaslavsky(N, k))(np.array([n, 200]), d)[0] == regions
    share = sympy.lambdify((N, k), BinaryEntropy(k / N))
    assert share(4, 2) == 1 and math.isclose(share(4, 1), 0.8112781244591328)
    assert sympy.lambdify((N, k), PerceptronRegions(2, N, k))(3, 3) == 40


OTHER_PRINTERS = (
    sympy.ccode, sympy.cxxcode, sympy.jscode, sympy.rust_code, sympy.julia_code, sympy.rcode, sympy.octave_code, sympy.fcode,
)  # fmt: skip


@pytest.mark.parametrize("printer", OTHER_PRINTERS, ids=lambda printer: printer.__name__)
def test_our_functions_in_other_languages(printer):
    """A closed form at literal dimensions, and a refusal in words elsewhere."""
    for e in (Zaslavsky(N, k), 2 * Log2Zaslavsky(N, k) + 1, PerceptronRegions(N, k)):
        with pytest.raises(la.LayerAlgebraError, match="no function of|integer or a symbolic size"):
            printer(e)
    assert printer(Zaslavsky(N, 3)) == printer((N**3 + 5 * N + 6) / 6)


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not on the path")
def test_our_functions_in_javascript(tmp_path):
    texts = [sympy.jscode(Zaslavsky(N, d)) for d in range(2, 7)] + [sympy.jscode(2 * Log2Zaslavsky(N, 3))]
    source = [f"for (let N = 1; N < 60; N++) {{ console.log({text}); }}" for text in texts]
    (tmp_path / "regions.js").write_text("\n".join(source), encoding="utf-8")
    done = subprocess.run(["node", str(tmp_path / "regions.js")], check=True, capture_output=True, text=True)
    counts = [sum(math.comb(n, j) for j in range(d + 1)) for d in (2, 3, 4, 5, 6) for n in range(1, 60)]
    bits = [2 * math.log2(count) for count in counts[59 : 2 * 59]]
    *found, last = (list(map(float, done.stdout.split()[place : place + 59])) for place in range(0, 6 * 59, 59))
    assert sum(found, []) == counts and all(math.isclose(*pair, rel_tol=1e-14) for pair in zip(last, bits))


def zoo_formulas(names):
    """Formulas of published networks with every hyperparameter a symbol, and the published sizes."""
    for name in names:
        net, sizes = la.zoo.symbolic(name)
        for metric in ("parameters", "macs", "activations", "output_shape", "receptive_field"):
            found = la.derive(metric, net).formula
            for e in found if isinstance(found, (tuple, sympy.Tuple)) else (found,):
                if isinstance(e, sympy.Expr) and e.free_symbols:
                    yield name, metric, e, sizes


QUICK = ["alexnet", "resnet18", "gpt2", "mobilenet_v2"]


@pytest.mark.parametrize(
    "names",
    [QUICK, pytest.param(sorted(f for f in la.zoo.names() if f not in QUICK), marks=pytest.mark.slow)],
    ids=["few", "all"],
)
def test_formulas_of_the_zoo(names):
    r = random.Random(7)
    tried = 0
    for name, metric, e, sizes in zoo_formulas(names):
        symbols = sorted(e.free_symbols, key=str)
        called = [sympy.lambdify(symbols, e, module) for module in ("math", "numpy")]
        for _ in range(10):
            at = {symbol: max(1, sizes.get(symbol, 8) + r.randint(-3, 40)) for symbol in symbols}
            try:
                right = value(e, at)
            except (Undefined, ZeroDivisionError):
                continue
            tried += 1
            for one in called:
                found = one(*(at[symbol] for symbol in symbols))
                assert agree(found, right) or math.isclose(found, right, rel_tol=1e-12), (name, metric, at)
    assert tried > 30


def test_signs_of_quotients_of_several_symbols(request):
    """What SymPy says of a sign, a comparison or a minimum holds at every point; by itself it takes 108/(k*s) > 28 for true."""
    r = random.Random(20261129)
    k, s = la.dims("k s")
    at = [{k: Integer(r.randint(1, 60)), s: Integer(r.randint(1, 60))} for _ in range(40)] + [
        {k: Integer(1), s: Integer(1)}
    ]
    for _ in range(400 if request.config.getoption("--slow") else 100):
        quotient = (
            r.choice([1, -1]) * r.randint(1, 200) / (k ** r.randint(0, 2) * s ** r.randint(1, 2) + r.choice([0, 1, k]))
        )
        e, bound = quotient + r.randint(-60, 60), Integer(r.randint(-60, 60))
        values = [e.xreplace(one) for one in at]
        assert not (e.is_positive and min(values) <= 0) and not (e.is_positive is False and max(values) > 0)
        assert not (e.is_nonnegative and min(values) < 0) and not (e.is_negative and max(values) >= 0)
        smaller, larger = sympy.Min(ceiling(quotient), bound), sympy.Max(floor(quotient), bound)
        for one in at:
            value = quotient.xreplace(one)
            assert smaller.xreplace(one) == min(ceiling(value), bound) and larger.xreplace(one) == max(
                floor(value), bound
            )
