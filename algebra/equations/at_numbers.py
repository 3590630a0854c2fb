"""An equation solved once for letters, and asked at numbers: shapes and counts in Python's integers, without any algebra.

A network has many layers that differ in their sizes alone. The first few of a kind are solved by themselves; then letters stand in the place
of the numbers, equal ones for equal numbers (see `programs`), and what comes out is kept as functions of integers. Questions that are open
for letters are asked of the numbers; where one fails, and where anything is of another form, the layer is solved by itself, which says what
is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from functools import lru_cache
from typing import Any

from sympy import Dummy, Expr, Integer

from ..errors import LayerAlgebraError
from ..records import dataclass
from ..sizes.whole_numbers import Function, of_whole_numbers
from .programs import MOST_LETTERS, MOST_PROGRAMS, Lettered, OpenQuestions, free_fields, in_letters, stated
from .protocol import StatesEquation
from .requirements import Requirements, Shape

SOLVED_BEFORE = 5
"""How many layers that differ in their sizes alone are solved by themselves: less work than solving for letters."""

Key = tuple[object, ...]


@dataclass
class Program:
    """What a layer says of letters, as functions of the numbers in their place."""

    made: Any
    letters: Sequence[Dummy]
    sizes: Function
    """The questions that are open, as numbers that must not be negative; then the sizes in the order of `places`."""
    questions: int
    places: Mapping[str, tuple[int, ...]]
    counts: dict[object, Function | None] = field(default_factory=dict)

    def shapes(self, numbers: Sequence[int]) -> dict[str, Shape] | None:
        """The shapes of all tensors; None where the layer is refused."""
        found = self.sizes(numbers)
        if found is None or any(value < 0 for value in found[: self.questions]):
            return None
        made = [Integer(value) for value in found]
        return {name: tuple([made[place] for place in places]) for name, places in self.places.items()}

    def count(self, key: object, numbers: Sequence[int], formulas: Callable[[], Sequence[Expr]]) -> list[int] | None:
        """Numbers that are counted by formulas of the letters, which are kept under a key; None where they are of another form."""
        if key not in self.counts:
            self.counts[key] = of_whole_numbers(self.letters, formulas())
        function = self.counts[key]
        return None if function is None else function(numbers)


@dataclass
class _Kind:
    """Layers that differ in their sizes alone."""

    asked: int = 0
    program: Program | None = None


def by_numbers(
    layer: StatesEquation, inputs: tuple[Shape, ...], solved: Callable[..., Any]
) -> tuple[Program, tuple[int, ...], dict[str, Shape]] | None:
    """The program of a layer, the numbers for its letters and the shapes; None where there is none, and where it is refused."""
    if isinstance(layer, Lettered) or layer.opaque:
        return None
    numbers: dict[int, int] = {}
    shapes: list[tuple[int, ...]] = []
    for shape in inputs:
        own = []
        for size in shape:
            if not isinstance(size, Integer):
                return None
            own.append(_place(size, numbers))
        shapes.append(tuple(own))
    values: list[object] = []
    free = free_fields(type(layer), layer.parsed)
    for name, value in layer.values.items():
        if name in free and isinstance(value, Expr):
            if not isinstance(value, Integer):
                return None
            value = (_place(value, numbers),)
        values.append(value)
    kind = _kind((*stated(layer), tuple(shapes), tuple(values)))
    kind.asked += 1
    if kind.asked <= SOLVED_BEFORE or len(numbers) > MOST_LETTERS:
        return None
    if kind.asked == SOLVED_BEFORE + 1:
        kind.program = _program(layer, inputs, solved)
    if kind.program is None:
        return None
    given = tuple(numbers)
    found = kind.program.shapes(given)
    return None if found is None else (kind.program, given, found)


def _place(size: Integer, numbers: dict[int, int]) -> int:
    """Which letter stands for a number; 0 and 1 stay, of which more is known than of any other, and so do negative ones."""
    number = int(size)
    return numbers.setdefault(number, len(numbers)) if number > 1 else number - 2


@lru_cache(maxsize=MOST_PROGRAMS)
def _kind(key: Key) -> _Kind:
    return _Kind()


def _program(layer: StatesEquation, inputs: tuple[Shape, ...], solved: Callable[..., Any]) -> Program | None:
    lettered, shapes, letters = in_letters(layer, inputs)
    asked = OpenQuestions(lettered, shapes)
    try:
        made = solved(lettered, shapes, asked)
    except (LayerAlgebraError, TypeError, ValueError):
        return None
    if made.recurrent or made.given:
        return None
    questions: list[Expr] = []
    for question, about in asked.questions:
        needed = _needed(question, about)
        if needed is None:
            return None
        questions += needed
    sizes = list(dict.fromkeys(size for shape in made.shapes.values() for size in shape))
    at = {size: len(questions) + place for place, size in enumerate(sizes)}
    function = of_whole_numbers(list(letters.values()), [*questions, *sizes])
    if function is None:
        return None
    places = {name: tuple(at[size] for size in shape) for name, shape in made.shapes.items()}
    return Program(made, list(letters.values()), function, len(questions), places)


def _needed(question: Callable[..., None], about: Iterable[Any]) -> list[Expr] | None:
    """Integers that are at least 0 where a question has a good answer; None for those that are no comparison of sizes."""
    asked, (first, *rest) = getattr(question, "__name__", ""), about
    if question is not getattr(getattr(Requirements, asked, None), "__wrapped__", None):
        return None
    if asked == "whole":
        return [first * first]
    if asked == "size":
        return [first - 1]
    if asked == "at_least":
        return [first - rest[0]]
    if asked == "equal":
        return [-((first - rest[0]) ** 2)]
    return None
