"""Bounds on the VC dimension of a network of piecewise-linear units, folded from its layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field, replace
from functools import partial, reduce
from typing import TYPE_CHECKING, Any

from sympy import Add, Expr, Integer, Mul, Symbol, true
from sympy.logic.boolalg import Boolean

from ..arguments import shown
from ..derivations.metric import Metric
from ..errors import BudgetError, FieldError, UnsupportedError
from ..formulas.conditions import Condition
from ..networks.carrier import DomainCondition, Evaluation, GraphStep, PathCarrier, Site
from ..records import dataclass

if TYPE_CHECKING:
    from ..regions.vc_bounds import LayerSums
    from ..regions.weight_degrees import Degree, LayerDegrees

BOUNDS = ("explicit", "implicit", "lower")
MOST_LEVELS = 4096
"""Levels of a repetition are listed up to so many; more of them are summed up, as those of symbolic depth are."""
MOST_HELD = 10_000
"""Levels and weights that one copy of a repetition may hold, so that repetitions inside each other do not go on doubling them."""
Key = tuple[str, ...]
#: Learned tensors with their sizes; one that is shared under a name has the same key wherever it stands.
Weights = tuple[tuple[Key, Expr], ...]
#: Units, the weights since the level before, and the degree in the weights of what the units compare.
Level = tuple[Expr, Weights, "Degree"]


@dataclass(frozen=True)
class Repeated:
    """Further copies of levels: their own weights anew in each copy, shared ones as before, and so much more degree."""

    levels: tuple["Level | Repeated", ...]
    times: Expr
    gain: Expr


def _unchanged() -> "Degree":
    from ..regions.weight_degrees import Degree

    return Degree()


@dataclass(frozen=True)
class Stack:
    """Levels of units, each with the weights since the level before, and the weights after the last of them.

    Stacks compose: what stands after the last level of one belongs to the first level of the next.

    Attributes
    ----------
    levels : tuple of (units, weights, degree) or Repeated
    rest : tuple of (key, size)
    breakpoints : int
        The most of any unit.
    degree : Degree
        Of what leaves.
    settled : int
        Whether the comparisons tell where the output is positive, as in `LayerDegrees`.
    """

    levels: tuple[Level | Repeated, ...] = ()
    rest: Weights = ()
    breakpoints: int = 1
    degree: "Degree" = field(default_factory=_unchanged)
    settled: int = 1

    def then(self, other: "Stack") -> "Stack":
        breakpoints = max(self.breakpoints, other.breakpoints)
        degree = self.degree.then(other.degree)
        settled = self.settled if other.settled == 1 else other.settled
        if not other.levels:
            return Stack(self.levels, self.rest + other.rest, breakpoints, degree, settled)
        later = _carried(self.rest, _after(self.degree, other.levels))
        return Stack((*self.levels, *later), other.rest, breakpoints, degree, settled)

    def renamed(self, rename: Callable[[Key], Key]) -> "Stack":
        """The same with other keys."""

        def weights(found: Weights) -> Weights:
            return tuple((rename(key), size) for key, size in found)

        def level(entry: Level | Repeated) -> Level | Repeated:
            if isinstance(entry, Repeated):
                return replace(entry, levels=tuple(map(level, entry.levels)))
            return entry[0], weights(entry[1]), entry[2]

        return replace(self, levels=tuple(map(level, self.levels)), rest=weights(self.rest))


def _after(before: "Degree", levels: tuple[Level | Repeated, ...]) -> tuple[Level | Repeated, ...]:
    """Levels with the degrees that they have behind another stack."""
    return tuple(
        (entry[0], entry[1], before.then(entry[2]))
        if isinstance(entry, tuple)
        else replace(entry, levels=_after(before, entry.levels))
        for entry in levels
    )


def _held(levels: Sequence[Level | Repeated]) -> int:
    """How many levels and weights there are, copies that are summed up counted once."""
    held, waiting = 0, list(levels)
    while waiting:
        entry = waiting.pop()
        if isinstance(entry, Repeated):
            waiting.extend(entry.levels)
        else:
            held += 1 + len(entry[1])
    return held


def _carried(rest: Weights, levels: tuple[Level | Repeated, ...]) -> tuple[Level | Repeated, ...]:
    """Levels with so many more weights in the first."""
    first, *others = levels
    if isinstance(first, tuple):
        return ((first[0], rest + first[1], first[2]), *others)
    return (_waiting(rest), *levels) if rest else levels


def _waiting(weights: Weights) -> Level:
    """Weights without a unit, which count from here on."""
    from ..regions.weight_degrees import NUMBER

    return Integer(0), weights, NUMBER


def _weights(site: Site) -> Weights:
    assert site.instance is not None
    return tuple(((site.path, name), Mul(*shape)) for name, shape in site.instance.weights().items())


class StackCarrier(PathCarrier[Stack]):
    """Levels by the longest path: series appends, branches are put side by side from their beginning."""

    def __init__(self, surrogate: str | None = None):
        from ..regions.from_equation import check_surrogate

        check_surrogate(surrogate)
        self.surrogate = surrogate

    def leaf(self, site: Site, port: int) -> Stack:
        from ..regions.from_equation import local_transfer
        from ..regions.weight_degrees import weight_degrees

        assert site.instance is not None
        weights = _weights(site) if port == 0 else ()
        phi = local_transfer(site.instance, self.surrogate)
        known = weight_degrees(site.instance, self.surrogate)
        made = Stack(rest=weights).then(_stack(phi, known))
        breakpoints = max(made.breakpoints, known.comparisons)
        return replace(made, breakpoints=breakpoints, degree=known.leaving, settled=known.settled)

    def series(self, values: Sequence[Stack]) -> Stack:
        made = Stack()
        for value in values:
            made = made.then(value)
        return made

    def join(self, site: Site, values: Sequence[Stack]) -> Stack:
        if site.join.coefficients(len(values)) is None and self.surrogate is None:
            raise UnsupportedError(
                f"at {site.path or 'the network'}: {site.join.noun} is not piecewise linear\n"
                "  write instead: surrogate='relu', 'hard_tanh' or 'affine', which hold all factors but one fixed"
            )
        return beside(values)

    def fuse(self, values: Sequence[Stack]) -> Stack:
        return beside(values)

    def graph(self, steps: Sequence[GraphStep[Stack]], sink: str) -> Stack:
        """Every node once, at the level that its longest path from the input gives it."""
        level: dict[str, int] = {}
        left: dict[str, Stack] = {}
        rows: list[Level] = []
        breakpoints = 1
        last: Weights = ()
        for step in steps:
            start = max((level[source] for source in step.sources), default=0)
            arrived = beside([left[source] for source in step.sources]) if step.sources else Stack()
            if step.join is not None:
                own = replace(self.join(step.join, [Stack()] * max(len(step.join.inputs), 1)), rest=())
            else:
                own = self.fuse(step.values)
            breakpoints = max(breakpoints, own.breakpoints)
            for place, entry in enumerate((*_after(arrived.degree, own.levels), _waiting(own.rest)), start=start):
                if not isinstance(entry, tuple):
                    raise UnsupportedError(
                        f"a repetition of symbolic depth, or of more than {MOST_LEVELS} repeated layers, at {step.name!r}, inside a "
                        f"graph, has no VC bound; put it in series"
                    )
                while len(rows) <= place:
                    rows.append(_waiting(()))
                rows[place] = _side_by_side(rows[place], entry)
            level[step.name] = start + len(own.levels)
            left[step.name] = replace(arrived.then(replace(own, levels=(), rest=())), levels=(), rest=())
        while rows and rows[-1][0] == 0:
            last = rows.pop()[1] + last
        return Stack(tuple(rows), last, breakpoints, left[sink].degree, left[sink].settled)

    def repeat(self, value: Stack, times: Expr, index: Symbol | None) -> Stack:
        if index is not None:
            raise UnsupportedError(
                f"layers that depend on {index} have no VC bound of symbolic depth; repeat a literal number of times"
            )
        parts = _held(value.levels) + len(value.rest) + 1
        if parts > MOST_HELD:
            raise BudgetError(
                f"{times} copies of {parts} levels and weights: a VC bound puts at most {MOST_HELD} levels and weights into a "
                "repetition\n  write instead: one repetition with the number of all copies, for copies that stand inside each other"
            )
        if times.is_Integer and (times == 0 or value.levels and times * len(value.levels) <= MOST_LEVELS):
            copies = [value.renamed(partial(_of_copy, number)) for number in range(int(times))]
            return self.series(copies)
        degree = value.degree.repeated(times)
        if not value.levels:
            rest = tuple((key, size if key[0] == SHARED else size * times) for key, size in value.rest)
            return replace(value, rest=rest, degree=degree)
        first, second = value.renamed(partial(_of_copy, 0)), value.renamed(partial(_of_copy, 1))
        later = _carried(first.rest, _after(value.degree, second.levels))
        gain = value.degree.through if value.degree.through is not None else Integer(0)
        return replace(value, levels=(*first.levels, Repeated(later, times - 1, gain)), rest=second.rest, degree=degree)

    def share(self, value: Stack, name: str, path: str) -> Stack:
        return value.renamed(lambda key: (SHARED, name, key[0].removeprefix(path).lstrip("."), *key[1:]))

    def source(self, site: Site) -> Stack:
        from ..regions.weight_degrees import weight_degrees

        assert site.instance is not None
        known = weight_degrees(site.instance, self.surrogate)
        return Stack(rest=_weights(site), degree=known.leaving, settled=known.settled)


SHARED = "shared"


def _of_copy(number: int, key: Key) -> Key:
    """Weights in a copy are its own, unless they are shared."""
    return key if key[0] == SHARED else (key[0], *key[1:], str(number))


def _side_by_side(one: Level, other: Level) -> Level:
    return one[0] + other[0], one[1] + other[1], one[2].beside(other[2])


def beside(values: Sequence[Stack]) -> Stack:
    """Branches of one input, level by level; what stands after a shorter branch's levels waits for the join."""
    breakpoints = max(value.breakpoints for value in values)
    rest = tuple(found for value in values for found in value.rest)
    degree = reduce(lambda one, other: one.beside(other), (value.degree for value in values))
    settled = min(value.settled for value in values)
    deep = [value for value in values if value.levels]
    if len(deep) == 1:
        return Stack(deep[0].levels, rest, breakpoints, degree, settled)
    joined: list[Level] = []
    for value in deep:
        for place, entry in enumerate(value.levels):
            if not isinstance(entry, tuple):
                raise UnsupportedError(
                    "several branches with a repetition of symbolic depth have no VC bound; give the depths as numbers"
                )
            if place == len(joined):
                joined.append(_waiting(()))
            joined[place] = _side_by_side(joined[place], entry)
    return Stack(tuple(joined), rest, breakpoints, degree, settled)


