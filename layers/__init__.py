"""Layers, one file for each family; a file in this folder is found and its layers are registered without being listed.

In the section Shapes of a layer's docstring a name is a field, or a size of the input; after a star and in ``prod(...)``
an expression has one value for each axis, and indented lines define further names.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

from ..algebra.networks.layer import NAMESPACE, Layer

REGISTRY: dict[str, type[Layer]] = {}
COMPOSITIONS: dict[str, object] = {}


def _register() -> None:
    for module in pkgutil.iter_modules(__path__):
        if module.ispkg:
            continue
        loaded = importlib.import_module(f"{__name__}.{module.name}")
        for name in loaded.__all__:
            found = getattr(loaded, name)
            if isinstance(found, type) and issubclass(found, Layer):
                REGISTRY[name] = NAMESPACE[name] = found
            else:
                COMPOSITIONS[name] = found
            globals()[name] = found


def registered_layers() -> Iterator[type[Layer]]:
    """All registered layers.

    Returns
    -------
    iterator of classes of layers
        In the order in which they were registered.

    Examples
    --------
    >>> from layeralgebra import Conv, registered_layers
    >>> Conv in registered_layers()
    True
    """
    return iter(REGISTRY.values())


_register()
