"""Rules for PyTorch's elementwise functions, and for tensors that depend on no input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ....algebra.errors import UnsupportedError
from ....algebra.networks.network import Network
from ... import activation, arithmetic
from ...importers.arrays import FUNCTIONS, softmaxed
from ..translator import RULES, Translator, argument, is_tensor, rule
from .axes import expand

_PLAIN: dict[str, Callable[[], Network]] = {
    **FUNCTIONS, "relu6": activation.ReLU6, "silu": activation.SiLU, "hardswish": activation.Hardswish,
    "hardsigmoid": activation.Hardsigmoid, "rsqrt": lambda: arithmetic.Power(-0.5),
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
    layer = (
        activation.ReLU6()
        if relu6
        else activation.ReLU()
        if (low, high) == (0, None)
        else activation.Hardtanh(*map(float, bounds))
    )
    t.put(node, layer, [node.args[0]])


@rule("softmax", "_softmax")
def _softmax(t: Translator, node: Any) -> None:
    t.keep(node, softmaxed(t, t.value(node.args[0]), node.args[1], node.name))


@rule("dropout", "native_dropout", "feature_dropout")
def _dropout(t: Translator, node: Any) -> None:
    t.put(node, activation.Dropout(float(argument(node, 1, "p", 0.5))), [node.args[0]])


@rule(
    "contiguous",
    "clone",
    "alias",
    "detach",
    "to",
    "_to_copy",
    "lift_fresh_copy",
    "lift_fresh",
    "type_as",
    "expand_as",
    "float",
)
def _passed_on(t: Translator, node: Any) -> None:
    if t.shape(node) != t.value(node.args[0]).shape:
        return expand(t, node)
    t.put(node, None, [node.args[0]])


@rule("pow")
def _pow(t: Translator, node: Any) -> None:
    if is_tensor(node.args[1]) or is_tensor(node.args[0]) is False:
        raise UnsupportedError(f"{node.name}: only powers with a literal exponent have a layer")
    t.put(node, arithmetic.Power(node.args[1]), [node.args[0]])


@rule("arange", "zeros", "ones", "full", "new_zeros", "new_ones", "scalar_tensor", "empty", "eye", "linspace")
def _constant(t: Translator, node: Any) -> None:
    t.values[node.name] = t.stored(t.shape(node), learned=False, label=node.name)
