"""Every example is run: of docstrings, of Markdown files and of notebooks."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import docstring_examples

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = re.compile(r"^\s*>>> ", re.MULTILINE)
#: Import names of what the extras bring. A module that cannot be imported for lack of one of them is skipped.
OPTIONAL = set("torch torchvision jax onnx xarray pandas dask matplotlib scipy hypothesis pytest z3 cvc5".split())
OPTIONAL |= set("symengine flint numba nbformat nbclient ipykernel gudhi pyflagser sklearn keras egglog".split())


def modules() -> dict[str, Path]:
    """Dotted name to file, for every module of every package in the package map."""
    folders = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-dir"]
    found = {}
    for package, folder in folders.items():
        for path in sorted((ROOT / folder).glob("*.py")):
            found[package if path.stem == "__init__" else f"{package}.{path.stem}"] = path
    return found


def with_examples() -> list[str]:
    return [name for name, path in modules().items() if EXAMPLE.search(path.read_text(encoding="utf-8"))]


def run_script(name: str, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run one of the scripts beside this file, with this folder off its path."""
    command = [sys.executable, "-P", str(ROOT / "tests" / name), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=280, **options)


@pytest.fixture(scope="module")
def docstring_report(request, tmp_path_factory) -> dict[str, dict]:
    """What came of the docstrings of every module that is asked for, all run in one process of their own."""
    items = [item for item in request.session.items if item.name.startswith("test_docstrings[")]
    asked = [item.callspec.params["name"] for item in items]
    paths = modules()
    folder = tmp_path_factory.mktemp("docstrings")  # an example that writes a file writes it here
    made = run_script("docstring_examples.py", *(f"{name}={paths[name]}" for name in asked), cwd=folder)
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", with_examples())
def test_docstrings(name, docstring_report):
    result = docstring_report[name]
    lacks = (result["lacks"] or "").partition(".")[0]
    if lacks in OPTIONAL:
        pytest.skip(f"{name} needs {lacks}")
    assert not result["said"], "".join(result["said"])
    assert result["count"]


def test_a_wrong_docstring_is_found():
    examples = ">>> 1 + 1\n        3\n        >>> 2\n        2"
    source = f'class A:\n    @property\n    def b(self):\n        """\n        {examples}\n        """\n'
    count, said = docstring_examples.run_docstrings(source, "m", "m.py", {})
    assert count == 2 and len(said) == 1
    assert 'File "m.py", line 5, in m.A.b' in said[0]


def test_the_docstrings_of_the_benchmark_runner(tmp_path):
    folder = ROOT / "benchmarks"
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    made = run_script("docstring_examples.py", f"run={folder / 'run.py'}", cwd=tmp_path, env=environment)
    assert json.loads(made.stdout)["run"] == {"count": 1, "said": [], "lacks": None}, made.stdout + made.stderr


MARKDOWN = sorted(
    str(path.relative_to(ROOT))
    for pattern in ("*.md", "docs/**/*.md", "tests/*.md", "benchmarks/*.md", "notebooks/*.md")
    for path in ROOT.glob(pattern)
)


def run_markdown(path: Path, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return run_script("markdown_examples.py", str(path), *options, cwd=folder)


@pytest.mark.parametrize("name", MARKDOWN)
def test_markdown(name, tmp_path):
    made = run_markdown(ROOT / name, tmp_path)
    assert made.returncode == 0, made.stdout + made.stderr


@pytest.mark.parametrize("name", MARKDOWN)
def test_markdown_leaves_nothing_out(name, tmp_path):
    made = run_markdown(ROOT / name, tmp_path, "--left-out")
    assert made.returncode == 0, made.stderr
    if made.stdout:
        pytest.skip(made.stdout.strip().replace("\n", "; "))


@pytest.mark.parametrize("name", MARKDOWN)
def test_links_lead_somewhere(name):
    """Links to files of the project; those to the web are not followed."""
    page = ROOT / name
    prose = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    prose = re.sub(r"`[^`\n]*`", "", prose)
    links = re.findall(r"\]\((?![a-z]+:|#)([^)#\s]+)", prose)
    assert not [link for link in links if not (page.parent / link).exists()]


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        ("```python\n>>> a = 1\n```\ntext\n```python\n>>> a + 1\n2\n```\n", 0, "2 blocks"),
        ("```python\n>>> 1 + 1\n3\n```\n", 1, "Got:\n    2"),
        ("```python\na = 1\n```\n```python\nassert a == 2\n```\n", 1, "AssertionError"),
        ("```python\nprint(2)\n```\n\n```output\n2\n```\n", 0, "1 blocks"),
        ("```python\nprint(2)\n```\n\n```output\n3\n```\n", 1, "where the page has"),
        ("```console\n$ make demo\n```\n", 0, "1 blocks"),
        ("```console\n$ layeralgebra no-such-command\n```\n", 1, "exit status"),
        ("```python needs=no_such_module\nassert False\n```\n", 0, "1 blocks"),
        ("```python skip\nassert False\n```\n", 1, "unknown option 'skip'"),
    ],
)
def test_wrong_markdown_is_found(text, status, said, tmp_path):
    path = tmp_path / "page.md"
    path.write_text(text, encoding="utf-8")
    made = run_markdown(path, tmp_path)
    assert made.returncode == status
    assert said in made.stdout + made.stderr


