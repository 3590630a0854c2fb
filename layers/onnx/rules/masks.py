"""Rules for ONNX's choices and masks, and what is known of tensors that are fixed although their entries are not worked out."""

from __future__ import annotations

from typing import Any

from sympy import Expr, Integer, ceiling

from ....algebra.errors import UnsupportedError
from ....algebra.sizes.normal_form import simplify
from ... import arithmetic
from ...importers.arrays import broadcast, entrywise, masked, triangle
from ...importers.tensors import Tensor
from ..attributes import Attributes
from ..translator import OnnxTranslator, rule


@rule("Where")
def _where(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    condition, *branches = node.input
    if condition in t.never:
        return t.put(node.output[0], None, [branches[1]])
    if not t.values[condition].fixed:
        t.values[node.output[0]] = entrywise(t, "choose({0}, {1}, {2})", [t.get(name) for name in node.input])
        return None
    computed = [name for name in branches if not t.values[name].fixed] or branches[:1]
    shape = broadcast([t.values[name].shape for name in node.input])
    t.values[node.output[0]] = masked(t, (("", t.get(name)) for name in computed), shape)
    return None


_OF_SHAPE = (
    "Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "And", "Or", "Not", "Trilu", "Range", "ConstantOfShape", "Mod", "CumSum", "Floor",
    "IsNaN", "IsInf",
)  # fmt: skip


def known_to_be_fixed(t: OnnxTranslator, node: Any, a: Attributes) -> bool:
    """Masks and positions of symbolic size: tensors that are fixed, although their entries are not worked out."""
    if node.op_type not in _OF_SHAPE or not t.is_fixed(node.input):
        return False
    tuple(a)  # what they say decides about entries, which are not looked at
    if node.op_type == "ConstantOfShape":
        shape = tuple(size if isinstance(size, Expr) else Integer(int(size)) for size in t.numbers(node.input[0]))
    elif node.op_type == "Range":
        start, stop, step = (t.numbers(name)[0] for name in node.input)
        shape = (simplify(ceiling((stop - start) / step)),)
    else:
        names = node.input[:1] if node.op_type in ("Trilu", "CumSum") else node.input
        shape = broadcast([t.values[name].shape for name in names])
    t.values[node.output[0]] = Tensor(node.output[0], shape, False, weight=True, fixed=True)
    return True


@rule("Trilu")
def _trilu(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    diagonal = int(t.numbers(node.input[1])[0]) if len(node.input) > 1 and node.input[1] else 0
    t.values[node.output[0]] = triangle(t, t.get(node.input[0]), bool(int(a.get("upper", 1))), diagonal)


@rule("ScatterND")
def _scatter(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    data, places, updates = node.input
    reduction = a.text("reduction", "none")
    if t.is_fixed([places, updates]) and reduction == "none":
        return t.put(node.output[0], arithmetic.Masked(), [data])
    value = t.get(data)
    t.values[node.output[0]] = t.opaque("scatter", [t.get(name) for name in node.input], value.shape)
    return None


@rule("Range", "Unique", "NonZero", "Compress")
def _of_data(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    raise UnsupportedError(
        f"{t.name}: {node.op_type} makes a tensor whose shape depends on the data, which no formula can have{t.hint(node.input)}"
    )
