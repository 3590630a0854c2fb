"""A sign that SymPy takes for granted and should not: that of a quotient of several symbols beside a number.

For positive integers k and s SymPy finds ``108/(k*s) - 28`` positive: it puts in the least values of the symbols, as if
the quotient grew with them. Its comparisons, minima and assumptions rest on this. Importing this module lets SymPy know
of such a quotient what it knows of one with one symbol, its sign and no bound.

>>> from sympy import symbols
>>> k, s = symbols("k s", integer=True, positive=True)
>>> (108 / (k * s) - 28).is_positive, 108 / (k * s) > 28, (108 / (k * s) + 28).is_positive
(None, 108/(k*s) > 28, True)
"""

from __future__ import annotations

from sympy import Dummy, Expr
from sympy.core import exprtools

_as_it_was = exprtools._monotonic_sign


def _monotonic_sign(self: Expr) -> Expr | None:
    found: Expr | None = _as_it_was(self)
    if found is None or len(self.free_symbols) < 2:
        return found
    number, rest = self.as_coeff_Add()
    if rest.is_polynomial():
        return found
    if rest.is_positive and not number.is_negative:
        return Dummy("pos", positive=True)
    if rest.is_negative and not number.is_positive:
        return Dummy("neg", negative=True)
    return None


exprtools._monotonic_sign = _monotonic_sign
