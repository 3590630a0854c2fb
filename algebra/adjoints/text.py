"""Lines made of heads as a text of the language.

>>> from layeralgebra.algebra.equations.heads import Read, Reduce, Times
>>> from layeralgebra.algebra.sizes.dims import Index
>>> o, c = Index("o"), Index("c")
>>> HeadText().head(Reduce("sum", (c,), Times((Read("W", (o, c)), Read("x", (c,))))))
'sum[c](W[o, c]*x[c])'
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sympy import Expr, Integer
from sympy.printing.str import StrPrinter

from ..equations.heads import (
    SELECTIONS,
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
from ..equations.statements import AnyOf, Limit, Mask, Statement
from ..errors import UnsupportedError
from ..sizes.dims import Index

SUM, PRODUCT, SIGN, ATOM = 1, 2, 3, 4


class _Sizes(StrPrinter):
    """Sizes as the language writes them; what is known under another name goes by that."""

    def __init__(self, names: Mapping[Expr, str]):
        super().__init__()
        self.names = names

    def _print(self, expr: object, **words: object) -> str:
        if isinstance(expr, Expr) and not expr.is_number and expr in self.names:
            return self.names[expr]
        return super()._print(expr, **words)

    def _print_Max(self, expr: Expr) -> str:
        return f"max({', '.join(map(self._print, expr.args))})"

    def _print_Min(self, expr: Expr) -> str:
        return f"min({', '.join(map(self._print, expr.args))})"

    def _print_ceiling(self, expr: Expr) -> str:
        return f"ceil({self._print(expr.args[0])})"

    def _print_floor(self, expr: Expr) -> str:
        return f"floor({self._print(expr.args[0])})"

    def _print_Infinity(self, expr: Expr) -> str:
        return "inf"

    def _print_NegativeInfinity(self, expr: Expr) -> str:
        return "-inf"

    def _print_Exp1(self, expr: Expr) -> str:
        raise UnsupportedError("the number e has no name in the language")


class HeadText:
    """Writes heads; `sizes` are names for sizes, `scalars` collects numbers that are not to be taken for literals."""

    def __init__(self, sizes: Mapping[Expr, str] | None = None, scalars: dict[Expr, str] | None = None):
        self.sizes = _Sizes(sizes or {})
        self.scalars = scalars

    def number(self, value: Expr) -> str:
        return self.sizes.doprint(value)

    def constant(self, head: Constant) -> str:
        if not head.literal and self.scalars is not None:
            return self.scalars.setdefault(head.value, f"number{len(self.scalars) + 1}")
        text = self.number(head.value)
        return text if text.isalnum() else f"({text})"

    def address(self, part: Address) -> str:
        if isinstance(part, Group):
            return f"({', '.join(index.name for index in part.parts)}{',' if len(part.parts) == 1 else ''})"
        if isinstance(part, Read):
            return self.read(part)
        return self.number(part)

    def read(self, read: Read) -> str:
        inside = ", ".join(map(self.address, read.address))
        return f"{read.tensor}[{inside or '()'}]"

    def within(self, head: Head, level: int) -> str:
        text, own = self.leveled(head)
        return text if own >= level else f"({text})"

    def head(self, head: Head) -> str:
        return self.leveled(head)[0]

    def leveled(self, head: Head) -> tuple[str, int]:
        if isinstance(head, Constant):
            return self.constant(head), ATOM
        if isinstance(head, IndexValue):
            return f"({self.number(head.value)})", ATOM
        if isinstance(head, Read):
            return self.read(head), ATOM
        if isinstance(head, Plus):
            text = ""
            for place, term in enumerate(head.terms):
                negative = (
                    isinstance(term, Times) and term.factors[0] == Constant(Integer(-1)) and len(term.factors) > 1
                )
                if place and negative:
                    text += " - " + self._product(term.factors[1:])  # type: ignore[union-attr]
                else:
                    text += (" + " if place else "") + self.within(term, PRODUCT)
            return text, SUM
        if isinstance(head, Times):
            return self._product(head.factors), PRODUCT
        if isinstance(head, Apply):
            return self._applied(head)
        if isinstance(head, Reduce):
            return f"{head.operation}[{self._bound(head.indices)}]({self.head(head.body)})", ATOM
        if isinstance(head, Softmax):
            return f"softmax[{self._bound(head.indices)}]({self.head(head.body)})", ATOM
        if isinstance(head, Select):
            rank = f", {self.number(head.rank)}" if SELECTIONS[head.operation] > 1 else ""
            return f"{head.operation}[{self._bound(head.indices)}]({self.head(head.body)}{rank})", ATOM
        if isinstance(head, Pad):
            return self._pad(head), ATOM
        raise unknown_head(head, "written")

    def _product(self, factors: Sequence[Head]) -> str:
        return "*".join(self.within(factor, SIGN) for factor in factors)

    @staticmethod
    def _bound(indices: Sequence[Index]) -> str:
        return ", ".join(index.name for index in indices)

    def _applied(self, head: Apply) -> tuple[str, int]:
        if head.function == "divide":
            one, other = head.arguments
            return f"{self.within(one, PRODUCT)}/{self.within(other, ATOM)}", PRODUCT
        if head.function == "power":
            return f"{self.within(head.arguments[0], ATOM)}**{self.within(head.arguments[1], ATOM)}", SIGN
        if head.function in ("less", "equal"):
            sign = "<" if head.function == "less" else "=="
            return f"[{sign.join(f' {self.within(one, SUM)} ' for one in head.arguments).strip()}]", ATOM
        return f"{head.function}({', '.join(map(self.head, head.arguments))})", ATOM

    def _pad(self, head: Pad) -> str:
        widths = ", ".join(
            f"{index}: ({self.number(before)}, {self.number(after)})"
            for index, (before, after) in zip(head.body.address, head.widths) if (before, after) != (0, 0)
        )  # fmt: skip
        fill = "" if head.fill == Constant(Integer(0)) else f", fill={self.head(head.fill)}"
        if not widths:
            widths = f"{head.body.address[0]}: (0, 0)"
        return f"pad[{widths}]({self.read(head.body)}{fill})"

    def statement(self, statement: Statement) -> str:
        left = self.read(Read(statement.target, statement.address))
        value = statement.value
        if statement.joined != "sum":
            return (
                f"{left} = {statement.joined}[{self._bound(sorted(statement.scattered, key=str))}]({self.head(value)})"
            )
        if isinstance(value, Reduce) and value.operation == "sum" and _sums_itself(value):
            return f"{left} = {self.head(value.body)}"
        return f"{left} = {self.head(value)}"

    def mask(self, limit: Limit) -> str:
        if isinstance(limit, Mask):
            return f"{self.number(limit.left)} {limit.relation} {self.number(limit.right)}"
        assert isinstance(limit, AnyOf)
        options = [" and ".join(map(self.mask, option)) for option in limit.options]
        return options[0] if len(options) == 1 else " or ".join(f"({option})" for option in options)


def _sums_itself(value: Reduce) -> bool:
    """Whether a product is summed over just these indices without a word, as the language does it."""
    body = value.body
    parts = body.factors if isinstance(body, Times) else (body,)
    plain = all(isinstance(part, (Read, Constant)) for part in parts)
    return plain and all(isinstance(part, (Read, Times)) for part in (body,))
