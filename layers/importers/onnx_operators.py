"""How ONNX's operators are written as layers, one rule each.

A rule gets the translator, the node and its attributes. ONNX files do not say which shapes lie between operators, so that the engine's own
shapes are carried along.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Expr, Integer, Mul, prod

from ...algebra.carriers import ShapeCarrier
from ...algebra.errors import UnsupportedError
from ...algebra.evaluator import evaluate_network
from ...algebra.network import Add, Concat, Network
from ...algebra.network import Mul as Product
from ...algebra.normal_form import simplify
from .. import activation, arithmetic, convolution, embedding, linear, normalization, pooling, reshape
from .record import Operation

Shape = tuple[Expr, ...]


@dataclass
class OnnxValue:
    """A tensor: the operation that makes it, its shape with the batch axis, and whether our tensor lacks that axis."""

    name: str
    shape: Shape
    batched: bool
    weight: bool = False

    @property
    def own(self) -> Shape:
        return self.shape[1:] if self.batched else self.shape


class OnnxTranslator:
    """The state of one translation."""

    def __init__(self, uses: Mapping[str, int]):
        self.uses = dict(uses)
        self.values: dict[str, OnnxValue] = {}
        self.constants: dict[str, list[float]] = {}
        self.shapes: dict[str, list[Expr]] = {}
        self.operations: list[Operation] = []
        self.name, self.module, self.count = "", (), 0

    def begin(self, name: str, module: tuple[str, ...]) -> None:
        self.name, self.module = name.split("/")[-1] or name, module

    def add(self, layer: Network, sources: Sequence[OnnxValue]) -> tuple[str, Shape]:
        """Record an operation; its name, and the shape of what it makes."""
        self.count += 1
        name = f"{self.name}_{self.count}"
        shapes = [source.own for source in sources]
        shape = evaluate_network(layer, ShapeCarrier(), shapes or None).output.shape
        self.operations.append(Operation(name, layer, [source.name for source in sources], self.module))
        return name, shape

    def get(self, name: str) -> OnnxValue:
        """A value; a stored tensor that is used as it is becomes a layer without an input."""
        value = self.values[name]
        if value.weight:
            shape = value.shape or (Integer(1),)
            layer: Network = arithmetic.Parameter(shape)
            if self.uses.get(name, 0) > 1:
                layer = layer.shared(name)
            made, _ = self.add(layer, [])
            value = OnnxValue(made, shape, False)
            self.values[name] = value
        return value

    def batched(self, name: str) -> OnnxValue:
        value = self.get(name)
        if value.batched:
            return value
        if not value.shape or value.shape[0] != 1:
            raise UnsupportedError(f"{self.name}: {name} of shape {value.shape} has no batch axis of size 1")
        made, _ = self.add(reshape.Reshape(value.shape[1:]), [value])
        return OnnxValue(made, value.shape, True)

    def whole(self, name: str) -> OnnxValue:
        value = self.get(name)
        if not value.batched:
            return value
        made, _ = self.add(reshape.Reshape(value.shape), [value])
        return OnnxValue(made, value.shape, False)

    def put(self, output: str, layer: Network | None, inputs: Sequence[Any], batched: bool | None = None) -> None:
        """What a node makes: a layer of other values; None passes the first one on."""
        values = [entry if isinstance(entry, OnnxValue) else self.get(entry) for entry in inputs]
        flag = values[0].batched if batched is None else batched
        if layer is None:
            self.values[output] = OnnxValue(values[0].name, values[0].shape, flag)
            return
        if len(values) > 1 and isinstance(layer, (Add, Product, Concat)):
            self.count += 1
            name = f"{self.name}_{self.count}"
            shape = self._joined(layer, values)
            self.operations.append(Operation(name, layer, [value.name for value in values], self.module))
        elif len(values) > 1:
            self.count += 1
            name = f"{self.name}_{self.count}"
            shape = evaluate_network(layer, ShapeCarrier(), [value.own for value in values]).output.shape
            self.operations.append(Operation(name, layer, [value.name for value in values], self.module))
        else:
            name, shape = self.add(layer, values)
        self.values[output] = OnnxValue(name, (Integer(1), *shape) if flag else tuple(shape), flag)

    @staticmethod
    def _joined(layer: Network, values: Sequence[OnnxValue]) -> Shape:
        columns = list(zip(*(value.own for value in values)))
        if isinstance(layer, Concat):
            axis = layer.axis or 0
            return tuple(simplify(sum(column, Integer(0))) if place == axis else column[0] for place, column in enumerate(columns))
        return tuple(next((size for size in column if size != 1), column[0]) for column in columns)

    def with_weights(self, layer: Network, *names: str) -> Network:
        """The layer, its weights shared under a name if another node reads them too."""
        held = [name for name in names if name]
        return layer.shared(held[0]) if any(self.uses.get(name, 0) > 1 for name in held) else layer

    def numbers(self, name: str) -> list[Any]:
        """The entries of a tensor that is known: a stored constant, or a shape that the model works out."""
        if name in self.shapes:
            return self.shapes[name]
        if name in self.constants:
            return self.constants[name]
        raise UnsupportedError(f"{self.name}: {name} must be a constant, or a shape that is known")

    def fold_constant(self, onnx: Any, node: Any, attributes: Mapping[str, Any]) -> bool:
        """Work out what a node does to shapes and constants; whether that was all there is to do."""
        kind, out = node.op_type, node.output[0] if node.output else ""
        if kind == "Constant":
            tensor = attributes.get("value")
            if tensor is not None:
                numbers = onnx.numpy_helper.to_array(tensor)
                self.constants[out] = numbers.reshape(-1).tolist()
                self.values[out] = OnnxValue(out, tuple(Integer(size) for size in numbers.shape), False, weight=True)
            else:
                found = next(iter(attributes.values()))
                self.constants[out] = list(found) if isinstance(found, (list, tuple)) else [found]
                self.values[out] = OnnxValue(out, (), False, weight=True)
            return True
        if kind == "Shape":
            self.shapes[out] = list(self.values[node.input[0]].shape)
            self.values[out] = OnnxValue(out, (Integer(len(self.shapes[out])),), False, weight=True)
            return True
        known = [name in self.shapes or name in self.constants for name in node.input if name]
        if not known or not all(known):
            return False
        made = _shape_arithmetic(onnx, kind, [self.numbers(name) for name in node.input if name], attributes)
        if made is None:
            return False
        self.shapes[out] = made
        self.values[out] = OnnxValue(out, (Integer(len(made)),), False, weight=True)
        return True


def _shape_arithmetic(onnx: Any, kind: str, given: list[list[Any]], attributes: Mapping[str, Any]) -> list[Expr] | None:
    """The few operators that models apply to shapes."""
    if any(not isinstance(entry, Expr) and not float(entry).is_integer() for part in given for entry in part):
        return None
    numbers = [[entry if isinstance(entry, Expr) else Integer(int(entry)) for entry in part] for part in given]
    if kind == "ConstantOfShape" and len(numbers[0]) == 1 and numbers[0][0].is_Integer and numbers[0][0] <= 64:
        value = onnx.numpy_helper.to_array(attributes["value"]).reshape(-1)[0] if "value" in attributes else 0
        return [Integer(int(value))] * int(numbers[0][0])
    if kind == "Equal":
        return [Integer(int(a == b)) for a, b in zip(*numbers)]
    if kind == "Where":
        return [b if a == 1 else c for a, b, c in zip(*numbers)]
    if kind == "Gather":
        return [numbers[0][int(place)] for place in numbers[1]]
    if kind == "Concat":
        return [entry for part in numbers for entry in part]
    if kind in ("Unsqueeze", "Squeeze", "Cast", "Identity", "Reshape"):
        return numbers[0]
    if kind == "Slice":
        start, end = int(numbers[1][0]), int(numbers[2][0])
        return numbers[0][start : min(end, len(numbers[0]))]
    if kind in ("Add", "Sub", "Mul", "Div"):
        left, right = numbers
        width = max(len(left), len(right))
        left, right = (part * width if len(part) == 1 else part for part in (left, right))
        from sympy import floor

        join = {"Add": lambda a, b: a + b, "Sub": lambda a, b: a - b, "Mul": lambda a, b: a * b, "Div": lambda a, b: floor(a / b)}[kind]
        return [simplify(join(a, b)) for a, b in zip(left, right)]
    return None


Rule = Callable[[OnnxTranslator, Any, Mapping[str, Any]], None]
RULES: dict[str, Rule] = {}


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Register a rule under the names of operators."""

    def register(function: Rule) -> Rule:
        for name in names:
            RULES[name] = function
        return function

    return register


