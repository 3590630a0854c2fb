"""PyTorch's functions of elements: what each is called here, or how it is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sympy import Expr

from ....algebra.errors import UnsupportedError
from ....algebra.networks.network import Network
from ... import activation, arithmetic
from ...importers.arrays import FUNCTIONS, TEXTS, entrywise, expanded, mapped, masked, softmaxed, spelt
from ...importers.tensors import Tensor
from ..translator import Translator, argument, is_tensor, rule

_LAYERS: dict[str, Callable[[], Network]] = {
    **FUNCTIONS, "relu6": activation.ReLU6, "silu": activation.SiLU, "hardswish": activation.Hardswish,
    "hardsigmoid": activation.Hardsigmoid, "rsqrt": lambda: arithmetic.Power(-0.5), "erf": arithmetic.Erf, "square": lambda: arithmetic.Power(2),
    "reciprocal": lambda: arithmetic.Power(-1),
}  # fmt: skip
"""Functions of one element that have a layer."""

_FORMULAS = {
    **{name: TEXTS[name] for name in
       ("cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh", "floor", "ceil", "trunc", "sign", "log1p", "expm1", "exp2", "erfc")},
    "sgn": TEXTS["sign"], "log2": "log({0})/0.6931471805599453", "log10": "log({0})/2.302585092994046", "frac": "{0} - trunc({0})",
    "logical_not": "equal({0}, 0)", "isnan": "1 - equal({0}, {0})", "isinf": "equal(abs({0}), inf)", "log_sigmoid": "0 - softplus(0 - {0})",
    "tanhshrink": "{0} - tanh({0})", "softsign": "{0}/(1 + abs({0}))", "positive": "{0}",
    "selu": "1.0507009873554805*(max({0}, 0) + 1.6732632423543772*(exp(min({0}, 0)) - 1))", "deg2rad": "0.017453292519943295*{0}",
    "rad2deg": "57.29577951308232*{0}", "sinc": "choose(equal({0}, 0), 1, sin(3.141592653589793*{0})/(3.141592653589793*{0}))",
    "maximum": TEXTS["maximum"], "minimum": TEXTS["minimum"], "fmax": TEXTS["maximum"], "fmin": TEXTS["minimum"], "hypot": "sqrt({0}**2 + {1}**2)",
    "lt": TEXTS["less"], "gt": TEXTS["greater"], "ge": TEXTS["greater_equal"], "le": TEXTS["less_equal"], "eq": TEXTS["equal"], "ne": TEXTS["not_equal"],
    "logical_and": "(1 - equal({0}, 0))*(1 - equal({1}, 0))", "logical_or": "1 - equal({0}, 0)*equal({1}, 0)",
    "logical_xor": "abs(equal({0}, 0) - equal({1}, 0))", "fmod": TEXTS["remainder_of_trunc"], "remainder": "{0} - {1}*floor({0}/{1})",
    "floor_divide": "floor({0}/{1})", "true_divide": "{0}/{1}",
    "atan2": "choose(less(0, {1}), atan({0}/{1}), choose(less({1}, 0), atan({0}/{1}) + 3.141592653589793*(1 - 2*less({0}, 0)), 1.5707963267948966*sign({0})))",
    "xlogy": "choose(equal({0}, 0), 0, {0}*log({1}))",
}  # fmt: skip
"""Functions of one element or of two, of which either may be a number, without further arguments."""

_BITWISE = {
    "bitwise_and": ("logical_and", "bitand"),
    "bitwise_or": ("logical_or", "bitor"),
    "bitwise_xor": ("logical_xor", "bitxor"),
}
"""What each is of truths, and of integers."""


def _name(node: Any) -> str:
    return str(node.target.__name__.split(".")[0].rstrip("_"))


@rule(*_LAYERS)
def _layer(t: Translator, node: Any) -> None:
    t.put(node, _LAYERS[_name(node)](), [node.args[0]])


@rule(*_FORMULAS)
def _formula(t: Translator, node: Any) -> None:
    text = _FORMULAS[_name(node)]
    if "{1}" in text:
        return of_elements(t, node, text, node.args[:2])
    return t.keep(node, mapped(t, text.replace("{0}", "$"), t.value(node.args[0]), node.name))


def of_elements(t: Translator, node: Any, text: str, parts: Any) -> None:
    """The node's value is a function of elements, ``{0}``, ``{1}``... of tensors and numbers."""
    values: list[Tensor] = []
    words: list[str] = []
    for part in parts:
        if is_tensor(part):
            words.append(f"{{{len(values)}}}")
            values.append(t.value(part))
        else:
            words.append(spelt(number(t, part)))
    text = text.format(*words)
    t.keep(node, entrywise(t, text, values, node.name))


