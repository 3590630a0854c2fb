"""Rules for PyTorch's pooling."""

from __future__ import annotations

from typing import Any

from sympy import Integer

from ....algebra.errors import UnsupportedError
from ....algebra.sizes.normal_form import simplify
from ... import arithmetic, pooling
from ...importers.arrays import Window, along, applied, over_axes, over_examples, pooled
from ...importers.tensors import Tensor
from ..translator import Translator, argument, rule


@rule("max_pool1d", "max_pool2d", "max_pool3d", "max_pool2d_with_indices", "max_pool3d_with_indices")
def _max_pool(t: Translator, node: Any) -> None:
    value, stride = t.value(node.args[0]), argument(node, 2, "stride") or node.args[1]
    layer = pooling.MaxPool(
        along(value, node.args[1], 1), along(value, stride, 1), along(value, argument(node, 3, "padding", 0), 0),
        along(value, argument(node, 4, "dilation", 1), 1), bool(argument(node, 5, "ceil_mode", False)),
    )  # fmt: skip
    t.keep(node, over_examples(t, layer, value, t.shape(node), node.name))


@rule("avg_pool1d", "avg_pool2d", "avg_pool3d")
def _avg_pool(t: Translator, node: Any) -> None:
    value, stride = t.value(node.args[0]), argument(node, 2, "stride") or node.args[1]
    divisor = argument(node, 6, "divisor_override")
    if divisor is not None:
        return t.keep(node, _divided(t, node, value, stride, divisor))
    layer = pooling.AvgPool(
        along(value, node.args[1], 1), along(value, stride, 1), along(value, argument(node, 3, "padding", 0), 0),
        bool(argument(node, 4, "ceil_mode", False)), bool(argument(node, 5, "count_include_pad", True)),
    )  # fmt: skip
    return t.keep(node, over_examples(t, layer, value, t.shape(node), node.name))


def _divided(t: Translator, node: Any, value: Tensor, stride: Any, divisor: int) -> Tensor:
    """Sums over windows, divided by a number that is not that of their elements."""
    axes = len(value.shape) - 2
    kernel, steps, margins = (
        tuple(given) * (axes // len(given)) if isinstance(given, (list, tuple)) else (given,) * axes
        for given in (node.args[1], stride, argument(node, 3, "padding", 0))
    )
    window = Window(kernel, steps, margins, margins, (1,) * axes, bool(argument(node, 4, "ceil_mode", False)))
    total = pooled(t, value, "sum", window, label=f"{node.name}_total")
    return applied(t, arithmetic.Scale(1 / Integer(divisor)), total, node.name)


@rule(
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "_adaptive_avg_pool2d", "_adaptive_avg_pool3d"
)
def _adaptive(t: Translator, node: Any) -> None:
    value, shape = t.value(node.args[0]), t.shape(node)
    out = shape[2:] if value.batched or shape[0] == 1 else (shape[0], *shape[2:])
    layer = pooling.AdaptiveAvgPool(out[0] if len(set(out)) == 1 else out)
    t.keep(node, over_examples(t, layer, value, shape, node.name))


@rule("adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d")
def _adaptive_max(t: Translator, node: Any) -> None:
    value, shape = t.value(node.args[0]), t.shape(node)
    out = shape[2:]
    factors = [simplify(before / after) for before, after in zip(value.shape[2:], out)]
    if all(size == 1 for size in out):
        made = over_axes(t, "max", value, range(2, 2 + len(out)), True, node.name)
    elif all(factor.is_Integer for factor in factors):
        windows = along(value, [int(factor) for factor in factors], 1)
        made = over_examples(t, pooling.MaxPool(windows, windows, 0), value, shape, node.name)
    else:
        raise UnsupportedError(f"windows of unequal sizes, {value.shape[2:]} to {out}; whole factors have a layer")
    t.parts[node.name] = [made]
