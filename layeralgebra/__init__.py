"""Layer algebra: a symbolic mathematics engine for neural-network architecture.

>>> import layeralgebra as la
>>> H, W, c, L = la.dims("H W c L")
>>> block = la.Conv(c, 3, padding=1, bias=False) >> la.BatchNorm() >> la.ReLU()
>>> net = la.Input(3, H, W) >> block >> (la.Identity() + block) ** L >> la.GlobalAvgPool() >> la.Linear(1000)
>>> la.parameters(net)
9*L*c**2 + 2*L*c + 1029*c + 1000
"""

from __future__ import annotations

import importlib
import os
import sys
from functools import cache
from typing import Any

# In a checkout that stands before the installed package on the path, the folders of the packages are beside this one.
if not os.path.isdir(os.path.join(__path__[0], "algebra")):
    __path__.append(os.path.dirname(__path__[0]))

from .layers import COMPOSITIONS, REGISTRY
from .layers import registered_layers as registered_layers

__version__ = "0.1.0"

#: The packages that hand on public names; each has them in its ``HANDS_ON``.
_PACKAGES = (
    "sizes", "formulas", "equations", "compilation", "networks", "solving", "sweeps", "derivations", "regions", "numerics", "adjoints",
    "capacity", "causality", "movement", "topology", "diagrams", "plots", "reports", "typesetting",
)  # fmt: skip
#: Files that hand on public names without a package of their own, and modules that are public under a name.
_FILES = {
    "algebra.errors": [
        "BudgetError", "DomainError", "EquationError", "FieldError", "FileError", "GraphError", "LayerAlgebraError", "ShapeError",
        "UnsupportedError",
    ],
    "algebra.documents": ["latex", "latex_document", "latex_equation", "report_latex", "section_latex"],
    "layers.jax.importer": ["from_jax"],
    "layers.keras.importer": ["from_keras"],
    "layers.onnx.importer": ["from_onnx"],
    "layers.torch.importer": ["from_torch"],
    "layers.torch.exporter": ["to_torch"],
    "proofs.certificates.certificate": ["certify"],
    "proofs.checks.check": ["check"],
    "proofs.saturation.equality": ["equal"],
    "proofs.saturation.rewrite": ["rewrite"],
}  # fmt: skip
_MODULES = {"zoo": "layers.zoo", "proofs": "proofs"}
#: Not in `__all__`: a star would hide other modules.
_NAMESPACES = ("capacity", "io", "plot", "regions", "topology", "types")


@cache
def _homes() -> dict[str, str]:
    """Every public name that is neither a layer nor a metric, with the file that has it."""
    homes = {name: file for file, names in _FILES.items() for name in names}
    for package in _PACKAGES:
        table = importlib.import_module(f".algebra.{package}", __name__).HANDS_ON
        homes |= {name: f"algebra.{package}.{file}" for file, names in table.items() for name in names}
    return homes


def _metrics() -> Any:
    return importlib.import_module(".algebra.derivations.metric", __name__).METRICS


def __getattr__(name: str) -> Any:
    if name == "__all__":
        return sorted({*_homes(), *_MODULES, *REGISTRY, *COMPOSITIONS, *_metrics(), "registered_layers"} - {"METRICS"})
    if name.startswith("_"):
        raise AttributeError(f"module 'layeralgebra' has no attribute {name!r}")
    if name in _MODULES or name in _NAMESPACES:
        found = importlib.import_module(f".{_MODULES.get(name, name)}", __name__)
    elif name in _homes():
        found = getattr(importlib.import_module(f".{_homes()[name]}", __name__), name)
    elif name not in _metrics():
        raise AttributeError(f"module 'layeralgebra' has no attribute {name!r}")
    else:
        found = _metrics()[name]
    globals()[name] = found
    return found


class _Moved:
    """Asks for modules of ours that nobody else finds whether they have moved; only then the table of those is read."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if not name.startswith("layeralgebra."):
            return None
        from .moved import MovedModules

        return MovedModules().find_spec(name, path, target)


def __dir__() -> list[str]:
    return sorted({*globals(), *_NAMESPACES, *__getattr__("__all__")})


sys.meta_path.append(_Moved())
globals().update(REGISTRY)
globals().update(COMPOSITIONS)
