"""A function of integers, or an operation of programs, defined in one file goes everywhere that formulas go."""

from __future__ import annotations

import ctypes
import operator
import random
import shutil
import subprocess

import numpy as np
import pytest
from sympy import Function, Integer, Rational, floor, log

import layeralgebra as la
from layeralgebra.algebra.compilation.program.operations import OPERATIONS, Operation, add_operation
from layeralgebra.algebra.errors import BudgetError, DomainError, UnsupportedError
from layeralgebra.algebra.formulas.function import FormulaFunction, Rule, at_corners
from layeralgebra.algebra.formulas.latex import formula_latex
from layeralgebra.algebra.formulas.text import formula_text
from layeralgebra.algebra.sizes.evaluate import evaluate
from layeralgebra.algebra.solving.monotone import trend, trends

c, H, L = la.dims("c H L")
BACKENDS = ("python", "numpy", "numba", "torch", "jax")


def tetrahedral(n):
    """Spheres in a pyramid of n layers."""
    return triangle(n) * (n + 2) // 3


def triangle(n):
    return n * (n + 1) // 2


class Tetrahedral(FormulaFunction):
    """Increasing, positive, with a C text, a derivative of its own and a way to be written."""

    nargs = 1
    is_integer = True
    is_positive = True
    rule = Rule(
        tetrahedral,
        at_corners(tetrahedral),
        directions=(1,),
        least=((0, "the number of layers is not negative"),),
        c_source="""\
static int64_t tetrahedral(int64_t n, int *e) {
    int64_t r = 0, t = 0;
    for (int64_t i = 1; i <= n && !*e; i++) { t = add(t, i, e); r = add(r, t, e); }
    return r;
}
""",
        on_integers="a pyramid can be compiled where its number of layers is an integer",
    )

    def fdiff(self, argindex=1):
        return self.args[0] ** 2 / 2 + self.args[0] + Rational(1, 3)

    def _latex(self, printer, exp=None):
        return rf"\mathrm{{Te}}_{{{printer._print(self.args[0])}}}" + ("" if exp is None else f"^{{{exp}}}")

    def _sympystr(self, printer):
        return f"Te({printer._print(self.args[0])})"


def divisors(n):
    return sum(n % k == 0 for k in range(1, n + 1))


class Left(FormulaFunction):
    """What is left of the first after the second is taken: it falls with the second."""

    nargs = 2
    is_integer = True
    rule = Rule(operator.sub, lambda n, m: (n[0] - m[1], n[1] - m[0]), directions=(1, -1), stands_alone=False)


class Divisors(FormulaFunction):
    """Not monotone, without a C text, a derivative or a way to be written."""

    nargs = 1
    is_integer = True
    rule = Rule(divisors, lambda n: (0, max(n[1], 0)))


FORMULA = c * Tetrahedral(floor(H / 2)) + Tetrahedral(c + H)


def pyramid(n):
    return n * (n + 1) * (n + 2) // 6


