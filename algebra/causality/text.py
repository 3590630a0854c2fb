"""Statements as text of the language, so that what was derived from an equation is an equation again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field

from sympy import Add, Expr, Integer, Max, Min, Mul, Pow, Rational, Symbol, ceiling, floor, log, oo, pi

from ..equations.functions import FUNCTIONS
from ..equations.heads import (
    Address,
    Apply,
    Constant,
    Group,
    Head,
    IndexValue,
    Pad,
    Plus,
    Read,
    Reduce,
    Select,
    Softmax,
    Times,
    unknown_head,
)
from ..equations.statements import AnyOf, Limit, Statement
from ..errors import UnsupportedError
from ..records import dataclass
from ..sizes.dims import Index

_SUM, _PRODUCT, _POWER, _ATOM = 1, 2, 3, 4
_RELATIONS = {"less": "<", "equal": "=="}


@dataclass(frozen=True)
class Writer:
    """Writes heads and numbers; every symbol, index and tensor is called by `names`, as itself where that says nothing."""

    names: Mapping[object, str] = field(default_factory=dict)

    # numbers ---------------------------------------------------------------------------------------------------------

    def number(self, value: Expr) -> str:
        """A number made of fields and indices."""
        return self._number(value)[0]

    def _number(self, value: Expr) -> tuple[str, int]:
        if isinstance(value, Symbol):
            return self.names.get(value, value.name), _ATOM
        if value is oo:
            return "inf", _ATOM
        if value is -oo:
            return "-inf", _SUM
        if value is pi:
            return "pi", _ATOM
        if isinstance(value, Integer):
            return str(value), _ATOM if value >= 0 else _SUM
        if isinstance(value, Rational):
            return f"{value.p}/{value.q}", _PRODUCT if value >= 0 else _SUM
        if isinstance(value, Add):
            terms = sorted(value.args, key=lambda term: (term.could_extract_minus_sign(), str(term)))
            text = self._within(terms[0], _SUM)
            for term in terms[1:]:
                negative = term.could_extract_minus_sign()
                text += f" - {self._within(-term, _PRODUCT)}" if negative else f" + {self._within(term, _PRODUCT)}"
            return text, _SUM
        if isinstance(value, Mul):
            if value.could_extract_minus_sign():
                return f"-{self._within(-value, _PRODUCT)}", _SUM
            over, under = value.as_numer_denom()
            if under != 1:
                return f"{self._within(over, _PRODUCT)}/{self._within(under, _POWER)}", _PRODUCT
            return "*".join(self._within(factor, _POWER) for factor in value.args), _PRODUCT
        if isinstance(value, Pow):
            if value.exp == Rational(1, 2):
                return f"sqrt({self.number(value.base)})", _ATOM
            if value.exp.could_extract_minus_sign():
                return f"1/{self._within(1 / value, _POWER)}", _PRODUCT
            return f"{self._within(value.base, _ATOM)}**{self._within(value.exp, _ATOM)}", _POWER
        for kind, name in ((Max, "max"), (Min, "min"), (floor, "floor"), (ceiling, "ceil"), (log, "log")):
            if isinstance(value, kind):
                return f"{name}({', '.join(sorted(map(self.number, value.args)))})", _ATOM
        raise UnsupportedError(f"the number {value} cannot be written in an equation")

    def _within(self, value: Expr, level: int) -> str:
        text, own = self._number(value)
        return text if own >= level else f"({text})"

    # heads -----------------------------------------------------------------------------------------------------------

    def value(self, head: Head) -> str:
        """The right side of a line."""
        return self._head(head)[0]

    def _head(self, head: Head) -> tuple[str, int]:
        if isinstance(head, (Constant, IndexValue)):
            return self._number(head.value)
        if isinstance(head, Read):
            return self.read(head), _ATOM
        if isinstance(head, Plus):
            text = self._inner(head.terms[0], _SUM)
            for term in head.terms[1:]:
                opposite = _opposite(term)
                text += (
                    f" + {self._inner(term, _PRODUCT)}" if opposite is None else f" - {self._inner(opposite, _POWER)}"
                )
            return text, _SUM
        if isinstance(head, Times):
            return "*".join(self._inner(factor, _POWER) for factor in head.factors), _PRODUCT
        if isinstance(head, Apply):
            return self._applied(head)
        if isinstance(head, (Reduce, Softmax)) and not head.indices:
            return self._head(head.body)
        if isinstance(head, Reduce):
            return f"{head.operation}[{self._indices(head.indices)}]({self.value(head.body)})", _ATOM
        if isinstance(head, Softmax):
            return f"softmax[{self._indices(head.indices)}]({self.value(head.body)})", _ATOM
        if isinstance(head, Select):
            rank = "" if head.operation.startswith("argm") else f", {self.number(head.rank)}"
            return f"{head.operation}[{self._indices(head.indices)}]({self.value(head.body)}{rank})", _ATOM
        if isinstance(head, Pad):
            return self._padded(head), _ATOM
        raise unknown_head(head, "written")

    def _inner(self, head: Head, level: int) -> str:
        text, own = self._head(head)
        return text if own >= level else f"({text})"

    def _applied(self, head: Apply) -> tuple[str, int]:
        if head.function == "divide":
            return f"{self._inner(head.arguments[0], _POWER)}/{self._inner(head.arguments[1], _POWER)}", _PRODUCT
        if head.function == "power":
            return f"{self._inner(head.arguments[0], _ATOM)}**{self._inner(head.arguments[1], _ATOM)}", _POWER
        if head.function in _RELATIONS:
            left, right = (self._inner(argument, _SUM) for argument in head.arguments)
            return f"[{left} {_RELATIONS[head.function]} {right}]", _ATOM
        if head.function not in FUNCTIONS:
            raise UnsupportedError(f"the function {head.function} cannot be written in an equation")
        return f"{head.function}({', '.join(map(self.value, head.arguments))})", _ATOM

    def _padded(self, head: Pad) -> str:
        widths = ", ".join(
            f"{self.address(part)}: ({self.number(before)}, {self.number(after)})"
            for part, (before, after) in zip(head.body.address, head.widths) if (before, after) != (0, 0)
        )  # fmt: skip
        fill = "" if head.fill == Constant(Integer(0)) else f", fill={self.value(head.fill)}"
        return f"pad[{widths}]({self.read(head.body)}{fill})" if widths else self.read(head.body)

    def read(self, read: Read) -> str:
        return self.tensor(read.tensor, read.address)

    def tensor(self, name: str, address: Sequence[Address]) -> str:
        """A tensor with its address; one without axes stands alone."""
        called = self.names.get(name, name)
        return f"{called}[{', '.join(map(self.address, address))}]" if address else called

    def address(self, part: Address) -> str:
        if isinstance(part, Read):
            return self.read(part)
        if isinstance(part, Group):
            return f"({self._indices(part.parts)}{',' if len(part.parts) == 1 else ''})"
        return self.number(part)

    def _indices(self, indices: Iterable[Index]) -> str:
        return ", ".join(self.names.get(index, index.name) for index in indices)

    # lines -----------------------------------------------------------------------------------------------------------

    def line(self, statement: Statement) -> str:
        """One line of an equation."""
        value = self.value(statement.value)
        if statement.joined != "sum":
            value = f"{statement.joined}[{self._indices(sorted(statement.scattered, key=str))}]({value})"
        return f"{self.tensor(statement.target, statement.address)} = {value}"

    def mask(self, limit: Limit) -> str:
        """A mask, or several of which one holds."""
        if isinstance(limit, AnyOf):
            options = (" and ".join(map(self.mask, option)) for option in limit.options)
            return " or ".join(f"({option})" for option in options)
        return f"{self.number(limit.left)} {limit.relation} {self.number(limit.right)}"


def _opposite(head: Head) -> Head | None:
    """What a term takes away, if it does."""
    if isinstance(head, Times) and head.factors[0] == Constant(Integer(-1)) and len(head.factors) > 1:
        rest = head.factors[1:]
        return rest[0] if len(rest) == 1 else Times(rest)
    return None
