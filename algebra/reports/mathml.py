"""Formulas as MathML.

>>> from sympy import Symbol
>>> mathml(Symbol("</math>") + 1)
'<math><mrow><mi>&lt;/math&gt;</mi><mo>+</mo><mn>1</mn></mrow></math>'
"""

from __future__ import annotations

from typing import Any

from sympy import Add, Basic, Integer, Rational, ceiling, floor
from sympy.printing.mathml import MathMLPresentationPrinter

from ..diagrams.svg import escaped


class _Printer(MathMLPresentationPrinter):
    """SymPy's printer; names are text, whatever they hold."""

    def _print_Symbol(self, sym: Any, style: str = "plain") -> Any:
        made = self.dom.createElement("mi")
        made.appendChild(self.dom.createTextNode(escaped(sym.name)))
        return made

    _print_Dummy = _print_Symbol

    def emptyPrinter(self, expr: Any) -> Any:  # a function that SymPy's printer does not know
        made = self.dom.createElement("mtext")
        made.appendChild(self.dom.createTextNode(escaped(str(expr))))
        return made

    def _print_Function(self, expr: Any) -> Any:
        row, name = self.dom.createElement("mrow"), self.dom.createElement("mi")
        name.appendChild(self.dom.createTextNode(escaped(type(expr).__name__)))
        row.appendChild(name)
        brackets = self.dom.createElement("mrow")
        for place, part in enumerate(expr.args):
            mark = self.dom.createElement("mo")
            mark.appendChild(self.dom.createTextNode("," if place else "("))
            brackets.appendChild(mark)
            brackets.appendChild(self._print(part))
        last = self.dom.createElement("mo")
        last.appendChild(self.dom.createTextNode(")"))
        brackets.appendChild(last)
        row.appendChild(brackets)
        return row


def _ceilings(e: Basic) -> Basic:
    """floor((n + q - 1)/q) as ceiling(n/q), for integers n."""

    def is_one(part: Basic) -> bool:
        if not isinstance(part, floor) or not isinstance(part.args[0], Add):
            return False
        constant, rest = part.args[0].as_coeff_Add()
        return (
            isinstance(constant, Rational) and constant.p == constant.q - 1 and (rest * constant.q).is_integer is True
        )

    return e.replace(is_one, lambda part: ceiling(part.args[0].as_coeff_Add()[1]))


def mathml(e: Any) -> str:
    """A formula, or several in a tuple, as an element ``math``."""
    if isinstance(e, (tuple, list)):
        inner = "<mo>,</mo>".join(_inner(part) for part in e)
        return f"<math><mrow><mo>(</mo>{inner}<mo>)</mo></mrow></math>"
    return f"<math>{_inner(e)}</math>"


def _inner(e: Any) -> str:
    e = e if isinstance(e, Basic) else Integer(e)
    printer = _Printer()
    text: str = printer.doprint(_ceilings(e))
    return text.replace("&InvisibleTimes;", "&#8290;").replace("&ApplyFunction;", "&#8289;")
