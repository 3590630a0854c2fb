"""Rules for ONNX's operators that change the shape or the order of axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import Expr, Integer, Mul

from ....algebra.errors import UnsupportedError
from ....algebra.sizes.normal_form import simplify
from ...importers.arrays import permuted, viewed
from ..attributes import Attributes
from ..translator import OnnxTranslator, rule


def _viewed(t: OnnxTranslator, node: Any, shape: Sequence[Expr]) -> None:
    t.values[node.output[0]] = viewed(t, t.get(node.input[0]), tuple(shape), t.name)


@rule("Reshape")
def _reshape(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    value = t.get(node.input[0])
    wanted = list(t.numbers(node.input[1]) if len(node.input) > 1 else a["shape"])
    a.get("consumed_inputs")
    copied = not int(a.get("allowzero", 0))
    if t.batches.get(node.input[0]) and value.batched and wanted[0] == t.leading(node.input[0]) and wanted[0] != -1:
        wanted[0] = 1
    shape: list[Expr] = []
    for place, size in enumerate(wanted):
        if size == 0 and copied and place >= len(value.shape):
            raise UnsupportedError(f"{t.name}: a shape {wanted} that copies axis {place} of {value.shape}")
        shape.append(
            value.shape[place] if size == 0 and copied else size if isinstance(size, Expr) else Integer(int(size))
        )
    if shape.count(Integer(-1)):
        rest = Mul(*(size for size in shape if size != -1))
        if rest == 0:
            raise UnsupportedError(f"{t.name}: a shape {wanted} of tensors without elements")
        shape[shape.index(Integer(-1))] = simplify(Mul(*value.shape) / rest)
    _viewed(t, node, shape)


@rule("Flatten")
def _flatten(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    value = t.get(node.input[0])
    axis, rank = int(a.get("axis", 1)), len(value.shape)
    if not -rank <= axis <= rank:
        raise UnsupportedError(f"{t.name}: axis {axis} of a tensor with {rank} axes")
    axis += rank if axis < 0 else 0
    _viewed(t, node, [simplify(Mul(*value.shape[:axis])), simplify(Mul(*value.shape[axis:]))])


@rule("Unsqueeze", "Squeeze")
def _squeeze(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    value = t.get(node.input[0])
    given = t.numbers(node.input[1]) if len(node.input) > 1 and node.input[1] else list(a.get("axes", ()))
    shape = list(value.shape)
    rank = len(shape) + (len(given) if node.op_type == "Unsqueeze" else 0)
    if any(not -rank <= int(axis) < max(rank, 1) for axis in given) or len(
        {int(axis) % max(rank, 1) for axis in given}
    ) != len(given):
        raise UnsupportedError(f"{t.name}: axes {list(map(int, given))} of a tensor with {rank} axes")
    if node.op_type == "Unsqueeze":
        for axis in sorted(int(axis) % rank for axis in given):
            shape.insert(axis, Integer(1))
    else:
        gone = {int(axis) % rank for axis in given} or {place for place, size in enumerate(shape) if size == 1}
        if any(shape[axis].is_Integer and shape[axis] != 1 for axis in gone):
            raise UnsupportedError(f"{t.name}: axes {sorted(gone)} of {tuple(shape)} taken away; they must have size 1")
        shape = [size for place, size in enumerate(shape) if place not in gone]
    _viewed(t, node, shape)


@rule("Transpose")
def _transpose(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    value = t.get(node.input[0])
    rank = len(value.shape)
    order = [int(axis) for axis in a.get("perm", range(rank)[::-1])]
    if sorted(order) != list(range(rank)):
        raise UnsupportedError(f"{t.name}: perm={order} of a tensor with {rank} axes")
    t.values[node.output[0]] = permuted(t, value, order) if rank > 1 else value