def expected(c, H):
    return c * pyramid(H // 2) + pyramid(c + H)


def test_evaluated():
    assert Tetrahedral(4) == 20 and Tetrahedral(c).subs(c, 4) == 20
    assert evaluate(FORMULA, {"c": 3, "H": 10}) == expected(3, 10)
    assert evaluate(Divisors(c) + c, {"c": 12}) == 18
    with pytest.raises(DomainError, match="number of layers is not negative"):
        Tetrahedral(-1)


@pytest.mark.parametrize("backend", BACKENDS)
def test_compiled_on_every_backend(backend):
    if backend not in ("python", "numpy"):
        pytest.importorskip(backend)
    compiled = la.compile({"pyramids": FORMULA, "divisors": Divisors(c) - H}, backend)
    r = random.Random(7)
    points = [(r.randint(1, 10**5), r.randint(1, 10**5)) for _ in range(4)] + [(12, 8)]
    for point in points if backend == "python" else points[-1:]:
        got = compiled(c=point[0], H=point[1])
        assert got == {"pyramids": expected(*point), "divisors": divisors(point[0]) - point[1]}
    if backend == "python":
        return
    columns = [np.array(column) for column in zip(*points, strict=True)]
    if backend in ("torch", "jax"):
        make = __import__("torch").tensor if backend == "torch" else __import__("jax").numpy.asarray
        columns = [make(column) for column in columns]
    got = compiled(c=columns[0], H=columns[1])
    assert [int(value) for value in got["pyramids"]] == [expected(*point) for point in points]
    assert [int(value) for value in got["divisors"]] == [divisors(a) - b for a, b in points]


def test_nothing_wraps_around():
    e = Tetrahedral(c) * Tetrahedral(H)
    assert la.compile(e)(c=[10**9, 2], H=10**9).tolist() == [pyramid(10**9) ** 2, 4 * pyramid(10**9)]
    torch = pytest.importorskip("torch")
    with pytest.raises(BudgetError, match="bits"):
        la.compile(e, "torch")(c=torch.tensor([10**9]), H=10**9)


def test_its_conditions_are_checked():
    compiled = la.compile(Tetrahedral(c - 5), on_invalid="mask")
    assert compiled(c=[4, 5, 6]).tolist() == [None, 0, 1]
    with pytest.raises(DomainError, match="the number of layers is not negative"):
        la.compile(Tetrahedral(c - 5))(c=4)
    with pytest.raises(UnsupportedError, match="a pyramid can be compiled where its number of layers is an integer"):
        la.compile(Tetrahedral(c / 2))
    with pytest.raises(UnsupportedError, match="Divisors can be compiled where its arguments are integers"):
        la.compile(Divisors(c / 2))


def test_python_source_stands_alone():
    source = la.codegen(FORMULA)
    scope: dict = {}
    exec(compile(source, "formula", "exec"), scope)
    assert [scope["formula"](H=h, c=k) for h, k in ((7, 3), (10**30, 5))] == [expected(3, 7), expected(5, 10**30)]
    assert source.index("def tetrahedral") < source.index("def triangle") < source.index("def formula")
    assert "layeralgebra" not in source and "Rule" not in source
    named = la.codegen(Tetrahedral(la.dims("triangle")))
    assert "def formula(triangle_):" in named


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
def test_c_source_computes_the_same(tmp_path):
    (tmp_path / "formula.c").write_text(la.codegen(FORMULA, "c"))
    library = tmp_path / "formula.so"
    flags = ["-std=gnu11", "-Wall", "-Werror", "-Wno-unused-function", "-shared", "-fPIC"]
    subprocess.run(["gcc", *flags, "-o", library, tmp_path / "formula.c", "-lm"], check=True, timeout=60)
    function = ctypes.CDLL(str(library)).formula
    result = ctypes.c_int64()
    for a, b in ((3, 7), (40, 1000), (1, 1)):
        assert function(ctypes.c_int64(b), ctypes.c_int64(a), ctypes.byref(result)) == 0
        assert result.value == expected(a, b)
    assert function(ctypes.c_int64(2), ctypes.c_int64(10**8), ctypes.byref(result)) == 2


def test_c_refuses_by_name_without_a_text():
    with pytest.raises(UnsupportedError, match="divisors cannot be written in C"):
        la.codegen(Divisors(c), "c")


def test_derivatives():
    assert la.gradient(c * Tetrahedral(H), [H]) == (c * (H**2 / 2 + H + Rational(1, 3)),)
    with pytest.raises(UnsupportedError, match="Divisors"):
        la.gradient(Divisors(c), [c])


def test_directions_and_bounds():
    assert trend(Tetrahedral(c), c, 1, 10).direction == 1
    assert trend(Tetrahedral(c), c, 1, 10).bounds == (1, 220)
    assert trends(-Tetrahedral(c) * H, {c: (1, 9), H: (1, 9)}) == {c: -1, H: -1}
    assert trend(Divisors(c), c, 1, 10).direction is None
    assert trends(Left(H, c) * 2 + L, {c: (1, 5), H: (6, 9), L: (1, 2)}) == {c: -1, H: 1, L: 1}


def test_solved_optimized_and_swept():
    assert la.solve_for(Tetrahedral(c) + c, c, at_most=pyramid(10**12)) == 10**12 - 1
    best = la.optimize(L * Tetrahedral(c), [c * L <= 30], {c: (1, 40), L: (1, 40)})
    pairs = [(k, n) for k in range(1, 41) for n in range(1, 41) if k * n <= 30]
    assert best.certified and best.value == max(n * pyramid(k) for k, n in pairs)
    pytest.importorskip("xarray")
    found = la.sweep({"pyramids": Tetrahedral(c) + H}, {c: [1, 2, 3], H: [1, 5]})
    assert found["pyramids"].transpose("c", "H").values.tolist() == [[2, 6], [5, 9], [11, 15]]


def test_written():
    assert formula_latex(c * Tetrahedral(H) ** 2) == r"c \mathrm{Te}_{H}^{2}"
    assert formula_text(c * Tetrahedral(H)) == "c*Te(H)"
    assert formula_text(Divisors(c)) == "Divisors(c)"
    assert "Divisors" in formula_latex(Divisors(c))


def tower_logarithm(n):
    return n * 1.5


def tower(n):
    raise AssertionError("the number itself is too long")


class Tower(FormulaFunction):
    """Only the logarithm of it is ever computed."""

    nargs = 1
    is_integer = True
    rule = Rule(
        tower, lambda n: (1, float("inf")), logarithm=Rule(tower_logarithm, at_corners(tower_logarithm), whole=False)
    )

    @classmethod
    def eval(cls, n):
        return Integer(1) if n.is_zero else None


class Log2Tower(FormulaFunction):
    nargs = 1
    is_real = True
    log2_of = Tower

    @classmethod
    def eval(cls, n):
        return None


@pytest.mark.parametrize("backend", ["python", "numpy"])
def test_a_logarithm_of_its_own(backend):
    got = la.compile({"nats": log(Tower(c)), "bits": Log2Tower(c)}, backend)(c=8)
    assert got["nats"] == 12.0 and got["bits"] == pytest.approx(12 / np.log(2), rel=1e-15)
    assert trend(Log2Tower(c), c, 1, 10).low == 0


# an operation -----------------------------------------------------------------------------------------------------------


class BitwiseOr(Function):
    """A bit is set where it is set in either of two integers."""

    nargs = 2
    is_integer = True

    @classmethod
    def eval(cls, x, y):
        return Integer(int(x) | int(y)) if x.is_Integer and y.is_Integer else None


def _bounds_of_or(value, args):
    (low, high), (least, most) = args
    return (max(low, least), high + most) if low >= 0 and least >= 0 else (-np.inf, np.inf)


add_operation(
    "bitor",
    Operation(
        reads=BitwiseOr, bounds=_bounds_of_or, python="({}|{})".format, c="{} | {}".format,
        scalar=operator.or_, array="bitwise_or", in_place=True, machine={"i": "{} | {}"},
    ),
)  # fmt: skip
WITH_OR = c * BitwiseOr(floor(H / 2), c) + BitwiseOr(c, 5)


def expected_or(c, H):
    return c * (H // 2 | c) + (c | 5)


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_operation_on_every_backend(backend):
    if backend not in ("python", "numpy"):
        pytest.importorskip(backend)
    compiled = la.compile(WITH_OR, backend)
    assert "call" not in compiled._formulas(compiled._always_real).program.ops
    r = random.Random(11)
    points = [(r.randint(1, 10**6), r.randint(1, 10**6)) for _ in range(20_000)]  # enough for joined loops
    assert compiled(c=10**20, H=7) == expected_or(10**20, 7)
    columns = [np.array(column) for column in zip(*points, strict=True)]
    if backend == "python":
        assert [compiled(c=a, H=b) for a, b in points[:100]] == [expected_or(a, b) for a, b in points[:100]]
        return
    if backend in ("torch", "jax"):
        make = __import__("torch").tensor if backend == "torch" else __import__("jax").numpy.asarray
        columns = [make(column) for column in columns]
    got = compiled(c=columns[0], H=columns[1])
    assert [int(value) for value in got] == [expected_or(a, b) for a, b in points]
    if backend == "numpy":
        assert compiled(c=[10**20, 3], H=9).tolist() == [expected_or(10**20, 9), expected_or(3, 9)]


def test_an_operation_as_source(tmp_path):
    scope: dict = {}
    exec(compile(la.codegen(WITH_OR), "formula", "exec"), scope)
    assert scope["formula"](H=10**30, c=5) == expected_or(5, 10**30)
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    (tmp_path / "formula.c").write_text(la.codegen(WITH_OR, "c"))
    library = tmp_path / "formula.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, tmp_path / "formula.c", "-lm"], check=True, timeout=60)
    result = ctypes.c_int64()
    assert ctypes.CDLL(str(library)).formula(ctypes.c_int64(13), ctypes.c_int64(40), ctypes.byref(result)) == 0
    assert result.value == expected_or(40, 13)


class SquaredDistance(Function):
    """The square of a difference, with no derivative that SymPy knows of."""

    nargs = 2
    is_integer = True

    @classmethod
    def eval(cls, x, y):
        return (x - y) ** 2 if x.is_Integer and y.is_Integer else None


def _derivatives_of_distance(of):
    nodes, (left, right) = of.nodes, of.args
    twice = nodes.mul([nodes.const(2), nodes.subtract(left, right)])
    found = [(left, twice), (right, nodes.mul([nodes.const(-1), twice]))]
    return [(operand, local) for operand, local in found if operand in of.wanted]


add_operation(
    "squareddistance",
    Operation(
        reads=SquaredDistance, derivative=_derivatives_of_distance,
        python="(({0}-{1})*({0}-{1}))".format, scalar=lambda x, y: (x - y) * (x - y),
    ),
)  # fmt: skip


def test_an_operation_differentiated():
    e = c * SquaredDistance(H**2, 3 * c) + SquaredDistance(SquaredDistance(H, c), 5) + L
    plain = c * (H**2 - 3 * c) ** 2 + ((H - c) ** 2 - 5) ** 2 + L
    found = la.gradient(e, [c, H, L])
    assert found[2] == 1 and all(part.has(SquaredDistance) for part in found[:2])
    for ours, symbol in zip(found, (c, H, L)):
        compiled = la.compile(ours, "python")
        for point in ((3, 7), (10, 2), (1, 1)):
            at = {"c": point[0], "H": point[1]}
            expected_there = plain.diff(symbol).subs({c: point[0], H: point[1]})
            assert compiled(**{name: at[name] for name in compiled.arguments}) == expected_there


def test_an_operation_is_refused_and_bounded():
    with pytest.raises(UnsupportedError, match="bitor can be compiled where its operands are integers"):
        la.compile(BitwiseOr(c / 2, H))
    with pytest.raises(UnsupportedError, match="BitwiseOr has no derivative"):
        la.gradient(BitwiseOr(c, 2), [c])
    assert trend(BitwiseOr(c, 2), c, 1, 10).direction is None
    assert trend(BitwiseOr(H, 2), c, 1, 10).direction == 0
    assert OPERATIONS["bitor"].bounds(None, [(1, 4), (2, 3)]) == (2, 7)
