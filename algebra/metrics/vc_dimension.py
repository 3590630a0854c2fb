"""Bounds on the VC dimension of a network of piecewise-linear units, folded from its layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sympy import Expr, Integer, Mul, Symbol

from ..derivations.metric import Metric
from ..errors import FieldError, UnsupportedError
from ..networks.carrier import Evaluation, GraphStep, PathCarrier, Site

if TYPE_CHECKING:
    from ..regions.vc_bounds import LayerSums

BOUNDS = ("explicit", "implicit", "lower")
MOST_LEVELS = 4096
"""Levels of a repetition are listed up to so many; more of them are summed up, as those of symbolic depth are."""
Level = tuple[Expr, Expr]


@dataclass(frozen=True)
class Stack:
    """Levels of units, each with the parameters since the level before, and the parameters after the last of them.

    Stacks compose: what stands after the last level of one belongs to the first level of the next.

    Attributes
    ----------
    levels : tuple of (units, parameters) or LayerSums
        A `LayerSums` is a repetition of symbolic depth.
    rest : Expr
    breakpoints : int
        The most of any unit.
    """

    levels: tuple["Level | LayerSums", ...] = ()
    rest: Expr = field(default=Integer(0))
    breakpoints: int = 1

    def then(self, other: "Stack") -> "Stack":
        breakpoints = max(self.breakpoints, other.breakpoints)
        if not other.levels:
            return Stack(self.levels, self.rest + other.rest, breakpoints)
        return Stack((*self.levels, *_carried(self.rest, other.levels)), other.rest, breakpoints)


def _carried(rest: Expr, levels: tuple["Level | LayerSums", ...]) -> tuple["Level | LayerSums", ...]:
    """Levels with so many more parameters in the first."""
    if rest.is_zero:
        return levels
    first, *others = levels
    if isinstance(first, tuple):
        return ((first[0], first[1] + rest), *others)
    # More parameters in the first layer of a repetition: every prefix sum of it holds them.
    from ..regions.vc_bounds import LayerSums

    more = LayerSums(
        first.depth, first.parameters + rest, first.prefix_sum + first.depth * rest, first.units, first.weighted_units
    )
    return (more, *others)


class StackCarrier(PathCarrier[Stack]):
    """Levels by the longest path: series appends, branches are put side by side from their beginning."""

    def __init__(self, surrogate: str | None = None):
        from ..regions.from_equation import check_surrogate

        check_surrogate(surrogate)
        self.surrogate = surrogate

    def leaf(self, site: Site, port: int) -> Stack:
        from ..regions.from_equation import local_transfer

        assert site.instance is not None
        weights = (
            sum((Mul(*shape) for shape in site.instance.weights().values()), Integer(0)) if port == 0 else Integer(0)
        )
        return Stack(rest=weights).then(_stack(local_transfer(site.instance, self.surrogate)))

    def series(self, values: Sequence[Stack]) -> Stack:
        levels: list[Level | LayerSums] = []
        rest: Expr = Integer(0)
        for value in values:
            if value.levels:
                levels += _carried(rest, value.levels)
                rest = value.rest
            else:
                rest += value.rest
        return Stack(tuple(levels), rest, max((value.breakpoints for value in values), default=1))

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
        rows: list[list[Expr]] = []
        breakpoints, last = 1, Integer(0)
        for step in steps:
            start = max((level[source] for source in step.sources), default=0)
            own = Stack() if step.join is not None else self.fuse(step.values)
            breakpoints = max(breakpoints, own.breakpoints)
            for place, entry in enumerate((*own.levels, (Integer(0), own.rest)), start=start):
                if not isinstance(entry, tuple):
                    raise UnsupportedError(
                        f"a repetition of symbolic depth at {step.name!r}, inside a graph, has no VC bound; put "
                        f"it in series"
                    )
                while len(rows) <= place:
                    rows.append([Integer(0), Integer(0)])
                rows[place] = [rows[place][0] + entry[0], rows[place][1] + entry[1]]
            level[step.name] = start + len(own.levels)
        while rows and rows[-1][0] == 0:
            last += rows.pop()[1]
        return Stack(tuple((k, w) for k, w in rows), last, breakpoints)

    def repeat(self, value: Stack, times: Expr, index: Symbol | None) -> Stack:
        from ..regions.vc_bounds import LayerSums

        if index is not None:
            raise UnsupportedError(
                f"layers that depend on {index} have no VC bound of symbolic depth; repeat a literal number of times"
            )
        if times == 0:
            return Stack()
        if not value.levels:
            return Stack((), value.rest * times, value.breakpoints)
        if times.is_Integer and times * len(value.levels) <= MOST_LEVELS:
            return self.series([value] * int(times))
        later = LayerSums.empty()
        for entry in _carried(value.rest, value.levels):
            later = later @ (LayerSums.of_layer(*entry) if isinstance(entry, tuple) else entry)
        return Stack((*value.levels, later ** (times - 1)), value.rest, value.breakpoints)

    def source(self, site: Site) -> Stack:
        assert site.instance is not None
        return Stack(rest=sum((Mul(*shape) for shape in site.instance.weights().values()), Integer(0)))


def beside(values: Sequence[Stack]) -> Stack:
    """Branches of one input, level by level; what stands after a shorter branch's levels waits for the join."""
    from ..regions.vc_bounds import beside as side_by_side

    breakpoints = max(value.breakpoints for value in values)
    rest = sum((value.rest for value in values), Integer(0))
    deep = [value for value in values if value.levels]
    if len(deep) == 1:
        return Stack(deep[0].levels, rest, breakpoints)
    numbered = [[entry for entry in value.levels if isinstance(entry, tuple)] for value in deep]
    if any(len(levels) < len(value.levels) for levels, value in zip(numbered, deep)):
        raise UnsupportedError(
            "several branches with a repetition of symbolic depth have no VC bound; give the depths as numbers"
        )
    return Stack(tuple(side_by_side(*numbered)), rest, breakpoints)


