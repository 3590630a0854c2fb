"""The sizes for which a formula holds: conditions, each with the node that needs it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from sympy import Symbol
from sympy.logic.boolalg import Boolean

from ..arguments import as_elements, as_text, checked, shown
from ..errors import BudgetError, DomainError, FieldError
from ..networks.carrier import DomainCondition, Loop
from ..sizes.evaluate import evaluate, evaluate_condition
from .plain_conditions import plain

MOST_COPIES = 10_000


class Domain:
    """Conditions on sizes; all symbols are positive integers besides.

    Parameters
    ----------
    conditions : sequence of DomainCondition
        Each with the node that needs it and the repetitions around it.
    place : str
        What the messages call a network that is a single node.

    Raises
    ------
    DomainError
        From `check`, at sizes where a condition fails.
    BudgetError
        From `check`, if a condition inside a repetition would have to be tried for more than 10 000 copies.

    Examples
    --------
    >>> from layeralgebra import Conv, derive, dims, macs
    >>> H, k = dims("H k")
    >>> print(derive(macs, Conv(1, k), on=(1, H)).domain)
    H >= k: at Conv(1, k): an axis of H must hold one window of k
    """

    def __init__(self, conditions: Sequence[DomainCondition], place: str = ""):
        self.conditions = tuple(as_elements(conditions, "the conditions of a Domain"))
        if not all(isinstance(item, DomainCondition) for item in self.conditions):
            raise FieldError(f"a Domain holds conditions with their nodes, got {shown(conditions)}")
        self._place = as_text(place, "the place of a Domain")

    def __iter__(self):
        return iter(self.conditions)

    def __len__(self) -> int:
        return len(self.conditions)

    @checked
    def __add__(self, other: Domain) -> Domain:
        return Domain(
            [*self.conditions, *(c for c in other.conditions if c not in self.conditions)], self._place or other._place
        )

    @property
    def place(self) -> str:
        """What the messages call a network that is a single node."""
        return self._place

    @property
    def relations(self) -> list:
        """The conditions as SymPy relations, those inside a symbolic repetition in terms of its index."""
        return [item.condition.relation for item in self.conditions]

    @property
    def plain(self) -> Domain:
        """Fewer and plainer conditions that hold for the same sizes: the ones that are printed.

        Roundings are opened, divisors joined, and what others imply is left out; each keeps one place that needs it.

        Examples
        --------
        >>> from layeralgebra import derive, dims, macs, zoo
        >>> H, W = dims("H W")
        >>> for relation in derive(macs, zoo.unet(height=H, width=W)).domain.plain.relations:
        ...     print(relation)
        Eq(Mod(H + 4, 16), 0)
        Eq(Mod(W + 4, 16), 0)
        H >= 185
        W >= 185
        """
        return Domain(plain(self.conditions), self._place)

    @checked
    def check(self, values: Mapping[Symbol, int | Fraction]) -> None:
        """Raise `DomainError` with the node and the condition that fails, if one does; conditions on sizes not given are left out."""
        for item in self.conditions:
            loops = item.all_loops
            free = item.condition.relation.free_symbols.union(*(loop.times.free_symbols for loop in loops))
            if not free - {loop.index for loop in loops} <= set(values):
                continue
            for copy in _copies(loops, item.condition.relation, dict(values)):
                if not evaluate_condition(item.condition.relation, copy, unused=True):
                    sizes = ", ".join(
                        f"{symbol}={copy[symbol]}"
                        for symbol in sorted(copy, key=str)
                        if item.condition.relation.has(symbol)
                    )
                    raise DomainError(
                        f"at {item.path or self._place}: {item.condition.meaning}: {_text(item.condition.relation)} fails for {sizes}"
                    )

    @checked
    def holds(self, values: Mapping[Symbol, int | Fraction]) -> bool:
        """Whether every condition holds."""
        try:
            self.check(values)
        except DomainError:
            return False
        return True

    def __str__(self) -> str:
        lines = []
        for item in plain(self.conditions):
            loops = "".join(
                f" for 0 <= {loop.index} < {loop.times}"
                if item.condition.relation.has(loop.index)
                else f" where {_text(loop.somewhere)}"
                for loop in item.all_loops
                if item.condition.relation.has(loop.index) or not loop.times.is_positive
            )
            lines.append(
                f"{_text(item.condition.relation)}{loops}: at {item.path or self._place}: {item.condition.meaning}"
            )
        return "\n".join(lines) or "all positive integers"

    __repr__ = __str__


def _text(relation: Boolean) -> str:
    """A condition in words; what writes formulas is loaded when one is first written."""
    from ..formulas.text import formula_text

    return formula_text(relation)


def _copies(
    loops: Sequence[Loop], relation: Boolean, values: dict[Symbol, int | Fraction]
) -> Iterator[dict[Symbol, int | Fraction]]:
    """The values with every combination of copy numbers added; one stands for all copies that the relation does not tell apart."""
    if not loops:
        yield values
        return
    first, *others = loops
    times = evaluate(first.times, values, unused=True)
    if not relation.has(first.index) and not any(loop.times.has(first.index) for loop in others):
        times = min(times, 1)
    if times > MOST_COPIES:
        raise BudgetError(f"the domain of {times} copies is larger than the {MOST_COPIES} that are checked one by one")
    for number in range(int(times)):
        yield from _copies(others, relation, {**values, first.index: number})
