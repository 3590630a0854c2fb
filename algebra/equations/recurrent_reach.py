"""What the states of a recurrence see: what enters at a step and at all those before it, in the order of the steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import product

from sympy import Expr, Integer, Max, Min

from ..records import dataclass
from ..sizes.normal_form import simplify
from .affine import affine
from .heads import Address, Read, address_indices
from .initial_lines import Given
from .instance import Instance
from .reach.axis import AxisReach, Reach, joined
from .reach.ends import Digit, End, constant, falls, loosened, straight
from .reach.order import extreme_value
from .recurrences import Recurrence, shift_of

_ZERO, _ONE = Integer(0), Integer(1)
MOST_STEPS_BACK = 64
"""Further back than this, whether every distance occurs is not looked at."""


@dataclass(frozen=True)
class Reading:
    """How lines read: each read, with what a line sees through it of a tensor's reach, and where an address goes along an axis."""

    reads: Callable[[int], Iterator[tuple[Read, Callable[[Reach], Reach], Callable[[Address], AxisReach | None]]]]


def is_earlier(read: Read, instance: Instance) -> bool:
    """Whether a read is one of an earlier step of a recurrence than the one at hand."""
    defined = instance.places.get(read.tensor, -1)
    recurrence = instance.recurrent.get(defined)
    if recurrence is None or not recurrence.covers(instance.statements[defined]):
        return False
    return any(map(recurrence.is_earlier, read.address, instance.statements[defined].address))


def seen_by(read: Read, known: Mapping[str, list[Reach]], instance: Instance) -> list[Reach]:
    """What a tensor sees that is read: of earlier steps, what lines for the steps before the first one see too."""
    found = list(known.get(read.tensor, ()))
    if is_earlier(read, instance):
        for given in instance.given.get(read.tensor, ()):
            if given.number < 0:
                found += [
                    _unclean(_with_axis(piece, given.axis, True), exact=False) for piece in known.get(given.tensor, ())
                ]
    return found


@dataclass(frozen=True)
class _Seen:
    """What a state sees at a step, and the first step at which it does, along each of the indices that run."""

    piece: Reach
    first: tuple[Expr, ...]


def _unclean(piece: Reach, exact: bool = True) -> Reach:
    """What some outputs see, while others see nothing along any axis, or something else."""
    return tuple(replace(part, clean=False, exact=part.exact and exact) for part in piece)


def recurrence_reaches(
    instance: Instance, recurrence: Recurrence, before: Mapping[str, list[Reach]], reading: Reading
) -> dict[str, list[Reach]]:
    """What the tensors of a recurrence see, through any of its lines."""
    return _Recurring(instance, recurrence, reading).run(before)


@dataclass(frozen=True)
class _Recurring:
    instance: Instance
    recurrence: Recurrence
    reading: Reading

    def run(self, before: Mapping[str, list[Reach]]) -> dict[str, list[Reach]]:
        """Circles of lines one after the other: what is finished enters the ones behind as an input does."""
        known: dict[str, list[Reach]] = dict(before)
        for circle in self._circles():
            if self._is_circle(circle):
                known |= _Circle(self, frozenset(circle)).run(known)
                continue
            (place,) = circle
            target = self.instance.statements[place].target
            pieces = [
                through(own)
                for read, through, _ in self.reading.reads(place)
                for own in seen_by(read, known, self.instance)
                if not self.is_over(place)
            ]
            given = self.given(place, known, False)
            if self.instance.own_ranges.get(place):
                pieces = [_unclean(piece, exact=not given) for piece in pieces]
            pieces += [_unclean(piece, exact=not pieces) for piece in given]
            if pieces:
                known[target] = list(dict.fromkeys(pieces))
        return known

    def is_over(self, place: int) -> bool:
        """Whether lines of their own give all steps there are."""
        return any(simplify(high - low) == 0 for low, high in self.instance.own_ranges.get(place, {}).values())

    def _circles(self) -> list[list[int]]:
        """The lines that depend on each other together, each behind all that it reads."""
        places = range(self.recurrence.first, self.recurrence.last + 1)
        reads = {
            place: {self.instance.places[name] for name in self.instance.read_by(place) if name in self.instance.places}
            & set(places)
            if not self.is_over(place)
            else set()
            for place in places
        }
        reached = {place: _reachable(place, reads) for place in places}
        found: list[list[int]] = []
        left = set(places)
        while left:
            place = min(left, key=lambda one: (len(reached[one] & left - {one}), one))
            circle = sorted({place} | {other for other in reached[place] & left if place in reached[other]})
            found.append(circle)
            left -= set(circle)
        return found

    def _is_circle(self, circle: Sequence[int]) -> bool:
        names = {self.instance.statements[place].target for place in circle}
        reads = {
            read.tensor for place in circle if not self.is_over(place) for read in self.instance.statements[place].reads
        }
        return bool(names & reads)

    # steps that lines of their own give ------------------------------------------------------------------------------

    def given(
        self, place: int, known: Mapping[str, list[Reach]], outside: bool, circle: frozenset[int] = frozenset()
    ) -> list[Reach]:
        """What the lines that give steps of a state see: those of first steps, or those of steps before the first one."""
        target = self.instance.statements[place].target
        return [
            _with_axis(piece, given.axis, outside or given.number == 0 and not self.is_over(place))
            for given in self.instance.given.get(target, ())
            if (given.number < 0) is outside and (not outside or self._is_read(target, given, circle))
            for piece in known.get(given.tensor, ())
        ]

    def _is_read(self, tensor: str, given: Given, circle: frozenset[int]) -> bool:
        """Whether a step before the first one is read within a circle of lines: some read goes as far back."""
        own = self.instance.statements[self.instance.places[tensor]].address
        for statement in (self.instance.statements[place] for place in sorted(circle)):
            first = sum(
                one.number >= 0 and statement.address[one.axis] == own[given.axis]
                for one in self.instance.given.get(statement.target, ())
            )
            for read in statement.reads:
                if read.tensor == tensor and self.recurrence.is_earlier(read.address[given.axis], own[given.axis]):
                    back = _steps_back(read.address[given.axis], own[given.axis])
                    if back is None or back >= first - given.number:
                        return True
        return False


