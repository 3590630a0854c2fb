"""Rules for ONNX's operators on single elements: functions, arithmetic, comparisons, logic, bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sympy import Expr

from ....algebra.errors import UnsupportedError
from ....algebra.networks.network import Network
from ... import activation, arithmetic
from ...importers.arrays import ARITHMETIC, FUNCTIONS, TEXTS, aligned, broadcast, concatenated, entrywise, mapped, spelt
from ..attributes import Attributes
from ..kinds import BOOL, COARSE, FLOATS, SIGNED, STRING, UNSIGNED, is_whole, limits
from ..translator import OnnxTranslator, number_of, rule

_PLAIN: dict[str, Callable[[Attributes], Network]] = {
    "HardSwish": lambda a: activation.Hardswish(), "Reciprocal": lambda a: arithmetic.Power(-1), "Erf": lambda a: arithmetic.Erf(),
    "LeakyRelu": lambda a: activation.LeakyReLU(a.number("alpha", 0.01)), "Elu": lambda a: activation.ELU(a.number("alpha", 1.0)),
    "Gelu": lambda a: activation.GELU(_approximate(a)),
}  # fmt: skip


def _approximate(a: Attributes) -> bool:
    how = a.text("approximate", "none")
    if how not in ("none", "tanh"):
        raise UnsupportedError(f"Gelu approximated by {how!r}; none and tanh have a layer")
    return how == "tanh"


@rule(*_PLAIN)
def _of_attributes(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    t.put(node.output[0], _PLAIN[node.op_type](a), [node.input[0]])


@rule(*(name.capitalize() for name in FUNCTIONS))
def _function(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    t.put(node.output[0], FUNCTIONS[node.op_type.lower()](), [node.input[0]])


_ALIKE = (
    "tan",
    "asin",
    "acos",
    "atan",
    "sinh",
    "cosh",
    "asinh",
    "acosh",
    "atanh",
    "floor",
    "ceil",
    "round",
    "sign",
    "cos",
)
"""Functions that ONNX and the equation language call alike."""

_SINGLE: dict[str, Callable[[Attributes], str]] = {
    **dict.fromkeys((name.capitalize() for name in _ALIKE), lambda a: ""),
    "Not": lambda a: "equal($, 0)", "IsNaN": lambda a: "1 - equal($, $)", "Softsign": lambda a: "$ / (1 + abs($))",
    "Celu": lambda a: (lambda alpha: f"max($, 0) + min(0, {alpha}*(exp($/{alpha}) - 1))")(spelt(a.number("alpha", 1.0))),
    "Selu": lambda a: f"{spelt(a.number('gamma', 1.0507009873554805))}*(max($, 0) + {spelt(a.number('alpha', 1.6732632423543772))}*(exp(min($, 0)) - 1))",
    "ThresholdedRelu": lambda a: f"choose(less({spelt(a.number('alpha', 1.0))}, $), $, 0)",
    "Shrink": lambda a: (lambda bias, bound: f"choose(less($, 0 - {bound}), $ + {bias}, choose(less({bound}, $), $ - {bias}, 0))")(
        spelt(a.number("bias", 0.0)), spelt(a.number("lambd", 0.5))),
    "Swish": lambda a: f"$ * sigmoid({spelt(a.number('alpha', 1.0))}*$)",
    "IsInf": lambda a: f"max({int(a.get('detect_positive', 1))}*equal($, inf), {int(a.get('detect_negative', 1))}*equal($, 0 - inf))",
}  # fmt: skip
"""Functions of one element, ``$``."""


@rule(*_SINGLE)
def _single(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    if node.op_type == "IsNaN" and t.is_computed(node.input[0]):
        t.never.add(node.output[0])
    text = _SINGLE[node.op_type](a) or f"{node.op_type.lower()}($)"
    t.values[node.output[0]] = mapped(t, text, t.get(node.input[0]))


@rule("HardSigmoid")
def _hard_sigmoid(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    alpha, beta = a.number("alpha", 0.2), a.number("beta", 0.5)
    if abs(alpha - 1 / 6) < 1e-6 and beta == 0.5:
        return t.put(node.output[0], activation.Hardsigmoid(), [node.input[0]])
    text = f"max(0, min(1, {spelt(alpha)}*$ + {spelt(beta)}))"
    t.values[node.output[0]] = mapped(t, text, t.get(node.input[0]))
    return None


@rule("Clip")
def _clip(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    out, given = node.output[0], [*node.input[1:3], "", ""][:2]
    ends: list[Any] = []
    for name, attribute in zip(given, ("min", "max")):
        ends.append(number_of(t, name) if name else a.get(attribute))
    value = t.get(node.input[0])
    if any(name and end is None for name, end in zip(given, ends)):
        values, text = [value], "{0}"
        for name, function in zip(given, ("max", "min")):
            if name:
                values.append(t.get(name))
                text = f"{function}({text}, {{{len(values) - 1}}})"
        t.values[out] = entrywise(t, text, values)
        return None
    low, high = (None if end is None or abs(float(end)) > 3e38 else float(end) for end in ends)
    if low is None and high is None:
        return t.put(out, None, [value])
    if low is not None and high is not None and low < high:
        return t.put(out, activation.ReLU6() if (low, high) == (0.0, 6.0) else activation.Hardtanh(low, high), [value])
    if (low, high) == (0.0, None):
        return t.put(out, activation.ReLU(), [value])
    text = "$"
    for function, end in (("max", low), ("min", high)):
        text = text if end is None else f"{function}({text}, {spelt(end)})"
    t.values[out] = mapped(t, text, value)
    return None


@rule("Dropout")
def _dropout(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    a.get("seed"), a.get("ratio"), a.get("is_test"), a.get("consumed_inputs")  # of training, which is not what is read
    if len(node.input) > 2 and node.input[2] and any(t.numbers(node.input[2])):
        raise UnsupportedError(f"{t.name}: dropout in training draws at random; export the model for inference")
    t.put(node.output[0], activation.Dropout(0), [node.input[0]])
    if len(node.output) > 1 and node.output[1]:
        t.values[node.output[1]] = mapped(t, "equal($, $)", t.get(node.input[0]))


@rule("Identity")
def _identity(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    t.put(node.output[0], None, [node.input[0]])


@rule("Cast", "CastLike")
def _cast(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    target = int(a["to"]) if node.op_type == "Cast" else t.kinds.get(node.input[1])
    source, out = t.kinds.get(node.input[0]), node.output[0]
    value = t.get(node.input[0])
    if STRING in (source, target):
        raise UnsupportedError(f"{t.name}: a text has no place among the tensors of numbers")
    if target in COARSE or source in COARSE or a.get("round_mode", b"up") != b"up":
        a.get("saturate")
        t.values[out] = t.opaque(f"to {COARSE.get(target or 0, 'numbers')}", [value], value.shape)
        return None
    if target is None or (source is None and target not in FLOATS):
        raise UnsupportedError(f"{t.name}: the kind of number of {node.input[0]} is not known")
    if target in FLOATS or source == BOOL:
        return t.put(out, None, [value])
    if target == BOOL:
        t.values[out] = mapped(t, "1 - equal($, 0)", value)
        return None
    if source in FLOATS:
        if (SIGNED.get(target) or UNSIGNED[target]) < 8:
            t.values[out] = t.opaque(f"to {(SIGNED.get(target) or UNSIGNED[target])} bits", [value], value.shape)
            return None
        t.values[out] = mapped(t, "trunc($)", value)
        return None
    low, high = limits(target)
    if low <= limits(source)[0] and limits(source)[1] <= high:
        return t.put(out, None, [value])
    width = high - low + 1
    shifted = f"$ - {low}" if low >= 0 else f"$ + {-low}"
    turned = f"$ - {width}*floor(({shifted})/{width})"
    t.values[out] = mapped(t, turned, value)
    return None


_TURNED: dict[str, Callable[[Any], Network]] = {
    "Add": arithmetic.Shift, "Mul": arithmetic.Scale, "Sub": lambda number: arithmetic.Scale(-1) >> arithmetic.Shift(number),
    "Div": lambda number: arithmetic.Power(-1) >> arithmetic.Scale(number),
}  # fmt: skip
"""A number on the left of a tensor."""


@rule(*_TURNED)
def _arithmetic(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    by_number, join, stretch = ARITHMETIC[node.op_type.lower()]
    left, right = node.input[:2]
    if t.opset < 7 and a.get("broadcast"):
        right = t.beside(left, right, a.get("axis"))
    whole = node.op_type == "Div" and any(is_whole(t.kinds.get(name)) for name in node.input[:2])
    if whole:
        t.values[node.output[0]] = entrywise(t, "trunc({0} / {1})", [t.get(left), t.get(right)])
        return None
    first, second = (number_of(t, name) for name in (left, right))
    if second is not None and first is None and not (node.op_type == "Div" and second == 0):
        if len(t.values[left].shape) >= len(t.values[right].shape):
            return t.put(node.output[0], by_number(second), [left])
    if first is not None and second is None and len(t.values[right].shape) >= len(t.values[left].shape):
        return t.put(node.output[0], _TURNED[node.op_type](first), [right])
    values = [t.get(name) for name in (left, right)]
    shape = broadcast([v.shape for v in values])
    if not shape:
        t.values[node.output[0]] = entrywise(
            t, {"Add": "{0} + {1}", "Mul": "{0} * {1}", "Sub": "{0} - {1}", "Div": "{0} / {1}"}[node.op_type], values
        )
        return None
    return t.put(node.output[0], join(), aligned(t, values, shape, stretch))


@rule("Pow")
def _power(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    exponent, out = number_of(t, node.input[1]), node.output[0]
    rank = [len(t.values[name].shape) for name in node.input]
    if exponent is not None and not isinstance(exponent, Expr) and rank[1] <= rank[0]:
        whole = int(exponent) if float(exponent).is_integer() else float(exponent)
        return t.put(out, arithmetic.Power(whole), [node.input[0]])
    text = "trunc(pow({0}, {1}))" if is_whole(t.kinds.get(node.input[0])) else "pow({0}, {1})"
    t.values[out] = entrywise(t, text, [t.get(name) for name in node.input])
    return None


_PAIRS = {
    "Equal": TEXTS["equal"], "Less": TEXTS["less"], "Greater": TEXTS["greater"], "LessOrEqual": "max(less({0}, {1}), equal({0}, {1}))",
    "GreaterOrEqual": "max(less({1}, {0}), equal({0}, {1}))", "And": "min({0}, {1})", "Or": "max({0}, {1})", "Xor": "abs({0} - {1})",
    "BitwiseAnd": TEXTS["bitand"], "BitwiseOr": TEXTS["bitor"], "BitwiseXor": TEXTS["bitxor"],
    "PRelu": "max({0}, 0) + {1}*min({0}, 0)",
}  # fmt: skip


@rule(*_PAIRS)
def _pair(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    left, right = node.input[:2]
    if t.opset < 7 and a.get("broadcast"):
        right = t.beside(left, right, a.get("axis"))
    if t.kinds.get(left) == STRING:
        raise UnsupportedError(f"{t.name}: {node.op_type} of texts")
    if node.op_type == "PRelu" and t.opset < 7 and len(t.values[right].shape) == 1 and t.values[right].shape[0] != 1:
        right = t.beside(left, right, 1)
    t.values[node.output[0]] = entrywise(t, _PAIRS[node.op_type], [t.get(left), t.get(right)])


@rule("Mod")
def _mod(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    kind = "fmod" if int(a.get("fmod", 0)) else "mod"
    t.values[node.output[0]] = entrywise(t, f"{kind}({{0}}, {{1}})", [t.get(name) for name in node.input])


@rule("BitwiseNot")
def _bitwise_not(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    kind = t.kinds.get(node.input[0])
    if not is_whole(kind):
        raise UnsupportedError(f"{t.name}: the kind of number of {node.input[0]} is not known")
    top = limits(kind)[1] if kind in UNSIGNED else -1
    t.values[node.output[0]] = mapped(t, f"{top} - $" if top >= 0 else "0 - 1 - $", t.get(node.input[0]))


@rule("BitShift")
def _shift(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    kind, direction = t.kinds.get(node.input[0]), a.text("direction", "")
    if not is_whole(kind) or direction not in ("LEFT", "RIGHT"):
        raise UnsupportedError(f"{t.name}: BitShift {direction!r} of numbers whose bits are not known")
    low, high = limits(kind)
    bits = (high - low).bit_length()
    least = "0" if low == 0 else f"2**{bits - 1}"
    if direction == "LEFT":  # a negative shift is one by more bits than there are
        text = f"choose(less({{1}}, 0), 0, mod({{0}} * pow(2, {{1}}) + {least}, 2**{bits}) - {least})"
    else:
        text = "choose(less({1}, 0), 0 - less({0}, 0), floor({0} / pow(2, {1})))"
    t.values[node.output[0]] = entrywise(t, text, [t.get(name) for name in node.input])


_MANY = {"Max": "max({one}, {two})", "Min": "min({one}, {two})", "Sum": "{one} + {two}", "Mean": "{one} + {two}"}


@rule(*_MANY)
def _many(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    a.get("consumed_inputs")
    values = [t.get(name) for name in node.input]
    if len(values) == 1:
        return t.put(node.output[0], None, values)
    if node.op_type == "Sum" and len({value.shape for value in values}) == 1 and len({v.batched for v in values}) == 1:
        if values[0].shape and len({value.name for value in values}) == len(values):
            return t.put(node.output[0], ARITHMETIC["add"][1](), values)
    text = "{0}"
    for place in range(1, len(values)):
        text = _MANY[node.op_type].format(one=text, two=f"{{{place}}}")
    t.values[node.output[0]] = entrywise(t, f"({text})/{len(values)}" if node.op_type == "Mean" else text, values)
    return None


@rule("Concat")
def _concat(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    values = [t.get(name) for name in node.input]
    axis = int(a.get("axis", 1) if t.opset < 4 else a["axis"])
    if len(values) == 1:
        return t.put(node.output[0], None, values)
    t.values[node.output[0]] = concatenated(t, values, axis)
    return None
