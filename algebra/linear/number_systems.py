"""The numbers in which the tape of a network is computed: floats, fractions, or residues modulo a prime.

Floats are what predictors are used with. Their products are rounded, so a rank that is read from them is a matter of
tolerance. But every float is a fraction, and so is every entry of the Jacobian of a network with such weights: in
fractions nothing is rounded, and modulo a prime the same is done with machine integers.

>>> import numpy as np
>>> system = Residues(7)
>>> system.vector(np.array([0.5, 3.0])).tolist()  # one half is 4, for 2 * 4 = 1 modulo 7
[4, 3]
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..errors import BudgetError, UnsupportedError

if TYPE_CHECKING:
    from numpy import ndarray

PRIME = 2**31 - 1
"""The largest prime whose products of two residues fit into 63 bits with room for a sum."""


class NumberSystem(Protocol):
    """What the tape needs: matrices with a row for each number of a tensor, vectors, and their products."""

    def weights(self, values: Any) -> Any:
        """A tensor of weights or buffers, as it enters the equations."""

    def numbers(self, values: ndarray) -> ndarray:
        """What an equation makes of them, as entries of matrices."""

    def matrix(self, values: ndarray, rows: ndarray, columns: ndarray, shape: tuple[int, int]) -> Any:
        """The matrix with these entries; those at one place are added."""

    def times(self, left: Any, right: Any) -> Any:
        """The product of two matrices, or of a matrix and a vector."""

    def plus(self, left: Any, right: Any) -> Any:
        """The sum of two matrices or vectors."""

    def scaled(self, left: ndarray, right: ndarray) -> ndarray:
        """The elementwise product of two vectors."""

    def stacked(self, matrices: Sequence[Any]) -> Any:
        """Matrices one above the other."""

    def vector(self, values: ndarray) -> ndarray:
        """A vector of numbers."""


class _AsTheyAre:
    """Arithmetic that nothing has to be done about."""

    def times(self, left: Any, right: Any) -> Any:
        return left @ right

    def plus(self, left: Any, right: Any) -> Any:
        return left + right

    def scaled(self, left: ndarray, right: ndarray) -> ndarray:
        return left * right


class Floats(_AsTheyAre):
    """Rounded, in sparse matrices."""

    def weights(self, values: Any) -> Any:
        return values

    def numbers(self, values: ndarray) -> ndarray:
        return np.asarray(values).astype(float)

    vector = numbers

    def matrix(self, values: ndarray, rows: ndarray, columns: ndarray, shape: tuple[int, int]) -> Any:
        import scipy.sparse as sp

        return sp.csr_array(sp.coo_array((values, (rows, columns)), shape=shape))

    def stacked(self, matrices: Sequence[Any]) -> Any:
        import scipy.sparse as sp

        return sp.csr_array(sp.vstack(matrices))


def _exactly(values: Any) -> ndarray:
    """Numbers as fractions, which every float is."""
    array = np.asarray(values)
    made = np.empty(array.shape, dtype=object)
    flat = made.reshape(-1)
    for place, value in enumerate(array.reshape(-1).tolist()):
        flat[place] = Fraction(value)
    return made


def _must_be_rational(values: ndarray) -> ndarray:
    if values.dtype != object:
        raise UnsupportedError("a constant of this network is no fraction, so nothing is exact here")
    return values


class Fractions(_AsTheyAre):
    """Exact, in dense matrices of SymPy's rational numbers, which are the fastest that are installed."""

    def weights(self, values: Any) -> Any:
        return _exactly(values)

    def numbers(self, values: ndarray) -> ndarray:
        from sympy import QQ

        given = _must_be_rational(np.asarray(values))
        made = np.empty(given.shape, dtype=object)
        flat = made.reshape(-1)
        for place, value in enumerate(given.reshape(-1).tolist()):
            flat[place] = QQ(value.numerator, value.denominator)
        return made

    def vector(self, values: ndarray) -> ndarray:
        return self.numbers(_exactly(values))

    def matrix(self, values: ndarray, rows: ndarray, columns: ndarray, shape: tuple[int, int]) -> Any:
        from sympy import QQ

        made = np.full(shape, QQ(0), dtype=object)
        np.add.at(made, (rows, columns), values)
        return made

    def stacked(self, matrices: Sequence[Any]) -> Any:
        return np.vstack(matrices)


LONGEST = 2**15
"""The most terms of a sum of products of a residue and half a residue that surely fits 63 bits."""


class Residues:
    """Exact modulo a prime below 2**31, in sparse matrices of machine integers."""

    def __init__(self, prime: int = PRIME):
        self.prime = prime

    def weights(self, values: Any) -> Any:
        array = np.asarray(values)
        made = np.empty(array.shape, dtype=object)
        flat = made.reshape(-1)
        for place, value in enumerate(array.reshape(-1).tolist()):
            flat[place] = self._residue(value)
        return made

    def _residue(self, value: Any) -> int:
        if isinstance(value, int):
            return value % self.prime
        above, below = value.as_integer_ratio()
        if below % self.prime == 0:
            raise UnsupportedError(f"the denominator {below} is divisible by the prime {self.prime}; choose another")
        return above * pow(below, -1, self.prime) % self.prime

    def numbers(self, values: ndarray) -> ndarray:
        return self.weights(_must_be_rational(np.asarray(values))).astype(np.int64)

    def vector(self, values: ndarray) -> ndarray:
        return np.asarray(self.weights(values).astype(np.int64))

    def matrix(self, values: ndarray, rows: ndarray, columns: ndarray, shape: tuple[int, int]) -> Any:
        import scipy.sparse as sp

        if len(values) > LONGEST * 2**16:
            raise BudgetError("too many entries to add without passing 63 bits")
        return self._reduced(sp.csr_array(sp.coo_array((values.astype(np.int64), (rows, columns)), shape=shape)))

    def _reduced(self, matrix: Any) -> Any:
        if isinstance(matrix, np.ndarray):
            return matrix % self.prime
        matrix.data %= self.prime
        return matrix

    def times(self, left: Any, right: Any) -> Any:
        if left.shape[1] > LONGEST:
            raise BudgetError(f"sums of more than {LONGEST} products of residues may pass 63 bits")
        high, low = left.copy(), left.copy()
        high.data, low.data = left.data >> 16, left.data & 0xFFFF
        upper = self._reduced(high @ right)
        return self._reduced(self._reduced(upper * 65536) + low @ right)

    def plus(self, left: Any, right: Any) -> Any:
        return self._reduced(left + right)

    def scaled(self, left: ndarray, right: ndarray) -> ndarray:
        return left * right % self.prime

    def stacked(self, matrices: Sequence[Any]) -> Any:
        import scipy.sparse as sp

        return sp.csr_array(sp.vstack(matrices))