@dataclass(frozen=True)
class _Circle:
    """Lines that all depend on each other, from step to step."""

    within: _Recurring
    circle: frozenset[int]

    @property
    def instance(self) -> Instance:
        return self.within.instance

    @property
    def recurrence(self) -> Recurrence:
        return self.within.recurrence

    @cached_property
    def names(self) -> dict[str, int]:
        return {self.instance.statements[place].target: place for place in sorted(self.circle)}

    def run(self, known: Mapping[str, list[Reach]]) -> dict[str, list[Reach]]:
        now: dict[str, list[_Seen]] = {}
        for name, place in self.names.items():
            entering = [
                _Seen(through(own), self._first(place))
                for read, through, _ in self.within.reading.reads(place)
                if read.tensor not in self.names and not self.within.is_over(place)
                for own in seen_by(read, known, self.instance)
            ]
            given = [_Seen(_unclean(piece), self._ends(place)) for piece in self.within.given(place, known, False)]
            if entering and given:  # where the ones end and the others begin, neither is what an output sees
                entering, given = [
                    [replace(seen, piece=_unclean(seen.piece, exact=False)) for seen in some]
                    for some in (entering, given)
                ]
            now[name] = [self._spread(seen, name) for seen in (*entering, *given)]
        even = self._every_distance({name for name, seen in now.items() if seen})
        waiting = [(name, seen, frozenset((name,))) for name, own in now.items() for seen in own]
        for name, place in self.names.items():
            waiting += [
                (name, _Seen(piece, ()), frozenset()) for piece in self.within.given(place, known, True, self.circle)
            ]
        found: dict[str, dict[Reach, None]] = {name: {} for name in self.names}
        taken: set[tuple[str, _Seen]] = set()
        for name, seen, met in waiting:
            if met and not self._is_never(name, seen):
                found[name][self._over_steps(seen, name, even)] = None
            for other, place in self.names.items():
                if other in met or self.within.is_over(place):
                    continue
                for read, through, _ in self.within.reading.reads(place):
                    if read.tensor == name:
                        made = _Seen(through(seen.piece), self._first_through(place, read, seen))
                        if self.instance.own_ranges.get(place):  # it may not go on with what came before its first step
                            made = replace(made, piece=_unclean(made.piece, exact=not seen.first))
                        made = self._spread(made, other)
                        if (other, made) not in taken:
                            taken.add((other, made))
                            waiting.append((other, made, met | {other}))
        return {name: self._drifted(name, list(pieces), even) for name, pieces in found.items() if pieces}

    def _is_never(self, name: str, seen: _Seen) -> bool:
        """Whether there are no steps any more from which on something would be seen."""
        extents = self.instance.extents[self.names[name]]
        ends = [
            (first, simplify(extents[index] - 1 - first)) for index, first in zip(self.recurrence.running, seen.first)
        ]
        return any(number.is_negative for pair in ends for number in pair)

    def _ends(self, place: int) -> tuple[Expr, ...]:
        """Where the steps begin along each of the indices that run."""
        extents = self.instance.extents[place]
        return tuple(
            simplify(extents[index] - 1) if index in self.recurrence.down else _ZERO
            for index in self.recurrence.running
        )

    def _first(self, place: int) -> tuple[Expr, ...]:
        """The first step that a line computes, along each of the indices that run."""
        found = []
        for index, end in zip(self.recurrence.running, self._ends(place)):
            low, high = self.instance.ranges(place).get(index, (None, None))
            if low is None or high is None or address_indices(low) or address_indices(high):
                found.append(end)
            else:
                found.append(simplify(high - 1) if index in self.recurrence.down else low)
        return tuple(found)

    def _first_through(self, place: int, read: Read, seen: _Seen) -> tuple[Expr, ...]:
        """The first step at which a line would see through a read what another state has seen from some step on."""
        own = self.instance.statements[self.instance.places[read.tensor]].address
        if not seen.first:
            return self._first(place)
        found = []
        for index, theirs in zip(self.recurrence.running, seen.first):
            back = _steps_back(read.address[own.index(index)], index)
            if back:
                theirs = theirs - back if index in self.recurrence.down else theirs + back
            found.append(theirs)
        return tuple(found)

    def _over_steps(self, seen: _Seen, target: str, even: frozenset[str]) -> Reach:
        address = self.instance.statements[self.instance.places[target]].address
        ways = {
            address.index(index): _Way(first, index in self.recurrence.down)
            for index, first in zip(self.recurrence.running, seen.first)
        }
        return tuple(_grown(own, ways, target in even) for own in seen.piece)

    def _every_distance(self, entering: set[str]) -> frozenset[str]:
        """The tensors that see, of whatever enters, every step before the last that they see: no distance is left out."""
        statements = self.instance.statements
        masks = [mask for place in self.circle for mask in self.instance.masks(place)]
        if any(mask.indices & set(self.recurrence.running) for mask in masks):
            return frozenset()
        edges: dict[str, list[tuple[str, tuple[int, ...]]]] = {name: [] for name in self.names}
        for name, place in self.names.items():
            for read in statements[place].reads:
                if read.tensor in self.names:
                    shift = self._distance(read)
                    if shift is None:
                        return frozenset()
                    edges[name].append((read.tensor, shift))
        rank = len(self.recurrence.running)
        farthest = sum(max(shift) for reads in edges.values() for _, shift in reads)
        if farthest > MOST_STEPS_BACK:
            return frozenset()
        most = 2 * farthest + 2 if rank == 1 else min(2 * farthest + 2, 8)
        return frozenset(name for name in self.names if self._is_even(name, edges, entering, most, rank))

    def _distance(self, read: Read) -> tuple[int, ...] | None:
        """How many steps back a state is read along each of the indices that run, if none is read ahead."""
        own = self.instance.statements[self.instance.places[read.tensor]].address
        found = []
        for index in self.recurrence.running:
            axis = own.index(index)
            back = _steps_back(read.address[axis], index)
            if back is None or self.recurrence.is_earlier(read.address[axis], index) is (back == 0):
                return None
            found.append(back)
        return tuple(found)

    @staticmethod
    def _is_even(
        start: str, edges: Mapping[str, list[tuple[str, tuple[int, ...]]]], entering: set[str], most: int, rank: int
    ) -> bool:
        met = {(start, (0,) * rank)}
        waiting = list(met)
        while waiting:
            name, at = waiting.pop()
            for other, shift in edges[name]:
                there = (other, tuple(a + b for a, b in zip(at, shift)))
                if max(there[1]) <= most and there not in met:
                    met.add(there)
                    waiting.append(there)
        for enters in entering & set(edges):
            distances = {at for name, at in met if name == enters}
            if not distances:
                continue
            least = tuple(map(min, zip(*distances)))
            if not all(at in distances for at in product(*(range(low, most + 1) for low in least))):
                return False
        return True

    # positions beside the steps --------------------------------------------------------------------------------------

    @cached_property
    def moving(self) -> frozenset[tuple[str, int]]:
        """The axes of states along which a circle does not come back to the position that it started from.

        Axes that lines read alike are one axis; where one of them is read at another position, or two of a tensor are one, all move.
        """
        statements = self.instance.statements
        alike: dict[tuple[str, int], set[tuple[str, int]]] = {}
        moved: set[tuple[str, int]] = set()

        def axis_of(name: str, axis: int) -> set[tuple[str, int]]:
            return alike.setdefault((name, axis), {(name, axis)})

        for name, place in self.names.items():
            own = statements[place].address
            for read in statements[place].reads:
                if read.tensor not in self.names:
                    continue
                theirs = statements[self.names[read.tensor]].address
                for axis, part in enumerate(read.address):
                    if self.recurrence.is_earlier(part, theirs[axis]):
                        continue
                    if part in own and not isinstance(part, Read) and address_indices(part):
                        there, here = axis_of(read.tensor, axis), axis_of(name, own.index(part))
                        if there is not here:
                            there |= here
                            for one in here:
                                alike[one] = there
                    elif self.instance.shapes[read.tensor][axis] != 1:
                        moved.add((read.tensor, axis))
                        moved |= {
                            (name, at) for at, mine in enumerate(own) if address_indices(mine) & address_indices(part)
                        }
        for group in alike.values():
            if moved & group or len({name for name, _ in group}) < len(group):
                moved |= group
        return frozenset(moved)

    def _spread(self, seen: _Seen, name: str) -> _Seen:
        """What comes in along an axis that moves has been anywhere; a circle of one line is looked at closer, at the end."""
        padded = any(self.instance.margins.get(other) for other in self.names)  # what comes by a margin ends there
        if padded or self.instance.own_ranges.get(self.names[name]):
            seen = replace(seen, piece=_unclean(seen.piece))
        if len(self.names) == 1:
            return seen
        return replace(seen, piece=tuple(self._anywhere(part, name) for part in seen.piece))

    def _anywhere(self, part: AxisReach, name: str) -> AxisReach:
        if not any((name, digit.axis) in self.moving for digit in part.digits):
            return part
        assert part.extent is not None, "an axis of an input has a size"
        return replace(joined(part.extent, exact=False), gap=None, run=None)

    def _drifted(self, name: str, pieces: list[Reach], even: frozenset[str]) -> list[Reach]:
        """A state that one line reads at other positions than its own has seen what these saw, and further ones with every step."""
        axes = {axis for tensor, axis in self.moving if tensor == name}
        if len(self.names) > 1 or not axes:
            return pieces
        place = self.names[name]
        shifts: dict[int, AxisReach | None] = {}
        own = self.instance.statements[place].address
        distances = set()
        for read, _, placed in self.within.reading.reads(place):
            if read.tensor == name:
                distances.add(self._distance(read))
                for axis in axes:
                    if read.address[axis] != own[axis]:
                        shift = placed(read.address[axis]) if axis not in shifts else None
                        shifts[axis] = shift if shift is not None and _is_shift(shift, axis) else None
        shifts |= {axis: None for axis in axes if axis not in shifts}
        time = None
        if len(self.recurrence.running) == 1:
            (index,) = self.recurrence.running
            digit = Digit(own.index(index), self.instance.extents[place][index])
            single = distances == {(1,)} and not self.instance.own_ranges.get(place)
            time = _Time(digit, index in self.recurrence.down, single)
        return [tuple(_moved(part, shifts, time) for part in piece) for piece in pieces]


