"""Formulas as text for a terminal, each in the shortest of its forms or in one that is chosen.

>>> from sympy import floor
>>> from layeralgebra import dims
>>> H, N, p, s = dims("H N p s")
>>> formula_text(floor((H + 31)/32))
'ceil(H/32)'
>>> formula_text(3*floor((N + 2*p - 3)/s) + 3), formula_text(3*floor((N + 2*p - 3)/s) + 3, form="factored")
('3*floor((N + 2*p - 3)/s) + 3', '3*(floor((N + 2*p - 3)/s) + 1)')
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import singledispatch
from typing import Any

from sympy import Add, Basic, Integer, Tuple

from ..arguments import checked
from .forms import SHORTEST, Form, as_form
from .lengths import plain_text
from .printer import PRINTER, digits_in_full
from .records import Formula, record_parts


@checked
def formula_text(formula: Any, form: str = "shortest", by: Any = None) -> str:
    """A formula, a tuple of formulas or a record of them as one line of text.

    Parameters
    ----------
    formula : Expr, tuple, record or number
    form : str
        ``"shortest"``, ``"expanded"``, ``"factored"``, ``"collected"``, or ``"given"``: as the expression is.
    by : Symbol or sequence of Symbol, optional
        By what it is collected, the first outermost; if left out, by the symbol that leaves it shortest.

    Returns
    -------
    str

    Raises
    ------
    FieldError
        If there is no such form, or `by` is no symbol or goes with another form than ``"collected"``.
    BudgetError
        If a number has more digits than Python writes (`sys.set_int_max_str_digits`).

    Examples
    --------
    >>> from layeralgebra import Conv, MaxPool, dims, output_shape
    >>> H, W = dims("H W")
    >>> formula_text(output_shape(Conv(8, 3, stride=2, padding=1) >> MaxPool(3, stride=2, padding=1), on=(3, H)))
    '(8, ceil(H/4))'
    >>> formula_text((H + 1)*(W + 2), form="expanded"), formula_text(H*W + 2*H + W + 2)
    ('H*W + 2*H + W + 2', '(H + 1)*(W + 2)')
    """
    return text_of(formula, as_form(form, by))


@singledispatch
def text_of(formula: Any, form: Form = SHORTEST) -> str:
    """The text of whatever `formula_text` takes, in a form."""
    if dataclasses.is_dataclass(formula):
        return ", ".join(f"{name} {text_of(value, form)}" for name, value in record_parts(formula))
    return number_text(formula)


@text_of.register
def _of_formula(formula: Formula, form: Form = SHORTEST) -> str:
    return text_of(formula.body, form)


@text_of.register
def _of_expression(formula: Basic, form: Form = SHORTEST) -> str:
    with digits_in_full():
        return plain_text(form.of(formula))


@text_of.register
def _of_integer(formula: Integer, form: Form = SHORTEST) -> str:
    return number_text(int(formula))


@text_of.register(tuple)
@text_of.register(list)
@text_of.register(Tuple)
def _of_parts(formula: Sequence[Any], form: Form = SHORTEST) -> str:
    return "(" + ", ".join(text_of(part, form) for part in formula) + ("," if len(formula) == 1 else "") + ")"


def number_text(value: Any) -> str:
    """A number, with its digits in groups of three if it has five or more.

    >>> number_text(25557032), number_text(1000), number_text(0.5)
    ('25 557 032', '1000', '0.5')
    """
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) < 10_000:
        return str(value)
    with digits_in_full():
        return f"{value:,}".replace(",", " ")


def _summands(formula: Any) -> list[tuple[str, str]]:
    """The terms of a sum as it stands, as pairs of a sign and a text, in the order of printing."""
    if not isinstance(formula, Add):
        return [("", PRINTER.doprint(formula))]
    found = []
    for term in PRINTER._as_ordered_terms(formula):
        text = PRINTER.doprint(term)
        found.append(("-", text[1:]) if text.startswith("-") else ("+", text))
    return found


def formula_lines(formula: Any, width: int = 100, form: str | Form = SHORTEST) -> list[str]:
    """A formula on one line where it fits, else one term of the sum a line, in the shortest form whose lines fit; what is longer is broken.

    >>> from layeralgebra import dims
    >>> H, c = dims("H c")
    >>> formula_lines(H*c + 3*c + H**2*c, width=16)
    ['c*(H**2 + H + 3)']
    >>> formula_lines(H*c + 3*c, width=8, form="expanded")
    ['  H*c', '+ 3*c']
    """
    chosen = as_form(form)
    text = text_of(formula, chosen)
    if len(text) <= width or not isinstance(formula, Basic):
        return [text]
    found = []
    for candidate in chosen.candidates(formula):
        parts = _summands(candidate)
        lines = [f"{' ' if place == 0 and sign == '+' else sign} {term}" for place, (sign, term) in enumerate(parts)]
        found.append(lines if len(parts) > 1 else [PRINTER.doprint(candidate)])
    fitting = [lines for lines in found if max(map(len, lines)) <= width]
    if fitting:
        return min(fitting, key=lambda lines: sum(map(len, lines)))
    return [part for line in max(found, key=len) for part in _broken(line, width)]


def _broken(line: str, width: int) -> list[str]:
    """A line that is too long, broken at the outermost brackets first, arguments before terms; what follows stands behind their bracket.

    >>> print("\\n".join(_broken("4*max(a*b + c*d, a*(b + c), b*c)", 20)))
    4*max(a*b + c*d,
          a*(b + c),
          b*c)
    """
    opened, places = [0], []
    for at, letter in enumerate(line):
        if letter == "(":
            opened.append(at + 1)
        elif letter == ")" and len(opened) > 1:
            opened.pop()
        elif letter == " " and at + 1 < len(line) and line[:at].strip(" +-"):
            if line[at - 1] == "," or line[at + 1] in "+-" and line[at + 2 : at + 3] == " ":
                places.append(((len(opened), line[at - 1] != ","), at, opened[-1]))
    if len(line) <= width or not places:
        return [line]
    first, indent = min(places)[0], 0
    lines, before = [], 0
    for level, at, column in [*places, (first, len(line), 0)]:
        if level != first:
            continue
        lines.append(line[before:at] if not before else " " * indent + line[before + 1 : at])
        before, indent = at, column + 2 * (not column)
    return [part for one in lines for part in (_broken(one, width) if one != line else [one])]
