"""Rules for primitives that change the shape or the order of axes."""

from __future__ import annotations

from sympy import Integer

from ... import reshape
from ...importers.tensors import Tensor
from ..translator import Translator, own, rule
from ..values import Value


@rule("reshape", "squeeze", "expand_dims")
def _reshape(t: Translator, value: Value) -> Tensor:
    if value.params.get("dimensions") is not None and value.primitive == "reshape":
        raise NotImplementedError
    return t.reshaped(t.tensor(value.sources[0]), own(value.shape), label=value.primitive)


@rule("transpose")
def _transpose(t: Translator, value: Value) -> Tensor:
    order = tuple(int(axis) for axis in value.params["permutation"])
    return permuted(t, t.tensor(value.sources[0]), order, value.primitive)


def permuted(t: Translator, tensor: Tensor, order: tuple[int, ...], label: str) -> Tensor:
    """A tensor with its axes in another order."""
    if order == tuple(range(len(order))):
        return tensor
    return t.add(reshape.Permute(order), [tensor], tuple(tensor.shape[axis] for axis in order), label=label)


def narrow(t: Translator, value: Value) -> Tensor:
    """A value as a tensor whose repeated axes have the size 1, with as many axes as the value."""
    source = value
    if value.primitive != "broadcast_in_dim" or value.fixed or value.tensor is not None and not value.sources:
        return t.tensor(value)
    source = value.sources[0]
    places = tuple(value.params["broadcast_dimensions"])
    shape = [Integer(1)] * len(value.shape)
    for size, place in zip(source.shape, places):
        shape[place] = size
    return t.reshaped(t.tensor(source), own(tuple(shape)), label="broadcast_axes")


@rule("broadcast_in_dim")
def _broadcast(t: Translator, value: Value) -> Tensor:
    return t.repeated(narrow(t, value), own(value.shape), value.primitive)


@rule(
    "copy",
    "copy_p",
    "stop_gradient",
    "convert_element_type",
    "reduce_precision",
    "optimization_barrier",
    "pvary",
    "sharding_constraint",
    "device_put",
)
def _same(t: Translator, value: Value) -> Tensor:
    return t.tensor(value.sources[value.output])
