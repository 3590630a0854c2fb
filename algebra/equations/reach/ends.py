"""The ends of intervals of positions, as functions of the digits of an output's position.

A digit is a position itself, or, where axes were merged or split, ``floor(position / under)`` modulo the digit's size; between digits
an end is affine, and where floors make it jump (after upsampling, or a window over merged axes), it is affine but for offsets that
repeat.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, cached_property
from math import gcd, lcm
from operator import itemgetter
from typing import Any, Self

from sympy import Expr, Integer

from ...records import dataclass
from ...sizes.normal_form import is_nonnegative, simplify

_ZERO, _ONE = Integer(0), Integer(1)
LONGEST_PERIOD = 1024


class Kept:
    """Values that many questions are answered once for, so that their hashes are computed once too."""

    __match_args__: tuple[str, ...]

    def __hash__(self) -> int:
        kept = self.__dict__
        found = kept.get("_hash")
        if found is None:
            found = kept["_hash"] = hash(_getter(self.__match_args__)(kept))
        return int(found)

    def changed(self, **values: Any) -> Self:
        """The same but for some fields, as of `dataclasses.replace`."""
        kept, made = self.__dict__, object.__new__(type(self))
        made.__dict__.update({name: kept[name] for name in self.__match_args__}, **values)
        return made

    def __getstate__(self) -> dict[str, Any]:  # hashes of names differ from process to process
        return {name: value for name, value in self.__dict__.items() if name != "_hash"}


@cache
def _getter(names: tuple[str, ...]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    return itemgetter(*names)


@dataclass(frozen=True)
class Digit(Kept):
    """``floor(position / under)`` on an axis of the output, modulo `size` unless it is the first digit of that axis."""

    axis: int
    size: Expr | None
    under: Expr = _ONE
    leads: bool = True

    __hash__ = Kept.__hash__

    @property
    def whole(self) -> bool:
        return self.leads and self.under == 1


@dataclass(frozen=True)
class End(Kept):
    """One end of an interval: ``sum(step * digit) + offset``.

    With P offsets there is one digit, and at its value p the end is ``step * (p - r) + offsets[r]``, with r = p mod P.
    """

    steps: tuple[tuple[Digit, Expr], ...]
    offsets: tuple[Expr, ...] = (_ZERO,)

    __hash__ = Kept.__hash__

    @property
    def offset(self) -> Expr:
        return self.offsets[0]

    @property
    def straight(self) -> bool:
        return len(self.offsets) == 1

    @property
    def plain(self) -> bool:
        """Whether it follows one digit at most and is written in numbers, so that no other form of it is simpler."""
        (offset, *others), steps = self.offsets, self.steps
        return not others and len(steps) <= 1 and offset.is_Rational and all(s.is_Rational and s != 0 for _, s in steps)

    def at(self, position: int) -> int:
        """The value at a position; of an end of integers that follows one digit, or none."""
        advance, offsets = self._numbers
        turns, rest = divmod(position, len(offsets))
        return advance * turns + offsets[rest]

    @cached_property
    def _numbers(self) -> tuple[int, tuple[int, ...]]:
        """How far a period brings an end of integers that follows one digit, and its offsets."""
        if not self.steps:
            return 0, (int(self.offset),)
        return int(self.steps[0][1] * len(self.offsets)), tuple(map(int, self.offsets))

    def between(self, positions: int) -> tuple[int, int]:
        """The least and the largest value at so many first positions; of an end that has a value `at` each."""
        period = len(self.offsets)
        # It advances evenly from period to period, so that the first and the last one hold the extremes.
        turned = range(max(positions - period, period), positions)
        values = [self.at(place) for place in (*range(min(positions, period)), *turned)]
        return min(values), max(values)

    def first(self) -> Expr:
        """The value where all digits are zero."""
        return self.offset

    def last(self) -> Expr | None:
        """The value where all digits are largest, or None where that is not known."""
        total = self.offset
        for digit, step in self.steps:
            if digit.size is None:
                return None
            if not self.straight:
                return Integer(self.at(int(digit.size) - 1)) if digit.size.is_Integer else None
            total = total + step * (digit.size - 1)
        return simplify(total)

    def rises(self) -> bool | None:
        """Whether it never falls (True) or never rises (False) as its digits grow."""
        if self.straight:
            falling = {falls(step) for _, step in self.steps}
            return not falling.pop() if len(falling) == 1 else (True if not falling else None)
        values = [self.at(place) for place in range(len(self.offsets) + 1)]
        if all(a <= b for a, b in zip(values, values[1:])):
            return True
        return False if all(a >= b for a, b in zip(values, values[1:])) else None


def falls(step: Expr) -> bool:
    """Whether a step goes backwards; a step whose sign is not known is a product of sizes."""
    return bool(
        step.is_negative or (not step.is_nonnegative and is_nonnegative(step) is None and is_nonnegative(-step))
    )


def constant(value: Expr) -> End:
    return End((), (value,))


def straight(steps: Mapping[Digit, Expr], offset: Expr) -> End:
    """An end without repeating offsets; digits that make up one larger digit are written as that one."""
    kept = {digit: made for digit, step in steps.items() if (made := simplify(step)) != 0}
    if len(kept) > 1:  # a digit of one value is nothing beside others
        kept = {digit: step for digit, step in kept.items() if digit.size != 1} or dict([next(iter(kept.items()))])
    merged = True
    while merged and len(kept) > 1:
        merged = False
        for low, step in list(kept.items()):
            for high, further in list(kept.items()):
                if low.size is None or low == high or low.axis != high.axis or low not in kept or high not in kept:
                    continue
                if simplify(low.under * low.size - high.under) == 0 and simplify(step * low.size - further) == 0:
                    size = None if high.size is None else simplify(low.size * high.size)
                    del kept[low], kept[high]
                    kept[Digit(low.axis, size, low.under, high.leads)] = step
                    merged = True
    ordered = list(kept.items())
    if len(ordered) > 1:
        ordered.sort(key=lambda item: (item[0].axis, str(item[0].under), str(item[0].size)))
    return End(tuple(ordered), (simplify(offset),))


def repeating(digit: Digit, step: Expr, offsets: Sequence[int]) -> End:
    """An end with offsets that repeat, by the shortest period that tells them."""
    period = len(offsets)
    for shorter in range(1, period + 1):
        advance = step * shorter
        if period % shorter or not advance.is_Integer:
            continue
        if all(
            offsets[place] == offsets[place % shorter] + int(advance) * (place // shorter) for place in range(period)
        ):
            break
    if shorter == 1:
        return straight({digit: step}, Integer(offsets[0]))
    return End(((digit, step),), tuple(map(Integer, offsets[:shorter])))


def added(parts: Iterable[tuple[Expr, End]], more: Expr) -> End | None:
    """``sum(factor * end) + more``, or None where that follows several digits and repeats."""
    parts = list(parts)
    if len(parts) == 1 and more is _ZERO and parts[0][0] is _ONE and parts[0][1].plain:
        return parts[0][1]
    if all(end.straight for _, end in parts):
        steps: dict[Digit, Expr] = {}
        offset = more
        for factor, end in parts:
            offset = offset + factor * end.offset
            for digit, step in end.steps:
                steps[digit] = steps.get(digit, _ZERO) + factor * step
        return straight(steps, offset)
    digits = {digit for _, end in parts for digit, _ in end.steps}
    period = lcm(*(len(end.offsets) for _, end in parts))
    if len(digits) != 1 or period > LONGEST_PERIOD or not more.is_Integer:
        return None
    if not all(factor.is_Integer and is_counted(end) for factor, end in parts):
        return None
    digit = digits.pop()
    step = sum((factor * dict(end.steps).get(digit, _ZERO) for factor, end in parts), _ZERO)
    offsets = [sum(int(f) * end.at(place) for f, end in parts) + int(more) for place in range(period)]
    return repeating(digit, step, offsets)


def is_counted(end: End) -> bool:
    """Whether an end is known at every position: it follows at most one digit, and all in it are integers."""
    whole = all((step * len(end.offsets)).is_Integer for _, step in end.steps)
    return len(end.steps) <= 1 and whole and all(offset.is_Integer for offset in end.offsets)


def substituted(outer: End, inner: End) -> End | None:
    """The end `outer` of one digit where the digit is `inner`."""
    if not (is_counted(outer) and is_counted(inner)):
        return None
    if not inner.steps:
        return constant(Integer(outer.at(int(inner.offset))))
    ((digit, step),) = inner.steps
    advance = int(step * len(inner.offsets))
    period = len(inner.offsets) * (len(outer.offsets) // gcd(len(outer.offsets), advance))
    if period > LONGEST_PERIOD:
        return None
    return repeating(digit, outer.steps[0][1] * step, [outer.at(inner.at(place)) for place in range(period)])


def loosened(end: End, lower: bool) -> End:
    """A straight end that is nowhere inside of a given one."""
    if end.straight:
        return end
    ((digit, step),) = end.steps
    choose = min if lower else max
    return straight({digit: step}, choose(offset - step * place for place, offset in enumerate(end.offsets)))


def value_at(end: End, where: Sequence[int]) -> Expr:
    total = end.offset
    for digit, step in end.steps:
        value = where[digit.axis] // int(digit.under)
        if not digit.leads and digit.size is not None:
            value %= int(digit.size)
        total = total + step * value if end.straight else Integer(end.at(value))
    return total
