"""The laws of the algebra, one module for each subject; calling this package iterates over all of them.

Every module in this folder is loaded, so a law that is written here cannot be forgotten.

>>> from layeralgebra import proofs
>>> names = [law.name for law in proofs.laws()]
>>> "nested_floor" in names and len(names) == len(set(names))
True
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterator
from types import ModuleType

from ..law import Law, registered


def load() -> None:
    """Import every module of laws, in the order of their names."""
    for found in sorted(pkgutil.iter_modules(__path__), key=lambda one: one.name):
        importlib.import_module(f"{__name__}.{found.name}")


class _Laws(ModuleType):
    """The package, which is also the function that iterates over the laws."""

    def __call__(self) -> Iterator[Law]:
        return registered()


sys.modules[__name__].__class__ = _Laws
