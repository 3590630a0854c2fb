"""Rules for PyTorch's pooling, means and other reductions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ....algebra.networks.network import Network
from ... import arithmetic, pooling, reshape
from ..translator import Translator, Value, argument, per_axis, rule


@rule("max_pool1d", "max_pool2d", "max_pool3d", "max_pool2d_with_indices")
def _max_pool(t: Translator, node: Any) -> None:
    axes = len(t.value(node.args[0]).shape) - 2
    stride = argument(node, 2, "stride") or node.args[1]
    layer = pooling.MaxPool(
        per_axis(node.args[1], axes), per_axis(stride, axes), per_axis(argument(node, 3, "padding", 0), axes),
        per_axis(argument(node, 4, "dilation", 1), axes), bool(argument(node, 5, "ceil_mode", False)),
    )  # fmt: skip
    t.put(node, layer, [t.batched(node.args[0])])


@rule("avg_pool1d", "avg_pool2d", "avg_pool3d")
def _avg_pool(t: Translator, node: Any) -> None:
    axes = len(t.value(node.args[0]).shape) - 2
    stride = argument(node, 2, "stride") or node.args[1]
    layer = pooling.AvgPool(
        per_axis(node.args[1], axes), per_axis(stride, axes), per_axis(argument(node, 3, "padding", 0), axes),
        bool(argument(node, 4, "ceil_mode", False)), bool(argument(node, 5, "count_include_pad", True)),
    )  # fmt: skip
    t.put(node, layer, [t.batched(node.args[0])])


@rule("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "_adaptive_avg_pool2d")
def _adaptive(t: Translator, node: Any) -> None:
    source = t.batched(node.args[0])
    sizes = node.args[1]
    out = t.shape(node)[2:]
    del sizes
    layer = pooling.AdaptiveAvgPool(out[0] if len(set(out)) == 1 else out)
    t.put(node, layer, [source])


def _reduced(t: Translator, node: Any, layer: Callable[..., Network]) -> None:
    value = t.value(node.args[0])
    rank = len(value.shape)
    given = argument(node, 1, "dim")
    axes = (
        sorted({int(axis) % rank for axis in (given if isinstance(given, (list, tuple)) else [given])})
        if given is not None
        else list(range(rank))
    )
    keep = bool(argument(node, 2, "keepdim", False))
    batched = value.batched and 0 not in axes
    source = value if batched or not value.batched else t.unbatched(node.args[0])
    shifted = [axis - batched for axis in axes]
    if not keep:
        return t.put(node, layer(tuple(shifted), rank - batched), [source], batched)
    name = t.add(f"{node.name}_reduced", layer(tuple(shifted), rank - batched), [source.name])
    out = t.shape(node)
    own = out[1:] if batched else out
    return t.put(node, reshape.Reshape(own), [Value(name, out, batched)], batched)


@rule("mean")
def _mean(t: Translator, node: Any) -> None:
    value, given = t.value(node.args[0]), argument(node, 1, "dim")
    rank = len(value.shape)
    if (
        value.batched
        and rank > 3
        and isinstance(given, (list, tuple))
        and sorted(int(axis) % rank for axis in given) == list(range(2, rank))
    ):
        return t.put(
            node,
            pooling.AdaptiveAvgPool(1) if argument(node, 2, "keepdim", False) else pooling.GlobalAvgPool(),
            [value],
        )
    return _reduced(t, node, arithmetic.Mean)


@rule("sum")
def _sum(t: Translator, node: Any) -> None:
    _reduced(t, node, arithmetic.Sum)


@rule("amax")
def _maximum(t: Translator, node: Any) -> None:
    _reduced(t, node, arithmetic.Maximum)
