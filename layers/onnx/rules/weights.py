"""Rules for ONNX's operators that hold learned tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....algebra.errors import UnsupportedError
from ....algebra.networks.network import Network
from ... import arithmetic, convolution, linear, normalization
from ...importers.arrays import over_last_axes, product
from ...importers.tensors import Tensor, per_axis
from ..translator import OnnxTranslator, rule


def padding_of(t: OnnxTranslator, attributes: Mapping[str, Any], axes: int, source: Tensor) -> tuple[Any, Tensor]:
    """Symmetric padding as a number; otherwise the margin is put around the input first."""
    automatic = (
        attributes.get("auto_pad", b"NOTSET").decode() if isinstance(attributes.get("auto_pad"), bytes) else "NOTSET"
    )
    if automatic == "SAME_UPPER":
        return "same", source
    if automatic not in ("NOTSET", "VALID"):
        raise UnsupportedError(f"{t.name}: auto_pad={automatic}")
    pads = [int(width) for width in attributes.get("pads", [0] * 2 * axes)]
    before, after = pads[:axes], pads[axes:]
    if before == after:
        return per_axis(before), source
    return 0, t.add(arithmetic.Margin((0, *before), (0, *after)), [source], batched=True)


@rule("Conv")
def _conv(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    weight = t.values[node.input[1]]
    axes = len(weight.shape) - 2
    padding, source = padding_of(t, a, axes, t.batched(node.input[0]))
    layer = convolution.Conv(
        weight.shape[0], per_axis(weight.shape[2:]), per_axis(a.get("strides", [1] * axes)), padding,
        per_axis(a.get("dilations", [1] * axes)), int(a.get("group", 1)), len(node.input) > 2 and bool(node.input[2]),
    )  # fmt: skip
    t.put(node.output[0], t.with_weights(layer, *node.input[1:]), [source])


@rule("ConvTranspose")
def _conv_transpose(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    weight = t.values[node.input[1]]
    axes, groups = len(weight.shape) - 2, int(a.get("group", 1))
    padding, source = padding_of(t, a, axes, t.batched(node.input[0]))
    layer = convolution.ConvTranspose(
        weight.shape[1] * groups, per_axis(weight.shape[2:]), per_axis(a.get("strides", [1] * axes)), padding,
        per_axis(a.get("output_padding", [0] * axes)), per_axis(a.get("dilations", [1] * axes)), groups, len(node.input) > 2,
    )  # fmt: skip
    t.put(node.output[0], t.with_weights(layer, *node.input[1:]), [source])


@rule("Gemm")
def _gemm(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    weight = t.values[node.input[1]]
    if not weight.weight or int(a.get("transA", 0)):
        raise UnsupportedError(f"{t.name}: Gemm with a computed or transposed left side")
    features = weight.shape[0] if int(a.get("transB", 0)) else weight.shape[1]
    layer = linear.Linear(features, len(node.input) > 2 and bool(node.input[2]))
    t.put(node.output[0], t.with_weights(layer, *node.input[1:]), [node.input[0]])


@rule("MatMul")
def _matmul(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    right = t.values[node.input[1]]
    if right.weight and len(right.shape) == 2:
        layer = linear.Linear(right.shape[1], False)
        return t.put(node.output[0], t.with_weights(layer, node.input[1]), [node.input[0]])
    t.values[node.output[0]] = product(t, t.get(node.input[0]), t.get(node.input[1]), t.name)
    return None


@rule("Einsum")
def _einsum(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    spec = a["equation"].decode().replace(" ", "")
    if spec.isupper() or not any(character.isupper() for character in spec):
        spec = spec.lower()
    if len(node.input) != 2 or "->" not in spec or "." in spec or not spec.replace(",", "").replace("->", "").islower():
        raise UnsupportedError(
            f"{t.name}: Einsum of {spec!r}; two tensors with small letters for all axes have a layer"
        )
    parts, out = spec.split("->")
    first, second = parts.split(",")
    batched = first[:1] == second[:1] == out[:1] and all(t.get(name).batched for name in node.input)
    values = [t.get(name) if batched else t.whole(t.get(name)) for name in node.input]
    drop = int(batched)
    t.put(node.output[0], arithmetic.Einsum(f"{first[drop:]},{second[drop:]}->{out[drop:]}"), values, batched)


@rule("BatchNormalization")
def _batch_norm(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    layer = normalization.BatchNorm(True, float(f"{a.get('epsilon', 1e-5):.7g}"))
    t.put(node.output[0], t.with_weights(layer, *node.input[1:3]), [t.batched(node.input[0])])


@rule("LayerNormalization")
def _layer_norm(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    value = t.get(node.input[0])
    axis = int(a.get("axis", -1)) % len(value.shape)
    affine = not t.values[node.input[1]].fixed
    layer: Network = normalization.LayerNorm(
        affine, affine and len(node.input) > 2, float(f"{a.get('epsilon', 1e-5):.7g}")
    )
    layer = over_last_axes(t.with_weights(layer, *node.input[1:]), value.own, len(value.shape) - axis)
    t.put(node.output[0], layer, [value])


@rule("InstanceNormalization")
def _instance_norm(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    affine = not t.values[node.input[1]].fixed  # exporters write group normalisation with a scale of ones
    layer = normalization.InstanceNorm(affine, float(f"{a.get('epsilon', 1e-5):.7g}"))
    t.put(node.output[0], t.with_weights(layer, *node.input[1:]), [t.batched(node.input[0])])


@rule("GroupNormalization")
def _group_norm(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    layer = normalization.GroupNorm(int(a["num_groups"]), True, float(f"{a.get('epsilon', 1e-5):.7g}"))
    t.put(node.output[0], t.with_weights(layer, *node.input[1:]), [t.batched(node.input[0])])
