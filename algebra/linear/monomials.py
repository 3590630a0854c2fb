"""The right side of a statement as a sum of products of reads: what makes an equation visibly linear in its input.

Every statement is brought to the form ``sum over the box of its indices of constant * product of reads``, by
distributing products over sums. Factors that depend neither on the input nor on learned weights (running statistics,
their roots, tables) are kept whole as numbers. What cannot be written so (an activation, a softmax) is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable

from sympy import Expr, Integer

from ..equations.heads import (
    Apply,
    Constant,
    Head,
    Pad,
    Plus,
    Read,
    Reduce,
    Softmax,
    Times,
    children,
    free_indices,
    reads,
)
from ..equations.instance import Instance
from ..errors import UnsupportedError
from ..records import dataclass
from ..sizes.dims import Index

LARGEST = 500

KNOWN, COEFFICIENT, LINEAR = "known", "coefficient", "linear"


@dataclass(frozen=True)
class Monomial:
    """``constant * product of known * product of reads``, summed over `sums` and averaged over `means`."""

    constant: Expr = Integer(1)
    reads: tuple[Read, ...] = ()
    known: tuple[Head, ...] = ()
    sums: tuple[Index, ...] = ()
    means: tuple[tuple[Index, ...], ...] = ()

    def indices(self) -> frozenset[Index]:
        """All indices over which the monomial is evaluated."""
        found = frozenset(self.sums).union(*map(frozenset, self.means)) if self.means else frozenset(self.sums)
        return found.union(*(free_indices(head) for head in (*self.reads, *self.known)))

    def times(self, other: Monomial) -> Monomial:
        """The product; an index that is summed in both would need another name."""
        if frozenset(self.reduced()) & other.indices() or frozenset(other.reduced()) & self.indices():
            raise UnsupportedError("a product of two sums over one index is no sum of products as it is written")
        return Monomial(
            self.constant * other.constant,
            self.reads + other.reads,
            self.known + other.known,
            self.sums + other.sums,
            self.means + other.means,
        )

    def reduced(self) -> tuple[Index, ...]:
        """The indices that are summed or averaged."""
        return self.sums + tuple(index for group in self.means for index in group)


def kinds_of_tensors(instance: Instance, given: frozenset[str] = frozenset()) -> dict[str, str]:
    """For every tensor of a layer whether it depends on the input, on learned weights alone, or on neither (as `given` do)."""
    if any(instance.statements[place].scatters for place in instance.live):
        raise UnsupportedError(f"{instance.layer}: a lookup on the left is no linear map that is known here")
    start = {"input": LINEAR, "weight": COEFFICIENT, "buffer": KNOWN, "defined": KNOWN}
    found = {name: start[role] for name, role in instance.roles.items()}
    rank = {KNOWN: 0, COEFFICIENT: 1, LINEAR: 2}
    for _ in range(len(instance.statements) + 1):
        before = dict(found)
        for place, statement in enumerate(instance.statements):
            if statement.target in given:
                continue
            for tensor in instance.read_by(place):
                if rank[found[tensor]] > rank.get(found.get(statement.target, KNOWN), 0):
                    found[statement.target] = found[tensor]
            found.setdefault(statement.target, KNOWN)
        if found == before:
            break
    return found


def expand(head: Head, kind: Callable[[str], str], where: str) -> list[Monomial]:
    """A head as a sum of monomials.

    Parameters
    ----------
    head : Head
    kind : callable
        ``known``, ``coefficient`` or ``linear`` for the name of a tensor.
    where : str
        The layer, for messages.

    Raises
    ------
    UnsupportedError
        If the head is not a polynomial of its reads.
    """
    if isinstance(head, Constant):
        return [Monomial(head.value)] if head.value != 0 else []
    if all(kind(read.tensor) == KNOWN for read in reads(head)) and not isinstance(head, Pad):
        return [Monomial(known=(head,))]
    if isinstance(head, Read):
        if any(isinstance(part, Read) for part in head.address):
            raise UnsupportedError(f"{where}: the lookup {head.tensor} is not linear in the numbers of its rows")
        return [Monomial(reads=(head,))]
    if isinstance(head, Plus):
        return _limited([monomial for term in head.terms for monomial in expand(term, kind, where)], where)
    if isinstance(head, Times):
        made = [Monomial()]
        for factor in head.factors:
            factors = expand(factor, kind, where)
            made = _limited([one.times(two) for one in made for two in factors], where)
        return made
    if isinstance(head, Reduce) and head.operation in ("sum", "mean"):
        body = expand(head.body, kind, where)
        if head.operation == "sum":
            return [Monomial(m.constant, m.reads, m.known, (*m.sums, *head.indices), m.means) for m in body]
        return [Monomial(m.constant, m.reads, m.known, m.sums, (*m.means, head.indices)) for m in body]
    if isinstance(head, Apply):
        return _applied(head, kind, where)
    what = head.operation if isinstance(head, Reduce) else type(head).__name__.lower()
    raise not_linear(where, "a softmax" if isinstance(head, Softmax) else f"the {what}")


def _applied(head: Apply, kind: Callable[[str], str], where: str) -> list[Monomial]:
    if head.function == "divide":
        over, under = head.arguments
        if all(kind(read.tensor) == KNOWN for read in reads(under)):
            inverse = Monomial(known=(Apply("divide", (Constant(Integer(1)), under)),))
            return [monomial.times(inverse) for monomial in expand(over, kind, where)]
    if head.function == "power" and isinstance(head.arguments[1], Constant):
        exponent = head.arguments[1].value
        if exponent.is_Integer and 1 <= exponent <= 8:
            return expand(Times((head.arguments[0],) * int(exponent)), kind, where)
    raise not_linear(where, head.function)


def _limited(monomials: list[Monomial], where: str) -> list[Monomial]:
    if len(monomials) > LARGEST:
        raise UnsupportedError(f"{where}: a line with more than {LARGEST} products")
    return monomials


def not_linear(where: str, what: str) -> UnsupportedError:
    """The error for a layer that is not linear."""
    return UnsupportedError(
        f"{where} is not linear in its input: it takes {what} of what it reads. Capacity is that of a linear predictor: leave "
        "activations out, give attention its pattern=, or pass around=x0 for the piece of a ReLU network around an input"
    )


def is_elementwise(head: Head) -> bool:
    """Whether a head applies functions to numbers one by one, without sums."""
    return not isinstance(head, (Reduce, Softmax, Pad)) and all(map(is_elementwise, children(head)))
