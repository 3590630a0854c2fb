"""Layers that keep a part of the channels, features or positions, or add empty channels."""

from __future__ import annotations

from ..algebra.equations.fields import Dim, Size
from ..algebra.networks.layer import Layer

__all__ = ["ChannelPad", "ChannelSlice", "FeatureSlice", "PositionSlice"]


class ChannelSlice(Layer):
    """Some neighbouring channels.

    Parameters
    ----------
    start : Size
        The first channel that is kept, counted from 0.
    channels : Dim
        How many are kept.

    Shapes
    ------
    input : (all_channels, *spatial)
    output : (channels, *spatial)

    Examples
    --------
    >>> from layeralgebra import ChannelSlice, dims, output_shape
    >>> c = dims("c")
    >>> output_shape(ChannelSlice(c, c), on=(2*c, 7, 7))
    (c, 7, 7)

    References
    ----------
    PyTorch documentation, "torch.narrow", https://docs.pytorch.org/docs/stable/generated/torch.narrow.html.
    """

    start: Size
    channels: Dim
    equation = """
        y[c, *i] = x[start + c, *i]
        where c < channels
    """


class ChannelPad(Layer):
    """Channels of zeros around those of the input, as where a shortcut meets more channels.

    Parameters
    ----------
    before, after : Size
        How many channels are added at the two ends.

    Shapes
    ------
    input : (channels, *spatial)
    output : (channels + before + after, *spatial)

    Examples
    --------
    >>> from layeralgebra import ChannelPad, dims, output_shape
    >>> c, n = dims("c n")
    >>> output_shape(ChannelPad(0, n), on=(c, 7, 7))
    (c + n, 7, 7)

    References
    ----------
    He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, arXiv 1512.03385, section 3.3.
    """

    before: Size
    after: Size
    equation = "y[c, *i] = pad[c: (before, after)](x[c, *i])"
    channel_axis = "first"


class FeatureSlice(Layer):
    """Some neighbouring features.

    Parameters
    ----------
    start : Size
        The first feature that is kept, counted from 0.
    features : Dim
        How many are kept.

    Shapes
    ------
    input : (*positions, all_features)
    output : (*positions, features)

    Examples
    --------
    >>> from layeralgebra import FeatureSlice, dims, output_shape
    >>> T, d = dims("T d")
    >>> output_shape(FeatureSlice(0, d), on=(T, 3*d))
    (T, d)

    References
    ----------
    PyTorch documentation, "torch.narrow", https://docs.pytorch.org/docs/stable/generated/torch.narrow.html.
    """

    start: Size
    features: Dim
    equation = """
        y[*t, f] = x[*t, start + f]
        where f < features
    """


class PositionSlice(Layer):
    """Some neighbouring positions of a sequence.

    Parameters
    ----------
    start : Size
        The first position that is kept, counted from 0.
    positions : Dim
        How many are kept.

    Shapes
    ------
    input : (time, features)
    output : (positions, features)

    Examples
    --------
    >>> from layeralgebra import PositionSlice, dims, output_shape
    >>> S, T, d = dims("S T d")
    >>> output_shape(PositionSlice(S, T), on=(S + T, d))
    (T, d)

    References
    ----------
    PyTorch documentation, "torch.narrow", https://docs.pytorch.org/docs/stable/generated/torch.narrow.html.
    """

    start: Size
    positions: Dim
    equation = """
        y[t, f] = x[start + t, f]
        where t < positions
    """
    channel_axis = "last"
