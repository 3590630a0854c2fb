"""The one evaluator: it walks a network once, carries shapes along, and folds a carrier's values over the composition."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Generic

from sympy import And, Expr, Ge, Integer, Not, Symbol, false, true
from sympy.logic.boolalg import Boolean

from ..arguments import as_elements, shown
from ..equations.instance import Instance, Shape, instantiate
from ..errors import BudgetError, GraphError, LayerAlgebraError, ShapeError, UnsupportedError
from ..formulas.conditions import Condition
from ..records import dataclass
from ..sizes.decisions import at_least, equal, size_conditions, where_one
from ..sizes.dims import are_sizes
from ..sizes.normal_form import simplify
from .carrier import (
    Carrier,
    DomainCondition,
    Ends,
    Evaluation,
    Flow,
    Flows,
    GraphStep,
    Loop,
    Outputs,
    PathCarrier,
    Ports,
    ShapeCarrier,
    Site,
    T,
    Term,
    TotalCarrier,
    each,
)
from .layer import Layer
from .network import Graph, Input, Join, Network, Repeat, Selected, Series, Shared, Walk, as_network
from .node import Composition
from .repetition import Copies
from .steps import Steps, carried_out

FEW_COPIES = 8
"""So many copies stand one by one if not all are the same."""
MOST_UNROLLED = 64
"""Copies whose shapes differ are walked one by one up to this many; of more, a closed form is sought first."""
LONGEST_ROUND = 8
"""After so many copies shapes come back, or it is assumed that they do not."""
MOST_COPIES, MOST_VISITS = 10_000, 1_000_000


@dataclass(frozen=True)
class _Rounds:
    """Shapes that come back: the number of copies before, those of a round, and how often it is repeated."""

    first: int
    length: int
    count: int


MOST_INPUTS = 1_000


class _Walk(Walk[tuple[Flow, T]], Generic[T]):
    def __init__(self, carrier: Carrier[T], shapes: "_Shapes | None" = None):
        self.carrier = carrier
        self.shapes = _Shapes() if shapes is None else shapes
        self.terms: list[Term[T]] = []
        self.domain: list[DomainCondition] = []
        self.known: set[tuple[Condition, tuple[Loop, ...]]] = set()
        self.loops: tuple[Loop, ...] = ()
        self.assumed: frozenset[Boolean] = frozenset()
        self.layout: str | None = None
        self.matter: frozenset[str] = frozenset()
        """The layouts that would make a difference where nothing has said where the channels are."""
        self.inputs: list[Flow] = []
        self.visits = 0
        self.read: dict[str, tuple[str, ...]] = {}
        """By the path of a node of several outputs, those that are read, where that is not all of them."""
        self.unread = False
        """Whether nothing reads what is walked: its weights are held, and nothing is computed."""

    # nodes -----------------------------------------------------------------------------------------------------------

    def visit(self, node: Network, flows: tuple[Flow, ...], path: str) -> Any:
        """The steps of a walk through a part."""
        self.visits += 1
        if self.visits > MOST_VISITS:
            raise BudgetError(
                f"this network has more than {MOST_VISITS} parts, every copy and every branch counted where it is walked\n"
                "  write instead: copies in series as f ** n, which is walked once"
            )
        return node.accept(self, flows, path)

    def otherwise(self, node: Network, *carried: Any, **named: Any) -> tuple[Flow, T]:
        raise UnsupportedError(f"{type(node).__name__} is neither a layer nor a composition known to the evaluator")

    def input(self, node: Input, flows: tuple[Flow, ...], path: str) -> tuple[Flow, T]:
        if flows:
            raise GraphError(f"Input{node.shape} stands where {flows[0].shape} arrives; leave out the Input, or `on`")
        flow = Flow(node.shape)
        self.entered(flow, path)
        for relation in node.where:
            if relation == false:
                raise ShapeError(f"at {path}: {node} states what does not hold of its sizes")
            self.require(Condition(relation, "what is stated of the sizes that enter"), path)
        return flow, self.carrier.series([])

    def layer(self, node: Layer, flows: tuple[Flow, ...], path: str) -> tuple[Flow, T]:
        if node.opaque and self.carrier.opaque is None:
            raise UnsupportedError(
                f"{f'at {path}: ' if path else ''}{node} is opaque: its shape is known and what depends on what, but no equation says what "
                "it computes, which this needs"
            )
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
        wanted = self.read.pop(path, None) if node.several else None
        if wanted is not None or self.unread:
            instance = instance.showing(*(() if self.unread or wanted is None else wanted))
        before = flows[0].channels if flows else None
        output: Any = Flow(instance.shapes[node.output_names[0]], makes or before)
        if node.several:
            flowing = (Flow(instance.shapes[name], node.layout_of(name) or before) for name in node.several)
            output = Flows(flowing, node.several)
        for condition in instance.conditions:
            self.require(condition, path, always=condition in instance.of_fields)
        if not isinstance(self.carrier, TotalCarrier) and (node.several or self.unread):
            return output, self._by_output(node, flows, output, instance, path)
        site = Site(path, node, flows, output, instance, self.loops)
        values = [self.carrier.leaf(site, port) for port in range(len(flows))] or [self.carrier.source(site)]
        self.terms.append(Term(site, values[0]))
        if len(values) > 1:
            return output, Ports(values)  # type: ignore[return-value]
        return output, values[0]

    def _by_output(self, node: Layer, flows: tuple[Flow, ...], output: Any, instance: Instance, path: str) -> Any:
        """The values of a layer of several outputs for a carrier that follows them, an output at a time."""
        if len(instance.outputs) > 1 and not self.carrier.by_output:
            raise UnsupportedError(
                f"{f'at {path}: ' if path else ''}{node} has several outputs that are read ({', '.join(instance.outputs)}), and this follows "
                f"one; choose it, as in net[{instance.outputs[0]!r}]"
            )
        found = Outputs()
        for name in instance.outputs:
            site = Site(
                path, node, flows, each(output)[node.output_names.index(name)], instance.showing(name), self.loops
            )
            values = [self.carrier.leaf(site, port) for port in range(len(flows))] or [self.carrier.source(site)]
            self.terms.append(Term(site, values[0]))
            found[name] = Ports(values) if len(values) > 1 else values[0]
        return found

    def select(self, node: Selected, flows: tuple[Flow, ...], path: str) -> Steps[tuple[Any, Any]]:
        self.read.setdefault(path, node.names)
        output, value = yield self.visit(node.body, flows, path)
        if isinstance(value, Outputs):
            value = Outputs({name: value[name] for name in node.names if name in value})
            value = next(iter(value.values())) if not node.several and value else value
        return output.chosen(node.names), value

    def series(self, node: Series, flows: tuple[Flow, ...], path: str) -> Steps[tuple[Any, Any]]:
        values: list[Any] = []
        if path in self.read:
            self.read[_under(path, len(node.parts) - 1)] = self.read.pop(path)
        for place, part in enumerate(node.parts):
            flow, value = yield self.visit(part, flows, _under(path, place))
            flows = each(flow)
            values.append(value)
        return flow, self._in_series(node.parts, values)

    def _in_series(self, parts: Sequence[Network], values: Sequence[Any]) -> Any:
        """The value of parts one after the other, of which some may have several outputs."""
        if self.unread and not isinstance(self.carrier, TotalCarrier):
            return Outputs()
        if not any(isinstance(value, Outputs) for value in values):
            return self.carrier.series([self._single(value, part) for value, part in zip(values, parts)])
        steps: list[GraphStep[Any]] = []
        before: list[Any] = []
        for place, value in enumerate(values):
            made = value if isinstance(value, Outputs) else {"": value}
            for name, own in made.items():
                entering = own.values if isinstance(own, Ports) else [own]
                if len(entering) != max(len(before), 1) and place:
                    raise UnsupportedError(
                        f"{parts[place]} takes {len(before)} outputs of {parts[place - 1]} together, and this follows them one by one; "
                        "write a Graph with an edge for each"
                    )
                steps.append(GraphStep((place, name), before, entering))
            before = [(place, name) for name in made]
        ends = {name: self.carrier.graph(steps, (place, name)) for _, name in before}
        return Outputs(ends) if isinstance(values[-1], Outputs) else ends[""]

    def _single(self, value: T, node: Network) -> T:
        if isinstance(value, Ports):
            if isinstance(self.carrier, PathCarrier):
                return self.carrier.fuse(value.values)
            return value.values[0]
        return value

    def join(self, node: Join, flows: tuple[Flow, ...], path: str) -> Steps[tuple[Flow, T]]:
        if not node.branches:
            raise GraphError(
                f"{type(node).__name__}() without branches joins the arrows of a Graph; here it needs branches"
            )
        results = []
        for place, branch in enumerate(node.branches):
            results.append((yield self.visit(branch, flows, _under(path, place))))
        site = self._joined(node, tuple(flow for flow, _ in results), path)
        return site.output, self.carrier.join(site, [self._single(value, node) for _, value in results])

    def _joint_output(self, node: Join, flows: tuple[Flow, ...], path: str) -> Flow:
        return self._stacked(node, flows, path) if node.stacks else self._matched(node, flows, path)

    def _joined(self, node: Join, flows: tuple[Flow, ...], path: str) -> Site:
        output = self._joint_output(node, flows, path)
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
        return Flow(tuple(sizes), self._layout_of(flows))

    def _layout_of(self, flows: tuple[Flow, ...]) -> str | None:
        """Where the channels of branches are: where the first that says so has them."""
        said = next((flow.channels for flow in flows if flow.channels), None)
        if said is not None and flows[0].channels is None:
            self.matter |= {"last" if said == "first" else "first"}
        return said

    def _stacked(self, node: Join, flows: tuple[Flow, ...], path: str) -> Flow:
        channels = self._layout_of(flows)
        rank = len(flows[0].shape)
        if channels is None and node.stacked_axis(rank, "last") != node.stacked_axis(rank, None):
            self.matter |= {"last"}
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
        known = equal(left, right)
        if known == false:
            raise ShapeError(self._mismatch(node, flows, path, f"{problem}, but {left} is not {right}"))
        self.require(Condition(known, problem), path)

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

    def shared(self, node: Shared, flows: tuple[Flow, ...], path: str) -> Steps[tuple[Any, Any]]:
        flow, value = yield self.visit(node.body, flows, path)
        if isinstance(value, Outputs):
            shared = {name: self.carrier.share(self._single(own, node), node.name, path) for name, own in value.items()}
            return flow, Outputs(shared)
        return flow, self.carrier.share(self._single(value, node), node.name, path)

    def graph(self, node: Graph, flows: tuple[Flow, ...], path: str) -> Steps[tuple[Any, Any]]:
        nodes, before = node.nodes, node.sources()
        asked = self.read.pop(path, node.several)
        needed = node.needed(asked)
        arrived: dict[Any, Any] = {}
        steps: list[GraphStep[T]] = []
        for name in node.order():
            part, sources = nodes[name], [_key(*source) for source in before[name]]
            incoming = tuple(arrived[source] for source in sources)
            if not sources and not begins_with_input(part) and taken_by(part):
                incoming = flows
            where = _under(path, name)
            if isinstance(part, Join) and not part.branches:
                if not incoming:
                    raise GraphError(f"nothing arrives at the join {name!r}")
                if name in needed:
                    site = self._joined(part, incoming, where)
                    steps.append(GraphStep(name, sources, [], site))
                    arrived[name] = site.output
                else:
                    arrived[name] = self._joint_output(part, incoming, where)
                continue
            if len(incoming) > 1 and not (
                isinstance(part, (Layer, Selected, Shared)) and taken_by(part) == len(incoming)
            ):
                raise GraphError(
                    f"{len(incoming)} arrows arrive at {name!r}, which takes {taken_by(part)}; join them first with Add(), Mul() or Concat()"
                )
            if part.several and name in needed and needed[name] != part.several:
                self.read[where] = needed[name]
            outer, self.unread = self.unread, self.unread or name not in needed
            try:
                arrived[name], value = yield self.visit(part, incoming, where)
            finally:
                self.unread = outer
            for port, flow in zip(part.several, arrived[name]) if part.several else ():
                arrived[name, port] = flow
            if name in needed or isinstance(self.carrier, TotalCarrier):
                own = (
                    {_key(name, port): one for port, one in value.items()}
                    if isinstance(value, Outputs)
                    else {name: value}
                )
                steps += [
                    GraphStep(key, sources, one.values if isinstance(one, Ports) else [one]) for key, one in own.items()
                ]
        return self._comes_out(node, asked, arrived, steps)

    def _comes_out(
        self, node: Graph, asked: tuple[str, ...], arrived: dict[Any, Any], steps: list[GraphStep[T]]
    ) -> Any:
        """The flows that leave a graph, and what they are worth."""
        ends = {one.name: _key(one.node, one.port) for one in node.outputs}
        if not node.several:
            (end,) = ends.values()
            return arrived[end], self._folded(steps, end)
        output = Flows((arrived[end] for end in ends.values()), tuple(ends))
        if isinstance(self.carrier, TotalCarrier):
            read = Ends((ends[name] for name in asked), asked)
            return output, self.carrier.graph(steps, read[0] if len(read) == 1 else read)
        if len(asked) > 1 and not self.carrier.by_output:
            raise UnsupportedError(
                f"this network has several outputs ({', '.join(asked)}), and this follows one; choose it, as in net[{asked[0]!r}]"
            )
        return output, Outputs({name: self._folded(steps, ends[name]) for name in asked})

    def _folded(self, steps: list[GraphStep[T]], end: Any) -> Any:
        """The value of a graph at one of its ends, with what it depends on alone."""
        return self.carrier.graph(steps, end) if steps else Outputs()

    # repetition ------------------------------------------------------------------------------------------------------

    def repeat(self, node: Repeat, flows: tuple[Flow, ...], path: str) -> Steps[tuple[Flow, T]]:
        if node.several:
            return (yield self._repeat_several(node, flows, path))
        if len(flows) != 1:
            raise ShapeError(f"at {path}: a repetition has one input, got {len(flows)}")
        flow = flows[0]
        if not node.times.is_Integer:
            self._require_size(node.times, 0, "the number of copies", path)
            if node.index is None and at_least(Integer(1), node.times) == true:
                return (yield self._optional(node, flow, path))
            return (yield self._symbolic(node, flow, path))
        if node.times == 0:
            return flow, self.carrier.series([])
        if node.index is None:
            flow = yield self._with_layout(node, flow)
        rounds = None if node.index is not None else (yield self._rounds(node, flow))
        if rounds is not None:
            return (yield self._by_rounds(node, flow, path, rounds))
        if node.times > MOST_UNROLLED:
            try:
                return (yield self._symbolic(node, flow, path))
            except UnsupportedError:
                self._refuse(int(node.times), path)
        return (yield self._unrolled(node, flow, path, range(int(node.times))))

    def _repeat_several(self, node: Repeat, flows: tuple[Flow, ...], path: str) -> Steps[tuple[Any, Any]]:
        """Copies with as many outputs as inputs: one by one, or, if none of the shapes changes, one copy that counts so often."""
        times = node.times
        if len(flows) != len(node.several):
            raise ShapeError(f"at {path}: {node} takes {len(node.several)} inputs, got {len(flows)}")
        read = self.read.pop(path, None)
        if times.is_Integer and times <= MOST_UNROLLED:
            flow: Any = Flows(flows, node.several)
            copies = [node.copy(number) for number in range(int(times))]
            values = []
            for number, copy in enumerate(copies):
                if read is not None and number == len(copies) - 1:
                    self.read[_under(path, number)] = read
                flow, value = yield self.visit(copy, each(flow), _under(path, number))
                values.append(value)
            if copies:
                return flow, self._in_series(copies, values)
            if isinstance(self.carrier, TotalCarrier):
                return flow, self.carrier.series([])
            raise UnsupportedError(f"at {path}: no copies of {node.body} have nothing that could be followed")
        what = f"at {path or 'the network'}: {times} copies of {node.body}, which has several outputs"
        if (
            not isinstance(self.carrier, TotalCarrier)
            or node.index is not None
            or read is not None
            or not times.is_nonnegative
        ):
            raise UnsupportedError(
                f"{what}, are followed one by one, and there are at most {MOST_UNROLLED} of these; give a number"
            )
        outer, self.loops = self.loops, (*self.loops, Loop(self._fresh_index(node, flows[0]), times))
        try:
            leaving, value = yield self.visit(node.body, flows, f"{path}[{self.loops[-1].index}]")
        finally:
            self.loops = outer
        if [one.shape for one in leaving] != [one.shape for one in flows] or _stacks_by_layout(node.body):
            raise UnsupportedError(f"{what}, count alike only if none of the shapes changes; give a number of copies")
        value = self._single(value, node.body)
        if least := self.carrier.least_copies(value):
            self.require(Condition(Ge(times, least), "this metric knows repetitions of at least one copy"), path)
        return leaving, self.carrier.repeat(value, times, None)

    def _shape_of(self, net: Network, flow: Flow) -> Steps[Flow]:
        """What a part makes of an input, shapes only, where this walk is."""
        return (yield self.shapes.of(net, flow, self.assumed))[0]

    def _with_layout(self, node: Repeat, flow: Flow) -> Steps[Flow]:
        """What enters the copies, with the layout that they give it if the first one does the same with either."""
        if flow.channels is not None:
            return flow
        made, matter = yield self.shapes.of(node.body, flow, self.assumed)
        self.matter |= matter
        return flow if made.channels in matter else Flow(flow.shape, made.channels)

    def _rounds(self, node: Repeat, flow: Flow) -> Steps["_Rounds | None"]:
        """How shapes recur from copy to copy, if they do soon and there is something to gain."""
        times = int(node.times)
        before = {flow: 0}
        for number in range(1, min(times, LONGEST_ROUND) + 1):
            flow = yield self._shape_of(node.body, flow)
            if flow in before:
                first = before[flow]
                rounds = _Rounds(first, number - first, (times - first) // (number - first))
                return rounds if rounds.first == 0 and rounds.length == 1 or times > FEW_COPIES else None
            before[flow] = number
        return None

    def _unrolled(self, node: Repeat, flow: Flow, path: str, numbers: range) -> Steps[tuple[Flow, T]]:
        values: list[T] = []
        for number in numbers:
            copy = node.copy(number)
            flow, value = yield self.visit(copy, (flow,), _under(path, number))
            values.append(self._single(value, copy))
        return flow, self.carrier.copies(values)

    def _by_rounds(self, node: Repeat, flow: Flow, path: str, rounds: "_Rounds") -> Steps[tuple[Flow, T]]:
        """Copies that stand apart, the round of copies that is repeated, and copies that no longer make a round."""
        times, again = int(node.times), rounds.first + rounds.length * rounds.count
        flow, begin = yield self._unrolled(node, flow, path, range(rounds.first))
        index = self._fresh_index(node, flow)
        count = Integer(rounds.count)
        body = Series(*[node.body] * rounds.length)
        leaving, value = yield self._looped(body, flow, path, Loop(index, count))
        values = [begin] if rounds.first else []
        values.append(self.carrier.repeat(value, count, None))
        if again == times:
            flow = leaving
        else:
            flow, end = yield self._unrolled(node, flow, path, range(again, times))
            values.append(end)
        return flow, values[0] if len(values) == 1 else self.carrier.series(values)

    def _symbolic(self, node: Repeat, flow: Flow, path: str) -> Steps[tuple[Flow, T]]:
        index = self._fresh_index(node, flow)
        found = len(self.terms), len(self.domain)
        try:
            return (yield self._closed(node, flow, path, index, 0))
        except UnsupportedError as error:
            self._forget(*found)
            try:
                return (yield self._closed(node, flow, path, index, 1))
            except UnsupportedError:
                self._forget(*found)
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

    def _forget(self, terms: int, conditions: int) -> None:
        """What an attempt has noted that came to nothing."""
        del self.terms[terms:]
        for condition in self.domain[conditions:]:
            self.known.discard((condition.condition, condition.loops))
        del self.domain[conditions:]

    def _closed(self, node: Repeat, flow: Flow, path: str, index: Symbol, peeled: int) -> Steps[tuple[Flow, T]]:
        """A repetition as one copy, with its first copy apart where that one is entered by another shape than the rest follow from."""
        values: list[T] = []
        if peeled:
            self.require(
                Condition(Ge(node.times, 1), "a repetition whose first copy differs needs at least one copy"), path
            )
            flow, value = yield self.visit(node.copy(0), (flow,), _under(path, 0))
            values.append(self._single(value, node))
        copies = Copies(node, self._shape_of, path)
        body, entering = yield copies.entering(flow, index, peeled)
        leaving, matter = yield self.shapes.of(body, Flow(entering, flow.channels), self.assumed)
        self.matter |= matter
        turned = flow.channels not in (None, leaving.channels) and _stacks_by_layout(body)
        if not peeled and (turned or flow.channels is None and leaving.channels in matter):
            raise UnsupportedError(f"at {path}: the first copy is entered by another layout than the others")
        left = node.times - peeled
        _, value = yield self._looped(body, Flow(entering, leaving.channels), path, Loop(index, left))
        varies = index if node.index is not None or any(size.has(index) for size in entering) else None
        least = self.carrier.least_copies(value)
        if least:
            self.require(Condition(Ge(left, least), "this metric knows repetitions of at least one copy"), path)
        final = tuple(simplify(size.xreplace({index: left})) for size in entering)
        values.append(self.carrier.repeat(value, left, varies))
        return Flow(final, leaving.channels), values[0] if len(values) == 1 else self.carrier.series(values)

    def _optional(self, node: Repeat, flow: Flow, path: str) -> Steps[tuple[Flow, T]]:
        """One copy or none: a part that stands in the network under a condition, which holds inside of it."""
        times = node.times
        relation, cases = where_one(times)
        entering = Flow(tuple(size.xreplace(cases) for size in flow.shape), flow.channels)
        outer = self.assumed
        self.assumed = outer | frozenset(And.make_args(relation))
        try:
            leaving, value = yield self._looped(node.body, entering, path, Loop(self._fresh_index(node, flow), times))
        finally:
            self.assumed = outer
        if self.carrier.least_copies(value):
            raise UnsupportedError(
                f"at {path}: this metric has no rule for a part that is there only where {relation}; give numbers that decide it"
            )
        if len(leaving.shape) != len(flow.shape):
            raise ShapeError(f"at {path}: a part that is there only where {relation} changes the number of axes")
        shape = tuple(
            made if equal(given, made) in (true, Not(relation)) else simplify(times * made + (1 - times) * given)
            for given, made in zip(flow.shape, leaving.shape)
        )
        return Flow(shape, leaving.channels), self.carrier.repeat(value, times, None)

    def _refuse(self, times: int, path: str) -> None:
        if times > MOST_COPIES:
            raise BudgetError(
                f"at {path or 'the network'}: {times} copies change the shape from copy to copy, and no closed form was found for their "
                f"sizes; more than {MOST_COPIES} are not walked one by one\n"
                "  write instead: fewer copies, or widths as a function of the copy with Repeat(body, L, index)"
            )

    def _looped(self, body: Network, flow: Flow, path: str, loop: Loop) -> Steps[tuple[Flow, T]]:
        outer, self.loops = self.loops, (*self.loops, loop)
        try:
            leaving, value = yield self.visit(body, (flow,), f"{path}[{loop.index}]")
        finally:
            self.loops = outer
        return leaving, self._single(value, body)

    def _fresh_index(self, node: Repeat, flow: Flow) -> Symbol:
        """The number of a copy: not that of a repetition around this one, which the sizes that arrive may hold."""
        taken = node.free_symbols.union(*(size.free_symbols for size in flow.shape))
        for count in itertools.count(len(self.loops) + 1):
            index = Symbol("l" if count == 1 else f"l_{count}", integer=True, nonnegative=True)
            if index not in taken:
                break
        return index

    def require(self, condition: Condition, path: str, always: bool = False) -> None:
        """Note a condition, of every copy that there is around it, or always."""
        if condition.relation == true or condition.relation in self.assumed:
            return
        loops = tuple(loop for loop in self.loops if condition.relation.has(loop.index)) if always else self.loops
        if (condition, loops) not in self.known:
            self.known.add((condition, loops))
            self.domain.append(DomainCondition(condition, path, loops))


class _Shapes:
    """What networks make of an input, shapes only; every question is answered once."""

    def __init__(self) -> None:
        self.known: dict[tuple[Network, Flow, frozenset[Boolean]], tuple[Flow, frozenset[str]] | LayerAlgebraError] = {}

    def of(
        self, net: Network, flow: Flow, assumed: frozenset[Boolean] = frozenset()
    ) -> Steps[tuple[Flow, frozenset[str]]]:
        """The output's shape where the relations `assumed` hold, and the layouts that would `matter` (see `_Walk`)."""
        asked = (net, flow, assumed)
        if asked not in self.known:
            try:
                walk = _ShapeWalk(ShapeCarrier(), self)
                walk.assumed = assumed
                made, _ = yield walk.begin(net, flow)
                self.known[asked] = made, walk.matter
            except LayerAlgebraError as error:
                self.known[asked] = error
        found = self.known[asked]
        if isinstance(found, LayerAlgebraError):
            raise found
        return found


