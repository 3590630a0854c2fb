"""Convolutions, of any number of axes."""

from __future__ import annotations

from sympy import Mul, Tuple

from ..algebra.equations.fields import Dim, Flag, Size, Text
from ..algebra.errors import FieldError
from ..algebra.networks.layer import Layer

__all__ = ["Conv", "ConvTranspose", "DynamicConv"]


def _window(kernel, axes: int):
    """The number of elements of a kernel over so many axes."""
    return Mul(*kernel) if isinstance(kernel, Tuple) else kernel**axes


class Conv(Layer):
    """A convolution over all spatial axes of (channels, *spatial): one class for one, two, three and more of them.

    Parameters
    ----------
    out_channels : Dim
        Channels that come out.
    kernel : Dim
        Elements along each axis; one size, or one for each axis; so too stride, dilation and padding.
    stride : Dim, default 1
        Elements from one window to the next.
    padding : Size or {'same', 'causal'}, default 0
        Zeros on both sides; ``'same'`` makes the output ceil(size / stride) long, ``'causal'`` pads before only.
    dilation : Dim, default 1
        Elements from one that a window reads to the next.
    groups : Dim, default 1
        Parts of the channels that do not mix; ``groups=`` the number of channels makes the convolution depthwise.
    bias : Flag, default True
        A learned number added to each channel.

    Shapes
    ------
    input : (channels, *spatial)
    output : (out_channels, *out)
        full = floor((spatial + 2*padding - dilation*(kernel - 1) - 1)/stride) + 1
        out = ceil(spatial/stride) if padding in ("same", "causal") else full

    Examples
    --------
    >>> from layeralgebra import Conv, dims, formula_text, output_shape
    >>> N, p, d, k, s = dims("N p d k s")
    >>> print(formula_text(output_shape(Conv(8, k, stride=s, padding=p, dilation=d), on=(3, N))))
    (8, floor((N - d*k + d + 2*p - 1)/s) + 1)

    References
    ----------
    LeCun et al., "Backpropagation Applied to Handwritten Zip Code Recognition", Neural Computation 1 (1989), doi
    10.1162/neco.1989.1.4.541.

    Dumoulin, Visin, "A Guide to Convolution Arithmetic for Deep Learning", arXiv 1603.07285 (2016).
    """

    out_channels: Dim
    kernel: Dim
    stride: Dim = 1
    padding: Size | Text = 0
    dilation: Dim = 1
    groups: Dim = 1
    bias: Flag = True
    equation = """
        span = dilation*(kernel - 1)
        needed = max(stride*(ceil(size(j)/stride) - 1) + span + 1 - size(j), 0)
        before = floor(needed/2) if padding == "same" else span if padding == "causal" else padding
        after = needed - before if padding == "same" else 0 if padding == "causal" else padding
        z[c, *j] = pad[before, after](x[c, *j])
        y[(g, o), *i] = W[g, o, c, *u] * z[(g, c), *(stride*i + dilation*u)] + (b[g, o] if bias else 0)
        where g < groups, o < out_channels/groups, u < kernel, (i < ceil(size(j)/stride) if padding == "same" else True)
    """
    claims = {
        "parameters": lambda self, shape: (
            self.out_channels * (shape[0] / self.groups * _window(self.kernel, len(shape) - 1) + int(self.bias))
        ),
    }

    def check_fields(self) -> None:
        if isinstance(self.padding, str) and self.padding not in ("same", "causal"):
            raise FieldError(f"Conv(padding={self.padding!r}): padding is a size, a tuple of sizes, 'same' or 'causal'")


class ConvTranspose(Layer):
    """A transposed convolution: every input element spreads its kernel over the output, which the padding then crops.

    Parameters
    ----------
    out_channels : Dim
        Channels that come out.
    kernel : Dim
        Elements along each axis; one size, or one for each axis; so too the following ones.
    stride : Dim, default 1
        Elements of the output from one kernel to the next.
    padding : Size, default 0
        Elements cropped from both ends.
    output_padding : Size, default 0
        Elements given back at the end.
    dilation : Dim, default 1
        Elements of the output from one of a kernel to the next.
    groups : Dim, default 1
        Parts of the channels that do not mix.
    bias : Flag, default True
        A learned number added to each channel.

    Shapes
    ------
    input : (channels, *spatial)
    output : (out_channels, *out)
        out = stride*(spatial - 1) + dilation*(kernel - 1) + 1 - 2*padding + output_padding

    Examples
    --------
    >>> from layeralgebra import ConvTranspose, dims, output_shape
    >>> N, p, k, s = dims("N p k s")
    >>> output_shape(ConvTranspose(8, k, stride=s, padding=p), on=(3, N))
    (8, N*s + k - 2*p - s)

    References
    ----------
    Dumoulin, Visin, "A Guide to Convolution Arithmetic for Deep Learning", arXiv 1603.07285 (2016), section 4.

    PyTorch documentation, "torch.nn.ConvTranspose2d",
    https://docs.pytorch.org/docs/stable/generated/torch.nn.ConvTranspose2d.html.
    """

    out_channels: Dim
    kernel: Dim
    stride: Dim = 1
    padding: Size = 0
    output_padding: Size = 0
    dilation: Dim = 1
    groups: Dim = 1
    bias: Flag = True
    equation = """
        z[(g, o), *(stride*i + dilation*u)] = W[g, c, o, *u] * x[(g, c), *i]
        v[q, *j] = pad[0 - padding, output_padding - padding](z[q, *j])
        y[q, *j] = v[q, *j] + (b[q] if bias else 0)
        where g < groups, o < out_channels/groups, u < kernel
    """
    claims = {
        "parameters": lambda self, shape: (
            self.out_channels * (shape[0] / self.groups * _window(self.kernel, len(shape) - 1) + int(self.bias))
        ),
    }


class DynamicConv(Layer):
    """A convolution whose kernel is computed by the network, and arrives as a second input.

    Parameters
    ----------
    stride : Dim, default 1
        Elements from one window to the next; one size, or one for each axis; so too padding and dilation.
    padding : Size, default 0
        Zeros on both sides.
    dilation : Dim, default 1
        Elements from one that a window reads to the next.
    groups : Dim, default 1
        Parts of the channels that do not mix.

    Shapes
    ------
    input : (channels, *spatial), (out_channels, depth, *kernel)
    output : (out_channels, *out)
        depth = channels/groups
        out = floor((spatial + 2*padding - dilation*(kernel - 1) - 1)/stride) + 1

    Examples
    --------
    A kernel whose channels are rescaled by learned gains:

    >>> from layeralgebra import DynamicConv, Graph, Identity, Mul, Parameter, dims, parameters
    >>> n, c, o, k = dims("n c o k")
    >>> parts = {"x": Identity(), "w": Parameter((o, c, k)), "g": Parameter((o, 1, 1)), "kernel": Mul(), "y": DynamicConv()}
    >>> net = Graph(parts, [("w", "kernel"), ("g", "kernel"), ("x", "y"), ("kernel", "y")])
    >>> parameters(net, on=(c, n))
    c*k*o + o

    References
    ----------
    Chen, Dai, Liu, Chen, Yuan, Liu, "Dynamic Convolution: Attention over Convolution Kernels", CVPR 2020, arXiv 1912.03458,
    section 3.
    """

    stride: Dim = 1
    padding: Size = 0
    dilation: Dim = 1
    groups: Dim = 1
    inputs = ("x", "k")
    equation = """
        z[c, *j] = pad[padding](x[c, *j])
        y[(g, o), *i] = k[(g, o), c, *u] * z[(g, c), *(stride*i + dilation*u)]
        where g < groups
    """
