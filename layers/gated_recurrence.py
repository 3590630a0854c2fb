"""Recurrences without a matrix between states: what is forgotten and what is taken up comes from the input alone."""

from __future__ import annotations

from ..algebra.equations.fields import Dim, Number
from ..algebra.networks.layer import Layer

__all__ = ["MinGRU", "QuasiRNN", "RealGatedLRU", "MatrixLSTM", "RWKVTimeMixing", "RWKVChannelMixing", "ScalarLSTM"]


class MinGRU(Layer):
    """A gated recurrent unit whose gate and candidate see the input only.

    Parameters
    ----------
    hidden : Dim
        Units of the state.

    Shapes
    ------
    input : (time, features)
    output : (time, hidden)

    Examples
    --------
    >>> from layeralgebra import MinGRU, dims, macs, parameters
    >>> T, f, m = dims("T f m")
    >>> parameters(MinGRU(m), on=(T, f)), macs(MinGRU(m), on=(T, f))
    (2*f*m + 2*m, 2*T*f*m)

    References
    ----------
    Feng, Tung, Ahmed, Bengio, Hajimirsadeghi, "Were RNNs All We Needed?", arXiv 2410.01201 (2024), section 3.1.
    """

    hidden: Dim
    equation = """
        z[t, o] = sigmoid(Wz[o, f]*x[t, f] + bz[o])
        n[t, o] = Wn[o, f]*x[t, f] + bn[o]
        h[t, o] = (1 - z[t, o])*h[t-1, o] + z[t, o]*n[t, o]
        where o < hidden
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: 2 * self.hidden * (shape[-1] + 1)}


class QuasiRNN(Layer):
    """Candidates and gates by causal convolutions, then a recurrence of one unit each, with output gates.

    Parameters
    ----------
    hidden : Dim
        Units of the state.
    window : Dim, default 2
        Positions that a convolution sees, up to its own.

    Shapes
    ------
    input : (time, features)
    output : (time, hidden)

    Examples
    --------
    >>> from layeralgebra import QuasiRNN, dims, macs, parameters
    >>> T, f, m, k = dims("T f m k")
    >>> parameters(QuasiRNN(m, k), on=(T, f)), macs(QuasiRNN(m, k), on=(T, f))
    (3*f*k*m, 3*T*f*k*m)

    References
    ----------
    Bradbury, Merity, Xiong, Socher, "Quasi-Recurrent Neural Networks", ICLR 2017, arXiv 1611.01576, equations 1 and 4.
    """

    hidden: Dim
    window: Dim = 2
    equation = """
        p[t, f] = pad[t: (window - 1, 0)](x[t, f])
        z[t, o] = tanh(Wz[o, f, u]*p[t + u, f])
        a[t, o] = sigmoid(Wf[o, f, u]*p[t + u, f])
        q[t, o] = sigmoid(Wo[o, f, u]*p[t + u, f])
        c[t, o] = a[t, o]*c[t-1, o] + (1 - a[t, o])*z[t, o]
        h[t, o] = q[t, o]*c[t, o]
        where o < hidden, u < window
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: 3 * self.hidden * shape[-1] * self.window}


