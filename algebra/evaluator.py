"""The one evaluator: it walks a network once, carries shapes along, and folds a carrier's values over the composition.

A carrier says what a leaf is worth and how values combine:

=============  ==============================================
composition    rule of the carrier
=============  ==============================================
leaf           ``leaf(site, port)``
f >> g >> ...  ``series(values)``
f + g, f | g   ``join(site, values)``
f ** L         ``repeat(value, times, index)``
graph          ``graph(...)``: by paths, or as a sum over nodes
shared         ``share(value, name, path)``
=============  ==============================================

Symbolic repetition is closed by induction over the copies: a hypothesis for the shape that enters copy l (constant, arithmetic,
geometric or a floor-affine chain) is kept only if the body provably maps it to the shape that enters copy l + 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from sympy import Eq, Expr, Ge, Integer, Symbol, floor, fraction, together, true

from .dims import are_sizes
from .errors import GraphError, LayerAlgebraError, ShapeError, UnsupportedError
from .instance import Condition, Instance, Shape, instantiate
from .layer import Layer
from .network import DEEPEST_NESTING, Add, Concat, Graph, Input, Mul, Network, Repeat, Series, Shared
from .normal_form import same, simplify

T = TypeVar("T")
_JOINS = (Add, Mul, Concat)


@dataclass(frozen=True)
class Flow:
    """What arrives at a node: the shape of one example, and where its channels are (None while nothing has said so)."""

    shape: Shape
    channels: str | None = None

    @property
    def channel_axis(self) -> int:
        return len(self.shape) - 1 if self.channels == "last" else 0


@dataclass(frozen=True)
class Loop:
    """A symbolic repetition around a site: `index` runs from 0 to ``times - 1``."""

    index: Symbol
    times: Expr


@dataclass(frozen=True)
class Site:
    """A leaf or a join where it stands: its path, what it is, what enters and leaves, and the repetitions around it."""

    path: str
    node: Network
    inputs: tuple[Flow, ...]
    output: Flow
    instance: Instance | None = None
    loops: tuple[Loop, ...] = ()


@dataclass
class Term(Generic[T]):
    """The value of one site; a network's formula is made of these."""

    site: Site
    value: T


@dataclass(frozen=True)
class DomainCondition:
    """A condition with the place that needs it."""

    condition: Condition
    path: str
    loops: tuple[Loop, ...] = ()


class Carrier(Generic[T]):
    """How one metric composes. `TotalCarrier` and `PathCarrier` fill in what most metrics share."""

    def leaf(self, site: Site, port: int) -> T:
        raise NotImplementedError

    def series(self, values: Sequence[T]) -> T:
        raise NotImplementedError

    def join(self, site: Site, values: Sequence[T]) -> T:
        raise NotImplementedError

    def repeat(self, value: T, times: Expr, index: Symbol | None) -> T:
        raise NotImplementedError

    def graph(self, steps: Sequence["GraphStep[T]"], sink: str) -> T:
        raise NotImplementedError

    def share(self, value: T, name: str, path: str) -> T:
        return value


@dataclass
class GraphStep(Generic[T]):
    """One node of a graph: its own values, one for each port, or the site of a join, and where its inputs come from."""

    name: str
    sources: list[str]
    values: list[T]
    join: Site | None = None


class TotalCarrier(Carrier[T]):
    """A carrier that adds over nodes, wherever they stand: every node counts once, on however many paths it lies."""

    def join(self, site: Site, values: Sequence[T]) -> T:
        return self.series([*values, self.joint(site)])

    def joint(self, site: Site) -> T:
        """What the joining itself is worth."""
        raise NotImplementedError

    def graph(self, steps: Sequence[GraphStep[T]], sink: str) -> T:
        return self.series([step.values[0] if step.join is None else self.joint(step.join) for step in steps])


class PathCarrier(Carrier[T]):
    """A carrier whose joins absorb repetition (maximum, union, minimum), so that it can be folded along the paths of a graph."""

    def graph(self, steps: Sequence[GraphStep[T]], sink: str) -> T:
        start = self.series([])
        arrived: dict[str, T] = {}
        for step in steps:
            incoming = [arrived[source] for source in step.sources] or [start]
            if step.join is not None:
                arrived[step.name] = self.join(step.join, incoming)
                continue
            through = [self.series([before, own]) for before, own in zip(incoming, step.values)]
            arrived[step.name] = through[0] if len(through) == 1 else self.fuse(through)
        return arrived[sink]

    def fuse(self, values: Sequence[T]) -> T:
        """Join the ports of a layer with several inputs."""
        raise UnsupportedError("this metric has no rule for a layer with several inputs")


