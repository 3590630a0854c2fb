"""An order of array operations for a program whose arguments have known shapes.

Every place of a program spans some of the axes of the result. Places that span the same axes form a group, which runs
in blocks that stay in the cache; a group sees the results of smaller groups as arrays of their own, smaller shape.
Sums and products of many operands become steps of two operands, those on few axes first, common factors taken out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field
from typing import Any

from ...records import dataclass
from ..program.factoring import factored
from ..program.program import Program


@dataclass
class Step:
    """One array operation: a kernel, what it reads, what it writes."""

    kernel: str
    value: Any
    inputs: tuple[int, ...]
    output: int


@dataclass
class Plan:
    """Steps by group; the numbers of arrays continue those of the places of the program."""

    groups: dict[int, list[Step]] = field(default_factory=dict)
    masks: list[int] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    constants: dict[int, Any] = field(default_factory=dict)


class Planner:
    """Writes the steps of one program for arguments with given axes and representations.

    Parameters
    ----------
    program : Program
    masks : sequence of int
        For every place, a bit for each axis that it spans.
    types : sequence of str
        For every place: ``i`` int64, ``O`` objects, ``f`` float64, ``b`` truth values.
    size : callable
        The number of elements of an array that spans given axes.
    """

    def __init__(self, program: Program, masks: Sequence[int], types: Sequence[str], size: Callable[[int], int]):
        self.program = program
        self.size = size
        self.plan = Plan(masks=list(masks), types=list(types))
        self.known: dict[tuple, int] = {}
        self.inlined = self._inlined()

    def _inlined(self) -> set[int]:
        """Products and squares that only one sum uses, as terms: factors are taken out across them."""
        program = self.program
        users: dict[int, list[int]] = {}
        for place, args in enumerate(program.args):
            for arg in args:
                users.setdefault(arg, []).append(place)
        found = set()
        results = set(program.outputs)
        for place, op in enumerate(program.ops):
            if op not in ("mul", "square") or program.types[place] != "int" or place in results:
                continue
            using = users.get(place, [])
            if len(using) == 1 and program.ops[using[0]] in ("add", "mul") and program.types[using[0]] == "int":
                # Operands that do not fit make a product that fits all the same, if another one is 0.
                kinds = {self.plan.types[number] for number in (place, using[0], *program.args[place])}
                if len(kinds) == 1:
                    found.add(place)
        return found

    # -- making steps --------------------------------------------------------------------------------------------

    def array(self, mask: int, kind: str) -> int:
        self.plan.masks.append(mask)
        self.plan.types.append(kind)
        return len(self.plan.masks) - 1

    def constant(self, value: Any, kind: str = "i") -> int:
        key = ("constant", value, kind)
        if key not in self.known:
            number = self.known[key] = self.array(0, kind)
            self.plan.constants[number] = value
        return self.known[key]

    def step(self, kernel: str, inputs: Sequence[int], kind: str, value: Any = None, output: int | None = None) -> int:
        """The array that holds the result of an operation."""
        key = (kernel, tuple(inputs), kind, value)
        if output is None and key in self.known:
            return self.known[key]
        if output is None:
            mask = 0
            for number in inputs:
                mask |= self.plan.masks[number]
            output = self.array(mask, kind)
        mask = self.plan.masks[output]
        self.known.setdefault(key, output)
        self.plan.groups.setdefault(mask, []).append(Step(kernel, value, tuple(inputs), output))
        return output

    def as_type(self, number: int, kind: str) -> int:
        """An array converted to objects or to int64; what has no axes is a Python number and needs no conversion."""
        have = self.plan.types[number]
        if have == kind or not self.plan.masks[number]:
            return number
        return self.step("convert", (number,), kind)

    # -- sums and products ---------------------------------------------------------------------------------------

    def product(self, coefficient: int, factors: Sequence[int], kind: str, output: int | None = None) -> int:
        """A product, the operands on the fewest elements multiplied first."""
        masks = self.plan.masks
        rest = [self.as_type(factor, kind) for factor in factors]
        while len(rest) > 1:
            rest.sort(key=lambda number: (self.size(masks[number]), masks[number], number))
            if coefficient != 1:
                rest[0] = self.step("mul", (rest[0], self.constant(coefficient, kind)), kind)
                coefficient = 1
            same = [number for number in rest if masks[number] == masks[rest[0]]]
            left, right = (same[0], same[1]) if len(same) > 1 else (rest[0], self._partner(rest))
            rest.remove(left)
            rest.remove(right)
            last = output if not rest else None
            rest.append(self.step("mul", (left, right), kind, output=last))
        if coefficient != 1 or len(factors) == 1 and output is not None:
            return self.step("mul", (rest[0], self.constant(coefficient, kind)), kind, output=output)
        return rest[0]

    def _partner(self, rest: Sequence[int]) -> int:
        """What to multiply the first with, so that the result spans least."""
        masks = self.plan.masks
        return min(rest[1:], key=lambda number: self.size(masks[rest[0]] | masks[number]))

    def expanded(self, place: int) -> tuple[int, tuple[int, ...]]:
        """A place as a coefficient and factors, products that nothing else uses opened."""
        if place not in self.inlined:
            return 1, (place,)
        program = self.program
        op, args, value = program.ops[place], program.args[place], program.values[place]
        if op == "square":
            coefficient, factors = self.expanded(args[0])
            return coefficient**2, factors * 2
        coefficient = value
        found: list[int] = []
        for arg in args:
            more, factors = self.expanded(arg)
            coefficient *= more
            found.extend(factors)
        return coefficient, tuple(found)

    def sum(self, terms: Sequence[tuple[int, tuple[int, ...]]], constant: int, kind: str, output: int | None) -> int:
        return self._nested(factored(terms, constant, self.plan.masks, self.size), kind, output)

    def _nested(self, nested: tuple, kind: str, output: int | None) -> int:
        """Adds up a sum: what spans least first, and subtractions instead of factors -1."""
        _, products, constant = nested
        parts: list[tuple[int, bool]] = []
        for _, coefficient, factors, inner in products:
            negative = coefficient < 0
            every = list(factors)
            if inner is not None:
                every.append(self._nested(inner, kind, None))
            parts.append((self.product(abs(coefficient), every, kind), negative))
        masks = self.plan.masks
        parts.sort(key=lambda part: (self.size(masks[part[0]]), masks[part[0]], part[1]))
        if constant:
            place = next((i for i, part in enumerate(parts) if not part[1]), None)
            number = self.constant(abs(constant), kind)
            if place is None:
                parts.insert(0, (self.constant(constant, kind), False))
            else:
                total = self.step(
                    "sub" if constant < 0 else "add",
                    (self.as_type(parts[place][0], kind), number),
                    kind,
                    output=output if len(parts) == 1 else None,
                )
                parts[place] = (total, False)
                if len(parts) == 1:
                    return total
        if not parts:
            return self.constant(0, kind)
        first = next((part for part in parts if not part[1]), None)
        if first is None:
            parts.insert(0, (self.constant(0, kind), False))
        else:
            parts.remove(first)
            parts.insert(0, first)
        total = self.as_type(parts[0][0], kind)
        for number, (term, negative) in enumerate(parts[1:], start=2):
            last = output if number == len(parts) else None
            total = self.step("sub" if negative else "add", (total, self.as_type(term, kind)), kind, output=last)
        if len(parts) == 1 and output is not None:
            return self.step("add", (total, self.constant(0, kind)), kind, output=output)
        return total
