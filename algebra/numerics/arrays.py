"""Arrays whose axes are indices of an equation, exact as long as the functions applied to them allow it.

Numbers are of one of two kinds. *Exact* arrays hold Python's integers and fractions (NumPy's ``object``), so nothing
overflows and nothing is rounded; an infinity, as a maximum's margin, may stand among them. All others are 64-bit
floats. Whatever joins an exact array with floats gives floats.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from numbers import Rational as RationalNumber
from typing import TYPE_CHECKING, Any

import numpy
from sympy import Expr

from ..arguments import shown
from ..errors import BudgetError, DomainError, FieldError, UnsupportedError
from ..records import dataclass
from ..sizes.dims import Index

if TYPE_CHECKING:
    from numpy import ndarray


MOST_ELEMENTS = 10**9
"""Of one array; more does not fit into a memory."""
MOST_AXES = 32
"""Of a NumPy array."""
MOST_BITS = 200_000
"""Of an exact number."""


@dataclass(frozen=True)
class Labelled:
    """Values over the points of some indices, an axis for each of them."""

    indices: tuple[Index, ...]
    values: "ndarray"

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", as_array(self.values))


def as_array(made: Any) -> "ndarray":
    """NumPy turns an array without axes into what it holds; turn it back, in the kind that it had."""
    if isinstance(made, numpy.ndarray):
        return made
    array = numpy.empty((), dtype=float if isinstance(made, numpy.floating) else object)
    array[()] = made
    return array


def exact_number(value: Expr) -> int | Fraction | float:
    """A constant of an equation: an integer or a fraction where it is one, and the nearest float elsewhere."""
    if value.is_Integer:
        return int(value)
    if value.is_Rational:
        return Fraction(int(value.p), int(value.q))
    return float(value)


def constant(value: Expr) -> Labelled:
    """A constant as an array without axes."""
    number = exact_number(value)
    inexact = isinstance(number, float) and math.isfinite(number)
    made = numpy.empty((), dtype=float if inexact else object)
    made[()] = number
    return Labelled((), made)


def as_numbers(given: Any, what: str) -> "ndarray":
    """What a user passed as one of the two kinds of arrays, or an error that says what is wrong with it."""
    try:
        array = numpy.asarray(given)
    except ValueError:
        raise FieldError(f"{what} must be an array of numbers; its rows differ in length") from None
    except (TypeError, OverflowError, RecursionError, AttributeError, MemoryError):  # whatever NumPy makes of objects
        raise FieldError(f"{what} must be an array of numbers, got {shown(given)}") from None
    if array.dtype == bool or numpy.issubdtype(array.dtype, numpy.integer):
        return array.astype(object) if array.dtype != bool else array.astype(int).astype(object)
    if numpy.issubdtype(array.dtype, numpy.floating):
        return array.astype(float)
    if array.dtype != object:
        raise FieldError(f"{what} must be an array of numbers, got {array.dtype}")
    made = numpy.empty(array.shape, dtype=object)
    inexact = False
    for place, value in numpy.ndenumerate(array):
        if isinstance(value, Expr) and value.is_Rational:
            value = exact_number(value)
        if isinstance(value, (bool, numpy.bool_)):
            value = int(value)
        if isinstance(value, (int, Fraction)):
            made[place] = value
        elif isinstance(value, (RationalNumber, numpy.integer)):
            made[place] = Fraction(int(value.numerator), int(value.denominator))
        elif isinstance(value, (float, numpy.floating)):
            made[place], inexact = float(value), True
        else:
            raise FieldError(f"{what} must hold numbers, got {shown(value)} of type {type(value).__name__} at {place}")
    return made.astype(float) if inexact else made


def as_result(values: "ndarray") -> "ndarray":
    """What a caller gets: floats, 64-bit integers where all values are such, or Python's integers and fractions."""
    if values.dtype != object:
        return values
    whole = numpy.empty(values.shape, dtype=object)
    plain = True
    for place, value in numpy.ndenumerate(values):
        if isinstance(value, float):
            return values.astype(float)
        whole[place] = value.numerator if value.denominator == 1 else value
        plain = plain and value.denominator == 1 and -(2**63) <= value < 2**63
    return whole.astype(numpy.int64) if plain else whole


def is_exact(values: "ndarray") -> bool:
    """Whether an array is of the exact kind."""
    return values.dtype == object


def is_finite(values: "ndarray") -> bool:
    """Whether no value is infinite or none: exact numbers may stand beside the infinite filling of a margin."""
    if is_exact(values):
        return all(not isinstance(value, float) or math.isfinite(value) for value in values.flat)
    return bool(numpy.isfinite(values).all())


