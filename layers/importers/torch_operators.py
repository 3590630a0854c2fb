"""How PyTorch's operators are written as layers: the rules of all kinds, and the translation that they serve.

A rule gets the translator and a node of the exported graph and records what the node does.
"""

from __future__ import annotations

from . import (  # noqa: F401  (each registers its rules)
    torch_rules_axes,
    torch_rules_elementwise,
    torch_rules_joins,
    torch_rules_parts,
    torch_rules_pooling,
    torch_rules_weights,
)
from .torch_translator import RULES, Translator, Value, is_size

__all__ = ["RULES", "Translator", "Value", "is_size"]
