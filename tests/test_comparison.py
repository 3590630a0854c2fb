"""The comparison of published networks, and its correlations with accuracy against SciPy."""

from __future__ import annotations

import csv
import io
import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import layeralgebra as la
from layeralgebra.algebra.errors import FieldError
from layeralgebra.cli import app
from layeralgebra.layers.zoo.studies import accuracy
from layeralgebra.layers.zoo.studies.comparison import FAMILIES, Comparison, Figures, comparison, figures
from layeralgebra.layers.zoo.studies.statistics import (
    Correlation,
    correlate,
    correlation_gain,
    kendall,
    spearman,
)

FEW = ["alexnet", "vgg16", "resnet18", "squeezenet1_1", "mobilenet_v2"]

values = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=4, max_size=30)


@pytest.fixture(scope="module")
def few() -> Comparison:
    return comparison(FEW)


# Statistics


@given(values)
def test_correlations_are_those_of_scipy(pairs: list[tuple[int, int]]) -> None:
    one, other = map(list, zip(*pairs))
    if len(set(one)) == 1 or len(set(other)) == 1:
        assert math.isnan(spearman(one, other)) and math.isnan(kendall(one, other))
        return
    assert spearman(one, other) == pytest.approx(scipy.stats.spearmanr(one, other).statistic, abs=1e-12)
    assert kendall(one, other) == pytest.approx(scipy.stats.kendalltau(one, other).statistic, abs=1e-12)


def test_correlations_and_intervals_are_those_computed_resample_by_resample() -> None:
    """Figures of an implementation that ranked every resample by itself, without SciPy."""
    draw = np.random.default_rng(11)
    one, other, third = (draw.integers(0, 6, 25).tolist() for _ in range(3))
    few = ([0, 0, 0, 0, 1], [3, 1, 2, 2, 5])  # resamples without the last point are left out
    found = [
        correlate(one, other, "spearman", resamples=400, seed=4),
        correlation_gain(one, other, third, "spearman", level=0.9, resamples=400, seed=5),
        correlate(one, other, "kendall", resamples=400, seed=4),
        correlation_gain(one, other, third, "kendall", level=0.9, resamples=400, seed=5),
        correlate(*few, resamples=300),
    ]
    known = [
        (-0.19124448773608121, -0.6160631536699404, 0.21422401990884293),
        (0.22857627372624056, -0.2703125496822696, 0.640818299263377),
        (-0.1523293876008566, -0.5256011123750235, 0.20575677287768046),
        (0.18362317644221457, -0.2139547513524455, 0.5365367417434066),
        (0.7254762501100117, 0.7254762501100117, 1.0),
    ]
    for correlation, expected in zip(found, known):
        assert (correlation.value, correlation.low, correlation.high) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("statistic", [spearman, kendall])
def test_many_rows_at_once_are_the_rows_one_by_one(statistic) -> None:
    rows = np.random.default_rng(2).integers(0, 4, (2, 30, 6))
    rows[0, 3] = 1
    together = statistic(*rows)
    assert [float(value) for value in together] == pytest.approx([statistic(*pair) for pair in zip(*rows)], nan_ok=True)
    assert math.isnan(together[3])


@pytest.mark.parametrize("statistic", [spearman, kendall])
def test_what_is_not_known_of_one_network_has_no_rank(statistic) -> None:
    assert math.isnan(statistic([1, 2, 3, math.nan], [1, 2, 3, 4]))


def test_bootstrap_interval_is_close_to_scipys() -> None:
    draw = np.random.default_rng(3)
    one = draw.normal(size=60)
    other = one + draw.normal(size=60)
    found = correlate(one, other, resamples=2000)
    reference = scipy.stats.bootstrap(
        (one, other),
        lambda a, b: scipy.stats.spearmanr(a, b).statistic,
        paired=True,
        vectorized=False,
        n_resamples=500,
        method="percentile",
        random_state=0,
    ).confidence_interval
    assert found.low == pytest.approx(reference.low, abs=0.05) and found.high == pytest.approx(reference.high, abs=0.05)
    assert found.low < found.value < found.high and found.is_decided


def test_an_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    """Independent columns: the interval at 90 % should hold 0 most of the time, and not always."""
    draw = np.random.default_rng(7)
    held = [
        not correlate(draw.normal(size=25), draw.normal(size=25), level=0.9, resamples=200, seed=k).is_decided
        for k in range(60)
    ]
    assert 0.75 <= np.mean(held) < 1


def test_gain_is_paired() -> None:
    one, other = list(range(12)), [x**3 for x in range(12)]
    assert correlation_gain(one, one, other) == Correlation(0, 0, 0, 12)
    worse = correlation_gain(one, [x % 3 for x in one], other)
    assert worse.value > 0 and worse.is_decided


def test_statistics_refuse() -> None:
    with pytest.raises(FieldError, match="spearman, kendall"):
        correlate([1, 2, 3, 4], [1, 2, 3, 4], "pearson")
    with pytest.raises(FieldError, match="equally many"):
        correlate([1, 2, 3], [1, 2])
    with pytest.raises(FieldError, match="level"):
        correlate([1, 2, 3, 4], [1, 2, 3, 4], level=95)
    assert math.isnan(correlate([1, 2, 3], [1, 2, 3]).low)


# Comparison


