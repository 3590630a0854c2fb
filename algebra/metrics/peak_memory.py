"""Peak memory: the most that the tensors of a network hold at once, each from the layer that makes it to the last that reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sympy import Add, Expr, Integer, Mul

from ..adjoints.execution import ExecutionCarrier
from ..adjoints.itemsizes import UNITS, itemsizes
from ..adjoints.lifetimes import Peak, largest, peak
from ..adjoints.saving import Tensor
from ..adjoints.training_step import Carried, carried, outputs_of
from ..arguments import shown
from ..derivations.metric import Metric
from ..errors import FieldError
from ..networks.carrier import Evaluation
from ..networks.evaluator import input_flows
from ..records import dataclass
from ..sizes.dims import as_size
from ..sizes.normal_form import simplify


@dataclass(frozen=True, repr=False)
class _Ordered(Metric[Expr]):
    """A metric of the steps of a network in their order."""

    def evaluate(self, net: Any, on: Any = None, **options: Any) -> Evaluation[Any]:
        evaluation = super().evaluate(net, on, **options)
        chosen = self._checked(options)
        arrivals = tuple(Tensor(Mul(*flow.shape), enters=True) for flow in input_flows(on))
        evaluation.value = carried(evaluation, arrivals, chosen["training"], chosen["recompute"] == "block")
        return evaluation


def _size(unit: str, batch: Any, itemsize: Any) -> Callable[[Tensor], Expr]:
    if unit not in UNITS:
        raise FieldError(f"unit is one of {', '.join(UNITS)}, got {shown(unit)}")
    sizes: Mapping[str, Expr] = itemsizes(itemsize, {"gradients": 4})
    examples = as_size(batch, "batch", least=1)

    def size(tensor: Tensor) -> Expr:
        each = sizes[tensor.kind] if unit == "bytes" else Integer(1)
        return Mul(tensor.elements or Integer(0), examples if tensor.each else Integer(1), each)

    return size


def _peak(evaluation: Evaluation[Any], unit: str, batch: Any, itemsize: Any) -> Peak:
    made: Carried = evaluation.value
    return peak(made.steps, made.entering, made.held, _size(unit, batch, itemsize))


def _finish(
    evaluation: Evaluation[Any], training: bool, policy: str, recompute: str, unit: str, batch: Any, itemsize: Any
) -> Expr:
    return largest(_peak(evaluation, unit, batch, itemsize).sums)


def _kind(evaluation: Evaluation[Any], formula: Expr, **options: Any) -> str:
    chosen = {name: options[name] for name in ("unit", "batch", "itemsize")}
    return "exact" if _peak(evaluation, **chosen).exact else "upper"


peak_memory: Metric[Expr] = _Ordered(
    name="peak_memory",
    title="peak memory",
    unit="elements or bytes",
    carrier=lambda training, policy, recompute, unit, batch, itemsize: ExecutionCarrier(training, policy, recompute),
    finish=_finish,
    kind=_kind,
    term=lambda term: simplify(Add(*(Mul(*flow.shape) for flow in outputs_of(term.site)))),
    options={
        "training": False,
        "policy": "equation",
        "recompute": "none",
        "unit": "elements",
        "batch": 1,
        "itemsize": None,
    },  # fmt: skip
    source="lifetimes of the tensors between layers, in the order of execution",
    documentation="""The most elements that the tensors between layers hold at once, at inference or in a training step, for one example.

    Layers are carried out one after the other, branches and nodes of a graph in the order in which they are written and sorted. A layer makes
    its output while what it reads is there; a tensor is there until the last layer has read it, what enters the network too. What only
    shows its input under other axes makes nothing. Learned tensors, and what a layer needs inside while it computes, are not counted.

    In training, what the backward pass reads of the forward pass is held until it has been read (see `saved_activations`), the gradient of a tensor
    from its first contribution until it has been passed on, later contributions are added in place, and gradients of learned tensors stay, once for
    all examples. A step begins its way back with a gradient of what comes out.

    An upper bound where the first or the last copy of a symbolic number of copies differs from the others: from two copies on, or three, it is
    reached.

    Parameters
    ----------
    net : Network
    on : shape, optional
        What enters an open network.
    training : bool
        Forward and backward instead of the forward pass alone.
    policy : str
        What is kept in training, ``"equation"`` or ``"pytorch"``, as in `saved_activations`.
    recompute : str
        What is computed again in training, ``"none"``, ``"block"`` or ``"selective"``, as in `saved_activations`. A block is computed again
        with all that it keeps before one goes back through it.
    unit : str
        ``"elements"`` or ``"bytes"``.
    batch : int or symbol
        The number of examples.
    itemsize : mapping of kind to int or symbol, optional
        Bytes of an element, as in `saved_activations`, and of the gradients of learned tensors, ``"gradients"`` (4); of what looks up a table
        those of ``"indices"``, of all else between layers those of ``"activations"``.

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
        If symbols decide which copy of a repetition holds most; in training, if a layer has no backward pass that is known here.

    Examples
    --------
    >>> from layeralgebra import Identity, Linear, ReLU, dims, peak_memory
    >>> n, L = dims("n L")
    >>> peak_memory(Linear(4 * n) >> ReLU() >> Linear(n), on=(n,))
    8*n
    >>> peak_memory((Identity() + (Linear(4 * n) >> ReLU() >> Linear(n))) ** L, on=(n,))
    9*n
    >>> peak_memory(Linear(n) >> Linear(n), on=(n,), training=True)  # gradients of what is learned, and between layers
    2*n**2 + 4*n
    """,
)
