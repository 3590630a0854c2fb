"""How ONNX's operators are written as layers: the rules of all kinds, and the translation that they serve.

A rule gets the translator, the node and its attributes.
"""

from __future__ import annotations

from . import (  # noqa: F401  (each registers its rules)
    onnx_rules_axes,
    onnx_rules_elementwise,
    onnx_rules_masks,
    onnx_rules_parts,
    onnx_rules_pooling,
    onnx_rules_weights,
)
from .onnx_rules_masks import FIXED_ONLY
from .onnx_translator import RULES, OnnxTranslator, OnnxValue

__all__ = ["FIXED_ONLY", "RULES", "OnnxTranslator", "OnnxValue"]
