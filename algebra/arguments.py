"""What a public function is given, held against what its annotations say, before anything is computed from it.

>>> @checked
... def repeated(text: str, times: int = 1) -> str:
...     return text * times
>>> import numpy
>>> repeated("ab", numpy.int64(2))
'abab'
>>> repeated("ab", times="2")
Traceback (most recent call last):
...
layeralgebra.algebra.errors.FieldError: repeated takes an integer as times, got '2' of type str
"""

from __future__ import annotations

import ast
import math
import operator
import os
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial, wraps
from inspect import Parameter, signature
from itertools import islice
from typing import Any, TypeVar, cast

from sympy import Expr, Pow, Product, Sum, Symbol

from .errors import BudgetError, FieldError, LayerAlgebraError, UnsupportedError

LONGEST_SHOWN = 200  # characters of what is given that a message repeats
LARGEST_EXPONENT = 1_000_000  # of a number, in an expression that is computed with
MOST_ELEMENTS = 10_000_000  # of what is gone through before anything is computed
F = TypeVar("F", bound=Callable[..., Any])
Reader = Callable[[Any], Any]


class Unfit(Exception):
    """What is given is not of the kind; caught here, and never seen outside."""


def shown(value: object) -> str:
    """What a message repeats of a value: its text, cut where it is long, or its type where it has none."""
    try:
        text = repr(value)
    except Exception:  # whatever the user's own __repr__ raises, or a nesting deeper than Python's
        return f"an object of type {type(value).__name__}"
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "..."


def as_integer(value: Any, what: str) -> int:
    """Python's integer for whatever is one: of numpy and of SymPy too, but no truth value.

    Raises
    ------
    FieldError
        If it is anything else.
    """
    try:
        return _integer(value)
    except Unfit:
        raise FieldError(f"{what} must be an integer, got {shown(value)} of type {type(value).__name__}") from None


def as_real(value: Any, what: str) -> float:
    """A finite float for whatever is a real number: of numpy and of SymPy too, but no truth value and no text.

    Raises
    ------
    FieldError
        If it is anything else.
    """
    try:
        found = _real(value)
    except Unfit:
        found = math.nan
    if not math.isfinite(found):
        raise FieldError(f"{what} must be a finite number, got {shown(value)} of type {type(value).__name__}")
    return found


def as_expression(value: Any, what: str) -> Expr:
    """An expression that stands for a number, and can be computed with.

    Raises
    ------
    FieldError
        If it is none.
    BudgetError
        If it has powers with more digits than there is memory, or sums without end.
    """
    try:
        return _expression(value)
    except Unfit:
        raise FieldError(f"{what} must be an expression, got {shown(value)} of type {type(value).__name__}") from None


def as_array(values: Any, what: str, kind: type = float) -> Any:
    """An array of numbers of that kind for whatever holds some.

    Raises
    ------
    FieldError
        If it holds anything else, or its rows are of unequal length.
    BudgetError
        If there are too many.
    """
    import numpy

    waiting, count = [values], 0
    while waiting:
        part = waiting.pop()
        if isinstance(part, (list, tuple, range)):
            count += _length(part)
            if count > MOST_ELEMENTS:
                raise BudgetError(f"{what} has more than {MOST_ELEMENTS} elements")
            if not isinstance(part, range):
                waiting += [inner for inner in part if isinstance(inner, (list, tuple, range, Expr))]
        elif isinstance(part, Expr):
            _of_moderate_size(part)
    try:
        return numpy.asarray(values, dtype=kind)
    except (TypeError, ValueError, OverflowError, RecursionError, AttributeError):  # whatever NumPy makes of objects
        raise FieldError(
            f"{what} must be an array of numbers, got {shown(values)} of type {type(values).__name__}"
        ) from None


