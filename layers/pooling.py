"""Pooling, of any number of axes."""

from __future__ import annotations

from ..algebra.equations.fields import Dim, Flag, Size
from ..algebra.networks.layer import Layer

__all__ = ["MaxPool", "AvgPool", "GlobalAvgPool", "GlobalMaxPool", "AdaptiveAvgPool"]


class MaxPool(Layer):
    """The maximum over windows; margins are filled with minus infinity.

    Parameters
    ----------
    kernel : Dim
        One size, or one for each axis; so too the following ones.
    stride : Dim, optional
        The kernel, if left out.
    padding : Size
    dilation : Dim
    ceil_mode : Flag
        Keep a last window that starts inside the input or its left margin but does not fit.

    Examples
    --------
    >>> from layeralgebra import MaxPool, dims, output_shape
    >>> N = dims("N")
    >>> output_shape(MaxPool(3, stride=2, padding=1), on=(8, N))
    (8, floor(N/2 + 1/2))
    """

    kernel: Dim
    stride: Dim | None = None
    padding: Size = 0
    dilation: Dim = 1
    ceil_mode: Flag = False
    equation = """
        step = kernel if stride is None else stride
        span = dilation*(kernel - 1) + 1
        fitting = ceil((size(j) + 2*padding - span)/step) + 1
        starting = floor((size(j) + padding - 1)/step) + 1
        z[c, *j] = pad[padding, padding + (step - 1 if ceil_mode else 0)](x[c, *j], fill=-inf)
        y[c, *i] = max[*u](z[c, *(step*i + dilation*u)])
        where u < kernel, (i < min(fitting, starting) if ceil_mode else True)
    """


class AvgPool(Layer):
    """The mean over windows.

    Parameters
    ----------
    kernel : Dim
        One size, or one for each axis; so too the following ones.
    stride : Dim, optional
        The kernel, if left out.
    padding : Size
    ceil_mode : Flag
        Keep a last window that starts inside the input or its left margin but does not fit.
    count_include_pad : Flag
        Whether the zeros of the padding count in the mean.

    Examples
    --------
    >>> from layeralgebra import AvgPool, dims, output_shape
    >>> N, k = dims("N k")
    >>> output_shape(AvgPool(k), on=(8, N))
    (8, floor(N/k))
    """

    kernel: Dim
    stride: Dim | None = None
    padding: Size = 0
    ceil_mode: Flag = False
    count_include_pad: Flag = True
    equation = """
        step = kernel if stride is None else stride
        fitting = ceil((size(j) + 2*padding - kernel)/step) + 1
        starting = floor((size(j) + padding - 1)/step) + 1
        z[c, *j] = pad[padding, padding + (step - 1 if ceil_mode else 0)](x[c, *j])
        y[c, *i] = mean[*u](z[c, *(step*i + u)])
        where u < kernel,
              (i < min(fitting, starting) if ceil_mode else True),
              (step*i + u < size(j) + 2*padding if ceil_mode and count_include_pad else True),
              (step*i + u >= padding if not count_include_pad else True),
              (step*i + u < size(j) + padding if not count_include_pad else True)
    """


class GlobalAvgPool(Layer):
    """The mean over all positions: (channels, *spatial) to (channels,).

    Examples
    --------
    >>> from layeralgebra import GlobalAvgPool, dims, output_shape
    >>> output_shape(GlobalAvgPool(), on=(64, *dims("H W")))
    (64,)
    """

    equation = "y[c] = mean[*i](x[c, *i])"


class GlobalMaxPool(Layer):
    """The maximum over all positions: (channels, *spatial) to (channels,).

    Examples
    --------
    >>> from layeralgebra import GlobalMaxPool, dims, output_shape
    >>> output_shape(GlobalMaxPool(), on=(64, *dims("H W")))
    (64,)
    """

    equation = "y[c] = max[*i](x[c, *i])"


class AdaptiveAvgPool(Layer):
    """The mean over as many windows as asked for: window i reaches from floor(i N / output) to ceil((i + 1) N / output).

    Parameters
    ----------
    output : Dim
        One size, or one for each axis.

    Examples
    --------
    >>> from layeralgebra import AdaptiveAvgPool, dims, output_shape
    >>> output_shape(AdaptiveAvgPool(7), on=(64, *dims("H W")))
    (64, 7, 7)
    """

    output: Dim
    equation = """
        y[c, *i] = mean[*j](x[c, *j])
        where i < output, floor(i*size(j)/output) <= j < ceil((i + 1)*size(j)/output)
    """
