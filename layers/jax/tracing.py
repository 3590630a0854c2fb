"""A function traced at sizes of which some are symbols: its jaxpr, what enters it, what it returns, and what was relied on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Any

import jax
import numpy
from jax.tree_util import tree_flatten_with_path, tree_unflatten
from sympy import Expr, Integer, Symbol, true
from sympy.logic.boolalg import Boolean

from ...algebra.arguments import shown
from ...algebra.errors import FieldError, UnsupportedError
from ...algebra.records import dataclass
from ...algebra.sizes.dims import are_sizes
from .models import Model, first_line, path_name, read_model
from .sizes import Sizes, decided

MOST_TRACES = 20
"""So often a function is traced anew because it was found to ask that one size divides another."""


@dataclass(frozen=True)
class Argument:
    """An array that enters a function: its name, its shape, the symbols of its axes, and its kind if it is known."""

    name: str
    shape: tuple[int, ...]
    symbols: Mapping[int, Expr]
    dtype: Any = None

    def struct(self, sizes: Sizes | None, dtype: Any) -> Any:
        """What JAX traces: at the sizes of the example, or with symbols."""
        shape = [
            sizes.to_jax(self.symbols[axis]) if sizes is not None and axis in self.symbols else size
            for axis, size in enumerate(self.shape)
        ]
        return jax.ShapeDtypeStruct(tuple(shape), self.dtype if self.dtype is not None else dtype)


@dataclass
class StoredArray:
    """An array that a model holds: its names, its shape, whether it is learned, and its numbers if they are known."""

    names: list[str]
    shape: tuple[int, ...]
    learned: bool
    value: Any = None


@dataclass
class Traced:
    """What tracing found; `stored` and `inputs` are in the order of the jaxpr's arguments. `again` traces with a symbol of another value."""

    jaxpr: Any
    sizes: Sizes
    stored: list[StoredArray]
    inputs: list[Argument]
    outputs: list[str]
    where: list[Boolean] = field(default_factory=list)
    again: "Callable[[Symbol, Expr], Traced] | None" = None


def read_arguments(given: Sequence[Any], dynamic: Mapping[Any, object]) -> list[Argument]:
    """The inputs: each a shape, or anything that has a shape and a kind, as an array has; or a tree of those."""
    found: list[tuple[str, tuple[int, ...], Any]] = []
    for place, one in enumerate(given):
        found.extend(_leaves(one, f"x{place}" if len(given) > 1 else "x"))
    names = {axis: _size(name) for axis, name in dynamic_axes(dynamic, [shape for _, shape, _ in found]).items()}
    return [
        Argument(name, shape, {axis: size for (place, axis), size in names.items() if place == number}, dtype)
        for number, (name, shape, dtype) in enumerate(found)
    ]


def _leaves(given: Any, name: str) -> list[tuple[str, tuple[int, ...], Any]]:
    if hasattr(given, "shape") and hasattr(given, "dtype"):
        return [(name, _numbers(given.shape), given.dtype)]
    if isinstance(given, Mapping):
        return [leaf for key in sorted(given) for leaf in _leaves(given[key], f"{name}.{key}")]
    if isinstance(given, (tuple, list)) and any(
        isinstance(part, (tuple, list, Mapping)) or hasattr(part, "shape") for part in given
    ):
        return [leaf for place, part in enumerate(given) for leaf in _leaves(part, f"{name}.{place}")]
    if not isinstance(given, (tuple, list)):
        raise FieldError(
            f"from_jax takes shapes, such as (3, 224, 224), or arrays or jax.ShapeDtypeStructs, got {type(given).__name__}"
        )
    return [(name, _numbers(given), None)]


def _numbers(shape: Any) -> tuple[int, ...]:
    """The sizes of an example's shape."""
    sizes = are_sizes(shape, "a shape")
    if symbolic := [size for size in sizes if not size.is_Integer]:
        raise FieldError(
            f"from_jax takes shapes in numbers, got {shown(tuple(sizes))}; give an example of each size and name the axis, as in "
            f"dynamic={{0: '{symbolic[0]}'}}"
        )
    return tuple(map(int, sizes))


def _rebuilt(given: Any, values: Any) -> Any:
    """The values in place of the leaves."""
    if hasattr(given, "shape") and hasattr(given, "dtype"):
        return next(values)
    if isinstance(given, Mapping):
        made = {key: _rebuilt(given[key], values) for key in sorted(given)}
        return made
    if any(isinstance(part, (tuple, list, Mapping)) or hasattr(part, "shape") for part in given):
        return type(given)(_rebuilt(part, values) for part in given)
    return next(values)


