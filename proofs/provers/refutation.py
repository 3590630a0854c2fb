"""Refuting a statement: sizes at which it fails, by search and then by z3, always confirmed by the evaluator.

>>> from layeralgebra.proofs.statements.statement import Statement
>>> from layeralgebra.proofs.statements.term import Var
>>> n = Var("n", least=1)
>>> print(refute(Statement((n,), (), (), (n * (n - 100),), "!=", (n * 0,))))
refuted: n=100: 0 != 0 is false
"""

from __future__ import annotations

from ...algebra.arguments import checked
from ..samples.search import LIMIT, counterexample
from ..statements.statement import Statement
from ..verdict import Refuted, Undecided
from . import missing, module


@checked
def refute(statement: Statement, limit: int = LIMIT) -> Refuted | Undecided:
    """A witness against a statement, or the admission that none was found.

    Parameters
    ----------
    statement : Statement
    limit : int
        How many sizes the search tries before z3 is asked (where it is installed).

    Returns
    -------
    Refuted or Undecided
        Never proved: that no counterexample was found proves nothing.

    Raises
    ------
    AttributeError
        If `statement` is no `Statement`; of a law, pass ``law.arithmetic``.

    Examples
    --------
    >>> from layeralgebra import proofs
    >>> print(proofs.refute(proofs.named("nested_floor").mutants[0].statement))
    refuted: x=1, m=1, n=2: 0 = 1 is false
    """
    found = counterexample(statement, limit)
    if found is None and not missing("z3"):
        found = module("z3").counterexample(statement)
    if found is None:
        return Undecided(f"no counterexample among {limit} sizes" + ("" if missing("z3") else " nor by z3"))
    return Refuted(found)
