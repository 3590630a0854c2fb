"""What a user's type checker says of his files: nothing where they are right, and the marked lines where they are wrong."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from markdown_examples import blocks

ROOT = Path(__file__).resolve().parents[1]
FILES = {path.stem: path for path in sorted((ROOT / "tests" / "typed").glob("*.py"))}

# What users' files are checked against is ours; other libraries count as untyped here, since their stubs take a minute to read.
#: Pages whose examples are a user's file each.
PAGES = {"readme": "README.md", "guide": "docs/guide.md"}
MYPY = """
[mypy]
follow_imports = silent
ignore_missing_imports = True
[mypy-dask.*,distributed.*,jax.*,keras.*,matplotlib.*,networkx.*,numpy.*,onnx.*,pandas.*,scipy.*,torch.*,xarray.*]
follow_imports = skip
"""
Errors = set[tuple[str, int]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a user: his files, the README's blocks, and the packages linked under their one name."""
    folder = tmp_path_factory.mktemp("typed")
    package = folder / "layeralgebra"
    package.mkdir()
    ours = [path for path in (ROOT / "layeralgebra").iterdir() if path.name != "__pycache__"]
    for path in (*ours, ROOT / "algebra", ROOT / "layers", ROOT / "proofs"):
        (package / path.name).symlink_to(path)
    for path in FILES.values():
        (folder / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    for name, page in PAGES.items():
        text = (ROOT / page).read_text(encoding="utf-8")
        examples = [part.body for part in blocks(text) if part.language == "python" and ">>>" not in part.body]
        assert examples
        (folder / f"{name}.py").write_text("\n".join(examples), encoding="utf-8")
    (folder / "mypy.ini").write_text(MYPY, encoding="utf-8")
    (folder / "pyrightconfig.json").write_text('{"typeCheckingMode": "basic"}', encoding="utf-8")
    return folder


def _checked(folder: Path, module: str, *options: str) -> str:
    """What one run of a checker over the user's files prints."""
    files = sorted(path.name for path in folder.glob("*.py"))
    command = [sys.executable, "-P", "-m", module, *options, *files]
    made = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=280)
    assert made.returncode in (0, 1), made.stdout + made.stderr
    return made.stdout


@pytest.fixture(scope="module")
def mypy(folder: Path) -> Errors:
    pytest.importorskip("mypy")
    said = _checked(folder, "mypy", "--config-file", "mypy.ini", "--cache-dir", str(ROOT / ".mypy_cache" / "users"))
    return {(file, int(line)) for file, line in re.findall(r"^(\w+)\.py:(\d+): error: ", said, re.MULTILINE)}


@pytest.fixture(scope="module")
def pyright(folder: Path) -> Errors:
    pytest.importorskip("pyright")
    found = json.loads(_checked(folder, "pyright", "--outputjson"))["generalDiagnostics"]
    return {(Path(one["file"]).stem, one["range"]["start"]["line"] + 1) for one in found if one["severity"] == "error"}


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
@pytest.mark.parametrize("name", [*FILES, *PAGES])
def test_exactly_the_marked_lines_are_wrong(
    name: str, checker: str, folder: Path, request: pytest.FixtureRequest
) -> None:
    lines = (folder / f"{name}.py").read_text(encoding="utf-8").splitlines()
    marked = {number for number, line in enumerate(lines, start=1) if line.endswith("# error")}
    assert bool(marked) == name.endswith("_wrong")
    assert {line for file, line in request.getfixturevalue(checker) if file == name} == marked
