"""Initial lines: the state of a recurrence before its first step, or the first steps themselves, each on a line of its own.

``h[-1, o] = h0[o]`` beside ``h[t, o] = ... h[t-1, o]`` gives the step before the first one, ``z[0, i] = x[i]`` the first step itself, so
that the other line holds from the next one on. Where an index runs down, ``b[size(t), o] = ...`` and ``b[size(t) - 1, o] = ...`` are the
same. A step that no line gives is zero.

Within the engine such a step is a tensor of its own, called ``h[-1]``, without the axis of the steps: an ordinary line defines it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from sympy import Expr, Integer

from ..errors import EquationError
from ..records import dataclass
from ..sizes.dims import Index
from ..sizes.normal_form import simplify
from .heads import Address, Group, Read, address_indices, rebuilt
from .recurrences import Recurrence
from .requirements import Requirements
from .statements import InitialStep, Statement

Failure = Callable[[int, str, str], EquationError]


@dataclass(frozen=True)
class Given:
    """A step that a line gives: its number in the order of the steps, -1 for the one before the first, and the tensor that holds it."""

    number: int
    axis: int
    tensor: str


# apart ---------------------------------------------------------------------------------------------------------------


def steps_apart(statements: Sequence[Statement], fail: Failure) -> list[Statement]:
    """The same statements, with steps that have a line of their own as tensors of their own."""
    lines: dict[str, list[int]] = {}
    for place, statement in enumerate(statements):
        lines.setdefault(statement.target, []).append(place)
    steps: dict[int, InitialStep] = {}
    for name, places in lines.items():
        if len(places) > 1:
            steps |= _initial(name, places, statements, fail)
    if not steps:
        return list(statements)
    made = {(step.tensor, step.axis, step.at): name_of(step) for step in steps.values()}
    found = []
    for place, statement in enumerate(statements):
        value = rebuilt(statement.value, lambda read: _step_read(read, made))
        if place in steps:
            step = steps[place]
            address = without(statement.address, step.axis)
            statement = replace(statement, target=name_of(step), address=address, gives=step)
        found.append(replace(statement, value=value))
    return found


def name_of(step: InitialStep) -> str:
    """What the tensor of one step is called."""
    return f"{step.tensor}[{step.at}]"


def _initial(
    name: str, places: Sequence[int], statements: Sequence[Statement], fail: Failure
) -> dict[int, InitialStep]:
    """Which of the lines that define one tensor give single steps of it."""
    found: list[dict[int, InitialStep]] = []
    for general in places:
        steps: dict[int, InitialStep] = {}
        own = statements[general].address
        for place in places:
            address = statements[place].address
            axes = [axis for axis, part in enumerate(address) if _is_number(part)]
            if place != general and len(address) == len(own) and len(axes) == 1 and isinstance(own[axes[0]], Index):
                at = address[axes[0]]
                assert isinstance(at, Expr)
                steps[place] = InitialStep(name, axes[0], simplify(at))
        if len(steps) == len(places) - 1:
            found.append({general: InitialStep(name, -1, Integer(0)), **steps})
    if len(found) != 1:
        raise fail(
            places[1],
            f"{name} is defined twice; beside its line only single steps of a recurrence have lines of their own, such as the one "
            f"before the first, {name}[-1, ...], or the first, {name}[0, ...]",
            "a name of its own for each",
        )
    steps = found[0]
    general = next(place for place, step in steps.items() if step.axis < 0)
    del steps[general]
    known: set[tuple[int, Expr]] = set()
    for place, step in steps.items():
        if place > general:
            raise fail(place, f"this step of {name} is given behind the line that goes on from it", "this line first")
        if (step.axis, step.at) in known:
            raise fail(place, f"the step {step.at} of {name} is given twice", "one line for each step")
        known.add((step.axis, step.at))
    for axis, part in enumerate(statements[general].address):
        if not isinstance(part, (Index, Group)):
            raise fail(
                general,
                f"axis {axis} of {name}, of which lines give single steps, is written at {part.tensor if isinstance(part, Read) else part}",
                "plain indices",
            )
    return steps


def _is_number(part: Address) -> bool:
    return isinstance(part, Expr) and not address_indices(part)


def without(address: tuple[Address, ...], axis: int) -> tuple[Address, ...]:
    """An address of one step, without the axis of the steps."""
    return (*address[:axis], *address[axis + 1 :])


def _step_read(read: Read, made: Mapping[tuple[str, int, Expr], str]) -> Read:
    """A read at a step that a line gives is one of that line."""
    address = tuple(_step_read(part, made) if isinstance(part, Read) else part for part in read.address)
    for axis, part in enumerate(address):
        if isinstance(part, Expr) and not address_indices(part):
            name = made.get((read.tensor, axis, simplify(part)))
            if name is not None:
                return Read(name, without(address, axis))
    return Read(read.tensor, address)


def whole_again(statements: Sequence[Statement]) -> list[Statement]:
    """The statements as they were written: steps with lines of their own are elements of their tensor."""
    steps = {statement.target: statement.gives for statement in statements if statement.gives is not None}

    def back(read: Read) -> Read:
        address = tuple(back(part) if isinstance(part, Read) else part for part in read.address)
        step = steps.get(read.tensor)
        if step is None:
            return Read(read.tensor, address)
        return Read(step.tensor, (*address[: step.axis], step.at, *address[step.axis :]))

    if not steps:
        return list(statements)
    found = []
    for statement in statements:
        left = back(Read(statement.target, statement.address))
        found.append(replace(statement, target=left.tensor, address=left.address, value=rebuilt(statement.value, back)))
    return found


# what they say -------------------------------------------------------------------------------------------------------


def require_states(
    statements: Sequence[Statement],
    places: Mapping[str, int],
    recurrent: Mapping[int, Recurrence],
    requirements: Requirements,
) -> None:
    """Only the steps of a recurrence have lines of their own."""
    for statement in statements:
        step = statement.gives
        if step is None:
            continue
        place = places[step.tensor]
        running = statements[place].address[step.axis]
        recurrence = recurrent.get(place)
        if recurrence is None or running not in recurrence.running or not recurrence.covers(statements[place]):
            raise requirements.error(
                f"{step.tensor} is defined twice: this line gives one step along {running}, and no line reads an earlier step of "
                f"{step.tensor} along {running}; write {step.tensor}[{running}-1, ...] in a recurrence, or a name of its own for each",
                statement, EquationError,
            )  # fmt: skip


def given_step(statement: Statement, running: Index, down: bool, extent: Expr, requirements: Requirements) -> Given:
    """The number of the step that an initial line gives."""
    step = statement.gives
    assert step is not None
    number = simplify(extent - 1 - step.at) if down else step.at
    if not number.is_Integer:
        first, before = ("size - 1", "size") if down else ("0", "-1")
        raise requirements.error(
            f"{step.tensor} is given at the step {step.at}, and where that lies among the {extent} steps along {running} is not known; "
            f"an initial line stands at {before}, the step before the first, or at {first}, the first one", statement, EquationError,
        )  # fmt: skip
    return Given(int(number), step.axis, statement.target)


def require_in_turn(
    found: Sequence[Given], statement: Statement, running: Index, extent: Expr, requirements: Requirements
) -> int:
    """How many steps along one index are given: the first ones, without a gap, and fewer than there are or all of them."""
    numbers = sorted(given.number for given in found if given.number >= 0)
    if numbers != list(range(len(numbers))):
        raise requirements.error(
            f"the steps of {statement.target} along {running} that have a line of their own are not the first ones: a line for one of "
            f"them needs one for each before it", statement, EquationError,
        )  # fmt: skip
    requirements.at_least(
        extent, Integer(len(numbers)),
        partial(
            "{} has {} steps along {}, and {} of them have a line of their own".format,
            statement.target, extent, running, len(numbers),
        ),
        statement,
    )  # fmt: skip
    return len(numbers)
