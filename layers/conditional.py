"""Layers that multiply: features scaled by other features, crossed with each other, or let through by gates."""

from __future__ import annotations

from ..algebra.equations.fields import Dim, Number
from ..algebra.networks.layer import Layer

__all__ = [
    "FiLM",
    "Highway",
    "CrossLayer",
    "BilinearMap",
    "FactorizationMachine",
    "SpatialGating",
    "EfficientChannelAttention",
    "GeneralizedMeanPool",
]


class FiLM(Layer):
    """Every channel scaled and shifted by linear functions of a condition.

    Shapes
    ------
    input : (channels, *spatial), (condition,)
    output : (channels, *spatial)

    Examples
    --------
    >>> from layeralgebra import FiLM, dims, macs, parameters
    >>> c, H, W, k = dims("c H W k")
    >>> parameters(FiLM(), on=[(c, H, W), (k,)]), macs(FiLM(), on=[(c, H, W), (k,)])
    (2*c*k + 2*c, 2*c*k)

    References
    ----------
    Perez, Strub, de Vries, Dumoulin, Courville, "FiLM: Visual Reasoning with a General Conditioning Layer", AAAI 2018, arXiv 1709.07871, equations 1 and
    2.
    """

    inputs = ("x", "condition")
    equation = """
        g[c] = G[c, k]*condition[k] + bg[c]
        s[c] = S[c, k]*condition[k] + bs[c]
        y[c, *i] = g[c]*x[c, *i] + s[c]
    """
    channel_axis = "first"
    claims = {"parameters": lambda self, *shapes: 2 * shapes[0][0] * (shapes[1][0] + 1)}


class Highway(Layer):
    """A gate decides for every feature how much of a layer and how much of its input comes out.

    Shapes
    ------
    input, output : (*positions, features)

    Examples
    --------
    >>> from layeralgebra import Highway, dims, macs, parameters
    >>> T, d = dims("T d")
    >>> parameters(Highway(), on=(T, d)), macs(Highway(), on=(T, d))
    (2*d**2 + 2*d, 2*T*d**2)

    References
    ----------
    Srivastava, Greff, Schmidhuber, "Highway Networks", arXiv 1505.00387 (2015), equation 3.
    """

    equation = """
        h[*t, o] = relu(H[o, f]*x[*t, f] + b[o])
        g[*t, o] = sigmoid(G[o, f]*x[*t, f] + c[o])
        y[*t, o] = g[*t, o]*h[*t, o] + (1 - g[*t, o])*x[*t, o]
        where o < size(f)
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: 2 * shape[-1] * (shape[-1] + 1)}


class CrossLayer(Layer):
    """The features of the first layer times an affine map of those that come in, which are added.

    Shapes
    ------
    input : (features,), (features,)
    output : (features,)

    Notes
    -----
    The first input is what comes in, the second what came into the first layer.

    Examples
    --------
    >>> from layeralgebra import CrossLayer, dims, macs, parameters
    >>> d = dims("d")
    >>> parameters(CrossLayer(), on=[(d,), (d,)]), macs(CrossLayer(), on=[(d,), (d,)])
    (d**2 + d, d**2)

    References
    ----------
    Wang et al., "DCN V2: Improved Deep & Cross Network and Practical Lessons for Web-scale Learning to Rank Systems", WWW 2021, arXiv 2008.13535, equation
    1.
    """

    inputs = ("x", "first")
    equation = """
        z[o] = W[o, f]*x[f] + b[o]
        y[o] = first[o]*z[o] + x[o]
        where o < size(f), size(first, 0) == size(x, 0)
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, *shapes: shapes[0][-1] * (shapes[0][-1] + 1)}


