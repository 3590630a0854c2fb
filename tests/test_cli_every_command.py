"""Every command that there is, as a newcomer meets it: the examples of its help run, and what it prints for programs is read back.

The commands and their examples come from the command line itself, so that a new one is held to the same.
"""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from layeralgebra import cli

pytest.importorskip("hypothesis")
pytest.importorskip("xarray")
pytest.importorskip("z3")
pytest.importorskip("scipy")
torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

COMMANDS = get_command(cli.app).commands  # type: ignore[attr-defined]
EXAMPLES = [
    (name, line)
    for name, command in COMMANDS.items()
    for line in re.findall(r"^\s*layeralgebra (.+)$", command.epilog or "", re.M)
]
FILES = {
    "my_layers.py": 'import layeralgebra as la\n\n\nclass MyLayer(la.Layer):\n    """Squares."""\n\n'
    '    equation = "y[c, *i] = x[c, *i] * x[c, *i]"\n',
    "my_laws.py": "from layeralgebra import proofs\nfrom layeralgebra.proofs.statements.term import Integer, Positive\n\n\n"
    "@proofs.law(routes='galois z3', register=False, mutants={'a': lambda n, s, t: (n // s // t, n // s), 'b': lambda n, s, t: (n // s // t, n // (s + t))})\n"
    "def my_law(n: Integer, s: Positive, t: Positive):\n    'Strides multiply.'\n    return n // s // t, n // (s * t)\n",
    "models.py": "from torch import nn\n\n\ndef make_model():\n    return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU())\n",
    "widths.toml": cli.SWEEP,
}
"""The files that examples name."""


def run(*words: str, columns: int = 80) -> tuple[int, str, str]:
    made = CliRunner().invoke(cli.app, list(words), env={"COLUMNS": str(columns), "NO_COLOR": "1"})
    assert made.exception is None or isinstance(made.exception, SystemExit), made.exception
    return made.exit_code, made.stdout, made.stderr


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    weight = onnx.helper.make_tensor("w", onnx.TensorProto.FLOAT, [2, 3], [1.0] * 6)
    x, y = (
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, size])
        for name, size in (("x", 2), ("y", 3))
    )
    graph = onnx.helper.make_graph([onnx.helper.make_node("MatMul", ["x", "w"], ["y"])], "g", [x], [y], [weight])
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)]), tmp_path / "model.onnx")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def of_json(command: str, text: str) -> list[dict]:
    """The records of a JSON document, each of which says of what and what it is."""
    found = json.loads(text)
    assert found["command"] == command and found["records"]
    assert all(record["subject"] and record["quantity"] for record in found["records"])
    return found["records"]


def of_csv(text: str) -> list[dict]:
    """The rows of a table, all of them as long as its first line."""
    rows = list(csv.DictReader(io.StringIO(text), strict=True))
    assert rows and all(None not in row and None not in row.values() for row in rows)
    return rows


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_examples_json_and_csv(name):
    assert [command for command, _ in EXAMPLES if command == name]
    options = {option for parameter in COMMANDS[name].params for option in parameter.opts}
    assert {"--json", "--csv", "--overwrite"} <= options


@pytest.mark.parametrize(("name", "line"), EXAMPLES, ids=[line for _, line in EXAMPLES])
def test_examples_run_fit_80_columns_and_are_read_back(name, line, folder):
    words = shlex.split(line)
    assert words[0] == name
    if words[-1] in ("--json", "--csv"):  # as it stands, printed
        status, out, said = run(*words)
        assert status == 0, said
        assert of_json(name, out) if words.pop() == "--json" else of_csv(out)
    elif words[-2:-1] in (["--json"], ["--csv"]):  # as it stands, into a file
        status, _, said = run(*words)
        assert status == 0 and Path(words[-1]).stat().st_size, said
        del words[-2:]
    status, out, said = run(*words, "--json", "made.json", "--csv", "made.csv", "--overwrite")
    assert status == 0 and out.strip(), said
    assert not [shown for shown in out.splitlines() if len(shown) > 80 and " " in shown.strip()] and "…" not in out
    records, rows = of_json(name, Path("made.json").read_text()), of_csv(Path("made.csv").read_text())
    for field in ("subject", "quantity", "part", "kind"):
        assert [row[field] for row in rows] == [record[field] or "" for record in records]


@pytest.mark.parametrize("ending", ["json", "csv"])
@pytest.mark.parametrize("words", [["certify", "resnet18"], ["report", "alexnet", "out"], ["demo"]], ids=" ".join)
def test_commands_that_write_files_print_records_only(words, ending, folder):
    status, out, said = run(*words, f"--{ending}", columns=40)
    assert status == 0, said
    assert of_json(words[0], out) if ending == "json" else of_csv(out)


@pytest.mark.parametrize("name", COMMANDS)
def test_an_unknown_option_is_one_line_and_status_2(name):
    status, out, said = run(name, "--no-such-option")
    assert status == 2 and not out
    assert len(said.splitlines()) == 1 and said.startswith("error: ") and "--no-such-option" in said


@pytest.mark.parametrize(
    "name", [name for name, command in COMMANDS.items() if any(p.required for p in command.params)]
)
def test_a_missing_argument_is_one_line_and_status_2(name):
    status, out, said = run(name)
    assert status == 2 and not out and len(said.splitlines()) == 1 and f" {name} --help" in said


def test_an_unknown_command_is_one_line_and_status_2():
    status, out, said = run("lst")
    assert status == 2 and not out and len(said.splitlines()) == 1 and "list" in said


def test_lists_name_publications_and_no_addresses():
    status, out, _ = run("list")
    assert status == 0 and "http" not in out and "PyTorch documentation" in " ".join(out.split())
    assert "https://" in run("list", "layers", "--json")[1]
