"""Where one formula overtakes another along a size, and which of a formula's terms is the largest where."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sympy import Add, Expr, Integer, Max, Symbol

from ..compilation.interface import CompiledFormula
from ..sizes.evaluate import free_symbols
from ..sizes.normal_form import simplify

Curve = Callable[[int], Any]


def curve(formula: Any, over: str, at: Mapping[str, Any]) -> Curve:
    """A formula as an exact function of one of its sizes, the others held fixed."""
    compiled = CompiledFormula(formula, backend="python")
    names = {symbol.name for symbol in free_symbols(formula)}
    fixed = {name: value for name, value in at.items() if name in names}
    return lambda size: compiled(**fixed, **({over: int(size)} if over in names else {}))


def crossings(one: Curve, other: Curve, sizes: Sequence[int]) -> list[int]:
    """The first sizes at which the smaller of two has become the larger, found by halving between neighbours of a grid.

    >>> crossings(lambda n: n**2, lambda n: 100 * n, [1, 10, 1000, 10000])
    [101]
    """
    found = []
    signs = [_sign(one(size), other(size)) for size in sizes]
    last: tuple[int, int] | None = None  # the last size at which they differed, and how
    for size, sign in zip(sizes, signs):
        if sign == 0:
            continue
        if last is not None and sign != last[1]:
            low, high = last[0], size
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (low, middle) if _sign(one(middle), other(middle)) == sign else (middle, high)
            found.append(high)
        last = size, sign
    return found


def _sign(one: Any, other: Any) -> int:
    return int(one > other) - int(one < other)


def terms_by_growth(formula: Expr, over: Symbol) -> list[tuple[Expr, Expr]]:
    """The terms of a formula with how each grows along a size; those that grow alike together, and of a maximum its cases.

    >>> from sympy import symbols
    >>> T, d = symbols("T d", integer=True, positive=True)
    >>> terms_by_growth(T * d * (T + 6 * d) + 3 * T, T)
    [(6*T*d**2 + 3*T, T), (T**2*d, T**2)]
    """
    if isinstance(formula, Max):
        return [(case, _growth(case, over)) for case in sorted(formula.args, key=str)]
    found: dict[Expr, Expr] = {}
    for term in Add.make_args(simplify(formula)):
        growth = _growth(term, over)
        found[growth] = found.get(growth, Integer(0)) + term
    return sorted(
        ((term, growth) for growth, term in found.items()),
        key=lambda pair: (str(pair[1]).count(over.name), str(pair[1])),
    )


def _growth(term: Expr, over: Symbol) -> Expr:
    return term.as_independent(over, as_Add=False)[1]


def regimes(formula: Expr, over: Symbol, at: Mapping[str, Any], sizes: Sequence[int]) -> tuple[list[int], list[Expr]]:
    """Where along a size the largest term of a formula changes, and how the largest one grows between these sizes.

    >>> from sympy import symbols
    >>> T, d = symbols("T d", integer=True, positive=True)
    >>> regimes(T * d * (T + 6 * d), T, {"d": 10}, [1, 2, 1000])
    ([61], [T, T**2])
    """
    terms = terms_by_growth(formula, over)
    curves = [curve(term, over.name, at) for term, _ in terms]

    def largest(size: int) -> int:
        values = [value(size) for value in curves]
        return values.index(max(values))

    places: list[int] = []
    growths = [terms[largest(sizes[0])][1]]
    for low, high in zip(sizes, sizes[1:]):
        start = low
        while (now := largest(start)) != largest(high):
            bottom, top = start, high
            while top - bottom > 1:
                middle = (bottom + top) // 2
                bottom, top = (middle, top) if largest(middle) == now else (bottom, middle)
            places.append(top)
            growths.append(terms[largest(top)][1])
            start = top
    return places, growths
