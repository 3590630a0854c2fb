"""Signs of symbolic sizes: is an expression at least zero at all admissible points?

The reasoning is by bounds. A floor lies between ``u - (d-1)/d`` and ``u``; a maximum is at least each of its
arguments and is one of them; a symbol that is at least ``a`` is ``a + t`` with ``t >= 0``, and a polynomial in such
``t`` without negative coefficients is at least its constant. An integer greater than -1 is at least 0. The answer is
never wrong, and may be missing.
"""

from __future__ import annotations

from fractions import Fraction
from math import inf, lcm
from typing import Any

from .atoms import Atom, Atoms
from .intervals import ANYTHING, Interval, hull, largest, rounded_down, smallest, whole
from .lower_bounds import SIZE_BUDGET, lowest
from .polynomial import Coefficient, Monomial, Polynomial, add, add_into, constant, content, scale, subtract, times
from .sample_points import is_refuted

#: How many polynomials one question may look at.
WORK_BUDGET = 60


class Work:
    """What is left of the work allowed for one question, or for several together."""

    def __init__(self, left: int = WORK_BUDGET):
        self.left = left

    def spend(self) -> bool:
        self.left -= 1
        return self.left >= 0


def is_nonnegative(atoms: Atoms, polynomial: Polynomial, work: Work | None = None) -> bool:
    """Whether the polynomial is shown to be at least zero at all admissible points."""
    return _holds(atoms, polynomial, False, work or Work())


def is_positive(atoms: Atoms, polynomial: Polynomial) -> bool:
    """Whether the polynomial is shown to be greater than zero at all admissible points."""
    return _holds(atoms, polynomial, True, Work())


def is_plainly_nonnegative(atoms: Atoms, polynomial: Polynomial, strict: bool = False) -> bool:
    """Whether the bounds of the atoms alone show that the polynomial is at least zero, or greater."""
    return len(polynomial) <= SIZE_BUDGET and _is_over(atoms, polynomial, strict)


def is_positive_atom(atoms: Atoms, number: int) -> bool:
    """Whether an atom is shown to be greater than zero at all admissible points."""
    atom = atoms.list[number]
    if atom.positive is None:
        atom.positive = False
        if atom.kind == "symbol":
            least = bounds_of(atoms, number)[0]
            atom.positive = bool(least > 0) or (atom.expr not in atoms.bounds and bool(atom.expr.is_positive))
        elif atom.kind == "sum":
            atom.positive = is_positive(atoms, atom.parts[0])
        elif atom.kind == "other":
            atom.positive = bool(atom.expr.is_positive)
        elif atom.kind == "prime":
            atom.positive = True
        elif atom.kind in ("floor", "max", "min", "cases"):
            atom.positive = bounds_of(atoms, number)[0] > 0
    return bool(atom.positive)


def _holds(atoms: Atoms, polynomial: Polynomial, strict: bool, work: Work) -> bool:
    """Whether ``polynomial >= 0`` (or ``> 0``), with integers sharpened: ``p >= 0`` is ``p + 1 > 0``."""
    if len(polynomial) > SIZE_BUDGET:
        return False
    goal = polynomial
    if not any(atoms.list[n].kind in ("max", "min") for monomial in polynomial for n, _ in monomial):
        cleared = _cleared(atoms, polynomial)  # where there are cases, their conditions have the denominators too
        if cleared is None:
            return False
        goal = cleared
    value = content(goal)
    if value != 1:
        goal = scale(goal, 1 / Fraction(value))
    if not strict and atoms.is_integer(goal):
        goal, strict = add(goal, constant(1)), True
    return _proved(atoms, goal, strict, work)


def _proved(atoms: Atoms, goal: Polynomial, strict: bool, work: Work) -> bool:
    if not work.spend() or len(goal) > SIZE_BUDGET or is_refuted(atoms, goal, strict):
        return False
    if _is_over(atoms, goal, strict):
        return True
    present = {number for monomial in goal for number, _ in monomial}
    choices = sorted((n for n in present if atoms.list[n].kind in ("max", "min")), key=atoms.key)
    if choices:
        return _proved_by_cases(atoms, goal, choices[0], strict, work)
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


