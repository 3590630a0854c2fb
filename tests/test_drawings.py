"""Drawings: what was drawn is read back by the tools that read these languages, whatever the names hold."""

from __future__ import annotations

import html
import re
import shutil
import subprocess

import networkx
import pytest
from hypothesis import given
from hypothesis import strategies as st

import layeralgebra as la

HOSTILE = ['a"b', "back\\slash", 'end"];\n evil -> x', "<b>&amp;</b>", "]]>", "%comment", "{open", "}close", "$x_1^2$", "#1", "`tick`", "|pipe|",
           "日本", "é", "\x00\x1b[0m", "\ud800", "--> n0", "\\end{tikzpicture}", "[U]", "*", "\\N", "subgraph", " ", "\u202e"]  # fmt: skip
NAMES = st.one_of(st.sampled_from(HOSTILE), st.text(min_size=1, max_size=12).filter(lambda text: text.strip()))


def named(first, second, shared):
    """A network with a branch, a repetition and names of the user's."""
    L = la.dims("L")
    nodes = {
        first: la.Linear(4),
        second: (la.ReLU() >> la.Linear(4)) ** L,
        "both": la.Add(),
        "end": la.Linear(2).shared(shared),
    }
    return la.Graph(nodes, [(first, second), (first, "both"), (second, "both"), ("both", "end")])


EDGES = {(0, 1), (0, 2), (1, 2), (2, 3)}
HARD = named('a"];\n evil\\" -> <b>&`%${}#_|end', "[日]", "\\end{document} é ^~")


def topology(graph):
    numbers = {name: place for place, name in enumerate(graph.nodes)}
    return {(numbers[a], numbers[b]) for a, b in graph.edges}


@given(NAMES, NAMES, NAMES)
def test_graphml_is_read_back(first, second, shared):
    if len({first, second, "both", "end"}) < 4:
        return
    net = named(first, second, shared)
    back = networkx.parse_graphml(la.to_graphml(net))
    assert topology(back) == topology(net.to_networkx()) == EDGES
    assert [data["kind"] for _, data in back.nodes(data=True)] == ["Linear", "Repeat", "Add", "Shared"]
    assert [data.get("times") for _, data in back.nodes(data=True)] == [None, "L", None, None]
    assert all(isinstance(value, str) for _, data in back.nodes(data=True) for value in data.values())


def test_graphml_is_written(tmp_path):
    path = tmp_path / "net.graphml"
    text = la.to_graphml(HARD, path)
    assert networkx.read_graphml(path).number_of_edges() == 4 and path.read_text(encoding="utf-8") == text
    with pytest.raises(la.FileError):
        la.to_graphml(HARD, tmp_path / "no" / "folder")


@given(NAMES, NAMES, NAMES)
def test_dot_and_mermaid_keep_names_inside_their_labels(first, second, shared):
    """A reader of nothing but statements: every line is one whole statement, so that no name ended a label."""
    if len({first, second, "both", "end"}) < 4:
        return
    net = named(first, second, shared)
    quoted = r'"(?:[^"\\\n]|\\.)*"'
    found = set()
    for line in la.to_dot(net).splitlines()[2:-1]:
        arrow = re.fullmatch(r"  n(\d+) -> n(\d+);", line)
        assert arrow or re.fullmatch(rf"  n\d+ \[label={quoted}, tooltip={quoted}\];", line), line
        found |= {(int(arrow[1]), int(arrow[2]))} if arrow else set()
    assert found == EDGES
    found = set()
    for line in la.to_mermaid(net).splitlines()[1:]:
        arrow = re.fullmatch(r"  n(\d+) --> n(\d+)", line)
        label = re.fullmatch(r'  n\d+\["((?:[\w ,.]|#\d+;|<br/>)*)"\]', line)
        assert arrow or label, line
        found |= {(int(arrow[1]), int(arrow[2]))} if arrow else set()
    assert found == EDGES


def test_repetitions_are_one_node_with_their_number():
    body, L = la.Linear(4) >> la.ReLU(), la.dims("L")
    for text in (la.to_dot(body**L), la.to_mermaid(body**L)):
        assert len(re.findall(r"\bn\d+\b", text)) == 1 and "x L" in text
    assert r"{$\times$ L}" in la.to_tikz(body**L)
    long = la.Series(*(la.Linear(size) for size in range(1, 40)))
    assert "... 34 more ..." in la.to_dot(long**L)


@pytest.mark.parametrize("draw", [la.to_dot, la.to_mermaid, la.to_tikz, la.to_graphml])
def test_only_networks_are_drawn(draw):
    with pytest.raises(la.FieldError, match=draw.__name__):
        draw("resnet18")


@pytest.mark.skipif(not shutil.which("dot"), reason="Graphviz is not installed")
def test_graphviz_reads_dot():
    for net in (HARD, la.zoo.build("resnet18")):
        run = subprocess.run(["dot", "-Tplain"], input=la.to_dot(net), capture_output=True, text=True, timeout=60)
        assert run.returncode == 0 and not run.stderr
        lines = [line.split()[0] for line in run.stdout.splitlines()]
        graph = net.to_networkx()
        assert (lines.count("node"), lines.count("edge")) == (graph.number_of_nodes(), graph.number_of_edges())
    run = subprocess.run(["dot", "-Tsvg"], input=la.to_dot(HARD), capture_output=True, text=True, timeout=60)
    assert 'evil\\" -> <b>&`%${}#_|end' in html.unescape(html.unescape(run.stdout.replace("&#45;", "-"))).replace(
        "\xa0", " "
    )


def _has_tikz():
    if not (shutil.which("pdflatex") and shutil.which("kpsewhich")):
        return False
    return subprocess.run(["kpsewhich", "tikz.sty"], capture_output=True).returncode == 0


@pytest.mark.skipif(not _has_tikz(), reason="pdflatex or TikZ (texlive-pictures) is not installed")
def test_tikz_pictures_compile(tmp_path):
    begin = r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{tikz}\begin{document}"
    pictures = "\n".join(map(la.to_tikz, (HARD, named("*", "[U]", "%"), la.Linear(4) ** la.dims("L"))))
    (tmp_path / "net.tex").write_text(f"{begin}\n{pictures}\n\\end{{document}}\n", encoding="utf-8")
    run = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "net.tex"],
        cwd=tmp_path,
        capture_output=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stdout[-2000:].decode(errors="replace")
    assert (tmp_path / "net.pdf").stat().st_size > 1000
