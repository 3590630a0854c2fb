"""Rules for ONNX's masks, and for tensors that are fixed although their entries are not worked out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sympy import Expr, Integer, ceiling

from ....algebra.errors import UnsupportedError
from ....algebra.sizes.normal_form import simplify
from ... import arithmetic
from ...importers.arrays import broadcast, masked
from ...importers.tensors import Tensor
from ..translator import OnnxTranslator, rule


@rule("Where")
def _where(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    condition, *branches = node.input
    if condition in t.never:
        return t.put(node.output[0], None, [branches[1]])
    if not t.values[condition].fixed:
        raise UnsupportedError(f"{t.name}: a choice that depends on the data has no layer; only a fixed mask has")
    computed = [name for name in branches if not t.values[name].fixed] or branches[:1]
    shape = broadcast([t.values[name].shape for name in node.input])
    t.values[node.output[0]] = masked(t, (("", t.get(name)) for name in computed), shape)
    return None


@rule("IsNaN", "IsInf")
def _is_nan(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    """A guard that exporters put behind a softmax; equations have no such numbers, so that it never holds."""
    t.never.add(node.output[0])
    t.values[node.output[0]] = Tensor(node.output[0], t.values[node.input[0]].shape, False, weight=True, fixed=True)


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
    t.values[node.output[0]] = Tensor(node.output[0], shape, False, weight=True, fixed=True)


@rule("ScatterND")
def _scatter(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    data, places, updates = node.input
    if not t.is_fixed([places, updates]) or a.get("reduction", b"none") != b"none":
        raise UnsupportedError(
            f"{t.name}: entries written at places, or with values, that depend on the data have no layer"
        )
    t.put(node.output[0], arithmetic.Masked(), [data])
