"""Floors of polynomials with rational coefficients, in a form with as few floors as possible.

The rules, for integers ``A``, ``b``, a positive integer ``n`` and any real ``x``:

- ``floor(x + b) = floor(x) + b``, with every coefficient brought into ``[0, 1)``;
- ``floor((floor(x) + b) / n) = floor((x + b) / n)``, so that a chain of strided layers has one floor;
- ``floor((b - floor(A / m)) / n) = floor((m b - A + m - 1) / (m n))``;
- ``floor((g A + b) / (g n)) = floor((A + floor(b / g)) / n)``;
- ``floor(-A / n) = -floor((A + n - 1) / n)``;
- ``floor(A / n) = 0`` where ``0 <= A < n``.
"""

from __future__ import annotations

from fractions import Fraction
from math import floor, lcm

from sympy import floor as floor_function

from .atoms import Atoms
from .polynomial import ONE, Coefficient, Monomial, Polynomial, add, add_into, constant, scale, subtract, times, to_the
from .sample_points import probed
from .signs import denominators, is_nonnegative, is_positive, is_positive_atom, rounding_slack


def floor_of(atoms: Atoms, inside: Polynomial) -> Polynomial:
    """The floor of a polynomial, as a polynomial."""
    whole: Polynomial = {}
    while True:
        inside = _split(atoms, inside, whole)
        if not any(monomial for monomial in inside):
            return whole
        reflected = _reflected(atoms, inside)
        if reflected is not None:
            add_into(whole, floor_of(atoms, reflected), -1)
            return whole
        merged = _merged(atoms, inside, whole)
        if merged is None:
            merged = _divided(atoms, inside, whole)
        if merged is None:
            break
        inside = merged
    single = _in_one_step(atoms, inside)
    if single is not None:
        add_into(whole, constant(single))
        return whole
    expr = floor_function(atoms.to_expr(inside), evaluate=False)
    add_into(whole, atoms.atom(expr, "floor", True, (inside,)))
    return whole


def ceiling_of(atoms: Atoms, inside: Polynomial) -> Polynomial:
    """The ceiling of a polynomial, as a polynomial: ``-floor(-x)``, or ``floor((A + n - 1)/n)`` for integers."""
    reflected = _over_next(atoms, inside)
    if reflected is not None:
        return floor_of(atoms, reflected)
    return scale(floor_of(atoms, scale(inside, -1)), -1)


