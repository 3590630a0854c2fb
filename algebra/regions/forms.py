"""What a head of an equation is to the layer's input: the forms that the reading of an equation goes through."""

from __future__ import annotations

from collections.abc import Sequence

from ..equations.heads import Address, Read, free_indices
from ..records import dataclass
from ..sizes.dims import Index
from .local_maps import Transfer
from .scalar_pieces import ScalarFunction

Indices = frozenset[Index]


@dataclass(frozen=True)
class Term:
    """One element of a tensor times factors that do not depend on the input, summed over some indices.

    `factors` are the indices of each of these factors: what depends on few indices mixes little.
    """

    read: Read
    factors: tuple[Indices, ...] = ()
    summed: Indices = frozenset()


@dataclass(frozen=True)
class Part:
    """A scalar function of one element, times factors; `function` is None where it is not piecewise linear.

    `over` are the indices of the numbers in the function; `bends` tells an activation from arithmetic such as a square or a
    root, which a surrogate holds affine.
    """

    function: ScalarFunction | None
    bends: bool
    over: Indices
    factors: tuple[Indices, ...] = ()

    @property
    def is_affine(self) -> bool:
        """Whether there is no bend."""
        return self.function is not None and self.function.is_affine


@dataclass(frozen=True)
class Elementwise:
    """A scalar function of one element of a tensor, and the same as a sum of simpler ones.

    As one function bends that fall together count once; as a sum, functions that differ in their factors alone count once.
    """

    read: Read
    whole: Part
    parts: tuple[Part, ...]

    @classmethod
    def of(cls, read: Read) -> Elementwise:
        """The element itself."""
        part = Part(ScalarFunction.identity(), False, frozenset())
        return cls(read, part, (part,))

    @property
    def function(self) -> ScalarFunction | None:
        return self.whole.function

    @property
    def known(self) -> Indices:
        """The indices that say which element it is."""
        return frozenset(part for part in self.read.address if isinstance(part, Index))

    @property
    def needed(self) -> Indices:
        """The indices on which the value depends."""
        return free_indices(self.read) | self.whole.over

    def scaled(self, function: ScalarFunction | None, factors: Sequence[Indices]) -> Elementwise:
        """Times numbers that depend on these indices, each on its own: as a whole the function given."""
        parts = tuple(Part(part.function, part.bends, part.over, (*part.factors, *factors)) for part in self.parts)
        return Elementwise(self.read, Part(function, self.whole.bends, self.whole.over.union(*factors)), parts)

    def shifted(self, function: ScalarFunction, by: Indices) -> Elementwise:
        """Plus numbers that depend on these indices, which as a sum are nothing of the input's."""
        return Elementwise(self.read, Part(function, self.whole.bends, self.whole.over | by), self.parts)

    def applied(self, function: ScalarFunction | None, bends: bool, over: Indices) -> Elementwise:
        """What a function makes of it."""
        part = Part(function, bends, self.whole.over | over)
        return Elementwise(self.read, part, (part,))


@dataclass(frozen=True)
class Linear:
    """A weighted sum of elements."""

    terms: tuple[Term, ...]


@dataclass(frozen=True)
class Made:
    """Anything else: its transfer function from the layer's input."""

    transfer: Transfer


Form = Elementwise | Linear | Made | None
"""What a head is to the layer's input; None for what does not depend on it."""

__all__ = ["Address", "Elementwise", "Form", "Indices", "Linear", "Made", "Part", "Term"]
