"""Work of the forward and the backward pass together: how it composes over a network.

Whether a part needs the gradient of what enters it is known only where it stands: nothing asks for the gradient of the data, so that the value of
a part is a function of that. Of a repetition whose input needs none, the first copy differs from the others if it learns something.

What is computed from learned tensors and buffers alone is computed once a step, however many examples there are, and its gradients too: so that
the value of a part is a function of that as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from sympy import Expr, Integer, Mul, Symbol

from ..arguments import shown
from ..derivations.metric import repeated
from ..equations.examples import of_examples, work_of_examples
from ..equations.instance import Instance, Shape
from ..equations.work import Work, work
from ..errors import FieldError
from ..networks.carrier import Ends, Evaluation, GraphStep, Site, TotalCarrier
from ..records import dataclass
from .adjoint import Adjoint, adjoint_of
from .examples import lines_of_examples
from .joined import joined_instance
from .recomputation import work_again

RECOMPUTE = ("none", "selective", "block")
T = TypeVar("T")


class Flag(NamedTuple):
    """Of what enters or leaves a part: whether its gradient is asked for, and whether every example has its own."""

    needs: bool = False
    each: bool = True


Flags = tuple[Flag, ...]
"""One for every input."""


def asks(flags: Iterable[Flag]) -> bool:
    """Whether any gradient is asked for."""
    return any(flag.needs for flag in flags)


@dataclass(frozen=True)
class Pass:
    """What one part costs: forward and backward together, forward alone, what is computed again; and what is known of what leaves it."""

    work: Work
    forward: Work
    flag: Flag
    again: Work = Work()
    several: tuple[tuple[str, Flag], ...] = ()
    """Of a part with several outputs: what is known of each."""

    @property
    def leaving(self) -> Flags:
        """For every input of the next part in a series."""
        return tuple(flag for _, flag in self.several) or (self.flag,)

    def through(self, source: Any, nodes: Iterable[Any]) -> Flag:
        """Of what an arrow of a graph brings."""
        return dict(self.several)[source[1]] if self.several and source not in nodes else self.flag

    @property
    def total(self) -> Work:
        return Work.total([self.work, self.again])


class Training:
    """The value of a part: what it costs where these of its inputs need a gradient; the shape of what leaves it, if it is no mere wire."""

    def __init__(
        self,
        at: Callable[[Flags], Pass],
        shape: Shape | None,
        blocks: bool = False,
        shapes: Mapping[str, Shape | None] | None = None,
    ):
        self._at, self.shape, self.blocks = at, shape, blocks
        self.shapes = shapes or {}
        """Those of several outputs, by their names."""
        self.entering: Shape | None = None
        """What is read, where that is known; None where what arrives goes on as it is."""
        self.takes = True
        self.asked: Flags | None = None

    def at(self, flags: Flags) -> Pass:
        before = flags if self.asked is None else self.asked
        self.asked = tuple(Flag(one.needs or other.needs, one.each or other.each) for one, other in zip(before, flags))
        return self._at(flags)


@lru_cache(maxsize=4096)
def backward_of(instance: Instance, wanted: frozenset[str], examples: frozenset[str] | None = None) -> Adjoint:
    """The backward pass of a layer for some of its tensors, where examples have these of the inputs each to itself; derived once."""
    return adjoint_of(instance, wanted, examples)


def wanted_of(instance: Instance, needs: Iterable[bool]) -> frozenset[str]:
    """The learned tensors, and the inputs that need a gradient."""
    inputs = {name for name, asked in zip(instance.layer.input_names, needs) if asked}
    return frozenset(inputs | {name for name, role in instance.roles.items() if role == "weight"})


def examples_of(instance: Instance, each: Iterable[bool]) -> frozenset[str]:
    """The inputs that every example has its own of; those of which nothing is said are of that kind."""
    names = instance.layer.input_names
    return frozenset(names) - {name for name, own in zip(names, each) if not own}


def backward_work(found: Adjoint, number: Expr) -> Work:
    """The work of the backward pass for so many examples."""
    return work(lines_of_examples(found, number))


class TrainingCarrier(TotalCarrier[Training]):
    """Adds the work of both passes for so many examples over the nodes of a network."""

    opaque = "lower"

    def __init__(self, recompute: str, number: Expr):
        if recompute not in RECOMPUTE:
            raise FieldError(f"recompute is one of {', '.join(RECOMPUTE)}, got {shown(recompute)}")
        self.recompute, self.number = recompute, number
        self.joints: dict[int, tuple[Site, Training]] = {}

    def leaf(self, site: Site, port: int) -> Training:
        instance = site.instance
        assert instance is not None
        if not instance.outputs:  # nothing reads it, so that it computes nothing and learns nothing
            return Training(lambda flags: Pass(Work(), Work(), Flag()), None)

        def at(flags: Flags) -> Pass:
            examples = examples_of(instance, (flag.each for flag in flags))
            forward = work_of_examples(instance, examples, self.number)
            if instance.layer.opaque:
                return Pass(forward, forward, Flag(asks(flags), bool(examples)))
            found = backward_of(instance, wanted_of(instance, (flag.needs for flag in flags)), examples)
            each = of_examples(instance, examples)
            learns = bool(found.gradients)
            leaving = tuple((name, Flag(learns and name in found.seeds, name in each)) for name in instance.outputs)
            flag = Flag(bool(found.seeds), any(one.each for _, one in leaving))
            several = leaving if len(leaving) > 1 else ()
            if not learns:
                return Pass(forward, forward, flag, several=several)
            again = work_again(found, self.number) if self.recompute == "selective" else Work()
            both = Work.total([forward, backward_work(found, self.number)])
            return Pass(both, forward, flag, again, several)

        shapes = {name: instance.shapes[name] for name in instance.outputs}
        made = Training(at, shapes[instance.outputs[0]], shapes=shapes if len(shapes) > 1 else None)
        made.entering, made.takes = (site.inputs[0].shape if site.inputs else None), bool(site.inputs)
        return made

    def source(self, site: Site) -> Training:
        return self.leaf(site, 0)

    def series(self, values: Sequence[Training]) -> Training:
        def at(flags: Flags) -> Pass:
            made = []
            for value in values:
                made.append(value.at(flags))
                flags = made[-1].leaving
            left = flags[0] if len(flags) == 1 else Flag(asks(flags), any(flag.each for flag in flags))
            return _together(made, left, several=made[-1].several if made else ())

        shape = next((value.shape for value in reversed(values) if value.shape is not None), None)
        made = Training(at, shape, any(value.blocks for value in values), values[-1].shapes if values else None)
        return _entered(made, values[:1])

    def joint(self, site: Site) -> Training:
        """What the joining itself costs, forward, and backward by the adjoint of its equation; one value for each place."""
        if id(site) not in self.joints:
            self.joints[id(site)] = site, self._joint(site)
        return self.joints[id(site)][1]

    def _joint(self, site: Site) -> Training:
        count, points = len(site.inputs), Mul(*site.output.shape)
        multiplies, adds = site.join.work(count)
        names = [f"x{place + 1}" for place in range(count)]

        def at(flags: Flags) -> Pass:
            asked = frozenset(name for name, flag in zip(names, flags) if flag.needs)
            examples = frozenset(name for name, flag in zip(names, flags) if flag.each)
            all_points = points * self._number(bool(examples))
            forward = Work(multiplies=multiplies * all_points, adds=adds * all_points)
            back = backward_work(backward_of(joined_instance(site), asked, examples), self.number) if asked else Work()
            return Pass(Work.total([forward, back]), forward, Flag(bool(asked), bool(examples)))

        return Training(at, site.output.shape)

    def join(self, site: Site, values: Sequence[Training]) -> Training:
        joining = self.joint(site)
        taking = [(value, flow) for value, flow in zip(values, site.inputs) if value.takes]
        entering: Any = next((value.entering for value, _ in taking if value.entering is not None), None)
        if taking and entering is None:
            entering = taking[0][1].shape  # what arrives goes on as it is

        def at(flags: Flags) -> Pass:
            made = [value.at(flags) for value in values]
            joined = joining.at(tuple(one.flag for one in made))
            added = self._fan_out(entering, len(taking), flags) if taking else []
            return _together([*made, joined], joined.flag, added)

        made = Training(at, site.output.shape, any(value.blocks for value in values))
        made.entering, made.takes = entering, bool(taking)
        return made

    def _number(self, each: bool) -> Expr:
        """How many there are of what every example has or all examples share."""
        return self.number if each else Integer(1)

    def _fan_out(self, shape: Sequence[Expr], readers: int, flags: Iterable[Flag]) -> list[Work]:
        """The gradients that come from several readers are added."""
        flags = tuple(flags)
        if readers < 2 or not asks(flags):
            return []
        return [Work(adds=(readers - 1) * Mul(*shape, self._number(any(flag.each for flag in flags))))]

    def graph(self, steps: Sequence[GraphStep[Training]], sink: Any) -> Training:
        steps = on_the_way(steps, sink)
        by_name = {step.name: step for step in steps}
        ends = tuple(sink) if isinstance(sink, Ends) else (sink,)

        taking = [step.values[0] for step in steps if step.join is None and not step.sources and step.values[0].takes]
        entering = next((value.entering for value in taking if value.entering is not None), None)

        def shape_of(source: Any) -> Shape | None:
            step = by_name[node_of(by_name, source)]
            if step.join is not None:
                return step.join.output.shape
            value = step.values[0]
            return value.shapes[source[1]] if value.shapes and source not in by_name else value.shape

        def at(flags: Flags) -> Pass:
            arrived: dict[Any, Pass] = {}
            added: list[Work] = []

            def through(source: Any) -> Flag:
                return arrived[node_of(by_name, source)].through(source, by_name)

            for step in steps:
                incoming = tuple(map(through, step.sources)) or flags
                value = self.joint(step.join) if step.join is not None else step.values[0]
                arrived[step.name] = value.at(incoming)
            for source, count in Counter([*(source for step in steps for source in step.sources), *ends]).items():
                if (shape := shape_of(source)) is not None:
                    added += self._fan_out(shape, count, [through(source)])
            if entering is not None:
                added += self._fan_out(entering, len(taking), flags)
            leaving = (
                tuple((name, through(end)) for name, end in zip(sink.names, ends)) if isinstance(sink, Ends) else ()
            )
            left = [through(end) for end in ends]
            flag = Flag(asks(left), any(one.each for one in left))
            return _together(list(arrived.values()), flag, added, leaving)

        shapes = {name: shape_of(end) for name, end in zip(sink.names, ends)} if isinstance(sink, Ends) else None
        made = Training(at, shape_of(ends[0]), any(value.blocks for step in steps for value in step.values), shapes)
        return _entered(made, taking)

    def copies(self, values: Sequence[Training]) -> Training:
        """Copies whose shapes differ: computed again as those of one shape are."""
        chain = self.series(values)
        if self.recompute != "block":
            return chain

        def at(flags: Flags) -> Pass:
            made = chain.at(flags)
            return replace(made, again=made.forward)

        return _entered(Training(at, chain.shape, True), values[:1])

    def least_copies(self, value: Training) -> int:
        asked, other = value.at((Flag(True),)), value.at((Flag(False),))
        return 0 if asked.flag.needs and asked == other else 1

    def repeat(self, value: Training, times: Expr, index: Symbol | None) -> Training:
        def total(made: Work) -> Work:
            return _each(made, lambda part: repeated(part, times, index))

        def first(made: Work) -> Work:
            return _each(made, lambda part: part if index is None else part.xreplace({index: Integer(0)}))

        def over_copies(start: Work, later: Work) -> Work:
            if start == later:
                return total(later)
            return Work.total([total(later), first(start), _each(first(later), lambda part: -part)])

        def at(flags: Flags) -> Pass:
            start = value.at(flags)
            later = value.at(start.leaving)
            forward = over_copies(start.forward, later.forward)
            again = forward if self.recompute == "block" else over_copies(start.again, later.again)
            return Pass(over_copies(start.work, later.work), forward, later.flag, again, later.several)

        last = {} if index is None else {index: times - 1}
        shape = value.shape and tuple(size.xreplace(last) for size in value.shape)
        made = _entered(Training(at, shape, True), [value])
        if index is not None and made.entering is not None:
            made.entering = tuple(size.xreplace({index: Integer(0)}) for size in made.entering)
        return made


def _entered(made: Training, parts: Sequence[Training]) -> Training:
    """A part that what arrives enters through some of its own."""
    if parts:
        made.takes = any(part.takes for part in parts)
        made.entering = next((part.entering for part in parts if part.takes and part.entering is not None), None)
    return made


def node_of(nodes: Container[Any], source: Any) -> Any:
    """The node of an end: it, or a pair of it and one of its outputs."""
    return source if source in nodes else source[0]


def on_the_way(steps: Sequence[GraphStep[T]], sink: Any) -> list[GraphStep[T]]:
    """The steps on which the ends of a graph depend."""
    names = {step.name for step in steps}
    needed = {node_of(names, end) for end in (sink if isinstance(sink, Ends) else (sink,))}
    for step in reversed(steps):
        if step.name in needed:
            needed.update(node_of(names, source) for source in step.sources)
    return [step for step in steps if step.name in needed]


def _together(
    parts: Sequence[Pass], flag: Flag, added: Sequence[Work] = (), several: tuple[tuple[str, Flag], ...] = ()
) -> Pass:
    """Parts of a network as one, with what is `added` where they meet."""
    return Pass(
        Work.total([*(part.work for part in parts), *added]), Work.total(part.forward for part in parts), flag,
        Work.total(part.again for part in parts), several,
    )  # fmt: skip


def _each(made: Work, change: Callable[[Expr], Expr]) -> Work:
    return Work(*map(change, (made.macs, made.multiplies, made.adds, made.other)))


def total_work(evaluation: Evaluation[Training], recompute: str) -> Work:
    """The work of a step, whose data need no gradient."""
    flags = (Flag(),) * max(1, len(evaluation.inputs))
    made = evaluation.value.at(flags)
    if recompute == "block" and not evaluation.value.blocks:
        return Work.total([made.work, made.forward])
    return made.total
