"""What the two solvers share: a law's obligations are put one by one, and only ``unsat`` counts for a proof."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ...algebra.records import dataclass
from ..law import Law
from ..lowering import Obligation, floors, obligations, with_quotients
from ..printers.latex import latex
from ..samples.search import CONSTANT, failure
from ..statements.quotients import NotLowered
from ..verdict import Certificate, Proved, Refuted, Step, Undecided, Verdict


class Unreadable(Exception):
    """A solver could not read what it was given; whatever else it answered counts for nothing."""


@dataclass(frozen=True)
class Answer:
    """What a solver says of an obligation: ``unsat`` (it holds), ``sat`` (perhaps with values) or ``unknown``."""

    word: str
    how: str
    values: Mapping[str, Any] | None = None


def attempts(obligation: Obligation, limits: Iterable[tuple[str, int]]) -> Iterator[tuple[Obligation, int, str]]:
    """What is asked one after the other: an obligation, so many milliseconds, and which division it has, in words.

    Parameters
    ----------
    limits : iterable of (str, int)
        ``"native"`` for the solver's own division, ``"quotients"`` for inequalities that say what it is, and the limit.
    """
    rounds = any(True for _ in floors(obligation))
    for encoding, limit in limits:
        if rounds or encoding == "native":
            encoded = with_quotients(obligation) if encoding == "quotients" else obligation
            yield encoded, limit, f"{encoding} division" if rounds else "no division"


def answers(output: str) -> list[str]:
    """The solver's words of a run over a script.

    Raises
    ------
    Unreadable
        If there is an error among them. z3 drops an assertion that it cannot parse and answers all the same, so an
        ``unsat`` or ``sat`` after an error says nothing.

    >>> answers("sat\\nunsat\\n")
    ['sat', 'unsat']
    >>> answers('(error "unknown constant x")\\nunsat\\n')
    Traceback (most recent call last):
        ...
    layeralgebra.proofs.provers.smt.Unreadable: (error "unknown constant x")
    """
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for line in lines:
        if "(error" in line:
            raise Unreadable(line)
    return [line for line in lines if line in ("sat", "unsat", "unknown")]


def discharge(law: Law, route: str, ask: Callable[[Obligation], Answer]) -> Verdict:
    """Put all obligations of a law to a solver; the law is proved when each of them is answered ``unsat``."""
    statement = law.arithmetic
    steps: list[Step] = []
    try:
        owed = obligations(law)
    except NotLowered as error:
        return Undecided(str(error))
    for one in owed:
        try:
            answer = ask(one)
        except Unreadable as error:
            return Undecided(f"{route} could not read the obligation {one.name}: {error}")
        if answer.word == "unsat":
            given = r" \land ".join(latex(each) for each in one.hypotheses)
            steps.append(
                Step(rf"{given} \vdash {latex(one.goal)}" if given else latex(one.goal), f"{one.name}, {answer.how}")
            )
            continue
        if answer.word == "sat" and one.faithful and answer.values is not None:
            # An obligation may speak of fewer variables than the law: any value will do for the others.
            free: dict[str, Any] = {variable.name: variable.least or 0 for variable in statement.variables}
            free |= dict.fromkeys(statement.sequences, CONSTANT)
            witness = failure(statement, {**free, **answer.values})
            if witness is not None:
                return Refuted(witness)
        said = "finds a countermodel, which proves nothing after abstraction," if answer.word == "sat" else "gives up"
        return Undecided(f"{route} {said} on the obligation {one.name} ({answer.how})")
    ways = ", ".join(dict.fromkeys(step.reason.partition(", ")[2] for step in steps))
    count = f"{len(steps)} obligation{'s' if len(steps) != 1 else ''}"
    return Proved(Certificate(route, f"{count} unsatisfiable when negated ({ways})", tuple(steps)))
