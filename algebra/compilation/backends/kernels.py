"""What the steps of a plan do: to arrays (the result is the last argument) and to Python numbers."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import Any

from ..program import functions as runtime
from ..program.operations import STEPS


class NotDivisible(Exception):
    """A division that should have been exact is not; says at which place of the program."""

    def __init__(self, place: int):
        self.place = place


@lru_cache(maxsize=512)
def array_kernel(name: str, value: Any, kind: str) -> Callable[..., Any]:
    """The function of arrays for a step, whose result has a given type."""
    import numpy as np

    if name == "abs" and kind == "f":
        return np.fabs
    known = STEPS[name]
    if name in ("min", "max"):
        return _extreme(getattr(np, known.array))
    if name == "where":
        return _where
    if name == "convert":
        return _convert
    if name == "quotient":
        return _quotient(value, kind)
    if name == "fraction":
        return _assigning(np.frompyfunc(runtime.quotient, 2, 1))
    if name == "float":
        return _float
    if name == "logfloat":
        return _logfloat
    if name == "logdivide":
        return _logdivide
    if name == "func":
        return _function(value)
    if known.array and not (known.boxed and kind == "O"):
        return getattr(np, known.array)
    return _elementwise(name, value)


def _extreme(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda first, second, out: function(first, second, out=out)


def _where(condition: Any, first: Any, second: Any, out: Any) -> None:
    import numpy as np

    np.copyto(out, second)
    np.copyto(out, first, where=condition)


def _convert(array: Any, out: Any) -> None:
    out[...] = array


def _float(array: Any, out: Any) -> None:
    import numpy as np

    np.copyto(out, array, casting="unsafe")


def _logfloat(array: Any, out: Any) -> None:
    import numpy as np

    np.copyto(out, array, casting="unsafe")
    np.log(out, out)


def _logdivide(top: Any, bottom: Any, out: Any) -> None:
    import numpy as np

    np.true_divide(top, bottom, out)
    np.log(out, out)


def _quotient(place: int, kind: str) -> Callable[..., Any]:
    import numpy as np

    exact = np.frompyfunc(runtime.quotient, 2, 1)

    def divide(top: Any, bottom: Any, out: Any) -> None:
        if kind == "O":
            out[...] = exact(top, bottom)
            if any(isinstance(value, Fraction) for value in out.flat):
                raise NotDivisible(place)
            return
        np.floor_divide(top, bottom, out)
        if not np.array_equal(out * bottom, np.broadcast_to(top, out.shape)):
            raise NotDivisible(place)

    return divide


def _function(name: str) -> Callable[..., Any]:
    import numpy as np

    found = getattr(np, name, None)
    if found is not None:
        return found
    if name in ("digamma", "binaryentropy"):
        return _assigning(np.frompyfunc(getattr(runtime, name), 1, 1))
    return _assigning(np.frompyfunc(lambda value: runtime.function(name, value), 1, 1))


def _assigning(function: Callable[..., Any]) -> Callable[..., Any]:
    def kernel(*arguments: Any) -> None:
        *inputs, out = arguments
        out[...] = function(*inputs)

    return kernel


def _elementwise(name: str, value: Any) -> Callable[..., Any]:
    """One Python number after the other."""
    import numpy as np

    if name == "iroot":
        return _assigning(np.frompyfunc(lambda number: runtime.iroot(int(number), value), 1, 1))
    if name == "call":
        return _assigning(lambda *sizes: np.frompyfunc(value.compute, len(sizes), 1)(*sizes))
    if name == "realfloor":
        count = 1 + len(value.symbols)
        return _assigning(np.frompyfunc(lambda number, *sizes: runtime.realfloor(value, number, *sizes), count, 1))
    function = STEPS[name].scalar or getattr(runtime, STEPS[name].helper)
    return _assigning(lambda *numbers: np.frompyfunc(function, len(numbers), 1)(*numbers))


def scalar_kernel(name: str, value: Any, kind: str) -> Callable[..., Any]:
    """The function of Python numbers for a step."""
    if name == "quotient":

        def divide(top: Any, bottom: Any) -> Any:
            found = runtime.quotient(top, bottom)
            if isinstance(found, Fraction):
                raise NotDivisible(value)
            return found

        return divide
    if name == "func":
        return _scalar_function(value)
    if name == "call":
        return value.compute
    if name == "iroot":
        return lambda number: runtime.iroot(number, value)
    if name == "realfloor":
        return lambda number, *sizes: runtime.realfloor(value, number, *sizes)
    if name == "sign":
        return runtime.signum if kind == "f" else runtime.sign
    return STEPS[name].scalar or getattr(runtime, STEPS[name].helper)


def _scalar_function(name: str) -> Callable[..., Any]:
    if name == "reciprocal":
        return lambda value: runtime.floatpow(value, -1.0)
    if name == "square":
        return lambda value: value * value
    if name in ("digamma", "binaryentropy"):
        return getattr(runtime, name)
    return lambda value: runtime.function(name, value)
