"""Work of the forward and the backward pass together: how it composes over a network.

Whether a part needs the gradient of what enters it is known only where it stands: nothing asks for the gradient of the data, so that the value of
a part is a function of that. Of a repetition whose input needs none, the first copy differs from the others if it learns something.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, TypeVar

from sympy import Expr, Integer, Mul, Symbol

from ..arguments import shown
from ..derivations.metric import repeated
from ..equations.heads import Head, Plus, Reduce, Times, address_indices, is_constant
from ..equations.instance import Instance, Shape
from ..equations.work import Work, work
from ..errors import FieldError
from ..networks.carrier import Ends, Evaluation, GraphStep, Site, TotalCarrier
from .adjoint import Adjoint, adjoint_of
from .examples import over_examples
from .joined import joined_instance
from .recomputation import work_again

RECOMPUTE = ("none", "selective", "block")
T = TypeVar("T")
Flags = tuple[bool, ...]
"""For every input whether its gradient is asked for."""


@dataclass(frozen=True)
class Pass:
    """What one part costs: forward and backward together, forward alone, what is computed again; and whether a gradient goes through it."""

    work: Work
    forward: Work
    needs: bool
    again: Work = Work()
    several: tuple[tuple[str, bool], ...] = ()
    """Of a part with several outputs: whether a gradient goes through each."""

    @property
    def leaving(self) -> Flags:
        """For every input of the next part in a series whether it needs a gradient."""
        return tuple(needs for _, needs in self.several) or (self.needs,)

    def through(self, source: Any, nodes: Iterable[Any]) -> bool:
        """Whether a gradient goes through what an arrow of a graph brings."""
        return dict(self.several)[source[1]] if self.several and source not in nodes else self.needs

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
        self.asked = flags if self.asked is None else tuple(one or other for one, other in zip(self.asked, flags))
        return self._at(flags)


@lru_cache(maxsize=4096)
def backward_of(instance: Instance, wanted: frozenset[str]) -> Adjoint:
    """The backward pass of a layer for some of its tensors, derived once."""
    return adjoint_of(instance, wanted)


def wanted_of(instance: Instance, flags: Flags) -> frozenset[str]:
    """The learned tensors, and the inputs that need a gradient."""
    inputs = {name for name, needs in zip(instance.layer.input_names, flags) if needs}
    return frozenset(inputs | {name for name, role in instance.roles.items() if role == "weight"})


def backward_work(found: Adjoint) -> Work:
    """The work of the backward pass for one example of many: the gradients of what is learned are added over the examples.

    So an outer product that is the gradient of a matrix is a contraction, over the examples; of a sum that is there already the examples
    are one index more, and of what adds several of them, once a step, an example has no part.
    """
    parts = [work(found.instance)]
    for place, (statement, summed) in enumerate(zip(found.program.statements, over_examples(found.program))):
        if not summed:
            continue
        extents = found.instance.extents[place]
        letters = frozenset().union(*map(address_indices, statement.address))
        points = Mul(*(extents[index] for index in sorted(letters, key=str)))
        terms = len(statement.value.terms) if isinstance(statement.value, Plus) else 1
        plain = [term for term in summed if not (isinstance(term, Reduce) and term.operation == "sum")]
        parts.append(Work(macs=sum(map(_is_product, plain)) * points, adds=(1 + len(plain) - terms) * points))
    return Work.total(parts)


def _is_product(head: Head) -> bool:
    return isinstance(head, Times) and sum(not is_constant(factor) for factor in head.factors) >= 2


class TrainingCarrier(TotalCarrier[Training]):
    """Adds the work of both passes over the nodes of a network."""

    opaque = "lower"

    def __init__(self, recompute: str):
        if recompute not in RECOMPUTE:
            raise FieldError(f"recompute is one of {', '.join(RECOMPUTE)}, got {shown(recompute)}")
        self.recompute = recompute
        self.joints: dict[int, tuple[Site, Training]] = {}

    def leaf(self, site: Site, port: int) -> Training:
        instance = site.instance
        assert instance is not None
        if not instance.outputs:  # nothing reads it, so that it computes nothing and learns nothing
            return Training(lambda flags: Pass(Work(), Work(), False), None)
        forward = work(instance)

        def at(flags: Flags) -> Pass:
            if instance.layer.opaque:
                return Pass(forward, forward, any(flags))
            found = backward_of(instance, wanted_of(instance, flags))
            if not found.gradients:
                none = tuple((name, False) for name in instance.outputs) if len(instance.outputs) > 1 else ()
                return Pass(forward, forward, bool(found.seeds), several=none)
            again = work_again(found) if self.recompute == "selective" else Work()
            several = tuple((name, name in found.seeds) for name in instance.outputs)
            return Pass(
                Work.total([forward, backward_work(found)]), forward, bool(found.seeds), again,
                several if len(several) > 1 else (),
            )  # fmt: skip

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
            return _together(made, any(flags), several=made[-1].several if made else ())

        shape = next((value.shape for value in reversed(values) if value.shape is not None), None)
        made = Training(at, shape, any(value.blocks for value in values), values[-1].shapes if values else None)
        return _entered(made, values[:1])

    def joint(self, site: Site) -> Training:
        """What the joining itself costs, forward, and backward by the adjoint of its equation; one value for each place."""
        if id(site) not in self.joints:
            self.joints[id(site)] = site, self._joint(site)
        return self.joints[id(site)][1]

    @staticmethod
    def _joint(site: Site) -> Training:
        count, points = len(site.inputs), Mul(*site.output.shape)
        multiplies, adds = site.join.work(count)
        forward = Work(multiplies=multiplies * points, adds=adds * points)
        names = [f"x{place + 1}" for place in range(count)]

        def at(flags: Flags) -> Pass:
            asked = frozenset(name for name, needs in zip(names, flags) if needs)
            back = backward_work(backward_of(joined_instance(site), asked)) if asked else Work()
            return Pass(Work.total([forward, back]), forward, bool(asked))

        return Training(at, site.output.shape)

    def join(self, site: Site, values: Sequence[Training]) -> Training:
        joining = self.joint(site)
        taking = [(value, flow) for value, flow in zip(values, site.inputs) if value.takes]
        entering: Any = next((value.entering for value, _ in taking if value.entering is not None), None)
        if taking and entering is None:
            entering = taking[0][1].shape  # what arrives goes on as it is

        def at(flags: Flags) -> Pass:
            made = [value.at(flags) for value in values]
            joined = joining.at(tuple(one.needs for one in made))
            added = self._fan_out(entering, len(taking)) if any(flags) and taking else []
            return _together([*made, joined], joined.needs, added)

        made = Training(at, site.output.shape, any(value.blocks for value in values))
        made.entering, made.takes = entering, bool(taking)
        return made

    @staticmethod
    def _fan_out(shape: Sequence[Expr], readers: int) -> list[Work]:
        """The gradients that come from several readers are added."""
        return [Work(adds=(readers - 1) * Mul(*shape))] if readers > 1 else []

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

            def through(source: Any) -> bool:
                return arrived[node_of(by_name, source)].through(source, by_name)

            for step in steps:
                incoming = tuple(map(through, step.sources)) or flags
                value = self.joint(step.join) if step.join is not None else step.values[0]
                arrived[step.name] = value.at(incoming)
            for source, count in Counter([*(source for step in steps for source in step.sources), *ends]).items():
                if through(source) and (shape := shape_of(source)) is not None:
                    added += self._fan_out(shape, count)
            if any(flags) and entering is not None:
                added += self._fan_out(entering, len(taking))
            leaving = (
                tuple((name, through(end)) for name, end in zip(sink.names, ends)) if isinstance(sink, Ends) else ()
            )
            return _together(list(arrived.values()), any(map(through, ends)), added, leaving)

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
        return 0 if value.at((True,)).needs and value.at((False,)) == value.at((True,)) else 1

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
            later = value.at(flags if any(flags) else (value.at(flags).needs,))
            start, forward = value.at(flags), total(later.forward)
            again = forward if self.recompute == "block" else over_copies(start.again, later.again)
            return Pass(over_copies(start.work, later.work), forward, later.needs, again)

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
    parts: Sequence[Pass], needs: bool, added: Sequence[Work] = (), several: tuple[tuple[str, bool], ...] = ()
) -> Pass:
    """Parts of a network as one, with what is `added` where they meet."""
    return Pass(
        Work.total([*(part.work for part in parts), *added]), Work.total(part.forward for part in parts), needs,
        Work.total(part.again for part in parts), several,
    )  # fmt: skip


def _each(made: Work, change: Callable[[Expr], Expr]) -> Work:
    return Work(*map(change, (made.macs, made.multiplies, made.adds, made.other)))


def total_work(evaluation: Evaluation[Training], recompute: str) -> Work:
    """The work of a step for one example, whose data need no gradient."""
    flags = (False,) * max(1, len(evaluation.inputs))
    made = evaluation.value.at(flags)
    if recompute == "block" and not evaluation.value.blocks:
        return Work.total([made.work, made.forward])
    return made.total