@dataclass(frozen=True)
class _Way:
    """Along one axis of a state: its first step, and whether the steps run down."""

    first: Expr
    down: bool


@dataclass(frozen=True)
class _Time:
    """The axis of the steps, whether they run down, and whether each step reads the one before and no other."""

    digit: Digit
    down: bool
    single: bool


def _reachable(start: int, reads: Mapping[int, set[int]]) -> set[int]:
    """All that a line depends on, itself included if it depends on itself."""
    found: set[int] = set()
    waiting = list(reads[start])
    while waiting:
        place = waiting.pop()
        if place not in found:
            found.add(place)
            waiting += reads[place]
    return found


def _steps_back(address: Address, own: Address) -> int | None:
    """How many steps an address is away from the index that runs, if that is known."""
    if shift_of(address, own) is None:
        return None
    if address == own:
        return 0
    form = affine(address)
    return abs(int(form[1])) if form is not None and form[1].is_Integer else None


def _with_axis(piece: Reach, axis: int, onwards: bool) -> Reach:
    """What one step of a state sees, with an axis for the steps, and whether that is seen from there onwards."""

    def end(own: End) -> End:
        steps = tuple((replace(d, axis=d.axis + (d.axis >= axis)), step) for d, step in own.steps)
        return End(steps, own.offsets)

    return tuple(
        replace(own, low=end(own.low), high=end(own.high), exact=own.exact and onwards, clean=own.clean and onwards)
        for own in piece
    )