def as_text(value: Any, what: str) -> str:
    """A text that can be written into a file.

    Raises
    ------
    FieldError
        If it is no text, or has characters that no encoding knows.
    """
    if not isinstance(value, str):
        raise FieldError(f"{what} must be a text, got {shown(value)} of type {type(value).__name__}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise FieldError(f"{what} must be a text, got {shown(value)}, which has halves of characters") from None
    return value


def as_elements(values: Any, what: str, *, most: int = MOST_ELEMENTS) -> list[Any]:
    """The elements of something that has some, at most so many.

    Raises
    ------
    FieldError
        If it has none that can be gone through.
    BudgetError
        If there are too many.
    """
    if isinstance(values, (str, bytes, bytearray, memoryview, type)) or not hasattr(values, "__iter__"):
        raise FieldError(f"{what} must be a list or a tuple, got {shown(values)} of type {type(values).__name__}")
    try:
        found = list(islice(values, most + 1)) if _length(values) <= most else [None] * (most + 1)
    except Exception as error:  # of an iterator of the user's, or of an array without axes
        raise FieldError(f"{what} cannot be gone through: {shown(error)}") from None
    if len(found) > most:
        raise BudgetError(f"{what} has more than {most} elements")
    return found


def _length(values: Any) -> int:
    """How many elements something has that says so without being gone through; 0 otherwise."""
    try:
        return len(values)
    except Exception:  # of a range longer than Python counts, of an array without axes, of an object of the user's
        return MOST_ELEMENTS + 1 if isinstance(values, range) else 0


def _integer(value: Any) -> int:
    if is_truth(value) or isinstance(value, type) or getattr(value, "ndim", False):
        raise Unfit
    try:
        return operator.index(value)
    except Exception:  # whatever __index__ raises
        raise Unfit from None


def _of_moderate_size(value: Expr) -> Expr:
    """An expression that can be computed with: a power that was left as it is may have more digits than there is memory."""
    for part in value.atoms(Pow, Sum, Product):
        if isinstance(part, (Sum, Product)):
            if any(end.is_infinite for limit in part.limits for end in limit[1:]):
                raise BudgetError(f"{shown(part)} has no last term")
        elif part.exp.is_Integer and abs(part.exp) > LARGEST_EXPONENT and part.base.is_number:
            raise BudgetError(f"{shown(part)} has too many digits to be computed with")
    return value


def is_scalar(value: Expr) -> bool:
    """Whether an expression stands for one number: not for a matrix, an array whose entries could be gone through, or an order."""
    return value.is_commutative is not False and not hasattr(type(value), "__getitem__") and value.getO() is None


def _expression(value: Any) -> Expr:
    if not isinstance(value, Expr) or not is_scalar(value):
        raise Unfit
    return _of_moderate_size(value)


def _real(value: Any) -> float:
    if is_truth(value) or isinstance(value, (str, bytes, bytearray, complex, type)) or getattr(value, "ndim", False):
        raise Unfit
    if isinstance(value, Expr) and not (_of_moderate_size(value).is_number and value.is_extended_real):
        raise Unfit
    try:
        return float(value)
    except Exception:  # whatever __float__ raises
        raise Unfit from None


def _truth(value: Any) -> bool:
    if not is_truth(value):
        raise Unfit
    return bool(value)


def is_truth(value: Any) -> bool:
    """Python's, numpy's and SymPy's truth values."""
    return isinstance(value, bool) or type(value).__name__ in ("bool", "bool_", "BooleanTrue", "BooleanFalse")


def _text(value: Any) -> str:
    try:
        return as_text(value, "")
    except FieldError:
        raise Unfit from None


def _path(value: Any) -> Any:
    if not isinstance(value, os.PathLike) and not isinstance(value, str):
        raise Unfit
    return value if isinstance(value, os.PathLike) else _text(value)


def _mapping(value: Any) -> Any:
    if not isinstance(value, Mapping):
        raise Unfit
    return value


def _sequence(each: Reader | None, again: bool, value: Any) -> Any:
    """Of a sequence (which can be gone through again) or of an iterable, every element read."""
    if isinstance(value, (bytes, bytearray, memoryview, type, Mapping)) or not hasattr(value, "__iter__"):
        raise Unfit
    if again and (
        isinstance(value, (str, set, frozenset)) or not hasattr(value, "__len__") or getattr(value, "ndim", 1) != 1
    ):
        raise Unfit
    if each is None:
        return list(value) if getattr(value, "ndim", 0) == 1 else value  # the truth of an array is not that of a list
    if isinstance(value, str):
        each("x")  # a text is an iterable of texts, and of nothing else
        return value
    if _length(value) > MOST_ELEMENTS:
        raise BudgetError(f"there are more than {MOST_ELEMENTS} elements")
    try:
        found = [each(item) for item in islice(value, MOST_ELEMENTS + 1)]
    except Unfit:
        raise
    except Exception:  # of an iterator of the user's
        raise Unfit from None
    if len(found) > MOST_ELEMENTS:
        raise BudgetError(f"there are more than {MOST_ELEMENTS} elements")
    return tuple(found)


def _tuple(each: Sequence[Sequence[tuple[str, Reader]] | None], value: Any) -> tuple[Any, ...]:
    """So many elements, each read as its own place says."""
    found = _sequence(None, True, value)
    if _length(found) != len(each):
        raise Unfit
    return tuple(item if of is None else _first(of, item) for of, item in zip(each, found, strict=True))


def answer_of(function: Callable[..., Any], what: str, *arguments: Any) -> Any:
    """What a function that the user has handed over answers to these arguments.

    Raises
    ------
    FieldError
        If it does not take them, or raises anything else; the error of the user's function is the cause.
    """
    try:
        return function(*arguments)
    except LayerAlgebraError:
        raise
    except Exception as error:  # whatever the user's function raises
        given = ", ".join(map(shown, arguments)) or "nothing"
        raise FieldError(f"{what}, called with {given}, raised {type(error).__name__}: {error}") from error


def _called(value: Any) -> Any:
    if not callable(value):
        raise Unfit
    return value


def _nothing(value: Any) -> Any:
    if value is not None:
        raise Unfit
    return value


_PLAIN: dict[str, tuple[str, Reader]] = {
    "str": ("a text", _text), "int": ("an integer", _integer), "bool": ("True or False", _truth), "float": ("a number", _real),
    "Path": ("a path", _path), "None": ("None", _nothing), "Callable": ("a function", _called), "Mapping": ("a mapping of names to values", _mapping),
}  # fmt: skip
_ANY: list[tuple[str, Reader]] = [("anything", lambda value: value)]
_READ_LATER = {
    "Any",
    "object",
    "Dim",
    "Size",
    "Sizes",
    "Number",
    "Flag",
    "Text",
}  # the last six by the layer that is made
_ARRAYS = {"NDArray", "ndarray"}
_MANY = {
    "an integer": "integers",
    "a number": "numbers",
    "a text": "texts",
    "a function": "functions",
    "a path": "paths",
    "a derivation": "derivations",
}
_ITEMS = {"Sequence": True, "Iterable": False}
_TITLES = {
    "Metric": "a metric such as la.macs",
    "Derived": "a derivation",
    "Network": "a layer or a network",
    "Composed": "a layer or a network",
    "Symbol": "a symbol such as dims('c')",
    "Derivation": "a derivation such as derive(macs, net)",
}


def _is_of(name: str, known: Mapping[str, Any], value: Any) -> Any:
    """An instance of the class of that name; of a class that is named for type checkers only, by its name."""
    of = known.get(name)
    if isinstance(of, type):
        fits = isinstance(value, of)
    else:
        last = name.rpartition(".")[2]
        fits = any(each.__name__ == last for each in type(value).__mro__)
    if not fits:
        raise Unfit
    return value


def _readers(node: ast.expr, known: Mapping[str, Any]) -> list[tuple[str, Reader]] | None:
    """What an annotation takes, in words, and how each kind is read; None where it takes anything."""
    if isinstance(node, ast.BinOp):
        sides = [_readers(side, known) for side in (node.left, node.right)]
        found = [each for side in sides if side for each in side]
        return None if None in sides else sorted(found, key=lambda each: each[0] != "an array")  # which is a list too
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return _readers(ast.parse(node.value, mode="eval").body, known)
    if isinstance(node, ast.Subscript):
        base = ast.unparse(node.value)
        if base in _ITEMS:
            inner = _readers(node.slice, known)
            each = None if inner is None else partial(_first, inner)
            words = f" of {' or '.join(_MANY.get(text, text) for text, _ in inner)}" if inner else ""
            return [(f"a list{words}", partial(_sequence, each, _ITEMS[base]))]
        if base == "tuple" and isinstance(node.slice, ast.Tuple):
            return [_tuple_reader(node.slice.elts, known)]
        return _readers(node.value, known)
    name = ast.unparse(node)
    if name.rpartition(".")[2] in _ARRAYS:
        return [("an array", partial(_is_of, "ndarray", {}))]
    if name in _PLAIN:
        return [_PLAIN[name]]
    if name == "Expr" and known.get(name) is Expr:
        return [("an expression", _expression)]
    if name in _ITEMS:
        return [("a list", partial(_sequence, None, _ITEMS[name]))]
    if name in _READ_LATER or not isinstance(known.get(name, type), (type, str)):
        return None  # whatever it is, the function looks itself; so with types that are made of others
    if name == "Symbol":
        return [(_TITLES[name], partial(_is_of, name, {"Symbol": Symbol}))]
    article = "an" if name[0] in "AEIOU" else "a"
    return [(_TITLES.get(name, f"{article} {name}"), partial(_is_of, name, known))]


def _tuple_reader(parts: Sequence[ast.expr], known: Mapping[str, Any]) -> tuple[str, Reader]:
    """Of ``tuple[int, ...]`` as of a list of integers, and of ``tuple[int, str]`` place by place."""
    if isinstance(parts[-1], ast.Constant) and parts[-1].value is ...:
        inner = _readers(parts[0], known)
        words = f" of {' or '.join(_MANY.get(text, text) for text, _ in inner)}" if inner else ""
        return f"a tuple{words}", lambda value: tuple(_sequence(partial(_first, inner or _ANY), True, value))
    each = [_readers(part, known) for part in parts]
    words = ", ".join(" or ".join(text for text, _ in of) if of else "anything" for of in each)
    return f"a tuple ({words})", partial(_tuple, each)


def _first(readers: Sequence[tuple[str, Reader]], value: Any) -> Any:
    """What the first kind that fits makes of a value."""
    for _, read in readers:
        try:
            return read(value)
        except Unfit:
            continue
    raise Unfit


@cache
def _parameters(function: Callable[..., Any]) -> tuple[list[tuple[str, Any]], dict[str, Any], Any, Any]:
    """By position, by name, and for more of either: the readers of each parameter."""
    places, names, more, words = [], {}, None, None
    for parameter in signature(function).parameters.values():
        readers = None
        if isinstance(parameter.annotation, str):
            known = {**function.__globals__}
            readers = _readers(ast.parse(parameter.annotation, mode="eval").body, known)
        if parameter.kind is Parameter.VAR_POSITIONAL:
            more = readers
        elif parameter.kind is Parameter.VAR_KEYWORD:
            words = readers
        else:
            names[parameter.name] = readers
            if parameter.kind is not Parameter.KEYWORD_ONLY:
                places.append((parameter.name, readers))
    return places, names, more, words


EXTRAS = {
    **dict.fromkeys(("xarray", "dask", "distributed", "pandas", "zarr", "pyarrow"), "sweep"),
    **dict.fromkeys(("hypothesis", "z3", "cvc5"), "proofs"),
    **dict.fromkeys(("symengine", "flint"), "fast"),
    "matplotlib": "plot", "torch": "torch", "jax": "jax", "numba": "numba", "onnx": "onnx", "keras": "keras", "scipy": "optimize",
    "threadpoolctl": "capacity", "gudhi": "topology", "egglog": "rewrite",
}  # fmt: skip
"""The optional packages, and in which extra each is."""


def missing_extra(error: ModuleNotFoundError) -> UnsupportedError | None:
    """The error that says in one line what to install; None if no optional package is missing."""
    package = (error.name or "").partition(".")[0]
    if package not in EXTRAS:
        return None
    return UnsupportedError(
        f"this needs {package}, which is not installed: pip install 'layeralgebra[{EXTRAS[package]}]'"
    )


def checked(function: F) -> F:
    """The function, with every argument read as its annotation says before it is called.

    Integers of numpy and SymPy become Python's; a text, a mapping, a network or a symbol must be one. What is annotated `Any` the
    function reads itself.

    Raises
    ------
    FieldError
        From the function: an argument is of another kind.
    BudgetError
        From the function: an argument is nested more deeply than Python goes.
    """

    @wraps(function)
    def reading(*args: Any, **words: Any) -> Any:
        places, names, more, others = _parameters(function)
        given = list(args)
        for number, value in enumerate(given):
            name, readers = places[number] if number < len(places) else ("parts", more)
            if readers is not None:
                given[number] = _read(function, name, readers, value)
        for name, value in words.items():
            readers = names.get(name, others)
            if readers is not None:
                words[name] = _read(function, name, readers, value)
        try:
            return function(*given, **words)
        except ModuleNotFoundError as error:
            if (missing := missing_extra(error)) is None:
                raise
            raise missing from None
        except RecursionError:
            raise BudgetError(
                f"{function.__name__} was given something nested more deeply than Python goes; write it flatter"
            ) from None

    return cast(F, reading)


def _read(function: Callable[..., Any], name: str, readers: Sequence[tuple[str, Reader]], value: Any) -> Any:
    try:
        return _first(readers, value)
    except Unfit:
        pass
    instead = ""
    if isinstance(value, type) and any(text == _TITLES["Network"] for text, _ in readers):
        instead = f"; write {value.__name__}(...)"
    wanted = " or ".join(dict.fromkeys(text for text, _ in readers))
    raise FieldError(
        f"{function.__name__} takes {wanted} as {name}, got {shown(value)} of type {type(value).__name__}{instead}"
    )


def takes_nothing(function: Callable[..., Any]) -> bool:
    """Whether a function can be called without arguments, as one that makes a model can."""
    try:
        signature(function).bind()
    except TypeError:
        return False
    except ValueError:  # of what is written in C and has no signature
        return True
    return True
