"""Bounds of programs that compute with floats, over boxes of integers.

The bounds of integers come from `bounds`. Those of floats allow for rounding: every operation widens them by a
relative 1e-12.

>>> from sympy import log, symbols
>>> from layeralgebra import compile
>>> c = symbols("c", integer=True, positive=True)
>>> low, high = float_bounds(compile(c * log(c)).program, [(10, 20)])
>>> low < 10 * 2.302586 and high > 20 * 2.995732
True
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from math import inf
from typing import Any

from ...sizes.intervals import ANYTHING, Interval
from .integer_bounds import TRUTH
from .operations import OPERATIONS, interval
from .program import Program

SLACK = 1e-12


def float_bounds(program: Program, inputs: Sequence[Interval]) -> Interval:
    """Bounds of the first result for arguments in these intervals."""
    found: list[Interval] = []
    for place, (op, args, value, kind) in enumerate(
        zip(program.ops, program.args, program.values, program.types, strict=True)
    ):
        parts = [found[arg] for arg in args]
        if op == "input":
            ends = inputs[value]
        elif op == "const":
            ends = (value, value)
        elif op == "realfloor":
            ends = (math.floor(parts[0][0]) if abs(parts[0][0]) < inf else -inf,
                    math.ceil(parts[0][1]) if abs(parts[0][1]) < inf else inf)  # fmt: skip
        elif kind == "float":
            rule = OPERATIONS[op].real_bounds
            ends = _wider(*(rule(value, parts) if rule else ANYTHING))
        elif kind == "bool" and args and program.types[args[0]] == "float":
            ends = TRUTH
        else:
            ends = interval(op, value, parts)
        static = program.bounds[place]
        found.append((max(ends[0], static[0]), min(ends[1], static[1])))
    return found[program.outputs[0]]


def _wider(low: Any, high: Any) -> Interval:
    if math.isnan(low) or math.isnan(high):
        return ANYTHING
    return low - SLACK * abs(low) if abs(low) < inf else low, high + SLACK * abs(high) if abs(high) < inf else high
