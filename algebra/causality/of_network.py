"""The step of a network: every layer gives way to its own step, and what puts layers together stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import Expr, Integer, Symbol

from ..errors import LayerAlgebraError, UnsupportedError
from ..networks.carrier import ShapeCarrier
from ..networks.evaluator import evaluate_step
from ..networks.graph import End
from ..networks.layer import Layer
from ..networks.network import Graph, Input, Join, Network, Repeat, Selected, Series, Shared, Walk
from ..networks.steps import Steps
from ..records import dataclass
from ..sizes.normal_form import simplify
from .step_layer import step_of

Shape = tuple[Expr, ...]


@dataclass(frozen=True)
class Timed:
    """What stands somewhere in a network: its shape, its axis of time (None for what is the same at all times), its layout."""

    shape: Shape
    axis: int | None
    channels: str | None = None


Made = tuple[Network, Any]
"""The step of a part, and the `Timed` that leaves the part; a tuple of them where it has several outputs."""


def each(leaving: Any) -> tuple[Any, ...]:
    """What leaves a part, output by output."""
    return leaving if isinstance(leaving, tuple) else (leaving,)


class StepWalk(Walk[Made]):
    """Makes the step of every part; `tokens` counts those that the network has met, the present one included.

    `shown` are the outputs of a part that are read, where it has several; its step makes these.
    """

    def __init__(self, axis: int, tokens: Expr, keep: Any):
        self.axis, self.tokens, self.keep = axis, tokens, keep

    def input(self, node: Input, given: tuple[Timed, ...]) -> Made:
        at = place(self.axis, len(node.shape))
        shape = tuple(node.shape)
        return Input(*(Integer(1) if n == at else size for n, size in enumerate(shape))), Timed(shape, at)

    def layer(self, node: Layer, given: tuple[Timed, ...], shown: tuple[str, ...] = ()) -> Made:
        given = given if node.input_names else ()
        names = shown or node.output_names
        shapes = tuple(one.shape for one in given)
        instance = node.instance(*shapes)
        axes = tuple(one.axis for one in given)
        before = given[0].channels if given else None
        step, along = (
            (node, (None,) * len(names))
            if all(axis is None for axis in axes)
            else step_of(node, shapes, axes, self.tokens, self.keep, names)
        )
        leaving = tuple(
            Timed(tuple(instance.shapes[name]), at, node.layout_of(name) or before) for name, at in zip(names, along)
        )
        if step is not node and names == node.output_names and self.is_its_own(node, shapes, axes, leaving):
            step = node
        if step is node and names != node.output_names:
            return Selected(node, *names), leaving if len(names) > 1 else leaving[0]
        return step, leaving if len(names) > 1 else leaving[0]

    def is_its_own(
        self, node: Layer, shapes: Sequence[Shape], axes: Sequence[int | None], leaving: Sequence[Timed]
    ) -> bool:
        """Whether a layer does the same at every place by itself, so that it is its own step."""
        size = Symbol("any size", integer=True, positive=True)
        names = node.output_names
        try:
            moved = tuple(_sized(shape, at, size) for shape, at in zip(shapes, axes))
            step, along = step_of(node, moved, tuple(axes), self.tokens, self.keep, names)
            alone = node.instance(*(_sized(shape, at, Integer(1)) for shape, at in zip(shapes, axes)))
            if alone.weights() != node.instance(*shapes).weights():
                return False
        except LayerAlgebraError:
            return False
        if along != tuple(one.axis for one in leaving) or step.kept_tensors:  # type: ignore[attr-defined]
            return False
        if step.free_symbols & {size, *self.tokens.free_symbols}:
            return False
        fits = all(
            tuple(map(simplify, alone.shapes[name])) == tuple(map(simplify, _sized(one.shape, one.axis, Integer(1))))
            for name, one in zip(names, leaving)
        )
        return fits and (isinstance(self.tokens, Symbol) or self._with_symbol(node, moved, axes, size))

    def _with_symbol(self, node: Layer, shapes: Any, axes: Any, size: Symbol) -> bool:
        tokens = Symbol("any number", integer=True, positive=True)
        step, _ = step_of(node, shapes, tuple(axes), tokens, self.keep, node.output_names)
        return not (step.kept_tensors or step.free_symbols & {size, tokens})  # type: ignore[attr-defined]

    def select(self, node: Selected, given: tuple[Timed, ...]) -> Steps[Made]:
        return (yield from self._shown(node.body, given, node.names))

    def _shown(self, part: Network, given: tuple[Timed, ...], names: tuple[str, ...]) -> Steps[Made]:
        """The step of a part of several outputs, with some of them."""
        if isinstance(part, Selected):
            part = part.body
        if isinstance(part, Repeat):  # all that a copy makes enters the next one
            made, leaving = yield part.accept(self, given)
            chosen = tuple(leaving[part.several.index(name)] for name in names)
            return Selected(made, *names), chosen if len(names) > 1 else chosen[0]
        return (yield part.accept(self, given, names))

    def series(self, node: Series, given: tuple[Timed, ...], shown: tuple[str, ...] = ()) -> Steps[Made]:
        parts: list[Network] = []
        leaving: Any = given
        for place_of_part, part in enumerate(node.parts):
            if shown and place_of_part == len(node.parts) - 1:
                made, leaving = yield from self._shown(part, each(leaving), shown)
            else:
                made, leaving = yield part.accept(self, each(leaving))
            parts.append(made)
        return Series(*parts), leaving

    def shared(self, node: Shared, given: tuple[Timed, ...], shown: tuple[str, ...] = ()) -> Steps[Made]:
        if shown:
            made, leaving = yield from self._shown(node.body, given, shown)
        else:
            made, leaving = yield node.body.accept(self, given)
        return Shared(made, node.name), leaving

    def repeat(self, node: Repeat, given: tuple[Timed, ...]) -> Steps[Made]:
        made, leaving = yield node.body.accept(self, given)
        if len(each(leaving)) == len(given) and all(
            tuple(map(simplify, after.shape)) == tuple(map(simplify, before.shape)) and after.axis == before.axis
            for after, before in zip(each(leaving), given)
        ):
            return Repeat(made, node.times, node.index), leaving
        if not node.times.is_Integer or node.times > 1_000:
            raise UnsupportedError(
                f"{node} changes its sizes from copy to copy; give its number of copies, so that the step has each by itself"
            )
        parts: list[Network] = []
        leaving = given
        for number in range(int(node.times)):
            made, leaving = yield node.copy(number).accept(self, each(leaving))
            parts.append(made)
        return Series(*parts), leaving if node.several else each(leaving)[0]

    def join(self, node: Join, given: tuple[Timed, ...]) -> Steps[Made]:
        made: list[Network] = []
        leaving: list[Timed] = []
        for branch in node.branches:
            part, after = yield branch.accept(self, given)
            made.append(part)
            leaving.append(after)
        flows = leaving or list(given)
        axes = {flow.axis for flow in flows}
        if len(axes) != 1:
            sized = [flow for flow in flows if flow.axis is None]
            known = next(axis for axis in axes if axis is not None)
            if len(axes) > 2 or any(len(flow.shape) <= known or flow.shape[known] != 1 for flow in sized):
                raise UnsupportedError(f"{node}: what is joined has its axis of time in different places, or has none")
            axes = {known}
        axis = axes.pop()
        channels = next((flow.channels for flow in flows if flow.channels), None)
        along = node.stacked_axis(len(flows[0].shape), channels)
        if axis is not None and along is not None and along % len(flows[0].shape) == axis:
            raise UnsupportedError(
                f"{node} puts branches one after the other along the axis of time, which has no step"
            )
        if along is None:
            shape = tuple(
                next((size for size in sizes if size != 1), sizes[0]) for sizes in zip(*(flow.shape for flow in flows))
            )
        else:
            shape = (
                evaluate_step(node.without_branches(), [flow.shape for flow in flows], ShapeCarrier())[0]
                if channels is None
                else tuple(
                    simplify(sum(column, Integer(0))) if n == along % len(column) or n == along else column[0]
                    for n, column in enumerate(zip(*(flow.shape for flow in flows)))
                )
            )
        rebuilt = node.func(*made, *node.args[len(made) :]) if node.branches else node
        return rebuilt, Timed(shape, axis, channels)

    def graph(self, node: Graph, given: tuple[Timed, ...], shown: tuple[str, ...] = ()) -> Steps[Made]:
        nodes, before = node.nodes, node.sources()
        needed = node.needed(shown or node.several)
        made: dict[str, Network] = {}
        known: dict[End, Timed] = {}
        ends: dict[End, End] = {}
        for name in node.order():
            if name not in needed:
                continue
            arriving: tuple[Timed, ...] = tuple(known[_end(*source)] for source in before[name])
            if not before[name] and not nodes[name].has_input:
                arriving = given
            ports = needed[name]
            if ports and ports != nodes[name].several:
                made[name], leaving = yield from self._shown(nodes[name], arriving, ports)
            else:
                made[name], leaving = yield nodes[name].accept(self, arriving)
            for port, one in zip(ports or (None,), each(leaving)):
                end: End = name if port is None else (name, port)
                known[end], ends[end] = one, name if len(ports) == 1 else end
        edges = [
            (ends.get(source, source), target) for source, target in node.edges
            if target in needed and (source if isinstance(source, str) else source[0]) in needed
        ]  # fmt: skip
        wanted = shown or node.several
        found = {
            one.name: (one.node, one.port) if one.port else one.node
            for one in node.outputs if one.name in wanted or not wanted
        }  # fmt: skip
        named = {name: ends.get(found[name], found[name]) for name in (wanted or found)}
        leaves = tuple(known[found[name]] for name in named)
        if node.several:
            return Graph({name: made[name] for name in nodes if name in made}, edges, outputs=named), leaves if len(
                named
            ) > 1 else leaves[0]
        return Graph({name: made[name] for name in nodes if name in made}, edges), leaves[0]


def _end(node: str, port: str | None) -> End:
    return node if port is None else (node, port)


def _sized(shape: Shape, axis: int | None, size: Expr) -> Shape:
    return tuple(size if n == axis else own for n, own in enumerate(shape))


def place(axis: int, rank: int) -> int:
    """The number of an axis, counted from the front."""
    if not -rank <= axis < rank:
        raise UnsupportedError(f"there is no axis {axis} among the {rank} of what enters")
    return axis % rank
