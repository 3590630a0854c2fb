"""An equation in its setting: the fields of one layer, and the shapes of what enters it."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache

from sympy import Expr

from ..records import dataclass
from .conditions import chosen
from .names import Names, resolve
from .protocol import StatesEquation
from .syntax import ParsedEquation
from .trees import parts


@lru_cache(maxsize=50_000)
def names_in(node: ast.AST) -> list[str]:
    return [part.id for part in parts(node) if isinstance(part, ast.Name)]


@dataclass(frozen=True)
class Setting:
    """An equation without conditions, the fields, and the shapes of the inputs.

    At the schematic rank `shapes` is None: every starred index is one bold index, whatever the number of its axes.
    """

    parsed: ParsedEquation
    fields: Mapping[str, object]
    inputs: tuple[str, ...]
    names: Names
    shapes: Mapping[str, Sequence[Expr]] | None

    @staticmethod
    def of(layer: StatesEquation, shapes: Sequence[Sequence[Expr]] | None) -> Setting:
        """The setting of a layer: names are resolved, and conditions chosen."""
        parsed, fields, inputs = layer.parsed, layer.values, layer.input_names
        names = resolve(parsed, frozenset(fields), inputs, layer.buffers, layer.output_names)
        known = dict(zip(inputs, shapes)) if shapes is not None else None
        return Setting(chosen(parsed, fields), fields, inputs, names, known)

    @cached_property
    def scalars(self) -> dict[str, ast.expr]:
        return dict(self.parsed.scalars)

    def names_through(self, node: ast.AST) -> set[str]:
        """The names in an expression, and those in the definitions of its scalars."""
        found: set[str] = set()
        waiting = set(names_in(node))
        while waiting:
            name = waiting.pop()
            found.add(name)
            if name in self.scalars:
                waiting |= set(names_in(self.scalars[name])) - found
        return found

    def is_index(self, name: str) -> bool:
        return name in self.names.indices
