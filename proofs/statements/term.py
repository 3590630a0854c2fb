"""Terms and formulas in which laws are stated: frozen trees that nothing rewrites.

SymPy turns ``n + 2*p - (2*p + 1) + 1`` into ``n`` while it is being written, and then there is nothing left to prove.
Here a tree stays as it was written; only a prover may rewrite it, and says so.

>>> n, p = Var("n"), Var("p", least=0)
>>> n + 2 * p - (2 * p + 1) + 1
n + 2*p - (2*p + 1) + 1
>>> n + p == p + n                      # equality of trees, for dictionaries and sets; `eq` states an equation
False
>>> eq(n + p, p + n)
n + p = p + n
>>> min_(n, p) // 2 <= ceil_div(n, 2)
min(n, p)//2 <= ceil(n/2)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, overload

from ...algebra.errors import FieldError
from .nodes import (
    RELATIONS,
    Add,
    And,
    Apply,
    CeilDiv,
    Const,
    Div,
    FloorDiv,
    Formula,
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
    Sequence,
    Sum,
    Term,
    Var,
    as_term,
)

__all__ = [
    "Add",
    "And",
    "Apply",
    "CeilDiv",
    "Const",
    "Div",
    "FloorDiv",
    "Formula",
    "Iff",
    "Implies",
    "Integer",
    "Ite",
    "Max",
    "Min",
    "Mod",
    "Mul",
    "Natural",
    "Node",
    "Not",
    "Or",
    "Positive",
    "Pow",
    "RELATIONS",
    "Relation",
    "Sequence",
    "Sum",
    "Term",
    "Var",
    "as_term",
    "ceil_div",
    "eq",
    "free_names",
    "fresh_name",
    "iff",
    "implies",
    "ite",
    "max_",
    "min_",
    "ne",
    "substitute",
    "sum_",
    "walk",
]

#: Domains of variables, written as annotations of a law's arguments.
Integer = Annotated[Term, None]
Natural = Annotated[Term, 0]
Positive = Annotated[Term, 1]


def eq(left: object, right: object) -> Formula:
    """The equation of two terms (``==`` compares trees)."""
    return Relation("=", as_term(left), as_term(right))


def ne(left: object, right: object) -> Formula:
    """That two terms differ."""
    return Relation("!=", as_term(left), as_term(right))


def implies(first: Formula, second: Formula) -> Formula:
    """The second formula wherever the first one holds."""
    return Implies((first, second))


def iff(first: Formula, second: Formula) -> Formula:
    """That two formulas hold for the same sizes."""
    return Iff((first, second))


def min_(*terms: object) -> Term:
    """The least of one or more terms."""
    return Min(_some(terms, "min_"))


def max_(*terms: object) -> Term:
    """The greatest of one or more terms."""
    return Max(_some(terms, "max_"))


def _some(terms: tuple[object, ...], what: str) -> tuple[Term, ...]:
    if not terms:
        raise FieldError(f"{what} needs at least one term")
    return tuple(as_term(one) for one in terms)


def ceil_div(numerator: object, denominator: object) -> Term:
    """The quotient rounded up."""
    return CeilDiv(as_term(numerator), as_term(denominator))


def ite(condition: Formula, then: object, otherwise: object) -> Term:
    """One term where a condition holds, another elsewhere."""
    return Ite(condition, as_term(then), as_term(otherwise))


def sum_(body: Callable[[Term], object], high: object, low: object = 0, index: str = "i") -> Term:
    """The sum of ``body(i)`` over ``low <= i < high``.

    >>> n = Var("n", least=0)
    >>> sum_(lambda i: i + 1, n)
    sum(i + 1 for i in range(n))
    """
    variable = Var(index)
    return Sum(variable, as_term(low), as_term(high), as_term(body(variable)))


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it, outermost first."""
    pending = [node]
    while pending:
        current = pending.pop()
        yield current
        pending.extend(reversed(current.parts()))


def free_names(node: Node) -> frozenset[str]:
    """Names of the variables that are not bound by a sum."""
    if isinstance(node, Var):
        return frozenset((node.name,))
    if isinstance(node, Sum):
        return free_names(node.low) | free_names(node.high) | (free_names(node.body) - {node.index.name})
    return frozenset[str]().union(*(free_names(part) for part in node.parts()))


def fresh_name(wanted: str, taken: frozenset[str]) -> str:
    """``wanted``, or the first of ``wanted1``, ``wanted2``, ... that is not taken."""
    name, number = wanted, 0
    while name in taken:
        number += 1
        name = f"{wanted}{number}"
    return name


@overload
def substitute(node: Term, values: Mapping[str, Term]) -> Term: ...
@overload
def substitute(node: Formula, values: Mapping[str, Term]) -> Formula: ...
@overload
def substitute(node: Node, values: Mapping[str, Term]) -> Node: ...
def substitute(node: Node, values: Mapping[str, Term]) -> Node:
    """The node with terms in place of variables, by name; the index of a sum is renamed rather than captured.

    >>> i, n = Var("i"), Var("n")
    >>> substitute(sum_(lambda j: j * n, n, index="i"), {"n": i + 1})
    sum(i1*(i + 1) for i1 in range(i + 1))
    """
    if not values:
        return node
    if isinstance(node, Var):
        return values.get(node.name, node)
    if isinstance(node, Sum):
        inside = {name: term for name, term in values.items() if name != node.index.name}
        index, body = node.index, node.body
        arriving = frozenset[str]().union(*(free_names(term) for term in inside.values()))
        if index.name in arriving:
            index = Var(fresh_name(index.name, arriving | free_names(body)))
            body = substitute(body, {node.index.name: index})
        return Sum(index, substitute(node.low, values), substitute(node.high, values), substitute(body, inside))
    parts = node.parts()
    return node.with_parts(*(substitute(part, values) for part in parts)) if parts else node
