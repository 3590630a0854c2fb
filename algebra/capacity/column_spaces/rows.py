"""A Jacobian read a block of rows at a time, so that it need never be held.

>>> import numpy as np
>>> rows = RowSource(np.arange(6.0).reshape(3, 2))
>>> rows.shape, rows.block(1, 3).tolist()
((3, 2), [[2.0, 3.0], [4.0, 5.0]])
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ...arguments import answer_of, as_array, as_elements, as_integer, shown
from ...errors import FieldError

if TYPE_CHECKING:
    from numpy.typing import NDArray


class RowSource:
    """One face for the four ways in which a matrix may be given.

    Parameters
    ----------
    matrix : array_like, scipy sparse matrix or array, scipy.sparse.linalg.LinearOperator, or callable
        A callable is asked as ``matrix(start, stop)`` for those rows, dense, and needs `shape`. An operator must have
        its adjoint (`rmatvec`), for its rows are the adjoint applied to unit vectors.
    shape : (int, int), optional
        Needed for a callable only.

    Raises
    ------
    FieldError
        For something that is not a real matrix, or holds a value that is not finite.
    """

    def __init__(self, matrix: Any, shape: tuple[int, int] | None = None):
        import scipy.sparse as sp
        from scipy.sparse.linalg import LinearOperator

        self.sparse = False
        self.matrix: Any
        self.shape: tuple[int, int]
        self._read: Callable[[int, int], Any]
        if isinstance(matrix, RowSource):
            self.shape, self.sparse, self.matrix, self._read = matrix.shape, matrix.sparse, matrix.matrix, matrix._read
            return
        if sp.issparse(matrix):
            self.sparse = True
            held = sp.csr_array(matrix, dtype=float)
            _must_be_finite(held.data)
            self._read = lambda start, stop: held[start:stop].toarray()
            shape = held.shape
        elif isinstance(matrix, LinearOperator):
            held = matrix
            shape = matrix.shape

            def read(start: int, stop: int) -> Any:
                units = np.zeros((matrix.shape[0], stop - start))
                units[np.arange(start, stop), np.arange(stop - start)] = 1.0
                return np.asarray(matrix.rmatmat(units)).T

            self._read = read
        elif callable(matrix):
            if shape is None:
                raise FieldError(
                    "rows given by a function need a shape; write allocate(rows, shape=(inputs, parameters))"
                )
            held = matrix
            self._read = partial(answer_of, matrix, "a Jacobian that is a function")
        else:
            held = (
                None if isinstance(matrix, np.ndarray) and np.iscomplexobj(matrix) else as_array(matrix, "a Jacobian")
            )
            if held is None or held.ndim != 2:
                raise FieldError(
                    "a Jacobian is a real matrix with a row for each input and a column for each parameter"
                )
            _must_be_finite(held)
            self._read = lambda start, stop: held[start:stop]
            shape = held.shape
        self.matrix = held
        sizes = as_elements(shape, "the shape of a Jacobian")
        if len(sizes) != 2:
            raise FieldError(
                f"a Jacobian has a row for each input and a column for each parameter, got the shape {shown(shape)}"
            )
        self.shape = (as_integer(sizes[0], "the rows of a Jacobian"), as_integer(sizes[1], "the columns of a Jacobian"))
        if min(self.shape) < 0 or self.shape[0] < 1:
            raise FieldError(f"a Jacobian needs at least one input, got the shape {self.shape}")

    def block(self, start: int, stop: int) -> NDArray[Any]:
        """Rows `start` to `stop` as a dense array."""
        read = as_array(self._read(start, stop), "a Jacobian")
        if read.shape != (stop - start, self.shape[1]):
            wanted = (stop - start, self.shape[1])
            raise FieldError(f"rows {start} to {stop} should have the shape {wanted}, got {read.shape}")
        _must_be_finite(read)
        return read

    def blocks(self, size: int) -> Iterator[tuple[int, int, NDArray[Any]]]:
        """All rows in order, at most `size` at a time, each with its start and stop."""
        for start in range(0, self.shape[0], size):
            stop = min(start + size, self.shape[0])
            yield start, stop, self.block(start, stop)

    def dense(self) -> NDArray[Any]:
        """The whole matrix; only for matrices that the caller knows to be small."""
        return self.block(0, self.shape[0])


def _must_be_finite(values: Any) -> None:
    if not np.all(np.isfinite(values)):
        raise FieldError("a Jacobian must be finite; found an infinity or a NaN")
