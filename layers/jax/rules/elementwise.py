"""Rules for elementwise functions."""

from __future__ import annotations

from collections.abc import Callable

from sympy import Expr, Integer, Rational, log, oo

from ....algebra.errors import UnsupportedError
from ....algebra.networks.network import Network
from ... import activation, arithmetic
from ...importers.tensors import ARITHMETIC, FUNCTIONS, Tensor
from ..fixed import number_of
from ..translator import RULES, Translator, own, rule
from ..values import Value
from .axes import narrow

_PLAIN: dict[str, Callable[[], Network]] = {
    **{name: FUNCTIONS[name] for name in ("tanh", "exp", "log", "sqrt", "sin", "neg", "abs")},
    "logistic": activation.Sigmoid, "erf": arithmetic.Erf, "square": lambda: arithmetic.Power(2),
    "rsqrt": lambda: arithmetic.Power(Rational(-1, 2)),
    "exp2": lambda: arithmetic.Scale(log(2)) >> arithmetic.Exp(), "expm1": lambda: arithmetic.Exp() >> arithmetic.Shift(-1),
    "log1p": lambda: arithmetic.Shift(1) >> arithmetic.Log(),
    "erfc": lambda: arithmetic.Erf() >> arithmetic.Scale(-1) >> arithmetic.Shift(1),
}  # fmt: skip


def _elementwise(t: Translator, value: Value) -> Tensor:
    return t.add(_PLAIN[value.primitive](), [t.tensor(value.sources[0])], own(value.shape), label=value.primitive)


for _name in _PLAIN:
    RULES[_name] = _elementwise


@rule("integer_pow")
def _integer_pow(t: Translator, value: Value) -> Tensor:
    return t.add(
        arithmetic.Power(int(value.params["y"])), [t.tensor(value.sources[0])], own(value.shape), label="power"
    )


@rule("pow")
def _pow(t: Translator, value: Value) -> Tensor:
    exponent = number_of(value.sources[1])
    if exponent is None:
        raise UnsupportedError("a power has a layer where its exponent is a number")
    return t.add(arithmetic.Power(exponent), [t.tensor(value.sources[0])], own(value.shape), label="power")


@rule("add", "add_any", "mul", "sub", "div")
def _arithmetic(t: Translator, value: Value) -> Tensor:
    name = value.primitive.removesuffix("_any")
    one, two = value.sources
    left, right = number_of(one), number_of(two)
    with_number, join, stretch = ARITHMETIC[name]
    if right is not None:
        neutral = right == (1 if name in ("mul", "div") else 0)
        return _wide(t, one, value) if neutral else _with(t, with_number(right), one, value)
    if left is not None:
        if left == (1 if name == "mul" else 0) and name in ("mul", "add"):
            return _wide(t, two, value)
        if name == "sub":
            return _with(t, _series(arithmetic.Scale(-1), left), two, value)
        if name == "div":
            return _with(
                t, arithmetic.Power(-1) if left == 1 else arithmetic.Power(-1) >> arithmetic.Scale(left), two, value
            )
        return _with(t, with_number(left), two, value)
    if name == "mul" and one is two:
        return t.add(arithmetic.Power(2), [t.tensor(one)], own(value.shape), label="square")
    return joined(t, join(), (one, two), value, name, stretch)


def _series(first: Network, shift: Expr) -> Network:
    return first if shift == 0 else first >> arithmetic.Shift(shift)


def _with(t: Translator, layer: Network, source: Value, value: Value) -> Tensor:
    return t.add(layer, [_wide(t, source, value)], own(value.shape), label=value.primitive)


def _wide(t: Translator, source: Value, value: Value) -> Tensor:
    """The source in the shape of the value, if that has longer axes."""
    return t.repeated(
        t.reshaped(
            t.tensor(source), own(value.shape) if not source.shape and not value.shape else _ones_before(source, value)
        ),
        own(value.shape),
    )


def _ones_before(source: Value, value: Value) -> tuple[Expr, ...]:
    return (*(Integer(1),) * (len(own(value.shape)) - len(own(source.shape))), *own(source.shape))


def joined(t: Translator, join: Network, sources: tuple[Value, ...], value: Value, label: str, stretch: bool) -> Tensor:
    """Values of one shape joined element by element; a join that repeats axes of size 1 by itself gets what is repeated as it was."""
    shape = own(value.shape)
    tensors = [t.tensor(source) for source in sources]
    if not stretch:
        thin = [narrow(t, source) for source in sources]
        together = tuple(
            next((tensor.shape[axis] for tensor in thin if tensor.shape[axis] != 1), Integer(1))
            for axis in range(len(shape))
        )
        tensors = thin if together == shape else tensors
    else:
        tensors = [t.repeated(tensor, shape, f"{label}_wide") for tensor in tensors]
    return t.add(join, tensors, shape, label=label)


@rule("max", "min")
def _extreme(t: Translator, value: Value) -> Tensor:
    one, two = value.sources
    numbers = number_of(one), number_of(two)
    source, number = (two, numbers[0]) if numbers[0] is not None else (one, numbers[1])
    if number is None:
        raise UnsupportedError("the larger of two tensors has no layer")
    if number in (oo, -oo):
        if (number == -oo) == (value.primitive == "max"):
            return _wide(t, source, value)
        raise UnsupportedError(f"{value.primitive} with {number} is {number} everywhere")
    if value.primitive == "max" and number == 0:
        return _with(t, activation.ReLU(), source, value)
    raise UnsupportedError("todo")
