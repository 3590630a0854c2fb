"""Peak memory: the most that the tensors of a network hold at once, each from the layer that makes it to the last that reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sympy import Expr, Integer, Mul

from ..adjoints.lifetimes import LifetimeCarrier, Peak, Running, Step, largest, peak
from ..adjoints.saving import Tensor
from ..arguments import shown
from ..derivations.metric import Metric
from ..errors import FieldError, UnsupportedError
from ..networks.carrier import Evaluation
from ..networks.evaluator import input_flows
from ..networks.network import Network
from ..sizes.dims import as_size
from ..sizes.normal_form import simplify
from .saved_activations import UNITS, itemsizes


@dataclass(frozen=True, repr=False)
class _Ordered(Metric[Expr]):
    """A metric of the steps of a network in their order."""

    def evaluate(self, net: Network, on: Any = None, **options: Any) -> Evaluation[Any]:
        evaluation = super().evaluate(net, on, **options)
        value: Running = evaluation.value
        arrivals = tuple(Tensor(Mul(*flow.shape), enters=True) for flow in input_flows(on))
        steps: list[Step] = []
        leaving = value.at(arrivals, steps)
        if leaving.elements is None:  # what enters leaves
            leaving.met(Mul(*evaluation.output.shape))
        read = [tensor for step in steps for tensor in step.reads]
        entering = dict.fromkeys((*arrivals, *(tensor for tensor in (*read, leaving) if tensor.enters)))
        evaluation.value = steps, tuple(entering), leaving
        return evaluation


def _peak(evaluation: Evaluation[Any], unit: str, batch: Any, itemsize: Any) -> Peak:
    if unit not in UNITS:
        raise FieldError(f"unit is one of {', '.join(UNITS)}, got {shown(unit)}")
    sizes: Mapping[str, Expr] = itemsizes(itemsize)
    examples = as_size(batch, "batch", least=1)
    steps, entering, leaving = evaluation.value

    def size(tensor: Tensor) -> Expr:
        each = sizes[tensor.kind] if unit == "bytes" else Integer(1)
        return Mul(tensor.elements or Integer(0), examples, each)

    return peak(steps, entering, frozenset({leaving}), size)


def _carrier(training: bool, unit: str, batch: Any, itemsize: Any) -> LifetimeCarrier:
    if training:
        raise UnsupportedError(
            "the peak of a training step is not derived here; saved_activations(net) is what is kept between its two passes, and "
            "peak_memory(net) the peak of the forward pass at inference"
        )
    return LifetimeCarrier()


def _finish(evaluation: Evaluation[Any], training: bool, unit: str, batch: Any, itemsize: Any) -> Expr:
    return largest(_peak(evaluation, unit, batch, itemsize).sums)


def _kind(evaluation: Evaluation[Any], formula: Expr, training: bool, unit: str, batch: Any, itemsize: Any) -> str:
    return "exact" if _peak(evaluation, unit, batch, itemsize).exact else "upper"


peak_memory: Metric[Expr] = _Ordered(
    name="peak_memory",
    title="peak memory",
    unit="elements or bytes",
    carrier=_carrier,
    finish=_finish,
    kind=_kind,
    term=lambda term: simplify(Mul(*term.site.output.shape)),
    options={"training": False, "unit": "elements", "batch": 1, "itemsize": None},
    source="lifetimes of the tensors between layers, in the order of execution",
    documentation="""The most elements that the tensors between layers hold at once at inference, for one example.

    Layers are carried out one after the other, branches and nodes of a graph in the order in which they are written and sorted. A layer makes
    its output while what it reads is there; a tensor is there until the last layer has read it, what enters the network too. What only
    shows its input under other axes makes nothing. Learned tensors, and what a layer needs inside while it computes, are not counted.

    An upper bound where a repetition with a symbolic number of copies stands beside a branch that reads what enters it: from two copies on it
    is reached.

    Parameters
    ----------
    net : Network
    on : shape, optional
        What enters an open network.
    training : bool
        Only False is known here.
    unit : str
        ``"elements"`` or ``"bytes"``.
    batch : int or symbol
        The number of examples.
    itemsize : mapping of kind to int or symbol, optional
        Bytes of an element, as in `saved_activations`; of what looks up a table those of ``"indices"``, of all else those of
        ``"activations"``.

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
        With ``training=True``; if a layer has several outputs that are read; if symbols decide which copy of a repetition holds most.

    Examples
    --------
    >>> from layeralgebra import Identity, Linear, ReLU, dims, peak_memory
    >>> n, L = dims("n L")
    >>> peak_memory(Linear(4 * n) >> ReLU() >> Linear(n), on=(n,))
    8*n
    >>> peak_memory((Identity() + (Linear(4 * n) >> ReLU() >> Linear(n))) ** L, on=(n,))
    9*n
    """,
)
