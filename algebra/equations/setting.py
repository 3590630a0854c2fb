"""An equation in its setting: the fields of one layer, and the shapes of what enters it."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from sympy import Expr

from .conditions import chosen
from .syntax import SCALAR_FUNCTIONS, ParsedEquation


@lru_cache(maxsize=50_000)
def names_in(node: ast.AST) -> list[str]:
    return [part.id for part in ast.walk(node) if isinstance(part, ast.Name)]


@dataclass(frozen=True)
class Setting:
    """An equation without conditions, the fields, and the shapes of the inputs.

    At the schematic rank `shapes` is None: every starred index is one bold index, whatever the number of its axes.
    """

    parsed: ParsedEquation
    fields: Mapping[str, object]
    inputs: tuple[str, ...]
    shapes: Mapping[str, Sequence[Expr]] | None

    @staticmethod
    def of(
        parsed: ParsedEquation,
        fields: Mapping[str, object],
        inputs: Sequence[str],
        shapes: Sequence[Sequence[Expr]] | None,
    ) -> Setting:
        """Conditions are chosen here."""
        known = dict(zip(inputs, shapes)) if shapes is not None else None
        return Setting(chosen(parsed, fields), fields, tuple(inputs), known)

    @cached_property
    def scalars(self) -> dict[str, ast.expr]:
        return dict(self.parsed.scalars)

    def is_index(self, name: str) -> bool:
        """Whether a name that is no tensor's can be an index."""
        return not (
            name in self.fields or name in self.scalars or name in SCALAR_FUNCTIONS or name in ("_", "inf", "pi")
        )
