"""Quotients of polynomials: what a kept sum divides without a rest is divided by it.

>>> from sympy import symbols
>>> from layeralgebra.algebra.sizes.from_sympy import Converter
>>> x, y = symbols("x y", integer=True, positive=True)
>>> converter = Converter(Atoms())
>>> converter.atoms.to_expr(converter.polynomial(x / (x + y) + y / (x + y)))
1
"""

from __future__ import annotations

from fractions import Fraction

from .atoms import TERM_BUDGET, Atoms
from .polynomial import ONE, Polynomial, add_into, times, to_the, whole


def cancelled(atoms: Atoms, polynomial: Polynomial) -> Polynomial:
    """The same, with the terms over a kept sum divided by it where it divides them without a rest."""
    over = {n for monomial in polynomial for n, e in monomial if e < 0 and atoms.list[n].kind == "sum"}
    for number in sorted(over, key=atoms.key):
        while True:
            depth = min((e for monomial in polynomial for n, e in monomial if n == number), default=0)
            if depth >= 0 or depth.denominator != 1:
                break
            inverse = ((number, -depth),)
            above = {times(m, inverse): value for m, value in polynomial.items() if (number, depth) in m}
            quotient = _quotient(atoms, above, atoms.list[number].parts[0])
            if quotient is None:
                break
            rest = {m: value for m, value in polynomial.items() if (number, depth) not in m}
            back = ((number, depth + 1),) if depth < -1 else ONE
            add_into(rest, {times(m, back): value for m, value in quotient.items()})
            polynomial = atoms.settled(rest)
    return polynomial


def _quotient(atoms: Atoms, above: Polynomial, below: Polynomial) -> Polynomial | None:
    """The exact quotient of two polynomials, None where there is a rest."""
    if len(above) < 2 or len(above) > TERM_BUDGET:
        return None
    lead = atoms.leading(below)
    inverse, ratio = to_the(lead, -1), Fraction(1) / below[lead]
    quotient: Polynomial = {}
    keys = {monomial: atoms.monomial_key(monomial) for monomial in above}
    for _ in range(2 * len(above)):
        first = max(above, key=keys.__getitem__)
        factor, value = times(first, inverse), whole(above[first] * ratio)
        if any(e < 0 for n, e in factor if n in dict(lead)):
            return None
        quotient[factor] = value
        above = dict(above)
        for monomial, coefficient in below.items():
            moved = times(factor, monomial)
            add_into(above, {moved: coefficient}, -value)
            if moved not in keys:
                keys[moved] = atoms.monomial_key(moved)
        if not above:
            return quotient
    return None
