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
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

from sympy import Expr, Min, Sum, oo
from sympy.core.symbol import Symbol

from ..errors import BudgetError, FieldError, UnsupportedError
from ..sizes.dims import as_size
from .histogram import Histogram, convolve, unit
from .local_maps import Affine, Pieces, Transfer, Units, after, number, relu  # noqa: F401  (relu: examples)
from .vertex_cuts import Least, minimum_vertex_cut

# From this many parts on, counts have so many digits that a library for long integers pays.
_LONG_CHAIN = 20
# Products of entries in one join of branches.
_JOIN_PRODUCTS = 10**8


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
        long = len(self.parts) >= _LONG_CHAIN
        v = _packed(v) if long else v
        for part in self.parts:
            v = part.act(v)
        return Histogram(tuple(map(int, v.counts))) if long else v

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
    for part in Chain(tuple(parts)).parts:
        before = made[-1] if made else None
        if isinstance(part, Affine) and isinstance(before, Affine):
            groups = before.groups if part.is_elementwise and _outputs(before) == _outputs(part) else part.groups
            made[-1] = Affine(_least(before.rank, part.rank), groups)
        elif isinstance(part, Units) and isinstance(before, Affine):
            made.append(after(before, part))
        else:
            made.append(part)
    return made[0] if len(made) == 1 else Chain(tuple(made))


def _outputs(affine: Affine) -> Expr | None:
    return None if affine.groups is None else affine.groups[0] * affine.groups[2]


def _least(one: Expr, other: Expr) -> Expr:
    """The smaller rank; those that are known to be larger are left out."""
    return Least.of(*Min.make_args(one), *Min.make_args(other)).expr()


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
        return d if self.width is None else min(d, number(self.width, "width"))

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


@dataclass(frozen=True)
class Repeated(Transfer):
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

    def __post_init__(self) -> None:
        object.__setattr__(self, "times", as_size(self.times, "times", least=0))

    def _copies(self) -> int:
        if self.index is not None:
            raise UnsupportedError(
                f"the histogram of copies that depend on {self.index}; repeat a literal number of times"
            )
        return number(self.times, "times")

    def act(self, v: Histogram) -> Histogram:
        return Chain((self.body,) * self._copies()).act(v)

    def pull(self, weights: Sequence[int], top: int) -> list[int]:
        return Chain((self.body,) * self._copies()).pull(weights, top)

    def reach(self, top: int) -> int:
        for _ in range(self._copies()):
            reached = self.body.reach(top)
            if reached == top:
                break
            top = reached
        return top

    def _bits(self, cut: Least) -> list[Expr]:
        if self.times.is_zero:
            return []
        first = self.body._bits(cut)
        if self.index is not None:  # sizes that grow or shrink from copy to copy narrow nothing but their own copy
            return [
                Sum(part, (self.index, 0, self.times - 1)) if part.has(self.index) else self.times * part
                for part in first
            ]
        again = self.body._bits(cut.series(self.body._narrowest()))
        if first == again:
            return [self.times * part for part in again]
        return [*first, *((self.times - 1) * part for part in again)]

    def _narrowest(self) -> Least:
        if self.times.is_zero:
            return Least()
        narrowest = self.body._narrowest()
        if self.index is None:
            return narrowest
        return Least.of(*(size.xreplace({self.index: self.times - 1}) for size in narrowest.sizes))


@dataclass(frozen=True)
class Acyclic(Transfer):
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

    @cached_property
    def _cuts(self) -> dict[str, Least]:
        """What reaches each node, the size of the input left out, and under ``""`` what leaves the sink."""
        after_: dict[Any, list[Any]] = {}
        for name, sources, _ in self.nodes:
            for source in sources:
                after_.setdefault(source, []).append(name)
        sizes = {name: transfer._narrowest() for name, _, transfer in self.nodes}
        capacity = {name: least.expr() for name, least in sizes.items() if least.sizes}
        found: dict[str, Least] = {}
        for name, sources, _ in self.nodes:
            graph = {source: list(names) for source, names in after_.items()}
            for source in sources:
                graph.setdefault(source, []).append(("entry", name))
            found[name] = Least.of(*Min.make_args(minimum_vertex_cut(graph, "", ("entry", name), capacity).value))
        found[""] = found[self.sink].series(sizes[self.sink])
        return found

    def _most(self, name: str, d: int) -> int:
        least = self._cuts[name].expr()
        return d if least == oo else min(d, number(least, "a cut"))

    def norms(self, top: int) -> list[int]:
        norms = [1] * (top + 1)
        for name, _, transfer in self.nodes:
            own = transfer.norms(self._most(name, top))
            norms = [norm * own[self._most(name, d)] for d, norm in enumerate(norms)]
        return norms

    def act(self, v: Histogram) -> Histogram:
        if sum(map(bool, v.counts)) == 1:
            norm = v.norm
            for name, _, transfer in self.nodes:
                norm *= transfer.act(unit(self._most(name, v.top))).norm
            return unit(self.reach(v.top)).times(norm)
        return Histogram(tuple(a * b for a, b in zip(v.counts, self.norms(v.top)))).clip(self.reach(v.top))

    def pull(self, weights: Sequence[int], top: int) -> list[int]:
        return [norm * weights[self.reach(d)] for d, norm in enumerate(self.norms(top))]

    def reach(self, top: int) -> int:
        return self._most("", top)

    def _bits(self, cut: Least) -> list[Expr]:
        return [bits for name, _, transfer in self.nodes for bits in transfer._bits(cut.series(self._cuts[name]))]

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
    into: dict[str, list[tuple[str, Transfer]]] = {
        name: [(source, IDENTITY) for source in sources] or [("", IDENTITY)] for name, sources, _ in nodes
    }
    changed = True
    while changed:
        changed = False
        leaving: dict[str, list[str]] = {}
        for name in list(into):
            into[name] = _together(into[name])
            for source, _ in into[name]:
                leaving.setdefault(source, []).append(name)
        for name in list(into):
            if name == sink or len(into[name]) != 1 or len(leaving.get(name, ())) > 1:
                continue
            ((source, before),) = into.pop(name)
            for following in leaving.get(name, ()):
                into[following] = [
                    (source, series((before, own[name], edge))) if start == name else (start, edge)
                    for start, edge in into[following]
                ]
            changed = True
            break
    if list(into) == [sink] and [source for source, _ in into[sink]] == [""]:
        return series((into[sink][0][1], own[sink]))
    left: list[tuple[str, tuple[str, ...], Transfer]] = []
    for name in into:
        sources = []
        for source, edge in into[name]:
            if edge != IDENTITY:
                left.append((f"{source}>{name}", (source,), edge))
                source = f"{source}>{name}"
            sources.append(source)
        left.append((name, tuple(sources), own[name]))
    return Acyclic(tuple(left), sink)


def _together(arrows: list[tuple[str, Transfer]]) -> list[tuple[str, Transfer]]:
    """Arrows from one node, as one."""
    found: dict[str, list[Transfer]] = {}
    for source, edge in arrows:
        beside = edge.branches if isinstance(edge, Branches) and edge.width is None else (edge,)
        found.setdefault(source, []).extend(beside)
    if len(found) == len(arrows):
        return arrows
    return [(source, edges[0] if len(edges) == 1 else fuse(Branches(tuple(edges)))) for source, edges in found.items()]


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
