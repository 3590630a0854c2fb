"""Terms as polynomials over their own non-polynomial parts.

``floor((b + a)/s) * c`` is a polynomial in ``c`` and the atom ``floor((a + b)/s)``. Atoms are written in a canonical
form, so that two atoms which differ only by ring identities inside are one.

With ``extract`` more is done to an atom, all of it valid wherever the term is defined: multiples of the divisor leave a
floor, common factors leave a quotient, `Mod` and `CeilDiv` become floors, a sum is taken term by term, and powers split
along their exponents.

>>> from layeralgebra.proofs.statements.term import Var, sum_
>>> a, b, s = Var("a"), Var("b"), Var("s", least=1)
>>> both = Polynomials([(a * s + b) // s, a + b // s], extract=True)
>>> both.of((a * s + b) // s) == both.of(a + b // s)
True
>>> canonical(sum_(lambda i: a * i + b, s), extract=True)
a*sum(i1 for i1 in range(s)) + b*s
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from math import gcd, lcm
from typing import Any, overload

from sympy import QQ
from sympy.polys.orderings import lex
from sympy.polys.rings import PolyElement, PolyRing

from ...algebra.errors import BudgetError
from .term import (
    Add,
    CeilDiv,
    Const,
    Div,
    FloorDiv,
    Formula,
    Ite,
    Max,
    Min,
    Mod,
    Mul,
    Node,
    Pow,
    Sum,
    Term,
    Var,
    free_names,
    fresh_name,
    substitute,
    walk,
)

#: Largest constant exponent that is multiplied out, and longest sum with known bounds that is written out.
MAX_EXPONENT = 64
MAX_LENGTH = 64


class Polynomials:
    """The polynomials with rational coefficients over the atoms of some terms.

    Parameters
    ----------
    nodes : iterable of Node
        Every atom of their terms becomes a generator, as do the atoms inside atoms.
    extract : bool
        Whether atoms are simplified as the module says.
    """

    def __init__(self, nodes: Iterable[Node], *, extract: bool):
        self.extract = extract
        found: dict[Term, None] = {}
        for node in nodes:
            self._collect(node, found)
        # In an order of their own, so that division does not depend on where a term is met; what is built up before
        # variables, so that division replaces sums and powers by what is known of them.
        self.atoms = tuple(sorted(found, key=lambda atom: (isinstance(atom, Var), repr(atom))))
        self.ring = PolyRing([f"x{number}" for number in range(len(found))] or ["unused"], QQ, lex)
        self._generator = dict(zip(self.atoms, self.ring.gens, strict=False))

    def _collect(self, node: Node, found: dict[Term, None]) -> None:
        if isinstance(node, (Const, Formula)) or is_arithmetic(node):
            pass
        elif isinstance(node, Pow):
            factors = powers(node, self.extract)
            if len(factors) == 1 and factors[0][0] == node:
                found.setdefault(node)
            for atom, _ in factors:
                if atom != node:
                    self._collect(atom, found)
        else:
            reduced = canonical(node, self.extract)
            if reduced != node:
                self._collect(reduced, found)
                return
            assert isinstance(node, Term)
            found.setdefault(node)
        if not isinstance(node, Sum):  # what stands below a sum speaks of its index, which means nothing outside
            for part in node.parts():
                self._collect(part, found)

    def of(self, term: Term) -> PolyElement:
        """The term as a polynomial.

        Raises
        ------
        KeyError
            For a term with an atom that was not declared.
        """
        match term:
            case Const(value):
                return self.ring(value)
            case Add(args):
                return sum((self.of(one) for one in args), self.ring.zero)
            case Mul(args):
                product = self.ring.one
                for one in args:
                    product = product * self.of(one)
                return product
            case Div(numerator, Const(value)) if value:
                return self.of(numerator).quo_ground(QQ(value))
            case Pow():
                return self._power(term)
        if term in self._generator:
            return self._generator[term]
        reduced = canonical(term, self.extract)
        assert isinstance(reduced, Term)
        return self._generator[reduced] if reduced == term else self.of(reduced)

    def _power(self, term: Pow) -> PolyElement:
        product = self.ring.one
        for base, exponent in powers(term, self.extract):
            if exponent > MAX_EXPONENT:
                raise BudgetError(f"{term!r}: powers above {MAX_EXPONENT} are not multiplied out")
            factor = self._generator[base] if base in self._generator or base == term else self.of(base)
            product = product * (factor**exponent if exponent else self.ring.one)  # also where the factor is zero
        return product

    def term(self, polynomial: PolyElement) -> Term:
        """The polynomial as a term, in an order that depends on nothing but the polynomial."""
        monomials = []
        for exponents, coefficient in polynomial.terms():
            factors = [(self.atoms[place], power) for place, power in enumerate(exponents) if power]
            factors.sort(key=lambda factor: repr(factor[0]))
            monomials.append(([(repr(atom), power) for atom, power in factors], factors, coefficient))
        monomials.sort(key=lambda one: (-sum(power for _, power in one[0]), one[0]))
        terms = [_monomial(factors, coefficient) for _, factors, coefficient in monomials]
        return terms[0] if len(terms) == 1 else Add(tuple(terms)) if terms else Const(0)

    def is_integral(self, monomial: tuple[int, ...]) -> bool:
        """Whether a monomial has integer values: whether it has no exact quotient in it."""
        used = (self.atoms[place] for place, power in enumerate(monomial) if power)
        return not any(isinstance(below, Div) for atom in used for below in walk(atom))

    def generator(self, atom: Term) -> PolyElement:
        """The generator of an atom."""
        return self._generator[atom]


def is_arithmetic(node: Node) -> bool:
    """Whether the node is a sum, a product or a quotient by a number: no atom."""
    by_number = isinstance(node, Div) and isinstance(node.denominator, Const) and node.denominator.value != 0
    return by_number or isinstance(node, (Add, Mul))


def _monomial(factors: list[tuple[Term, int]], coefficient: object) -> Term:
    numerator, denominator = int(QQ.numer(coefficient)), int(QQ.denom(coefficient))
    parts: list[Term] = [atom if power == 1 else Pow(atom, Const(power)) for atom, power in factors]
    if numerator != 1 or not parts:
        parts.insert(0, Const(numerator))
    product = parts[0] if len(parts) == 1 else Mul(tuple(parts))
    return product if denominator == 1 else Div(product, Const(denominator))


def powers(power: Pow, extract: bool) -> list[tuple[Term, int]]:
    """A power as a product of bases to known exponents; a base that is a `Pow` is an atom."""
    base, exponent = power.base, power.exponent
    if isinstance(exponent, Const) and exponent.value >= 0:
        return [(base, exponent.value)]
    base, exponent = canonical(base, extract), canonical(exponent, extract)
    assert isinstance(base, Term) and isinstance(exponent, Term)
    if base == Const(1):
        return []
    if not extract:
        return [(Pow(base, exponent), 1)]
    if isinstance(base, Mul):
        return [found for factor in base.args for found in powers(Pow(factor, exponent), extract)]
    while isinstance(base, Pow):  # (b**e)**f = b**(e*f), as e >= 0 and f >= 0 wherever that is defined
        exponent = canonical(base.exponent * exponent, extract)
        base = base.base
    inside = Polynomials([exponent], extract=extract)
    terms = inside.of(exponent).terms()
    splits = all(_counts(inside, exponents) and QQ.denom(c) == 1 and c > 0 for exponents, c in terms)
    if not splits:
        return [(Pow(base, exponent), 1)]
    found: list[tuple[Term, int]] = []
    for exponents, coefficient in terms:
        if not any(exponents):
            found.append((base, int(QQ.numer(coefficient))))
        else:
            factors = [(inside.atoms[place], one) for place, one in enumerate(exponents) if one]
            factors.sort(key=lambda factor: repr(factor[0]))
            found.append((Pow(base, _monomial(factors, QQ(1))), int(QQ.numer(coefficient))))
    return found


def is_count(term: Term) -> bool:
    """Whether a canonical term is never negative, seen from its signs and its variables' bounds alone."""
    ring = Polynomials([term], extract=False)
    return all(c > 0 and _counts(ring, monomial) for monomial, c in ring.of(term).terms())


