"""The column space of a tall dense matrix that is never held: only its triangular factor is.

One pass over the rows updates the triangle in place by Householder reflections (LAPACK `tpqrt`, the sequential
tall-skinny QR of Demmel et al. 2012), a pivoted factorisation of the triangle finds the rank, and a second pass reads
the leverages off triangular solves, ``kappa_i = ||R^-T j_i||^2``. The memory is one triangle and one block of rows.

References
----------
Demmel, J., Grigori, L., Hoemmen, M., Langou, J. (2012). Communication-optimal parallel and sequential QR and LU
factorizations. SIAM J. Sci. Comput. 34.

>>> import numpy as np
>>> from layeralgebra.algebra.capacity.column_spaces.rows import RowSource
>>> space = StreamedColumnSpace(RowSource(np.array([[1.0, 1.0], [1.0, 1.0], [0.0, 0.0]])))
>>> space.certificate.rank, [round(float(k), 9) for k in space.leverage()]
(1, [0.5, 0.5, 0.0])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .dense import _EPSILON, RankCertificate, default_tolerance, rounding
from .rows import RowSource

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK_ENTRIES = 5_000_000
"""Rows are read in blocks of at most this many entries (40 MB)."""

EXACT_INVERSE = 2500
"""Up to this rank the smallest singular value is bounded by an explicit inverse; beyond it is estimated."""


class StreamedColumnSpace:
    """The column space of a tall matrix, read twice.

    Parameters
    ----------
    rows : RowSource
        At least as many rows as columns.
    tolerance : float, optional
        Relative to columns of unit length.
    equilibrate : bool
        Scale the columns to unit length first; off for a factor of another matrix, as in `DenseColumnSpace`.
    """

    def __init__(self, rows: RowSource, tolerance: float | None = None, *, equilibrate: bool = True):
        from scipy.linalg.lapack import dgeqp3, dtpqrt

        self.rows, (self.inputs, columns) = rows, rows.shape
        threshold = default_tolerance(rows.shape) if tolerance is None else tolerance
        self.size = max(16, BLOCK_ENTRIES // max(columns, 1))
        self.scale = self._scales(columns) if equilibrate else np.ones(columns)
        triangle = np.zeros((columns, columns), order="F")
        panel = min(64, columns)
        for _, _, block in rows.blocks(self.size):
            scaled = np.asfortranarray(block * self.scale)
            triangle, _, _, info = dtpqrt(0, panel, triangle, scaled, overwrite_a=1, overwrite_b=1)
            if info:
                raise ArithmeticError(f"LAPACK dtpqrt failed with info = {info}")
        present = int((self.scale > 0).sum())
        diagonal = np.abs(np.diagonal(triangle))
        self.pivots = np.arange(columns)
        # Without a doubtful pivot the triangle stands as it is; the pivoted factorisation is the slow part.
        if present < columns or diagonal.min(initial=1.0) <= 1e3 * threshold or not self._well_conditioned(triangle):
            triangle, order, _, _, info = dgeqp3(triangle, overwrite_a=1)
            if info:
                raise ArithmeticError(f"LAPACK dgeqp3 failed with info = {info}")
            self.pivots = order - 1
            diagonal = np.abs(np.diagonal(triangle))
        rank = int((diagonal > threshold).sum())
        remainder = np.triu(triangle[rank:, rank:])
        # LAPACK copies what is not contiguous, at every call; so copy once, if columns were dropped at all.
        self.triangle, self.pivots = np.asfortranarray(triangle[:rank, :rank]), self.pivots[:rank]
        del triangle
        error = rounding((self.inputs, max(present, 1)))
        upper = float(np.sqrt((remainder**2).sum())) + error if rank < min(self.inputs, present) else 0.0
        kept, how = self._smallest(rank)
        self.certificate = RankCertificate(rank, kept - error, upper, threshold, f"streamed QR, {how}")

    def _scales(self, columns: int) -> NDArray[Any]:
        largest = np.zeros(columns)
        for _, _, block in self.rows.blocks(self.size):
            np.maximum(largest, np.abs(block).max(axis=0, initial=0.0), out=largest)
        with np.errstate(divide="ignore"):
            rough = np.where(largest > 0, 1.0 / largest, 0.0)
        squares = np.zeros(columns)
        for _, _, block in self.rows.blocks(self.size):
            squares += ((block * rough) ** 2).sum(axis=0)
        return rough / np.sqrt(np.where(squares > 0, squares, 1.0))

    @staticmethod
    def _well_conditioned(triangle: NDArray[Any]) -> bool:
        from scipy.linalg.lapack import dtrcon

        reciprocal, info = dtrcon(triangle, norm="1", uplo="U")
        return info == 0 and reciprocal > 1e-6

    def _smallest(self, rank: int) -> tuple[float, str]:
        from scipy.linalg.lapack import dtrcon, dtrtri

        if rank == 0:
            return float("inf"), "no column differs from zero"
        if rank <= EXACT_INVERSE:
            inverse, info = dtrtri(self.triangle)
            bound = 0.0 if info else 1.0 / float(np.sqrt((np.triu(inverse) ** 2).sum()))
            return bound, "bound from the inverse triangle"
        reciprocal, _ = dtrcon(self.triangle, norm="1", uplo="U")
        norm = self._column_sums().max()
        # ||R^-1||_2 <= sqrt(r) ||R^-1||_1, and the estimate of the latter is seldom off by more than three.
        return float(reciprocal * norm / (3 * rank**0.5)), "smallest singular value estimated"

    def _column_sums(self, power: int = 1) -> NDArray[Any]:
        """Of magnitudes to a power, some columns at a time, for the triangle may fill half of the memory."""
        columns = self.triangle.shape[1]
        parts = [
            (np.abs(self.triangle[:, start : start + 256]) ** power).sum(axis=0) for start in range(0, columns, 256)
        ]
        return np.concatenate(parts) if parts else np.zeros(1)

    @property
    def error_estimate(self) -> float:
        """Rounding, amplified by how close the smallest kept direction is to being lost."""
        if self.certificate.rank == 0:
            return 0.0
        norm = float(self._column_sums(2).sum()) ** 0.5
        return 8 * _EPSILON * max(1.0, norm / self.certificate.smallest_kept)

    def leverage(self) -> NDArray[Any]:
        from scipy.linalg.blas import dtrsm

        found = np.zeros(self.inputs)
        if self.certificate.rank:
            for start, stop, block in self.rows.blocks(self.size):
                turned = np.asfortranarray((block * self.scale)[:, self.pivots].T)
                turned = dtrsm(1.0, self.triangle, turned, trans_a=1, overwrite_b=1)
                found[start:stop] = (turned**2).sum(axis=0)
        return found

    def energy(self, basis: NDArray[Any]) -> float:
        from scipy.linalg.blas import dtrsm

        if self.certificate.rank == 0:
            return 0.0
        inner = np.zeros((self.certificate.rank, basis.shape[1]))
        for start, stop, block in self.rows.blocks(self.size):
            inner += (block * self.scale)[:, self.pivots].T @ basis[start:stop]
        return float((dtrsm(1.0, self.triangle, np.asfortranarray(inner), trans_a=1) ** 2).sum())


def compress_columns(rows: RowSource) -> NDArray[Any]:
    """A square matrix with the column space of a wide one: L of ``J = L Q``, reading J some columns at a time."""
    from scipy.linalg.lapack import dtpqrt
    from scipy.sparse.linalg import LinearOperator

    inputs, parameters = rows.shape
    size = max(16, BLOCK_ENTRIES // inputs)
    triangle = np.zeros((inputs, inputs), order="F")
    held = rows.matrix.tocsc() if rows.sparse else rows.matrix
    for start in range(0, parameters, size):
        stop = min(start + size, parameters)
        if isinstance(held, LinearOperator):
            units = np.zeros((parameters, stop - start))
            units[np.arange(start, stop), np.arange(stop - start)] = 1.0
            block = np.asarray(held.matmat(units))
        elif rows.sparse:
            block = held[:, start:stop].toarray()
        elif callable(held):
            block = np.vstack([part[:, start:stop] for _, _, part in rows.blocks(max(1, BLOCK_ENTRIES // parameters))])
        else:
            block = held[:, start:stop]
        # Only the span of the columns matters, so each may have its own scale.
        largest = np.abs(block).max(axis=0, initial=0.0)
        block = block[:, largest > 0] / largest[largest > 0]
        block = block / np.sqrt((block**2).sum(axis=0))
        if block.shape[1]:
            triangle, _, _, info = dtpqrt(0, min(64, inputs), triangle, np.asfortranarray(block.T), overwrite_a=1)
            if info:
                raise ArithmeticError(f"LAPACK dtpqrt failed with info = {info}")
    return np.triu(triangle).T
