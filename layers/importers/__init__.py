"""Networks from the models that a user already has."""

from __future__ import annotations

from ..keras.importer import from_keras
from ..onnx.importer import from_onnx
from ..torch.importer import from_torch

__all__ = ["from_keras", "from_onnx", "from_torch"]
