r"""Closed forms of capacity allocation for products of matrices and for recurrences.

The matrices of rank r near ``W = U V^T`` move along ``A V^T + U B^T``, whose projector is ``1 - (1 - P_U) (x) (1 -
P_V)``; hence ``kappa_ij = (P_U)_ii + (P_V)_jj - (P_U)_ii (P_V)_jj``, ``r (n + m - r)`` in total.

>>> from sympy import symbols
>>> n, m, r, i, j = symbols("n m r i j", integer=True, positive=True)
>>> LowRank(n, m, 1).total, LowRank(6, 5, 2).total
(m + n - 1, 18)
>>> LowRank(6, 5, 2).capacity(i, j)
-P_U(i)*P_V(j) + P_U(i) + P_V(j)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import Add, Expr, Function, ImmutableMatrix, Integer, Matrix, Min, Sum, Symbol, sympify

from ...errors import FieldError, UnsupportedError
from ...sizes.dims import as_size
from .exact import exact_allocation
from .structures import Structure


class LowRank(Structure):
    """A matrix of weights ``W = U V^T`` of rank r, both factors trained: a bottleneck, or a matrix product.

    Parameters
    ----------
    rows, columns, rank : int or sympy.Expr
    left, right : matrix, optional
        U and V exactly, if capacities are to be numbers; they stand as ``P_U(i)``, ``P_V(j)`` otherwise.
    """

    def __init__(self, rows: Any, columns: Any, rank: Any, left: Any = None, right: Any = None):
        self.extents = (as_size(rows, "rows"), as_size(columns, "columns"))
        self.rank = Min(as_size(rank, "the rank"), *self.extents)
        self.total = self.rank * (self.extents[0] + self.extents[1] - self.rank)
        self.conditions = (f"the product has the full rank {self.rank}",)
        self.left = self._projector(left, 0)
        self.right = self._projector(right, 1)
        self._product = None if left is None or right is None else Matrix(left) * Matrix(right).T

    def _projector(self, factor: Any, axis: int) -> ImmutableMatrix | None:
        if factor is None:
            return None
        found = exact_allocation(factor)
        if found.projector.rows != self.extents[axis] or found.total != self.rank:
            raise FieldError(
                f"a factor needs {self.extents[axis]} rows and the rank {self.rank}, got {found.projector.rows} "
                f"and {found.total}"
            )
        return found.projector

    def _diagonal(self, axis: int, place: Expr) -> Expr:
        if (self.rank - self.extents[axis]).is_zero:
            return Integer(1)
        known = (self.left, self.right)[axis]
        if known is not None and place.is_Integer:
            return known[int(place), int(place)]
        return Function(("P_U", "P_V")[axis])(place)

    def share(self, *index: Any) -> Expr:
        row, column = self._check(index)
        if self._product is None or not (row.is_Integer and column.is_Integer):
            raise UnsupportedError("the shares of a low-rank product need its factors; pass left= and right=")
        return self._product[int(row), int(column)] ** 2 / Add(*[weight**2 for weight in self._product])

    def capacity(self, *index: Any) -> Expr:
        row, column = self._check(index)
        left, right = self._diagonal(0, row), self._diagonal(1, column)
        return left + right - left * right


class Recurrent(Structure):
    """A linear recurrence ``h_t = A h_{t-1} + b x_t``, ``y = c h_T`` with a state of d numbers, over T inputs.

    The predictor is ``w_t = c A^(T-t) b``. Realisations of a sequence are unique up to a change of basis of the
    state, so of the ``d^2 + 2 d`` parameters ``d^2`` are idle. For d = 1 and lag s the space is spanned by ``a^s``
    and ``s a^s``: with the shares ``p_s`` and their mean and variance, ``kappa_s = p_s (1 + (s - mean)^2 /
    variance)``.

    Parameters
    ----------
    state, length : int or sympy.Expr
    decay : number or sympy.Expr, optional
        The value of a, for d = 1.
    """

    def __init__(self, state: Any, length: Any, decay: Any = None):
        self.state = as_size(state, "the state")
        self.extents = (as_size(length, "the length"),)
        self.total = Min(2 * self.state, self.extents[0])
        self.decay = Symbol("a", positive=True) if decay is None else sympify(decay, strict=True)
        self.conditions = ("the state is reachable and observable", "the eigenvalues of A are distinct and not zero")

    def share(self, *index: Any) -> Expr:
        (lag,) = self._lag(index)
        return self.decay ** (2 * lag) / self._moment(0)

    def capacity(self, *index: Any) -> Expr:
        (lag,) = self._lag(index)
        if (self.total - self.extents[0]).is_zero:
            return Integer(1)
        mean = self._moment(1) / self._moment(0)
        variance = self._moment(2) / self._moment(0) - mean**2
        return self.share(*index) * (1 + (lag - mean) ** 2 / variance)

    def _lag(self, index: tuple[Any, ...]) -> tuple[Expr]:
        (place,) = self._check(index)
        if self.state != 1 and not (self.total - self.extents[0]).is_zero:
            raise UnsupportedError("the capacities of a recurrence have a closed form for a state of one number only")
        return (self.extents[0] - 1 - place,)

    def _moment(self, order: int) -> Expr:
        lag = Symbol("s", integer=True, nonnegative=True)
        if self.extents[0].is_Integer:
            return Add(*[Integer(s) ** order * self.decay ** (2 * s) for s in range(int(self.extents[0]))])
        return Sum(lag**order * self.decay ** (2 * lag), (lag, 0, self.extents[0] - 1))


def matrix_product(*widths: Any) -> LowRank:
    """The product of fully connected linear layers of these widths, inputs first: a matrix of the least width as rank.

    >>> from sympy import symbols
    >>> d, h = symbols("d h", integer=True, positive=True)
    >>> matrix_product(5, 3, 1).total, matrix_product(5, 3, 1).capacity(0, 0)
    (5, 1)
    """
    if len(widths) < 2:
        raise FieldError("a product of layers needs at least two widths")
    sizes = [as_size(width, f"width {place}") for place, width in enumerate(widths)]
    return LowRank(sizes[0], sizes[-1], Min(*sizes))


def attention_circuit(width: Any, head_width: Any) -> LowRank:
    """The query-key circuit ``W_Q W_K^T`` of one head, or its output-value circuit: width x width, of rank head_width.

    Examples
    --------
    >>> attention_circuit(8, 2).total
    28

    Raises
    ------
    FieldError
        If the head is known to be wider than the model; for symbols it is assumed not to be.
    """
    width, head_width = as_size(width, "the width"), as_size(head_width, "the head width")
    if (width - head_width).is_negative:
        raise FieldError(f"a head of width {head_width} is wider than the model of width {width}")
    circuit = LowRank(width, width, head_width)
    circuit.total = circuit.total.xreplace({Min(head_width, width): head_width})
    circuit.rank = circuit.rank.xreplace({Min(head_width, width): head_width})
    return circuit


def tensor_train_total(extents: Sequence[Any], ranks: Sequence[Any]) -> Expr:
    """The number of independent parameters of a train of cores: a dilated stack with several channels.

    A core l has ``r_{l-1} n_l r_l`` weights, and every bond a basis change of ``r_l^2``:
    ``sum_l r_{l-1} n_l r_l - sum_l r_l^2``, ranks first cut to what their two sides can span.

    Parameters
    ----------
    extents : sequence of int or sympy.Expr
        ``n_1 .. n_L``.
    ranks : sequence of int or sympy.Expr
        ``r_1 .. r_{L-1}``, one for each bond.

    References
    ----------
    Holtz, S., Rohwedder, T., Schneider, R. (2012). On manifolds of tensors of fixed TT-rank. Numer. Math. 120.

    Examples
    --------
    >>> tensor_train_total([2, 2, 2], [1, 1]), tensor_train_total([4, 5], [3])
    (4, 18)
    """
    sizes = [as_size(extent, f"extent {place}") for place, extent in enumerate(extents)]
    bonds = [as_size(rank, f"rank {place}") for place, rank in enumerate(ranks)]
    if len(bonds) != len(sizes) - 1:
        raise FieldError(f"a train of {len(sizes)} cores has {len(sizes) - 1} bonds, got {len(bonds)} ranks")
    inner = [Integer(1), *bonds, Integer(1)]
    for place in range(1, len(inner) - 1):
        inner[place] = Min(inner[place], inner[place - 1] * sizes[place - 1])
    for place in range(len(inner) - 2, 0, -1):
        inner[place] = Min(inner[place], sizes[place] * inner[place + 1])
    cores = [inner[place] * size * inner[place + 1] for place, size in enumerate(sizes)]
    return Add(*cores, *[-(rank**2) for rank in inner[1:-1]])
