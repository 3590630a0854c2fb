"""The one way in which the library writes files: beside the target first, then renamed, and never over what it did not write.

>>> import tempfile
>>> from pathlib import Path
>>> folder = Path(tempfile.mkdtemp())
>>> write_text(folder / "a.csv", "a,b")
>>> write_text(folder / "a.csv", "a,b,c")
Traceback (most recent call last):
...
layeralgebra.algebra.errors.FileError: ...a.csv is there already; give another name, or write overwrite=True
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex

from .errors import FileError

UNFINISHED = ".part"
"""What the name of a file ends in until it is complete."""


def target_of(path: str | Path, endings: tuple[str, ...] = (), *, overwrite: bool = False) -> Path:
    """The path of a file that may be written.

    Raises
    ------
    FileError
        If its folder is missing or cannot be written to, its ending is another, or something is there already.
    """
    target = Path(path)
    if "\0" in str(target) or not target.name:
        raise FileError(f"{str(target)[:200]!r} names no file")
    if endings and target.suffix not in endings:
        raise FileError(f"the name of the file must end in {' or '.join(endings)}, got {str(target)[:200]!r}")
    try:
        if not target.parent.is_dir():
            raise FileError(f"there is no folder {str(target.parent)[:200]!r} for {target.name[:200]!r}; make it first")
        if not os.access(target.parent, os.W_OK):
            raise FileError(f"the folder {target.parent} cannot be written to")
        if (target.exists() or target.is_symlink()) and not overwrite:
            raise FileError(f"{target} is there already; give another name, or write overwrite=True")
        if target.is_dir() and target.suffix != ".zarr":
            raise FileError(f"{target} is a folder, which a file does not replace")
    except OSError as error:  # a name that is too long, say
        raise FileError(f"{str(target)[:200]!r} cannot be written: {error}") from None
    return target


@contextlib.contextmanager
def completed(target: Path, unfinished: Path | None = None) -> Iterator[Path]:
    """A path in the target's folder, new unless one is given, which takes the target's name if the body ends well.

    After an error what was begun there is taken away, unless the path was given; a target that is replaced stays until the end.
    """
    own = target.with_name(f".{token_hex(8)}{UNFINISHED}")
    work = own if unfinished is None else unfinished
    try:
        try:
            yield work
            if target.is_dir() and not target.is_symlink():
                before = target.with_name(f".{token_hex(8)}{UNFINISHED}")
                target.rename(before)
                work.rename(target)
                shutil.rmtree(before)
            else:
                work.replace(target)
        except BaseException:
            own.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise FileError(f"{target} cannot be written: {error}") from error


def write_text(path: str | Path, text: str, endings: tuple[str, ...] = (), *, overwrite: bool = False) -> None:
    """A text file, as UTF-8."""
    target = target_of(path, endings, overwrite=overwrite)
    with completed(target) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
