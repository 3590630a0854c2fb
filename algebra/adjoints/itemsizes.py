"""Elements and bytes: how large an element is of each kind that is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sympy import Add, Expr, Integer, Mul

from ..arguments import shown
from ..errors import FieldError
from ..sizes.dims import as_size
from .saving import Entry

UNITS = ("elements", "bytes")
ITEMSIZE = {"activations": 4, "masks": 1, "indices": 8, "statistics": 4}
"""Bytes of an element in single precision, as PyTorch has them."""


def itemsizes(given: Any, more: Mapping[str, int] | None = None) -> dict[str, Expr]:
    """Bytes of an element of each kind, with what is given in place of the usual."""
    if given is None:
        given = {}
    if not isinstance(given, Mapping):
        raise FieldError(f"itemsize is a mapping such as {{'activations': 2}}, got {shown(given)}")
    known = {**ITEMSIZE, **(more or {})}
    for kind in given:
        if kind not in known:
            raise FieldError(f"there are no {shown(kind)} among what is kept; there are {', '.join(known)}")
    return {kind: as_size(given.get(kind, size), f"the bytes of {kind}", least=1) for kind, size in known.items()}


def amount(entries: Iterable[Entry], unit: str, batch: Expr, sizes: Mapping[str, Expr]) -> Expr:
    """What is kept, in elements or in bytes."""
    weighed = [
        Mul(one.elements, batch if one.each else Integer(1), sizes[one.kind] if unit == "bytes" else Integer(1))
        for one in entries
    ]
    return Add(*weighed)
