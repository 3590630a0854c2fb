"""For which integers a formula of one symbol meets a budget; every answer is certain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import inf
from typing import Any

from sympy import EmptySet, Eq, Expr, FiniteSet, Integer, Range, S, Set, Symbol, Union, fraction, sympify, together

from ..compilation.interface import CompiledFormula
from ..compilation.program.conditions import without_indices
from ..errors import BudgetError, DomainError, UnsupportedError
from ..formulas.conditions import Condition
from ..sizes.evaluate import evaluate, evaluate_condition
from .monotone import trend
from .quasi_polynomials import Solutions, quasi_polynomial, solutions

MAX_BITS = 4096  # sizes are searched up to 2**4096
MAX_LISTED = 1000  # solutions that are listed one by one; more are given as ranges
MAX_SCANNED = 10**7  # sizes that are tried one by one, where nothing better is known
MAX_STEPS_BACK = 10_000  # sizes below the largest within the budget that are looked at for one in the domain


class Question:
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
            closed = without_indices(condition)
            if closed is None or condition.free_symbols - {self.c}:
                raise UnsupportedError(
                    f"the domain has a condition that {self.c} alone does not decide: {condition.meaning}"
                )
            if not evaluate_condition(closed, {self.c: size}, unused=True):
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
            mirrored = Question(
                self.formula.xreplace({self.c: -self.c}),
                self.c,
                self.relation,
                self.number,
                max(1, -self.high),
                inf,
                (),
            )
            below = mirrored._by_roots()
            upper = Question(self.formula, self.c, self.relation, self.number, 0, self.high, ())._by_roots()
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
