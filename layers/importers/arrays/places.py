"""Elements at other places: repeated, turned, mirrored, looked up, strided, running sums and positions along an axis."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sympy import Expr, Integer, Mul

from ....algebra.errors import UnsupportedError
from ....algebra.sizes.normal_form import simplify
from ...formula import Numbers, Positions
from ..tensors import Shape, Tensor, Tensors
from .axes import viewed
from .formulas import Sizes, bracket, formula, names


def positions(t: Tensors, length: Expr, label: str = "") -> Tensor:
    """The numbers of the positions along an axis."""
    return t.add(Positions(length), [], (length,), False, label)


def table(t: Tensors, shape: Sequence[int], numbers: Iterable[Any], label: str = "") -> Tensor:
    """Numbers that are known."""
    words = [str(number) if not isinstance(number, float) else repr(number) for number in numbers]
    made = tuple(Integer(int(size)) for size in shape)
    return t.add(Numbers(made or (Integer(1),), " ".join(words)), [], made, False, label)


def _along(t: Tensors, value: Tensor, axis: int) -> tuple[Tensor, int, list[str]]:
    """A tensor of ours that has an axis, the number of that axis from the front, and an index for each axis."""
    axis %= len(value.shape)
    return t.whole(value) if axis == 0 else value, axis, names(len(value.shape))


def addressed(
    t: Tensors, value: Tensor, axis: int, place: str, length: Expr, sizes: Sizes, label: str = "", extra: str = ""
) -> Tensor:
    """The elements at a place along an axis, an expression in its index ``$``; ours has the axis."""
    value, axis, every = _along(t, value, axis)
    at = list(every)
    at[axis] = place.replace("$", every[axis])
    shape = (*value.shape[:axis], length, *value.shape[axis + 1 :])
    bound = f"{every[axis]} < {sizes(length)}"
    text = f"y{bracket(value, every)} = x1{bracket(value, at)}\nwhere {bound}{extra}"
    return formula(t, text, [value], shape, value.batched, sizes, label)


def tiled(t: Tensors, value: Tensor, counts: Sequence[Any], label: str = "") -> Tensor:
    """The whole tensor so many times, one after the other, along each axis."""
    for axis, count in enumerate(counts):
        if count != 1:
            sizes = Sizes()
            size = value.shape[axis]
            length = simplify(size * (count if isinstance(count, Expr) else Integer(int(count))))
            value = addressed(t, value, axis, f"$ % {sizes(size)}" if size != 1 else "0", length, sizes, label)
    return value


def stepped(t: Tensors, value: Tensor, axis: int, start: Any, length: Expr, step: int, label: str = "") -> Tensor:
    """Positions from `start` on, `step` apart; a negative step goes back."""
    sizes = Sizes()
    begin = sizes(start)
    place = f"{begin} + {step}*$" if step >= 0 else f"{begin} - {-step}*$"
    return addressed(t, value, axis, place, length, sizes, label)


def strided(t: Tensors, value: Tensor, shape: Shape, strides: Shape, offset: Expr, label: str = "") -> Tensor:
    """The elements in row-major order as one axis, read from an offset on; a step along an axis moves its stride further.

    The last place, offset + sum of stride * (size - 1) over the axes, is less than the number of elements.
    """
    count = simplify(Mul(*value.shape))
    last = simplify(offset + sum(stride * (size - 1) for stride, size in zip(strides, shape)))
    if offset.is_negative or simplify(count - last).is_nonpositive:
        raise UnsupportedError(f"{label}: the places {offset} to {last} are read of a tensor with {count} elements")
    flat = viewed(t, value, (count,), f"{label}_flat")
    sizes, batched = Sizes(), len(shape) > 1 and shape[0] == 1
    every = [index if size != 1 else "0" for index, size in zip(names(len(shape)), shape)]
    moved = [(index, size, stride) for index, size, stride in zip(every, shape, strides) if size != 1]
    place = " + ".join([sizes(offset), *(f"{sizes(stride)}*{index}" for index, _, stride in moved if stride != 0)])
    text = f"y[{', '.join(every[batched:]) or '0'}] = x1[{place}]"
    bounds = ", ".join(f"{index} < {sizes(size)}" for index, size, _ in moved)
    return formula(t, f"{text}\nwhere {bounds}" if bounds else text, [flat], shape, batched, sizes, label)


def margin(t: Tensors, value: Tensor, axis: int, before: int, after: int, mode: str, label: str = "") -> Tensor:
    """An axis continued at both ends: by its last element ("edge"), mirrored ("reflect"), or from the other end ("wrap")."""
    sizes = Sizes()
    size = value.shape[axis]
    n, b = sizes(size), sizes(before)
    length = simplify(size + before + after)
    if mode == "edge":
        place = f"max(min($ - {b}, {n} - 1), 0)"
    elif mode == "wrap":
        place = f"($ - {b}) % {n}"
    elif mode == "reflect":
        if size.is_Integer and max(before, after) >= size:
            raise UnsupportedError(f"{label}: a margin of {max(before, after)} mirrored from {size} elements")
        place = f"min(max($ - {b}, {b} - $), 2*({n} - 1) - max($ - {b}, {b} - $))"
    else:
        raise UnsupportedError(
            f"{label}: a margin of the kind {mode!r}; constant, edge, reflect and wrap have equations"
        )
    return addressed(t, value, axis, place, length, sizes, label)


def running(
    t: Tensors, value: Tensor, axis: int, reverse: bool = False, exclusive: bool = False, label: str = ""
) -> Tensor:
    """The sum of all elements up to each along an axis; `exclusive` leaves the element itself out."""
    value, axis, every = _along(t, value, axis)
    sizes = Sizes()
    n, step = sizes(value.shape[axis]), every[axis]
    rest = [index for place, index in enumerate(every) if place != axis and (place or not value.batched)]
    at = list(every)
    turned = f"{n} - 1 - {step}"
    at[axis] = turned if reverse else step
    inner = ", ".join([step, *rest])
    lines = [f"h[{inner}] = x1{bracket(value, at)} + h[{', '.join([f'{step}-1', *rest])}]"]
    name = "h"
    if exclusive:
        lines.append(f"g[{inner}] = pad[{step}: (1, 0 - 1)](h[{inner}])")
        name = "g"
    lines.append(f"y{bracket(value, every)} = {name}[{', '.join([turned if reverse else step, *rest])}]")
    text = "\n".join(lines) + f"\nwhere {step} < {n}"
    return formula(t, text, [value], value.shape, value.batched, sizes, label)


def multiplied(
    t: Tensors, value: Tensor, axis: int, reverse: bool = False, exclusive: bool = False, label: str = ""
) -> Tensor:
    """The product of all elements up to each along an axis."""
    value, axis, every = _along(t, value, axis)
    sizes = Sizes()
    n = sizes(value.shape[axis])
    at = list(every)
    at[axis] = "k"
    relation = (">" if reverse else "<") + ("" if exclusive else "=")
    text = f"y{bracket(value, every)} = prod[k](x1{bracket(value, at)})\nwhere k < {n}, {every[axis]} < {n}, k {relation} {every[axis]}"
    return formula(t, text, [value], value.shape, value.batched, sizes, label)


def first_of(
    t: Tensors,
    value: Tensor,
    axis: int,
    kind: str,
    keep: bool,
    last: bool = False,
    label: str = "",
    onehot: bool = False,
) -> Tensor:
    """The position of the largest ("max") or smallest ("min") element along an axis; of several, the first or the last one.

    With `onehot`, a tensor with 1 at that position and 0 elsewhere.
    """
    value, axis, every = _along(t, value, axis)
    sizes = Sizes()
    size = value.shape[axis]
    ramp = positions(t, size, f"{label}_positions")
    rest = [index for place, index in enumerate(every) if place != axis and (place or not value.batched)] or ["0"]
    j = every[axis]
    own = ", ".join(rest)
    read = f"x1{bracket(value, every)}"
    found = f"m[{own}] = {kind}[{j}]({read})\n"
    worst, choice = ("0 - 1", "max") if last else (sizes(size), "min")
    found += f"p[{own}] = {choice}[{j}](choose(equal({read}, m[{own}]), x2[{j}], {worst}))\n"
    if onehot:
        text = found + f"y{bracket(value, every)} = equal(x2[{j}], p[{own}])"
        return formula(t, text, [value, ramp], value.shape, value.batched, sizes, label)
    kept = tuple(Integer(1) if place == axis else one for place, one in enumerate(value.shape))
    shape = kept if keep else tuple(one for place, one in enumerate(value.shape) if place != axis)
    out = ["0" if place == axis else index for place, index in enumerate(every) if keep or place != axis]
    text = found + f"y{bracket(value, out)} = p[{own}]"
    return formula(t, text, [value, ramp], shape, value.batched, sizes, label)


def triangle(t: Tensors, value: Tensor, upper: bool, diagonal: int, label: str = "") -> Tensor:
    """The elements on and above (or below) a diagonal of the last two axes, zeros elsewhere."""
    rank = len(value.shape)
    value = t.whole(value) if rank == 2 else value
    rows, columns = (positions(t, size, f"{label}_positions") for size in value.shape[-2:])
    every = names(rank)
    i, j = every[-2:]
    at = bracket(value, every)
    read = f"x1{at}"
    shift = f"x2[{i}] + {diagonal}" if diagonal >= 0 else f"x2[{i}] - {-diagonal}"
    kept = f"choose(less(x3[{j}], {shift}), 0, {read})" if upper else f"choose(less({shift}, x3[{j}]), 0, {read})"
    return formula(t, f"y{at} = {kept}", [value, rows, columns], value.shape, value.batched, None, label)


def _from_either_end(read: str, size: str) -> str:
    """A place that counts from the end where it is negative."""
    return f"choose(less({read}, 0), {read} + {size}, {read})"


def looked_up(t: Tensors, value: Tensor, places: Tensor, axis: int, label: str = "") -> Tensor:
    """The elements at places that a tensor holds, along an axis; the axes of the places stand in its stead."""
    axis %= len(value.shape)
    value, places = (t.whole(value) if axis == 0 else value), (places if axis == 0 else t.whole(places))
    sizes = Sizes()
    ours, theirs = names(len(value.shape)), names(len(places.shape), "k")
    inner = bracket(places, theirs)
    lines = [f"z{inner} = {_from_either_end(f'x2{inner}', sizes(value.shape[axis]))}"]
    at = list(ours)
    at[axis] = f"z{inner}"
    out = [*ours[:axis], *theirs, *ours[axis + 1 :]]
    shape = (*value.shape[:axis], *places.shape, *value.shape[axis + 1 :])
    batched = value.batched or (axis == 0 and places.batched)
    target = out[1:] if batched else out
    lines.append(f"y[{', '.join(target) or '0'}] = x1{bracket(value, at)}")
    return formula(t, "\n".join(lines), [value, places], shape, batched, sizes, label)


def looked_up_alike(t: Tensors, value: Tensor, places: Tensor, axis: int, label: str = "") -> Tensor:
    """For every place of a tensor with equally many axes the element there along one axis, and where the place itself is along the others."""
    axis %= len(value.shape)
    batched = axis > 0 and value.batched and places.batched
    value, places = (one if batched else t.whole(one) for one in (value, places))
    for other, (size, wanted) in enumerate(zip(value.shape, places.shape)):
        if other != axis and size != wanted:
            value = stepped(t, value, other, 0, wanted, 1, f"{label}_part")
    sizes = Sizes()
    every = names(len(value.shape))
    inner = bracket(places, every)
    at = list(every)
    at[axis] = f"z{inner}"
    text = f"z{inner} = {_from_either_end(f'x2{inner}', sizes(value.shape[axis]))}\ny{inner} = x1{bracket(value, at)}"
    return formula(t, text, [value, places], places.shape, batched, sizes, label)


def looked_up_together(t: Tensors, value: Tensor, places: Tensor, shared: int, label: str = "") -> Tensor:
    """Elements at places that the last axis of a tensor holds, one for each of several axes; the first `shared` axes run together."""
    value, places = t.whole(value), t.whole(places)
    count = places.shape[-1]
    if not count.is_Integer or int(count) > len(value.shape) - shared:
        raise UnsupportedError(f"{label}: places of {count} axes in a tensor of the shape {value.shape}")
    depth = int(count)
    sizes = Sizes()
    theirs = names(len(places.shape) - 1, "k")
    rest = names(len(value.shape))[shared + depth :]
    lines, at = [], list(theirs[:shared])
    inner = f"[{', '.join(theirs) or '0'}]"
    for axis in range(depth):
        read = f"x2[{', '.join([*theirs, str(axis)])}]"
        lines.append(f"z{axis}{inner} = {_from_either_end(read, sizes(value.shape[shared + axis]))}")
        at.append(f"z{axis}{inner}")
    lines.append(f"y[{', '.join([*theirs, *rest]) or '0'}] = x1[{', '.join([*at, *rest])}]")
    shape: Shape = (*places.shape[:-1], *value.shape[shared + depth :])
    return formula(t, "\n".join(lines), [value, places], shape, False, sizes, label)


def reversed_by(t: Tensors, value: Tensor, lengths: Tensor, time: int, batch: int, label: str = "") -> Tensor:
    """The first so many elements along an axis turned, a number of its own for each position along another axis."""
    value = t.whole(value)
    every = names(len(value.shape))
    i, b = every[time], every[batch]
    ramp = positions(t, value.shape[time], f"{label}_positions")
    at = list(every)
    at[time] = f"z[{i}, {b}]"
    text = (
        f"z[{i}, {b}] = choose(less(x3[{i}], x2[{b}]), x2[{b}] - 1 - x3[{i}], x3[{i}])\n"
        f"y[{', '.join(every)}] = x1[{', '.join(at)}]"
    )
    return formula(t, text, [value, lengths, ramp], value.shape, False, None, label)


def one_hot(t: Tensors, places: Tensor, depth: Expr, off: Any, on: Any, axis: int, label: str = "") -> Tensor:
    """A new axis with one number at each place and another elsewhere."""
    places = t.whole(places)
    sizes = Sizes()
    ramp = positions(t, depth, f"{label}_positions")
    theirs = names(len(places.shape))
    axis %= len(theirs) + 1
    out = [*theirs[:axis], "k", *theirs[axis:]]
    read = f"x1[{', '.join(theirs) or '0'}]"
    text = f"y[{', '.join(out)}] = choose(equal({_from_either_end(read, sizes(depth))}, x2[k]), {on}, {off})"
    return formula(t, text, [places, ramp], (*places.shape[:axis], depth, *places.shape[axis:]), False, sizes, label)


def interpolated(
    t: Tensors,
    value: Tensor,
    axis: int,
    places: Sequence[Sequence[int]],
    weights: Sequence[Sequence[float]],
    label: str = "",
) -> Tensor:
    """Along an axis, weighted sums of elements at fixed places, as many for each position that comes out; one of weight 1 is copied."""
    length, taps = len(places), len(places[0])
    value, axis, every = _along(t, value, axis)
    at, i = list(every), every[axis]
    shape = (*value.shape[:axis], Integer(length), *value.shape[axis + 1 :])
    if taps == 1 and all(weight == [1.0] for weight in weights):
        held = [table(t, (length,), [row[0] for row in places], f"{label}_places")]
        at[axis] = f"x2[{i}]"
        right = f"x1{bracket(value, at)}"
    else:
        held = [
            table(t, (length, taps), [place for row in places for place in row], f"{label}_places"),
            table(t, (length, taps), [float(weight) for row in weights for weight in row], f"{label}_weights"),
        ]
        terms = []
        for tap in range(taps):  # weighed element by element, as a mean is: these are no multiply-accumulates
            at[axis] = f"x2[{i}, {tap}]"
            terms.append(f"x3[{i}, {tap}]*x1{bracket(value, at)}")
        right = " + ".join(terms)
    return formula(t, f"y{bracket(value, every)} = {right}", [value, *held], shape, value.batched, None, label)
