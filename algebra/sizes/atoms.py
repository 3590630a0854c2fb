"""Atoms, what a polynomial does not look into, and the products of polynomials over them.

What cannot be opened any further (a symbol, a floor, a maximum, ``s**L``, a sum that is kept as a factor, a foreign
function) is an *atom*, numbered by its `Atoms` table.

>>> from sympy import Symbol
>>> from layeralgebra.algebra.sizes.polynomial import add, constant
>>> atoms = Atoms()
>>> x = atoms.symbol(Symbol("x", integer=True))
>>> atoms.to_expr(atoms.power(add(x, constant(1)), 2))
x**2 + 2*x + 1
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from math import comb
from typing import Any

from sympy import Add, Expr, Integer, Mul, Piecewise, Pow, Rational, S, Symbol
from sympy.core.sorting import default_sort_key
from sympy.logic.boolalg import Boolean

from .intervals import Interval
from .polynomial import (
    ONE,
    Coefficient,
    Monomial,
    Polynomial,
    Unopened,
    add_into,
    content,
    number_power,
    prime_powers,
    scale,
    times,
    to_the,
    whole,
)

#: A product of sums that would have more terms than this stays a product,
TERM_BUDGET = 1000
#: and so does one that would have more symbols and signs than this, unless it is one sum and hardly grows.
SIZE_BUDGET = 50_000


class Atom:
    """One thing that a polynomial does not look into, with what is known of its values.

    `kind` is one of ``symbol``, ``floor``, ``max``, ``min``, ``power`` (a symbolic exponent), ``sign`` (a symbolic
    power of -1), ``sum`` (a polynomial kept as a unit), ``prime`` (the base of a root), ``cases`` and ``other``;
    `parts` are the polynomials inside it.
    """

    __slots__ = ("bounds", "depth", "expr", "integer", "key", "kind", "number", "parts", "positive", "size", "values")

    def __init__(self, number: int, expr: Expr, kind: str, integer: bool, parts: tuple[Polynomial, ...]):
        self.number, self.expr, self.kind, self.integer, self.parts = number, expr, kind, integer, parts
        self.bounds: Interval | None = None
        self.positive: bool | None = None
        self.key: Any = None
        self.depth, self.size = 0, 1
        self.values: tuple[Coefficient | None, ...] | None = None


class Atoms:
    """The numbered atoms of one computation, and the operations that need to know them.

    Parameters
    ----------
    bounds : mapping, optional
        Least and greatest values of symbols, instead of those that their assumptions give (for the index of a sum).
    deciding : bool
        Whether forms are chosen to decide equality rather than to be read.
    """

    def __init__(
        self,
        bounds: Mapping[Symbol, Interval] | None = None,
        *,
        deciding: bool = False,
    ):
        self.list: list[Atom] = []
        self.bounds = dict(bounds or {})
        self.deciding = deciding
        self._numbers: dict[tuple[str, Expr], int] = {}
        self._unsettled = False

    # Atoms

    def atom(self, expr: Expr, kind: str, integer: bool, parts: tuple[Polynomial, ...] = ()) -> Polynomial:
        """The polynomial that is one atom."""
        return {((self.number(expr, kind, integer, parts), 1),): 1}

    def number(self, expr: Expr, kind: str, integer: bool, parts: tuple[Polynomial, ...] = ()) -> int:
        """The number of an atom, a new one the first time."""
        number = self._numbers.get((kind, expr))
        if number is None:
            number = self._numbers[kind, expr] = len(self.list)
            atom = Atom(number, expr, kind, integer, parts)
            atom.depth = 1 + max((self.list[n].depth for part in parts for m in part for n, _ in m), default=0)
            if parts:
                atom.size += sum(map(self.size, parts))
            elif kind == "other":
                atom.size = _nodes(expr)
            self.list.append(atom)
            self._unsettled = self._unsettled or kind in ("sum", "prime", "sign", "cases")
        return number

    def symbol(self, symbol: Symbol) -> Polynomial:
        """A symbol as a polynomial."""
        return self.atom(symbol, "symbol", symbol in self.bounds or bool(symbol.is_integer))

    def key(self, number: int) -> Any:
        """A sort key of an atom that does not depend on the order in which the atoms were met."""
        atom = self.list[number]
        if atom.key is None:
            atom.key = default_sort_key(atom.expr)
        return atom.key

    def monomial_key(self, monomial: Monomial) -> Any:
        """A sort key of a monomial: by degree, then by its atoms."""
        factors = sorted(((self.key(number), exponent) for number, exponent in monomial), reverse=True)
        return sum(exponent for _, exponent in factors), factors

    def leading(self, polynomial: Polynomial) -> Monomial:
        """The greatest monomial."""
        return next(iter(polynomial)) if len(polynomial) == 1 else max(polynomial, key=self.monomial_key)

    def is_integer(self, polynomial: Polynomial) -> bool:
        """Whether every term is an integer for integer symbols."""
        return all(type(c) is int and self.is_integer_monomial(m) for m, c in polynomial.items())

    def is_integer_monomial(self, monomial: Monomial) -> bool:
        """Whether a monomial is an integer for integer symbols."""
        return all(type(e) is int and e > 0 and self.list[number].integer for number, e in monomial)

    # Products

    def multiply(self, left: Polynomial, right: Polynomial) -> Polynomial:
        """The product, expanded where that stays within the budget of terms."""
        return self.product([(left, 1), (right, 1)])

    def power(self, base: Polynomial, exponent: Coefficient) -> Polynomial:
        """A number's power of a polynomial."""
        return self.product([(base, exponent)])

    def product(self, factors: Iterable[tuple[Polynomial, Coefficient]]) -> Polynomial:
        """A product of powers, expanded where that stays within the budget of terms.

        Whether it does is decided on the bases gathered, each a polynomial without content, so that a product that
        was left as it is meets the same decision again.
        """
        coefficient: Coefficient = 1
        monomial: Monomial = ONE
        sums: list[tuple[Polynomial, Coefficient]] = []
        for base, exponent in factors:
            if not exponent:
                continue
            if not base:
                if exponent > 0:
                    return {}
                raise Unopened("a division by zero")
            if len(base) == 1:
                ((inner, value),) = base.items()
                if type(exponent) is int:
                    coefficient *= number_power(value, exponent)
                    monomial = times(monomial, to_the(inner, exponent))
                    continue
                roots = self._root(inner, value, exponent)
                if roots is not None:
                    monomial = times(monomial, roots)
                    continue
            sums.append((base, exponent))
        coefficient = whole(coefficient)
        if not sums and not (self._unsettled and self._is_unsettled(monomial)):
            return {monomial: coefficient}
        if len(sums) == 1 and sums[0][1] == 1 and not self._has_sum(monomial) and self._fits(sums, monomial):
            return self.settled(self._spread({monomial: coefficient}, sums[0][0]))
        return self._gathered(coefficient, monomial, sums)

    def _gathered(
        self, coefficient: Coefficient, monomial: Monomial, sums: Sequence[tuple[Polynomial, Coefficient]]
    ) -> Polynomial:
        powers: dict[int, Coefficient] = {}
        rest: list[tuple[int, Coefficient]] = []
        for number, exponent in monomial:
            kind = self.list[number].kind
            if kind == "sum":
                powers[number] = powers.get(number, 0) + exponent
            elif kind == "prime":
                full = exponent.numerator // exponent.denominator
                coefficient *= number_power(int(self.list[number].expr), full)
                if exponent != full:
                    rest.append((number, exponent - full))
            elif kind == "cases" and exponent != 1:
                pairs = zip(self.list[number].parts, self.list[number].expr.args)
                sums = [*sums, (self.cases([(self.power(part, exponent), pair[1]) for part, pair in pairs]), 1)]
            elif kind == "sign":
                if exponent % 2:
                    rest.append((number, exponent % 2))
            else:
                rest.append((number, exponent))
        for base, exponent in sums:
            if not base:
                return {}
            value = content(base)
            if type(exponent) is int:
                if base[self.leading(base)] < 0:
                    value = -value
                try:
                    coefficient *= number_power(value, exponent)
                except Unopened:
                    value = 1
            else:
                value = 1
            number = self.unit(scale(base, Fraction(1) / value))
            powers[number] = powers.get(number, 0) + exponent
        opened = {n: e for n, e in powers.items() if e > 0 and e.denominator == 1}
        factors = [(self.list[n].parts[0], int(e)) for n, e in opened.items()]
        if factors and not self._fits(factors, tuple(rest)):
            opened, factors = {}, []
        rest.extend((n, whole(e)) for n, e in powers.items() if e and n not in opened)
        result = {tuple(sorted(rest)): whole(coefficient)}
        for base, exponent in factors:
            result = self._spread(result, self._raised(base, exponent))
        return self.settled(result) if factors else result

    def _fits(self, factors: Sequence[tuple[Polynomial, Coefficient]], monomial: Monomial) -> bool:
        """Whether a product of powers of sums, times a monomial, is small enough to be expanded."""
        if len(factors) == 1 and factors[0][1] == 1 and not monomial:
            return True
        terms, sizes = 1, []
        for base, exponent in factors:
            count = len(base)
            if exponent > 1:
                count = comb(count + int(exponent) - 1, int(exponent)) if exponent <= TERM_BUDGET else TERM_BUDGET + 1
            terms *= count
            if terms > TERM_BUDGET and (len(factors) > 1 or exponent > 1):
                return False
            sizes.append((self.size(base), len(base)))
        written = sum(size for size, _ in sizes) + self._size_of(monomial)
        expanded = terms * (sum(size / length for size, length in sizes) + self._size_of(monomial))
        return expanded <= SIZE_BUDGET or (len(factors) == 1 and factors[0][1] == 1 and expanded <= 3 * written)

    def size(self, polynomial: Polynomial) -> int:
        """How many symbols and signs a polynomial has, written out."""
        return sum(map(self._size_of, polynomial))

    def _size_of(self, monomial: Monomial) -> int:
        return 1 + sum(self.list[number].size for number, _ in monomial)

    def unit(self, base: Polynomial) -> int:
        """The number of the atom that stands for a whole polynomial."""
        return self.number(self.to_expr(base), "sum", self.is_integer(base), (base,))

    def _raised(self, base: Polynomial, exponent: int) -> Polynomial:
        if len(base) == 2:  # the binomial theorem, with one product for each term
            (first, a), (second, b) = base.items()
            ups: list[Monomial] = [to_the(first, k) for k in range(exponent + 1)]
            raised: Polynomial = {}
            for k in range(exponent + 1):
                value = comb(exponent, k) * a**k * b ** (exponent - k)
                add_into(raised, {times(ups[k], to_the(second, exponent - k)): value})
            return raised
        result: Polynomial | None = None
        while True:
            if exponent & 1:
                result = base if result is None else self._spread(result, base)
            exponent >>= 1
            if not exponent:
                return result or {}
            base = self._spread(base, base)

    @staticmethod
    def _spread(left: Polynomial, right: Polynomial) -> Polynomial:
        total: Polynomial = {}
        for first, a in left.items():
            for second, b in right.items():
                monomial = times(first, second)
                value = total.get(monomial, 0) + a * b
                if value:
                    total[monomial] = value if type(value) is int else whole(value)
                else:
                    total.pop(monomial, None)
        return total

    def _has_sum(self, monomial: Monomial) -> bool:
        return self._unsettled and any(self.list[number].kind == "sum" for number, _ in monomial)

    def _is_unsettled(self, monomial: Monomial) -> bool:
        for number, exponent in monomial:
            kind = self.list[number].kind
            if kind == "sum" and exponent > 0 and exponent.denominator == 1:
                return True
            if (kind == "prime" and not 0 < exponent < 1) or (kind in ("sign", "cases") and exponent != 1):
                return True
        return False

    def settled(self, polynomial: Polynomial) -> Polynomial:
        """The same, with the kept sums opened that came together to a power within the budget."""
        if not self._unsettled:
            return polynomial
        loose = [monomial for monomial in polynomial if self._is_unsettled(monomial)]
        if not loose:
            return polynomial
        total = dict(polynomial)
        for monomial in loose:
            del total[monomial]
        for monomial in loose:
            add_into(total, self._gathered(polynomial[monomial], monomial, ()))
        return total

    def cases(self, pairs: Iterable[tuple[Polynomial, Boolean]]) -> Polynomial:
        """A case distinction without the cases that cannot come, or that say the same as the one after them."""
        kept: list[tuple[Polynomial, Boolean]] = []
        for value, condition in pairs:
            if condition is not S.false:
                kept.append((value, condition))
            if condition is S.true:
                break
        while len(kept) > 1 and kept[-1][1] is S.true and kept[-2][0] == kept[-1][0]:
            kept[-2:] = [(kept[-1][0], S.true)]
        if not kept:
            raise Unopened("no case")
        if kept[0][1] is S.true:
            return kept[0][0]
        made = Piecewise(*((self.to_expr(value), condition) for value, condition in kept), evaluate=False)
        values = tuple(value for value, _ in kept)
        return self.atom(made, "cases", all(map(self.is_integer, values)), values)

    def _root(self, monomial: Monomial, value: Coefficient, exponent: Coefficient) -> Monomial | None:
        """A fractional power of a term, where its factors are known not to be negative (or there is but one)."""
        if value == 1 and len(monomial) == 1 and monomial[0][1] == 1:
            return to_the(monomial, exponent)
        if value < 0 or not all(self.is_not_negative_atom(number) for number, _ in monomial):
            return None
        result = to_the(monomial, exponent)
        for prime, power in prime_powers(value).items():
            number = self.number(Integer(prime), "prime", True)
            result = times(result, ((number, whole(power * exponent)),))
        return result

    def is_not_negative_atom(self, number: int) -> bool:
        """Whether an atom is plainly not negative."""
        atom = self.list[number]
        if atom.kind == "symbol" and atom.expr in self.bounds:
            return self.bounds[atom.expr][0] >= 0
        if atom.kind in ("symbol", "other", "prime"):
            return bool(atom.expr.is_nonnegative)
        return atom.kind == "power" and bool(atom.positive)

    # Back to expressions

    def to_expr(self, polynomial: Polynomial) -> Expr:
        """The polynomial as a SymPy expression."""
        return Add(*(self.term(monomial, value) for monomial, value in polynomial.items()))

    def term(self, monomial: Monomial, value: Coefficient) -> Expr:
        """One term as a SymPy expression."""
        number = Integer(value) if type(value) is int else Rational(value.numerator, value.denominator)
        if not monomial:
            return number
        factors = [self._factor(n, e) for n, e in monomial]
        if value != 1:
            factors.append(number)
        return factors[0] if len(factors) == 1 else Mul(*factors)

    def _factor(self, number: int, exponent: Coefficient) -> Expr:
        base = self.list[number].expr
        if exponent == 1:
            return base
        return Pow(
            base, Integer(exponent) if type(exponent) is int else Rational(exponent.numerator, exponent.denominator)
        )


def _nodes(expr: Expr) -> int:
    """The number of nodes of an expression, up to the budget."""
    count, stack = 0, [expr]
    while stack and count < SIZE_BUDGET:
        count += 1
        stack.extend(stack.pop().args)
    return count
