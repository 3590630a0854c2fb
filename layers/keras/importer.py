"""Keras models, read layer by layer from their graph; what Keras computes with (the backend) does not matter.

Keras puts channels last, this package first: a tensor is turned when a layer over positions sees it, and back when another layer does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy
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
from ..importers.arrays import Window, entrywise, mapped, padded, pooled, same_margins, spelt, table
from ..importers.grouping import build
from ..importers.names import distinct
from ..importers.outputs import chosen, side_by_side
from ..importers.record import Operation, Recording, Stored, unknown_operators
from ..importers.report import reported
from ..importers.rules import registering
from ..importers.tensors import Tensor, Tensors, per_axis
from .inputs import entering


@checked
def from_keras(
    model: Any,
    *,
    dynamic: Mapping[Any, object] | None = None,
    operators: Mapping[str, Callable[..., Network]] | None = None,
    outputs: int | str | Sequence[int | str] | None = None,
) -> Network:
    """A network from a Keras model (`Sequential` or functional).

    Batch normalisation counts its learned scale and shift; Keras's own `count_params` counts its running mean and variance as well.

    Parameters
    ----------
    model : keras.Model
        Axes without a size become symbols. Images enter, and leave, with channels first.
    dynamic : mapping of int, (int, int) or (str, int), to str, Symbol or Expr, optional
        What axes without a size are called: ``{0: "H", 1: "W"}`` of the first input, ``{(1, 0): "T"}`` or ``{("tokens", 0): "T"}`` of another one
        by its place or its name; axes are counted as Keras has them, without the batch. Others are called ``n0``, ``n1``...
    operators : mapping of str to function, optional
        For a layer without a rule, by the name of its class: a function of the shapes of its inputs and of the Keras layer that returns
        a `Layer` for the same axes, channels last.
    outputs : int, str, or sequence of them, optional
        Which outputs are asked for, by place or by name; all, if left out. Several are flattened and stand one after the other.

    Returns
    -------
    Network
        Its attribute `imported` tells which weights are counted.

    Raises
    ------
    UnsupportedError
        If the model has layers that no layer is known for; each is named, with its count and places.
    FieldError
        If `model` is no Keras model that knows its inputs, or there is no such axis or output.

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
    for name, shape in entering(graph.inputs, dynamic or {}):
        turned = len(shape) > 2 and last  # images come in with channels first, as everywhere in this package
        recording.inputs.append((name, (shape[-1], *shape[:-1]) if turned else shape))
        values.append(Tensor(name, shape, turned=turned))
    made = reader.model(graph, values, ())
    if reader.missing:
        raise unknown_operators("Keras", reader.missing)
    found = chosen(dict(zip(distinct([_history(tensor)[0].name for tensor in graph.outputs]), made)), outputs)
    image = {name: value.turned and last and len(value.shape) > 2 for name, value in found.items()}
    tensors = {name: value if image[name] else reader.plain(value) for name, value in found.items()}
    recording.outputs = {name: value.shape for name, value in found.items()}
    recording.output = (
        next(iter(tensors.values())) if len(tensors) == 1 else side_by_side(reader, list(tensors.items()))
    ).name
    recording.operations = reader.operations
    recording.learned = reader.learned()
    return reported(build(recording), recording)


def _history(tensor: Any) -> Any:
    return tensor._keras_history


class _Reader(Tensors):
    def __init__(self, operators: Mapping[str, Callable[..., Network]]):
        super().__init__()
        self.operators = operators
        self.missing: dict[str, list[str]] = {}
        self._variables: dict[int, tuple[str, int, set[str]]] = {}

    def learned(self) -> list[Stored]:
        """The weights that may be learned, each once, and the operations of the layers that have them."""
        return [Stored((name,), size, frozenset(readers)) for name, size, readers in self._variables.values()]

    def _note(self, operation: Any, made: Sequence[Operation]) -> None:
        for layer in operation._flatten_layers() if hasattr(operation, "_flatten_layers") else ():
            for variable in layer._trainable_variables:
                size = math.prod(int(length) for length in variable.shape)
                _, _, readers = self._variables.setdefault(id(variable), (variable.path, size, set()))
                readers.update(one.name for one in made if one.parameters != 0)

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

    def per_axis(self, operation: Any, axis: int, value: Tensor, name: str, learned: bool) -> Tensor:
        """A stored number for each position along an axis of Keras's (without the batch), to be joined with a value."""
        shape = [Integer(1)] * len(value.shape)
        shape[self.own_axis(value, axis)] = value.shape[axis]
        shared = f"{operation.name}.{name}" if len(operation._inbound_nodes) > 1 else ""
        return self.stored(tuple(shape), learned, shared, label=f"{operation.name}_{name}_{len(self.operations)}")

    def own_axis(self, value: Tensor, axis: int) -> int:
        """Where an axis of Keras's (without the batch) is in our tensor."""
        return axis if not value.turned else 0 if axis == len(value.shape) - 1 else axis + 1

    def as_is(self, value: Tensor, operation: Callable[[Tensor], Tensor]) -> Tensor:
        """What an operation on arrays makes of a value with its axes as they are here; its rank stays."""
        made = operation(Tensor(value.name, value.own))
        shape = (*made.shape[1:], made.shape[0]) if value.turned else made.shape
        return Tensor(made.name, shape, turned=value.turned)

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
                    before = len(self.operations)
                    made = [self.layer(operation, node, given)]
                    self._note(operation, self.operations[before:])
                known.update((id(tensor), value) for tensor, value in zip(node.output_tensors, made))
        return [known[id(tensor)] for tensor in graph.outputs]

    def layer(self, operation: Any, node: Any, given: list[Tensor]) -> Tensor:
        kind = type(operation).__name__
        if kind in self.operators:
            values = [self.plain(value) for value in given]
            made = self.operators[kind]([value.shape for value in values], operation)
            return self.place(operation.name, made, values, _recorded(node))
        rule = _RULES.get(kind) if _is_of_keras(operation) else None
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


