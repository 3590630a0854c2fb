"""Rules for PyTorch's operators that hold learned tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sympy import Expr, Integer

from ....algebra.errors import UnsupportedError
from ....algebra.networks.network import Add, Mul, Network, Series
from ....algebra.sizes.normal_form import same, simplify
from ... import activation, arithmetic, convolution, embedding, linear, normalization, recurrent, reshape
from ...importers.arrays import (
    along,
    concatenated,
    cut,
    has_several_examples,
    looked_up,
    normalised_in_groups,
    over_examples,
    over_last_axes,
    permuted,
    product,
    reduced,
    reduced_in_groups,
    reshaped,
    viewed,
)
from ...importers.record import Piece
from ...importers.tensors import Shape, Tensor, per_axis
from ..translator import Translator, argument, is_part, rule


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
    value, shape = t.value(source), t.shape(node)
    out, _, *kernel = t.values[weight.name].shape
    padding = argument(node, 4, "padding", 0)
    if padding != "same":
        padding = along(value, 0 if padding == "valid" else padding, 0)
    groups = argument(node, 8 if node.target.__name__.startswith("convolution") else 6, "groups", 1)
    stride, dilation = (
        along(value, argument(node, place, name, 1), 1) for place, name in ((3, "stride"), (5, "dilation"))
    )
    whole = _learned(t, weight, bias)
    if whole or _learned(t, weight):
        held = whole and bias is not None
        layer: Network = convolution.Conv(out, along(value, kernel, 1), stride, padding, dilation, groups, held)
        layer = t.with_weights(layer, weight, bias) if whole else t.with_weights(layer, weight)
        label = node.name if whole or bias is None else f"{node.name}_plain"
        made = over_examples(t, layer, value, shape, label)
    else:
        if has_several_examples(value):
            raise UnsupportedError("several examples under one kernel that is computed")
        margin: Any = _margin(node, kernel, dilation) if padding == "same" else padding
        moving = convolution.DynamicConv(stride, margin, dilation, groups)
        values = [t.example(value), t.whole(t.value(weight))]
        made = t.add(moving, values, shape, True, f"{node.name}_plain" if bias is not None else node.name)
    if whole or bias is None:
        return t.keep(node, made)
    return _scaled(t, node, made, None, bias, 0 if made.batched else 1)


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
    value = t.value(source)
    _, out, *kernel = t.values[weight.name].shape
    general = node.target.__name__.startswith("convolution")  # its arguments are in another order
    groups = argument(node, 8 if general else 6, "groups", 1)
    layer = convolution.ConvTranspose(
        out * groups, along(value, kernel, 1), along(value, argument(node, 3, "stride", 1), 1),
        along(value, argument(node, 4, "padding", 0), 0), along(value, argument(node, 7 if general else 5, "output_padding", 0), 0),
        along(value, argument(node, 5 if general else 7, "dilation", 1), 1), groups, bias is not None,
    )  # fmt: skip
    t.keep(node, over_examples(t, t.with_weights(layer, weight, bias), value, t.shape(node), node.name))


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
    if "no_training" not in node.target.__name__ and argument(node, 5, "training", False):
        raise UnsupportedError(
            "a normalisation by the statistics of the batch, which no equation of one example says\n"
            "  write instead: BatchNorm with track_running_stats=True, or InstanceNorm for those of each example"
        )
    epsilon = argument(node, 7, "eps", 1e-5) if len(node.args) > 7 else argument(node, 6, "eps", 1e-5)
    _of_channels(t, node, lambda affine: normalization.BatchNorm(affine, float(epsilon)), 1)


@rule("group_norm", "native_group_norm")
def _group_norm(t: Translator, node: Any) -> None:
    groups, epsilon = node.args[1], float(argument(node, 4, "eps", 1e-5))
    _of_channels(
        t, node, lambda affine: normalization.GroupNorm(groups, affine, epsilon), 2, (Integer(groups), epsilon)
    )


@rule("instance_norm")
def _instance_norm(t: Translator, node: Any) -> None:
    epsilon = float(argument(node, 7, "eps", 1e-5))
    if not argument(node, 5, "use_input_stats", True):  # running statistics, by which every example is normalised alike
        return _of_channels(t, node, lambda affine: normalization.BatchNorm(affine, epsilon), 1)
    groups = t.value(node.args[0]).shape[1]
    return _of_channels(t, node, lambda affine: normalization.InstanceNorm(affine, epsilon), 1, (groups, epsilon))


def _of_channels(
    t: Translator, node: Any, layer: Callable[[bool], Network], place: int, apart: tuple[Expr, float] | None = None
) -> None:
    """A normalisation with a weight and a bias for each channel, or neither; from `place` on they are its arguments.

    `apart`: the number of groups, and the epsilon, of one that takes each example by itself.
    """
    weight, bias, value = argument(node, place, "weight"), argument(node, place + 1, "bias"), t.value(node.args[0])
    if not has_several_examples(value):
        whole = None if weight is None or bias is None else layer(True)
        return _normalised(t, node, layer(False), whole, t.example(value), weight, bias)
    shape = t.shape(node)
    if apart is not None:
        made = normalised_in_groups(t, value, *apart, f"{node.name}_plain")
    elif weight is not None and bias is not None and _learned(t, weight, bias):
        return t.keep(node, over_examples(t, t.with_weights(layer(True), weight, bias), value, shape, node.name))
    else:
        made = over_examples(t, layer(False), value, shape, f"{node.name}_plain")
    return _scaled(t, node, made, weight, bias, 1)


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
    t.keep(node, _vectors(t, node.args[0], t.value(node.args[1]), node.name))


def _vectors(t: Translator, weight: Any, tokens: Tensor, label: str) -> Tensor:
    """The row of a table for each token."""
    vocabulary, features = t.values[weight.name].shape
    if not _learned(t, weight):
        return looked_up(t, t.value(weight), tokens, 0, label)
    layer = t.with_weights(embedding.Embedding(vocabulary, features), weight)
    return t.add(layer, [tokens], (*tokens.shape, features), tokens.batched, label)


_JOINED = (("sum", arithmetic.Sum), ("mean", arithmetic.Mean), ("max", arithmetic.Maximum))
"""What becomes of the vectors of a bag, by PyTorch's number for it."""


