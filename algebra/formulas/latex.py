r"""Formulas as LaTeX: one quotient inside a floor, ceilings where they are shorter, names as a paper spells them.

>>> from sympy import floor
>>> from layeralgebra import dims
>>> H, c, base_width = dims("H c base_width")
>>> print(formula_latex(3*c**2*floor((H + 31)/32)))
3 c^{2} \lceil H/32 \rceil
>>> print(formula_latex(base_width + 1))
\mathit{base\_width} + 1
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from functools import singledispatch
from math import isfinite, isnan
from numbers import Integral, Real
from typing import Any

from sympy import Add, Basic, Dummy, Eq, Expr, Ge, Gt, Le, Lt, Mod, Mul, Ne, Rational, Symbol, Tuple, fraction
from sympy.core.symbol import Str
from sympy.logic.boolalg import BooleanAtom
from sympy.printing.latex import LatexPrinter
from sympy.printing.precedence import PRECEDENCE, precedence

from ..sizes.dims import Index
from ..typesetting.style import current
from .display import RoundedDown, log2
from .forms import SHORTEST, Form
from .function import FormulaFunction
from .printer import balanced, binary_logarithms, digits_in_full, divisibility, positive_first, rounded
from .records import Formula, record_parts, writes_itself

_GREEK = {
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi",
    "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
    "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega",
}  # fmt: skip
_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", "\N{EN DASH}": "--", "\N{EM DASH}": "---", "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\N{LATIN SMALL LETTER O WITH STROKE}": r"\o{}", "\N{LATIN SMALL LETTER SHARP S}": r"\ss{}",
    "\N{LATIN SMALL LETTER L WITH STROKE}": r"\l{}", "\N{NO-BREAK SPACE}": "~",
}  # fmt: skip
_ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0308": '"',
    "\u030a": "r", "\u030c": "v", "\u0327": "c",
}  # fmt: skip
_SCHEMATIC = re.compile(r"\\boldsymbol\{[A-Za-z]\w*\}\Z|\\lvert [A-Za-z]\w* \\rvert(_\{\d+\})?\Z")
NEW_LINE = r" \\ "
TALL = (r"\frac", r"\sum", r"\prod", r"\sqrt", r"\begin", r"\max_", r"\min_", r"\operatorname*")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*\Z")


def escaped(text: str) -> str:
    r"""Plain text for LaTeX's text mode; letters that its first fonts lack are named by their numbers.

    >>> print(escaped("50% of c_out"), escaped("Montúfar"), escaped("日"))
    50\% of c\_out Mont\'{u}far [U+65E5]
    """
    return "".join(map(_escaped_character, text))


def _escaped_character(character: str) -> str:
    if character in _SPECIAL:
        return _SPECIAL[character]
    if character.isascii():
        return character if character.isprintable() else " "
    decomposed = unicodedata.normalize("NFD", character)
    base, marks = decomposed[0], decomposed[1:]
    if marks in _ACCENTS and base.isascii() and base.isalpha():
        return rf"\{_ACCENTS[marks]}{{{base}}}"
    return f"[U+{ord(character):04X}]"


def name_latex(name: str) -> str:
    r"""A name as mathematics: one letter as it is, with what follows ``_`` as an index; a word in italics.

    >>> [name_latex(name) for name in ("c", "c_out", "alpha", "x1", "base_width")]
    ['c', 'c_{\\mathrm{out}}', '\\alpha', 'x_{1}', '\\mathit{base\\_width}']
    """
    if not _NAME.match(name):
        return rf"\text{{{escaped(name)}}}"
    head, *parts = name.split("_")
    numbered = re.fullmatch(r"([A-Za-z]+?)(\d+)", head)
    if numbered and not parts:
        head, parts = numbered[1], [numbered[2]]
    if len(head) > 1 and head not in _GREEK:
        return rf"\mathit{{{escaped(name)}}}"
    base = rf"\{head}" if head in _GREEK else head
    below = [
        part if len(part) == 1 or part.isdigit() else rf"\{part}" if part in _GREEK else rf"\mathrm{{{part}}}"
        for part in parts
    ]
    return base + (f"_{{{', '.join(below)}}}" if below else "")


class FormulaLatexPrinter(LatexPrinter):
    """SymPy's printer, but for roundings, names, relations and sums."""

    _settings: dict[str, Any]

    def __init__(self, flat: bool = False, form: Form = SHORTEST) -> None:
        super().__init__({"fold_short_frac": flat, "mul_symbol": None})
        self.form = form  # in which what writes itself writes the formulas in it

    def doprint(self, expr: Any) -> str:
        with digits_in_full():
            return _low_brackets(super().doprint(expr))

    def _as_ordered_terms(self, expr: Expr, order: Any = None) -> list[Expr]:
        return positive_first(super()._as_ordered_terms(expr, order=order))

    def _print_Symbol(self, expr: Symbol, style: str = "plain") -> str:
        name = expr.name
        if _SCHEMATIC.match(name):
            return name
        return index_latex(name) if isinstance(expr, Index) else size_latex(name)

    _print_Index = _print_Symbol

    def _print_Integer(self, expr: Any) -> str:
        return str(expr) if current() is None else grouped(int(expr))

    def _print_floor(self, expr: Expr, exp: str | None = None) -> str:
        direction, over, under = rounded(expr)
        return self._print_RoundedDown(RoundedDown(over, under), exp, direction)

    _print_ceiling = _print_floor

    def _print_RoundedDown(self, expr: Expr, exp: str | None = None, direction: str = "floor") -> str:
        over, under = expr.args
        quotient = (
            self._print(over)
            if under == 1
            else f"{self._side(over, PRECEDENCE['Add'])}/{self._side(under, PRECEDENCE['Mul'])}"
        )
        made = rf"\l{direction} {quotient} \r{direction}"
        return made if exp is None else f"{made}^{{{exp}}}"

    def _print_RoundedUp(self, expr: Expr, exp: str | None = None) -> str:
        return self._print_RoundedDown(expr, exp, "ceil")

    def _print_Mul(self, expr: Expr) -> str:
        rest = binary_logarithms(expr)
        if rest is not None:
            return self._print(rest)
        if any(r"\mathit" in self._print(symbol) for symbol in expr.args if symbol.is_Symbol):
            return self._spaced(expr)
        return self._product(expr)

    def _spaced(self, expr: Expr) -> str:
        """A product with names of several letters, kept apart."""
        settings, self._settings = self._settings, {**self._settings, "mul_symbol_latex": r"\, "}
        try:
            return self._product(expr)
        finally:
            self._settings = settings

    def _product(self, expr: Expr) -> str:
        roots = [
            factor
            for factor in expr.args
            if factor.is_Pow and abs(factor.exp) == Rational(1, 2) and factor.base.is_positive
        ]
        if len(roots) < 2:
            return super()._print_Mul(expr)
        over, under = fraction(Mul(*(factor**2 for factor in roots)))
        root = (
            rf"\sqrt{{{self._side(over, PRECEDENCE['Add'])}/{self._side(under, PRECEDENCE['Mul'])}}}"
            if under != 1
            else rf"\sqrt{{{self._print(over)}}}"
        )
        others = Mul(*(factor for factor in expr.args if factor not in roots))
        return root if others == 1 else f"{self._side(others, PRECEDENCE['Add'])} {root}"

    def _print_log2(self, expr: Expr, exp: str | None = None) -> str:
        power = "" if exp is None else f"^{{{exp}}}"
        return rf"\log_{{2}}{power} {self._side(expr.args[0], PRECEDENCE['Mul'])}"

    def _side(self, expr: Expr, level: int) -> str:
        made = self._print(expr)
        return made if precedence(expr) > level or expr.is_Atom else f"({made})"

    def _needs_mul_brackets(self, expr: Expr, first: bool = False, last: bool = False) -> bool:
        if not last and (isinstance(expr, log2) or isinstance(expr, FormulaFunction) and expr.log2_of):
            return True  # what came next would be read as part of the argument
        return super()._needs_mul_brackets(_without_remainders(expr), first, last)

    def _needs_add_brackets(self, expr: Expr) -> bool:
        return super()._needs_add_brackets(_without_remainders(expr))

    def _print_Mod(self, expr: Expr, exp: str | None = None) -> str:
        made = rf"{self._side(expr.args[0], PRECEDENCE['Add'])} \bmod {self._side(expr.args[1], PRECEDENCE['Mul'])}"
        return rf"({made})" if exp is None else rf"({made})^{{{exp}}}"

    def _print_Relational(self, expr: Any) -> str:
        pair = divisibility(expr)
        if pair is not None:
            return rf"{self._side(pair[0], PRECEDENCE['Add'])} \mid {self._side(pair[1], PRECEDENCE['Add'])}"
        shown = balanced(expr)
        sign = {Eq: "=", Ne: r"\neq", Le: r"\le", Ge: r"\ge", Lt: "<", Gt: ">"}[type(shown)]
        return f"{self._print(shown.lhs)} {sign} {self._print(shown.rhs)}"

    def _print_Str(self, expr: Str) -> str:
        return rf"\text{{{escaped(expr.name)}}}"

    def _print_BooleanTrue(self, expr: BooleanAtom) -> str:
        return r"\text{yes}"

    def _print_BooleanFalse(self, expr: BooleanAtom) -> str:
        return r"\text{no}"


