"""Activations: the number of elements that the layers of a network make."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Expr, Integer, Mul

from ..derivations.metric import Metric, SumCarrier
from ..equations.heads import Read, reads
from ..equations.statements import Statement
from ..networks.carrier import Site


def _activations(intermediate: bool) -> SumCarrier:
    def measure(site: Site) -> Expr:
        instance = site.instance
        assert instance is not None
        if not intermediate:
            return Mul(*instance.output) if _makes(instance.statements) else Integer(0)
        made = [Mul(*instance.shapes[s.target]) for s in instance.statements if not _is_view(s)]
        return sum(made, Integer(0))

    return SumCarrier(measure, lambda site: Integer(0) if site.join.stacks else Mul(*site.output.shape), "exact")


def _makes(statements: Sequence[Statement]) -> bool:
    """Whether what comes out was made by these statements, and is no other view of what was there before them."""
    place = len(statements) - 1
    while _is_view(statements[place]):
        (source,) = reads(statements[place].value)
        defining = [earlier for earlier in range(place) if statements[earlier].target == source.tensor]
        if not defining:
            return False
        place = defining[-1]
    return True


def _is_view(statement: Statement) -> bool:
    """Whether a statement only renames the elements of a tensor that is there already; a lookup makes new ones."""
    return not statement.scatters and isinstance(statement.value, Read) and len(list(reads(statement.value))) == 1


activations: Metric[Expr] = Metric(
    name="activations",
    title="activations",
    unit="elements",
    carrier=_activations,
    options={"intermediate": False},
    source="number of elements of the tensors that the equations define",
    documentation="""Activations of a network for one example, in elements: the outputs of all layers, and the sums and products that join branches.

    What only renames elements (identity, dropout, reshape, concatenation) makes none.

    Parameters
    ----------
    net : Network
    on : shape, optional
        What enters an open network.
    intermediate : bool
        Count every tensor that an equation defines (attention scores, gates, padded copies), not only the layers' outputs.

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

    Examples
    --------
    >>> from layeralgebra import Conv, ReLU, activations, dims
    >>> H, W, c = dims("H W c")
    >>> activations(Conv(c, 3, padding=1) >> ReLU(), on=(3, H, W))
    2*H*W*c
    """,
)
