"""What moves in a network, in elements or bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sympy import Expr, Integer, Mul

from ..arguments import shown
from ..derivations.metric import Metric
from ..errors import FieldError
from ..networks.carrier import Evaluation
from ..networks.evaluator import input_flows
from ..records import dataclass
from ..sizes.dims import as_size
from .traffic import KINDS, Entry, Loop, Record, Step, Tensor, TrafficCarrier, Weigh, fused

UNITS = ("elements", "bytes")
ITEMSIZE = {"activations": 4, "weights": 4, "indices": 8}
"""Bytes of an element in single precision."""


@dataclass
class Moved:
    """The steps of a network, with what moves marked."""

    steps: list[Step | Loop]
    weigh: Weigh | None = None


@dataclass(frozen=True, repr=False)
class Followed(Metric[Expr]):
    """A metric of the steps of a network and of what each of them moves."""

    def evaluate(self, net: Any, on: Any = None, **options: Any) -> Evaluation[Any]:
        evaluation = super().evaluate(net, on, **options)
        evaluation.value = Moved(steps_of(evaluation, on, self._checked(options)["fuse"]))
        return evaluation


def steps_of(evaluation: Evaluation[Any], on: Any, fuse: str) -> list[Step | Loop]:
    """The steps of a network in their order, with what moves marked."""
    arrivals = tuple(Tensor(Mul(*flow.shape)) for flow in input_flows(on))
    record = Record()
    leaving = evaluation.value.at(arrivals, record)
    made = {entry.tensor.base for entry in _all(record.steps) if entry.writes and entry.tensor is not None}
    made |= {loop.makes.base for loop in _loops(record.steps)}
    inside = {tensor.base for loop in _loops(record.steps) for tensor in loop.entering}
    read = {entry.tensor.base for entry in _all(record.steps) if not entry.writes and entry.tensor is not None}
    read |= {tensor.base for loop in _loops(record.steps) for tensor in loop.before}
    entering = [tensor for tensor in read if tensor not in made and tensor not in inside]
    fused(record.steps, entering, leaving, fuse)
    return record.steps


def _all(steps: list[Step | Loop]) -> list[Entry]:
    return [entry for step in steps for entry in (_all(step.steps) if isinstance(step, Loop) else step.entries)]


def _loops(steps: list[Step | Loop]) -> list[Loop]:
    return [loop for step in steps if isinstance(step, Loop) for loop in (step, *_loops(step.steps))]


def followed_carrier(fuse: str, batch: Any) -> TrafficCarrier:
    """The carrier that notes what moves."""
    return TrafficCarrier(fuse, as_size(batch, "batch", least=1))


def itemsizes(given: Any) -> dict[str, Expr]:
    """Bytes of an element of each kind, with what is given in place of the usual."""
    if given is None:
        given = {}
    if not isinstance(given, Mapping):
        raise FieldError(f"itemsize is a mapping such as {{'weights': 2}}, got {shown(given)}")
    for kind in given:
        if kind not in KINDS:
            raise FieldError(f"there are no {shown(kind)} among what moves; there are {', '.join(KINDS)}")
    return {kind: as_size(given.get(kind, size), f"the bytes of {kind}", least=1) for kind, size in ITEMSIZE.items()}


def weight_of(unit: str, of: str, access: str, batch: Any, itemsize: Any) -> Weigh:
    """How much an entry counts."""
    if unit not in UNITS:
        raise FieldError(f"unit is one of {', '.join(UNITS)}, got {shown(unit)}")
    sizes, examples = itemsizes(itemsize), as_size(batch, "batch", least=1)

    def weigh(entry: Entry) -> Expr:
        if of not in ("all", entry.kind) or access not in ("all", "writes" if entry.writes else "reads"):
            return Integer(0)
        each = sizes[entry.kind] if unit == "bytes" else Integer(1)
        return Mul(entry.elements, examples if entry.each else Integer(1), each)

    return weigh
