"""Sums of products with common factors taken out, so that a formula on a grid multiplies where arrays are small.

Integers modulo 2**64 obey the distributive law as integers do: any such rearrangement of sums and products is exact as long
as the result itself fits, whatever happens in between.

>>> factored([(9, ("c", "c", "H")), (3, ("c", "H")), (5, ("H",))], 0, {"c": 8, "H": 1000})
('sum', [('product', 1, ('H',), ('sum', [('product', 1, ('c',), ('sum', [('product', 9, ('c',), None)], 3))], 5))], 0)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from heapq import heapify, heappop, heappush
from typing import Any

Term = tuple[int, tuple[Hashable, ...]]  # a coefficient and the factors


def factored(terms: Sequence[Term], constant: int, sizes: Mapping[Any, int]) -> tuple:
    """A sum as nested sums and products, after Horner: ``('sum', [products], constant)``.

    A product is ``('product', coefficient, factors, inner)`` with an inner sum or None. Of the factors that several terms
    share, the one is taken out first that saves most: the number of terms times the size of the array it belongs to.
    """
    pool: dict[int, tuple[int, Counter]] = {}
    for number, (coefficient, factors) in enumerate(terms):
        pool[number] = (coefficient, Counter(factors))
    where: dict[Any, set[int]] = {}
    for number, (_, factors) in pool.items():
        for factor in factors:
            where.setdefault(factor, set()).add(number)
    products = []

    def saved(factor: Any) -> int:
        return (len(where[factor]) - 1) * sizes[factor]

    # The counts only fall, so a heap of old ones is enough: what comes out is looked at again.
    heap = [(-saved(factor), number, factor) for number, factor in enumerate(where) if len(where[factor]) > 1]
    heapify(heap)
    while heap:
        claimed, number, best = heappop(heap)
        if len(where[best]) < 2:
            continue
        if -saved(best) != claimed:
            heappush(heap, (-saved(best), number, best))
            continue
        inner = []
        rest = 0
        for member in sorted(where[best]):
            coefficient, factors = pool.pop(member)
            for factor in factors:
                where[factor].discard(member)
            left = factors - Counter([best])
            if left:
                inner.append((coefficient, tuple(left.elements())))
            else:
                rest += coefficient
        products.append(_taken_out(best, inner, rest, sizes))
    for coefficient, factors in pool.values():
        if factors:
            products.append(("product", coefficient, tuple(factors.elements()), None))
        else:
            constant += coefficient
    return "sum", products, constant


def _taken_out(factor: Any, inner: Sequence[Term], rest: int, sizes: Mapping[Any, int]) -> tuple:
    if not inner:
        return "product", rest, (factor,), None
    nested = factored(inner, rest, sizes)
    if len(nested[1]) == 1 and not nested[2]:  # a product of one product is a product
        _, coefficient, factors, deeper = nested[1][0]
        return "product", coefficient, (factor, *factors), deeper
    return "product", 1, (factor,), nested
