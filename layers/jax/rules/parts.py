"""Rules for parts of arrays: slices, margins, what stands side by side, and looking up."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Expr, Integer, Mul

from ....algebra.errors import UnsupportedError
from ....algebra.sizes.normal_form import simplify
from ... import embedding
from ...importers.arrays import (
    concatenated,
    cut,
    looked_up,
    margins,
    padded,
    permuted,
    repeated,
    reshaped,
    stacked,
    stepped,
)
from ...importers.arrays.places import looked_up_alike
from ...importers.tensors import Tensor
from ..fixed import number_of
from ..translator import Translator, own, rule
from ..values import Value
from .texts import number_text

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
            tensor = cut(t, tensor, axis, start, length, label, int(step))
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
    parts = [] if start == 0 else [cut(t, tensor, axis, ZERO, start, "before")]
    parts.append(t.tensor(update))
    if simplify(source.shape[axis] - end) != 0:
        parts.append(cut(t, tensor, axis, end, simplify(source.shape[axis] - end), "after"))
    return concatenated(t, parts, axis, "update")


@rule("concatenate")
def _concatenate(t: Translator, value: Value) -> Tensor:
    return concatenated(
        t, [t.tensor(source) for source in value.sources], int(value.params["dimension"]), "concatenate"
    )


@rule("split")
def _split(t: Translator, value: Value) -> Tensor:
    axis, lengths = int(value.params["axis"]), t.sizes.shape(value.params["sizes"])
    start = simplify(sum(lengths[: value.output], ZERO))
    return cut(t, t.tensor(value.sources[0]), axis, start, lengths[value.output], "split")


@rule("stack")
def _stack(t: Translator, value: Value) -> Tensor:
    return stacked(t, [t.tensor(source) for source in value.sources], int(value.params["axis"]), "stack")


@rule("pad")
def _pad(t: Translator, value: Value) -> Tensor:
    source, filler = value.sources
    number = number_of(filler)
    tensor = t.tensor(source)
    config = [
        (t.sizes(before), t.sizes(after), int(inside)) for before, after, inside in value.params["padding_config"]
    ]
    if any(inside for _, _, inside in config):
        if number != 0:
            raise UnsupportedError("numbers other than 0 between elements have no layer")
        for axis, (_, _, inside) in enumerate(config):
            if inside:
                tensor = _spread(t, tensor, axis, inside)
    before, after = [one for one, _, _ in config], [two for _, two, _ in config]
    if number == 0:
        return padded(t, tensor, before, after, "pad")
    shown = number_text(number) if number is not None else None
    if shown is not None:
        return margins(t, tensor, before, after, shown, label="pad")
    return margins(t, tensor, before, after, filler=t.tensor(filler), label="pad")


def _spread(t: Translator, tensor: Tensor, axis: int, inside: int) -> Tensor:
    """Zeros between the elements of an axis: each gets its zeros, and those of the last are cut off."""
    shape = tensor.shape
    tensor = reshaped(t, tensor, (*shape[: axis + 1], ONE, *shape[axis + 1 :]), label="spread")
    widths = [Integer(inside) if place == axis + 1 else ZERO for place in range(len(shape) + 1)]
    tensor = padded(t, tensor, [ZERO] * len(widths), widths, "spread")
    size = simplify(shape[axis] * (inside + 1))
    tensor = reshaped(t, tensor, (*shape[:axis], size, *shape[axis + 1 :]), label="spread")
    return cut(t, tensor, axis, ZERO, simplify(size - inside), "spread")


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
            if Mul(*inner.shape) != Mul(*value.shape) or inner.fixed:
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
    if not indices.shape[-1:] or indices.shape[-1] == 0:
        raise UnsupportedError("a lookup without an address has no layer")
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
        tensor = reshaped(t, tensor, own((*(ONE,) * len(batch), *kept)), label="part_axes")
        tensor = repeated(t, tensor, own((*batch, *kept)), "part_wide")
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
        starts = [ZERO if other == axis else fixed.get(other, ZERO) for other in range(len(table.shape))]
        shape = [table.shape[axis] if other == axis else lengths[other] for other in range(len(table.shape))]
        tensor = cuts(t, t.tensor(table), starts, shape, (1,) * len(starts), "part")
        start, step = place.steps
        length = simplify(Mul(*batch))
        if step > 0 and not (start == 0 and step == 1 and length == shape[axis]):
            tensor = cut(t, tensor, axis, start, length, "slice", int(step))
        elif step < 0:
            tensor = stepped(t, tensor, axis, start, length, int(step), "slice")
        made = permuted(t, tensor, (axis, *rest), "axis_first")
    else:
        starts = [ZERO if other == axis else fixed.get(other, ZERO) for other in range(len(table.shape))]
        shape = [table.shape[axis] if other == axis else lengths[other] for other in range(len(table.shape))]
        tensor = cuts(t, t.tensor(table), starts, shape, (1,) * len(starts), "part")
        tensor = permuted(t, tensor, (axis, *rest), "axis_first")
        made = looked_up(t, tensor, t.tensor(index), 0, "lookup")
    kept = tuple(lengths[other] for other in rest if other not in numbers.collapsed_slice_dims)
    if axis not in numbers.collapsed_slice_dims:
        before = sum(other < axis for other in rest if other not in numbers.collapsed_slice_dims)
        kept = (*kept[:before], ONE, *kept[before:])
    made = reshaped(t, made, own((*batch, *kept)), label="looked_up")
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
    """One element along an axis for each position along the others, as `take_along_axis` looks them up."""
    table, indices = value.sources
    numbers, lengths = value.params["dimension_numbers"], t.sizes.shape(value.params["slice_sizes"])
    rank = len(table.shape)
    own_batch, their_batch = (
        list(map(int, axes)) for axes in (numbers.operand_batching_dims, numbers.start_indices_batching_dims)
    )
    places = dict(zip(map(int, numbers.start_index_map), _components(indices)))
    if len(places) != 1 or len(own_batch) != rank - 1 or numbers.offset_dims or any(size != 1 for size in lengths):
        raise UnsupportedError("a lookup in which some axes run together and others are copied has no layer")
    ((axis, place),) = places.items()
    free = [other for other in range(len(indices.shape) - 1) if other not in their_batch]
    if len(free) > 1:
        raise UnsupportedError("a lookup with more axes of addresses than the table has has no layer")
    found = reshaped(t, t.tensor(place), own(indices.shape[:-1]), label="addresses")
    if not free:
        found = reshaped(t, found, (*found.shape, ONE), label="addresses")
        free = [len(indices.shape) - 1]
    order = [free[0] if other == axis else their_batch[own_batch.index(other)] for other in range(rank)]
    made = looked_up_alike(t, t.tensor(table), permuted(t, found, order, "addresses"), axis, "lookup")
    back = sorted(range(rank), key=lambda other: order[other])
    return reshaped(t, permuted(t, made, back, "axes_back"), own(value.shape), label="looked_up")
