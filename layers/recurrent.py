"""Recurrent layers over (time, features), or over several sequences at once, with a zero state before the first step; and one step of them."""

from __future__ import annotations

from ..algebra.equations.fields import Dim, Flag
from ..algebra.networks.layer import Layer

__all__ = ["RNN", "GRU", "LSTM", "GRUCell", "LSTMCell", "ConvLSTM"]


class RNN(Layer):
    """h[t] = tanh(W x[t] + U h[t-1] + biases), with two biases, as is common.

    Parameters
    ----------
    hidden : Dim
        Units of the state.
    bias : Flag, default True
        Whether there are both biases.

    Shapes
    ------
    input : (time, *sequences, features)
    output : (time, *sequences, hidden)

    Examples
    --------
    >>> from layeralgebra import RNN, dims, parameters
    >>> T, n, m = dims("T n m")
    >>> parameters(RNN(m), on=(T, n))
    m**2 + m*n + 2*m

    References
    ----------
    Elman, "Finding Structure in Time", Cognitive Science 14 (1990), doi 10.1207/s15516709cog1402_1.

    PyTorch documentation, "torch.nn.RNN", https://docs.pytorch.org/docs/stable/generated/torch.nn.RNN.html.
    """

    hidden: Dim
    bias: Flag = True
    equation = """
        h[t, *s, o] = tanh(W[o, f]*x[t, *s, f] + (b[o] if bias else 0) + U[o, p]*h[t-1, *s, p] + (d[o] if bias else 0))
        where o < hidden
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: self.hidden * (shape[-1] + self.hidden + 2 * int(self.bias))}


class GRU(Layer):
    """A gated recurrent unit: reset gate r, update gate z, candidate n.

    Parameters
    ----------
    hidden : Dim
        Units of the state.
    bias : Flag, default True
        Whether there are two biases for each of the three maps.

    Shapes
    ------
    input : (time, *sequences, features)
    output : (time, *sequences, hidden)

    Examples
    --------
    >>> from layeralgebra import GRU, dims, parameters
    >>> T, n, m = dims("T n m")
    >>> parameters(GRU(m), on=(T, n))
    3*m**2 + 3*m*n + 6*m

    References
    ----------
    Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder for Statistical Machine Translation", EMNLP
    2014, arXiv 1406.1078. That r multiplies U h, and no h before the map, is the convention of PyTorch.

    PyTorch documentation, "torch.nn.GRU", https://docs.pytorch.org/docs/stable/generated/torch.nn.GRU.html.
    """

    hidden: Dim
    bias: Flag = True
    equation = """
        r[t, *s, o] = sigmoid(Wr[o, f]*x[t, *s, f] + (br[o] if bias else 0) + Ur[o, p]*h[t-1, *s, p] + (dr[o] if bias else 0))
        z[t, *s, o] = sigmoid(Wz[o, f]*x[t, *s, f] + (bz[o] if bias else 0) + Uz[o, p]*h[t-1, *s, p] + (dz[o] if bias else 0))
        u[t, *s, o] = Un[o, p]*h[t-1, *s, p] + (dn[o] if bias else 0)
        n[t, *s, o] = tanh(Wn[o, f]*x[t, *s, f] + (bn[o] if bias else 0) + r[t, *s, o]*u[t, *s, o])
        h[t, *s, o] = (1 - z[t, *s, o])*n[t, *s, o] + z[t, *s, o]*h[t-1, *s, o]
        where o < hidden
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: 3 * self.hidden * (shape[-1] + self.hidden + 2 * int(self.bias))}


