"""What ONNX's operators do to tensors whose entries are known before any input is: shapes, masks, tables of positions.

Entries are whole numbers of any length, numbers, truth values, or sizes in the file's symbolic dimensions; small tensors are worked out exactly.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy
from sympy import Expr, Integer, Max, Min, Mod, ceiling, floor, sqrt

from ...algebra.sizes.normal_form import simplify

MOST_ENTRIES = 1 << 23
EXACT_ENTRIES = 4096
"""Above this many entries numbers are the machine's, as in any mask."""


class _Unknown(Exception):
    """The entries depend on what is not known, or there are too many of them."""


def known(values: Any) -> numpy.ndarray:
    """A tensor of known entries: Python's own numbers where there are few, sizes that are literal as whole numbers."""
    array = values if isinstance(values, numpy.ndarray) else numpy.array(values, dtype=object)
    if array.dtype != object:
        if array.size > MOST_ENTRIES:
            raise _Unknown
        if array.size <= EXACT_ENTRIES:
            made = numpy.empty(array.shape, dtype=object)
            made.reshape(-1)[:] = array.reshape(-1).tolist()
            array = made
    if array.dtype == object:
        for place, entry in enumerate(array.reshape(-1)):
            if isinstance(entry, Integer):
                array.reshape(-1)[place] = int(entry)
    return array


def fold(
    onnx: Any, kind: str, given: Sequence[numpy.ndarray | None], attributes: Mapping[str, Any]
) -> list[numpy.ndarray] | None:
    """The outputs of an operator; None where it is no operator on known tensors.

    Parameters
    ----------
    onnx : module
    kind : str
        The operator's name.
    given : sequence of ndarray or None
        Its inputs; None for an optional one that is left out.
    attributes : mapping

    Returns
    -------
    list of ndarray or None
    """
    if kind not in _FOLDERS:
        return None
    try:
        made = _FOLDERS[kind](onnx, list(given), attributes)
        return [known(part) for part in (made if isinstance(made, list) else [made])]
    except (_Unknown, ArithmeticError, IndexError, KeyError, TypeError, ValueError, MemoryError):
        return None  # the operator's rule says what is wrong with it


def _whole(array: numpy.ndarray | None, otherwise: Sequence[int] | None = None) -> list[int]:
    """Entries that must be literal whole numbers."""
    if array is None:
        if otherwise is None:
            raise _Unknown
        return list(otherwise)
    entries = array.reshape(-1).tolist()
    if any(isinstance(entry, (Expr, float)) and int(entry) != entry for entry in entries):
        raise _Unknown
    return [int(entry) for entry in entries]


def _limited(shape: Sequence[int]) -> tuple[int, ...]:
    if any(size < 0 for size in shape) or math.prod(shape) > MOST_ENTRIES:
        raise _Unknown
    return tuple(shape)


# elementwise ---------------------------------------------------------------------------------------------------------


def _is_whole(value: Any) -> bool:
    return bool(value.is_integer) if isinstance(value, Expr) else isinstance(value, int)


def _quotient(a: Any, b: Any) -> Any:
    """Whole numbers are divided without their fraction, towards zero."""
    if not (_is_whole(a) and _is_whole(b)):
        return a / b
    if isinstance(a, Expr) or isinstance(b, Expr):
        return floor(Integer(a) / b if isinstance(a, int) else a / b)
    made = abs(a) // abs(b)
    return made if (a < 0) == (b < 0) else -made


def _remainder(a: Any, b: Any) -> Any:
    return Mod(a, b) if isinstance(a, Expr) or isinstance(b, Expr) else a % b


def _power(a: Any, b: Any) -> Any:
    if isinstance(b, (int, float)) and abs(b) > 64:
        raise _Unknown
    return a**b


def _decided(compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any], bool]:
    def compared(a: Any, b: Any) -> bool:
        found = compare(a, b)
        if found not in (True, False):
            raise _Unknown
        return bool(found)

    return compared


def _equal(a: Any, b: Any) -> bool:
    """Two sizes that differ as formulas may be equal as numbers; a size is never 0 or -1, which is what models ask."""
    if a == b:
        return True
    difference = simplify(a - b) if isinstance(a, Expr) or isinstance(b, Expr) else a - b
    if (
        isinstance(difference, Expr)
        and difference.is_zero is None
        and not difference.is_positive
        and not difference.is_negative
    ):
        raise _Unknown
    return bool(difference == 0)


