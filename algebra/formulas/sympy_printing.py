r"""What SymPy's own printers write of floors, ceilings and remainders, so that `sympy.lambdify` and generated code are right.

SymPy writes ``floor(N/3 + 2/3)`` as ``floor((1/3)*N + 2/3)``. In floating point that is 2 at N = 7, and the right value
is 3: a third is rounded before it is multiplied. Written with one quotient of integers, ``(N + 2)//3``, nothing is
rounded; where a language divides in floating point, a single division is rounded correctly, so that its floor is right as
long as numerator and denominator are below ``2**53``.

The methods are given to SymPy's classes themselves, so that a formula stays made of SymPy's functions, equal to what a
user writes. They speak up only where numerator and denominator are integers whatever the symbols are; everything else is
printed as before.

>>> import sympy
>>> from layeralgebra import dims
>>> N, k = dims("N k")
>>> sympy.lambdify(N, sympy.floor(N/3 + sympy.Rational(2, 3)))(7)
3
>>> print(sympy.ccode(sympy.ceiling(N/k)))
ceil(1.0*(N)/(k))
"""

from __future__ import annotations

from typing import Any

from sympy import Expr, Mod, ceiling, floor, fraction, together

#: How floor, ceiling and remainder of two integers are written, by the method that the printer of a language looks for;
#: ``{0}`` and ``{1}`` are their texts in brackets.
_PYTHON = ("({0}//{1})", "(-(-{0}//{1}))", "")
_MPMATH = ("{mpmath.floor}({0}/{mpmath.mpf}({1}))", "{mpmath.ceil}({0}/{mpmath.mpf}({1}))", "")
_C = ("floor(1.0*{0}/{1})", "ceil(1.0*{0}/{1})", "({0} - {1}*floor(1.0*{0}/{1}))")
_JAVASCRIPT = ("Math.floor({0}/{1})", "Math.ceil({0}/{1})", "({0} - {1}*Math.floor({0}/{1}))")
_JULIA = ("fld.({0}, {1})", "cld.({0}, {1})", "mod.({0}, {1})")
_OCTAVE = ("floor({0}./{1})", "ceil({0}./{1})", "mod({0}, {1})")
_R = ("floor({0}/{1})", "ceiling({0}/{1})", "({0} %% {1})")
_RUST = ("({0} as f64/{1} as f64).floor()", "({0} as f64/{1} as f64).ceil()", "")
WRITTEN = {
    "_pythoncode": _PYTHON, "_lambdacode": _PYTHON, "_numpycode": _PYTHON, "_cupycode": _PYTHON, "_jaxcode": _PYTHON,
    "_torchcode": _PYTHON, "_tensorflowcode": _PYTHON, "_mpmathcode": _MPMATH, "_ccode": _C, "_cxxcode": _C,
    "_numexprcode": _C, "_javascript": _JAVASCRIPT, "_julia": _JULIA, "_octave": _OCTAVE, "_rcode": _R, "_rust_code": _RUST,
}  # fmt: skip


def _operands(rounded: Expr) -> tuple[Expr, Expr] | None:
    """Two integers whose quotient is rounded, or None where they are not known to be integers."""
    if isinstance(rounded, Mod):
        numerator, denominator = rounded.args
    else:
        numerator, denominator = fraction(together(rounded.args[0]))
    whole = all(one.replace(_is_rounded, _rounded).is_integer for one in (numerator, denominator))
    return (numerator, denominator) if whole else None


def _is_rounded(e: Expr) -> bool:
    return isinstance(e, (floor, ceiling))


def _rounded(e: Expr) -> Expr:
    """As SymPy's own function: the printer of Rust puts subclasses in its place, which are no integers to it."""
    return (floor if isinstance(e, floor) else ceiling)(*e.args)


class _Mpmath:
    """Names of mpmath as a printer writes them, which remembers what is to be imported."""

    def __init__(self, printer: Any):
        self.printer = printer

    def __getattr__(self, name: str) -> str:
        return self.printer._module_format(f"mpmath.{name}")


def _method(name: str, text: str) -> property:
    """A printing method that is there only where it applies: a printer that does not find it goes on as always."""

    def method(rounded: Expr) -> Any:
        found = _operands(rounded)
        if found is None:
            raise AttributeError(name)

        def printed(printer: Any, **settings: Any) -> str:
            return text.format(*(f"({printer._print(one)})" for one in found), mpmath=_Mpmath(printer))

        return printed

    return property(method)


def teach_printers() -> None:
    """Give the methods to SymPy's floor, ceiling and remainder; again is no different from once."""
    for name, texts in WRITTEN.items():
        for function, text in zip((floor, ceiling, Mod), texts, strict=True):
            if text:
                setattr(function, name, _method(name, text))