def number(t: Translator, value: Any) -> Any:
    """A number among arguments; a size as an integer."""
    if hasattr(value, "meta") or hasattr(value, "node"):
        size = t.sizes(value)
        if not size.is_Integer:
            raise UnsupportedError(f"the size {size} stands in a formula for elements; only literal ones can")
        return int(size)
    if isinstance(value, (bool, int, float)):
        return value
    raise UnsupportedError(f"{value!r} stands where a number is wanted")


@rule(*_BITWISE)
def _bitwise(t: Translator, node: Any) -> None:
    of_truths, of_integers = _BITWISE[_name(node)]
    text = _FORMULAS[of_truths] if "bool" in str(node.meta["val"].dtype) else TEXTS[of_integers]
    of_elements(t, node, text, node.args[:2])


@rule("bitwise_not")
def _bitwise_not(t: Translator, node: Any) -> None:
    text = "equal($, 0)" if "bool" in str(node.meta["val"].dtype) else "0 - 1 - $"
    t.keep(node, mapped(t, text, t.value(node.args[0]), node.name))


@rule("round")
def _round(t: Translator, node: Any) -> None:
    factor = 10 ** int(argument(node, 1, "decimals", 0))
    text = "round($)" if factor == 1 else f"round({factor}*$)/{factor}"
    t.keep(node, mapped(t, text, t.value(node.args[0]), node.name))


@rule("gelu")
def _gelu(t: Translator, node: Any) -> None:
    t.put(node, activation.GELU(argument(node, 1, "approximate", "none") == "tanh"), [node.args[0]])


@rule("leaky_relu")
def _leaky(t: Translator, node: Any) -> None:
    t.put(node, activation.LeakyReLU(float(argument(node, 1, "negative_slope", 0.01))), [node.args[0]])


@rule("elu")
def _elu(t: Translator, node: Any) -> None:
    alpha, scale, inner = (float(argument(node, place, "", 1.0)) for place in (1, 2, 3))
    if (scale, inner) == (1.0, 1.0):
        return t.put(node, activation.ELU(alpha), [node.args[0]])
    text = f"{spelt(scale)}*(max($, 0) + {spelt(alpha)}*(exp({spelt(inner)}*min($, 0)) - 1))"
    return t.keep(node, mapped(t, text, t.value(node.args[0]), node.name))


@rule("softplus")
def _softplus(t: Translator, node: Any) -> None:
    """PyTorch passes on what is beyond a threshold; beyond 20 the two are the same number."""
    beta, threshold = float(argument(node, 1, "beta", 1.0)), float(argument(node, 2, "threshold", 20.0))
    if beta == 1.0 and threshold >= 20.0:
        return t.put(node, activation.Softplus(), [node.args[0]])
    text = f"softplus({spelt(beta)}*$)/{spelt(beta)}"
    if threshold < 20.0:
        text = f"choose(less({spelt(threshold)}, {spelt(beta)}*$), $, {text})"
    return t.keep(node, mapped(t, text, t.value(node.args[0]), node.name))


@rule("threshold")
def _threshold(t: Translator, node: Any) -> None:
    bound, other = (spelt(float(part)) for part in node.args[1:3])
    t.keep(node, mapped(t, f"choose(less({bound}, $), $, {other})", t.value(node.args[0]), node.name))


@rule("hardtanh", "clamp", "clamp_min", "clamp_max", "clip")
def _clamp(t: Translator, node: Any) -> None:
    name = _name(node)
    low, high = argument(node, 1, "min"), argument(node, 2, "max")
    if name == "clamp_max":
        low, high = None, argument(node, 1, "max")
    if name == "hardtanh":
        low, high = argument(node, 1, "min_val", -1.0), argument(node, 2, "max_val", 1.0)
    finite = [
        end is not None and not is_tensor(end) and abs(float(number(t, end))) < float("inf") for end in (low, high)
    ]
    if all(finite) and number(t, low) < number(t, high):
        ends = number(t, low), number(t, high)
        return t.put(
            node, activation.ReLU6() if ends == (0, 6) else activation.Hardtanh(*map(float, ends)), [node.args[0]]
        )
    if not is_tensor(low) and low == 0 and high is None:
        return t.put(node, activation.ReLU(), [node.args[0]])
    text, parts = "{0}", [node.args[0]]
    for function, end in (("max", low), ("min", high)):
        if end is not None:
            parts.append(end)
            text = f"{function}({text}, {{{len(parts) - 1}}})"
    return of_elements(t, node, text, parts)


@rule("softmax", "_softmax")
def _softmax(t: Translator, node: Any) -> None:
    t.keep(node, softmaxed(t, t.value(node.args[0]), node.args[1], node.name))


@rule("log_softmax", "_log_softmax")
def _log_softmax(t: Translator, node: Any) -> None:
    made = softmaxed(t, t.value(node.args[0]), node.args[1], f"{node.name}_softmax")
    t.keep(node, t.add(arithmetic.Log(), [made], made.shape, made.batched, node.name))


