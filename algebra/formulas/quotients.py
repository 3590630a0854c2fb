"""Polynomials over atoms as one quotient, and as products: what a sum of terms has in common, and its factors.

The atoms of a polynomial are taken for independent. What is factored is bounded, since factoring may take any time: a
polynomial that is linear in one of its atoms is divided by the common divisor of its two coefficients, which leaves
nothing to factor; another is handed to SymPy where it is small, and else left as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from math import lcm
from typing import Any

from sympy import ZZ, Dummy
from sympy.polys.galoistools import gf_from_int_poly, gf_gcd
from sympy.polys.rings import PolyElement, ring

from ..records import dataclass
from ..sizes.atoms import Atoms
from ..sizes.polynomial import ONE, Coefficient, Monomial, Polynomial, content, scale, times, to_the, whole

#: Of a polynomial with more terms, atoms or bits in a coefficient than this, only what all terms share is taken out.
TERM_BUDGET, ATOM_BUDGET, BIT_BUDGET = 300, 12, 512
#: One that is linear in no atom is factored up to so many terms, atoms and this degree.
PLAIN_TERMS, PLAIN_ATOMS, PLAIN_DEGREE = 30, 3, 12
_PRIME = 2147483647
_POINTS = (
    1299709,
    15485863,
    179424673,
    32452843,
    49979687,
    67867967,
    86028121,
    104395301,
    122949823,
    141650939,
    160481183,
    982451653,
)


@dataclass(frozen=True)
class Quotient:
    """``coefficient * monomial * product of numerators / product of denominators``, each a polynomial without content.

    The exponents of the monomial may be negative.
    """

    coefficient: Coefficient
    monomial: Monomial
    over: tuple[tuple[Polynomial, int], ...]
    under: tuple[tuple[Polynomial, int], ...]


def quotient(
    atoms: Atoms, polynomial: Polynomial
) -> tuple[Coefficient, Monomial, Polynomial, list[tuple[Polynomial, int]]]:
    """A polynomial with negative exponents as ``coefficient * monomial * polynomial / product of polynomials``."""
    least: dict[int, Coefficient] = {}
    for inner in polynomial:
        for number, exponent in inner:
            least[number] = min(least.get(number, exponent), exponent)
    for inner in polynomial:
        present = {number for number, _ in inner}
        for number in least:
            if number not in present:
                least[number] = min(least[number], 0)
    under: list[tuple[Polynomial, int]] = []
    outside: list[tuple[int, Coefficient]] = []
    inside: list[tuple[Polynomial, int]] = []
    coefficient: Coefficient = 1
    divided: list[tuple[int, Coefficient]] = []
    for number, exponent in least.items():
        if not exponent:
            continue
        divided.append((number, -exponent))
        if exponent < 0 and type(exponent) is int and atoms.list[number].kind == "sum":
            value, monomial, above, below = quotient(atoms, atoms.list[number].parts[0])
            coefficient *= Fraction(value) ** exponent
            outside += to_the(monomial, exponent)
            under.append((above, -exponent))
            inside += [(part, power * -exponent) for part, power in below]
        else:
            outside.append((number, exponent))
    shift = tuple(sorted(divided))
    moved: Polynomial = {times(inner, shift): value for inner, value in polynomial.items()}
    if inside or any(atoms.list[n].kind == "sum" for n, _ in shift):
        moved = atoms.product([(moved, 1), *inside])
    value = Fraction(content(moved))
    moved = scale(moved, 1 / value)
    monomial = ONE
    for pair in outside:
        monomial = times(monomial, (pair,))
    return whole(coefficient * value), monomial, moved, under


def factored(atoms: Atoms, polynomial: Polynomial) -> Quotient:
    """A polynomial as a quotient of products."""
    coefficient, monomial, above, below = quotient(atoms, polynomial)
    powers: list[tuple[Polynomial, int]] = []

    def count(factors: list[tuple[Polynomial, int]], sign: int) -> None:
        nonlocal coefficient, monomial
        for factor, exponent in factors:
            if len(factor) == 1:
                ((inner, value),) = factor.items()
                coefficient = whole(coefficient * Fraction(value) ** (sign * exponent))
                monomial = times(monomial, to_the(inner, sign * exponent))
                continue
            for place, (known, power) in enumerate(powers):
                if known == factor or known == scale(factor, -1):
                    if known != factor and exponent % 2:
                        coefficient = -coefficient
                    powers[place] = known, power + sign * exponent
                    break
            else:
                powers.append((factor, sign * exponent))

    count(factors_of(atoms, above), 1)
    for part, exponent in below:
        count([(factor, power * exponent) for factor, power in factors_of(atoms, part)], -1)
    return Quotient(
        coefficient, monomial,
        tuple((factor, power) for factor, power in powers if power > 0),
        tuple((factor, -power) for factor, power in powers if power < 0),
    )  # fmt: skip


def factors_of(atoms: Atoms, polynomial: Polynomial) -> list[tuple[Polynomial, int]]:
    """Polynomials whose product is a polynomial without negative exponents."""
    if len(polynomial) < 2:
        return [(polynomial, 1)]
    numbers = sorted({number for monomial in polynomial for number, _ in monomial}, key=atoms.key)
    shared = _shared(polynomial)
    found: list[tuple[Polynomial, int]] = [({shared: 1}, 1)] if shared else []
    if shared:
        polynomial = {times(inner, to_the(shared, -1)): value for inner, value in polynomial.items()}
        numbers = sorted({number for monomial in polynomial for number, _ in monomial}, key=atoms.key)
    if len(polynomial) > TERM_BUDGET or len(numbers) > ATOM_BUDGET:
        return [*found, (polynomial, 1)]
    if any(type(value) is not int or value.bit_length() > BIT_BUDGET for value in polynomial.values()):
        return [*found, (polynomial, 1)]
    roots = {number: 1 for number in numbers}
    for monomial in polynomial:
        for number, exponent in monomial:
            roots[number] = lcm(roots[number], exponent.denominator)
    places = {number: place for place, number in enumerate(numbers)}
    rows = []
    for monomial, value in polynomial.items():
        row = [0] * len(numbers)
        for number, exponent in monomial:
            row[places[number]] = int(exponent * roots[number])
        if max(row, default=0) > 64:
            return [*found, (polynomial, 1)]
        rows.append((tuple(row), value))

    def back(terms: Mapping[tuple[int, ...], int]) -> Polynomial:
        return {
            tuple(sorted((n, whole(Fraction(e, roots[n]))) for n, e in zip(numbers, row, strict=True) if e)): value
            for row, value in terms.items()
        }

    for terms, exponent in _factors(len(numbers), tuple(sorted(rows))):
        found.append((back(dict(terms)), exponent))
    return found


def _shared(polynomial: Polynomial) -> Monomial:
    """The powers that every term has."""
    first, *others = polynomial
    powers = {number: exponent for number, exponent in first if exponent > 0}
    for monomial in others:
        here = dict(monomial)
        powers = {n: min(e, here[n]) for n, e in powers.items() if here.get(n, 0) > 0}
        if not powers:
            break
    return tuple(sorted(powers.items()))


Terms = tuple[tuple[tuple[int, ...], int], ...]


@lru_cache(maxsize=4096)
def _factors(places: int, terms: Terms) -> tuple[tuple[Terms, int], ...]:
    """The factors of a polynomial in so many variables, by exponents."""
    made = ring([Dummy(f"x{place}") for place in range(places)], ZZ)[0]
    element = made.from_dict({row: ZZ(value) for row, value in terms})
    found: list[tuple[Any, int]] = []
    sign = 1
    for factor, exponent in _split(element):
        if factor.is_ground:
            sign *= int(factor.LC) ** exponent
        else:
            for place, (known, power) in enumerate(found):
                if known == factor:
                    found[place] = known, power + exponent
                    break
                if known == -factor:
                    sign *= (-1) ** exponent
                    found[place] = known, power + exponent
                    break
            else:
                found.append((factor, exponent))
    result = [
        (tuple((tuple(row), int(value)) for row, value in factor.terms()), exponent) for factor, exponent in found
    ]
    if sign != 1:
        result.append((((((0,) * places), sign),), 1))
    return tuple(result)


def _split(element: PolyElement) -> list[tuple[PolyElement, int]]:
    """Factors of one polynomial, with a linear variable where there is one."""
    pending, found = [element], []
    while pending:
        part = pending.pop()
        if part.is_ground:
            found.append((part, 1))
            continue
        degrees = part.degrees()
        linear = [place for place, degree in enumerate(degrees) if degree == 1]
        if not linear:
            found += _plain(part, degrees)
            continue
        # The variable in the fewest terms leaves the smaller coefficient.
        place = min(linear, key=lambda p: (sum(1 for row in part if row[p]), p))
        slope: dict[tuple[int, ...], Any] = {}
        rest: dict[tuple[int, ...], Any] = {}
        for row, value in part.items():
            (slope if row[place] else rest)[(*row[:place], 0, *row[place + 1 :])] = value
        made = part.ring
        divisor = _divisor(made.from_dict(slope), made.from_dict(rest)) if rest else made.from_dict(slope)
        if divisor.is_ground:
            found.append((part, 1))
            continue
        found.append((part.exquo(divisor), 1))
        pending.append(divisor)
    return found


def _divisor(first: PolyElement, second: PolyElement) -> PolyElement:
    """The greatest common divisor, asked for only where the two may have one."""
    if not _may_share(first, second):
        return first.ring.one
    return first.gcd(second)


def _may_share(first: PolyElement, second: PolyElement) -> bool:
    """False where values modulo a prime show that no variable is in a common divisor."""
    degrees, others = first.degrees(), second.degrees()
    return any(
        one > 0 and other > 0 and _degree_modulo(first, second, place) > 0
        for place, (one, other) in enumerate(zip(degrees, others, strict=True))
    )


def _degree_modulo(first: PolyElement, second: PolyElement, place: int) -> int:
    """The degree of the common divisor in one variable, where the others have values."""
    rows = []
    for element in (first, second):
        dense = [0] * (element.degrees()[place] + 1)
        for row, value in element.items():
            image = int(value)
            for other, exponent in enumerate(row):
                if exponent and other != place:
                    image = image * pow(_POINTS[other], exponent, _PRIME) % _PRIME
            dense[len(dense) - 1 - row[place]] += image
        rows.append(gf_from_int_poly(dense, _PRIME))
    return len(gf_gcd(rows[0], rows[1], _PRIME, ZZ)) - 1


def _plain(part: PolyElement, degrees: tuple[int, ...]) -> list[tuple[PolyElement, int]]:
    """By SymPy, within a budget."""
    used = sum(1 for degree in degrees if degree)
    if len(part) > PLAIN_TERMS or used > PLAIN_ATOMS or sum(degrees) > PLAIN_DEGREE:
        return [(part, 1)]
    value, factors = part.factor_list()
    return [(part.ring.ground_new(value), 1), *factors]
