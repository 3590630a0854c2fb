"""What a formula may be: one expression, several in a tuple, or a record that maps them."""

from __future__ import annotations

import dataclasses
from typing import Any

from sympy import Basic, Expr, Tuple
from sympy.logic.boolalg import Boolean


def expressions(formula: Any) -> list[Basic]:
    """The SymPy expressions in a formula: itself, or those of a tuple or of a record."""
    if isinstance(formula, (tuple, list, Tuple)):
        return [part for item in formula for part in expressions(item)]
    if hasattr(formula, "map_expressions"):
        found: list[Basic] = []
        formula.map_expressions(lambda part: found.append(part) or part)
        return found
    return [formula] if isinstance(formula, Basic) else []


def mapped(formula: Any, function: Any) -> Any:
    """The formula with a function applied to every expression in it."""
    if isinstance(formula, (tuple, list, Tuple)):
        return tuple(mapped(item, function) for item in formula)
    if hasattr(formula, "map_expressions"):
        return formula.map_expressions(function)
    return function(formula) if isinstance(formula, Basic) else formula


def writes_itself(value: Any) -> bool:
    """Whether something that is no formula, such as a network, a table or a derivation, answers SymPy's ``_latex(printer)``."""
    return hasattr(value, "_latex") and not isinstance(value, (Expr, Boolean, type))


def record_parts(record: Any) -> list[tuple[str, Any]]:
    """The named formulas of a record such as `ReceptiveField` or `Flops`; flags are left out."""
    found = []
    for item in dataclasses.fields(record):
        value = getattr(record, item.name)
        if not _is_flag(value):
            found.append((item.name.replace("_", " "), value))
    return found


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool) or (
        isinstance(value, tuple) and bool(value) and all(isinstance(part, bool) for part in value)
    )
