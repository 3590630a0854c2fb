"""Rules for ONNX's pooling and reductions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sympy import Integer

from ....algebra.networks.network import Network
from ... import arithmetic, pooling, reshape
from ..translator import OnnxTranslator, OnnxValue, rule
from .weights import one_or_all, padding_of


@rule("MaxPool")
def _max_pool(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    axes = len(a["kernel_shape"])
    padding, source = padding_of(t, a, axes, t.batched(node.input[0]))
    layer = pooling.MaxPool(
        one_or_all(a["kernel_shape"]), one_or_all(a.get("strides", [1] * axes)), padding, one_or_all(a.get("dilations", [1] * axes)),
        bool(a.get("ceil_mode", 0)),
    )  # fmt: skip
    t.put(node.output[0], layer, [source])


@rule("AveragePool")
def _avg_pool(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    axes = len(a["kernel_shape"])
    padding, source = padding_of(t, a, axes, t.batched(node.input[0]))
    layer = pooling.AvgPool(
        one_or_all(a["kernel_shape"]), one_or_all(a.get("strides", [1] * axes)), padding, bool(a.get("ceil_mode", 0)),
        bool(a.get("count_include_pad", 0)),
    )  # fmt: skip
    t.put(node.output[0], layer, [source])


@rule("GlobalAveragePool")
def _global_pool(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    t.put(node.output[0], pooling.AdaptiveAvgPool(1), [t.batched(node.input[0])])


def _norm(axes: Sequence[int], rank: int) -> Network:
    return arithmetic.Power(2) >> arithmetic.Sum(axes, rank) >> arithmetic.Sqrt()


@rule("ReduceMean", "ReduceSum", "ReduceMax", "ReduceL2")
def _reduce(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    value = t.get(node.input[0])
    rank = len(value.shape)
    given = t.numbers(node.input[1]) if len(node.input) > 1 and node.input[1] else a.get("axes", range(rank))
    axes = sorted({int(axis) % rank for axis in given})
    batched = value.batched and 0 not in axes
    source = value if batched or not value.batched else t.whole(node.input[0])
    if node.op_type == "ReduceMean" and batched and rank > 3 and axes == list(range(2, rank)):
        pool = pooling.AdaptiveAvgPool(1) if int(a.get("keepdims", 1)) else pooling.GlobalAvgPool()
        return t.put(node.output[0], pool, [source])
    kind = {
        "ReduceMean": arithmetic.Mean,
        "ReduceSum": arithmetic.Sum,
        "ReduceMax": arithmetic.Maximum,
        "ReduceL2": _norm,
    }[node.op_type]
    layer = kind(tuple(axis - batched for axis in axes), rank - batched)
    if not int(a.get("keepdims", 1)):
        return t.put(node.output[0], layer, [source], batched)
    name, _ = t.add(layer, [source])
    whole = tuple(Integer(1) if axis in axes else size for axis, size in enumerate(source.shape))
    left = tuple(size for axis, size in enumerate(source.shape) if axis not in axes)
    return t.put(
        node.output[0], reshape.Reshape(whole[1:] if batched else whole), [OnnxValue(name, left, batched)], batched
    )
