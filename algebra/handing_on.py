"""Packages that hand on names of their files and load a file when one of its names is first used.

A package lists the names in ``HANDS_ON``, file by file; ``tests/structure.py`` reads that table as imports.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def handed_on(package: str, files: Mapping[str, Sequence[str]]) -> tuple[list[str], Callable[[str], Any]]:
    """The ``__all__`` and the ``__getattr__`` of a package that hands on names of its files."""
    found_in = {name: file for file, names in files.items() for name in names}

    def load(name: str) -> Any:
        if name not in found_in:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        found = getattr(importlib.import_module(f"{package}.{found_in[name]}"), name)
        setattr(sys.modules[package], name, found)
        return found

    return sorted(found_in), load
