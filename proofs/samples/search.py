"""Looking for sizes at which a statement fails, smallest first. A search refutes; it never proves.

>>> from layeralgebra.proofs.statements.statement import Statement
>>> from layeralgebra.proofs.statements.term import Var
>>> n, s = Var("n", least=0), Var("s", least=1)
>>> print(counterexample(Statement((n, s), (), (), (n // s * s,), "=", (n,))))
n=1, s=2: 0 = 1 is false
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from ...algebra.errors import BudgetError
from ...algebra.records import dataclass
from ..statements.evaluate import Undefined, Values, evaluate, holds
from ..statements.statement import Statement
from ..statements.term import Var
from ..verdict import Witness

#: How many choices of sizes are tried.
LIMIT = 40_000
#: How many different values of one variable.
_REACH = 24
#: How many more choices are tried for a witness with values, once there is one without.
_MORE = 4000


@dataclass(frozen=True, slots=True)
class Sample:
    """A function that stands for an unknown sequence, with a name that a reader understands."""

    name: str
    function: Callable[..., int]

    def __call__(self, *arguments: int) -> int:
        return self.function(*arguments)

    def __str__(self) -> str:
        return self.name


#: The sequence that is one everywhere.
CONSTANT = Sample("(j -> 1)", lambda *js: 1)
_SAMPLES = (
    Sample("(j -> j)", lambda *js: sum(js)),
    CONSTANT,
    Sample("(j -> j**2 + 1)", lambda *js: sum(js) ** 2 + 1),
    Sample("(j -> -j)", lambda *js: -sum(js)),
    Sample("(j -> 0)", lambda *js: 0),
)


def choices(statement: Statement) -> Iterator[dict[str, Any]]:
    """Values for all variables and sequences, by increasing size, without end of interest beyond `LIMIT`."""
    names = [one.name for one in statement.variables] + list(statement.sequences)
    ranges: list[tuple[Any, ...]] = [_values(one) for one in statement.variables] + [_SAMPLES] * len(
        statement.sequences
    )
    for total in range(sum(len(values) - 1 for values in ranges) + 1):
        for ranks in _ranks(total, [len(values) - 1 for values in ranges]):
            yield {name: values[rank] for name, values, rank in zip(names, ranges, ranks, strict=True)}


def _values(variable: Var) -> tuple[int, ...]:
    if variable.least is not None:
        return tuple(range(variable.least, variable.least + _REACH))
    return tuple(sorted(range(-(_REACH // 2), _REACH // 2), key=lambda value: (abs(value), value < 0)))


def _ranks(total: int, most: list[int]) -> Iterator[tuple[int, ...]]:
    """All ways to write a total as a sum of ranks, each within its bound."""
    if not most:
        if total == 0:
            yield ()
        return
    for last in range(min(total, most[-1]) + 1):
        for before in _ranks(total - last, most[:-1]):
            yield (*before, last)


def admitted(statement: Statement, values: Values) -> bool:
    """Whether domains and hypotheses hold for these values."""
    return all(holds(one, values) for one in statement.assumptions)


def example(statement: Statement, limit: int = LIMIT) -> dict[str, Any] | None:
    """Sizes that the hypotheses admit, or None when the search found none: then the statement may be vacuous."""
    return next((values for values in islice(choices(statement), limit) if admitted(statement, values)), None)


def counterexample(statement: Statement, limit: int = LIMIT) -> Witness | None:
    """The smallest sizes found at which the statement fails, or None (which shows nothing).

    Sizes at which both sides have values and differ are preferred to sizes at which one has none.
    """
    undefined, left = None, limit
    for values in choices(statement):
        found = failure(statement, values)
        if found is not None and not found.note:
            return found
        if found is not None and undefined is None:
            undefined, left = found, min(left, _MORE)
        left -= 1
        if left <= 0:
            break
    return undefined


def failure(statement: Statement, values: Values) -> Witness | None:
    """A witness when these values are admitted and the statement fails for them, or has no value there."""
    try:
        if not admitted(statement, values):
            return None
        for goal, left, right in zip(statement.goals, statement.left, statement.right, strict=True):
            try:
                if evaluate(goal, values):
                    continue
                return _witness(statement, values, evaluate(left, values), evaluate(right, values))
            except Undefined as error:
                return _witness(statement, values, None, None, str(error))
    except BudgetError:
        return None
    return None


def _witness(statement: Statement, values: Values, left: object, right: object, note: str = "") -> Witness:
    names = [one.name for one in statement.variables] + list(statement.sequences)
    shown: Mapping[str, object] = {name: values[name] for name in names}
    return Witness(tuple(shown.items()), statement.relation, left, right, note)
