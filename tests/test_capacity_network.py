"""Capacity allocation of networks: golden numbers, Jacobians against differences, closed forms against both, properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import Function, symbols

import layeralgebra as la
from layeralgebra import AvgPool, Conv, Dim, Flatten, Identity, Layer, Linear, ReLU, Repeat

pytest.importorskip("scipy")


class Separable(Layer):
    """One channel of two axes, with the kernel a[u] b[v]."""

    kernel: Dim
    equation = """
        k[u, v] = a[u] * b[v]
        y[i, j] = k[u, v] * x[i + u, j + v]
        where u < kernel, v < kernel
    """


class Leaky(Layer):
    """The last state of a linear recurrence."""

    hidden: Dim
    equation = """
        h[t, o] = W[o, f]*x[t, f] + U[o, p]*h[t-1, p]
        y[o] = h[size(t)-1, o]
        where o < hidden
    """


def predictor(net, shape, weights, unit):
    """w from the network's outputs at the unit vectors, without any derivative."""
    size = int(np.prod(shape))
    start = np.asarray(la.run(net, np.zeros(shape), weights), dtype=float).ravel()
    columns = [np.asarray(la.run(net, e.reshape(shape), weights), dtype=float).ravel() - start for e in np.eye(size)]
    return np.array(columns) @ unit


