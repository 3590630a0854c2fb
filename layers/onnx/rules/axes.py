"""Rules for ONNX's operators that change the shape or the order of axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sympy import Expr, Integer, Mul, prod

from ....algebra.sizes.normal_form import simplify
from ...importers.arrays import permuted, viewed
from ..translator import OnnxTranslator, rule


def _viewed(t: OnnxTranslator, node: Any, shape: Sequence[Expr]) -> None:
    t.values[node.output[0]] = viewed(t, t.get(node.input[0]), tuple(shape), t.name)


@rule("Reshape")
def _reshape(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    value = t.get(node.input[0])
    wanted = t.numbers(node.input[1])
    shape = [
        value.shape[place] if size == 0 else size if isinstance(size, Expr) else Integer(int(size))
        for place, size in enumerate(wanted)
    ]
    if shape.count(Integer(-1)):
        rest = prod([size for size in shape if size != -1])
        shape[shape.index(Integer(-1))] = simplify(Mul(*value.shape) / rest)
    _viewed(t, node, shape)


@rule("Flatten")
def _flatten(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    value = t.get(node.input[0])
    axis = int(a.get("axis", 1)) % (len(value.shape) + 1)
    _viewed(t, node, [simplify(Mul(*value.shape[:axis])), simplify(Mul(*value.shape[axis:]))])


@rule("Unsqueeze", "Squeeze")
def _squeeze(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    value = t.get(node.input[0])
    given = t.numbers(node.input[1]) if len(node.input) > 1 else a.get("axes", ())
    shape = list(value.shape)
    if node.op_type == "Unsqueeze":
        for axis in sorted(int(axis) % (len(shape) + len(given)) for axis in given):
            shape.insert(axis, Integer(1))
    else:
        axes = (
            {int(axis) % len(shape) for axis in given}
            if given
            else {place for place, size in enumerate(shape) if size == 1}
        )
        shape = [size for place, size in enumerate(shape) if place not in axes]
    _viewed(t, node, shape)


@rule("Transpose")
def _transpose(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    value = t.get(node.input[0])
    order = a.get("perm", range(len(value.shape))[::-1])
    t.values[node.output[0]] = permuted(t, value, [int(axis) for axis in order])
