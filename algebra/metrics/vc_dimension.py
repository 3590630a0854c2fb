"""Bounds on the VC dimension of a network of piecewise-linear units, folded from its layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from sympy import Add, Expr, Integer, Mul, Symbol, true

from ..derivations.metric import Metric
from ..errors import FieldError, UnsupportedError
from ..formulas.conditions import Condition
from ..networks.carrier import DomainCondition, Evaluation, GraphStep, PathCarrier, Site

if TYPE_CHECKING:
    from ..regions.vc_bounds import LayerSums

BOUNDS = ("explicit", "implicit", "lower")
MOST_LEVELS = 4096
"""Levels of a repetition are listed up to so many; more of them are summed up, as those of symbolic depth are."""
Key = tuple[str, ...]
#: Learned tensors with their sizes; one that is shared under a name has the same key wherever it stands.
Weights = tuple[tuple[Key, Expr], ...]
Level = tuple[Expr, Weights]


@dataclass(frozen=True)
class Repeated:
    """Further copies of levels: their own weights anew in each copy, shared ones as before."""

    levels: tuple["Level | Repeated", ...]
    times: Expr


@dataclass(frozen=True)
class Stack:
    """Levels of units, each with the weights since the level before, and the weights after the last of them.

    Stacks compose: what stands after the last level of one belongs to the first level of the next.

    Attributes
    ----------
    levels : tuple of (units, weights) or Repeated
    rest : tuple of (key, size)
    breakpoints : int
        The most of any unit.
    """

    levels: tuple[Level | Repeated, ...] = ()
    rest: Weights = ()
    breakpoints: int = 1

    def then(self, other: "Stack") -> "Stack":
        breakpoints = max(self.breakpoints, other.breakpoints)
        if not other.levels:
            return Stack(self.levels, self.rest + other.rest, breakpoints)
        return Stack((*self.levels, *_carried(self.rest, other.levels)), other.rest, breakpoints)

    def renamed(self, rename: Callable[[Key], Key]) -> "Stack":
        """The same with other keys."""

        def weights(found: Weights) -> Weights:
            return tuple((rename(key), size) for key, size in found)

        def level(entry: Level | Repeated) -> Level | Repeated:
            if isinstance(entry, Repeated):
                return Repeated(tuple(map(level, entry.levels)), entry.times)
            return entry[0], weights(entry[1])

        return Stack(tuple(map(level, self.levels)), weights(self.rest), self.breakpoints)


def _carried(rest: Weights, levels: tuple[Level | Repeated, ...]) -> tuple[Level | Repeated, ...]:
    """Levels with so many more weights in the first."""
    first, *others = levels
    if isinstance(first, tuple):
        return ((first[0], rest + first[1]), *others)
    return ((Integer(0), rest), *levels) if rest else levels


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

        assert site.instance is not None
        weights = _weights(site) if port == 0 else ()
        return Stack(rest=weights).then(_stack(local_transfer(site.instance, self.surrogate)))

    def series(self, values: Sequence[Stack]) -> Stack:
        levels: list[Level | Repeated] = []
        rest: Weights = ()
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
        rows: list[tuple[Expr, Weights]] = []
        breakpoints = 1
        last: Weights = ()
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
                    rows.append((Integer(0), ()))
                rows[place] = (rows[place][0] + entry[0], rows[place][1] + entry[1])
            level[step.name] = start + len(own.levels)
        while rows and rows[-1][0] == 0:
            last = rows.pop()[1] + last
        return Stack(tuple(rows), last, breakpoints)

    def repeat(self, value: Stack, times: Expr, index: Symbol | None) -> Stack:
        if index is not None:
            raise UnsupportedError(
                f"layers that depend on {index} have no VC bound of symbolic depth; repeat a literal number of times"
            )
        if times.is_Integer and (times == 0 or value.levels and times * len(value.levels) <= MOST_LEVELS):
            copies = [value.renamed(partial(_of_copy, number)) for number in range(int(times))]
            return self.series(copies)
        if not value.levels:
            rest = tuple((key, size if key[0] == SHARED else size * times) for key, size in value.rest)
            return Stack((), rest, value.breakpoints)
        later = _carried(value.renamed(partial(_of_copy, 0)).rest, value.renamed(partial(_of_copy, 1)).levels)
        last = value.renamed(partial(_of_copy, 1)).rest
        return Stack((*value.renamed(partial(_of_copy, 0)).levels, Repeated(later, times - 1)), last, value.breakpoints)

    def share(self, value: Stack, name: str, path: str) -> Stack:
        return value.renamed(lambda key: (SHARED, name, key[0].removeprefix(path).lstrip("."), *key[1:]))

    def source(self, site: Site) -> Stack:
        return Stack(rest=_weights(site))


SHARED = "shared"


def _of_copy(number: int, key: Key) -> Key:
    """Weights in a copy are its own, unless they are shared."""
    return key if key[0] == SHARED else (key[0], *key[1:], str(number))


def beside(values: Sequence[Stack]) -> Stack:
    """Branches of one input, level by level; what stands after a shorter branch's levels waits for the join."""
    breakpoints = max(value.breakpoints for value in values)
    rest = tuple(found for value in values for found in value.rest)
    deep = [value for value in values if value.levels]
    if len(deep) == 1:
        return Stack(deep[0].levels, rest, breakpoints)
    joined: list[Level] = []
    for value in deep:
        for place, entry in enumerate(value.levels):
            if not isinstance(entry, tuple):
                raise UnsupportedError(
                    "several branches with a repetition of symbolic depth have no VC bound; give the depths as numbers"
                )
            if place == len(joined):
                joined.append((Integer(0), ()))
            joined[place] = (joined[place][0] + entry[0], joined[place][1] + entry[1])
    return Stack(tuple(joined), rest, breakpoints)


