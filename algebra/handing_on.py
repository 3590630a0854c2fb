"""Packages that hand on names of their files and load a file when one of its names is first used.

A package lists the names in ``HANDS_ON``, file by file; ``tests/structure.py`` reads that table as imports.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def handed_on(
    package: str, files: Mapping[str, Sequence[str]], formerly: str = ""
) -> tuple[list[str], Callable[[str], Any]]:
    """The ``__all__`` and the ``__getattr__`` of a package that hands on names of its files.

    Where the package stands in the place of a module, `formerly` is the file that the module has become; its other names are
    found there, with a warning.
    """
    found_in = {name: file for file, names in files.items() for name in names}

    def load(name: str) -> Any:
        if name not in found_in:
            # A file of the package is about to be imported by itself.
            asks_former = formerly and not name.startswith("__") and not importlib.util.find_spec(f".{name}", package)
            former = importlib.import_module(f".{formerly}", package) if asks_former else None
            if hasattr(former, name):
                warnings.warn(f"{package}.{name} is now {package}.{formerly}.{name}", DeprecationWarning, stacklevel=2)
                return getattr(former, name)
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        found = getattr(importlib.import_module(f".{found_in[name]}", package), name)
        setattr(sys.modules[package], name, found)
        return found

    return sorted(found_in), load
