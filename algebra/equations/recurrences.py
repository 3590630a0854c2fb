"""Which statements of an equation make up its recurrences, and the order in which their steps are computed.

A recurrence is a run of lines in which a tensor is read before it is defined. Its *running indices* are those along which such reads
go to earlier steps (``h[t-1]``, and the index runs up) or to later ones (``b[t+1]``, and it runs down). With several of them
(``h[i-1, j]`` and ``h[i, j-1]``) the first is the outermost: whatever is read lies before the present point in the order of nested
loops. An index that is read at both sides of itself runs only where an outer one has settled which point comes first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..errors import EquationError, UnsupportedError
from ..records import dataclass
from ..sizes.dims import Index
from .affine import affine
from .heads import Address, Group, Pad, Read, address_indices, walk
from .requirements import Requirements
from .statements import Statement


@dataclass(frozen=True)
class Recurrence:
    """The first and the last statement, the running indices from the outermost to the innermost, and those that run down."""

    first: int
    last: int
    running: tuple[Index, ...]
    down: frozenset[Index] = frozenset()

    def covers(self, statement: Statement) -> bool:
        """Whether a statement within it goes along with its steps; another one is computed before the first of them."""
        return all(index in statement.address for index in self.running)

    def is_earlier(self, address: Address, own: Address) -> bool:
        """Whether an address is an index that runs, some steps before that of the target."""
        if own not in self.running:
            return False
        sign = shift_of(address, own)
        return sign is not None and sign == (1 if own in self.down else -1)

    def one_way(self, what: str) -> Index:
        """The running index, for those that take one that runs up."""
        if len(self.running) > 1:
            names = ", ".join(map(str, self.running))
            raise UnsupportedError(f"{what}: a recurrence along several indices ({names}) is not handled here")
        if self.down:
            raise UnsupportedError(
                f"{what}: a recurrence that runs down, from the last {self.running[0]} to the first, is not handled here; "
                "flip its input and its output around a recurrence that runs up"
            )
        return self.running[0]


def shift_of(address: Address, own: Address) -> int | None:
    """The sign of the distance from an index to an address at a constant distance from it; None where it is at none."""
    if not isinstance(own, Index) or isinstance(address, (Group, Read)):
        return None
    if address == own:
        return 0
    form = affine(address)
    if form is None or form[0] != {own: 1}:
        return None
    return 1 if form[1].is_positive else -1 if form[1].is_negative else 0 if form[1].is_zero else None


@dataclass(frozen=True)
class _Dependence:
    """A read of a state: by which line, the signs of its shifts along the indices of the state, and whether it must be an earlier one."""

    statement: Statement
    read: Read
    shifts: Mapping[Index, int | None]
    strict: bool


def find_recurrences(
    statements: Sequence[Statement], places: Mapping[str, int], requirements: Requirements
) -> dict[int, Recurrence]:
    """The recurrence of every statement that belongs to one."""
    spans: list[tuple[int, int]] = []
    for place, statement in enumerate(statements):
        for read in statement.reads:
            defined = places.get(read.tensor)
            if defined is None or defined < place:
                continue
            if len(read.address) != len(statements[defined].address) or not any(
                shift_of(part, own) for part, own in zip(read.address, statements[defined].address)
            ):
                raise _before(read, statement, statements[defined], requirements)
            spans.append((place, defined))
    found: dict[int, Recurrence] = {}
    for first, last in _merged(spans):
        made = _Order(statements, places, requirements, first, last).recurrence()
        for place in range(first, last + 1):
            found[place] = made
            _check_step(statements, places, place, made, requirements)
    return found


def _before(read: Read, statement: Statement, defining: Statement, requirements: Requirements) -> Exception:
    first = next((part for part in defining.address if isinstance(part, Index)), "t")
    return requirements.error(
        f"{read.tensor} is read before it is defined; only an earlier step of a running index can be read there, as in "
        f"{read.tensor}[{first}-1], or a later one of an index that runs down, as in {read.tensor}[{first}+1]",
        statement, EquationError,
    )  # fmt: skip


def _merged(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Recurrences that share a statement are one."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return found


@dataclass(frozen=True)
class _Order:
    """The search for an order of the steps in which everything is computed before it is read."""

    statements: Sequence[Statement]
    places: Mapping[str, int]
    requirements: Requirements
    first: int
    last: int

    def recurrence(self) -> Recurrence:
        reads = self._dependences()
        strict = [one for one in reads if one.strict]
        running: list[Index] = []
        down: set[Index] = set()
        left = strict
        letters = dict.fromkeys(
            part
            for place in range(self.last, self.first - 1, -1)
            for part in self.statements[place].address
            if isinstance(part, Index)
        )
        while left:
            chosen = next((index for index in letters if index not in running and _sign(index, left)), None)
            if chosen is None:
                raise self._impossible(left)
            running.append(chosen)
            if _sign(chosen, left) == 1:
                down.add(chosen)
            left = [one for one in left if one.shifts.get(chosen) == 0]
        for index in letters:
            if index not in running and (sign := _sign(index, strict)):
                running.append(index)
                if sign == 1:
                    down.add(index)
        made = Recurrence(self.first, self.last, tuple(running), frozenset(down))
        for one in reads:
            self._must_be_known(one, made)
        return made

    def _dependences(self) -> list[_Dependence]:
        found = []
        for place in range(self.first, self.last + 1):
            statement = self.statements[place]
            for read in statement.reads:
                defined = self.places.get(read.tensor, -1)
                if self.first <= defined <= self.last:
                    own = self.statements[defined].address
                    shifts = {of: shift_of(part, of) for part, of in zip(read.address, own) if isinstance(of, Index)}
                    found.append(_Dependence(statement, read, shifts, defined >= place))
        return found

    def _must_be_known(self, one: _Dependence, made: Recurrence) -> None:
        """What is read of the recurrence is computed before, in the order of its steps."""
        defining = self.statements[self.places[one.read.tensor]]
        if not made.covers(defining):
            return
        for index in made.running:
            sign = one.shifts.get(index)
            if sign is None and len(made.running) == 1:
                return  # the extents will tell, step by step
            if sign is not None and sign == (-1 if index in made.down else 1):
                raise self._both_ways(index, one)
            if sign is None:
                raise self.requirements.error(
                    f"{one.read.tensor} is read within its recurrence at a step that is not known to be an earlier one",
                    one.statement, EquationError,
                )  # fmt: skip
            if sign != 0:
                return

    def _both_ways(self, index: Index, one: _Dependence) -> Exception:
        names = dict.fromkeys(self.statements[place].target for place in range(self.first, self.last + 1))
        return self.requirements.error(
            f"the recurrence of {', '.join(names)} reads steps on both sides of {index}, so that no order of its steps computes all "
            f"before it is read; write what runs down {index} as a tensor of its own, in lines that stand before or behind those of "
            f"what runs up it: b[{index}] = ... b[{index}+1]",
            one.statement, EquationError,
        )  # fmt: skip

    def _impossible(self, left: Sequence[_Dependence]) -> Exception:
        one = left[0]
        both = next(
            (index for index in one.shifts if {1, -1} <= {other.shifts.get(index) for other in left}),
            None,
        )
        if both is not None:
            return self._both_ways(both, next(other for other in left if other.shifts.get(both) == 1))
        return _before(one.read, one.statement, self.statements[self.places[one.read.tensor]], self.requirements)


def _sign(index: Index, reads: Sequence[_Dependence]) -> int:
    """The way in which all reads go along an index: -1 to earlier steps, 1 to later ones, 0 if neither or not all the same."""
    signs = {one.shifts.get(index) for one in reads}
    if None in signs or {1, -1} <= signs:
        return 0
    return sum(sign for sign in signs if sign)


def _check_step(
    statements: Sequence[Statement],
    places: Mapping[str, int],
    place: int,
    recurrence: Recurrence,
    requirements: Requirements,
) -> None:
    """One statement of a recurrence can be computed step by step."""
    statement = statements[place]

    def fail(problem: str) -> Exception:
        return requirements.error(problem, statement, EquationError)

    if statement.scatters:
        names = ", ".join(map(str, recurrence.running))
        raise fail(f"a recurrence along {names} scatters; give that a line of its own before or behind it")
    for running in recurrence.running:
        if any(running in getattr(head, "indices", ()) for head in walk(statement.value)):
            raise fail(
                f"a recurrence along {running} cannot reduce over {running}, which it takes step by step; give the "
                "reduction another letter, or a line of its own before"
            )
        if any(running in address_indices(part) and part != running for part in statement.address):
            raise fail(f"a recurrence along {running} has a line whose left side does not stand at {running} alone")
        if isinstance(statement.value, Pad):
            body = statement.value.body
            if any(part == running and widths != (0, 0) for part, widths in zip(body.address, statement.value.widths)):
                raise fail(
                    f"a recurrence along {running} cannot put a margin along {running}; pad a tensor before or behind it"
                )
    for read in statement.reads:
        defined = places.get(read.tensor, -1)
        if not recurrence.first <= defined <= recurrence.last or not recurrence.covers(statements[defined]):
            continue
        if not recurrence.covers(statement):
            missing = next(index for index in recurrence.running if index not in statement.address)
            raise fail(
                f"{statement.target} is defined within the recurrence along {missing}, reads {read.tensor} of it and has no "
                f"{missing} itself; write {statement.target}[{missing}, ...] or move the line out of it"
            )
        for part, of in zip(read.address, statements[defined].address):
            if of in recurrence.running and isinstance(part, (Group, Read)):
                raise fail(
                    f"{read.tensor} is read within its recurrence at a step that is not known to be an earlier one"
                )
