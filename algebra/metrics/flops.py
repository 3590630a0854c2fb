"""Floating-point operations, nominal and effective; `layeralgebra.algebra.equations.work` has the conventions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import Expr, Mul, Symbol

from ..derivations.metric import Metric, repeated
from ..equations.work import Work, work
from ..networks.carrier import Evaluation, Site, TotalCarrier
from ..records import dataclass
from ..sizes.normal_form import simplify


@dataclass(frozen=True)
class Flops:
    """Floating-point operations, apart: multiplies, adds and others (divisions, comparisons, transcendental functions)."""

    multiplies: Expr
    adds: Expr
    other: Expr

    @property
    def total(self) -> Expr:
        return self.multiplies + self.adds + self.other

    def map_expressions(self, function: Any) -> "Flops":
        return Flops(function(self.multiplies), function(self.adds), function(self.other))


class WorkCarrier(TotalCarrier[Work]):
    of_equations = True

    opaque = "lower"

    def __init__(self, effective: bool):
        self.effective = effective

    def leaf(self, site: Site, port: int) -> Work:
        assert site.instance is not None
        return work(site.instance, self.effective) if port == 0 else Work()

    def series(self, values: Sequence[Work]) -> Work:
        return Work.total(values)

    def joint(self, site: Site) -> Work:
        multiplies, adds = site.join.work(len(site.inputs))
        points = Mul(*site.output.shape)
        return Work(multiplies=multiplies * points, adds=adds * points)

    def least_copies(self, value: Work) -> int:
        return 0

    def repeat(self, value: Work, times: Expr, index: Symbol | None) -> Work:
        return Work(*(repeated(part, times, index) for part in (value.macs, value.multiplies, value.adds, value.other)))


def _finish(evaluation: Evaluation[Work], apart: bool, effective: bool) -> Any:
    value = evaluation.value
    parts = Flops(*(simplify(part) for part in (value.multiplies, value.adds, value.other)))
    return parts if apart else simplify(parts.total)


flops: Metric[Any] = Metric(
    name="flops",
    title="FLOPs",
    unit="operations",
    carrier=lambda effective, apart: WorkCarrier(effective),
    finish=_finish,
    term=lambda term: term.value.flops,
    options={"effective": False, "apart": False},
    source="volume of the iteration domains of the equation, of every operation as written",
    documentation="""Operations of a network for one example: multiplies, adds and others.

    Parameters
    ----------
    net : Network
    on : shape, optional
        What enters an open network.
    effective : bool
        Leave out points that read padding or that a mask excludes.
    apart : bool
        Return a record with `multiplies`, `adds` and `other` instead of their sum.

    Returns
    -------
    Expr or Flops

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
    >>> from layeralgebra import Linear, dims, flops
    >>> n, m = dims("n m")
    >>> flops(Linear(m), on=(n,), apart=True)
    Flops(multiplies=m*n, adds=m*n + m, other=0)
    """,
)
