"""Elements moved: what the parts of a network read and write; `layeralgebra.algebra.movement.traffic` follows the tensors."""

from __future__ import annotations

from typing import Any

from sympy import Expr

from ..arguments import shown
from ..derivations.metric import Metric
from ..errors import FieldError
from ..movement.amounts import Followed, Moved, followed_carrier, weight_of
from ..movement.traffic import ACCESS, KINDS, TrafficCarrier, exact, moved, total
from ..networks.carrier import Evaluation
from ..sizes.normal_form import simplify

OF = ("all", *KINDS)


def _carrier(unit: str, of: str, access: str, fuse: str, batch: Any, itemsize: Any) -> TrafficCarrier:
    for name, given, known in (("of", of, OF), ("access", access, ACCESS)):
        if given not in known:
            raise FieldError(f"{name} is one of {', '.join(known)}, got {shown(given)}")
    return followed_carrier(fuse, batch)


def _finish(evaluation: Evaluation[Any], unit: str, of: str, access: str, fuse: str, batch: Any, itemsize: Any) -> Expr:
    value: Moved = evaluation.value
    weigh = weight_of(unit, of, access, batch, itemsize)
    value.weigh = weigh
    for term in evaluation.terms:
        step = getattr(term.value, "step", None)
        term.value.shown = simplify(moved(step, weigh)) if step is not None else simplify(0)
    return simplify(total(value.steps, weigh))


elements_moved: Metric[Expr] = Followed(
    name="elements_moved",
    title="elements moved",
    unit="elements or bytes",
    carrier=_carrier,
    finish=_finish,
    kind=lambda evaluation, formula, **options: "exact" if exact(evaluation.value.steps) else "upper",
    term=lambda term: term.value.shown,
    options={"unit": "elements", "of": "all", "access": "all", "fuse": "layer", "batch": 1, "itemsize": None},
    source="different elements that the access maps of the equations touch, each read once and written once by every fused part",
    documentation="""Elements that a network reads and writes, for one example.

    Every fused part reads each element that its equations touch once, however often they read it, and writes what comes out of it; what is
    made and read within the part does not move. What only shows a tensor under other axes (reshape, slice, identity) moves nothing, a
    concatenation copies. Lines of an equation are computed in full, whatever is read of them. Learned tensors and buffers are read once by every part that has them, for all examples together.

    An upper bound where which elements are touched depends on numbers (lookups), or where masks or several reads leave it open.

    Parameters
    ----------
    net : Network
    on : shape, optional
        What enters an open network.
    unit : str
        ``"elements"`` or ``"bytes"``.
    of : str
        ``"all"``, or one kind: ``"activations"``, ``"weights"``, ``"indices"``.
    access : str
        ``"all"``, ``"reads"`` or ``"writes"``.
    fuse : str
        What is carried out together: each ``"statement"`` of an equation, each ``"layer"``, each ``"block"`` (a copy of an outermost
        repetition, the layers outside of these by themselves; a network without one as a whole), or the ``"network"``.
    batch : int or symbol
        The number of examples.
    itemsize : mapping of kind to int or symbol, optional
        Bytes of an element: ``"activations"`` (4), ``"weights"`` (4), ``"indices"``, which say where something stands (8).

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
        If a layer is opaque; if what is fused has several outputs.

    Examples
    --------
    >>> from layeralgebra import Conv, Linear, ReLU, dims, elements_moved
    >>> T, n, m, B = dims("T n m B")
    >>> mlp = Linear(m) >> ReLU() >> Linear(n)
    >>> elements_moved(mlp, on=(T, n), batch=B)  # of T*n that enter, T*m four times, T*n that leave, and the weights
    4*B*T*m + 2*B*T*n + 2*m*n + m + n
    >>> elements_moved(mlp, on=(T, n), batch=B, fuse="network")
    2*B*T*n + 2*m*n + m + n
    >>> elements_moved(Conv(m, 1, stride=2, bias=False), on=(n, 8, 8), access="reads", of="activations")  # every second row and column
    16*n

    References
    ----------
    Williams, Waterman, Patterson, "Roofline: an insightful visual performance model for multicore architectures", Communications of the ACM 52
    (2009), doi 10.1145/1498765.1498785.
    """,
)
