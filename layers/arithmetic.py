"""The elementary maps that importers and derivations write networks in: tensors without an input, products, scalings, shifts."""

from __future__ import annotations

import re
from typing import Any

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
        Elements along each axis.

    Shapes
    ------
    input : none
    output : (*shape,)

    Examples
    --------
    >>> from layeralgebra import Graph, Mul, Parameter, Identity, parameters
    >>> net = Graph({"x": Identity(), "p": Parameter((3, 1)), "product": Mul()}, [("x", "product"), ("p", "product")])
    >>> parameters(net, on=(3, 5))
    3

    References
    ----------
    PyTorch documentation, "torch.nn.parameter.Parameter",
    https://docs.pytorch.org/docs/stable/generated/torch.nn.parameter.Parameter.html.
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
        Elements along each axis.

    Shapes
    ------
    input : none
    output : (*shape,)

    Examples
    --------
    >>> from layeralgebra import Buffer, Graph, Identity, Mul, parameters
    >>> net = Graph({"x": Identity(), "b": Buffer((3, 1)), "product": Mul()}, [("x", "product"), ("b", "product")])
    >>> parameters(net, on=(3, 5))
    0

    References
    ----------
    PyTorch documentation, "torch.nn.parameter.Buffer",
    https://docs.pytorch.org/docs/stable/generated/torch.nn.parameter.Buffer.html.
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

    Shapes
    ------
    input : (*first,), (*second,)
    output : (*out,)
        out : the sizes of the letters of the output

    Examples
    --------
    >>> from layeralgebra import Einsum, dims, macs
    >>> n, m, k = dims("n m k")
    >>> macs(Einsum("ik,kj->ij"), on=[(n, k), (k, m)])
    k*m*n

    References
    ----------
    Einstein, "Die Grundlage der allgemeinen Relativitätstheorie", Annalen der Physik 354 (1916), doi
    10.1002/andp.19163540702, section 5.

    NumPy documentation, "numpy.einsum", https://numpy.org/doc/stable/reference/generated/numpy.einsum.html.
    """

    spec: Text
    inputs = ("x1", "x2")

    @property
    def equation(self) -> str:
        first, second, out = _read_spec(self.spec)
        return f"y[{', '.join(out)}] = x1[{', '.join(first)}] * x2[{', '.join(second)}]"

    def check_fields(self) -> None:
        _read_spec(self.spec)


def _read_spec(spec: str) -> tuple[str, str, str]:
    found = re.fullmatch(r"([a-z]+),([a-z]+)->([a-z]+)", str(spec).replace(" ", ""))
    if found is None:
        raise FieldError(f"Einsum({spec!r}): two inputs and an output, as in Einsum('bik,bkj->bij')")
    first, second, out = found.groups()
    if set(out) - set(first) - set(second) or len(set(out)) != len(out):
        raise FieldError(f"Einsum({spec!r}): each letter of the output stands once, and in an input")
    return first, second, out


class Subtract(Layer):
    """The difference of two tensors of one shape.

    Shapes
    ------
    input : (*shape,), (*shape,)
    output : (*shape,)

    Examples
    --------
    >>> from layeralgebra import Subtract, run
    >>> print(run(Subtract(), [[5, 7], [1, 2]]))
    [4 5]

    References
    ----------
    ONNX documentation, operator "Sub", https://onnx.ai/onnx/operators/onnx__Sub.html.
    """

    inputs = ("x1", "x2")
    equation = "y[*i] = x1[*i] - x2[*i]"


class Divide(Layer):
    """The quotient of two tensors of one shape.

    Shapes
    ------
    input : (*shape,), (*shape,)
    output : (*shape,)

    Examples
    --------
    >>> from layeralgebra import Divide, run
    >>> print(run(Divide(), [[6, 8], [3, 2]]))
    [2 4]

    References
    ----------
    ONNX documentation, operator "Div", https://onnx.ai/onnx/operators/onnx__Div.html.
    """

    inputs = ("x1", "x2")
    equation = "y[*i] = x1[*i] / x2[*i]"


class Scale(Layer):
    """The input times a number.

    Parameters
    ----------
    factor : Number
        By which every element is multiplied.

    Shapes
    ------
    input, output : (*shape,)

    Examples
    --------
    >>> from layeralgebra import Scale, run
    >>> print(run(Scale(3), [1, 2]))
    [3 6]

    References
    ----------
    ONNX documentation, operator "Mul", https://onnx.ai/onnx/operators/onnx__Mul.html.
    """

    factor: Number
    equation = "y[*i] = factor * x[*i]"


class Shift(Layer):
    """The input plus a number.

    Parameters
    ----------
    amount : Number
        What is added to every element, in its unit.

    Shapes
    ------
    input, output : (*shape,)

    Examples
    --------
    >>> from layeralgebra import Shift, run
    >>> print(run(Shift(3), [1, 2]))
    [4 5]

    References
    ----------
    ONNX documentation, operator "Add", https://onnx.ai/onnx/operators/onnx__Add.html.
    """

    amount: Number
    equation = "y[*i] = x[*i] + amount"


class Power(Layer):
    """The input to a power.

    Parameters
    ----------
    exponent : Number
        The power to which every element is raised.

    Shapes
    ------
    input, output : (*shape,)

    Examples
    --------
    >>> from layeralgebra import Power, run
    >>> print(run(Power(2), [-1, 3]))
    [1 9]

    References
    ----------
    ONNX documentation, operator "Pow", https://onnx.ai/onnx/operators/onnx__Pow.html.
    """

    exponent: Number
    equation = "y[*i] = x[*i] ** exponent"


class Exp(Layer):
    """The exponential.

    Shapes
    ------
    input, output : (*shape,)

    Examples
    --------
    >>> from layeralgebra import Exp, run
    >>> print(run(Exp(), [0.0, 1.0]).round(4))
    [1.     2.7183]

    References
    ----------
    ONNX documentation, operator "Exp", https://onnx.ai/onnx/operators/onnx__Exp.html.
    """

    equation = "y[*i] = exp(x[*i])"


class Log(Layer):
    """The natural logarithm.

    Shapes
    ------
    input, output : (*shape,)

    Examples
    --------
    >>> from layeralgebra import Log, run
    >>> print(run(Log(), [1.0, 2.0]).round(4))
    [0.     0.6931]

    References
    ----------
    ONNX documentation, operator "Log", https://onnx.ai/onnx/operators/onnx__Log.html.
    """

    equation = "y[*i] = log(x[*i])"


class Sqrt(Layer):
    """The square root.

    Shapes
    ------
    input, output : (*shape,)

    Examples
    --------
    >>> from layeralgebra import Sqrt, run
    >>> print(run(Sqrt(), [4.0, 9.0]))
    [2. 3.]

    References
    ----------
    ONNX documentation, operator "Sqrt", https://onnx.ai/onnx/operators/onnx__Sqrt.html.
    """

    equation = "y[*i] = sqrt(x[*i])"


class Erf(Layer):
    """The error function, 2/sqrt(pi) times the integral of exp(-t**2) from 0 to x.

    Shapes
    ------
    input, output : (*shape,)

    Examples
    --------
    >>> from layeralgebra import Erf, run
    >>> print(run(Erf(), [0.0, 1.0]).round(4))
    [0.     0.8427]

    References
    ----------
    "NIST Digital Library of Mathematical Functions", equation 7.2.1, https://dlmf.nist.gov/7.2.
    """

    equation = "y[*i] = erf(x[*i])"


def _reduction(layer: Any, operation: str) -> str:
    """A reduction over the axes numbered by the field `axes` of a tensor with `rank` axes."""
    rank, axes = int(layer.rank), {int(axis) for axis in layer.axes}
    every = _indices(rank)
    kept = [name for axis, name in enumerate(every) if axis not in axes]
    gone = [name for axis, name in enumerate(every) if axis in axes]
    return f"y[{', '.join(kept)}] = {operation}[{', '.join(gone)}](x[{', '.join(every)}])"


def _check_reduction(layer: Any) -> None:
    rank, axes = layer.rank, layer.axes
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
        The numbers of the axes that are summed, counted from 0.
    rank : Dim
        How many axes the input has.

    Shapes
    ------
    input : (*shape,)
    output : (*kept,)
        kept : the sizes of the axes that are not summed

    Examples
    --------
    >>> from layeralgebra import Sum, run
    >>> print(run(Sum((1,), rank=2), [[1, 2], [3, 4]]))
    [3 7]

    References
    ----------
    ONNX documentation, operator "ReduceSum", https://onnx.ai/onnx/operators/onnx__ReduceSum.html.
    """

    axes: Size
    rank: Dim

    @property
    def equation(self) -> str:
        return _reduction(self, "sum")

    def check_fields(self) -> None:
        _check_reduction(self)


