"""Transfer functions of networks: one after the other, side by side, repeated, on any acyclic graph.

>>> from layeralgebra.algebra.regions.histogram import disjoint
>>> from layeralgebra.algebra.regions.local_maps import MaxPool
>>> Chain((relu(3), relu(3))).act(unit(2)).norm
40
>>> one, two, three = relu(2), relu(5), MaxPool(2, 2)
>>> Chain((one, Chain((two, three)))).act(unit(3)) == Chain((Chain((one, two)), three)).act(unit(3))
True
>>> Chain((IDENTITY, one)) == Chain((one,)), disjoint(one.act(unit(1)), two.act(unit(2))).norm == 3 * 16
(True, True)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field
from functools import cached_property
from heapq import heappop, heappush
from typing import Any

from sympy import Expr, Integer, Min, Sum, oo
from sympy.core.symbol import Symbol

from ..errors import BudgetError, FieldError, UnsupportedError
from ..networks.steps import Steps, carried_out
from ..records import dataclass
from ..sizes.dims import as_size
from .histogram import Histogram, convolve, unit
from .local_maps import Affine, Counted, Known, Pieces, Transfer, Units, after, number, relu  # noqa: F401  (relu: examples)
from .vertex_cuts import Least, least_cuts

# From this many parts on, counts have so many digits that a library for long integers pays.
_LONG_CHAIN = 20
# Products of entries in one join of branches.
_JOIN_PRODUCTS = 10**8
# So many leaves act one after the other; of more, copies are a power of a matrix, on few dimensions of some more already.
_MOST_LEAVES = 10_000
_FEW_LEAVES, _FEW_DIMENSIONS = 100, 16
# Bits of what one product of such matrices reads.
_POWER_BITS = 10**7


class Composed(Transfer):
    """Transfer functions put together: what is asked of the whole is asked of the parts in steps, and once of each."""

    def act(self, v: Histogram) -> Histogram:
        made: Histogram = carried_out(self._acting(v))
        return made

    def pull(self, weights: Sequence[int], top: int) -> list[int]:
        made: list[int] = carried_out(self._pulling(weights, top))
        return made

    def reach(self, top: int) -> int:
        made: int = carried_out(self._reaching(top))
        return made

    def _norms(self, top: int) -> Steps[list[int]]:
        return (yield self._pulling([1] * ((yield self._reaching(top)) + 1), top))

    def _bits(self, cut: Least) -> list[Expr]:
        counted: Counted = carried_out(self._adding(cut, {}))
        return [count * bits for bits, count in counted.items()]

    def _adding(self, cut: Least, known: Known) -> Steps[Counted]:
        asked = id(self), cut
        if asked not in known:
            known[asked] = yield self._added(cut, known)
        return known[asked]

    def _added(self, cut: Least, known: Known) -> Steps[Counted]:
        """The bits of each layer behind a cut, with how many layers add them."""
        raise NotImplementedError


def _include(total: Counted, more: Counted) -> None:
    for bits, count in more.items():
        total[bits] = total.get(bits, Integer(0)) + count


@dataclass(frozen=True)
class Chain(Composed):
    """One after the other, first to last: ``phi_g . phi_f``. Chains flatten; `IDENTITY` is the empty one."""

    parts: tuple[Transfer, ...]

    def __post_init__(self) -> None:
        flat: list[Transfer] = []
        for part in self.parts:
            flat.extend(part.parts if isinstance(part, Chain) else (part,))
        object.__setattr__(self, "parts", tuple(flat))
        object.__setattr__(self, "leaves", sum(part.leaves for part in flat))

    def _acting(self, v: Histogram) -> Steps[Histogram]:
        long = len(self.parts) >= _LONG_CHAIN
        v = _packed(v) if long else v
        for part in self.parts:
            v = yield part._acting(v)
        return Histogram(tuple(map(int, v.counts))) if long else v

    def _pulling(self, weights: Sequence[int], top: int) -> Steps[list[int]]:
        tops = [top]
        for part in self.parts:
            tops.append((yield part._reaching(tops[-1])))
        for part, before in zip(reversed(self.parts), reversed(tops[:-1])):
            weights = yield part._pulling(weights, before)
        return list(weights[: top + 1])

    def _reaching(self, top: int) -> Steps[int]:
        for part in self.parts:
            top = yield part._reaching(top)
        return top

    def _added(self, cut: Least, known: Known) -> Steps[Counted]:
        total: Counted = {}
        for part in self.parts:
            _include(total, (yield part._adding(cut, known)))
            cut = cut.series(part._narrowest())
        return total

    @cached_property
    def _least(self) -> Least:
        cut = Least()
        for part in self.parts:
            cut = cut.series(part._narrowest())
        return cut

    def _narrowest(self) -> Least:
        return self._least


def _packed(v: Histogram) -> Histogram:
    """The same integers in FLINT's representation, where that is installed: long products are several times quicker."""
    try:
        from flint import fmpz
    except ImportError:
        return v
    return Histogram(tuple(fmpz(count) for count in v.counts))  # type: ignore[misc]  # FLINT's integers stand in for Python's


