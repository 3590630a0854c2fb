"""What SymPy's own printers and `lambdify` make of formulas has the values of the formulas."""

from __future__ import annotations

import math
import os
import pickle
import random
import re
import shutil
import subprocess
import sys
from fractions import Fraction

import pytest
import sympy
from sympy import Integer, Max, Min, Mod, Piecewise, Rational, binomial, ceiling, floor, lambdify, log

import layeralgebra as la
from layeralgebra import zoo
from layeralgebra.algebra.formulas.zaslavsky import BinaryEntropy, Log2Zaslavsky, Zaslavsky
from oracles.formula_value import Undefined, value
from oracles.zoo_formulas import QUICK, formulas, points

FULL = os.environ.get("LAYERALGEBRA_PROFILE") == "full"
N, k, s, p = la.dims("N k s p")
EVERY_FAMILY = tuple(next(iter(family.published)) for family in zoo.families().values())
MODULES = ("math", "numpy", "mpmath", "sympy")

#: Roundings as users write them, and as they come out of layers.
ROUNDINGS = [
    floor(N / 3 + Rational(2, 3)), floor(N / s + 2 * p / s - k / s) + 1, ceiling(N / 3) * ceiling(N / s),
    floor(floor(N / 2 + Rational(1, 2)) / 3 + Rational(2, 3)), Max(0, floor(N / s - k / s)), Mod(N, k) * ceiling(N / 7),
    Piecewise((floor(N / s), N > s), (ceiling(k / s), True)), Min(N, k) * floor(Max(N, k) / (s + 1)),
    floor((N - k) / (2 * s)), ceiling((N - k) / s), floor(-N / 3) + ceiling(-N / s), floor(N / s) % 5,
    la.simplify(ceiling(floor((N + 2 * p - k) / s) / 2)),
    la.output_shape(la.Conv(1, k, stride=s, padding=p) >> la.MaxPool(3, stride=2), on=(1, N + 40))[1],
]  # fmt: skip

#: Sums of fractions, which may be integers.
QUOTIENTS = [
    49 * N / k + 3 * N**2 / k - 5 * s * N / k + 7,
    N**2 / (3 * k) + 2 * N * s / (3 * k) + p / 6 - N / k,
    N * (p + 1) / k,
]
PRINTED = [*ROUNDINGS, *QUOTIENTS]


def random_points(expression, count, seed=3, top=400):
    r = random.Random(seed)
    symbols = sorted(expression.free_symbols, key=str)
    return [{x: r.randint(1, r.choice([9, 60, top])) for x in symbols} for _ in range(count)]


def exact(expression, at):
    try:
        return value(expression, at)
    except Undefined:
        return None


def agrees(got, wanted):
    """Equal: what is an integer in the end exactly below 2**53, and else to the last digits of a float."""
    if isinstance(wanted, float) or isinstance(got, float):
        return math.isclose(float(got), float(wanted), rel_tol=1e-12, abs_tol=1e-12)
    return Fraction(int(got)) == wanted if wanted == int(wanted) else math.isclose(float(got), wanted, rel_tol=1e-12)


def hold(expression, module, at_points):
    symbols = sorted(expression.free_symbols, key=str)
    function = lambdify(symbols, expression, module)
    for at in at_points:
        wanted = exact(expression, at)
        if wanted is None:
            continue
        got = function(*[at[x] for x in symbols])
        got = float(got) if "mpf" in type(got).__name__ or isinstance(got, sympy.Float) else got
        assert agrees(got, wanted), (module, expression, at, got, wanted)


@pytest.mark.parametrize("module", MODULES)
def test_roundings_in_python(module):
    for expression in PRINTED:
        hold(expression, module, random_points(expression, 2000 if FULL else 60))


