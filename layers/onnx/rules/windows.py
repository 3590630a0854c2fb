"""What ONNX's operators with sliding windows say of them: kernel, strides, margins, dilations, in one place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ....algebra.errors import UnsupportedError
from ...importers.arrays import Window, same_margins
from ...importers.tensors import Tensor
from ..attributes import Attributes
from ..translator import OnnxTranslator


def numbers_for(
    t: OnnxTranslator, a: Attributes, name: str, axes: int, otherwise: int, least: int = 0
) -> tuple[int, ...]:
    """An attribute with one integer for each spatial axis."""
    found = [int(number) for number in a.get(name, [otherwise] * axes)]
    if len(found) != axes or any(number < least for number in found):
        raise UnsupportedError(f"{t.name}: {name}={found[:12]} for {axes} spatial axes")
    return tuple(found)


def window_of(t: OnnxTranslator, a: Attributes, kernel: Sequence[Any], source: Tensor) -> Window:
    """The window that an operator slides over the spatial axes of a tensor."""
    axes = len(source.shape) - 2
    sizes = tuple(int(size) for size in kernel)
    if len(sizes) != axes or any(size < 1 for size in sizes):
        raise UnsupportedError(f"{t.name}: a window {list(sizes)} over the {axes} spatial axes of {source.shape}")
    strides, dilations = (numbers_for(t, a, name, axes, 1, 1) for name in ("strides", "dilations"))
    how, pads = a.text("auto_pad", "NOTSET"), [int(width) for width in a.get("pads", ())]
    ceil = bool(a.get("ceil_mode", 0))
    if how in ("SAME_UPPER", "SAME_LOWER"):
        before, after = same_margins(source.shape[2:], sizes, strides, dilations, how == "SAME_UPPER")
        made = [tuple(int(width) if width.is_Integer else width for width in side) for side in (before, after)]
        return Window(sizes, strides, made[0], made[1], dilations, False)
    if how not in ("NOTSET", "VALID", ""):
        raise UnsupportedError(f"{t.name}: auto_pad={how}")
    if how == "VALID" or not pads:
        pads = [0] * 2 * axes
    if len(pads) != 2 * axes:
        raise UnsupportedError(f"{t.name}: pads={pads[:12]} for {axes} spatial axes; two for each are needed")
    return Window(sizes, strides, tuple(pads[:axes]), tuple(pads[axes:]), dilations, ceil)
