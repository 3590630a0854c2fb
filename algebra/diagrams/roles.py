"""What a layer does to its input, read from its equation: the colours of diagrams.

``map`` sums over products with learned numbers or looks them up, ``scale`` has learned numbers without such a sum,
``reduction`` takes sums, means or extrema, ``function`` applies a function, ``arrangement`` only moves elements.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from ..equations.heads import Apply, Head, Read, Reduce, Select, Softmax, Times, walk
from ..equations.latex import schematic
from ..equations.statements import Statement
from ..errors import LayerAlgebraError

ROLES = {
    "input": "input",
    "map": "learned map",
    "scale": "scaling, normalisation",
    "reduction": "reduction",
    "function": "function",
    "arrangement": "rearrangement",
    "several": "several layers",
}
STRONGEST_FIRST = ("map", "scale", "reduction", "function", "arrangement")
"""A layer has the first of the roles of its lines."""


@lru_cache(maxsize=4096)
def role_of(layer: Any) -> str:
    """The role of a layer.

    >>> from layeralgebra import BatchNorm, Conv, MaxPool, ReLU
    >>> [role_of(layer) for layer in (Conv(8, 3), BatchNorm(), ReLU(), MaxPool(2))]
    ['map', 'scale', 'function', 'reduction']
    """
    try:
        elaborated = schematic(layer)
    except LayerAlgebraError:
        return "function"
    defined = {statement.target for statement in elaborated.statements}
    known = defined | set(layer.input_names) | set(layer.buffers)
    found = {role_of_line(statement, known) for statement in elaborated.statements}
    return next(role for role in STRONGEST_FIRST if role in found)


def role_of_line(statement: Statement, known: set[str]) -> str:
    """The role of one line; tensors that are not `known` are learned."""
    found = {"arrangement"}
    for head in walk(statement.value):
        if isinstance(head, Read) and head.tensor not in known:
            found.add("scale")
            if any(isinstance(place, Read) for place in head.address):
                return "map"
        if isinstance(head, Reduce) and head.operation == "sum" and _learned_product(head.body, known):
            return "map"
        if isinstance(head, (Reduce, Select, Softmax)):
            found.add("reduction")
        elif isinstance(head, (Apply, Times)):
            found.add("function")
    return next(role for role in STRONGEST_FIRST if role in found)


def _learned_product(head: Head, known: set[str]) -> bool:
    return any(isinstance(product, Times) and {True, False} <= set(_learned(product, known)) for product in walk(head))


def _learned(product: Times, known: set[str]) -> Iterator[bool]:
    for factor in product.factors:
        for read in walk(factor):
            if isinstance(read, Read):
                yield read.tensor not in known
