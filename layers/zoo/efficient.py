"""EfficientNet: one network scaled in width, depth and resolution together; and its second version."""

from __future__ import annotations

from typing import Any

from sympy import And

from ...algebra.errors import FieldError
from ...algebra.networks.network import Input, Network, Series
from ...algebra.sizes.decisions import equal
from ..activation import Dropout, Identity, SiLU
from ..linear import Linear
from ..pooling import GlobalAvgPool
from .blocks import choice, conv_norm, exact, inverted_residual, rounded, scaled_depth, several, whole_part
from .families import Stages, family

_EPSILON = 1e-3

#: expansion, kernel, stride, channels, blocks of each stage of B0
_B0 = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)


def squeezing_block(
    entering: Any, expansion: int, leaving: Any, kernel: int, stride: int, epsilon: Any = _EPSILON
) -> Network:
    """An inverted residual whose squeeze-and-excitation has a quarter of the channels that enter."""
    inner = entering if expansion == 1 else rounded(expansion * entering)
    return inverted_residual(
        entering,
        inner,
        leaving,
        kernel,
        stride,
        SiLU(),
        squeezed=whole_part(entering / 4),
        squeeze_act=SiLU(),
        epsilon=epsilon,
    )


@family(
    paper='Tan, Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019',
    published={
        "efficientnet_b0": {},
        "efficientnet_b1": {"depth_factor": 1.1, "height": 240, "width": 240},
        "efficientnet_b2": {"width_factor": 1.1, "depth_factor": 1.2, "height": 288, "width": 288},
        "efficientnet_b3": {"width_factor": 1.2, "depth_factor": 1.4, "height": 300, "width": 300},
        "efficientnet_b4": {"width_factor": 1.4, "depth_factor": 1.8, "height": 380, "width": 380},
        "efficientnet_b5": {"epsilon": _EPSILON, "width_factor": 1.6, "depth_factor": 2.2, "height": 456, "width": 456},
        "efficientnet_b6": {"epsilon": _EPSILON, "width_factor": 1.8, "depth_factor": 2.6, "height": 528, "width": 528},
        "efficientnet_b7": {"epsilon": _EPSILON, "width_factor": 2.0, "depth_factor": 3.1, "height": 600, "width": 600},
    },
)
def efficientnet(
    *,
    height: Any = 224,
    width: Any = 224,
    channels: Any = 3,
    classes: Any = 1000,
    width_factor: Any = 1,
    depth_factor: Any = 1,
    epsilon: Any = 1e-5,
) -> Stages:
    """Inverted residuals with squeeze-and-excitation, scaled as a compound.

    Parameters
    ----------
    height, width, channels : Dim
        Of the image.
    classes : Dim
    width_factor : Number
        Multiplies all numbers of channels, which are then rounded to multiples of 8.
    depth_factor : Number
        Multiplies the numbers of blocks, which are then rounded up.
    epsilon : Number
        Of the batch normalisations.

    Returns
    -------
    dict of str to Network

    Notes
    -----
    With integer symbols for both factors nothing is rounded, and the work is a polynomial: of degree 2 in the width
    factor, 1 in the depth factor and 2 in the resolution, which is the law behind the compound scaling ``depth *
    width**2 * resolution**2 = 2``.
    """
    wider, deeper = (
        exact(width_factor, "efficientnet(width_factor=...)"),
        exact(depth_factor, "efficientnet(depth_factor=...)"),
    )
    entering = rounded(32 * wider)
    stages: Stages = {
        "input": Input(channels, height, width),
        "stem": conv_norm(entering, 3, stride=2, epsilon=epsilon, then=SiLU()),
    }
    for number, (expansion, kernel, stride, size, depth) in enumerate(_B0, start=1):
        leaving = rounded(size * wider)
        stages[f"stage{number}"] = several(
            squeezing_block(entering, expansion, leaving, kernel, stride, epsilon),
            squeezing_block(leaving, expansion, leaving, kernel, 1, epsilon),
            scaled_depth(depth, deeper),
        )  # fmt: skip
        entering = leaving
    stages["head"] = Series(
        conv_norm(4 * entering, 1, epsilon=epsilon, then=SiLU()), GlobalAvgPool(), Dropout(0.2), Linear(classes)
    )
    return stages


def fused_block(entering: Any, expansion: int, leaving: Any, kernel: int, stride: int) -> Network:
    """A full convolution in place of an inverted residual's first two."""
    if expansion == 1:
        body = conv_norm(leaving, kernel, stride=stride, epsilon=_EPSILON, then=SiLU())
    else:
        inner = rounded(expansion * entering)
        body = conv_norm(inner, kernel, stride=stride, epsilon=_EPSILON, then=SiLU()) >> conv_norm(
            leaving, 1, epsilon=_EPSILON
        )
    return choice(And(equal(stride, 1), equal(entering, leaving)), Identity() + body, body)


_EXPANSIONS = (1, 4, 4, 4, 6, 6, 6)
_STRIDES = (1, 2, 2, 2, 1, 2, 1)


@family(
    paper='Tan, Le, "EfficientNetV2: Smaller Models and Faster Training", ICML 2021',
    published={
        "efficientnet_v2_s": {
            "height": 384,
            "width": 384,
            "widths": (24, 48, 64, 128, 160, 256),
            "depths": (2, 4, 4, 6, 9, 15),
        },
        "efficientnet_v2_m": {"widths": (24, 48, 80, 160, 176, 304, 512), "depths": (3, 5, 5, 7, 14, 18, 5)},
        "efficientnet_v2_l": {"widths": (32, 64, 96, 192, 224, 384, 640), "depths": (4, 7, 7, 10, 19, 25, 7)},
    },
)
def efficientnet_v2(
    *,
    height: Any = 480,
    width: Any = 480,
    channels: Any = 3,
    classes: Any = 1000,
    widths: Any = (24, 48, 80, 160, 176, 304, 512),
    depths: Any = (3, 5, 5, 7, 14, 18, 5),
    last_width: Any = 1280,
) -> Stages:
    """Three stages of fused blocks, then inverted residuals with squeeze-and-excitation.

    Parameters
    ----------
    height, width, channels : Dim
        Of the image.
    classes : Dim
    widths, depths : tuple of up to seven Dim
        Channels and blocks of each stage; the stem has as many channels as the first stage.
    last_width : Dim
        Channels of the last convolution.

    Returns
    -------
    dict of str to Network
    """
    if not (
        isinstance(widths, (tuple, list)) and isinstance(depths, (tuple, list)) and 4 <= len(widths) == len(depths) <= 7
    ):
        raise FieldError(
            f"efficientnet_v2 takes as many widths as depths, 4 to 7 of them, got {widths!r} and {depths!r}"
        )
    entering = widths[0]
    stages: Stages = {
        "input": Input(channels, height, width),
        "stem": conv_norm(entering, 3, stride=2, epsilon=_EPSILON, then=SiLU()),
    }
    for number, (leaving, depth, expansion, stride) in enumerate(zip(widths, depths, _EXPANSIONS, _STRIDES), start=1):
        block = fused_block if number <= 3 else squeezing_block
        stages[f"stage{number}"] = several(
            block(entering, expansion, leaving, 3, stride), block(leaving, expansion, leaving, 3, 1), depth
        )
        entering = leaving
    stages["head"] = Series(
        conv_norm(last_width, 1, epsilon=_EPSILON, then=SiLU()), GlobalAvgPool(), Dropout(0.2), Linear(classes)
    )
    return stages
