"""Rules for PyTorch's operators that hold learned tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sympy import Integer

from ....algebra.errors import UnsupportedError
from ....algebra.networks.network import Network
from ... import activation, convolution, embedding, linear, normalization, recurrent, reshape
from ...importers.tensors import over_last_axes, per_axis
from ..translator import Translator, argument, rule


@rule("conv1d", "conv2d", "conv3d", "convolution")
def _convolution(t: Translator, node: Any) -> None:
    source, weight, bias = node.args[0], node.args[1], argument(node, 2, "bias")
    if node.target.__name__.startswith("convolution") and argument(node, 6, "transposed", False):
        return _transposed(t, node)
    out, _, *kernel = t.values[weight.name].shape
    padding = argument(node, 4, "padding", 0)
    groups = (
        argument(node, 8, "groups", 1)
        if node.target.__name__.startswith("convolution")
        else argument(node, 6, "groups", 1)
    )
    layer = convolution.Conv(
        out, per_axis(kernel), per_axis(argument(node, 3, "stride", 1)),
        padding if isinstance(padding, str) and padding == "same" else 0 if padding == "valid" else per_axis(padding),
        per_axis(argument(node, 5, "dilation", 1)), groups, bias is not None,
    )  # fmt: skip
    t.put(node, t.with_weights(layer, weight, bias), [t.batched(source)])


@rule("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def _transposed(t: Translator, node: Any) -> None:
    source, weight, bias = node.args[0], node.args[1], argument(node, 2, "bias")
    _, out, *kernel = t.values[weight.name].shape
    groups = argument(node, 6, "groups", 1)
    layer = convolution.ConvTranspose(
        out * groups, per_axis(kernel), per_axis(argument(node, 3, "stride", 1)),
        per_axis(argument(node, 4, "padding", 0)), per_axis(argument(node, 5, "output_padding", 0)),
        per_axis(argument(node, 7, "dilation", 1)), groups, bias is not None,
    )  # fmt: skip
    t.put(node, t.with_weights(layer, weight, bias), [t.batched(source)])


@rule("linear")
def _linear(t: Translator, node: Any) -> None:
    source, weight, bias = node.args[0], node.args[1], argument(node, 2, "bias")
    if not t.values[weight.name].weight:
        raise UnsupportedError(
            f"{node.name}: the weight of a linear map is computed by the model, not learned as it stands"
        )
    layer = linear.Linear(t.values[weight.name].shape[0], bias is not None)
    t.put(node, t.with_weights(layer, weight, bias), [source])


@rule("batch_norm", "_native_batch_norm_legit_no_training", "cudnn_batch_norm")
def _batch_norm(t: Translator, node: Any) -> None:
    weight = argument(node, 1, "weight")
    epsilon = argument(node, 7, "eps", 1e-5) if len(node.args) > 7 else argument(node, 6, "eps", 1e-5)
    layer = normalization.BatchNorm(weight is not None, float(epsilon))
    t.put(node, t.with_weights(layer, weight), [t.batched(node.args[0])])


@rule("layer_norm", "native_layer_norm")
def _layer_norm(t: Translator, node: Any) -> None:
    axes, weight, bias = node.args[1], argument(node, 2, "weight"), argument(node, 3, "bias")
    value = t.value(node.args[0])
    layer: Network = normalization.LayerNorm(
        weight is not None, bias is not None, float(argument(node, 4, "eps", 1e-5))
    )
    if len(axes) > max(len(value.own), 1):
        raise UnsupportedError(f"{node.name}: layer normalisation over the batch")
    t.put(node, over_last_axes(t.with_weights(layer, weight, bias), value.own, len(axes)), [value])


@rule("rms_norm")
def _rms_norm(t: Translator, node: Any) -> None:
    weight = argument(node, 2, "weight")
    layer = normalization.RMSNorm(weight is not None, float(argument(node, 3, "eps") or 1.1920929e-07))
    t.put(node, t.with_weights(layer, weight), [node.args[0]])


@rule("group_norm", "native_group_norm")
def _group_norm(t: Translator, node: Any) -> None:
    weight = argument(node, 2, "weight")
    layer = normalization.GroupNorm(node.args[1], weight is not None, float(argument(node, 4, "eps", 1e-5)))
    t.put(node, t.with_weights(layer, weight, argument(node, 3, "bias")), [t.batched(node.args[0])])


@rule("instance_norm")
def _instance_norm(t: Translator, node: Any) -> None:
    weight = argument(node, 1, "weight")
    layer = normalization.InstanceNorm(weight is not None, float(argument(node, 7, "eps", 1e-5)))
    t.put(node, t.with_weights(layer, weight), [t.batched(node.args[0])])


@rule("embedding")
def _embedding(t: Translator, node: Any) -> None:
    weight, tokens = node.args[0], node.args[1]
    vocabulary, features = t.values[weight.name].shape
    t.put(node, t.with_weights(embedding.Embedding(vocabulary, features), weight), [tokens])


@rule("prelu", "_prelu_kernel")
def _prelu(t: Translator, node: Any) -> None:
    weight = node.args[1]
    per_channel = t.values[weight.name].shape != (1,)
    t.put(node, t.with_weights(activation.PReLU(per_channel), weight), [t.batched(node.args[0])])


def _recurrent(t: Translator, node: Any, kind: Callable[..., Network]) -> None:
    """Stacked and bidirectional recurrent layers; the states that they return besides are not available."""
    has_bias, count, two_ways, batch_first = (node.args[place] for place in (3, 4, 7, 8))
    weights = node.args[2]
    value = t.value(node.args[0])
    hidden = t.values[weights[1].name].shape[1]
    if len(weights) != count * (2 if two_ways else 1) * (4 if has_bias else 2):
        raise UnsupportedError(f"{node.name}: a recurrent layer with projections")
    forward = kind(hidden, bool(has_bias))
    layer: Network = forward if not two_ways else forward | (reshape.Flip() >> forward >> reshape.Flip())
    stack = layer
    for _ in range(count - 1):
        stack = stack >> layer
    rows = value.shape[1] if batch_first else value.shape[0]
    if value.own != (rows, value.shape[2]):
        value = t.reshaped(value, (Integer(1), rows, value.shape[2]), True, f"{node.name}_steps")
    out = hidden * (2 if two_ways else 1)
    made = t.add(stack, [value], (Integer(1), rows, out), True, node.name)
    if not batch_first:
        made = t.add(
            reshape.Reshape((rows, Integer(1), out)), [made], (rows, Integer(1), out), False, f"{node.name}_whole"
        )
    t.parts[node.name] = [made]


@rule("lstm")
def _lstm(t: Translator, node: Any) -> None:
    _recurrent(t, node, recurrent.LSTM)


@rule("gru")
def _gru(t: Translator, node: Any) -> None:
    _recurrent(t, node, recurrent.GRU)


@rule("rnn_tanh")
def _rnn(t: Translator, node: Any) -> None:
    _recurrent(t, node, recurrent.RNN)
