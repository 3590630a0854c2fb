"""Densely connected networks: every layer sees the channels of all layers before it."""

from __future__ import annotations

from typing import Any

from ...algebra.networks.network import Input, Network, Series
from ..activation import Identity, ReLU
from ..convolution import Conv
from ..linear import Linear
from ..normalization import BatchNorm
from ..pooling import AvgPool, GlobalAvgPool, MaxPool
from .blocks import conv_norm, exact, per_stage, whole_part
from .families import Stages, family


def dense_layer(growth: Any, bottleneck: Any) -> Network:
    """Normalise, 1x1; normalise, 3x3: `growth` new channels, put after those that came in."""
    return Identity() | Series(
        BatchNorm(), ReLU(), conv_norm(bottleneck * growth, 1, then=ReLU()), Conv(growth, 3, padding=1, bias=False)
    )


@family(
    paper='Huang, Liu, van der Maaten, Weinberger, "Densely Connected Convolutional Networks", CVPR 2017',
    published={
        "densenet121": {},
        "densenet161": {"growth": 48, "depths": (6, 12, 36, 24), "base_width": 96},
        "densenet169": {"depths": (6, 12, 32, 32)},
        "densenet201": {"depths": (6, 12, 48, 32)},
    },
)
def densenet(
    *,
    height: Any = 224,
    width: Any = 224,
    channels: Any = 3,
    classes: Any = 1000,
    base_width: Any = 64,
    growth: Any = 32,
    depths: Any = (6, 12, 24, 16),
    bottleneck: Any = 4,
    compression: Any = 0.5,
) -> Stages:
    """Four dense blocks with transitions that halve the number of channels and the size of the map.

    Parameters
    ----------
    height, width, channels : Dim
        Of the image.
    classes : Dim
    base_width : Dim
        Channels of the stem.
    growth : Dim
        Channels that each layer adds.
    depths : Dim or tuple of four Dim
        Layers of each block.
    bottleneck : Dim
        Channels of the 1x1 convolution for each channel added.
    compression : Number
        The part of the channels that a transition keeps, rounded down.

    Returns
    -------
    dict of str to Network
    """
    stages: Stages = {
        "input": Input(channels, height, width),
        "stem": conv_norm(base_width, 7, stride=2, then=ReLU()) >> MaxPool(3, stride=2, padding=1),
    }
    entering, kept = base_width, exact(compression, "compression")
    for number, depth in enumerate(per_stage(depths, 4, "depths"), start=1):
        stages[f"block{number}"] = dense_layer(growth, bottleneck) ** depth
        if number < 4:
            entering = whole_part((entering + depth * growth) * kept)
            stages[f"transition{number}"] = Series(BatchNorm(), ReLU(), Conv(entering, 1, bias=False), AvgPool(2))
    stages["head"] = Series(BatchNorm(), ReLU(), GlobalAvgPool(), Linear(classes))
    return stages
