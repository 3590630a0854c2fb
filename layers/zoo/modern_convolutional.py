"""Convolutional networks after the fashion of transformers: ConvNeXt and ConvMixer."""

from __future__ import annotations

from typing import Any

from sympy import sympify

from ...algebra.networks.network import Input, Network, Series
from ..activation import GELU, Identity, ReLU, StochasticDepth
from ..convolution import Conv
from ..linear import Linear
from ..normalization import BatchNorm, ChannelNorm, LayerNorm
from ..pooling import GlobalAvgPool
from ..scaling import ChannelScale
from .blocks import per_stage
from .families import Stages, family


def convnext_block(size: Any, kernel: Any) -> Network:
    """A depthwise convolution, then wide and narrow at every position apart; scaled and added to what came in."""
    body = Series(
        Conv(size, kernel, padding=(sympify(kernel) - 1) / 2, groups=size),
        ChannelNorm(),
        Conv(4 * size, 1), GELU(), Conv(size, 1), ChannelScale(), StochasticDepth(),
    )  # fmt: skip
    return Identity() + body


@family(
    paper='Liu, Mao, Wu, Feichtenhofer, Darrell, Xie, "A ConvNet for the 2020s", CVPR 2022',
    published={
        "convnext_tiny": {},
        "convnext_small": {"depths": (3, 3, 27, 3)},
        "convnext_base": {"depths": (3, 3, 27, 3), "base_width": 128},
        "convnext_large": {"depths": (3, 3, 27, 3), "base_width": 192},
    },
)
def convnext(
    *,
    height: Any = 224,
    width: Any = 224,
    channels: Any = 3,
    classes: Any = 1000,
    base_width: Any = 96,
    depths: Any = (3, 3, 9, 3),
    kernel: Any = 7,
    patch: Any = 4,
) -> Stages:
    """Four stages, each twice as wide as the one before, of depthwise convolutions and pointwise perceptrons.

    Parameters
    ----------
    height, width, channels : Dim
        Of the image.
    classes : Dim
    base_width : Dim
        Channels of the first stage.
    depths : Dim or tuple of four Dim
        Blocks of each stage.
    kernel : Dim
        Odd; of the depthwise convolutions.
    patch : Dim
        Size and step of the first convolution.

    Returns
    -------
    dict of str to Network
    """
    stages: Stages = {
        "input": Input(channels, height, width),
        "stem": Conv(base_width, patch, stride=patch) >> ChannelNorm(),
    }
    for number, depth in enumerate(per_stage(depths, 4, "depths")):
        size = base_width * 2**number
        if number:
            stages[f"downsample{number}"] = ChannelNorm() >> Conv(size, 2, stride=2)
        stages[f"stage{number + 1}"] = convnext_block(size, kernel) ** depth
    stages["head"] = Series(GlobalAvgPool(), LayerNorm(epsilon=1e-6), Linear(classes))
    return stages


@family(
    paper='Trockman, Kolter, "Patches Are All You Need?", TMLR 2023',
    published={
        "convmixer_1536_20": {},
        "convmixer_768_32": {"base_width": 768, "depth": 32, "kernel": 7, "relu": True},
        "convmixer_1024_20": {"base_width": 1024, "patch": 14},
    },
    parameters={"convmixer_1536_20": 51_625_960, "convmixer_768_32": 21_110_248, "convmixer_1024_20": 24_383_464},
    source="parameter counts of the authors' published weights, as timm gives them",
)
def convmixer(
    *,
    height: Any = 224,
    width: Any = 224,
    channels: Any = 3,
    classes: Any = 1000,
    base_width: Any = 1536,
    depth: Any = 20,
    kernel: Any = 9,
    patch: Any = 7,
    relu: bool = False,
) -> Stages:
    """Depthwise convolutions with a shortcut and pointwise convolutions, all at one resolution.

    Parameters
    ----------
    height, width, channels : Dim
        Of the image.
    classes : Dim
    base_width : Dim
        Channels throughout.
    depth : Dim
        Blocks.
    kernel : Dim
        Of the depthwise convolutions, which keep the size.
    patch : Dim
        Size and step of the first convolution.
    relu : bool
        ReLU in place of GELU.

    Returns
    -------
    dict of str to Network
    """
    act = ReLU() if relu else GELU()
    spatial = Identity() + Series(Conv(base_width, kernel, padding="same", groups=base_width), act, BatchNorm())
    block = Series(spatial, Conv(base_width, 1), act, BatchNorm())
    return {
        "input": Input(channels, height, width),
        "stem": Series(Conv(base_width, patch, stride=patch), act, BatchNorm()),
        "blocks": block**depth,
        "head": GlobalAvgPool() >> Linear(classes),
    }