def _stack(phi: Any) -> Stack:
    """The levels of one layer's transfer function; comparisons of a maximum are units as well."""
    from ..regions.composition import Branches, Chain, Repeated
    from ..regions.local_maps import MaxPool, Units

    if isinstance(phi, Units):
        return Stack(((phi.count, Integer(0)),), Integer(0), max(phi.pieces.breakpoints, 1))
    if isinstance(phi, MaxPool):
        return Stack(((phi.hyperplanes, Integer(0)),)) if phi.window != 1 else Stack()
    if isinstance(phi, Chain):
        made = Stack()
        for part in phi.parts:
            made = made.then(_stack(part))
        return made
    if isinstance(phi, Branches):
        return beside([_stack(branch) for branch in phi.branches])
    if isinstance(phi, Repeated):
        return StackCarrier().repeat(_stack(phi.body), phi.times, phi.index)
    return Stack()


def _bound(evaluation: Evaluation[Stack], bound: str, surrogate: str | None) -> Expr:
    from ..regions.vc_bounds import LayerSums, explicit_upper, implicit_upper, lower

    levels = list(levels_of(evaluation))
    symbolic = [entry for entry in levels if not isinstance(entry, tuple)]
    if bound == "implicit":
        if symbolic:
            raise UnsupportedError(
                f"the implicit VC bound of symbolic depth, or of more than {MOST_LEVELS} repeated layers, has no closed form; "
                "substitute numbers, or use bound='explicit'"
            )
        return Integer(implicit_upper(levels, evaluation.value.breakpoints))
    sums = LayerSums.empty()
    for entry in levels:
        sums = sums @ (LayerSums.of_layer(*entry) if isinstance(entry, tuple) else entry)
    return explicit_upper(sums, evaluation.value.breakpoints) if bound == "explicit" else lower(sums)


def levels_of(evaluation: Evaluation[Stack]) -> tuple[Any, ...]:
    """The levels of a whole network: parameters after the last units belong to a level of linear output units."""
    stack = evaluation.value
    if stack.rest.is_zero and stack.levels:
        return stack.levels
    return (*stack.levels, (Mul(*evaluation.output.shape), stack.rest))


def _carrier(bound: str, surrogate: str | None) -> StackCarrier:
    if bound not in BOUNDS:
        raise FieldError(f"bound={bound!r}: vc_dimension has {', '.join(BOUNDS)}")
    return StackCarrier(surrogate)


def _kind(evaluation: Evaluation[Stack], formula: Expr, bound: str, surrogate: str | None) -> str:
    return "surrogate" if surrogate is not None else "lower" if bound == "lower" else "upper"


vc_dimension: Metric[Expr] = Metric(
    name="vc_dimension",
    title="VC dimension",
    unit="points",
    carrier=_carrier,
    finish=_bound,
    kind=_kind,
    term=lambda term: sum((entry[0] for entry in term.value.levels if isinstance(entry, tuple)), Integer(0)),
    options={"bound": "explicit", "surrogate": None},
    source="Bartlett, Harvey, Liaw & Mehrabian, Nearly-tight VC-dimension and pseudodimension bounds for piecewise "
    "linear neural networks, 2019",
    documentation="""A bound on the VC dimension of a network of piecewise-linear units, over all of its weights.

    With k_i units in layer i, W_i parameters in layers 1 to i, W in all, L layers, Lbar = sum W_i / W, R = sum i k_i
    and units of p breakpoints: explicit ``L + Lbar W log2(4 e p R log2(2 e p R))``; implicit the largest m with ``m <=
    sum_i [1 + W_i log2(2 e m k_i p i / W_i)]``, tighter and for numbers only; lower ``W L log2(W/L) / 640``, which
    some network of that size reaches, not this one.

    The layer of a unit is the number of units on the longest path to it. A maximum over a window counts as a layer of
    its comparisons, and weights that are used at several places count once, which the proof of the upper bounds
    allows: it counts signs of polynomials in the weights. Weights shared under a name count wherever they stand, which
    only raises an upper bound. Terms of a derivation are the units of each node.

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
        The explicit bound is stated for more than two units.
    UnsupportedError
        For the implicit bound with symbols, and for functions that are not piecewise linear.
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
