"""Convolutions as long as the sequence, gated by the data, in place of attention."""

from __future__ import annotations

from ..algebra.equations.fields import Dim
from ..algebra.networks.layer import Layer

__all__ = ["Hyena", "HungryHippo"]


class Hyena(Layer):
    """Long convolutions and products with maps of the input in turns; the filters are a perceptron of the position.

    Parameters
    ----------
    order : Dim, default 2
        How many convolutions there are, and products after them.
    bands : Dim, default 8
        Waves of the position that enter the perceptron.
    hidden : Dim, default 64
        Units of the perceptron, which are sines.

    Shapes
    ------
    input, output : (time, features)

    Notes
    -----
    The maps of the input pass a causal convolution of three positions each. The perceptron has one hidden layer, and its outputs fade with learned rates
    (the window of the paper). Work is that of convolutions as sums over positions; by fast transforms it is less.

    Examples
    --------
    >>> from layeralgebra import Hyena, dims, macs, parameters
    >>> T, d, n, k, m = dims("T d n k m")
    >>> parameters(Hyena(n, k, m), on=(T, d))
    d**2*n + 2*d**2 + d*m*n + 4*d*n + 3*d + 2*k*m + 3*m
    >>> macs(Hyena(n, k, m), on=(T, d))
    T**2*d*n + T*d**2*n + 2*T*d**2 + T*d*m*n + 3*T*d*n + 3*T*d

    References
    ----------
    Poli et al., "Hyena Hierarchy: Towards Larger Convolutional Language Models", ICML 2023, arXiv 2302.10866, definition 3.1 and section 3.3.
    """

    order: Dim = 2
    bands: Dim = 8
    hidden: Dim = 64
    equation = """
        l[n, t, c] = P[n, c, f]*x[t, f]
        p[n, j, c] = pad[j: (2, 0)](l[n, j, c])
        s[n, t, c] = S[n, c, w]*p[n, t + w, c]
        turn[u, a] = A[a, k]*cos(2*pi*(k + 1)*u/size(t)) + B[a, k]*sin(2*pi*(k + 1)*u/size(t))
        unit[u, a] = sin(rate[a]*(turn[u, a] + C[a]*u/size(t) + b[a]))
        filter[r, c, u] = exp(0 - u*exp(fade[r, c]))*(D[r, c, a]*unit[u, a])
        z[-1, t, c] = s[0, t, c]
        v[r, t, c] = filter[r, c, u]*z[r - 1, t - u, c]
        z[r, t, c] = s[r + 1, t, c]*v[r, t, c]
        y[t, f] = O[f, c]*z[size(r) - 1, t, c]
        where n < order + 1, r < order, c < size(f), w < 3, k < bands, a < hidden, u < size(t), u <= t
    """
    channel_axis = "last"
    claims = {
        "parameters": lambda self, shape: (
            shape[-1] ** 2 * (self.order + 2)
            + 3 * shape[-1] * (self.order + 1)
            + self.hidden * (2 * self.bands + 3)
            + self.order * shape[-1] * (self.hidden + 1)
        )
    }


class HungryHippo(Layer):
    """Keys shifted by a short convolution, multiplied by values, remembered by diagonal states, and multiplied by queries.

    Parameters
    ----------
    shift : Dim
        Positions that the convolution of keys sees, the size of the shift state space.
    state : Dim
        Numbers that are remembered for each feature.

    Shapes
    ------
    input, output : (time, features)

    Notes
    -----
    Heads have one feature each. The diagonal states are real numbers, discrete ones: their factors are learned as they are.

    Examples
    --------
    >>> from layeralgebra import HungryHippo, dims, macs, parameters
    >>> T, d, m, n = dims("T d m n")
    >>> parameters(HungryHippo(m, n), on=(T, d))
    4*d**2 + d*m + 3*d*n
    >>> macs(HungryHippo(m, n), on=(T, d))
    4*T*d**2 + T*d*m + T*d*n

    References
    ----------
    Fu, Dao, Saab, Thomas, Rudra, Ré, "Hungry Hungry Hippos: Towards Language Modeling with State Space Models", ICLR 2023, arXiv 2212.14052,
    section 3.1 (H3).
    """

    shift: Dim
    state: Dim
    equation = """
        q[t, c] = Q[c, f]*x[t, f]
        k[t, c] = K[c, f]*x[t, f]
        v[t, c] = V[c, f]*x[t, f]
        s[t, c] = S[c, u]*k[t - u, c]
        z[t, c] = s[t, c]*v[t, c]
        h[t, c, n] = A[c, n]*h[t-1, c, n] + B[c, n]*z[t, c]
        o[t, c] = C[c, n]*h[t, c, n]
        g[t, c] = q[t, c]*o[t, c]
        y[t, f] = O[f, c]*g[t, c]
        where c < size(f), u < shift, u <= t, n < state
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: shape[-1] * (4 * shape[-1] + self.shift + 3 * self.state)}