@rule("embedding_bag", "_embedding_bag")
def _embedding_bag(t: Translator, node: Any) -> None:
    """The vectors of each bag of neighbouring tokens joined; `offsets` are the places where bags begin."""
    weight, tokens, offsets, weighed = (
        node.args[0],
        t.value(node.args[1]),
        node.args[2],
        argument(node, 6, "per_sample_weights"),
    )
    kind, layer = _JOINED[argument(node, 4, "mode", 0)]
    includes_end, padding = bool(argument(node, 7, "include_last_offset", False)), argument(node, 8, "padding_idx")
    if padding is not None and padding >= 0:
        raise UnsupportedError(
            f"bags that leave out the token {padding} (padding_idx)\n"
            "  write instead: mode='sum' without padding_idx, and per_sample_weights that are 0 at this token"
        )
    made = _vectors(t, weight, tokens, f"{node.name}_vectors")
    (count, features), (bags, _) = made.shape, t.shape(node)
    if weighed is not None:
        factors = reshaped(t, t.whole(t.value(weighed)), (count, Integer(1)), label=f"{node.name}_factors")
        made = t.add(Mul(), [t.whole(made), factors], made.shape, False, f"{node.name}_weighed")
    step = _step(t, offsets)
    if step is not None and same(bags * step, count) is not False:
        parts = viewed(t, made, (bags, step, features), f"{node.name}_bags")
        found = reduced(t, layer, parts, [1], False, node.name)
    elif includes_end:
        raise UnsupportedError(
            "bags whose ends are known from the data only (include_last_offset=True)\n"
            "  write instead: offsets without the last one, and include_last_offset=False"
        )
    else:
        found = reduced_in_groups(t, kind, made, t.value(offsets), node.name)
    t.parts[node.name] = [found]


def _step(t: Translator, offsets: Any) -> Expr | None:
    """How far apart places are that are numbered from 0 on in equal steps; None if that is not how they are made."""
    if not str(offsets.target).startswith("aten.arange."):
        return None
    start, _, step = [*((0,) if len(offsets.args) == 1 else ()), *offsets.args, 1][:3]
    return simplify(t.sizes(step)) if t.sizes(start) == 0 else None


@rule("prelu", "_prelu_kernel")
def _prelu(t: Translator, node: Any) -> None:
    weight = node.args[1]
    per_channel = t.values[weight.name].shape != (1,)
    layer = t.with_weights(activation.PReLU(per_channel), weight)
    t.keep(node, over_examples(t, layer, t.value(node.args[0]), t.shape(node), node.name))


def _states(given: Any) -> Sequence[Any]:
    """The first states of a recurrent layer: one tensor, or a list of them."""
    return given if isinstance(given, (list, tuple)) else [given]


