"""Residual networks: ResNet, Wide ResNet and ResNeXt."""

from __future__ import annotations

from typing import Any

from sympy import And

from ...algebra.errors import FieldError
from ...algebra.networks.network import Input, Network, Series
from ...algebra.sizes.decisions import equal
from ..activation import Identity, ReLU
from ..linear import Linear
from ..pooling import GlobalAvgPool, MaxPool
from .blocks import choice, conv_norm, per_stage, several
from .families import Stages, family

_PAPER = 'He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016'


def basic_block(inner: Any, stride: int, groups: Any) -> Network:
    """Two 3x3 convolutions."""
    return conv_norm(inner, 3, stride=stride, groups=groups, then=ReLU()) >> conv_norm(inner, 3, groups=groups)


def bottleneck_block(inner: Any, outer: Any, stride: int, groups: Any, stride_in: str = "3x3") -> Network:
    """A 1x1, a 3x3 and a 1x1 convolution, narrow in the middle."""
    first, second = (stride, 1) if stride_in == "1x1" else (1, stride)
    return Series(
        conv_norm(inner, 1, stride=first, then=ReLU()),
        conv_norm(inner, 3, stride=second, groups=groups, then=ReLU()),
        conv_norm(outer, 1),
    )


@family(
    paper=_PAPER,
    published={
        "resnet18": {"block": "basic", "depths": (2, 2, 2, 2)},
        "resnet34": {"block": "basic", "depths": (3, 4, 6, 3)},
        "resnet50": {"depths": (3, 4, 6, 3)},
        "resnet101": {"depths": (3, 4, 23, 3)},
        "resnet152": {"depths": (3, 8, 36, 3)},
        "wide_resnet50_2": {"depths": (3, 4, 6, 3), "widening": 2},
        "wide_resnet101_2": {"depths": (3, 4, 23, 3), "widening": 2},
        "resnext50_32x4d": {"depths": (3, 4, 6, 3), "groups": 32, "group_width": 4},
        "resnext101_32x8d": {"depths": (3, 4, 23, 3), "groups": 32, "group_width": 8},
        "resnext101_64x4d": {"depths": (3, 4, 23, 3), "groups": 64, "group_width": 4},
    },
)
def resnet(
    *,
    height: Any = 224,
    width: Any = 224,
    channels: Any = 3,
    classes: Any = 1000,
    base_width: Any = 64,
    depths: Any = (3, 4, 6, 3),
    block: str = "bottleneck",
    expansion: Any = 4,
    widening: Any = 1,
    groups: Any = 1,
    group_width: Any = None,
    stride_in: str = "3x3",
) -> Stages:
    """A residual network.

    Parameters
    ----------
    height, width, channels : Dim
        Of the image.
    classes : Dim
    base_width : Dim
        Channels of the stem; stage s has ``base_width * 2**(s - 1)`` inside its blocks and `expansion` times that
        outside.
    depths : Dim or tuple of four Dim
        Blocks of each stage.
    block : {'bottleneck', 'basic'}
    expansion : Dim
        Of bottleneck blocks.
    widening : Dim
        A factor for the channels inside bottleneck blocks (Wide ResNet, Zagoruyko and Komodakis 2016).
    groups, group_width : Dim
        Groups of the 3x3 convolution, and channels of each in the first stage (ResNeXt, Xie et al. 2017); without
        `group_width` they divide what `base_width` and `widening` give.
    stride_in : {'3x3', '1x1'}
        Which convolution of a bottleneck has the stride: the second, as in the weights that torchvision publishes, or
        the first, as in the paper.

    Returns
    -------
    dict of str to Network

    References
    ----------
    He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016.
    """
    if block not in ("basic", "bottleneck"):
        raise FieldError(f"resnet(block={block!r}): block is 'basic' or 'bottleneck'")
    if stride_in not in ("3x3", "1x1"):
        raise FieldError(f"resnet(stride_in={stride_in!r}): stride_in is '3x3' or '1x1'")
    stages: Stages = {
        "input": Input(channels, height, width),
        "stem": conv_norm(base_width, 7, stride=2, then=ReLU()) >> MaxPool(3, stride=2, padding=1),
    }
    entering = base_width
    for number, depth in enumerate(per_stage(depths, 4, "depths")):
        scale, stride = 2**number, 1 if number == 0 else 2
        outer = base_width * scale * (1 if block == "basic" else expansion)
        inner = (base_width * widening if group_width is None else groups * group_width) * scale

        def residual(step: int, inner: Any = inner, outer: Any = outer) -> Network:
            return (
                basic_block(outer, step, groups)
                if block == "basic"
                else bottleneck_block(inner, outer, step, groups, stride_in)
            )

        kept = And(equal(stride, 1), equal(entering, outer))
        short = choice(kept, Identity(), conv_norm(outer, 1, stride=stride))
        plain = (Identity() + residual(1)) >> ReLU()
        stages[f"stage{number + 1}"] = several((short + residual(stride)) >> ReLU(), plain, depth)
        entering = outer
    stages["head"] = GlobalAvgPool() >> Linear(classes)
    return stages
