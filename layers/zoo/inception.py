"""Modules of parallel branches: GoogLeNet and Inception v3."""

from __future__ import annotations

from typing import Any

from ...algebra.networks.network import Input, Network, Series
from ..activation import Dropout, Identity, ReLU
from ..auxiliary import AuxiliaryClassifier
from ..convolution import Conv
from ..linear import Linear
from ..normalization import BatchNorm
from ..pooling import AvgPool, GlobalAvgPool, MaxPool
from .families import Stages, family

_EPSILON = 1e-3


def unit(outer: Any, kernel: Any, stride: Any = 1, padding: Any = 0) -> Network:
    """A convolution without bias, batch normalisation, ReLU."""
    return Conv(outer, kernel, stride=stride, padding=padding, bias=False) >> BatchNorm(epsilon=_EPSILON) >> ReLU()


def inception(own: Any, reduce3: Any, outer3: Any, reduce5: Any, outer5: Any, pooled: Any) -> Network:
    """GoogLeNet's module: 1x1, 3x3, a second 3x3 where the paper has 5x5, and pooling, side by side."""
    return (
        unit(own, 1)
        | (unit(reduce3, 1) >> unit(outer3, 3, padding=1))
        | (unit(reduce5, 1) >> unit(outer5, 3, padding=1))
        | (MaxPool(3, stride=1, padding=1, ceil_mode=True) >> unit(pooled, 1))
    )


#: own, reduce3, outer3, reduce5, outer5 and pooled channels of the nine modules
_MODULES = {
    "stage3": ((64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64)),
    "stage4": (
        (192, 96, 208, 16, 48, 64),
        (160, 112, 224, 24, 64, 64),
        (128, 128, 256, 24, 64, 64),
        (112, 144, 288, 32, 64, 64),
        (256, 160, 320, 32, 128, 128),
    ),
    "stage5": ((256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128)),
}


@family(
    paper='Szegedy et al., "Going Deeper with Convolutions", CVPR 2015',
    published={"googlenet": {}},
)
def googlenet(
    *,
    height: Any = 224,
    width: Any = 224,
    channels: Any = 3,
    classes: Any = 1000,
    base_width: Any = 8,
) -> Stages:
    """GoogLeNet with batch normalisation, without its auxiliary classifiers.

    Parameters
    ----------
    height, width, channels : Dim
        Of the image.
    classes : Dim
    base_width : Dim
        All numbers of channels are multiples of it; the stem has eight times as many.

    Returns
    -------
    dict of str to Network
    """
    c = base_width
    pool = MaxPool(3, stride=2, ceil_mode=True)
    bodies = {
        name: Series(*(inception(*(c * (size // 8) for size in sizes)) for sizes in modules))
        for name, modules in _MODULES.items()
    }
    return {
        "input": Input(channels, height, width),
        "stem": Series(unit(8 * c, 7, 2, 3), pool, unit(8 * c, 1), unit(24 * c, 3, 1, 1), pool),
        "stage3": bodies["stage3"] >> pool,
        "stage4": bodies["stage4"] >> MaxPool(2, stride=2, ceil_mode=True),
        "stage5": bodies["stage5"],
        "head": GlobalAvgPool() >> Dropout(0.2) >> Linear(classes),
    }


def _rectangle(outer: Any, rows: int, columns: int) -> Network:
    return unit(outer, (rows, columns), padding=(rows // 2, columns // 2))


def _pooled(outer: Any) -> Network:
    return AvgPool(3, stride=1, padding=1) >> unit(outer, 1)


def module_a(c: Any, pooled: Any) -> Network:
    """Inception v3 at 35 x 35: 1x1, 5x5, two 3x3, pooling."""
    return (
        unit(64 * c, 1)
        | (unit(48 * c, 1) >> unit(64 * c, 5, padding=2))
        | Series(unit(64 * c, 1), unit(96 * c, 3, padding=1), unit(96 * c, 3, padding=1))
        | _pooled(pooled)
    )


def module_c(c: Any, inner: Any) -> Network:
    """Inception v3 at 17 x 17: 7x7 convolutions as 1x7 and 7x1."""
    return (
        unit(192 * c, 1)
        | Series(unit(inner, 1), _rectangle(inner, 1, 7), _rectangle(192 * c, 7, 1))
        | Series(
            unit(inner, 1),
            _rectangle(inner, 7, 1),
            _rectangle(inner, 1, 7),
            _rectangle(inner, 7, 1),
            _rectangle(192 * c, 1, 7),
        )
        | _pooled(192 * c)
    )


def module_e(c: Any) -> Network:
    """Inception v3 at 8 x 8: 3x3 convolutions as 1x3 beside 3x1."""
    split = _rectangle(384 * c, 1, 3) | _rectangle(384 * c, 3, 1)
    return (
        unit(320 * c, 1)
        | (unit(384 * c, 1) >> split)
        | Series(unit(448 * c, 1), unit(384 * c, 3, padding=1), split)
        | _pooled(192 * c)
    )


@family(
    paper='Szegedy, Vanhoucke, Ioffe, Shlens, Wojna, "Rethinking the Inception Architecture for Computer Vision", '
    "CVPR 2016",
    published={"inception_v3": {}},
)
def inception_v3(
    *,
    height: Any = 299,
    width: Any = 299,
    channels: Any = 3,
    classes: Any = 1000,
    base_width: Any = 1,
    auxiliary: bool = True,
) -> Stages:
    """Inception v3.

    Parameters
    ----------
    height, width, channels : Dim
        Of the image.
    classes : Dim
    base_width : Dim
        A factor for all numbers of channels.
    auxiliary : bool
        Hold the auxiliary classifier that training uses; it adds parameters, as published, and no work.

    Returns
    -------
    dict of str to Network
    """
    c = base_width
    reduce_b = (
        unit(384 * c, 3, 2)
        | Series(unit(64 * c, 1), unit(96 * c, 3, padding=1), unit(96 * c, 3, 2))
        | MaxPool(3, stride=2)
    )
    reduce_d = (
        (unit(192 * c, 1) >> unit(320 * c, 3, 2))
        | Series(unit(192 * c, 1), _rectangle(192 * c, 1, 7), _rectangle(192 * c, 7, 1), unit(192 * c, 3, 2))
        | MaxPool(3, stride=2)
    )
    return {
        "input": Input(channels, height, width),
        "stem": Series(
            unit(32 * c, 3, 2),
            unit(32 * c, 3),
            unit(64 * c, 3, padding=1),
            MaxPool(3, stride=2),
            unit(80 * c, 1),
            unit(192 * c, 3),
            MaxPool(3, stride=2),
        ),
        "stage1": Series(module_a(c, 32 * c), module_a(c, 64 * c), module_a(c, 64 * c)),
        "stage2": Series(
            reduce_b,
            *(module_c(c, inner * c) for inner in (128, 160, 160, 192)),
            AuxiliaryClassifier(classes, narrow=128 * c, wide=768 * c) if auxiliary else Identity(),
        ),
        "stage3": Series(reduce_d, module_e(c), module_e(c)),
        "head": GlobalAvgPool() >> Dropout() >> Linear(classes),
    }
