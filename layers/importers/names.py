"""Names of what is imported: those of a model's author where there are any, else those of operators, alike in equal blocks."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .record import Operation

_GENERATED = re.compile(r"(?:_\d+)+(?=_|$)")


def label_of(operation: Operation) -> str:
    """How an operation is called among others: without the numbers that a framework gives to keep them apart."""
    return operation.label or _GENERATED.sub("", operation.name) or operation.name


def distinct(names: Sequence[str]) -> list[str]:
    """The names, numbered from the second one on where one occurs several times; the same list gives the same names everywhere."""
    taken = set(names)
    seen: dict[str, int] = {}
    made: list[str] = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        own = name
        while seen[name] > 1 and (own := f"{name}_{seen[name]}") in taken:
            seen[name] += 1
        taken.add(own)
        made.append(own)
    return made


def spanned(names: Sequence[str]) -> str:
    """One name for modules that stand together: ``layers.0`` to ``layers.11`` are ``layers.0-11``."""
    first, last = names[0], names[-1]
    start = first[: len(first) - len(first.split(".")[-1])]
    if first == last or not last.startswith(start):
        return first if first == last else f"{first}-{last}"
    return f"{first}-{last[len(start) :]}"
