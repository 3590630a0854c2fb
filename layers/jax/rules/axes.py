"""Rules for primitives that change the shape or the order of axes."""

from __future__ import annotations

from sympy import Integer

from ...importers.arrays import permuted, repeated, reshaped, stepped, tiled
from ...importers.tensors import Tensor
from ..translator import Translator, own, rule
from ..values import Value


@rule("reshape", "squeeze", "expand_dims")
def _reshape(t: Translator, value: Value) -> Tensor:
    return reshaped(t, t.tensor(value.sources[0]), own(value.shape), label=value.primitive)


@rule("transpose")
def _transpose(t: Translator, value: Value) -> Tensor:
    return permuted(t, t.tensor(value.sources[0]), value.params["permutation"], value.primitive)


def narrow(t: Translator, value: Value) -> Tensor:
    """A value as a tensor whose repeated axes have the size 1, with as many axes as the value."""
    if value.fixed and value.steps is not None and len(value.shape) > 0:
        return t.tensor(value)
    if value.primitive != "broadcast_in_dim":
        return t.tensor(value)
    source = value.sources[0]
    shape = [Integer(1)] * len(value.shape)
    for size, place in zip(source.shape, value.params["broadcast_dimensions"]):
        shape[place] = size
    return reshaped(t, t.tensor(source), own(tuple(shape)), label="axes")


@rule("broadcast_in_dim")
def _broadcast(t: Translator, value: Value) -> Tensor:
    return repeated(t, narrow(t, value), own(value.shape), "broadcast")


@rule("copy", "copy_p", "stop_gradient", "convert_element_type", "reduce_precision", "optimization_barrier", "pvary", "sharding_constraint", "device_put")  # fmt: skip
def _same(t: Translator, value: Value) -> Tensor:
    return t.tensor(value.sources[value.output])


@rule("rev")
def _reversed(t: Translator, value: Value) -> Tensor:
    tensor = t.tensor(value.sources[0])
    for axis in value.params["dimensions"]:
        tensor = stepped(t, tensor, int(axis), value.shape[axis] - 1, value.shape[axis], -1, "reverse")
    return tensor


@rule("tile")
def _tile(t: Translator, value: Value) -> Tensor:
    return tiled(t, t.tensor(value.sources[0]), [t.sizes(count) for count in value.params["reps"]], "tile")
