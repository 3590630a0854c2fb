"""What the torch and jax backends share: the steps of the numpy backend as operations on tensors, on whatever device these are.

A tensor holds 64 bits and no more. What is shown to fit is computed on the device; if only intermediate results are too
large, Python integers compute on the host; a result that is too large is refused. Inside ``jax.jit`` sizes are not
known, and only the bounds of the domain count; there integers have 32 bits unless jax was told to use 64.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from sympy import Symbol

from ...errors import BudgetError, DomainError, UnsupportedError
from ..program.conditions import outside
from ..program.formulas import Formulas
from ..program.integer_bounds import Interval, fits
from ..program.operations import OPERATIONS, STEPS
from .array_plan import Plan
from .execution import wrapped
from .kernels import NotDivisible, scalar_kernel
from .numpy_backend import ArrayProgram, NumpyRunner
from .python_backend import ScalarRunner, failure, scalar

INT32: Interval = (-(2**31), 2**31 - 1)


class Library(Protocol):
    """What is asked of a library of tensors."""

    def is_traced(self, value: Any) -> bool:
        """Whether sizes are not known because a function is being recorded."""

    def tensor(self, symbol: Symbol, value: Any, kind: str) -> Any:
        """An argument as a tensor of 64 bits."""

    def ends(self, value: Any) -> tuple[int, int]:
        """The smallest and the largest element."""

    def from_numpy(self, array: Any, like: Any) -> Any:
        """An array as a tensor, where another one is."""

    def number(self, value: Any) -> Any:
        """A tensor without axes as a Python number; anything else as it is."""

    def run(self, function: Callable[..., Any], arguments: Sequence[Any], fuse: bool) -> Any:
        """The function of the arguments, compiled as one where it may be."""

    def kernels(self) -> dict[str, Callable[..., Any]]:
        """The operations by name."""


class TensorRunner:
    """Runs formulas on tensors."""

    def __init__(self, formulas: Formulas, symbols: Sequence[Symbol], mask: bool, backend: str, library: Library):
        self.formulas, self.symbols, self.mask = formulas, symbols, mask
        self.backend, self.library = backend, library
        signs = {name: known.scalar for name, known in STEPS.items() if known.by_sign}
        self.kernels: dict[str, Any] = signs | self.library.kernels()
        self.program = ArrayProgram(formulas.program)
        self.types = formulas.program.input_types()
        self.on_host = any(
            OPERATIONS[op].on_host
            or op == "quotient"
            and place not in self.program.final
            or op == "func"
            and formulas.program.values[place] == "binaryentropy"
            for place, op in enumerate(formulas.program.ops)
        )
        self._functions: dict[Any, tuple[Callable[..., list[Any]], bool]] = {}

    def __call__(self, given: Sequence[Any]) -> list[Any]:
        library = self.library
        values = []
        for symbol, value, kind in zip(self.symbols, given, self.types, strict=True):
            if hasattr(value, "__index__") and not hasattr(value, "dtype") or isinstance(value, (bool, float)):
                values.append(scalar(symbol, value, kind))
            else:
                values.append(library.number(library.tensor(symbol, value, kind)))
        if not any(hasattr(value, "dtype") for value in values):
            results = ScalarRunner(self.formulas, self.symbols, self.mask)(values)
            return [(result, result is not None) for result in results] if self.mask else results
        traced = any(library.is_traced(value) for value in values)
        box, wrong = self._box(values, traced)
        fitting, small = self._fitting(values, box, traced)
        if not all(fitting) or self.on_host or wrong:
            if traced:
                raise UnsupportedError(
                    "inside jax.jit nothing shows that every intermediate result fits (or a sum, a binomial "
                    "or an integer "
                    "logarithm would have to be computed on the host); give compile a domain that bounds every symbol, "
                    "such as [H <= 4096], or call the function outside of jit"
                )
            return self._by_host(given, values)
        promoted = frozenset(place for place, op in enumerate(self.formulas.program.ops) if op == "quotient" and traced)
        while True:
            try:
                function, fuse = self._function(values, fitting, small, promoted)
                results = library.run(function, values, fuse)
                break
            except NotDivisible as found:
                promoted = promoted | {found.place}
        return self._checked(results, values, traced)

    def _box(self, values: Sequence[Any], traced: bool) -> tuple[list[Interval], bool]:
        """The smallest and largest of every argument; whether one is not admissible and is to be masked."""
        box: list[Interval] = []
        wrong = False
        for number, (symbol, value) in enumerate(zip(self.symbols, values, strict=True)):
            range_ = self.formulas.ranges[number]
            if isinstance(value, int):
                found: Interval = (value, value)
            elif isinstance(value, float) or self.types[number] == "float" or traced and self.library.is_traced(value):
                box.append(range_)
                continue
            elif 0 in value.shape:
                found = range_
            else:
                found = self.library.ends(value)
            if not fits(found, range_):
                if not self.mask or traced:
                    raise DomainError(outside(symbol, found[0] if found[0] < range_[0] else found[1], range_))
                wrong = True
            box.append(found)
        return box, wrong

    def _fitting(self, values: Sequence[Any], box: Sequence[Interval], traced: bool) -> tuple[bytes, bytes]:
        fitting, small = self.program.fitting(box)
        narrow = traced and any(getattr(value, "dtype", None) == "int32" for value in values)
        if narrow:
            bounds = self.formulas.program.analyse(box)
            fitting = bytes(
                kind != "int" or fits(part, INT32)
                for kind, part in zip(self.formulas.program.types, bounds, strict=True)
            )
        return fitting, small

    def _function(
        self, values: Sequence[Any], fitting: bytes, small: bytes, promoted: frozenset[int]
    ) -> tuple[Callable[..., list[Any]], bool]:
        """The steps for arguments of these shapes as a function, and whether it can be compiled as one."""
        shapes = tuple(tuple(value.shape) if hasattr(value, "shape") else None for value in values)
        key = (shapes, fitting, small, promoted)
        found = self._functions.get(key)
        if found is None:
            if len(self._functions) > 32:
                self._functions.clear()
            rank = max(len(shape) for shape in shapes if shape is not None)
            padded = [(1,) * (rank - len(shape)) + shape if shape is not None else None for shape in shapes]
            # One axis more than there are, so that a tensor of one element still is a tensor.
            masks = tuple(
                0 if shape is None else sum(1 << axis for axis, extent in enumerate((*shape, 2)) if extent != 1)
                for shape in padded
            )
            full = (*(max(shape[axis] for shape in padded if shape is not None) for axis in range(rank)), 1)
            plan = self.program.plan(masks, full, fitting, small, promoted)
            places = list(self.program.inputs.items())

            def function(*arguments: Any) -> list[Any]:
                return self._execute(plan, {place: arguments[number] for number, place in places})

            fuse = all(step.kernel != "quotient" for steps in plan.groups.values() for step in steps)
            found = self._functions[key] = (function, fuse)
        return found

    def _execute(self, plan: Plan, values: dict[int, Any]) -> list[Any]:
        found = dict(plan.constants)
        found.update(values)
        for mask in sorted(plan.groups, key=lambda mask: (mask.bit_count(), mask)):
            for step in plan.groups[mask]:
                operands = [found[number] for number in step.inputs]
                if not mask:
                    found[step.output] = scalar_kernel(step.kernel, step.value, plan.types[step.output])(*operands)
                    continue
                operands = [wrapped(value) if type(value) is int else value for value in operands]
                found[step.output] = self._step(step.kernel, step.value, operands)
        return [found[place] for place in self.formulas.program.outputs]

    def _step(self, name: str, value: Any, operands: list[Any]) -> Any:
        kernels = self.kernels
        if name == "quotient":
            top, bottom = operands
            result = kernels["floordiv"](top, bottom)
            if not bool((result * bottom == top).all()):
                raise NotDivisible(value)
            return result
        if name == "logfloat":
            return kernels["log"](kernels["float"](operands[0]))
        if name in ("ratio", "divide"):
            return kernels["divide"](*operands)
        if name in ("logratio", "logdivide"):
            return kernels["log"](kernels["divide"](*operands))
        if name == "func":
            if value == "reciprocal":
                return 1 / operands[0]
            return kernels["function"](value, operands[0])
        return kernels[name](*operands)

    def _checked(self, results: Sequence[Any], values: Sequence[Any], traced: bool) -> list[Any]:
        found, tests = list(results[: self.formulas.count]), results[self.formulas.count :]
        if self.mask:
            pairs = []
            for result, needs in zip(found, self.formulas.conditions, strict=True):
                valid: Any = True
                for need in needs:
                    valid = tests[need] if valid is True else self.kernels["and"](valid, tests[need])
                pairs.append((result, valid))
            return pairs
        if tests and traced:
            raise UnsupportedError(
                f"inside jax.jit it cannot be checked that {self.formulas.messages[0]}; write "
                "on_invalid='mask', which gives "
                "pairs of values and flags"
            )
        for test, message in zip(tests, self.formulas.messages, strict=True):
            if not bool(test.all() if hasattr(test, "all") else test):
                raise DomainError(failure(message, self.symbols, values))
        return found

    def _by_host(self, given: Sequence[Any], values: Sequence[Any]) -> list[Any]:
        """The same on Python integers; results that a tensor cannot hold are refused."""
        import numpy as np

        like = next(value for value in values if hasattr(value, "dtype"))
        arrays = [
            np.asarray(value.cpu() if hasattr(value, "cpu") else value) if hasattr(value, "dtype") else value
            for value in values
        ]
        results = NumpyRunner(self.formulas, self.symbols, self.mask)(arrays)
        found = []
        for result in results:
            flags = np.logical_not(np.ma.getmaskarray(result)) if self.mask else None
            data = np.ma.getdata(result)
            if data.dtype == object:
                kept = data if flags is None else np.where(flags, data, 0)
                if not fits((min(kept.flat), max(kept.flat))):
                    bits = max(abs(value) for value in kept.flat).bit_length()
                    raise BudgetError(
                        f"a result has {bits} bits, and a {self.backend} tensor holds 63 and a sign; use "
                        "backend='numpy', "
                        "which continues with Python integers"
                    )
                data = kept.astype(np.int64)
            tensor = self.library.from_numpy(np.ascontiguousarray(data), like)
            found.append(
                tensor if flags is None else (tensor, self.library.from_numpy(np.ascontiguousarray(flags), like))
            )
        return found
