"""A network carried out once, forward or forward and back: its steps, what is there at the beginning and what must be there at the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import Mul

from ..networks.carrier import Evaluation, Flow, Flows
from ..records import dataclass
from .following import each
from .lifetimes import Step
from .saving import Tensor
from .tape import Arrived, Gradients, Tape


@dataclass(frozen=True)
class Carried:
    """Steps in order, the tensors that are there before them and those that are there after them."""

    steps: Sequence[Step]
    entering: tuple[Tensor, ...]
    held: frozenset[Tensor]


def outputs_of(where: Any) -> tuple[Flow, ...]:
    """What leaves a site or a network, each output."""
    output = where.output
    return tuple(output) if isinstance(output, Flows) else (output,)


def carried(evaluation: Evaluation[Any], arrivals: tuple[Tensor, ...], training: bool, block: bool) -> Carried:
    """What a walk over a network found, carried out."""
    arrived = tuple(Arrived(tensor) for tensor in arrivals)
    tape = Tape(block=block and training and evaluation.value.blocks)
    left = each(evaluation.value.at(arrived, tape))
    for one, flow in zip(left, outputs_of(evaluation)):
        one.tensor.met(Mul(*flow.shape))  # of what enters and leaves
        one.of.met(Mul(*flow.shape))
    leaving = [one.tensor for one in left]
    steps = tape.steps
    gradients = Gradients()
    asked = [one for one in left if one.needs]
    if training and asked:
        seeds = [Tensor(one.of.elements, each=one.of.each) for one in asked]
        steps = [*steps, Step(tuple(leaving), tuple(seeds))]
        if block and not evaluation.value.blocks:  # the whole network is carried out twice
            tape = Tape()
            asked = [one for one in each(evaluation.value.at(arrived, tape)) if one.needs]
            steps += tape.steps
        for one, seed in zip(asked, seeds):
            gradients.add(one, seed)
        steps = [*steps, *tape.backward(gradients)]
        leaving = []
    held = frozenset({*leaving, *gradients.kept})
    tensors = [tensor for step in steps for tensor in step.reads]
    entering = dict.fromkeys((*arrivals, *(tensor for tensor in (*tensors, *leaving) if tensor.enters)))
    return Carried(steps, tuple(entering), held)
