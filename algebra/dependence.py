"""How a formula depends on its sizes: elasticities, leading terms, tables of sensitivities.

>>> from sympy import symbols, floor
>>> c, H, L = symbols("c H L", integer=True, positive=True)
>>> macs = 9 * c**2 * floor((H - 1)/2)**2 * L + 1000 * c
>>> leading_term(macs, H)
9*H**2*L*c**2/4
>>> elasticity(9 * c**2 * L, c)
2
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sympy import (
    Add,
    Expr,
    Integer,
    Max,
    Min,
    Mod,
    Mul,
    Poly,
    Pow,
    S,
    Symbol,
    cancel,
    ceiling,
    exp,
    floor,
    log,
    together,
)
from sympy.polys.polyerrors import PolynomialError

from .compilation.gradient import gradient
from .errors import FieldError, UnsupportedError
from .evaluate import free_symbols
from .normal_form import is_positive, simplify

LARGEST_QUOTIENT = 400  # operations; larger quotients are not cancelled


def _formula(e: Any) -> Expr:
    formula = getattr(e, "formula", e)
    formula = Integer(formula) if isinstance(formula, int) and not isinstance(formula, bool) else formula
    if not isinstance(formula, Expr):
        raise FieldError(f"this takes a formula or a derivation, got {e!r}")
    return formula


def smoothed(e: Expr, c: Symbol) -> Expr:
    """Floors and ceilings that depend on a size replaced by what stands inside: right up to one, and on average."""

    def of(part: Expr) -> Expr:
        return part.args[0]

    return e.replace(lambda part: isinstance(part, (floor, ceiling)) and part.has(c), of)


def elasticity(e: Any, c: Symbol) -> Expr:
    """By how many percent a formula grows when a size grows by one percent: ``(c/e) de/dc``.

    Parameters
    ----------
    e : sympy.Expr or Derivation
    c : sympy.Symbol

    Returns
    -------
    sympy.Expr
        Floors and ceilings that depend on `c` are replaced by what stands inside them before anything else (a
        surrogate: the size is treated as if it were continuous). What a power of `c` multiplies cancels.

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
    formula = _formula(e)
    if not isinstance(c, Symbol):
        raise FieldError(f"the elasticity is with respect to a symbol, got {c!r}")
    return _elasticity(smoothed(formula, c), c)


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


# -- leading terms -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Growth:
    """``coefficient * base**c * c**power * log(c)**logs`` for large c."""

    coefficient: Expr
    base: Expr = S.One
    power: Expr = S.Zero
    logs: Expr = S.Zero

    @property
    def rate(self) -> tuple[Expr, Expr, Expr]:
        return self.base, self.power, self.logs

    def grows(self) -> bool | None:
        """Whether it grows beyond all bounds; None if it tends to a constant, False if it vanishes."""
        for found, neutral in zip(self.rate, (S.One, S.Zero, S.Zero), strict=True):
            difference = _sign(found - neutral)
            if difference:
                return difference > 0
        return None

    def expression(self, c: Symbol) -> Expr:
        return self.coefficient * self.base**c * c**self.power * log(c) ** self.logs


def leading_term(e: Any, c: Symbol) -> Expr:
    """What a formula behaves like when one of its sizes is large: the ratio of the two tends to 1.

    Parameters
    ----------
    e : sympy.Expr or Derivation
        Made of sums, products, powers, exponentials, logarithms, floors, ceilings and extremes.
    c : sympy.Symbol

    Returns
    -------
    sympy.Expr
        One term (kind asymptotic): an expression without `c`, times ``c**p``, ``log(c)**q`` and ``b**c``.

    Raises
    ------
    UnsupportedError
        If leading terms cancel, oscillate, or cannot be compared for all values of the other symbols.

    Examples
    --------
    >>> from sympy import symbols, floor, Max, log
    >>> c, L = symbols("c L", integer=True, positive=True)
    >>> leading_term((9*c**2 + 2*c) * L + 1000*c, c)
    9*L*c**2
    >>> leading_term((L + 1)**2 - L**2, L)
    2*L
    >>> leading_term(2**L * L + 3**L + log(L), L)
    3**L
    """
    formula = _formula(e)
    if not isinstance(c, Symbol):
        raise FieldError(f"a leading term is with respect to a symbol, got {c!r}")
    return _growth(formula, c).expression(c)


