"""State spaces: linear recurrences whose coefficients may depend on the input."""

from __future__ import annotations

from ..algebra.equations.fields import Dim
from ..algebra.networks.layer import Layer

__all__ = ["SelectiveStateSpace", "StateSpaceDuality"]


class SelectiveStateSpace(Layer):
    """A diagonal linear recurrence for every feature, whose coefficients depend on the input.

    Parameters
    ----------
    state : Dim
        Numbers that are remembered for each feature.
    rank : Dim
        Width through which the step of every feature is computed.

    Shapes
    ------
    input, output : (time, features)

    Notes
    -----
    ``h[t] = exp(d[t] A) h[t-1] + d[t] B[t] x[t]`` and ``y[t] = C[t] h[t] + D x[t]`` with ``A = -exp(a)``; d, B and C
    are linear in x[t], d after a softplus. Work is that of the recurrence, step by step; a parallel scan does more.

    Examples
    --------
    >>> from layeralgebra import SelectiveStateSpace, dims, macs, parameters
    >>> T, d, n, r = dims("T d n r")
    >>> parameters(SelectiveStateSpace(n, r), on=(T, d))
    3*d*n + 2*d*r + 2*d
    >>> macs(SelectiveStateSpace(n, r), on=(T, d))
    3*T*d*n + 2*T*d*r

    References
    ----------
    Gu, Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces", arXiv 2312.00752 (2023).
    """

    state: Dim
    rank: Dim
    equation = """
        l[t, r] = L[r, f] * x[t, f]
        B[t, n] = P[n, f] * x[t, f]
        C[t, n] = Q[n, f] * x[t, f]
        d[t, e] = softplus(S[e, r] * l[t, r] + s[e])
        k[t, e, n] = exp(0 - d[t, e] * exp(a[e, n]))
        h[t, e, n] = k[t, e, n] * h[t-1, e, n] + d[t, e] * B[t, n] * x[t, e]
        y[t, e] = C[t, n] * h[t, e, n] + D[e] * x[t, e]
        where r < rank, n < state, e < size(f)
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: shape[-1] * (2 * self.rank + 3 * self.state + 2)}


class StateSpaceDuality(Layer):
    """A recurrence for every head whose state fades by one factor from data, with inputs and outputs that heads share.

    Parameters
    ----------
    heads : Dim
        The number of heads; it divides the features.
    state : Dim
        Numbers that are remembered for each feature.

    Shapes
    ------
    input, output : (time, features)

    Notes
    -----
    ``h[t] = exp(d[t] A) h[t-1] + d[t] B[t] x[t]`` and ``y[t] = C[t] h[t] + D x[t]`` with a number ``A = -exp(a)`` for each head; d, B and C are linear in
    x[t], d after a softplus. This is what stands in a block of Mamba-2 between its convolution and its gate. Work is that of the recurrence, step by
    step; in chunks it is more, and of products of matrices.

    Examples
    --------
    >>> from layeralgebra import StateSpaceDuality, dims, macs, parameters
    >>> T, h, p, n = dims("T h p n")
    >>> parameters(StateSpaceDuality(h, n), on=(T, h*p))
    h**2*p + 2*h*n*p + 3*h
    >>> macs(StateSpaceDuality(h, n), on=(T, h*p))
    T*h**2*p + 3*T*h*n*p

    References
    ----------
    Dao, Gu, "Transformers are SSMs: Generalized Models and Efficient Algorithms Through Structured State Space Duality", ICML 2024, arXiv 2405.21060,
    equation 1 with a scalar times the identity, and section 7.
    """

    heads: Dim
    state: Dim
    equation = """
        B[t, n] = P[n, f]*x[t, f]
        C[t, n] = Q[n, f]*x[t, f]
        d[t, h] = softplus(S[h, f]*x[t, f] + s[h])
        k[t, h] = exp(0 - d[t, h]*exp(a[h]))
        z[t, h, p] = x[t, (h, p)]
        H[t, h, p, n] = k[t, h]*H[t-1, h, p, n] + d[t, h]*B[t, n]*z[t, h, p]
        y[t, (h, p)] = C[t, n]*H[t, h, p, n] + D[h]*z[t, h, p]
        where h < heads, n < state
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: shape[-1] * (self.heads + 2 * self.state) + 3 * self.heads}