def _is_of_keras(operation: Any) -> bool:
    """Whether a layer is one of Keras itself: a class of the user's may have the same name and do something else."""
    return type(operation).__module__.split(".")[0] == "keras"


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
    if operation.axis not in (-1, 1, rank):
        raise UnsupportedError(f"{operation.name}: batch normalisation along axis {operation.axis}")
    layer = normalization.BatchNorm(bool(operation.scale and operation.center), float(operation.epsilon))
    made = r.apply(operation, node, layer, given[0], last and rank > 1)
    return _part_of_affine(r, operation, node, made, operation.axis % (rank + 1) - 1)


def _part_of_affine(r: _Reader, operation: Any, node: Any, made: Tensor, axis: int) -> Tensor:
    """The learned scale, or shift, of a normalisation that has only one of them."""
    if bool(operation.scale) == bool(operation.center):
        return made
    name, join = ("gamma", Product()) if operation.scale else ("beta", Add())
    return r.place(
        operation.name, join, [made, r.per_axis(operation, axis, made, name, True)], _recorded(node), made.turned
    )


@_rule("LayerNormalization")
def _layer_norm(r: _Reader, operation: Any, node: Any, given: list[Tensor]) -> Tensor:
    axes = operation.axis if isinstance(operation.axis, (list, tuple)) else [operation.axis]
    rank = len(given[0].shape)
    if [axis % (rank + 1) for axis in axes] != [rank]:
        raise UnsupportedError(f"{operation.name}: layer normalisation over {axes}; over the last axis it has a layer")
    if getattr(operation, "rms_scaling", False):
        raise UnsupportedError(f"{operation.name}: layer normalisation with rms_scaling has no layer")
    alone = operation.center and not operation.scale
    layer = normalization.LayerNorm(bool(operation.scale), bool(operation.center), float(operation.epsilon))
    made = r.apply(operation, node, layer, given[0], False)
    return _part_of_affine(r, operation, node, made, rank - 1) if alone else made


@_rule("Normalization")
def _normalization(r: _Reader, operation: Any, node: Any, given: list[Tensor]) -> Tensor:
    """Minus a mean, by a standard deviation, both given or measured beforehand."""
    (value,) = given
    kept = [axis - 1 for axis in operation._keep_axis]
    if len(kept) > 1 or any(axis < 0 for axis in kept):
        raise UnsupportedError(
            f"{operation.name}: normalisation with a mean for each position along {len(kept)} axes has no layer"
        )
    numbers = []
    for name, known in (("mean", operation.input_mean), ("variance", operation.input_variance)):
        if known is None and kept:
            numbers.append(r.per_axis(operation, kept[0], value, name, False))
        elif known is None:
            numbers.append(r.stored((Integer(1),) * len(value.shape), False, label=f"{operation.name}_{name}"))
        else:
            found = numpy.asarray(known, dtype=float).reshape(-1).tolist()
            shape = [1] * len(value.shape)
            if len(found) > 1:
                shape[r.own_axis(value, kept[0])] = len(found)
            numbers.append(table(r, shape, found, f"{operation.name}_{name}"))
    deviation = f"max(sqrt({{2}}), {spelt(keras_epsilon())})"
    text = f"{{1}} + {{0}} * {deviation}" if operation.invert else f"({{0}} - {{1}}) / {deviation}"
    return r.as_is(value, lambda own: entrywise(r, text, [own, *numbers], operation.name))


def keras_epsilon() -> float:
    import keras

    return float(keras.config.epsilon())


@_rule("LayerScale")
def _layer_scale(r: _Reader, operation: Any, node: Any, given: list[Tensor]) -> Tensor:
    """Of ConvNeXt in Keras's applications."""
    (value,) = given
    scales = r.per_axis(operation, len(value.shape) - 1, value, "gamma", True)
    return r.place(operation.name, Product(), [value, scales], _recorded(node), value.turned)


