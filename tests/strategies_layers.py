"""Hypothesis strategies for registered layers: fields from their kinds, shapes that fit, and numbers to run them on.

A new layer needs nothing here. If its fields and shapes fit together so rarely that drawing finds no case, give it a
hint in `HINTS`: a function of hypothesis's `draw` that returns fields and input shapes that belong together.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from sympy import Expr, Rational, Symbol, Tuple

import layeralgebra as la
from oracles.brute_force import Equation
from oracles.equation_nodes import Impossible

ATTEMPTS = 8


@dataclass(frozen=True)
class Case:
    """A layer, the shapes of its inputs, and what the equation means there by enumeration."""

    layer: la.Layer
    shapes: tuple[tuple[int, ...], ...]
    meaning: Equation

    @property
    def on(self) -> Any:
        return one_or_list(self.shapes)

    def __repr__(self) -> str:
        return f"{self.layer} on {self.on}"


def one_or_list(parts: Any) -> Any:
    """What ``on=`` takes: one shape as it is, several as a list, none as None."""
    return parts[0] if len(parts) == 1 else list(parts) or None


def plain(value: Any) -> Any:
    """The value of a field in plain Python."""
    if isinstance(value, (tuple, Tuple)):
        return tuple(plain(part) for part in value)
    if isinstance(value, Expr):
        return int(value) if value.is_Integer else Fraction(int(value.p), int(value.q))
    return value


def meaning(layer: la.Layer, shapes: tuple[tuple[int, ...], ...]) -> Equation:
    """The brute-force reading of a layer's text; raises `Impossible`."""
    fields = {name: plain(getattr(layer, name)) for name in layer.fields}
    if len(shapes) != len(layer.input_names):
        raise Impossible("another number of inputs")
    return Equation(inspect.cleandoc(layer.equation), fields, dict(zip(layer.input_names, shapes)), layer.buffers)


# fields --------------------------------------------------------------------------------------------------------------

small = st.integers(1, 3)


@cache
def words(cls: type[la.Layer]) -> list[str]:
    """The words that the equation of a layer compares its fields with."""
    text = cls.__dict__.get("equation")
    found = re.findall(r"""[=!]=\s*['"](\w+)['"]""", text) if isinstance(text, str) else []
    return sorted(set(found)) or ["word"]


@st.composite
def field_value(draw: Callable, cls: type[la.Layer], name: str, axes: int) -> Any:
    """A value for a field: of one of its kinds, small, and a tuple now and then where it may be one."""
    kind = draw(st.sampled_from(cls.fields[name]))
    word = kind.__name__
    if word == "NoneType":
        return None
    if word == "Flag":
        return draw(st.booleans())
    if word == "Number":
        return draw(st.sampled_from([Rational(1, 2), Rational(1, 100), Rational(3), Rational(-2)]))
    if word == "Text":
        return draw(st.sampled_from(words(cls)))
    if word == "Sizes":
        return draw(st.lists(small, min_size=1, max_size=3).map(tuple))
    numbers = small if word == "Dim" else st.integers(0, 2)
    if axes > 0 and draw(st.integers(0, 4)) == 0:
        return tuple(draw(numbers) for _ in range(axes))
    return draw(numbers)


@cache
def has_star(cls: type[la.Layer]) -> bool:
    """Whether the equation has starred indices, so that tuples make sense as fields."""
    text = cls.__dict__.get("equation")
    return isinstance(text, str) and "*i" in text.replace(" ", "")


@st.composite
def shape(draw: Callable, axes: int | None = None, channels: int | None = None, largest: int = 5) -> tuple[int, ...]:
    """(channels, *spatial), one or two axes mostly."""
    axes = draw(st.sampled_from([1, 1, 2, 2, 2, 3])) if axes is None else axes
    sizes = st.integers(1, largest if axes < 3 else 3)
    return (channels or draw(small), *(draw(sizes) for _ in range(axes)))


@st.composite
def drawn_freely(draw: Callable, cls: type[la.Layer]) -> tuple[dict[str, Any], tuple[tuple[int, ...], ...]]:
    """Fields and shapes that need not fit together."""
    axes = draw(st.sampled_from([0, 1, 1, 2, 2, 3]))
    fields = {name: draw(field_value(cls, name, axes if has_star(cls) else 0)) for name in cls.fields}
    count = len(cls.inputs) if cls.inputs is not None else 1
    return fields, tuple(draw(shape(axes=axes)) for _ in range(count))


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


