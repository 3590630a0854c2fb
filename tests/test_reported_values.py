"""Single results that users compute by hand: each with its right value, or refused, and with the condition under which it holds."""

from __future__ import annotations

import math
import random
import shutil
import subprocess
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy
from sympy import Mod, Symbol, floor, log

import layeralgebra as la
from layeralgebra import proofs
from layeralgebra.algebra.derivations.least_sizes import least_size
from layeralgebra.algebra.formulas.zaslavsky import BinaryEntropy, Log2Zaslavsky
from layeralgebra.proofs.verdict import Proved

H, L, N, T, W, c, d, h, k, n, s, x = la.dims("H L N T W c d h k n s x")
KERNEL_OF_THREE = la.Conv(1, 3, padding=1, bias=False)


def layer(equation: str, fields: dict[str, Any] | None = None, **attributes: Any) -> Any:
    return type("Own", (la.Layer,), {"__annotations__": fields or {}, "equation": equation, **attributes})


# Sizes that no index bounds


SIZES = {
    "copies less three": ("parameters", la.Linear(d) ** (L - 3), (d,), {"L": 1, "d": 3}, "L >= 3", {"L": 5, "d": 3}, 24),
    "half as many copies": ("parameters", la.Linear(d) ** (L / 2), (d,), {"L": 3, "d": 2}, "2 divides L", {"L": 4, "d": 2}, 12),
    "half of a kernel": ("output_shape", la.Conv(c, k, padding=(k - 1) / 2), (3, 9, 9), {"k": 4, "c": 4}, "2 divides k", {"k": 5, "c": 4}, (4, 9, 9)),
    "half a stride": ("output_shape", la.Conv(4, 3, stride=k / 2), (3, 9), {"k": 3}, "2 divides k", {"k": 4}, (4, 4)),
    "half a dilation": ("output_shape", la.Conv(4, 3, dilation=k / 2), (3, 9), {"k": 3}, "2 divides k", {"k": 4}, (4, 5)),
    "half a margin": ("output_shape", la.Pad(k / 2, k / 2), (3, 9), {"k": 3}, "2 divides k", {"k": 4}, (3, 13)),
    "half a vocabulary": ("parameters", la.Embedding(k / 2, d), (9,), {"k": 3, "d": 2}, "2 divides k", {"k": 4, "d": 2}, 4),
    "more experts active than there are": ("macs", la.MixtureOfExperts(n, k, h), (3, 4), {"n": 2, "k": 3, "h": 2}, "n >= k", None, None),
}  # fmt: skip


@pytest.mark.parametrize("name", SIZES)
def test_a_size_that_no_index_bounds_is_a_condition(name: str) -> None:
    metric, net, on, outside, condition, inside, value = SIZES[name]
    derived = la.derive(metric, net, on=on)
    assert condition in str(derived.domain)
    with pytest.raises(la.DomainError, match=condition):
        derived(outside)
    if inside is not None:
        assert derived(inside) == (sympy.Tuple(*value) if isinstance(value, tuple) else value)


@pytest.mark.parametrize("head", ["max[j](x[i, j])", "mean[j](x[i, j])", "min[j](x[i, j])"])
@pytest.mark.parametrize("on", [(n, n), (3, 3)], ids=["symbols", "numbers"])
def test_the_last_row_of_a_strict_mask_is_empty(head: str, on: tuple[Any, ...]) -> None:
    with pytest.raises(la.ShapeError, match="at least one value"):
        la.output_shape(layer(f"y[i] = {head}\nwhere j > i")(), on=on)


def test_a_softmax_of_nothing_is_refused() -> None:
    with pytest.raises(la.ShapeError, match="softmax over j needs at least one value"):
        la.output_shape(layer("z[i, j] = softmax[j](x[i, j])\ny[i] = sum[j](z[i, j])\nwhere j > i")(), on=(n, n))


# Names and addresses


