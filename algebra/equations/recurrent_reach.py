"""What the states of a recurrence see: what enters at a step and at all those before it, in the order of the steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from sympy import Expr, Integer, Max, Min

from ..sizes.dims import Index
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
Pieces = dict[str, list[Reach]]
MOST_STEPS_BACK = 64
"""Further back than this, whether every distance occurs is not looked at."""


@dataclass(frozen=True)
class Reading:
    """How lines read: what a line sees through its reads of this step or of earlier ones, and where its earlier reads go along an axis."""

    pieces: Callable[[int, Mapping[str, list[Reach]], bool], list[Reach]]
    earlier: Callable[[int], Iterator[tuple[Read, Callable[[Address], AxisReach | None]]]]


def recurrence_reaches(
    instance: Instance, recurrence: Recurrence, before: Mapping[str, list[Reach]], reading: Reading
) -> Pieces:
    """What the tensors of a recurrence see, through any of its lines."""
    return _Recurring(instance, recurrence, reading).run(before)


@dataclass(frozen=True)
class _Recurring:
    instance: Instance
    recurrence: Recurrence
    reading: Reading

    @property
    def places(self) -> range:
        return range(self.recurrence.first, self.recurrence.last + 1)

    def run(self, before: Mapping[str, list[Reach]]) -> Pieces:
        statements, places = self.instance.statements, self.places
        now: Pieces = {}
        for place in places:
            target = statements[place].target
            if pieces := self.reading.pieces(place, {**before, **now}, False):
                now[target] = pieces
            if first := self._given(place, {**before, **now}, False):
                now[target] = [*now.get(target, ()), *first]
        even = self._every_distance(set(now))
        found = {target: self._over_steps(pieces, target, even) for target, pieces in now.items()}
        started = {
            statements[place].target: more for place in places if (more := self._given(place, {**before, **now}, True))
        }
        for _ in places:  # as often as a way can go from line to line without coming back
            seen = {target: [*now.get(target, ()), *started.get(target, ())] for target in {*now, *started}}
            more = {place: pieces for place in places if (pieces := self.reading.pieces(place, seen, True))}
            changed = False
            for place in places:
                target = statements[place].target
                made = [*more.get(place, ()), *self.reading.pieces(place, {**before, **now}, False)]
                for piece, grown in zip(made, self._over_steps(made, target, even)):
                    if not any(_is_within(grown, other) for other in found.setdefault(target, [])):
                        found[target].append(grown)
                        now.setdefault(target, []).append(piece)
                        changed = True
            if not changed:
                break
        return {target: self._mixed(pieces, even) for target, pieces in found.items() if pieces}

    # steps that lines of their own give ------------------------------------------------------------------------------

    def _given(self, place: int, known: Mapping[str, list[Reach]], outside: bool) -> list[Reach]:
        """What the lines that give steps of a state see: those of first steps, or those of steps before the first one."""
        target = self.instance.statements[place].target
        return [
            _with_axis(piece, given.axis)
            for given in self.instance.given.get(target, ())
            if (given.number < 0) is outside and (not outside or self._is_read(target, given))
            for piece in known.get(given.tensor, ())
        ]

    def _is_read(self, tensor: str, given: Given) -> bool:
        """Whether a step before the first one is read at all: some read goes as far back."""
        own = self.instance.statements[self.instance.places[tensor]].address
        for statement in self.instance.statements:
            for read in statement.reads:
                if read.tensor == tensor and self.recurrence.is_earlier(read.address[given.axis], own[given.axis]):
                    back = _steps_back(read.address[given.axis], own[given.axis])
                    if back is None or back >= -given.number:
                        return True
        return False

    # all steps before ------------------------------------------------------------------------------------------------

    def _over_steps(self, pieces: Sequence[Reach], target: str, even: frozenset[str]) -> list[Reach]:
        place = self.instance.places[target]
        statement = self.instance.statements[place]
        if not self.recurrence.covers(statement):
            return list(pieces)
        ways: dict[int, _Way] = {}
        for axis, part in enumerate(statement.address):
            if part in self.recurrence.running:
                assert isinstance(part, Index)
                extent = self.instance.extents[place][part]
                low, high = self.instance.ranges(place).get(part, (_ZERO, extent))
                down = part in self.recurrence.down
                plain = not address_indices(low) and not address_indices(high)
                first = (high - 1 if down else low) if plain else extent - 1 if down else _ZERO
                ways[axis] = _Way(simplify(first), down)
        return [tuple(_grown(own, ways, target in even) for own in piece) for piece in pieces]

    def _every_distance(self, entering: set[str]) -> frozenset[str]:
        """The tensors that see, of whatever enters, every step before the last that they see: no distance is left out."""
        statements = self.instance.statements
        lines = {statements[p].target: p for p in self.places if self.recurrence.covers(statements[p])}
        edges: dict[str, list[tuple[str, tuple[int, ...]]]] = {name: [] for name in lines}
        for name, place in lines.items():
            for read in statements[place].reads:
                if read.tensor in lines:
                    own = statements[lines[read.tensor]].address
                    shift = self._distance(read, own)
                    if shift is None:
                        return frozenset()
                    edges[name].append((read.tensor, shift))
        rank = len(self.recurrence.running)
        farthest = sum(max(shift) for reads in edges.values() for _, shift in reads)
        if farthest > MOST_STEPS_BACK:
            return frozenset()
        most = 2 * farthest + 2 if rank == 1 else min(2 * farthest + 2, 8)
        return frozenset(name for name in lines if self._is_even(name, edges, entering, most, rank))

    def _distance(self, read: Read, own: tuple[Address, ...]) -> tuple[int, ...] | None:
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

    def _mixed(self, pieces: Sequence[Reach], even: frozenset[str]) -> list[Reach]:
        """A state that is read at other positions than its own has seen what these saw, and further ones with every step."""
        statements, running = self.instance.statements, self.recurrence.running
        covering = [place for place in self.places if self.recurrence.covers(statements[place])]
        own_line = len(covering) == 1 and len(running) == 1
        shifts: dict[int, AxisReach | None] = {}
        for place in covering:
            statement = statements[place]
            for read, placed in self.reading.earlier(place):
                own = statements[self.instance.places[read.tensor]].address
                for axis, (address, size) in enumerate(zip(read.address, self.instance.shapes[read.tensor])):
                    beside = axis < len(statement.address) and address == statement.address[axis]
                    if beside or size == 1 or self.recurrence.is_earlier(address, own[axis]):
                        continue
                    shift = placed(address) if own_line and axis not in shifts else None
                    shifts[axis] = shift if shift is not None and _is_shift(shift, axis) else None
        if not shifts:
            return list(pieces)
        time = None
        if own_line:
            (place,) = covering
            (index,) = running
            extent = self.instance.extents[place][index]
            digit = Digit(statements[place].address.index(index), extent)
            plain = all(
                distance == (1,)
                for read, _ in self.reading.earlier(place)
                if (distance := self._distance(read, statements[place].address))
            )
            time = _Time(digit, index in self.recurrence.down, plain and not self.instance.own_ranges.get(place))
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


def _steps_back(address: Address, own: Address) -> int | None:
    """How many steps an address is away from the index that runs, if that is known."""
    if shift_of(address, own) is None:
        return None
    if address == own:
        return 0
    form = affine(address)  # type: ignore[arg-type]
    return abs(int(form[1])) if form is not None and form[1].is_Integer else None


def _with_axis(piece: Reach, axis: int) -> Reach:
    """What one step of a state sees, with an axis for the steps."""

    def end(own: End) -> End:
        steps = tuple((replace(d, axis=d.axis + (d.axis >= axis)), step) for d, step in own.steps)
        return End(steps, own.offsets)

    return tuple(replace(own, low=end(own.low), high=end(own.high)) for own in piece)


def _is_within(inner: Reach, outer: Reach) -> bool:
    """Whether one reach is another one, of fewer steps."""
    for part, whole in zip(inner, outer):
        ends = (part.low, whole.low), (whole.high, part.high)
        if replace(part, low=whole.low, high=whole.high) != whole or any(
            one.steps != other.steps
            or len(one.offsets) != len(other.offsets)
            or not all((a - b).is_nonnegative for a, b in zip(one.offsets, other.offsets))
            for one, other in ends
        ):
            return False
    return True


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
        way = ways.get(digit.axis)
        if way is None:
            steps[digit] = step
            continue
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
