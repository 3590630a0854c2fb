"""How JAX's primitives are written as layers, a file for each kind; a file in this folder is found without being listed.

A rule gets the translator and the value to be made, and records what makes it.
"""

from __future__ import annotations

import importlib
import pkgutil

from ..translator import FLOWS, RULES

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["FLOWS", "RULES"]