HINTS: dict[str, Callable] = {
    "AuxiliaryClassifier": _auxiliary,
    "ChannelShuffle": _groups("groups"),
    "ChannelSlice": _slice("channels", False),
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "CosineWindowAttention": _cosine_window_attention,
    "CrossAttention": _cross_attention,
    "Divide": _same_shape,
    "DotProductAttention": _dot_product_attention,
    "Einsum": _einsum,
    "Expand": _expand,
    "FeatureSlice": _slice("features", True),
    "GroupNorm": _groups("groups"),
    "Maximum": _reduction,
    "Mean": _reduction,
    "MultiHeadAttention": _attention,
    "Permute": _permute,
    "PixelShuffle": _pixel_shuffle,
    "PixelUnshuffle": _pixel_unshuffle,
    "RelativeAttention": _relative_attention,
    "Reshape": _reshape,
    "RotaryAttention": _rotary,
    "Slice": _positions_slice,
    "Subtract": _same_shape,
    "Sum": _reduction,
    "Take": _take,
    "Untokens": _untokens,
    "WindowAttention": _window_attention,
}


# cases ---------------------------------------------------------------------------------------------------------------


@st.composite
def attempts(draw: Callable, cls: type[la.Layer]) -> tuple[la.Layer | None, tuple[tuple[int, ...], ...]]:
    """A layer and shapes that may fit or not; None in place of a layer whose fields contradict each other."""
    fields, shapes = draw(drawn_freely(cls))
    try:
        return cls(**fields), shapes
    except la.FieldError:
        return None, shapes


@st.composite
def cases(draw: Callable, cls: type[la.Layer]) -> Case:
    """A layer on shapes at which its equation has a meaning."""
    hint = HINTS.get(cls.__name__)
    for _ in range(ATTEMPTS):
        fields, shapes = draw(drawn_freely(cls))
        if hint is not None:
            hinted, shapes = hint(draw)
            fields |= hinted
        try:
            layer = cls(**fields)
            return Case(layer, shapes, meaning(layer, shapes))
        except (Impossible, la.FieldError):
            continue
    assume(False)
    raise AssertionError


def arrays(case: Case, seed: int, exact: bool) -> dict[str, np.ndarray]:
    """Inputs, learned tensors and buffers: small integers, or floats; buffers are positive, rows of tables exist."""
    generator = np.random.default_rng(seed)
    made: dict[str, np.ndarray] = {}
    for name, sizes in case.meaning.shapes.items():
        if name in case.meaning.defined:
            continue
        rows = case.meaning.rows(name)
        if rows is not None:
            made[name] = generator.integers(0, rows, sizes)
        elif name in case.meaning.buffers:
            made[name] = generator.integers(1, 4, sizes) if exact else generator.uniform(0.5, 2.0, sizes)
        else:
            made[name] = generator.integers(-3, 4, sizes) if exact else generator.standard_normal(sizes)
    return made


# symbols -------------------------------------------------------------------------------------------------------------

LITERAL = {
    "Expand": ("axes",),
    "Maximum": ("axes", "rank"),
    "Mean": ("axes", "rank"),
    "Permute": ("order",),
    "Slice": ("axis", "rank"),
    "Sum": ("axes", "rank"),
}
"""Fields that must be numbers, because the equation's text depends on them."""


def symbolic(case: Case) -> tuple[la.Layer, list[tuple[Symbol, ...]], dict[Symbol, int]]:
    """The same layer with a symbol for every size, the shapes as symbols, and the numbers that these stand for."""
    values: dict[Symbol, int] = {}

    def symbol(name: str, value: int, least: int) -> Symbol:
        made = Symbol(name, integer=True, positive=True) if least else Symbol(name, integer=True, nonnegative=True)
        values[made] = value
        return made

    fields: dict[str, Any] = {}
    for name, kinds in case.layer.fields.items():
        value = plain(getattr(case.layer, name))
        words = {kind.__name__ for kind in kinds}
        least = 0 if "Size" in words else 1
        if name in LITERAL.get(type(case.layer).__name__, ()) or not words & {"Dim", "Size", "Sizes"}:
            fields[name] = getattr(case.layer, name)
        elif isinstance(value, tuple):
            fields[name] = tuple(symbol(f"{name}_{place}", part, least) for place, part in enumerate(value))
        elif isinstance(value, int) and not isinstance(value, bool):
            fields[name] = symbol(name, value, least)
        else:
            fields[name] = value
    shapes = [
        tuple(symbol(f"n{port}_{axis}", size, 1) for axis, size in enumerate(sizes))
        for port, sizes in enumerate(case.shapes)
    ]
    try:
        return type(case.layer)(**fields), shapes, values
    except la.FieldError:
        # Some fields exclude each other unless one is 0; what is 0 stays so.
        for name in fields:
            if plain(getattr(case.layer, name)) == 0 and isinstance(fields[name], Symbol):
                del values[fields[name]]
                fields[name] = 0
        return type(case.layer)(**fields), shapes, values
