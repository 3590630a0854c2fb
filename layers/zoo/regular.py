"""RegNet: networks whose widths are a quantised linear function of the block's number."""

from __future__ import annotations

import math
from typing import Any

from sympy import And, Integer, sympify, true

from ...algebra.errors import FieldError
from ...algebra.networks.network import Input, Network, Series
from ...algebra.sizes.decisions import equal
from ..activation import Identity, ReLU
from ..compositions import squeeze_excite
from ..linear import Linear
from ..pooling import GlobalAvgPool
from .blocks import choice, conv_norm, exact, nearest_even_tie, several
from .families import Stages, family


def quantised_widths(
    depth: int, initial_width: int, slope: float, multiplier: float, group_width: int
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Widths, depths and group widths of the stages.

    Block j wants ``u = initial_width + slope * j`` channels; it gets ``initial_width *
    multiplier**round(log(u/initial_width)/log(multiplier))``, rounded to a multiple of 8; equal neighbours make a
    stage, whose width is rounded to a multiple of its group width.

    >>> quantised_widths(22, 24, 24.48, 2.54, 16)
    ((32, 64, 160, 400), (1, 2, 7, 12), (16, 16, 16, 16))
    """
    blocks: list[int] = []
    for place in range(depth):
        steps = round(math.log((initial_width + slope * place) / initial_width) / math.log(multiplier))
        blocks.append(8 * round(initial_width * multiplier**steps / 8))
    widths = sorted(set(blocks))
    depths = tuple(blocks.count(size) for size in widths)
    groups = tuple(min(group_width, size) for size in widths)
    return tuple(_multiple(size, group) for size, group in zip(widths, groups)), depths, groups


def _multiple(size: int, divisor: int) -> int:
    """The nearest multiple, ties upwards, but not more than a tenth below."""
    nearest = max(divisor, (2 * size + divisor) // (2 * divisor) * divisor)
    return nearest + divisor if 10 * nearest < 9 * size else nearest


def block(entering: Any, leaving: Any, stride: int, group_width: Any, squeeze: Any) -> Network:
    """A residual bottleneck as wide inside as outside, with a grouped 3x3 convolution."""
    gate: Network = Identity()
    if equal(squeeze, 0) is not true:
        gate = squeeze_excite(leaving, nearest_even_tie(exact(squeeze, "regnet(squeeze=...)") * entering))
    groups = sympify(leaving) / group_width
    body = Series(
        conv_norm(leaving, 1, then=ReLU()),
        conv_norm(leaving, 3, stride=stride, groups=groups, then=ReLU()),
        gate,
        conv_norm(leaving, 1),
    )
    kept = And(equal(stride, 1), equal(entering, leaving))
    short = choice(kept, Identity(), conv_norm(leaving, 1, stride=stride))
    return (short + body) >> ReLU()


def _published() -> dict[str, dict[str, Any]]:
    rows = {
        "x_400mf": (22, 24, 24.48, 2.54, 16), "x_800mf": (16, 56, 35.73, 2.28, 16),
        "x_1_6gf": (18, 80, 34.01, 2.25, 24),
        "x_3_2gf": (25, 88, 26.31, 2.25, 48), "x_8gf": (23, 80, 49.56, 2.88, 120), "x_16gf": (22, 216, 55.59, 2.1, 128),
        "x_32gf": (23, 320, 69.86, 2.0, 168), "y_400mf": (16, 48, 27.89, 2.09, 8), "y_800mf": (14, 56, 38.84, 2.4, 16),
        "y_1_6gf": (27, 48, 20.71, 2.65, 24), "y_3_2gf": (21, 80, 42.63, 2.66, 24), "y_8gf": (17, 192, 76.82, 2.19, 56),
        "y_16gf": (18, 200, 106.23, 2.48, 112), "y_32gf": (20, 232, 115.89, 2.53, 232),
        "y_128gf": (27, 456, 160.83, 2.52, 264),
    }  # fmt: skip
    keys = ("depth", "initial_width", "slope", "multiplier", "group_width")
    return {
        f"regnet_{name}": {**dict(zip(keys, row)), "squeeze": 0.25 if name[0] == "y" else 0}
        for name, row in rows.items()
    }


@family(
    paper='Radosavovic, Kosaraju, Girshick, He, Dollár, "Designing Network Design Spaces", CVPR 2020',
    published=_published(),
    literal=("depth", "initial_width", "slope", "multiplier", "group_width"),
)
def regnet(
    *,
    height: Any = 224,
    width: Any = 224,
    channels: Any = 3,
    classes: Any = 1000,
    depth: int = 22,
    initial_width: int = 24,
    slope: float = 24.48,
    multiplier: float = 2.54,
    group_width: Any = 16,
    squeeze: Any = 0,
    base_width: Any = 32,
    widths: Any = None,
    depths: Any = None,
) -> Stages:
    """Four stages whose widths and depths follow from five numbers.

    Parameters
    ----------
    height, width, channels : Dim
        Of the image.
    classes : Dim
    depth, initial_width : int
    slope, multiplier : float
    group_width : int
        The generating numbers; see `quantised_widths`.
    squeeze : Number
        Squeeze-and-excitation, its narrow part as a fraction of a block's entering channels; 0 is none (RegNetX), 1/4
        RegNetY.
    base_width : Dim
        Channels of the stem.
    widths, depths : tuple of Dim, optional
        The stages, where they shall not be generated; symbols are welcome, and `group_width` may then be one as well.

    Returns
    -------
    dict of str to Network
    """
    for word, sizes in (("widths", widths), ("depths", depths)):
        if not (sizes is None or isinstance(sizes, (tuple, list))):
            raise FieldError(f"regnet({word}={sizes!r}): write one size for each stage, such as {word}=(1, 2, 7, 12)")
    if widths is None or depths is None:
        given = (depth, initial_width, slope, multiplier, group_width)
        if not all(isinstance(number, (int, float, Integer)) for number in given):
            raise FieldError(
                f"regnet generates its stages from numbers, got {given}; for symbols pass widths=(...) and depths=(...)"
            )
        if not 1 <= depth <= 1000 or multiplier <= 1 or slope < 0 or initial_width < 8 or int(group_width) < 1:
            raise FieldError(
                f"regnet cannot generate stages from {given}: depth 1 to 1000, initial width from 8, slope "
                "from 0, multiplier above 1"
            )
        made, counted, groups = quantised_widths(
            int(depth), int(initial_width), float(slope), float(multiplier), int(group_width)
        )
        widths = made if widths is None else widths
        depths = counted if depths is None else depths
        groups = groups if len(groups) == len(widths) else (group_width,) * len(widths)
    else:
        groups = (group_width,) * len(widths)
    if len(widths) != len(depths):
        raise FieldError(f"regnet takes as many widths as depths, got {tuple(widths)} and {tuple(depths)}")
    stages: Stages = {"input": Input(channels, height, width), "stem": conv_norm(base_width, 3, stride=2, then=ReLU())}
    entering = base_width
    for number, (leaving, count, group) in enumerate(zip(widths, depths, groups), start=1):
        stages[f"stage{number}"] = several(
            block(entering, leaving, 2, group, squeeze), block(leaving, leaving, 1, group, squeeze), count
        )
        entering = leaving
    stages["head"] = GlobalAvgPool() >> Linear(classes)
    return stages
