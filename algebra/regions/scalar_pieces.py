"""Piecewise-linear functions of one number, put together from the bends that an equation writes.

>>> clipped = ScalarFunction.identity().bent((0, 1), Integer(0)).bent((1, 0), Integer(6))  # min(max(x, 0), 6)
>>> clipped.knots, clipped.pieces()
((0, 6), Pieces(sloped=1, constant=2))
>>> below = ScalarFunction.identity().bent((1, 0), Integer(0)).times(None)  # a min(x, 0)
>>> leaky = ScalarFunction.identity().bent((0, 1), Integer(0)).plus(below)
>>> leaky.knots, leaky.pieces()
((0,), Pieces(sloped=2, constant=0))

A number that is not known before the weights are, such as a learned factor, may have either sign. Wherever a sign decides how the
function goes on, both cases are followed, and the pieces are those of the worst one. A number that happens to be zero, or two
that happen to be equal, need no case: such a function is a limit of others, and has no more pieces than they.

>>> either = ScalarFunction.identity().times(None).bent((0, 1), Integer(0)).plus(ScalarFunction.identity().bent((0, 1), Integer(0)))
>>> [case.pieces for case in either.cases], either.pieces()  # relu(a x) + relu(x)
([Pieces(sloped=1, constant=1), Pieces(sloped=2, constant=0)], Pieces(sloped=2, constant=0))
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from sympy import Dummy, Expr, Integer, factor_list, fraction, together

from ..equations.functions import FUNCTIONS
from ..records import dataclass
from .local_maps import Pieces

_ZERO, _ONE = Integer(0), Integer(1)
Line = tuple[Expr, Expr]
#: A factor that has one sign throughout a case, and whether that is positive.
Sign = tuple[Expr, bool]

#: More cases than this are not followed; what is then known of the function is how many pieces it has at most.
MOST_CASES = 48


def _unknown() -> Dummy:
    """A weight in general position: it equals nothing, and its sign is not known."""
    return Dummy("w", real=True, nonzero=True)


@dataclass(frozen=True)
class Case:
    """The function where certain signs are known.

    Parameters
    ----------
    signs : tuple of (factor, whether it is positive)
    knots : tuple of Expr
        Where pieces meet, from left to right.
    lines : tuple of (slope, intercept)
        One more than knots.
    """

    signs: tuple[Sign, ...]
    knots: tuple[Expr, ...]
    lines: tuple[Line, ...]

    @property
    def pieces(self) -> Pieces:
        """How many pieces have a slope, and how many are constant."""
        constant = sum(slope == 0 for slope, _ in self.lines)
        return Pieces(len(self.lines) - constant, constant)


class _Signs:
    """Signs of expressions within one case: what has been decided stays so, what has not is first taken as positive."""

    def __init__(self, known: tuple[Sign, ...]):
        self.known = dict(known)
        self.left: list[tuple[Sign, ...]] = []

    def of(self, value: Expr) -> int:
        """-1, 0 or 1; 0 only for what is zero whatever the unknown numbers are."""
        if value.is_number:
            return 1 if value.is_positive else -1 if value.is_negative else 0
        sign = 1
        for part in fraction(together(value)):
            content, factors = factor_list(part)
            sign *= self.of(content)
            for factor, power in factors:
                if power % 2:
                    sign *= 1 if self._is_positive(factor) else -1
        return sign

    def _is_positive(self, factor: Expr) -> bool:
        if factor.is_nonnegative or factor.is_nonpositive:
            return bool(factor.is_nonnegative)
        if factor not in self.known:
            self.left.append((*self.known.items(), (factor, False)))
            self.known[factor] = True
        return self.known[factor]


@dataclass(frozen=True)
class ScalarFunction:
    """A piecewise-linear function of one number.

    Parameters
    ----------
    cases : tuple of Case
        For all signs that the unknown numbers in it may have; empty where these are too many to follow.
    most : int
        A bound on the number of pieces.
    """

    cases: tuple[Case, ...]
    most: int

    @classmethod
    def identity(cls) -> ScalarFunction:
        """x."""
        return cls((Case((), (), ((_ONE, _ZERO),)),), 1)

    @staticmethod
    def pieces_of(name: str) -> tuple[Expr, Expr] | None:
        """The slopes of a function of the closed list left and right of its bend; None if it has no affine pieces."""
        slopes = FUNCTIONS[name].slopes
        return None if slopes is None else (Integer(slopes[0]), Integer(slopes[1]))

    @property
    def is_affine(self) -> bool:
        """Whether there is no bend, whatever the unknown numbers are."""
        return self.most == 1

    @property
    def knots(self) -> tuple[Expr, ...]:
        """Where pieces meet, in the first case."""
        return self.cases[0].knots if self.cases else ()

    def pieces(self) -> Pieces:
        """The pieces in the worst case: no case has more of them, or more with a slope."""
        if not self.cases:
            return Pieces(self.most, 0)
        found = [case.pieces for case in self.cases]
        sloped = max(pieces.sloped for pieces in found)
        return Pieces(sloped, max(pieces.sloped + pieces.constant for pieces in found) - sloped)

    def times(self, factor: Expr | None) -> ScalarFunction:
        """The product with a number; None for one that is not known."""
        by = _unknown() if factor is None else factor
        if by.is_zero:
            return ScalarFunction((Case((), (), ((_ZERO, _ZERO),)),), 1)
        return self._lines(lambda slope, height: (by * slope, by * height))

    def shifted(self, amount: Expr | None) -> ScalarFunction:
        """The sum with a number; None for one that is not known."""
        if amount == 0:
            return self
        by = _unknown() if amount is None else amount
        return self._lines(lambda slope, height: (slope, height + by))

    def _lines(self, change: Callable[[Expr, Expr], Line]) -> ScalarFunction:
        cases = tuple(Case(case.signs, case.knots, tuple(change(*line) for line in case.lines)) for case in self.cases)
        return ScalarFunction(cases, self.most)

    def plus(self, other: ScalarFunction) -> ScalarFunction:
        """The sum: it may bend wherever one of the two does."""
        cases: list[Case] = []
        for one in self.cases:
            for two in other.cases:
                if (signs := _together(one.signs, two.signs)) is not None:
                    cases += _followed(signs, partial(_sum, one, two))
        return _gathered(cases, self.most + other.most - 1, bool(self.cases and other.cases))

    def extremum(self, other: ScalarFunction, largest: bool) -> ScalarFunction:
        """The larger or the smaller of two functions of one number: ``f + max(g - f, 0)``."""
        apart = other.plus(self.times(Integer(-1)))
        return self.plus(apart.bent((_ZERO, _ONE) if largest else (_ONE, _ZERO), _ZERO))

    def bent(self, slopes: tuple[Expr, Expr], at: Expr | None) -> ScalarFunction:
        """``c + s (f(x) - c)``, with one slope where f(x) < c and another above: max(f, c) for the slopes 0 and 1."""
        level = _unknown() if at is None else at
        cases: list[Case] = []
        for case in self.cases:
            cases += _followed(case.signs, partial(_bent, case, slopes, level))
        return _gathered(cases, 2 * self.most, bool(self.cases))


def _gathered(cases: list[Case], most: int, followed: bool) -> ScalarFunction:
    if not followed or len(cases) > MOST_CASES:
        return ScalarFunction((), most)
    return ScalarFunction(tuple(cases), max(len(case.lines) for case in cases))


def _together(one: tuple[Sign, ...], other: tuple[Sign, ...]) -> tuple[Sign, ...] | None:
    """All signs of two cases; None if they contradict each other."""
    known = dict(one)
    return (*one, *(sign for sign in other if sign[0] not in known)) if all(
        known.get(factor, positive) == positive for factor, positive in other
    ) else None  # fmt: skip


def _followed(signs: tuple[Sign, ...], make: Callable[[_Signs], tuple[tuple[Expr, ...], list[Line]]]) -> Iterator[Case]:
    """Every case that the signs needed on the way give; one more than are followed at most."""
    waiting = [signs]
    for _ in range(MOST_CASES + 1):
        if not waiting:
            return
        known = _Signs(waiting.pop())
        knots, lines = make(known)
        waiting += reversed(known.left)
        yield Case(tuple(known.known.items()), *_merged(knots, lines))


def _sum(one: Case, two: Case, signs: _Signs) -> tuple[tuple[Expr, ...], list[Line]]:
    first, second = 0, 0
    knots: list[Expr] = []
    lines = [_added(one.lines[0], two.lines[0])]
    while first < len(one.knots) or second < len(two.knots):
        left = one.knots[first] if first < len(one.knots) else None
        right = two.knots[second] if second < len(two.knots) else None
        order = -1 if right is None else 1 if left is None else signs.of(left - right)
        knots.append(left if order <= 0 else right)
        first, second = first + (order <= 0), second + (order >= 0)
        lines.append(_added(one.lines[first], two.lines[second]))
    return tuple(knots), lines


def _added(one: Line, other: Line) -> Line:
    return one[0] + other[0], one[1] + other[1]


def _bent(case: Case, slopes: tuple[Expr, Expr], level: Expr, signs: _Signs) -> tuple[tuple[Expr, ...], list[Line]]:
    knots: list[Expr] = []
    lines: list[Line] = []
    for place, (slope, height) in enumerate(case.lines):
        if place:
            knots.append(case.knots[place - 1])
        low, high = (_bend((slope, height), by, level) for by in slopes)
        rising = signs.of(slope)
        if rising == 0:
            lines.append(low if signs.of(height - level) < 0 else high)
            continue
        crossing = (level - height) / slope
        before, beyond = (low, high) if rising > 0 else (high, low)
        if place < len(case.knots) and signs.of(case.knots[place] - crossing) <= 0:
            lines.append(before)
        elif place and signs.of(crossing - case.knots[place - 1]) <= 0:
            lines.append(beyond)
        else:
            lines += [before, beyond]
            knots.append(crossing)
    return tuple(knots), lines


def _bend(line: Line, slope: Expr, level: Expr) -> Line:
    return slope * line[0], level + slope * (line[1] - level)


def _merged(knots: tuple[Expr, ...], lines: list[Line]) -> tuple[tuple[Expr, ...], tuple[Line, ...]]:
    """Without knots at which nothing bends, and with zero for slopes that are zero."""
    kept_knots: list[Expr] = []
    kept: list[Line] = []
    for knot, (slope, height) in zip((None, *knots), lines):
        line = (slope if _differs(slope, _ZERO) else _ZERO, height)
        if knot is None:
            kept.append(line)
        elif _differs(line[0], kept[-1][0]):  # the function is continuous, so that lines of one slope are one line
            kept_knots.append(knot)
            kept.append(line)
    return tuple(kept_knots), tuple(kept)


def _differs(one: Expr, other: Expr) -> bool:
    """Whether two slopes differ for some values of the unknown numbers."""
    difference = one - other
    return bool(difference != 0) if difference.is_number else bool(fraction(together(difference))[0].expand() != 0)
