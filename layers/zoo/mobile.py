"""Networks for phones: MobileNet v2 and v3, MNASNet."""

from __future__ import annotations

from typing import Any

from sympy import Max

from ...algebra.errors import FieldError
from ...algebra.networks.network import Input, Network, Series
from ..activation import Dropout, Hardsigmoid, Hardswish, ReLU, ReLU6
from ..linear import Linear
from ..pooling import GlobalAvgPool
from .blocks import conv_norm, exact, inverted_residual, per_stage, rounded, several
from .families import Stages, family


@family(
    paper='Sandler, Howard, Zhu, Zhmoginov, Chen, "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018',
    published={"mobilenet_v2": {}},
)
def mobilenet_v2(
    *,
    height: Any = 224,
    width: Any = 224,
    channels: Any = 3,
    classes: Any = 1000,
    width_factor: Any = 1,
    expansion: Any = 6,
    depths: Any = (2, 3, 4, 3, 3),
) -> Stages:
    """Inverted residuals with linear bottlenecks.

    Parameters
    ----------
    height, width, channels : Dim
        Of the image.
    classes : Dim
    width_factor : Number
        Multiplies all numbers of channels, which are then rounded to multiples of 8; below 1 it leaves the last
        convolution as it is.
    expansion : Dim
        Channels inside a block for each channel that enters.
    depths : Dim or tuple of five Dim
        Blocks of the stages between the first and the last block.

    Returns
    -------
    dict of str to Network
    """
    factor = exact(width_factor, "mobilenet_v2(width_factor=...)")
    stages: Stages = {
        "input": Input(channels, height, width),
        "stem": conv_norm(rounded(32 * factor), 3, stride=2, then=ReLU6()),
    }
    entering = rounded(16 * factor)
    stages["stage1"] = inverted_residual(rounded(32 * factor), rounded(32 * factor), entering, 3, 1, ReLU6())
    plan = zip((24, 32, 64, 96, 160), (2, 2, 2, 1, 2), per_stage(depths, 5, "depths"))
    for number, (size, stride, depth) in enumerate(plan, start=2):
        leaving = rounded(size * factor)
        stages[f"stage{number}"] = several(
            inverted_residual(entering, expansion * entering, leaving, 3, stride, ReLU6()),
            inverted_residual(leaving, expansion * leaving, leaving, 3, 1, ReLU6()), depth,
        )  # fmt: skip
        entering = leaving
    leaving = rounded(320 * factor)
    stages["stage7"] = inverted_residual(entering, expansion * entering, leaving, 3, 1, ReLU6())
    last = rounded(1280 * Max(1, factor))
    stages["head"] = Series(conv_norm(last, 1, then=ReLU6()), GlobalAvgPool(), Dropout(0.2), Linear(classes))
    return stages


#: kernel, inner channels, outer channels, squeeze-and-excitation, activation, stride of every block
_V3 = {
    "large": (
        (3, 16, 16, False, "RE", 1), (3, 64, 24, False, "RE", 2), (3, 72, 24, False, "RE", 1),
        (5, 72, 40, True, "RE", 2), (5, 120, 40, True, "RE", 1), (5, 120, 40, True, "RE", 1),
        (3, 240, 80, False, "HS", 2), (3, 200, 80, False, "HS", 1), (3, 184, 80, False, "HS", 1),
        (3, 184, 80, False, "HS", 1), (3, 480, 112, True, "HS", 1), (3, 672, 112, True, "HS", 1),
        (5, 672, 160, True, "HS", 2), (5, 960, 160, True, "HS", 1), (5, 960, 160, True, "HS", 1),
    ),
    "small": (
        (3, 16, 16, True, "RE", 2), (3, 72, 24, False, "RE", 2), (3, 88, 24, False, "RE", 1),
        (5, 96, 40, True, "HS", 2), (5, 240, 40, True, "HS", 1), (5, 240, 40, True, "HS", 1),
        (5, 120, 48, True, "HS", 1), (5, 144, 48, True, "HS", 1), (5, 288, 96, True, "HS", 2),
        (5, 576, 96, True, "HS", 1), (5, 576, 96, True, "HS", 1),
    ),
}  # fmt: skip


