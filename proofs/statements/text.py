"""Terms and formulas as text, written as in Python with as few parentheses as show the tree.

>>> from layeralgebra.proofs.statements.term import Var
>>> a, b = Var("a"), Var("b")
>>> (a - (b - 2)) * b ** 2 // 3
(a - (b - 2))*b**2//3
"""

from __future__ import annotations

from .term import (
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

# How tightly a piece of text holds together: a part is bracketed when it holds less tightly than its place asks for.
_LOOSE, _OR, _AND, _NOT, _RELATION, _ADD, _MUL, _POW, _ATOM = range(9)


def text(node: Node) -> str:
    """The node as one line of text."""
    return _write(node)[0]


def unsigned(term: Term) -> tuple[int, Term]:
    """The sign that a number, a product or an exact quotient starts with, and the rest: ``-2*n`` is minus ``2*n``."""
    if isinstance(term, Const) and term.value < 0:
        return -1, Const(-term.value)
    if isinstance(term, Mul) and len(term.args) > 1:
        first, *others = term.args
        if isinstance(first, Const) and first.value < 0:
            factors = tuple(others) if first.value == -1 else (Const(-first.value), *others)
            return -1, factors[0] if len(factors) == 1 else Mul(factors)
    if isinstance(term, Div):
        sign, numerator = unsigned(term.numerator)
        return sign, Div(numerator, term.denominator)
    return 1, term


def _in(node: Node, least: int) -> str:
    written, strength = _write(node)
    return written if strength >= least else f"({written})"


def _write(node: Node) -> tuple[str, int]:
    match node:
        case Const(value):
            return str(value), _ATOM if value >= 0 else _ADD
        case Var(name):
            return name, _ATOM
        case Apply(function, arguments):
            return f"{function}({', '.join(map(text, arguments))})", _ATOM
        case Min(args) | Max(args):
            return f"{'min' if isinstance(node, Min) else 'max'}({', '.join(map(text, args))})", _ATOM
        case CeilDiv(numerator, denominator):
            return f"ceil({_in(numerator, _MUL)}/{_in(denominator, _POW)})", _ATOM
        case Add(args):
            return _add(args), _ADD
        case Mul():
            return _mul(node)
        case FloorDiv(numerator, denominator) | Mod(numerator, denominator) | Div(numerator, denominator):
            sign = {FloorDiv: "//", Mod: " % ", Div: "/"}[type(node)]
            return f"{_in(numerator, _MUL)}{sign}{_in(denominator, _POW)}", _MUL
        case Pow(base, exponent):
            return f"{_in(base, _ATOM)}**{_in(exponent, _ATOM)}", _POW
        case Ite(condition, then, otherwise):
            return f"({text(then)} if {text(condition)} else {text(otherwise)})", _ATOM
        case Sum(index, low, high, body):
            span = text(high) if low == Const(0) else f"{text(low)}, {text(high)}"
            return f"sum({text(body)} for {index.name} in range({span}))", _ATOM
        case Relation(relation, left, right):
            return f"{_in(left, _ADD)} {relation} {_in(right, _ADD)}", _RELATION
        case Not(arg):
            return f"not {_in(arg, _RELATION)}", _NOT
        case And(args):
            return " and ".join(_in(one, _NOT) for one in args) or "true", _AND
        case Or(args):
            return " or ".join(_in(one, _AND) for one in args) or "false", _OR
        case Implies((first, second)):
            return f"{_in(first, _OR)} => {_in(second, _OR)}", _LOOSE
        case Iff((first, second)):
            return f"{_in(first, _OR)} <=> {_in(second, _OR)}", _LOOSE
    raise TypeError(f"no text for {type(node).__name__}")


def _add(args: tuple[Term, ...]) -> str:
    written = _in(args[0], _ADD) if args else "0"
    for one in args[1:]:
        sign, rest = unsigned(one)
        written += f" {'-' if sign < 0 else '+'} {_in(rest, _MUL)}"
    return written


def _mul(node: Mul) -> tuple[str, int]:
    sign, rest = unsigned(node)
    if sign < 0:
        # -a*b is (-a)*b to Python, which is the same; -a//b is (-a)//b, which is not.
        product = isinstance(rest, Mul) and not isinstance(rest.args[0], (FloorDiv, Mod, Div))
        return f"-{_in(rest, _MUL if product else _POW)}", _ADD
    first, *others = node.args or (Const(1),)
    return "*".join([_in(first, _MUL), *(_in(one, _POW) for one in others)]), _MUL
