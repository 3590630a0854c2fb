"""Piecewise-linear functions of one number, put together from the bends that an equation writes.

>>> clipped = ScalarFunction.identity().bent((0, 1), Integer(0)).bent((1, 0), Integer(6))  # min(max(x, 0), 6)
>>> clipped.knots, clipped.pieces()
((0, 6), Pieces(sloped=1, constant=2))
>>> below = ScalarFunction.identity().bent((1, 0), Integer(0)).times(None)  # a min(x, 0)
>>> leaky = ScalarFunction.identity().bent((0, 1), Integer(0)).plus(below)
>>> leaky.knots, leaky.pieces()
((0,), Pieces(sloped=2, constant=0))
"""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Dummy, Expr, Integer

from ..equations.functions import FUNCTIONS
from .local_maps import Pieces

_ZERO, _ONE = Integer(0), Integer(1)
Line = tuple[Expr, Expr]


def _unknown() -> Dummy:
    """A weight in general position: it equals nothing."""
    return Dummy("w", real=True, nonzero=True)


@dataclass(frozen=True)
class ScalarFunction:
    """A piecewise-linear function of one number.

    Parameters
    ----------
    knots : tuple of Expr
        Where pieces meet, from left to right; an unknown where only their number is known.
    lines : tuple of (slope, intercept)
        One more than knots.
    """

    knots: tuple[Expr, ...]
    lines: tuple[Line, ...]

    @classmethod
    def identity(cls) -> ScalarFunction:
        """x."""
        return cls((), ((_ONE, _ZERO),))

    @staticmethod
    def pieces_of(name: str) -> tuple[Expr, Expr] | None:
        """The slopes of a function of the closed list left and right of its bend; None if it has no affine pieces."""
        slopes = FUNCTIONS[name].slopes
        return None if slopes is None else (Integer(slopes[0]), Integer(slopes[1]))

    @property
    def is_affine(self) -> bool:
        """Whether there is no bend."""
        return not self.knots

    def pieces(self) -> Pieces:
        """How many pieces have a slope, and how many are constant."""
        constant = sum(slope.is_zero is True for slope, _ in self.lines)
        return Pieces(len(self.lines) - constant, constant)

    def times(self, factor: Expr | None) -> ScalarFunction:
        """The product with a number; None for one that is not known."""
        by = _unknown() if factor is None else factor
        if by.is_zero:
            return ScalarFunction((), ((_ZERO, _ZERO),))
        return ScalarFunction(self.knots, tuple((by * slope, by * height) for slope, height in self.lines))

    def shifted(self, amount: Expr | None) -> ScalarFunction:
        """The sum with a number; None for one that is not known."""
        if amount == 0:
            return self
        by = _unknown() if amount is None else amount
        return ScalarFunction(self.knots, tuple((slope, height + by) for slope, height in self.lines))

    def plus(self, other: ScalarFunction) -> ScalarFunction:
        """The sum: it may bend wherever one of the two does."""
        knots = (*self.knots, *(knot for knot in other.knots if knot not in self.knots))
        if not all(knot.is_number for knot in knots) and self.knots and other.knots and self.knots != other.knots:
            return ScalarFunction(knots, tuple((_unknown(), _unknown()) for _ in range(len(knots) + 1)))
        if all(knot.is_number for knot in knots):
            knots = tuple(sorted(knots))
        lines = []
        for place in range(len(knots) + 1):
            here, there = self._line(place, knots), other._line(place, knots)
            lines.append((here[0] + there[0], here[1] + there[1]))
        return _merged(knots, lines)

    def _line(self, place: int, knots: tuple[Expr, ...]) -> Line:
        """The line on the interval that ends at the knot of that number among more knots."""
        return self.lines[sum(knot in knots[:place] for knot in self.knots)]

    def bent(self, slopes: tuple[Expr, Expr], at: Expr | None) -> ScalarFunction:
        """``c + s (f(x) - c)``, with one slope where f(x) < c and another above: max(f, c) for the slopes 0 and 1."""
        level = _unknown() if at is None else at
        knots: list[Expr] = []
        lines: list[Line] = []
        for place, (slope, height) in enumerate(self.lines):
            if place:
                knots.append(self.knots[place - 1])
            low = _bend((slope, height), slopes[0], level)
            high = _bend((slope, height), slopes[1], level)
            if slope.is_zero:
                below = (height - level).is_negative
                lines.append(low if below else high)
                continue
            crossing = (level - height) / slope
            left = self.knots[place - 1] if place else None
            right = self.knots[place] if place < len(self.knots) else None
            rising = slope.is_negative is not True
            before, beyond = (low, high) if rising else (high, low)
            if right is not None and (right - crossing).is_nonpositive:
                lines.append(before)
            elif left is not None and (crossing - left).is_nonpositive:
                lines.append(beyond)
            else:
                lines += [before, beyond]
                knots.append(crossing)
        return _merged(tuple(knots), lines)


def _bend(line: Line, slope: Expr, level: Expr) -> Line:
    return slope * line[0], level + slope * (line[1] - level)


def _merged(knots: tuple[Expr, ...], lines: list[Line]) -> ScalarFunction:
    """Without knots at which nothing bends."""
    kept_knots: list[Expr] = []
    kept = [lines[0]]
    for knot, line in zip(knots, lines[1:]):
        if line != kept[-1]:
            kept_knots.append(knot)
            kept.append(line)
    return ScalarFunction(tuple(kept_knots), tuple(kept))
