"""Networks from the models that a user already has."""

from __future__ import annotations

from .keras_model import from_keras
from .onnx_file import from_onnx
from .torch_export import from_torch

__all__ = ["from_keras", "from_onnx", "from_torch"]
