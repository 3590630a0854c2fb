"""Layers with one learned factor for each channel or feature, as they stand at the end of residual branches."""

from __future__ import annotations

from ..algebra.networks.layer import Layer

__all__ = ["ChannelScale", "FeatureScale"]


class ChannelScale(Layer):
    """Each channel times a learned factor.

    Shapes
    ------
    input, output : (channels, *spatial)

    Examples
    --------
    >>> from layeralgebra import ChannelScale, dims, macs, parameters
    >>> c, H, W = dims("c H W")
    >>> parameters(ChannelScale(), on=(c, H, W)), macs(ChannelScale(), on=(c, H, W))
    (c, 0)

    References
    ----------
    Touvron, Cord, Sablayrolles, Synnaeve, Jégou, "Going Deeper with Image Transformers", ICCV 2021, arXiv 2103.17239.

    Liu, Mao, Wu, Feichtenhofer, Darrell, Xie, "A ConvNet for the 2020s", CVPR 2022, arXiv 2201.03545.
    """

    equation = "y[c, *i] = s[c] * x[c, *i]"
    claims = {"parameters": lambda self, shape: shape[0]}


class FeatureScale(Layer):
    """Each feature times a learned factor.

    Shapes
    ------
    input, output : (*positions, features)

    Examples
    --------
    >>> from layeralgebra import FeatureScale, dims, parameters
    >>> parameters(FeatureScale(), on=dims("T d"))
    d

    References
    ----------
    Touvron, Cord, Sablayrolles, Synnaeve, Jégou, "Going Deeper with Image Transformers", ICCV 2021, arXiv 2103.17239.
    """

    equation = "y[*t, f] = s[f] * x[*t, f]"
    claims = {"parameters": lambda self, shape: shape[-1]}
