"""The bilinear circuits of attention, from the contractions of an equation."""

from __future__ import annotations

from typing import Any

from sympy import Expr, Mul

from ...arguments import checked
from ...equations.heads import Read, address_indices
from ...equations.instance import Instance
from ...errors import UnsupportedError
from ...linear.monomials import COEFFICIENT, LINEAR, expand, kinds_of_tensors
from ...networks.carrier import Site
from ...networks.evaluator import evaluate_network
from ...networks.layer import Layer
from ...networks.network import Network
from ...sizes.dims import Index
from ...sizes.normal_form import simplify
from .matrices import LowRank, attention_circuit
from .recognition import StructureCarrier


@checked
def attention_circuits(net: Network, on: Any = None) -> list[tuple[str, LowRank, Expr]]:
    """The bilinear circuits of attention, from the contractions of an equation: names, structure, number of heads.

    A *circuit* is a pair of learned maps that meet in a contraction over an index which nothing else reads: the query
    and key maps in the scores, the value and output maps behind the mixing. Each is a matrix of a rank of at most the
    extent of that index.

    Parameters
    ----------
    net : Layer
    on : shape, optional
        What enters it.

    Returns
    -------
    list of (str, LowRank, Expr)
        For each circuit the names of its two maps, its structure, and the number of heads that have one.

    Raises
    ------
    UnsupportedError
        If `net` is no single layer, or has no two maps that meet in a contraction.
    ShapeError
        If nothing enters it, or sizes do not fit.

    Examples
    --------
    >>> from layeralgebra import MultiHeadAttention, dims
    >>> for name, circuit, heads in attention_circuits(MultiHeadAttention(2), on=(5, 8)):
    ...     print(name, circuit.total, heads)
    Q K 48 2
    V O 48 2
    """
    if not isinstance(net, Layer):
        raise UnsupportedError("circuits are those of one attention layer; pass the layer and what enters it")
    flow = evaluate_network(net, StructureFree(), on)
    instance = net.instance(*(f.shape for f in flow.inputs))
    return _circuits(instance)


class StructureFree(StructureCarrier):
    """Shapes only."""

    def leaf(self, site: Site, port: int) -> tuple[Any, ...]:
        return ()


def _circuits(instance: Instance) -> list[tuple[str, LowRank, Expr]]:
    kinds = kinds_of_tensors(instance)
    made: dict[str, tuple[str, Read, int]] = {}  # tensor -> the map that makes it from an input
    found = []
    for place, statement in enumerate(instance.statements):
        try:
            monomials = expand(statement.value, lambda name: kinds[name], str(instance.layer))
        except UnsupportedError:
            continue
        for monomial in monomials:
            weights = [r for r in monomial.reads if kinds[r.tensor] == COEFFICIENT]
            linear = [r for r in monomial.reads if kinds[r.tensor] == LINEAR]
            if len(weights) == 1 and len(linear) == 1 and instance.roles[linear[0].tensor] == "input":
                made[statement.target] = (weights[0].tensor, weights[0], place)
            elif len(linear) == 2 and not weights:
                maps = [made[r.tensor] for r in linear if r.tensor in made]
                shared = set(monomial.sums) & _addressed(linear[0]) & _addressed(linear[1])
                if len(maps) == 2 and len(shared) == 1:
                    found.append(_circuit(instance, maps, place, shared.pop()))
                elif len(maps) == 1:
                    made[statement.target] = (*maps[0][:2], -1 - place)
            elif len(weights) == 1 and len(linear) == 1 and made.get(linear[0].tensor, ("", None, 0))[2] < 0:
                first = made[linear[0].tensor]
                found.append(_mixed(instance, first, weights[0]))
    if not found:
        raise UnsupportedError(f"{instance.layer} has no two maps that meet in a contraction")
    return found


def _addressed(read: Read) -> set[Index]:
    return {index for part in read.address for index in address_indices(part)}


def _inputs_of(instance: Instance, item: tuple[str, Read, int]) -> Expr:
    """The number of features that a map takes: the extent of the index it sums with the input."""
    return instance.shapes[item[0]][-1]


def _circuit(instance: Instance, maps: list[Any], place: int, shared: Index) -> tuple[str, LowRank, Expr]:
    rows, columns = (_inputs_of(instance, item) for item in maps)
    inner = instance.extents[place][shared]
    return f"{maps[0][0]} {maps[1][0]}", _low_rank(rows, columns, inner), _heads(instance, maps[0], inner)


def _mixed(instance: Instance, first: Any, last: Read) -> tuple[str, LowRank, Expr]:
    """Behind the mixing, the output map takes all heads side by side; that of one head is as wide as the value map's rows."""
    shape = instance.shapes[first[0]]
    inner = shape[-2]
    out = instance.shapes[last.tensor][0]
    return (
        f"{first[0]} {last.tensor}",
        _low_rank(shape[-1], out, inner),
        simplify(instance.shapes[last.tensor][-1] / inner),
    )


def _heads(instance: Instance, first: Any, inner: Expr) -> Expr:
    shape = instance.shapes[first[0]]
    return simplify(Mul(*shape[:-1]) / inner)


def _low_rank(rows: Expr, columns: Expr, rank: Expr) -> LowRank:
    return attention_circuit(rows, rank) if rows == columns else LowRank(rows, columns, rank)
