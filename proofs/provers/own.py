"""What our own routes share: a ring and facts for a statement, with hypotheses put to use, and what a proof owes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sympy.polys.rings import PolyElement

from ...algebra.records import dataclass
from ..law import Law, lemma_statements
from ..printers.latex import latex
from ..statements.conditions import conditions
from ..statements.polynomial import Polynomials
from ..statements.quotients import cleared
from ..statements.statement import Statement
from ..statements.term import Formula, Node, Relation, Term
from .signs import Facts, at_least_zero, substitutions


@dataclass(frozen=True)
class Problem:
    """A statement in which equations of variables have been put to use, with a ring over its atoms and what is known.

    Attributes
    ----------
    statement : Statement
        After substitution; `replaced` says what was put for which variable.
    equations : tuple of PolyElement
        What is known to be zero: other equations among the hypotheses, and lemmas.
    owed : str
        What could not be shown of what every proof owes, empty when nothing is owed: that divisors are not zero,
        exponents not negative, and lemmas applicable.
    """

    statement: Statement
    replaced: dict[str, Term]
    ring: Polynomials
    facts: Facts
    equations: tuple[PolyElement, ...]
    owed: str


def pose(law: Law, *, extract: bool, further: Iterable[Node] = ()) -> Problem:
    """Set up a law for one of our own routes."""
    statement, lemmas = law.arithmetic, lemma_statements(law)
    replaced = substitutions(statement.hypotheses)
    statement = _put(statement, replaced)
    lemmas = tuple(_put(lemma, replaced) for lemma in lemmas)
    nodes: list[Node] = [*statement.assumptions, *statement.left, *statement.right, *further]
    for lemma in lemmas:
        nodes += [*lemma.assumptions, *lemma.left, *lemma.right]
    owed = [
        (tuple(map(cleared, path)), cleared(condition))
        for side in (*statement.left, *statement.right)
        for path, condition in conditions(side)
    ]
    for path, condition in owed:
        nodes += [*path, condition]
    ring = Polynomials(nodes, extract=extract)
    learnt = [one for lemma in lemmas for one in lemma.goals if isinstance(one, Relation)]
    facts = Facts(ring, [*statement.assumptions, *learnt])
    before = Facts(ring, statement.assumptions) if lemmas else facts
    assumed = set(statement.assumptions)
    open_ = [
        latex(one)
        for path, one in dict.fromkeys(owed)
        if one not in assumed and not shown(Facts(ring, [*statement.assumptions, *path]) if path else before, one)
    ]
    open_ += [
        latex(one) for lemma in lemmas for one in lemma.assumptions if one not in assumed and not shown(before, one)
    ]
    equations = [*statement.hypotheses, *learnt]
    zero = [
        ring.of(one.left) - ring.of(one.right) for one in equations if isinstance(one, Relation) and one.relation == "="
    ]
    return Problem(statement, replaced, ring, facts, tuple(one for one in zero if one), "; ".join(open_))


def _put(statement: Statement, values: dict[str, Term]) -> Statement:
    """Terms for variables; a variable's domain becomes a hypothesis about its term."""
    if not values:
        return statement
    kept = {name: term for name, term in values.items() if name in {one.name for one in statement.variables}}
    present = {one.name: one for one in statement.variables}
    placed = statement.instance(kept)
    # Variables of the law that only an equation mentioned stay declared.
    missing = tuple(one for name, one in present.items() if name not in kept and one not in placed.variables)
    return replace(placed, variables=placed.variables + missing)


def shown(facts: Facts, formula: Formula) -> bool:
    """Whether a relation is seen to hold; anything but a relation is not."""
    if not isinstance(formula, Relation):
        return False
    if formula.relation == "!=":
        return facts.nonzero(facts.ring.of(formula.left) - facts.ring.of(formula.right))
    found = at_least_zero(facts.ring, formula)
    return found is not None and all(facts.nonnegative(one) for one in found)