def floats(values: "ndarray") -> "ndarray":
    """The values as floats."""
    return values.astype(float)


def of_one_kind(arrays: Sequence["ndarray"]) -> list["ndarray"]:
    """All exact, or all floats."""
    if all(is_exact(array) for array in arrays) or not any(is_exact(array) for array in arrays):
        return list(arrays)
    return [floats(array) for array in arrays]


def united(*groups: Sequence[Index]) -> tuple[Index, ...]:
    """The indices of several groups, each once, in the order of their first appearance."""
    found = tuple(dict.fromkeys(index for group in groups for index in group))
    if len(found) > MOST_AXES:
        raise BudgetError(
            f"{len(found)} indices at once, more than the {MOST_AXES} axes of an array; sum over some of them first"
        )
    return found


def within_budget(sizes: Sequence[int], what: str) -> None:
    """Refuse an array that is too large before it is made."""
    if (elements := math.prod(sizes)) > MOST_ELEMENTS:
        raise BudgetError(
            f"{what} would have {elements} elements, more than the {MOST_ELEMENTS} that are computed one by one; "
            "take smaller sizes, or fewer indices"
        )


def short_enough(values: "ndarray") -> "ndarray":
    """The exact numbers, unless they are so long that nothing more can be computed from them."""
    if values.dtype == object and any(_bits(value) > MOST_BITS for value in values.flat):
        raise BudgetError(f"exact numbers of more than {MOST_BITS} bits; pass floats, such as 1.0 in place of 1")
    return values


def _bits(value: Any) -> int:
    if isinstance(value, float):
        return 0
    return int(value.numerator).bit_length() + int(value.denominator).bit_length()


def aligned(part: Labelled, indices: Sequence[Index]) -> "ndarray":
    """The values with an axis for each of `indices`, of size 1 where they do not depend on it."""
    order = [part.indices.index(index) for index in indices if index in part.indices]
    shape, values = [], part.values.transpose(order)
    sizes = iter(values.shape)
    for index in indices:
        shape.append(next(sizes) if index in part.indices else 1)
    return values.reshape(shape)


def spread(part: Labelled, indices: Sequence[Index], sizes: Sequence[int]) -> "ndarray":
    """The values at every point of the box of `indices`."""
    within_budget(sizes, "a tensor of the equation")
    return numpy.broadcast_to(aligned(part, indices), tuple(sizes))


def plus(terms: Sequence[Labelled]) -> Labelled:
    """The sum of terms that depend on different indices."""
    indices = united(*(term.indices for term in terms))
    arrays = of_one_kind([aligned(term, indices) for term in terms])
    within_budget(numpy.broadcast_shapes(*(array.shape for array in arrays)), "a sum")
    total = arrays[0]
    for array in arrays[1:]:
        total = total + array
    return Labelled(indices, total)


def times(factors: Sequence[Labelled]) -> Labelled:
    """The product of factors that depend on different indices."""
    indices = united(*(factor.indices for factor in factors))
    arrays = of_one_kind([aligned(factor, indices) for factor in factors])
    within_budget(numpy.broadcast_shapes(*(array.shape for array in arrays)), "a product")
    total = arrays[0]
    for array in arrays[1:]:
        total = total * array
    return Labelled(indices, total)


def contracted(factors: Sequence[Labelled], summed: Sequence[Index]) -> Labelled:
    """The product of factors, summed over indices on each of which at least one of them depends."""
    kept = tuple(index for index in united(*(factor.indices for factor in factors)) if index not in summed)
    number = {index: place for place, index in enumerate(united(*(factor.indices for factor in factors)))}
    arrays = of_one_kind([factor.values for factor in factors])
    operands: list[Any] = []
    for factor, array in zip(factors, arrays):
        operands += [array, [number[index] for index in factor.indices]]
    order = [number[index] for index in kept]
    extent = {index: size for factor in factors for index, size in zip(factor.indices, factor.values.shape)}
    within_budget([extent[index] for index in kept], "a contraction")
    values = numpy.einsum(*operands, order, optimize=False if is_exact(arrays[0]) else "greedy")
    return Labelled(kept, values)


# elementwise functions -----------------------------------------------------------------------------------------------


