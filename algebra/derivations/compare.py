"""Several networks side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sympy import preorder_traversal

from ..arguments import checked, shown
from ..errors import FieldError
from ..formulas.table import Table, evaluated
from ..networks.layer import Layer
from ..networks.network import Network, as_network
from .derivation import Derivation
from .metric import derive

__all__ = ["compare"]


@checked
def compare(
    nets: Mapping[str, Network],
    metrics: Sequence[Any] = ("parameters", "macs", "activations"),
    at: Mapping[Any, int] | None = None,
    on: Any = None,
) -> Table:
    """A table of networks and metrics, as formulas or at given sizes.

    Parameters
    ----------
    nets : mapping of str to Network
    metrics : sequence of Metric or str
    at : mapping of name or symbol to int, optional
        Sizes at which everything is evaluated.
    on : shape, or mapping of str to shape, optional
        What enters open networks: the same for all, or by the names of the networks.

    Returns
    -------
    Table
        With `text`, `latex`, `csv`; iterating gives a dict for each row.

    Raises
    ------
    DomainError
        If one of the networks does not exist at the given sizes.
    FieldError
        If there are no networks or no metrics, a metric is unknown, or a size is missing, unknown or no integer.
    ShapeError
        If nothing enters an open network, or sizes do not fit.
    GraphError
        If both `on` and an `Input` say what enters.

    Examples
    --------
    >>> from layeralgebra import Conv, Linear, dims
    >>> H, c = dims("H c")
    >>> nets = {"full": Conv(c, 3, padding=1), "depthwise": Conv(c, 3, padding=1, groups=c)}
    >>> print(compare(nets, metrics=["parameters", "macs"], on=(c, H, H)))
    network    parameters  MACs
    ---------  ----------  -----------
    full       9*c**2 + c  9*H**2*c**2
    depthwise  10*c        9*H**2*c
    >>> print(compare(nets, metrics=["parameters", "macs"], on=(c, H, H), at={"H": 56, "c": 64}).csv())
    network,parameters,MACs
    full,36928,115605504
    depthwise,640,1806336
    <BLANKLINE>
    """
    if not isinstance(nets, Mapping) or not nets:
        raise FieldError(f"compare takes a mapping of names to networks, got {shown(nets)}")
    if isinstance(metrics, str) or not metrics:
        raise FieldError(f"compare takes a list of metrics, got {shown(metrics)}; write metrics=['parameters', 'macs']")
    inputs = _inputs(nets, on)
    found = {
        str(name): [derive(metric, as_network(net, f"compare, {name},"), inputs[name]) for metric in metrics]
        for name, net in nets.items()
    }
    columns = [derivation.metric.title for derivation in next(iter(found.values()))]
    rows: list[tuple[Any, ...]] = [(name, *(part.formula for part in parts)) for name, parts in found.items()]
    if at is not None:
        known = {symbol for parts in found.values() for part in parts for symbol in part.known.values()}
        rows = evaluated(rows, known, at)
        _check_domains(found, at)
    notes = tuple(
        f"{title}: {kind} for {_those(found, place, kind)}."
        for place, title in enumerate(columns)
        for kind in dict.fromkeys(parts[place].kind for parts in found.values()) if kind != "exact"
    )  # fmt: skip
    return Table(("network", *columns), tuple(rows), notes=notes)


def _inputs(nets: Mapping[str, Network], on: Any) -> dict[str, Any]:
    """What enters each network; one shape for all only where all of them have the channels at the same place."""
    if isinstance(on, Mapping):
        if unknown := [str(name) for name in on if name not in nets]:
            raise FieldError(f"on names {', '.join(unknown)}, and the networks are {', '.join(map(str, nets))}")
        return {name: on.get(name) for name in nets}
    if on is None:
        return dict.fromkeys(nets)
    places = {str(name): _channels(as_network(net, f"compare, {name},")) for name, net in nets.items()}
    first, last = ([name for name, place in places.items() if place == where] for where in ("first", "last"))
    if first and last:
        raise FieldError(
            f"the channels come first in what enters {', '.join(first)}, and last in what enters {', '.join(last)}; "
            f"say what enters each: on={{{first[0]!r}: (c, H, W), {last[0]!r}: (T, d)}}"
        )
    return dict.fromkeys(nets, on)


def _channels(net: Network) -> str | None:
    """Where the first layer that tells has the channels of what enters."""
    layers = (node for node in preorder_traversal(net) if isinstance(node, Layer))
    return next((place for layer in layers if (place := layer.layout[0]) in ("first", "last")), None)


def _check_domains(found: Mapping[str, Sequence[Derivation]], at: Mapping[Any, int]) -> None:
    """Every network has to exist at the sizes; one that has fewer symbols than the others takes those it has."""
    by_name = {getattr(key, "name", str(key)): value for key, value in at.items()}
    for parts in found.values():
        for part in parts:
            part.domain.check({symbol: by_name[symbol.name] for symbol in part.symbols if symbol.name in by_name})


def _those(found: Mapping[str, Sequence[Derivation]], place: int, kind: str) -> str:
    names = [name for name, parts in found.items() if parts[place].kind == kind]
    return "all" if len(names) == len(found) > 1 else ", ".join(names)
