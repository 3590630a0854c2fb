"""Common compositions, as functions that return networks."""

from __future__ import annotations

from ..algebra.arguments import checked
from ..algebra.equations.fields import Dim
from ..algebra.networks.network import Network
from .activation import Identity, ReLU, Sigmoid
from .convolution import Conv
from .pooling import AdaptiveAvgPool

__all__ = ["squeeze_excite"]


@checked
def squeeze_excite(
    channels: Dim, squeezed: Dim, activation: Network | None = None, gate: Network | None = None
) -> Network:
    """Channels weighted by a gate that sees the mean of all channels.

    Parameters
    ----------
    channels : Dim
        The channels that come in and go out.
    squeezed : Dim
        The channels between the two 1x1 convolutions.
    activation : Network, optional
        What stands between the convolutions; ReLU, if left out.
    gate : Network, optional
        What makes weights of the second one's output; sigmoid, if left out.

    Returns
    -------
    Network

    Shapes
    ------
    input, output : (channels, *spatial)

    Raises
    ------
    FieldError
        If a number of channels is no size of at least 1, or `activation` or `gate` no network.

    Examples
    --------
    >>> from layeralgebra import dims, parameters, squeeze_excite
    >>> c = dims("c")
    >>> parameters(squeeze_excite(16*c, c), on=(16*c, 7, 7))
    32*c**2 + 17*c

    References
    ----------
    Hu, Shen, Sun, "Squeeze-and-Excitation Networks", CVPR 2018, arXiv 1709.01507.
    """
    weights = (
        AdaptiveAvgPool(1) >> Conv(squeezed, 1) >> (activation or ReLU()) >> Conv(channels, 1) >> (gate or Sigmoid())
    )
    return Identity() * weights
