"""Transformers whose attention stays inside windows: Swin, its second version, and MaxViT."""

from __future__ import annotations

from typing import Any

from sympy import And, Mod, sympify, true

from ...algebra.errors import FieldError
from ...algebra.networks.network import Input, Network, Repeat, Series
from ...algebra.sizes.decisions import equal
from ..activation import GELU, Identity, SiLU, StochasticDepth, Tanh
from ..compositions import squeeze_excite
from ..convolution import Conv
from ..linear import Linear
from ..normalization import BatchNorm, ChannelNorm, LayerNorm
from ..pooling import AvgPool, GlobalAvgPool
from ..reshape import PixelUnshuffle
from ..windows import CosineWindowAttention, WindowAttention
from .blocks import choice, conv_norm, exact, per_stage, several, whole_part
from .families import Stages, family

_EPSILON = 1e-5


def pointwise_perceptron(size: Any, factor: Any) -> Network:
    """The same perceptron at every position of an image."""
    return Conv(factor * size, 1) >> GELU() >> Conv(size, 1)


def swin_block(size: Any, heads: Any, window: Any, shift: Any, version: int) -> Network:
    """Attention in windows and a perceptron, each with a shortcut; normalised before (v1) or after (v2)."""
    norm = ChannelNorm(epsilon=_EPSILON)
    if version == 1:
        attention, perceptron = norm >> WindowAttention(heads, window, shift), norm >> pointwise_perceptron(size, 4)
    else:
        attention, perceptron = (
            CosineWindowAttention(heads, window, shift) >> norm,
            pointwise_perceptron(size, 4) >> norm,
        )
    return (Identity() + (attention >> StochasticDepth())) >> (Identity() + (perceptron >> StochasticDepth()))


def alternating(size: Any, heads: Any, window: Any, depth: Any, version: int) -> Network:
    """Blocks whose windows are shifted by half a window in every second one."""
    half = whole_part(sympify(window) / 2)
    plain, shifted = (swin_block(size, heads, window, shift, version) for shift in (0, half))
    pairs, single = whole_part(sympify(depth) / 2), Mod(depth, 2)
    parts = [Repeat(plain >> shifted, pairs)] if equal(pairs, 0) is not true else []
    if equal(single, 0) is not true:
        parts.append(plain if equal(single, 1) is true else Repeat(plain, single))
    return Series(*parts) if parts else Identity()


def merging(size: Any, version: int) -> Network:
    """Neighbouring 2 x 2 positions as one, with twice the channels."""
    norm, reduce = ChannelNorm(epsilon=_EPSILON), Conv(2 * size, 1, bias=False)
    return Series(PixelUnshuffle(2), norm, reduce) if version == 1 else Series(PixelUnshuffle(2), reduce, norm)


_SMALL, _BASE = {"depths": (2, 2, 18, 2)}, {"depths": (2, 2, 18, 2), "base_width": 128, "heads": (4, 8, 16, 32)}
_V2 = {"version": 2, "window": 8, "height": 256, "width": 256}


@family(
    paper='Liu, Lin, Cao, Hu, Wei, Zhang, Lin, Guo, "Swin Transformer: Hierarchical Vision Transformer using Shifted '
    'Windows", ICCV 2021; '
    'Liu et al., "Swin Transformer V2: Scaling Up Capacity and Resolution", CVPR 2022',
    published={
        "swin_t": {}, "swin_s": _SMALL, "swin_b": _BASE,
        "swin_v2_t": _V2, "swin_v2_s": {**_V2, **_SMALL}, "swin_v2_b": {**_V2, **_BASE},
    },
    literal=("version",),
)  # fmt: skip
def swin(
    *,
    height: Any = 224,
    width: Any = 224,
    channels: Any = 3,
    classes: Any = 1000,
    patch: Any = 4,
    base_width: Any = 96,
    depths: Any = (2, 2, 6, 2),
    heads: Any = (3, 6, 12, 24),
    window: Any = 7,
    version: int = 1,
) -> Stages:
    """Four stages of attention in windows, which are shifted in every second block.

    Parameters
    ----------
    height, width, channels : Dim
        Of the image; multiples of 8 times `patch`.
    classes : Dim
    patch : Dim
        Size and step of the first convolution.
    base_width : Dim
        Channels of the first stage.
    depths, heads : Dim or tuple of four Dim
        Blocks, and heads of their attention, of each stage.
    window : Dim
        Side of a window.
    version : {1, 2}
        2 normalises behind, attends by cosines and computes the bias of relative positions.

    Returns
    -------
    dict of str to Network
    """
    if version not in (1, 2):
        raise FieldError(f"swin(version={version!r}): version is 1 or 2")
    stages: Stages = {
        "input": Input(channels, height, width),
        "stem": Conv(base_width, patch, stride=patch) >> ChannelNorm(epsilon=_EPSILON),
    }
    for number, (depth, head) in enumerate(zip(per_stage(depths, 4, "depths"), per_stage(heads, 4, "heads"))):
        size = base_width * 2**number
        if number:
            stages[f"merging{number}"] = merging(base_width * 2 ** (number - 1), version)
        stages[f"stage{number + 1}"] = alternating(size, head, window, depth, version)
    stages["head"] = Series(ChannelNorm(epsilon=_EPSILON), GlobalAvgPool(), Linear(classes))
    return stages


