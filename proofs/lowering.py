"""What a solver has to show for a law: obligations over integers, with the operations that solvers know.

Sums, symbolic powers and exact quotients are not among them. A quotient is cleared from a relation; a sum or a power
gives off the last terms or factors that are known, and what is left of it becomes a new variable. That is sound in
one direction only: an obligation that holds proves the law, one that fails refutes nothing until the evaluator has
said so.

>>> from layeralgebra.proofs.law import law, weakened
>>> from layeralgebra.proofs.statements.term import Integer, Natural, sum_
>>> @law(routes="", induct="n", register=False, mutants={"a": weakened(n=Integer), "b": weakened(n=Integer)})
... def gauss(n: Natural):
...     return 2 * sum_(lambda i: i, n), n * (n - 1)
>>> for one in obligations(gauss):
...     print(one)
base: 0 <= n |- 2*0 = 0*(0 - 1)
step: 0 <= n and 2*sum1 = n*(n - 1) |- 2*(sum1 + n) = (n + 1)*(n + 1 - 1)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ..algebra.records import dataclass
from .law import Law, lemma_statements
from .statements.conditions import conditions
from .statements.polynomial import MAX_EXPONENT, MAX_LENGTH, canonical, is_count
from .statements.quotients import NotLowered, cleared, is_positive
from .statements.statement import Statement
from .statements.term import (
    Add,
    And,
    Apply,
    CeilDiv,
    Const,
    FloorDiv,
    Formula,
    Implies,
    Ite,
    Max,
    Min,
    Mod,
    Mul,
    Node,
    Pow,
    Relation,
    Sum,
    Term,
    Var,
    free_names,
    fresh_name,
    implies,
    substitute,
    walk,
)


@dataclass(frozen=True, repr=False)
class Obligation:
    """Something that is to hold for all integers: hypotheses imply the goal.

    `faithful` says that it is the law's own goal, with nothing left out: then a countermodel may refute the law.
    """

    name: str
    hypotheses: tuple[Formula, ...]
    goal: Formula
    faithful: bool = False

    @property
    def variables(self) -> tuple[Var, ...]:
        """Its variables, by name."""
        found = {one.name: one for node in (*self.hypotheses, self.goal) for one in walk(node) if isinstance(one, Var)}
        return tuple(found[name] for name in sorted(found))

    @property
    def sequences(self) -> tuple[tuple[str, int], ...]:
        """Its unknown functions and how many arguments they take."""
        nodes = (one for node in (*self.hypotheses, self.goal) for one in walk(node))
        return tuple(sorted({(one.function, len(one.arguments)) for one in nodes if isinstance(one, Apply)}))

    def __repr__(self) -> str:
        return f"{self.name}: {' and '.join(map(repr, self.hypotheses)) or 'true'} |- {self.goal!r}"


def obligations(law: Law) -> list[Obligation]:
    """Everything that a solver must show for a law: values exist, lemmas apply, and the goal or its base and step.

    Raises
    ------
    NotLowered
        If a term has no counterpart.
    """
    statement, lemmas = law.arithmetic, lemma_statements(law)
    assumed = statement.assumptions
    raw: list[Obligation] = []
    for side in (*statement.left, *statement.right):
        for path, condition in conditions(side):
            raw.append(Obligation("defined", (*assumed, *path), condition))
    for lemma in lemmas:
        raw += [Obligation("lemma", assumed, one) for one in lemma.assumptions]
    known = (*assumed, *(one for lemma in lemmas for one in lemma.goals))
    variable = induction_variable(law, statement)
    if variable is None:
        raw += [Obligation("goal", known, goal, faithful=not lemmas) for goal in statement.goals]
    else:
        start, after = {variable.name: Const(variable.least or 0)}, {variable.name: variable + 1}
        raw += [Obligation("base", known, substitute(goal, start)) for goal in statement.goals]
        raw += [Obligation("step", known + statement.goals, substitute(goal, after)) for goal in statement.goals]
    # A condition that is assumed anyway, such as a divisor's own domain, costs a solver nothing to confirm.
    return list(dict.fromkeys(Lowering(one).result() for one in dict.fromkeys(raw)))


def induction_variable(law: Law, statement: Statement) -> Var | None:
    """The variable to induct on, when the law names one and no hypothesis speaks of it."""
    variable = next((one for one in statement.variables if one.name == law.hints.induct), None)
    if variable is None or variable.least is None:
        return None
    return None if any(variable.name in free_names(one) for one in statement.hypotheses) else variable


class Lowering:
    """One obligation, brought to what solvers know; new variables and what is known of them are collected."""

    def __init__(self, obligation: Obligation):
        self.obligation = obligation
        self.taken = frozenset[str]().union(*(free_names(one) for one in (*obligation.hypotheses, obligation.goal)))
        self.new: dict[Node, Var] = {}
        self.facts: list[Formula] = []

    def result(self) -> Obligation:
        hypotheses = tuple(self.formula(cleared(one)) for one in self.obligation.hypotheses)
        goal = self.formula(cleared(self.obligation.goal))
        return replace(
            self.obligation,
            hypotheses=(*hypotheses, *self.facts),
            goal=goal,
            faithful=self.obligation.faithful and not self.new,
        )

    def formula(self, formula: Any) -> Any:
        """A formula over the terms that solvers know: each relation in it, the connectives as they are."""
        if not isinstance(formula, Relation):
            return formula.with_parts(*map(self.formula, formula.parts()))
        return Relation(formula.relation, self.term(formula.left), self.term(formula.right))

    def term(self, term: Term) -> Term:
        match term:
            case Const() | Var():
                return term
            case Mod(numerator, denominator):
                above, below = self.term(numerator), self.term(denominator)
                return above - below * FloorDiv(above, below)
            case CeilDiv(numerator, denominator):
                return -FloorDiv(-self.term(numerator), self.term(denominator))
            case Min(args) | Max(args):
                found = self.term(args[0])
                for one in map(self.term, args[1:]):
                    found = Ite(found <= one if isinstance(term, Min) else found >= one, found, one)
                return found
            case Ite(condition, then, otherwise):
                return Ite(self.formula(condition), self.term(then), self.term(otherwise))
            case Pow():
                return self.power(term)
            case Sum():
                return self.sum(term)
        return term.with_parts(*(self.term(part) for part in term.parts()))  # type: ignore[return-value,arg-type]

    def power(self, term: Pow) -> Term:
        exponent = canonical(term.exponent, False)
        number, rest = _number_and_rest(exponent)
        if number > MAX_EXPONENT:
            raise NotLowered(f"{term!r} has too large an exponent")
        base = self.term(term.base)
        factors = [base] * number
        if rest != Const(0):
            atom = Pow(canonical(term.base, False), rest)
            if atom not in self.new:
                self.new[atom] = new = self.fresh("pow")
                self.facts += [implies(base >= 1, new >= 1), implies(base >= 0, new >= 0)]
            factors.append(self.new[atom])
        return factors[0] if len(factors) == 1 else Mul(tuple(factors)) if factors else Const(1)

    def sum(self, term: Sum) -> Term:
        length = canonical(term.high - term.low, False)
        number, rest = _number_and_rest(length)
        if isinstance(length, Const):
            if length.value > MAX_LENGTH:
                raise NotLowered(f"{term!r} is too long to be written out")
            number, rest = max(length.value, 0), Const(0)
        low, body, index = term.low, term.body, term.index.name
        places = [canonical(low + rest + place, False) for place in range(number)]
        terms = [self.term(substitute(body, {index: place})) for place in places]
        if rest != Const(0):
            atom = canonical(Sum(term.index, low, low + rest, body), False)
            if atom not in self.new:
                self.new[atom] = self.fresh("sum")
            terms.insert(0, self.new[atom])
        return terms[0] if len(terms) == 1 else Add(tuple(terms)) if terms else Const(0)

    def fresh(self, kind: str) -> Var:
        name = fresh_name(kind, self.taken | {kind})  # always with a number: sum1, sum2
        self.taken |= {name}
        return Var(name)


def _number_and_rest(count: Node) -> tuple[int, Term]:
    """A number and a rest that add up to a count, both at least zero; number 0 where that is not seen."""
    assert isinstance(count, Term)
    if isinstance(count, Const) and count.value >= 0:
        return count.value, Const(0)
    if isinstance(count, Add) and isinstance(count.args[-1], Const) and count.args[-1].value > 0 and is_count(count):
        rest = canonical(count - count.args[-1].value, False)
        assert isinstance(rest, Term)
        return count.args[-1].value, rest
    return 0, count


def with_quotients(obligation: Obligation) -> Obligation:
    """The obligation with a new variable for every floor, and what defines it: ``d*q <= u < d*q + d`` for positive d.

    For a negative divisor the inequalities turn round; nothing is said where the divisor is zero.
    """
    new: dict[Term, Var] = {}
    defining: list[Formula] = []
    taken = {one.name for one in obligation.variables}

    def replaced(node: Any) -> Any:
        node = node.with_parts(*(replaced(part) for part in node.parts())) if node.parts() else node
        if not isinstance(node, FloorDiv):
            return node
        if node not in new:
            name = fresh_name("q", frozenset(taken))
            taken.add(name)
            u, d, q = node.numerator, node.denominator, Var(name)
            new[node] = q
            upwards = And((d * q <= u, u < d * q + d))
            if is_positive(d):
                defining.append(upwards)
            else:
                downwards = And((d * q >= u, u > d * q + d))
                defining.extend([Implies((d > 0, upwards)), Implies((d < 0, downwards))])
        return new[node]

    hypotheses = tuple(replaced(one) for one in obligation.hypotheses)
    goal = replaced(obligation.goal)
    return replace(obligation, hypotheses=(*hypotheses, *defining), goal=goal)


def floors(obligation: Obligation) -> Iterator[FloorDiv]:
    """The floors that an obligation speaks of."""
    for node in (*obligation.hypotheses, obligation.goal):
        yield from (one for one in walk(node) if isinstance(one, FloorDiv))
