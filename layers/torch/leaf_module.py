"""The PyTorch module of one layer: PyTorch's own where it means the same, the equation otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...algebra.equations.instance import instantiate
from ...algebra.networks.carrier import Flow
from ...algebra.networks.layer import Layer
from .leaves import Maker


def leaf_module(layer: Layer, flows: Sequence[Flow], native: Mapping[type, Maker]) -> Any:
    """The module of one layer: PyTorch's own where it has one with the same meaning, the equation otherwise."""
    made = native[type(layer)](layer, flows) if type(layer) in native else None
    if made is None:
        from .equation import EquationModule

        made = EquationModule(instantiate(layer, *(flow.shape for flow in flows)))
    return made
