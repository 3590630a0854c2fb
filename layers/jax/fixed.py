"""Values that are the same for every input: numbers as they are written, sizes, and what is computed from nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy
from sympy import Eq, Expr, Integer, Max, Min, Mul, Ne, Rational, exp, false, log, nan, oo, sqrt, true
from sympy.logic.boolalg import Boolean

from .sizes import Sizes
from .values import MOST_ELEMENTS, Value


def as_number(value: Any) -> Expr | None:
    """A scalar as an exact number: a float is the shortest decimal that rounds to it in its own kind."""
    if jax.dtypes.issubdtype(getattr(value, "dtype", None) or numpy.float32, jax.dtypes.extended):
        return None  # a key of random numbers
    found = numpy.asarray(value)
    if found.dtype.kind in "biu":
        return Integer(int(found))
    if found.dtype.kind != "f" and "float" not in str(found.dtype):
        return None
    number = float(found)
    if number != number:
        return None
    if number in (float("inf"), float("-inf")):
        return oo if number > 0 else -oo
    text = str(found.astype(numpy.float32) if found.dtype.itemsize < 8 else found)
    return Rational(text)


def literal_value(atom: Any) -> Value:
    """A number that stands in a jaxpr."""
    number = as_number(atom.val) if not getattr(atom.aval, "shape", ()) else None
    return Value((), atom.aval.dtype, fixed=True, number=number, numbers=lambda: numpy.asarray(atom.val))


def constant_value(array: Any, shape: tuple[Expr, ...]) -> Value:
    """An array that a function refers to, beside its arguments."""
    number = as_number(array) if not shape else None
    return Value(shape, array.dtype, fixed=True, number=number, numbers=lambda: array)


def truth_value(truth: int, shape: tuple[Expr, ...]) -> Value:
    """The same truth everywhere."""
    return Value(shape, numpy.dtype(bool), fixed=True, number=Integer(truth))


LARGEST_TABLE = 1000
"""Elements of a fixed value whose numbers stand in the network."""


def known_numbers(value: Value) -> list[Any] | None:
    """The numbers of a fixed value, if they are known and few."""
    if value.dtype is None or value.numbers is None or not all(size.is_Integer for size in value.shape):
        return None
    if Mul(*value.shape) > LARGEST_TABLE or not (
        jax.dtypes.issubdtype(value.dtype, numpy.number) or value.dtype == numpy.bool_
    ):
        return None
    found = value.numbers()
    if found is None:
        return None
    array = numpy.asarray(found)
    if array.dtype.kind in "biu":
        return [int(number) for number in array.reshape(-1)]
    made = [float(number) for number in array.astype(float).reshape(-1)] if array.dtype.kind != "c" else None
    return None if made is None or any(number != number for number in made) else made


SAME = ("convert_element_type", "broadcast_in_dim", "reshape", "squeeze", "expand_dims", "copy", "copy_p", "stop_gradient", "transpose", "slice", "reduce_precision", "reduce_max", "reduce_min", "pvary", "optimization_barrier", "dynamic_slice", "rev", "gather")  # fmt: skip
"""Operations that make the same number of elements that are all one number."""

FUNCTIONS: dict[str, Callable[..., Expr]] = {
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b, "div": lambda a, b: a / b, "neg": lambda a: -a,
    "max": Max, "min": Min, "square": lambda a: a**2, "sqrt": sqrt, "rsqrt": lambda a: 1 / sqrt(a), "exp": exp, "log": log,
    "lt": lambda a, b: a < b, "le": lambda a, b: a <= b, "gt": lambda a, b: a > b, "ge": lambda a, b: a >= b, "eq": Eq, "ne": Ne,
    "pow": lambda a, b: a**b, "exp2": lambda a: 2**a, "log1p": lambda a: log(1 + a), "add_any": lambda a, b: a + b,
}  # fmt: skip
"""Functions of numbers, by the names of primitives."""


def fixed_value(equation: Any, sources: Sequence[Value], sizes: Sizes) -> list[Value]:
    """What an operation makes of values that are the same for every input."""
    made = []
    for place, variable in enumerate(equation.outvars):
        shape = sizes.shape(variable.aval.shape) if hasattr(variable.aval, "shape") else ()
        value = Value(
            shape, getattr(variable.aval, "dtype", None), None, equation, tuple(sources), fixed=True, output=place
        )
        value.number = _number(equation, sources, value, sizes)
        value.steps = _steps(equation, sources, value)
        value.numbers = _numbers(value)
        made.append(value)
    return made


def _number(equation: Any, sources: Sequence[Value], value: Value, sizes: Sizes) -> Expr | None:
    name, numbers = equation.primitive.name, [source.number for source in sources]
    if name == "dim_as_value":
        return sizes(equation.params["dim"])
    if name == "select_n" and numbers[0] is not None:
        return numbers[1 + int(numbers[0])]
    if any(number is None for number in numbers) or not numbers:
        return None
    if name == "clamp":
        return Min(Max(numbers[1], numbers[0]), numbers[2])
    if name in SAME:
        number: Any = numbers[0]
        if name == "convert_element_type" and value.is_whole and not number.is_integer:
            return None
        return number
    if name == "integer_pow":
        power: Expr = numbers[0] ** int(equation.params["y"])  # type: ignore[operator]
        return power
    if name == "reduce_sum":
        count = Mul(*(sources[0].shape[axis] for axis in equation.params["axes"]))
        return numbers[0] * count
    if name not in FUNCTIONS or (value.is_whole and name in ("div", "pow", "exp2")):
        return None
    found = FUNCTIONS[name](*numbers)
    if isinstance(found, Boolean):
        return {true: Integer(1), false: Integer(0)}.get(found)
    return found if found.is_real and found.is_finite and found is not nan else None


def _steps(equation: Any, sources: Sequence[Value], value: Value) -> tuple[Expr, Expr] | None:
    """How elements follow each other along the only axis that is longer than 1."""
    name = equation.primitive.name
    if name == "iota":
        long = [axis for axis, size in enumerate(value.shape) if size != 1]
        return (Integer(0), Integer(1)) if long in ([], [equation.params["dimension"]]) else None
    if sum(size != 1 for size in value.shape) > 1:
        return None
    own = [source.steps for source in sources]
    if (
        name in ("convert_element_type", "broadcast_in_dim", "reshape", "squeeze", "copy", "expand_dims")
        and own[0] is not None
    ):
        return own[0]
    if name not in ("add", "sub", "mul") or len(sources) != 2:
        return None
    one, two = ((source.number, Integer(0)) if source.number is not None else source.steps for source in sources)
    if one is None or two is None or (own[0] is None and own[1] is None):
        return None
    if name == "mul":
        if one[1] != 0 and two[1] != 0:
            return None
        (factor, _), (start, step) = (one, two) if one[1] == 0 else (two, one)
        return factor * start, factor * step
    sign = 1 if name == "add" else -1
    return one[0] + sign * two[0], one[1] + sign * two[1]


def _numbers(value: Value) -> Callable[[], Any]:
    """Works out the elements with JAX, where no size is a symbol; once, if something asks."""
    found: list[Any] = []

    def numbers() -> Any:
        if found:
            return found[0]
        sources = [source.numbers() if source.numbers is not None else None for source in value.sources]
        known = all(size.is_Integer for size in value.shape) and Mul(*value.shape) <= MOST_ELEMENTS
        if not known or value.primitive == "dim_as_value" or any(source is None for source in sources):
            made = None
        else:
            made = value.equation.primitive.bind(*map(_as_jax, sources), **value.equation.params)
            made = made[value.output] if value.equation.primitive.multiple_results else made
        found.append(made)
        return made

    return numbers


def _as_jax(array: Any) -> Any:
    return jax.numpy.asarray(array) if not isinstance(array, jax.Array) else array


def number_of(value: Value) -> Expr | None:
    """The one number that all elements of a value are, if it is fixed and they are; worked out if it is small enough."""
    if value.number is None and value.fixed and value.numbers is not None and value.dtype is not None:
        elements = (
            value.numbers() if jax.dtypes.issubdtype(value.dtype, numpy.number) or value.dtype == numpy.bool_ else None
        )
        if elements is not None and numpy.size(elements):
            array = numpy.asarray(elements)
            if (array == array.reshape(-1)[0]).all():
                value.number = as_number(array.reshape(-1)[0])
    return value.number
