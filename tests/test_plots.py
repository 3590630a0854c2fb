"""What is drawn and how it is labelled; pictures are rendered, so that a label that cannot be typeset is noticed."""

from __future__ import annotations

import io

import numpy as np
import pytest
from sympy import Piecewise, floor

import layeralgebra as la
from layeralgebra.algebra.errors import FieldError
from layeralgebra.algebra.sizes.dims import dims

matplotlib = pytest.importorskip("matplotlib")
pytest.importorskip("xarray")
matplotlib.use("Agg")

from layeralgebra.algebra.plots import label, plot_heatmap, plot_pareto, plot_profile, plot_scaling, plot_terms  # noqa: E402
from layeralgebra.algebra.sweeps.sweep import sweep  # noqa: E402

c, H, L = dims("c H L")
MACS = 9 * c**2 * floor((H - 1) / 2) ** 2 * L


@pytest.fixture(autouse=True)
def closed_figures():
    from matplotlib import pyplot

    yield
    pyplot.close("all")


def rendered(axes):
    """The picture in bytes; fails where something cannot be typeset."""
    target = io.BytesIO()
    axes.figure.savefig(target, format="png", dpi=50)
    return target.getvalue()


@pytest.fixture
def net():
    block = la.Conv(c, 3, padding=1, bias=False) >> la.BatchNorm() >> la.ReLU()
    return la.Input(3, H, H) >> block >> (la.Identity() + block) ** L >> la.GlobalAvgPool() >> la.Linear(10)


def test_scaling_curves(net):
    sizes = [8, 16, 32, 64]
    axes = plot_scaling({"MACs": MACS, "parameters": 9 * c**2 * L}, c, sizes, at={H: 9, L: 2})
    curves = {line.get_label().split()[0]: line for line in axes.lines}
    assert curves["MACs"].get_ydata().tolist() == [9 * size**2 * 16 * 2 for size in sizes]
    assert curves["parameters"].get_xdata().tolist() == sizes and axes.get_xscale() == "log"
    assert "H = 9" in axes.get_xlabel() and r"\lfloor (H - 1)/2 \rfloor" in curves["MACs"].get_label()
    single = plot_scaling(la.derive(la.macs, net), H, range(4, 9), at={"c": 4, "L": 2}, log=False)
    assert single.get_ylabel().startswith("MACs $") and single.get_yscale() == "linear"
    assert len(rendered(axes)) > 1000 and len(rendered(single)) > 1000
    with pytest.raises(FieldError, match="missing: L"):
        plot_scaling(MACS, c, sizes, at={H: 9})
    with pytest.raises(FieldError, match="a formula, a derivation"):
        plot_scaling("c", c, sizes)


def test_heat_maps():
    data = sweep({"macs": MACS, "flat": c * 2}, {c: [8, 16, 24], H: range(9, 14), L: 2})
    axes = plot_heatmap(data, "macs", log=True)
    values = axes.collections[0].get_array().reshape(3, 5)
    assert np.array_equal(values, data["macs"].values.astype(float)), "c upwards, H to the right"
    assert axes.get_xlabel() == "$H$" and axes.get_ylabel() == "$c$"
    turned = plot_heatmap(data, "macs", x="c")
    assert turned.get_ylabel() == "$H$" and len(rendered(turned)) > 1000 and len(rendered(axes)) > 1000
    for name, options, message in [("z", {}, "no variable z"), ("macs", {"x": "c", "y": "K"}, "not c and K")]:
        with pytest.raises(FieldError, match=message):
            plot_heatmap(data, name, **options)
    with pytest.raises(FieldError, match="two dimensions"):
        plot_heatmap(data.sel(c=8), "macs")


def test_pareto_fronts():
    data = sweep({"cost": c**2 * L, "capacity": c * L + L}, {c: range(1, 15), L: range(1, 9)})
    axes = plot_pareto(data, "cost", "capacity", maximise="capacity", minimise="cost", log=True)
    everything, front = axes.lines
    assert len(everything.get_xdata()) == 14 * 8
    points = list(zip(front.get_xdata(), front.get_ydata(), strict=True))
    assert points == sorted(points) and all(a[1] < b[1] for a, b in zip(points, points[1:], strict=False))
    assert "$L c^{2}$" in axes.get_xlabel() and len(rendered(axes)) > 1000
    with pytest.raises(FieldError, match="maximised or minimised"):
        plot_pareto(data, "cost", "capacity", maximise="capacity")


def test_bars_of_what_each_node_costs(net):
    derivation = la.derive(la.parameters, net)
    axes = plot_terms(derivation, at={c: 4, L: 3, H: 8})
    widths = [bar.get_width() for bar in axes.patches]
    assert sum(widths) == derivation(c=4, L=3, H=8), "copies are counted"
    names = [text.get_text() for text in axes.get_yticklabels()]
    assert any("Conv" in name for name in names) and any("Linear" in name for name in names)
    assert axes.get_xlabel().startswith("parameters   (c = 4") and len(rendered(axes)) > 1000
    with pytest.raises(FieldError, match="no value for"):
        plot_terms(derivation, at={c: 4})
    long = la.Input(3, 8, 8)
    for width in range(3, 60):
        long = long >> la.Conv(width, 1)
    axes = plot_terms(la.derive(la.parameters, long))
    assert len(axes.patches) == 40 and sum(bar.get_width() for bar in axes.patches) == int(la.parameters(long))


def test_profiles():
    axes = plot_profile([("in", 0), ("conv", c / 8), ("pool", -2)], at={c: 16})
    assert axes.lines[1].get_ydata().tolist() == [0, 2, -2] and axes.get_ylabel() == "[bits]"
    assert [text.get_text() for text in axes.get_xticklabels()] == ["in", "conv", "pool"] and len(rendered(axes)) > 1000
    assert plot_profile([1, 2.5]).lines[1].get_ydata().tolist() == [1, 2.5]
    for profile, message in [([], "empty"), (["x"], "plot_profile takes a formula"), ([c], "no size is given for c")]:
        with pytest.raises(FieldError, match=message):
            plot_profile(profile)


def test_labels_that_cannot_be_typeset_are_names():
    cases = Piecewise((c, c > 3), (H, True))
    assert label("cost", cases) == "cost" and label("cost", c + 1, "MACs") == "cost $c + 1$ [MACs]"
    assert label("cost", sum(c**k * H for k in range(30))) == "cost", "too long"


def test_given_axes_are_drawn_on():
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2)
    assert plot_scaling(9 * c**2, c, [1, 2, 3], ax=right) is right and not left.lines
