"""Memory of what is learned in training: bytes of weights, of their gradients and of an optimiser's states, for each parameter."""

from __future__ import annotations

from typing import Any

from sympy import Expr, Integer

from ..arguments import shown
from ..derivations.metric import Metric
from ..errors import FieldError
from ..networks.carrier import Evaluation
from ..sizes.normal_form import simplify
from .parameters import WeightCarrier

STATES = {"sgd": (), "momentum": ("velocity",), "adam": ("mean", "variance"), "adamw": ("mean", "variance")}
"""What an optimiser holds of each parameter from step to step, in single precision."""
PRECISIONS = {
    "full": {"weights": 4, "gradients": 4, "master": 0},
    "mixed": {"weights": 2, "gradients": 2, "master": 4},
}
"""Bytes a parameter beside the states; in mixed precision, the step is made on a copy of the weights in single precision."""
PARTS = ("all", "weights", "gradients", "master", "states")


def bytes_of(optimizer: str, precision: str) -> dict[str, int]:
    """Bytes a parameter, by what they hold."""
    for name, given, known in (("optimizer", optimizer, STATES), ("precision", precision, PRECISIONS)):
        if given not in known:
            raise FieldError(f"{name} is one of {', '.join(known)}, got {shown(given)}")
    return {**PRECISIONS[precision], "states": 4 * len(STATES[optimizer])}


def _carrier(optimizer: str, precision: str, part: str) -> WeightCarrier:
    bytes_of(optimizer, precision)
    if part not in PARTS:
        raise FieldError(f"part is one of {', '.join(PARTS)}, got {shown(part)}")
    return WeightCarrier()


def _bytes(weights: Any, optimizer: str, precision: str, part: str) -> Expr:
    each = bytes_of(optimizer, precision)
    return simplify(Integer(sum(each.values()) if part == "all" else each[part]) * weights.total)


def _finish(evaluation: Evaluation[Any], optimizer: str, precision: str, part: str) -> Expr:
    return _bytes(evaluation.value, optimizer, precision, part)


optimizer_memory: Metric[Expr] = Metric(
    name="optimizer_memory",
    title="memory of weights, gradients and optimiser",
    unit="bytes",
    carrier=_carrier,
    finish=_finish,
    options={"optimizer": "adam", "precision": "mixed", "part": "all"},
    term=lambda term: term.value.total,
    source="parameters of the equation, and bytes that an optimiser holds of each",
    documentation="""Bytes that training holds of what is learned: weights, their gradients, and the states of the optimiser.

    Of each parameter:

    ==============  =========  =======  =========  ======  ======  =====
    optimiser       precision  weights  gradients  master  states  all
    ==============  =========  =======  =========  ======  ======  =====
    sgd             full       4        4          0       0       8
    sgd             mixed      2        2          4       0       8
    momentum        full       4        4          0       4       12
    momentum        mixed      2        2          4       4       12
    adam, adamw     full       4        4          0       8       16
    adam, adamw     mixed      2        2          4       8       16
    ==============  =========  =======  =========  ======  ======  =====

    The master copy is that of the weights in single precision. What a step holds of its examples is `peak_memory`, which counts the gradients of
    what is learned, too.

    Parameters
    ----------
    net : Network
    on : shape, optional
        What enters an open network.
    optimizer : str
        ``"sgd"``, ``"momentum"``, ``"adam"`` or ``"adamw"``.
    precision : str
        ``"full"`` or ``"mixed"``.
    part : str
        ``"all"``, or one of ``"weights"``, ``"gradients"``, ``"master"`` and ``"states"``.

    Returns
    -------
    Expr

    Raises
    ------
    FieldError
        If `net` is no network, or an option is unknown.
    ShapeError
        If nothing enters an open network, or sizes do not fit; also those of weights shared under one name.
    GraphError
        If both `on` and an `Input` say what enters.

    Examples
    --------
    >>> from layeralgebra import Linear, dims, optimizer_memory
    >>> n = dims("n")
    >>> optimizer_memory(Linear(n, bias=False), on=(n,))
    16*n**2
    >>> optimizer_memory(Linear(n, bias=False), on=(n,), optimizer="momentum", part="states")
    4*n**2

    References
    ----------
    Rajbhandari et al., "ZeRO: Memory Optimizations Toward Training Trillion Parameter Models", SC20, arXiv 1910.02054, section 3.1.
    """,
)
