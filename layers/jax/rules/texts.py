"""Functions of elements as the language of equations writes them: ``{0}``, ``{1}``... are the arguments."""

from __future__ import annotations

from sympy import Expr, oo

from ...importers.arrays import TEXTS

_ALIKE = (
    "tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh", "floor", "ceil", "sign", "cos", "expm1", "log1p", "erfc", "exp2",
)  # fmt: skip
"""What JAX calls as the shared list does."""

FUNCTIONS: dict[str, str] = {
    **{name: f"{name}({{0}})" for name in ("exp", "log", "sqrt", "tanh", "erf", "sin", "abs")}, **{name: TEXTS[name] for name in _ALIKE},
    "logistic": "sigmoid({0})", "neg": "-{0}", "square": "{0}**2", "rsqrt": "{0}**(-1/2)", "cbrt": "sign({0}) * pow(abs({0}), 1/3)",
    "add": "{0} + {1}", "add_any": "{0} + {1}", "sub": "{0} - {1}", "mul": "{0} * {1}", "div": "{0} / {1}", "max": TEXTS["maximum"], "min": TEXTS["minimum"],
    "pow": "pow({0}, {1})", "rem": TEXTS["remainder_of_trunc"], "lt": TEXTS["less"], "gt": TEXTS["greater"], "ge": TEXTS["greater_equal"],
    "le": TEXTS["less_equal"], "eq": TEXTS["equal"], "ne": TEXTS["not_equal"], "select_n": "choose({0}, {2}, {1})", "clamp": "min(max({1}, {0}), {2})",
}  # fmt: skip
"""By the names of primitives."""

OF_TRUTHS = {"and": "{0} * {1}", "or": "max({0}, {1})", "xor": "1 - equal({0}, {1})", "not": "1 - {0}"}
OF_INTEGERS = {"and": TEXTS["bitand"], "or": TEXTS["bitor"], "xor": TEXTS["bitxor"], "div": "trunc({0} / {1})"}
"""Where the arguments are truths or integers."""


def function_text(name: str, params: object, whole: bool, truths: bool) -> str | None:
    """The text of a primitive; None if it is no function of elements that has one."""
    if name == "integer_pow":
        exponent = int(params["y"])  # type: ignore[index]
        return f"{{0}}**{exponent}" if exponent >= 0 else f"1/{{0}}**{-exponent}"
    if name == "round":
        even = int(params["rounding_method"]) == 1  # type: ignore[index]
        return "round({0})" if even else "sign({0}) * floor(abs({0}) + 1/2)"
    if truths and name in OF_TRUTHS:
        return OF_TRUTHS[name]
    if whole and name in OF_INTEGERS:
        return OF_INTEGERS[name]
    return FUNCTIONS.get(name)


LARGEST = 10**12
"""Of numbers that an equation may hold."""


def number_text(number: Expr) -> str | None:
    """A number in an equation; None if it has none there."""
    if number in (oo, -oo):
        return "inf" if number > 0 else "(-inf)"
    if number.is_number and number.is_real and abs(number) > LARGEST:
        return None
    if number.is_Integer:
        return str(number) if number >= 0 else f"({number})"
    if number.is_Rational:
        return f"({number.p}/{number.q})"
    return repr(float(number)) if number.is_number and number.is_real else None
