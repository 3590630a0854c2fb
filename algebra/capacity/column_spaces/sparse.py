"""The column space of a large sparse matrix, by orthogonal elimination along a chain of dense fronts.

The columns are put in an order of small bandwidth (reverse Cuthill-McKee on the light columns, the few heavy ones
last), the rows sorted by their first column. Elimination then passes once over the columns: a *front* holds the rows
that begin here and what earlier fronts carried over, an orthogonal factorisation with pivoting inside the panel
eliminates the columns that end here, and the remainder is carried on. A column whose remainder is below the tolerance
is dropped (Heath 1982); the norm of everything dropped bounds the next singular value.

A second pass runs the chain backwards and gives the leverages by orthogonal transformations alone, ``K <- Q diag(1,
K) Q^T``: their error grows with the condition of the matrix, as that of the problem itself, and not with its square
as it would through ``J^T J``. Neither the orthonormal basis nor the projector is ever formed. Memory: one front, and
one small triangle per front.

References
----------
Heath, M. T. (1982). Some extensions of an algorithm for sparse linear least squares problems. SIAM J. Sci. Stat.
Comput. 3.
Davis, T. A. (2011). Algorithm 915, SuiteSparseQR. ACM Trans. Math. Softw. 38.

>>> import scipy.sparse as sp
>>> space = ChainColumnSpace(sp.csr_array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]))
>>> space.certificate.rank, [round(float(k), 9) for k in space.leverage()]
(2, [0.666666667, 0.666666667, 0.666666667])
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from ...records import dataclass
from .dense import _EPSILON, RankCertificate, default_tolerance, rounding

if TYPE_CHECKING:
    from numpy.typing import NDArray

FRONT_ENTRIES = 2_000_000
"""A front is kept below this many entries (16 MB) by taking fewer columns or rows at a time, where that is possible."""


@dataclass
class Step:
    """One front: which rows enter, which columns it has, how many of them end here, where the carried ones are; and,
    once factorised, the rows carried in, which ended columns are kept (*live*), and their rows of the triangle."""

    rows: slice
    columns: NDArray[Any]
    ends: int
    carried_places: NDArray[Any]
    carried: Any = None
    live: Any = None
    triangle: Any = None


@dataclass(frozen=True)
class Plan:
    """The order of the columns and rows, the fronts, and what they will cost."""

    column_order: NDArray[Any]
    row_order: NDArray[Any]
    steps: tuple[Step, ...]
    operations: float
    stored: float


def plan(matrix: Any) -> Plan:
    """Order the rows and columns of a sparse matrix without empty columns, and cut the elimination into fronts."""
    import scipy.sparse as sp

    columns = matrix.shape[1]
    column_order = _column_order(matrix)
    position = np.empty(columns, dtype=np.int64)
    position[column_order] = np.arange(columns)
    placed = sp.csr_array((matrix.data, position[matrix.indices], matrix.indptr), shape=matrix.shape)
    used = np.flatnonzero(np.diff(placed.indptr))
    first = np.minimum.reduceat(placed.indices, placed.indptr[used]) if len(used) else np.empty(0, dtype=np.int64)
    by_first = np.argsort(first, kind="stable")
    row_order, first = used[by_first], first[by_first]
    placed = placed[row_order]

    steps: list[Step] = []
    operations = stored = 0.0
    active = np.empty(0, dtype=np.int64)  # columns of the carried rows
    carried_rows = 0
    row = column = 0
    while column < columns:
        width = max(len(active), 64)
        stop = min(columns, column + max(32, min(256, width // 2)))
        last = int(np.searchsorted(first, stop))  # rows that begin before `stop` must enter before its columns can end
        room = max(FRONT_ENTRIES // width, 2 * width)
        if last - row > room:
            # Too many rows. End fewer columns; and if even one column has too many rows, take some rows and end none.
            stop = max(column, int(first[row + room]))
            last = int(np.searchsorted(first, stop)) if stop > column else row + room
        front_columns = np.union1d(active, placed.indices[placed.indptr[row] : placed.indptr[last]])
        ends = int(np.searchsorted(front_columns, stop))
        height, width = carried_rows + last - row, len(front_columns)
        operations += 4.0 * height * width * min(height, width)
        steps.append(Step(slice(row, last), front_columns, ends, np.searchsorted(front_columns, active)))
        active = front_columns[ends:]
        carried_rows = min(height, len(active))
        stored += carried_rows * len(active) + min(ends, height) * width
        row, column = last, stop
    return Plan(column_order, row_order, tuple(steps), operations, stored)


def _column_order(matrix: Any) -> NDArray[Any]:
    import scipy.sparse as sp
    from scipy.sparse.csgraph import reverse_cuthill_mckee

    rows, columns = matrix.shape
    if columns == 0:
        return np.empty(0, dtype=np.int64)
    counts = np.bincount(matrix.indices, minlength=columns)
    # A column that meets most rows would tie all others together; such columns are few, and go last.
    heavy = counts > max(10 * np.sqrt(rows), 8 * np.median(counts))
    light = np.flatnonzero(~heavy)
    pattern = sp.csr_array(
        (np.ones(len(matrix.data), dtype=np.float32), matrix.indices, matrix.indptr), shape=matrix.shape
    )
    pattern = pattern[:, light]
    meeting = (pattern.T @ pattern).tocsr()
    order = reverse_cuthill_mckee(sp.csr_matrix(meeting), symmetric_mode=True) if len(light) else light
    return np.concatenate([light[order], np.flatnonzero(heavy)]).astype(np.int64)


class _Elimination:
    """The orthogonal factorisation of one front: ``Q^T F = [[R, T], [0, C]]``, C without more rows than columns."""

    def __init__(self, front: NDArray[Any], ends: int, threshold: float):
        from scipy.linalg import qr

        self.height = len(front)
        self.reflectors = self.second = None
        self.dropped = 0.0
        self.rank = 0
        self.live = np.empty(0, dtype=np.int64)
        triangle = np.empty((0, 0))
        if ends and self.height:
            (packed, scales), upper, order = qr(front[:, :ends], mode="raw", pivoting=True, check_finite=False)
            self.rank = int((np.abs(np.diagonal(upper)) > threshold).sum())
            self.live = order[: self.rank]
            triangle = upper[: self.rank, : self.rank]
            self.dropped = float((upper[self.rank :, self.rank :] ** 2).sum())
            self.reflectors = (np.asfortranarray(packed[:, : self.rank]), scales[: self.rank]) if self.rank else None
        rest = self._first(front[:, ends:], "T")
        self.triangle = np.hstack([triangle, rest[: self.rank]])
        below = rest[self.rank :]
        self.kept = min(below.shape)
        if below.shape[0] > below.shape[1] > 0:
            self.second, upper = qr(below, mode="raw", check_finite=False)
            below = upper[: below.shape[1]]
        self.carried = below[: self.kept]

    def _first(self, block: NDArray[Any], side: str) -> NDArray[Any]:
        return _reflect(self.reflectors, block, side) if self.reflectors else block

    def transposed_times(self, block: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """``Q^T B``: the part along the columns that end here, and the part to carry."""
        turned = self._first(block, "T")
        below = turned[self.rank :]
        if self.second is not None:
            below = _reflect(self.second, below, "T")
        return turned[: self.rank], below[: self.kept]

    def basis(self) -> NDArray[Any]:
        """The first columns of Q, explicitly: those of the ended columns, then those of the carried rows."""
        wanted = np.zeros((self.height, self.rank + self.kept))
        wanted[np.arange(self.rank), np.arange(self.rank)] = 1.0
        below = np.zeros((self.height - self.rank, self.kept))
        below[np.arange(self.kept), np.arange(self.kept)] = 1.0
        if self.second is not None:
            below = _reflect(self.second, below, "N")
        wanted[self.rank :, self.rank :] = below
        return self._first(wanted, "N")


def _reflect(factor: Any, block: NDArray[Any], side: str) -> NDArray[Any]:
    """Apply Householder reflectors, as LAPACK packs them, from the left."""
    from scipy.linalg.lapack import dormqr

    if block.shape[1] == 0:
        return block
    packed, scales = factor
    packed = packed[:, : len(scales)]
    work = max(64 * block.shape[1], 1)
    turned, _, info = dormqr("L", side, packed, scales, np.asfortranarray(block), work)
    if info:
        raise ArithmeticError(f"LAPACK dormqr failed with info = {info}")
    return np.asarray(turned)


def one_thread() -> AbstractContextManager[Any]:
    """LAPACK on one thread, where threadpoolctl is installed.

    Fronts are small: threads gain little on them, and lose ten times as much when other programs want the processor.
    """
    import scipy.linalg  # noqa: F401  (its libraries have to be there to be told)

    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        return nullcontext()
    return threadpool_limits(1, user_api="blas")


class ChainColumnSpace:
    """The column space of a large sparse matrix.

    Parameters
    ----------
    matrix : scipy sparse matrix or array
    tolerance : float, optional
        Relative to columns of unit length.
    elimination_plan : Plan, optional
        If it has been made already, to see what it costs.
    """

    def __init__(self, matrix: Any, tolerance: float | None = None, elimination_plan: Plan | None = None):
        self.inputs = matrix.shape[0]
        self.threshold = default_tolerance(matrix.shape) if tolerance is None else tolerance
        self.matrix = unit_sparse_columns(matrix)
        self.plan = elimination_plan or plan(self.matrix)
        order = self.plan.column_order
        self.placed = self.matrix[:, order][self.plan.row_order].tocsr()
        self.placed.sort_indices()
        carried = np.empty((0, 0))
        dropped = 0.0
        rank = 0
        with one_thread():
            for step in self.plan.steps:
                step.carried = carried
                done = _Elimination(self._front(step), step.ends, self.threshold)
                step.live, step.triangle = done.live, done.triangle
                rank += done.rank
                dropped += done.dropped
                carried = done.carried
            inverse = self._inverse_norm()
        error = rounding(self.matrix.shape)
        kept = float("inf") if rank == 0 else 1.0 / inverse - error
        upper = dropped**0.5 + error if rank < min(self.matrix.shape) else 0.0
        how = f"orthogonal elimination in {len(self.plan.steps)} fronts, bound from the inverse triangle"
        self.certificate = RankCertificate(rank, kept, upper, self.threshold, how)

    @property
    def error_estimate(self) -> float:
        """Rounding, amplified by how close the smallest kept direction is to being lost."""
        if self.certificate.rank == 0:
            return 0.0
        magnitude = abs(self.matrix)
        norm = float(np.sqrt(magnitude.sum(axis=0).max() * magnitude.sum(axis=1).max()))
        return 8 * _EPSILON * max(1.0, norm / self.certificate.smallest_kept)

    def _front(self, step: Step) -> NDArray[Any]:
        before = len(step.carried)
        entering = self.placed[step.rows]
        front = np.zeros((before + entering.shape[0], len(step.columns)))
        if before:
            front[:before, step.carried_places] = step.carried
        places = np.searchsorted(step.columns, entering.indices)
        line = before + np.repeat(np.arange(entering.shape[0]), np.diff(entering.indptr))
        front[line, places] = entering.data
        return front

    def leverage(self) -> NDArray[Any]:
        with one_thread():
            return self._leverage()

    def _leverage(self) -> NDArray[Any]:
        found = np.zeros(self.inputs)
        below = np.empty((0, 0))
        for step in reversed(self.plan.steps):
            done = _Elimination(self._front(step), step.ends, self.threshold)
            basis = done.basis()
            ended, carried = basis[:, : done.rank], basis[:, done.rank :]
            through = carried @ below
            before = len(step.carried)
            rows = self.plan.row_order[step.rows]
            found[rows] = (ended[before:] ** 2).sum(axis=1) + (through[before:] * carried[before:]).sum(axis=1)
            below = ended[:before] @ ended[:before].T + through[:before] @ carried[:before].T
        return found

    def energy(self, basis: NDArray[Any]) -> float:
        placed = np.asarray(basis)[self.plan.row_order]
        carried = np.empty((0, placed.shape[1]))
        total = 0.0
        for step in self.plan.steps:
            done = _Elimination(self._front(step), step.ends, self.threshold)
            along, carried = done.transposed_times(np.vstack([carried, placed[step.rows]]))
            total += float((along**2).sum())
        return total

    def _inverse_norm(self, block: int = 512) -> float:
        """The Frobenius norm of the inverse of the kept triangle; one over it bounds the smallest singular value."""
        from scipy.linalg import solve_triangular

        place = np.full(self.matrix.shape[1], -1)
        starts = []
        rank = 0
        for step in self.plan.steps:
            starts.append(rank)
            place[step.columns[: step.ends][step.live]] = rank + np.arange(len(step.live))
            rank += len(step.live)
        total = 0.0
        for begin in range(0, rank, block):
            end = min(begin + block, rank)
            inverse = np.zeros((end, end - begin))
            inverse[np.arange(begin, end), np.arange(end - begin)] = 1.0
            for step, start in zip(reversed(self.plan.steps), reversed(starts), strict=True):
                count = len(step.live)
                if count == 0 or start >= end:
                    continue
                later = place[step.columns[step.ends :]]
                kept = (later >= 0) & (later < end)
                mine = slice(start, min(start + count, end))
                count = mine.stop - start
                right = inverse[mine] - step.triangle[:count, len(step.live) :][:, kept] @ inverse[later[kept]]
                inverse[mine] = solve_triangular(step.triangle[:count, :count], right, check_finite=False)
            total += float((inverse**2).sum())
        return total**0.5


def unit_sparse_columns(matrix: Any) -> Any:
    """The columns of a sparse matrix that are not zero, each divided by its length, as a CSR array without zeros."""
    import scipy.sparse as sp

    by_column = sp.csc_array(matrix, dtype=float, copy=True)
    by_column.sum_duplicates()
    by_column.eliminate_zeros()
    by_column = by_column[:, np.flatnonzero(np.diff(by_column.indptr))]
    counts = np.diff(by_column.indptr)
    if len(counts):
        largest = np.maximum.reduceat(np.abs(by_column.data), by_column.indptr[:-1])
        by_column.data /= np.repeat(largest, counts)
        by_column.data /= np.repeat(np.sqrt(np.add.reduceat(by_column.data**2, by_column.indptr[:-1])), counts)
    return sp.csr_array(by_column)
