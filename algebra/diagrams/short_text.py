"""What a line of an equation computes, in a few words: heads without the indices at which tensors are read.

>>> from layeralgebra import Linear
>>> from layeralgebra.algebra.equations.latex import schematic
>>> made = schematic(Linear(8)).statements[0]
>>> ShortText().computed(made), ShortText().read(made.reads[0])
('Σ[f](W·x) + b', 'W')
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from sympy import Expr, Integer, Rational

from ..adjoints.text import ATOM, SIGN, SUM, HeadText
from ..equations.heads import (
    Address,
    Apply,
    Constant,
    Group,
    Head,
    IndexValue,
    Pad,
    Read,
    Reduce,
    Times,
    address_indices,
)
from ..equations.statements import Limit, Statement
from ..sizes.dims import Index

_SIZE = re.compile(r"\\lvert (.*?) \\rvert")
_STARRED = re.compile(r"\\boldsymbol\{(\w+)\}")
_RELATIONS = {"<=": "≤", ">=": "≥"}
LARGEST_FRACTION = 16


def plain(text: str) -> str:
    """Signs as in print; a starred index keeps its star, the size of an index stands between bars.

    >>> plain(r"2*\\boldsymbol{i} + \\lvert m \\rvert**2")
    '2·*i + |m|^2'
    """
    text = text.replace("**", "^").replace("*", "·")
    return _STARRED.sub(r"*\1", _SIZE.sub(r"|\1|", text))


class ShortText(HeadText):
    """Writes heads in short; `whole` says of which reads the indices are told."""

    def __init__(self, whole: Callable[[Read], bool] = lambda read: False):
        super().__init__()
        self.whole = whole

    def number(self, value: Expr) -> str:
        return plain(self.sizes.doprint(value))

    def address(self, part: Address) -> str:
        if isinstance(part, Group):
            return f"({self._bound(part.parts)})"
        return self.element(part) if isinstance(part, Read) else self.number(part)

    def element(self, read: Read) -> str:
        """A read with all of its indices."""
        return f"{read.tensor}[{', '.join(map(self.address, read.address))}]" if read.address else read.tensor

    def read(self, read: Read) -> str:
        if self.whole(read):
            return self.element(read)
        places = [self.read(part) for part in read.address if isinstance(part, Read)]
        return f"{read.tensor}[{', '.join(places)}]" if places else read.tensor

    def leveled(self, head: Head) -> tuple[str, int]:
        if isinstance(head, (Constant, IndexValue)):
            text = self._constant(head.value)
            return text, ATOM if re.fullmatch(r"[\w.]+(e-\d+)?", text) else SUM
        text, level = super().leveled(head)
        return (f"Σ{text[3:]}" if isinstance(head, Reduce) and head.operation == "sum" else text), level

    def _constant(self, value: Expr) -> str:
        if isinstance(value, Rational) and not isinstance(value, Integer) and value.q > LARGEST_FRACTION:
            return f"{float(value):.6g}"
        return self.number(value)

    def computed(self, statement: Statement) -> str:
        """The right side of a line; with ``+=`` where several of its values are added to one element."""
        text = self.head(statement.value)
        if statement.joined != "sum":
            return f"{statement.joined}[{self._bound(sorted(statement.scattered, key=str))}]({text})"
        several = any(isinstance(part, Expr) and len(address_indices(part)) > 1 for part in statement.address)
        return f"+= {text}" if several or statement.scatters else text

    def mask(self, limit: Limit) -> str:
        text = super().mask(limit)
        for word, sign in _RELATIONS.items():
            text = text.replace(word, sign)
        return text

    def _product(self, factors: Sequence[Head]) -> str:
        flat = list(_factors(factors))
        minus = Constant(Integer(-1))
        kept = [factor for factor in flat if factor != minus] or [Constant(Integer(1))]
        return "-" * (flat.count(minus) % 2) + "·".join(self.within(factor, SIGN) for factor in kept)

    @staticmethod
    def _bound(indices: Sequence[Index]) -> str:
        return ", ".join(plain(index.name) for index in indices)

    def _applied(self, head: Apply) -> tuple[str, int]:
        text, level = super()._applied(head)
        return text.replace("**", "^"), level

    def _pad(self, head: Pad) -> str:
        widths = [
            f"{self.number(before)}" if before == after else f"({self.number(before)}, {self.number(after)})"
            for before, after in head.widths
            if (before, after) != (0, 0)
        ]
        if not widths:
            return self.read(head.body)
        fill = "" if head.fill == Constant(Integer(0)) else f", fill {self.head(head.fill)}"
        return f"pad[{', '.join(widths)}]({self.read(head.body)}{fill})"


def _factors(factors: Sequence[Head]) -> Iterator[Head]:
    for factor in factors:
        if isinstance(factor, Times):
            yield from _factors(factor.factors)
        else:
            yield factor
