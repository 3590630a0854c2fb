"""The z3 route: each obligation's contrary is unsatisfiable, by the SMT solver z3, in process and within a time limit.

Floors are given to z3 twice when need be: as its own division, and as quotients with the inequalities that define
them. The two encodings are strong in different places.
"""

from __future__ import annotations

from typing import Any

from ..law import Law
from ..lowering import Lowering, Obligation
from ..printers.to_z3 import ToZ3
from ..samples.search import CONSTANT, admitted, failure
from ..statements.quotients import NotLowered
from ..statements.statement import Statement
from ..statements.term import And
from ..verdict import Verdict, Witness
from .smt import Answer, attempts, discharge

#: Attempts in order: encoding and time limit in milliseconds.
ATTEMPTS = (("native", 500), ("quotients", 5000), ("native", 20000))


def prove(law: Law) -> Verdict:
    """Prove or refute a law with z3.

    Parameters
    ----------
    law : Law

    Returns
    -------
    Proved, Refuted or Undecided
        Refuted only with sizes at which the evaluator confirms it; Undecided when z3 says ``unknown``.
    """
    return discharge(law, "z3", ask)


def ask(obligation: Obligation) -> Answer:
    """z3's answer to the contrary of an obligation."""
    import z3

    answer = Answer("unknown", "no attempt")
    for encoded, limit, how in attempts(obligation, ATTEMPTS):
        solver, write = _solver(limit)
        solver.add([write(one) for one in encoded.hypotheses])
        solver.add(z3.Not(write(encoded.goal)))
        word = str(solver.check())
        values = _values(solver.model(), obligation) if word == "sat" else None
        answer = Answer(word, how, values)
        if word != "unknown":
            return answer
    return answer


def _solver(limit: int) -> tuple[Any, ToZ3]:
    import z3

    solver = z3.Solver()
    solver.set("timeout", limit)
    return solver, ToZ3()


def _values(model: Any, obligation: Obligation) -> dict[str, Any] | None:
    """Integers for the variables of an obligation; None when it has unknown functions, which are not read back."""
    if obligation.sequences:
        return None
    write = ToZ3()
    return {
        one.name: model.eval(write.variable(one.name), model_completion=True).as_long() for one in obligation.variables
    }


def _model(statement: Statement, obligation: Obligation, *, negated: bool, limit: int) -> dict[str, Any] | None:
    import z3

    try:
        lowered = Lowering(obligation).result()
    except NotLowered:
        return None
    solver, write = _solver(limit)
    solver.add([write(one) for one in lowered.hypotheses])
    if negated:
        solver.add(z3.Not(write(lowered.goal)))
    if solver.check() != z3.sat:
        return None
    found: dict[str, Any] = {
        one.name: solver.model().eval(write.variable(one.name), model_completion=True).as_long()
        for one in statement.variables
    }
    return {**found, **dict.fromkeys(statement.sequences, CONSTANT)}


def admitted_sizes(statement: Statement, limit: int = 2000) -> dict[str, Any] | None:
    """Sizes that meet the hypotheses, found by z3 and checked by the evaluator; None when there are none in sight."""
    found = _model(statement, Obligation("sizes", statement.assumptions, And(())), negated=False, limit=limit)
    return found if found is not None and admitted(statement, found) else None


def counterexample(statement: Statement, limit: int = 4000) -> Witness | None:
    """Sizes at which a statement fails, found by z3 and confirmed by the evaluator; None shows nothing."""
    for goal in statement.goals:
        found = _model(statement, Obligation("goal", statement.assumptions, goal), negated=True, limit=limit)
        witness = failure(statement, found) if found is not None else None
        if witness is not None:
            return witness
    return None
