"""What a network keeps of its forward pass: a fold that follows which tensor is which, so that one that several layers keep counts once.

What leaves a layer is a tensor of its own, unless the layer only shows its input in another order or under other axes. Of a repetition one
copy is followed; what lies between two copies is what leaves the one and enters the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Any

from sympy import Add, Expr, Integer, Mul, Symbol

from ..derivations.metric import repeated
from ..equations.examples import of_examples
from ..equations.heads import Group, Read, address_indices
from ..equations.instance import Instance
from ..equations.statements import Statement
from ..errors import UnsupportedError
from ..networks.carrier import Site
from ..networks.joins import Mul as Product
from ..records import dataclass
from ..sizes.dims import Index
from ..sizes.normal_form import simplify
from .following import FollowingCarrier, Part, Several, each
from .kept import Kept, kept_of
from .pytorch_kernels import kept_by_pytorch
from .training import Flag, backward_of, examples_of, wanted_of


class Tensor:
    """A tensor on its way through a network; its size is known once a layer has met it, or since it was made."""

    def __init__(
        self, elements: Expr | None = None, enters: bool = False, kind: str = "activations", each: bool = True
    ):
        self.elements, self.enters, self.kind, self.each = elements, enters, kind, each

    def met(self, elements: Expr) -> None:
        if self.elements is None:
            self.elements = elements


@dataclass(frozen=True)
class Arrival:
    """A tensor, and whether its gradient is asked for."""

    tensor: Tensor
    needs: bool

    @property
    def flag(self) -> Flag:
        return Flag(self.needs, self.tensor.each)


@dataclass(frozen=True)
class Entry:
    """So many elements of a kind, for every example or once for all."""

    elements: Expr
    kind: str
    each: bool = True


@dataclass
class Record:
    """What is kept: tensors that have been followed, each once, and others."""

    tensors: dict[Tensor, Entry] = field(default_factory=dict)
    others: list[Entry] = field(default_factory=list)

    def keep(self, tensor: Tensor, kind: str = "activations") -> list[Entry]:
        """Note a tensor; what is new in that."""
        assert tensor.elements is not None
        if tensor in self.tensors:
            return []
        self.tensors[tensor] = Entry(tensor.elements, kind, tensor.each)
        return [self.tensors[tensor]]

    @property
    def entries(self) -> list[Entry]:
        return [*self.tensors.values(), *self.others]


Arrivals = tuple[Arrival, ...]


class Saving(Part):
    """The value of a part: a function of what arrives and of what is kept so far, which it adds to, to what leaves."""

    def __init__(self, at: Callable[[Arrivals, Record], Any], blocks: bool = False):
        super().__init__(at, blocks)
        self.own: list[Entry] = []
        """What this node was the first to keep."""


class SavingCarrier(FollowingCarrier[Saving]):
    """Follows tensors over the nodes of a network and notes those that are kept."""

    opaque = None

    def __init__(self, policy: str, recompute: str):
        super().__init__(Saving, policy, recompute)

    def beginning(self) -> Saving:
        entering = Tensor(enters=True)
        return Saving(lambda arrivals, record: arrivals[0] if arrivals else Arrival(entering, False))

    # layers ----------------------------------------------------------------------------------------------------------

    def leaf(self, site: Site, port: int) -> Saving:
        instance = site.instance
        assert instance is not None

        def at(arrivals: Arrivals, record: Record) -> Any:
            if not instance.outputs:
                return Arrival(Tensor(Integer(0)), False)
            arrivals = arrivals[: len(site.inputs)]
            for arrival, flow in zip(arrivals, site.inputs):
                arrival.tensor.met(Mul(*flow.shape))
            several = len(instance.outputs) > 1
            seen = None if several else seen_through(instance, in_memory=self.policy == "pytorch")
            examples = examples_of(instance, (arrival.tensor.each for arrival in arrivals))
            found = backward_of(instance, wanted_of(instance, (arrival.needs for arrival in arrivals)), examples)
            each_own = of_examples(instance, examples)
            needs = bool(found.seeds) and bool(found.gradients)
            if isinstance(seen, str):
                return Arrival(Tensor(Integer(0), each=False), needs)
            if seen is not None and seen < len(arrivals):
                return Arrival(arrivals[seen].tensor, arrivals[seen].needs)
            outputs = {
                name: Arrival(Tensor(Mul(*instance.shapes[name]), each=name in each_own), needs and name in found.seeds)
                for name in instance.outputs
            }
            if needs:
                kept = kept_of(found, self.recompute == "selective")
                value.own = self._note(
                    instance,
                    kept_by_pytorch(found, kept) if self.policy == "pytorch" else kept,
                    arrivals,
                    outputs,
                    record,
                )
            return Several(outputs) if several else outputs[instance.outputs[0]]

        value = Saving(at)
        return value

    @staticmethod
    def _note(
        instance: Instance, kept: Kept, arrivals: Arrivals, outputs: Mapping[str, Arrival], record: Record
    ) -> list[Entry]:
        new: list[Entry] = []
        names = instance.layer.input_names
        for name, kind in kept.inputs.items():
            new += record.keep(arrivals[names.index(name)].tensor, kind)
        for name in kept.outputs:
            new += record.keep(outputs[name].tensor)
        others = [Entry(one.elements, one.kind, one.each) for one in kept.inner]
        record.others += others
        return [*new, *others]

    # compositions ----------------------------------------------------------------------------------------------------

    def joint(self, site: Site) -> Saving:
        join, count = site.join, len(site.inputs)
        linear = join.stacks or join.coefficients(count) is not None

        def at(arrivals: Arrivals, record: Record) -> Arrival:
            for arrival, flow in zip(arrivals, site.inputs):
                arrival.tensor.met(Mul(*flow.shape))
            asked = [place for place, arrival in enumerate(arrivals) if arrival.needs]
            if not linear and asked:
                if not isinstance(join, Product):
                    raise UnsupportedError(
                        f"at {site.path}: what the backward pass of {type(join).__name__} reads is not known; "
                        "give it coefficients, or write it as a layer with several inputs"
                    )
                value.own = [
                    entry
                    for place, arrival in enumerate(arrivals) if any(other != place for other in asked)
                    for entry in record.keep(arrival.tensor)
                ]  # fmt: skip
            each_own = any(arrival.tensor.each for arrival in arrivals)
            return Arrival(Tensor(Mul(*site.output.shape), each=each_own), bool(asked))

        value = Saving(at)
        return value

    # repetitions -----------------------------------------------------------------------------------------------------

    def copies(self, values: Sequence[Saving]) -> Saving:
        """Copies whose shapes differ: computed again as those of one shape are."""
        if self.recompute != "block":
            return self.series(values)

        def at(arrivals: Arrivals, record: Record) -> Arrival:
            for value in values:
                left = as_block(value, arrivals, record)
                arrivals = each(left)
            return left

        return Saving(at, True)

    def repeat(self, value: Saving, times: Expr, index: Symbol | None) -> Saving:
        def at(arrivals: Arrivals, record: Record) -> Arrival:
            start = one_copy(value, arrivals[0].flag if arrivals else Flag())
            later = one_copy(value, Flag(start.needs, start.leaving.each))
            if start.through:  # what leaves a copy is what entered it
                if start.record.tensors.get(start.entering) or later.record.tensors.get(later.entering):
                    arrivals[0].tensor.met(
                        _first(start.entering.elements or later.entering.elements or Integer(0), index)
                    )
                    record.keep(arrivals[0].tensor)
                self._inside(start, later, times, index, record)
                return Arrival(arrivals[0].tensor, start.needs)
            size = later.entering.elements
            arriving = arrivals[0].tensor if arrivals else Tensor()
            leaving = Tensor(_last(later.leaving.elements or Integer(0), times, index), each=later.leaving.each)
            if self.recompute == "block":
                if later.needs and size is not None:
                    arriving.met(_first(size, index))
                    known = start.record.tensors.get(start.entering)
                    record.keep(arriving, known.kind if known else "activations")
                    _between(record, Entry(size, "activations", later.entering.each), times, index)
                return Arrival(leaving, later.needs)
            self._inside(start, later, times, index, record)
            entry = start.record.tensors.get(start.entering)
            if entry is not None:
                arriving.met(_first(entry.elements, index))
                record.keep(arriving, entry.kind)
            outside = start.keeps_leaving, later.keeps_leaving
            if outside[0] != outside[1] and times != 1:
                raise UnsupportedError(
                    f"the first of {times} copies does not keep what leaves it, and the others do; write it before the others"
                )
            entry = later.record.tensors.get(later.entering)
            if entry is not None:
                _between(record, entry, times, index)
            elif later.keeps_leaving and later.leaving.elements is not None:
                made = later.leaving.elements
                total = Add(repeated(made, times, index), -_last(made, times, index))
                record.others.append(Entry(total, "activations", later.leaving.each))
            if outside[0]:
                record.keep(leaving)
            return Arrival(leaving, later.needs)

        return Saving(at, True)

    @staticmethod
    def _inside(start: _Copy, later: _Copy, times: Expr, index: Symbol | None, record: Record) -> None:
        """What all copies keep of tensors that neither enter nor leave one: the first copy may keep less."""
        for entry in later.inside:
            record.others.append(Entry(repeated(entry.elements, times, index), entry.kind, entry.each))
        if _counted(start.inside) != _counted(later.inside):
            for sign, copy in ((1, start), (-1, later)):
                record.others += [Entry(sign * _first(one.elements, index), one.kind, one.each) for one in copy.inside]


@dataclass
class _Copy:
    """One copy of a repetition: what enters, what leaves, what it keeps."""

    entering: Tensor
    leaving: Tensor
    needs: bool
    record: Record

    @property
    def through(self) -> bool:
        return self.leaving is self.entering

    @property
    def keeps_leaving(self) -> bool:
        return self.leaving in self.record.tensors

    @property
    def inside(self) -> list[Entry]:
        ends = (self.entering, self.leaving)
        return [
            *(entry for tensor, entry in self.record.tensors.items() if tensor not in ends), *self.record.others,
        ]  # fmt: skip


def one_copy(value: Saving, flag: Flag) -> _Copy:
    entering, record = Tensor(each=flag.each), Record()
    left = value.at((Arrival(entering, flag.needs),), record)
    if isinstance(left, Several):
        raise UnsupportedError("copies with several outputs are not followed here; give a number of copies")
    return _Copy(entering, left.tensor, left.needs, record)


def _counted(entries: Sequence[Entry]) -> dict[tuple[str, bool], Expr]:
    found: dict[tuple[str, bool], Expr] = {}
    for one in entries:
        found[one.kind, one.each] = found.get((one.kind, one.each), Integer(0)) + one.elements
    return found


def _first(elements: Expr, index: Symbol | None) -> Expr:
    return elements if index is None else elements.xreplace({index: Integer(0)})


def _last(elements: Expr, times: Expr, index: Symbol | None) -> Expr:
    return elements if index is None else elements.xreplace({index: times - 1})


def _between(record: Record, entry: Entry, times: Expr, index: Symbol | None) -> None:
    """What enters the second copy and all later ones."""
    total = Add(repeated(entry.elements, times, index), -_first(entry.elements, index))
    record.others.append(Entry(total, entry.kind, entry.each))


def as_block(value: Saving, arrivals: Arrivals, record: Record) -> Any:
    """A part of which only what enters is kept."""
    inside = Record()
    left = value.at(arrivals, inside)
    if any(one.needs for one in each(left)):
        for arrival in arrivals:
            known = inside.tensors.get(arrival.tensor)
            record.keep(arrival.tensor, known.kind if known else "activations")
    return left


def whole_as_block(value: Saving, entering: Sequence[Expr]) -> list[Entry]:
    """What enters a network, which is all that is kept of it, with the numbers of its elements."""
    inside = Record()
    if not any(one.needs for one in each(value.at((), inside))):
        return []
    rest, found = list(entering), []
    for tensor, entry in inside.tensors.items():
        if tensor.enters and entry.elements in rest:
            rest.remove(entry.elements)
            found.append(entry)
    return [*found, *(Entry(elements, "activations") for elements in rest)]


def seen_through(instance: Instance, in_memory: bool) -> int | str | None:
    """The number of the input that a layer only shows, its elements, each once, in an order of its own; or the name of a learned tensor.

    `in_memory`: as PyTorch's views, where a part of a tensor keeps all of it alive, and axes that do not lie side by side are not joined
    without a copy.
    """
    name = instance.outputs[0]
    names = instance.layer.input_names
    for _ in range(len(instance.statements) + 1):
        if name in names:
            whole = simplify(Mul(*instance.shapes[name]) - Mul(*instance.shapes[instance.outputs[0]])) == 0
            return names.index(name) if whole or in_memory else None
        if name not in instance.places:
            return name
        place = instance.places[name]
        line = instance.statements[place]
        if place in instance.recurrent or not _shows(line, in_memory) or _bounded(line, instance):
            return None
        assert isinstance(line.value, Read)
        name = line.value.tensor
    return None


def _shows(line: Statement, in_memory: bool) -> bool:
    value = line.value
    if not isinstance(value, Read) or line.joined != "sum" or line.scatters:
        return False
    if any(isinstance(part, Read) for part in value.address):
        return False
    left = [index for part in line.address for index in _letters(part)]
    right = [index for part in value.address for index in _letters(part)]
    plain = len(set(right)) == len(right) and set(left) == set(right)
    if not plain or not in_memory:
        return plain and not any(
            isinstance(part, Expr) and not isinstance(part, Index) and part.free_symbols for part in value.address
        )
    return all(
        any(tuple(right[at : at + len(part.parts)]) == part.parts for at in range(len(right)))
        for part in line.address if isinstance(part, Group)
    )  # fmt: skip


def _letters(part: Any) -> tuple[Index, ...]:
    if isinstance(part, Group):
        return part.parts
    return tuple(sorted(address_indices(part), key=str))


def _bounded(line: Statement, instance: Instance) -> bool:
    """Whether a mask leaves out some of a line."""
    own = frozenset().union(*map(address_indices, line.address))
    return any(mask.indices & own for mask in instance.elaborated.masks)