class RealGatedLRU(Layer):
    """A diagonal linear recurrence whose factors are learned numbers raised to a gate, with inputs scaled to keep the size of the state.

    Parameters
    ----------
    power : Number, default 8
        The largest power to which a factor is raised.

    Shapes
    ------
    input, output : (time, features)

    Examples
    --------
    >>> from layeralgebra import RealGatedLRU, dims, macs, parameters
    >>> T, d = dims("T d")
    >>> parameters(RealGatedLRU(), on=(T, d)), macs(RealGatedLRU(), on=(T, d))
    (2*d**2 + 3*d, 2*T*d**2)

    References
    ----------
    De et al., "Griffin: Mixing Gated Linear Recurrences with Local Attention for Efficient Language Models", arXiv 2402.19427 (2024), equations 1
    to 4 and 6.
    """

    power: Number = 8
    equation = """
        r[t, o] = sigmoid(Wa[o, f]*x[t, f] + ba[o])
        i[t, o] = sigmoid(Wx[o, f]*x[t, f] + bx[o])
        l[t, o] = 0 - power*softplus(s[o])*r[t, o]
        a[t, o] = exp(l[t, o])
        h[t, o] = a[t, o]*h[t-1, o] + sqrt(1 - a[t, o]**2)*i[t, o]*x[t, o]
        where o < size(f)
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: shape[-1] * (2 * shape[-1] + 3)}


class MatrixLSTM(Layer):
    """A memory that is a matrix for each head, written by keys and values and read by queries, with exponential input gates.

    Parameters
    ----------
    heads : Dim
        The number of heads; it divides the features.

    Shapes
    ------
    input, output : (time, features)

    Notes
    -----
    Input gates are the exponentials themselves, without the state that keeps them from overflowing, which changes no value. Queries, keys, values and
    gates are affine maps of the input.

    Examples
    --------
    >>> from layeralgebra import MatrixLSTM, dims, macs, parameters
    >>> T, e, h = dims("T e h")
    >>> parameters(MatrixLSTM(h), on=(T, h*e))
    4*e**2*h**2 + 2*e*h**2 + 4*e*h + 2*h
    >>> macs(MatrixLSTM(h), on=(T, h*e))
    4*T*e**2*h**2 + T*e**2*h + 2*T*e*h**2 + T*e*h

    References
    ----------
    Beck et al., "xLSTM: Extended Long Short-Term Memory", NeurIPS 2024, arXiv 2405.04517, equations 19 to 27.
    """

    heads: Dim
    equation = """
        q[t, n, e] = Q[n, e, m]*x[t, m] + bq[n, e]
        k[t, n, e] = (K[n, e, m]*x[t, m])/sqrt(size(e)) + bk[n, e]
        v[t, n, d] = V[n, d, m]*x[t, m] + bv[n, d]
        i[t, n] = exp(I[n, m]*x[t, m] + bi[n])
        f[t, n] = sigmoid(F[n, m]*x[t, m] + bf[n])
        o[t, n, d] = sigmoid(O[n, d, m]*x[t, m] + bo[n, d])
        w[t, n, e] = i[t, n]*k[t, n, e]
        C[t, n, d, e] = f[t, n]*C[t-1, n, d, e] + v[t, n, d]*w[t, n, e]
        s[t, n, e] = f[t, n]*s[t-1, n, e] + w[t, n, e]
        above[t, n, d] = C[t, n, d, e]*q[t, n, e]
        below[t, n] = s[t, n, e]*q[t, n, e]
        y[t, (n, d)] = o[t, n, d]*above[t, n, d]/max(abs(below[t, n]), 1)
        where n < heads, e < size(m)/heads, d < size(m)/heads
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: (shape[-1] + 1) * (4 * shape[-1] + 2 * self.heads)}


