"""Elementwise functions, softmax, and what passes its input on."""

from __future__ import annotations

from ..algebra.equations.fields import Flag, Number
from ..algebra.networks.layer import Layer

__all__ = [
    "Identity", "Dropout", "StochasticDepth", "ReLU", "ReLU6", "LeakyReLU", "PReLU", "Abs", "Hardtanh", "Hardswish", "Hardsigmoid", "Sigmoid", "Tanh", "Softplus",
    "ELU", "GELU", "SiLU", "Mish", "Sine", "Softmax",
]  # fmt: skip


class Identity(Layer):
    """The input itself; in a series it disappears.

    Examples
    --------
    >>> from layeralgebra import Identity, ReLU
    >>> Identity() >> ReLU()
    ReLU()
    """

    equation = "y[*i] = x[*i]"


class Dropout(Layer):
    """Dropout as at inference: the identity, at no cost.

    Parameters
    ----------
    probability : Number
    """

    probability: Number = 0.5
    equation = "y[*i] = x[*i]"


class StochasticDepth(Layer):
    """Stochastic depth as at inference: the identity, at no cost.

    Parameters
    ----------
    probability : Number
    """

    probability: Number = 0.1
    equation = "y[*i] = x[*i]"


class ReLU(Layer):
    """max(x, 0)."""

    equation = "y[*i] = relu(x[*i])"


class ReLU6(Layer):
    """min(max(x, 0), 6)."""

    equation = "y[*i] = min(max(x[*i], 0), 6)"


class LeakyReLU(Layer):
    """x where positive, a small multiple of it elsewhere.

    Parameters
    ----------
    slope : Number
    """

    slope: Number = 0.01
    equation = "y[*i] = max(x[*i], 0) + slope * min(x[*i], 0)"


class PReLU(Layer):
    """A leaky ReLU with a learned slope.

    Parameters
    ----------
    per_channel : Flag
        One slope for each channel, or one for all.
    """

    per_channel: Flag = False
    equation = """
        y[c, *i] = max(x[c, *i], 0) + (a[c] if per_channel else s[0]) * min(x[c, *i], 0)
    """


class Abs(Layer):
    """The absolute value."""

    equation = "y[*i] = abs(x[*i])"


class Hardtanh(Layer):
    """x, held between two numbers.

    Parameters
    ----------
    low, high : Number
    """

    low: Number = -1
    high: Number = 1
    equation = "y[*i] = min(max(x[*i], low), high)"


class Hardsigmoid(Layer):
    """min(max(x + 3, 0), 6) / 6."""

    equation = "y[*i] = min(max(x[*i] + 3, 0), 6) / 6"


class Hardswish(Layer):
    """x min(max(x + 3, 0), 6) / 6."""

    equation = "y[*i] = x[*i] * min(max(x[*i] + 3, 0), 6) / 6"


class Sigmoid(Layer):
    """1 / (1 + exp(-x))."""

    equation = "y[*i] = sigmoid(x[*i])"


class Tanh(Layer):
    """The hyperbolic tangent."""

    equation = "y[*i] = tanh(x[*i])"


class Softplus(Layer):
    """log(1 + exp(x))."""

    equation = "y[*i] = softplus(x[*i])"


class ELU(Layer):
    """x where positive, alpha (exp(x) - 1) elsewhere.

    Parameters
    ----------
    alpha : Number
    """

    alpha: Number = 1
    equation = "y[*i] = max(x[*i], 0) + min(alpha * (exp(x[*i]) - 1), 0)"


class GELU(Layer):
    """x Phi(x), with the normal distribution Phi, or its tanh approximation.

    Parameters
    ----------
    approximate : Flag
    """

    approximate: Flag = False
    equation = """
        u[*i] = (tanh(sqrt(2/pi) * (x[*i] + 0.044715*x[*i]**3)) if approximate else erf(x[*i] / sqrt(2)))
        y[*i] = x[*i] * (1 + u[*i]) / 2
    """


class SiLU(Layer):
    """x sigmoid(x), also called swish."""

    equation = "y[*i] = x[*i] * sigmoid(x[*i])"


class Mish(Layer):
    """x tanh(softplus(x))."""

    equation = "y[*i] = x[*i] * tanh(softplus(x[*i]))"


class Sine(Layer):
    """sin(frequency x).

    Parameters
    ----------
    frequency : Number
    """

    frequency: Number = 1
    equation = "y[*i] = sin(frequency * x[*i])"


class Softmax(Layer):
    """Normalised exponentials along the last axis."""

    equation = "y[*t, f] = softmax[f](x[*t, f])"
