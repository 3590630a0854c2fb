"""An equation at given shapes with one extent for each letter, and without lines that nothing reads.

Within a layer a letter may have another extent on another line; in the lines of the backward pass those of several lines come together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, replace
from typing import Any

from sympy import Expr

from ..equations.heads import (
    Address,
    Group,
    Head,
    Read,
    Reduce,
    Select,
    Softmax,
    address_indices,
    rebuilt,
)
from ..equations.initial_lines import Given
from ..equations.instance import Instance
from ..equations.recurrences import Recurrence
from ..equations.statements import Elaborated, Limit, Statement, with_numbers
from ..records import dataclass
from ..sizes.dims import Index

Letters = Mapping[Index, Index]


@dataclass
class Names:
    """Names that are taken, of tensors, of letters and of fields."""

    taken: set[str] = field(default_factory=set)

    def fresh(self, wish: str, always: bool = False) -> str:
        """A name that nothing has: the wish, or with a number behind it (`always`: even where the wish is free)."""
        if wish not in self.taken and not always:
            self.taken.add(wish)
            return wish
        number = 1
        while (name := f"{wish}{'_' if wish[-1].isdigit() else ''}{number}") in self.taken:
            number += 1
        self.taken.add(name)
        return name


def relabelled_address(part: Address, letters: Letters) -> Address:
    """One component of an address with other letters."""
    if isinstance(part, Read):
        return relabelled_read(part, letters)
    if isinstance(part, Group):
        return Group(tuple(letters.get(index, index) for index in part.parts))
    return part.xreplace(dict(letters))


def relabelled_read(read: Read, letters: Letters) -> Read:
    return Read(read.tensor, tuple(relabelled_address(part, letters) for part in read.address))


def relabelled(head: Head, letters: Letters) -> Head:
    """A head with other letters, those that it binds too."""
    if isinstance(head, (Reduce, Softmax, Select)):
        head = replace(head, indices=tuple(letters.get(index, index) for index in head.indices))
    return rebuilt(
        head, lambda read: relabelled_read(read, letters), lambda value: value.xreplace(dict(letters)),
        lambda part: relabelled(part, letters),
    )  # fmt: skip


def renamed_read(read: Read, name: Callable[[str], str]) -> Read:
    """A read of tensors by other names, those looked up for its address too."""
    address = tuple(renamed_read(part, name) if isinstance(part, Read) else part for part in read.address)
    return Read(name(read.tensor), address)


def renamed(head: Head, name: Callable[[str], str]) -> Head:
    """A head with tensors by other names."""
    return rebuilt(head, lambda read: renamed_read(read, name), part=lambda part: renamed(part, name))


def one_extent_each(instance: Instance, names: Names) -> Instance:
    """The same equation, its live lines only, where every letter has one extent; `names` learns what is taken."""
    order = _in_order(instance)
    titles = {name: names.fresh(name.split("[")[0] + "_start") for name in instance.shapes if "[" in name}
    names.taken |= {name for name in instance.shapes if "[" not in name}
    names.taken |= {index.name for extents in instance.extents for index in extents}
    known: dict[tuple[Index, Expr], Index] = {}
    statements: list[Statement] = []
    extents: list[dict[Index, Expr]] = []
    masks: dict[Limit, None] = {}
    own: dict[int, dict[Index, tuple[Expr, Expr]]] = {}
    for place in order:
        letters = {}
        for index, extent in instance.extents[place].items():
            if (index, extent) not in known:
                first = all(other != index for other, _ in known)
                known[index, extent] = index if first else Index(names.fresh(index.name, always=True))
            letters[index] = known[index, extent]
        statement = instance.statements[place]
        address = relabelled_read(Read(statement.target, statement.address), letters).address
        value = renamed(relabelled(statement.value, letters), lambda name: titles.get(name, name))
        statements.append(
            replace(statement, target=titles.get(statement.target, statement.target), address=address, value=value)
        )
        extents.append({letters[index]: extent for index, extent in instance.extents[place].items()})
        for mask in instance.masks(place):
            masks[_relettered(mask, letters)] = None
        ranges = instance.elaborated.ranges
        for index in letters:
            if index in ranges and _tied(ranges[index]) <= set(letters):
                own.setdefault(-1, {})[letters[index]] = tuple(end.xreplace(letters) for end in ranges[index])
        if place in instance.own_ranges:
            own[len(statements) - 1] = {
                letters[index]: tuple(end.xreplace(letters) for end in ends)
                for index, ends in instance.own_ranges[place].items()
            }
    places = {statement.target: place for place, statement in enumerate(statements)}
    ranges_everywhere = own.pop(-1, {})
    made = Elaborated(statements, ranges=ranges_everywhere, masks=list(masks))

    def rename(mapping: Mapping[str, Any]) -> dict[str, Any]:
        return {titles.get(name, name): value for name, value in mapping.items()}

    return replace(
        instance, elaborated=made, extents=extents, shapes=rename(instance.shapes), roles=rename(instance.roles), places=places,
        margins=rename(instance.margins), recurrent=_recurrences(instance, order, statements, known),
        given={
            name: tuple(Given(one.number, one.axis, titles[one.tensor]) for one in steps)
            for name, steps in instance.given.items()
        },
        own_ranges=own,
    )  # fmt: skip


def _relettered(mask: Limit, letters: Letters) -> Limit:
    return with_numbers(mask, lambda value: value.xreplace(dict(letters)))


def _tied(ends: Iterable[Expr]) -> set[Index]:
    return set().union(*(address_indices(end) for end in ends))


def _in_order(instance: Instance) -> list[int]:
    """The numbers of the live lines; of a recurrence, those first that do not go along with its steps."""
    order: list[int] = []
    for first, last, recurrence in instance.order:
        live = [place for place in range(first, last + 1) if place in instance.live]
        if recurrence is not None:
            live.sort(key=lambda place: recurrence.covers(instance.statements[place]))
        order += live
    return order


def _recurrences(
    instance: Instance, order: list[int], statements: list[Statement], known: Mapping[tuple[Index, Expr], Index]
) -> dict[int, Recurrence]:
    found: dict[int, Recurrence] = {}
    for recurrence in dict.fromkeys(instance.recurrent.values()):
        inside = [
            number
            for number, place in enumerate(order)
            if recurrence.first <= place <= recurrence.last and recurrence.covers(instance.statements[place])
        ]
        if not inside:
            continue
        extents = instance.extents[order[inside[0]]]
        letters = {index: known[index, extents[index]] for index in recurrence.running}
        made = Recurrence(
            inside[0], inside[-1], tuple(letters[index] for index in recurrence.running),
            frozenset(letters[index] for index in recurrence.down),
        )  # fmt: skip
        found |= {number: made for number in inside}
    return found


def limits_on(instance: Instance, own: frozenset[Index], scope: frozenset[Index]) -> list[Limit | Index]:
    """The masks and ranges that bound a reduction over `own`, seen from a scope."""
    around = scope | own
    found: list[Limit | Index] = [
        mask for mask in instance.elaborated.masks if mask.indices & own and mask.indices <= around
    ]
    for index, ends in instance.elaborated.ranges.items():
        if ({index} | _tied(ends)) & own and {index} | _tied(ends) <= around:
            found.append(index)
    return found
