"""Cache size: the elements that a causal network keeps from step to step."""

from __future__ import annotations

from typing import Any

from sympy import Expr, Integer

from ..arguments import as_integer
from ..causality.incremental import incremental
from ..derivations.metric import Metric, SumCarrier
from ..networks.carrier import Evaluation, Site
from ..networks.evaluator import evaluate_network
from ..records import dataclass


@dataclass(frozen=True, repr=False)
class _OfStep(Metric[Expr]):
    """A metric of the step of a network."""

    def evaluate(self, net: Any, on: Any = None, **options: Any) -> Evaluation[Any]:
        chosen = self._checked(options)
        one = incremental(net, as_integer(chosen["axis"], "axis"), on=on, keep=chosen["keep"])
        return evaluate_network(one.at_size(), self.carrier(**chosen), one.on)


def _kept(site: Site) -> Expr:
    return sum((one.elements for one in getattr(site.node, "kept_tensors", ())), Integer(0))


cache_size: Metric[Expr] = _OfStep(
    name="cache_size",
    title="cache size",
    unit="elements",
    carrier=lambda axis, keep: SumCarrier(_kept, opaque=None),
    options={"axis": 0, "keep": "least"},
    source="elements of earlier times that a step of the equation reads",
    documentation="""Elements that a causal network keeps from step to step, at the size of its axis of time.

    Derived from the equations: keys and values of an attention, the last inputs of a causal convolution, the state of a recurrence. What
    else a step reads it computes from its input.

    Parameters
    ----------
    net : Network
        Causal along the axis.
    on : shape, optional
        What enters an open network.
    axis : int
        The axis of time of what enters.
    keep : str
        ``"least"`` or ``"read"``; see `incremental`.

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
        If a layer is not causal; the message has the statement and the read that look ahead.

    Examples
    --------
    >>> from layeralgebra import RotaryAttention, cache_size, dims
    >>> T, d, h, n, e = dims("T d h n e")
    >>> cache_size(RotaryAttention(h*n, n, 2*e), on=(T, d))
    4*T*e*n

    References
    ----------
    Ainslie et al., "GQA: Training Generalized Multi-Query Transformer Models from Multi-Head Checkpoints", EMNLP 2023, arXiv 2305.13245.

    DeepSeek-AI, "DeepSeek-V2", arXiv 2405.04434 (2024), section 2.1 and table 1.
    """,
)
