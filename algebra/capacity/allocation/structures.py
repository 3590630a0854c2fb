r"""Closed forms of capacity allocation, derived from how the weights of a predictor are composed: products and sums.

A structure knows, for white inputs, the space T in which its parameters can move the predictor w. Two facts suffice:

* T contains w itself whenever anything can be trained (scaling the parameters scales w), so ``T = span(w) + T'`` with
  T' orthogonal to w;
* for a Kronecker product ``w = u (x) v`` the parts ``span(w)``, ``T_u' (x) v`` and ``u (x) T_v'`` are orthogonal. With
  the *shares* ``p_i = u_i^2/||u||^2`` and ``q_j = v_j^2/||v||^2`` this gives
  ``kappa_ij = p_i q_j + (kappa^u_i - p_i) q_j + p_i (kappa^v_j - q_j)``, and totals add up but for one each;
* the matrices of rank r near ``U V^T`` move along ``A V^T + U B^T``, whose projector is
  ``1 - (1 - P_U) (x) (1 - P_V)``.

Everything else is put together from these. A separable kernel of two free factors:

>>> from sympy import symbols
>>> k = symbols("k", integer=True, positive=True)
>>> kernel = Kronecker(Free(k, name="p"), Free(k, name="q"))
>>> i, j = symbols("i j", integer=True)
>>> kernel.total, kernel.capacity(i, j).expand()
(2*k - 1, -p(i)*q(j) + p(i) + q(j))

Average pooling of k inputs before a dense layer of m weights:

>>> m = symbols("m", integer=True, positive=True)
>>> pooled = Kronecker(Free(m), Uniform(k))
>>> pooled.total, pooled.capacity(i, j)
(m, 1/k)
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

from sympy import Add, Expr, Function, Integer, Mul, Piecewise, Symbol, sympify

from ...arguments import shown
from ...errors import FieldError, UnsupportedError
from ...sizes.dims import as_size
from .of_jacobian import SOURCE


class Structure:
    """How the weights of a linear predictor are composed; the common face of the classes below.

    Attributes
    ----------
    extents : tuple of sympy.Expr
        The extents of the axes that the inputs lie on.
    total : sympy.Expr
        The dimension of the space in which the parameters move the predictor.
    conditions : tuple of str
        What "generic" means here: the closed forms hold for weights that satisfy this.
    trainable : bool
    """

    extents: tuple[Expr, ...]
    total: Expr
    conditions: tuple[str, ...] = ()
    trainable: bool = True
    kind = "exact"
    source = SOURCE

    def share(self, *index: Any) -> Expr:
        """The share ``w_i^2 / ||w||^2`` of an input in the squared length of the predictor."""
        raise NotImplementedError

    def capacity(self, *index: Any) -> Expr:
        """The capacity of the input at an index, numeric or symbolic."""
        raise NotImplementedError

    def spatial(self) -> tuple[Expr, ...]:
        """The capacity of every input, last axis fastest; for extents that are numbers."""
        for extent in self.extents:
            if not extent.is_Integer:
                raise UnsupportedError(f"the extent {extent} is symbolic; ask for capacity(index) instead")
        return tuple(self.capacity(*index) for index in product(*[range(int(extent)) for extent in self.extents]))

    def _check(self, index: tuple[Any, ...]) -> tuple[Expr, ...]:
        if len(index) != len(self.extents):
            raise FieldError(f"an input of this predictor has {len(self.extents)} indices, got {shown(index)}")
        checked = tuple(as_size(place, "an index", least=0) for place in index)
        for place, extent in zip(checked, self.extents, strict=True):
            if (extent - 1 - place).is_negative:
                raise FieldError(f"the index {place} is beyond the extent {extent}")
        return checked


class Free(Structure):
    """A vector of independent weights: every input has a parameter of its own.

    Parameters
    ----------
    extent : int or sympy.Expr
    weights : sequence, optional
        Their values, if shares are to be numbers or expressions in them.
    name : str
        Of the function that stands for the shares otherwise.
    """

    def __init__(self, extent: Any, weights: Sequence[Any] | None = None, name: str = "p"):
        self.extents = (as_size(extent, "the extent"),)
        self.weights = _weights(weights, self.extents[0])
        self.name = name
        self.total = self.extents[0]
        self.conditions = ()

    def share(self, *index: Any) -> Expr:
        (place,) = self._check(index)
        return _share(self.weights, place, self.name)

    def capacity(self, *index: Any) -> Expr:
        self._check(index)
        return Integer(1)


class Fixed(Structure):
    """A vector of weights that are not trained, such as a pooling window."""

    trainable = False

    def __init__(self, weights: Sequence[Any]):
        self.extents = (Integer(len(weights)),)
        self.weights = _weights(weights, self.extents[0])
        self.total = Integer(0)

    def share(self, *index: Any) -> Expr:
        (place,) = self._check(index)
        return _share(self.weights, place, "p")

    def capacity(self, *index: Any) -> Expr:
        self._check(index)
        return Integer(0)


class Uniform(Structure):
    """Equal weights that are not trained, their number possibly symbolic: the window of an average pool."""

    trainable = False

    def __init__(self, extent: Any):
        self.extents = (as_size(extent, "the extent"),)
        self.total = Integer(0)

    def share(self, *index: Any) -> Expr:
        self._check(index)
        return 1 / self.extents[0]

    def capacity(self, *index: Any) -> Expr:
        self._check(index)
        return Integer(0)


class Kronecker(Structure):
    """A predictor ``w_ijk... = u_i v_j ...``: separable kernels, pooling, dilated convolutions that do not overlap.

    Parameters
    ----------
    *factors : Structure
        Each on axes of its own, in this order.
    """

    def __init__(self, *factors: Structure):
        if not factors:
            raise FieldError("a Kronecker product needs at least one factor")
        self.factors = factors
        self.extents = tuple(extent for factor in factors for extent in factor.extents)
        self.trainable = any(factor.trainable for factor in factors)
        self.total = Add(1, *[factor.total - 1 for factor in factors if factor.trainable])
        if not self.trainable:
            self.total = Integer(0)
        own = () if len(factors) == 1 else ("no factor is zero",)
        self.conditions = tuple(dict.fromkeys(own + tuple(c for factor in factors for c in factor.conditions)))

    def _split(self, index: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        checked = self._check(index)
        parts, start = [], 0
        for factor in self.factors:
            parts.append(checked[start : start + len(factor.extents)])
            start += len(factor.extents)
        return parts

    def share(self, *index: Any) -> Expr:
        return Mul(*[factor.share(*part) for factor, part in zip(self.factors, self._split(index), strict=True)])

    def capacity(self, *index: Any) -> Expr:
        if not self.trainable:
            self._check(index)
            return Integer(0)
        parts = self._split(index)
        moving = [place for place, factor in enumerate(self.factors) if factor.trainable]
        if len(moving) == 1:
            # Nothing to subtract: the one trained factor, times the shares of the fixed ones.
            (only,) = moving
            others = [
                f.share(*part) for place, (f, part) in enumerate(zip(self.factors, parts, strict=True)) if place != only
            ]
            return Mul(self.factors[only].capacity(*parts[only]), *others)
        shares = [factor.share(*part) for factor, part in zip(self.factors, parts, strict=True)]
        terms = [Mul(*shares)]
        for place in moving:
            own = self.factors[place].capacity(*parts[place]) - shares[place]
            terms.append(Mul(own, *[share for other, share in enumerate(shares) if other != place]))
        return Add(*terms)


class DirectSum(Structure):
    """Predictors on inputs of their own, side by side along one axis."""

    def __init__(self, *parts: Structure):
        if not parts or any(len(part.extents) != 1 for part in parts):
            raise FieldError("a direct sum needs parts with one axis each")
        self.parts = parts
        self.extents = (Add(*[part.extents[0] for part in parts]),)
        self.trainable = any(part.trainable for part in parts)
        self.total = Add(*[part.total for part in parts])
        self.conditions = tuple(dict.fromkeys(c for part in parts for c in part.conditions))

    def capacity(self, *index: Any) -> Expr:
        (place,) = self._check(index)
        pieces, start = [], Integer(0)
        for part in self.parts:
            stop = start + part.extents[0]
            if place.is_Integer and start.is_Integer and stop.is_Integer:
                if start <= place < stop:
                    return part.capacity(place - start)
            else:
                # The index of a part that it is not in stays symbolic, so that no part refuses it.
                local = Symbol("index", integer=True, nonnegative=True)
                pieces.append((part.capacity(local).xreplace({local: place - start}), place < stop))
            start = stop
        return Piecewise(*pieces)


def _weights(weights: Sequence[Any] | None, extent: Expr) -> tuple[Expr, ...] | None:
    if weights is None:
        return None
    if any(isinstance(weight, (str, bytes)) for weight in weights):
        raise FieldError("weights are numbers or expressions, not text")
    found = tuple(sympify(weight, strict=True) for weight in weights)
    if len(found) != extent:
        raise FieldError(f"{extent} weights are needed, got {len(found)}")
    if all(weight.is_zero for weight in found):
        raise FieldError("the weights of a factor cannot all be zero")
    return found


def _share(weights: tuple[Expr, ...] | None, place: Expr, name: str) -> Expr:
    if weights is None:
        return Function(name)(place)
    squares = [weight**2 for weight in weights]
    if place.is_Integer:
        return squares[int(place)] / Add(*squares)
    if len(set(squares)) == 1:
        return Integer(1) / len(squares)
    raise UnsupportedError("the share at a symbolic index of given weights has no formula; leave the weights out")