def test_figures_are_those_of_the_metrics(few: Comparison) -> None:
    for row in few:
        net = la.zoo.build(row.name)
        assert (row.parameters, row.macs, row.depth) == (la.parameters(net), la.macs(net), la.depth(net))
        assert row.complexity == pytest.approx(float(la.layer_complexity(net)))
        assert row.net == pytest.approx(row.expansion - row.compression)
        assert row.vc_implicit < row.vc_explicit and math.isnan(row.vc_lower)  # stated for more than 640 layers
        assert row.receptive_field == la.receptive_field(net).size[0]
        assert row.family == next(name for name, members in FAMILIES.items() if row.name in members)


def test_published_figures_agree(few: Comparison) -> None:
    assert [text for row in few for text in row.disagreements()] == []
    assert "equal the published ones for all 4" in few.text()
    wrong = Figures(**{**vars(few.rows[0]), "published_parameters": 5, "published_gmacs": 0.715})
    assert len(wrong.disagreements()) == 2 and "Differs from what is published" in Comparison((wrong,)).text()


@pytest.mark.slow
def test_all_published_figures_agree() -> None:
    rows = comparison()
    assert [text for row in rows for text in row.disagreements()] == []
    assert sum(row.published_parameters is not None for row in rows) >= 18


def test_three_forms(few: Comparison) -> None:
    rows = list(csv.DictReader(io.StringIO(few.csv())))
    assert [row["network"] for row in rows] == FEW
    assert [int(row["parameters"]) for row in rows] == [row.parameters for row in few]
    assert rows[4]["top1"] == "71.878" and float(rows[1]["complexity"]) == few.rows[1].complexity
    assert r"\toprule" in few.latex() and "squeezenet1" in few.latex()
    assert "<table>" in few._repr_html_() and "138.4" in str(few)


def test_networks_with_smooth_functions_say_their_surrogate() -> None:
    found = comparison(["efficientnet_b0"])
    assert found.rows[0].surrogate == "relu" and "surrogate relu" in found.text()
    assert found.rows[0].complexity > 0


def test_changes_have_no_published_figures() -> None:
    small = figures("resnet18", resolution=64)
    assert small.published_parameters is None and small.top1 is None and small.macs < figures("resnet18").macs
    assert figures("resnet18", d=10).complexity < figures("resnet18").complexity
    with pytest.raises(FieldError, match="numbers for H"):
        figures("resnet18", height=la.dims("H"))
    with pytest.raises(FieldError, match="list of names"):
        comparison("resnet18")


def test_compare_takes_the_new_metrics() -> None:
    n = la.dims("n")
    nets = {"one": la.Linear(n) >> la.ReLU() >> la.Linear(2), "two": (la.Linear(n) >> la.ReLU()) ** 2 >> la.Linear(2)}
    found = la.compare(nets, metrics=["parameters", "layer_complexity", "intrinsic_power", "vc_dimension"], on=(3,))
    assert found.columns == ("network", "parameters", "complexity", "intrinsic power", "VC dimension")
    assert "complexity: upper" in found.text()


def test_command(tmp_path) -> None:
    result = CliRunner().invoke(
        app, ["compare", "alexnet,squeezenet1_1", "--csv", str(tmp_path / "a.csv"), "--latex", str(tmp_path / "a.tex")]
    )
    assert result.exit_code == 0, result.output
    assert "61.10" in result.output and "56.52" in result.output
    rows = list(csv.DictReader(io.StringIO((tmp_path / "a.csv").read_text())))
    assert [int(row["value"]) for row in rows if row["quantity"] == "parameters"] == [61100840, 1235496]
    assert r"\bottomrule" in (tmp_path / "a.tex").read_text()
    assert CliRunner().invoke(app, ["compare", "resnet5000"]).exit_code == 2
    assert CliRunner().invoke(app, ["compare", "alexnet", "--all"]).exit_code == 2


# Accuracy


def made(name: str, family: str, size: int, top1: float | None) -> Figures:
    numbers = {
        "parameters": size,
        "macs": size,
        "depth": 3,
        "receptive_field": 1,
        "published_parameters": None,
        "published_gmacs": None,
    }
    rest = ("complexity", "net", "expansion", "compression", "bottleneck", "vc_explicit", "vc_implicit", "vc_lower")
    return Figures(name=name, family=family, top1=top1, **numbers, **{part: float(-size) for part in rest})


def test_correlations_of_made_up_rows() -> None:
    rows = [made(f"n{k}", "a" if k < 4 else "b", k, 50 + k) for k in range(8)] + [made("x", "c", 3, None)]
    assert accuracy.correlation(rows, "parameters").value == 1 and accuracy.correlation(rows, "complexity").value == -1
    table = accuracy.correlations(rows, ["parameters", "complexity"], resamples=50)
    assert "8 networks" in table.notes[0] and table.rows[1][3].startswith("-2.00")
    within = accuracy.within_families(rows, ["parameters", "depth"])
    assert within.columns == ("metric", "a (4)", "b (4)") and within.rows == (
        ("parameters", "+1.00", "+1.00"),
        ("depth", "-", "-"),
    )
    with pytest.raises(FieldError, match="three networks"):
        accuracy.within_families(rows[:2])
    with pytest.raises(FieldError, match="vc_explicit"):
        accuracy.correlation(rows, "flops")


def test_scatter_has_a_panel_for_each_metric(few: Comparison) -> None:
    pytest.importorskip("matplotlib")
    figure = accuracy.scatter(few, ["parameters", "complexity"])
    panels = figure.get_axes()
    assert [axes.get_xlabel() for axes in panels] == ["parameters", "complexity"]
    points = sum(len(collection.get_offsets()) for collection in panels[0].collections)
    assert points == sum(row.top1 is not None for row in few)
