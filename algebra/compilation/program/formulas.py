"""A set of formulas as one program: results, what each of them is, and the conditions under which they hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import Symbol

from ...formulas.conditions import Condition
from ...records import dataclass
from .conditions import parity, split, without_indices
from .expressions import Dag
from .integer_bounds import Interval
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
    expressions: Sequence[Any],
    symbols: Sequence[Symbol],
    domain: Sequence[Condition],
    own: Sequence[Sequence[Condition]],
    reals: frozenset[Symbol] = frozenset(),
) -> Formulas:
    """The program of several expressions; the inputs are the symbols, in order.

    Every expression needs the conditions of the domain, and its own ones besides.
    """
    ranges, general = split(domain, symbols)
    dag = Dag()
    tops = [dag.read(expression) for expression in expressions]
    known: dict[Condition, int] = {}
    for condition in [*general, *(condition for conditions in own for condition in conditions)]:
        if condition not in known:
            known[condition] = _read(dag, condition)
    lowering = Lowering(dag, ranges, reals)
    for symbol in symbols:
        lowering.place_of(symbol)
    values = lowering.lower([*tops, *known.values()])
    program = lowering.program
    needs_of: dict[Condition, set[int]] = {}
    for condition, value in zip(known, values[len(tops) :], strict=True):
        assert isinstance(value, Truth)
        needs_of[condition] = set(value.valid)
        if program.bounds[value.place][0] != 1:
            needs_of[condition].add(lowering.condition(value.place, condition.meaning))
    everywhere = set().union(*(needs_of[condition] for condition in general))
    for symbol in symbols:
        remainder = parity(symbol)
        if remainder is not None and symbol not in reals:
            rest = program.op("mod", (lowering.place_of(symbol), program.const(2)))
            test = program.compare("eq", rest, program.const(remainder))
            everywhere.add(lowering.condition(test, f"{symbol} is {'odd' if remainder else 'even'}"))
    places, kinds, needs = [], [], []
    for value, conditions in zip(values[: len(tops)], own, strict=True):
        place, kind = lowering.result(value)
        places.append(place)
        kinds.append(kind)
        needs.append(sorted(everywhere.union(value.valid, *(needs_of[condition] for condition in conditions))))
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


def _read(dag: Dag, condition: Condition) -> int:
    """The node of a condition; one for every value of an index is a conjunction over it."""
    closed = without_indices(condition)
    if closed is not None:
        return dag.read(closed)
    node = dag.read(condition.relation)
    for index, times in reversed(condition.loops):
        node = dag.node("all", (dag.const(0), dag.subtract(dag.read(times), dag.const(1)), node), index)
    return node