IDENTITY = Chain(())


def series(parts: Iterable[Transfer]) -> Transfer:
    """Parts in series, tidied: affine maps in a row are one, and units know which inputs the map before them reads.

    Examples
    --------
    >>> series((Affine(12, (4, 2, 3)), Affine(12, (1, 1, 12)), relu(12)))
    Chain(parts=(Affine(rank=12, groups=(4, 2, 3)), Units(groups=((4, 2, 3),), pieces=Pieces(sloped=1, constant=1))))
    """
    made: list[Transfer] = []
    for part in parts:
        for own in _parts(part):
            _append(made, own)
    return _closed(made)


def _parts(transfer: Transfer) -> Sequence[Transfer]:
    return transfer.parts if isinstance(transfer, Chain) else (transfer,)


def _closed(parts: list[Transfer]) -> Transfer:
    return parts[0] if len(parts) == 1 else Chain(tuple(parts))


def _append(made: list[Transfer], part: Transfer) -> None:
    """Put one more part after tidy ones, so that they stay tidy."""
    before = made[-1] if made else None
    if isinstance(part, Affine) and isinstance(before, Affine):
        groups = before.groups if part.is_elementwise and _outputs(before) == _outputs(part) else part.groups
        made[-1] = Affine(_least(before.rank, part.rank), groups)
    elif isinstance(part, Units) and isinstance(before, Affine):
        made.append(after(before, part))
    else:
        made.append(part)


def _extend(made: list[Transfer], more: list[Transfer]) -> None:
    """Put tidy parts after tidy ones: only where they meet is there something to do."""
    for part in more[:2]:
        _append(made, part)
    made.extend(more[2:])


def _outputs(affine: Affine) -> Expr | None:
    return None if affine.groups is None else affine.groups[0] * affine.groups[2]


def _least(one: Expr, other: Expr) -> Expr:
    """The smaller rank; those that are known to be larger are left out."""
    return Least.of(*Min.make_args(one), *Min.make_args(other)).expr()


