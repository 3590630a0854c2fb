"""Normalisation, as at inference: batch statistics are buffers, all others are computed."""

from __future__ import annotations

from ..algebra.equations.fields import Dim, Flag, Number
from ..algebra.networks.layer import Layer

__all__ = ["BatchNorm", "LayerNorm", "ChannelNorm", "GroupNorm", "InstanceNorm", "RMSNorm"]


class BatchNorm(Layer):
    """Each channel shifted and scaled by its running statistics (buffers), then by a learned factor and shift.

    Parameters
    ----------
    affine : Flag, default True
        Whether there are a learned factor and shift.
    epsilon : Number, default 1e-5
        Added to the variance.

    Shapes
    ------
    input, output : (channels, *spatial)

    Examples
    --------
    >>> from layeralgebra import BatchNorm, dims, parameters
    >>> parameters(BatchNorm(), on=dims("c H W"))
    2*c

    References
    ----------
    Ioffe, Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift", ICML
    2015, arXiv 1502.03167, algorithm 2.
    """

    affine: Flag = True
    epsilon: Number = 1e-5
    buffers = ("m", "v")
    equation = """
        s[c] = (g[c] if affine else 1) / sqrt(v[c] + epsilon)
        y[c, *i] = s[c] * (x[c, *i] - m[c]) + (b[c] if affine else 0)
        where c < size(c)
    """
    claims = {"parameters": lambda self, shape: 2 * shape[0] if self.affine else 0}


class LayerNorm(Layer):
    """Zero mean and unit variance along the last axis, then a learned factor and shift.

    Parameters
    ----------
    affine : Flag, default True
        Whether there is a learned factor.
    bias : Flag, default True
        Whether there is a learned shift beside it.
    epsilon : Number, default 1e-5
        Added to the variance.

    Shapes
    ------
    input, output : (*positions, features)

    Examples
    --------
    >>> from layeralgebra import LayerNorm, dims, parameters
    >>> parameters(LayerNorm(), on=dims("T d"))
    2*d

    References
    ----------
    Ba, Kiros, Hinton, "Layer Normalization", arXiv 1607.06450 (2016).
    """

    affine: Flag = True
    bias: Flag = True
    epsilon: Number = 1e-5
    equation = """
        m[*t] = mean[f](x[*t, f])
        v[*t] = mean[f]((x[*t, f] - m[*t])**2)
        y[*t, f] = (g[f] if affine else 1) * (x[*t, f] - m[*t]) / sqrt(v[*t] + epsilon) + (b[f] if affine and bias else 0)
    """
    claims = {"parameters": lambda self, shape: shape[-1] * (1 + int(self.bias)) if self.affine else 0}


class ChannelNorm(Layer):
    """Layer normalisation along the channels, at every position apart.

    Parameters
    ----------
    affine : Flag, default True
        Whether there are a learned factor and shift.
    epsilon : Number, default 1e-6
        Added to the variance.

    Shapes
    ------
    input, output : (channels, *spatial)

    Examples
    --------
    >>> from layeralgebra import ChannelNorm, dims, parameters
    >>> parameters(ChannelNorm(), on=dims("c H W"))
    2*c

    References
    ----------
    Ba, Kiros, Hinton, "Layer Normalization", arXiv 1607.06450 (2016).

    Liu, Mao, Wu, Feichtenhofer, Darrell, Xie, "A ConvNet for the 2020s", CVPR 2022, arXiv 2201.03545.
    """

    affine: Flag = True
    epsilon: Number = 1e-6
    equation = """
        m[*i] = mean[c](x[c, *i])
        v[*i] = mean[c]((x[c, *i] - m[*i])**2)
        y[c, *i] = (g[c] if affine else 1) * (x[c, *i] - m[*i]) / sqrt(v[*i] + epsilon) + (b[c] if affine else 0)
    """
    claims = {"parameters": lambda self, shape: 2 * shape[0] if self.affine else 0}


class GroupNorm(Layer):
    """Zero mean and unit variance over groups of channels and all positions, then a learned factor and shift.

    Parameters
    ----------
    groups : Dim
        Parts of the channels, each with its own mean and variance.
    affine : Flag, default True
        Whether there are a learned factor and shift.
    epsilon : Number, default 1e-5
        Added to the variance.

    Shapes
    ------
    input, output : (channels, *spatial)

    Examples
    --------
    >>> from layeralgebra import GroupNorm, dims, parameters
    >>> parameters(GroupNorm(4), on=(32, *dims("H W")))
    64

    References
    ----------
    Wu, He, "Group Normalization", ECCV 2018, arXiv 1803.08494.
    """

    groups: Dim
    affine: Flag = True
    epsilon: Number = 1e-5
    equation = """
        m[g] = mean[c, *i](x[(g, c), *i])
        v[g] = mean[c, *i]((x[(g, c), *i] - m[g])**2)
        y[(g, c), *i] = (w[g, c] if affine else 1) * (x[(g, c), *i] - m[g]) / sqrt(v[g] + epsilon) + (b[g, c] if affine else 0)
        where g < groups
    """
    claims = {"parameters": lambda self, shape: 2 * shape[0] if self.affine else 0}


class InstanceNorm(Layer):
    """Zero mean and unit variance of each channel over all positions.

    Parameters
    ----------
    affine : Flag, default False
        Whether there are a learned factor and shift.
    epsilon : Number, default 1e-5
        Added to the variance.

    Shapes
    ------
    input, output : (channels, *spatial)

    Examples
    --------
    >>> from layeralgebra import InstanceNorm, dims, parameters
    >>> parameters(InstanceNorm(), on=dims("c H W"))
    0

    References
    ----------
    Ulyanov, Vedaldi, Lempitsky, "Instance Normalization: The Missing Ingredient for Fast Stylization", arXiv 1607.08022
    (2016).
    """

    affine: Flag = False
    epsilon: Number = 1e-5
    equation = """
        m[c] = mean[*i](x[c, *i])
        v[c] = mean[*i]((x[c, *i] - m[c])**2)
        y[c, *i] = (g[c] if affine else 1) * (x[c, *i] - m[c]) / sqrt(v[c] + epsilon) + (b[c] if affine else 0)
    """
    claims = {"parameters": lambda self, shape: 2 * shape[0] if self.affine else 0}


class RMSNorm(Layer):
    """Unit mean square along the last axis, then a learned factor.

    Parameters
    ----------
    affine : Flag, default True
        Whether there is a learned factor.
    epsilon : Number, default 1e-6
        Added to the mean square.

    Shapes
    ------
    input, output : (*positions, features)

    Examples
    --------
    >>> from layeralgebra import RMSNorm, dims, parameters
    >>> parameters(RMSNorm(), on=dims("T d"))
    d

    References
    ----------
    Zhang, Sennrich, "Root Mean Square Layer Normalization", NeurIPS 2019, arXiv 1910.07467.
    """

    affine: Flag = True
    epsilon: Number = 1e-6
    equation = """
        r[*t] = mean[f](x[*t, f]**2)
        y[*t, f] = (g[f] if affine else 1) * x[*t, f] / sqrt(r[*t] + epsilon)
    """
    claims = {"parameters": lambda self, shape: shape[-1] if self.affine else 0}
