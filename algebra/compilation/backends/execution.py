"""Running a plan on numpy arrays, group by group, in blocks that stay in the cache of one core."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import product
from math import prod
from operator import itemgetter
from typing import Any

from ...errors import BudgetError
from ...records import dataclass
from ..program.functions import quotient
from ..program.operations import STEPS
from .array_plan import Plan, Step
from .kernels import NotDivisible, array_kernel, scalar_kernel
from .python_backend import python_function

CACHE_BYTES = 3 * 2**18  # what the arrays of one block take together; most cores have 1 or 2 MiB of their own
MAX_TERMS = 10**6  # of one sum over an index
LEAST_BLOCK, LARGEST_BLOCK = 2**11, 2**15
STREAMED_BLOCK = 2**17  # where every array is read or written once, and nothing has to stay in the cache


@dataclass
class Call:
    """A kernel called on arrays by their numbers: of one step, or of several that were joined."""

    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    kernel: Callable[..., Any] | None = None
    step: Step | None = None


class Execution:
    """A plan with buffers; call it with arrays.

    Parameters
    ----------
    plan : Plan
    results : sequence of int
        The numbers of the arrays that are wanted.
    loop : callable
        Runs a sum over an index: (step, type of the result, operands, out).
    promoted : frozenset of int
        The places whose division need not be exact.
    join : callable, optional
        Joins steps: (plan, group, numbers of the arrays that others want) to calls.
    """

    def __init__(
        self, plan: Plan, results: Sequence[int], loop: Callable, promoted: frozenset[int], join: Callable | None = None
    ):
        self.plan, self.results, self.promoted = plan, results, promoted
        made = {step.output: mask for mask, steps in plan.groups.items() for step in steps}
        wanted = set(results)
        for mask, steps in plan.groups.items():
            for step in steps:
                wanted.update(number for number in step.inputs if made.get(number) not in (None, mask))
        self.groups = [
            Group(plan, mask, wanted, loop, join or each_step)
            for mask in sorted(plan.groups, key=lambda m: (m.bit_count(), m))
            if mask
        ]
        self.scalars = [
            (step, None if step.kernel == "loop" else scalar_kernel(step.kernel, step.value, plan.types[step.output]))
            for step in plan.groups.get(0, [])
        ]

    def __call__(self, values: Mapping[int, Any], shape: tuple[int, ...]) -> list[Any]:
        """The wanted arrays, from the arrays (and Python numbers) of the arguments by their numbers."""
        found = dict(self.plan.constants)
        found.update(values)
        for step, kernel in self.scalars:
            operands = [found[number] for number in step.inputs]
            found[step.output] = kernel(*operands) if kernel else loop_of_numbers(step, operands, self.promoted)
        for group in self.groups:
            group.run(found, shape)
        return [found[number] for number in self.results]


def each_step(plan: Plan, mask: int, wanted: set[int]) -> list[Call]:
    """Every step of a group as a call of its own."""
    return [Call(step.inputs, (step.output,), step=step) for step in plan.groups[mask]]


class Group:
    """The steps of one group, each operand a place in a list that is refilled for every block."""

    def __init__(self, plan: Plan, mask: int, wanted: set[int], loop: Callable, join: Callable):
        self.plan, self.mask = plan, mask
        steps = plan.groups[mask]
        calls: list[Call] = join(plan, mask, wanted)
        outputs = {step.output for step in steps}
        self.external = sorted({number for step in steps for number in step.inputs} - outputs)
        self.exports = sorted(outputs & wanted)
        self.places = {number: place for place, number in enumerate([*self.external, *self.exports])}
        self.buffers: list[str] = []  # the type of each buffer
        self._allocate(calls, outputs - wanted)
        full = sum(1 for number in self.external if plan.masks[number] == mask)
        count = CACHE_BYTES // (8 * max(full + len(self.exports) + len(self.buffers), 1))
        self.block = max(LEAST_BLOCK, min(LARGEST_BLOCK, count)) if len(calls) > 1 else STREAMED_BLOCK
        self.calls = [self._call(call, loop) for call in calls]
        objects = {
            number
            for step in steps
            if plan.types[step.output] == "O" or step.kernel in _OBJECT_OPERANDS or step.value == "O"
            for number in step.inputs
        }
        masks = plan.masks
        self.numbers = [at for at, n in enumerate(self.external) if not masks[n] and n not in objects]
        self.arrays = [at for at, n in enumerate(self.external) if masks[n]]
        self.free: list[tuple[int, list[Any]]] = []  # buffers that no thread is using

    def _allocate(self, calls: Sequence[Call], temporary: set[int]) -> None:
        """Buffers for the arrays that nobody outside wants, each reused as soon as it is no longer needed."""
        last = {number: position for position, call in enumerate(calls) for number in call.inputs}
        free: dict[str, list[int]] = {}
        held: dict[int, int] = {}
        first = len(self.places)

        def release(position: int, call: Call) -> None:
            for number in set(call.inputs):
                if number in held and last[number] == position:
                    buffer = held.pop(number)
                    free.setdefault(self.buffers[buffer], []).append(buffer)

        for position, call in enumerate(calls):
            in_place = call.step is not None and STEPS[call.step.kernel].in_place
            if in_place:
                release(position, call)
            for output in call.outputs:
                if output not in temporary:
                    continue
                kind = self.plan.types[output]
                pool = free.setdefault(kind, [])
                if not pool:
                    pool.append(len(self.buffers))
                    self.buffers.append(kind)
                buffer = pool.pop()
                held[output] = buffer
                self.places[output] = first + buffer
                if output not in last:
                    pool.append(held.pop(output))
            if not in_place:
                release(position, call)

    def _call(self, call: Call, loop: Callable) -> tuple[Callable, itemgetter]:
        places = itemgetter(*(self.places[number] for number in (*call.inputs, *call.outputs)))
        if call.kernel is not None:
            return call.kernel, places
        step = call.step
        assert step is not None, "a call has a kernel or a step"
        kind = self.plan.types[step.output]
        if step.kernel != "loop":
            return array_kernel(step.kernel, step.value, kind), places

        def kernel(*arguments: Any) -> None:
            loop(step, kind, arguments[:-1], arguments[-1])

        return kernel, places

    def run(self, found: dict[int, Any], full: tuple[int, ...]) -> None:
        """Fills in the arrays of this group that others want."""
        import numpy as np

        shape = tuple([size if self.mask >> axis & 1 else 1 for axis, size in enumerate(full)])
        working: list[Any] = [found[number] for number in self.external]
        for position in self.numbers:
            kind = self.plan.types[self.external[position]]
            working[position] = as_array(working[position], kind)
        for number in self.exports:
            found[number] = np.empty(shape, dtype=_DTYPES[self.plan.types[number]])
            working.append(found[number])
        pieces = Pieces(shape, self.block)
        # What does not span the axes that are cut is the same in every block.
        moving = [
            (at, working[at], pieces.index_of(working[at].shape))
            for at in self.arrays
            if pieces.cuts(working[at].shape)
        ]
        moving += [(at, working[at], None) for at in range(len(self.external), len(working))]
        self._run_pieces(pieces, working, moving)

    def _run_pieces(self, pieces: "Pieces", given: Sequence[Any], moving: Sequence[tuple]) -> None:
        """The steps, piece by piece, on buffers that no other thread uses meanwhile."""
        import numpy as np

        size, storage = self.free.pop() if self.free else (0, [])
        if size < pieces.largest:
            size, storage = pieces.largest, [np.empty(pieces.largest, dtype=_DTYPES[kind]) for kind in self.buffers]
        first = len(given)
        working = [*given, *storage]
        current: tuple[int, ...] | None = None
        # Wrapped partial sums are meant (see `factoring`); what must not wrap was shown not to.
        with np.errstate(all="ignore"):
            for place, shape in pieces:
                if shape != current:
                    current, count = shape, prod(shape)
                    for number, buffer in enumerate(storage, start=first):
                        working[number] = buffer[:count].reshape(shape)
                whole = (*place, _ALL)
                for position, array, index in moving:
                    working[position] = array[index(whole) if index else place]
                for kernel, operands in self.calls:
                    kernel(*operands(working))
        self.free.append((size, storage))


_ALL = slice(None)
_OBJECT_OPERANDS = {"ratio", "logratio"}
_DTYPES = {"i": "int64", "O": "object", "f": "float64", "b": "bool"}


class Pieces:
    """A box in pieces of about so many elements, in the order of memory: slices, and the shape of the piece.

    >>> [shape for place, shape in Pieces((2, 5), 3)]
    [(1, 3), (1, 2), (1, 3), (1, 2)]
    """

    def __init__(self, shape: tuple[int, ...], count: int):
        self.shape = shape
        axis = len(shape) - 1
        inner = 1
        while axis > 0 and inner * shape[axis] <= count:
            inner *= shape[axis]
            axis -= 1
        self.axis = axis
        number = -(-shape[axis] // max(1, count // inner))
        self.step = -(-shape[axis] // number)  # pieces as equal as can be
        self.largest = self.step * inner

    def cuts(self, shape: tuple[int, ...]) -> bool:
        """Whether an array of this shape is cut at all."""
        return any(size > 1 for size in shape[: self.axis + 1])

    def index_of(self, shape: tuple[int, ...]) -> Any:
        """How to index an array that broadcasts: from the slices of a piece and one for everything."""
        if shape == self.shape:
            return None
        places = [axis if size > 1 else len(shape) for axis, size in enumerate(shape)]
        return itemgetter(*places) if len(places) > 1 else None

    def __iter__(self) -> Iterator[tuple[tuple[slice, ...], tuple[int, ...]]]:
        shape, axis, step = self.shape, self.axis, self.step
        rest = tuple(slice(0, size) for size in shape[axis + 1 :])
        starts = [
            (slice(a, min(a + step, shape[axis])), min(step, shape[axis] - a)) for a in range(0, shape[axis], step)
        ]
        for outer in product(*(range(size) for size in shape[:axis])):
            head = tuple(slice(index, index + 1) for index in outer)
            for piece, length in starts:
                yield (*head, piece, *rest), (*((1,) * axis), length, *shape[axis + 1 :])


def loop_of_numbers(step: Step, operands: Sequence[Any], promoted: frozenset[int]) -> Any:
    """A sum, product or conjunction over an index whose limits are Python integers."""
    low, high, *captured = operands
    if high - low >= MAX_TERMS:
        raise BudgetError(f"a sum has {high - low + 1} terms, more than {MAX_TERMS}; close it before compiling it")
    body = python_function(step.value.program)
    terms = (body(index, *captured)[0] for index in range(low, high + 1))
    joined: dict[str, Callable[[Any], Any]] = {"sum": sum, "product": prod, "all": all}
    found = joined[step.value.kind](terms)
    if isinstance(found, Fraction):
        found = quotient(found, 1)
        if isinstance(found, Fraction) and step.output not in promoted:
            raise NotDivisible(step.output)
    return found


def as_array(value: Any, kind: str) -> Any:
    """A Python number as an array without axes; an integer modulo 2**64 (see `factoring`)."""
    import numpy as np

    if kind == "b":
        return np.array(bool(value))
    if isinstance(value, int):
        return np.array(wrapped(value), dtype=np.int64)
    return np.array(value)


def wrapped(value: int) -> int:
    """An integer modulo 2**64, between -2**63 and 2**63."""
    return (value + 2**63) % 2**64 - 2**63
