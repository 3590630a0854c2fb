"""Plain networks: one layer of units after another, as the published bounds on regions and capacity want them.

>>> from layeralgebra import Linear, ReLU, dims, transfer
>>> n, L = dims("n L")
>>> net = Linear(5) >> ReLU() >> (Linear(n) >> ReLU()) ** L >> Linear(3)
>>> found = plain_widths(transfer(net, on=(2,)).phi, 2, 3, "a bound")
>>> found.blocks, found.ends_affine, found.dense
((((5, n), 1), ((n,), L - 1)), True, True)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sympy import Expr, Min, oo

from ..errors import UnsupportedError
from ..sizes.normal_form import simplify
from .composition import Chain, Repeated
from .local_maps import RELU, Affine, Transfer, Units


@dataclass(frozen=True)
class PlainWidths:
    """Widths of the layers of units, in blocks that are repeated.

    Attributes
    ----------
    blocks : tuple of (widths, times)
    ends_affine : bool
        Whether an affine map follows the last units.
    dense : bool
        Whether an affine map of full rank with weights of its own stands before every layer of units, and the last map
        is one.
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
                        f"{self.what} has no rule for a repetition inside a repetition; repeat a literal number "
                        f"of times"
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
