"""Keras models, read layer by layer from their graph; what Keras computes with (the backend) does not matter.

Keras puts channels last, this package first: a tensor is turned when a layer over positions sees it, and back when another layer does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sympy import Expr, Integer, Mul, Symbol

from ...algebra.arguments import checked
from ...algebra.errors import FieldError, UnsupportedError
from ...algebra.networks.network import Add, Concat, Network
from ...algebra.networks.network import Mul as Product
from ...algebra.sizes.normal_form import simplify
from .. import (
    activation,
    arithmetic,
    attention,
    convolution,
    embedding,
    linear,
    normalization,
    pooling,
    recurrent,
    reshape,
)
from ..importers.grouping import build
from ..importers.record import Recording, unknown_operators
from ..importers.rules import registering
from ..importers.tensors import Tensor, Tensors, per_axis


@checked
def from_keras(model: Any, *, operators: Mapping[str, Callable[..., Network]] | None = None) -> Network:
    """A network from a Keras model (`Sequential` or functional).

    Batch normalisation counts its learned scale and shift; Keras's own `count_params` counts its running mean and variance as well.

    Parameters
    ----------
    model : keras.Model
        Axes without a size become symbols. Images enter, and leave, with channels first.
    operators : mapping of str to function, optional
        For a layer without a rule, by the name of its class: a function of the shapes of its inputs and of the Keras layer that returns
        a `Layer` for the same axes, channels last.

    Returns
    -------
    Network

    Raises
    ------
    UnsupportedError
        If the model has layers that no layer is known for; each is named, with its count and places.
    FieldError
        If `model` is no Keras model that knows its inputs.

    Examples
    --------
    >>> import layeralgebra as la                                                       # doctest: +SKIP
    >>> import keras                                                                    # doctest: +SKIP
    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4)])            # doctest: +SKIP
    >>> la.parameters(la.from_keras(model))                                             # doctest: +SKIP
    16
    """
    graph = getattr(model, "_functional", None) or model
    if not hasattr(graph, "_operations") or not hasattr(graph, "inputs"):
        raise FieldError(
            f"from_keras takes a Sequential or functional Keras model that knows its inputs, got {type(model).__name__}"
        )
    reader = _Reader(operators or {})
    recording = Recording()
    values = []
    last = not any(getattr(operation, "data_format", "") == "channels_first" for operation in graph._operations)
    for tensor in graph.inputs:
        name = _history(tensor)[0].name
        shape = tuple(
            Integer(size)
            if size is not None
            else Symbol(f"{name}_{place}" if len(graph.inputs) > 1 else f"n{place}", integer=True, positive=True)
            for place, size in enumerate(tensor.shape[1:])
        )
        image = len(shape) > 2 and last  # images come in with channels first, as everywhere in this package
        recording.inputs.append((name, (shape[-1], *shape[:-1]) if image else shape))
        values.append(Tensor(name, shape, turned=image))
    outputs = reader.model(graph, values, ())
    if reader.missing:
        raise unknown_operators("Keras", reader.missing)
    recording.operations = reader.operations
    recording.output = outputs[0].name if outputs[0].turned and last else reader.plain(outputs[0]).name
    return build(recording)


def _history(tensor: Any) -> Any:
    return tensor._keras_history


class _Reader(Tensors):
    def __init__(self, operators: Mapping[str, Callable[..., Network]]):
        super().__init__()
        self.operators = operators
        self.missing: dict[str, list[str]] = {}

    def named(self, label: str) -> str:
        return f"{label}_{len(self.operations)}"

    def place(
        self,
        label: str,
        layer: Network,
        sources: Sequence[Tensor],
        recorded: Sequence[Expr | None],
        turned: bool = False,
    ) -> Tensor:
        """An operation whose output Keras gives a shape; where it knows no size, that of the layer counts."""
        made, _ = self.steps.made(layer, [source.own for source in sources])
        made = (*made[1:], *made[:1]) if turned else made
        filled = [own if size is None else size for size, own in zip(recorded, made)]
        shape = tuple(filled) if len(made) == len(recorded) else tuple(size or Integer(0) for size in recorded)
        return self.add(layer, sources, shape, label=label, turned=turned)

    def turn(self, value: Tensor, turned: bool) -> Tensor:
        """A value with its channels first (turned) or last."""
        rank = len(value.shape)
        if value.turned == turned or rank < 2:
            return replace(value, turned=turned)
        order = (rank - 1, *range(rank - 1)) if turned else (*range(1, rank), 0)
        return self.place("permute", reshape.Permute(order), [value], value.shape, turned)

    def plain(self, value: Tensor) -> Tensor:
        return self.turn(value, False)

    def model(self, graph: Any, inputs: Sequence[Tensor], module: tuple[str, ...]) -> list[Tensor]:
        """Everything inside a model, and its outputs; models inside models likewise."""
        known: dict[int, Tensor] = {id(tensor): value for tensor, value in zip(graph.inputs, inputs)}
        for depth in sorted(graph._nodes_by_depth, reverse=True):
            for node in graph._nodes_by_depth[depth]:
                operation = node.operation
                if not node.input_tensors:
                    continue
                given = [known[id(tensor)] for tensor in node.input_tensors]
                inner = getattr(operation, "_functional", None) or operation
                if hasattr(inner, "_nodes_by_depth"):
                    made = self.model(inner, given, (*module, operation.name))
                else:
                    self.module = (*module, operation.name)
                    made = [self.layer(operation, node, given)]
                known.update((id(tensor), value) for tensor, value in zip(node.output_tensors, made))
        return [known[id(tensor)] for tensor in graph.outputs]

    def layer(self, operation: Any, node: Any, given: list[Tensor]) -> Tensor:
        kind = type(operation).__name__
        if kind in self.operators:
            values = [self.plain(value) for value in given]
            made = self.operators[kind]([value.shape for value in values], operation)
            return self.place(operation.name, made, values, _recorded(node))
        rule = _RULES.get(kind)
        if rule is None:
            self.missing.setdefault(kind, []).append(".".join(self.module))
            unknown = Symbol("n", integer=True, positive=True)
            return Tensor(given[0].name, tuple(unknown if size is None else size for size in _recorded(node)))
        return rule(self, operation, node, given)

    def apply(
        self,
        operation: Any,
        node: Any,
        layer: Network,
        value: Tensor,
        turned: bool | None = None,
        after: str = "linear",
    ) -> Tensor:
        """A layer of one value and its activation; weights are shared under the layer's name if it is used again."""
        value = value if turned is None else self.turn(value, turned)
        if len(operation._inbound_nodes) > 1:
            layer = layer.shared(operation.name)
        function = _function(getattr(operation, "activation", None), operation.name) if after == "activation" else None
        made = self.place(operation.name, layer, [value], _recorded(node), value.turned)
        if function is not None:
            made = self.plain(made) if isinstance(function, activation.Softmax) else made
            made = self.place(f"{operation.name}_activation", function, [made], made.shape, made.turned)
        return made


