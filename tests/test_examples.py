"""Every example is run: of docstrings, of Markdown files and of notebooks."""

from __future__ import annotations

import ast
import doctest
import importlib
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
#: Import names of what the extras bring. A module that cannot be imported for lack of one of them is skipped.
OPTIONAL = {"torch", "torchvision", "jax", "onnx", "xarray", "dask", "matplotlib", "scipy", "hypothesis", "z3", "cvc5"}
OPTIONAL |= {"symengine", "flint", "nbformat", "nbclient", "ipykernel", "ripser", "gudhi", "pandas", "pytest"}


def modules() -> dict[str, Path]:
    """Dotted name to file, for every module of every package in the package map."""
    folders = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-dir"]
    found = {}
    for package, folder in folders.items():
        for path in sorted((ROOT / folder).glob("*.py")):
            found[package if path.stem == "__init__" else f"{package}.{path.stem}"] = path
    return found


def docstrings(tree: ast.Module) -> list[tuple[str, str, int]]:
    """Name, text and first line of every docstring; read from the source, so that no decorator hides one."""
    found = []
    pending: list[tuple[str, ast.AST]] = [("", tree)]
    while pending:
        name, node = pending.pop()
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            name = f"{name}.{node.name}" if not isinstance(node, ast.Module) else name
            text = ast.get_docstring(node, clean=False)
            if text and ">>>" in text:
                found.append((name.lstrip("."), text, node.body[0].lineno - 1))
        pending += [(name, child) for child in ast.iter_child_nodes(node)]
    return sorted(found, key=lambda one: one[2])


def run_docstrings(source: str, name: str, path: str, namespace: dict[str, object]) -> tuple[int, list[str]]:
    """How many examples the docstrings hold, and what was said of those that failed."""
    count, said = 0, []
    for owner, text, line in docstrings(ast.parse(source)):
        label = f"{name}.{owner}".rstrip(".")
        test = doctest.DocTestParser().get_doctest(text, {**namespace, "__name__": "__main__"}, label, path, line)
        doctest.DocTestRunner(optionflags=FLAGS).run(test, out=said.append)
        count += len(test.examples)
    return count, said


def with_examples() -> list[str]:
    return [name for name, path in modules().items() if ">>>" in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("name", with_examples())
def test_docstrings(name, time_limit, tmp_path, monkeypatch):
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in OPTIONAL:
            pytest.skip(f"{name} needs {error.name}")
        raise
    path = modules()[name]
    monkeypatch.chdir(tmp_path)  # an example that writes a file writes it there
    with time_limit(120):
        _, said = run_docstrings(path.read_text(encoding="utf-8"), name, str(path), vars(module))
    assert not said, "".join(said)


def test_a_wrong_docstring_is_found():
    source = 'class A:\n    @property\n    def b(self):\n        """\n        >>> 1 + 1\n        3\n        >>> 2\n        2\n        """\n'
    count, said = run_docstrings(source, "m", "m.py", {})
    assert count == 2 and len(said) == 1
    assert 'File "m.py", line 5, in m.A.b' in said[0]


MARKDOWN = sorted(
    str(path.relative_to(ROOT))
    for pattern in ("*.md", "docs/**/*.md", "tests/*.md", "benchmarks/*.md", "notebooks/*.md")
    for path in ROOT.glob(pattern)
)


def run_markdown(path: Path, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", str(ROOT / "tests" / "markdown_examples.py"), str(path), *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240)


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


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        ("```python\n>>> a = 1\n```\ntext\n```python\n>>> a + 1\n2\n```\n", 0, "2 blocks"),
        ("```python\n>>> 1 + 1\n3\n```\n", 1, "Got:\n    2"),
        ("```python\na = 1\n```\n```python\nassert a == 2\n```\n", 1, "AssertionError"),
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


NOTEBOOKS = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook(name, tmp_path, monkeypatch):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    for variable in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "MPLCONFIGDIR"):
        monkeypatch.setenv(variable, str(tmp_path / variable.lower()))
    notebook = nbformat.read(ROOT / "notebooks" / name, as_version=4)
    nbformat.validate(notebook)
    # The last cell is ours: it shows that the kernel is this interpreter, not one that Jupyter found elsewhere.
    notebook.cells.append(nbformat.v4.new_code_cell("import sys; print(sys.executable)"))
    client = nbclient.NotebookClient(
        notebook, timeout=120, startup_timeout=120, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    assert notebook.cells[-1].outputs[0].text.strip() == sys.executable


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_is_committed_whole(name):
    nbformat = pytest.importorskip("nbformat")
    notebook = nbformat.read(ROOT / "notebooks" / name, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1)), "run it from top to bottom, then commit"
    assert not [output for cell in cells for output in cell.outputs if output.output_type == "error"]
