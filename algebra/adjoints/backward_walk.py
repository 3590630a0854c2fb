"""A network met forward, and its layers and joins in reverse: which gradient goes where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

from sympy import Expr, Integer, Symbol

from ..equations.examples import of_examples
from ..equations.instance import Shape
from ..errors import UnsupportedError
from ..networks.carrier import Site
from ..records import dataclass
from .adjoint import Adjoint
from .backward_steps import BackwardStep, Gradient, LoopStep, Step, SumStep
from .following import FollowingCarrier, Part, Several, each
from .joined import joined_instance
from .training import Flag, backward_of, examples_of, wanted_of


@dataclass(eq=False)
class Flowing:
    """What stands between two parts: whether its gradient is asked for, its shape once that is known, and whether every example has its own."""

    needs: bool
    shape: Shape | None = None
    each: bool = True

    @property
    def flag(self) -> Flag:
        return Flag(self.needs, self.each)


@dataclass
class Tape:
    """What has been met on the way forward, in order."""

    records: list[Any] = field(default_factory=list)


@dataclass
class _Met:
    site: Site
    adjoint: Adjoint
    arrivals: Mapping[str, Flowing]
    outputs: Mapping[str, Flowing]


@dataclass
class _Repeated:
    path: str
    index: Symbol
    times: Expr
    varies: bool
    first: "_Copy"
    later: "_Copy"
    before: tuple[Flowing, ...]
    after: tuple[Flowing, ...]


@dataclass
class _Copy:
    entering: tuple[Flowing, ...]
    left: tuple[Flowing, ...]
    tape: Tape


class BackwardPart(Part):
    """The value of a part: a function of what arrives and of the tape."""


class BackwardCarrier(FollowingCarrier[BackwardPart]):
    """Notes which adjoint stands where; `inputs` says whether the data needs a gradient."""

    opaque = None

    def __init__(self, inputs: bool):
        super().__init__(BackwardPart, "equation", "none")
        self.inputs = inputs
        self.data: list[Flowing] = []

    def beginning(self) -> BackwardPart:
        def at(arrivals: tuple[Flowing, ...], tape: Tape) -> Any:
            if arrivals:
                return arrivals[0]
            self.data.append(Flowing(self.inputs))
            return self.data[-1]

        return BackwardPart(at)

    def leaf(self, site: Site, port: int) -> BackwardPart:
        instance = site.instance
        assert instance is not None
        names = instance.layer.input_names

        def at(arrivals: tuple[Flowing, ...], tape: Tape) -> Any:
            arrivals = arrivals[: len(site.inputs)]
            for flowing, flow in zip(arrivals, site.inputs):
                flowing.shape = flow.shape
            if not instance.outputs:
                return Flowing(False)
            examples = examples_of(instance, (one.each for one in arrivals))
            found = backward_of(instance, wanted_of(instance, (one.needs for one in arrivals)), examples)
            each_own = of_examples(instance, examples)
            outputs = {
                name: Flowing(bool(found.gradients) and name in found.seeds, instance.shapes[name], name in each_own)
                for name in instance.outputs
            }
            if found.gradients:
                tape.records.append(_Met(site, found, dict(zip(names, arrivals)), outputs))
            return next(iter(outputs.values())) if len(outputs) == 1 else Several(outputs)

        return BackwardPart(at)

    def joint(self, site: Site) -> BackwardPart:
        def at(arrivals: tuple[Flowing, ...], tape: Tape) -> Any:
            for flowing, flow in zip(arrivals, site.inputs):
                flowing.shape = flow.shape
            names = [f"x{place + 1}" for place in range(len(arrivals))]
            wanted = frozenset(name for name, one in zip(names, arrivals) if one.needs)
            examples = frozenset(name for name, one in zip(names, arrivals) if one.each)
            made = Flowing(bool(wanted), site.output.shape, bool(examples))
            if wanted:
                found = backward_of(joined_instance(site), wanted, examples)
                tape.records.append(_Met(site, found, dict(zip(names, arrivals)), {"y": made}))
            return made

        return BackwardPart(at)

    def repeat(self, value: BackwardPart, times: Expr, index: Symbol | None) -> BackwardPart:
        def at(arrivals: tuple[Flowing, ...], tape: Tape) -> Any:
            if times == 1 and index is None:
                return value.at(arrivals, tape)
            before = arrivals or (Flowing(False),)
            first = self._copy(value, tuple(one.flag for one in before))
            flags = tuple(one.flag for one in first.left)
            later = first if flags == tuple(one.flag for one in before) else self._copy(value, flags)
            if tuple(one.flag for one in later.left) != flags:
                raise UnsupportedError(
                    f"the {times} copies need gradients of other inputs from copy to copy; give a number of copies"
                )
            for flowing, own in zip(before, first.entering):
                flowing.shape = own.shape if flowing.shape is None else flowing.shape
            last = {} if index is None else {index: times - 1}
            after = tuple(
                before[first.entering.index(one)] if one in first.entering else
                Flowing(one.needs, one.shape and tuple(size.xreplace(last) for size in one.shape), one.each)
                for one in first.left
            )  # fmt: skip
            if any(one in first.entering for one in first.left) and first.tape.records:
                raise UnsupportedError(
                    "copies that hand on some of what enters them as it is are not followed here; give a number of copies"
                )
            if later.tape.records:
                named = _index_of(later.tape) if index is None else index
                tape.records.append(_Repeated("", named, times, index is not None, first, later, before, after))
            return after[0] if len(after) == 1 else Several((str(place), one) for place, one in enumerate(after))

        return BackwardPart(at, True)

    @staticmethod
    def _copy(value: BackwardPart, flags: Sequence[Flag]) -> _Copy:
        entering, tape = tuple(Flowing(flag.needs, each=flag.each) for flag in flags), Tape()
        return _Copy(entering, each(value.at(entering, tape)), tape)


def _index_of(tape: Tape, levels: int = 1) -> Symbol:
    """The index of the repetition that a tape is of, as the paths of what stands in it have it."""
    record = tape.records[0]
    if isinstance(record, _Met):
        return record.site.loops[-levels].index
    return _index_of(record.later.tape, levels + 1)


class Reverse:
    """The tape in reverse: gradients by number, added where several meet."""

    def __init__(self) -> None:
        self.count = 0
        self.known: dict[int, list[Gradient]] = {}

    def fresh(self, shape: Shape | None) -> Gradient:
        self.count += 1
        return Gradient(self.count, shape)

    def add(self, flowing: Flowing, gradient: Gradient) -> None:
        self.known.setdefault(id(flowing), []).append(gradient)

    def take(self, flowing: Flowing, steps: list[Step]) -> Gradient | None:
        found = self.known.pop(id(flowing), [])
        if len(found) < 2:
            return found[0] if found else None
        made = self.fresh(flowing.shape)
        steps.append(SumStep(tuple(found), made))
        return made

    def through(self, tape: Tape) -> list[Step]:
        steps: list[Step] = []
        for record in reversed(tape.records):
            if isinstance(record, _Met):
                self._met(record, steps)
            else:
                self._repeated(record, steps)
        return steps

    def _met(self, record: _Met, steps: list[Step]) -> None:
        arriving = {name: self.take(one, steps) for name, one in record.outputs.items()}
        if all(one is None for one in arriving.values()):
            return
        found = record.adjoint
        leaving = {}
        for name, flowing in record.arrivals.items():
            if name in found.gradients and flowing.needs:
                leaving[found.gradients[name]] = self.fresh(flowing.shape)
                self.add(flowing, leaving[found.gradients[name]])
        learned = {name: made for name, made in found.gradients.items() if name not in record.arrivals}
        seeds = {found.seeds[name]: one for name, one in arriving.items() if name in found.seeds}
        steps.append(BackwardStep(record.site.path, record.site, found, seeds, leaving, learned))

    def _repeated(self, record: _Repeated, steps: list[Step]) -> None:
        begin = tuple(self.take(one, steps) if one.needs else None for one in record.after)
        if all(one is None for one in begin):
            return
        alike = record.later is record.first
        if alike or record.times != 1:
            begin = self._loop(record, record.later, begin, 0 if alike else 1, steps)
        if not alike:
            begin = self._loop(record, record.first, begin, -1, steps)
        for flowing, gradient in zip(record.before, begin):
            if gradient is not None and flowing.needs:
                self.add(flowing, gradient)

    def _loop(
        self, record: _Repeated, copy: _Copy, begin: tuple[Gradient | None, ...], first: int, steps: list[Step]
    ) -> tuple[Gradient | None, ...]:
        """The copies from the last one down to number `first`; -1: the first one of all, by itself."""
        entering = tuple(self.fresh(one.shape) for one in copy.left)
        outer, self.known = self.known, {}
        for one, gradient, given in zip(copy.left, entering, begin):
            if one.needs and given is not None:
                self.add(one, gradient)
        inner = self.through(copy.tape)
        leaving = tuple(self.take(one, inner) if one.needs else None for one in copy.entering)
        self.known = outer
        made = tuple(None if one is None else self.fresh(one.shape) for one in leaving)
        times = Integer(1) if first < 0 else record.times
        steps.append(
            LoopStep(
                record.path,
                record.index,
                times,
                max(first, 0),
                tuple(inner),
                entering,
                begin,
                leaving,
                made,
                record.varies,
            )  # fmt: skip
        )
        return made
