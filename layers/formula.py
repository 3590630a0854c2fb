"""Layers that say what they are where they are used: an equation, a table of numbers, the positions along an axis."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from sympy import Mul

from ..algebra.equations.fields import Dim, Sizes, Text
from ..algebra.errors import EquationError, FieldError
from ..algebra.networks.layer import Layer

__all__ = ["Formula", "Positions", "Numbers"]


class Formula(Layer):
    """A layer that is its equation: an operation of a model for which no layer has a name.

    A tensor that the equation neither defines nor is given is learned, as in any layer.

    Parameters
    ----------
    text : Text
        The equation: statements that define ``y`` from the inputs ``x1``, ``x2``...
    sizes : Sizes, default ()
        Sizes that the equation calls ``sizes[0]``, ``sizes[1]``...

    Shapes
    ------
    input : (*entering,)
    output : (*leaving,)
        leaving : the sizes that the equation gives its output

    Notes
    -----
    As many tensors enter as the equation names; the shape that is stated is that of one.

    Examples
    --------
    >>> from layeralgebra import Formula, run
    >>> print(run(Formula("y[i, j] = max(x1[i], x2[j])"), [[1, 5], [2, 3]]))
    [[2 3]
     [5 5]]

    References
    ----------
    Einstein, "Die Grundlage der allgemeinen Relativitätstheorie", Annalen der Physik 354 (1916), doi
    10.1002/andp.19163540702, section 5.
    """

    text: Text
    sizes: Sizes = ()

    @property
    def equation(self) -> str:
        return str(self.text)

    def check_fields(self) -> None:
        try:
            _ = self.parsed
        except EquationError as error:
            raise FieldError(f"Formula(text=...) is an equation: {error}") from None


def _ramp(layer: Any, shape: tuple[int, ...]) -> Any:
    import numpy

    return numpy.arange(shape[0], dtype=int)


class Positions(Layer):
    """The numbers 0, 1, 2... of the positions along an axis, with no input.

    Parameters
    ----------
    length : Dim
        How many positions there are.

    Shapes
    ------
    input : none
    output : (length,)

    Examples
    --------
    >>> from layeralgebra import Formula, Graph, Identity, Positions, run
    >>> parts = {"x": Identity(), "p": Positions(3), "y": Formula("y[i] = x1[i] * x2[i]")}
    >>> print(run(Graph(parts, [("x", "y"), ("p", "y")]), [5, 6, 7]))
    [ 0  6 14]

    References
    ----------
    NumPy documentation, "numpy.arange", https://numpy.org/doc/stable/reference/generated/numpy.arange.html.
    """

    length: Dim
    inputs = ()
    buffers = ("B",)
    tables = {"B": _ramp}
    equation = """
        y[i] = B[i]
        where i < length
    """


def _numbers(text: str) -> list[Any]:
    """The numbers that a text holds: integers, fractions, decimals, infinities."""
    made: list[Any] = []
    for word in text.split():
        try:
            made.append(int(word) if word.lstrip("-").isdigit() else Fraction(word) if "/" in word else float(word))
        except (ValueError, ZeroDivisionError):
            raise FieldError(f"Numbers(numbers=...): {word[:40]!r} is no number, as in '1 -2.5 1/3 inf'") from None
    return made


def _table(layer: Any, shape: tuple[int, ...]) -> Any:
    import numpy

    made = numpy.empty(len(_numbers(layer.numbers)), dtype=object)
    made[:] = _numbers(layer.numbers)
    return made.reshape(shape)


class Numbers(Layer):
    """A tensor of numbers that are known beforehand, with no input.

    Parameters
    ----------
    shape : Sizes
        Elements along each axis.
    numbers : Text
        The numbers with blanks between them, row by row: ``"1 -2.5 1/3"``.

    Shapes
    ------
    input : none
    output : (*shape,)

    Examples
    --------
    >>> from layeralgebra import Graph, Identity, Mul, Numbers, run
    >>> parts = {"x": Identity(), "t": Numbers((2,), "1/2 -1"), "y": Mul()}
    >>> print(run(Graph(parts, [("x", "y"), ("t", "y")]), [4, 5]))
    [ 2 -5]

    References
    ----------
    ONNX documentation, operator "Constant", https://onnx.ai/onnx/operators/onnx__Constant.html.
    """

    shape: Sizes
    numbers: Text
    inputs = ()
    buffers = ("B",)
    tables = {"B": _table}
    equation = """
        y[*o] = B[*o]
        where o < shape
    """

    def check_fields(self) -> None:
        count = Mul(*self.shape)
        if len(_numbers(str(self.numbers))) != count:
            raise FieldError(f"Numbers(shape={self.shape}): {count} numbers, got {len(_numbers(str(self.numbers)))}")
