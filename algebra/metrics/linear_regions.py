"""Bounds on the number of linear regions of a network of ReLUs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sympy import Expr, Integer, Mul

from ..derivations.metric import Metric
from ..errors import FieldError, UnsupportedError
from ..networks.carrier import Evaluation
from ..sizes.dims import as_size

if TYPE_CHECKING:
    from ..regions.transfer import TransferCarrier

HISTOGRAM = "histogram"


def _bounds() -> Any:
    from ..regions.published_bounds import BOUNDS

    return BOUNDS


def _carrier(bound: str) -> "TransferCarrier":
    from ..regions.transfer import TransferCarrier

    if bound != HISTOGRAM and bound not in _bounds():
        raise FieldError(f"bound={bound!r}: linear_regions has {', '.join((HISTOGRAM, *_bounds()))}")
    return TransferCarrier()


def _regions(evaluation: Evaluation[Any], bound: str) -> Expr:
    from ..regions.histogram import unit
    from ..regions.local_maps import number
    from ..regions.published_bounds import HistogramBound
    from ..regions.transfer import input_size

    inputs = input_size(evaluation)
    if bound == HISTOGRAM:
        return Integer(evaluation.value.act(unit(number(inputs, "the input"))).norm)
    blocks, chosen = _blocks(evaluation, bound), _bounds()[bound]
    if not isinstance(chosen, HistogramBound):
        return chosen.stacked(inputs, blocks)
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

    found = plain_widths(evaluation.value, input_size(evaluation), Mul(*evaluation.output.shape), bound)
    if not found.blocks:
        raise UnsupportedError(f"{bound}: the network has no ReLU, so that it is one region")
    if not found.dense and _bounds()[bound].kind in ("lower", "exact"):
        raise UnsupportedError(
            f"{bound} speaks of the best weights of fully connected layers, and here some layer of ReLUs has "
            f"fewer weights\n"
            "  write instead: bound='montufar_2017' or 'histogram', which are upper bounds for these networks as well"
        )
    return [(widths, as_size(times, "times")) for widths, times in found.blocks]


def _kind(evaluation: Evaluation[Any], formula: Expr, bound: str) -> str:
    from ..regions.transfer import input_size

    if bound == HISTOGRAM:
        return "upper"
    return _bounds()[bound].kind_at(
        input_size(evaluation), [width for widths, _ in _blocks(evaluation, bound) for width in widths]
    )


linear_regions: Metric[Expr] = Metric(
    name="linear_regions",
    title="linear regions",
    unit="regions",
    carrier=_carrier,
    finish=_regions,
    kind=_kind,
    term=lambda term: Integer(1) if not term.value._bits(_input(term)) else _single(term),
    options={"bound": HISTOGRAM},
    source="Montufar et al. 2014; Montufar 2017; Serra et al. 2018; Hinz & van de Geer 2019; dimension histograms",
    documentation="""A bound on the number of linear regions of a network of ReLUs, the pieces where it is affine.

    ``"histogram"`` holds for every network and needs numbers; on plain networks it equals ``"serra_2018"``. The others
    are for plain networks, layers of ReLUs one after the other: ``"montufar_2014"`` (lower: some weights reach it;
    layers at least as wide as the input), ``"montufar_2017"`` (upper, of symbolic widths and depth too),
    ``"serra_2018"`` and ``"hinz_van_de_geer_2019"`` (upper), ``"one_dimensional"`` (one input: the exact maximum),
    ``"all_patterns"`` (upper). Terms of a derivation are those of each node alone.

    Parameters
    ----------
    net : Network
    on : shape, optional
        What enters an open network.
    bound : str
        As above.

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
        If `net` is no network, or an option is unknown, or `bound` is another word.
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

    return Integer(2) ** Add(*term.value._bits(_input(term)))
