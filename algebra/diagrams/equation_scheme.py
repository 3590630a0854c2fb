"""What is drawn of a layer: a box for each line of its equation, and arrows for the tensors that other lines read.

Learned tensors and buffers are boxes beside the lines that read them. What a recurrence reads of earlier steps has a box of its
own, to which an arrow leads back from the line that computes it. Inputs and outputs are boxes too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from sympy import Expr

from ..equations.heads import Head, Plus, Read, Reduce, Times, address_indices, children
from ..equations.initial_lines import whole_again
from ..equations.instance import Instance
from ..equations.latex import schematic
from ..equations.recurrences import shift_of
from ..equations.simplified import tidied
from ..equations.statements import Statement
from ..networks.layer import Layer
from ..sizes.dims import Index
from .roles import role_of_line
from .scheme import Connected, Plain, Scheme, Sided, shape_text
from .short_text import ShortText

WRAPPED, WIDER, LONGEST = 24, 36, 40  # characters of a line, also of one of many, and of what is not broken
MOST_LINES = 12
_BLANK = re.compile(r"(?<![-+×<≤>]) (?![<≤>≥]|[^\[\]]*\])")
_SIGN = re.compile(r"(?<=[·,(])")


def equation_scheme(layer: Layer, instance: Instance | None, most: int | None = None) -> Scheme:
    """The scheme of the lines of a layer, with the sizes of its tensors at an instance; at most so many boxes in a row."""
    return _Lines(layer, instance).scheme(most)


class _Lines:
    """The lines of one layer."""

    def __init__(self, layer: Layer, instance: Instance | None):
        made = schematic(layer) if instance is None else instance.elaborated
        self.own = [line.target for line in made.statements]
        reads = [read for line in made.statements for read in line.reads]
        self.axes = {read.tensor: read.address for read in reversed(reads)}
        self.axes |= {line.target: line.address for line in made.statements}
        numbered = [replace(line, number=place) for place, line in enumerate(whole_again(made.statements))]
        self.made, self.left_out = tidied(replace(made, statements=numbered), layer.input_names, layer.output_names)
        self.layer, self.instance = layer, instance
        self.lines = self.made.statements
        self.text = ShortText(self._is_earlier_step)
        self.known = {line.target for line in self.lines} | set(layer.input_names) | set(layer.buffers)
        self.main = {line.target: place for place, line in enumerate(self.lines) if line.gives is None}
        self.told: set[str] = set()

    def scheme(self, most: int | None) -> Scheme:
        nodes: list[tuple[str, Scheme]] = [(name, self._input(name)) for name in self.layer.input_names]
        edges: dict[tuple[str, str], None] = {}
        earlier: dict[str, dict[str, None]] = {}
        for place, line in enumerate(self.lines):
            for read in line.reads:
                edges |= {(source, self._key(line)): None for source in self._sources(place, read)}
                if self._goes_back(place, read):
                    earlier.setdefault(read.tensor, {})[self.text.element(read)] = None
            nodes.append((self._key(line), self._line(line)))
        for name, steps in earlier.items():
            nodes.append((_earlier(name), Plain(tuple(steps), "input")))
            edges |= {(self._key(line), _earlier(name)): None for line in self._initial(name)}
        for name in self.layer.output_names:
            nodes.append((_output(name), Plain((f"output {name}",), "input")))
            edges[self._key(self.lines[self.main[name]]), _output(name)] = None
        loops = tuple((self._key(self.lines[self.main[name]]), _earlier(name)) for name in earlier)
        late = frozenset(name for name, _ in nodes if name not in self.layer.input_names)
        return Connected(tuple(nodes), tuple(edges), (), loops, late, most)

    # edges -----------------------------------------------------------------------------------------------------------

    def _key(self, line: Statement) -> str:
        return self.text.element(Read(line.target, line.address)) if line.gives is not None else line.target

    def _initial(self, name: str) -> list[Statement]:
        return [line for line in self.lines if line.target == name and line.gives is not None]

    def _goes_back(self, place: int, read: Read) -> bool:
        """Whether a line reads a tensor that it or a later one computes."""
        given = any(_is_step(read, line) for line in self._initial(read.tensor))
        return self.main.get(read.tensor, -1) >= place and not given

    def _sources(self, place: int, read: Read) -> Iterator[str]:
        """The boxes from which a read takes its elements, but for learned tensors and buffers."""
        if read.tensor in self.layer.input_names:
            yield read.tensor
        elif read.tensor in self.main:
            initial = self._initial(read.tensor)
            given = [line for line in initial if _is_step(read, line)]
            if given:
                yield from map(self._key, given)
            elif self._goes_back(place, read):
                yield _earlier(read.tensor)
            else:
                yield read.tensor
                if self._is_earlier_step(read):
                    yield from map(self._key, initial)

    def _is_earlier_step(self, read: Read) -> bool:
        """Whether a tensor is read some steps away from the element that its line computes."""
        if read.tensor not in self.main:
            return False
        own = self.lines[self.main[read.tensor]].address
        return len(own) == len(read.address) and any(map(shift_of, read.address, own))

    # boxes -----------------------------------------------------------------------------------------------------------

    def _input(self, name: str) -> Scheme:
        return Plain((f"input {name}", *self._sizes(name)), "input")

    def _line(self, line: Statement) -> Scheme:
        left = self.text.element(Read(line.target, line.address))
        role = role_of_line(line, self.known)
        sizes = self._sizes(self.own[line.number])
        box = Plain(
            (*_wrapped(left), *_wrapped(self.text.computed(line)), *sizes, *self._limits(line)), role, named=True
        )
        beside: dict[str, Read] = {}
        for read in line.reads:
            if read.tensor not in self.known or read.tensor in self.layer.buffers:
                beside.setdefault(read.tensor, read)
        return Sided(box, tuple(self._beside(line, read) for read in beside.values())) if beside else box

    def _beside(self, line: Statement, read: Read) -> Plain:
        buffer = read.tensor in self.layer.buffers
        name = f"{'buffer' if buffer else self._part(line, read.tensor)} {read.tensor}"
        address = ", ".join(map(self.text.address, read.address))
        return Plain((name, *(self._sizes(read.tensor) or _wrapped(f"[{address}]" if address else ""))), "learned")

    def _part(self, line: Statement, name: str) -> str:
        """What part a learned tensor has in a line: the first, as its reads are met from the left."""
        return next((part for tensor, part in _parts(line.value) if tensor == name), "table")

    def _sizes(self, name: str) -> tuple[str, ...]:
        """The shape of a tensor, without the axes that its box leaves out."""
        shape = () if self.instance is None else self.instance.shapes.get(name, ())
        axes = self.axes.get(name, shape)
        return _wrapped(shape_text([size for size, part in zip(shape, axes) if part not in self.left_out]))

    def _limits(self, line: Statement) -> tuple[str, ...]:
        """What holds for the indices of a line and was not told before: ranges that no sizes tell, and which values count."""
        addresses = (line.address, *(read.address for read in line.reads))
        here = {index for address in addresses for part in address for index in address_indices(part)}
        ordered = sorted(here, key=lambda index: index.name)
        found: list[str] = []
        for index in ordered:
            bound = self.made.bounds.get(index)
            if index in self.made.ranges:
                low, high = map(self.text.number, self.made.ranges[index])
                found.append(f"{low} ≤ {self.text.address(index)} < {high}")
            elif self.instance is None and bound is not None and not _is_its_own(index, bound):
                found.append(f"{self.text.address(index)} < {self.text.number(bound)}")
        found += [self.text.mask(mask) for mask in self.made.masks if mask.indices <= here]
        new = [limit for limit in found if limit not in self.told]
        self.told.update(new)
        return _wrapped(", ".join(new))


def _earlier(name: str) -> str:
    return f"earlier {name}"


def _output(name: str) -> str:
    return f"output {name}"


def _is_step(read: Read, line: Statement) -> bool:
    """Whether a read is of the very step that an initial line gives."""
    fixed = [(part, own) for part, own in zip(read.address, line.address) if isinstance(own, Expr) and own.is_number]
    return bool(fixed) and all(part == own for part, own in fixed)


def _is_its_own(index: Index, extent: Expr) -> bool:
    """Whether a bound says no more than that an index has as many values as it has."""
    return bool(extent.is_Symbol) and str(extent) == rf"\lvert {index.name} \rvert"


def _parts(head: Head, part: str = "weight", summed: bool = False) -> Iterator[tuple[str, str]]:
    """Every tensor that is read, with its part in the head around it."""
    if isinstance(head, Read):
        yield head.tensor, "table" if any(isinstance(place, Read) for place in head.address) else part
    if isinstance(head, Plus):
        part = "bias"
    elif isinstance(head, Times):
        part = "weight" if summed else "scale"
    else:
        part = "weight"
    summed |= isinstance(head, Reduce) and head.operation == "sum"
    for child in children(head):
        yield from _parts(child, part, summed)


def _wrapped(text: str) -> tuple[str, ...]:
    """A text in lines; it is broken after blanks that stand in no square brackets, and where there are none after signs.

    >>> _wrapped("sigmoid(Σ[f](Wa·x) + ba + Σ[p](Ua·h[t - 1, *s, p]) + da)")
    ('sigmoid(Σ[f](Wa·x) + ba', '+ Σ[p](Ua·h[t - 1, *s, p])', '+ da)')
    """
    lines, room = [""], WRAPPED if len(text) <= 4 * WRAPPED else WIDER
    for word in _BLANK.split(text):
        for piece in [word] if len(word) <= LONGEST else _SIGN.split(word):
            between = "" if not lines[-1] or piece is not word and not word.startswith(piece) else " "
            if lines[-1] and len(lines[-1]) + len(between) + len(piece) > room:
                lines.append(piece)
            else:
                lines[-1] += between + piece
    if len(lines) > MOST_LINES:
        lines = [*lines[: MOST_LINES - 1], "…"]
    return tuple(line for line in lines if line)
