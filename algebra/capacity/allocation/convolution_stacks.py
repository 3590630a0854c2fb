r"""Closed forms of capacity allocation for stacks of convolutions, with any dilations and strides.

A stack of one-channel convolutions is a product of polynomials, ``w(z) = prod_l k_l(z^D_l)``, where the spacing
``D_l`` is the dilation times the strides before it. Two facts about products of polynomials give everything:

* w has finitely many divisors up to scale, so the kernels are determined by w up to their scales and finitely many
  choices: the L trained kernels of ``k_l`` taps move w in ``1 + sum_l (k_l - 1)`` directions, for any spacings. (In
  several dimensions too, where factorisation is unique as well.)
* if no two choices of one tap from each kernel meet in the same input (the spacings are the places of a mixed-radix
  number system), the product is a Kronecker product, and its capacities are those of `Kronecker`. Kernels of equal
  spacing first merge into one free kernel, being generically without a common root.

>>> from sympy import symbols
>>> L, i = symbols("L i", integer=True, positive=True)
>>> ConvolutionStack([Convolution(3), Convolution(3)]).spatial()
(1, 1, 1, 1, 1)
>>> wavenet = ConvolutionStack([Convolution(2, dilation=2**l, weights=[1, 1]) for l in range(3)])
>>> wavenet.total, wavenet.spatial()[0]
(4, 1/2)
>>> DilatedStack(L, equal=True).total, DilatedStack(L, equal=True).capacity(i)
(L + 1, (L + 1)/2**L)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import Add, Expr, Function, Integer, Matrix, Mod, Mul, Product, Rational, Sum, Symbol, floor, sympify

from ...errors import FieldError, UnsupportedError
from ...records import dataclass
from ...sizes.dims import as_size
from .exact import exact_allocation
from .structures import Fixed, Free, Kronecker, Structure, Uniform


@dataclass(frozen=True)
class Convolution:
    """One layer of a stack: a kernel of so many taps, on one axis and one channel.

    Attributes
    ----------
    kernel : int or sympy.Expr
    dilation, stride : int or sympy.Expr
    trainable : bool
        Off for a pooling layer; its weights are equal unless given.
    weights : sequence, optional
        The taps, first the one that meets the first input.
    """

    kernel: Any
    dilation: Any = 1
    stride: Any = 1
    trainable: bool = True
    weights: Sequence[Any] | None = None


def average_pool(window: Any, stride: Any = None) -> Convolution:
    """An average over a window, as a layer of a stack."""
    return Convolution(window, stride=window if stride is None else stride, trainable=False)


@dataclass(frozen=True)
class _Kernel:
    """A layer, with its spacing in the input and checked sizes."""

    size: Expr
    spacing: Expr
    trainable: bool
    weights: tuple[Expr, ...] | None


class ConvolutionStack(Structure):
    """The predictor of one output of a stack of one-channel convolutions.

    A dense layer at the end is a convolution whose kernel has as many taps as there are positions left.

    Parameters
    ----------
    layers : sequence of Convolution
        The one next to the input first.
    name : str
        Of the functions that stand for the shares of the kernels, followed by their number.
    """

    def __init__(self, layers: Sequence[Convolution], name: str = "p"):
        if not layers:
            raise FieldError("a stack needs at least one convolution")
        self.name = name
        spacing: Expr = Integer(1)
        kernels = []
        for place, layer in enumerate(layers):
            size = as_size(layer.kernel, f"the kernel of layer {place}")
            weights = layer.weights
            if weights is not None:
                weights = tuple(sympify(weight, strict=True) for weight in weights)
                if len(weights) != size or all(weight.is_zero for weight in weights):
                    raise FieldError(f"layer {place} needs {size} weights that are not all zero, got {weights}")
            dilation = as_size(layer.dilation, f"the dilation of layer {place}")
            kernels.append(_Kernel(size, dilation * spacing, layer.trainable, weights))
            spacing = spacing * as_size(layer.stride, f"the stride of layer {place}")
        self.kernels = tuple(kernels)
        self.extents = (Add(1, *[(kernel.size - 1) * kernel.spacing for kernel in kernels]),)
        self.trainable = any(kernel.trainable for kernel in kernels)
        moving = [kernel.size - 1 for kernel in kernels if kernel.trainable]
        self.total = Add(1, *moving) if moving else Integer(0)
        self.conditions = ("no kernel is zero", "kernels of equal spacing have no common root")
        self._kronecker: tuple[Kronecker, tuple[Expr, ...]] | None | bool = False

    def capacity(self, *index: Any) -> Expr:
        (place,) = self._check(index)
        if not self.trainable:
            return Integer(0)
        if (self.total - self.extents[0]).is_zero:
            return Integer(1)
        product = self._product()
        if product is None:
            return self._numeric(place)
        digits = self._digits(place, *product)
        return Integer(0) if digits is None else product[0].capacity(*digits)

    def share(self, *index: Any) -> Expr:
        (place,) = self._check(index)
        product = self._product()
        if product is None:
            raise UnsupportedError("kernels that overlap have no product form for their shares")
        digits = self._digits(place, *product)
        return Integer(0) if digits is None else product[0].share(*digits)

    def _product(self) -> tuple[Kronecker, tuple[Expr, ...]] | None:
        """The Kronecker form and the spacings of its factors, or None if choices of taps meet."""
        if self._kronecker is False:
            self._kronecker = self._find_product()
        return self._kronecker  # type: ignore[return-value]

    def _find_product(self) -> tuple[Kronecker, tuple[Expr, ...]] | None:
        groups: dict[Expr, list[_Kernel]] = {}
        for kernel in self.kernels:
            groups.setdefault(kernel.spacing, []).append(kernel)
        factors: list[Structure] = []
        spacings: list[Expr] = []
        covered: Expr = Integer(1)
        ordered = sorted(groups, key=int) if all(spacing.is_Integer for spacing in groups) else list(groups)
        for place, spacing in enumerate(ordered):
            if not (spacing - covered).is_nonnegative:
                return None
            factor = _merge(groups[spacing], f"{self.name}{place}")
            if factor is None:
                return None
            factors.append(factor)
            spacings.append(spacing)
            covered = covered + (factor.extents[0] - 1) * spacing
        return Kronecker(*factors), tuple(spacings)

    def _digits(self, place: Expr, product: Kronecker, spacings: tuple[Expr, ...]) -> tuple[Expr, ...] | None:
        sizes = [factor.extents[0] for factor in product.factors]
        if place.is_Integer and all(spacing.is_Integer for spacing in spacings):
            digits = []
            for size, spacing in zip(reversed(sizes), reversed(spacings), strict=True):
                digit, place = divmod(place, spacing)
                if digit >= size:
                    return None
                digits.append(digit)
            return None if place else tuple(reversed(digits))
        full: Expr = Integer(1)
        for size, spacing in zip(sizes, spacings, strict=True):
            if not (spacing - full).is_zero:
                raise UnsupportedError("an index of inputs that are partly skipped must be a number")
            full = full * size
        digits = [
            floor(place / spacing) if last else Mod(floor(place / spacing), size)
            for size, spacing, last in zip(sizes, spacings, [False] * (len(sizes) - 1) + [True], strict=True)
        ]
        return tuple(digits)

    def _numeric(self, place: Expr) -> Expr:
        if not place.is_Integer or any(kernel.weights is None and kernel.trainable for kernel in self.kernels):
            raise UnsupportedError(
                "the taps of these kernels meet in the same inputs, so the capacities have no closed form; give every "
                "kernel its weights, or compute the Jacobian and use allocate"
            )

        if not hasattr(self, "_allocation"):
            self._allocation = exact_allocation(self.jacobian())
        return self._allocation.spatial[int(place)]

    def jacobian(self) -> Matrix:
        """``dw/dtheta`` exactly, for kernels with given weights."""
        filled = [_spread(_taps(kernel), int(kernel.spacing)) for kernel in self.kernels]
        columns = []
        for place, kernel in enumerate(self.kernels):
            if kernel.trainable:
                others: list[Expr] = [Integer(1)]
                for other, taps in enumerate(filled):
                    if other != place:
                        others = _convolve(others, taps)
                for tap in range(int(kernel.size)):
                    column = [Integer(0)] * (tap * int(kernel.spacing)) + others
                    columns.append(column + [Integer(0)] * (int(self.extents[0]) - len(column)))
        return Matrix(columns).T


def _merge(group: list[_Kernel], name: str) -> Structure | None:
    """One factor for kernels of one spacing: free if all are trained, fixed if none is; None for a mixture."""
    size = Add(1, *[kernel.size - 1 for kernel in group])
    trained = {kernel.trainable for kernel in group}
    if len(trained) > 1:
        return None
    if trained == {False} and len(group) == 1 and group[0].weights is None:
        return Uniform(size)
    known = all(kernel.weights is not None or (not kernel.trainable and kernel.size.is_Integer) for kernel in group)
    weights: list[Expr] | None = None
    if known:
        weights = [Integer(1)]
        for kernel in group:
            weights = _convolve(weights, _taps(kernel))
    if trained == {True}:
        return Free(size, weights, name)
    if weights is None:
        return None
    return Fixed(weights)


def _taps(kernel: _Kernel) -> list[Expr]:
    if kernel.weights is not None:
        return list(kernel.weights)
    if kernel.trainable:
        raise UnsupportedError("the Jacobian needs the weights of every kernel")
    return [Rational(1, int(kernel.size))] * int(kernel.size)


def _spread(taps: list[Expr], spacing: int) -> list[Expr]:
    spread: list[Expr] = [Integer(0)] * ((len(taps) - 1) * spacing + 1)
    spread[::spacing] = taps
    return spread


def _convolve(first: list[Expr], second: list[Expr]) -> list[Expr]:
    found: list[list[Expr]] = [[] for _ in range(len(first) + len(second) - 1)]
    for place, one in enumerate(first):
        for other, two in enumerate(second):
            if not (one.is_zero or two.is_zero):
                found[place + other].append(one * two)
    return [Add(*terms) for terms in found]


def convolution_total(*kernels: Sequence[Any]) -> Expr:
    """The total capacity of a stack of one-channel convolutions in any number of dimensions.

    Parameters
    ----------
    *kernels : sequence of int or sympy.Expr
        The extents of each trained kernel along the axes. Dilations and strides do not matter.

    Examples
    --------
    >>> convolution_total((3, 3), (3, 3)), convolution_total((3,), (3,), (3,))
    (17, 7)
    """
    sizes = []
    for place, kernel in enumerate(kernels):
        sizes.append(Mul(*[as_size(extent, f"an extent of kernel {place}") for extent in kernel]))
    if not sizes:
        raise FieldError("a stack needs at least one kernel")
    return Add(1, *[size - 1 for size in sizes])


class DilatedStack(Structure):
    """A stack of L kernels of k taps with dilations ``1, k, k^2, ...``, also for a symbolic depth.

    Input i is reached by exactly one choice of taps, the digits of i in base k; with the share ``p(l, digit)`` of a
    tap, ``kappa_i = prod_l p(l, i_l) [1 + sum_l (1 - p(l, i_l)) / p(l, i_l)]``.

    Parameters
    ----------
    depth : int or sympy.Expr
    taps : int or sympy.Expr
    equal : bool
        All taps of a kernel equal; the capacity is then the same everywhere.
    """

    def __init__(self, depth: Any, taps: Any = 2, *, equal: bool = False):
        self.depth, self.taps, self.equal = as_size(depth, "the depth"), as_size(taps, "the taps"), equal
        self.extents = (self.taps**self.depth,)
        self.total = 1 + self.depth * (self.taps - 1)
        self.conditions = ("no tap is zero",)

    def digit(self, place: Expr, layer: Expr) -> Expr:
        """The tap of a layer through which an input is seen."""
        return Mod(floor(place / self.taps**layer), self.taps)

    def share(self, *index: Any) -> Expr:
        (place,) = self._check(index)
        layer = Symbol("l", integer=True, nonnegative=True)
        if self.equal:
            return 1 / self.extents[0]
        return Product(Function("p")(layer, self.digit(place, layer)), (layer, 0, self.depth - 1))

    def capacity(self, *index: Any) -> Expr:
        (place,) = self._check(index)
        layer = Symbol("l", integer=True, nonnegative=True)
        if self.equal:
            return self.total / self.extents[0]
        share = Function("p")(layer, self.digit(place, layer))
        return self.share(place) * (1 + Sum((1 - share) / share, (layer, 0, self.depth - 1)))
