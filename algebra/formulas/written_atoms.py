"""A formula's polynomial with atoms that read well: ceilings, binary logarithms, maxima that have taken in what is added to them.

Each step keeps the value wherever the formula has one: for integers ``N`` and ``D > 0``, and any real ``x``, ``a``, ``b``, ``t``,

- ``floor(N/D) = ceil((N - D + 1)/D) = ceil((N + 1)/D) - 1``,
- ``floor(x) = -ceil(-x)``,
- ``max(a, b) + t = max(a + t, b + t)`` and ``t - max(a, b) = min(t - a, t - b)``.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from sympy import Expr, Max, Min, log

from ..sizes.atoms import Atoms
from ..sizes.from_sympy import Converter
from ..sizes.polynomial import (
    Coefficient,
    Monomial,
    Polynomial,
    add,
    add_into,
    constant,
    scale,
    subtract,
    times,
    to_the,
    whole,
)
from ..sizes.signs import denominators, is_positive_atom
from .display import RoundedDown, RoundedUp, log2
from .quotients import quotient

#: A rounding that stands with an integer is looked for in sums of so many terms at most, and in powers up to this.
TERM_BUDGET, POWER_BUDGET = 100, 4
#: How many roundings, minima and maxima of one sum are looked at in turn.
ATOM_BUDGET = 24

Variant = tuple[int, int, int]
"""A rounding is the first number times an atom plus the last number: ``(sign, atom, offset)``."""


class WrittenAtoms:
    """Rewrites the atoms of polynomials for reading.

    Parameters
    ----------
    atoms : Atoms
    written : callable
        The expression in which a polynomial inside of an atom is written.
    length : callable
        How many signs a polynomial takes, about.
    """

    def __init__(self, atoms: Atoms, written: Callable[[Polynomial], Expr], length: Callable[[Polynomial], int]):
        self.atoms, self.written, self.length = atoms, written, length
        self._variants: dict[int, list[Variant]] = {}
        self._roundings: set[int] = set()

    def rewritten(self, polynomial: Polynomial) -> Polynomial:
        """The polynomial over atoms that read well."""
        return self.joined(self._with_roundings(self._with_binary_logarithms(self._cleared(polynomial))))

    def _cleared(self, polynomial: Polynomial) -> Polynomial:
        """The polynomial over ``m - n`` where it is over ``m/n - 1``."""
        over = {n for m in polynomial for n, e in m if e < 0 and type(e) is int and self.atoms.list[n].kind == "sum"}
        for number in sorted(over, key=self.atoms.key):
            coefficient, monomial, above, below = quotient(self.atoms, self.atoms.list[number].parts[0])
            if below or coefficient == 1 and not monomial:
                continue
            unit = ((self.atoms.unit(above), 1),)
            total: Polynomial = {}
            for inner, value in polynomial.items():
                exponent = next((e for n, e in inner if n == number), 0)
                if exponent < 0 and type(exponent) is int:
                    inner = times(times(inner, ((number, -exponent),)), to_the(times(monomial, unit), exponent))
                    value = whole(value * Fraction(coefficient) ** exponent)
                add_into(total, {inner: value})
            polynomial = total
        return polynomial

    # Logarithms

    def _with_binary_logarithms(self, polynomial: Polynomial) -> Polynomial:
        """``log(a)/log(2)`` as one atom, where it is the only logarithm of a term."""
        made: Polynomial = {}
        changed = False
        for monomial, value in polynomial.items():
            found = [(n, e) for n, e in monomial if isinstance(self.atoms.list[n].expr, log)]
            below = [n for n, e in found if e == -1 and self.atoms.list[n].expr == log(2)]
            above = [n for n, e in found if e == 1]
            if len(found) == 2 and below and above:
                changed = True
                inside = self._argument(self.atoms.list[above[0]].expr.args[0])
                new = self.atoms.number(log2(inside), "other", False)
                monomial = tuple(sorted([*(pair for pair in monomial if pair not in found), (new, 1)]))
            add_into(made, {monomial: value})
        return made if changed else polynomial

    def _argument(self, expr: Expr) -> Expr:
        return self.written(Converter(self.atoms).polynomial(expr))

    # Roundings

    def _with_roundings(self, polynomial: Polynomial) -> Polynomial:
        """Every floor in the variant in which the whole sum is shortest."""
        present = {n for monomial in polynomial for n, _ in monomial if self.atoms.list[n].kind == "floor"}
        for place, number in enumerate(sorted(present, key=self.atoms.key)):
            exponents = {e for monomial in polynomial for n, e in monomial if n == number}
            variants = self.variants(number)
            plain = (
                len(polynomial) <= TERM_BUDGET and place < ATOM_BUDGET
                and all(type(e) is int and 0 < e <= POWER_BUDGET for e in exponents)
            )  # fmt: skip
            if not plain:
                variants = [variant for variant in variants if not variant[2]][:1]
                if any(e.denominator != 1 for e in exponents):
                    variants = [variant for variant in self.variants(number) if variant[0] > 0 and not variant[2]]
            made = [(variant, self._replaced(polynomial, number, variant)) for variant in variants]
            tried = [found for variant, found in made if not variant[2] or len(found) <= len(polynomial)]
            polynomial = min(tried, key=self.length) if len(tried) > 1 else tried[0]
        return polynomial

    def variants(self, number: int) -> list[Variant]:
        """The ways to write a floor, the best that stands alone first; there is always one that is plainly an atom."""
        known = self._variants.get(number)
        if known is None:
            known = self._variants[number] = self._ways(number)
        return known

    def _ways(self, number: int) -> list[Variant]:
        (inside,) = self.atoms.list[number].parts
        inside = self._with_roundings(self._with_binary_logarithms(inside))
        ways = [(1, self._rounding(RoundedDown, inside), 0)]
        if any(inside) and all(value < 0 for value in inside.values()):
            ways.append((-1, self._rounding(RoundedUp, scale(inside, -1)), 0))
        under = self._integers(inside)
        if under is not None:
            step: Polynomial = {to_the(under[1], -1): whole(Fraction(1, under[0]))}
            above = add(inside, step)
            shorter = add(above, constant(-1))
            if len(shorter) < len(inside):
                ways.append((1, self._rounding(RoundedUp, shorter), 0))
            if len(above) < len(inside) and all(value > 0 for value in above.values()):
                ways.append((1, self._rounding(RoundedUp, above), -1))
        alone = [way for way in ways if not way[2]]
        best = min(alone, key=lambda way: self.length({((way[1], 1),): way[0]}))
        return [best, *(way for way in ways if way != best)]

    def _integers(self, inside: Polynomial) -> tuple[int, Monomial] | None:
        """The denominator ``D > 0`` of ``N/D``, if both are integers."""
        number, monomial = denominators(self.atoms, inside)
        if number == 1 and not monomial:
            return None
        if not all(type(e) is int and self.atoms.list[n].integer and self._is_positive(n) for n, e in monomial):
            return None
        raised: Polynomial = {times(inner, monomial): whole(value * number) for inner, value in inside.items()}
        return (number, monomial) if self.atoms.is_integer(raised) else None

    def _is_positive(self, number: int) -> bool:
        return number not in self._roundings and is_positive_atom(self.atoms, number)

    def _rounding(self, head: type[RoundedDown] | type[RoundedUp], inside: Polynomial) -> int:
        coefficient, monomial, above, below = quotient(self.atoms, inside)
        value = Fraction(coefficient)
        over_powers = tuple((n, e) for n, e in monomial if e > 0)
        under_powers = tuple((n, -e) for n, e in monomial if e < 0)
        over = self.atoms.product([(above, 1), ({over_powers: value.numerator}, 1)])
        under = self.atoms.product([({under_powers: value.denominator}, 1), *below])
        made = head(self.written(over), self.written(under))
        number = self.atoms.number(made, "other", True)
        self._roundings.add(number)
        return number

    def _replaced(self, polynomial: Polynomial, number: int, variant: Variant) -> Polynomial:
        """The polynomial with a floor in one of its variants."""
        sign, new, offset = variant
        value: Polynomial = {((new, 1),): sign}
        if offset:
            value = add(value, constant(offset))
        total: Polynomial = {}
        for monomial, coefficient in polynomial.items():
            exponent = next((e for n, e in monomial if n == number), 0)
            if not exponent:
                add_into(total, {monomial: coefficient})
                continue
            rest = tuple(pair for pair in monomial if pair[0] != number)
            add_into(total, self.atoms.product([({rest: coefficient}, 1), (value, exponent)]))
        return total

    # Minima and maxima

    def joined(self, polynomial: Polynomial) -> Polynomial:
        """Every minimum and maximum that stands by itself in a sum, with those of the other terms that make it shorter."""
        alone = sorted(
            {
                monomial[0][0]
                for monomial in polynomial
                if len(monomial) == 1 and monomial[0][1] == 1 and self.atoms.list[monomial[0][0]].kind in ("max", "min")
            },
            key=self.atoms.key,
        )
        if len(polynomial) > TERM_BUDGET:
            return polynomial
        for number in alone[:ATOM_BUDGET]:
            if sum(1 for monomial in polynomial if any(n == number for n, _ in monomial)) == 1:
                polynomial = self._joined(polynomial, number)
        return polynomial

    def _joined(self, polynomial: Polynomial, number: int) -> Polynomial:
        atom = self.atoms.list[number]
        value = polynomial[((number, 1),)]
        rest = {monomial: c for monomial, c in polynomial.items() if monomial != ((number, 1),)}
        sign = 1 if value > 0 else -1
        size: Coefficient = value * sign
        steps = scale(rest, 1 / Fraction(size)) if size != 1 else rest
        taken = [steps, {monomial: c for monomial, c in steps.items() if monomial}]
        for part in atom.parts:
            taken.append({monomial: c for monomial, c in steps.items() if part.get(monomial) == -sign * c})
        tried = [polynomial]
        for step in taken:
            if step:
                kind = atom.kind if sign > 0 else {"max": "min", "min": "max"}[atom.kind]
                parts = [add(step, scale(part, sign)) for part in atom.parts]
                left = subtract(steps, step)
                new = self.extremum(kind, parts)
                tried.append(add(scale(left, size), {((new, 1),): size}))
        return min(tried, key=self.length)

    def extremum(self, kind: str, parts: list[Polynomial]) -> int:
        """A minimum or maximum as an atom, its arguments as they are."""
        head = Max if kind == "max" else Min
        made = head(*(self.atoms.to_expr(part) for part in parts), evaluate=False)
        return self.atoms.number(made, kind, all(map(self.atoms.is_integer, parts)), tuple(parts))
