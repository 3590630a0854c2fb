"""Saved activations: what the backward pass of a network reads of its forward pass; `layeralgebra.algebra.adjoints` derives it."""

from __future__ import annotations

from typing import Any

from sympy import Expr, Mul

from ..adjoints.itemsizes import UNITS, amount, itemsizes
from ..adjoints.saving import Arrival, Record, Saving, SavingCarrier, Tensor, whole_as_block
from ..arguments import shown
from ..derivations.metric import Metric
from ..errors import FieldError
from ..networks.carrier import Evaluation
from ..networks.evaluator import input_flows
from ..records import dataclass
from ..sizes.dims import as_size
from ..sizes.normal_form import simplify


@dataclass(frozen=True, repr=False)
class _Followed(Metric[Expr]):
    """A metric that knows whether tensors come from outside of the network."""

    def evaluate(self, net: Any, on: Any = None, **options: Any) -> Evaluation[Any]:
        evaluation = super().evaluate(net, on, **options)
        arrivals = tuple(Arrival(Tensor(Mul(*flow.shape), enters=True), False) for flow in input_flows(on))
        value: Saving = evaluation.value

        def at(_: Any, record: Record) -> Arrival:
            return value.at(arrivals, record)

        evaluation.value = Saving(at, value.blocks)
        return evaluation


def _finish(evaluation: Evaluation[Saving], unit: str, policy: str, recompute: str, batch: Any, itemsize: Any) -> Expr:
    if unit not in UNITS:
        raise FieldError(f"unit is one of {', '.join(UNITS)}, got {shown(unit)}")
    sizes, examples, record = itemsizes(itemsize), as_size(batch, "batch", least=1), Record()
    if recompute == "block" and not evaluation.value.blocks:
        record.others += whole_as_block(evaluation.value, [Mul(*flow.shape) for flow in evaluation.inputs])
    else:
        evaluation.value.at((), record)
    for term in evaluation.terms:
        term.value.shown = amount(term.value.own, unit, examples, sizes)  # type: ignore[attr-defined]
    return simplify(amount(record.entries, unit, examples, sizes))


saved_activations: Metric[Expr] = _Followed(
    name="saved_activations",
    title="saved activations",
    unit="elements or bytes",
    carrier=lambda unit, policy, recompute, batch, itemsize: SavingCarrier(policy, recompute),
    finish=_finish,
    term=lambda term: simplify(term.value.shown),
    options={"unit": "elements", "policy": "equation", "recompute": "none", "batch": 1, "itemsize": None},
    source="tensors of the forward pass that the adjoint of the equation reads",
    documentation="""What a training step keeps of the forward pass for the backward pass, for one example.

    Read from the equations of `adjoint`: every tensor that they read of the forward pass, once, however many layers keep it; learned
    tensors apart. Within a layer, what is an elementwise function of something kept is computed again where only elementwise lines read
    it. What training draws (`Layer.drawn`, the mask of a dropout) is kept; layers are otherwise as at inference.

    Parameters
    ----------
    net : Network
    on : shape, optional
        What enters an open network.
    unit : str
        ``"elements"`` or ``"bytes"``.
    policy : str
        ``"equation"``: what the equations read. ``"pytorch"``: what PyTorch's eager kernels keep in training, none of them in place; by
        the same equations, with the facts about kernels in `layeralgebra.algebra.adjoints.pytorch_kernels`.
    recompute : str
        ``"none"``: all that is read again is kept. ``"block"``: of what stands in a repetition, what enters each copy; of a network
        without one, what enters it. ``"selective"``: of every layer without the tensors whose share of what is kept is larger than the
        share of the work that their lines do; what was drawn for these alone is drawn again.
    batch : int or symbol
        The number of examples.
    itemsize : mapping of kind to int or symbol, optional
        Bytes of an element: ``"activations"`` (4), ``"masks"`` of which only matters whether an element is 0 (1), ``"indices"``, which say
        where something stands (8), ``"statistics"``, which are means and extrema along an axis (4).

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
    >>> from layeralgebra import Linear, Sigmoid, dims, saved_activations
    >>> n, m = dims("n m")
    >>> saved_activations(Linear(m) >> Sigmoid() >> Linear(m), on=(n,))  # what the linear maps read; the sigmoid reads its output again
    m + n
    >>> saved_activations(Linear(m) >> Sigmoid(), on=(n,), unit="bytes", itemsize={"activations": 2})
    2*m + 2*n
    """,
)
