"""The pages that follow from registries: written anew for every build, so that what is registered is documented.

Each module here has a function `pages` that gives texts in Markdown by the names of their files.
"""

from __future__ import annotations

import importlib
import pkgutil


def generated(short: bool = False) -> dict[str, str]:
    """All of them; in short, without most of the galleries, which take a minute."""
    found: dict[str, str] = {}
    for module in pkgutil.iter_modules(__path__):
        if not module.name.startswith("_"):
            made = importlib.import_module(f"{__name__}.{module.name}").pages
            found |= made(short) if module.name == "networks" else made()
    return found