def _recorded(node: Any) -> list[Expr | None]:
    """The shape that Keras infers, without the batch; None for an axis that may have any size."""
    return [None if size is None else Integer(size) for size in node.output_tensors[0].shape[1:]]


def _reshaped(node: Any, given: Tensor) -> tuple[Expr, ...]:
    """The shape that Keras infers for elements in another order; what one axis has no size for is what the others leave."""
    recorded = _recorded(node)
    if recorded.count(None) > 1:
        raise UnsupportedError(f"{node.operation.name}: a reshape to {recorded} leaves more than one size open")
    left = simplify(Mul(*given.shape) / Mul(*(size for size in recorded if size is not None)))
    return tuple(left if size is None else size for size in recorded)


_FUNCTIONS: dict[str, Callable[[], Network]] = {
    "relu": activation.ReLU, "relu6": activation.ReLU6, "sigmoid": activation.Sigmoid, "tanh": activation.Tanh, "silu": activation.SiLU,
    "swish": activation.SiLU, "gelu": activation.GELU, "softplus": activation.Softplus, "softmax": activation.Softmax, "mish": activation.Mish,
    "elu": lambda: activation.ELU(1), "exponential": arithmetic.Exp, "hard_swish": activation.Hardswish, "hard_silu": activation.Hardswish,
    "hard_sigmoid": activation.Hardsigmoid, "leaky_relu": lambda: activation.LeakyReLU(0.2),
}  # fmt: skip