def _counts(inside: Polynomials, exponents: tuple[int, ...]) -> bool:
    """Whether a monomial is a product of variables that are never negative."""
    used = [inside.atoms[place] for place, power in enumerate(exponents) if power]
    return all(isinstance(atom, Var) and atom.least is not None and atom.least >= 0 for atom in used)


@overload
def canonical(node: Term, extract: bool) -> Term: ...
@overload
def canonical(node: Formula, extract: bool) -> Formula: ...
@overload
def canonical(node: Node, extract: bool) -> Node: ...
def canonical(node: Node, extract: bool) -> Node:
    """The node with every part in canonical form; equal nodes after that are equal wherever they are defined."""
    return _canonical(node, extract)


@lru_cache(maxsize=20_000)
def _canonical(node: Node, extract: bool) -> Node:
    if isinstance(node, (Const, Var)):
        return node
    if isinstance(node, Term) and (is_arithmetic(node) or isinstance(node, Pow)):
        ring = Polynomials([node], extract=extract)
        return ring.term(ring.of(node))
    if isinstance(node, Sum):
        return _sum(node, extract)
    parts: tuple[Any, ...] = tuple(canonical(part, extract) for part in node.parts())
    if isinstance(node, (Min, Max)):
        flat = [below for part in parts for below in (part.args if isinstance(part, type(node)) else (part,))]
        args = tuple(sorted(dict.fromkeys(flat), key=repr))
        return args[0] if len(args) == 1 else type(node)(args)
    if extract and isinstance(node, Ite) and parts[1] == parts[2]:
        return parts[1]
    if extract and isinstance(node, Mod):
        numerator, denominator = parts
        return canonical(numerator - denominator * FloorDiv(numerator, denominator), extract)
    if extract and isinstance(node, CeilDiv):
        return canonical(-FloorDiv(canonical(-parts[0], extract), parts[1]), extract)
    if extract and isinstance(node, FloorDiv):
        return _floor(*parts)
    return node.with_parts(*parts)


