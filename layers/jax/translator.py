"""From a jaxpr to recorded operations: calls are entered, what no input changes is worked out or kept as a buffer, the rest has rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sympy import Integer, Mul

from ...algebra.errors import UnsupportedError
from ...algebra.networks.network import Network
from ...algebra.sizes.normal_form import simplify
from ..importers.arrays import cut, positions, reshaped, table
from ..importers.biases import with_biases
from ..importers.record import Operation, Recording, unknown_operators
from ..importers.rules import registering
from ..importers.tensors import Shape, Tensor, Tensors
from .fixed import fixed_value, known_numbers, literal_value, truth_value
from .scopes import scope_names, source_line
from .sizes import Sizes
from .tracing import StoredArray
from .values import Value

Rule = Callable[["Translator", Value], Tensor]
RULES: dict[str, Rule] = {}
#: Registers a rule for primitives by their names: a function of the translator and of the value to be made that returns its tensor.
rule = registering(RULES)

Flow = Callable[["Translator", Any, Sequence[Value], tuple[str, ...]], list[Value]]
FLOWS: dict[str, Flow] = {}
#: Registers a function for primitives that hold jaxprs; it returns all of their values.
flow = registering(FLOWS)


def own(shape: Shape) -> Shape:
    """The shape of our tensor: a number without axes is one element."""
    return shape or (Integer(1),)


class Translator(Tensors):
    """The state of one translation."""

    def __init__(self, sizes: Sizes, operators: Mapping[str, Callable[..., Network]]):
        super().__init__()
        self.sizes, self.operators = sizes, operators
        self.place = 0
        self.places: dict[str, int] = {}
        self.missing: dict[str, list[str]] = {}
        self.holding: dict[str, list[StoredArray]] = {}
        self.shapes: dict[str, Shape] = {}
        self.buffers: dict[str, Value] = {}
        self.used: set[Any] = set()
        self._buffers: dict[tuple[int, tuple[str, ...]], Tensor] = {}
        self._kept: list[Any] = []

    def add(
        self,
        layer: Network,
        sources: Sequence[Tensor],
        shape: Shape,
        batched: bool = False,
        label: str = "",
        turned: bool = False,
    ) -> Tensor:
        made = super().add(layer, sources, shape, batched, label, turned)
        self.shapes[made.name] = made.own
        return made

    # names and places ------------------------------------------------------------------------------------------------

    def named(self, label: str) -> str:
        name = label if label not in self.places else f"{label}_{len(self.operations)}"
        self.places[name] = self.place
        return name

    @contextmanager
    def at(self, place: int, module: tuple[str, ...]) -> Iterator[None]:
        """What is recorded meanwhile belongs to an equation and to the module in which it stands."""
        before = self.place, self.module
        self.place, self.module = place, module
        try:
            yield
        finally:
            self.place, self.module = before

    # walking ---------------------------------------------------------------------------------------------------------

    def shape(self, aval: Any) -> Shape:
        return self.sizes.shape(aval.shape)

    def enter(self, jaxpr: Any, held: Sequence[Value], given: Sequence[Value], scope: tuple[str, ...]) -> list[Value]:
        """The values that a jaxpr returns for its constants and arguments."""
        env: dict[Any, Value] = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*held, *given]))

        def read(atom: Any) -> Value:
            return literal_value(atom) if hasattr(atom, "val") else env[atom]

        self.used |= used(jaxpr)
        for equation in needed(jaxpr):
            self.place += 1
            made = self.equation(equation, [read(atom) for atom in equation.invars], scope)
            env.update(zip(equation.outvars, made))
        return [read(atom) for atom in jaxpr.outvars]

    def equation(self, equation: Any, sources: Sequence[Value], scope: tuple[str, ...]) -> list[Value]:
        name = equation.primitive.name
        module = (*scope, *scope_names(equation))
        if name not in self.operators:
            if name in FLOWS:
                return FLOWS[name](self, equation, sources, module)
            if all(source.fixed for source in sources) or name in RANDOM:
                return fixed_value(equation, sources, self.sizes)
            if name in FINITE and (name == "is_finite" or sources[0] is sources[1]):
                return [truth_value(FINITE[name], self.shape(equation.outvars[0].aval))]
        made = []
        for number, variable in enumerate(equation.outvars):
            value = Value(
                self.shape(variable.aval), variable.aval.dtype, None, equation, tuple(sources), output=number, place=self.place, module=module
            )  # fmt: skip
            value.without_input = all(source.fixed or source.without_input for source in sources)
            made.append(value)
        for value in made:
            # Integers are mostly addresses, of which the operations that use them make something simpler; what no input changes is
            # mostly a weight in the shape in which an operation takes it.
            if not value.is_whole and not value.without_input and len(made) == 1:
                self.tensor(value)
        return made

    def tensor(self, value: Value) -> Tensor:
        """The tensor that stands for a value."""
        if value.tensor is not None:
            return value.tensor
        if value.stored is not None:
            value.tensor = self.parameter(value)
            return value.tensor
        if value.fixed:
            return self.buffer(value)
        with self.at(value.place, value.module):
            value.tensor = self._made(value)
        return value.tensor

    def _made(self, value: Value) -> Tensor:
        name = value.primitive
        try:
            if name in self.operators:
                given = [self.tensor(source) for source in value.sources if not source.fixed]
                layer = self.operators[name]([one.own for one in given], dict(value.equation.params))
                return self.add(layer, given, own(value.shape), label=name)
            if name in RULES:
                return RULES[name](self, value)
        except UnsupportedError as error:
            if getattr(error, "placed", False):
                raise
            found = UnsupportedError(f"{name} at {self.where(value)}: {error}")
            found.placed = True  # type: ignore[attr-defined]
            raise found from error
        self.missing.setdefault(name, []).append(self.where(value))
        return Tensor(f"missing {name}", own(value.shape))

    def where(self, value: Value) -> str:
        return self.place_of(value.equation, value.module)

    def place_of(self, equation: Any, module: tuple[str, ...]) -> str:
        """Where an equation stands: in which module, and in which line of the user's."""
        line = source_line(equation)
        return " ".join(part for part in (".".join(module), f"({line})" if line else "") if part) or "the function"

    def is_used(self, variable: Any) -> bool:
        """Whether something uses a value of an equation that is read now."""
        return variable in self.used

    def row(self, value: Value, place: int, module: tuple[str, ...]) -> Value:
        """A value at a position along its first axis."""
        if value.number is not None:
            return Value(value.shape[1:], value.dtype, fixed=value.fixed, number=value.number)
        if value.fixed:
            return Value(value.shape[1:], value.dtype, fixed=True, numbers=lambda: _part(value, place))
        with self.at(self.place, module):
            whole = self.tensor(value)
            made = reshaped(self, cut(self, whole, 0, place, Integer(1), "turn"), own(value.shape[1:]), label="turn")
        return Value(
            value.shape[1:], value.dtype, made, place=self.place, module=module, without_input=value.without_input
        )

    def ordered(self) -> list[Operation]:
        """The operations in the order of the equations that they belong to."""
        return sorted(self.operations, key=lambda operation: self.places[operation.name])

    def simplified(self, recording: Recording) -> None:
        """The operations that a recording needs, in order, with biases where they belong."""
        recording.operations = self.ordered()
        made, recording.output, biases = with_biases(recording.needed(), recording.output, self.shapes)
        recording.operations = made
        for name, bias in biases.items():
            self.holding[name] += self.holding.pop(bias)

    def share(self, operations: Sequence[Operation]) -> None:
        """Weights that several of these operations hold are shared under the name of the array."""
        by_name = {operation.name: operation for operation in operations}
        holders: dict[int, tuple[StoredArray, list[str]]] = {}
        for name, arrays in self.holding.items():
            for array in arrays if name in by_name else ():
                holders.setdefault(id(array), (array, []))[1].append(name)
        for array, names in holders.values():
            for name in names if len(names) > 1 else ():
                by_name[name].node = by_name[name].node.shared(array.names[0])

    def unknown(self) -> UnsupportedError:
        return unknown_operators("JAX", self.missing)

    # what a model holds ----------------------------------------------------------------------------------------------

    def parameter(self, value: Value) -> Tensor:
        """A stored array as a layer without an input."""
        assert value.stored is not None
        made = self.stored(own(value.shape), True, label=value.stored.names[0].rpartition(".")[2])
        self.holding[made.name] = [value.stored]
        return made

    def buffer(self, value: Value) -> Tensor:
        """A value that is the same for every input; one in each module that takes it, since it costs nothing."""
        key = id(value), self.module
        if key not in self._buffers:
            self._kept.append(value)
            self._buffers[key] = self._fixed(value)
        return self._buffers[key]

    def _fixed(self, value: Value) -> Tensor:
        shape = own(value.shape)
        if value.steps == (0, 1):
            made = positions(self, simplify(Mul(*shape)), value.label)
            return reshaped(self, made, shape, label=value.label)
        numbers = known_numbers(value)
        if numbers is not None:
            return table(self, [int(size) for size in shape], numbers, value.label)
        made = self.stored(shape, False, label=value.label)
        self.buffers[made.name] = value
        return made

    def hold(self, tensor: Tensor, *arrays: StoredArray) -> Tensor:
        """Note that the operation which makes a tensor has these arrays as its own weights."""
        self.holding[tensor.name] = list(arrays)
        return tensor


FINITE = {"ne": 0, "eq": 1, "is_finite": 1}
"""What asks whether elements are numbers, as where x != x: they are, everywhere in this package."""
RANDOM = ("random_bits", "random_unwrap", "random_wrap", "random_split", "random_fold_in", "random_seed", "threefry2x32", "rng_bit_generator", "rng_uniform")  # fmt: skip
"""What makes random numbers; they count as given."""


def _part(value: Value, place: int) -> Any:
    found = value.numbers() if value.numbers is not None else None
    return None if found is None else found[place]


def used(jaxpr: Any) -> set[Any]:
    """What equations read, and what is returned."""
    atoms = [*jaxpr.outvars, *(atom for equation in needed(jaxpr) for atom in equation.invars)]
    return {atom for atom in atoms if not hasattr(atom, "val")}


def needed(jaxpr: Any) -> list[Any]:
    """The equations on which what a jaxpr returns depends, in order."""
    wanted = {atom for atom in jaxpr.outvars if not hasattr(atom, "val")}
    found = []
    for equation in reversed(jaxpr.eqns):
        if wanted & set(equation.outvars):
            found.append(equation)
            wanted.update(atom for atom in equation.invars if not hasattr(atom, "val"))
    return found[::-1]
