"""What the commands of the command line do; `layeralgebra.cli` reads the arguments and prints.

A command is a function that takes texts and yields `Block`s: a heading and the text below it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Block:
    """A piece of output: a heading (which may be empty) and lines of text."""

    heading: str
    text: str = ""