def _floor(numerator: Term, denominator: Term) -> Term:
    """A floor without the multiples of its divisor, and without common factors; parts are canonical."""
    ring = Polynomials([numerator, denominator], extract=True)
    above, below = ring.of(numerator), ring.of(denominator)
    if below == 0:
        return FloorDiv(numerator, denominator)
    if above == 0:
        return Const(0)
    (whole,), _ = above.div([below])
    whole = ring.ring.from_dict(
        {monomial: _whole(c) for monomial, c in whole.terms() if _whole(c) and ring.is_integral(monomial)}
    )
    above = above - whole * below
    if above == 0:
        return ring.term(whole)
    if above.is_ground and below.is_ground:
        return ring.term(whole + _whole(above.LC / below.LC))
    common = above.gcd(below)
    above, below = above.quo(common), below.quo(common)
    scale = lcm(*(int(QQ.denom(c)) for one in (above, below) for c in one.coeffs()))
    above, below = above * scale, below * scale
    content = gcd(*(int(QQ.numer(c)) for one in (above, below) for c in one.coeffs()))
    if below.LC < 0 and below.is_ground:
        content = -content
    rest = FloorDiv(ring.term(above.quo_ground(content)), ring.term(below.quo_ground(content)))
    return rest if whole == 0 else _plain(Add((ring.term(whole), rest)))


def _whole(coefficient: object) -> int:
    """The floor of a rational number."""
    return int(QQ.numer(coefficient)) // int(QQ.denom(coefficient))


def _plain(term: Term) -> Term:
    """Canonical form of a term whose atoms are canonical already."""
    ring = Polynomials([term], extract=False)
    return ring.term(ring.of(term))


def _sum(node: Sum, extract: bool) -> Node:
    """A sum from zero with a canonical index; with ``extract`` term by term, what is free of the index in front."""
    depth = 1 + max((_depth(part) for part in node.parts()), default=0)
    low, high = canonical(node.low, extract), canonical(node.high, extract)
    index = Var(fresh_name(f"i{depth}", free_names(node)))
    body = substitute(node.body, {node.index.name: index + low if extract else index})
    if extract:
        low, high = Const(0), canonical(high - low, extract)
    body = canonical(body, extract)
    assert isinstance(body, Term) and isinstance(low, Term) and isinstance(high, Term)
    if not extract:
        return Sum(index, low, high, body)
    if isinstance(high, Const) and high.value <= MAX_LENGTH:
        written = tuple(substitute(body, {index.name: Const(value)}) for value in range(high.value))
        return canonical(Add(written), extract)
    last = _last_terms(high)
    if last:  # a sum up to n + 1 is the sum up to n and one term more
        shorter = canonical(high - last, extract)
        assert isinstance(shorter, Term)
        more = (substitute(body, {index.name: shorter + number}) for number in range(last))
        return canonical(Add((Sum(index, low, shorter, body), *more)), extract)
    ring = Polynomials([body], extract=True)
    pieces: list[Term] = []
    for exponents, coefficient in ring.of(body).terms():
        outside: list[tuple[Term, int]] = []
        inside: list[tuple[Term, int]] = []
        for place, power in enumerate(exponents):
            if power:
                atom = ring.atoms[place]
                (inside if index.name in free_names(atom) else outside).append((atom, power))
        for factors in (outside, inside):
            factors.sort(key=lambda factor: repr(factor[0]))
        length = high if not inside and is_count(high) else Sum(index, low, high, _monomial(inside, QQ(1)))
        pieces.append(_monomial(outside, coefficient) * length)
    return _plain(Add(tuple(pieces)))


def _last_terms(high: Term) -> int:
    """How many terms can be split off at the end of a sum from zero: the number in ``n + 2``, n never negative."""
    number = high.args[-1] if isinstance(high, Add) else None
    if not isinstance(number, Const) or not 0 < number.value <= MAX_LENGTH or not is_count(high):
        return 0
    return number.value


def _depth(node: Node) -> int:
    """How deep sums are nested below a node."""
    return isinstance(node, Sum) + max((_depth(part) for part in node.parts()), default=0)
