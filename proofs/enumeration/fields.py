"""Receptive fields of small networks by index sets: which input elements every output element depends on.

A network is a list of parts: a part is an equation at its sizes, or several lists side by side, joined by adding or by stacking
along an axis. Nothing is derived: sets of elements are followed through the network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

Element = tuple[int, ...]
Sets = Mapping[Element, frozenset[Element]]


def after(first: Sets, then: Sets) -> dict[Element, frozenset[Element]]:
    """What is seen through one part and then, from its output, through another."""
    return {where: frozenset().union(*(first[element] for element in read)) for where, read in then.items()}


def beside(parts: Sequence[Sets]) -> dict[Element, frozenset[Element]]:
    """What is seen through branches whose outputs are added; a branch of one position goes to all."""
    sizes = [tuple(max(axis) + 1 for axis in zip(*part)) for part in parts]
    wanted = tuple(map(max, zip(*sizes)))
    return {
        where: frozenset().union(
            *(part[tuple(0 if size == 1 else at for at, size in zip(where, own))] for part, own in zip(parts, sizes))
        )
        for where in product(*map(range, wanted))
    }


def stacked(parts: Sequence[Sets], axis: int) -> dict[Element, frozenset[Element]]:
    """What is seen through branches whose outputs stand one after the other along an axis."""
    made: dict[Element, frozenset[Element]] = {}
    start = 0
    for part in parts:
        for where, read in part.items():
            made[(*where[:axis], where[axis] + start, *where[axis + 1 :])] = read
        start += max(where[axis] for where in part) + 1
    return made


def hull(read: frozenset[Element], axis: int) -> tuple[int, int] | None:
    """The first and the last position of some elements along an axis."""
    places = [element[axis] for element in read]
    return (min(places), max(places)) if places else None


def covers(sets: Sets, axis: int, size: int) -> bool:
    """Whether every output that reads anything depends on every position of an axis."""
    return all({element[axis] for element in read} == set(range(size)) for read in sets.values() if read)


def of_positions(sets: Sets, channels: int) -> dict[Element, frozenset[Element]]:
    """What output positions see through all their channels, the channel counted as 0."""
    made: dict[Element, frozenset[Element]] = {}
    for where, read in sets.items():
        place = (*where[:channels], 0, *where[channels + 1 :])
        made[place] = made.get(place, frozenset()) | read
    return made
