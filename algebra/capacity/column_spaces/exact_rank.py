"""The rank of a Jacobian without rounding: every float is a fraction, and so is what is made of floats.

In floating point, columns that depend on each other leave a remainder of the size of rounding, and whether such a
remainder is a direction is a matter of tolerance. Here the rank is that of the Jacobian in fractions. A minor that is
not zero modulo a prime is not zero: that proves the rank from below at any size. From above it is proved where the rank
fills the matrix, or in fractions where the matrix is small; else larger minors are seen to vanish modulo several primes.

A covariance Gamma that has only positive eigenvalues leaves the rank as it is; for any other the rank is that of
``Gamma J``, for ``Gamma^(1/2) J v = 0`` means ``v^T J^T Gamma J v = 0``, hence ``Gamma J v = 0``.

>>> from fractions import Fraction
>>> import numpy as np
>>> columns = np.array([[Fraction(1), Fraction(1, 3)], [Fraction(3), Fraction(1)]], dtype=object)
>>> rank_and_pivots(columns)
(1, (0,))
>>> orthonormal(columns, (0,)).round(6).tolist()
[[0.316228], [0.948683]]
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cached_property
from math import isqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import BudgetError, LayerAlgebraError, UnsupportedError
from ...linear.number_systems import PRIME, Fractions, NumberSystem, Residues
from ...records import dataclass
from .finite_field import rank_modulo

if TYPE_CHECKING:
    from numpy.typing import NDArray

FRACTIONS = 2_000
"""The most entries of a Jacobian whose rank is decided in fractions."""

FRACTION_OPERATIONS = 100_000
"""The most products of fractions to make it."""

SIDE = 1_500
"""The most rows or columns, whichever are fewer, of a matrix that is eliminated modulo a prime."""

PRIMES = (PRIME, 1_983_701_179, 1_393_831_783)
"""The last two are the primes below two numbers that were drawn at random."""


@dataclass(frozen=True)
class KnownRank:
    """A rank that is not read from floats.

    Attributes
    ----------
    rank : int
    how : str
    """

    rank: int
    how: str


@dataclass(frozen=True)
class ExactJacobian:
    """The Jacobian of a network in any number system.

    Attributes
    ----------
    made : callable
        Gives the matrix in a system.
    shape : (int, int)
    operations : int
        How many products a dense computation takes.
    """

    made: Callable[[NumberSystem], Any]
    shape: tuple[int, int]
    operations: int

    @property
    def small(self) -> bool:
        """Whether it is made in fractions."""
        return self.shape[0] * self.shape[1] <= FRACTIONS and self.operations <= FRACTION_OPERATIONS

    @cached_property
    def fractions(self) -> NDArray[Any]:
        return np.asarray(self.made(Fractions()))

    @cached_property
    def pivots(self) -> tuple[int, ...]:
        """Columns that span the others, in fractions."""
        return rank_and_pivots(self.fractions)[1]

    def basis(self) -> NDArray[Any]:
        """An orthonormal basis of the columns to the last bit, however close they are to each other."""
        return orthonormal(self.fractions, self.pivots)

    def rank(self, gamma: NDArray[Any] | None = None) -> KnownRank | None:
        """The rank, of ``Gamma J`` if a covariance in fractions is given; None if it is not decided here.

        Constants that are no fractions, such as the root of a running variance, and sizes beyond the limits are not.
        """
        try:
            return self._rank(gamma)
        except (UnsupportedError, BudgetError):
            return None

    def _rank(self, gamma: NDArray[Any] | None) -> KnownRank | None:
        if min(self.shape) > SIDE:
            return None
        found = self._modulo(PRIMES[0], gamma)
        if found == min(self.shape):
            return KnownRank(found, "exact: a minor of full size is not zero modulo a prime")
        if self.small:
            matrix = self.fractions if gamma is None else gamma @ self.fractions
            rank = len(self.pivots) if gamma is None else rank_and_pivots(matrix)[0]
            return KnownRank(rank, "exact, in fractions")
        for prime in PRIMES[1:]:
            found = max(found, self._modulo(prime, gamma))
        return KnownRank(
            found,
            f"exact: a minor of this size is not zero, and larger ones vanish modulo {len(PRIMES)} primes of 31 bits",
        )

    def _modulo(self, prime: int, gamma: NDArray[Any] | None) -> int:
        system = Residues(prime)
        matrix = self.made(system)
        if gamma is not None:
            import scipy.sparse as sp

            # Entries are fractions, whatever type they have.
            matrix = system.times(sp.csr_array(system.vector(np.vectorize(_fraction, otypes=[object])(gamma))), matrix)
        return residue_rank(matrix, prime)


def residue_rank(matrix: Any, prime: int) -> int:
    """The rank of a sparse matrix of residues, at most that of the fractions they stand for.

    Rows and columns are first multiplied by random matrices of as many as the rank may be: that keeps the rank, but for a
    probability near one over the prime.
    """
    import scipy.sparse as sp

    used = matrix[np.flatnonzero(np.diff(sp.csr_array(matrix).indptr))]
    used = sp.csc_array(used)[:, np.flatnonzero(np.diff(sp.csc_array(used).indptr))]
    rows, columns = used.shape
    if not min(rows, columns):
        return 0
    system, draw = Residues(prime), np.random.default_rng(0)
    least, dense = min(rows, columns), sp.csr_array(used)
    if max(rows, columns) > least + 16:
        wide = columns > rows
        mixing = draw.integers(0, prime, (max(rows, columns), least + 8))
        dense = system.times(dense if wide else sp.csr_array(dense.T), mixing)
    else:
        dense = dense.toarray()
    return rank_modulo(dense, prime)


def rank_and_pivots(matrix: NDArray[Any]) -> tuple[int, tuple[int, ...]]:
    """The rank of a matrix of fractions, and the columns that span it."""
    from sympy import QQ
    from sympy.polys.matrices import DomainMatrix

    rows, columns = matrix.shape
    entries = [[QQ(v.numerator, v.denominator) for v in row] for row in matrix.tolist()]
    _, pivots = DomainMatrix(entries, (rows, columns), QQ).to_sparse().rref()
    return len(pivots), tuple(int(place) for place in pivots)


def orthonormal(matrix: NDArray[Any], pivots: tuple[int, ...]) -> NDArray[Any]:
    """An orthonormal basis of independent columns of fractions, in floats: Gram and Schmidt without rounding."""
    found: list[tuple[NDArray[Any], Fraction]] = []
    basis = np.zeros((matrix.shape[0], len(pivots)))
    for number, place in enumerate(pivots):
        column = np.array([_fraction(value) for value in matrix[:, place].tolist()] + [None], dtype=object)[:-1]
        for other, square in found:
            column = column - other * ((column * other).sum() / square)
        square = (column * column).sum()
        found.append((column, square))
        basis[:, number] = [_root(value**2 / square) * (1 if value > 0 else -1) for value in column]
    return basis


def _fraction(value: Any) -> Fraction:
    return Fraction(int(value.numerator), int(value.denominator))


def _root(value: Fraction) -> float:
    """The root of a fraction that may lie far outside of the range of floats."""
    if value == 0:
        return 0.0
    shift = 2 * max(0, 64 + (value.denominator.bit_length() - value.numerator.bit_length()) // 2)
    return float(Fraction(isqrt((value.numerator << shift) // value.denominator), 1 << (shift // 2)))


def rational(covariance: Any) -> NDArray[Any] | None:
    """A covariance matrix in fractions, None for a kernel."""
    from ...numerics.arrays import as_numbers

    if callable(covariance):
        return None
    try:
        return Fractions().vector(as_numbers(covariance, "a covariance"))
    except LayerAlgebraError:
        return None