def _without_remainders(expr: Expr) -> Expr:
    """The expression with symbols for its remainders, which have brackets of their own."""
    return expr.xreplace({remainder: Dummy() for remainder in expr.atoms(Mod)})


def size_latex(name: str) -> str:
    """The name of a size: as the style has it, if there is one around."""
    style = current()
    if style is None:
        return name_latex(name)
    return style.letters.size(name, style.named(name) or name_latex(name), style.meaning(name))


def index_latex(name: str) -> str:
    """The name of an index; those of several axes are numbered, as in ``i_1``."""
    style = current()
    if style is not None and style.named(name) is not None:
        return style.named(name) or name
    head, _, axis = name.partition("_")
    return f"{head}_{{{axis}}}" if axis.isdigit() else name_latex(name)


_PRINTER, _FLAT = FormulaLatexPrinter(), FormulaLatexPrinter(flat=True)


_INNERMOST = re.compile(r"([A-Za-z{]?)\\left\(((?:(?!\\left|\\right).)*)\\right\)(\}?)")


def _low_brackets(latex: str) -> str:
    r"""Plain brackets around what is not tall, in a group of their own, so that no line is broken inside them.

    >>> print(_low_brackets(r"c \left(H + 1\right) \left(\frac{c}{2}\right)"))
    c {(H + 1)} \left(\frac{c}{2}\right)
    """

    def lowered(found: re.Match[str]) -> str:
        before, inside, after = found.groups()
        if any(mark in inside for mark in TALL):
            return f"{before}\0{inside}\1{after}"
        grouped = before.isalpha() or before + after == "{}"
        brackets = f"({inside.strip()})"
        return before + (brackets if grouped else f"{{{brackets}}}") + after

    while r"\left(" in latex:
        shorter = _INNERMOST.sub(lowered, latex)
        if shorter == latex:
            break
        latex = shorter
    return latex.replace("\0", r"\left(").replace("\1", r"\right)")