_PAIRS: dict[str, tuple[Callable[[Any, Any], Any], str]] = {
    "Add": (operator.add, "add"), "Sub": (operator.sub, "subtract"), "Mul": (operator.mul, "multiply"), "Div": (_quotient, ""),
    "Mod": (_remainder, "mod"), "Pow": (_power, ""), "Equal": (lambda a, b: _equal(a, b), "equal"),
    "Less": (_decided(operator.lt), "less"), "LessOrEqual": (_decided(operator.le), "less_equal"),
    "Greater": (_decided(operator.gt), "greater"), "GreaterOrEqual": (_decided(operator.ge), "greater_equal"),
    "And": (lambda a, b: bool(a and b), "logical_and"), "Or": (lambda a, b: bool(a or b), "logical_or"),
    "Xor": (lambda a, b: bool(a) != bool(b), "logical_xor"), "Sum": (operator.add, "add"),
    "Max": (lambda a, b: Max(a, b) if isinstance(a, Expr) or isinstance(b, Expr) else max(a, b), "maximum"),
    "Min": (lambda a, b: Min(a, b) if isinstance(a, Expr) or isinstance(b, Expr) else min(a, b), "minimum"),
}  # fmt: skip
"""What happens to two entries, and NumPy's function for large tensors."""

_SINGLES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "Neg": (operator.neg, "negative"), "Abs": (abs, "abs"), "Not": (lambda a: not a, "logical_not"),
    "Sqrt": (lambda a: sqrt(a) if isinstance(a, Expr) else math.sqrt(a), "sqrt"),
    "Floor": (lambda a: floor(a) if isinstance(a, Expr) else float(math.floor(a)), "floor"),
    "Ceil": (lambda a: ceiling(a) if isinstance(a, Expr) else float(math.ceil(a)), "ceil"),
    "Relu": (lambda a: Max(a, 0) if isinstance(a, Expr) else max(a, 0), ""), "Sign": (lambda a: _sign(a), "sign"),
    "Exp": (lambda a: math.exp(_number(a)), "exp"), "Log": (lambda a: math.log(_number(a)), "log"), "Sin": (lambda a: math.sin(_number(a)), "sin"),
    "Cos": (lambda a: math.cos(_number(a)), "cos"), "Tanh": (lambda a: math.tanh(_number(a)), "tanh"),
    "Reciprocal": (lambda a: 1 / a if isinstance(a, Expr) else 1.0 / a, "reciprocal"), "Round": (lambda a: float(round(_number(a))), "rint"),
    "IsNaN": (lambda a: bool(a != a), "isnan"),
}  # fmt: skip


def _number(a: Any) -> Any:
    """A literal number."""
    if isinstance(a, Expr):
        raise _Unknown
    return a


def _sign(a: Any) -> Any:
    if isinstance(a, Expr):
        if not a.is_positive:
            raise _Unknown
        return 1
    return type(a)((a > 0) - (a < 0))


def _by_entry(function: Callable[..., Any], fast: str, arrays: Sequence[numpy.ndarray]) -> numpy.ndarray:
    shape = _limited(numpy.broadcast_shapes(*(array.shape for array in arrays)))
    if math.prod(shape) > EXACT_ENTRIES:
        plain = [numpy.array(array.tolist()) if array.dtype == object else array for array in arrays]
        if not fast or any(array.dtype == object for array in plain):
            raise _Unknown
        return getattr(numpy, fast)(*plain)
    made = numpy.empty(shape, dtype=object)
    parts = [numpy.broadcast_to(array, shape).reshape(-1).tolist() for array in arrays]
    made.reshape(-1)[:] = [_tidy(function(*entries)) for entries in zip(*parts)]
    return made


def _tidy(entry: Any) -> Any:
    return simplify(entry) if isinstance(entry, Expr) else entry


def _elementwise(kind: str) -> Callable[..., Any]:
    operators: dict[str, tuple[Callable[..., Any], str]] = {**_PAIRS, **_SINGLES}
    function, fast = operators[kind]

    def apply(onnx: Any, given: list[Any], attributes: Mapping[str, Any]) -> Any:
        if kind in _SINGLES:
            return _by_entry(function, fast, given[:1])
        made = given[0]
        for other in given[1:]:
            made = _by_entry(function, fast, [made, other])
        return made

    return apply


