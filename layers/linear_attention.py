"""Attention whose work grows with the number of positions and not with its square: a state takes the place of the scores."""

from __future__ import annotations

from ..algebra.equations.fields import Dim, Number
from ..algebra.networks.layer import Layer

__all__ = [
    "LinearAttention",
    "CausalLinearAttention",
    "Retention",
    "ChunkedRetention",
    "GatedLinearAttention",
    "ExternalAttention",
    "PerformerAttention",
    "CosformerAttention",
]


class LinearAttention(Layer):
    """Self-attention with a product of features in place of the softmax, so that keys and values are summed once.

    Parameters
    ----------
    heads : Dim
        The number of heads; it divides the features.

    Shapes
    ------
    input, output : (time, features)

    Notes
    -----
    The features are those of the paper, ``elu(x) + 1``. Every position attends to all.

    Examples
    --------
    >>> from layeralgebra import LinearAttention, dims, macs, parameters
    >>> T, e, h = dims("T e h")
    >>> parameters(LinearAttention(h), on=(T, h*e))
    4*e**2*h**2
    >>> macs(LinearAttention(h), on=(T, h*e))
    4*T*e**2*h**2 + 2*T*e**2*h + T*e*h

    References
    ----------
    Katharopoulos, Vyas, Pappas, Fleuret, "Transformers are RNNs: Fast Autoregressive Transformers with Linear Attention", ICML 2020, arXiv 2006.16236,
    equations 6 and 7.
    """

    heads: Dim
    equation = """
        q[n, i, e] = Q[n, e, m]*x[i, m]
        k[n, j, e] = K[n, e, m]*x[j, m]
        v[n, j, d] = V[n, d, m]*x[j, m]
        a[n, i, e] = relu(q[n, i, e]) + exp(min(q[n, i, e], 0))
        b[n, j, e] = relu(k[n, j, e]) + exp(min(k[n, j, e], 0))
        s[n, e, d] = b[n, j, e]*v[n, j, d]
        z[n, e] = b[n, j, e]
        above[n, i, d] = a[n, i, e]*s[n, e, d]
        below[n, i] = a[n, i, e]*z[n, e]
        o[i, (n, d)] = above[n, i, d]/below[n, i]
        y[i, f] = O[f, h]*o[i, h]
        where n < heads, e < size(m)/heads, d < size(m)/heads, f < size(m)
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: 4 * shape[-1] ** 2}


class CausalLinearAttention(Layer):
    """Self-attention to earlier positions with a product of features in place of the softmax, as a recurrence over a state.

    Parameters
    ----------
    heads : Dim
        The number of heads; it divides the features.

    Shapes
    ------
    input, output : (time, features)

    Notes
    -----
    The features are those of the paper, ``elu(x) + 1``. Updates of the state are multiplies and adds, and no MACs, since nothing is summed over
    an index.

    Examples
    --------
    >>> from layeralgebra import CausalLinearAttention, dims, macs, parameters
    >>> T, e, h = dims("T e h")
    >>> parameters(CausalLinearAttention(h), on=(T, h*e))
    4*e**2*h**2
    >>> macs(CausalLinearAttention(h), on=(T, h*e))
    4*T*e**2*h**2 + T*e**2*h + T*e*h

    References
    ----------
    Katharopoulos, Vyas, Pappas, Fleuret, "Transformers are RNNs: Fast Autoregressive Transformers with Linear Attention", ICML 2020, arXiv 2006.16236,
    equations 16 to 20.
    """

    heads: Dim
    equation = """
        q[i, n, e] = Q[n, e, m]*x[i, m]
        k[i, n, e] = K[n, e, m]*x[i, m]
        v[i, n, d] = V[n, d, m]*x[i, m]
        a[i, n, e] = relu(q[i, n, e]) + exp(min(q[i, n, e], 0))
        b[i, n, e] = relu(k[i, n, e]) + exp(min(k[i, n, e], 0))
        s[i, n, e, d] = s[i-1, n, e, d] + b[i, n, e]*v[i, n, d]
        z[i, n, e] = z[i-1, n, e] + b[i, n, e]
        above[i, n, d] = a[i, n, e]*s[i, n, e, d]
        below[i, n] = a[i, n, e]*z[i, n, e]
        o[i, (n, d)] = above[i, n, d]/below[i, n]
        y[i, f] = O[f, h]*o[i, h]
        where n < heads, e < size(m)/heads, d < size(m)/heads, f < size(m)
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: 4 * shape[-1] ** 2}