def dynamic_axes(dynamic: Mapping[Any, object], shapes: Sequence[tuple[int, ...]]) -> dict[tuple[int, int], object]:
    """The axes that stay symbolic: which input, and which of its axes."""
    names: dict[tuple[int, int], object] = {}
    for key, name in dynamic.items():
        place, axis = key if isinstance(key, tuple) and len(key) == 2 else (0, key)
        if not all(isinstance(part, int) for part in (place, axis)) or not 0 <= place < len(shapes):
            raise FieldError(f"dynamic names an axis, or (input, axis), got {key!r}")
        if not 0 <= axis < len(shapes[place]):
            raise FieldError(
                f"dynamic names axes 0 to {len(shapes[place]) - 1} of the shape {shapes[place]}, got {axis!r}"
            )
        names[place, axis] = name
    return names


def _size(name: object) -> Expr:
    if isinstance(name, Expr):
        return name
    return Symbol(str(name), integer=True, positive=True)


def trace(function: Any, given: Sequence[Any], params: Any, dynamic: Mapping[Any, object], integers: Any) -> Traced:
    """Trace a function or model; see `from_jax`."""
    arguments = read_arguments(given, dynamic)
    example = _example(arguments)
    kinds = _kinds(integers, arguments)
    for place, dtypes in enumerate(kinds):
        try:
            inputs = [argument.struct(None, dtype) for argument, dtype in zip(arguments, dtypes)]
            model = read_model(function, params, _grouped(given, inputs))
            return _followed(model, given, arguments, dtypes, example)
        except UnsupportedError as error:
            if place == len(kinds) - 1 or not _wants_integers(error):
                raise
    raise AssertionError("there is always a kind to try")


def _kinds(integers: Any, arguments: Sequence[Argument]) -> list[list[Any]]:
    """The kinds of numbers to try for the inputs, in order."""
    real, whole = numpy.dtype("float32"), numpy.dtype("int32")
    if integers is None:
        return [[real] * len(arguments), [whole] * len(arguments)]
    if isinstance(integers, bool):
        return [[whole if integers else real] * len(arguments)]
    places = list(integers)
    if any(
        isinstance(place, bool) or not isinstance(place, int) or not 0 <= place < len(arguments) for place in places
    ):
        raise FieldError(f"integers is True, False or numbers of inputs, 0 to {len(arguments) - 1}, got {integers!r}")
    return [[whole if place in places else real for place in range(len(arguments))]]


def _wants_integers(error: BaseException) -> bool:
    """Whether a trace failed because floats were given where a table is looked up."""
    return "integer" in str(error)


def _grouped(given: Sequence[Any], flat: Sequence[Any]) -> list[Any]:
    values = iter(flat)
    return [_rebuilt(one, values) for one in given]


def _example(arguments: Sequence[Argument]) -> dict[Expr, Expr]:
    """The size of the example for each symbol."""
    found: dict[Expr, Expr] = {}
    for argument in arguments:
        for axis, name in argument.symbols.items():
            if (
                isinstance(name, Symbol)
                and found.setdefault(name, Integer(argument.shape[axis])) != argument.shape[axis]
            ):
                raise FieldError(
                    f"the axes called {name} have the sizes {found[name]} and {argument.shape[axis]} in the example"
                )
    for argument in arguments:
        for axis, name in argument.symbols.items():
            left = name.xreplace(found) - argument.shape[axis]
            unknown = sorted(left.free_symbols, key=str)
            if len(unknown) == 1 and left.diff(unknown[0]).is_number:
                found[unknown[0]] = -left.subs(unknown[0], 0) / left.diff(unknown[0])
                left = left.xreplace(found)
            if left != 0 or any(not (size.is_Integer and size > 0) for size in found.values()):
                raise FieldError(
                    f"{name} is not {argument.shape[axis]}, the size of the example, at any positive integer"
                )
    return found


def _followed(
    model: Model, given: Sequence[Any], arguments: Sequence[Argument], dtypes: Sequence[Any], example: dict[Expr, Expr]
) -> Traced:
    """What is traced, with the way to trace it where a symbol has a value, or is another symbol."""

    def again(symbol: Symbol, value: Expr) -> Traced:
        left = {one: size for one, size in example.items() if one != symbol}
        there = {**left, symbol: value.xreplace(left)}
        moved = []
        for argument in arguments:
            shape = [
                argument.symbols[a].xreplace(there) if a in argument.symbols else size
                for a, size in enumerate(argument.shape)
            ]
            symbols = {axis: size.xreplace({symbol: value}) for axis, size in argument.symbols.items()}
            named = {axis: size for axis, size in symbols.items() if size.free_symbols}
            moved.append(Argument(argument.name, tuple(map(int, shape)), named, argument.dtype))
        return _traced(model, given, moved, dtypes, left)

    traced = _traced(model, given, arguments, dtypes, example)
    traced.again = again
    return traced


