"""Rules for ONNX's Resize and Upsample: every axis is resized by weighted sums of elements at fixed places."""

from __future__ import annotations

import math
from typing import Any

from sympy import Integer, floor

from ....algebra.errors import UnsupportedError
from ....algebra.sizes.normal_form import simplify
from ... import reshape
from ...importers.arrays import interpolated
from ...importers.tensors import Tensor, per_axis
from ..attributes import Attributes
from ..translator import OnnxTranslator, rule

MOST_PLACES = 1 << 16


@rule("Resize", "Upsample")
def _resize(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    value = t.in_channels(node.input[0]) if len(t.values[node.input[0]].shape) > 1 else t.get(node.input[0])
    rank, mode = len(value.shape), a.text("mode", "nearest")
    axes, scales, sizes, region = _wanted(t, node, a, value)
    how = a.text(
        "coordinate_transformation_mode", "asymmetric" if node.op_type == "Upsample" or t.opset < 11 else "half_pixel"
    )
    nearest = a.text("nearest_mode", "floor" if node.op_type == "Upsample" or t.opset < 11 else "round_prefer_floor")
    cubic, extra = a.number("cubic_coeff_a", -0.75), a.number("extrapolation_value", 0.0)
    outside, smooth = bool(a.get("exclude_outside", 0)), bool(a.get("antialias", 0))
    whole = all(float(scale).is_integer() for scale in scales) and sizes is None
    if (
        mode == "nearest"
        and whole
        and how in ("asymmetric", "half_pixel")
        and _is_plain(how, nearest)
        and value.batched
    ):
        factors = dict(zip(axes, scales))
        if all(factors.get(axis, 1) == 1 for axis in (0, 1)) and rank > 2:
            layer = reshape.Upsample(per_axis([factors.get(axis, 1) for axis in range(2, rank)]))
            return t.put(node.output[0], layer, [value])
    if mode not in ("nearest", "linear", "bilinear", "trilinear", "cubic"):
        raise UnsupportedError(f"{t.name}: resizing by {mode!r}")
    for place, axis in enumerate(axes):
        size = value.shape[axis]
        scale = scales[place]
        target = sizes[place] if sizes is not None else simplify(floor(size * scale))
        if scale == 1 and target == size and how != "tf_crop_and_resize":
            continue
        if not size.is_Integer or not Integer(target).is_Integer:
            raise UnsupportedError(
                f"{t.name}: an axis of the symbolic size {size} resized by {scale}; whole factors to the nearest have a layer"
            )
        if int(target) > MOST_PLACES:
            raise UnsupportedError(f"{t.name}: an axis resized to {target} elements, more than {MOST_PLACES}")
        if extra and how == "tf_crop_and_resize" or (smooth and mode == "nearest"):
            raise UnsupportedError(
                f"{t.name}: resizing with extrapolation_value={extra}, antialias={int(smooth)} and mode={mode}"
            )
        ends = (region[place], region[place + len(axes)]) if how == "tf_crop_and_resize" else (0.0, 1.0)
        at = [_place(how, x, float(scale), int(size), int(target), ends) for x in range(int(target))]
        rows = [_taps(t, mode, nearest, x, int(size), float(scale), cubic, outside, smooth) for x in at]
        places, weights = [row[0] for row in rows], [row[1] for row in rows]
        if how == "tf_crop_and_resize":
            weights = [w if 0 <= x <= int(size) - 1 else [0.0] * len(w) for x, w in zip(at, weights)]
        value = interpolated(t, value, axis, places, weights, t.name)
    t.values[node.output[0]] = value
    return None


def _is_plain(how: str, nearest: str) -> bool:
    """Whether every element is simply repeated where the factors are whole."""
    return (how, nearest) == ("asymmetric", "floor") or (how == "half_pixel" and nearest.startswith("round_prefer"))


def _wanted(
    t: OnnxTranslator, node: Any, a: Attributes, value: Tensor
) -> tuple[list[int], list[Any], Any, list[float]]:
    """The axes that are resized, by how much, to what sizes if they are given, and the region that is cut out first."""
    rank = len(value.shape)
    axes = [int(axis) % rank for axis in a.get("axes", range(rank))]
    names = [*node.input, "", "", "", ""]
    if node.op_type == "Upsample" or t.opset < 11:
        given = t.numbers(node.input[1]) if len(node.input) > 1 else list(a["scales"])
        return axes, [_exact(scale) for scale in given], None, []
    scales = t.numbers(names[2]) if names[2] else []
    region = [float(end) for end in t.numbers(names[1])] if names[1] else []
    policy = a.text("keep_aspect_ratio_policy", "stretch")
    if len(scales) > 0:
        if len(scales) != len(axes):
            raise UnsupportedError(f"{t.name}: {len(scales)} scales for {len(axes)} axes")
        return axes, [_exact(scale) for scale in scales], None, region
    if not names[3]:
        raise UnsupportedError(f"{t.name}: Resize with neither scales nor sizes")
    sizes = [size if hasattr(size, "free_symbols") else Integer(int(size)) for size in t.numbers(names[3])]
    if len(sizes) != len(axes):
        raise UnsupportedError(f"{t.name}: {len(sizes)} sizes for {len(axes)} axes")
    if t.batches.get(node.input[0]) and 0 in axes and sizes[axes.index(0)] == t.leading(node.input[0]):
        sizes[axes.index(0)] = Integer(1)
    own = [value.shape[axis] for axis in axes]
    ratios = [size / before for size, before in zip(sizes, own)]
    if policy == "stretch":
        whole = all(ratio.is_Integer for ratio in ratios)
        return axes, ratios, None if whole else sizes, region
    if policy not in ("not_larger", "not_smaller") or not all(ratio.is_Rational for ratio in ratios):
        raise UnsupportedError(f"{t.name}: keep_aspect_ratio_policy={policy} for the sizes {sizes} of {own}")
    ratio = min(ratios) if policy == "not_larger" else max(ratios)
    return axes, [ratio] * len(axes), [Integer(math.floor(ratio * before + Integer(1) / 2)) for before in own], region


def _exact(scale: Any) -> Any:
    """A scale of single precision as its author wrote it."""
    return Integer(int(scale)) if float(scale).is_integer() else _rational(float(f"{float(scale):.7g}"))


def _rational(number: float) -> Any:
    from sympy import Rational

    return Rational(number).limit_denominator(10**7)


def _place(how: str, x: int, scale: float, size: int, target: int, ends: tuple[float, float]) -> float:
    """Where an element that comes out lies among those that come in."""
    if how == "half_pixel":
        return (x + 0.5) / scale - 0.5
    if how == "half_pixel_symmetric":
        adjusted = target / (scale * size)
        centre = size / 2
        return centre * (1 - adjusted) + (x + 0.5) / scale - 0.5
    if how == "pytorch_half_pixel":
        return (x + 0.5) / scale - 0.5 if target > 1 else 0.0
    if how == "align_corners":
        return x * (size - 1) / (scale * size - 1) if scale * size != 1 else 0.0
    if how == "asymmetric":
        return x / scale
    if how == "tf_crop_and_resize":
        if target > 1:
            return ends[0] * (size - 1) + x * (ends[1] - ends[0]) * (size - 1) / (target - 1)
        return 0.5 * (ends[0] + ends[1]) * (size - 1)
    if how == "tf_half_pixel_for_nn":
        return (x + 0.5) / scale
    raise UnsupportedError(f"coordinate_transformation_mode={how!r}")


def _rounded(nearest: str, x: float) -> int:
    if nearest == "round_prefer_floor":
        return math.ceil(x - 0.5)
    if nearest == "round_prefer_ceil":
        return math.floor(x + 0.5)
    if nearest in ("floor", "ceil"):
        return math.floor(x) if nearest == "floor" else math.ceil(x)
    raise UnsupportedError(f"nearest_mode={nearest!r}")


def _taps(
    t: OnnxTranslator,
    mode: str,
    nearest: str,
    x: float,
    size: int,
    scale: float,
    cubic: float,
    outside: bool,
    smooth: bool,
) -> tuple[list[int], list[float]]:
    """The elements of which one that comes out is a weighted sum, and their weights."""
    if mode == "nearest":
        return [min(max(_rounded(nearest, x), 0), size - 1)], [1.0]
    reach = 2 if mode == "cubic" else 1
    stretch = min(scale, 1.0) if smooth else 1.0
    width = math.ceil(reach / stretch)
    start = math.floor(x)
    places = list(range(start - width + 1, start + width + 1))
    weights = [_kernel(mode, (x - place) * stretch, cubic) for place in places]
    if outside:
        weights = [weight if 0 <= place < size else 0.0 for place, weight in zip(places, weights)]
    if outside or smooth:
        total = sum(weights)
        weights = [weight / total for weight in weights]
    return [min(max(place, 0), size - 1) for place in places], weights


def _kernel(mode: str, distance: float, cubic: float) -> float:
    distance = abs(distance)
    if mode != "cubic":
        return max(1 - distance, 0.0)
    if distance <= 1:
        return (cubic + 2) * distance**3 - (cubic + 3) * distance**2 + 1
    if distance < 2:
        return cubic * distance**3 - 5 * cubic * distance**2 + 8 * cubic * distance - 4 * cubic
    return 0.0
