"""Signs of symbolic sizes: is an expression at least zero at all admissible points?

The reasoning is by bounds. A floor lies between ``u - (d-1)/d`` and ``u``; a maximum is at least each of its arguments and is
one of them; a symbol that is at least ``a`` is ``a + t`` with ``t >= 0``, and a polynomial in such ``t`` without negative
coefficients is at least its constant. An integer greater than -1 is at least 0. The answer is never wrong, and may be missing.
"""

from __future__ import annotations

from fractions import Fraction
from math import comb, floor, lcm

from .polynomial import ONE, Atom, Atoms, Coefficient, Monomial, Polynomial, add, add_into, constant, content, scale, subtract, times

#: How many polynomials one question may look at.
WORK_BUDGET = 60
#: No polynomial with more terms than this is looked at.
SIZE_BUDGET = 400

Bounds = tuple[Coefficient | None, Coefficient | None]


class _Work:
    """What is left of the work allowed for one question."""

    def __init__(self, left: int = WORK_BUDGET):
        self.left = left

    def spend(self) -> bool:
        self.left -= 1
        return self.left >= 0


def is_nonnegative(atoms: Atoms, polynomial: Polynomial) -> bool:
    """Whether the polynomial is shown to be at least zero at all admissible points."""
    return _holds(atoms, polynomial, False, _Work())


def is_positive(atoms: Atoms, polynomial: Polynomial) -> bool:
    """Whether the polynomial is shown to be greater than zero at all admissible points."""
    return _holds(atoms, polynomial, True, _Work())


def is_positive_atom(atoms: Atoms, number: int) -> bool:
    """Whether an atom is shown to be greater than zero at all admissible points."""
    atom = atoms.list[number]
    if atom.positive is None:
        atom.positive = False
        if atom.kind == "symbol":
            least = bounds_of(atoms, number)[0]
            atom.positive = bool(least is not None and least > 0) or (
                atom.expr not in atoms.bounds and bool(atom.expr.is_positive)
            )
        elif atom.kind == "sum":
            atom.positive = is_positive(atoms, atom.parts[0])
        elif atom.kind == "other":
            atom.positive = bool(atom.expr.is_positive)
        elif atom.kind == "prime":
            atom.positive = True
        elif atom.kind in ("floor", "max", "min"):
            least = bounds_of(atoms, number)[0]
            atom.positive = least is not None and least > 0
    return bool(atom.positive)


def _holds(atoms: Atoms, polynomial: Polynomial, strict: bool, work: _Work) -> bool:
    """Whether ``polynomial >= 0`` (or ``> 0``), with integers sharpened: ``p >= 0`` is ``p + 1 > 0``."""
    if len(polynomial) > SIZE_BUDGET:
        return False
    goal = scale(polynomial, Fraction(1) / content(polynomial))
    if not strict and atoms.is_integer(goal):
        goal, strict = add(goal, constant(1)), True
    return _proved(atoms, goal, strict, work)


def _proved(atoms: Atoms, goal: Polynomial, strict: bool, work: _Work) -> bool:
    if not work.spend() or len(goal) > SIZE_BUDGET:
        return False
    present = {number for monomial in goal for number, _ in monomial}
    choices = sorted((n for n in present if atoms.list[n].kind in ("max", "min")), key=atoms.key)
    if choices:
        number = choices[0]
        signs = _signs(atoms, goal, number)
        any_will_do = signs == ({1} if atoms.list[number].kind == "max" else {-1})
        cases = (_proved(atoms, _with(atoms, goal, number, part), strict, work) for part in atoms.list[number].parts)
        return any(cases) if any_will_do else all(cases)
    if _is_over(atoms, goal, strict):
        return True
    floors = sorted((n for n in present if atoms.list[n].kind == "floor"), key=atoms.key)
    for wanted in (-1, 1):
        for number in floors:
            lowered = _floor_bounded(atoms, goal, number, wanted)
            if lowered is None:
                continue
            goal = lowered
            if not work.spend() or len(goal) > SIZE_BUDGET:
                return False
            inner = {n for monomial in goal for n, _ in monomial} - present
            if any(atoms.list[n].kind in ("max", "min", "floor") for n in inner):
                return _proved(atoms, goal, strict, work)
            if _is_over(atoms, goal, strict):
                return True
    return False


def _signs(atoms: Atoms, goal: Polynomial, number: int) -> set[int]:
    """The signs with which an atom occurs, 0 for one that is not known or not linear."""
    found = set()
    for monomial, value in goal.items():
        for n, exponent in monomial:
            if n == number:
                known = exponent == 1 and _is_nonnegative_monomial(atoms, monomial, number)
                found.add((1 if value > 0 else -1) if known else 0)
    return found


