"""The reach along one input axis: the interval of positions that an output position depends on."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache
from math import lcm
from typing import TypeAlias

from sympy import Expr, Integer, floor

from ...records import dataclass
from ...sizes.normal_form import simplify
from .ends import Digit, End, Kept, constant, falls, is_counted, loosened, straight, value_at
from .order import at_least, extreme_value

_ZERO, _ONE = Integer(0), Integer(1)


@dataclass(frozen=True)
class Values:
    """The values that a digit takes for one output: an interval, the largest distance of neighbours in it, and whether it is exact."""

    low: End
    high: End
    exact: bool = True
    gap: Expr | None = _ONE

    @property
    def single(self) -> bool:
        return self.low == self.high


@dataclass(frozen=True)
class Limits:
    """The first and the last position of all fields, and whether the maps since leave none of them out."""

    first: Expr
    last: Expr
    full: bool


@dataclass(frozen=True)
class AxisReach(Kept):
    """Along one input axis: from `low` to `high`, borders not counted, as functions of the output's position.

    `extent`: the size of the input axis, where it is known.
    `exact`: the ends are read by every output, but for what lies beyond a border.
    `gap`, `run`: the largest distance of neighbours among the positions that one output reads, and the longest stretch of them
    without a hole; None where unknown.
    `border`: the first and the last position that any output reads, borders of all maps between counted.
    `clean`: between the borders, an output reads what it would read if there were none.
    `covered`: whether all outputs depend on the whole axis, where that is known otherwise than by the interval.
    `last`: where no position is left in the output, the reach of the last map that had some.
    `gated`: positions are left, and `last` is the reach beside branches that have none.
    `core`: what every channel sees, where the channels of several branches see different things.
    `limits`: where `low` and `high` also tell of what is no padding, such as a token put before those of an image, which is nowhere on
    this axis.
    """

    low: End
    high: End
    extent: Expr | None = None
    exact: bool = True
    gap: Expr | None = _ONE
    run: Expr | None = _ONE
    border: tuple[Expr, Expr] | None = None
    clean: bool = True
    covered: bool | None = None
    last: "AxisReach | None" = None
    gated: bool = False
    core: "AxisReach | None" = None
    limits: Limits | None = None

    __hash__ = Kept.__hash__

    @cached_property
    def digits(self) -> tuple[Digit, ...]:
        return tuple(dict.fromkeys(digit for end in (self.low, self.high) for digit, _ in end.steps))

    @property
    def moves(self) -> bool:
        return bool(self.low.steps or self.high.steps)

    @cached_property
    def still(self) -> bool:
        """Whether an output at a position reads that position alone."""
        return (
            self.low == self.high
            and self.low.straight
            and self.low.offset == 0
            and all(step == 1 and digit.whole for digit, step in self.low.steps)
        )

    @cached_property
    def on_first_axis(self) -> "AxisReach | None":
        """The interval as if the axis that it follows were the first, without what is noted beside it; None if it follows several axes."""
        if len({digit.axis for digit in self.digits}) > 1:
            return None
        alone = self.last is None and self.core is None and not self.gated
        plain = self if alone else self.changed(last=None, gated=False, core=None)
        return on_axis(plain, 0)

    @property
    def shown(self) -> "AxisReach":
        """What is told of it: the last map that had positions, unless that is the input itself and all of it is joined."""
        if self.last is not None and self.gated:
            return self.last.shown
        return self if self.last is None or (self.last.still and not self.moves) else self.last

    @cached_property
    def size(self) -> Expr:
        """How many positions the widest field holds, from its first to its last."""
        width = _width(self)
        if width is not None:
            return simplify((width if width.is_integer else floor(width)) + 1)
        # Neighbours' fields lie differently between the integers; this is the most that any of them holds.
        low, high = loosened(self.low, True), loosened(self.high, False)
        steps = {digit for digit, _ in (*low.steps, *high.steps)}
        total = high.offset - low.offset
        for digit in steps:
            wider = dict(high.steps).get(digit, _ZERO) - dict(low.steps).get(digit, _ZERO)
            total = total + (
                wider * (digit.size - 1) if wider != 0 and digit.size is not None and not falls(wider) else _ZERO
            )
        return simplify(floor(total) + 1)

    @cached_property
    def even(self) -> bool:
        """Whether the field of every output is that of the first one, moved on by as many jumps, or grows with the position from one end."""
        one_stays = not self.low.steps or not self.high.steps
        alike = one_stays or dict(self.low.steps) == dict(self.high.steps)
        return self.exact and alike and self.low.straight and self.high.straight and all(d.whole for d in self.digits)

    def jump(self, axis: int) -> Expr:
        """The step between the fields of neighbours; 0 where all outputs see the same from the start."""
        steps = [(digit.axis, step / digit.under if digit.leads else step) for digit, step in self.low.steps]
        for own, step in steps:
            if own == axis:
                return step
        return steps[0][1] if len(steps) == 1 else _ZERO

    @cached_property
    def whole(self) -> bool | None:
        """Whether every output depends on the whole axis; None if that depends on the sizes, or is not known."""
        answer = self._whole
        return None if answer and self.core is not None and self.core.whole is not True else answer

    @property
    def _whole(self) -> bool | None:
        if self.covered is not None:
            return self.covered
        if self.extent is None or not self.moves and self.low.offset == 0 and self.high.offset == -1:
            return False
        if self.extent == 1 and self.exact and self.border is not None:
            return self._reaches()
        reaches = self._reaches()
        if reaches is False:
            return False
        if self.gap is not None and self.gap != 1 and self.run is not None and at_least(self.extent - 1, self.run):
            return False if self.gap.is_Integer or at_least(self.gap, Integer(2)) else None
        return reaches if reaches and self.gap == 1 and self.clean and self.exact else None

    def _reaches(self) -> bool | None:
        """Whether the intervals of all outputs, borders counted, go from the first position of the axis to the last."""
        assert self.extent is not None
        if self.border is None:
            return None
        (first, last), end = self.border, self.extent - 1
        answers = [at_least(_ZERO, first), at_least(last, end)]
        # An output that misses an end of the axis counts if it reads anything: if its field does not lie beyond a border.
        sees = self.gap == 1 and self.clean
        for value, short, beyond in (
            (extreme_value(self.low, True), lambda v: at_least(_ZERO, v), lambda v: at_least(last, v)),
            (extreme_value(self.high, False), lambda v: at_least(v, end), lambda v: at_least(v, first)),
        ):
            answer = None if value is None else short(value)
            answers.append(None if answer is False and not (sees and beyond(value)) else answer)
        return False if False in answers else None if None in answers else True

    @cached_property
    def always_reads(self) -> bool:
        """Whether no output lies beyond a border, so that each of them reads something."""
        least, most = extreme_value(self.high, False), extreme_value(self.low, True)
        if self.border is None or least is None or most is None or not (self.gap == 1 and self.clean):
            return False
        return at_least(least, self.border[0]) is True and at_least(self.border[1], most) is True

    def at(self, where: Sequence[int]) -> tuple[Expr, Expr]:
        """The first and the last position that the output at a position reads; of a network with numbers for sizes."""
        return value_at(self.low, where), value_at(self.high, where)


Reach: TypeAlias = tuple[AxisReach, ...]
"""One `AxisReach` for each input axis."""


@lru_cache(maxsize=20_000)
def on_axis(reach: AxisReach, axis: int) -> AxisReach:
    """A reach that follows one axis as if it followed another one."""
    if all(digit.axis == axis for digit in reach.digits):
        return reach
    low, high = (
        End(tuple((digit.changed(axis=axis), step) for digit, step in end.steps), end.offsets)
        for end in (reach.low, reach.high)
    )
    return reach.changed(low=low, high=high)


def period_of(reach: AxisReach) -> int:
    return lcm(len(reach.low.offsets), len(reach.high.offsets))


def _width(reach: AxisReach) -> Expr | None:
    """The largest distance of the two ends, where both follow the same digit."""
    if reach.low.straight and reach.high.straight:
        low, high = dict(reach.low.steps), dict(reach.high.steps)
        integral = all(step.is_integer for step in (*low.values(), *high.values()))
        return simplify(reach.high.offset - reach.low.offset) if low == high and integral else None
    if len(reach.digits) != 1 or not (is_counted(reach.low) and is_counted(reach.high)):
        return None
    if dict(reach.low.steps) != dict(reach.high.steps):
        return None
    (digit,) = reach.digits
    places = (
        period_of(reach) if digit.size is None or not digit.size.is_Integer else min(period_of(reach), int(digit.size))
    )
    return Integer(max(reach.high.at(place) - reach.low.at(place) for place in range(places)))


def identity(rank: int, sizes: Sequence[Expr] | None = None) -> Reach:
    """Every output position is the input position."""
    return tuple(identity_of(axis, None if sizes is None else sizes[axis]) for axis in range(rank))


@lru_cache(maxsize=20_000)
def identity_of(axis: int, size: Expr | None) -> AxisReach:
    end = straight({Digit(axis, size): _ONE}, _ZERO)
    return AxisReach(end, end, size, border=None if size is None else (_ZERO, size - 1))


def joined(size: Expr, exact: bool = True) -> AxisReach:
    """All of an axis, wherever the output."""
    return AxisReach(constant(_ZERO), constant(simplify(size - 1)), size, exact, _ONE, size, (_ZERO, size - 1))
