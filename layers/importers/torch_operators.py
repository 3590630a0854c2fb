"""How PyTorch's operators are written as layers, one rule each.

A rule gets the translator and a node of the exported graph and records what the node does. Values are kept without their leading
batch axis of size 1 as long as that axis leads (`Value.batched`).
"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Expr, Integer, Mul, Tuple, sqrt

from ...algebra.errors import UnsupportedError
from ...algebra.network import Add, Concat, Network
from ...algebra.network import Mul as Product
from ...algebra.normal_form import same, simplify
from .. import activation, arithmetic, convolution, embedding, linear, normalization, pooling, recurrent, reshape
from .products import matrix_product
from .record import Operation

Shape = tuple[Expr, ...]


@dataclass
class Value:
    """A tensor of the model: the operation that makes it, its shape in PyTorch, and whether our tensor lacks the batch axis."""

    name: str
    shape: Shape
    batched: bool
    weight: bool = False

    @property
    def own(self) -> Shape:
        """The shape of our tensor."""
        return self.shape[1:] if self.batched else self.shape


class Translator:
    """The state of one translation."""

    def __init__(self, sizes: Callable[[Any], Expr], learned: Mapping[str, str], fixed: set[str], uses: Mapping[str, int]):
        self.sizes, self.learned, self.fixed, self.uses = sizes, learned, fixed, uses
        self.values: dict[str, Value] = {}
        self.parts: dict[str, list[Any]] = {}
        self.operations: list[Operation] = []
        self.module: tuple[str, ...] = ()

    def shape(self, node: Any) -> Shape:
        """The shape of a node's tensor in PyTorch."""
        value = node.meta["val"]
        if isinstance(value, (tuple, list)):
            value = value[0]
        return tuple(simplify(self.sizes(size)) for size in value.shape)

    def stand_in(self, node: Any) -> None:
        """Something in place of the result of an unknown operator, so that the rest of the model is looked at as well."""
        value = node.meta.get("val")
        known = hasattr(value, "shape") or (isinstance(value, (tuple, list)) and value and hasattr(value[0], "shape"))
        shape = self.shape(node) if known else ()
        self.values[node.name] = Value(node.name, shape, bool(shape) and shape[0] == 1)

    def is_fixed(self, node: Any) -> bool:
        """Whether a node depends on neither input nor learned tensors: a mask, a table of positions."""
        if node.target.__name__.split(".")[0].rstrip("_") in _FRESH:
            return True
        return all(self._is_known(part.name) for part in node.all_input_nodes if not is_size(part))

    def _is_known(self, name: str) -> bool:
        if name in self.parts:
            return all(part.weight for part in self.parts[name])
        return self.values[name].weight and name not in self.learned

    def fix(self, node: Any) -> None:
        """The node's value is known before any input is: a buffer, where something else uses it."""
        found = node.meta.get("val")
        if isinstance(found, (tuple, list)):
            self.parts[node.name] = [
                Value(f"{node.name}_{place}", tuple(simplify(self.sizes(size)) for size in part.shape), False, weight=True)
                for place, part in enumerate(found)
            ]
        elif hasattr(found, "shape"):
            self.values[node.name] = Value(node.name, self.shape(node), False, weight=True)

    def add(self, name: str, layer: Network, sources: Sequence[str]) -> str:
        """Record an operation; the name of what it makes."""
        self.operations.append(Operation(name, layer, list(sources), self.module))
        return name

    def value(self, node: Any) -> Value:
        """The value of an argument; a weight that is used as a tensor of its own becomes a layer without an input."""
        value = self.values[node.name]
        if value.weight:
            layer: Network = (arithmetic.Parameter if node.name in self.learned else arithmetic.Buffer)(value.shape or (1,))
            name = f"{node.name}_tensor"
            if self.uses.get(node.name, 0) > 1:
                layer = layer.shared(self.learned.get(node.name, node.name))
            self.add(name, layer, [])
            value = Value(name, value.shape or (Integer(1),), False)
            self.values[node.name] = value
        return value

    def unbatched(self, node: Any) -> Value:
        """The value of a node with all its axes."""
        return self.whole(self.value(node))

    def whole(self, value: Value) -> Value:
        """A value with all its axes."""
        if not value.batched:
            return value
        name = self.add(f"{value.name}_whole{len(self.operations)}", reshape.Reshape(value.shape), [value.name])
        return Value(name, value.shape, False)

    def batched(self, node: Any) -> Value:
        """A value without its leading axis of size 1."""
        value = self.value(node)
        if value.batched:
            return value
        if not value.shape or value.shape[0] != 1:
            raise UnsupportedError(f"{node.name} of shape {value.shape} has no batch axis of size 1, which its operator needs")
        name = self.add(f"{value.name}_example{len(self.operations)}", reshape.Reshape(value.shape[1:]), [value.name])
        return Value(name, value.shape, True)

    def put(self, node: Any, layer: Network | None, inputs: Sequence[Any], batched: bool | None = None) -> None:
        """The node's value is a layer of the values of other nodes; None passes the first one on."""
        values = [source if isinstance(source, Value) else self.value(source) for source in inputs]
        flag = values[0].batched if batched is None else batched
        if layer is None:
            self.values[node.name] = Value(values[0].name, self.shape(node), flag)
            return
        self.add(node.name, layer, [value.name for value in values])
        self.values[node.name] = Value(node.name, self.shape(node), flag)

    def with_weights(self, layer: Network, *weights: Any) -> Network:
        """The layer, its weights shared under a name if another operation reads them too."""
        names = [weight.name for weight in weights if weight is not None and weight.name in self.learned]
        if any(self.uses.get(name, 0) > 1 for name in names):
            return layer.shared(self.learned[names[0]])
        return layer


