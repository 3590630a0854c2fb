"""Multiply-accumulates, nominal and effective; `layeralgebra.algebra.equations.work` has the conventions."""

from __future__ import annotations

from sympy import Expr

from ..derivations.metric import Metric, SumCarrier
from ..equations.work import work
from ..networks.carrier import Site


def _macs(effective: bool) -> SumCarrier:
    def measure(site: Site) -> Expr:
        assert site.instance is not None
        return work(site.instance, effective).macs

    return SumCarrier(measure)


macs: Metric[Expr] = Metric(
    name="macs",
    title="MACs",
    unit="multiply-accumulates",
    carrier=_macs,
    options={"effective": False},
    source="volume of the iteration domains of the equation, over products of two tensors summed over at least one index",
    documentation="""Multiply-accumulates of a network for one example.

    One MAC is one multiply and one add of a contraction, a product of two tensors or more that is summed over at least one index.
    Elementwise products, biases, means and lookups are operations (`flops`) but no MACs.

    Parameters
    ----------
    net : Network
    on : shape, optional
        What enters an open network.
    effective : bool
        Leave out points that read padding or that a mask excludes; by default these count, as in published figures.

    Returns
    -------
    Expr

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
    >>> from layeralgebra import Conv, dims, macs
    >>> H, p = dims("H p")
    >>> macs(Conv(1, 3, padding=1), on=(1, H))
    3*H
    >>> macs(Conv(1, 3, padding=1), on=(1, H), effective=True)
    3*H - 2
    """,
)
