"""Rules for PyTorch's pooling."""

from __future__ import annotations

from typing import Any

from ....algebra.errors import UnsupportedError
from ....algebra.sizes.normal_form import simplify
from ... import pooling
from ...importers.arrays import over_axes
from ...importers.tensors import per_axis
from ..translator import Translator, argument, rule


@rule("max_pool1d", "max_pool2d", "max_pool3d", "max_pool2d_with_indices")
def _max_pool(t: Translator, node: Any) -> None:
    stride = argument(node, 2, "stride") or node.args[1]
    layer = pooling.MaxPool(
        per_axis(node.args[1]), per_axis(stride), per_axis(argument(node, 3, "padding", 0)),
        per_axis(argument(node, 4, "dilation", 1)), bool(argument(node, 5, "ceil_mode", False)),
    )  # fmt: skip
    t.put(node, layer, [t.batched(node.args[0])])


@rule("avg_pool1d", "avg_pool2d", "avg_pool3d")
def _avg_pool(t: Translator, node: Any) -> None:
    stride = argument(node, 2, "stride") or node.args[1]
    layer = pooling.AvgPool(
        per_axis(node.args[1]), per_axis(stride), per_axis(argument(node, 3, "padding", 0)),
        bool(argument(node, 4, "ceil_mode", False)), bool(argument(node, 5, "count_include_pad", True)),
    )  # fmt: skip
    t.put(node, layer, [t.batched(node.args[0])])


@rule("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "_adaptive_avg_pool2d")
def _adaptive(t: Translator, node: Any) -> None:
    source = t.batched(node.args[0])
    out = t.shape(node)[2:]
    layer = pooling.AdaptiveAvgPool(out[0] if len(set(out)) == 1 else out)
    t.put(node, layer, [source])


@rule("adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d")
def _adaptive_max(t: Translator, node: Any) -> None:
    source, out = t.batched(node.args[0]), t.shape(node)[2:]
    axes = range(2, 2 + len(out))
    whole = all(size == 1 for size in out)
    factors = [simplify(before / after) for before, after in zip(source.shape[2:], out)]
    if whole:
        made = over_axes(t, "max", source, axes, True, node.name)
    elif all(factor.is_Integer for factor in factors):
        layer = pooling.MaxPool(tuple(factors), tuple(factors), 0)
        made = t.add(layer, [source], (*source.shape[:2], *out), source.batched, node.name)
    else:
        raise UnsupportedError(f"windows of unequal sizes, {source.shape[2:]} to {out}; whole factors have a layer")
    t.parts[node.name] = [made]
