"""Rules for ONNX's pooling and reductions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ....algebra.networks.network import Network
from ... import arithmetic, pooling
from ...importers.arrays import reduced
from ...importers.tensors import per_axis
from ..translator import OnnxTranslator, rule
from .weights import padding_of


@rule("MaxPool")
def _max_pool(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    axes = len(a["kernel_shape"])
    padding, source = padding_of(t, a, axes, t.batched(node.input[0]))
    layer = pooling.MaxPool(
        per_axis(a["kernel_shape"]), per_axis(a.get("strides", [1] * axes)), padding, per_axis(a.get("dilations", [1] * axes)),
        bool(a.get("ceil_mode", 0)),
    )  # fmt: skip
    t.put(node.output[0], layer, [source])


@rule("AveragePool")
def _avg_pool(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    axes = len(a["kernel_shape"])
    padding, source = padding_of(t, a, axes, t.batched(node.input[0]))
    layer = pooling.AvgPool(
        per_axis(a["kernel_shape"]), per_axis(a.get("strides", [1] * axes)), padding, bool(a.get("ceil_mode", 0)),
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
    given = (
        t.numbers(node.input[1]) if len(node.input) > 1 and node.input[1] else a.get("axes", range(len(value.shape)))
    )
    kinds: dict[str, Callable[..., Network]] = {
        "ReduceMean": arithmetic.Mean, "ReduceSum": arithmetic.Sum, "ReduceMax": arithmetic.Maximum, "ReduceL2": _norm,
    }  # fmt: skip
    t.values[node.output[0]] = reduced(t, kinds[node.op_type], value, given, bool(int(a.get("keepdims", 1))))
