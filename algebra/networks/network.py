"""Composition: layers in series, in parallel, repeated, on a graph. Every node is a SymPy object.

>>> from layeralgebra import Identity, Linear, ReLU
>>> f, g, h = Linear(4), ReLU(), Linear(5)
>>> (f >> g) >> h == f >> (g >> h)          # series is associative
True
>>> f >> Identity() == f == Identity() >> f  # and has an identity
True

The constructors only flatten and drop identities; nothing else is rewritten, so that what is counted is what was written.
"""

from __future__ import annotations

from .graph import Graph
from .joins import Add, Concat, Join, Mul
from .node import DEEPEST_NESTING, Input, Network, as_network
from .ports import Selected
from .series import Repeat, Series, Shared
from .walk import Walk

__all__ = [
    "DEEPEST_NESTING", "Add", "Concat", "Graph", "Input", "Join", "Mul", "Network", "Repeat", "Selected", "Series", "Shared",
    "Walk", "as_network",
]  # fmt: skip
