"""Finds the extents of an equation's indices by searching; shares no code with the engine."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import product
from typing import Any

from .nodes import (
    Component,
    Env,
    Impossible,
    Index,
    Line,
    Node,
    Unreadable,
    all_indices,
    is_earlier_step,
    kinds,
    points_of,
    reduced_indices,
    scoped_reads,
    slopes,
)
from .text import EquationText, OpenSize

GUESSES = range(1, 13)
Stated = tuple[str, Mapping[str, Any], Mapping[str, Sequence[int]], Sequence[str]]


class SizedEquation(EquationText):
    """An equation with the extents of all indices and the shapes of all tensors, or `Impossible`.

    An extent is as large as possible with every address inside its tensor. A size that is asked for and that no input has is
    guessed: it is known where the extent of its index is the same whatever the guess.
    """

    open_bounds: frozenset[Index] = frozenset()

    def __init__(
        self, text: str, fields: Mapping[str, Any], shapes: Mapping[str, Sequence[int]], buffers: Sequence[str] = ()
    ):
        sizes: dict[Index, int] = {}
        while True:
            try:
                super().__init__(text, fields, shapes, buffers, sizes)
                break
            except OpenSize as asked:
                sizes |= _settled(asked.index, sizes, (text, fields, shapes, buffers))
        self.shapes: dict[str, tuple[int, ...]] = dict(self.inputs)
        self.margins: dict[str, list[tuple[int, int] | None]] = {}
        self._find_extents()
        for index, size in sizes.items():
            if any(line.extents.get(index, size) != size for line in self.lines):
                raise Impossible(f"{index} has several extents, and its size is asked for")
        self.weights = self._find_weights()
        self._check_addresses()
        for place, line in enumerate(self.lines):
            if line.value.kind != "pad":
                self._check_ranges(line)
                self._check_reductions(line.value, line, line.indices)
                self._check_reads(place, line)
        self.output = self.shapes[self.lines[-1].name]

    # extents ---------------------------------------------------------------------------------------------------------

    def _find_extents(self) -> None:
        self._infer()
        for line in self.lines:
            missing = self._open_indices(line)
            if missing:
                raise Unreadable(f"nothing determines {missing}")

    def _infer(self) -> None:
        for line in self.lines:
            for index in all_indices(line):
                if index in self.bounds and index not in self.open_bounds:
                    line.extents[index] = self._whole(self.bounds[index], 1, f"the extent of {index}")
        self._search_all()
        while self._share_letters():
            self._search_all()

    def _search_all(self) -> None:
        for _ in range(2 * len(self.lines) + 2):
            for place, line in enumerate(self.lines):
                self._search(place, line)

    def _open_indices(self, line: Line) -> list[Index]:
        return [index for index in all_indices(line) if index not in line.extents]

    def _share_letters(self) -> bool:
        """What a line leaves open has the extent that the letter has in the other lines, if these agree."""
        extents: dict[Index, set[int]] = {}
        for line in self.lines:
            for index, extent in line.extents.items():
                extents.setdefault(index, set()).add(extent)
        found = False
        for line in self.lines:
            for index in set(self._open_indices(line)) - self.open_bounds if line.value.kind != "pad" else ():
                if len(extents.get(index, ())) > 1:
                    raise Unreadable(f"{index} has several extents: {extents[index]}")
                if index in extents:
                    line.extents[index], found = min(extents[index]), True
        return found

    def _search(self, place: int, line: Line) -> None:
        if line.value.kind == "pad":
            self._search_pad(line)
        elif any(kind == "pad" for kind in kinds(line.value)):
            raise Unreadable("a margin makes a tensor of its own")
        known = [(read, self.shapes[read.name]) for read in line.reads() if read.name in self.shapes]
        for read, shape in known:
            if len(shape) != len(read.address):
                raise Impossible(f"{read.name} has {len(shape)} axes")
        steps = [
            (part, size) for read, shape in known for part, size in zip(read.address, shape)
            if line.value.kind != "pad" and not self._is_earlier(place, read, part)
        ]  # fmt: skip
        for part, size in steps:
            if part.plain is not None and part.plain not in self.open_bounds:
                line.extents.setdefault(part.plain, size)
        for kind in ("group", "expression"):
            for part, size in steps:
                unknown = [index for index in part.indices if index not in line.extents]
                if (
                    part.kind == kind
                    and part.plain is None
                    and len(unknown) == 1
                    and unknown[0] not in self.open_bounds
                ):
                    extent = self._largest(line, part, unknown[0], size)
                    if extent is not None:
                        line.extents[unknown[0]] = extent
        running = self._recurrent().get(place)
        if running is not None and running in all_indices(line):
            for other in sorted(self._groups[place]):
                if running in self.lines[other].extents:
                    line.extents.setdefault(running, self.lines[other].extents[running])
        if line.name not in self.shapes and all(
            index in line.extents for part in line.target for index in part.indices
        ):
            self.shapes[line.name] = tuple(self._size_of_axis(line, part) for part in line.target)

    def _size_of_axis(self, line: Line, part: Component) -> int:
        """One more than the largest position that a component takes, which must be affine."""
        if part.kind == "expression" and slopes(part.at, part.indices) is None:
            raise Unreadable("the address of what is made is affine")
        positions = self._positions(line, part)
        if min(positions) < 0:
            raise Impossible(f"position {min(positions)}")
        return max(positions) + 1

    def _search_pad(self, line: Line) -> None:
        body = line.value.parts[0]
        if [part.plain for part in line.target] != [part.plain for part in body.address] or len(
            set(part.plain for part in line.target)
        ) < len(line.target):
            raise Unreadable("a padded tensor keeps its indices")
        if body.name not in self.shapes:
            return
        if len(self.shapes[body.name]) != len(body.address):
            raise Impossible(f"{body.name} has {len(self.shapes[body.name])} axes")
        margins: list[tuple[int, int] | None] = []
        for part, size, (before, after) in zip(body.address, self.shapes[body.name], line.value.value):
            assert part.plain is not None, "a padded axis is read at an index alone"
            extent = self._whole(size + before + after, 1, "a padded axis")
            line.extents[part.plain] = extent
            margins.append((before, size) if before or after else None)
        self.margins[line.name] = margins

    def _largest(self, line: Line, part: Component, unknown: Index, size: int) -> int | None:
        """The extent of an index: as large as possible with every address inside the axis; a group must fill it."""
        others = [index for index in part.indices if index != unknown]
        if part.kind == "group":
            rest = math.prod(line.extents[index] for index in others)
            return self._whole(Fraction(size, rest), 1, "the extent of a group's member")
        steps = slopes(part.at, part.indices)
        if steps is None or steps[unknown] <= 0:
            return None
        extent = 0
        while extent <= size:
            # What is read before the first element is found later, where masks are looked at.
            inside = all(part.at({**env, unknown: extent}) < size for env in points_of(others, line.extents))
            if not inside:
                break
            extent += 1
        if extent < 1:
            raise Impossible(f"no window fits into {size}")
        return extent

    def _positions(self, line: Line, part: Component) -> list[int]:
        """The values that one component of an address takes."""
        if part.kind == "lookup":
            places = self.defined.get(part.read.name)
            made = self.lines[places] if places is not None else None
            if part.read.name not in self.lookup_bounds and made is not None and made.value.kind == "select":
                if made.value.name != "sort" and made.value.indices[0] in made.extents:
                    return list(range(made.extents[made.value.indices[0]]))
            if part.read.name not in self.lookup_bounds:
                raise Unreadable(f"nothing says how many rows {part.read.name} chooses from")
            return list(range(self.lookup_bounds[part.read.name]))
        return [self._position(line, part, env) for env in points_of(sorted(part.indices, key=str), line.extents)]

    def _position(self, line: Line, part: Component, env: Env) -> int:
        if part.kind == "group":
            position = 0
            for index in part.group:
                position = position * line.extents[index] + env[index]
            return position
        value = part.at(env)
        return self._whole(value, value if value < 0 else 0, "an address")

    def _recurrent(self) -> dict[int, Index]:
        """Lines of recurrences, each with its running index."""
        if not hasattr(self, "_recurrences"):
            spans = []
            for place, line in enumerate(self.lines):
                for read in line.reads():
                    if self.defined.get(read.name, -1) >= place:
                        last = self.defined[read.name]
                        own = self.lines[last].target
                        earlier = [
                            mine.plain for part, mine in zip(read.address, own)
                            if mine.plain is not None and is_earlier_step(part, mine.plain)
                        ]  # fmt: skip
                        if len(earlier) != 1 or len(own) != len(read.address):
                            raise Unreadable(f"{read.name} is read before it is defined")
                        running = earlier[0]
                        spans.append((place, last, running))
            groups: list[tuple[set[int], Index]] = []
            for first, last, running in spans:
                held = set(range(first, last + 1))
                for other, index in [group for group in groups if group[0] & held]:
                    if index != running:
                        raise Unreadable("two recurrences that cross")
                    groups.remove((other, index))
                    held |= other
                groups.append((held, running))
            self._groups = {place: held for held, _ in groups for place in held}
            found = {place: running for held, running in groups for place in held}
            self._recurrences = found
            for place, running in found.items():
                self._check_recurrent(place, running)
        return self._recurrences

    def _is_together(self, place: int, read: Node) -> bool:
        """Whether a line reads a tensor of the recurrence that it belongs to."""
        return self.defined.get(read.name, -1) in self._groups.get(place, ())

    def _check_recurrent(self, place: int, running: Index) -> None:
        """A line of a recurrence goes along with its steps, or has nothing to do with them."""
        line = self.lines[place]
        if line.lookups:
            raise Unreadable(f"a recurrence along {running} scatters")
        if running in reduced_indices(line.value):
            raise Unreadable(f"a recurrence along {running} reduces over it")
        if any(running in part.indices and part.plain != running for part in line.target):
            raise Unreadable(f"a line of a recurrence does not stand at {running} alone")
        alongside = any(part.plain == running for part in line.target)
        for read in line.reads():
            if not self._is_together(place, read):
                continue
            if not alongside:
                raise Unreadable(f"{line.name} stands within the recurrence that it reads, and has no {running}")
            for part, own in zip(read.address, self.lines[self.defined[read.name]].target):
                if own.plain == running and part.kind != "expression":
                    raise Unreadable(f"{read.name} is read at a step that is not known")
        if line.value.kind == "pad":
            for part, width in zip(line.value.parts[0].address, line.value.value):
                if part.plain == running and width != (0, 0):
                    raise Unreadable(f"a margin along {running}, within the recurrence along it")

    def _is_earlier(self, place: int, read: Node, part: Component) -> bool:
        running = self._recurrent().get(place)
        return (
            running is not None
            and self._recurrent().get(self.defined.get(read.name, -1)) == running
            and is_earlier_step(part, running)
        )

    # weights and checks ----------------------------------------------------------------------------------------------

    def _find_weights(self) -> dict[str, tuple[int, ...]]:
        """Learned tensors: the addresses that occur, as a shape; each must occur."""
        self.elements: dict[str, int] = {}
        found: dict[str, tuple[int, ...]] = {}
        learned = {read.name for line in self.lines for read in line.reads()} - set(self.shapes)
        if not set(self.declared) <= learned:
            raise Unreadable(f"a shape is given to what is not learned: {set(self.declared) - learned}")
        for line in self.lines:
            for read in line.reads():
                if read.name in self.shapes:
                    continue
                declared = self.declared.get(read.name, [None] * len(read.address))
                if len(declared) != len(read.address):
                    raise Unreadable(f"{read.name} is read at {len(read.address)} axes, and has {len(declared)}")
                for part, size in zip(read.address, declared):
                    if part.kind != "lookup" and size is None:
                        self._size_of_axis(line, part)
                own = [range(size) if size is not None else None for size in declared]
                open_parts = [part for part, size in zip(read.address, own) if size is None and part.kind != "lookup"]
                free = sorted({index for part in open_parts for index in part.indices}, key=str)
                met: set[tuple[int, ...]] = set()
                for env in points_of(free, line.extents):
                    axes = [
                        size if size is not None else self._positions(line, part) if part.kind == "lookup"
                        else [self._position(line, part, env)]
                        for part, size in zip(read.address, own)
                    ]  # fmt: skip
                    met.update(product(*axes))
                shape = tuple(max(column) + 1 for column in zip(*met)) if read.address else ()
                self.shapes[read.name] = shape
                if read.name not in self.buffers:
                    found[read.name] = shape
                    self.elements[read.name] = len(met)
        return found

    def _check_addresses(self) -> None:
        for place, line in enumerate(self.lines):
            if line.value.kind == "pad":
                continue
            for read in line.reads():
                shape = self.shapes[read.name]
                if len(shape) != len(read.address):
                    raise Impossible(f"{read.name} is read at {len(read.address)} axes")
                for axis, (part, size) in enumerate(zip(read.address, shape)):
                    if not self._is_earlier(place, read, part):
                        self._check_axis(line, read, axis, part, size)

    def _check_axis(self, line: Line, read: Node, axis: int, part: Component, size: int) -> None:
        """An index alone or a group runs along the whole axis, unless a bound or a range stops it before the end."""
        declared = self.declared.get(read.name)
        if part.kind == "lookup" or (part.plain is None and part.kind != "group"):
            return
        extent = math.prod(line.extents[index] for index in part.indices)
        is_ranged = part.plain is not None and any(c.ranged == part.plain for c in self._constraints(line))
        is_bounded = part.plain is not None and part.plain in self.bounds
        stops = part.kind != "group" and (
            is_ranged or is_bounded or (declared is not None and declared[axis] is not None)
        )
        if not (extent == size or (stops and extent <= size)):
            raise Impossible(f"axis {axis} of {read.name} has {size} elements, not {extent}")

    # points ----------------------------------------------------------------------------------------------------------

    def _check_ranges(self, line: Line) -> None:
        """A range stays among the values of its index."""
        for index, (low, high) in self.ranges.items():
            if index not in line.extents:
                continue
            ends = low.indices | high.indices
            if not ends <= set(line.extents):
                raise Unreadable(f"the range of {index} depends on what the line has not")
            for env in points_of(sorted(ends, key=str), line.extents):
                if math.ceil(low.at(env)) < 0 or math.ceil(high.at(env)) > line.extents[index]:
                    raise Impossible(f"a range of {index} goes beyond its axis at {env}")

    def _check_reductions(self, node: Node, line: Line, scope: frozenset[Index]) -> None:
        """A mean, an extremum or a softmax has a point wherever it is computed."""
        own = frozenset(node.indices)
        if node.kind == "softmax" or (node.kind == "reduce" and node.name in ("mean", "max", "min")):
            around = scope - own
            limits = [c for c in self._constraints(line) if c.indices <= around | own]
            before = [limit for limit in limits if not limit.indices & own]
            here = sorted(frozenset().union(*(limit.indices for limit in limits)) - own, key=str)
            for env in points_of(here, line.extents):
                if all(limit.holds(env) for limit in before) and not any(
                    all(limit.holds({**env, **point}) for limit in limits)
                    for point in points_of(node.indices, line.extents)
                ):
                    raise Impossible(f"a {node.name} over nothing at {env}")
        if node.kind == "select":
            if any(own & limit.indices and limit.indices <= scope | own for limit in self._constraints(line)):
                raise Unreadable("a selection that leaves points out")
            (rank,), (index,) = node.address, node.indices
            if slopes(rank.at, rank.indices) is None:
                raise Unreadable("a rank is affine")
            for env in points_of(sorted(rank.indices, key=str), line.extents):
                if not 0 <= rank.at(env) < line.extents[index]:
                    raise Impossible(f"there is no rank {rank.at(env)}")
        for part in (*node.parts, *(component.lookup for component in node.address if component.lookup)):
            self._check_reductions(part, line, scope | own)

    def _check_reads(self, place: int, line: Line) -> None:
        """Every read stays inside its tensor at all points that are computed."""
        for read, scope in (
            found for node in (*line.lookups, line.value) for found in scoped_reads(node, line.indices)
        ):
            known = frozenset().union(*(part.indices for part in read.address))
            limits = [c for c in self._constraints(line) if c.indices & known and c.indices <= scope]
            indices = sorted(known.union(*(limit.indices for limit in limits)), key=str)
            parts = [
                (part, size) for part, size in zip(read.address, self.shapes[read.name])
                if part.kind == "expression" and part.plain is None and not self._is_earlier(place, read, part)
            ]  # fmt: skip
            steps: list[tuple[Component, Index]] = []
            if place in self._recurrent() and self._is_together(place, read):
                running = self._recurrent()[place]
                owns = self.lines[self.defined[read.name]].target
                steps = [
                    (part, running) for part, own in zip(read.address, owns)
                    if own.plain == running and not self._is_earlier(place, read, part)
                ]  # fmt: skip
                indices = sorted({*indices, running}, key=str)
            for env in points_of(indices, line.extents) if parts or steps else ():
                if all(limit.holds(env) for limit in limits):
                    for part, running in steps:
                        if part.at(env) > env[running]:
                            raise Impossible(f"{read.name} is read at a later step, {part.at(env)} of {env[running]}")
                    for part, size in parts:
                        if not 0 <= part.at(env) < size:
                            raise Impossible(f"{read.name} is read outside, at {part.at(env)} of {size}")


class _Guessed(SizedEquation):
    """An equation whose sizes are guessed: its extents as far as they follow without the bounds that change with the guess."""

    def __init__(self, sizes: Mapping[Index, int], stated: Stated, open_bounds: frozenset[Index]):
        EquationText.__init__(self, *stated, sizes)
        self.shapes, self.margins, self.open_bounds = dict(self.inputs), {}, open_bounds
        self._infer()


def _settled(first: Index, sizes: Mapping[Index, int], stated: Stated) -> dict[Index, int]:
    """The sizes among those that are asked for, the first of them given, that are the same whatever is guessed for all."""
    guesses = [filled for guess in GUESSES if (filled := _filled(guess, first, sizes, stated)) is not None]
    bounds: dict[Index, set[Any]] = {}
    for _, equation in guesses:
        for index, bound in equation.bounds.items():
            bounds.setdefault(index, set()).add(bound)
    changing = frozenset(index for index, worth in bounds.items() if len(worth) > 1)
    found: dict[Index, list[list[int | None]]] = {}
    for guessed, _ in guesses:
        try:
            made = _Guessed({**sizes, **guessed}, stated, changing)
        except Unreadable:
            raise
        except Impossible:
            continue
        for index in guessed:
            found.setdefault(index, []).append([line.extents.get(index) for line in made.lines])
    settled = {}
    for index, guessed_extents in found.items():
        in_lines = [set(extents) for extents in zip(*guessed_extents)] if len(guessed_extents) > 1 else []
        known = [next(iter(worth)) for worth in in_lines if len(worth) == 1 and None not in worth]
        if known:
            settled[index] = known[0]  # that all lines agree is seen later
    if not settled:
        raise Unreadable(f"nothing determines the size of {first}")
    return settled


def _filled(
    guess: int, first: Index, sizes: Mapping[Index, int], stated: Stated
) -> tuple[dict[Index, int], EquationText] | None:
    """One guess for all sizes that are asked for, and the equation with it, if it has a meaning."""
    guessed = {first: guess}
    while True:
        try:
            return guessed, EquationText(*stated, {**sizes, **guessed})
        except OpenSize as asked:
            guessed[asked.index] = guess
        except Unreadable:
            raise
        except Impossible:
            return None
