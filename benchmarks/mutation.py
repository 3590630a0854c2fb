"""How many small errors do the tests notice? Mutants of the whole engine, package by package.

    python benchmarks/mutation.py --sample 100 --seed 1 [--group evaluator] [--at algebra/sizes/signs.py:120]
    python benchmarks/mutation.py --group capacity --tests check structural_laws    # what the laws alone notice

A mutant is the package with one change: a comparison or an arithmetic sign exchanged, a condition negated, a number off by one, a
return value or a statement left out. It is killed if a test fails, or does not end in time or within the memory allowed. The tests
are those of the group's files that reach the changed statement, cheapest first, for as many seconds as `--seconds` says; which
these are is found by one traced run of all of them beforehand.

Interpreter and libraries are loaded once, and every mutant is a fork of that process, in which the changed syntax tree takes the
place of the module when it is imported from a copy of the sources. The sources themselves stay as they are. Only POSIX systems
fork. The tools for this (mutmut, cosmic-ray) expect a source folder with the package's own layout, which this project does not have.

What is not changed, because no test could or should see it: annotations, code for type checkers, `assert`, decorators, the text of
messages and representations, and numbers named ``..._BUDGET`` and comparisons with them, which say how much work is allowed and not
what is true. Survivors that were found to do the same as the original are listed in ``mutation.md``; they count as survivors, and are
left out of the last column only.
"""

from __future__ import annotations

import argparse
import ast
import builtins
import functools
import json
import os
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("algebra", "layers", "proofs")
#: Survivors that were looked at and do what the original does.
REVIEWED = ROOT / "benchmarks" / "mutation.md"
#: Bytes of address space that a mutant may use.
MEMORY = 4 << 30

#: What is mutated (files and packages of the engine), and the quick test files that are to notice.
GROUPS: dict[str, tuple[list[str], list[str]]] = {
    "normal form": (["sizes"], ["normal_form", "summation", "solve", "evaluate", "composition"]),
    "formulas": (["formulas"], ["formula", "latex", "evaluate", "zaslavsky", "printed", "composition"]),
    "equation analyser": (
        ["equations/*.py"],
        ["errors", "equations", "language", "layers", "composition", "evaluator", "size_conditions"],
    ),
    "receptive fields": (
        ["equations/reach", "equations/receptive_field.py", "metrics/receptive_field.py"],
        ["check", "structural_laws", "reach", "reach_gates", "reach_index_sets", "windows"],
    ),
    "evaluator": (
        ["networks", "derivations"],
        ["evaluator", "composition", "composition_node", "deep_nesting", "errors", "equations", "evaluate", "latex"],
    ),
    "regions and cuts": (
        ["regions", "metrics/linear_regions.py", "metrics/layer_complexity.py", "metrics/intrinsic_power.py", "metrics/vc_dimension.py"],
        ["check", "structural_laws", "counted_regions", "regions", "histogram", "cuts", "vertex_cuts_sums", "repetition", "transfer",
         "complexity", "intrinsic_power", "weight_degrees", "vc", "vc_dimension"],
    ),
    "capacity": (
        ["capacity", "linear"],
        ["check", "structural_laws", "capacity_exact", "capacity_structures", "capacity_allocation", "capacity_network", "capacity_scaling",
         "capacity_propagation", "propagation_network", "propagation_random"],
    ),
    "topology": (["topology"], ["topology_homology", "topology_network"]),
    "compilation": (["compilation"], ["compile", "operation", "gradient", "evaluate"]),
    "numbers": (["numerics", "solving", "sweeps"], ["run", "solve", "optimize", "sweep", "evaluate"]),
}  # fmt: skip

_COMPARISONS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_SIGNS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.FloorDiv: ast.Mult, ast.Div: ast.Mult, ast.Mod: ast.Mult,
    ast.Pow: ast.Mult, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
}  # fmt: skip
_CALLS = {"any": "all", "all": "any", "min": "max", "max": "min"}
#: Functions that only word a message, and methods that only make one.
_WORDING = {"__repr__", "__str__", "_repr_latex_", "short", "shown", "_mismatch", "_shape_text"}
_MESSAGES = {"fail", "_error", "error", "refuse"}


# mutants -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Mutant:
    """One change: the module, the place of the node in the walk of its tree, which change, and the line of the statement."""

    path: str
    place: int
    change: int
    line: int
    statement: int
    words: str


