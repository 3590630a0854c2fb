"""What size meets a budget: `solve_for`; and how formulas depend on sizes: `elasticity`, `leading_term`, `sensitivity`.

>>> from sympy import symbols, floor
>>> c, n = symbols("c n", integer=True, positive=True)
>>> solve_for(9 * c**2 * floor(c / 2), c, at_most=10**9)
605
>>> solve_for(9 * c**2, c, at_most=n)
floor(sqrt(n)/3)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import inf
from typing import Any

from sympy import (
    Basic,
    EmptySet,
    Expr,
    FiniteSet,
    Integer,
    Intersection,
    Poly,
    Range,
    S,
    Set,
    Symbol,
    Union,
    floor,
    fraction,
    sqrt,
    sympify,
    together,
)  # fmt: skip
from sympy.polys.polyerrors import PolynomialError

from .compilation.domains import Condition, conditions_of, split
from .compilation.interface import CompiledFormula
from .dependence import elasticity, leading_term, sensitivity
from .errors import BudgetError, DomainError, FieldError, UnsupportedError
from .evaluate import evaluate, evaluate_condition, free_symbols
from .monotone import trend
from .normal_form import is_nonnegative, is_positive, simplify
from .quasi_polynomials import Solutions, quasi_polynomial, solutions

__all__ = ["elasticity", "leading_term", "sensitivity", "solve_for"]

MAX_BITS = 4096  # sizes are searched up to 2**4096
MAX_LISTED = 1000  # solutions that are listed one by one; more are given as ranges
MAX_SCANNED = 10**7  # sizes that are tried one by one, where nothing better is known
MAX_STEPS_BACK = 10_000  # sizes below the largest within the budget that are looked at for one in the domain


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
    e : sympy.Expr or Derivation
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
    sympy.Integer, or sympy.Set for `equals`
        With other symbols in the formula or in the budget, an expression or a set of expressions for polynomials of
        low degree.

    Raises
    ------
    DomainError
        If no integer meets the budget, or all larger ones do, so that there is no largest.
    UnsupportedError
        If the answer cannot be certified; the message says what would help.
    FieldError
        Unless exactly one of `at_most`, `equals` and `at_least` is given.

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
        raise FieldError(f"solve_for solves for a symbol, got {c!r}")
    relation, number = asked[0][0], sympify(asked[0][1], strict=True)
    formula = getattr(e, "formula", e)
    formula = Integer(formula) if isinstance(formula, int) else formula
    if not isinstance(formula, Expr):
        raise FieldError(f"solve_for takes a formula, got {formula!r}")
    conditions = conditions_of(domain) + (conditions_of(getattr(e, "domain", None)) if hasattr(e, "formula") else [])
    ranges, others = split(conditions, [c])
    low, high = ranges[c]
    if within is not None:
        low, high = max(low, within[0]), min(high, within[1])
    if low > high:
        raise DomainError(f"there is no {c} from {low} to {high}")
    symbols = free_symbols(formula) | free_symbols(number)
    if c not in free_symbols(formula):
        raise FieldError(f"{formula} does not depend on {c}")
    if symbols != {c}:
        return _symbolic(formula, c, number, relation)
    if not number.is_rational:
        raise FieldError(f"the budget must be a rational number, got {number}")
    question = _Question(formula, c, relation, Fraction(int(number.p), int(number.q)), low, high, others)
    return question.set() if relation == "eq" else question.extreme()


class _Question:
    """An inequality or equation of one symbol between numbers."""

    def __init__(
        self,
        formula: Expr,
        c: Symbol,
        relation: str,
        number: Fraction,
        low: Any,
        high: Any,
        others: Sequence[Condition],
    ):
        self.formula, self.c, self.relation, self.number = formula, c, relation, number
        self.low, self.high, self.others = low, high, others

    def text(self) -> str:
        sign = {"le": "<=", "eq": "==", "ge": ">="}[self.relation]
        return f"{str(self.formula)[:200]} {sign} {self.number}"

    # -- one size --------------------------------------------------------------------------------------------------

    def sign(self, size: int) -> int:
        """Whether the formula is below (-1), at (0) or above (1) the number; a DomainError where it has no value."""
        value = evaluate(self.formula, {self.c: size})
        if isinstance(value, (int, Fraction)):
            return (value > self.number) - (value < self.number)
        gap = (value - sympify(self.number)).evalf(60)
        if not gap.is_comparable or abs(gap) < 10**-40:
            raise UnsupportedError(f"cannot tell {value} from {self.number} at {self.c}={size}")
        return 1 if gap > 0 else -1

    def meets(self, size: int) -> bool:
        return self.sign(size) in {"le": (-1, 0), "eq": (0,), "ge": (0, 1)}[self.relation]

    def admissible(self, size: int) -> bool:
        """Whether a size satisfies the conditions that are not bounds."""
        for condition in self.others:
            if condition.loops or condition.free_symbols - {self.c}:
                raise UnsupportedError(
                    f"the domain has a condition that {self.c} alone does not decide: {condition.text}"
                )
            if not evaluate_condition(condition.relation, {self.c: size}, unused=True):
                return False
        return True

    # -- all solutions ---------------------------------------------------------------------------------------------

    def solutions(self) -> Solutions:
        """All sizes that meet the budget, by the first way that is certain."""
        for way in (self._by_bisection, self._by_roots, self._by_trying):
            found = way()
            if found is not None:
                return found
        raise UnsupportedError(
            f"{self.text()} is not decided: nothing shows that the formula can only grow with {self.c} (or "
            "the answer has "
            f"more than {MAX_BITS} bits), and it is not made of polynomials, floors and extremes; give "
            "within=(lo, hi) with at "
            f"most {MAX_SCANNED} sizes, and each is tried"
        )

    def _by_bisection(self) -> Solutions | None:
        if self.low == -inf:
            return None
        found = trend(self.formula, self.c, self.low, self.high)
        direction = found.direction
        if direction is None:
            return None
        if direction == 0:
            return Solutions(((self.low, self.high, 1),) if self.meets(self.low) else ())
        # The first size at which the formula has reached the number, and the first at which it is beyond it.
        end = found.high if direction > 0 else -found.low
        goal = self.number * direction
        reached = self._first(lambda size: self.sign(size) * direction >= 0, never=end < goal)
        beyond = self._first(lambda size: self.sign(size) * direction > 0, never=end <= goal)
        if reached is None or beyond is None:
            return None
        if self.relation == "eq":
            first, last = reached, beyond - 1
        elif (self.relation == "le") == (direction > 0):
            first, last = self.low, beyond - 1
        else:
            first, last = reached, self.high
        return Solutions(((first, last, 1),) if first <= last else ())

    def _first(self, holds: Callable[[int], bool], never: bool) -> Any:
        """The first size from which on something holds; one more than the highest (or infinite) if it never does.

        None if it is not found up to sizes of 4096 bits, though nothing shows that it never holds.
        """
        if never:
            return self.high + 1
        if holds(self.low):
            return self.low
        below, step = self.low, 1
        while True:
            above = below + step
            if above > self.high:
                above = self.high + 1
                break
            if holds(above):
                break
            below, step = above, (2 * step if step < 2**64 else step * step)
            if step.bit_length() > MAX_BITS:
                return None
        while above - below > 1:
            middle = (above + below) // 2
            below, above = (below, middle) if holds(middle) else (middle, above)
        # The certificate: the neighbours on both sides.
        assert not holds(below) and (above > self.high or holds(above))
        return above

    def _by_roots(self) -> Solutions | None:
        if self.low == -inf:
            mirrored = _Question(
                self.formula.xreplace({self.c: -self.c}),
                self.c,
                self.relation,
                self.number,
                max(1, -self.high),
                inf,
                (),
            )
            below = mirrored._by_roots()
            upper = _Question(self.formula, self.c, self.relation, self.number, 0, self.high, ())._by_roots()
            if below is None or upper is None:
                return None
            turned = tuple((-last, -first, step) for first, last, step in below.stretches)
            return Solutions((*turned, *upper.stretches))
        top, bottom = fraction(together(self.formula)) if self.formula.count_ops() < 500 else (self.formula, S.One)
        try:
            if self.c not in bottom.free_symbols:
                return solutions(
                    quasi_polynomial(self.formula, self.c, self.low, self.high), self.number, self.relation
                )
            divisor = trend(bottom, self.c, self.low, self.high)
            if divisor.low <= 0:
                return None
            return solutions(
                quasi_polynomial(top - sympify(self.number) * bottom, self.c, self.low, self.high), 0, self.relation
            )
        except UnsupportedError:
            return None

    def _by_trying(self) -> Solutions | None:
        if inf in (-self.low, self.high) or self.high - self.low >= MAX_SCANNED:
            return None
        import numpy as np

        condition = {"le": self.formula <= self.number, "eq": None, "ge": self.formula >= self.number}[self.relation]
        if condition is None:
            from sympy import Eq

            condition = Eq(self.formula, self.number)
        compiled = CompiledFormula({"exact": self.formula, "holds": condition}, "numpy", None, "mask")
        if compiled.kinds["exact"] == "real":
            return Solutions(tuple((size, size, 1) for size in range(self.low, self.high + 1) if self.meets(size)))
        stretches = []
        for start in range(self.low, self.high + 1, 2**16):
            sizes = np.arange(start, min(start + 2**16, self.high + 1))
            holds = compiled.flat(**{self.c.name: sizes})[1]
            good = sizes[
                np.logical_and(
                    np.broadcast_to(np.ma.getdata(holds), sizes.shape),
                    ~np.broadcast_to(np.ma.getmaskarray(holds), sizes.shape),
                )
            ]
            stretches += [(int(size), int(size), 1) for size in good]
        return Solutions(tuple(stretches))

    # -- answers ---------------------------------------------------------------------------------------------------

    def extreme(self) -> Integer:
        """The largest size that meets the budget, or the smallest for ``at_least``."""
        found = self.solutions()
        largest = self.relation == "le"
        if not found.stretches:
            raise DomainError(f"no {self.c}{self._where()} meets {self.text()}")
        end = found.largest if largest else found.smallest
        if abs(end) == inf:
            stretches = [part for part in found.stretches if part[1] == inf] if largest else found.stretches
            start = max(part[0] for part in stretches)
            raise DomainError(
                f"every {self.c} from {start} on meets {self.text()}, so there is no largest; give within=(lo, hi)"
                if largest else f"there is no smallest {self.c} that meets {self.text()}; give within=(lo, hi)"
            )  # fmt: skip
        return Integer(self._in_domain(found, largest))

    def _where(self) -> str:
        return f" from {self.low}" + (f" to {self.high}" if self.high != inf else " on") if self.low != -inf else ""

    def _in_domain(self, found: Solutions, largest: bool) -> int:
        """The first solution in the domain, counted from the end that was asked for."""
        ordered = sorted(found.stretches, key=lambda part: part[1] if largest else -part[0], reverse=True)
        if not self.others:
            answer = ordered[0][1] if largest else ordered[0][0]
            assert self.meets(answer)
            return answer
        for tried, size in enumerate(_merged(found, largest)):
            if self.admissible(size):
                assert self.meets(size)
                return size
            if tried >= MAX_STEPS_BACK:
                raise BudgetError(
                    f"none of the {MAX_STEPS_BACK} sizes next to {ordered[0]} is in the domain; give within=(lo, hi)"
                )
        raise DomainError(f"no {self.c}{self._where()} in the domain meets {self.text()}")

    def set(self) -> Set:
        """All solutions."""
        found = self.solutions()
        count = sum(
            (last - first) // step + 1 if last != inf and first != -inf else inf
            for first, last, step in found.stretches
        )
        if count <= MAX_LISTED:
            sizes = {size for first, last, step in found.stretches for size in range(first, last + 1, step)}
            return FiniteSet(*(size for size in sizes if self.admissible(size)))
        if self.others:
            raise UnsupportedError(
                f"more than {MAX_LISTED} sizes satisfy {self.text()}, too many to look each up in the domain"
            )
        ranges = [
            Range(first, S.Infinity if last == inf else last + step, step)
            if first != -inf
            else Range(last, S.NegativeInfinity, -step)
            for first, last, step in found.stretches
        ]
        return Union(*ranges) if ranges else EmptySet


def _merged(found: Solutions, largest: bool) -> Any:
    """Solutions one after the other, from the largest down or from the smallest up."""
    from heapq import merge

    if largest:
        return merge(*(range(last, first - 1, -step) for first, last, step in found.stretches), reverse=True)
    return merge(*(_counted(first, last, step) for first, last, step in found.stretches))


def _counted(first: int, last: Any, step: int) -> Any:
    while first <= last:
        yield first
        first += step


# -- other symbols -----------------------------------------------------------------------------------------------------


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
