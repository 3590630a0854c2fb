"""Closed forms of capacity allocation, against numeric Jacobians at random weights.

The oracle runs the network itself on unit inputs in NumPy, differentiates by a complex step (exact to rounding for the
polynomials that linear networks are in their weights), and takes the diagonal of the projector J J^+.
"""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import Function, Integer, Mod, Rational, Symbol, floor, symbols

from layeralgebra.algebra.capacity.allocation.convolution_stacks import (
    Convolution,
    ConvolutionStack,
    DilatedStack,
    average_pool,
    convolution_total,
)
from layeralgebra.algebra.capacity.allocation.matrices import (
    LowRank,
    Recurrent,
    attention_circuit,
    matrix_product,
    tensor_train_total,
)
from layeralgebra.algebra.capacity.allocation.structures import DirectSum, Fixed, Free, Kronecker, Uniform
from layeralgebra.algebra.capacity.column_spaces.finite_field import rank_modulo
from layeralgebra.algebra.errors import FieldError, UnsupportedError

TOLERANCE = 1e-9


def numeric(forward, *weights):
    """Rank and leverages of the Jacobian of ``forward(*weights)``, an array of predictor weights."""
    sizes = [np.shape(weight) for weight in weights]
    flat = np.concatenate([np.ravel(weight) for weight in weights]).astype(complex)

    def run(theta):
        parts, start = [], 0
        for size in sizes:
            count = int(np.prod(size))
            parts.append(theta[start : start + count].reshape(size))
            start += count
        return np.ravel(forward(*parts))

    columns = []
    for place in range(len(flat)):
        moved = flat.copy()
        moved[place] += 1e-30j
        columns.append(run(moved).imag / 1e-30)
    jacobian = np.array(columns).T
    rank = np.linalg.matrix_rank(jacobian, tol=1e-9 * np.linalg.norm(jacobian))
    projector = jacobian @ np.linalg.pinv(jacobian, rcond=1e-11)
    return rank, np.diag(projector)


def agree(structure, forward, *weights):
    rank, leverages = numeric(forward, *weights)
    assert structure.total == rank
    np.testing.assert_allclose([float(k) for k in structure.spatial()], leverages, atol=TOLERANCE)
    assert float(sum(structure.spatial())) == pytest.approx(rank, abs=TOLERANCE)


def fractions(draw, *size):
    """Random weights that are exact in binary, so that both sides see the same numbers."""
    return draw.integers(1, 64, size) / 16.0 * draw.choice([-1, 1], size)


def exact(weights):
    return [Rational(*Fraction(float(weight)).as_integer_ratio()) for weight in weights]


def convolve_all(layers):
    """The predictor of one output of a 1-D stack, by running it on unit inputs."""

    def forward(*kernels):
        reach = 1
        jump = 1
        for (size, dilation, stride), _ in zip(layers, kernels, strict=True):
            reach += (size - 1) * dilation * jump
            jump *= stride
        signal = np.eye(reach, dtype=complex)
        for (size, dilation, stride), kernel in zip(layers, kernels, strict=True):
            length = signal.shape[1] - (size - 1) * dilation
            signal = sum(kernel[u] * signal[:, u * dilation : u * dilation + length] for u in range(size))[:, ::stride]
        assert signal.shape[1] == 1
        return signal[:, 0]

    return forward


@pytest.fixture
def draw():
    return np.random.default_rng(11)


@pytest.mark.parametrize("widths", [(6, 1), (6, 4, 1), (6, 4, 3, 1), (5, 2, 4), (4, 3, 3), (3, 5, 2)])
def test_linear_perceptrons(draw, widths):
    layers = [draw.standard_normal(pair) for pair in zip(widths, widths[1:], strict=False)]

    def forward(*matrices):
        product = matrices[0]
        for matrix in matrices[1:]:
            product = product @ matrix
        return product

    structure = matrix_product(*widths)
    rank, leverages = numeric(forward, *layers)
    assert structure.total == rank
    if widths[-1] == 1:
        assert structure.spatial() == (1,) * widths[0]
        np.testing.assert_allclose(leverages, 1, atol=TOLERANCE)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_plain_convolution_stacks(draw, count):
    layers = [(3, 1, 1)] * count
    stack = ConvolutionStack([Convolution(3)] * count)
    assert (stack.total, set(stack.spatial())) == (2 * count + 1, {1})
    agree(stack, convolve_all(layers), *[fractions(draw, 3) for _ in layers])


