"""Sweeps: labels, every mode, laziness, files, and workers that die."""

from __future__ import annotations

import itertools
import os
import random
import signal
import time

import numpy as np
import pytest
from sympy import floor, log

import layeralgebra as la
from layeralgebra.algebra.errors import BudgetError, DomainError, FieldError, FileError
from layeralgebra.algebra.sizes.dims import dims
from layeralgebra.algebra.sweeps.sweep import sweep
from oracles.formula_value import value

pytest.importorskip("xarray")

c, H, L = dims("c H L")
MACS = 9 * c**2 * floor((H - 1) / 2) ** 2 * L + c * H
PARAMETERS = 9 * c**2 * L
SIZES = {c: [16, 32, 33], H: range(7, 12), L: (1, 4)}


def check(data, name, e, symbols=(c, H, L)):
    """Every value of a grid against plain Python."""
    for point in itertools.product(*(SIZES[symbol] for symbol in symbols)):
        got = data[name].sel({symbol.name: number for symbol, number in zip(symbols, point, strict=True)})
        assert got.item() == value(e, dict(zip(symbols, point, strict=True)))


def test_grids_are_labelled_and_exact():
    data = sweep({"macs": MACS, "parameters": PARAMETERS}, SIZES)
    assert data["macs"].dims == ("c", "H", "L") and data["macs"].dtype == np.int64
    assert data["c"].values.tolist() == [16, 32, 33] and data["H"].attrs["latex"] == "H"
    check(data, "macs", MACS)
    check(data, "parameters", PARAMETERS)  # on all axes, also those it does not depend on
    assert data["macs"].attrs["formula"] == str(MACS) and "c^{2}" in data["macs"].attrs["latex"]


def test_names_may_stand_for_symbols_and_numbers_for_lists():
    data = sweep(PARAMETERS, {"c": [3, 4], "L": 5})
    assert data["value"].dims == ("c",) and data["value"].values.tolist() == [9 * 9 * 5, 9 * 16 * 5]
    assert data["L"].item() == 5 and data["L"].dims == ()
    assert sweep(PARAMETERS, {c: 3, L: 5})["value"].item() == 405


def test_lists_side_by_side():
    data = sweep({"macs": MACS}, {c: [1, 2, 3], H: [9, 10, 11], L: 2}, mode="zip")
    assert data["macs"].dims == ("point",) and data["c"].dims == ("point",)
    assert data["macs"].values.tolist() == [value(MACS, {c: k, H: h, L: 2}) for k, h in [(1, 9), (2, 10), (3, 11)]]


def test_long_lists_with_numba():
    pytest.importorskip("numba")
    over = {c: range(1, 10**3), H: range(7, 900), L: range(2, 20)}
    plain, joined = (
        sweep({"macs": MACS}, over, mode="random", samples=20_000, seed=3, backend=backend)
        for backend in ("numpy", "numba")
    )
    assert plain.equals(joined) and joined["macs"].dtype == np.int64
    check(sweep({"macs": MACS}, SIZES, chunks=2, backend="numba").compute(), "macs", MACS)
    with pytest.raises(FieldError, match="'numba' or 'numpy'"):
        sweep({"macs": MACS}, SIZES, backend="torch")


def test_random_draws_are_repeatable_and_within():
    over = {c: range(1, 10**9), H: [7, 9], L: range(2, 20, 3)}
    first, again, other = (sweep({"macs": MACS}, over, mode="random", samples=500, seed=seed) for seed in (1, 1, 2))
    assert first.identical(again) and not first.equals(other)
    assert set(first["H"].values) == {7, 9} and set(first["L"].values) <= set(range(2, 20, 3))
    assert first["macs"].dtype == object, "beyond 64 bits"
    for place in range(0, 500, 50):
        at = {symbol: int(first[symbol.name][place]) for symbol in (c, H, L)}
        assert first["macs"][place].item() == value(MACS, at)


def test_quotients_logarithms_and_conditions():
    data = sweep({"q": MACS / PARAMETERS, "bits": log(c) / log(2), "large": c > 20}, {c: [16, 32], H: 9, L: 1})
    assert data["q"].values.tolist() == [value(MACS, {c: k, H: 9, L: 1}) / (9 * k * k) for k in (16, 32)]
    assert data["bits"].values == pytest.approx([4, 5]) and data["large"].values.tolist() == [False, True]