def _grown(own: AxisReach, ways: Mapping[int, _Way], every: bool) -> AxisReach:
    """From what the first step reads to what this one does: along each axis of steps the one end stays where it was."""
    if not any(digit.axis in ways for digit in own.digits):
        return own if every else replace(own, exact=False)
    low, low_exact = _stayed(own.low, ways, True)
    high, high_exact = _stayed(own.high, ways, False)
    # What is read some steps back is not read at the first ones, and is no margin before them.
    if low != own.low and not low.steps and low.offset.is_negative:
        low = constant(_ZERO)
    if high != own.high and not high.steps and own.extent is not None:
        last = simplify(own.extent - 1)
        if simplify(high.offset - last).is_positive:
            high = constant(last)
    steps = [step for end in (own.low, own.high) for _, step in end.steps]
    dense = every and own.gap == 1 and own.low.straight and own.high.straight and all(abs(step) == 1 for step in steps)
    return replace(
        own, low=low, high=high, exact=own.exact and low_exact and high_exact and every,
        gap=_ONE if dense else None, run=None, clean=own.clean and dense,
    )  # fmt: skip


def _stayed(end: End, ways: Mapping[int, _Way], lower: bool) -> tuple[End, bool]:
    """The least or largest of an end over all steps up to the present one, and whether it is reached."""
    if not any(digit.axis in ways for digit, _ in end.steps):
        return end, True
    if not end.straight:
        ((digit, step),) = end.steps
        rises = end.rises()
        if rises is not None:
            way = ways[digit.axis]
            if rises is (lower is way.down):
                return end, digit.whole
            if digit.whole and way.first.is_Integer:
                return constant(Integer(end.at(int(way.first)))), True
        extreme = extreme_value(end, not lower)
        if extreme is not None:
            return constant(extreme), False
        end = loosened(end, lower)
    offset, steps, exact = end.offset, {}, True
    for digit, step in end.steps:
        if digit.axis not in ways:
            steps[digit] = step
            continue
        way = ways[digit.axis]
        extremum_at_present = falls(step) is (lower is not way.down)
        if not digit.whole:  # a digit of the steps may have been anything
            exact = False
            if digit.size is None:
                steps[digit] = step
            else:
                offset = offset + (step * (digit.size - 1) if falls(step) is lower else _ZERO)
        elif extremum_at_present:
            steps[digit] = step
        else:
            offset = offset + step * way.first
    return straight(steps, offset), exact