@_rule("CustomScaleLayer")
def _scaled_residual(r: _Reader, operation: Any, node: Any, given: list[Tensor]) -> Tensor:
    """Of Inception-ResNet in Keras's applications: the first input, and the second one times a number."""
    one, two = (r.turn(value, given[0].turned) for value in given)
    two = r.place(operation.name, arithmetic.Scale(operation.scale), [two], two.shape, two.turned)
    return r.place(operation.name, Add(), [one, two], _recorded(node), one.turned)


@_rule("StochasticDepth", "GaussianNoise", "GaussianDropout", "ActivityRegularization")
def _nothing(r: _Reader, operation: Any, node: Any, given: list[Tensor]) -> Tensor:
    """What acts in training only."""
    return r.apply(operation, node, activation.Identity(), given[0])


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
    best = type(operation).__name__.startswith("Max")
    padding = (0,) * len(sizes)
    if operation.padding == "same":
        before, after = same_margins(sizes, kernel, stride, (1,) * len(sizes), True)
        if before != after or any(not size.is_Integer for size in before):
            window = Window(kernel, stride, before, after, (1,) * len(sizes))
            own = Tensor(value.name, value.own if _first(operation) else value.shape)
            made = pooled(r, own, "max" if best else "mean", window, False, label=operation.name)
            shape = (*made.shape[1:], made.shape[0]) if value.turned else made.shape
            return Tensor(made.name, shape, turned=value.turned)
        padding = tuple(int(size) for size in before)
    if best:
        layer: Network = pooling.MaxPool(per_axis(kernel), per_axis(stride), per_axis(padding))
    else:
        layer = pooling.AvgPool(per_axis(kernel), per_axis(stride), per_axis(padding), False, False)
    return r.apply(operation, node, layer, value)


@_rule(
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
)
def _global(r: _Reader, operation: Any, node: Any, given: list[Tensor]) -> Tensor:
    best = "Max" in type(operation).__name__
    layer: Network = pooling.GlobalMaxPool() if best else pooling.GlobalAvgPool()
    if operation.keepdims:
        value = r.turn(given[0], _first(operation))
        layer = layer >> reshape.Reshape((value.own[0], *(Integer(1),) * (len(value.shape) - 1)))
        return r.apply(operation, node, layer if best else pooling.AdaptiveAvgPool(1), value)
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


@_rule("Cropping1D", "Cropping2D", "Cropping3D")
def _cropping(r: _Reader, operation: Any, node: Any, given: list[Tensor]) -> Tensor:
    pairs = operation.cropping if isinstance(operation.cropping[0], (tuple, list)) else (operation.cropping,)
    before, after = ([0, *(-int(pair[side]) for pair in pairs)] for side in (0, 1))
    value = r.turn(given[0], _first(operation))
    return r.as_is(value, lambda own: padded(r, own, before, after, operation.name))


@_rule("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D")
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
    (value,) = given
    for number, layer, join in (
        (operation.scale, arithmetic.Scale, Product()),
        (operation.offset, arithmetic.Shift, Add()),
    ):
        listed = numpy.asarray(number, dtype=float).reshape(-1).tolist()
        if len(listed) == 1:
            value = r.place(operation.name, layer(listed[0]), [value], value.shape, value.turned)
        else:  # one for each position along the last axis
            shape = [1] * len(value.shape)
            shape[r.own_axis(value, len(value.shape) - 1)] = len(listed)
            numbers = table(r, shape, listed, f"{operation.name}_numbers")
            value = r.place(operation.name, join, [value, numbers], value.shape, value.turned)
    return value


@_rule("Add", "Multiply", "Concatenate", "Subtract", "Divide", "TrueDivide")
def _merge(r: _Reader, operation: Any, node: Any, given: list[Tensor]) -> Tensor:
    if len(given) == 1 and ".ops." in type(operation).__module__:
        return _with_number(r, operation, node, given[0])
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
        "Add": Add, "Multiply": Product, "Subtract": arithmetic.Subtract, "Divide": arithmetic.Divide,
        "TrueDivide": arithmetic.Divide, "Concatenate": lambda: Concat(axis=axis),
    }  # fmt: skip
    join = joins[kind]()
    return r.place(operation.name, join, values, _recorded(node), turned)


_SIGNS = {
    "Add": "{0} + {1}",
    "Multiply": "{0} * {1}",
    "Subtract": "{0} - {1}",
    "Divide": "{0} / {1}",
    "TrueDivide": "{0} / {1}",
}


def _with_number(r: _Reader, operation: Any, node: Any, value: Tensor) -> Tensor:
    """A tensor with a number on its left or right, as ``x + 3`` has it."""
    words = [node.arguments.kwargs.get(name) for name in ("x1", "x2") if name in node.arguments.kwargs]
    one, two = [*node.arguments.args, *words][:2]
    left = isinstance(one, (int, float))
    number = one if left else two
    if not isinstance(number, (int, float)) or isinstance(number, bool):
        raise UnsupportedError(
            f"{operation.name}: {type(operation).__name__} of a tensor and {type(number).__name__} has no layer"
        )
    shown = spelt(number)
    text = _SIGNS[type(operation).__name__].format(*((shown, "$") if left else ("$", shown)))
    return r.as_is(value, lambda own: mapped(r, text, own, operation.name))
