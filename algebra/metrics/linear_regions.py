"""Bounds on the number of linear regions of a network of ReLUs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sympy import Expr, Integer, Mul

from ..arguments import shown
from ..derivations.metric import Metric
from ..errors import FieldError, UnsupportedError
from ..formulas.conditions import Condition
from ..networks.carrier import DomainCondition, Evaluation
from ..sizes.dims import as_size

if TYPE_CHECKING:
    from ..regions.perceptrons import ToldCarrier

HISTOGRAM = "histogram"
COUNTS = ("pieces", "patterns")


def _bounds() -> Any:
    from ..regions.published_bounds import BOUNDS

    return BOUNDS


def _carrier(bound: str, count: str) -> "ToldCarrier":
    from ..regions.perceptrons import ToldCarrier

    if bound != HISTOGRAM and bound not in _bounds():
        raise FieldError(f"bound={shown(bound)}: linear_regions has {', '.join((HISTOGRAM, *_bounds()))}")
    if count not in COUNTS:
        raise FieldError(f"count={shown(count)}: linear_regions counts {' or '.join(map(repr, COUNTS))}")
    return ToldCarrier()


def _regions(evaluation: Evaluation[Any], bound: str, count: str) -> Expr:
    from ..regions.histogram import unit
    from ..regions.local_maps import number
    from ..regions.published_bounds import HistogramBound
    from ..regions.transfer import input_size

    inputs = input_size(evaluation)
    if bound == HISTOGRAM:
        return Integer(evaluation.value.phi.act(unit(number(inputs, "the input"))).norm)
    blocks, chosen = _blocks(evaluation, bound), _bounds()[bound]
    if not isinstance(chosen, HistogramBound):
        return chosen.stacked(inputs, blocks, count)
    widths: list[Expr] = []
    for block, times in blocks:
        if not times.is_Integer:
            raise UnsupportedError(
                f"{bound} over {times} repetitions has no closed form; use bound='montufar_2017', which is "
                f"never below it"
            )
        widths += [*block] * int(times)
    return chosen(inputs, widths)


def _blocks(evaluation: Evaluation[Any], bound: str) -> list[tuple[tuple[Expr, ...], Expr]]:
    from ..regions.perceptrons import plain_widths
    from ..regions.transfer import input_size

    told = evaluation.value
    found = plain_widths(told.phi, input_size(evaluation), Mul(*evaluation.output.shape), bound)
    if not found.blocks:
        raise UnsupportedError(f"{bound}: the network has no ReLU, so that it is one region")
    if _bounds()[bound].kind == "lower" and not _is_free(evaluation, found.dense):
        why = "some layer of ReLUs has fewer weights"
        if told.tied:
            why = "layers share their weights"
        elif found.dense and not told.has_shifts:
            why = "some layer of ReLUs has no bias, so that its hyperplanes meet in one point"
        raise UnsupportedError(
            f"{bound} speaks of the best weights of fully connected layers, each with weights and biases of its own, "
            f"and here {why}\n"
            "  write instead: bound='montufar_2017' or 'histogram', which are upper bounds for these networks as well"
        )
    return [(widths, as_size(times, "times")) for widths, times in found.blocks]


def _is_free(evaluation: Evaluation[Any], dense: bool) -> bool:
    return dense and evaluation.value.is_free


def _stated(evaluation: Evaluation[Any], bound: str) -> tuple[Expr, list[Expr], bool]:
    """Inputs, widths, and whether the weights are free as the theorems want them."""
    from ..regions.perceptrons import plain_widths
    from ..regions.published_bounds import flattened
    from ..regions.transfer import input_size

    inputs = input_size(evaluation)
    found = plain_widths(evaluation.value.phi, inputs, Mul(*evaluation.output.shape), bound)
    return inputs, flattened(_blocks(evaluation, bound)), _is_free(evaluation, found.dense)


def _kind(evaluation: Evaluation[Any], formula: Expr, bound: str, count: str) -> str:
    if bound == HISTOGRAM:
        return "upper"
    inputs, widths, is_free = _stated(evaluation, bound)
    return _bounds()[bound].kind_at(inputs, widths, count, is_free)


def _conditions(evaluation: Evaluation[Any], bound: str, count: str) -> list[DomainCondition]:
    """The conditions of a theorem that are not known to hold."""
    if bound == HISTOGRAM:
        return []
    inputs, widths, is_free = _stated(evaluation, bound)
    chosen = _bounds()[bound]
    return [
        DomainCondition(Condition(relation, f"{bound} is stated for {chosen.stated_for}"), "the network")
        for relation in chosen.conditions(inputs, widths, count, is_free)
    ]


linear_regions: Metric[Expr] = Metric(
    name="linear_regions",
    title="linear regions",
    unit="regions",
    carrier=_carrier,
    finish=_regions,
    kind=_kind,
    conditions=_conditions,
    term=lambda term: Integer(1) if not term.value.phi._bits(_input(term)) else _single(term),
    options={"bound": HISTOGRAM, "count": "pieces"},
    source="Montufar et al. 2014; Montufar 2017; Serra et al. 2018; Hinz & van de Geer 2019; dimension histograms",
    documentation="""A bound on the number of linear regions of a network of ReLUs, over all of its weights.

    *Affine pieces* are the largest connected sets of inputs on which the network is one affine function; *activation patterns* the
    sets of ReLUs that are on, each on an open set of inputs. There are never more pieces than patterns, and fewer where neighbouring
    patterns give the same function: upper bounds hold for both, lower and exact ones for what `count` says.

    ``"histogram"`` holds for every network and needs numbers; on plain networks it equals ``"serra_2018"``. The others
    are for plain networks, layers of ReLUs one after the other: ``"montufar_2014"`` (lower: some weights reach it;
    layers at least as wide as the input, for pieces a wider last one), ``"montufar_2017"`` (upper, of symbolic widths and depth
    too), ``"serra_2018"`` and ``"hinz_van_de_geer_2019"`` (upper), ``"one_dimensional"`` (one input: the exact maximum where
    every layer before the last has three units or more, and for pieces the last two or more; upper elsewhere),
    ``"all_patterns"`` (upper). Lower and exact bounds are about the best weights of fully connected layers, each with weights and
    biases of its own. Conditions on symbols are in the domain of a derivation. Terms of a derivation are those of each node alone.

    Parameters
    ----------
    net : Network
    on : shape, optional
        What enters an open network.
    bound : str
        As above.
    count : {'pieces', 'patterns'}
        What a lower or an exact bound is to speak of.

    Returns
    -------
    Expr

    Raises
    ------
    DomainError
        Where a bound is not stated for these sizes.
    UnsupportedError
        Where a bound is for plain networks and this is none, or has symbols that it cannot take.
    FieldError
        If `net` is no network, or an option is unknown, or `bound` or `count` is another word.
    ShapeError
        If nothing enters an open network, or sizes do not fit.
    GraphError
        If both `on` and an `Input` say what enters.

    References
    ----------
    Montufar, Pascanu, Cho and Bengio, "On the number of linear regions of deep neural networks", 2014; Montufar,
    "Notes on the number of linear regions of deep neural networks", 2017; Serra, Tjandraatmadja and Ramalingam,
    "Bounding and counting linear regions of deep neural networks", 2018; Hinz and van de Geer, "A framework for the
    construction of upper bounds", 2019.

    Examples
    --------
    >>> from layeralgebra import Linear, ReLU, dims, linear_regions
    >>> net = Linear(4) >> ReLU() >> Linear(4) >> ReLU()
    >>> names = ("montufar_2014", "histogram", "montufar_2017", "all_patterns")
    >>> [linear_regions(net, on=(2,), bound=name) for name in names]
    [44, 121, 121, 256]
    >>> n, L = dims("n L")
    >>> linear_regions((Linear(n) >> ReLU()) ** L, on=(1,), bound="montufar_2017")
    (n + 1)**L
    """,
)


def _input(term: Any) -> Any:
    from ..regions.vertex_cuts import Least

    return Least.of(sum((Mul(*flow.shape) for flow in term.site.inputs), Integer(0)))


def _single(term: Any) -> Expr:
    """Regions of one node alone, as a formula."""
    from sympy import Add

    return Integer(2) ** Add(*term.value.phi._bits(_input(term)))