def test_what_markdown_leaves_out_is_said(tmp_path):
    path = tmp_path / "page.md"
    path.write_text("text\n```python needs=sys,no_such_module\nassert False\n```\n", encoding="utf-8")
    assert run_markdown(path, tmp_path, "--left-out").stdout == "page.md:2 needs no_such_module\n"


NOTEBOOKS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.py"))
LONG_NOTEBOOKS = ("accuracy",)


@pytest.fixture
def kernel_folders(tmp_path, monkeypatch):
    for variable in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "MPLCONFIGDIR"):
        monkeypatch.setenv(variable, str(tmp_path / variable.lower()))


def test_every_notebook_has_its_text():
    assert NOTEBOOKS == sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in LONG_NOTEBOOKS else []) for name in NOTEBOOKS]
)
def test_notebook(name, tmp_path, kernel_folders):
    """Its text runs from top to bottom, in a process without a kernel, and prints what the notebook shows."""
    for package in ("IPython", "matplotlib", "xarray", "scipy"):
        pytest.importorskip(package)
    if name == "capacity":
        pytest.importorskip("sklearn")
        pytest.importorskip("gudhi")
    command = [sys.executable, "-P", str(ROOT / "docs" / "notebooks.py"), "--check", name]
    made = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, env={**os.environ, "MPLBACKEND": "Agg"}
    )
    assert made.returncode == 0, made.stdout + made.stderr


def test_a_notebook_through_a_kernel(tmp_path, kernel_folders):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    notebook = nbformat.read(ROOT / "notebooks" / "tour.ipynb", as_version=4)
    # The last cell is ours: it shows that the kernel is this interpreter, not one that Jupyter found elsewhere.
    notebook.cells.append(nbformat.v4.new_code_cell("import sys; print(sys.executable)"))
    place = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(
        notebook, timeout=120, startup_timeout=120, kernel_name="python3", resources=place
    ).execute()
    assert notebook.cells[-1].outputs[0].text.strip() == sys.executable


def test_a_notebook_that_shows_something_else_is_noticed(tmp_path, monkeypatch):
    """Another number, another text, and a cell that fails; a number in its last digits is no difference."""
    pytest.importorskip("IPython")
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    import notebooks

    monkeypatch.setattr(notebooks, "FOLDER", tmp_path)

    def differences(text, shown):
        (tmp_path / "page.py").write_text(f"# %%\n{text}\n")
        made = notebooks.notebook("page")
        made["cells"][0]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": shown}]
        (tmp_path / "page.ipynb").write_text(json.dumps(made))
        return list(notebooks.differences("page"))

    assert not differences("print(0.1 + 0.2, 3)", "0.3 3\n")
    assert differences("print(0.1 + 0.2, 3)", "0.31 3\n") and differences("print(0.1 + 0.2, 3)", "0.3 4\n")
    with pytest.raises(ZeroDivisionError):
        differences("1 / 0", "")
    (tmp_path / "page.py").write_text("# %%\nprint(2)\n")
    assert "another text" in next(iter(notebooks.differences("page")))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_is_committed_whole(name):
    nbformat = pytest.importorskip("nbformat")
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    nbformat.validate(notebook)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    counts = [cell.execution_count for cell in cells]
    assert counts == list(range(1, len(cells) + 1)), "write its output with `make notebooks`, then commit"
    assert not [output for cell in cells for output in cell.outputs if output.output_type == "error"]
