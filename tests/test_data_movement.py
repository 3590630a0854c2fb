"""Lower bounds on data movement, against the traffic of schedules that are simulated access by access."""

import itertools
from collections import OrderedDict

import pytest
from sympy import Rational, sqrt

from layeralgebra import (
    Conv,
    FieldError,
    Formula,
    Linear,
    MultiHeadAttention,
    UnsupportedError,
    data_movement_bound,
    dims,
)


def traffic(points, memory):
    """Loads and write-backs of a least-recently-used memory; a point is a list of elements, the first of which is updated."""
    held, moved, born = OrderedDict(), 0, set()
    for point in points:
        for place, element in enumerate(point):
            if element in held:
                held.move_to_end(element)
            else:
                if len(held) >= memory:
                    _, dirty = held.popitem(last=False)
                    moved += dirty
                if not (place == 0 and element not in born):
                    moved += 1
                held[element] = False
            if place == 0:
                held[element] = True
                born.add(element)
    return moved + sum(held.values())


def blocked(m, n, k, size):
    for bi, bj in itertools.product(range(0, m, size), range(0, n, size)):
        for r in range(k):
            for i, j in itertools.product(range(bi, min(m, bi + size)), range(bj, min(n, bj + size))):
                yield [("y", i, j), ("x", i, r), ("W", j, r)]


@pytest.mark.parametrize("memory", [4, 6, 12, 20, 42])
@pytest.mark.parametrize("sizes", [(6, 6, 6), (8, 4, 12), (12, 12, 5)])
def test_no_schedule_of_a_matrix_product_moves_less(memory, sizes):
    m, n, k = sizes
    least = float(data_movement_bound(Linear(n, bias=False), memory, on=(m, k)).formula)
    for size in range(1, 7):
        assert traffic(blocked(m, n, k, size), memory) >= least


def test_the_bound_of_a_matrix_product_is_nearly_reached():
    memory, side = 17 * 17 + 4 * 17, 17  # a block, and two rows and columns beside it
    least = float(data_movement_bound(Linear(34, bias=False), memory, on=(34, 60)).formula)
    found = traffic(blocked(34, 34, 60, side), memory)
    assert least > 0 and found < 2 * (least + 2 * memory)


def test_no_schedule_of_a_convolution_moves_less():
    c, o, side, memory = 3, 3, 9, 9
    bound = data_movement_bound(Conv(o, 3, bias=False), memory, on=(c, side), tensor="y")
    axes = [range(o), range(c), range(side - 2), range(3)]
    for order in itertools.permutations(range(4)):
        points = []
        for at in itertools.product(*(axes[n] for n in order)):
            f, g, i, u = (at[order.index(n)] for n in range(4))
            points.append([("y", f, i), ("W", f, g, u), ("x", g, i + u)])
        assert traffic(points, memory) >= float(bound.formula)


m, n, k, S, T, d = dims("m n k S T d")


def test_published_bounds():
    """Smith et al. 2017, arXiv 1702.02017: 2 m n k/sqrt(S) - 2 S for the matrix product."""
    product = data_movement_bound(Linear(n, bias=False), S, on=(m, k))
    assert (product.formula - 2 * m * n * k / sqrt(S)).subs({m: 4, n: 5, k: 7, S: 9}) == -18
    scores = data_movement_bound(MultiHeadAttention(1, bias=False), S, on=(T, d), tensor="w")
    assert scores.kind == "lower" and set(scores.exponents.values()) == {Rational(1, 2)}
    three = data_movement_bound(Formula("y[i, j, l] = a[i, r]*b[j, r]*x1[l, r]\nwhere i < 9, j < 9"), S, on=(m, n))
    assert set(three.exponents.values()) == {Rational(2, 3), Rational(1, 3)}


def test_refusals():
    with pytest.raises(FieldError, match="one contraction"):
        data_movement_bound(MultiHeadAttention(1), S, on=(T, d))
    with pytest.raises(FieldError, match="memory"):
        data_movement_bound(Linear(3), 0, on=(4, 5))
    with pytest.raises(UnsupportedError, match="two places"):
        data_movement_bound(Formula("y[i] = x1[i, j]*x1[j, i]"), 9, on=(4, 4))
    with pytest.raises(UnsupportedError, match="strides"):
        data_movement_bound(Conv(2, 3, stride=S), 9, on=(4, 8), tensor="y")
