"""Networks from the models that a user already has."""

from __future__ import annotations

from .onnx_file import from_onnx
from .torch_export import from_torch

__all__ = ["from_onnx", "from_torch"]
