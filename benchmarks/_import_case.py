"""A model that an import is tried on, and how one is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Case:
    """One model of a collection.

    `make` builds it where tensors take no memory; `shapes` are those of one example, `integers` says that tokens enter. `dynamic` names
    axes, as `from_torch` takes them, and `unseen` gives sizes for them at which the import is compared again. `numbers` asks for the
    outputs to be compared as well, for inputs from the interval `within`.
    """

    collection: str
    name: str
    make: Callable[[], Any]
    shapes: tuple[tuple[int, ...], ...]
    integers: bool = False
    dynamic: Mapping[Any, str] | None = None
    unseen: tuple[Mapping[str, int], ...] = ()
    numbers: bool = False
    within: tuple[float, float] = (-2.0, 2.0)

    def at(self, sizes: Mapping[str, int]) -> tuple[tuple[int, ...], ...]:
        """The shapes of one example at sizes for the dynamic axes."""
        shapes = [list(shape) for shape in self.shapes]
        for key, name in (self.dynamic or {}).items():
            place, axis = key if isinstance(key, tuple) else (0, key)
            shapes[place][axis] = sizes[name]
        return tuple(map(tuple, shapes))


Collection = Callable[[], Iterator[Case]]
