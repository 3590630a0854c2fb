"""Rules for ONNX's pooling and reductions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ....algebra.errors import UnsupportedError
from ....algebra.networks.network import Network
from ... import arithmetic, pooling
from ...importers.arrays import Window, mapped, normalised_across, over_axes, pooled, reduced
from ...importers.tensors import Tensor, per_axis
from ..attributes import Attributes
from ..translator import OnnxTranslator, rule
from .windows import window_of


def _symmetric(window: Window) -> bool:
    return window.before == window.after and all(isinstance(width, int) for width in window.before)


@rule("MaxPool")
def _max_pool(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    source = t.in_channels(node.input[0])
    window = window_of(t, a, a["kernel_shape"], source)
    window.counts(source.shape[2:])
    if len(node.output) > 1 and node.output[1]:
        a.get("storage_order")
        t.values[node.output[1]] = t.opaque(
            "positions of maxima", [source], (*source.shape[:2], *window.counts(source.shape[2:]))
        )
    if _symmetric(window) and source.batched:
        layer = pooling.MaxPool(
            per_axis(window.kernel),
            per_axis(window.strides),
            per_axis(window.before),
            per_axis(window.dilations),
            window.ceil,
        )
        return t.put(node.output[0], layer, [source])
    t.values[node.output[0]] = pooled(t, source, "max", window)
    return None


@rule("AveragePool")
def _avg_pool(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    source = t.in_channels(node.input[0])
    window = window_of(t, a, a["kernel_shape"], source)
    count = bool(a.get("count_include_pad", 0))
    if _symmetric(window) and source.batched and set(window.dilations) == {1}:
        layer = pooling.AvgPool(
            per_axis(window.kernel), per_axis(window.strides), per_axis(window.before), window.ceil, count
        )
        return t.put(node.output[0], layer, [source])
    t.values[node.output[0]] = pooled(t, source, "mean", window, count)
    return None


@rule("LpPool")
def _lp_pool(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    source = t.in_channels(node.input[0])
    power = int(a.get("p", 2))
    if power < 1:
        raise UnsupportedError(f"{t.name}: LpPool with p={power}")
    t.values[node.output[0]] = pooled(t, source, "norm", window_of(t, a, a["kernel_shape"], source), power=power)


@rule("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")
def _global_pool(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    source = t.in_channels(node.input[0])
    if node.op_type == "GlobalAveragePool" and source.batched:
        return t.put(node.output[0], pooling.AdaptiveAvgPool(1), [source])
    kind = {"GlobalAveragePool": "mean", "GlobalMaxPool": "max", "GlobalLpPool": f"l{int(a.get('p', 2))}"}[node.op_type]
    if kind not in ("mean", "max", "l1", "l2"):
        raise UnsupportedError(f"{t.name}: GlobalLpPool with p={a.get('p')}; 1 and 2 have an equation")
    t.values[node.output[0]] = over_axes(t, kind, source, range(2, len(source.shape)), True)
    return None


@rule("LRN")
def _lrn(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    t.values[node.output[0]] = normalised_across(
        t, t.get(node.input[0]), int(a["size"]), a.number("alpha", 1e-4), a.number("beta", 0.75), a.number("bias", 1.0)
    )


_KINDS = {
    "ReduceMean": "mean", "ReduceSum": "sum", "ReduceMax": "max", "ReduceMin": "min", "ReduceProd": "prod", "ReduceL1": "l1", "ReduceL2": "l2",
    "ReduceLogSum": "logsum", "ReduceLogSumExp": "logsumexp", "ReduceSumSquare": "sumsquare",
}  # fmt: skip
_LAYERS: dict[str, Callable[..., Network]] = {
    "ReduceMean": arithmetic.Mean, "ReduceSum": arithmetic.Sum, "ReduceMax": arithmetic.Maximum,
}  # fmt: skip


@rule(*_KINDS)
def _reduce(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    value, out = t.get(node.input[0]), node.output[0]
    rank, keep = len(value.shape), bool(int(a.get("keepdims", 1)))
    given = t.numbers(node.input[1]) if len(node.input) > 1 and node.input[1] else list(a.get("axes", ()))
    idle = bool(a.get("noop_with_empty_axes", 0))
    if not given and idle:
        t.values[out] = _of_each(t, node.op_type, value)
        return
    axes = sorted({_axis(t, axis, rank) for axis in (given or range(rank))})
    left = rank - value.batched - len([axis for axis in axes if axis or not value.batched])
    if node.op_type in _LAYERS and left > 0 and axes and len(axes) < rank and not (value.batched and 0 in axes):
        t.values[out] = reduced(t, _LAYERS[node.op_type], value, axes, keep)
        return
    t.values[out] = over_axes(t, _KINDS[node.op_type], value, axes, keep)


def _of_each(t: OnnxTranslator, kind: str, value: Tensor) -> Tensor:
    """A reduction over no axis."""
    text = {"ReduceL1": "abs($)", "ReduceL2": "abs($)", "ReduceLogSum": "log($)", "ReduceSumSquare": "$**2"}.get(kind)
    return mapped(t, text, value) if text else value


def _axis(t: OnnxTranslator, axis: Any, rank: int) -> int:
    if not -rank <= int(axis) < rank:
        raise UnsupportedError(f"{t.name}: axis {axis} of a tensor with {rank} axes")
    return int(axis) % rank
