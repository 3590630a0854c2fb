"""A network as steps in the order of execution, forward or forward and back: which tensors each reads and makes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import Expr, Integer, Mul, Symbol

from ..equations.examples import of_examples
from ..equations.instance import Instance
from ..errors import UnsupportedError
from ..networks.carrier import Site
from ..networks.joins import Mul as Product
from .adjoint import Adjoint
from .copies import Backward, Copies, Copy, Forward, copy_of
from .following import FollowingCarrier, Part, Several
from .kept import Inner, Kept, kept_of
from .lifetimes import Step
from .pytorch_kernels import kept_by_pytorch
from .saving import Tensor, seen_through
from .tape import Arrived, Gradients, Tape
from .training import Flag, backward_of, examples_of, wanted_of

Arrivals = tuple[Arrived, ...]


class Execution(Part):
    """The value of a part: a function of what arrives and of the steps so far, which it adds to, to what leaves."""


class ExecutionCarrier(FollowingCarrier[Execution]):
    """Notes the steps of a network in their order."""

    opaque = "exact"

    def __init__(self, training: bool, policy: str, recompute: str):
        super().__init__(Execution, policy, recompute)
        self.training = training
        self.in_memory = training and policy == "pytorch"
        if training:
            self.opaque = None  # type: ignore[assignment]

    def beginning(self) -> Execution:
        entering = Tensor(enters=True)
        return Execution(lambda arrivals, tape: arrivals[0] if arrivals else Arrived(entering))

    # layers ----------------------------------------------------------------------------------------------------------

    def leaf(self, site: Site, port: int) -> Execution:
        instance = site.instance
        assert instance is not None
        places = instance.looked_up()

        def at(arrivals: Arrivals, tape: Tape) -> Any:
            arrivals = arrivals[: len(site.inputs)]
            if not instance.outputs:
                return Arrived(Tensor(Integer(0)))
            for name, arrived, flow in zip(instance.layer.input_names, arrivals, site.inputs):
                arrived.tensor.met(Mul(*flow.shape))
                arrived.of.met(Mul(*flow.shape))
                if name in places:
                    arrived.tensor.kind = "indices"
            examples = examples_of(instance, (arrived.tensor.each for arrived in arrivals))
            wanted = wanted_of(instance, (arrived.needs for arrived in arrivals))
            found = backward_of(instance, wanted, examples) if self.training else None
            each_own = of_examples(instance, examples)
            seen = seen_through(instance, self.in_memory) if len(instance.outputs) == 1 else None
            if isinstance(seen, int) and seen < len(arrivals):
                return self._shown(instance, arrivals[seen], tape)
            if found is None or not (found.seeds and found.gradients):
                made = [
                    Tensor(Integer(0) if isinstance(seen, str) else size, each=name in each_own)
                    for name, size in zip(instance.outputs, _sizes(instance))
                ]
                tape.steps.append(Step(tuple(arrived.tensor for arrived in arrivals), tuple(made)))
                return _named(instance, [Arrived(tensor) for tensor in made])
            return self._learning(site, instance, found, arrivals, tape, isinstance(seen, str), each_own)

        return Execution(at)

    @staticmethod
    def _shown(instance: Instance, arrived: Arrived, tape: Tape) -> Arrived:
        """A layer that only shows what enters; of a part of that the gradient is put among zeros."""
        (size,) = _sizes(instance)
        if arrived.of.elements == size:
            return arrived
        shown_part = Arrived(arrived.tensor, arrived.needs, Tensor(size, each=arrived.of.each))

        def back(gradients: Gradients) -> None:
            gradient = gradients.take(shown_part)
            if gradient is not None:
                made = Tensor(arrived.of.elements, each=arrived.of.each)
                gradients.steps.append(Step((gradient,), (made,)))
                gradients.add(arrived, made)

        if arrived.needs:
            tape.back.append(back)
        return shown_part

    def _learning(
        self, site: Site, instance: Instance, found: Adjoint, arrivals: Arrivals, tape: Tape, learned: bool, each_own: frozenset[str]
    ) -> Any:  # fmt: skip
        """A layer through which gradients go, forward, and noted for the way back."""
        kept, again = self._kept(found)
        outputs = {
            name: Arrived(Tensor(Integer(0) if learned else size, each=name in each_own), name in found.seeds)
            for name, size in zip(instance.outputs, _sizes(instance))
        }
        if learned:  # shows a learned tensor, whose gradient has its size
            outputs = {
                name: Arrived(one.tensor, one.needs, Tensor(size, each=one.tensor.each))
                for (name, one), size in zip(outputs.items(), _sizes(instance))
            }
        inner = [Tensor(one.elements, kind=one.kind, each=one.each) for one in kept.inner]
        made = [arrived.tensor for arrived in outputs.values()]
        tape.steps.append(Step(tuple(arrived.tensor for arrived in arrivals), (*made, *inner)))
        names = instance.layer.input_names
        read = [
            *(arrivals[names.index(name)].tensor for name in kept.inputs), *(outputs[name].tensor for name in kept.outputs), *inner,
        ]  # fmt: skip
        weights = [name for name in found.gradients if name not in names]
        keys = {name: _key(tape, site, name) for name in weights}

        def back(gradients: Gradients) -> None:
            arriving = {name: gradients.take(arrived) for name, arrived in outputs.items()}
            if all(one is None for one in arriving.values()):
                return
            seeds = {found.seeds[name]: one for name, one in arriving.items() if one is not None}
            makes = [Tensor(one.elements, kind=one.kind, each=one.each) for one in again]
            after: list[Step] = []
            for name in weights:
                tensors, added = gradients.learn(Mul(*instance.shapes[name]), keys[name])
                makes += tensors
                after += added
            contributions: list[tuple[Arrived, Tensor]] = []
            for name, arrived in zip(names, arrivals):
                if name in found.gradients:
                    same = seeds.get(found.gradients[name])  # what arrives is passed on
                    contribution = Tensor(Mul(*instance.shapes[name]), each=arrived.of.each) if same is None else same
                    contributions.append((arrived, contribution))
                    makes += [contribution] if same is None else []
            gradients.steps += [Step((*seeds.values(), *read), tuple(makes)), *after]
            for arrived, contribution in contributions:
                gradients.add(arrived, contribution)

        tape.back.append(back)
        return _named(instance, list(outputs.values()))

    def _kept(self, found: Adjoint) -> tuple[Kept, list[Inner]]:
        """What is kept of a layer, and what is made again on the way back."""
        kept = kept_of(found)
        if self.in_memory:
            return kept_by_pytorch(found, kept), []
        if self.recompute != "selective":
            return kept, []
        less = kept_of(found, True)
        there = {one.name for one in less.inner}
        return less, [one for one in kept.inner if one.name not in there]

    # compositions ----------------------------------------------------------------------------------------------------

    def joint(self, site: Site) -> Execution:
        join, count = site.join, len(site.inputs)
        coefficients = None if join.stacks else join.coefficients(count)

        def at(arrivals: Arrivals, tape: Tape) -> Arrived:
            for arrived, flow in zip(arrivals, site.inputs):
                arrived.tensor.met(Mul(*flow.shape))
                arrived.of.met(Mul(*flow.shape))
            asked = [place for place, arrived in enumerate(arrivals) if arrived.needs]
            each_own = any(arrived.tensor.each for arrived in arrivals)
            made = Arrived(Tensor(Mul(*site.output.shape), each=each_own), bool(asked) and self.training)
            tape.steps.append(Step(tuple(arrived.tensor for arrived in arrivals), (made.tensor,)))
            if not made.needs:
                return made
            if coefficients is None and not join.stacks and not isinstance(join, Product):
                raise UnsupportedError(
                    f"at {site.path}: what the backward pass of {type(join).__name__} reads is not known; "
                    "give it coefficients, or write it as a layer with several inputs"
                )

            def back(gradients: Gradients) -> None:
                gradient = gradients.take(made)
                if gradient is None:
                    return
                for place in asked:
                    arrived, flow = arrivals[place], site.inputs[place]
                    whole = coefficients is not None and coefficients[place] == 1 and flow.shape == site.output.shape
                    if (whole or join.stacks and self.in_memory) and arrived.of.each == gradient.each:
                        gradients.add(arrived, gradient, part=join.stacks)
                        continue
                    others = [] if join.stacks or coefficients is not None else [
                        other.tensor for number, other in enumerate(arrivals) if number != place
                    ]  # fmt: skip
                    contribution = Tensor(Mul(*flow.shape), each=arrived.of.each)
                    gradients.steps.append(Step((gradient, *others), (contribution,)))
                    gradients.add(arrived, contribution)

            tape.back.append(back)
            return made

        return Execution(at)

    def share(self, value: Execution, name: str, path: str) -> Execution:
        def at(arrivals: Arrivals, tape: Tape) -> Any:
            outer, tape.sharing = tape.sharing, (*tape.sharing, (name, len(path)))
            try:
                return value.at(arrivals, tape)
            finally:
                tape.sharing = outer

        return Execution(at, value.blocks)

    # repetitions -----------------------------------------------------------------------------------------------------

    def copies(self, values: Sequence[Execution]) -> Execution:
        """Copies whose shapes differ: computed again as those of one shape are."""
        if not self.training or self.recompute != "block":
            return self.series(values)
        return self.series([self.repeat(value, Integer(1), None) for value in values])

    def repeat(self, value: Execution, times: Expr, index: Symbol | None) -> Execution:
        if times == 1 and (not self.training or self.recompute != "block"):
            return value

        def at(arrivals: Arrivals, tape: Tape) -> Any:
            if times == 1 and not tape.block:
                return value.at(arrivals, tape)
            if len(arrivals) > 1:
                raise UnsupportedError(
                    f"{times} copies with several inputs are not followed here; give a number of copies"
                )
            before = arrivals[0] if arrivals else Arrived(Tensor())
            entering = Flag(before.needs, before.tensor.each)
            first = self._copy(value, entering, tape)
            if first.leaving.tensor is first.entering:
                if first.leaving.of is not first.entering or first.forward:
                    raise UnsupportedError("copies that show a part of what enters them are not followed here")
                return before
            leaving = Flag(first.leaving.needs, first.leaving.tensor.each)
            later = first if leaving == entering else self._copy(value, leaving, tape)
            copies = Copies(first, later, times, index, before.tensor)
            if first.entering.elements is not None:
                before.tensor.met(copies.at(first.entering.elements, Integer(0)))
                before.of.met(copies.at(first.entering.elements, Integer(0)))
            before.tensor.kind = first.entering.kind
            elements = later.leaving.tensor.elements or Integer(0)
            each_own = later.leaving.tensor.each
            made = Arrived(Tensor(copies.at(elements, times - 1), each=each_own), later.leaving.needs)
            kept = copies.kept() if made.needs else []
            tape.steps.append(Forward((before.tensor,), (made.tensor, *kept), copies))
            if made.needs:
                tape.back.append(lambda gradients: self._back(value, copies, before, made, kept, tape, gradients))
            return made

        return Execution(at, True)

    def _copy(self, value: Execution, flag: Flag, outer: Tape, pinned: bool = False) -> Copy:
        entering, tape, gradients = Tensor(each=flag.each), Tape(sharing=outer.sharing), Gradients()
        left = value.at((Arrived(entering, flag.needs),), tape)
        if isinstance(left, Several):
            raise UnsupportedError("copies with several outputs are not followed here; give a number of copies")
        arriving = None
        if left.needs and left.tensor is not entering:
            arriving = Tensor(left.tensor.elements, each=left.tensor.each)
            gradients.known[left.of] = arriving
            if pinned:
                gradients.pinned.add(arriving)
            tape.backward(gradients)
        return copy_of(entering, left, tape.steps, gradients, arriving, flag.needs, outer.block)

    def _back(
        self, value: Execution, copies: Copies, before: Arrived, made: Arrived, kept: list[Tensor], tape: Tape, gradients: Gradients
    ) -> None:  # fmt: skip
        arriving = gradients.take(made)
        if arriving is None:
            return
        elsewhere = arriving in gradients.pinned or arriving in gradients.known.values()
        leaving = Flag(copies.later.leaving.needs, copies.later.leaving.tensor.each)
        pinned = self._copy(value, leaving, tape, pinned=True) if elsewhere else None
        learned = copies.learned()
        gradients.learned += learned
        makes, after = list(learned), []
        for key, one in copies.later.shared.items():
            tensors, added = gradients.learn(one.elements or Integer(0), key)
            makes += tensors
            after += added
        returned = None
        if before.needs and copies.first.returned is not None:
            elements = copies.first.returned.elements or Integer(0)
            if copies.first.returned is copies.first.arriving and not elsewhere:
                returned = arriving
            else:
                returned = Tensor(copies.at(elements, Integer(0)), each=before.of.each)
                makes.append(returned)
        reads = [arriving, *kept]
        if copies.first.keeps_entering:
            reads.append(before.tensor)
        if copies.later.keeps_leaving:
            reads.append(made.tensor)
        gradients.steps += [Backward(tuple(reads), tuple(makes), copies, arriving, pinned), *after]
        if returned is not None:
            gradients.add(before, returned)


def _sizes(instance: Instance) -> list[Expr]:
    return [Mul(*instance.shapes[name]) for name in instance.outputs]


def _named(instance: Instance, made: list[Arrived]) -> Any:
    return made[0] if len(made) == 1 else Several(zip(instance.outputs, made))


def _key(tape: Tape, site: Site, weight: str) -> Any:
    """The name of a learned tensor that others share: that under which it is shared, and its place below."""
    if not tape.sharing:
        return None
    name, length = tape.sharing[0]
    return name, site.path[length:], weight
