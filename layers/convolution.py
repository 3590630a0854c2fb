"""Convolutions, of any number of axes."""

from __future__ import annotations

from sympy import Mul, Tuple

from ..algebra.equations.fields import Dim, Flag, Size, Text
from ..algebra.errors import FieldError
from ..algebra.networks.layer import Layer

__all__ = ["Conv", "ConvTranspose"]


def _window(kernel, axes: int):
    """The number of elements of a kernel over so many axes."""
    return Mul(*kernel) if isinstance(kernel, Tuple) else kernel**axes


class Conv(Layer):
    """A convolution over all spatial axes of (channels, *spatial): one class for one, two, three and more of them.

    Parameters
    ----------
    out_channels : Dim
    kernel : Dim
        One size, or one for each axis; so too stride, dilation and padding.
    stride, dilation : Dim
    padding : Size or {'same', 'causal'}
        Zeros on both sides; ``'same'`` makes the output ceil(size / stride) long, ``'causal'`` pads before only.
    groups : Dim
        ``groups=`` the number of channels makes the convolution depthwise.
    bias : Flag

    Examples
    --------
    >>> from layeralgebra import Conv, dims, formula_text, output_shape
    >>> N, p, d, k, s = dims("N p d k s")
    >>> print(formula_text(output_shape(Conv(8, k, stride=s, padding=p, dilation=d), on=(3, N))))
    (8, floor((N - d*k + d + 2*p - 1)/s) + 1)
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
    """A transposed convolution: every input element spreads its kernel over the output, which is then cropped by the padding.

    Parameters
    ----------
    out_channels : Dim
    kernel : Dim
        One size, or one for each axis; so too the following ones.
    stride, dilation : Dim
    padding : Size
        Cropped from both ends.
    output_padding : Size
        Given back at the end.
    groups : Dim
    bias : Flag

    Examples
    --------
    >>> from layeralgebra import ConvTranspose, dims, output_shape
    >>> N, p, k, s = dims("N p k s")
    >>> output_shape(ConvTranspose(8, k, stride=s, padding=p), on=(3, N))
    (8, N*s + k - 2*p - s)
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
