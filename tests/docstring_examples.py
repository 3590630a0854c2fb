"""Run the examples of docstrings: ``python tests/docstring_examples.py layeralgebra.algebra.sizes.dims=algebra/dims.py ...``.

All of them run in one process of their own, so that the layers, metrics and laws that examples define do not reach the
registries of the process that runs the tests. The docstrings are read from the source: no decorator hides one. A module
that cannot be imported because a package is absent is reported as such. Prints one JSON object: for each module the
number of examples, what was said of those that failed, and the package that it lacks.
"""

from __future__ import annotations

import ast
import doctest
import importlib
import json
import sys
import traceback
from pathlib import Path
from typing import Any

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def docstrings(tree: ast.Module) -> list[tuple[str, str, int]]:
    """Name, text and line (counted from 0) of every docstring that holds examples, in the order of the source.

    What a metric is given as its documentation is a docstring too.
    """
    found = []
    pending: list[tuple[str, ast.AST]] = [("", tree)]
    while pending:
        name, node = pending.pop()
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            name = f"{name}.{node.name}" if not isinstance(node, ast.Module) else name
            text = ast.get_docstring(node, clean=False)
            if text and ">>>" in text:
                found.append((name.lstrip("."), text, node.body[0].lineno - 1))
        if isinstance(node, ast.keyword) and node.arg == "documentation" and isinstance(node.value, ast.Constant):
            found.append((f"{name}.documentation".lstrip("."), str(node.value.value), node.value.lineno - 1))
        pending += [(name, child) for child in ast.iter_child_nodes(node)]
    return sorted(found, key=lambda one: one[2])


def run_docstrings(source: str, name: str, path: str, namespace: dict[str, Any]) -> tuple[int, list[str]]:
    """How many examples the docstrings hold, and what was said of those that failed."""
    count, said = 0, []
    for owner, text, line in docstrings(ast.parse(source)):
        label = f"{name}.{owner}".rstrip(".")
        test = doctest.DocTestParser().get_doctest(text, {"__name__": "__main__", **namespace}, label, path, line)
        doctest.DocTestRunner(optionflags=FLAGS).run(test, out=said.append)
        count += len(test.examples)
    return count, said


def examine(name: str, path: str) -> dict[str, Any]:
    """Import a module and run its examples."""
    try:
        namespace = vars(importlib.import_module(name))
    except ModuleNotFoundError as error:
        return {"count": 0, "said": [traceback.format_exc()], "lacks": error.name}
    except Exception:
        return {"count": 0, "said": [traceback.format_exc()], "lacks": None}
    count, said = run_docstrings(Path(path).read_text(encoding="utf-8"), name, path, namespace)
    return {"count": count, "said": said, "lacks": None}


def main() -> None:
    report = {}
    for argument in sys.argv[1:]:
        name, _, path = argument.partition("=")
        print(name, file=sys.stderr, flush=True)  # the last line tells where it was if it is stopped
        report[name] = examine(name, path)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
