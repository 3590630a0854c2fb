"""Leading terms: what a formula behaves like when one of its sizes is large.

>>> from sympy import symbols, floor
>>> c, H, L = symbols("c H L", integer=True, positive=True)
>>> leading_term(9 * c**2 * floor((H - 1)/2)**2 * L + 1000 * c, H)
9*H**2*L*c**2/4
"""

from __future__ import annotations

from typing import Any

from sympy import Add, Expr, Integer, Max, Min, Mul, Poly, Pow, S, Symbol, ceiling, exp, floor, log
from sympy.polys.polyerrors import PolynomialError

from ..arguments import checked, shown
from ..errors import FieldError, UnsupportedError
from ..records import dataclass
from ..sizes.normal_form import is_positive, simplify
from .records import for_each


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


@checked
def leading_term(e: Any, c: Symbol) -> Any:
    """What a formula behaves like when one of its sizes is large: the ratio of the two tends to 1.

    Parameters
    ----------
    e : sympy.Expr, Derivation, or a mapping of them
        Made of sums, products, powers, exponentials, logarithms, floors, ceilings and extremes.
    c : sympy.Symbol

    Returns
    -------
    sympy.Expr, or a dict of them for a mapping
        One term (kind asymptotic): an expression without `c`, times ``c**p``, ``log(c)**q`` and ``b**c``.

    Raises
    ------
    UnsupportedError
        If leading terms cancel, oscillate, or cannot be compared for all values of the other symbols.
    FieldError
        If `e` is no formula, or `c` no symbol.

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
    if not isinstance(c, Symbol):
        raise FieldError(f"a leading term is with respect to a symbol, got {shown(c)}")
    return for_each(e, "leading_term", lambda formula: _growth(formula.body, c).expression(c))


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
        return _extreme([_growth(arg, c) for arg in e.args], isinstance(e, Max))
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


def _extreme(parts: list[Growth], largest: bool) -> Growth:
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
