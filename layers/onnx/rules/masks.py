"""Rules for ONNX's masks, and for tensors that are fixed although their entries are not worked out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sympy import Expr, Integer, ceiling

from ....algebra.errors import UnsupportedError
from ....algebra.networks.network import Add
from ....algebra.sizes.normal_form import simplify
from ... import arithmetic, reshape
from ..translator import OnnxTranslator, OnnxValue, Shape, rule


@rule("Where")
def _where(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    condition, *branches = node.input
    if condition in t.never:
        return t.put(node.output[0], None, [branches[1]])
    if not t.values[condition].fixed:
        raise UnsupportedError(f"{t.name}: a choice that depends on the data has no layer; only a fixed mask has")
    computed = [name for name in branches if not t.values[name].fixed] or branches[:1]
    shape = broadcast([t.values[name].shape for name in node.input])
    made = []
    for name in computed:
        value = t.get(name)
        if value.shape != shape:
            value = widened(t, value, shape)
        masked, _ = t.add(arithmetic.Masked(), [value])
        made.append(OnnxValue(masked, shape, value.batched))
    t.put(node.output[0], Add() if len(made) > 1 else None, made)


@rule("IsNaN", "IsInf")
def _is_nan(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    """A guard that exporters put behind a softmax; equations have no such numbers, so that it never holds."""
    t.never.add(node.output[0])
    t.values[node.output[0]] = OnnxValue(node.output[0], t.values[node.input[0]].shape, False, weight=True, fixed=True)


def broadcast(shapes: Sequence[Shape]) -> Shape:
    rank = max(map(len, shapes))
    wide = [(*(Integer(1),) * (rank - len(shape)), *shape) for shape in shapes]
    return tuple(next((size for size in column if size != 1), column[0]) for column in zip(*wide))


def widened(t: OnnxTranslator, value: OnnxValue, shape: Shape) -> OnnxValue:
    """A value whose axes of size 1 are repeated to a shape."""
    wide = (*(Integer(1),) * (len(shape) - len(value.shape)), *value.shape)
    batched = value.batched and wide[0] == shape[0] == 1 and len(wide) == len(value.shape)
    own, target = (wide[1:], shape[1:]) if batched else (wide, shape)
    if value.own != own:
        value = OnnxValue(t.add(reshape.Reshape(own), [value])[0], wide, batched)
    repeated = tuple(axis for axis, (a, b) in enumerate(zip(own, target)) if a != b)
    name = t.add(arithmetic.Expand(repeated, target), [value])[0] if repeated else value.name
    return OnnxValue(name, shape, batched)


FIXED_ONLY = (
    "Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "And", "Or", "Not", "Trilu", "Range", "ConstantOfShape", "Mod", "CumSum", "Floor",
)  # fmt: skip
"""Operators that are known where they make masks and positions, not where they see the data."""


@rule(*FIXED_ONLY)
def _known(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    """Masks and positions of symbolic size: tensors that are fixed, although their entries are not worked out."""
    if node.op_type == "ConstantOfShape":
        shape = tuple(size if isinstance(size, Expr) else Integer(int(size)) for size in t.numbers(node.input[0]))
    elif node.op_type == "Range":
        start, stop, step = (t.numbers(name)[0] for name in node.input)
        shape = (simplify(ceiling((stop - start) / step)),)
    else:
        names = node.input[:1] if node.op_type in ("Trilu", "CumSum") else node.input
        shape = broadcast([t.values[name].shape for name in names])
    t.values[node.output[0]] = OnnxValue(node.output[0], shape, False, weight=True, fixed=True)


@rule("ScatterND")
def _scatter(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    data, places, updates = node.input
    if not t.is_fixed([places, updates]) or a.get("reduction", b"none") != b"none":
        raise UnsupportedError(
            f"{t.name}: entries written at places, or with values, that depend on the data have no layer"
        )
    t.put(node.output[0], arithmetic.Masked(), [data])
