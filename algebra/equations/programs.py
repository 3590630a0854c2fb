"""An equation solved once for all sizes that are formulas: what a layer says of letters, and the sizes put in.

A network with a symbolic height asks the same equation again and again, of sizes that are ever longer formulas. Here such sizes, and the
numbers beside them, are replaced by letters, equal ones by the same letter. Of a letter is known what is known of its size and nothing
else: whether it is an integer, and whether it is positive. What is decided for letters is true of whatever they stand for. What is not is
kept as an open question with all that it is about, and asked again of the sizes themselves, as it is asked of a layer that is solved by
itself; words and relations come out the same. So there are no more conditions than those of the layer solved by itself, and fewer only
where one that holds whatever the letters are is not seen to hold of longer formulas. Where a question fails, and where there is no answer
for letters at all, the layer is solved by itself, which says what is wrong.

Numbers and symbols among the sizes are left alone as long as there is no formula among them; layers of numbers alone are for `at_numbers`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any, TypeAlias

from sympy import Basic, Dummy, Expr, Pow

from ..errors import LayerAlgebraError
from ..formulas.conditions import Condition
from ..records import dataclass
from ..sizes.normal_form import is_nonnegative, is_positive, simplify
from .asked_sizes import expressions, with_sizes
from .conditions import deciding
from .extents import margins
from .fields import Dim, Number, Size
from .protocol import StatesEquation
from .requirements import Requirements, Shape
from .setting import names_in
from .statements import AnyOf, Mask, Statement, with_numbers
from .syntax import ParsedEquation
from .trees import parts

MOST_LETTERS = 24
MOST_PROGRAMS = 4096

Known: TypeAlias = tuple[tuple[str, bool], ...]
"""What is known of a size, as assumptions of SymPy."""


def by_letters(layer: StatesEquation, inputs: tuple[Shape, ...], solved: Callable[..., Any]) -> Any:
    """The instance of a layer by the program for its equation; None where there is none, and where a condition fails."""
    sizes = [size for shape in inputs for size in shape]
    if isinstance(layer, Lettered) or not any(map(_is_formula, sizes)) or any(map(_has_powers, sizes)):
        return None
    lettered, shapes, letters = in_letters(layer, inputs)
    if len(letters) > MOST_LETTERS:
        return None
    kept = _kept((*stated(layer), shapes, tuple(lettered.values.items())))
    if not kept:
        kept.append(_made(lettered, shapes, solved))
    return kept[0] and kept[0].at(layer, inputs, {letter: size for size, letter in letters.items()})


def stated(layer: StatesEquation) -> tuple[object, ...]:
    """What a layer says beside the values of its fields."""
    return (type(layer), layer.parsed, layer.input_names, layer.output_names, layer.buffers)


@lru_cache(maxsize=MOST_PROGRAMS)
def _kept(key: tuple[object, ...]) -> list[Program | None]:
    """Where a program is kept, or that there is none."""
    return []


# letters -------------------------------------------------------------------------------------------------------------


class _Letters:
    """The letters for the sizes of one layer, in the order in which these are met."""

    def __init__(self) -> None:
        self.sizes: dict[Expr, Dummy] = {}

    def of(self, size: Expr) -> Expr:
        """The letter for a size; 0 and 1 stay, of which more is known than of any other."""
        if size.is_Integer and size.p <= 1:
            return size
        letter = self.sizes.get(size)
        if letter is None:
            letter = self.sizes[size] = _letter(len(self.sizes), _known(size))
        return letter


@lru_cache(maxsize=MOST_PROGRAMS)
def _letter(number: int, known: Known) -> Dummy:
    return Dummy(f"\N{LEFT CEILING}{number}\N{RIGHT CEILING}", **dict(known))


@lru_cache(maxsize=20_000)
def _known(size: Expr) -> Known:
    kind = "integer" if size.is_integer else "real" if size.is_real else ""
    sign = "positive" if is_positive(size) else "nonnegative" if is_nonnegative(size) else ""
    return tuple((word, True) for word in (kind, sign if kind else "") if word)


def _is_formula(size: Expr) -> bool:
    return isinstance(size, Expr) and not (size.is_Symbol or size.is_number)


@lru_cache(maxsize=20_000)
def _has_powers(size: Expr) -> bool:
    """Whether a number of copies stands in an exponent: of such a size it takes long to ask what is known."""
    return any(not power.exp.is_number for power in size.atoms(Pow))


def in_letters(layer: StatesEquation, inputs: Sequence[Shape]) -> tuple[Any, tuple[Shape, ...], dict[Expr, Dummy]]:
    """A layer and the shapes that enter it with letters in the place of sizes, and the letter of every size."""
    letters = _Letters()
    shapes = tuple(tuple(map(letters.of, shape)) for shape in inputs)
    free = free_fields(type(layer), layer.parsed)
    values = {
        name: letters.of(value) if name in free and isinstance(value, Expr) else value
        for name, value in layer.values.items()
    }
    return Lettered(layer, values), shapes, letters.sizes


@lru_cache(maxsize=MOST_PROGRAMS)
def free_fields(layer: type[StatesEquation], parsed: ParsedEquation) -> frozenset[str]:
    """The fields for which letters stand where sizes are given."""
    names = _free_names(parsed)
    return frozenset(
        name for name, kinds in layer.fields.items()
        if name in names and (Dim in kinds or Size in kinds) and Number not in kinds
    )  # fmt: skip


def _free_names(parsed: ParsedEquation) -> frozenset[str]:
    """The names that stand in no condition and with no starred index: counts of channels and of heads, unlike sides of windows.

    Of the latter there are few, and on them depends what can be decided.
    """
    trees = [*parsed.bounds, *(tree for one in parsed.statements for tree in (one.target, one.value))]
    scalars = dict(parsed.scalars)
    nodes = [part for tree in (*trees, *scalars.values()) for part in parts(tree)]
    stars = {name for part in nodes if isinstance(part, ast.Starred) for name in names_in(part)}
    starred: list[ast.AST] = [part for part in nodes if isinstance(part, ast.Starred | ast.Subscript)]
    starred += [part for part in nodes if isinstance(part, ast.Compare) and not stars.isdisjoint(names_in(part))]
    bound = {name for part in starred for name in names_in(part)} | {*deciding(parsed)}
    waiting = [name for name in bound if name in scalars]
    while waiting:
        inside = set(names_in(scalars[waiting.pop()])) - bound
        bound |= inside
        waiting += [name for name in inside if name in scalars]
    return frozenset(name for part in nodes if isinstance(part, ast.Name) for name in (part.id,)) - bound


class Lettered:
    """A layer with letters in the place of sizes, for what solves its equation."""

    def __init__(self, layer: StatesEquation, values: Mapping[str, Any]):
        self._layer, self.values = layer, values

    def __getattr__(self, name: str) -> Any:
        return getattr(self._layer, name)

    def __str__(self) -> str:
        return str(self._layer)


# solving for letters -------------------------------------------------------------------------------------------------


class OpenQuestions(Requirements):
    """The questions that are open for letters; `marks` are their numbers at the end of each part, `sources` what normal forms are made of."""

    def __init__(self, layer: StatesEquation, inputs: Sequence[Shape]):
        super().__init__(layer, inputs)
        self.questions: list[tuple[Callable[..., None], tuple[Any, ...]]] = []
        self.marks: list[int] = []
        self.sources: dict[Expr, Expr] = {}
        self._is_asking = False

    def ask(self, question: Callable[..., None], *about: Any) -> None:
        if self._is_asking:
            return question(self, *about)
        known, self._is_asking = len(self.conditions), True
        try:
            question(self, *about)
        finally:
            self._is_asking = False
        if len(self.conditions) > known:
            self.questions.append((question, about))

    def normal(self, size: Expr) -> Expr:
        made = simplify(size)
        if not made.is_Atom:
            self.sources.setdefault(made, size)
        return made

    def mark(self) -> None:
        self.marks.append(len(self.questions))


def _made(layer: Any, inputs: tuple[Shape, ...], solved: Callable[..., Any]) -> Program | None:
    asked = OpenQuestions(layer, inputs)
    try:
        made = solved(layer, inputs, asked)
    except (LayerAlgebraError, TypeError, ValueError):
        return None
    if made.recurrent or made.given or _is_fixed([about for _, about in asked.questions]):
        return None
    return Program(made, asked, any(map(_has_letters, expressions(made.elaborated))))


def _is_fixed(value: Any) -> bool:
    """Whether letters stand in words that are made already, where no size can be put in their place."""
    if isinstance(value, partial):
        return _is_fixed(value.args)
    if isinstance(value, Mapping):
        return _is_fixed(list(value.values()))
    if isinstance(value, list | tuple):
        return any(map(_is_fixed, value))
    if isinstance(value, str):
        return "\N{LEFT CEILING}" in value
    if isinstance(value, Basic | Mask | AnyOf | Statement) or value is None:
        return False
    return not isinstance(value, int)


# putting sizes in ----------------------------------------------------------------------------------------------------


class _Sizes:
    """Sizes in the place of letters, whatever it is that these stand in; what was in normal form is so again.

    Normal forms are made of what they were made of, since a size in the place of a letter can be rounded otherwise than the letter.
    """

    def __init__(self, of: Mapping[Basic, Expr], boxes: Sequence[Mapping[Any, Expr]], sources: Mapping[Expr, Expr]):
        self._of: dict[Any, Any] = dict(of)
        self._sized: dict[Any, Any] = {}
        self._sources = sources
        self.boxes = [{index: self.put(extent) for index, extent in box.items()} for box in boxes]
        self._known = {id(box): new for box, new in zip(boxes, self.boxes)}

    def put(self, value: Any) -> Any:
        """The same with sizes for letters."""
        if isinstance(value, Basic):
            return self.size(value)
        if isinstance(value, partial):
            return partial(_said, value.func, *map(self.put, value.args))
        if isinstance(value, Mapping):
            return self._known.get(id(value)) or {key: self.put(part) for key, part in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(map(self.put, value))
        if isinstance(value, Mask | AnyOf):
            return with_numbers(value, self.size)
        return value

    def size(self, value: Any) -> Any:
        """The same of an expression or a relation."""
        if value.is_Atom or not _has_letters(value):
            return self._of.get(value, value)
        made = self._sized.get(value)
        if made is None:
            made = self.raw(self._sources.get(value, value))
            self._sized[value] = made = simplify(made) if value in self._sources or _is_normal(value) else made
        return made

    def raw(self, value: Any) -> Any:
        """The same as it comes; what stands in several places is made once."""
        made = self._of.get(value)
        if made is None:
            made = value if value.is_Atom or not _has_letters(value) else value.func(*map(self.raw, value.args))
            self._of[value] = made
        return made


@lru_cache(maxsize=4096)
def _said(words: Callable[..., str], *about: object) -> str:
    """Words about sizes, which are the same for many layers, and take long to write."""
    return words(*about)


@lru_cache(maxsize=20_000)
def _has_letters(value: Basic) -> bool:
    return any(isinstance(symbol, Dummy) for symbol in value.free_symbols)


@lru_cache(maxsize=20_000)
def _is_normal(value: Basic) -> bool:
    return isinstance(value, Expr) and simplify(value) == value


@dataclass(frozen=True)
class Program:
    """What a layer says of letters, and what is to be asked of the sizes in their place."""

    made: Any
    asked: OpenQuestions
    is_lettered: bool
    """Whether letters stand in its lines or bounds."""

    def at(self, layer: StatesEquation, inputs: tuple[Shape, ...], of: Mapping[Basic, Expr]) -> Any:
        """The instance at sizes for the letters; None where it is refused."""
        made = self.made
        sizes = _Sizes(of, made.extents, self.asked.sources)
        requirements = Requirements(layer, inputs, (), map(sizes.put, self.asked.positive))
        parts: list[list[Condition]] = []
        try:
            for number, (question, about) in enumerate(self.asked.questions):
                parts += [list(requirements.conditions)] * (self.asked.marks[len(parts) :].count(number))
                requirements.ask(question, *map(sizes.put, about))
        except (LayerAlgebraError, TypeError, ValueError):
            return None
        parts += [list(requirements.conditions)] * (len(self.asked.marks) - len(parts))
        elaborated = made.elaborated
        if self.is_lettered:
            elaborated = replace(with_sizes(elaborated, sizes.raw), asked=sizes.put(elaborated.asked))
        shapes = sizes.put(made.shapes)
        return replace(
            made, layer=layer, inputs=inputs, elaborated=elaborated, extents=sizes.boxes, shapes=shapes,
            margins=margins(elaborated.statements, shapes), own_ranges=sizes.put(made.own_ranges),
            conditions=requirements.conditions, of_fields=frozenset(parts[0]), of_reading=tuple(parts[1]),
        )  # fmt: skip
