"""The step of a network: every layer gives way to its own step, and what puts layers together stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Expr, Integer, Symbol

from ..errors import LayerAlgebraError, UnsupportedError
from ..networks.carrier import ShapeCarrier
from ..networks.evaluator import evaluate_step
from ..networks.layer import Layer
from ..networks.network import Graph, Input, Join, Network, Repeat, Series, Shared, Walk
from ..networks.steps import Steps
from ..sizes.normal_form import simplify
from .step_layer import step_of

Shape = tuple[Expr, ...]


@dataclass(frozen=True)
class Timed:
    """What stands somewhere in a network: its shape, its axis of time (None for what is the same at all times), its layout."""

    shape: Shape
    axis: int | None
    channels: str | None = None


Made = tuple[Network, Timed]


class StepWalk(Walk[Made]):
    """Makes the step of every part; `tokens` counts those that the network has met, the present one included."""

    def __init__(self, axis: int, tokens: Expr, keep: Any):
        self.axis, self.tokens, self.keep = axis, tokens, keep

    def input(self, node: Input, given: tuple[Timed, ...]) -> Made:
        at = place(self.axis, len(node.shape))
        shape = tuple(node.shape)
        return Input(*(Integer(1) if n == at else size for n, size in enumerate(shape))), Timed(shape, at)

    def layer(self, node: Layer, given: tuple[Timed, ...]) -> Made:
        given = given if node.input_names else ()
        channels = node.layout[1] or (given[0].channels if given else None)
        shapes = tuple(one.shape for one in given)
        output = tuple(node.instance(*shapes).output)
        axes = tuple(one.axis for one in given)
        if all(axis is None for axis in axes):
            return node, Timed(output, None, channels)
        step, axis, _ = step_of(node, shapes, axes, self.tokens, self.keep)
        if self.is_its_own(node, shapes, axes, axis, output):
            step = node
        return step, Timed(output, axis, channels)

    def is_its_own(
        self, node: Layer, shapes: Sequence[Shape], axes: Sequence[int | None], axis: int, output: Shape
    ) -> bool:
        """Whether a layer does the same at every place by itself, so that it is its own step."""
        size = Symbol("any size", integer=True, positive=True)
        try:
            moved = tuple(_sized(shape, at, size) for shape, at in zip(shapes, axes))
            step, at, settled = step_of(node, moved, tuple(axes), self.tokens, self.keep)
            alone = node.instance(*(_sized(shape, at, Integer(1)) for shape, at in zip(shapes, axes)))
            if alone.weights() != node.instance(*shapes).weights():
                return False
        except LayerAlgebraError:
            return False
        if at != axis or step.kept_tensors or step.free_symbols & {size, *self.tokens.free_symbols}:  # type: ignore[attr-defined]
            return False
        if not isinstance(self.tokens, Symbol):
            return self._with_symbol(node, moved, axes, size) and tuple(alone.output) == _sized(
                output, axis, Integer(1)
            )
        return tuple(map(simplify, alone.output)) == tuple(map(simplify, _sized(output, axis, Integer(1))))

    def _with_symbol(self, node: Layer, shapes: Any, axes: Any, size: Symbol) -> bool:
        tokens = Symbol("any number", integer=True, positive=True)
        step, _, _ = step_of(node, shapes, tuple(axes), tokens, self.keep)
        return not (step.kept_tensors or step.free_symbols & {size, tokens})  # type: ignore[attr-defined]

    def series(self, node: Series, given: tuple[Timed, ...]) -> Steps[Made]:
        parts: list[Network] = []
        for part in node.parts:
            made, leaving = yield part.accept(self, given)
            parts.append(made)
            given = (leaving,)
        return Series(*parts), given[0]

    def shared(self, node: Shared, given: tuple[Timed, ...]) -> Steps[Made]:
        made, leaving = yield node.body.accept(self, given)
        return Shared(made, node.name), leaving

    def repeat(self, node: Repeat, given: tuple[Timed, ...]) -> Steps[Made]:
        made, leaving = yield node.body.accept(self, given)
        (entering,) = given
        if (
            tuple(map(simplify, leaving.shape)) == tuple(map(simplify, entering.shape))
            and leaving.axis == entering.axis
        ):
            return Repeat(made, node.times, node.index), leaving
        if not node.times.is_Integer or node.times > 1_000:
            raise UnsupportedError(
                f"{node} changes its sizes from copy to copy; give its number of copies, so that the step has each by itself"
            )
        parts: list[Network] = []
        for number in range(int(node.times)):
            made, leaving = yield node.copy(number).accept(self, given)
            parts.append(made)
            given = (leaving,)
        return Series(*parts), given[0]

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

    def graph(self, node: Graph, given: tuple[Timed, ...]) -> Steps[Made]:
        nodes, before = node.nodes, node.predecessors()
        made: dict[str, Network] = {}
        known: dict[str, Timed] = {}
        for name in node.order():
            arriving = (
                tuple(known[source] for source in before[name])
                if before[name]
                else ()
                if nodes[name].has_input
                else given
            )
            made[name], known[name] = yield nodes[name].accept(self, arriving)
        return Graph({name: made[name] for name in nodes}, node.edges), known[node.sink]


def _sized(shape: Shape, axis: int | None, size: Expr) -> Shape:
    return tuple(size if n == axis else own for n, own in enumerate(shape))


def place(axis: int, rank: int) -> int:
    """The number of an axis, counted from the front."""
    if not -rank <= axis < rank:
        raise UnsupportedError(f"there is no axis {axis} among the {rank} of what enters")
    return axis % rank
