"""The shape of what a network makes."""

from __future__ import annotations

from sympy import Tuple

from ..derivations.metric import Metric
from ..networks.carrier import Flow, Flows, ShapeCarrier, each


def _leaving(output: Flow | Flows) -> Tuple:
    """What leaves a node: a shape, or one for each of several outputs."""
    shapes = [Tuple(*flow.shape) for flow in each(output)]
    return Tuple(*shapes) if isinstance(output, Flows) else shapes[0]


output_shape: Metric[Tuple] = Metric(
    name="output_shape",
    title="output shape",
    unit="elements along each axis",
    carrier=ShapeCarrier,
    finish=lambda evaluation: Tuple(*evaluation.output.shape),
    term=lambda term: _leaving(term.site.output),
    source="extents of the indices of the last statement",
    of_outputs=True,
    documentation="""The shape of the output for one example.

    Parameters
    ----------
    net : Network
    on : shape, optional
        What enters an open network.

    Returns
    -------
    sympy.Tuple, or a mapping of names to them for a network of several outputs

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
    >>> from layeralgebra import Conv, MaxPool, dims, output_shape
    >>> H = dims("H")
    >>> output_shape(MaxPool(2) ** 3, on=(1, H))
    (1, floor(H/8))
    """,
)
