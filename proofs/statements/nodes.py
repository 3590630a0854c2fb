"""The trees in which laws are stated: each node has its parts, and says how it is written.

The text is Python's, with as few brackets as show the tree.

>>> a, b = Var("a"), Var("b")
>>> (a - (b - 2)) * b ** 2 // 3
(a - (b - 2))*b**2//3
"""

from __future__ import annotations

from typing import Any, ClassVar

from ...algebra.errors import FieldError
from ...algebra.records import dataclass

#: Relations between two terms, as they are written in Python; ``=`` is an equation.
RELATIONS = ("=", "!=", "<", "<=", ">", ">=")
#: How tightly a piece of text holds together.
LOOSE, OR, AND, NOT, RELATION, ADD, MUL, POW, ATOM = range(9)


@dataclass(frozen=True, slots=True)
class Node:
    """A term or a formula: its parts are nodes, and a copy with other parts can be built."""

    def parts(self) -> tuple[Node, ...]:
        """The nodes directly below this one."""
        return ()

    def with_parts(self, *parts: Any) -> Node:
        """The same head over other parts, of the kinds that `parts` gives."""
        return self

    def written(self) -> tuple[str, int]:
        """The node as Python would write it, and how tightly that text holds together."""
        raise NotImplementedError(f"no text for {type(self).__name__}")

    def within(self, least: int) -> str:
        """The text for a place that asks for some tightness: in brackets if it holds less tightly."""
        text, strength = self.written()
        return text if strength >= least else f"({text})"

    def __repr__(self) -> str:
        return self.written()[0]


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

    def written(self) -> tuple[str, int]:
        return str(self.value), ATOM if self.value >= 0 else ADD


@dataclass(frozen=True, slots=True, repr=False)
class Var(Term):
    """An integer variable; ``least`` is its lower bound, None when it has none."""

    name: str
    least: int | None = None

    def written(self) -> tuple[str, int]:
        return self.name, ATOM


@dataclass(frozen=True, slots=True, repr=False)
class Apply(Term):
    """The value of an unknown function from integers to integers: whatever layer number ``arguments`` costs."""

    function: str
    arguments: tuple[Term, ...]

    def parts(self) -> tuple[Node, ...]:
        return self.arguments

    def with_parts(self, *parts: Any) -> Node:
        return Apply(self.function, parts)

    def written(self) -> tuple[str, int]:
        return f"{self.function}({', '.join(map(str, self.arguments))})", ATOM


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

    def with_parts(self, *parts: Any) -> Node:
        return type(self)(parts)


class Add(_Joined):
    """A sum of terms."""

    __slots__ = ()

    def written(self) -> tuple[str, int]:
        written = self.args[0].within(ADD) if self.args else "0"
        for one in self.args[1:]:
            sign, rest = unsigned(one)
            written += f" {'-' if sign < 0 else '+'} {rest.within(MUL)}"
        return written, ADD


class Mul(_Joined):
    """A product of terms."""

    __slots__ = ()

    def written(self) -> tuple[str, int]:
        sign, rest = unsigned(self)
        if sign < 0:
            # -a*b is (-a)*b to Python, which is the same; -a//b is (-a)//b, which is not.
            product = isinstance(rest, Mul) and not isinstance(rest.args[0], (FloorDiv, Mod, Div))
            return f"-{rest.within(MUL if product else POW)}", ADD
        first, *others = self.args or (Const(1),)
        return "*".join([first.within(MUL), *(one.within(POW) for one in others)]), MUL


class Min(_Joined):
    """The least of terms."""

    __slots__ = ()

    def written(self) -> tuple[str, int]:
        return f"min({', '.join(map(str, self.args))})", ATOM


class Max(_Joined):
    """The greatest of terms."""

    __slots__ = ()

    def written(self) -> tuple[str, int]:
        return f"max({', '.join(map(str, self.args))})", ATOM


@dataclass(frozen=True, slots=True, repr=False)
class _Quotient(Term):
    """A term made of a numerator and a denominator."""

    sign: ClassVar[str] = ""
    numerator: Term
    denominator: Term

    def parts(self) -> tuple[Node, ...]:
        return self.numerator, self.denominator

    def with_parts(self, *parts: Any) -> Node:
        return type(self)(*parts)

    def written(self) -> tuple[str, int]:
        return f"{self.numerator.within(MUL)}{self.sign}{self.denominator.within(POW)}", MUL


