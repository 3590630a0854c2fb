r"""The Markov rule of capacity propagation, as matrices.

In the totally decoupled limit, where the units of a layer behave as independent random functions of the layer before,
capacity moves backwards through ``y_j = sum_i w_ji x_i + b_j`` in proportion to the variance that each input brings:

``kappa_i = sum_j kappa_j T_ji``,  ``T_ji = w_ji^2 / (b_j^2 + sum_i w_ji^2)``.

Without bias the rows of T add up to one: T is stochastic, and capacity a random walk from the output back to the input.
A bias leaks. Layers in series multiply; branches that are added mix in proportion to their variances; branches side by
side stack. These rules are exact; that a network follows them is the assumption, so the kind is ``surrogate``.

>>> first = affine([[1, 2], [0, 3]])
>>> first.matrix
Matrix([
[1/5, 4/5],
[  0,   1]])
>>> (first >> affine([[1, 1]], bias=[1])).propagate([1])
(1/15, 3/5)
>>> first.residual(2).matrix[0, 0]
5/21

References
----------
Donier, J. (2019). Capacity allocation through neural network layers. arXiv:1902.08572. Reconstruction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from sympy import Add, Expr, ImmutableMatrix, Integer, Matrix, Rational
from sympy.core.numbers import Float
from sympy.polys.matrices import DomainMatrix

from ...arguments import as_expression, as_integer, as_real, shown
from ...errors import DomainError, FieldError, ShapeError

SOURCE = "reconstruction of Donier 2019, arXiv:1902.08572"


class CapacityTransition:
    """How one part of a network hands capacity back from its outputs to its inputs.

    Attributes
    ----------
    matrix : sympy.ImmutableMatrix or scipy.sparse.csr_array
        T, a row for each output. Exact where the weights were exact (integers, fractions, expressions), else numeric.
    variances : tuple
        The variance of each output when the inputs are independent of unit variance; what branches are weighted by
        when they are added.
    gains : sympy.ImmutableMatrix or scipy.sparse.csr_array
        By how much the variance of each input changes that of each output, along all paths. In series gains multiply.
    """

    kind = "surrogate"
    source = SOURCE

    def __init__(self, matrix: Any, variances: Sequence[Any], gains: Any = None):
        self.matrix, self.variances, self._gains = matrix, tuple(variances), gains
        if len(self.variances) != matrix.shape[0]:
            raise FieldError(f"{matrix.shape[0]} outputs need as many variances, got {len(self.variances)}")

    @property
    def gains(self) -> Any:
        if self._gains is None:  # of one layer: its shares of its own variances
            self._gains = _rows_times(self.variances, self.matrix)
        return self._gains

    @property
    def exact(self) -> bool:
        return isinstance(self.matrix, ImmutableMatrix)

    @property
    def outputs(self) -> int:
        return int(self.matrix.shape[0])

    @property
    def inputs(self) -> int:
        return int(self.matrix.shape[1])

    @property
    def leaks(self) -> tuple[Any, ...]:
        """The share of each output's capacity that ends in biases; zero for a stochastic matrix."""
        if self.exact:
            return tuple(_cancelled(1 - Add(*self.matrix.row(place))) for place in range(self.outputs))
        return tuple((1 - self.matrix.sum(axis=1)).tolist())

    def propagate(self, capacities: Iterable[Any]) -> tuple[Any, ...]:
        """Capacities of the inputs from those of the outputs: ``kappa T``."""
        given = list(capacities)
        if len(given) != self.outputs:
            raise ShapeError(f"{self.outputs} outputs need as many capacities, got {len(given)}")
        if self.exact:
            row = ImmutableMatrix([[_entry(value) for value in given]])
            return tuple(_multiply(row, self.matrix))
        return tuple((self.matrix.T @ [float(value) for value in given]).tolist())

    def __rshift__(self, following: CapacityTransition) -> CapacityTransition:
        """In series: the matrices multiply, last layer first."""
        if not isinstance(following, CapacityTransition):
            return NotImplemented
        if following.inputs != self.outputs:
            raise ShapeError(f"a part with {self.outputs} outputs does not fit one with {following.inputs} inputs")
        first, second = _alike(self, following)
        near, far = _alike(self, following, "gains")
        if isinstance(first, ImmutableMatrix):
            # Beside what arrives times its gains, each output has the variance of its own biases.
            column = ImmutableMatrix([variance - 1 for variance in self.variances])
            added = _multiply(far, column)
            variances = [_cancelled(own + more) for own, more in zip(following.variances, added, strict=True)]
            return CapacityTransition(_multiply(second, first), variances, _multiply(far, near))
        added = far @ (np.array(self.variances, dtype=float) - 1)
        own = np.array(following.variances, dtype=float)
        return CapacityTransition(second @ first, (own + added).tolist(), far @ near)

    def __add__(self, other: CapacityTransition) -> CapacityTransition:
        """Branches of one input, added: a mixture in proportion to the variances."""
        if not isinstance(other, CapacityTransition):
            return NotImplemented
        if (self.outputs, self.inputs) != (other.outputs, other.inputs):
            raise ShapeError(
                f"branches that are added need equal shapes, got {self.outputs} x {self.inputs} "
                f"and {other.outputs} x {other.inputs}"
            )
        one, two = _alike(self, other)
        variances = tuple(mine + yours for mine, yours in zip(self.variances, other.variances, strict=True))
        if isinstance(one, ImmutableMatrix):
            rows = [
                [_cancelled((mine * one[j, i] + yours * two[j, i]) / total) for i in range(self.inputs)]
                for j, (mine, yours, total) in enumerate(zip(self.variances, other.variances, variances, strict=True))
            ]
            gains = ImmutableMatrix(self.gains + other.gains)
            return CapacityTransition(ImmutableMatrix(self.outputs, self.inputs, sum(rows, [])), variances, gains)
        import scipy.sparse as sp

        near, far = _alike(self, other, "gains")
        totals = np.array(variances, dtype=float)
        left = sp.diags_array(np.array(self.variances, dtype=float) / totals)
        right = sp.diags_array(np.array(other.variances, dtype=float) / totals)
        return CapacityTransition(sp.csr_array(left @ one + right @ two), totals.tolist(), near + far)

    def __or__(self, other: CapacityTransition) -> CapacityTransition:
        """Branches of one input, side by side: the rows stack."""
        if not isinstance(other, CapacityTransition):
            return NotImplemented
        if self.inputs != other.inputs:
            raise ShapeError(f"branches side by side need one input, got {self.inputs} and {other.inputs} numbers")
        (one, two), (near, far) = _alike(self, other), _alike(self, other, "gains")
        variances = self.variances + other.variances
        if isinstance(one, ImmutableMatrix):
            gains = ImmutableMatrix(near.col_join(far))
            return CapacityTransition(ImmutableMatrix(one.col_join(two)), variances, gains)
        import scipy.sparse as sp

        gains = sp.csr_array(sp.vstack([near, far]))
        return CapacityTransition(sp.csr_array(sp.vstack([one, two])), variances, gains)

    def disjoint(self, other: CapacityTransition) -> CapacityTransition:
        """On inputs of their own, side by side: a block diagonal matrix."""
        (one, two), (near, far) = _alike(self, other), _alike(self, other, "gains")
        variances = self.variances + other.variances
        if isinstance(one, ImmutableMatrix):
            gains = ImmutableMatrix(Matrix.diag(near, far))
            return CapacityTransition(ImmutableMatrix(Matrix.diag(one, two)), variances, gains)
        import scipy.sparse as sp

        gains = sp.csr_array(sp.block_diag([near, far]))
        return CapacityTransition(sp.csr_array(sp.block_diag([one, two])), variances, gains)

    def kronecker(self, other: CapacityTransition) -> CapacityTransition:
        """Acting on one axis each: positions by self, channels by other."""
        (one, two), (near, far) = _alike(self, other), _alike(self, other, "gains")
        variances = tuple(mine * yours for mine in self.variances for yours in other.variances)
        return CapacityTransition(_kronecker(one, two), variances, _kronecker(near, far))

    def scaled(self, factor: Any) -> CapacityTransition:
        """Multiplied by a number: where capacity goes stays, the weight in a sum changes with its square."""
        square = _entry(factor) ** 2
        if square.is_zero:
            raise DomainError("a branch scaled by zero brings nothing; leave it out")
        if not self.exact:
            number = float(square)
            return CapacityTransition(self.matrix, [number * float(v) for v in self.variances], number * self.gains)
        gains = ImmutableMatrix(self.gains * square)
        return CapacityTransition(self.matrix, [square * variance for variance in self.variances], gains)

    def residual(self, scale: Any = 1) -> CapacityTransition:
        """The block ``x + scale * f(x)``."""
        return identity(self.inputs, exact=self.exact) + self.scaled(scale)

    def power(self, count: int) -> CapacityTransition:
        """So many copies in series."""
        if not isinstance(count, int) or count < 1:
            raise FieldError(
                f"a number of copies is a positive integer, got {shown(count)}; for symbols use KernelWalk"
            )
        result: CapacityTransition | None = None
        square = self
        while True:
            if count & 1:
                result = square if result is None else square >> result
            count >>= 1
            if not count:
                assert result is not None
                return result
            square = square >> square

    def dense(self) -> Any:
        """The matrix as a NumPy array of floats."""
        return np.array(self.matrix.tolist(), dtype=float) if self.exact else self.matrix.toarray()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CapacityTransition) or self.exact != other.exact:
            return NotImplemented
        if self.exact:
            return bool(self.matrix == other.matrix and self.variances == other.variances)
        same = self.matrix.shape == other.matrix.shape and abs(self.matrix - other.matrix).nnz == 0
        return bool(same and self.variances == other.variances)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"CapacityTransition({self.outputs} x {self.inputs}, {'exact' if self.exact else 'numeric'})"


