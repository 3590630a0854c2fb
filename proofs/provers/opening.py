"""Opening inequalities: roundings, extrema and choices leave by equivalences; each step is kept for the reader.

A literal is a polynomial that is said to be at least zero. A tree is a literal, or ``("all", trees)``, or ``("any",
trees)``.
"""

from __future__ import annotations

from typing import Any

from sympy.polys.rings import PolyElement

from ...algebra.errors import BudgetError
from ..printers.latex import latex
from ..statements.polynomial import Polynomials
from ..statements.term import And, CeilDiv, FloorDiv, Formula, Iff, Implies, Ite, Max, Min, Not, Or, Relation, Term
from ..verdict import Step
from .signs import Facts

Tree = Any

_MOST_STEPS = 200
_OPPOSITE = {"=": "!=", "!=": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


class NotInteger(Exception):
    """A relation between numbers that may lie between the integers."""


class Opening:
    """A formula opened as far as it goes.

    Attributes
    ----------
    tree : Tree
        What is left: literals in which only polynomials, or roundings that cannot be opened, remain.
    steps : list of Step
        The formula after each equivalence, from the one given to the tree.
    divisors : list of PolyElement
        Divisors that were multiplied with on the way; all positive.
    """

    def __init__(self, ring: Polynomials, facts: Facts, formula: Formula):
        self.ring, self.facts = ring, facts
        self.divisors: list[PolyElement] = []
        self.tree = tidy(self._translated(formula))
        self.steps = [Step(latex(formula), "")]
        for _ in range(_MOST_STEPS):
            self._reason = ""
            opened = self._once(self.tree)
            if not self._reason:
                return
            self.tree = tidy(opened)
            self.steps.append(Step(rf"\iff {latex(show(ring, self.tree))}", self._reason))
        raise BudgetError(f"{formula!r} does not open within {_MOST_STEPS} steps")

    def _translated(self, formula: Formula, positive: bool = True) -> Tree:
        match formula:
            case Not(arg):
                return self._translated(arg, not positive)
            case And(args) | Or(args):
                head = "all" if isinstance(formula, And) == positive else "any"
                return tidy((head, tuple(self._translated(one, positive) for one in args)))
            case Implies((first, second)):
                parts = (self._translated(first, not positive), self._translated(second, positive))
                return tidy(("any" if positive else "all", parts))
            case Iff((first, second)):
                both = And((Implies((first, second)), Implies((second, first))))
                return self._translated(both, positive)
            case Relation(relation, left, right):
                return self._relation(relation if positive else _OPPOSITE[relation], left, right)
        raise TypeError(f"no literals for {formula!r}")

    def _relation(self, relation: str, left: Term, right: Term) -> Tree:
        gap = self.ring.of(right) - self.ring.of(left)
        gap = gap.clear_denoms()[1]
        if not self.facts.integral(gap):  # the contrary of a literal p >= 0 is -p - 1 >= 0, which takes integers
            raise NotInteger(f"a side of {Relation(relation, left, right)!r} need not be an integer")
        match relation:
            case "<=":
                return gap
            case "<":
                return gap - 1
            case ">=":
                return -gap
            case ">":
                return -gap - 1
            case "=":
                return ("all", (gap, -gap))
        return ("any", (gap - 1, -gap - 1))

    def _once(self, tree: Tree) -> Tree:
        """The tree with its first literal opened that can be; `_reason` says how, and stays empty when none can."""
        if isinstance(tree, tuple):
            head, parts = tree
            found = []
            for part in parts:
                found.append(part if self._reason else self._once(part))
            return head, tuple(found)
        return self._literal(tree)

    def _literal(self, literal: PolyElement) -> Tree:
        rounding = None
        for place, atom in enumerate(self.ring.atoms):
            if literal.degree(place) != 1 or not isinstance(atom, (Min, Max, Ite, FloorDiv, CeilDiv)):
                continue
            factor, rest = _split(literal, place)
            if isinstance(atom, (Min, Max, Ite)):
                opened = self._choice(atom, factor, rest)
                if opened is not None:
                    return opened
            elif rounding is None:
                opened = self._rounding(atom, factor, rest)
                if opened is not None:
                    rounding = (atom, opened)
        if rounding is None:
            return literal
        atom, opened = rounding
        self.divisors.append(self.ring.of(atom.denominator))
        what = r"\lfloor\cdot\rfloor" if isinstance(atom, FloorDiv) else r"\lceil\cdot\rceil"
        self._reason = rf"$\;{what}$ of a quotient by ${latex(atom.denominator)} > 0$"
        return opened

    def _choice(self, atom: Min | Max | Ite, factor: PolyElement, rest: PolyElement) -> Tree | None:
        if isinstance(atom, Ite):
            self._reason = f"the two cases of ${latex(atom.condition)}$"
            then, otherwise = (factor * self.ring.of(one) + rest for one in (atom.then, atom.otherwise))
            first = ("all", (self._translated(atom.condition), then))
            return "any", (first, ("all", (self._translated(atom.condition, False), otherwise)))
        upwards = self.facts.nonnegative(factor)
        if not upwards and not self.facts.nonnegative(-factor):
            return None
        self._reason = r"$\min$" if isinstance(atom, Min) else r"$\max$"
        head = "all" if isinstance(atom, Min) == upwards else "any"
        return head, tuple(factor * self.ring.of(one) + rest for one in atom.args)

    def _rounding(self, atom: FloorDiv | CeilDiv, factor: PolyElement, rest: PolyElement) -> Tree | None:
        above, below = self.ring.of(atom.numerator), self.ring.of(atom.denominator)
        if factor not in (1, -1) or not (self.facts.integral(rest) and self.facts.integral(above)):
            return None
        if not (self.facts.integral(below) and self.facts.positive(below)):
            return None
        if isinstance(atom, FloorDiv):
            return above + below * rest if factor == 1 else below * rest + below - 1 - above
        return above + below * rest + below - 1 if factor == 1 else below * rest - above


def _split(literal: PolyElement, place: int) -> tuple[PolyElement, PolyElement]:
    """Factor and rest of a generator that occurs to the first power."""
    ring = literal.ring
    factor, rest = ring.zero, ring.zero
    for monomial, coefficient in literal.terms():
        if monomial[place]:
            lower = (*monomial[:place], 0, *monomial[place + 1 :])
            factor = factor + ring.from_dict({lower: coefficient})
        else:
            rest = rest + ring.from_dict({monomial: coefficient})
    return factor, rest


def tidy(tree: Tree) -> Tree:
    """Nested parts of one kind joined; repetitions and literals that are plainly true or false gone."""
    if not isinstance(tree, tuple):
        if not tree.is_ground:
            return tree
        return ("all", ()) if tree.LC >= 0 else ("any", ())
    head, parts = tree
    flat: list[Tree] = []
    for part in map(tidy, parts):
        if isinstance(part, tuple) and part[0] == head:
            flat += part[1]
        elif isinstance(part, tuple) and not part[1]:
            return part  # a false part of a conjunction, a true one of a disjunction
        else:
            flat.append(part)
    unique = tuple(dict.fromkeys(flat))
    return unique[0] if len(unique) == 1 else (head, unique)


def show(ring: Polynomials, tree: Tree) -> Formula:
    """A tree as a formula that reads well: each literal with what is taken away on the left."""
    if isinstance(tree, tuple):
        head, parts = tree
        return (And if head == "all" else Or)(tuple(show(ring, part) for part in parts))
    taken = ring.ring.from_dict({m: -c for m, c in tree.terms() if c < 0})
    kept = ring.ring.from_dict({m: c for m, c in tree.terms() if c > 0})
    return Relation("<=", ring.term(taken), ring.term(kept))
