"""The induction route: a base and a step, each a polynomial identity, for laws of symbolic depth.

In the step a sum up to ``n + 1`` is the sum up to ``n`` and one more term, a power has one more factor; whatever else
remains must follow from the induction hypothesis by division of polynomials. Where sums of powers of the index
remain, their closed forms are found by Newton's forward differences and proved by the same two checks.
"""

from __future__ import annotations

from sympy.polys.rings import PolyElement

from ...algebra.records import dataclass
from ..law import Law
from ..printers.latex import latex, name
from ..statements.polynomial import Polynomials, canonical, is_count
from ..statements.statement import Statement
from ..statements.term import Const, Pow, Relation, Sum, Term, Var, free_names, substitute, walk
from ..verdict import Certificate, Proved, Step, Undecided, Verdict
from .own import Problem, pose
from .ring import vanishes

#: Largest power of an index whose sum is given a closed form.
_MAX_POWER = 12


def prove(law: Law) -> Verdict:
    """Prove equations and inequalities by induction on the variable that the law names.

    Parameters
    ----------
    law : Law
        Its hints name the variable, which has a lower bound and occurs in no hypothesis.

    Returns
    -------
    Proved or Undecided
    """
    statement = law.arithmetic
    if law.hints.induct is None:
        return Undecided("the law names no variable to induct on")
    variable = next(one for one in statement.variables if one.name == law.hints.induct)
    if variable.least is None:
        return Undecided(f"{variable.name} has no least value to start from")
    if any(variable.name in free_names(one) for one in statement.hypotheses):
        return Undecided(f"a hypothesis speaks of {variable.name}, on which the induction goes")
    if statement.relation not in ("=", "<=", ">="):
        return Undecided(f"induction is made for =, <= and >=, not for {statement.relation}")
    statement = pose(law, extract=True).statement
    further = _stages(statement, variable)
    for closed in ([], _closed_forms(further)):
        problem = pose(law, extract=True, further=[*further, *(term for pair in closed for term in pair)])
        if problem.owed:
            return Undecided(f"not shown: {problem.owed}")
        steps = _Induction(problem, variable, closed).steps()
        if steps is not None:
            said = f"base and step of an induction on {variable.name}"
            return Proved(Certificate("induction", said, tuple(steps)))
    return Undecided(f"the step of the induction on {variable.name} does not follow by polynomial division")


def _stages(statement: Statement, variable: Var) -> list[Term]:
    """The sides at the start and one further, whose atoms the ring needs."""
    assert variable.least is not None
    moves: tuple[Term, ...] = (Const(variable.least), variable + 1)
    return [
        substitute(side, {variable.name: move})
        for side in (*statement.left, *statement.right)
        for move in moves
        if isinstance(side, Term)
    ]