class Retention(Layer):
    """Retention in its recurrent form: a state for each head that fades by a fixed factor, normalised and gated.

    Parameters
    ----------
    heads : Dim
        The number of heads; it divides the features.
    epsilon : Number, default 1e-5
        Added to variances under the root.

    Shapes
    ------
    input, output : (time, features)

    Notes
    -----
    Head n fades by ``1 - 2**(-5 - n)`` a position. Queries and keys are not turned by their positions (the angle of the paper is 0). Heads are
    normalised without learned factors.

    Examples
    --------
    >>> from layeralgebra import Retention, dims, macs, parameters
    >>> T, e, h = dims("T e h")
    >>> parameters(Retention(h), on=(T, h*e))
    5*e**2*h**2
    >>> macs(Retention(h), on=(T, h*e))
    5*T*e**2*h**2 + T*e**2*h

    References
    ----------
    Sun et al., "Retentive Network: A Successor to Transformer for Large Language Models", arXiv 2307.08621 (2023), equations 6 and 8.
    """

    heads: Dim
    epsilon: Number = 1e-5
    equation = """
        q[t, n, e] = Q[n, e, m]*x[t, m]
        k[t, n, e] = K[n, e, m]*x[t, m]/sqrt(size(e))
        v[t, n, d] = V[n, d, m]*x[t, m]
        s[t, n, e, d] = (1 - 2**(-5 - n))*s[t-1, n, e, d] + k[t, n, e]*v[t, n, d]
        o[t, n, d] = q[t, n, e]*s[t, n, e, d]
        c[t, n, d] = o[t, n, d] - mean[d](o[t, n, d])
        r[t, n] = sqrt(mean[d](c[t, n, d]**2) + epsilon)
        g[t, n, d] = G[n, d, m]*x[t, m]
        u[t, (n, d)] = g[t, n, d]*sigmoid(g[t, n, d])*c[t, n, d]/r[t, n]
        y[t, f] = O[f, h]*u[t, h]
        where n < heads, e < size(m)/heads, d < size(m)/heads, f < size(m)
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: 5 * shape[-1] ** 2}


class ChunkedRetention(Layer):
    """One head of retention in its chunkwise form: scores inside chunks of positions, a state between them.

    Parameters
    ----------
    chunk : Dim
        Positions in a chunk; it divides them.
    decay : Number, default 0.96875
        The factor by which the state fades a position.

    Shapes
    ------
    input, output : (time, features)

    Notes
    -----
    Queries and keys are not turned by their positions (the angle of the paper is 0). It computes what one head of the recurrent form does,
    before normalisation and gate.

    Examples
    --------
    >>> from layeralgebra import ChunkedRetention, dims, macs, parameters
    >>> N, Q, d = dims("N Q d")
    >>> parameters(ChunkedRetention(Q), on=(N*Q, d))
    3*d**2
    >>> macs(ChunkedRetention(Q), on=(N*Q, d))
    2*N*Q**2*d + 5*N*Q*d**2

    References
    ----------
    Sun et al., "Retentive Network: A Successor to Transformer for Large Language Models", arXiv 2307.08621 (2023), equation 7.
    """

    chunk: Dim
    decay: Number = 0.96875
    equation = """
        z[c, i, m] = x[(c, i), m]
        q[c, i, e] = Q[e, m]*z[c, i, m]
        k[c, j, e] = K[e, m]*z[c, j, m]/sqrt(size(e))
        v[c, j, d] = V[d, m]*z[c, j, m]
        w[c, i, j] = q[c, i, e]*k[c, j, e]
        a[c, i, j] = w[c, i, j]*decay**(i - j)*[j <= i]
        l[c, j, e] = k[c, j, e]*decay**(chunk - 1 - j)
        p[c, e, d] = l[c, j, e]*v[c, j, d]
        across[c, i, d] = q[c, i, e]*s[c-1, e, d]
        s[c, e, d] = decay**chunk*s[c-1, e, d] + p[c, e, d]
        within[c, i, d] = a[c, i, j]*v[c, j, d]
        y[(c, i), d] = within[c, i, d] + decay**(i + 1)*across[c, i, d]
        where i < chunk, j < chunk, e < size(m), d < size(m)
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: 3 * shape[-1] ** 2}


