"""Extents of indices, and shapes of tensors: inferred from the inputs, line by line.

An extent is inferred from an axis that the index addresses alone, from `where`, from a group whose other members are
known, or by solving an affine address against the size of its axis: the largest i with ``s*i + d*(k-1) <= N - 1`` is
``floor((N - 1 - d*(k-1)) / s)``, which is where the output size of a convolution comes from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from functools import cached_property, partial

from sympy import Expr, Integer, Mul, floor

from ..errors import EquationError, ShapeError
from ..records import dataclass
from ..sizes.dims import Index
from ..sizes.normal_form import is_nonnegative, simplify
from .affine import affine
from .asked_sizes import SizeOf, asked_in, with_sizes
from .definitions import Definitions
from .everywhere import require_everywhere
from .heads import (
    PLACES,
    Address,
    Group,
    Pad,
    Read,
    Select,
    address_indices,
    free_indices,
)
from .initial_lines import Given, given_step, require_in_turn, without
from .integrality import must_be_whole
from .reductions import require_points
from .requirements import Requirements, Shape, shape_text
from .statements import Elaborated, Limit, Mask, Statement

_ZERO, _ONE = Integer(0), Integer(1)


@dataclass(frozen=True)
class Margin:
    """One axis of a padded tensor: the width of the margin before the real elements, and how many of these there are."""

    before: Expr
    inner: Expr


@dataclass(frozen=True)
class Extents:
    """The extents of the indices of every statement, the shapes of all tensors and the margins of the padded ones.

    `given` has the steps of a state that lines of their own give, `own` the ranges that this leaves to the line that goes on from them,
    by the number of that line.
    """

    of: list[dict[Index, Expr]]
    shapes: dict[str, Shape]
    margins: dict[str, tuple[Margin | None, ...]] = field(default_factory=dict)
    given: dict[str, tuple[Given, ...]] = field(default_factory=dict)
    own: dict[int, dict[Index, tuple[Expr, Expr]]] = field(default_factory=dict)


def margins(statements: Sequence[Statement], shapes: Mapping[str, Shape]) -> dict[str, tuple[Margin | None, ...]]:
    """The margins of the tensors that are padded."""
    return {
        statement.target: tuple(
            None if before.is_zero and after.is_zero else Margin(before, size)
            for size, (before, after) in zip(shapes[pad.body.tensor], pad.widths)
        )
        for statement in statements
        if isinstance(pad := statement.value, Pad)
    }


def find_extents(elaborated: Elaborated, definitions: Definitions, requirements: Requirements) -> Extents:
    """Solve for all extents, give every learned tensor its shape, and check that every read stays inside its tensor."""
    inputs = dict(zip(requirements.layer.input_names, requirements.inputs))
    found = Extents([{} for _ in elaborated.statements], inputs)
    search = _Search(elaborated, definitions, requirements, found)
    search.solve()
    search.steps()
    search.weights()
    search.check()
    return found


def answered(elaborated: Elaborated, definitions: Definitions, requirements: Requirements) -> Elaborated:
    """The same equation with the sizes that it asks for; each has to follow from what asks for none that is still open."""
    asked: dict[Index, Expr] = {}
    while open_sizes := asked_in(elaborated):
        inputs = dict(zip(requirements.layer.input_names, requirements.inputs))
        found = Extents([{} for _ in elaborated.statements], inputs)
        _Search(elaborated, definitions, Requirements(requirements.layer, requirements.inputs), found).infer()
        known = {
            size: extent
            for size in open_sizes
            for extents in reversed(found.of)
            if not (extent := extents.get(size.index, size)).has(SizeOf)
        }
        if not known:
            names = ", ".join(sorted(map(str, open_sizes)))
            raise requirements.error(
                f"{names} is asked for, and nothing determines it before; write the extent itself",
                elaborated.statements[0], EquationError,
            )  # fmt: skip
        asked |= {size.index: extent for size, extent in known.items()}
        elaborated = with_sizes(elaborated, partial(Expr.xreplace, rule=known))
    return replace(elaborated, asked=asked)


def require_whole(elaborated: Elaborated, requirements: Requirements) -> None:
    """Addresses, widths of margins and declared sizes are integers."""
    first = elaborated.statements[0]
    for name, sizes in (
        *elaborated.declared.items(),
        *((n, (e,)) for n, e in elaborated.lookups.items()),
    ):
        for size in sizes:
            if size is not None:
                whole, least = "a size of {} must be an integer", "a size of {} must be at least 1"
                requirements.size(size, partial(whole.format, name), partial(least.format, name), first)
    for statement in elaborated.statements:
        for head, _ in statement.scoped:
            if isinstance(head, Select):
                _require_whole(head.rank, statement, requirements)
        for address in (statement.address, *(read.address for read in statement.reads)):
            for part in address:
                if not isinstance(part, (Group, Read, Index)):
                    _require_whole(part, statement, requirements)
        if isinstance(statement.value, Pad) and statement.scatters:
            raise requirements.error("a padded tensor keeps its indices", statement, EquationError)
        if isinstance(statement.value, Pad):
            for width in (width for pair in statement.value.widths for width in pair):
                requirements.whole(width, partial(str, "the width of a margin must be an integer"), statement)


def _require_whole(address: Expr, statement: Statement, requirements: Requirements) -> None:
    parts = must_be_whole(address)
    if parts is None:
        raise requirements.error(
            f"the address {address} is not known to be an integer; write floor({address})", statement, EquationError
        )
    for part in parts:
        try:
            requirements.whole(part, partial("the address {} must be an integer".format, address), statement)
        except ShapeError as error:
            raise EquationError(f"{error}\n  write instead: floor({address})") from None


@dataclass(frozen=True)
class _Search:
    elaborated: Elaborated
    definitions: Definitions
    requirements: Requirements
    found: Extents

    @cached_property
    def waiting(self) -> frozenset[Index]:
        """The indices whose bounds ask for a size that is not known yet."""
        return frozenset(index for index, extent in self.elaborated.bounds.items() if extent.has(SizeOf))

    def infer(self) -> None:
        """All extents that follow; those that are asked for and not known yet bound nothing."""
        bounds = {index: extent for index, extent in self.elaborated.bounds.items() if index not in self.waiting}
        for place, statement in enumerate(self.elaborated.statements):
            for index in self.definitions.indices[place]:
                if index in bounds:
                    whole, least = "the extent of {} must be an integer", "{} needs at least one value"
                    self.requirements.size(
                        bounds[index], partial(whole.format, index), partial(least.format, index), statement
                    )
                    self.found.of[place][index] = self.requirements.normal(bounds[index])
        self._along_lines()
        while self._from_other_lines():
            self._along_lines()

    def solve(self) -> None:
        self.infer()
        for place, statement in enumerate(self.elaborated.statements):
            missing = self._missing(place)
            if missing:
                raise self.requirements.error(
                    f"nothing determines the extent of {', '.join(map(str, missing))}; write where {missing[0]} < extent",
                    statement, EquationError,
                )  # fmt: skip

    def _along_lines(self) -> None:
        """Infer what follows line by line, until nothing more does."""
        for _ in range(len(self.elaborated.statements) + 1):
            before = sum(map(len, self.found.of)) + len(self.found.shapes)
            for place, statement in enumerate(self.elaborated.statements):
                self._solve_statement(place, statement)
            if sum(map(len, self.found.of)) + len(self.found.shapes) == before:
                break

    def _missing(self, place: int) -> list[Index]:
        return [index for index in self.definitions.indices[place] if index not in self.found.of[place]]

    def _from_other_lines(self) -> bool:
        """A letter that nothing in its own line determines means what it means in the other lines; whether there was one."""
        borrowed = [
            (place, index, extent)
            for place, statement in enumerate(self.elaborated.statements)
            if not isinstance(statement.value, Pad)  # whose indices run over the margins too
            for index in self._missing(place)
            if index not in self.elaborated.bounds and (extent := self._elsewhere(index, statement)) is not None
        ]
        for place, index, extent in borrowed:
            self.found.of[place][index] = extent
        return bool(borrowed)

    def _elsewhere(self, index: Index, statement: Statement) -> Expr | None:
        """The extent of an index in the lines that determine it, which must be one."""
        known = list(dict.fromkeys(extents[index] for extents in self.found.of if index in extents))
        for extent in known[1:]:
            self.requirements.equal(
                extent, known[0],
                partial("nothing in this line determines the extent of {}, so that it must be one in the other lines".format, index),
                statement,
            )  # fmt: skip
        return known[0] if known else None

    def _known_reads(self, statement: Statement) -> list[tuple[Read, Shape]]:
        found = []
        for read in statement.reads:
            shape = self.found.shapes.get(read.tensor)
            if shape is not None:
                if len(shape) != len(read.address):
                    raise self.requirements.error(
                        f"{read.tensor} has {len(shape)} axes {shape_text(shape)} and is read at {len(read.address)}",
                        statement,
                    )
                found.append((read, shape))
        return found

    def _solve_statement(self, place: int, statement: Statement) -> None:
        extents = self.found.of[place]
        if place in self.definitions.recurrent:
            recurrence = self.definitions.recurrent[place]
            inside = range(recurrence.first, recurrence.last + 1)
            for running in recurrence.running:
                known_extents = [self.found.of[other][running] for other in inside if running in self.found.of[other]]
                if known_extents and running in self.definitions.indices[place]:
                    extents.setdefault(running, known_extents[0])
        pad = statement.value if isinstance(statement.value, Pad) else None
        if pad is None and any(isinstance(head, Pad) for head, _ in statement.scoped):
            raise self.requirements.error(
                "pad makes a tensor of its own; give it a line: z[c, *i] = pad[...](x[c, *i])", statement, EquationError
            )
        known = self._known_reads(statement)
        if pad is not None:
            self._solve_pad(statement, pad, extents)
        else:
            for read, shape in known:
                for address, size in zip(read.address, shape):
                    if isinstance(address, Index) and address not in extents and address not in self.waiting:
                        extents[address] = size
            self._solve_steps(place, statement, extents)
            for step in (self._solve_group, self._solve_affine):
                for read, shape in known:
                    for axis, (address, size) in enumerate(zip(read.address, shape)):
                        if not self._is_earlier_step(read, axis):
                            step(statement, address, size, extents)
        if statement.target not in self.found.shapes and all(
            index in extents for part in statement.address for index in address_indices(part)
        ):
            self.found.shapes[statement.target] = tuple(
                self._target_size(part, extents, statement) for part in statement.address
            )

    def _solve_steps(self, place: int, statement: Statement, extents: dict[Index, Expr]) -> None:
        """What a line shares with a recurrence: its steps, if it reads earlier ones, and the other axes of what it gives or goes on from."""
        for read, shape in self._known_reads(statement):
            for axis, size in enumerate(shape):
                if self._is_earlier_step(read, axis):
                    own = self.elaborated.statements[self.definitions.places[read.tensor]].address[axis]
                    assert isinstance(own, Index)
                    extents.setdefault(own, size)
        for other in self.elaborated.statements:
            pair = (statement, other) if other.gives is not None and other.gives.tensor == statement.target else None
            if pair is None and statement.gives is not None and statement.gives.tensor == other.target:
                pair = (other, statement)
            shape_there = self.found.shapes.get(other.target)
            if pair is None or shape_there is None:
                continue
            gives = pair[1].gives
            assert gives is not None
            mine = statement.address if statement.gives is not None else without(statement.address, gives.axis)
            there = (
                shape_there if other.gives is not None else (*shape_there[: gives.axis], *shape_there[gives.axis + 1 :])
            )
            for part, size in zip(mine, there):
                if isinstance(part, Index):
                    extents.setdefault(part, size)

    def steps(self) -> None:
        """The steps that have lines of their own: which they are, and that they fit the tensor that they belong to."""
        by_tensor: dict[str, list[Given]] = {}
        for statement in self.elaborated.statements:
            if statement.gives is None:
                continue
            step = statement.gives
            place = self.definitions.places[step.tensor]
            running = self.elaborated.statements[place].address[step.axis]
            assert isinstance(running, Index)
            down = running in self.definitions.recurrent[place].down
            by_tensor.setdefault(step.tensor, []).append(
                given_step(statement, running, down, self.found.of[place][running], self.requirements)
            )
            whole = self.found.shapes[step.tensor]
            for size, there in zip((*whole[: step.axis], *whole[step.axis + 1 :]), self.found.shapes[statement.target]):
                meaning = partial("a step of {} must have extent {}".format, step.tensor, size)
                self.requirements.equal(there, size, meaning, statement)
        for name, found in by_tensor.items():
            self._leave_to(self.definitions.places[name], found)
            self.found.given[name] = tuple(found)

    def _leave_to(self, place: int, found: Sequence[Given]) -> None:
        """The steps that a line has still to compute."""
        statement = self.elaborated.statements[place]
        for axis in sorted({given.axis for given in found}):
            running = statement.address[axis]
            assert isinstance(running, Index)
            extent = self.found.of[place][running]
            alike = [given for given in found if given.axis == axis]
            count = Integer(require_in_turn(alike, statement, running, extent, self.requirements))
            if not count:
                continue
            if self.found.own.get(place):
                raise self.requirements.error(
                    f"the first steps of {statement.target} are given along several indices, and where these cross by several lines; "
                    "give the steps before the first ones, at -1",
                    statement, EquationError,
                )  # fmt: skip
            if running in self.elaborated.ranges:
                raise self.requirements.error(
                    f"the first steps of {statement.target} have lines of their own, and {running} has a range as well; leave one out",
                    statement, EquationError,
                )  # fmt: skip
            down = running in self.definitions.recurrent[place].down
            ends = (_ZERO, self.requirements.normal(extent - count)) if down else (count, extent)
            self.found.own[place] = {running: ends}

    def _solve_pad(self, statement: Statement, pad: Pad, extents: dict[Index, Expr]) -> None:
        if statement.address != pad.body.address:
            raise self.requirements.error(
                "a padded tensor keeps its indices: z[c, *i] = pad[...](x[c, *i])", statement, EquationError
            )
        if len(set(statement.address)) < len(statement.address):
            raise self.requirements.error(
                "a padded tensor has an index of its own for each axis", statement, EquationError
            )
        shape = self.found.shapes.get(pad.body.tensor)
        if shape is None:
            return
        for index, size, (before, after) in zip(pad.body.address, shape, pad.widths):
            assert isinstance(index, Index), "a pad reads plain indices"
            extents[index] = self.requirements.normal(size + before + after)
            self.requirements.at_least(
                extents[index], _ONE, partial(str, "something must be left of a cropped axis"), statement
            )
        self.found.margins.update(margins([statement], self.found.shapes))

    def _solve_group(self, statement: Statement, address: Address, size: Expr, extents: dict[Index, Expr]) -> None:
        if not isinstance(address, Group):
            return
        unknown = [index for index in address.parts if index not in extents]
        if len(unknown) == 1 and unknown[0] not in self.waiting:
            rest = Mul(*(extents[index] for index in address.parts if index in extents))
            extent = size / rest
            self.requirements.whole(
                extent, partial("an axis of {} is split into groups of {}".format, size, rest), statement
            )
            extents[unknown[0]] = extent if extent.is_Integer else self.requirements.normal(extent)

    def _solve_affine(self, statement: Statement, address: Address, size: Expr, extents: dict[Index, Expr]) -> None:
        if isinstance(address, (Group, Read, Index)):
            return
        form = affine(address)
        if form is None:
            return
        unknown = [index for index in form[0] if index not in extents]
        if len(unknown) != 1 or unknown[0] in self.waiting:
            return
        index = unknown[0]
        step = form[0].pop(index)
        if not self.requirements.is_positive(step):
            return
        room = self.requirements.normal(size - 1 - self._largest(form, extents, statement))
        self.requirements.at_least(
            room,
            _ZERO,
            partial("an axis of {} must hold one window of {}".format, size, simplify(size - room)),
            statement,
        )
        extents[index] = room + 1 if step == 1 else self.requirements.normal(floor(room / step) + 1)

    def _largest(self, form: tuple[dict[Index, Expr], Expr], extents: dict[Index, Expr], statement: Statement) -> Expr:
        return self._reach(form, extents, statement)[1]

    def _reach(
        self, form: tuple[dict[Index, Expr], Expr], extents: dict[Index, Expr], statement: Statement
    ) -> tuple[Expr, Expr]:
        """The smallest and the largest value of an affine form over the box of its indices."""
        low = high = form[1]
        for index, step in form[0].items():
            last = step * (extents[index] - 1)
            if step.is_nonnegative or is_nonnegative(step) or self.requirements.is_positive(step):
                high = high + last
            elif step.is_nonpositive or is_nonnegative(-step) or self.requirements.is_positive(-step):
                low = low + last
            else:
                raise self.requirements.error(f"the sign of the step {step} of {index} is not known", statement)
        return low, high

    def _target_size(self, address: Address, extents: dict[Index, Expr], statement: Statement) -> Expr:
        if isinstance(address, Read):
            return self._rows(address, statement)
        if isinstance(address, Index):
            return extents[address]
        if isinstance(address, Group):
            return self.requirements.normal(Mul(*(extents[index] for index in address.parts)))
        form = affine(address)
        if form is None:
            raise self.requirements.error(
                "the address of a target must be affine in its indices", statement, EquationError
            )
        low, high = self._reach(form, extents, statement)
        self.requirements.at_least(low, _ZERO, partial(str, "the address of a target must not be negative"), statement)
        return self.requirements.normal(high + 1)

    def weights(self) -> None:
        """The shape of every learned tensor and buffer: the extents of its own indices, or the sizes declared for it."""
        declared = self.elaborated.declared
        for name in declared:
            if self.definitions.roles.get(name) not in ("weight", "buffer"):
                raise self.requirements.error(
                    f"where gives a shape to {name}, which is no weight of this equation",
                    self.elaborated.statements[0],
                    EquationError,
                )
        for place, statement in enumerate(self.elaborated.statements):
            for read in statement.reads:
                if self.definitions.roles[read.tensor] not in ("weight", "buffer") or read.tensor in self.found.shapes:
                    continue
                given = declared.get(read.tensor, (None,) * len(read.address))
                if len(given) != len(read.address):
                    raise self.requirements.error(
                        f"{read.tensor} is read at {len(read.address)} axes, where gives it {len(given)}",
                        statement,
                        EquationError,
                    )
                self.found.shapes[read.tensor] = tuple(
                    self._weight_size(part, size, place) for part, size in zip(read.address, given)
                )

    def _weight_size(self, address: Address, given: Expr | None, place: int) -> Expr:
        if given is not None:
            return given
        return self._target_size(address, self.found.of[place], self.elaborated.statements[place])

    def _rows(self, lookup: Read, statement: Statement) -> Expr:
        """How many elements a lookup can choose from."""
        bound = self.elaborated.lookups.get(lookup.tensor)
        place = self.definitions.places.get(lookup.tensor)
        value = self.elaborated.statements[place].value if place is not None else None
        if bound is None and place is not None and isinstance(value, Select) and value.operation in PLACES:
            bound = self.found.of[place].get(value.indices[0])
        if bound is None:
            raise self.requirements.error(
                f"nothing says how many values {lookup.tensor} can take; write where {lookup.tensor} < extent",
                statement, EquationError,
            )  # fmt: skip
        return bound

    def check(self) -> None:
        """Every read stays inside its tensor, axes that one index addresses agree, and what is reduced is not empty."""
        for place, statement in enumerate(self.elaborated.statements):
            for index in self.elaborated.asked.keys() & self.found.of[place].keys():
                self.requirements.equal(
                    self.found.of[place][index], self.elaborated.asked[index],
                    partial("size({0}) is asked for, so that {0} must have one extent in all lines".format, index), statement,
                )  # fmt: skip
            if isinstance(statement.value, Pad):
                continue
            limits = self._limits(place, statement)
            for head, scope in statement.scoped:
                if isinstance(head, Read):
                    self._check_read(place, statement, head, scope, limits)
                elif isinstance(head, Select):
                    self._check_selection(place, statement, head, scope, limits)
            require_points(statement, limits, self.found.of[place], self.requirements)

    def _check_selection(
        self, place: int, statement: Statement, head: Select, scope: frozenset[Index], limits: Sequence[Limit]
    ) -> None:
        """A rank is one of those that there are, and every point is a candidate."""
        (own,), extents = head.indices, self.found.of[place]
        if any(own in mask.indices and mask.indices <= scope | {own} for mask in limits):
            raise self.requirements.error(
                f"a selection along {own} cannot leave points out by a mask or a range; select from a line in which they are small",
                statement, EquationError,
            )  # fmt: skip
        form = affine(head.rank)
        if form is None or any(step.is_positive is None and step.is_negative is None for step in form[0].values()):
            raise self.requirements.error(
                f"the rank {head.rank} must be affine in its indices, with steps of a known sign",
                statement,
                EquationError,
            )
        for end, what, limit in (
            (head.rank, "be negative", None),
            (extents[own] - 1 - head.rank, "exceed the {2} values", extents[own]),
        ):
            meaning = partial(("the rank {0} along {1} must not " + what).format, head.rank, own, limit)
            require_everywhere(end, extents, (), meaning, statement, self.requirements)

    def _limits(self, place: int, statement: Statement) -> list[Limit]:
        """The masks of a statement, and its ranges as masks; these stay within their axes."""
        extents = self.found.of[place]
        limits = [mask for mask in self.elaborated.masks if mask.indices <= set(extents)]
        for index, (low, high) in self.elaborated.ranges.items():
            if index not in extents:
                continue
            if missing := (address_indices(low) | address_indices(high)) - set(extents):
                names = ", ".join(sorted(map(str, missing)))
                raise self.requirements.error(
                    f"the range of {index} depends on {names}, and this line has no {names}", statement, EquationError
                )
            for end, what in ((low, "below 0"), (extents[index] - high, "above its {3} values")):
                words = "the range {0} <= {1} < {2} must not go " + what
                meaning = partial(words.format, low, index, high, extents[index])
                require_everywhere(end, extents, (), meaning, statement, self.requirements)
            limits += [Mask(index, ">=", low), Mask(index, "<", high)]
        for index, (low, high) in self.found.own.get(place, {}).items():
            limits += [Mask(index, ">=", low), Mask(index, "<", high)]
        return limits

    def _check_read(
        self, place: int, statement: Statement, read: Read, scope: frozenset[Index], limits: Sequence[Limit]
    ) -> None:
        shape = self.found.shapes[read.tensor]
        if len(shape) != len(read.address):
            raise self.requirements.error(
                f"{read.tensor} has {len(shape)} axes and is read at {len(read.address)}", statement
            )
        known = free_indices(read) if limits else frozenset()
        given = [mask for mask in limits if mask.indices & known and mask.indices <= scope | known]
        for axis, size in enumerate(shape):
            if self._is_earlier_step(read, axis):
                self._check_earlier(place, read, axis, size, given)
            else:
                self._check_axis(statement, read, axis, size, self.found.of[place], given)
                self._check_step(place, read, axis, given)

    def _check_earlier(self, place: int, read: Read, axis: int, size: Expr, given: Sequence[Limit]) -> None:
        """A read of an earlier step may go back behind the first one, and never beyond the last one."""
        address, statement = read.address[axis], self.elaborated.statements[place]
        own = self.elaborated.statements[self.definitions.places[read.tensor]].address[axis]
        assert isinstance(address, Expr)
        recurrence = self.definitions.recurrent[self.definitions.places[read.tensor]]
        if place in range(recurrence.first, recurrence.last + 1):
            return
        beyond = address if own in recurrence.down else size - 1 - address
        require_everywhere(
            beyond, self.found.of[place], given,
            partial(
                "axis {} of {} has {} elements and is read at {}, beyond the last step of its recurrence".format,
                axis, read.tensor, size, address,
            ),
            statement, self.requirements,
        )  # fmt: skip

    def _check_step(self, place: int, read: Read, axis: int, given: Sequence[Limit]) -> None:
        """Within a recurrence its own tensors are read at this step or at earlier ones."""
        recurrence = self.definitions.recurrent.get(place)
        defined = self.definitions.places.get(read.tensor, -1)
        if recurrence is None or not recurrence.first <= defined <= recurrence.last or len(recurrence.running) > 1:
            return
        address, statement = read.address[axis], self.elaborated.statements[place]
        (running,) = recurrence.running
        if self.elaborated.statements[defined].address[axis] == running != address and isinstance(address, Expr):
            later = recurrence.down and "an earlier" or "a later"
            require_everywhere(
                address - running if recurrence.down else running - address, self.found.of[place], given,
                partial(
                    "{} is read at the step {} of a recurrence along {}, which must not be {} one".format,
                    read.tensor, address, running, later,
                ),
                statement, self.requirements,
            )  # fmt: skip

    def _is_earlier_step(self, read: Read, axis: int) -> bool:
        """Whether an axis of a read is a running index of the recurrence that makes the tensor, some steps back.

        Within the recurrence and behind it, the steps before the first one are zero, or what a line gives.
        """
        defined = self.definitions.places.get(read.tensor, -1)
        recurrence = self.definitions.recurrent.get(defined)
        if recurrence is None or len(read.address) != len(self.elaborated.statements[defined].address):
            return False
        own = self.elaborated.statements[defined]
        return recurrence.covers(own) and recurrence.is_earlier(read.address[axis], own.address[axis])

    def _check_axis(
        self,
        statement: Statement,
        read: Read,
        axis: int,
        size: Expr,
        extents: dict[Index, Expr],
        given: Sequence[Limit],
    ) -> None:
        address, where, requirements = read.address[axis], f"axis {axis} of {read.tensor}", self.requirements
        declared = self.elaborated.declared.get(read.tensor)
        if isinstance(address, Read):
            return
        if isinstance(address, Index):
            stops_before = (declared is not None and declared[axis] is not None) or address in self.elaborated.bounds
            if stops_before or address in self.elaborated.ranges:
                # An index that `where` bounds may stop before the end of its axis, as one with an offset may.
                requirements.at_least(
                    size,
                    extents[address],
                    partial("{} has {} elements, {} are needed".format, where, size, extents[address]),
                    statement,
                )
            else:
                requirements.equal(
                    size, extents[address], partial("{} must have extent {}".format, where, extents[address]), statement
                )
            return
        if isinstance(address, Group):
            product = Mul(*(extents[index] for index in address.parts))
            requirements.equal(size, product, partial("{} must have extent {}".format, where, product), statement)
            return
        hint = self._hint(read, axis)
        require_everywhere(
            address, extents, given, partial("{} is read at {}, which must not be negative{}".format, where, address, hint),
            statement, requirements,
        )  # fmt: skip
        require_everywhere(
            size - 1 - address, extents, given,
            partial("{} has {} elements and is read at {}{}".format, where, size, address, hint), statement, requirements,
        )  # fmt: skip

    def _hint(self, read: Read, axis: int) -> str:
        """What to write for a step of a recurrence that is none of its steps."""
        place = self.definitions.places.get(read.tensor, -1)
        recurrence = self.definitions.recurrent.get(place)
        own = self.elaborated.statements[place].address[axis] if recurrence is not None else None
        if recurrence is None or own not in recurrence.running:
            return ""
        back = f"{own}+1" if own in recurrence.down else f"{own}-1"
        return (
            f"; {read.tensor}[{back}] at the index {own} of its recurrence is zero before the first step, its last step is "
            f"{0 if own in recurrence.down else f'size({own}) - 1'}, and a line of its own gives a step before the first"
        )
