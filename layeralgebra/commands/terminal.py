"""What a command prints, and how wide: as wide as the terminal, and without a width where there is none.

A pipe or a file has no width: nothing is folded there. ``COLUMNS`` in the environment is a width for either.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from ..algebra.errors import FieldError
from ..algebra.writing import write_text
from . import Block, Failed
from .folding import folded
from .results import Record, csv_text, json_text

NARROWEST = 40
UNBOUNDED = 1_000_000
"""The width of what has none."""
PRINTED = "-"
"""The name of the file for which records are printed."""

BOLD, RED, PLAIN = "\033[1m", "\033[31m", "\033[0m"

Answer = Block | Record | Failed


def width() -> int:
    """Characters in a line."""
    asked = os.environ.get("COLUMNS", "")
    if asked.isdecimal() and 0 < int(asked[:9]):
        return max(NARROWEST, int(asked[:9]))
    try:
        return max(NARROWEST, os.get_terminal_size(sys.stdout.fileno()).columns or UNBOUNDED)
    except (AttributeError, OSError, ValueError):  # closed, or no terminal
        return UNBOUNDED


def styled(text: str, style: str, stream: object) -> str:
    """The text in a style, where a terminal shows it and nobody has asked for plain text."""
    shows = (
        getattr(stream, "isatty", lambda: False)()
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") != "dumb"
    )
    return f"{style}{text}{PLAIN}" if shows and text else text


def complain(message: str) -> None:
    """An error, on standard error."""
    if sys.stderr is not None:
        print(styled(f"error: {message}", RED, sys.stderr), file=sys.stderr)


def show(
    command: str,
    answers: Iterable[Answer],
    as_json: str | None = None,
    as_csv: str | None = None,
    overwrite: bool = False,
) -> bool:
    """Print the blocks of an answer, or its records as JSON or CSV; written into a file, the blocks are printed as well.

    Parameters
    ----------
    command : str
        Its name.
    answers : iterable of Block, Record or Failed
    as_json, as_csv : str, optional
        A file, or ``-`` for standard output.
    overwrite : bool
        Whether a file that is there already is replaced.

    Returns
    -------
    bool
        Whether nothing failed.
    """
    if PRINTED in (as_json, as_csv):
        if as_json == as_csv:
            raise FieldError("--json and --csv both print; leave out one, or write --csv FILE.csv")
        stdout, sys.stdout = sys.stdout, sys.stderr  # what a file of the user's prints must not stand among the records
        try:
            found = list(answers)
        finally:
            sys.stdout = stdout
    else:
        found = _printed(answers) if not (as_json or as_csv) else list(answers)
    records = [each for each in found if isinstance(each, Record)]
    if as_json == PRINTED or as_csv == PRINTED:
        print(json_text(command, records) if as_json == PRINTED else csv_text(records), end="")
    elif as_json or as_csv:
        list(_printed(found))
    for file, text in ((as_json, json_text), (as_csv, lambda _, records: csv_text(records))):
        if file and file != PRINTED:
            write_text(Path(file), text(command, records), overwrite=overwrite)
            if PRINTED not in (as_json, as_csv):
                print(f"\n{Path(file).suffix[1:].upper()}: {file}")
    return not any(isinstance(each, Failed) for each in found)


def _printed(answers: Iterable[Answer]) -> list[Answer]:
    """Print blocks as they come, headings in bold where the terminal knows it, an empty line between them."""
    kept: list[Answer] = []
    first = True
    for each in answers:
        if not isinstance(each, Block):
            kept.append(each)
            continue
        if not first:
            print()
        first = False
        if each.heading:
            print(styled(folded(each.heading, width()), BOLD, sys.stdout))
        if each.text:
            print(each.text)
        if sys.stdout is not None:
            sys.stdout.flush()
    return kept
