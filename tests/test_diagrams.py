"""Diagrams, from the coordinates that were drawn: nothing overlaps, no arrow crosses a box, every text fits."""

from __future__ import annotations

import random
import re
import shutil
import subprocess

import pytest
from conftest import PROFILE
from drawn_coordinates import faults, read
from hypothesis import given
from hypothesis import strategies as st
from test_drawings import HARD, NAMES, _has_tikz, named

import layeralgebra as la
from layeralgebra.layers.zoo.families import families

pytest.importorskip("matplotlib", reason="its metrics of Helvetica are the oracle of text widths")

MEMBERS = [next(iter(family.published)) for family in families().values()]
L, c, H = la.dims("L c H")


@pytest.mark.parametrize("name", MEMBERS)
def test_every_family_of_the_zoo(name):
    net, stages = la.zoo.build(name), la.zoo.stages(name)
    named = stages if la.Series(*stages.values()) == net else None
    widths = (84, 174) if PROFILE == "full" else ((84,), (174,))[MEMBERS.index(name) % 2]
    for level in ("stage", "block", "node"):
        for width in widths:
            drawn = read(la.to_svg(net, level, width, named))
            assert drawn.boxes and drawn.width <= width + 0.01
            assert not faults(drawn), (level, width, faults(drawn)[:3])


def test_every_layer_is_drawn_once_at_the_level_of_nodes():
    net = la.zoo.build("resnet18")
    drawn = read(la.to_svg(net, "node"))
    texts = [text for *_, text, _ in drawn.texts]
    layers = sum(1 for _ in re.finditer(r"\b(?:Conv|BatchNorm|ReLU|MaxPool|GlobalAvgPool|Linear)\(", str(net)))
    kinds = ("Conv", "BatchNorm", "ReLU", "MaxPool", "GlobalAvgPool", "Linear")
    assert sum(text.split("(")[0] in kinds for text in texts) == layers
    assert len(drawn.joints) == str(net).count(" + ")
    assert sum(text.startswith("× ") for text in texts) == str(net).count("**")


def random_network(r, depth):
    kind = r.choice(["layer", "series", "sum", "concat", "times", "repeat", "shared", "graph"] if depth else ["layer"])
    if kind == "layer":
        return r.choice(
            [
                la.Linear(c),
                la.ReLU(),
                la.LayerNorm(),
                la.Conv(64, 3, padding=1),
                la.Identity(),
                la.MultiHeadAttention(8),
            ]
        )
    parts = [random_network(r, depth - 1) for _ in range(r.randint(2, 4))]
    if kind == "series":
        return la.Series(*parts)
    if kind in ("sum", "concat", "times"):
        return {"sum": la.Add, "concat": la.Concat, "times": la.Mul}[kind](*parts)
    if kind == "repeat":
        return parts[0] ** r.choice([L, 3, 12 * L])
    if kind == "shared":
        return parts[0].shared("tokens")
    nodes = {f"n{place}": part for place, part in enumerate(parts)}
    nodes = {name: la.Linear(4) if part.is_identity else part for name, part in nodes.items()}
    names = list(nodes)
    edges = [(a, b) for place, a in enumerate(names) for b in names[place + 1 :] if r.random() < 0.5]
    return la.Graph({**nodes, "end": la.Add()}, [*edges, *((name, "end") for name in names)])


@given(st.integers(0, 10**6), st.sampled_from(["block", "node"]), st.sampled_from([60, 84, 174]))
def test_random_networks(seed, level, width):
    drawn = read(la.to_svg(random_network(random.Random(seed), 3), level, width))
    assert drawn.width <= width + 0.01 and not faults(drawn), faults(drawn)[:3]


@given(NAMES, NAMES, NAMES)
def test_names_from_outside_are_text(first, second, shared):
    if len({first, second, "both", "end"}) < 4:
        return
    net = named(first, second, shared)
    text = la.to_svg(net, stages=None)
    assert not faults(read(text)) and "<script" not in text and "<b>" not in text
    assert len(read(text).arrows) >= 4


def test_stages_are_named_and_hold_their_boxes():
    stages = {'</title><script>alert("1")</script>': la.Linear(4) >> la.ReLU(), "]]> & x": la.Linear(5)}
    text = la.to_svg(la.Series(*stages.values()), "block", 84, stages)
    drawn = read(text)
    assert "<script" not in text and len(drawn.frames) == 2 and not faults(drawn)


def test_what_is_asked_is_checked():
    for words in ({"level": "atom"}, {"width": 1}, {"width": True}, {"width": "wide"}):
        with pytest.raises(la.FieldError):
            la.to_svg(la.Linear(4), **words)
    with pytest.raises(la.FieldError, match="to_svg"):
        la.to_svg("resnet18")


@pytest.mark.skipif(not _has_tikz(), reason="pdflatex or TikZ (texlive-pictures) is not installed")
def test_tikz_has_the_same_places_and_fits_a_column(tmp_path):
    nets = [la.zoo.build("resnet18"), HARD, la.zoo.build("unet"), la.zoo.build("gpt2")]
    pictures = []
    for net in nets:
        svg, tikz = read(la.to_svg(net)), la.to_tikz(net)
        corners = re.findall(r"\\draw\[fill=diagram[^]]*\] \(([-\d.]+),([-\d.]+)\) rectangle", tikz)
        assert sorted((float(x), float(y)) for x, y in corners) == sorted((x, y) for x, y, _, _ in svg.boxes)
        pictures.append(
            rf"\sbox0{{{tikz}}}\typeout{{WIDTH \the\wd0}}\clearpage\noindent\resizebox{{!}}{{8cm}}{{\usebox0}}"
        )
    text = (
        r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{tikz}\begin{document}"
        + "\n".join(pictures)
        + r"\end{document}"
    )
    (tmp_path / "net.tex").write_text(text, encoding="utf-8")
    run = subprocess.run(
        [str(shutil.which("pdflatex")), "-interaction=nonstopmode", "-halt-on-error", "net.tex"],
        cwd=tmp_path, capture_output=True, timeout=120,
    )  # fmt: skip
    output = run.stdout.decode(errors="replace")
    assert run.returncode == 0, output[-2000:]
    widths = [float(width) for width in re.findall(r"WIDTH ([\d.]+)pt", output)]
    assert len(widths) == len(nets) and all(width / 72.27 * 25.4 <= 85 for width in widths)
