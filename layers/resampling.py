"""Resampling along an axis: values between positions, from the neighbours of a place."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import floor, pi, sin
from typing import Any

from sympy import Rational

from ..algebra.equations.fields import Dim, Flag, Number, Size, Text
from ..algebra.errors import FieldError
from ..algebra.networks.layer import Layer

__all__ = ["AntialiasedResample", "Nearest", "Resample"]


HALF = Fraction(1, 2)

_TAPS = {
    "linear": {0: "(1 - {0})", 1: "{0}"},
    "cubic": {
        -1: "(((-3/4*({0} + 1) + 15/4)*({0} + 1) - 6)*({0} + 1) + 3)", 0: "((5/4*{0} - 9/4)*{0}**2 + 1)",
        1: "((5/4*(1 - {0}) - 9/4)*(1 - {0})**2 + 1)", 2: "(((-3/4*(2 - {0}) + 15/4)*(2 - {0}) - 6)*(2 - {0}) + 3)",
    },
}  # fmt: skip
"""How much the neighbours of a place count, by their distance from the position before it; ``{0}`` is that of the place itself."""


def _fractions(layer: Any, shape: tuple[int, ...]) -> Any:
    """How far behind a position of the input each output position lies."""
    import numpy

    made = numpy.empty(shape, dtype=object)
    made[:] = [place - floor(place) for place in (_place(layer, number) for number in range(shape[0]))]
    return made


_KERNELS: dict[str, tuple[int, Callable[[float], float]]] = {
    "linear": (1, lambda x: 1 - x),
    "cubic": (2, lambda x: (1.5 * x - 2.5) * x * x + 1 if x < 1 else ((-0.5 * x + 2.5) * x - 4) * x + 2),
    "lanczos": (3, lambda x: _sinc(x) * _sinc(x / 3)),
}
"""How far a kernel reaches, and what it is at a distance of less than that."""


def _sinc(x: float) -> float:
    return sin(pi * x) / (pi * x) if x else 1.0


def _window(layer: Any) -> tuple[Fraction, Fraction]:
    """How far the places of two neighbours are apart, and how far the kernel reaches around each, in positions of the input."""
    entering, leaving = int(layer.entering), int(layer.leaving)
    if layer.corners:
        step = Fraction(entering - 1, leaving - 1) if leaving > 1 else Fraction(0)
    else:
        step = Fraction(entering, leaving) if layer.factor is None else 1 / Fraction(str(Rational(layer.factor)))
    return step, max(step, Fraction(1)) * _KERNELS[str(layer.mode)][0]


def _weights(layer: Any, shape: tuple[int, ...]) -> Any:
    """How much every position of a window counts; the positions of one window count 1 together."""
    import numpy

    step, reach = _window(layer)
    kernel, wide = _KERNELS[str(layer.mode)][1], max(step, Fraction(1))
    made = numpy.zeros(shape)
    for place in range(shape[0]):
        middle = step * (2 * place + 1) / 2
        first, end = max(floor(middle - reach + HALF), 0), min(floor(middle + reach + HALF), int(layer.entering))
        near = [abs(position - middle + HALF) / wide for position in range(first, end)]
        row = [kernel(float(distance)) if distance * wide < reach else 0.0 for distance in near]
        made[place, : len(row)] = numpy.array(row) / (sum(row) or 1.0)
    return made


def _scale(layer: Any) -> tuple[str, str]:
    """How far the places of two neighbours are apart, as a quotient in an equation's words."""
    if layer.factor is None:
        return "entering", "leaving"
    numerator, denominator = Rational(layer.factor).as_numer_denom()
    return str(denominator), str(numerator)


def _indices(layer: Any) -> tuple[list[str], str]:
    """An index for each axis, and the one along the axis."""
    names = [f"i{place}" for place in range(int(layer.rank))]
    return names, names[int(layer.axis)]