def _cast(onnx: Any, given: list[Any], attributes: Mapping[str, Any]) -> Any:
    kind = numpy.dtype(onnx.helper.tensor_dtype_to_np_dtype(int(attributes["to"])))
    if given[0].dtype != object:
        return given[0].astype(kind)
    convert = bool if kind.kind == "b" else int if numpy.issubdtype(kind, numpy.integer) else float
    made = numpy.empty(given[0].shape, dtype=object)
    made.reshape(-1)[:] = [
        entry if isinstance(entry, Expr) else convert(entry) for entry in given[0].reshape(-1).tolist()
    ]
    return made


# axes ----------------------------------------------------------------------------------------------------------------


def _axes(given: list[Any], attributes: Mapping[str, Any], place: int = 1) -> list[int] | None:
    """The axes of an operator: an input since opset 13, an attribute before."""
    if len(given) > place and given[place] is not None:
        return _whole(given[place])
    return [int(axis) for axis in attributes["axes"]] if "axes" in attributes else None


def _unsqueeze(onnx: Any, given: list[Any], attributes: Mapping[str, Any]) -> Any:
    shape, axes = list(given[0].shape), _axes(given, attributes) or []
    for axis in sorted(axis % (len(shape) + len(axes)) for axis in axes):
        shape.insert(axis, 1)
    return given[0].reshape(shape)


def _squeeze(onnx: Any, given: list[Any], attributes: Mapping[str, Any]) -> Any:
    axes = _axes(given, attributes)
    return numpy.squeeze(given[0], axis=None if axes is None else tuple(axes))


def _reshape(onnx: Any, given: list[Any], attributes: Mapping[str, Any]) -> Any:
    wanted = _whole(given[1])
    return given[0].reshape([given[0].shape[place] if size == 0 else size for place, size in enumerate(wanted)])


def _flatten(onnx: Any, given: list[Any], attributes: Mapping[str, Any]) -> Any:
    axis = int(attributes.get("axis", 1))
    return given[0].reshape(math.prod(given[0].shape[:axis]), -1)


def _slice(onnx: Any, given: list[Any], attributes: Mapping[str, Any]) -> Any:
    given = [*given, *[None] * (5 - len(given))]
    starts = _whole(given[1], attributes.get("starts"))
    ends = _whole(given[2], attributes.get("ends"))
    axes = _axes(given, attributes, 3) or range(len(starts))
    parts = [slice(None)] * given[0].ndim
    for start, end, axis, step in zip(starts, ends, axes, _whole(given[4], [1] * len(starts))):
        last = None if step < 0 and end < -given[0].shape[axis] else end
        parts[axis] = slice(start, last, step)
    return given[0][tuple(parts)]


def _gather(onnx: Any, given: list[Any], attributes: Mapping[str, Any]) -> Any:
    places = numpy.array(_whole(given[1]), dtype=numpy.int64).reshape(given[1].shape)
    axis = int(attributes.get("axis", 0))
    size = math.prod(given[0].shape) // max(given[0].shape[axis], 1)
    _limited((size, places.size))
    return numpy.take(given[0], places, axis=axis)


def _expand(onnx: Any, given: list[Any], attributes: Mapping[str, Any]) -> Any:
    shape = _limited(numpy.broadcast_shapes(given[0].shape, tuple(_limited(_whole(given[1])))))
    return numpy.broadcast_to(given[0], shape).copy()


def _constant_of_shape(onnx: Any, given: list[Any], attributes: Mapping[str, Any]) -> Any:
    value = (
        onnx.numpy_helper.to_array(attributes["value"]).reshape(-1)[0] if "value" in attributes else numpy.float32(0)
    )
    return numpy.full(_limited(_whole(given[0])), value)


def _range(onnx: Any, given: list[Any], attributes: Mapping[str, Any]) -> Any:
    start, stop, step = (array.reshape(-1)[0] for array in given)
    if any(isinstance(entry, Expr) for entry in (start, stop, step)):
        raise _Unknown
    count = max(math.ceil((stop - start) / step), 0)
    _limited((count,))
    return numpy.array([start + place * step for place in range(count)])