class Mean(Layer):
    """The mean over some axes.

    Parameters
    ----------
    axes : Size
        The numbers of the axes over which the mean goes, counted from 0.
    rank : Dim
        How many axes the input has.

    Shapes
    ------
    input : (*shape,)
    output : (*kept,)
        kept : the sizes of the other axes

    Examples
    --------
    >>> from layeralgebra import Mean, run
    >>> print(run(Mean((1,), rank=2), [[1, 3], [3, 5]]))
    [2 4]

    References
    ----------
    ONNX documentation, operator "ReduceMean", https://onnx.ai/onnx/operators/onnx__ReduceMean.html.
    """

    axes: Size
    rank: Dim

    @property
    def equation(self) -> str:
        return _reduction(self, "mean")

    def check_fields(self) -> None:
        _check_reduction(self)


class Maximum(Layer):
    """The maximum over some axes.

    Parameters
    ----------
    axes : Size
        The numbers of the axes over which the maximum goes, counted from 0.
    rank : Dim
        How many axes the input has.

    Shapes
    ------
    input : (*shape,)
    output : (*kept,)
        kept : the sizes of the other axes

    Examples
    --------
    >>> from layeralgebra import Maximum, run
    >>> print(run(Maximum((1,), rank=2), [[1, 3], [5, 2]]))
    [3 5]

    References
    ----------
    ONNX documentation, operator "ReduceMax", https://onnx.ai/onnx/operators/onnx__ReduceMax.html.
    """

    axes: Size
    rank: Dim

    @property
    def equation(self) -> str:
        return _reduction(self, "max")

    def check_fields(self) -> None:
        _check_reduction(self)