NAMES = {
    "a field in a mask": ("a[i, j] = softmax[j](x[i, j])\ny[i] = sum[j](a[i, j])\nwhere i - j < windwo", "window", 2),
    "a margin": ("y[c, *i] = pad[paddin](x[c, *i])", "padding", 2),
    "a bound of what is looked up": ("y[i] = E[x[i]]\nwhere x < vocabularyy", "vocabulary", 1),
    "a bound of an index": ("y[i] = 2*x[i]\nwhere i < lenght", "length", 1),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_misspelt_name_is_an_error_that_names_the_field(name: str) -> None:
    text, field, rank = NAMES[name]
    with pytest.raises(la.EquationError, match=f"did you mean {field}"):
        la.macs(layer(text, {field: la.Dim})(3), on=(n,) * rank)


BAD_ADDRESSES = {
    "a third of an index": ("y[i] = x[i/3]", (c,), "must be an integer"),
    "half a place further": ("y[i] = x[i + 1/2]", (6,), "must be an integer"),
    "a starred group of nothing": ("y[(*k,)] = x[*i]", (c,), "used in no address"),
    "a star forgotten in a group": ("y[(i,)] = x[*i]", (c,), "needs its star"),
    "an unknown name inside a floor": ("y[i] = x[i]\nwhere i < floor(foo/2)", (c,), "unknown name foo"),
}


@pytest.mark.parametrize("name", BAD_ADDRESSES)
def test_an_address_is_an_integer_of_known_names(name: str) -> None:
    text, on, message = BAD_ADDRESSES[name]
    with pytest.raises(la.EquationError, match=message):
        la.output_shape(layer(text)(), on=on)


def test_a_declared_buffer_is_neither_input_nor_parameter() -> None:
    scaled = layer("y[i] = b[i]*x[i]", buffers=("b",))()
    assert scaled.input_names == ("x",)
    assert la.parameters(scaled, on=(c,)) == 0


def test_an_equation_may_end_in_a_number() -> None:
    square = layer("y = x[i]*x[i]")()
    assert la.output_shape(square, on=(c,)) == sympy.Tuple()
    assert la.run(square, np.array([3.0, 4.0])) == 25


# Conditions of theorems


def relus(*widths: int, bias: bool = True) -> la.Network:
    return la.Series(*(part for width in widths for part in (la.Linear(width, bias=bias), la.ReLU())))


def test_all_kinks_at_zero_are_two_pieces_and_no_bound_claims_more_than_upper() -> None:
    net = la.Linear(4, bias=False) >> la.ReLU() >> la.Linear(1)
    points = np.linspace(-1, 1, 4001)
    weights = {name: np.asarray(value, dtype=float) for name, value in la.weights(net, on=(1,), seed=5).items()}
    values = np.array([float(np.asarray(la.run(net, np.array([p]), weights)).item()) for p in points[::50]])
    slopes = np.diff(values) / np.diff(points[::50])
    assert len(set(np.round(slopes, 9))) == 2
    for bound in ("one_dimensional", "montufar_2017", "histogram"):
        found = la.derive("linear_regions", net, on=(1,), bound=bound)
        assert found.kind == "upper" and found.formula >= 2
    with pytest.raises(la.UnsupportedError, match="no bias"):
        la.linear_regions(net, on=(1,), bound="montufar_2014")


@pytest.mark.parametrize(("widths", "patterns", "pieces"), [((3, 1), 8, 7), ((6, 1), 14, 11)])
def test_pieces_and_patterns_of_a_last_unit_alone(widths: tuple[int, ...], patterns: int, pieces: int) -> None:
    net = relus(*widths)
    exact = la.derive("linear_regions", net, on=(1,), bound="one_dimensional", count="patterns")
    assert (exact.formula, exact.kind) == (patterns, "exact")
    upper = la.derive("linear_regions", net, on=(1,), bound="one_dimensional", count="pieces")
    assert upper.kind == "upper" and upper.formula >= pieces
    with pytest.raises(la.DomainError, match="last layer that is wider"):
        la.linear_regions(net, on=(1,), bound="montufar_2014", count="pieces")


def test_the_lower_vc_bound_is_refused_where_its_theorem_is_silent() -> None:
    with pytest.raises(la.DomainError, match="W > 640 L"):
        la.vc_dimension(relus(3) >> la.Linear(1), on=(2,), bound="lower")


def test_fifty_copies_of_shared_weights_are_counted_once() -> None:
    shared = la.Series(*[la.Linear(4).shared("w") >> la.ReLU()] * 50) >> la.Linear(1)
    assert la.parameters(shared, on=(4,)) == 25
    with pytest.raises(la.DomainError, match="W = 25"):
        la.vc_dimension(shared, on=(4,), bound="lower")


def test_skips_are_cut_and_not_run_down() -> None:
    """90 regions are reached by widths 2 and 5 on 3 inputs with a skip; a running minimum would say 64."""
    net = (la.Identity() | relus(2)) >> relus(5)
    found = la.derive("linear_regions", net, on=(3,))
    assert (found.formula, found.kind) == (104, "upper")


def test_capacity_of_a_stack_has_a_domain_and_is_called_like_a_derivation() -> None:
    allocation = la.capacity_allocation(KERNEL_OF_THREE**L, on=(1, N))
    assert allocation.total == 2 * L + 1 and allocation.domain.conditions
    with pytest.raises(la.DomainError):
        allocation(L=3, N=3)
    assert la.capacity_allocation(KERNEL_OF_THREE**3, on=(1, 3)).total == 3
    for length in (7, 9):
        assert la.capacity_allocation(KERNEL_OF_THREE**3, on=(1, length)).total == 7 == allocation(L=3, N=length)


def test_a_fact_of_real_quantities_is_proved_as_one_of_fractions() -> None:
    (row,) = proofs.prove("recurrent_memory_is_inverse_update", routes=["field"]).rows
    verdict = row.verdicts["field"]
    assert isinstance(verdict, Proved) and "reals" in verdict.certificate.summary
    for square in (Fraction(1, 4), Fraction(1, 100), Fraction(9, 7)):
        share = square / (1 + square)
        assert (1 - share) / share == 1 / square


# Learned factors of either sign


SIGNS = {
    "a factor inside two absolute values": ("y[i] = abs(abs(A[i]*x[i]))", (1,), None, 2),
    "a unit with a learned sign beside one without": ("y[i] = relu(A[i]*x[i]) + relu(x[i])", (2,), relus(3), 28),
    "a slope that may be negative": ("y[i] = relu(max(x[i], 0) + a[i]*min(x[i], 0))", (1,), None, 2),
}


@pytest.mark.parametrize("name", SIGNS)
def test_a_learned_factor_may_be_negative(name: str) -> None:
    text, on, after, regions = SIGNS[name]
    net = layer(text)() if after is None else layer(text)() >> after
    found = la.derive("linear_regions", net, on=on)
    assert found.kind == "upper" and found.formula >= regions


def test_pieces_of_a_slope_that_may_be_negative() -> None:
    pieces = la.transfer(layer("y[i] = relu(max(x[i], 0) + a[i]*min(x[i], 0))")(), on=(1,)).phi.pieces
    assert (pieces.sloped, pieces.constant) == (2, 0)


# Gains of branches


def test_a_branch_of_two_layers_goes_as_the_square_of_its_factor() -> None:
    conv = la.Conv(c, 3, padding=1, bias=False)
    found = la.scaling_exponent(la.Identity() + (conv >> la.ReLU() >> conv), on=(c, N))
    assert (found.exponent, found.verdict) == (sympy.Rational(1, 4), "converges")
    at_half = la.scaling_exponent(la.Identity() + (conv >> la.ReLU() >> conv), sympy.Rational(1, 2), on=(c, N))
    assert at_half.at_exponent is not None and at_half.at_exponent.verdict == "vanishes"


NO_LAW = {
    "a dense block": (la.Concat(la.Identity(), la.Conv(c, 3, padding=1, bias=False)), (c, N), "dense block"),
    "pooling": (la.Conv(c, 3, padding=1, bias=False) >> la.AvgPool(2), (c, N), "law of its own"),
    "long short-term memory": (la.LSTM(c), (N, c), "gates"),
    "gated recurrent units": (la.GRU(c), (N, c), "gates"),
}


@pytest.mark.parametrize("name", NO_LAW)
def test_blocks_with_a_law_of_their_own_are_refused(name: str) -> None:
    block, on, reason = NO_LAW[name]
    with pytest.raises(la.UnsupportedError, match=reason):
        la.scaling_exponent(block, on=on)


def test_a_faint_branch_moves_as_much_as_its_whole_gain_says() -> None:
    wide, narrow = la.Conv(1, 3, padding=1, bias=False), la.Conv(1, 1, bias=False)
    net = narrow + (narrow >> wide)
    taps = {
        "0.W": np.ones((1, 1, 1, 1)),
        "1.0.W": np.full((1, 1, 1, 1), 0.001),
        "1.1.W": np.array([[[[0.5, 0.7, 0.5]]]]),
    }
    (spread,) = la.capacity_propagation(net, on=(1, 9), taps=taps).spreads
    gain = 0.001**2 * (0.5**2 + 0.7**2 + 0.5**2)
    assert float(spread.variance) == pytest.approx(gain / (1 + gain) * 0.5 / 0.99) == pytest.approx(5e-7, rel=1e-3)


def test_pooled_values_are_two_whatever_the_covariance() -> None:
    net = la.AvgPool(2) >> KERNEL_OF_THREE >> KERNEL_OF_THREE >> la.Flatten() >> la.Linear(1, bias=False)
    neighbours = 2 * np.eye(4) + np.eye(4, k=1) + np.eye(4, k=-1)
    assert la.capacity_allocation(net, on=(1, 4), covariance=neighbours).total == 2
    assert la.capacity_allocation(net, on=(1, 4)).total == 2


# Fields


FIELDS = {
    "a classifier of all positions": (la.Conv(2, 3) >> la.Flatten() >> la.Linear(5), (3, 50), None, True, "exact"),
    "the same of a kernel of one": (la.Conv(2, 1) >> la.Flatten() >> la.Linear(5), (3, 50), None, True, "exact"),
    "every third place, doubled": (la.Conv(1, 1, stride=3) >> la.Upsample(2), (1, 30), 1, False, "upper"),
}


@pytest.mark.parametrize("name", FIELDS)
def test_fields_that_cover_everything_and_fields_through_upsampling(name: str) -> None:
    net, on, size, covering, kind = FIELDS[name]
    field = la.receptive_field(net, on=on)
    assert field.covers_input == (covering,) and field.kind == kind and f"kind='{kind}'" in repr(field)
    assert size is None or field.size == (size,)


# Repetition


def nested(levels: int, times: Any) -> la.Network:
    net: la.Network = la.Linear(4) >> la.ReLU()
    for _ in range(levels):
        net = (net >> la.ReLU()) ** times
    return net


PER_COPY = {"parameters": 20, "macs": 16, "depth": 1, "activations": 4}


@pytest.mark.parametrize("metric", PER_COPY)
@pytest.mark.parametrize("first", [True, False])
def test_a_billion_copies_cost_what_one_costs(metric: str, first: bool, time_limit: Any) -> None:
    many = la.Linear(4) ** 10**9
    with time_limit(20):
        found = la.derive(metric, many if first else la.Linear(4) >> many, on=(4,)).formula
    assert found == PER_COPY[metric] * (10**9 + (not first))


@pytest.mark.parametrize("levels", [1, 3, 10, 60])
def test_copies_inside_copies_count_their_product(levels: int) -> None:
    assert la.parameters(nested(levels, 2), on=(4,)) == 20 * 2**levels
    assert la.parameters(nested(levels, L), on=(4,)) == 20 * L**levels
    # A linear layer and a unit in each innermost copy, and a unit behind each copy of every level.
    units = 2**levels + sum(2**level for level in range(1, levels + 1))
    assert la.activations(nested(levels, 2), on=(4,)) == 4 * (2**levels + units)


def test_a_long_ladder_of_joins_is_counted() -> None:
    nodes: dict[str, la.Network] = {"n0": la.Linear(4)}
    edges = []
    for rung in range(1, 501):
        nodes |= {f"a{rung}": la.Linear(4) >> la.ReLU(), f"n{rung}": la.Add()}
        edges += [(f"n{rung - 1}", f"a{rung}"), (f"a{rung}", f"n{rung}"), (f"n{rung - 1}", f"n{rung}")]
    ladder = la.Graph(nodes, edges)
    assert la.parameters(ladder, on=(4,)) == 20 * 501
    assert la.layer_complexity(ladder, on=(4,)) == 4 * 500


# SymPy's own doors, and LaTeX


def test_a_rounded_quotient_is_right_at_every_integer() -> None:
    for module in ("math", "numpy"):
        called = sympy.lambdify(N, floor(N / 3 + sympy.Rational(2, 3)), module)
        assert [at for at in range(1, 2000) if called(at) != (at + 2) // 3] == []


def test_regions_in_bits_can_be_given_to_lambdify() -> None:
    for module in ("math", "numpy", "mpmath"):
        assert math.isclose(sympy.lambdify((N, k), Log2Zaslavsky(N, k), module)(7, 3), 6)


QUOTIENTS = [k / N, -k / N, 1 - k / N, 1 / (N * k), (k + 1) * (c + 2) / (N * (N + 1)), (1 + k / N) ** 2, log(k / N), BinaryEntropy(k / (k + N)),
             sympy.Piecewise((k, sympy.Eq(k / N, 1)), (c / N, True)), k * N ** (-L), 2 * k / (3 * N), la.intrinsic_power(la.Conv(c, 1), on=(N, k)).net]  # fmt: skip


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not on the path")
def test_quotients_of_integers_are_no_integers_in_c(tmp_path: Any) -> None:
    points = [dict(zip((k, N, c, L), at)) for at in ((1, 3, 5, 2), (7, 2, 1, 3), (4, 4, 2, 1), (2, 9, 8, 2))]
    text = ["#include <math.h>", "#include <stdio.h>", "int main(void) { long long k, N, c, L;"]
    for point in points:
        text.append(" ".join(f"{symbol} = {value};" for symbol, value in point.items()))
        text += [f'printf("%.17g\\n", (double)({sympy.ccode(formula)}));' for formula in QUOTIENTS]
    (tmp_path / "quotients.c").write_text("\n".join([*text, "return 0; }"]), encoding="utf-8")
    subprocess.run(["gcc", "-o", "quotients", "quotients.c", "-lm"], cwd=tmp_path, check=True, timeout=60)
    found = subprocess.run([tmp_path / "quotients"], check=True, capture_output=True, text=True).stdout.split()
    expected = [float(formula.subs(point)) for point in points for formula in QUOTIENTS]
    assert [float(line) for line in found] == pytest.approx(expected, rel=1e-12)
    assert sympy.fcode(k / N, source_format="free") == "dble(k)/N" and sympy.ccode(c / 2) == "((double)c/2.0)"


LATEX = {
    "a remainder": (3 * Mod(N, k), r"3 (N \bmod k)"),
    "a small float": (1e-06, "10^{-6}"),
    "a small negative float": (-1e-06, "-10^{-6}"),
    "a float of NumPy": (np.float32(0.5), "0.5"),
    "a binary logarithm": (log(c, 2), r"\log_{2} c"),
    "a logarithm": (log(c), r"\log{(c)}"),
}


@pytest.mark.parametrize("name", LATEX)
def test_latex(name: str) -> None:
    formula, text = LATEX[name]
    assert la.latex(formula) == text


# What is given, and files


def test_arrays_and_numbers_of_numpy_are_sizes() -> None:
    assert la.Conv(3, np.array([3, 3])) == la.Conv(3, (3, 3))
    assert la.output_shape(la.Conv(4, 3), on=np.array([3, 8, 8])) == (4, 6, 6)
    assert la.Dropout(np.float64(0.1)) == la.Dropout(0.1)
    with pytest.raises(la.FieldError, match="list or a tuple"):
        la.output_shape(la.Conv(4, 3), on=(3, (8, 8)))


def test_source_of_odd_names_compiles() -> None:
    odd = Symbol("a\0b", integer=True, positive=True)
    for source in (la.codegen(odd + 1), la.codegen({"a\0b": c})):
        compile(source, "formula.py", "exec")
    with pytest.raises(la.FieldError, match="identifier"):
        la.codegen(c, name="a\0b")


@pytest.mark.parametrize(
    ("attribute", "value"), [("equation", "y[i] = x[i]"), ("buffers", ("b",)), ("stride", 2), ("own", 1)]
)
def test_a_class_of_layers_is_frozen(attribute: str, value: Any) -> None:
    for kind in (la.Conv, layer("y[i] = 2*x[i]", {"stride": la.Dim})):
        with pytest.raises(la.FieldError, match="write a new class"):
            setattr(kind, attribute, value)


def test_one_dict_of_sizes_evaluates_every_metric() -> None:
    conv, sizes = la.Conv(4, 3, padding=1), {"c": 3, "H": 8, "W": 8}
    expected = {"parameters": 112, "macs": 27 * 4 * 64, "output_shape": (4, 8, 8), "activations": 256, "depth": 1}
    for net, on in ((conv, (c, H, W)), (la.Input(c, H, W) >> conv, None)):
        assert {metric: la.derive(metric, net, on=on)(sizes) for metric in expected} == expected
    with pytest.raises(la.FieldError, match="no symbol q"):
        la.derive("parameters", conv, on=(c, H, W))(c=3, H=8, W=8, q=1)


def test_networks_of_different_layouts_are_compared_on_an_input_each() -> None:
    attention, conv = la.MultiHeadAttention(2), la.Conv(4, 3, padding=1)
    with pytest.raises(la.FieldError, match="say what enters each"):
        la.compare({"attention": attention, "conv": conv}, on=(T, 8))
    table = la.compare({"attention": attention, "conv": conv}, on={"attention": (T, 8), "conv": (4, 8, 8)})
    assert [row[1] for row in table.rows] == [4 * 8 * 8 + 4 * 8, 4 * 4 * 9 + 4]


BUDGETS = {
    "40 indices": lambda: la.run(
        layer(
            f"y[a] = sum[{', '.join(f'i{j}' for j in range(40))}](x[a]*V[{', '.join(f'i{j}' for j in range(20))}]"
            f"*U[{', '.join(f'i{j}' for j in range(20, 40))}])\nwhere {', '.join(f'i{j} < 2' for j in range(40))}"
        )(),
        np.ones(2),
    ),
    "60 squarings of an integer": lambda: la.run(layer("y[i] = x[i]*x[i]")() ** 60, np.array([3])),
    "60 squarings of a fraction": lambda: la.run(layer("y[i] = x[i]*x[i]")() ** 60, np.array([Fraction(3, 7)])),
    "a grid of 10**14 points": lambda: la.sweep({"a": c * L}, {c: range(1, 10**7 + 1), L: range(1, 10**7 + 1)}),
    "the same in chunks": lambda: la.sweep({"a": c * L}, {c: range(1, 10**7 + 1), L: range(1, 10**7 + 1)}, chunks="auto"),
    "10**14 draws": lambda: la.sweep({"a": c}, {c: range(1, 10**7)}, mode="random", samples=10**14),
    "a graph of 10**10 edges": lambda: la.network_graph(la.Linear(10**5) >> la.Linear(10**5), on=(10**5,)),
}  # fmt: skip


@pytest.mark.parametrize("name", BUDGETS)
def test_what_is_too_much_is_refused_before_it_is_begun(name: str, time_limit: Any) -> None:
    pytest.importorskip("xarray")
    with time_limit(20), pytest.raises(la.BudgetError):
        BUDGETS[name]()


@pytest.mark.parametrize("ending", ["zarr", "parquet"])
def test_a_folder_of_others_is_never_taken_away(ending: str, tmp_path: Any) -> None:
    pytest.importorskip("zarr")
    pytest.importorskip("pyarrow")
    for inside in ("mine.txt", "zarr.json", "nested/zarr.json"):
        target = tmp_path / f"{inside.replace('/', '-')}.{ending}"
        (target / inside).parent.mkdir(parents=True)
        (target / inside).write_text("{}", encoding="utf-8")
        for overwrite in (False, True):
            with pytest.raises(la.FileError):
                la.sweep({"a": c * L}, {c: [1, 2], L: [1, 2]}, to=target, overwrite=overwrite)
            assert (target / inside).read_text(encoding="utf-8") == "{}"


# Bounds that do not depend on the writing


def test_a_maximum_counts_as_a_maxout_unit() -> None:
    """Montufar, Ren & Zhang (2021): 2 units of 3 on 6 dimensions, sum over j of C(2, j) 2**j."""
    found = la.derive("linear_regions", la.GlobalMaxPool(), on=(2, 3))
    assert found.formula == sum(math.comb(2, j) * 2**j for j in range(3)) == 9


def test_one_equation_counts_as_its_layers_do() -> None:
    joined = layer("h[i] = relu(x[i])\ny[o] = W[o, i]*h[i] + b[o]\nwhere o < n", {"n": la.Dim})(8)
    assert la.linear_regions(joined, on=(2,)) == la.linear_regions(la.ReLU() >> la.Linear(8), on=(2,)) == 4


def test_a_product_of_learned_factors_has_rank_one() -> None:
    found = la.transfer(layer("y[i] = A[i]*B[j]*x[j]\nwhere i < 3")(), on=(5,))
    assert found.phi.rank == 1 and found.kind == "upper"


def test_a_domain_says_what_many_conditions_come_to() -> None:
    derived = la.derive("output_shape", la.zoo.build("densenet201", height=H, width=W))
    assert [line.split(":")[0] for line in str(derived.domain).splitlines()] == ["H >= 29", "W >= 29"]
    assert derived(H=29, W=29) == (1000,)
    with pytest.raises(la.DomainError, match="at 19: "):  # the place that fails first
        derived(H=28, W=29)
    assert la.output_shape(la.zoo.build("densenet201", height=29, width=29)) == (1000,)
    with pytest.raises(la.ShapeError):
        la.output_shape(la.zoo.build("densenet201", height=28, width=29))


#: A rounding or an extremum with a number, of a SymPy expression and of a fraction.
TURNS = {
    "floor": (lambda e, m: floor(e), lambda v, m: Fraction(math.floor(v))),
    "ceiling": (lambda e, m: sympy.ceiling(e), lambda v, m: Fraction(math.ceil(v))),
    "max": (lambda e, m: sympy.Max(e, m - 20), lambda v, m: max(v, Fraction(m - 20))),
    "min": (lambda e, m: sympy.Min(e, m + 20), lambda v, m: min(v, Fraction(m + 20))),
    "none": (lambda e, m: e, lambda v, m: v),
}


@pytest.mark.parametrize("seed", range(40))
def test_what_a_lower_bound_comes_to_is_where_it_begins_to_hold(seed: int) -> None:
    r = random.Random(seed)
    value: Any = H
    values = [Fraction(at) for at in range(1, 2500)]
    for _ in range(r.randint(1, 4)):
        times, more, over, number = r.randint(1, 3), r.randint(-3, 5), r.choice([1, 2, 3, 7]), r.randint(1, 30)
        symbolic, numeric = TURNS[r.choice(list(TURNS))]
        value = symbolic((value * times + more) / over, number)
        values = [numeric((v * times + more) / over, number) for v in values]
    bound = r.randint(1, 12)
    relation = sympy.Ge(value, bound)
    if relation in (sympy.true, sympy.false):
        return
    found = least_size(relation)
    holds = [at for at, v in enumerate(values, start=1) if v >= bound]
    assert found is None or (found[0] == H and holds == list(range(max(found[1], 1), 2500)))
    assert found is not None or value.has(sympy.Max, sympy.Min)


def test_widths_rounded_to_eights_are_sizes_without_conditions() -> None:
    """A minimum between 0 and 1 beside eights never makes a width of none."""
    w = la.dims("w")
    eights = floor((3 * w + 2) / 4)
    width = 8 * eights + 8 * sympy.Min(1, sympy.Max(0, 5 * w + sympy.ceiling(2 * w / 5) - 8 * eights))
    derived = la.derive("parameters", la.Linear(width), on=(3,))
    assert not derived.domain.conditions
    for at in range(1, 60):
        rounded = (3 * at + 2) // 4
        assert derived(w=at) == 4 * (8 * rounded + 8 * min(1, max(0, 5 * at + -(-2 * at // 5) - 8 * rounded)))


def test_a_symbol_that_need_not_be_an_integer_takes_fractions_and_floats() -> None:
    q = Symbol("q", positive=True)
    derived = la.derive("parameters", la.Linear(8 * sympy.Max(1, floor(4 * q + sympy.Rational(1, 2)))), on=(3,))
    for given in (1.4, Fraction(7, 5), sympy.Rational(7, 5), np.float64(1.4)):
        assert derived(q=given) == 4 * 8 * 6
    assert derived(q=2) == 4 * 8 * 8 and derived(q=0.1) == 4 * 8
    tenths = la.derive("parameters", la.Linear(floor(10 * q)), on=(3,))
    assert tenths(q=1.1) == 4 * 11 and tenths(q=2.3) == 4 * 23  # as floats, 2.3 is less than 23 tenths
    for bad in (0, -1.5, "1.4", float("nan"), True):
        with pytest.raises(la.FieldError):
            derived(q=bad)
    with pytest.raises(la.FieldError, match="integer"):
        la.derive("parameters", la.Linear(c), on=(3,))(c=1.4)


def test_a_field_of_a_layer_is_not_written_over() -> None:
    conv = la.Conv(3, 3)
    with pytest.raises(la.FieldError, match="write a new layer"):
        conv.kernel = 5  # type: ignore[misc]
    assert conv.kernel == 3
