"""Rules for products: of any axes of two arrays, and convolutions."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

from sympy import Expr, Integer, Max, ceiling, floor

from ....algebra.errors import UnsupportedError
from ....algebra.sizes.normal_form import same, simplify
from ... import arithmetic, convolution, linear
from ...importers.arrays import padded, permuted, reshaped
from ...importers.tensors import Tensor
from ..tracing import StoredArray
from ..translator import Translator, own, rule
from ..values import Value


@rule("dot_general")
def _dot_general(t: Translator, value: Value) -> Tensor:
    (contracted, batch) = value.params["dimension_numbers"]
    sides = value.sources
    if not batch[0]:
        for place in (1, 0):
            made = _linear(t, value, place, [list(map(int, axes)) for axes in contracted])
            if made is not None:
                return made
    letters = iter(string.ascii_lowercase)
    names: list[dict[int, str]] = [{}, {}]
    if sum(len(side.shape) for side in sides) > 26:
        raise UnsupportedError("a product over more than 26 axes")
    for one, two in (*zip(*batch), *zip(*contracted)):
        names[0][int(one)] = names[1][int(two)] = next(letters)
    out = [names[0][int(axis)] for axis in batch[0]]
    shape = [sides[0].shape[int(axis)] for axis in batch[0]]
    for side, own_names in zip(sides, names):
        for axis, size in enumerate(side.shape):
            if axis not in own_names:
                own_names[axis] = next(letters)
                out.append(own_names[axis])
                shape.append(size)
    tensors, specs = [], []
    for side, own_names in zip(sides, names):
        tensor = t.tensor(side)
        spec = "".join(own_names[axis] for axis in range(len(side.shape)))
        if not out:  # a product that is one number has an axis of one element here
            tensor = reshaped(t, tensor, (Integer(1), *tensor.shape), label="one_row")
        tensors.append(tensor)
        specs.append("y" * (not out) + spec)
    return t.add(
        arithmetic.Einsum(f"{specs[0]},{specs[1]}->{''.join(out) or 'y'}"), tensors, own(tuple(shape)), label="product"
    )


def _linear(t: Translator, value: Value, place: int, contracted: Sequence[Sequence[int]]) -> Tensor | None:
    """The product with a learned matrix, if it is one: a linear layer over the axis that is summed."""
    weight, other = value.sources[place], value.sources[1 - place]
    while weight.stored is None and weight.primitive == "convert_element_type":
        weight = weight.sources[0]
    if (
        weight.stored is None
        or not weight.stored.learned
        or len(weight.shape) != 2
        or len(contracted[0]) != 1
        or other.without_input
    ):
        return None
    axis, summed = contracted[1 - place][0], contracted[place][0]
    tensor, rank = t.tensor(other), len(other.shape)
    tensor = permuted(t, tensor, (*(one for one in range(rank) if one != axis), axis), "last")
    size = weight.shape[1 - summed]
    made = t.add(linear.Linear(size, False), [tensor], (*tensor.shape[:-1], size), label="linear")
    t.hold(made, weight.stored)
    if place == 0 and rank > 1:  # the axis of the weight comes before those of the other
        made = permuted(t, made, (rank - 1, *range(rank - 1)), "first")
    return made


@rule("conv_general_dilated")
def _conv(t: Translator, value: Value) -> Tensor:
    params = value.params
    image, kernel = value.sources
    numbers = params["dimension_numbers"]
    if params["batch_group_count"] != 1:
        raise UnsupportedError("a convolution with groups of examples (batch_group_count) has no layer")
    groups = int(params["feature_group_count"])
    stride, dilation = (tuple(map(int, params[name])) for name in ("window_strides", "rhs_dilation"))
    spread = tuple(map(int, params["lhs_dilation"]))
    padding = [(t.sizes(before), t.sizes(after)) for before, after in params["padding"]]
    tensor = permuted(
        t, t.tensor(image), (numbers.lhs_spec[1], numbers.lhs_spec[0], *numbers.lhs_spec[2:]), "channels_first"
    )
    several = tensor.shape[1] != 1
    if several:  # examples are positions along one more axis, over which the kernel does not reach
        stride, dilation, spread = (1, *stride), (1, *dilation), (1, *spread)
        padding = [(Integer(0), Integer(0)), *padding]
    else:
        tensor = reshaped(t, tensor, (tensor.shape[0], *tensor.shape[2:]), label="one_example")
    window = tuple(kernel.shape[axis] for axis in numbers.rhs_spec[2:])
    window = (Integer(1), *window) if several else window
    channels = kernel.shape[numbers.rhs_spec[0]]
    out = tuple(value.shape[axis] for axis in numbers.out_spec)
    shape = (out[1], *((out[0],) if several else ()), *out[2:])
    weight = kernel
    while weight.stored is None and weight.primitive in ("convert_element_type", "rev", "transpose"):
        weight = weight.sources[0]
    if weight.stored is not None and weight.stored.learned and not image.without_input:
        made = _learned_conv(
            t, tensor, weight.stored, channels, window, stride, padding, dilation, spread, groups, shape
        )
    else:
        if set(spread) != {1}:
            raise UnsupportedError("a transposed convolution has a layer where its kernel is learned")
        rows = permuted(t, t.tensor(kernel), tuple(numbers.rhs_spec), "kernel_order")
        if several:
            rows = reshaped(t, rows, (*rows.shape[:2], Integer(1), *rows.shape[2:]), label="kernel_axes")
        tensor, even = _margin(t, tensor, padding)
        layer = convolution.DynamicConv(stride, even, dilation, groups)
        made = t.add(layer, [tensor, rows], shape, label="conv")
    made = made if several else reshaped(t, made, (shape[0], Integer(1), *shape[1:]), label="examples")
    order = (1, 0, *range(2, len(out)))  # channels and examples change places, then each axis goes where JAX has it
    back = [0] * len(out)
    for place, axis in enumerate(numbers.out_spec):
        back[axis] = order[place]
    return permuted(t, made, tuple(back), "channels_back")


def _learned_conv(
    t: Translator, tensor: Tensor, weight: StoredArray, channels: Expr, window: Sequence[Expr], stride: Sequence[int],
    padding: Sequence[tuple[Expr, Expr]], dilation: Sequence[int], spread: Sequence[int], groups: int, shape: tuple[Expr, ...],
) -> Tensor:  # fmt: skip
    if set(spread) != {1}:
        if set(stride) != {1}:
            raise UnsupportedError("a convolution with a stride over an input that is spread out has no layer")
        spreading = convolution.ConvTranspose(
            channels, _each(window), _each(spread), dilation=_each(dilation), groups=groups, bias=False
        )
        full = tuple(
            simplify(step * (size - 1) + reach * (width - 1) + 1)
            for size, step, reach, width in zip(tensor.shape[1:], spread, dilation, window)
        )
        made = t.hold(t.add(spreading, [tensor], (channels, *full), label="conv_transpose"), weight)
        ends = [
            (before - reach * (width - 1), after - reach * (width - 1))
            for (before, after), reach, width in zip(padding, dilation, window)
        ]
        before, after = ([Integer(0), *(pair[side] for pair in ends)] for side in (0, 1))
        return padded(t, made, before, after, "ends")
    sizes = tensor.shape[1:]
    if any(size != 0 for pair in padding for size in pair):
        wanted = [_same_padding(*axis) for axis in zip(sizes, window, stride, dilation)]
        if all(same(a, b) is True for pair, other in zip(padding, wanted) for a, b in zip(pair, other)):
            layer = convolution.Conv(channels, _each(window), _each(stride), "same", _each(dilation), groups, False)
            return t.hold(t.add(layer, [tensor], shape, label="conv"), weight)
    tensor, even = _margin(t, tensor, padding)
    layer = convolution.Conv(channels, _each(window), _each(stride), even, _each(dilation), groups, False)
    return t.hold(t.add(layer, [tensor], shape, label="conv"), weight)


def _each(sizes: Sequence[Any]) -> Any:
    """One size, or one for each axis where they differ."""
    return sizes[0] if len(set(sizes)) == 1 else tuple(sizes)


def _same_padding(size: Expr, window: Expr, stride: int, dilation: int) -> tuple[Expr, Expr]:
    span = dilation * (window - 1)
    total = Max(stride * (ceiling(size / stride) - 1) + span + 1 - size, 0)
    return floor(total / 2), total - floor(total / 2)


def _margin(t: Translator, tensor: Tensor, padding: Sequence[tuple[Expr, Expr]]) -> tuple[Tensor, Any]:
    """What a layer pads evenly by itself, and the tensor with margins of zeros where it does not."""
    if all(same(before, after) is True and before.is_nonnegative for before, after in padding):
        return tensor, _each([before for before, _ in padding])
    before, after = ([Integer(0), *(pair[side] for pair in padding)] for side in (0, 1))
    return padded(t, tensor, before, after, "pad"), 0
