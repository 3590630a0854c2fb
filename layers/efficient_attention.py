"""Attention with fewer numbers to keep or fewer to compare: latent keys and values, projected positions, learned position pairs."""

from __future__ import annotations

from ..algebra.equations.fields import Dim, Number
from ..algebra.networks.layer import Layer
from .position import _check_base

__all__ = ["LatentAttention", "LinformerAttention", "AttentionFree"]


class LatentAttention(Layer):
    """Causal attention whose keys and values come from one short latent vector a position, with a turned part that all heads share.

    Parameters
    ----------
    heads : Dim
        The number of heads.
    head_features : Dim
        The width of a head, without the turned part.
    key_value_rank : Dim
        Features of the latent vector of keys and values, which is what a cache holds.
    query_rank : Dim
        Features of the latent vector of queries.
    rotary_features : Dim
        The width of the turned part of queries and keys, even.
    base : Number, default 10_000
        Positive. Pair e is turned by ``t * base**(-2 e/rotary_features)`` radians at position t.

    Shapes
    ------
    input, output : (time, features)

    Notes
    -----
    Without the normalisation of the latent vectors. Cosines and sines are known beforehand; turning costs multiplies and adds, but no MACs.

    Examples
    --------
    >>> from layeralgebra import LatentAttention, dims, parameters
    >>> T, d, h, e, c, q, r = dims("T d h e c q r")
    >>> parameters(LatentAttention(h, e, c, q, 2*r), on=(T, d))
    c*d + 2*c*e*h + d*e*h + d*q + 2*d*r + e*h*q + 2*h*q*r

    References
    ----------
    DeepSeek-AI, "DeepSeek-V2: A Strong, Economical, and Efficient Mixture-of-Experts Language Model", arXiv 2405.04434 (2024), section 2.1.
    """

    heads: Dim
    head_features: Dim
    key_value_rank: Dim
    query_rank: Dim
    rotary_features: Dim
    base: Number = 10_000
    equation = """
        latent[j, c] = D[c, m]*x[j, m]
        k[n, j, e] = K[n, e, c]*latent[j, c]
        v[n, j, e] = V[n, e, c]*latent[j, c]
        z[i, r] = E[r, m]*x[i, m]
        q[n, i, e] = Q[n, e, r]*z[i, r]
        p[n, i, s, a] = P[n, s, a, r]*z[i, r]
        l[j, s, a] = L[s, a, m]*x[j, m]
        p0[n, i, a] = p[n, i, 0, a]*cos(i*base**(-a/size(a))) - p[n, i, 1, a]*sin(i*base**(-a/size(a)))
        p1[n, i, a] = p[n, i, 1, a]*cos(i*base**(-a/size(a))) + p[n, i, 0, a]*sin(i*base**(-a/size(a)))
        l0[j, a] = l[j, 0, a]*cos(j*base**(-a/size(a))) - l[j, 1, a]*sin(j*base**(-a/size(a)))
        l1[j, a] = l[j, 1, a]*cos(j*base**(-a/size(a))) + l[j, 0, a]*sin(j*base**(-a/size(a)))
        w[n, i, j] = q[n, i, e]*k[n, j, e] + p0[n, i, a]*l0[j, a] + p1[n, i, a]*l1[j, a]
        b[n, i, j] = softmax[j](w[n, i, j]/sqrt(head_features + rotary_features))
        o[i, (n, e)] = b[n, i, j]*v[n, j, e]
        y[i, f] = O[f, h]*o[i, h]
        where n < heads, e < head_features, c < key_value_rank, r < query_rank, s < 2, a < rotary_features/2, f < size(m), j <= i
    """
    channel_axis = "last"

    def check_fields(self) -> None:
        _check_base(self)


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