def _function(function: Any, where: str) -> Network | None:
    name = getattr(function, "__name__", "linear") if function is not None else "linear"
    if name == "linear":
        return None
    if name not in _FUNCTIONS:
        raise UnsupportedError(
            f"{where}: the activation {name} has no layer; known are {', '.join(sorted(_FUNCTIONS))}"
        )
    return _FUNCTIONS[name]()


Rule = Callable[[_Reader, Any, Any, list[Tensor]], Tensor]
_RULES: dict[str, Rule] = {}


_rule = registering(_RULES)


def _first(operation: Any) -> bool:
    """Whether a layer over positions is to get its input turned: Keras itself may have channels first."""
    return getattr(operation, "data_format", "channels_last") != "channels_first"


@_rule("Conv1D", "Conv2D", "Conv3D", "DepthwiseConv1D", "DepthwiseConv2D")
def _conv(r: _Reader, operation: Any, node: Any, given: list[Tensor]) -> Tensor:
    value = r.turn(given[0], _first(operation))
    channels = given[0].shape[-1 if _first(operation) else 0]
    depthwise = type(operation).__name__.startswith("Depthwise")
    layer = convolution.Conv(
        channels * operation.depth_multiplier if depthwise else operation.filters, per_axis(operation.kernel_size), per_axis(operation.strides),
        0 if operation.padding == "valid" else operation.padding, per_axis(operation.dilation_rate), channels if depthwise else operation.groups,
        operation.use_bias,
    )  # fmt: skip
    return r.apply(operation, node, layer, value, after="activation")


@_rule("SeparableConv1D", "SeparableConv2D")
def _separable(r: _Reader, operation: Any, node: Any, given: list[Tensor]) -> Tensor:
    channels = given[0].shape[-1 if _first(operation) else 0]
    depthwise = convolution.Conv(
        channels * operation.depth_multiplier, per_axis(operation.kernel_size), per_axis(operation.strides),
        0 if operation.padding == "valid" else operation.padding, per_axis(operation.dilation_rate), channels, False,
    )  # fmt: skip
    pointwise = convolution.Conv(operation.filters, 1, bias=operation.use_bias)
    return r.apply(operation, node, depthwise >> pointwise, r.turn(given[0], _first(operation)), after="activation")


@_rule("Dense")
def _dense(r: _Reader, operation: Any, node: Any, given: list[Tensor]) -> Tensor:
    return r.apply(operation, node, linear.Linear(operation.units, operation.use_bias), given[0], False, "activation")


@_rule("BatchNormalization")
def _batch_norm(r: _Reader, operation: Any, node: Any, given: list[Tensor]) -> Tensor:
    rank = len(given[0].shape)
    last = operation.axis in (-1, rank)
    if operation.axis not in (-1, 1, rank) or operation.scale != operation.center:
        raise UnsupportedError(
            f"{operation.name}: batch normalisation along axis {operation.axis}, scale {operation.scale}, center {operation.center}"
        )
    return r.apply(
        operation, node, normalization.BatchNorm(operation.scale, float(operation.epsilon)), given[0], last and rank > 1
    )


@_rule("LayerNormalization")
def _layer_norm(r: _Reader, operation: Any, node: Any, given: list[Tensor]) -> Tensor:
    axes = operation.axis if isinstance(operation.axis, (list, tuple)) else [operation.axis]
    if [axis % (len(given[0].shape) + 1) for axis in axes] != [len(given[0].shape)] or (
        operation.center and not operation.scale
    ):
        raise UnsupportedError(
            f"{operation.name}: layer normalisation over {axes}; over the last axis, with a scale, it has a layer"
        )
    return r.apply(
        operation,
        node,
        normalization.LayerNorm(operation.scale, operation.center, float(operation.epsilon)),
        given[0],
        False,
    )


@_rule("Embedding")
def _embedding(r: _Reader, operation: Any, node: Any, given: list[Tensor]) -> Tensor:
    return r.apply(operation, node, embedding.Embedding(operation.input_dim, operation.output_dim), given[0], False)


