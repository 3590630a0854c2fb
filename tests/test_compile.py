"""Compiled formulas against plain Python, on every backend; what is computed where, and what is refused."""

from __future__ import annotations

import ctypes
import dataclasses
import importlib.util
import math
import os
import pickle
import random
import shutil
import subprocess
import sys
import threading
import time
from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from sympy import Max, Min, Mod, Piecewise, Product, Sum, binomial, ceiling, floor, log, sqrt, symbols

import layeralgebra as la
from layeralgebra.algebra.compilation import codegen, compile
from layeralgebra.algebra.compilation.program.divisibility import always_divides
from layeralgebra.algebra.compilation.program.factoring import factored
from layeralgebra.algebra.compilation.program.operations import interval
from layeralgebra.algebra.derivations.metric import METRICS
from layeralgebra.algebra.errors import BudgetError, DomainError, FieldError, UnsupportedError
from layeralgebra.algebra.formulas.conditions import Condition
from layeralgebra.algebra.formulas.zaslavsky import Log2Zaslavsky, Zaslavsky
from layeralgebra.algebra.formulas.zaslavsky_numbers import log2_zaslavsky
from layeralgebra.algebra.regions.published_bounds import PerceptronRegions
from layeralgebra.algebra.sizes.dims import dims
from oracles.formula_value import Undefined, value
from oracles.random_formulas import formulas, sizes

H, W, c, g, L = dims("H W c g L")
n, m = symbols("n m", integer=True)
FULL = os.environ.get("LAYERALGEBRA_PROFILE") == "full"


def expected(e, at):
    try:
        return value(e, at)
    except Undefined:
        return None


def agree(got, want, units=0):
    """Whether a result is what was expected: None where there is none, fractions perhaps as the nearest float."""
    if want is None or got is None or got is np.ma.masked:
        return want is None and (got is None or got is np.ma.masked)
    if isinstance(got, (float, np.floating)):
        return abs(got - float(want)) <= units * math.ulp(float(want))
    return got == want


# Every backend against the oracle


def scalar_points(backend, e, columns):
    f = compile(e, backend, on_invalid="mask")
    for point in zip(*columns.values(), strict=True):
        at = dict(zip(columns, point, strict=True))
        yield at, f(**{symbol.name: number for symbol, number in at.items()})


def list_points(backend, e, columns):
    f = compile(e, backend, on_invalid="mask")
    result = np.ma.masked_array(f(**{symbol.name: np.array(column) for symbol, column in columns.items()}))
    for number, point in enumerate(zip(*columns.values(), strict=True)):
        yield dict(zip(columns, point, strict=True)), result[number] if result.shape else result[()]


def grid_points(backend, e, columns, r):
    f = compile(e, backend, on_invalid="mask")
    arguments = {}
    columns = {symbol: column[:5] for symbol, column in columns.items()}
    for axis, (symbol, column) in enumerate(columns.items()):
        arguments[symbol.name] = np.array(column).reshape([-1 if other == axis else 1 for other in range(len(columns))])
    shape = tuple(len(column) for column in columns.values())
    result = np.ma.masked_array(f(**arguments))
    data, mask = np.broadcast_to(result.data, shape), np.broadcast_to(np.ma.getmaskarray(result), shape)
    for _ in range(6):
        place = tuple(r.randrange(extent) for extent in shape)
        at = {symbol: column[number] for (symbol, column), number in zip(columns.items(), place, strict=True)}
        yield at, None if mask[place] else data[place]


def tensor_points(backend, e, columns):
    f = compile(e, backend, on_invalid="mask")
    if backend == "torch":
        import torch

        device = "cuda" if torch.cuda.is_available() else "cpu"
        arguments = {symbol.name: torch.tensor(column, device=device) for symbol, column in columns.items()}
    else:
        arguments = {symbol.name: np.array(column) for symbol, column in columns.items()}
    try:
        results, valid = f(**arguments)
    except BudgetError:  # a result does not fit into 64 bits, and is refused
        return
    for number, point in enumerate(zip(*columns.values(), strict=True)):
        here = results[number] if getattr(results, "ndim", 0) else results
        holds = valid[number] if getattr(valid, "ndim", 0) else valid
        yield (
            dict(zip(columns, point, strict=True)),
            (here.item() if hasattr(here, "item") else here) if holds else None,
        )


