"""The elementary maps that importers and derivations write networks in: tensors without an input, products, scalings, shifts."""

from __future__ import annotations

import re

from ..algebra.equations.fields import Dim, Flag, Number, Size, Sizes, Text
from ..algebra.errors import FieldError
from ..algebra.networks.layer import Layer

__all__ = [
    "Parameter", "Buffer", "Einsum", "Subtract", "Divide", "Scale", "Shift", "Power", "Exp", "Log", "Sqrt", "Erf", "Sum", "Mean", "Maximum", "Expand",
    "Slice", "Take", "Masked", "DotProductAttention", "Margin",
]  # fmt: skip


def _indices(count: int) -> list[str]:
    return [f"i{place}" for place in range(count)]


class Parameter(Layer):
    """A learned tensor, with no input.

    Parameters
    ----------
    shape : Sizes

    Examples
    --------
    >>> from layeralgebra import Graph, Mul, Parameter, Identity, parameters
    >>> net = Graph({"x": Identity(), "p": Parameter((3, 1)), "product": Mul()}, [("x", "product"), ("p", "product")])
    >>> parameters(net, on=(3, 5))
    3
    """

    shape: Sizes
    inputs = ()
    equation = """
        y[*o] = W[*o]
        where o < shape
    """


class Buffer(Layer):
    """A fixed tensor that is not learned, with no input.

    Parameters
    ----------
    shape : Sizes
    """

    shape: Sizes
    inputs = ()
    buffers = ("B",)

    equation = """
        y[*o] = B[*o]
        where o < shape
    """


class Einsum(Layer):
    """A sum of products of two tensors, in Einstein's notation.

    Parameters
    ----------
    spec : Text
        As in ``"bik,bkj->bij"``: the letters of the two inputs, and of the output.

    Examples
    --------
    >>> from layeralgebra import Einsum, dims, macs
    >>> n, m, k = dims("n m k")
    >>> macs(Einsum("ik,kj->ij"), on=[(n, k), (k, m)])
    k*m*n
    """

    spec: Text
    inputs = ("x1", "x2")

    @property
    def equation(self) -> str:  # type: ignore[override]
        first, second, out = _read_spec(self.spec)
        return f"y[{', '.join(out)}] = x1[{', '.join(first)}] * x2[{', '.join(second)}]"

    def check_fields(self) -> None:
        _read_spec(self.spec)


def _read_spec(spec: str) -> tuple[str, str, str]:
    found = re.fullmatch(r"([a-z]+),([a-z]+)->([a-z]+)", spec.replace(" ", ""))
    if found is None:
        raise FieldError(f"Einsum({spec!r}): two inputs and an output, as in Einsum('bik,bkj->bij')")
    first, second, out = found.groups()
    if set(out) - set(first) - set(second) or len(set(out)) != len(out):
        raise FieldError(f"Einsum({spec!r}): each letter of the output stands once, and in an input")
    return first, second, out


class Subtract(Layer):
    """The difference of two tensors of one shape."""

    inputs = ("x1", "x2")
    equation = "y[*i] = x1[*i] - x2[*i]"


class Divide(Layer):
    """The quotient of two tensors of one shape."""

    inputs = ("x1", "x2")
    equation = "y[*i] = x1[*i] / x2[*i]"


class Scale(Layer):
    """The input times a number.

    Parameters
    ----------
    factor : Number
    """

    factor: Number
    equation = "y[*i] = factor * x[*i]"


class Shift(Layer):
    """The input plus a number.

    Parameters
    ----------
    amount : Number
    """

    amount: Number
    equation = "y[*i] = x[*i] + amount"


class Power(Layer):
    """The input to a power.

    Parameters
    ----------
    exponent : Number
    """

    exponent: Number
    equation = "y[*i] = x[*i] ** exponent"


class Exp(Layer):
    """The exponential."""

    equation = "y[*i] = exp(x[*i])"


class Log(Layer):
    """The natural logarithm."""

    equation = "y[*i] = log(x[*i])"


class Sqrt(Layer):
    """The square root."""

    equation = "y[*i] = sqrt(x[*i])"


class Erf(Layer):
    """The error function."""

    equation = "y[*i] = erf(x[*i])"


def _reduction(layer: Layer, operation: str) -> str:
    """A reduction over the axes numbered by the field `axes` of a tensor with `rank` axes."""
    rank, axes = int(layer.rank), {int(axis) for axis in layer.axes}  # type: ignore[attr-defined]
    every = _indices(rank)
    kept = [name for axis, name in enumerate(every) if axis not in axes]
    gone = [name for axis, name in enumerate(every) if axis in axes]
    return f"y[{', '.join(kept)}] = {operation}[{', '.join(gone)}](x[{', '.join(every)}])"


def _check_reduction(layer: Layer) -> None:
    rank, axes = layer.rank, layer.axes  # type: ignore[attr-defined]
    if not rank.is_Integer or not hasattr(axes, "__len__") or any(not axis.is_Integer or axis >= rank for axis in axes):
        raise FieldError(
            f"{type(layer).__name__}(axes={axes}, rank={rank}): the numbers of axes of a tensor with that many, as in axes=(1, 2), rank=3"
        )
    if len(set(axes)) != len(axes) or len(axes) == rank:
        raise FieldError(f"{type(layer).__name__}(axes={axes}, rank={rank}): each axis once, and at least one is kept")


