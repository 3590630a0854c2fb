"""Rules for ONNX's elementwise operators and joins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ....algebra.errors import UnsupportedError
from ....algebra.networks.network import Network
from ... import activation, arithmetic
from ...importers.arrays import ARITHMETIC, FUNCTIONS, aligned, broadcast, concatenated, softmax_along
from ..translator import OnnxTranslator, number_of, rule

_PLAIN: dict[str, Callable[[Mapping[str, Any]], Network]] = {
    "HardSwish": lambda a: activation.Hardswish(), "Reciprocal": lambda a: arithmetic.Power(-1), "Erf": lambda a: arithmetic.Erf(),
    "LeakyRelu": lambda a: activation.LeakyReLU(float(f"{a.get('alpha', 0.01):.7g}")),
    "Elu": lambda a: activation.ELU(float(f"{a.get('alpha', 1.0):.7g}")),
    "Gelu": lambda a: activation.GELU(a.get("approximate", b"none") == b"tanh"),
}  # fmt: skip


@rule(*_PLAIN)
def _of_attributes(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    t.put(node.output[0], _PLAIN[node.op_type](a), [node.input[0]])


@rule(*(name.capitalize() for name in FUNCTIONS))
def _function(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    t.put(node.output[0], FUNCTIONS[node.op_type.lower()](), [node.input[0]])


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
    t.put(node.output[0], softmax_along(axis - value.batched, len(value.own)), [value])


@rule("Dropout", "Identity", "Cast")
def _passed_on(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    name = node.input[0]
    t.put(node.output[0], activation.Dropout(0) if node.op_type == "Dropout" else None, [name])


_TURNED: dict[str, Callable[[Any], Network]] = {
    "Add": arithmetic.Shift, "Mul": arithmetic.Scale, "Sub": lambda number: arithmetic.Scale(-1) >> arithmetic.Shift(number),
    "Div": lambda number: arithmetic.Power(-1) >> arithmetic.Scale(number),
}  # fmt: skip
"""A number on the left of a tensor."""


@rule(*_TURNED)
def _arithmetic(t: OnnxTranslator, node: Any, a: Mapping[str, Any]) -> None:
    by_number, join, stretch = ARITHMETIC[node.op_type.lower()]
    first, second = (number_of(t, name) for name in node.input[:2])
    if second is not None and first is None:
        return t.put(node.output[0], by_number(second), [node.input[0]])
    if first is not None and second is None:
        return t.put(node.output[0], _TURNED[node.op_type](first), [node.input[1]])
    values = [t.get(name) for name in node.input[:2]]
    return t.put(node.output[0], join(), aligned(t, values, broadcast([v.shape for v in values]), stretch))


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
    t.values[node.output[0]] = concatenated(t, [t.get(name) for name in node.input], int(a["axis"]))
