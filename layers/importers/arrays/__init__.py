"""The operations on arrays that every framework has, each written once: ``operation(t, value, ..., label)``.

An operation takes a translation `t`, the tensors that enter with all their axes as the framework numbers them, and its attributes; it
records the layers that compute it, and gives the tensor that comes out. Whether ours lacks the framework's leading axis of size 1
is seen to here, so that a framework's table says only what an operation is called there and where its attributes are.
"""

from .axes import aligned, expanded, permuted, repeated, reshaped, squeezed, viewed
from .elementwise import ARITHMETIC, FUNCTIONS, applied, masked, over_last_axes, softmax_along, softmaxed
from .formulas import REDUCTIONS, Sizes, broadcast, entrywise, formula, mapped, over_axes
from .indexing import taken
from .opaque import opaque
from .parts import concatenated, cut, padded, rolled, selected, split, stacked
from .places import (
    addressed,
    first_of,
    interpolated,
    looked_up,
    margin,
    multiplied,
    one_hot,
    positions,
    reversed_by,
    running,
    stepped,
    table,
    tiled,
    triangle,
)
from .pools import Window, margins, normalised_across, pooled, same_margins
from .products import contracted, product
from .reductions import reduced

__all__ = [
    "ARITHMETIC", "FUNCTIONS", "REDUCTIONS", "Sizes", "Window", "addressed", "aligned", "applied", "broadcast", "concatenated", "contracted", "cut",
    "entrywise", "expanded", "first_of", "formula", "interpolated", "looked_up", "mapped", "margin", "margins", "masked", "multiplied",
    "normalised_across", "one_hot", "opaque", "over_axes", "over_last_axes", "padded", "permuted", "pooled", "positions", "product", "reduced",
    "repeated", "reshaped", "reversed_by", "rolled", "running", "same_margins", "selected", "softmax_along", "softmaxed", "split", "squeezed",
    "stacked", "stepped", "table", "taken", "tiled", "triangle", "viewed",
]  # fmt: skip