def _changes(node: ast.AST) -> list[tuple[str, Callable[[], None]]]:
    """What can be changed at a node: in words, and as a function that does it in place."""
    found: list[tuple[str, Callable[[], None]]] = []

    def put(words: str, **values: Any) -> None:
        found.append((words, lambda: [setattr(node, name, value) for name, value in values.items()] and None))

    if isinstance(node, ast.Compare) and type(node.ops[0]) in _COMPARISONS:
        old = type(node.ops[0])
        put(f"{old.__name__} to {_COMPARISONS[old].__name__}", ops=[_COMPARISONS[old](), *node.ops[1:]])
    if isinstance(node, (ast.BinOp, ast.AugAssign)) and type(node.op) in _SIGNS:
        old = type(node.op)
        put(f"{old.__name__} to {_SIGNS[old].__name__}", op=_SIGNS[old]())
    if isinstance(node, ast.BoolOp):
        put("and exchanged with or", op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
    if isinstance(node, ast.Constant) and isinstance(node.value, (bool, int)):
        new = not node.value if isinstance(node.value, bool) else node.value + 1
        put(f"{node.value} to {new}", value=new)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub)):
        put(f"{type(node.op).__name__} left out", op=ast.UAdd()) if isinstance(node.op, ast.USub) else put(
            "not left out", operand=ast.UnaryOp(ast.Not(), node.operand)
        )
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CALLS:
        put(f"{node.func.id} to {_CALLS[node.func.id]}", func=ast.Name(_CALLS[node.func.id], ast.Load()))
    if isinstance(node, (ast.If, ast.IfExp, ast.While)):
        put("condition negated", test=ast.UnaryOp(ast.Not(), node.test))
    if isinstance(node, ast.comprehension) and node.ifs:
        put("condition negated", ifs=[ast.UnaryOp(ast.Not(), node.ifs[0]), *node.ifs[1:]])
    if isinstance(node, ast.Return) and node.value is not None and not isinstance(node.value, ast.Constant):
        put("returns None", value=ast.Constant(None))
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        for at, statement in enumerate(block if isinstance(block, list) else []):
            new = _instead(statement)
            if new is not None:
                words = {ast.Continue: "break to continue", ast.Break: "continue to break"}.get(type(new), "left out")
                found.append((f"{words}@{statement.lineno}", functools.partial(block.__setitem__, at, new)))
    return found


def _instead(statement: ast.stmt) -> ast.stmt | None:
    """What stands in place of a statement that is left out."""
    if isinstance(statement, ast.Break):
        return ast.Continue()
    if isinstance(statement, ast.Continue):
        return ast.Break()
    called = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
    return ast.Pass() if called or isinstance(statement, (ast.AugAssign, ast.Raise, ast.Delete)) else None


def _left_alone(node: ast.AST, parent: ast.AST, field: str) -> bool:
    """Whether a node and all below it stay as they are; the module says which."""
    if field in ("annotation", "returns", "decorator_list") or isinstance(node, (ast.Assert, ast.JoinedStr)):
        return True
    if isinstance(parent, ast.UnaryOp) and isinstance(parent.op, ast.USub) and isinstance(node, ast.Constant):
        return True  # a negative number is changed by its sign
    if isinstance(node, ast.Compare) and any(
        isinstance(n, ast.Name) and n.id.endswith("BUDGET") for n in ast.walk(node)
    ):
        return True
    if isinstance(parent, ast.Raise) or (isinstance(node, ast.keyword) and node.arg == "strict"):
        return True
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return True
    if isinstance(node, ast.FunctionDef) and node.name in _WORDING:
        return True
    if isinstance(parent, ast.Call) and field == "args":
        called = parent.func
        name = called.id if isinstance(called, ast.Name) else called.attr if isinstance(called, ast.Attribute) else ""
        joined = name == "join" and isinstance(called, ast.Attribute) and isinstance(called.value, ast.Constant)
        if name in _MESSAGES or joined or (name == "isinstance" and node is parent.args[1]):
            return True
    if isinstance(parent, ast.Module) and isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        union = isinstance(node.value, ast.BinOp) and isinstance(node.value.op, ast.BitOr)
        return union or node.targets[0].id.endswith("BUDGET")
    return False