class LSTM(Layer):
    """Long short-term memory: input gate a, forget gate r, output gate q, candidate g, cell c.

    Parameters
    ----------
    hidden : Dim
        Units of the state.
    bias : Flag, default True
        Whether there are two biases for each of the four maps.

    Shapes
    ------
    input : (time, *sequences, features)
    output : (time, *sequences, hidden)

    Examples
    --------
    >>> from layeralgebra import LSTM, dims, parameters
    >>> T, n, m = dims("T n m")
    >>> parameters(LSTM(m), on=(T, n))
    4*m**2 + 4*m*n + 8*m

    References
    ----------
    Hochreiter, Schmidhuber, "Long Short-Term Memory", Neural Computation 9 (1997), doi 10.1162/neco.1997.9.8.1735.

    Gers, Schmidhuber, Cummins, "Learning to Forget: Continual Prediction with LSTM", Neural Computation 12 (2000), doi
    10.1162/089976600300015015. That every map has two biases is the convention of PyTorch.

    PyTorch documentation, "torch.nn.LSTM", https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html.
    """

    hidden: Dim
    bias: Flag = True
    equation = """
        a[t, *s, o] = sigmoid(Wa[o, f]*x[t, *s, f] + (ba[o] if bias else 0) + Ua[o, p]*h[t-1, *s, p] + (da[o] if bias else 0))
        r[t, *s, o] = sigmoid(Wr[o, f]*x[t, *s, f] + (br[o] if bias else 0) + Ur[o, p]*h[t-1, *s, p] + (dr[o] if bias else 0))
        g[t, *s, o] = tanh(Wg[o, f]*x[t, *s, f] + (bg[o] if bias else 0) + Ug[o, p]*h[t-1, *s, p] + (dg[o] if bias else 0))
        q[t, *s, o] = sigmoid(Wq[o, f]*x[t, *s, f] + (bq[o] if bias else 0) + Uq[o, p]*h[t-1, *s, p] + (dq[o] if bias else 0))
        c[t, *s, o] = r[t, *s, o]*c[t-1, *s, o] + a[t, *s, o]*g[t, *s, o]
        h[t, *s, o] = q[t, *s, o]*tanh(c[t, *s, o])
        where o < hidden
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: 4 * self.hidden * (shape[-1] + self.hidden + 2 * int(self.bias))}


class GRUCell(Layer):
    """One step of a gated recurrent unit: from an input and the state before it to the state behind it.

    Parameters
    ----------
    hidden : Dim
        Units of the state.
    bias : Flag, default True
        Whether there are two biases for each of the three maps.

    Shapes
    ------
    input : (features,), (hidden,)
    output : (hidden,)

    Examples
    --------
    >>> from layeralgebra import GRUCell, dims, macs
    >>> n, m = dims("n m")
    >>> macs(GRUCell(m), on=[(n,), (m,)])
    3*m**2 + 3*m*n

    References
    ----------
    Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder for Statistical Machine Translation", EMNLP
    2014, arXiv 1406.1078. That r multiplies U h, and no h before the map, is the convention of PyTorch.

    PyTorch documentation, "torch.nn.GRUCell", https://docs.pytorch.org/docs/stable/generated/torch.nn.GRUCell.html.
    """

    hidden: Dim
    bias: Flag = True
    inputs = ("x", "h0")
    equation = """
        r[o] = sigmoid(Wr[o, f]*x[f] + (br[o] if bias else 0) + Ur[o, p]*h0[p] + (dr[o] if bias else 0))
        z[o] = sigmoid(Wz[o, f]*x[f] + (bz[o] if bias else 0) + Uz[o, p]*h0[p] + (dz[o] if bias else 0))
        u[o] = Un[o, p]*h0[p] + (dn[o] if bias else 0)
        n[o] = tanh(Wn[o, f]*x[f] + (bn[o] if bias else 0) + r[o]*u[o])
        h[o] = (1 - z[o])*n[o] + z[o]*h0[o]
        where o < hidden, p < hidden, size(h0, 0) == hidden
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, *shapes: 3 * self.hidden * (shapes[0][-1] + self.hidden + 2 * int(self.bias))}


