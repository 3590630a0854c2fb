"""Layers that choose from data: experts, entries of a memory, codes, the largest of a channel."""

from __future__ import annotations

from ..algebra.equations.fields import Dim
from ..algebra.networks.layer import Layer

__all__ = ["SparseMixtureOfExperts", "ExpertChoice", "ProductKeyMemory", "VectorQuantizer", "KMaxPool", "MedianFilter"]


class SparseMixtureOfExperts(Layer):
    """Perceptrons of one hidden layer, the best of which are chosen by a router at every position.

    Parameters
    ----------
    experts : Dim
        Among how many the router chooses.
    active : Dim
        How many it chooses at every position, no more than there are.
    hidden : Dim
        Units inside an expert.

    Shapes
    ------
    input, output : (time, features)

    Notes
    -----
    The choice is part of the equation and its comparisons are counted; in `MixtureOfExperts`, whose experts are gated, it is given.

    Examples
    --------
    >>> from layeralgebra import SparseMixtureOfExperts, dims, macs, parameters
    >>> T, d, h, n, k = dims("T d h n k")
    >>> parameters(SparseMixtureOfExperts(n, k, h), on=(T, d))
    2*d*h*n + d*n
    >>> macs(SparseMixtureOfExperts(n, k, h), on=(T, d))
    2*T*d*h*k + T*d*k + T*d*n

    References
    ----------
    Shazeer et al., "Outrageously Large Neural Networks: The Sparsely-Gated Mixture-of-Experts Layer", ICLR 2017, arXiv 1701.06538, equations 1
    to 3 and 5, without the noise of equation 4.
    """

    experts: Dim
    active: Dim
    hidden: Dim
    equation = """
        s[t, e] = R[e, f]*x[t, f]
        best[t, r] = top[e](s[t, e], r)
        g[t, r] = softmax[r](s[t, best[t, r]])
        h[t, r, m] = relu(U[best[t, r], m, f]*x[t, f])
        z[t, r, f] = V[best[t, r], f, m]*h[t, r, m]
        y[t, f] = g[t, r]*z[t, r, f]
        where e < experts, r < active, active <= experts, m < hidden
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: shape[-1] * self.experts * (2 * self.hidden + 1)}


class ExpertChoice(Layer):
    """Perceptrons of one hidden layer, each of which chooses the positions that it serves.

    Parameters
    ----------
    experts : Dim
        How many there are.
    capacity : Dim
        How many positions each of them chooses, no more than there are.
    hidden : Dim
        Units inside an expert.

    Shapes
    ------
    input, output : (time, features)

    Notes
    -----
    What the experts give back is added at the positions that they chose; a position that none chose gets zeros.

    Examples
    --------
    >>> from layeralgebra import ExpertChoice, dims, macs, parameters
    >>> T, d, h, n, k = dims("T d h n k")
    >>> parameters(ExpertChoice(n, k, h), on=(T, d))
    2*d*h*n + d*n
    >>> macs(ExpertChoice(n, k, h), on=(T, d))
    T*d*n + 2*d*h*k*n

    References
    ----------
    Zhou et al., "Mixture-of-Experts with Expert Choice Routing", NeurIPS 2022, arXiv 2202.09368, equations 1 to 3.
    """

    experts: Dim
    capacity: Dim
    hidden: Dim
    equation = """
        s[t, e] = softmax[e](R[e, f]*x[t, f])
        pick[e, r] = top[t](s[t, e], r)
        h[e, r, m] = relu(U[e, m, f]*x[pick[e, r], f])
        z[e, r, f] = V[e, f, m]*h[e, r, m]
        y[pick[e, r], f] = s[pick[e, r], e]*z[e, r, f]
        where e < experts, r < capacity, m < hidden
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: shape[-1] * self.experts * (2 * self.hidden + 1)}


