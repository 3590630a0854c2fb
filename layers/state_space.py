"""State spaces: linear recurrences whose coefficients may depend on the input."""

from __future__ import annotations

from ..algebra.equations.fields import Dim
from ..algebra.networks.layer import Layer

__all__ = ["SelectiveStateSpace"]


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