class ShapeCarrier(TotalCarrier[None]):
    """Carries nothing: shapes and conditions are what remains."""

    def leaf(self, site: Site, port: int) -> None:
        return None

    def series(self, values: Sequence[None]) -> None:
        return None

    def joint(self, site: Site) -> None:
        return None

    def repeat(self, value: None, times: Expr, index: Symbol | None) -> None:
        return None


@dataclass
class Evaluation(Generic[T]):
    """What one walk found."""

    value: T
    output: Flow
    terms: list[Term[T]] = field(default_factory=list)
    domain: list[DomainCondition] = field(default_factory=list)
    layout: str | None = None
    inputs: list[Flow] = field(default_factory=list)


class _Walk(Generic[T]):
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
            if isinstance(node, Layer):
                return self._layer(node, flows, path)
            rule: Callable[..., tuple[Flow, T]] | None = {
                Series: self._series, Repeat: self._repeat, Graph: self._graph, Shared: self._shared, Input: self._input,
                Add: self._join, Mul: self._join, Concat: self._join,
            }.get(type(node))  # fmt: skip
            if rule is None:
                raise UnsupportedError(f"{type(node).__name__} is neither a layer nor a composition known to the evaluator")
            return rule(node, flows, path)
        finally:
            self.depth -= 1

    def _input(self, node: Input, flows: tuple[Flow, ...], path: str) -> tuple[Flow, T]:
        if flows:
            raise GraphError(f"Input{node.shape} stands where {flows[0].shape} arrives; leave out the Input, or `on`")
        flow = Flow(node.shape)
        self.inputs.append(flow)
        return flow, self.carrier.series([])

    def _layer(self, node: Layer, flows: tuple[Flow, ...], path: str) -> tuple[Flow, T]:
        if not flows:
            raise ShapeError(f"{node} has no input; begin the network with Input(...), or pass on=(...), as in on=(3, 224, 224)")
        try:
            instance = instantiate(node, *(flow.shape for flow in flows))
        except LayerAlgebraError as error:
            if path and isinstance(error, ShapeError):
                raise ShapeError(f"at {path}: {error}") from None
            raise
        takes, makes = node.layout
        if self.layout is None and takes is not None:
            self.layout = takes
        output = Flow(instance.output, makes or flows[0].channels)
        for condition in instance.conditions:
            self.require(condition, path)
        site = Site(path, node, flows, output, instance, self.loops)
        values = [self.carrier.leaf(site, port) for port in range(len(flows))]
        self.terms.append(Term(site, values[0]))
        if len(values) > 1:
            return output, _Ports(values)  # type: ignore[return-value]
        return output, values[0]

    def _series(self, node: Series, flows: tuple[Flow, ...], path: str) -> tuple[Flow, T]:
        values: list[T] = []
        for place, part in enumerate(node.parts):
            flow, value = self.visit(part, flows, _under(path, place))
            flows = (flow,)
            values.append(self._single(value, part))
        return flows[0], self.carrier.series(values)

    def _single(self, value: T, node: Network) -> T:
        if isinstance(value, _Ports):
            if isinstance(self.carrier, PathCarrier):
                return self.carrier.fuse(value.values)
            return value.values[0]
        return value

    def _join(self, node: Add | Mul | Concat, flows: tuple[Flow, ...], path: str) -> tuple[Flow, T]:
        if not node.branches:
            raise GraphError(f"{type(node).__name__}() without branches joins the arrows of a Graph; here it needs branches")
        results = [self.visit(branch, flows, _under(path, place)) for place, branch in enumerate(node.branches)]
        site = self._joined(node, tuple(flow for flow, _ in results), path)
        return site.output, self.carrier.join(site, [self._single(value, node) for _, value in results])

    def _joined(self, node: Network, flows: tuple[Flow, ...], path: str) -> Site:
        output = self._concatenated(node, flows, path) if isinstance(node, Concat) else self._matched(node, flows, path)
        site = Site(path, node, flows, output, None, self.loops)
        if isinstance(self.carrier, TotalCarrier):
            self.terms.append(Term(site, self.carrier.joint(site)))
        return site

    def _matched(self, node: Network, flows: tuple[Flow, ...], path: str) -> Flow:
        name = "added" if isinstance(node, Add) else "multiplied"
        sizes: list[Expr] = []
        if len({len(flow.shape) for flow in flows}) > 1:
            raise ShapeError(self._mismatch(node, flows, path, f"branches that are {name} need equally many axes"))
        for axis, column in enumerate(zip(*(flow.shape for flow in flows))):
            wide = [size for size in column if size != 1] or [column[0]]
            for other in wide[1:]:
                self._agree(wide[0], other, node, flows, path, f"branches that are {name} need equal sizes on axis {axis}")
            sizes.append(wide[0])
        return Flow(tuple(sizes), next((flow.channels for flow in flows if flow.channels), None))

    def _concatenated(self, node: Concat, flows: tuple[Flow, ...], path: str) -> Flow:
        channels = next((flow.channels for flow in flows if flow.channels), None)
        rank = len(flows[0].shape)
        if any(len(flow.shape) != rank for flow in flows):
            raise ShapeError(self._mismatch(node, flows, path, "branches that are concatenated need equally many axes"))
        along = node.axis if node.axis is not None else (rank - 1 if channels == "last" else 0)
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
                self._agree(column[0], other, node, flows, path, f"branches that are concatenated need equal sizes on axis {axis}")
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
        lines += [f"  {str(branch)[:120]} gives ({', '.join(map(str, flow.shape))})" for branch, flow in zip(branches, flows)]
        lines.append("  write instead: branches that end in the same shape, as with a 1x1 convolution of the right stride")
        return "\n".join(lines)

    def _shared(self, node: Shared, flows: tuple[Flow, ...], path: str) -> tuple[Flow, T]:
        flow, value = self.visit(node.body, flows, path)
        return flow, self.carrier.share(self._single(value, node), node.name, path)

    def _graph(self, node: Graph, flows: tuple[Flow, ...], path: str) -> tuple[Flow, T]:
        nodes, before = node.nodes, node.predecessors()
        arrived: dict[str, Flow] = {}
        steps: list[GraphStep[T]] = []
        for name in node.order():
            part, sources = nodes[name], before[name]
            incoming = tuple(arrived[source] for source in sources)
            if not sources and not _begins_with_input(part):
                incoming = flows
            where = _under(path, name)
            if isinstance(part, _JOINS) and not part.branches:
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
            steps.append(GraphStep(name, sources, value.values if isinstance(value, _Ports) else [value]))
        return arrived[node.sink], self.carrier.graph(steps, node.sink)

    # repetition ------------------------------------------------------------------------------------------------------

    def _repeat(self, node: Repeat, flows: tuple[Flow, ...], path: str) -> tuple[Flow, T]:
        if len(flows) != 1:
            raise ShapeError(f"at {path}: a repetition has one input, got {len(flows)}")
        times, flow = node.times, flows[0]
        if times.is_Integer and (node.index is not None or self._shape(node.copy(0), flow) != flow):
            values: list[T] = []
            for number in range(int(times)):
                flow, value = self.visit(node.copy(number), (flow,), _under(path, number))
                values.append(self._single(value, node))
            return flow, self.carrier.series(values)
        if times.is_Integer and times == 0:
            return flow, self.carrier.series([])
        index = self._fresh_index()
        try:
            return self._closed_repeat(node, flow, path, index, 0)
        except UnsupportedError as error:
            try:
                return self._closed_repeat(node, flow, path, index, 1)
            except UnsupportedError:
                raise error from None

    def _closed_repeat(self, node: Repeat, flow: Flow, path: str, index: Symbol, peeled: int) -> tuple[Flow, T]:
        """A symbolic repetition, with its first copy apart where that one is entered by another shape than the rest follow from."""
        values: list[T] = []
        if peeled:
            self.require(Condition(Ge(node.times, 1), "a repetition whose first copy differs needs at least one copy"), path)
            flow, value = self.visit(node.copy(0), (flow,), _under(path, 0))
            values.append(self._single(value, node))
        body, entering = self._closed_shape(node, flow, index, path, peeled)
        leaving = self._shape(body, Flow(entering, flow.channels))
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

    def _fresh_index(self) -> Symbol:
        name = "l" if not self.loops else f"l_{len(self.loops) + 1}"
        return Symbol(name, integer=True, nonnegative=True)

    def _shape(self, node: Network, flow: Flow) -> Flow:
        return _Walk(ShapeCarrier()).visit(node, (flow,), "")[0]

    def _body(self, node: Repeat, index: Expr) -> Network:
        return node.body if node.index is None else node.body.xreplace({node.index: index})

    def _closed_shape(self, node: Repeat, flow: Flow, index: Symbol, path: str, start: int) -> tuple[Network, Shape]:
        """The body of copy `index + start` and the shape that enters it, proved by induction; see the module."""
        body = self._body(node, index + start)
        one = self._shape(self._body(node, Integer(start)), flow)
        if one.shape == flow.shape and node.index is None:
            return body, flow.shape
        two = self._shape(self._body(node, Integer(start + 1)), one)
        if not len(flow.shape) == len(one.shape) == len(two.shape):
            raise ShapeError(f"at {path}: a copy changes the number of axes from {len(flow.shape)} to {len(one.shape)}, so it cannot be repeated")
        entering = tuple(
            self._hypothesis(place, a, b, c, body, flow, index)
            for place, (a, b, c) in enumerate(zip(flow.shape, one.shape, two.shape))
        )
        leaving = self._shape(body, Flow(entering, one.channels)).shape
        following = tuple(size.xreplace({index: index + 1}) for size in entering)
        for given, wanted in zip(leaving, following):
            if given != wanted and same(given, wanted) is not True:
                raise UnsupportedError(
                    f"at {path}: no closed form for the sizes along {node.times} copies: copy {index} turns {entering} into {leaving}; "
                    "repeat a literal number of times, or write widths as a function of the copy with Repeat(body, L, index)"
                )
        return body, entering

    def _hypothesis(
        self, place: int, first: Expr, second: Expr, third: Expr, body: Network, flow: Flow, index: Symbol
    ) -> Expr:
        step = simplify(second - first)
        if step == simplify(third - second):
            return simplify(first + index * step)
        chain = self._chain(place, body, flow, index)
        if chain is not None:
            return chain
        ratio = simplify(second / first)
        return first * ratio**index

    def _chain(self, place: int, body: Network, flow: Flow, index: Symbol) -> Expr | None:
        """The size after `index` maps n -> floor((n + a)/s), by the composition law of floor-affine maps, or n -> s n + a."""
        size = Symbol(f"n_{place}", integer=True, positive=True)
        shape = (*flow.shape[:place], size, *flow.shape[place + 1 :])
        try:
            image = self._shape(body, Flow(shape, flow.channels)).shape[place]
        except LayerAlgebraError:
            return None
        map_ = floor_affine(image, size)
        if map_ is not None and index not in map_[0].free_symbols | map_[1].free_symbols and map_[1] != 1:
            shift, stride = map_
            return simplify(floor((flow.shape[place] + shift * (stride**index - 1) / (stride - 1)) / stride**index))
        growth = image.diff(size)
        offset = simplify(image - growth * size) if not growth.has(size) and not image.has(floor) else None
        if offset is None or growth in (0, 1) or index in growth.free_symbols | offset.free_symbols:
            return None
        return simplify(flow.shape[place] * growth**index + offset * (growth**index - 1) / (growth - 1))

    def require(self, condition: Condition, path: str) -> None:
        if condition.relation == true:
            return
        if (condition, self.loops) not in self.known:
            self.known.add((condition, self.loops))
            self.domain.append(DomainCondition(condition, path, self.loops))


