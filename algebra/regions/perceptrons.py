"""Plain networks: one layer of units after another, as the published bounds on regions and capacity want them.

>>> from layeralgebra import Linear, ReLU, dims, transfer
>>> n, L = dims("n L")
>>> net = Linear(5) >> ReLU() >> (Linear(n) >> ReLU()) ** L >> Linear(3)
>>> found = plain_widths(transfer(net, on=(2,)).phi, 2, 3, "a bound")
>>> found.blocks, found.ends_affine, found.dense
((((5, n), 1), ((n,), L - 1)), True, True)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sympy import Expr, Min, Symbol, oo

from ..errors import UnsupportedError
from ..networks.carrier import GraphStep, PathCarrier, Site
from ..records import dataclass
from ..sizes.normal_form import simplify
from .composition import Chain, Repeated
from .free_maps import AffineStep, Step, has_free_layers, shortened, steps_of
from .local_maps import RELU, Affine, Transfer, Units
from .transfer import TransferCarrier


@dataclass(frozen=True)
class Told:
    """A network's transfer function, and what its weights leave free.

    Attributes
    ----------
    phi : Transfer
    steps : tuple of Step
        Along the network; a repetition stands twice.
    tied : bool
        Whether weights are shared under a name.
    branches : bool
        Whether there is more than one path.
    """

    phi: Transfer
    steps: tuple[Step, ...] = ()
    tied: bool = False
    branches: bool = False

    @property
    def is_free(self) -> bool:
        """Whether every layer of ReLUs has any matrix and any shift of its own before it."""
        return not self.tied and not self.branches and has_free_layers(self.steps)

    @property
    def has_shifts(self) -> bool:
        """Whether this fails for another reason than a missing bias."""
        lenient = tuple(replace(step, shift=True) if isinstance(step, AffineStep) else step for step in self.steps)
        return self.is_free or not has_free_layers(lenient) or self.tied or self.branches


class ToldCarrier(PathCarrier[Told]):
    """The transfer functions of `TransferCarrier`, with the steps of each layer beside them."""

    def __init__(self, surrogate: str | None = None):
        self.transfers = TransferCarrier(surrogate)

    def leaf(self, site: Site, port: int) -> Told:
        assert site.instance is not None
        return Told(self.transfers.leaf(site, port), steps_of(site.instance))

    def series(self, values: Sequence[Told]) -> Told:
        phi = self.transfers.series([value.phi for value in values])
        steps = tuple(step for value in values for step in value.steps)
        return Told(phi, steps, *self._both(values))

    def join(self, site: Site, values: Sequence[Told]) -> Told:
        return Told(self.transfers.join(site, [value.phi for value in values]), (), self._both(values)[0], True)

    def repeat(self, value: Told, times: Expr, index: Symbol | None) -> Told:
        phi = self.transfers.repeat(value.phi, times, index)
        return replace(value, phi=phi, steps=value.steps if times == 1 else shortened(value.steps * 2))

    def share(self, value: Told, name: str, path: str) -> Told:
        return replace(value, tied=True)

    def source(self, site: Site) -> Told:
        return Told(self.transfers.source(site))

    def fuse(self, values: Sequence[Told]) -> Told:
        return replace(values[0], branches=True)

    def graph(self, steps: Sequence[GraphStep[Told]], sink: str) -> Told:
        told = [value for step in steps for value in step.values]
        bare = [GraphStep(step.name, step.sources, [value.phi for value in step.values], step.join) for step in steps]
        return Told(self.transfers.graph(bare, sink), (), self._both(told)[0], True)

    @staticmethod
    def _both(values: Sequence[Told]) -> tuple[bool, bool]:
        return any(value.tied for value in values), any(value.branches for value in values)


@dataclass(frozen=True)
class PlainWidths:
    """Widths of the layers of units, in blocks that are repeated.

    Attributes
    ----------
    blocks : tuple of (widths, times)
    ends_affine : bool
        Whether an affine map follows the last units.
    dense : bool
        Whether an affine map of full rank stands before every layer of units, and the last map is one.
    output : Expr
    """

    blocks: tuple[tuple[tuple[Expr, ...], Any], ...]
    ends_affine: bool
    dense: bool
    output: Expr


def plain_widths(phi: Transfer, inputs: Any, output: Any, what: str) -> PlainWidths:
    """The widths of a plain network from its transfer function.

    Raises
    ------
    UnsupportedError
        If there are branches, pools or units that are no ReLUs.
    """
    reader = _Reader(inputs, what)
    blocks = reader.blocks(phi)
    last = reader.affine
    dense = reader.dense and (last is None or (last.groups is not None and last.groups[2] == 1))
    return PlainWidths(tuple(blocks), last is not None, dense, output)


class _Reader:
    def __init__(self, inputs: Any, what: str):
        self.before, self.what, self.dense = inputs, what, True
        self.affine: Affine | None = None

    def blocks(self, phi: Transfer) -> list[tuple[tuple[Expr, ...], Any]]:
        found: list[tuple[tuple[Expr, ...], Any]] = []
        for part in phi.parts if isinstance(phi, Chain) else (phi,):
            if isinstance(part, Affine):
                self.affine = part
            elif isinstance(part, Units) and part.pieces == RELU:
                self._check(part)
                if found and found[-1][1] == 1:
                    found[-1] = ((*found[-1][0], part.count), 1)
                else:
                    found.append(((part.count,), 1))
                self.before, self.affine = part.count, None
            elif isinstance(part, Repeated) and part.index is None:
                inner = self.blocks(part.body)
                if len(inner) > 1 or any(times != 1 for _, times in inner):
                    raise UnsupportedError(
                        f"{self.what} has no rule for a repetition inside a repetition\n"
                        "  write instead: one repetition with the number of all copies, or layer_complexity(net) for any network"
                    )
                found += [(widths, part.times) for widths, _ in inner]
            else:
                raise UnsupportedError(
                    f"{self.what} is stated for plain networks, layers of ReLUs one after the other, and here "
                    f"is a {type(part).__name__}\n"
                    "  write instead: layer_complexity(net), or linear_regions(net, bound='histogram'), for any network"
                )
        return found

    def _check(self, units: Units) -> None:
        """Whether the units see an affine map in general position of all that came before."""
        affine = self.affine
        dense = (
            affine is not None
            and affine.groups is not None
            and affine.groups[2] == 1
            and units.groups[0][1:] == (oo, 1)
        )
        if dense and affine is not None:
            full = Min(self.before, units.count)
            dense = affine.rank == full or simplify(affine.rank - full) == 0
        self.dense = self.dense and dense