def test_plain_stack_of_symbolic_kernels():
    k, m = symbols("k m", integer=True, positive=True)
    stack = ConvolutionStack([Convolution(k), Convolution(m), Convolution(k)])
    assert stack.total == 2 * k + m - 2 and stack.capacity(Symbol("i", integer=True, nonnegative=True)) == 1


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_dilated_two_tap_stack(draw, depth):
    taps = [fractions(draw, 2) for _ in range(depth)]
    layers = [(2, 2**level, 1) for level in range(depth)]
    stack = ConvolutionStack(
        [Convolution(2, dilation=2**level, weights=exact(pair)) for level, pair in enumerate(taps)]
    )
    assert stack.total == depth + 1
    agree(stack, convolve_all(layers), *taps)
    # The formula as published, digit by digit.
    for place, found in enumerate(stack.spatial()):
        shares = []
        for level, pair in enumerate(taps):
            squares = [Fraction(float(tap)) ** 2 for tap in pair]
            shares.append(squares[(place >> level) & 1] / sum(squares))
        product = Fraction(1)
        for share in shares:
            product *= share
        published = product * (1 + sum((1 - share) / share for share in shares))
        assert found == Rational(published.numerator, published.denominator)


def test_dilated_stack_of_symbolic_depth(draw):
    depth, i = symbols("L i", integer=True, positive=True)
    assert DilatedStack(depth).total == depth + 1
    assert DilatedStack(depth, equal=True).capacity(i) == (depth + 1) / 2**depth
    assert DilatedStack(depth, 3, equal=True).capacity(i) == (2 * depth + 1) / Integer(3) ** depth
    for level, base in ((3, 2), (2, 3)):
        taps = [fractions(draw, base) for _ in range(level)]
        layers = [(base, base**place, 1) for place in range(level)]
        rank, leverages = numeric(convolve_all(layers), *taps)
        share = Function("p")

        def value(layer, digit, taps=taps):
            squares = [tap**2 for tap in exact(taps[int(layer)])]
            return squares[int(digit)] / sum(squares)

        stack = DilatedStack(depth, base)
        assert stack.total.subs(depth, level) == rank
        for place in range(base**level):
            formula = stack.capacity(i).subs({depth: level, i: place}).doit().replace(share, value)
            assert float(formula) == pytest.approx(leverages[place], abs=TOLERANCE)
        # With all taps equal, from the network run with equal taps.
        rank, leverages = numeric(convolve_all(layers), *[np.ones(base)] * level)
        assert rank == DilatedStack(level, base).total
        np.testing.assert_allclose(leverages, float(DilatedStack(level, base, equal=True).capacity(0)), atol=TOLERANCE)


def test_average_pool_then_dense(draw):
    stack = ConvolutionStack([average_pool(3), Convolution(4)])
    assert (stack.total, set(stack.spatial())) == (4, {Rational(1, 3)})
    weights = draw.standard_normal(4)
    agree(stack, lambda dense: convolve_all([(3, 1, 3), (4, 1, 1)])(np.full(3, 1 / 3), dense), weights)
    k, m = symbols("k m", integer=True, positive=True)
    symbolic = ConvolutionStack([average_pool(k), Convolution(m)])
    assert symbolic.total == m and symbolic.capacity(Symbol("i", integer=True, nonnegative=True)) == 1 / k


def test_convolution_pool_convolution(draw):
    """Windows that overlap have no closed form: the exact Jacobian answers."""
    first, second = fractions(draw, 3), fractions(draw, 4)
    layers = [(3, 1, 1), (2, 1, 2), (4, 1, 1)]
    stack = ConvolutionStack(
        [Convolution(3, weights=exact(first)), average_pool(2), Convolution(4, weights=exact(second))]
    )
    assert stack.total == 6
    agree(stack, lambda one, two: convolve_all(layers)(one, np.full(2, 0.5), two), first, second)
    with pytest.raises(UnsupportedError, match="no closed form"):
        ConvolutionStack([Convolution(3), average_pool(2), Convolution(4)]).capacity(0)


