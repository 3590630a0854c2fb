"""The backends by their names: those with a file ``NAME_backend.py`` here, loaded when first asked for, and a user's own.

>>> sorted(BACKENDS), BACKENDS["python"].on_arrays
(['jax', 'numba', 'numpy', 'python', 'torch'], False)
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from sympy import Symbol

from ...records import dataclass
from ..program.formulas import Formulas

Runner = Callable[[Sequence[Any]], list[Any]]  # from the arguments, in order, to the results
_ENDING = "_backend"


@dataclass(frozen=True)
class Backend:
    """What computes formulas.

    Attributes
    ----------
    runner : callable
        Makes what is called with the arguments, from the formulas as programs, the symbols that the arguments stand
        for, and whether values outside the domain are masked instead of refused.
    on_arrays : bool
        Whether it takes and gives arrays of NumPy, as a sweep needs.
    """

    runner: Callable[[Formulas, Sequence[Symbol], bool], Runner]
    on_arrays: bool = False


class Backends(Mapping[str, Backend]):
    """The backends by their names."""

    def __init__(self) -> None:
        self._known: dict[str, Backend] = {}

    @staticmethod
    @cache
    def _files() -> tuple[str, ...]:
        files = pkgutil.iter_modules(importlib.import_module(__package__ or "").__path__)
        return tuple(sorted(file.name.removesuffix(_ENDING) for file in files if file.name.endswith(_ENDING)))

    def __getitem__(self, name: str) -> Backend:
        if name not in self._known and name in self._files():
            self._known[name] = importlib.import_module(f".{name}{_ENDING}", __package__).BACKEND
        return self._known[name]

    def __contains__(self, name: object) -> bool:
        return name in self._known or name in self._files()

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*self._files(), *self._known)))

    def __len__(self) -> int:
        return len(list(iter(self)))


BACKENDS = Backends()


def add_backend(name: str, backend: Backend) -> None:
    """Make a backend known under a name, so that `compile` takes it."""
    BACKENDS._known[name] = backend
