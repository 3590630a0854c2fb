"""Rules for ONNX's operators on few bits: rounding to them, back from them, and products and convolutions of such numbers."""

from __future__ import annotations

from typing import Any

from sympy import Integer

from ....algebra.errors import UnsupportedError
from ...importers.arrays import addressed, entrywise, reshaped
from ...importers.arrays.formulas import Sizes
from ...importers.tensors import Tensor
from ..attributes import Attributes
from ..kinds import COARSE, is_whole, limits
from ..translator import OnnxTranslator, rule
from .parts import axis_of
from .weights import convolved_by, matrix_product


def _beside(t: OnnxTranslator, value: Tensor, name: str, axis: int, block: int) -> Tensor:
    """A scale or a zero point: one number, one for each position along an axis, or one for each block of positions."""
    found = t.get(name)
    rank = len(value.shape)
    if block:
        place = axis_of(t, axis, rank)
        sizes = Sizes()
        return addressed(t, found, place, f"floor($/{block})", value.shape[place], sizes, t.name)
    if len(found.shape) != 1 or rank < 2 or found.shape[0] == 1:
        return found if len(found.shape) <= rank else reshaped(t, t.whole(found), ())
    return reshaped(t, found, (*found.shape, *[Integer(1)] * (rank - 1 - axis_of(t, axis, rank))))


@rule("QuantizeLinear")
def _quantised(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    value, names = t.get(node.input[0]), [*node.input, ""]
    axis, block = int(a.get("axis", 1)), int(a.get("block_size", 0))
    a.get("precision"), a.get("saturate")
    kind = t.kinds.get(names[2]) if names[2] else int(a.get("output_dtype", 2)) or 2
    if kind in COARSE:
        t.values[node.output[0]] = t.opaque(f"to {COARSE[kind]}", [value, t.get(names[1])], value.shape)
        return
    t.values[node.output[0]] = quantised(t, value, names[1], names[2], kind, axis, block)


def quantised(
    t: OnnxTranslator, value: Tensor, scale: str, zero: str, kind: int | None, axis: int = 1, block: int = 0
) -> Tensor:
    """A tensor over its scale, rounded, moved by the zero point, within the limits of the kind."""
    if not is_whole(kind):
        raise UnsupportedError(f"{t.name}: the kind of number that {zero or 'the output'} has is not known")
    low, high = limits(kind)
    values = [value, _beside(t, value, scale, axis, block)]
    text = "round({0} / {1})"
    if zero:
        values.append(_beside(t, value, zero, axis, block))
        text += " + {2}"
    least = str(low) if low >= 0 else f"0 - {-low}"
    return entrywise(t, f"max(min({text}, {high}), {least})", values)


@rule("DequantizeLinear")
def _dequantised(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    value, names = t.get(node.input[0]), [*node.input, ""]
    axis, block = int(a.get("axis", 1)), int(a.get("block_size", 0))
    a.get("output_dtype")
    if t.kinds.get(node.input[0]) in COARSE:
        t.values[node.output[0]] = t.opaque(
            f"from {COARSE[t.kinds[node.input[0]]]}", [value, t.get(names[1])], value.shape
        )
        return
    t.values[node.output[0]] = dequantised(t, value, names[1], names[2], axis, block)


def dequantised(t: OnnxTranslator, value: Tensor, scale: str, zero: str, axis: int = 1, block: int = 0) -> Tensor:
    """The numbers for which those of few bits stand."""
    values = [value, _beside(t, value, scale, axis, block)]
    if not zero:
        return entrywise(t, "{0} * {1}", values)
    values.append(_beside(t, value, zero, axis, block))
    return entrywise(t, "({0} - {2}) * {1}", values)


def _centred(t: OnnxTranslator, name: str, zero: str, axis: int) -> Tensor:
    """Integers less their zero point."""
    value = t.get(name)
    if not zero:
        return value
    point = t.get(zero)
    if len(point.shape) == 1 and point.shape[0] != 1 and len(value.shape) > 1:
        place = axis_of(t, axis, len(value.shape))
        point = reshaped(t, point, (*point.shape, *[Integer(1)] * (len(value.shape) - 1 - place)))
    return entrywise(t, "{0} - {1}", [value, point])


@rule("MatMulInteger")
def _integer_product(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    names = [*node.input, "", ""]
    left, right = _centred(t, names[0], names[2], -2), _centred(t, names[1], names[3], -1)
    t.values[node.output[0]] = matrix_product(t, left, right)


@rule("QLinearMatMul")
def _product(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    one, one_scale, one_zero, two, two_scale, two_zero, scale, zero = node.input
    kind = t.kinds.get(zero)
    if kind in COARSE:
        raise UnsupportedError(f"{t.name}: a product in {COARSE[kind]}")
    left = dequantised(t, t.get(one), one_scale, one_zero, -2)
    right = dequantised(t, t.get(two), two_scale, two_zero, -1)
    t.values[node.output[0]] = quantised(t, matrix_product(t, left, right), scale, zero, kind, -2)


@rule("ConvInteger")
def _integer_convolution(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    names = [*node.input, "", ""]
    source, kernel = _centred(t, names[0], names[2], 1), _centred(t, names[1], names[3], 0)
    t.values[node.output[0]] = convolved_by(t, source, t.whole(kernel), a)


@rule("QLinearConv")
def _convolution(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    data, data_scale, data_zero, kernel, kernel_scale, kernel_zero, scale, zero = node.input[:8]
    source = dequantised(t, t.get(data), data_scale, data_zero)
    weight = dequantised(t, t.get(kernel), kernel_scale, kernel_zero, 0)
    made = convolved_by(t, source, t.whole(weight), a)
    if len(node.input) > 8 and node.input[8]:
        bias = t.get(node.input[8])
        wide = reshaped(t, bias, (*bias.shape, *[Integer(1)] * (len(made.shape) - 2)))
        unit = entrywise(t, "{0} * {1}", [t.get(data_scale), t.get(kernel_scale)])
        if len(unit.shape) == 1 and unit.shape[0] != 1:
            unit = reshaped(t, unit, (*unit.shape, *[Integer(1)] * (len(made.shape) - 2)))
        made = entrywise(t, "{0} + {1} * {2}", [made, wide, unit])
    t.values[node.output[0]] = quantised(t, made, scale, zero, t.kinds.get(zero))
