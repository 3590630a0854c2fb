"""What a layer's equation means, by enumeration at small integer sizes; shares no code with the engine.

`Equation` reads the text with Python's own `ast`, finds the number of axes behind every star by trying, finds extents
by searching for the largest index whose addresses all lie inside, and then walks over index points with
`itertools.product`:

- `shapes`, `weights`: the addresses that occur;
- `counts`: one operation for each point of the indices on which its value depends, nominal and effective;
- `value`: the number at an element of the output, exact where the numbers are;
- `reach`: for every output position the first and the last input position that it reads, margins included.

What is counted: a sum over K points costs K adds, a product of n factors n - 1 multiplies, a product of two tensors or
more that is summed one MAC a point; a mean one division, an extremum K comparisons, a softmax an add and two others a
point; signs, ones and what reads no tensor are free, and so is a line that the output does not need. Effective
counts leave out the points that a mask excludes or that read a margin.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from itertools import product
from typing import Any

from .extents import SizedEquation
from .nodes import (
    FUNCTIONS,
    Component,
    Constraint,
    Env,
    Impossible,
    Index,
    Line,
    Node,
    Unreadable,
    points_of,
    quotient,
    reads,
    reads_joined,
)

RATIONAL = ("relu", "abs", "max", "min", "divide", "power")
"""Functions whose values at fractions are fractions."""


@dataclass
class Counts:
    macs: int = 0
    multiplies: int = 0
    adds: int = 0
    other: int = 0


class Equation(SizedEquation):
    """An equation at integer sizes.

    Parameters
    ----------
    text : str
    fields : mapping of str to int, Fraction, bool, str, None or a tuple of them
    shapes : mapping of str to tuple of int
        The inputs, in order.
    buffers : sequence of str
    outputs : sequence of str
        The tensors that come out; that of the last line, if left out. What is told of one output is of the first of them; `at` is the
        same equation with another one, or with some of them.
    """

    def __init__(
        self,
        text: str,
        fields: Mapping[str, Any],
        shapes: Mapping[str, Sequence[int]],
        buffers: Sequence[str] = (),
        outputs: Sequence[str] = (),
    ):
        super().__init__(text, fields, shapes, buffers)
        self.outputs = tuple(outputs) or (self.lines[-1].name,)
        if len(set(self.outputs)) < len(self.outputs) or not set(self.outputs) <= set(self.defined):
            raise Unreadable(f"{self.outputs} do not come out of lines, each once")
        self.output = self.shapes[self.outputs[0]]
        self._reaches: dict[tuple[str, tuple[int, ...], str], Any] = {}
        self._origins: dict[str, dict[tuple[int, ...], list[Env]]] = {}

    def at(self, *outputs: str) -> "Equation":
        """The same equation with these outputs."""
        made = copy(self)
        made.outputs, made.output = outputs, self.shapes[outputs[0]]
        return made

    # counting --------------------------------------------------------------------------------------------------------

    def counts(self, effective: bool = False) -> Counts:
        """The operations of all lines on which an output depends."""
        total = Counts()
        used = self.used()
        for line in self.lines:
            if line.name in used:
                target = frozenset().union(*(part.indices for part in line.target))
                self._count(line.value, line, target, total, effective)
                if line.lookups:
                    points = self._point_count(target, line.value, line, effective)
                    total.adds += points if line.joined in ("sum", "mean") else 0
                    total.other += points if line.joined in ("max", "min") else 0
                    total.other += math.prod(self.shapes[line.name]) if line.joined == "mean" else 0
        return total

    def used(self) -> set[str]:
        """The tensors of the lines on which an output depends."""
        used: set[str] = set()
        waiting = list(self.outputs)
        while waiting:
            name = waiting.pop()
            if name in self.defined and name not in used:
                used.add(name)
                line = self.lines[self.defined[name]]
                waiting += [read.name for read in line.reads()]
                for (axis, at), step in self.given.get(name, {}).items():
                    waiting += [step] if 0 <= at < self.shapes[name][axis] else []
                for read in line.reads():
                    steps = self.given.get(read.name, {}).items()
                    waiting += [step for (axis, at), step in steps if self._comes_to(line, read, axis, at)]
        return used

    def _comes_to(self, line: Line, read: Node, axis: int, at: int) -> bool:
        """Whether a read goes as far as a step beyond the first one, at any value of the index that runs."""
        size = self.shapes[read.name][axis]
        if 0 <= at < size or not self._is_earlier(read, axis):
            return False
        part = read.address[axis]
        limits = [limit for limit in self._constraints(line) if limit.is_range and limit.indices <= part.indices]
        seen = [
            part.at(env) for env in points_of(sorted(part.indices, key=str), line.extents)
            if all(limit.holds(env) for limit in limits)
        ]  # fmt: skip
        return any(where <= at if at < 0 else where >= at for where in seen)

    def _count(self, node: Node, line: Line, scope: frozenset[Index], total: Counts, effective: bool) -> None:
        if node.kind in ("number", "read", "pad") or not any(reads(node)):
            return
        for part in node.parts:
            self._count(part, line, scope | set(node.indices), total, effective)
        if node.kind == "select":
            candidates = self._depends(node.parts[0], line, scope | set(node.indices)) | set(node.indices)
            wanted = 1 + max(
                node.address[0].at(env) for env in points_of(sorted(node.address[0].indices, key=str), line.extents)
            )
            # A heap of that many is so deep; comparisons with its root alone for one.
            deep = 1 if wanted == 1 else next(depth for depth in range(64) if 2**depth >= wanted + 1)
            total.other += deep * self._point_count(candidates, node.parts[0], line, effective)
            return
        depends = self._depends(node, line, scope)
        points = self._point_count(depends | frozenset(node.indices), node, line, effective)
        if node.kind == "plus":
            total.adds += (len(node.parts) - 1) * points
        elif node.kind == "times":
            factors = [
                part for part in node.parts if not (part.kind == "number" and part.value in (1, -1) and not part.name)
            ]
            total.multiplies += max(len(factors) - 1, 0) * points
        elif node.kind == "apply":
            exponent = node.parts[1].value if node.name == "power" else None
            if exponent is not None and exponent == int(exponent) and exponent > 0:
                total.multiplies += (int(exponent) - 1) * points
            else:
                total.other += points
        elif node.kind == "softmax":
            total.adds += points
            total.other += 2 * points
        elif node.name in ("sum", "mean"):
            total.adds += points
            if node.name == "mean":
                total.other += self._point_count(depends, node, line, effective)
            body = node.parts[0]
            if node.name == "sum" and body.kind == "times" and sum(any(reads(part)) for part in body.parts) >= 2:
                total.macs += points
        elif node.name == "prod":
            total.multiplies += points
        else:
            total.other += points

    def _depends(self, node: Node, line: Line, scope: frozenset[Index]) -> frozenset[Index]:
        """The indices on which the value of an operation depends; reductions depend on their ranges and masks too."""
        inner = scope | set(node.indices)
        below = frozenset().union(*(self._depends(part, line, inner) for part in node.parts))
        if node.kind == "select":
            return below - frozenset(node.indices) | node.address[0].indices
        below |= frozenset().union(*(part.indices for part in node.address))
        if node.kind in ("reduce", "softmax"):
            for constraint in self._constraints(line):
                if constraint.indices & set(node.indices) and constraint.indices <= inner:
                    below |= constraint.indices
        return below - frozenset(node.indices) if node.kind == "reduce" else below

    def _point_count(self, indices: frozenset[Index], node: Node, line: Line, effective: bool) -> int:
        limits = [c for c in self._constraints(line) if c.indices <= indices and (effective or c.is_range)]
        real = self._margins_below(node, indices) if effective else []
        found = 0
        for env in points_of(sorted(indices, key=str), line.extents):
            if all(limit.holds(env) for limit in limits) and all(
                before <= self._position(line, part, env) < before + inner for part, before, inner in real
            ):
                found += 1
        return found

    def _margins_below(self, node: Node, indices: frozenset[Index]) -> list[tuple[Component, int, int]]:
        """Addresses of padded tensors that a point of these indices determines, with where the real elements lie."""
        return [
            (part, *margin)
            for read in reads(node) if read.name in self.margins
            for part, margin in zip(read.address, self.margins[read.name])
            if margin is not None and part.indices and part.indices <= indices
        ]  # fmt: skip

    @property
    def activations(self) -> int:
        """Elements of the outputs, none of those whose lines only rename what was there before, or another output."""
        return sum(math.prod(self.shapes[name]) for name in self.outputs if self._is_made(name))

    def _is_made(self, output: str) -> bool:
        renamed = output
        for line in reversed(self.lines):
            if line.name == renamed:
                if line.lookups or line.value.kind != "read" or len(list(reads(line.value))) != 1:
                    return True
                renamed = next(iter(reads(line.value))).name
                if renamed in self.outputs:
                    return False
        return False

    @property
    def is_rational(self) -> bool:
        """Whether integers give integers and fractions: no root, no transcendental function, no irrational constant."""

        def keeps(node: Node) -> bool:
            if node.kind == "softmax" or (node.kind == "apply" and node.name not in RATIONAL):
                return False
            if node.kind == "apply" and node.name == "power" and node.parts[1].value != int(node.parts[1].value):
                return False
            if node.kind == "number" and isinstance(node.value, float) and math.isfinite(node.value):
                return False
            return all(map(keeps, node.parts))

        return all(keeps(line.value) for line in self.lines)

    def rows(self, name: str) -> int | None:
        """How many rows the smallest table has that a tensor holds the numbers of; None if it holds others."""
        found = [
            self.shapes[read.name][axis]
            for line in self.lines
            for read in line.reads()
            for axis, part in enumerate(read.address)
            if part.kind == "lookup" and part.read.name == name
        ]
        found += [
            self.shapes[line.name][axis]
            for line in self.lines
            for axis, part in enumerate(line.target)
            if part.kind == "lookup" and part.read.name == name
        ]
        return min(found, default=None)

    # values ----------------------------------------------------------------------------------------------------------

    def run(self, tensors: Mapping[str, Any]) -> dict[tuple[int, ...], Any]:
        """Every element of the first output, from arrays of the inputs, the learned tensors and the buffers."""
        self.tensors = tensors
        self._values: dict[tuple[str, tuple[int, ...]], Any] = {}
        self._origins = {}
        name = self.outputs[0]
        return {where: self._element(name, where) for where in product(*map(range, self.output))}

    def _element(self, name: str, where: tuple[int, ...]) -> Any:
        if name not in self.defined:
            if any(not 0 <= at < size for at, size in zip(where, self.shapes[name])):
                raise Impossible(f"{name} is read at {where}")
            value = self.tensors[name][where]
            return value.item() if hasattr(value, "item") else value
        if (name, where) not in self._values:
            found = self.element(name, where)
            if found is None:
                return 0
            other, at = found
            self._values[name, where] = (
                self._computed(self.lines[self.defined[name]], where)
                if found == (name, where)
                else self._element(other, at)
            )
        return self._values[name, where]

    def _computed(self, line: Line, where: tuple[int, ...]) -> Any:
        if any(not 0 <= at < size for at, size in zip(where, self.shapes[line.name])):
            raise Impossible(f"{line.name} is read at {where}")
        if line.value.kind == "pad":
            body, fill = line.value.parts
            env = self._envs_at(line, where)[0]
            if not all(limit.holds(env) for limit in self._constraints(line)):
                return 0
            inner = tuple(at - before for at, (before, _) in zip(where, line.value.value))
            if all(0 <= at < size for at, size in zip(inner, self.shapes[body.name])):
                return self._element(body.name, inner)
            return self._value(fill, line, env)
        values = [
            self._value(line.value, line, env)
            for env in (self._fallen_on(line, where) if line.lookups else self._envs_at(line, where))
            if all(limit.holds(env) for limit in self._constraints(line) if limit.indices <= set(env))
        ]
        if line.joined in ("max", "min"):
            return (max if line.joined == "max" else min)(values, default=0)
        total: Any = sum(values[1:], values[0]) if values else 0
        return quotient(total, len(values)) if line.joined == "mean" and values else total

    def _fallen_on(self, line: Line, where: tuple[int, ...]) -> list[Env]:
        """The points whose looked-up element on the left is this one."""
        key = f"{line.name} as looked up"
        if key not in self._origins:
            found: dict[tuple[int, ...], list[Env]] = {}
            for env in points_of(sorted(line.indices, key=str), line.extents):
                place = tuple(self._at(part, line, env) for part in line.target)
                if any(not 0 <= at < size for at, size in zip(place, self.shapes[line.name])):
                    raise Impossible(f"{line.name} is defined at {place}")
                found.setdefault(place, []).append(env)
            self._origins[key] = found
        return self._origins[key].get(where, [])

    def _envs_at(self, line: Line, where: tuple[int, ...]) -> list[Env]:
        """The points of the target's indices that fall on one element, or may where it is looked up."""
        if line.lookups:
            plain = [(part, at) for part, at in zip(line.target, where) if part.lookup is None]
            every = points_of(sorted(line.indices, key=str), line.extents)
            return [env for env in every if all(self._position(line, part, env) == at for part, at in plain)]
        if line.name not in self._origins:
            found: dict[tuple[int, ...], list[Env]] = {}
            indices = sorted({index for part in line.target for index in part.indices}, key=str)
            for env in points_of(indices, line.extents):
                found.setdefault(tuple(self._position(line, part, env) for part in line.target), []).append(env)
            self._origins[line.name] = found
        return self._origins[line.name].get(where, [])

    def _value(self, node: Node, line: Line, env: Env) -> Any:
        if node.kind == "number":
            return node.value
        if node.kind == "index":
            return node.address[0].at(env)
        if node.kind == "read":
            return self._element(node.name, tuple(self._at(part, line, env) for part in node.address))
        if node.kind in ("reduce", "softmax"):
            return self._reduced(node, line, env)
        if node.kind == "select":
            return self._selected(node, line, env)
        values = [self._value(part, line, env) for part in node.parts]
        if node.kind == "plus":
            return sum(values[1:], values[0])
        if node.kind == "times":
            return math.prod(values[1:], start=values[0])
        return FUNCTIONS[node.name](*values)

    def _at(self, part: Component, line: Line, env: Env) -> int:
        if part.kind == "lookup":
            return int(self._value(part.read, line, env))
        return self._position(line, part, env)

    def _selected(self, node: Node, line: Line, env: Env) -> Any:
        """The candidates in order: largest or smallest first, and of equals the one that comes first."""
        (index,) = node.indices
        values = [self._value(node.parts[0], line, {**env, index: at}) for at in range(line.extents[index])]
        falling = node.name in ("argmax", "top")
        places = sorted(range(len(values)), key=lambda at: -values[at] if falling else values[at])
        place = places[int(node.address[0].at(env))]
        return values[place] if node.name == "sort" else place

    def _reduced(self, node: Node, line: Line, env: Env) -> Any:
        inner = set(env) | set(node.indices)
        limits = [c for c in self._constraints(line) if c.indices & set(node.indices) and c.indices <= inner]
        if node.kind == "softmax" and not all(limit.holds(env) for limit in limits):
            return 0.0
        values = []
        for point in points_of(node.indices, line.extents):
            here = {**env, **point}
            if all(limit.holds(here) for limit in limits):
                values.append(self._value(node.parts[0], line, here))
        if node.kind == "softmax":
            largest = float(max(values))
            own = float(self._value(node.parts[0], line, env))
            return math.exp(own - largest) / math.fsum(math.exp(float(value) - largest) for value in values)
        if node.name == "sum":
            return sum(values)
        if node.name == "mean":
            return quotient(sum(values), len(values)) if values else 0
        if node.name == "prod":
            return math.prod(values)
        return max(values, default=-math.inf) if node.name == "max" else min(values, default=math.inf)

    # which input an output reads -------------------------------------------------------------------------------------

    def reach(self, name: str) -> dict[tuple[int, ...], list[tuple[int, int] | None]]:
        """For every output position, along every axis of an input, the first and the last position that it reads.

        Margins count, with positions before 0 and after the end. Ranges are looked at, and masks on what is read at an index alone;
        masks on a window's position tell where a margin begins.
        """
        return {where: self._reads_of(self.outputs[0], where, name) for where in product(*map(range, self.output))}

    def _reads_of(self, tensor: str, where: tuple[int, ...], name: str) -> list[tuple[int, int] | None]:
        rank = len(self.inputs[name])
        if tensor == name:
            return [(at, at) for at in where]
        if tensor not in self.defined:
            return [None] * rank
        found = self.element(tensor, where)
        if found is None:
            return [None] * rank
        if found != (tensor, where):
            return self._reads_of(*found, name)
        key = (tensor, where, name)
        if key not in self._reaches:
            self._reaches[key] = [None] * rank
            line = self.lines[self.defined[tensor]]
            hull: list[tuple[int, int] | None] = [None] * rank
            for read, element in self._elements_read(line, where):
                for axis, seen in enumerate(self._reads_of(read, element, name)):
                    if seen is not None:
                        old = hull[axis]
                        hull[axis] = seen if old is None else (min(old[0], seen[0]), max(old[1], seen[1]))
            self._reaches[key] = hull
        return self._reaches[key]

    def sets(self, name: str) -> dict[tuple[int, ...], frozenset[tuple[int, ...]]]:
        """For every output position the elements of an input that it depends on; margins hold none."""
        known: dict[tuple[str, tuple[int, ...]], frozenset[tuple[int, ...]]] = {}

        def read(tensor: str, where: tuple[int, ...]) -> frozenset[tuple[int, ...]]:
            found = self.element(tensor, where)
            if found is not None and found != (tensor, where):
                return read(*found)
            if any(not 0 <= at < size for at, size in zip(where, self.shapes[tensor])):
                return frozenset()
            if tensor == name:
                return frozenset([where])
            if tensor not in self.defined:
                return frozenset()
            if (tensor, where) not in known:
                known[tensor, where] = frozenset()
                below = self._elements_read(self.lines[self.defined[tensor]], where)
                known[tensor, where] = frozenset().union(*(read(*element) for element in below))
            return known[tensor, where]

        return {where: read(self.outputs[0], where) for where in product(*map(range, self.output))}

    def _elements_read(self, line: Line, where: tuple[int, ...]) -> set[tuple[str, tuple[int, ...]]]:
        if line.value.kind == "pad":
            body = line.value.parts[0]
            return {(body.name, tuple(at - before for at, (before, _) in zip(where, line.value.value)))}
        found: set[tuple[str, tuple[int, ...]]] = set()
        constraints = self._constraints(line)
        for env in self._envs_at(line, where):
            for read, joined in (each for node in (*line.lookups, line.value) for each in reads_joined(node)):
                if read.name in self.weights or read.name in self.buffers:
                    continue
                known = {index for part in read.address for index in part.indices}
                alone = {part.plain for part in read.address if part.plain is not None} - (set(env) - joined)
                tied = _tied(frozenset(known), constraints)
                limits = [c for c in constraints if (c.ranged in tied if c.is_range else c.indices & alone)]
                needed = known.union(*(c.indices for c in limits)) - (set(env) - joined)
                for point in points_of(sorted(needed, key=str), line.extents):
                    here = {**env, **point}
                    if all(limit.holds(here) for limit in limits):
                        # What is looked up can be any row.
                        axes = [
                            range(size) if part.kind == "lookup" else [self._position(line, part, here)]
                            for part, size in zip(read.address, self.shapes[read.name])
                        ]  # fmt: skip
                        shape = self.shapes[read.name]
                        found.update(
                            (read.name, element)
                            for element in product(*axes)
                            if all(0 <= at < size for at, size in zip(element, shape))
                            or self.element(read.name, element) not in (None, (read.name, element))
                        )
        return found


def _tied(indices: frozenset[Index], constraints: list[Constraint]) -> frozenset[Index]:
    """These indices and those that the ends of their ranges depend on, however far."""
    tied = indices
    while True:
        wider = tied.union(*(c.indices for c in constraints if c.is_range and c.ranged in tied))
        if wider == tied:
            return tied
        tied = wider
