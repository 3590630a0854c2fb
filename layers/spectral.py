"""Layers that look at all positions through waves: Fourier modes, kernels of diagonal state spaces."""

from __future__ import annotations

from ..algebra.equations.fields import Dim
from ..algebra.networks.layer import Layer

__all__ = ["SpectralConv", "DiagonalStateSpace", "FourierMixing"]


class SpectralConv(Layer):
    """The lowest Fourier modes of every channel, mixed by a learned complex matrix for each mode, and transformed back.

    Parameters
    ----------
    out_channels : Dim
        Channels that come out.
    modes : Dim
        How many frequencies are kept, from 0 up; less than half of the positions.

    Shapes
    ------
    input : (channels, time)
    output : (out_channels, time)

    Notes
    -----
    Parameters are real numbers, two for each complex one. Work is that of the transforms as sums over positions, `modes` of them, with waves
    that are known beforehand: multiplies and adds, but no MACs. By a fast transform it is less.

    Examples
    --------
    >>> from layeralgebra import SpectralConv, dims, flops, parameters
    >>> c, T, o, k = dims("c T o k")
    >>> parameters(SpectralConv(o, k), on=(c, T))
    2*c*k*o
    >>> flops(SpectralConv(o, k), on=(c, T))
    4*T*c*k + 4*T*k*o + T*o + 8*c*k*o + 2*k*o

    References
    ----------
    Li, Kovachki, Azizzadenesheli, Liu, Bhattacharya, Stuart, Anandkumar, "Fourier Neural Operator for Parametric Partial Differential Equations",
    ICLR 2021, arXiv 2010.08895, equations 4 and 5.
    """

    out_channels: Dim
    modes: Dim
    equation = """
        re[c, k] = x[c, t]*cos(2*pi*k*t/size(t))
        im[c, k] = x[c, t]*sin(-2*pi*k*t/size(t))
        first[o, k] = A[o, c, k]*re[c, k] - B[o, c, k]*im[c, k]
        second[o, k] = A[o, c, k]*im[c, k] + B[o, c, k]*re[c, k]
        real[o, t] = first[o, k]*((2 - [k == 0])*cos(2*pi*k*t/size(t))/size(t))
        other[o, t] = second[o, k]*((2 - [k == 0])*sin(2*pi*k*t/size(t))/size(t))
        y[o, t] = real[o, t] - other[o, t]
        where o < out_channels, k < modes
    """
    channel_axis = "first"
    claims = {"parameters": lambda self, shape: 2 * self.out_channels * shape[0] * self.modes}


class DiagonalStateSpace(Layer):
    """A long causal convolution of every feature whose kernel is a sum of fading waves, and a learned multiple of the input.

    Parameters
    ----------
    pairs : Dim
        Waves of a kernel: pairs of conjugate states, half of the size of the state.

    Shapes
    ------
    input, output : (time, features)

    Notes
    -----
    ``k[s] = 2 Re sum_n C[n] (exp(d a[n]) - 1)/a[n] exp(s d a[n])`` with ``a = -exp(r) + i w`` and the step ``d = exp(l)``, discretised with a zero-order
    hold; B is 1. Parameters are real numbers. Work is that of the convolution as a sum over positions; by fast transforms it is less.

    Examples
    --------
    >>> from layeralgebra import DiagonalStateSpace, dims, macs, parameters
    >>> T, d, n = dims("T d n")
    >>> parameters(DiagonalStateSpace(n), on=(T, d))
    4*d*n + 2*d
    >>> macs(DiagonalStateSpace(n), on=(T, d))
    T**2*d + 2*T*d*n

    References
    ----------
    Gu, Goel, Gupta, Ré, "On the Parameterization and Initialization of Diagonal State Space Models", NeurIPS 2022, arXiv 2206.11893, sections 2 and 3
    (S4D with a zero-order hold).
    """

    pairs: Dim
    equation = """
        d[f] = exp(l[f])
        a[f, n] = 0 - d[f]*exp(r[f, n])
        b[f, n] = d[f]*w[f, n]
        m[f, n] = a[f, n]**2 + b[f, n]**2
        u[f, n] = exp(a[f, n])*cos(b[f, n]) - 1
        v[f, n] = exp(a[f, n])*sin(b[f, n])
        p[f, n] = d[f]*(u[f, n]*a[f, n] + v[f, n]*b[f, n])/m[f, n]
        q[f, n] = d[f]*(v[f, n]*a[f, n] - u[f, n]*b[f, n])/m[f, n]
        g[f, n] = C[f, n]*p[f, n] - D[f, n]*q[f, n]
        h[f, n] = C[f, n]*q[f, n] + D[f, n]*p[f, n]
        wave[f, n, s] = exp(s*a[f, n])*cos(s*b[f, n])
        side[f, n, s] = exp(s*a[f, n])*sin(s*b[f, n])
        one[f, s] = g[f, n]*wave[f, n, s]
        two[f, s] = h[f, n]*side[f, n, s]
        k[f, s] = 2*(one[f, s] - two[f, s])
        z[j, f] = pad[j: (size(t) - 1, 0)](x[j, f])
        o[t, f] = k[f, s]*z[t + size(t) - 1 - s, f]
        y[t, f] = o[t, f] + skip[f]*x[t, f]
        where n < pairs, s < size(t)
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: shape[-1] * (4 * self.pairs + 2)}


class FourierMixing(Layer):
    """The real part of the discrete Fourier transform over positions and features, in place of attention.

    Shapes
    ------
    input, output : (time, features)

    Notes
    -----
    Nothing is learned. Work is that of the transforms as sums, with waves that are known beforehand: multiplies and adds, but no MACs. By fast
    transforms it is less.

    Examples
    --------
    >>> from layeralgebra import FourierMixing, dims, flops, parameters
    >>> T, d = dims("T d")
    >>> parameters(FourierMixing(), on=(T, d)), flops(FourierMixing(), on=(T, d))
    (0, 4*T**2*d + 4*T*d**2 + T*d)

    References
    ----------
    Lee-Thorp, Ainslie, Eckstein, Ontañón, "FNet: Mixing Tokens with Fourier Transforms", NAACL 2022, arXiv 2105.03824, equation 3.
    """

    equation = """
        re[t, k] = x[t, f]*cos(2*pi*f*k/size(f))
        im[t, k] = x[t, f]*sin(2*pi*f*k/size(f))
        first[s, k] = re[t, k]*cos(2*pi*t*s/size(t))
        second[s, k] = im[t, k]*sin(2*pi*t*s/size(t))
        y[s, k] = first[s, k] - second[s, k]
        where s < size(t), k < size(f)
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: 0}