def _growth(e: Expr, c: Symbol) -> Growth:
    if c not in e.free_symbols:
        return Growth(e)
    if e == c:
        return Growth(S.One, power=S.One)
    if isinstance(e, Mul):
        found = Growth(S.One)
        for factor in e.args:
            part = _growth(factor, c)
            found = Growth(
                found.coefficient * part.coefficient,
                found.base * part.base,
                found.power + part.power,
                found.logs + part.logs,
            )
        return found
    if isinstance(e, Pow) and c not in e.exp.free_symbols:
        part = _growth(e.base, c)
        return Growth(part.coefficient**e.exp, part.base**e.exp, part.power * e.exp, part.logs * e.exp)
    if isinstance(e, (Pow, exp)):
        return _exponential(e, c)
    if isinstance(e, Add):
        return _of_sum(e, c)
    if isinstance(e, (floor, ceiling)):
        part = _growth(e.args[0], c)
        if part.grows():
            return part
        raise UnsupportedError(f"{e} does not grow beyond all bounds with {c}, so that rounding is not negligible")
    if isinstance(e, (Max, Min)):
        return _extreme([_growth(arg, c) for arg in e.args], isinstance(e, Max), e)
    if isinstance(e, log):
        return _logarithm(_growth(e.args[0], c), e)
    raise UnsupportedError(f"no leading term in {c} is known for {str(e)[:200]}")


def _exponential(e: Expr, c: Symbol) -> Growth:
    base, exponent = (e.base, e.exp) if isinstance(e, Pow) else (S.Exp1, e.args[0])
    try:
        poly = Poly(exponent, c)
    except PolynomialError:
        poly = None
    if c in base.free_symbols or poly is None or poly.degree() != 1 or not is_positive_number(base):
        raise UnsupportedError(
            f"no leading term in {c} is known for {str(e)[:200]}: the exponent must be linear in {c}, the "
            "base a positive number"
        )
    slope, constant = poly.all_coeffs()
    return Growth(base**constant, base=base**slope)


def is_positive_number(base: Expr) -> bool:
    """Whether a base is known to be positive."""
    return bool(base.is_positive)


def _of_sum(e: Add, c: Symbol) -> Growth:
    parts = [_growth(term, c) for term in e.args]
    best = parts[0]
    for part in parts[1:]:
        if _compare(part.rate, best.rate) > 0:
            best = part
    total = simplify(Add(*(part.coefficient for part in parts if _compare(part.rate, best.rate) == 0)))
    if total != 0:
        return Growth(total, *best.rate)
    # The leading terms cancel. For a polynomial the next one is known exactly; floors would leave something bounded.
    try:
        poly = Poly(e, c)
    except PolynomialError:
        poly = None
    if poly is None or any(c in coefficient.free_symbols for coefficient in poly.all_coeffs()):
        raise UnsupportedError(f"the leading terms of {str(e)[:200]} cancel, and what is left over is not known")
    for (power,), coefficient in poly.terms():
        coefficient = simplify(coefficient)
        if coefficient != 0:
            return Growth(coefficient, power=Integer(power))
    return Growth(S.Zero)


def _compare(left: tuple[Expr, ...], right: tuple[Expr, ...]) -> int:
    for first, second in zip(left, right, strict=True):
        sign = _sign(first - second)
        if sign:
            return sign
    return 0


def _sign(difference: Expr) -> int:
    if difference == 0:
        return 0
    if difference.is_positive or is_positive(difference):
        return 1
    if difference.is_negative or is_positive(-difference):
        return -1
    if difference.is_zero:
        return 0
    raise UnsupportedError(
        f"which of two terms grows faster depends on the sign of {difference}; put numbers for its symbols"
    )


def _extreme(parts: list[Growth], largest: bool, e: Expr) -> Growth:
    """Max and Min of formulas: by their signs, then by their rates, then by their coefficients."""

    def beats(one: Growth, other: Growth) -> bool:
        signs = [_sign(part.coefficient) for part in (one, other)]
        if signs[0] != signs[1]:
            return (signs[0] > signs[1]) == largest
        order = _compare(one.rate, other.rate) * (signs[0] or 1)
        if order == 0:
            order = _sign(one.coefficient - other.coefficient)
        return (order > 0) == largest and order != 0

    best = parts[0]
    for part in parts[1:]:
        if beats(part, best):
            best = part
    return best


def _logarithm(part: Growth, e: Expr) -> Growth:
    if part.base != 1:
        return Growth(log(part.base), power=S.One)
    if part.power != 0:
        return Growth(part.power, logs=S.One)
    raise UnsupportedError(f"no leading term is known for {str(e)[:200]}")


# -- tables ------------------------------------------------------------------------------------------------------------


def sensitivity(e: Any, at: Mapping[Any, int] | None = None) -> Any:
    """A table of a formula's symbols: derivative, elasticity and leading term, and the elasticity at given sizes.

    Parameters
    ----------
    e : sympy.Expr or Derivation
    at : mapping of symbols (or names) to integers, optional
        Sizes at which the formula and its elasticities are evaluated as well.

    Returns
    -------
    Table
        One row for each symbol; floors are smoothed as in `elasticity`.

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
    from .table import Table

    formula = _formula(e)
    symbols = sorted(free_symbols(formula), key=lambda symbol: symbol.name)
    slopes = gradient(formula, symbols, floors="smooth")
    given = {getattr(key, "name", str(key)): value for key, value in at.items()} if at is not None else None
    if given is not None and set(given) != {symbol.name for symbol in symbols}:
        raise FieldError(
            f"at must give a number for each of {', '.join(map(str, symbols))}, got {', '.join(given) or 'none'}"
        )
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
