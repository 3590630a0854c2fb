"""Lower bounds of polynomials whose variables are bounded.

A variable that is at least ``a`` is ``a + t`` with ``t >= 0``; a polynomial in such ``t`` without negative
coefficients is at least its constant. Negative terms are paid for by squares, ``a p + b q >= 2 sqrt(a b) m`` where
``p q = m**2``, or by the range of their variables; and a polynomial in one integer is looked at place by place until
it increases.

>>> lowest({((0, 2),): 1, ((0, 1),): -4, (): 5}, {0: (1, inf)}, frozenset([0]))
1
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from fractions import Fraction
from math import comb, inf
from typing import Any

from .intervals import Interval, plus
from .polynomial import ONE, Coefficient, Monomial, Polynomial, add_into, times

#: A shifted polynomial with more terms than this is given up.
SIZE_BUDGET = 400
#: Powers above this are not shifted.
DEGREE_BUDGET = 12
#: So many places of a polynomial in one integer are looked at.
PLACE_BUDGET = 256


def lowest(polynomial: Polynomial, bounds: Mapping[int, Interval], integers: Set[int]) -> Any:
    """A number that a polynomial is never below, minus infinity where none is found.

    Parameters
    ----------
    polynomial : Polynomial
        Its exponents are not negative.
    bounds : mapping
        The least and the greatest value of every variable.
    integers : set of int
        The variables that take integer values only.
    """
    ranges: dict[int, Any] = {}
    free: set[int] = set()
    shifts: dict[int, tuple[Coefficient, int]] = {}
    for number in {n for monomial in polynomial for n, _ in monomial}:
        least, greatest = bounds[number]
        if greatest < least:
            return -inf  # there is no admissible point at all, and nothing to say about it
        if least > -inf:
            ranges[number] = plus(greatest, -least)
            if least:
                shifts[number] = (least, 1)
        elif greatest < inf:
            ranges[number] = inf
            shifts[number] = (greatest, -1)
        else:
            free.add(number)
    moved = _shifted(polynomial, shifts) if shifts else polynomial
    if moved is None:
        return -inf
    if len(ranges) == 1 and not free and ranges.keys() <= integers:
        exact = _lowest_of_one(moved, next(iter(ranges.values())))
        if exact is not None:
            return exact
    value = moved.get(ONE, 0)
    good: dict[Monomial, Coefficient] = {}
    bad: list[tuple[Monomial, Coefficient]] = []
    for monomial, coefficient in moved.items():
        if not monomial:
            continue
        if coefficient > 0 and all(exponent % 2 == 0 for n, exponent in monomial if n in free):
            good[monomial] = coefficient
        elif (greatest := _greatest(monomial, ranges)) is not None:
            value += min(coefficient * greatest, 0)
        else:
            bad.append((monomial, coefficient))
    for monomial, coefficient in bad:
        loss = _squares(good, monomial, coefficient)
        if loss is None:
            return -inf
        value -= loss
    return value


def _greatest(monomial: Monomial, ranges: Mapping[int, Any]) -> Coefficient | None:
    """The greatest value of a monomial whose variables run from 0 to the ends of their ranges."""
    total: Coefficient = 1
    for number, exponent in monomial:
        greatest = ranges.get(number, inf)
        if greatest == inf or exponent.denominator != 1:
            return None
        total *= greatest**exponent.numerator
    return total


def _squares(good: dict[Monomial, Coefficient], monomial: Monomial, coefficient: Coefficient) -> Coefficient | None:
    """The cost, a constant, of ``a p + b q >= |c| m``, where ``p q = m**2`` and ``4 a b >= c**2``; None if too dear."""
    square = tuple((n, 2 * e) for n, e in monomial)
    size = max(coefficient, -coefficient)
    for first in list(good):
        second = times(square, tuple((n, -e) for n, e in first))
        if first == second or good[first] <= 0:
            continue
        if not second:
            loss = Fraction(size * size) / (4 * good[first])
            good[first] = 0
            return loss
        if good.get(second, 0) <= 0 or 4 * good[first] * good[second] < size * size:
            continue
        half = Fraction(size, 2)
        if good[first] >= half and good[second] >= half:
            good[first], good[second] = good[first] - half, good[second] - half
        else:
            good[second] -= Fraction(size * size) / (4 * good[first])
            good[first] = 0
        return 0
    return None


def _shifted(goal: Polynomial, shifts: dict[int, tuple[Coefficient, int]]) -> Polynomial | None:
    """The polynomial in the distances of its atoms from their bounds."""
    total: Polynomial = {}
    for monomial, value in goal.items():
        terms: Polynomial = {ONE: value}
        for number, exponent in monomial:
            if number not in shifts:
                terms = {times(inner, ((number, exponent),)): c for inner, c in terms.items()}
                continue
            if type(exponent) is not int or exponent < 0 or exponent > DEGREE_BUDGET:
                return None
            start, direction = shifts[number]
            spread: Polynomial = {}
            for k in range(exponent + 1):
                factor = comb(exponent, k) * start ** (exponent - k) * direction**k
                power = ((number, k),) if k else ONE
                for inner, c in terms.items():
                    add_into(spread, {times(inner, power): c * factor})
            terms = spread
            if len(terms) > SIZE_BUDGET:
                return None
        add_into(total, terms)
        if len(total) > 2 * SIZE_BUDGET:
            return None
    return total


def _lowest_of_one(polynomial: Polynomial, span: Any) -> Coefficient | None:
    """The least value of a polynomial in an integer ``0 <= t <= span`` that increases from some small place on."""
    row: dict[int, Coefficient] = {0: 0}
    for monomial, value in polynomial.items():
        exponent = monomial[0][1] if monomial else 0
        if type(exponent) is not int or exponent > DEGREE_BUDGET:
            return None
        row[exponent] = value
    degree = max(row)
    if degree and row[degree] < 0 and span > PLACE_BUDGET:
        return None

    def at(t: int) -> Coefficient:
        return sum(value * t**exponent for exponent, value in row.items())

    if span <= PLACE_BUDGET:
        return min(at(t) for t in range(int(span) + 1))
    start = 0
    while start <= PLACE_BUDGET:
        steps = (sum(v * comb(e, k) * start ** (e - k) for e, v in row.items() if e >= k) for k in range(1, degree + 1))
        if all(step >= 0 for step in steps):
            return min(at(t) for t in range(start + 1))
        start = 2 * start + 1
    return None