def _split(atoms: Atoms, inside: Polynomial, whole: Polynomial) -> Polynomial:
    """Move the integer part of every coefficient out, and round what remains of the constant."""
    rest: Polynomial = {}
    denominator, plain = 1, True
    for monomial, value in inside.items():
        if not monomial:
            continue
        rest[monomial] = value
        if atoms.is_integer_monomial(monomial):
            denominator = lcm(denominator, value.denominator)
        else:
            plain = False
    # Where all that remains inside is negative, it is left so, to be reflected.
    all_negative = all(
        value < 0
        for monomial, value in rest.items()
        if value.denominator != 1 or not atoms.is_integer_monomial(monomial)
    )
    for monomial, value in list(rest.items()):
        if atoms.is_integer_monomial(monomial):
            part = value.numerator // value.denominator
            if all_negative and value.denominator != 1:
                part = -(-value.numerator // value.denominator)
            if part:
                add_into(whole, {monomial: part})
                add_into(rest, {monomial: -part})
    value = inside.get(ONE, 0)
    if plain:
        value = Fraction(value * denominator // 1, denominator)
    part = value.numerator // value.denominator
    if part:
        add_into(whole, constant(part))
    if value != part:
        add_into(rest, constant(value - part))
    return rest


def _integer_over(atoms: Atoms, inside: Polynomial) -> tuple[int, Monomial] | None:
    """The denominator ``D > 0`` of ``N / D``, if ``N`` and ``D`` are integers."""
    number, monomial = denominators(atoms, inside)
    if not all(atoms.list[n].integer and type(e) is int and is_positive_atom(atoms, n) for n, e in monomial):
        return None
    if not all(atoms.is_integer_monomial(times(inner, monomial)) for inner in inside):
        return None
    return number, monomial


def _over_next(atoms: Atoms, inside: Polynomial) -> Polynomial | None:
    """``(N + D - 1)/D`` for ``N/D``."""
    under = _integer_over(atoms, inside)
    if under is None:
        return None
    number, monomial = under
    return add(inside, constant(1), {to_the(monomial, -1): Fraction(-1, number)})


def _reflected(atoms: Atoms, inside: Polynomial) -> Polynomial | None:
    """``x`` with ``floor(inside) = -floor(x)``, where every term but the constant is negative."""
    if any(value > 0 for monomial, value in inside.items() if monomial):
        return None
    return _over_next(atoms, scale(inside, -1))


def _merged(atoms: Atoms, inside: Polynomial, whole: Polynomial) -> Polynomial | None:
    """``(x + b)/n`` for ``(floor(x) + b)/n``, and ``(b - x + 1 - 1/D)/n`` for ``(b - floor(x))/n``.

    The latter where ``x`` is an integer over ``D``.
    """
    found = []
    for monomial, value in inside.items():
        if value.denominator - value.numerator == 1:
            value = min(value, value - 1, key=lambda c: abs(c.numerator))  # (n-1)/n is -1/n, and 1 outside
        if abs(value.numerator) != 1:
            continue
        for number, exponent in monomial:
            if exponent == 1 and atoms.list[number].kind == "floor":
                others = tuple(pair for pair in monomial if pair[0] != number)
                if all(_is_positive_divisor(atoms, n, e) for n, e in others):
                    found.append((number, monomial, others, value))
    if len(found) > 1:
        found.sort(key=lambda item: atoms.key(item[0]))
    for number, monomial, others, value in found:
        rest = {inner: c for inner, c in inside.items() if inner != monomial}
        over = to_the(others, -1)
        if not all(
            (Fraction(c) / value).denominator == 1 and atoms.is_integer_monomial(times(i, over))
            for i, c in rest.items()
        ):
            continue
        replaced = atoms.list[number].parts[0]
        if value < 0:
            if _integer_over(atoms, replaced) is None:
                continue
            replaced = add(replaced, rounding_slack(atoms, replaced))
        if value != inside[monomial]:
            if others:
                continue
            add_into(whole, {monomial: 1})
        return add(rest, {times(inner, others): c * value for inner, c in replaced.items()})
    return None


def _is_positive_divisor(atoms: Atoms, number: int, exponent: Coefficient) -> bool:
    """Whether a factor divides by a positive integer."""
    return type(exponent) is int and exponent < 0 and atoms.list[number].integer and is_positive_atom(atoms, number)


def _divided(atoms: Atoms, inside: Polynomial, whole: Polynomial) -> Polynomial | None:
    """Divide the terms over a sum by it, and move the quotient out where it is an integer."""
    for monomial in inside:
        for number, exponent in monomial:
            if atoms.list[number].kind == "sum" and exponent == -1:
                reduced = _modulo(atoms, inside, number, whole)
                if reduced is not None:
                    return reduced
    return None


def _modulo(atoms: Atoms, inside: Polynomial, number: int, whole: Polynomial) -> Polynomial | None:
    base = atoms.list[number].parts[0]
    lead = atoms.leading(base)
    inverse = ((number, -1),)
    over = to_the(lead, -1)
    changed = False
    for _ in range(100):
        for monomial, value in sorted(inside.items(), key=lambda item: atoms.monomial_key(item[0]), reverse=True):
            if (number, -1) not in monomial:
                continue
            quotient = times(times(monomial, ((number, 1),)), over)
            if quotient and not atoms.is_integer_monomial(quotient):
                continue
            part = (Fraction(value) / base[lead]).numerator // (Fraction(value) / base[lead]).denominator
            if not part:
                continue
            add_into(whole, {quotient: part})
            taken = {times(times(quotient, inner), inverse): c * part for inner, c in base.items()}
            inside = subtract(inside, taken)
            changed = True
            break
        else:
            break
    return inside if changed else None


def _in_one_step(atoms: Atoms, inside: Polynomial) -> int | None:
    """The floor where the inside stays between two neighbouring integers."""
    seen = set()
    for value in probed(atoms, inside):
        if value is not None:
            seen.add(floor(value))
            if len(seen) > 1:
                return None
    for step in seen or {0, -1}:
        above = add(inside, constant(-step))
        if is_nonnegative(atoms, above) and is_positive(atoms, subtract(constant(1), above)):
            return step
    return None
