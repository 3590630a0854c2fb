"""Ranks modulo a prime: exact lower bounds of the rank over the rationals, at machine speed.

A minor that is not zero modulo p is not zero. So the rank modulo p never exceeds the rank, and falls short of it only
if p divides every largest minor; for entries drawn at random that has a probability near 1/p (Schwartz 1980, Zippel
1979).

>>> rank_modulo([[1, 2], [2, 4], [0, 1]])
2
>>> rank_modulo([[1, 0], [0, 7]], prime=7)
1
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from ...arguments import shown
from ...errors import FieldError
from ...linear.number_systems import PRIME

if TYPE_CHECKING:
    from numpy.typing import NDArray


def residues(matrix: Any, prime: int = PRIME) -> NDArray[Any]:
    """A matrix of integers or fractions, modulo a prime, as 64-bit integers.

    Raises
    ------
    FieldError
        For entries that are neither, such as floats; or a denominator divisible by the prime.
    """
    array = np.asarray(matrix)
    if array.dtype.kind in "iu" and array.dtype.itemsize <= 8:
        return np.asarray(array.astype(object) % prime if array.dtype.kind == "u" else array % prime, dtype=np.int64)

    def residue(value: Any) -> int:
        numerator, denominator = getattr(value, "numerator", None), getattr(value, "denominator", None)
        if callable(numerator) or numerator is None or denominator is None or isinstance(value, float):
            try:
                value = Fraction(int(value.p), int(value.q))  # a SymPy rational
            except (AttributeError, TypeError):
                raise FieldError(f"an exact rank needs integers or fractions, got {shown(value)}") from None
            numerator, denominator = value.numerator, value.denominator
        if int(denominator) % prime == 0:
            raise FieldError(f"the denominator {denominator} is divisible by the prime {prime}; choose another")
        return int(numerator) * pow(int(denominator), -1, prime) % prime

    flat = [residue(value) for value in array.ravel().tolist()]
    return np.array(flat, dtype=np.int64).reshape(array.shape)


def rank_modulo(matrix: Any, prime: int = PRIME) -> int:
    """The rank of a matrix of integers or fractions over the field with `prime` elements.

    Parameters
    ----------
    matrix : array_like of int, Fraction or SymPy rationals
    prime : int
        At most ``2**31 - 1``, and prime, which is not checked.

    Returns
    -------
    int
        At most the rank over the rationals.
    """
    if not 2 <= prime <= PRIME:
        raise FieldError(f"the prime must lie between 2 and 2**31 - 1, got {shown(prime)}")
    work = residues(matrix, prime)
    if work.ndim != 2:
        raise FieldError(f"a rank needs a matrix, got an array of shape {work.shape}")
    if work.shape[0] < work.shape[1]:
        work = work.T.copy()
    rank = 0
    for column in range(work.shape[1]):
        found = np.flatnonzero(work[rank:, column])
        if not len(found):
            continue
        pivot = rank + int(found[0])
        if pivot != rank:
            work[[rank, pivot]] = work[[pivot, rank]]
        row = work[rank, column:] * pow(int(work[rank, column]), -1, prime) % prime
        below = rank + 1 + np.flatnonzero(work[rank + 1 :, column])
        # Entries lie below 2**31, so a product and a sum of it with another entry stay inside 64 bits.
        work[below, column:] = (work[below, column:] - work[below, column][:, None] * row) % prime
        rank += 1
        if rank == work.shape[0]:
            break
    return rank
