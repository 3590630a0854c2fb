"""Capacity propagation along positions: a carrier whose values are walks, with symbolic taps, sizes and depth.

What a layer does along each axis is read from the address under which it reads its input: ``stride*i + dilation*u`` is a
window over u, a plain index leaves positions as they are, and a sum over all positions ends them. How much each branch
of a sum weighs is the second moment of what leaves it (`second_moments`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

from sympy import Add as SymAdd
from sympy import Expr, Integer, Mul, Symbol, sympify

from ...equations.affine import affine
from ...equations.heads import Pad, Read, Reduce, address_indices, walk
from ...errors import ShapeError, UnsupportedError
from ...linear.layer_maps import attended
from ...linear.monomials import LINEAR, expand, kinds_of_tensors, not_linear
from ...networks.carrier import Carrier, GraphStep, Site
from ...records import dataclass
from ...sizes.dims import Index
from ...sizes.normal_form import simplify
from .elementwise import bends, function_of, is_activation
from .generating_functions import KernelWalk, _flatten
from .second_moments import (
    Applied,
    Averaged,
    Copies,
    Joined,
    Place,
    Signal,
    Stage,
    Unknown,
    Weighted,
    all_weights,
    called,
    independent,
    known,
    leaving,
)
from .spread import Spread, stacked, uniform

WIDEST = 400
"""The most offsets of a walk whose whole law is kept."""

_ONE = Integer(1)


@dataclass(frozen=True)
class Walk:
    """Where capacity goes along the positions: of each axis the spread, and the whole law where it is small enough.

    `stages` are the steps of the branch, from which its second moment follows; `taken` is the share of the other
    branches in a sum with the identity, `merged` the extents of positions that have become features.
    """

    spreads: tuple[Spread, ...] | None = None
    kernel: KernelWalk | None = None
    stages: tuple[Stage, ...] = ()
    taken: Expr | None = None
    merged: tuple[Expr, ...] | None = None

    def at_rank(self, rank: int) -> Walk:
        """With the identity made explicit."""
        if self.spreads is not None:
            return self
        return replace(self, spreads=(Spread(),) * rank, kernel=KernelWalk.still(rank) if rank else None)

    def same_as(self, other: Walk) -> bool:
        """Whether both are one and the same branch."""
        return self.stages == other.stages and self.spreads == other.spreads

    def law(self) -> KernelWalk | None:
        """The whole law, with its strength where that is known."""
        signal = leaving(self.stages)
        if self.kernel is None or signal.unknown:
            return self.kernel
        return KernelWalk(self.kernel.shares, signal.moment, self.kernel.jump)


class WalkCarrier(Carrier[Walk]):
    """Walks along the positions.

    Parameters
    ----------
    taps : mapping of str to nested sequence
        Weights by their names, numbers or expressions (``*`` for the number of a copy stands for all of them, as in
        ``"*.1.W"``); for those that are not named, taps bring equal variance on average.
    bias : number or Expr
        The squared bias of a layer that has one, relative to what its weights bring; for weights that are not named.
    amplitude : callable, optional
        A factor of weights, by their names. Then second moments travel along everywhere, and biases take of a branch what
        is theirs of its second moment; otherwise every layer is taken to see inputs of unit variance.
    small : Symbol, optional
        What goes to zero in the amplitudes.
    """

    def __init__(
        self,
        taps: Mapping[str, Any],
        bias: Any = 0,
        amplitude: Callable[[str], Expr] | None = None,
        small: Symbol | None = None,
    ):
        self.taps, self.bias = dict(taps), sympify(bias, strict=True)
        self.amplitude, self.start = amplitude, Signal(small=small)
        self.used: set[str] = set()
        self.names: list[str] = []

    def key(self, site: Site, name: str) -> str | None:
        """The name under which weights are given, if they are."""
        own = name_of(site, name).split(".")
        for given in self.taps:
            parts = given.split(".")
            if len(parts) == len(own) and all(
                one == two or (one == "*" and (two == "*" or two.isdigit())) for one, two in zip(parts, own)
            ):
                self.used.add(given)
                return given
        return None

    def factor(self, site: Site, name: str) -> Expr:
        """The square of the factor of a weight."""
        found = name_of(site, name)
        if found not in self.names:
            self.names.append(found)
        return _ONE if self.amplitude is None else self.amplitude(found) ** 2

    def leaf(self, site: Site, port: int) -> Walk:
        assert site.instance is not None
        if len(site.inputs) != 1:
            raise UnsupportedError(
                f"{site.node} has {len(site.inputs)} inputs; capacity propagates through layers with one"
            )
        if site.node.is_identity:
            return Walk()
        if is_activation(site.instance):
            return Walk(stages=(Applied(function_of(site.instance)),))
        if bends(site.instance):
            names = tuple(name_of(site, name) for name in site.instance.weights())
            return Walk(stages=(Unknown(f"{site.node} learns its slopes", names),))
        return _Positions(site, self).walk()

    def series(self, values: Sequence[Walk]) -> Walk:
        result = Walk()
        for value in values:
            result = _after(result, value)
        return result

    def join(self, site: Site, values: Sequence[Walk]) -> Walk:
        factors = site.join.coefficients(len(values))
        if factors is None:
            raise UnsupportedError(
                f"capacity has no rule for {site.join.noun}: what one branch hands on depends on the other"
            )
        rank = max(
            (len(value.spreads) for value in values if value.spreads is not None), default=len(site.output.shape) - 1
        )
        axis = site.stacked_axis
        if axis is not None:
            if axis != site.output.channel_axis:
                raise UnsupportedError(
                    "branches that are concatenated along positions are no walk; give weights for a matrix"
                )
            total = site.output.shape[axis]
            portions = [flow.shape[axis] / total for flow in site.inputs]
            stage = Joined(tuple(v.stages for v in values), _weighed(portions), stacked=True)
            return _mixture([value.at_rank(rank) for value in values], portions, (stage,))
        if any(flow.shape != site.output.shape for flow in site.inputs):
            raise UnsupportedError("capacity has no rule for a sum that is broadcast")
        terms = independent(list(zip(factors, values)))
        stage = Joined(tuple(value.stages for _, value in terms), _weighed([factor**2 for factor, _ in terms]))
        signals = [leaving(value.stages, self.start) for _, value in terms]
        known(signals)
        moments = [factor**2 * signal.moment for (factor, _), signal in zip(terms, signals)]
        strength = SymAdd(*moments)
        parts = [value.at_rank(rank) for _, value in terms]
        if self.amplitude is not None:
            # What goes to biases is told from the second moments, not layer by layer.
            parts = [_whole(part) for part in parts]
            moments = [factor**2 * signal.passed for (factor, _), signal in zip(terms, signals)]
        made = _mixture(parts, [moment / strength for moment in moments], (stage,))
        kept = [moment for moment, (_, value) in zip(moments, terms) if not value.stages]
        return replace(made, taken=((strength - kept[0]) / strength).cancel()) if kept else made

    def repeat(self, value: Walk, times: Expr, index: Symbol | None) -> Walk:
        stages: tuple[Stage, ...] = (Copies(value.stages, times),) if value.stages else ()
        if index is not None and index in sympify(leaving(value.stages, self.start).moment).free_symbols:
            names = tuple(all_weights(value.stages))
            stages = (Unknown("the gain of these copies changes from one to the next", names),)
        if value.spreads is None:
            return replace(value, stages=stages)
        varies = index is not None and any(
            any(part.has(index) for part in (s.variance, s.jump, s.mean, s.mass)) for s in value.spreads
        )
        if varies:
            assert index is not None
            if times.is_Integer:
                parts = [
                    Walk(tuple(_at(spread, index, number) for spread in value.spreads or ()))
                    for number in range(int(times))
                ]
                return replace(self.series(parts), stages=stages)
            spreads = tuple(stacked(s.variance, s.jump, index, times, s.mean, s.mass) for s in value.spreads)
            return Walk(spreads, None, stages)
        kernel = value.kernel
        if kernel is not None and times.is_Integer and len(kernel.shares) * int(times) <= WIDEST and kernel.rank == 1:
            return Walk(tuple(s.power(times) for s in value.spreads), kernel.power(int(times)), stages)
        return Walk(tuple(s.power(times) for s in value.spreads), None, stages)

    def share(self, value: Walk, name: str, path: str) -> Walk:
        return replace(value, stages=tuple(called(stage, name) for stage in value.stages))

    def graph(self, steps: Sequence[GraphStep[Walk]], sink: str) -> Walk:
        arrived: dict[str, Walk] = {}
        places: list[Place] = []
        for step in steps:
            incoming = [arrived[source] for source in step.sources] or [Walk()]
            made = self.join(step.join, incoming) if step.join is not None else _after(incoming[0], step.values[0])
            arrived[step.name] = replace(made, stages=(Place(made.stages, places),)) if made.stages else made
        return arrived[sink]

    def source(self, site: Site) -> Walk:
        raise UnsupportedError(f"{site.node} has no input, so no capacity goes through it")


def name_of(site: Site, name: str) -> str:
    """The name of a weight, with ``*`` for the numbers of copies."""
    path = site.path
    for loop in site.loops:
        path = path.replace(f"[{loop.index}]", ".*", 1).removeprefix(".")
    return f"{path}.{name}" if path else name


def _weighed(factors: Sequence[Expr]) -> Callable[[Sequence[Any]], Any]:
    return lambda values: SymAdd(*(factor * value for factor, value in zip(factors, values)))


def _at(spread: Spread, index: Symbol, number: int) -> Spread:
    where = {index: Integer(number)}
    return Spread(*(part.xreplace(where) for part in (spread.mean, spread.variance, spread.jump, spread.mass)))


def _after(first: Walk, second: Walk) -> Walk:
    """In series. Layers behind the one in which positions end change nothing any more."""
    stages = first.stages + second.stages
    taken = second.taken if first.taken is None else first.taken
    if first.taken is not None and second.taken is not None:
        taken = first.taken + second.taken - first.taken * second.taken
    merged = second.merged or first.merged
    if second.spreads is None:
        return Walk(first.spreads, first.kernel, stages, taken, merged)
    if first.merged and not second.spreads:
        # Weights of features that were positions: all of them alike, on average.
        return _after(replace(first, merged=None), Walk(*_all_of(first.merged), second.stages))
    if first.spreads is not None and not second.spreads:
        return Walk(first.spreads, first.kernel, stages, taken)
    if first.spreads is None:
        return Walk(second.spreads, second.kernel, stages, taken, merged)
    if len(first.spreads) != len(second.spreads):
        raise ShapeError(f"layers with {len(first.spreads)} and {len(second.spreads)} axes of positions do not compose")
    spreads = tuple(one >> two for one, two in zip(first.spreads, second.spreads))
    kernel = None
    if first.kernel is not None and second.kernel is not None:
        if len(first.kernel.shares) * len(second.kernel.shares) <= 50 * WIDEST:
            kernel = first.kernel >> second.kernel
            kernel = kernel if len(kernel.shares) <= WIDEST else None
    return Walk(spreads, kernel, stages, taken, merged)


def _all_of(extents: Sequence[Expr]) -> tuple[tuple[Spread, ...], KernelWalk | None]:
    """The walk to any position with equal shares."""
    spreads = tuple(uniform(extent) for extent in extents)
    count = Mul(*extents)
    if not (count.is_Integer and count <= WIDEST):
        return spreads, None
    places = product(*(range(int(extent)) for extent in extents))
    return spreads, KernelWalk({place: 1 / count for place in places})


def _whole(part: Walk) -> Walk:
    """Of what does not go to biases."""
    kernel = part.kernel
    if kernel is not None:
        kernel = KernelWalk({offset: share / kernel.mass for offset, share in kernel.shares.items()}, 1, kernel.jump)
    return replace(part, spreads=tuple(replace(s, mass=_ONE) for s in part.spreads or ()), kernel=kernel)


def _mixture(parts: Sequence[Walk], portions: Sequence[Expr], stages: tuple[Stage, ...]) -> Walk:
    """Means and variances of a mixture: each part counts with its portion of what reaches the inputs."""
    spreads = []
    assert all(part.spreads is not None for part in parts)
    for column in zip(*(part.spreads for part in parts if part.spreads is not None)):
        if any(simplify(spread.jump - column[0].jump) != 0 for spread in column):
            raise ShapeError(
                f"branches with strides {', '.join(str(s.jump) for s in column)} do not meet at the same positions"
            )
        mass = SymAdd(*(portion * s.mass for portion, s in zip(portions, column)))
        share = [portion * s.mass / mass for portion, s in zip(portions, column)]
        mean = SymAdd(*(p * s.mean for p, s in zip(share, column))).cancel()
        square = SymAdd(*(p * (s.variance + s.mean**2) for p, s in zip(share, column)))
        spreads.append(Spread(mean, (square - mean**2).cancel(), column[0].jump, mass.cancel()))
    kernel = None
    if all(part.kernel is not None for part in parts):
        shares: dict[Any, Expr] = {}
        for portion, part in zip(portions, parts):
            assert part.kernel is not None
            for offset, share_ in part.kernel.shares.items():
                shares[offset] = shares.get(offset, Integer(0)) + portion * share_
        assert parts[0].kernel is not None
        kernel = KernelWalk(shares, 1, parts[0].kernel.jump) if shares else None
    return Walk(tuple(spreads), kernel, stages)


class _Positions:
    """One layer along its positions: the taps that each axis is read through."""

    def __init__(self, site: Site, carrier: WalkCarrier):
        assert site.instance is not None
        self.site, self.carrier, self.instance = site, carrier, site.instance
        self.kinds = kinds_of_tensors(site.instance)

    def walk(self) -> Walk:
        flow, takes = self.site.inputs[0], self.instance.layer.layout[0]
        channel = flow.channel_axis if takes is None else len(flow.shape) - 1 if takes == "last" else 0
        axes = [axis for axis in range(len(flow.shape)) if axis != channel] if len(flow.shape) > 1 else []
        shifts = {axis: Integer(0) for axis in axes}
        current = self.instance.layer.input_names[0]
        made: list[tuple[Read, int]] = []
        for place in self.instance.live:
            statement = self.instance.statements[place]
            if self.kinds[statement.target] != LINEAR:
                continue
            if isinstance(statement.value, Pad):
                if len(statement.value.widths) != len(flow.shape):
                    raise UnsupportedError(
                        f"{self.site.node}: {statement.target} has a margin and other axes than the input; give weights for a matrix"
                    )
                for axis in axes:
                    shifts[axis] = shifts[axis] - statement.value.widths[axis][0]
                current = statement.target
                continue
            read = [h for h in walk(statement.value) if isinstance(h, Read) and h.tensor == current]
            if len({r.address for r in read}) != 1:
                raise UnsupportedError(
                    f"{self.site.node}: a line that reads {current} in several ways is no walk; give weights for a matrix"
                )
            made.append((read[0], place))
            current = statement.target
        if self.instance.recurrent or attended(self.instance):
            raise UnsupportedError(f"{self.site.node} is no walk along positions; give its weights for a matrix")
        self._linear()
        if self._flattens(axes):
            rank = len(axes)
            extents = tuple(flow.shape[axis] for axis in axes)
            return Walk((Spread(),) * rank, KernelWalk.still(rank), (self._stage(None),), None, extents)
        for entry, place in made:
            if self.instance.masks(place):
                raise self._elsewhere()
            seen = {i for axis in axes if axis < len(entry.address) for i in address_indices(entry.address[axis])}
            for part in self.instance.statements[place].address:
                if not isinstance(part, Index) and seen & set(address_indices(part)):
                    raise UnsupportedError(f"{self.site.node} rearranges positions; give its weights for a matrix")
        moving = [(read, place) for read, place in made if self._moves(read, place, axes)]
        weights = self._weight()
        stages = (self._stage(weights),)
        if not axes:
            return Walk(None if not self.instance.weights() else (), None, stages)
        if not moving:
            mass = self._mass(weights)
            still = KernelWalk({(0,) * len(axes): mass})
            if not self.instance.weights():
                return Walk(stages=stages)
            return Walk(tuple(Spread(mass=mass) for _ in axes), still, stages)
        if len(moving) > 1:
            raise UnsupportedError(
                f"{self.site.node} moves along positions in several lines; give its weights for a matrix"
            )
        return self._moved(*moving[0], axes, shifts, weights, stages)

    def _flattens(self, axes: Sequence[int]) -> bool:
        """Whether all positions become features, without anything else."""
        statement = self.instance.statements[self.instance.places[self.instance.root]]
        return bool(
            axes
            and not self.instance.weights()
            and len(self.instance.live) == 1
            and isinstance(statement.value, Read)
            and len(statement.address) == 1
            and all(isinstance(part, Index) for part in statement.value.address)
        )

    def _linear(self) -> None:
        """Refuse what is neither linear nor the largest of a window: where its capacity goes depends on the input."""
        for place in self.instance.live:
            value = self.instance.statements[place].value
            largest = isinstance(value, Reduce) and value.operation in ("max", "min") and isinstance(value.body, Read)
            if not largest and not isinstance(value, Pad):
                if any(
                    sum(self.kinds[read.tensor] == LINEAR for read in monomial.reads) > 1
                    for monomial in expand(value, lambda name: self.kinds[name], str(self.site.node))
                ):
                    raise not_linear(str(self.site.node), "a product")

    def _elsewhere(self) -> UnsupportedError:
        return UnsupportedError(
            f"{self.site.node} sums over other inputs at every place; give its weights for a matrix"
        )

    def _window(self, index: Index, place: int) -> tuple[Expr, Expr, dict[Index, Expr]]:
        """How many values an index takes at every place, the first, and how that moves with the place."""
        low, high = self.instance.elaborated.ranges.get(index, (Integer(0), self.instance.extents[place][index]))
        form, count = affine(sympify(low)), simplify(sympify(high) - sympify(low))
        if form is None or address_indices(count) or len(form[0]) > 1:
            raise self._elsewhere()
        return count, form[1], form[0]

    def _moves(self, read: Read, place: int, axes: Sequence[int]) -> bool:
        address = self.instance.statements[place].address
        return any(
            not (isinstance(read.address[axis], Index) and read.address[axis] in address)
            for axis in axes
            if axis < len(read.address)
        )

    def _moved(
        self,
        read: Read,
        place: int,
        axes: Sequence[int],
        shifts: Mapping[int, Expr],
        weights: Any,
        stages: tuple[Stage, ...],
    ) -> Walk:
        target = {i for part in self.instance.statements[place].address for i in address_indices(part)}
        spreads, kernels = [], []
        taps_of_axis: list[Index | None] = []
        mass = self._mass(weights)
        for axis in axes:
            part = read.address[axis]
            form = affine(part) if isinstance(part, Expr) else None
            if form is None:
                raise UnsupportedError(f"{self.site.node} rearranges positions; give its weights for a matrix")
            steps = {index: step for index, step in form[0].items() if index in target}
            taps = {index: step for index, step in form[0].items() if index not in target}
            if len(steps) > 1 or len(taps) > 1:
                raise UnsupportedError(
                    f"{self.site.node} reads one axis through several indices; give its weights for a matrix"
                )
            jump = next(iter(steps.values()), _ONE)
            start = form[1] + shifts[axis]
            if not taps:
                spreads.append(Spread(start, Integer(0), jump, mass))
                kernels.append([(start, _ONE)])
                taps_of_axis.append(None)
                continue
            ((index, dilation),) = taps.items()
            taps_of_axis.append(index)
            count, first, along = self._window(index, place)
            if along:
                if steps or not along.keys() <= target:
                    raise self._elsewhere()
                jump = dilation * next(iter(along.values()))
            start = start + dilation * first
            one = uniform(count, stride=1, dilation=1)
            spreads.append(
                Spread(simplify(one.mean * dilation + start), simplify(one.variance * dilation**2), jump, mass)
            )
            kernels.append(
                [(start + dilation * tap, 1 / count) for tap in range(int(count))]
                if count.is_Integer and count <= WIDEST else []
            )  # fmt: skip
        jumps = tuple(spread.jump for spread in spreads)
        if weights is not None and weights[2] is not None:
            return self._given(weights, taps_of_axis, read, axes, shifts, jumps, stages)
        shares: dict[tuple[Expr, ...], Expr] = {(): mass}
        for kernel in kernels:
            shares = {(*offset, place_): share * own for offset, share in shares.items() for place_, own in kernel}
            if len(shares) > WIDEST:
                shares = {}
        return Walk(tuple(spreads), KernelWalk(shares, 1, jumps) if shares else None, stages)

    def _weight(self) -> tuple[str, tuple[Expr, ...], Any, Any] | None:
        """The learned tensor that multiplies the input: its name, shape, values if they are given, and those of a bias."""
        names = list(self.instance.weights())
        if not names:
            return None
        values, bias = None, None
        for place, name in enumerate(names):
            key = self.carrier.key(self.site, name)
            if key is not None:
                if place == 0:
                    values = _nested(self.carrier.taps[key])
                else:
                    bias = SymAdd(*(v**2 for v in _nested(self.carrier.taps[key]).values()))
        return names[0], self.instance.shapes[names[0]], values, bias

    def _outputs(self, weights: Any) -> Expr:
        """How many outputs share the weights that are given: strengths are means over them."""
        for place, statement in enumerate(self.instance.statements):
            target = {i for part in statement.address for i in address_indices(part)}
            for head in walk(statement.value):
                if isinstance(head, Read) and head.tensor == weights[0]:
                    own = [part for part in head.address if isinstance(part, Index) and part in target]
                    return Mul(*(self.instance.extents[place][index] for index in own))
        return _ONE

    def _stage(self, weights: Any) -> Stage:
        """What the layer does to second moments."""
        names = tuple(name_of(self.site, name) for name in self.instance.weights())
        if any(
            isinstance(h, Reduce) and h.operation in ("max", "min")
            for s in self.instance.statements
            for h in walk(s.value)
        ):
            return Unknown(f"the second moment of the largest in a window of {self.site.node} is not known", names)
        if weights is None:
            return self._averaged()
        factors = [self.carrier.factor(self.site, name) for name in self.instance.weights()]
        first, second = factors[0], (factors[1] if len(factors) > 1 else Integer(0))
        statistics = "buffer" in self.instance.roles.values()
        if weights[2] is None:
            relative = self.carrier.bias * second
            return Weighted(names, lambda v: first * v, lambda v: relative * v, statistics)
        count = self._outputs(weights)
        brought = first * SymAdd(*(value**2 for value in weights[2].values())) / count
        return Weighted(names, lambda v: brought * v, second * (weights[3] or Integer(0)) / count, statistics)

    def _averaged(self) -> Stage:
        """A layer without weights: the sum of the squares of what each number is multiplied by."""
        factor, moves = _ONE, True
        for place in self.instance.live:
            statement = self.instance.statements[place]
            if self.kinds[statement.target] != LINEAR or isinstance(statement.value, Pad):
                continue
            monomials = expand(statement.value, lambda name: self.kinds[name], str(self.site.node))
            if len(monomials) != 1 or monomials[0].known:
                return Unknown(f"what {self.site.node} does to the size of numbers is not known")
            (only,) = monomials
            factor *= only.constant**2 * Mul(*(self._window(index, place)[0] for index in only.sums))
            factor /= Mul(*(self._window(index, place)[0] for group in only.means for index in group))
            moves = moves and only.constant == 1 and not only.reduced()
        return Averaged(lambda v: factor * v, moves)

    def _mass(self, weights: Any) -> Expr:
        """The share that the bias does not take."""
        if weights is None:
            return _ONE
        if weights[2] is None:
            return 1 / (1 + self.carrier.bias) if len(self.instance.weights()) > 1 else _ONE
        kept = SymAdd(*(value**2 for value in weights[2].values()))
        return (kept / (kept + (weights[3] or 0))).cancel()

    def _given(
        self,
        weights: Any,
        taps: Sequence[Index | None],
        read: Read,
        axes: Sequence[int],
        shifts: Any,
        jumps: Any,
        stages: tuple[Stage, ...],
    ) -> Walk:
        """The walk of given taps; several channels count together."""
        factor = next(
            head for statement in self.instance.statements for head in walk(statement.value)
            if isinstance(head, Read) and head.tensor == weights[0]
        )  # fmt: skip
        depth = len(factor.address)
        values: dict[tuple[int, ...], Expr] = weights[2]
        if any(len(place) != depth for place in values):
            raise ShapeError(
                f"the weights {weights[0]} of {self.site.node} have {depth} axes, those given have {len(next(iter(values)))}"
            )
        position = [factor.address.index(tap) if tap is not None else None for tap in taps]
        forms = [affine(read.address[axis]) for axis in axes]
        total = SymAdd(*(v**2 for v in values.values()), weights[3] or 0)
        shares: dict[tuple[Expr, ...], Expr] = {}
        for place, value in values.items():
            offset = []
            for axis, tap, where, form in zip(axes, taps, position, forms):
                assert form is not None
                offset.append(
                    shifts[axis]
                    + form[1]
                    + (form[0][tap] * place[where] if tap is not None and where is not None else 0)
                )
            key = tuple(offset)
            shares[key] = shares.get(key, Integer(0)) + value**2 / total
        kernel = KernelWalk({offset: share for offset, share in shares.items() if share != 0}, 1, jumps)
        return Walk(tuple(kernel.spread(axis) for axis in range(len(axes))), kernel, stages)


def _nested(values: Any) -> dict[tuple[int, ...], Expr]:
    return _flatten(values)
