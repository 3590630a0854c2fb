"""Running a plan on numpy arrays, group by group, in blocks that stay in the cache of one core."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import product
from math import prod
from operator import itemgetter
from typing import Any

from ..errors import BudgetError
from .kernels import IN_PLACE, NotDivisible, array_kernel, scalar_kernel
from .plan import Plan, Step
from .runtime import quotient
from .scalar import python_function

CACHE_BYTES = 3 * 2**18  # what the arrays of one block take together; most cores have 1 or 2 MiB of their own
MAX_TERMS = 10**6  # of one sum over an index
LEAST_BLOCK, LARGEST_BLOCK = 2**11, 2**15


class Execution:
    """A plan bound to buffers; call it with the arrays of one shape.

    Parameters
    ----------
    plan : Plan
    results : sequence of int
        The numbers of the arrays that are wanted.
    shape : tuple of int
        The shape that all arguments broadcast to.
    loop : callable
        Runs a sum over an index: (step, type of the result, operands, out).
    promoted : frozenset of int
        The places whose division need not be exact.
    """

    def __init__(
        self, plan: Plan, results: Sequence[int], shape: tuple[int, ...], loop: Callable, promoted: frozenset[int]
    ):
        self.plan, self.results, self.shape, self.loop, self.promoted = plan, results, shape, loop, promoted
        made = {step.output: mask for mask, steps in plan.groups.items() for step in steps}
        wanted = set(results)
        for mask, steps in plan.groups.items():
            for step in steps:
                wanted.update(number for number in step.inputs if made.get(number) not in (None, mask))
        order = sorted(plan.groups, key=lambda mask: (mask.bit_count(), mask))
        self.scalars = plan.groups.get(0, [])
        self.groups = [Group(plan, mask, wanted, shape, loop) for mask in order if mask]

    def __call__(self, values: Mapping[int, Any]) -> list[Any]:
        """The wanted arrays, from the arrays (and Python numbers) of the arguments by their numbers."""
        found = dict(self.plan.constants)
        found.update(values)
        for step in self.scalars:
            if step.kernel == "loop":
                operands = [found[number] for number in step.inputs]
                found[step.output] = loop_of_numbers(step, operands, self.promoted)
            else:
                kind = self.plan.types[step.output]
                kernel = scalar_kernel(step.kernel, step.value, kind)
                found[step.output] = kernel(*[found[number] for number in step.inputs])
        for group in self.groups:
            group.run(found)
        return [found[number] for number in self.results]


class Group:
    """The steps of one group, each operand a place in a list that is refilled for every block."""

    def __init__(self, plan: Plan, mask: int, wanted: set[int], shape: tuple[int, ...], loop: Callable):
        self.plan, self.mask = plan, mask
        axes = len(shape)
        self.shape = tuple(size if mask >> axis & 1 else 1 for axis, size in enumerate(shape))
        steps = plan.groups[mask]
        outputs = {step.output for step in steps}
        self.external = sorted({number for step in steps for number in step.inputs} - outputs)
        self.exports = sorted(outputs & wanted)
        self.places = {number: place for place, number in enumerate([*self.external, *self.exports])}
        self.buffers: list[str] = []  # the type of each buffer
        self._allocate(steps, outputs - wanted)
        streams = sum(1 for number in self.external if plan.masks[number]) + len(self.exports) + len(self.buffers)
        count = CACHE_BYTES // (8 * max(streams, 1))
        self.block = max(LEAST_BLOCK, min(LARGEST_BLOCK, count))
        self.calls = [self._call(step, loop) for step in steps]
        self.storage: list[Any] | None = None

    def _allocate(self, steps: Sequence[Step], temporary: set[int]) -> None:
        """Buffers for the arrays that nobody outside wants, each reused as soon as it is no longer needed."""
        last = {number: position for position, step in enumerate(steps) for number in step.inputs}
        free: dict[str, list[int]] = {}
        held: dict[int, int] = {}
        first = len(self.places)

        def release(position: int, step: Step) -> None:
            for number in set(step.inputs):
                if number in held and last[number] == position:
                    buffer = held.pop(number)
                    free.setdefault(self.buffers[buffer], []).append(buffer)

        for position, step in enumerate(steps):
            in_place = step.kernel in IN_PLACE
            if in_place:
                release(position, step)
            if step.output in temporary:
                kind = self.plan.types[step.output]
                pool = free.setdefault(kind, [])
                if not pool:
                    pool.append(len(self.buffers))
                    self.buffers.append(kind)
                buffer = pool.pop()
                held[step.output] = buffer
                self.places[step.output] = first + buffer
                if step.output not in last:  # computed for nobody, such as the unused half of a pair
                    pool.append(held.pop(step.output))
            if not in_place:
                release(position, step)

    def _call(self, step: Step, loop: Callable) -> tuple[Callable, itemgetter]:
        places = [self.places[number] for number in (*step.inputs, step.output)]
        if step.kernel == "loop":
            kind = self.plan.types[step.output]

            def kernel(*arguments: Any) -> None:
                loop(step, kind, arguments[:-1], arguments[-1])

        else:
            kernel = array_kernel(step.kernel, step.value, self.plan.types[step.output])
        return kernel, itemgetter(*places)

    def run(self, found: dict[int, Any]) -> None:
        """Fills in the arrays of this group that others want."""
        import numpy as np

        sources: list[Any] = [found[number] for number in self.external]
        needs_objects = {
            number
            for step in self.plan.groups[self.mask]
            if self.plan.types[step.output] == "O" or step.kernel in _OBJECT_OPERANDS or step.value == "O"
            for number in step.inputs
        }
        for position, number in enumerate(self.external):
            if not self.plan.masks[number] and number not in needs_objects:
                sources[position] = _as_array(sources[position], np)
        exports = []
        for number in self.exports:
            found[number] = np.empty(self.shape, dtype=_DTYPES[self.plan.types[number]])
            exports.append(found[number])
        moving = [position for position, number in enumerate(self.external) if self.plan.masks[number]]
        if self.storage is None:
            self.storage = [np.empty(self._capacity(), dtype=_DTYPES[kind]) for kind in self.buffers]
        outside = len(sources)
        working: list[Any] = [*sources, *exports, *([None] * len(self.storage))]
        start = outside + len(exports)
        current: tuple[int, ...] | None = None
        # Wrapped partial sums are meant (see `factoring`); what must not wrap was shown not to.
        with np.errstate(all="ignore"):
            for place in blocks(self.shape, self.block):
                shape = tuple(piece.stop - piece.start for piece in place)
                if shape != current:
                    current, count = shape, prod(shape)
                    for number, buffer in enumerate(self.storage):
                        working[start + number] = buffer[:count].reshape(shape)
                for position in moving:
                    array = sources[position]
                    if array.shape == self.shape:
                        working[position] = array[place]
                    else:
                        working[position] = array[
                            tuple(
                                piece if size > 1 else slice(None)
                                for piece, size in zip(place, array.shape, strict=True)
                            )
                        ]
                for position, array in enumerate(exports, start=outside):
                    working[position] = array[place]
                for kernel, operands in self.calls:
                    kernel(*operands(working))

    def _capacity(self) -> int:
        return max(prod(piece.stop - piece.start for piece in place) for place in _first(blocks(self.shape, self.block)))


_OBJECT_OPERANDS = {"ratio", "logratio"}
_DTYPES = {"i": "int64", "O": "object", "f": "float64", "b": "bool"}


def _first(places: Iterator[tuple[slice, ...]]) -> list[tuple[slice, ...]]:
    """The first block: no other one is larger."""
    return [next(places)]


def blocks(shape: tuple[int, ...], count: int) -> Iterator[tuple[slice, ...]]:
    """A box in pieces of about so many elements, in the order of memory.

    >>> [tuple((p.start, p.stop) for p in place) for place in blocks((2, 5), 3)]
    [((0, 1), (0, 3)), ((0, 1), (3, 5)), ((1, 2), (0, 3)), ((1, 2), (3, 5))]
    """
    axis = len(shape) - 1
    inner = 1
    while axis > 0 and inner * shape[axis] <= count:
        inner *= shape[axis]
        axis -= 1
    step = max(1, count // inner)
    rest = tuple(slice(0, size) for size in shape[axis + 1 :])
    for outer in product(*(range(size) for size in shape[:axis])):
        head = tuple(slice(index, index + 1) for index in outer)
        for start in range(0, shape[axis], step):
            yield (*head, slice(start, min(start + step, shape[axis])), *rest)


def loop_of_numbers(step: Step, operands: Sequence[Any], promoted: frozenset[int]) -> Any:
    """A sum, product or conjunction over an index whose limits are Python integers."""
    low, high, *captured = operands
    if high - low >= MAX_TERMS:
        raise BudgetError(f"a sum has {high - low + 1} terms, more than {MAX_TERMS}; close it before compiling it")
    body = python_function(step.value.program)
    terms = (body(index, *captured)[0] for index in range(low, high + 1))
    found = {"sum": sum, "product": prod, "all": all}[step.value.kind](terms)
    if isinstance(found, Fraction):
        found = quotient(found, 1)
        if isinstance(found, Fraction) and step.output not in promoted:
            raise NotDivisible(step.output)
    return found


def _as_array(value: Any, np: Any) -> Any:
    """A Python number as an array without axes; an integer modulo 2**64 (see `factoring`)."""
    if isinstance(value, bool):
        return np.array(value)
    if isinstance(value, int):
        return np.array((value + 2**63) % 2**64 - 2**63, dtype=np.int64)
    return np.array(value)
