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


@pytest.mark.parametrize("stride, kernel", [(1, 3), (2, 3), (3, 2)])
@pytest.mark.parametrize("memory", [5, 20])
def test_no_schedule_of_a_strided_convolution_moves_less(stride, kernel, memory):
    """All orders of the loops, and blocks of outputs that stay while channels and taps go by."""
    c, o, out = 3, 3, 5
    side = stride * (out - 1) + kernel
    layer = Conv(o, kernel, stride=stride, bias=False)
    least = float(data_movement_bound(layer, memory, on=(c, side), tensor="y").formula)

    def touched(f, g, i, u):
        return [("y", f, i), ("W", f, g, u), ("x", g, stride * i + u)]

    axes = [range(o), range(c), range(out), range(kernel)]
    for order in itertools.permutations(range(4)):
        points = (
            touched(*(at[order.index(n)] for n in range(4))) for at in itertools.product(*(axes[n] for n in order))
        )
        assert traffic(points, memory) >= least
    for block in (1, 2, 3):
        points = (
            touched(f, g, i, u)
            for bf, bi in itertools.product(range(0, o, block), range(0, out, block))
            for g, u in itertools.product(range(c), range(kernel))
            for f, i in itertools.product(range(bf, min(o, bf + block)), range(bi, min(out, bi + block)))
        )
        assert traffic(points, memory) >= least


def test_a_good_schedule_of_a_convolution_is_within_a_factor():
    """Blocks of outputs of many channels, for which the rows that the taps share are loaded once."""
    c, o, out, kernel, memory = 12, 24, 48, 3, 160
    least = float(data_movement_bound(Conv(o, kernel, bias=False), memory, on=(c, out + 2), tensor="y").formula)
    points = (
        [("y", f, i), ("W", f, g, u), ("x", g, i + u)]
        for bf, bi in itertools.product(range(0, o, 8), range(0, out, 12))
        for g, u in itertools.product(range(c), range(kernel))
        for f, i in itertools.product(range(bf, bf + 8), range(bi, bi + 12))
    )
    found = traffic(points, memory)
    assert 0 < least <= found < 4 * (least + 2 * memory)


m, n, k, S, T, d = dims("m n k S T d")


def test_small_filters_and_strides():
    """Demmel and Dinh 2018, arXiv 1802.06905: G/sqrt(S) * sqrt(s/k) along each axis of k taps and stride s, for G multiplications."""
    at = {m: 64, n: 64, k: 58, S: 256}
    for kernel, stride, axes in ((3, 1, 1), (4, 2, 1), (2, 2, 1), (3, 1, 2)):
        bound = data_movement_bound(Conv(n, kernel, stride=stride, bias=False), S, on=(m, *(k,) * axes), tensor="y")
        work = 64 * 64 * (kernel * ((58 - kernel) // stride + 1)) ** axes
        assert float(bound.formula.subs(at)) == pytest.approx(2 * work / 16 * (stride / kernel) ** (axes / 2) - 2 * 256)


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
        data_movement_bound(Formula("y[i, j] = W[j, r]*x1[3*i + size(r)*j, r]\nwhere i < 2, j < 2"), 9, on=(m, n))
