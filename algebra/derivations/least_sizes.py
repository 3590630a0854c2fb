"""Conditions that bound one size from below: what they come to, and which of them are implied by others.

>>> from sympy import floor, symbols
>>> H = symbols("H", integer=True, positive=True)
>>> least_size(floor((H + 3) / 16) >= 2), least_size(H >= 5), least_size(H**2 >= 5)
((H, 29), (H, 5), None)
"""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil
from math import floor as rounded_down

from sympy import Expr, Ge, Max, Min, Symbol, ceiling, floor
from sympy.logic.boolalg import Boolean

from ..networks.carrier import DomainCondition


def least_size(relation: Boolean) -> tuple[Symbol, int] | None:
    """The symbol and the least integer for which a lower bound on roundings of it holds, if it is one."""
    if not isinstance(relation, Ge) or len(relation.free_symbols) != 1:
        return None
    (symbol,) = relation.free_symbols
    if not isinstance(symbol, Symbol) or not (symbol.is_integer and symbol.is_positive):
        return None
    if not relation.rhs.is_Rational:
        return None
    found = _least(relation.lhs, symbol, relation.rhs, False)
    return None if found is None else (symbol, found)


def _least(value: Expr, symbol: Symbol, bound: Expr, above: bool) -> int | None:
    """The least integer at which a value that never falls is at least a number, or above it."""
    while True:
        rest, factor = value.as_independent(symbol, as_Add=True)
        scale, core = factor.as_coeff_Mul()
        if not rest.is_Rational or not scale.is_Rational or not scale > 0:
            return None
        bound = (bound - rest) / scale
        if core == symbol:
            return rounded_down(bound) + 1 if above else ceil(bound)
        if isinstance(core, floor):  # floor(x) > b is x >= floor(b) + 1, and floor(x) >= b is x >= ceil(b)
            value, bound, above = core.args[0], floor(bound) + 1 if above else ceiling(bound), False
        elif isinstance(core, ceiling):  # ceil(x) > b is x > floor(b), and ceil(x) >= b is x > ceil(b) - 1
            value, bound, above = core.args[0], floor(bound) if above else ceiling(bound) - 1, True
        elif isinstance(core, (Max, Min)):
            parts = [_least(part, symbol, bound, above) for part in core.args if part.has(symbol)]
            if any(part is None for part in parts):
                return None
            reached = [bool(part > bound if above else part >= bound) for part in core.args if not part.has(symbol)]
            known = [part for part in parts if part is not None]
            if isinstance(core, Max):
                return None if any(reached) else min(known)
            return max(known) if all(reached) else None
        else:
            return None


def without_implied(conditions: Iterable[DomainCondition]) -> list[DomainCondition]:
    """Conditions in their order, without those that hold wherever an earlier one does, so that the first to fail stays the first."""
    kept: list[DomainCondition] = []
    reached: dict[Symbol, int] = {}
    for item in conditions:
        bound = least_size(item.condition.relation)
        if bound is not None:
            symbol, least = bound
            if symbol not in {loop.index for loop in item.all_loops}:
                if least <= reached.get(symbol, 1):
                    continue
                if not item.all_loops:
                    reached[symbol] = least
        kept.append(item)
    return kept
