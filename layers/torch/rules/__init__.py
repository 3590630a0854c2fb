"""How PyTorch's operators are written as layers, a file for each kind; a file in this folder is found without being listed.

A rule gets the translator and a node of the exported graph and records what the node does.
"""

from __future__ import annotations

import importlib
import pkgutil

from ..translator import RULES

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["RULES"]
