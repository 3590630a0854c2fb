"""What size meets a budget: `solve_for`; and how formulas depend on sizes: `elasticity`, `leading_term`, `sensitivity`.

>>> from sympy import symbols, floor
>>> c, n = symbols("c n", integer=True, positive=True)
>>> solve_for(9 * c**2 * floor(c / 2), c, at_most=10**9)
605
>>> solve_for(9 * c**2, c, at_most=n)
floor(sqrt(n)/3)
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from sympy import Basic, Expr, FiniteSet, Intersection, Poly, S, Symbol, floor, sqrt
from sympy.polys.polyerrors import PolynomialError

from ..arguments import checked, shown
from ..compilation.program.conditions import split
from ..errors import DomainError, FieldError, UnsupportedError
from ..formulas.conditions import Condition, conditions_of
from ..formulas.leading_terms import leading_term
from ..formulas.records import Formula, as_scalar, for_each
from ..sizes.evaluate import free_symbols
from ..sizes.normal_form import is_nonnegative, is_positive, simplify
from .dependence import elasticity, sensitivity
from .one_symbol import Question

__all__ = ["elasticity", "leading_term", "sensitivity", "solve_for"]


@checked
def solve_for(
    e: Any,
    c: Symbol,
    at_most: Any = None,
    equals: Any = None,
    at_least: Any = None,
    within: tuple[int, int] | None = None,
    domain: Any = None,
) -> Any:
    """The size at which a formula meets a budget, exactly.

    A formula of one symbol is decided for all integers at once: where it can only grow (which is shown from its
    structure), by bisection, and the neighbours of the answer are evaluated; where it is made of polynomials, floors,
    remainders and extremes, by the integers between its real roots. Anything else can be tried size by size `within`
    bounds.

    Parameters
    ----------
    e : sympy.Expr, Derivation, or a mapping of them
        The formula. A derivation brings its domain.
    c : sympy.Symbol
        The size that is sought; an integer within what the symbol assumes.
    at_most : number or sympy.Expr
        Asks for the largest integer for which the formula is at most this.
    equals : number or sympy.Expr
        Asks for the set of integers for which the formula equals this.
    at_least : number or sympy.Expr
        Asks for the smallest integer for which the formula is at least this.
    within : (int, int), optional
        The smallest and largest integer to consider.
    domain : conditions, optional
        As for `compile`; only sizes in the domain are answers.

    Returns
    -------
    sympy.Integer, or sympy.Set for `equals`; a dict of them for a mapping
        With other symbols in the formula or in the budget, an expression or a set of expressions for polynomials of
        low degree.

    Raises
    ------
    DomainError
        If no integer meets the budget, or all larger ones do, so that there is no largest.
    UnsupportedError
        If the answer cannot be certified; the message says what would help.
    FieldError
        Unless exactly one of `at_most`, `equals` and `at_least` is given, and does not depend on the size that is sought.

    Examples
    --------
    >>> from sympy import symbols, floor
    >>> c, H = symbols("c H", integer=True, positive=True)
    >>> solve_for(9*c**2 + c, c, equals=37)
    EmptySet
    >>> solve_for(floor((H - 7)/2) + 1, H, equals=112)
    {229, 230}
    >>> solve_for(c*(20 - c), c, at_most=50, within=(1, 10))
    2
    """
    asked = [(name, value) for name, value in (("le", at_most), ("eq", equals), ("ge", at_least)) if value is not None]
    if len(asked) != 1:
        raise FieldError("solve_for takes exactly one of at_most=, equals= and at_least=")
    if not isinstance(c, Symbol):
        raise FieldError(f"solve_for solves for a symbol, got {shown(c)}")
    relation, number = asked[0][0], as_scalar(asked[0][1], "the budget of solve_for").body
    if number.is_real is False or not number.is_commutative:
        raise FieldError(f"the budget of solve_for must be a real number, got {shown(asked[0][1])}")
    conditions = conditions_of(domain)

    def answer(formula: Formula) -> Any:
        return _solved(formula.body, c, number, relation, within, [*conditions, *formula.domain])

    return for_each(e, "solve_for", answer)


def _solved(
    formula: Expr,
    c: Symbol,
    number: Any,
    relation: str,
    within: tuple[int, int] | None,
    conditions: Sequence[Condition],
) -> Any:
    ranges, others = split(conditions, [c])
    low, high = ranges[c]
    if within is not None:
        low, high = max(low, within[0]), min(high, within[1])
    if low > high:
        raise DomainError(f"there is no {c} from {low} to {high}")
    symbols = free_symbols(formula) | free_symbols(number)
    if c not in free_symbols(formula):
        raise FieldError(f"{formula} does not depend on {c}")
    if c in free_symbols(number):
        raise FieldError(
            f"the budget {number} depends on {c}; write solve_for({formula - number}, {c}, ...) with a budget of 0"
        )
    if symbols != {c}:
        return _symbolic(formula, c, number, relation)
    if not number.is_rational:
        raise FieldError(f"the budget must be a rational number, got {number}")
    question = Question(formula, c, relation, Fraction(int(number.p), int(number.q)), low, high, others)
    return question.set() if relation == "eq" else question.extreme()


def _symbolic(formula: Expr, c: Symbol, number: Basic, relation: str) -> Any:
    """Polynomials of low degree whose coefficients are expressions."""
    try:
        poly = Poly(formula, c)
    except PolynomialError:
        poly = None
    if poly is None or any(c in coefficient.free_symbols for coefficient in poly.all_coeffs()):
        raise UnsupportedError(
            f"{str(formula)[:200]} is no polynomial in {c}; with numbers for the other symbols "
            f"({', '.join(sorted(str(s) for s in (free_symbols(formula) | free_symbols(number)) - {c}))}) "
            "it can be solved"
        )
    coefficients = [simplify(coefficient) for coefficient in poly.all_coeffs()]
    rest = simplify(coefficients[-1] - number)
    roots = _roots(poly.degree(), coefficients[:-1], rest)
    if roots is None:
        raise UnsupportedError(
            f"{str(formula)[:200]} has degree {poly.degree()} in {c}; symbolic answers are for degrees 1 "
            "and 2 and for pure powers"
        )
    if relation == "eq":
        return Intersection(FiniteSet(*roots), S.Naturals if c.is_positive else S.Integers)
    if not all(is_nonnegative(coefficient) for coefficient in coefficients[:-1]) or not is_positive(coefficients[0]):
        raise UnsupportedError(
            f"nothing shows that {str(formula)[:200]} can only grow with {c}: its coefficients "
            f"{coefficients[:-1]} would have to "
            "be positive; put numbers for the other symbols"
        )
    return floor(roots[-1]) if relation == "le" else -floor(-roots[-1])


def _roots(degree: int, coefficients: Sequence[Expr], rest: Expr) -> list[Expr] | None:
    """The real roots of a polynomial given by its coefficients, the largest last; None above degree 2."""
    if degree == 1:
        return [simplify(-rest / coefficients[0])]
    if all(coefficient == 0 for coefficient in coefficients[1:]):
        ratio = simplify(-rest / coefficients[0])
        root = sqrt(ratio) if degree == 2 else ratio ** (S.One / degree)
        return [-root, root] if degree % 2 == 0 else [root]
    if degree == 2:
        a, b = coefficients
        discriminant = sqrt(simplify(b**2 - 4 * a * rest))
        return [(-b - discriminant) / (2 * a), (-b + discriminant) / (2 * a)]
    return None
