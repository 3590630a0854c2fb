"""Layers whose state is a linear map that is corrected at every position: it learns to give values for keys."""

from __future__ import annotations

from ..algebra.equations.fields import Dim, Number
from ..algebra.networks.layer import Layer

__all__ = ["DeltaNet", "GatedDeltaNet", "TTTLinear"]


class DeltaNet(Layer):
    """Linear attention whose state replaces what it held for a key, instead of adding to it.

    Parameters
    ----------
    heads : Dim
        The number of heads; it divides the features.
    epsilon : Number, default 1e-5
        Added to mean squares and squared lengths under the root.

    Shapes
    ------
    input, output : (time, features)

    Notes
    -----
    Queries and keys are SiLU units of length 1, outputs of heads are divided by the root of their mean square and given learned factors. The short
    convolutions of the paper's models are left out.

    Examples
    --------
    >>> from layeralgebra import DeltaNet, dims, macs, parameters
    >>> T, e, h = dims("T e h")
    >>> parameters(DeltaNet(h), on=(T, h*e))
    4*e**2*h**2 + e*h**2 + e
    >>> macs(DeltaNet(h), on=(T, h*e))
    4*T*e**2*h**2 + 2*T*e**2*h + T*e*h**2 + 2*T*e*h

    References
    ----------
    Yang, Wang, Zhang, Shen, Kim, "Parallelizing Linear Transformers with the Delta Rule over Sequence Length", NeurIPS 2024, arXiv 2406.06484,
    equation 3 and section 3.3.
    """

    heads: Dim
    epsilon: Number = 1e-5
    equation = """
        lq[t, n, e] = Q[n, e, m]*x[t, m]
        lk[t, n, e] = K[n, e, m]*x[t, m]
        v[t, n, d] = V[n, d, m]*x[t, m]
        beta[t, n] = sigmoid(B[n, m]*x[t, m])
        sq[t, n, e] = lq[t, n, e]*sigmoid(lq[t, n, e])
        sk[t, n, e] = lk[t, n, e]*sigmoid(lk[t, n, e])
        q[t, n, e] = sq[t, n, e]/sqrt(sq[t, n, g]*sq[t, n, g] + epsilon)
        k[t, n, e] = sk[t, n, e]/sqrt(sk[t, n, g]*sk[t, n, g] + epsilon)
        u[t, n, d] = S[t-1, n, d, e]*k[t, n, e]
        S[t, n, d, e] = S[t-1, n, d, e] + beta[t, n]*(v[t, n, d] - u[t, n, d])*k[t, n, e]
        o[t, n, d] = S[t, n, d, e]*q[t, n, e]
        r[t, n] = sqrt(mean[d](o[t, n, d]**2) + epsilon)
        z[t, (n, d)] = c[d]*o[t, n, d]/r[t, n]
        y[t, f] = O[f, h]*z[t, h]
        where n < heads, e < size(m)/heads, d < size(m)/heads, g < size(m)/heads, f < size(m)
    """
    channel_axis = "last"