class GatedLinearAttention(Layer):
    """Linear attention whose state fades by gates that come from data, normalised and gated.

    Parameters
    ----------
    heads : Dim
        The number of heads; it divides the features.
    rank : Dim, default 16
        Features between the two maps that make the gates.
    temperature : Number, default 16
        Gates are raised to its inverse; positive.
    epsilon : Number, default 1e-5
        Added to mean squares under the root.

    Shapes
    ------
    input, output : (time, features)

    Notes
    -----
    Keys have the width of values here; in the paper's models they have half of it.

    Examples
    --------
    >>> from layeralgebra import GatedLinearAttention, dims, macs, parameters
    >>> T, e, h, r = dims("T e h r")
    >>> parameters(GatedLinearAttention(h, r), on=(T, h*e))
    5*e**2*h**2 + 2*e*h*r + 2*e*h
    >>> macs(GatedLinearAttention(h, r), on=(T, h*e))
    5*T*e**2*h**2 + T*e**2*h + 2*T*e*h*r

    References
    ----------
    Yang, Wang, Shen, Panda, Kim, "Gated Linear Attention Transformers with Hardware-Efficient Training", ICML 2024, arXiv 2312.06635, equation 3
    and section 4.4.
    """

    heads: Dim
    rank: Dim = 16
    temperature: Number = 16
    epsilon: Number = 1e-5
    equation = """
        q[t, n, e] = Q[n, e, m]*x[t, m]
        k[t, n, e] = K[n, e, m]*x[t, m]
        v[t, n, d] = V[n, d, m]*x[t, m]
        l[t, r] = L[r, m]*x[t, m]
        a[t, n, e] = exp(0 - softplus(0 - A[n, e, r]*l[t, r] - b[n, e])/temperature)
        s[t, n, e, d] = a[t, n, e]*s[t-1, n, e, d] + k[t, n, e]*v[t, n, d]
        o[t, n, d] = q[t, n, e]*s[t, n, e, d]
        w[t, n] = sqrt(mean[d](o[t, n, d]**2) + epsilon)
        g[t, n, d] = G[n, d, m]*x[t, m]
        u[t, (n, d)] = g[t, n, d]*sigmoid(g[t, n, d])*c[n, d]*o[t, n, d]/w[t, n]
        y[t, f] = O[f, h]*u[t, h]
        where n < heads, e < size(m)/heads, d < size(m)/heads, f < size(m), r < rank
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: shape[-1] * (5 * shape[-1] + 2 * self.rank + 2)}


class ExternalAttention(Layer):
    """Attention to learned keys and values, which all inputs share, normalised over positions and then over the keys.

    Parameters
    ----------
    memory : Dim
        How many keys and values there are.

    Shapes
    ------
    input, output : (time, features)

    Examples
    --------
    >>> from layeralgebra import ExternalAttention, dims, macs, parameters
    >>> T, d, s = dims("T d s")
    >>> parameters(ExternalAttention(s), on=(T, d)), macs(ExternalAttention(s), on=(T, d))
    (2*d*s, 2*T*d*s)

    References
    ----------
    Guo, Liu, Mu, Hu, "Beyond Self-attention: External Attention using Two Linear Layers for Visual Tasks", arXiv 2105.02358 (2021), equations 5
    to 8.
    """

    memory: Dim
    equation = """
        w[i, s] = K[s, f]*x[i, f]
        a[i, s] = softmax[i](w[i, s])
        b[i, s] = a[i, s]/sum[s](a[i, s])
        y[i, f] = V[s, f]*b[i, s]
        where s < memory
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: 2 * self.memory * shape[-1]}


