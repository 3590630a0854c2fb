"""How a document is typeset: its notation, its width and the form of its formulas; every export to LaTeX takes it.

>>> import layeralgebra as la
>>> d, T = la.dims("d T")
>>> style = la.Style(symbols={d: r"d_{\\mathrm{model}}"})
>>> print(la.latex(2*T*d**2, style=style))
2 T d_{\\mathrm{model}}^{2}
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import field
from typing import Any

from sympy import Symbol

from ..arguments import shown
from ..errors import FieldError
from ..records import dataclass
from .letters import Letters
from .widths import MILLIMETRE

#: Widths by name, in millimetres: of the text, and of the page's.
WIDTHS = {"a4": (160.0, 160.0), "column": (84.0, 174.0), "slides": (108.0, 108.0)}
_UNITS = {"mm": 1.0, "cm": 10.0, "in": 25.4, "pt": 1 / MILLIMETRE}
_LENGTH = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(mm|cm|in|pt)\s*\Z")
_BALANCED = re.compile(r"(?:[^{}$\\%#&\n]|\\[A-Za-z]+|\\[,;:! {}|_']|[{}])+\Z")
EQUATIONS = ("index", "matrix")
PREFIXES = {"": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15}
BEST = ("least", "largest")


class _Document:
    """What a style keeps in mind of its document."""

    letters: Letters
    _named: dict[str, str]
    _meant: dict[str, str]


@dataclass(frozen=True, eq=False)
class Style(_Document):
    r"""How a document is typeset. One object stands for one document: it keeps in mind which letter stands for what.

    Parameters
    ----------
    symbols : mapping of Symbol or str to str
        LaTeX of sizes, and of tensors and indices by their names.
    meanings : mapping of Symbol or str to str
        What they stand for, in words, for the table of notation.
    width : str or number
        ``"a4"``, ``"column"`` (one of two, 84 mm), ``"slides"``, a length such as ``"120mm"`` or ``"345pt"``, or millimetres. Displays and tables
        are broken to it.
    form, by
        How formulas are written, as in `latex`.
    equations : {"index", "matrix"}
        Contractions with all indices, or as products of matrices and vectors where that is not ambiguous.
    where : bool
        Whether long parts that a formula has several times get a name, defined below it.
    limit : Symbol, optional
        Derivations end with the leading term as this symbol grows.
    siunitx : bool
        Numbers by the package siunitx, in columns that are aligned at the point.
    units : mapping of str to str
        For columns of numbers by their titles: ``"k"``, ``"M"``, ``"G"``, ``"T"`` or ``"P"``.
    digits : int or mapping of str to int, optional
        How many digits behind the point numbers in tables have.
    best : mapping of str to str
        Columns whose ``"least"`` or ``"largest"`` number is set in bold.
    longtable : bool
        Whether long tables are ``longtable``, which two columns do not take.
    span : bool
        Whether tables that are too wide for one column go over both (``table*``).
    cite : bool
        Sources as ``\cite`` with the keys of `bibliography`.
    lines : sequence of sequences of str, optional
        Which tensors of an equation stand side by side on a line, and are counted together; as many as have room, if left out.

    Raises
    ------
    FieldError
        If a width, a unit or another option is not one of these, or LaTeX of a symbol is not balanced.

    Examples
    --------
    >>> from layeralgebra import Conv, Style, dims, latex_equation
    >>> H, W = dims("H W")
    >>> print(latex_equation(Conv(8, 1, bias=False), (3, H, W), style=Style(width="column")).splitlines()[1])
    y_{o, i_{1}, i_{2}} &= \sum_{c} w_{o, c}\, x_{c, i_{1}, i_{2}} \\
    """

    symbols: Mapping[Any, str] = field(default_factory=dict)
    meanings: Mapping[Any, str] = field(default_factory=dict)
    width: Any = "a4"
    form: str = "shortest"
    by: Any = None
    equations: str = "index"
    where: bool = False
    limit: Any = None
    siunitx: bool = False
    units: Mapping[str, str] = field(default_factory=dict)
    digits: Any = None
    best: Mapping[str, str] = field(default_factory=dict)
    longtable: bool = False
    span: bool = False
    cite: bool = False
    lines: Any = ()

    def __post_init__(self) -> None:
        for kept, empty in (("letters", Letters()), ("_named", {}), ("_meant", {})):
            object.__setattr__(self, kept, empty)
        for name in ("symbols", "meanings", "units", "best"):
            if not isinstance(getattr(self, name), Mapping):
                raise FieldError(f"{name} must be a mapping, got {shown(getattr(self, name))}")
        for key, latex in self.symbols.items():
            _name(key, "symbols")
            if not isinstance(latex, str) or not _BALANCED.match(latex) or latex.count("{") != latex.count("}"):
                raise FieldError(
                    f"the symbol of {key} must be LaTeX for math mode, got {shown(latex)}; write r'\\lambda'"
                )
        for key, words in self.meanings.items():
            _name(key, "meanings")
            if not isinstance(words, str):
                raise FieldError(f"the meaning of {key} must be a text, got {shown(words)}")
        if not isinstance(self.equations, str) or self.equations not in EQUATIONS:
            raise FieldError(f"equations must be one of {', '.join(EQUATIONS)}, got {shown(self.equations)}")
        if self.limit is not None and not isinstance(self.limit, Symbol):
            raise FieldError(f"limit must be a symbol, got {shown(self.limit)}; write limit=dims('T')")
        for title, prefix in self.units.items():
            if not isinstance(prefix, str) or prefix not in PREFIXES:
                raise FieldError(
                    f"the unit of {title} must be one of {', '.join(filter(None, PREFIXES))}, got {shown(prefix)}"
                )
        for title, which in self.best.items():
            if not isinstance(which, str) or which not in BEST:
                raise FieldError(f"best of {title} must be one of {', '.join(BEST)}, got {shown(which)}")
        digits = self.digits.values() if isinstance(self.digits, Mapping) else [self.digits]
        for count in digits:
            if count is not None and (not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= 30):
                raise FieldError(f"digits must be a number of digits behind the point, 0 to 30, got {shown(count)}")
        if not isinstance(self.lines, (tuple, list)) or not all(
            isinstance(group, (tuple, list)) and all(isinstance(name, str) for name in group) for group in self.lines
        ):
            raise FieldError(
                f"lines must be lists of names of tensors, got {shown(self.lines)}; write lines=[['q', 'k'], ['y']]"
            )
        _millimetres(self.width)
        own = {_name(key, "symbols"): latex for key, latex in self.symbols.items()}
        self._named.update(own)
        self._meant.update({_name(key, "meanings"): words for key, words in self.meanings.items()})
        twice = sorted({latex for latex in own.values() if list(own.values()).count(latex) > 1})
        if twice:
            raise FieldError(f"two things have the symbol {twice[0]}; give each one of its own")
        self.letters.keep(latex for key, latex in self.symbols.items() if isinstance(key, Symbol))

    @property
    def points(self) -> float:
        """How wide a line is, in points."""
        return _millimetres(self.width)[0] * MILLIMETRE

    @property
    def page_points(self) -> float:
        """How wide the text of a page is, both columns together."""
        return _millimetres(self.width)[1] * MILLIMETRE

    @property
    def columns(self) -> int:
        return 2 if self.width == "column" else 1

    def named(self, name: str) -> str | None:
        """The LaTeX that was asked for, if it was."""
        return self._named.get(name)

    def meaning(self, name: str) -> str:
        return self._meant.get(name, "")

    def decimals(self, title: str) -> int | None:
        found: int | None = self.digits.get(title) if isinstance(self.digits, Mapping) else self.digits
        return found


def _name(key: Any, what: str) -> str:
    if isinstance(key, Symbol):
        return key.name
    if isinstance(key, str) and key:
        return key
    raise FieldError(f"{what} are given for symbols and names, got {shown(key)}")


def _millimetres(width: Any) -> tuple[float, float]:
    if isinstance(width, str) and width in WIDTHS:
        return WIDTHS[width]
    found = _LENGTH.match(width) if isinstance(width, str) else None
    if found:
        size = float(found[1]) * _UNITS[found[2]]
    elif isinstance(width, (int, float)) and not isinstance(width, bool):
        size = float(width)
    else:
        raise FieldError(
            f"width must be one of {', '.join(WIDTHS)}, millimetres, or a length such as '120mm', got {shown(width)}"
        )
    if not 40 <= size <= 2000:
        raise FieldError(f"width must be from 40 mm to 2000 mm, got {shown(width)}")
    return size, size


_CURRENT: ContextVar[Style | None] = ContextVar("style", default=None)


def current() -> Style | None:
    """The style in which something is being typeset; None outside of one."""
    return _CURRENT.get()


@contextmanager
def typeset(style: Style | None) -> Iterator[Style | None]:
    """Everything inside is typeset in a style; of none, in the one around it."""
    if style is None:
        yield current()
        return
    if not isinstance(style, Style):
        raise FieldError(f"style must be a Style, got {shown(style)}; write style=Style(width='column')")
    token = _CURRENT.set(style)
    try:
        yield style
    finally:
        _CURRENT.reset(token)
