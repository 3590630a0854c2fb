"""The section Shapes of a layer's docstring: read, and evaluated at numbers.

    Shapes
    ------
    input : (channels, *spatial)
    output : (out_channels, *out)
        out = floor((spatial - kernel)/stride) + 1

Names are fields of the layer, or stand for sizes of the input (several inputs are set apart by commas; ``none`` is no
input). After a star, and in ``prod(...)``, an expression has one value for each axis that the starred name stands for.
The lines below define further names; ``name : words`` leaves it to words what a name is. Nothing is shared with the engine.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from docstring_sections import entries

OPERATORS = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: Fraction, ast.Pow: operator.pow,
    ast.Eq: operator.eq, ast.Is: operator.is_, ast.In: lambda left, right: left in right,
}  # fmt: skip
FUNCTIONS = {"floor": math.floor, "ceil": math.ceil, "min": min, "max": max}


class Mismatch(AssertionError):
    """The shapes that a docstring states are none, or are not those that are found."""


@dataclass
class StatedShapes:
    """What the section says, as syntax trees."""

    inputs: list[list[ast.expr]]
    outputs: list[list[ast.expr]]
    definitions: Mapping[str, ast.expr]
    words: Mapping[str, str]

    def check(self, fields: Mapping[str, Any], shapes: Sequence[tuple[int, ...]], *made: tuple[int, ...]) -> None:
        """Raise `Mismatch` unless the section gives these output shapes at these fields and input shapes."""
        if len(shapes) != len(self.inputs):
            raise Mismatch(f"{len(self.inputs)} inputs are stated, {len(shapes)} are there")
        here = _Here(dict(fields), self.definitions)
        for pattern, shape in zip(self.inputs, shapes):
            here.bind(pattern, shape)
        here.axes = next((len(here.values[name]) for pattern in self.inputs for name in _starred(pattern)), None)
        if len(made) != len(self.outputs):
            raise Mismatch(f"{len(self.outputs)} outputs are stated, {len(made)} are there")
        for pattern, output in zip(self.outputs, made):
            if any(name in self.words for name in _starred(pattern)):
                here.bind(pattern, output)
                continue
            stated = tuple(size for element in pattern for size in here.sizes(element))
            if stated != output:
                raise Mismatch(f"{stated} is stated, {output} is derived, of {list(shapes)} at {dict(fields)}")


def read_shapes(lines: list[str]) -> StatedShapes:
    """The section Shapes, or `Mismatch` if it does not say both input and output."""
    found = entries(lines)
    if set(found) != {"input", "output"}:
        raise Mismatch(f"Shapes names {', '.join(found) or 'nothing'} instead of input and output")
    definitions, words = {}, {}
    for line in (line for _, text in found.values() for line in text.splitlines()):
        name, sign, rest = line.partition(" = " if " = " in line else " : ")
        if not sign:
            raise Mismatch(f"{line!r} defines no name")
        if sign == " = ":
            definitions[name] = ast.parse(rest, mode="eval").body
        else:
            words[name] = rest
    inputs = [] if found["input"][0] == "none" else _patterns(found["input"][0])
    return StatedShapes(inputs, _patterns(found["output"][0]), definitions, words)


def _patterns(text: str) -> list[list[ast.expr]]:
    shapes = ast.parse(f"[{text}]", mode="eval").body.elts
    if not all(isinstance(shape, ast.Tuple) for shape in shapes):
        raise Mismatch(f"{text} is no shape; write (time, features)")
    return [shape.elts for shape in shapes]


def _starred(pattern: list[ast.expr]) -> list[str]:
    stars = [element.value for element in pattern if isinstance(element, ast.Starred)]
    return [star.id for star in stars if isinstance(star, ast.Name)]


@dataclass
class _Here:
    """What names stand for: numbers, or tuples with one for each axis."""

    values: dict[str, Any]
    definitions: Mapping[str, ast.expr]
    axes: int | None = None

    def bind(self, pattern: list[ast.expr], shape: tuple[int, ...]) -> None:
        """Let the names of a pattern stand for the sizes of a shape."""
        spread = len(shape) - len(pattern) + 1
        if spread < 0 or not _starred(pattern) and spread != 1:
            raise Mismatch(f"{shape} has another rank than what is stated")
        place = 0
        for element in pattern:
            many = isinstance(element, ast.Starred)
            size = shape[place : place + spread] if many else shape[place]
            place += spread if many else 1
            named = element.value if many else element
            if not isinstance(named, ast.Name):
                raise Mismatch(f"{ast.unparse(element)} is no name of a size")
            if self.values.setdefault(named.id, size) != size:
                raise Mismatch(f"{named.id} is {self.values[named.id]} and {size}")

    def sizes(self, element: ast.expr) -> tuple[Any, ...]:
        if not isinstance(element, ast.Starred):
            return (self.value(element, None),)
        return tuple(self.value(element.value, axis) for axis in range(self.count(element.value)))

    def count(self, node: ast.expr) -> int:
        """For how many axes an expression has a value."""
        lengths = {len(value) for value in self.tuples(node)} or {self.axes}
        if len(lengths) != 1 or None in lengths:
            raise Mismatch(f"it is open for how many axes {ast.unparse(node)} has values")
        return lengths.pop()

    def tuples(self, node: ast.expr) -> list[tuple[int, ...]]:
        found = []
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and part.id in self.definitions:
                found += self.tuples(self.definitions[part.id])
            elif isinstance(part, ast.Name) and isinstance(self.values.get(part.id), tuple):
                found.append(self.values[part.id])
        return found

    def value(self, node: ast.expr, axis: int | None) -> Any:
        """The value of an expression, at one axis or at none."""
        match node:
            case ast.Constant():
                return node.value
            case ast.Tuple():
                return tuple(self.value(part, axis) for part in node.elts)
            case ast.Name() if node.id in self.definitions:
                return self.value(self.definitions[node.id], axis)
            case ast.Name() if node.id in self.values:
                found = self.values[node.id]
                return found[axis] if isinstance(found, tuple) and axis is not None else found
            case ast.Subscript():
                return self.value(node.value, None)[self.value(node.slice, axis)]
            case ast.BinOp():
                return OPERATORS[type(node.op)](self.value(node.left, axis), self.value(node.right, axis))
            case ast.Compare():
                return OPERATORS[type(node.ops[0])](self.value(node.left, axis), self.value(node.comparators[0], axis))
            case ast.IfExp():
                return self.value(node.body if self.value(node.test, axis) else node.orelse, axis)
            case ast.Call(func=ast.Name(id="prod")):
                return math.prod(self.value(node.args[0], each) for each in range(self.count(node.args[0])))
            case ast.Call(func=ast.Name(id=name)) if name in FUNCTIONS:
                return FUNCTIONS[name](*(self.value(part, axis) for part in node.args))
        raise Mismatch(f"{ast.unparse(node)} is neither a size nor a field")
