"""Dimension histograms: how many affine regions a network has, sorted by the dimension of their image.

A histogram ``v = sum_d v_d e_d`` says that at most ``v_d`` regions have an image of dimension ``d``, in the order in
which mass may only be moved upward. What layers do to it is in `transfers`, what networks do in `composition`.

>>> v = Histogram((0, 3, 4))
>>> v.norm, v.clip(1).counts, disjoint(v, unit(2)).counts
(7, (0, 7), (0, 0, 0, 3, 4))
"""

from __future__ import annotations

from itertools import accumulate

from ..errors import BudgetError, FieldError
from ..formulas.log2_enclosure import Enclosure, log2_enclosure
from ..records import dataclass

MOST_DIMENSIONS = 10_000_000
"""Of what regions may have, one count for each."""


@dataclass(frozen=True)
class Histogram:
    """Counts of regions by the dimension of their image; ``counts[d]`` belongs to dimension ``d``.

    Parameters
    ----------
    counts : tuple of int
        Nonnegative; zeros at the end are dropped.

    Examples
    --------
    >>> v = Histogram((0, 3, 4))
    >>> v.norm, v.clip(1), v + unit(0), v.bits().lower < 3
    (7, Histogram(counts=(0, 7)), Histogram(counts=(1, 3, 4)), True)
    """

    counts: tuple[int, ...]

    def __post_init__(self) -> None:
        counts = tuple(self.counts)
        if any(count < 0 for count in counts):
            raise FieldError(f"a histogram counts regions and has no negative entry, got {counts[:20]}")
        end = len(counts)
        while end and not counts[end - 1]:
            end -= 1
        object.__setattr__(self, "counts", counts[:end])

    @property
    def norm(self) -> int:
        """The number of regions, ``||v||_1``."""
        return int(sum(self.counts))

    @property
    def top(self) -> int:
        """The largest dimension with a region."""
        return max(len(self.counts) - 1, 0)

    def bits(self, places: int = 64) -> Enclosure:
        """``log2`` of the number of regions, with a proved error bound."""
        return log2_enclosure(self.norm, places)

    def clip(self, m: int) -> Histogram:
        """All mass above dimension ``m`` moved onto ``m``."""
        if m >= len(self.counts) - 1:
            return self
        return Histogram((*self.counts[:m], sum(self.counts[m:])))

    def times(self, factor: int) -> Histogram:
        """Every count multiplied."""
        return Histogram(tuple(factor * count for count in self.counts))

    def __add__(self, other: Histogram) -> Histogram:
        longer, shorter = sorted((self.counts, other.counts), key=len, reverse=True)
        return Histogram((*(a + b for a, b in zip(longer, shorter)), *longer[len(shorter) :]))

    def dominated_by(self, other: Histogram) -> bool:
        """Whether, for every ``d``, no more regions have an image of dimension ``d`` or above than in the other."""
        size = max(len(self.counts), len(other.counts))
        mine, its = ([*h.counts, *[0] * (size - len(h.counts))] for h in (self, other))
        return all(a <= b for a, b in zip(accumulate(reversed(mine)), accumulate(reversed(its))))


def unit(d: int) -> Histogram:
    """``e_d``: one region with an image of dimension ``d``."""
    if d > MOST_DIMENSIONS:
        raise BudgetError(
            f"a histogram over {d} dimensions is more than is held, {MOST_DIMENSIONS}; use the closed form"
        )
    return Histogram((*[0] * d, 1))


def convolve(f: Histogram, g: Histogram) -> Histogram:
    """The product of two histograms, ``sum_{i,j} f_i g_j e_{i+j}``, as one product of long integers.

    Kronecker substitution: with slots of ``s`` bits, ``2^s > min(len f, len g) max(f) max(g)``, no sum of products
    overflows its slot, so that the digits of ``(sum f_i 2^(s i)) (sum g_j 2^(s j))`` in base ``2^s`` are the answer.
    Python multiplies the packed integers with Karatsuba's method; slots are whole bytes, so that packing and
    unpacking are linear.

    Examples
    --------
    >>> convolve(Histogram((1, 2)), Histogram((3, 0, 4))).counts
    (3, 6, 4, 8)
    """
    a, b = f.counts, g.counts
    if not a or not b:
        return Histogram(())
    for one, other in ((a, b), (b, a)):
        if not any(one[:-1]):  # a multiple of e_d only shifts
            return Histogram((*[0] * (len(one) - 1), *(one[-1] * count for count in other)))
    slot = (int(max(a)).bit_length() + int(max(b)).bit_length() + min(len(a), len(b)).bit_length() + 7) // 8

    def packed(counts: tuple[int, ...]) -> int:
        return int.from_bytes(b"".join(int(count).to_bytes(slot, "little") for count in counts), "little")

    size = len(a) + len(b) - 1
    digits = (packed(a) * packed(b)).to_bytes(slot * size, "little")
    return Histogram(tuple(int.from_bytes(digits[slot * i : slot * (i + 1)], "little") for i in range(size)))


def disjoint(f: Histogram, g: Histogram) -> Histogram:
    """Two networks on two separate inputs, side by side: exactly the product, so that complexities add."""
    return convolve(f, g)
