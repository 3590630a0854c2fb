"""Where a backward pass adds over the examples: the gradients of what is the same for all of them."""

from __future__ import annotations

from ..equations.heads import Head, Plus, reads
from .reverse import Program


def over_examples(program: Program) -> list[tuple[Head, ...]]:
    """Of every line the terms that are added over the examples; none of a line that is one for each example, or made of such sums.

    The gradient of what depends on no input is a sum over the examples. It is taken where something of the examples is first read; what is
    computed from such sums and from what is learned alone is computed once.
    """
    same = (
        {name for name, role in program.given.items() if role in ("weight", "buffer")} | program.same | program.learned
    )
    before = -1
    while len(same) != before:
        before = len(same)
        same |= {
            line.target for line in program.statements if line.reads and {read.tensor for read in line.reads} <= same
        }
    found: list[tuple[Head, ...]] = []
    for line in program.statements:
        if line.target not in program.learned or line.scatters:
            found.append(())
            continue
        terms = line.value.terms if isinstance(line.value, Plus) else (line.value,)
        found.append(tuple(term for term in terms if any(read.tensor not in same for read in reads(term))))
    return found