def _trilu(onnx: Any, given: list[Any], attributes: Mapping[str, Any]) -> Any:
    diagonal = _whole(given[1])[0] if len(given) > 1 and given[1] is not None else 0
    plain = numpy.array(given[0].tolist()) if given[0].dtype == object else given[0]
    return (numpy.triu if int(attributes.get("upper", 1)) else numpy.tril)(plain, diagonal)


def _split(onnx: Any, given: list[Any], attributes: Mapping[str, Any]) -> Any:
    axis = int(attributes.get("axis", 0))
    lengths = _whole(given[1]) if len(given) > 1 else list(attributes["split"])
    return numpy.split(given[0], numpy.cumsum(lengths)[:-1].tolist(), axis=axis)


def _scatter(onnx: Any, given: list[Any], attributes: Mapping[str, Any]) -> Any:
    if attributes.get("reduction", b"none") != b"none":
        raise _Unknown
    made, places = given[0].copy(), numpy.array(given[1].tolist(), dtype=numpy.int64)
    made[tuple(numpy.moveaxis(places, -1, 0))] = given[2]
    return made


def _where(onnx: Any, given: list[Any], attributes: Mapping[str, Any]) -> Any:
    _limited(numpy.broadcast_shapes(*(array.shape for array in given)))
    return numpy.where(given[0].astype(bool), given[1], given[2])


def _reduced(function: str) -> Callable[..., Any]:
    def apply(onnx: Any, given: list[Any], attributes: Mapping[str, Any]) -> Any:
        axes = _axes(given, attributes)
        return getattr(numpy, function)(
            given[0], axis=None if not axes else tuple(axes), keepdims=bool(attributes.get("keepdims", 1))
        )

    return apply


def _place(function: str) -> Callable[..., Any]:
    def apply(onnx: Any, given: list[Any], attributes: Mapping[str, Any]) -> Any:
        if attributes.get("select_last_index", 0):
            raise _Unknown
        axis, keep = int(attributes.get("axis", 0)), bool(attributes.get("keepdims", 1))
        return getattr(numpy, function)(numpy.array(given[0].tolist()), axis=axis, keepdims=keep)

    return apply


def _clip(onnx: Any, given: list[Any], attributes: Mapping[str, Any]) -> Any:
    made = given[0]
    ends = [*given[1:3], None, None][:2]
    for kind, end, name in zip(("Max", "Min"), ends, ("min", "max")):
        bound = numpy.array(attributes[name]) if end is None and name in attributes else end
        if bound is not None:
            made = _by_entry(*_PAIRS[kind], [made, known(bound)])
    return made


def _eye(onnx: Any, given: list[Any], attributes: Mapping[str, Any]) -> Any:
    _limited(given[0].shape)
    if "dtype" in attributes and int(attributes["dtype"]) not in (1, 6, 7, 11):
        raise _Unknown
    rows, columns = given[0].shape
    return numpy.eye(rows, columns, k=int(attributes.get("k", 0)), dtype=int)


def _array(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda onnx, given, attributes: function(given, attributes)


_FOLDERS: dict[str, Callable[..., Any]] = {
    **{kind: _elementwise(kind) for kind in (*_PAIRS, *_SINGLES)},
    "Cast": _cast, "Unsqueeze": _unsqueeze, "Squeeze": _squeeze, "Reshape": _reshape, "Flatten": _flatten, "Slice": _slice, "Gather": _gather,
    "Expand": _expand, "ConstantOfShape": _constant_of_shape, "Range": _range, "Trilu": _trilu, "Split": _split, "ScatterND": _scatter,
    "Where": _where, "ReduceProd": _reduced("prod"), "ReduceSum": _reduced("sum"), "ReduceMax": _reduced("max"), "ReduceMin": _reduced("min"),
    "ArgMax": _place("argmax"), "ArgMin": _place("argmin"), "Clip": _clip, "EyeLike": _eye,
    "Identity": _array(lambda given, a: given[0]), "Size": _array(lambda given, a: numpy.array(given[0].size)),
    "Concat": _array(lambda given, a: numpy.concatenate(given, axis=int(a["axis"]))),
    "Transpose": _array(lambda given, a: numpy.transpose(given[0], a.get("perm"))),
    "Tile": _array(lambda given, a: numpy.tile(given[0], _limited(_whole(given[1])))),
    "CumSum": _array(lambda given, a: numpy.cumsum(given[0], axis=_whole(given[1])[0])),
}  # fmt: skip
"""Operator to what it does to known tensors."""
