"""What one step of a causal layer reads of every tensor, and which of that belongs to earlier steps.

Read backwards from element t of the output, every tensor is wanted at a region: along each axis at one place, at a stretch of places that
ends at the present one, or as a whole. What is wanted of earlier times is *kept* from step to step, or computed again from what is kept
further up. The recurrence ``h[t-1]`` wants a stretch of two places, a causal convolution one of its kernel's reach, attention all places up
to t, attention to a window the last of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

from sympy import Expr, Integer, Max, Min, Mul, Symbol

from ..equations.affine import affine
from ..equations.heads import Group, IndexValue, Pad, Read, Select, walk
from ..equations.instance import Instance
from ..equations.recurrences import Recurrence
from ..equations.statements import AnyOf, Limit, Mask, each_option
from ..records import dataclass
from ..sizes.dims import Index
from ..sizes.normal_form import is_nonnegative, simplify
from .settled import Settled, as_number, axis_of, indices_of, over_all, slack_of

_ZERO, _ONE = Integer(0), Integer(1)


@dataclass(frozen=True)
class Facts:
    """What is known of the number of tokens: it is from 1 to the size of the axis of time."""

    tokens: Expr
    size: Expr

    def at_most(self, low: Expr, high: Expr) -> bool:
        """Whether one number is known to be at most another one at every number of tokens."""
        difference = simplify(high - low)
        if is_nonnegative(difference):
            return True
        if not isinstance(self.tokens, Symbol):
            return False
        if isinstance(self.size, Symbol) and difference.has(self.size):
            rest = Symbol("rest", integer=True, nonnegative=True)
            return is_nonnegative(simplify(difference.xreplace({self.size: self.tokens + rest}))) is True
        if difference.is_polynomial(self.tokens) and difference.as_poly(self.tokens) is not None:
            if difference.as_poly(self.tokens).degree() <= 1:
                ends = (difference.xreplace({self.tokens: end}) for end in (_ONE, self.size))
                return all(is_nonnegative(simplify(end)) for end in ends)
        return False

    def least(self, values: Sequence[Expr]) -> tuple[Expr, ...]:
        """The same values without those that are never below another one."""
        return self._outer(values, lambda one, other: self.at_most(other, one))

    def most(self, values: Sequence[Expr]) -> tuple[Expr, ...]:
        """The same values without those that are never above another one."""
        return self._outer(values, self.at_most)

    def _outer(self, values, dominated) -> tuple[Expr, ...]:
        kept: list[Expr] = []
        for value in dict.fromkeys(values):
            if any(dominated(value, other) for other in kept):
                continue
            kept = [other for other in kept if not dominated(other, value)]
            kept.append(value)
        return tuple(kept)


@dataclass(frozen=True)
class Region:
    """Places along an axis, from the largest of `lows` to `high`."""

    lows: tuple[Expr, ...]
    high: Expr
    is_point: bool = False
    """Whether it is one place at any number of tokens."""

    @staticmethod
    def at(place: Expr) -> "Region":
        return Region((place,), place, True)

    @property
    def low(self) -> Expr:
        return simplify(Max(*self.lows)) if len(self.lows) > 1 else self.lows[0]

    @property
    def count(self) -> Expr:
        return simplify(self.high - self.low + 1)

    def moved(self, by: Expr) -> "Region":
        return Region(tuple(simplify(low + by) for low in self.lows), simplify(self.high + by), self.is_point)


@dataclass
class Line:
    """How one statement is computed in a step.

    `values` are the indices at one place, `regions` those that go over a stretch of places of the whole layer, `masks` what is left of the
    masks, in the places of the whole layer.
    """

    place: int
    values: dict[Index, Expr] = field(default_factory=dict)
    regions: dict[Index, Region] = field(default_factory=dict)
    masks: list[Limit] = field(default_factory=list)


@dataclass
class Plan:
    """What a step computes and keeps.

    Attributes
    ----------
    lines : dict of int to Line
    wanted : dict of str to list
        The region of every tensor along each axis, None where it is wanted as a whole.
    kept : dict of str to int
        The tensors that are kept from step to step, and the axis of time of each.
    """

    lines: dict[int, Line]
    wanted: dict[str, list[Region | None]]
    kept: dict[str, int]


def plan_of(
    settled: Settled, named: Settled, axes: Mapping[str, int], facts: Facts, again: frozenset[str] = frozenset()
) -> Plan:
    """What a step computes and keeps.

    Parameters
    ----------
    settled, named : Settled
        Of the layer; `named` by the names of times.
    axes : mapping of str to int
        The outputs, each with its axis of time.
    facts : Facts
    again : frozenset of str
        Tensors that are computed again at earlier times, and not kept.
    """
    return Planner(settled, named, facts, again).plan(axes)


class Planner:
    def __init__(self, settled: Settled, named: Settled, facts: Facts, again: frozenset[str]):
        self.settled, self.named, self.facts, self.again = settled, named, facts, again
        self.instance: Instance = settled.instance
        self.wanted: dict[str, list[Region | None]] = {}
        self.known: dict[str, list[bool]] = {}
        self.lines: dict[int, Line] = {}
        self.kept: dict[str, int] = {}
        self.present = simplify(facts.tokens - 1)

    def plan(self, axes: Mapping[str, int]) -> Plan:
        instance = self.instance
        for target, axis in axes.items():
            now = [Region.at(self.present) if n == axis else None for n in range(len(instance.shapes[target]))]
            self.want(target, now, instance.places[target])
        for first, end, recurrence in reversed(instance.order):
            if recurrence is None:
                self.line(first)
            else:
                self.steps(first, end, recurrence)
        for name, at in self.settled.axes.items():
            if name in self.wanted:
                self.place_in_time(name, at)
        return Plan(self.lines, self.wanted, self.kept)

    # wanting ---------------------------------------------------------------------------------------------------------

    def want(self, tensor: str, regions: Sequence[Region | None], place: int) -> None:
        """Note that a tensor is read at these regions."""
        if tensor not in self.wanted:
            self.wanted[tensor] = list(regions)
            return
        self.wanted[tensor] = [
            self.both(old, new, place, tensor) for old, new in zip(self.wanted[tensor], regions)
        ]  # fmt: skip

    def both(self, one: Region | None, other: Region | None, place: int, tensor: str) -> Region | None:
        if one is None or other is None:
            return None
        if one == other:
            return one
        high = self.facts.most((one.high, other.high))
        if len(high) > 1:
            raise self.settled.refuse(
                place, f"{tensor} is read up to {one.high} and up to {other.high}, and which is later is not known"
            )
        if self.covers(one.lows, other.lows):
            return Region(one.lows, high[0])
        if self.covers(other.lows, one.lows):
            return Region(other.lows, high[0])
        plain = [set(one.lows) & set(other.lows), set(one.lows) - set(other.lows), set(other.lows) - set(one.lows)]
        if len(plain[1]) == 1 and len(plain[2]) == 1:
            least = simplify(Min(*plain[1], *plain[2]))
            return Region((*sorted(plain[0], key=str), least), high[0])
        raise self.settled.refuse(
            place, f"{tensor} is read from {one.low} and from {other.low} on, and which is earlier is not known"
        )

    def covers(self, lows: Sequence[Expr], others: Sequence[Expr]) -> bool:
        """Whether the largest of some numbers is known to be at most the largest of others."""
        return all(any(self.facts.at_most(low, other) for other in others) for low in lows)

    # lines -----------------------------------------------------------------------------------------------------------

    def steps(self, first: int, end: int, recurrence: Recurrence) -> None:
        """The lines of a recurrence: it goes on by one step if it runs along the axis of time."""
        places = [place for place in range(first, end + 1) if place in self.instance.live]
        along = self.time_index(places, recurrence)
        if along is None:
            return self.within(places, recurrence)
        statements = self.instance.statements
        for place in reversed(places):
            statement = statements[place]
            if not recurrence.covers(statement):
                continue
            number = statement.address.index(along)
            lag = self.lag(statement.target, number)
            if lag is None or lag != 0:
                raise self.settled.refuse(
                    place, f"the recurrence of {statement.target} does not go along with the inputs"
                )
            regions: list[Region | None] = [
                Region.at(self.present) if n == number else None for n in range(len(statement.address))
            ]
            if any(step.number >= 0 for step in self.instance.given.get(statement.target, ())):
                raise self.settled.refuse(
                    place,
                    f"lines of their own give the first steps of {statement.target}",
                    "the step before the first one, as in h[-1]",
                )
            self.want(statement.target, regions, place)
        for place in reversed(places):
            if recurrence.covers(statements[place]):
                number = statements[place].address.index(along)
                line = Line(place, {along: self.present})
                self.lines[place] = line
                self.finish(line)
        for place in reversed(places):
            statement = statements[place]
            if recurrence.covers(statement):
                self.keep(statement.target, statement.address.index(along), place, always=True)
        for place in reversed(places):
            if not recurrence.covers(statements[place]) and statements[place].gives is None:
                self.line(place)

    def within(self, places: Sequence[int], recurrence: Recurrence) -> None:
        """A recurrence along another axis than that of time, which a step goes through as the layer does."""
        statements = self.instance.statements
        if any(self.instance.given.get(statements[place].target) for place in places):
            raise self.settled.refuse(
                places[0], "an initial line stands in a recurrence along another axis than that of time"
            )
        for place in reversed(places):
            self.line(place)
        before = {name: list(regions) for name, regions in self.wanted.items()}
        for place in reversed(places):
            self.line(place)
        targets = {statements[place].target for place in places}
        if any(before.get(name) != self.wanted.get(name) for name in targets):
            raise self.settled.refuse(places[0], "a recurrence along another axis reads itself at earlier times")

    def time_index(self, places: Sequence[int], recurrence: Recurrence) -> Index | None:
        """The running index that is the axis of time of what a recurrence defines."""
        for index in recurrence.running:
            for place in places:
                statement = self.instance.statements[place]
                if index in statement.address and recurrence.covers(statement):
                    number = statement.address.index(index)
                    if any(form.has(axis_of(number)) for form in self.named.forms[statement.target]):
                        if index in recurrence.down:
                            raise self.settled.refuse(
                                place, f"its recurrence runs down {index}, from the last step to the first"
                            )
                        return index
        return None

    def lag(self, tensor: str, axis: int) -> Expr | None:
        """How far the place along an axis is ahead of the time at which an element is known, if time has this axis alone."""
        forms = self.named.forms.get(tensor, ())
        if len(forms) != 1:
            return None
        lag = simplify(axis_of(axis) - forms[0])
        return None if any(lag.has(axis_of(n)) for n in range(20)) else lag

    def place_in_time(self, tensor: str, axis: int, place: int = 0) -> bool:
        """Keep a tensor if it is wanted at earlier times; whether it is kept."""
        region = self.wanted[tensor][axis]
        lag = self.lag(tensor, axis)
        if lag is None:
            return False
        newest = simplify(self.present + lag)
        if region is None:
            raise self.settled.refuse(place, f"{tensor} is read as a whole along the axis of time")
        if not self.facts.at_most(region.high, newest):
            raise self.settled.refuse(
                place, f"{tensor} is read up to {region.high}, and at time {self.present} it is known up to {newest}"
            )
        if region.is_point and simplify(region.high - newest) == 0:
            return False
        self.wanted[tensor][axis] = Region(region.lows, newest)
        self.kept[tensor] = axis
        return True

    def keep(self, tensor: str, axis: int, place: int, always: bool = False) -> bool:
        if tensor in self.again and not always:
            return False
        return self.place_in_time(tensor, axis, place)

    def line(self, place: int) -> None:
        """How a statement is computed, for the regions at which its target is wanted."""
        statement = self.instance.statements[place]
        target = statement.target
        if target not in self.wanted:
            return
        for axis in range(len(statement.address)):
            if self.lag(target, axis) is not None and self.keep(target, axis, place):
                break
        line = Line(place)
        for axis, (part, region) in enumerate(zip(statement.address, self.wanted[target])):
            if region is None:
                continue
            if target in self.kept and axis == self.kept[target]:
                region = Region.at(region.high)
            if isinstance(statement.value, Pad) and not region.is_point and self.named.forms[target]:
                raise self.settled.refuse(place, f"{target} puts a margin around a stretch of time and is not kept")
            if not isinstance(part, Index):
                raise self.settled.refuse(
                    place,
                    f"{target} is written at {_written(part)} along the axis of time",
                    "a plain index there, and a line of its own that groups",
                )
            if part in line.values or part in line.regions:
                raise self.settled.refuse(place, f"{part} stands twice on the left")
            if region.is_point:
                line.values[part] = region.high
            else:
                line.regions[part] = region
        self.lines[place] = line
        self.finish(line)

    def finish(self, line: Line) -> None:
        """Bound what a statement reduces, and note what it reads."""
        statement = self.instance.statements[line.place]
        self.bound(line)
        extents = self.instance.extents[line.place]
        if isinstance(statement.value, Pad):
            body, widths = statement.value.body, statement.value.widths
            regions = [
                region.moved(-before) if region is not None else None
                for region, (before, _) in zip((self.region(part, line) for part in body.address), widths)
            ]
            self.want_of(body.tensor, regions, line.place)
            fill = [statement.value.fill] if isinstance(statement.value.fill, Read) else []
            for read in fill:
                self.want_of(
                    read.tensor, [self.span(as_number(part, extents), line) for part in read.address], line.place
                )
            return
        for read in statement.reads:
            regions = [self.span(as_number(part, extents), line) for part in read.address]
            self.want_of(read.tensor, regions, line.place)

    def want_of(self, tensor: str, regions: Sequence[Region | None], place: int) -> None:
        role = self.instance.roles[tensor]
        if role in ("weight", "buffer") or role == "input" and tensor not in self.settled.axes:
            return
        if role == "input":
            regions = [region if n == self.settled.axes[tensor] else None for n, region in enumerate(regions)]
            if any(region is None for n, region in enumerate(regions) if n == self.settled.axes[tensor]):
                raise self.settled.refuse(
                    place, f"{tensor} is read along the axis of time at places that the time does not give"
                )
        self.want(tensor, regions, place)

    def region(self, part: Any, line: Line) -> Region | None:
        """The region of an index, if it has one."""
        if part in line.values:
            return Region.at(line.values[part])
        return line.regions.get(part)

    def span(self, address: Expr | None, line: Line) -> Region | None:
        """The places that an address goes over; None where the time has no part in it."""
        if address is None:
            return None
        timed = [index for index in indices_of(address) if index in line.values or index in line.regions]
        if not timed:
            if not indices_of(address) and address.is_number is not None:
                return Region.at(address)
            return None
        parts = affine(address)
        if parts is None:
            raise self.settled.refuse(line.place, f"the address {address} is not affine in the indices")
        extents = self.instance.extents[line.place]
        lows: tuple[Expr, ...] = (parts[1],)
        high = parts[1]
        for index, step in parts[0].items():
            own = self.region(index, line) or Region((_ZERO,), extents[index] - 1)
            if is_nonnegative(step):
                lows = tuple(low + step * first for low in lows for first in own.lows)
                high = high + step * own.high
            elif is_nonnegative(-step) and len(own.lows) == 1:
                lows = tuple(low + step * own.high for low in lows)
                high = high + step * own.lows[0]
            elif is_nonnegative(-step) and own.lows:
                lows = tuple(low + step * own.high for low in lows)
                high = high + step * own.low
            else:
                raise self.settled.refuse(
                    line.place, f"whether {step} is positive in the address {address} is not known"
                )
        if all(index in line.values for index in parts[0]):
            return Region.at(simplify(high))
        return Region(self.facts.most([simplify(low) for low in lows]), simplify(high))

    # masks -----------------------------------------------------------------------------------------------------------

    def bound(self, line: Line) -> None:
        """The regions of indices that the masks bound at the present time, and what is left of the masks."""
        instance, statement = self.instance, self.instance.statements[line.place]
        extents, limits = instance.extents[line.place], instance.masks(line.place)
        for low, high in instance.ranges(line.place).values():
            if any(index in line.values or index in line.regions for end in (low, high) for index in indices_of(end)):
                raise self.settled.refuse(
                    line.place, "a range in where depends on the time", "a comparison, as in j <= i"
                )
        if not line.values and not line.regions:
            line.masks = list(limits)
            return
        selected = {index for head in walk(statement.value) if isinstance(head, Select) for index in head.indices}
        here = frozenset().union(*map(indices_of, statement.address))
        normalised = {index for head in walk(statement.value) for index in over_all(head, here)}
        fixed = sorted((index for index in normalised if index in line.values), key=str)
        if fixed:
            raise self.settled.refuse(
                line.place, f"it goes over all {fixed[0]}, which is the axis of time", "an index of its own with a mask"
            )
        left: list[Limit] = []
        bounded: dict[Index, tuple[list[Expr], list[Expr]]] = {}
        for limit in limits:
            mask = limit if isinstance(limit, Mask) else self.decided(limit, line)
            if mask is None:
                continue
            if isinstance(mask, AnyOf):
                left.append(mask)
                continue
            slack = slack_of(mask).xreplace(line.values).expand()
            others = [index for index in indices_of(slack) if index not in line.values]
            parts = affine(slack)
            timed = any(index in line.values or index in line.regions for index in mask.indices)
            if (
                parts is not None
                and timed
                and len(others) == 1
                and (others[0] not in line.regions or others[0] in normalised)
                and others[0] not in selected
            ):
                step = parts[0][others[0]]
                ends = bounded.setdefault(others[0], ([], []))
                if step == 1:
                    ends[0].append(simplify(-parts[1]))
                    continue
                if step == -1:
                    ends[1].append(simplify(parts[1]))
                    continue
            left.append(mask)
        for index, (lows, highs) in bounded.items():
            whole = Region((_ZERO,), simplify(extents[index] - 1))
            own = instance.ranges(line.place).get(index)
            if own is not None:
                whole = Region((own[0],), simplify(own[1] - 1))
            high = self.facts.least((*highs, whole.high))
            if len(high) > 1:
                high = (simplify(Min(*high)),)
            low = self.facts.most((*lows, *whole.lows))
            wanted = line.regions.get(index)
            made = Region(low, high[0])
            if wanted is not None and not (
                self.covers(made.lows, wanted.lows) and self.facts.at_most(wanted.high, made.high)
            ):
                raise self.settled.refuse(line.place, f"what goes over {index} runs over less than what is read of it")
            line.regions[index] = made
            if wanted is not None:
                axis = statement.address.index(index)
                self.wanted[statement.target][axis] = made
        unbounded = [index for index in normalised if index in line.regions and index not in bounded]
        if unbounded and self.settled.forms[statement.target]:
            raise self.settled.refuse(line.place, f"what goes over {unbounded[0]} has no end that the time gives")
        line.masks = [limit for limit in left if not self.always(limit, line)]

    def decided(self, limit: AnyOf, line: Line) -> Limit | None:
        """One of several options, if it is known that it holds, or that no other does."""
        if any(all(self.always(mask, line) for mask in option) for option in limit.options):
            return None
        return limit

    def always(self, limit: Limit, line: Line) -> bool:
        """Whether a mask is known to hold at all points of a line."""
        if isinstance(limit, AnyOf):
            return any(all(self.always(mask, line) for mask in option) for option in each_option([limit]))
        parts = affine(slack_of(limit).xreplace(line.values).expand())
        if parts is None:
            return False
        extents = self.instance.extents[line.place]
        least = [parts[1]]
        for index, step in parts[0].items():
            own = line.regions.get(index) or Region((_ZERO,), extents[index] - 1)
            if is_nonnegative(step):
                least = [value + step * low for value in least for low in own.lows]
            elif is_nonnegative(-step):
                least = [value + step * own.high for value in least]
            else:
                return False
        return any(self.facts.at_most(_ZERO, simplify(value)) for value in least)


def _written(part: object) -> str:
    return f"({', '.join(map(str, part.parts))})" if isinstance(part, Group) else str(part)


def elements(plan: Plan, settled: Settled, tensor: str, rows: Expr) -> Expr:
    """How many elements are kept of a tensor, at so many places of its axis of time."""
    shape = list(settled.instance.shapes[tensor])
    shape[plan.kept[tensor]] = rows
    return Mul(*shape)


__all__ = ["Facts", "IndexValue", "Plan", "Region", "plan_of"]
