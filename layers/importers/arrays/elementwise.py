"""Functions of elements, one tensor or several of one shape; softmax; what a fixed mask does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sympy import Mul

from ....algebra.networks.network import Add, Network
from ....algebra.networks.network import Mul as Product
from ....algebra.sizes.normal_form import simplify
from ... import activation, arithmetic, reshape
from ..tensors import Shape, Tensor, Tensors
from .axes import repeated, reshaped

FUNCTIONS: dict[str, Callable[[], Network]] = {
    "relu": activation.ReLU, "sigmoid": activation.Sigmoid, "tanh": activation.Tanh, "mish": activation.Mish, "abs": activation.Abs,
    "exp": arithmetic.Exp, "log": arithmetic.Log, "sqrt": arithmetic.Sqrt, "sin": activation.Sine, "softplus": activation.Softplus,
    "neg": lambda: arithmetic.Scale(-1),
}  # fmt: skip
"""Functions of one tensor that have a layer of their own."""

ARITHMETIC: dict[str, tuple[Callable[[Any], Network], Callable[[], Network], bool]] = {
    "add": (arithmetic.Shift, Add, False), "sub": (lambda number: arithmetic.Shift(-number), arithmetic.Subtract, True),
    "mul": (arithmetic.Scale, Product, False), "div": (lambda number: arithmetic.Scale(1 / number), arithmetic.Divide, True),
}  # fmt: skip
"""A tensor with a number on its right, two tensors, and whether axes of size 1 are to be repeated for that."""


def applied(t: Tensors, layer: Network, value: Tensor, label: str = "") -> Tensor:
    """A layer that keeps the shape and treats every element alike."""
    return t.add(layer, [value], value.shape, value.batched, label)


def masked(t: Tensors, values: Iterable[tuple[str, Tensor]], shape: Shape, label: str = "") -> Tensor:
    """The sum of tensors under a fixed mask of a shape."""
    made = []
    for name, value in values:
        wide = value.wide(len(shape))
        batched = value.batched and wide[0] == shape[0] == 1 and len(wide) == len(value.shape)
        value = reshaped(t, value, wide, batched, f"{label}_axes_{name}")
        value = repeated(t, value, shape, f"{label}_wide_{name}")
        made.append(t.add(arithmetic.Masked(), [value], shape, batched, f"{label}_{name}"))
    return t.add(Add(), made, shape, made[0].batched, label) if len(made) > 1 else made[0]


def softmaxed(t: Tensors, value: Tensor, axis: int, label: str = "") -> Tensor:
    """Softmax along an axis."""
    axis %= len(value.shape)
    if axis == 0:
        value = t.whole(value)
    return t.add(softmax_along(axis - value.batched, len(value.own)), [value], value.shape, value.batched, label)


def softmax_along(place: int, rank: int) -> Network:
    """Softmax along an axis: the axis last, and back."""
    if place == rank - 1:
        return activation.Softmax()
    order = (*(other for other in range(rank) if other != place), place)
    back = tuple(order.index(other) for other in range(rank))
    return reshape.Permute(order) >> activation.Softmax() >> reshape.Permute(back)


def over_last_axes(layer: Network, own: Shape, count: int) -> Network:
    """A layer over the last axes taken as one."""
    if count == 1:
        return layer
    flat = (*own[: max(len(own) - count, 0)], simplify(Mul(*own[-count:])))
    return reshape.Reshape(flat) >> layer >> reshape.Reshape(own)
