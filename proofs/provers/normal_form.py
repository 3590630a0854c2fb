"""The normal form route: the engine's own `simplify` gives both sides one form.

It asks the code that the library simplifies with, so it also says how far that code reaches; the terms pass through
SymPy, which rewrites while they are built.
"""

from __future__ import annotations

from ...algebra.errors import LayerAlgebraError
from ...algebra.sizes.normal_form import simplify
from ..law import Law
from ..printers.latex import latex
from ..printers.to_sympy import NotInSympy, to_sympy
from ..statements.term import Relation
from ..verdict import Certificate, Proved, Step, Undecided, Verdict
from .own import pose


def prove(law: Law) -> Verdict:
    """Decide equalities whose sides `layeralgebra.algebra.sizes.normal_form.simplify` takes to one expression.

    Parameters
    ----------
    law : Law

    Returns
    -------
    Proved or Undecided
    """
    problem = pose(law, extract=False)
    if problem.owed:
        return Undecided(f"not shown: {problem.owed}")
    steps: list[Step] = []
    for goal in problem.statement.goals:
        if not (isinstance(goal, Relation) and goal.relation == "="):
            return Undecided("the normal form decides equations only")
        try:
            left, right = simplify(to_sympy(goal.left)), simplify(to_sympy(goal.right))
        except NotInSympy as error:
            return Undecided(str(error))
        except LayerAlgebraError as error:
            return Undecided(f"the normal form refuses: {error}")
        if left != right:
            return Undecided(f"the normal forms differ: {left} and {right}")
        steps += [Step(latex(goal), f"both sides have the normal form {left}")]
    return Proved(Certificate("normal_form", "both sides have one normal form", tuple(steps)))
