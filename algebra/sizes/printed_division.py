"""Roundings of quotients of integers as SymPy's printers write them: one division of integers, in every language.

``floor(N/3 + 2/3)`` printed term by term is ``floor((1/3)*N + 2/3)``, whose rounded thirds make 2 of the 3 at ``N = 7``.
An expression may say how it is printed: SymPy's printers ask it for a method with a name of theirs. Importing this
module gives `floor`, `ceiling`, `Mod`, `binomial`, sums and products such methods, so that what `lambdify`, `ccode` and their like make of a formula, of what `subs` makes of it and of
a floor that was written by hand has the formula's values. Sums and products with fractions of integers are divided
once, at the end. What is no quotient of integers is printed as before.

>>> from sympy import Rational, Symbol, ccode, ceiling, floor, jscode, lambdify, pycode
>>> N = Symbol("N", integer=True, positive=True)
>>> thirds = floor(N/3 + Rational(2, 3))
>>> pycode(thirds), jscode(thirds), ccode(ceiling(N/2))
('((N + 2)//3)', 'Math.floor((N + 2)/3)', 'ceil((double)N/2.0)')
>>> ccode(N*(N + 1)/6), jscode(N/2 + N**2/3)
('((double)(N*(N + 1))/6.0)', '((N*(2*N + 3))/6)')
>>> lambdify(N, thirds)(7), lambdify(N, thirds)(3 * 10**30)
(3, 1000000000000000000000000000000)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sympy import Add, Expr, Mod, Mul, Pow, Rational, binomial, ceiling, floor, fraction, log, together

Writing = Callable[[str, str, bool], str]  # from the numerator, the denominator, and whether it is rounded up


def _bracketed(text: str) -> str:
    return text if text.isidentifier() or text.isdigit() else f"({text})"


def _whole(over: str, under: str, up: bool) -> str:
    over, under = _bracketed(over), _bracketed(under)
    return f"(-(-{over}//{under}))" if up else f"({over}//{under})"


def _mpmath(over: str, under: str, up: bool) -> str:
    return _whole(f"int({over})", f"int({under})", up)


def _rounded(down: str, up_name: str, cast: str = "", real: str = "") -> Writing:
    """A quotient of floats, which is rounded right as long as its numerator has 53 bits."""

    def write(over: str, under: str, up: bool) -> str:
        divisor = under + real if real and under.isdigit() else cast + _bracketed(under)
        return f"{up_name if up else down}({cast}{_bracketed(over)}/{divisor})"

    return write


def _rust(over: str, under: str, up: bool) -> str:
    return f"({_bracketed(over)} as f64/({_bracketed(under)} as f64)).{'ceil' if up else 'floor'}()"


def _julia(over: str, under: str, up: bool) -> str:
    return f"{'cld' if up else 'fld'}({over}, {under})"


_ARRAYS = ("numpy", "scipy", "cupy", "jax", "torch", "tensorflow")
#: How each printer writes a quotient that is rounded, by the name of the method for which it asks.
_WRITINGS: dict[str, Writing] = {
    "_pythoncode": _whole, "_lambdacode": _whole, "_mpmathcode": _mpmath,
    **dict.fromkeys((f"_{module}code" for module in _ARRAYS), _whole),
    "_numexprcode": _rounded("floor", "ceil", "1.0*", ".0"),
    "_ccode": _rounded("floor", "ceil", "(double)", ".0"),
    "_cxxcode": _rounded("std::floor", "std::ceil", "(double)", ".0"),
    "_javascript": _rounded("Math.floor", "Math.ceil"), "_rcode": _rounded("floor", "ceiling"),
    "_octave": _rounded("floor", "ceil"), "_fcode": _rounded("floor", "ceiling", "dble", ".0d0"), "_rust_code": _rust, "_julia": _julia,
}  # fmt: skip
#: The names of the methods for which SymPy's printers of numerical code ask.
PRINTERS = tuple(_WRITINGS)
#: Those of languages in which nothing of Python's can be called.
OTHER_LANGUAGES = (
    "_ccode",
    "_cxxcode",
    "_javascript",
    "_rcode",
    "_octave",
    "_fcode",
    "_rust_code",
    "_julia",
    "_numexprcode",
)


def _quotient(before: str = "", after: str = "", literal: str = "", other: str = "") -> Callable[[str, str, bool], str]:
    """A quotient that is not rounded, in a language where ``/`` of integers is: what its parts begin and end in."""

    def write(over: str, under: str, is_literal: bool) -> str:
        return f"{before}{_bracketed(over)}{after}/{_bracketed(under)}{literal if is_literal else other}"

    return write


#: How quotients that are not rounded are written where ``/`` of integers rounds.
_QUOTIENTS = {
    "_ccode": _quotient("(double)", literal=".0"), "_cxxcode": _quotient("(double)", literal=".0"),
    "_fcode": lambda over, under, is_literal: f"dble({over})/{_bracketed(under)}{'.0d0' if is_literal else ''}",
    "_rust_code": _quotient("", " as f64", "_f64", " as f64"), "_numexprcode": _quotient("1.0*", literal=".0"),
}  # fmt: skip
#: The place of the highest bit of a number; of ``2 n - 1`` it is the logarithm of n rounded up.
_HIGHEST_BIT = {
    "_pythoncode": "(int({}).bit_length() - 1)", "_mpmathcode": "(int({}).bit_length() - 1)",
    "_numpycode": "(frexp({})[1] - 1)", "_scipycode": "(frexp({})[1] - 1)", "_ccode": "ilogb({})",
    "_cxxcode": "std::ilogb({})", "_javascript": "Math.floor(Math.log2({}))", "_julia": "exponent(float({}))",
}  # fmt: skip


def integer_quotient(inside: Expr) -> tuple[Expr, Expr] | None:
    """The numerator and the denominator of a quotient of integers that is no integer itself.

    >>> from sympy import symbols
    >>> N, s = symbols("N s", integer=True, positive=True)
    >>> integer_quotient(N/s - 1/s), integer_quotient(N/2 + s/3)
    ((N - 1, s), (3*N + 2*s, 6))
    """
    over, under = fraction(together(inside))
    return (over, under) if under != 1 and _is_whole(over) and _is_whole(under) else None


def _is_whole(expr: Expr) -> bool:
    """Whether an expression is an integer, also where the printer of Rust has made floats of the roundings in it."""
    roundings = {node: node.func.__mro__[1](*node.args) for node in expr.atoms(floor, ceiling) if not node.is_integer}
    return expr.xreplace(roundings).is_integer is True


def _as_before(printer: Any, expr: Expr, **settings: Any) -> str:
    """What the printer does with an expression that does not print itself."""
    for cls in type(expr).__mro__:
        method = getattr(printer, f"_print_{cls.__name__}", None)
        if method is not None:
            return method(expr, **settings)
    return printer.emptyPrinter(expr)


def _printed_rounding(asked: str, write: Writing) -> Callable[..., str]:
    def method(self: Any, printer: Any, **settings: Any) -> str:
        up = isinstance(self, ceiling)
        if asked == "_fcode" and printer._settings["standard"] < 90:
            return _as_before(printer, self, **settings)
        (inside,) = self.args
        quotient = integer_quotient(inside)
        if quotient is not None:
            over, under = (printer._print(part) for part in quotient)
            return write(over, under, up)
        number = _under_binary_logarithm(inside)
        if number is not None and asked in _HIGHEST_BIT:
            if "frexp" in _HIGHEST_BIT[asked]:
                printer._module_format("numpy.frexp")
            return _HIGHEST_BIT[asked].format(printer._print(2 * number - 1 if up else number))
        return _as_before(printer, self, **settings)

    return method


def _under_binary_logarithm(inside: Expr) -> Expr | None:
    """The integer n of ``log(n)/log(2)``."""
    over, under = fraction(inside)
    if under == log(2) and isinstance(over, log) and over.args[0].is_integer and over.args[0].is_positive:
        return over.args[0]
    return None


def _c_remainder(self: Any, printer: Any, **settings: Any) -> str:
    """C has no ``%`` of floats, which roundings are."""
    value, modulus = self.args
    if not self.has(floor, ceiling):
        return _as_before(printer, self, **settings)
    name = f"{getattr(printer, '_ns', '')}fmod"
    over, under = (printer._print(part) for part in self.args)
    if value.is_nonnegative and modulus.is_positive:
        return f"{name}({over}, {under})"
    return f"{name}({name}({over}, {under}) + {under}, {under})"


def _rust_power(self: Any, printer: Any, **settings: Any) -> str:
    """Integers have powers in Rust, but other ones than floats have."""
    base, exponent = self.args
    if not (base.is_integer and exponent.is_Integer):
        return _as_before(printer, self, **settings)
    text = _bracketed(printer._print(base))
    return f"{text}.pow({exponent})" if exponent > 0 else f"({text} as f64).powi({exponent})"


def _rust_arithmetic(self: Any, printer: Any, **settings: Any) -> str:
    from sympy.printing import rust  # at work by now, and not loaded before

    if hasattr(rust, "TypeCast"):
        rust.TypeCast._rust_code = _rust_cast
    over, under = fraction(self)
    if self.is_Mul and under != 1 and _is_whole(over) and _is_whole(under):  # otherwise a product with reciprocals
        return f"({_QUOTIENTS['_rust_code'](printer._print(over), printer._print(under), False)})"
    return _as_before(printer, self, **settings)


def _rust_logarithm(self: Any, printer: Any, **settings: Any) -> str:
    """Integers have no natural logarithm in Rust."""
    if not self.args[0].is_integer:
        return _as_before(printer, self, **settings)
    return f"({_bracketed(printer._print(self.args[0]))} as f64).ln()"


def _rust_cast(self: Any, printer: Any, **settings: Any) -> str:
    """A sum that is made a float stands in brackets."""
    text = printer._print(self.expr)
    if self.explicit:
        return f"{_bracketed(text)} as f64"
    return f"({text})" if self.expr.is_Add else text


def _printed_binomial(vectorized: bool) -> Callable[..., str]:
    def method(self: Any, printer: Any, **settings: Any) -> str:
        if not all(part.is_integer and part.is_nonnegative for part in self.args):
            return _as_before(printer, self, **settings)
        called = printer._module_format("math.comb")
        if vectorized:
            called = f"{printer._module_format('numpy.frompyfunc')}({called}, 2, 1)"
        return f"{called}({', '.join(printer._print(part) for part in self.args)})"

    return method


def _before(self: Any, printer: Any, **settings: Any) -> str:
    return _as_before(printer, self, **settings)


def _printed_quotient(cast: Callable[[str], str]) -> Callable[..., str]:
    """Where ``/`` of two integers rounds, a quotient of sizes is one of floats."""

    def method(self: Any, printer: Any, **settings: Any) -> str:
        over, under = fraction(self)
        if under.is_Integer or not self.as_coeff_Mul()[0].is_Integer or not (over.is_integer and under.is_integer):
            return _as_before(printer, self, **settings)
        sign, over = ("-", -over) if over.could_extract_minus_sign() else ("", over)
        return f"{sign}{cast(printer._print(over))}/{_bracketed(printer._print(under))}"

    return method


def _printed_fractions(write: Callable[..., str], otherwise: Callable[..., str]) -> Callable[..., str]:
    """Sums and products with fractions of integers are divided once, at the end: ``k/6 + k/3`` is one quotient, and no sum of two."""

    def method(self: Any, printer: Any, **settings: Any) -> str:
        quotient = _one_quotient(self) if _has_fractions(self) else None
        if quotient is None:
            return otherwise(self, printer, **settings)
        text, below = (printer._print(part) for part in quotient)
        return f"({write(text, below, quotient[1].is_Integer)})"

    return method


def _mpmath_number(self: Any, printer: Any, **settings: Any) -> str:
    name = printer._module_format("mpmath.mpf")
    write = _printed_fractions(lambda over, under, _: f"{name}({over})/{_bracketed(under)}", _before)
    return write(self, printer, **settings)


def _factors(expr: Expr) -> Iterator[Rational]:
    """The numbers by which the terms of sums of products are multiplied, outside of functions and powers."""
    for term in Add.make_args(expr):
        yield term if term.is_Rational else term.as_coeff_Mul()[0]
        for factor in Mul.make_args(term):
            if factor.is_Add:
                yield from _factors(factor)


def _has_fractions(expr: Expr) -> bool:
    if any(not factor.is_Integer for factor in _factors(expr)):
        return True
    return expr.is_Add and any(fraction(term)[1] != 1 for term in expr.args)


def _one_quotient(expr: Expr) -> tuple[Expr, Expr] | None:
    """A sum as one quotient of integers, where all of it is over one symbol at most: more would make long numerators."""
    over, under = fraction(together(expr))
    literal, rest = under.as_coeff_Mul()
    return (over, under) if literal.is_Integer and (rest == 1 or rest.is_Symbol) and _is_whole(over * rest) else None


#: A remainder has the sign of its divisor, where these languages give it that of the dividend.
_REMAINDERS = {
    "_ccode": "({0} - {1}*floor((double){0}/{1}))", "_cxxcode": "({0} - {1}*std::floor((double){0}/{1}))",
    "_javascript": "({0} - {1}*Math.floor({0}/{1}))",
}  # fmt: skip


def _printed_remainder(text: str) -> Callable[..., str]:
    def method(self: Any, printer: Any, **settings: Any) -> str:
        if not all(part.is_integer for part in self.args):
            return _as_before(printer, self, **settings)
        return text.format(*(_bracketed(printer._print(part)) for part in self.args))

    return method


for _asked, _text in _REMAINDERS.items():
    setattr(Mod, _asked, _printed_remainder(_text))
for _asked, _write in _WRITINGS.items():
    for _rounding in (floor, ceiling):
        setattr(_rounding, _asked, _printed_rounding(_asked, _write))
for _asked in ("_pythoncode", "_numpycode", "_scipycode"):
    setattr(binomial, _asked, _printed_binomial(_asked != "_pythoncode"))
Mod._ccode = Mod._cxxcode = _c_remainder
Pow._rust_code = _rust_power
log._rust_code = _rust_logarithm
_OTHERWISE: dict[tuple[type, str], Callable[..., str]] = {
    (Mul, "_ccode"): _printed_quotient(lambda text: f"(double){_bracketed(text)}"),
    (Mul, "_cxxcode"): _printed_quotient(lambda text: f"(double){_bracketed(text)}"),
    (Mul, "_fcode"): _printed_quotient(lambda text: f"dble({text})"),
    (Add, "_rust_code"): _rust_arithmetic, (Mul, "_rust_code"): _rust_arithmetic,
}  # fmt: skip
for _kind in (Add, Mul):
    for _asked in PRINTERS:
        _written = _printed_fractions(_QUOTIENTS.get(_asked, _quotient()), _OTHERWISE.get((_kind, _asked), _before))
        setattr(_kind, _asked, _mpmath_number if _asked == "_mpmathcode" else _written)
