"""Pictures of the lines of a layer: every line and every tensor is there, and the arrows lead where the equation reads."""

from __future__ import annotations

import random
import shutil
import subprocess

import pytest
import random_equations
from drawn_coordinates import faults, read
from drawn_lines import boxes, edges
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from language_agreement import as_layer, on
from test_drawings import _has_tikz
from test_latex import SAMPLES

import layeralgebra as la
from layeralgebra.algebra.equations.heads import Pad
from layeralgebra.proofs.samples.cases import cases

pytest.importorskip("matplotlib", reason="its metrics of Helvetica are the oracle of text widths")

LAYERS = list(la.registered_layers())
T, d = la.dims("T d")


def drawn_case(kind):
    """A layer of a class, and shapes that fit it."""
    if kind.__name__ in SAMPLES:
        return SAMPLES[kind.__name__]
    found = []

    @settings(max_examples=1, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(cases(kind))
    def draw(case):
        found.append((case.layer, list(case.shapes)))

    draw()
    return found[-1]


def shapes_of(shapes):
    return shapes[0] if len(shapes) == 1 else list(shapes)


def expected(layer, shapes):
    """What the elaborated equation reads, line by line; a tensor that is another one without a margin goes by that one's name."""
    made = layer.instance(*shapes)
    lines = list(made.statements)
    empty = {}
    for line in lines:
        if isinstance(line.value, Pad) and line.target not in layer.output_names:
            if all(width == 0 for pair in line.value.widths for width in pair):
                body = line.value.body.tensor
                empty[line.target] = empty.get(body, body)
    found, earlier = [], set()
    for place, line in enumerate(lines):
        if line.target in empty:
            continue
        sources = set()
        for one in line.reads:
            name = empty.get(one.tensor, one.tensor)
            if made.roles[name] == "defined" and made.places[name] >= place:
                earlier.add(name)
                name = f"<{name}"
            sources.add(name)
        found += [(source, line.target) for source in sources]
    found += [(name, f"<{name}") for name in earlier] + [(name, f">{name}") for name in layer.output_names]
    return sorted(found)


def compared(layer, shapes, width=84):
    tikz = la.to_tikz(layer, level="equation", width=width, on=shapes_of(shapes) if shapes else None)
    made, wanted = edges(tikz), expected(layer, shapes)
    assert made == wanted, (layer, shapes, set(made) ^ set(wanted))
    lines = {name for edge in wanted for name in edge if name[0] not in "<>"} | {
        s.target for s in layer.instance(*shapes).statements
    }
    shown = {box.name for box in boxes(tikz)}
    assert {name for edge in wanted for name in edge} <= shown and shown <= {f"<{n}" for n in lines} | {
        f">{n}" for n in layer.output_names
    } | lines | set(layer.input_names)
    assert set(layer.input_names) <= shown
    assert "ldots" not in tikz


@pytest.mark.parametrize("kind", LAYERS, ids=lambda kind: kind.__name__)
def test_every_layer_of_the_registry(kind):
    layer, shapes = drawn_case(kind)
    for width in (84, 174):
        for asked in (None, shapes_of(shapes)):
            if asked is None or shapes:
                drawn = read(la.to_svg(layer, level="equation", width=width, on=asked))
                assert drawn.boxes and drawn.width <= width + 0.01 and not faults(drawn), faults(drawn)[:3]
    if not layer.instance(*shapes).given:
        compared(layer, shapes)


@given(st.integers(0, 10**6))
def test_random_equations(seed):
    draw = random_equations.drawn(seed)
    try:
        layer = as_layer(draw)
        instance = layer.instance(*draw.shapes)
    except la.LayerAlgebraError:
        return
    drawn = read(la.to_svg(layer, level="equation", on=on(draw)))
    assert not faults(drawn), faults(drawn)[:3]
    if not instance.given:
        compared(layer, list(draw.shapes), random.Random(seed).choice([60, 84, 174]))


GATES = [(part + gate, gate) for gate in "argq" for part in ("W", "b", "U", "d")]
BY_HAND = {
    "attention": (
        la.MultiHeadAttention(8),
        [("x", "q"), ("x", "k"), ("x", "v"), ("Q", "q"), ("p", "q"), ("K", "k"), ("r", "k"), ("V", "v"), ("s", "v"), ("q", "w"),
         ("k", "w"), ("w", "a"), ("a", "o"), ("v", "o"), ("o", "y"), ("O", "y"), ("b", "y"), ("y", ">y")],
    ),
    "LSTM": (
        la.LSTM(d),
        [*GATES, *((source, gate) for gate in "argq" for source in ("x", "<h")), *((gate, "c") for gate in "arg"), ("<c", "c"),
         ("q", "h"), ("c", "h"), ("c", "<c"), ("h", "<h"), ("h", ">h")],
    ),
    "mixture": (
        la.SparseMixtureOfExperts(8, 2, 16),
        [("x", "s"), ("R", "s"), ("s", "best"), ("s", "g"), ("best", "g"), ("U", "h"), ("best", "h"), ("x", "h"), ("V", "z"),
         ("best", "z"), ("h", "z"), ("g", "y"), ("z", "y"), ("y", ">y")],
    ),
    "several outputs": (
        la.LSTMCell(8),
        [*GATES, *((source, gate) for gate in "argq" for source in ("x", "h0")), *((gate, "c") for gate in "arg"), ("c0", "c"),
         ("q", "h"), ("c", "h"), ("h", ">h"), ("c", ">c")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BY_HAND)
def test_arrows_read_by_a_person(name):
    layer, wanted = BY_HAND[name]
    for width in (84, 174):
        assert edges(la.to_tikz(layer, level="equation", width=width)) == sorted(wanted)


def test_an_arrow_that_is_missing_is_noticed():
    tikz = la.to_tikz(la.LSTM(8), level="equation")
    arrows = [line for line in tikz.splitlines() if ".. controls" in line]
    for line in arrows[::5]:
        try:
            found = edges(tikz.replace(f"{line}\n", ""))
        except AssertionError:
            continue
        assert found != edges(tikz)


def said(layer, **words):
    return {box.name: box.lines for box in boxes(la.to_tikz(layer, level="equation", width=174, **words))}


def test_boxes_say_what_is_computed_and_how_large_it_is():
    found = said(la.MultiHeadAttention(8, causal=True), on=(T, d))
    assert found["q"] == ("q[n, i, e]", "Σ[m](Q·x) + p", "8 × T × d/8")
    assert found["a"] == ("a[n, i, j]", "softmax[j](w/sqrt(d/8))", "8 × T × T")
    assert found["w"] == ("w[n, i, j]", "Σ[e](q·k)", "8 × T × T", "j ≤ i")
    assert found["O"] == ("weight O", "d × d") and found["b"] == ("bias b", "d") and found["x"] == ("input x", "T × d")
    found = said(la.Conv(64, 3, padding=1, stride=2))
    assert found["y"] == ("y[o, *i]", "Σ[*u, c](W·z) + b", "*u < 3, o < 64")
    assert found["z"] == ("z[c, *j]", "pad[1](x)") and found["W"] == ("weight W", "[o, c, *u]")
    found = said(la.Embedding(100, 8), on=(T,))
    assert found["y"] == ("y[t, m]", "E[x]", "T × 8") and found["E"] == ("table E", "100 × 8")
    assert said(la.BatchNorm())["m"][0] == "buffer m"
    assert said(la.ConvTranspose(8, 3, stride=2, bias=False))["z"][1].startswith("+= ")


def test_a_class_has_symbols_for_its_sizes():
    assert "o < out_channels/groups" in " ".join(said(la.Conv)["y"])


def test_first_steps_lead_to_where_earlier_steps_are_read():
    class Started(la.Layer):
        """A sum that starts at a learned state."""

        equation = """
            h[-1, f] = S[f]
            h[t, f] = x[t, f] + h[t-1, f]
            y[t, f] = h[t, f] * g[f]
        """

    found = edges(la.to_tikz(Started(), level="equation", on=(T, d)))
    assert [edge for edge in found if edge != ("h", "h")] == sorted(
        [("S", "h"), ("h", "<h"), ("h", "<h"), ("<h", "h"), ("x", "h"), ("h", "y"), ("g", "y"), ("y", ">y")]
    )
    assert ("h[-1, f]", "S", "d") in [box.lines for box in boxes(la.to_tikz(Started(), level="equation", on=(T, d)))]


def test_what_is_asked_is_checked():
    for draw in (la.to_svg, la.to_tikz):
        with pytest.raises(la.FieldError, match=r'level="equation" draws the lines of one layer, got Series'):
            draw(la.Linear(4) >> la.ReLU(), level="equation")
        with pytest.raises(la.FieldError, match="leave stages out"):
            draw(la.Linear(4), level="equation", stages={"a": la.Linear(4)})
        with pytest.raises(la.FieldError, match='level="equation"'):
            draw(la.Linear(4), on=(3,))
        with pytest.raises(la.ShapeError):
            draw(la.Conv(4, 3), level="equation", on=(3, 2, 2))
        with pytest.raises(la.FieldError, match="needs"):
            draw(la.Formula, level="equation")


@pytest.mark.skipif(not _has_tikz(), reason="pdflatex or TikZ (texlive-pictures) is not installed")
@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.slow), 6])
def test_tikz_of_every_layer_compiles(step, tmp_path):
    pictures = []
    for kind in LAYERS[::step]:
        layer, _ = drawn_case(kind)
        pictures.append(rf"\sbox0{{{la.to_tikz(layer, level='equation')}}}\typeout{{WIDTH \the\wd0}}")
    text = "\n".join(
        [
            r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{tikz}\begin{document}",
            *pictures,
            r"\end{document}",
        ]
    )
    (tmp_path / "lines.tex").write_text(text, encoding="utf-8")
    run = subprocess.run(
        [str(shutil.which("pdflatex")), "-interaction=nonstopmode", "-halt-on-error", "-draftmode", "lines.tex"],
        cwd=tmp_path, capture_output=True, timeout=280,
    )  # fmt: skip
    output = run.stdout.decode(errors="replace")
    assert run.returncode == 0, output[-2000:]
    widths = [float(line.split()[1].removesuffix("pt")) for line in output.splitlines() if line.startswith("WIDTH")]
    assert len(widths) == len(pictures) and max(widths) / 72.27 * 25.4 <= 85
