"""Conditions on sizes as one would state them: opened roundings, joined divisors, and nothing that others imply.

The conditions of a network come from its layers, in terms of the sizes that arrive there. Together they mean the same as fewer and
plainer ones in terms of the network's own sizes, and these are what is printed.

>>> from sympy import Eq, floor, symbols
>>> H, k = symbols("H k", integer=True, positive=True)
>>> opened(floor(H / k) >= 3), opened(Eq(floor((H + 4) / 8), 2 * floor((H + 4) / 16)))
(H >= 3*k, Eq(Mod(floor(H/8 + 1/2), 2), 0))
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sympy import Add, Eq, Expr, Ge, Integer, Mod, Mul, ceiling, floor, fraction, gcd, together
from sympy.logic.boolalg import Boolean, true

from ..formulas.conditions import Condition
from ..networks.carrier import DomainCondition, Loop
from ..sizes.normal_form import is_integer, is_nonnegative, is_positive, simplify
from .least_sizes import least_size, without_implied

#: Of more conditions than this, not every two are compared.
MOST_COMPARED = 120


def plain(conditions: Iterable[DomainCondition]) -> list[DomainCondition]:
    """Fewer and plainer conditions that hold for the same positive integers, each with a place that needs it."""
    found: list[DomainCondition] = []
    for item in without_implied(conditions):
        relation = opened(item.condition.relation)
        if relation != true and not any(
            relation == other.condition.relation and _covers(other, item) for other in found
        ):
            found.append(replace(item, condition=replace(item.condition, relation=relation)))
    _join_divisors(found)
    if len(found) > MOST_COMPARED:
        return found
    kept = list(found)
    for item in found:
        if any(
            other is not item and _covers(other, item) and implies(_relation(other), _relation(item)) for other in kept
        ):
            kept = [other for other in kept if other is not item]
    return kept


def opened(relation: Boolean) -> Boolean:
    """The same condition on positive integers, in terms of what its roundings round as far as that is possible."""
    least = least_size(relation)
    if least is not None:
        return Ge(*least)
    if isinstance(relation, Ge):
        bound = _opened_bound(simplify(relation.lhs - relation.rhs))
        return relation if bound is None else bound
    divisor = _divisor(relation)
    return relation if divisor is None else _divides(*divisor)


def implies(first: Boolean, second: Boolean) -> bool:
    """Whether a condition is known to hold wherever another one does."""
    if first == second:
        return True
    if isinstance(first, Ge) and isinstance(second, Ge):
        return bool(is_nonnegative(simplify(second.lhs - second.rhs - first.lhs + first.rhs)))
    one, other = _divisor(first), _divisor(second)
    return one is not None and other is not None and _follows(other, one)


def _relation(item: DomainCondition) -> Boolean:
    return item.condition.relation


def _covers(first: DomainCondition, second: DomainCondition) -> bool:
    """Whether a condition is asked for wherever another one is."""
    loops = _loops(first)
    return not loops or loops == _loops(second)


def _loops(item: DomainCondition) -> tuple[Loop, ...]:
    """The repetitions and indices on which it depends whether, or how, a condition is asked for."""
    return tuple(loop for loop in item.all_loops if _relation(item).has(loop.index) or not loop.times.is_positive)


def _opened_bound(value: Expr) -> Boolean | None:
    """The condition that a size is not negative, without the roundings in it; None where one stays."""
    while True:
        over, under = fraction(together(value))
        if under != 1 and not is_positive(under):
            return None
        value = simplify(Mul(*(part for part in Mul.make_args(over.factor()) if not is_positive(part))))
        roundings = sorted(value.atoms(floor, ceiling), key=lambda part: part.count_ops(), reverse=True)
        if not roundings:
            break
        outer = roundings[0]
        factor, rest = value.expand().coeff(outer, 1), value.expand().coeff(outer, 0)
        if not isinstance(outer, floor) or not is_positive(factor) or factor.has(outer) or rest.has(outer):
            return None
        if simplify(factor * outer + rest - value) != 0:
            return None
        least = simplify(
            ceiling(-rest / factor)
        )  # an integer is at least a number where it is at least the next integer
        if least.atoms(floor, ceiling) - _roundings(rest, factor):
            return None
        value = simplify(outer.args[0] - least)
    if not value.free_symbols:
        return None
    terms = Add.make_args(value.expand())
    taken = [term for term in terms if term.could_extract_minus_sign()]
    return Ge(Add(*(term for term in terms if term not in taken)), -Add(*taken))


def _roundings(*values: Expr) -> set[Expr]:
    """The floors and ceilings in expressions."""
    return set().union(*(value.atoms(floor, ceiling) for value in values))


def _divisor(relation: Boolean) -> tuple[Expr, Expr] | None:
    """What divides what, if that is what a condition says."""
    if not isinstance(relation, Eq):
        return None
    left, right = relation.lhs, relation.rhs
    remainder = left.as_coeff_Mul()[1]
    if isinstance(remainder, Mod) and right == 0:
        return _primitive(remainder.args[1], remainder.args[0])
    difference = (left - right).expand()
    for part in difference.atoms(floor):
        times = -difference.coeff(part)
        if times.is_Integer and times < 0:
            times, difference = -times, -difference
        value = difference + times * part
        if not times.is_Integer or value.has(part) or not is_positive(times):
            continue
        if times == 1:
            over, under = fraction(together(value))
            if simplify(value - part.args[0]) == 0 and under != 1 and is_integer(over) and is_integer(under):
                return _primitive(under, over)
        elif is_integer(value) and simplify(floor(value / times) - part) == 0:
            return _primitive(times, value)
    return None


def _primitive(divisor: Expr, value: Expr) -> tuple[Expr, Expr]:
    """A divisor and its multiple without the factor of numbers that they share."""
    content, _ = value.expand().as_content_primitive()
    if not divisor.is_Integer or not content.is_Integer:
        return divisor, value
    shared = gcd(divisor, content)
    # What is left of the content has nothing in common with what is left of the divisor.
    return divisor / shared, simplify(value / content)


def _divides(divisor: Expr, value: Expr) -> Boolean:
    if divisor == 1:
        return true
    found: Boolean = Eq(Mod(value, divisor), 0)
    return found


def _follows(wanted: tuple[Expr, Expr], known: tuple[Expr, Expr]) -> bool:
    """Whether a divisor is known to divide, since another one does."""
    (divisor, value), (other, multiple) = wanted, known
    if is_integer(simplify(value * other / (multiple * divisor))):
        return True
    return is_integer(simplify(other / divisor)) and any(
        is_integer(simplify((value + sign * multiple) / divisor)) for sign in (1, -1)
    )


def _join_divisors(found: list[DomainCondition]) -> None:
    """Open the floor in `m divides floor(u / k)` to `m k divides u` where `k divides u` is among the conditions already.

    The opened condition says that as well, so that the other one is not needed any more.
    """
    changed = True
    while changed:
        changed = False
        always = [known for item in found if not _loops(item) and (known := _divisor(_relation(item))) is not None]
        for place, item in enumerate(found):
            wanted = _divisor(_relation(item))
            inner = None if wanted is None else _under_floor(wanted[1])
            if wanted is None or inner is None or _loops(item):
                continue
            value, divisor = inner
            if any(_follows((divisor, value), known) for known in always if known != wanted):
                relation = _divides(*_primitive(wanted[0] * divisor, value))
                found[place] = replace(item, condition=Condition(relation, item.condition.meaning))
                changed = True
                break


def _under_floor(value: Expr) -> tuple[Expr, Expr] | None:
    """The integers `u` and `k` of a value that is `floor(u / k)`, perhaps with an integer beside it."""
    floors: Sequence[Expr] = [part for part in Add.make_args(value.expand()) if isinstance(part, floor)]
    if len(floors) != 1:
        return None
    beside = value - floors[0]
    over, under = fraction(together(floors[0].args[0]))
    if beside.has(floor, ceiling) or not (is_integer(beside) and is_integer(over) and isinstance(under, Integer)):
        return None
    return simplify(over + under * beside), under
