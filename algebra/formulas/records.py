"""What a formula may be: one expression, several in a tuple, or a record that maps them; and `Formula`, what is known of it.

>>> from sympy import symbols
>>> c, L = symbols("c L", integer=True, positive=True)
>>> as_formula(9 * c**2 * L, "compile").body
9*L*c**2
>>> as_formula("9*c**2", "compile")
Traceback (most recent call last):
...
layeralgebra.algebra.errors.FieldError: compile takes a formula, a derivation, a SymPy expression, or a mapping of names to them, got '9*c**2' of type str; write derive(parameters, net) for what a network has, dims('c') for a symbol
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from numbers import Number
from typing import Any, TypeVar

from sympy import Basic, Expr, Symbol, SympifyError, Tuple, sympify
from sympy.logic.boolalg import Boolean

from ..arguments import is_scalar, shown
from ..errors import FieldError
from ..sizes.evaluate import free_symbols
from .conditions import Condition, conditions_of

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Formula:
    """A formula with where it holds and what it is: what everything that computes with formulas takes.

    Attributes
    ----------
    body : sympy.Expr or sympy.Boolean, or a tuple or record of them
    domain : tuple of Condition
        Where it holds, beyond what its symbols assume; relations are accepted and become conditions.
    symbols : frozenset of sympy.Symbol
        Sizes that may be given although nothing here depends on them: the other sizes of a network.
    title, unit, kind, source : str
        What it is called, what it counts, exact or bound, and where it comes from; empty, where nobody says.
    """

    body: Any
    domain: tuple[Condition, ...] = ()
    symbols: frozenset[Symbol] = frozenset()
    title: str = ""
    unit: str = ""
    kind: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "domain", tuple(conditions_of(self.domain)))

    @property
    def expressions(self) -> list[Basic]:
        """Every expression in it."""
        return expressions(self.body)

    @property
    def known(self) -> frozenset[Symbol]:
        """The symbols for which sizes may be given."""
        return self.symbols.union(
            *(free_symbols(part) for part in self.expressions), *(item.free_symbols for item in self.domain)
        )

    def __str__(self) -> str:
        return str(self.body)


def as_formula(value: Any, what: str) -> Formula:
    """Whatever says a formula as one: a formula, a derivation, an expression or a number, a tuple or a record of expressions.

    Parameters
    ----------
    value : Formula, Derivation, sympy.Expr, number, tuple or record
    what : str
        Who asks, for the message.

    Raises
    ------
    FieldError
        If it is anything else.
    """
    found = _formula(value)
    if found is None:
        raise FieldError(
            f"{what} takes a formula, a derivation, a SymPy expression, or a mapping of names to them, "
            f"got {shown(value)} of type {type(value).__name__}; "
            "write derive(parameters, net) for what a network has, dims('c') for a symbol"
        )
    return found


def as_scalar(value: Any, what: str) -> Formula:
    """A formula that is one expression, for what has no meaning for several."""
    found = as_formula(value, what)
    if not isinstance(found.body, Expr):
        raise FieldError(
            f"{what} takes formulas that are one expression, got {shown(found.body)}; take one of its parts"
        )
    return found


def for_each(value: Any, what: str, answer: Callable[[Formula], T]) -> T | dict[Any, T]:
    """The answer for a formula of one expression, or for each in a mapping by its name."""
    if isinstance(value, Mapping):
        return {name: answer(as_scalar(part, f"{what}, {name!r},")) for name, part in value.items()}
    return answer(as_scalar(value, what))


def formulas_in(value: Any, what: str) -> list[Formula]:
    """The formulas in a formula, a sequence or a mapping, one by one."""
    found = as_formulas(value, what)
    return [found] if isinstance(found, Formula) else list(found.values() if isinstance(found, dict) else found)


def as_formulas(value: Any, what: str) -> Formula | dict[Any, Formula] | list[Formula]:
    """One formula, or a mapping or sequence of them."""
    if isinstance(value, Mapping):
        return {name: as_formula(part, f"{what}, {name!r},") for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        as_formula(value, what)
        return [as_formula(part, what) for part in value]
    return as_formula(value, what)


def _formula(value: Any) -> Formula | None:
    """The formula that something says; None if it says none."""
    if isinstance(value, Formula):
        return value if _formula(value.body) else None
    if isinstance(value, (str, bool, type)):
        return None
    if hasattr(value, "as_formula"):
        return _formula(value.as_formula())
    if isinstance(value, Expr) and not is_scalar(value):
        return None
    if isinstance(value, (Expr, Boolean)):
        return Formula(value)
    if isinstance(value, Number):
        try:
            return Formula(sympify(value, strict=True))
        except (SympifyError, ValueError, OverflowError):  # numbers of numpy that are none
            return None
    if isinstance(value, (tuple, list, Tuple)):
        parts = [_formula(part) for part in value]
        domain = dict.fromkeys(condition for part in parts if part for condition in part.domain)
        symbols = frozenset(symbol for part in parts if part for symbol in part.symbols)
        body = tuple(
            given if isinstance(given, Number) else part.body for given, part in zip(value, parts, strict=True) if part
        )
        return Formula(body, tuple(domain), symbols) if len(body) == len(parts) else None
    if hasattr(value, "map_expressions") and all(isinstance(part, (Expr, Boolean)) for part in expressions(value)):
        return Formula(value)
    return None


def expressions(formula: Any) -> list[Basic]:
    """The SymPy expressions in a formula: itself, or those of a tuple or of a record."""
    if isinstance(formula, Formula):
        return expressions(formula.body)
    if isinstance(formula, (tuple, list, Tuple)):
        return [part for item in formula for part in expressions(item)]
    if hasattr(formula, "map_expressions"):
        found: list[Basic] = []

        def noted(part: Basic) -> Basic:
            found.append(part)
            return part

        formula.map_expressions(noted)
        return found
    return [formula] if isinstance(formula, Basic) else []


def mapped(formula: Any, function: Callable[[Any], Any]) -> Any:
    """The formula with a function applied to every expression in it."""
    if isinstance(formula, Formula):
        return mapped(formula.body, function)
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
    """Truths, and that a record is exact, which needs no words."""
    if isinstance(value, tuple):
        return bool(value) and all(part is None or isinstance(part, bool) for part in value)
    return isinstance(value, bool) or (isinstance(value, str) and value == "exact")
