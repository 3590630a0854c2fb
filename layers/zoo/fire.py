"""SqueezeNet: fire modules, narrow before wide."""

from __future__ import annotations

from typing import Any

from ...algebra.errors import FieldError
from ...algebra.networks.network import Input, Network, Series
from ..activation import Dropout, ReLU
from ..convolution import Conv
from ..pooling import GlobalAvgPool, MaxPool
from .families import Stages, family


def fire(squeezed: Any, expanded: Any) -> Network:
    """A 1x1 convolution, then 1x1 and 3x3 convolutions side by side."""
    return Conv(squeezed, 1) >> ReLU() >> ((Conv(expanded, 1) >> ReLU()) | (Conv(expanded, 3, padding=1) >> ReLU()))


@family(
    paper='Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model size", '
    "arXiv 1602.07360 (2016)",
    published={"squeezenet1_0": {}, "squeezenet1_1": {"version": "1_1"}},
)
def squeezenet(
    *,
    height: Any = 224,
    width: Any = 224,
    channels: Any = 3,
    classes: Any = 1000,
    base_width: Any = 16,
    expansion: Any = 4,
    version: str = "1_0",
) -> Stages:
    """Eight fire modules; those of each pair squeeze to 1, 2, 3 and 4 times `base_width` channels.

    Parameters
    ----------
    height, width, channels : Dim
        Of the image.
    classes : Dim
    base_width : Dim
        Channels to which the first module squeezes.
    expansion : Dim
        Channels of each of a module's two expanding convolutions for each squeezed one.
    version : {'1_0', '1_1'}
        1.1 has a smaller stem and pools earlier.

    Returns
    -------
    dict of str to Network
    """
    if version not in ("1_0", "1_1"):
        raise FieldError(f"squeezenet(version={version!r}): version is '1_0' or '1_1'")
    pool = MaxPool(3, stride=2, ceil_mode=True)
    modules = [fire(base_width * scale, base_width * scale * expansion) for scale in (1, 1, 2, 2, 3, 3, 4, 4)]
    first = version == "1_0"
    stem = Conv(6 * base_width, 7, stride=2) if first else Conv(4 * base_width, 3, stride=2)
    cuts = (3, 7, 8) if first else (2, 4, 8)
    return {
        "input": Input(channels, height, width),
        "stem": stem >> ReLU() >> pool,
        "stage1": Series(*modules[: cuts[0]], pool),
        "stage2": Series(*modules[cuts[0] : cuts[1]], pool),
        "stage3": Series(*modules[cuts[1] : cuts[2]]),
        "head": Dropout() >> Conv(classes, 1) >> ReLU() >> GlobalAvgPool(),
    }