def _is_nonnegative_monomial(atoms: Atoms, monomial: Monomial, besides: int) -> bool:
    for number, exponent in monomial:
        if number != besides and (exponent.denominator != 1 or exponent % 2):
            least = bounds_of(atoms, number)[0]
            if least is None or least < 0:
                return False
    return True


def _with(atoms: Atoms, goal: Polynomial, number: int, value: Polynomial) -> Polynomial:
    """The goal with an atom replaced by a polynomial."""
    total: Polynomial = {}
    for monomial, coefficient in goal.items():
        exponent = next((e for n, e in monomial if n == number), 0)
        if exponent:
            rest = tuple(pair for pair in monomial if pair[0] != number)
            if exponent < 0 and not value:
                return constant(-1)
            add_into(total, atoms.product([({rest: coefficient}, 1), (value, exponent)]))
        else:
            add_into(total, {monomial: coefficient})
    return total


def _floor_bounded(atoms: Atoms, goal: Polynomial, number: int, wanted: int) -> Polynomial | None:
    """The goal with a floor replaced by a bound of it, in the terms of one sign; None if there is no such term."""
    inside = atoms.list[number].parts[0]
    total: Polynomial = {}
    bound: Polynomial | None = None
    for monomial, value in goal.items():
        linear = any(n == number and e == 1 for n, e in monomial) and (1 if value > 0 else -1) == wanted
        if linear and _is_nonnegative_monomial(atoms, monomial, number):
            if bound is None:
                bound = inside if wanted < 0 else add(inside, rounding_slack(atoms, inside))
            rest = tuple(pair for pair in monomial if pair[0] != number)
            for inner, coefficient in bound.items():
                add_into(total, {times(rest, inner): value * coefficient})
        else:
            add_into(total, {monomial: value})
    return None if bound is None else total


def rounding_slack(atoms: Atoms, inside: Polynomial) -> Polynomial:
    """The greatest loss of rounding down, negated: ``1/D - 1`` for an integer over ``D``, else -1."""
    denominator, monomial = denominators(atoms, inside)
    if any(not is_positive_atom(atoms, n) or not atoms.list[n].integer for n, _ in monomial):
        return constant(-1)
    upper = {times(inner, monomial): value * denominator for inner, value in inside.items()}
    if not all(atoms.is_integer_monomial(inner) for inner in upper):
        return constant(-1)
    return add({tuple((n, -e) for n, e in monomial): Fraction(1, denominator)}, constant(-1))


def denominators(atoms: Atoms, polynomial: Polynomial) -> tuple[int, Monomial]:
    """The least common denominator: a positive integer and a monomial."""
    number = 1
    powers: dict[int, Coefficient] = {}
    for monomial, value in polynomial.items():
        number = lcm(number, value.denominator)
        for n, exponent in monomial:
            if exponent < 0 and -exponent > powers.get(n, 0):
                powers[n] = -exponent
    return number, tuple(sorted(powers.items()))


def _is_over(atoms: Atoms, goal: Polynomial, strict: bool) -> bool:
    """Whether bounds of the atoms alone show the goal, its denominators multiplied out."""
    denominator, monomial = denominators(atoms, goal)
    if monomial:
        if not all(is_positive_atom(atoms, n) for n, _ in monomial):
            return False
        goal = {times(inner, monomial): value for inner, value in goal.items()}
    least, has_positive = _least(atoms, goal)
    if least is None:
        return False
    return least > 0 or (least == 0 and (not strict or has_positive))


def _least(atoms: Atoms, goal: Polynomial) -> tuple[Coefficient | None, bool]:
    """A lower bound from the bounds of the atoms, and whether some term above it is greater than zero."""
    ranges: dict[int, Coefficient | None] = {}
    free: set[int] = set()
    shifts: dict[int, tuple[Coefficient, int]] = {}
    for number in sorted({n for monomial in goal for n, _ in monomial}):
        least, greatest = bounds_of(atoms, number)
        if least is not None:
            ranges[number] = None if greatest is None else greatest - least
            if least:
                shifts[number] = (least, 1)
        elif greatest is not None:
            ranges[number] = None
            shifts[number] = (greatest, -1)
        else:
            free.add(number)
    shifted = _shifted(goal, shifts) if shifts else goal
    if shifted is None:
        return None, False
    if len(ranges) == 1 and not free and atoms.list[next(iter(ranges))].integer:
        exact = _least_of_one(shifted)
        if exact is not None:
            return exact, False
    value = shifted.get(ONE, 0)
    good: dict[Monomial, Coefficient] = {}
    bad: list[tuple[Monomial, Coefficient]] = []
    has_positive = False
    for monomial, coefficient in shifted.items():
        if not monomial:
            continue
        even = all(exponent % 2 == 0 for n, exponent in monomial if n in free)
        if coefficient > 0 and even:
            good[monomial] = coefficient
            has_positive = has_positive or all(n not in shifts and is_positive_atom(atoms, n) for n, _ in monomial)
        elif all(ranges.get(n) is not None for n, _ in monomial):
            for n, exponent in monomial:
                if exponent.denominator != 1:
                    return None, False
                coefficient *= ranges[n] ** exponent  # type: ignore[operator]
            value += coefficient
        else:
            bad.append((monomial, coefficient))
    for monomial, coefficient in bad:
        loss = _squares(good, monomial, coefficient)
        if loss is None:
            return None, False
        value -= loss
    return value, has_positive and not bad


