"""How ONNX's operators are written as layers, one rule each.

A rule gets the translator, the node and its attributes. ONNX files do not say which shapes lie between operators, so that the engine's own
shapes are carried along.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Expr, Integer, Mul, ceiling, prod

from ...algebra.carriers import ShapeCarrier
from ...algebra.errors import UnsupportedError
from ...algebra.evaluator import evaluate_network
from ...algebra.network import Add, Concat, Network
from ...algebra.network import Mul as Product
from ...algebra.normal_form import simplify
from .. import activation, arithmetic, convolution, embedding, linear, normalization, pooling, reshape
from .products import matrix_product
from .record import Operation

Shape = tuple[Expr, ...]


@dataclass
class OnnxValue:
    """A tensor: the operation that makes it, its shape with the batch axis, and whether our tensor lacks that axis.

    `weight` says that no operation has made it yet, `fixed` that it depends on neither an input nor a learned tensor.
    """

    name: str
    shape: Shape
    batched: bool
    weight: bool = False
    fixed: bool = False

    @property
    def own(self) -> Shape:
        return self.shape[1:] if self.batched else self.shape


class OnnxTranslator:
    """The state of one translation."""

    def __init__(self, uses: Mapping[str, int]):
        self.uses = dict(uses)
        self.values: dict[str, OnnxValue] = {}
        self.constants: dict[str, list[float]] = {}
        self.known: dict[str, Any] = {}
        self.views: dict[str, tuple[str, tuple[int, ...] | None]] = {}
        self.tensors: dict[str, OnnxValue] = {}
        self.never: set[str] = set()
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
        if not value.weight:
            return value
        if name not in self.tensors:
            self.tensors[name] = self._made(name, value)
        return self.tensors[name]

    def _made(self, name: str, value: OnnxValue) -> OnnxValue:
        if name in self.views:
            source, order = self.views[name]
            made = self.get(source)
            if order is None or order == tuple(range(len(order))):
                return made
            turned, shape = self.add(reshape.Permute(order), [made])
            return OnnxValue(turned, shape, False)
        shape = value.shape or (Integer(1),)
        layer: Network = (arithmetic.Buffer if value.fixed else arithmetic.Parameter)(shape)
        if self.uses.get(name, 0) > 1:
            layer = layer.shared(name)
        made_name, _ = self.add(layer, [])
        return OnnxValue(made_name, shape, False, fixed=value.fixed)

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
        held = [self.origin(name) for name in names if name]
        return layer.shared(held[0]) if any(self.uses.get(name, 0) > 1 for name in held) else layer

    def numbers(self, name: str) -> list[Any]:
        """The entries of a tensor that is known: a stored constant, or a shape that the model works out."""
        if name in self.known:
            return self.known[name].reshape(-1).tolist()
        if name in self.constants:
            return self.constants[name]
        raise UnsupportedError(f"{self.name}: {name} must be a constant, or a shape that is known")

    def is_fixed(self, names: Sequence[str]) -> bool:
        """Whether tensors depend on neither an input nor a learned tensor."""
        return all(self.values[name].fixed for name in names if name)

    def know(self, name: str, entries: Any) -> None:
        """A tensor whose entries are known."""
        from .onnx_constants import known

        self.known[name] = known(entries)
        self.values[name] = OnnxValue(name, tuple(Integer(size) for size in self.known[name].shape), False, weight=True, fixed=True)

    def fold_constant(self, onnx: Any, node: Any, attributes: Mapping[str, Any]) -> bool:
        """Work out what a node does to shapes and constants; whether that was all there is to do."""
        kind, out = node.op_type, node.output[0] if node.output else ""
        if kind == "Shape":
            shape = list(self.values[node.input[0]].shape)
            self.know(out, shape[slice(attributes.get("start", 0), attributes.get("end"))])
            return True
        if kind in _VIEWS and self.values[node.input[0]].weight and not self.values[node.input[0]].fixed:
            return self._viewed(node, attributes)
        if not node.input or any(name and name not in self.known for name in node.input):
            return False
        from .onnx_constants import fold

        made = fold(onnx, kind, [self.known[name] if name else None for name in node.input], attributes)
        if made is None:
            return False
        for name, entries in zip(node.output, made):
            if name:
                self.know(name, entries)
        return True

    def _viewed(self, node: Any, attributes: Mapping[str, Any]) -> bool:
        """A learned tensor with its axes in another order is the same learned tensor, which layers may take as theirs.

        `Identity` is how exporters write a second learned tensor whose numbers happen to be those of a first one (biases of zeros, say);
        what a model really shares is stored under one name.
        """
        source, out = self.values[node.input[0]], node.output[0]
        if node.op_type == "Identity":
            self.values[out] = OnnxValue(out, source.shape, False, weight=True)
            if node.input[0] in self.constants:
                self.constants[out] = self.constants[node.input[0]]
            return True
        order, shape = None, source.shape
        if node.op_type == "Transpose":
            order = tuple(int(axis) for axis in attributes.get("perm", range(len(shape))[::-1]))
            shape = tuple(shape[axis] for axis in order)
        self.values[out] = OnnxValue(out, shape, False, weight=True)
        self.views[out] = (node.input[0], order)
        return True

    def origin(self, name: str) -> str:
        """The name under which a learned tensor is stored."""
        while name in self.views:
            name = self.views[name][0]
        return name


_VIEWS = ("Transpose", "Identity", "Cast")

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
    rank = max(len(value.shape) for value in values)
    batched = any(value.batched for value in values) and all(value.batched or len(value.shape) < rank for value in values)
    if not batched:
        values = [t.whole(name) for name in node.input]
    left, right, spec, _ = matrix_product(values[0].own, values[1].own, t.name)
    return t.put(node.output[0], arithmetic.Einsum(spec), [_given(t, value, own) for value, own in zip(values, (left, right))], batched)


def _given(t: OnnxTranslator, value: OnnxValue, own: Shape) -> OnnxValue:
    """A value in another shape of its own."""
    if value.own == own:
        return value
    name, _ = t.add(reshape.Reshape(own), [value])
    return OnnxValue(name, (Integer(1), *own) if value.batched else own, value.batched)


@rule("Einsum")
def _einsum(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    spec = a["equation"].decode().replace(" ", "")
    if spec.isupper() or not any(character.isupper() for character in spec):
        spec = spec.lower()
    if len(node.input) != 2 or "->" not in spec or "." in spec or not spec.replace(",", "").replace("->", "").islower():
        raise UnsupportedError(f"{t.name}: Einsum of {spec!r}; two tensors with small letters for all axes have a layer")
    parts, out = spec.split("->")
    first, second = parts.split(",")
    batched = first[:1] == second[:1] == out[:1] and all(t.get(name).batched for name in node.input)
    values = [t.get(name) if batched else t.whole(name) for name in node.input]
    drop = int(batched)
    t.put(node.output[0], arithmetic.Einsum(f"{first[drop:]},{second[drop:]}->{out[drop:]}"), values, batched)


@rule("BatchNormalization")
def _batch_norm(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    layer = normalization.BatchNorm(True, float(f"{a.get('epsilon', 1e-5):.7g}"))
    t.put(node.output[0], t.with_weights(layer, *node.input[1:3]), [t.batched(node.input[0])])


@rule("LayerNormalization")
def _layer_norm(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    value = t.get(node.input[0])
    axis = int(a.get("axis", -1)) % len(value.shape)
    affine = not t.values[node.input[1]].fixed
    layer = normalization.LayerNorm(affine, affine and len(node.input) > 2, float(f"{a.get('epsilon', 1e-5):.7g}"))
    layer = t.with_weights(layer, *node.input[1:])
    if axis != len(value.shape) - 1:
        own = value.shape[1:axis] if value.batched else value.shape[:axis]
        layer = reshape.Reshape((*own, simplify(Mul(*value.shape[axis:])))) >> layer >> reshape.Reshape(value.own)
    t.put(node.output[0], layer, [value])


@rule("InstanceNormalization")
def _instance_norm(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    affine = not t.values[node.input[1]].fixed  # exporters write group normalisation with a scale of ones
    layer = normalization.InstanceNorm(affine, float(f"{a.get('epsilon', 1e-5):.7g}"))
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
    value = t.get(node.input[0])
    axis = int(a.get("axis", -1)) % len(value.shape)
    if axis == 0 and value.batched:
        raise UnsupportedError(f"{t.name}: softmax along the batch")
    rank, place = len(value.own), axis - value.batched
    if place == rank - 1:
        return t.put(node.output[0], activation.Softmax(), [value])
    order = tuple([other for other in range(rank) if other != place] + [place])
    back = tuple(order.index(axis) for axis in range(rank))
    return t.put(node.output[0], reshape.Permute(order) >> activation.Softmax() >> reshape.Permute(back), [value])


@rule("Dropout", "Identity", "Cast")
def _passed_on(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    name = node.input[0]
    t.put(node.output[0], activation.Dropout(0) if node.op_type == "Dropout" else None, [name])


def _number(t: OnnxTranslator, name: str) -> Any:
    """The value of a constant that is a single number."""
    if name not in t.known or t.known[name].size != 1:
        return None
    found = t.numbers(name)[0]
    return found if isinstance(found, Expr) else float(found)


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


def _elementwise(scalar: Callable[[Any], Network], turned: Callable[[Any], Network], join: Callable[[], Network], stretch: bool) -> Rule:
    """A rule for two tensors, or for one and a number on the right (`scalar`) or on the left (`turned`)."""

    def apply(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
        first, second = (_number(t, name) for name in node.input[:2])
        if second is not None and first is None:
            return t.put(node.output[0], scalar(second), [node.input[0]])
        if first is not None and second is None:
            return t.put(node.output[0], turned(first), [node.input[1]])
        return t.put(node.output[0], join(), _aligned(t, node, stretch))

    return apply


RULES["Add"] = _elementwise(arithmetic.Shift, arithmetic.Shift, Add, False)
RULES["Mul"] = _elementwise(arithmetic.Scale, arithmetic.Scale, Product, False)
RULES["Sub"] = _elementwise(
    lambda number: arithmetic.Shift(-number), lambda number: arithmetic.Scale(-1) >> arithmetic.Shift(number), arithmetic.Subtract, True
)
RULES["Div"] = _elementwise(
    lambda number: arithmetic.Scale(1 / number), lambda number: arithmetic.Power(-1) >> arithmetic.Scale(number), arithmetic.Divide, True
)


@rule("Pow")
def _power(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    exponent = t.numbers(node.input[1])[0]
    t.put(node.output[0], arithmetic.Power(int(exponent) if float(exponent).is_integer() else float(exponent)), [node.input[0]])


@rule("Concat")
def _concat(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    values = [t.get(name) for name in node.input]
    if len(values) == 1:
        return t.put(node.output[0], None, values)
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


def _norm(axes: Sequence[int], rank: int) -> Network:
    return arithmetic.Power(2) >> arithmetic.Sum(axes, rank) >> arithmetic.Sqrt()


@rule("ReduceMean", "ReduceSum", "ReduceMax", "ReduceL2")
def _reduce(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    value = t.get(node.input[0])
    rank = len(value.shape)
    given = t.numbers(node.input[1]) if len(node.input) > 1 and node.input[1] else a.get("axes", range(rank))
    axes = sorted({int(axis) % rank for axis in given})
    batched = value.batched and 0 not in axes
    source = value if batched or not value.batched else t.whole(node.input[0])
    if node.op_type == "ReduceMean" and batched and rank > 3 and axes == list(range(2, rank)):
        pool = pooling.AdaptiveAvgPool(1) if int(a.get("keepdims", 1)) else pooling.GlobalAvgPool()
        return t.put(node.output[0], pool, [source])
    kind = {"ReduceMean": arithmetic.Mean, "ReduceSum": arithmetic.Sum, "ReduceMax": arithmetic.Maximum, "ReduceL2": _norm}[node.op_type]
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
        t.values[output] = OnnxValue(value.name, tuple(shape), batched)
        return None
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
    table, places, out = t.values[node.input[0]], node.input[1], node.output[0]
    axis = int(a.get("axis", 0)) % len(table.shape)
    if not t.values[places].fixed:
        if not table.weight or axis != 0 or len(table.shape) != 2:
            raise UnsupportedError(f"{t.name}: rows that depend on the data are taken from a stored table only")
        return t.put(out, t.with_weights(embedding.Embedding(*table.shape), node.input[0]), [places])
    number = _number(t, places)
    if number is None or isinstance(number, Expr):
        if len(table.shape) != 2 or axis != 0 or table.batched:
            raise UnsupportedError(f"{t.name}: only the rows of a table can be taken, or one position along an axis")
        return t.put(out, arithmetic.Take(t.values[places].shape), [node.input[0]], False)
    value = t.whole(node.input[0]) if axis == 0 and table.batched else t.get(node.input[0])
    own, place = list(value.own), axis - value.batched
    start = int(number) if number >= 0 else own[place] + int(number)
    name, _ = t.add(arithmetic.Slice(place, start, 1, len(own)), [value])
    ends = t.values[places].shape  # () takes the axis away, (1,) leaves it
    shape = (*value.shape[:axis], *ends, *value.shape[axis + 1 :])
    rest = (*own[:place], *ends, *own[place + 1 :])
    if not rest:
        rest = shape = (Integer(1),)
    made = OnnxValue(name, (*value.shape[:axis], Integer(1), *value.shape[axis + 1 :]), value.batched)
    if rest != made.own:
        made = OnnxValue(t.add(reshape.Reshape(rest), [made])[0], shape, value.batched)
    t.values[out] = made
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
            value = t.whole(node.input[0])
        size = value.shape[axis]
        start, end = (end if isinstance(end, Expr) else Integer(int(end)) for end in (start, end))
        start, end = (simplify(size + end) if end.is_negative else end for end in (start, end))
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
    given = [name for name in node.input[1:] if name in t.constants or name in t.known]
    scales = next((t.numbers(name) for name in given if t.numbers(name)), None)
    if scales is not None and len(node.input) > 3 and node.input[3] in given:  # sizes instead of scales
        scales = [simplify(Integer(after) / before) for after, before in zip(t.numbers(node.input[3]), t.get(node.input[0]).shape)]
    mode = a.get("mode", b"nearest")
    if mode != b"nearest" or scales is None or any(not float(scale).is_integer() for scale in scales) or list(scales[:2]) != [1, 1]:
        raise UnsupportedError(f"{t.name}: resizing by {mode.decode()} with scales {scales}; whole factors to the nearest neighbour have a layer")
    t.put(node.output[0], reshape.Upsample(_one_or_all(scales[2:])), [t.batched(node.input[0])])


@rule("DepthToSpace")
def _depth_to_space(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    if a.get("mode", b"DCR") != b"CRD":
        raise UnsupportedError(f"{t.name}: DepthToSpace with the order {a.get('mode', b'DCR').decode()}; CRD is the pixel shuffle")
    t.put(node.output[0], reshape.PixelShuffle(int(a["blocksize"])), [t.batched(node.input[0])])


@rule("Where")
def _where(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    condition, *branches = node.input
    if condition in t.never:
        return t.put(node.output[0], None, [branches[1]])
    if not t.values[condition].fixed:
        raise UnsupportedError(f"{t.name}: a choice that depends on the data has no layer; only a fixed mask has")
    computed = [name for name in branches if not t.values[name].fixed] or branches[:1]
    shape = _broadcast([t.values[name].shape for name in node.input])
    made = []
    for name in computed:
        value = t.get(name)
        if value.shape != shape:
            value = _widened(t, value, shape)
        masked, _ = t.add(arithmetic.Masked(), [value])
        made.append(OnnxValue(masked, shape, value.batched))
    t.put(node.output[0], Add() if len(made) > 1 else None, made)


@rule("IsNaN", "IsInf")
def _is_nan(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    """A guard that exporters put behind a softmax; equations have no such numbers, so that it never holds."""
    t.never.add(node.output[0])
    t.values[node.output[0]] = OnnxValue(node.output[0], t.values[node.input[0]].shape, False, weight=True, fixed=True)


def _broadcast(shapes: Sequence[Shape]) -> Shape:
    rank = max(map(len, shapes))
    wide = [(*(Integer(1),) * (rank - len(shape)), *shape) for shape in shapes]
    return tuple(next((size for size in column if size != 1), column[0]) for column in zip(*wide))


def _widened(t: OnnxTranslator, value: OnnxValue, shape: Shape) -> OnnxValue:
    """A value whose axes of size 1 are repeated to a shape."""
    wide = (*(Integer(1),) * (len(shape) - len(value.shape)), *value.shape)
    batched = value.batched and wide[0] == shape[0] == 1 and len(wide) == len(value.shape)
    own, target = (wide[1:], shape[1:]) if batched else (wide, shape)
    if value.own != own:
        value = OnnxValue(t.add(reshape.Reshape(own), [value])[0], wide, batched)
    repeated = tuple(axis for axis, (a, b) in enumerate(zip(own, target)) if a != b)
    name = t.add(arithmetic.Expand(repeated, target), [value])[0] if repeated else value.name
    return OnnxValue(name, shape, batched)


FIXED_ONLY = (
    "Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "And", "Or", "Not", "Trilu", "Range", "ConstantOfShape", "Mod", "CumSum", "Floor",
)  # fmt: skip
"""Operators that are known where they make masks and positions, not where they see the data."""


@rule(*FIXED_ONLY)
def _known(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    """Masks and positions of symbolic size: tensors that are fixed, although their entries are not worked out."""
    if node.op_type == "ConstantOfShape":
        shape = tuple(size if isinstance(size, Expr) else Integer(int(size)) for size in t.numbers(node.input[0]))
    elif node.op_type == "Range":
        start, stop, step = (t.numbers(name)[0] for name in node.input)
        shape = (simplify(ceiling((stop - start) / step)),)
    else:
        names = node.input[:1] if node.op_type in ("Trilu", "CumSum") else node.input
        shape = _broadcast([t.values[name].shape for name in names])
    t.values[node.output[0]] = OnnxValue(node.output[0], shape, False, weight=True, fixed=True)


@rule("ScatterND")
def _scatter(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    data, places, updates = node.input
    if not t.is_fixed([places, updates]) or a.get("reduction", b"none") != b"none":
        raise UnsupportedError(f"{t.name}: entries written at places, or with values, that depend on the data have no layer")
    t.put(node.output[0], arithmetic.Masked(), [data])