def flat_latex(formula: Expr, form: Form = SHORTEST) -> str:
    """A formula whose short quotients stand on the line, for conditions and cells of tables."""
    return form.printed(formula, _FLAT.doprint)


def formula_latex(formula: Any, form: Form = SHORTEST) -> str:
    """A formula, a tuple of formulas, a record or mapping of them or a number, for math mode; or whatever answers ``_latex``."""
    if writes_itself(formula):
        return str(formula._latex(_PRINTER if form is SHORTEST else FormulaLatexPrinter(form=form)))
    if isinstance(formula, Basic) and not isinstance(formula, Tuple):
        return form.printed(formula, _PRINTER.doprint)  # here, since SymPy's numbers count as Python's too
    return _latex_of(formula, form)


@singledispatch
def _latex_of(formula: Any, form: Form) -> str:
    """What says of itself nothing but a text, or its parts."""
    if dataclasses.is_dataclass(formula):
        return _aligned(record_parts(formula), form)
    return rf"\text{{{escaped(str(formula))}}}"


@_latex_of.register
def _of_formula(formula: Formula, form: Form) -> str:
    return formula_latex(formula.body, form)


@_latex_of.register(tuple)
@_latex_of.register(list)
@_latex_of.register(Tuple)
def _of_parts(formula: Sequence[Any], form: Form) -> str:
    if len(formula) == 1:
        return f"({formula_latex(formula[0], form)}{{,}})"
    return rf"({', '.join(formula_latex(part, form) for part in formula)})"


@_latex_of.register
def _of_mapping(formula: Mapping, form: Form) -> str:
    return _aligned(formula.items(), form)


@_latex_of.register
def _of_truth(formula: bool, form: Form) -> str:
    return rf"\text{{{formula}}}"


