"""``layeralgebra check file.py::MyLayer``: is the layer's equation sound, are its claims true, do the laws hold for it?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..algebra.errors import FieldError
from ..algebra.networks.layer import Layer
from .arguments import shape
from .networks import module_in


def run(model: str, on: str | None = None, examples: int | None = None, latex: bool = False) -> list[Any]:
    """The reports on what a file defines.

    Parameters
    ----------
    model : str
        ``file.py::Name``, or ``file.py`` for all classes of layers that the file defines, or the name of a layer of the library.
    on : str, optional
        A shape of integers, ``3,8,8``.
    examples : int, optional
    latex : bool
    """
    from ..proofs.checks.check import check

    sizes = None if on is None else shape(on)
    if sizes is not None and not all(isinstance(size, int) for size in sizes):
        raise FieldError(f"check needs integers for --on, got {on}")
    return [check(subject, sizes, examples, latex=latex) for subject in _subjects(model)]


def _subjects(model: str) -> list[Any]:
    name, colons, attribute = model.partition("::")
    if not colons and ".py:" in model:
        name, _, attribute = model.rpartition(":")
    if not name.endswith(".py"):
        from ..layers import REGISTRY

        if name in REGISTRY and not colons:
            return [REGISTRY[name]]
        raise FieldError(f"{model} is neither a layer of the library nor file.py::Name")
    module = module_in(Path(name))
    if attribute:
        found = getattr(module, attribute, None)
        if found is None:
            raise FieldError(f"{name} has no {attribute!r}")
        return [found]
    own = [
        one for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, Layer) and one.__module__ == module.__name__
    ]  # fmt: skip
    if not own:
        raise FieldError(f"{name} defines no class of layers; say what is to be checked, as in {name}::my_layer")
    return own
