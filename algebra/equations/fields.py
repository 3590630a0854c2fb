"""The kinds of a layer's fields, and how an annotation names them."""

from __future__ import annotations

from ..errors import FieldError


class Dim:
    """The kind of a field: a size of at least 1, or a tuple of them, one for each axis."""


class Size:
    """The kind of a field: a size of at least 0, or a tuple of them, one for each axis."""


class Number:
    """The kind of a field: a real number, as a small constant or a slope."""


class Flag:
    """The kind of a field: yes or no."""


class Text:
    """The kind of a field: a word that the equation compares with."""


class Sizes:
    """The kind of a field: a tuple of sizes, as the target of a reshape."""


_KINDS = {kind.__name__: kind for kind in (Dim, Size, Number, Flag, Text, Sizes)}


_NONE = type(None)


def _kinds(annotation: object, owner: str, name: str) -> tuple[type, ...]:
    """The kinds that an annotation such as ``Dim``, ``la.Dim | None`` or ``Size | Text`` names."""
    if isinstance(annotation, str):
        parts = [part.strip().split(".")[-1] for part in annotation.split("|")]
    elif isinstance(annotation, type):
        parts = [annotation.__name__]
    else:
        parts = [getattr(part, "__name__", str(part)) for part in getattr(annotation, "__args__", ())]
    kinds = tuple(_NONE if part in ("None", "NoneType") else _KINDS.get(part) for part in parts)
    if not kinds or None in kinds:
        raise FieldError(
            f"{owner}.{name} has the annotation {annotation!r}; write one of {', '.join(_KINDS)}, with | None where it may be left out"
        )
    return kinds  # type: ignore[return-value]