def identity(size: int, *, exact: bool = True) -> CapacityTransition:
    """The identity, whose outputs have unit variance."""
    if not exact:
        import scipy.sparse as sp

        return CapacityTransition(sp.csr_array(sp.eye_array(size)), [1.0] * size)
    return CapacityTransition(ImmutableMatrix(Matrix.eye(size)), [Integer(1)] * size)


def affine(weights: Any, bias: Any = None) -> CapacityTransition:
    """A fully connected layer, or any other that is affine in its input.

    Parameters
    ----------
    weights : sympy.Matrix, nested sequence, NumPy array or scipy sparse matrix
        A row for each output. Exact entries give an exact transition, floats a numeric one.
    bias : sequence, optional

    Raises
    ------
    DomainError
        If an output has no weight and no bias at all: it depends on nothing.
    """
    import sys

    numpy = sys.modules.get("numpy")
    is_array = hasattr(weights, "tocsr") or (numpy is not None and isinstance(weights, numpy.ndarray))
    if is_array and weights.dtype.kind not in "iuO":
        return _numeric_affine(weights, bias)
    rows = [[_entry(value) for value in row] for row in (weights.tolist() if hasattr(weights, "tolist") else weights)]
    offsets = [Integer(0)] * len(rows) if bias is None else [_entry(value) for value in bias]
    if not rows or not rows[0] or any(len(row) != len(rows[0]) for row in rows):
        raise FieldError("weights are a matrix with a row for each output, all of one length")
    if len(offsets) != len(rows):
        raise FieldError(f"{len(rows)} outputs need as many biases, got {len(offsets)}")
    if any(value.has(Float) for value in [*sum(rows, []), *offsets]):
        return _numeric_affine(np.array([[float(v) for v in row] for row in rows]), [float(v) for v in offsets])
    variances, entries = [], []
    for place, (row, offset) in enumerate(zip(rows, offsets, strict=True)):
        total = Add(offset**2, *[value**2 for value in row])
        if total.is_zero:
            raise DomainError(f"output {place} has no weight and no bias, so its capacity has nowhere to go")
        variances.append(total)
        entries += [_cancelled(value**2 / total) for value in row]
    return CapacityTransition(ImmutableMatrix(len(rows), len(rows[0]), entries), variances)