def _line(layer: Any, value: Callable[[str, Callable[[str], str]], str]) -> str:
    """An equation whose right side is a value of an index along the axis and of reads at places."""
    names, index = _indices(layer)

    def read(place: str) -> str:
        return f"x[{', '.join(place if name == index else name for name in names)}]"

    return f"y[{', '.join(names)}] = {value(index, read)}\nwhere {index} < leaving"


def _check(layer: Any) -> None:
    name, axis, rank = type(layer).__name__, layer.axis, layer.rank
    if not (rank.is_Integer and axis.is_Integer and axis < rank):
        raise FieldError(f"{name}(axis={axis}, rank={rank}): the number of an axis of a tensor with that many")
    if layer.factor is not None and not (layer.factor.is_Rational and layer.factor > 0):
        raise FieldError(f"{name}(factor={layer.factor}) is a positive rational number")


def _place(layer: Any, place: int) -> Fraction:
    """Where in the input an output position lies."""
    entering, leaving = int(layer.entering), int(layer.leaving)
    if layer.corners:
        return Fraction(place * (entering - 1), leaving - 1) if leaving > 1 else Fraction(0)
    step = Fraction(entering, leaving) if layer.factor is None else 1 / Fraction(str(Rational(layer.factor)))
    return (place + Fraction(1, 2)) * step - Fraction(1, 2)


class Nearest(Layer):
    """As many positions along an axis as asked for, each a copy of one of the input: position i of ``floor(i entering/leaving)``.

    Parameters
    ----------
    axis : Size
        The number of the axis, counted from 0.
    rank : Dim
        How many axes the input has.
    entering, leaving : Dim
        Positions along the axis before and after.
    centred : Flag, default False
        Of ``floor((i + 1/2) entering/leaving)`` instead, the position in which the middle of position i lies.
    factor : Number, optional
        Places by this scale instead of ``leaving/entering``.

    Shapes
    ------
    input : (*shape,)
    output : (*out,)
        out : as the input, but `leaving` along `axis`

    Examples
    --------
    >>> from layeralgebra import Nearest, run
    >>> print(run(Nearest(0, 1, 2, 3), [5, 8]))
    [5 5 8]

    References
    ----------
    PyTorch documentation, "torch.nn.functional.interpolate",
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.interpolate.html.
    """

    axis: Size
    rank: Dim
    entering: Dim
    leaving: Dim
    centred: Flag = False
    factor: Number | None = None

    @property
    def equation(self) -> str:
        over, under = _scale(self)

        def value(index: str, read: Callable[[str], str]) -> str:
            if self.centred:
                return read(f"min(((2*{index} + 1)*{over})//(2*{under}), entering - 1)")
            return read(f"min(({index}*{over})//{under}, entering - 1)")

        return _line(self, value)

    def check_fields(self) -> None:
        _check(self)


