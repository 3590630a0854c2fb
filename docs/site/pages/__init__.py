"""The pages that follow from registries: written anew for every build, so that what is registered is documented.

Each module here has a function `pages` that gives texts in Markdown by the names of their files.
"""

from __future__ import annotations

import importlib
import pkgutil


def generated() -> dict[str, str]:
    """All of them."""
    found: dict[str, str] = {}
    for module in pkgutil.iter_modules(__path__):
        if not module.name.startswith("_"):
            found |= importlib.import_module(f"{__name__}.{module.name}").pages()
    return found