class BilinearMap(Layer):
    """For every feature that comes out a bilinear form of two inputs.

    Parameters
    ----------
    out_features : Dim
        Features that come out.

    Shapes
    ------
    input : (features,), (others,)
    output : (out_features,)

    Notes
    -----
    A product of three tensors, as it stands: one MAC for each of their points.

    Examples
    --------
    >>> from layeralgebra import BilinearMap, dims, macs, parameters
    >>> f, k, o = dims("f k o")
    >>> parameters(BilinearMap(o), on=[(f,), (k,)]), macs(BilinearMap(o), on=[(f,), (k,)])
    (f*k*o + o, f*k*o)

    References
    ----------
    Socher, Chen, Manning, Ng, "Reasoning With Neural Tensor Networks for Knowledge Base Completion", NIPS 2013, equation 1, the bilinear part.
    """

    out_features: Dim
    inputs = ("x", "other")
    equation = """
        y[o] = x[f]*W[o, f, k]*other[k] + b[o]
        where o < out_features
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, *shapes: self.out_features * (shapes[0][-1] * shapes[1][-1] + 1)}


class FactorizationMachine(Layer):
    """A linear function of the features and of all their products of two, whose coefficients have low rank.

    Parameters
    ----------
    rank : Dim
        Numbers that are learned for each feature.

    Shapes
    ------
    input : (features,)
    output : (1,)

    Notes
    -----
    In the form whose work is linear in the features.

    Examples
    --------
    >>> from layeralgebra import FactorizationMachine, dims, macs, parameters
    >>> n, k = dims("n k")
    >>> parameters(FactorizationMachine(k), on=(n,)), macs(FactorizationMachine(k), on=(n,))
    (k*n + n + 1, 2*k*n + n)

    References
    ----------
    Rendle, "Factorization Machines", ICDM 2010, doi 10.1109/ICDM.2010.127, equation 1 and lemma 3.1.
    """

    rank: Dim
    equation = """
        s[r] = V[i, r]*x[i]
        u[i, r] = V[i, r]*V[i, r]
        v[i] = x[i]*x[i]
        q[r] = u[i, r]*v[i]
        p = sum[r](s[r]**2 - q[r])
        y[o] = w[i]*x[i] + b[o] + p/2
        where r < rank, o < 1
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: shape[-1] * (self.rank + 1) + 1}


class SpatialGating(Layer):
    """One half of the features times an affine map over positions of the other half, after normalisation.

    Parameters
    ----------
    epsilon : Number, default 1e-5
        Added to variances under the root.

    Shapes
    ------
    input : (time, features)
    output : (time, features / 2)

    Examples
    --------
    >>> from layeralgebra import SpatialGating, dims, macs, parameters
    >>> T, d = dims("T d")
    >>> parameters(SpatialGating(), on=(T, 2*d)), macs(SpatialGating(), on=(T, 2*d))
    (T**2 + T + 2*d, T**2*d)

    References
    ----------
    Liu, Dai, So, Le, "Pay Attention to MLPs", NeurIPS 2021, arXiv 2105.08050, section 2.1.
    """

    epsilon: Number = 1e-5
    equation = """
        z[h, t, f] = x[t, (h, f)]
        c[t, f] = z[1, t, f] - mean[f](z[1, t, f])
        r[t] = sqrt(mean[f](c[t, f]**2) + epsilon)
        v[t, f] = c[t, f]/r[t]*g[f] + b[f]
        s[i, f] = W[i, t]*v[t, f] + a[i]
        y[i, f] = z[0, i, f]*s[i, f]
        where h < 2, i < size(t)
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: shape[0] * (shape[0] + 1) + shape[1]}


class EfficientChannelAttention(Layer):
    """Channels weighted by a gate that sees the means of neighbouring channels.

    Parameters
    ----------
    kernel : Dim, default 3
        How many neighbouring channels a gate sees; odd.

    Shapes
    ------
    input, output : (channels, *spatial)

    Examples
    --------
    >>> from layeralgebra import EfficientChannelAttention, dims, macs, parameters
    >>> c, H, W, k = dims("c H W k")
    >>> parameters(EfficientChannelAttention(5), on=(c, H, W)), macs(EfficientChannelAttention(5), on=(c, H, W))
    (5, 5*c)

    References
    ----------
    Wang, Wu, Zhu, Li, Zuo, Hu, "ECA-Net: Efficient Channel Attention for Deep Convolutional Neural Networks", CVPR 2020, arXiv 1910.03151, equation 7.
    """

    kernel: Dim = 3
    equation = """
        m[c] = mean[*i](x[c, *i])
        p[c] = pad[c: (kernel - 1)/2](m[c])
        g[c] = sigmoid(w[u]*p[c + u])
        y[c, *i] = g[c]*x[c, *i]
        where u < kernel
    """
    channel_axis = "first"
    claims = {"parameters": lambda self, shape: self.kernel}


class GeneralizedMeanPool(Layer):
    """For every channel a power mean over all positions, with a learned power.

    Parameters
    ----------
    epsilon : Number, default 1e-6
        The smallest value that is raised to the power; positive.

    Shapes
    ------
    input : (channels, *spatial)
    output : (channels,)

    Examples
    --------
    >>> from layeralgebra import GeneralizedMeanPool, dims, parameters
    >>> parameters(GeneralizedMeanPool(), on=dims("c H W"))
    c

    References
    ----------
    Radenović, Tolias, Chum, "Fine-tuning CNN Image Retrieval with No Human Annotation", IEEE TPAMI 41 (2019), arXiv 1711.02512, equation 3.
    """

    epsilon: Number = 1e-6
    equation = """
        m[c] = mean[*i](pow(max(x[c, *i], epsilon), p[c]))
        y[c] = pow(m[c], 1/p[c])
    """
    channel_axis = "first"
    claims = {"parameters": lambda self, shape: shape[0], "macs": lambda self, shape: 0}
