"""Local transfer functions: how an affine map, a layer of units or a pooling acts on dimension histograms.

A leaf's transfer function ``phi`` is a linear map on histograms; the number of regions is at most ``||phi(e_d)||_1``
for data of dimension ``d`` (kind: upper; a reconstruction of layer complexity after arXiv 2107.01081, closest
precedents Hinz & van de Geer 2019, Serra et al. 2018, Xie et al. 2020).

>>> relu(3).act(unit(2)).counts, Affine(1).act(unit(2)).counts
((0, 3, 4), (0, 1))

How it stays fast with exact integers: a layer of ``n`` units sends ``e_d`` to about ``d`` entries, but all of them
are entries of one row of binomials, cut off at one place and clipped at another. So the whole action is one suffix
sum of ``v`` and two products per dimension, O(n) operations on long integers for a layer (`Units.act`), and so is its
transpose (`Units.pull`), which gives the norms for *all* input dimensions at once and makes a residual block as cheap
as a plain one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Any

from sympy import Add, Expr, IndexedBase, Integer, Min, Sum, binomial, log, oo
from sympy.core.symbol import Dummy

from ..errors import BudgetError, FieldError, UnsupportedError
from ..formulas.zaslavsky import Log2Zaslavsky, Zaslavsky
from ..networks.steps import Steps
from ..records import dataclass
from ..sizes.dims import as_size
from ..sizes.normal_form import is_nonnegative
from .histogram import Histogram, unit
from .vertex_cuts import Least

# Bits in one table of binomials: number of entries times their length.
_TABLE_BITS = 4 * 10**8

DIMENSION = IndexedBase("e")  # e_d, the histogram of one region with an image of dimension d, in formulas


@dataclass(frozen=True)
class Pieces:
    """The affine pieces of a scalar activation: how many have a slope, and how many are constant.

    ReLU has one of each; a leaky ReLU or an absolute value two with a slope; hard tanh one with a slope and two
    constant.

    Examples
    --------
    >>> RELU.breakpoints, LEAKY.breakpoints, HARD_TANH.breakpoints
    (1, 1, 2)
    """

    sloped: int
    constant: int

    def __post_init__(self) -> None:
        if self.sloped < 0 or self.constant < 0 or self.sloped + self.constant < 1:
            raise FieldError(
                f"an activation has one affine piece or more, got sloped={self.sloped}, constant={self.constant}"
            )

    @property
    def breakpoints(self) -> int:
        """Where two pieces meet: one fewer than the pieces."""
        return self.sloped + self.constant - 1


RELU, LEAKY, HARD_TANH, STEP = Pieces(1, 1), Pieces(2, 0), Pieces(1, 2), Pieces(0, 2)


Counted = dict[Expr, Expr]
"""Bits that layers add, with how many layers add so many."""
Known = dict[tuple[int, Least], Counted]
"""What is known already, by the identity of a transfer function and the cut before it."""


class Transfer:
    """A local or composed transfer function; abstract. Sizes may be symbols, except for `act`, `pull` and `reach`."""

    def act(self, v: Histogram) -> Histogram:
        """The image of a histogram, ``phi(v)``."""
        raise NotImplementedError

    def pull(self, weights: Sequence[int], top: int) -> list[int]:
        """The transpose: for ``d = 0..top``, ``sum_j weights[j] phi(e_d)_j``; ``weights`` covers ``0..reach(top)``."""
        raise NotImplementedError

    def reach(self, top: int) -> int:
        """A bound on the dimension after, for inputs of dimension up to ``top``."""
        raise NotImplementedError

    leaves: int = 1
    """How many leaves act when it acts, every copy counted."""

    # What is put together of others asks these, so that its parts may stand as deep in each other as networks do.

    def _acting(self, v: Histogram) -> Histogram | Steps[Histogram]:
        return self.act(v)

    def _pulling(self, weights: Sequence[int], top: int) -> list[int] | Steps[list[int]]:
        return self.pull(weights, top)

    def _reaching(self, top: int) -> int | Steps[int]:
        return self.reach(top)

    def _adding(self, cut: Least, known: Known) -> Counted | Steps[Counted]:
        counted: Counted = {}
        for bits in self._bits(cut):
            counted[bits] = counted.get(bits, Integer(0)) + 1
        return counted

    def closed_form(self, d: Expr) -> tuple[Expr, Expr]:
        """Bits for data of dimension ``d``, and the least vertex cut from there to the output: never below `act`.

        ``sum_l log2 Z(n_l, m_l)``, where ``m_l`` is the least vertex cut between the input and layer ``l``.
        """
        cut = Least.of(as_size(d, "d", least=0))
        return Add(*self._bits(cut)), cut.series(self._narrowest()).expr()

    def _bits(self, cut: Least) -> list[Expr]:
        """What each layer adds, behind a cut."""
        raise NotImplementedError

    def _narrowest(self) -> Least:
        """The least vertex cut from input to output, the input not counted."""
        raise NotImplementedError

    def image(self, d: Expr) -> Expr:
        """The formula of ``phi(e_d)``, written in `DIMENSION`; for leaves."""
        raise UnsupportedError(f"a formula of phi(e_d) for {type(self).__name__}; only leaves have one, ask its parts")

    def norms(self, top: int) -> list[int]:
        """``||phi(e_d)||_1`` for ``d = 0..top``."""
        return self.pull([1] * (self.reach(top) + 1), top)


def number(size: Expr, what: str) -> int:
    if size.is_Integer:
        return int(size)
    raise UnsupportedError(f"a histogram needs numbers, but {what} = {size}; substitute them, or use the closed form")


@dataclass(frozen=True)
class Affine(Transfer):
    """An affine map: ``phi(e_d) = e_{min(d, rank)}``.

    Parameters
    ----------
    rank : int or sympy.Expr
    groups : tuple of (outputs, fan-in, copies), optional
        So many outputs see the same so many inputs, and there are so many such parts: (channels, k^2 c, positions) for
        a convolution. Units that follow are counted with it; see `after`.

    Examples
    --------
    >>> Affine(2).act(Histogram((1, 1, 1, 1))).counts
    (1, 1, 2)
    """

    rank: Any
    groups: tuple[Any, Any, Any] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "rank", as_size(self.rank, "rank", least=0))

    @property
    def is_elementwise(self) -> bool:
        """Whether every output sees one input of its own."""
        return self.groups is not None and self.groups[:2] == (1, 1)

    def act(self, v: Histogram) -> Histogram:
        return v.clip(number(self.rank, "rank"))

    def pull(self, weights: Sequence[int], top: int) -> list[int]:
        rank = number(self.rank, "rank")
        return [weights[min(d, rank)] for d in range(top + 1)]

    def reach(self, top: int) -> int:
        return min(top, number(self.rank, "rank"))

    def _bits(self, cut: Least) -> list[Expr]:
        return []

    def _narrowest(self) -> Least:
        return Least.of(*Min.make_args(self.rank))

    def image(self, d: Expr) -> Expr:
        return DIMENSION[Min(d, self.rank)]


@dataclass(frozen=True)
class Units(Transfer):
    """Piecewise-linear units on affine functions of one input, in groups that see parts of it.

    ``n`` units with ``p`` breakpoints are ``n`` families of ``p`` parallel hyperplanes. In general position a choice
    of ``k`` of the families and one member of each meets in codimension ``k``, every interval of the intersection
    poset is Boolean, and Zaslavsky's theorem gives ``N_p(n, d) = sum_{k <= d} C(n, k) p^k`` regions. A group that
    sees only ``r`` dimensions has at most ``N_p(n, min(d, r))`` patterns, and all groups together at most the
    product: ``N(d) = min(N_p(sum of units, d), product over the groups)``.

    At most ``C(n, k) a^k c^(n-k)`` patterns have ``k`` units on a sloped piece (``a`` sloped and ``c`` constant
    pieces), which is a bound on the dimension of the image. The worst case under both bounds is greedy: fill from ``k
    = n`` downward until ``N(d)`` patterns are placed, then clip at ``d``. For ReLUs that is ``cl_d sum_{k >= n-d}
    C(n, k) e_k``.

    Parameters
    ----------
    groups : tuple of (units, rank, copies)
        ``rank`` is ``oo`` for units that see the whole input. A convolution is ``(channels, fan-in, positions)``.
    pieces : Pieces

    Examples
    --------
    >>> relu(3).act(unit(2)).counts, relu(2).act(unit(3)).counts
    ((0, 3, 4), (1, 2, 1))
    >>> Units(((3, oo, 1),), HARD_TANH).act(unit(1)).counts  # three pairs of parallel planes: 1 + 3 * 2 slabs
    (0, 7)
    """

    groups: tuple[tuple[Any, Any, Any], ...]
    pieces: Pieces = RELU

    def __post_init__(self) -> None:
        checked = []
        for units, rank, copies in self.groups:
            seen = rank if rank == oo else as_size(rank, "rank seen", least=0)
            checked.append((as_size(units, "units"), seen, as_size(copies, "copies")))
        object.__setattr__(self, "groups", tuple(checked))

    @property
    def count(self) -> Expr:
        """All units together."""
        return sum((units * copies for units, _, copies in self.groups), Integer(0))

    def act(self, v: Histogram) -> Histogram:
        tables = self._tables(v.top)
        n, depth = tables.n, tables.depth
        v = v.clip(depth)
        if not self.pieces.sloped:  # every image is a point
            return unit(0).times(sum(a * b for a, b in zip(v.counts, tables.total)))
        out = [0] * (depth + 1)
        suffix = [0, *accumulate(reversed([*v.counts, *[0] * (depth + 1 - len(v.counts))]))][::-1]
        for d, mass in enumerate(v.counts):
            if mass:
                # Patterns with at least d sloped units keep dimension d.
                out[d] += mass * min(tables.total[d], tables.filled(n - d))
                full = tables.full[d]
                if n - full < d and tables.rest[d]:
                    out[n - full] += mass * tables.rest[d]
        for inactive in range(max(n - depth + 1, 0), depth + 1):
            # Those with j < d lie at j, the whole of C(n, j) a^j c^(n-j) for every d that fills beyond it: a suffix
            # of v.
            j = n - inactive
            out[j] += tables.cap[inactive] * suffix[max(j + 1, bisect_right(tables.full, inactive))]
        return Histogram(tuple(out))

    def pull(self, weights: Sequence[int], top: int) -> list[int]:
        tables = self._tables(top)
        n, depth = tables.n, tables.depth
        if not self.pieces.sloped:
            return [weights[0] * tables.total[min(d, depth)] for d in range(top + 1)]
        weighted = (cap * weights[n - i] if n - i < len(weights) else 0 for i, cap in enumerate(tables.cap))
        below = [0, *accumulate(weighted)]
        pulled = []
        for d in range(depth + 1):
            full = tables.full[d]
            value = weights[d] * min(tables.total[d], tables.filled(n - d))
            if n - d + 1 < full:
                value += below[full] - below[n - d + 1]
            if n - full < d and tables.rest[d]:
                value += tables.rest[d] * weights[n - full]
            pulled.append(value)
        return [pulled[min(d, depth)] for d in range(top + 1)]

    def reach(self, top: int) -> int:
        return min(top, number(self.count, "units")) if self.pieces.sloped else 0

    def _bits(self, cut: Least) -> list[Expr]:
        together = _bits_of_units(self.count, cut, Integer(self.pieces.breakpoints))
        seen = [cut.series(Least.of(rank)) for _, rank, _ in self.groups]
        if len(self.groups) == 1 and seen == [cut]:
            return [together]  # N_p(sum of units, d) <= N_p(units, d)^copies
        apart = Add(
            *(
                copies * _bits_of_units(units, part, Integer(self.pieces.breakpoints))
                for (units, _, copies), part in zip(self.groups, seen)
            )
        )
        if apart == self.count and self.pieces.breakpoints == 1:  # all patterns, which `together` never exceeds
            return [together]
        return [_smaller(together, apart)]

    def _narrowest(self) -> Least:
        return Least.of(self.count if self.pieces.sloped else Integer(0))

    def _is_dense(self) -> bool:
        return len(self.groups) == 1 and self.groups[0][1:] == (oo, 1)

    def image(self, d: Expr) -> Expr:
        k, n, p = Dummy("k", integer=True, nonnegative=True), self.count, self.pieces.breakpoints
        if self.pieces == RELU and self._is_dense():
            return Sum(binomial(n, k) * DIMENSION[Min(d, k)], (k, n - Min(d, n), n))
        together = Sum(binomial(n, k) * p**k, (k, 0, Min(d, n)))
        apart = Integer(1)
        for units, rank, copies in self.groups:
            apart *= Sum(binomial(units, k) * p**k, (k, 0, Min(d, rank, units))) ** copies
        return Min(together, apart) * DIMENSION[Min(d, n) if self.pieces.sloped else 0]

    def _tables(self, top: int) -> _Tables:
        groups = tuple(
            (number(u, "units"), None if r == oo else number(r, "rank seen"), number(c, "copies"))
            for u, r, c in self.groups
        )
        return _tables(groups, self.pieces, min(top, sum(units * copies for units, _, copies in groups)))


@dataclass(frozen=True)
class _Tables:
    """For inputs of dimension ``0..depth``: at most ``cap[i]`` patterns with ``i`` inactive units; ``total[d]`` in all;
    they fill the classes ``0..full[d]-1``, and ``rest[d]`` of them go into class ``full[d]``."""

    n: int
    depth: int
    cap: list[int]
    placed: list[int]
    total: list[int]
    full: list[int]
    rest: list[int]

    def filled(self, inactive: int) -> int:
        """Patterns with at most so many inactive units; all there are, where the table ends."""
        return self.placed[inactive] if inactive < len(self.placed) else self.placed[-1]


def _partial_sums(n: int, p: int, depth: int) -> list[int]:
    term = 1
    terms = [1]
    for k in range(1, depth + 1):
        term = term * (n - k + 1) * p // k if k <= n else 0
        terms.append(term)
    return list(accumulate(terms))


@lru_cache(maxsize=32)
def _tables(groups: tuple[tuple[int, int | None, int], ...], pieces: Pieces, depth: int) -> _Tables:
    n, p = sum(units * copies for units, _, copies in groups), pieces.breakpoints
    if n * (depth + 1) * max(p, 1).bit_length() > _TABLE_BITS:
        raise BudgetError(
            f"the histogram of {n} units on dimension {depth} needs a table of {n * (depth + 1)} bits, "
            f"over the limit of {_TABLE_BITS}; use the closed form, or a smaller data dimension d"
        )
    total = _partial_sums(n, p, depth)
    if len(groups) > 1 or groups[0][1:] != (None, 1):
        apart = [1] * (depth + 1)
        for units, rank, copies in groups:
            seen = depth if rank is None else min(rank, depth)
            sums = _partial_sums(units, p, seen)
            # Where the groups together are already above the joint bound, a longer product does not matter.
            apart = [a if a > t else a * sums[min(d, seen)] ** copies for d, (a, t) in enumerate(zip(apart, total))]
        total = [min(a, t) for a, t in zip(apart, total)]
    if pieces.sloped == 0:
        return _Tables(n, depth, [], [], total, [], [])
    cap, term = [], pieces.sloped**n
    for inactive in range(depth + 1):
        cap.append(term)
        term = term * (n - inactive) * pieces.constant // ((inactive + 1) * pieces.sloped)
    placed = list(accumulate(cap))
    full = [bisect_right(placed, t) for t in total]
    rest = [t - (placed[f - 1] if f else 0) for t, f in zip(total, full)]
    return _Tables(n, depth, cap, placed, total, full, rest)


def _bits_of_units(n: Expr, cut: Least, breakpoints: Expr) -> Expr:
    """log2 of N_p(n, d), or of a bound: p n hyperplanes in general position, and all (p + 1)^n patterns."""
    if breakpoints == 0:
        return Integer(0)
    bits = Log2Zaslavsky(breakpoints * n, cut.expr())
    return bits if breakpoints == 1 else _smaller(bits, n * log(breakpoints + 1) / log(2))


def _smaller(one: Expr, other: Expr) -> Expr:
    """Their minimum; with symbols SymPy would search long for an order between two logarithms, and find none."""
    return Min(one, other, evaluate=not (one.free_symbols or other.free_symbols))


def after(affine: Affine, units: Units) -> Units:
    """Units as they stand behind an affine map: where few inputs feed many units, these have fewer patterns.

    Examples
    --------
    >>> after(Affine(12, (4, 2, 3)), relu(12)).groups, after(Affine(12, (2, 4, 6)), relu(12)).groups
    (((4, 2, 3),), ((12, oo, 1),))
    """
    if affine.groups is None or not units._is_dense():
        return units
    outputs, seen, copies = affine.groups
    if copies == 1 or outputs * copies != units.count or is_nonnegative(seen - outputs) is True:
        return units
    return Units((affine.groups,), units.pieces)


def relu(n: Any) -> Units:
    """``n`` ReLUs, each on an affine function of the whole input."""
    return Units(((n, oo, 1),))


def local_relu(channels: Any, fan_in: Any, positions: Any) -> Units:
    """A convolution's ReLUs: at each position, ``channels`` units that see ``fan_in`` values.

    ``||phi(e_d)||_1 = min(Z(channels, fan_in)^positions, Z(channels * positions, d))``.

    Examples
    --------
    >>> local_relu(2, 1, 3).act(unit(9)).norm == min(3**3, 2**6)
    True
    """
    return Units(((channels, fan_in, positions),))


@dataclass(frozen=True)
class MaxPool(Transfer):
    """The maximum over windows, maxout units: ``phi(e_d) = sum_{j <= d} C(n, j) (k - 1)^j e_{min(d, n)}``.

    Which element of each window is the largest: n units of rank k on affine functions of d coordinates tell at most so many regions
    apart, and some do (Montufar, Ren & Zhang, Sharp bounds for the number of regions of maxout networks and vertices of Minkowski
    sums, 2022). Windows that overlap, or that hold fewer elements at the border, are such units with restricted weights.

    Parameters
    ----------
    outputs, window : int or sympy.Expr
        Number ``n`` of outputs, and ``k`` of elements that each one sees.

    Examples
    --------
    >>> MaxPool(2, 3).act(unit(4)).counts, MaxPool(5, 3).act(unit(1)).counts  # 3^2, and 1 + 5 * 2
    ((0, 0, 9), (0, 11))
    """

    outputs: Any
    window: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "outputs", as_size(self.outputs, "outputs"))
        object.__setattr__(self, "window", as_size(self.window, "window"))

    @property
    def hyperplanes(self) -> Expr:
        """One for each pair of elements of each window."""
        return self.outputs * binomial(self.window, 2)

    def norms(self, top: int) -> list[int]:
        n, k = number(self.outputs, "outputs"), number(self.window, "the window")
        depth = min(n, top)
        if n * (depth + 1) * max(k - 1, 1).bit_length() > _TABLE_BITS:
            raise BudgetError(
                f"the histogram of {self} on dimension {top} needs a table of {n * (depth + 1)} entries' bits, "
                f"over the limit of {_TABLE_BITS}; use the closed form, or a smaller data dimension d"
            )
        sums = _partial_sums(n, k - 1, depth)
        return [sums[min(d, depth)] for d in range(top + 1)]

    def act(self, v: Histogram) -> Histogram:
        norms = self.norms(v.top)
        return Histogram(tuple(a * b for a, b in zip(v.counts, norms))).clip(number(self.outputs, "outputs"))

    def pull(self, weights: Sequence[int], top: int) -> list[int]:
        outputs = number(self.outputs, "outputs")
        return [norm * weights[min(d, outputs)] for d, norm in enumerate(self.norms(top))]

    def reach(self, top: int) -> int:
        return min(top, number(self.outputs, "outputs"))

    def _bits(self, cut: Least) -> list[Expr]:
        return [_bits_of_units(self.outputs, cut, self.window - 1)]

    def _narrowest(self) -> Least:
        return Least.of(self.outputs)

    def image(self, d: Expr) -> Expr:
        k, n, p = Dummy("k", integer=True, nonnegative=True), self.outputs, self.window - 1
        count = Zaslavsky(n, d) if p == 1 else Sum(binomial(n, k) * p**k, (k, 0, Min(d, n)))
        return count * DIMENSION[Min(d, n)]
