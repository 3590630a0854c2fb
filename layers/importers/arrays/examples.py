"""Layers of (channels, *spatial) on tensors of (examples, channels, *spatial)."""

from __future__ import annotations

from typing import Any

from sympy import Integer

from ....algebra.networks.network import Network
from ....algebra.sizes.normal_form import simplify
from ... import normalization
from ..tensors import Shape, Tensor, Tensors, per_axis
from .axes import permuted, reshaped


def has_several_examples(value: Tensor) -> bool:
    """Whether the leading axis is no batch of one: what was folded into it is part of the example."""
    return not value.batched and value.shape[0] != 1


def along(value: Tensor, given: Any, neutral: int) -> Any:
    """A layer's numbers for each spatial axis; several examples are one more such axis, in which each position is by itself."""
    if not has_several_examples(value):
        return per_axis(given)
    numbers = given if isinstance(given, (tuple, list)) else [given] * (len(value.shape) - 2)
    return tuple([neutral, *numbers])


def over_examples(t: Tensors, layer: Network, value: Tensor, shape: Shape, label: str = "") -> Tensor:
    """A layer of (channels, *spatial), its numbers made by `along`, for each example."""
    if not has_several_examples(value):
        return t.add(layer, [t.example(value)], shape, True, label)
    order = (1, 0, *range(2, len(value.shape)))
    value = permuted(t, value, order, f"{label}_examples")
    made = t.add(layer, [value], (shape[1], shape[0], *shape[2:]), False, f"{label}_channels")
    return permuted(t, made, order, label)


def normalised_in_groups(t: Tensors, value: Tensor, groups: Any, epsilon: float, label: str = "") -> Tensor:
    """Every group of neighbouring channels of every example, over all its positions, without a weight."""
    rest = Integer(1)
    for size in value.shape[1:]:
        rest = simplify(rest * size)
    flat = reshaped(t, t.whole(value), (value.shape[0], groups, simplify(rest / groups)), label=f"{label}_groups")
    made = t.add(normalization.LayerNorm(False, False, epsilon), [flat], flat.shape, False, f"{label}_normalised")
    return reshaped(t, made, value.shape, label=label)
