"""What the command line prints for programs and in a pipe: exact numbers, formulas that are read back, and no traceback."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys

import pytest
import sympy
from typer.testing import CliRunner

import layeralgebra as la
from layeralgebra import cli
from layeralgebra.cli import app
from layeralgebra.commands.results import FIELDS


def run(*words: object, columns: str = "80") -> tuple[int, str, str]:
    made = CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": columns, "NO_COLOR": "1"})
    assert made.exception is None or isinstance(made.exception, SystemExit), made.exception
    return made.exit_code, made.stdout, made.stderr


def records(*words: object) -> list[dict]:
    status, out, said = run(*words, "--json")
    assert status == 0, said
    found = json.loads(out)
    assert set(found) == {"command", "version", "records"} and found["command"] == words[0]
    assert all(list(record) == list(FIELDS) for record in found["records"])
    return found["records"]


COMMANDS = [
    ["derive", "resnet18", "--stage-by-stage", "--node-by-node", "--set", "height=H", "--at", "H=224"],
    ["compare", "alexnet"],
    ["list", "metrics"],
    ["list"],
    ["check", "ReLU", "--examples", "1"],
    ["prove", "nested_floor", "--route", "galois"],
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_json_and_csv_hold_the_same_records(words):
    if words[0] in ("check", "prove"):
        pytest.importorskip("hypothesis")
    found = records(*words)
    assert found and all(record["subject"] and record["quantity"] for record in found)
    status, out, _ = run(*words, "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert status == 0 and [row["quantity"] for row in rows] == [record["quantity"] for record in found]
    assert [row["kind"] or None for row in rows] == [record["kind"] for record in found]


def test_integers_are_exact_and_formulas_are_read_back():
    H, c = la.dims("H c")
    net = la.zoo.build("resnet18", height=H, base_width=c)
    (found,) = records("derive", "resnet18", "-m", "macs", "--set", "height=H,base_width=c", "--at", f"H={10**30},c=64")
    assert sympy.sympify(found["formula"], locals={"H": H, "c": c}) == la.macs(net)
    assert found["value"] == la.macs(la.zoo.build("resnet18", height=10**30)) and found["at"] == {"H": 10**30, "c": 64}
    assert found["kind"] == "exact"


def test_conditions_are_read_back():
    (found,) = records("derive", "densenet121", "-m", "parameters", "--set", "height=H,width=W")
    H, W = la.dims("H W")
    relations = [sympy.sympify(text, locals={"H": H, "W": W}) for text in found["domain"]]
    assert relations and all(not relation.subs({H: 1, W: 1}) for relation in relations)


def test_training_is_what_the_metrics_say():
    B, L = la.dims("B L")
    net = la.zoo.build("gpt2", depth=L)
    words = ["derive", "gpt2", "--training", "--batch", "B", "--recompute", "block", "--set", "depth=L"]
    found = {record["quantity"]: record["formula"] for record in records(*words)}
    assert set(found) == {"parameters", "training_macs", "training_flops"}
    for name in ("training_macs", "training_flops"):
        expected = getattr(la, name)(net, batch=B, recompute="block")
        assert sympy.sympify(found[name], locals={"B": B, "L": L}) == expected
    status, _, said = run("derive", "gpt2", "--batch", "2")
    assert status == 2 and "--training" in said


def test_files_are_written_where_they_are_named(tmp_path):
    target = tmp_path / "a.json"
    status, out, _ = run("derive", "resnet18", "-m", "depth", "--json", target)
    assert status == 0 and "18" in out and json.loads(target.read_text())["records"][0]["value"] == 18
    status, _, said = run("derive", "resnet18", "-m", "depth", "--json", target)
    assert status == 2 and "there already" in said
    assert run("derive", "resnet18", "-m", "depth", "--json", target, "--overwrite")[0] == 0


def test_the_file_in_the_help_of_sweep_runs(tmp_path):
    pytest.importorskip("xarray")
    shown = run("sweep", "--help", columns="100")[1]
    assert all(line.strip() in shown for line in cli.SWEEP.splitlines())
    (tmp_path / "a.toml").write_text(cli.SWEEP)
    found = [record for record in records("sweep", tmp_path / "a.toml") if record["at"]]
    assert len(found) == 2 * 3 * 3
    for record in found[:4]:
        R, c = record["at"]["R"], record["at"]["c"]
        net = la.zoo.build("resnet50", height=R, width=R, base_width=c)
        assert record["value"] == getattr(la, record["quantity"])(net)


@pytest.mark.parametrize("columns", [80, 100, 200])
@pytest.mark.parametrize("words", [["compare", "resnet18", "vgg11"], ["list", "layers", "conv"], ["prove", "receptive_field_a*", "-r", "ring"]])  # fmt: skip
def test_what_is_printed_fits_the_terminal(words, columns):
    status, out, said = run(*words, columns=str(columns))
    assert status == 0, said
    assert "…" not in out and "│" not in out
    assert all(len(line) <= columns or "http" in line for line in out.splitlines())


@pytest.mark.parametrize(
    "name", ["", *[command.name or command.callback.__name__ for command in app.registered_commands]]
)
def test_help_has_examples_and_cuts_nothing(name):
    status, out, _ = run(*name.split(), "--help")
    assert status == 0 and "..." not in out.replace("]...", "") and "…" not in out
    assert not name or f"\n    layeralgebra {name}" in out


def in_a_shell(script: str, **environment: str) -> subprocess.CompletedProcess:
    command = script.replace("layeralgebra", f"{sys.executable} -P -m layeralgebra")
    plain = {key: value for key, value in os.environ.items() if key != "COLUMNS"}
    return subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, timeout=120, env={**plain, **environment}
    )


@pytest.mark.parametrize(
    "script, said",
    [
        ("layeralgebra list laws | head -1", ""),
        ("layeralgebra derive resnet18 -m depth >&-", ""),
        ("layeralgebra derive resnet18 -m depth >/dev/full", "No space left"),
        ("PYTHONIOENCODING=ascii layeralgebra list layers spline", ""),
    ],
)
def test_no_traceback_where_the_output_goes(script, said):
    made = in_a_shell(script)
    assert "Traceback" not in made.stderr and "Exception" not in made.stderr
    assert said in made.stderr and len(made.stderr.splitlines()) == bool(said)


def test_a_pipe_has_no_width():
    made = in_a_shell("layeralgebra derive resnet50 -m macs --set height=H,width=W,base_width=c")
    assert len(made.stdout.splitlines()[3]) > 120


@pytest.mark.parametrize(
    "words, found", [("derive resn", "resnet50"), ("derive resnet50 -m parameters,ma", "parameters,macs"), ("check Conv", "ConvTranspose")]
)  # fmt: skip
def test_names_are_completed(words, found):
    line = f"layeralgebra {words}"
    made = subprocess.run(
        [sys.executable, "-P", "-c", "from layeralgebra.cli import app; app(prog_name='layeralgebra')"],
        capture_output=True, text=True, timeout=60,
        env={**os.environ, "_LAYERALGEBRA_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)},
    )  # fmt: skip
    assert found in made.stdout.split(), made.stderr


WRONG = [
    ("list", "nothing"), ("list", "layers", "no_such_word"), ("derive", "resnet18", "--at", "H=" + "9" * 50), ("derive", ""),
    ("derive", "resnet18", "--batch", "-1", "--training"), ("derive", "resnet18", "--training", "--recompute", "all"),
    ("derive", "resnet18", "--json", "--csv"), ("compare", "resnet18", "--dimension", "-5"), ("compare", ","), ("check", "Nothing"),
    ("prove", "no_law"), ("prove", "nested_floor", "-r", "magic"), ("sweep", "/"), ("import", "/"), ("import", "nothing.onnx"),
    ("capacity", "--length", "0"), ("capacity", "--length", "99999999999999999999"), ("capacity", "--starts", "-1"), ("capacity", "--task", "x"),
]  # fmt: skip


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_wrong_words_end_in_a_line_and_status_2(words):
    status, out, said = run(*words)
    assert status == 2 and not out and "fault of layeralgebra" not in said and "Traceback" not in said


@pytest.mark.parametrize("content", [b"", b"\x00\x01\xff", b"\xff\xfe", b"raise SystemExit(3)", b"net = lambda: 1/0", b"def net(): raise KeyError('a\\nb')"])  # fmt: skip
@pytest.mark.parametrize(
    "command", ["derive {}:net --on 3", "check {}", "import {}:net --shape 3", "prove {}::net", "sweep {}"]
)
def test_files_of_all_kinds_end_in_a_line(content, command, tmp_path):
    path = tmp_path / "mine.py"
    path.write_bytes(content)
    status, out, said = run(*command.format(path).split())
    assert status == 2 and not out and said and "fault of layeralgebra" not in said
