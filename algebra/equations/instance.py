"""A layer at given input sizes: extents of all indices, shapes of all tensors, and the conditions under which they hold.

An extent is inferred from an axis that the index addresses alone, from `where`, from a group whose other members are
known, or by solving an affine address against the size of its axis: the largest i with ``s*i + d*(k-1) <= N - 1`` is
``floor((N - 1 - d*(k-1)) / s)``, which is where the output size of a convolution comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial

from sympy import Eq, Expr, Ge, Integer, Mod, Mul, false, floor, fraction, true
from sympy.logic.boolalg import Boolean

from ..errors import EquationError, ShapeError
from ..formulas.conditions import Condition
from ..sizes.dims import Index
from ..sizes.normal_form import is_nonnegative, same, simplify
from .affine import affine, is_recurrent_address
from .elaboration import elaborate
from .heads import Address, Group, Head, Pad, Read, address_indices, free_indices, reads, walk
from .protocol import StatesEquation
from .scalars import read_scalars
from .statements import Mask, Statement

Shape = tuple[Expr, ...]
_ZERO, _ONE = Integer(0), Integer(1)


@dataclass(frozen=True)
class Margin:
    """One axis of a padded tensor: the width of the margin before the real elements, and how many of these there are."""

    before: Expr
    inner: Expr


class Instance:
    """What an equation says at given input shapes.

    Attributes
    ----------
    layer : Layer
    inputs : tuple of Shape
    statements : list of Statement
        In order; `extents[k]` maps the indices of statement k to their extents.
    shapes : dict
        Tensor name to shape, of inputs, weights, buffers and defined tensors.
    roles : dict
        Tensor name to ``"input"``, ``"weight"``, ``"buffer"`` or ``"defined"``.
    margins : dict
        Name of a padded tensor to a tuple of `Margin` or None, an axis each.
    recurrent : dict
        Number of a statement to the numbers of the first and last statement of its recurrence and the running index.
    conditions : list of Condition
        What could not be decided from the assumptions alone.
    output : Shape
    """

    def __init__(self, layer: StatesEquation, inputs: Sequence[Shape]):
        self.layer, self.inputs = layer, tuple(tuple(shape) for shape in inputs)
        names = layer.input_names
        if len(self.inputs) != len(names):
            raise ShapeError(f"{layer} takes {len(names)} input(s) ({', '.join(names)}), got {len(self.inputs)}")
        made = elaborate(read_scalars(layer.parsed, layer.values, names, self.inputs))
        self.elaborated = made
        self.statements = made.statements
        self.shapes: dict[str, Shape] = dict(zip(names, self.inputs))
        self.roles: dict[str, str] = {name: "input" for name in names}
        self.margins: dict[str, tuple[Margin | None, ...]] = {}
        self.conditions: list[Condition] = []
        self.recurrent: dict[int, tuple[int, int, Index]] = {}
        self.extents: list[dict[Index, Expr]] = [{} for _ in self.statements]
        self._indices = [self._all_indices(statement) for statement in self.statements]
        self._defined = self._definitions()
        self._find_recurrences()
        self._solve()
        self._weights()
        self._check()
        self.output: Shape = self.shapes[self.statements[-1].target]

    # helpers ---------------------------------------------------------------------------------------------------------

    def _error(self, problem: str, statement: Statement, kind: type[Exception] = ShapeError) -> Exception:
        shapes = ", ".join(f"{name} {_shape_text(shape)}" for name, shape in zip(self.layer.input_names, self.inputs))
        line = self.layer.parsed.text.splitlines()[statement.number - 1].strip()
        return kind(f"{self.layer} on {shapes}: {problem}\n  in: {line}")

    def _definitions(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for place, statement in enumerate(self.statements):
            if statement.target in found:
                raise self._error(f"{statement.target} is defined twice", statement, EquationError)
            found[statement.target] = place
            self.roles[statement.target] = "defined"
        for statement in self.statements:
            for read in reads(statement.value):
                self.roles.setdefault(read.tensor, "buffer" if read.tensor in self.layer.buffers else "weight")
        return found

    @staticmethod
    def _all_indices(statement: Statement) -> list[Index]:
        found: dict[Index, None] = {}
        for part in statement.address:
            for index in address_indices(part):
                found[index] = None
        for head in walk(statement.value):
            for index in (*getattr(head, "indices", ()), *(free_indices(head) if isinstance(head, Read) else ())):
                found[index] = None
        return sorted(found, key=lambda index: index.name)

    def _find_recurrences(self) -> None:
        spans: list[tuple[int, int, Index]] = []
        for place, statement in enumerate(self.statements):
            for read in reads(statement.value):
                defined = self._defined.get(read.tensor)
                if defined is None or defined < place:
                    continue
                own = self.statements[defined].address
                running = [o for a, o in zip(read.address, own) if isinstance(o, Index) and is_recurrent_address(a, o)]
                if len(running) != 1 or len(own) != len(read.address):
                    raise self._error(
                        f"{read.tensor} is read before it is defined; only an earlier step of a running index can be "
                        f"read there, as in {read.tensor}[t-1]", statement, EquationError,
                    )  # fmt: skip
                spans.append((place, defined, running[0]))
        while spans:
            first, last, index = spans.pop()
            for other in [span for span in spans if span[0] <= last and first <= span[1]]:
                spans.remove(other)
                first, last = min(first, other[0]), max(last, other[1])
                if other[2] != index:
                    raise self._error(
                        "two recurrences that cross must share their index", self.statements[first], EquationError
                    )
            for place in range(first, last + 1):
                self.recurrent[place] = (first, last, index)

    def require(self, relation: Boolean | bool, meaning: Callable[[], str], statement: Statement) -> None:
        """Note a condition, unless it is known to hold; fail at once if it is known not to."""
        if relation in (True, true):
            return
        if relation in (False, false):
            raise self._error(meaning(), statement)
        condition = Condition(relation, meaning())
        if condition not in self.conditions:
            self.conditions.append(condition)

    def _at_least(self, value: Expr, least: Expr, meaning: Callable[[], str], statement: Statement) -> None:
        if value.is_Integer and least.is_Integer and value >= least:
            return
        known = is_nonnegative(simplify(value - least))
        if known is False:
            raise self._error(f"{meaning()}, but {value} < {least}", statement)
        if known is None:
            self.require(Ge(value, least), meaning, statement)

    def _equal(self, left: Expr, right: Expr, meaning: Callable[[], str], statement: Statement) -> None:
        if left == right:
            return
        known = same(left, right)
        if known is False:
            raise self._error(f"{meaning()}, but {left} is not {right}", statement)
        if known is None:
            self.require(Eq(left, right), meaning, statement)

    def _whole(self, value: Expr, meaning: Callable[[], str], statement: Statement) -> None:
        """Require that a quotient of sizes is an integer."""
        if value.is_Integer or value.is_integer:
            return
        if value.is_number:  # also one that is infinite or not rational
            raise self._error(f"{meaning()}, but it is {value}", statement)
        over, under = fraction(value)
        if under == 1:
            return
        self.require(Eq(Mod(over, under), 0), lambda: f"{meaning()}: {over} must be divisible by {under}", statement)

    # extents ---------------------------------------------------------------------------------------------------------

    def _solve(self) -> None:
        bounds = self.elaborated.bounds
        for place, statement in enumerate(self.statements):
            for index in self._indices[place]:
                if index in bounds:
                    self._whole(bounds[index], partial("the extent of {} must be an integer".format, index), statement)
                    self.extents[place][index] = simplify(bounds[index])
                    if fraction(bounds[index])[1] == 1:  # a quotient that is an integer is at least 1 already
                        self._at_least(
                            self.extents[place][index],
                            _ONE,
                            partial("{} needs at least one value".format, index),
                            statement,
                        )
        for _ in range(len(self.statements) + 1):
            before = sum(map(len, self.extents)) + len(self.shapes)
            for place, statement in enumerate(self.statements):
                self._solve_statement(place, statement)
            if sum(map(len, self.extents)) + len(self.shapes) == before:
                break
        for place, statement in enumerate(self.statements):
            missing = [str(index) for index in self._indices[place] if index not in self.extents[place]]
            if missing:
                raise self._error(
                    f"nothing determines the extent of {', '.join(missing)}; write where {missing[0]} < extent",
                    statement, EquationError,
                )  # fmt: skip

    def _known_reads(self, statement: Statement) -> list[tuple[Read, Shape]]:
        found = []
        for read in reads(statement.value):
            shape = self.shapes.get(read.tensor)
            if shape is not None:
                if len(shape) != len(read.address):
                    raise self._error(
                        f"{read.tensor} has {len(shape)} axes {_shape_text(shape)} and is read at {len(read.address)}",
                        statement,
                    )
                found.append((read, shape))
        return found

    def _solve_statement(self, place: int, statement: Statement) -> None:
        extents = self.extents[place]
        if place in self.recurrent:
            first, last, running = self.recurrent[place]
            known_extents = [
                self.extents[other][running] for other in range(first, last + 1) if running in self.extents[other]
            ]
            if known_extents and running in self._indices[place]:
                extents.setdefault(running, known_extents[0])
        pad = statement.value if isinstance(statement.value, Pad) else None
        if any(isinstance(head, Pad) for head in walk(statement.value)) and pad is None:
            raise self._error(
                "pad makes a tensor of its own; give it a line: z[c, *i] = pad[...](x[c, *i])", statement, EquationError
            )
        known = self._known_reads(statement)
        if pad is not None:
            self._solve_pad(statement, pad, extents)
        else:
            for read, shape in known:
                for address, size in zip(read.address, shape):
                    if isinstance(address, Index) and address not in extents:
                        extents[address] = size
            for step in (self._solve_group, self._solve_affine):
                for read, shape in known:
                    for axis, (address, size) in enumerate(zip(read.address, shape)):
                        if not self._is_earlier_step(place, read, axis):
                            step(statement, address, size, extents)
        if statement.target not in self.shapes and all(
            index in extents for part in statement.address for index in address_indices(part)
        ):
            self.shapes[statement.target] = tuple(
                self._target_size(part, extents, statement) for part in statement.address
            )

    def _solve_pad(self, statement: Statement, pad: Pad, extents: dict[Index, Expr]) -> None:
        shape = self.shapes.get(pad.body.tensor)
        if shape is None:
            return
        if statement.address != pad.body.address:
            raise self._error(
                "a padded tensor keeps its indices: z[c, *i] = pad[...](x[c, *i])", statement, EquationError
            )
        margins: list[Margin | None] = []
        for index, size, (before, after) in zip(pad.body.address, shape, pad.widths):
            extents[index] = simplify(size + before + after)  # type: ignore[index]
            margins.append(None if before.is_zero and after.is_zero else Margin(before, size))
            self._at_least(extents[index], _ONE, lambda: "something must be left of a cropped axis", statement)  # type: ignore[index]
        self.margins[statement.target] = tuple(margins)

    def _solve_group(self, statement: Statement, address: Address, size: Expr, extents: dict[Index, Expr]) -> None:
        if not isinstance(address, Group):
            return
        unknown = [index for index in address.parts if index not in extents]
        if len(unknown) == 1:
            rest = Mul(*(extents[index] for index in address.parts if index in extents))
            extent = size / rest
            self._whole(extent, lambda: f"an axis of {size} is split into groups of {rest}", statement)
            extents[unknown[0]] = extent if extent.is_Integer else simplify(extent)

    def _solve_affine(self, statement: Statement, address: Address, size: Expr, extents: dict[Index, Expr]) -> None:
        if isinstance(address, (Group, Read, Index)):
            return
        form = affine(address)
        if form is None:
            return
        unknown = [index for index in form[0] if index not in extents]
        if len(unknown) != 1:
            return
        index = unknown[0]
        step = form[0].pop(index)
        if not (step.is_positive or is_nonnegative(step - 1)):
            return
        room = simplify(size - 1 - self._largest(form, extents, statement))
        self._at_least(
            room, _ZERO, lambda: f"an axis of {size} must hold one window of {simplify(size - room)}", statement
        )
        extents[index] = room + 1 if step == 1 else simplify(floor(room / step) + 1)

    def _largest(self, form: tuple[dict[Index, Expr], Expr], extents: dict[Index, Expr], statement: Statement) -> Expr:
        return self._reach(form, extents, statement)[1]

    def _reach(
        self, form: tuple[dict[Index, Expr], Expr], extents: dict[Index, Expr], statement: Statement
    ) -> tuple[Expr, Expr]:
        """The smallest and the largest value of an affine form over the box of its indices."""
        low = high = form[1]
        for index, step in form[0].items():
            last = step * (extents[index] - 1)
            if step.is_nonnegative or is_nonnegative(step):
                high = high + last
            elif step.is_nonpositive or is_nonnegative(-step):
                low = low + last
            else:
                raise self._error(f"the sign of the step {step} of {index} is not known", statement)
        return low, high

    def _target_size(self, address: Address, extents: dict[Index, Expr], statement: Statement) -> Expr:
        if isinstance(address, Index):
            return extents[address]
        if isinstance(address, Group):
            return simplify(Mul(*(extents[index] for index in address.parts)))
        form = affine(address)
        if form is None:
            raise self._error("the address of a target must be affine in its indices", statement, EquationError)
        low, high = self._reach(form, extents, statement)
        self._at_least(low, _ZERO, lambda: "the address of a target must not be negative", statement)
        return simplify(high + 1)

    # weights and checks ----------------------------------------------------------------------------------------------

    def _weights(self) -> None:
        """The shape of every learned tensor and buffer: the extents of its own indices, or the sizes declared for it."""
        declared = self.elaborated.declared
        for name in declared:
            if self.roles.get(name) not in ("weight", "buffer"):
                raise self._error(
                    f"where gives a shape to {name}, which is no weight of this equation",
                    self.statements[0],
                    EquationError,
                )
        for place, statement in enumerate(self.statements):
            for read in reads(statement.value):
                if self.roles[read.tensor] not in ("weight", "buffer") or read.tensor in self.shapes:
                    continue
                given = declared.get(read.tensor, (None,) * len(read.address))
                if len(given) != len(read.address):
                    raise self._error(
                        f"{read.tensor} is read at {len(read.address)} axes, where gives it {len(given)}",
                        statement,
                        EquationError,
                    )
                self.shapes[read.tensor] = tuple(
                    self._weight_size(part, size, place) for part, size in zip(read.address, given)
                )

    def _weight_size(self, address: Address, given: Expr | None, place: int) -> Expr:
        if given is not None:
            return given
        if isinstance(address, Read):
            bound = self.elaborated.lookups.get(address.tensor)
            if bound is None:
                raise self._error(
                    f"nothing says how many values {address.tensor} can take; write where {address.tensor} < extent",
                    self.statements[place], EquationError,
                )  # fmt: skip
            return bound
        return self._target_size(address, self.extents[place], self.statements[place])

    def _check(self) -> None:
        """Every read stays inside its tensor; axes that one index addresses agree."""
        for place, statement in enumerate(self.statements):
            if isinstance(statement.value, Pad):
                continue
            extents = self.extents[place]
            for read in reads(statement.value):
                shape = self.shapes[read.tensor]
                if len(shape) != len(read.address):
                    raise self._error(
                        f"{read.tensor} has {len(shape)} axes and is read at {len(read.address)}", statement
                    )
                for axis, (address, size) in enumerate(zip(read.address, shape)):
                    if not self._is_earlier_step(place, read, axis):
                        self._check_axis(statement, read, axis, address, size, extents)

    def _is_earlier_step(self, place: int, read: Read, axis: int) -> bool:
        """Whether an axis of a read is the running index of the recurrence that the statement belongs to, some steps back."""
        if place not in self.recurrent or read.tensor not in self._defined:
            return False
        return is_recurrent_address(read.address[axis], self.statements[self._defined[read.tensor]].address[axis])

    def _check_axis(
        self, statement: Statement, read: Read, axis: int, address: Address, size: Expr, extents: dict[Index, Expr]
    ) -> None:
        where = f"axis {axis} of {read.tensor}"
        partial = self.elaborated.declared.get(read.tensor)
        if isinstance(address, Read):
            return
        if isinstance(address, Index):
            if (partial is not None and partial[axis] is not None) or address in self.elaborated.bounds:
                # An index that `where` bounds may stop before the end of its axis, as one with an offset may.
                self._at_least(
                    size,
                    extents[address],
                    lambda: f"{where} has {size} elements, {extents[address]} are needed",
                    statement,
                )
            elif address not in self.elaborated.ranges:
                self._equal(size, extents[address], lambda: f"{where} must have extent {extents[address]}", statement)
            return
        if isinstance(address, Group):
            product = Mul(*(extents[index] for index in address.parts))
            self._equal(size, product, lambda: f"{where} must have extent {product}", statement)
            return
        form = affine(address)
        if form is None or address_indices(address) & set(self.elaborated.ranges) or self._is_masked(address):
            return
        low, high = self._reach(form, extents, statement)
        self._at_least(low, _ZERO, lambda: f"{where} is read at {address}, which must not be negative", statement)
        self._at_least(
            simplify(size - 1 - high), _ZERO, lambda: f"{where} has {size} elements and is read at {address}", statement
        )

    def _is_masked(self, address: Expr) -> bool:
        """Whether masks speak of the same indices, so that the address is read at permitted points only."""
        return any(address_indices(address) <= mask.indices for mask in self.elaborated.masks)

    # what others ask -------------------------------------------------------------------------------------------------

    def masks(self, place: int) -> list[Mask]:
        """The masks whose indices all belong to a statement."""
        here = set(self._indices[place])
        return [mask for mask in self.elaborated.masks if mask.indices <= here]

    @cached_property
    def live(self) -> tuple[int, ...]:
        """The numbers of the statements that the output depends on; others hold weights for training and compute nothing."""
        found: set[int] = set()
        waiting = [len(self.statements) - 1]
        while waiting:
            place = waiting.pop()
            if place not in found:
                found.add(place)
                waiting += [
                    self._defined[read.tensor]
                    for read in reads(self.statements[place].value)
                    if read.tensor in self._defined
                ]
        return tuple(sorted(found))

    def weights(self) -> dict[str, Shape]:
        """Learned tensors and their shapes, in the order of their first use."""
        return {name: self.shapes[name] for name, role in self.roles.items() if role == "weight"}


def _shape_text(shape: Shape) -> str:
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"


@lru_cache(maxsize=20_000)
def instantiate(layer: StatesEquation, *inputs: Shape) -> Instance:
    """A layer at given input shapes; cached, since networks repeat themselves."""
    return Instance(layer, inputs)


def head_indices(head: Head) -> frozenset[Index]:
    """The indices over which a head is evaluated: its free ones, and those that it reduces."""
    return free_indices(head) | frozenset(getattr(head, "indices", ()))
