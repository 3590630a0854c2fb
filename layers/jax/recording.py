"""From what was traced to what is recorded: inputs, learned tensors, operations in order, outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import prod
from typing import Any

from sympy import Ne, Symbol
from sympy.logic.boolalg import Boolean

from ...algebra.errors import LayerAlgebraError, UnsupportedError
from ...algebra.networks.network import Network
from ..importers.outputs import chosen, side_by_side
from ..importers.record import Recording, Stored
from ..importers.tensors import Tensor
from .fixed import as_number
from .rules import FLOWS  # noqa: F401  # reads all rules
from .rules.calls import constants
from .tracing import Traced
from .translator import Translator, own
from .values import Value


def record(traced: Traced, operators: Mapping[str, Callable[..., Network]], outputs: Any) -> Recording:
    """The recording of a traced function; sizes that it names, and at which it does the same as at others, are not stated."""
    recording = _recorded(traced, operators, outputs)
    stated = [relation for relation in traced.where if not _is_idle(relation, traced, recording, operators, outputs)]
    if stated == traced.where:
        return recording
    return _recorded(replace(traced, where=stated), operators, outputs)


def _is_idle(
    relation: Boolean, traced: Traced, recording: Recording, operators: Mapping[str, Callable[..., Network]], outputs: Any
) -> bool:  # fmt: skip
    """Whether a function was only seen to ask if a size is another one: where it is, the function does the same."""
    if not isinstance(relation, Ne) or traced.again is None:
        return False
    symbol, value = (relation.lhs, relation.rhs) if isinstance(relation.lhs, Symbol) else (relation.rhs, relation.lhs)
    if not isinstance(symbol, Symbol) or symbol in value.free_symbols or value.is_positive is not True:
        return False
    try:
        there = _recorded(traced.again(symbol, value), operators, outputs)
    except LayerAlgebraError:
        return False
    at = {symbol: value}
    here = [(one.name, one.node.xreplace(at), one.sources, one.module) for one in recording.operations]
    alike = [(one.name, one.node, one.sources, one.module) for one in there.operations]
    return here == alike and recording.learned == there.learned and recording.output == there.output


def _recorded(traced: Traced, operators: Mapping[str, Callable[..., Network]], outputs: Any) -> Recording:
    t = Translator(traced.sizes, operators)
    t.steps.stated = list(traced.where)
    recording = Recording(where=list(traced.where))
    given: list[Value] = []
    closed = traced.jaxpr
    for array, variable in zip(traced.stored, closed.jaxpr.invars):
        shape = t.shape(variable.aval)
        value = Value(shape, variable.aval.dtype, stored=array if array.learned else None, without_input=True)
        if not array.learned:
            value.fixed, value.numbers = True, lambda held=array.value: held
            value.name = array.names[0]
            if not shape and array.value is not None:
                value.number = as_number(array.value)
        given.append(value)
    for argument, variable in zip(traced.inputs, closed.jaxpr.invars[len(traced.stored) :]):
        shape = t.shape(variable.aval)
        recording.inputs.append((argument.name, own(shape)))
        given.append(Value(shape, variable.aval.dtype, Tensor(argument.name, own(shape))))
        t.places[argument.name] = 0
    made = t.enter(closed.jaxpr, constants(t, closed), given, ())
    if not made:
        raise UnsupportedError("the function returns no array")
    found = chosen(dict(zip(traced.outputs, made)), outputs, "function")
    tensors = []
    for name, value in found.items():
        with t.at(t.place + 1, ()):
            tensors.append((name, t.tensor(value)))
    if t.missing:
        raise t.unknown()
    with t.at(t.place + 2, ()):
        output = tensors[0][1] if len(tensors) == 1 else side_by_side(t, tensors)
    recording.outputs = {name: value.shape for name, value in found.items()}
    recording.output = output.name
    t.simplified(recording)
    finish(recording, t, traced)
    return recording


def finish(recording: Recording, t: Translator, traced: Traced) -> None:
    """Name what is held twice, drop the scopes in which everything stands, and list what is stored."""
    live = {operation.name for operation in recording.needed()}
    readers: dict[int, list[str]] = {}
    for name, arrays in t.holding.items():
        for array in arrays:
            readers.setdefault(id(array), []).append(name)
    recording.operations = [operation for operation in recording.operations if operation.name in live]
    t.share(recording.operations)
    for array in traced.stored:
        if array.learned:
            recording.learned.append(
                Stored(tuple(array.names), prod(array.shape), frozenset(readers.get(id(array), ())))
            )
    while True:
        first = {operation.module[:1] for operation in recording.operations}
        if len(first) != 1 or first == {()}:
            break
        for operation in recording.operations:
            operation.module = operation.module[1:]
