"""Shapes of inputs that fit together because they share letters: what an equation calls by one letter has one size.

>>> from hypothesis import find
>>> from layeralgebra import CrossAttention
>>> find(shapes_by_letters(CrossAttention, {"heads": 1}), lambda shapes: True)
((1, 1), (1, 1))
"""

from __future__ import annotations

import ast
import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

from ...algebra.equations.syntax import ParsedEquation, parse, subscript_items
from ...algebra.equations.trees import walked
from ...algebra.errors import EquationError
from ...algebra.networks.layer import Layer

LARGEST = 4
"""The size of a letter whose extent nothing says; of an axis that is addressed by more than letters, two more."""


def shapes_by_letters(
    cls: type[Layer], fields: Mapping[str, Any]
) -> st.SearchStrategy[tuple[tuple[int, ...], ...] | None]:
    """Shapes of the inputs of a layer with these fields; None where its text is no constant of the class."""
    text = inspect.getattr_static(cls, "equation", None)
    try:
        parsed = parse(inspect.cleandoc(text), frozenset(cls.fields)) if isinstance(text, str) else None
    except EquationError:
        parsed = None
    if parsed is None:
        return st.none()
    return _shapes(parsed, tuple(cls.inputs or ("x",)), dict(fields))


@st.composite
def _shapes(
    draw: Callable, parsed: ParsedEquation, inputs: tuple[str, ...], fields: dict[str, Any]
) -> tuple[tuple[int, ...], ...]:
    reads = _reads(parsed, inputs)
    known = _bounded(parsed, fields)
    stars_alone = any(all(isinstance(part, ast.Starred) for part in parts) for parts in reads.values())
    rank = draw(st.sampled_from([1, 1, 2] if stars_alone else [1, 1, 2, 0]))
    sizes: dict[str, Any] = {}

    def size(letter: str) -> int:
        while isinstance(known.get(letter), str) and known[letter] != letter:
            letter = known[letter]
        if isinstance(known.get(letter), int):
            return max(1, known[letter])
        if letter not in sizes:
            sizes[letter] = draw(st.integers(1, LARGEST))
        return int(sizes[letter])

    def along(part: ast.expr) -> tuple[int, ...]:
        if isinstance(part, ast.Starred):
            if isinstance(part.value, ast.Name):
                return tuple(size(f"{part.value.id}*{axis}") for axis in range(rank))
            return tuple(draw(st.integers(1, LARGEST + 1)) for _ in range(rank))
        if isinstance(part, ast.Name) and part.id not in fields:
            return (size(part.id),)
        if isinstance(part, ast.Tuple) and all(isinstance(one, ast.Name) for one in part.elts):
            return (math.prod(size(one.id) for one in part.elts if isinstance(one, ast.Name)),)
        return (draw(st.integers(1, LARGEST + 2)),)

    return tuple(
        tuple(extent for part in reads.get(name, [ast.Name("i")]) for extent in along(part)) for name in inputs
    )


def _reads(parsed: ParsedEquation, inputs: tuple[str, ...]) -> dict[str, list[ast.expr]]:
    """For every input how it is addressed, by letters where one of its reads does that."""
    found: dict[str, list[ast.expr]] = {}
    for statement in parsed.statements:
        for node in (*walked(statement.target), *walked(statement.value)):
            if not (isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id in inputs):
                continue
            items = subscript_items(node)
            before = found.setdefault(node.value.id, items)
            if len(before) == len(items):
                found[node.value.id] = [min(pair, key=_spelled) for pair in zip(before, items)]
    return found


def _spelled(part: ast.expr) -> int:
    """How far an address is from a letter."""
    inner = part.value if isinstance(part, ast.Starred) else part
    if isinstance(inner, ast.Name):
        return 0
    return 1 if isinstance(inner, ast.Tuple) and all(isinstance(one, ast.Name) for one in inner.elts) else 2


def _bounded(parsed: ParsedEquation, fields: dict[str, Any]) -> dict[str, Any]:
    """The extents that `where` gives to letters: numbers, or another letter whose extent it is."""
    found: dict[str, Any] = {}
    for clause in parsed.bounds:
        for bound in clause.elts if isinstance(clause, ast.Tuple) else [clause]:
            if not (isinstance(bound, ast.Compare) and isinstance(bound.left, ast.Name)):
                continue
            if len(bound.ops) != 1 or not isinstance(bound.ops[0], ast.Lt):
                continue
            right = bound.comparators[0]
            if isinstance(right, ast.Constant) and isinstance(right.value, int):
                found[bound.left.id] = right.value
            elif isinstance(right, ast.Name) and right.id in fields:
                value = fields[right.id]
                if not isinstance(value, (bool, tuple, str)) and value is not None and value == int(value):
                    found[bound.left.id] = int(value)
            elif isinstance(right, ast.Call) and isinstance(right.func, ast.Name) and right.func.id == "size":
                if right.args and isinstance(right.args[0], ast.Name):
                    found[bound.left.id] = right.args[0].id
    return found