class Div(_Quotient):
    """The exact rational quotient, undefined at denominator zero."""

    __slots__ = ()
    sign = "/"


class FloorDiv(_Quotient):
    """The quotient rounded towards minus infinity, as in Python; undefined at denominator zero."""

    __slots__ = ()
    sign = "//"


class CeilDiv(_Quotient):
    """The quotient rounded towards plus infinity; undefined at denominator zero."""

    __slots__ = ()

    def written(self) -> tuple[str, int]:
        return f"ceil({self.numerator.within(MUL)}/{self.denominator.within(POW)})", ATOM


class Mod(_Quotient):
    """What the floor of the quotient leaves, with the sign of the denominator, as in Python."""

    __slots__ = ()
    sign = " % "


@dataclass(frozen=True, slots=True, repr=False)
class Pow(Term):
    """A power; undefined for negative exponents, one for exponent zero."""

    base: Term
    exponent: Term

    def parts(self) -> tuple[Node, ...]:
        return self.base, self.exponent

    def with_parts(self, *parts: Any) -> Node:
        return Pow(*parts)

    def written(self) -> tuple[str, int]:
        return f"{self.base.within(ATOM)}**{self.exponent.within(ATOM)}", POW


@dataclass(frozen=True, slots=True, repr=False)
class Ite(Term):
    """One term where a condition holds, another where it does not; the branch not taken need not be defined."""

    condition: Formula
    then: Term
    otherwise: Term

    def parts(self) -> tuple[Node, ...]:
        return self.condition, self.then, self.otherwise

    def with_parts(self, *parts: Any) -> Node:
        return Ite(*parts)

    def written(self) -> tuple[str, int]:
        return f"({self.then} if {self.condition} else {self.otherwise})", ATOM


@dataclass(frozen=True, slots=True, repr=False)
class Sum(Term):
    """The sum of ``body`` over ``low <= index < high``; zero when that range is empty."""

    index: Var
    low: Term
    high: Term
    body: Term

    def parts(self) -> tuple[Node, ...]:
        return self.low, self.high, self.body

    def with_parts(self, *parts: Any) -> Node:
        return Sum(self.index, *parts)

    def written(self) -> tuple[str, int]:
        span = str(self.high) if self.low == Const(0) else f"{self.low}, {self.high}"
        return f"sum({self.body} for {self.index.name} in range({span}))", ATOM


@dataclass(frozen=True, slots=True, repr=False)
class Relation(Formula):
    """``left relation right``, the relation one of `RELATIONS`."""

    relation: str
    left: Term
    right: Term

    def parts(self) -> tuple[Node, ...]:
        return self.left, self.right

    def with_parts(self, *parts: Any) -> Node:
        return Relation(self.relation, *parts)

    def written(self) -> tuple[str, int]:
        return f"{self.left.within(ADD)} {self.relation} {self.right.within(ADD)}", RELATION


@dataclass(frozen=True, slots=True, repr=False)
class _Connective(Formula):
    """A formula over formulas."""

    args: tuple[Formula, ...]

    def parts(self) -> tuple[Node, ...]:
        return self.args

    def with_parts(self, *parts: Any) -> Node:
        return type(self)(parts)


class And(_Connective):
    """All of them; true when there is none."""

    __slots__ = ()

    def written(self) -> tuple[str, int]:
        return " and ".join(one.within(NOT) for one in self.args) or "true", AND


class Or(_Connective):
    """Any of them; false when there is none."""

    __slots__ = ()

    def written(self) -> tuple[str, int]:
        return " or ".join(one.within(AND) for one in self.args) or "false", OR


class Iff(_Connective):
    """Two formulas that hold for the same sizes."""

    __slots__ = ()

    def written(self) -> tuple[str, int]:
        first, second = self.args
        return f"{first.within(OR)} <=> {second.within(OR)}", LOOSE


class Implies(_Connective):
    """The second wherever the first."""

    __slots__ = ()

    def written(self) -> tuple[str, int]:
        first, second = self.args
        return f"{first.within(OR)} => {second.within(OR)}", LOOSE


@dataclass(frozen=True, slots=True, repr=False)
class Not(Formula):
    """The contrary."""

    arg: Formula

    def parts(self) -> tuple[Node, ...]:
        return (self.arg,)

    def with_parts(self, *parts: Any) -> Node:
        return Not(*parts)

    def written(self) -> tuple[str, int]:
        return f"not {self.arg.within(RELATION)}", NOT


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