def _stack(phi: Any, known: "LayerDegrees") -> Stack:
    """The levels of one layer's transfer function; comparisons of a maximum are units as well."""
    from ..regions.composition import Branches, Chain, Repeated
    from ..regions.local_maps import MaxPool, Units

    if isinstance(phi, Units):
        return Stack(((phi.count, (), known.compared),), (), max(phi.pieces.breakpoints, 1))
    if isinstance(phi, MaxPool):
        return Stack(((phi.hyperplanes, (), known.compared),)) if phi.window != 1 else Stack()
    if isinstance(phi, Chain):
        made = Stack()
        for part in phi.parts:
            made = made.then(_stack(part, known))
        return made
    if isinstance(phi, Branches):
        return beside([_stack(branch, known) for branch in phi.branches])
    if isinstance(phi, Repeated):
        turn = replace(_stack(phi.body, replace(known, compared=known.step_compared)), degree=known.step)
        turns = StackCarrier().repeat(turn, phi.times, phi.index)
        return replace(turns, levels=_after(known.entering, turns.levels), degree=_unchanged())
    return Stack()


def _bound(evaluation: Evaluation[Stack], bound: str, surrogate: str | None) -> Expr:
    from ..regions.vc_bounds import explicit_upper, implicit_upper, lower

    if bound == "implicit":
        levels = levels_of(evaluation)
        numbers = [entry for entry in levels if isinstance(entry, tuple)]
        if len(numbers) < len(levels):
            raise UnsupportedError(
                f"the implicit VC bound of symbolic depth, or of more than {MOST_LEVELS} repeated layers, has no closed form; "
                "substitute numbers, or use bound='explicit'"
            )
        # Where nothing that is learned is compared there is one function.
        return Integer(implicit_upper(numbers, evaluation.value.breakpoints)) if numbers else Integer(0)
    sums = _sums(evaluation)
    return explicit_upper(sums, evaluation.value.breakpoints) if bound == "explicit" else lower(sums)


