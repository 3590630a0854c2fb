r"""Terms and formulas as LaTeX (in mathematics mode).

>>> from layeralgebra.proofs.statements.term import Var, max_, sum_
>>> c_out, alpha, s = Var("c_out"), Var("alpha"), Var("s")
>>> print(latex((c_out - 2 * alpha) // s + 1))
\left\lfloor \frac{c_{\mathrm{out}} - 2 \alpha}{s} \right\rfloor + 1
>>> print(latex(sum_(lambda i: s ** i, alpha) <= max_(alpha, 0)))
\sum_{i=0}^{\alpha - 1} s^{i} \le \max(\alpha, 0)
"""

from __future__ import annotations

import re

from ..statements.nodes import unsigned
from ..statements.term import (
    Add,
    And,
    Apply,
    CeilDiv,
    Const,
    Div,
    FloorDiv,
    Iff,
    Implies,
    Ite,
    Max,
    Min,
    Mod,
    Mul,
    Node,
    Not,
    Or,
    Pow,
    Relation,
    Sum,
    Term,
    Var,
)

_LOOSE, _OR, _AND, _RELATION, _ADD, _MUL, _POW, _ATOM = range(8)
_SIGNS = {"=": "=", "!=": r"\ne", "<": "<", "<=": r"\le", ">": ">", ">=": r"\ge", "iff": r"\iff"}
_GREEK = set(
    "alpha beta gamma delta epsilon eta theta kappa lambda mu nu xi pi rho sigma tau phi chi psi omega".split()
)
_PARTS = re.compile(r"([A-Za-z]+)(\d*)")


def latex(node: Node) -> str:
    """The node in LaTeX."""
    return _write(node)[0]


def sign(relation: str) -> str:
    """A relation's sign in LaTeX."""
    return _SIGNS[relation]


def name(text: str) -> str:
    r"""A variable's name: Greek words as letters, digits and what follows ``_`` as subscripts.

    >>> name("c_out"), name("alpha1"), name("n")
    ('c_{\\mathrm{out}}', '\\alpha_{1}', 'n')
    """
    head, *below = text.split("_")
    match = _PARTS.fullmatch(head)
    letters, digits = match.groups() if match else (head, "")
    if letters in _GREEK:
        letters = "\\" + letters
    elif len(letters) > 1:
        letters = rf"\mathit{{{letters}}}"
    scripts = ([digits] if digits else []) + [
        one if len(one) == 1 or one.isdigit() else rf"\mathrm{{{one}}}" for one in below
    ]
    return f"{letters}_{{{','.join(scripts)}}}" if scripts else letters


def _in(node: Node, least: int) -> str:
    written, strength = _write(node)
    return written if strength >= least else rf"\left({written}\right)"


def _write(node: Node) -> tuple[str, int]:
    match node:
        case Const(value):
            return str(value), _ATOM if value >= 0 else _ADD
        case Var(text):
            return name(text), _ATOM
        case Apply(function, arguments):
            return rf"{name(function)}({', '.join(map(latex, arguments))})", _ATOM
        case Min(args) | Max(args):
            head = r"\min" if isinstance(node, Min) else r"\max"
            return f"{head}({', '.join(map(latex, args))})", _ATOM
        case Add(args):
            return _add(args), _ADD
        case Mul():
            return _mul(node)
        case Div(numerator, denominator):
            return rf"\frac{{{latex(numerator)}}}{{{latex(denominator)}}}", _POW
        case FloorDiv(numerator, denominator):
            return rf"\left\lfloor \frac{{{latex(numerator)}}}{{{latex(denominator)}}} \right\rfloor", _ATOM
        case CeilDiv(numerator, denominator):
            return rf"\left\lceil \frac{{{latex(numerator)}}}{{{latex(denominator)}}} \right\rceil", _ATOM
        case Mod(numerator, denominator):
            return rf"{_in(numerator, _MUL)} \bmod {_in(denominator, _POW)}", _ADD
        case Pow(base, exponent):
            return rf"{_in(base, _ATOM)}^{{{latex(exponent)}}}", _POW
        case Ite(condition, then, otherwise):
            cases = rf"{latex(then)} & {latex(condition)} \\ {latex(otherwise)} & \text{{otherwise}}"
            return rf"\begin{{cases}} {cases} \end{{cases}}", _ATOM
        case Sum(index, low, high, body):
            return rf"\sum_{{{name(index.name)}={latex(low)}}}^{{{latex(_last(high))}}} {_in(body, _MUL)}", _MUL
        case Relation(relation, left, right):
            return f"{_in(left, _ADD)} {_SIGNS[relation]} {_in(right, _ADD)}", _RELATION
        case Not(arg):
            return rf"\neg {_in(arg, _ATOM)}", _RELATION
        case And(args):
            return r" \land ".join(_in(one, _RELATION) for one in args) or r"\top", _AND
        case Or(args):
            return r" \lor ".join(_in(one, _RELATION) for one in args) or r"\bot", _OR
        case Implies((first, second)):
            return rf"{_in(first, _OR)} \implies {_in(second, _OR)}", _LOOSE
        case Iff((first, second)):
            return rf"{_in(first, _OR)} \iff {_in(second, _OR)}", _LOOSE
    raise TypeError(f"no LaTeX for {type(node).__name__}")


def _last(high: Term) -> Term:
    """The last value below an exclusive bound, with ``n + 1 - 1`` written ``n``."""
    if isinstance(high, Const):
        return Const(high.value - 1)
    if isinstance(high, Add) and high.args[-1] == Const(1):
        return high.args[0] if len(high.args) == 2 else Add(high.args[:-1])
    return high - 1


def _add(args: tuple[Term, ...]) -> str:
    written = _in(args[0], _ADD) if args else "0"
    for one in args[1:]:
        negative, rest = unsigned(one)
        written += f" {'-' if negative < 0 else '+'} {_in(rest, _MUL)}"
    return written


def _mul(node: Mul) -> tuple[str, int]:
    negative, rest = unsigned(node)
    if negative < 0:
        return f"-{_in(rest, _MUL)}", _ADD
    factors = node.args or (Const(1),)
    written = _in(factors[0], _MUL)
    for before, one in zip(factors, factors[1:], strict=False):
        # A number after a factor, or after a sum, would run into it.
        joint = r" \cdot " if _starts_with_digit(one) or isinstance(before, Sum) else " "
        written += joint + _in(one, _POW)
    return written, _MUL


def _starts_with_digit(term: Term) -> bool:
    while isinstance(term, (Pow, Mul)) and term.parts():
        term = term.parts()[0]  # type: ignore[assignment]
    return isinstance(term, Const)
