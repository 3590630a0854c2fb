"""Rules for functions of elements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sympy import Expr, Integer, Rational, log, oo

from ....algebra.errors import UnsupportedError
from ....algebra.networks.network import Network
from ... import activation, arithmetic
from ...importers.arrays import ARITHMETIC, FUNCTIONS, entrywise, opaque, repeated, reshaped, table
from ...importers.tensors import Tensor
from ..fixed import number_of
from ..translator import RULES, Translator, own, rule
from ..values import Value
from . import texts
from .axes import narrow

LAYERS: dict[str, Callable[[], Network]] = {
    **{name: FUNCTIONS[name] for name in ("tanh", "exp", "log", "sqrt", "sin", "neg", "abs")},
    "logistic": activation.Sigmoid, "erf": arithmetic.Erf, "square": lambda: arithmetic.Power(2), "rsqrt": lambda: arithmetic.Power(Rational(-1, 2)),
    "exp2": lambda: arithmetic.Scale(log(2)) >> arithmetic.Exp(), "expm1": lambda: arithmetic.Exp() >> arithmetic.Shift(-1),
    "log1p": lambda: arithmetic.Shift(1) >> arithmetic.Log(),
}  # fmt: skip
"""What has a layer with a name, or is two of them."""


def _function(t: Translator, value: Value) -> Tensor:
    name, sources = value.primitive, value.sources
    if name in LAYERS:
        return t.add(LAYERS[name](), [t.tensor(sources[0])], own(value.shape), label=name)
    truths = sources[0].dtype == bool
    text = texts.function_text(name, value.params, sources[0].is_whole, truths)
    if text is None:
        return opaque(t, name, [t.tensor(source) for source in sources], own(value.shape), name)
    return written(t, text, value)


def written(t: Translator, text: str, value: Value) -> Tensor:
    """A function of elements by its text; numbers stand in it as they are, what is repeated is read where it stands."""
    arguments: list[str] = []
    tensors: list[Tensor] = []
    wide = False
    for source in value.sources:
        number = number_of(source)
        shown = texts.number_text(number) if number is not None else None
        if shown is not None:
            arguments.append(shown)
            continue
        rank = len(own(value.shape))
        if number is not None and number.is_real:
            tensor = table(t, (1,) * rank, [float(number)], "number")
        else:
            tensor = narrow(t, source)
        if len(tensor.shape) < rank:  # of a single truth that chooses between whole tensors
            tensor = reshaped(t, tensor, (Integer(1),) * rank, label="axes")
        arguments.append(f"{{{len(tensors)}}}")
        tensors.append(tensor)
    if not tensors:
        raise UnsupportedError("a function of numbers that are not known")
    sizes = [
        next((tensor.shape[axis] for tensor in tensors if tensor.shape[axis] != 1), Integer(1)) for axis in range(rank)
    ]
    wide = tuple(sizes) != own(value.shape)
    if wide:
        tensors = [repeated(t, tensors[0], own(value.shape), "broadcast"), *tensors[1:]]
    made = entrywise(t, text.format(*arguments), tensors, value.primitive)
    return Tensor(made.name, own(value.shape))


for _name in (
    *texts.FUNCTIONS, *texts.OF_TRUTHS, "integer_pow", "round", "atan2", "nextafter", "lgamma", "digamma", "erf_inv", "shift_left",
    "shift_right_arithmetic", "shift_right_logical", "population_count", "clz", "bessel_i0e", "bessel_i1e", "polygamma", "igamma", "igammac",
    "regularized_incomplete_beta",
):  # fmt: skip
    RULES.setdefault(_name, _function)


@rule("integer_pow")
def _integer_pow(t: Translator, value: Value) -> Tensor:
    return t.add(
        arithmetic.Power(int(value.params["y"])), [t.tensor(value.sources[0])], own(value.shape), label="power"
    )


@rule("pow")
def _pow(t: Translator, value: Value) -> Tensor:
    exponent = number_of(value.sources[1])
    if exponent is None:
        return written(t, texts.FUNCTIONS["pow"], value)
    return t.add(arithmetic.Power(exponent), [t.tensor(value.sources[0])], own(value.shape), label="power")


@rule("add", "add_any", "mul", "sub", "div")
def _arithmetic(t: Translator, value: Value) -> Tensor:
    name = value.primitive.removesuffix("_any")
    one, two = value.sources
    left, right = number_of(one), number_of(two)
    if name == "div" and value.is_whole:
        return written(t, texts.OF_INTEGERS["div"], value)
    if name == "mul" and one is two:
        return t.add(arithmetic.Power(2), [t.tensor(one)], own(value.shape), label="square")
    if left is None and right is None:
        return _joined(t, name, value)
    source, number = (one, right) if right is not None else (two, left)
    assert number is not None
    return _with_number(t, _by_number(name, number, right is not None), source, value)


def _by_number(name: str, number: Expr, on_the_right: bool) -> list[Network]:
    """A tensor with a number on its right or left, as layers one after the other."""
    if number == (1 if name in ("mul", "div") else 0) and (on_the_right or name in ("mul", "add")):
        return []
    if on_the_right or name in ("mul", "add"):
        return [ARITHMETIC[name][0](number)]
    if name == "sub":
        return [arithmetic.Scale(-1), *([] if number == 0 else [arithmetic.Shift(number)])]
    return [arithmetic.Power(-1), *([] if number == 1 else [arithmetic.Scale(number)])]


def _with_number(t: Translator, layers: list[Network], source: Value, value: Value) -> Tensor:
    tensor = _wide(t, source, value)
    for layer in layers:
        tensor = t.add(layer, [tensor], own(value.shape), label=value.primitive)
    return tensor


def _wide(t: Translator, source: Value, value: Value) -> Tensor:
    """The source in the shape of the value, which may have longer axes."""
    tensor, shape = t.tensor(source), own(value.shape)
    if tensor.shape == shape:
        return tensor
    ones = (Integer(1),) * (len(shape) - len(tensor.shape))
    return repeated(t, reshaped(t, tensor, (*ones, *tensor.shape), label="axes"), shape, "broadcast")


def _joined(t: Translator, name: str, value: Value) -> Tensor:
    """Two tensors element by element; what is repeated is repeated by the join where it can do that."""
    _, join, stretch = ARITHMETIC[name]
    shape = own(value.shape)
    thin = [_with_axes(t, narrow(t, source), len(shape)) for source in value.sources]
    together = tuple(
        next((tensor.shape[axis] for tensor in thin if tensor.shape[axis] != 1), Integer(1))
        for axis in range(len(shape))
    )
    if stretch or together != shape:
        thin = [repeated(t, tensor, shape, "broadcast") for tensor in thin]
    return t.add(join(), thin, shape, label=name)


def _with_axes(t: Translator, tensor: Tensor, rank: int) -> Tensor:
    ones = (Integer(1),) * (rank - len(tensor.shape))
    return reshaped(t, tensor, (*ones, *tensor.shape), label="axes") if ones else tensor


@rule("max", "min")
def _extreme(t: Translator, value: Value) -> Tensor:
    one, two = value.sources
    known: list[Any] = [number_of(one), number_of(two)]
    source, number = (two, known[0]) if known[0] is not None else (one, known[1])
    if number is not None and number in (oo, -oo) and (number == -oo) == (value.primitive == "max"):
        return _wide(t, source, value)
    if number == 0 and value.primitive == "max":
        return _with_number(t, [activation.ReLU()], source, value)
    return written(t, texts.FUNCTIONS[value.primitive], value)


@rule("clamp")
def _clamp(t: Translator, value: Value) -> Tensor:
    low, high = number_of(value.sources[0]), number_of(value.sources[2])
    if (low, high) == (0, 6):
        return _with_number(t, [activation.ReLU6()], value.sources[1], value)
    return written(t, texts.FUNCTIONS["clamp"], value)


@rule("select_n")
def _select(t: Translator, value: Value) -> Tensor:
    which, *cases = value.sources
    number = number_of(which)
    if number is not None:
        return _wide(t, cases[int(number)], value)
    if cases[0] is cases[-1] and len(cases) == 2:
        return _wide(t, cases[0], value)
    text = f"{{{len(cases)}}}"
    for place in range(len(cases) - 2, -1, -1):
        text = (
            f"choose(equal({{0}}, {place}), {{{place + 1}}}, {text})" if len(cases) > 2 else texts.FUNCTIONS["select_n"]
        )
    return written(t, text, value)
