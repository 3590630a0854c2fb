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

from layeralgebra.algebra.plots import (  # noqa: E402
    plot_heatmap,
    plot_isolines,
    plot_pareto,
    plot_profile,
    plot_scaling,
    plot_terms,
)
from layeralgebra.algebra.plots.labels import label  # noqa: E402
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
    assert single.get_ylabel() == "MACs [multiply-accumulates]" and single.get_yscale() == "linear"
    assert len(rendered(axes)) > 1000 and len(rendered(single)) > 1000
    with pytest.raises(FieldError, match="missing: L"):
        plot_scaling(MACS, c, sizes, at={H: 9})
    with pytest.raises(FieldError, match="a formula, a derivation"):
        plot_scaling("c", c, sizes)
    with pytest.raises(FieldError, match="given none"):
        plot_scaling(c, c, [])


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
    assert axes.get_xlabel().startswith("parameters  (at $c = 4$") and len(rendered(axes)) > 1000
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


def test_bars_of_stages_have_their_shares():
    net = la.zoo.build("resnet18")
    stages = la.zoo.stages("resnet18")
    axes = plot_terms(la.derive(la.macs, net), by="stage", stages=stages)
    widths = [bar.get_width() for bar in axes.patches]
    names = [text.get_text() for text in axes.get_yticklabels()]
    assert (
        int(sum(widths)) == int(la.macs(net))
        and names == [name for name in stages if name != "input"]
        and len(rendered(axes)) > 1000
    )
    shares = [float(text.get_text().strip("<%")) for text in axes.texts]
    assert abs(sum(shares) - 100) < len(shares) and all(
        abs(share - 100 * width / sum(widths)) <= 0.5 for share, width in zip(shares, widths, strict=True)
    )
    with pytest.raises(FieldError, match="does not add up"):
        plot_terms(la.derive(la.depth, net), by="stage")
    with pytest.raises(FieldError, match='by="stage"'):
        plot_terms(la.derive(la.macs, net), by="layer")


def test_crossings_are_where_the_order_changes():
    one, other = 3 * c**2 + 7, 50 * c + 1000
    axes = plot_scaling({"one": one, "other": other}, c, range(1, 101))
    (place,) = [size for size in range(2, 101) if (one > other).subs(c, size) and not (one > other).subs(c, size - 1)]
    assert f"$c = {place}$" in [text.get_text() for text in axes.texts] and len(axes.lines) == 2
    coarse = plot_scaling({"one": one, "other": other}, c, [1, 10, 100])
    assert f"$c = {place}$" in [text.get_text() for text in coarse.texts], "between the sizes that are drawn"
    assert not plot_scaling({"one": one, "other": other}, c, [1, 10, 100], marks=False).collections
    never = plot_scaling({"one": one, "two": one + 1, "same": one}, c, [1, 10, 100])
    assert not [text for text in never.texts if "=" in text.get_text()] and len(rendered(never)) > 1000


def test_regimes_are_where_another_term_is_the_largest():
    formula = 5 * c**3 + 900 * c + 10**6 * L
    axes = plot_scaling(formula, c, [1, 10, 100, 1000], at={L: 1})
    places = sorted(float(line[0][0]) for line in axes.collections[0].get_segments())
    largest = [max(range(3), key=[10**6, 900 * size, 5 * size**3].__getitem__) for size in range(1, 1001)]
    assert places == [size for size in range(2, 1001) if largest[size - 1] != largest[size - 2]]
    assert [text.get_text() for text in axes.texts] == ["constant", r"$\propto c^{3}$"] and len(rendered(axes)) > 1000
    one = plot_scaling(c**2, c, [1, 10])
    assert not one.texts and one.get_ylabel() == "$c^{2}$"


def test_isolines_are_where_a_formula_has_a_value():
    axes = plot_isolines(12 * L * c**2, {c: (16, 512), L: (1, 64)}, [10**5, 10**6], at={H: 3})
    (contours,) = axes.collections
    for level, path in zip(contours.levels, contours.get_paths(), strict=True):
        assert len(path.vertices) and all(abs(12 * y * x**2 / level - 1) < 0.05 for x, y in path.vertices)
    assert [text.get_text() for text in axes.texts] == ["100 k", "1 M"] and axes.get_xlabel().startswith("$c$")
    assert (
        len(rendered(axes)) > 1000
        and len(
            rendered(plot_isolines(la.derive(la.macs, la.Linear(c), on=(H,)), {c: (1, 9), H: (1, 9)}, [8], log=False))
        )
        > 1000
    )
    for over, levels, message in [
        ({c: (1, 9)}, [3], "two sizes"), ({c: (1, 9), L: (1, 9)}, [], "at least one level"), ({c: (9, 1), L: (1, 9)}, [3], "0 < low < high"),
        ({c: 4, L: (1, 9)}, [3], "range of a size"),
    ]:  # fmt: skip
        with pytest.raises(FieldError, match=message):
            plot_isolines(c * L, over, levels)


def test_figures_are_a_column_wide_and_their_words_of_8_points(net):
    from matplotlib.text import Text

    data = sweep({"cost": c**2 * L, "capacity": c * L + L}, {c: range(1, 15), L: range(1, 9)})
    figures = [
        plot_scaling({"one": c**2, "other": 30 * c}, c, [8, 16, 64]), plot_scaling(c**2 + 30 * c, c, [8, 16, 64]),
        plot_heatmap(data, "cost", log=True), plot_pareto(data, "cost", "capacity", maximise="capacity", minimise="cost"),
        plot_terms(la.derive(la.parameters, net), at={c: 4, L: 3, H: 8}), plot_profile([("in", 0), ("out", 1)]),
        plot_isolines(c * L, {c: (1, 99), L: (1, 99)}, [100, 1000]),
    ]  # fmt: skip
    for axes in figures:
        rendered(axes)
        assert abs(axes.figure.get_size_inches()[0] * 25.4 - 84) < 0.01
        words = [text for text in axes.figure.findobj(Text) if text.get_text() and text.get_visible()]
        assert {text.get_fontsize() for text in words} == {8.0}, {
            text.get_text() for text in words if text.get_fontsize() != 8
        }
        assert axes.get_xlabel() and axes.get_ylabel() or axes.patches


def test_names_beside_curves_do_not_lie_on_each_other():
    from matplotlib.text import Text

    many = {f"curve {place}": c * (1 + place / 1000) for place in range(9)}
    axes = plot_scaling(many, c, [1, 10, 100], marks=False)
    axes.figure.draw_without_rendering()
    boxes = sorted((Text.get_window_extent(text) for text in axes.texts), key=lambda box: box.y0)
    assert len(boxes) == 9 and all(low.y1 <= high.y0 for low, high in zip(boxes, boxes[1:], strict=False))