@dataclass(frozen=True)
class Branches(Composed):
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
    _least: Least = field(default=Least(), init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.branches:
            raise FieldError("Branches needs one branch or more")
        object.__setattr__(self, "branches", tuple(self.branches))
        if self.width is not None:
            object.__setattr__(self, "width", as_size(self.width, "width"))
        object.__setattr__(self, "leaves", sum(branch.leaves for branch in self.branches))
        cut, *others = (branch._narrowest() for branch in self.branches)
        for other in others:
            cut = cut.parallel(other)
        object.__setattr__(self, "_least", cut if self.width is None else cut.series(Least.of(self.width)))

    def _limit(self, d: int) -> int:
        return d if self.width is None else min(d, number(self.width, "width"))

    def _images(self, top: int, used: Iterable[int]) -> Steps[dict[int, Histogram]]:
        if IDENTITY in self.branches:
            norms = []
            for branch in self.branches:
                if branch != IDENTITY:
                    norms.append((yield branch._norms(top)) if isinstance(branch, Composed) else branch.norms(top))
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
                joined = convolve(joined, (yield branch._acting(unit(d)))).clip(limit)
            images[d] = joined
        return images

    def _acting(self, v: Histogram) -> Steps[Histogram]:
        images = yield self._images(v.top, (d for d, mass in enumerate(v.counts) if mass))
        out = [0] * (v.top + 1)
        for d, image in images.items():
            for j, count in enumerate(image.counts):
                out[j] += v.counts[d] * count
        return Histogram(tuple(out))

    def _pulling(self, weights: Sequence[int], top: int) -> Steps[list[int]]:
        images = yield self._images(top, range(top + 1))
        return [sum(weights[j] * count for j, count in enumerate(images[d].counts) if count) for d in range(top + 1)]

    def _reaching(self, top: int) -> Steps[int]:
        reached = 0
        for branch in self.branches:
            reached += yield branch._reaching(top)
        return min(self._limit(top), reached)

    def _added(self, cut: Least, known: Known) -> Steps[Counted]:
        total: Counted = {}
        for branch in self.branches:
            _include(total, (yield branch._adding(cut, known)))
        return total

    def _narrowest(self) -> Least:
        return self._least


@dataclass(frozen=True)
class Repeated(Composed):
    """A transfer function a number of times in series, which may be a symbol.

    Minima are idempotent: what limits the first copy's output limits every later copy's input, so that the second copy
    stands for all others.

    Parameters
    ----------
    body : Transfer
    times : int or sympy.Expr
    index : Symbol, optional
        Where sizes in the body depend on the number of the copy, from 0; closed form only.

    Examples
    --------
    >>> from sympy import symbols
    >>> n, L = symbols("n L", integer=True, positive=True)
    >>> Repeated(relu(n), L).closed_form(2 * n)[0], Repeated(relu(2), 3).act(unit(1)).norm
    (L*n, 27)
    """

    body: Transfer
    times: Any
    index: Symbol | None = None
    _least: Least = field(default=Least(), init=False, repr=False, compare=False)
    _powers: dict[int, _Matrix] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "times", as_size(self.times, "times", least=0))
        object.__setattr__(self, "leaves", self.body.leaves * int(self.times) if self.times.is_Integer else 1)
        least = Least() if self.times.is_zero else self.body._narrowest()
        if self.index is not None:
            least = Least.of(*(size.xreplace({self.index: self.times - 1}) for size in least.sizes))
        object.__setattr__(self, "_least", least)

    def _copies(self) -> int:
        if self.index is not None:
            raise UnsupportedError(
                f"the histogram of copies that depend on {self.index}; repeat a literal number of times"
            )
        return number(self.times, "times")

    def _acting(self, v: Histogram) -> Steps[Histogram]:
        copies = self._copies()
        power = yield self._power(v.top, copies)
        if power is None:
            return (yield Chain((self.body,) * copies)._acting(v))
        return Histogram(_applied(power, v.counts))

    def _pulling(self, weights: Sequence[int], top: int) -> Steps[list[int]]:
        copies = self._copies()
        power = yield self._power(top, copies)
        if power is None:
            return (yield Chain((self.body,) * copies)._pulling(weights, top))
        return [sum(weights[j] * count for j, count in enumerate(image) if count) for image in power]

    def _power(self, top: int, copies: int) -> Steps[_Matrix | None]:
        """The images of e_0, ..., e_top under all copies, by squaring; None where copies are to act one by one."""
        if self.leaves <= (_FEW_LEAVES if top < _FEW_DIMENSIONS else _MOST_LEAVES):
            return None
        if (top + 1) ** 2 > _POWER_BITS // 64:
            raise BudgetError(
                f"the histogram of {copies} copies on dimension {top}, over {_MOST_LEAVES} layers, needs a matrix of {(top + 1) ** 2} "
                "counts; use the closed form (layer_complexity without method='histogram'), or a smaller data dimension d"
            )
        if top not in self._powers:
            images: list[tuple[int, ...]] = []
            for d in range(top + 1):
                images.append((yield self.body._acting(unit(d))).counts)
            self._powers[top] = _matrix_power(images, copies)
        return self._powers[top]

    def _reaching(self, top: int) -> Steps[int]:
        for _ in range(self._copies()):
            reached = yield self.body._reaching(top)
            if reached == top:
                break
            top = reached
        return top

    def _added(self, cut: Least, known: Known) -> Steps[Counted]:
        if self.times.is_zero:
            return {}
        first: Counted = yield self.body._adding(cut, known)
        total: Counted = {}
        if self.index is not None:  # sizes that grow or shrink from copy to copy narrow nothing but their own copy
            for bits, count in first.items():
                if (count * bits).has(self.index):
                    _include(total, {Sum(count * bits, (self.index, 0, self.times - 1)): Integer(1)})
                else:
                    _include(total, {bits: self.times * count})
            return total
        again: Counted = yield self.body._adding(cut.series(self.body._narrowest()), known)
        # The first copy, and as often as there are others the second: as a difference, which is short where copies nest.
        for bits in dict.fromkeys((*first, *again)):
            once, later = first.get(bits, Integer(0)), again.get(bits, Integer(0))
            count = self.times * later + (once - later)
            if count != 0:
                total[bits] = count
        return total

    def _narrowest(self) -> Least:
        return self._least


