"""A layer at given input sizes: extents of all indices, shapes of all tensors, and the conditions under which they hold."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import Any

from sympy import Expr, Integer, Symbol, ordered

from ..errors import LayerAlgebraError, ShapeError, UnsupportedError
from ..formulas.conditions import Condition
from ..records import dataclass
from ..sizes.dims import Index
from ..sizes.normal_form import simplify
from .affine import affine
from .at_numbers import Program, by_numbers
from .definitions import Definitions, definitions
from .elaboration import elaborate
from .extents import Margin, answered, find_extents, require_whole
from .finite import Need, needs_of, require_finite
from .heads import Read
from .initial_lines import Given
from .one_size import require_one_size
from .programs import by_letters
from .protocol import StatesEquation
from .recurrences import Recurrence
from .requirements import Requirements, Shape
from .scalars import asks_for_sizes, read_scalars
from .statements import Elaborated, Limit, Statement


@dataclass(frozen=True, eq=False)
class Instance:
    """What an equation says at given input shapes.

    Attributes
    ----------
    layer : Layer
    inputs : tuple of Shape
    elaborated : Elaborated
        Statements, bounds, ranges and masks.
    extents : list of dict
        `extents[k]` maps the indices of statement k to their extents.
    shapes : dict
        Tensor name to shape, of inputs, weights, buffers and defined tensors.
    roles : dict
        Tensor name to ``"input"``, ``"weight"``, ``"buffer"`` or ``"defined"``.
    places : dict
        Name of a defined tensor to the number of its statement.
    margins : dict
        Name of a padded tensor to a tuple of `Margin` or None, an axis each.
    recurrent : dict
        Number of a statement to its recurrence.
    given : dict
        Name of a state to the steps of it that have lines of their own.
    own_ranges : dict
        Number of a statement to the range of a running index of which such lines give the first steps.
    conditions : list of Condition
        What could not be decided from the assumptions alone.
    of_fields : frozenset of Condition
        Those of `conditions` without which there is no such layer, not even in no copies.
    outputs : tuple of str
        The tensors that come out and that somebody reads: those of the layer, or some of them (`showing`).
    of_reading : tuple of Condition
        Those of `conditions` that do not ask for extents.
    """

    layer: StatesEquation
    inputs: tuple[Shape, ...]
    elaborated: Elaborated
    extents: Sequence[dict[Index, Expr]]
    shapes: Mapping[str, Shape]
    roles: Mapping[str, str]
    places: Mapping[str, int]
    margins: Mapping[str, tuple[Margin | None, ...]]
    recurrent: Mapping[int, Recurrence]
    given: Mapping[str, tuple[Given, ...]]
    own_ranges: Mapping[int, Mapping[Index, tuple[Expr, Expr]]]
    conditions: Sequence[Condition]
    of_fields: frozenset[Condition]
    outputs: tuple[str, ...]
    of_reading: tuple[Condition, ...] = ()

    @property
    def statements(self) -> Sequence[Statement]:
        """In order."""
        return self.elaborated.statements

    @property
    def root(self) -> str:
        """The tensor that comes out, for those that follow one; `UnsupportedError` where there are several."""
        if len(self.outputs) == 1:
            return self.outputs[0]
        if not self.outputs:
            raise UnsupportedError(f"{self.layer}: nothing reads what it gives, and one output is asked for")
        raise UnsupportedError(
            f"{self.layer} has several outputs ({', '.join(self.outputs)}), and one is asked for here\n"
            f'  write instead: net["{self.outputs[0]}"], which is the same network with that output'
        )

    @property
    def output(self) -> Shape:
        return self.shapes[self.root]

    @property
    def output_shapes(self) -> dict[str, Shape]:
        """Every output with its shape."""
        return {name: self.shapes[name] for name in self.outputs}

    def showing(self, *names: str) -> Instance:
        """The same layer where only these of its outputs are read, and computed; all weights are held."""
        if names == self.outputs:
            return self
        if names not in self._shown:
            self._shown[names] = replace(self, outputs=names)
        return self._shown[names]

    @cached_property
    def _shown(self) -> dict[tuple[str, ...], Instance]:
        return {}

    @property
    def unread(self) -> tuple[str, ...]:
        """The tensors of lines on which no output of the layer depends, as they are written: a step by its tensor and its place."""
        live = self.showing(*self.layer.output_names).live
        return tuple(statement.target for place, statement in enumerate(self.statements) if place not in live)

    def masks(self, place: int) -> list[Limit]:
        """The masks whose indices all belong to a statement."""
        here = set(self.extents[place])
        return [mask for mask in self.elaborated.masks if mask.indices <= here]

    @cached_property
    def live(self) -> tuple[int, ...]:
        """The numbers of the statements that an output depends on; others hold weights for training and compute nothing."""
        found: set[int] = set()
        waiting = [self.places[name] for name in self.outputs]
        while waiting:
            place = waiting.pop()
            if place not in found:
                found.add(place)
                waiting += [self.places[tensor] for tensor in self.read_by(place) if tensor in self.places]
        return tuple(sorted(found))

    def read_by(self, place: int) -> set[str]:
        """The tensors that a statement reads; of a state, the steps that are given by lines of their own and that it can come to."""
        statement = self.statements[place]
        found = {step.tensor for step in self.given.get(statement.target, ()) if step.number >= 0}
        for read in statement.reads:
            found.add(read.tensor)
            found.update(
                step.tensor
                for step in self.given.get(read.tensor, ())
                if step.number < 0 and self._reaches(place, read, step)
            )
        return found

    def looked_up(self) -> frozenset[str]:
        """The tensors that hold places: those that stand in an address."""
        addresses = [
            address for statement in self.statements
            for address in (statement.address, *(read.address for read in statement.reads))
        ]  # fmt: skip
        return frozenset(part.tensor for address in addresses for part in address if isinstance(part, Read))

    def _reaches(self, place: int, read: Read, step: Given) -> bool:
        """Whether a read of a state may come to a step before the first one: not if it is nowhere so far back."""
        defining = self.statements[self.places[read.tensor]]
        own, part = defining.address[step.axis], read.address[step.axis]
        recurrence = self.recurrent[self.places[read.tensor]]
        if not isinstance(own, Index) or not isinstance(part, Expr) or not recurrence.is_earlier(part, own):
            return False
        down = own in recurrence.down
        low, high = self.ranges(place).get(own, (Integer(0), self.extents[place].get(own)))
        if part.free_symbols - {own} or high is None:
            return True
        first = part.xreplace({own: high - 1 if down else low})
        size = self.shapes[read.tensor][step.axis]
        number = simplify(size - 1 - first if down else first)
        return not (number.is_Integer and number > step.number)

    def ranges(self, place: int) -> dict[Index, tuple[Expr, Expr]]:
        """The ranges of indices in a statement: those of `where`, and the steps that other lines leave to it."""
        return {**self.elaborated.ranges, **self.own_ranges.get(place, {})}

    def refuse_initial_lines(self, what: str) -> None:
        """Raise `UnsupportedError` if a state has steps from lines of their own, for those that do not know of them."""
        if self.given:
            raise UnsupportedError(
                f"{self.layer}: {what} does not take initial lines of a recurrence, such as that of {sorted(self.given)[0]}; "
                "leave them out, so that the steps before the first one are zero"
            )

    @cached_property
    def order(self) -> tuple[tuple[int, int, Recurrence | None], ...]:
        """What is computed one after the other: the first and last statement, and the recurrence if it is one.

        Only what an output depends on; a recurrence is told with all of its lines.
        """
        found: list[tuple[int, int, Recurrence | None]] = []
        place, live = 0, set(self.live)
        while place < len(self.statements):
            if place in self.recurrent:
                recurrence = self.recurrent[place]
                if not live.isdisjoint(range(recurrence.first, recurrence.last + 1)):
                    found.append((recurrence.first, recurrence.last, recurrence))
                place = recurrence.last
            elif place in live:
                found.append((place, place, None))
            place += 1
        return tuple(found)

    def largest(self, expression: Expr, place: int) -> Expr:
        """The largest value that an affine index expression takes in a statement."""
        found: Expr = Integer(0)
        form = affine(expression)
        assert form is not None, "a rank is affine in its indices"
        for index, step in form[0].items():
            found = found + (step * (self.extents[place][index] - 1) if step.is_positive else Integer(0))
        return simplify(found + form[1])

    def weights(self) -> dict[str, Shape]:
        """Learned tensors and their shapes, in the order of their first use."""
        return {name: self.shapes[name] for name, role in self.roles.items() if role == "weight"}


class InstanceAtNumbers(Instance):
    """A layer at sizes that are numbers, of which a program tells the shapes and counts; it is solved when anything else is asked."""

    program: Program
    numbers: tuple[int, ...]

    def __new__(cls, *fields: Any, **named: Any) -> Any:
        """What `dataclasses.replace` makes: with other fields it is an instance of which no program tells anything."""
        return Instance(*fields, **named)

    @classmethod
    def of(
        cls, layer: StatesEquation, inputs: tuple[Shape, ...], program: Program, numbers: tuple[int, ...],
        shapes: Mapping[str, Shape], outputs: tuple[str, ...],
    ) -> InstanceAtNumbers:  # fmt: skip
        made: InstanceAtNumbers = object.__new__(cls)
        known = {
            "layer": layer, "inputs": inputs, "program": program, "numbers": numbers, "shapes": shapes, "outputs": outputs,
            "roles": program.made.roles, "places": program.made.places, "conditions": [], "of_fields": frozenset(),
        }  # fmt: skip
        vars(made).update(known)
        return made

    def __getattr__(self, name: str) -> Any:
        if name not in self.__dataclass_fields__:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        for known, value in vars(solved(self.layer, self.inputs)).items():
            vars(self).setdefault(known, value)
        return vars(self)[name]

    def showing(self, *names: str) -> Instance:
        if names == self.outputs:
            return self
        if names not in self._shown:
            self._shown[names] = self.of(self.layer, self.inputs, self.program, self.numbers, self.shapes, names)
        return self._shown[names]

    @property
    def live(self) -> tuple[int, ...]:
        return self.program.made.showing(*self.outputs).live

    @property
    def unread(self) -> tuple[str, ...]:
        return self.program.made.unread

    def counted(self, key: object, count: Callable[[Instance], Sequence[Expr]]) -> list[int] | None:
        """Sizes that are counted by the program, under a key; None where it cannot."""
        return self.program.count(
            (key, self.outputs), self.numbers, lambda: count(self.program.made.showing(*self.outputs))
        )


@dataclass(frozen=True)
class _Reading:
    """What an equation says before the sizes of its inputs are looked at, and what must hold for that."""

    elaborated: Elaborated
    definitions: Definitions
    conditions: tuple[Condition, ...]
    of_fields: frozenset[Condition]
    positive: frozenset[Expr]
    needs: tuple[tuple[int, Need], ...]


@lru_cache(maxsize=20_000)
def instantiate(layer: StatesEquation, *inputs: Shape) -> Instance:
    """A layer at given input shapes; cached, since networks repeat themselves."""
    inputs = tuple(tuple(shape) for shape in inputs)
    names = layer.input_names
    if len(inputs) != len(names):
        raise ShapeError(f"{layer} takes {len(names)} input(s) ({', '.join(names)}), got {len(inputs)}")
    if (known := by_numbers(layer, inputs, solved)) is not None:
        return InstanceAtNumbers.of(layer, inputs, *known, layer.output_names)
    return without_loops(by_letters(layer, inputs, solved) or solved(layer, inputs))


def without_loops(made: Instance) -> Instance:
    """An instance without its conditions if there are some for every value of an index, and all of them hold whatever the sizes are."""
    if any(condition.loops for condition in made.conditions) and _holds_for_all_sizes(made.layer, made.inputs):
        return replace(made, conditions=list(made.of_reading))
    return made


def solved(layer: StatesEquation, inputs: tuple[Shape, ...], asked: Requirements | None = None) -> Instance:
    """A layer at given input shapes, solved for these; `asked` notes what is asked on the way, of a layer that is not kept."""
    reading = _reading(layer, inputs) if asked is None else _read(layer, asked)
    made, defined = reading.elaborated, reading.definitions
    requirements = asked or Requirements(layer, inputs, reading.conditions, reading.positive)
    found = find_extents(made, defined, requirements)
    require_one_size(made, found, requirements)
    require_finite(reading.needs, made, found, requirements)
    return Instance(
        layer, inputs, made, found.of, found.shapes, defined.roles, defined.places, found.margins, defined.recurrent, found.given,
        found.own, requirements.conditions, reading.of_fields, layer.output_names, reading.conditions,
    )  # fmt: skip


def _holds_for_all_sizes(layer: StatesEquation, inputs: tuple[Shape, ...]) -> bool:
    """Whether nothing but the fields has conditions when every size that is a formula is a symbol.

    What holds for all positive sizes holds for those that a formula takes, and of conditions for every value of an index it is
    easier to see: floors of floors are joined as they arrive, and what the inner ones have in common is lost.
    """
    sizes = {size for shape in inputs for size in shape}
    taken = {symbol.name for size in sizes for symbol in size.free_symbols} | {s.name for s in layer.free_symbols}
    names = (name for number in itertools.count(1) if (name := f"n_{number}") not in taken)
    symbols = {size: Symbol(next(names), integer=True, positive=True) for size in ordered(sizes) if not size.is_Atom}
    if not symbols:
        return False
    return _needs_nothing(layer, tuple(tuple(symbols.get(size, size) for size in shape) for shape in inputs))


@lru_cache(maxsize=1_000)
def _needs_nothing(layer: StatesEquation, inputs: tuple[Shape, ...]) -> bool:
    try:
        freed = instantiate(layer, *inputs)
    except LayerAlgebraError:
        return False
    return len(freed.conditions) == len(freed.of_reading)


def _reading(layer: StatesEquation, inputs: tuple[Shape, ...]) -> _Reading:
    """A layer is read once for all inputs of as many axes, unless its equation asks for their sizes."""
    kept = _kept(layer, inputs if asks_for_sizes(layer.parsed) else tuple(map(len, inputs)))
    if not kept:
        kept.append(_read(layer, Requirements(layer, inputs)))
    return kept[0]


@lru_cache(maxsize=20_000)
def _kept(layer: StatesEquation, asked: tuple[Shape | int, ...]) -> list[_Reading]:
    """Where a reading is kept: an error names the shapes at hand, so that these are not among what it is found by."""
    return []


def _read(layer: StatesEquation, requirements: Requirements) -> _Reading:
    scalars = read_scalars(layer, requirements.inputs)
    made = elaborate(scalars)
    defined = definitions(made.statements, requirements)
    requirements.fields()
    requirements.mark()
    of_fields = frozenset(requirements.conditions)
    if scalars.asks_for_open_sizes:
        made = answered(made, defined, requirements)
    for asked in made.requirements:
        requirements.comparison(asked)
    require_whole(made, requirements)
    requirements.mark()
    return _Reading(
        made, defined, tuple(requirements.conditions), of_fields, frozenset(requirements.positive), needs_of(made)
    )
