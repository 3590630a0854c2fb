"""Run the benchmarks and print a Markdown table for each: ``python benchmarks/run.py [NAME ...] [--output FILE]``.

A benchmark is a file in this folder with a function ``main() -> list of rows``; a row is a dictionary from column to
value, and the first paragraph of the docstring is the heading. A benchmark that fails is reported in its place, and the
others still run; the exit status is then 1.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import sys
import time
import traceback
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).resolve().parent


def names() -> list[str]:
    """The benchmarks in this folder: files that define `main`, apart from this one and from helpers (``_name.py``)."""
    return sorted(
        path.stem
        for path in HERE.glob("[!_]*.py")
        if path.name != "run.py" and "\ndef main(" in path.read_text(encoding="utf-8")
    )


def load(name: str) -> ModuleType:
    """Import a benchmark from its file; benchmarks may import helpers that lie beside them."""
    if str(HERE) not in sys.path:
        sys.path.append(str(HERE))
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", HERE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def cell(value: object) -> str:
    """A value as text that cannot break the table."""
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text.replace("|", "\\|").replace("\n", " ")


def table(rows: Iterable[Mapping[str, object]]) -> str:
    """Rows as a Markdown table, with every column that any row has; numbers are aligned to the right.

    >>> print(table([{"n": 10, "tool": "a"}, {"n": 20.5}]))
    | n | tool |
    |---:|---|
    | 10 | a |
    | 20.5 |  |
    """
    rows = list(rows)
    columns = list(dict.fromkeys(column for row in rows for column in row))
    numeric = {column for column in columns if all(isinstance(row.get(column, 0), (int, float)) for row in rows)}
    lines = ["| " + " | ".join(map(cell, columns)) + " |"]
    lines.append("|" + "|".join("---:" if column in numeric else "---" for column in columns) + "|")
    lines += ["| " + " | ".join(cell(row.get(column, "")) for column in columns) + " |" for row in rows]
    return "\n".join(lines)


def machine() -> str:
    """What the figures were measured on."""
    versions = []
    for name in ("layeralgebra", "sympy", "numpy", "torch"):
        try:
            versions.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    return f"Python {platform.python_version()}, {', '.join(versions)}; {os.cpu_count()} cores, {platform.machine()}."


def heading(module: ModuleType) -> str:
    """The first paragraph of a benchmark's docstring, on one line."""
    return " ".join((module.__doc__ or module.__name__).strip().split("\n\n")[0].split())


def main() -> int:
    parser = argparse.ArgumentParser(description="run the benchmarks and print Markdown tables")
    parser.add_argument("name", nargs="*", help=f"which ones (default: all): {', '.join(names())}")
    parser.add_argument("--output", type=Path, help="write the tables to this file as well")
    asked = parser.parse_args()
    unknown = sorted(set(asked.name) - set(names()))
    if unknown:
        parser.error(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(names())}")
    parts = ["# Benchmarks", machine()]
    print(*parts, sep="\n\n", flush=True)
    failed = False
    for name in asked.name or names():
        start = time.perf_counter()
        try:
            module = load(name)
            part = f"## {name}\n\n{heading(module)}\n\n{table(module.main())}"
        except Exception:
            failed = True
            part = f"## {name}\n\nfailed:\n\n```text\n{traceback.format_exc()}```"
        part += f"\n\n({time.perf_counter() - start:.1f} s)"
        print("\n" + part, flush=True)
        parts.append(part)
    if asked.output:
        asked.output.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
