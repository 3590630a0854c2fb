"""Rules for PyTorch's pooling, means and other reductions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ....algebra.networks.network import Network
from ... import arithmetic, pooling
from ...importers.arrays import reduced
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


def _reduced(t: Translator, node: Any, layer: Callable[..., Network]) -> None:
    value = t.value(node.args[0])
    given = argument(node, 1, "dim")
    axes = range(len(value.shape)) if given is None else given if isinstance(given, (list, tuple)) else [given]
    t.keep(node, reduced(t, layer, value, axes, bool(argument(node, 2, "keepdim", False)), node.name))


@rule("mean")
def _mean(t: Translator, node: Any) -> None:
    _reduced(t, node, arithmetic.Mean)


@rule("sum")
def _sum(t: Translator, node: Any) -> None:
    _reduced(t, node, arithmetic.Sum)


@rule("amax")
def _maximum(t: Translator, node: Any) -> None:
    _reduced(t, node, arithmetic.Maximum)