def _sums(evaluation: Evaluation[Stack]) -> "LayerSums":
    from ..regions.vc_bounds import LayerSums

    sums = LayerSums.empty()
    for entry in levels_of(evaluation):
        if isinstance(entry, tuple):
            units, parameters, degree = entry
            sums = sums @ LayerSums.of_layer(units, parameters, degree - sums.degree)
        else:
            sums = sums @ LayerSums.of_gain(-sums.degree) @ entry
    return sums


def levels_of(evaluation: Evaluation[Stack]) -> "tuple[tuple[Expr, Expr, Expr] | LayerSums, ...]":
    """The levels of a whole network, as units, new parameters and degree; each weight counts in the first level that has it.

    The output is a level of its own, unless the comparisons before tell where it is positive, as after a ReLU. What is compared before
    the first weight has degree 0: it is the same for all weights, and no level.
    """
    from ..regions.vc_bounds import LayerSums

    stack = evaluation.value
    levels = stack.levels
    if stack.rest or not levels or stack.settled != 2:
        levels = (*levels, (Mul(*evaluation.output.shape), stack.rest, stack.degree))
    known: set[Key] = set()
    waiting: Expr = Integer(0)

    def new(weights: Weights) -> Expr:
        found = {key: size for key, size in weights if key not in known}
        known.update(found)
        return Add(*found.values())

    def together(entry: Repeated, start: Expr) -> "LayerSums":
        """Copies that have their own weights anew, from a degree on."""
        sums = LayerSums.of_gain(0)
        for level in entry.levels:
            now = start + sums.degree
            if isinstance(level, tuple):
                own = Add(*(size for key, size in dict(level[1]).items() if key[0] != SHARED))
                sums = sums @ LayerSums.of_layer(level[0], own, level[2].at_input() - now)
            else:
                sums = sums @ LayerSums.of_gain(start - now) @ together(level, start)
        return (sums @ LayerSums.of_gain(entry.gain - sums.degree)) ** entry.times

    found: list[tuple[Expr, Expr, Expr] | LayerSums] = []
    for entry in levels:
        if isinstance(entry, tuple):
            degree, waiting = entry[2].at_input(), waiting + new(entry[1])
            if degree != 0:
                found.append((entry[0], waiting, degree))
                waiting = Integer(0)
        else:
            copies = together(entry, Integer(0))
            if (copies.weighted_units, copies.parameters) != (0, 0):
                found.append(copies)
    return tuple(found)


