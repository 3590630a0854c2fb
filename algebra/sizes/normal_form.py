"""A normal form of symbolic sizes, and decisions about them: `simplify`, `substitute`, `same`, `is_nonnegative`,
`is_positive`.

Integer-valued sizes are built of sums, products, quotients, floors, ceilings, remainders, minima and maxima. Each is
brought into an expanded sum of terms over irreducible *atoms* (see `layeralgebra.algebra.sizes.polynomial`), floors by the
rules of `rounding`, minima and maxima by those of `extrema`. Every rule keeps the value at every admissible point,
and the form is its own normal form.

>>> from sympy import floor, symbols
>>> H = symbols("H", integer=True, positive=True)
>>> size = H
>>> for _ in range(5):
...     size = floor((size + 1) / 2)
>>> simplify(size)
floor(H/32 + 31/32)
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from math import gcd

from sympy import Add, Basic, Expr, Min, Mul, Rational, Symbol
from sympy.logic.boolalg import Boolean

from ..arguments import shown
from ..errors import FieldError
from . import signs as order
from .atoms import Atoms
from .from_sympy import Converter, Uncommutative
from .linear_sizes import bounds_of_linear, linear_terms
from .polynomial import ONE, Coefficient, Polynomial, add, content, scale, subtract
from .residue_cases import by_residues

#: An equality that needs more cases than this by residues is left undecided.
CASE_BUDGET = 64
#: The same for a sign.
SIGN_CASE_BUDGET = 16


def simplify(expr: Expr | Boolean | int) -> Expr:
    """The normal form of a symbolic size.

    A sum of terms, each a rational number times powers of atoms: symbols, floors, minima, maxima, symbolic powers,
    sums kept as factors, and foreign functions of simplified arguments. There is at most one floor in a chain of
    rounded divisions, no ceiling and no remainder (``ceiling(A/n) = floor((A+n-1)/n)``, ``A mod n = A - n
    floor(A/n)``). A product of sums is expanded unless it would have more than 1000 terms. The form has the same
    value wherever the expression has one.

    Parameters
    ----------
    expr : sympy.Expr
        Or a relation, whose sides are then simplified, and which is decided where their order is known.

    Returns
    -------
    sympy.Expr

    Raises
    ------
    FieldError
        If `expr` is no expression, integer or relation.

    Examples
    --------
    >>> from sympy import Max, Min, floor, symbols
    >>> x, y, s = symbols("x y s", integer=True, positive=True)
    >>> simplify(floor((s * x + y) / s))
    x + floor(y/s)
    >>> simplify(floor((floor((x + 1) / 2) + 1) / s))
    floor(x/(2*s) + 3/(2*s))
    >>> simplify(Max(x + y, x + 3) + Min(x + 2, x + 5))
    2*x + Max(3, y) + 2
    >>> simplify((x + y)**2 - (x - y)**2), simplify((x + y)**10000)
    (4*x*y, (x + y)**10000)
    >>> simplify(x < x + y)
    True
    """
    if isinstance(expr, (Rational, Symbol)):
        return expr
    return _simplified(expr if isinstance(expr, Boolean) else _expression(expr))


def _expression(value: Expr | int) -> Expr:
    if isinstance(value, int | Fraction) and not isinstance(value, bool):
        return Rational(value)
    if not isinstance(value, Expr):
        raise FieldError(f"expected a symbolic size or a number, got {shown(value)} of type {type(value).__name__}")
    return value


@lru_cache(maxsize=1024)
def _simplified(expr: Basic) -> Basic:
    if isinstance(expr, Add | Mul) and linear_terms(expr) is not None:
        return expr.func(*expr.args)
    atoms = Atoms()
    try:
        made = Converter(atoms).polynomial(expr)
    except (Uncommutative, RecursionError):
        return expr
    return atoms.to_expr(made) if isinstance(made, dict) else made


def substitute(expr: Expr, values: Mapping[Symbol, Expr | int]) -> Expr:
    """The normal form of an expression in which symbols are replaced, all at once.

    Examples
    --------
    >>> from sympy import floor, symbols
    >>> x, y = symbols("x y", integer=True, positive=True)
    >>> substitute(floor((x + 1) / 2) + y, {x: 2 * y, y: x})
    x + y
    """
    atoms = Atoms()
    plain = Converter(atoms)
    replaced = {symbol: plain.polynomial(_expression(v)) for symbol, v in values.items()}
    made = Converter(atoms, replaced).polynomial(expr if isinstance(expr, Boolean) else _expression(expr))
    return atoms.to_expr(made) if isinstance(made, dict) else made


def same(first: Expr | int, second: Expr | int) -> bool | None:
    """Whether two sizes are equal: at every admissible point (True), at none (False), or undecided (None).

    Where both have a value. Polynomials, and floors over numbers, are always decided when they are equal.

    Examples
    --------
    >>> from sympy import Max, Min, floor, symbols
    >>> a, b = symbols("a b", integer=True, positive=True)
    >>> same(floor(a / 2) + floor((a + 1) / 2), a), same(Max(a, b) + Min(a, b), a + b)
    (True, True)
    >>> same(a, a + b), same(2 * a, 2 * b + 1), same(a, b)
    (False, False, None)
    """
    left, right = _expression(first), _expression(second)
    if left == right or left.is_Rational and right.is_Rational:
        return left == right
    return _same(left, right)


@lru_cache(maxsize=4096)
def _same(left: Expr, right: Expr) -> bool | None:
    atoms = Atoms(deciding=True)
    convert = Converter(atoms).polynomial
    try:
        difference = _cleared(atoms, subtract(convert(left), convert(right)))
        if not difference:
            return True
        if _never_zero(atoms, difference):
            return False
        verdicts = set()
        for inner, case in by_residues(atoms, difference, CASE_BUDGET) or ():
            verdicts.add(True if not case else False if _never_zero(inner, case) else None)
            if len(verdicts) > 1:
                return None
    except (Uncommutative, RecursionError):
        return None
    return verdicts.pop() if verdicts else None


def _cleared(atoms: Atoms, polynomial: Polynomial) -> Polynomial:
    """The polynomial times its denominators that are sums; it is zero where the polynomial is."""
    powers: dict[int, Coefficient] = {}
    for monomial in polynomial:
        for number, exponent in monomial:
            if exponent < 0 and atoms.list[number].kind == "sum":
                powers[number] = max(powers.get(number, 0), -exponent)
    if not powers:
        return polynomial
    factors: list[tuple[Polynomial, Coefficient]] = [({((n, 1),): 1}, exponent) for n, exponent in powers.items()]
    return add(*(atoms.product([({monomial: value}, 1), *factors]) for monomial, value in polynomial.items()))


def _never_zero(atoms: Atoms, polynomial: Polynomial) -> bool:
    """Whether the polynomial is shown to be zero at no admissible point: by its sign, or modulo a number."""
    if not any(polynomial):
        return bool(polynomial)
    if order.is_positive(atoms, polynomial) or order.is_positive(atoms, scale(polynomial, -1)):
        return True
    scaled = scale(polynomial, 1 / Fraction(content(polynomial)))
    moving = [value.numerator for monomial, value in scaled.items() if monomial]
    return atoms.is_integer(scaled) and scaled.get(ONE, 0) % gcd(*moving) != 0


def is_integer(expr: Expr | int) -> bool:
    """Whether a size is shown to be an integer at every admissible point, term by term.

    Examples
    --------
    >>> from sympy import floor, symbols
    >>> a, b = symbols("a b", integer=True, positive=True)
    >>> is_integer(a * floor(a / b)), is_integer(a / 2)
    (True, False)
    """
    atoms = Atoms()
    try:
        return atoms.is_integer(Converter(atoms).polynomial(_expression(expr)))
    except (Uncommutative, RecursionError):
        return False


def is_nonnegative(expr: Expr | int) -> bool | None:
    """Whether a size is at least zero: at every admissible point (True), at none (False), or not known (None).

    Examples
    --------
    >>> from sympy import floor, symbols
    >>> a, b = symbols("a b", integer=True, positive=True)
    >>> is_nonnegative(a - floor(a / b)), is_nonnegative(floor(a / b) - a - 1), is_nonnegative(a - b)
    (True, False, None)
    """
    value = _expression(expr)
    if value.is_Rational:
        return bool(value >= 0)
    return _sign(value, strict=False)


def is_positive(expr: Expr | int) -> bool | None:
    """Whether a size is greater than zero: at every admissible point (True), at none (False), or not known (None).

    Examples
    --------
    >>> from sympy import Max, symbols
    >>> a = symbols("a", integer=True)
    >>> is_positive(Max(a, 1)), is_positive(-a**2), is_positive(a)
    (True, False, None)
    """
    value = _expression(expr)
    if value.is_Rational:
        return bool(value > 0)
    return _sign(value, strict=True)


@lru_cache(maxsize=4096)
def _sign(expr: Expr, *, strict: bool) -> bool | None:
    bounds = bounds_of_linear(expr)
    if bounds is not None:
        low, high = bounds
        return True if low > 0 or low == 0 and not strict else False if high < 0 or high == 0 and strict else None
    atoms = Atoms(deciding=True)
    yes, no = (order.is_positive, order.is_nonnegative) if strict else (order.is_nonnegative, order.is_positive)
    try:
        value = Converter(atoms).polynomial(expr)
        if yes(atoms, value):
            return True
        if no(atoms, scale(value, -1)):
            return False
        if expr.has(Min):
            # A minimum is a sum with a maximum above; as it stands it may be bounded, which shows many sizes at once.
            plain = Atoms()
            whole = Converter(plain).polynomial(expr)
            if order.is_plainly_nonnegative(plain, whole, strict):
                return True
            if order.is_plainly_nonnegative(plain, scale(whole, -1), not strict):
                return False
        verdicts = set()
        for inner, case in by_residues(atoms, value, SIGN_CASE_BUDGET) or ():
            verdicts.add(True if yes(inner, case) else False if no(inner, scale(case, -1)) else None)
            if len(verdicts) > 1 or None in verdicts:
                return None
    except (Uncommutative, RecursionError):
        return None
    return verdicts.pop() if verdicts else None
