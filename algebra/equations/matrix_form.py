r"""Equations with matrices and vectors in the place of indices, where that says the same: ``Q x_t`` for a sum over features.

Every tensor that is computed or comes in may have one *hidden* axis, along which it is a vector; learned tensors of two axes are matrices, those
of one are vectors. A statement that cannot be written so (a convolution, a padding, a lookup) is written with all of its indices, and
then ``x_{t, c}`` is the entry number c of the vector ``x_t``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from sympy import Expr

from ..sizes.dims import Index
from .heads import (
    Apply,
    Constant,
    Head,
    IndexValue,
    Pad,
    Plus,
    Read,
    Reduce,
    Select,
    Softmax,
    Times,
    free_indices,
    walk,
)
from .heads_latex import ATOM, POWER, PRODUCT, REDUCTIONS, SUM, HeadWriter, _plain_first, bracketed
from .statements import Statement


class NotInMatrixForm(Exception):
    """What has no unambiguous form with matrices; caught here."""


def hidden_axes(statements: Sequence[Statement], learned: Iterable[str]) -> dict[str, int]:
    """Along which axis each tensor that is not learned is a vector: the one that products with matrices speak of most often."""
    learned = set(learned)
    votes: dict[str, Counter[int]] = {}

    def vote(tensor: str, address: Sequence[object], index: Index) -> None:
        if tensor not in learned and index in address:
            votes.setdefault(tensor, Counter())[list(address).index(index)] += 1

    def reads(head: Head) -> list[Read]:
        return [part for part in walk(head) if isinstance(part, Read)]

    for statement in statements:
        rows: set[Index] = set()
        for head in walk(statement.value):
            if isinstance(head, Read) and head.tensor in learned and len(head.address) == 1:
                rows.update(part for part in head.address if isinstance(part, Index))
            if isinstance(head, Reduce) and head.operation == "sum" and (found := _matrix(head, learned)):
                rows.update(part for part in found[0].address if isinstance(part, Index) and part != found[1])
                for read in reads(head.body):
                    vote(read.tensor, read.address, found[1])
        if len(rows & set(statement.address)) == 1:
            vote(statement.target, statement.address, *(rows & set(statement.address)))
    chosen = {tensor: counted.most_common(1)[0][0] for tensor, counted in votes.items()}
    for statement in statements:  # what is made of vectors is one along the same index
        if statement.target not in chosen and not isinstance(statement.value, Pad):
            held = [
                read
                for read in reads(statement.value)
                if chosen.get(read.tensor, len(read.address)) < len(read.address)
            ]
            along = {read.address[chosen[read.tensor]] for read in held}
            if len(along & set(statement.address)) == 1:
                (index,) = along & set(statement.address)
                chosen[statement.target] = statement.address.index(index)
    return chosen


def _factors(head: Reduce) -> tuple[Head, ...]:
    return head.body.factors if isinstance(head.body, Times) else (head.body,)


def _matrix(head: Reduce, learned: set[str]) -> tuple[Read, Index] | None:
    """The learned matrix of a sum, and the index that it is summed over."""
    for factor in _factors(head):
        if isinstance(factor, Read) and factor.tensor in learned and len(factor.address) == 2:
            inner = [part for part in factor.address if part in head.indices]
            others = [other for other in _factors(head) if other is not factor]
            if len(inner) == 1 and isinstance(inner[0], Index) and others:
                if all(_plain(other, inner[0]) for other in others):
                    return factor, inner[0]
    return None


def _plain(head: Head, index: Index) -> bool:
    """Whether the index stands alone wherever it stands in the reads of a head."""
    reads = [part for part in walk(head) if isinstance(part, Read)]
    return index in free_indices(head) and all(
        part == index or not (isinstance(part, Expr) and part.has(index)) for read in reads for part in read.address
    )


class MatrixHeads(HeadWriter):
    """Typesets heads with matrices and vectors; `row` is the index along which the head at hand is a vector."""

    row: Index | None = None
    hidden: dict[str, int] = {}
    learned: frozenset[str] = frozenset()

    def in_matrix_form(self, statement: Statement) -> str | None:
        """The two sides of a statement; None where it has to be written with all indices."""
        axis = self.hidden.get(statement.target)
        if any(not isinstance(part, Index) for part in statement.address) or statement.scatters:
            return None
        row = None if axis is None else statement.address[axis]
        assert row is None or isinstance(row, Index)
        self.row, self.matrices = row, True
        try:
            left = self.read(Read(statement.target, statement.address))
            text, _ = self.head(statement.value)
        except NotInMatrixForm:
            return None
        finally:
            self.row, self.matrices = None, False
        return f"{left} &= {text}"

    matrices = False

    def head(self, head: Head) -> tuple[str, int]:
        if not self.matrices:
            return super().head(head)
        if isinstance(head, (Pad, Select)):
            raise NotInMatrixForm
        if isinstance(head, IndexValue) and self.row in free_indices(head):
            raise NotInMatrixForm
        if isinstance(head, Reduce):
            return self.reduced(head)
        if isinstance(head, Softmax):
            if self.row is not None and self.row in head.indices:
                if len(head.indices) > 1:
                    raise NotInMatrixForm
                return rf"\operatorname{{softmax}} {bracketed(self.head(head.body)[0])}", ATOM
            return super().head(head)
        if isinstance(head, Plus) and self.row is not None:
            for term in head.terms:
                if self.row not in free_indices(term) and not isinstance(term, Constant):
                    raise NotInMatrixForm
        return super().head(head)

    def read(self, read: Read) -> str:
        if not self.matrices:
            return super().read(read)
        at = self.place(read)
        if self.row is None or self.row not in free_indices(read):
            if self.row is not None and at is not None and any(isinstance(part, Read) for part in read.address):
                raise NotInMatrixForm
            return super().read(read)
        if at is None or read.address[at] != self.row:
            raise NotInMatrixForm
        others = [part for place, part in enumerate(read.address) if place != at]
        if any(isinstance(part, Read) or self.row in free_indices(Read("", (part,))) for part in others):
            raise NotInMatrixForm
        name = self.tensor(read.tensor)
        return f"{name}_{{{', '.join(self.address(part) for part in others)}}}" if others else name

    def place(self, read: Read) -> int | None:
        """The axis along which a tensor is a vector."""
        if read.tensor in self.learned:
            return 0 if len(read.address) == 1 else None
        return self.hidden.get(read.tensor)

    def product(self, head: Times) -> tuple[str, int]:
        if not self.matrices or self.row is None:
            return super().product(head)
        scalars = [factor for factor in head.factors if self.row not in free_indices(factor)]
        vectors = [factor for factor in head.factors if self.row in free_indices(factor)]
        if len(vectors) < 2 and not any(isinstance(factor, Constant) for factor in scalars):
            if not vectors:
                return super().product(head)
        negative = [factor for factor in scalars if isinstance(factor, Constant) and factor.value == -1]
        scalars = [factor for factor in scalars if not (isinstance(factor, Constant) and abs(factor.value) == 1)]
        parts = [self.within(factor, POWER if isinstance(factor, Reduce) else PRODUCT) for factor in scalars]
        parts.append(r" \odot ".join(self.within(factor, POWER if len(vectors) > 1 else PRODUCT) for factor in vectors))
        text = r"\, ".join(part for part in parts if part)
        return (f"- {text}", SUM) if len(negative) % 2 else (text, PRODUCT)

    def applied(self, head: Apply) -> tuple[str, int]:
        if self.matrices and self.row is not None:
            vectors = [argument for argument in head.arguments if self.row in free_indices(argument)]
            if head.function in ("divide", "power") and len(vectors) and head.arguments[0] not in vectors:
                raise NotInMatrixForm
            if head.function == "divide" and len(vectors) == 2:
                return (
                    rf"{self.within(head.arguments[0], POWER)} \oslash {self.within(head.arguments[1], POWER)}",
                    PRODUCT,
                )
            if head.function not in ("divide", "power") and len(vectors) != len(head.arguments):
                if any(argument not in vectors and not isinstance(argument, Constant) for argument in head.arguments):
                    raise NotInMatrixForm
        return super().applied(head)

    def reduced(self, head: Reduce) -> tuple[str, int]:
        below = ", ".join(self.index(index) for index in sorted(head.indices, key=_plain_first))
        if head.operation != "sum":
            if self.row in head.indices:
                raise NotInMatrixForm
            return f"{REDUCTIONS[head.operation]}_{{{below}}} {self.within(head.body, PRODUCT)}", PRODUCT
        made = self.multiplied(head) if self.row is not None else self.dotted(head)
        if made is not None:
            return made
        for read in (part for part in walk(head.body) if isinstance(part, Read)):
            at = self.place(read)
            if at is not None and read.address[at] in head.indices and self.row is not None:
                raise NotInMatrixForm
        return f"{REDUCTIONS['sum']}_{{{below}}} {self.within(head.body, PRODUCT)}", PRODUCT

    def outside(self, head: Reduce, index: Index) -> str:
        """The sum over the indices that are left."""
        rest = sorted((other for other in head.indices if other != index), key=_plain_first)
        return f"\\sum_{{{', '.join(map(self.index, rest))}}} " if rest else ""

    def multiplied(self, head: Reduce) -> tuple[str, int] | None:
        """A matrix times a vector."""
        for factor in _factors(head):
            if not (isinstance(factor, Read) and factor.tensor in self.learned and len(factor.address) == 2):
                continue
            inner = [part for part in factor.address if part in head.indices]
            if len(inner) != 1 or self.row not in factor.address:
                continue
            (index,) = inner
            assert isinstance(index, Index)
            others = tuple(other for other in _factors(head) if other is not factor)
            if not others or any(self.row in free_indices(other) for other in others):
                continue
            row, self.row = self.row, index
            try:
                scalars = [other for other in others if index not in free_indices(other)]
                vectors = tuple(other for other in others if index in free_indices(other))
                if not vectors:
                    return None
                vector = vectors[0] if len(vectors) == 1 else Times(vectors)
                behind = self.within(vector, POWER if isinstance(vector, Times) else PRODUCT)
                before = [self.within(other, PRODUCT) for other in scalars]
            finally:
                self.row = row
            raised = "" if factor.address[0] == row else r"^{\top}"
            sums = self.outside(head, index)
            return sums + r"\, ".join([*before, f"{self.tensor(factor.tensor)}{raised} {behind}"]), PRODUCT
        return None

    def dotted(self, head: Reduce) -> tuple[str, int] | None:
        """The product of two vectors."""
        for index in head.indices:
            holding = [factor for factor in _factors(head) if index in free_indices(factor)]
            if len(holding) != 2:
                continue
            self.row = index
            try:
                first, second = (self.within(factor, POWER) for factor in holding)
            except NotInMatrixForm:
                continue
            finally:
                self.row = None
            others = [self.within(factor, PRODUCT) for factor in _factors(head) if factor not in holding]
            return self.outside(head, index) + r"\, ".join([*others, rf"{first}^{{\top}} {second}"]), PRODUCT
        return None
