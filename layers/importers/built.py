"""Networks that are put together from recorded operations, and where in them each operation stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...algebra.networks.network import Graph, Network, Repeat, Series
from ...algebra.records import dataclass

Path = tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """A part of an operation's network, and the path at which it stands."""

    path: Path
    operation: str
    inner: Path = ()

    def under(self, name: str) -> "Place":
        return Place((name, *self.path), self.operation, self.inner)


@dataclass(frozen=True)
class Built:
    """A network with the places of its operations; of a series each part has its own."""

    net: Network
    places: tuple[Place, ...] = ()

    @classmethod
    def graph(cls, nodes: Mapping[str, "Built"], edges: Sequence[tuple[str, str]]) -> "Built":
        places = (place.under(name) for name, part in nodes.items() for place in part.places)
        return cls(Graph({name: part.net for name, part in nodes.items()}, edges), tuple(places))

    def parts(self) -> list["Built"]:
        """The parts of a series; alone, what is none."""
        if not isinstance(self.net, Series):
            return [self]
        return [
            Built(
                net,
                tuple(
                    Place(one.path[1:], one.operation, one.inner) for one in self.places if one.path[0] == str(number)
                ),
            )
            for number, net in enumerate(self.net.parts)
        ]


def single(net: Network, operation: str = "") -> Built:
    """One operation; without a name, what belongs to none."""
    if not operation:
        return Built(net)
    if not isinstance(net, Series):
        return Built(net, (Place((), operation),))
    return Built(net, tuple(Place((str(number),), operation, (str(number),)) for number in range(len(net.parts))))


def chain(parts: Sequence[Built]) -> Built:
    """Networks one after the other: series flatten and identities disappear, as they do in `Series`."""
    flat = [one for part in parts for one in part.parts()]
    kept = [part for part in flat if not part.net.is_identity] or flat[:1]
    if len(kept) == 1:
        return kept[0]
    places = (place.under(str(number)) for number, part in enumerate(kept) for place in part.places)
    return Built(Series(*(part.net for part in kept)), tuple(places))


def copies(rounds: Sequence[Built]) -> Built:
    """Equal networks one after the other as a repetition."""
    places = (place.under(str(number)) for number, part in enumerate(rounds) for place in part.places)
    return Built(Repeat(rounds[0].net, len(rounds)), tuple(places))
