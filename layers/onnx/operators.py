"""How ONNX's operators are written as layers: the rules of all kinds, and the translation that they serve.

A rule gets the translator, the node and its attributes.
"""

from __future__ import annotations

from .rules.masks import FIXED_ONLY
from .translator import RULES, OnnxTranslator, OnnxValue

__all__ = ["FIXED_ONLY", "RULES", "OnnxTranslator", "OnnxValue"]
