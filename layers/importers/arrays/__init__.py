"""The operations on arrays that every framework has, each written once: ``operation(t, value, ..., label)``.

An operation takes a translation `t`, the tensors that enter with all their axes as the framework numbers them, and its attributes; it
records the layers that compute it, and gives the tensor that comes out. Whether ours lacks the framework's leading axis of size 1
is seen to here, so that a framework's table says only what an operation is called there and where its attributes are.
"""

from .axes import aligned, expanded, permuted, repeated, reshaped, squeezed, viewed
from .elementwise import ARITHMETIC, FUNCTIONS, TEXTS, applied, masked, over_last_axes, softmax_along, softmaxed
from .examples import along, has_several_examples, normalised_in_groups, over_examples
from .formulas import REDUCTIONS, Sizes, bracket, broadcast, entrywise, formula, mapped, names, over_axes, spelt
from .indexing import taken
from .opaque import opaque
from .parts import concatenated, cut, padded, replaced, rolled, selected, split, stacked
from .places import (
    addressed,
    first_of,
    interpolated,
    looked_up,
    looked_up_alike,
    looked_up_together,
    margin,
    multiplied,
    one_hot,
    positions,
    reversed_by,
    running,
    stepped,
    strided,
    table,
    tiled,
    triangle,
)
from .pools import Window, margins, normalised_across, pooled, same_margins
from .products import contracted, einstein_sum, product, product_in_groups
from .reductions import reduced, reduced_in_groups
from .windows import resampled, unfolded

__all__ = [
    "ARITHMETIC",
    "FUNCTIONS",
    "REDUCTIONS",
    "Sizes",
    "TEXTS",
    "Window",
    "addressed",
    "aligned",
    "along",
    "applied",
    "bracket",
    "broadcast",
    "concatenated",
    "contracted",
    "cut",
    "einstein_sum",
    "entrywise",
    "expanded",
    "first_of",
    "formula",
    "has_several_examples",
    "interpolated",
    "looked_up",
    "looked_up_alike",
    "looked_up_together",
    "mapped",
    "margin",
    "margins",
    "masked",
    "multiplied",
    "names",
    "normalised_across",
    "normalised_in_groups",
    "one_hot",
    "opaque",
    "over_axes",
    "over_examples",
    "over_last_axes",
    "padded",
    "permuted",
    "pooled",
    "positions",
    "product",
    "product_in_groups",
    "reduced",
    "reduced_in_groups",
    "repeated",
    "replaced",
    "resampled",
    "reshaped",
    "reversed_by",
    "rolled",
    "running",
    "same_margins",
    "selected",
    "softmax_along",
    "softmaxed",
    "spelt",
    "split",
    "squeezed",
    "stacked",
    "stepped",
    "strided",
    "table",
    "taken",
    "tiled",
    "triangle",
    "unfolded",
    "viewed",
]
