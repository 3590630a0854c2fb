"""Rules for ONNX's operators that change the shape or the order of axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sympy import Expr, Integer, Mul, prod

from ....algebra.sizes.normal_form import simplify
from ... import reshape
from ..attributes import Attributes
from ..translator import OnnxTranslator, rule


def reshaped(t: OnnxTranslator, output: str, name: str, shape: Sequence[Expr]) -> None:
    value = t.get(name)
    batched = len(shape) > 1 and shape[0] == 1
    own = tuple(shape[1:]) if batched else tuple(shape)
    flat = len(own) == 1 and len(value.own) > 1
    if flat:
        t.values[output] = t.add(reshape.Flatten(), [value], tuple(shape), batched)
    else:
        t.values[output] = t.reshaped(value, tuple(shape), batched)


@rule("Reshape")
def _reshape(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    value = t.get(node.input[0])
    wanted = t.numbers(node.input[1])
    shape = [
        value.shape[place] if size == 0 else size if isinstance(size, Expr) else Integer(int(size))
        for place, size in enumerate(wanted)
    ]
    if shape.count(Integer(-1)):
        rest = prod([size for size in shape if size != -1])
        shape[shape.index(Integer(-1))] = simplify(Mul(*value.shape) / rest)
    reshaped(t, node.output[0], node.input[0], shape)


@rule("Flatten")
def _flatten(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    value = t.get(node.input[0])
    axis = int(a.get("axis", 1)) % (len(value.shape) + 1)
    reshaped(t, node.output[0], node.input[0], [simplify(Mul(*value.shape[:axis])), simplify(Mul(*value.shape[axis:]))])


@rule("Unsqueeze", "Squeeze")
def _squeeze(t: OnnxTranslator, node: Any, a: Attributes) -> None:
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
    reshaped(t, node.output[0], node.input[0], shape)


@rule("Transpose")
def _transpose(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    value = t.get(node.input[0])
    order = [int(axis) for axis in a.get("perm", range(len(value.shape))[::-1])]
    if value.batched and order[0] == 0:
        return t.put(node.output[0], reshape.Permute(tuple(axis - 1 for axis in order[1:])), [value])
    return t.put(node.output[0], reshape.Permute(tuple(order)), [t.whole(value)], False)
