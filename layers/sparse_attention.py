"""Attention to some of the positions only: those near, those that all attend to, and others that are given."""

from __future__ import annotations

from ..algebra.equations.fields import Dim, Size
from ..algebra.networks.layer import Layer

__all__ = ["LongformerAttention", "BigBirdAttention", "StridedSparseAttention"]


class LongformerAttention(Layer):
    """Self-attention to a window of positions on both sides; the first positions attend to all, and all attend to them.

    Parameters
    ----------
    heads : Dim
        The number of heads; it divides the features.
    window : Size
        How many positions on each side are attended to, half of the window of the paper.
    everywhere : Size, default 1
        How many first positions are global.

    Shapes
    ------
    input, output : (time, features)

    Notes
    -----
    One set of maps makes queries, keys and values of local and of global attention; the models of the paper have a second one for the latter.
    Nominal work counts all pairs of positions, effective work those that are attended to.

    Examples
    --------
    >>> from layeralgebra import LongformerAttention, dims, macs, parameters
    >>> T, d, h, w, g = dims("T d h w g")
    >>> parameters(LongformerAttention(h, w, g), on=(T, d))
    4*d**2
    >>> macs(LongformerAttention(h, w, g), on=(T, d))
    2*T**2*d + 4*T*d**2
    >>> macs(LongformerAttention(2, 1, 1), on=(6, 4), effective=True)
    576

    References
    ----------
    Beltagy, Peters, Cohan, "Longformer: The Long-Document Transformer", arXiv 2004.05150 (2020), section 3.1.
    """

    heads: Dim
    window: Size
    everywhere: Size = 1
    equation = """
        q[n, t, e] = Q[n, e, m]*x[t, m]/sqrt(size(e))
        k[n, t, e] = K[n, e, m]*x[t, m]
        v[n, t, e] = V[n, e, m]*x[t, m]
        a[n, i, j] = softmax[j](q[n, i, e]*k[n, j, e])
        o[i, (n, e)] = a[n, i, j]*v[n, j, e]
        y[t, f] = O[f, h]*o[t, h]
        where n < heads, e < size(m)/heads, f < size(m), abs(i - j) <= window or i < everywhere or j < everywhere
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: 4 * shape[-1] ** 2}


class BigBirdAttention(Layer):
    """Self-attention to a window of positions, to the first positions, and to some others that are given for every position.

    Parameters
    ----------
    heads : Dim
        The number of heads; it divides the features.
    window : Size
        How many positions on each side are attended to.
    everywhere : Size
        How many first positions are global: they attend to all, and all attend to them.
    chosen : Dim
        How many other positions are given for each position.

    Shapes
    ------
    input, output : (time, features)

    Notes
    -----
    The other positions are a buffer, ``random``; the paper draws them once. One of them that is in the window as well counts twice. Positions are those
    of the paper's section 2; its programs take blocks of them. Nominal work counts all pairs of positions.

    Examples
    --------
    >>> from layeralgebra import BigBirdAttention, dims, macs, parameters
    >>> T, d, h, w, g, r = dims("T d h w g r")
    >>> parameters(BigBirdAttention(h, w, g, r), on=(T, d))
    4*d**2
    >>> macs(BigBirdAttention(h, w, g, r), on=(T, d))
    2*T**2*d + 4*T*d**2 + 2*T*d*r

    References
    ----------
    Zaheer et al., "Big Bird: Transformers for Longer Sequences", NeurIPS 2020, arXiv 2007.14062, section 2.
    """

    heads: Dim
    window: Size
    everywhere: Size
    chosen: Dim
    buffers = ("random",)
    equation = """
        q[n, t, e] = Q[n, e, m]*x[t, m]/sqrt(size(e))
        k[n, t, e] = K[n, e, m]*x[t, m]
        v[n, t, e] = V[n, e, m]*x[t, m]
        near[n, i, j] = exp(q[n, i, e]*k[n, j, e])
        far[n, t, u] = exp(q[n, t, e]*k[n, random[t, u], e])
        close[n, i, e] = near[n, i, j]*v[n, j, e]
        apart[n, t, e] = far[n, t, u]*v[n, random[t, u], e]
        whole[n, i] = sum[j](near[n, i, j])
        z[n, t] = whole[n, t] + sum[u](far[n, t, u])
        o[t, (n, e)] = (close[n, t, e] + apart[n, t, e])/z[n, t]
        y[t, f] = O[f, h]*o[t, h]
        where n < heads, e < size(m)/heads, f < size(m), u < chosen, random < size(t)
        where abs(i - j) <= window or i < everywhere or j < everywhere
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: 4 * shape[-1] ** 2}


class StridedSparseAttention(Layer):
    """Causal self-attention to the last positions, and to every so-manieth one before.

    Parameters
    ----------
    heads : Dim
        The number of heads; it divides the features.
    stride : Dim
        How many last positions, the present one among them, and how far the others are apart.

    Shapes
    ------
    input, output : (time, features)

    Notes
    -----
    Both patterns are joined in every head, as in equation 8 of the paper. Nominal work counts all pairs of positions.

    Examples
    --------
    >>> from layeralgebra import StridedSparseAttention, dims, macs, parameters
    >>> T, d, h, s = dims("T d h s")
    >>> parameters(StridedSparseAttention(h, s), on=(T, d)), macs(StridedSparseAttention(h, s), on=(T, d))
    (4*d**2, 2*T**2*d + 4*T*d**2)

    References
    ----------
    Child, Gray, Radford, Sutskever, "Generating Long Sequences with Sparse Transformers", arXiv 1904.10509 (2019), sections 4.2 and 4.3.
    """

    heads: Dim
    stride: Dim
    equation = """
        q[n, t, e] = Q[n, e, m]*x[t, m]/sqrt(size(e))
        k[n, t, e] = K[n, e, m]*x[t, m]
        v[n, t, e] = V[n, e, m]*x[t, m]
        a[n, i, j] = softmax[j](q[n, i, e]*k[n, j, e])
        o[i, (n, e)] = a[n, i, j]*v[n, j, e]
        y[t, f] = O[f, h]*o[t, h]
        where n < heads, e < size(m)/heads, f < size(m), j <= i, i - j < stride or (i - j) % stride == 0
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: 4 * shape[-1] ** 2}
