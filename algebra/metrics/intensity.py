"""Arithmetic intensity: operations for every byte that moves."""

from __future__ import annotations

from typing import Any

from sympy import Expr, nan

from ..derivations.metric import Metric
from ..errors import FieldError
from ..movement.amounts import Followed, Moved, followed_carrier, weight_of
from ..movement.traffic import exact, moved, summed, total
from ..networks.carrier import Evaluation
from ..sizes.normal_form import simplify


def _finish(evaluation: Evaluation[Any], unit: str, fuse: str, batch: Any, itemsize: Any) -> Expr:
    value: Moved = evaluation.value
    weigh = weight_of(unit, "all", "all", batch, itemsize)
    for term in evaluation.terms:
        step = getattr(term.value, "step", None)
        amount = simplify(moved(step, weigh)) if step is not None else simplify(0)
        term.value.shown = nan if step is None or amount == 0 else simplify(step.work) / amount
    amount = simplify(total(value.steps, weigh))
    if amount == 0:
        raise FieldError("nothing moves in this network, so that there are no operations for each element that does")
    return simplify(summed(value.steps, lambda step: step.work)) / amount


intensity: Metric[Expr] = Followed(
    name="intensity",
    title="arithmetic intensity",
    unit="operations per byte or element",
    carrier=lambda unit, fuse, batch, itemsize: followed_carrier(fuse, batch),
    finish=_finish,
    kind=lambda evaluation, formula, **options: "exact" if exact(evaluation.value.steps) else "lower",
    term=lambda term: term.value.shown,
    options={"unit": "bytes", "fuse": "layer", "batch": 1, "itemsize": None},
    source="operations of the equations over the different elements that their access maps touch",
    documentation="""Arithmetic intensity: the operations of a network (`flops`) for every byte that it moves (`elements_moved`).

    A lower bound where the bytes are an upper one.

    Parameters
    ----------
    net : Network
    on : shape, optional
        What enters an open network.
    unit : str
        Operations for each of the ``"bytes"`` or of the ``"elements"``.
    fuse : str
        What is carried out together, as in `elements_moved`: ``"statement"``, ``"layer"``, ``"block"`` or ``"network"``.
    batch : int or symbol
        The number of examples.
    itemsize : mapping of kind to int or symbol, optional
        Bytes of an element, as in `elements_moved`.

    Returns
    -------
    Expr

    Raises
    ------
    FieldError
        If `net` is no network, or an option is unknown; if nothing moves.
    ShapeError
        If nothing enters an open network, or sizes do not fit.
    GraphError
        If both `on` and an `Input` say what enters.
    UnsupportedError
        If a layer is opaque; if what is fused has several outputs.

    Examples
    --------
    >>> from layeralgebra import Linear, dims, intensity
    >>> T, n, m = dims("T n m")
    >>> intensity(Linear(m, bias=False), on=(T, n), itemsize={"activations": 2, "weights": 2})
    2*T*m*n/(2*T*m + 2*T*n + 2*m*n)

    References
    ----------
    Williams, Waterman, Patterson, "Roofline: an insightful visual performance model for multicore architectures", Communications of the ACM 52
    (2009), doi 10.1145/1498765.1498785.
    """,
)
