"""Depth: the number of weighted layers on the longest path, in the (max, +) semiring."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Expr, Integer, Max, Symbol

from ..arguments import shown
from ..derivations.metric import Metric, repeated
from ..equations.heads import Head, Read, Times, walk
from ..equations.instance import Instance
from ..equations.statements import is_contraction
from ..errors import FieldError
from ..networks.carrier import PathCarrier, Site


def weighted_depth(instance: Instance) -> int:
    """The longest chain of contractions with learned weights inside one layer."""
    depth: dict[str, int] = {}
    for place, statement in enumerate(instance.statements):
        before = max((depth.get(tensor, 0) for tensor in instance.read_by(place)), default=0)
        depth[statement.target] = before + any(_learned(head, instance) for head in walk(statement.value))
    return depth[instance.root]


def _learned(head: Head, instance: Instance) -> bool:
    """Whether a head is a contraction with a learned tensor."""
    return is_contraction(head) and any(instance.roles.get(read.tensor) == "weight" for read in _factors(head))


def _factors(head: Head) -> list[Read]:
    body = getattr(head, "body", None)
    return [factor for factor in body.factors if isinstance(factor, Read)] if isinstance(body, Times) else []


class DepthCarrier(PathCarrier[Expr]):
    """(max, +): series adds, joins take the longest branch."""

    opaque = "exact"
    by_output = fused = True

    def __init__(self, count: str):
        if count not in ("weighted", "layers"):
            raise FieldError(f"depth counts 'weighted' or 'layers', got {shown(count)}")
        self.count = count

    def leaf(self, site: Site, port: int) -> Expr:
        assert site.instance is not None
        return Integer(weighted_depth(site.instance) if self.count == "weighted" else 1)

    def series(self, values: Sequence[Expr]) -> Expr:
        return sum(values, Integer(0))

    def join(self, site: Site, values: Sequence[Expr]) -> Expr:
        return Max(*values)

    def fuse(self, values: Sequence[Expr]) -> Expr:
        return Max(*values)

    def least_copies(self, value: Expr) -> int:
        return 0

    def repeat(self, value: Expr, times: Expr, index: Symbol | None) -> Expr:
        return repeated(value, times, index)


depth: Metric[Expr] = Metric(
    name="depth",
    title="depth",
    unit="layers",
    carrier=DepthCarrier,
    options={"count": "weighted"},
    source="longest path of the graph",
    documentation="""The depth of a network: layers on its longest path.

    Parameters
    ----------
    net : Network
    on : shape, optional
        What enters an open network.
    count : {'weighted', 'layers'}
        Count contractions with learned weights (a ResNet-50 has 50), or every layer.

    Returns
    -------
    Expr

    Raises
    ------
    FieldError
        If `net` is no network, or an option is unknown, or `count` is another word.
    ShapeError
        If nothing enters an open network, or sizes do not fit.
    GraphError
        If both `on` and an `Input` say what enters.

    Examples
    --------
    >>> from layeralgebra import Linear, ReLU, depth, dims
    >>> L = dims("L")
    >>> depth((Linear(8) >> ReLU()) ** L >> Linear(1), on=(8,))
    L + 1
    """,
)
