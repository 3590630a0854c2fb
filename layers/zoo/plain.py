"""Convolutions in series: AlexNet and VGG."""

from __future__ import annotations

from typing import Any

from ...algebra.networks.network import Input, Network, Repeat, Series
from ..activation import Dropout, Identity, ReLU
from ..convolution import Conv
from ..linear import Linear
from ..normalization import BatchNorm
from ..pooling import AdaptiveAvgPool, MaxPool
from ..reshape import Flatten
from .blocks import per_stage, several
from .families import Stages, family


@family(
    paper='Krizhevsky, "One weird trick for parallelizing convolutional neural networks", arXiv 1404.5997 (2014)',
    published={"alexnet": {}},
)
def alexnet(
    *,
    height: Any = 224,
    width: Any = 224,
    channels: Any = 3,
    classes: Any = 1000,
    base_width: Any = 64,
    hidden: Any = 4096,
) -> Stages:
    """AlexNet, in the form for one device.

    Parameters
    ----------
    height, width, channels : Dim
        Of the image.
    classes : Dim
    base_width : Dim
        Channels of the first convolution; the others have 3, 6, 4 and 4 times as many.
    hidden : Dim
        Units of the two hidden layers of the classifier.

    Returns
    -------
    dict of str to Network
    """
    c = base_width
    return {
        "input": Input(channels, height, width),
        "stage1": Conv(c, 11, stride=4, padding=2) >> ReLU() >> MaxPool(3, stride=2),
        "stage2": Conv(3 * c, 5, padding=2) >> ReLU() >> MaxPool(3, stride=2),
        "stage3": Series(
            Conv(6 * c, 3, padding=1),
            ReLU(),
            Conv(4 * c, 3, padding=1),
            ReLU(),
            Conv(4 * c, 3, padding=1),
            ReLU(),
            MaxPool(3, stride=2),
        ),
        "head": Series(
            AdaptiveAvgPool(6),
            Flatten(),
            Dropout(),
            Linear(hidden),
            ReLU(),
            Dropout(),
            Linear(hidden),
            ReLU(),
            Linear(classes),
        ),
    }


_DEPTHS = {"vgg11": (1, 1, 2, 2, 2), "vgg13": (2, 2, 2, 2, 2), "vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}


@family(
    paper='Simonyan, Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015',
    published={
        **{name: {"depths": depths} for name, depths in _DEPTHS.items()},
        **{f"{name}_bn": {"depths": depths, "batch_norm": True} for name, depths in _DEPTHS.items()},
    },
)
def vgg(
    *,
    height: Any = 224,
    width: Any = 224,
    channels: Any = 3,
    classes: Any = 1000,
    base_width: Any = 64,
    depths: Any = (2, 2, 3, 3, 3),
    batch_norm: bool = False,
    hidden: Any = 4096,
) -> Stages:
    """Stages of 3x3 convolutions, each closed by a pooling.

    Parameters
    ----------
    height, width, channels : Dim
        Of the image.
    classes : Dim
    base_width : Dim
        Channels of the first stage; the others have 2, 4, 8 and 8 times as many.
    depths : Dim or tuple of five Dim
        Convolutions of each stage.
    batch_norm : bool
    hidden : Dim
        Units of the two hidden layers of the classifier.

    Returns
    -------
    dict of str to Network
    """

    def convolution(outer: Any) -> Network:
        return Series(Conv(outer, 3, padding=1), BatchNorm() if batch_norm else Identity(), ReLU())

    stages: Stages = {"input": Input(channels, height, width)}
    for number, (depth, scale) in enumerate(zip(per_stage(depths, 5, "depths"), (1, 2, 4, 8, 8)), start=1):
        block = convolution(base_width * scale)
        stages[f"stage{number}"] = several(block, block, depth) >> MaxPool(2)
    stages["head"] = Series(
        AdaptiveAvgPool(7), Flatten(), Repeat(Linear(hidden) >> ReLU() >> Dropout(), 2), Linear(classes)
    )
    return stages