def test_integers_stay_exact():
    third = floor(N / 3 + Rational(2, 3))
    for module in ("math", "numpy", "mpmath", "sympy", None):
        made = lambdify(N, third, module) if module else lambdify(N, third)
        assert made(7) == 3 and [made(n) for n in range(1, 2000)] == [(n + 2) // 3 for n in range(1, 2000)]
        assert made(10**40) == (10**40 + 2) // 3
    numpy = pytest.importorskip("numpy")
    assert lambdify(N, third)(numpy.array([7, 8, 2**61])).tolist() == [3, 3, (2**61 + 2) // 3]


def test_strides():
    expression = floor(N / s + 2 * p / s - k / s) + 1
    function = lambdify([N, k, s, p], expression, "math")
    for n in range(1, 60):
        for stride in range(1, 12):
            for kernel in (1, 2, 3, 5):
                assert function(n, kernel, stride, kernel // 2) == (n + 2 * (kernel // 2) - kernel) // stride + 1


def test_what_is_no_quotient_of_integers_is_printed_as_before():
    x = sympy.Symbol("x", real=True)
    assert sympy.pycode(floor(x)) == "math.floor(x)" and sympy.ccode(ceiling(x / 2)) == "ceil((1.0/2.0)*x)"
    assert sympy.jscode(floor(sympy.sqrt(N))) == "Math.floor(Math.sqrt(N))"


def test_it_stays_a_floor():
    made = la.simplify(ceiling(N / 3))
    assert made == floor(N / 3 + Rational(2, 3)) and made.has(floor) and isinstance(made, floor)
    assert made.subs(N, 7) == 3 and made.subs(N, 3 * k) == floor(k + Rational(2, 3)) == k
    assert pickle.loads(pickle.dumps(made)) == made
    names = {name: getattr(sympy, name) for name in ("floor", "Add", "Mul", "Rational", "Symbol")}
    assert eval(sympy.srepr(made), names) == made
    assert sympy.simplify(made - floor(N / 3 + Rational(2, 3))) == 0


def test_evaluated_and_substituted():
    for expression in ROUNDINGS:
        for at in random_points(expression, 200 if FULL else 15):
            wanted = exact(expression, at)
            if wanted is not None:
                assert expression.subs(at) == wanted
                assert Rational(str(expression.evalf(40, subs=at))) == wanted, (expression, at)


def test_logarithms_of_powers_of_two():
    down, up = floor(log(N) / log(2)), ceiling(log(N) / log(2))
    for module in ("math", "numpy", "mpmath"):
        for n in [1, 2, 3, 7, 8, 9, 2**29, 2**29 + 1, 2**47 - 1, 2**47]:
            assert lambdify(N, down, module)(n) == n.bit_length() - 1
            assert lambdify(N, up, module)(n) == (n - 1).bit_length()


def test_functions_of_the_library_are_found_by_lambdify():
    def regions(n, d):
        return sum(math.comb(n, j) for j in range(min(n, d) + 1))

    for module in (*MODULES, None):
        given = [module] if module else []
        count = lambdify([N, k], Zaslavsky(N, k) * floor(N / 2), *given)
        bits = lambdify([N, k], Log2Zaslavsky(N, k) + N, *given)
        coin = lambdify([N, k], BinaryEntropy(k / N), *given)
        for n, d in ((5, 3), (40, 7), (300, 150), (9, 9), (4, 20)):
            assert count(n, d) == regions(n, d) * (n // 2)
            assert math.isclose(bits(n, d), math.log2(regions(n, d)) + n, rel_tol=1e-11)
        share = 0.3
        entropy = -share * math.log2(share) - 0.7 * math.log2(0.7)
        assert math.isclose(float(coin(10, 3)), entropy, rel_tol=1e-12)
        if module == "math":
            assert coin(3, 3) == 0
    numpy = pytest.importorskip("numpy")
    many = lambdify([N, k], Zaslavsky(N, k))(numpy.array([3, 200]), numpy.array([2, 100]))
    assert many.tolist() == [regions(3, 2), regions(200, 100)]
    assert lambdify([N, k], Zaslavsky(N, k), "sympy")(N + 1, 70) == Zaslavsky(N + 1, 70)
    with pytest.raises(la.DomainError, match="function of integers"):
        lambdify([N, k], Zaslavsky(N, k), "math")(2.5, 1)
    with pytest.raises(la.DomainError, match="hyperplanes is not negative"):
        lambdify([N, k], Zaslavsky(N, k), "math")(-2, 1)


def test_binomials():
    for module in ("math", "numpy"):
        assert lambdify([N, k], binomial(N, k), module)(200, 3) == math.comb(200, 3)


ZOO = formulas(QUICK if not FULL else EVERY_FAMILY) if FULL else None


def _zoo():
    return ZOO if ZOO is not None else formulas(QUICK[:4], ("macs", "activations", "output_shape"))


def test_the_zoo_in_python():
    tried = 0
    r = random.Random(11)
    for expression, (_, _, published) in _zoo().items():
        at_points = list(points(r, expression, published, 100 if FULL else 4))
        for module in MODULES:
            hold(expression, module, at_points)
        tried += len(at_points) * len(MODULES)
    assert tried > (100_000 if FULL else 100)


def _inside_doubles(expression, at):
    wanted = exact(expression, at)
    return None if wanted is None or isinstance(wanted, float) else float(wanted)


#: How a program in each language is made of printed functions, and run; each prints one number a line.
def _c(functions, calls):
    text = ["#include <math.h>", "#include <stdio.h>"]
    for number, (expression, symbols) in enumerate(functions):
        declared = ", ".join(f"long long {x.name}" for x in symbols)
        text.append(f"double f{number}({declared}) {{ return {sympy.ccode(expression)}; }}")
    return "\n".join([*text, "int main() {", *(f'printf("%.17g\\n", {call});' for call in calls), "return 0; }"])


def _javascript(functions, calls):
    text = [
        f"function f{number}({', '.join(x.name for x in symbols)}) {{ return {sympy.jscode(expression)}; }}"
        for number, (expression, symbols) in enumerate(functions)
    ]
    return "\n".join([*text, *(f"console.log({call});" for call in calls)])


def _rust(functions, calls):
    text = ["#![allow(warnings)]"]
    for number, (expression, symbols) in enumerate(functions):
        declared = ", ".join(f"{x.name}: i64" for x in symbols)
        text.append(f"fn f{number}({declared}) -> f64 {{ return ({sympy.rust_code(expression)}) as f64; }}")
    return "\n".join([*text, "fn main() {", *(f'println!("{{}}", {call});' for call in calls), "}"])


LANGUAGES = {
    "c": (_c, "gcc", lambda path: [["gcc", "-O0", "-w", path, "-o", f"{path}.out", "-lm"], [f"{path}.out"]]),
    "js": (_javascript, "node", lambda path: [["node", path]]),
    "rs": (_rust, "rustc", lambda path: [["rustc", "-A", "warnings", path, "-o", f"{path}.out"], [f"{path}.out"]]),
}


@pytest.mark.parametrize("suffix", LANGUAGES)
def test_other_languages(suffix, tmp_path):
    write, program, commands = LANGUAGES[suffix]
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    r = random.Random(5)
    chosen = [e for e in PRINTED if not (suffix == "rs" and e.has(Piecewise, Max, Min))]
    chosen += [
        e for e in _zoo() if not e.has(sympy.Sum, sympy.Product) and not (suffix == "rs" and e.has(Max, Min, log))
    ]
    functions = [(e, sorted(e.free_symbols, key=str)) for e in chosen]
    calls, wanted = [], []
    for number, (expression, symbols) in enumerate(functions):
        published = _zoo().get(expression, ("", "", {}))[2] if expression not in PRINTED else {}
        for at in points(r, expression, published, 300 if FULL else 12):
            number_there = _inside_doubles(expression, at)
            if number_there is not None and abs(number_there) < (1e17 if suffix == "rs" else 1e300):
                calls.append(f"f{number}({', '.join(str(at[x]) for x in symbols)})")
                wanted.append(number_there)
    path = tmp_path / f"formulas.{suffix}"
    path.write_text(write(functions, calls))
    for command in commands(path):
        made = subprocess.run(command, check=True, timeout=600, capture_output=True, text=True)
    got = [float(line) for line in made.stdout.split()]
    assert len(got) == len(wanted) > 100
    for call, found, right in zip(calls, got, wanted):
        whole = right == int(right) and abs(right) < 2**50
        assert found == right if whole else math.isclose(found, right, rel_tol=1e-13), (call, found, right)


def _fld(over, under):
    return over // under


@pytest.mark.parametrize("printer", ["julia_code", "octave_code", "rcode"])
def test_languages_that_are_read_here(printer):
    """Their texts, with the operators of Julia, Octave and R in Python's spelling."""
    given = {"fld": _fld, "cld": lambda a, b: -(-a // b), "floor": math.floor, "ceil": math.ceil, "ceiling": math.ceil}
    for expression in (e for e in [*PRINTED, *_zoo()] if not e.has(Piecewise, Max, Min, Mod, sympy.Sum, sympy.Product)):
        text = getattr(sympy, printer)(expression)
        if "log" in text:
            continue
        text = re.sub(r"\.([*/^])", r"\1", text).replace("^", "**").replace("//", "/")
        code = compile(text, "printed", "eval")
        for at in random_points(expression, 200 if FULL else 8):
            wanted = exact(expression, at)
            if wanted is not None:
                got = eval(code, {**given, **{x.name: number for x, number in at.items()}})
                whole = wanted == int(wanted) and abs(wanted) < 2**50
                assert got == wanted if whole else math.isclose(got, wanted, rel_tol=1e-12), (text, at)


class LatexReader:
    """Reads the LaTeX of formulas: what stands side by side is multiplied, and everything ends where TeX ends it."""

    ENDS = {")", "}", "]", ",", "", "&", r"\rfloor", r"\rceil", r"\bmod", "+", "-", r"\\", r"\rvert"}

    def __init__(self, text, sizes, names):
        text = text.replace(r"\left|", r" \lvert ").replace(r"\right|", r" \rvert ")
        text = re.sub(r"\\(left|right)(?![a-z])|\\[,:]|\{,\}", "", text)
        for printed, name in sorted(names.items(), key=lambda pair: -len(pair[0])):
            text = re.sub(rf"(?<![\\A-Za-z@]){re.escape(printed)}(?![A-Za-z@])", f" @{name}@ ", text)
        self.tokens = re.findall(r"@[^@]*@|\\\\|\\[A-Za-z]+|\d+\.\d+|\d+|\S", text) + [""]
        self.at, self.sizes = 0, sizes

    @property
    def next(self):
        return self.tokens[self.at]

    def take(self, expected=None):
        token = self.next
        assert expected is None or token == expected, (token, expected, self.tokens[self.at - 5 : self.at + 5])
        self.at += 1
        return token

    def sum(self):
        total, sign = Fraction(0), 1
        if self.next == "-":
            self.take()
            sign = -1
        total = sign * self.product()
        while self.next in ("+", "-"):
            total += (1 if self.take() == "+" else -1) * self.product()
        if self.next == r"\bmod":
            self.take()
            modulus = self.sum()
            total -= modulus * math.floor(total / modulus)
        return total

    def product(self):
        result = self.power()
        while self.next not in self.ENDS:
            if self.next == "/":
                self.take()
                divisor = self.power()
                result = result / divisor
            else:
                if self.next == r"\cdot":
                    self.take()
                result = result * self.power()
        return result

    def group(self):
        self.take("{")
        inside = self.sum()
        self.take("}")
        return inside

    def raised(self, result):
        if self.next == "!":
            self.take()
            result = Fraction(math.factorial(int(result)))
        if self.next == "^":
            self.take()
            exponent = self.group() if self.next == "{" else self.power()
            result = result ** int(exponent) if exponent == int(exponent) else float(result) ** float(exponent)
        return result

    def argument(self):
        """What a function of one argument takes: a power, to which TeX's eye gives everything up to the next sign."""
        result = self.power()
        while self.next not in self.ENDS:
            result = result * self.power()
        return result

    def power(self):
        token = self.take()
        if token.startswith("@"):
            return self.raised(Fraction(self.sizes[token.strip("@")]))
        if re.fullmatch(r"[\d.]+", token):
            return self.raised(Fraction(token))
        if token == "e":
            return self.raised(math.e)
        if token == r"\frac":
            return self.group() / self.group()
        if token == r"\binom":
            return self.raised(Fraction(math.comb(int(self.group()), int(self.group()))))
        if token == r"\sqrt":
            return self.raised(math.sqrt(self.group()))
        if token in (r"\max", r"\min"):
            self.take("(")
            found = [self.sum()]
            while self.take() == ",":
                found.append(self.sum())
            return self.raised((max if token == r"\max" else min)(found))
        if token == r"\log":
            base = None
            if self.next == "_":
                self.take()
                base = self.group()
            power = 1
            if self.next == "^":
                self.take()
                power = int(self.group())
            if base is None:  # a call, and what is raised is its value
                return self.raised(math.log(self.group()))
            return (math.log(self.argument()) / math.log(base)) ** power
        closing = {"(": ")", "{": "}", r"\lfloor": r"\rfloor", r"\lceil": r"\rceil", r"\lvert": r"\rvert"}[token]
        inside = self.sum()
        self.take(closing)
        rounded = {r"\lfloor": math.floor, r"\lceil": math.ceil, r"\lvert": abs}.get(token)
        return self.raised(Fraction(rounded(inside)) if rounded else inside)


LOGARITHMS = [
    N * log(k) / log(2) * Max(N, k) * floor(N / 2), log(k) / log(2) * sympy.factorial(s), 3 * Mod(N, k),
    N * Mod(N + 1, k) - Mod(N, s) ** 2, (log(N) / log(2)) ** 2 * k, log(N * k + 1) * s - log(k) ** 2,
    log(log(N + 20)) * floor(k / 3) / 7, sympy.sqrt(N + 1) * (k - 1) ** (s - 1), binomial(N + 9, 3) ** 2 / (k + s),
    2 ** (N - k) * sympy.Abs(N - k) * s, Mod(N, k) / 3 + 1, -Mod(N, k) * log(s + 1), (-1) ** N * k / (2 * s),
]  # fmt: skip


def test_latex_reads_back():
    tried = 0
    r = random.Random(23)
    for expression in [*ROUNDINGS, *LOGARITHMS, *_zoo()]:
        if expression.has(Piecewise, sympy.Sum, sympy.Product):
            continue
        typeset = la.latex(expression)
        names = {la.latex(x): x.name for x in expression.free_symbols}
        published = _zoo().get(expression, ("", "", {}))[2]
        for at in points(r, expression, published, 60 if FULL else 3):
            if expression in LOGARITHMS:
                at = {x: 1 + number % 12 for x, number in at.items()}
            wanted = exact(expression, at)
            if wanted is None:
                continue
            reader = LatexReader(typeset, {x.name: number for x, number in at.items()}, names)
            got = reader.sum()
            assert reader.next == "", (typeset, reader.tokens[reader.at :])
            close = math.isclose(got, wanted, rel_tol=1e-12, abs_tol=1e-12)
            assert got == wanted or isinstance(got, float) and close, (expression, typeset, at, got, wanted)
            tried += 1
    assert tried > 100


def test_what_latex_says_of_numbers():
    assert (
        la.latex(1e-06) == "10^{-6}"
        and la.latex(2.5e30) == r"2.5 \cdot 10^{30}"
        and la.latex(float("inf")) == r"\infty"
    )
    assert la.latex(3 * Mod(N, k)) == r"3 (N \bmod k)" and la.latex(log(k)) == r"\log{(k)}"
    assert la.formula_text(3 * Mod(N, k) + 1) == "3*(N mod k) + 1"
    long = 10 ** (sys.get_int_max_str_digits() + 1)
    for write in (la.latex, la.formula_text):
        for number in (long, Integer(long), long * N, Rational(1, long + 1), (long, 3)):
            with pytest.raises(la.BudgetError, match=r"more than \d+ digits"):
                write(number)