def _places(tree: ast.Module) -> Iterator[tuple[int, ast.AST, int]]:
    """Every node that may change, with its place in the walk and the line of the statement that it stands in."""
    numbers = {id(node): place for place, node in enumerate(ast.walk(tree))}
    pending: list[tuple[ast.AST, int]] = [(tree, 1)]
    while pending:
        node, line = pending.pop()
        line = node.lineno if isinstance(node, ast.stmt) else line
        yield numbers[id(node)], node, line
        for field, value in ast.iter_fields(node):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST) and not _left_alone(child, node, field):
                    pending.append((child, line))


def mutants(path: str, text: str) -> list[Mutant]:
    """All mutants of a module, in the order of their lines."""
    found = []
    for place, node, statement in _places(ast.parse(text)):
        for change, (words, _) in enumerate(_changes(node)):
            words, _, at = words.partition("@")
            line = int(at or getattr(node, "lineno", 0) or getattr(getattr(node, "target", None), "lineno", 0))
            found.append(Mutant(path, place, change, line, int(at or statement), words))
    return sorted(found, key=lambda one: (one.line, one.place, one.change))


def mutated(mutant: Mutant, text: str) -> ast.Module:
    """The syntax tree of a module with one change."""
    tree = ast.parse(text)
    node = next(node for place, node in enumerate(ast.walk(tree)) if place == mutant.place)
    _changes(node)[mutant.change][1]()
    return ast.fix_missing_locations(tree)


# runs ----------------------------------------------------------------------------------------------------------------


def package(folder: Path) -> None:
    """A copy of the package in the layout that it has when it is installed, found before any other one."""
    skip = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "layeralgebra", folder / "layeralgebra", ignore=skip)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / "layeralgebra" / name, ignore=skip)
    shutil.copytree(ROOT / "tests", folder / "tests", ignore=skip)
    shutil.copy(ROOT / "pyproject.toml", folder)


def prepare(folder: Path) -> None:
    """Load what every run needs, but nothing of the package, and let hypothesis draw the same few examples without shrinking."""
    os.environ.update(LAYERALGEBRA_PROFILE="mutation", OPENBLAS_NUM_THREADS="1")
    import hypothesis
    import hypothesis.extra.numpy
    import networkx
    import numpy
    import pytest
    import sympy

    assert all((networkx, numpy, pytest, sympy))
    hypothesis.settings.register_profile(
        "mutation", max_examples=20, derandomize=True, deadline=None, database=None, report_multiple_bugs=False,
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate], suppress_health_check=list(hypothesis.HealthCheck),
    )  # fmt: skip
    sys.path.insert(0, str(folder))
    os.chdir(folder)


def forked(work: Callable[[], int], seconds: float) -> int | None:
    """The exit status of some work in a process of its own; None if it did not end in time."""
    child = os.fork()
    if child == 0:
        status = 99
        try:
            os.setpgid(0, 0)
            nowhere = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(nowhere, stream)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            status = work()
        finally:
            os._exit(status)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def pytest_run(files: list[str], plugin: object) -> int:
    import pytest

    return int(pytest.main(["-x", "-q", "--no-header", "-p", "no:cacheprovider", *files], plugins=[plugin]))


def marked(path: str, text: str) -> ast.Module:
    """The syntax tree of a module in which every statement first says that it is reached."""
    tree = ast.parse(text)
    for node in list(ast.walk(tree)):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if not isinstance(block, list):
                continue
            made: list[ast.stmt] = []
            for statement in block:
                first = not made and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
                if not first and not (isinstance(statement, ast.ImportFrom) and statement.module == "__future__"):
                    said = ast.Call(
                        ast.Name("__reached__", ast.Load()), [ast.Constant(path), ast.Constant(statement.lineno)], []
                    )
                    made.append(ast.copy_location(ast.Expr(said), statement))
                made.append(statement)
            setattr(node, name, made)
    return ast.fix_missing_locations(tree)