@family(
    paper='Howard et al., "Searching for MobileNetV3", ICCV 2019',
    published={"mobilenet_v3_large": {}, "mobilenet_v3_small": {"variant": "small"}},
)
def mobilenet_v3(
    *,
    height: Any = 224,
    width: Any = 224,
    channels: Any = 3,
    classes: Any = 1000,
    width_factor: Any = 1,
    variant: str = "large",
) -> Stages:
    """Inverted residuals found by search, some with squeeze-and-excitation, ReLU before and hard-swish behind.

    Parameters
    ----------
    height, width, channels : Dim
        Of the image.
    classes : Dim
    width_factor : Number
        Multiplies all numbers of channels, which are then rounded to multiples of 8.
    variant : {'large', 'small'}

    Returns
    -------
    dict of str to Network
    """
    if variant not in _V3:
        raise FieldError(f"mobilenet_v3(variant={variant!r}): variant is 'large' or 'small'")
    factor, epsilon = exact(width_factor, "mobilenet_v3(width_factor=...)"), 1e-3
    entering = rounded(16 * factor)
    stages: Stages = {
        "input": Input(channels, height, width),
        "stem": conv_norm(entering, 3, stride=2, epsilon=epsilon, then=Hardswish()),
    }
    parts: list[Network] = []
    for kernel, inner, outer, squeeze, act, stride in _V3[variant]:
        if stride == 2 and parts:
            stages[f"stage{len(stages) - 1}"] = Series(*parts)
            parts = []
        inside, leaving = rounded(inner * factor), rounded(outer * factor)
        squeezed = rounded(inside / 4) if squeeze else None
        parts.append(
            inverted_residual(
                entering,
                inside,
                leaving,
                kernel,
                stride,
                ReLU() if act == "RE" else Hardswish(),
                squeezed=squeezed,
                gate=Hardsigmoid(),
                epsilon=epsilon,
            )  # fmt: skip
        )
        entering = leaving
    stages[f"stage{len(stages) - 1}"] = Series(*parts)
    stages["head"] = Series(
        conv_norm(6 * entering, 1, epsilon=epsilon, then=Hardswish()), GlobalAvgPool(),
        Linear(rounded((1280 if variant == "large" else 1024) * factor)), Hardswish(), Dropout(0.2), Linear(classes),
    )  # fmt: skip
    return stages


@family(
    paper='Tan, Chen, Pang, Vasudevan, Sandler, Howard, Le, "MnasNet: Platform-Aware Neural Architecture Search for '
    'Mobile", CVPR 2019',
    published={
        "mnasnet0_5": {"width_factor": 0.5}, "mnasnet0_75": {"width_factor": 0.75}, "mnasnet1_0": {},
        "mnasnet1_3": {"width_factor": 1.3},
    },
)  # fmt: skip
def mnasnet(
    *,
    height: Any = 224,
    width: Any = 224,
    channels: Any = 3,
    classes: Any = 1000,
    width_factor: Any = 1,
    depths: Any = (3, 3, 3, 2, 4, 1),
) -> Stages:
    """Inverted residuals found by search: MNASNet-B1, without squeeze-and-excitation.

    Parameters
    ----------
    height, width, channels : Dim
        Of the image.
    classes : Dim
    width_factor : Number
        Multiplies all numbers of channels but that of the last convolution; they are then rounded to multiples of 8.
    depths : Dim or tuple of six Dim
        Blocks of each stage.

    Returns
    -------
    dict of str to Network
    """
    factor = exact(width_factor, "mnasnet(width_factor=...)")
    stem, entering = rounded(32 * factor), rounded(16 * factor)
    stages: Stages = {
        "input": Input(channels, height, width),
        "stem": Series(
            conv_norm(stem, 3, stride=2, then=ReLU()),
            conv_norm(stem, 3, groups=stem, then=ReLU()),
            conv_norm(entering, 1),
        ),
    }
    plan = zip(
        (24, 40, 80, 96, 192, 320),
        (3, 5, 5, 3, 5, 3),
        (2, 2, 2, 1, 2, 1),
        (3, 3, 6, 6, 6, 6),
        per_stage(depths, 6, "depths"),
    )
    for number, (size, kernel, stride, expansion, depth) in enumerate(plan, start=1):
        leaving = rounded(size * factor)
        stages[f"stage{number}"] = several(
            inverted_residual(entering, expansion * entering, leaving, kernel, stride, ReLU()),
            inverted_residual(leaving, expansion * leaving, leaving, kernel, 1, ReLU()), depth,
        )  # fmt: skip
        entering = leaving
    stages["head"] = Series(conv_norm(1280, 1, then=ReLU()), GlobalAvgPool(), Dropout(0.2), Linear(classes))
    return stages
