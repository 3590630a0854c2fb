"""The receptive field: what one position of the output sees of the input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sympy import Expr, Integer, Not, Or, Symbol, false, true
from sympy.logic.boolalg import Boolean

from ..derivations.metric import Metric
from ..equations.reach.axis import AxisReach, Reach, identity, identity_of, joined
from ..equations.reach.borders import span
from ..equations.reach.branches import broadcast, union
from ..equations.reach.ends import constant
from ..equations.reach.repetition import power
from ..equations.reach.series import compose
from ..equations.receptive_field import layer_reach
from ..errors import UnsupportedError
from ..formulas.conditions import Condition
from ..networks.carrier import DomainCondition, Evaluation, Flow, PathCarrier, Site, Term
from ..networks.layer import Layer
from ..records import dataclass
from ..sizes.decisions import equal


@dataclass(frozen=True)
class ReceptiveField:
    """Along every spatial axis of the input: how many positions one output sees, how far neighbours' fields are apart, and where the
    field of the first output starts (negative in the padding).

    `covers_input` says whether every output position that reads the input depends on all positions of an axis, as after global pooling,
    flatten and a linear layer, or attention; None, where that depends on sizes that are symbols, or is not decided. Where no positions
    are left, the figures are those of the last map that had some, unless that is the input itself; beside factors that see everything, as in
    squeezing blocks, they are those of the other factors. Learned tokens that stand beside positions are not padding.

    `kind` is `exact` where the field of every output is that of the first one, moved on by whole jumps, or where one end stays and the other
    moves on with the output, as behind a recurrence: then `size` is that of the widest. It is `upper` where fields lie otherwise, as behind
    upsampling: then none is wider than `size`, and `jump` is the step on average.
    """

    size: tuple[Expr, ...]
    jump: tuple[Expr, ...]
    start: tuple[Expr, ...]
    covers_input: tuple[bool | None, ...] = ()
    kind: str = "exact"

    def map_expressions(self, function: Any) -> "ReceptiveField":
        size, jump, start = (tuple(map(function, parts)) for parts in (self.size, self.jump, self.start))
        return replace(self, size=size, jump=jump, start=start)


class ReachCarrier(PathCarrier[Reach | None]):
    """The affine monoid of reaches; None is the identity of any rank."""

    opaque = "upper"
    by_output = True

    def leaf(self, site: Site, port: int) -> Reach:
        assert site.instance is not None
        reach = layer_reach(site.instance, port)
        opaque = isinstance(site.node, Layer) and site.node.opaque
        return tuple(own.changed(exact=False, covered=None) for own in reach) if opaque else reach

    def series(self, values: Sequence[Reach | None]) -> Reach | None:
        made: Reach | None = None
        for value in values:
            made = value if made is None else made if value is None else compose(made, value)
        return made

    def source(self, site: Site) -> Reach | None:
        return ()

    def join(self, site: Site, values: Sequence[Reach | None]) -> Reach | None:
        wanted = site.output.shape
        pairs = [(value, flow) for value, flow in zip(values, site.inputs) if value != ()]
        if not pairs:  # no branch depends on an input
            return ()
        reaches = [identity(len(flow.shape), flow.shape) if value is None else value for value, flow in pairs]
        axis = site.stacked_axis
        if axis is None:
            reaches = [broadcast(reach, flow.shape, wanted) for reach, (_, flow) in zip(reaches, pairs)]
        elif axis != site.output.channel_axis:
            reaches = [_shifted(reach, axis) for reach in reaches]
        else:
            reaches = [_through_any(reach, flow) for reach, (_, flow) in zip(reaches, pairs)]
        return union(reaches, wanted, stacked=axis is not None)

    def fuse(self, values: Sequence[Reach | None]) -> Reach | None:
        known = [value for value in values if value]
        if not known:
            return None if None in values else ()
        return union(known) if len({len(value) for value in known}) == 1 else known[0]

    def least_copies(self, value: Reach | None) -> int:
        return 0

    def repeat(self, value: Reach | None, times: Expr, index: Symbol | None) -> Reach | None:
        return None if value is None else power(value, times, index)


def _through_any(reach: Reach, output: Flow) -> Reach:
    """After concatenation of channels that hold positions, as those of Flatten: what the channels of one branch see together."""
    return tuple(
        through.changed(exact=False) if any(digit.axis == output.channel_axis for digit in own.digits) else through
        for own, through in zip(reach, _of_positions(reach, output))
    )


def _shifted(reach: Reach, axis: int) -> Reach:
    """After concatenation along an axis that holds positions, the position there no longer tells where the input was."""
    return tuple(_anywhere(own) if any(digit.axis == axis for digit in own.digits) else own for own in reach)


def _anywhere(own: AxisReach) -> AxisReach:
    """All that any output reads; what is told is what one of them did."""
    low, high = span(own)
    if own.extent is not None:
        low, high = low if low is not None else Integer(0), high if high is not None else own.extent - 1
    if low is None or high is None:
        raise UnsupportedError("branches put one after another along an axis of unknown size have no receptive field")
    return own.changed(
        low=constant(low),
        high=constant(high),
        exact=False,
        gap=None,
        run=None,
        covered=None,
        last=own.changed(exact=False),
    )


def _spatial_axes(evaluation: Evaluation[Any], rank: int) -> list[int]:
    if evaluation.layout == "last":
        return list(range(rank - 1))
    if evaluation.layout == "all":
        return list(range(rank))
    return list(range(1, rank))


def _of_positions(reach: Reach, output: Flow) -> Reach:
    """What a position of the output sees through all its channels."""
    channels, shape = output.channel_axis, output.shape
    if channels is None or not any(digit.axis == channels for own in reach for digit in own.digits):
        return reach
    every = (joined(size) if axis == channels else identity_of(axis, size) for axis, size in enumerate(shape))
    return tuple(through if own.moves else own for own, through in zip(reach, compose(reach, tuple(every))))


def _shown_axes(evaluation: Evaluation[Reach | None]) -> dict[int, AxisReach]:
    """The spatial axes of the input with their reaches."""
    rank = len(evaluation.inputs[0].shape) if evaluation.inputs else 0
    reach = (
        evaluation.value
        if evaluation.value is not None
        else identity(rank, evaluation.inputs[0].shape if rank else None)
    )
    reach = _of_positions(reach, evaluation.output)
    return {axis: reach[axis] for axis in _spatial_axes(evaluation, rank) if axis < len(reach)}


def _field(evaluation: Evaluation[Reach | None]) -> ReceptiveField:
    reaches = _shown_axes(evaluation)
    shown = {axis: reach.shown for axis, reach in reaches.items()}
    return ReceptiveField(
        tuple(own.size for own in shown.values()),
        tuple(own.jump(axis) for axis, own in shown.items()),
        tuple(own.low.offset for own in shown.values()),
        tuple(reach.whole for reach in reaches.values()),
        "exact" if all(own.even for own in shown.values()) else "upper",
    )


def _conditions(evaluation: Evaluation[Reach | None]) -> list[DomainCondition]:
    """Where the last map that had positions may be the input itself, so that another one is told of, it must not be."""
    found: dict[Boolean, None] = {}
    for axis, reach in _shown_axes(evaluation).items():
        while reach.gated and reach.last is not None:
            reach = reach.last
        last = reach.last
        if last is None or reach.shown is not last:
            continue
        jump = equal(last.jump(axis), 1)
        same = (jump, equal(last.size, 1), equal(last.low.offset, 0)) if last.even else (jump,)
        if (differs := Or(*map(Not, same))) not in (true, false):
            found[differs] = None
    meaning = "the field told is that of the last map that had positions, which is not the input itself"
    return [DomainCondition(Condition(relation, meaning), "the network") for relation in found]


def _term(term: Term[Reach | None]) -> tuple[Expr, ...]:
    """What one layer sees of its own input, along the axes that are not its channels."""
    if not term.value:
        return ()
    layer: Any = term.site.node
    flow, takes = term.site.inputs[0], layer.layout[0]
    channels = None if takes == "all" else Flow(flow.shape, takes or flow.channels).channel_axis
    return tuple(axis.size for place, axis in enumerate(term.value) if place != channels)


receptive_field: Metric[ReceptiveField] = Metric(
    name="receptive_field",
    title="receptive field",
    unit="positions of the input",
    carrier=ReachCarrier,
    finish=_field,
    conditions=_conditions,
    kind=lambda evaluation, formula: formula.kind,
    term=lambda term: _term(term),
    source="affine monoid of the access maps; branches give the union of their intervals",
    of_outputs=True,
    documentation="""The receptive field of one output position, along each spatial axis of the input.

    The size is not cut at the border of the input, and the padding counts, as usual.

    Parameters
    ----------
    net : Network
    on : shape, optional
        What enters an open network.

    Returns
    -------
    ReceptiveField
        With `size`, `jump`, `start` and `covers_input`, each a tuple over the spatial axes.

    Raises
    ------
    FieldError
        If `net` is no network, or an option is unknown.
    ShapeError
        If nothing enters an open network, or sizes do not fit.
    GraphError
        If both `on` and an `Input` say what enters.

    Examples
    --------
    >>> from layeralgebra import Conv, dims, receptive_field
    >>> k, s, L = dims("k s L")
    >>> receptive_field(Conv(8, 3, padding=1) ** L, on=(8, 32)).size
    (2*L + 1,)
    """,
)
