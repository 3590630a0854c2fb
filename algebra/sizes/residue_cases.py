"""Case distinctions by residues: ``x = q t + r`` for every ``r`` below ``q`` makes a floor over a number a polynomial.

A floor of a polynomial over ``d`` depends on each of its integer symbols by its residue modulo ``d`` alone, but for a
polynomial part. So an equality between floors over numbers is decided by finitely many equalities between
polynomials.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from math import inf, lcm

from sympy import Dummy

from .atoms import Atoms
from .from_sympy import Converter
from .polynomial import Polynomial, add, constant, scale
from .signs import bounds_of

#: No polynomial with more terms than this is looked at by cases.
SIZE_BUDGET = 200


def periods(atoms: Atoms, polynomial: Polynomial) -> dict[int, int]:
    """For every integer symbol inside a floor over a number, the modulus on which the floor depends."""
    found: dict[int, int] = {}
    pending, seen = [polynomial], set()
    while pending:
        for monomial in pending.pop():
            for number, _ in monomial:
                if number in seen:
                    continue
                seen.add(number)
                atom = atoms.list[number]
                pending.extend(atom.parts)
                if atom.kind != "floor":
                    continue
                (inside,) = atom.parts
                if any(exponent < 0 for inner in inside for _, exponent in inner):
                    continue
                for inner, value in inside.items():
                    for n, _ in inner:
                        if atoms.list[n].kind == "symbol" and atoms.list[n].integer and value.denominator > 1:
                            found[n] = lcm(found.get(n, 1), value.denominator)
    return found


def by_residues(atoms: Atoms, polynomial: Polynomial, limit: int) -> Iterator[tuple[Atoms, Polynomial]] | None:
    """The polynomial in every case of the residues of its symbols; None without cases, or with more than `limit`."""
    moduli = periods(atoms, polynomial)
    count = 1
    for modulus in moduli.values():
        count *= modulus
    if not moduli or count > limit or len(polynomial) > SIZE_BUDGET:
        return None
    return _cases(atoms, polynomial, moduli)


def _cases(atoms: Atoms, polynomial: Polynomial, moduli: dict[int, int]) -> Iterator[tuple[Atoms, Polynomial]]:
    expr = atoms.to_expr(polynomial)
    symbols = [atoms.list[number].expr for number in moduli]
    starts = [bounds_of(atoms, number)[0] for number in moduli]
    # Where there is no least value, the quotient may be any integer.
    quotients = [
        Dummy(s.name, integer=True, nonnegative=None if start == -inf else True)
        for s, start in zip(symbols, starts, strict=True)
    ]
    for remainders in product(*(range(modulus) for modulus in moduli.values())):
        inner = Atoms(atoms.bounds, deciding=atoms.deciding)
        replaced = {}
        for symbol, modulus, start, quotient, remainder in zip(
            symbols, moduli.values(), starts, quotients, remainders, strict=True
        ):
            replaced[symbol] = add(
                scale(inner.symbol(quotient), modulus), constant(Fraction(0 if start == -inf else start) + remainder)
            )
        yield inner, Converter(inner, replaced).polynomial(expr)
