"""What a user's type checker says of his files: nothing where they are right, and the marked lines where they are wrong."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted((ROOT / "tests" / "typed").glob("*.py"))

pytest.importorskip("mypy")


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, int]]:
    """File and line of every error that one run of mypy finds; the packages are linked under their one name."""
    links = tmp_path_factory.mktemp("typed") / "layeralgebra"
    links.mkdir()
    for path in (ROOT / "layeralgebra").iterdir():
        if path.name != "__pycache__":
            (links / path.name).symlink_to(path)
    for folder in ("algebra", "layers", "proofs"):
        (links / folder).symlink_to(ROOT / folder)
    command = [sys.executable, "-P", "-m", "mypy", "--follow-imports=silent", "--cache-dir", str(ROOT / ".mypy_cache/users")]
    settings = ["--ignore-missing-imports"]
    made = subprocess.run(
        [*command, *settings, *map(str, FILES)], cwd=links.parent, capture_output=True, text=True, timeout=600
    )
    assert made.returncode in (0, 1), made.stdout + made.stderr
    found = re.findall(r"([a-z_]+\.py):(\d+): error: .*", made.stdout)
    return {(file, int(line)) for file, line in found}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_exactly_the_marked_lines_are_wrong(path: Path, complaints: set[tuple[str, int]]) -> None:
    marked = {k for k, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1) if "# error" in line}
    assert bool(marked) == path.stem.endswith("_wrong")
    assert {line for file, line in complaints if file == path.name} == marked
