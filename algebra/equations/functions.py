"""The elementwise functions of the language: how they are written, and what they do to a number."""

from __future__ import annotations

from ..records import dataclass


@dataclass(frozen=True)
class Function:
    """An elementwise function: how many arguments, how it is typeset, and the slopes of its affine pieces if it has them.

    `slopes` lists the slopes of a function of one argument from left to right; None means that it has no affine pieces.
    """

    name: str
    arity: int
    latex: str
    slopes: tuple[int, ...] | None = None


FUNCTIONS = {
    function.name: function
    for function in (
        Function("relu", 1, r"\operatorname{ReLU}", (0, 1)),
        Function("abs", 1, r"\operatorname{abs}", (-1, 1)),
        Function("max", 2, r"\max", (0, 1)),
        Function("min", 2, r"\min", (1, 0)),
        Function("exp", 1, r"\exp"),
        Function("log", 1, r"\log"),
        Function("sqrt", 1, r"\sqrt"),
        Function("tanh", 1, r"\tanh"),
        Function("sigmoid", 1, r"\sigma"),
        Function("erf", 1, r"\operatorname{erf}"),
        Function("sin", 1, r"\sin"),
        Function("cos", 1, r"\cos"),
        Function("softplus", 1, r"\operatorname{softplus}"),
        Function("tan", 1, r"\tan"),
        Function("asin", 1, r"\arcsin"),
        Function("acos", 1, r"\arccos"),
        Function("atan", 1, r"\arctan"),
        Function("sinh", 1, r"\sinh"),
        Function("cosh", 1, r"\cosh"),
        Function("asinh", 1, r"\operatorname{arsinh}"),
        Function("acosh", 1, r"\operatorname{arcosh}"),
        Function("atanh", 1, r"\operatorname{artanh}"),
        Function("floor", 1, r"\operatorname{floor}"),
        Function("ceil", 1, r"\operatorname{ceil}"),
        Function("trunc", 1, r"\operatorname{trunc}"),
        Function("round", 1, r"\operatorname{round}"),
        Function("sign", 1, r"\operatorname{sign}"),
        Function("less", 2, r"\operatorname{less}"),
        Function("equal", 2, r"\operatorname{equal}"),
        Function("choose", 3, r"\operatorname{choose}"),
        Function("pow", 2, r"\operatorname{pow}"),
        Function("mod", 2, r"\operatorname{mod}"),
        Function("fmod", 2, r"\operatorname{fmod}"),
        Function("bitand", 2, r"\operatorname{bitand}"),
        Function("bitor", 2, r"\operatorname{bitor}"),
        Function("bitxor", 2, r"\operatorname{bitxor}"),
        Function("divide", 2, r"\frac"),
        Function("power", 2, r"^"),
    )
}
"""Functions by name. `divide` and `power` are written ``a / b`` and ``a ** 2``.

`round` goes to the nearest integer, halves to the even one; `less` and `equal` are 1 where they hold and 0 elsewhere, and
``choose(c, a, b)`` is a where c is not 0, b elsewhere. `pow` raises a tensor to a tensor. `mod` has the sign of
what is divided by, `fmod` that of what is divided. `bitand` and its like take integers.
"""

WRITTEN_OUT = {
    "silu": "v*sigmoid(v)",
    "swish": "v*sigmoid(v)",
    "gelu": "v*(1 + erf(v/sqrt(2)))/2",
    "mish": "v*tanh(softplus(v))",
    "relu6": "min(max(v, 0), 6)",
    "hardsigmoid": "min(max(v + 3, 0), 6)/6",
    "hardswish": "v*min(max(v + 3, 0), 6)/6",
    "hardtanh": "max(min(v, 1), -1)",
    "leakyrelu": "max(v, 0) + 0.01*min(v, 0)",
    "elu": "max(v, 0) + exp(min(v, 0)) - 1",
    "selu": "1.0507009873554805*(max(v, 0) + 1.6732632423543772*(exp(min(v, 0)) - 1))",
    "logsigmoid": "-softplus(-v)",
    "softsign": "v/(1 + abs(v))",
    "tanhshrink": "v - tanh(v)",
    "square": "v**2",
    "rsqrt": "1/sqrt(v)",
    "reciprocal": "1/v",
    "expm1": "exp(v) - 1",
    "log1p": "log(1 + v)",
    "exp2": "exp(log(2)*v)",
    "log2": "log(v)/log(2)",
    "log10": "log(v)/log(10)",
    "erfc": "1 - erf(v)",
    "arcsin": "asin(v)",
    "arccos": "acos(v)",
    "arctan": "atan(v)",
    "arcsinh": "asinh(v)",
    "arccosh": "acosh(v)",
    "arctanh": "atanh(v)",
}
"""What is not a function of the language, by its name in small letters without underscores, and what is written for it at v."""


def written_out(name: str) -> str:
    """What to write for a well-known function that the language has not, empty for others.

    >>> written_out("SiLU"), written_out("hard_swish"), written_out("foo")
    ('v*sigmoid(v)', 'v*min(max(v + 3, 0), 6)/6', '')
    """
    return WRITTEN_OUT.get(name.lower().replace("_", ""), "")
