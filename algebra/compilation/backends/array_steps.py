"""The array steps of every operation of a program."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..program.operations import STEPS
from ..program.program import Program
from .array_plan import Plan, Planner

EXACT_FLOAT = 2**53


def plan_for(
    program: Program,
    masks: Sequence[int],
    types: Sequence[str],
    small: Sequence[int],
    size: Callable[[int], int],
    promoted: frozenset[int] = frozenset(),
) -> Plan:
    """The steps for a program whose places span given axes and are represented in given types.

    ``small`` says of each place whether it is an integer that a float represents exactly, ``promoted`` which divisions
    need not be exact.
    """
    planner = Planner(program, masks, types, size)
    for place in range(len(program)):
        if place not in planner.inlined:
            _emit(planner, place, types, small, promoted)
    return planner.plan


def _emit(planner: Planner, place: int, types: Sequence[str], small: Sequence[int], promoted: frozenset[int]) -> None:
    program = planner.program
    op, args, value = program.ops[place], program.args[place], program.values[place]
    if op == "input":
        return
    if op == "const":
        planner.plan.constants[place] = value
        return
    kind = types[place]
    if program.types[place] == "float":
        _emit_float(planner, place, small)
    elif program.types[place] == "bool":
        _emit_truth(planner, place, types)
    elif op == "quotient" and kind == "f":
        _emit_float(planner, place, small)
    elif op == "loop":
        planner.step("loop", args, kind, value, output=place)
    elif op == "realfloor":
        planner.step("realfloor", args, kind, value, output=place)
    else:
        _emit_integer(planner, place, types, promoted)


def _emit_integer(planner: Planner, place: int, types: Sequence[str], promoted: frozenset[int]) -> None:
    program = planner.program
    op, args, value = program.ops[place], program.args[place], program.values[place]
    kind = types[place]
    numbers = args[1:] if op == "where" else args
    # An operation on Python integers whose result fits is done on them and then converted.
    work = "O" if kind == "O" or any(types[arg] == "O" for arg in numbers) else "i"
    output = place if work == kind else None
    if op == "add":
        terms = []
        for arg, coefficient in zip(args, value[0], strict=True):
            more, factors = planner.expanded(arg)
            terms.append((coefficient * more, factors))
        result = planner.sum(terms, value[1], work, output)
    elif op in ("mul", "square"):
        coefficient, factors = (value, args) if op == "mul" else (1, args * 2)
        opened: list[int] = []
        for factor in factors:
            more, inner = planner.expanded(factor)
            coefficient *= more
            opened.extend(inner)
        result = planner.product(coefficient, opened, work, output)
    elif op == "where":
        chosen = (planner.as_type(args[1], work), planner.as_type(args[2], work))
        result = planner.step("where", (args[0], *chosen), work, output=output)
    else:
        inputs = tuple(planner.as_type(arg, work) for arg in args)
        if STEPS[op].folds:
            inputs = tuple(sorted(inputs, key=lambda number: (planner.size(planner.plan.masks[number]), number)))
            result = inputs[0]
            for position, other in enumerate(inputs[1:], start=2):
                last = output if position == len(inputs) else None
                result = planner.step(op, (result, other), work, output=last)
        else:
            kernel, inputs, payload = _specialised(planner, op, inputs, args, value, work)
            if op == "quotient":
                kernel, payload = ("fraction", None) if place in promoted else ("quotient", place)
            result = planner.step(kernel, inputs, work, payload, output=output)
    if work != kind:
        planner.step("convert", (result,), kind, output=place)


def _specialised(planner, op, inputs, args, value, work):
    """Floors and remainders by powers of two are shifts and masks of int64."""
    program = planner.program
    if op in ("floordiv", "mod") and work == "i" and program.ops[args[1]] == "const":
        divisor = program.values[args[1]]
        if divisor > 0 and divisor & (divisor - 1) == 0:
            if op == "floordiv":
                return "shift", (inputs[0], planner.constant(divisor.bit_length() - 1)), None
            return "bitand", (inputs[0], planner.constant(divisor - 1)), None
    if op == "intpow" and work == "i" and program.ops[args[0]] == "const" and program.values[args[0]] == 2:
        return "leftshift", (planner.constant(1), inputs[1]), None
    return op, inputs, value


def _emit_truth(planner: Planner, place: int, types: Sequence[str]) -> None:
    program = planner.program
    op, args, value = program.ops[place], program.args[place], program.values[place]
    if op == "loop":
        planner.step("loop", args, "b", value, output=place)
    elif any(types[arg] != "b" for arg in args):
        work = "O" if any(types[arg] == "O" for arg in args) else types[args[0]]
        inputs = tuple(planner.as_type(arg, work) if work == "O" else arg for arg in args)
        planner.step(op, inputs, "b", work, output=place)
    elif op == "not":
        planner.step("not", args, "b", output=place)
    else:
        result = args[0]
        for position, other in enumerate(args[1:], start=2):
            result = planner.step(op, (result, other), "b", output=place if position == len(args) else None)


def _emit_float(planner: Planner, place: int, small: Sequence[int]) -> None:
    program = planner.program
    op, args, value = program.ops[place], program.args[place], program.values[place]
    if op in ("ratio", "quotient", "logratio"):
        top, bottom = args
        whole = program.ops[bottom] == "const" and program.values[bottom] == 1
        types = planner.plan.types
        fast = types[top] == "i" and types[bottom] == "i" and (whole or small[top] and small[bottom])
        kernel = "ratio" if op == "quotient" else op
        if fast and whole:
            planner.step("float" if kernel == "ratio" else "logfloat", (top,), "f", output=place)
        elif fast:
            planner.step("divide" if kernel == "ratio" else "logdivide", args, "f", output=place)
        else:
            planner.step(kernel, args, "f", output=place)
    elif op == "mul":
        planner.product(1, args, "f", place)
    elif STEPS[op].folds:
        inputs = sorted(args, key=lambda number: (planner.size(planner.plan.masks[number]), number))
        result = inputs[0]
        for position, other in enumerate(inputs[1:], start=2):
            result = planner.step(op, (result, other), "f", output=place if position == len(inputs) else None)
    elif op == "pow" and program.ops[args[1]] == "const" and program.values[args[1]] in _POWERS:
        planner.step("func", args[:1], "f", _POWERS[program.values[args[1]]], output=place)
    else:
        planner.step(op, args, "f", value, output=place)


_POWERS = {-1.0: "reciprocal", 2.0: "square"}