def _stack(phi: Any) -> Stack:
    """The levels of one layer's transfer function; comparisons of a maximum are units as well."""
    from ..regions.composition import Branches, Chain, Repeated
    from ..regions.local_maps import MaxPool, Units

    if isinstance(phi, Units):
        return Stack(((phi.count, ()),), (), max(phi.pieces.breakpoints, 1))
    if isinstance(phi, MaxPool):
        return Stack(((phi.hyperplanes, ()),)) if phi.window != 1 else Stack()
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
    from ..regions.vc_bounds import explicit_upper, implicit_upper, lower

    if bound == "implicit":
        levels = list(levels_of(evaluation))
        numbers = [entry for entry in levels if isinstance(entry, tuple)]
        if len(numbers) < len(levels):
            raise UnsupportedError(
                f"the implicit VC bound of symbolic depth, or of more than {MOST_LEVELS} repeated layers, has no closed form; "
                "substitute numbers, or use bound='explicit'"
            )
        return Integer(implicit_upper(numbers, evaluation.value.breakpoints))
    sums = _sums(evaluation)
    return explicit_upper(sums, evaluation.value.breakpoints) if bound == "explicit" else lower(sums)


def _sums(evaluation: Evaluation[Stack]) -> "LayerSums":
    from ..regions.vc_bounds import LayerSums

    sums = LayerSums.empty()
    for entry in levels_of(evaluation):
        sums = sums @ (LayerSums.of_layer(*entry) if isinstance(entry, tuple) else entry)
    return sums


def levels_of(evaluation: Evaluation[Stack]) -> "tuple[tuple[Expr, Expr] | LayerSums, ...]":
    """The levels of a whole network, as units and new parameters; each weight counts in the first level that has it.

    Parameters after the last units belong to a level of linear output units.
    """
    from ..regions.vc_bounds import LayerSums

    stack = evaluation.value
    levels = stack.levels
    if stack.rest or not levels:
        levels = (*levels, (Mul(*evaluation.output.shape), stack.rest))
    known: set[Key] = set()

    def new(weights: Weights) -> Expr:
        found = {key: size for key, size in weights if key not in known}
        known.update(found)
        return Add(*found.values())

    def own(entry: Level | Repeated) -> "LayerSums":
        """A level of a copy, which has its own weights anew."""
        if isinstance(entry, tuple):
            return LayerSums.of_layer(
                entry[0], Add(*(size for key, size in dict(entry[1]).items() if key[0] != SHARED))
            )
        return together(entry)

    def together(entry: Repeated) -> "LayerSums":
        sums = LayerSums.empty()
        for level in entry.levels:
            sums = sums @ own(level)
        return sums**entry.times

    return tuple((entry[0], new(entry[1])) if isinstance(entry, tuple) else together(entry) for entry in levels)


def _carrier(bound: str, surrogate: str | None) -> StackCarrier:
    if bound not in BOUNDS:
        raise FieldError(f"bound={bound!r}: vc_dimension has {', '.join(BOUNDS)}")
    return StackCarrier(surrogate)


def _kind(evaluation: Evaluation[Stack], formula: Expr, bound: str, surrogate: str | None) -> str:
    return "surrogate" if surrogate is not None else "lower" if bound == "lower" else "upper"


def _conditions(evaluation: Evaluation[Stack], bound: str, surrogate: str | None) -> list[DomainCondition]:
    """Those of the theorem behind the lower bound that are not known to hold."""
    from ..regions.vc_bounds import LOWER_CONSTANT, lower_conditions

    if bound != "lower":
        return []
    meaning = f"the lower VC bound is stated for W > {LOWER_CONSTANT} L parameters and L > {LOWER_CONSTANT} layers"
    relations = [relation for relation in lower_conditions(_sums(evaluation)) if relation != true]
    return [DomainCondition(Condition(relation, meaning), "the network") for relation in relations]


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

    With k_i units in layer i, W_i parameters in layers 1 to i, W in all, L layers, Lbar = sum W_i / W, R = sum i k_i
    and units of p breakpoints: explicit ``L + Lbar W log2(4 e p R log2(2 e p R))``; implicit the largest m with ``m <=
    sum_i [1 + W_i log2(2 e m k_i p i / W_i)]``, tighter and for numbers only; lower ``W L log2(W/L) / 640``, which
    some network of that size reaches, not this one, for W > 640 L and L > 640.

    The layer of a unit is the number of units on the longest path to it. A maximum over a window counts as a layer of
    its comparisons, and weights that are used at several places count once, which the proof of the upper bounds
    allows: it counts signs of polynomials in the weights. Weights shared under a name count once as well, in the first layer that has them. Terms of a derivation are the units of each node.

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