def check_random(backend, seed, count, many=5):
    """Random formulas at random points; returns how many values were compared."""
    r = random.Random(seed)
    compared = 0
    for e in formulas(r, count):
        columns = sizes(r, e, many)
        if backend == "python":
            points = list(scalar_points(backend, e, columns))
        elif backend in ("numpy", "numba"):
            points = [*list_points(backend, e, columns), *grid_points(backend, e, columns, r)]
        else:
            points = list(tensor_points(backend, e, columns))
        for at, got in points:
            want = expected(e, at)
            # A quotient is one rounding of exact integers; on tensors these are rounded first where they are large.
            assert agree(got, want, units=2 if backend in ("torch", "jax") else 0), (backend, e, at, got, want)
            compared += 1
    return compared


@pytest.mark.parametrize("backend", ["python", "numpy"])
def test_random_formulas_have_the_values_that_plain_python_gives_them(backend):
    assert check_random(backend, seed=2024, count=90) >= 450


def test_torch_gives_the_values_that_plain_python_gives():
    pytest.importorskip("torch")
    assert check_random("torch", seed=7, count=60) >= 250


def test_jax_gives_the_values_that_plain_python_gives():
    pytest.importorskip("jax")
    assert check_random("jax", seed=8, count=12) >= 40


@pytest.fixture
def join_always(monkeypatch):
    """Steps are joined for arrays of any size."""
    pytest.importorskip("numba")
    from layeralgebra.algebra.compilation.backends import numba_backend, numpy_backend

    for module in (numba_backend, numpy_backend):
        monkeypatch.setattr(module, "LEAST_JOINED", 1)


def test_numba_gives_the_values_that_plain_python_gives(join_always):
    assert check_random("numba", seed=9, count=12, many=20) >= 240


@pytest.mark.slow
def test_a_hundred_thousand_random_values_with_numba(join_always):
    assert sum(check_random("numba", seed, 50, 200) for seed in range(10)) >= 100_000


@pytest.mark.slow
def test_a_hundred_thousand_random_values_with_jax():
    """On long lists: every formula is compiled by JAX, which takes longer than running it."""
    pytest.importorskip("jax")
    total, seed = 0, 0
    while total < 100_000:
        total += check_random("jax", seed, 20, 500)
        seed += 1


def test_numba_on_lists_and_grids_of_any_shape(join_always):
    e = 9 * H**2 * floor((W - 7) / 2) ** 2 * c + Max(H, c) * Mod(W, 5) - Min(W, 3 * c)
    plain, joined = compile(e), compile(e, "numba")
    random = np.random.default_rng(0)
    for shapes in [
        ((40_000,),) * 3,
        ((30, 1, 1), (1, 40, 1), (1, 1, 50)),
        ((7, 1), (1, 5), (7, 5)),
        ((6, 1), (1,), (6, 8)),
    ]:
        given = {name: random.integers(1, 10**3, shape) for name, shape in zip(("H", "W", "c"), shapes, strict=True)}
        assert np.array_equal(plain(**given), joined(**given))
        turned = {name: array.T if array.ndim == 2 and len(shapes[2]) == 2 else array for name, array in given.items()}
        assert np.array_equal(plain(**turned), joined(**turned))
    huge = joined(H=np.array([10**9, 2]), W=np.array([10**9, 9]), c=np.array([10**9, 1]))
    assert huge.dtype == object and huge[0] == plain(H=10**9, W=10**9, c=10**9)


def test_numba_beside_python_integers_that_read_the_same_number(join_always):
    both = {"small": 9 * W**2 * c + W, "large": H**3 * c + W}
    given = {"W": np.arange(1, 9), "H": np.full(8, 10**9), "c": 7}
    plain, joined = compile(both)(**given), compile(both, "numba")(**given)
    assert plain["large"].dtype == joined["large"].dtype == object
    assert all(np.array_equal(plain[name], joined[name]) for name in both)


def test_without_numba_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(UnsupportedError, match=r"layeralgebra\[numba\]"):
        compile(H * W, "numba")(H=[1], W=[2])


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["python", "numpy", "torch"])
def test_a_hundred_thousand_random_values(backend):
    if backend == "torch":
        pytest.importorskip("torch")
    total, seed = 0, 0
    while total < 100_000:
        total += check_random(backend, seed, 200)
        seed += 1


