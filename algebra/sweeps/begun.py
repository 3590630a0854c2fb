"""A sweep that was begun and not completed: which chunks are there, so that the next call goes on from them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import FileError, LayerAlgebraError
from ..records import dataclass
from .plan import Sweep

ENDING = ".begun"
"""What the name of the folder beside the target ends in, where it is noted which chunks are complete."""
NOTE = "layeralgebra-sweep.json"


@dataclass(frozen=True)
class Begun:
    """The folder of a sweep that goes on; each chunk has a note of its own, written after it."""

    folder: Path

    def has(self, number: int) -> bool:
        return (self.folder / f"{number}.done").exists()

    def finished(self, number: int) -> None:
        (self.folder / f"{number}.done").touch()

    def piece(self, number: int) -> Path:
        """Where the rows of a chunk are kept until all are there."""
        return self.folder / f"{number}.rows"

    def forget(self) -> None:
        for note in self.folder.glob("*.done"):
            note.unlink()


@contextlib.contextmanager
def begun(target: Path, plan: Sweep, sizes: Mapping[str, int]) -> Iterator[Begun]:
    """The folder beside a target for this sweep; it stays after an interruption, and is taken away when all is done.

    What another sweep left there is begun anew; what is not of the library is refused.
    """
    folder = target.with_name(target.name + ENDING)
    note, about = folder / NOTE, {"sweep": _fingerprint(plan, sizes)}
    try:
        if folder.exists() and not note.is_file():
            raise FileError(f"{folder} is there already and is not of a sweep; give another name")
        if folder.exists() and json.loads(note.read_text(encoding="utf-8")) != about:
            shutil.rmtree(folder)
        if not folder.exists():
            folder.mkdir()
            note.write_text(json.dumps(about), encoding="utf-8")
    except (OSError, ValueError) as error:
        raise error if isinstance(error, FileError) else FileError(f"{folder} cannot be written: {error}") from None
    try:
        yield Begun(folder)
    except LayerAlgebraError:  # with the same sizes it would end so again
        shutil.rmtree(folder)
        raise
    shutil.rmtree(folder)


def _fingerprint(plan: Sweep, sizes: Mapping[str, int]) -> str:
    """The same for equal sweeps only: formulas, sizes, order, chunks and how numbers are kept."""
    found = hashlib.sha256()
    parts: list[Any] = [
        plan.compiled.token,
        plan.names,
        plan.mode,
        plan.dtype,
        plan.compiled.on_invalid,
        sorted(sizes.items()),
    ]
    for name, axis in plan.axes.items():
        parts += [name, axis if isinstance(axis, int) else axis.tolist()]
    for part in parts:
        found.update(repr(part).encode())
    return found.hexdigest()