def _carrier(bound: str, surrogate: str | None) -> StackCarrier:
    if bound not in BOUNDS:
        raise FieldError(f"bound={shown(bound)}: vc_dimension has {', '.join(BOUNDS)}")
    return StackCarrier(surrogate)


def _kind(evaluation: Evaluation[Stack], formula: Expr, bound: str, surrogate: str | None) -> str:
    return "surrogate" if surrogate is not None else "lower" if bound == "lower" else "upper"


def _conditions(evaluation: Evaluation[Stack], bound: str, surrogate: str | None) -> list[DomainCondition]:
    """Those of the theorem behind a bound that are not known to hold."""
    from ..regions.vc_bounds import LOWER_CONSTANT, explicit_conditions, lower_conditions

    if bound == "implicit":
        return []
    if bound == "explicit":
        meaning = "the explicit VC bound is stated for more than two units"
        stated: tuple[Boolean, ...] = explicit_conditions(_sums(evaluation))
    else:
        meaning = f"the lower VC bound is stated for W > {LOWER_CONSTANT} L parameters and L > {LOWER_CONSTANT} layers"
        stated = lower_conditions(_sums(evaluation))
    return [DomainCondition(Condition(relation, meaning), "the network") for relation in stated if relation != true]


vc_dimension: Metric[Expr] = Metric(
    name="vc_dimension",
    title="VC dimension",
    unit="points",
    carrier=_carrier,
    finish=_bound,
    kind=_kind,
    conditions=_conditions,
    term=lambda term: sum((entry[0] for entry in term.value.levels if isinstance(entry, tuple)), Integer(0)),
    options={"bound": "explicit", "surrogate": None},
    source="Bartlett, Harvey, Liaw & Mehrabian, Nearly-tight VC-dimension and pseudodimension bounds for piecewise "
    "linear neural networks, 2019",
    documentation="""A bound on the VC dimension of a network of piecewise-linear units, over all of its weights.

    With k_i units in layer i, W_i parameters in layers 1 to i, W in all, L layers, Lbar = sum W_i / W, d_i the degree in the weights
    of what layer i compares, R = sum d_i k_i and units of p breakpoints: explicit ``L + Lbar W log2(4 e p R log2(2 e p R))``; implicit the largest m with ``m <=
    sum_i [1 + W_i log2(2 e m k_i p d_i / W_i)]``, tighter and for numbers only; lower ``W L log2(W/L) / 640``, which
    some network of that size reaches, not this one, for W > 640 L and L > 640.

    The layer of a unit is the number of units on the longest path to it. A maximum over a window counts as a layer of
    its comparisons, and weights that are used at several places count once, which the proof of the upper bounds
    allows: it counts signs of polynomials in the weights. Their degrees are derived from the equations: d_i = i in a plain
    network, more where several learned factors follow each other, as a scale or a learned slope does. Weights shared under a name count once as well, in the first layer that has them. Terms of a derivation are the units of each node.

    Parameters
    ----------
    net : Network
    on : shape, optional
        What enters an open network.
    bound : {'explicit', 'implicit', 'lower'}
    surrogate : {'relu', 'hard_tanh', 'affine'}, optional
        What stands in for functions that are not piecewise linear; without it they are refused.

    Returns
    -------
    Expr

    Raises
    ------
    DomainError
        The explicit bound is stated for more than two units, the lower one for W > 640 L and L > 640.
    UnsupportedError
        For the implicit bound with symbols, and for functions that are not piecewise linear in the input and polynomial in the
        weights.
    FieldError
        If `net` is no network, or an option is unknown, or `bound` or `surrogate` is another word.
    ShapeError
        If nothing enters an open network, or sizes do not fit.
    GraphError
        If both `on` and an `Input` say what enters.

    References
    ----------
    Bartlett, Harvey, Liaw and Mehrabian, "Nearly-tight VC-dimension and pseudodimension bounds for piecewise linear
    neural networks", Journal of Machine Learning Research 20 (2019).

    Examples
    --------
    >>> from layeralgebra import Linear, ReLU, vc_dimension
    >>> net = Linear(3) >> ReLU() >> Linear(1)
    >>> round(float(vc_dimension(net, on=(2,))), 2), vc_dimension(net, on=(2,), bound="implicit")
    (178.37, 169)
    """,
)
