"""The steps of a recurrence in numbers: their order, and those that lines of their own give."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from ..equations.affine import affine
from ..equations.heads import Head, Read
from ..equations.initial_lines import Given, rebuilt, without
from ..equations.instance import Instance
from ..equations.recurrences import Recurrence
from ..sizes.dims import Index


def steps_of(instance: Instance, places: Sequence[int], recurrence: Recurrence) -> Iterator[dict[Index, int]]:
    """The values of the running indices, in the order in which they are computed."""
    ways = []
    for index in recurrence.running:
        count = max((int(instance.extents[place][index]) for place in places), default=0)
        ways.append(range(count - 1, -1, -1) if index in recurrence.down else range(count))
    for values in product(*ways):
        yield dict(zip(recurrence.running, values))


def place_of(instance: Instance, tensor: str, given: Given) -> int:
    """Where a step that is given stands along its axis; -1 or the size of the axis if it is the one before the first."""
    own = instance.statements[instance.places[tensor]]
    down = instance.recurrent[instance.places[tensor]].down
    if own.address[given.axis] in down:
        return int(instance.shapes[tensor][given.axis]) - 1 - given.number
    return given.number


def given_at(instance: Instance, place: int, step: dict[Index, int]) -> Given | None:
    """The line that gives a step of a state in place of the statement that goes on from it."""
    statement = instance.statements[place]
    for given in instance.given.get(statement.target, ()):
        running = statement.address[given.axis]
        if (
            given.number >= 0
            and isinstance(running, Index)
            and step[running] == place_of(instance, statement.target, given)
        ):
            return given
    return None


def with_given_steps(instance: Instance, head: Head, step: dict[Index, int]) -> Head:
    """A head at one step of a recurrence, in which reads of steps before the first one are reads of the lines that give them."""

    def change(read: Read) -> Read:
        address = tuple(change(part) if isinstance(part, Read) else part for part in read.address)
        place = instance.places.get(read.tensor, -1)
        recurrence = instance.recurrent.get(place)
        if recurrence is not None and read.tensor in instance.given:
            own = instance.statements[place].address
            at = {}
            for axis, (part, of) in enumerate(zip(address, own)):
                if of in step and (part == of or recurrence.is_earlier(part, of)):
                    form = affine(part)
                    at[axis] = step[of] + int(form[1])  # type: ignore[index]
            shape = instance.shapes[read.tensor]
            outside = {axis for axis, step_at in at.items() if not 0 <= step_at < int(shape[axis])}
            for given in instance.given[read.tensor]:
                here = at.get(given.axis) == place_of(instance, read.tensor, given)
                if given.number < 0 and here and outside == {given.axis}:
                    return Read(given.tensor, without(address, given.axis))
        return Read(read.tensor, address)

    return rebuilt(head, change) if instance.given else head
