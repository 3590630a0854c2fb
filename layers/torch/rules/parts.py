"""Rules for PyTorch's operators that take parts of tensors, move them, or mask them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sympy import Integer, Mul, nsimplify

from ....algebra.errors import UnsupportedError
from ....algebra.networks.network import Network
from ....algebra.sizes.normal_form import same, simplify
from ... import reshape
from ...importers.arrays import (
    Sizes,
    addressed,
    along,
    broadcast,
    cut,
    formula,
    has_several_examples,
    looked_up,
    looked_up_alike,
    margin,
    margins,
    names,
    one_hot,
    opaque,
    over_examples,
    padded,
    permuted,
    repeated,
    resampled,
    reshaped,
    rolled,
    selected,
    spelt,
    split,
    stepped,
    strided,
    taken,
    tiled,
    triangle,
    unfolded,
    viewed,
)
from ...importers.tensors import Shape, Tensor
from ..translator import Translator, argument, is_tensor, rule


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
    """One of several results; places of extrema that the operator's rule does not make are a step of their own."""
    source, place = node.args
    made = t.parts.get(source.name, [t.values[source.name]] if source.name in t.values else [])
    if place < len(made):
        t.values[node.name] = made[place]
        return
    if "int" not in str(node.meta["val"].dtype):
        raise UnsupportedError(f"{node.name}: part {place} of {source.name} has no layer")
    name = f"places of {source.target.__name__.split('.')[0].strip('_')}"
    values = [t.value(part) for part in dict.fromkeys(source.all_input_nodes) if is_tensor(part)]
    t.keep(node, opaque(t, name, values, t.shape(node), node.name))


@rule(
    "pad",
    "constant_pad_nd",
    "reflection_pad1d",
    "reflection_pad2d",
    "reflection_pad3d",
    "replication_pad1d",
    "replication_pad2d",
    "replication_pad3d",
)
def _pad(t: Translator, node: Any) -> None:
    value, name = t.value(node.args[0]), node.target.__name__
    widths = [width if isinstance(width, int) else t.sizes(width) for width in node.args[1]]
    missing = [0] * (len(value.shape) - len(widths) // 2)
    before, after = [*missing, *widths[0::2][::-1]], [*missing, *widths[1::2][::-1]]
    mode = argument(node, 2, "mode", "constant") if name.split(".")[0] == "pad" else "constant"
    mode = "reflect" if name.startswith("reflection") else "replicate" if name.startswith("replication") else mode
    if mode != "constant":
        how = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}[mode]
        for axis, ends in enumerate(zip(before, after)):
            if any(ends):
                value = margin(t, value, axis, *ends, how, f"{node.name}_{axis}")
        return t.keep(node, value)
    fill = argument(node, 3 if name.split(".")[0] == "pad" else 2, "value", 0) or 0
    if fill == 0:
        return t.keep(node, padded(t, value, before, after, node.name))
    return t.keep(node, margins(t, value, before, after, spelt(fill), None, node.name))


@rule("roll")
def _roll(t: Translator, node: Any) -> None:
    """Along axes, or all elements in one row."""
    value, axes = t.value(node.args[0]), argument(node, 2, "dims") or [0]
    if not argument(node, 2, "dims"):
        value = viewed(t, value, (simplify(Mul(*value.shape)),), f"{node.name}_flat")
    for number, (shift, axis) in enumerate(zip(node.args[1], axes)):
        value = rolled(t, value, axis, shift if isinstance(shift, int) else t.sizes(shift), f"{node.name}_{number}")
    t.keep(node, viewed(t, value, t.shape(node), node.name))


@rule("meshgrid")
def _meshgrid(t: Translator, node: Any) -> None:
    parts = [t.whole(t.value(part)) for part in node.args[0]]
    order = list(range(len(parts)))
    if node.kwargs.get("indexing") == "xy" and len(parts) > 1:
        order[:2] = [1, 0]
    sizes = tuple(simplify(t.sizes(size)) for size in node.meta["val"][0].shape)
    made = []
    for number, (part, axis) in enumerate(zip(parts, order)):
        wide = tuple(size if place == axis else Integer(1) for place, size in enumerate(sizes))
        part = reshaped(t, part, wide, label=f"{node.name}_{number}_axes")
        made.append(repeated(t, part, sizes, f"{node.name}_{number}"))
    t.parts[node.name] = made