class Recorder:
    """Which statements of the mutated modules each test reaches, and how long it takes."""

    def __init__(self, answer: Path):
        self.answer = answer
        self.lines: set[tuple[str, int]] = set()
        self.found: dict[str, dict[str, Any]] = {}
        builtins.__reached__ = lambda path, line: self.lines.add((path, line))  # type: ignore[attr-defined]

    def keep(self, name: str, seconds: float) -> None:
        self.found[name] = {"seconds": seconds, "lines": sorted(self.lines)}
        self.lines.clear()

    def pytest_collection_finish(self, session: Any) -> None:
        self.keep("", 0.0)  # what importing the package reaches

    def pytest_runtest_setup(self, item: Any) -> None:
        for name, module in list(sys.modules.items()):
            if name.startswith("layeralgebra."):
                for kept in list(vars(module).values()):
                    if isinstance(kept, functools._lru_cache_wrapper):
                        kept.cache_clear()  # a value remembered from an earlier test would hide what this one reaches
        self.began = time.perf_counter()

    def pytest_runtest_teardown(self, item: Any) -> None:
        self.keep(item.nodeid, time.perf_counter() - self.began)

    def pytest_sessionfinish(self, session: Any) -> None:
        self.answer.write_text(json.dumps(self.found), encoding="utf-8")


def put_in_place(codes: dict[str, CodeType]) -> None:
    """Let these take the places of the modules with their paths when they are imported."""
    loaded = SourceFileLoader.get_code

    def get_code(loader: SourceFileLoader, fullname: str) -> Any:
        return codes[loader.path] if loader.path in codes else loaded(loader, fullname)

    SourceFileLoader.get_code = get_code  # type: ignore[method-assign, assignment]


class Chosen:
    """Runs some tests only, in a given order, and notes the one that fails."""

    def __init__(self, order: list[str], answer: Path):
        self.rank = {name: place for place, name in enumerate(order)}
        self.answer = answer

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items[:] = sorted((item for item in items if item.nodeid in self.rank), key=lambda item: self.rank[item.nodeid])

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.answer.write_text(report.nodeid, encoding="utf-8")


def _files(places: list[str]) -> list[str]:
    """The modules of the engine that are named, or lie in a package that is."""
    engine, found = ROOT / FOLDERS[0], set()
    for place in places:
        files = [*engine.glob(place)] if place.endswith(".py") else [*(engine / place).rglob("*.py")]
        if not files:
            raise SystemExit(f"nothing in {engine} is named {place}")
        found |= {file.relative_to(ROOT).as_posix() for file in files if file.name != "__init__.py"}
    return sorted(found)


class Laboratory:
    """A copy of the package, what its tests reach, and which of them killed before."""

    def __init__(self, folder: Path, modules: list[str], tests: list[str], seconds: float):
        self.folder, self.seconds, self.answer = folder, seconds, folder / "answer"
        self.tests = [f"tests/test_{name}.py" for name in tests if (folder / "tests" / f"test_{name}.py").exists()]
        self.texts = {path: (folder / "layeralgebra" / path).read_text(encoding="utf-8") for path in _files(modules)}
        self.kills: Counter[str] = Counter()
        self.reached: dict[str, dict[str, Any]] = {}

    def _compiled(self, path: str, tree: ast.Module) -> tuple[str, CodeType]:
        place = str(self.folder / "layeralgebra" / path)
        return place, compile(tree, place, "exec")

    def record(self) -> None:
        """The run of everything on the unchanged package."""
        codes = dict(self._compiled(path, marked(path, text)) for path, text in self.texts.items())

        def work() -> int:
            put_in_place(codes)
            return pytest_run(self.tests, Recorder(self.answer))

        status = forked(work, 1800)
        if status != 0:
            raise SystemExit(f"the tests {', '.join(self.tests)} fail before anything is changed (status {status})")
        self.reached = json.loads(self.answer.read_text(encoding="utf-8"))
        for found in self.reached.values():
            found["lines"] = {tuple(pair) for pair in found["lines"]}
        slowest = sum(found["seconds"] for found in self.reached.values())
        print(f"{len(self.reached) - 1} tests, {slowest:.0f} s", file=sys.stderr, flush=True)

    def order(self, mutant: Mutant) -> list[str]:
        """The tests that reach a mutant, those first that find most in least time, as many as the time allows."""
        where = (mutant.path, mutant.statement)
        everywhere = where in self.reached[""]["lines"]
        names = [n for n, found in self.reached.items() if n and (everywhere or where in found["lines"])]
        seconds = {name: self.reached[name]["seconds"] for name in names}
        names.sort(
            key=lambda name: (
                where not in self.reached[name]["lines"],
                -self.kills[name] / (seconds[name] + 0.1),
                seconds[name],
            )
        )
        chosen, total = [], 0.0
        for name in names:
            if total + seconds[name] <= self.seconds:
                chosen.append(name)
                total += seconds[name]
        return chosen

    def kill(self, mutant: Mutant) -> str:
        """What killed a mutant: a test, ``"time"``, ``"import"``; or nothing."""
        order = self.order(mutant)
        if not order:
            return ""
        path, code = self._compiled(mutant.path, mutated(mutant, self.texts[mutant.path]))
        files = [file for file in self.tests if any(name.startswith(file + "::") for name in order)]
        self.answer.write_text("", encoding="utf-8")

        def work() -> int:
            put_in_place({path: code})
            return pytest_run(files, Chosen(order, self.answer))

        status = forked(work, 3 * sum(self.reached[name]["seconds"] for name in order) + 10)
        if status is None:
            return "time"
        if status == 0:
            return ""
        failed = self.answer.read_text(encoding="utf-8")
        self.kills[failed] += 1
        return failed or "import"


