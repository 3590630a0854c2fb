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

TEXTS: dict[str, str] = {
    **{name: f"{name}({{0}})" for name in
       ("cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh", "floor", "ceil", "trunc", "round", "sign")},
    "log1p": "log(1 + {0})", "expm1": "exp({0}) - 1", "exp2": "exp(0.6931471805599453*{0})", "erfc": "1 - erf({0})",
    "maximum": "max({0}, {1})", "minimum": "min({0}, {1})", "equal": "equal({0}, {1})", "not_equal": "1 - equal({0}, {1})",
    "less": "less({0}, {1})", "greater": "less({1}, {0})", "less_equal": "1 - less({1}, {0})", "greater_equal": "1 - less({0}, {1})",
    "bitand": "bitand({0}, {1})", "bitor": "bitor({0}, {1})", "bitxor": "bitxor({0}, {1})", "remainder_of_trunc": "{0} - {1}*trunc({0}/{1})",
}  # fmt: skip
"""Functions of elements as an equation writes them: ``{0}``, ``{1}`` are the arguments."""

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
