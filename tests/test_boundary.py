"""The boundary: every public callable answers or refuses in words, and what is written or asked for in excess is refused too."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy
import pytest
import sympy
from boundary_calls import fuzz, nested, one_call, subjects
from conftest import PROFILE

import layeralgebra as la
from layeralgebra.algebra.arguments import missing_extra
from layeralgebra.algebra.sweeps import plan as plans

c, H, W, L, T, d = la.dims("c H W L T d")
CALLS = 600 if PROFILE == "fast" else 200_000
CLOSED = la.Input(3) >> la.Linear(4)
SQUARE, MATRIX = [[1, 2], [3, 4]], sympy.MatrixSymbol("M", 2, 2)
HUGE, PLAIN = sympy.Pow(2, sympy.Pow(10, 40), evaluate=False), sympy.Symbol("t")
CONV = la.derive(la.macs, la.Conv(c, 3), on=(3, H))


@pytest.mark.parametrize("area", ["", "capacity."])
def test_odd_arguments_end_in_an_answer_or_in_an_error_of_the_library(area: str) -> None:
    made, faults = fuzz(CALLS if not area else CALLS // 10, seed=1, only=area)
    assert made and not faults, "\n".join(f"{fault.site} {fault.error}: {fault.call}" for fault in faults[:10])


def test_a_callable_that_checks_nothing_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    subject = next(subject for subject in subjects() if subject.name == "node_table")
    unchecked = type(subject)("unchecked", lambda derivations: [part.formula for part in derivations])
    assert any(one_call(unchecked, seed) for seed in range(20))
    leaves = type(subject)("leaves", lambda derivations: Path("a").write_text("b") and la.dims(3))
    assert one_call(leaves, 0).site == "file"  # type: ignore[union-attr]


class Equation(la.Layer):
    factor: la.Dim = 2
    equation = "y[*i] = factor * x[*i]"


REFUSED = {
    "experts of a number": lambda: la.active_experts(3),
    "a section of a number": lambda: la.section_latex("t", 3),
    "a document with a number as its title": lambda: la.latex_document("x", 3),
    "a document of a layer": lambda: la.latex_document(la.Linear(3)),
    "a budget as text": lambda: la.solve_for(c, c, at_most="3"),
    "a gradient of text": lambda: la.gradient("c", [c]),
    "a report of nothing": lambda: la.report_latex([]),
    "stages of a number": lambda: la.stages_of(3),
    "a table of stages of a number": lambda: la.stage_table(3),
    "a table of stages outside of the domain": lambda: la.stage_table(CONV, at={"H": 1, "c": 1}),
    "a file that is a number": lambda: la.from_onnx(3),
    "a module of a number": lambda: la.to_torch(3),
    "arrows that are a number": lambda: la.Graph({"a": la.ReLU()}, 3),
    "an option that is none": lambda: la.topological_similarity(CLOSED, CLOSED, foo=1),
    "a front of a number": lambda: la.pareto(3, "a"),
    "terms of a number": lambda: la.plot_terms(3),
    "an attribute of a class": lambda: setattr(Equation, "equation", "y[*i] = x[*i]"),
    "a default of a class": lambda: setattr(Equation, "factor", 3),
    "buffers of a class": lambda: setattr(Equation, "buffers", ("b",)),
    "an attribute taken away": lambda: delattr(Equation, "equation"),
    "a metric of the library again": lambda: la.Metric("macs", "", "", None, ""),
    "a size that is an array": lambda: la.Linear(numpy.array([1.5])),
    "a size that is a class": lambda: la.Linear(int),
    "one input for two layouts": lambda: la.compare({"a": la.Conv(4, 1), "b": la.MultiHeadAttention(1)}, on=(T, d)),
    "an input for no network": lambda: la.compare({"a": la.Linear(4)}, on={"b": (3,)}),
    "a name that is no identifier": lambda: la.codegen(c, name="a\0b"),
    "a folder that is not there": lambda: la.to_graphml(CLOSED, "no-such-folder/net.graphml"),
    "a grid that is not a number": lambda: la.capacity.allocate(SQUARE, grid=(float("nan"),)),
    "a grid of grids": lambda: la.capacity.allocate(SQUARE, grid=(3, (8, (8,)))),
    "a shape of three": lambda: la.capacity.allocate(lambda start, stop: SQUARE, shape=(2, 2, 2)),
    "a region of more than there is": lambda: la.capacity.allocate(SQUARE).region((range(10**12),)),
    "a covariance of more than there is": lambda: la.capacity.allocate(SQUARE, [[range(10**12)]]),
    "a covariance that takes no lag": lambda: la.capacity.allocate(SQUARE, lambda: 1),
    "rows that take no ends": lambda: la.capacity.allocate(lambda: 1, shape=(2, 2)),
    "an identity that needs an argument": lambda: la.io.to_networkx(la.ReLU() | la.Identity(), lambda x: x),
    "a tap that is a matrix": lambda: la.capacity.DeepLimit.of_block((MATRIX,), c),
    "a constant that does not commute": lambda: la.capacity.DeepLimit.of_block(
        (1,), sympy.Symbol("A", commutative=False)
    ),
    "a variable that is a matrix": lambda: la.capacity.DeepLimit.of_block((1,), c).generating_function(MATRIX),
    "an objective that is an array": lambda: la.optimize(sympy.IndexedBase("a"), over={c: [1, 2]}),
    "a size that is an array of symbols": lambda: la.Conv(sympy.IndexedBase("a"), 3),
    "symbolic examples for jax": lambda: la.from_jax(lambda x: x, (H, 4)),
    "lines that are none": lambda: la.Style(lines=4),
    "a unit that is a list": lambda: la.Style(units={"macs": []}),
    "an array as a size": lambda: CONV(c=numpy.array(["a"]), H=4),
    "a budget of what is sought": lambda: la.solve_for(2**c, c, equals=c - 5),
    "a budget of what is sought and more": lambda: la.solve_for(L * c, c, at_most=c - 5),
    "constraints of no axes": lambda: la.optimize(3, numpy.ma.masked, over={c: range(1, 4)}),
    "outputs of no axes": lambda: la.Graph({"a": la.ReLU()}, outputs=numpy.datetime64("2020-01-01")),
    "outputs that are no names": lambda: la.Graph({"a": la.ReLU()}, outputs=numpy.array([c, None])),
    "a way to write equations that is an array": lambda: la.Style(equations=numpy.zeros((0, 3))),
    "samples without end": lambda: la.functional_dimension([2, 3, 1], samples=2**64 - 1),
    "trials without end": lambda: la.functional_dimension([2, 3, 1], trials=2**64 - 1),
    "outputs without end": lambda: la.functional_dimension([2, 900]),
    "conditions that cannot be gone through": lambda: la.compile(c, domain=map(int, "ab")),
    "a bias of more digits than there is memory": lambda: la.capacity.DeepLimit.of_block((1,), c, HUGE),
    "regions of more dimensions than there is memory": lambda: la.linear_regions(la.Identity(), on=(10**30, 10**30)),
    "a size that is an order": lambda: la.types.LowRank(3, sympy.Order(PLAIN), 2),
    "sizes that are ranges": lambda: la.plot_terms(CONV, {"c": range(10**9), "H": 3}),
    "a variable that is a sum without end": lambda: la.capacity.DeepLimit.of_block((1,), c).generator(
        sympy.Sum(PLAIN, (PLAIN, 1, sympy.oo))
    ),
    "an index that is a deep list": lambda: la.Repeat(la.Linear(2), 2, nested(3000)),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused_in_words(what: str) -> None:
    with pytest.raises(la.LayerAlgebraError):
        REFUSED[what]()


def test_messages_repeat_what_was_given_by_one_function() -> None:
    """`shown` cuts what is long and answers for what has no text; an f-string of it raises in the middle of a refusal."""
    raw = []
    for path in Path(la.algebra.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Raise) and "Error(" in ast.unparse(node):
                for text in ast.walk(node):
                    pairs = zip(text.values, text.values[1:]) if isinstance(text, ast.JoinedStr) else ()
                    raw += [
                        f"{path.name}:{node.lineno}"
                        for before, value in pairs
                        if str(getattr(before, "value", "")).endswith((", got ", "; got "))
                        and isinstance(value, ast.FormattedValue)
                        and value.conversion == ord("r")
                        and isinstance(value.value, ast.Name)
                    ]
    assert not raw


def test_an_error_of_the_users_own_function_is_the_cause() -> None:
    with pytest.raises(la.FieldError, match="ZeroDivisionError") as caught:
        la.capacity.allocate(SQUARE, lambda lag: 1 / 0)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_numbers_of_numpy_are_numbers() -> None:
    assert la.Dropout(numpy.float64(0.1)) == la.Dropout(0.1) and la.Conv(8, numpy.int64(3)) == la.Conv(8, 3)
    assert la.Conv(8, numpy.array([3, 5])) == la.Conv(8, (3, 5))
    assert la.Linear(4, bias=numpy.bool_(False)) == la.Linear(4, bias=False)
    assert la.macs(la.Linear(4), on=numpy.array([3])) == 12
    assert str(la.node_table(CONV)).count("Conv") == 1
    assert la.derive("parameters", la.Conv(c, 3), on=(c, H, W))(c=3, H=8, W=8) == 84


@pytest.mark.parametrize("function", ["weights", "network_graph"])
def test_an_error_names_the_function_that_was_called(function: str) -> None:
    with pytest.raises(la.FieldError, match=f"^{function} takes"):
        getattr(la, function)(3)


def test_a_metric_that_is_defined_again_replaces_the_first() -> None:
    made = [la.Metric("twice", f"number {place}", "", la.macs.carrier, "") for place in (1,)]
    with pytest.warns(UserWarning, match="twice replaces"):
        made.append(la.Metric("twice", "number 2", "", la.macs.carrier, ""))
    assert la.METRICS["twice"] is made[-1]
    del la.METRICS._known["twice"]


def test_source_of_a_symbol_with_a_null_in_its_name_compiles() -> None:
    symbol = sympy.Symbol("a\0b", integer=True, positive=True)
    namespace: dict = {}
    exec(la.codegen(symbol + 1), namespace)  # source that the library has written
    assert namespace["formula"](3) == 4


def test_an_input_for_each_network() -> None:
    table = la.compare(
        {"a": la.Conv(c, 1), "b": la.MultiHeadAttention(1)}, ["parameters"], on={"a": (c, H), "b": (T, d)}
    )
    assert [row["parameters"] for row in table] == [c**2 + c, 4 * d**2 + 4 * d]


def many_indices() -> la.Network:
    names = [f"a{place}" for place in range(40)]
    text = f"y[{', '.join(names)}] = x[i]*{'*'.join(f'W[{name}]' for name in names)}\nwhere {', '.join(f'{name} < 2' for name in names)}"
    return type("Many", (la.Layer,), {"equation": text})()  # type: ignore[no-any-return]


BUDGETS = {
    "forty indices": lambda: la.run(many_indices(), [1]),
    "sixty squarings": lambda: la.run(la.Power(2) ** 60, [3]),
    "a billion copies": lambda: la.run(la.Linear(3) ** 10**9, [1, 2, 3]),
    "a graph of 10**12 weights": lambda: la.network_graph(la.Linear(10**6), on=(10**6,)),
    "a power of a billion": lambda: la.compile(c ** (10**9)),
    "a tower": lambda: la.compile(2 ** (2**c))(c=100),
    "a sweep of 10**14 points": lambda: la.sweep(c * L, {c: range(10**7), L: range(10**7)}),
    "a sweep of one long axis": lambda: la.sweep(c, {c: range(10**12)}),
    "draws without end": lambda: la.sweep(c, {c: range(1, 9)}, mode="random", samples=10**12),
}


@pytest.mark.parametrize("what", BUDGETS)
def test_more_than_the_budget_is_refused_at_once(what: str, time_limit) -> None:
    if "sweep" in what or "draws" in what:
        pytest.importorskip("xarray")
    with time_limit(20), pytest.raises(la.BudgetError):
        BUDGETS[what]()


def test_a_budget_can_be_raised() -> None:
    pytest.importorskip("xarray")
    with pytest.raises(la.BudgetError, match="most=6"):
        la.sweep(c * L, {c: [1, 2, 3], L: [1, 2]}, most=5)
    assert la.sweep(c * L, {c: [1, 2, 3], L: [1, 2]}, most=6)["value"].size == 6


# files ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["data.zarr", "data.parquet"])
def test_a_sweep_that_is_interrupted_is_no_result_and_goes_on(name: str, tmp_path: Path, monkeypatch) -> None:
    pytest.importorskip("zarr" if name.endswith("zarr") else "pyarrow")
    target, block, calls = tmp_path / name, plans.Sweep.block, []

    def interrupted(self: plans.Sweep, sizes: object) -> object:
        calls.append(sizes)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return block(self, sizes)  # type: ignore[arg-type]

    def swept() -> object:
        return la.sweep(c * L, {c: range(1, 11), L: range(1, 101)}, chunks={"c": 2}, to=target)

    monkeypatch.setattr(plans.Sweep, "block", interrupted)
    with pytest.raises(KeyboardInterrupt):
        swept()
    assert not target.exists()
    before = len(calls)
    data = swept()
    assert len(calls) - before < 5, "chunks that are complete are not computed again"
    values = data["value"].values.ravel() if name.endswith("zarr") else data.to_table()["value"].to_pylist()  # type: ignore
    assert sorted(map(int, values)) == sorted(a * b for a in range(1, 11) for b in range(1, 101))
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("name", ["data.zarr", "data.parquet"])
def test_what_is_there_is_not_replaced_unasked(name: str, tmp_path: Path) -> None:
    pytest.importorskip("zarr" if name.endswith("zarr") else "pyarrow")
    target = tmp_path / name
    foreign = target / "mine.txt" if name.endswith("zarr") else target
    target.mkdir() if name.endswith("zarr") else None
    foreign.write_text("mine")
    with pytest.raises(la.FileError, match="overwrite"):
        la.sweep(c * L, {c: [1, 2], L: [1, 2]}, to=target)
    if name.endswith("zarr"):  # a folder of others is never taken away; a store of a sweep is
        with pytest.raises(la.FileError, match="no sweep has written"):
            la.sweep(c * L, {c: [1, 2], L: [1, 2]}, to=target, overwrite=True)
        assert foreign.read_text() == "mine"
        foreign.unlink()
        target.rmdir()
        la.sweep(c * L, {c: [1, 3], L: [1, 3]}, to=target)
        foreign = target / "zarr.json"
    before = foreign.read_bytes()
    with pytest.raises(la.DomainError):
        la.sweep(c * L, {c: [1, 2], L: [1, 2]}, domain=[c > 5], to=target, overwrite=True)
    assert foreign.read_bytes() == before and os.listdir(tmp_path) == [name]
    la.sweep(c * L, {c: [1, 2], L: [1, 2]}, to=target, overwrite=True)
    assert os.listdir(tmp_path) == [name]
    assert name.endswith("zarr") or foreign.read_bytes()[:4] == b"PAR1"


@pytest.mark.parametrize("name", ["missing/data.zarr", "data.csv", "data", "", "a\0.zarr", "x" * 300 + ".zarr"])
def test_targets_that_cannot_be_written(name: str, tmp_path: Path, monkeypatch) -> None:
    pytest.importorskip("xarray")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(la.FileError):
        la.sweep(c, {c: [1, 2]}, to=name)
    assert not os.listdir(tmp_path)


# what is not installed -----------------------------------------------------------------------------------------------

WITHOUT = """
import sys
for name in "xarray dask distributed pandas zarr pyarrow matplotlib torch jax numba onnx keras hypothesis z3 cvc5 scipy gudhi threadpoolctl egglog".split():
    sys.modules[name] = None
from layeralgebra.cli import app
app(sys.argv[1:])
"""


@pytest.mark.parametrize("command", ["check Linear", "capacity", "prove nested_floor", "derive resnet18", "--help"])
def test_commands_without_extras_end_in_one_line(command: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", WITHOUT, *command.split()],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=120,
    )
    assert "Traceback" not in done.stderr, done.stderr
    if done.returncode:
        assert len(done.stderr.strip().splitlines()) == 1 and "pip install 'layeralgebra[" in done.stderr


def test_only_optional_packages_are_named() -> None:
    assert "layeralgebra[plot]" in str(missing_extra(ModuleNotFoundError("", name="matplotlib.pyplot")))
    assert missing_extra(ModuleNotFoundError("", name="my_own")) is None


def test_odd_formulas_are_no_sizes() -> None:
    for odd in (
        sympy.oo,
        sympy.nan,
        sympy.I,
        sympy.Float(2),
        sympy.Symbol("A", commutative=False),
        c ** (10**9),
        c / 0,
    ):
        with warnings.catch_warnings(), pytest.raises(la.LayerAlgebraError):
            la.Conv(4, odd)
