"""The layers that PyTorch has itself, with the same meaning; None where the settings at hand differ in meaning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from sympy import Tuple

from ...algebra.networks.carrier import Flow
from ...algebra.networks.layer import Layer
from .. import activation, convolution, embedding, linear, normalization, pooling, reshape
from .leaves import Maker, literal

nn = torch.nn


def _of_rank(kinds: tuple[type, type, type], rank: int) -> type | None:
    return kinds[rank - 1] if 1 <= rank <= 3 else None


def _conv(layer: Any, flows: Sequence[Flow]) -> Any:
    axes = len(flows[0].shape) - 1
    kind = _of_rank((nn.Conv1d, nn.Conv2d, nn.Conv3d), axes)
    if kind is None or layer.padding == "causal" or (layer.padding == "same" and layer.stride != 1):
        return None
    padding = layer.padding if isinstance(layer.padding, str) else literal(layer.padding)
    return kind(
        int(flows[0].shape[0]), int(layer.out_channels), literal(layer.kernel), literal(layer.stride), padding, literal(layer.dilation),
        int(layer.groups), layer.bias,
    )  # fmt: skip


def _conv_transpose(layer: Any, flows: Sequence[Flow]) -> Any:
    kind = _of_rank((nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d), len(flows[0].shape) - 1)
    if kind is None or any(
        int(a) >= max(int(s), int(d))
        for a, s, d in zip(*map(_several, (layer.output_padding, layer.stride, layer.dilation)))
    ):
        return None
    return kind(
        int(flows[0].shape[0]), int(layer.out_channels), literal(layer.kernel), literal(layer.stride), literal(layer.padding),
        literal(layer.output_padding), int(layer.groups), layer.bias, literal(layer.dilation),
    )  # fmt: skip


def _several(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, Tuple) else (value,)


def _pool(kinds: tuple[type, type, type]):
    def make(layer: Any, flows: Sequence[Flow]) -> Any:
        kind = _of_rank(kinds, len(flows[0].shape) - 1)
        if kind is None or any(2 * int(p) > int(k) for p, k in zip(_several(layer.padding), _several(layer.kernel))):
            return None
        stride = None if layer.stride is None else literal(layer.stride)
        if isinstance(layer, pooling.MaxPool):
            return kind(
                literal(layer.kernel),
                stride,
                literal(layer.padding),
                literal(layer.dilation),
                ceil_mode=layer.ceil_mode,
            )
        return kind(literal(layer.kernel), stride, literal(layer.padding), layer.ceil_mode, layer.count_include_pad)

    return make


def _adaptive(layer: Any, flows: Sequence[Flow]) -> Any:
    kind = _of_rank((nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d), len(flows[0].shape) - 1)
    return None if kind is None else kind(literal(layer.output))


def _batch_norm(layer: Any, flows: Sequence[Flow]) -> Any:
    kind = (
        (nn.BatchNorm1d, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)[len(flows[0].shape) - 1]
        if len(flows[0].shape) <= 4
        else None
    )
    return None if kind is None else kind(int(flows[0].shape[0]), float(layer.epsilon), affine=layer.affine)


class GlobalPool(nn.Module):
    """The mean or the maximum over all positions."""

    def __init__(self, kind: str):
        super().__init__()
        self.kind = kind

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        axes = tuple(range(2, x.dim()))
        return x.mean(axes) if self.kind == "mean" else x.amax(axes)


class View(nn.Module):
    """The elements of each example in another shape, or its axes in another order."""

    def __init__(self, shape: Sequence[int] | None = None, order: Sequence[int] | None = None):
        super().__init__()
        self.shape, self.order = shape, order

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.order is not None:
            return x.permute(0, *(axis + 1 for axis in self.order))
        return x.reshape(x.shape[0], *self.shape) if self.shape is not None else x.flatten(1)


class Table(nn.Embedding):
    """A table of vectors, looked up by whole numbers of any type: fixed places are kept among other numbers."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return super().forward(input.long())


NATIVE: dict[type[Layer], Maker] = {
    convolution.Conv: _conv,
    convolution.ConvTranspose: _conv_transpose,
    linear.Linear: lambda layer, flows: nn.Linear(int(flows[0].shape[-1]), int(layer.out_features), layer.bias),
    pooling.MaxPool: _pool((nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)),
    pooling.AvgPool: _pool((nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)),
    pooling.AdaptiveAvgPool: _adaptive,
    pooling.GlobalAvgPool: lambda layer, flows: GlobalPool("mean"),
    pooling.GlobalMaxPool: lambda layer, flows: GlobalPool("max"),
    normalization.BatchNorm: _batch_norm,
    normalization.LayerNorm: lambda layer, flows: nn.LayerNorm(
        int(flows[0].shape[-1]), float(layer.epsilon), layer.affine, layer.bias
    ),
    normalization.GroupNorm: lambda layer, flows: nn.GroupNorm(
        int(layer.groups), int(flows[0].shape[0]), float(layer.epsilon), layer.affine
    ),
    normalization.RMSNorm: lambda layer, flows: nn.RMSNorm(int(flows[0].shape[-1]), float(layer.epsilon), layer.affine),
    embedding.Embedding: lambda layer, flows: Table(int(layer.vocabulary), int(layer.features)),
    activation.Identity: lambda layer, flows: nn.Identity(),
    activation.Dropout: lambda layer, flows: nn.Dropout(float(layer.probability)),
    activation.ReLU: lambda layer, flows: nn.ReLU(),
    activation.ReLU6: lambda layer, flows: nn.ReLU6(),
    activation.LeakyReLU: lambda layer, flows: nn.LeakyReLU(float(layer.slope)),
    activation.Hardswish: lambda layer, flows: nn.Hardswish(),
    activation.Hardsigmoid: lambda layer, flows: nn.Hardsigmoid(),
    activation.Sigmoid: lambda layer, flows: nn.Sigmoid(),
    activation.Tanh: lambda layer, flows: nn.Tanh(),
    activation.SiLU: lambda layer, flows: nn.SiLU(),
    activation.Mish: lambda layer, flows: nn.Mish(),
    activation.ELU: lambda layer, flows: nn.ELU(float(layer.alpha)),
    activation.Softplus: lambda layer, flows: nn.Softplus(),
    activation.GELU: lambda layer, flows: nn.GELU("tanh" if layer.approximate else "none"),
    activation.Softmax: lambda layer, flows: nn.Softmax(-1),
    reshape.Flatten: lambda layer, flows: nn.Flatten(),
    reshape.Reshape: lambda layer, flows: View(literal(layer.shape)),
    reshape.Permute: lambda layer, flows: View(order=literal(layer.order)),
    reshape.PixelShuffle: lambda layer, flows: (
        nn.PixelShuffle(int(layer.factor)) if len(flows[0].shape) == 3 and not isinstance(layer.factor, Tuple) else None
    ),
}
"""Layer to the function that makes PyTorch's module; what is not here is computed from its equation."""
