"""Whether an integer formula is a multiple of a number whatever its integer arguments are.

``T*(T + 1)/2`` is always an integer, though SymPy does not say so: modulo 2 there are two cases for T, and both give 0.
A polynomial modulo d depends on its arguments modulo d alone, so trying all residues decides.
"""

from __future__ import annotations

from itertools import product

from .program import RING, Program

LIMIT = 1024  # residues tried at most; beyond it the division is checked when it happens


def always_divides(program: Program, place: int, divisor: int) -> bool:
    """Whether the divisor divides the value at a place for all integer arguments; False where that is not shown."""
    ring, leaves, stack = set(), set(), [place]
    while stack:
        current = stack.pop()
        if current in ring or current in leaves:
            continue
        if program.ops[current] in RING or program.ops[current] == "const":
            ring.add(current)
            stack.extend(program.args[current])
        elif program.whole[current]:
            leaves.add(current)
        else:
            return False
        if divisor ** len(leaves) > LIMIT or len(ring) > 200:
            return False
    order = sorted(ring)
    for residues in product(range(divisor), repeat=len(leaves)):
        known = dict(zip(sorted(leaves), residues, strict=True))
        for current in order:
            known[current] = _ring_operation(program, current, known) % divisor
        if known[place] % divisor:
            return False
    return True


def _ring_operation(program: Program, place: int, known: dict[int, int]) -> int:
    op, value = program.ops[place], program.values[place]
    operands = [known[arg] for arg in program.args[place]]
    if op == "const":
        return value
    if op == "square":
        return operands[0] ** 2
    if op == "add":
        return sum((k * x for k, x in zip(value[0], operands, strict=True)), value[1])
    for operand in operands:
        value *= operand
    return value
