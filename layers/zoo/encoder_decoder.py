"""U-Net: down to a small map and up again, with a shortcut at every size."""

from __future__ import annotations

from typing import Any

from ...algebra.errors import FieldError
from ...algebra.networks.network import Input, Network, Series
from ..activation import Identity, ReLU
from ..convolution import Conv, ConvTranspose
from ..normalization import BatchNorm
from ..pooling import MaxPool
from ..reshape import Crop
from .families import Stages, family


def _pair(size: Any, padding: Any, batch_norm: bool) -> Network:
    """Two 3x3 convolutions."""
    one = Series(Conv(size, 3, padding=padding, bias=not batch_norm), BatchNorm() if batch_norm else Identity(), ReLU())
    return one >> one


@family(
    paper='Ronneberger, Fischer, Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation", MICCAI 2015',
    published={"unet": {}},
    literal=("levels", "padding"),
)
def unet(
    *,
    height: Any = 572,
    width: Any = 572,
    channels: Any = 1,
    classes: Any = 2,
    base_width: Any = 64,
    levels: int = 4,
    padding: int = 0,
    batch_norm: bool = False,
) -> Stages:
    """Pairs of convolutions down and up, with what goes across cropped and put in front.

    Parameters
    ----------
    height, width, channels : Dim
        Of the image; without padding, sizes for which every map that is pooled is even, such as 572.
    classes : Dim
    base_width : Dim
        Channels at the image's size; twice as many at each level below.
    levels : int
        How often the size is halved.
    padding : {0, 1}
        Of the 3x3 convolutions; 0 as published, 1 keeps the size.
    batch_norm : bool

    Returns
    -------
    dict of str to Network
    """
    if not isinstance(levels, int) or not 1 <= levels <= 12:
        raise FieldError(f"unet(levels={levels!r}): a number from 1 to 12")
    if padding not in (0, 1):
        raise FieldError(f"unet(padding={padding!r}): padding is 0 or 1")
    inner = MaxPool(2) >> _pair(base_width * 2**levels, padding, batch_norm)
    lost = 4
    for level in reversed(range(levels)):
        size = base_width * 2**level
        across = Identity() if padding else Crop(lost, lost)
        inner = (across | (inner >> ConvTranspose(size, 2, stride=2))) >> _pair(size, padding, batch_norm)
        if level:
            inner = Series(MaxPool(2), _pair(size, padding, batch_norm), inner)
        # Each side of a map loses 2 above and 2 below in the pairs; at the next larger size that is twice as much.
        lost = 2 * (lost + 4)
    return {
        "input": Input(channels, height, width),
        "stem": _pair(base_width, padding, batch_norm),
        "body": inner,
        "head": Conv(classes, 1),
    }
