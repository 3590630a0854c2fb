"""Capacity allocation in exact arithmetic: rational Jacobians, or Jacobians of rational functions of symbols.

With symbols the answer is the *generic* one: it holds wherever no denominator vanishes.

>>> from sympy import symbols
>>> a, b = symbols("a b")
>>> allocation = exact_allocation([[1, 0], [0, 1], [1, 1]])
>>> allocation.total, allocation.spatial
(2, (2/3, 2/3, 2/3))
>>> exact_allocation([[a], [b]]).spatial
(a**2/(a**2 + b**2), b**2/(a**2 + b**2))
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from sympy import Add, Expr, ImmutableMatrix, Integer, Matrix, MatrixBase, Rational
from sympy.core.numbers import Float
from sympy.polys.matrices import DomainMatrix

from ...arguments import as_elements, shown
from ...errors import BudgetError, FieldError
from ...records import dataclass
from .of_jacobian import SOURCE

ENTRIES = 20_000
SYMBOLIC_ENTRIES = 400


@dataclass(frozen=True)
class ExactAllocation:
    """An allocation without rounding.

    Attributes
    ----------
    total : int
        The rank.
    spatial : tuple of sympy.Expr
        The capacity of each input.
    projector : sympy.ImmutableMatrix
        Onto the column space of the Jacobian.
    """

    total: int
    spatial: tuple[Expr, ...]
    projector: ImmutableMatrix
    kind: str = "exact"
    source: str = SOURCE

    def region(self, where: Iterable[int]) -> Expr:
        """The capacity of a set of inputs, given by their numbers."""
        points = sorted(set(where))
        if points and not (points[0] >= 0 and points[-1] < len(self.spatial)):
            raise FieldError(f"inputs are numbered 0 to {len(self.spatial) - 1}, got {points[0]} to {points[-1]}")
        return Add(*[self.spatial[point] for point in points])

    def subspace(self, basis: Any) -> Expr:
        """The capacity ``tr(P_S K K^T)`` of the span of the columns of a matrix."""
        given = _domain_matrix(basis)
        if given.shape[0] != len(self.spatial):
            raise FieldError(f"a basis needs {len(self.spatial)} rows, got {given.shape[0]}")
        projector = _projector(given)[1]
        mine, other = DomainMatrix.from_Matrix(self.projector).to_field().unify(projector)
        product = mine * other
        return product.to_Matrix().trace()


def exact_allocation(jacobian: Any) -> ExactAllocation:
    """The capacity allocation of a predictor with an exact Jacobian and white inputs.

    Parameters
    ----------
    jacobian : sympy.Matrix or nested sequence
        Of integers, fractions and SymPy expressions that are rational in their symbols; a row for each input.

    Returns
    -------
    ExactAllocation

    Raises
    ------
    FieldError
        For floats: they are not exact, and their rank is a matter of tolerance (`allocate` deals with them).
    BudgetError
        For more than 20000 entries, 400 with symbols.
    """
    given = _domain_matrix(jacobian)
    entries = given.shape[0] * given.shape[1]
    limit = ENTRIES if given.domain.is_QQ else SYMBOLIC_ENTRIES
    if entries > limit:
        raise BudgetError(f"an exact allocation of {entries} entries passes the limit of {limit}; use allocate")
    rank, projector = _projector(given)
    matrix = ImmutableMatrix(projector.to_Matrix())
    return ExactAllocation(rank, tuple(matrix[place, place] for place in range(matrix.rows)), matrix)


def _domain_matrix(matrix: Any) -> DomainMatrix:
    if not isinstance(matrix, MatrixBase):
        rows = [
            as_elements(row, "a row of a Jacobian", most=ENTRIES)
            for row in as_elements(matrix, "a Jacobian", most=ENTRIES)
        ]
        if len(set(map(len, rows))) > 1:
            raise FieldError("the rows of a Jacobian are of equal length")
        matrix = Matrix([[_exact(value) for value in row] for row in rows])
    if matrix.rows == 0 or matrix.cols == 0:
        raise FieldError("a Jacobian needs at least one input and one parameter")
    for value in matrix:
        if value.has(Float) or not value.is_rational_function():
            raise FieldError(f"exact arithmetic needs rational entries, got {value}; for floats use allocate")
    return DomainMatrix.from_Matrix(matrix).to_field()


def _exact(value: Any) -> Expr:
    if isinstance(value, Expr):
        return value
    if isinstance(value, Fraction):
        return Rational(value.numerator, value.denominator)
    if hasattr(value, "__index__"):
        return Integer(value.__index__())
    raise FieldError(
        f"exact arithmetic needs integers, fractions or expressions, got {shown(value)}; for floats use allocate"
    )


def _projector(matrix: DomainMatrix) -> tuple[int, DomainMatrix]:
    """The rank of a matrix over a field, and the orthogonal projector onto its columns."""
    _, pivots = matrix.rref()
    if not pivots:
        return 0, DomainMatrix.zeros((matrix.shape[0], matrix.shape[0]), matrix.domain)
    columns = matrix.extract(list(range(matrix.shape[0])), list(pivots)).to_dense()
    gram = columns.transpose() * columns
    return len(pivots), columns * gram.lu_solve(columns.transpose())
