"""The stub ``layeralgebra/__init__.pyi``: every public name with the file it comes from, for editors and type checkers.

``python tests/public_stub.py`` (``make stubs``) writes it; a test says when it is out of date.
"""

from __future__ import annotations

from pathlib import Path

import layeralgebra as la

STUB = Path(__file__).resolve().parents[1] / "layeralgebra" / "__init__.pyi"
HEAD = '''"""Public names; written by ``make stubs``."""

__version__: str
__all__: list[str]
'''


def home(name: str) -> str:
    """The module that a public name comes from, relative to the package."""
    if name in la._homes():
        return la._homes()[name]
    if name in la.METRICS:
        return f"algebra.metrics.{name}"
    return getattr(la, name).__module__.removeprefix("layeralgebra.")


def stub() -> str:
    """The text that the stub should have."""
    homes = {name: home(name) for name in {*la.__all__, "METRICS"} - set(la._MODULES)}
    homes |= {name: path.rpartition(".")[0] for name, path in la._MODULES.items()}
    homes |= dict.fromkeys(la._NAMESPACES, "")
    homes |= dict.fromkeys(("COMPOSITIONS", "REGISTRY"), "layers")
    lines = sorted(f"from .{path} import {name} as {name}" for name, path in homes.items())
    return HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    STUB.write_text(stub(), encoding="utf-8")
