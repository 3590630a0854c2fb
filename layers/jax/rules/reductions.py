"""Rules for reductions."""

from __future__ import annotations

from sympy import Integer

from ... import arithmetic
from ...importers.tensors import Tensor
from ..translator import Translator, own, rule
from ..values import Value

_KINDS = {"reduce_sum": arithmetic.Sum, "reduce_max": arithmetic.Maximum}


@rule(*_KINDS)
def _reduce(t: Translator, value: Value) -> Tensor:
    return reduced(t, _KINDS[value.primitive], value)


def reduced(t: Translator, kind, value: Value) -> Tensor:  # type: ignore[no-untyped-def]
    tensor, axes = t.tensor(value.sources[0]), [int(axis) for axis in value.params["axes"]]
    if not axes:
        return tensor
    if len(axes) == len(value.sources[0].shape):  # one number is a tensor with an axis of one element
        tensor = t.reshaped(tensor, (Integer(1), *tensor.shape), label="one_row")
        axes = [axis + 1 for axis in axes]
    return t.reduced(kind, tensor, axes, False, value.primitive)
