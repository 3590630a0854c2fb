"""What a layer keeps of its forward pass for its backward pass, read from the equations of both.

The equations of the adjoint read inputs, the output and tensors in between. Of these, one that only elementwise lines read and that is an
elementwise function of what is kept anyway is computed again where it is read (the error function within GELU, the gate within SiLU); what a
matrix product reads is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from sympy import Expr, Mul

from ..equations.examples import drawn, made_of
from ..equations.heads import (
    Apply,
    Constant,
    Head,
    IndexValue,
    Plus,
    Read,
    Reduce,
    Select,
    Softmax,
    Times,
    children,
    reads,
    walk,
)
from ..equations.instance import Instance
from ..equations.statements import Statement, is_contraction
from ..records import dataclass
from .adjoint import Adjoint
from .recomputation import computed_again, is_view

KINDS = ("activations", "masks", "indices", "statistics")
"""Numbers that depend on an example; truths; places, as words and as where an extremum stands; means, deviations and extrema along an axis."""


@dataclass(frozen=True)
class Inner:
    """A tensor that a layer keeps and that neither enters nor leaves it; `each` says whether every example has one of its own."""

    name: str
    elements: Expr
    kind: str
    each: bool = True


@dataclass(frozen=True)
class Kept:
    """What a layer keeps: of its inputs, with their kinds; of its outputs; and tensors in between."""

    inputs: Mapping[str, str]
    outputs: tuple[str, ...]
    inner: tuple[Inner, ...]


@lru_cache(maxsize=4096)
def kept_of(found: Adjoint, selective: bool = False) -> Kept:
    """What the equations of a backward pass read of the forward pass; `selective` leaves out what is computed again."""
    forward = found.extended
    lines = {statement.target: statement for statement in forward.statements}
    masks_drawn = drawn(forward)
    of_examples = made_of(found.program.of_examples, forward)
    outputs = found.forward.outputs
    dropped = frozenset(computed_again(found)) if selective else frozenset()
    names = [name for name in found.saved if name not in dropped]
    names = _not_elementwise(found, names, lines)
    given = [
        name for name, role in found.program.given.items() if role == "input" and name in forward.layer.input_names
    ]
    masks = [
        name for name in found.program.given
        if name in masks_drawn and not (dropped and _readers(name, forward) <= dropped)
    ]  # fmt: skip
    inner = [
        Inner(name, Mul(*found.forward.shapes[name]), _kind(name, forward, lines, of_examples, inner=True)) for name in masks
    ]  # fmt: skip
    inner += [
        Inner(name, Mul(*found.saved[name]), _kind(name, forward, lines, of_examples, inner=True), name in of_examples)
        for name in names if name not in outputs
    ]  # fmt: skip
    inputs = {name: _kind(name, forward, lines, of_examples) for name in given}
    return Kept(inputs, tuple(name for name in outputs if name in names), tuple(inner))


def _readers(name: str, forward: Instance) -> set[str]:
    return {line.target for line in forward.statements if any(read.tensor == name for read in line.reads)}


# what is computed again at no more than elementwise cost ---------------------------------------------------------------


def _not_elementwise(found: Adjoint, names: list[str], lines: Mapping[str, Statement]) -> list[str]:
    """Those that are no elementwise function of what is kept anyway, or that a matrix product reads."""
    forward = found.extended
    operands = _operands(found)
    order = [statement.target for statement in forward.statements if statement.target in names]
    bound = {name for name in order if name in operands or not _is_elementwise(name, forward, lines)}
    known = bound | {name for name in found.program.given if name in found.forward.shapes}
    kept = []
    for name in order:
        if name in bound:
            kept.append(name)
        elif not _follows(name, known, forward, lines):
            kept.append(name)
            known.add(name)
    return kept


def _operands(found: Adjoint) -> set[str]:
    """The tensors that a product of tensors alone reads, summed over an index or, of what is learned, over the examples."""
    program = found.program
    views = {line.target: line.value for line in program.statements}
    made = set()
    for line in program.statements:
        products = [head.body for head in walk(line.value) if isinstance(head, Reduce) and is_contraction(head)]
        if line.target in program.learned:
            products += [head for head in walk(line.value) if isinstance(head, Times)]
        for body in products:
            assert isinstance(body, Times)
            factors = [factor for factor in body.factors if not isinstance(factor, Constant)]
            if all(isinstance(factor, Read) for factor in factors):
                made |= {factor.tensor for factor in factors if isinstance(factor, Read)}
    waiting = list(made)
    while waiting:  # through margins and other views of what is kept
        value = views.get(waiting.pop())
        if value is not None and is_view(value):
            below = {read.tensor for read in reads(value)} - made
            made |= below
            waiting += below
    return made


def _is_elementwise(name: str, forward: Instance, lines: Mapping[str, Statement]) -> bool:
    line = lines[name]
    if line.joined != "sum" or line.scatters or forward.places[name] in forward.recurrent:
        return False
    heads = list(walk(line.value))
    plain = (Constant, IndexValue, Plus, Times, Apply)
    return all(
        isinstance(head, plain) or isinstance(head, Read) and not any(isinstance(part, Read) for part in head.address)
        for head in heads
    ) and bool(list(line.reads))


def _follows(name: str, known: set[str], forward: Instance, lines: Mapping[str, Statement]) -> bool:
    """Whether a tensor is an elementwise function of known ones, through lines that are elementwise too."""
    waiting, seen = [name], {name}
    while waiting:
        here = waiting.pop()
        for read in lines[here].reads:
            source = read.tensor
            if source in known or source in seen or forward.roles.get(source) in ("weight", "buffer"):
                continue
            if source not in lines or not _is_elementwise(source, forward, lines):
                return False
            seen.add(source)
            waiting.append(source)
    return True


# kinds -----------------------------------------------------------------------------------------------------------------


def _kind(
    name: str, forward: Instance, lines: Mapping[str, Statement], of_examples: frozenset[str], inner: bool = False
) -> str:
    """What a tensor holds, by the line that makes it and by how it is read."""
    line = lines.get(name)
    if name in forward.looked_up() or line is not None and _is_place(line.value):
        return "indices"
    if line is not None and _is_truth(line.value) or _only_asked(name, forward):
        return "masks"
    return "statistics" if inner and _is_statistic(name, lines, of_examples) else "activations"


def _is_place(value: Head) -> bool:
    return isinstance(value, Select) and value.operation != "sort"


def _is_truth(value: Head) -> bool:
    if isinstance(value, Times):
        return all(map(_is_truth, value.factors))
    return isinstance(value, Apply) and value.function in ("less", "equal")


def _only_asked(name: str, forward: Instance) -> bool:
    """Whether of a tensor only matters whether it is 0."""
    asked, others = 0, 0
    for line in forward.statements:
        for head in walk(line.value):
            if isinstance(head, Apply) and head.function == "choose":
                asked += isinstance(head.arguments[0], Read) and head.arguments[0].tensor == name
        others += sum(read.tensor == name for read in line.reads)
    return 0 < asked == others


def _is_statistic(name: str, lines: Mapping[str, Statement], of_examples: frozenset[str]) -> bool:
    """Whether a tensor is made of means, sums and extrema along an axis alone, matrix products apart."""
    line = lines.get(name)
    if line is None or line.scatters:
        return False
    reduced, outside = _taken_apart(line.value)
    if outside is None:
        return False
    below = {read for read in outside if read in of_examples}
    return (reduced or bool(below)) and all(_is_statistic(read, lines, of_examples) for read in below if read != name)


def _taken_apart(head: Head) -> tuple[bool, set[str] | None]:
    """Whether something is reduced, and what is read outside of that; None: a matrix product or a softmax."""
    if isinstance(head, Reduce):
        return (False, None) if _multiplies_two(head) else (True, set())
    if isinstance(head, (Softmax, Select)):
        return False, None
    if isinstance(head, Read):
        return False, {head.tensor}
    reduced = False
    outside: set[str] = set()
    for child in children(head):
        below, read = _taken_apart(child)
        if read is None:
            return False, None
        reduced, outside = reduced or below, outside | read
    return reduced, outside


def _multiplies_two(head: Reduce) -> bool:
    return is_contraction(head) and len({read.tensor for read in reads(head.body)}) > 1
