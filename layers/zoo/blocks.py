"""Parts that several families share."""

from __future__ import annotations

from typing import Any

from ...algebra.errors import FieldError
from ...algebra.network import Network, Repeat, Series
from ..activation import Identity
from ..convolution import Conv
from ..normalization import BatchNorm


def conv_norm(
    channels: Any, kernel: Any = 3, *, stride: Any = 1, groups: Any = 1, dilation: Any = 1, padding: Any = None, epsilon: Any = 1e-5,
    then: Network | None = None,
) -> Network:
    """A convolution without bias, batch normalisation and an activation; padded so that a stride of 1 keeps the size."""
    if padding is None:
        padding = dilation * (kernel - 1) // 2
    conv = Conv(channels, kernel, stride=stride, padding=padding, dilation=dilation, groups=groups, bias=False)
    return Series(conv, BatchNorm(epsilon=epsilon), then or Identity())


def several(first: Network, rest: Network, times: Any) -> Network:
    """`times` blocks, the first of which differs; `times` may be a symbol."""
    return first if times == 1 else Series(first, Repeat(rest, times - 1))


def per_stage(value: Any, stages: int, what: str) -> tuple[Any, ...]:
    """A hyperparameter with a value for each stage, or with one for all."""
    if isinstance(value, (tuple, list)):
        if len(value) != stages:
            raise FieldError(f"{what} has a value for each of {stages} stages, got {len(value)}: {tuple(value)}")
        return tuple(value)
    return (value,) * stages