@rule("softmin")
def _softmin(t: Translator, node: Any) -> None:
    turned = mapped(t, "0 - $", t.value(node.args[0]), f"{node.name}_turned")
    t.keep(node, softmaxed(t, turned, node.args[1], node.name))


@rule("dropout", "native_dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout", "rrelu")
def _dropout(t: Translator, node: Any) -> None:
    if _name(node) == "rrelu":
        slope = (float(argument(node, 1, "lower", 1 / 8)) + float(argument(node, 2, "upper", 1 / 3))) / 2
        return t.put(node, activation.LeakyReLU(slope), [node.args[0]])
    return t.put(node, activation.Dropout(float(argument(node, 1, "p", 0.5))), [node.args[0]])


@rule(
    "contiguous", "clone", "alias", "detach", "to", "_to_copy", "lift_fresh_copy", "lift_fresh", "type_as", "expand_as", "float", "real",
    "resolve_conj", "resolve_neg", "conj_physical",
)  # fmt: skip
def _passed_on(t: Translator, node: Any) -> None:
    value = converted(t, t.value(node.args[0]), node.args[0], node, f"{node.name}_converted")
    t.keep(node, expanded(t, value, t.shape(node), node.name))


def converted(t: Translator, value: Tensor, before: Any, after: Any, label: str) -> Tensor:
    """A tensor of the type of one node in that of another: truths are what is not 0, and integers have no fraction."""
    given, wanted = (str(node.meta["val"].dtype) for node in (before, after))
    if "bool" in wanted and "bool" not in given:
        return mapped(t, "1 - equal($, 0)", value, label)
    return mapped(t, "trunc($)", value, label) if "int" in wanted and "float" in given else value


@rule("nan_to_num")
def _nan_to_num(t: Translator, node: Any) -> None:
    """What is no number, or infinite, is replaced: an infinity by the largest number of the type, if nothing else is said."""
    value, dtype = t.value(node.args[0]), node.meta["val"].dtype
    if not dtype.is_floating_point:
        return t.keep(node, value)
    from torch import finfo

    other, high, low = (argument(node, place, "") for place in (1, 2, 3))
    most, least = (
        spelt(bound if end is None else end) for end, bound in ((high, finfo(dtype).max), (low, finfo(dtype).min))
    )
    bounded = f"choose(equal($, inf), {most}, choose(equal($, 0 - inf), {least}, $))"
    return t.keep(node, mapped(t, f"choose(equal($, $), {bounded}, {spelt(other or 0)})", value, node.name))


@rule("view.dtype")
def _bits(t: Translator, node: Any) -> None:
    raise UnsupportedError(
        "the bits of numbers read as those of another type\n  write instead: x.to(dtype), if the numbers are meant"
    )


@rule("pow", "float_power")
def _pow(t: Translator, node: Any) -> None:
    base, exponent = node.args
    if not is_tensor(exponent):
        return t.put(node, arithmetic.Power(exponent), [base])
    if not is_tensor(base):
        return t.keep(node, mapped(t, f"pow({spelt(number(t, base))}, $)", t.value(exponent), node.name))
    return of_elements(t, node, "pow({0}, {1})", (base, exponent))


@rule("where", "masked_fill")
def _where(t: Translator, node: Any) -> None:
    """A fixed condition is a mask; one that depends on the data chooses."""
    if len(node.args) < 3:
        raise UnsupportedError("where with a condition only gives places, whose number depends on the data")
    filled = _name(node) == "masked_fill"
    condition = node.args[1] if filled else node.args[0]
    one, two = (node.args[2], node.args[0]) if filled else node.args[1:3]
    if not t.is_known(condition.name):
        return of_elements(t, node, "choose({0}, {1}, {2})", (condition, one, two))
    computed = [part for part in (one, two) if is_tensor(part) and not t.is_known(part.name)]
    parts = [(part.name, t.value(part)) for part in dict.fromkeys(computed)]
    return t.keep(node, masked(t, parts, t.shape(node), node.name))


@rule(
    "arange",
    "zeros",
    "ones",
    "full",
    "new_zeros",
    "new_ones",
    "scalar_tensor",
    "empty",
    "eye",
    "linspace",
    "randn",
    "rand",
    "randint",
    "randperm",
)
def _constant(t: Translator, node: Any) -> None:
    t.values[node.name] = t.stored(t.shape(node), learned=False, label=node.name)


def factor(t: Translator, value: Any) -> Any:
    """A number beside a tensor, or a size."""
    if hasattr(value, "meta") or hasattr(value, "node"):
        size: Expr = t.sizes(value)
        return size
    return float(value) if isinstance(value, float) else value
