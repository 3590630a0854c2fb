"""Flat programs: a list of operations on integers, truth values and floats, each subexpression once, operands first.

========== =========================================== =====================================================
type       operations                                  remarks
========== =========================================== =====================================================
integer    input const add mul square floordiv mod     ``add`` has coefficients and a constant, ``mul`` a
           quotient abs sign min max where intpow      coefficient; floors round down and a remainder has the
           ilog iroot realfloor call loop              sign of the divisor; a divisor is never 0; ``call`` has
                                                       the `Rule` of a function
truth      lt le eq ne and or not loop                 0 and 1; operands are all integers or all floats
float      input const ratio logratio                  ``ratio`` is the float nearest to a quotient of integers
           call add mul pow func max min abs sign where
           loop
========== =========================================== =====================================================

``quotient`` is an integer where the division is exact, and a fraction otherwise. Adding an operation computes its
bounds, so that what is always true, or always the same number, disappears while the program is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from functools import lru_cache
from math import inf
from typing import Any

from sympy import Expr, Symbol

from ...records import dataclass
from ...sizes.intervals import ANYTHING
from .integer_bounds import TRUTH, Interval
from .operations import OPERATIONS, interval


@dataclass(frozen=True, eq=False)
class Loop:
    """A sum, product or conjunction over an index, the first input of the program of one term."""

    kind: str  # sum, product or all
    program: "Program"
    symbols: tuple[Symbol, ...]  # the other inputs, in order


@dataclass(frozen=True)
class RealFloor:
    """A float that is rounded down (or up); the expression decides where the float is too near to an integer."""

    expression: Expr
    symbols: tuple[Symbol, ...]
    up: bool


@dataclass
class Program:
    """Operations in order; the operand of one is the place of an earlier one.

    Attributes
    ----------
    ops, args, values, types, bounds, whole
        What each operation is, the places of its operands, its constants, ``int``, ``bool`` or ``float``, an interval
        that holds for all admissible arguments, and whether it is known to be an integer.
    inputs : list of sympy.Symbol
        The arguments.
    outputs : list of int
        The places of the results.
    remarks : dict
        For a truth value that guards a result: the condition in words.
    """

    ops: list[str] = field(default_factory=list)
    args: list[tuple[int, ...]] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    bounds: list[Interval] = field(default_factory=list)
    whole: list[bool] = field(default_factory=list)
    inputs: list[Symbol] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    remarks: dict[int, str] = field(default_factory=dict)
    _places: dict[tuple, int] = field(default_factory=dict, repr=False)
    _numbers: dict[Symbol, int] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.ops)

    # -- writing -------------------------------------------------------------------------------------------------

    def _append(self, op: str, args: tuple[int, ...], value: Any, kind: str, bounds: Interval) -> int:
        key = (op, args, value, kind)
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = len(self.ops)
            self.ops.append(op)
            self.args.append(args)
            self.values.append(value)
            self.types.append(kind)
            self.bounds.append(bounds)
            self.whole.append(self._is_whole(op, args, value))
        return place

    def _is_whole(self, op: str, args: tuple[int, ...], value: Any) -> bool:
        if op == "quotient":
            return False
        if op == "loop":
            return value.kind == "all" or value.program.whole[value.program.outputs[0]]
        return OPERATIONS[op].whole or all([self.whole[arg] for arg in args])

    def input(self, symbol: Symbol, bounds: Interval = ANYTHING, kind: str = "int") -> int:
        """The place of an argument."""
        number = self._numbers.setdefault(symbol, len(self.inputs))
        if number == len(self.inputs):
            self.inputs.append(symbol)
        return self._append("input", (), number, kind, bounds)

    def const(self, value: int) -> int:
        return self._append("const", (), value, "int", (value, value))

    def truth(self, value: bool) -> int:
        return self._append("const", (), int(value), "bool", (int(value), int(value)))

    def number(self, value: float) -> int:
        return self._append("const", (), float(value), "float", ANYTHING)

    def op(self, op: str, args: Sequence[int], value: Any = None, kind: str = "int") -> int:
        """The place of an operation on integers or truth values; a constant if its bounds leave one value."""
        operands = tuple(args)
        key = (op, operands, value, kind)
        place = self._places.get(key)
        if place is not None:
            return place
        if op == "where" and self.bounds[operands[0]] in ((0, 0), (1, 1)):
            return operands[1] if self.bounds[operands[0]][0] else operands[2]
        compares_floats = OPERATIONS[op].truth and operands and self.types[operands[0]] == "float"
        if kind == "float" or op == "realfloor" or compares_floats:
            bounds = TRUTH if compares_floats else ANYTHING
        else:
            bounds = interval(op, value, [self.bounds[arg] for arg in operands])
            if bounds[0] == bounds[1] and op != "quotient":
                return self.const(bounds[0]) if kind == "int" else self.truth(bool(bounds[0]))
        return self._append(op, operands, value, kind, bounds)

    def compare(self, op: str, left: int, right: int) -> int:
        return self.op(op, (left, right), None, "bool")

    def both(self, conditions: Sequence[int], op: str = "and") -> int:
        """The conjunction (or with ``op="or"`` the disjunction) of truth values."""
        neutral = op == "and"
        kept = []
        for condition in conditions:
            if self.bounds[condition] == (int(not neutral),) * 2:
                return self.truth(not neutral)
            if self.bounds[condition] != (int(neutral),) * 2 and condition not in kept:
                kept.append(condition)
        if not kept:
            return self.truth(neutral)
        return kept[0] if len(kept) == 1 else self.op(op, kept, None, "bool")

    def negation(self, condition: int) -> int:
        return self.op("not", (condition,), None, "bool")

    # -- reading -------------------------------------------------------------------------------------------------

    def analyse(self, inputs: Sequence[Interval]) -> list[Interval]:
        """Bounds of every operation when the arguments are within these; never wider than the static ones."""
        found: list[Interval] = []
        for op, args, value, kind, static in zip(
            self.ops, self.args, self.values, self.types, self.bounds, strict=True
        ):
            if kind == "float" or op in ("const", "realfloor"):
                found.append(static)
                continue
            if op == "input":
                low, high = inputs[value]
            elif kind == "bool" and args and self.types[args[0]] == "float":
                low, high = TRUTH
            else:
                low, high = interval(op, value, [found[arg] for arg in args])
            found.append((max(low, static[0]), min(high, static[1])))
        return found

    def input_types(self) -> list[str]:
        """``int`` or ``float`` for every input."""
        found = ["int"] * len(self.inputs)
        for op, value, kind in zip(self.ops, self.values, self.types, strict=True):
            if op == "input":
                found[value] = kind
        return found

    def output_bounds(self, inputs: Sequence[Interval]) -> Interval:
        """Bounds of the first result."""
        return self.analyse(inputs)[self.outputs[0]]

    def uses(self) -> list[int]:
        """How many operations and results need each place."""
        counts = [0] * len(self.ops)
        for args in self.args:
            for arg in set(args):
                counts[arg] += 1
        for output in self.outputs:
            counts[output] += 1
        return counts

    def with_outputs(self, outputs: Sequence[int]) -> "Program":
        """A program of these results, without what they do not need; the arguments stay."""
        needed = set(outputs)
        for place in range(len(self.ops) - 1, -1, -1):
            if place in needed:
                needed.update(self.args[place])
        places = {old: new for new, old in enumerate(sorted(needed))}
        result = Program(inputs=list(self.inputs), outputs=[places[output] for output in outputs])
        for old in sorted(needed):
            result._append(
                self.ops[old],
                tuple(places[arg] for arg in self.args[old]),
                self.values[old],
                self.types[old],
                self.bounds[old],
            )
        result.remarks = {places[old]: text for old, text in self.remarks.items() if old in places}
        return result


def widened(inputs: Mapping[Any, Interval] | Sequence[Interval]) -> tuple[Interval, ...]:
    """Intervals widened to powers of two, so that what is shown for one call serves the next ones too."""
    return tuple(_widened(bounds) for bounds in inputs)


@lru_cache(maxsize=4096)
def _widened(bounds: Interval) -> Interval:
    low, high = bounds
    if low >= 1 or low in (0, -inf):
        lower = min(low, 1)
    else:
        lower = -(1 << (-low).bit_length())
    return lower, (high if high in (inf, -inf) else 1 << high.bit_length() if high > 0 else 0)