class Expand(Layer):
    """Axes of size 1 repeated to a size.

    Parameters
    ----------
    axes : Size
        The numbers of the axes that are repeated, counted from 0.
    shape : Sizes
        Elements along each axis of what comes out.

    Shapes
    ------
    input : (*narrow,)
    output : (*shape,)

    Examples
    --------
    >>> from layeralgebra import Expand, output_shape
    >>> output_shape(Expand((0,), (4, 5)), on=(1, 5))
    (4, 5)

    References
    ----------
    ONNX documentation, operator "Expand", https://onnx.ai/onnx/operators/onnx__Expand.html.
    """

    axes: Size
    shape: Sizes

    @property
    def equation(self) -> str:
        axes: Any = self.axes
        repeated = {int(axis) for axis in axes}
        out = _indices(len(self.shape))
        source = ["0" if axis in repeated else name for axis, name in enumerate(out)]
        bounds = [f"{out[axis]} < shape[{axis}]" for axis in sorted(repeated)]
        return f"y[{', '.join(out)}] = x[{', '.join(source)}]\nwhere {', '.join(bounds)}"

    def check_fields(self) -> None:
        axes: Any = self.axes
        rank = len(self.shape)
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
        The number of the axis that is cut, counted from 0.
    start : Size
        The first position that is kept, counted from 0.
    length : Dim
        How many positions are kept.
    rank : Dim
        How many axes the input has.
    step : Dim, default 1
        Positions from one that is kept to the next.

    Shapes
    ------
    input : (*shape,)
    output : (*out,)
        out : as the input, but `length` along `axis`

    Examples
    --------
    >>> from layeralgebra import Slice, output_shape
    >>> output_shape(Slice(1, 2, 3, 2), on=(4, 8))
    (4, 3)

    References
    ----------
    ONNX documentation, operator "Slice", https://onnx.ai/onnx/operators/onnx__Slice.html.
    """

    axis: Size
    start: Size
    length: Dim
    rank: Dim
    step: Dim = 1

    @property
    def equation(self) -> str:
        axis: Any = self.axis
        rank: Any = self.rank
        names = _indices(int(rank))
        source = [f"start + step*{name}" if place == axis else name for place, name in enumerate(names)]
        return f"y[{', '.join(names)}] = x[{', '.join(source)}]\nwhere {names[int(axis)]} < length"

    def check_fields(self) -> None:
        axis: Any = self.axis
        rank: Any = self.rank
        if not (rank.is_Integer and axis.is_Integer and axis < rank):
            raise FieldError(f"Slice(axis={axis}, rank={rank}): the number of an axis of a tensor with that many")


class Take(Layer):
    """Rows of a table at fixed places, such as the relative positions within a window.

    Parameters
    ----------
    shape : Sizes
        The shape of the places.

    Shapes
    ------
    input : (rows, features)
    output : (*shape, features)

    Examples
    --------
    >>> from layeralgebra import Take, output_shape
    >>> output_shape(Take((49, 49)), on=(169, 3))
    (49, 49, 3)

    References
    ----------
    ONNX documentation, operator "Gather", https://onnx.ai/onnx/operators/onnx__Gather.html.
    """

    shape: Sizes
    inputs = ("x",)
    buffers = ("places",)
    equation = """
        y[*o, m] = x[places[*o], m]
        where o < shape
    """


class Masked(Layer):
    """Elements that a fixed mask leaves as they are, a number in place of the others.

    The mask is 1 or 0, and the number stands beside it: ``y = mask x + other``.

    Shapes
    ------
    input, output : (*shape,)

    Examples
    --------
    >>> from layeralgebra import Masked, run
    >>> print(run(Masked(), [5, 6, 7], {"mask": [1, 0, 1], "other": [0, -9, 0]}))
    [ 5 -9  7]

    References
    ----------
    ONNX documentation, operator "Where", https://onnx.ai/onnx/operators/onnx__Where.html.
    """

    buffers = ("mask", "other")
    equation = """
        y[*i] = mask[*i] * x[*i] + other[*i]
        where i < size(i)
    """


class DotProductAttention(Layer):
    """Scaled dot-product attention of given queries, keys and values, in this order.

    Parameters
    ----------
    causal : Flag, default False
        A position attends to itself and to earlier ones.

    Shapes
    ------
    input : (*leading, queries, width), (*leading, keys, width), (*leading, keys, features)
    output : (*leading, queries, features)

    Examples
    --------
    >>> from layeralgebra import DotProductAttention, dims, macs
    >>> T, S, d, e = dims("T S d e")
    >>> macs(DotProductAttention(), on=[(T, d), (S, d), (S, e)])
    S*T*d + S*T*e

    References
    ----------
    Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser, Polosukhin, "Attention Is All You Need", NIPS 2017, arXiv
    1706.03762, equation 1.
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
        How many zeros there are, one width for each axis.

    Shapes
    ------
    input : (*shape,)
    output : (*(shape + before + after),)

    Examples
    --------
    >>> from layeralgebra import Margin, output_shape
    >>> output_shape(Margin((0, 1), (0, 2)), on=(4, 5))
    (4, 8)

    References
    ----------
    ONNX documentation, operator "Pad", https://onnx.ai/onnx/operators/onnx__Pad.html.
    """

    before: Size
    after: Size
    equation = "y[*i] = pad[before, after](x[*i])"
