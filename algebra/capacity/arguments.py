"""Numbers that callers pass, checked: an error says what was asked instead of what Python stumbled over."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

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
        raise FieldError(f"{what} is an integer of at least {least}, got {given!r}")
    return int(made)


def reals(given: Any, what: str) -> NDArray[Any]:
    """An array of finite real numbers."""
    try:
        made = np.asarray(given, dtype=float)
    except (TypeError, ValueError, OverflowError):
        made = None
    if made is None or not np.all(np.isfinite(made)):
        raise FieldError(f"{what} holds finite real numbers, got {given!r}")
    return made