class RWKVTimeMixing(Layer):
    """Values averaged over earlier positions with weights that come from keys and fade, a bonus for the present one, then gated.

    Shapes
    ------
    input, output : (time, features)

    Notes
    -----
    Every map sees a learned mixture of a position and the one before it. Rates of fading are the exponentials of learned numbers.

    Examples
    --------
    >>> from layeralgebra import RWKVTimeMixing, dims, macs, parameters
    >>> T, d = dims("T d")
    >>> parameters(RWKVTimeMixing(), on=(T, d)), macs(RWKVTimeMixing(), on=(T, d))
    (4*d**2 + 5*d, 4*T*d**2)

    References
    ----------
    Peng et al., "RWKV: Reinventing RNNs for the Transformer Era", Findings of EMNLP 2023, arXiv 2305.13048, section 3.1.
    """

    equation = """
        p[j, f] = pad[j: (1, -1)](x[j, f])
        r[t, o] = R[o, f]*(mr[f]*x[t, f] + (1 - mr[f])*p[t, f])
        k[t, o] = K[o, f]*(mk[f]*x[t, f] + (1 - mk[f])*p[t, f])
        v[t, o] = V[o, f]*(mv[f]*x[t, f] + (1 - mv[f])*p[t, f])
        e[t, o] = exp(k[t, o])
        g[t, o] = exp(u[o] + k[t, o])
        n[t, o] = (a[t-1, o] + g[t, o]*v[t, o])/(b[t-1, o] + g[t, o])
        a[t, o] = exp(0 - exp(w[o]))*a[t-1, o] + e[t, o]*v[t, o]
        b[t, o] = exp(0 - exp(w[o]))*b[t-1, o] + e[t, o]
        z[t, o] = sigmoid(r[t, o])*n[t, o]
        y[t, f] = O[f, o]*z[t, o]
        where o < size(f)
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: shape[-1] * (4 * shape[-1] + 5)}


class RWKVChannelMixing(Layer):
    """A perceptron with squared rectifiers and a gate, each of which sees a learned mixture of a position and the one before it.

    Parameters
    ----------
    hidden : Dim
        Units of the perceptron.

    Shapes
    ------
    input, output : (time, features)

    Examples
    --------
    >>> from layeralgebra import RWKVChannelMixing, dims, macs, parameters
    >>> T, d, h = dims("T d h")
    >>> parameters(RWKVChannelMixing(h), on=(T, d)), macs(RWKVChannelMixing(h), on=(T, d))
    (d**2 + 2*d*h + 2*d, T*d**2 + 2*T*d*h)

    References
    ----------
    Peng et al., "RWKV: Reinventing RNNs for the Transformer Era", Findings of EMNLP 2023, arXiv 2305.13048, section 3.1.
    """

    hidden: Dim
    equation = """
        p[j, f] = pad[j: (1, -1)](x[j, f])
        r[t, o] = R[o, f]*(mr[f]*x[t, f] + (1 - mr[f])*p[t, f])
        k[t, h] = K[h, f]*(mk[f]*x[t, f] + (1 - mk[f])*p[t, f])
        s[t, h] = relu(k[t, h])**2
        v[t, o] = V[o, h]*s[t, h]
        y[t, o] = sigmoid(r[t, o])*v[t, o]
        where o < size(f), h < hidden
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: shape[-1] * (shape[-1] + 2 * self.hidden + 2)}


class ScalarLSTM(Layer):
    """Long short-term memory with exponential gates, a state that normalises it, and units that see those of their head only.

    Parameters
    ----------
    heads : Dim
        The number of heads.
    width : Dim
        Units of a head.

    Shapes
    ------
    input : (time, features)
    output : (time, heads * width)

    Notes
    -----
    Forget gates are exponentials; a state with the largest exponent so far keeps them from overflowing, which changes no value.

    Examples
    --------
    >>> from layeralgebra import ScalarLSTM, dims, macs, parameters
    >>> T, f, h, w = dims("T f h w")
    >>> parameters(ScalarLSTM(h, w), on=(T, f))
    4*f*h*w + 4*h*w**2 + 4*h*w
    >>> macs(ScalarLSTM(h, w), on=(T, f))
    4*T*f*h*w + 4*T*h*w**2

    References
    ----------
    Beck et al., "xLSTM: Extended Long Short-Term Memory", NeurIPS 2024, arXiv 2405.04517, equations 8 to 17.
    """

    heads: Dim
    width: Dim
    equation = """
        z[t, n, a] = tanh(Wz[n, a, f]*x[t, f] + Rz[n, a, p]*h[t-1, n, p] + bz[n, a])
        enter[t, n, a] = Wi[n, a, f]*x[t, f] + Ri[n, a, p]*h[t-1, n, p] + bi[n, a]
        keep[t, n, a] = Wf[n, a, f]*x[t, f] + Rf[n, a, p]*h[t-1, n, p] + bf[n, a]
        o[t, n, a] = sigmoid(Wo[n, a, f]*x[t, f] + Ro[n, a, p]*h[t-1, n, p] + bo[n, a])
        m[t, n, a] = max(keep[t, n, a] + m[t-1, n, a], enter[t, n, a])
        i[t, n, a] = exp(enter[t, n, a] - m[t, n, a])
        l[t, n, a] = exp(keep[t, n, a] + m[t-1, n, a] - m[t, n, a])
        c[t, n, a] = l[t, n, a]*c[t-1, n, a] + i[t, n, a]*z[t, n, a]
        s[t, n, a] = l[t, n, a]*s[t-1, n, a] + i[t, n, a]
        h[t, n, a] = o[t, n, a]*c[t, n, a]/s[t, n, a]
        y[t, (n, a)] = h[t, n, a]
        where n < heads, a < width
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: 4 * self.heads * self.width * (shape[-1] + self.width + 1)}