def middle(net, shape, weights):
    made = np.zeros(la.run(net, np.zeros(shape), weights).shape)
    made[tuple((extent - 1) // 2 for extent in made.shape)] = 1
    return made.ravel()


def directional(net, shape, weights, directions):
    """Derivatives of w along directions of the weights, by interpolation: w is a polynomial of low degree along a line."""
    unit = middle(net, shape, weights)
    nodes = np.cos(np.pi * np.arange(10) / 9) / 2
    found = []
    for direction in directions:
        values = [
            predictor(net, shape, {n: np.asarray(w, float) + t * direction.get(n, 0) for n, w in weights.items()}, unit)
            for t in nodes
        ]
        found.append(np.linalg.solve(np.vander(nodes, increasing=True), np.array(values))[1])
    return np.array(found)


def shared_dense():
    dense = Linear(3).shared("f")
    return dense >> dense >> Linear(1)


NETWORKS = {
    "dense": (Linear(4) >> Linear(3) >> Linear(1), (5,)),
    "convolutions": (Conv(1, 3) >> Conv(1, 2), (1, 6)),
    "channels": (Conv(2, 3, padding=1) >> Conv(2, 2, groups=2), (2, 4)),
    "strides": (Conv(2, 3, stride=2, padding="same") >> Flatten() >> Linear(1), (1, 5)),
    "residual": (Conv(2, 2, padding="causal") >> (Identity() + Conv(2, 3, padding=1)), (1, 4)),
    "concatenated": ((Conv(1, 2) | Conv(2, 2)) >> Conv(1, 2), (1, 5)),
    "normalised": (Conv(2, 2) >> la.BatchNorm() >> la.GlobalAvgPool() >> Linear(1), (1, 4)),
    "pooled": (AvgPool(2) >> Flatten() >> Linear(1), (1, 6)),
    "shared": (shared_dense(), (3,)),
    "separable": (Separable(2), (2, 2)),
    "recurrent": (Leaky(2) >> Linear(1), (4, 1)),
    "transposed": (la.ConvTranspose(1, 3, stride=2), (1, 3)),
    "repeated": (Linear(3) ** 3, (3,)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_jacobians_are_the_derivatives_of_the_outputs(name):
    net, shape = NETWORKS[name]
    weights = la.weights(net, on=shape, seed=5)
    found = la.linear_predictor(net, weights, on=shape)
    assert found.predictor.ravel() == pytest.approx(
        predictor(net, shape, weights, middle(net, shape, weights)), abs=1e-12
    )
    draw = np.random.default_rng(1)
    directions = [{n: draw.standard_normal(np.shape(weights[n])) for n in found.parameters} for _ in range(2)]
    for direction, wanted in zip(directions, directional(net, shape, weights, directions), strict=True):
        flat = np.zeros(found.matrix.shape[1])
        for key, (start, stop) in found.parameters.items():
            flat[start:stop] = direction[key].ravel()
        assert found.matrix @ flat == pytest.approx(wanted, abs=1e-9)


# Golden numbers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_golden_allocations(seed):
    def spatial(net, on, **options):
        found = la.capacity_allocation(net, at=seed, on=on, **options)
        return found.total, found.spatial.ravel()

    total, kappa = spatial(Linear(4) >> Linear(3) >> Linear(1), (6,))
    assert total == 6 and kappa == pytest.approx(np.ones(6), abs=1e-9)
    for count, total_wanted in ((2, 5), (3, 7)):
        net = la.Series(*[Conv(1, 3, bias=False)] * count)
        total, kappa = spatial(net, (1, total_wanted))
        assert total == total_wanted and kappa == pytest.approx(np.ones(total_wanted), abs=1e-9)
    total, kappa = spatial(AvgPool(4) >> Flatten() >> Linear(1), (1, 12))
    assert total == 3 and kappa == pytest.approx(np.full(12, 1 / 4), abs=1e-9)
    total, _ = spatial(Linear(2) >> Linear(5), (6,), output="all")
    assert total == 2 * (6 + 5 - 2)


@pytest.mark.parametrize("seed", range(3))
def test_dilated_stacks_against_the_formula(seed):
    depth = 4
    layer = symbols("l", integer=True, nonnegative=True)
    net = Repeat(Conv(1, 2, dilation=2**layer, bias=False), depth, layer)
    weights = la.weights(net, on=(1, 2**depth), seed=seed)
    found = la.capacity_allocation(net, at=weights, on=(1, 2**depth))
    shares = [np.ravel(weights[f"{place}.W"]) ** 2 / np.sum(np.square(weights[f"{place}.W"])) for place in range(depth)]
    wanted = []
    for place in range(2**depth):
        p = np.array([shares[level][place >> level & 1] for level in range(depth)])
        wanted.append(p.prod() * (1 + ((1 - p) / p).sum()))
    assert found.total == depth + 1
    assert found.spatial.ravel() == pytest.approx(np.array(wanted), abs=1e-9)
    equal = la.capacity_allocation(
        net, at={f"{place}.W": np.ones((1, 1, 1, 2)) for place in range(depth)}, on=(1, 2**depth)
    )
    assert equal.spatial.ravel() == pytest.approx(np.full(2**depth, (depth + 1) / 2**depth), abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_separable_and_low_rank_against_their_formulas(seed):
    weights = la.weights(Separable(4), on=(4, 4), seed=seed)
    found = la.capacity_allocation(Separable(4), at=weights, on=(4, 4))
    p, q = (weights[name] ** 2 / (weights[name] ** 2).sum() for name in "ab")
    assert found.total == 7
    assert found.spatial == pytest.approx(p[:, None] + q - p[:, None] * q, abs=1e-9)
    net = Linear(2, bias=False) >> Linear(5, bias=False)
    weights = la.weights(net, on=(6,), seed=seed)
    found = la.capacity_allocation(net, at=weights, on=(6,), output="all")
    left = np.diag(weights["1.W"] @ np.linalg.pinv(weights["1.W"]))
    right = np.diag(np.linalg.pinv(weights["0.W"]) @ weights["0.W"])
    assert found.spatial == pytest.approx(left[:, None] + right - left[:, None] * right, abs=1e-9)


def test_coloured_inputs():
    class Mean(Layer):
        equation = "y[k] = w[k]*x[i]\n where k < 1"

    lags = np.abs(np.subtract.outer(range(3), range(3)))
    for covariance in (0.5**lags, lambda lag: 0.5 ** abs(lag)):
        found = la.capacity_allocation(Mean(), covariance=covariance, on=(3,))
        assert found.spatial == pytest.approx([0.31247, 0.37505, 0.31247], abs=1e-5)


def test_attention():
    circuits = {
        name: (c.total, heads) for name, c, heads in la.attention_circuits(la.MultiHeadAttention(4), on=(7, 12))
    }
    assert circuits == {"Q K": (3 * (24 - 3), 4), "V O": (3 * (24 - 3), 4)}
    d, h, n = la.dims("d h n")
    for _, circuit, heads in la.attention_circuits(la.MultiHeadAttention(h), on=(n, d)):
        assert heads == h and (circuit.total - d / h * (2 * d - d / h)).expand() == 0
    # With its pattern given, a head is a matrix of rank d_h in the features; the query's row is what weights positions.
    pattern = np.tril(np.ones((3, 3))) / np.arange(1, 4)[:, None]
    found = la.capacity_allocation(la.MultiHeadAttention(2, bias=False), on=(3, 6), pattern=pattern, output=(2, 1))
    assert found.total == 6 and found.spatial == pytest.approx(np.full((3, 6), 1 / 3), abs=1e-9)
    narrow = la.MultiHeadAttention(1, head_features=2, bias=False)
    found = la.capacity_allocation(narrow, on=(1, 5), pattern=[[1]], output="all")
    assert found.total == 2 * (5 + 5 - 2)


# Closed forms ---------------------------------------------------------------------------------------------------------

CLOSED = {
    "convolutions": (Conv(1, 3) >> Conv(1, 3), (1, 5), None),
    "pooled": (AvgPool(3) >> Flatten() >> Linear(1), (1, 12), None),
    "pyramid": (AvgPool(2) >> AvgPool(2) >> Flatten() >> Linear(1), (1, 12), None),
    "dense": (Linear(3) >> Linear(1), (7,), None),
    "low rank": (Linear(2) >> Linear(5), (6,), "all"),
    "convolution and pool": (Conv(1, 2, stride=2) >> AvgPool(3), (1, 6), None),
    "recurrence": (Leaky(1), (6, 1), None),
}


@pytest.mark.parametrize("name", CLOSED)
def test_closed_forms_against_numbers(name):
    net, shape, output = CLOSED[name]
    formula = la.capacity_allocation(net, on=shape, output=output, method="closed_form")
    weights = la.weights(net, on=shape, seed=3)
    found = la.capacity_allocation(net, at=weights, on=shape, output=output)
    assert formula.total == found.total and formula.kind == "exact"
    try:
        values = [float(value) for value in formula.spatial]
    except TypeError:  # shares of given weights stand in the formula by name
        values = None
    if values is not None:
        assert found.spatial.ravel() == pytest.approx(np.array(values), abs=1e-9)
    elif name == "recurrence":
        decay = formula.structure.decay
        values = [float(value.subs(decay, float(weights["U"][0, 0]))) for value in formula.spatial]
        assert found.spatial.ravel() == pytest.approx(np.array(values), abs=1e-9)
    else:
        assert name in ("low rank", "convolution and pool")


def test_closed_forms_at_symbolic_sizes():
    k, m, n, r, N, L, c, h = la.dims("k m n r N L c h")
    layer = symbols("l", integer=True, nonnegative=True)
    i, j = symbols("i j", integer=True, nonnegative=True)
    stack = la.capacity_allocation(Conv(1, k) >> Conv(1, k), on=(1, N))
    assert (stack.total, stack.spatial(i)) == (2 * k - 1, 1)
    assert (
        la.capacity_allocation(Repeat(Conv(1, k, padding=1), L), on=(1, N)).total.expand() == (1 + L * (k - 1)).expand()
    )
    dilated = la.capacity_allocation(Repeat(Conv(1, 2, dilation=2**layer, padding="causal"), L, layer), on=(1, N))
    assert dilated.total == L + 1
    assert any("inside" in condition for condition in dilated.conditions)
    pooled = la.capacity_allocation(AvgPool(k) >> Flatten() >> Linear(1), on=(1, k * m))
    assert (pooled.total, pooled.spatial(i)) == (m, 1 / k)
    dense = la.capacity_allocation(Linear(h) >> Linear(1), on=(n,))
    assert (dense.total, dense.spatial(i)) == (n, 1)
    low = la.capacity_allocation(Linear(r) >> Linear(m), on=(n,), output="all")
    assert low.total.subs({r: 2, m: 5, n: 6}) == 18


def test_closed_forms_of_separable_kernels_against_numbers():
    """Each axis has its own stack; the shares that the formula names are those of the weights."""
    k, H, W = la.dims("k H W")
    i, j = symbols("i j", integer=True, nonnegative=True)
    symbolic = la.capacity_allocation(Conv(1, (k, 1)) >> Conv(1, (1, k)), on=(1, H, W))
    p, q = Function("p0"), Function("q0")
    assert symbolic.total == 2 * k - 1
    assert (symbolic.spatial(i, j) - (p(i) + q(j) - p(i) * q(j))).expand() == 0
    net, shape = AvgPool(2) >> Conv(1, (3, 1), bias=False) >> Conv(1, (1, 2), dilation=2, bias=False), (1, 6, 6)
    formula = la.capacity_allocation(net, on=shape, method="closed_form")
    weights = la.weights(net, on=shape, seed=5)
    found = la.capacity_allocation(net, at=weights, on=shape)
    assert formula.total == found.total == 4 and formula.structure.extents == found.spatial.shape[1:]
    shares = {}
    for name, values in zip("pq", weights.values(), strict=True):
        squares = values.ravel() ** 2
        shares |= {Function(f"{name}1")(place): part for place, part in enumerate(squares / squares.sum())}
    for row, column in np.ndindex(6, 6):
        assert float(formula.capacity(row, column).subs(shares)) == pytest.approx(
            found.spatial[0, row, column], abs=1e-9
        )


def test_closed_forms_are_not_given_where_axes_are_exchanged():
    class Turned(Layer):
        equation = "y[c, j, i] = x[c, i, j]"

    k, H, W = la.dims("k H W")
    with pytest.raises(la.UnsupportedError, match="several axes"):
        la.capacity_allocation(Conv(1, (k, 1)) >> Turned() >> Conv(1, (k, 1)), on=(1, H, W))
    flat = la.capacity_allocation(Flatten() >> Linear(1), on=(1, H, W))
    assert (flat.total, flat.spatial(0)) == (H * W, 1)
    low = la.capacity_allocation(Flatten() >> Linear(k) >> Linear(W), on=(1, H), output="all")
    assert low.total.subs({k: 2, W: 5, H: 6}) == 18
    with pytest.raises(la.UnsupportedError, match="learns nothing"):
        la.capacity_allocation(Flatten(), on=(1, H, W))
    along = la.capacity_allocation(Conv(1, (k, 1)) >> Conv(1, (k, 1)), on=(1, H, W))
    assert (along.total, along.spatial(0)) == (2 * k - 1, 1)


def test_kernels_over_several_axes_have_no_closed_form():
    k, H, W = la.dims("k H W")
    with pytest.raises(la.UnsupportedError, match="over several axes at once"):
        la.capacity_allocation(Conv(1, k), on=(1, H, W))
    with pytest.raises(la.UnsupportedError, match="several axes"):
        la.capacity_allocation(Conv(1, (k, 1)) >> Flatten() >> Linear(1), on=(1, H, W))


# Properties -----------------------------------------------------------------------------------------------------------


@st.composite
def linear_networks(draw):
    """Series of convolutions, pools and residual branches of one axis, with a dense layer at the end."""
    parts, channels = [], draw(st.integers(1, 2))
    shape = (channels, draw(st.integers(5, 8)))
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["conv", "dilated", "residual", "pool", "branches"]))
        parts.append(
            {
                "conv": Conv(channels, 3, padding=1),
                "dilated": Conv(channels, 2, dilation=2, padding="causal", bias=False),
                "residual": Identity() + Conv(channels, 3, padding=1),
                "pool": AvgPool(2, stride=1, padding=1),
                "branches": Conv(channels, 1) + Conv(channels, 3, padding=1),
            }[kind]
        )
    return la.Series(*parts, Flatten(), Linear(1)), shape


@given(linear_networks(), st.integers(0, 100), st.data())
def test_allocations_add_up_over_partitions(pair, seed, data):
    net, shape = pair
    found = la.capacity_allocation(net, at=seed, on=shape)
    assert found.spatial.min() > -1e-12 and found.spatial.max() < 1 + 1e-12
    labels = np.array(
        data.draw(st.lists(st.integers(0, 3), min_size=int(np.prod(shape)), max_size=int(np.prod(shape))))
    )
    cells = la.capacity_allocation(net, labels.reshape(shape), at=seed, on=shape)
    assert sum(cells.values()) == pytest.approx(found.total, abs=1e-8)
    # Subspaces that split the input add up as well.
    basis, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((found.spatial.size,) * 2))
    assert found.subspace(basis[:, :2]) + found.subspace(basis[:, 2:]) == pytest.approx(found.total, abs=1e-8)


@given(st.integers(0, 1000))
def test_invariance_under_reparametrisation(seed):
    """A basis change between two layers is another parametrisation of the same predictors."""
    draw = np.random.default_rng(seed)
    net = Linear(3, bias=False) >> Linear(3, bias=False) >> Linear(4, bias=False)
    weights = la.weights(net, on=(6,), seed=seed)
    change = draw.standard_normal((3, 3)) + 2 * np.eye(3)
    other = {**weights, "0.W": change @ weights["0.W"], "1.W": weights["1.W"] @ np.linalg.inv(change)}
    one, two = (la.capacity_allocation(net, at=w, on=(6,), output="all") for w in (weights, other))
    assert one.total == two.total
    assert one.spatial == pytest.approx(two.spatial, abs=1e-7)
    # Scaling one kernel up and another down, with the sign changed.
    stack = Conv(1, 2, dilation=1, bias=False) >> Conv(1, 2, dilation=2, bias=False)
    weights = la.weights(stack, on=(1, 4), seed=seed)
    other = {"0.W": -3 * weights["0.W"], "1.W": weights["1.W"] / 7}
    one, two = (la.capacity_allocation(stack, at=w, on=(1, 4)).spatial for w in (weights, other))
    assert one == pytest.approx(two, abs=1e-9)


def test_a_relu_network_around_an_input_is_its_linear_piece():
    net = Linear(4) >> ReLU() >> Linear(1)
    weights = la.weights(net, on=(3,), seed=2)
    point = np.array([0.3, -1.0, 0.7])
    found = la.linear_predictor(net, weights, on=(3,), around=point)
    active = (weights["0.W"] @ point + weights["0.b"]) > 0
    assert found.predictor == pytest.approx(((weights["2.W"] * active) @ weights["0.W"]).ravel())


def test_what_is_refused():
    n = la.dims("n")
    with pytest.raises(la.UnsupportedError, match="relu"):
        la.capacity_allocation(Linear(2) >> ReLU(), on=(3,))
    with pytest.raises(la.UnsupportedError, match="softmax"):
        la.capacity_allocation(la.Softmax(), on=(3,))
    with pytest.raises(la.UnsupportedError, match="product"):
        la.capacity_allocation(Linear(3) * Linear(3), on=(3,))
    with pytest.raises(la.UnsupportedError, match="several channels"):
        la.capacity_allocation(Conv(2, 3) >> Conv(1, 3), on=(1, n))
    with pytest.raises(la.UnsupportedError, match="generic weights"):
        la.capacity_allocation(Linear(1), on=(n,), at=3)
    with pytest.raises(la.FieldError, match="method"):
        la.capacity_allocation(Linear(1), on=(3,), method="guess")
    with pytest.raises(la.FieldError, match="one cell"):
        la.capacity_allocation(Linear(1), {"a": slice(0, 2), "b": slice(1, 3)}, on=(3,))
    with pytest.raises(la.FieldError, match="no place"):
        la.capacity_allocation(Linear(1), on=(3,), output=(4, 4, 4))
    with pytest.raises(la.ShapeError):
        la.capacity_allocation(Linear(1), on=(3,), at={"W": np.ones((2, 2)), "b": np.ones(1)})
    with pytest.raises(la.UnsupportedError, match="affine pieces"):
        la.capacity_allocation(Linear(2) >> la.Tanh(), on=(3,), around=np.ones(3))


def test_generic_functional_dimension_golden():
    assert la.functional_dimension((2, 3, 1)).lower == 10
