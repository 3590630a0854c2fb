"""How much memory tensors hold at once: steps in the order of execution, a tensor from the step that makes it to the last that reads it.

Copies of a repetition are one step around others (`layeralgebra.algebra.adjoints.copies`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from sympy import Add, Expr, Integer, Max, Symbol

from ..errors import UnsupportedError
from ..records import dataclass
from ..sizes.normal_form import is_nonnegative, simplify
from .saving import Tensor

MOST_COMPARED = 60
"""So many different sums are compared with each other; more stand in the maximum as they are."""
Size = Callable[[Tensor], Expr]


@dataclass(frozen=True, eq=False)
class Step:
    """Something that is computed: what it reads and what it makes."""

    reads: tuple[Tensor, ...]
    makes: tuple[Tensor, ...]

    def peak(self, later: frozenset[Tensor], size: Size) -> Peak:
        """What is held of the tensors read and made while it runs, where `later` of those read are needed afterwards, too."""
        return Peak((Add(*map(size, dict.fromkeys((*self.reads, *self.makes)))),))


@dataclass(frozen=True)
class Peak:
    """Sums of which the largest is the most that is held at once; `exact`: whether each of them is reached."""

    sums: tuple[Expr, ...]
    exact: bool = True


def peak(steps: Sequence[Step], entering: Iterable[Tensor], held: frozenset[Tensor], size: Size) -> Peak:
    """What steps hold at once, where some tensors are there at the beginning and some must be there at the end."""
    last = {tensor: place for place, step in enumerate(steps) for tensor in step.reads}
    live = dict.fromkeys(entering)
    found: list[Expr] = [Add(*map(size, live))]
    exact = True
    for place, step in enumerate(steps):
        live |= dict.fromkeys(step.reads)
        later = frozenset(tensor for tensor in live if tensor in held or last.get(tensor, -1) > place)
        here = step.peak(later, size)
        beside = Add(*(size(tensor) for tensor in live if tensor not in step.reads))
        found += [beside + one for one in here.sums]
        exact = exact and here.exact
        live |= dict.fromkeys(step.makes)
        for tensor in [tensor for tensor in live if last.get(tensor, -1) <= place and tensor not in held]:
            del live[tensor]
    return Peak(tuple(dict.fromkeys(map(simplify, found))), exact)


def ends(value: Expr, copy: Symbol, low: Expr, high: Expr) -> list[Expr]:
    """Values of which one is the largest over the copies from `low` to `high`."""
    if not value.has(copy):
        return [value]

    def at(number: Expr) -> Expr:
        return value.xreplace({copy: number})

    growth = simplify(at(copy + 1) - value)
    if is_nonnegative(growth):
        return [at(high)]
    if is_nonnegative(-growth):
        return [at(low)]
    if is_nonnegative(simplify(growth.xreplace({copy: copy + 1}) - growth)):  # convex
        return [at(low), at(high)]
    raise UnsupportedError(
        f"which of the copies {low} to {high} of a repetition holds most depends on sizes that are symbols ({value} in copy {copy}); "
        "give numbers"
    )


def largest(sums: Iterable[Expr]) -> Expr:
    """The largest of some sums, without those that another one is never below."""
    found = list(dict.fromkeys(map(simplify, sums)))
    numbers = [one for one in found if one.is_number]
    if numbers:
        found = [one for one in found if not one.is_number] + [max(numbers)]
    if len(found) <= MOST_COMPARED:
        kept: list[Expr] = []
        for one in found:
            if not any(is_nonnegative(simplify(other - one)) for other in kept):
                kept = [other for other in kept if not is_nonnegative(simplify(one - other))]
                kept.append(one)
        found = kept
    return simplify(Max(*found)) if found else Integer(0)