_Matrix = list[tuple[int, ...]]
"""The images of e_0, e_1, ...: the counts of one histogram each."""


def _applied(images: _Matrix, counts: Sequence[int]) -> tuple[int, ...]:
    """The image of a histogram under a linear map that is given by the images of e_0, e_1, ..."""
    out = [0] * len(images)
    for image, mass in zip(images, counts):
        if mass:
            for j, count in enumerate(image):
                out[j] += mass * count
    return tuple(out)


def _matrix_power(images: _Matrix, times: int) -> _Matrix:
    """So many applications of one map, by squaring; refused where the numbers become too long."""
    size = len(images)
    power: _Matrix = [(*[0] * d, 1) for d in range(size)]
    left = times
    while left:
        longest = max(int(count).bit_length() for image in (*images, *power) for count in image)
        if longest * size * size > _POWER_BITS:
            raise BudgetError(
                f"the histogram of {times} copies on dimension {size - 1} has counts of more than {longest} bits, too long to be "
                "multiplied out; use the closed form (layer_complexity without method='histogram'), or fewer copies"
            )
        if left & 1:
            power = [_applied(images, image) for image in power]
        left >>= 1
        if left:
            images = [_applied(images, image) for image in images]
    return power


@dataclass(frozen=True)
class Acyclic(Composed):
    """Transfer functions on the nodes of any acyclic graph; `on_graph` makes one where nothing simpler does.

    A node acts on all that arrives, put together. What arrives at node ``l`` has at most the dimension ``m_l`` of the
    least vertex cut before it, so that ``||phi(e_d)||_1 = prod_l ||phi_l(e_min(d, m_l))||_1``. A bound only.

    Parameters
    ----------
    nodes : tuple of (name, sources, Transfer)
        Each after its sources; the source ``""`` is the input.
    sink : str

    Examples
    --------
    >>> nodes = (("a", ("",), relu(2)), ("b", ("", "a"), relu(5)))
    >>> Acyclic(nodes, "b").act(unit(3)).norm
    104
    """

    nodes: tuple[tuple[str, tuple[str, ...], Transfer], ...]
    sink: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "leaves", sum(transfer.leaves for _, _, transfer in self.nodes))

    @cached_property
    def _cuts(self) -> dict[str, Least]:
        """What reaches each node, the size of the input left out, and under ``""`` what leaves the sink."""
        sizes = {name: transfer._narrowest() for name, _, transfer in self.nodes}
        found = least_cuts([(name, sources, sizes[name]) for name, sources, _ in self.nodes])
        found[""] = found[self.sink].series(sizes[self.sink])
        return found

    def _most(self, name: str, d: int) -> int:
        least = self._cuts[name].expr()
        return d if least == oo else min(d, number(least, "a cut"))

    def _pulling(self, weights: Sequence[int], top: int) -> Steps[list[int]]:
        norms = [1] * (top + 1)
        for name, _, transfer in self.nodes:
            most = self._most(name, top)
            own = (yield transfer._norms(most)) if isinstance(transfer, Composed) else transfer.norms(most)
            norms = [norm * own[min(d, most)] for d, norm in enumerate(norms)]
        return [norm * weights[self.reach(d)] for d, norm in enumerate(norms)]

    def _acting(self, v: Histogram) -> Steps[Histogram]:
        if sum(map(bool, v.counts)) == 1:
            norm = v.norm
            for name, _, transfer in self.nodes:
                image = yield transfer._acting(unit(self._most(name, v.top)))
                norm *= image.norm
            return unit(self.reach(v.top)).times(norm)
        norms = yield self._pulling([1] * (self.reach(v.top) + 1), v.top)
        return Histogram(tuple(a * b for a, b in zip(v.counts, norms))).clip(self.reach(v.top))

    def _reaching(self, top: int) -> int:
        return self._most("", top)

    def _added(self, cut: Least, known: Known) -> Steps[Counted]:
        total: Counted = {}
        for name, _, transfer in self.nodes:
            _include(total, (yield transfer._adding(cut.series(self._cuts[name]), known)))
        return total

    def _narrowest(self) -> Least:
        return self._cuts[""]


