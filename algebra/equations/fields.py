"""The kinds of a layer's fields: what an annotation means to a type checker, and to the class that bears it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from sympy import Expr, Tuple
from sympy.core.symbol import Str

from ..arguments import shown
from ..errors import FieldError

NOTHING = Str("None")
"""The value of a field that was left out."""

if TYPE_CHECKING:

    class SizeExpression(Protocol):
        """A size with symbols in it, as `dims` and arithmetic on its symbols make it: told by what it can do, since text cannot."""

        @property
        def free_symbols(self) -> Any: ...

        @property
        def is_integer(self) -> Any: ...

        def subs(self, *args: Any, **kwargs: Any) -> Any: ...

    OneSize: TypeAlias = int | SizeExpression
    Dim: TypeAlias = OneSize | Sequence[OneSize]
    Size: TypeAlias = OneSize | Sequence[OneSize]
    Number: TypeAlias = float | Fraction | SizeExpression
    Flag: TypeAlias = bool
    Text: TypeAlias = str
    Sizes: TypeAlias = Sequence[OneSize]
else:

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


Kind: TypeAlias = Any
"""One of the six kinds, or the type of None."""
NO_VALUE = type(None)
_KINDS: dict[str, Kind] = {
    "Dim": Dim, "Size": Size, "Number": Number, "Flag": Flag, "Text": Text, "Sizes": Sizes, "None": NO_VALUE, "NoneType": NO_VALUE,
}  # fmt: skip


def kinds_of(annotation: object, owner: str, name: str) -> tuple[Kind, ...]:
    """The kinds that an annotation such as ``Dim``, ``la.Dim | None`` or ``Size | Text`` names."""
    if isinstance(annotation, str):
        parts = [part.strip().split(".")[-1] for part in annotation.split("|")]
    elif isinstance(annotation, type):
        parts = [annotation.__name__]
    else:
        parts = [getattr(part, "__name__", str(part)) for part in getattr(annotation, "__args__", ())]
    kinds = tuple(_KINDS[part] for part in parts if part in _KINDS)
    if not kinds or len(kinds) < len(parts):
        raise FieldError(
            f"{owner}.{name} has the annotation {shown(annotation)}; write one of "
            "Dim, Size, Number, Flag, Text, Sizes, with | None where it may be left out"
        )
    return kinds


def sizes_of(kinds: tuple[Kind, ...], value: object) -> tuple[tuple[Expr, int], ...]:
    """The sizes that a field holds, each with the least value that its kind admits."""
    least = 1 if Dim in kinds or Sizes in kinds else 0 if Size in kinds else None
    if least is None or Number in kinds:
        return ()
    parts = value if isinstance(value, Tuple) else (value,)
    return tuple((part, least) for part in parts if isinstance(part, Expr))


def signature_of(annotations: dict[str, object], defaults: dict[str, object]) -> Signature:
    """How a class with these fields is called."""
    return Signature(
        [
            Parameter(
                name, Parameter.POSITIONAL_OR_KEYWORD, annotation=kind, default=defaults.get(name, Parameter.empty)
            )
            for name, kind in annotations.items()
        ],
        __validate_parameters__=False,
    )
