"""The field route: an identity of exact quotients, decided in a field of rational functions.

Denominators are shown to be non-zero first; where they are not, two equal fractions may differ by having no value.
"""

from __future__ import annotations

from typing import Any

from sympy import QQ
from sympy.polys.fields import FracField
from sympy.polys.orderings import lex

from ..law import Law
from ..printers.latex import latex
from ..statements.polynomial import MAX_EXPONENT, Polynomials
from ..statements.term import Add, Const, Div, Mul, Pow, Relation, Term
from ..verdict import Certificate, Proved, Step, Undecided, Verdict
from .own import pose


def prove(law: Law) -> Verdict:
    """Decide equalities of terms built with ``+ - * /`` and constant powers over any atoms.

    Parameters
    ----------
    law : Law

    Returns
    -------
    Proved or Undecided
    """
    problem = pose(law, extract=True)
    if problem.owed:
        return Undecided(f"not shown: {problem.owed}")
    steps: list[Step] = []
    for goal in problem.statement.goals:
        if not (isinstance(goal, Relation) and goal.relation == "="):
            return Undecided("the field route decides equations only")
        fractions = _Fractions(problem.ring)
        left, right = fractions.of(goal.left), fractions.of(goal.right)
        if left != right:
            return Undecided(f"the field does not decide {goal!r}")
        common = rf"\frac{{{latex(fractions.term(left.numer))}}}{{{latex(fractions.term(left.denom))}}}"
        steps += [Step(latex(goal.left), ""), Step(f"= {common}", "in lowest terms")]
        steps.append(Step(f"= {latex(goal.right)}", "whose lowest terms are the same"))
    return Proved(
        Certificate("field", "both sides are one fraction in lowest terms, over integers and reals alike", tuple(steps))
    )


class _Fractions:
    """Rational functions over the atoms of a ring."""

    def __init__(self, ring: Polynomials):
        self.ring = ring
        self.field = FracField([str(one) for one in ring.ring.symbols], QQ, lex)

    def of(self, term: Term) -> Any:
        match term:
            case Add(args):
                return sum((self.of(one) for one in args), self.field.zero)
            case Mul(args):
                product = self.field.one
                for one in args:
                    product = product * self.of(one)
                return product
            case Div(numerator, denominator):
                return self.of(numerator) / self.of(denominator)
            case Pow(base, Const(value)) if 0 <= value <= MAX_EXPONENT:
                return self.of(base) ** value
        return self.field(self.ring.of(term).set_ring(self.field.ring))

    def term(self, polynomial: Any) -> Term:
        return self.ring.term(polynomial.set_ring(self.ring.ring))
