"""Rules for PyTorch's operators that hold learned tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sympy import Integer

from ....algebra.errors import UnsupportedError
from ....algebra.networks.network import Add, Mul, Network
from ... import activation, convolution, embedding, linear, normalization, recurrent, reshape
from ...importers.arrays import over_last_axes, product, reshaped
from ...importers.tensors import Tensor, per_axis
from ..translator import Translator, argument, rule


def _learned(t: Translator, *weights: Any) -> bool:
    """Whether these are learned tensors as they are stored, which a layer can hold; others are computed, or not learned."""
    return all(t.is_learned(weight) for weight in weights if weight is not None)


def _scaled(t: Translator, node: Any, made: Tensor, weight: Any, bias: Any, place: int) -> None:
    """The node's value: a tensor times a weight plus a bias, each a tensor of its own that lies along the axes from `place` on."""
    for join, part in ((Mul(), weight), (Add(), bias)):
        if part is not None:
            value = t.whole(t.value(part))
            after = len(made.own) - place - len(value.shape)
            shape = (*[Integer(1)] * place, *value.shape, *[Integer(1)] * after)
            value = reshaped(t, value, shape, label=f"{node.name}_{part.name}_axes")
            made = t.add(join, [made, value], made.shape, made.batched, f"{node.name}_{part.name}")
    t.values[node.name] = made


def _normalised(
    t: Translator,
    node: Any,
    plain: Network,
    whole: Network | None,
    source: Tensor,
    weight: Any,
    bias: Any,
    axes: int = 0,
) -> None:
    """A normalisation over so many last axes, or of channels, that holds its weights; where it cannot, they stand beside it."""
    holds = whole is not None and _learned(t, weight, bias)
    layer = t.with_weights(whole, weight, bias) if whole is not None and holds else plain
    layer = over_last_axes(layer, source.own, axes) if axes else layer
    if holds or weight is bias is None:
        return t.put(node, layer, [source])
    made = t.add(layer, [source], t.shape(node), source.batched, f"{node.name}_plain")
    return _scaled(t, node, made, weight, bias, len(made.own) - axes if axes else 0)


@rule("conv1d", "conv2d", "conv3d", "convolution")
def _convolution(t: Translator, node: Any) -> None:
    source, weight, bias = node.args[0], node.args[1], argument(node, 2, "bias")
    if node.target.__name__.startswith("convolution") and argument(node, 6, "transposed", False):
        return _transposed(t, node)
    out, _, *kernel = t.values[weight.name].shape
    padding = argument(node, 4, "padding", 0)
    padding = (
        padding if isinstance(padding, str) and padding == "same" else 0 if padding == "valid" else per_axis(padding)
    )
    groups = (
        argument(node, 8, "groups", 1)
        if node.target.__name__.startswith("convolution")
        else argument(node, 6, "groups", 1)
    )
    stride, dilation = per_axis(argument(node, 3, "stride", 1)), per_axis(argument(node, 5, "dilation", 1))
    if _learned(t, weight, bias):
        layer = convolution.Conv(out, per_axis(kernel), stride, padding, dilation, groups, bias is not None)
        return t.put(node, t.with_weights(layer, weight, bias), [t.batched(source)])
    values = [t.batched(source)]
    if _learned(t, weight):
        layer = convolution.Conv(out, per_axis(kernel), stride, padding, dilation, groups, False)
        moving = t.with_weights(layer, weight)
    else:
        margin: Any = _margin(node, kernel, dilation) if padding == "same" else padding
        moving = convolution.DynamicConv(stride, margin, dilation, groups)
        values.append(t.whole(t.value(weight)))
    made = t.add(moving, values, t.shape(node), True, f"{node.name}_plain" if bias is not None else node.name)
    return _scaled(t, node, made, None, bias, 0)


def _margin(node: Any, kernel: Sequence[Any], dilation: Any) -> Any:
    """The padding on both sides that keeps the size."""
    steps = dilation if isinstance(dilation, tuple) else [dilation] * len(kernel)
    margins = [step * (size - 1) / 2 for step, size in zip(steps, kernel)]
    if not all(margin.is_Integer for margin in margins):
        raise UnsupportedError(f"{node.name}: padding 'same' of a kernel that is computed and has even sizes")
    return per_axis(margins)


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
    out = t.values[weight.name].shape[0]
    if _learned(t, weight, bias):
        return t.put(node, t.with_weights(linear.Linear(out, bias is not None), weight, bias), [source])
    value, label = t.value(source), f"{node.name}_plain" if bias is not None else node.name
    if _learned(t, weight):
        layer = t.with_weights(linear.Linear(out, False), weight)
        made = t.add(layer, [value], t.shape(node), value.batched, label)
    else:
        table = t.whole(t.value(weight))
        turned = t.add(reshape.Permute((1, 0)), [table], table.shape[::-1], False, f"{node.name}_turned")
        made = product(t, value, turned, label)
    return _scaled(t, node, made, None, bias, len(made.own) - 1)