def _is_shift(reach: AxisReach, axis: int) -> bool:
    """Whether positions of an axis are read at constant distances from an output's own."""
    ends = (reach.low, reach.high)
    return all(
        end.straight
        and len(end.steps) == 1
        and end.steps[0][0].axis == axis
        and end.steps[0][0].whole
        and end.steps[0][1] == 1
        for end in ends
    ) and all(end.offset.is_Integer for end in ends)


def _moved(part: AxisReach, shifts: Mapping[int, AxisReach | None], time: _Time | None) -> AxisReach:
    """A field that has moved on with each of the steps that are past; all of the axis where that is no constant distance."""
    moving = [digit for digit in part.digits if digit.axis in shifts]
    if not moving:
        return part
    extent = part.extent
    assert extent is not None, "an axis of an input has a size"
    shift = shifts[moving[0].axis]
    plain = len(part.digits) == 1 and moving[0].whole and part.low.straight and part.low.steps == part.high.steps
    if shift is None or time is None or not plain:
        return replace(joined(extent, exact=False), gap=None, run=None)
    ((digit, step),) = part.low.steps
    back, ahead = (step * Min(0, shift.low.offset), step * Max(0, shift.high.offset))
    if falls(step):
        back, ahead = ahead, back
    ends = []
    for way, offset in ((back, part.low.offset), (ahead, part.high.offset)):
        assert time.digit.size is not None
        if time.down:  # as many steps are past as are still ahead
            ends.append(straight({digit: step, time.digit: -way}, offset + way * (time.digit.size - 1)))
        else:
            ends.append(straight({digit: step, time.digit: way}, offset))
    still_dense = part.gap == 1 and shift.gap == 1 and abs(step) == 1 and back >= -1 and ahead <= 1
    return replace(
        part, low=ends[0], high=ends[1], exact=part.exact and shift.exact and still_dense and time.single,
        gap=_ONE if still_dense else None, run=None, clean=False,
    )  # fmt: skip
