"""Values of polynomials at a few admissible points, to drop at once what cannot be shown.

A statement that fails at one admissible point need not be reasoned about. The values of an atom are kept with it, so
that a probe costs one look at every term.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import floor, inf

from sympy import Symbol

from .atoms import Atom, Atoms
from .polynomial import Coefficient, Polynomial, whole

#: The number of points; at the first, every symbol is as small as it may be.
PLACES = 6
#: No value with more bits than this is computed.
BIT_BUDGET = 2000
#: Nothing is said about atoms nested deeper than this, unless the values inside are there already.
DEPTH_BUDGET = 100

Values = tuple[Coefficient | None, ...]
UNKNOWN: Values = (None,) * PLACES


def probed(atoms: Atoms, polynomial: Polynomial) -> Iterator[Coefficient | None]:
    """The values at the points, one by one, None where one is not known."""
    return (_value(atoms, polynomial, place) for place in range(PLACES))


def is_refuted(atoms: Atoms, goal: Polynomial, strict: bool) -> bool:
    """Whether ``goal >= 0`` (or ``> 0``) fails at one of the points."""
    for place in range(PLACES):
        value = _value(atoms, goal, place)
        if value is not None and (value < 0 or (strict and value == 0)):
            return True
    return False


def _value(atoms: Atoms, polynomial: Polynomial, place: int) -> Coefficient | None:
    total: Coefficient = 0
    for monomial, coefficient in polynomial.items():
        for number, exponent in monomial:
            base = _values(atoms, number)[place]
            if base is None:
                return None
            if exponent != 1:
                base = _power(base, exponent)
                if base is None:
                    return None
            coefficient = coefficient * base
        total += coefficient
    total = whole(total)
    return total if max(abs(total.numerator), total.denominator).bit_length() <= BIT_BUDGET else None


def _power(base: Coefficient, exponent: Coefficient) -> Coefficient | None:
    if exponent.denominator != 1 or (not base and exponent < 0):
        return None
    power = exponent.numerator
    size = max(abs(base.numerator), base.denominator)
    if size > 1 and size.bit_length() * abs(power) > BIT_BUDGET:
        return None
    return base**power if power >= 0 else whole(Fraction(1) / Fraction(base) ** -power)


def _values(atoms: Atoms, number: int) -> Values:
    atom = atoms.list[number]
    if atom.values is None:
        atom.values = UNKNOWN
        if atom.kind == "symbol":
            atom.values = _of_symbol(atoms, atom)
        elif (atom.depth <= DEPTH_BUDGET or _is_prepared(atoms, atom)) and atom.kind in (
            "floor",
            "max",
            "min",
            "sum",
            "power",
            "sign",
        ):
            atom.values = tuple(_of_atom(atoms, atom, place) for place in range(PLACES))
    return atom.values


def _is_prepared(atoms: Atoms, atom: Atom) -> bool:
    return all(atoms.list[n].values is not None for part in atom.parts for monomial in part for n, _ in monomial)


def _of_atom(atoms: Atoms, atom: Atom, place: int) -> Coefficient | None:
    values = [_value(atoms, part, place) for part in atom.parts]
    parts = [value for value in values if value is not None]
    if len(parts) < len(values):
        return None
    if atom.kind == "floor":
        return floor(parts[0])
    if atom.kind == "sum":
        return parts[0]
    if atom.kind in ("power", "sign"):
        return _power(*parts)
    return max(parts) if atom.kind == "max" else min(parts)


def _of_symbol(atoms: Atoms, atom: Atom) -> Values:
    symbol = atom.expr
    if symbol in atoms.bounds:
        least, greatest = atoms.bounds[symbol]
    elif any(known is not None for known in _further(symbol)):
        return UNKNOWN
    elif symbol.is_integer:
        least = 1 if symbol.is_positive else 0 if symbol.is_nonnegative else -inf
        greatest = -1 if symbol.is_negative else 0 if symbol.is_nonpositive else inf
    elif symbol.is_positive:
        return tuple(Fraction(2 * step + 1, 3) for step in _steps(atom.number))
    else:
        return UNKNOWN
    steps = _steps(atom.number)
    if least > -inf:
        return tuple(min(least + step, greatest) for step in steps)
    if greatest < inf:
        return tuple(greatest - step for step in steps)
    return tuple((step + 1) * (1 if (atom.number + place) % 2 else -1) for place, step in enumerate(steps))


def _steps(number: int) -> tuple[int, ...]:
    """Distances of many sizes, in another order for every symbol."""
    mixed = [(number * 2654435761 + place * 40503 * 65537) >> 9 for place in range(1, PLACES)]
    return (0, *((1 << value % 14) + (value >> 8) % 5 - 1 for value in mixed))


def _further(symbol: Symbol) -> tuple[bool | None, ...]:
    """What else may be assumed of an integer."""
    if symbol.is_integer and not symbol.is_zero:
        return symbol.is_even, symbol.is_odd, symbol.is_prime or None, symbol.is_composite or None
    return symbol.is_zero or None, None
