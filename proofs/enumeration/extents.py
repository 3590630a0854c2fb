"""Finds the extents of an equation's indices by searching; shares no code with the engine."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import product
from typing import Any

from .nodes import Component, Env, Impossible, Index, Line, Node, all_indices, points_of, reads
from .text import EquationText


class SizedEquation(EquationText):
    """An equation with the extents of all indices and the shapes of all tensors, or `Impossible`.

    An extent is as large as possible with every address inside its tensor.
    """

    def __init__(
        self, text: str, fields: Mapping[str, Any], shapes: Mapping[str, Sequence[int]], buffers: Sequence[str] = ()
    ):
        super().__init__(text, fields, shapes, buffers)
        self.shapes: dict[str, tuple[int, ...]] = dict(self.inputs)
        self.margins: dict[str, list[tuple[int, int] | None]] = {}
        self._find_extents()
        self.weights = self._find_weights()
        self._check_addresses()
        self.output = self.shapes[self.lines[-1].name]

    # extents ---------------------------------------------------------------------------------------------------------

    def _find_extents(self) -> None:
        for line in self.lines:
            for index in all_indices(line):
                if index in self.bounds:
                    line.extents[index] = self._whole(self.bounds[index], 1, f"the extent of {index}")
        for _ in range(2 * len(self.lines) + 2):
            for place, line in enumerate(self.lines):
                self._search(place, line)
        for line in self.lines:
            missing = [index for index in all_indices(line) if index not in line.extents]
            assert not missing, f"nothing determines {missing}"

    def _search(self, place: int, line: Line) -> None:
        if line.value.kind == "pad":
            self._search_pad(line)
        known = [(read, self.shapes[read.name]) for read in reads(line.value) if read.name in self.shapes]
        for read, shape in known:
            if len(shape) != len(read.address):
                raise Impossible(f"{read.name} has {len(shape)} axes")
        steps = [
            (part, size) for read, shape in known for part, size in zip(read.address, shape)
            if line.value.kind != "pad" and not self._is_earlier(place, read, part)
        ]  # fmt: skip
        for part, size in steps:
            if part.plain is not None:
                line.extents.setdefault(part.plain, size)
        for kind in ("group", "expression"):
            for part, size in steps:
                unknown = [index for index in part.indices if index not in line.extents]
                if part.kind == kind and part.plain is None and len(unknown) == 1:
                    line.extents[unknown[0]] = self._largest(line, part, unknown[0], size)
        if place in self._recurrent():
            for other in self.lines:
                for index, extent in other.extents.items():
                    if self._recurrent().get(place) == index:
                        line.extents.setdefault(index, extent)
        if line.name not in self.shapes and all(
            index in line.extents for part in line.target for index in part.indices
        ):
            self.shapes[line.name] = tuple(max(self._positions(line, part)) + 1 for part in line.target)

    def _search_pad(self, line: Line) -> None:
        body = line.value.parts[0]
        if body.name not in self.shapes:
            return
        margins: list[tuple[int, int] | None] = []
        for part, size, (before, after) in zip(body.address, self.shapes[body.name], line.value.value):
            assert part.plain is not None, "a padded axis is read at an index alone"
            line.extents[part.plain] = self._whole(size + before + after, 1, "a padded axis")
            margins.append((before, size) if before or after else None)
        self.margins[line.name] = margins

    def _largest(self, line: Line, part: Component, unknown: Index, size: int) -> int:
        """The extent of an index: as large as possible with every address inside the axis; a group must fill it."""
        others = [index for index in part.indices if index != unknown]
        if part.kind == "group":
            rest = math.prod(line.extents[index] for index in others)
            return self._whole(Fraction(size, rest), 1, "the extent of a group's member")
        extent = 0
        while extent <= size:
            inside = all(0 <= part.at({**env, unknown: extent}) < size for env in points_of(others, line.extents))
            if not inside:
                break
            extent += 1
        if extent < 1:
            raise Impossible(f"no window fits into {size}")
        return extent

    def _positions(self, line: Line, part: Component) -> list[int]:
        """The values that one component of an address takes."""
        if part.kind == "lookup":
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
            found: dict[int, Index] = {}
            spans = []
            for place, line in enumerate(self.lines):
                for read in reads(line.value):
                    if self.defined.get(read.name, -1) >= place:
                        last = self.defined[read.name]
                        running = next(
                            own.plain for part, own in zip(read.address, self.lines[last].target)
                            if own.plain is not None and part.plain is None and part.indices == frozenset([own.plain])
                        )  # fmt: skip
                        spans.append((place, last, running))
            for _ in spans:
                for first, last, running in spans:
                    reached = [p for p in found if first <= p <= last]
                    for inside in range(min([first, *reached]), max([last, *reached]) + 1):
                        found[inside] = running
            self._recurrences = found
        return self._recurrences

    def _is_earlier(self, place: int, read: Node, part: Component) -> bool:
        running = self._recurrent().get(place)
        return (
            running is not None
            and read.name in self.defined
            and part.plain is None
            and part.indices == frozenset([running])
        )

    # weights and checks ----------------------------------------------------------------------------------------------

    def _find_weights(self) -> dict[str, tuple[int, ...]]:
        """Learned tensors: the addresses that occur, as a shape; each must occur."""
        self.elements: dict[str, int] = {}
        found: dict[str, tuple[int, ...]] = {}
        for line in self.lines:
            for read in reads(line.value):
                if read.name in self.shapes:
                    continue
                declared = self.declared.get(read.name, [None] * len(read.address))
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
            for read in reads(line.value):
                shape = self.shapes[read.name]
                if len(shape) != len(read.address):
                    raise Impossible(f"{read.name} is read at {len(read.address)} axes")
                for axis, (part, size) in enumerate(zip(read.address, shape)):
                    if not self._is_earlier(place, read, part):
                        self._check_axis(line, read, axis, part, size)

    def _check_axis(self, line: Line, read: Node, axis: int, part: Component, size: int) -> None:
        declared = self.declared.get(read.name)
        if part.kind == "lookup":
            return
        if part.plain is not None or part.kind == "group":
            extent = math.prod(line.extents[index] for index in part.indices)
            is_ranged = any(c.ranged in part.indices for c in self._constraints(line))
            is_bounded = part.plain is not None and part.plain in self.bounds
            if is_bounded or (declared is not None and declared[axis] is not None):
                fits = extent <= size
            else:
                fits = extent == size or (is_ranged and extent <= size)
            if not fits:
                raise Impossible(f"axis {axis} of {read.name} has {size} elements, not {extent}")
            return
        limits = [c for c in self._constraints(line) if c.indices & part.indices]
        indices = sorted(part.indices.union(*(c.indices for c in limits)), key=str)
        for env in points_of(indices, line.extents):
            if all(limit.holds(env) for limit in limits) and not 0 <= part.at(env) < size:
                raise Impossible(f"{read.name} is read outside, at {part.at(env)} of {size}")
