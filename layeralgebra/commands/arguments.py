"""Arguments of the command line: names and integers are read, nothing is evaluated.

>>> assignments(["H=224,W=224"])
{'H': '224', 'W': '224'}
>>> value("c"), value("64"), value("(3, 4, n, 3)")
(c, 64, (3, 4, n, 3))
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ..algebra.errors import FieldError
from ..algebra.sizes.dims import dims

LONGEST_ARGUMENT = 2000
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_INTEGER = re.compile(r"[+-]?[0-9][0-9_]*\Z")
_QUOTED = re.compile(r"'[^']*'\Z|\"[^\"]*\"\Z")
_WORDS = {"true": True, "yes": True, "false": False, "no": False, "none": None}


def listed(texts: Sequence[str]) -> list[str]:
    """The items of one or several lists with commas; commas inside round brackets do not separate.

    >>> listed(["a,b", "(1,2)"])
    ['a', 'b', '(1,2)']
    """
    items: list[str] = []
    for text in texts:
        if len(text) > LONGEST_ARGUMENT:
            raise FieldError(f"an argument of more than {LONGEST_ARGUMENT} characters ({len(text)})")
        depth, start = 0, 0
        for place, character in enumerate(f"{text},"):
            depth += (character == "(") - (character == ")")
            if character == "," and depth == 0:
                items.append(text[start:place].strip())
                start = place + 1
        if depth:
            raise FieldError(f"brackets do not match in {text!r}")
    return [item for item in items if item]


def assignments(texts: Sequence[str]) -> dict[str, str]:
    """Pairs ``name=value`` from one or several lists with commas."""
    found: dict[str, str] = {}
    for item in listed(texts):
        name, sign, text = item.partition("=")
        name, text = name.strip(), text.strip()
        if not sign or not _NAME.match(name) or not text:
            raise FieldError(f"{item!r} is no name=value; write H=224,W=224")
        if name in found:
            raise FieldError(f"{name} is given twice")
        found[name] = text
    return found


def sizes(texts: Sequence[str]) -> dict[str, int]:
    """Pairs ``name=integer``."""
    return {name: integer(text, name) for name, text in assignments(texts).items()}


def integer(text: str, what: str) -> int:
    """One integer; ``_`` may group its digits."""
    if not _INTEGER.match(text) or len(text) > 40:
        raise FieldError(f"{what} must be an integer, got {text[:80]!r}")
    return int(text.replace("_", ""))


def value(text: str, *, word: bool = False) -> Any:
    """An integer, a symbolic size, true, false, none, or a tuple of these in round brackets.

    Parameters
    ----------
    text : str
    word : bool
        A bare name is a text, not a symbol; so is what stands in quotation marks.
    """
    text = text.strip()
    if _INTEGER.match(text):
        return integer(text, "a value")
    if _QUOTED.match(text):
        return text[1:-1]
    if text.startswith("(") and text.endswith(")"):
        return tuple(value(part, word=word) for part in listed([text[1:-1]]))
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if not _NAME.match(text):
        raise FieldError(f"{text[:80]!r} is neither an integer nor a name; arithmetic is not evaluated here")
    return text if word else dims(text)


def shape(text: str) -> tuple[Any, ...]:
    """A shape of integers and names, such as ``3,H,W``."""
    items = listed([text.strip().removeprefix("(").removesuffix(")")])
    if not items:
        raise FieldError(f"{text!r} is no shape; write 3,H,W")
    return tuple(value(item) for item in items)