@_rule("GRU", "LSTM", "SimpleRNN")
def _recurrent(r: _Reader, operation: Any, node: Any, given: list[Tensor]) -> Tensor:
    kind = type(operation).__name__
    if operation.use_bias and not (kind == "GRU" and operation.reset_after):
        raise UnsupportedError(
            f"{operation.name}: Keras gives a {kind} one bias for each gate, this package's has two; use_bias=False has a layer"
        )
    layer: Network = {"GRU": recurrent.GRU, "LSTM": recurrent.LSTM, "SimpleRNN": recurrent.RNN}[kind](
        operation.units, operation.use_bias
    )
    if not operation.return_sequences:
        layer = layer >> arithmetic.Slice(0, given[0].shape[0] - 1, 1, 2) >> reshape.Reshape((operation.units,))
    return r.apply(operation, node, layer, given[0], False)


@_rule("MultiHeadAttention")
def _attention(r: _Reader, operation: Any, node: Any, given: list[Tensor]) -> Tensor:
    values = [r.plain(value) for value in given]
    features = values[0].shape[-1]
    same = all(value.name == values[0].name for value in values)
    if (
        operation._value_dim != operation._key_dim
        or operation._output_shape
        or len(values[0].shape) != 2
        or operation._use_bias is not True
    ):
        raise UnsupportedError(f"{operation.name}: attention with values, outputs or axes of its own has no layer")
    causal = bool(node.arguments.kwargs.get("use_causal_mask", False))
    heads, width = operation._num_heads, operation._key_dim
    if same:
        return r.apply(
            operation, node, attention.MultiHeadAttention(heads, head_features=width, causal=causal), values[0]
        )
    if causal or len({value.name for value in values[1:]}) > 1 or values[1].shape[-1] != features:
        raise UnsupportedError(f"{operation.name}: attention between these tensors has no layer")
    layer: Network = attention.CrossAttention(heads, head_features=width)
    return r.place(operation.name, layer, values[:2], _recorded(node))


@_rule("Activation", "ReLU", "Softmax", "LeakyReLU", "ELU")
def _activation(r: _Reader, operation: Any, node: Any, given: list[Tensor]) -> Tensor:
    kind = type(operation).__name__
    if kind == "Activation":
        layer = _function(operation.activation, operation.name) or activation.Identity()
    elif kind == "ReLU":
        if operation.negative_slope or operation.threshold or operation.max_value not in (None, 6, 6.0):
            raise UnsupportedError(f"{operation.name}: only ReLU as it is, or cut off at 6, has a layer")
        layer = activation.ReLU6() if operation.max_value else activation.ReLU()
    elif kind == "Softmax":
        layer = activation.Softmax()
    else:
        layer = (
            activation.LeakyReLU(float(operation.negative_slope))
            if kind == "LeakyReLU"
            else activation.ELU(float(operation.alpha))
        )
    return r.apply(operation, node, layer, given[0], False if isinstance(layer, activation.Softmax) else None)


@_rule("Dropout", "SpatialDropout1D", "SpatialDropout2D")
def _dropout(r: _Reader, operation: Any, node: Any, given: list[Tensor]) -> Tensor:
    return r.apply(operation, node, activation.Dropout(float(operation.rate)), given[0])


