"""Rules for parts of arrays: slices, margins, what stands side by side, and looking up."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from sympy import Expr, Integer

from ....algebra.errors import UnsupportedError
from ....algebra.sizes.normal_form import simplify
from ... import arithmetic, embedding, reshape
from ...importers.tensors import Tensor
from ..fixed import number_of
from ..translator import Translator, own, rule
from ..values import Value
from .axes import permuted

ZERO, ONE = Integer(0), Integer(1)


@rule("slice")
def _slice(t: Translator, value: Value) -> Tensor:
    tensor = t.tensor(value.sources[0])
    starts = t.sizes.shape(value.params["start_indices"])
    steps = value.params["strides"] or (1,) * len(starts)
    return cuts(t, tensor, starts, value.shape, steps, "slice")


def cuts(
    t: Translator, tensor: Tensor, starts: Sequence[Expr], shape: Sequence[Expr], steps: Sequence[int], label: str
) -> Tensor:
    """Parts along every axis."""
    for axis, (start, length, step) in enumerate(zip(starts, shape, steps)):
        if start != 0 or length != tensor.shape[axis]:
            tensor = t.cut(tensor, axis, start, length, label, int(step))
    return tensor


@rule("dynamic_slice")
def _dynamic_slice(t: Translator, value: Value) -> Tensor:
    source, *places = value.sources
    starts = _known_starts(source.shape, value.shape, places)
    return cuts(t, t.tensor(source), starts, value.shape, (1,) * len(starts), "slice")


def _known_starts(shape: Sequence[Expr], length: Sequence[Expr], places: Sequence[Value]) -> list[Expr]:
    starts = []
    for size, part, place in zip(shape, length, places):
        number = ZERO if part == size else number_of(place)
        if number is None:
            raise UnsupportedError(
                "where the slice begins depends on the data\n  write instead: a fixed place, which is enough for the cost"
            )
        starts.append(max(ZERO, min(number, size - part)) if (size - part).is_Integer else number)
    return starts


@rule("dynamic_update_slice")
def _dynamic_update(t: Translator, value: Value) -> Tensor:
    source, update, *places = value.sources
    starts = _known_starts(source.shape, update.shape, places)
    changed = [axis for axis, (size, part) in enumerate(zip(source.shape, update.shape)) if size != part]
    if not changed:
        return t.tensor(update)
    if len(changed) > 1:
        raise UnsupportedError("an update of a part along several axes has no layer")
    (axis,) = changed
    tensor, start, end = t.tensor(source), starts[axis], starts[axis] + update.shape[axis]
    parts = [] if start == 0 else [t.cut(tensor, axis, ZERO, start, "before")]
    parts.append(t.tensor(update))
    if simplify(source.shape[axis] - end) != 0:
        parts.append(t.cut(tensor, axis, end, simplify(source.shape[axis] - end), "after"))
    return t.concatenated(parts, axis, "update")


@rule("concatenate")
def _concatenate(t: Translator, value: Value) -> Tensor:
    return t.concatenated([t.tensor(source) for source in value.sources], int(value.params["dimension"]), "concatenate")


@rule("pad")
def _pad(t: Translator, value: Value) -> Tensor:
    source, number = value.sources
    if number_of(number) != 0 and any(size != 0 for widths in value.params["padding_config"] for size in widths):
        raise UnsupportedError(f"a margin of {number_of(number)} has no layer")
    tensor = t.tensor(source)
    config = [
        (t.sizes(before), t.sizes(after), int(inside)) for before, after, inside in value.params["padding_config"]
    ]
    for axis, (_, _, inside) in enumerate(config):
        if inside:
            tensor = _spread(t, tensor, axis, inside)
    return padded(t, tensor, [(before, after) for before, after, _ in config])


def _spread(t: Translator, tensor: Tensor, axis: int, inside: int) -> Tensor:
    """Zeros between the elements of an axis: each gets its zeros, and those of the last are cut off."""
    shape = tensor.shape
    tensor = t.reshaped(tensor, (*shape[: axis + 1], ONE, *shape[axis + 1 :]), label="spread")
    tensor = padded(
        t, tensor, [(ZERO, Integer(inside) if place == axis + 1 else ZERO) for place in range(len(shape) + 1)]
    )
    size = simplify(shape[axis] * (inside + 1))
    tensor = t.reshaped(tensor, (*shape[:axis], size, *shape[axis + 1 :]), label="spread")
    return t.cut(tensor, axis, ZERO, simplify(size - inside), "spread")


def padded(t: Translator, tensor: Tensor, widths: Sequence[tuple[Expr, Expr]]) -> Tensor:
    """A tensor with margins of zeros; a negative width cuts."""
    cut = [
        (max(-before, ZERO) if before.is_number else ZERO, max(-after, ZERO) if after.is_number else ZERO)
        for before, after in widths
    ]
    for axis, (before, after) in enumerate(cut):
        if before != 0 or after != 0:
            tensor = t.cut(tensor, axis, before, simplify(tensor.shape[axis] - before - after), "cut")
    wide = [(before + less, after + fewer) for (before, after), (less, fewer) in zip(widths, cut)]
    if all(size == 0 for pair in wide for size in pair):
        return tensor
    shape = tuple(simplify(size + before + after) for size, (before, after) in zip(tensor.shape, wide))
    layer = arithmetic.Margin(tuple(before for before, _ in wide), tuple(after for _, after in wide))
    return t.add(layer, [tensor], shape, label="pad")


# looking up ----------------------------------------------------------------------------------------------------------


def plain_index(value: Value) -> Value:
    """The integers from which an address is made: without the axes around them, and without counting from the end, which is for
    negative ones."""
    while True:
        if value.primitive in (
            "convert_element_type",
            "broadcast_in_dim",
            "reshape",
            "squeeze",
            "expand_dims",
            "copy",
            "clamp",
        ):
            inner = value.sources[1] if value.primitive == "clamp" else value.sources[0]
            if prod(inner.shape) != prod(value.shape) or inner.fixed:
                return value
            value = inner
        elif value.primitive == "select_n" and len(value.sources) == 3:
            asked, kept, moved = value.sources
            if asked.primitive != "lt" or number_of(asked.sources[1]) != 0 or asked.sources[0] is not kept:
                return value
            if moved.primitive != "add" or kept not in moved.sources:
                return value
            value = kept
        else:
            return value


def _components(indices: Value) -> list[Value]:
    """The addresses along each axis: the columns of the last axis."""
    if indices.shape[-1] == 1:
        return [indices]
    if indices.primitive == "concatenate" and int(indices.params["dimension"]) == len(indices.shape) - 1:
        return [column for source in indices.sources for column in _components(source)]
    raise UnsupportedError(
        "addresses along several axes that are not put together from one for each axis have no layer"
    )


@rule("gather")
def _gather(t: Translator, value: Value) -> Tensor:
    table, indices = value.sources
    numbers, lengths = value.params["dimension_numbers"], t.sizes.shape(value.params["slice_sizes"])
    if numbers.operand_batching_dims:
        return _along(t, value)
    places = dict(zip(map(int, numbers.start_index_map), _components(indices)))
    fixed: dict[int, Expr] = {}
    moving: dict[int, Value] = {}
    for axis, place in places.items():
        number = number_of(place)
        if number is not None:
            fixed[axis] = number
        else:
            moving[axis] = place
    if len(moving) > 1:
        raise UnsupportedError(f"looking up along {len(moving)} axes at once has no layer")
    batch = indices.shape[:-1]
    if not moving:
        tensor = t.tensor(table)
        starts = [fixed.get(axis, ZERO) for axis in range(len(table.shape))]
        tensor = cuts(t, tensor, starts, lengths, (1,) * len(starts), "part")
        kept = tuple(size for axis, size in enumerate(lengths) if axis not in numbers.collapsed_slice_dims)
        tensor = t.reshaped(tensor, own((*(ONE,) * len(batch), *kept)), label="part_axes")
        tensor = t.repeated(tensor, own((*batch, *kept)), "part_wide")
        return _ordered(t, tensor, len(batch), numbers.offset_dims, value)
    ((axis, place),) = moving.items()
    if lengths[axis] != 1:
        raise UnsupportedError("windows at addresses that depend on the data have no layer")
    index = plain_index(place)
    rest = [other for other in range(len(table.shape)) if other != axis]
    whole = all(lengths[other] == table.shape[other] for other in rest)
    if (
        table.stored is not None
        and table.stored.learned
        and len(table.shape) == 2
        and axis == 0
        and whole
        and not index.without_input
    ):
        made = t.add(
            embedding.Embedding(*table.shape), [t.tensor(index)], (*own(index.shape), table.shape[1]), label="embedding"
        )
        t.hold(made, table.stored)
    elif place.steps is not None and len([size for size in batch if size != 1]) <= 1:
        tensor = t.tensor(table)
        length = prod(batch)
        starts = [place.steps[0] if other == axis else fixed.get(other, ZERO) for other in range(len(table.shape))]
        shape = [length if other == axis else lengths[other] for other in range(len(table.shape))]
        steps = [int(place.steps[1]) if other == axis else 1 for other in range(len(table.shape))]
        if any(step < 1 for step in steps):
            raise UnsupportedError("positions in reverse order have no layer")
        made = permuted(t, cuts(t, tensor, starts, shape, steps, "slice"), (axis, *rest), "axis_first")
    else:
        raise UnsupportedError("todo: take")
    kept = tuple(lengths[other] for other in rest if other not in numbers.collapsed_slice_dims)
    if axis not in numbers.collapsed_slice_dims:
        before = sum(other < axis for other in rest if other not in numbers.collapsed_slice_dims)
        kept = (*kept[:before], ONE, *kept[before:])
    made = t.reshaped(made, own((*batch, *kept)), label="looked_up")
    return _ordered(t, made, len(batch), numbers.offset_dims, value)


def _ordered(t: Translator, tensor: Tensor, batch: int, offset: Sequence[int], value: Value) -> Tensor:
    """The axes of addresses and those of what was looked up, where JAX has them."""
    rank = len(value.shape)
    if not rank:
        return tensor
    order = [0] * rank
    looked, found = iter(range(batch)), iter(range(batch, rank))
    for axis in range(rank):
        order[axis] = next(found) if axis in offset else next(looked)
    return permuted(t, tensor, tuple(order), "axes_back")


def _along(t: Translator, value: Value) -> Tensor:
    raise UnsupportedError("todo: along")