@dataclass
class _Ports(Generic[T]):
    """The values of a layer with several inputs, one for each, until a graph or a series takes them."""

    values: list[T]


def floor_affine(image: Expr, size: Symbol) -> tuple[Expr, Expr] | None:
    """(a, s) if the image is ``floor((size + a)/s)``, a member of the monoid (a, s)(b, t) = (a + b s, s t)."""
    if not image.has(size):
        return None
    floors = [part for part in image.atoms(floor) if part.has(size)]
    if len(floors) != 1:
        return None
    rest = image - floors[0]
    if rest.has(size):
        return None
    over, under = fraction(together(floors[0].args[0]))
    shift = simplify(over - size + rest * under)
    return None if shift.has(size) or under.has(size) else (shift, under)


def _under(path: str, name: object) -> str:
    return f"{path}.{name}" if path else str(name)


def _begins_with_input(node: Network) -> bool:
    while isinstance(node, Series):
        node = node.parts[0]
    return isinstance(node, Input)


def _takes(node: Network) -> int:
    while isinstance(node, (Series, Shared)):
        node = node.parts[0] if isinstance(node, Series) else node.body
    return len(node.input_names) if isinstance(node, Layer) else 1


def evaluate_network(net: Network, carrier: Carrier[T], on: Sequence[Any] | None = None) -> Evaluation[T]:
    """Walk a network once with a carrier.

    Parameters
    ----------
    net : Network
    carrier : Carrier
    on : shape, or list of shapes, optional
        What enters an open network, (channels, *spatial) or (time, features); a closed network begins with `Input` and needs none.
    """
    from .network import as_network

    as_network(net, "a metric")
    walk = _Walk(carrier)
    flows = input_flows(on)
    walk.inputs.extend(flows)
    output, value = walk.visit(net, flows, "")
    return Evaluation(walk._single(value, net), output, walk.terms, walk.domain, walk.layout, walk.inputs)


def input_flows(on: object) -> tuple[Flow, ...]:
    """The inputs that ``on=`` describes: one shape, or a list of shapes."""
    if on is None:
        return ()
    if isinstance(on, Mapping) or isinstance(on, (str, bytes)) or not hasattr(on, "__iter__"):
        raise ShapeError(f"on takes a shape such as (3, 224, 224), got {on!r}")
    parts = list(on)  # type: ignore[call-overload]
    if not parts:
        raise ShapeError("on takes at least one size, got ()")
    shapes = parts if any(isinstance(part, (tuple, list)) for part in parts) else [tuple(parts)]
    return tuple(Flow(are_sizes(shape, "on")) for shape in shapes)
