"""The column space of a matrix: its dimension with a certificate, and how it lies over the rows.

With an orthonormal basis Q of the columns, row i has the *leverage* ``sum_k Q_ik^2``, and the leverages add up to the
rank. Three classes give the same three answers (`certificate`, `leverage`, `energy`) for matrices of different kinds;
the one here is for matrices small enough for a singular value decomposition.

>>> import numpy as np
>>> space = DenseColumnSpace(np.array([[1.0, 2.0], [0.0, 0.0], [1.0, 2.0]]))
>>> space.certificate.rank, [float(k) for k in space.leverage().round(12)]
(1, [0.5, 0.0, 0.5])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ...records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .exact_rank import KnownRank

_EPSILON = 2.0**-52


@dataclass(frozen=True)
class RankCertificate:
    """What is known of the singular values on both sides of a numerical rank (columns scaled to unit length).

    A floating-point matrix has a rank only up to a tolerance. The claim made here is: singular value number `rank` is
    at least `smallest_kept`, the next one is at most `largest_dropped`, rounding of the factorisation included; so
    every matrix closer than `smallest_kept` has at least this rank, and one within `largest_dropped` has exactly this
    rank.

    Attributes
    ----------
    rank : int
    smallest_kept, largest_dropped : float
        The bounds. ``inf`` and ``0`` where there is no singular value on that side.
    threshold : float
        The tolerance that separated the two.
    how : str
        The factorisation, and whether `smallest_kept` is a bound or an estimate; or how the rank was found exactly.
    exact : bool
        Whether the rank is that of the matrix in fractions, whatever its singular values are in floats.
    """

    rank: int
    smallest_kept: float
    largest_dropped: float
    threshold: float
    how: str
    exact: bool = False

    @property
    def gap(self) -> float:
        """`smallest_kept` over `largest_dropped`: how many times wider the gap is than a coin toss."""
        if self.largest_dropped == 0 or self.smallest_kept == float("inf"):
            return float("inf")
        return self.smallest_kept / self.largest_dropped

    @property
    def certified(self) -> bool:
        """True if the rank is exact, or the bounds lie on either side of the threshold and leave a gap of a hundred."""
        return self.exact or self._separated

    @property
    def _separated(self) -> bool:
        return self.smallest_kept > self.threshold >= self.largest_dropped and self.gap >= 100

    def __str__(self) -> str:
        word = "certified" if self.certified else "NOT certified"
        return f"rank {self.rank} {word}, gap {self.gap:.1e} ({self.how})"


class ColumnSpace(Protocol):
    """What an allocation asks of a column space."""

    @property
    def certificate(self) -> RankCertificate:
        """What is known of its dimension."""

    @property
    def error_estimate(self) -> float:
        """An estimate of the largest absolute error in a leverage."""

    def leverage(self) -> NDArray[Any]:
        """The squared length of each row of an orthonormal basis."""

    def energy(self, basis: NDArray[Any]) -> float:
        """``||Q^T B||_F^2`` for a matrix B with orthonormal columns: the dimensions of the space that lie along B."""


def default_tolerance(shape: tuple[int, int]) -> float:
    """The threshold below which a column, all scaled to unit length, counts as dependent on the others."""
    return 10 * max(*shape, 10) * _EPSILON


def rounding(shape: tuple[int, int]) -> float:
    """A bound in practice on the backward error of an orthogonal factorisation of unit columns."""
    return float(_EPSILON * (max(shape) * max(1, min(shape))) ** 0.5)


def unit_columns(matrix: NDArray[Any]) -> NDArray[Any]:
    """The columns that are not zero, each divided by its length: the same column space, better conditioned."""
    # Two steps, so that neither tiny nor huge entries leave the range of the squares.
    largest = np.abs(matrix).max(axis=0, initial=0.0)
    matrix = matrix[:, largest > 0] / largest[largest > 0]
    return matrix / np.sqrt((matrix**2).sum(axis=0))


class DenseColumnSpace:
    """The column space of a small matrix, by its singular value decomposition.

    Parameters
    ----------
    matrix : array_like
        Held, and overwritten by nothing.
    tolerance : float, optional
        Relative to columns of unit length.
    equilibrate : bool
        Scale the columns to unit length first. To be switched off for a factor of another matrix, whose small columns
        are small because they are rounding.
    known : KnownRank, optional
        The rank, where it is not to be read from singular values.
    """

    def __init__(
        self, matrix: Any, tolerance: float | None = None, *, equilibrate: bool = True, known: KnownRank | None = None
    ):
        from scipy.linalg import svd

        matrix = np.asarray(matrix, dtype=float)
        scaled = unit_columns(matrix) if equilibrate else matrix[:, np.abs(matrix).max(axis=0, initial=0.0) > 0]
        self.inputs = matrix.shape[0]
        if scaled.shape[1] == 0 or (known is not None and known.rank == 0):
            threshold = default_tolerance(matrix.shape) if tolerance is None else tolerance
            self.basis = np.zeros((self.inputs, 0))
            how = "no column differs from zero" if known is None else known.how
            self.certificate = RankCertificate(0, float("inf"), 0.0, threshold, how, known is not None)
            self.largest = 0.0
            return
        left, values, _ = svd(scaled, full_matrices=False, check_finite=False)
        self.largest = float(values[0])
        threshold = (default_tolerance(matrix.shape) if tolerance is None else tolerance) * self.largest
        rank = int((values > threshold).sum()) if known is None else min(known.rank, len(values))
        self.basis = left[:, :rank]
        error = rounding(scaled.shape) * self.largest
        dropped = float(values[rank]) + error if rank < len(values) else 0.0
        how = "singular values" if known is None else known.how
        kept = float(values[rank - 1]) - error
        self.certificate = RankCertificate(rank, kept, dropped, threshold, how, known is not None)

    @property
    def error_estimate(self) -> float:
        """Rounding, amplified by how close the smallest kept direction is to being lost."""
        if self.certificate.rank == 0:
            return 0.0
        if self.certificate.smallest_kept <= 0:
            return 1.0
        return float(min(1.0, 8 * _EPSILON * max(1.0, self.largest / self.certificate.smallest_kept)))

    def leverage(self) -> NDArray[Any]:
        return np.asarray((self.basis**2).sum(axis=1))

    def energy(self, basis: NDArray[Any]) -> float:
        return float(((self.basis.T @ basis) ** 2).sum())


@dataclass(frozen=True)
class GivenColumnSpace:
    """A column space of which an orthonormal basis is known.

    Attributes
    ----------
    basis : array
    certificate : RankCertificate
    error_estimate : float
    """

    basis: NDArray[Any]
    certificate: RankCertificate
    error_estimate: float

    def leverage(self) -> NDArray[Any]:
        return np.asarray((self.basis**2).sum(axis=1))

    def energy(self, basis: NDArray[Any]) -> float:
        return float(((self.basis.T @ basis) ** 2).sum())
