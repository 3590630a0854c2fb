"""ShuffleNet v2: half the channels pass each unit untouched, then channels are shuffled."""

from __future__ import annotations

from typing import Any

from sympy import false, sympify

from ...algebra.errors import FieldError
from ...algebra.networks.network import Input, Network, Series
from ...algebra.sizes.decisions import whole
from ..activation import ReLU
from ..linear import Linear
from ..pooling import GlobalAvgPool, MaxPool
from ..reshape import ChannelShuffle
from ..slicing import ChannelSlice
from .blocks import conv_norm, per_stage, several
from .families import Stages, family


def _separable(half: Any, stride: int) -> Network:
    return Series(
        conv_norm(half, 1, then=ReLU()), conv_norm(half, 3, stride=stride, groups=half), conv_norm(half, 1, then=ReLU())
    )


def unit(half: Any) -> Network:
    """One half of the channels as it is, beside convolutions of the other."""
    return (ChannelSlice(0, half) | (ChannelSlice(half, half) >> _separable(half, 1))) >> ChannelShuffle(2)


def reducing_unit(entering: Any, half: Any) -> Network:
    """Both branches see all channels and halve the size of the map."""
    short = conv_norm(entering, 3, stride=2, groups=entering) >> conv_norm(half, 1, then=ReLU())
    return (short | _separable(half, 2)) >> ChannelShuffle(2)


@family(
    paper='Ma, Zhang, Zheng, Sun, "ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design", ECCV '
    "2018",
    published={
        "shufflenet_v2_x0_5": {"widths": (24, 48, 96, 192, 1024)},
        "shufflenet_v2_x1_0": {"widths": (24, 116, 232, 464, 1024)},
        "shufflenet_v2_x1_5": {"widths": (24, 176, 352, 704, 1024)},
        "shufflenet_v2_x2_0": {"widths": (24, 244, 488, 976, 2048)},
    },
)
def shufflenet_v2(
    *,
    height: Any = 224,
    width: Any = 224,
    channels: Any = 3,
    classes: Any = 1000,
    widths: Any = (24, 116, 232, 464, 1024),
    depths: Any = (4, 8, 4),
) -> Stages:
    """Three stages of units that split, convolve and shuffle channels.

    Parameters
    ----------
    height, width, channels : Dim
        Of the image.
    classes : Dim
    widths : tuple of five Dim
        Channels of the stem, of the three stages (even) and of the last convolution.
    depths : Dim or tuple of three Dim
        Units of each stage.

    Returns
    -------
    dict of str to Network
    """
    if not isinstance(widths, (tuple, list)) or len(widths) != 5:
        raise FieldError(
            f"shufflenet_v2(widths={widths!r}): five numbers of channels, as in widths=(24, 116, 232, 464, 1024)"
        )
    entering = widths[0]
    stages: Stages = {
        "input": Input(channels, height, width),
        "stem": conv_norm(entering, 3, stride=2, then=ReLU()) >> MaxPool(3, stride=2, padding=1),
    }
    for number, (leaving, depth) in enumerate(zip(widths[1:4], per_stage(depths, 3, "depths")), start=2):
        half = sympify(leaving) / 2
        if whole(half) is false:
            raise FieldError(
                f"shufflenet_v2(widths={widths!r}): the channels of a stage are halved, so {leaving} must be even"
            )
        stages[f"stage{number}"] = several(reducing_unit(entering, half), unit(half), depth)
        entering = leaving
    stages["head"] = Series(conv_norm(widths[4], 1, then=ReLU()), GlobalAvgPool(), Linear(classes))
    return stages
