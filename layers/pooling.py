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
        Elements along each axis; one size, or one for each axis; so too the following ones.
    stride : Dim, optional
        Elements from one window to the next; the kernel, if left out.
    padding : Size, default 0
        The width of the margins.
    dilation : Dim, default 1
        Elements from one that a window reads to the next.
    ceil_mode : Flag, default False
        Keep a last window that starts inside the input or its left margin but does not fit.

    Shapes
    ------
    input : (channels, *spatial)
    output : (channels, *out)
        step = kernel if stride is None else stride
        room = spatial + 2*padding - dilation*(kernel - 1) - 1
        out = min(ceil(room/step), floor((spatial + padding - 1)/step)) + 1 if ceil_mode else floor(room/step) + 1

    Examples
    --------
    >>> from layeralgebra import MaxPool, dims, output_shape
    >>> N = dims("N")
    >>> output_shape(MaxPool(3, stride=2, padding=1), on=(8, N))
    (8, floor(N/2 + 1/2))

    References
    ----------
    Jarrett, Kavukcuoglu, Ranzato, LeCun, "What is the Best Multi-Stage Architecture for Object Recognition?", ICCV
    2009, doi 10.1109/ICCV.2009.5459469.

    PyTorch documentation, "torch.nn.MaxPool2d", https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxPool2d.html.
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
        Elements along each axis; one size, or one for each axis; so too the following ones.
    stride : Dim, optional
        Elements from one window to the next; the kernel, if left out.
    padding : Size, default 0
        Zeros on both sides.
    ceil_mode : Flag, default False
        Keep a last window that starts inside the input or its left margin but does not fit.
    count_include_pad : Flag, default True
        Whether the zeros of the padding count in the mean.

    Shapes
    ------
    input : (channels, *spatial)
    output : (channels, *out)
        step = kernel if stride is None else stride
        room = spatial + 2*padding - kernel
        out = min(ceil(room/step), floor((spatial + padding - 1)/step)) + 1 if ceil_mode else floor(room/step) + 1

    Examples
    --------
    >>> from layeralgebra import AvgPool, dims, output_shape
    >>> N, k = dims("N k")
    >>> output_shape(AvgPool(k), on=(8, N))
    (8, floor(N/k))

    References
    ----------
    Jarrett, Kavukcuoglu, Ranzato, LeCun, "What is the Best Multi-Stage Architecture for Object Recognition?", ICCV
    2009, doi 10.1109/ICCV.2009.5459469.

    PyTorch documentation, "torch.nn.AvgPool2d", https://docs.pytorch.org/docs/stable/generated/torch.nn.AvgPool2d.html.
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
    """The mean over all positions.

    Shapes
    ------
    input : (channels, *spatial)
    output : (channels,)

    Examples
    --------
    >>> from layeralgebra import GlobalAvgPool, dims, output_shape
    >>> output_shape(GlobalAvgPool(), on=(64, *dims("H W")))
    (64,)

    References
    ----------
    Lin, Chen, Yan, "Network In Network", ICLR 2014, arXiv 1312.4400, section 3.2.
    """

    equation = "y[c] = mean[*i](x[c, *i])"


class GlobalMaxPool(Layer):
    """The maximum over all positions.

    Shapes
    ------
    input : (channels, *spatial)
    output : (channels,)

    Examples
    --------
    >>> from layeralgebra import GlobalMaxPool, dims, output_shape
    >>> output_shape(GlobalMaxPool(), on=(64, *dims("H W")))
    (64,)

    References
    ----------
    Oquab, Bottou, Laptev, Sivic, "Is Object Localization for Free? Weakly-Supervised Learning with Convolutional Neural
    Networks", CVPR 2015.
    """

    equation = "y[c] = max[*i](x[c, *i])"


class AdaptiveAvgPool(Layer):
    """The mean over as many windows as asked for: window i is from floor(i N / output) to ceil((i + 1) N / output).

    Parameters
    ----------
    output : Dim
        Windows along each axis; one size, or one for each axis.

    Shapes
    ------
    input : (channels, *spatial)
    output : (channels, *output)

    Examples
    --------
    >>> from layeralgebra import AdaptiveAvgPool, dims, output_shape
    >>> output_shape(AdaptiveAvgPool(7), on=(64, *dims("H W")))
    (64, 7, 7)

    References
    ----------
    He, Zhang, Ren, Sun, "Spatial Pyramid Pooling in Deep Convolutional Networks for Visual Recognition", ECCV 2014,
    arXiv 1406.4729.

    PyTorch documentation, "torch.nn.AdaptiveAvgPool2d",
    https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool2d.html.
    """

    output: Dim
    equation = """
        y[c, *i] = mean[*j](x[c, *j])
        where i < output, floor(i*size(j)/output) <= j < ceil((i + 1)*size(j)/output)
    """
