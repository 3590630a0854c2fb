"""What is computed again of one layer in its backward pass rather than kept: selective recomputation."""

from __future__ import annotations

from collections.abc import Iterable

from sympy import Expr, Mul

from ..equations.examples import made_of, with_examples
from ..equations.heads import Head, Pad, Read
from ..equations.work import Work, statement_work, work
from ..errors import UnsupportedError
from ..sizes.normal_form import is_nonnegative, is_positive
from .adjoint import Adjoint


def is_view(value: Head) -> bool:
    """Whether a line only shows what is there already, with margins around it or without."""
    return isinstance(value, (Pad, Read))


def computed_again(found: Adjoint) -> list[str]:
    """The tensors whose share of what is saved is larger than the share of the work that their lines do."""
    if not found.saved:
        return []
    extended = found.extended
    elements = {name: Mul(*shape) for name, shape in found.saved.items()}
    works = {name: statement_work(extended, extended.places[name]) for name in elements}
    all_elements, all_work = sum(elements.values()), work(extended).flops
    chosen = []
    for name, count in elements.items():
        difference = count * all_work - works[name].flops * all_elements
        if is_positive(difference):
            chosen.append(name)
        elif not is_nonnegative(-difference):
            raise UnsupportedError(
                f"{found.layer}: whether {name} is computed again depends on sizes that are symbols; give numbers, or recompute='block'"
            )
    return chosen


def lines_again(found: Adjoint, chosen: Iterable[str]) -> list[str]:
    """The lines that make these tensors from what is kept."""
    extended = found.extended
    chosen = list(chosen)
    kept = set(found.saved) - set(chosen)
    again = dict.fromkeys(chosen)
    waiting = list(chosen)
    while waiting:
        for read in extended.statements[extended.places[waiting.pop()]].reads:
            if read.tensor in extended.places and read.tensor not in kept and read.tensor not in again:
                again[read.tensor] = None
                waiting.append(read.tensor)
    return list(again)


def work_again(found: Adjoint, number: Expr) -> Work:
    """What it costs to compute again what selective recomputation does not keep, for so many examples."""
    lines = lines_again(found, computed_again(found))
    several = with_examples(found.extended, made_of(found.program.of_examples, found.extended), number)
    return Work.total(statement_work(several, several.places[name]) for name in lines)