@_latex_of.register
def _of_integer(formula: Integral, form: Form) -> str:
    return grouped(int(formula))


@_latex_of.register
def _of_fraction(formula: Fraction, form: Form) -> str:
    return _PRINTER.doprint(Rational(formula.numerator, formula.denominator))


@_latex_of.register
def _of_real(formula: Real, form: Form) -> str:
    # What is written of a number of NumPy is the shortest text that gives it back at its own precision.
    return grouped(formula if type(formula) is float else float(str(formula)))


def _aligned(named: Iterable[tuple[Any, Any]], form: Form) -> str:
    """A line for each formula that has a name."""
    rows = [rf"\text{{{escaped(str(name))}}} &= {formula_latex(value, form)}" for name, value in named]
    return rf"\begin{{aligned}} {NEW_LINE.join(rows)} \end{{aligned}}"


def grouped(number: int | float) -> str:
    r"""A number with thin spaces between groups of three digits.

    >>> print(grouped(25557032))
    25\,557\,032
    >>> print(grouped(1e-06), grouped(-1e-06), grouped(2.5e30))
    10^{-6} -10^{-6} 2.5 \cdot 10^{30}
    """
    with digits_in_full():
        text = f"{number:,}" if isinstance(number, int) and abs(number) >= 10_000 else str(number)
    if isinstance(number, float) and not isfinite(number):
        return r"\text{undefined}" if isnan(number) else text.replace("inf", r"\infty")
    mantissa, _, exponent = text.partition("e")
    power = rf"10^{{{int(exponent)}}}" if exponent else ""
    if power:
        return mantissa.replace("1", power) if mantissa in ("1", "-1") else rf"{mantissa} \cdot {power}"
    return text.replace(",", r"\,")


def _summands(formula: Expr, printer: FormulaLatexPrinter) -> list[str]:
    """The terms of a sum as it stands, each with its sign but the first if it is positive, in the order of printing."""
    if not isinstance(formula, Add):
        return [printer.doprint(formula)]
    found = []
    for place, term in enumerate(printer._as_ordered_terms(formula)):
        text = printer.doprint(term)
        found.append(f"- {text[1:].lstrip()}" if text.startswith("-") else f"+ {text}" if place else text)
    return found


def summands_latex(formula: Expr, flat: bool = False, form: Form = SHORTEST) -> list[str]:
    """The terms of a formula in a form, each with its sign."""
    printer = _FLAT if flat else _PRINTER
    return min((_summands(candidate, printer) for candidate in form.candidates(formula)), key=_length)


def _length(terms: Sequence[str]) -> int:
    return sum(map(len, terms)) + len(terms)


def display_latex(name: str, formula: Any, width: int = 90, form: Form = SHORTEST) -> str:
    """An equation ``name = formula`` for a display, with the terms of a long sum on lines of their own.

    Of the candidates of the form the shortest is taken, of which no line is longer than `width` if there is such a one.
    """
    text = formula_latex(formula, form)
    if visible_length(text) <= width or not isinstance(formula, Expr):
        return f"{name} = {text}"
    found = [_lines(_summands(candidate, _PRINTER), width) for candidate in form.candidates(formula)]
    fitting = [lines for lines in found if max(map(visible_length, lines)) <= width]
    lines = min(fitting, key=lambda lines: sum(map(len, lines))) if fitting else max(found, key=len)
    if len(lines) == 1:
        return f"{name} = {lines[0]}"
    first, *rest = lines
    return "\n".join(
        [r"\begin{aligned}", rf"{name} ={{}}& {first}", *(rf"\\ & {line}" for line in rest), r"\end{aligned}"]
    )


def _lines(terms: Sequence[str], width: int) -> list[str]:
    """Terms put together on lines."""
    lines: list[str] = []
    for term in terms:
        if lines and visible_length(f"{lines[-1]} {term}") <= width:
            lines[-1] += f" {term}"
        else:
            lines.append(term)
    return lines


def visible_length(latex: str) -> int:
    """About how many characters wide LaTeX is: commands count as one, braces and the marks of scripts as none."""
    plain = re.sub(r"\\(mathit|mathrm|boldsymbol|text|operatorname|begin|end|left|right|displaystyle)\b\*?", "", latex)
    plain = re.sub(r"\\[A-Za-z]+ ?", "x", plain)
    return len(re.sub(r"[{}^_\\&]", "", plain))