class GatedDeltaNet(Layer):
    """The delta rule with a state that fades by gates that come from data, and gated outputs.

    Parameters
    ----------
    heads : Dim
        The number of heads; it divides the features.
    epsilon : Number, default 1e-5
        Added to mean squares and squared lengths under the root.

    Shapes
    ------
    input, output : (time, features)

    Notes
    -----
    A head fades by ``exp(-exp(a) softplus(W x + b))``. Queries and keys are SiLU units of length 1; keys have the width of values here. The short
    convolutions of the paper's models are left out.

    Examples
    --------
    >>> from layeralgebra import GatedDeltaNet, dims, macs, parameters
    >>> T, e, h = dims("T e h")
    >>> parameters(GatedDeltaNet(h), on=(T, h*e))
    5*e**2*h**2 + 2*e*h**2 + e + 2*h
    >>> macs(GatedDeltaNet(h), on=(T, h*e))
    5*T*e**2*h**2 + 2*T*e**2*h + 2*T*e*h**2 + 2*T*e*h

    References
    ----------
    Yang, Kautz, Hatamizadeh, "Gated Delta Networks: Improving Mamba2 with Delta Rule", ICLR 2025, arXiv 2412.06464, equation 10 and section 3.4.
    """

    heads: Dim
    epsilon: Number = 1e-5
    equation = """
        lq[t, n, e] = Q[n, e, m]*x[t, m]
        lk[t, n, e] = K[n, e, m]*x[t, m]
        v[t, n, d] = V[n, d, m]*x[t, m]
        g[t, n, d] = G[n, d, m]*x[t, m]
        beta[t, n] = sigmoid(B[n, m]*x[t, m])
        alpha[t, n] = exp(0 - exp(a[n])*softplus(A[n, m]*x[t, m] + b[n]))
        sq[t, n, e] = lq[t, n, e]*sigmoid(lq[t, n, e])
        sk[t, n, e] = lk[t, n, e]*sigmoid(lk[t, n, e])
        q[t, n, e] = sq[t, n, e]/sqrt(sq[t, n, j]*sq[t, n, j] + epsilon)
        k[t, n, e] = sk[t, n, e]/sqrt(sk[t, n, j]*sk[t, n, j] + epsilon)
        D[t, n, d, e] = alpha[t, n]*S[t-1, n, d, e]
        u[t, n, d] = D[t, n, d, e]*k[t, n, e]
        S[t, n, d, e] = D[t, n, d, e] + beta[t, n]*(v[t, n, d] - u[t, n, d])*k[t, n, e]
        o[t, n, d] = S[t, n, d, e]*q[t, n, e]
        r[t, n] = sqrt(mean[d](o[t, n, d]**2) + epsilon)
        z[t, (n, d)] = g[t, n, d]*sigmoid(g[t, n, d])*c[d]*o[t, n, d]/r[t, n]
        y[t, f] = O[f, h]*z[t, h]
        where n < heads, e < size(m)/heads, d < size(m)/heads, j < size(m)/heads, f < size(m)
    """
    channel_axis = "last"


class TTTLinear(Layer):
    """A linear model is trained on the sequence, one gradient step a position, and its outputs come out.

    Parameters
    ----------
    inner : Dim
        Features of the inner model.
    rate : Number, default 0.1
        The rate of its gradient steps.

    Shapes
    ------
    input : (time, features)
    output : (time, inner)

    Notes
    -----
    The loss at a position is the squared distance of the inner model's answer for a key from a value; the model starts from learned numbers. Normalisation,
    the skip and learned rates of the paper's models are left out. Work is that of the steps one by one.

    Examples
    --------
    >>> from layeralgebra import TTTLinear, dims, macs, parameters
    >>> T, f, m = dims("T f m")
    >>> parameters(TTTLinear(m), on=(T, f)), macs(TTTLinear(m), on=(T, f))
    (3*f*m + m**2, 3*T*f*m + 2*T*m**2)

    References
    ----------
    Sun et al., "Learning to (Learn at Test Time): RNNs with Expressive Hidden States", arXiv 2407.04620 (2024), equations 1, 4 and 5 (TTT-Linear).
    """

    inner: Dim
    rate: Number = 0.1
    equation = """
        k[t, i] = K[i, f]*x[t, f]
        v[t, i] = V[i, f]*x[t, f]
        q[t, i] = Q[i, f]*x[t, f]
        W[-1, i, j] = W0[i, j]
        g[t, i] = 2*(W[t-1, i, j]*k[t, j] - v[t, i])
        W[t, i, j] = W[t-1, i, j] - rate*g[t, i]*k[t, j]
        y[t, i] = W[t, i, j]*q[t, j]
        where i < inner
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: self.inner * (3 * shape[-1] + self.inner)}
