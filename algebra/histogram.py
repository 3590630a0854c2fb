"""Dimension histograms: how many affine regions a network has, sorted by the dimension of their image.

A histogram ``v = sum_d v_d e_d`` says that at most ``v_d`` regions have an image of dimension ``d``, in the order in
which mass may only be moved upward. A layer acts on histograms by a linear map, its local transfer function ``phi``;
networks act by composing them. The number of regions is at most ``||phi(e_d)||_1`` for data of dimension ``d`` (kind:
upper; a reconstruction of layer complexity after arXiv 2107.01081, closest precedents Hinz & van de Geer 2019, Serra
et al. 2018, Xie et al. 2020).

>>> two_layers = Chain((relu(3), relu(3)))
>>> two_layers.act(unit(2)).norm
40
>>> one, two, three = relu(2), relu(5), MaxPool(2, 2)
>>> Chain((one, Chain((two, three)))).act(unit(3)) == Chain((Chain((one, two)), three)).act(unit(3))
True
>>> Chain((IDENTITY, one)) == Chain((one,)), disjoint(one.act(unit(1)), two.act(unit(2))).norm == 3 * 16
(True, True)

How it stays fast with exact integers: a layer of ``n`` units sends ``e_d`` to about ``d`` entries, but all of them
are entries of one row of binomials, cut off at one place and clipped at another. So the whole action is one suffix
sum of ``v`` and two products per dimension, O(n) operations on long integers for a layer (`Units.act`), and so is its
transpose (`Units.pull`), which gives the norms for *all* input dimensions at once and makes a residual block as cheap
as a plain one. Products of histograms (`convolve`) are one product of two long integers: Kronecker substitution, see
there.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Any

from sympy import Add, Expr, IndexedBase, Integer, Min, Sum, binomial, log, oo
from sympy.core.symbol import Dummy

from .cuts import Least
from .dims import as_size
from .errors import BudgetError, FieldError, UnsupportedError
from .zaslavsky import Enclosure, Log2Zaslavsky, Zaslavsky, log2_enclosure, zaslavsky_number

# Bits in one table of binomials (number of entries times their length), and products of entries in one join of
# branches.
_TABLE_BITS = 4 * 10**8
_JOIN_PRODUCTS = 10**8

DIMENSION = IndexedBase("e")  # e_d, the histogram of one region with an image of dimension d, in formulas


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
        return sum(self.counts)

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
    slot = (max(a).bit_length() + max(b).bit_length() + min(len(a), len(b)).bit_length() + 7) // 8

    def packed(counts: tuple[int, ...]) -> int:
        return int.from_bytes(b"".join(count.to_bytes(slot, "little") for count in counts), "little")

    size = len(a) + len(b) - 1
    digits = (packed(a) * packed(b)).to_bytes(slot * size, "little")
    return Histogram(tuple(int.from_bytes(digits[slot * i : slot * (i + 1)], "little") for i in range(size)))


def disjoint(f: Histogram, g: Histogram) -> Histogram:
    """Two networks on two separate inputs, side by side: exactly the product, so that complexities add."""
    return convolve(f, g)


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


def _number(size: Expr, what: str) -> int:
    if size.is_Integer:
        return int(size)
    raise UnsupportedError(f"a histogram needs numbers, but {what} = {size}; substitute them, or use the closed form")


@dataclass(frozen=True)
class Affine(Transfer):
    """An affine map: ``phi(e_d) = e_{min(d, rank)}``.

    Parameters
    ----------
    rank : int or sympy.Expr

    Examples
    --------
    >>> Affine(2).act(Histogram((1, 1, 1, 1))).counts
    (1, 1, 2)
    """

    rank: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "rank", as_size(self.rank, "rank", least=0))

    def act(self, v: Histogram) -> Histogram:
        return v.clip(_number(self.rank, "rank"))

    def pull(self, weights: Sequence[int], top: int) -> list[int]:
        rank = _number(self.rank, "rank")
        return [weights[min(d, rank)] for d in range(top + 1)]

    def reach(self, top: int) -> int:
        return min(top, _number(self.rank, "rank"))

    def _bits(self, cut: Least) -> list[Expr]:
        return []

    def _narrowest(self) -> Least:
        return Least.of(self.rank)

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
        return min(top, _number(self.count, "units")) if self.pieces.sloped else 0

    def _bits(self, cut: Least) -> list[Expr]:
        together = _bits_of_units(self.count, cut, self.pieces)
        seen = [cut.series(Least.of(rank)) for _, rank, _ in self.groups]
        if len(self.groups) == 1 and seen == [cut]:
            return [together]  # N_p(sum of units, d) <= N_p(units, d)^copies
        apart = Add(
            *(copies * _bits_of_units(units, part, self.pieces) for (units, _, copies), part in zip(self.groups, seen))
        )
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
            (_number(u, "units"), None if r == oo else _number(r, "rank seen"), _number(c, "copies"))
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


def _bits_of_units(n: Expr, cut: Least, pieces: Pieces) -> Expr:
    """log2 of N_p(n, d), or of a bound: p n hyperplanes in general position, and all (p + 1)^n patterns."""
    p = pieces.breakpoints
    if p == 0:
        return Integer(0)
    bits = Log2Zaslavsky(p * n, cut.expr())
    return bits if p == 1 else _smaller(bits, n * log(p + 1) / log(2))


def _smaller(one: Expr, other: Expr) -> Expr:
    """Their minimum; with symbols SymPy would search long for an order between two logarithms, and find none."""
    return Min(one, other, evaluate=not (one.free_symbols or other.free_symbols))


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
    """The maximum over windows: ``phi(e_d) = Z(n C(k, 2), d) e_{min(d, n)}``, a hyperplane for each pair in a window.

    Parameters
    ----------
    outputs, window : int or sympy.Expr
        Number ``n`` of outputs, and ``k`` of elements that each one sees.

    Examples
    --------
    >>> MaxPool(2, 3).act(unit(4)).counts  # Z(6, 4) = 57
    (0, 0, 57)
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
        n = _number(self.hyperplanes, "n C(k, 2)")
        if n * (top + 1) > _TABLE_BITS:
            raise BudgetError(
                f"the histogram of {self} on dimension {top} needs a table of {n * (top + 1)} bits, "
                f"over the limit of {_TABLE_BITS}; use the closed form, or a smaller data dimension d"
            )
        return _partial_sums(n, 1, top)

    def act(self, v: Histogram) -> Histogram:
        if sum(map(bool, v.counts)) == 1:
            scaled = v.times(zaslavsky_number(_number(self.hyperplanes, "n C(k, 2)"), v.top))
        else:
            scaled = Histogram(tuple(a * b for a, b in zip(v.counts, self.norms(v.top))))
        return scaled.clip(_number(self.outputs, "outputs"))

    def pull(self, weights: Sequence[int], top: int) -> list[int]:
        outputs = _number(self.outputs, "outputs")
        return [norm * weights[min(d, outputs)] for d, norm in enumerate(self.norms(top))]

    def reach(self, top: int) -> int:
        return min(top, _number(self.outputs, "outputs"))

    def _bits(self, cut: Least) -> list[Expr]:
        return [Log2Zaslavsky(self.hyperplanes, cut.expr())]

    def _narrowest(self) -> Least:
        return Least.of(self.outputs)

    def image(self, d: Expr) -> Expr:
        return Zaslavsky(self.hyperplanes, d) * DIMENSION[Min(d, self.outputs)]