class ProductKeyMemory(Layer):
    """A memory of keys ** 2 learned vectors, read at a few of them, whose keys are pairs of two short lists.

    Parameters
    ----------
    keys : Dim
        Keys in each of the two lists of a head.
    chosen : Dim
        How many vectors a head reads at every position, no more than there are keys in a list.
    heads : Dim
        How many heads read the same memory.
    key_features : Dim
        Numbers in a key of a list, half of those in a query.
    out_features : Dim
        Numbers in a vector of the memory.

    Shapes
    ------
    input : (time, features)
    output : (time, out_features)

    Notes
    -----
    The best pairs are among the pairs of the best, so that `chosen` of each list suffice. The query network is a linear map.

    Examples
    --------
    >>> from layeralgebra import ProductKeyMemory, dims, macs, parameters
    >>> T, d, n, k, h, e, o = dims("T d n k h e o")
    >>> parameters(ProductKeyMemory(n, k, h, e, o), on=(T, d))
    2*d*e*h + 2*e*h*n + n**2*o
    >>> macs(ProductKeyMemory(n, k, h, e, o), on=(T, d))
    2*T*d*e*h + 2*T*e*h*n + T*h*k*o

    References
    ----------
    Lample, Sablayrolles, Ranzato, Denoyer, Jégou, "Large Memory Layers with Product Keys", NeurIPS 2019, arXiv 1907.05242, equations 1 to 5.
    """

    keys: Dim
    chosen: Dim
    heads: Dim
    key_features: Dim
    out_features: Dim
    equation = """
        q[t, h, p, e] = Q[h, p, e, f]*x[t, f]
        s[t, h, p, a] = K[h, p, a, e]*q[t, h, p, e]
        best[t, h, p, r] = top[a](s[t, h, p, a], r)
        pair[t, h, (i, j)] = s[t, h, 0, best[t, h, 0, i]] + s[t, h, 1, best[t, h, 1, j]]
        z[t, h, r] = top[c](pair[t, h, c], r)
        first[t, h, r] = floor(z[t, h, r]/chosen)
        second[t, h, r] = mod(z[t, h, r], chosen)
        g[t, h, r] = softmax[r](pair[t, h, z[t, h, r]])
        y[t, o] = g[t, h, r]*V[best[t, h, 0, first[t, h, r]], best[t, h, 1, second[t, h, r]], o]
        where h < heads, p < 2, e < key_features, a < keys, o < out_features, r < chosen, i < chosen, j < chosen, chosen <= keys
    """
    channel_axis = "last"
    claims = {
        "parameters": lambda self, shape: (
            2 * self.heads * self.key_features * (shape[-1] + self.keys) + self.keys**2 * self.out_features
        )
    }


class VectorQuantizer(Layer):
    """Every vector replaced by the nearest one of a learned list.

    Parameters
    ----------
    codes : Dim
        How many there are in the list.

    Shapes
    ------
    input, output : (*positions, features)

    Examples
    --------
    >>> from layeralgebra import VectorQuantizer, dims, flops, parameters
    >>> T, d, n = dims("T d n")
    >>> parameters(VectorQuantizer(n), on=(T, d))
    d*n
    >>> flops(VectorQuantizer(n), on=(T, d))
    3*T*d*n + T*n

    References
    ----------
    van den Oord, Vinyals, Kavukcuoglu, "Neural Discrete Representation Learning", NIPS 2017, arXiv 1711.00937, equations 1 and 2.
    """

    codes: Dim
    equation = """
        d[*t, n] = sum[f]((x[*t, f] - C[n, f])**2)
        z[*t] = argmin[n](d[*t, n])
        y[*t, f] = C[z[*t], f]
        where n < codes
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: self.codes * shape[-1], "macs": lambda self, shape: 0}


class KMaxPool(Layer):
    """The largest values of every channel, in the order in which they stood.

    Parameters
    ----------
    kept : Dim
        How many values of a channel are kept, no more than there are.

    Shapes
    ------
    input : (channels, time)
    output : (channels, kept)

    Examples
    --------
    >>> from layeralgebra import KMaxPool, dims, output_shape, run
    >>> c, T, k = dims("c T k")
    >>> output_shape(KMaxPool(k), on=(c, T))
    (c, k)
    >>> run(KMaxPool(3), [[5, 1, 9, 2, 7]]).tolist()
    [[5, 9, 7]]

    References
    ----------
    Kalchbrenner, Grefenstette, Blunsom, "A Convolutional Neural Network for Modelling Sentences", ACL 2014, arXiv 1404.2188, section 3.2.
    """

    kept: Dim
    equation = """
        place[c, r] = top[t](x[c, t], r)
        ordered[c, q] = sort[r](place[c, r], q)
        y[c, q] = x[c, ordered[c, q]]
        where r < kept, q < kept
    """
    channel_axis = "first"
    claims = {"parameters": lambda self, shape: 0, "macs": lambda self, shape: 0}


class MedianFilter(Layer):
    """The median of every window of a channel; of an even number of values the upper one of the two in the middle.

    Parameters
    ----------
    window : Dim
        Positions in a window.

    Shapes
    ------
    input : (channels, time)
    output : (channels, out)
        out = time - window + 1

    Examples
    --------
    >>> from layeralgebra import MedianFilter, run
    >>> run(MedianFilter(3), [[5, 1, 9, 2, 7]]).tolist()
    [[5, 2, 7]]

    References
    ----------
    Tukey, "Exploratory Data Analysis", Addison-Wesley (1977), chapter 7.
    """

    window: Dim
    equation = """
        y[c, i] = sort[u](x[c, i + u], floor(window/2))
        where u < window
    """
    channel_axis = "first"
    claims = {"parameters": lambda self, shape: 0, "macs": lambda self, shape: 0}