_FRESH = ("new_zeros", "new_ones", "new_full", "new_empty", "zeros_like", "ones_like", "full_like", "empty_like", "zero")
"""Operators that look at a tensor's size or kind only."""

Rule = Callable[[Translator, Any], None]
RULES: dict[str, Rule] = {}


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Register a rule for operators by their names without overload; in-place variants share it."""

    def register(function: Rule) -> Rule:
        for name in names:
            RULES[name] = function
        return function

    return register


def argument(node: Any, place: int, name: str, default: Any = None) -> Any:
    """An argument by place or by name."""
    if len(node.args) > place:
        return node.args[place]
    return node.kwargs.get(name, default)


def is_size(node: Any) -> bool:
    """Whether a node makes a number from sizes, or checks one, and no tensor."""
    return node.op == "call_function" and not hasattr(node.meta.get("val"), "shape") and not isinstance(node.meta.get("val"), (tuple, list))


def _is_node(value: Any) -> bool:
    return hasattr(value, "op") and hasattr(value, "meta") and not is_size(value)


def _per_axis(value: Any, axes: int) -> Any:
    """A number, or one for each axis."""
    if isinstance(value, int):
        return value
    numbers = [int(number) for number in value]
    return numbers[0] if len(set(numbers)) == 1 else tuple(numbers * axes if len(numbers) == 1 else numbers)


# layers with weights -------------------------------------------------------------------------------------------------


@rule("conv1d", "conv2d", "conv3d", "convolution")
def _convolution(t: Translator, node: Any) -> None:
    source, weight, bias = node.args[0], node.args[1], argument(node, 2, "bias")
    if node.target.__name__.startswith("convolution") and argument(node, 6, "transposed", False):
        return _transposed(t, node)
    out, _, *kernel = t.values[weight.name].shape
    axes = len(kernel)
    padding = argument(node, 4, "padding", 0)
    groups = argument(node, 8, "groups", 1) if node.target.__name__.startswith("convolution") else argument(node, 6, "groups", 1)
    layer = convolution.Conv(
        out, _per_axis(kernel, axes), _per_axis(argument(node, 3, "stride", 1), axes),
        padding if isinstance(padding, str) and padding == "same" else 0 if padding == "valid" else _per_axis(padding, axes),
        _per_axis(argument(node, 5, "dilation", 1), axes), groups, bias is not None,
    )  # fmt: skip
    t.put(node, t.with_weights(layer, weight, bias), [t.batched(source)])


@rule("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def _transposed(t: Translator, node: Any) -> None:
    source, weight, bias = node.args[0], node.args[1], argument(node, 2, "bias")
    _, out, *kernel = t.values[weight.name].shape
    axes, groups = len(kernel), argument(node, 6, "groups", 1)
    layer = convolution.ConvTranspose(
        out * groups, _per_axis(kernel, axes), _per_axis(argument(node, 3, "stride", 1), axes),
        _per_axis(argument(node, 4, "padding", 0), axes), _per_axis(argument(node, 5, "output_padding", 0), axes),
        _per_axis(argument(node, 7, "dilation", 1), axes), groups, bias is not None,
    )  # fmt: skip
    t.put(node, t.with_weights(layer, weight, bias), [t.batched(source)])


@rule("linear")
def _linear(t: Translator, node: Any) -> None:
    source, weight, bias = node.args[0], node.args[1], argument(node, 2, "bias")
    if not t.values[weight.name].weight:
        raise UnsupportedError(f"{node.name}: the weight of a linear map is computed by the model, not learned as it stands")
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
    layer: Network = normalization.LayerNorm(weight is not None, bias is not None, float(argument(node, 4, "eps", 1e-5)))
    layer = t.with_weights(layer, weight, bias)
    if len(axes) != 1:  # over several axes: over one with as many elements
        if len(axes) > len(value.own):
            raise UnsupportedError(f"{node.name}: layer normalisation over the batch")
        kept = value.own[: len(value.own) - len(axes)]
        layer = reshape.Reshape((*kept, simplify(Mul(*value.shape[-len(axes) :])))) >> layer >> reshape.Reshape(value.own)
    t.put(node, layer, [value])


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
    own = (rows, value.shape[2])
    name = value.name
    if value.own != own:
        name = t.add(f"{node.name}_steps", reshape.Reshape(own), [name])
    made = t.add(node.name, stack, [name])
    out = hidden * (2 if two_ways else 1)
    whole = (Integer(1), rows, out) if batch_first else (rows, Integer(1), out)
    if not batch_first:
        made = t.add(f"{node.name}_whole", reshape.Reshape(whole), [made])
    t.parts[node.name] = [Value(made, whole, bool(batch_first))]


@rule("lstm")
def _lstm(t: Translator, node: Any) -> None:
    _recurrent(t, node, recurrent.LSTM)


@rule("gru")
def _gru(t: Translator, node: Any) -> None:
    _recurrent(t, node, recurrent.GRU)


@rule("rnn_tanh")
def _rnn(t: Translator, node: Any) -> None:
    _recurrent(t, node, recurrent.RNN)


# elementwise functions -----------------------------------------------------------------------------------------------

_PLAIN: dict[str, Callable[[], Network]] = {
    "relu": activation.ReLU, "relu6": activation.ReLU6, "sigmoid": activation.Sigmoid, "tanh": activation.Tanh, "silu": activation.SiLU,
    "hardswish": activation.Hardswish, "hardsigmoid": activation.Hardsigmoid, "mish": activation.Mish, "abs": activation.Abs,
    "exp": arithmetic.Exp, "log": arithmetic.Log, "sqrt": arithmetic.Sqrt, "sin": activation.Sine,
    "neg": lambda: arithmetic.Scale(-1), "rsqrt": lambda: arithmetic.Power(-0.5),
}  # fmt: skip


def _elementwise(t: Translator, node: Any) -> None:
    name = node.target.__name__.split(".")[0].rstrip("_")
    t.put(node, _PLAIN[name](), [node.args[0]])


for _name in _PLAIN:
    RULES[_name] = _elementwise


@rule("gelu")
def _gelu(t: Translator, node: Any) -> None:
    t.put(node, activation.GELU(argument(node, 1, "approximate", "none") == "tanh"), [node.args[0]])


@rule("leaky_relu")
def _leaky(t: Translator, node: Any) -> None:
    t.put(node, activation.LeakyReLU(float(argument(node, 1, "negative_slope", 0.01))), [node.args[0]])


@rule("elu")
def _elu(t: Translator, node: Any) -> None:
    t.put(node, activation.ELU(float(argument(node, 1, "alpha", 1.0))), [node.args[0]])


@rule("softplus")
def _softplus(t: Translator, node: Any) -> None:
    t.put(node, activation.Softplus(), [node.args[0]])


@rule("hardtanh", "clamp", "clamp_min", "clamp_max")
def _clamp(t: Translator, node: Any) -> None:
    name = node.target.__name__.split(".")[0].rstrip("_")
    low, high = argument(node, 1, "min"), argument(node, 2, "max")
    if name == "clamp_max":
        low, high = None, argument(node, 1, "max")
    if name == "hardtanh":
        low, high = argument(node, 1, "min_val", -1.0), argument(node, 2, "max_val", 1.0)
    bounds = (-1e12 if low is None else low, 1e12 if high is None else high)
    relu6 = bounds == (0, 6)
    layer = activation.ReLU6() if relu6 else activation.ReLU() if (low, high) == (0, None) else activation.Hardtanh(*map(float, bounds))
    t.put(node, layer, [node.args[0]])


@rule("softmax", "_softmax")
def _softmax(t: Translator, node: Any) -> None:
    value = t.value(node.args[0])
    axis = int(node.args[1]) % len(value.shape)
    if axis == 0 and value.batched:
        value = t.whole(value)
    rank, place = len(value.own), axis - value.batched
    if place == rank - 1:
        return t.put(node, activation.Softmax(), [value])
    order = (*(other for other in range(rank) if other != place), place)
    back = tuple(order.index(other) for other in range(rank))
    return t.put(node, reshape.Permute(order) >> activation.Softmax() >> reshape.Permute(back), [value])


@rule("dropout", "native_dropout", "feature_dropout")
def _dropout(t: Translator, node: Any) -> None:
    t.put(node, activation.Dropout(float(argument(node, 1, "p", 0.5))), [node.args[0]])


@rule("contiguous", "clone", "alias", "detach", "to", "_to_copy", "lift_fresh_copy", "lift_fresh", "type_as", "expand_as", "float")
def _passed_on(t: Translator, node: Any) -> None:
    if t.shape(node) != t.value(node.args[0]).shape:
        return _expand(t, node)
    t.put(node, None, [node.args[0]])


@rule("pow")
def _pow(t: Translator, node: Any) -> None:
    if _is_node(node.args[1]) or _is_node(node.args[0]) is False:
        raise UnsupportedError(f"{node.name}: only powers with a literal exponent have a layer")
    t.put(node, arithmetic.Power(node.args[1]), [node.args[0]])


# joins ---------------------------------------------------------------------------------------------------------------


def _pair(t: Translator, node: Any, stretch: bool) -> list[Value]:
    """The two tensors of a join with equally many axes; broadcast by hand where the join itself does not."""
    values = [t.value(part) for part in node.args[:2]]
    out = t.shape(node)
    batched = all(value.batched or len(value.shape) < len(out) or value.shape[0] == 1 for value in values) and any(v.batched for v in values)
    made = []
    for part, value in zip(node.args[:2], values):
        if value.shape == out and value.batched == batched:
            made.append(value)
            continue
        wanted = (*(Integer(1),) * (len(out) - len(value.shape)), *value.shape)
        own = wanted[1:] if batched else wanted
        name = value.name
        if value.own != own:
            name = t.add(f"{node.name}_axes_{part.name}", reshape.Reshape(own), [name])
        target = out[1:] if batched else out
        repeated = [axis for axis, (a, b) in enumerate(zip(own, target)) if a != b]
        if repeated and stretch:
            name = t.add(f"{node.name}_wide_{part.name}", arithmetic.Expand(tuple(repeated), target), [name])
        made.append(Value(name, wanted, batched))
    return made


def _join(t: Translator, node: Any, join: Network, stretch: bool = False) -> None:
    values = _pair(t, node, stretch)
    t.put(node, join, values, values[0].batched)


def _factor(t: Translator, value: Any) -> Any:
    return t.sizes(value) if hasattr(value, "meta") else float(value) if isinstance(value, float) else value


@rule("add")
def _add(t: Translator, node: Any) -> None:
    if not _is_node(node.args[1]):
        return t.put(node, arithmetic.Shift(_factor(t, node.args[1])), [node.args[0]])
    return _join(t, node, Add())


@rule("sub")
def _subtract(t: Translator, node: Any) -> None:
    if not _is_node(node.args[1]):
        return t.put(node, arithmetic.Shift(-_factor(t, node.args[1])), [node.args[0]])
    return _join(t, node, arithmetic.Subtract(), True)


@rule("mul")
def _multiply(t: Translator, node: Any) -> None:
    if not _is_node(node.args[1]):
        return t.put(node, arithmetic.Scale(_factor(t, node.args[1])), [node.args[0]])
    return _join(t, node, Product())


@rule("div")
def _divide(t: Translator, node: Any) -> None:
    if not _is_node(node.args[1]):
        return t.put(node, arithmetic.Scale(1 / _factor(t, node.args[1])), [node.args[0]])
    return _join(t, node, arithmetic.Divide(), True)


@rule("cat")
def _concatenate(t: Translator, node: Any) -> None:
    values = [t.value(part) for part in node.args[0]]
    if len(values) == 1:
        return t.put(node, None, values)
    rank = len(values[0].shape)
    axis = int(argument(node, 1, "dim", 0)) % rank
    batched = axis > 0 and all(value.batched or value.shape[0] == 1 for value in values)
    values = [(t.batched if batched else t.unbatched)(part) for part in node.args[0]]
    t.put(node, Concat(axis=axis - batched), values, batched)


@rule("matmul", "bmm", "mm", "mv", "dot")
def _matmul(t: Translator, node: Any) -> None:
    made = _product(t, node.name, *(t.value(part) for part in node.args[:2]))
    t.values[node.name] = Value(made.name, t.shape(node), made.batched)


def _product(t: Translator, name: str, left: Value, right: Value) -> Value:
    """The product of two tensors as matrices, their leading axes broadcast."""
    rank = max(len(left.shape), len(right.shape))
    batched = (left.batched or right.batched) and all(v.batched or len(v.shape) < rank for v in (left, right))
    pair = [left, right] if batched else [t.whole(value) for value in (left, right)]
    first, second, spec, shape = matrix_product(pair[0].own, pair[1].own, name)
    names = [value.name if value.own == own else t.add(f"{name}_{value.name}", reshape.Reshape(own), [value.name]) for value, own in zip(pair, (first, second))]
    made = t.add(name, arithmetic.Einsum(spec), names)
    return Value(made, (Integer(1), *shape) if batched else shape, batched)


@rule("einsum")
def _einsum(t: Translator, node: Any) -> None:
    spec = node.args[0].replace(" ", "")
    if spec.count(",") != 1 or "->" not in spec or "." in spec:
        raise UnsupportedError(f"{node.name}: einsum({spec!r}); two tensors with letters for all axes have a layer")
    letters = {letter: string.ascii_lowercase[place] for place, letter in enumerate(dict.fromkeys(filter(str.isalpha, spec)))}
    spec = "".join(letters.get(character, character) for character in spec)
    inputs, out = spec.split("->")
    _contract(t, node, *inputs.split(","), out, node.args[1])


def _contract(t: Translator, node: Any, first: str, second: str, out: str, parts: Sequence[Any]) -> None:
    values = [t.value(part) for part in parts]
    batch = first[0] if first and first[0] == second[0] == out[0] else None
    batched = batch is not None and all(value.batched for value in values)
    if not batched:
        values = [t.unbatched(part) for part in parts]
    drop = 1 if batched else 0
    t.put(node, arithmetic.Einsum(f"{first[drop:]},{second[drop:]}->{out[drop:]}"), values, batched)


@rule("scaled_dot_product_attention")
def _attention(t: Translator, node: Any) -> None:
    parts = [t.value(part) for part in node.args[:3]]
    if not all(part.batched for part in parts):
        parts = [t.whole(part) for part in parts]
    query, key, value = parts
    mask, scale = argument(node, 3, "attn_mask"), node.kwargs.get("scale")
    if scale is not None:
        query = Value(t.add(f"{node.name}_scaled", arithmetic.Scale(scale * sqrt(query.shape[-1])), [query.name]), query.shape, query.batched)
    if mask is None and query.shape[:-2] == key.shape[:-2] == value.shape[:-2]:
        return t.put(node, arithmetic.DotProductAttention(bool(argument(node, 5, "is_causal", False))), [query, key, value])
    if query.shape[:-3] == key.shape[:-3] and query.shape[-3] != key.shape[-3]:
        query, key, value = _grouped_heads(t, node.name, query, key, value)
    order = tuple(range(len(key.own) - 2)) + (len(key.own) - 1, len(key.own) - 2)
    turned = Value(t.add(f"{node.name}_keys", reshape.Permute(order), [key.name]), (*key.shape[:-2], key.shape[-1], key.shape[-2]), key.batched)
    scores = _product(t, f"{node.name}_scores", query, turned)
    name = t.add(f"{node.name}_weighed", arithmetic.Scale(1 / sqrt(query.shape[-1])), [scores.name])
    if mask is None and argument(node, 5, "is_causal", False):
        name = t.add(f"{node.name}_masked", arithmetic.Masked(), [name])
    elif mask is not None:
        name = _under_mask(t, node, Value(name, scores.shape, scores.batched), t.values[mask.name])
    weights = Value(t.add(f"{node.name}_weights", activation.Softmax(), [name]), scores.shape, scores.batched)
    made = _product(t, node.name, weights, value)
    out = t.shape(node)
    own = out[1:] if made.batched else out
    name = made.name if made.own == own else t.add(f"{node.name}_heads", reshape.Reshape(own), [made.name])
    t.values[node.name] = Value(name, out, made.batched)
    return None


def _grouped_heads(t: Translator, name: str, query: Value, key: Value, value: Value) -> list[Value]:
    """Several heads of queries for each head of keys and values: an axis for the heads of one group."""
    heads = key.shape[-3]
    group = simplify(query.shape[-3] / heads)
    made = []
    for part, sizes in ((query, (heads, group)), (key, (heads, Integer(1))), (value, (heads, Integer(1)))):
        shape = (*part.shape[:-3], *sizes, *part.shape[-2:])
        own = shape[1:] if part.batched else shape
        made.append(Value(t.add(f"{name}_{len(made)}_groups", reshape.Reshape(own), [part.name]), shape, part.batched))
    return made


def _under_mask(t: Translator, node: Any, scores: Value, mask: Value) -> str:
    """Scores with a mask: a fixed one leaves scores as they are or puts a number beside them, a computed one is added."""
    if mask.weight and mask.name not in t.learned:
        return t.add(f"{node.name}_masked", arithmetic.Masked(), [scores.name])
    kind = str(node.args[3].meta["val"].dtype if len(node.args) > 3 else node.kwargs["attn_mask"].meta["val"].dtype)
    if "bool" in kind:
        raise UnsupportedError(f"{node.name}: attention with a mask of truth values that depends on the data has no layer")
    added = t.value(node.args[3] if len(node.args) > 3 else node.kwargs["attn_mask"])
    added = added if added.batched == scores.batched else t.whole(added)
    shape = (*(Integer(1),) * (len(scores.shape) - len(added.shape)), *added.shape)
    own = shape[1:] if scores.batched and shape[0] == 1 else shape
    name = added.name if added.own == own else t.add(f"{node.name}_mask", reshape.Reshape(own), [added.name])
    return t.add(f"{node.name}_masked", Add(), [scores.name, name])


# pooling and means ---------------------------------------------------------------------------------------------------


@rule("max_pool1d", "max_pool2d", "max_pool3d", "max_pool2d_with_indices")
def _max_pool(t: Translator, node: Any) -> None:
    axes = len(t.value(node.args[0]).shape) - 2
    stride = argument(node, 2, "stride") or node.args[1]
    layer = pooling.MaxPool(
        _per_axis(node.args[1], axes), _per_axis(stride, axes), _per_axis(argument(node, 3, "padding", 0), axes),
        _per_axis(argument(node, 4, "dilation", 1), axes), bool(argument(node, 5, "ceil_mode", False)),
    )  # fmt: skip
    t.put(node, layer, [t.batched(node.args[0])])


@rule("avg_pool1d", "avg_pool2d", "avg_pool3d")
def _avg_pool(t: Translator, node: Any) -> None:
    axes = len(t.value(node.args[0]).shape) - 2
    stride = argument(node, 2, "stride") or node.args[1]
    layer = pooling.AvgPool(
        _per_axis(node.args[1], axes), _per_axis(stride, axes), _per_axis(argument(node, 3, "padding", 0), axes),
        bool(argument(node, 4, "ceil_mode", False)), bool(argument(node, 5, "count_include_pad", True)),
    )  # fmt: skip
    t.put(node, layer, [t.batched(node.args[0])])


@rule("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "_adaptive_avg_pool2d")
def _adaptive(t: Translator, node: Any) -> None:
    source = t.batched(node.args[0])
    sizes = node.args[1]
    out = t.shape(node)[2:]
    del sizes
    layer = pooling.AdaptiveAvgPool(out[0] if len(set(out)) == 1 else out)
    t.put(node, layer, [source])


def _reduced(t: Translator, node: Any, layer: Callable[..., Network]) -> None:
    value = t.value(node.args[0])
    rank = len(value.shape)
    given = argument(node, 1, "dim")
    axes = sorted({int(axis) % rank for axis in (given if isinstance(given, (list, tuple)) else [given])}) if given is not None else list(range(rank))
    keep = bool(argument(node, 2, "keepdim", False))
    batched = value.batched and 0 not in axes
    source = value if batched or not value.batched else t.unbatched(node.args[0])
    shifted = [axis - batched for axis in axes]
    if not keep:
        return t.put(node, layer(tuple(shifted), rank - batched), [source], batched)
    name = t.add(f"{node.name}_reduced", layer(tuple(shifted), rank - batched), [source.name])
    out = t.shape(node)
    own = out[1:] if batched else out
    return t.put(node, reshape.Reshape(own), [Value(name, out, batched)], batched)


@rule("mean")
def _mean(t: Translator, node: Any) -> None:
    value, given = t.value(node.args[0]), argument(node, 1, "dim")
    rank = len(value.shape)
    if value.batched and rank > 3 and isinstance(given, (list, tuple)) and sorted(int(axis) % rank for axis in given) == list(range(2, rank)):
        return t.put(node, pooling.AdaptiveAvgPool(1) if argument(node, 2, "keepdim", False) else pooling.GlobalAvgPool(), [value])
    return _reduced(t, node, arithmetic.Mean)


@rule("sum")
def _sum(t: Translator, node: Any) -> None:
    _reduced(t, node, arithmetic.Sum)


@rule("amax")
def _maximum(t: Translator, node: Any) -> None:
    _reduced(t, node, arithmetic.Maximum)


# axes ----------------------------------------------------------------------------------------------------------------


@rule("view", "reshape", "_unsafe_view", "flatten", "unflatten", "unsqueeze", "squeeze", "_reshape_copy")
def _reshape(t: Translator, node: Any) -> None:
    value, out = t.value(node.args[0]), t.shape(node)
    batched = bool(out) and out[0] == 1 and len(out) > 1
    own = out[1:] if batched else out
    if own == value.own:
        return t.put(node, None, [value], batched)
    if same(Mul(*own), Mul(*value.own)) is False:
        raise UnsupportedError(f"{node.name}: {value.own} does not hold as many elements as {own}")
    flat = len(own) == 1 and len(value.own) > 1
    return t.put(node, reshape.Flatten() if flat else reshape.Reshape(own), [value], batched)


def _permuted(t: Translator, node: Any, order: list[int]) -> None:
    value = t.value(node.args[0])
    if order == list(range(len(order))):
        return t.put(node, None, [value])
    if value.batched and order[0] == 0:
        rest = [axis - 1 for axis in order[1:]]
        return t.put(node, reshape.Permute(tuple(rest)), [value])
    if value.batched:
        # The batch axis of size 1 moves: the other axes keep or change their order, and then it is part of the shape.
        moved = [axis - 1 for axis in order if axis != 0]
        name = value.name
        if moved != list(range(len(moved))):
            name = t.add(f"{node.name}_order", reshape.Permute(tuple(moved)), [name])
        return t.put(node, reshape.Reshape(t.shape(node)), [Value(name, value.shape, True)], False)
    return t.put(node, reshape.Permute(tuple(order)), [value])


@rule("permute")
def _permute(t: Translator, node: Any) -> None:
    rank = len(t.value(node.args[0]).shape)
    _permuted(t, node, [int(axis) % rank for axis in node.args[1]])


@rule("transpose", "swapaxes", "swapdims")
def _transpose(t: Translator, node: Any) -> None:
    rank = len(t.value(node.args[0]).shape)
    first, second = (int(axis) % rank for axis in node.args[1:3])
    order = list(range(rank))
    order[first], order[second] = second, first
    _permuted(t, node, order)


@rule("t", "numpy_T")
def _turned(t: Translator, node: Any) -> None:
    _permuted(t, node, list(range(len(t.value(node.args[0]).shape)))[::-1])


@rule("expand")
def _expand(t: Translator, node: Any) -> None:
    value, out = t.value(node.args[0]), t.shape(node)
    if value.shape == out:
        return t.put(node, None, [value])
    source = t.unbatched(node.args[0])
    wanted = (*(Integer(1),) * (len(out) - len(source.shape)), *source.shape)
    name = source.name
    if wanted != source.shape:
        name = t.add(f"{node.name}_axes", reshape.Reshape(wanted), [name])
    repeated = tuple(axis for axis, (a, b) in enumerate(zip(wanted, out)) if a != b)
    if not repeated:
        return t.put(node, None, [Value(name, out, False)])
    return t.put(node, arithmetic.Expand(repeated, out), [Value(name, wanted, False)], False)


@rule("select")
def _select(t: Translator, node: Any) -> None:
    value = t.value(node.args[0])
    axis = int(node.args[1]) % len(value.shape)
    if value.batched and axis == 0:
        return t.put(node, None, [value], False)
    own = list(value.own)
    place = axis - value.batched
    start = node.args[2] if node.args[2] >= 0 else own[place] + node.args[2]
    name = t.add(f"{node.name}_part", arithmetic.Slice(place, start, 1, len(own)), [value.name])
    rest = tuple(size for at, size in enumerate(own) if at != place)
    return t.put(node, reshape.Reshape(rest), [Value(name, value.shape, value.batched)], value.batched)


def _cut(t: Translator, node: Any, value: Value, axis: int, start: Expr, length: Expr, name: str, step: int = 1) -> Value:
    own = value.own
    place = axis - value.batched
    layer = arithmetic.Slice(place, start, length, len(own), step)
    shape = tuple(length if at == axis else size for at, size in enumerate(value.shape))
    return Value(t.add(name, layer, [value.name]), shape, value.batched)


@rule("slice")
def _slice(t: Translator, node: Any) -> None:
    value, out = t.value(node.args[0]), t.shape(node)
    if value.shape == out:
        return t.put(node, None, [value])
    axis = int(argument(node, 1, "dim", 0)) % len(value.shape)
    if axis == 0 and value.batched:
        value = t.unbatched(node.args[0])
    start = argument(node, 2, "start") or 0
    start = t.sizes(start) if not isinstance(start, int) else start if start >= 0 else value.shape[axis] + start
    made = _cut(t, node, value, axis, start, out[axis], node.name, int(argument(node, 4, "step", 1)))
    t.values[node.name] = made
    return None


@rule("chunk", "split", "split_with_sizes", "unbind", "tensor_split")
def _split(t: Translator, node: Any) -> None:
    kind = node.target.__name__.split(".")[0]
    value = t.value(node.args[0])
    axis = int(argument(node, 1 if kind == "unbind" else 2, "dim", 0)) % len(value.shape)
    if axis == 0 and value.batched:
        value = t.unbatched(node.args[0])
    start: Expr = Integer(0)
    parts = []
    for number, part in enumerate(node.meta["val"]):
        shape = tuple(simplify(t.sizes(size)) for size in part.shape)
        length = Integer(1) if kind == "unbind" else shape[axis]
        made = _cut(t, node, value, axis, start, length, f"{node.name}_{number}")
        if kind == "unbind":
            own = shape[1:] if made.batched else shape
            made = Value(t.add(f"{node.name}_{number}_squeezed", reshape.Reshape(own), [made.name]), shape, made.batched)
        parts.append(made)
        start = start + length
    t.parts[node.name] = parts


@rule("<built-in function getitem>", "getitem")
def _item(t: Translator, node: Any) -> None:
    source, place = node.args
    if source.name in t.parts and place >= len(t.parts[source.name]):
        return  # a state that is returned besides; an error only if something uses it
    if source.name not in t.parts:
        if place == 0 and source.name in t.values:
            t.values[node.name] = t.values[source.name]
            return
        raise UnsupportedError(f"{node.name}: part {place} of {source.name} has no layer")
    t.values[node.name] = t.parts[source.name][place]


@rule("pad", "constant_pad_nd")
def _pad(t: Translator, node: Any) -> None:
    widths = [int(width) for width in node.args[1]]
    if not any(widths):
        return t.put(node, None, [node.args[0]])
    if argument(node, 2, "mode", "constant") not in ("constant", 0, 0.0):
        raise UnsupportedError(f"{node.name}: padding by {node.args[2]!r}; only constant padding has a layer")
    value = t.value(node.args[0])
    rank = len(value.own)
    pairs = [(0, 0)] * rank
    for place in range(len(widths) // 2):
        pairs[rank - 1 - place] = (widths[2 * place], widths[2 * place + 1])
    return t.put(node, arithmetic.Margin(Tuple(*(a for a, _ in pairs)), Tuple(*(b for _, b in pairs))), [value])


@rule("roll")
def _roll(t: Translator, node: Any) -> None:
    value = t.value(node.args[0])
    name = value.name
    for number, (shift, axis) in enumerate(zip(node.args[1], argument(node, 2, "dims", []))):
        place = int(axis) % len(value.shape) - value.batched
        size = value.own[place]
        first = simplify(size - shift) if shift > 0 else Integer(-shift)
        if shift == 0:
            continue
        head = t.add(f"{node.name}_{number}_tail", arithmetic.Slice(place, first, simplify(size - first), len(value.own)), [name])
        tail = t.add(f"{node.name}_{number}_head", arithmetic.Slice(place, 0, first, len(value.own)), [name])
        name = t.add(f"{node.name}_{number}", Concat(axis=place), [head, tail])
    t.values[node.name] = Value(name, value.shape, value.batched)


@rule("pixel_shuffle")
def _pixel_shuffle(t: Translator, node: Any) -> None:
    t.put(node, reshape.PixelShuffle(node.args[1]), [t.batched(node.args[0])])


@rule("channel_shuffle")
def _channel_shuffle(t: Translator, node: Any) -> None:
    t.put(node, reshape.ChannelShuffle(node.args[1]), [t.batched(node.args[0])])


@rule("upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d")
def _upsample(t: Translator, node: Any) -> None:
    source, out = t.batched(node.args[0]), t.shape(node)
    factors = [simplify(after / before) for before, after in zip(source.shape[2:], out[2:])]
    if any(not factor.is_Integer for factor in factors):
        raise UnsupportedError(f"{node.name}: nearest-neighbour upsampling by {factors}; whole factors have a layer")
    t.put(node, reshape.Upsample(factors[0] if len(set(factors)) == 1 else tuple(factors)), [source])


@rule("index")
def _index(t: Translator, node: Any) -> None:
    places = node.args[1]
    table, out = t.value(node.args[0]), t.shape(node)
    fixed = len(places) == 1 and places[0] is not None and t.values[places[0].name].weight
    if not fixed or len(table.shape) != 2 or table.batched:
        raise UnsupportedError(f"{node.name}: only the rows of a table can be taken, at places that do not depend on the data")
    t.put(node, arithmetic.Take(out[:-1]), [table], False)


@rule("linalg_vector_norm", "norm")
def _norm(t: Translator, node: Any) -> None:
    if argument(node, 1, "ord", 2) not in (2, 2.0):
        raise UnsupportedError(f"{node.name}: the norm of order {node.args[1]}; only the Euclidean norm has a layer")
    value, out = t.value(node.args[0]), t.shape(node)
    axes = [int(axis) % len(value.shape) - value.batched for axis in argument(node, 2, "dim")]
    squares = t.add(f"{node.name}_squares", arithmetic.Power(2), [value.name])
    total = t.add(f"{node.name}_total", arithmetic.Sum(tuple(axes), len(value.own)), [squares])
    root = Value(t.add(f"{node.name}_root", arithmetic.Sqrt(), [total]), value.shape, value.batched)
    own = out[1:] if value.batched else out
    t.put(node, reshape.Reshape(own), [root], value.batched)


@rule("masked_fill", "where")
def _masked(t: Translator, node: Any) -> None:
    condition = node.args[1] if node.target.__name__.startswith("masked_fill") else node.args[0]
    if not t.values[condition.name].weight:
        raise UnsupportedError(f"{node.name}: a choice that depends on the data has no layer; only a fixed mask has")
    computed = [part for part in node.all_input_nodes if part is not condition and not (t.values[part.name].weight and part.name not in t.learned)]
    out = t.shape(node)
    made = []
    for part in computed:
        value = t.value(part)
        wide = (*(Integer(1),) * (len(out) - len(value.shape)), *value.shape)
        batched = value.batched and len(wide) == len(value.shape)
        own, target = (wide[1:], out[1:]) if batched else (wide, out)
        name = value.name if value.own == own else t.add(f"{node.name}_axes_{part.name}", reshape.Reshape(own), [value.name])
        repeated = tuple(axis for axis, (a, b) in enumerate(zip(own, target)) if a != b)
        if repeated:
            name = t.add(f"{node.name}_wide_{part.name}", arithmetic.Expand(repeated, target), [name])
        made.append(Value(t.add(f"{node.name}_{part.name}", arithmetic.Masked(), [name]), out, batched))
    t.put(node, Add() if len(made) > 1 else None, made)


# tensors that depend on no input -------------------------------------------------------------------------------------


@rule("arange", "zeros", "ones", "full", "new_zeros", "new_ones", "scalar_tensor", "empty", "eye", "linspace")
def _constant(t: Translator, node: Any) -> None:
    shape = t.shape(node) or (Integer(1),)
    name = t.add(node.name, arithmetic.Buffer(shape), [])
    t.values[node.name] = Value(name, shape, False)