class PerformerAttention(Layer):
    """Self-attention whose softmax is replaced by positive random features, so that keys and values are summed once.

    Parameters
    ----------
    heads : Dim
        The number of heads; it divides the features.
    samples : Dim
        How many random features there are.

    Shapes
    ------
    input, output : (time, features)

    Notes
    -----
    The directions of the random features are a buffer, ``w``; the paper draws them once, orthogonal to each other.

    Examples
    --------
    >>> from layeralgebra import PerformerAttention, dims, macs, parameters
    >>> T, e, h, r = dims("T e h r")
    >>> parameters(PerformerAttention(h, r), on=(T, h*e))
    4*e**2*h**2
    >>> macs(PerformerAttention(h, r), on=(T, h*e))
    4*T*e**2*h**2 + 4*T*e*h*r + 2*T*e*h + T*h*r

    References
    ----------
    Choromanski et al., "Rethinking Attention with Performers", ICLR 2021, arXiv 2009.14794, equation 4 and lemma 1.
    """

    heads: Dim
    samples: Dim
    buffers = ("w",)
    equation = """
        scale = sqrt(sqrt(size(m)/heads))
        q[n, i, e] = Q[n, e, m]*x[i, m]/scale
        k[n, j, e] = K[n, e, m]*x[j, m]/scale
        v[n, j, d] = V[n, d, m]*x[j, m]
        lq[n, i] = q[n, i, e]*q[n, i, e]
        lk[n, j] = k[n, j, e]*k[n, j, e]
        a[n, i, r] = exp(w[r, e]*q[n, i, e] - lq[n, i]/2)
        b[n, j, r] = exp(w[r, e]*k[n, j, e] - lk[n, j]/2)
        s[n, r, d] = b[n, j, r]*v[n, j, d]
        z[n, r] = sum[j](b[n, j, r])
        above[n, i, d] = a[n, i, r]*s[n, r, d]
        below[n, i] = a[n, i, r]*z[n, r]
        o[i, (n, d)] = above[n, i, d]/below[n, i]
        y[i, f] = O[f, h]*o[i, h]
        where n < heads, e < size(m)/heads, d < size(m)/heads, r < samples, f < size(m)
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: 4 * shape[-1] ** 2}


class CosformerAttention(Layer):
    """Self-attention with rectified queries and keys, and weights that fall with distance as a cosine, summed by the addition theorem.

    Parameters
    ----------
    heads : Dim
        The number of heads; it divides the features.

    Shapes
    ------
    input, output : (time, features)

    Notes
    -----
    The longest distance of the paper, M, is the number of positions here.

    Examples
    --------
    >>> from layeralgebra import CosformerAttention, dims, macs, parameters
    >>> T, e, h = dims("T e h")
    >>> parameters(CosformerAttention(h), on=(T, h*e))
    4*e**2*h**2
    >>> macs(CosformerAttention(h), on=(T, h*e))
    4*T*e**2*h**2 + 4*T*e**2*h + 2*T*e*h

    References
    ----------
    Qin et al., "cosFormer: Rethinking Softmax in Attention", ICLR 2022, arXiv 2202.08791, equations 10 to 12.
    """

    heads: Dim
    equation = """
        q[n, i, e] = relu(Q[n, e, m]*x[i, m])
        k[n, j, e] = relu(K[n, e, m]*x[j, m])
        v[n, j, d] = V[n, d, m]*x[j, m]
        kc[n, j, e] = k[n, j, e]*cos(pi*j/(2*size(j)))
        ks[n, j, e] = k[n, j, e]*sin(pi*j/(2*size(j)))
        qc[n, i, e] = q[n, i, e]*cos(pi*i/(2*size(i)))
        qs[n, i, e] = q[n, i, e]*sin(pi*i/(2*size(i)))
        sc[n, e, d] = kc[n, j, e]*v[n, j, d]
        ss[n, e, d] = ks[n, j, e]*v[n, j, d]
        zc[n, e] = sum[j](kc[n, j, e])
        zs[n, e] = sum[j](ks[n, j, e])
        above[n, i, d] = qc[n, i, e]*sc[n, e, d] + qs[n, i, e]*ss[n, e, d]
        below[n, i] = qc[n, i, e]*zc[n, e] + qs[n, i, e]*zs[n, e]
        o[i, (n, d)] = above[n, i, d]/below[n, i]
        y[i, f] = O[f, h]*o[i, h]
        where n < heads, e < size(m)/heads, d < size(m)/heads, f < size(m)
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: 4 * shape[-1] ** 2}
