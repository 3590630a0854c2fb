"""Parts that several families share."""

from __future__ import annotations

from math import isfinite
from typing import Any

from sympy import And, Expr, Max, Min, Rational, ceiling, false, floor, sympify, true
from sympy.logic.boolalg import Boolean

from ...algebra.errors import FieldError
from ...algebra.networks.network import Network, Repeat, Series
from ...algebra.sizes.decisions import equal, indicator
from ..activation import Identity, Sigmoid
from ..compositions import squeeze_excite
from ..convolution import Conv
from ..normalization import BatchNorm


def conv_norm(
    channels: Any,
    kernel: Any = 3,
    *,
    stride: Any = 1,
    groups: Any = 1,
    dilation: Any = 1,
    padding: Any = None,
    epsilon: Any = 1e-5,
    then: Network | None = None,
) -> Network:
    """A convolution without bias, batch normalisation, an activation; padded so that stride 1 keeps the size."""
    if padding is None:
        padding = dilation * (kernel - 1) // 2
    conv = Conv(channels, kernel, stride=stride, padding=padding, dilation=dilation, groups=groups, bias=False)
    return Series(conv, BatchNorm(epsilon=epsilon), then or Identity())


def inverted_residual(
    entering: Any,
    inner: Any,
    leaving: Any,
    kernel: Any,
    stride: Any,
    act: Network,
    *,
    squeezed: Any = None,
    squeeze_act: Network | None = None,
    gate: Network | None = None,
    epsilon: Any = 1e-5,
) -> Network:
    """Wide inside: 1x1, depthwise, squeeze-and-excitation if asked for, 1x1; a shortcut where the shape is kept."""
    widening = choice(equal(inner, entering), Identity(), conv_norm(inner, 1, epsilon=epsilon, then=act))
    parts: list[Network] = [widening]
    parts.append(conv_norm(inner, kernel, stride=stride, groups=inner, epsilon=epsilon, then=act))
    if squeezed is not None:
        parts.append(squeeze_excite(inner, squeezed, squeeze_act, gate or Sigmoid()))
    parts.append(conv_norm(leaving, 1, epsilon=epsilon))
    body = Series(*parts)
    return choice(And(equal(stride, 1), equal(entering, leaving)), Identity() + body, body)


def choice(condition: Boolean, there: Network, elsewhere: Network) -> Network:
    """One network where a condition on sizes holds, another elsewhere; both, each as often as that is so, if it is not decided."""
    if condition is true or condition is false:
        return there if condition is true else elsewhere
    times = indicator(condition)
    return Series(
        *(Repeat(part, count) for part, count in ((there, times), (elsewhere, 1 - times)) if not part.is_identity)
    )


def several(first: Network, rest: Network, times: Any) -> Network:
    """`times` blocks, the first of which differs; `times` may be a symbol."""
    if equal(times, 1) is true:
        return first
    return Repeat(first, times) if first == rest else Series(first, Repeat(rest, times - 1))


def per_stage(value: Any, stages: int, what: str) -> tuple[Any, ...]:
    """A hyperparameter with a value for each stage, or with one for all."""
    if isinstance(value, (tuple, list)):
        if len(value) != stages:
            raise FieldError(f"{what} has a value for each of {stages} stages, got {len(value)}: {tuple(value)}")
        return tuple(value)
    return (value,) * stages


def exact(value: Any, what: str) -> Expr:
    """A factor as an exact number: 1.1 is 11/10."""
    if isinstance(value, float) and isfinite(value) and value > 0:
        return Rational(repr(value))
    made = sympify(value, strict=True) if isinstance(value, (int, Expr)) and not isinstance(value, bool) else None
    if made is None or made.is_real is False or made.is_nonpositive:
        raise FieldError(f"{what} is a positive number or a symbol, got {value!r}")
    return made


def rounded(channels: Any, divisor: int = 8) -> Expr:
    """MobileNet's rule: the nearest multiple of `divisor`, ties upwards, but never more than a tenth below.

    >>> rounded(Rational(24) / 10 * 5), rounded(20), rounded(11)
    (16, 24, 16)
    """
    wanted = sympify(channels)
    multiple = divisor * floor(wanted / divisor + Rational(1, 2))
    if wanted.is_positive and equal(multiple, wanted) is true:
        return wanted
    # Rounding loses at most half a divisor, so that what is missing, rounded up, lies between 0 and that.
    nearest = Max(divisor, multiple)
    return nearest + divisor * Min(1, Max(0, ceiling(Rational(9, 10) * wanted - nearest)))


def scaled_depth(depth: Any, factor: Expr) -> Expr:
    """ceil(factor * depth), EfficientNet's rule for scaled numbers of blocks."""
    return ceiling(factor * depth)


def whole_part(value: Any) -> Expr:
    """The integer below a number."""
    return floor(sympify(value))


def nearest_even_tie(value: Any) -> Expr:
    """Rounded to the nearest integer, ties to the even one, as Python does it.

    >>> [nearest_even_tie(Rational(tie, 2)) for tie in (1, 3, 5, 6)]
    [0, 2, 2, 3]
    """
    wanted = sympify(value)
    quarter = (2 * wanted - 1) / 4  # an integer exactly where the tie is to be broken downwards
    return floor(wanted + Rational(1, 2)) + ceiling(quarter) - floor(quarter) - 1