_SHUFFLES: dict[str, Callable[[int], Network]] = {
    "pixel_shuffle": reshape.PixelShuffle, "pixel_unshuffle": reshape.PixelUnshuffle, "channel_shuffle": reshape.ChannelShuffle,
}  # fmt: skip


@rule(*_SHUFFLES)
def _shuffle(t: Translator, node: Any) -> None:
    name, value, factor = node.target.__name__.split(".")[0], t.value(node.args[0]), int(node.args[1])
    if not has_several_examples(value):
        return t.put(node, _SHUFFLES[name](factor), [t.example(value)])
    return t.keep(node, _shuffled(t, value, name, factor, t.shape(node), node.name))


def _shuffled(t: Translator, value: Tensor, name: str, factor: int, shape: Shape, label: str) -> Tensor:
    """Of several examples: an axis for each part of the channels and positions, brought into another order."""
    examples, channels, *rest = value.shape
    number = Integer(factor)
    if name == "channel_shuffle":
        parts, order = (examples, number, simplify(channels / number), *rest), (0, 2, 1, *range(3, 3 + len(rest)))
    elif name == "pixel_shuffle":
        parts, order = (examples, simplify(channels / number**2), number, number, *rest), (0, 1, 4, 2, 5, 3)
    else:
        height, width = (simplify(size / number) for size in rest)
        parts, order = (examples, channels, height, number, width, number), (0, 1, 3, 5, 2, 4)
    made = permuted(t, reshaped(t, value, parts, label=f"{label}_parts"), order, f"{label}_order")
    return reshaped(t, made, shape, label=label)


@rule("narrow")
def _narrow(t: Translator, node: Any) -> None:
    value, axis = t.value(node.args[0]), int(node.args[1])
    start = node.args[2] if isinstance(node.args[2], int) else t.sizes(node.args[2])
    start = start if not isinstance(start, int) or start >= 0 else value.shape[axis] + start
    t.keep(node, cut(t, value, axis, start, t.shape(node)[axis], node.name))


@rule("flip", "fliplr", "flipud")
def _flip(t: Translator, node: Any) -> None:
    value, name = t.value(node.args[0]), node.target.__name__
    axes = node.args[1] if len(node.args) > 1 else [1 if name.startswith("fliplr") else 0]
    for axis in axes:
        size = value.shape[axis]
        value = stepped(t, value, axis, simplify(size - 1), size, -1, f"{node.name}_{axis}")
    t.keep(node, value)


@rule("repeat", "tile")
def _repeat(t: Translator, node: Any) -> None:
    value, counts = t.value(node.args[0]), [t.sizes(count) for count in node.args[1]]
    rank = max(len(value.shape), len(counts))
    value = reshaped(t, value, value.wide(rank), value.batched and len(value.shape) == rank, f"{node.name}_axes")
    counts = [*[1] * (rank - len(counts)), *counts]
    for axis, count in enumerate(counts):
        if count != 1 and value.shape[axis] == 1:  # as expanding does, which needs no remainder
            shape = (*value.shape[:axis], count, *value.shape[axis + 1 :])
            value = repeated(t, t.whole(value) if axis == 0 else value, shape, f"{node.name}_{axis}")
        elif count != 1:
            value = tiled(t, value, [count if place == axis else 1 for place in range(rank)], f"{node.name}_{axis}")
    t.keep(node, value)


@rule("repeat_interleave")
def _repeat_interleave(t: Translator, node: Any) -> None:
    count, axis = argument(node, 1, "repeats"), argument(node, 2, "dim")
    value, sizes = t.value(node.args[0]), Sizes()
    if is_tensor(count):
        raise UnsupportedError("repeat_interleave by numbers that a tensor holds; its length depends on the data")
    if axis is None:
        value, axis = viewed(t, value, (simplify(Mul(*value.shape)),), f"{node.name}_flat"), 0
    length = simplify(value.shape[axis] * t.sizes(count))
    t.keep(node, addressed(t, value, axis, f"$ // {sizes(t.sizes(count))}", length, sizes, node.name))


