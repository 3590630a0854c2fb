"""Rules for PyTorch's operators that take parts of tensors, move them, or mask them."""

from __future__ import annotations

from typing import Any

from ....algebra.errors import UnsupportedError
from ....algebra.sizes.normal_form import simplify
from ... import arithmetic, reshape
from ...importers.arrays import cut, masked, padded, reduced, rolled, selected, split, taken
from ...importers.tensors import Tensor
from ..translator import Translator, argument, rule


@rule("slice")
def _slice(t: Translator, node: Any) -> None:
    value, out = t.value(node.args[0]), t.shape(node)
    if value.shape == out:
        return t.put(node, None, [value])
    axis = int(argument(node, 1, "dim", 0)) % len(value.shape)
    start = argument(node, 2, "start") or 0
    start = t.sizes(start) if not isinstance(start, int) else start if start >= 0 else value.shape[axis] + start
    return t.keep(node, cut(t, value, axis, start, out[axis], node.name, int(argument(node, 4, "step", 1))))


@rule("chunk", "split", "split_with_sizes", "tensor_split")
def _split(t: Translator, node: Any) -> None:
    axis = int(argument(node, 2, "dim", 0))
    lengths = [simplify(t.sizes(part.shape[axis])) for part in node.meta["val"]]
    t.parts[node.name] = split(t, t.value(node.args[0]), axis, lengths, node.name)


@rule("unbind")
def _unbind(t: Translator, node: Any) -> None:
    value, axis = t.value(node.args[0]), int(argument(node, 1, "dim", 0))
    places = range(len(node.meta["val"]))
    t.parts[node.name] = [selected(t, value, axis, place, f"{node.name}_{place}") for place in places]


@rule("<built-in function getitem>", "getitem")
def _item(t: Translator, node: Any) -> None:
    source, place = node.args
    if source.name in t.parts and place >= len(t.parts[source.name]):
        return  # a state that is returned besides; an error only if something uses it
    if source.name not in t.parts:
        if place == 0 and source.name in t.values:
            t.values[node.name] = t.values[source.name]
            return
        raise UnsupportedError(f"{node.name}: part {place} of {source.name} has no layer")
    t.values[node.name] = t.parts[source.name][place]


@rule("pad", "constant_pad_nd")
def _pad(t: Translator, node: Any) -> None:
    value = t.value(node.args[0])
    widths = [width if isinstance(width, int) else t.sizes(width) for width in node.args[1]]
    if any(widths) and argument(node, 2, "mode", "constant") not in ("constant", 0, 0.0):
        raise UnsupportedError(f"{node.name}: padding by {node.args[2]!r}; only constant padding has a layer")
    missing = [0] * (len(value.shape) - len(widths) // 2)
    t.keep(node, padded(t, value, [*missing, *widths[0::2][::-1]], [*missing, *widths[1::2][::-1]], node.name))


@rule("roll")
def _roll(t: Translator, node: Any) -> None:
    value = t.value(node.args[0])
    for number, (shift, axis) in enumerate(zip(node.args[1], argument(node, 2, "dims", []))):
        value = rolled(t, value, axis, shift if isinstance(shift, int) else t.sizes(shift), f"{node.name}_{number}")
    t.keep(node, value)


@rule("pixel_shuffle")
def _pixel_shuffle(t: Translator, node: Any) -> None:
    t.put(node, reshape.PixelShuffle(node.args[1]), [t.batched(node.args[0])])


@rule("channel_shuffle")
def _channel_shuffle(t: Translator, node: Any) -> None:
    t.put(node, reshape.ChannelShuffle(node.args[1]), [t.batched(node.args[0])])


@rule("upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d")
def _upsample(t: Translator, node: Any) -> None:
    source, out = t.batched(node.args[0]), t.shape(node)
    factors = [simplify(after / before) for before, after in zip(source.shape[2:], out[2:])]
    if any(not factor.is_Integer for factor in factors):
        raise UnsupportedError(f"{node.name}: nearest-neighbour upsampling by {factors}; whole factors have a layer")
    t.put(node, reshape.Upsample(factors[0] if len(set(factors)) == 1 else tuple(factors)), [source])


@rule("index")
def _index(t: Translator, node: Any) -> None:
    places = node.args[1]
    fixed = len(places) == 1 and places[0] is not None and t.values[places[0].name].weight
    if not fixed:
        raise UnsupportedError(f"{node.name}: elements at places that depend on the data have no layer")
    table = t.value(node.args[0])
    t.keep(node, taken(t, table, t.shape(node)[: 1 - len(table.shape)], node.name))


@rule("linalg_vector_norm", "norm")
def _norm(t: Translator, node: Any) -> None:
    if argument(node, 1, "ord", 2) not in (2, 2.0):
        raise UnsupportedError(f"{node.name}: the norm of order {node.args[1]}; only the Euclidean norm has a layer")
    value, out = t.value(node.args[0]), t.shape(node)
    squares = t.add(arithmetic.Power(2), [value], value.shape, value.batched, f"{node.name}_squares")
    axes = argument(node, 2, "dim")
    axes = range(len(value.shape)) if axes is None else axes if isinstance(axes, (list, tuple)) else [axes]
    total = reduced(t, arithmetic.Sum, squares, axes, bool(argument(node, 3, "keepdim", False)), f"{node.name}_total")
    root = t.add(arithmetic.Sqrt(), [total], total.shape, total.batched, node.name)
    t.values[node.name] = Tensor(root.name, out, root.batched)


@rule("masked_fill", "where")
def _masked(t: Translator, node: Any) -> None:
    condition = node.args[1] if node.target.__name__.startswith("masked_fill") else node.args[0]
    if not t.values[condition.name].weight:
        raise UnsupportedError(f"{node.name}: a choice that depends on the data has no layer; only a fixed mask has")
    computed = [
        part
        for part in node.all_input_nodes
        if part is not condition and not (t.values[part.name].weight and part.name not in t.learned)
    ]
    t.values[node.name] = masked(t, ((part.name, t.value(part)) for part in computed), t.shape(node), node.name)
