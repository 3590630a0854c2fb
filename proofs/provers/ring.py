"""The ring route: both sides have the same expansion, or their difference has no negative part.

A polynomial identity over the integers is one between formal polynomials, so expanding both sides decides it. Floors,
sums and powers count as variables once their own identities have been used (see `layeralgebra.proofs.statements.polynomial`).
"""

from __future__ import annotations

from itertools import islice, permutations

from sympy.polys.rings import PolyElement

from ..law import Law
from ..printers.latex import latex, name, sign
from ..statements.term import Relation, Term
from ..verdict import Certificate, Proved, Step, Undecided, Verdict
from .own import Problem, pose


def prove(law: Law) -> Verdict:
    """Decide equalities by expansion, and inequalities by the signs of the difference's coefficients.

    Parameters
    ----------
    law : Law

    Returns
    -------
    Proved or Undecided
        Never refuted: a non-zero polynomial in atoms may still vanish where atoms depend on each other.
    """
    problem = pose(law, extract=True)
    if problem.owed:
        return Undecided(f"not shown: {problem.owed}")
    steps = [Step(rf"{latex_name} = {latex(term)}", "by hypothesis") for latex_name, term in _replaced(problem)]
    summaries = []
    for goal in problem.statement.goals:
        if not isinstance(goal, Relation):
            return Undecided("the ring route has no equivalences")
        found = _component(problem, goal)
        if found is None:
            return Undecided(f"the ring does not decide {goal!r}")
        said, lines = found
        summaries.append(said)
        steps += lines
    return Proved(Certificate("ring", "; ".join(dict.fromkeys(summaries)), tuple(steps)))


def _replaced(problem: Problem) -> list[tuple[str, Term]]:
    return [(name(variable), term) for variable, term in problem.replaced.items()]


def _component(problem: Problem, goal: Relation) -> tuple[str, list[Step]] | None:
    ring, facts = problem.ring, problem.facts
    left, right = ring.of(goal.left), ring.of(goal.right)
    shown = [Step(latex(goal.left), "")]
    if goal.relation == "=":
        if left == right:
            expansion = latex(ring.term(left))
            if latex(goal.left) != expansion != latex(goal.right):
                shown.append(Step(f"= {expansion}", "expanded"))
                shown.append(Step(f"= {latex(goal.right)}", "which has the same expansion"))
            else:
                shown.append(Step(f"= {latex(goal.right)}", "expanded"))
            return "both sides have one expansion", shown
        if vanishes(left - right, problem.equations):
            used = ", ".join(f"${latex(ring.term(one))} = 0$" for one in problem.equations)
            shown.append(Step(f"= {latex(goal.right)}", f"modulo {used}"))
            return "both sides have one expansion modulo what is given", shown
        return None
    low, high = (left, right) if goal.relation in ("<=", "<") else (right, left)
    gap = high - low - (1 if goal.relation in ("<", ">") else 0)
    if goal.relation == "!=":
        if not facts.nonzero(left - right):
            return None
    elif not ((goal.relation in ("<=", ">=") or facts.integral(high - low)) and product_nonnegative(problem, gap)):
        return None
    shown = [Step(latex(goal), ""), Step(rf"\iff {latex(ring.term(high - low))} {_above(goal.relation)}", "")]
    shown.append(Step("", "where every term that is left after the hypotheses are used has a sign that makes it so"))
    return f"the difference is seen to be {sign_words(goal.relation)}", shown


def product_nonnegative(problem: Problem, polynomial: PolyElement) -> bool:
    """Whether a polynomial is seen to be at least zero, whole or factor by factor."""
    if problem.facts.nonnegative(polynomial):
        return True
    if polynomial.is_ground:
        return False
    constant, factors = polynomial.factor_list()
    signs = []
    for factor, power in factors:
        if power % 2:
            if not problem.facts.nonnegative(factor) and not problem.facts.nonnegative(-factor):
                return False
            signs.append(1 if problem.facts.nonnegative(factor) else -1)
    return (constant > 0) == (signs.count(-1) % 2 == 0)


def _above(relation: str) -> str:
    return rf"{sign({'<=': '>=', '<': '>'}.get(relation, relation))} 0"


def sign_words(relation: str) -> str:
    """What the difference of the sides is, in words."""
    return {"!=": "non-zero", "<": "positive", ">": "positive"}.get(relation, "non-negative")


def vanishes(polynomial: PolyElement, equations: tuple[PolyElement, ...]) -> bool:
    """Whether the polynomial is a combination of polynomials that are zero, seen by division in some order."""
    if polynomial == 0:
        return True
    return any(polynomial.rem(list(order)) == 0 for order in islice(permutations(equations), 24) if order)