class _ShapeWalk(_Walk[None]):
    """A walk that carries shapes and nothing else, so that a part is not walked again for an input that it has seen."""

    def begin(self, net: Network, flow: Flow) -> Any:
        return super().visit(net, (flow,), "")

    def visit(self, node: Network, flows: tuple[Flow, ...], path: str) -> Any:
        return (
            self._seen(node, flows[0])
            if len(flows) == 1 and isinstance(node, Composition)
            else super().visit(node, flows, path)
        )

    def _seen(self, node: Network, flow: Flow) -> Steps[tuple[Flow, None]]:
        made, matter = yield self.shapes.of(node, flow, self.assumed)
        self.matter |= matter
        return made, None


def _key(node: str, port: str | None) -> Any:
    """What arrives from a node of a graph, or from one of its outputs."""
    return node if port is None else (node, port)


def _under(path: str, name: object) -> str:
    return f"{path}.{name}" if path else str(name)


class _BeginsWithInput(Walk[bool]):
    def input(self, node: Input) -> bool:
        return True

    def series(self, node: Series) -> Any:
        return node.parts[0].accept(self)

    def otherwise(self, node: Network, *carried: Any, **named: Any) -> bool:
        return False


class _Takes(Walk[int]):
    def layer(self, node: Layer) -> int:
        return len(node.input_names)

    def series(self, node: Series) -> Any:
        return node.parts[0].accept(self)

    def shared(self, node: Shared) -> Any:
        return node.body.accept(self)

    def select(self, node: Selected) -> Any:
        return node.body.accept(self)

    def otherwise(self, node: Network, *carried: Any, **named: Any) -> int:
        return 1


