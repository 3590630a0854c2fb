"""Elements at places: fixed ones, or such as another tensor holds."""

from __future__ import annotations

from ....algebra.errors import UnsupportedError
from ... import arithmetic
from ..tensors import Shape, Tensor, Tensors


def taken(t: Tensors, table: Tensor, places: Shape, label: str = "") -> Tensor:
    """Rows of a table at fixed places, in the shape of the places."""
    if len(table.shape) != 2 or table.batched:
        raise UnsupportedError(
            f"{label}: only the rows of a table can be taken, at places that do not depend on the data"
        )
    return t.add(arithmetic.Take(places), [table], (*places, table.shape[1]), False, label)
