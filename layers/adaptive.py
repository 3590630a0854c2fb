"""Convolutions whose kernels or positions come from data."""

from __future__ import annotations

from ..algebra.equations.fields import Dim
from ..algebra.networks.layer import Layer

__all__ = ["CondConv", "DeformableConv", "Involution"]


class CondConv(Layer):
    """A convolution whose kernel is mixed for every example from those of several experts.

    Parameters
    ----------
    out_channels : Dim
        Channels that come out.
    kernel : Dim
        The width of the kernel along every axis.
    experts : Dim
        How many kernels are mixed.

    Shapes
    ------
    input : (channels, *spatial)
    output : (out_channels, *out)
        out = spatial - kernel + 1

    Examples
    --------
    >>> from layeralgebra import CondConv, dims, macs, parameters
    >>> c, H, W, o, k, n = dims("c H W o k n")
    >>> parameters(CondConv(o, k, n), on=(c, H, W))
    c*k**2*n*o + c*n
    >>> macs(CondConv(o, 1, n), on=(c, H, W))
    H*W*c*o + c*n*o + c*n

    References
    ----------
    Yang, Bender, Le, Ngiam, "CondConv: Conditionally Parameterized Convolutions for Efficient Inference", NeurIPS 2019, arXiv 1904.04971, equations
    1 and 2.
    """

    out_channels: Dim
    kernel: Dim
    experts: Dim
    equation = """
        m[c] = mean[*i](x[c, *i])
        r[e] = sigmoid(R[e, c]*m[c])
        K[o, c, *u] = r[e]*W[e, o, c, *u]
        y[o, *i] = K[o, c, *u]*x[c, *(i + u)]
        where e < experts, o < out_channels, u < kernel
    """
    channel_axis = "first"


class DeformableConv(Layer):
    """A convolution over two axes whose taps are moved by learned functions of the input and read between positions bilinearly.

    Parameters
    ----------
    out_channels : Dim
        Channels that come out.
    kernel : Dim
        The width of the kernel along both axes; odd, so that the output has the positions of the input.

    Shapes
    ------
    input : (channels, height, width)
    output : (out_channels, height, width)

    Notes
    -----
    The offsets are a convolution of the same width with zeros around the input. Outside of the input is zero as well.

    Examples
    --------
    >>> from layeralgebra import DeformableConv, dims, macs, parameters
    >>> c, H, W, o = dims("c H W o")
    >>> parameters(DeformableConv(o, 3), on=(c, H, W))
    9*c*o + 162*c + 18
    >>> macs(DeformableConv(o, 3), on=(c, H, W))
    9*H*W*c*o + 198*H*W*c

    References
    ----------
    Dai, Qi, Xiong, Li, Zhang, Hu, Wei, "Deformable Convolutional Networks", ICCV 2017, arXiv 1703.06211, equations 2 to 4.
    """

    out_channels: Dim
    kernel: Dim
    equation = """
        half = (kernel - 1)/2
        z[c, i, j] = pad[i: half, j: half](x[c, i, j])
        offset[d, u, v, i, j] = P[d, u, v, c, a, b]*z[c, i + a, j + b] + p[d, u, v]
        row[u, v, i, j] = i + u - half + offset[0, u, v, i, j]
        column[u, v, i, j] = j + v - half + offset[1, u, v, i, j]
        above[u, v, i, j, s] = floor(row[u, v, i, j]) + s
        before[u, v, i, j, t] = floor(column[u, v, i, j]) + t
        g[u, v, i, j, s] = max(0, 1 - abs(row[u, v, i, j] - above[u, v, i, j, s]))*[0 <= above[u, v, i, j, s] < size(i)]
        h[u, v, i, j, t] = max(0, 1 - abs(column[u, v, i, j] - before[u, v, i, j, t]))*[0 <= before[u, v, i, j, t] < size(j)]
        w[u, v, i, j, s, t] = g[u, v, i, j, s]*h[u, v, i, j, t]
        r[u, v, i, j, s] = min(max(above[u, v, i, j, s], 0), size(i) - 1)
        q[u, v, i, j, t] = min(max(before[u, v, i, j, t], 0), size(j) - 1)
        sample[c, u, v, i, j] = w[u, v, i, j, s, t]*x[c, r[u, v, i, j, s], q[u, v, i, j, t]]
        y[o, i, j] = W[o, c, u, v]*sample[c, u, v, i, j]
        where o < out_channels, u < kernel, v < kernel, a < kernel, b < kernel, d < 2, s < 2, t < 2
    """
    channel_axis = "first"
    claims = {
        "parameters": lambda self, shape: (
            self.kernel**2 * (self.out_channels * shape[0] + 2 * shape[0] * self.kernel**2 + 2)
        )
    }


class Involution(Layer):
    """Every position weighs its neighbours with a kernel made from its own channels, one kernel for each group of channels.

    Parameters
    ----------
    kernel : Dim
        The width of the kernel along every axis; odd.
    groups : Dim
        How many kernels a position has; it divides the channels.
    squeezed : Dim
        Channels between the two maps that make the kernels.

    Shapes
    ------
    input, output : (channels, *spatial)

    Examples
    --------
    >>> from layeralgebra import Involution, dims, macs, parameters
    >>> c, H, W, g, r = dims("c H W g r")
    >>> parameters(Involution(7, g, r), on=(c, H, W))
    c*r + 49*g*r
    >>> macs(Involution(7, g, r), on=(c, H, W))
    H*W*c*r + 49*H*W*c + 49*H*W*g*r

    References
    ----------
    Li, Hu, Wang, Li, Zhu, Zhang, Chen, "Involution: Inverting the Inherence of Convolution for Visual Recognition", CVPR 2021, arXiv 2103.06255,
    equations 4 to 6, without normalisation between the two maps.
    """

    kernel: Dim
    groups: Dim
    squeezed: Dim
    equation = """
        z[c, *i] = pad[(kernel - 1)/2](x[c, *i])
        a[r, *i] = relu(V[r, c]*x[c, *i])
        K[g, *u, *i] = W[g, *u, r]*a[r, *i]
        y[(g, e), *i] = K[g, *u, *i]*z[(g, e), *(i + u)]
        where r < squeezed, g < groups, u < kernel
    """
    channel_axis = "first"
