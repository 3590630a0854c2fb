"""Training MACs: the forward and the backward pass; `layeralgebra.algebra.adjoints` derives the latter."""

from __future__ import annotations

from typing import Any

from sympy import Expr

from ..adjoints.training import Flag, Training, TrainingCarrier, total_work
from ..derivations.metric import Metric
from ..networks.carrier import Evaluation
from ..sizes.dims import as_size
from ..sizes.normal_form import simplify


def _carrier(recompute: str, batch: Any) -> TrainingCarrier:
    return TrainingCarrier(recompute, as_size(batch, "batch", least=1))


def _finish(evaluation: Evaluation[Training], recompute: str, batch: Any) -> Expr:
    return simplify(total_work(evaluation, recompute).macs)


def _of_node(value: Training) -> Expr:
    return value.at(value.asked or (Flag(),)).total.macs


training_macs: Metric[Expr] = Metric(
    name="training_macs",
    title="training MACs",
    unit="multiply-accumulates",
    carrier=_carrier,
    finish=_finish,
    term=lambda term: _of_node(term.value),
    options={"recompute": "none", "batch": 1},
    source="work of the equation and of its adjoint, derived from it by one rule for each head",
    documentation="""Multiply-accumulates of a training step for one example, forward and backward.

    Contractions are counted, as in `macs`: one with two operands that need gradients has two in the backward pass. The gradient of what is
    learned adds over the examples, so that an outer product is one, too.
    Gradients of everything learned and of what they pass through are counted, those of the data that enter are not. What the backward
    pass costs is read from the equations of `adjoint`.

    Parameters
    ----------
    net : Network
    on : shape, optional
        What enters an open network.
    recompute : str
        ``"none"``: all that is read again is kept. ``"block"``: what stands in a repetition is computed once more, a network without one as a
        whole. ``"selective"``: of every layer, the lines whose share of what is kept is larger than their share of the work.
    batch : int or symbol
        The number of examples. What is computed from learned tensors alone is computed once for all of them.

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
    UnsupportedError
        If a layer has no backward pass that is known here.

    Examples
    --------
    >>> from layeralgebra import Linear, dims, training_macs
    >>> n, m = dims("n m")
    >>> training_macs(Linear(m) >> Linear(m), on=(n,))
    3*m**2 + 2*m*n
    """,
)
