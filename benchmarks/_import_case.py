"""A model that an import is tried on, and how one is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Case:
    """One model of a collection.

    `make` builds it where tensors take no memory; `shapes` are those of one example, `integers` says that tokens enter. `dynamic` names
    axes, as `from_torch` takes them, and `unseen` gives sizes for them at which the import is compared again, until three of them are of
    its domain. Where the model as it is does not stay open, `opened` makes it with the setting that keeps it so, and `elsewhere` is an example
    at other sizes than those for which it was made. `family` is what a collection calls models of one kind. `numbers` asks for the outputs to be compared as well, for inputs from the interval
    `within`.
    """

    collection: str
    name: str
    make: Callable[[], Any]
    shapes: tuple[tuple[int, ...], ...]
    integers: bool = False
    dynamic: Mapping[Any, str] | None = None
    unseen: tuple[Mapping[str, int], ...] = ()
    opened: Callable[[], Any] | None = None
    elsewhere: tuple[tuple[int, ...], ...] | None = None
    family: str = ""
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
CLOSED = ("the model works for", "the model works only where")
"""How an import says that `torch.export` closed an axis which was to stay open."""
