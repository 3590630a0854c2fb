"""How a formula depends on its sizes: elasticities, and tables of sensitivities.

>>> from sympy import symbols
>>> c, L = symbols("c L", integer=True, positive=True)
>>> elasticity(9 * c**2 * L, c)
2
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sympy import Add, Expr, Integer, Mod, Mul, Pow, S, Symbol, cancel, ceiling, floor, together
from sympy.polys.polyerrors import PolynomialError

from ..arguments import as_integer, checked, shown
from ..compilation.program.gradient import gradient
from ..errors import FieldError, UnsupportedError
from ..formulas.leading_terms import leading_term
from ..formulas.records import for_each, formulas_in
from ..formulas.table import Table
from ..sizes.evaluate import free_symbols
from ..sizes.normal_form import simplify

LARGEST_QUOTIENT = 400  # operations; larger quotients are not cancelled


def smoothed(e: Expr, c: Symbol) -> Expr:
    """Floors and ceilings that depend on a size replaced by what stands inside: right up to one, and on average."""

    def of(part: Expr) -> Expr:
        return part.args[0]

    return e.replace(lambda part: isinstance(part, (floor, ceiling)) and part.has(c), of)


@checked
def elasticity(e: Any, c: Symbol) -> Any:
    """By how many percent a formula grows when a size grows by one percent: ``(c/e) de/dc``.

    Parameters
    ----------
    e : sympy.Expr, Derivation, or a mapping of them
    c : sympy.Symbol

    Returns
    -------
    sympy.Expr, or a dict of them for a mapping
        Floors and ceilings that depend on `c` are replaced by what stands inside them before anything else (a
        surrogate: the size is treated as if it were continuous). What a power of `c` multiplies cancels.

    Raises
    ------
    FieldError
        If `e` is no formula, or `c` no symbol.
    UnsupportedError
        If the limit of a sum depends on `c`, or the formula has a function that cannot be differentiated.

    Examples
    --------
    >>> from sympy import symbols, floor
    >>> c, H = symbols("c H", integer=True, positive=True)
    >>> elasticity(9 * c**2 * floor(H/2), c)
    2
    >>> elasticity(9 * c**2 + c, c)
    (18*c + 1)/(9*c + 1)
    >>> elasticity(c**3 * floor(H/2), H)
    1
    """
    if not isinstance(c, Symbol):
        raise FieldError(f"the elasticity is with respect to a symbol, got {shown(c)}")
    return for_each(e, "elasticity", lambda formula: _elasticity(smoothed(formula.body, c), c))


def _elasticity(e: Expr, c: Symbol) -> Expr:
    if c not in e.free_symbols:
        return S.Zero
    if e == c:
        return S.One
    if isinstance(e, Mul):  # the elasticities of factors add up, so nothing has to be cancelled
        return Add(*(_elasticity(factor, c) for factor in e.args))
    if isinstance(e, Pow) and c not in e.exp.free_symbols:
        return e.exp * _elasticity(e.base, c)
    if isinstance(e, Add):
        parts = [(term, _elasticity(term, c)) for term in e.args]
        if len({part for _, part in parts}) == 1:
            return parts[0][1]
        return _quotient(Add(*(term * part for term, part in parts)), e)
    (slope,) = gradient(e, [c], floors="smooth")
    return _quotient(c * slope, e)


def _quotient(top: Expr, bottom: Expr) -> Expr:
    ratio = top / bottom
    if ratio.count_ops() > LARGEST_QUOTIENT:
        return ratio
    try:
        return cancel(together(ratio))
    except PolynomialError:
        return ratio


@checked
def sensitivity(e: Any, at: Mapping[Any, int] | None = None) -> Any:
    """A table of a formula's symbols: derivative, elasticity and leading term, and the elasticity at given sizes.

    Parameters
    ----------
    e : sympy.Expr, Derivation, or a mapping of them
    at : mapping of symbols (or names) to integers, optional
        Sizes at which the elasticities are evaluated as well; further sizes of a derivation's network may be among them.

    Returns
    -------
    Table, or a dict of them for a mapping
        One row for each symbol; floors are smoothed as in `elasticity`.

    Raises
    ------
    FieldError
        If `e` is no formula, or `at` does not give a number for each of its symbols and no others.
    UnsupportedError
        If the limit of a sum depends on a symbol, or the formula has a function that cannot be differentiated.

    Examples
    --------
    >>> from sympy import symbols
    >>> c, L = symbols("c L", integer=True, positive=True)
    >>> print(sensitivity(9*c**2*L + c, at={c: 64, L: 4}))
    symbol  derivative  elasticity                leading term  elasticity at c=64, L=4
    ------  ----------  ------------------------  ------------  -----------------------
    L       9*c**2      9*L*c/(9*L*c + 1)         9*L*c**2      0.9996
    c       18*L*c + 1  (18*L*c + 1)/(9*L*c + 1)  9*L*c**2      1.9996
    """
    given = None
    if at is not None:
        given = {getattr(key, "name", str(key)): as_integer(value, f"at[{key}]") for key, value in at.items()}
    known = {symbol.name for formula in formulas_in(e, "sensitivity") for symbol in formula.known}
    if given is not None and (unknown := [name for name in given if name not in known]):
        raise FieldError(
            f"there is no symbol {unknown[0]} to put a number for; there are {', '.join(sorted(known)) or 'none'}"
        )
    return for_each(e, "sensitivity", lambda formula: _sensitivity(formula.body, given))


def _sensitivity(formula: Expr, at: Mapping[str, int] | None) -> Table:
    symbols = sorted(free_symbols(formula), key=lambda symbol: symbol.name)
    given = {name: value for name, value in at.items() if name in map(str, symbols)} if at is not None else None
    if given is not None and len(given) < len(symbols):
        raise FieldError(
            f"at must give a number for each of {', '.join(map(str, symbols))}, got {', '.join(given) or 'none'}"
        )
    slopes = gradient(formula, symbols, floors="smooth")
    rows = []
    for symbol, slope in zip(symbols, slopes, strict=True):
        part = elasticity(formula, symbol)
        try:
            leading: Any = leading_term(formula, symbol)
        except UnsupportedError:
            leading = "unknown"
        row = [symbol, simplify(slope), part, leading]
        if given is not None:
            row.append(f"{float(part.xreplace({s: Integer(given[s.name]) for s in symbols})):.4f}")
        rows.append(tuple(row))
    columns = ["symbol", "derivative", "elasticity", "leading term"]
    if given is not None:
        columns.append("elasticity at " + ", ".join(f"{name}={value}" for name, value in given.items()))
    floors = formula.has(floor, ceiling, Mod)
    notes = ("Floors and ceilings are replaced by what stands inside them (surrogate).",) if floors else ()
    return Table(tuple(columns), tuple(rows), notes=notes)
