"""Every hyperparameter of every published network in turn a formula in a symbol, beside the same network built on numbers.

The numbers are drawn around the published value and from the smallest ones, those that the builder refuses as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

from sympy import Integer, Rational

import layeralgebra as la
from layeralgebra.layers.zoo.families import families
from oracles.symbols_for_numbers import Tally

SYMBOL = la.dims("x")

#: Formulas that stand for a size, and for a factor.
SIZES: dict[str, Callable[[Any], Any]] = {
    "x": lambda x: x,
    "x - 1": lambda x: x - 1,
    "x/2": lambda x: x / 2,
    "3*x": lambda x: 3 * x,
}
FACTORS: dict[str, Callable[[Any], Any]] = {
    "x": lambda x: x,
    "x/16": lambda x: x / 16,
    "1/x": lambda x: 1 / x,
}
#: What the builders take for a hyperparameter that is None by default.
ELSEWHERE = {
    "length": 8, "hidden": 16, "key_value_heads": 4, "head_features": 8, "reach": 5, "experts": 4, "active": 2,
    "rank": 4, "group_width": 4, "widths": 48, "depths": 3,
}  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """A hyperparameter of a published network, the place in it where it is a tuple, and the formula that stands there."""

    member: str
    word: str
    place: int | None
    form: str

    def __str__(self) -> str:
        at = "" if self.place is None else f"[{self.place}]"
        return f"{self.member}: {self.word}{at} = {self.form}"

    @property
    def published(self) -> Any:
        return la.zoo.info(self.member).hyperparameters[self.word]

    @property
    def usual(self) -> Any:
        value = self.published if self.place is None else self.published[self.place]
        return ELSEWHERE.get(self.word, 4) if value is None else value

    def change(self, x: Any) -> dict[str, Any]:
        """The changed hyperparameter, of the symbol or of a number."""
        value = {**SIZES, **FACTORS}[self.form](x)
        if self.place is None:
            return {self.word: value}
        return {self.word: tuple(value if at == self.place else own for at, own in enumerate(self.published))}

    def derive(self, metric: str, x: Any) -> la.Derivation:
        return la.derive(metric, la.zoo.build(self.member, **self.change(x)))

    def points(self, random: Random, count: int) -> Iterator[int]:
        """Where the formula is the published value, near there, and the smallest numbers."""
        form = {**SIZES, **FACTORS}[self.form]
        usual = Rational(str(self.usual)) if isinstance(self.usual, float) else Integer(self.usual)
        home = next((n for n in range(1, 4000) if form(Integer(n)) == usual), None)
        if home is not None:
            yield home
        for _ in range(count - 1):
            near = home is not None and home < 2000 and random.random() < 0.5
            yield max(1, home + random.randint(-4, 4)) if near else random.randint(1, 12)


def choices(members: Callable[[list[str]], list[str]] = list) -> list[Choice]:
    """All of them; flags, words, and numbers that a builder needs as such are no sizes."""
    found = []
    for own in families().values():
        for member in members(list(own.published)):
            for word, value in la.zoo.info(member).hyperparameters.items():
                if isinstance(value, (bool, str)) or word in own.literal or word in ("epsilon", "rotary_base"):
                    continue
                factor = word.endswith("_factor") or isinstance(value, float)
                places: list[int | None] = list(range(len(value))) if isinstance(value, tuple) else [None]
                found += [Choice(member, word, at, form) for at in places for form in (FACTORS if factor else SIZES)]
    return found


def compared(choice: Choice, metric: str, random: Random, count: int, tally: Tally) -> None:
    """Some points of one choice; one that is refused as a formula is refused at every number, or noted as narrow."""
    try:
        derived = choice.derive(metric, SYMBOL)
    except la.LayerAlgebraError as error:
        tally.outcomes["refused as a formula"] += 1
        tally.narrow[f"{choice}: {type(error).__name__}: {str(error)[:200]}"] += 1
        return
    for x in choice.points(random, count):
        tally.compare(f"{metric} of {choice}", derived, {SYMBOL: x}, partial(choice.derive, metric, Integer(x)))