def test_outside_of_the_domain():
    with pytest.raises(DomainError, match="H must be at least 3"):
        sweep({"m": MACS}, {c: 1, H: [2, 5], L: 1}, domain=[H >= 3])
    data = sweep({"m": MACS, "width": c}, {c: [1, 9], H: [2, 5], L: 1}, domain=[c <= H], on_invalid="mask")
    assert np.isnan(data["m"].values).tolist() == [[False, False], [True, True]]
    lazy = sweep({"m": MACS, "width": c}, {c: [1, 9], H: [2, 5], L: 1}, domain=[c <= H], on_invalid="mask", chunks=1)
    assert lazy.compute().equals(data)


def test_derivations_bring_their_domain_and_their_attributes():
    net = la.Input(3, H, H) >> la.Conv(c, 3) >> la.ReLU()
    data = sweep({"macs": la.derive(la.macs, net), "shape": la.derive(la.output_shape, net)}, {c: [1, 2], H: [8, 9]})
    assert data["macs"].values.tolist() == [[27 * 36, 27 * 49], [54 * 36, 54 * 49]]
    assert data["shape_1"].values.tolist() == [[6, 7], [6, 7]]
    assert data["macs"].attrs["kind"] == "exact" and data["macs"].attrs["units"] and data["macs"].attrs["source"]
    with pytest.raises(DomainError, match="must hold one window of 3"):
        sweep({"macs": la.derive(la.macs, net)}, {c: [1], H: [2]})


def test_progress_does_not_change_the_result(capsys):
    grid = {c: range(1, 120), H: range(7, 40), L: [1, 2]}
    shown = sweep({"m": MACS}, grid, progress=True)
    assert shown.equals(sweep({"m": MACS}, grid))


@pytest.mark.parametrize(
    ("over", "options", "message"),
    [
        ({c: [1]}, {}, "no sizes for: H, L"), ({c: [1], H: [1], L: [1], "K": [2]}, {}, "unknown: K"),
        ({c: [], H: [1], L: [1]}, {}, "c has no sizes"), ({c: [1.5], H: 1, L: 1}, {}, "must be an integer"),
        ({c: "12", H: 1, L: 1}, {}, "range or a list"), ({c: [1, 2], H: [1], L: 1}, {"mode": "zip"}, "one length"),
        ({c: [1], H: [1], L: 1}, {"mode": "all"}, "mode"), ({c: [1], H: [1], L: 1}, {"mode": "random"}, "samples"),
        ({c: [1], H: [1], L: 1}, {"samples": 3}, "samples"), ([c], {}, "mapping"),
        ({c: [1], H: [1], L: 1}, {"to": "x.csv"}, "zarr or .parquet"), ({c: [1], H: [1], L: 1}, {"dtype": "int8"}, "dtype"),
        ({c: [1, 2], H: [1], L: 1}, {"chunks": {"K": 3}}, "chunks names K"),
        ({c: [1, 2], H: [1], L: 1}, {"chunks": {"c": 0}}, "positive number"),
        ({c: [1, 2], H: [1], L: 1}, {"chunks": "many"}, "chunks must be"),
    ],
)  # fmt: skip
def test_requests_that_make_no_sense(over, options, message):
    if "chunks" in options:
        pytest.importorskip("dask")
    with pytest.raises((FieldError, FileError), match=message):
        sweep({"m": MACS}, over, **options)


def test_a_formula_cannot_have_the_name_of_an_axis():
    with pytest.raises(FieldError, match="c is the name of an axis"):
        sweep({"c": c + L}, {c: [1], L: [1]})


# Lazily, and into files


def test_lazy_sweeps_compute_nothing_before_they_are_asked(monkeypatch):
    pytest.importorskip("dask")
    from layeralgebra.algebra.compilation.backends.numpy_backend import NumpyRunner

    calls = []
    original = NumpyRunner.__call__
    monkeypatch.setattr(NumpyRunner, "__call__", lambda self, given: calls.append(1) or original(self, given))
    data = sweep({"macs": MACS, "parameters": PARAMETERS}, SIZES, chunks={"c": 2, H: 2})
    assert data["macs"].chunks == ((2, 1), (2, 2, 1), (2,)) and not calls
    computed = data.compute(scheduler="synchronous")
    assert len(calls) == 6, "one task for each chunk, whatever the number of formulas"
    check(computed, "macs", MACS)
    assert computed.equals(sweep({"macs": MACS, "parameters": PARAMETERS}, SIZES))


