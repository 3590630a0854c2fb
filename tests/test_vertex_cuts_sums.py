"""Sums of minima with many members: no summand is lost, whichever way they are kept."""

from __future__ import annotations

import random

import pytest

import layeralgebra as la
from layeralgebra.algebra.regions.vertex_cuts import Least
from layeralgebra.algebra.sizes.evaluate import evaluate

SYMBOLS = la.dims(" ".join(f"v{place}" for place in range(16)))


@pytest.mark.parametrize("left, right", [(1, 1), (6, 6), (6, 7), (7, 7), (8, 8), (1, 8)])
def test_a_sum_of_minima_is_the_sum_of_both(left: int, right: int) -> None:
    one, other = Least.of(*SYMBOLS[:left]), Least.of(*SYMBOLS[8 : 8 + right])
    made = one.parallel(other).expr()
    rng = random.Random(left * 100 + right)
    for _ in range(20):
        values = {symbol: rng.randint(1, 30) for symbol in SYMBOLS}
        smallest = min(values[s] for s in SYMBOLS[:left]) + min(values[s] for s in SYMBOLS[8 : 8 + right])
        assert evaluate(made, values, unused=True) == smallest