def _one_or_all(values: Sequence[int]) -> Any:
    numbers = [int(value) for value in values]
    return numbers[0] if len(set(numbers)) == 1 else tuple(numbers)


def _padding(t: OnnxTranslator, attributes: Mapping[str, Any], axes: int, source: OnnxValue) -> tuple[Any, OnnxValue]:
    """Symmetric padding as a number; otherwise the margin is put around the input first."""
    automatic = attributes.get("auto_pad", b"NOTSET").decode() if isinstance(attributes.get("auto_pad"), bytes) else "NOTSET"
    if automatic == "SAME_UPPER":
        return "same", source
    if automatic not in ("NOTSET", "VALID"):
        raise UnsupportedError(f"{t.name}: auto_pad={automatic}")
    pads = [int(width) for width in attributes.get("pads", [0] * 2 * axes)]
    before, after = pads[:axes], pads[axes:]
    if before == after:
        return _one_or_all(before), source
    made, shape = t.add(arithmetic.Margin((0, *before), (0, *after)), [source])
    return 0, OnnxValue(made, (Integer(1), *shape), True)


@rule("Conv")
def _conv(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    weight = t.values[node.input[1]]
    axes = len(weight.shape) - 2
    padding, source = _padding(t, a, axes, t.batched(node.input[0]))
    layer = convolution.Conv(
        weight.shape[0], _one_or_all(weight.shape[2:]), _one_or_all(a.get("strides", [1] * axes)), padding,
        _one_or_all(a.get("dilations", [1] * axes)), int(a.get("group", 1)), len(node.input) > 2 and bool(node.input[2]),
    )  # fmt: skip
    t.put(node.output[0], t.with_weights(layer, *node.input[1:]), [source])


@rule("ConvTranspose")
def _conv_transpose(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    weight = t.values[node.input[1]]
    axes, groups = len(weight.shape) - 2, int(a.get("group", 1))
    padding, source = _padding(t, a, axes, t.batched(node.input[0]))
    layer = convolution.ConvTranspose(
        weight.shape[1] * groups, _one_or_all(weight.shape[2:]), _one_or_all(a.get("strides", [1] * axes)), padding,
        _one_or_all(a.get("output_padding", [0] * axes)), _one_or_all(a.get("dilations", [1] * axes)), groups, len(node.input) > 2,
    )  # fmt: skip
    t.put(node.output[0], t.with_weights(layer, *node.input[1:]), [source])


@rule("Gemm")
def _gemm(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    weight = t.values[node.input[1]]
    if not weight.weight or int(a.get("transA", 0)):
        raise UnsupportedError(f"{t.name}: Gemm with a computed or transposed left side")
    features = weight.shape[0] if int(a.get("transB", 0)) else weight.shape[1]
    layer = linear.Linear(features, len(node.input) > 2 and bool(node.input[2]))
    t.put(node.output[0], t.with_weights(layer, *node.input[1:]), [node.input[0]])


@rule("MatMul")
def _matmul(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    right = t.values[node.input[1]]
    if right.weight and len(right.shape) == 2:
        layer = linear.Linear(right.shape[1], False)
        return t.put(node.output[0], t.with_weights(layer, node.input[1]), [node.input[0]])
    values = [t.get(name) for name in node.input]
    if not all(value.batched for value in values):
        values = [t.whole(name) for name in node.input]
    ranks = [len(value.own) for value in values]
    if ranks[0] != ranks[1] or values[0].own[:-2] != values[1].own[:-2]:
        raise UnsupportedError(f"{t.name}: a product of {values[0].shape} and {values[1].shape}; both must have the same leading axes")
    lead = string.ascii_lowercase[: ranks[0] - 2]
    return t.put(node.output[0], arithmetic.Einsum(f"{lead}xy,{lead}yz->{lead}xz"), values)


@rule("BatchNormalization")
def _batch_norm(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    layer = normalization.BatchNorm(True, float(f"{a.get('epsilon', 1e-5):.7g}"))
    t.put(node.output[0], t.with_weights(layer, *node.input[1:3]), [t.batched(node.input[0])])


@rule("LayerNormalization")
def _layer_norm(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    value = t.get(node.input[0])
    if int(a.get("axis", -1)) % len(value.shape) != len(value.shape) - 1:
        raise UnsupportedError(f"{t.name}: layer normalisation over several axes")
    layer = normalization.LayerNorm(True, len(node.input) > 2, float(f"{a.get('epsilon', 1e-5):.7g}"))
    t.put(node.output[0], t.with_weights(layer, *node.input[1:]), [value])


@rule("InstanceNormalization")
def _instance_norm(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    layer = normalization.InstanceNorm(True, float(f"{a.get('epsilon', 1e-5):.7g}"))
    t.put(node.output[0], t.with_weights(layer, *node.input[1:]), [t.batched(node.input[0])])


@rule("GroupNormalization")
def _group_norm(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    layer = normalization.GroupNorm(int(a["num_groups"]), True, float(f"{a.get('epsilon', 1e-5):.7g}"))
    t.put(node.output[0], t.with_weights(layer, *node.input[1:]), [t.batched(node.input[0])])


_PLAIN: dict[str, Callable[[Mapping[str, Any]], Network]] = {
    "Relu": lambda a: activation.ReLU(), "Sigmoid": lambda a: activation.Sigmoid(), "Tanh": lambda a: activation.Tanh(),
    "HardSwish": lambda a: activation.Hardswish(), "Mish": lambda a: activation.Mish(), "Abs": lambda a: activation.Abs(),
    "Exp": lambda a: arithmetic.Exp(), "Log": lambda a: arithmetic.Log(), "Sqrt": lambda a: arithmetic.Sqrt(),
    "Sin": lambda a: activation.Sine(), "Neg": lambda a: arithmetic.Scale(-1), "Softplus": lambda a: activation.Softplus(),
    "LeakyRelu": lambda a: activation.LeakyReLU(float(f"{a.get('alpha', 0.01):.7g}")),
    "Elu": lambda a: activation.ELU(float(f"{a.get('alpha', 1.0):.7g}")),
    "Gelu": lambda a: activation.GELU(a.get("approximate", b"none") == b"tanh"), "Reciprocal": lambda a: arithmetic.Power(-1),
    "Erf": lambda a: arithmetic.Erf(),
}  # fmt: skip
for _name, _make in _PLAIN.items():
    RULES[_name] = lambda t, node, a, make=_make: t.put(node.output[0], make(a), [node.input[0]])


@rule("HardSigmoid")
def _hard_sigmoid(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    if abs(a.get("alpha", 0.2) - 1 / 6) > 1e-6:
        raise UnsupportedError(f"{t.name}: HardSigmoid with slope {a.get('alpha', 0.2)}; only 1/6 has a layer")
    t.put(node.output[0], activation.Hardsigmoid(), [node.input[0]])


@rule("Clip")
def _clip(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    ends = [t.numbers(name)[0] if name else None for name in (*node.input[1:3], *[""] * (3 - len(node.input)))][:2]
    low, high = (ends[0] if ends[0] is not None else a.get("min", -1e12)), (ends[1] if ends[1] is not None else a.get("max", 1e12))
    layer = activation.ReLU6() if (float(low), float(high)) == (0.0, 6.0) else activation.Hardtanh(float(low), float(high))
    t.put(node.output[0], layer, [node.input[0]])


@rule("Softmax")
def _softmax(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    rank = len(t.get(node.input[0]).shape)
    if int(a.get("axis", -1)) % rank != rank - 1:
        raise UnsupportedError(f"{t.name}: softmax along axis {a.get('axis')} of {rank}; only the last axis has a layer")
    t.put(node.output[0], activation.Softmax(), [node.input[0]])


@rule("Dropout", "Identity", "Cast")
def _passed_on(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    name = node.input[0]
    if t.values[name].weight:
        t.values[node.output[0]] = t.values[name]
        if name in t.constants:
            t.constants[node.output[0]] = t.constants[name]
        return
    t.put(node.output[0], activation.Dropout(0) if node.op_type == "Dropout" else None, [name])


def _number(t: OnnxTranslator, name: str) -> float | None:
    """The value of a constant that is a single number."""
    found = t.constants.get(name)
    return float(found[0]) if found is not None and len(found) == 1 else None


def _aligned(t: OnnxTranslator, node: Any, stretch: bool) -> list[OnnxValue]:
    values = [t.get(name) for name in node.input[:2]]
    rank = max(len(value.shape) for value in values)
    wide = [(*(Integer(1),) * (rank - len(value.shape)), *value.shape) for value in values]
    out = tuple(next((size for size in column if size != 1), column[0]) for column in zip(*wide))
    batched = any(value.batched for value in values) and all(shape[0] == 1 for shape in wide)
    made = []
    for value, shape in zip(values, wide):
        own, target = (shape[1:], out[1:]) if batched else (shape, out)
        if value.own != own:
            name, _ = t.add(reshape.Reshape(own), [value])
            value = OnnxValue(name, shape, batched)
        repeated = tuple(axis for axis, (a, b) in enumerate(zip(own, target)) if a != b)
        if repeated and stretch:
            name, _ = t.add(arithmetic.Expand(repeated, target), [value])
            value = OnnxValue(name, out, batched)
        made.append(OnnxValue(value.name, out if stretch else shape, batched))
    return made


def _elementwise(scalar: Callable[[float], Network], join: Callable[[], Network], stretch: bool, turn: bool) -> Rule:
    def apply(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
        first, second = (_number(t, name) for name in node.input[:2])
        if second is not None and first is None:
            return t.put(node.output[0], scalar(second), [node.input[0]])
        if first is not None and second is None and turn:
            return t.put(node.output[0], scalar(first), [node.input[1]])
        return t.put(node.output[0], join(), _aligned(t, node, stretch))

    return apply


RULES["Add"] = _elementwise(arithmetic.Shift, Add, False, True)
RULES["Mul"] = _elementwise(arithmetic.Scale, Product, False, True)
RULES["Sub"] = _elementwise(lambda number: arithmetic.Shift(-number), arithmetic.Subtract, True, False)
RULES["Div"] = _elementwise(lambda number: arithmetic.Scale(1 / number), arithmetic.Divide, True, False)


@rule("Pow")
def _power(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    exponent = t.numbers(node.input[1])[0]
    t.put(node.output[0], arithmetic.Power(int(exponent) if float(exponent).is_integer() else float(exponent)), [node.input[0]])


@rule("Concat")
def _concat(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    values = [t.get(name) for name in node.input]
    axis = int(a["axis"]) % len(values[0].shape)
    batched = axis > 0 and all(value.batched or value.shape[0] == 1 for value in values)
    values = [(t.batched if batched else t.whole)(name) for name in node.input]
    t.put(node.output[0], Concat(axis=axis - batched), values, batched)


@rule("MaxPool")
def _max_pool(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    axes = len(a["kernel_shape"])
    padding, source = _padding(t, a, axes, t.batched(node.input[0]))
    layer = pooling.MaxPool(
        _one_or_all(a["kernel_shape"]), _one_or_all(a.get("strides", [1] * axes)), padding, _one_or_all(a.get("dilations", [1] * axes)),
        bool(a.get("ceil_mode", 0)),
    )  # fmt: skip
    t.put(node.output[0], layer, [source])


@rule("AveragePool")
def _avg_pool(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    axes = len(a["kernel_shape"])
    padding, source = _padding(t, a, axes, t.batched(node.input[0]))
    layer = pooling.AvgPool(
        _one_or_all(a["kernel_shape"]), _one_or_all(a.get("strides", [1] * axes)), padding, bool(a.get("ceil_mode", 0)),
        bool(a.get("count_include_pad", 0)),
    )  # fmt: skip
    t.put(node.output[0], layer, [source])


@rule("GlobalAveragePool")
def _global_pool(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    t.put(node.output[0], pooling.AdaptiveAvgPool(1), [t.batched(node.input[0])])


@rule("ReduceMean", "ReduceSum", "ReduceMax")
def _reduce(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    value = t.get(node.input[0])
    rank = len(value.shape)
    given = t.numbers(node.input[1]) if len(node.input) > 1 and node.input[1] else a.get("axes", range(rank))
    axes = sorted({int(axis) % rank for axis in given})
    batched = value.batched and 0 not in axes
    source = value if batched or not value.batched else t.whole(node.input[0])
    kind = {"ReduceMean": arithmetic.Mean, "ReduceSum": arithmetic.Sum, "ReduceMax": arithmetic.Maximum}[node.op_type]
    layer = kind(tuple(axis - batched for axis in axes), rank - batched)
    if not int(a.get("keepdims", 1)):
        return t.put(node.output[0], layer, [source], batched)
    name, _ = t.add(layer, [source])
    whole = tuple(Integer(1) if axis in axes else size for axis, size in enumerate(source.shape))
    left = tuple(size for axis, size in enumerate(source.shape) if axis not in axes)
    return t.put(node.output[0], reshape.Reshape(whole[1:] if batched else whole), [OnnxValue(name, left, batched)], batched)


def _reshaped(t: OnnxTranslator, output: str, name: str, shape: Sequence[Expr]) -> None:
    value = t.get(name)
    batched = len(shape) > 1 and shape[0] == 1
    own = tuple(shape[1:]) if batched else tuple(shape)
    if own == value.own:
        return t.put(output, None, [value], batched)
    made, _ = t.add(reshape.Flatten() if len(own) == 1 and len(value.own) > 1 else reshape.Reshape(own), [value])
    t.values[output] = OnnxValue(made, tuple(shape), batched)
    return None


@rule("Reshape")
def _reshape(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    value = t.get(node.input[0])
    wanted = t.numbers(node.input[1])
    shape = [value.shape[place] if size == 0 else size if isinstance(size, Expr) else Integer(int(size)) for place, size in enumerate(wanted)]
    if shape.count(Integer(-1)):
        rest = prod([size for size in shape if size != -1])
        shape[shape.index(Integer(-1))] = simplify(Mul(*value.shape) / rest)
    _reshaped(t, node.output[0], node.input[0], shape)


@rule("Flatten")
def _flatten(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    value = t.get(node.input[0])
    axis = int(a.get("axis", 1)) % (len(value.shape) + 1)
    _reshaped(t, node.output[0], node.input[0], [simplify(Mul(*value.shape[:axis])), simplify(Mul(*value.shape[axis:]))])


@rule("Unsqueeze", "Squeeze")
def _squeeze(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    value = t.get(node.input[0])
    given = t.numbers(node.input[1]) if len(node.input) > 1 else a.get("axes")
    shape = list(value.shape)
    if node.op_type == "Unsqueeze":
        for axis in sorted(int(axis) % (len(shape) + len(given)) for axis in given):
            shape.insert(axis, Integer(1))
    else:
        axes = {int(axis) % len(shape) for axis in given} if given else {place for place, size in enumerate(shape) if size == 1}
        shape = [size for place, size in enumerate(shape) if place not in axes]
    _reshaped(t, node.output[0], node.input[0], shape)


@rule("Transpose")
def _transpose(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    value = t.get(node.input[0])
    order = [int(axis) for axis in a.get("perm", range(len(value.shape))[::-1])]
    if value.batched and order[0] == 0:
        return t.put(node.output[0], reshape.Permute(tuple(axis - 1 for axis in order[1:])), [value])
    return t.put(node.output[0], reshape.Permute(tuple(order)), [t.whole(node.input[0])], False)


@rule("Gather")
def _gather(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    table, places = t.values[node.input[0]], node.input[1]
    if table.weight and int(a.get("axis", 0)) == 0 and len(table.shape) == 2 and places not in t.constants:
        layer = embedding.Embedding(*table.shape)
        return t.put(node.output[0], t.with_weights(layer, node.input[0]), [places])
    number = _number(t, places)
    if number is None:
        raise UnsupportedError(f"{t.name}: only rows of a stored table, or one position, can be gathered")
    value = t.get(node.input[0])
    axis = int(a.get("axis", 0)) % len(value.shape)
    if axis == 0 and value.batched:
        value = t.whole(node.input[0])
    own, place = list(value.own), axis - value.batched
    start = int(number) if number >= 0 else own[place] + int(number)
    name, _ = t.add(arithmetic.Slice(place, start, 1, len(own)), [value])
    shape = [size for at, size in enumerate(value.shape) if at != axis]
    rest = tuple(size for at, size in enumerate(own) if at != place)
    made, _ = t.add(reshape.Reshape(rest), [OnnxValue(name, (*value.shape[:axis], Integer(1), *value.shape[axis + 1 :]), value.batched)])
    t.values[node.output[0]] = OnnxValue(made, tuple(shape), value.batched)
    return None


@rule("Slice")
def _slice(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    value = t.get(node.input[0])
    starts, ends = t.numbers(node.input[1]), t.numbers(node.input[2])
    axes = t.numbers(node.input[3]) if len(node.input) > 3 and node.input[3] else range(len(starts))
    steps = t.numbers(node.input[4]) if len(node.input) > 4 and node.input[4] else [1] * len(starts)
    for start, end, axis, step in zip(starts, ends, axes, steps):
        axis = int(axis) % len(value.shape)
        if axis == 0 and value.batched:
            raise UnsupportedError(f"{t.name}: a slice of the batch")
        size = value.shape[axis]
        start, end = (simplify(size + end) if int(end) < 0 else Integer(int(end)) for end in (start, end))
        if end.is_Integer and (end >= 2**31 - 1 or (size.is_Integer and end > size)):
            end = size
        length = simplify(-((start - end) // int(step)))
        name, _ = t.add(arithmetic.Slice(axis - value.batched, start, length, len(value.own), int(step)), [value])
        value = OnnxValue(name, (*value.shape[:axis], length, *value.shape[axis + 1 :]), value.batched)
    t.values[node.output[0]] = value


@rule("Split")
def _split(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    value = t.get(node.input[0])
    axis = int(a.get("axis", 0)) % len(value.shape)
    if axis == 0 and value.batched:
        value = t.whole(node.input[0])
    count = len(node.output)
    given = t.numbers(node.input[1]) if len(node.input) > 1 and node.input[1] else a.get("split", [value.shape[axis] / count] * count)
    start: Expr = Integer(0)
    for output, length in zip(node.output, given):
        length = length if isinstance(length, Expr) else Integer(int(length))
        t.put(output, arithmetic.Slice(axis - value.batched, start, length, len(value.own)), [value])
        start = start + length


@rule("Expand")
def _expand(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    value = t.get(node.input[0])
    wanted = [size if isinstance(size, Expr) else Integer(int(size)) for size in t.numbers(node.input[1])]
    rank = max(len(wanted), len(value.shape))
    shape, wanted = ((*(Integer(1),) * (rank - len(part)), *part) for part in (value.shape, wanted))
    out = tuple(b if a == 1 and b != -1 else a for a, b in zip(shape, wanted))
    name, _ = t.add(reshape.Reshape(tuple(shape)), [value])
    repeated = tuple(axis for axis, (a, b) in enumerate(zip(shape, out)) if a != b)
    layer = arithmetic.Expand(repeated, out) if repeated else None
    t.put(node.output[0], layer, [OnnxValue(name, tuple(shape), False)], False)


@rule("Pad")
def _pad(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    value = t.get(node.input[0])
    widths = [int(width) for width in (t.numbers(node.input[1]) if len(node.input) > 1 else a["pads"])]
    if a.get("mode", b"constant") != b"constant":
        raise UnsupportedError(f"{t.name}: padding by {a['mode'].decode()}")
    rank = len(value.shape)
    before, after = widths[:rank], widths[rank:]
    skip = int(value.batched)
    if not any(widths):
        return t.put(node.output[0], None, [value])
    return t.put(node.output[0], arithmetic.Margin(tuple(before[skip:]), tuple(after[skip:])), [value])


@rule("Resize", "Upsample")
def _resize(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    scales = next((t.constants[name] for name in node.input[1:] if name in t.constants and t.constants[name]), None)
    mode = a.get("mode", b"nearest")
    if mode != b"nearest" or scales is None or any(not float(scale).is_integer() for scale in scales) or list(scales[:2]) != [1, 1]:
        raise UnsupportedError(f"{t.name}: resizing by {mode.decode()} with scales {scales}; whole factors to the nearest neighbour have a layer")
    t.put(node.output[0], reshape.Upsample(_one_or_all(scales[2:])), [t.batched(node.input[0])])


@rule("DepthToSpace")
def _depth_to_space(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    if a.get("mode", b"DCR") != b"CRD":
        raise UnsupportedError(f"{t.name}: DepthToSpace with the order {a.get('mode', b'DCR').decode()}; CRD is the pixel shuffle")
    t.put(node.output[0], reshape.PixelShuffle(int(a["blocksize"])), [t.batched(node.input[0])])


@rule("Constant", "Shape", "ConstantOfShape", "Equal", "Where")
def _known(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    if node.op_type in ("Equal", "Where"):
        raise UnsupportedError(f"{t.name}: {node.op_type} of tensors that depend on the data has no layer")
    shape = tuple(size if isinstance(size, Expr) else Integer(int(size)) for size in t.numbers(node.input[0]))
    name, _ = t.add(arithmetic.Buffer(shape or (Integer(1),)), [])
    t.values[node.output[0]] = OnnxValue(name, shape, False)
