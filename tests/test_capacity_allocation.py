"""Capacity allocation of Jacobians: the routes agree with the naive dense projector, and obey their laws."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

sp = pytest.importorskip("scipy.sparse")

from layeralgebra.algebra.capacity.allocation import of_jacobian as allocation_module  # noqa: E402
from layeralgebra.algebra.capacity.allocation.exact import exact_allocation  # noqa: E402
from layeralgebra.algebra.capacity.allocation.of_jacobian import allocate  # noqa: E402
from layeralgebra.algebra.capacity.column_spaces.covariance import (  # noqa: E402
    ChebyshevRoot,
    MatrixRoot,
    StationaryCovariance,
    ar1,
    covariance_root,
    mixture,
    periodic,
    power_law,
)
from layeralgebra.algebra.capacity.column_spaces.dense import DenseColumnSpace  # noqa: E402
from layeralgebra.algebra.capacity.column_spaces.finite_field import rank_modulo  # noqa: E402
from layeralgebra.algebra.capacity.column_spaces.rows import RowSource  # noqa: E402
from layeralgebra.algebra.capacity.column_spaces.sparse import ChainColumnSpace  # noqa: E402
from layeralgebra.algebra.capacity.column_spaces.streamed import StreamedColumnSpace, compress_columns  # noqa: E402
from layeralgebra.algebra.errors import BudgetError, FieldError, UnsupportedError  # noqa: E402


def naive_projector(jacobian):
    """The projector on the columns, straight from the pseudo-inverse, with a rank that is plain to see."""
    return jacobian @ np.linalg.pinv(jacobian, rcond=1e-10)


def random_jacobian(seed, inputs, parameters, rank, density=1.0):
    draw = np.random.default_rng(seed)
    basis = draw.standard_normal((inputs, rank)) * (draw.random((inputs, rank)) < density)
    return basis @ draw.standard_normal((rank, parameters))


sizes = st.tuples(st.integers(0, 10**6), st.integers(1, 30), st.integers(1, 30), st.integers(0, 12))


@given(sizes)
def test_total_and_spatial_are_rank_and_diagonal_of_the_projector(drawn):
    seed, inputs, parameters, rank = drawn
    jacobian = random_jacobian(seed, inputs, parameters, rank)
    found = allocate(jacobian)
    projector = naive_projector(jacobian)
    assert found.total == min(rank, inputs, parameters) == round(np.trace(projector))
    assert found.certificate.certified
    np.testing.assert_allclose(found.spatial, np.diag(projector), atol=1e-9)


@given(sizes, st.data())
def test_allocations_add_up_to_the_rank_over_partitions(drawn, data):
    seed, inputs, parameters, rank = drawn
    found = allocate(random_jacobian(seed, inputs, parameters, rank))
    labels = np.array(data.draw(st.lists(st.integers(0, 3), min_size=inputs, max_size=inputs)))
    cells = found.partition(labels)
    assert sum(cells.values()) == pytest.approx(found.total, abs=1e-9)
    named = found.partition({label: labels == label for label in set(labels.tolist())})
    assert named == pytest.approx(cells)
    # A partition of the space into orthogonal subspaces does as well.
    turned, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((inputs, inputs)))
    cut = data.draw(st.integers(0, inputs))
    one, other = found.subspace(turned[:, :cut]), found.subspace(turned[:, cut:])
    assert one + other == pytest.approx(found.total, abs=1e-9)


@given(sizes)
def test_reparametrisation_changes_nothing(drawn):
    seed, inputs, parameters, rank = drawn
    jacobian = random_jacobian(seed, inputs, parameters, rank)
    draw = np.random.default_rng(seed + 1)
    # Any invertible change of parameters, here with condition 100, and any scaling of single ones.
    left, _ = np.linalg.qr(draw.standard_normal((parameters, parameters)))
    right, _ = np.linalg.qr(draw.standard_normal((parameters, parameters)))
    change = left @ np.diag(np.geomspace(1, 100, parameters)) @ right
    before = allocate(jacobian)
    for other in (jacobian @ change, jacobian * np.geomspace(1e-8, 1e8, parameters)):
        after = allocate(other)
        assert after.total == before.total
        np.testing.assert_allclose(after.spatial, before.spatial, atol=1e-9)


@given(
    st.integers(0, 10**6),
    st.integers(1, 60),
    st.integers(1, 60),
    st.sampled_from([0.03, 0.1, 0.4]),
    st.sampled_from([60, 10**6]),
)
def test_chain_of_fronts_equals_singular_values(seed, inputs, parameters, density, entries):
    from layeralgebra.algebra.capacity.column_spaces import sparse as chain_qr

    draw = np.random.default_rng(seed)
    dense = draw.standard_normal((inputs, parameters)) * (draw.random((inputs, parameters)) < density)
    if parameters > 3:
        dense[:, 0], dense[:, 2] = 2 * dense[:, 1], dense[:, 1] - dense[:, 3]
    kept, chain_qr.FRONT_ENTRIES = chain_qr.FRONT_ENTRIES, entries
    try:
        chain = ChainColumnSpace(sp.csr_array(dense))
        basis = np.linalg.qr(draw.standard_normal((inputs, min(3, inputs))))[0]
        energy, leverage = chain.energy(basis), chain.leverage()
    finally:
        chain_qr.FRONT_ENTRIES = kept
    projector = naive_projector(dense)
    assert chain.certificate.rank == np.linalg.matrix_rank(dense, tol=1e-9)
    np.testing.assert_allclose(leverage, np.diag(projector), atol=1e-9)
    assert energy == pytest.approx(np.trace(basis.T @ projector @ basis), abs=1e-9)


@given(sizes)
def test_streamed_factorisation_equals_singular_values(drawn):
    from layeralgebra.algebra.capacity.column_spaces import streamed as streamed_qr

    seed, inputs, parameters, rank = drawn
    jacobian = random_jacobian(seed, inputs, parameters, rank)
    kept, streamed_qr.BLOCK_ENTRIES = streamed_qr.BLOCK_ENTRIES, 100
    try:
        if parameters <= inputs:
            space = StreamedColumnSpace(RowSource(lambda a, b: jacobian[a:b], jacobian.shape))
        else:
            factor = compress_columns(RowSource(jacobian))
            space = StreamedColumnSpace(RowSource(factor), equilibrate=False)
        leverage = space.leverage()
        basis = np.linalg.qr(np.random.default_rng(seed).standard_normal((inputs, min(3, inputs))))[0]
        energy = space.energy(basis)
    finally:
        streamed_qr.BLOCK_ENTRIES = kept
    projector = naive_projector(jacobian)
    assert space.certificate.rank == round(np.trace(projector))
    np.testing.assert_allclose(leverage, np.diag(projector), atol=1e-9)
    assert energy == pytest.approx(np.trace(basis.T @ projector @ basis), abs=1e-9)


def test_the_route_does_not_change_the_answer(monkeypatch):
    draw = np.random.default_rng(5)
    tall = draw.standard_normal((70, 20)) * (draw.random((70, 20)) < 0.2)
    tall[:, 7] = tall[:, 3] + tall[:, 5]
    for jacobian in (tall, tall.T):
        expected = np.diag(naive_projector(jacobian))
        monkeypatch.setattr(allocation_module, "_DENSE_ENTRIES", 4_000_000)
        routes = {type(allocate(jacobian).space)}
        monkeypatch.setattr(allocation_module, "_DENSE_ENTRIES", 0)
        for given_as in (jacobian, sp.csr_array(jacobian), sp.linalg.aslinearoperator(jacobian)):
            found = allocate(given_as)
            routes.add(type(found.space))
            np.testing.assert_allclose(found.spatial, expected, atol=1e-9)
    assert DenseColumnSpace in routes and len(routes) >= 2


def test_a_doubtful_rank_is_not_certified():
    draw = np.random.default_rng(7)
    left, _ = np.linalg.qr(draw.standard_normal((6, 4)))
    right, _ = np.linalg.qr(draw.standard_normal((4, 4)))
    jacobian = left * [1.0, 1.0, 4e-14, 1.2e-14] @ right
    found = allocate(jacobian)
    assert not found.certificate.certified and found.kind == "surrogate" and "NOT certified" in repr(found)
    assert allocate(np.eye(4)[:, :3]).kind == "exact"
    # The same matrix with a tolerance that says what is meant.
    assert allocate(jacobian, tolerance=1e-8).total == 2 and allocate(jacobian, tolerance=1e-8).certificate.certified


def test_certificate_brackets_the_singular_values():
    draw = np.random.default_rng(8)
    left, _ = np.linalg.qr(draw.standard_normal((50, 6)))
    right, _ = np.linalg.qr(draw.standard_normal((6, 6)))
    for dense in (left * [1, 1, 1, 0.3, 1e-3, 0] @ right, left * [1, 1, 1, 0.3, 1e-3, 1e-15] @ right):
        scaled = dense / np.linalg.norm(dense, axis=0)
        values = np.linalg.svd(scaled, compute_uv=False)
        for space in (
            DenseColumnSpace(dense),
            ChainColumnSpace(sp.csr_array(dense)),
            StreamedColumnSpace(RowSource(dense)),
        ):
            proof = space.certificate
            assert proof.rank == 5 and proof.certified
            assert proof.smallest_kept <= values[4] + 1e-14
            assert values[5] <= proof.largest_dropped


def test_ar1_golden():
    found = allocate(np.ones((3, 1)), ar1(0.5))
    np.testing.assert_allclose(found.spatial, [0.31247, 0.37505, 0.31247], atol=5e-6)
    matrix = [[1, 0.5, 0.25], [0.5, 1, 0.5], [0.25, 0.5, 1]]
    np.testing.assert_allclose(allocate(np.ones((3, 1)), matrix).spatial, found.spatial, atol=1e-12)


@pytest.mark.parametrize(
    ("kernel", "grid"),
    [
        (ar1(0.7), (12,)),
        (power_law(0.5), (12,)),
        (periodic(5.0, 8.0), (12,)),
        (mixture((0.5, ar1(0.9)), (0.5, ar1(-0.2))), (12,)),
        (lambda row, column: 0.6 ** abs(row) * 0.3 ** abs(column), (3, 4)),
    ],
)
def test_stationary_kernels_against_the_matrix_written_out(kernel, grid):
    points = np.argwhere(np.ones(grid))
    gamma = np.array([[float(kernel(*(p - q))) for q in points] for p in points])
    draw = np.random.default_rng(2)
    jacobian = draw.standard_normal((12, 4))
    found = allocate(jacobian, kernel, grid=grid)
    values, vectors = np.linalg.eigh(gamma)
    whitened = vectors @ np.diag(np.sqrt(values)) @ vectors.T @ jacobian
    np.testing.assert_allclose(found.spatial.ravel(), np.diag(naive_projector(whitened)), atol=1e-9)
    assert found.spatial.shape == grid


@pytest.mark.parametrize("kernel", [ar1(0.4), mixture((1.0, power_law(1.0)), (0.3, lambda lag: (lag == 0) * 1.0))])
def test_roots_that_are_never_formed(kernel, monkeypatch):
    from layeralgebra.algebra.capacity.column_spaces import covariance

    inputs = 1100
    block = np.random.default_rng(3).standard_normal((inputs, 2))
    dense = MatrixRoot(StationaryCovariance(kernel, (inputs,)).dense()).apply(block)
    monkeypatch.setattr(covariance, "DENSE_INPUTS", 600)
    root = covariance_root(kernel, inputs)
    assert not isinstance(root, MatrixRoot)
    np.testing.assert_allclose(root.apply(block), dense, atol=1e-10)
    np.testing.assert_allclose(ChebyshevRoot(StationaryCovariance(kernel, (inputs,))).apply(block), dense, atol=1e-10)


def test_subspaces_by_basis_and_by_projector():
    draw = np.random.default_rng(4)
    jacobian = draw.standard_normal((15, 6))
    found = allocate(jacobian)
    span = draw.standard_normal((15, 4))
    projector = naive_projector(span)
    expected = np.trace(projector @ naive_projector(jacobian))
    for value in (
        found.subspace(span),
        found.subspace(np.hstack([span, span])),  # a spanning set need not be independent
        found.subspace(projector=projector),
        found.subspace(projector=sp.csr_array(projector)),
        found.subspace(projector=sp.linalg.aslinearoperator(projector)),
    ):
        assert value == pytest.approx(expected, abs=1e-9)
    assert found.subspace(jacobian) == pytest.approx(6)
    assert found.subspace(projector=np.eye(15)) == pytest.approx(6)
    assert found.subspace(np.eye(15)[:, 2]) == pytest.approx(found.spatial[2])


def test_exact_arithmetic():
    found = exact_allocation([[Fraction(1, 2), 1, 2], [3, -1, 5], [1, 1, 3], [0, 2, 2]])
    numeric = np.array([[0.5, 1, 2], [3, -1, 5], [1, 1, 3], [0, 2, 2]])
    assert found.total == np.linalg.matrix_rank(numeric)
    np.testing.assert_allclose([float(k) for k in found.spatial], np.diag(naive_projector(numeric)), atol=1e-12)
    assert sum(found.spatial) == found.total
    assert found.region([0, 3]) == found.spatial[0] + found.spatial[3]
    assert found.subspace([[1], [0], [0], [0]]) == found.spatial[0]
    span = [[1, 0], [2, 1], [0, 1], [1, 1]]
    expected = np.trace(naive_projector(np.array(span, float)) @ naive_projector(numeric))
    assert float(found.subspace(span)) == pytest.approx(expected)


@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 12), st.integers(0, 6))
def test_rank_modulo_a_prime(seed, rows, columns, rank):
    draw = np.random.default_rng(seed)
    matrix = draw.integers(-9, 10, (rows, rank)) @ draw.integers(-9, 10, (rank, columns))
    exact = np.linalg.matrix_rank(matrix.astype(float), tol=1e-6)
    assert rank_modulo(matrix) == exact
    assert rank_modulo([[Fraction(int(v), 7) for v in row] for row in matrix]) == exact
    assert rank_modulo(matrix, prime=2) <= exact


def test_a_large_sparse_jacobian_is_cheap():
    """A two-layer locally connected network: its Jacobian has a band and one heavy column."""
    import tracemalloc

    inputs, parameters = 4000, 400
    draw = np.random.default_rng(6)
    first = np.repeat(np.arange(parameters) * 10, 30)
    rows = np.minimum(first + np.tile(np.arange(30), parameters), inputs - 1)
    local = sp.coo_array((draw.standard_normal(30 * parameters), (rows, np.repeat(np.arange(parameters), 30))))
    local = sp.csr_array(local.tocsr(), shape=(inputs, parameters))
    jacobian = sp.csr_array(sp.hstack([local, sp.csr_array(draw.standard_normal((inputs, 1)))]))
    tracemalloc.start()
    chain = ChainColumnSpace(jacobian)
    leverage = chain.leverage()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    dense = jacobian.toarray()
    basis, _ = np.linalg.qr(dense)
    np.testing.assert_allclose(leverage, (basis**2).sum(axis=1), atol=1e-9)
    assert chain.certificate.rank == parameters + 1 and chain.certificate.certified
    assert peak < dense.nbytes / 3


@pytest.mark.parametrize(
    "call",
    [
        lambda: allocate([[1.0, np.nan]]),
        lambda: allocate(np.zeros((3, 2, 2))),
        lambda: allocate(lambda a, b: np.zeros((b - a, 2))),
        lambda: allocate(lambda a, b: np.zeros((b - a, 3)), shape=(4, 2)),
        lambda: allocate(np.eye(3), np.eye(2)),
        lambda: allocate(np.eye(3), -np.eye(3)),
        lambda: allocate(np.eye(3), [[1, 2, 0], [0, 1, 0], [0, 0, 1]]),
        lambda: allocate(np.eye(3), grid=(2, 2)),
        lambda: allocate(np.eye(3), tolerance=2),
        lambda: allocate(np.eye(3), lambda lag: 1.0),
        lambda: allocate(np.eye(3)).region(5),
        lambda: allocate(np.eye(3)).region("x"),
        lambda: allocate(np.eye(3)).partition([[0, 1], [1, 2]]),
        lambda: allocate(np.eye(3)).partition([[0], [1]]),
        lambda: allocate(np.eye(3)).subspace(),
        lambda: allocate(np.eye(3)).subspace(np.eye(2)),
        lambda: allocate(np.eye(3)).subspace(projector=2 * np.eye(3)),
        lambda: allocate(np.eye(3)).subspace(projector=np.eye(2)),
        lambda: exact_allocation([[0.5, 1]]),
        lambda: rank_modulo([[0.5]]),
        lambda: ar1(1.0),
    ],
)
def test_impossible_requests_are_refused(call):
    with pytest.raises(FieldError):
        call()


def test_limits_are_named(monkeypatch):
    from layeralgebra.algebra.capacity.column_spaces import covariance

    monkeypatch.setattr(covariance, "DENSE_INPUTS", 600)
    with pytest.raises(BudgetError, match="20000"):
        exact_allocation(np.ones((150, 150), dtype=int))
    with pytest.raises(UnsupportedError, match="white noise"):
        allocate(np.ones((700, 1)), lambda lag: np.exp(-((lag / 50.0) ** 2)))
