"""Layers that keep a symmetry: of turning an image by right angles, of changing the order of a set."""

from __future__ import annotations

from ..algebra.equations.fields import Dim
from ..algebra.networks.layer import Layer

__all__ = ["P4LiftingConv", "P4Conv", "DeepSets", "NonLocal"]


class P4LiftingConv(Layer):
    """A convolution of an image with a kernel turned by 0, 90, 180 and 270 degrees: one output for each of the four.

    Parameters
    ----------
    out_channels : Dim
        Channels that come out for each rotation.
    kernel : Dim
        The width of the kernel along both axes.

    Shapes
    ------
    input : (channels, height, width)
    output : (4 * out_channels, out_height, out_width)
        out_height = height - kernel + 1
        out_width = width - kernel + 1

    Notes
    -----
    The four outputs of a channel stand next to each other. Turned kernels are put together once.

    Examples
    --------
    >>> from layeralgebra import P4LiftingConv, dims, macs, parameters
    >>> c, H, W, o = dims("c H W o")
    >>> parameters(P4LiftingConv(o, 3), on=(c, H, W))
    9*c*o
    >>> macs(P4LiftingConv(o, 1), on=(c, H, W))
    4*H*W*c*o

    References
    ----------
    Cohen, Welling, "Group Equivariant Convolutional Networks", ICML 2016, arXiv 1602.07576, equation 10.
    """

    out_channels: Dim
    kernel: Dim
    equation = """
        K[o, r, c, u, v] = ([r == 0]*W[o, c, u, v] + [r == 1]*W[o, c, v, kernel - 1 - u]
                            + [r == 2]*W[o, c, kernel - 1 - u, kernel - 1 - v] + [r == 3]*W[o, c, kernel - 1 - v, u])
        y[(o, r), i, j] = K[o, r, c, u, v]*x[c, i + u, j + v]
        where o < out_channels, r < 4, u < kernel, v < kernel
    """
    channel_axis = "first"


class P4Conv(Layer):
    """A convolution of feature maps on positions and rotations by right angles, with kernels on both.

    Parameters
    ----------
    out_channels : Dim
        Channels that come out for each rotation.
    kernel : Dim
        The width of the kernel along both axes.

    Shapes
    ------
    input : (channels, height, width)
    output : (4 * out_channels, out_height, out_width)
        out_height = height - kernel + 1
        out_width = width - kernel + 1

    Notes
    -----
    The four maps of a channel stand next to each other, as `P4LiftingConv` gives them, so that 4 divides the channels. Turned kernels are put together once.

    Examples
    --------
    >>> from layeralgebra import P4Conv, dims, macs, parameters
    >>> c, H, W, o = dims("c H W o")
    >>> parameters(P4Conv(o, 3), on=(4*c, H, W))
    36*c*o
    >>> macs(P4Conv(o, 1), on=(4*c, H, W))
    16*H*W*c*o

    References
    ----------
    Cohen, Welling, "Group Equivariant Convolutional Networks", ICML 2016, arXiv 1602.07576, equation 11.
    """

    out_channels: Dim
    kernel: Dim
    equation = """
        V[o, r, c, s, u, v] = W[o, c, (s + 4 - r) % 4, u, v]
        K[o, r, c, s, u, v] = ([r == 0]*V[o, r, c, s, u, v] + [r == 1]*V[o, r, c, s, v, kernel - 1 - u]
                               + [r == 2]*V[o, r, c, s, kernel - 1 - u, kernel - 1 - v] + [r == 3]*V[o, r, c, s, kernel - 1 - v, u])
        y[(o, r), i, j] = K[o, r, c, s, u, v]*x[(c, s), i + u, j + v]
        where o < out_channels, r < 4, s < 4, u < kernel, v < kernel, W[_, _, 4, _, _]
    """
    channel_axis = "first"


class DeepSets(Layer):
    """A linear map of every element of a set beside one of the maximum over the set.

    Parameters
    ----------
    out_features : Dim
        Features that come out.

    Shapes
    ------
    input : (elements, features)
    output : (elements, out_features)

    Examples
    --------
    >>> from layeralgebra import DeepSets, dims, macs, parameters
    >>> n, f, o = dims("n f o")
    >>> parameters(DeepSets(o), on=(n, f)), macs(DeepSets(o), on=(n, f))
    (2*f*o + o, f*n*o + f*o)

    References
    ----------
    Zaheer, Kottur, Ravanbakhsh, Poczos, Salakhutdinov, Smola, "Deep Sets", NIPS 2017, arXiv 1703.06114, section 3.1, the permutation-equivariant layer
    with a maximum.
    """

    out_features: Dim
    equation = """
        g[f] = max[n](x[n, f])
        z[o] = G[o, f]*g[f]
        y[n, o] = relu(L[o, f]*x[n, f] - z[o] + b[o])
        where o < out_features
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: self.out_features * (2 * shape[-1] + 1)}


class NonLocal(Layer):
    """Every position adds a mean of all positions, weighted by how similar two of them are, over an image or a video.

    Parameters
    ----------
    inner_channels : Dim
        Channels in which positions are compared and averaged; half of all in the paper.

    Shapes
    ------
    input, output : (channels, *spatial)

    Notes
    -----
    The similarity is the embedded Gaussian of the paper.

    Examples
    --------
    >>> from layeralgebra import NonLocal, dims, macs, parameters
    >>> c, N, m = dims("c N m")
    >>> parameters(NonLocal(m), on=(c, N)), macs(NonLocal(m), on=(c, N))
    (4*c*m, 2*N**2*m + 4*N*c*m)

    References
    ----------
    Wang, Girshick, Gupta, He, "Non-local Neural Networks", CVPR 2018, arXiv 1711.07971, equations 1, 4 and 6.
    """

    inner_channels: Dim
    equation = """
        q[m, *i] = Q[m, c]*x[c, *i]
        k[m, *j] = K[m, c]*x[c, *j]
        v[m, *j] = V[m, c]*x[c, *j]
        w[*i, *j] = q[m, *i]*k[m, *j]
        a[*i, *j] = softmax[*j](w[*i, *j])
        o[m, *i] = a[*i, *j]*v[m, *j]
        z[c, *i] = O[c, m]*o[m, *i]
        y[c, *i] = z[c, *i] + x[c, *i]
        where m < inner_channels
    """
    channel_axis = "first"
    claims = {"parameters": lambda self, shape: 4 * shape[0] * self.inner_channels}
