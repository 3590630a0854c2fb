"""Axes in another shape or order, and axes of size 1 repeated."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sympy import Integer, Mul

from ....algebra.errors import UnsupportedError
from ....algebra.sizes.normal_form import same
from ... import arithmetic, reshape
from ..tensors import Shape, Tensor, Tensors


def reshaped(t: Tensors, value: Tensor, shape: Shape, batched: bool = False, label: str = "") -> Tensor:
    """The elements of a tensor in another shape; `batched` says whether ours is to lack the leading axis."""
    own = Tensor("", shape, batched).own
    if value.own == own:
        return Tensor(value.name, shape, batched)
    return t.add(reshape.Reshape(own), [value], shape, batched, label)


def viewed(t: Tensors, value: Tensor, shape: Shape, label: str = "") -> Tensor:
    """As `reshaped`; ours lacks a leading axis of size 1."""
    batched = len(shape) > 1 and shape[0] == 1
    own = Tensor("", shape, batched).own
    if own == value.own:
        return Tensor(value.name, shape, batched)
    if same(Mul(*own), Mul(*value.own)) is False:
        raise UnsupportedError(f"{label}: {value.own} does not hold as many elements as {own}")
    flat = len(own) == 1 and len(value.own) > 1
    return t.add(reshape.Flatten() if flat else reshape.Reshape(own), [value], shape, batched, label)


def squeezed(t: Tensors, value: Tensor, axes: Iterable[int], label: str = "") -> Tensor:
    """Axes of size 1 taken away."""
    gone = {int(axis) % len(value.shape) for axis in axes}
    return viewed(t, value, tuple(size for axis, size in enumerate(value.shape) if axis not in gone), label)


def permuted(t: Tensors, value: Tensor, order: Sequence[int], label: str = "") -> Tensor:
    """The axes in another order: ``order[k]`` is the axis that comes to place k. Axes that were moved before are moved once."""
    rank = len(value.shape)
    order = [int(axis) % rank for axis in order]
    shape = tuple(value.shape[axis] for axis in order)
    if order == list(range(rank)):
        return value
    if (
        not value.batched
        and value.name in t.orders
        and t.orders[value.name][0].shape
        == tuple(value.shape[t.orders[value.name][1].index(axis)] for axis in range(rank))
    ):
        first, before = t.orders[value.name]
        return permuted(t, first, [before[axis] for axis in order], label)
    if not value.batched:
        made = t.add(reshape.Permute(tuple(order)), [value], shape, False, label)
        t.orders[made.name] = value, order
        return made
    # The leading axis of size 1 may move: the other axes keep or change their order, and then it is part of the shape.
    moved = tuple(axis - 1 for axis in order if axis != 0)
    if order[0] == 0:
        return t.add(reshape.Permute(moved), [value], shape, True, label)
    if moved != tuple(range(rank - 1)):
        ordered = (Integer(1), *(value.own[axis] for axis in moved))
        value = t.add(reshape.Permute(moved), [value], ordered, True, f"{label}_order")
    return t.add(reshape.Reshape(shape), [value], shape, False, label)


def repeated(t: Tensors, value: Tensor, shape: Shape, label: str = "") -> Tensor:
    """Axes of size 1 repeated to a shape with equally many axes."""
    target = shape[1:] if value.batched else shape
    axes = tuple(axis for axis, (a, b) in enumerate(zip(value.own, target)) if a != b)
    if not axes:
        return Tensor(value.name, shape, value.batched)
    return t.add(arithmetic.Expand(axes, target), [value], shape, value.batched, label)


def expanded(t: Tensors, value: Tensor, shape: Shape, label: str = "") -> Tensor:
    """Axes of size 1 put before a tensor, and repeated, up to a shape."""
    if value.shape == shape:
        return value
    whole = t.whole(value)
    return repeated(t, reshaped(t, whole, whole.wide(len(shape)), label=f"{label}_axes"), shape, label)


def aligned(
    t: Tensors,
    values: Sequence[Tensor],
    shape: Shape,
    stretch: bool,
    label: str = "",
    names: Sequence[str] = ("", "", ""),
) -> list[Tensor]:
    """Tensors with equally many axes; those of size 1 repeated (`stretch`) where a join does not do it by itself."""
    rank = len(shape)
    batched = any(value.batched for value in values) and all(value.wide(rank)[0] == 1 for value in values)
    made = []
    for value, name in zip(values, names):
        value = reshaped(t, value, value.wide(rank), batched, f"{label}_axes_{name}")
        target = (Integer(1), *shape[1:]) if batched else shape
        made.append(repeated(t, value, target, f"{label}_wide_{name}") if stretch else value)
    return made