def on_graph(nodes: Sequence[tuple[str, Sequence[str], Transfer]], sink: str) -> Transfer:
    """Transfer functions on an acyclic graph: series and parallel parts by their rules, the rest as an `Acyclic`.

    Parameters
    ----------
    nodes : sequence of (name, sources, Transfer)
        Each after its sources; no source is the input. Several sources are put together before the node acts.
    sink : str

    Examples
    --------
    >>> on_graph([("a", [], relu(2)), ("sum", ["", "a"], Affine(3))], "sum") == series((residual(relu(2)), Affine(3)))
    True
    """
    own = {name: transfer for name, _, transfer in nodes}
    place = {name: number for number, (name, _, _) in enumerate(nodes)}
    into: dict[str, list[_Arrow]] = {
        name: _together([(source, []) for source in sources] or [("", [])]) for name, sources, _ in nodes
    }
    leaving: dict[str, set[str]] = {name: set() for name in ("", *place)}
    for name, arrows in into.items():
        for source, _ in arrows:
            leaving[source].add(name)
    waiting = list(range(len(nodes)))  # sorted, and so a heap
    while waiting:
        name = nodes[heappop(waiting)][0]
        if name == sink or name not in into or len(into[name]) != 1 or len(leaving[name]) > 1:
            continue
        ((source, parts),) = into.pop(name)
        leaving[source].discard(name)
        for part in _parts(own[name]):
            _append(parts, part)
        for following in leaving[name]:
            arrows = []
            for start, edge in into[following]:
                if start == name:
                    _extend(parts, edge)
                    arrows.append((source, parts))
                else:
                    arrows.append((start, edge))
            into[following] = _together(arrows)
            leaving[source].add(following)
            heappush(waiting, place[following])
        if source:
            heappush(waiting, place[source])
    if list(into) == [sink] and [source for source, _ in into[sink]] == [""]:
        return series((_closed(into[sink][0][1]), own[sink]))
    left: list[tuple[str, tuple[str, ...], Transfer]] = []
    for name in into:
        sources = []
        for source, edge in into[name]:
            if edge:
                left.append((f"{source}>{name}", (source,), _closed(edge)))
                source = f"{source}>{name}"
            sources.append(source)
        left.append((name, tuple(sources), own[name]))
    return Acyclic(tuple(left), sink)


_Arrow = tuple[str, list[Transfer]]
"""Where an arrow comes from, and what stands on it, in series."""


def _together(arrows: list[_Arrow]) -> list[_Arrow]:
    """Arrows from one node, as one."""
    found: dict[str, list[list[Transfer]]] = {}
    for source, edge in arrows:
        found.setdefault(source, []).append(edge)
    if len(found) == len(arrows):
        return arrows
    joined: list[_Arrow] = []
    for source, edges in found.items():
        beside: list[Transfer] = []
        for edge in edges:
            whole = _closed(edge)
            beside.extend(whole.branches if isinstance(whole, Branches) and whole.width is None else (whole,))
        joined.append((source, edges[0] if len(edges) == 1 else list(_parts(fuse(Branches(tuple(beside)))))))
    return joined


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
            rank, parts = _least(rank, parts[0].rank), parts[1:]
        if parts and isinstance(parts[0], Units):
            siblings.setdefault(parts[0].pieces, []).append((branch, parts[0], rank, Chain(parts[1:])))
    fused: list[Transfer] = []
    for pieces, found in siblings.items():
        if len(found) > 1:
            groups = tuple(
                (units, _least(rank, seen), copies)
                for _, layer, rank, _ in found
                for units, seen, copies in layer.groups
            )
            tails = tuple(Chain((Affine(_least(layer.count, rank)), tail)) for _, layer, rank, tail in found)
            fused.append(Chain((Units(groups, pieces), fuse(Branches(tails, transfer.width)))))
            branches = tuple(branch for branch in branches if all(branch is not sibling for sibling, *_ in found))
    return Branches((*fused, *branches), transfer.width)