def apply(name: str, arguments: Sequence[Labelled]) -> Labelled:
    """An elementwise function of the closed list at every point."""
    indices = united(*(argument.indices for argument in arguments))
    arrays = of_one_kind([aligned(argument, indices) for argument in arguments])
    within_budget(numpy.broadcast_shapes(*(array.shape for array in arrays)), "a function")
    keeps: dict[str, Callable[..., Any]] = {
        "relu": _relu,
        "abs": abs,
        "max": max,
        "min": min,
        "divide": _divide,
        "power": _power,
        "pow": _power,
        "floor": _rounded(math.floor),
        "ceil": _rounded(math.ceil),
        "trunc": _rounded(math.trunc),
        "round": _rounded(round),
        "sign": lambda value: (value > 0) - (value < 0),
        "less": lambda one, two: int(one < two),
        "equal": lambda one, two: int(one == two),
        "choose": lambda condition, one, two: one if condition != 0 else two,
        "mod": lambda one, two: one - two * math.floor(_divide(one, two)),
        "fmod": lambda one, two: one - two * math.trunc(_divide(one, two)),
        "bitand": lambda one, two: _whole(one) & _whole(two),
        "bitor": lambda one, two: _whole(one) | _whole(two),
        "bitxor": lambda one, two: _whole(one) ^ _whole(two),
    }
    if is_exact(arrays[0]) and name in keeps and not (name in ("power", "pow") and not _is_whole(arrays[1])):
        return Labelled(indices, numpy.frompyfunc(keeps[name], len(arrays), 1)(*arrays))
    if name not in _FLOAT:
        raise UnsupportedError(
            f"the function {name} has no numbers yet; those that have are {', '.join(sorted(_FLOAT))}"
        )
    with numpy.errstate(all="ignore"):
        return Labelled(indices, numpy.asarray(_FLOAT[name](*map(floats, arrays)), dtype=float))


def _is_whole(exponents: "ndarray") -> bool:
    return all(isinstance(value, int) or value.denominator == 1 for value in exponents.flat)


def _whole(value: Any) -> int:
    if isinstance(value, float) or value.denominator != 1:
        raise DomainError(f"bits of {value}, which is no integer")
    return int(value)


def _rounded(function: Callable[[Any], int]) -> Callable[[Any], Any]:
    """A way to round, which leaves infinities as they are."""
    return lambda value: value if isinstance(value, float) and not math.isfinite(value) else function(value)


def _relu(value: Any) -> Any:
    return value if value > 0 else 0


def _divide(above: Any, below: Any) -> Any:
    if below == 0:
        raise DomainError("a division by zero; the equation has no value there")
    if isinstance(above, float) or isinstance(below, float):
        return above / below
    return Fraction(above) / below


def _power(base: Any, exponent: Any) -> Any:
    if isinstance(base, (int, Fraction)) and abs(base) != 1 and abs(exponent) * _bits(base) > 100 * MOST_BITS:
        raise BudgetError(f"a power of more than {100 * MOST_BITS} bits; pass floats, such as 1.0 in place of 1")
    if exponent < 0 and base == 0:
        raise DomainError("a negative power of zero; the equation has no value there")
    return Fraction(base) ** int(exponent) if isinstance(base, (int, Fraction)) else base ** int(exponent)


def _sigmoid(values: "ndarray") -> "ndarray":
    return numpy.exp(-numpy.logaddexp(0.0, -values))


def _erf(values: "ndarray") -> "ndarray":
    return numpy.frompyfunc(math.erf, 1, 1)(values)


def _softplus(values: "ndarray") -> "ndarray":
    return numpy.logaddexp(0.0, values)


def _ufunc(name: str) -> Any:
    def call(*arrays: "ndarray") -> "ndarray":
        return getattr(numpy, name)(*arrays)

    return call


_FLOAT = {
    "relu": lambda values: _ufunc("maximum")(values, 0.0),
    "abs": _ufunc("abs"),
    "max": _ufunc("maximum"),
    "min": _ufunc("minimum"),
    "exp": _ufunc("exp"),
    "log": _ufunc("log"),
    "sqrt": _ufunc("sqrt"),
    "tanh": _ufunc("tanh"),
    "sigmoid": _sigmoid,
    "erf": _erf,
    "sin": _ufunc("sin"),
    "cos": _ufunc("cos"),
    "softplus": _softplus,
    **{name: _ufunc(name) for name in ("tan", "sinh", "cosh", "floor", "ceil", "trunc", "sign")},
    **{f"a{name}": _ufunc(f"arc{name}") for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    "round": _ufunc("rint"),
    "less": _ufunc("less"),
    "equal": _ufunc("equal"),
    "choose": lambda condition, one, two: _ufunc("where")(condition != 0, one, two),
    "pow": _ufunc("power"),
    "mod": _ufunc("mod"),
    "fmod": _ufunc("fmod"),
    "divide": _ufunc("divide"),
    "power": _ufunc("power"),
}
