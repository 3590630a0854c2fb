"""Finds the extents of an equation's indices by searching; shares no code with the engine."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import product
from typing import Any

from .nodes import (
    Component,
    Constraint,
    Env,
    Impossible,
    Index,
    Line,
    Node,
    Unreadable,
    all_indices,
    distance,
    free,
    has_value,
    is_made_of_numbers,
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
        self._recurrent()
        self._find_extents()
        if "size" in text:
            self._require_one_size(sizes)
        self._find_given()
        self.weights = self._find_weights()
        self._check_addresses()
        for place, line in enumerate(self.lines):
            if line.value.kind != "pad":
                self._check_ranges(line)
                self._check_numbers(line.value, line)
                self._check_reductions(line.value, line, line.indices)
                self._check_reads(place, line)
        self.output = self.shapes[self.lines[-1].name]

    def _require_one_size(self, guessed: Mapping[Index, int]) -> None:
        """A letter whose size is asked for has one extent: that of all lines but those that pad it."""
        for index in {*guessed, *((name, None) for name in self.sized_names())}:
            found = {guessed[index]} if index in guessed else set()
            for line in self.lines:
                padded = line.value.kind == "pad" and any(
                    margin is not None and part.indices == {index}
                    for part, margin in zip(line.target, self.margins.get(line.name, ()))
                )
                if index in line.extents and (index in guessed or not padded):
                    found.add(line.extents[index])
            if len(found) > 1:
                raise Impossible(f"{index} has several extents, and its size is asked for")

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
            (part, size) for read, shape in known for axis, (part, size) in enumerate(zip(read.address, shape))
            if line.value.kind != "pad" and not self._is_earlier(read, axis)
        ]  # fmt: skip
        for running in self._running(place):
            if running in all_indices(line):
                for other in sorted(self._groups[place]):
                    if running in self.lines[other].extents:
                        line.extents.setdefault(running, self.lines[other].extents[running])
        for part, size in steps:
            if part.plain is not None and part.plain not in self.open_bounds:
                line.extents.setdefault(part.plain, size)
        if line.value.kind != "pad":
            self._search_steps(line, known)
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
        if line.name not in self.shapes and all(
            index in line.extents for part in line.target for index in part.indices
        ):
            self.shapes[line.name] = tuple(self._size_of_axis(line, part) for part in line.target)

    def _search_steps(self, line: Line, known: list[tuple[Node, tuple[int, ...]]]) -> None:
        """A line that reads earlier steps goes along with them; a step has the other axes of its tensor."""
        for read, shape in known:
            for axis, size in enumerate(shape):
                if self._is_earlier(read, axis):
                    own = self.lines[self.defined[read.name]].target[axis].plain
                    assert own is not None
                    line.extents.setdefault(own, size)
        for step in self.lines:
            if step.gives is None:
                continue
            name, axis, _ = step.gives
            if step is line and name in self.shapes:
                parts, sizes = line.target, self.shapes[name][:axis] + self.shapes[name][axis + 1 :]
            elif line.name == name and step.name in self.shapes:
                parts, sizes = line.target[:axis] + line.target[axis + 1 :], self.shapes[step.name]
            else:
                continue
            for part, size in zip(parts, sizes):
                if part.plain is not None:
                    line.extents.setdefault(part.plain, size)

    def _find_given(self) -> None:
        """Which steps have lines of their own, by their place on the axis; what is left to the line that goes on from them."""
        self.given: dict[str, dict[tuple[int, int], str]] = {}
        for name, steps in self.first_steps.items():
            line = self.lines[self.defined[name]]
            place = self.defined[name]
            for axis in sorted({step.gives[1] for step in steps if step.gives is not None}):
                index = line.target[axis].plain
                if index is None or index not in self._running(place) or not self._goes_along(place):
                    raise Unreadable(f"{name} is defined twice, and is no state along axis {axis}")
                size, down = line.extents[index], self._down(place, index)
                own = [step for step in steps if step.gives is not None and step.gives[1] == axis]
                at = sorted(step.gives[2] for step in own if step.gives is not None)
                inside = [where for where in at if where < size] if down else [where for where in at if where >= 0]
                wanted = list(range(size - len(inside), size)) if down else list(range(len(inside)))
                if inside != wanted or len(inside) > size:
                    raise Impossible(f"the steps {at} of {name} are not the first of {size}")
                for step in own:
                    assert step.gives is not None
                    rest = self.shapes[name][:axis] + self.shapes[name][axis + 1 :]
                    if self.shapes[step.name] != rest:
                        raise Impossible(f"a step of {name} has the shape {self.shapes[step.name]}, not {rest}")
                    self.given.setdefault(name, {})[axis, step.gives[2]] = step.name
                if inside and (name in self.left or index in self.ranges):
                    raise Unreadable(f"the first steps of {name} are given twice over")
                if inside:
                    self.left[name] = [Constraint(frozenset([index]), _other_than(index, frozenset(inside)), True)]

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

    # recurrences -----------------------------------------------------------------------------------------------------

    def _recurrent(self) -> None:
        """Lines of recurrences, each with the others of its own, and the indices that run, the outermost first, with their ways."""
        self._groups: dict[int, set[int]] = {}
        self._ways: dict[int, list[tuple[Index, int]]] = {}
        groups: list[set[int]] = []
        for place, line in enumerate(self.lines):
            for read in line.reads():
                last = self.defined.get(read.name, -1)
                if last < place:
                    continue
                own = self.lines[last].target
                if len(own) != len(read.address) or not any(
                    distance(part, mine) for part, mine in zip(read.address, own)
                ):
                    raise Unreadable(f"{read.name} is read before it is defined")
                held = set(range(place, last + 1))
                for other in [group for group in groups if group & held]:
                    groups.remove(other)
                    held |= other
                groups.append(held)
        for held in groups:
            ways = self._order(held)
            for place in held:
                self._groups[place], self._ways[place] = held, ways
            for place in held:
                self._check_recurrent(place)

    def _order(self, held: set[int]) -> list[tuple[Index, int]]:
        """An order of the steps by which all that is read before its line comes from an earlier one."""
        letters: list[Index] = []
        for place in sorted(held, reverse=True):
            letters += [p.plain for p in self.lines[place].target if p.plain is not None and p.plain not in letters]
        behind = [
            {own.plain: distance(part, own) for part, own in zip(read.address, self.lines[self.defined[read.name]].target)}
            for place in sorted(held) for read in self.lines[place].reads()
            if self.defined.get(read.name, -1) in held and self.defined[read.name] >= place
        ]  # fmt: skip

        def way(index: Index, among: list[dict[Index | None, int | None]]) -> int:
            signs = set()
            for one in among:
                far = one.get(index)
                if far is None:
                    return 0
                signs.add((far > 0) - (far < 0))
            return sum(signs) if signs != {0} and not {1, -1} <= signs else 0

        ways: list[tuple[Index, int]] = []
        unsettled = behind
        while unsettled:
            outer = next((i for i in letters if i not in dict(ways) and way(i, unsettled)), None)
            if outer is None:
                raise Unreadable("no order of the steps computes all before it is read")
            ways.append((outer, way(outer, unsettled)))
            unsettled = [one for one in unsettled if one[outer] == 0]
        ways += [(i, way(i, behind)) for i in letters if i not in dict(ways) and way(i, behind)]
        return ways

    def _running(self, place: int) -> list[Index]:
        return [index for index, _ in self._ways.get(place, ())]

    def _down(self, place: int, index: Index | None) -> bool:
        return any(sign > 0 for running, sign in self._ways[place] if running == index)

    def _goes_along(self, place: int) -> bool:
        """Whether a line has all the indices that run in its recurrence."""
        own = {part.plain for part in self.lines[place].target}
        return place in self._ways and set(self._running(place)) <= own

    def _is_together(self, place: int, read: Node) -> bool:
        """Whether a line reads a tensor that is made along with the steps of the recurrence to which the line belongs."""
        defined = self.defined.get(read.name, -1)
        return defined in self._groups.get(place, ()) and self._goes_along(defined)

    def _check_recurrent(self, place: int) -> None:
        """A line of a recurrence goes along with its steps, or has nothing to do with them."""
        line = self.lines[place]
        if line.lookups:
            raise Unreadable("a recurrence scatters")
        for running in self._running(place):
            if running in reduced_indices(line.value):
                raise Unreadable(f"a recurrence along {running} reduces over it")
            if any(running in part.indices and part.plain != running for part in line.target):
                raise Unreadable(f"a line of a recurrence does not stand at {running} alone")
            if line.value.kind == "pad":
                for part, width in zip(line.value.parts[0].address, line.value.value):
                    if part.plain == running and width != (0, 0):
                        raise Unreadable(f"a margin along {running}, within the recurrence along it")
        for read in line.reads():
            if not self._is_together(place, read):
                continue
            if not self._goes_along(place):
                raise Unreadable(f"{line.name} stands within the recurrence that it reads, without its steps")
            own = self.lines[self.defined[read.name]].target
            for part, mine in zip(read.address, own):
                if mine.plain in self._running(place) and part.kind != "expression":
                    raise Unreadable(f"{read.name} is read at a step that is not known")
            for index, sign in self._ways[place]:
                axis = [mine.plain for mine in own].index(index)
                far = distance(read.address[axis], own[axis])
                if far is None and len(self._ways[place]) == 1:
                    break
                if far is None or far * sign < 0:
                    raise Unreadable(f"{read.name} is read at a step that is not known to be an earlier one")
                if far:
                    break

    def _is_earlier(self, read: Node, axis: int) -> bool:
        """Whether a read is of a state, along an index that runs, at an earlier step than the index itself."""
        place = self.defined.get(read.name, -1)
        if not self._goes_along(place) or len(read.address) != len(self.lines[place].target):
            return False
        own = self.lines[place].target[axis]
        far = distance(read.address[axis], own)
        return own.plain in self._running(place) and far is not None and far * dict(self._ways[place])[own.plain] > 0

    def element(self, name: str, where: tuple[int, ...]) -> tuple[str, tuple[int, ...]] | None:
        """Which line gives an element: another than the tensor's own for some steps; None if it is zero, before the first step."""
        shape = self.shapes[name]
        outside = [axis for axis, (at, size) in enumerate(zip(where, shape)) if not 0 <= at < size]
        for (axis, at), step in self.given.get(name, {}).items():
            if where[axis] == at and set(outside) <= {axis}:
                return step, where[:axis] + where[axis + 1 :]
        if outside and name in self.defined and self._goes_along(self.defined[name]):
            place = self.defined[name]
            for axis in outside:
                index = self.lines[place].target[axis].plain
                if index in self._running(place) and (where[axis] >= shape[axis]) is self._down(place, index):
                    return None
        return name, where

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
        for line in self.lines:
            if line.value.kind == "pad":
                continue
            for read in line.reads():
                shape = self.shapes[read.name]
                if len(shape) != len(read.address):
                    raise Impossible(f"{read.name} is read at {len(read.address)} axes")
                for axis, (part, size) in enumerate(zip(read.address, shape)):
                    if not self._is_earlier(read, axis):
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

    def _check_numbers(self, node: Node, line: Line) -> None:
        """What is made of indices and sizes alone is a finite number at every point."""
        for part in node.parts:
            self._check_numbers(part, line)
        if node.kind == "index" or (node.kind == "apply" and any(map(is_made_of_numbers, node.parts))):
            indices = free(node)
            limits = [limit for limit in self._constraints(line) if limit.indices <= indices]
            for env in points_of(sorted(indices, key=str), line.extents):
                if all(limit.holds(env) for limit in limits) and not has_value(node, env):
                    raise Unreadable(f"no number at {env}")

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
            owns = self.lines[self.defined[read.name]].target if self.defined.get(read.name, -1) in self._ways else ()
            parts = [
                (part, size) for axis, (part, size) in enumerate(zip(read.address, self.shapes[read.name]))
                if part.kind == "expression" and part.plain is None and not self._is_earlier(read, axis)
            ]  # fmt: skip
            earlier = [
                (part, size, self._down(self.defined[read.name], owns[axis].plain))
                for axis, (part, size) in enumerate(zip(read.address, self.shapes[read.name]))
                if self._is_earlier(read, axis)
            ]  # fmt: skip
            steps: list[tuple[Component, Index, int]] = []
            if self._is_together(place, read) and len(self._ways[place]) == 1:
                ((running, sign),) = self._ways[place]
                steps = [
                    (part, running, sign) for axis, (part, own) in enumerate(zip(read.address, owns))
                    if own.plain == running and not self._is_earlier(read, axis)
                ]  # fmt: skip
                indices = sorted({*indices, running}, key=str)
            for env in points_of(indices, line.extents) if parts or steps or earlier else ():
                if all(limit.holds(env) for limit in limits):
                    for part, running, sign in steps:
                        if (part.at(env) - env[running]) * sign < 0:
                            raise Impossible(f"{read.name} is read at a later step, {part.at(env)} of {env[running]}")
                    for part, size in parts:
                        if not 0 <= part.at(env) < size:
                            raise Impossible(f"{read.name} is read outside, at {part.at(env)} of {size}")
                    for part, size, down in earlier:
                        if part.at(env) < 0 if down else part.at(env) >= size:
                            raise Impossible(f"{read.name} is read behind its last step, at {part.at(env)}")


class _GuessedText(EquationText):
    """What an equation says where sizes are guessed."""

    sizes_are_known = False


class _Guessed(SizedEquation):
    """An equation whose sizes are guessed: its extents as far as they follow without the bounds that change with the guess."""

    sizes_are_known = False

    def __init__(self, sizes: Mapping[Index, int], stated: Stated, open_bounds: frozenset[Index]):
        EquationText.__init__(self, *stated, sizes)
        self.shapes, self.margins, self.open_bounds = dict(self.inputs), {}, open_bounds
        self._recurrent()
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
            return guessed, _GuessedText(*stated, {**sizes, **guessed})
        except OpenSize as asked:
            guessed[asked.index] = guess
        except Unreadable:
            raise
        except Impossible:
            return None


def _other_than(index: Index, steps: frozenset[int]) -> Callable[[Env], bool]:
    return lambda env: env[index] not in steps
