"""Lower bounds on the elements that any order of computing a contraction moves between a slow memory and a fast one of S elements.

The points of a contraction that can be computed while at most X elements of its arrays are at hand are at most

    U(X) = X**sigma * prod (s_j / sigma)**s_j,   sigma = sum s_j,

for exponents s_j of the inequality of Hoelder, Brascamp and Lieb, ``|E| <= prod |phi_j(E)|**s_j``, where ``phi_j`` takes a point to the
element that array j has for it. They are valid if ``rank H <= sum s_j rank phi_j(H)`` for the subgroups H that the kernels of the maps
generate; the least sigma is found by an exact linear program. Cut the computation wherever ``X - S`` elements have been loaded: each piece
computes at most U(X) points, so that V points need at least ``(V/U(X) - 1)(X - S)`` loads. The best X is ``S sigma/(sigma - 1)``, and gives

    V (sigma - 1)**(sigma - 1) / (S**(sigma - 1) prod s_j**s_j) - S/(sigma - 1).

Where an index stands beside others in an address, as in the windows of a convolution, the points of each of its values count by themselves:

    |E| <= F prod |phi_j(E)|**s_j,   F = N**(1 - sum t_j) prod m_j**t_j,   0 <= t_j <= s_j,   sum t_j <= 1,

with the exponents of the maps without it, its `N` values, and at most `m_j` values for which an element of array j is read: Hoelder's
inequality for the sum over its values, since ``sum_u |phi_j(E_u)| <= m_j |phi_j(E)|``. With `k` taps and a stride `s` that gives
``F = sqrt(ceil(k/s))``, the factor of Demmel and Dinh for small filters. Both bounds hold, so that the larger one does.

This counts loads if the output is added to what is there. If it begins at zero, there are at most as many loads fewer as the output has
elements, and as many stores more. A matrix product has the exponents 1/2, so that at least ``2 m n k/sqrt(S) - 2 S`` elements move.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sympy import Expr, Integer, Matrix, Max, Min, Mul, Pow, Symbol, ceiling, gcd
from sympy.solvers.simplex import lpmin

from ..arguments import as_integer, checked, shown
from ..equations.affine import affine
from ..equations.heads import Group, Read, Reduce, Times, address_indices, is_constant
from ..equations.instance import Instance
from ..equations.statements import is_contraction
from ..equations.volume import volume
from ..errors import BudgetError, FieldError, UnsupportedError
from ..networks.evaluator import input_flows
from ..networks.layer import Layer
from ..records import dataclass
from ..sizes.dims import Index

MOST_SUBGROUPS = 60


@dataclass(frozen=True)
class MovementBound:
    """A lower bound on the elements that move for one contraction.

    Attributes
    ----------
    formula : Expr
        Elements that move, at least; below 0 where the memory holds all that there is.
    exponents : dict of str to Expr
        Of the inequality, for each array.
    statement : str
        The tensor that the contraction defines.
    kind, source : str

    Examples
    --------
    >>> from layeralgebra import Linear, data_movement_bound, dims
    >>> m, n, k, S = dims("m n k S")
    >>> bound = data_movement_bound(Linear(n, bias=False), S, on=(m, k))
    >>> bound.exponents, bound.kind
    ({'y': 1/2, 'W': 1/2, 'x': 1/2}, 'lower')
    """

    formula: Expr
    exponents: dict[str, Expr]
    statement: str
    kind: str = "lower"
    source: str = (
        "Christ, Demmel, Knight, Scanlon, Yelick 2013, EECS-2013-61; constant as in Olivry et al. 2020, PLDI, and for the matrix product in "
        "Smith, Lowery, Langou, van de Geijn 2017, arXiv 1702.02017"
    )


@checked
def data_movement_bound(layer: Layer, memory: Any, *, on: Any, tensor: str | None = None) -> MovementBound:
    """The elements that move at least between a slow memory and a fast one, for one contraction of a layer.

    Parameters
    ----------
    layer : Layer
        With a sum of products in one of its lines.
    memory : int or Expr
        Elements that the fast memory holds.
    on : shape
        What enters the layer.
    tensor : str, optional
        The tensor that the contraction defines; the only contraction, if left out.

    Returns
    -------
    MovementBound

    Raises
    ------
    FieldError
        If `layer` is no layer, or has no such contraction.
    ShapeError
        If what enters does not fit the layer.
    UnsupportedError
        If an address is not made of literal multiples of indices, or a tensor is read in two places.
    BudgetError
        If the maps of the contraction generate too many subgroups.

    Examples
    --------
    >>> from layeralgebra import Linear, data_movement_bound, dims
    >>> m, n, k, S = dims("m n k S")
    >>> data_movement_bound(Linear(n, bias=False), S, on=(m, k)).formula
    -2*S + 2*k*m*n/sqrt(S)

    References
    ----------
    Christ, Demmel, Knight, Scanlon, Yelick, "Communication Lower Bounds and Optimal Algorithms for Programs that Reference Arrays", UCB/EECS-2013-61
    (2013).

    Demmel, Dinh, "Communication-Optimal Convolutional Neural Nets", arXiv 1802.06905 (2018).

    Olivry, Langou, Pouchet, Sadayappan, Rastello, "Automated Derivation of Parametric Data Movement Lower Bounds for Affine Programs", PLDI 2020.

    Smith, Lowery, Langou, van de Geijn, "A Tight I/O Lower Bound for Matrix Multiplication", arXiv 1702.02017 (2017).
    """
    if not isinstance(layer, Layer):
        raise FieldError(f"data_movement_bound takes one layer, got {shown(layer)}")
    size = memory if isinstance(memory, Expr) else Integer(as_integer(memory, "memory"))
    if size.is_positive is False:
        raise FieldError(f"memory holds at least one element, got {shown(memory)}")
    instance: Instance = layer.instance(*(flow.shape for flow in input_flows(on)))
    found = {place: products for place in instance.live if len(products := _contractions(instance, place)) == 1}
    names = {instance.statements[place].target: place for place in found}
    if tensor is None and len(names) != 1 or tensor is not None and tensor not in names:
        asked = "" if tensor is None else f" of {tensor}"
        raise FieldError(
            f"{layer} has no one contraction{asked}; it has those of {', '.join(names) or 'no tensor'}; pass tensor="
        )
    place = next(iter(names.values())) if tensor is None else names[tensor]
    head = found[place][0]
    assert isinstance(head.body, Times)
    statement = instance.statements[place]
    arrays: dict[str, Sequence[Any]] = {statement.target: statement.address}
    for factor in head.body.factors:
        if is_constant(factor):
            continue
        if not isinstance(factor, Read):
            raise UnsupportedError(
                f"{layer}: a factor of {statement.target} is no tensor by itself; give it a line of its own"
            )
        if arrays.get(factor.tensor, factor.address) != factor.address:
            raise UnsupportedError(f"{layer}: {factor.tensor} is read in two places of one contraction")
        arrays[factor.tensor] = factor.address
    points_of = {index for address in arrays.values() for part in address for index in _indices(part)} | set(
        head.indices
    )
    indices = sorted(points_of, key=str)
    points = volume(frozenset(indices), head, place, instance, True)
    extents = instance.extents[place]
    found_bounds: list[tuple[Expr, dict[str, Expr]]] = []
    refused: UnsupportedError | None = None
    windows = _windows(statement.address, arrays.values())
    for apart in dict.fromkeys((frozenset(), windows)):
        try:
            left = [index for index in indices if index not in apart]
            maps = [_matrix(layer, address, left) for address in arrays.values()]
        except UnsupportedError as error:
            refused = error
            continue
        exponents = _exponents(maps, len(left))
        several = _several(apart, extents, list(arrays.values()), exponents)
        found_bounds.append((_bound(points, several, exponents, size), dict(zip(arrays, exponents))))
    if not found_bounds:
        assert refused is not None
        raise refused
    formula = found_bounds[0][0] if len(found_bounds) == 1 else Max(*(bound for bound, _ in found_bounds))
    return MovementBound(formula, found_bounds[-1][1], statement.target)


def _bound(points: Expr, several: Expr, exponents: Sequence[Expr], size: Expr) -> Expr:
    """The bound of an inequality with a factor."""
    power = sum(exponents, Integer(0))
    if power <= 1:
        return Integer(0)
    scale = Pow(power - 1, power - 1) / Mul(*(Pow(s, s) for s in exponents if s))
    formula = points * scale / (several * Pow(size, power - 1)) - size / (power - 1)
    return formula.expand()


def _indices(part: Any) -> frozenset[Index]:
    return address_indices(part)


def _windows(left: Sequence[Any], addresses: Any) -> frozenset[Index]:
    """The indices that stand beside others in an address and not on the left side."""
    kept = {index for part in left for index in _indices(part)}
    beside = {
        index for address in addresses for part in address if not isinstance(part, (Group, Read)) and len(_indices(part)) > 1
        for index in _indices(part)
    }  # fmt: skip
    return frozenset(beside - kept)


def _several(
    apart: frozenset[Index],
    extents: Mapping[Index, Expr],
    addresses: Sequence[Sequence[Any]],
    exponents: Sequence[Expr],
) -> Expr:
    """The factor of the sum over the values of the indices that are apart: those arrays first of which an element serves fewest of them."""
    values = Mul(*(extents[index] for index in sorted(apart, key=str)))
    serves = [(_serves(apart, extents, address), power) for address, power in zip(addresses, exponents)]
    left, factor = Integer(1), Integer(1)
    for fewest, power in sorted(serves, key=lambda one: (one[0] != 1, one[0] == values, str(one[0]))):
        share = Min(left, power)
        factor, left = factor * Pow(fewest, share), left - share
    return factor * Pow(values, left)


def _serves(apart: frozenset[Index], extents: Mapping[Index, Expr], address: Sequence[Any]) -> Expr:
    """For how many values of the indices that are apart an element of an array is read, at most."""
    found: Expr = Integer(1)
    for index in apart:
        most = extents[index]
        for part in address:
            here = _indices(part)
            if part == index or isinstance(part, Group) and index in here:
                most = Integer(1)
            elif index in here and isinstance(part, Expr) and len(here & apart) == 1:
                form = affine(part)
                if form is None or len(form[0]) != 2:
                    continue
                step, (other,) = form[0][index], (s for i, s in form[0].items() if i != index)
                if step == 1 and other.is_positive:
                    most = ceiling(extents[index] / other)
                elif step.is_Integer and other.is_Integer and other != 0:
                    most = ceiling(extents[index] * gcd(step, other) / abs(other))
        found = found * most
    return found


def _contractions(instance: Instance, place: int) -> list[Reduce]:
    heads = [head for head, _ in instance.statements[place].scoped]
    return [head for head in heads if isinstance(head, Reduce) and is_contraction(head)]


def _matrix(layer: Layer, address: Sequence[Any], indices: Sequence[Index]) -> Matrix:
    """The map of an address on these indices, the others held where they are; a multiple of one index is as good as the index."""
    rows: list[dict[Index, Expr]] = []
    for part in address:
        if isinstance(part, Group):
            rows += [{index: Integer(1)} for index in part.parts]
            continue
        form = None if isinstance(part, Read) else affine(part)
        here = None if form is None else {index: step for index, step in form[0].items() if index in indices}
        if here is not None and len(here) == 1 and all(step.is_positive or step.is_negative for step in here.values()):
            here = dict.fromkeys(here, Integer(1))
        if here is None or any(not step.is_Integer for step in here.values()):
            raise UnsupportedError(
                f"{layer}: the address {part} is not made of literal multiples of indices; give numbers for its strides"
            )
        rows.append(here)
    return Matrix([[row.get(index, 0) for index in indices] for row in rows] or [[0] * len(indices)])


def _exponents(maps: Sequence[Matrix], dimension: int) -> list[Expr]:
    """The exponents of the least sum, over the lattice of subgroups that the kernels generate and all points of the grid."""
    spaces = [_basis(matrix.nullspace(), dimension) for matrix in maps]
    known = {_key(space): space for space in spaces if space.rows}
    queue = list(known.values())
    while queue:
        one = queue.pop()
        for other in list(known.values()):
            for made in (_basis([*_vectors(one), *_vectors(other)], dimension), _meet(one, other, dimension)):
                if made.rows and _key(made) not in known:
                    if len(known) >= MOST_SUBGROUPS:
                        raise BudgetError(f"the maps of this contraction generate more than {MOST_SUBGROUPS} subgroups")
                    known[_key(made)] = made
                    queue.append(made)
    whole = Matrix.eye(dimension)
    known[_key(whole)] = whole
    symbols = [Symbol(f"s{n}", nonnegative=True) for n in range(len(maps))]
    limits = [symbol <= 1 for symbol in symbols] + [symbol >= 0 for symbol in symbols]
    for space in known.values():
        ranks = [(matrix * space.T).rank() for matrix in maps]
        limits.append(sum((rank * symbol for rank, symbol in zip(ranks, symbols)), Integer(0)) >= space.rows)
    _, found = lpmin(sum(symbols), limits)
    return [found[symbol] for symbol in symbols]


def _vectors(space: Matrix) -> list[Matrix]:
    return [space.row(n).T for n in range(space.rows)]


def _basis(vectors: Sequence[Matrix], dimension: int) -> Matrix:
    if not vectors:
        return Matrix.zeros(0, dimension)
    reduced, pivots = Matrix([list(vector) for vector in vectors]).rref()
    return reduced[: len(pivots), :]


def _meet(one: Matrix, other: Matrix, dimension: int) -> Matrix:
    """The intersection of two row spaces: what is orthogonal to all that is orthogonal to one of them."""
    outside = [*one.nullspace(), *other.nullspace()]
    if not outside:
        return Matrix.eye(dimension)
    return _basis(Matrix([list(vector) for vector in outside]).nullspace(), dimension)


def _key(space: Matrix) -> tuple[Expr, ...]:
    return tuple(space)
