"""The best integer point of a box, with a certificate: what was not looked at cannot be better.

A box is left out when a bound shows that it breaks a constraint or cannot beat the best point found. Where a formula
moves in one direction with each size (shown from its structure, see `monotone`), its bounds are its values at two
corners, computed for thousands of boxes at once; elsewhere interval arithmetic bounds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any

from sympy import Eq, Expr, Le, Symbol
from sympy.core.relational import Relational

from ..arguments import shown
from ..compilation.interface import CompiledFormula
from ..compilation.program.float_bounds import float_bounds
from ..errors import FieldError
from ..records import dataclass
from ..sizes.intervals import at_most, same
from .monotone import trends

BATCH = 4096  # boxes that are cut at a time, those with the largest bounds first
SLACK = 1e-9  # of bounds on floats, relative


class Bounded:
    """A formula with bounds over boxes."""

    def __init__(self, e: Expr, symbols: Sequence[Symbol], box: dict[Symbol, tuple[int, int]]):
        self.symbols = symbols
        self.compiled = CompiledFormula(e, "numpy", None, "mask")
        self.real = self.compiled.kinds in ("real", "rational")  # compared as floats
        directions = trends(e, box) if isinstance(e, Expr) else dict.fromkeys(box)
        self.directions = [directions[symbol] for symbol in symbols]
        self.monotone = None not in self.directions

    def at(self, points: Any) -> Any:
        """The values at some points, a row each; not a number where there is none."""
        import numpy as np

        arguments = {
            symbol.name: points[:, number]
            for number, symbol in enumerate(self.symbols)
            if symbol in self.compiled.symbols
        }
        result: Any = np.ma.masked_array(np.ma.masked_array(self.compiled.flat(**arguments)[0]))
        result = np.ma.masked_array(
            np.broadcast_to(result.data, len(points)), np.broadcast_to(np.ma.getmaskarray(result), len(points))
        )
        return result.astype(float).filled(np.nan) if np.ma.is_masked(result) else result.data

    def corners(self, low: Any, high: Any, upper: bool) -> Any:
        """The corner of each box at which the formula is largest (or least)."""
        import numpy as np

        directions = np.array(self.directions)
        return np.where(directions > 0, high, low) if upper else np.where(directions > 0, low, high)

    def bounds(self, low: Any, high: Any) -> tuple[Any, Any]:
        """Least and largest values over boxes, exact or too generous."""
        import numpy as np

        if self.monotone:
            least, most = self.at(self.corners(low, high, False)), self.at(self.corners(low, high, True))
            if self.real:
                return least - SLACK * np.abs(least), most + SLACK * np.abs(most)
            return least, most
        program = self.compiled.formulas.program
        numbers = [self.symbols.index(symbol) for symbol in self.compiled.symbols]
        found = [
            float_bounds(program, [(int(a[number]), int(b[number])) for number in numbers])
            for a, b in zip(low, high, strict=True)
        ]
        kind = float if self.real else object
        return np.array([ends[0] for ends in found], dtype=kind), np.array([ends[1] for ends in found], dtype=kind)


@dataclass
class Constraint:
    """left <= right, or left == right."""

    left: Bounded
    right: Bounded
    equal: bool
    exact: Bounded  # the relation itself: quotients are compared without rounding

    def holds(self, points: Any) -> Any:
        found = self.exact.at(points)
        return found if found.dtype == bool else found == 1

    def possible(self, low: Any, high: Any) -> tuple[Any, Any]:
        """Whether the constraint may hold somewhere in each box, and whether it holds everywhere."""
        import numpy as np

        left, right = self.left.bounds(low, high), self.right.bounds(low, high)
        with np.errstate(invalid="ignore"):
            # A box with an end that is not a number is neither left out nor taken whole.
            surely, maybe = (same if self.equal else at_most)(left, right)
        return maybe, surely


def constraint_of(relation: Any, symbols: Sequence[Symbol], box: dict[Symbol, tuple[int, int]]) -> Constraint:
    """A relation as a constraint; strict ones between integers are closed."""
    if not isinstance(relation, Relational) or relation.rel_op == "!=":
        raise FieldError(f"a constraint must be a relation such as parameters <= 10**6, got {shown(relation)}")
    left, right, equal = relation.lhs, relation.rhs, isinstance(relation, Eq)
    if relation.rel_op in (">", ">="):
        left, right = right, left
    if relation.rel_op in ("<", ">"):
        if not (left.is_integer and right.is_integer):
            raise FieldError(f"{relation} is strict, and not between integers; write <= or >=")
        left = left + 1
    exact = Eq(left, right, evaluate=False) if equal else Le(left, right, evaluate=False)
    return Constraint(Bounded(left, symbols, box), Bounded(right, symbols, box), equal, Bounded(exact, symbols, box))


@dataclass
class Best:
    """The best point found, what no point exceeds, and how many boxes were looked at."""

    point: tuple[int, ...] | None
    value: Any
    bound: Any
    examined: int

    @property
    def certified(self) -> bool:
        return self.bound is None


def maximum(
    objective: Bounded, constraints: Sequence[Constraint], sizes: Sequence[Sequence[int]], budget: int, starts: Any
) -> Best:
    """The point of a grid at which the objective is largest and all constraints hold.

    Parameters
    ----------
    sizes : for each symbol its sizes in increasing order
    budget : int
        How many boxes may be looked at.
    starts : array
        Points to begin with, a row each; good ones make the search shorter.
    """
    import numpy as np

    values = [np.array(part) for part in sizes]
    best = Best(None, -inf, None, 0)

    def consider(points: Any) -> None:
        """Takes the best of some points that satisfies the constraints."""
        if not len(points):
            return
        good = np.ones(len(points), dtype=bool)
        for constraint in constraints:
            good &= np.asarray(constraint.holds(points), dtype=bool)
        if good.any():
            points = points[good]
            found = objective.at(points)
            number = int(np.argmax(np.where(np.isnan(found), -inf, found) if found.dtype == float else found))
            if found[number] > best.value:
                best.value, best.point = found[number], tuple(int(size) for size in points[number])

    def at(places: Any) -> Any:
        return np.stack([part[places[:, axis]] for axis, part in enumerate(values)], axis=1)

    consider(np.asarray(starts))
    low = np.zeros((1, len(values)), dtype=np.int64)
    high = np.array([[len(part) - 1 for part in values]], dtype=np.int64)
    bound = objective.bounds(at(low), at(high))[1]
    while len(low):
        order = np.argsort(bound, kind="stable")[::-1]
        low, high, bound = low[order], high[order], bound[order]
        some, rest = slice(None, BATCH), slice(BATCH, None)
        a, b = low[some], high[some]
        best.examined += len(a)
        if best.examined > budget:
            best.bound = bound[0]
            return best
        low, high, bound = low[rest], high[rest], bound[rest]
        lows, highs = at(a), at(b)
        keep = np.ones(len(a), dtype=bool)
        whole = np.ones(len(a), dtype=bool)
        for constraint in constraints:
            maybe, surely = constraint.possible(lows, highs)
            keep &= maybe
            whole &= surely
        single = (a == b).all(axis=1)
        consider(lows[keep & single])
        if objective.monotone:  # in a box without constraints the best point is a corner
            consider(objective.corners(lows, highs, True)[keep & whole])
            done = single | whole
        else:
            done = single
        consider(lows[keep & ~done][:64])
        consider(highs[keep & ~done][:64])
        a, b = a[keep & ~done], b[keep & ~done]
        if len(a):
            first, second = _halves(a, b)
            a, b = np.concatenate([first[0], second[0]]), np.concatenate([first[1], second[1]])
            ends = objective.bounds(at(a), at(b))[1]
            low, high, bound = np.concatenate([low, a]), np.concatenate([high, b]), np.concatenate([bound, ends])
        if best.point is not None and len(low):
            with np.errstate(invalid="ignore"):
                better = ~(bound <= best.value)
            low, high, bound = low[better], high[better], bound[better]
    return best


def _halves(low: Any, high: Any) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Each box in two, across its longest side as seen on a logarithmic scale."""
    import numpy as np

    axis = np.argmax(np.where(high > low, np.log((high + 2.0) / (low + 1.0)), -1.0), axis=1)
    rows = np.arange(len(low))
    start, stop = low[rows, axis], high[rows, axis]
    # The geometric middle: sizes matter by their ratio.
    middle = np.clip(np.sqrt((start + 1.0) * (stop + 1.0)).astype(np.int64) - 1, start, stop - 1)
    left, right = high.copy(), low.copy()
    left[rows, axis] = middle
    right[rows, axis] = middle + 1
    return (low, left), (right, high)
