"""Numbers that callers pass, checked: an error says what was asked instead of what Python stumbled over."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arguments import as_array, shown
from ..errors import FieldError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def whole(given: Any, what: str, least: int) -> int:
    """An integer of at least so much."""
    try:
        made = None if isinstance(given, bool) else operator.index(given)
    except TypeError:
        made = None
    if made is None or made < least:
        raise FieldError(f"{what} is an integer of at least {least}, got {shown(given)}")
    return int(made)


def reals(given: Any, what: str) -> NDArray[Any]:
    """An array of finite real numbers."""
    made: NDArray[Any] = as_array(given, what)
    if not np.all(np.isfinite(made)):
        raise FieldError(f"{what} holds finite real numbers, got {shown(given)}")
    return made
