"""What a layer's equation means, found out by enumeration at small integer sizes.

Nothing here imports the engine: extents are searched, operations are counted point by point, fields are seen by walking. So what
the engine derives can be compared with it.

>>> from layeralgebra.proofs.enumeration import Equation
>>> meant = Equation("y[i] = w[u]*x[2*i + u]\\nwhere u < k", {"k": 3}, {"x": (9,)})
>>> meant.output, meant.weights, meant.counts().macs
((4,), {'w': (3,)}, 12)
"""

from __future__ import annotations

from .meaning import Counts, Equation
from .nodes import Impossible, Undefined, Unreadable

__all__ = ["Counts", "Equation", "Impossible", "Undefined", "Unreadable"]