@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 3), st.booleans()), min_size=1, max_size=4),
    st.integers(0, 10**6),
)
def test_total_of_any_stack_is_one_plus_the_spare_taps(layers, seed):
    """Exact: the rank modulo a prime of the Jacobian at random integer kernels is a lower bound, and is attained."""
    draw = np.random.default_rng(seed)
    stack = ConvolutionStack(
        [
            Convolution(k, dilation=d, stride=s, trainable=t, weights=[int(v) for v in draw.integers(1, 10**6, k)])
            for k, d, s, t in layers
        ]
    )
    if stack.trainable:
        assert rank_modulo(stack.jacobian().tolist()) == stack.total == 1 + sum(k - 1 for k, _, _, t in layers if t)


@given(st.integers(0, 10**6), st.lists(st.sampled_from([2, 3]), min_size=1, max_size=3), st.integers(1, 2))
def test_merged_kernels_of_mixed_radix(seed, sizes, repeat):
    """Groups of kernels of equal spacing, the groups far enough apart: free merges inside, Kronecker across."""
    draw = np.random.default_rng(seed)
    layers, reach = [], 1
    for size in sizes:
        layers += [(size, reach + 1, 1)] * repeat
        reach += repeat * (size - 1) * (reach + 1)
    kernels = [fractions(draw, size) for size, _, _ in layers]
    stack = ConvolutionStack(
        [Convolution(size, dilation=d, weights=exact(w)) for (size, d, _), w in zip(layers, kernels, strict=True)]
    )
    rank, leverages = numeric(convolve_all(layers), *kernels)
    if rank == stack.total:  # random kernels may have a root in common
        np.testing.assert_allclose([float(k) for k in stack.spatial()], leverages, atol=1e-7)


def test_two_dimensional_stacks(draw):
    def forward(one, two):
        total = np.zeros((5, 5), dtype=complex)
        for u in range(3):
            for v in range(3):
                total[u : u + 3, v : v + 3] += one[u, v] * two
        return total

    rank, _ = numeric(forward, draw.standard_normal((3, 3)), draw.standard_normal((3, 3)))
    assert rank == convolution_total((3, 3), (3, 3)) == 17


def test_separable_kernel(draw):
    u, v = fractions(draw, 4), fractions(draw, 4)
    structure = Kronecker(Free(4, exact(u)), Free(4, exact(v)))
    assert structure.total == 7
    agree(structure, np.outer, u, v)
    p, q = u**2 / (u @ u), v**2 / (v @ v)
    published = p[:, None] + q[None, :] - np.outer(p, q)
    np.testing.assert_allclose([float(k) for k in structure.spatial()], published.ravel(), atol=TOLERANCE)


def test_kronecker_of_three_with_a_fixed_factor(draw):
    u, v, w = fractions(draw, 2), fractions(draw, 3), fractions(draw, 2)
    structure = Kronecker(Free(2, exact(u)), Fixed(exact(v)), Free(2, exact(w)))
    agree(structure, lambda one, two: np.einsum("i,j,k->ijk", one, v, two), u, w)
    frozen = Kronecker(Fixed(exact(v)), Uniform(2))
    assert frozen.total == 0 and set(frozen.spatial()) == {0}


@pytest.mark.parametrize(("rows", "columns", "rank"), [(4, 5, 1), (4, 5, 2), (4, 4, 3), (3, 5, 3), (2, 2, 5)])
def test_low_rank_factor(draw, rows, columns, rank):
    left, right = fractions(draw, rows, rank), fractions(draw, columns, rank)
    agree(
        LowRank(rows, columns, rank, [exact(line) for line in left], [exact(line) for line in right]),
        lambda one, two: one @ two.T,
        left,
        right,
    )
    n, m = symbols("n m", integer=True, positive=True)
    assert (LowRank(n, m, 1).total - (n + m - 1)).expand() == 0


