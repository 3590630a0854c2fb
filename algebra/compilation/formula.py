"""A set of formulas as one program: results, what each of them is, and the conditions under which they hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Symbol

from .bounds import Interval
from .dag import Dag
from .domains import parity, split
from .lowering import Lowering
from .program import Program
from .rationals import Truth


@dataclass(frozen=True)
class Formulas:
    """One program for several formulas.

    Attributes
    ----------
    program : Program
        Its outputs are the results, then the conditions.
    kinds : tuple of str
        For each result ``integer``, ``rational``, ``real`` or ``truth``.
    conditions : tuple of tuple of int
        For each result, which of the conditions it needs.
    messages : tuple of str
        Each condition in words.
    ranges : tuple of Interval
        For each input of the program, the admissible integers.
    """

    program: Program
    kinds: tuple[str, ...]
    conditions: tuple[tuple[int, ...], ...]
    messages: tuple[str, ...]
    ranges: tuple[Interval, ...]

    @property
    def count(self) -> int:
        return len(self.kinds)


def lower(
    expressions: Sequence[Any], symbols: Sequence[Symbol], domain: Any, reals: frozenset[Symbol] = frozenset()
) -> Formulas:
    """The program of several expressions; the inputs are the symbols, in order."""
    ranges, others = split(domain, symbols)
    dag = Dag()
    tops = [dag.read(expression) for expression in expressions]
    tests = [dag.read(condition) for condition in others]
    lowering = Lowering(dag, ranges, reals)
    for symbol in symbols:
        lowering._symbol(symbol)
    values = lowering.lower([*tops, *tests])
    program = lowering.program
    everywhere = set()
    for condition, value in zip(others, values[len(tops) :], strict=True):
        assert isinstance(value, Truth)
        everywhere |= value.valid
        everywhere.add(lowering.condition(value.place, str(condition)))
    for symbol in symbols:
        remainder = parity(symbol)
        if remainder is not None and symbol not in reals:
            place = program.input(symbol, ranges[symbol])
            rest = program.op("mod", (place, program.const(2)))
            test = program.compare("eq", rest, program.const(remainder))
            everywhere.add(lowering.condition(test, f"{symbol} is {'odd' if remainder else 'even'}"))
    places, kinds = [], []
    for value in values[: len(tops)]:
        place, kind = lowering.result(value)
        places.append(place)
        kinds.append(kind)
    needs = [sorted(value.valid | everywhere) for value in values[: len(tops)]]
    tested = sorted(set().union(*needs)) if needs else []
    messages = tuple(program.remarks.get(place, "the formula is defined") for place in tested)
    numbers = {place: number for number, place in enumerate(tested)}
    return Formulas(
        program.with_outputs([*places, *tested]),
        tuple(kinds),
        tuple(tuple(numbers[place] for place in need) for need in needs),
        messages,
        tuple(ranges[symbol] for symbol in symbols),
    )
