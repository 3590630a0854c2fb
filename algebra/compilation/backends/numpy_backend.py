"""The numpy backend: open grids and long lists of sizes, exactly.

Each call looks at the smallest and largest value of every argument; bounds computed from them say which intermediate
results fit into 64 bits. The others are computed on Python integers, in object arrays.

>>> from sympy import symbols
>>> from layeralgebra import compile
>>> c, L = symbols("c L", integer=True, positive=True)
>>> f = compile(9 * c**2 * L)
>>> f(c=[64, 128], L=[[1], [2]])
array([[ 36864, 147456],
       [ 73728, 294912]])
>>> f(c=[64, 10**9], L=10)
array([368640, 90000000000000000000], dtype=object)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import prod
from typing import Any

from sympy import Symbol

from ...errors import BudgetError, DomainError, FieldError
from ...sizes.intervals import ANYTHING
from ..program.conditions import nearest, outside
from ..program.formulas import Formulas
from ..program.functions import ratio
from ..program.integer_bounds import Interval, fits
from ..program.operations import OPERATIONS
from ..program.program import Program, widened
from .array_plan import Plan, Step
from .array_steps import EXACT_FLOAT, plan_for
from .axes import Axes
from .execution import MAX_TERMS, Execution
from .kernels import NotDivisible
from .python_backend import ScalarRunner, failure, scalar
from .registry import Backend

LEAST_JOINED = 2**14  # elements; below, numpy has finished before joined steps are compiled


class ArrayProgram:
    """A program together with what was found out about it: which places fit for which arguments, and plans by shape."""

    def __init__(self, program: Program, exact: bool = False, join: Callable | None = None):
        self.program = program
        self.join = join
        self.inputs = {program.values[place]: place for place, op in enumerate(program.ops) if op == "input"}
        uses: dict[int, int] = {}
        for args in program.args:
            for arg in args:
                uses[arg] = uses.get(arg, 0) + 1
        # A quotient that is a result and nothing else may be the nearest float; in a sum it must stay a fraction.
        self.final = set() if exact else {place for place in program.outputs if not uses.get(place)}
        self.depends = _dependence(program)
        self._bodies: dict[int, ArrayProgram] = {}
        self._fits: dict[tuple[Interval, ...], tuple[bytes, bytes]] = {}
        self._plans: dict[tuple, tuple[Execution, list[str]]] = {}
        self._shapes: dict[tuple, Axes] = {}

    def fitting(self, box: Sequence[Interval]) -> tuple[bytes, bytes]:
        """For each place, whether it fits into 64 bits and whether a float holds it exactly, for arguments in a box."""
        wide = widened(box)
        key = tuple(box)
        found = self._fits.get(wide) or self._fits.get(key)
        if found is None:
            if len(self._fits) > 256:
                self._fits.clear()
            found = self._judged(wide)
            if all(found[0]):
                self._fits[wide] = found
            else:
                found = self._fits[key] = self._judged(key)
        return found

    def _judged(self, box: tuple[Interval, ...]) -> tuple[bytes, bytes]:
        bounds = self.program.analyse(box)
        kinds = self.program.types
        return (
            bytes(kind != "int" or fits(part) for kind, part in zip(kinds, bounds, strict=True)),
            bytes(fits(part, (-EXACT_FLOAT, EXACT_FLOAT)) for part in bounds),
        )

    def types(self, fitting: bytes, promoted: frozenset[int]) -> list[str]:
        """How each place is represented; what is a fraction, or too large, is an object."""
        program = self.program
        found: list[str] = []
        fractional: set[int] = set()
        for place, (op, args, kind) in enumerate(zip(program.ops, program.args, program.types, strict=True)):
            if kind != "int":
                found.append(kind[0])
                continue
            if place in promoted:
                if op == "quotient" and place in self.final:
                    found.append("f")
                    continue
                fractional.add(place)
            elif not OPERATIONS[op].whole and any(arg in fractional for arg in args):
                fractional.add(place)
            found.append("i" if fitting[place] and place not in fractional else "O")
        return found

    def run(self, values: Sequence[Any], box: Sequence[Interval]) -> list[Any]:
        """The results for arguments that are Python numbers or arrays that broadcast."""
        axes = self._axes(values)
        arrays = [axes.inward(value, mask) for value, mask in zip(values, axes.masks, strict=True)]
        fitting, small = self.fitting(box)
        promoted: frozenset[int] = frozenset()
        while True:
            execution, types = self._execution(axes.masks, axes.inner, fitting, small, promoted)
            given = {}
            for number, place in self.inputs.items():
                array = arrays[number]
                if types[place] == "O" and axes.masks[number] and array.dtype != object:
                    array = array.astype(object)
                given[place] = array
            try:
                results = execution(given, axes.inner)
            except NotDivisible as found:
                promoted = promoted | {found.place}
                continue
            break
        return [
            axes.outward(_single(result, [shape for number, shape in enumerate(axes.shapes) if depends >> number & 1]))
            for result, depends in zip(results, self.depends, strict=True)
        ]

    def _axes(self, values: Sequence[Any]) -> Axes:
        shapes = tuple([getattr(value, "shape", ()) for value in values])
        found = self._shapes.get(shapes)
        if found is None:
            if len(self._shapes) > 64:
                self._shapes.clear()
            found = self._shapes[shapes] = Axes(values)
        return found

    def _execution(
        self, masks: tuple[int, ...], shape: tuple[int, ...], fitting: bytes, small: bytes, promoted: frozenset[int]
    ) -> tuple[Execution, list[str]]:
        join = self.join if self.join is not None and prod(shape) >= LEAST_JOINED else None
        # Along one axis the order of operations does not depend on its length.
        key = (masks, shape if len(shape) > 1 else len(shape), fitting, small, promoted, join)
        found = self._plans.get(key)
        if found is None:
            if len(self._plans) > 32:
                self._plans.clear()
            plan = self.plan(masks, shape, fitting, small, promoted)
            execution = Execution(plan, self.program.outputs, self._loop, promoted, join)
            found = self._plans[key] = (execution, self.types(fitting, promoted))
        return found

    def plan(
        self, masks: tuple[int, ...], shape: tuple[int, ...], fitting: bytes, small: bytes, promoted: frozenset[int]
    ) -> Plan:
        """The steps for arguments that span these axes of a shape."""
        program = self.program
        spans: list[int] = []
        for op, args, value in zip(program.ops, program.args, program.values, strict=True):
            mask = masks[value] if op == "input" else 0
            for arg in args:
                mask |= spans[arg]
            spans.append(mask)
        sizes: dict[int, int] = {}

        def size(mask: int) -> int:
            if mask not in sizes:
                sizes[mask] = prod(extent for axis, extent in enumerate(shape) if mask >> axis & 1)
            return sizes[mask]

        return plan_for(program, spans, self.types(fitting, promoted), small, size, promoted)

    def _loop(self, step: Step, kind: str, operands: Sequence[Any], out: Any) -> None:
        """A sum over an index, one term at a time for all points; points whose sum has ended keep what they have."""
        import numpy as np

        low, high, *captured = operands
        loop = step.value
        first, last = int(np.min(low)), int(np.max(high))
        if last - first >= MAX_TERMS:
            raise BudgetError(
                f"a sum has {last - first + 1} terms, more than {MAX_TERMS}; close it before compiling it"
            )
        body = self._bodies.setdefault(step.output, ArrayProgram(loop.program, exact=True))
        start = {"sum": 0, "product": 1, "all": True}[loop.kind]
        combine = {"sum": np.add, "product": np.multiply, "all": np.logical_and}[loop.kind]
        total = np.full(out.shape, start, dtype=out.dtype)
        box = [(first, max(first, last)), *(ends(value) for value in captured)]
        for index in range(first, last + 1):
            term = body.run([index, *captured], box)[0]
            if kind == "i" and isinstance(_first_of(term), Fraction):
                raise NotDivisible(step.output)
            inside = np.logical_and(low <= index, index <= high)
            total = np.where(inside, combine(total, term), total)
        out[...] = total


def _dependence(program: Program) -> list[int]:
    """For every result a bit for each argument that it depends on."""
    found: list[int] = []
    for op, args, value in zip(program.ops, program.args, program.values, strict=True):
        bits = 1 << value if op == "input" else 0
        for arg in args:
            bits |= found[arg]
        found.append(bits)
    return [found[output] for output in program.outputs]


def _single(result: Any, shapes: Sequence[tuple[int, ...]]) -> Any:
    """A Python number as an array of one element, if it was computed from one."""
    import numpy as np

    if not any(shapes) or hasattr(result, "dtype"):
        return result
    if isinstance(result, Fraction):
        result = ratio(result, 1)
    whole = isinstance(result, int) and not isinstance(result, bool)
    return np.array(result, dtype=object if whole and not fits((result, result)) else np.int64 if whole else None)


def _first_of(term: Any) -> Any:
    """A value whose type tells whether there are fractions: the first one that is a fraction, if there is one."""
    if getattr(getattr(term, "dtype", None), "kind", "") == "O":
        return next((value for value in term.flat if isinstance(value, Fraction)), 0)
    return term


def ends(value: Any) -> Interval:
    """The smallest and largest of some integers; anything for floats."""
    if isinstance(value, int):
        return value, value
    if isinstance(value, float) or value.dtype.kind == "f":
        return ANYTHING
    return int(value.min()), int(value.max())


class NumpyRunner:
    """Runs formulas on arrays: checks the arguments, runs, checks the conditions."""

    def __init__(self, formulas: Formulas, symbols: Sequence[Symbol], mask: bool, join: Callable | None = None):
        self.formulas, self.symbols, self.mask = formulas, symbols, mask
        self.program = ArrayProgram(formulas.program, join=join)
        self.types = formulas.program.input_types()
        self._scalars: ScalarRunner | None = None

    def __call__(self, given: Sequence[Any]) -> list[Any]:
        import numpy as np

        values = [
            as_argument(symbol, value, kind)
            for symbol, value, kind in zip(self.symbols, given, self.types, strict=True)
        ]
        if not any(isinstance(value, np.ndarray) for value in values):
            if self._scalars is None:
                self._scalars = ScalarRunner(self.formulas, self.symbols, self.mask)
            return [np.ma.masked if result is None else result for result in self._scalars(values)]
        if any(isinstance(value, np.ndarray) and not value.size for value in values):
            shape = Axes(values).shape
            return [np.empty(shape, dtype=_EMPTY[kind]) for kind in self.formulas.kinds]
        box, wrong = self._checked(values)
        results = self.program.run(values, box)
        found = [_result(result) for result in results[: self.formulas.count]]
        tests = results[self.formulas.count :]
        if not self.mask:
            for test, message in zip(tests, self.formulas.messages, strict=True):
                if not np.all(test):
                    raise DomainError(failure(message, self.symbols, _point(values, test)))
            return found
        masked = []
        for result, needs in zip(found, self.formulas.conditions, strict=True):
            invalid: Any = wrong
            for need in needs:
                invalid = np.logical_or(invalid, np.logical_not(tests[need]))
            shape = np.broadcast_shapes(np.shape(result), np.shape(invalid))
            mask = np.broadcast_to(invalid, shape) if np.any(invalid) else np.ma.nomask
            masked.append(np.ma.masked_array(np.broadcast_to(result, shape), mask=mask))
        return masked

    def ends(self, value: Any) -> Interval:
        """The smallest and largest element."""
        return ends(value)

    def _checked(self, values: list[Any]) -> tuple[list[Interval], Any]:
        """The smallest and largest of each argument, and where one of them is not admissible.

        Where the caller wants a mask, such an argument is replaced by one that is.
        """
        import numpy as np

        box: list[Interval] = []
        wrong: Any = False
        for number, (symbol, value) in enumerate(zip(self.symbols, values, strict=True)):
            range_ = self.formulas.ranges[number]
            found = self.ends(value)
            if self.types[number] == "int" and not fits(found, range_):
                bad = np.logical_or(np.asarray(value) < range_[0], np.asarray(value) > range_[1])
                if not self.mask:
                    raise DomainError(outside(symbol, np.asarray(value)[bad].flat[0], range_))
                wrong = np.logical_or(wrong, bad)
                value = values[number] = np.where(bad, nearest(range_), np.asarray(value, dtype=object))
                if fits(ends(value)):
                    value = values[number] = value.astype(np.int64)
                found = ends(value)
            box.append(found)
        return box, wrong


_EMPTY = {"integer": "int64", "rational": "int64", "real": "float64", "truth": "bool"}


def _point(values: Sequence[Any], test: Any) -> list[Any]:
    """The arguments where a condition fails first."""
    import numpy as np

    everything = np.broadcast_arrays(test, *values)
    place = np.unravel_index(int(np.argmin(everything[0])), everything[0].shape)
    return [array[place] for array in everything[1:]]


def _result(result: Any) -> Any:
    """A result with fractions as the nearest floats."""
    if isinstance(_first_of(result), Fraction) and hasattr(result, "dtype"):
        return result.astype(float)
    return result


def as_argument(symbol: Symbol, value: Any, kind: str) -> Any:
    """An argument as a Python number or an array: int64, or Python integers where they do not fit."""
    import numpy as np

    if type(value) is int:
        return value
    if kind == "int" and type(value) is np.ndarray and value.dtype == np.int64 and value.ndim:
        return value
    if hasattr(value, "__index__") and not isinstance(value, np.ndarray) or isinstance(value, (bool, float)):
        return scalar(symbol, value, kind)
    try:
        array = np.asarray(value)
    except ValueError as problem:
        raise FieldError(f"{symbol} must be an integer or an array of integers: {problem}") from None
    if kind == "float":
        if array.dtype.kind not in "iufO":
            raise FieldError(f"{symbol} must be a number or an array of numbers, got an array of {array.dtype}")
        return array.astype(np.float64) if array.ndim else float(array)
    if array.dtype.kind == "u" and array.size and int(array.max()) > 2**63 - 1:
        array = array.astype(object)
    if array.dtype.kind in "iu":
        array = array.astype(np.int64, copy=False)
    elif array.dtype.kind == "O":
        array = _integers(symbol, array)
    elif array.size:
        raise FieldError(
            f"{symbol} must be an integer or an array of integers, got an array of {array.dtype}; "
            "write x.astype(int) if it holds integers"
        )
    else:
        array = array.astype(np.int64)
    return array if array.ndim else array.item()


def _integers(symbol: Symbol, array: Any) -> Any:
    """An object array as int64 if its integers fit."""
    import numpy as np

    found = np.empty(array.shape, dtype=object)
    for place, value in enumerate(array.flat):
        found.flat[place] = scalar(symbol, value)
    if not found.size or fits((min(found.flat), max(found.flat))):
        return found.astype(np.int64)
    return found


BACKEND = Backend(NumpyRunner, on_arrays=True)
