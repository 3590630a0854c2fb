"""Rules for ONNX's elementwise operators and joins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sympy import Expr, Integer

from ....algebra.errors import UnsupportedError
from ....algebra.networks.network import Add, Concat, Network
from ....algebra.networks.network import Mul as Product
from ... import activation, arithmetic, reshape
from ..translator import RULES, OnnxTranslator, OnnxValue, Rule, rule

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
    low, high = (
        (ends[0] if ends[0] is not None else a.get("min", -1e12)),
        (ends[1] if ends[1] is not None else a.get("max", 1e12)),
    )
    layer = (
        activation.ReLU6() if (float(low), float(high)) == (0.0, 6.0) else activation.Hardtanh(float(low), float(high))
    )
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


def number_of(t: OnnxTranslator, name: str) -> Any:
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


def _elementwise(
    scalar: Callable[[Any], Network], turned: Callable[[Any], Network], join: Callable[[], Network], stretch: bool
) -> Rule:
    """A rule for two tensors, or for one and a number on the right (`scalar`) or on the left (`turned`)."""

    def apply(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
        first, second = (number_of(t, name) for name in node.input[:2])
        if second is not None and first is None:
            return t.put(node.output[0], scalar(second), [node.input[0]])
        if first is not None and second is None:
            return t.put(node.output[0], turned(first), [node.input[1]])
        return t.put(node.output[0], join(), _aligned(t, node, stretch))

    return apply


RULES["Add"] = _elementwise(arithmetic.Shift, arithmetic.Shift, Add, False)
RULES["Mul"] = _elementwise(arithmetic.Scale, arithmetic.Scale, Product, False)
RULES["Sub"] = _elementwise(
    lambda number: arithmetic.Shift(-number),
    lambda number: arithmetic.Scale(-1) >> arithmetic.Shift(number),
    arithmetic.Subtract,
    True,
)
RULES["Div"] = _elementwise(
    lambda number: arithmetic.Scale(1 / number),
    lambda number: arithmetic.Power(-1) >> arithmetic.Scale(number),
    arithmetic.Divide,
    True,
)


@rule("Pow")
def _power(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    exponent = t.numbers(node.input[1])[0]
    t.put(
        node.output[0],
        arithmetic.Power(int(exponent) if float(exponent).is_integer() else float(exponent)),
        [node.input[0]],
    )


@rule("Concat")
def _concat(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    values = [t.get(name) for name in node.input]
    if len(values) == 1:
        return t.put(node.output[0], None, values)
    axis = int(a["axis"]) % len(values[0].shape)
    batched = axis > 0 and all(value.batched or value.shape[0] == 1 for value in values)
    values = [(t.batched if batched else t.whole)(name) for name in node.input]
    t.put(node.output[0], Concat(axis=axis - batched), values, batched)
