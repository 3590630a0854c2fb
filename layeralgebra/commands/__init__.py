"""What the commands of the command line do; `layeralgebra.cli` reads the arguments and prints.

A command is a function that takes texts and yields `Block`s for people (a heading and the text below it), `results.Record`s for
programs, and `Failed` where what was asked for does not hold. It need not know which of them are printed.
"""

from __future__ import annotations

from ..algebra.records import dataclass


@dataclass(frozen=True)
class Block:
    """A piece of output: a heading (which may be empty) and lines of text."""

    heading: str
    text: str = ""


@dataclass(frozen=True)
class Failed:
    """What was asked for was answered, and the answer is no: the exit status is 1."""
