"""Minima and maxima of polynomials: flattened, what is dominated dropped, common addends and factors pulled out."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from sympy import Max, Min

from .atoms import Atoms
from .polynomial import ONE, Coefficient, Monomial, Polynomial, add, add_into, constant, content, scale, subtract, times
from .signs import Work, bounds_of, is_nonnegative, is_plainly_nonnegative

#: Up to this many arguments are compared with one another; beyond, only those that differ by a number.
PAIR_BUDGET = 64
#: Up to this many are compared by all means that there are.
DEEP_BUDGET = 12
#: How many polynomials may be looked at to compare them.
WORK_BUDGET = 400
#: A maximum inside an argument is opened where that leaves no more arguments than this.
FLATTEN_BUDGET = 16


def extremum(atoms: Atoms, arguments: Sequence[Polynomial], kind: str) -> Polynomial:
    """The ``"max"`` or ``"min"`` of polynomials, as a polynomial."""
    if atoms.deciding and kind == "min":
        return scale(extremum(atoms, [scale(argument, -1) for argument in arguments], "max"), -1)
    whole: Polynomial = {}
    factor: Polynomial = constant(1)
    while True:
        arguments = _undominated(atoms, _flattened(atoms, arguments, kind), kind)
        if len(arguments) == 1:
            return add(whole, atoms.multiply(factor, arguments[0]))
        shared = _shared(arguments)
        if atoms.deciding and len(arguments) == 2:
            shared = min(arguments, key=lambda argument: _key(atoms, argument))
        if shared:
            add_into(whole, atoms.multiply(factor, shared))
            arguments = [subtract(argument, shared) for argument in arguments]
        ratio, monomial = _common(atoms, arguments)
        if ratio != 1 or monomial:
            factor = atoms.multiply(factor, {monomial: ratio})
            inverse = tuple((n, -e) for n, e in monomial)
            arguments = [
                {times(inner, inverse): _exact(value, ratio) for inner, value in argument.items()}
                for argument in arguments
            ]
        if not monomial:
            break
    if atoms.deciding and len(arguments) == 2:
        step = next(argument for argument in arguments if argument)
        if step[atoms.leading(step)] < 0:  # max(0, u) = u + max(0, -u)
            add_into(whole, atoms.multiply(factor, step))
            arguments = [{}, scale(step, -1)]
    made = (Max if kind == "max" else Min)(*(atoms.to_expr(argument) for argument in arguments), evaluate=False)
    add_into(
        whole, atoms.multiply(factor, atoms.atom(made, kind, all(map(atoms.is_integer, arguments)), tuple(arguments)))
    )
    return whole


def _exact(value: Coefficient, ratio: Coefficient) -> Coefficient:
    result = Fraction(value) / ratio
    return result.numerator if result.denominator == 1 else result


def _key(atoms: Atoms, argument: Polynomial) -> tuple[int, list[tuple[Any, Coefficient]]]:
    return len(argument), sorted((atoms.monomial_key(monomial), value) for monomial, value in argument.items())


def _flattened(atoms: Atoms, arguments: Sequence[Polynomial], kind: str) -> list[Polynomial]:
    """Arguments that are, or add a positive multiple of, an extremum of the same kind: replaced by its arguments."""
    pending = list(reversed(arguments))
    found: list[Polynomial] = []
    while pending:
        argument = pending.pop()
        inner = _inner(atoms, argument, kind)
        if inner is None or (len(pending) + len(found) > FLATTEN_BUDGET and len(argument) > 1):
            found.append(argument)
            continue
        number, monomial, value = inner
        others = tuple(pair for pair in monomial if pair[0] != number)
        rest = {m: c for m, c in argument.items() if m != monomial}
        for part in atoms.list[number].parts:
            pending.append(add(rest, {times(m, others): c * value for m, c in part.items()}))
    return found


def _inner(atoms: Atoms, argument: Polynomial, kind: str) -> tuple[int, Monomial, Coefficient] | None:
    best = None
    for monomial, value in argument.items():
        if value > 0 and len(monomial) == 1 and monomial[0][1] == 1 and atoms.list[monomial[0][0]].kind == kind:
            number = monomial[0][0]
            if any(n == number for other in argument if other != monomial for n, _ in other):
                continue
            if best is None or atoms.key(number) < atoms.key(best[0]):
                best = number, monomial, value
    return best


def _undominated(atoms: Atoms, arguments: Sequence[Polynomial], kind: str) -> list[Polynomial]:
    """The arguments less those that another one is known to reach."""
    better = 1 if kind == "max" else -1
    best: dict[frozenset[tuple[Monomial, Coefficient]], Polynomial] = {}
    for argument in arguments:
        moving = frozenset((monomial, value) for monomial, value in argument.items() if monomial)
        if moving not in best or (argument.get(ONE, 0) - best[moving].get(ONE, 0)) * better > 0:
            best[moving] = argument
    kept = list(best.values())
    if not 1 < len(kept) <= PAIR_BUDGET:
        return kept
    kept.sort(key=lambda argument: _key(atoms, argument))
    while True:
        alive = [True] * len(kept)
        work = Work(WORK_BUDGET) if len(kept) <= DEEP_BUDGET else None
        for i, first in enumerate(kept):
            for j, second in enumerate(kept):
                if i != j and alive[i] and alive[j]:
                    gap = subtract(first, second) if better > 0 else subtract(second, first)
                    shown = is_plainly_nonnegative(atoms, gap) if work is None else is_nonnegative(atoms, gap, work)
                    alive[j] = not shown
        if all(alive):
            return kept
        kept = [argument for argument, stays in zip(kept, alive, strict=True) if stays]


def _shared(arguments: Sequence[Polynomial]) -> Polynomial:
    """What is added to every argument: equal terms, and the least constant where no argument is a number."""
    first, *others = arguments
    shared = {m: value for m, value in first.items() if m and all(other.get(m) == value for other in others)}
    if all(any(monomial and monomial not in shared for monomial in argument) for argument in arguments):
        constants = [argument.get(ONE, 0) for argument in arguments]
        least = min(constants)
        if least:
            shared[ONE] = least
    return shared


def _common(atoms: Atoms, arguments: Sequence[Polynomial]) -> tuple[Coefficient, Monomial]:
    """A positive number and a monomial that is not negative, dividing every argument."""
    everything: Polynomial = {}
    powers: dict[int, Coefficient] | None = None
    for place, argument in enumerate(arguments):
        for monomial, value in argument.items():
            everything[(*monomial, (-1, place))] = value
            here = {n: e for n, e in monomial if e > 0}
            if powers is None:
                powers = here
            else:
                powers = {n: min(e, here[n]) for n, e in powers.items() if n in here}
    monomial = tuple(sorted((n, e) for n, e in (powers or {}).items() if _is_nonnegative_atom(atoms, n)))
    return content(everything), monomial


def _is_nonnegative_atom(atoms: Atoms, number: int) -> bool:
    return bounds_of(atoms, number)[0] >= 0
