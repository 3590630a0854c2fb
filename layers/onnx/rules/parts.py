"""Rules for ONNX's operators that take parts of tensors, repeat them, or put margins around them."""

from __future__ import annotations

from typing import Any

from sympy import Expr, Integer, ceiling

from ....algebra.errors import UnsupportedError
from ....algebra.sizes.normal_form import same, simplify
from ... import embedding, reshape
from ...importers.arrays import (
    cut,
    formula,
    looked_up,
    looked_up_alike,
    looked_up_together,
    margin,
    margins,
    one_hot,
    padded,
    permuted,
    positions,
    repeated,
    reshaped,
    reversed_by,
    stepped,
    taken,
    tiled,
)  # fmt: skip
from ...importers.tensors import Tensor
from ..attributes import Attributes
from ..translator import OnnxTranslator, number_of, rule


def axis_of(t: OnnxTranslator, axis: Any, rank: int) -> int:
    """An axis of a tensor with so many, counted from either end."""
    if not -rank <= int(axis) < rank:
        raise UnsupportedError(f"{t.name}: axis {axis} of a tensor with {rank} axes")
    return int(axis) % rank


@rule("Gather")
def _gather(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    table, places, out = t.values[node.input[0]], node.input[1], node.output[0]
    axis = axis_of(t, a.get("axis", 0), len(table.shape))
    if not t.values[places].fixed:
        if t.is_learned(node.input[0]) and not table.fixed and axis == 0 and len(table.shape) == 2:
            value = t.get(places)
            value = value if value.shape else reshaped(t, value, (Integer(1),))
            made = t.placed(t.with_weights(embedding.Embedding(*table.shape), node.input[0]), [value])
            t.values[out] = made if t.values[places].shape else reshaped(t, made, (table.shape[1],))
            return None
        t.values[out] = looked_up(t, t.get(node.input[0]), t.get(places), axis, t.name)
        return None
    number = number_of(t, places)
    if (
        number is None
        and axis == 0
        and len(table.shape) == 2
        and not table.batched
        and not table.fixed
        and table.weight
    ):
        t.values[out] = taken(t, t.get(node.input[0]), t.values[places].shape, t.name)
        return None
    if number is None or isinstance(number, Expr):
        if places not in t.known:
            raise UnsupportedError(f"{t.name}: elements at places that are fixed, but not worked out")
        t.values[out] = looked_up(t, t.get(node.input[0]), t.get(places), axis, t.name)
        return None
    value = t.whole(t.get(node.input[0])) if axis == 0 and table.batched else t.get(node.input[0])
    own, place = list(value.own), axis - value.batched
    size = value.shape[axis]
    if size.is_Integer and not -size <= int(number) < size:
        raise UnsupportedError(f"{t.name}: place {int(number)} of {size}")
    start = int(number) if number >= 0 else size + int(number)
    made = cut(t, value, axis, start, Integer(1))
    ends = t.values[places].shape  # () takes the axis away, (1,) leaves it
    shape = (*value.shape[:axis], *ends, *value.shape[axis + 1 :])
    rest = (*own[:place], *ends, *own[place + 1 :]) or (Integer(1),)
    if rest != made.own:
        made = t.add(reshape.Reshape(rest), [made], shape, value.batched)
    t.values[out] = Tensor(made.name, shape, made.batched)
    return None


@rule("GatherElements")
def _gather_elements(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    value, places = (t.get(name) for name in node.input)
    axis = axis_of(t, a.get("axis", 0), len(value.shape))
    if len(value.shape) != len(places.shape):
        raise UnsupportedError(f"{t.name}: places of the shape {places.shape} in a tensor of the shape {value.shape}")
    t.values[node.output[0]] = looked_up_alike(t, value, places, axis, t.name)


@rule("GatherND")
def _gather_nd(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    value, places = (t.get(name) for name in node.input)
    t.values[node.output[0]] = looked_up_together(t, value, places, int(a.get("batch_dims", 0)), t.name)


@rule("Slice")
def _slice(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    value = t.get(node.input[0])
    rank = len(value.shape)
    if len(node.input) > 1:
        starts, ends = t.numbers(node.input[1]), t.numbers(node.input[2])
        axes = t.numbers(node.input[3]) if len(node.input) > 3 and node.input[3] else range(len(starts))
        steps = t.numbers(node.input[4]) if len(node.input) > 4 and node.input[4] else [1] * len(starts)
    else:  # as before opset 10
        starts, ends = list(a["starts"]), list(a["ends"])
        axes, steps = a.get("axes", range(len(starts))), [1] * len(starts)
    for start, end, axis, step in zip(starts, ends, axes, steps):
        axis, step = axis_of(t, axis, rank), int(step)
        size = value.shape[axis]
        first, count = _part(t, start, end, size, step)
        if count.is_Integer and count < 1:
            raise UnsupportedError(f"{t.name}: a part of no elements, {start} to {end} of {size}")
        if first == 0 and same(count, size) is True and step == 1:
            continue
        if step > 0:
            value = cut(t, value, axis, first, count, step=step)
        else:
            value = stepped(t, value, axis, first, count, step)
    t.values[node.output[0]] = value


def _part(t: OnnxTranslator, start: Any, end: Any, size: Expr, step: int) -> tuple[Expr, Expr]:
    """The first position of a part, and how many it has."""
    start, end = (one if isinstance(one, Expr) else Integer(int(one)) for one in (start, end))
    start, beyond = (simplify(size + one) if one.is_negative else one for one in (start, end))
    if step == 0:
        raise UnsupportedError(f"{t.name}: a part in steps of 0")
    if step > 0:
        if beyond.is_Integer and (beyond >= 2**31 - 1 or (size.is_Integer and beyond > size)):
            beyond = size
        if start.is_Integer and size.is_Integer:
            start = min(max(start, Integer(0)), size)
        if beyond.is_Integer:
            beyond = max(beyond, Integer(0))
        return start, simplify(ceiling((beyond - start) / Integer(step)))
    if start.is_Integer and (start >= 2**31 - 1 or (size.is_Integer and start > size - 1)):
        start = size - 1
    if end.is_Integer and end < 0 and (end <= -(2**31) or (size.is_Integer and size + end < 0)):
        beyond = Integer(-1)
    return start, simplify(ceiling((start - beyond) / Integer(-step)))


@rule("Split")
def _split(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    value = t.get(node.input[0])
    axis = axis_of(t, a.get("axis", 0), len(value.shape))
    count, size = len(node.output), value.shape[axis]
    given = t.numbers(node.input[1]) if len(node.input) > 1 and node.input[1] else a.get("split")
    if "num_outputs" in a and int(a["num_outputs"]) != count:
        raise UnsupportedError(f"{t.name}: num_outputs={a['num_outputs']}, but there are {count} outputs")
    if given is None:
        each = simplify(ceiling(size / Integer(count)))
        given = [*[each] * (count - 1), simplify(size - each * (count - 1))]
    lengths = [length if isinstance(length, Expr) else Integer(int(length)) for length in given]
    if len(lengths) != count or same(sum(lengths, Integer(0)), size) is False:
        raise UnsupportedError(
            f"{t.name}: parts of {list(map(str, lengths))} of an axis of size {size}, for {count} outputs"
        )
    start: Expr = Integer(0)
    for output, length in zip(node.output, lengths):
        if length == 0:
            raise UnsupportedError(f"{t.name}: a part of no elements")
        if output:
            t.values[output] = cut(t, value, axis, start, length)
        start = start + length


@rule("Expand")
def _expand(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    value = t.get(node.input[0])
    wanted = [size if isinstance(size, Expr) else Integer(int(size)) for size in t.numbers(node.input[1])]
    shape = value.wide(max(len(wanted), len(value.shape)))
    wanted = [*[Integer(1)] * (len(shape) - len(wanted)), *wanted]
    if any(a != 1 and b not in (1, -1) and same(a, b) is False for a, b in zip(shape, wanted)):
        if not (t.batches.get(node.input[0]) and wanted[0] == t.leading(node.input[0])):
            raise UnsupportedError(f"{t.name}: {value.shape} repeated to {wanted}")
    if t.batches.get(node.input[0]) and value.batched and len(shape) == len(value.shape):
        wanted[0] = Integer(1)
    out = tuple(b if a == 1 and b != -1 else a for a, b in zip(shape, wanted))
    if value.batched and len(shape) == len(value.shape) and out[0] == 1:
        t.values[node.output[0]] = repeated(t, value, out)
        return
    if not shape:
        t.values[node.output[0]] = value
        return
    t.values[node.output[0]] = repeated(t, t.add(reshape.Reshape(shape), [value], shape), out)


@rule("Tile")
def _tile(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    value = t.get(node.input[0])
    if len(node.input) == 3:  # as before opset 6: one axis
        counts: list[Any] = [1] * len(value.shape)
        counts[axis_of(t, t.numbers(node.input[2])[0], len(value.shape))] = int(t.numbers(node.input[1])[0])
    else:
        counts = list(t.numbers(node.input[1]))
    if len(counts) != len(value.shape) or any(not isinstance(c, Expr) and int(c) < 1 for c in counts):
        raise UnsupportedError(f"{t.name}: repeats={counts} for a tensor of the shape {value.shape}")
    t.values[node.output[0]] = tiled(t, value, counts, t.name)


@rule("Pad")
def _pad(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    value = t.get(node.input[0])
    rank = len(value.shape)
    widths = [
        int(width)
        for width in (t.numbers(node.input[1]) if len(node.input) > 1 else a.get("pads", a.get("paddings", ())))
    ]
    axes = list(range(rank))
    if len(node.input) > 3 and node.input[3]:
        axes = [axis_of(t, axis, rank) for axis in t.numbers(node.input[3])]
    if len(widths) != 2 * len(axes):
        raise UnsupportedError(f"{t.name}: pads={widths[:12]} for {len(axes)} axes; two for each are needed")
    before, after = [0] * rank, [0] * rank
    for place, axis in enumerate(axes):
        before[axis], after[axis] = widths[place], widths[place + len(axes)]
    mode, filler = a.text("mode", "constant"), node.input[2] if len(node.input) > 2 else ""
    fill: Any = a.number("value", 0.0) if len(node.input) == 1 else 0
    if filler:
        fill = number_of(t, filler)
    if mode == "constant":
        if fill is None:
            t.values[node.output[0]] = margins(t, value, before, after, filler=t.get(filler))
        elif fill == 0:
            t.values[node.output[0]] = padded(t, value, before, after)
        else:
            text = ("-inf" if fill < 0 else "inf") if abs(float(fill)) > 3e38 else f"{float(fill):.12f}"
            t.values[node.output[0]] = margins(t, value, before, after, text)
        return
    for axis in range(rank):
        if before[axis] or after[axis]:
            if min(before[axis], after[axis]) < 0:
                raise UnsupportedError(f"{t.name}: a margin of less than no elements by {mode}")
            value = margin(t, value, axis, before[axis], after[axis], mode, t.name)
    t.values[node.output[0]] = value


@rule("CenterCropPad")
def _centred(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    value = t.get(node.input[0])
    rank, wanted = len(value.shape), [int(size) for size in t.numbers(node.input[1])]
    axes = [axis_of(t, axis, rank) for axis in a.get("axes", range(rank))]
    before, after = [0] * rank, [0] * rank
    for axis, size in zip(axes, wanted):
        if not value.shape[axis].is_Integer:
            raise UnsupportedError(f"{t.name}: an axis of symbolic size brought to {size}")
        more = size - int(value.shape[axis])
        before[axis] = more // 2 if more > 0 else -(-more // 2)
        after[axis] = more - before[axis]
    t.values[node.output[0]] = padded(t, value, before, after)


@rule("OneHot")
def _one_hot(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    depth, (off, on) = t.numbers(node.input[1])[0], t.numbers(node.input[2])
    size = depth if isinstance(depth, Expr) else Integer(int(depth))
    texts = [f"{float(number):.12f}" if float(number) >= 0 else f"(-{-float(number):.12f})" for number in (off, on)]
    t.values[node.output[0]] = one_hot(
        t, t.get(node.input[0]), size, texts[0], texts[1], int(a.get("axis", -1)), t.name
    )


@rule("ReverseSequence")
def _reverse(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    value, lengths = (t.get(name) for name in node.input)
    time, batch = int(a.get("time_axis", 0)), int(a.get("batch_axis", 1))
    t.values[node.output[0]] = reversed_by(t, value, lengths, time, batch, t.name)


@rule("DepthToSpace", "SpaceToDepth")
def _blocks(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    size = int(a["blocksize"])
    value = t.in_channels(node.input[0])
    if node.op_type == "DepthToSpace" and a.text("mode", "DCR") == "CRD" and value.batched:
        return t.put(node.output[0], reshape.PixelShuffle(size), [value])
    if len(value.shape) != 4 or size < 1:
        raise UnsupportedError(f"{t.name}: {node.op_type} of a tensor of the shape {value.shape}")
    n, c, h, w = value.shape
    s = Integer(size)
    if node.op_type == "SpaceToDepth":
        wide = reshaped(t, value, (n, c, simplify(h / s), s, simplify(w / s), s), value.batched)
        order = a.text("mode", "DCR")
        if order not in ("DCR", "CRD"):
            raise UnsupportedError(f"{t.name}: SpaceToDepth with the order {order!r}")
        turned = permuted(t, wide, [0, 3, 5, 1, 2, 4] if order == "DCR" else [0, 1, 3, 5, 2, 4])
        shape = (n, simplify(c * s * s), simplify(h / s), simplify(w / s))
    else:
        order = a.text("mode", "DCR")
        if order not in ("DCR", "CRD"):
            raise UnsupportedError(f"{t.name}: DepthToSpace with the order {order!r}")
        few = simplify(c / (s * s))
        wide = reshaped(t, value, (n, few, s, s, h, w) if order == "CRD" else (n, s, s, few, h, w), value.batched)
        turned = permuted(t, wide, [0, 1, 4, 2, 5, 3] if order == "CRD" else [0, 3, 4, 1, 5, 2])
        shape = (n, few, simplify(h * s), simplify(w * s))
    t.values[node.output[0]] = reshaped(t, turned, shape, turned.batched)
    return None


@rule("EyeLike")
def _eye(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    a.get("dtype")
    shape = t.values[node.input[0]].shape
    if len(shape) != 2:
        raise UnsupportedError(f"{t.name}: EyeLike of a tensor of the shape {shape}")
    rows, columns = (positions(t, size) for size in shape)
    shift = int(a.get("k", 0))
    read = f"x1[i] + {shift}" if shift >= 0 else f"x1[i] - {-shift}"
    t.values[node.output[0]] = formula(t, f"y[i, j] = equal({read}, x2[j])", [rows, columns], shape, False)


@rule("Shape", "Size")
def _shape(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    raise UnsupportedError(f"{t.name}: {node.op_type} of {node.input[0]}, whose shape is not known")


@rule("ConstantOfShape")
def _constant_of_shape(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    tuple(a)
    shape = tuple(size if isinstance(size, Expr) else Integer(int(size)) for size in t.numbers(node.input[0]))
    t.values[node.output[0]] = Tensor(node.output[0], shape, False, weight=True, fixed=True)