class LSTMCell(Layer):
    """One step of long short-term memory: from an input, the state and the cell before it to the state h and the cell c behind it.

    Parameters
    ----------
    hidden : Dim
        Units of the state.
    bias : Flag, default True
        Whether there are two biases for each of the four maps.

    Shapes
    ------
    input : (features,), (hidden,), (hidden,)
    output : (hidden,), (hidden,)

    Examples
    --------
    >>> from layeralgebra import LSTMCell, dims, macs, output_shape
    >>> n, m = dims("n m")
    >>> output_shape(LSTMCell(m), on=[(n,), (m,), (m,)])
    {'h': (m,), 'c': (m,)}
    >>> macs(LSTMCell(m)["c"], on=[(n,), (m,), (m,)])  # without the output gate
    3*m**2 + 3*m*n

    References
    ----------
    Hochreiter, Schmidhuber, "Long Short-Term Memory", Neural Computation 9 (1997), doi 10.1162/neco.1997.9.8.1735.

    Gers, Schmidhuber, Cummins, "Learning to Forget: Continual Prediction with LSTM", Neural Computation 12 (2000), doi
    10.1162/089976600300015015. That every map has two biases is the convention of PyTorch.

    PyTorch documentation, "torch.nn.LSTMCell", https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTMCell.html.
    """

    hidden: Dim
    bias: Flag = True
    inputs, outputs = ("x", "h0", "c0"), ("h", "c")
    equation = """
        a[o] = sigmoid(Wa[o, f]*x[f] + (ba[o] if bias else 0) + Ua[o, p]*h0[p] + (da[o] if bias else 0))
        r[o] = sigmoid(Wr[o, f]*x[f] + (br[o] if bias else 0) + Ur[o, p]*h0[p] + (dr[o] if bias else 0))
        g[o] = tanh(Wg[o, f]*x[f] + (bg[o] if bias else 0) + Ug[o, p]*h0[p] + (dg[o] if bias else 0))
        q[o] = sigmoid(Wq[o, f]*x[f] + (bq[o] if bias else 0) + Uq[o, p]*h0[p] + (dq[o] if bias else 0))
        c[o] = r[o]*c0[o] + a[o]*g[o]
        h[o] = q[o]*tanh(c[o])
        where o < hidden, p < hidden, size(h0, 0) == hidden, size(c0, 0) == hidden
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, *shapes: 4 * self.hidden * (shapes[0][-1] + self.hidden + 2 * int(self.bias))}


class ConvLSTM(Layer):
    """Long short-term memory over images: its maps are convolutions that keep the size, and cells look into their gates.

    Parameters
    ----------
    hidden : Dim
        Channels of the state.
    kernel : Dim
        The width of the kernels along every axis.

    Shapes
    ------
    input : (time, *spatial, channels)
    output : (time, *spatial, hidden)

    Notes
    -----
    Where a kernel is even, the margin behind is the wider one. The weights of the cells in the gates are one for each position and channel.

    Examples
    --------
    >>> from layeralgebra import ConvLSTM, dims, macs, parameters
    >>> T, H, W, c, m = dims("T H W c m")
    >>> parameters(ConvLSTM(m, 3), on=(T, H, W, c))
    3*H*W*m + 36*c*m + 36*m**2 + 4*m
    >>> macs(ConvLSTM(m, 3), on=(T, H, W, c))
    36*H*T*W*c*m + 36*H*T*W*m**2

    References
    ----------
    Shi et al., "Convolutional LSTM Network: A Machine Learning Approach for Precipitation Nowcasting", NIPS 2015, arXiv 1506.04214, equation 3.
    """

    hidden: Dim
    kernel: Dim
    outputs = ("h",)
    equation = """
        before = floor((kernel - 1)/2)
        behind = floor(kernel/2)
        xp[t, *j, f] = pad[j: (before, behind)](x[t, *j, f])
        i[t, *j, a] = sigmoid(Wi[a, f, *u]*xp[t, *(j + u), f] + Ui[a, p, *u]*hp[t-1, *(j + u), p] + Vi[*j, a]*c[t-1, *j, a] + bi[a])
        r[t, *j, a] = sigmoid(Wf[a, f, *u]*xp[t, *(j + u), f] + Uf[a, p, *u]*hp[t-1, *(j + u), p] + Vf[*j, a]*c[t-1, *j, a] + bf[a])
        g[t, *j, a] = tanh(Wg[a, f, *u]*xp[t, *(j + u), f] + Ug[a, p, *u]*hp[t-1, *(j + u), p] + bg[a])
        c[t, *j, a] = r[t, *j, a]*c[t-1, *j, a] + i[t, *j, a]*g[t, *j, a]
        o[t, *j, a] = sigmoid(Wo[a, f, *u]*xp[t, *(j + u), f] + Uo[a, p, *u]*hp[t-1, *(j + u), p] + Vo[*j, a]*c[t, *j, a] + bo[a])
        h[t, *j, a] = o[t, *j, a]*tanh(c[t, *j, a])
        hp[t, *j, p] = pad[j: (before, behind)](h[t, *j, p])
        where a < hidden, u < kernel
    """
    channel_axis = "last"