@rule("unfold")
def _unfold(t: Translator, node: Any) -> None:
    axis, size, step = map(int, node.args[1:4])
    t.keep(node, unfolded(t, t.value(node.args[0]), axis, size, step, node.name))


@rule("as_strided")
def _as_strided(t: Translator, node: Any) -> None:
    """Elements in the order in which they lie in memory, read again from an offset on with other strides."""
    source = node.args[0]
    value = permuted(t, t.value(source), _order_in_memory(t, source), f"{node.name}_memory")
    shape, strides = (tuple(simplify(t.sizes(size)) for size in node.args[place]) for place in (1, 2))
    offset = argument(node, 3, "storage_offset")  # from the beginning of the memory; None: that of the tensor
    begin = Integer(0) if offset is None else simplify(t.sizes(offset) - t.sizes(source.meta["val"].storage_offset()))
    t.keep(node, strided(t, value, shape, strides, begin, node.name))


def _order_in_memory(t: Translator, source: Any) -> list[int]:
    """The axes of a tensor from the largest stride to the smallest, if nothing lies between its elements."""
    recorded = source.meta["val"]
    shape, strides = ([simplify(t.sizes(size)) for size in given] for given in (recorded.shape, recorded.stride()))
    order: list[int] = []
    left, step = [axis for axis, size in enumerate(shape) if size != 1], Integer(1)
    while left:
        found = next((axis for axis in reversed(left) if same(strides[axis], step)), None)
        if found is None:
            raise UnsupportedError(
                f"{source.name} of the shape {tuple(shape)} lies in memory with the strides {tuple(strides)}: "
                "between its elements are others, or some of them stand for several\n"
                "  write instead: x.contiguous().as_strided(...)"
            )
        left.remove(found)
        order.insert(0, found)
        step = simplify(step * shape[found])
    return [*(axis for axis, size in enumerate(shape) if size == 1), *order]


@rule("tril", "triu")
def _triangle(t: Translator, node: Any) -> None:
    upper = node.target.__name__.startswith("triu")
    t.keep(node, triangle(t, t.value(node.args[0]), upper, int(argument(node, 1, "diagonal", 0)), node.name))


@rule("diagonal")
def _diagonal(t: Translator, node: Any) -> None:
    value = t.whole(t.value(node.args[0]))
    offset, one, two = (int(argument(node, place, "", default)) for place, default in ((1, 0), (2, 0), (3, 1)))
    rank, sizes = len(value.shape), Sizes()
    every = names(rank)
    at = list(every)
    at[one % rank], at[two % rank] = f"d + {max(-offset, 0)}", f"d + {max(offset, 0)}"
    kept = [index for axis, index in enumerate(every) if axis not in (one % rank, two % rank)]
    shape = t.shape(node)
    text = f"y[{', '.join([*kept, 'd'])}] = x1[{', '.join(at)}]\nwhere d < {sizes(shape[-1])}"
    t.keep(node, formula(t, text, [value], shape, False, sizes, node.name))


@rule(*(f"upsample_{kind}" for kind in ("nearest1d", "nearest2d", "nearest3d", "linear1d", "bilinear2d", "trilinear3d", "bicubic2d")),
      *(f"_upsample_nearest_exact{axes}d" for axes in (1, 2, 3)),
      *(f"_upsample_{kind}2d_aa" for kind in ("bilinear", "bicubic", "lanczos")))  # fmt: skip
def _upsample(t: Translator, node: Any) -> None:
    source, out, name = t.value(node.args[0]), t.shape(node), node.target.__name__
    exact, nearest, antialias = "exact" in name, "nearest" in name, "2d_aa" in name
    mode = ("nearest-exact" if exact else "nearest") if nearest else "linear"
    mode = next((kind for kind in ("cubic", "lanczos") if kind in name), mode)
    corners = not nearest and bool(node.args[2])
    scales = _scales(node, nearest, len(out) - 2)
    factors = [simplify(after / before) for before, after in zip(source.shape[2:], out[2:])]
    even = all(scale is None or factor == scale for factor, scale in zip(factors, scales))
    if mode == "nearest" and even and all(factor.is_Integer for factor in factors):
        return t.keep(node, over_examples(t, reshape.Upsample(along(source, factors, 1)), source, out, node.name))
    for axis, (length, scale) in enumerate(zip(out[2:], scales), start=2):
        scale = None if corners else scale
        source = resampled(t, source, axis, length, mode, corners, scale, f"{node.name}_{axis}", antialias)
    return t.keep(node, source)


