"""Carriers: what a leaf is worth to a metric, and how values combine.

=============  ==============================================
composition    rule of the carrier
=============  ==============================================
leaf           ``leaf(site, port)``
f >> g >> ...  ``series(values)``
f + g, f | g   ``join(site, values)``
f ** L         ``repeat(value, times, index)``, right from ``least_copies(value)`` copies on
graph          ``graph(...)``: by paths, or as a sum over nodes
shared         ``share(value, name, path)``
=============  ==============================================

`TotalCarrier` adds over nodes, `PathCarrier` follows paths; a new metric usually needs one of the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field
from typing import Any, Generic, TypeVar

from sympy import Expr, Not, Or, Symbol, sympify
from sympy.logic.boolalg import Boolean

from ..equations.instance import Instance, Shape
from ..errors import UnsupportedError
from ..formulas.conditions import Condition
from ..records import dataclass
from ..sizes.decisions import where_one
from .network import Join, Network

T = TypeVar("T")


@dataclass(frozen=True)
class Flow:
    """What arrives at a node: the shape of one example, and where its channels are (None while nothing has said so)."""

    shape: Shape
    channels: str | None = None

    @property
    def channel_axis(self) -> int:
        return len(self.shape) - 1 if self.channels == "last" else 0


class Flows(tuple[Flow, ...]):
    """What leaves a node of several outputs, and their names. Whoever asks it for one shape is told to choose."""

    names: tuple[str, ...]

    def __new__(cls, flows: Iterable[Flow], names: Sequence[str]) -> Flows:
        made = super().__new__(cls, flows)
        made.names = tuple(names)
        return made

    def chosen(self, names: Sequence[str]) -> Flow | Flows:
        """One of them, or some."""
        found = [self[self.names.index(name)] for name in names]
        return found[0] if len(found) == 1 else Flows(found, names)

    @property
    def shape(self) -> Shape:
        names = ", ".join(self.names)
        raise UnsupportedError(
            f"this network has several outputs ({names}), and one is asked for here\n"
            f"  write instead: net[{self.names[0]!r}], which is the same network with that output"
        )

    channels = channel_axis = shape


class Ends(tuple[Any, ...]):
    """Where the outputs of a graph come from, where several are read, and their names."""

    names: tuple[str, ...]

    def __new__(cls, ends: Iterable[Any], names: Sequence[str]) -> Ends:
        made = super().__new__(cls, ends)
        made.names = tuple(names)
        return made


def each(flow: Flow | Flows) -> tuple[Flow, ...]:
    """What enters the next part of a series."""
    return tuple(flow) if isinstance(flow, Flows) else (flow,)


@dataclass(frozen=True)
class Loop:
    """A symbolic repetition around a site, or an index of a condition: `index` runs from 0 to ``times - 1``."""

    index: Symbol
    times: Expr

    @property
    def somewhere(self) -> Boolean:
        """Where there is a copy."""
        return where_one(self.times)[0]


@dataclass(frozen=True)
class Site:
    """A leaf or a join where it stands: its path, what it is, what enters and leaves, and the repetitions around it.

    `output` is a `Flow`, or the `Flows` of a layer of several outputs for a carrier that adds over nodes; others are asked for one output.
    """

    path: str
    node: Network
    inputs: tuple[Flow, ...]
    output: Any
    instance: Instance | None = None
    loops: tuple[Loop, ...] = ()

    @property
    def join(self) -> Join:
        """The join that stands here."""
        assert isinstance(self.node, Join)
        return self.node

    @property
    def stacked_axis(self) -> int | None:
        """The axis along which the join puts its inputs one after the other; None if it takes them element by element."""
        axis = self.join.stacked_axis(len(self.output.shape), self.output.channels)
        return None if axis is None else axis % len(self.output.shape)


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

    @property
    def all_loops(self) -> tuple[Loop, ...]:
        """The repetitions around the place, and the indices for all of whose values the condition has to hold."""
        return (*self.loops, *(Loop(index, times) for index, times in self.condition.loops))

    def as_condition(self) -> Condition:
        """The condition with its place in its words, for every copy in which it has to hold."""
        relation = self.condition.relation
        words = f"{self.condition.meaning} at {self.path or 'the input'} ({relation})"
        kept = [loop for loop in self.all_loops if relation.has(loop.index)]
        for loop in self.all_loops:
            if loop not in kept and not loop.times.is_positive:
                relation = Or(relation, Not(loop.somewhere))
        return Condition(relation, words, tuple((loop.index, sympify(loop.times)) for loop in kept))


class Carrier(Generic[T]):
    """How one metric composes. `TotalCarrier` and `PathCarrier` fill in what most metrics share.

    `opaque` is the kind of what it makes of layers whose equation only says what depends on what; None: it makes nothing of them.
    `by_output` says whether it may follow several outputs of one layer one by one, as if each came from a layer of its own; `fused` whether
    those of a network are joined at the end.
    """

    opaque: str | None = None
    by_output: bool = False
    fused: bool = False
    of_equations: bool = False

    def leaf(self, site: Site, port: int) -> T:
        raise NotImplementedError

    def series(self, values: Sequence[T]) -> T:
        raise NotImplementedError

    def join(self, site: Site, values: Sequence[T]) -> T:
        raise NotImplementedError

    def repeat(self, value: T, times: Expr, index: Symbol | None) -> T:
        raise NotImplementedError

    def copies(self, values: Sequence[T]) -> T:
        """Copies of a repetition that are evaluated one by one, since they are not of one shape."""
        return self.series(values)

    def least_copies(self, value: T) -> int:
        """From how many copies on the rule of repetition holds: 0 where none are worth nothing by that rule, else 1."""
        return 1

    def graph(self, steps: Sequence["GraphStep[T]"], sink: Any) -> T:
        raise NotImplementedError

    def share(self, value: T, name: str, path: str) -> T:
        return value

    def source(self, site: Site) -> T:
        """The value of a layer without an input, such as a learned tensor."""
        raise NotImplementedError


@dataclass
class GraphStep(Generic[T]):
    """One node of a graph: its own values, one for each port, or the site of a join, and where its inputs come from."""

    name: Any
    sources: list[Any]
    values: list[T]
    join: Site | None = None


class TotalCarrier(Carrier[T]):
    """A carrier that adds over nodes, wherever they stand: every node counts once, on however many paths it lies."""

    def join(self, site: Site, values: Sequence[T]) -> T:
        return self.series([*values, self.joint(site)])

    def joint(self, site: Site) -> T:
        """What the joining itself is worth."""
        raise NotImplementedError

    def source(self, site: Site) -> T:
        return self.leaf(site, 0)

    def graph(self, steps: Sequence[GraphStep[T]], sink: Any) -> T:
        return self.series([step.values[0] if step.join is None else self.joint(step.join) for step in steps])


class PathCarrier(Carrier[T]):
    """A carrier whose joins absorb repetition (maximum, union, minimum), so that it can be folded along the paths of a graph."""

    def graph(self, steps: Sequence[GraphStep[T]], sink: Any) -> T:
        start = self.series([])
        arrived: dict[Any, T] = {}
        for step in steps:
            incoming = [arrived[source] for source in step.sources] or [start] * max(len(step.values), 1)
            if step.join is not None:
                arrived[step.name] = self.join(step.join, incoming)
                continue
            through = [self.series([before, own]) for before, own in zip(incoming, step.values)]
            arrived[step.name] = through[0] if len(through) == 1 else self.fuse(through)
        return arrived[sink]

    def source(self, site: Site) -> T:
        return self.series([])

    def fuse(self, values: Sequence[T]) -> T:
        """Join the ports of a layer with several inputs."""
        raise UnsupportedError("this metric has no rule for a layer with several inputs")


class ShapeCarrier(TotalCarrier[None]):
    """Carries nothing: shapes and conditions are what remains."""

    opaque = "exact"

    def least_copies(self, value: None) -> int:
        return 0

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
    output: Any
    terms: list[Term[T]] = field(default_factory=list)
    domain: list[DomainCondition] = field(default_factory=list)
    layout: str | None = None
    inputs: list[Flow] = field(default_factory=list)


class Composed:
    """Equations put together that are no network themselves, such as a backward pass; metrics that add over layers count them."""

    free_symbols: Any

    def evaluated_by(self, carrier: Carrier[T]) -> Evaluation[T]:
        """What a carrier makes of the equations."""
        raise NotImplementedError


@dataclass
class Ports(Generic[T]):
    """The values of a layer with several inputs, one for each, until a graph or a series takes them."""

    values: list[T]


class Outputs(dict[str, Any]):
    """The values of a node of several outputs by their names, each a value or the `Ports` of one."""