def partition_attention(size: Any, head_features: Any, window: Any, grid: bool, expansion: Any) -> Network:
    """Attention in windows or on a grid, and a perceptron, each normalised before and added to what came in."""
    attention = WindowAttention(size / sympify(head_features), window, grid=grid)
    return (Identity() + Series(ChannelNorm(epsilon=_EPSILON), attention, StochasticDepth())) >> (
        Identity() + Series(ChannelNorm(epsilon=_EPSILON), pointwise_perceptron(size, expansion), StochasticDepth())
    )


def maxvit_block(
    entering: Any, leaving: Any, stride: int, head_features: Any, window: Any, expansion: Any, squeeze: Any
) -> Network:
    """An inverted residual, attention in windows, attention on a grid."""
    inner, epsilon = expansion * leaving, 1e-3
    body = Series(
        BatchNorm(epsilon=epsilon), conv_norm(inner, 1, epsilon=epsilon, then=GELU()),
        conv_norm(inner, 3, stride=stride, groups=inner, epsilon=epsilon, then=GELU()),
        squeeze_excite(inner, whole_part(squeeze * leaving), SiLU()), Conv(leaving, 1), StochasticDepth(),
    )  # fmt: skip
    pooled = AvgPool(3, stride=stride, padding=1) if stride != 1 else Identity()
    short = choice(And(equal(stride, 1), equal(entering, leaving)), Identity(), Series(pooled, Conv(leaving, 1)))
    return Series(
        short + body, partition_attention(leaving, head_features, window, False, expansion),
        partition_attention(leaving, head_features, window, True, expansion),
    )  # fmt: skip


@family(
    paper='Tu, Talebi, Zhang, Yang, Milanfar, Bovik, Li, "MaxViT: Multi-Axis Vision Transformer", ECCV 2022',
    published={"maxvit_t": {}},
)
def maxvit(
    *,
    height: Any = 224,
    width: Any = 224,
    channels: Any = 3,
    classes: Any = 1000,
    base_width: Any = 64,
    depths: Any = (2, 2, 5, 2),
    head_features: Any = 32,
    window: Any = 7,
    expansion: Any = 4,
    squeeze: Any = 0.25,
) -> Stages:
    """Four stages of blocks that convolve, attend to neighbours in windows, and attend far away on a grid.

    Parameters
    ----------
    height, width, channels : Dim
        Of the image; multiples of 32 times `window`.
    classes : Dim
    base_width : Dim
        Channels of the stem and of the first stage; each further stage has twice as many.
    depths : Dim or tuple of four Dim
        Blocks of each stage.
    head_features : Dim
        Width of a head.
    window : Dim
        Positions along each axis that attend to each other.
    expansion : Dim
        Of inverted residuals and perceptrons.
    squeeze : Number
        The narrow part of squeeze-and-excitation, as a fraction of a block's outer channels.

    Returns
    -------
    dict of str to Network
    """
    part = exact(squeeze, "maxvit(squeeze=...)")
    stages: Stages = {
        "input": Input(channels, height, width),
        "stem": conv_norm(base_width, 3, stride=2, epsilon=1e-3, then=GELU()) >> Conv(base_width, 3, padding=1),
    }
    entering = base_width
    for number, depth in enumerate(per_stage(depths, 4, "depths")):
        leaving = base_width * 2**number
        stages[f"stage{number + 1}"] = several(
            maxvit_block(entering, leaving, 2, head_features, window, expansion, part),
            maxvit_block(leaving, leaving, 1, head_features, window, expansion, part), depth,
        )  # fmt: skip
        entering = leaving
    stages["head"] = Series(GlobalAvgPool(), LayerNorm(), Linear(entering), Tanh(), Linear(classes, bias=False))
    return stages
