"""Registered layers, or a user's, on shapes at which their equations have a meaning, and the meaning by enumeration.

>>> from layeralgebra import Linear
>>> case = Case(Linear(2), ((3,),), meaning(Linear(2), ((3,),)))
>>> case, case.meaning.counts().macs
(Linear(2) on (3,), 6)
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from sympy import Rational, Symbol

from ...algebra.errors import FieldError, LayerAlgebraError
from ...algebra.networks.layer import Layer
from ...algebra.records import dataclass
from ...layers import REGISTRY
from ..enumeration import Equation, Impossible
from .hints import HINTS, LITERAL, shape, small
from .letters import shapes_by_letters
from .meanings import meaning, one_or_list, plain

if TYPE_CHECKING:
    from numpy import ndarray

ATTEMPTS = 8


@dataclass(frozen=True)
class Case:
    """A layer, the shapes of its inputs, and what the equation means there by enumeration."""

    layer: Layer
    shapes: tuple[tuple[int, ...], ...]
    meaning: Equation

    @property
    def on(self) -> Any:
        return one_or_list(self.shapes)

    def __repr__(self) -> str:
        return f"{self.layer} on {self.on}"


def words(cls: type[Layer]) -> list[str]:
    """The words that the equation of a layer compares its fields with."""
    text = cls.__dict__.get("equation")
    found = re.findall(r"""[=!]=\s*['"](\w+)['"]""", text) if isinstance(text, str) else []
    return sorted(set(found)) or ["word"]


@st.composite
def field_value(draw: Callable, cls: type[Layer], name: str, axes: int) -> Any:
    """A value for a field: of one of its kinds, small, and a tuple now and then where it may be one."""
    kind = draw(st.sampled_from(cls.fields[name]))
    word = kind.__name__
    if word == "NoneType":
        return None
    if word == "Flag":
        return draw(st.booleans())
    if word == "Number":
        return draw(st.sampled_from([Rational(1, 2), Rational(1, 100), Rational(3), Rational(-2)]))
    if word == "Text":
        return draw(st.sampled_from(words(cls)))
    if word == "Sizes":
        return draw(st.lists(small, min_size=1, max_size=3).map(tuple))
    numbers = small if word == "Dim" else st.integers(0, 2)
    if axes > 0 and draw(st.integers(0, 4)) == 0:
        return tuple(draw(numbers) for _ in range(axes))
    return draw(numbers)


def has_star(cls: type[Layer]) -> bool:
    """Whether the equation has starred indices, so that tuples make sense as fields."""
    text = cls.__dict__.get("equation")
    return isinstance(text, str) and "*i" in text.replace(" ", "")


@st.composite
def drawn_freely(draw: Callable, cls: type[Layer]) -> tuple[dict[str, Any], tuple[tuple[int, ...], ...]]:
    """Fields and shapes that need not fit together."""
    axes = draw(st.sampled_from([0, 1, 1, 2, 2, 3]))
    fields = {name: draw(field_value(cls, name, axes if has_star(cls) else 0)) for name in cls.fields}
    count = len(cls.inputs) if cls.inputs is not None else 1
    return fields, tuple(draw(shape(axes=axes)) for _ in range(count))


@st.composite
def drawn_together(draw: Callable, cls: type[Layer]) -> tuple[dict[str, Any], tuple[tuple[int, ...], ...]]:
    """Fields and shapes that fit together as far as a hint of the library's or the letters of the equation say how."""
    fields, shapes = draw(drawn_freely(cls))
    hint = HINTS.get(cls.__name__) if REGISTRY.get(cls.__name__) is cls else None
    if hint is not None:
        hinted, shapes = hint(draw)
        fields |= hinted
    elif draw(st.integers(0, 3)):
        shapes = draw(shapes_by_letters(cls, fields)) or shapes
    return fields, shapes


@st.composite
def cases(draw: Callable, subject: type[Layer] | Layer, shapes: tuple[tuple[int, ...], ...] | None = None) -> Case:
    """A layer on shapes at which its equation has a meaning.

    Parameters
    ----------
    subject : class of layers, or a layer
        Fields of a class are drawn; those of a layer stay.
    shapes : tuple of shapes, optional
        Fixed shapes of the inputs; they are drawn if left out.
    """
    drawn_class = inspect.isclass(subject)
    cls: Any = subject if drawn_class else type(subject)
    for _ in range(ATTEMPTS):
        fields, drawn = draw(drawn_together(cls))
        try:
            layer: Any = cls(**fields) if drawn_class else subject
            if not drawn_class and shapes is None and draw(st.integers(0, 3)):
                own = {name: plain(getattr(layer, name)) for name in layer.fields}
                drawn = draw(shapes_by_letters(cls, own)) or drawn
            while len(drawn) < len(layer.input_names):
                drawn = (*drawn, draw(shape(axes=len(drawn[0]) - 1)) if draw(st.booleans()) else drawn[-1])
            here = drawn[: len(layer.input_names)] if shapes is None else shapes
            return Case(layer, here, meaning(layer, here))
        except (Impossible, LayerAlgebraError):
            continue
    assume(False)
    raise AssertionError


def arrays(case: Case, seed: int, exact: bool) -> dict[str, ndarray]:
    """Inputs, learned tensors and buffers: small integers, or floats; buffers are positive, rows of tables exist."""
    generator = np.random.default_rng(seed)
    made: dict[str, ndarray] = {}
    for name, sizes in case.meaning.shapes.items():
        if name in case.meaning.defined:
            continue
        rows = case.meaning.rows(name)
        if rows is not None:
            made[name] = generator.integers(0, rows, sizes)
        elif name in case.meaning.buffers:
            made[name] = generator.integers(1, 4, sizes) if exact else generator.uniform(0.5, 2.0, sizes)
        else:
            made[name] = generator.integers(-3, 4, sizes) if exact else generator.standard_normal(sizes)
    return made


def symbolic(case: Case) -> tuple[Layer, list[tuple[Symbol, ...]], dict[Symbol, int]]:
    """The same layer with a symbol for every size, the shapes as symbols, and the numbers that these stand for."""
    values: dict[Symbol, int] = {}

    def symbol(name: str, value: int, least: int) -> Symbol:
        made = Symbol(name, integer=True, positive=True) if least else Symbol(name, integer=True, nonnegative=True)
        values[made] = value
        return made

    fields: dict[str, Any] = {}
    for name, kinds in case.layer.fields.items():
        value = plain(getattr(case.layer, name))
        words = {kind.__name__ for kind in kinds}
        least = 0 if "Size" in words else 1
        if name in LITERAL.get(type(case.layer).__name__, ()) or not words & {"Dim", "Size", "Sizes"}:
            fields[name] = getattr(case.layer, name)
        elif isinstance(value, tuple):
            fields[name] = tuple(symbol(f"{name}_{place}", part, least) for place, part in enumerate(value))
        elif isinstance(value, int) and not isinstance(value, bool):
            fields[name] = symbol(name, value, least)
        else:
            fields[name] = value
    shapes = [
        tuple(symbol(f"n{port}_{axis}", size, 1) for axis, size in enumerate(sizes))
        for port, sizes in enumerate(case.shapes)
    ]
    try:
        return type(case.layer)(**fields), shapes, values
    except FieldError:
        # Some fields exclude each other unless one is 0; what is 0 stays so.
        for name in fields:
            if plain(getattr(case.layer, name)) == 0 and isinstance(fields[name], Symbol):
                del values[fields[name]]
                fields[name] = 0
        return type(case.layer)(**fields), shapes, values
