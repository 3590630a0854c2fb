"""Rules for PyTorch's operators that take parts of tensors, move them, or mask them."""

from __future__ import annotations

from typing import Any

from sympy import Expr, Integer, Tuple

from ....algebra.errors import UnsupportedError
from ....algebra.networks.network import Concat
from ....algebra.sizes.normal_form import simplify
from ... import arithmetic, reshape
from ...importers.tensors import Tensor
from ..translator import Translator, argument, rule


@rule("slice")
def _slice(t: Translator, node: Any) -> None:
    value, out = t.value(node.args[0]), t.shape(node)
    if value.shape == out:
        return t.put(node, None, [value])
    axis = int(argument(node, 1, "dim", 0)) % len(value.shape)
    if axis == 0 and value.batched:
        value = t.unbatched(node.args[0])
    start = argument(node, 2, "start") or 0
    start = t.sizes(start) if not isinstance(start, int) else start if start >= 0 else value.shape[axis] + start
    step = int(argument(node, 4, "step", 1))
    t.values[node.name] = t.cut(value, axis, start, out[axis], node.name, step)
    return None


@rule("chunk", "split", "split_with_sizes", "unbind", "tensor_split")
def _split(t: Translator, node: Any) -> None:
    kind = node.target.__name__.split(".")[0]
    value = t.value(node.args[0])
    axis = int(argument(node, 1 if kind == "unbind" else 2, "dim", 0)) % len(value.shape)
    if axis == 0 and value.batched:
        value = t.unbatched(node.args[0])
    start: Expr = Integer(0)
    parts = []
    for number, part in enumerate(node.meta["val"]):
        shape = tuple(simplify(t.sizes(size)) for size in part.shape)
        length = Integer(1) if kind == "unbind" else shape[axis]
        made = t.cut(value, axis, start, length, f"{node.name}_{number}")
        if kind == "unbind":
            made = t.reshaped(made, shape, made.batched, f"{node.name}_{number}_squeezed")
        parts.append(made)
        start = start + length
    t.parts[node.name] = parts


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
    widths = [int(width) for width in node.args[1]]
    if not any(widths):
        return t.put(node, None, [node.args[0]])
    if argument(node, 2, "mode", "constant") not in ("constant", 0, 0.0):
        raise UnsupportedError(f"{node.name}: padding by {node.args[2]!r}; only constant padding has a layer")
    value = t.value(node.args[0])
    rank = len(value.own)
    pairs = [(0, 0)] * rank
    for place in range(len(widths) // 2):
        pairs[rank - 1 - place] = (widths[2 * place], widths[2 * place + 1])
    return t.put(node, arithmetic.Margin(Tuple(*(a for a, _ in pairs)), Tuple(*(b for _, b in pairs))), [value])


@rule("roll")
def _roll(t: Translator, node: Any) -> None:
    value = t.value(node.args[0])
    for number, (shift, axis) in enumerate(zip(node.args[1], argument(node, 2, "dims", []))):
        axis = int(axis) % len(value.shape)
        size = value.shape[axis]
        first = simplify(size - shift) if shift > 0 else Integer(-shift)
        if shift == 0:
            continue
        head = t.cut(value, axis, first, simplify(size - first), f"{node.name}_{number}_tail")
        tail = t.cut(value, axis, Integer(0), first, f"{node.name}_{number}_head")
        join = Concat(axis=axis - value.batched)
        value = t.add(join, [head, tail], value.shape, value.batched, f"{node.name}_{number}")
    t.values[node.name] = value


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
    table, out = t.value(node.args[0]), t.shape(node)
    fixed = len(places) == 1 and places[0] is not None and t.values[places[0].name].weight
    if not fixed or len(table.shape) != 2 or table.batched:
        raise UnsupportedError(
            f"{node.name}: only the rows of a table can be taken, at places that do not depend on the data"
        )
    t.put(node, arithmetic.Take(out[:-1]), [table], False)


@rule("linalg_vector_norm", "norm")
def _norm(t: Translator, node: Any) -> None:
    if argument(node, 1, "ord", 2) not in (2, 2.0):
        raise UnsupportedError(f"{node.name}: the norm of order {node.args[1]}; only the Euclidean norm has a layer")
    value, out = t.value(node.args[0]), t.shape(node)
    squares = t.add(arithmetic.Power(2), [value], value.shape, value.batched, f"{node.name}_squares")
    axes = argument(node, 2, "dim")
    axes = range(len(value.shape)) if axes is None else axes if isinstance(axes, (list, tuple)) else [axes]
    total = t.reduced(arithmetic.Sum, squares, axes, bool(argument(node, 3, "keepdim", False)), f"{node.name}_total")
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
    t.values[node.name] = t.masked(((part.name, t.value(part)) for part in computed), t.shape(node), node.name)
