r"""Capacity allocation of a linear predictor, from the Jacobian of its weights with respect to its parameters.

For ``y = w(theta)^T x`` with inputs of covariance Gamma, let K be an orthonormal basis of the columns of
``Gamma^(1/2) dw/dtheta``. The capacity of a subspace S is ``kappa(S) = tr(P_S K K^T)``; of an input, ``(K K^T)_ii``; of
everything, the rank: the number of directions in which the parameters can move the predictor.

Two 3-tap convolutions in a row have six taps and five degrees of freedom, one for each input they see:

>>> import numpy as np
>>> a, b = np.array([1.0, 2.0, -1.0]), np.array([0.5, 1.0, 3.0])
>>> shifts = [np.convolve(unit, other) for other in (b, a) for unit in np.eye(3)]
>>> allocation = allocate(np.array(shifts).T)
>>> allocation.total, [float(k) for k in allocation.spatial.round(12)]
(5, [1.0, 1.0, 1.0, 1.0, 1.0])
>>> round(allocation.region(slice(0, 2)), 12)
2.0

References
----------
Donier, J. (2019). Capacity allocation analysis of neural networks: a tool for principled architecture design.
arXiv:1902.04485. The definition above is a reconstruction that satisfies what its abstract and opening state.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ...arguments import as_array, as_elements, checked, shown
from ...errors import BudgetError, FieldError, UnsupportedError
from ..arguments import reals
from ..column_spaces.covariance import BandRoot, MatrixRoot, covariance_root
from ..column_spaces.dense import ColumnSpace, DenseColumnSpace, GivenColumnSpace, RankCertificate
from ..column_spaces.exact_rank import ExactJacobian, KnownRank, rank_and_pivots, rational
from ..column_spaces.rows import RowSource
from ..column_spaces.streamed import StreamedColumnSpace, compress_columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

SOURCE = "reconstruction of Donier 2019, arXiv:1902.04485"

_DENSE_ENTRIES = 4_000_000
_DENSE_SIDE = 1500
_WIDE_INPUTS = 11_000
_HELD_ENTRIES = 100_000_000
_PATTERN_ENTRIES = 100_000_000
_DOUBTFUL = 1e-8
SMALL_COVARIANCE = 60
"""The most inputs of a singular covariance whose rank is found in fractions."""


class CapacityAllocation:
    """How the parameters of a linear predictor are spread over its inputs.

    Attributes
    ----------
    total : int
        The rank of the Jacobian.
    certificate : RankCertificate
        What separates the singular values that count from those that do not.
    grid : tuple of int
        The shape of `spatial`.
    kind : str
        ``exact`` (up to rounding, see `error_estimate`) if the rank is certified, else ``surrogate``.
    source : str
    """

    source = SOURCE

    def __init__(self, space: ColumnSpace, grid: tuple[int, ...]):
        self.space, self.grid = space, grid

    @property
    def total(self) -> int:
        return self.space.certificate.rank

    @property
    def certificate(self) -> RankCertificate:
        return self.space.certificate

    @property
    def kind(self) -> str:
        return "exact" if self.certificate.certified else "surrogate"

    @property
    def error_estimate(self) -> float:
        """An estimate of the largest absolute error in a spatial capacity."""
        return self.space.error_estimate

    @cached_property
    def spatial(self) -> NDArray[Any]:
        """The capacity of each input, in the shape of `grid`; from 0 to 1, and adding up to `total`."""
        found = self.space.leverage()
        if abs(float(found.sum()) - self.total) > 1e-7 * max(1, self.total):
            raise UnsupportedError(
                f"the capacities add up to {float(found.sum()):.9g} instead of {self.total}: the Jacobian is too "
                f"ill-conditioned ({self.certificate}); pass a larger tolerance, or use exact_allocation"
            )
        return found.clip(0.0, 1.0).reshape(self.grid)

    @checked
    def region(self, where: Any) -> float:
        """The capacity of a set of inputs.

        Parameters
        ----------
        where : index, slice, array of indices, boolean mask, or a tuple of these
            Anything that indexes `spatial`; a point named twice counts once.
        """
        return float(self.spatial[self._mask(where)].sum())

    def _mask(self, where: Any) -> NDArray[Any]:
        mask = np.zeros(self.grid, dtype=bool)
        try:
            mask[self._index(where)] = True
        except (IndexError, TypeError, ValueError, OverflowError) as problem:
            raise FieldError(f"{shown(where)} is no region of inputs of the shape {self.grid}: {problem}") from problem
        return mask

    def _index(self, where: Any) -> Any:
        """What NumPy indexes with: every sequence in it has at most as many elements as there are inputs."""
        if isinstance(where, tuple):
            return tuple(map(self._index, as_elements(where, "a region", most=self._inputs)))
        if not isinstance(where, (list, range, set, frozenset)):
            return where
        parts = as_elements(where, "a region", most=self._inputs)
        return list(map(self._index, parts)) if isinstance(where, list) else parts

    @checked
    def partition(self, cells: Mapping[Hashable, Any] | Sequence[Any] | NDArray[Any]) -> dict[Hashable, float]:
        """The capacity of every cell of a partition of the inputs; they add up to `total`.

        Parameters
        ----------
        cells : mapping or sequence of regions, or array of labels in the shape of `grid`

        Raises
        ------
        FieldError
            If cells overlap, or miss an input.
        """
        if isinstance(cells, np.ndarray):
            if cells.shape != self.grid:
                raise FieldError(f"labels of a partition have the shape of the inputs {self.grid}, got {cells.shape}")
            return {label: float(self.spatial[cells == label].sum()) for label in np.unique(cells).tolist()}
        if isinstance(cells, (str, bytes)) or not isinstance(cells, (Mapping, Sequence)):
            raise FieldError(
                f"a partition is a mapping or a sequence of regions, or an array of labels, got {shown(cells)}; write "
                "{'left': (0, slice(0, 3)), ...}"
            )
        named = (
            cells
            if isinstance(cells, Mapping)
            else dict(enumerate(as_elements(cells, "a partition", most=self._inputs)))
        )
        masks = {label: self._mask(where) for label, where in named.items()}
        covered = sum((mask.astype(int) for mask in masks.values()), np.zeros(self.grid, dtype=int))
        if covered.min() < 1 or covered.max() > 1:
            bad = tuple(int(place) for place in np.argwhere(covered != 1)[0])
            raise FieldError(f"a partition has every input in one cell; input {bad} is in {int(covered[bad])}")
        return {label: float(self.spatial[mask].sum()) for label, mask in masks.items()}

    @checked
    def subspace(self, basis: Any = None, *, projector: Any = None) -> float:
        """The capacity ``tr(P_S K K^T)`` of a subspace of (whitened) input space.

        Parameters
        ----------
        basis : array_like, optional
            A matrix whose columns span the subspace, a row for each input; or one vector. Need not be orthonormal.
        projector : array_like, sparse matrix or LinearOperator, optional
            The orthogonal projector onto it, instead of a basis.

        Raises
        ------
        FieldError
            If neither or both are given, sizes do not fit, or the projector is not one.
        """
        if (basis is None) == (projector is None):
            raise FieldError(
                "a subspace is given by its basis or by its projector: subspace(B) or subspace(projector=P)"
            )
        return self.space.energy(self._span(basis) if projector is None else self._range(projector))

    @property
    def _inputs(self) -> int:
        count = 1
        for extent in self.grid:
            count *= extent
        return count

    def _span(self, basis: Any) -> NDArray[Any]:
        block = as_array(basis.toarray() if hasattr(basis, "toarray") else basis, "a basis")
        if block.shape == self.grid or block.ndim == 1:
            block = block.reshape(-1, 1)
        if block.ndim != 2 or block.shape[0] != self._inputs or not np.all(np.isfinite(block)):
            raise FieldError(f"a basis needs a row for each of the {self._inputs} inputs, got the shape {block.shape}")
        return DenseColumnSpace(block).basis

    def _range(self, projector: Any) -> NDArray[Any]:
        if not isinstance(getattr(projector, "shape", None), tuple):
            projector = as_array(projector, "a projector")
        if tuple(projector.shape) != (self._inputs, self._inputs):
            raise FieldError(f"a projector of {self._inputs} inputs is square, got the shape {tuple(projector.shape)}")
        draw = np.random.default_rng(0)
        found = np.zeros((self._inputs, 0))
        probe = draw.standard_normal((self._inputs, 8))
        image = projector @ probe
        twice = projector @ image
        symmetric = probe.T @ image
        if np.abs(twice - image).max() > 1e-8 or np.abs(symmetric - symmetric.T).max() > 1e-8 * self._inputs:
            raise FieldError("that is no orthogonal projector: it must be symmetric and equal to its square")
        # Random images span the range as soon as there are as many as its dimension; new ones then bring nothing.
        size = 8
        while True:
            image = projector @ draw.standard_normal((self._inputs, size))
            image = image - found @ (found.T @ image)
            if np.abs(image).max(initial=0.0) < 1e-9:
                return found
            if found.shape[1] * self._inputs > _HELD_ENTRIES:
                raise BudgetError("the range of that projector is too large to hold; ask for its complement instead")
            fresh, values, _ = np.linalg.svd(image, full_matrices=False)
            fresh = fresh[:, values > 1e-9 * max(1.0, values[0])]
            fresh, _ = np.linalg.qr(fresh - found @ (found.T @ fresh))
            found = np.hstack([found, fresh])
            size = min(2 * size, 512)

    def __repr__(self) -> str:
        return f"CapacityAllocation(total={self.total}, inputs={self._inputs}, kind={self.kind!r}, {self.certificate})"


@checked
def allocate(
    jacobian: Any,
    covariance: Any = None,
    *,
    grid: tuple[int, ...] | None = None,
    shape: tuple[int, int] | None = None,
    tolerance: float | None = None,
) -> CapacityAllocation:
    """The capacity allocation of a linear predictor.

    Parameters
    ----------
    jacobian : array_like, scipy sparse matrix, LinearOperator, or callable
        ``dw/dtheta``: a row for each input, a column for each parameter. A callable gives rows ``start`` to ``stop``.
    covariance : matrix or callable, optional
        Of the inputs; a callable is a stationary kernel, a function of the lag along each axis. White by default.
        Regions and subspaces are then those of the whitened inputs ``Gamma^(-1/2) x``.
    grid : tuple of int, optional
        The extents of the axes the inputs lie on, last axis fastest.
    shape : (int, int), optional
        Of the Jacobian, if it is a callable.
    tolerance : float, optional
        Singular values below it (columns scaled to unit length) count as zero. By default, ten times the rounding of
        a matrix of this size.

    Returns
    -------
    CapacityAllocation

    Raises
    ------
    FieldError
        If the arguments do not fit each other.
    BudgetError, UnsupportedError
        If no route within memory is known: more than 11000 inputs, more parameters than inputs, and not sparse.

    Notes
    -----
    Small matrices are decomposed by singular values, sparse ones eliminated along a chain of fronts, tall dense ones
    streamed. All three are orthogonal factorisations; ``J^T J``, which would square the condition, is never used, and
    the projector ``K K^T`` is never formed. Memory for 1e5 inputs and 1e4 parameters: a few hundred MB for a sparse
    Jacobian with a band and some heavy columns, one triangle (0.8 GB) and a block of rows for a dense one.
    """
    return allocated(RowSource(jacobian, shape), covariance, grid, tolerance)


def allocated(
    rows: RowSource,
    covariance: Any,
    grid: tuple[int, ...] | None,
    tolerance: float | None,
    exact: ExactJacobian | None = None,
) -> CapacityAllocation:
    """The allocation of a Jacobian that is known in fractions as well; see `allocate`."""
    inputs = rows.shape[0]
    grid = (inputs,) if grid is None else tuple(int(extent) for extent in grid)
    count = 1
    for extent in grid:
        count *= extent
    if count != inputs:
        raise FieldError(f"a grid {grid} has {count} points, the Jacobian {inputs} inputs")
    if tolerance is not None:
        limit = reals(tolerance, "a tolerance")
        if limit.ndim or not 0 < limit < 1:
            raise FieldError(f"a tolerance lies between 0 and 1, got {shown(tolerance)}")
        tolerance = float(limit)
    if tolerance is not None:  # the caller decides what counts as zero
        exact = None
    if covariance is None:
        return CapacityAllocation(_column_space(rows, tolerance, exact), grid)
    root = covariance_root(covariance, inputs, grid)
    if _is_small(rows.shape) and not isinstance(root, BandRoot):
        white = _small_space(rows, tolerance, exact, exact.rank() if exact is not None else None)
        return CapacityAllocation(_coloured_space(white, root, covariance, tolerance, exact), grid)
    if rows.shape[1] > inputs and not (rows.sparse and isinstance(root, BandRoot)):
        # The factor of a wide matrix has columns that are nothing but rounding where its rank is deficient.
        _check_wide(inputs)
        factor = compress_columns(rows)
        return CapacityAllocation(_factor_space(root.apply(factor / np.linalg.norm(factor, 2)), tolerance), grid)
    return CapacityAllocation(_column_space(_coloured(rows, root), tolerance), grid)


def _coloured_space(
    white: DenseColumnSpace | GivenColumnSpace,
    root: Any,
    covariance: Any,
    tolerance: float | None,
    exact: ExactJacobian | None,
) -> ColumnSpace:
    """The columns of ``Gamma^(1/2) J`` from an orthonormal basis of those of J.

    Never from J itself: where columns depend on each other, what is left of them is rounding, which a scaling to unit
    length would make as large as the rest.
    """
    first = white.certificate
    block = root.apply(white.basis)
    known: KnownRank | None = None
    if isinstance(root, MatrixRoot) and root.definite:
        # Nothing is lost: the rank is that of J, and so is what is known of it.
        known = KnownRank(first.rank, f"{first.how}; the covariance has no eigenvalue zero")
        found = DenseColumnSpace(block, tolerance, equilibrate=False, known=known)
        made = found.certificate
        kept = min(first.smallest_kept, made.smallest_kept) if not first.exact else made.smallest_kept
        certificate = RankCertificate(first.rank, kept, first.largest_dropped, first.threshold, known.how, first.exact)
        return GivenColumnSpace(found.basis, certificate, max(white.error_estimate, found.error_estimate))
    gamma = rational(covariance) if exact is not None else None
    if exact is not None and gamma is not None and len(gamma) <= SMALL_COVARIANCE:
        if rank_and_pivots(gamma)[0] == root.rank:  # singular in fractions, and not by rounding alone
            known = exact.rank(gamma)
    return DenseColumnSpace(block, tolerance, equilibrate=False, known=known)


def _coloured(rows: RowSource, root: Any) -> RowSource:
    inputs, parameters = rows.shape
    if rows.sparse and isinstance(root, BandRoot):
        return RowSource(root.apply(rows.matrix))
    if inputs * parameters > _HELD_ENTRIES:
        raise BudgetError(
            f"the whitened Jacobian of {inputs} inputs and {parameters} parameters is dense and has more than "
            f"{_HELD_ENTRIES} entries; use a kernel whose root decays and a sparse Jacobian, or fewer inputs"
        )
    coloured = np.empty((inputs, parameters))
    held = rows.matrix if rows.sparse else rows.dense()
    step = max(1, 10_000_000 // inputs)
    for start in range(0, parameters, step):
        coloured[:, start : start + step] = root.apply(held[:, start : start + step])
    return RowSource(coloured)


def _check_wide(inputs: int) -> None:
    if inputs > _WIDE_INPUTS:
        raise BudgetError(
            f"a dense Jacobian of {inputs} inputs with still more parameters needs a square of that side "
            f"(limit {_WIDE_INPUTS}); give a sparse one, or ask for fewer inputs"
        )


def _is_small(shape: tuple[int, int]) -> bool:
    return shape[0] * shape[1] <= _DENSE_ENTRIES and min(shape) <= _DENSE_SIDE


def _small_space(
    rows: RowSource, tolerance: float | None, exact: ExactJacobian | None, known: KnownRank | None
) -> DenseColumnSpace | GivenColumnSpace:
    found = DenseColumnSpace(rows.dense(), tolerance, known=known)
    if known is None or exact is None or found.error_estimate <= _DOUBTFUL:
        return found
    if not exact.small:
        return found
    # Columns so close to each other that floats do not tell them apart are made orthogonal in fractions.
    return GivenColumnSpace(exact.basis(), found.certificate, 1e-15)


def _factor_space(factor: NDArray[Any], tolerance: float | None) -> ColumnSpace:
    if len(factor) <= _DENSE_SIDE:
        return DenseColumnSpace(factor, tolerance, equilibrate=False)
    return StreamedColumnSpace(RowSource(factor), tolerance, equilibrate=False)


def _column_space(rows: RowSource, tolerance: float | None, exact: ExactJacobian | None = None) -> ColumnSpace:
    inputs, parameters = rows.shape
    if _is_small(rows.shape):
        return _small_space(rows, tolerance, exact, exact.rank() if exact is not None else None)
    if rows.sparse:
        from ..column_spaces.sparse import ChainColumnSpace, plan, unit_sparse_columns

        scaled = unit_sparse_columns(rows.matrix)
        pairs = float((scaled.indptr[1:] - scaled.indptr[:-1]).astype(float).__pow__(2).sum())
        streamed = 2.5 * inputs * float(parameters) ** 2 if parameters <= inputs else float("inf")
        if inputs <= _WIDE_INPUTS < parameters:
            streamed = 2.5 * parameters * float(inputs) ** 2
        if pairs <= _PATTERN_ENTRIES * 10:
            order = plan(scaled)
            if order.operations < streamed and order.stored <= 1.5 * _HELD_ENTRIES:
                return ChainColumnSpace(rows.matrix, tolerance, order)
    if parameters <= inputs:
        return StreamedColumnSpace(rows, tolerance)
    _check_wide(inputs)
    return _factor_space(compress_columns(rows), tolerance)
