"""An equation solved once for many sizes: what a layer says at sizes that stand for themselves, and those sizes put in.

Most sizes pass through an equation as they are. The channels of a convolution are the extent of an index and the size of an axis, and
nothing else is asked of them; the height is divided and rounded. Here the sizes of the inputs and of the fields are replaced by letters,
of which it is known that they are positive integers, equal ones by the same letter, and the equation is solved for these. Where a letter
comes out alone, as an extent or as the size of an axis, and nowhere else, neither within a larger expression nor in a condition nor in
words, whatever was decided on the way holds for every positive integer, so that a size can be put in its place. A letter that comes out
otherwise stands for a size on which the result depends, which is then left as it is. What is refused, and what an error says, is left
to solving the layer itself.

A layer is solved by itself the first time; a program is made when something like it comes again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import lru_cache
from typing import Any, TypeAlias

from sympy import Add, Basic, Dummy, Expr, Mul

from ..errors import LayerAlgebraError
from .fields import Dim, Number, Size
from .protocol import StatesEquation
from .requirements import Shape

Place: TypeAlias = tuple[int, int] | str
"""An axis of an input, or a field."""
Solve: TypeAlias = Callable[[Any, tuple[Shape, ...]], Any]

MOST_LETTERS = 24
MOST_TRIES = 6
MOST_PROGRAMS = 4096

_LETTERS = tuple(
    Dummy(f"\N{LEFT CEILING}{number}\N{RIGHT CEILING}", integer=True, positive=True) for number in range(MOST_LETTERS)
)
_NUMBERS = {letter: number for number, letter in enumerate(_LETTERS)}
_NAMES = {letter.name: letter for letter in _LETTERS}
_OUTSIDE = ("elaborated", "extents", "shapes", "margins", "layer", "inputs")
"""The parts of an instance that are looked at by themselves."""


def applied(layer: StatesEquation, inputs: tuple[Shape, ...], solve: Solve) -> Any:
    """The instance of a layer by a program for its equation; None where there is none (yet)."""
    places = _places(layer, inputs)
    if len(places) > 2 * MOST_LETTERS:
        return None
    sizes = {place: size for place, size in places.items() if isinstance(size, Expr) and is_open(size)}
    if isinstance(layer, _Lettered) or not sizes:
        return None
    stated = (type(layer), layer.parsed, layer.input_names, layer.output_names, layer.buffers, tuple(places))
    fixed = _fixed(
        (*stated, tuple(value for place, value in places.items() if type(place) is str and place not in sizes))
    )
    key, letters = _lettering(stated, places, sizes, fixed)
    kept = _kept(key)
    if not kept:
        kept.append(None)  # seen once
        return None
    if len(kept) == 1:
        kept.append(_made(layer, inputs, solve, stated, places, sizes, fixed))
        key, letters = _lettering(stated, places, sizes, fixed)
        found = _kept(key)
        if found is not kept:
            found[:] = kept
    program = kept[1]
    if program is None:
        return None
    return program.at(layer, inputs, {_LETTERS[number]: size for size, number in letters.items()})


@lru_cache(maxsize=MOST_PROGRAMS)
def _kept(key: tuple[object, ...]) -> list[Program | None]:
    """Where a program is kept: nothing if its like was never seen, one None if it was once, and then the program as well."""
    return []


@lru_cache(maxsize=MOST_PROGRAMS)
def _fixed(key: tuple[object, ...]) -> set[Place]:
    """The places whose sizes the results depend on otherwise than by standing in them; learned from equation to equation."""
    return set()


def _places(layer: StatesEquation, inputs: tuple[Shape, ...]) -> dict[Place, Any]:
    """Everything by which layers of one class at inputs of one rank differ."""
    found: dict[Place, Any] = {
        (number, axis): size for number, shape in enumerate(inputs) for axis, size in enumerate(shape)
    }
    found.update(layer.values)
    return found


def _lettering(
    stated: tuple[object, ...], places: Mapping[Place, Any], sizes: Mapping[Place, Expr], fixed: Iterable[Place]
) -> tuple[tuple[object, ...], dict[Expr, int]]:
    """What a program is found by, and the number of the letter for each size: the same for equal ones."""
    numbers: dict[Expr, int] = {}
    shown: list[object] = []
    fields_of = stated[0].fields  # type: ignore[attr-defined]
    for place, value in places.items():
        open_here = place in sizes and place not in fixed and (type(place) is tuple or _is_size(fields_of[place]))
        if open_here and (value in numbers or len(numbers) < MOST_LETTERS):
            shown.append(numbers.setdefault(value, len(numbers)))
        else:
            shown.append((value,))
    return (*stated, *shown), numbers


def _is_size(kinds: tuple[object, ...]) -> bool:
    return (Dim in kinds or Size in kinds) and Number not in kinds


# sizes that stand for themselves -------------------------------------------------------------------------------------


def is_open(size: Expr) -> bool:
    """Whether nothing is to be known of a size but that it is a positive integer, and it is in its normal form."""
    if size.is_Integer:
        return size.p > 1  # type: ignore[attr-defined, no-any-return]  # of an axis of one element more is known
    if size.is_Symbol:
        return bool(size.is_integer and size.is_positive)
    return _is_open(size)


@lru_cache(maxsize=20_000)
def _is_open(size: Expr) -> bool:
    """Whether an expression is a sum of products; of roundings more or less is decided than of a letter."""
    return all(map(_is_plain, size.args if isinstance(size, Add) else (size,)))


def _is_plain(term: Basic) -> bool:
    """Whether a term is a product of positive integers."""
    factors = term.args if isinstance(term, Mul) else (term,)
    return all(
        factor.p > 0 if factor.is_Integer else factor.is_Symbol and factor.is_integer and factor.is_positive  # type: ignore[attr-defined]
        for factor in factors
    )


# making a program ----------------------------------------------------------------------------------------------------


class _Lettered:
    """A layer with letters in the place of sizes, for what solves its equation."""

    def __init__(self, layer: StatesEquation, values: dict[str, Any]):
        self._layer, self.values = layer, values

    def __getattr__(self, name: str) -> Any:
        return getattr(self._layer, name)

    def __str__(self) -> str:
        return str(self._layer)


def _made(
    layer: StatesEquation,
    inputs: tuple[Shape, ...],
    solve: Solve,
    stated: tuple[object, ...],
    places: Mapping[Place, Any],
    sizes: Mapping[Place, Expr],
    fixed: set[Place],
) -> Program | None:
    """A program for layers like this one, with as many letters as it can have; what they cannot stand for becomes fixed."""
    for _ in range(MOST_TRIES):
        key, letters = _lettering(stated, places, sizes, fixed)
        if not letters:
            return None
        shown = dict(zip(places, key[len(stated) :]))
        put: dict[Place, Any] = {
            place: _LETTERS[value] if type(value) is int else places[place] for place, value in shown.items()
        }
        shapes = tuple(tuple(put[number, axis] for axis in range(len(shape))) for number, shape in enumerate(inputs))
        lettered = _Lettered(layer, {name: put[name] for name in layer.values})
        try:
            made = solve(lettered, shapes)
        except (LayerAlgebraError, TypeError, ValueError):
            in_fields = {place for place, value in shown.items() if type(place) is str and type(value) is int}
            if not in_fields:
                return None
            fixed |= in_fields
            continue
        bound = _bound(made)
        if not bound:
            return Program(made)
        fixed |= {place for place, value in shown.items() if type(value) is int and _LETTERS[value] in bound}
    return None


def _bound(made: Any) -> set[Dummy]:
    """The letters that stand elsewhere than alone as an extent or as a size."""
    found = _within({field.name: getattr(made, field.name) for field in fields(made) if field.name not in _OUTSIDE})
    elaborated = made.elaborated
    for name in ("statements", "ranges", "masks", "requirements"):
        found |= _within(getattr(elaborated, name))
    alone: list[Any] = [elaborated.bounds, elaborated.lookups, elaborated.asked, *made.extents]
    for sizes in alone:
        found |= _within(list(sizes)) | _not_alone(sizes.values())
    for shapes in (elaborated.declared, made.shapes):
        for shape in shapes.values():
            found |= _not_alone(shape)
    for margins in made.margins.values():
        for margin in margins:
            if margin is not None:
                found |= _within(margin.before) | _not_alone((margin.inner,))
    return found


def _not_alone(sizes: Iterable[Any]) -> set[Dummy]:
    return set().union(*(_within(size) for size in sizes if size not in _NUMBERS))


def _within(value: Any) -> set[Dummy]:
    """The letters anywhere in a value."""
    if isinstance(value, Basic):
        return {letter for letter in value.atoms(Dummy) if letter in _NUMBERS}
    if isinstance(value, str):
        return {letter for name, letter in _NAMES.items() if name in value}
    if isinstance(value, Mapping):
        return _within(list(value)) | _within(list(value.values()))
    if isinstance(value, list | tuple | set | frozenset):
        return set().union(*map(_within, value))
    if is_dataclass(value):
        return set().union(*(_within(getattr(value, field.name)) for field in fields(value)))
    return set()


# applying it ---------------------------------------------------------------------------------------------------------


class Program:
    """An instance with letters for sizes; `at` puts sizes in their place.

    Parameters
    ----------
    made : Instance
        Its letters stand alone.
    """

    def __init__(self, made: Any):
        self.made = made
        self.elaborated_open = bool(
            _within([made.elaborated.bounds, made.elaborated.lookups, made.elaborated.asked, made.elaborated.declared])
        )

    def at(self, layer: StatesEquation, inputs: tuple[Shape, ...], sizes: Mapping[Any, Expr]) -> Any:
        """The instance at sizes for its letters."""
        made, get = self.made, sizes.get

        def shape(parts: Iterable[Any]) -> tuple[Any, ...]:
            return tuple([get(part, part) for part in parts])

        def each(extents: Mapping[Any, Any]) -> dict[Any, Any]:
            return {index: get(extent, extent) for index, extent in extents.items()}

        elaborated = made.elaborated
        if self.elaborated_open:
            elaborated = replace(
                elaborated, bounds=each(elaborated.bounds), lookups=each(elaborated.lookups), asked=each(elaborated.asked),
                declared={name: shape(parts) for name, parts in elaborated.declared.items()},
            )  # fmt: skip
        margins = {
            name: tuple([None if part is None else replace(part, inner=get(part.inner, part.inner)) for part in parts])
            for name, parts in made.margins.items()
        }
        return replace(
            made, layer=layer, inputs=inputs, elaborated=elaborated, extents=[each(extents) for extents in made.extents],
            shapes={name: shape(parts) for name, parts in made.shapes.items()}, margins=margins,
        )  # fmt: skip
