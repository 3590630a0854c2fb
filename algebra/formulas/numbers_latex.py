r"""Numbers in tables as a style wants them: in units of a thousand, a million, ..., rounded, by siunitx.

>>> from layeralgebra import Style
>>> [number_latex(1480589312, "MACs", Style(units={"MACs": "G"}, digits=3)), number_latex(25557032, "", Style(siunitx=True))]
['1.481', '\\num{25557032}']
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from sympy import Integer, Rational

from ..typesetting.style import PREFIXES, Style
from .latex import grouped


def as_decimal(value: Any) -> Decimal | None:
    """A number as a decimal; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, Integer)):
        return Decimal(int(value))
    if isinstance(value, float):
        return Decimal(repr(value)) if value == value and abs(value) != float("inf") else None
    if isinstance(value, Rational):
        return Decimal(int(value.p)) / Decimal(int(value.q))
    return None


def scaled(value: Any, title: str, style: Style) -> Decimal | None:
    """A number in the unit of its column, rounded to the digits asked for, halves to even."""
    number = as_decimal(value)
    if number is None:
        return None
    number = number.scaleb(-PREFIXES[style.units.get(title, "")])
    digits = style.decimals(title)
    if digits is not None and title in style.units or digits is not None and number != number.to_integral_value():
        number = number.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_EVEN)
    return number


def number_latex(value: Any, title: str, style: Style) -> str:
    """A number, for math mode."""
    number = scaled(value, title, style)
    assert number is not None
    text = f"{number:f}"
    if "." in text and style.decimals(title) is None:
        text = text.rstrip("0").rstrip(".")
    if style.siunitx:
        return rf"\num{{{text}}}"
    whole, _, part = text.partition(".")
    return grouped(int(whole)) + (f".{part}" if part else "") if not whole.startswith("-0") else text


def column_format(values: list[Any], title: str, style: Style) -> str:
    """The column type S of siunitx that holds the numbers."""
    texts = [f"{number:f}" for value in values if (number := scaled(value, title, style)) is not None]
    before = max((len(text.partition(".")[0].lstrip("-")) for text in texts), default=1)
    behind = max((len(text.partition(".")[2]) for text in texts), default=0)
    return f"S[table-format={before}.{behind}]" if behind else f"S[table-format={before}]"
