"""How many small errors do the tests notice? Mutants of the normal form, the equation analyser and the evaluator.

    python benchmarks/mutation.py --sample 20 --seed 1 [--module normal_form]

A mutant is the package with one change: a comparison or an arithmetic sign exchanged, a condition negated, a number off by one, a
return value or a statement left out. It is killed if one of the module's quick tests fails, or does not end in time. Mutants are
copies in a temporary folder; the sources stay as they are. Nothing else is installed: the tools for this expect a source folder with
the package's own layout, which this project does not have.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("algebra", "layers", "proofs")

#: Modules that are mutated, with the quick tests that are to notice.
MODULES = {
    "normal_form": ("algebra/normal_form.py", ["tests/test_normal_form.py"]),
    "analyser": ("algebra/elaborate.py", ["tests/test_layers.py", "tests/test_errors.py"]),
    "evaluator": ("algebra/evaluator.py", ["tests/test_composition.py", "tests/test_errors.py"]),
}

_COMPARISONS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_SIGNS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.FloorDiv: ast.Mult, ast.Div: ast.Mult, ast.Mod: ast.Mult}


def mutants(text: str) -> Iterator[tuple[int, str, str]]:
    """Line, description and text of every mutant of a module."""
    places = len(list(ast.walk(ast.parse(text))))
    for place in range(places):
        for choice in range(2):
            tree = ast.parse(text)
            node = list(ast.walk(tree))[place]
            done = _change(tree, node, choice)
            if done:
                yield getattr(node, "lineno", 0), done, ast.unparse(ast.fix_missing_locations(tree))


def _change(tree: ast.AST, node: ast.AST, choice: int) -> str:
    """Change one node in place, and say what was done; nothing where there is nothing to change."""
    if choice == 1:
        if isinstance(node, (ast.If, ast.IfExp, ast.While)):
            node.test = ast.UnaryOp(ast.Not(), node.test)
            return "condition negated"
        if isinstance(node, ast.Return) and node.value is not None and not isinstance(node.value, ast.Constant):
            node.value = ast.Constant(None)
            return "returns None"
        return ""
    if isinstance(node, ast.Compare) and type(node.ops[0]) in _COMPARISONS:
        old = type(node.ops[0])
        node.ops[0] = _COMPARISONS[old]()
        return f"{old.__name__} to {_COMPARISONS[old].__name__}"
    if isinstance(node, ast.BinOp) and type(node.op) in _SIGNS:
        old = type(node.op)
        node.op = _SIGNS[old]()
        return f"{old.__name__} to {_SIGNS[old].__name__}"
    if isinstance(node, ast.BoolOp):
        node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        return "and exchanged with or"
    if isinstance(node, ast.Constant) and isinstance(node.value, (bool, int)):
        node.value = not node.value if isinstance(node.value, bool) else node.value + 1
        return f"constant to {node.value}"
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        node.value = ast.Constant(None)
        return "call left out"
    return ""


def package(folder: Path) -> Path:
    """A copy of the package in the layout that it has when it is installed, found before any other one."""
    skip = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "layeralgebra", folder / "layeralgebra", ignore=skip)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / "layeralgebra" / name, ignore=skip)
    shutil.copytree(ROOT / "tests", folder / "tests", ignore=skip)
    (folder / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text(encoding="utf-8"), encoding="utf-8")
    return folder


def passes(folder: Path, tests: list[str], seconds: float) -> bool | None:
    """Whether the tests pass on the copy; None if they did not end in time."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}
    command = [sys.executable, "-P", "-m", "pytest", "-x", "-q", "--no-header", "-p", "no:cacheprovider", *tests]
    try:
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return None
    return done.returncode == 0


def command() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sample", type=int, default=20, help="mutants of each module")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--module", choices=sorted(MODULES), action="append")
    asked = parser.parse_args()
    print("| module | mutants | tried | killed | not in time | survived |\n|---|---|---|---|---|---|")
    survivors: list[str] = []
    for name in asked.module or MODULES:
        path, tests = MODULES[name]
        with tempfile.TemporaryDirectory() as place:
            folder = package(Path(place))
            target = folder / "layeralgebra" / path
            text = target.read_text(encoding="utf-8")
            began = time.perf_counter()
            if passes(folder, tests, 1200) is not True:
                print(f"the tests of {name} fail before anything is changed", file=sys.stderr)
                return 1
            limit = 3 * (time.perf_counter() - began) + 20
            everything = [one for one in mutants(text) if one[2] != ast.unparse(ast.parse(text))]
            chosen = random.Random(asked.seed).sample(everything, min(asked.sample, len(everything)))
            killed = late = 0
            for line, done, changed in chosen:
                target.write_text(changed, encoding="utf-8")
                answer = passes(folder, tests, limit)
                killed += answer is not True
                late += answer is None
                if answer:
                    survivors.append(f"{path}:{line}: {done}: {text.splitlines()[line - 1].strip() if line else ''}")
            print(f"| {name} | {len(everything)} | {len(chosen)} | {killed} | {late} | {len(chosen) - killed} |", flush=True)
    print("\n".join(["", "Survivors:", *survivors] if survivors else ["", "No survivors."]))
    return 0


if __name__ == "__main__":
    sys.exit(command())