def test_attention_circuits(draw):
    d, h = symbols("d h", integer=True, positive=True)
    assert (attention_circuit(d, h).total - h * (2 * d - h)).expand() == 0
    query, key = draw.standard_normal((6, 2)), draw.standard_normal((6, 2))
    rank, _ = numeric(lambda one, two: one @ two.T, query, key)
    assert rank == attention_circuit(6, 2).total == 20
    with pytest.raises(FieldError):
        attention_circuit(2, 6)


@pytest.mark.parametrize(
    ("extents", "ranks"), [([2, 2, 2], [1, 1]), ([2, 3, 2], [2, 2]), ([3, 2, 4], [5, 3]), ([2, 2, 2, 2], [2, 3, 2])]
)
def test_dilated_stack_with_channels_is_a_tensor_train(draw, extents, ranks):
    bonds = [1, *ranks, 1]
    cores = [draw.standard_normal((bonds[p], n, bonds[p + 1])) for p, n in enumerate(extents)]

    def forward(*trains):
        total = trains[0]
        for core in trains[1:]:
            total = np.tensordot(total, core, axes=([-1], [0]))
        return total

    assert numeric(forward, *cores)[0] == tensor_train_total(extents, ranks)


@pytest.mark.parametrize(("state", "length"), [(1, 6), (2, 7), (3, 5), (1, 1), (1, 2)])
def test_linear_recurrence(draw, state, length):
    matrix = np.diag(draw.uniform(0.5, 0.95, state)) + 0.1 * draw.standard_normal((state, state))
    into, out = draw.standard_normal(state), draw.standard_normal(state)

    def forward(a, b, c):
        weights, held = [], b
        for _ in range(length):
            weights.append(c @ held)
            held = a @ held
        return np.array(weights[::-1])

    rank, leverages = numeric(forward, matrix, into, out)
    structure = Recurrent(state, length, Fraction(float(matrix[0, 0])) if state == 1 else None)
    assert structure.total == rank
    if state == 1 or structure.total == length:
        np.testing.assert_allclose([float(k) for k in structure.spatial()], leverages, atol=1e-8)


def test_direct_sum(draw):
    u, v = fractions(draw, 2), fractions(draw, 3)
    one = ConvolutionStack([Convolution(2, weights=exact(u)), Convolution(3, dilation=2, weights=exact(v))])
    both = DirectSum(one, Free(2))
    assert both.spatial() == one.spatial() + (1, 1) and both.total == one.total + 2
    n, m, i = symbols("n m i", integer=True, positive=True)
    half = DirectSum(Kronecker(Free(n)), Kronecker(Uniform(m)))
    assert half.capacity(i).subs({n: 3, m: 3, i: 1}) == 1 and half.capacity(i).subs({n: 3, m: 3, i: 4}) == 0


def test_symbolic_index_of_a_pooled_kernel():
    i = Symbol("i", integer=True, nonnegative=True)
    stack = ConvolutionStack([Convolution(3), Convolution(5, dilation=3)])
    p, q = Function("p0")(Mod(i, 3)), Function("p1")(floor(i / 3))
    assert (stack.capacity(i) - (p + q - p * q)).expand() == 0


@pytest.mark.parametrize(
    "call",
    [
        lambda: ConvolutionStack([]),
        lambda: ConvolutionStack([Convolution(0)]),
        lambda: ConvolutionStack([Convolution(2, weights=[0, 0])]),
        lambda: ConvolutionStack([Convolution(2)]).capacity(2),
        lambda: ConvolutionStack([Convolution(2)]).capacity(0, 1),
        lambda: Free(3, [1, 2]),
        lambda: Free(1, ["x"]),
        lambda: Kronecker(),
        lambda: LowRank(3, 3, 2, left=[[1, 1], [1, 1], [1, 1]]),
        lambda: tensor_train_total([2, 2], []),
        lambda: matrix_product(3),
    ],
)
def test_wrong_structures_are_refused(call):
    with pytest.raises(FieldError):
        call()
