"""From a jaxpr to recorded operations: calls are entered, what no input changes is worked out or kept as a buffer, the rest has rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy
from sympy import Expr, Integer, Mul

from ...algebra.errors import LayerAlgebraError, UnsupportedError
from ...algebra.networks.network import Network
from ..importers.record import unknown_operators
from ..importers.rules import registering
from ..importers.tensors import Shape, Tensor, Tensors
from .fixed import fixed_value, literal_value
from .scopes import scope_names
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
        self.buffers: dict[str, Value] = {}
        self._buffers: dict[tuple[int, tuple[str, ...]], Tensor] = {}
        self._kept: list[Any] = []

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

        for equation in _needed(jaxpr):
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
        """Where an equation stands: in which module, and in which line of the user's."""
        from .scopes import source_line

        line = source_line(value.equation)
        return (
            " ".join(part for part in (".".join(value.module), f"({line})" if line else "") if part) or "the function"
        )

    def unknown(self) -> UnsupportedError:
        return unknown_operators("JAX", self.missing)

    # what a model holds ----------------------------------------------------------------------------------------------

    def parameter(self, value: Value) -> Tensor:
        """A stored array as a layer without an input."""
        assert value.stored is not None
        made = self.stored(own(value.shape), True, label=value.stored.names[0])
        self.holding[made.name] = [value.stored]
        return made

    def buffer(self, value: Value) -> Tensor:
        """A value that is the same for every input; one in each module that takes it, since it costs nothing."""
        key = id(value), self.module
        if key not in self._buffers:
            self._kept.append(value)
            made = self.stored(own(value.shape), False, label=value.label)
            self.buffers[made.name] = value
            self._buffers[key] = made
        return self._buffers[key]

    def hold(self, tensor: Tensor, *arrays: StoredArray) -> Tensor:
        """Note that the operation which makes a tensor has these arrays as its own weights."""
        self.holding[tensor.name] = list(arrays)
        return tensor


RANDOM = ("random_bits", "random_unwrap", "random_wrap", "random_split", "random_fold_in", "random_seed", "threefry2x32", "rng_bit_generator", "rng_uniform")  # fmt: skip
"""What makes random numbers; they count as given."""


def _needed(jaxpr: Any) -> list[Any]:
    """The equations on which what a jaxpr returns depends, in order."""
    wanted = {atom for atom in jaxpr.outvars if not hasattr(atom, "val")}
    found = []
    for equation in reversed(jaxpr.eqns):
        if wanted & set(equation.outvars):
            found.append(equation)
            wanted.update(atom for atom in equation.invars if not hasattr(atom, "val"))
    return found[::-1]
