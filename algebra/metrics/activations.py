"""Activations: the number of elements that the layers of a network make."""

from __future__ import annotations

from sympy import Expr, Integer, Mul

from ..derivations.metric import Metric, SumCarrier
from ..equations.heads import Read, reads
from ..equations.instance import Instance
from ..equations.statements import Statement
from ..networks.carrier import Site


def _activations(intermediate: bool) -> SumCarrier:
    def measure(site: Site) -> Expr:
        instance = site.instance
        assert instance is not None
        if not intermediate:
            made = [Mul(*instance.shapes[name]) for name in instance.outputs if _makes(instance, name)]
        else:
            lines = [instance.statements[place] for place in instance.live]
            made = [Mul(*instance.shapes[line.target]) for line in lines if not _is_view(line)]
        return sum(made, Integer(0))

    return SumCarrier(measure, lambda site: Integer(0) if site.join.stacks else Mul(*site.output.shape), "exact")


def _makes(instance: Instance, name: str) -> bool:
    """Whether an output was made by the equation, and is no other view of what was there before, nor of another output."""
    statements, place = instance.statements, instance.places[name]
    while _is_view(statements[place]):
        (source,) = reads(statements[place].value)
        defining = [earlier for earlier in range(place) if statements[earlier].target == source.tensor]
        if not defining or source.tensor in instance.outputs:
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
