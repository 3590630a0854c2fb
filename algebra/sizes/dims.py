"""Dimensions: positive integers, known or symbolic.

>>> H, W = dims("H W")
>>> H.is_integer, W.is_positive
(True, True)
>>> dims("c")
c
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from sympy import Expr, I, Integer, Pow, Symbol, nan, oo, zoo
from sympy.core.numbers import Float

from ..arguments import as_elements, as_integer, checked, is_scalar, shown
from ..errors import FieldError

NO_SIZES = (Float, nan, oo, -oo, zoo, I)
LARGEST_EXPONENT = 10_000
MOST_SIZES = 1_000
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*\Z")


@checked
def dims(names: str) -> Any:
    """Positive integer symbols, for sizes.

    Parameters
    ----------
    names : str
        Names separated by blanks or commas. A name is a letter, then letters and digits, with parts joined by ``_``.

    Returns
    -------
    sympy.Symbol or tuple of sympy.Symbol
        One symbol for one name, a tuple for several (as `sympy.symbols` does).

    Raises
    ------
    FieldError
        If there is no name, or one is not a name.

    Examples
    --------
    >>> H, W, c, L = dims("H W c L")
    >>> c + 1 > 0
    True
    """
    if not isinstance(names, str):
        raise FieldError(f"dims takes a text of names, got {shown(names)}; write dims('H W')")
    found = [name for name in re.split(r"[\s,]+", names) if name]
    if not found:
        raise FieldError("dims needs at least one name; write dims('H W')")
    for name in found:
        if not _NAME.match(name) or len(name) > 64:
            raise FieldError(f"{name[:80]!r} is no name for a dimension; write a letter, then letters, digits and _")
    made = tuple(Symbol(name, integer=True, positive=True) for name in found)
    return made[0] if len(made) == 1 else made


def as_size(value: object, what: str, *, least: int | None = 1) -> Expr:
    """A size as a SymPy expression, or a clear error: integers, and expressions that are not known to be anything else."""
    if type(value) is int and (least is None or value >= least):
        return Integer(value)
    size = value if isinstance(value, Expr) else Integer(as_integer(value, f"{what}, an integer or a symbolic size,"))
    if size.is_Integer and (least is None or int(size) >= least):
        return size
    if wanted := _wanted(size, least):
        raise FieldError(f"{what} must be {wanted}, got {shown(value)}")
    return size


@lru_cache(maxsize=4096)
def _wanted(size: Expr, least: int | None) -> str:
    """What an expression is not that a size has to be, if that is known."""
    if not is_scalar(size) or size.has(*NO_SIZES) or _has_huge_power(size):
        return "an integer or a symbolic size"
    if size.is_integer is False or size.is_finite is False:
        return "an integer"
    return f"at least {least}" if least is not None and (size - least).is_negative else ""


def _has_huge_power(size: Expr) -> bool:
    """Whether a number stands in an exponent that no arithmetic gets through, or an exponent in an exponent."""
    return any(
        abs(power.exp) > LARGEST_EXPONENT if power.exp.is_Integer else power.exp.has(Pow) for power in size.atoms(Pow)
    )


def are_sizes(values: Iterable[object], what: str, *, least: int | None = 1) -> tuple[Expr, ...]:
    """Every one of several sizes, each named by its position in the message."""
    given = as_elements(values, what, most=MOST_SIZES)
    return tuple(as_size(value, f"{what}[{place}]", least=least) for place, value in enumerate(given))


class Index(Symbol):
    """An index of an equation: a type of its own, so that it never equals a user's symbol of the same name."""

    def __new__(cls, name: str) -> "Index":
        return _index(name)

    def __getnewargs_ex__(self):
        return (self.name,), {}


@lru_cache(maxsize=4096)
def _index(name: str) -> Index:
    """One object for each name: equations have few letters, and read each of them many times."""
    return Symbol.__new__(Index, name, integer=True, nonnegative=True)