def _numeric_affine(weights: Any, bias: Any) -> CapacityTransition:
    import scipy.sparse as sp

    squares = sp.csr_array(weights, dtype=float) ** 2
    offsets = np.zeros(squares.shape[0]) if bias is None else np.asarray(bias, dtype=float)
    if offsets.shape != (squares.shape[0],):
        raise FieldError(f"{squares.shape[0]} outputs need as many biases, got the shape {offsets.shape}")
    if not (np.all(np.isfinite(squares.data)) and np.all(np.isfinite(offsets))):
        raise FieldError("weights and biases must be finite")
    totals = squares.sum(axis=1) + offsets**2
    if (totals == 0).any():
        place = int(np.flatnonzero(totals == 0)[0])
        raise DomainError(f"output {place} has no weight and no bias, so its capacity has nowhere to go")
    return CapacityTransition(sp.csr_array(sp.diags_array(1 / totals) @ squares), totals.tolist())


def convolution(
    kernel: Sequence[Any],
    extent: int,
    *,
    stride: int = 1,
    padding: int | tuple[int, int] = 0,
    dilation: int = 1,
    bias: Any = None,
) -> CapacityTransition:
    """A one-channel convolution of a sequence; taps that meet padding bring no variance.

    Parameters
    ----------
    kernel : sequence
    extent : int
        The number of inputs.
    stride, dilation : int
    padding : int or (int, int)
        On the left and on the right.
    bias : number, optional
        The same at all positions.
    """
    left, right = (padding, padding) if isinstance(padding, int) else padding
    reach = (len(kernel) - 1) * dilation + 1
    positions = (extent + left + right - reach) // stride + 1
    if positions < 1 or min(left, right) < 0 or min(stride, dilation) < 1:
        raise ShapeError(
            f"a kernel that reaches over {reach} inputs does not fit {extent} inputs, padding {left}, {right}"
        )
    taps = [_entry(value) for value in kernel]
    rows = []
    for position in range(positions):
        row: list[Expr] = [Integer(0)] * extent
        for tap, weight in enumerate(taps):
            place = position * stride + tap * dilation - left
            if 0 <= place < extent:
                row[place] = weight
        rows.append(row)
    return affine(rows, None if bias is None else [bias] * positions)


