"""Windows cut out of an axis, and axes brought to another number of positions."""

from __future__ import annotations

from typing import Any

from sympy import Expr, Integer, floor

from ....algebra.networks.network import Network
from ....algebra.sizes.normal_form import simplify
from ... import resampling
from ..tensors import Tensor, Tensors
from .formulas import Sizes, bracket, formula, names


def resampled(
    t: Tensors,
    value: Tensor,
    axis: int,
    length: Expr,
    mode: str,
    corners: bool = False,
    factor: Any = None,
    label: str = "",
    antialias: bool = False,
) -> Tensor:
    """An axis with as many positions as asked for; `mode` is "nearest", "nearest-exact", "linear" or "cubic".

    With `antialias`, "linear", "cubic" or "lanczos" of all positions that one covers (antialiasing).
    """
    axis %= len(value.shape)
    size = value.shape[axis]
    if factor is not None and simplify(length - factor * size) == 0:
        factor = None
    if length == size and (factor is None or antialias):
        return value
    value = t.whole(value) if axis == 0 else value
    place, rank = axis - value.batched, len(value.own)
    layer: Network
    if antialias:
        layer = resampling.AntialiasedResample(place, rank, size, length, mode, corners, factor)
    elif mode.startswith("nearest"):
        layer = resampling.Nearest(place, rank, size, length, mode != "nearest", factor)
    else:
        layer = resampling.Resample(place, rank, size, length, mode, corners, factor)
    shape = (*value.shape[:axis], length, *value.shape[axis + 1 :])
    return t.add(layer, [value], shape, value.batched, label)


def unfolded(t: Tensors, value: Tensor, axis: int, size: int, step: int, label: str = "") -> Tensor:
    """Windows of so many positions along an axis, so many steps apart; the positions of a window are the last axis."""
    axis %= len(value.shape)
    value = t.whole(value) if axis == 0 else value
    every, sizes = names(len(value.shape)), Sizes()
    count = simplify(floor((value.shape[axis] - size) / Integer(step)) + 1)
    at = list(every)
    at[axis] = f"{step}*{every[axis]} + u"
    text = (
        f"y{bracket(value, [*every, 'u'])} = x1{bracket(value, at)}\nwhere {every[axis]} < {sizes(count)}, u < {size}"
    )
    shape = (*value.shape[:axis], count, *value.shape[axis + 1 :], Integer(size))
    return formula(t, text, [value], shape, value.batched, sizes, label)
