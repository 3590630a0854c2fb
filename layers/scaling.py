"""Layers with one learned factor for each channel or feature, as they stand at the end of residual branches."""

from __future__ import annotations

from ..algebra.networks.layer import Layer

__all__ = ["ChannelScale", "FeatureScale"]


class ChannelScale(Layer):
    """Each channel of (channels, *spatial) times a learned factor.

    Examples
    --------
    >>> from layeralgebra import ChannelScale, dims, macs, parameters
    >>> c, H, W = dims("c H W")
    >>> parameters(ChannelScale(), on=(c, H, W)), macs(ChannelScale(), on=(c, H, W))
    (c, 0)
    """

    equation = "y[c, *i] = s[c] * x[c, *i]"
    claims = {"parameters": lambda self, shape: shape[0]}


class FeatureScale(Layer):
    """Each feature of (*positions, features) times a learned factor.

    Examples
    --------
    >>> from layeralgebra import FeatureScale, dims, parameters
    >>> parameters(FeatureScale(), on=dims("T d"))
    d
    """

    equation = "y[*t, f] = s[f] * x[*t, f]"
    claims = {"parameters": lambda self, shape: shape[-1]}
