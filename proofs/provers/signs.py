"""Is a polynomial never negative, given what is assumed? Answers yes with reason, or "not seen".

A polynomial is seen to be at least zero when, counted from the lower bounds of its variables, no coefficient is
negative; or when that is so after taking away non-negative multiples of things known to be at least zero.

>>> from layeralgebra.proofs.statements.term import Var
>>> k, n, p = Var("k", least=1), Var("n", least=1), Var("p", least=0)
>>> ring = Polynomials([k, n, p], extract=True)
>>> facts = Facts(ring, [k <= n + 2 * p])
>>> facts.nonnegative(ring.of(k * k - 1)), facts.nonnegative(ring.of(k * n + 2 * k * p - k * k))
(True, True)
>>> facts.nonnegative(ring.of(n - k))
False
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

from sympy import QQ
from sympy.polys.rings import PolyElement

from ..statements.polynomial import Polynomials
from ..statements.term import (
    And,
    CeilDiv,
    FloorDiv,
    Formula,
    Max,
    Min,
    Mod,
    Pow,
    Relation,
    Term,
    Var,
    free_names,
    substitute,
)
from .combination import combination

#: How many known facts may be taken away one after the other.
_DEPTH = 3
#: How many steps one question may take.
_STEPS = 400
#: How many multiples of known facts one linear combination may draw on.
_COLUMNS = 60


class Facts:
    """What assumptions say of the atoms of a ring: lower bounds, and polynomials that are at least zero."""

    def __init__(self, ring: Polynomials, assumptions: Iterable[Formula] = ()):
        self.ring = ring
        self._lower: dict[int, int] = {
            place: atom.least
            for place, atom in enumerate(ring.atoms)
            if isinstance(atom, Var) and atom.least is not None
        }
        self._known: list[PolyElement] = []
        self._answers: dict[PolyElement, bool] = {}
        for formula in assumptions:
            self._assume(formula)
        for place, atom in sorted(enumerate(ring.atoms), key=lambda one: len(repr(one[1]))):
            self._learn(place, atom)

    def _assume(self, formula: Formula) -> None:
        if isinstance(formula, And):
            for one in formula.args:
                self._assume(one)
        elif isinstance(formula, Relation):
            self._known += at_least_zero(self.ring, formula) or []

    def _learn(self, place: int, atom: Term) -> None:
        """What holds of an atom because of its head."""
        own = self.ring.generator(atom)
        match atom:
            case Pow(base, _):
                bound = self.ring.of(base)
                if self.nonnegative(bound):
                    self._lower[place] = 1 if self.positive(bound) else 0
            case FloorDiv(numerator, denominator) | CeilDiv(numerator, denominator) | Mod(numerator, denominator):
                above, below = self.ring.of(numerator), self.ring.of(denominator)
                if not (self.positive(below) and self.integral(above)):
                    return
                if isinstance(atom, FloorDiv):
                    self._tell(above - below * own, below * own + below - 1 - above)
                elif isinstance(atom, CeilDiv):
                    self._tell(below * own - above, above + below - 1 - below * own)
                else:
                    self._tell(below - 1 - own)
                if isinstance(atom, Mod) or self.nonnegative(above):
                    self._lower[place] = 0
            case Max(args):
                self._tell(*(own - self.ring.of(one) for one in args))
                if any(self.nonnegative(self.ring.of(one)) for one in args):
                    self._lower[place] = 0
            case Min(args):
                self._tell(*(self.ring.of(one) - own for one in args))
                if all(self.nonnegative(self.ring.of(one)) for one in args):
                    self._lower[place] = 0
        self._answers.clear()

    def _tell(self, *polynomials: PolyElement) -> None:
        self._known += polynomials

    def integral(self, polynomial: PolyElement) -> bool:
        """Whether all values are seen to be integers."""
        return all(QQ.denom(c) == 1 and self.ring.is_integral(monomial) for monomial, c in polynomial.terms())

    def positive(self, polynomial: PolyElement) -> bool:
        """Whether all values are seen to be at least one."""
        return self.nonnegative(polynomial - 1)

    def nonzero(self, polynomial: PolyElement) -> bool:
        """Whether no value is zero, seen from one sign."""
        return self.positive(polynomial) or self.positive(-polynomial)

    def nonnegative(self, polynomial: PolyElement) -> bool:
        """Whether no value is seen to be negative."""
        if polynomial not in self._answers:
            self._steps = _STEPS
            self._answers[polynomial] = self._seen(self._shifted(polynomial), _DEPTH)
        return self._answers[polynomial]

    def contradictory(self, polynomials: Iterable[PolyElement]) -> bool:
        """Whether polynomials cannot all be at least zero: whether a combination with what is known is negative."""
        known = [one for one in (self._shifted(one) for one in (*polynomials, *self._known)) if one]
        return self._negative(known) or self._negative([*known, *self._multiples(known)])

    def _multiples(self, known: list[PolyElement]) -> list[PolyElement]:
        """Products of known polynomials with products of variables, such that their terms meet."""
        ring = self.ring.ring
        monomials = dict.fromkeys(monomial for one in known for monomial in one.monoms())
        found: dict[PolyElement, None] = {}
        for one in known:
            for monomial, other in product(monomials, one.monoms()):
                factor = tuple(a - b for a, b in zip(monomial, other, strict=True))
                if any(factor) and min(factor) >= 0 and self._bounded(factor):
                    found.setdefault(one * ring.from_dict({factor: QQ(1)}))
                    if len(found) == _COLUMNS:
                        return list(found)
        return list(found)

    def _negative(self, columns: list[PolyElement]) -> bool:
        """Whether minus one is a combination of the columns and of monomials that are never negative."""
        signs = dict.fromkeys(monomial for one in columns for monomial in one.monoms() if self._bounded(monomial))
        vectors = [dict(one.terms()) for one in dict.fromkeys(columns)] + [{monomial: QQ(1)} for monomial in signs]
        return combination(vectors, {self.ring.ring.zero_monom: QQ(-1)}) is not None

    def _shifted(self, polynomial: PolyElement) -> PolyElement:
        """The polynomial in how much each variable exceeds its lower bound."""
        gens = self.ring.ring.gens
        moved = [(gens[place], gens[place] + bound) for place, bound in self._lower.items() if bound]
        return polynomial.compose(moved) if moved else polynomial

    def _bounded(self, monomial: tuple[int, ...]) -> bool:
        return all(power % 2 == 0 or place in self._lower for place, power in enumerate(monomial))

    def _seen(self, shifted: PolyElement, depth: int) -> bool:
        self._steps -= 1
        bad = next(((m, c) for m, c in shifted.terms() if c < 0 or not self._bounded(m)), None)
        if bad is None:
            return True
        if depth == 0 or self._steps <= 0:
            return False
        monomial, coefficient = bad
        # Only a known polynomial with a term that divides the offending one, of the same sign, can take it away.
        for known in self._known:
            moved = self._shifted(known)
            for other, weight in moved.terms():
                if (weight < 0) != (coefficient < 0) or any(a < b for a, b in zip(monomial, other, strict=True)):
                    continue
                factor = tuple(a - b for a, b in zip(monomial, other, strict=True))
                if not self._bounded(factor):
                    continue
                taken = moved * self.ring.ring.from_dict({factor: coefficient / weight})
                if self._seen(shifted - taken, depth - 1):
                    return True
        return False


def at_least_zero(ring: Polynomials, relation: Relation) -> list[PolyElement] | None:
    """A relation of integers as polynomials that are at least zero; None for ``!=`` and for rational sides."""
    left, right = ring.of(relation.left), ring.of(relation.right)
    strict = relation.relation in ("<", ">")
    whole = all(QQ.denom(c) == 1 and ring.is_integral(m) for side in (left, right) for m, c in side.terms())
    if relation.relation == "!=" or (strict and not whole):
        return None
    match relation.relation:
        case "<=":
            return [right - left]
        case ">=":
            return [left - right]
        case "<":
            return [right - left - 1]
        case ">":
            return [left - right - 1]
    return [right - left, left - right]


def substitutions(assumptions: Iterable[Formula]) -> dict[str, Term]:
    """Equations ``variable = term`` among assumptions, to be put in place of the variable."""
    found: dict[str, Term] = {}
    for formula in assumptions:
        if not (isinstance(formula, Relation) and formula.relation == "="):
            continue
        for variable, term in ((formula.left, formula.right), (formula.right, formula.left)):
            term = substitute(term, found)
            if isinstance(variable, Var) and variable.name not in found and variable.name not in free_names(term):
                found = {name: substitute(one, {variable.name: term}) for name, one in found.items()}
                found[variable.name] = term
                break
    return found