def described(mutant: Mutant, text: str, *, numbered: bool = True) -> str:
    """A mutant in words: where, what, and the line; with `numbered`, the number of the line too."""
    source = text.splitlines()[mutant.line - 1].strip() if mutant.line else ""
    return f"{mutant.path}{f':{mutant.line}' if numbered else ''}: {mutant.words}: `{source}`"


def command() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sample", type=int, default=100, help="mutants of each group")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=20, help="how long the tests of one mutant may take")
    parser.add_argument("--group", choices=sorted(GROUPS), action="append")
    parser.add_argument(
        "--at",
        action="append",
        help="all mutants of this line (algebra/sizes/signs.py:120) or module instead of a sample",
    )
    parser.add_argument("--tests", nargs="+", help="these test files only, as in `check structural_laws`")
    parser.add_argument("--again", type=Path, help="the survivors that an earlier output lists, instead of a sample")
    parser.add_argument("--verbose", action="store_true", help="say for every mutant what killed it")
    asked = parser.parse_args()
    same = REVIEWED.read_text(encoding="utf-8").splitlines() if REVIEWED.exists() else []
    table = [
        "| group | mutants | tried | killed | of them out of time | survived | kill rate | the same in effect | killed of the others |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    survivors: list[str] = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        package(folder)
        prepare(folder)
        for group in asked.group or GROUPS:
            laboratory = Laboratory(folder, GROUPS[group][0], asked.tests or GROUPS[group][1], asked.seconds)
            everything = [one for path, text in laboratory.texts.items() for one in mutants(path, text)]
            if asked.again:
                listed = re.sub(
                    r"(?m)^(- \S+?):\d+: ", r"\1: ", asked.again.read_text(encoding="utf-8")
                )  # lines may have moved
                chosen = [
                    one
                    for one in everything
                    if f"- {described(one, laboratory.texts[one.path], numbered=False)}" in listed
                ]
                if not chosen:
                    continue
            elif asked.at:
                chosen = [one for one in everything if {one.path, f"{one.path}:{one.line}"} & set(asked.at)]
                if not chosen:
                    continue
            else:
                chosen = random.Random(f"{asked.seed} {group}").sample(everything, min(asked.sample, len(everything)))
            laboratory.record()
            killed = late = alike = 0
            for one in chosen:
                killer = laboratory.kill(one)
                killed, late = killed + bool(killer), late + (killer == "time")
                said = described(one, laboratory.texts[one.path])
                if not killer:
                    reviewed = f"- {described(one, laboratory.texts[one.path], numbered=False)}" in same
                    alike += reviewed
                    known = (
                        " (the same in effect)"
                        if reviewed
                        else ""
                        if laboratory.order(one)
                        else " (reached by no test)"
                    )
                    survivors.append(said + known)
                if asked.verbose or not killer:
                    print(f"{killer or 'SURVIVED'}: {said}", file=sys.stderr, flush=True)
            rates = [f"{100 * killed / max(1, number):.1f} %" for number in (len(chosen), len(chosen) - alike)]
            counts = [len(everything), len(chosen), killed, late, len(chosen) - killed, rates[0], alike, rates[1]]
            table.append(" | ".join([f"| {group}", *map(str, counts)]) + " |")
    print("\n".join(table))
    print("\n".join(["", "Survivors:", "", *(f"- {one}" for one in survivors)] if survivors else ["", "No survivors."]))
    return 0


if __name__ == "__main__":
    sys.exit(command())
