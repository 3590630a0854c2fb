"""How fields and input shapes of registered layers belong together, where drawing both freely would rarely fit.

A new layer needs nothing here. If its fields and shapes fit together so rarely that drawing finds no case, give it a hint in
`HINTS`: a function of hypothesis's `draw` that returns fields and input shapes that belong together.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

small = st.integers(1, 3)


@st.composite
def shape(draw: Callable, axes: int | None = None, channels: int | None = None, largest: int = 5) -> tuple[int, ...]:
    """(channels, *spatial), one or two axes mostly."""
    axes = draw(st.sampled_from([1, 1, 2, 2, 2, 3])) if axes is None else axes
    sizes = st.integers(1, largest if axes < 3 else 3)
    return (channels or draw(small), *(draw(sizes) for _ in range(axes)))


def per_axis(draw: Callable, numbers: st.SearchStrategy, axes: int) -> Any:
    """One number for all axes, or one for each."""
    return draw(numbers) if draw(st.integers(0, 2)) else tuple(draw(numbers) for _ in range(axes))


# hints ---------------------------------------------------------------------------------------------------------------


def _conv(draw: Callable) -> tuple[dict, tuple]:
    groups, axes = draw(small), draw(st.sampled_from([1, 1, 2, 2, 3]))
    padding = draw(st.sampled_from(["same", "causal", None]))
    fields = {
        "out_channels": groups * draw(st.integers(1, 2)),
        "kernel": per_axis(draw, small, axes),
        "stride": per_axis(draw, small, axes),
        "padding": per_axis(draw, st.integers(0, 2), axes) if padding is None else padding,
        "dilation": per_axis(draw, st.integers(1, 2), axes),
        "groups": groups,
        "bias": draw(st.booleans()),
    }
    return fields, (draw(shape(axes, groups * draw(st.integers(1, 2)), 6)),)


def _conv_transpose(draw: Callable) -> tuple[dict, tuple]:
    groups, axes = draw(st.integers(1, 2)), draw(st.sampled_from([1, 1, 2]))
    fields = {
        "out_channels": groups * draw(st.integers(1, 2)),
        "kernel": per_axis(draw, small, axes),
        "stride": per_axis(draw, small, axes),
        "padding": per_axis(draw, st.integers(0, 1), axes),
        "output_padding": per_axis(draw, st.integers(0, 1), axes),
        "dilation": per_axis(draw, st.integers(1, 2), axes),
        "groups": groups,
        "bias": draw(st.booleans()),
    }
    return fields, (draw(shape(axes, groups * draw(st.integers(1, 2)), 4)),)


def _dynamic_conv(draw: Callable) -> tuple[dict, tuple]:
    groups, axes = draw(st.integers(1, 2)), draw(st.sampled_from([1, 1, 2]))
    padding, dilation, width = draw(st.integers(0, 1)), draw(st.integers(1, 2)), draw(st.integers(1, 2))
    fields = {"stride": draw(small), "padding": padding, "dilation": dilation, "groups": groups}
    kernel = [draw(small) for _ in range(axes)]
    sizes = [max(1, dilation * (size - 1) + 1 - 2 * padding) + draw(st.integers(0, 2)) for size in kernel]
    return fields, ((groups * width, *sizes), (groups * draw(st.integers(1, 2)), width, *kernel))


def _groups(name: str) -> Callable:
    def hint(draw: Callable) -> tuple[dict, tuple]:
        groups = draw(small)
        fields = {name: groups}
        return fields, (draw(shape(channels=groups * draw(small), largest=4)),)

    return hint


def _pixel_shuffle(draw: Callable) -> tuple[dict, tuple]:
    axes = draw(st.integers(1, 2))
    factor = per_axis(draw, small, axes)
    product = math.prod(factor) if isinstance(factor, tuple) else factor**axes
    return {"factor": factor}, (draw(shape(axes, product * draw(st.integers(1, 2)), 3)),)


def _pixel_unshuffle(draw: Callable) -> tuple[dict, tuple]:
    axes = draw(st.integers(1, 2))
    factor = per_axis(draw, small, axes)
    factors = factor if isinstance(factor, tuple) else (factor,) * axes
    return {"factor": factor}, ((draw(small), *(each * draw(st.integers(1, 2)) for each in factors)),)


def _attention(draw: Callable) -> tuple[dict, tuple]:
    sets, per_set, width = draw(st.integers(1, 2)), draw(st.integers(1, 2)), draw(st.integers(1, 2))
    heads = sets * per_set
    whole = draw(st.booleans())
    fields = {
        "heads": heads,
        "key_value_heads": draw(st.sampled_from([None, sets])),
        "head_features": None if whole else width,
        "causal": draw(st.booleans()),
        "bias": draw(st.booleans()),
    }
    positions = draw(st.sampled_from([(4,), (3,), (1,), (2, 2)]))
    return fields, ((*positions, heads * width if whole else draw(small)),)


def _cross_attention(draw: Callable) -> tuple[dict, tuple]:
    heads, width, whole = draw(st.integers(1, 2)), draw(st.integers(1, 2)), draw(st.booleans())
    fields = {"heads": heads, "head_features": None if whole else width, "bias": draw(st.booleans())}
    features = heads * width if whole else draw(small)
    return fields, ((draw(st.integers(1, 4)), features), (draw(st.integers(1, 4)), draw(small)))


def _window_attention(draw: Callable) -> tuple[dict, tuple]:
    heads, axes = draw(st.integers(1, 2)), draw(st.sampled_from([1, 1, 2]))
    window = draw(st.integers(1, 3 if axes == 1 else 2))
    grid = draw(st.booleans())
    fields = {"heads": heads, "window": window, "shift": 0 if grid else draw(st.integers(0, 1)), "grid": grid}
    return fields, (draw(shape(axes, heads * draw(st.integers(1, 2)), 5 if axes == 1 else 3)),)


def _cosine_window_attention(draw: Callable) -> tuple[dict, tuple]:
    """On two axes, since the relative positions of its table are pairs."""
    heads = draw(st.integers(1, 2))
    fields = {
        "heads": heads,
        "window": draw(st.integers(1, 2)),
        "shift": draw(st.integers(0, 1)),
        "hidden": draw(st.integers(1, 2)),
    }
    return fields, (draw(shape(2, heads * draw(st.integers(1, 2)), 3)),)


def _relative_attention(draw: Callable) -> tuple[dict, tuple]:
    fields = {"heads": draw(st.integers(1, 2)), "head_features": draw(st.integers(1, 2))}
    fields |= {"buckets": draw(st.sampled_from([4, 6, 8])), "farthest": draw(st.integers(5, 9))}
    return fields, ((draw(st.integers(1, 4)), draw(small)),)


def _rotary(draw: Callable) -> tuple[dict, tuple]:
    """Features turn in pairs, so that a head has an even number of them."""
    attention, shapes = _attention(draw)
    fields = {name: attention[name] for name in ("heads", "key_value_heads", "causal")}
    fields |= {"head_features": 2 * draw(st.integers(1, 2)), "base": 100}
    return fields, ((draw(st.integers(1, 4)), shapes[0][-1]),)


def _reshape(draw: Callable) -> tuple[dict, tuple]:
    given = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    made = draw(st.permutations(given))
    cut = draw(st.integers(0, len(made) - 1))
    return {"shape": (math.prod(made[: cut + 1]), *made[cut + 1 :])}, (tuple(given),)


def _permute(draw: Callable) -> tuple[dict, tuple]:
    sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    return {"order": tuple(draw(st.permutations(range(len(sizes)))))}, (tuple(sizes),)


def _untokens(draw: Callable) -> tuple[dict, tuple]:
    sizes = tuple(draw(st.lists(st.integers(1, 3), min_size=1, max_size=2)))
    return {"shape": sizes}, ((math.prod(sizes), draw(small)),)


def _slice(name: str, last: bool) -> Callable:
    def hint(draw: Callable) -> tuple[dict, tuple]:
        start, kept = draw(st.integers(0, 2)), draw(small)
        size = start + kept + draw(st.integers(0, 1))
        others = draw(st.lists(st.integers(1, 3), min_size=1, max_size=2))
        return {"start": start, name: kept}, ((*others, size) if last else (size, *others),)

    return hint


def _auxiliary(draw: Callable) -> tuple[dict, tuple]:
    fields = {"classes": draw(st.integers(1, 2)), "narrow": draw(st.integers(1, 2)), "wide": draw(st.integers(1, 2))}
    return fields, ((draw(st.integers(1, 2)), draw(st.integers(17, 20))),)


def _reduction(draw: Callable) -> tuple[dict, tuple]:
    sizes = tuple(draw(st.lists(st.integers(1, 4), min_size=2, max_size=3)))
    axes = draw(st.lists(st.integers(0, len(sizes) - 1), min_size=1, max_size=len(sizes) - 1, unique=True))
    return {"axes": tuple(axes), "rank": len(sizes)}, (sizes,)


def _expand(draw: Callable) -> tuple[dict, tuple]:
    sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    axes = draw(st.lists(st.integers(0, len(sizes) - 1), min_size=1, max_size=len(sizes), unique=True))
    return {"axes": tuple(axes), "shape": tuple(sizes)}, (tuple(1 if a in axes else n for a, n in enumerate(sizes)),)


def _positions_slice(draw: Callable) -> tuple[dict, tuple]:
    rank = draw(st.integers(1, 3))
    axis, start, length, step = draw(st.integers(0, rank - 1)), draw(st.integers(0, 2)), draw(small), draw(small)
    sizes = [draw(small) for _ in range(rank)]
    sizes[axis] = start + step * (length - 1) + 1 + draw(st.integers(0, 1))
    return {"axis": axis, "start": start, "length": length, "rank": rank, "step": step}, (tuple(sizes),)


def _einsum(draw: Callable) -> tuple[dict, tuple]:
    first = draw(st.lists(st.sampled_from("abcd"), min_size=1, max_size=3, unique=True))
    second = draw(st.lists(st.sampled_from("abcd"), min_size=1, max_size=3, unique=True))
    out = draw(st.lists(st.sampled_from(sorted({*first, *second})), min_size=1, max_size=3, unique=True))
    sizes = {letter: draw(small) for letter in "abcd"}
    spec = f"{''.join(first)},{''.join(second)}->{''.join(out)}"
    return {"spec": spec}, tuple(tuple(sizes[letter] for letter in part) for part in (first, second))


def _take(draw: Callable) -> tuple[dict, tuple]:
    shape = tuple(draw(st.lists(small, min_size=1, max_size=2)))
    return {"shape": shape}, ((draw(st.integers(1, 4)), draw(small)),)


def _same_shape(draw: Callable) -> tuple[dict, tuple]:
    one = draw(shape())
    return {}, (one, one)


def _dot_product_attention(draw: Callable) -> tuple[dict, tuple]:
    leading = tuple(draw(st.lists(st.integers(1, 2), max_size=1)))
    queries, keys, width, out = draw(small), draw(small), draw(small), draw(small)
    causal = draw(st.booleans())
    keys = queries if causal else keys
    return {"causal": causal}, ((*leading, queries, width), (*leading, keys, width), (*leading, keys, out))


_FORMULAS = (
    "y[i, j] = max(x1[i, j], 2)",
    "y[i, j] = choose(less(x1[i, j], 1), x1[i, j], 0)",
    "y[j] = sum[i](abs(x1[i, j]))",
    "y[i, j] = x1[floor(i/2), j]\nwhere i < 2*sizes[0]",
)


def _formula(draw: Callable) -> tuple[dict, tuple]:
    text = draw(st.sampled_from(_FORMULAS))
    rows, columns = draw(small), draw(small)
    return {"text": text, "sizes": (rows,) if "sizes" in text else ()}, ((rows, columns),)


def _table(draw: Callable) -> tuple[dict, tuple]:
    sizes = tuple(draw(st.lists(small, min_size=1, max_size=3)))
    numbers = draw(st.lists(st.integers(-9, 9), min_size=math.prod(sizes), max_size=math.prod(sizes)))
    return {"shape": sizes, "numbers": " ".join(map(str, numbers))}, ()


def _resampled(draw: Callable) -> tuple[dict, tuple]:
    entered = draw(shape(axes=draw(st.integers(0, 1))))
    axis = draw(st.integers(0, len(entered) - 1))
    return {
        "axis": axis,
        "rank": len(entered),
        "entering": entered[axis],
        "leaving": draw(st.integers(1, 5)),
        "factor": None,
    }, (entered,)


def _resampled_by(*modes: str) -> Callable:
    def drawn(draw: Callable) -> tuple[dict, tuple]:
        fields, shapes = _resampled(draw)
        return {**fields, "mode": draw(st.sampled_from(modes))}, shapes

    return drawn


HINTS: dict[str, Callable] = {
    "AntialiasedResample": _resampled_by("linear", "cubic", "lanczos"),
    "AuxiliaryClassifier": _auxiliary,
    "ChannelShuffle": _groups("groups"),
    "ChannelSlice": _slice("channels", False),
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "CosineWindowAttention": _cosine_window_attention,
    "CrossAttention": _cross_attention,
    "Divide": _same_shape,
    "DotProductAttention": _dot_product_attention,
    "DynamicConv": _dynamic_conv,
    "Einsum": _einsum,
    "Expand": _expand,
    "Formula": _formula,
    "FeatureSlice": _slice("features", True),
    "GroupNorm": _groups("groups"),
    "Maximum": _reduction,
    "Mean": _reduction,
    "MultiHeadAttention": _attention,
    "Nearest": _resampled,
    "Permute": _permute,
    "PixelShuffle": _pixel_shuffle,
    "PixelUnshuffle": _pixel_unshuffle,
    "RelativeAttention": _relative_attention,
    "Resample": _resampled_by("linear", "cubic"),
    "Reshape": _reshape,
    "RotaryAttention": _rotary,
    "Slice": _positions_slice,
    "Subtract": _same_shape,
    "Sum": _reduction,
    "Numbers": _table,
    "Take": _take,
    "Untokens": _untokens,
    "WindowAttention": _window_attention,
}

LITERAL = {
    "AntialiasedResample": ("axis", "rank", "mode", "factor"),
    "Opaque": ("arity",),
    "Numbers": ("shape",),
    "Expand": ("axes",),
    "Maximum": ("axes", "rank"),
    "Mean": ("axes", "rank"),
    "Permute": ("order",),
    "Nearest": ("axis", "rank", "factor"),
    "Resample": ("axis", "rank", "mode", "factor"),
    "Slice": ("axis", "rank"),
    "Sum": ("axes", "rank"),
}
"""Fields that must be numbers, because the equation's text depends on them."""
