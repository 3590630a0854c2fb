"""Where a formula holds: relations on sizes, each with words for what it is about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sympy import And, Expr, S, Symbol
from sympy.logic.boolalg import Boolean

from ..arguments import as_elements, shown
from ..errors import FieldError
from ..records import dataclass


@dataclass(frozen=True)
class Condition:
    """A requirement on sizes, perhaps for every value of some indices, with words for what it is about.

    Attributes
    ----------
    relation : sympy.Boolean
    meaning : str
    loops : tuple of (Symbol, Expr)
        An index, and how many values it takes, from 0.
    """

    relation: Boolean
    meaning: str
    loops: tuple[tuple[Symbol, Expr], ...] = ()

    @property
    def free_symbols(self) -> set[Symbol]:
        """What the condition depends on."""
        found: set[Symbol] = set(self.relation.free_symbols)
        for _, times in self.loops:
            found |= times.free_symbols
        return found - {index for index, _ in self.loops}


def conditions_of(domain: Any) -> list[Condition]:
    """A domain as a list of conditions: one relation, several, or the domain of a derivation.

    >>> from sympy import symbols
    >>> H, k = symbols("H k", integer=True, positive=True)
    >>> [condition.meaning for condition in conditions_of([(H >= 7) & (k <= 3), k <= H])]
    ['H >= 7', 'k <= 3', 'k <= H']
    """
    if domain is None:
        return []
    if isinstance(domain, (bool, Boolean)):
        domain = [domain]
    elif not isinstance(domain, Iterable) or getattr(domain, "ndim", 1) == 0:
        raise FieldError(f"domain must be a list of conditions such as [H >= 7], got {shown(domain)}")
    found: list[Condition] = []
    for item in as_elements(domain, "a domain"):
        given = _condition(item)
        parts = given.relation.args if isinstance(given.relation, And) else [given.relation]
        found += [replace(given, relation=part, meaning=given.meaning or str(part)) for part in parts]
    return found


def _condition(item: Any) -> Condition:
    """A condition as it is, that of a node with its place in words, or a relation without words."""
    if isinstance(item, Condition):
        return item
    if hasattr(item, "as_condition"):
        stated: Condition = item.as_condition()
        return stated
    relation = S(item) if isinstance(item, bool) else item
    if not isinstance(relation, Boolean) or isinstance(relation, Symbol):
        raise FieldError(f"a condition of the domain must be a relation such as H >= 7, got {shown(item)}")
    return Condition(relation, "")
