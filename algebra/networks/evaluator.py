"""The one evaluator: it walks a network once, carries shapes along, and folds a carrier's values over the composition."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Generic

from sympy import Eq, Expr, Ge, Integer, Symbol, false, true

from ..equations.instance import instantiate
from ..errors import GraphError, LayerAlgebraError, ShapeError, UnsupportedError
from ..formulas.conditions import Condition
from ..sizes.decisions import size_conditions
from ..sizes.dims import are_sizes
from ..sizes.normal_form import same, simplify
from .carrier import (
    Carrier,
    DomainCondition,
    Evaluation,
    Flow,
    GraphStep,
    Loop,
    PathCarrier,
    Ports,
    ShapeCarrier,
    Site,
    T,
    Term,
    TotalCarrier,
)
from .layer import Layer
from .network import DEEPEST_NESTING, Graph, Input, Join, Network, Repeat, Series, Shared, Walk, as_network
from .repetition import Copies


class _Walk(Walk[tuple[Flow, T]], Generic[T]):
    def __init__(self, carrier: Carrier[T]):
        self.carrier = carrier
        self.terms: list[Term[T]] = []
        self.domain: list[DomainCondition] = []
        self.known: set[tuple[Condition, tuple[Loop, ...]]] = set()
        self.loops: tuple[Loop, ...] = ()
        self.layout: str | None = None
        self.inputs: list[Flow] = []
        self.depth = 0

    # nodes -----------------------------------------------------------------------------------------------------------

    def visit(self, node: Network, flows: tuple[Flow, ...], path: str) -> tuple[Flow, T]:
        if self.depth > DEEPEST_NESTING:
            raise GraphError(f"networks are nested deeper than {DEEPEST_NESTING}; write a longer Series instead")
        self.depth += 1
        try:
            made: tuple[Flow, T] = node.accept(self, flows, path)
            return made
        finally:
            self.depth -= 1

    def otherwise(self, node: Network, *carried: Any, **named: Any) -> tuple[Flow, T]:
        raise UnsupportedError(f"{type(node).__name__} is neither a layer nor a composition known to the evaluator")

    def input(self, node: Input, flows: tuple[Flow, ...], path: str) -> tuple[Flow, T]:
        if flows:
            raise GraphError(f"Input{node.shape} stands where {flows[0].shape} arrives; leave out the Input, or `on`")
        flow = Flow(node.shape)
        self.entered(flow, path)
        return flow, self.carrier.series([])

    def layer(self, node: Layer, flows: tuple[Flow, ...], path: str) -> tuple[Flow, T]:
        if not node.input_names:
            flows = ()
        elif not flows:
            raise ShapeError(
                f"{node} has no input; begin the network with Input(...), or pass on=(...), as in on=(3, 224, 224)"
            )
        try:
            instance = instantiate(node, *(flow.shape for flow in flows))
        except LayerAlgebraError as error:
            if path and isinstance(error, ShapeError):
                raise ShapeError(f"at {path}: {error}") from None
            raise
        takes, makes = node.layout
        if self.layout is None and takes is not None:
            self.layout = takes
        output = Flow(instance.output, makes or (flows[0].channels if flows else None))
        for condition in instance.conditions:
            self.require(condition, path)
        site = Site(path, node, flows, output, instance, self.loops)
        values = [self.carrier.leaf(site, port) for port in range(len(flows))] or [self.carrier.source(site)]
        self.terms.append(Term(site, values[0]))
        if len(values) > 1:
            return output, Ports(values)  # type: ignore[return-value]
        return output, values[0]

    def series(self, node: Series, flows: tuple[Flow, ...], path: str) -> tuple[Flow, T]:
        values: list[T] = []
        for place, part in enumerate(node.parts):
            flow, value = self.visit(part, flows, _under(path, place))
            flows = (flow,)
            values.append(self._single(value, part))
        return flows[0], self.carrier.series(values)

    def _single(self, value: T, node: Network) -> T:
        if isinstance(value, Ports):
            if isinstance(self.carrier, PathCarrier):
                return self.carrier.fuse(value.values)
            return value.values[0]
        return value

    def join(self, node: Join, flows: tuple[Flow, ...], path: str) -> tuple[Flow, T]:
        if not node.branches:
            raise GraphError(
                f"{type(node).__name__}() without branches joins the arrows of a Graph; here it needs branches"
            )
        results = [self.visit(branch, flows, _under(path, place)) for place, branch in enumerate(node.branches)]
        site = self._joined(node, tuple(flow for flow, _ in results), path)
        return site.output, self.carrier.join(site, [self._single(value, node) for _, value in results])

    def _joined(self, node: Join, flows: tuple[Flow, ...], path: str) -> Site:
        output = self._stacked(node, flows, path) if node.stacks else self._matched(node, flows, path)
        site = Site(path, node, flows, output, None, self.loops)
        if isinstance(self.carrier, TotalCarrier):
            self.terms.append(Term(site, self.carrier.joint(site)))
        return site

    def _matched(self, node: Join, flows: tuple[Flow, ...], path: str) -> Flow:
        sizes: list[Expr] = []
        if len({len(flow.shape) for flow in flows}) > 1:
            raise ShapeError(
                self._mismatch(node, flows, path, f"branches that are {node.joined} need equally many axes")
            )
        for axis, column in enumerate(zip(*(flow.shape for flow in flows))):
            wide = [size for size in column if size != 1] or [column[0]]
            for other in wide[1:]:
                self._agree(
                    wide[0],
                    other,
                    node,
                    flows,
                    path,
                    f"branches that are {node.joined} need equal sizes on axis {axis}",
                )
            sizes.append(wide[0])
        return Flow(tuple(sizes), next((flow.channels for flow in flows if flow.channels), None))

    def _stacked(self, node: Join, flows: tuple[Flow, ...], path: str) -> Flow:
        channels = next((flow.channels for flow in flows if flow.channels), None)
        rank = len(flows[0].shape)
        if any(len(flow.shape) != rank for flow in flows):
            raise ShapeError(
                self._mismatch(node, flows, path, f"branches that are {node.joined} need equally many axes")
            )
        along = node.stacked_axis(rank, channels)
        assert along is not None
        if not -rank <= along < rank:
            raise ShapeError(self._mismatch(node, flows, path, f"there is no axis {along}"))
        along %= rank
        sizes: list[Expr] = []
        for axis in range(rank):
            column = [flow.shape[axis] for flow in flows]
            if axis == along:
                sizes.append(simplify(sum(column, Integer(0))))
                continue
            for other in column[1:]:
                self._agree(
                    column[0],
                    other,
                    node,
                    flows,
                    path,
                    f"branches that are {node.joined} need equal sizes on axis {axis}",
                )
            sizes.append(column[0])
        return Flow(tuple(sizes), channels)

    def _agree(self, left: Expr, right: Expr, node: Network, flows: tuple[Flow, ...], path: str, problem: str) -> None:
        if left == right:
            return
        known = same(left, right)
        if known is False:
            raise ShapeError(self._mismatch(node, flows, path, f"{problem}, but {left} is not {right}"))
        if known is None:
            self.require(Condition(Eq(left, right), problem), path)

    @staticmethod
    def _mismatch(node: Network, flows: tuple[Flow, ...], path: str, problem: str) -> str:
        branches = getattr(node, "branches", ()) or [f"arrow {place}" for place in range(len(flows))]
        lines = [f"{'at ' + path + ': ' if path else ''}{problem}"]
        lines += [
            f"  {str(branch)[:120]} gives ({', '.join(map(str, flow.shape))})" for branch, flow in zip(branches, flows)
        ]
        lines.append(
            "  write instead: branches that end in the same shape, as with a 1x1 convolution of the right stride"
        )
        return "\n".join(lines)

    def shared(self, node: Shared, flows: tuple[Flow, ...], path: str) -> tuple[Flow, T]:
        flow, value = self.visit(node.body, flows, path)
        return flow, self.carrier.share(self._single(value, node), node.name, path)

    def graph(self, node: Graph, flows: tuple[Flow, ...], path: str) -> tuple[Flow, T]:
        nodes, before = node.nodes, node.predecessors()
        arrived: dict[str, Flow] = {}
        steps: list[GraphStep[T]] = []
        for name in node.order():
            part, sources = nodes[name], before[name]
            incoming = tuple(arrived[source] for source in sources)
            if not sources and not _begins_with_input(part) and _takes(part):
                incoming = flows
            where = _under(path, name)
            if isinstance(part, Join) and not part.branches:
                if not incoming:
                    raise GraphError(f"nothing arrives at the join {name!r}")
                site = self._joined(part, incoming, where)
                arrived[name] = site.output
                steps.append(GraphStep(name, sources, [], site))
                continue
            if len(incoming) > 1 and not (isinstance(part, (Layer, Shared)) and _takes(part) == len(incoming)):
                raise GraphError(
                    f"{len(incoming)} arrows arrive at {name!r}, which takes {_takes(part)}; join them first with Add(), Mul() or Concat()"
                )
            arrived[name], value = self.visit(part, incoming, where)
            steps.append(GraphStep(name, sources, value.values if isinstance(value, Ports) else [value]))
        return arrived[node.sink], self.carrier.graph(steps, node.sink)

    # repetition ------------------------------------------------------------------------------------------------------

    def repeat(self, node: Repeat, flows: tuple[Flow, ...], path: str) -> tuple[Flow, T]:
        if len(flows) != 1:
            raise ShapeError(f"at {path}: a repetition has one input, got {len(flows)}")
        times, flow = node.times, flows[0]
        if times.is_Integer and (node.index is not None or shape_of(node.copy(0), flow) != flow):
            values: list[T] = []
            for number in range(int(times)):
                flow, value = self.visit(node.copy(number), (flow,), _under(path, number))
                values.append(self._single(value, node))
            return flow, self.carrier.series(values)
        if times.is_Integer and times == 0:
            return flow, self.carrier.series([])
        self._require_size(times, 0, "the number of copies", path)
        index = self._fresh_index(node, flow)
        try:
            return self._closed_repeat(node, flow, path, index, 0)
        except UnsupportedError as error:
            try:
                return self._closed_repeat(node, flow, path, index, 1)
            except UnsupportedError:
                raise error from None

    def entered(self, flow: Flow, path: str) -> None:
        """Note what enters the network, and what makes its sizes sizes."""
        self.inputs.append(flow)
        for axis, size in enumerate(flow.shape):
            self._require_size(size, 1, f"axis {axis} of what enters", path)

    def _require_size(self, value: Expr, least: int, what: str, path: str) -> None:
        for relation, words in size_conditions(value, least):
            if relation == false:
                raise ShapeError(f"at {path}: {what} must {words}, but it is {value}")
            self.require(Condition(relation, f"{what} must {words}"), path)

    def _closed_repeat(self, node: Repeat, flow: Flow, path: str, index: Symbol, peeled: int) -> tuple[Flow, T]:
        """A symbolic repetition, with its first copy apart where that one is entered by another shape than the rest follow from."""
        values: list[T] = []
        if peeled:
            self.require(
                Condition(Ge(node.times, 1), "a repetition whose first copy differs needs at least one copy"), path
            )
            flow, value = self.visit(node.copy(0), (flow,), _under(path, 0))
            values.append(self._single(value, node))
        body, entering = Copies(node, shape_of, path).entering(flow, index, peeled)
        leaving = shape_of(body, Flow(entering, flow.channels))
        left = node.times - peeled
        value = self._looped(body, Flow(entering, leaving.channels), path, Loop(index, left))
        varies = index if node.index is not None or any(size.has(index) for size in entering) else None
        final = tuple(simplify(size.xreplace({index: left})) for size in entering)
        values.append(self.carrier.repeat(value, left, varies))
        return Flow(final, leaving.channels), values[0] if len(values) == 1 else self.carrier.series(values)

    def _looped(self, body: Network, flow: Flow, path: str, loop: Loop) -> T:
        outer, self.loops = self.loops, (*self.loops, loop)
        try:
            _, value = self.visit(body, (flow,), f"{path}[{loop.index}]")
        finally:
            self.loops = outer
        return self._single(value, body)

    def _fresh_index(self, node: Repeat, flow: Flow) -> Symbol:
        """The number of a copy: not that of a repetition around this one, which the sizes that arrive may hold."""
        taken = node.free_symbols.union(*(size.free_symbols for size in flow.shape))
        for count in itertools.count(len(self.loops) + 1):
            index = Symbol("l" if count == 1 else f"l_{count}", integer=True, nonnegative=True)
            if index not in taken:
                break
        return index

    def require(self, condition: Condition, path: str) -> None:
        if condition.relation == true:
            return
        if (condition, self.loops) not in self.known:
            self.known.add((condition, self.loops))
            self.domain.append(DomainCondition(condition, path, self.loops))


def shape_of(net: Network, flow: Flow) -> Flow:
    """What a network makes of an input, shapes only."""
    return _Walk(ShapeCarrier()).visit(net, (flow,), "")[0]


def _under(path: str, name: object) -> str:
    return f"{path}.{name}" if path else str(name)


class _BeginsWithInput(Walk[bool]):
    def input(self, node: Input) -> bool:
        return True

    def series(self, node: Series) -> bool:
        return _begins_with_input(node.parts[0])

    def otherwise(self, node: Network, *carried: Any, **named: Any) -> bool:
        return False


class _Takes(Walk[int]):
    def layer(self, node: Layer) -> int:
        return len(node.input_names)

    def series(self, node: Series) -> int:
        return _takes(node.parts[0])

    def shared(self, node: Shared) -> int:
        return _takes(node.body)

    def otherwise(self, node: Network, *carried: Any, **named: Any) -> int:
        return 1


def _begins_with_input(node: Network) -> bool:
    found: bool = node.accept(_BeginsWithInput())
    return found


def _takes(node: Network) -> int:
    """How many arrows may arrive at a node of a graph."""
    found: int = node.accept(_Takes())
    return found


def evaluate_network(net: Network, carrier: Carrier[T], on: Sequence[Any] | None = None) -> Evaluation[T]:
    """Walk a network once with a carrier.

    Parameters
    ----------
    net : Network
    carrier : Carrier
    on : shape, or list of shapes, optional
        What enters an open network, (channels, *spatial) or (time, features); a closed network begins with `Input` and needs none.
    """
    as_network(net, "a metric")
    walk = _Walk(carrier)
    flows = input_flows(on)
    for flow in flows:
        walk.entered(flow, "")
    output, value = walk.visit(net, flows, "")
    return Evaluation(walk._single(value, net), output, walk.terms, walk.domain, walk.layout, walk.inputs)


def input_flows(on: object) -> tuple[Flow, ...]:
    """The inputs that ``on=`` describes: one shape, or a list of shapes."""
    if on is None:
        return ()
    if isinstance(on, Mapping) or isinstance(on, (str, bytes)) or not hasattr(on, "__iter__"):
        raise ShapeError(f"on takes a shape such as (3, 224, 224), got {on!r}")
    parts = list(on)
    if not parts:
        raise ShapeError("on takes at least one size, got ()")
    shapes = parts if any(isinstance(part, (tuple, list)) for part in parts) else [tuple(parts)]
    return tuple(Flow(are_sizes(shape, "on")) for shape in shapes)
