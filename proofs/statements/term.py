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
from dataclasses import dataclass
from typing import Annotated, TypeVar

from ...algebra.errors import FieldError

_N = TypeVar("_N", bound="Node")

#: Relations between two terms, as they are written in Python; ``=`` is an equation.
RELATIONS = ("=", "!=", "<", "<=", ">", ">=")


@dataclass(frozen=True, slots=True)
class Node:
    """A term or a formula: its parts are nodes, and a copy with other parts can be built."""

    def parts(self) -> tuple[Node, ...]:
        """The nodes directly below this one."""
        return ()

    def with_parts(self, *parts: Node) -> Node:
        """The same head over other parts."""
        return self

    def __repr__(self) -> str:
        from .text import text

        return text(self)


def as_term(value: object) -> Term:
    """An integer or a term as a term.

    Raises
    ------
    FieldError
        For anything else: a float has no place in an exact law, and a formula is no number.
    """
    if isinstance(value, Term):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Const(value)
    raise FieldError(f"a law is stated with integers and terms, got {value!r} of type {type(value).__name__}")


@dataclass(frozen=True, slots=True, repr=False)
class Term(Node):
    """An integer-valued (with `Div`: rational-valued) expression; built with ``+ - * // % / **`` and comparisons."""

    def __add__(self, other: object) -> Term:
        return Add((self, as_term(other)))

    def __radd__(self, other: object) -> Term:
        return Add((as_term(other), self))

    def __neg__(self) -> Term:
        return Mul((Const(-1), self))

    def __sub__(self, other: object) -> Term:
        return Add((self, -as_term(other)))

    def __rsub__(self, other: object) -> Term:
        return Add((as_term(other), -self))

    def __mul__(self, other: object) -> Term:
        return Mul((self, as_term(other)))

    def __rmul__(self, other: object) -> Term:
        return Mul((as_term(other), self))

    def __truediv__(self, other: object) -> Term:
        return Div(self, as_term(other))

    def __rtruediv__(self, other: object) -> Term:
        return Div(as_term(other), self)

    def __floordiv__(self, other: object) -> Term:
        return FloorDiv(self, as_term(other))

    def __rfloordiv__(self, other: object) -> Term:
        return FloorDiv(as_term(other), self)

    def __mod__(self, other: object) -> Term:
        return Mod(self, as_term(other))

    def __rmod__(self, other: object) -> Term:
        return Mod(as_term(other), self)

    def __pow__(self, other: object) -> Term:
        return Pow(self, as_term(other))

    def __rpow__(self, other: object) -> Term:
        return Pow(as_term(other), self)

    def __lt__(self, other: object) -> Formula:
        return Relation("<", self, as_term(other))

    def __le__(self, other: object) -> Formula:
        return Relation("<=", self, as_term(other))

    def __gt__(self, other: object) -> Formula:
        return Relation(">", self, as_term(other))

    def __ge__(self, other: object) -> Formula:
        return Relation(">=", self, as_term(other))


@dataclass(frozen=True, slots=True, repr=False)
class Formula(Node):
    """A statement that is true or false for given sizes; built with ``& | ~``, `implies` and `iff`."""

    def __and__(self, other: Formula) -> Formula:
        return And((self, other))

    def __or__(self, other: Formula) -> Formula:
        return Or((self, other))

    def __invert__(self) -> Formula:
        return Not(self)

    def __bool__(self) -> bool:
        raise FieldError(
            f"{self!r} holds for some sizes and not for others; join formulas with & and |, not with `and`"
        )


@dataclass(frozen=True, slots=True, repr=False)
class Const(Term):
    """An integer."""

    value: int


@dataclass(frozen=True, slots=True, repr=False)
class Var(Term):
    """An integer variable; ``least`` is its lower bound, None when it has none."""

    name: str
    least: int | None = None


#: Domains of variables, written as annotations of a law's arguments.
Integer = Annotated[Term, None]
Natural = Annotated[Term, 0]
Positive = Annotated[Term, 1]


@dataclass(frozen=True, slots=True, repr=False)
class Apply(Term):
    """The value of an unknown function from integers to integers: whatever layer number ``arguments`` costs."""

    function: str
    arguments: tuple[Term, ...]

    def parts(self) -> tuple[Node, ...]:
        return self.arguments

    def with_parts(self, *parts: Node) -> Node:
        return Apply(self.function, parts)


