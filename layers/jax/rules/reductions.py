"""Rules for reductions, running sums, and what orders elements."""

from __future__ import annotations

from sympy import Integer

from ... import arithmetic
from ...importers.arrays import first_of, multiplied, opaque, over_axes, reduced, reshaped, running
from ...importers.tensors import Tensor
from ..translator import Translator, own, rule
from ..values import Value

_LAYERS = {"reduce_sum": arithmetic.Sum, "reduce_max": arithmetic.Maximum}
_KINDS = {"reduce_min": "min", "reduce_prod": "prod", "reduce_or": "max", "reduce_and": "min"}


@rule(*_LAYERS, *_KINDS)
def _reduce(t: Translator, value: Value) -> Tensor:
    tensor, axes = t.tensor(value.sources[0]), [int(axis) for axis in value.params["axes"]]
    if not axes:
        return tensor
    if len(axes) == len(value.sources[0].shape):  # one number is a tensor with an axis of one element
        tensor = reshaped(t, tensor, (Integer(1), *tensor.shape), label="row")
        axes = [axis + 1 for axis in axes]
    if value.primitive in _LAYERS:
        return reduced(t, _LAYERS[value.primitive], tensor, axes, False, value.primitive)
    return over_axes(t, _KINDS[value.primitive], tensor, axes, False, value.primitive)


@rule("argmax", "argmin")
def _place(t: Translator, value: Value) -> Tensor:
    tensor, (axis,) = t.tensor(value.sources[0]), value.params["axes"]
    if not value.shape:
        tensor, axis = reshaped(t, tensor, (Integer(1), *tensor.shape), label="row"), axis + 1
    return first_of(t, tensor, int(axis), value.primitive.removeprefix("arg"), False, label=value.primitive)


@rule("cumsum")
def _running_sum(t: Translator, value: Value) -> Tensor:
    return running(
        t, t.tensor(value.sources[0]), int(value.params["axis"]), bool(value.params["reverse"]), label="cumsum"
    )


@rule("cumprod")
def _running_product(t: Translator, value: Value) -> Tensor:
    return multiplied(
        t, t.tensor(value.sources[0]), int(value.params["axis"]), bool(value.params["reverse"]), label="cumprod"
    )


@rule("cummax", "cummin", "cumlogsumexp", "sort", "top_k", "approx_top_k")
def _ordered(t: Translator, value: Value) -> Tensor:
    return opaque(t, value.primitive, [t.tensor(source) for source in value.sources], own(value.shape), value.primitive)