def shape_of(net: Network, flow: Flow) -> Flow:
    """What a network makes of an input, shapes only."""
    made: tuple[Flow, frozenset[str]] = carried_out(_Shapes().of(net, flow))
    return made[0]


def evaluate_step(node: Network, shapes: Sequence[Shape], carrier: Carrier[T]) -> tuple[Shape, T, list[Boolean]]:
    """What one node of a graph makes of the shapes that arrive at it: the shape of its output, the carrier's value, what it needs of sizes."""
    walk, flows = _Walk(carrier), tuple(map(Flow, shapes))
    if isinstance(node, Join) and not node.branches:
        site = walk._joined(node, flows, "")
        return site.output.shape, carrier.join(site, [carrier.series([])] * len(flows)), []
    flow, value = carried_out(walk.visit(node, flows, ""))
    needed = [one.condition.relation for one in walk.domain if not one.all_loops]
    return flow.shape, walk._single(value, node), needed


def _stacks_by_layout(net: Network) -> bool:
    """Whether a join somewhere stacks along the channels, wherever these are."""
    return any(join.stacked_axis(2, "first") != join.stacked_axis(2, "last") for join in net.atoms(Join))


def begins_with_input(node: Network) -> bool:
    """Whether a node of a graph is one of its inputs, alone or at the beginning of a series."""
    return _BeginsWithInput().of(node)


def taken_by(node: Network) -> int:
    """How many arrows may arrive at a node of a graph."""
    return _Takes().of(node)


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
    output, value = carried_out(walk.visit(net, flows, ""))
    if isinstance(value, Outputs):
        if not carrier.fused:
            _ = output.shape  # which says what to write
        value = carrier.fuse([walk._single(own, net) for own in value.values()])  # type: ignore[attr-defined]
    return Evaluation(walk._single(value, net), output, walk.terms, walk.domain, walk.layout, walk.inputs)


def input_flows(on: object) -> tuple[Flow, ...]:
    """The inputs that ``on=`` describes: one shape, or a list of shapes."""
    if on is None:
        return ()
    if isinstance(on, Mapping) or isinstance(on, (str, bytes)) or not hasattr(on, "__iter__"):
        raise ShapeError(f"on takes a shape such as (3, 224, 224), got {shown(on)}")
    parts = as_elements(on, "on", most=MOST_INPUTS)
    if not parts:
        raise ShapeError("on takes at least one size, got ()")
    shapes = parts if any(isinstance(part, (tuple, list)) for part in parts) else [tuple(parts)]
    return tuple(Flow(are_sizes(shape, "on")) for shape in shapes)
