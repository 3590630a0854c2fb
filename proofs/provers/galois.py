r"""The Galois route: two integers are equal when the same integers lie below them.

Rounding and extrema disappear from ``y <= term`` one at a time, each by an equivalence that holds for all integers:

- ``y <= floor(u/d)`` iff ``d*y <= u``, and ``floor(u/d) <= y`` iff ``u <= d*y + d - 1`` (``d`` positive);
- ``y <= ceil(u/d)`` iff ``d*y <= u + d - 1``, and ``ceil(u/d) <= y`` iff ``u <= d*y``;
- ``y <= min(a, b)`` iff ``y <= a`` and ``y <= b``; for a maximum *or* stands for *and*; from above the two change
  places;
- a choice is the one branch under its condition or the other under the contrary.

A chain of floors becomes one polynomial inequality in this way, and two chains are equal when the inequalities are.
"""

from __future__ import annotations

from itertools import product

from sympy.polys.rings import PolyElement

from ..law import Law
from ..printers.latex import latex
from ..statements.term import Formula, Iff, Relation, Var, free_names, fresh_name
from ..verdict import Certificate, Proved, Step, Undecided, Verdict
from .opening import NotInteger, Opening, Tree, show
from .own import Problem, pose

#: Most conjunctions or clauses that a formula may fall into.
_MOST = 256


def prove(law: Law) -> Verdict:
    """Decide equations, inequalities and equivalences of terms with floors, ceilings, extrema and choices.

    Parameters
    ----------
    law : Law

    Returns
    -------
    Proved or Undecided
    """
    statement = law.arithmetic
    taken = frozenset(one.name for one in statement.variables)
    taken |= frozenset[str]().union(*(free_names(node) for node in (*statement.left, *statement.right)))
    below = Var(fresh_name("y", taken))
    reason = ""
    # First as written, which reads better; then with multiples pulled out of floors and powers split.
    for extract in (False, True):
        problem = pose(law, extract=extract, further=[below])
        if problem.owed:
            return Undecided(f"not shown: {problem.owed}")
        try:
            found = [_component(problem, goal, below) for goal in problem.statement.goals]
        except NotInteger as error:
            return Undecided(str(error))
        if None not in found:
            steps = tuple(step for steps in found for step in steps)  # type: ignore[union-attr]
            return Proved(Certificate("galois", "the same integers lie below both sides", steps))
        reason = repr(problem.statement.goals[found.index(None)])
    return Undecided(f"opening roundings and extrema does not decide {reason}")


def _component(problem: Problem, goal: Formula, below: Var) -> list[Step] | None:
    ring, facts = problem.ring, problem.facts
    if isinstance(goal, Iff):
        first, second = goal.args
    elif isinstance(goal, Relation) and goal.relation != "!=":
        low, high = (goal.left, goal.right) if goal.relation in ("<=", "<", "=") else (goal.right, goal.left)
        if goal.relation in ("<", ">"):
            if not (facts.integral(ring.of(low)) and facts.integral(ring.of(high))):
                return None
            low = low + 1
        first, second = below <= low, below <= high
    else:
        return None
    one, other = Opening(ring, facts, first), Opening(ring, facts, second)
    given = [Opening(ring, facts, hypothesis).tree for hypothesis in problem.statement.hypotheses]
    cases = _Cases(problem, [*one.divisors, *other.divisors])
    if not cases.entails([one.tree, *given], other.tree):
        return None
    both = not isinstance(goal, Relation) or goal.relation == "="
    if both and not cases.entails([other.tree, *given], one.tree):
        return None
    if both and one.tree == other.tree:
        return [*one.steps, *_backwards(other.steps)]
    joint = r"\iff" if both else r"\implies"
    words = "by comparing the inequalities" + (" under the hypotheses" if problem.statement.hypotheses else "")
    return [*one.steps, Step(f"{joint} {latex(show(ring, other.tree))}", words), *_backwards(other.steps)]


def _backwards(steps: list[Step]) -> list[Step]:
    """The chain of equivalences from its end to its start."""
    lines = []
    for before, after in zip(reversed(steps[:-1]), reversed(steps[1:]), strict=True):
        formula = before.formula.removeprefix(r"\iff ")
        lines.append(Step(rf"\iff {formula}", after.reason))
    return lines


class _Cases:
    """Entailment between formulas whose literals are polynomials that are at least zero."""

    def __init__(self, problem: Problem, divisors: list[PolyElement]):
        self.facts = problem.facts
        ring = problem.ring
        positive = [ring.of(one) for one in ring.atoms if isinstance(one, Var) and (one.least or 0) > 0]
        found = dict.fromkeys([ring.ring.one, *divisors, *positive])
        self.factors = [*found, *(a * b for a, b in product(divisors, repeat=2) if a * b not in found)]

    def entails(self, premises: list[Tree], conclusion: Tree) -> bool:
        """Whether the conclusion holds wherever all premises do, seen literal by literal."""
        cases = _conjunctions(("all", tuple(premises)))
        clauses = _clauses(conclusion)
        if cases is None or clauses is None:
            return False
        return all(self._covers(case, clause) for case in cases for clause in clauses)

    def _covers(self, case: frozenset[PolyElement], clause: frozenset[PolyElement]) -> bool:
        if case & clause or any(self.facts.nonnegative(q) for q in clause):
            return True
        if any(self._follows(p, q) for p in case for q in clause):
            return True
        return self.facts.contradictory([*case, *(-q - 1 for q in clause)])

    def _follows(self, p: PolyElement, q: PolyElement) -> bool:
        """Whether ``p >= 0`` gives ``q >= 0``: q exceeds a multiple of p, or p one of q by less than a step."""
        for factor in self.factors:
            if self.facts.nonnegative(q - factor * p):
                return True
            if factor != 1 and self.facts.positive(factor) and self.facts.nonnegative(factor - 1 - (p - factor * q)):
                return True
        return False


def _conjunctions(tree: Tree) -> list[frozenset[PolyElement]] | None:
    """The tree as a disjunction of conjunctions; None when there are too many."""
    return _flatten(tree, "all")


def _clauses(tree: Tree) -> list[frozenset[PolyElement]] | None:
    """The tree as a conjunction of disjunctions; None when there are too many."""
    return _flatten(tree, "any")


def _flatten(tree: Tree, inner: str) -> list[frozenset[PolyElement]] | None:
    if not isinstance(tree, tuple):
        return [frozenset((tree,))]
    head, parts = tree
    flat = [_flatten(part, inner) for part in parts]
    if any(one is None for one in flat):
        return None
    if head == inner:
        found: list[frozenset[PolyElement]] = [frozenset()]
        for one in flat:
            found = [a | b for a in found for b in one]  # type: ignore[union-attr]
            if len(found) > _MOST:
                return None
    else:
        found = [a for one in flat for a in one]  # type: ignore[union-attr]
    found = list(dict.fromkeys(found))
    return [a for a in found if not any(b < a for b in found)] if len(found) <= _MOST else None
