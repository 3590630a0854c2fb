"""Kernels, biases and factors as arrays, and the windows of convolutions as sizes: what laws about linear layers share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy
from sympy import Expr, Integer, Tuple, sympify, true

from ...algebra.networks.layer import Layer
from ...algebra.sizes.decisions import at_least, equal, whole
from ..samples.structural import Inapplicable


def each_axis(value: Any, axes: int) -> tuple[Expr, ...]:
    """A field of a convolution, one value for each spatial axis."""
    found = tuple(value) if isinstance(value, (tuple, list, Tuple)) else (sympify(value),) * axes
    if len(found) != axes:
        raise Inapplicable
    return found


def margins(conv: Any, axes: int) -> tuple[Expr, ...]:
    """The zeros that stand on both sides, an axis each; convolutions with uneven margins are not spoken of."""
    if not isinstance(conv.padding, str):
        return each_axis(conv.padding, axes)
    spans = [d * (k - 1) for k, d in zip(each_axis(conv.kernel, axes), each_axis(conv.dilation, axes))]
    if all(equal(span, 0) == true for span in spans):
        return (Integer(0),) * axes
    if conv.padding == "same" and all(s == 1 for s in each_axis(conv.stride, axes)):
        if all(whole(span / 2) == true for span in spans):
            return tuple(span / 2 for span in spans)
    raise Inapplicable


def is_pointwise(conv: Any, axes: int) -> bool:
    """Whether every output reads one position, the one where it stands."""
    return (
        all(k == 1 for k in each_axis(conv.kernel, axes))
        and all(s == 1 for s in each_axis(conv.stride, axes))
        and all(equal(p, 0) == true for p in margins(conv, axes))
    )


def is_known(question: Any) -> bool:
    """Whether a question about sizes is answered with yes."""
    return bool(question == true)


def not_smaller(first: Sequence[Expr], second: Sequence[Expr]) -> bool:
    """Whether sizes are at least others, axis by axis, for certain."""
    return all(is_known(at_least(sympify(a), b)) for a, b in zip(first, second))


def short(values: Sequence[Expr]) -> Any:
    """One value for all axes, where they share it."""
    return values[0] if len(set(values)) == 1 else tuple(values)


def changed(layer: Layer, **fields: Any) -> Layer:
    """The layer with other fields."""
    made: Layer = type(layer)(**{name: fields.get(name, getattr(layer, name)) for name in layer.fields})
    return made


# arrays ------------------------------------------------------------------------------------------------------------------


def exact(array: Any) -> Any:
    """An array that multiplies without overflow: integers as Python's."""
    array = numpy.asarray(array)
    return array.astype(object) if array.dtype.kind in "iub" else array


def factor_and_shift(norm: Mapping[str, Any], epsilon: Any) -> tuple[Any, Any]:
    """What a normalisation with known statistics multiplies by and adds, channel by channel."""
    mean, variance = numpy.asarray(norm["m"], float), numpy.asarray(norm["v"], float)
    factor = numpy.asarray(norm.get("g", numpy.ones_like(variance)), float) / numpy.sqrt(variance + float(epsilon))
    return factor, numpy.asarray(norm.get("b", numpy.zeros_like(mean)), float) - factor * mean


def plain_statistics(channels: int, epsilon: Any, affine: bool) -> dict[str, Any]:
    """Statistics and factors with which a normalisation changes nothing."""
    one = numpy.ones(channels)
    found = {"m": 0 * one, "v": one - float(epsilon)}
    return {**found, "g": one, "b": 0 * one} if affine else found


def along_first(factor: Any, rank: int) -> Any:
    """A factor for each of the leading axes, to be multiplied with an array of more axes."""
    return factor.reshape(factor.shape + (1,) * (rank - factor.ndim))


def bias_of(arrays: Mapping[str, Any], shape: Sequence[int]) -> Any:
    """The bias, or zeros where there is none."""
    return exact(arrays["b"]).reshape(shape) if "b" in arrays else exact(numpy.zeros(shape, int))


def block_diagonal(kernel: Any, groups: int) -> Any:
    """A kernel (groups, out, in, *window) with fewer groups: what does not mix becomes zero."""
    kernel = exact(kernel)
    had, out, into, *window = kernel.shape
    each = had // groups
    made = numpy.zeros((groups, each * out, each * into, *window), kernel.dtype)
    for group in range(had):
        inside = group % each
        made[group // each, inside * out : (inside + 1) * out, inside * into : (inside + 1) * into] = kernel[group]
    return made


def embedded(kernel: Any, window: Sequence[int]) -> Any:
    """A kernel in the middle of a larger window of zeros."""
    kernel = exact(kernel)
    own = kernel.shape[3:]
    made = numpy.zeros((*kernel.shape[:3], *window), kernel.dtype)
    places: tuple[Any, ...] = tuple(slice((w - k) // 2, (w - k) // 2 + k) for w, k in zip(window, own))
    made[:, :, :, *places] = kernel
    return made


def diagonal(factor: Any, shape: Sequence[int]) -> Any:
    """The kernel that multiplies each channel by a factor; shape is that of a kernel with odd windows and as many channels out as in."""
    groups, out, into, *window = shape
    made = numpy.zeros(tuple(shape), exact(factor).dtype)
    factor = exact(factor).reshape(groups, out)
    middle: tuple[Any, ...] = tuple(k // 2 for k in window)
    for group in range(groups):
        for channel in range(out):
            made[group, channel, channel, *middle] = factor[group, channel]
    return made


def common_groups(first: Any, second: Any) -> Any:
    """The number of groups in which two convolutions can be written together."""
    if first == second:
        return first
    if first.is_Integer and second.is_Integer:
        return Integer(math.gcd(int(first), int(second)))
    if first == 1 or second == 1:
        return Integer(1)
    raise Inapplicable