def test_lazy_sweeps_know_their_types():
    pytest.importorskip("dask")
    e = {"small": c, "large": c**9, "ratio": c / L, "bits": log(c)}
    over = {c: range(1, 1001), L: [1, 2]}
    data = sweep(e, over, chunks=300)
    types = {name: data[name].dtype for name in e}
    assert types == {"small": np.int64, "large": object, "ratio": np.float64, "bits": np.float64}
    computed = data.compute(scheduler="threads")
    assert {name: computed[name].dtype for name in e} == types
    assert computed["large"].sel(c=1000, L=2).item() == 10**27
    rounded = sweep(e, over, chunks=300, dtype="float64")
    assert rounded["large"].dtype == np.float64 and rounded["large"].sel(c=1000, L=2).compute().item() == 1e27


def test_zarr(tmp_path):
    pytest.importorskip("zarr")
    data = sweep({"macs": MACS}, SIZES, chunks={"c": 2}, to=tmp_path / "sweep.zarr")
    check(data.compute(), "macs", MACS)
    assert data["macs"].attrs["formula"] == str(MACS) and data["macs"].chunks is not None
    with pytest.raises(BudgetError, match="parquet"):
        sweep({"p": c**9}, {c: [1, 10**9]}, to=tmp_path / "large.zarr")
    again = sweep({"p": c**9}, {c: [1, 10**9]}, to=tmp_path / "large.zarr", dtype="float64")
    assert again["p"].values.tolist() == [1.0, 1e81]


def test_parquet(tmp_path):
    pytest.importorskip("pyarrow")
    over = {c: [16, 10**9], H: range(7, 12), L: (1, 4)}
    table = sweep(
        {"macs": MACS, "large": c**4, "q": c / H}, over, chunks={"H": 2}, to=tmp_path / "s.parquet"
    ).to_table()
    assert table.num_rows == 20 and str(table.schema.field("large").type).startswith("decimal")
    rows = table.to_pylist()
    for row, (k, h, copies) in zip(sorted(rows, key=lambda row: (row["c"], row["H"], row["L"])),
                                   itertools.product(sorted(over[c]), over[H], over[L]), strict=True):  # fmt: skip
        assert (row["c"], row["H"], row["L"]) == (k, h, copies)
        assert row["macs"] == value(MACS, {c: k, H: h, L: copies}) and row["large"] == k**4 and row["q"] == k / h
    assert table.schema.field("macs").metadata[b"formula"].decode() == str(MACS)
    listed = sweep({"macs": MACS}, {c: [3, 4, 5], H: [7, 8, 9], L: 2}, mode="zip", chunks=2, to=tmp_path / "z.parquet")
    assert listed.to_table()["c"].to_pylist() == [3, 4, 5]
    with pytest.raises(BudgetError, match="digits"):
        sweep({"p": c**19}, {c: [1, 10**9]}, to=tmp_path / "l.parquet")
    assert not list(tmp_path.glob("l.parquet*")), "nothing unfinished is left behind"


@pytest.mark.slow
def test_a_worker_that_dies_loses_nothing(tmp_path):
    """Two worker processes; one is killed in mid-run, and every value is there and right."""
    distributed = pytest.importorskip("distributed")
    # Beyond 64 bits, so that a chunk keeps a worker busy for a while.
    formulas = {"a": c**7 * floor(H / 3) ** 5 * L, "b": (c + H) ** 9 - L}
    over = {c: range(10**6, 10**6 + 200), H: range(1000, 1100), L: range(1, 31)}
    expected = sweep(formulas, over)
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        with distributed.Client(cluster) as client:
            data = sweep(formulas, over, chunks={"c": 4})
            before = client.run(os.getpid)
            result = client.compute(data)
            start = time.monotonic()
            while not _done(client) and time.monotonic() - start < 60:
                time.sleep(0.02)
            assert not result.done(), "the run is still under way"
            victim = random.Random(0).choice(sorted(before.values()))
            os.kill(victim, signal.SIGKILL)
            computed = result.result(timeout=120)
            after = client.run(os.getpid)
    assert victim in before.values() and victim not in after.values()
    assert computed.equals(expected)


def _done(client):
    """How many tasks the workers have finished."""
    return sum(len(tasks) for tasks in client.has_what().values())


@pytest.mark.slow
def test_a_million_variants_take_a_fraction_of_a_second():
    over = {c: range(1, 101), H: range(30, 130), L: range(1, 101)}
    sweep({"macs": MACS}, over)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        data = sweep({"macs": MACS, "parameters": PARAMETERS}, over)
        times.append(time.perf_counter() - start)
    assert data["macs"].size == 10**6 and sorted(times)[2] < 0.5