def _scales(node: Any, nearest: bool, count: int) -> list[Any]:
    """The factors that are given, by which places are worked out; None where the sizes say them."""
    given = node.args[2 if nearest else 3 :]
    if given and isinstance(given[0], (list, tuple)):
        given = given[0]
    given = [*given, *[None] * count][:count]
    return [None if scale is None else nsimplify(scale, rational=True) for scale in given]


@rule("index", "_unsafe_index")
def _index(t: Translator, node: Any) -> None:
    """Elements at places: tensors of whole numbers, one for each of some axes."""
    value, places = t.value(node.args[0]), list(node.args[1])
    given = [(axis, place) for axis, place in enumerate(places) if place is not None]
    for _, place in given:
        if "bool" in str(place.meta["val"].dtype):
            raise UnsupportedError("elements where a tensor of truth values holds; their number depends on the data")
    if len(given) == 1:
        axis, place = given[0]
        if t.is_known(place.name) and axis == 0 and len(value.shape) == 2 and not value.batched:
            return t.keep(node, taken(t, value, t.shape(node)[:-1], node.name))
        return t.keep(node, looked_up(t, value, t.value(place), axis, node.name))
    return t.keep(node, _at_places(t, node, value, given))


def _at_places(t: Translator, node: Any, value: Tensor, given: list[tuple[int, Any]]) -> Tensor:
    """Several axes are looked up at once; their places are repeated to one shape."""
    value, held = t.whole(value), [t.whole(t.value(place)) for _, place in given]
    shape = broadcast([place.shape for place in held], node.name)
    theirs, ours, sizes, lines = names(len(shape), "k"), names(len(value.shape)), Sizes(), []
    at = list(ours)
    for number, ((axis, _), place) in enumerate(zip(given, held)):
        start = len(shape) - len(place.shape)
        own = [theirs[start + k] if size != 1 else "0" for k, size in enumerate(place.shape)]
        read = f"x{number + 2}[{', '.join(own) or '0'}]"
        used = [index for index in own if index != "0"] or ["0"]
        lines.append(
            f"z{number}[{', '.join(used)}] = choose(less({read}, 0), {read} + {sizes(value.shape[axis])}, {read})"
        )
        at[axis] = f"z{number}[{', '.join(used)}]"
    axes = [axis for axis, _ in given]
    together = axes == list(range(axes[0], axes[0] + len(axes)))
    rest = [index for axis, index in enumerate(ours) if axis not in axes]
    first = axes[0] if together else 0
    out = [*rest[:first], *theirs, *rest[first:]]
    lines.append(f"y[{', '.join(out) or '0'}] = x1[{', '.join(at)}]")
    bounds = [f"{index} < {sizes(size)}" for index, size in zip(theirs, shape)]
    text = "\n".join(lines) + (f"\nwhere {', '.join(bounds)}" if bounds else "")
    return formula(t, text, [value, *held], t.shape(node), False, sizes, node.name)


@rule("index_select")
def _index_select(t: Translator, node: Any) -> None:
    t.keep(node, looked_up(t, t.value(node.args[0]), t.value(node.args[2]), int(node.args[1]), node.name))


@rule("gather")
def _gather(t: Translator, node: Any) -> None:
    value, places = t.value(node.args[0]), t.value(node.args[2])
    t.keep(node, looked_up_alike(t, value, places, int(node.args[1]), node.name))


@rule("one_hot")
def _one_hot(t: Translator, node: Any) -> None:
    t.keep(node, one_hot(t, t.value(node.args[0]), t.shape(node)[-1], 0, 1, -1, node.name))
