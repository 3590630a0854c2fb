"""The operations on arrays that every framework has, each written once: ``operation(t, value, ..., label)``.

An operation takes a translation `t`, the tensors that enter with all their axes as the framework numbers them, and its attributes; it
records the layers that compute it, and gives the tensor that comes out. Whether ours lacks the framework's leading axis of size 1
is seen to here, so that a framework's table says only what an operation is called there and where its attributes are.
"""

from .axes import aligned, broadcast, expanded, permuted, repeated, reshaped, squeezed, viewed
from .elementwise import ARITHMETIC, FUNCTIONS, applied, masked, over_last_axes, softmax_along, softmaxed
from .indexing import taken
from .opaque import opaque
from .parts import concatenated, cut, padded, rolled, selected, split, stacked
from .products import contracted, product
from .reductions import reduced

__all__ = [
    "ARITHMETIC", "FUNCTIONS", "aligned", "applied", "broadcast", "concatenated", "contracted", "cut", "expanded", "masked", "opaque", "over_last_axes",
    "padded", "permuted", "product", "reduced", "repeated", "reshaped", "rolled", "selected", "softmax_along", "softmaxed", "split", "squeezed",
    "stacked", "taken", "viewed",
]  # fmt: skip