class Sum(Layer):
    """The sum over some axes.

    Parameters
    ----------
    axes : Size
        Their numbers.
    rank : Dim
        How many axes the input has.
    """

    axes: Size
    rank: Dim

    @property
    def equation(self) -> str:  # type: ignore[override]
        return _reduction(self, "sum")

    def check_fields(self) -> None:
        _check_reduction(self)


class Mean(Layer):
    """The mean over some axes.

    Parameters
    ----------
    axes : Size
        Their numbers.
    rank : Dim
        How many axes the input has.
    """

    axes: Size
    rank: Dim

    @property
    def equation(self) -> str:  # type: ignore[override]
        return _reduction(self, "mean")

    def check_fields(self) -> None:
        _check_reduction(self)


class Maximum(Layer):
    """The maximum over some axes.

    Parameters
    ----------
    axes : Size
        Their numbers.
    rank : Dim
        How many axes the input has.
    """

    axes: Size
    rank: Dim

    @property
    def equation(self) -> str:  # type: ignore[override]
        return _reduction(self, "max")

    def check_fields(self) -> None:
        _check_reduction(self)


class Expand(Layer):
    """Axes of size 1 repeated to a size.

    Parameters
    ----------
    axes : Size
        The numbers of the axes that are repeated.
    shape : Sizes
        The shape that comes out.

    Examples
    --------
    >>> from layeralgebra import Expand, output_shape
    >>> output_shape(Expand((0,), (4, 5)), on=(1, 5))
    (4, 5)
    """

    axes: Size
    shape: Sizes

    @property
    def equation(self) -> str:  # type: ignore[override]
        repeated = {int(axis) for axis in self.axes}
        out = _indices(len(self.shape))
        source = ["0" if axis in repeated else name for axis, name in enumerate(out)]
        bounds = [f"{out[axis]} < shape[{axis}]" for axis in sorted(repeated)]
        return f"y[{', '.join(out)}] = x[{', '.join(source)}]\nwhere {', '.join(bounds)}"

    def check_fields(self) -> None:
        axes, rank = self.axes, len(self.shape)
        if (
            not hasattr(axes, "__len__")
            or any(not axis.is_Integer or axis >= rank for axis in axes)
            or len(set(axes)) != len(axes)
        ):
            raise FieldError(
                f"Expand(axes={axes}, shape={self.shape}): the numbers of axes of that shape, as in Expand((0,), (4, 5))"
            )


class Slice(Layer):
    """Neighbouring positions, or every so many of them, along one axis.

    Parameters
    ----------
    axis : Size
    start : Size
    length : Dim
        How many are kept.
    rank : Dim
        How many axes the input has.
    step : Dim

    Examples
    --------
    >>> from layeralgebra import Slice, output_shape
    >>> output_shape(Slice(1, 2, 3, 2), on=(4, 8))
    (4, 3)
    """

    axis: Size
    start: Size
    length: Dim
    rank: Dim
    step: Dim = 1

    @property
    def equation(self) -> str:  # type: ignore[override]
        names = _indices(int(self.rank))
        source = [f"start + step*{name}" if axis == int(self.axis) else name for axis, name in enumerate(names)]
        return f"y[{', '.join(names)}] = x[{', '.join(source)}]\nwhere {names[int(self.axis)]} < length"

    def check_fields(self) -> None:
        if not (self.rank.is_Integer and self.axis.is_Integer and self.axis < self.rank):
            raise FieldError(
                f"Slice(axis={self.axis}, rank={self.rank}): the number of an axis of a tensor with that many"
            )


class Take(Layer):
    """Rows of a table at fixed places, such as the relative positions within a window.

    Parameters
    ----------
    shape : Sizes
        The shape of the places.

    Examples
    --------
    >>> from layeralgebra import Take, output_shape
    >>> output_shape(Take((49, 49)), on=(169, 3))
    (49, 49, 3)
    """

    shape: Sizes
    inputs = ("x",)
    buffers = ("places",)
    equation = """
        y[*o, m] = x[places[*o], m]
        where o < shape
    """


class Masked(Layer):
    """Elements that a fixed mask leaves as they are, a number in place of the others; the mask is 1 or 0, the number beside it."""

    buffers = ("mask", "other")
    equation = """
        y[*i] = mask[*i] * x[*i] + other[*i]
        where i < size(i)
    """


class DotProductAttention(Layer):
    """Scaled dot-product attention of given queries, keys and values, (*leading, positions, features) each.

    Parameters
    ----------
    causal : Flag
        A position attends to itself and to earlier ones.
    """

    causal: Flag = False
    inputs = ("x1", "x2", "x3")
    equation = """
        w[*b, i, j] = x1[*b, i, e] * x2[*b, j, e]
        a[*b, i, j] = softmax[j](w[*b, i, j] / sqrt(size(e)))
        y[*b, i, f] = a[*b, i, j] * x3[*b, j, f]
        where (j <= i if causal else True)
    """


class Margin(Layer):
    """Zeros before and after along every axis.

    Parameters
    ----------
    before, after : Size
        One width for each axis.

    Examples
    --------
    >>> from layeralgebra import Margin, output_shape
    >>> output_shape(Margin((0, 1), (0, 2)), on=(4, 5))
    (4, 8)
    """

    before: Size
    after: Size
    equation = "y[*i] = pad[before, after](x[*i])"
