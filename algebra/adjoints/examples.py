"""Where a backward pass adds over the examples: the gradients of what is the same for all of them."""

from __future__ import annotations

from functools import lru_cache

from sympy import Expr

from ..equations.examples import with_examples
from ..equations.heads import Head, Plus, Read, reads
from ..equations.instance import Instance
from .adjoint import Adjoint
from .reverse import Program


def over_examples(program: Program) -> tuple[frozenset[str], dict[int, tuple[Head, ...]]]:
    """The tensors that are the same for every example, and by the number of their line the terms of these that are added over the examples.

    The gradient of what is the same for every example is a sum over the examples. It is taken where something of an example is first read;
    what is computed from such sums and from what is learned alone is computed once. What scatters to places of every example's own adds
    there what falls on one place, whichever example it is of.
    """
    same, before = program.same | program.learned, -1
    while len(same) != before:
        before = len(same)
        same |= {line.target for line in program.statements if {read.tensor for read in line.reads} <= same}

    def differs(head: Head) -> bool:
        return any(read.tensor not in same for read in reads(head))

    added = {}
    for place, line in enumerate(program.statements):
        if line.target in program.learned and not any(differs(part) for part in line.address if isinstance(part, Read)):
            terms = line.value.terms if isinstance(line.value, Plus) else (line.value,)
            added[place] = tuple(filter(differs, terms))
    return frozenset(same), added


@lru_cache(maxsize=4096)
def lines_of_examples(found: Adjoint, number: Expr) -> Instance:
    """The lines of a backward pass for so many examples, with the sums over the examples written out."""
    same, added = over_examples(found.program)
    tensors = frozenset({*found.program.shapes, *found.program.given, *found.program.saved}) - same
    return with_examples(found.instance, tensors, number, added)