def _traced(
    model: Model, given: Sequence[Any], arguments: Sequence[Argument], dtypes: Sequence[Any], example: dict[Expr, Expr]
) -> Traced:
    leaves, tree = tree_flatten_with_path(model.tree)
    places: dict[int, int] = {}
    stored: list[StoredArray] = []
    for path, leaf in leaves:
        if not (hasattr(leaf, "shape") and hasattr(leaf, "dtype")):
            continue
        name, may_be_learned = model.named(path)
        if id(leaf) in places:
            stored[places[id(leaf)]].names.append(name)
            continue
        places[id(leaf)] = len(stored)
        learned = may_be_learned and jax.dtypes.issubdtype(leaf.dtype, numpy.inexact)
        value = None if isinstance(leaf, jax.ShapeDtypeStruct) else leaf
        stored.append(StoredArray([name], tuple(int(size) for size in leaf.shape), learned, value))
    returned: list[Any] = []

    def flat(*arrays: Any) -> Any:
        held, values = arrays[: len(stored)], arrays[len(stored) :]
        own = tree_unflatten(tree, [held[places[id(leaf)]] if id(leaf) in places else leaf for _, leaf in leaves])
        made = model.function(own, *_grouped(given, values))
        returned[:], outputs = tree_flatten_with_path(made)
        return [leaf for _, leaf in returned]

    kept = {id(leaf): leaf for _, leaf in leaves if id(leaf) in places}
    held = [jax.ShapeDtypeStruct(kept[key].shape, kept[key].dtype) for key in places]

    def at(sizes: Sizes) -> Any:
        structs = [argument.struct(sizes, dtype) for argument, dtype in zip(arguments, dtypes)]
        return jax.make_jaxpr(flat)(*held, *structs)

    try:
        jaxpr, sizes, where = _at_symbols(at, example, False)
    except UnsupportedError:
        if not example:
            raise
        # A slice up to a size, as of a table of positions, may fit only if that is no more than there is.
        try:
            jaxpr, sizes, where = _at_symbols(at, example, True)
        except UnsupportedError:
            jaxpr = None
        if jaxpr is None:
            raise
    outputs = [path_name(path) for path, _ in returned]
    return Traced(jaxpr, sizes, stored, list(arguments), outputs, where)


def _at_symbols(
    at: Callable[[Sizes], Any], example: dict[Expr, Expr], extremes: bool
) -> tuple[Any, Sizes, list[Boolean]]:
    """The jaxpr, and what was relied on; traced anew as often as it is found that a size is to divide another."""
    multiples: list[tuple[str, int]] = []
    where: dict[Boolean, None] = {}
    for _ in range(MOST_TRACES):
        sizes = Sizes(sorted(example, key=str), multiples)
        with decided(sizes, example, extremes) as found:
            try:
                jaxpr = at(sizes)
            except Exception as error:
                for relation in found:
                    if relation[0] == "==" and sizes.multiple(relation) is None:
                        raise _too_narrow(relation, sizes) from error
                raise _untraced(error, sizes) from error
        divided = {relation: sizes.multiple(relation) for relation in found if relation[0] == "=="}
        for relation, multiple in divided.items():
            if multiple is None:
                raise _too_narrow(relation, sizes)
            where[sizes.relation(relation)] = None
        if not divided:
            where.update(dict.fromkeys(map(sizes.relation, found)))
            return jaxpr, sizes, [one for one in where if one != true]
        multiples += [multiple for multiple in divided.values() if multiple is not None]
    raise UnsupportedError(f"the function asks more than {MOST_TRACES} times whether a size divides another")


def _too_narrow(relation: Any, sizes: Sizes) -> UnsupportedError:
    one, two = sizes(relation[1]), sizes(relation[2])
    return UnsupportedError(
        f"the function works only where {one} is {two}, which it asks while it is traced\n"
        "  write instead: an example where they differ, or sizes in dynamic= of which that follows: the same name for axes that have to be "
        "equal, as in dynamic={(0, 0): 'T', (1, 0): 'T'}, or 8*h, with h = la.dims('h'), for one that 8 divides"
    )


def _untraced(error: Exception, sizes: Sizes) -> UnsupportedError:
    """What JAX says, in the user's names."""
    text = first_line(error)
    for name, symbol in reversed(sizes.symbols.items()):
        text = text.replace(name, str(symbol))
    hint = ""
    if sizes.symbols:
        hint = (
            "\n  write instead: sizes in dynamic= with which every shape is an integer, as 8*h, with h = la.dims('h'), for one that is split "
            "into eighths; or leave out the axis on which Python's numbers depend (a loop over it, int(size))"
        )
    return UnsupportedError(f"JAX cannot trace this function: {type(error).__name__}: {text}{hint}")
