"""Sums of products with common factors taken out, so that a formula on a grid multiplies where arrays are small.

Integers modulo 2**64 obey the distributive law as integers do: any such rearrangement of sums and products is exact
as long as the result itself fits, whatever happens in between.

>>> size = lambda mask: {0: 0, 1: 8, 2: 1000, 3: 8000}[mask]
>>> factored([(9, ("c", "c", "H")), (3, ("c", "H")), (5, ("H",))], 0, {"c": 1, "H": 2}, size)
('sum', [('product', 1, ('H',), ('sum', [('product', 9, ('c', 'c'), None), ('product', 3, ('c',), None)], 5))], 0)
>>> factored([(9, ("c", "c", "H")), (1, ("c",))], 0, {"c": 1, "H": 2}, size)
('sum', [('product', 9, ('c', 'c', 'H'), None), ('product', 1, ('c',), None)], 0)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from heapq import heapify, heappop, heappush
from typing import Any

Term = tuple[int, tuple[Hashable, ...]]  # a coefficient and the factors


def factored(terms: Sequence[Term], constant: int, masks: Any, size: Callable[[int], int]) -> tuple:
    """A sum as nested sums and products, after Horner: ``('sum', [products], constant)``.

    A product is ``('product', coefficient, factors, inner)`` with an inner sum or None. Of the factors that several
    terms share, the one is taken out first that saves most operations on elements; one that saves nothing stays where
    it is.

    Parameters
    ----------
    terms, constant
        The sum.
    masks : mapping or list
        The axes that each factor spans, as bits.
    size : callable
        The number of elements of an array that spans given axes.
    """
    return _Sum(terms, masks, size).factored(constant)


class _Sum:
    """The terms that are left while common factors are taken out."""

    def __init__(self, terms: Sequence[Term], masks: Any, size: Callable[[int], int]):
        self.masks, self.size = masks, size
        self.pool = {number: (coefficient, Counter(factors)) for number, (coefficient, factors) in enumerate(terms)}
        self.where: dict[Any, set[int]] = {}
        for number, (_, factors) in self.pool.items():
            for factor in factors:
                self.where.setdefault(factor, set()).add(number)

    def factored(self, constant: int) -> tuple:
        products = []
        # What a factor saves only falls while others are taken out, so a heap of old claims is enough: the one on top
        # is checked.
        heap = [(-self._saved(factor), number, factor) for number, factor in enumerate(self.where)]
        heap = [entry for entry in heap if entry[0] < 0]
        heapify(heap)
        while heap:
            claimed, number, best = heappop(heap)
            saved = self._saved(best)
            if saved <= 0:
                continue
            if -saved != claimed:
                heappush(heap, (-saved, number, best))
                continue
            inner = []
            rest = 0
            for member in sorted(self.where[best]):
                coefficient, factors = self.pool.pop(member)
                for factor in factors:
                    self.where[factor].discard(member)
                left = factors - Counter([best])
                if left:
                    inner.append((coefficient, tuple(left.elements())))
                else:
                    rest += coefficient
            products.append(self._taken_out(best, inner, rest))
        for coefficient, factors in self.pool.values():
            if factors:
                products.append(("product", coefficient, tuple(factors.elements()), None))
            else:
                constant += coefficient
        return "sum", products, constant

    def _saved(self, factor: Any) -> int:
        """Operations on elements that are saved by taking a factor out of all terms that have it."""
        members = self.where[factor]
        if len(members) < 2:
            return 0
        saved, outer, inner = 0, 0, 0
        for member in members:
            factors = self.pool[member][1]
            with_it = Counter({self.masks[other]: 0 for other in factors})
            for other, count in factors.items():
                with_it[self.masks[other]] += count
            without = with_it - Counter([self.masks[factor]])
            saved += self._cost(with_it) - self._cost(without)
            for mask in with_it:
                outer |= mask
            for mask in without:
                inner |= mask
        return saved + (len(members) - 1) * (self.size(outer) - self.size(inner)) - self.size(outer)

    def _cost(self, masks: Counter) -> int:
        """Operations on elements of a product: equal axes first, then small ones."""
        total, before = 0, 0
        for mask in sorted(masks, key=self.size):
            total += (masks[mask] - 1) * self.size(mask)
            if before:
                total += self.size(before | mask)
            before |= mask
        return total

    def _taken_out(self, factor: Any, inner: Sequence[Term], rest: int) -> tuple:
        if not inner:
            return "product", rest, (factor,), None
        nested = factored(inner, rest, self.masks, self.size)
        if len(nested[1]) == 1 and not nested[2]:  # a product of one product is a product
            _, coefficient, factors, deeper = nested[1][0]
            return "product", coefficient, (factor, *factors), deeper
        return "product", 1, (factor,), nested