@given(
    st.lists(
        st.tuples(st.integers(1, 10**9), st.integers(1, 10**9), st.integers(-(10**9), 10**9)), min_size=1, max_size=6
    )
)
def test_products_beyond_64_bits_become_python_integers(points):
    e = 9 * H**2 * W * floor((n - 7) / 2) + Mod(n, H) - W
    columns = [list(column) for column in zip(*points, strict=True)]
    result = compile(e)(H=columns[0], W=columns[1], n=columns[2])
    assert [int(number) for number in result] == [9 * h * h * w * ((k - 7) // 2) + k % h - w for h, w, k in points]


def test_int64_is_used_exactly_as_far_as_it_is_proved_to_fit():
    f = compile(H * W)
    top = 3037000499  # the largest integer whose square is below 2**63
    assert f(H=[top], W=[top]).dtype == np.int64
    assert f(H=[top], W=[top])[0] == top**2
    assert f(H=[top + 1], W=[top + 1]).dtype == object
    assert f(H=[top + 1], W=[top + 1])[0] == (top + 1) ** 2
    edge = compile(n - m)
    assert edge(n=[-(2**63)], m=[0])[0] == -(2**63) and edge(n=[-(2**63)], m=[1])[0] == -(2**63) - 1
    assert compile(-n)(n=np.array([-(2**63)]))[0] == 2**63
    assert compile(floor(n / m))(n=np.array([-(2**63)]), m=np.array([-1]))[0] == 2**63
    assert compile(abs(n))(n=np.array([-(2**63)]))[0] == 2**63


def test_a_product_may_fit_though_its_factors_do_not():
    e = ceiling(H**4 * floor(5 / (3 * H)) / 2) + 1
    assert compile(e)(H=[93, 7784, 719613128, 5]).tolist() == [1, 1, 1, 1]
    assert compile(e)(H=[93, 1]).tolist() == [1, 2]


def test_arguments_beyond_64_bits():
    assert list(compile(c + 1)(c=np.array([2**63], dtype=np.uint64))) == [2**63 + 1]
    assert list(compile(c + 1)(c=[10**30, 1])) == [10**30 + 1, 2]
    assert compile(c**2 // 1)(c=10**30) == 10**60


@pytest.mark.parametrize(
    ("e", "point"),
    [
        (floor(n / 2), -7), (floor(n / 3), -1), (ceiling(n / 3), -1), (Mod(n, 5), -3), (Mod(n, -5), 3),
        (Max(0, n), -4), (Min(0, n), -4), (abs(n), -4), (floor((n - 7) / 4) + 1, 0), (n * (n + 1) / 2, -5),
        (floor(floor((n + 1) / 2) / 2), -6), (Mod(floor(n / 8), 4), -77), (sympy.sign(n), 0), (2 ** Max(n, 0), -3),
    ],
)  # fmt: skip
@pytest.mark.parametrize("backend", ["python", "numpy", "numba", "torch", "jax"])
def test_zero_and_negative_arguments(e, point, backend):
    if backend in ("torch", "jax", "numba"):
        pytest.importorskip(backend)
    arguments = [point, point] if backend != "python" else point
    got = compile(e, backend)(n=arguments if backend != "torch" else np.array(arguments))
    got = got if backend == "python" else got[0].item()
    assert got == value(e, {n: point})


# What comes back


def test_results_follow_what_was_given():
    assert compile(H * 2)(H=3) == 6 and type(compile(H * 2)(H=np.int64(3))) is int
    assert compile({"a": H, "b": 2 * H})(H=3) == {"a": 3, "b": 6}
    assert compile([H, 2 * H])(H=3) == (3, 6)
    assert compile(5)() == 5
    assert compile(sympy.Integer(5))() == 5
    assert compile(H > 3)(H=[3, 4]).tolist() == [False, True]


def test_quotients_are_integers_where_they_divide_and_the_nearest_floats_where_not():
    f = compile(c / g)
    assert f.kinds == "rational"
    assert f(c=[64, 96], g=32).dtype == np.int64
    assert f(c=[64, 97], g=32).tolist() == [2.0, 97 / 32]
    assert f(c=97, g=32) == Fraction(97, 32)
    assert compile(c * (c + 1) / 2).kinds == "integer"
    large = compile(c / 7)(c=[10**17 + 1, 3])
    assert large[0] == (10**17 + 1) / 7  # Python's division of integers is correctly rounded


def test_many_quotients_are_added_exactly():
    widths = dims(" ".join(f"c{i}" for i in range(7)))
    e = sympy.Add(*[c**2 / width for width in widths])
    f = compile({"sum": e, "floor": floor(e)})
    at = {width: 3 + i for i, width in enumerate(widths)}
    numbers = {width.name: [number, number] for width, number in at.items()}
    got = f(c=[5, 5040], **numbers)
    for place, size in enumerate((5, 5040)):
        want = value(e, {**at, c: size})
        assert got["floor"][place] == math.floor(want) and got["sum"][place] == float(want)


def test_floors_of_logarithms_and_roots_of_integers_are_exact():
    exact = compile({"log": floor(log(c) / log(5)), "root": floor(sqrt(c)), "cube": floor(c ** sympy.Rational(1, 3))})
    for k in range(1, 26):
        for number in (5**k - 1, 5**k, 5**k + 1):
            got = exact(c=number)
            assert got["log"] == (k if number >= 5**k else k - 1)
            assert got["root"] == math.isqrt(number)
            assert got["cube"] ** 3 <= number < (got["cube"] + 1) ** 3
    near = compile(floor(sqrt(c) + sqrt(H)), "numpy")
    assert near(c=[16, 15], H=[25, 25]).tolist() == [9, 8]


def test_floats():
    f = compile(log(c) / log(2) + 1 / sqrt(H) + sympy.exp(-L))
    assert f(c=8, H=4, L=1) == pytest.approx(3.5 + math.exp(-1), rel=1e-15)
    assert f(c=[8, 2], H=4, L=1)[0] == pytest.approx(3.5 + math.exp(-1), rel=1e-15)
    assert compile(log(c))(c=10**400) == pytest.approx(400 * math.log(10))
    assert compile(log(H**W))(H=[10], W=[400])[0] == pytest.approx(400 * math.log(10))
    x = symbols("x")
    assert compile(x**2 / 4)(x=3) == Fraction(9, 4) and compile(x**2 / 4)(x=[1.5, 2.5])[1] == 1.5625


def test_numbers_of_regions():
    f = compile({"Z": Zaslavsky(c, H), "bits": log(Zaslavsky(c, H)) / log(2)})
    got = f(c=[50, 20], H=[20, 5])
    assert got["Z"].tolist() == [114075475473136, 21700]
    for count, dimension in [(50, 20), (20, 5), (1000, 498), (802816, 150528), (802816, 802800), (5000, 2499)]:
        want = float(log2_zaslavsky(count, dimension).midpoint)
        assert compile(log(Zaslavsky(c, H)) / log(2))(c=count, H=dimension) == pytest.approx(want, rel=1e-12)


def test_functions_without_an_operation_of_their_own():
    e = PerceptronRegions(2, c, H)
    assert compile(e + 1)(c=[3, 100], H=[3, 200]).tolist() == [41, PerceptronRegions(2, 100, 200).doit() + 1]
    assert compile(log(e))(c=3, H=3) == math.log(40)
    assert compile(Log2Zaslavsky(c, H))(c=[20, 20], H=[5, 40]).tolist() == pytest.approx([math.log2(21700), 20])
    with pytest.raises(UnsupportedError, match="which needs SymPy"):
        codegen(e)


def test_records_of_formulas():
    net = la.Input(3, H, H) >> la.Conv(c, 3, padding=1) >> la.ReLU()
    size = la.derive(la.receptive_field, net)
    got = compile({"field": size, "shape": la.output_shape(net)})(H=[8, 9], c=4)
    assert got["field"].size == (3, 3) and got["shape"][0] == 4 and got["shape"][1].tolist() == [8, 9]
    shape = compile(la.derive(la.output_shape, la.Input(c) >> la.Linear(7)))
    assert shape() == shape(c=3) == (7,), "the network depends on c, its output does not"


def numbers(thing):
    """The numbers in a value, a tuple or a record, as floats."""
    if hasattr(thing, "map_expressions"):
        thing = [getattr(thing, field.name) for field in dataclasses.fields(thing)]
    if isinstance(thing, (tuple, list, sympy.Tuple)):
        return [number for part in thing for number in numbers(part)]
    return [] if isinstance(thing, (str, bool, type(None))) else [float(thing)]


def test_every_metric_of_a_network_compiles_to_what_it_derives():
    block = la.Conv(c, 3, padding=1, bias=False) >> la.BatchNorm() >> la.ReLU()
    net = la.Input(3, H, H) >> la.Conv(c, 5, stride=2, padding=2) >> (la.Identity() + block) ** L >> la.Linear(10)
    compared = 0
    for metric in METRICS.values():
        try:
            derivation = la.derive(metric, net)
        except UnsupportedError:
            continue
        at = {symbol.name: 7 for symbol in derivation.symbols}
        compiled = compile(derivation)
        got = compiled(**{name: size for name, size in at.items() if name in compiled.arguments})
        for mine, theirs in zip(numbers(got), numbers(derivation(**at)), strict=True):
            assert mine == pytest.approx(theirs, rel=1e-9), metric.name
            compared += 1
    assert compared >= 5


def test_sums_and_products_over_an_index():
    e = Sum(c * L**2 / 2, (L, 1, H)) + Product(L + 1, (L, 0, H))
    for backend in ("python", "numpy"):
        for h in (1, 2, 5):
            want = value(e, {H: h, c: 3})
            assert compile(e, backend)(H=h, c=3) == want
    assert compile(e)(H=[1, 5, 25], c=2).dtype == object  # 26! does not fit into 64 bits
    assert compile(e)(H=[[1], [25]], c=[2, 4])[1, 1] == value(e, {H: 25, c: 4})
    with pytest.raises(BudgetError, match="close it"):
        compile(Sum(Mod(L, 7), (L, 1, H)))(H=[10**7])
    with pytest.raises(DomainError, match="ends no earlier"):
        compile(Sum(L, (L, 1, n)))(n=-3)


# The domain


def test_arguments_outside_of_what_symbols_stand_for():
    with pytest.raises(DomainError, match="H must be positive, got H=0"):
        compile(H * 2)(H=[3, 0])
    with pytest.raises(DomainError, match="H must be positive"):
        compile(H * 2, "python")(H=0)
    even = symbols("k", even=True)
    with pytest.raises(DomainError, match="k is even"):
        compile(even / 2)(k=[2, 3])


@pytest.mark.parametrize("backend", ["python", "numpy", "torch"])
def test_the_failed_condition_is_named(backend):
    if backend == "torch":
        pytest.importorskip("torch")
    f = compile(floor((H - g) / 2) + c / (H - 3), backend, domain=[g <= H, H >= 2])
    wrap = (lambda number: number) if backend == "python" else (lambda number: np.array([number]))
    with pytest.raises(DomainError, match="H must be at least 2, got H=1"):
        f(H=wrap(1), g=wrap(1), c=wrap(1))
    with pytest.raises(DomainError, match=r"it does not hold that g <= H"):
        f(H=wrap(4), g=wrap(5), c=wrap(1))
    with pytest.raises(DomainError, match=r"H \+ -3.* != 0"):
        f(H=wrap(3), g=wrap(1), c=wrap(1))


def test_masks():
    f = compile({"q": c / (H - 3), "c": c}, domain=[g <= c], on_invalid="mask")
    got = f(c=[4, 4, 4, 4], H=[5, 3, 5, 0], g=[1, 1, 9, 1])
    assert got["q"].tolist() == [2, None, None, None] and got["c"].tolist() == [4, 4, None, None]
    alone = compile({"q": c / (H - 3), "c": c}, "python", on_invalid="mask")
    assert alone(c=4, H=3) == {"q": None, "c": 4} and alone(c=4, H=-3) == {"q": None, "c": None}


def test_only_the_case_that_applies_has_to_be_defined():
    e = Piecewise((1 / (c - 5), c > 5), (log(6 - c), True))
    got = compile(e)(c=[4, 5, 7])
    assert got.tolist() == pytest.approx([math.log(2), 0, 0.5])
    with pytest.raises(DomainError, match="one of the cases"):
        compile(Piecewise((c, c > 5)))(c=[4])


@pytest.mark.parametrize(
    "net", [la.Conv(c, 3) ** L, (la.Conv(c, 3, stride=2, padding=1) >> la.Conv(c, 2)) ** 3], ids=str
)
def test_domains_of_derivations_hold_for_every_copy(net):
    derivation = la.derive(la.macs, la.Input(c, H) >> net)
    compiled = compile(derivation, on_invalid="mask")
    found = compiled(H=np.arange(1, 40)[:, None], c=2, **({"L": np.arange(1, 9)} if L in derivation.symbols else {}))
    outside = 0
    for place in np.ndindex(found.shape):
        at = {"H": place[0] + 1, "c": 2} | ({"L": place[1] + 1} if L in derivation.symbols else {})
        try:
            assert found[place] == derivation(**at)
        except DomainError:
            outside += 1
            assert found[place] is np.ma.masked
    assert 0 < outside < found.size


def test_conditions_for_every_value_of_an_index():
    index = symbols("i", integer=True, nonnegative=True)
    affine = Condition(H >= 2 * index + 3, "it is wide enough", ((index, L),))
    rounded = Condition(floor(H / 3) >= floor(index / 2), "it is wide enough", ((index, L),))
    for condition, loops in [(affine, 0), (rounded, 1)]:
        f = compile(H * L, domain=[condition], on_invalid="mask")
        assert f.program.ops.count("loop") == loops
        got = f(H=np.arange(1, 15)[:, None], L=np.arange(1, 10))
        for place in np.ndindex(got.shape):
            h, copies = place[0] + 1, place[1] + 1
            holds = all(value(condition.relation, {H: h, index: number}) for number in range(copies))
            assert (got[place] is not np.ma.masked) == holds


def test_conditions_that_do_not_vary_choose_among_arrays():
    e = Piecewise((H, n > 3), (W, True))
    assert compile(e)(H=[1, 2], W=[5, 6], n=4).tolist() == [1, 2]
    assert compile(e)(H=[1, 2], W=[5, 6], n=3).tolist() == [5, 6]
    assert compile(e)(H=[10**30, 2], W=[5, 6], n=3).tolist() == [5, 6]


def test_bounds_of_the_domain_prove_what_fits_and_remove_what_never_happens():
    free = compile(Max(0, H - 7))
    bounded = compile(Max(0, H - 7), domain=[H >= 7])
    assert "max" in free.program.ops and "max" not in bounded.program.ops
    with pytest.raises(DomainError, match="no H"):
        compile(H, domain=[H <= 5, H >= 7])
    with pytest.raises(DomainError, match="never holds"):
        compile(H, domain=[H <= 0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "missing: H"), ({"H": 1, "W": 2}, "unknown: W"), ({"H": 1.5}, "must be an integer"),
        ({"H": True}, "must be an integer"), ({"H": "7"}, "must be an integer"), ({"H": [1.5]}, "float64"),
        ({"H": [[1], [2, 3]]}, "H must be"), ({"H": [None]}, "must be an integer"),
    ],
)  # fmt: skip
def test_arguments_that_make_no_sense(arguments, message):
    with pytest.raises(FieldError, match=message):
        compile(H + 1)(**arguments)


def test_requests_that_make_no_sense():
    with pytest.raises(FieldError, match="backend"):
        compile(H, backend="fortran")
    with pytest.raises(FieldError, match="on_invalid"):
        compile(H, on_invalid="ignore")
    with pytest.raises(FieldError, match="relation"):
        compile(H, domain=[H])
    with pytest.raises(FieldError, match="two different symbols are named c"):
        compile(c + symbols("c"))
    with pytest.raises(FieldError, match="a SymPy expression"):
        compile("c + 1")
    with pytest.raises(FieldError, match="broadcast"):
        compile(H + W)(H=[1, 2], W=[1, 2, 3])
    with pytest.raises(UnsupportedError, match="cannot compile f in"):
        compile(sympy.Function("f")(H))
    with pytest.raises(UnsupportedError, match="ComplexInfinity"):
        compile(1 / sympy.Mul(0, H, evaluate=False))
    with pytest.raises(UnsupportedError, match="binomial"):
        compile(binomial(H / 2, W))


# How it is computed


def test_common_subexpressions_are_computed_once():
    size = floor((H - 7) / 2) + 1
    program = compile({"macs": 9 * c**2 * size**2, "activations": c * size**2, "floor": size}).program
    assert program.ops.count("floordiv") == 1 and program.ops.count("square") == 2


def test_on_open_grids_only_what_depends_on_all_axes_has_the_full_size(monkeypatch):
    from layeralgebra.algebra.compilation.backends import execution

    touched = []
    original = execution.Group.run

    def run(self, found, full):
        extent = math.prod(size for axis, size in enumerate(full) if self.mask >> axis & 1)
        touched.append(extent * len(self.calls))
        return original(self, found, full)

    monkeypatch.setattr(execution.Group, "run", run)
    e = sum(9 * c**2 * k * floor((H + k) / 2) ** 2 * L + c * H * L for k in range(1, 9))
    size = 64
    grid = {name: np.arange(1, size + 1).reshape([-1 if axis == place else 1 for axis in range(3)])
            for place, name in enumerate("cHL")}  # fmt: skip
    got = compile(e)(**grid)
    assert sum(touched) < 3.2 * size**3, "8 terms, but two or three operations on the full grid"
    assert got[2, 3, 4] == value(e, {c: 3, H: 4, L: 5})


def test_blocks_cover_arrays_of_every_shape():
    e = 3 * H**2 + floor(W / 2) * c - H
    f = compile(e)
    for shape in [(1,), (7,), (100_003,), (3, 50_001), (50_001, 3), (2, 3, 20_000), (1, 1, 5)]:
        rng = np.random.default_rng(1)
        h, w, k = (rng.integers(1, 1000, shape) for _ in range(3))
        assert np.array_equal(f(H=h, W=w, c=k), 3 * h * h + w // 2 * k - h)
        assert np.array_equal(f(H=h[..., ::-1], W=w, c=5), (3 * h * h)[..., ::-1] + w // 2 * 5 - h[..., ::-1])
    assert f(H=np.empty((0, 2), dtype=int), W=1, c=1).shape == (0, 2)
    assert f(H=[[3]], W=1, c=1).shape == (1, 1)


def test_one_function_may_run_in_several_threads_at_once():
    f = compile(3 * H**2 * (W + 1) * (H + W) - H)
    rng = np.random.default_rng(3)
    arguments = [(rng.integers(1, 1000, 50_000), rng.integers(1, 1000, 50_000)) for _ in range(4)]
    wrong = []

    def work(h, w):
        for _ in range(5):
            if not np.array_equal(f(H=h, W=w), 3 * h * h * (w + 1) * (h + w) - h):
                wrong.append(1)

    threads = [threading.Thread(target=work, args=pair) for pair in arguments]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_pickling():
    f = compile({"a": H * c}, domain=[H <= c])
    again = pickle.loads(pickle.dumps(f))
    assert again(H=2, c=[3, 4])["a"].tolist() == [6, 8] and again.domain == f.domain


@given(
    st.lists(st.tuples(st.integers(-9, 9), st.lists(st.sampled_from("abcd"), max_size=4)), max_size=8),
    st.integers(-5, 5),
)
def test_taking_out_common_factors_keeps_the_sum(terms, constant):
    numbers = {"a": 7, "b": -11, "c": 13, "d": 5}

    def total(nested):
        _, products, rest = nested
        result = rest
        for _, coefficient, factors, inner in products:
            part = coefficient * math.prod(numbers[factor] for factor in factors)
            result += part * (total(inner) if inner is not None else 1)
        return result

    terms = [(coefficient, tuple(factors)) for coefficient, factors in terms]
    masks = {"a": 1, "b": 2, "c": 4, "d": 0}
    nested = factored(terms, constant, masks, lambda mask: 10 ** mask.bit_count() if mask else 0)
    want = constant + sum(k * math.prod(numbers[factor] for factor in factors) for k, factors in terms)
    assert total(nested) == want


_OPERATIONS = {
    "floordiv": lambda x, y: x // y, "mod": lambda x, y: x % y, "mul": lambda x, y: 3 * x * y,
    "add": lambda x, y: 2 * x - 5 * y + 7, "max": max, "min": min, "lt": lambda x, y: x < y, "eq": lambda x, y: x == y,
}  # fmt: skip
_VALUES = {"mul": 3, "add": ((2, -5), 7)}
_ENDS = st.tuples(st.integers(-20, 20), st.integers(0, 12)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(st.sampled_from(sorted(_OPERATIONS)), _ENDS, _ENDS)
def test_bounds_contain_every_value(op, first, second):
    low, high = interval(op, _VALUES.get(op), [first, second])
    for x in range(first[0], first[1] + 1):
        for y in range(second[0], second[1] + 1):
            if y or op not in ("floordiv", "mod"):
                assert low <= _OPERATIONS[op](x, y) <= high


def test_bounds_of_huge_and_unbounded_operands():
    assert interval("intpow", None, [(2, 2), (1, 10**9)]) == (2, math.inf)
    assert interval("mul", 1, [(0, 10**600), (-math.inf, math.inf)]) == (-math.inf, math.inf)
    assert interval("floordiv", None, [(-math.inf, 5), (2, math.inf)]) == (-math.inf, 2)
    assert interval("add", ((10**400,), 10**400), [(-1, math.inf)])[1] == math.inf


def test_divisibility_is_shown_by_residues():
    def proved(e, divisor):
        program = compile(e).program
        return always_divides(program, program.outputs[0], divisor)

    assert proved(n * (n + 1), 2) and proved(n * (n + 1) * (2 * n + 1), 6) and proved(n**3 - n, 6)
    assert not proved(n * (n + 2), 2) and not proved(n * (n + 1), 3)
    assert not proved((c / g) * (c / g + 1) * g * g, 2), "a quotient may be a fraction"


# Source code


def test_python_source_stands_alone(tmp_path):
    r = random.Random(31)
    for number, e in enumerate(formulas(r, 40)):
        path = tmp_path / f"formula_{number}.py"
        text = codegen(e)
        assert "layeralgebra" not in text and "sympy" not in text
        path.write_text(text)
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        columns = sizes(r, e, 4)
        for point in zip(*columns.values(), strict=True):
            at = dict(zip(columns, point, strict=True))
            try:
                got = module.formula(**{symbol.name: number for symbol, number in at.items()})
            except ValueError:
                got = None
            assert got == expected(e, at), (e, at)


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
def test_c_source_gives_the_same_or_says_why_not(tmp_path):
    r = random.Random(32)
    cases = list(formulas(r, 40))
    files = []
    for number, e in enumerate(cases):
        files.append(tmp_path / f"f{number}.c")
        files[-1].write_text(codegen(e, "c", name=f"f{number}"))
    library = tmp_path / "formulas.so"
    command = [
        "gcc",
        "-std=gnu11",
        "-O1",
        "-Wall",
        "-Werror",
        "-Wno-unused-function",
        "-shared",
        "-fPIC",
        "-o",
        library,
    ]
    subprocess.run([*command, *files, "-lm"], check=True, timeout=120)
    loaded = ctypes.CDLL(str(library))
    answers = [0, 0, 0, 0]
    for number, e in enumerate(cases):
        columns = sizes(r, e, 6)
        for point in zip(*columns.values(), strict=True):
            at = dict(zip(columns, point, strict=True))
            result = ctypes.c_int64()
            status = getattr(loaded, f"f{number}")(*map(ctypes.c_int64, at.values()), ctypes.byref(result))
            want = expected(e, at)
            answers[status] += 1
            assert status in (0, 1, 2, 3)
            assert status != 0 or result.value == want, (e, at, result.value, want)
            assert status != 1 or want is None, (e, at)
            assert status != 3 or isinstance(want, Fraction), (e, at)
    assert answers[0] > 150


def test_source_code_takes_care_of_names():
    e = dims("lambda") * dims("int") + dims("sum")
    assert "def formula(int_, lambda_, sum):" in codegen(e)
    assert "int64_t int_, int64_t lambda_" in codegen(e, "c")
    assert codegen({"macs": H, "params": c}).splitlines()[-1] == "    return {'macs': H, 'params': c}"
    with pytest.raises(FieldError, match="identifier"):
        codegen(H, name="f(): pass #")
    with pytest.raises(FieldError, match="language"):
        codegen(H, "cobol")
    with pytest.raises(UnsupportedError, match="SymPy"):
        codegen(floor(sqrt(H) + sqrt(c)))
    hostile = symbols("a*/;'''+", positive=True, integer=True)
    assert "'''+" not in codegen(hostile + 1) and "*/;" not in codegen(hostile + 1, "c")


# A thousand symbols


def thousand_layers(count):
    widths = dims(" ".join(f"c{i}" for i in range(count + 1)))
    return widths, sympy.Add(*[9 * a * b * H * floor(W / 2) + b for a, b in zip(widths, widths[1:], strict=False)])


def test_a_formula_of_a_thousand_symbols_compiles_and_is_right():
    widths, e = thousand_layers(1000)
    numbers = [random.Random(5).randint(1, 512) for _ in widths]
    arguments = {width.name: number for width, number in zip(widths, numbers, strict=True)}
    want = sum(9 * a * b * 14 * 7 + b for a, b in zip(numbers, numbers[1:], strict=False))
    start = time.perf_counter()
    assert compile(e, "python")(H=14, W=15, **arguments) == want
    assert compile(e)(H=[14, 14], W=15, **arguments).tolist() == [want, want]
    assert time.perf_counter() - start < 10


@pytest.mark.parametrize("large", [2**62, 2**63 - 1, 2**63, 2**64 - 1, 10**25])
def test_a_long_scalar_beside_an_array_does_not_wrap(large):
    c, H, L = la.dims("c H L")
    column = [1, 2, 3, 10**9, 5] * 2000
    for formula, expected in {
        c * H + L: lambda c: large * c + c,
        floor(H / c) * L: lambda c: large // c * c,
        Max(c, H) + floor(c / 3): lambda c: large + c // 3,
        Mod(H, c + 1): lambda c: large % (c + 1),
        (c - H) ** 2: lambda c: (c - large) ** 2,
    }.items():
        sizes = {x.name: large if x == H else np.array(column) for x in formula.free_symbols}
        found = la.compile(formula)(**sizes)
        assert [int(value) for value in found[:5]] == [expected(number) for number in column[:5]]
