"""Networks as the modules and drawings of other tools."""

from __future__ import annotations

from .torch_module import to_torch

__all__ = ["to_torch"]
