"""No builder compares a size in Python: a symbol equals no number there, so that one side would be taken unnoticed.

Sizes are compared by `equal`, `at_least` and their like, whose answers are relations, and `choice` keeps both sides.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ZOO = Path(__file__).parent.parent / "layers" / "zoo"
BUILDERS = [*sorted(ZOO.glob("*.py")), ZOO.parent / "compositions.py"]
KNOWN_TO_BE_NUMBERS = {"int", "bool", "str", "float", "Network", "str | None"}
COMPARED = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE)
NUMBERS = {"len", "type", "range", "isinstance", "int", "float"}
"""Calls that answer with a number or a type, or fail."""


def names(node: ast.AST) -> set[str]:
    """Those whose value an expression shows, apart from what it only counts."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in NUMBERS:
        return set()
    own = {node.id} if isinstance(node, ast.Name) else set()
    return own.union(*map(names, ast.iter_child_nodes(node)))


def bound(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr | None]]:
    """The names of an assignment or a loop with what they come from; None for the number of a turn."""
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and isinstance(target, (ast.Tuple, ast.List)):
        if value.func.id == "enumerate":
            yield from ((name, None) for name in names(target.elts[0]))
            yield from bound(target.elts[1], value.args[0])
            return
        if value.func.id == "zip" and len(value.args) == len(target.elts):
            for one, source in zip(target.elts, value.args):
                yield from bound(one, source)
            return
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        for one, source in zip(target.elts, value.elts):
            yield from bound(one, source)
        return
    held = target.value if isinstance(target, (ast.Subscript, ast.Attribute)) else target
    yield from ((name, value) for name in names(held))


def sizes_in(function: ast.FunctionDef) -> set[str]:
    """The names of a function that may hold a symbol: parameters that may, and what is made of them."""
    given = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    found = {
        one.arg
        for one in given
        if one.annotation is None or ast.unparse(one.annotation).strip("\"'") not in KNOWN_TO_BE_NUMBERS
    }
    pairs: list[tuple[str, ast.expr | None]] = []
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            pairs += [pair for target in node.targets for pair in bound(target, node.value)]
        elif isinstance(node, (ast.For, ast.comprehension)):
            pairs += bound(node.target, node.iter)
    while more := {name for name, value in pairs if value is not None and names(value) & found} - found:
        found |= more
    return found


def offences(source: str) -> list[str]:
    """The comparisons of sizes in a module that decide what Python does."""
    found = []
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef):
            continue
        sizes = sizes_in(function)
        asked = [
            node.test for node in ast.walk(function) if isinstance(node, (ast.If, ast.IfExp, ast.While, ast.Assert))
        ]
        asked += [test for node in ast.walk(function) if isinstance(node, ast.comprehension) for test in node.ifs]
        for test in asked:
            checked = {
                name
                for node in ast.walk(test)
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance"
                for name in {part.id for part in ast.walk(node.args[0]) if isinstance(part, ast.Name)}
            }
            for node in ast.walk(test):
                if isinstance(node, ast.Compare) and any(isinstance(kind, COMPARED) for kind in node.ops):
                    words = any(
                        isinstance(part, ast.Constant) and isinstance(part.value, str) for part in ast.walk(node)
                    )
                    if not words and names(node) & sizes - checked:
                        found.append(f"line {node.lineno}: {ast.unparse(node)}")
    return found


@pytest.mark.parametrize("path", BUILDERS, ids=lambda path: path.stem)
def test_no_builder_compares_a_size_in_python(path: Path) -> None:
    assert offences(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "body",
    [
        "    if width == 8: pass",
        "    inner = 2*width\n    return 1 if inner != 16 else 2",
        "    for number, (one, two) in enumerate(zip([width], [3])):\n        while one < 4: pass",
        "    return [part for part in width if part == 1]",
    ],
)
def test_an_offence_is_found(body: str) -> None:
    assert len(offences(f"def build(width: Any, levels: int):\n{body}\n")) == 1


@pytest.mark.parametrize(
    "body", ["    if levels == 8: pass", "    if len(width) == 4: pass", "    if width is None: pass"]
)
def test_what_is_a_number_is_no_offence(body: str) -> None:
    assert offences(f"def build(width: Any, levels: int):\n{body}\n") == []