@rule("batch_norm", "_native_batch_norm_legit_no_training", "cudnn_batch_norm")
def _batch_norm(t: Translator, node: Any) -> None:
    epsilon = argument(node, 7, "eps", 1e-5) if len(node.args) > 7 else argument(node, 6, "eps", 1e-5)
    _of_channels(t, node, lambda affine: normalization.BatchNorm(affine, float(epsilon)), 1)


@rule("group_norm", "native_group_norm")
def _group_norm(t: Translator, node: Any) -> None:
    epsilon = float(argument(node, 4, "eps", 1e-5))
    _of_channels(t, node, lambda affine: normalization.GroupNorm(node.args[1], affine, epsilon), 2)


@rule("instance_norm")
def _instance_norm(t: Translator, node: Any) -> None:
    epsilon = float(argument(node, 7, "eps", 1e-5))
    _of_channels(t, node, lambda affine: normalization.InstanceNorm(affine, epsilon), 1)


def _of_channels(t: Translator, node: Any, layer: Callable[[bool], Network], place: int) -> None:
    """A normalisation with a weight and a bias for each channel, or neither; from `place` on they are its arguments."""
    weight, bias = argument(node, place, "weight"), argument(node, place + 1, "bias")
    whole = None if weight is None or bias is None else layer(True)
    _normalised(t, node, layer(False), whole, t.batched(node.args[0]), weight, bias)


@rule("layer_norm", "native_layer_norm")
def _layer_norm(t: Translator, node: Any) -> None:
    weight, bias, epsilon = (
        argument(node, 2, "weight"),
        argument(node, 3, "bias"),
        float(argument(node, 4, "eps", 1e-5)),
    )
    plain = normalization.LayerNorm(False, False, epsilon)
    whole = None if weight is None else normalization.LayerNorm(True, bias is not None, epsilon)
    _of_last_axes(t, node, plain, whole, weight, bias)


@rule("rms_norm")
def _rms_norm(t: Translator, node: Any) -> None:
    weight, epsilon = argument(node, 2, "weight"), float(argument(node, 3, "eps") or 1.1920929e-07)
    whole = None if weight is None else normalization.RMSNorm(True, epsilon)
    _of_last_axes(t, node, normalization.RMSNorm(False, epsilon), whole, weight, None)


def _of_last_axes(t: Translator, node: Any, plain: Network, whole: Network | None, weight: Any, bias: Any) -> None:
    value, axes = t.value(node.args[0]), len(node.args[1])
    if axes > max(len(value.own), 1):
        raise UnsupportedError(f"{node.name}: a normalisation over the batch")
    _normalised(t, node, plain, whole, value, weight, bias, axes)


@rule("embedding")
def _embedding(t: Translator, node: Any) -> None:
    weight, tokens = node.args[0], node.args[1]
    if not _learned(t, weight):
        raise UnsupportedError(f"{node.name}: an embedding whose table is computed, or is not learned")
    vocabulary, features = t.values[weight.name].shape
    t.put(node, t.with_weights(embedding.Embedding(vocabulary, features), weight), [tokens])


@rule("prelu", "_prelu_kernel")
def _prelu(t: Translator, node: Any) -> None:
    weight = node.args[1]
    per_channel = t.values[weight.name].shape != (1,)
    t.put(node, t.with_weights(activation.PReLU(per_channel), weight), [t.batched(node.args[0])])


def _states(given: Any) -> Sequence[Any]:
    """The first states of a recurrent layer: one tensor, or a list of them."""
    return given if isinstance(given, (list, tuple)) else [given]


def _recurrent(t: Translator, node: Any, kind: Callable[..., Network]) -> None:
    """Stacked and bidirectional recurrent layers; the states that they return besides are not available."""
    has_bias, count, two_ways, batch_first = (node.args[place] for place in (3, 4, 7, 8))
    weights, states = node.args[2], node.args[1]
    if not all(t.values[state.name].weight and state.name not in t.learned for state in _states(states)):
        raise UnsupportedError(f"{node.name}: a recurrent layer whose first state is computed by the model, or learned")
    if not _learned(t, *weights):
        raise UnsupportedError(f"{node.name}: a recurrent layer whose weights are computed, or are not learned")
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
        value = reshaped(t, value, (Integer(1), rows, value.shape[2]), True, f"{node.name}_steps")
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
