"""How PyTorch's operators are written as layers: the rules of all kinds, and the translation that they serve.

A rule gets the translator and a node of the exported graph and records what the node does.
"""

from __future__ import annotations

from .translator import RULES, Translator, Value, is_size

__all__ = ["RULES", "Translator", "Value", "is_size"]
