"""The command line: what it prints, what it writes, and that nothing it is given is evaluated."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from math import prod
from pathlib import Path

import pytest
from typer.testing import CliRunner

import layeralgebra as la
from layeralgebra.cli import app
from layeralgebra.commands import arguments
from layeralgebra.commands.demo import Involution

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples" / "involution.py"


def run(*words: object, columns: int = 100) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of a command, in this process."""
    made = CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": str(columns), "NO_COLOR": "1"})
    assert made.exception is None or isinstance(made.exception, SystemExit), made.exception
    return made.exit_code, made.stdout, made.stderr


def printed(*words: object, columns: int = 100) -> str:
    status, out, said = run(*words, columns=columns)
    assert status == 0, said
    return out


def module(path: Path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


# ---------------------------------------------------------------- the demonstration


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> tuple[str, Path]:
    """What ``layeralgebra demo`` prints and where it wrote, in a process of its own."""
    folder = tmp_path_factory.mktemp("demo")
    made = subprocess.run(
        [sys.executable, "-P", "-m", "layeralgebra", "demo"],
        cwd=folder, capture_output=True, text=True, timeout=120, env={**os.environ, "COLUMNS": "100", "NO_COLOR": "1"},
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    assert not made.stderr
    return made.stdout, folder / "out"


@pytest.mark.parametrize(
    "line",
    [
        "  5724*c**2 + 32977*c + 1000",
        "    3520*c**2*ceil(H/32)*ceil(W/32)",
        "  + 147*c*ceil(H/2)*ceil(W/2)",
        "  parameters       25 557 032",
        "  MACs             4 089 184 256 (4.089 GMACs)",
        "  receptive field  size 427 x 427, jump 32 x 32, start -213 x -213",
        "valid for all positive integers H, W, c",
        "  multiplies: H*W*c*(K**2*(G + r) + c)/r",
        "  size: (K, K)",
        "  (G*K**2*(c + r) + c**2 + c)/r",
        "  (c, H, W)",
        "LaTeX: out/resnet50.tex",
        "LaTeX: out/involution.tex",
    ],
)
def test_the_demonstration_says(demo, line):
    assert line in demo[0].splitlines()


def test_the_demonstration_goes_stage_by_stage(demo):
    text, _ = demo
    for stage, field in {"stem": 11, "stage1": 35, "stage2": 91, "stage3": 267, "stage4": 427, "head": 427}.items():
        assert len(re.findall(rf"^{stage} .*\({field}, {field}\)", text, re.MULTILINE)) == 2, stage
    numeric = text[text.index("Stage by stage, at H = 224, W = 224, c = 64") :]
    rows = [re.split(r"\s{2,}", line) for line in re.findall(r"^(?:stem|stage\d|head) .*", numeric, re.MULTILINE)]
    columns = [[int(cell.replace(" ", "")) for cell in column] for column in list(zip(*rows))[3:5]]
    assert [sum(column) for column in columns] == [25_557_032, 4_089_184_256]
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
@pytest.mark.parametrize("name", ["resnet50", "involution"])
def test_the_documents_of_the_demonstration_compile(demo, name, tmp_path):
    shutil.copy(demo[1] / f"{name}.tex", tmp_path)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", f"{name}.tex"]
    made = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=100)
    assert made.returncode == 0, made.stdout[-2000:]


def test_the_documents_of_the_demonstration_hold_its_formulas(demo):
    residual = (demo[1] / "resnet50.tex").read_text()
    assert r"5724 c^{2} + 32977 c + 1000" in residual and r"\lceil H/32 \rceil" in residual
    own = (demo[1] / "involution.tex").read_text()
    assert r"k_{g, \boldsymbol{u}, \boldsymbol{i}}\, z_{(g, c), \boldsymbol{i} + \boldsymbol{u}}" in own


@pytest.mark.parametrize(("c", "h", "w", "k", "g", "r"), [(8, 5, 4, 3, 2, 4), (6, 3, 3, 5, 3, 1), (4, 7, 2, 1, 1, 2)])
def test_involution_costs_what_its_loops_cost(c, h, w, k, g, r):
    """Counted from the description: two 1x1 maps at each position, then one product of a window for each channel."""
    layer, on = Involution(k, g, r), (c, h, w)
    hidden, window, places = c // r, k * k, h * w
    assert la.parameters(layer, on=on) == hidden * c + hidden + g * window * (hidden + 1)
    macs = places * (hidden * c + g * window * hidden + c * window)
    assert la.macs(layer, on=on) == macs
    flops = la.flops(layer, on=on, apart=True)
    assert flops.multiplies == macs
    assert flops.adds == macs + places * (hidden + g * window)
    assert flops.other == places * hidden
    assert la.receptive_field(layer, on=on).size == (k, k)
    assert sum(prod(shape) for shape in layer.instance(on).weights().values()) == la.parameters(layer, on=on)


def test_the_example_is_the_layer_of_the_demonstration():
    assert module(EXAMPLE).Involution.equation == Involution.equation


# ---------------------------------------------------------------- derive


def test_derive_a_published_network():
    text = printed("derive", "resnet50", "--metric", "parameters", "--set", "base_width=c", "--at", "c=64")
    assert text.splitlines() == [
        "resnet50", "", "parameters (exact)", "  5724*c**2 + 32977*c + 1000", "", "valid for all positive integers c", "",
        "at c = 64", "  parameters  25 557 032",
    ]  # fmt: skip


def test_derive_a_layer_of_ones_own():
    words = ["derive", f"{EXAMPLE}:Involution", "--on", "c,H,W", "--set", "kernel=K,groups=G", "-m", "parameters,flops"]
    text = printed(*words)
    assert "Involution(K, G) on (c, H, W)" in text and "  (G*K**2*(c + 4) + c**2 + c)/4" in text
    assert "  4 divides c  " in text and "  G divides c  " in text


def test_sizes_that_are_not_set_are_symbols():
    assert "Involution(kernel, groups) on (c, H, W)" in printed("derive", f"{EXAMPLE}:Involution", "--on", "c,H,W")
    assert "valid for all positive integers L, height, width\n" in printed(
        "derive", f"{EXAMPLE}:network", "--set", "depth=L", "-m", "macs"
    )


def test_derive_stage_by_stage_and_node_by_node():
    text = printed("derive", "resnet18", "--stage-by-stage", "--node-by-node", "--set", "height=H", "--at", "H=224")
    assert text.count("Stage by stage") == 2 and text.count("Node by node") == 1
    assert "11 689 512" in text and "1 814 073 344 (1.814 GMACs)" in text


def test_derive_effective():
    plain = printed("derive", "resnet18", "-m", "macs")
    effective = printed("derive", "resnet18", "-m", "macs", "--effective")
    assert "1 814 073 344" in plain and "1 814 073 344" not in effective


def test_derive_writes_latex(tmp_path):
    path = tmp_path / "new" / "net.tex"
    assert f"LaTeX: {path}" in printed("derive", "vgg11", "--latex", path, columns=200)
    assert path.read_text().startswith(r"\documentclass") and "132863336" in path.read_text()


def test_tuples_and_words_as_hyperparameters():
    text = printed("derive", "resnet50", "-m", "parameters", "--set", "depths=(3,4,n,3),block=basic,base_width=64")
    assert "valid for all positive integers n" in text
    basic = la.parameters(la.zoo.build("resnet50", block="basic"))
    assert basic == 21797672  # a ResNet-34
    text = printed(
        "derive", "resnet50", "-m", "parameters", "--set", "depths=(3,4,n,3)", "--set", "block='basic'", "--at", "n=6"
    )
    assert "21 797 672" in text


@pytest.mark.parametrize("columns", [80, 100, 160])
def test_tables_fit_the_terminal(columns):
    text = printed("derive", "densenet121", "--stage-by-stage", "--set", "height=H,width=W", columns=columns)
    table = text[text.index("Stage by stage") : text.index("(exact)")]
    assert max(map(len, table.splitlines())) <= columns


# ---------------------------------------------------------------- errors

ERRORS = [
    (["derive", "resnet51"], "did you mean resnet50"),
    (["derive", "resnet50", "-m", "speed"], "there is no metric 'speed'"),
    (["derive", "resnet50", "--set", "foo=1"], "has no hyperparameter 'foo'"),
    (["derive", "resnet50", "--set", "height"], "is no name=value"),
    (["derive", "resnet50", "--set", "height=1,height=2"], "given twice"),
    (["derive", "resnet50", "--set", "height=2*H"], "arithmetic is not evaluated"),
    (["derive", "resnet50", "--set", "height=(1,2"], "brackets do not match"),
    (["derive", "resnet50", "--set", "height=-1"], "must be at least 1"),
    (["derive", "resnet50", "--set", "height=1.5"], "neither an integer nor a name"),
    (["derive", "resnet50", "--set", "height=__import__('os').system('touch pwned')"], "neither an integer nor a name"),
    (["derive", "resnet50", "--set", "height=lambda: 0"], "neither an integer nor a name"),
    (["derive", "resnet50", "--set", "height=" + "9" * 50], "must be an integer"),
    (["derive", "resnet50", "--set", "height=" + "h" * 3000], "more than 2000 characters"),
    (["derive", "resnet50", "--set", "height=H", "--at", "H=x"], "H must be an integer"),
    (["derive", "resnet50", "--set", "height=H", "--at", "H=0"], "H must be positive"),
    (["derive", "resnet50", "--set", "height=H", "--at", "W=3"], "there is no symbol W"),
    (["derive", "resnet50", "--set", "height=H,width=W", "--at", "H=3"], "W missing"),
    (["derive", "resnet50", "--on", "3,4"], "begins with its own Input"),
    (["derive", f"{EXAMPLE}:Involution"], "--on 3,H,W"),
    (["derive", f"{EXAMPLE}:Involution", "--on", "6,H,W", "--set", "reduction=4"], "6"),
    (["derive", f"{EXAMPLE}:Involution", "--on", ","], "no shape"),
    (["derive", f"{EXAMPLE}:Nothing", "--on", "3,4"], "has no 'Nothing'"),
    (["derive", f"{EXAMPLE}:la", "--on", "3,4"], "neither a layer, nor a network"),
    (["derive", f"{EXAMPLE}:network", "--set", "colour=red"], "takes no 'colour'"),
    (["derive", f"{EXAMPLE}:Involution", "--on", "8,4,4", "--set", "kernel=yes"], "kernel"),
    (["derive", str(EXAMPLE)], "say what in it"),
    (["derive", "no_such_file.py:X"], "there is no file"),
    (["derive", "../../etc/passwd"], "no network called"),
]


@pytest.mark.parametrize(("words", "message"), ERRORS, ids=lambda value: None if isinstance(value, list) else value)
def test_errors_are_one_line_and_status_2(words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, out, said = run(*words)
    assert status == 2 and not out
    assert message in said and said.startswith("error: ")
    assert len(said.splitlines()) == 1 or "\n  in: " in said
    assert not list(tmp_path.iterdir()), "something was run"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("1/0", "line 1: ZeroDivisionError: division by zero"),
        ("\nnet = (", "line 2: SyntaxError"),
        ("import layeralgebra as la\nnet = la.ReLU() >> 3", ">> takes a layer"),
        ("def net():\n    return 3", "is no network"),
    ],
)
def test_a_mistake_in_a_file_is_named(source, message, tmp_path):
    (tmp_path / "mine.py").write_text(source)
    status, out, said = run("derive", f"{tmp_path / 'mine.py'}:net", "--on", "3,4")
    assert status == 2 and not out and message in said and len(said.splitlines()) == 1


def test_latex_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    status, _, said = run("derive", "resnet18", "-m", "depth", "--latex", tmp_path / "file" / "net.tex")
    assert status == 2 and "cannot be written" in said


def test_values_are_read_and_not_evaluated():
    c, n = la.dims("c n")
    assert arguments.value("(1, c, (n, 2))") == (1, c, (n, 2))
    assert arguments.value("basic", word=True) == "basic" and arguments.value("'a b'") == "a b"
    assert [arguments.value(text) for text in ("true", "no", "none", "1_000")] == [True, False, None, 1000]
    assert arguments.shape("3,H , 4") == (3, la.dims("H"), 4)


# ---------------------------------------------------------------- help


@pytest.mark.parametrize("words", [[], ["derive"], ["demo"]])
def test_help_shows_usage(words):
    assert "Usage: " in printed(*words, "--help")


def test_the_version():
    assert printed("--version") == f"layeralgebra {la.__version__}\n"


def test_an_unknown_option_is_status_2():
    status, out, said = run("derive", "--no-such-option")
    assert status == 2 and not out and "no-such-option" in said


def test_without_a_command_there_is_help():
    status, out, said = run()
    assert status == 2 and "Usage: " in out + said