def _squares(good: dict[Monomial, Coefficient], monomial: Monomial, coefficient: Coefficient) -> Coefficient | None:
    """Pay for a term by ``a p + b q >= |c| m`` where ``p q = m**2`` and ``4 a b >= c**2``; the constant that it costs."""
    square = tuple((n, 2 * e) for n, e in monomial)
    size = abs(coefficient)
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
            if type(exponent) is not int or exponent < 0 or exponent > 12:
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


def _least_of_one(goal: Polynomial) -> Coefficient | None:
    """The least value of a polynomial in one integer ``t >= 0``, where it increases from some small point on."""
    degree = max((m[0][1] for m in goal if m), default=0)
    if type(degree) is not int or degree > 12 or any(m and type(m[0][1]) is not int for m in goal):
        return None
    row = [goal.get(((next(iter(m))[0], k),), 0) for m in [next(m for m in goal if m)] for k in range(degree + 1)] if degree else []
    if not row:
        return goal.get(ONE, 0)
    row[0] = goal.get(ONE, 0)
    if row[-1] < 0:
        return None

    def at(t: int) -> Coefficient:
        value: Coefficient = 0
        for c in reversed(row):
            value = value * t + c
        return value

    start = 0
    while start <= 256:
        moved = [sum(row[j] * comb(j, k) * start ** (j - k) for j in range(k, degree + 1)) for k in range(1, degree + 1)]
        if all(c >= 0 for c in moved):
            return min(at(t) for t in range(start + 1))
        start = 2 * start + 1
    return None


def lower_bound(atoms: Atoms, polynomial: Polynomial) -> Coefficient | None:
    """A number that the polynomial is never below, if one is found at once."""
    if len(polynomial) > SIZE_BUDGET or any(e < 0 or e.denominator != 1 for monomial in polynomial for _, e in monomial):
        return None
    return _least(atoms, polynomial)[0]


def upper_bound(atoms: Atoms, polynomial: Polynomial) -> Coefficient | None:
    """A number that the polynomial is never above, if one is found at once."""
    negative = lower_bound(atoms, scale(polynomial, -1))
    return None if negative is None else -negative


def bounds_of(atoms: Atoms, number: int) -> Bounds:
    """Numbers between which all values of an atom lie, None where there is none."""
    atom = atoms.list[number]
    if atom.bounds is None:
        atom.bounds = (None, None)
        atom.bounds = _bounds(atoms, atom)
    return atom.bounds


def _bounds(atoms: Atoms, atom: Atom) -> Bounds:
    if atom.kind == "symbol" and atom.expr in atoms.bounds:
        return atoms.bounds[atom.expr]
    if atom.kind in ("symbol", "other"):
        expr = atom.expr
        if expr.is_nonnegative:
            return (1 if atom.integer and expr.is_positive else 0), None
        if expr.is_nonpositive:
            return None, (-1 if atom.integer and expr.is_negative else 0)
        return None, None
    if atom.kind == "sign":
        return -1, 1
    if atom.kind == "prime":
        return int(atom.expr), int(atom.expr)
    if atom.kind == "power":
        return (1 if atom.integer and atom.positive else 0 if atom.positive else None), None
    if atom.depth > 30:
        return None, None
    lows = [lower_bound(atoms, part) for part in atom.parts]
    tops = [upper_bound(atoms, part) for part in atom.parts]
    if atom.kind == "floor":
        low = None if lows[0] is None else floor(lows[0])
        if low is None and is_nonnegative(atoms, atom.parts[0]):
            low = 0
        return low, None if tops[0] is None else floor(tops[0])
    if atom.kind == "sum":
        return lows[0], tops[0]
    known, others = [b for b in lows if b is not None], [b for b in tops if b is not None]
    if atom.kind == "max":
        return max(known, default=None), max(others) if len(others) == len(tops) else None
    return min(known) if len(known) == len(lows) else None, min(others, default=None)
