"""Whether an integer formula is a multiple of a number whatever its integer arguments are.

``T*(T + 1)/2`` is always an integer, though SymPy does not say so: modulo 2 there are two cases for T, and both give 0.
A polynomial modulo d depends on its arguments modulo d alone, so trying all residues decides.
"""

from __future__ import annotations

from itertools import product

from .operations import OPERATIONS
from .program import Program

LIMIT = 1024  # residues tried at most; beyond it the division is checked when it happens


def always_divides(program: Program, place: int, divisor: int) -> bool:
    """Whether the divisor divides the value at a place for all integer arguments; False where that is not shown."""
    ring, leaves, stack = set(), set(), [place]
    while stack:
        current = stack.pop()
        if current in ring or current in leaves:
            continue
        if OPERATIONS[program.ops[current]].residue is not None:
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
            residue = OPERATIONS[program.ops[current]].residue
            assert residue is not None
            known[current] = residue(program.values[current], [known[arg] for arg in program.args[current]]) % divisor
        if known[place] % divisor:
            return False
    return True
