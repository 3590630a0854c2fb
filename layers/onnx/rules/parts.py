"""Rules for ONNX's operators that take parts of tensors, repeat them, or put margins around them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sympy import Expr, Integer

from ....algebra.errors import UnsupportedError
from ....algebra.sizes.normal_form import simplify
from ... import embedding, reshape
from ...importers.arrays import cut, padded, repeated, taken
from ...importers.tensors import per_axis
from ..translator import OnnxTranslator, number_of, rule


@rule("Gather")
def _gather(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    table, places, out = t.values[node.input[0]], node.input[1], node.output[0]
    axis = int(a.get("axis", 0)) % len(table.shape)
    if not t.values[places].fixed:
        if not table.weight or axis != 0 or len(table.shape) != 2:
            raise UnsupportedError(f"{t.name}: rows that depend on the data are taken from a stored table only")
        return t.put(out, t.with_weights(embedding.Embedding(*table.shape), node.input[0]), [places])
    number = number_of(t, places)
    if number is None or isinstance(number, Expr):
        if axis != 0:
            raise UnsupportedError(f"{t.name}: only the rows of a table can be taken, or one position along an axis")
        t.values[out] = taken(t, t.get(node.input[0]), t.values[places].shape, t.name)
        return None
    value = t.whole(t.get(node.input[0])) if axis == 0 and table.batched else t.get(node.input[0])
    own, place = list(value.own), axis - value.batched
    start = int(number) if number >= 0 else own[place] + int(number)
    made = cut(t, value, axis, start, Integer(1))
    ends = t.values[places].shape  # () takes the axis away, (1,) leaves it
    shape = (*value.shape[:axis], *ends, *value.shape[axis + 1 :])
    rest = (*own[:place], *ends, *own[place + 1 :])
    if not rest:
        rest = shape = (Integer(1),)
    if rest != made.own:
        made = t.add(reshape.Reshape(rest), [made], shape, value.batched)
    t.values[out] = made
    return None


@rule("Slice")
def _slice(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    value = t.get(node.input[0])
    starts, ends = t.numbers(node.input[1]), t.numbers(node.input[2])
    axes = t.numbers(node.input[3]) if len(node.input) > 3 and node.input[3] else range(len(starts))
    steps = t.numbers(node.input[4]) if len(node.input) > 4 and node.input[4] else [1] * len(starts)
    for start, end, axis, step in zip(starts, ends, axes, steps):
        axis = int(axis) % len(value.shape)
        size = value.shape[axis]
        start, end = (end if isinstance(end, Expr) else Integer(int(end)) for end in (start, end))
        start, end = (simplify(size + end) if end.is_negative else end for end in (start, end))
        if end.is_Integer and (end >= 2**31 - 1 or (size.is_Integer and end > size)):
            end = size
        length = simplify(-((start - end) // int(step)))
        value = cut(t, value, axis, start, length, step=int(step))
    t.values[node.output[0]] = value


@rule("Split")
def _split(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    value = t.get(node.input[0])
    axis = int(a.get("axis", 0)) % len(value.shape)
    count = len(node.output)
    given = (
        t.numbers(node.input[1])
        if len(node.input) > 1 and node.input[1]
        else a.get("split", [value.shape[axis] / count] * count)
    )
    start: Expr = Integer(0)
    for output, length in zip(node.output, given):
        length = length if isinstance(length, Expr) else Integer(int(length))
        t.values[output] = cut(t, value, axis, start, length)
        start = start + length


@rule("Expand")
def _expand(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    value = t.get(node.input[0])
    wanted = [size if isinstance(size, Expr) else Integer(int(size)) for size in t.numbers(node.input[1])]
    shape = value.wide(max(len(wanted), len(value.shape)))
    wanted = [*[Integer(1)] * (len(shape) - len(wanted)), *wanted]
    out = tuple(b if a == 1 and b != -1 else a for a, b in zip(shape, wanted))
    t.values[node.output[0]] = repeated(t, t.add(reshape.Reshape(shape), [value], shape), out)


@rule("Pad")
def _pad(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    value = t.get(node.input[0])
    widths = [int(width) for width in (t.numbers(node.input[1]) if len(node.input) > 1 else a["pads"])]
    if a.get("mode", b"constant") != b"constant":
        raise UnsupportedError(f"{t.name}: padding by {a['mode'].decode()}")
    rank = len(value.shape)
    t.values[node.output[0]] = padded(t, value, widths[:rank], widths[rank:])


@rule("Resize", "Upsample")
def _resize(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    given = [name for name in node.input[1:] if name in t.constants or name in t.known]
    scales = next((t.numbers(name) for name in given if t.numbers(name)), None)
    if scales is not None and len(node.input) > 3 and node.input[3] in given:  # sizes instead of scales
        scales = [
            simplify(Integer(after) / before)
            for after, before in zip(t.numbers(node.input[3]), t.get(node.input[0]).shape)
        ]
    mode = a.get("mode", b"nearest")
    if (
        mode != b"nearest"
        or scales is None
        or any(not float(scale).is_integer() for scale in scales)
        or list(scales[:2]) != [1, 1]
    ):
        raise UnsupportedError(
            f"{t.name}: resizing by {mode.decode()} with scales {scales}; whole factors to the nearest neighbour have a layer"
        )
    t.put(node.output[0], reshape.Upsample(per_axis(scales[2:])), [t.batched(node.input[0])])


@rule("DepthToSpace")
def _depth_to_space(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    if a.get("mode", b"DCR") != b"CRD":
        raise UnsupportedError(
            f"{t.name}: DepthToSpace with the order {a.get('mode', b'DCR').decode()}; CRD is the pixel shuffle"
        )
    t.put(node.output[0], reshape.PixelShuffle(int(a["blocksize"])), [t.batched(node.input[0])])