@dataclass(frozen=True)
class Chain(Transfer):
    """One after the other, first to last: ``phi_g . phi_f``. Chains flatten; `IDENTITY` is the empty one."""

    parts: tuple[Transfer, ...]

    def __post_init__(self) -> None:
        flat: list[Transfer] = []
        for part in self.parts:
            flat.extend(part.parts if isinstance(part, Chain) else (part,))
        object.__setattr__(self, "parts", tuple(flat))

    def act(self, v: Histogram) -> Histogram:
        for part in self.parts:
            v = part.act(v)
        return v

    def pull(self, weights: Sequence[int], top: int) -> list[int]:
        tops = list(accumulate(self.parts, lambda reached, part: part.reach(reached), initial=top))
        for part, before in zip(reversed(self.parts), reversed(tops[:-1])):
            weights = part.pull(weights, before)
        return list(weights[: top + 1])

    def reach(self, top: int) -> int:
        for part in self.parts:
            top = part.reach(top)
        return top

    def _bits(self, cut: Least) -> list[Expr]:
        bits = []
        for part in self.parts:
            bits += part._bits(cut)
            cut = cut.series(part._narrowest())
        return bits

    def _narrowest(self) -> Least:
        cut = Least()
        for part in self.parts:
            cut = cut.series(part._narrowest())
        return cut


IDENTITY = Chain(())


