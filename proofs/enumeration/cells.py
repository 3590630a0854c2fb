"""Exact geometry of small piecewise-linear functions: affine forms, convex cells, and the decisions that split them.

A cell is a convex polytope of full dimension, given by its corners in homogeneous integers, so that everything is
exact. A number that depends on the input is a `Form`. Whoever compares two forms asks on which side of a hyperplane
the current cell lies; where it lies on both, the cell is split and both parts are followed.

>>> def value(x):
...     return abs(abs(x[0]) - 2)
>>> [(form.slope, form.constant) for _, form in split(cube(1), value)]
[((1,), -2), ((-1,), -2), ((1,), 2), ((-1,), 2)]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import gcd, isfinite, isinf, lcm
from typing import Any

Corner = tuple[int, ...]

#: Half the side of the cube in which is counted: far outside of every corner that small integer weights can make.
FAR = 10**12
#: More cells than this are not followed.
MOST_CELLS = 20_000


class NotPiecewiseLinear(Exception):
    """Something was computed that is no piecewise-linear function of the input."""


class TooManyCells(Exception):
    """The function has more cells than are followed."""


@dataclass(frozen=True)
class Cell:
    """A polytope of full dimension: corners in homogeneous coordinates, the first positive, and the sides that each lies on."""

    corners: tuple[tuple[Corner, frozenset[int]], ...]
    sides: int

    @property
    def dimension(self) -> int:
        return len(self.corners[0][0]) - 1

    def sides_of(self, plane: Sequence[int]) -> tuple[bool, bool]:
        """Whether the cell has points above a hyperplane, and below."""
        above = below = False
        for corner, _ in self.corners:
            value = sum(a * c for a, c in zip(plane, corner))
            above, below = above or value > 0, below or value < 0
            if above and below:
                break
        return above, below

    def cut(self, plane: Sequence[int], sign: int) -> Cell:
        """The part on one side of a hyperplane that has points on both."""
        valued = [(sign * sum(a * c for a, c in zip(plane, corner)), corner, on) for corner, on in self.corners]
        side = self.sides
        kept = [(corner, on if value else on | {side}) for value, corner, on in valued if value >= 0]
        for value, corner, on in valued:
            if value <= 0:
                continue
            for other, behind, its in valued:
                if other < 0 and self._neighbours(on & its):
                    made = tuple(value * b - other * c for b, c in zip(behind, corner))
                    shared = gcd(*made)
                    kept.append((tuple(part // shared for part in made), (on & its) | {side}))
        return Cell(tuple(kept), side + 1)

    def _neighbours(self, common: frozenset[int]) -> bool:
        """Whether an edge joins two corners that have these sides in common: no third corner lies on all of them."""
        if len(common) < self.dimension - 1:
            return False
        return sum(common <= on for _, on in self.corners) == 2


def cube(dimension: int, half: int = FAR) -> Cell:
    """A cube around the origin."""
    corners = []
    for signs in product((0, 1), repeat=dimension):
        point = tuple(half if sign else -half for sign in signs)
        corners.append(((1, *point), frozenset(2 * axis + sign for axis, sign in enumerate(signs))))
    return Cell(tuple(corners), 2 * dimension)


class _Path:
    """The decisions on the way to one cell; `cell` shrinks as more are made."""

    def __init__(self, cell: Cell, taken: tuple[bool, ...]):
        self.cell, self.taken, self.place = cell, list(taken), 0
        self.left: list[tuple[Cell, tuple[bool, ...]]] = []

    def is_positive(self, plane: tuple[int, ...]) -> bool:
        """Whether a form that is not constant is positive here."""
        if self.place < len(self.taken):
            self.place += 1
            return self.taken[self.place - 1]
        above, below = self.cell.sides_of(plane)
        if above and below:
            self.left.append((self.cell.cut(plane, -1), (*self.taken, False)))
            self.cell = self.cell.cut(plane, 1)
        self.place += 1
        self.taken.append(above)
        return above


class Form:
    """An affine function on the current cell; arithmetic with numbers, comparisons, and no products of two."""

    __slots__ = ("path", "parts")

    def __init__(self, path: Any, parts: tuple[Any, ...]):
        self.path, self.parts = path, parts

    @property
    def slope(self) -> tuple[Any, ...]:
        return self.parts[1:]

    @property
    def constant(self) -> Any:
        return self.parts[0]

    def _with(self, other: Any, sign: int) -> Any:
        if isinstance(other, Form):
            return Form(self.path, tuple(a + sign * b for a, b in zip(self.parts, other.parts)))
        if isinstance(other, float) and isinf(other):
            return sign * other
        return Form(self.path, (self.parts[0] + sign * _exact(other), *self.parts[1:]))

    def __add__(self, other: Any) -> Any:
        return self._with(other, 1)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self._with(other, -1)

    def __neg__(self) -> Form:
        return Form(self.path, tuple(-part for part in self.parts))

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __mul__(self, other: Any) -> Form:
        if isinstance(other, Form):
            if not any(other.slope):
                return self * other.constant
            if not any(self.slope):
                return other * self.constant
            raise NotPiecewiseLinear("a product of two forms")
        factor = _exact(other)
        return Form(self.path, tuple(factor * part for part in self.parts))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Form:
        if isinstance(other, Form):
            if any(other.slope):
                raise NotPiecewiseLinear("a quotient by a form")
            other = other.constant
        if other == 0:
            raise ZeroDivisionError
        return self * (1 / Fraction(_exact(other)))

    def __rtruediv__(self, other: Any) -> Any:
        if any(self.slope):
            raise NotPiecewiseLinear("a quotient by a form")
        return Fraction(_exact(other)) / Fraction(self.constant)

    def __pow__(self, exponent: Any) -> Any:
        if exponent == 1:
            return self
        if not any(self.slope):
            return Fraction(self.constant) ** exponent
        raise NotPiecewiseLinear("a power of a form")

    def __gt__(self, other: Any) -> bool:
        return self._exceeds(self - other)

    def __lt__(self, other: Any) -> bool:
        return self._exceeds(other - self)

    def __ge__(self, other: Any) -> bool:
        return not self < other

    def __le__(self, other: Any) -> bool:
        return not self > other

    def _exceeds(self, difference: Any) -> bool:
        if not isinstance(difference, Form):
            return bool(difference > 0)
        if not any(difference.slope):
            return bool(difference.constant > 0)
        common = lcm(*(part.denominator for part in difference.parts))
        return bool(self.path.is_positive(tuple(int(part * common) for part in difference.parts)))

    def __abs__(self) -> Form:
        return self if self > 0 else -self

    def __float__(self) -> float:
        if any(self.slope):
            raise NotPiecewiseLinear("a function without affine pieces")
        return float(self.constant)

    def __int__(self) -> int:
        if any(self.slope):
            raise NotPiecewiseLinear("a lookup")
        return int(self.constant)

    def __eq__(self, other: object) -> bool:
        return self.parts == other.parts if isinstance(other, Form) else not any(self.slope) and self.constant == other

    def __hash__(self) -> int:
        return hash(self.parts)


def _exact(number: Any) -> Any:
    if not isinstance(number, float):
        return number
    if not isfinite(number):
        raise NotPiecewiseLinear(f"a factor or a summand that is {number}")
    return Fraction(number)


def split(cell: Cell, value: Callable[[list[Form]], Any]) -> Iterator[tuple[Cell, Any]]:
    """The parts of a cell on which a function of the coordinates is affine, each with its value."""

    def at(path: _Path) -> Any:
        zeros = (0,) * cell.dimension
        return value([Form(path, (0, *zeros[:axis], 1, *zeros[axis + 1 :])) for axis in range(cell.dimension)])

    yield from followed(cell, at)


def followed(cell: Cell, value: Callable[[Any], Any]) -> Iterator[tuple[Cell, Any]]:
    """The same for a function of the path, which has forms of its own made for it."""
    waiting: list[tuple[Cell, tuple[bool, ...]]] = [(cell, ())]
    found = 0
    while waiting:
        start, taken = waiting.pop()
        path = _Path(start, taken)
        made = value(path)
        waiting += reversed(path.left)
        found += 1
        if found > MOST_CELLS:
            raise TooManyCells(f"more than {MOST_CELLS} cells")
        yield path.cell, made