@dataclass(frozen=True)
class _Induction:
    problem: Problem
    variable: Var
    closed: list[tuple[Term, Term]]

    def steps(self) -> list[Step] | None:
        """The proof of all components, or None when one of them is not found."""
        statement = self.problem.statement
        steps: list[Step] = []
        for left, right in zip(statement.left, statement.right, strict=True):
            assert isinstance(left, Term) and isinstance(right, Term)
            upwards = (left, right) if statement.relation != ">=" else (right, left)
            found = self._component(*upwards, "=" if statement.relation == "=" else "<=")
            if found is None:
                return None
            steps += found
        return steps

    def _component(self, left: Term, right: Term, relation: str) -> list[Step] | None:
        """Base and step for one component, ``left = right`` or ``left <= right``; None when they are not found."""
        assert self.variable.least is not None
        start, after = Const(self.variable.least), self.variable + 1
        base = self._gap(left, right, start)
        here, there = self._gap(left, right, None), self._gap(left, right, after)
        if relation == "=":
            base_done = vanishes(base, self.problem.equations)
            step_done = vanishes(there, tuple(one for one in (here, *self.problem.equations) if one))
        else:
            base_done = self.problem.facts.nonnegative(base)
            step_done = self._grows(here, there)
        if not (base_done and step_done):
            return None
        return self._lines(left, right, relation, here, there)

    def _gap(self, left: Term, right: Term, value: Term | None) -> PolyElement:
        ring = self.problem.ring
        moved = (
            (left, right) if value is None else (substitute(one, {self.variable.name: value}) for one in (left, right))
        )
        low, high = (ring.of(one) for one in moved)
        gap = high - low
        for atom, form in self.closed:
            gap = gap.compose(ring.of(atom), ring.of(form))
        return gap

    def _grows(self, here: PolyElement, there: PolyElement) -> bool:
        """Whether the next gap is at least a non-negative multiple of this one."""
        ring, facts = self.problem.ring, self.problem.facts
        factors = [ring.ring.one, ring.ring(2)]
        for atom in ring.atoms:
            if isinstance(atom, Pow):
                factors += [ring.of(atom.base)]
            if isinstance(atom, Var) and atom.name != self.variable.name:
                factors += [ring.of(atom), ring.of(atom) + 1]
        return any(facts.nonnegative(factor) and facts.nonnegative(there - factor * here) for factor in factors)

    def _lines(self, left: Term, right: Term, relation: str, here: PolyElement, there: PolyElement) -> list[Step]:
        ring, symbol = self.problem.ring, name(self.variable.name)
        least = Const(self.variable.least or 0)
        goal = Relation(relation, left, right)
        lines = [Step(latex(goal), f"by induction on ${symbol}$")]
        for atom, form in self.closed:
            lines.append(Step(f"{latex(atom)} = {latex(form)}", "by forward differences"))
        base = Relation(
            relation, *(canonical(substitute(one, {self.variable.name: least}), True) for one in (left, right))
        )
        lines.append(Step(latex(base), f"base, ${symbol} = {least.value}$"))
        grown = []
        for side in (left, right):
            after = ring.of(substitute(side, {self.variable.name: self.variable + 1})) - ring.of(side)
            grown.append(latex(ring.term(after)))
        if relation == "=" and there == here and grown[0] == grown[1]:
            return [*lines, Step(grown[0], f"step: what both sides grow by from ${symbol}$ to ${symbol} + 1$")]
        lines.append(Step(grown[0], f"step: what the left grows by from ${symbol}$ to ${symbol} + 1$"))
        follows = "the same, by the hypothesis" if relation == "=" else "no less, by the hypothesis"
        return [*lines, Step(grown[1], f"and the right: {follows}")]


def _closed_forms(nodes: list[Term]) -> list[tuple[Term, Term]]:
    """Sums of powers of their index below these nodes, with closed forms that have been checked."""
    found: dict[Term, Term] = {}
    for node in nodes:
        for one in walk(canonical(node, True)):
            if isinstance(one, Sum) and one not in found:
                form = closed_form(one)
                if form is not None:
                    found[one] = form
    return list(found.items())


def closed_form(total: Sum) -> Term | None:
    """A polynomial for the sum of a power of its index, found by forward differences and checked by induction.

    >>> n = Var("n", least=0)
    >>> closed_form(canonical(Sum(Var("i"), Const(0), n, Var("i")), True))
    n**2/2 - n/2
    """
    index, high = total.index, total.high
    match total.body:
        case Var(text) if text == index.name:
            power = 1
        case Pow(Var(text), Const(power)) if text == index.name and power <= _MAX_POWER:
            pass
        case _:
            return None
    if total.low != Const(0) or not is_count(high):
        return None
    values = [number**power for number in range(power + 1)]
    bound = Var("n", least=0)
    ring = Polynomials([bound], extract=True)
    n = ring.of(bound)
    form, binomial, place = ring.ring.zero, ring.ring.one, 0
    while values:
        binomial = binomial * (n - place) / (place + 1)
        form = form + binomial * values[0]
        values = [b - a for a, b in zip(values, values[1:], strict=False)]
        place += 1
    if form.evaluate(0, 0) != 0 or form.compose(n, n + 1) - form != n**power:
        raise AssertionError(f"forward differences gave a wrong closed form for {total!r}")
    return substitute(ring.term(form), {bound.name: high})
