"""What the makers of PyTorch's own modules share: literal sizes, and the type of a maker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sympy import Tuple

from ...algebra.networks.carrier import Flow


def _integer(value: object) -> Any:
    from ...algebra.sizes.dims import as_size

    return as_size(value, "a size")


def literal(value: Any) -> Any:
    """The value of a field as plain Python: a number, a tuple of numbers."""
    return tuple(int(part) for part in value) if isinstance(value, Tuple) else int(value)


Maker = Callable[[Any, Sequence[Flow]], Any]