@dataclass(frozen=True)
class Branches(Transfer):
    """Branches of one input, joined: ``cl_m(phi_f(e_d) * phi_g(e_d))``, ``m = d`` for a concatenation, for a sum
    ``min(d, width)``.

    With an identity among them the clip leaves ``||phi_f(e_d)||_1 e_d``: the residual block. A bound only: sibling
    units are counted apart, unless `fuse` has joined them first.

    Parameters
    ----------
    branches : tuple of Transfer
    width : int, sympy.Expr or None
        The size of a sum; None for a concatenation.

    Examples
    --------
    >>> residual(relu(2)).act(unit(3)).counts
    (0, 0, 0, 4)
    >>> siblings = Branches((relu(3), relu(3)))
    >>> siblings.act(unit(2)).norm, fuse(siblings).act(unit(2)).norm
    (49, 22)
    """

    branches: tuple[Transfer, ...]
    width: Any = None

    def __post_init__(self) -> None:
        if not self.branches:
            raise FieldError("Branches needs one branch or more")
        object.__setattr__(self, "branches", tuple(self.branches))
        if self.width is not None:
            object.__setattr__(self, "width", as_size(self.width, "width"))

    def _limit(self, d: int) -> int:
        return d if self.width is None else min(d, _number(self.width, "width"))

    def _images(self, top: int, used: Iterable[int]) -> dict[int, Histogram]:
        if IDENTITY in self.branches:
            norms = [branch.norms(top) for branch in self.branches if branch != IDENTITY]
            images = {}
            for d in used:
                factor = 1
                for norm in norms:
                    factor *= norm[d]
                images[d] = unit(self._limit(d)).times(factor)
            return images
        used = list(used)
        products = sum((d + 1) ** 2 for d in used) * (len(self.branches) - 1)
        if products > _JOIN_PRODUCTS:
            raise BudgetError(
                f"joining {len(self.branches)} branches on {len(used)} dimensions up to {top} takes "
                f"{products} products, over the limit of {_JOIN_PRODUCTS}; use the closed form"
            )
        images = {}
        for d in used:
            joined, limit = unit(0), self._limit(d)
            for branch in self.branches:
                joined = convolve(joined, branch.act(unit(d))).clip(limit)
            images[d] = joined
        return images

    def act(self, v: Histogram) -> Histogram:
        images = self._images(v.top, (d for d, mass in enumerate(v.counts) if mass))
        out = [0] * (v.top + 1)
        for d, image in images.items():
            for j, count in enumerate(image.counts):
                out[j] += v.counts[d] * count
        return Histogram(tuple(out))

    def pull(self, weights: Sequence[int], top: int) -> list[int]:
        images = self._images(top, range(top + 1))
        return [sum(weights[j] * count for j, count in enumerate(images[d].counts) if count) for d in range(top + 1)]

    def reach(self, top: int) -> int:
        return min(self._limit(top), sum(branch.reach(top) for branch in self.branches))

    def _bits(self, cut: Least) -> list[Expr]:
        return [bits for branch in self.branches for bits in branch._bits(cut)]

    def _narrowest(self) -> Least:
        cut, *others = (branch._narrowest() for branch in self.branches)
        for other in others:
            cut = cut.parallel(other)
        return cut if self.width is None else cut.series(Least.of(self.width))


def residual(branch: Transfer, width: Any = None) -> Branches:
    """``x + f(x)``: the identity beside a branch, added."""
    return Branches((IDENTITY, branch), width)


def fuse(transfer: Transfer) -> Transfer:
    """Sibling units of one input counted together: ``n1`` and ``n2`` ReLUs make ``Z(n1 + n2, d)``, no product.

    Branches that begin with units of the same pieces (after an affine map or none) become one layer of units,
    followed by what is left of each branch on its own part of the result.

    Examples
    --------
    >>> joined = fuse(Branches((Chain((Affine(2), relu(3))), IDENTITY, relu(4))))
    >>> len(joined.branches), joined.branches[0].parts[0].groups
    (2, ((3, 2, 1), (4, oo, 1)))
    """
    if isinstance(transfer, Chain):
        return Chain(tuple(fuse(part) for part in transfer.parts))
    if not isinstance(transfer, Branches):
        return transfer
    branches = tuple(map(fuse, transfer.branches))
    siblings: dict[Pieces, list[tuple[Transfer, Units, Expr, Chain]]] = {}
    for branch in branches:
        parts = branch.parts if isinstance(branch, Chain) else (branch,)
        rank: Expr = oo
        while parts and isinstance(parts[0], Affine):
            rank, parts = Min(rank, parts[0].rank), parts[1:]
        if parts and isinstance(parts[0], Units):
            siblings.setdefault(parts[0].pieces, []).append((branch, parts[0], rank, Chain(parts[1:])))
    fused: list[Transfer] = []
    for pieces, found in siblings.items():
        if len(found) > 1:
            groups = tuple(
                (units, Min(rank, seen), copies) for _, layer, rank, _ in found for units, seen, copies in layer.groups
            )
            tails = tuple(Chain((Affine(Min(layer.count, rank)), tail)) for _, layer, rank, tail in found)
            fused.append(Chain((Units(groups, pieces), fuse(Branches(tails, transfer.width)))))
            branches = tuple(branch for branch in branches if all(branch is not sibling for sibling, *_ in found))
    return Branches((*fused, *branches), transfer.width)
