"""Bounds on affine regions against counts: no network has more, at weights that are searched for many of them.

>>> from layeralgebra import proofs
>>> proofs.named("regions_of_branches_at_least_counted").exactness
'inequality'
"""

from __future__ import annotations

from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any

from ...algebra.derivations.metric import METRICS
from ...algebra.errors import LayerAlgebraError
from ...algebra.networks.network import Network
from ...algebra.regions.published_bounds import BOUNDS, COUNTS
from ...layers import REGISTRY
from ..samples.counted_regions import Excess, excess, excess_over, histograms
from ..samples.populations import of_perceptron_chains, of_piecewise_chains, of_piecewise_forks, of_piecewise_loops
from ..samples.structural import Inapplicable, structural, witness
from ..verdict import Witness

if TYPE_CHECKING:
    from ..samples.chains import Chain, Fork, Loop

#: How often is counted for one sample and dimension, in how many elements and regions at most.
ATTEMPTS, MOST_ELEMENTS, MOST_REGIONS = 3, 8, 60


def _shown(sample: Any, found: Excess | None, net: Network) -> Witness | None:
    if found is None:
        return None
    counted = (found.counted.patterns, found.counted.ranks)
    return witness(sample.where(), "<=", counted, found.bound, f"regions of {net}, and by dimension, {found}")


def _small(on: Any) -> None:
    if prod(on) > MOST_ELEMENTS:
        raise Inapplicable


def _counted(sample: Any, net: Network) -> Witness | None:
    """Regions against the network's own transfer function."""
    _small(sample.on)
    return _shown(sample, excess(net, (sample.on,), ATTEMPTS, most_regions=MOST_REGIONS), net)


def _as_many_as(sample: Any, net: Network, *parts: Network) -> Witness | None:
    """Regions against the most that one of some parts has, whose images have any dimension."""
    _small(sample.on)
    known = [histograms(part, (sample.on,)) for part in parts]

    def allowed(dimension: int) -> tuple[int, ...]:
        return (*(0,) * 9, max(sum(bound(dimension)) for bound in known))

    return _shown(sample, excess_over(net, (sample.on,), allowed, 12, most_regions=MOST_REGIONS), net)


@structural(
    of_piecewise_chains,
    relation="<=",
    mutants={
        "those of the first part": lambda c: _as_many_as(c, c.f >> c.g >> c.h, c.f),
        "of the first two": lambda c: _as_many_as(c, c.f >> c.g >> c.h, c.f >> c.g),
    },
)
def regions_in_series_at_least_counted(c: Chain) -> Witness | None:
    """The transfer function of f >> g >> h allows all regions that are counted, and of every dimension."""
    return _counted(c, c.f >> c.g >> c.h)


@structural(
    of_piecewise_forks,
    relation="<=",
    mutants={
        "those of the larger branch": lambda s: _as_many_as(s, s.f | s.g, s.f, s.g),
        "those before the branches": lambda s: _as_many_as(s, s.before >> s.f + s.g, s.before),
    },
)
def regions_of_branches_at_least_counted(s: Fork) -> Witness | None:
    """The transfer functions of sums and concatenations allow all regions that are counted, and of every dimension."""
    return _counted(s, s.before >> s.f + s.g >> s.after) or _counted(s, s.f | s.g | s.h)


def _block(r: Loop, shared: bool) -> Network:
    """A linear map and f, so that copies do not all bend in one place."""
    linear: Any = REGISTRY["Linear"]
    body: Network = linear(r.on[-1]) >> r.f
    return body.shared("f") if shared else body


def _copies(r: Loop, shared: bool) -> Network:
    return _block(r, shared) ** (r.n + 1)


@structural(
    of_piecewise_loops,
    relation="<=",
    mutants={
        "one copy": lambda r: _as_many_as(r, _copies(r, False), _block(r, False)),
        "one copy of the same": lambda r: _as_many_as(r, _copies(r, True), _block(r, True)),
    },
)
def regions_of_copies_at_least_counted(r: Loop) -> Witness | None:
    """The transfer function of (Linear >> f) ** n allows all regions that are counted, with weights of their own and with the same."""
    return _counted(r, _copies(r, False)) or _counted(r, _copies(r, True))


def _published(c: Chain, bounded: Network) -> Witness | None:
    """Every published bound that speaks of a network, whatever is counted, against the regions of f >> g >> h on the whole input."""
    net, values = c.f >> c.g >> c.h, {}
    size: int = prod(tuple(c.on))
    if size > 3 or (size and sum(histograms(net, (c.on,))(size)) > MOST_REGIONS):
        raise Inapplicable
    for bound, count in product(BOUNDS, COUNTS):
        try:
            said = METRICS["linear_regions"].derive(bounded, on=c.on, bound=bound, count=count)
        except LayerAlgebraError:  # it is stated for other networks
            continue
        values[bound, count] = (said.kind, int(said.formula))
    above = [value for kind, value in values.values() if kind != "lower"]
    if not above:
        raise Inapplicable
    below = max((value for kind, value in values.values() if kind == "lower"), default=0)
    if below > min(above):
        return witness(c.where(), "<=", below, min(above), "a lower bound and an upper one")
    allowed = (*(0,) * 9, min(above))
    return _shown(c, excess_over(net, (c.on,), lambda dimension: allowed, ATTEMPTS, most_regions=MOST_REGIONS), net)


@structural(
    of_perceptron_chains,
    relation="<=",
    mutants={
        "those of the first part": lambda c: _published(c, c.f),
        "of the first two": lambda c: _published(c, c.f >> c.g),
    },
    cites="the sources of the bounds",
)
def published_region_bounds_at_least_counted(c: Chain) -> Witness | None:
    """Upper and exact bounds on the regions of ReLU layers are at least what is counted, and no lower bound is above one of them."""
    return _published(c, c.f >> c.g >> c.h)