@_rule("MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "AveragePooling1D", "AveragePooling2D", "AveragePooling3D")
def _pool(r: _Reader, operation: Any, node: Any, given: list[Tensor]) -> Tensor:
    value = r.turn(given[0], _first(operation))
    sizes = value.shape[:-1] if _first(operation) else value.shape[1:]
    kernel, stride = (
        tuple(part) if isinstance(part, (tuple, list)) else (part,) * len(sizes)
        for part in (operation.pool_size, operation.strides)
    )
    padding, ceil = (0,) * len(sizes), False
    if operation.padding == "same":
        if any(not size.is_Integer for size in sizes):
            raise UnsupportedError(f"{operation.name}: pooling with padding 'same' of axes without a size")
        total = [max((-(-int(n) // s) - 1) * s + k - int(n), 0) for n, k, s in zip(sizes, kernel, stride)]
        ceil = any(width % 2 for width in total)
        if ceil and any(width > 1 for width in total):
            raise UnsupportedError(f"{operation.name}: pooling with different padding before and after has no layer")
        padding = tuple(width // 2 for width in total)
    if type(operation).__name__.startswith("Max"):
        layer: Network = pooling.MaxPool(per_axis(kernel), per_axis(stride), per_axis(padding), ceil_mode=ceil)
    else:
        layer = pooling.AvgPool(per_axis(kernel), per_axis(stride), per_axis(padding), ceil, False)
    return r.apply(operation, node, layer, value)


@_rule(
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
)
def _global(r: _Reader, operation: Any, node: Any, given: list[Tensor]) -> Tensor:
    layer: Network = pooling.GlobalAvgPool() if "Average" in type(operation).__name__ else pooling.GlobalMaxPool()
    if operation.keepdims:
        raise UnsupportedError(f"{operation.name}: global pooling that keeps axes of size 1 has no layer")
    made = r.apply(operation, node, layer, given[0], _first(operation))
    return replace(made, turned=False)


@_rule("Flatten")
def _flatten(r: _Reader, operation: Any, node: Any, given: list[Tensor]) -> Tensor:
    return r.apply(operation, node, reshape.Flatten(), given[0], False)


@_rule("Reshape")
def _reshape(r: _Reader, operation: Any, node: Any, given: list[Tensor]) -> Tensor:
    return r.apply(operation, node, reshape.Reshape(_reshaped(node, given[0])), given[0], False)


@_rule("Permute")
def _permute(r: _Reader, operation: Any, node: Any, given: list[Tensor]) -> Tensor:
    return r.apply(operation, node, reshape.Permute(tuple(axis - 1 for axis in operation.dims)), given[0], False)


@_rule("ZeroPadding1D", "ZeroPadding2D")
def _zero_padding(r: _Reader, operation: Any, node: Any, given: list[Tensor]) -> Tensor:
    pairs = operation.padding if isinstance(operation.padding[0], (tuple, list)) else (operation.padding,)
    before, after = ([int(pair[side]) for pair in pairs] for side in (0, 1))
    value = r.turn(given[0], _first(operation))
    return r.apply(operation, node, arithmetic.Margin((0, *before), (0, *after)), value)


@_rule("UpSampling1D", "UpSampling2D")
def _upsample(r: _Reader, operation: Any, node: Any, given: list[Tensor]) -> Tensor:
    if getattr(operation, "interpolation", "nearest") != "nearest":
        raise UnsupportedError(
            f"{operation.name}: upsampling by {operation.interpolation}; to the nearest neighbour it has a layer"
        )
    return r.apply(operation, node, reshape.Upsample(per_axis(operation.size)), r.turn(given[0], _first(operation)))


@_rule("Rescaling")
def _rescaling(r: _Reader, operation: Any, node: Any, given: list[Tensor]) -> Tensor:
    return r.apply(operation, node, arithmetic.Scale(operation.scale) >> arithmetic.Shift(operation.offset), given[0])


@_rule("Add", "Multiply", "Concatenate", "Subtract")
def _merge(r: _Reader, operation: Any, node: Any, given: list[Tensor]) -> Tensor:
    kind, turned = type(operation).__name__, all(value.turned for value in given)
    values = [r.turn(value, turned) for value in given]
    rank = len(values[0].shape)
    if len(values) < 2 or len({len(value.shape) for value in values}) > 1:
        raise UnsupportedError(
            f"{operation.name}: {kind} of tensors with equally many axes has a layer; these have the shapes {[v.shape for v in values]}"
        )
    axis = 0
    if kind == "Concatenate":
        axis = operation.axis % (rank + 1) - 1
        if axis < 0:
            raise UnsupportedError(f"{operation.name}: concatenation along the batch")
        axis = (axis + 1) % rank if turned else axis
    joins: dict[str, Callable[[], Network]] = {
        "Add": Add, "Multiply": Product, "Subtract": arithmetic.Subtract, "Concatenate": lambda: Concat(axis=axis),
    }  # fmt: skip
    join = joins[kind]()
    return r.place(operation.name, join, values, _recorded(node), turned)