class Resample(Layer):
    """As many positions along an axis as asked for, each from the neighbours of the place where it lies in the input.

    Position i lies at ``(i + 1/2) entering/leaving - 1/2``, or at ``i (entering - 1)/(leaving - 1)`` where the corners stay in place; places
    beyond the ends are those of the ends.

    Parameters
    ----------
    axis : Size
        The number of the axis, counted from 0.
    rank : Dim
        How many axes the input has.
    entering, leaving : Dim
        Positions along the axis before and after.
    mode : Text, default "linear"
        ``"linear"`` weighs the two neighbours by their distance, ``"cubic"`` four of them by Keys' kernel with the slope -3/4.
    corners : Flag, default False
        The first and the last position stay where they are.
    factor : Number, optional
        Places by this scale instead of ``leaving/entering``.

    Shapes
    ------
    input : (*shape,)
    output : (*out,)
        out : as the input, but `leaving` along `axis`

    Examples
    --------
    >>> from layeralgebra import Resample, run
    >>> print(run(Resample(0, 1, 2, 4), [0, 8]))
    [0 2 6 8]

    References
    ----------
    Keys, "Cubic convolution interpolation for digital image processing", IEEE Transactions on Acoustics, Speech, and Signal
    Processing 29 (1981), doi 10.1109/TASSP.1981.1163711.

    PyTorch documentation, "torch.nn.functional.interpolate",
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.interpolate.html.
    """

    axis: Size
    rank: Dim
    entering: Dim
    leaving: Dim
    mode: Text = "linear"
    corners: Flag = False
    factor: Number | None = None
    buffers = ("B",)
    tables = {"B": _fractions}

    @property
    def equation(self) -> str:
        over, under = _scale(self)

        def value(index: str, read: Callable[[str], str]) -> str:
            first = f"((2*{index} + 1)*{over} - {under})//(2*{under})"
            if self.corners:
                first = f"({index}*(entering - 1))//max(leaving - 1, 1)"
            terms = []
            for tap, weight in _TAPS[str(self.mode)].items():
                near = f"{first} + {tap}" if tap >= 0 else f"{first} - {-tap}"
                terms.append(f"{weight.format(f'B[{index}]')}*{read(f'max(min({near}, entering - 1), 0)')}")
            return " + ".join(terms)

        return _line(self, value)

    def check_fields(self) -> None:
        _check(self)
        if self.mode not in _TAPS:
            raise FieldError(f"Resample(mode={self.mode!r}) is one of {', '.join(_TAPS)}")


class AntialiasedResample(Layer):
    """As many positions along an axis as asked for, each from all positions of the input that it covers.

    Where there are fewer than before, the kernel is as much wider (antialiasing).

    The window of position i has its middle at ``(i + 1/2) entering/leaving``, or at ``(i + 1/2) (entering - 1)/(leaving - 1)`` where the
    corners stay in place; its weights add up to 1, also where it sticks out of the input.

    Parameters
    ----------
    axis : Size
        The number of the axis, counted from 0.
    rank : Dim
        How many axes the input has.
    entering, leaving : Dim
        Positions along the axis before and after.
    mode : Text, default "linear"
        ``"linear"`` is a triangle, ``"cubic"`` Keys' kernel with the slope -1/2, ``"lanczos"`` a sinc under a window of three lobes.
    corners : Flag, default False
        The distance of two places is that of the corners.
    factor : Number, optional
        Places by this scale instead of ``leaving/entering``.

    Shapes
    ------
    input : (*shape,)
    output : (*out,)
        out : as the input, but `leaving` along `axis`

    Examples
    --------
    >>> from layeralgebra import AntialiasedResample, run
    >>> print(run(AntialiasedResample(0, 1, 4, 2), [0, 0, 7, 7]))
    [1. 6.]

    References
    ----------
    PyTorch documentation, "torch.nn.functional.interpolate",
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.interpolate.html.
    """

    axis: Size
    rank: Dim
    entering: Dim
    leaving: Dim
    mode: Text = "linear"
    corners: Flag = False
    factor: Number | None = None
    buffers = ("B",)
    tables = {"B": _weights}

    @property
    def equation(self) -> str:
        over, under = _scale(self)
        if self.corners:
            over, under = "min(leaving - 1, 1)*(entering - 1)", "max(leaving - 1, 1)"
        reach = _KERNELS[str(self.mode)][0]
        factor = f"{reach}*" if reach > 1 else ""
        names, index = _indices(self)
        first = f"max(((2*{index} + 1)*{over} - {2 * reach}*max({over}, {under}) + {under})//(2*{under}), 0)"
        at = [f"min({first} + u, entering - 1)" if name == index else name for name in names]
        every = ", ".join(names)
        return (
            f"z[{every}, u] = B[{index}, u]*x[{', '.join(at)}]\n"
            f"y[{every}] = sum[u](z[{every}, u])\n"
            f"where {index} < leaving, u < 2*ceil({factor}max({over}, {under})/{under}) + 1"
        )

    def check_fields(self) -> None:
        _check(self)
        if self.mode not in _KERNELS:
            raise FieldError(f"AntialiasedResample(mode={self.mode!r}) is one of {', '.join(_KERNELS)}")
