"""The numba backend: the numpy backend with neighbouring steps joined into one machine-code loop.

numpy runs one operation after the other over a block; here each element goes through all of them at once, and the
values in between stay in registers. What is exact stays exact: the same bounds decide what fits into 64 bits, and
steps without an equal in machine code (Python integers, logarithms, exact division) are numpy's as before. The first
call on arrays of a kind takes about a second, in which the loops are compiled.

>>> from sympy import floor, symbols
>>> from layeralgebra import compile
>>> c, L = symbols("c L", integer=True, positive=True)
>>> compile(9 * c**2 * floor(L/2), "numba")(c=[64, 128], L=7)  # doctest: +SKIP
array([110592, 442368])
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any

from sympy import Symbol

from ...errors import UnsupportedError
from ..program.formulas import Formulas
from ..program.integer_bounds import Interval
from ..program.operations import STEPS
from .array_plan import Plan, Step
from .execution import Call, as_array
from .numpy_backend import LEAST_JOINED, NumpyRunner, ends
from .registry import Backend


def numba_module() -> Any:
    """numba, or an error that says how to get it."""
    try:
        import numba
    except ImportError as problem:
        raise UnsupportedError(
            f"backend='numba' needs numba ({problem}); install layeralgebra[numba], or use backend='numpy'"
        ) from problem
    return numba


def template(plan: Plan, step: Step) -> str | None:
    """How a step is written for one element; None if it is left to numpy."""
    kinds = {plan.types[number] for number in step.inputs}
    if "O" in kinds or step.value == "O":
        return None
    return STEPS[step.kernel].machine.get(plan.types[step.output])


def runs(plan: Plan, steps: Sequence[Step]) -> Iterator[list[Step]]:
    """Neighbouring steps that can be joined together, the others each alone."""
    joined: list[Step] = []
    for step in steps:
        if template(plan, step) is not None:
            joined.append(step)
            continue
        if joined:
            yield joined
            joined = []
        yield [step]
    if joined:
        yield joined


def join(plan: Plan, mask: int, wanted: set[int]) -> list[Call]:
    """The calls for the steps of a group: a loop for each run of steps that can be joined, else the step itself."""
    calls: list[Call] = []
    parts = list(runs(plan, plan.groups[mask]))
    for number, part in enumerate(parts):
        later = {read for other in parts[number + 1 :] for step in other for read in step.inputs}
        made = [step.output for step in part]
        kept = [output for output in made if output in wanted or output in later]
        read = sorted({read for step in part for read in step.inputs}.difference(made))
        if len(part) == 1:
            calls.append(Call(part[0].inputs, (part[0].output,), step=part[0]))
        elif kept:
            calls.append(Call(tuple(read), tuple(kept), kernel=_loop(plan, mask, part, read, kept)))
    return calls


def _loop(plan: Plan, mask: int, steps: Sequence[Step], read: Sequence[int], kept: Sequence[int]) -> Callable[..., Any]:
    """The machine code of some steps: a function of the arrays read and the arrays written."""
    name = {number: f"v{place}" for place, number in enumerate([*read, *(step.output for step in steps)])}
    rank = max(spanned.bit_length() for spanned in plan.masks)
    axes = [axis for axis in range(rank) if mask >> axis & 1]
    text = [f"def loop({', '.join(f'a{name[number]}' for number in (*read, *kept))}):"]
    text += [f"    {name[number]} = a{name[number]}[()]" for number in read if not plan.masks[number]]
    for depth, axis in enumerate(axes):
        text.append("    " * (depth + 1) + f"for i{axis} in range(a{name[kept[0]]}.shape[{axis}]):")
    margin = "    " * (len(axes) + 1)

    def element(number: int) -> str:
        spanned = plan.masks[number]
        return f"a{name[number]}[{', '.join(f'i{axis}' if spanned >> axis & 1 else '0' for axis in range(rank))}]"

    text += [f"{margin}{name[number]} = {element(number)}" for number in read if plan.masks[number]]
    for step in steps:
        operands = [name[number] for number in step.inputs]
        written = template(plan, step)
        assert written is not None, "only steps with a template are joined"
        text.append(f"{margin}{name[step.output]} = {written.format(*operands)}")
    text += [f"{margin}{element(number)} = {name[number]}" for number in kept]
    loop = _compiled("\n".join(text))
    numbers = [(place, plan.types[number]) for place, number in enumerate(read) if not plan.masks[number]]
    if not numbers:
        return loop

    def kernel(*arrays: Any) -> None:
        # A number that a step on Python integers reads as well comes as such an integer.
        given = list(arrays)
        for place, kind in numbers:
            if not hasattr(given[place], "dtype"):
                given[place] = as_array(given[place], kind)
        loop(*given)

    return kernel


@lru_cache(maxsize=512)
def _compiled(text: str) -> Callable[..., Any]:
    """A loop as machine code; its text consists of names and signs that this module made up."""
    module = builtins.compile(text, "<joined steps>", "exec")
    code = next(part for part in module.co_consts if isinstance(part, CodeType))
    function = FunctionType(code, {"__builtins__": builtins}, "loop")
    # A division by 0 is nobody's result (see the conditions of the formula), and must not stop the others.
    return numba_module().njit(error_model="numpy", nogil=True)(function)


@lru_cache(maxsize=1)
def _scan() -> Callable[[Any], tuple[int, int]]:
    """The smallest and the largest element of an array in one pass."""

    def scan(array: Any) -> tuple[int, int]:
        low = high = array[0]
        for place in range(array.size):
            value = array[place]
            low = value if value < low else low
            high = value if value > high else high
        return low, high

    return numba_module().njit(nogil=True)(scan)


class NumbaRunner(NumpyRunner):
    """Runs formulas on arrays, long ones in machine code."""

    def __init__(self, formulas: Formulas, symbols: Sequence[Symbol], mask: bool):
        numba_module()
        super().__init__(formulas, symbols, mask, join)

    def ends(self, value: Any) -> Interval:
        if getattr(value, "dtype", None) != "int64" or value.size < LEAST_JOINED or not value.flags.forc:
            return ends(value)
        low, high = _scan()(value.reshape(-1, order="A"))
        return int(low), int(high)


BACKEND = Backend(NumbaRunner, on_arrays=True)