def _recurrent(t: Translator, node: Any, kind: Callable[..., Network]) -> None:
    """Stacked and bidirectional recurrent layers, with the last state of each where something reads it."""
    has_bias, count, two_ways, batch_first = (node.args[place] for place in (3, 4, 7, 8))
    weights, states = node.args[2], node.args[1]
    if not all(t.values[state.name].weight and state.name not in t.learned for state in _states(states)):
        raise UnsupportedError(f"{node.name}: a recurrent layer whose first state is computed by the model, or learned")
    if not _learned(t, *weights):
        raise UnsupportedError(f"{node.name}: a recurrent layer whose weights are computed, or are not learned")
    value = t.value(node.args[0])
    hidden = t.values[weights[1].name].shape[1]
    ways = 2 if two_ways else 1
    if len(weights) != count * ways * (4 if has_bias else 2):
        raise UnsupportedError(f"{node.name}: a recurrent layer with projections (proj_size)")
    read = {user.args[1] for user in node.users if is_part(user)}
    if read & {2}:
        raise UnsupportedError(f"{node.name}: the last cell of an LSTM is read, which its layer does not return")
    t.pieces = tuple(_pieces(kind, [t.learned[weight.name] for weight in weights], 4 if has_bias else 2))
    forward = kind(hidden, bool(has_bias))
    layer: Network = forward if not two_ways else forward | (reshape.Flip() >> forward >> reshape.Flip())
    examples, rows = value.shape[:2] if batch_first else value.shape[1::-1]
    if examples == 1:
        value = reshaped(t, value, (Integer(1), rows, value.shape[2]), True, f"{node.name}_steps")
        shape: Shape = (Integer(1), rows, hidden * ways)
    else:  # several sequences, each by itself: an axis of its own after that of time
        value = permuted(t, t.whole(value), (1, 0, 2), f"{node.name}_steps") if batch_first else t.whole(value)
        shape = (rows, examples, hidden * ways)
    if not read & {1}:
        made, last = t.add(Series(*[layer] * count), [value], shape, value.batched, node.name), None
    else:
        made, last = _with_last_states(t, node.name, layer, value, shape, [count, ways])
    if examples != 1 and batch_first:
        made = permuted(t, made, (1, 0, 2), f"{node.name}_whole")
    elif not batch_first:
        made = reshaped(t, made, (rows, examples, hidden * ways), label=f"{node.name}_whole")
    t.parts[node.name] = [made] if last is None else [made, last]


_GATES: dict[Callable[..., Network], str] = {recurrent.LSTM: "argq", recurrent.GRU: "rzn", recurrent.RNN: ""}
"""The gates in the order in which PyTorch keeps their rows in one tensor, by their letters in the equations."""


def _pieces(kind: Callable[..., Network], names: Sequence[str], each: int) -> Iterator[dict[str, Piece]]:
    """The tensors of each layer and direction: maps of the input and of the state, and their biases."""
    gates = _GATES[kind] or [""]
    for start in range(0, len(names), each):
        tensors = zip("WUbd", names[start : start + each])
        yield {
            letter + gate: Piece(name, number, len(gates))
            for letter, name in tensors
            for number, gate in enumerate(gates)
        }


def _with_last_states(
    t: Translator, label: str, layer: Network, value: Tensor, shape: Shape, counts: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """The output of the last layer, and of each layer and direction the row of its last step: the first one, going backwards."""
    count, ways = counts
    time = 1 if value.batched else 0
    rows, examples, hidden = shape[time], shape[1 - time], shape[2] / ways
    found = []
    for number in range(count):
        value = t.add(layer, [value], shape, value.batched, f"{label}_layer_{number}")
        for way in range(ways):
            part = value
            if ways > 1:
                part = cut(t, part, 2, way * hidden, hidden, f"{label}_state_{number}_{way}_features")
            found.append(cut(t, part, time, 0 if way else rows - 1, Integer(1), f"{label}_state_{number}_{way}"))
    last = concatenated(t, found, time, f"{label}_states")
    return value, reshaped(t, last, (Integer(count * ways), examples, hidden), label=f"{label}_last")


@rule("lstm")
def _lstm(t: Translator, node: Any) -> None:
    _recurrent(t, node, recurrent.LSTM)


@rule("gru")
def _gru(t: Translator, node: Any) -> None:
    _recurrent(t, node, recurrent.GRU)


@rule("rnn_tanh")
def _rnn(t: Translator, node: Any) -> None:
    _recurrent(t, node, recurrent.RNN)
