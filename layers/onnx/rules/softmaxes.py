"""Rules for ONNX's operators along one axis: softmax and what is like it, running sums, positions of the largest."""

from __future__ import annotations

from typing import Any

from ....algebra.errors import UnsupportedError
from ...importers.arrays import (
    bracket,
    entrywise,
    first_of,
    formula,
    multiplied,
    names,
    over_axes,
    running,
    softmax_along,
)
from ...importers.tensors import Tensor
from ..attributes import Attributes
from ..translator import OnnxTranslator, rule


@rule("Softmax", "LogSoftmax", "Hardmax")
def _softmax(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    value, old = t.get(node.input[0]), t.opset < 13
    rank = len(value.shape)
    axis = int(a.get("axis", 1 if old else -1))
    if not -rank <= axis < max(rank, 1) and not (old and axis == rank):
        raise UnsupportedError(f"{t.name}: axis {axis} of a tensor with {rank} axes")
    if rank == 0:
        raise UnsupportedError(f"{t.name}: {node.op_type} of a single number")
    axis %= rank
    if node.op_type == "Hardmax":
        if old and axis != rank - 1:
            raise UnsupportedError(f"{t.name}: Hardmax over several axes as one, as before opset 13")
        t.values[node.output[0]] = first_of(t, value, axis, "max", True, onehot=True)
        return
    axes = list(range(axis, rank)) if old else [axis]
    if 0 in axes:
        value = t.whole(value)
    if node.op_type == "Softmax" and len(axes) == 1:
        layer = softmax_along(axis - value.batched, len(value.own))
        return t.put(node.output[0], layer, [value])
    t.values[node.output[0]] = _over(t, value, axes, node.op_type == "LogSoftmax")


def _over(t: OnnxTranslator, value: Tensor, axes: list[int], logarithm: bool) -> Tensor:
    every = names(len(value.shape))
    read, target = f"x1{bracket(value, every)}", bracket(value, every)
    inner = ", ".join(every[axis] for axis in axes)
    if not logarithm:
        return formula(t, f"y{target} = softmax[{inner}]({read})", [value], value.shape, value.batched)
    rest = [index for place, index in enumerate(every) if place not in axes and (place or not value.batched)] or ["0"]
    own = f"[{', '.join(rest)}]"
    text = (
        f"m{own} = max[{inner}]({read})\ns{own} = log(sum[{inner}](exp({read} - m{own})))\n"
        f"y{target} = {read} - m{own} - s{own}"
    )
    return formula(t, text, [value], value.shape, value.batched)


@rule("CumSum", "CumProd")
def _running(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    axis = int(t.numbers(node.input[1])[0])
    function = running if node.op_type == "CumSum" else multiplied
    reverse, exclusive = bool(a.get("reverse", 0)), bool(a.get("exclusive", 0))
    t.values[node.output[0]] = function(t, t.get(node.input[0]), axis, reverse, exclusive)


@rule("ArgMax", "ArgMin")
def _argument(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    kind, last = ("max" if node.op_type == "ArgMax" else "min"), bool(a.get("select_last_index", 0))
    keep = bool(a.get("keepdims", 1))
    t.values[node.output[0]] = first_of(t, t.get(node.input[0]), int(a.get("axis", 0)), kind, keep, last)


@rule("LpNormalization")
def _unit(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    value, power = t.get(node.input[0]), int(a.get("p", 2))
    if power not in (1, 2):
        raise UnsupportedError(f"{t.name}: LpNormalization with p={power}; 1 and 2 have an equation")
    length = over_axes(t, "l1" if power == 1 else "l2", value, [int(a.get("axis", -1))], True)
    t.values[node.output[0]] = entrywise(t, "choose({1}, {0} / {1}, 0)", [value, length])


@rule("MeanVarianceNormalization")
def _standardised(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    value, axes = t.get(node.input[0]), [int(axis) for axis in a.get("axes", (0, 2, 3))]
    centred = entrywise(t, "{0} - {1}", [value, over_axes(t, "mean", value, axes, True)])
    variance = over_axes(t, "mean", entrywise(t, "{0}**2", [centred]), axes, True)
    t.values[node.output[0]] = entrywise(t, "{0} / (sqrt({1}) + 0.000000001)", [centred, variance])
