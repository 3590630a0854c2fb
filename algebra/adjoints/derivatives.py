"""Derivatives of the elementwise functions, written with heads of the language.

At a corner the convention is PyTorch's: the slope of `relu` at 0 is 0, that of `abs` 0, and where the arguments of `max` or `min` are equal each
has half. What goes in steps (`floor`, `sign`, comparisons, bits) has the slope 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sympy import Integer, pi, sqrt

from ..equations.heads import Apply, Constant, Head, Plus, Times
from ..errors import UnsupportedError

ONE, TWO, MINUS = Constant(Integer(1)), Constant(Integer(2)), Constant(Integer(-1))
STEPS = (
    "floor", "ceil", "trunc", "round", "sign", "less", "equal", "bitand", "bitor", "bitxor",
)  # fmt: skip
"""The functions whose slope is 0 wherever they have one."""

Slope = tuple[Sequence[Head], Sequence[Head]]
"""Factors of a derivative, and what it is divided by."""


def _square(head: Head) -> Head:
    return Apply("power", (head, TWO))


def _one_minus(head: Head) -> Head:
    return Plus((ONE, Times((MINUS, head))))


def _one_plus(head: Head) -> Head:
    return Plus((ONE, head))


def _apply(name: str, *arguments: Head) -> Head:
    return Apply(name, arguments)


def _half(head: Head) -> Head:
    return Apply("divide", (head, TWO))


def _larger(one: Head, other: Head) -> Head:
    """1 where one argument is the larger, 1/2 where they are equal."""
    return Plus((_apply("less", other, one), _half(_apply("equal", one, other))))


OF_VALUE: dict[str, Callable[[Head], Slope]] = {
    "exp": lambda y: ([y], []),
    "sqrt": lambda y: ([], [TWO, y]),
    "tanh": lambda y: ([_one_minus(_square(y))], []),
    "sigmoid": lambda y: ([y, _one_minus(y)], []),
    "tan": lambda y: ([_one_plus(_square(y))], []),
}
"""Slopes that follow from the value of the function."""

OF_ARGUMENT: dict[str, Callable[[Head], Slope]] = {
    "relu": lambda x: ([_apply("less", Constant(Integer(0)), x)], []),
    "abs": lambda x: ([_apply("sign", x)], []),
    "log": lambda x: ([], [x]),
    "erf": lambda x: ([Constant(2 / sqrt(pi)), _apply("exp", Times((MINUS, _square(x))))], []),
    "sin": lambda x: ([_apply("cos", x)], []),
    "cos": lambda x: ([MINUS, _apply("sin", x)], []),
    "softplus": lambda x: ([_apply("sigmoid", x)], []),
    "asin": lambda x: ([], [_apply("sqrt", _one_minus(_square(x)))]),
    "acos": lambda x: ([MINUS], [_apply("sqrt", _one_minus(_square(x)))]),
    "atan": lambda x: ([], [_one_plus(_square(x))]),
    "sinh": lambda x: ([_apply("cosh", x)], []),
    "cosh": lambda x: ([_apply("sinh", x)], []),
    "asinh": lambda x: ([], [_apply("sqrt", _one_plus(_square(x)))]),
    "acosh": lambda x: ([], [_apply("sqrt", Plus((_square(x), MINUS)))]),
    "atanh": lambda x: ([], [_one_minus(_square(x))]),
}
"""Slopes of functions of one argument."""


def needs_value(name: str) -> bool:
    """Whether the slope of a function is written with its value."""
    return name in OF_VALUE


def slope(name: str, place: int, arguments: Sequence[Head], value: Head | None) -> Slope | None:
    """The derivative of a function along one of its arguments; None where it is 0 by convention.

    `arguments` are heads that stand for the values of the arguments, `value` is one for that of the function where `needs_value` says so.
    """
    if name in STEPS:
        return None
    if name in OF_VALUE:
        assert value is not None
        return OF_VALUE[name](value)
    if name in OF_ARGUMENT:
        return OF_ARGUMENT[name](arguments[0])
    if name in ("max", "min"):
        one, other = arguments[place], arguments[1 - place]
        return ([_larger(one, other) if name == "max" else _larger(other, one)], [])
    if name == "choose":
        zero = _apply("equal", arguments[0], Constant(Integer(0)))
        return None if place == 0 else ([_one_minus(zero) if place == 1 else zero], [])
    if name == "divide":
        over, under = arguments
        return ([], [under]) if place == 0 else ([MINUS, over], [_square(under)])
    if name == "power":
        return None if place else _of_power(*arguments)
    if name == "pow":
        base, exponent = arguments
        if place == 0:
            return ([exponent, _apply("pow", base, Plus((exponent, MINUS)))], [])
        return ([_apply("pow", base, exponent), _apply("log", base)], [])
    if name in ("mod", "fmod"):
        rounded = _apply("floor" if name == "mod" else "trunc", _apply("divide", *arguments))
        return ([], []) if place == 0 else ([MINUS, rounded], [])
    raise UnsupportedError(f"the function {name} has no derivative here")


def _of_power(base: Head, exponent: Head) -> Slope:
    assert isinstance(exponent, Constant)
    power = exponent.value
    if power == 1:
        return [], []
    if power == 2:
        return [exponent, base], []
    lower = Constant(power - 1, exponent.literal)
    if power.is_Rational:
        return [exponent, Apply("power", (base, lower))], []
    return [exponent, Apply("pow", (base, lower))], []
