"""The elementwise functions of the language: how they are written, and what they do to a number."""

from __future__ import annotations

from dataclasses import dataclass


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
        Function("divide", 2, r"\frac"),
        Function("power", 2, r"^"),
    )
}
"""Functions by name. `divide` and `power` are written ``a / b`` and ``a ** 2``."""
