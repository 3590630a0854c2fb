"""Attention without scores of all pairs: projected positions, or weights of pairs that are learned and not compared."""

from __future__ import annotations

from ..algebra.equations.fields import Dim
from ..algebra.networks.layer import Layer

__all__ = ["LinformerAttention", "AttentionFree"]


class LinformerAttention(Layer):
    """Self-attention to learned mixtures of positions, so many fewer than there are.

    Parameters
    ----------
    heads : Dim
        The number of heads; it divides the features.
    kept : Dim
        How many mixtures of positions are attended to; the heads share them.

    Shapes
    ------
    input, output : (time, features)

    Examples
    --------
    >>> from layeralgebra import LinformerAttention, dims, macs, parameters
    >>> T, d, h, k = dims("T d h k")
    >>> parameters(LinformerAttention(h, k), on=(T, d))
    2*T*k + 4*d**2
    >>> macs(LinformerAttention(h, k), on=(T, d))
    4*T*d**2 + 4*T*d*k

    References
    ----------
    Wang, Li, Khabsa, Fang, Ma, "Linformer: Self-Attention with Linear Complexity", arXiv 2006.04768 (2020), equation 7.
    """

    heads: Dim
    kept: Dim
    equation = """
        width = size(m)/heads
        q[n, i, e] = Q[n, e, m]*x[i, m]
        k[n, t, e] = K[n, e, m]*x[t, m]
        v[n, t, e] = V[n, e, m]*x[t, m]
        l[n, j, e] = E[j, t]*k[n, t, e]
        u[n, j, e] = F[j, t]*v[n, t, e]
        w[n, i, j] = q[n, i, e]*l[n, j, e]
        a[n, i, j] = softmax[j](w[n, i, j]/sqrt(width))
        o[i, (n, e)] = a[n, i, j]*u[n, j, e]
        y[i, f] = O[f, h]*o[i, h]
        where n < heads, e < width, j < kept, f < size(m)
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: 4 * shape[-1] ** 2 + 2 * self.kept * shape[0]}


class AttentionFree(Layer):
    """Values averaged over positions with weights that come from keys and from learned numbers for pairs of positions, then gated.

    Shapes
    ------
    input, output : (time, features)

    Notes
    -----
    Exponentials of keys and of the numbers for pairs are taken apart, so that sums over positions are products of matrices.

    Examples
    --------
    >>> from layeralgebra import AttentionFree, dims, macs, parameters
    >>> T, d = dims("T d")
    >>> parameters(AttentionFree(), on=(T, d)), macs(AttentionFree(), on=(T, d))
    (T**2 + 3*d**2, 2*T**2*d + 3*T*d**2)

    References
    ----------
    Zhai, Talbott, Srivastava, Huang, Goh, Zhang, Susskind, "An Attention Free Transformer", arXiv 2105.14103 (2021), equation 2.
    """

    equation = """
        q[i, f] = Q[f, m]*x[i, m]
        k[j, f] = exp(K[f, m]*x[j, m])
        v[j, f] = V[f, m]*x[j, m]
        p[i, j] = exp(w[i, j])
        u[j, f] = k[j, f]*v[j, f]
        above[i, f] = p[i, j]*u[j, f]
        below[i, f] = p[i, j]*k[j, f]
        y[i, f] = sigmoid(q[i, f])*above[i, f]/below[i, f]
        where f < size(m), i < size(j)
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: shape[0] ** 2 + 3 * shape[1] ** 2}