def pooling(windows: Sequence[Sequence[int]], inputs: int) -> CapacityTransition:
    """Averages over windows, each given by the numbers of its inputs: capacity spreads evenly over a window.

    Also used for maxima of exchangeable inputs, where every input is the largest with the same probability.
    """
    rows = []
    for window in windows:
        points = set(window)
        if not points or min(points) < 0 or max(points) >= inputs:
            raise FieldError(f"a window is a non-empty set of numbers below {inputs}, got {shown(window)}")
        rows.append([Rational(int(place in points), len(points)) for place in range(inputs)])
    return affine(rows)


def attention(pattern: Any, values: Any = None) -> CapacityTransition:
    """Attention with a given pattern: output t is ``sum_s A_ts V x_s``, and A is taken as given, not as computed.

    Parameters
    ----------
    pattern : matrix
        A, a row for each query.
    values : matrix, optional
        V, acting on the features of each position; inputs and outputs are then ordered positions first, features last.
    """
    positions = affine(pattern)
    return positions if values is None else positions.kronecker(affine(values))


def series(*parts: CapacityTransition) -> CapacityTransition:
    """Parts one after the other, the one next to the input first."""
    if not parts:
        raise FieldError("a series needs at least one part")
    result = parts[0]
    for part in parts[1:]:
        result = result >> part
    return result


def _entry(value: Any) -> Expr:
    if isinstance(value, Expr):
        return as_expression(value, "a weight")
    if isinstance(value, Fraction):
        return Rational(value.numerator, value.denominator)
    try:
        return Integer(as_integer(value, "a weight"))
    except FieldError:
        pass
    if not hasattr(value, "__float__"):
        raise FieldError(f"weights are numbers or expressions, got {shown(value)}")
    return Float(as_real(value, "a weight"))


def _cancelled(value: Expr) -> Expr:
    return value if value.is_Rational else value.cancel()


def _multiply(left: ImmutableMatrix, right: ImmutableMatrix) -> ImmutableMatrix:
    """A product of matrices of rational functions, in a common field, which keeps the entries small."""
    one, two = DomainMatrix.from_Matrix(left).to_field().unify(DomainMatrix.from_Matrix(right).to_field())
    return ImmutableMatrix((one.to_dense() * two.to_dense()).to_Matrix())


def _kronecker(one: Any, two: Any) -> Any:
    if isinstance(one, ImmutableMatrix):
        rows = [
            [one[a, c] * two[b, d] for c in range(one.cols) for d in range(two.cols)]
            for a in range(one.rows)
            for b in range(two.rows)
        ]
        return ImmutableMatrix(one.rows * two.rows, one.cols * two.cols, sum(rows, []))
    import scipy.sparse as sp

    return sp.csr_array(sp.kron(one, two))


def _rows_times(factors: Sequence[Any], matrix: Any) -> Any:
    """Each row times a number."""
    if isinstance(matrix, ImmutableMatrix):
        entries = [_cancelled(factors[j] * matrix[j, i]) for j in range(matrix.rows) for i in range(matrix.cols)]
        return ImmutableMatrix(matrix.rows, matrix.cols, entries)
    import scipy.sparse as sp

    return sp.csr_array(sp.diags_array(np.array(factors, dtype=float)) @ matrix)


def _alike(one: CapacityTransition, two: CapacityTransition, what: str = "matrix") -> tuple[Any, Any]:
    """Both matrices exact, or both numeric."""
    mine, yours = getattr(one, what), getattr(two, what)
    if one.exact == two.exact:
        return mine, yours
    import scipy.sparse as sp

    return tuple(
        sp.csr_array(np.array(part.tolist(), dtype=float)) if isinstance(part, ImmutableMatrix) else part
        for part in (mine, yours)
    )