@dataclass(frozen=True, slots=True, repr=False)
class Sequence:
    """An unknown sequence of integers; ``f(j)`` is a term. As an annotation it declares such an argument of a law."""

    name: str

    def __call__(self, *arguments: object) -> Term:
        return Apply(self.name, tuple(as_term(one) for one in arguments))


@dataclass(frozen=True, slots=True, repr=False)
class _Joined(Term):
    """A term over any number of terms."""

    args: tuple[Term, ...]

    def parts(self) -> tuple[Node, ...]:
        return self.args

    def with_parts(self, *parts: Node) -> Node:
        return type(self)(parts)


class Add(_Joined):
    """A sum of terms."""

    __slots__ = ()


class Mul(_Joined):
    """A product of terms."""

    __slots__ = ()


class Min(_Joined):
    """The least of terms."""

    __slots__ = ()


class Max(_Joined):
    """The greatest of terms."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, repr=False)
class _Quotient(Term):
    """A term made of a numerator and a denominator."""

    numerator: Term
    denominator: Term

    def parts(self) -> tuple[Node, ...]:
        return self.numerator, self.denominator

    def with_parts(self, *parts: Node) -> Node:
        return type(self)(*parts)


class Div(_Quotient):
    """The exact rational quotient, undefined at denominator zero."""

    __slots__ = ()


class FloorDiv(_Quotient):
    """The quotient rounded towards minus infinity, as in Python; undefined at denominator zero."""

    __slots__ = ()


class CeilDiv(_Quotient):
    """The quotient rounded towards plus infinity; undefined at denominator zero."""

    __slots__ = ()


class Mod(_Quotient):
    """What the floor of the quotient leaves, with the sign of the denominator, as in Python."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, repr=False)
class Pow(Term):
    """A power; undefined for negative exponents, one for exponent zero."""

    base: Term
    exponent: Term

    def parts(self) -> tuple[Node, ...]:
        return self.base, self.exponent

    def with_parts(self, *parts: Node) -> Node:
        return Pow(*parts)


@dataclass(frozen=True, slots=True, repr=False)
class Ite(Term):
    """One term where a condition holds, another where it does not; the branch not taken need not be defined."""

    condition: Formula
    then: Term
    otherwise: Term

    def parts(self) -> tuple[Node, ...]:
        return self.condition, self.then, self.otherwise

    def with_parts(self, *parts: Node) -> Node:
        return Ite(*parts)


@dataclass(frozen=True, slots=True, repr=False)
class Sum(Term):
    """The sum of ``body`` over ``low <= index < high``; zero when that range is empty."""

    index: Var
    low: Term
    high: Term
    body: Term

    def parts(self) -> tuple[Node, ...]:
        return self.low, self.high, self.body

    def with_parts(self, *parts: Node) -> Node:
        return Sum(self.index, *parts)


@dataclass(frozen=True, slots=True, repr=False)
class Relation(Formula):
    """``left relation right``, the relation one of `RELATIONS`."""

    relation: str
    left: Term
    right: Term

    def parts(self) -> tuple[Node, ...]:
        return self.left, self.right

    def with_parts(self, *parts: Node) -> Node:
        return Relation(self.relation, *parts)


@dataclass(frozen=True, slots=True, repr=False)
class _Connective(Formula):
    """A formula over formulas."""

    args: tuple[Formula, ...]

    def parts(self) -> tuple[Node, ...]:
        return self.args

    def with_parts(self, *parts: Node) -> Node:
        return type(self)(parts)


class And(_Connective):
    """All of them; true when there is none."""

    __slots__ = ()


class Or(_Connective):
    """Any of them; false when there is none."""

    __slots__ = ()


class Iff(_Connective):
    """Two formulas that hold for the same sizes."""

    __slots__ = ()


class Implies(_Connective):
    """The second wherever the first."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, repr=False)
class Not(Formula):
    """The contrary."""

    arg: Formula

    def parts(self) -> tuple[Node, ...]:
        return (self.arg,)

    def with_parts(self, *parts: Node) -> Node:
        return Not(*parts)


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


def substitute(node: _N, values: Mapping[str, Term]) -> _N:
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
