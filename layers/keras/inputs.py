"""What enters a Keras model: the names of its inputs, and sizes or symbols for their axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sympy import Expr, Integer, Symbol

from ...algebra.errors import FieldError


def entering(inputs: Sequence[Any], dynamic: Mapping[Any, object]) -> list[tuple[str, tuple[Expr, ...]]]:
    """Each input's name and shape, without the batch; axes without a size are symbols, called as `dynamic` has it."""
    names = [tensor._keras_history[0].name for tensor in inputs]
    called = _called(names, [tuple(tensor.shape[1:]) for tensor in inputs], dynamic)
    made = []
    for place, (name, tensor) in enumerate(zip(names, inputs)):
        shape = []
        for axis, size in enumerate(tensor.shape[1:]):
            plain = f"{name}_{axis}" if len(inputs) > 1 else f"n{axis}"
            shape.append(Integer(size) if size is not None else _symbol(called.get((place, axis), plain)))
        made.append((name, tuple(shape)))
    return made


def _symbol(name: object) -> Expr:
    return name if isinstance(name, Expr) else Symbol(str(name), integer=True, positive=True)


def _called(
    names: Sequence[str], shapes: Sequence[tuple[Any, ...]], dynamic: Mapping[Any, object]
) -> dict[tuple[int, int], object]:
    found: dict[tuple[int, int], object] = {}
    for key, name in dynamic.items():
        place, axis = key if isinstance(key, tuple) and len(key) == 2 else (0, key)
        place = names.index(place) if place in names else place
        if not all(isinstance(one, int) and not isinstance(one, bool) for one in (place, axis)) or not 0 <= place < len(
            names
        ):
            raise FieldError(
                f"dynamic names an axis, or (input, axis), got {key!r}; the inputs are {', '.join(map(repr, names))}"
            )
        if not 0 <= axis < len(shapes[place]):
            raise FieldError(
                f"dynamic names axes 0 to {len(shapes[place]) - 1} of {names[place]}, without the batch, got {axis!r}"
            )
        if shapes[place][axis] is not None:
            raise FieldError(
                f"dynamic names axes without a size; axis {axis} of {names[place]} has the size {shapes[place][axis]}\n"
                "  write instead: a model whose input leaves it open, as keras.Input((None, None, 3))"
            )
        found[place, axis] = name
    return found
