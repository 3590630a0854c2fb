"""Steps that no equation describes."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Integer

from ...opaque import Opaque
from ..tensors import Shape, Tensor, Tensors


def opaque(t: Tensors, name: str, values: Sequence[Tensor], shape: Shape, label: str = "") -> Tensor:
    """A step of which only the shape is known that the framework recorded: a sort, say."""
    batched = len(shape) > 1 and shape[0] == 1 and any(value.batched for value in values)
    own = shape[1:] if batched else shape
    return t.add(Opaque(name, own or (Integer(1),), len(values)), values, shape, batched, label)
