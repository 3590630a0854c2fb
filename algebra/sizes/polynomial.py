"""Sparse polynomials with rational coefficients, as dictionaries.

A polynomial is a dictionary ``{monomial: coefficient}``; a monomial is a tuple of pairs ``(atom, exponent)`` in the
order of the atoms' numbers (see `layeralgebra.algebra.sizes.atoms`); a coefficient is an `int`, or a `Fraction` that is no
integer. Negative exponents are quotients, fractional ones are roots. Polynomials are never changed once they are
made.

>>> x = {((0, 1),): 1}
>>> add(x, constant(2), scale(x, Fraction(1, 2)))
{((0, 1),): Fraction(3, 2), (): 2}
"""

from __future__ import annotations

from fractions import Fraction
from math import gcd, lcm

from sympy import Expr, S

Coefficient = int | Fraction
Monomial = tuple[tuple[int, Coefficient], ...]
Polynomial = dict[Monomial, Coefficient]

ONE: Monomial = ()

#: A coefficient that would have more bits than this is not raised to its power.
BIT_BUDGET = 100_000


class Unopened(Exception):
    """An expression without a polynomial form (a division by zero, a number too large); its node is kept as it is."""


def constant(value: Coefficient) -> Polynomial:
    """The polynomial of a number."""
    return {ONE: whole(value)} if value else {}


def whole(value: Coefficient) -> Coefficient:
    """A number as an `int` where it is one."""
    return value.numerator if isinstance(value, Fraction) and value.denominator == 1 else value


def add(*polynomials: Polynomial) -> Polynomial:
    """The sum, in time linear in the number of terms."""
    total: Polynomial = {}
    for polynomial in polynomials:
        add_into(total, polynomial)
    return total


def add_into(total: Polynomial, polynomial: Polynomial, factor: Coefficient = 1) -> None:
    """Add ``factor * polynomial`` to a sum that is still being made."""
    for monomial, coefficient in polynomial.items():
        value = total.get(monomial, 0) + coefficient * factor
        if value:
            total[monomial] = value if type(value) is int else whole(value)
        else:
            total.pop(monomial, None)


def scale(polynomial: Polynomial, factor: Coefficient) -> Polynomial:
    """A number times a polynomial."""
    if factor == 1:
        return polynomial
    return {monomial: whole(value * factor) for monomial, value in polynomial.items()} if factor else {}


def subtract(left: Polynomial, right: Polynomial) -> Polynomial:
    """The difference."""
    total = dict(left)
    add_into(total, right, -1)
    return total


def times(left: Monomial, right: Monomial) -> Monomial:
    """The product of two monomials, exponents added."""
    if not left:
        return right
    if not right:
        return left
    exponents = dict(left)
    for number, exponent in right:
        value = whole(exponents.get(number, 0) + exponent)
        if value:
            exponents[number] = value
        else:
            del exponents[number]
    return tuple(sorted(exponents.items()))


def to_the(monomial: Monomial, exponent: Coefficient) -> Monomial:
    """A monomial raised to a power."""
    return tuple((number, whole(power * exponent)) for number, power in monomial) if exponent else ONE


def content(polynomial: Polynomial) -> Coefficient:
    """The positive rational by which a polynomial must be divided to have coprime integers as coefficients."""
    over, under = 0, 1
    for value in polynomial.values():
        over, under = gcd(over, value.numerator), lcm(under, value.denominator)
    return whole(Fraction(over, under)) if over else 1


def number_power(value: Coefficient, exponent: int) -> Coefficient:
    """An integer power of a number that is not zero."""
    if value == 1:
        return 1
    if value == -1:
        return -1 if exponent & 1 else 1
    bits = max(abs(value.numerator).bit_length(), value.denominator.bit_length())
    if bits * abs(exponent) > BIT_BUDGET:
        raise Unopened("a number too large")
    return whole(value**exponent if exponent > 0 else Fraction(1) / Fraction(value) ** -exponent)


def prime_powers(value: Coefficient) -> dict[int, int]:
    """The factors of a positive rational: primes, and what is left above the limit of the search."""
    from sympy import factorint

    found: dict[int, int] = {}
    for whole, sign in ((value.numerator, 1), (value.denominator, -1)):
        for prime, power in factorint(whole, limit=1 << 16).items():
            found[int(prime)] = found.get(int(prime), 0) + sign * int(power)
    return {prime: power for prime, power in found.items() if prime != 1 and power}


def from_number(value: Expr) -> Coefficient:
    """A SymPy rational as a Python number."""
    return int(value) if value is S.Zero or value.is_Integer else Fraction(int(value.p), int(value.q))