def _proved_by_cases(atoms: Atoms, goal: Polynomial, number: int, strict: bool, work: Work) -> bool:
    """An extremum is one of its arguments, and bounded by each of them."""
    atom = atoms.list[number]
    cases = [_with(atoms, goal, number, part) for part in atom.parts]
    if _signs(atoms, goal, number) == ({1} if atom.kind == "max" else {-1}):
        if any(_proved(atoms, case, strict, work) for case in cases):
            return True
    for part, case in zip(atom.parts, cases, strict=True):
        if _proved(atoms, case, strict, work):
            continue
        # In this case the argument is not below (or above) the others; a multiple of that may be taken from the goal.
        for other in atom.parts:
            gap = subtract(part, other) if atom.kind == "max" else subtract(other, part)
            multiples = sorted({Fraction(case[m]) / value for m, value in gap.items() if case.get(m, 0) * value > 0})
            if any(_proved(atoms, add(case, scale(gap, -c)), strict, work) for c in multiples[:2]):
                break
        else:
            return False
    return True


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
            if bounds_of(atoms, number)[0] < 0:
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
    cleared = _cleared(atoms, goal)
    if cleared is None:
        return False
    goal = cleared
    least = _least(atoms, goal)
    if least < 0:
        return False
    return least > 0 or not strict or _has_positive_term(atoms, goal)


def _cleared(atoms: Atoms, goal: Polynomial) -> Polynomial | None:
    """The goal times its symbolic denominators, None where one may not be positive."""
    _, monomial = denominators(atoms, goal)
    if not monomial:
        return goal
    if not all(is_positive_atom(atoms, n) for n, _ in monomial):
        return None
    return atoms.settled({times(inner, monomial): value for inner, value in goal.items()})


def _has_positive_term(atoms: Atoms, goal: Polynomial) -> bool:
    """Whether a goal without negative terms has one greater than zero (of positive symbols that are no integers)."""
    if any(value < 0 for value in goal.values()):
        return False
    if not all(_is_nonnegative_monomial(atoms, monomial, -1) for monomial in goal):
        return False
    return any(all(is_positive_atom(atoms, n) for n, _ in monomial) for monomial in goal)


def _least(atoms: Atoms, goal: Polynomial) -> Any:
    present = {n for monomial in goal for n, _ in monomial}
    integers = frozenset(n for n in present if atoms.list[n].integer)
    return lowest(goal, {n: bounds_of(atoms, n) for n in present}, integers)


def lower_bound(atoms: Atoms, polynomial: Polynomial) -> Any:
    """A number that the polynomial is never below, minus infinity if none is found at once."""
    if len(polynomial) > SIZE_BUDGET or any(
        e < 0 or e.denominator != 1 for monomial in polynomial for _, e in monomial
    ):
        return -inf
    return _least(atoms, polynomial)


def upper_bound(atoms: Atoms, polynomial: Polynomial) -> Any:
    """A number that the polynomial is never above, infinity if none is found at once."""
    return -lower_bound(atoms, scale(polynomial, -1))


def bounds_of(atoms: Atoms, number: int) -> Interval:
    """The interval in which all values of an atom lie."""
    atom = atoms.list[number]
    if atom.bounds is None:
        atom.bounds = ANYTHING
        found = _bounds(atoms, atom)
        atom.bounds = whole(found) if atom.integer else found
    return atom.bounds


def _bounds(atoms: Atoms, atom: Atom) -> Interval:
    if atom.kind == "symbol" and atom.expr in atoms.bounds:
        return atoms.bounds[atom.expr]
    if atom.kind in ("symbol", "other"):
        expr = atom.expr
        if expr.is_nonnegative:
            return (1 if atom.integer and expr.is_positive else 0), inf
        if expr.is_nonpositive:
            return -inf, (-1 if atom.integer and expr.is_negative else 0)
        return ANYTHING
    if atom.kind == "sign":
        return -1, 1
    if atom.kind == "prime":
        return int(atom.expr), int(atom.expr)
    if atom.kind == "power":
        return (1 if atom.integer and atom.positive else 0 if atom.positive else -inf), inf
    if atom.depth > 30:
        return ANYTHING
    parts = [(lower_bound(atoms, part), upper_bound(atoms, part)) for part in atom.parts]
    if atom.kind == "floor":
        low, high = rounded_down(parts[0])
        return (0 if low == -inf and is_nonnegative(atoms, atom.parts[0]) else low), high
    if atom.kind == "sum":
        return parts[0]
    return {"max": largest, "min": smallest}.get(atom.kind, hull)(parts)
