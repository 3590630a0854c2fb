"""Parts of tensors, tensors put one after the other, margins around them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sympy import Expr, Integer, Tuple, sympify

from ....algebra.errors import UnsupportedError
from ....algebra.networks.network import Concat
from ....algebra.sizes.normal_form import simplify
from ... import arithmetic
from ..tensors import Tensor, Tensors
from .axes import reshaped

_ZERO = Integer(0)


def cut(t: Tensors, value: Tensor, axis: int, start: Any, length: Expr, label: str = "", step: int = 1) -> Tensor:
    """Some positions along an axis: the one at `start`, and every `step`-th after it."""
    axis %= len(value.shape)
    if axis == 0:
        value = t.whole(value)
    layer = arithmetic.Slice(axis - value.batched, start, length, len(value.own), step)
    shape = (*value.shape[:axis], length, *value.shape[axis + 1 :])
    return t.add(layer, [value], shape, value.batched, label)


def selected(t: Tensors, value: Tensor, axis: int, place: Any, label: str = "") -> Tensor:
    """One position along an axis, which is gone; a negative place counts from the end."""
    axis %= len(value.shape)
    shape = (*value.shape[:axis], *value.shape[axis + 1 :])
    if value.batched and axis == 0:
        return Tensor(value.name, shape, False)
    start = value.shape[axis] + place if isinstance(place, int) and place < 0 else place
    made = cut(t, value, axis, start, Integer(1), f"{label}_part")
    return reshaped(t, made, shape, made.batched, label)


def split(t: Tensors, value: Tensor, axis: int, lengths: Iterable[Expr], label: str = "") -> list[Tensor]:
    """Neighbouring parts along an axis, of so many positions each."""
    start: Expr = Integer(0)
    parts = []
    for number, length in enumerate(lengths):
        parts.append(cut(t, value, axis, start, length, f"{label}_{number}"))
        start = start + length
    return parts


def concatenated(t: Tensors, values: Sequence[Tensor], axis: int, label: str = "") -> Tensor:
    """Tensors one after the other along an axis."""
    if len(values) == 1:
        return values[0]
    axis %= len(values[0].shape)
    batched = axis > 0 and all(value.batched or value.shape[0] == 1 for value in values)
    parts = [(t.example if batched else t.whole)(value) for value in values]
    length = simplify(sum((part.shape[axis] for part in parts), Integer(0)))
    shape = (*parts[0].shape[:axis], length, *parts[0].shape[axis + 1 :])
    return t.add(Concat(axis=axis - batched), parts, shape, batched, label)


def replaced(t: Tensors, value: Tensor, part: Tensor, axis: int, start: Expr, label: str = "") -> Tensor:
    """A tensor with a part in place of what lies along an axis from a position on."""
    axis %= len(value.shape)
    size, end = value.shape[axis], simplify(start + part.shape[axis])
    pieces = [part]
    if start != 0:
        pieces.insert(0, cut(t, value, axis, Integer(0), start, f"{label}_before"))
    if simplify(size - end) != 0:
        pieces.append(cut(t, value, axis, end, simplify(size - end), f"{label}_after"))
    return concatenated(t, pieces, axis, label)


def stacked(t: Tensors, values: Sequence[Tensor], axis: int, label: str = "") -> Tensor:
    """Tensors of one shape one after the other along an axis of their own."""
    rank = len(values[0].shape) + 1
    axis %= rank
    wide = []
    for number, value in enumerate(values):
        shape = (*value.shape[:axis], Integer(1), *value.shape[axis:])
        wide.append(reshaped(t, value, shape, value.batched and axis > 0, f"{label}_{number}_axes"))
    return concatenated(t, wide, axis, label)


def padded(t: Tensors, value: Tensor, before: Sequence[Any], after: Sequence[Any], label: str = "") -> Tensor:
    """So many zeros before and after along every axis; where there are fewer than none, positions are cut off.

    A width whose sign depends on sizes is one of zeros: that it is none less is a condition of the layer.
    """
    rank = len(value.shape)
    widths = [(_size(one), _size(two)) for one, two in zip(before, after)]
    for axis in range(rank):
        ends = [-width if width.is_negative else _ZERO for width in widths[axis]]
        if any(ends):
            length = simplify(value.shape[axis] - ends[0] - ends[1])
            value = cut(t, value, axis, ends[0], length, f"{label}_{axis}_cut")
    widths = [(_ZERO if one.is_negative else one, _ZERO if two.is_negative else two) for one, two in widths]
    if not any(width for pair in widths for width in pair):
        return value
    if any(widths[0]):
        value = t.whole(value)
    own = widths[value.batched :]
    shape = tuple(simplify(one + size + two) for (one, two), size in zip(widths, value.shape))
    layer = arithmetic.Margin(Tuple(*(one for one, _ in own)), Tuple(*(two for _, two in own)))
    return t.add(layer, [value], shape, value.batched, label)


def _size(width: Any) -> Expr:
    return width if isinstance(width, Expr) else Integer(int(width))


def rolled(t: Tensors, value: Tensor, axis: int, shift: Any, label: str = "") -> Tensor:
    """Every position moved on by a number of places, the last ones to the front."""
    axis %= len(value.shape)
    size = value.shape[axis]
    if axis == 0 and value.batched or shift == 0:
        return value
    if size.is_Integer and isinstance(shift, int):
        shift %= int(size)
        if shift == 0:
            return value
    shift = sympify(shift)
    if shift.is_nonnegative is None:
        raise UnsupportedError(
            f"{label}: rolled by {shift} places, of which it is not known whether they are forward or backward"
        )
    first = simplify(size - shift) if shift.is_nonnegative else simplify(-shift)
    last = simplify(size - first)
    parts = [cut(t, value, axis, first, last, f"{label}_tail"), cut(t, value, axis, Integer(0), first, f"{label}_head")]
    return concatenated(t, parts, axis, label)
