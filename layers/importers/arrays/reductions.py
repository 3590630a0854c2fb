"""Sums, means and the like over axes, and over groups of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sympy import Integer

from ....algebra.networks.network import Network
from ... import arithmetic, pooling, reshape
from ..tensors import Tensor, Tensors
from .formulas import formula


def reduced(
    t: Tensors, kind: Callable[..., Network], value: Tensor, over: Iterable[int], keep: bool, label: str = ""
) -> Tensor:
    """A sum, mean or the like over axes, which are kept with size 1 if asked for."""
    rank = len(value.shape)
    axes = sorted({int(axis) % rank for axis in over})
    batched = value.batched and 0 not in axes and len(axes) < rank - 1  # an axis is kept, if only that of the batch
    kept = tuple(Integer(1) if axis in axes else size for axis, size in enumerate(value.shape))
    left = tuple(size for axis, size in enumerate(value.shape) if axis not in axes)
    if kind is arithmetic.Mean and batched and rank > 3 and axes == list(range(2, rank)):
        pool = pooling.AdaptiveAvgPool(1) if keep else pooling.GlobalAvgPool()
        return t.add(pool, [value], kept if keep else left, True, label)
    layer = kind(tuple(axis - batched for axis in axes), rank - batched)
    source = value if batched else t.whole(value)
    made = t.add(layer, [source], left, batched, f"{label}_reduced" if keep else label)
    if not keep:
        return made
    return t.add(reshape.Reshape(kept[1:] if batched else kept), [made], kept, batched, label)


def reduced_in_groups(t: Tensors, kind: str, rows: Tensor, starts: Tensor, label: str = "") -> Tensor:
    """A "sum", "mean" or "max" over each of several groups of neighbouring rows; `starts` holds the place of the first row of each, 0 and rising.

    A group without rows gives 0.
    """
    rows, starts = t.whole(rows), t.whole(starts)
    text = f"z[p] = sum[g]([p >= x2[g]]) - 1\ny[z[p], *o] = {kind}[p](x1[p, *o])\nwhere z < size(g)"
    return formula(t, text, [rows, starts], (*starts.shape, *rows.shape[1:]), False, None, label)
